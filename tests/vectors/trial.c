// SPDX-License-Identifier: Apache-2.0
//
// Steps, their failures, and the bytes of a trial. Values in a failure are shown by their first bytes and their length,
// which is enough to tell a wrong value from a truncated one.
#include "vectors/trial.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "mls_errors.h"

struct trial_cell {
    struct trial_cell *next;
    size_t n;
    uint8_t b[];
};

// SplitMix64 (Steele, Lea, Flood 2014): vectors want repeatable bytes, not secret ones.
static enum err seeded_random(void *arg, uint8_t *out, size_t n)
{
    struct trial *t = arg;
    for (size_t i = 0; i < n; i++) {
        uint64_t z = t->state += 0x9e3779b97f4a7c15ULL;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        out[i] = (uint8_t)((z ^ (z >> 31)) >> 24);
    }
    return ERR_OK;
}

static uint64_t standing_clock(void *arg)
{
    (void)arg;
    return 1700000000;
}

void trial_init(struct trial *t, struct crypto *c, uint64_t seed)
{
    *t = (struct trial){.algo = {.crypto = c}, .state = seed};
    t->world = (struct world){.random = seeded_random, .now = standing_clock, .arg = t};
}

void trial_wipe(struct trial *t)
{
    while (t->cells != NULL) {
        struct trial_cell *next = t->cells->next;
        mem_free_wiped(t->cells, sizeof *t->cells + t->cells->n);
        t->cells = next;
    }
}

uint8_t *trial_bytes(struct trial *t, size_t n)
{
    struct trial_cell *cell = n < SIZE_MAX / 2 ? mem_new(sizeof *cell + n) : NULL;
    if (cell == NULL) {
        trial_fail(t, "no memory for %zu bytes", n);
        return NULL;
    }
    cell->n = n;
    cell->next = t->cells;
    t->cells = cell;
    return cell->b;
}

struct span trial_take(struct trial *t, struct buf *b, const char *step)
{
    enum err e = buf_end(b);
    size_t n = b->n;
    uint8_t *copy = e == ERR_OK ? trial_bytes(t, n) : NULL;
    if (e != ERR_OK) trial_ok(t, e, "%s", step);
    if (copy != NULL && n > 0) memcpy(copy, b->p, n);
    buf_wipe(b);
    return copy != NULL ? span_of(copy, n) : span_of(NULL, 0);
}

// ------------------------------------------------------------------------------------------------------ failures

// Keeps the first failure: the step's name, then the rest of the sentence.
static void fail(struct trial *t, const char *step, va_list args, const char *rest)
{
    if (t->failed) return;
    t->failed = true;
    int n = vsnprintf(t->why, sizeof t->why, step, args);
    size_t at = n < 0 ? 0 : (size_t)n < sizeof t->why ? (size_t)n : sizeof t->why - 1;
    (void)snprintf(t->why + at, sizeof t->why - at, "%s", rest);
}

// The first bytes as hexadecimal text, with the length.
static void show(struct span s, char *out, size_t size)
{
    size_t at = 0;
    for (size_t i = 0; i < s.n && i < 16; i++) at += (size_t)snprintf(out + at, size - at, "%02x", s.p[i]);
    (void)snprintf(out + at, size - at, "%s (%zu bytes)", s.n > 16 ? "..." : "", s.n);
}

bool trial_ok(struct trial *t, enum err e, const char *step, ...)
{
    t->steps++;
    if (e == ERR_OK) return !t->failed;
    char rest[240];
    (void)snprintf(rest, sizeof rest, ": %s: %s", mls_error_name((enum mls_error)e), mls_error_text((enum mls_error)e));
    va_list args;
    va_start(args, step);
    fail(t, step, args, rest);
    va_end(args);
    return false;
}

bool trial_refused(struct trial *t, enum err e, enum err want, const char *step, ...)
{
    t->steps++;
    if (want == ERR_MAX ? e != ERR_OK : e == want) return !t->failed;
    char rest[120];
    (void)snprintf(rest, sizeof rest, ": %s instead of %s", mls_error_name((enum mls_error)e),
                   want == ERR_MAX ? "a refusal" : mls_error_name((enum mls_error)want));
    va_list args;
    va_start(args, step);
    fail(t, step, args, rest);
    va_end(args);
    return false;
}

bool trial_same(struct trial *t, struct span got, struct span want, const char *step, ...)
{
    t->steps++;
    if (span_eq(got, want)) return !t->failed;
    char g[64], w[64], rest[200];
    size_t at = 0;
    while (at < got.n && at < want.n && got.p[at] == want.p[at]) at++;
    show(span_of(at < got.n ? got.p + at : NULL, got.n - at), g, sizeof g);
    show(span_of(at < want.n ? want.p + at : NULL, want.n - at), w, sizeof w);
    (void)snprintf(rest, sizeof rest, ": differs at byte %zu: is %s, should be %s", at, g, w);
    va_list args;
    va_start(args, step);
    fail(t, step, args, rest);
    va_end(args);
    return false;
}

bool trial_equal(struct trial *t, uint64_t got, uint64_t want, const char *step, ...)
{
    t->steps++;
    if (got == want) return !t->failed;
    char rest[80];
    (void)snprintf(rest, sizeof rest, ": is %" PRIu64 ", should be %" PRIu64, got, want);
    va_list args;
    va_start(args, step);
    fail(t, step, args, rest);
    va_end(args);
    return false;
}

bool trial_true(struct trial *t, bool is, const char *step, ...)
{
    t->steps++;
    if (is) return !t->failed;
    va_list args;
    va_start(args, step);
    fail(t, step, args, ": it is not so");
    va_end(args);
    return false;
}

void trial_fail(struct trial *t, const char *why, ...)
{
    va_list args;
    va_start(args, why);
    fail(t, why, args, "");
    va_end(args);
}

void trial_unknown(struct trial *t, const char *why, ...)
{
    if (t->failed) return;
    va_list args;
    va_start(args, why);
    fail(t, why, args, "");
    va_end(args);
    t->unknown = true;
}

bool trial_suite(struct trial *t, uint16_t id)
{
    t->algo.suite = crypto_suite(id);
    if (t->algo.suite == NULL) trial_unknown(t, "cipher_suite: no suite has the number 0x%04x", id);
    return !t->failed;
}
