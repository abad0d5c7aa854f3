// SPDX-License-Identifier: Apache-2.0
//
// The fuzzers' kit: see kit.h. What an input allocates through it hangs on one list, which is cut off when it ends.
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

// ------------------------------------------------------------------------------------------------ life and death

void kit_fail(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

void kit_ok(int e, const char *what, const char *file, int line)
{
    if (e == 0) return;
    fprintf(stderr, "%s (%s): ", mls_error_name((enum mls_error)e), mls_error_text((enum mls_error)e));
    kit_fail(what, file, line);
}

void kit_seed(const char *folder, const char *name, struct span bytes)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    must(n > 0 && (size_t)n < sizeof path);
    FILE *f = fopen(path, "wb");
    must(f != NULL);
    must(fwrite(bytes.p, 1, bytes.n, f) == bytes.n);
    must(fclose(f) == 0);
}

// -------------------------------------------------------------------------------------------------- the input

struct span feed_take(struct feed *f, size_t n)
{
    struct span s = span_of(f->p, n < f->n ? n : f->n);
    if (s.n > 0) f->p += s.n; // it may be NULL
    f->n -= s.n;
    return s;
}

static uint32_t take_uint(struct feed *f, size_t n)
{
    struct span s = feed_take(f, n);
    uint32_t v = 0;
    for (size_t i = 0; i < s.n; i++) v = v << 8 | s.p[i];
    return v;
}

uint8_t feed_u8(struct feed *f) { return (uint8_t)take_uint(f, 1); }
uint16_t feed_u16(struct feed *f) { return (uint16_t)take_uint(f, 2); }
uint32_t feed_u32(struct feed *f) { return take_uint(f, 4); }
struct span feed_rest(struct feed *f) { return feed_take(f, f->n); }

struct span feed_bytes(struct feed *f)
{
    size_t n = feed_u8(f);
    return feed_take(f, n >= 0xf0 ? feed_u16(f) : n);
}

// Puts bytes in at a place.
static void insert(struct buf *b, size_t at, struct span s)
{
    struct buf tail;
    buf_init(&tail, TLS_VECTOR_MAX);
    buf_put(&tail, span_of(b->p + at, b->n - at));
    b->n = at;
    buf_put(b, s);
    buf_put(b, buf_span(&tail));
    must_ok(buf_end(b));
    buf_wipe(&tail);
}

static void cut(struct buf *b, size_t at, size_t n)
{
    if (n > b->n - at) n = b->n - at;
    memmove(b->p + at, b->p + at + n, b->n - at - n);
    b->n -= n;
}

void feed_patch(struct feed *f, unsigned n, struct buf *b)
{
    enum { BITS, BYTE, INSERT, CUT, COPY, SET, KINDS };
    for (unsigned i = 0; i < n && f->n > 0 && b->n > 0; i++) {
        unsigned kind = feed_u8(f) % KINDS;
        size_t at = feed_u16(f) % b->n, from;
        switch (kind) {
        case BITS: b->p[at] ^= feed_u8(f); break;
        case BYTE: b->p[at] = (uint8_t)(b->p[at] + 1); break;
        case INSERT: insert(b, at, feed_bytes(f)); break;
        case CUT: cut(b, at, feed_u8(f)); break;
        case COPY: // bytes of its own to another place
            from = feed_u16(f) % b->n;
            insert(b, at, kit_copy(span_of(b->p + from, b->n - from < 64 ? b->n - from : 64)));
            break;
        case SET: {
            struct span s = feed_bytes(f);
            if (s.n > b->n - at) s.n = b->n - at;
            if (s.n > 0) memcpy(b->p + at, s.p, s.n);
            break;
        }
        }
    }
}

// ------------------------------------------------------------------------------------- memory for one input

struct link {
    struct link *next;
    uint8_t *bytes; // one of the two
    struct buf buf;
};
static struct link *links;

static struct link *hang(void)
{
    struct link *l = calloc(1, sizeof *l);
    must(l != NULL);
    l->next = links;
    links = l;
    return l;
}

struct span kit_copy(struct span s)
{
    struct link *l = hang();
    l->bytes = malloc(s.n > 0 ? s.n : 1);
    must(l->bytes != NULL);
    if (s.n > 0) memcpy(l->bytes, s.p, s.n);
    return span_of(l->bytes, s.n);
}

struct buf *kit_buf(void)
{
    struct link *l = hang();
    buf_init(&l->buf, TLS_VECTOR_MAX);
    return &l->buf;
}

// ---------------------------------------------------------------------------------------------------- the world

static uint64_t state; // of splitmix64: good for repeating a run, for nothing else

void kit_random(uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
        out[i] = (uint8_t)(z >> 56);
    }
}

static void sweep(void)
{
    while (links != NULL) {
        struct link *next = links->next;
        free(links->bytes);
        buf_wipe(&links->buf);
        free(links);
        links = next;
    }
}

static bool world_random(void *arg, uint8_t *out, size_t n)
{
    (void)arg;
    kit_random(out, n);
    return true;
}

static uint64_t world_now(void *arg)
{
    (void)arg;
    return KIT_NOW;
}

static bool world_credential(void *arg, const struct mls_credential_check *check)
{
    (void)arg;
    return !span_eq(from_api(check->member->identity), span_str("refused"));
}

static bool world_psk(void *arg, const struct mls_psk_id *id, struct mls_span *secret)
{
    static const uint8_t key[32] = {1, 2, 3};
    (void)arg;
    if (id->type != MLS_PSK_EXTERNAL || !span_eq(from_api(id->id), span_str(KIT_PSK))) return false;
    *secret = (struct mls_span){key, sizeof key};
    return true;
}

struct mls_config kit_config(void)
{
    return (struct mls_config){
        .random = world_random, .now = world_now, .credential = world_credential, .psk = world_psk};
}

// ------------------------------------------------------------------------------------------- what libFuzzer calls

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    fuzz_open();
    if (*argc == 3 && strcmp((*argv)[1], "--seeds") == 0) {
        fuzz_seeds((*argv)[2]);
        exit(0);
    }
    sweep();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    state = 9420;
    fuzz_one(span_of(data, size));
    sweep();
    return 0;
}
