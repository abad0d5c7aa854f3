// SPDX-License-Identifier: Apache-2.0
//
// The recovery log (docs/groups.md): a conversation's log lets nobody read on or write, though all that one may read was read and understood, as when
// a member has put a key in the place of its key that nobody can derive. Whoever was in the last epoch that all know meets at another
// log, whose id and key come from that epoch; there an admin's commit names the log at which the conversation goes on. Invariant: of what lies
// in a recovery log only the first commit that is allowed and names another log counts, in the order of that log, for everybody.
#include "client/inner.h"

#include <stdio.h>

enum { ENTRIES = 64, PATIENCE = 4, ROOM_ROOM = 70000 };

static const char place_label[] = "Whimbrel recovery log";
static const char moved[] =
    "the log of this conversation let nobody read on any more: a member has made it unusable, or its relay. The"
    " conversation goes on at another log, and nothing that was said is lost";
static const char moved_behind[] =
    "the log of this conversation let nobody read on any more, behind a change by this member: they have made it unusable,"
    " or its relay has. The conversation goes on at another log. If you do not trust them, remove them; if it happens"
    " again without them, the relay is broken, or lies";

// What is asked of a relay for a chat, and where its recovery log lies.
struct meeting {
    struct engine *e;
    struct peer *peer;
    int64_t chat;
    uint8_t log[32], key[32]; /* key: secret */
    uint64_t after;           // the entry that was read last
    bool put;                 // one's own commit is there, says the relay
};

static void look(struct chat *c, const struct meeting *m);

static enum err find_place(struct chat *c, struct meeting *out)
{
    struct mls_buf secret = {0};
    struct room room;
    enum err x = chat_room(c, &room);
    if (x == ERR_OK) x = from_mls(mls_group_export(c->mls, place_label, (struct mls_span){room.recovery, 32}, 64, &secret));
    if (x == ERR_OK) {
        *out = (struct meeting){.e = c->e, .peer = c->peer, .chat = c->id};
        memcpy(out->log, secret.data, 32);
        memcpy(out->key, secret.data + 32, 32);
    }
    mls_buf_free(&secret);
    return x;
}

// The chat that an answer is for, if there is one, and the chat still waits for it.
static struct chat *chat_at(struct meeting *m, const struct wire_reply *r)
{
    struct chat *c = m->e->closing ? NULL : chat_find(m->e, m->chat);
    if (c != NULL) c->meeting = false;
    return r != NULL && c != NULL && c->peer == m->peer && c->ended > 0 ? c : NULL;
}

static void ask(struct chat *c, const struct meeting *at, const struct wire_request *r, struct peer *where,
                void (*answer)(void *arg, const struct wire_reply *r))
{
    struct meeting *m = mem_new(sizeof *m);
    if (m == NULL) return;
    *m = *at;
    c->meeting = link_ask(where->link, r, answer, m) == ERR_OK;
    if (!c->meeting) mem_free_wiped(m, sizeof *m);
}

// ------------------------------------------------------------------------------------------------------------- moving on

void recover_drop(struct chat *c)
{
    sqlite3_stmt *q = db_sql(&c->e->db, "DELETE FROM work WHERE chat = ?1 AND kind = ?2");
    db_int(q, 1, c->id);
    db_int(q, 2, WORK_RECOVER);
    (void)db_run(&c->e->db, q);
}

static bool names_another(struct chat *c, const struct mls_staged *s)
{
    struct room room;
    return room_decode(room_in(mls_staged_extensions(s)), &room) == ERR_OK && memcmp(room.log, c->log, 32) != 0;
}

// One's own commit, which is staged with the piece of work; else what MLS makes of it. NULL: it is no commit that all take.
static enum err stage(struct chat *c, const struct wire_entry *x, struct mls_staged **out)
{
    struct db *d = &c->e->db;
    struct mls_message_info i;
    struct mls_received r = {0};
    enum mls_error m = MLS_E_NOT_FOUND;
    sqlite3_stmt *q = db_sql(d, "SELECT staged FROM work WHERE chat = ?1 AND kind = ?2 AND payload = ?3");
    db_int(q, 1, c->id);
    db_int(q, 2, WORK_RECOVER);
    db_blob(q, 3, x->payload);
    bool own = db_row(d, q);
    if (own) m = mls_staged_restore(c->mls, out_span(db_get(q, 0)), out);
    db_done(q);
    if (!own && mls_message_peek(out_span(x->payload), &i) == MLS_OK && i.content == MLS_CONTENT_COMMIT)
        m = mls_group_receive(c->mls, out_span(x->payload), &r);
    if (r.staged != NULL) *out = r.staged;
    r.staged = NULL;
    mls_received_free(&r);
    if (m == MLS_E_MEMORY) return ERR_MEMORY;
    if (*out != NULL && (!names_another(c, *out) || !commit_allowed(c, *out))) {
        mls_staged_free(*out);
        *out = NULL;
    }
    return d->err;
}

// In one transaction; whether the conversation has moved.
static enum err take(struct chat *c, struct span list, bool *done)
{
    struct wire_entry x;
    struct mls_staged *staged = NULL;
    enum err err = chat_group(c) == NULL ? ERR_MEMORY : ERR_OK;
    db_begin(&c->e->db);
    while (err == ERR_OK && !*done && wire_next_entry(&list, &x)) {
        err = stage(c, &x, &staged);
        if (err != ERR_OK || staged == NULL) continue;
        err = chat_merge(c, &staged, &x);
        *done = err == ERR_OK;
    }
    mls_staged_free(staged);
    if (err == ERR_OK) err = chat_save(c);
    if (err == ERR_OK) err = db_commit(&c->e->db);
    else db_rollback(&c->e->db);
    return err;
}

static bool take_all(struct chat *c, struct span list)
{
    struct engine *e = c->e;
    struct chat before = *c; /* secret */
    const int64_t by = c->suspect > 0 ? c->suspect : 0;
    bool done = false;
    enum err x = take(c, list, &done);
    if (x != ERR_OK) chat_give_back(c, &before); // the next time
    mem_wipe(&before, sizeof before);
    if (x != ERR_OK) return true;
    chat_saved(c);
    if (!done) return false;
    engine_tell(e, (struct engine_event){
                       .kind = ENGINE_WARNING, .chat = c->id, .contact = by, .text = by > 0 ? moved_behind : moved});
    engine_tell(e, (struct engine_event){.kind = ENGINE_CHAT, .chat = c->id});
    peer_open(c->peer);
    peer_follow_chat(c);
    peer_pump_all(e);
    return true;
}

// -------------------------------------------------------------------------------------------------------- an admin's part

// The room as it is, but at another log, on one's own relay.
static enum err make_commit(struct chat *c, uint8_t log[32], struct mls_commit *made)
{
    struct engine *e = c->e;
    struct room room;
    struct mls_extension list[ROOM_EXTENSIONS_MAX];
    uint8_t recovery[32];
    size_t n = 0;
    struct buf bytes;
    buf_init(&bytes, ROOM_ROOM);
    enum err x = chat_room(c, &room);
    if (x == ERR_OK) x = e->world.random(e->world.arg, log, 32);
    if (x == ERR_OK) x = e->world.random(e->world.arg, recovery, 32);
    room.log = log;
    room.recovery = recovery;
    room.relay = span_str(e->self.relay);
    if (x == ERR_OK) room_encode(&room, &bytes);
    if (x == ERR_OK) x = buf_end(&bytes);
    if (x == ERR_OK) x = room_replace(c, buf_span(&bytes), list, &n);
    const struct mls_proposal p = {
        .type = MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS, .extensions = list, .extension_count = n};
    const struct mls_commit_params params = {.proposals = &p, .proposal_count = 1, .tree_in_welcome = true};
    if (x == ERR_OK) x = from_mls(mls_group_commit(c->mls, &params, made));
    if (x == ERR_OK && !commit_allowed(c, made->staged)) x = ERR_REFUSED;
    buf_wipe(&bytes);
    return x;
}

// Within a transaction: the commit, what is staged with it, and the key of the log that it names.
static enum err put_commit(struct chat *c)
{
    struct engine *e = c->e;
    struct mls_commit made = {0};
    struct mls_buf staged = {0}, key = {0};
    uint8_t log[32];
    enum err x = make_commit(c, log, &made);
    if (x == ERR_OK) x = from_mls(mls_staged_save(made.staged, &staged));
    if (x == ERR_OK) x = from_mls(mls_staged_export(made.staged, chat_key_label, (struct mls_span){log, 32}, 32, &key));
    if (x == ERR_OK) {
        int64_t id = work_add(e, &(struct work){.kind = WORK_RECOVER,
                                                .relay = c->peer->relay,
                                                .chat = c->id,
                                                .log = span_of(log, 32),
                                                .key = buf_of(&key),
                                                .payload = buf_of(&made.message)});
        sqlite3_stmt *q = db_sql(&e->db, "UPDATE work SET staged = ?2 WHERE id = ?1");
        db_int(q, 1, id);
        db_blob(q, 2, buf_of(&staged));
        (void)db_run(&e->db, q);
        x = chat_save(c);
    }
    mls_buf_free(&staged);
    mls_buf_free(&key);
    mls_commit_free(&made);
    return x;
}

static int64_t own_commit(struct chat *c)
{
    int64_t id = 0;
    sqlite3_stmt *q = db_sql(&c->e->db, "SELECT id FROM work WHERE chat = ?1 AND kind = ?2");
    db_int(q, 1, c->id);
    db_int(q, 2, WORK_RECOVER);
    if (db_row(&c->e->db, q)) id = db_get_int(q, 0);
    db_done(q);
    return id;
}

// A log has a key that may do more than append: of a recovery log nobody knows that one, so no member can shut the others out of it.
static bool make_log(struct chat *c, const struct meeting *m, struct peer *where, const uint8_t *log, struct span key,
                     bool recovery, void (*answer)(void *arg, const struct wire_reply *r))
{
    struct wire_grant g = {.rights = recovery ? WIRE_READ | WIRE_APPEND : WIRE_READ | WIRE_APPEND | WIRE_ADVANCE,
                           .to_seq = WIRE_NO_END};
    struct wire_grant none = {.rights = WIRE_ADMIN, .to_seq = WIRE_NO_END};
    struct buf grants;
    if (sha256(c->e, key, g.hash) != ERR_OK || c->e->world.random(c->e->world.arg, none.hash, WIRE_HASH) != ERR_OK)
        return false;
    buf_init(&grants, 256);
    wire_put_grant(&grants, &g);
    if (recovery) wire_put_grant(&grants, &none);
    const struct wire_request r = {.type = WIRE_LOG_CREATE, .log = log, .grants = buf_span(&grants)};
    ask(c, m, &r, where, answer);
    buf_wipe(&grants);
    return true;
}

static void on_put(void *arg, const struct wire_reply *r)
{
    struct meeting *m = arg;
    struct chat *c = chat_at(m, r);
    m->put = true;
    if (c != NULL && r->type == WIRE_R_APPENDED) look(c, m); // it is read there, behind whatever came first
    mem_free_wiped(m, sizeof *m);
}

static void on_place(void *arg, const struct wire_reply *r)
{
    struct meeting *m = arg;
    struct chat *c = chat_at(m, r);
    struct work w;
    struct buf memory;
    bool made = r != NULL && (r->type == WIRE_R_OK || r->code == WIRE_E_EXISTS);
    if (c != NULL && made && work_load(c->e, own_commit(c), &w, &memory)) {
        const struct wire_request put = {.type = WIRE_LOG_APPEND, .log = m->log, .key = m->key, .payload = w.payload};
        ask(c, m, &put, m->peer, on_put);
        buf_wipe(&memory);
    }
    mem_free_wiped(m, sizeof *m);
}

static void on_log(void *arg, const struct wire_reply *r)
{
    struct meeting *m = arg;
    struct chat *c = chat_at(m, r);
    bool made = r != NULL && (r->type == WIRE_R_OK || r->code == WIRE_E_EXISTS);
    if (c != NULL && made)
        (void)make_log(c, m, m->peer, m->log, span_of(m->key, 32), true, on_place);
    else if (c != NULL)
        engine_tell(c->e, (struct engine_event){.kind = ENGINE_WARNING, .chat = c->id, .text = wire_code_text(r->code)});
    mem_free_wiped(m, sizeof *m);
}

// First the log at which it is to go on, then the recovery log, then the commit there.
static void lead(struct chat *c, const struct meeting *m)
{
    struct engine *e = c->e;
    struct work w;
    struct buf memory;
    enum err x = ERR_OK;
    struct peer *own = peer_for(e, e->self.relay, c->id);
    if (own == NULL) return;
    if (own_commit(c) == 0) {
        db_begin(&e->db);
        x = put_commit(c);
        if (x == ERR_OK) x = db_commit(&e->db);
        else db_rollback(&e->db);
        if (x == ERR_OK) chat_saved(c);
        else chat_drop_group(c);
    }
    link_open(own->link);
    if (x != ERR_OK || !own->ready || !work_load(e, own_commit(c), &w, &memory)) return;
    if (w.log.n == 32) (void)make_log(c, m, own, w.log.p, w.key, false, on_log);
    buf_wipe(&memory);
}

// The admins one after the other, so that seldom two lead.
static bool leads(struct chat *c)
{
    struct room room;
    size_t turn = 0;
    if (chat_room(c, &room) != ERR_OK || !room_is_admin(&room, c->e->self.account)) return false;
    while (memcmp(room.admins.p + turn * FORMAT_ID, c->e->self.account, FORMAT_ID) != 0) turn++;
    return c->ended >= PATIENCE + turn;
}

static void on_read(void *arg, const struct wire_reply *r)
{
    struct meeting *m = arg;
    struct chat *c = chat_at(m, r);
    struct wire_entry x;
    if (c != NULL && chat_group(c) != NULL) {
        struct span list = r->type == WIRE_R_ENTRIES ? r->entries : span_of(NULL, 0);
        const uint64_t before = m->after;
        bool done = list.n > 0 && take_all(c, list);
        while (wire_next_entry(&list, &x)) m->after = x.seq;
        if (!done && m->after > before && m->after < r->head) look(c, m);
        else if (!done && !m->put && leads(c)) lead(c, m);
    }
    mem_free_wiped(m, sizeof *m);
}

static void look(struct chat *c, const struct meeting *m)
{
    const struct wire_request r = {
        .type = WIRE_LOG_READ, .log = m->log, .key = m->key, .after = m->after, .limit = ENTRIES};
    ask(c, m, &r, m->peer, on_read);
}

bool recover_may(struct chat *c)
{
    return c->kind != ROOM_SELF && c->state == CHAT_OPEN && c->behind == 0 && !c->lost && chat_chain_known(c) &&
           chat_group(c) != NULL;
}

void recover_step(struct chat *c)
{
    struct meeting m;
    if (c->meeting || !c->peer->ready || !recover_may(c) || find_place(c, &m) != ERR_OK) return;
    look(c, &m);
    mem_wipe(&m, sizeof m);
}
