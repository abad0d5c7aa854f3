// SPDX-License-Identifier: Apache-2.0
//
// src/store/test/duel: bytes become a history of operations, batches that stand or are taken back, stops and passing time, which the
// SQLite engine and the engine in memory both live through. Every answer, every event and in the end everything that can be read
// must be the same; where it is not, the process aborts and says what differed. The same bytes are always the same history.
#ifndef WHIMBREL_STORE_TEST_DUEL_H
#define WHIMBREL_STORE_TEST_DUEL_H

#include "base/base.h"

// folder: empty; it holds the SQLite engine's files afterwards.
void duel_run(const char *folder, struct span bytes);
// Is printed with what differed: how to see it again.
extern char duel_note[80];
// Empties the folder again.
void duel_clear(const char *folder);

#endif
