// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as each thing that engines say to each other; the first byte chooses which. What is read is written again as the same
// bytes, since there is one way to write each; what is not is refused; and no span leaves the input.
#include "kit.h"

#include "format/format.h"

static struct crypto *crypto;

void fuzz_open(void) { must_ok(crypto_new(&crypto)); }

static void same(struct buf *written, struct span read)
{
    must_ok(buf_end(written));
    must(span_eq(buf_span(written), read));
}

static void within(struct span inner, struct span outer)
{
    must(inner.n == 0 || (inner.p >= outer.p && inner.p + inner.n <= outer.p + outer.n));
}

static void try_cert(struct span bytes)
{
    struct cert c, checked;
    uint8_t id[FORMAT_ID];
    enum err e = cert_read(bytes, &c), x = cert_check(crypto, bytes, &checked);
    must(e == ERR_OK || x == e);
    if (e != ERR_OK) return;
    must(x == ERR_OK || x == ERR_UNAUTHENTICATED || x == ERR_INVALID || x == ERR_MALFORMED);
    within(c.device_key, bytes);
    must_ok(account_id(crypto, c.account_key, id));
}

static void try_invite(struct span bytes)
{
    struct invite i, again;
    struct buf *out = kit_buf(), *link = kit_buf(), *back = kit_buf();
    if (invite_decode(bytes, &i) != ERR_OK) return;
    must(i.name.n <= FORMAT_NAME_MAX && i.relay.n <= FORMAT_RELAY_MAX && i.group.n <= FORMAT_NAME_MAX);
    must(i.group.n == 0 || (i.flags & INVITE_GROUP) != 0);
    within(i.relay, bytes);
    within(i.name, bytes);
    within(i.group, bytes);
    invite_encode(&i, out);
    same(out, bytes);
    must_ok(invite_link(&i, bytes.n % 2 == 0 ? "host.example" : NULL, link));
    must_ok(invite_from_link(span_of(link->p, link->n - 1), back));
    must_ok(invite_decode(buf_span(back), &again));
    must(span_eq(buf_span(back), bytes));
}

static void try_link(struct span bytes)
{
    struct buf *out = kit_buf();
    struct invite i;
    if (invite_from_link(bytes, out) == ERR_OK) (void)invite_decode(buf_span(out), &i);
}

static void try_intro(struct span bytes)
{
    struct intro i;
    struct buf *out = kit_buf();
    if (intro_decode(bytes, &i) != ERR_OK) return;
    within(i.welcome, bytes);
    within(i.invite, bytes);
    intro_encode(&i, out);
    same(out, bytes);
}

static void try_blob_ref(struct span bytes)
{
    struct blob_ref r;
    struct buf *out = kit_buf();
    if (blob_ref_decode(bytes, &r) != ERR_OK) return;
    within(r.key, bytes);
    within(r.prefix, bytes);
    blob_ref_encode(&r, out);
    same(out, bytes);
}

static void try_knock(struct span bytes)
{
    struct knock k;
    struct buf *out = kit_buf();
    if (knock_decode(bytes, &k) != ERR_OK) return;
    must(k.group.n <= FORMAT_GROUP_ID_MAX && k.name.n <= FORMAT_NAME_MAX);
    within(k.invite, bytes);
    knock_encode(&k, out);
    same(out, bytes);
}

static void try_room(struct span bytes)
{
    struct room r;
    struct buf *out = kit_buf();
    if (room_decode(bytes, &r) != ERR_OK) return;
    must(r.picture.n <= FORMAT_PICTURE_MAX && r.admins.n % FORMAT_ID == 0 && r.kind >= ROOM_DIRECT &&
         r.kind <= ROOM_SELF);
    for (size_t at = 0; at < r.admins.n; at += FORMAT_ID) must(room_is_admin(&r, r.admins.p + at));
    within(r.name, bytes);
    room_encode(&r, out);
    same(out, bytes);
}

static void try_said(struct span bytes)
{
    struct said s;
    struct buf *out = kit_buf();
    if (said_decode(bytes, &s) != ERR_OK) return;
    within(s.content, bytes);
    said_encode(&s, out);
    same(out, bytes);
}

// What lies in pools and inboxes opens with the right key alone, and nothing here has it.
static void try_sealed(struct span bytes)
{
    static const uint8_t key[FORMAT_KEY] = {1};
    struct buf *out = kit_buf();
    const uint8_t *ref = NULL;
    must(package_open(crypto, key, bytes, out) != ERR_OK);
    if (inbox_ref(bytes, &ref) == ERR_OK) must(ref == bytes.p);
    must(inbox_open(crypto, CRYPTO_X25519_AES128_SHA256_ED25519, span_of(key, 32), bytes, out) != ERR_OK);
}

// Of the seed's account and key package, or of nobody.
static void try_letter(struct span bytes)
{
    static const uint8_t ref[FORMAT_ID] = {9};
    struct letter l;
    enum err e = inbox_check(crypto, bytes, ref, &l);
    must(e == ERR_OK || e == ERR_MALFORMED || e == ERR_UNAUTHENTICATED || e == ERR_LIMIT);
    if (e != ERR_OK) return;
    within(l.body, bytes);
    within(span_of(l.account_key, FORMAT_KEY), bytes);
}

void fuzz_one(struct span bytes)
{
    static void (*const tries[])(struct span) = {try_cert, try_invite, try_link,   try_intro,    try_knock,
                                                 try_room, try_said,   try_sealed, try_blob_ref, try_letter};
    if (bytes.n == 0) return;
    tries[bytes.p[0] % (sizeof tries / sizeof *tries)](kit_copy(span_of(bytes.p + 1, bytes.n - 1)));
}

// ---------------------------------------------------------------------------------------------------------------- seeds

static void seed(const char *folder, const char *name, uint8_t which, const struct buf *bytes)
{
    struct buf *all = kit_buf();
    buf_put_u8(all, which);
    buf_put(all, buf_span(bytes));
    kit_seed(folder, name, buf_span(all));
}

static void seed_cert(const char *folder)
{
    uint8_t secret[32], public[32], from[CRYPTO_SIG_SEED] = {7}, device[FORMAT_DEVICE] = {1};
    struct buf *out = kit_buf();
    must_ok(crypto_sig_keygen(crypto, crypto_suite(CRYPTO_X25519_AES128_SHA256_ED25519), from, secret, public));
    const struct cert c = {.account_key = public, .device_key = span_of(public, 32), .device = device, .created = 1};
    must_ok(cert_make(crypto, secret, &c, out));
    seed(folder, "cert", 0, out);
}

static void seed_letter(const char *folder)
{
    uint8_t secret[32], public[32], from[CRYPTO_SIG_SEED] = {7}, ref[FORMAT_ID] = {9};
    struct buf *out = kit_buf();
    must_ok(crypto_sig_keygen(crypto, crypto_suite(CRYPTO_X25519_AES128_SHA256_ED25519), from, secret, public));
    const struct letter l = {.kind = INBOX_KNOCK, .body = span_str("knock"), .account_key = public};
    must_ok(inbox_sign(crypto, &l, secret, ref, out));
    buf_put(out, span_of((const uint8_t[8]){0}, 8));
    seed(folder, "letter", 9, out);
}

void fuzz_seeds(const char *folder)
{
    static const uint8_t fill[3 * FORMAT_ID] = {[FORMAT_ID] = 1, [2 * FORMAT_ID] = 2};
    const struct invite i = {
        span_str("wss://relay.example/s#pin"), fill, fill, fill, fill, INVITE_ONCE, span_str("Ann"), {0}};
    const struct invite to_group = {i.relay, fill, fill, fill, fill, INVITE_GROUP, span_str("Ann"), span_str("Tea")};
    struct buf *out[9];
    for (size_t k = 0; k < 9; k++) out[k] = kit_buf();
    seed_cert(folder);
    seed_letter(folder);
    invite_encode(&i, out[0]);
    seed(folder, "invite", 1, out[0]);
    invite_encode(&to_group, out[1]);
    seed(folder, "invite-group", 1, out[1]);
    must_ok(invite_link(&i, NULL, out[2]));
    out[2]->n--; // the NUL
    seed(folder, "link", 2, out[2]);
    intro_encode(&(struct intro){fill, span_str("Ann"), buf_span(out[0]), span_str("welcome"), span_str("blob"), fill,
                                 3, 4, fill},
                 out[3]);
    seed(folder, "intro", 3, out[3]);
    knock_encode(&(struct knock){fill, span_str("Bob"), buf_span(out[0]), span_str("group")}, out[4]);
    seed(folder, "knock", 4, out[4]);
    room_encode(&(struct room){ROOM_GROUP, i.relay, fill, span_str("Tea"), span_str("jpeg"),
                               span_of(fill, 3 * FORMAT_ID), fill},
                out[5]);
    seed(folder, "room", 5, out[5]);
    said_encode(&(struct said){7, fill, span_str("content")}, out[6]);
    seed(folder, "said", 6, out[6]);
    buf_put(out[7], span_of(fill, sizeof fill)); // a reference, and what follows it
    seed(folder, "sealed", 7, out[7]);
    blob_ref_encode(&(struct blob_ref){i.relay, fill, span_of(fill, 32), span_of(fill, 7), 100000, fill}, out[8]);
    seed(folder, "blob-ref", 8, out[8]);
}
