// SPDX-License-Identifier: Apache-2.0
//
// What hides key packages and inbox entries from the relay that keeps them. Invariant: whatever leaves here is a multiple of a
// size, or a key package's; equal bodies for two receivers have nothing in common.
#include "format/format.h"

#include "codec/tls.h"

enum { PAD = 1024, SUITE_AT = 6, LETTER_MAX = 60 << 10 };
static const char inbox_label[] = "Whimbrel inbox";

static const struct crypto_suite *aead_suite(void) { return crypto_suite(CRYPTO_X25519_CHACHA20_SHA256_ED25519); }

enum err package_seal(struct crypto *c, const struct world *w, const uint8_t package_key[FORMAT_KEY],
                      struct span package, struct buf *out)
{
    uint8_t nonce[CRYPTO_NONCE];
    enum err e = w->random(w->arg, nonce, sizeof nonce);
    if (e != ERR_OK) return e;
    buf_put(out, span_of(nonce, sizeof nonce));
    uint8_t *to = buf_grow(out, package.n + CRYPTO_TAG);
    if (to == NULL) return buf_end(out);
    return crypto_seal(c, aead_suite(), package_key, nonce, span_of(NULL, 0), package, to);
}

enum err package_open(struct crypto *c, const uint8_t package_key[FORMAT_KEY], struct span sealed, struct buf *out)
{
    if (sealed.n < CRYPTO_NONCE + CRYPTO_TAG) return ERR_MALFORMED;
    struct span text = span_of(sealed.p + CRYPTO_NONCE, sealed.n - CRYPTO_NONCE);
    uint8_t *to = buf_grow(out, text.n - CRYPTO_TAG);
    if (to == NULL) return buf_end(out);
    return crypto_open(c, aead_suite(), package_key, sealed.p, span_of(NULL, 0), text, to);
}

// Suite and init key of a KeyPackage in an MLSMessage (RFC 9420 §6, §10).
static enum err read_package(struct span package, uint16_t *suite, struct span *init_key)
{
    struct tls_reader r = tls_reader_of(package);
    uint16_t version = tls_u16(&r), format = tls_u16(&r), of_package = tls_u16(&r);
    bool ok = version == 1 && format == 5 && of_package == 1; // mls10, mls_key_package, mls10
    *suite = tls_u16(&r);
    *init_key = tls_vector(&r);
    return ok && r.err == ERR_OK ? ERR_OK : ERR_MALFORMED;
}

enum err inbox_seal(struct crypto *c, const struct world *w, struct span key_package, const uint8_t ref[FORMAT_ID],
                    struct span letter, struct buf *out)
{
    uint16_t id = 0;
    struct span init_key;
    uint8_t seed[CRYPTO_SEED_MAX] = {0}, enc[CRYPTO_ENC_MAX]; /* seed: secret */
    struct buf plain;
    enum err e = read_package(key_package, &id, &init_key);
    const struct crypto_suite *s = crypto_suite(id);
    if (e != ERR_OK || s == NULL) return e != ERR_OK ? e : ERR_UNSUPPORTED;
    if (letter.n > LETTER_MAX) return ERR_LIMIT;
    const struct crypto_sizes *sizes = crypto_sizes(s);
    buf_init(&plain, LETTER_MAX + 2 * PAD);
    buf_put(&plain, letter);
    size_t pad = (PAD - plain.n % PAD) % PAD;
    uint8_t *zeros = buf_grow(&plain, pad);
    if (zeros != NULL) memset(zeros, 0, pad);
    e = buf_end(&plain);
    if (e == ERR_OK) e = w->random(w->arg, seed, sizes->nseed);
    if (e == ERR_OK) {
        buf_put(out, span_of(ref, FORMAT_ID));
        uint8_t *sealed = mem_new(plain.n + CRYPTO_TAG);
        e = sealed == NULL
                ? ERR_MEMORY
                : crypto_hpke_seal(c, s, init_key, span_str(inbox_label), buf_span(&plain), seed, enc, sealed);
        if (e == ERR_OK) {
            tls_put_vector(out, span_of(enc, sizes->nenc));
            tls_put_vector(out, span_of(sealed, plain.n + CRYPTO_TAG));
            e = buf_end(out);
        }
        mem_free(sealed);
    }
    mem_wipe(seed, sizeof seed);
    buf_wipe(&plain);
    return e;
}

enum err inbox_ref(struct span entry, const uint8_t **ref)
{
    if (entry.n < FORMAT_ID) return ERR_MALFORMED;
    *ref = entry.p;
    return ERR_OK;
}

enum err inbox_open(struct crypto *c, uint16_t suite, struct span init_private, struct span entry, struct buf *out)
{
    const struct crypto_suite *s = crypto_suite(suite);
    struct tls_reader r = tls_reader_of(entry);
    (void)tls_bytes(&r, FORMAT_ID);
    struct span enc = tls_vector(&r), sealed = tls_vector(&r);
    if (tls_end(&r) != ERR_OK || sealed.n < CRYPTO_TAG) return ERR_MALFORMED;
    if (s == NULL) return ERR_UNSUPPORTED;
    uint8_t *to = buf_grow(out, sealed.n - CRYPTO_TAG);
    if (to == NULL) return buf_end(out);
    return crypto_hpke_open(c, s, init_private, span_of(NULL, 0), enc, span_str(inbox_label), sealed, to);
}
