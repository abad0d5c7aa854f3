// SPDX-License-Identifier: Apache-2.0
//
// tests/fuzz/kit: what all fuzzers share: assertions that abort, a cursor that takes the fuzzer's bytes apart, memory of
// just the right size for what is handed to a decoder, a deterministic world, and files of seeds. A fuzzer is the three
// functions fuzz_open, fuzz_one and fuzz_seeds. Invariant: what an input does depends on nothing but its bytes, so that a
// file that crashed once crashes again.
#ifndef WHIMBREL_TESTS_FUZZ_KIT_H
#define WHIMBREL_TESTS_FUZZ_KIT_H

#include "crypto/crypto.h"
#include "group/group.h"

// Called once, before the first input.
void fuzz_open(void);
void fuzz_one(struct span input);
// Writes seeds into a folder (`fuzz-NAME --seeds FOLDER`), one by one with kit_seed.
void fuzz_seeds(const char *folder);
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Aborts, saying what did not hold.
#define must(x) ((x) ? (void)0 : kit_fail(#x, __FILE__, __LINE__))
// The same for the results of functions, which it names.
#define must_ok(e) kit_ok((int)(e), #e, __FILE__, __LINE__)
_Noreturn void kit_fail(const char *what, const char *file, int line);
void kit_ok(int e, const char *what, const char *file, int line);

// -------------------------------------------------------------------------------------------------- the input

// Takes bytes from the front; zeros where there are none left.
struct feed {
    const uint8_t *p;
    size_t n;
};
uint8_t feed_u8(struct feed *f);
uint16_t feed_u16(struct feed *f);
uint32_t feed_u32(struct feed *f);
// At most n bytes.
struct span feed_take(struct feed *f, size_t n);
// A length in one octet (from 0xf0 upwards in two more), then so many bytes.
struct span feed_bytes(struct feed *f);
struct span feed_rest(struct feed *f);

// Damages bytes as the feed says: `n` patches, each a place and what happens there (bits, a byte, bytes in or out, a copy).
void feed_patch(struct feed *f, unsigned n, struct buf *bytes);

// ------------------------------------------------------------------------------------- memory for one input

// A copy in heap memory of exactly its size, until the input ends.
struct span kit_copy(struct span s);
// An empty buffer, until the input ends.
struct buf *kit_buf(void);

// ---------------------------------------------------------------------------------------------------- the world

enum { KIT_NOW = 1800000000 };
// A client whose randomness and clock are those of the kit, and who accepts every credential but "refused".
struct mls_config kit_config(void);
void kit_random(uint8_t *out, size_t n);
// The secret of the one external PSK that everybody has; its id is "psk".
#define KIT_PSK "psk"

static inline struct mls_span kit_api(struct span s) { return (struct mls_span){s.p, s.n}; }
static inline struct span kit_span(struct mls_buf b) { return span_of(b.data, b.size); }

// ---------------------------------------------------------------------------------------------------- seeds

void kit_seed(const char *folder, const char *name, struct span bytes);

#endif
