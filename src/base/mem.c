// SPDX-License-Identifier: Apache-2.0
//
// Memory from the heap, wiping, and comparison in constant time. No pools and no reference counts: who owns a piece
// is said by the name of the function that gave it.
#include "base/base.h"

#include <stdlib.h>

void *mem_new(size_t n) { return calloc(1, n ? n : 1); }

void *mem_new_array(size_t count, size_t size)
{
    return calloc(count ? count : 1, size ? size : 1);
}

void mem_free(void *p) { free(p); }

void mem_wipe(void *p, size_t n)
{
    if (n > 0) explicit_bzero(p, n);
}

void mem_free_wiped(void *p, size_t n)
{
    if (p == NULL) return;
    mem_wipe(p, n);
    free(p);
}

bool mem_equal(const void *a, const void *b, size_t n)
{
    const uint8_t *x = (const uint8_t *)a, *y = (const uint8_t *)b;
    unsigned diff = 0;
    for (size_t i = 0; i < n; i++) {
        diff |= (unsigned)(x[i] ^ y[i]);
        __asm__("" : "+r"(diff)); // keeps the compiler from stopping early
    }
    return diff == 0;
}

// Deeper than the deepest call below a public operation; measured by src/base/test/test_base.c for the frame itself
// and by test-group-residue for the calls.
enum { STACK_REACH = 48 * 1024 };

[[gnu::noinline]] void mem_wipe_stack(void)
{
    uint8_t frame[STACK_REACH];
    explicit_bzero(frame, sizeof frame);
}
