// SPDX-License-Identifier: Apache-2.0
//
// Formats of the client: each comes back as it was, is refused when cut or changed, and tells a version to come from a broken one;
// certificates and sealing with each bit changed.
#include "unit.h"

#include "format/format.h"

static struct crypto *crypto;
static struct world world;
static uint8_t fill[16][32];

static int open_crypto(void **state)
{
    (void)state;
    world = crypto_system_world();
    for (size_t i = 0; i < 16; i++) memset(fill[i], (int)(0x10 + i), 32);
    return crypto_new(&crypto) == ERR_OK ? 0 : -1;
}

static int close_crypto(void **state)
{
    (void)state;
    crypto_free(crypto);
    return 0;
}

struct account {
    uint8_t secret[32], public[32];
};

static struct account make_account(void)
{
    struct account a;
    uint8_t seed[CRYPTO_SIG_SEED];
    const struct crypto_suite *s = crypto_suite(CRYPTO_X25519_AES128_SHA256_ED25519);
    assert_ok(world.random(world.arg, seed, sizeof seed));
    assert_ok(crypto_sig_keygen(crypto, s, seed, a.secret, a.public));
    return a;
}

// ------------------------------------------------------------------------------------------------------- certificates

static void certificates_hold_what_an_account_signed(void **state)
{
    struct account alice = make_account(), mallory = make_account();
    const struct cert of = {
        .account_key = alice.public, .device_key = span_of(fill[0], 32), .device = fill[1], .created = 1234567};
    struct cert got;
    struct buf b;
    (void)state;
    buf_init(&b, 300);
    assert_ok(cert_make(crypto, alice.secret, &of, &b));
    assert_ok(cert_check(crypto, buf_span(&b), &got));
    assert_memory_equal(got.account_key, alice.public, 32);
    assert_memory_equal(got.device, fill[1], FORMAT_DEVICE);
    assert_true(span_eq(got.device_key, span_of(fill[0], 32)));
    assert_int_equal(got.created, 1234567);
    for (size_t i = 0; i < b.n; i++) {
        b.p[i] ^= 1;
        if (cert_check(crypto, buf_span(&b), &got) == ERR_OK) fail_msg("byte %zu does not count", i);
        b.p[i] ^= 1;
        assert_int_not_equal(cert_check(crypto, span_of(b.p, i), &got), ERR_OK);
    }
    b.p[0] = 2;
    assert_int_equal(cert_check(crypto, buf_span(&b), &got), ERR_UNSUPPORTED);
    buf_wipe(&b);
    buf_init(&b, 300);
    assert_ok(cert_make(crypto, mallory.secret, &of, &b)); // for an account that is not hers
    assert_int_equal(cert_check(crypto, buf_span(&b), &got), ERR_UNAUTHENTICATED);
    buf_wipe(&b);
}

// ------------------------------------------------------------------------------------------------------- invitations

static struct invite sample(void)
{
    return (struct invite){.relay = span_str("wss://relay.example/s#pin"),
                           .inbox = fill[0],
                           .key = fill[1],
                           .package_key = fill[2],
                           .account = fill[3],
                           .flags = INVITE_ONCE,
                           .name = span_str("Alice \xc3\x84")};
}

static void assert_sample(struct span bytes)
{
    struct invite i, s = sample();
    assert_ok(invite_decode(bytes, &i));
    assert_true(span_eq(i.relay, s.relay) && span_eq(i.name, s.name));
    assert_int_equal(i.flags, s.flags);
    assert_memory_equal(i.inbox, s.inbox, 32);
    assert_memory_equal(i.key, s.key, 32);
    assert_memory_equal(i.package_key, s.package_key, 32);
    assert_memory_equal(i.account, s.account, 32);
}

static void invitations_travel_as_links(void **state)
{
    struct invite s = sample(), got;
    const char *const hosts[] = {NULL, "whimbrel.example"};
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        struct buf link, bytes;
        char text[FORMAT_LINK_MAX + 20];
        buf_init(&link, FORMAT_LINK_MAX);
        buf_init(&bytes, FORMAT_LINK_MAX);
        assert_ok(invite_link(&s, hosts[k], &link));
        (void)snprintf(text, sizeof text, " \n%s\r\n ", (const char *)link.p);
        assert_ok(invite_from_link(span_str(text), &bytes));
        assert_sample(buf_span(&bytes));
        for (size_t n = 0; n < bytes.n; n++) assert_int_not_equal(invite_decode(span_of(bytes.p, n), &got), ERR_OK);
        bytes.p[0] = 9;
        assert_int_equal(invite_decode(buf_span(&bytes), &got), ERR_UNSUPPORTED);
        buf_wipe(&link);
        buf_wipe(&bytes);
    }
    static const char *const bad[] = {
        "",           "whimbrel",      "https://a.example/",   "https://a.example/i", "http://a.example/i#AQ",
        "whimbrel:!", "whimbrel:AQ==", "https://a.example/i#A"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buf bytes;
        buf_init(&bytes, FORMAT_LINK_MAX);
        if (invite_from_link(span_str(bad[i]), &bytes) == ERR_OK) fail_msg("%s was accepted", bad[i]);
        buf_wipe(&bytes);
    }
}

static void invitations_lead_into_groups(void **state)
{
    struct invite s = sample(), got;
    struct buf bytes;
    (void)state;
    s.flags = INVITE_GROUP;
    s.group = span_str("Tea");
    buf_init(&bytes, FORMAT_LINK_MAX);
    invite_encode(&s, &bytes);
    assert_ok(buf_end(&bytes));
    assert_ok(invite_decode(buf_span(&bytes), &got));
    assert_true(span_eq(got.group, s.group) && span_eq(got.name, s.name));
    for (size_t n = 0; n < bytes.n; n++) assert_int_not_equal(invite_decode(span_of(bytes.p, n), &got), ERR_OK);
    bytes.p[bytes.n - 1] = 0xff; // no text
    assert_int_equal(invite_decode(buf_span(&bytes), &got), ERR_MALFORMED);
    buf_wipe(&bytes);
}

static void knocks_come_back(void **state)
{
    static uint8_t id[FORMAT_GROUP_ID_MAX + 1];
    const struct knock in = {.invite_key = fill[0],
                             .name = span_str("n"),
                             .invite = span_str("i"),
                             .group = span_of(id, FORMAT_GROUP_ID_MAX)};
    struct knock out, long_id = in;
    struct buf bytes;
    (void)state;
    buf_init(&bytes, 1000);
    knock_encode(&in, &bytes);
    assert_ok(buf_end(&bytes));
    assert_ok(knock_decode(buf_span(&bytes), &out));
    assert_memory_equal(out.invite_key, fill[0], 32);
    assert_true(span_eq(out.name, in.name) && span_eq(out.invite, in.invite) && span_eq(out.group, in.group));
    for (size_t n = 0; n < bytes.n; n++) assert_int_not_equal(knock_decode(span_of(bytes.p, n), &out), ERR_OK);
    bytes.n = 0;
    long_id.group.n++;
    knock_encode(&long_id, &bytes);
    assert_int_equal(knock_decode(buf_span(&bytes), &out), ERR_MALFORMED);
    buf_wipe(&bytes);
}

// --------------------------------------------------------------------------------------------- introductions, rooms, said

static void introductions_come_back(void **state)
{
    const struct intro in = {.invite_key = fill[0],
                             .name = span_str("Bob"),
                             .invite = span_str("i"),
                             .welcome = span_str("w"),
                             .log_key = fill[1],
                             .log_epoch = 7,
                             .seq = 9,
                             .chain = fill[2]};
    struct intro out;
    struct buf b;
    (void)state;
    buf_init(&b, 1000);
    intro_encode(&in, &b);
    assert_ok(intro_decode(buf_span(&b), &out));
    assert_true(span_eq(out.name, in.name) && span_eq(out.invite, in.invite) && span_eq(out.welcome, in.welcome));
    assert_true(out.log_epoch == 7 && out.seq == 9);
    assert_memory_equal(out.invite_key, fill[0], 32);
    assert_memory_equal(out.log_key, fill[1], 32);
    assert_memory_equal(out.chain, fill[2], 32);
    for (size_t n = 0; n < b.n; n++) assert_int_not_equal(intro_decode(span_of(b.p, n), &out), ERR_OK);
    buf_put_u8(&b, 0);
    assert_int_equal(intro_decode(buf_span(&b), &out), ERR_MALFORMED);
    buf_wipe(&b);
}

static enum err try_room(const struct room *r)
{
    struct room out;
    struct buf b;
    buf_init(&b, 70000);
    room_encode(r, &b);
    enum err e = room_decode(buf_span(&b), &out);
    if (e == ERR_OK) {
        assert_int_equal(out.kind, r->kind);
        assert_true(span_eq(out.relay, r->relay) && span_eq(out.name, r->name) && span_eq(out.admins, r->admins));
        assert_memory_equal(out.log, r->log, 32);
        for (size_t n = 0; n < b.n; n++) assert_int_not_equal(room_decode(span_of(b.p, n), &out), ERR_OK);
    }
    buf_wipe(&b);
    return e;
}

static void rooms_have_their_rules(void **state)
{
    struct room r = {.kind = ROOM_GROUP,
                     .relay = span_str("wss://r"),
                     .log = fill[0],
                     .name = span_str("Tea"),
                     .admins = span_of(fill[4], 96),
                     .recovery = fill[1]};
    (void)state;
    assert_ok(try_room(&r));
    assert_true(room_is_admin(&r, fill[5]));
    assert_false(room_is_admin(&r, fill[7]));
    const struct room good = r;
    r.kind = 0;
    assert_int_equal(try_room(&r), ERR_MALFORMED);
    r = good;
    r.kind = ROOM_SELF + 1;
    assert_int_equal(try_room(&r), ERR_MALFORMED);
    r = good;
    r.relay.n = 0;
    assert_int_equal(try_room(&r), ERR_MALFORMED);
    r = good;
    r.admins.n = 95;
    assert_int_equal(try_room(&r), ERR_MALFORMED);
    r = good;
    r.name = span_str("\xff");
    assert_int_equal(try_room(&r), ERR_MALFORMED);
    uint8_t twice[64];
    memcpy(twice, fill[4], 32);
    memcpy(twice + 32, fill[4], 32);
    r = good;
    r.admins = span_of(twice, 64); // one twice; and out of order is the same rule
    assert_int_equal(try_room(&r), ERR_MALFORMED);
}

static void what_is_said_comes_back_and_the_chain_depends_on_all_of_it(void **state)
{
    const struct said in = {.seen = 5, .chain = fill[0], .content = span_str("cbor")};
    struct said out;
    struct buf b;
    uint8_t one[32] = {0}, two[32] = {0};
    (void)state;
    buf_init(&b, 1000);
    said_encode(&in, &b);
    assert_ok(said_decode(buf_span(&b), &out));
    assert_true(out.seen == 5 && span_eq(out.content, in.content));
    assert_memory_equal(out.chain, fill[0], 32);
    for (size_t n = 0; n < b.n; n++) assert_int_not_equal(said_decode(span_of(b.p, n), &out), ERR_OK);
    buf_wipe(&b);
    assert_ok(chain_next(crypto, one, 1, 2, span_str("x")));
    const struct {
        uint64_t seq, epoch;
        const char *payload;
    } others[] = {{2, 2, "x"}, {1, 3, "x"}, {1, 2, "y"}, {1, 2, ""}};
    for (size_t i = 0; i < 4; i++) {
        memset(two, 0, 32);
        assert_ok(chain_next(crypto, two, others[i].seq, others[i].epoch, span_str(others[i].payload)));
        assert_memory_not_equal(one, two, 32);
    }
    memset(two, 1, 32);
    assert_ok(chain_next(crypto, two, 1, 2, span_str("x")));
    assert_memory_not_equal(one, two, 32);
    memset(two, 0, 32);
    assert_ok(chain_next(crypto, two, 1, 2, span_str("x")));
    assert_memory_equal(one, two, 32);
}

// ------------------------------------------------------------------------------------------------------------- sealing

static void sealed_packages_open_with_their_key_alone(void **state)
{
    struct buf a, b, out;
    (void)state;
    buf_init(&a, 1000);
    buf_init(&b, 1000);
    buf_init(&out, 1000);
    assert_ok(package_seal(crypto, &world, fill[0], span_str("key package"), &a));
    assert_ok(package_seal(crypto, &world, fill[0], span_str("key package"), &b));
    assert_false(span_eq(buf_span(&a), buf_span(&b)));
    assert_ok(package_open(crypto, fill[0], buf_span(&a), &out));
    assert_true(span_eq(buf_span(&out), span_str("key package")));
    buf_wipe(&out);
    assert_int_equal(package_open(crypto, fill[1], buf_span(&a), &out), ERR_UNAUTHENTICATED);
    for (size_t i = 0; i < a.n; i++) {
        buf_wipe(&out);
        a.p[i] ^= 1;
        assert_int_equal(package_open(crypto, fill[0], buf_span(&a), &out), ERR_UNAUTHENTICATED);
        a.p[i] ^= 1;
        buf_wipe(&out);
        assert_int_not_equal(package_open(crypto, fill[0], span_of(a.p, i), &out), ERR_OK);
    }
    buf_wipe(&a);
    buf_wipe(&b);
    buf_wipe(&out);
}

// The front of a KeyPackage in an MLSMessage, which is all that sealing looks at.
static void fake_package(const struct crypto_suite *s, struct span init_key, struct buf *out)
{
    const uint8_t head[] = {0, 1, 0, 5, 0, 1, (uint8_t)(crypto_suite_id(s) >> 8), (uint8_t)crypto_suite_id(s)};
    buf_put(out, span_of(head, sizeof head));
    if (init_key.n < 64) buf_put_u8(out, (uint8_t)init_key.n);
    else buf_put(out, span_of(((const uint8_t[]){(uint8_t)(0x40 | init_key.n >> 8), (uint8_t)init_key.n}), 2));
    buf_put(out, init_key);
}

static void letters_are_of_whom_they_say(void **state)
{
    struct account a = make_account(), b = make_account();
    struct letter l = {.kind = INBOX_KNOCK, .body = span_str("let me in"), .account_key = a.public}, read = {0};
    struct buf letter;
    (void)state;
    buf_init(&letter, 1000);
    assert_ok(inbox_sign(crypto, &l, a.secret, fill[1], &letter));
    assert_ok(inbox_check(crypto, buf_span(&letter), fill[1], &read));
    assert_int_equal(read.kind, INBOX_KNOCK);
    assert_true(span_eq(read.body, l.body));
    assert_memory_equal(read.account_key, a.public, 32);
    // for another key package, of another account, another kind or body, cut
    assert_int_equal(inbox_check(crypto, buf_span(&letter), fill[2], &read), ERR_UNAUTHENTICATED);
    for (size_t i = 0; i < letter.n; i++) {
        letter.p[i] ^= 1;
        assert_int_not_equal(inbox_check(crypto, buf_span(&letter), fill[1], &read), ERR_OK);
        letter.p[i] ^= 1;
        assert_int_equal(inbox_check(crypto, span_of(letter.p, i), fill[1], &read), ERR_MALFORMED);
    }
    memcpy(letter.p + letter.n - 96, b.public, 32);
    assert_int_equal(inbox_check(crypto, buf_span(&letter), fill[1], &read), ERR_UNAUTHENTICATED);
    memcpy(letter.p + letter.n - 96, a.public, 32);
    buf_put_u8(&letter, 0);
    assert_ok(inbox_check(crypto, buf_span(&letter), fill[1], &read));
    buf_put_u8(&letter, 1);
    assert_int_equal(inbox_check(crypto, buf_span(&letter), fill[1], &read), ERR_MALFORMED);
    buf_wipe(&letter);
}

static void inbox_entries_open_for_whom_they_are(void **state)
{
    static const uint16_t suites[] = {CRYPTO_X25519_AES128_SHA256_ED25519, CRYPTO_MLKEM768X25519_AES256_SHA384_ED25519};
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        const struct crypto_suite *s = crypto_suite(suites[k]);
        const struct crypto_sizes *sizes = crypto_sizes(s);
        uint8_t sk[CRYPTO_SK_MAX], pk[CRYPTO_PK_MAX];
        const uint8_t *ref = NULL;
        struct buf package, entry, other, out;
        assert_ok(crypto_kem_derive(crypto, s, span_of(fill[0], 64), sk, pk));
        buf_init(&package, 4000);
        buf_init(&entry, 70000);
        buf_init(&other, 70000);
        buf_init(&out, 70000);
        fake_package(s, span_of(pk, sizes->npk), &package);
        assert_ok(inbox_seal(crypto, &world, buf_span(&package), fill[1], span_str("hello"), &entry));
        assert_ok(inbox_seal(crypto, &world, buf_span(&package), fill[1], span_str("a much longer hello"), &other));
        assert_int_equal(entry.n, other.n); // sizes tell nothing
        assert_ok(inbox_ref(buf_span(&entry), &ref));
        assert_memory_equal(ref, fill[1], 32);
        assert_ok(inbox_open(crypto, suites[k], span_of(sk, sizes->nsk), buf_span(&entry), &out));
        assert_int_equal(out.n, 1024);
        assert_string_equal((const char *)out.p, "hello");
        for (size_t i = 32; i < entry.n; i += 97) {
            buf_wipe(&out);
            entry.p[i] ^= 1;
            assert_int_not_equal(inbox_open(crypto, suites[k], span_of(sk, sizes->nsk), buf_span(&entry), &out),
                                 ERR_OK);
            entry.p[i] ^= 1;
        }
        for (size_t n = 0; n < entry.n; n += 31) {
            buf_wipe(&out);
            assert_int_not_equal(inbox_open(crypto, suites[k], span_of(sk, sizes->nsk), span_of(entry.p, n), &out),
                                 ERR_OK);
        }
        sk[0] ^= 0x40;
        buf_wipe(&out);
        assert_int_not_equal(inbox_open(crypto, suites[k], span_of(sk, sizes->nsk), buf_span(&entry), &out), ERR_OK);
        package.p[3] = 1; // no KeyPackage
        assert_int_equal(inbox_seal(crypto, &world, buf_span(&package), fill[1], span_str("x"), &entry), ERR_MALFORMED);
        buf_wipe(&package);
        buf_wipe(&entry);
        buf_wipe(&other);
        buf_wipe(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates_hold_what_an_account_signed),
        cmocka_unit_test(invitations_travel_as_links),
        cmocka_unit_test(invitations_lead_into_groups),
        cmocka_unit_test(knocks_come_back),
        cmocka_unit_test(introductions_come_back),
        cmocka_unit_test(rooms_have_their_rules),
        cmocka_unit_test(what_is_said_comes_back_and_the_chain_depends_on_all_of_it),
        cmocka_unit_test(sealed_packages_open_with_their_key_alone),
        cmocka_unit_test(letters_are_of_whom_they_say),
        cmocka_unit_test(inbox_entries_open_for_whom_they_are),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("client format", tests, open_crypto, close_crypto);
}
