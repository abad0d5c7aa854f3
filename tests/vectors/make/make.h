// SPDX-License-Identifier: Apache-2.0
//
// vectors/make: writes fresh vectors of every type into a folder, under the names of the published files.
#ifndef WHIMBREL_VECTORS_MAKE_MAKE_H
#define WHIMBREL_VECTORS_MAKE_MAKE_H

#include "vectors/make/kit.h"

enum { MAKE_SUITES = 32 };

struct make_order {
    struct plan plan;
    uint16_t suite[MAKE_SUITES];
    size_t n;         // 0: the seven of RFC 9420
    const char *only; // the name of one file without .json; NULL: all
};

// "1,2,0xF002", or "all". False if it is neither, or names a suite that is not here.
bool make_read_suites(const char *text, struct make_order *out);
// The i-th file's name, without .json; NULL past the end.
const char *make_file_at(size_t i);
// Prints a line for each file. False, with a line on stderr, after the first failure.
bool make_folder(struct crypto *c, const struct make_order *order, const char *folder);

#endif
