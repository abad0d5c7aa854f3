// SPDX-License-Identifier: Apache-2.0
//
// Messages going into the history. What is about another message (an edit, a deletion, a reaction) has a row of its own, and the other's row says
// what came of it. Invariant: what a row says depends on which rows there are and on their places in the log, never on the order in
// which they came; settle works it out anew from the rows whenever one of them is new.
#include "history/inner.h"

#include <stdio.h>

// Where a row stands among its sender's: behind all that is in the log, while it is not.
enum { EVERYBODY = -1 };
#define PLACE "iif(seq = 0, 4611686018427387904 + id, seq)"

void history_init(struct history *h, struct db *db, const uint8_t account[HISTORY_ACCOUNT])
{
    *h = (struct history){.db = db};
    size_t n = (size_t)snprintf(h->mention, sizeof h->mention, "(%s", HISTORY_PERSON);
    for (size_t i = 0; i < HISTORY_ACCOUNT; i++, n += 2)
        (void)snprintf(h->mention + n, sizeof h->mention - n, "%02x", account[i]);
    (void)snprintf(h->mention + n, sizeof h->mention - n, ")");
}

static bool mentions(const struct history *h, struct span body)
{
    return body.n > 0 && memmem(body.p, body.n, h->mention, strlen(h->mention)) != NULL;
}

// ------------------------------------------------------------------------------------------------------------ settling

struct row {
    int64_t id, chat, sender;
    uint8_t mimi[CONTENT_ID], about[CONTENT_ID];
    bool is_about;
    enum history_kind kind;
    enum message_state state;
    unsigned flags;
};

static bool take_row(struct history *h, sqlite3_stmt *q, struct row *out)
{
    bool found = db_row(h->db, q);
    if (found) {
        *out = (struct row){.id = db_get_int(q, 0),
                            .chat = db_get_int(q, 1),
                            .sender = db_get_int(q, 2),
                            .kind = (enum history_kind)db_get_int(q, 3),
                            .state = (enum message_state)db_get_int(q, 4),
                            .flags = (unsigned)db_get_int(q, 5)};
        struct span about = db_get(q, 7);
        out->is_about = about.n == CONTENT_ID;
        if (out->is_about) memcpy(out->about, about.p, CONTENT_ID);
        found = db_get_fixed(h->db, q, 6, out->mimi, CONTENT_ID);
    }
    db_done(q);
    return found;
}

#define ROW "SELECT id, chat, sender, kind, state, flags, mimi, about FROM message"

static bool row_of(struct history *h, int64_t id, struct row *out)
{
    sqlite3_stmt *q = db_sql(h->db, ROW " WHERE id = ?1 AND mimi != x''");
    db_int(q, 1, id);
    return take_row(h, q, out);
}

static bool row_by_mimi(struct history *h, int64_t chat, const uint8_t mimi[CONTENT_ID], struct row *out)
{
    sqlite3_stmt *q = db_sql(h->db, ROW " WHERE chat = ?1 AND mimi = ?2 AND mimi != x''");
    db_int(q, 1, chat);
    db_blob(q, 2, span_of(mimi, CONTENT_ID));
    return take_row(h, q, out);
}

static void set_reacted(struct history *h, int64_t message)
{
    sqlite3_stmt *q = db_sql(h->db, "UPDATE message SET flags = (flags & ~2) | 2 * EXISTS(SELECT 1 FROM reaction"
                                    " WHERE message = ?1) WHERE id = ?1");
    db_int(q, 1, message);
    (void)db_run(h->db, q);
}

// Of each sender the last reaction counts; empty, or deleted, it is none.
static void settle_reactions(struct history *h, const struct row *target, int64_t sender)
{
    sqlite3_stmt *q = db_sql(h->db, "DELETE FROM reaction WHERE message = ?1 AND ?2 IN (sender, -1)");
    db_int(q, 1, target->id);
    db_int(q, 2, sender);
    (void)db_run(h->db, q);
    if ((target->flags & HISTORY_DELETED) == 0) {
        q = db_sql(h->db,
                   "INSERT INTO reaction(message, sender, time, body) SELECT ?1, sender, time, body FROM"
                   " (SELECT sender, time, body, flags, max(" PLACE ") FROM message WHERE chat = ?2 AND about = ?3"
                   " AND about != x'' AND ?4 IN (sender, -1) AND kind = 16 GROUP BY sender)"
                   " WHERE body != '' AND octet_length(body) <= 64 AND flags & 1 = 0");
        db_int(q, 1, target->id);
        db_int(q, 2, target->chat);
        db_blob(q, 3, span_of(target->mimi, CONTENT_ID));
        db_int(q, 4, sender);
        (void)db_run(h->db, q);
    }
    set_reacted(h, target->id);
}

void message_gone(struct history *h, int64_t message)
{
    if (h->gone != NULL) h->gone(h->gone_arg, message);
}

// Nothing that was said in it, or in edits of it, stays. What has not left yet keeps its bytes until it has.
static void wipe(struct history *h, const struct row *r)
{
    index_remove(h, r->id);
    sqlite3_stmt *q = db_sql(h->db, "UPDATE message SET type = '', body = '', content = iif(state = 1, content, x''),"
                                    " flags = (flags | 1) & ~12 WHERE id = ?1");
    db_int(q, 1, r->id);
    (void)db_run(h->db, q);
    message_gone(h, r->id);
    q = db_sql(h->db, "UPDATE message SET type = '', body = '', content = iif(state = 1, content, x'')"
                      " WHERE chat = ?1 AND about = ?2 AND about != x'' AND sender = ?3 AND kind = 17");
    db_int(q, 1, r->chat);
    db_blob(q, 2, span_of(r->mimi, CONTENT_ID));
    db_int(q, 3, r->sender);
    (void)db_run(h->db, q);
}

static void rewrite(struct history *h, const struct row *r, int64_t edit)
{
    index_remove(h, r->id);
    sqlite3_stmt *q =
        db_sql(h->db, "UPDATE message SET (type, body, edited) = (SELECT type, body, time FROM message e"
                      " WHERE e.id = ?2), flags = (flags & ~8) | 8 * (sender != 0 AND EXISTS(SELECT 1 FROM"
                      " message e WHERE e.id = ?2 AND instr(e.body, ?3) > 0)) WHERE id = ?1");
    db_int(q, 1, r->id);
    db_int(q, 2, edit);
    db_text(q, 3, span_str(h->mention));
    (void)db_run(h->db, q);
    index_add(h, r->id);
}

// What edits and deletions by its own sender make of a row; whether anything.
static bool settle_text(struct history *h, struct row *r)
{
    int64_t edit = 0;
    bool deletes = false;
    sqlite3_stmt *q =
        db_sql(h->db, "SELECT id, kind FROM message WHERE chat = ?1 AND about = ?2 AND about != x'' AND sender = ?3"
                      " AND kind IN (17, 18) ORDER BY kind DESC, " PLACE " DESC LIMIT 1");
    db_int(q, 1, r->chat);
    db_blob(q, 2, span_of(r->mimi, CONTENT_ID));
    db_int(q, 3, r->sender);
    if (db_row(h->db, q)) {
        edit = db_get_int(q, 0);
        deletes = db_get_int(q, 1) == HISTORY_DELETE;
    }
    db_done(q);
    if (edit == 0) return false;
    if (deletes) wipe(h, r);
    else rewrite(h, r, edit);
    if (deletes) r->flags |= HISTORY_DELETED;
    return true;
}

static bool has_place(const struct row *r) { return r->kind < HISTORY_REACTION && r->kind != HISTORY_NOTICE; }

static bool is_target(struct history *h, const struct row *r)
{
    sqlite3_stmt *q =
        db_sql(h->db, "SELECT 1 FROM message WHERE chat = ?1 AND about = ?2 AND about != x'' AND kind >= 16");
    db_int(q, 1, r->chat);
    db_blob(q, 2, span_of(r->mimi, CONTENT_ID));
    bool found = db_row(h->db, q);
    db_done(q);
    return found;
}

// Works a row into others, and others into it. An edit of an edit is of no effect, nor a reaction to a reaction: so there are two steps at most.
static void settle(struct history *h, struct row *r, bool fresh, struct history_effect *out)
{
    struct row target;
    *out = (struct history_effect){.message = has_place(r) ? r->id : 0, .fresh = fresh && has_place(r)};
    if (is_target(h, r)) {
        if (has_place(r) || r->kind == HISTORY_REACTION) (void)settle_text(h, r);
        if (has_place(r)) settle_reactions(h, r, EVERYBODY);
        if (has_place(r)) talk_refresh(h, r->chat, r->id);
    }
    out->gone = has_place(r) && (r->flags & HISTORY_DELETED) != 0;
    if (r->kind < HISTORY_REACTION || !r->is_about || !row_by_mimi(h, r->chat, r->about, &target)) return;
    bool change = r->kind != HISTORY_REACTION;
    if (change && target.sender != r->sender) return; // nobody changes what another has written
    if (change && target.kind == HISTORY_REACTION) {
        (void)settle_text(h, &target);
        if (!target.is_about || !row_by_mimi(h, target.chat, target.about, &target)) return;
        change = false;
    }
    if (!has_place(&target)) return;
    if (change) (void)settle_text(h, &target);
    if (!change || (target.flags & HISTORY_DELETED) != 0) settle_reactions(h, &target, change ? EVERYBODY : r->sender);
    if (change) talk_refresh(h, target.chat, target.id);
    *out = (struct history_effect){.message = target.id, .gone = change && (target.flags & HISTORY_DELETED) != 0};
}

// ------------------------------------------------------------------------------------------------------------- putting

static void bind_new(sqlite3_stmt *q, const struct history_new *n, const struct history_shape *s, unsigned flags)
{
    db_int(q, 1, n->chat);
    db_int(q, 2, (int64_t)n->seq);
    db_blob(q, 3, span_of(n->mimi, CONTENT_ID));
    db_int(q, 4, n->sender);
    db_int(q, 5, (int64_t)n->time);
    db_int(q, 6, n->state);
    db_int(q, 7, s->kind);
    db_blob(q, 8, span_of(s->about, s->is_about ? CONTENT_ID : 0));
    db_int(q, 9, flags);
    db_int(q, 10, s->lives);
    db_int(q, 11, (int64_t)s->expires);
    db_text(q, 12, s->type);
    db_text(q, 13, s->body);
    db_blob(q, 14, n->content);
}

int64_t history_put(struct history *h, const struct history_new *n, const struct history_shape *s,
                    struct history_effect *out)
{
    *out = (struct history_effect){0};
    bool place = s->kind < HISTORY_REACTION, mention = place && n->sender != 0 && mentions(h, s->body);
    sqlite3_stmt *q = db_sql(
        h->db,
        "INSERT OR IGNORE INTO message(chat, seq, mimi, sender, time, state, kind, about, whom, edited, flags, lives,"
        " expires, type, body, content) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, 0, ?9, ?10, ?11, ?12, ?13, ?14)");
    bind_new(q, n, s, mention ? HISTORY_MENTIONS : 0);
    if (db_run(h->db, q) == 0) return 0;
    struct row r = {.id = db_last_id(h->db), .chat = n->chat, .sender = n->sender, .kind = s->kind, .state = n->state};
    memcpy(r.mimi, n->mimi, CONTENT_ID);
    memcpy(r.about, s->about, CONTENT_ID);
    r.is_about = s->is_about;
    if (place) {
        index_add(h, r.id);
        talk_put(h, n->chat, r.id, n->sender != 0, mention);
    }
    settle(h, &r, true, out);
    return r.id;
}

void history_sent(struct history *h, int64_t message, uint64_t seq, uint64_t time, struct history_effect *out)
{
    struct row r;
    sqlite3_stmt *q =
        db_sql(h->db, "UPDATE message SET seq = ?2, time = ?3, state = max(state, 2),"
                      " expires = iif(lives > 0 AND expires = 0, ?3 + 1000 * lives, expires) WHERE id = ?1");
    db_int(q, 1, message);
    db_int(q, 2, (int64_t)seq);
    db_int(q, 3, (int64_t)time);
    (void)db_run(h->db, q);
    *out = (struct history_effect){0};
    if (row_of(h, message, &r)) settle(h, &r, false, out);
}

int64_t history_notice(struct history *h, int64_t chat, uint64_t seq, uint64_t time, int64_t who, const char *what,
                       int64_t whom, struct span text)
{
    sqlite3_stmt *q = db_sql(
        h->db,
        "INSERT INTO message(chat, seq, mimi, sender, time, state, kind, about, whom, edited, flags, lives, expires,"
        " type, body, content) VALUES(?1, ?2, x'', ?3, ?4, ?5, ?6, x'', ?7, 0, 0, 0, 0, ?8, ?9, x'')");
    db_int(q, 1, chat);
    db_int(q, 2, (int64_t)seq);
    db_int(q, 3, who);
    db_int(q, 4, (int64_t)time);
    db_int(q, 5, MESSAGE_RECEIVED);
    db_int(q, 6, HISTORY_NOTICE);
    db_int(q, 7, whom);
    db_text(q, 8, span_str(what));
    db_text(q, 9, text);
    if (db_run(h->db, q) == 0) return 0;
    int64_t id = db_last_id(h->db);
    talk_put(h, chat, id, false, false);
    return id;
}

// ------------------------------------------------------------------------------------------------------ pins, and the end

enum err history_pin(struct history *h, int64_t chat, int64_t message, bool pinned)
{
    sqlite3_stmt *q =
        db_sql(h->db, "UPDATE message SET flags = (flags & ~4) | ?3 WHERE id = ?1 AND chat = ?2 AND kind < 16"
                      " AND (flags & 1 = 0 OR ?3 = 0)");
    db_int(q, 1, message);
    db_int(q, 2, chat);
    db_int(q, 3, pinned ? HISTORY_PINNED : 0);
    int changed = db_run(h->db, q);
    return h->db->err != ERR_OK ? h->db->err : changed > 0 ? ERR_OK : ERR_NOT_FOUND;
}

int64_t message_drop(struct history *h, int64_t message)
{
    struct row r;
    int64_t chat = 0;
    sqlite3_stmt *q;
    index_remove(h, message);
    message_gone(h, message);
    if (row_of(h, message, &r)) {
        q = db_sql(h->db, "DELETE FROM message WHERE chat = ?1 AND about = ?2 AND about != x'' AND kind >= 16");
        db_int(q, 1, r.chat);
        db_blob(q, 2, span_of(r.mimi, CONTENT_ID));
        (void)db_run(h->db, q);
    }
    q = db_sql(h->db, "DELETE FROM message WHERE id = ?1 RETURNING chat");
    db_int(q, 1, message);
    if (db_row(h->db, q)) chat = db_get_int(q, 0);
    db_done(q);
    return chat;
}

void history_clear(struct history *h, int64_t chat)
{
    index_clear(h, chat);
    sqlite3_stmt *q = db_sql(h->db, "DELETE FROM message WHERE chat = ?1");
    db_int(q, 1, chat);
    (void)db_run(h->db, q);
    talk_clear(h, chat);
}

void history_drop(struct history *h, int64_t message)
{
    int64_t chat = message_drop(h, message);
    talk_refresh(h, chat, message);
    talk_recount(h, chat);
}
