// SPDX-License-Identifier: Apache-2.0
//
// Formats of the client. Each begins with its version, so that one to come is told from a broken one.
#include "format/format.h"

#include "base/base64.h"
#include "base/utf8.h"
#include "codec/tls.h"

enum { VERSION = 1 };
static const char cert_label[] = "Whimbrel device", account_label[] = "Whimbrel account";
static const char scheme[] = "whimbrel:", web_path[] = "/i#", web_scheme[] = "https://";

// Signatures of accounts and the ids of things are in this suite: Ed25519 and SHA-256.
static const struct crypto_suite *base_suite(void) { return crypto_suite(CRYPTO_X25519_AES128_SHA256_ED25519); }

static struct span fixed(const uint8_t *p) { return span_of(p, 32); }

// Exactly 32 bytes; NULL and an error where there are fewer.
static const uint8_t *take32(struct tls_reader *r)
{
    struct span s = tls_bytes(r, 32);
    return s.n == 32 ? s.p : NULL;
}

static struct span take_text(struct tls_reader *r, size_t max)
{
    struct span s = tls_vector(r);
    if (s.n > max || !utf8_ok(s)) tls_fail(r);
    return s;
}

// Whether the version is the one that is known. A reader that has nothing is malformed, not of a version to come.
static enum err version_of(struct tls_reader *r)
{
    uint8_t v = tls_u8(r);
    return v == VERSION ? ERR_OK : v > VERSION ? ERR_UNSUPPORTED : ERR_MALFORMED;
}

// ------------------------------------------------------------------------------------------------------ certificates

enum err account_id(struct crypto *c, const uint8_t key[FORMAT_KEY], uint8_t id[FORMAT_ID])
{
    const struct span parts[] = {span_str(account_label), fixed(key)};
    return crypto_hash(c, base_suite(), parts, 2, id);
}

static void put_cert(const struct cert *of, struct buf *out)
{
    tls_put_u8(out, VERSION);
    buf_put(out, fixed(of->account_key));
    tls_put_vector(out, of->device_key);
    buf_put(out, span_of(of->device, FORMAT_DEVICE));
    tls_put_u64(out, of->created);
}

enum err cert_make(struct crypto *c, const uint8_t account_private[FORMAT_KEY], const struct cert *of, struct buf *out)
{
    uint8_t signature[CRYPTO_SIG_MAX];
    size_t n = 0;
    struct buf message;
    buf_init(&message, 1024);
    buf_put(&message, span_str(cert_label));
    put_cert(of, &message);
    enum err e = buf_end(&message);
    if (e == ERR_OK) {
        e = crypto_sign(c, base_suite(), fixed(account_private), fixed(of->account_key), buf_span(&message), signature,
                        &n);
    }
    if (e == ERR_OK) {
        put_cert(of, out);
        buf_put(out, span_of(signature, n));
        e = buf_end(out);
    }
    buf_wipe(&message);
    return e;
}

// The parts of one; what is signed, and the signature.
static enum err split_cert(struct span bytes, struct cert *out, struct span *body, struct span *signature)
{
    struct tls_reader r = tls_reader_of(bytes);
    struct cert cert = {0};
    enum err e = version_of(&r);
    if (e != ERR_OK) return e;
    cert.account_key = take32(&r);
    cert.device_key = tls_vector(&r);
    cert.device = tls_bytes(&r, FORMAT_DEVICE).p;
    cert.created = tls_u64(&r);
    *body = tls_since(&r, bytes.p);
    *signature = tls_bytes(&r, FORMAT_SIGNATURE);
    if (tls_end(&r) != ERR_OK || cert.device_key.n == 0) return ERR_MALFORMED;
    *out = cert;
    return ERR_OK;
}

enum err cert_read(struct span bytes, struct cert *out)
{
    struct span body, signature;
    return split_cert(bytes, out, &body, &signature);
}

enum err cert_check(struct crypto *c, struct span bytes, struct cert *out)
{
    struct cert cert;
    struct span body, signature;
    struct buf message;
    enum err e = split_cert(bytes, &cert, &body, &signature);
    if (e != ERR_OK) return e;
    buf_init(&message, bytes.n + sizeof cert_label);
    buf_put(&message, span_str(cert_label));
    buf_put(&message, body);
    e = buf_end(&message);
    if (e == ERR_OK) e = crypto_verify(c, base_suite(), fixed(cert.account_key), buf_span(&message), signature);
    buf_wipe(&message);
    if (e == ERR_OK) *out = cert;
    return e;
}

// ------------------------------------------------------------------------------------------------------- invitations

void invite_encode(const struct invite *i, struct buf *out)
{
    tls_put_u8(out, VERSION);
    tls_put_vector(out, i->relay);
    buf_put(out, fixed(i->inbox));
    buf_put(out, fixed(i->key));
    buf_put(out, fixed(i->package_key));
    buf_put(out, fixed(i->account));
    tls_put_u8(out, i->flags);
    tls_put_vector(out, i->name);
    if ((i->flags & INVITE_GROUP) != 0) tls_put_vector(out, i->group);
}

enum err invite_decode(struct span bytes, struct invite *out)
{
    struct tls_reader r = tls_reader_of(bytes);
    struct invite i = {0};
    enum err e = version_of(&r);
    if (e != ERR_OK) return e;
    i.relay = take_text(&r, FORMAT_RELAY_MAX);
    i.inbox = take32(&r);
    i.key = take32(&r);
    i.package_key = take32(&r);
    i.account = take32(&r);
    i.flags = tls_u8(&r);
    i.name = take_text(&r, FORMAT_NAME_MAX);
    if ((i.flags & INVITE_GROUP) != 0) i.group = take_text(&r, FORMAT_NAME_MAX);
    if ((i.flags & ~(INVITE_PERSONAL | INVITE_ONCE | INVITE_GROUP)) != 0 || i.relay.n == 0) tls_fail(&r);
    if (tls_end(&r) != ERR_OK) return ERR_MALFORMED;
    *out = i;
    return ERR_OK;
}

enum err invite_link(const struct invite *i, const char *host, struct buf *out)
{
    struct buf bytes;
    char text[FORMAT_LINK_MAX];
    buf_init(&bytes, (FORMAT_LINK_MAX - 300) / 4 * 3);
    invite_encode(i, &bytes);
    enum err e = buf_end(&bytes);
    if (e == ERR_OK) {
        base64_encode(buf_span(&bytes), text);
        buf_put(out, span_str(host == NULL ? scheme : web_scheme));
        if (host != NULL) {
            buf_put(out, span_str(host));
            buf_put(out, span_str(web_path));
        }
        buf_put(out, span_str(text));
        buf_put_u8(out, 0);
        e = buf_end(out);
    }
    mem_wipe(text, sizeof text);
    buf_wipe(&bytes);
    return e;
}

static bool begins(struct span s, const char *with)
{
    size_t n = strlen(with);
    return s.n >= n && memcmp(s.p, with, n) == 0;
}

static struct span behind(struct span s, size_t n) { return span_of(s.p + n, s.n - n); }

enum err invite_from_link(struct span link, struct buf *out)
{
    while (link.n > 0 && strchr(" \t\r\n", link.p[0]) != NULL && link.p[0] != 0) link = behind(link, 1);
    while (link.n > 0 && strchr(" \t\r\n", link.p[link.n - 1]) != NULL && link.p[link.n - 1] != 0) link.n--;
    if (link.n > FORMAT_LINK_MAX) return ERR_MALFORMED;
    if (begins(link, scheme)) return base64_decode(behind(link, sizeof scheme - 1), out);
    if (!begins(link, web_scheme)) return ERR_MALFORMED;
    const uint8_t *path = memmem(link.p, link.n, web_path, sizeof web_path - 1);
    if (path == NULL) return ERR_MALFORMED;
    return base64_decode(behind(link, (size_t)(path - link.p) + sizeof web_path - 1), out);
}

// ----------------------------------------------------------------------------------------------------- introductions

void intro_encode(const struct intro *i, struct buf *out)
{
    tls_put_u8(out, VERSION);
    buf_put(out, fixed(i->invite_key));
    tls_put_vector(out, i->name);
    tls_put_vector(out, i->invite);
    tls_put_vector(out, i->welcome);
    tls_put_vector(out, i->blob);
    buf_put(out, fixed(i->log_key));
    tls_put_u64(out, i->log_epoch);
    tls_put_u64(out, i->seq);
    buf_put(out, fixed(i->chain));
}

enum err intro_decode(struct span bytes, struct intro *out)
{
    struct tls_reader r = tls_reader_of(bytes);
    struct intro i = {0};
    enum err e = version_of(&r);
    if (e != ERR_OK) return e;
    i.invite_key = take32(&r);
    i.name = take_text(&r, FORMAT_NAME_MAX);
    i.invite = tls_vector(&r);
    i.welcome = tls_vector(&r);
    i.blob = tls_vector(&r);
    i.log_key = take32(&r);
    i.log_epoch = tls_u64(&r);
    i.seq = tls_u64(&r);
    i.chain = take32(&r);
    if (tls_end(&r) != ERR_OK) return ERR_MALFORMED;
    *out = i;
    return ERR_OK;
}

void blob_ref_encode(const struct blob_ref *r, struct buf *out)
{
    tls_put_u8(out, VERSION);
    tls_put_vector(out, r->relay);
    buf_put(out, fixed(r->blob));
    tls_put_vector(out, r->key);
    tls_put_vector(out, r->prefix);
    tls_put_u64(out, r->size);
    buf_put(out, fixed(r->digest));
}

enum err blob_ref_decode(struct span bytes, struct blob_ref *out)
{
    struct tls_reader r = tls_reader_of(bytes);
    struct blob_ref b = {0};
    enum err e = version_of(&r);
    if (e != ERR_OK) return e;
    b.relay = take_text(&r, FORMAT_RELAY_MAX);
    b.blob = take32(&r);
    b.key = tls_vector(&r);
    b.prefix = tls_vector(&r);
    b.size = tls_u64(&r);
    b.digest = take32(&r);
    if (tls_end(&r) != ERR_OK || b.relay.n == 0) return ERR_MALFORMED;
    *out = b;
    return ERR_OK;
}

void knock_encode(const struct knock *k, struct buf *out)
{
    tls_put_u8(out, VERSION);
    buf_put(out, fixed(k->invite_key));
    tls_put_vector(out, k->name);
    tls_put_vector(out, k->invite);
    tls_put_vector(out, k->group);
}

enum err knock_decode(struct span bytes, struct knock *out)
{
    struct tls_reader r = tls_reader_of(bytes);
    struct knock k = {0};
    enum err e = version_of(&r);
    if (e != ERR_OK) return e;
    k.invite_key = take32(&r);
    k.name = take_text(&r, FORMAT_NAME_MAX);
    k.invite = tls_vector(&r);
    k.group = tls_vector(&r);
    if (k.group.n > FORMAT_GROUP_ID_MAX) tls_fail(&r);
    if (tls_end(&r) != ERR_OK) return ERR_MALFORMED;
    *out = k;
    return ERR_OK;
}

// -------------------------------------------------------------------------------------------------------------- rooms

void room_encode(const struct room *r, struct buf *out)
{
    tls_put_u8(out, VERSION);
    tls_put_u8(out, r->kind);
    tls_put_vector(out, r->relay);
    buf_put(out, fixed(r->log));
    tls_put_vector(out, r->name);
    tls_put_vector(out, r->picture);
    tls_put_vector(out, r->admins);
    buf_put(out, fixed(r->recovery));
}

enum err room_decode(struct span bytes, struct room *out)
{
    struct tls_reader r = tls_reader_of(bytes);
    struct room room = {0};
    enum err e = version_of(&r);
    if (e != ERR_OK) return e;
    room.kind = tls_u8(&r);
    room.relay = take_text(&r, FORMAT_RELAY_MAX);
    room.log = take32(&r);
    room.name = take_text(&r, FORMAT_NAME_MAX);
    room.picture = tls_vector(&r);
    room.admins = tls_vector(&r);
    room.recovery = take32(&r);
    if (room.picture.n > FORMAT_PICTURE_MAX) tls_fail(&r);
    if (room.kind < ROOM_DIRECT || room.kind > ROOM_SELF || room.relay.n == 0) tls_fail(&r);
    if (room.admins.n % FORMAT_ID != 0 || room.admins.n > (size_t)FORMAT_ADMINS_MAX * FORMAT_ID) tls_fail(&r);
    for (size_t at = FORMAT_ID; tls_end(&r) == ERR_OK && at < room.admins.n; at += FORMAT_ID) {
        if (memcmp(room.admins.p + at - FORMAT_ID, room.admins.p + at, FORMAT_ID) >= 0) tls_fail(&r);
    }
    if (tls_end(&r) != ERR_OK) return ERR_MALFORMED;
    *out = room;
    return ERR_OK;
}

bool room_is_admin(const struct room *r, const uint8_t account[FORMAT_ID])
{
    for (size_t at = 0; at < r->admins.n; at += FORMAT_ID) {
        if (memcmp(r->admins.p + at, account, FORMAT_ID) == 0) return true;
    }
    return false;
}

// --------------------------------------------------------------------------------------------------------- what is said

void said_encode(const struct said *s, struct buf *out)
{
    tls_put_u8(out, VERSION);
    tls_put_u64(out, s->seen);
    buf_put(out, fixed(s->chain));
    tls_put_vector(out, s->content);
}

enum err said_decode(struct span bytes, struct said *out)
{
    struct tls_reader r = tls_reader_of(bytes);
    struct said s = {0};
    enum err e = version_of(&r);
    if (e != ERR_OK) return e;
    s.seen = tls_u64(&r);
    s.chain = take32(&r);
    s.content = tls_vector(&r);
    if (tls_end(&r) != ERR_OK) return ERR_MALFORMED;
    *out = s;
    return ERR_OK;
}

static void put_u64(uint64_t v, uint8_t out[8])
{
    for (unsigned i = 0; i < 8; i++) out[i] = (uint8_t)(v >> 8 * (7 - i));
}

enum err chain_next(struct crypto *c, uint8_t chain[32], uint64_t seq, uint64_t epoch, struct span payload)
{
    uint8_t numbers[16], digest[CRYPTO_HASH_MAX];
    put_u64(seq, numbers);
    put_u64(epoch, numbers + 8);
    enum err e = crypto_hash(c, base_suite(), &payload, 1, digest);
    const struct span parts[] = {fixed(chain), span_of(numbers, sizeof numbers), fixed(digest)};
    return e == ERR_OK ? crypto_hash(c, base_suite(), parts, 3, chain) : e;
}
