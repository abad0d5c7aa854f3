// SPDX-License-Identifier: Apache-2.0
//
// Bytes that wait for the kernel, first in, first out. Invariant: an empty queue holds no memory, so that what an idle connection
// costs does not depend on what it once sent. It does not know what the bytes mean, and wipes them.
#include "net/inner.h"

#include <stdlib.h>

void net_queue_free(struct net_queue *q)
{
    mem_free_wiped(q->p, q->at + (size_t)q->n);
    *q = (struct net_queue){0};
}

bool net_queue_put(struct net_queue *q, struct span s)
{
    if (s.n > NET_QUEUE_MAX - (size_t)q->n) return false;
    if (s.n > (size_t)q->cap - q->at - q->n) {
        size_t need = q->n + s.n, cap = q->cap;
        if (cap < 1024) cap = 1024;
        while (cap < need) cap *= 2;
        // Moving up what is left is enough where it leaves room for as much again: so each byte is moved a few times only.
        if (cap == q->cap && need > cap / 2) cap *= 2;
        if (cap == q->cap) {
            memmove(q->p, q->p + q->at, q->n);
        } else {
            uint8_t *p = malloc(cap); // not zeroed: written before it is read
            if (p == NULL) return false;
            if (q->n > 0) memcpy(p, q->p + q->at, q->n);
            mem_free_wiped(q->p, q->at + (size_t)q->n);
            q->p = p;
            q->cap = (uint32_t)cap;
        }
        q->at = 0;
    }
    if (s.n > 0) memcpy(q->p + q->at + q->n, s.p, s.n);
    q->n += (uint32_t)s.n;
    return true;
}

void net_queue_drop(struct net_queue *q, size_t n)
{
    q->at += (uint32_t)n;
    q->n -= (uint32_t)n;
    if (q->n == 0) net_queue_free(q);
}
