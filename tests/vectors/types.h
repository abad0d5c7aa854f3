// SPDX-License-Identifier: Apache-2.0
//
// vectors/types: the table of vector types: how each is recognised by the members of its objects, and what checks it.
// Files are never recognised by their names.
#ifndef WHIMBREL_VECTORS_TYPES_H
#define WHIMBREL_VECTORS_TYPES_H

#include "vectors/field.h"

// Checks one case, as the section "Verification" of the format's description says.
typedef void vector_check(struct trial *t, const struct field *v);

enum { VECTOR_KEYS = 20 };

struct vector_type {
    const char *name;
    bool suite;                    // whether a case names its suite in "cipher_suite"
    vector_check *check;
    const char *keys[VECTOR_KEYS]; // members of an object, but those that many types share; ended by NULL
};

// The i-th type; NULL past the end.
const struct vector_type *vector_type_at(size_t i);
const struct vector_type *vector_type_named(const char *name);
// The type whose members the object has most of, at least half of them; NULL if there is none, or no single one.
const struct vector_type *vector_type_of(const json_t *object);

vector_check basics_crypto, basics_length, basics_tree_math; // basics.c
vector_check trees_operations, trees_validation;             // trees.c
vector_check treekem_check;                                  // treekem.c
vector_check secrets_tree;                                   // secrets.c
vector_check schedule_keys, schedule_psk, schedule_transcript; // schedule.c
vector_check protect_check;                                  // protect.c
vector_check welcome_check;                                  // welcome.c
vector_check messages_check;                                 // messages.c
vector_check passive_check;                                  // passive.c
vector_check hpke_base, hpke_xwing;                          // hpke.c

#endif
