// SPDX-License-Identifier: Apache-2.0
//
// base: what every other room stands on: errors, spans, growing buffers, memory that is wiped, and the injected
// world (random bytes and time). It performs no I/O, keeps no global state and knows no protocol.
//
// Conventions of the whole project:
//  - A function that can fail returns `enum err`; the compiler insists that somebody looks at it.
//  - Out-parameters come last. After an error they are unchanged or zeroed, never half written.
//  - `init`/`wipe` work on the caller's memory, `new`/`free` on the heap; free(NULL) does nothing.
//  - A span borrows. What is returned by `new` or `dup`, or left in a buf, belongs to the caller.
#ifndef WHIMBREL_BASE_H
#define WHIMBREL_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// ---------------------------------------------------------------------------------------------------- errors

// Classes of errors. Rooms with finer reasons number them from ERR_DETAIL upwards (see include/mls.h).
enum [[nodiscard]] err {
    ERR_OK = 0,
    ERR_MALFORMED = 1,       // the bytes do not decode: drop them
    ERR_UNAUTHENTICATED = 2, // a signature, MAC or AEAD tag is wrong: drop the bytes
    ERR_INVALID = 3,         // well-formed, but it breaks a rule of the protocol: drop it
    ERR_STALE = 4,           // belongs to an epoch or generation that has passed: drop it
    ERR_NOT_FOUND = 5,       // names something that is not here: fetch that, then try again
    ERR_UNSUPPORTED = 6,     // a version, suite or type this program does not have
    ERR_REFUSED = 7,         // the application's own policy said no
    ERR_LIMIT = 8,           // larger than a limit allows: ask for less, or raise the limit
    ERR_MEMORY = 9,          // no memory: nothing has changed, try again later
    ERR_MISUSE = 10,         // the caller's arguments contradict each other or the object's state
    ERR_RANDOM = 11,         // the random source failed: stop, do not retry with another
    ERR_CRYPTO = 12,         // the cryptographic library failed in a way that input cannot cause
    ERR_CORRUPT = 13,        // stored state does not restore: use a backup
    ERR_IO = 14,             // the operating system failed a read or write
    ERR_CLASSES = 15,
    ERR_DETAIL = 0x100,
    ERR_MAX = 0x7fff
};

// The name ("ERR_MALFORMED"), a sentence, and what the caller can do next. Never NULL.
const char *err_name(enum err e);
const char *err_text(enum err e);
const char *err_next(enum err e);

// ----------------------------------------------------------------------------------------------------- spans

// Bytes that somebody else owns. `p` may be NULL only where n is 0.
struct span {
    const uint8_t *p;
    size_t n;
};

static inline struct span span_of(const void *p, size_t n)
{
    return (struct span){.p = (const uint8_t *)p, .n = n};
}
// A span over a string literal or other NUL-ended text, without the NUL.
static inline struct span span_str(const char *s) { return span_of(s, strlen(s)); }
// Comparison that may stop early: for public bytes only.
static inline bool span_eq(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

// ---------------------------------------------------------------------------------------------------- memory

// Memory from the heap, zeroed; NULL when there is none. n == 0 gives a pointer that may be freed.
[[nodiscard]] void *mem_new(size_t n);
// Space for `count` elements of `size` bytes each, zeroed; NULL on overflow too.
[[nodiscard]] void *mem_new_array(size_t count, size_t size);
// Frees public memory. Secrets go through mem_free_wiped.
void mem_free(void *p);
// Overwrites n bytes in a way that the compiler cannot leave out.
void mem_wipe(void *p, size_t n);
// Wipes, then frees. p may be NULL.
void mem_free_wiped(void *p, size_t n);
// Constant-time comparison of n bytes: for secrets and for tags.
bool mem_equal(const void *a, const void *b, size_t n);
// Overwrites the part of the stack that calls made so far have left behind, so that copies which the compiler
// spilled do not outlive an operation. Called once at the end of each public operation that touched secrets.
void mem_wipe_stack(void);

// -------------------------------------------------------------------------------------------------- buffers

// Bytes that grow up to a declared maximum. The first failure sticks (`err`): writers need no check in between,
// one buf_end at the close is enough. Old memory is wiped when the buffer moves, and all of it in buf_wipe, so
// that a buffer may hold a secret. A zeroed struct buf has the maximum 0 and takes nothing.
struct buf {
    uint8_t *p;
    size_t n;   // bytes in use
    size_t cap; // bytes allocated
    size_t max; // bytes that it may grow to
    enum err err;
};

void buf_init(struct buf *b, size_t max);
// Frees and wipes what it holds; the maximum stays, and so it may be used again.
void buf_wipe(struct buf *b);
// Makes room for n more bytes without using them: so a long thing whose size is known is not moved while it grows.
void buf_reserve(struct buf *b, size_t n);
// Room for n more bytes, which the caller fills; NULL once the buffer has failed.
uint8_t *buf_grow(struct buf *b, size_t n);
void buf_put(struct buf *b, struct span s);
void buf_put_u8(struct buf *b, uint8_t v);
// The sticky error.
enum err buf_end(const struct buf *b);
static inline struct span buf_span(const struct buf *b) { return span_of(b->p, b->n); }
// Gives the bytes away: *out is the caller's, to be released with mem_free_wiped(p, n); b is empty again.
enum err buf_take(struct buf *b, uint8_t **out, size_t *n);

// ---------------------------------------------------------------------------------------------------- world

// What a protocol needs from outside, injected, so that a test can run on a virtual clock and a printed seed.
struct world {
    // Fills out[0..n) with unpredictable bytes. An error aborts the operation; nothing is retried.
    enum err (*random)(void *arg, uint8_t *out, size_t n);
    // Seconds since 1970-01-01T00:00:00Z.
    uint64_t (*now)(void *arg);
    void *arg;
};

#endif
