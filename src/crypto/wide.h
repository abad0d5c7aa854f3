// SPDX-License-Identifier: Apache-2.0
//
// crypto/wide: the hot loops of Keccak and ML-KEM are written once and compiled twice, for any processor and, under
// WIDE, for x86-64 with AVX2. The caller asks wide_here() and passes the answer down as `wide`; both builds give the
// same bytes and both run in constant time. No function multi-versioning by the linker: ifuncs do not exist
// everywhere and run before sanitizers do. Elsewhere than on x86-64 the second build is the first, and is never called.
#ifndef WHIMBREL_CRYPTO_WIDE_H
#define WHIMBREL_CRYPTO_WIDE_H

#include <stdbool.h>

// A loop body that is to be compiled for whatever its caller is compiled for.
#define WIDE_BODY static inline __attribute__((always_inline))

#if defined(__x86_64__)
#define WIDE __attribute__((target("avx2,bmi,bmi2")))
// Whether this processor (and its operating system) can run what is marked WIDE.
static inline bool wide_here(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}
#else
#define WIDE
static inline bool wide_here(void) { return false; }
#endif

#endif
