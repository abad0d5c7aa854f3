// SPDX-License-Identifier: Apache-2.0
//
// Replies and pushes (docs/protocol.md §2.1, §3, §5): written by the relay, read by its clients. A client does not trust the
// relay: what it reads is held against the rules as strictly as the relay holds requests. Nothing is allocated for reading.
// Invariant: what is read, and written again, has the same bytes.
#include "wire/read.h"

// ---------------------------------------------------------------------------------------------------------- reading

static void read_limits(struct wire_reader *d, struct wire_limits *l)
{
    l->frame = tls_u32(&d->r);
    l->entry = tls_u32(&d->r);
    l->signal = tls_u32(&d->r);
    l->chunk = tls_u32(&d->r);
    l->in_flight = tls_u16(&d->r);
    l->follows = tls_u16(&d->r);
    l->blob = tls_u64(&d->r);
    l->retention = tls_u32(&d->r);
    l->hosting = tls_u8(&d->r);
    // §4: these are "the most"; and with nothing of them nobody can speak.
    wire_read_count(d, l->frame, WIRE_FRAME_MAX);
    wire_read_count(d, l->entry, WIRE_ENTRY_MAX);
    wire_read_count(d, l->signal, WIRE_SIGNAL_MAX);
    wire_read_count(d, l->chunk, WIRE_CHUNK_MAX);
    if (l->frame == 0 || l->entry == 0 || l->chunk == 0 || l->in_flight == 0) tls_fail(&d->r);
    if (l->hosting > WIRE_HOSTING_CLOSED) tls_fail(&d->r);
}

// What a log has: the oldest entry kept (head + 1 if none is), the last one, the epoch.
static void read_range(struct wire_reader *d, struct wire_reply *r)
{
    r->oldest = tls_u64(&d->r);
    r->head = tls_u64(&d->r);
    r->epoch = tls_u64(&d->r);
    if (r->oldest == 0 || r->oldest - 1 > r->head) tls_fail(&d->r);
}

// A code that says why: not "ok".
static enum wire_code read_code(struct wire_reader *d)
{
    uint8_t code = tls_u8(&d->r);
    if (code == WIRE_OK || code >= WIRE_CODES) tls_fail(&d->r);
    return (enum wire_code)code;
}

// How many bytes the first character of well-formed UTF-8 has (RFC 3629 §4); 0 if it is none.
static size_t character(const uint8_t *p, size_t n)
{
    if (p[0] < 0x80) return 1;
    size_t length = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (p[0] < 0xc2 || p[0] > 0xf4 || length > n) return 0;
    // Only the second byte's range depends on the first: nothing longer than needed, no surrogate, nothing above U+10FFFF.
    uint8_t least = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
    uint8_t most = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < least || p[1] > most) return 0;
    for (size_t i = 2; i < length; i++) {
        if (p[i] < 0x80 || p[i] > 0xbf) return 0;
    }
    return length;
}

static struct span read_text(struct wire_reader *d)
{
    struct span text = wire_read_sized(d, 0, WIRE_TEXT_MAX);
    for (size_t i = 0, n; i < text.n; i += n) {
        n = character(text.p + i, text.n - i);
        if (n != 0) continue;
        tls_fail(&d->r);
        break;
    }
    return text;
}

static void read_entries(struct wire_reader *d, struct wire_reply *r)
{
    uint64_t last;
    read_range(d, r);
    r->entries = wire_read_entries(d, &last);
    if (last > r->head) tls_fail(&d->r);
}

static void read_push(struct wire_reader *d, struct wire_reply *r)
{
    uint64_t last;
    r->tag = tls_u32(&d->r);
    switch (r->type) {
    case WIRE_P_ENTRIES:
        r->entries = wire_read_entries(d, &last);
        if (last == 0) tls_fail(&d->r); // none
        break;
    case WIRE_P_SIGNAL: r->data = wire_read_sized(d, 0, WIRE_SIGNAL_MAX); break;
    default: r->code = read_code(d); break; // WIRE_P_ENDED
    }
}

// False if there is no such type.
static bool read_body(struct wire_reader *d, struct wire_reply *r)
{
    switch (r->type) {
    case WIRE_R_OK: return true;
    case WIRE_R_HELLO:
        r->version = tls_u16(&d->r);
        read_limits(d, &r->limits);
        r->time = tls_u64(&d->r);
        return true;
    case WIRE_R_APPENDED:
        r->seq = tls_u64(&d->r);
        r->epoch = tls_u64(&d->r);
        r->time = tls_u64(&d->r);
        if (r->seq == 0) tls_fail(&d->r);
        return true;
    case WIRE_R_ENTRIES: read_entries(d, r); return true;
    case WIRE_R_STAT: read_range(d, r); return true;
    case WIRE_R_FOLLOWED: r->followed = wire_read_followed(d); return true;
    case WIRE_R_POOL: r->pool = wire_read_pool(d); return true;
    case WIRE_R_PACKAGES: r->packages = wire_read_taken(d); return true;
    case WIRE_R_BLOB:
        r->size = tls_u64(&d->r);
        r->sealed = wire_read_flag(d);
        r->expires = tls_u64(&d->r);
        return true;
    case WIRE_R_CHUNK: r->data = wire_read_sized(d, 0, WIRE_CHUNK_MAX); return true;
    case WIRE_R_PUBLISHED: r->data = wire_read_sized(d, 0, WIRE_PUBLISHED_MAX); return true;
    case WIRE_R_ERROR:
        r->code = read_code(d);
        r->detail = tls_u64(&d->r);
        r->text = read_text(d);
        return true;
    case WIRE_P_ENTRIES:
    case WIRE_P_SIGNAL:
    case WIRE_P_ENDED: read_push(d, r); return true;
    default: return false;
    }
}

static enum err read_reply(struct span message, struct wire_reply *r)
{
    if (message.n > WIRE_FRAME_MAX) return ERR_LIMIT;
    struct wire_reader d = {.r = tls_reader_of(message)};
    r->type = (enum wire_reply_type)tls_u8(&d.r);
    r->id = tls_u32(&d.r);
    bool push = (unsigned)r->type >= WIRE_P_ENTRIES;
    if (d.r.err != ERR_OK || (unsigned)r->type < WIRE_R_OK) return ERR_MALFORMED; // a request is no reply
    // An error about a message whose id could not be read has none either.
    if (push ? r->id != 0 : r->id == 0 && r->type != WIRE_R_ERROR) return ERR_MALFORMED;
    if (!read_body(&d, r)) return ERR_UNSUPPORTED;
    return wire_read_end(&d);
}

enum err wire_read_reply(struct span message, struct wire_reply *out)
{
    *out = (struct wire_reply){0};
    enum err e = read_reply(message, out);
    if (e != ERR_OK) *out = (struct wire_reply){0};
    return e;
}

// ---------------------------------------------------------------------------------------------------------- writing

size_t wire_push_head(uint32_t tag, size_t n, uint8_t out[16])
{
    size_t at = 0;
    out[at++] = WIRE_P_ENTRIES;
    for (int i = 0; i < 4; i++) out[at++] = 0; // the id
    for (int shift = 24; shift >= 0; shift -= 8) out[at++] = (uint8_t)(tag >> shift);
    size_t bytes = tls_vector_size(n) - n;
    size_t v = n | (bytes == 1 ? 0 : bytes == 2 ? 0x4000u : 0x80000000u);
    while (bytes-- > 0) out[at++] = (uint8_t)(v >> (8 * bytes));
    return at;
}

static void write_hello(struct buf *out, const struct wire_reply *r)
{
    const struct wire_limits *l = &r->limits;
    tls_put_u16(out, r->version);
    tls_put_u32(out, l->frame);
    tls_put_u32(out, l->entry);
    tls_put_u32(out, l->signal);
    tls_put_u32(out, l->chunk);
    tls_put_u16(out, l->in_flight);
    tls_put_u16(out, l->follows);
    tls_put_u64(out, l->blob);
    tls_put_u32(out, l->retention);
    tls_put_u8(out, l->hosting);
    tls_put_u64(out, r->time);
}

static void write_range(struct buf *out, const struct wire_reply *r)
{
    tls_put_u64(out, r->oldest);
    tls_put_u64(out, r->head);
    tls_put_u64(out, r->epoch);
}

static void write_error(struct buf *out, const struct wire_reply *r)
{
    tls_put_u8(out, (uint8_t)r->code);
    tls_put_u64(out, r->detail);
    tls_put_vector(out, r->text);
}

static void write_blob(struct buf *out, const struct wire_reply *r)
{
    tls_put_u64(out, r->size);
    tls_put_u8(out, r->sealed);
    tls_put_u64(out, r->expires);
}

static void write_push(struct buf *out, const struct wire_reply *r)
{
    tls_put_u32(out, r->tag);
    if (r->type == WIRE_P_SIGNAL) tls_put_vector(out, r->data);
    else tls_put_u8(out, (uint8_t)r->code);
}

void wire_write_reply(struct buf *out, const struct wire_reply *r)
{
    if (r->type == WIRE_P_ENTRIES) {
        uint8_t head[16];
        buf_put(out, span_of(head, wire_push_head(r->tag, r->entries.n, head)));
        buf_put(out, r->entries);
        return;
    }
    tls_put_u8(out, (uint8_t)r->type);
    tls_put_u32(out, r->id);
    switch (r->type) {
    case WIRE_R_OK: break;
    case WIRE_R_HELLO: write_hello(out, r); break;
    case WIRE_R_APPENDED:
        tls_put_u64(out, r->seq);
        tls_put_u64(out, r->epoch);
        tls_put_u64(out, r->time);
        break;
    case WIRE_R_ENTRIES:
        write_range(out, r);
        tls_put_vector(out, r->entries);
        break;
    case WIRE_R_STAT: write_range(out, r); break;
    case WIRE_R_FOLLOWED: tls_put_vector(out, r->followed); break;
    case WIRE_R_POOL: tls_put_vector(out, r->pool); break;
    case WIRE_R_PACKAGES: tls_put_vector(out, r->packages); break;
    case WIRE_R_BLOB: write_blob(out, r); break;
    case WIRE_R_CHUNK:
    case WIRE_R_PUBLISHED: tls_put_vector(out, r->data); break;
    case WIRE_R_ERROR: write_error(out, r); break;
    case WIRE_P_ENTRIES: break; // above
    case WIRE_P_SIGNAL:
    case WIRE_P_ENDED: write_push(out, r); break;
    }
}
