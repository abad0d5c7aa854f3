// SPDX-License-Identifier: Apache-2.0
//
// Work in chunks: each chunk clones the crypto object once, since scratch contexts belong to one thread. Chunks are dealt
// like cards, so that a part of the work that is light (the blank end of a tree) makes all of them lighter, and not one.
#include "tree/parallel.h"

// A chunk is worth its clone, which costs about as much as two signatures checked; and there is one for each thread.
enum { CHUNK = 32, CHUNKS_MAX = 64 };

// Where a chunk stopped.
struct failure {
    enum err e;
    size_t at;
};

struct work {
    const struct algo *algo;
    enum err (*job)(const struct algo *a, void *arg, size_t i);
    void *arg;
    size_t n;
    size_t chunks;
    struct failure *failure; // one a chunk
};

static void chunk(void *arg, size_t c)
{
    struct work *w = arg;
    struct algo mine = {.suite = w->algo->suite};
    enum err e = crypto_clone(w->algo->crypto, mine.suite, &mine.crypto);
    size_t i = c;
    for (; e == ERR_OK && i < w->n; i += w->chunks) e = w->job(&mine, w->arg, i);
    crypto_free(mine.crypto);
    mem_wipe_stack(); // of this thread, whose stack no public function wipes
    w->failure[c] = (struct failure){e, i};
}

enum err parallel_run(const struct algo *a, const struct executor *x, size_t n,
                      enum err (*job)(const struct algo *a, void *arg, size_t i), void *arg)
{
    enum err e = ERR_OK;
    if (x == NULL || x->run == NULL || n <= CHUNK) {
        for (size_t i = 0; e == ERR_OK && i < n; i++) e = job(a, arg, i);
        return e;
    }
    size_t chunks = (n + CHUNK - 1) / CHUNK, first = SIZE_MAX;
    if (chunks > CHUNKS_MAX) chunks = CHUNKS_MAX;
    struct work w = {.algo = a, .job = job, .arg = arg, .n = n, .chunks = chunks};
    if ((w.failure = mem_new_array(chunks, sizeof *w.failure)) == NULL) return ERR_MEMORY;
    // Nothing counts as done that the executor has not called: a signature that nobody looked at is not a right one.
    for (size_t c = 0; c < chunks; c++) w.failure[c] = (struct failure){ERR_MISUSE, SIZE_MAX - 1};
    x->run(x->arg, chunk, &w, chunks);
    for (size_t c = 0; c < chunks; c++) {
        if (w.failure[c].e == ERR_OK || w.failure[c].at >= first) continue;
        first = w.failure[c].at;
        e = w.failure[c].e;
    }
    mem_free(w.failure);
    return e;
}
