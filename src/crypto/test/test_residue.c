// SPDX-License-Identifier: Apache-2.0
//
// After a call returns, no key that it consumed is left in memory: not in OpenSSL's contexts, not in freed heap, not on
// the stack once that is wiped. The test remembers each secret under a mask, wipes its own copy, and searches all
// writable memory of the process. It proves presence, not absence: a form that it does not know (a Montgomery product,
// a coordinate in limbs of 51 bits) is not found.
#include "crypto/test/vectors.h"

#include <fcntl.h>
#include <unistd.h>

#include "crypto/hpke.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0 // a sanitizer's shadow is terabytes of mostly nothing
#endif

enum { WINDOW = 16, MASK = 0xa5, FORMS = 4 };

// The middle of a secret under the mask, in the forms that it may be kept in: as it is, backwards (bignums), and in
// words of 4 and 8 bytes of this machine's order (chaining values of digests).
struct trace {
    uint8_t form[FORMS][WINDOW];
};

// Never inlined, and byte by byte, so that the compiler keeps no copy in the frame of the test itself.
[[gnu::noinline]] static struct trace trace_of(const volatile uint8_t *secret, size_t n)
{
    struct trace t;
    const size_t from = (n - WINDOW) / 2;
    for (size_t i = 0; i < WINDOW; i++) {
        const uint8_t masked = secret[from + i] ^ MASK;
        t.form[0][i] = masked;
        t.form[1][WINDOW - 1 - i] = masked;
        t.form[2][i ^ 3] = masked;
        t.form[3][i ^ 7] = masked;
    }
    return t;
}

static bool is_at(const uint8_t *p, const uint8_t masked[WINDOW])
{
    for (size_t i = 0; i < WINDOW; i++)
        if ((p[i] ^ masked[i]) != MASK) return false;
    return true;
}

static size_t count_in(const uint8_t *from, const uint8_t *to, const struct trace *t)
{
    size_t found = 0;
    for (const uint8_t *p = from; p + WINDOW <= to; p++)
        for (size_t i = 0; i < FORMS; i++)
            if (is_at(p, t->form[i])) found++;
    return found;
}

// Occurrences in every mapping that is readable and writable.
[[gnu::noinline]] static size_t count(const struct trace *t)
{
    static char maps[1 << 18];
    size_t n = 0, found = 0;
    const int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    for (ssize_t got; n < sizeof maps - 1 && (got = read(fd, maps + n, sizeof maps - 1 - n)) > 0;) n += (size_t)got;
    close(fd);
    maps[n] = 0;
    for (char *line = maps; line != NULL && *line != 0; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        char *end = NULL;
        const uintptr_t from = strtoull(line, &end, 16), to = strtoull(end + 1, &end, 16);
        if (strncmp(end, " rw", 3) == 0) found += count_in((const uint8_t *)from, (const uint8_t *)to, t);
    }
    return found;
}

static void gone(const struct trace *t, const struct crypto_suite *s, const char *what)
{
    mem_wipe_stack();
    const size_t n = count(t);
    if (n != 0) fail_msg("%s: %s is in memory %zu times", crypto_suite_name(s), what, n);
}

static void fill(uint8_t *out, size_t n)
{
    const int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && read(fd, out, n) == (ssize_t)n);
    close(fd);
}

static void the_search_finds(void **state)
{
    (void)state;
    if (SANITIZED) return;
    uint8_t *secret = (uint8_t *)malloc(100);
    assert_non_null(secret);
    fill(secret, 100);
    const struct trace t = trace_of(secret, 100);
    assert_int_equal(count(&t), 1);
    mem_wipe(secret, 100);
    assert_int_equal(count(&t), 0);
    free(secret);
}

static void for_every_suite(void (*check)(struct crypto *c, const struct crypto_suite *s))
{
    struct crypto *c = NULL;
    const struct crypto_suite *s;
    if (SANITIZED) return;
    assert_ok(crypto_new(&c));
    for (size_t i = 0; (s = crypto_suite_at(i)) != NULL; i++) check(c, s);
    crypto_free(c);
}

// Key, message and result of HMAC, HKDF and hash.
static void symmetric(struct crypto *c, const struct crypto_suite *s)
{
    const size_t nh = crypto_sizes(s)->nh;
    uint8_t key[CRYPTO_HASH_MAX], msg[200], out[CRYPTO_HASH_MAX];
    fill(key, sizeof key);
    fill(msg, sizeof msg);
    const struct span parts = span_of(msg, sizeof msg);
    const struct trace k = trace_of(key, nh), m = trace_of(msg + 150, 50);
    assert_ok(crypto_mac(c, s, span_of(key, nh), &parts, 1, out));
    struct trace o = trace_of(out, nh);
    mem_wipe(out, sizeof out);
    gone(&o, s, "a MAC");
    assert_ok(crypto_expand(c, s, span_of(key, nh), &parts, 1, out, nh));
    o = trace_of(out, nh);
    mem_wipe(out, sizeof out);
    gone(&o, s, "HKDF's output");
    assert_ok(crypto_hash(c, s, &parts, 1, out));
    o = trace_of(out, nh);
    mem_wipe(out, sizeof out);
    gone(&o, s, "a digest");
    mem_wipe(key, sizeof key);
    mem_wipe(msg, sizeof msg);
    gone(&k, s, "a key of HMAC");
    gone(&m, s, "the end of a message");
}

static void hashes_leave_nothing(void **state)
{
    (void)state;
    for_every_suite(symmetric);
}

static void aead(struct crypto *c, const struct crypto_suite *s)
{
    const size_t nk = crypto_sizes(s)->nk;
    uint8_t key[CRYPTO_KEY_MAX], nonce[CRYPTO_NONCE], pt[200], ct[200 + CRYPTO_TAG];
    fill(key, sizeof key);
    fill(nonce, sizeof nonce);
    fill(pt, sizeof pt);
    const struct trace k = trace_of(key, nk), front = trace_of(pt, 32), end = trace_of(pt + 168, 32);
    assert_ok(crypto_seal(c, s, key, nonce, span_of(NULL, 0), span_of(pt, sizeof pt), ct));
    mem_wipe(pt, sizeof pt);
    gone(&front, s, "the front of a plaintext");
    gone(&end, s, "the end of a plaintext");
    assert_ok(crypto_open(c, s, key, nonce, span_of(NULL, 0), span_of(ct, sizeof ct), pt));
    mem_wipe(pt, sizeof pt);
    mem_wipe(key, sizeof key);
    gone(&k, s, "an AEAD key");
    gone(&end, s, "the end of an opened plaintext");
}

static void aeads_leave_nothing(void **state)
{
    (void)state;
    for_every_suite(aead);
}

static void signature(struct crypto *c, const struct crypto_suite *s)
{
    const struct crypto_sizes *z = crypto_sizes(s);
    uint8_t seed[CRYPTO_SIG_SEED], sk[CRYPTO_SIGSK_MAX], pk[CRYPTO_SIGPK_MAX], sig[CRYPTO_SIG_MAX], expanded[64];
    size_t n = 0;
    fill(seed, sizeof seed);
    assert_ok(crypto_sig_keygen(c, s, seed, sk, pk));
    mem_wipe(seed, sizeof seed);
    const struct span sk_span = span_of(sk, z->nsigsk), pk_span = span_of(pk, z->nsigpk);
    const struct trace k = trace_of(sk, z->nsigsk);
    // what RFC 8032 §5.1.5 makes of an Ed25519 seed: the scalar, and the prefix that the nonces come from
    assert_ok(hash_digest(c, &hash_sha512, &sk_span, 1, expanded));
    const struct trace scalar = trace_of(expanded, 32), prefix = trace_of(expanded + 32, 32);
    mem_wipe(expanded, sizeof expanded);
    assert_ok(crypto_sign(c, s, sk_span, pk_span, span_str("message"), sig, &n));
    assert_ok(crypto_sign(c, s, sk_span, span_of(NULL, 0), span_str("message"), sig, &n));
    assert_ok(crypto_sig_public(c, s, sk_span, pk));
    mem_wipe(sk, sizeof sk);
    gone(&k, s, "a signature key");
    gone(&scalar, s, "the scalar of a signature key");
    gone(&prefix, s, "the prefix of a signature key");
}

static void signatures_leave_nothing(void **state)
{
    (void)state;
    for_every_suite(signature);
}

static void hpke(struct crypto *c, const struct crypto_suite *s)
{
    const struct crypto_sizes *z = crypto_sizes(s);
    const struct span info = span_str("info"), none = span_of(NULL, 0);
    static uint8_t pk[CRYPTO_PK_MAX], enc[CRYPTO_ENC_MAX];
    uint8_t ikm[64], sk[CRYPTO_SK_MAX], seed[CRYPTO_SEED_MAX], pt[48], ct[48 + CRYPTO_TAG], ss[CRYPTO_SS_MAX];
    struct hpke_context x;
    fill(ikm, sizeof ikm);
    fill(seed, sizeof seed);
    fill(pt, sizeof pt);
    const struct trace i = trace_of(ikm, 64), r = trace_of(seed, z->nseed), r32 = trace_of(seed, 32);
    const struct trace p = trace_of(pt, sizeof pt);
    assert_ok(crypto_kem_derive(c, s, span_of(ikm, sizeof ikm), sk, pk));
    mem_wipe(ikm, sizeof ikm);
    const struct trace k = trace_of(sk, z->nsk);
    assert_ok(crypto_hpke_seal(c, s, span_of(pk, z->npk), info, span_of(pt, sizeof pt), seed, enc, ct));
    mem_wipe(seed, sizeof seed);
    mem_wipe(pt, sizeof pt);
    gone(&i, s, "a KEM's input keying material");
    gone(&r, s, "an ephemeral key");
    gone(&r32, s, "the randomness of an encapsulation");
    gone(&p, s, "a sealed plaintext");

    const struct hpke h = {.kem = s->kem, .kdf = s->kdf, .aead = s->aead};
    const struct span enc_span = span_of(enc, z->nenc), sk_span = span_of(sk, z->nsk);
    assert_ok(s->kem->decap(c, s->kem, sk, NULL, enc, ss));
    const struct trace shared = trace_of(ss, z->nss);
    mem_wipe(ss, sizeof ss);
    assert_ok(hpke_setup_receive(c, &h, sk_span, none, enc_span, info, &x));
    const struct trace key = trace_of(x.key, z->nk), exporter = trace_of(x.exporter_secret, z->nh);
    hpke_wipe(&x);
    assert_ok(crypto_hpke_open(c, s, sk_span, none, enc_span, info, span_of(ct, sizeof ct), pt));
    mem_wipe(pt, sizeof pt);
    mem_wipe(sk, sizeof sk);
    gone(&k, s, "a KEM private key");
    gone(&shared, s, "a KEM shared secret");
    gone(&key, s, "an HPKE key");
    gone(&exporter, s, "an HPKE exporter secret");
    gone(&p, s, "an opened plaintext");
}

static void hpke_leaves_nothing(void **state)
{
    (void)state;
    for_every_suite(hpke);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_search_finds),         cmocka_unit_test(hashes_leave_nothing),
        cmocka_unit_test(aeads_leave_nothing),      cmocka_unit_test(signatures_leave_nothing),
        cmocka_unit_test(hpke_leaves_nothing),
    };
    if (SANITIZED) print_message("# skipped: memory is not searched under a sanitizer\n");
    return unit_run("crypto residue", tests);
}
