// SPDX-License-Identifier: Apache-2.0
//
// vectors/run: finds the vector files under a path, checks every case of them, and prints what came of it.
#ifndef WHIMBREL_VECTORS_RUN_H
#define WHIMBREL_VECTORS_RUN_H

#include "vectors/types.h"

struct run {
    struct crypto *crypto;
    const struct vector_type *only; // NULL: every type
    bool verbose;                   // a line for each case
    bool skip_unknown;              // cases of unknown algorithms are skipped, not failed
    uint64_t seed;                  // of the random bytes of new keys, signatures and ciphertexts
    size_t passed, failed, skipped; // cases
};

// A file, or a folder with all that is below it. False, with a line on stderr, if it cannot be opened.
bool run_path(struct run *r, const char *path);

#endif
