// SPDX-License-Identifier: Apache-2.0
//
// Pages as they lie in a vault's file, with libsodium's ChaCha20 and Poly1305. Invariants: each time that a page is written it has a nonce of
// its own, at random; what does not authenticate is not given to SQLite as a page; keys are wiped where they are not needed any more.
#include "vault/pages.h"

#include "vault/vault.h"

#include <sodium.h>
#include <sys/random.h>

enum {
    KEY = 32,
    SALT = 16,
    RAW = 4,   // bytes of "raw:", before a key that is used as it is
    FRONT = 24 // bytes of the first page: the salt, and what says of the database how large its pages are
};

struct cipher {
    uint8_t key[KEY]; /* secret */
    uint8_t salt[SALT];
};

// ------------------------------------------------------------------------------------------------------------- the page

void pages_stream(uint8_t *p, size_t n, const uint8_t key[32], const uint8_t nonce[12], uint32_t counter)
{
    uint64_t left = ((uint64_t)1 << 32) - counter; // blocks, before libsodium has no number any more
    size_t front = n / 64 < left ? n : (size_t)left * 64;
    (void)crypto_stream_chacha20_ietf_xor_ic(p, p, front, nonce, counter, key);
    if (front < n) (void)crypto_stream_chacha20_ietf_xor_ic(p + front, p + front, n - front, nonce, 0, key);
}

// The keys of one page, written with one nonce: half of it Poly1305's, half ChaCha20's. Its counter is the nonce's last part and the page.
static uint32_t page_keys(const struct cipher *c, uint32_t page, const uint8_t nonce[PAGES_NONCE], uint8_t out[64])
{
    uint32_t counter = (uint32_t)nonce[12] | (uint32_t)nonce[13] << 8 | (uint32_t)nonce[14] << 16 | (uint32_t)nonce[15] << 24;
    counter ^= page;
    memset(out, 0, 64);
    pages_stream(out, 64, c->key, nonce, counter);
    return counter + 1;
}

static int seal(void *cipher, int page, unsigned char *data, int len, int reserved)
{
    const struct cipher *c = cipher;
    uint8_t keys[64]; /* secret */
    size_t n = (size_t)len - PAGES_EXTRA, front = page == 1 ? FRONT : 0;
    uint8_t *nonce = data + n;
    if (reserved < PAGES_EXTRA) return SQLITE_CORRUPT;
    if (getrandom(nonce, PAGES_NONCE, 0) != PAGES_NONCE) return SQLITE_IOERR;
    uint32_t counter = page_keys(c, (uint32_t)page, nonce, keys);
    pages_stream(data + front, n - front, keys + 32, nonce, counter);
    if (page == 1) memcpy(data, c->salt, SALT);
    (void)crypto_onetimeauth_poly1305(nonce + PAGES_NONCE, data, n + PAGES_NONCE, keys);
    mem_wipe(keys, sizeof keys);
    return SQLITE_OK;
}

// SQLite can ask for pages that do not authenticate (`check`, for repairs); here nobody does, and they are refused.
static int unseal(void *cipher, int page, unsigned char *data, int len, int reserved, int check)
{
    const struct cipher *c = cipher;
    uint8_t keys[64]; /* secret */
    size_t n = (size_t)len - PAGES_EXTRA, front = page == 1 ? FRONT : 0;
    const uint8_t *nonce = data + n;
    int rc = SQLITE_OK;
    (void)check;
    if (reserved < PAGES_EXTRA) return page == 1 ? SQLITE_NOTADB : SQLITE_CORRUPT;
    uint32_t counter = page_keys(c, (uint32_t)page, nonce, keys);
    if (crypto_onetimeauth_poly1305_verify(nonce + PAGES_NONCE, data, n + PAGES_NONCE, keys) != 0)
        rc = page == 1 ? SQLITE_NOTADB : SQLITE_CORRUPT;
    if (rc == SQLITE_OK) pages_stream(data + front, n - front, keys + 32, nonce, counter);
    if (rc == SQLITE_OK && page == 1) memcpy(data, "SQLite format 3", SALT); // where the salt was; with its NUL
    mem_wipe(keys, sizeof keys);
    return rc;
}

// -------------------------------------------------------------------------------------------------------- SQLite's side

static void *allocate(sqlite3 *db)
{
    (void)db;
    return sodium_init() < 0 ? NULL : mem_new(sizeof(struct cipher));
}

static void drop(void *cipher) { mem_free_wiped(cipher, sizeof(struct cipher)); }
static void copy(void *to, void *from) { memcpy(to, from, sizeof(struct cipher)); }

static int no(void *cipher) // it is no older format of this kind, and has no size of pages but the database's
{
    (void)cipher;
    return 0;
}

static int extra(void *cipher)
{
    (void)cipher;
    return PAGES_EXTRA;
}

static unsigned char *salt_of(void *cipher) { return ((struct cipher *)cipher)->salt; }

// A vault's key comes as it is (vault.c); anything else is no key of one, and opens nothing. The salt marks the file, and nothing comes of it.
static void set_key(void *cipher, char *password, int n, int rekey, unsigned char *salt)
{
    struct cipher *c = cipher;
    bool raw = n == RAW + KEY && memcmp(password, "raw:", RAW) == 0;
    if (rekey != 0 || salt == NULL) randombytes_buf(c->salt, SALT);
    else memcpy(c->salt, salt, SALT);
    if (raw) memcpy(c->key, password + RAW, KEY);
    else randombytes_buf(c->key, KEY);
}

void pages_register(void)
{
    static const CipherDescriptor whimbrel = {.m_name = PAGES_CIPHER,
                                              .m_allocateCipher = allocate,
                                              .m_freeCipher = drop,
                                              .m_cloneCipher = copy,
                                              .m_getLegacy = no,
                                              .m_getPageSize = no,
                                              .m_getReserved = extra,
                                              .m_getSalt = salt_of,
                                              .m_generateKey = set_key,
                                              .m_encryptPage = seal,
                                              .m_decryptPage = unseal};
    static const CipherParams none[] = {{.m_name = ""}};
    (void)sqlite3mc_register_cipher(&whimbrel, none, 0); // it fails where it is there already; what is missing, PRAGMA cipher says
}
