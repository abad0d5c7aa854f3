// SPDX-License-Identifier: Apache-2.0
//
// bench/engine: what the parts of the engine's benchmark share. Each part is a row, or a few: a vault with a million messages
// (vault.c), people who talk over a relay (talk.c), a message in a large group (crowd.c).
#ifndef WHIMBREL_BENCH_ENGINE_H
#define WHIMBREL_BENCH_ENGINE_H

#include "client/inner.h"

enum { BENCH_CHATS = 1000, BENCH_MESSAGES = 1000000 };

struct bench_options {
    const char *self, *rows, *folder; // folder: of a profile that is kept, and used again; NULL
    unsigned long messages, chats, seconds;
};

double engine_seconds(void);
void engine_check(bool ok, const char *what);
bool engine_wanted(const struct bench_options *o, const char *row);
extern const struct vault_secret bench_ring;
// Sorts; the value below which a part of them lies.
double engine_quantile(double *values, size_t n, double part);
// A folder of one's own below WHIMBREL_BENCH_DIR, or /tmp; it is gone at the end.
void engine_folder(const char *name, char out[200]);
void engine_folder_remove(const char *folder);

void bench_vault(const struct bench_options *o);
void bench_vault_measure(const struct bench_options *o); // in a process of its own, for its memory
void bench_talk(const struct bench_options *o);
void bench_crowd(const struct bench_options *o);

#endif
