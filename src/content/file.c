// SPDX-License-Identifier: Apache-2.0
//
// Chunks of files. Invariant: a nonce is used for one chunk of one file: it holds the chunk's number, and the key is the file's.
#include "content/file.h"

enum { NUMBER = FILE_PREFIX, LAST = FILE_PREFIX + 4 }; // where they stand in a nonce

_Static_assert(LAST + 1 == CRYPTO_NONCE, "prefix, number and mark make a nonce");

uint64_t file_chunks(uint64_t size)
{
    if (size > FILE_MAX) return 0;
    return size == 0 ? 1 : (size - 1) / FILE_CHUNK + 1;
}

uint64_t file_sealed_size(uint64_t size) { return size + CRYPTO_TAG * file_chunks(size); }

// AES-256-GCM is the AEAD of this suite.
static const struct crypto_suite *suite(void) { return crypto_suite(CRYPTO_MLKEM768X25519_AES256_SHA384_ED25519); }

// How many bytes the chunk has; false if there is no such chunk.
static bool chunk_size(uint64_t size, uint64_t index, size_t *out)
{
    uint64_t chunks = file_chunks(size);
    if (index >= chunks) return false;
    *out = (size_t)(index + 1 < chunks ? FILE_CHUNK : size - index * FILE_CHUNK);
    return true;
}

static void make_nonce(const struct file_key *k, uint64_t size, uint64_t index, uint8_t nonce[CRYPTO_NONCE])
{
    memcpy(nonce, k->prefix, FILE_PREFIX);
    for (unsigned i = 0; i < 4; i++) nonce[NUMBER + i] = (uint8_t)(index >> 8 * (3 - i));
    nonce[LAST] = index + 1 == file_chunks(size);
}

enum err file_seal(struct crypto *c, const struct file_key *k, uint64_t size, uint64_t index, struct span chunk, uint8_t *out)
{
    uint8_t nonce[CRYPTO_NONCE];
    size_t n = 0;
    if (!chunk_size(size, index, &n) || n != chunk.n) return ERR_MISUSE;
    make_nonce(k, size, index, nonce);
    return crypto_seal(c, suite(), k->key, nonce, span_of(NULL, 0), chunk, out);
}

enum err file_open(struct crypto *c, const struct file_key *k, uint64_t size, uint64_t index, struct span sealed, uint8_t *out)
{
    uint8_t nonce[CRYPTO_NONCE];
    size_t n = 0;
    if (!chunk_size(size, index, &n) || n + CRYPTO_TAG != sealed.n) return ERR_MALFORMED;
    make_nonce(k, size, index, nonce);
    return crypto_open(c, suite(), k->key, nonce, span_of(NULL, 0), sealed, out);
}
