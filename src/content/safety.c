// SPDX-License-Identifier: Apache-2.0
//
// Safety numbers. All of it is public: keys, fingerprints, digits.
#include "content/safety.h"

enum { VERSION = 1, KIND = 'W', ROUNDS = 5200, GROUP = 5, GROUP_BYTES = 5 };

static const struct crypto_suite *sha512(void) { return crypto_suite(CRYPTO_X448_AES256_SHA512_ED448); }

// h(0) = version, key, account; h(i + 1) = SHA-512(h(i), key). Lengths are hashed along, so that no two pairs look alike.
static enum err fingerprint(struct crypto *c, struct span key, struct span account, uint8_t h[CRYPTO_HASH_MAX])
{
    static const char label[] = "Whimbrel safety number";
    if (key.n > UINT16_MAX || account.n > UINT16_MAX) return ERR_LIMIT;
    const uint8_t sizes[] = {VERSION, (uint8_t)(key.n >> 8), (uint8_t)key.n, (uint8_t)(account.n >> 8), (uint8_t)account.n};
    const struct span first[] = {span_str(label), span_of(sizes, sizeof sizes), key, account};
    enum err e = crypto_hash(c, sha512(), first, sizeof first / sizeof *first, h);
    for (unsigned i = 0; e == ERR_OK && i < ROUNDS; i++) {
        const struct span next[] = {span_of(h, CRYPTO_HASH_MAX), key};
        e = crypto_hash(c, sha512(), next, 2, h);
    }
    return e;
}

enum err safety_half(struct crypto *c, struct span key, struct span account, char out[SAFETY_HALF + 1])
{
    uint8_t h[CRYPTO_HASH_MAX];
    enum err e = fingerprint(c, key, account, h);
    if (e != ERR_OK) return e;
    for (size_t group = 0; group < SAFETY_HALF / GROUP; group++) { // 40 bits a group: hardly a bias modulo 100,000
        uint64_t v = 0;
        for (size_t i = 0; i < GROUP_BYTES; i++) v = v << 8 | h[group * GROUP_BYTES + i];
        v %= 100000;
        for (size_t i = GROUP; i-- > 0; v /= 10) out[group * GROUP + i] = (char)('0' + v % 10);
    }
    out[SAFETY_HALF] = 0;
    return ERR_OK;
}

void safety_number(const char a[SAFETY_HALF + 1], const char b[SAFETY_HALF + 1], char out[SAFETY_DIGITS + 1])
{
    bool first = memcmp(a, b, SAFETY_HALF) <= 0;
    memcpy(out, first ? a : b, SAFETY_HALF);
    memcpy(out + SAFETY_HALF, first ? b : a, SAFETY_HALF);
    out[SAFETY_DIGITS] = 0;
}

void safety_text(const char number[SAFETY_DIGITS + 1], char out[SAFETY_TEXT])
{
    size_t n = 0;
    for (size_t group = 0; group < SAFETY_DIGITS / GROUP; group++) {
        if (group > 0) out[n++] = group % 4 == 0 ? '\n' : ' ';
        memcpy(out + n, number + group * GROUP, GROUP);
        n += GROUP;
    }
    out[n] = 0;
}

bool safety_same(const char number[SAFETY_DIGITS + 1], const char *typed)
{
    size_t n = 0;
    for (; *typed != 0; typed++) {
        if (strchr(" \t\r\n-", *typed) != NULL) continue;
        if (n == SAFETY_DIGITS || *typed != number[n]) return false;
        n++;
    }
    return n == SAFETY_DIGITS;
}

enum err safety_fingerprint(struct crypto *c, struct span key, struct span account, uint8_t out[SAFETY_FINGERPRINT])
{
    uint8_t h[CRYPTO_HASH_MAX];
    enum err e = fingerprint(c, key, account, h);
    if (e == ERR_OK) memcpy(out, h, SAFETY_FINGERPRINT);
    return e;
}

void safety_qr(const uint8_t mine[SAFETY_FINGERPRINT], const uint8_t theirs[SAFETY_FINGERPRINT], uint8_t out[SAFETY_QR])
{
    out[0] = KIND;
    out[1] = VERSION;
    memcpy(out + 2, mine, SAFETY_FINGERPRINT);
    memcpy(out + 2 + SAFETY_FINGERPRINT, theirs, SAFETY_FINGERPRINT);
}

enum err safety_qr_check(struct span scanned, const uint8_t mine[SAFETY_FINGERPRINT], const uint8_t theirs[SAFETY_FINGERPRINT])
{
    if (scanned.n < 2 || scanned.p[0] != KIND) return ERR_MALFORMED;
    if (scanned.p[1] != VERSION) return ERR_UNSUPPORTED;
    if (scanned.n != SAFETY_QR) return ERR_MALFORMED;
    bool same = mem_equal(scanned.p + 2, theirs, SAFETY_FINGERPRINT); // who shows it is whom we know
    same = mem_equal(scanned.p + 2 + SAFETY_FINGERPRINT, mine, SAFETY_FINGERPRINT) && same;
    return same ? ERR_OK : ERR_UNAUTHENTICATED;
}
