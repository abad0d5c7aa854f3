// SPDX-License-Identifier: Apache-2.0
//
// Work in chunks: each chunk clones the crypto object once, since scratch contexts belong to one thread.
#include "tree/parallel.h"

enum { CHUNK = 32 };

struct work {
    const struct algo *algo;
    enum err (*job)(const struct algo *a, void *arg, size_t i);
    void *arg;
    size_t n;
    enum err *error; // one a chunk
};

static void chunk(void *arg, size_t c)
{
    struct work *w = arg;
    struct algo mine = {.suite = w->algo->suite};
    enum err e = crypto_clone(w->algo->crypto, &mine.crypto);
    for (size_t i = c * CHUNK; e == ERR_OK && i < w->n && i < (c + 1) * CHUNK; i++) e = w->job(&mine, w->arg, i);
    crypto_free(mine.crypto);
    mem_wipe_stack(); // of this thread, whose stack no public function wipes
    w->error[c] = e;
}

enum err parallel_run(const struct algo *a, const struct executor *x, size_t n,
                      enum err (*job)(const struct algo *a, void *arg, size_t i), void *arg)
{
    enum err e = ERR_OK;
    if (x == NULL || x->run == NULL || n <= CHUNK) {
        for (size_t i = 0; e == ERR_OK && i < n; i++) e = job(a, arg, i);
        return e;
    }
    size_t chunks = (n + CHUNK - 1) / CHUNK;
    struct work w = {.algo = a, .job = job, .arg = arg, .n = n, .error = mem_new_array(chunks, sizeof *w.error)};
    if (w.error == NULL) return ERR_MEMORY;
    x->run(x->arg, chunk, &w, chunks);
    for (size_t c = 0; e == ERR_OK && c < chunks; c++) e = w.error[c];
    mem_free(w.error);
    return e;
}
