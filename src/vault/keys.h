// SPDX-License-Identifier: Apache-2.0
//
// vault/keys: the file that holds a vault's key, sealed for each secret that opens it (docs/client.md): bytes to slots and back,
// and the sealing. Files are vault.c's.
#ifndef WHIMBREL_VAULT_KEYS_H
#define WHIMBREL_VAULT_KEYS_H

#include "vault/vault.h"

enum { KEYS_KEY = 32, KEYS_SLOTS_MAX = 8, KEYS_SALT = 16, KEYS_NONCE = 24, KEYS_SEALED = 48, KEYS_FILE_MAX = 4096 };

struct keys_slot {
    uint8_t kind;
    uint32_t passes, memory_kib;
    uint8_t salt[KEYS_SALT], nonce[KEYS_NONCE], sealed[KEYS_SEALED];
};
struct keys {
    struct keys_slot slot[KEYS_SLOTS_MAX];
    size_t n;
};

// ERR_UNSUPPORTED if it is no such file or of a newer version, ERR_CORRUPT.
enum err keys_decode(struct span bytes, struct keys *out);
void keys_encode(const struct keys *k, struct buf *out);
// Seals the key for a secret, in the slot of its kind or a new one. ERR_INVALID for a secret of no allowed length or cost,
// ERR_LIMIT where no slot is free, ERR_MEMORY, ERR_RANDOM.
enum err keys_seal(struct keys *k, const struct vault_secret *secret, const uint8_t key[KEYS_KEY]);
// ERR_UNAUTHENTICATED if the secret is not the one; ERR_INVALID if no slot is of its kind; ERR_MEMORY.
enum err keys_open(const struct keys *k, const struct vault_secret *secret, uint8_t key[KEYS_KEY]);
// Whether there was one.
bool keys_drop(struct keys *k, enum vault_kind kind);

#endif
