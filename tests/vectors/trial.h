// SPDX-License-Identifier: Apache-2.0
//
// vectors/trial: one case of a vector file on trial. The first step that fails sticks with the sentence that tells it,
// and turns every later step into a no-op, so that a check reads like the specification's list. Bytes that a check
// takes from JSON or makes on the way belong to the trial and go with it.
#ifndef WHIMBREL_VECTORS_TRIAL_H
#define WHIMBREL_VECTORS_TRIAL_H

#include "codec/tls.h"
#include "tree/label.h"

struct trial_cell;

struct trial {
    struct algo algo;         // suite is NULL until the case has named one
    struct world world;       // seeded, so that a run can be repeated; its clock stands still
    uint64_t state;           // of the generator behind it
    struct trial_cell *cells; // bytes that live as long as the trial
    size_t steps;             // comparisons made so far
    bool failed;
    bool unknown;   // it failed because it names an algorithm that is not here
    char why[400];  // the step that failed, and how
};

void trial_init(struct trial *t, struct crypto *c, uint64_t seed);
void trial_wipe(struct trial *t);

// n bytes, zeroed, for as long as the trial lasts. NULL, with the trial failed, when there is no memory.
uint8_t *trial_bytes(struct trial *t, size_t n);
// A copy of what the buffer holds, which is emptied. An error of the buffer fails the trial.
struct span trial_take(struct trial *t, struct buf *b, const char *step);

// Each of these is one step. They return whether the trial still stands; `step` is a printf format that names it.
#define TRIAL_FORMAT(at) __attribute__((format(printf, at, at + 1)))
// What was asked for succeeded.
bool trial_ok(struct trial *t, enum err e, const char *step, ...) TRIAL_FORMAT(3);
// What must not succeed was refused, with this error (or any, for ERR_MAX).
bool trial_refused(struct trial *t, enum err e, enum err want, const char *step, ...) TRIAL_FORMAT(4);
bool trial_same(struct trial *t, struct span got, struct span want, const char *step, ...) TRIAL_FORMAT(4);
bool trial_equal(struct trial *t, uint64_t got, uint64_t want, const char *step, ...) TRIAL_FORMAT(4);
bool trial_true(struct trial *t, bool is, const char *step, ...) TRIAL_FORMAT(3);

// Ends the trial with a sentence; trial_unknown because of an algorithm that this program does not have.
void trial_fail(struct trial *t, const char *why, ...) TRIAL_FORMAT(2);
void trial_unknown(struct trial *t, const char *why, ...) TRIAL_FORMAT(2);

// Looks the cipher suite up. False, with the trial failed as unknown, if there is none.
bool trial_suite(struct trial *t, uint16_t id);

#endif
