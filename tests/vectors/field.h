// SPDX-License-Identifier: Apache-2.0
//
// vectors/field: values inside the JSON of a case, each with the path that leads to it ("epochs[2].exporter.label"), so
// that a failure names it. Reading sticks like a trial's steps: a missing member, a wrong type or bad hexadecimal text
// fails the trial, and whatever is read afterwards is empty. A check looks at trial.failed before it uses what it read.
#ifndef WHIMBREL_VECTORS_FIELD_H
#define WHIMBREL_VECTORS_FIELD_H

#include <jansson.h>

#include "vectors/trial.h"

struct field {
    struct trial *t;
    const json_t *json; // NULL after a failure
    char name[96];
};

struct field field_root(struct trial *t, const json_t *json);
// A member that must be there; it may be null.
struct field field_get(const struct field *of, const char *key);
// Whether a member is there and is not null.
bool field_has(const struct field *of, const char *key);
bool field_null(const struct field *f);

// How many elements an array has; 0 and a failure where it is none.
size_t field_count(const struct field *array);
struct field field_item(const struct field *array, size_t i);

// Bytes from hexadecimal text; they belong to the trial.
struct span field_bytes(const struct field *f);
uint64_t field_number(const struct field *f, uint64_t max);
const char *field_text(const struct field *f);

// The same for a member.
struct span field_get_bytes(const struct field *of, const char *key);
uint64_t field_get_number(const struct field *of, const char *key, uint64_t max);
const char *field_get_text(const struct field *of, const char *key);

// Reads a file's text into JSON. Integers above 2^63 - 1, which the parser does not take, become text for field_number.
// NULL with a sentence in why[0..size).
json_t *field_parse(const char *text, size_t n, char *why, size_t size);

#endif
