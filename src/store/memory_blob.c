// SPDX-License-Identifier: Apache-2.0
//
// Blobs of the store in memory, which is as durable as they get here. They stand outside batches, and take the lock for themselves.
#include "store/memory.h"

static struct blob **blob_place(struct store *s, const uint8_t *name)
{
    struct blob **at = &s->blobs;
    while (*at != NULL && memcmp((*at)->name, name, WIRE_HASH) != 0) at = &(*at)->next;
    return at;
}

static void blob_drop(struct blob **at)
{
    struct blob *b = *at;
    *at = b->next;
    mem_free(b->bytes);
    mem_free(b);
}

static bool blob_expired(const struct blob *b, uint64_t now) { return now / 1000 >= b->expires; }

// The blob, if there is one that has not expired and the key fits; hash NULL: any key.
static struct blob *blob_find(struct store *s, const uint8_t *name, const uint8_t *hash, uint64_t now, enum wire_code *code)
{
    struct blob *b = *blob_place(s, name);
    bool ok = b != NULL && !blob_expired(b, now) && (hash == NULL || mem_equal(b->hash, hash, WIRE_HASH));
    *code = ok ? WIRE_OK : WIRE_E_NOT_FOUND;
    return ok ? b : NULL;
}

enum err memory_blob_create(struct store *s, const uint8_t *name, const uint8_t *hash, uint64_t size,
                                   uint32_t retention, const struct store_host *host, uint64_t now, enum wire_code *code)
{
    enum err e = ERR_OK;
    pthread_mutex_lock(&s->lock);
    struct blob **at = blob_place(s, name);
    if (*at != NULL && blob_expired(*at, now)) blob_drop(at);
    at = blob_place(s, name);
    *code = *at != NULL ? WIRE_E_EXISTS : size > s->settings.blob_max ? WIRE_E_LIMIT : memory_over(s, host, 0, size) ? WIRE_E_QUOTA : WIRE_OK;
    struct blob *b = *code == WIRE_OK ? mem_new(sizeof *b) : NULL;
    if (b != NULL) {
        *b = (struct blob){.most = size,
                           .host = *host,
                           .expires = now / 1000 + BLOB_IDLE_S,
                           .retention = retention == 0 ? s->settings.blob_retention : retention};
        memcpy(b->name, name, WIRE_HASH);
        memcpy(b->hash, hash, WIRE_HASH);
        *at = b;
    } else if (*code == WIRE_OK) {
        e = ERR_MEMORY;
    }
    pthread_mutex_unlock(&s->lock);
    return e;
}

static enum err blob_add(struct blob *b, struct span data)
{
    if (b->size + data.n > b->room) {
        uint64_t room = b->room == 0 ? 4096 : 2 * b->room;
        while (room < b->size + data.n) room *= 2;
        uint8_t *more = mem_new((size_t)room);
        if (more == NULL) return ERR_MEMORY;
        if (b->size > 0) memcpy(more, b->bytes, (size_t)b->size);
        mem_free(b->bytes);
        b->bytes = more;
        b->room = room;
    }
    memcpy(b->bytes + b->size, data.p, data.n);
    b->size += data.n;
    return ERR_OK;
}

static void blob_tell(const struct blob *b, struct store_blob *out)
{
    *out = (struct store_blob){.size = b->size, .sealed = b->sealed, .expires = b->expires};
}

enum err memory_blob_append(struct store *s, const uint8_t *name, const uint8_t *hash, uint64_t offset,
                                   struct span data, uint64_t now, struct store_blob *out, enum wire_code *code)
{
    enum err e = ERR_OK;
    pthread_mutex_lock(&s->lock);
    struct blob *b = blob_find(s, name, hash, now, code);
    if (b != NULL && b->sealed) *code = WIRE_E_SEALED;
    else if (b != NULL && offset != b->size) *code = WIRE_E_OFFSET;
    else if (b != NULL && data.n > b->most - b->size) *code = WIRE_E_LIMIT;
    else if (b != NULL) e = blob_add(b, data);
    // An engine that has to write it down does so once an hour.
    if (b != NULL && *code == WIRE_OK && b->expires < now / 1000 + BLOB_IDLE_S - 3600)
        b->expires = now / 1000 + BLOB_IDLE_S;
    if (b != NULL) blob_tell(b, out);
    pthread_mutex_unlock(&s->lock);
    return e;
}

enum err memory_blob_seal(struct store *s, const uint8_t *name, const uint8_t *hash, uint64_t size, uint64_t now,
                                 enum wire_code *code)
{
    pthread_mutex_lock(&s->lock);
    struct blob *b = blob_find(s, name, hash, now, code);
    if (b != NULL && size != b->size) *code = b->sealed ? WIRE_E_SEALED : WIRE_E_OFFSET;
    else if (b != NULL && !b->sealed) {
        b->sealed = true;
        b->expires = now / 1000 + b->retention;
    }
    pthread_mutex_unlock(&s->lock);
    return ERR_OK;
}

enum err memory_blob_delete(struct store *s, const uint8_t *name, const uint8_t *hash, enum wire_code *code)
{
    pthread_mutex_lock(&s->lock);
    struct blob **at = blob_place(s, name);
    bool ok = *at != NULL && mem_equal((*at)->hash, hash, WIRE_HASH);
    if (ok) blob_drop(at);
    *code = ok ? WIRE_OK : WIRE_E_NOT_FOUND;
    pthread_mutex_unlock(&s->lock);
    return ERR_OK;
}

enum err memory_blob_stat(struct store_reader *r, const uint8_t *name, uint64_t now, struct store_blob *out,
                                 enum wire_code *code)
{
    pthread_mutex_lock(&r->s->lock);
    const struct blob *b = blob_find(r->s, name, NULL, now, code);
    if (b != NULL) blob_tell(b, out);
    pthread_mutex_unlock(&r->s->lock);
    return ERR_OK;
}

enum err memory_blob_read(struct store_reader *r, const uint8_t *name, uint64_t offset, uint32_t limit, uint64_t now,
                                 struct buf *out, enum wire_code *code)
{
    pthread_mutex_lock(&r->s->lock);
    const struct blob *b = blob_find(r->s, name, NULL, now, code);
    if (b != NULL && !b->sealed) *code = WIRE_E_SEALED;
    if (b != NULL && b->sealed && offset < b->size) {
        uint64_t n = b->size - offset < limit ? b->size - offset : limit;
        buf_put(out, span_of(b->bytes + offset, (size_t)n));
    }
    pthread_mutex_unlock(&r->s->lock);
    return buf_end(out);
}

enum err memory_blob_expire(struct store *s, uint64_t now, bool *more)
{
    pthread_mutex_lock(&s->lock);
    for (struct blob **at = &s->blobs; *at != NULL;) {
        if (blob_expired(*at, now)) blob_drop(at);
        else at = &(*at)->next;
    }
    pthread_mutex_unlock(&s->lock);
    *more = false;
    return ERR_OK;
}

void memory_blob_drop_all(struct store *s)
{
    while (s->blobs != NULL) blob_drop(&s->blobs);
}
