// SPDX-License-Identifier: Apache-2.0
//
// What an engine does by itself when time has passed: it takes messages into the search index behind their coming, in small
// steps, so that nobody who types or reads waits for it. Invariant: nothing here is needed for what is stored to be right; it
// comes about later if the engine ends before.
#include "client/inner.h"

enum { SOON_MS = 500, NEXT_MS = 100, INDEX_STEP = 400 };

static void on_tidy(struct net_timer *t)
{
    struct engine *e = (struct engine *)(void *)((char *)t - offsetof(struct engine, tidy));
    bool more = false;
    if (search_index(&e->history, INDEX_STEP, &more) == ERR_OK && more)
        net_timer_start(e->loop, &e->tidy, NEXT_MS, on_tidy);
}

void clock_tidy(struct engine *e)
{
    if (!e->closing && e->tidy.link == NULL) net_timer_start(e->loop, &e->tidy, SOON_MS, on_tidy);
}

void clock_stop(struct engine *e) { net_timer_stop(&e->tidy); }
