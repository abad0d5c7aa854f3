// SPDX-License-Identifier: Apache-2.0
//
// Published test vectors for the tests of the crypto room: JSON files in the folder that WHIMBREL_VECTORS names, or in
// ../shared/vectors seen from the repository. Where the folder is missing, a test says so and is skipped.
#ifndef WHIMBREL_CRYPTO_TEST_VECTORS_H
#define WHIMBREL_CRYPTO_TEST_VECTORS_H

#include "unit.h"

#include <jansson.h>

#include "crypto/crypto.h"

// The parsed file. NULL, with a line of explanation, where it is missing: the test then returns. (cmocka's skip()
// prints "not ok", which Meson takes for a failure.) Fails the test where the file does not parse.
json_t *vectors_load(const char *file);
// Frees the file and every span that vectors_hex has returned.
void vectors_free(json_t *root);

// The member, as bytes from hexadecimal text. Fails the test where it is missing or no text.
struct span vectors_hex(const json_t *object, const char *key);
const char *vectors_str(const json_t *object, const char *key);
uint16_t vectors_u16(const json_t *object, const char *key);

// The cases of a Wycheproof file, one after another, each with its group. The callback returns false for a case whose
// sizes are not offered here; the numbers of both are printed, and their sum held against the file's own count.
typedef bool vectors_case(struct crypto *c, const json_t *group, const json_t *test, bool valid);
void vectors_wycheproof(const char *file, vectors_case *run);

#endif
