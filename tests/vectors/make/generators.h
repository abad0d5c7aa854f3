// SPDX-License-Identifier: Apache-2.0
//
// vectors/make/generators: one for each file.
#ifndef WHIMBREL_VECTORS_MAKE_GENERATORS_H
#define WHIMBREL_VECTORS_MAKE_GENERATORS_H

#include "vectors/make/kit.h"

generator gen_tree_math, gen_deserialization, gen_crypto_basics;                      // basics.c
generator gen_secret_tree, gen_key_schedule, gen_psk_secret, gen_transcript_hashes;   // secrets.c
generator gen_message_protection, gen_messages;                                       // messages.c
generator gen_tree_operations, gen_tree_validation;                                   // trees.c
generator gen_treekem;                                                                // treekem.c
generator gen_welcome, gen_passive_welcome;                                           // welcome.c
generator gen_passive_commits;                                                        // commits.c
generator gen_passive_random;                                                         // random.c
generator gen_hpke, gen_xwing;                                                        // hpke.c

#endif
