// SPDX-License-Identifier: Apache-2.0
//
// Which relays there are (relays.h): collected from what is in memory and from contacts' invitations whenever somebody asks.
#include "client/relays.h"

#include "client/inner.h"

#include <stdio.h>
#include <stdlib.h>

struct found {
    char relay[RELAY_ROOM]; /* secret: it has the path */
    bool own;
    uint64_t chats, contacts;
};
struct list {
    size_t n;
    struct found found[ENGINE_RELAYS_MAX];
};

// NULL beyond the most.
static struct found *find(struct list *l, const char *relay, size_t n)
{
    for (size_t i = 0; i < l->n; i++)
        if (strlen(l->found[i].relay) == n && memcmp(l->found[i].relay, relay, n) == 0) return &l->found[i];
    if (l->n == ENGINE_RELAYS_MAX || n >= RELAY_ROOM) return NULL;
    struct found *f = &l->found[l->n++];
    memcpy(f->relay, relay, n);
    return f;
}

static enum err collect(struct engine *e, struct list *l)
{
    struct invite i;
    struct found *f = find(l, e->self.relay, strlen(e->self.relay));
    if (f != NULL) f->own = true;
    for (const struct chat *c = e->chats; c != NULL; c = c->next) {
        f = chat_over(c) ? NULL : find(l, c->peer->relay, strlen(c->peer->relay));
        if (f != NULL) f->chats++;
    }
    sqlite3_stmt *q = db_sql(&e->db, "SELECT invite FROM contact WHERE state = ?1 AND invite != x''");
    db_int(q, 1, CONTACT_KNOWN);
    while (db_row(&e->db, q)) {
        if (invite_decode(db_get(q, 0), &i) != ERR_OK) continue;
        f = find(l, (const char *)i.relay.p, i.relay.n);
        if (f != NULL) f->contacts++;
    }
    db_done(q);
    return e->db.err;
}

static int by_weight(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    if (x->own != y->own) return x->own ? -1 : 1;
    if (x->chats != y->chats) return x->chats > y->chats ? -1 : 1;
    return strcmp(x->relay, y->relay);
}

static void place_of(const struct link_address *a, char out[ENGINE_PLACE])
{
    bool v6 = strchr(a->host, ':') != NULL;
    (void)snprintf(out, ENGINE_PLACE, "%s%.*s%s:%u", v6 ? "[" : "", LINK_HOST_MAX, a->host, v6 ? "]" : "", a->port);
}

static void tell(struct engine *e, const struct found *f, void (*each)(void *arg, const struct engine_relay *r),
                 void *arg)
{
    struct link_address a, others[LINK_OTHERS_MAX]; /* secret */
    char place[ENGINE_PLACE], places[LINK_OTHERS_MAX][ENGINE_PLACE];
    const char *why = NULL;
    if (link_address_read(span_str(f->relay), &a, &why) != ERR_OK) return;
    place_of(&a, place);
    struct engine_relay r = {
        .place = place, .own = f->own, .chats = f->chats, .contacts = f->contacts, .others = places};
    r.other_n = published_others(e, f->relay, others);
    for (size_t i = 0; i < r.other_n; i++) place_of(&others[i], places[i]);
    for (const struct peer *p = e->peers; p != NULL && !r.connected; p = p->next) {
        if (!p->ready || strcmp(p->relay, f->relay) != 0) continue;
        r.connected = true;
        r.route = link_route(p->link);
        r.limits = link_limits(p->link);
    }
    each(arg, &r);
    mem_wipe(&a, sizeof a);
    mem_wipe(others, sizeof others);
}

enum err engine_relays(struct engine *e, void (*each)(void *arg, const struct engine_relay *r), void *arg)
{
    struct list *l = mem_new(sizeof *l);
    if (l == NULL) return ERR_MEMORY;
    l->n = 0;
    memset(l->found, 0, sizeof l->found);
    enum err x = collect(e, l);
    qsort(l->found, l->n, sizeof l->found[0], by_weight);
    for (size_t i = 0; x == ERR_OK && i < l->n; i++) tell(e, &l->found[i], each, arg);
    mem_free_wiped(l, sizeof *l);
    return x;
}
