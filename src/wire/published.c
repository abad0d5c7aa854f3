// SPDX-License-Identifier: Apache-2.0
//
// The encoding of what a relay publishes. Invariant: what is read, and written again, has the same bytes.
#include "wire/published.h"

enum { VERSION = 1, KEY_MAX = 1024, SIGNATURE_MAX = 1024 };

bool published_is_way(struct span text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < 0x20 || text.p[i] > 0x7e) return false;
    }
    return text.n >= 1 && text.n <= PUBLISHED_WAY_MAX;
}

bool published_next(struct span *ways, struct span *way)
{
    struct tls_reader r = tls_reader_of(*ways);
    *way = tls_vector(&r);
    if (r.err != ERR_OK) return false;
    *ways = span_of(r.p, (size_t)(r.end - r.p));
    return true;
}

static enum err check_ways(struct span ways)
{
    struct span way;
    size_t n = 0;
    while (ways.n > 0) {
        if (!published_next(&ways, &way) || !published_is_way(way)) return ERR_MALFORMED;
        if (++n > PUBLISHED_WAYS_MAX) return ERR_LIMIT;
    }
    return ERR_OK;
}

static enum err read_all(struct span in, struct published *out)
{
    if (in.n > WIRE_PUBLISHED_MAX) return ERR_LIMIT;
    struct tls_reader r = tls_reader_of(in);
    uint8_t version = tls_u8(&r);
    if (r.err == ERR_OK && version != VERSION) return ERR_UNSUPPORTED;
    out->issued = tls_u64(&r);
    out->ways = tls_vector(&r);
    if (r.err != ERR_OK) return ERR_MALFORMED;
    out->said = span_of(in.p, (size_t)(r.p - in.p));
    out->key = tls_vector(&r);
    out->signature = tls_vector(&r);
    if (r.err != ERR_OK || r.p != r.end) return ERR_MALFORMED;
    if (out->key.n > KEY_MAX || out->signature.n > SIGNATURE_MAX) return ERR_LIMIT;
    if (out->key.n == 0 || out->signature.n == 0) return ERR_MALFORMED;
    return check_ways(out->ways);
}

enum err published_read(struct span in, struct published *out)
{
    *out = (struct published){0};
    enum err e = read_all(in, out);
    if (e != ERR_OK) *out = (struct published){0};
    return e;
}

void published_put_way(struct buf *ways, struct span way) { tls_put_vector(ways, way); }

void published_write(struct buf *out, uint64_t issued, struct span ways)
{
    tls_put_u8(out, VERSION);
    tls_put_u64(out, issued);
    tls_put_vector(out, ways);
}

void published_signed(struct buf *out, struct span said)
{
    buf_put(out, span_str("Whimbrel relay ways"));
    buf_put(out, said);
}

void published_finish(struct buf *out, struct span key, struct span signature)
{
    tls_put_vector(out, key);
    tls_put_vector(out, signature);
}
