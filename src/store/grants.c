// SPDX-License-Identifier: Apache-2.0
//
// Grants: a short list, searched from its front. The hashes come from random keys, and a search that ends early tells about a hash
// what whoever knows the key knows anyway; still all are compared in full, so that denied takes one time.
#include "store/grants.h"

void grants_free(struct grants *g)
{
    mem_free(g->v);
    *g = (struct grants){0};
}

static struct wire_grant *find(const struct grants *g, const uint8_t *hash)
{
    struct wire_grant *found = NULL;
    for (size_t i = 0; i < g->n; i++) {
        if (mem_equal(g->v[i].hash, hash, WIRE_HASH)) found = &g->v[i];
    }
    return found;
}

const struct wire_grant *grants_find(const struct grants *g, const uint8_t *hash) { return find(g, hash); }

bool grants_allow(const struct grants *g, const uint8_t *hash, uint8_t rights)
{
    const struct wire_grant *f = find(g, hash);
    return f != NULL && (f->rights & rights) == rights && (rights == WIRE_READ || f->to_seq == WIRE_NO_END);
}

static enum err add(struct grants *g, const struct wire_grant *grant)
{
    if (g->n == g->room) {
        size_t room = g->room == 0 ? 2 : 2 * g->room;
        struct wire_grant *v = mem_new_array(room, sizeof *v);
        if (v == NULL) return ERR_MEMORY;
        if (g->n > 0) memcpy(v, g->v, g->n * sizeof *v);
        mem_free(g->v);
        g->v = v;
        g->room = room;
    }
    g->v[g->n++] = *grant;
    return ERR_OK;
}

enum err grants_decode(struct grants *g, struct span list, enum wire_code *code)
{
    struct wire_grant grant;
    enum err e = ERR_OK;
    *code = WIRE_OK;
    *g = (struct grants){0};
    while (e == ERR_OK && *code == WIRE_OK && wire_next_grant(&list, &grant)) {
        if (find(g, grant.hash) != NULL) *code = WIRE_E_EXISTS;
        else e = add(g, &grant);
    }
    if (e == ERR_OK && *code == WIRE_OK && list.n > 0) e = ERR_CORRUPT;
    if (e != ERR_OK || *code != WIRE_OK) grants_free(g);
    return e;
}

void grants_encode(const struct grants *g, struct buf *out)
{
    for (size_t i = 0; i < g->n; i++) wire_put_grant(out, &g->v[i]);
}

enum err grants_copy(const struct grants *g, struct grants *out)
{
    struct grants copy = {.n = g->n, .room = g->n};
    if (g->n > 0) {
        copy.v = mem_new_array(g->n, sizeof *copy.v);
        if (copy.v == NULL) return ERR_MEMORY;
        memcpy(copy.v, g->v, g->n * sizeof *copy.v);
    }
    *out = copy;
    return ERR_OK;
}

enum err grants_set(struct grants *g, const struct wire_grant *grant, enum wire_code *code)
{
    struct wire_grant *old = find(g, grant->hash);
    *code = old == NULL && g->n >= GRANTS_MAX ? WIRE_E_LIMIT : WIRE_OK;
    if (*code != WIRE_OK) return ERR_OK;
    if (old == NULL) return add(g, grant);
    *old = *grant;
    return ERR_OK;
}

bool grants_remove(struct grants *g, const uint8_t *hash)
{
    struct wire_grant *f = find(g, hash);
    if (f == NULL) return false;
    *f = g->v[--g->n];
    return true;
}

enum err grants_replace(struct grants *g, const uint8_t *old, const uint8_t *fresh, uint64_t from, uint64_t seq,
                        enum wire_code *code)
{
    struct wire_grant *was = find(g, old);
    *code = was == NULL ? WIRE_E_DENIED : find(g, fresh) != NULL ? WIRE_E_EXISTS : g->n >= GRANTS_MAX ? WIRE_E_LIMIT : WIRE_OK;
    if (*code != WIRE_OK) return ERR_OK;
    size_t at = (size_t)(was - g->v);
    struct wire_grant new_one = *was;
    memcpy(new_one.hash, fresh, WIRE_HASH);
    if (new_one.from_seq < from) new_one.from_seq = from;
    enum err e = add(g, &new_one);
    if (e != ERR_OK) return e;
    was = &g->v[at]; // it may have moved
    was->rights &= WIRE_READ;
    was->to_seq = seq;
    if (was->rights == 0 || was->from_seq > seq) (void)grants_remove(g, old); // it could read nothing
    return ERR_OK;
}

bool grants_tidy(struct grants *g, uint64_t oldest)
{
    size_t kept = 0;
    for (size_t i = 0; i < g->n; i++) {
        if (g->v[i].to_seq >= oldest) g->v[kept++] = g->v[i];
    }
    bool any = kept < g->n;
    g->n = kept;
    return any;
}
