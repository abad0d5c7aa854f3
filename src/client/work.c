// SPDX-License-Identifier: Apache-2.0
//
// Work: what was asked for and is not done, in the vault until it is. Each piece is a request to a relay, and an answer that means
// done, try again, or never. Whatever is sent twice by mistake (the connection broke before the answer) does no harm:
// ids are random, so "exists" means done, and what is said is looked for in the log first.
#include "client/inner.h"

#include "codec/tls.h"

enum {
    ANSWERED_MS = 200,
    ANSWERS_MAX = 100000,
    MISSED_AT_ONCE = 64,
    ROOM_LEAST = 32, // so that many answers make one look at what is to be done
};
enum { AGAIN_MS = 20000, LATER_MS = 5000, ROW_MAX = 32 << 20 };

int64_t work_add(struct engine *e, const struct work *w)
{
    sqlite3_stmt *q = db_sql(
        &e->db, "INSERT INTO work(relay, kind, chat, contact, message, log, key, epoch, acked, what, payload, staged,"
                " welcome, anyway) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9, ?10, x'', x'', ?11)");
    db_text(q, 1, span_str(w->relay));
    db_int(q, 2, w->kind);
    db_int(q, 3, w->chat);
    db_int(q, 4, w->contact);
    db_int(q, 5, w->message);
    db_blob(q, 6, w->log);
    db_blob(q, 7, w->key);
    db_int(q, 8, (int64_t)w->epoch);
    db_blob(q, 9, w->what);
    db_blob(q, 10, w->payload);
    db_int(q, 11, w->anyway);
    (void)db_run(&e->db, q);
    return db_last_id(&e->db);
}

void work_drop(struct engine *e, int64_t id)
{
    sqlite3_stmt *q = db_sql(&e->db, "DELETE FROM work WHERE id = ?1");
    db_int(q, 1, id);
    (void)db_run(&e->db, q);
}

void work_fail(struct engine *e, int64_t id)
{
    sqlite3_stmt *q = db_sql(
        &e->db, "UPDATE message SET state = ?2 WHERE id = (SELECT message FROM work WHERE id = ?1 AND message != 0)");
    db_int(q, 1, id);
    db_int(q, 2, MESSAGE_FAILED);
    (void)db_run(&e->db, q);
    work_drop(e, id);
}

bool work_waits(struct engine *e, int64_t chat)
{
    sqlite3_stmt *q = db_sql(&e->db, "SELECT 1 FROM work WHERE chat = ?1 AND (payload = x'' OR kind != 9) LIMIT 1");
    db_int(q, 1, chat);
    bool waits = db_row(&e->db, q);
    db_done(q);
    return waits;
}

bool work_load(struct engine *e, int64_t id, struct work *out, struct buf *memory)
{
    struct span part[6];
    size_t at[6];
    buf_init(memory, ROW_MAX);
    sqlite3_stmt *q = db_sql(
        &e->db, "SELECT kind, chat, contact, message, epoch, acked, log, key, what, payload, staged, welcome, relay"
                " FROM work WHERE id = ?1");
    db_int(q, 1, id);
    if (!db_row(&e->db, q)) return false;
    *out = (struct work){.id = id,
                         .kind = (uint8_t)db_get_int(q, 0),
                         .chat = db_get_int(q, 1),
                         .contact = db_get_int(q, 2),
                         .message = db_get_int(q, 3),
                         .epoch = (uint64_t)db_get_int(q, 4),
                         .acked = db_get_int(q, 5) != 0};
    for (int i = 0; i < 6; i++) {
        part[i] = db_get(q, 6 + i);
        at[i] = memory->n;
        buf_put(memory, part[i]);
    }
    size_t relay = memory->n;
    buf_put(memory, db_get(q, 12));
    buf_put_u8(memory, 0);
    struct span *const to[] = {&out->log, &out->key, &out->what, &out->payload, &out->staged, &out->welcome};
    if (buf_end(memory) == ERR_OK) {
        for (size_t i = 0; i < 6; i++) *to[i] = span_of(memory->p + at[i], part[i].n);
        out->relay = (const char *)memory->p + relay;
    }
    db_done(q);
    return buf_end(memory) == ERR_OK;
}

// ------------------------------------------------------------------------------------------------------------- answers

static void on_again(struct net_timer *t)
{
    struct peer *p = (struct peer *)(void *)((char *)t - offsetof(struct peer, again));
    peer_pump(p);
}

static void try_again(struct peer *p, uint64_t ms)
{
    net_timer_start(p->e->loop, &p->again, ms < 100 ? 100 : ms, on_again);
}

static void give_up(struct engine *e, const struct flight *f, const char *why)
{
    db_begin(&e->db);
    work_fail(e, f->work);
    if (db_commit(&e->db) == ERR_OK)
        engine_tell(e, (struct engine_event){.kind = ENGINE_WARNING, .chat = f->chat, .text = why});
}

static void fly_off(struct flight *f)
{
    *f->link = f->next;
    if (f->next != NULL) f->next->link = f->link;
    mem_free(f);
}

// A message or commit is in the log, says the relay: it is seen there, or the relay has lied.
static int64_t store_answer(struct engine *e, const struct flight *f)
{
    int64_t message = 0;
    sqlite3_stmt *q = db_sql(&e->db, "UPDATE work SET acked = 1 WHERE id = ?1 RETURNING message");
    db_int(q, 1, f->work);
    if (db_row(&e->db, q)) message = db_get_int(q, 0);
    db_done(q);
    if (message == 0) return 0;
    q = db_sql(&e->db, "UPDATE message SET seq = ?2, time = ?3, state = ?4 WHERE id = ?1 AND state = ?5");
    db_int(q, 1, message);
    db_int(q, 2, (int64_t)f->seq);
    db_int(q, 3, (int64_t)f->time);
    db_int(q, 4, MESSAGE_SENT);
    db_int(q, 5, MESSAGE_QUEUED);
    (void)db_run(&e->db, q);
    return message;
}

static void on_answered(struct net_timer *t)
{
    work_answered((struct engine *)(void *)((char *)t - offsetof(struct engine, answered)));
}

// A message comes back in the log at once, as a rule, and is done then; so its answer is not stored before some time has passed.
static void acked(struct engine *e, const struct flight *f)
{
    if (f->kind == WORK_SAY) {
        if (e->answered.link == NULL) net_timer_start(e->loop, &e->answered, ANSWERED_MS, on_answered);
        return;
    }
    db_begin(&e->db);
    (void)store_answer(e, f);
    if (db_commit(&e->db) != ERR_OK) peer_stall(f->peer); // it is looked for in the log
}

void work_answered(struct engine *e)
{
    struct buf told;
    struct engine_event event = {.kind = ENGINE_MESSAGE};
    if (e->flights == NULL) return;
    buf_init(&told, ANSWERS_MAX * sizeof event);
    net_timer_stop(&e->answered);
    db_begin_lazy(&e->db);
    for (const struct flight *f = e->flights; f != NULL; f = f->next) {
        if (!f->answered) continue;
        event.chat = f->chat;
        event.message = store_answer(e, f);
        if (event.message != 0) buf_put(&told, span_of(&event, sizeof event));
    }
    enum err x = db_commit(&e->db);
    struct peer *full = NULL;
    for (struct flight *f = e->flights, *next; f != NULL; f = next) {
        next = f->next;
        if (!f->answered) continue;
        if (x != ERR_OK) full = f->peer;
        fly_off(f);
    }
    for (size_t at = 0; x == ERR_OK && at + sizeof event <= told.n; at += sizeof event) {
        memcpy(&event, told.p + at, sizeof event);
        engine_tell(e, event);
    }
    buf_wipe(&told);
    if (full != NULL) peer_stall(full);
}

void work_not_now(struct engine *e, int64_t id, const char *relay)
{
    db_begin(&e->db);
    sqlite3_stmt *q =
        db_sql(&e->db, "UPDATE work SET acked = 1 WHERE kind = ?1 AND NOT acked AND (id = ?2 OR relay = ?3)"
                       " AND chat IN (SELECT id FROM chat WHERE kind = ?4)");
    db_int(q, 1, WORK_TAKE);
    db_int(q, 2, id);
    db_text(q, 3, span_str(relay == NULL ? "" : relay));
    db_int(q, 4, ROOM_GROUP);
    int n = db_run(&e->db, q);
    if (db_commit(&e->db) == ERR_OK && n > 0 && relay != NULL) peer_pump_all(e);
}

static void done(struct engine *e, const struct flight *f, const struct wire_reply *r)
{
    struct work w;
    struct buf memory;
    if (f->kind == WORK_SAY || f->kind == WORK_COMMIT) {
        acked(e, f);
        return;
    }
    db_begin(&e->db);
    enum err x = ERR_OK;
    if (f->kind != WORK_TAKE && f->kind != WORK_KNOCK && f->kind != WORK_MISSED) {
        work_drop(e, f->work);
    } else {
        bool there = work_load(e, f->work, &w, &memory);
        if (there && f->kind == WORK_MISSED) x = split_missed(e, &w, r->entries);
        else if (there) x = f->kind == WORK_TAKE ? adding_taken(e, &w, r->packages) : knock_taken(e, &w, r->packages);
        buf_wipe(&memory);
    }
    if (x == ERR_OK) x = db_commit(&e->db);
    else db_rollback(&e->db);
    if (x == ERR_NOT_FOUND) {
        work_not_now(e, f->work, NULL);
        try_again(f->peer, LATER_MS);
    } else if (passes(x)) {
        peer_stall(f->peer);
    } else if (x != ERR_OK) {
        give_up(e, f, "somebody's keys cannot be used: nothing was sent to them. Tell them, over another way");
    }
    if (x != ERR_OK) return;
    struct chat *c = f->kind == WORK_MAKE_LOG ? chat_find(e, f->chat) : NULL;
    if (c != NULL) {
        c->made = true;
        peer_follow_chat(c);
    }
    if (f->kind == WORK_MAKE_INBOX) peer_follow_inbox(f->peer);
}

static void refused(struct engine *e, const struct flight *f, const struct wire_reply *r)
{
    struct chat *c = f->chat == 0 ? NULL : chat_find(e, f->chat);
    switch (r->code) {
    case WIRE_E_STALE:
    case WIRE_E_DENIED:
        if (f->kind == WORK_MISSED) return; // by and by, with another key
        if (c != NULL &&
            (f->kind == WORK_SAY || f->kind == WORK_COMMIT)) { // others were faster: first read what they did
            c->caught_up = false;
            peer_stat_chat(c);
        } else {
            give_up(e, f,
                    "an invitation is no longer valid: whoever gave it has taken it back, or somebody has used it. Ask them for"
                    " another");
        }
        return;
    case WIRE_E_RATE: try_again(f->peer, r->detail); return;
    case WIRE_E_HOSTING:
    case WIRE_E_QUOTA:
        engine_tell(
            e,
            (struct engine_event){
                .kind = ENGINE_WARNING,
                .chat = f->chat,
                .text = r->code == WIRE_E_HOSTING
                            ? "the relay wants a hosting password for new conversations; `whimbrel settings` takes it"
                            : "the space that the relay gives you is used up"});
        try_again(f->peer, AGAIN_MS);
        return;
    case WIRE_E_UNAVAILABLE: try_again(f->peer, AGAIN_MS); return;
    default: give_up(e, f, wire_code_text(r->code));
    }
}

static void on_answer(void *arg, const struct wire_reply *r)
{
    struct flight *f = arg;
    struct engine *e = f->peer->e;
    bool ok = r != NULL && (r->type != WIRE_R_ERROR || r->code == WIRE_E_EXISTS); // exists: the answer was lost
    bool say = f->kind == WORK_SAY;
    if (ok) {
        f->seq = r->seq;
        f->time = r->time;
    }
    struct flight here = *f;
    if (ok && say) f->answered = true;
    else fly_off(f);
    if (r == NULL || e->closing) return;
    if (ok) done(e, &here, r);
    else refused(e, &here, r);
    if (ok && (!say || (here.peer->more && link_room(here.peer->link) >= ROOM_LEAST))) peer_pump_all(e);
}

// ------------------------------------------------------------------------------------------------------------- sending

static bool send_request(struct peer *p, const struct work *w, const struct wire_request *r)
{
    struct engine *e = p->e;
    struct flight *f = mem_new(sizeof *f);
    if (f == NULL) return false;
    *f = (struct flight){.peer = p,
                         .next = e->flights,
                         .link = &e->flights,
                         .work = w->id,
                         .chat = w->chat,
                         .kind = (enum work_kind)w->kind,
                         .epoch = w->epoch};
    if (f->next != NULL) f->next->link = &f->next;
    e->flights = f;
    if (link_ask(p->link, r, on_answer, f) == ERR_OK) return true;
    e->flights = f->next;
    if (f->next != NULL) f->next->link = &e->flights;
    mem_free(f);
    return false;
}

static bool send_create(struct peer *p, const struct work *w, const uint8_t *log, const uint8_t key[32], uint8_t rights)
{
    struct wire_grant g = {.rights = rights, .to_seq = UINT64_MAX};
    struct buf grants;
    if (sha256(p->e, span_of(key, 32), g.hash) != ERR_OK) return false;
    buf_init(&grants, 256);
    wire_put_grant(&grants, &g);
    const struct wire_request r = {.type = WIRE_LOG_CREATE, .log = log, .grants = buf_span(&grants)};
    bool sent = send_request(p, w, &r);
    buf_wipe(&grants);
    return sent;
}

static bool send_grant(struct peer *p, const struct work *w)
{
    const struct self *s = &p->e->self;
    struct wire_request r = {
        .type = w->kind == WORK_GRANT ? WIRE_GRANT_SET : WIRE_GRANT_REMOVE, .log = s->inbox, .key = s->inbox_key};
    r.grant = (struct wire_grant){.rights = WIRE_APPEND, .to_seq = UINT64_MAX};
    if (w->what.n == WIRE_HASH) memcpy(r.grant.hash, w->what.p, WIRE_HASH);
    return send_request(p, w, &r);
}

// A commit is made when its turn comes, on what the chat is then; a message was encrypted before (say_prepare).
static bool send_to_chat(struct peer *p, const struct work *w)
{
    struct chat *c = chat_find(p->e, w->chat);
    struct work made;
    struct buf memory;
    if (c == NULL || !c->caught_up || c->lost || chat_stands(c)) return false;
    if (w->kind != WORK_COMMIT && behind_bars(c)) return false;
    if (w->kind == WORK_COMMIT && (w->payload.n == 0 || w->epoch != c->log_epoch)) {
        enum err x = commit_make(c, w);
        if (x == ERR_NOT_FOUND) peer_pump(p);
        if (passes(x)) peer_stall(p);
        else if (x != ERR_OK && x != ERR_NOT_FOUND) try_again(p, LATER_MS); // on what the chat is then
        bool sent = x == ERR_OK && work_load(p->e, w->id, &made, &memory) && send_to_chat(p, &made);
        if (x == ERR_OK) buf_wipe(&memory);
        return sent;
    }
    if (w->payload.n == 0 || w->epoch != c->log_epoch) return false;
    struct wire_request r = {.type = w->kind == WORK_COMMIT ? WIRE_LOG_ADVANCE : WIRE_LOG_APPEND,
                             .log = c->log,
                             .key = c->log_key,
                             .epoch = w->epoch,
                             .payload = w->payload};
    if (w->kind == WORK_COMMIT && w->key.n == WIRE_HASH)
        r.new_hash = w->key.p; // of the key that takes the present one's place
    return send_request(p, w, &r);
}

static bool packages_wait(struct engine *e)
{
    sqlite3_stmt *q = db_sql(&e->db, "SELECT 1 FROM work WHERE kind IN (?1, ?2)");
    db_int(q, 1, WORK_PACKAGES);
    db_int(q, 2, WORK_CLEAR);
    bool wait = db_row(&e->db, q);
    db_done(q);
    return wait;
}

bool work_send(struct peer *p, const struct work *w)
{
    const struct self *s = &p->e->self;
    struct chat *c;
    struct wire_request r;
    switch (w->kind) {
    case WORK_MAKE_INBOX: return send_create(p, w, s->inbox, s->inbox_key, WIRE_READ | WIRE_APPEND | WIRE_ADMIN);
    case WORK_MAKE_LOG:
        c = chat_find(p->e, w->chat);
        return c != NULL && send_create(p, w, c->log, c->log_key, WIRE_READ | WIRE_APPEND | WIRE_ADVANCE);
    case WORK_PACKAGES: inbox_packages(p, w); return true;
    case WORK_GRANT:
    case WORK_REVOKE: return send_grant(p, w);
    case WORK_CLEAR:
        r = (struct wire_request){.type = WIRE_PACKAGE_CLEAR,
                                  .log = s->inbox,
                                  .key = s->inbox_key,
                                  .device = w->what.n == FORMAT_DEVICE ? w->what.p : NULL};
        return r.device != NULL && send_request(p, w, &r);
    case WORK_MISSED:
        c = chat_find(p->e, w->chat);
        if (c == NULL || chat_stands(c)) return false;
        r = (struct wire_request){
            .type = WIRE_LOG_READ, .log = c->log, .key = c->log_key, .after = w->epoch, .limit = MISSED_AT_ONCE};
        return send_request(p, w, &r);
    case WORK_KNOCK: // who opens takes key packages: those of the present device must be there
        if (packages_wait(p->e)) return false;
        [[fallthrough]];
    case WORK_TAKE:
        r = (struct wire_request){.type = WIRE_PACKAGE_TAKE, .log = w->log.p, .key = w->key.p};
        return send_request(p, w, &r);
    case WORK_INBOX:
        r = (struct wire_request){.type = WIRE_LOG_APPEND, .log = w->log.p, .key = w->key.p, .payload = w->payload};
        return send_request(p, w, &r);
    default: return send_to_chat(p, w);
    }
}
