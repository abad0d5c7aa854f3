// SPDX-License-Identifier: Apache-2.0
//
// MIMI content. A message is an array of seven; its parts are a tree, which stands here as the list of its nodes, a parent before its
// children: then a part's place in the list is the part index by which other parts name it (draft §3.3).
#include "content/content.h"

#include "base/utf8.h"
#include "codec/cbor.h"

enum { SENDER = 1, ROOM = 2, EXTENSION_DEPTH = 3 };
static const uint64_t key_max = ((uint64_t)1 << 53) - 1; // of a double

void content_init(struct content *c, const uint8_t salt[CONTENT_SALT], enum content_disposition disposition, const char *type,
                  struct span body)
{
    *c = (struct content){.part_count = 1};
    memcpy(c->salt, salt, CONTENT_SALT);
    c->parts[0] = (struct content_part){.disposition = (uint8_t)disposition, .cardinality = CONTENT_SINGLE, .type = span_str(type),
                                        .body = body};
}

// ------------------------------------------------------------------------------------------------------------- reading

static bool read_id(struct cbor_reader *r, uint8_t id[CONTENT_ID])
{
    if (cbor_null(r)) return false;
    struct span s = cbor_bytes(r);
    if (s.n != CONTENT_ID) {
        cbor_fail(r);
        return false;
    }
    memcpy(id, s.p, CONTENT_ID);
    return true;
}

static void read_expiry(struct cbor_reader *r, struct content *c)
{
    c->expires = !cbor_null(r);
    if (!c->expires) return;
    if (cbor_array(r) != 2) cbor_fail(r);
    c->expires_after_reading = cbor_bool(r);
    c->expires_at = (uint32_t)cbor_uint(r, UINT32_MAX);
}

// An integer that a double can hold, or text of 1 to CONTENT_NAME_MAX bytes.
static bool key_ok(struct span key)
{
    struct cbor_reader r = cbor_reader_of(key);
    switch (cbor_peek(&r)) {
    case CBOR_UINT: (void)cbor_uint(&r, key_max); break;
    case CBOR_NEGATIVE: (void)cbor_negative(&r, key_max - 1); break;
    case CBOR_TEXT: {
        struct span name = cbor_text(&r);
        return name.n >= 1 && name.n <= CONTENT_NAME_MAX;
    }
    default: return false;
    }
    return cbor_end(&r) == ERR_OK;
}

// The two that are known give URIs; the rest stays as it is.
static void read_extensions(struct cbor_reader *r, struct content *c)
{
    struct span last = {0};
    size_t n = cbor_map(r);
    for (size_t i = 0; i < n && r->err == ERR_OK; i++) {
        struct span key = cbor_key(r, &last);
        if (r->err != ERR_OK || !key_ok(key)) {
            cbor_fail(r);
            return;
        }
        if (key.n == 1 && (key.p[0] == SENDER || key.p[0] == ROOM)) {
            *(key.p[0] == SENDER ? &c->sender : &c->room) = cbor_text(r);
            continue;
        }
        struct span value = cbor_any(r, EXTENSION_DEPTH);
        if (c->extension_count == CONTENT_EXTENSIONS_MAX || value.n > CONTENT_VALUE_MAX) {
            cbor_limit(r);
            return;
        }
        c->extensions[c->extension_count++] = (struct content_extension){.key = key, .value = value};
    }
    if ((c->sender.n == 0 && c->sender.p != NULL) || (c->room.n == 0 && c->room.p != NULL)) cbor_fail(r); // told, and empty
}

static void read_external(struct cbor_reader *r, struct content_part *p)
{
    struct content_external *x = &p->external;
    p->type = cbor_text(r);
    x->url = cbor_text(r);
    x->expires = (uint32_t)cbor_uint(r, UINT32_MAX);
    x->size = cbor_uint(r, UINT64_MAX);
    x->encryption = (uint16_t)cbor_uint(r, UINT16_MAX);
    x->key = cbor_bytes(r);
    x->nonce = cbor_bytes(r);
    x->aad = cbor_bytes(r);
    x->hash = (uint8_t)cbor_uint(r, UINT8_MAX);
    x->digest = cbor_bytes(r);
    x->description = cbor_text(r);
    x->filename = cbor_text(r);
}

static const size_t elements[] = {[CONTENT_NULL] = 3, [CONTENT_SINGLE] = 5, [CONTENT_EXTERNAL] = 15, [CONTENT_MULTI] = 5};

// One part and, by recursion of CONTENT_DEPTH_MAX levels at most, what is in it.
static void read_part(struct cbor_reader *r, struct content *c, unsigned level)
{
    size_t n = cbor_array(r);
    if (r->err != ERR_OK) return;
    if (c->part_count == CONTENT_PARTS_MAX || level > CONTENT_DEPTH_MAX) {
        cbor_limit(r);
        return;
    }
    struct content_part *p = &c->parts[c->part_count++];
    p->disposition = (uint8_t)cbor_uint(r, UINT8_MAX);
    p->language = cbor_text(r);
    p->cardinality = (uint8_t)cbor_uint(r, CONTENT_MULTI);
    if (n != elements[p->cardinality]) cbor_fail(r);
    switch (p->cardinality) {
    case CONTENT_NULL: return;
    case CONTENT_SINGLE:
        p->type = cbor_text(r);
        p->body = cbor_bytes(r);
        return;
    case CONTENT_EXTERNAL: read_external(r, p); return;
    default: break;
    }
    p->semantics = (uint8_t)cbor_uint(r, CONTENT_PROCESS_ALL);
    size_t children = cbor_array(r);
    if (children < 2) cbor_fail(r);
    p->children = children < CONTENT_PARTS_MAX ? (uint16_t)children : CONTENT_PARTS_MAX;
    for (size_t i = 0; i < children && r->err == ERR_OK; i++) read_part(r, c, level + 1);
}

enum err content_decode(struct span bytes, struct content *out)
{
    if (bytes.n > CONTENT_MESSAGE_MAX) return ERR_LIMIT;
    struct cbor_reader r = cbor_reader_of(bytes);
    struct content *c = mem_new(sizeof *c);
    if (c == NULL) return ERR_MEMORY;
    if (cbor_array(&r) != 7) cbor_fail(&r);
    struct span salt = cbor_bytes(&r);
    if (salt.n != CONTENT_SALT) cbor_fail(&r);
    else memcpy(c->salt, salt.p, CONTENT_SALT);
    c->replaces = read_id(&r, c->replaced);
    c->topic = cbor_bytes(&r);
    if (c->topic.n > CONTENT_TOPIC_MAX) cbor_limit(&r);
    read_expiry(&r, c);
    c->replies = read_id(&r, c->replied);
    read_extensions(&r, c);
    read_part(&r, c, 1);
    enum err e = cbor_end(&r);
    if (e == ERR_OK) *out = *c;
    mem_free_wiped(c, sizeof *c);
    return e;
}

// ------------------------------------------------------------------------------------------------------------- writing

static void write_id(struct buf *out, bool there, const uint8_t id[CONTENT_ID])
{
    if (there) cbor_put_bytes(out, span_of(id, CONTENT_ID));
    else cbor_put_null(out);
}

static void write_extensions(struct buf *out, const struct content *c)
{
    cbor_put_map(out, c->extension_count + (c->sender.n > 0) + (c->room.n > 0));
    bool sender = c->sender.n == 0, room = c->room.n == 0; // done
    for (size_t i = 0; i <= c->extension_count; i++) {
        // Positive keys come first, by size; 0 alone stands before the two that are known.
        bool zero = i < c->extension_count && c->extensions[i].key.n == 1 && c->extensions[i].key.p[0] == 0;
        if (!sender && !zero) {
            cbor_put_uint(out, SENDER);
            cbor_put_text(out, c->sender);
            sender = true;
        }
        if (!room && !zero) {
            cbor_put_uint(out, ROOM);
            cbor_put_text(out, c->room);
            room = true;
        }
        if (i == c->extension_count) return;
        buf_put(out, c->extensions[i].key);
        buf_put(out, c->extensions[i].value);
    }
}

static void write_external(struct buf *out, const struct content_external *x)
{
    cbor_put_text(out, x->url);
    cbor_put_uint(out, x->expires);
    cbor_put_uint(out, x->size);
    cbor_put_uint(out, x->encryption);
    cbor_put_bytes(out, x->key);
    cbor_put_bytes(out, x->nonce);
    cbor_put_bytes(out, x->aad);
    cbor_put_uint(out, x->hash);
    cbor_put_bytes(out, x->digest);
    cbor_put_text(out, x->description);
    cbor_put_text(out, x->filename);
}

static void write_part(struct buf *out, const struct content_part *p)
{
    cbor_put_array(out, elements[p->cardinality]);
    cbor_put_uint(out, p->disposition);
    cbor_put_text(out, p->language);
    cbor_put_uint(out, p->cardinality);
    if (p->cardinality == CONTENT_SINGLE || p->cardinality == CONTENT_EXTERNAL) cbor_put_text(out, p->type);
    if (p->cardinality == CONTENT_SINGLE) cbor_put_bytes(out, p->body);
    if (p->cardinality == CONTENT_EXTERNAL) write_external(out, &p->external);
    if (p->cardinality == CONTENT_MULTI) {
        cbor_put_uint(out, p->semantics);
        cbor_put_array(out, p->children);
    }
}

// Whether the parts from i on begin with one whole tree; *after is where it ends.
static bool is_tree(const struct content *c, size_t i, unsigned level, size_t *after)
{
    if (i >= c->part_count || level > CONTENT_DEPTH_MAX || c->parts[i].cardinality > CONTENT_MULTI) return false;
    const struct content_part *p = &c->parts[i++];
    if (p->cardinality == CONTENT_MULTI) {
        if (p->children < 2 || p->semantics > CONTENT_PROCESS_ALL) return false;
        for (size_t k = 0; k < p->children; k++) {
            if (!is_tree(c, i, level + 1, &i)) return false;
        }
    }
    *after = i;
    return true;
}

// Extensions must be what a decoder would take: keys in order, values whole.
static bool extensions_ok(const struct content *c)
{
    struct span last = {0};
    for (size_t i = 0; i < c->extension_count; i++) {
        struct span key = c->extensions[i].key, value = c->extensions[i].value;
        struct cbor_reader k = cbor_reader_of(key), v = cbor_reader_of(value);
        (void)cbor_key(&k, &last);
        (void)cbor_any(&v, EXTENSION_DEPTH);
        if (cbor_end(&k) != ERR_OK || cbor_end(&v) != ERR_OK || !key_ok(key) || value.n > CONTENT_VALUE_MAX) return false;
        if (key.n == 1 && (key.p[0] == SENDER || key.p[0] == ROOM)) return false;
    }
    return true;
}

enum err content_encode(const struct content *c, struct buf *out)
{
    size_t after = 0, begin = out->n;
    if (c->part_count > CONTENT_PARTS_MAX || c->extension_count > CONTENT_EXTENSIONS_MAX) return ERR_LIMIT;
    if (c->topic.n > CONTENT_TOPIC_MAX) return ERR_LIMIT;
    if (!is_tree(c, 0, 1, &after) || after != c->part_count || !extensions_ok(c)) return ERR_MISUSE;
    cbor_put_array(out, 7);
    cbor_put_bytes(out, span_of(c->salt, CONTENT_SALT));
    write_id(out, c->replaces, c->replaced);
    cbor_put_bytes(out, c->topic);
    if (c->expires) {
        cbor_put_array(out, 2);
        cbor_put_bool(out, c->expires_after_reading);
        cbor_put_uint(out, c->expires_at);
    } else {
        cbor_put_null(out);
    }
    write_id(out, c->replies, c->replied);
    write_extensions(out, c);
    for (size_t i = 0; i < c->part_count; i++) write_part(out, &c->parts[i]);
    if (out->err == ERR_OK && out->n - begin > CONTENT_MESSAGE_MAX) out->err = ERR_LIMIT;
    return buf_end(out);
}

// --------------------------------------------------------------------------------------------------------- finding parts

size_t content_span(const struct content *c, size_t i)
{
    size_t open = 1, n = 0; // parts that are still to come
    while (open > 0 && i + n < c->part_count) {
        open += c->parts[i + n].children;
        open--;
        n++;
    }
    return n;
}

static size_t choose(const struct content *c, size_t i, bool (*can)(void *arg, const struct content_part *part), void *arg)
{
    const struct content_part *p = &c->parts[i];
    if (p->cardinality != CONTENT_MULTI) return can(arg, p) ? i : SIZE_MAX;
    size_t child = i + 1;
    for (size_t k = 0; k < p->children && child < c->part_count; k++) {
        size_t found = choose(c, child, can, arg);
        if (found != SIZE_MAX || p->semantics == CONTENT_SINGLE_UNIT) return found;
        child += content_span(c, child);
    }
    return SIZE_MAX;
}

size_t content_choose(const struct content *c, bool (*can)(void *arg, const struct content_part *part), void *arg)
{
    return c->part_count == 0 ? SIZE_MAX : choose(c, 0, can, arg);
}

// ------------------------------------------------------------------------------------------------------------------ ids

enum err content_id(struct crypto *c, struct span sender, struct span room, struct span message, uint8_t id[CONTENT_ID])
{
    uint8_t sender_n[2] = {(uint8_t)(sender.n >> 8), (uint8_t)sender.n}, room_n[2] = {(uint8_t)(room.n >> 8), (uint8_t)room.n};
    uint8_t hash[CRYPTO_HASH_MAX];
    struct cbor_reader r = cbor_reader_of(message);
    if (sender.n > CONTENT_URI_MAX || room.n > CONTENT_URI_MAX) return ERR_LIMIT;
    if (cbor_array(&r) != 7) return ERR_MALFORMED;
    struct span salt = cbor_bytes(&r);
    if (salt.n != CONTENT_SALT) return ERR_MALFORMED;
    const struct span parts[] = {span_of(sender_n, 2), sender, span_of(room_n, 2), room, message, salt};
    const struct crypto_suite *sha256 = crypto_suite(CRYPTO_X25519_AES128_SHA256_ED25519);
    enum err e = crypto_hash(c, sha256, parts, sizeof parts / sizeof *parts, hash);
    if (e != ERR_OK) return e;
    id[0] = 1; // SHA-256, by the registry of named information hashes
    memcpy(id + 1, hash, CONTENT_ID - 1);
    return ERR_OK;
}
