// SPDX-License-Identifier: Apache-2.0
//
// Requests (docs/protocol.md §2.1, §3): read by the relay, written by its clients. Reading and writing stand in the order of
// the specification's structs. Nothing is allocated for reading. Invariant: what is read, and written again, has the same
// bytes: there is one encoding of every request.
#include "wire/read.h"

// ---------------------------------------------------------------------------------------------------------- reading

static void read_append(struct wire_reader *d, struct wire_request *q)
{
    q->epoch = tls_u64(&d->r);
    q->payload = wire_read_sized(d, 1, WIRE_ENTRY_MAX);
    if (q->type != WIRE_LOG_ADVANCE || !wire_read_flag(d)) return;
    q->new_hash = wire_read_fixed(d, WIRE_HASH);
    q->new_from = tls_u64(&d->r);
}

static void read_packages(struct wire_reader *d, struct wire_request *q)
{
    q->device = wire_read_fixed(d, WIRE_DEVICE);
    q->last_resort = wire_read_sized(d, 0, WIRE_PACKAGE_MAX);
    q->packages = wire_read_packages(d);
    if (q->last_resort.n == 0 && q->packages.n == 0) tls_fail(&d->r);
}

// What stands behind the log and the key.
static void read_of_log(struct wire_reader *d, struct wire_request *q)
{
    switch (q->type) {
    case WIRE_LOG_APPEND:
    case WIRE_LOG_ADVANCE: read_append(d, q); break;
    case WIRE_LOG_READ:
        q->after = tls_u64(&d->r);
        q->limit = tls_u32(&d->r);
        break;
    case WIRE_SIGNAL: q->payload = wire_read_sized(d, 0, WIRE_SIGNAL_MAX); break;
    case WIRE_GRANT_SET: wire_read_grant(d, &q->grant); break;
    case WIRE_GRANT_REMOVE: {
        struct span hash = tls_bytes(&d->r, WIRE_HASH);
        memcpy(q->grant.hash, hash.p, hash.n);
        break;
    }
    case WIRE_PACKAGE_PUT: read_packages(d, q); break;
    case WIRE_PACKAGE_CLEAR: q->device = wire_read_fixed(d, WIRE_DEVICE); break;
    default: break; // log_stat, log_delete, package_take, package_stat: nothing
    }
}

static void read_of_blob(struct wire_reader *d, struct wire_request *q)
{
    q->blob = wire_read_fixed(d, WIRE_ID);
    if (q->type != WIRE_BLOB_READ && q->type != WIRE_BLOB_STAT) q->key = wire_read_fixed(d, WIRE_KEY);
    switch (q->type) {
    case WIRE_BLOB_CREATE:
        q->size = tls_u64(&d->r);
        q->retention = tls_u32(&d->r);
        break;
    case WIRE_BLOB_APPEND:
        q->offset = tls_u64(&d->r);
        q->payload = wire_read_sized(d, 1, WIRE_CHUNK_MAX);
        break;
    case WIRE_BLOB_SEAL: q->size = tls_u64(&d->r); break;
    case WIRE_BLOB_READ:
        q->offset = tls_u64(&d->r);
        q->limit = tls_u32(&d->r);
        break;
    default: break; // blob_stat, blob_delete: nothing
    }
}

// False if there is no such type.
static bool read_body(struct wire_reader *d, struct wire_request *q)
{
    switch (q->type) {
    case WIRE_HELLO:
        q->versions = wire_read_versions(d);
        q->credit = wire_read_credit(d);
        return true;
    case WIRE_HOST: q->password = wire_read_sized(d, 1, WIRE_PASSWORD_MAX); return true;
    case WIRE_CREDIT: q->credit = wire_read_credit(d); return true;
    case WIRE_LOG_CREATE:
        q->log = wire_read_fixed(d, WIRE_ID);
        q->retention = tls_u32(&d->r);
        q->grants = wire_read_grants(d);
        return true;
    case WIRE_WAYS: return true;
    case WIRE_FOLLOW: q->follows = wire_read_follows(d); return true;
    case WIRE_UNFOLLOW: q->tag = tls_u32(&d->r); return true;
    case WIRE_LOG_APPEND:
    case WIRE_LOG_ADVANCE:
    case WIRE_LOG_READ:
    case WIRE_LOG_STAT:
    case WIRE_LOG_DELETE:
    case WIRE_SIGNAL:
    case WIRE_GRANT_SET:
    case WIRE_GRANT_REMOVE:
    case WIRE_PACKAGE_PUT:
    case WIRE_PACKAGE_TAKE:
    case WIRE_PACKAGE_STAT:
    case WIRE_PACKAGE_CLEAR:
        q->log = wire_read_fixed(d, WIRE_ID);
        q->key = wire_read_fixed(d, WIRE_KEY);
        read_of_log(d, q);
        return true;
    case WIRE_BLOB_CREATE:
    case WIRE_BLOB_APPEND:
    case WIRE_BLOB_SEAL:
    case WIRE_BLOB_READ:
    case WIRE_BLOB_STAT:
    case WIRE_BLOB_DELETE: read_of_blob(d, q); return true;
    default: return false;
    }
}

static enum err read_request(struct span message, struct wire_request *q, uint64_t *limit)
{
    struct wire_reader d = {.r = tls_reader_of(message)};
    wire_read_count(&d, message.n, WIRE_FRAME_MAX);
    *limit = d.limit;
    if (d.limit != 0) return ERR_LIMIT;
    q->type = (enum wire_type)tls_u8(&d.r);
    q->id = tls_u32(&d.r);
    // §2: an id is "not 0", but that of credit, which gets no reply.
    if (d.r.err != ERR_OK || (q->id == 0) != (q->type == WIRE_CREDIT)) return ERR_MALFORMED;
    if ((unsigned)q->type >= WIRE_R_OK) return ERR_MALFORMED; // a reply is no request
    if (!read_body(&d, q)) return ERR_UNSUPPORTED;
    *limit = d.limit;
    return wire_read_end(&d);
}

enum err wire_read_request(struct span message, struct wire_request *out)
{
    uint64_t limit;
    *out = (struct wire_request){0};
    enum err e = read_request(message, out, &limit);
    if (e != ERR_OK) *out = (struct wire_request){0};
    return e;
}

void wire_refuse(struct span message, struct wire_reply *out)
{
    struct wire_request q = {0};
    uint64_t limit;
    enum err e = read_request(message, &q, &limit);
    struct tls_reader r = tls_reader_of(message);
    (void)tls_u8(&r);
    *out = (struct wire_reply){.type = WIRE_R_ERROR, .id = tls_u32(&r), .code = WIRE_E_MALFORMED};
    if (e == ERR_UNSUPPORTED) out->code = WIRE_E_UNSUPPORTED;
    if (e == ERR_LIMIT) {
        out->code = WIRE_E_LIMIT;
        out->detail = limit;
    }
    out->text = span_str(wire_code_text(out->code));
}

// ---------------------------------------------------------------------------------------------------------- writing

// Bytes of a member that this type must have.
static void put(struct buf *out, const uint8_t *p, size_t n)
{
    if (p != NULL) buf_put(out, span_of(p, n));
    else if (out->err == ERR_OK) out->err = ERR_MISUSE;
}

static void write_append(struct buf *out, const struct wire_request *q)
{
    tls_put_u64(out, q->epoch);
    tls_put_vector(out, q->payload);
    if (q->type != WIRE_LOG_ADVANCE) return;
    tls_put_u8(out, q->new_hash != NULL);
    if (q->new_hash == NULL) return;
    put(out, q->new_hash, WIRE_HASH);
    tls_put_u64(out, q->new_from);
}

static void write_of_log(struct buf *out, const struct wire_request *q)
{
    put(out, q->log, WIRE_ID);
    put(out, q->key, WIRE_KEY);
    switch (q->type) {
    case WIRE_LOG_APPEND:
    case WIRE_LOG_ADVANCE: write_append(out, q); break;
    case WIRE_LOG_READ:
        tls_put_u64(out, q->after);
        tls_put_u32(out, q->limit);
        break;
    case WIRE_SIGNAL: tls_put_vector(out, q->payload); break;
    case WIRE_GRANT_SET: wire_put_grant(out, &q->grant); break;
    case WIRE_GRANT_REMOVE: put(out, q->grant.hash, WIRE_HASH); break;
    case WIRE_PACKAGE_PUT:
        put(out, q->device, WIRE_DEVICE);
        tls_put_vector(out, q->last_resort);
        tls_put_vector(out, q->packages);
        break;
    case WIRE_PACKAGE_CLEAR: put(out, q->device, WIRE_DEVICE); break;
    default: break;
    }
}

static void write_of_blob(struct buf *out, const struct wire_request *q)
{
    put(out, q->blob, WIRE_ID);
    if (q->type != WIRE_BLOB_READ && q->type != WIRE_BLOB_STAT) put(out, q->key, WIRE_KEY);
    switch (q->type) {
    case WIRE_BLOB_CREATE:
        tls_put_u64(out, q->size);
        tls_put_u32(out, q->retention);
        break;
    case WIRE_BLOB_APPEND:
        tls_put_u64(out, q->offset);
        tls_put_vector(out, q->payload);
        break;
    case WIRE_BLOB_SEAL: tls_put_u64(out, q->size); break;
    case WIRE_BLOB_READ:
        tls_put_u64(out, q->offset);
        tls_put_u32(out, q->limit);
        break;
    default: break;
    }
}

void wire_write_request(struct buf *out, const struct wire_request *r)
{
    tls_put_u8(out, (uint8_t)r->type);
    tls_put_u32(out, r->id);
    switch (r->type) {
    case WIRE_HELLO:
        tls_put_vector(out, r->versions);
        tls_put_u32(out, r->credit);
        break;
    case WIRE_HOST: tls_put_vector(out, r->password); break;
    case WIRE_WAYS: break;
    case WIRE_CREDIT: tls_put_u32(out, r->credit); break;
    case WIRE_LOG_CREATE:
        put(out, r->log, WIRE_ID);
        tls_put_u32(out, r->retention);
        tls_put_vector(out, r->grants);
        break;
    case WIRE_FOLLOW: tls_put_vector(out, r->follows); break;
    case WIRE_UNFOLLOW: tls_put_u32(out, r->tag); break;
    case WIRE_BLOB_CREATE:
    case WIRE_BLOB_APPEND:
    case WIRE_BLOB_SEAL:
    case WIRE_BLOB_READ:
    case WIRE_BLOB_STAT:
    case WIRE_BLOB_DELETE: write_of_blob(out, r); break;
    default: write_of_log(out, r); break;
    }
}
