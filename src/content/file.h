// SPDX-License-Identifier: Apache-2.0
//
// content/file: files as sealed chunks, so that any of them can be fetched, checked and opened before the others are there, and
// an upload or download goes on where it was cut. Each chunk is an AES-256-GCM message under the file's own key; its nonce is a
// prefix, the chunk's number, and whether it is the last one (the STREAM construction of Hoang, Reyhanitabar, Rogaway and
// Vizár, 2015), so chunks cannot be reordered, left out at the end or taken from another file without notice. The key is
// random, belongs to one file and travels in the message, together with a SHA-256 of all that was sealed: somebody who knows the
// key, but is not the sender, cannot put another file in this one's place.
//
// In a message (struct content_external): encryption FILE_ALGORITHM, key, nonce (the prefix), no aad, hash 1, digest, and the size
// of the file before sealing.
#ifndef WHIMBREL_CONTENT_FILE_H
#define WHIMBREL_CONTENT_FILE_H

#include "crypto/crypto.h"

enum {
    FILE_KEY = 32,
    FILE_PREFIX = 7,
    FILE_SEALED = 65536,                    // bytes of a sealed chunk, but of the last
    FILE_CHUNK = FILE_SEALED - CRYPTO_TAG,  // bytes of a chunk before sealing
    FILE_DIGEST = 32,
    FILE_ALGORITHM = 0xfc02,                // of the AEAD numbers for private use (RFC 5116 §6)
};
#define FILE_MAX ((uint64_t)FILE_CHUNK << 32) // the number of a chunk has 32 bits

struct file_key {
    uint8_t key[FILE_KEY]; /* secret */
    uint8_t prefix[FILE_PREFIX];
};

// How many chunks a file of this size has: 1 at least, since an empty file is one empty chunk. 0 above FILE_MAX.
uint64_t file_chunks(uint64_t size);
// How many bytes a file of this size has when it is sealed.
uint64_t file_sealed_size(uint64_t size);
// Seals chunk `index` of a file of `size` bytes: `chunk` must be just what belongs there (ERR_MISUSE). Writes chunk.n + CRYPTO_TAG
// bytes to `out`, which may be the chunk itself.
enum err file_seal(struct crypto *c, const struct file_key *k, uint64_t size, uint64_t index, struct span chunk, uint8_t *out);
// Opens one: sealed.n - CRYPTO_TAG bytes to `out`. ERR_MALFORMED if it has not the size that chunk `index` of such a file has,
// ERR_UNAUTHENTICATED if it is not that chunk.
enum err file_open(struct crypto *c, const struct file_key *k, uint64_t size, uint64_t index, struct span sealed, uint8_t *out);

#endif
