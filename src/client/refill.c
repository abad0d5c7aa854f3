// SPDX-License-Identifier: Apache-2.0
//
// Relays that have gone back to an older state, as one does that is restored from a backup. Everybody keeps the last entries of each
// conversation as they came. Whoever notices reads the log again from where the two are the same: entries that it knows are passed over,
// wherever they stand now, and those that are missing are put back, in their order, before anything new is said. Commits race as they
// always do, so none is put back twice; of a message it does no harm. Invariant: an entry that was taken is never taken again.
#include "client/inner.h"

#include <stdio.h>

enum {
    KEPT = 256,
    LOOK_MS = 300,
    TURN_MS = 2000,
    LATER_MS = 20000,
    INBOX_MS = 60000,
    TURNS = 10,
    REFUSED_TOLD = 7,
    REFUSED_MAX = 11
};

static const char gone_inbox[] =
    "your relay has gone back to an older state, as from a backup: whoever wrote to you for the first time since then"
    " must do so again, with a new invitation";
static const char gone_log[] =
    "the relay does not know this conversation any more, or you are no longer in it: nothing can be read or said here."
    " Ask the others over another way, and begin a new one";

static void watch(struct peer *p);

// ------------------------------------------------------------------------------------------------------------- keeping

void refill_keep(struct chat *c, const struct wire_entry *x, const uint8_t key[32], int64_t message)
{
    struct db *d = &c->e->db;
    sqlite3_stmt *q = db_sql(d, "INSERT INTO kept(chat, seq, message, key, next, lost, payload)"
                                " VALUES(?1, ?2, ?3, ?4, ?5, 0, ?6)");
    db_int(q, 1, c->id);
    db_int(q, 2, (int64_t)x->seq);
    db_int(q, 3, message);
    db_blob(q, 4, span_of(key, 32));
    db_blob(q, 5, span_of(c->log_key, 32));
    db_blob(q, 6, x->payload);
    (void)db_run(d, q);
    if (x->seq % TRIM_EVERY != 0) return;
    q = db_sql(d, "DELETE FROM kept WHERE chat = ?1 AND seq <= ?2 AND NOT lost");
    db_int(q, 1, c->id);
    db_int(q, 2, (int64_t)(x->seq - KEPT));
    (void)db_run(d, q);
}

static bool any_lost(struct chat *c)
{
    sqlite3_stmt *q = db_sql(&c->e->db, "SELECT 1 FROM kept WHERE chat = ?1 AND lost LIMIT 1");
    db_int(q, 1, c->id);
    bool any = db_row(&c->e->db, q);
    db_done(q);
    return any;
}

void refill_load(struct chat *c) { c->blind = c->lost = any_lost(c); }

bool refill_is_kept(struct chat *c, struct span payload)
{
    sqlite3_stmt *q = db_sql(&c->e->db, "SELECT 1 FROM kept WHERE chat = ?1 AND payload = ?2 LIMIT 1");
    db_int(q, 1, c->id);
    db_blob(q, 2, payload);
    bool is = db_row(&c->e->db, q);
    db_done(q);
    return is;
}

bool refill_differs(struct chat *c, const struct wire_entry *x)
{
    sqlite3_stmt *q = db_sql(&c->e->db, "SELECT payload FROM kept WHERE chat = ?1 AND seq = ?2 AND NOT lost");
    db_int(q, 1, c->id);
    db_int(q, 2, (int64_t)x->seq);
    bool differs = db_row(&c->e->db, q) && !span_eq(db_get(q, 0), x->payload);
    db_done(q);
    return differs;
}

static bool is_commit(struct span payload)
{
    struct mls_message_info i;
    return mls_message_peek(out_span(payload), &i) == MLS_OK && i.content == MLS_CONTENT_COMMIT;
}

bool refill_known(struct chat *c, const struct wire_entry *x, int64_t *message)
{
    struct db *d = &c->e->db;
    uint8_t key[32], next[32];
    int64_t id = 0;
    if (!c->lost) return false;
    sqlite3_stmt *q = db_sql(d, "SELECT id, message, key, next FROM kept WHERE chat = ?1 AND lost AND payload = ?2"
                                " ORDER BY seq LIMIT 1");
    db_int(q, 1, c->id);
    db_blob(q, 2, x->payload);
    if (db_row(d, q) && db_get_fixed(d, q, 2, key, 32) && db_get_fixed(d, q, 3, next, 32)) {
        id = db_get_int(q, 0);
        *message = db_get_int(q, 1);
        if (memcmp(c->log_key, key, 32) == 0) memcpy(c->log_key, next, 32);
    }
    db_done(q);
    mem_wipe(key, sizeof key);
    mem_wipe(next, sizeof next);
    if (id == 0) return false;
    q = db_sql(d, "DELETE FROM kept WHERE id = ?1");
    db_int(q, 1, id);
    (void)db_run(d, q);
    q = db_sql(d, "UPDATE message SET seq = ?2 WHERE id = ?1");
    db_int(q, 1, *message);
    db_int(q, 2, (int64_t)x->seq);
    (void)db_run(d, q);
    if (is_commit(x->payload)) c->log_epoch = x->epoch + 1;
    if (id == c->refilling) {
        c->refilling = 0;
        c->my_turn = true;
    }
    c->lost = any_lost(c);
    c->blind = false;
    return true;
}

// ---------------------------------------------------------------------------------------------------------- going back

// Once a relay: as a rule all conversations there are concerned.
static void tell_gone_back(struct peer *p)
{
    struct link_address a = {0};
    const char *why;
    char text[700];
    (void)link_address_read(span_str(p->relay), &a, &why);
    (void)snprintf(text, sizeof text,
                   "the relay %.250s has gone back to an older state, as from a backup, and what it had lost of your"
                   " conversations is put back. Ask its operator: if nothing was restored there, the relay lies; then"
                   " move to another",
                   a.host);
    engine_tell(p->e, (struct engine_event){.kind = ENGINE_WARNING, .text = text});
    mem_wipe(&a, sizeof a);
}

// What is behind `at` may be from before one's own time, if one does not know what was there.
static void read_chain(struct chat *c, uint64_t at, bool certain)
{
    struct db *d = &c->e->db;
    mem_wipe(c->chain, 32); // all zeros behind the first entry: it is not known
    c->blind = true;
    if (!certain) return;
    sqlite3_stmt *q = db_sql(d, "SELECT chain FROM past WHERE chat = ?1 AND seq = ?2");
    db_int(q, 1, c->id);
    db_int(q, 2, (int64_t)at);
    if (db_row(d, q)) c->blind = !db_get_fixed(d, q, 0, c->chain, 32);
    db_done(q);
}

// Behind `to` everything is to be read again. `certain`: up to there nothing is different. `key`: of the log, as far as the relay knows;
// NULL: the present one.
static void go_back(struct chat *c, uint64_t to, bool certain, const uint8_t *key)
{
    // What was lost before and is not back stands behind what is lost now.
    static const char *const steps[] = {"UPDATE kept SET seq = seq + 4294967296 WHERE chat = ?1 AND lost AND ?2 >= 0",
                                        "UPDATE kept SET lost = 1 WHERE chat = ?1 AND seq > ?2 AND NOT lost",
                                        "DELETE FROM past WHERE chat = ?1 AND seq > ?2"};
    struct chat before = *c; /* secret */
    struct db *d = &c->e->db;
    db_begin(d);
    read_chain(c, to, certain);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        sqlite3_stmt *q = db_sql(d, steps[i]);
        db_int(q, 1, c->id);
        db_int(q, 2, i == 2 && !certain ? 0 : (int64_t)to);
        (void)db_run(d, q);
    }
    c->cursor = to;
    c->log_epoch = 0; // what the relay says
    c->refilling = 0;
    c->lost = any_lost(c);
    c->caught_up = false;
    if (key != NULL) memcpy(c->log_key, key, 32);
    enum err x = chat_save(c);
    if (x == ERR_OK) x = db_commit(d);
    else db_rollback(d);
    if (x == ERR_OK) {
        chat_saved(c);
        tell_gone_back(c->peer);
        refill_inbox(c->peer);
        link_break(c->peer->link); // and all is followed anew
    } else {
        chat_give_back(c, &before);
        peer_stall(c->peer);
    }
    mem_wipe(&before, sizeof before);
}

// The last place at which all before is the same for certain, or not known here.
static uint64_t safe_place(struct chat *c)
{
    uint64_t to = c->cursor;
    sqlite3_stmt *q = db_sql(&c->e->db, "SELECT min(seq) FROM kept WHERE chat = ?1 AND NOT lost");
    db_int(q, 1, c->id);
    if (db_row(&c->e->db, q) && db_get_int(q, 0) > 0) to = (uint64_t)db_get_int(q, 0) - 1;
    db_done(q);
    return to < c->oldest ? c->oldest - 1 : to;
}

void refill_shorter(struct chat *c, uint64_t head) { go_back(c, head, true, NULL); }
void refill_other(struct chat *c) { go_back(c, safe_place(c), false, NULL); }

// --------------------------------------------------------------------------------------------------------- no log, no key

struct trying {
    struct peer *peer;
    int64_t chat;
    uint8_t key[32]; /* secret */
};

static void on_made(void *arg, const struct wire_reply *r)
{
    struct trying *t = arg;
    struct chat *c = r == NULL ? NULL : chat_find(t->peer->e, t->chat);
    bool made = c != NULL && (r->type == WIRE_R_OK || r->code == WIRE_E_EXISTS);
    mem_free_wiped(t, sizeof *t);
    if (made) peer_follow_chat(c);
}

// The log is gone as a whole: whoever may make logs there makes it again, with the key that all have who have read to its end.
static bool make_again(struct chat *c)
{
    struct db *d = &c->e->db;
    struct trying *t = strcmp(c->peer->relay, c->e->self.relay) != 0 || c->remade ? NULL : mem_new(sizeof *t);
    struct wire_grant g = {.rights = WIRE_READ | WIRE_APPEND | WIRE_ADVANCE, .to_seq = WIRE_NO_END};
    struct buf grants;
    if (t == NULL || sha256(c->e, span_of(c->log_key, 32), g.hash) != ERR_OK) {
        mem_free(t);
        return false;
    }
    c->remade = true;
    db_begin(d);
    sqlite3_stmt *q = db_sql(d, "UPDATE kept SET key = ?2, next = ?2 WHERE chat = ?1");
    db_int(q, 1, c->id);
    db_blob(q, 2, span_of(c->log_key, 32));
    (void)db_run(d, q);
    enum err x = db_commit(d);
    *t = (struct trying){.peer = c->peer, .chat = c->id};
    buf_init(&grants, 256);
    wire_put_grant(&grants, &g);
    const struct wire_request r = {.type = WIRE_LOG_CREATE, .log = c->log, .grants = buf_span(&grants)};
    bool sent = x == ERR_OK && link_ask(c->peer->link, &r, on_made, t) == ERR_OK;
    if (!sent) mem_free(t);
    buf_wipe(&grants);
    return sent;
}

static void on_tried(void *arg, const struct wire_reply *r)
{
    struct trying *t = arg;
    struct chat *c = r == NULL ? NULL : chat_find(t->peer->e, t->chat);
    if (c != NULL && !c->following && r->type == WIRE_R_STAT) {
        c->oldest = r->oldest;
        bool shorter = r->head < c->cursor;
        go_back(c, shorter ? r->head : safe_place(c), shorter, t->key);
    } else if (c != NULL && !c->following) {
        refill_denied(c);
    }
    mem_free_wiped(t, sizeof *t);
}

static void try_later(struct chat *c)
{
    c->refused += c->refused < REFUSED_MAX;
    c->refill_at = net_loop_now(c->e->loop) + ((uint64_t)LOOK_MS << c->refused);
    watch(c->peer);
}

void refill_ended(struct chat *c)
{
    if (c->behind < 0 || split_apart(c)) return;
    c->refused = c->ended < REFUSED_MAX ? c->ended : REFUSED_MAX; // its answer that it follows is no good sign
    try_later(c);
    c->ended++;
    if (recover_may(c)) recover_step(c);
    if (c->ended == (recover_may(c) ? REFUSED_TOLD : 1))
        engine_tell(c->e, (struct engine_event){.kind = ENGINE_WARNING, .chat = c->id, .text = doubt_withheld});
}

void refill_denied(struct chat *c)
{
    struct db *d = &c->e->db;
    struct trying *t = c->behind == BEHIND_OUT || split_apart(c) ? NULL : mem_new(sizeof *t);
    if (t == NULL) return;
    *t = (struct trying){.peer = c->peer, .chat = c->id};
    d->err = ERR_OK;
    sqlite3_stmt *q = db_sql(d, "SELECT key FROM kept WHERE chat = ?1 AND key != ?2 GROUP BY key ORDER BY max(seq) DESC"
                                " LIMIT 1 OFFSET ?3");
    db_int(q, 1, c->id);
    db_blob(q, 2, span_of(c->log_key, 32));
    db_int(q, 3, c->tried++);
    bool another = db_row(d, q) && db_get_fixed(d, q, 0, t->key, 32);
    db_done(q);
    const struct wire_request r = {.type = WIRE_LOG_STAT, .log = c->log, .key = t->key};
    if (another && link_ask(c->peer->link, &r, on_tried, t) == ERR_OK) return;
    mem_free_wiped(t, sizeof *t);
    if (another || make_again(c)) return;
    try_later(c); // perhaps the others are about to put the key back that we have
    c->ended++;
    recover_step(c);
    if (c->refused == REFUSED_TOLD)
        engine_tell(c->e, (struct engine_event){.kind = ENGINE_WARNING, .chat = c->id, .text = gone_log});
}

// ---------------------------------------------------------------------------------------------------------- putting back

static void on_put(void *arg, const struct wire_reply *r)
{
    struct trying *t = arg;
    struct chat *c = r == NULL ? NULL : chat_find(t->peer->e, t->chat);
    mem_free_wiped(t, sizeof *t);
    if (c == NULL || r->type == WIRE_R_APPENDED) return; // it is seen in the log
    c->refilling = 0;
    c->my_turn = false;
    c->refill_at = net_loop_now(c->e->loop) + (r->code == WIRE_E_STALE ? LOOK_MS : LATER_MS);
    if (r->code != WIRE_E_STALE) return;
    c->caught_up = false;
    peer_stat_chat(c);
}

static void put_back(struct chat *c)
{
    struct db *d = &c->e->db;
    uint8_t hash[32];
    struct trying *t = mem_new(sizeof *t);
    if (t == NULL) return;
    *t = (struct trying){.peer = c->peer, .chat = c->id};
    d->err = ERR_OK;
    sqlite3_stmt *q =
        db_sql(d, "SELECT id, key, next, payload FROM kept WHERE chat = ?1 AND lost ORDER BY seq, id LIMIT 1");
    db_int(q, 1, c->id);
    bool there = db_row(d, q), sent = false;
    if (there) {
        struct span key = db_get(q, 1), next = db_get(q, 2), payload = db_get(q, 3);
        bool commit = is_commit(payload);
        bool replaces = commit && !span_eq(key, next) && span_eq(key, span_of(c->log_key, 32));
        struct wire_request r = {.type = commit ? WIRE_LOG_ADVANCE : WIRE_LOG_APPEND,
                                 .log = c->log,
                                 .key = c->log_key,
                                 .epoch = c->log_epoch,
                                 .payload = payload};
        if (replaces && sha256(c->e, next, hash) == ERR_OK) r.new_hash = hash;
        sent = link_ask(c->peer->link, &r, on_put, t) == ERR_OK;
        if (sent) c->refilling = db_get_int(q, 0);
    }
    db_done(q);
    if (!sent) mem_free(t);
}

static void on_look(struct net_timer *timer)
{
    struct peer *p = (struct peer *)(void *)((char *)timer - offsetof(struct peer, refill));
    bool any = false;
    for (struct chat *c = p->e->chats; c != NULL; c = c->next) {
        if (c->peer != p || (c->following ? !c->lost : c->refused == 0)) continue;
        any = true;
        if (!c->following && net_loop_now(p->e->loop) >= c->refill_at) {
            c->tried = 0;
            peer_follow_chat(c);
        } else if (c->caught_up && c->refilling == 0 && net_loop_now(p->e->loop) >= c->refill_at) put_back(c);
    }
    if (any) watch(p);
}

static void watch(struct peer *p)
{
    if (p->refill.link == NULL) net_timer_start(p->e->loop, &p->refill, LOOK_MS, on_look);
}

// So that not all put back the same, members take turns: the first in the group at once, each other one later, if nothing has come by then.
void refill_go_on(struct chat *c)
{
    struct peer *p = c->peer;
    if (!c->lost || !c->following || chat_group(c) == NULL) return;
    uint32_t turn = mls_group_own_index(c->mls);
    if (c->my_turn && c->caught_up && c->refilling == 0) put_back(c);
    else c->refill_at = net_loop_now(p->e->loop) + (uint64_t)(turn < TURNS ? turn : TURNS) * TURN_MS;
    c->my_turn = false;
    watch(p);
}

// ------------------------------------------------------------------------------------------------------------ one's inbox

// What belongs to the inbox is put there again.
void refill_inbox(struct peer *p)
{
    struct engine *e = p->e;
    uint8_t hash[32];
    uint64_t now = net_loop_now(e->loop);
    if (strcmp(p->relay, e->self.relay) != 0 || now < p->inbox_again) return;
    p->inbox_again = now + INBOX_MS;
    db_begin(&e->db);
    (void)work_add(e, &(struct work){.kind = WORK_MAKE_INBOX, .relay = p->relay}); // it exists, or is made again
    sqlite3_stmt *q = db_sql(&e->db, "SELECT key, state FROM invite ORDER BY created");
    while (db_row(&e->db, q)) {
        uint8_t kind = db_get_int(q, 1) == ENGINE_INVITE_OPEN ? WORK_GRANT : WORK_REVOKE;
        if (sha256(e, db_get(q, 0), hash) == ERR_OK)
            (void)work_add(e, &(struct work){.kind = kind, .relay = p->relay, .what = span_of(hash, 32)});
    }
    (void)work_add(e, &(struct work){.kind = WORK_PACKAGES, .relay = p->relay}); // those there may have been used
    (void)db_commit(&e->db);
}

// All that is in it is read again: what has been taken already is passed over.
void refill_inbox_gone(struct peer *p)
{
    struct engine *e = p->e;
    engine_tell(e, (struct engine_event){.kind = ENGINE_WARNING, .text = gone_inbox});
    refill_inbox(p);
    db_begin(&e->db);
    (void)db_run(&e->db, db_sql(&e->db, "UPDATE self SET cursor = 0"));
    if (db_commit(&e->db) == ERR_OK) e->self.cursor = 0;
    link_break(p->link);
}
