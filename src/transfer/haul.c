// SPDX-License-Identifier: Apache-2.0
//
// Hauls: transfers that go on. What they share: their turn, a bounded number of requests under way, ends that are
// stored. As many requests are under way as the relay answers quickly, so that on a slow line a message does not wait
// behind a file.
#include "transfer/inner.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum {
    ALLOWED = 4,     // requests under way, at first
    QUICK_MS = 400,  // answers that came so soon let another one leave
    SLOW_MS = 1500,  // after so long there are too many
    LATER_MS = 5000, // until an end that could not be stored is tried again
    AGAIN_MS = 20000,
    TELL_MS = 250,
    LOOK = 256, // rows that are looked at for what may run
};

// --------------------------------------------------------------------------------------------------------------- kicks

struct kick *kick_new(void (*fn)(void *whom), void *whom)
{
    struct kick *k = mem_new(sizeof *k);
    if (k != NULL) *k = (struct kick){.fn = fn, .whom = whom};
    return k;
}

static void on_kick(struct net_post *p)
{
    struct kick *k = (struct kick *)(void *)((char *)p - offsetof(struct kick, post));
    k->posted = false;
    if (k->whom == NULL) mem_free(k);
    else k->fn(k->whom);
}

void kick_soon(struct kick *k, struct net_loop *loop)
{
    if (k->posted) return;
    k->posted = true;
    k->post.fn = on_kick;
    net_loop_post(loop, &k->post);
}

void kick_free(struct kick *k)
{
    if (k == NULL) return;
    k->whom = NULL;
    if (!k->posted) mem_free(k);
}

// ------------------------------------------------------------------------------------------------------- life of hauls

static void finish(struct haul *j);

static void on_step(void *whom)
{
    struct haul *j = whom;
    if (j->over && j->flights == 0) {
        struct transfers *t = j->t;
        haul_free(j);
        haul_schedule(t);
    } else if (!j->over && j->ending) {
        finish(j);
    } else if (!j->over && j->running && j->pause.link == NULL) {
        j->ops->step(j);
    }
}

static const struct ops *ops_of(enum transfer_kind kind)
{
    return kind == TRANSFER_UP ? &up_ops : kind == TRANSFER_DOWN ? &down_ops : &save_ops;
}

struct haul *haul_new(struct transfers *t, const struct row *r)
{
    struct haul *j = mem_new(sizeof *j);
    if (j == NULL) return NULL;
    *j = (struct haul){.t = t,
                       .next = t->hauls,
                       .ops = ops_of(r->kind),
                       .row = *r,
                       .kick = kick_new(on_step, j),
                       .allowed = ALLOWED,
                       .total = file_sealed_size(r->ref.size),
                       .fd = -1};
    j->row.why[0] = 0;
    if (j->kick == NULL) {
        mem_free_wiped(j, sizeof *j);
        return NULL;
    }
    t->hauls = j;
    return j;
}

struct haul *haul_find(struct transfers *t, int64_t id, bool save)
{
    struct haul *j = t->hauls;
    while (j != NULL && (j->row.id != id || (j->row.kind == TRANSFER_SAVE) != save)) j = j->next;
    return j;
}

static void tell(struct haul *j)
{
    struct transfer_info i;
    row_info(&j->row, &i);
    if (j->t->closing) return;
    j->told = net_loop_now(j->t->h.loop);
    j->t->h.told(j->t->h.arg, &i);
}

// Without a turn, it holds little memory.
static void rest(struct haul *j)
{
    j->running = false;
    net_timer_stop(&j->pause);
    mem_free_wiped(j->window, WINDOW + FILE_SEALED);
    j->window = NULL;
    if (j->ops->broken != NULL) j->ops->broken(j);
    if (j->over || j->ending || j->row.state != TRANSFER_RUNNING) return;
    j->row.state = TRANSFER_WAITING;
    tell(j);
}

void haul_free(struct haul *j)
{
    struct haul **at = &j->t->hauls;
    while (*at != j) at = &(*at)->next;
    *at = j->next;
    rest(j);
    if (j->ops->close != NULL) j->ops->close(j);
    crypto_digest_free(j->digest);
    if (j->fd >= 0) close(j->fd);
    kick_free(j->kick);
    mem_free_wiped(j, sizeof *j);
}

void haul_end(struct haul *j)
{
    j->over = true;
    haul_kick(j);
}

void haul_kick(struct haul *j) { kick_soon(j->kick, j->t->h.loop); }

static void on_pause_over(struct net_timer *t)
{
    haul_kick((struct haul *)(void *)((char *)t - offsetof(struct haul, pause)));
}

void haul_wait(struct haul *j, uint64_t ms)
{
    net_timer_start(j->t->h.loop, &j->pause, ms < 100 ? 100 : ms, on_pause_over);
}

// ---------------------------------------------------------------------------------------------------------------- ends

static enum err store_end(struct haul *j)
{
    struct transfers *t = j->t;
    struct transfer_info i;
    row_info(&j->row, &i);
    db_begin(t->h.db);
    row_state(t, &j->row);
    if (j->row.kind == TRANSFER_UP && j->row.state == TRANSFER_DONE) {
        sqlite3_stmt *q = db_sql(t->h.db, "DELETE FROM transfer_window WHERE transfer = ?1");
        db_int(q, 1, j->row.id);
        (void)db_run(t->h.db, q);
    }
    enum err e = t->h.ended(t->h.arg, &i);
    if (e == ERR_OK) return db_commit(t->h.db);
    db_rollback(t->h.db);
    return e;
}

static void finish(struct haul *j)
{
    j->ending = true;
    if (j->t->closing) return;
    if (j->row.kind != TRANSFER_SAVE && store_end(j) != ERR_OK) {
        haul_wait(j, LATER_MS);
        return;
    }
    j->over = true;
    tell(j);
    haul_kick(j);
}

void haul_done(struct haul *j)
{
    j->row.state = TRANSFER_DONE;
    j->row.done = j->total;
    finish(j);
}

void haul_fail(struct haul *j, const char *why)
{
    if (j->ending || j->over) return; // the first reason is the one
    j->row.state = TRANSFER_FAILED;
    (void)snprintf(j->row.why, sizeof j->row.why, "%s", why);
    finish(j);
}

void haul_fail_as(struct haul *j, enum err e)
{
    haul_fail(j, e == ERR_LIMIT ? "the disk is full: make room on it, then try again"
                 : e == ERR_MEMORY
                     ? "there is no memory left: end something else, then try again"
                     : "a file cannot be read or written: is the disk still there, and whole? Then try again");
}

void haul_progress(struct haul *j, uint64_t done)
{
    j->row.done = done;
    j->row.state = TRANSFER_RUNNING;
    if (net_loop_now(j->t->h.loop) - j->told >= TELL_MS) tell(j);
}

// ------------------------------------------------------------------------------------------------------------ requests

struct link *haul_link(struct haul *j)
{
    struct link *l = j->t->closing ? NULL : j->t->h.link(j->t->h.arg, j->row.relay);
    if (l != NULL) return l;
    j->cut = j->flights > 0;
    if (!j->cut) rest(j);
    return NULL;
}

// A quarter of what may be under way is left to others.
static bool may_ask(const struct haul *j, const struct link *l)
{
    return l != NULL && !j->cut && j->flights < j->allowed && j->flights < FLIGHTS && link_room(l) > link_most(l) / 4;
}

bool haul_ask(struct haul *j, const struct wire_request *r, const struct flight *what, link_answer *answer)
{
    size_t i = 0;
    struct link *l = j->t->h.link(j->t->h.arg, j->row.relay);
    bool sent = false;
    if (may_ask(j, l)) {
        while (j->flight[i].haul != NULL) i++;
        j->flight[i] = (struct flight){0};
        if (what != NULL) j->flight[i] = *what;
        j->flight[i].haul = j;
        j->flight[i].sent = net_loop_now(j->t->h.loop);
        sent = link_ask(l, r, answer, &j->flight[i]) == ERR_OK;
        if (!sent) j->flight[i].haul = NULL;
    }
    if (sent) j->flights++;
    else if (j->flights == 0) haul_wait(j, 0); // no answer will bring it back
    return sent;
}

// As many are under way as come back within a second or so.
static void adapt(struct haul *j, uint64_t sent)
{
    uint64_t now = net_loop_now(j->t->h.loop), took = now - sent;
    if (took <= QUICK_MS && j->allowed < FLIGHTS) j->allowed++;
    if (took < SLOW_MS || now < j->slow_until) return;
    j->allowed = j->allowed > 1 ? j->allowed / 2 : 1;
    j->slow_until = now + took; // those that left before this was known
}

struct haul *haul_home(void *arg, const struct wire_reply *r, struct flight *f)
{
    struct flight *here = arg;
    struct haul *j = here->haul;
    *f = *here;
    here->haul = NULL;
    j->flights--;
    if (r == NULL) j->cut = true;
    else adapt(j, f->sent);
    if (j->t->closing) return NULL;
    if (j->over || j->ending) {
        if (j->over && j->flights == 0) haul_kick(j);
        return NULL;
    }
    if (!j->cut) return j;
    if (j->flights == 0) {
        j->cut = false;
        rest(j);
        haul_schedule(j->t); // another may have its turn, or the link is there again
    }
    return NULL;
}

void haul_refused(struct haul *j, const struct wire_reply *r)
{
    if (r->type != WIRE_R_ERROR) {
        haul_fail(j, "the relay answers with something else than it was asked; is it too new, or broken?");
        return;
    }
    switch (r->code) {
    case WIRE_E_RATE: haul_wait(j, r->detail < AGAIN_MS ? r->detail : AGAIN_MS); return;
    case WIRE_E_UNAVAILABLE: haul_wait(j, LATER_MS); return;
    case WIRE_E_LIMIT:
        if (j->row.kind == TRANSFER_DOWN) haul_wait(j, LATER_MS); // too much at a time
        else haul_fail(j, "the file is larger than this relay takes");
        return;
    case WIRE_E_QUOTA:
        haul_fail(j, "the space that the relay gives you is used up: wait until something expires there, or ask "
                     "whoever runs it");
        return;
    case WIRE_E_HOSTING: haul_fail(j, "the relay takes files only from those who have its hosting password"); return;
    default: haul_fail(j, wire_code_text(r->code));
    }
}

// ---------------------------------------------------------------------------------------------------------- whose turn

static void begin(struct transfers *t, int64_t id)
{
    struct row r;
    struct haul *j = haul_find(t, id, false);
    if (j == NULL && row_read(t, id, &r) && r.state == TRANSFER_WAITING) j = haul_new(t, &r);
    mem_wipe(&r, sizeof r);
    if (j == NULL || j->running || j->over || j->ending || j->flights > 0) return;
    j->window = mem_new(WINDOW + FILE_SEALED);
    if (j->window == NULL) return;
    j->running = true;
    haul_kick(j);
}

struct turn {
    int64_t id;
    char relay[LINK_ADDRESS_TEXT];
};

static size_t look(struct transfers *t, struct turn *turns)
{
    size_t n = 0;
    struct db *d = t->h.db;
    d->err = ERR_OK;
    sqlite3_stmt *q = db_sql(d, "SELECT id, relay FROM transfer WHERE state = ?1 ORDER BY id LIMIT ?2");
    db_int(q, 1, TRANSFER_WAITING);
    db_int(q, 2, LOOK);
    while (n < LOOK && db_row(d, q)) {
        struct span relay = db_get(q, 1);
        turns[n].id = db_get_int(q, 0);
        (void)snprintf(turns[n++].relay, LINK_ADDRESS_TEXT, "%.*s", (int)relay.n, (const char *)relay.p);
    }
    db_done(q);
    return n;
}

void haul_schedule(struct transfers *t)
{
    struct turn *turns = t->closing ? NULL : mem_new_array(LOOK, sizeof *turns);
    size_t running = 0, n = turns == NULL ? 0 : look(t, turns);
    for (const struct haul *j = t->hauls; j != NULL; j = j->next) running += j->running && j->row.kind != TRANSFER_SAVE;
    for (size_t i = 0; i < n && running < RUNNING_MAX; i++) {
        const struct haul *j = haul_find(t, turns[i].id, false);
        if (j != NULL && (j->running || j->over)) continue;
        if (t->h.link(t->h.arg, j == NULL ? turns[i].relay : j->row.relay) == NULL) continue;
        begin(t, turns[i].id);
        running++;
    }
    mem_free(turns);
}

const struct crypto_suite *haul_suite(void) { return crypto_suite(CRYPTO_X25519_AES128_SHA256_ED25519); }
