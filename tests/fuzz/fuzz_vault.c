// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a vault's file of keys. What is read is written again as the same bytes, has one slot of a kind, asks for no more than
// is allowed, and opens by no secret but the one it was sealed for. Passphrases are not tried: Argon2id takes too long here.
#include "kit.h"

#include "vault/keys.h"

static const uint8_t ring[VAULT_SECRET] = {7}, other[VAULT_SECRET] = {8};

void fuzz_open(void) {}

void fuzz_one(struct span bytes)
{
    struct keys k;
    struct buf again;
    uint8_t key[KEYS_KEY];
    unsigned seen = 0;
    const struct vault_secret right = {.kind = VAULT_KEYRING, .bytes = span_of(ring, sizeof ring)};
    const struct vault_secret wrong = {.kind = VAULT_KEYRING, .bytes = span_of(other, sizeof other)};
    if (keys_decode(bytes, &k) != ERR_OK) return;
    must(k.n >= 1 && k.n <= KEYS_SLOTS_MAX);
    for (size_t i = 0; i < k.n; i++) {
        must(k.slot[i].kind == VAULT_PASSPHRASE || k.slot[i].kind == VAULT_KEYRING);
        must((seen & 1U << k.slot[i].kind) == 0);
        must(k.slot[i].memory_kib <= VAULT_MEMORY_KIB_MAX);
        must((uint64_t)k.slot[i].passes * k.slot[i].memory_kib <= VAULT_WORK_MAX);
        seen |= 1U << k.slot[i].kind;
    }
    buf_init(&again, KEYS_FILE_MAX);
    keys_encode(&k, &again);
    must_ok(buf_end(&again));
    must(span_eq(buf_span(&again), bytes));
    buf_wipe(&again);
    enum err e = keys_open(&k, &right, key); // the seeds may be sealed for it
    must(e == ERR_OK || e == ERR_UNAUTHENTICATED || e == ERR_INVALID);
    must((e == ERR_INVALID) == ((seen & 1U << VAULT_KEYRING) == 0));
    e = keys_open(&k, &wrong, key);
    must(e == ERR_UNAUTHENTICATED || e == ERR_INVALID);
    bool both = keys_drop(&k, VAULT_PASSPHRASE) && keys_drop(&k, VAULT_KEYRING);
    must(!both || k.n == 0);
}

void fuzz_seeds(const char *folder)
{
    const struct vault_secret by_ring = {.kind = VAULT_KEYRING, .bytes = span_of(ring, sizeof ring)};
    const struct vault_secret by_word = {
        .kind = VAULT_PASSPHRASE, .bytes = span_str("tea"), .passes = 1, .memory_kib = 8};
    const struct vault_secret secrets[] = {by_ring, by_word};
    static const char *const names[] = {"keyring", "both"};
    const uint8_t key[KEYS_KEY] = {1};
    struct keys k = {0};
    struct buf b;
    for (size_t i = 0; i < 2; i++) {
        must_ok(keys_seal(&k, &secrets[i], key));
        buf_init(&b, KEYS_FILE_MAX);
        keys_encode(&k, &b);
        kit_seed(folder, names[i], buf_span(&b));
        buf_wipe(&b);
    }
}
