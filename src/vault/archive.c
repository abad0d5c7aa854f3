// SPDX-License-Identifier: Apache-2.0
//
// Archives (archive.h): libsodium's secretstream in parts of 64 KiB, the head authenticated with the first. Its last part is marked as the
// last, so what was cut off is noticed.
#include "vault/archive.h"

#include "codec/tls.h"
#include "vault/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

enum {
    VERSION = 1,
    HEADER = crypto_secretstream_xchacha20poly1305_HEADERBYTES,
    EXTRA = crypto_secretstream_xchacha20poly1305_ABYTES,
    HEAD_MAX = KEYS_FILE_MAX + 64,
    PATH_ROOM = 4096,
};
static const char magic[] = "whimarch";

struct archive_out {
    FILE *f;
    char path[PATH_ROOM];
    crypto_secretstream_xchacha20poly1305_state state; /* secret */
    struct buf head;                                   // goes with the first part; empty after it
    uint8_t part[ARCHIVE_PART];                        /* secret */
    size_t n;
    enum err err;
};

struct archive_in {
    FILE *f;
    crypto_secretstream_xchacha20poly1305_state state; /* secret */
    struct buf head;
    uint8_t part[ARCHIVE_PART]; /* secret */
    size_t at, n;
    bool last;
    enum err err;
};

// -------------------------------------------------------------------------------------------------------------- writing

static void put_part(struct archive_out *a, bool last)
{
    uint8_t sealed[ARCHIVE_PART + EXTRA];
    uint8_t tag = last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL : crypto_secretstream_xchacha20poly1305_TAG_MESSAGE;
    if (a->err != ERR_OK) return;
    (void)crypto_secretstream_xchacha20poly1305_push(&a->state, sealed, NULL, a->part, a->n, a->head.p, a->head.n, tag);
    if (fwrite(sealed, 1, a->n + EXTRA, a->f) != a->n + EXTRA) a->err = ERR_IO;
    a->head.n = 0;
    a->n = 0;
}

static enum err begin(struct archive_out *a, const struct vault_secret *secret)
{
    struct keys k = {0};
    struct buf slots;
    uint8_t key[KEYS_KEY]; /* secret */
    uint8_t header[HEADER];
    buf_init(&slots, KEYS_FILE_MAX);
    buf_init(&a->head, HEAD_MAX);
    if (secret->kind != VAULT_PASSPHRASE || sodium_init() < 0) return ERR_INVALID;
    crypto_secretstream_xchacha20poly1305_keygen(key);
    (void)crypto_secretstream_xchacha20poly1305_init_push(&a->state, header, key);
    enum err e = keys_seal(&k, secret, key);
    mem_wipe(key, sizeof key);
    keys_encode(&k, &slots);
    buf_put(&a->head, span_str(magic));
    tls_put_u8(&a->head, VERSION);
    tls_put_u16(&a->head, (uint16_t)slots.n);
    buf_put(&a->head, buf_span(&slots));
    buf_put(&a->head, span_of(header, HEADER));
    buf_wipe(&slots);
    if (e == ERR_OK) e = buf_end(&a->head);
    if (e == ERR_OK && fwrite(a->head.p, 1, a->head.n, a->f) != a->head.n) e = ERR_IO;
    return e;
}

enum err archive_create(const char *path, const struct vault_secret *secret, struct archive_out **out)
{
    struct archive_out *a = mem_new(sizeof *a);
    if (a == NULL) return ERR_MEMORY;
    *a = (struct archive_out){.n = 0};
    (void)snprintf(a->path, sizeof a->path, "%s", path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    enum err e = fd >= 0 ? ERR_OK : errno == EEXIST ? ERR_REFUSED : ERR_IO;
    if (e == ERR_OK && (a->f = fdopen(fd, "wb")) == NULL) {
        close(fd);
        e = ERR_MEMORY;
    }
    if (a->f == NULL) {
        mem_free_wiped(a, sizeof *a);
        return e;
    }
    a->err = begin(a, secret);
    if (a->err == ERR_OK) {
        *out = a;
        return ERR_OK;
    }
    e = a->err;
    (void)archive_close(a, false);
    return e;
}

void archive_put(struct archive_out *a, struct span bytes)
{
    while (bytes.n > 0 && a->err == ERR_OK) {
        size_t n = bytes.n < ARCHIVE_PART - a->n ? bytes.n : ARCHIVE_PART - a->n;
        memcpy(a->part + a->n, bytes.p, n);
        a->n += n;
        bytes = span_of(bytes.p + n, bytes.n - n);
        if (a->n == ARCHIVE_PART) put_part(a, false);
    }
}

enum err archive_close(struct archive_out *a, bool keep)
{
    if (keep) put_part(a, true);
    if (keep && a->err == ERR_OK && (fflush(a->f) != 0 || fsync(fileno(a->f)) != 0)) a->err = ERR_IO;
    if (fclose(a->f) != 0 && a->err == ERR_OK) a->err = ERR_IO;
    enum err e = a->err;
    if (!keep || e != ERR_OK) (void)unlink(a->path);
    buf_wipe(&a->head);
    mem_free_wiped(a, sizeof *a);
    return e;
}

// -------------------------------------------------------------------------------------------------------------- reading

// What stands in front of the parts: the key is opened with the secret.
static enum err read_head(struct archive_in *a, const struct vault_secret *secret)
{
    enum { FIRST = sizeof magic - 1 + 3 };
    uint8_t bytes[HEAD_MAX], key[KEYS_KEY]; /* secret */
    struct keys k;
    if (secret->kind != VAULT_PASSPHRASE || sodium_init() < 0) return ERR_INVALID;
    if (fread(bytes, 1, FIRST, a->f) != FIRST) return ferror(a->f) != 0 ? ERR_IO : ERR_UNSUPPORTED;
    struct tls_reader r = tls_reader_of(span_of(bytes, FIRST));
    if (!span_eq(tls_bytes(&r, sizeof magic - 1), span_str(magic)) || tls_u8(&r) != VERSION) return ERR_UNSUPPORTED;
    size_t n = tls_u16(&r);
    if (n > KEYS_FILE_MAX || fread(bytes + FIRST, 1, n + HEADER, a->f) != n + HEADER) return ERR_CORRUPT;
    enum err e = keys_decode(span_of(bytes + FIRST, n), &k);
    if (e == ERR_OK) e = keys_open(&k, secret, key);
    if (e == ERR_OK && crypto_secretstream_xchacha20poly1305_init_pull(&a->state, bytes + FIRST + n, key) != 0) e = ERR_CORRUPT;
    mem_wipe(key, sizeof key);
    buf_put(&a->head, span_of(bytes, FIRST + n + HEADER));
    return e != ERR_OK ? e : buf_end(&a->head);
}

enum err archive_open(const char *path, const struct vault_secret *secret, struct archive_in **out)
{
    struct archive_in *a = mem_new(sizeof *a);
    if (a == NULL) return ERR_MEMORY;
    *a = (struct archive_in){.f = fopen(path, "rbe")};
    buf_init(&a->head, HEAD_MAX);
    enum err e = a->f != NULL ? read_head(a, secret) : errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    if (e == ERR_OK) *out = a;
    else archive_free(a);
    return e;
}

static enum err get_part(struct archive_in *a)
{
    uint8_t sealed[ARCHIVE_PART + EXTRA], tag;
    unsigned long long n = 0;
    if (a->last) return ERR_CORRUPT;
    size_t got = fread(sealed, 1, sizeof sealed, a->f);
    if (ferror(a->f) != 0) return ERR_IO;
    if (got < EXTRA || crypto_secretstream_xchacha20poly1305_pull(&a->state, a->part, &n, &tag, sealed, got, a->head.p, a->head.n) != 0)
        return ERR_CORRUPT;
    a->head.n = 0;
    a->at = 0;
    a->n = (size_t)n;
    a->last = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
    return a->last || got == sizeof sealed ? ERR_OK : ERR_CORRUPT;
}

enum err archive_get(struct archive_in *a, void *to, size_t n)
{
    uint8_t *p = to;
    while (n > 0 && a->err == ERR_OK) {
        if (a->at == a->n) a->err = get_part(a);
        size_t k = a->err != ERR_OK ? 0 : n < a->n - a->at ? n : a->n - a->at;
        if (k > 0) memcpy(p, a->part + a->at, k);
        a->at += k;
        p += k;
        n -= k;
    }
    return a->err;
}

bool archive_at_end(struct archive_in *a)
{
    if (a->err == ERR_OK && a->at == a->n && !a->last) a->err = get_part(a);
    return a->err == ERR_OK && a->last && a->at == a->n && fgetc(a->f) == EOF;
}

void archive_free(struct archive_in *a)
{
    if (a == NULL) return;
    if (a->f != NULL) (void)fclose(a->f);
    buf_wipe(&a->head);
    mem_free_wiped(a, sizeof *a);
}
