// SPDX-License-Identifier: Apache-2.0
//
// What comes from a conversation's log. Invariant: whatever a round of entries changes, in the group, the history, the cursor and the running
// hash, is one transaction, and nobody is told of it before that.
#include "client/inner.h"

#include "content/content.h"

#include <stdio.h>

// ------------------------------------------------------------------------------------------------------------ receiving

// What a round of entries has brought, told when it is durable.
struct round {
    struct engine_event told[64];
    size_t n;
    bool rekeyed, moved;
};

static void later(struct round *r, struct engine_event event)
{
    if (r->n < sizeof r->told / sizeof *r->told) r->told[r->n++] = event;
}

static void remember(struct chat *c, uint64_t seq)
{
    struct db *d = &c->e->db;
    sqlite3_stmt *q = db_sql(d, "INSERT OR REPLACE INTO past(chat, seq, chain) VALUES(?1, ?2, ?3)");
    db_int(q, 1, c->id);
    db_int(q, 2, (int64_t)seq);
    db_blob(q, 3, span_of(c->chain, 32));
    (void)db_run(d, q);
    q = db_sql(d, "DELETE FROM past WHERE chat = ?1 AND seq <= ?2");
    db_int(q, 1, c->id);
    db_int(q, 2, (int64_t)seq - PAST_KEPT);
    (void)db_run(d, q);
}

// A message of ours that waits to be seen: its work, or 0. It is known by its bytes.
static int64_t find_own(struct chat *c, struct span payload, int64_t *message, uint8_t *kind)
{
    int64_t id = 0;
    sqlite3_stmt *q =
        db_sql(&c->e->db, "SELECT id, message, kind FROM work WHERE chat = ?1 AND payload = ?2 AND payload != x''");
    db_int(q, 1, c->id);
    db_blob(q, 2, payload);
    if (db_row(&c->e->db, q)) {
        id = db_get_int(q, 0);
        *message = db_get_int(q, 1);
        *kind = (uint8_t)db_get_int(q, 2);
    }
    db_done(q);
    return id;
}

static void own_arrived(struct chat *c, const struct wire_entry *x, int64_t message, struct round *round)
{
    if (message == 0) return; // a card
    sqlite3_stmt *q = db_sql(&c->e->db, "UPDATE message SET seq = ?2, time = ?3, state = max(state, ?4) WHERE id = ?1");
    db_int(q, 1, message);
    db_int(q, 2, (int64_t)x->seq);
    db_int(q, 3, (int64_t)x->time);
    db_int(q, 4, MESSAGE_SENT);
    (void)db_run(&c->e->db, q);
    later(round, (struct engine_event){.kind = ENGINE_MESSAGE, .chat = c->id, .message = message});
}

// What somebody has seen of the log must be what we have seen.
static void compare(struct chat *c, const struct said *s, struct round *round)
{
    static const char forked[] =
        "the relay shows different people different histories of this conversation. Somebody controls it: compare"
        " what you have read over another way, and move to another relay";
    struct db *d = &c->e->db;
    sqlite3_stmt *q = db_sql(d, "SELECT chain FROM past WHERE chat = ?1 AND seq = ?2");
    db_int(q, 1, c->id);
    db_int(q, 2, (int64_t)s->seen);
    bool differs = db_row(d, q) && !span_eq(db_get(q, 0), span_of(s->chain, 32));
    db_done(q);
    if (differs || (s->seen >= c->cursor && s->seen != 0)) { // or they have seen what comes later
        later(round, (struct engine_event){.kind = ENGINE_WARNING, .chat = c->id, .text = forked});
    }
}

// A fresh invitation from somebody: kept, and shown to nobody. False if it is something to be shown.
static bool take_card(struct chat *c, struct span bytes, const uint8_t account[FORMAT_ID])
{
    struct engine *e = c->e;
    struct content *content = mem_new(sizeof *content);
    struct invite i;
    bool card = content != NULL && content_decode(bytes, content) == ERR_OK &&
                content->parts[0].disposition == CONTENT_PROFILE &&
                span_eq(content->parts[0].type, span_str(CARD_TYPE));
    if (card && invite_decode(content->parts[0].body, &i) == ERR_OK && memcmp(i.account, account, FORMAT_ID) == 0) {
        sqlite3_stmt *q = db_sql(&e->db, "UPDATE contact SET invite = ?2 WHERE account = ?1");
        db_blob(q, 1, span_of(account, FORMAT_ID));
        db_blob(q, 2, content->parts[0].body);
        (void)db_run(&e->db, q);
    }
    mem_free_wiped(content, sizeof *content);
    return card;
}

static void take_said(struct chat *c, const struct wire_entry *x, uint32_t sender, struct span data,
                      struct round *round)
{
    struct engine *e = c->e;
    struct said s;
    struct mls_member m;
    uint8_t account[FORMAT_ID], id[CONTENT_ID];
    char text[2 * FORMAT_ID + 1];
    if (said_decode(data, &s) != ERR_OK || mls_group_member(c->mls, sender, &m) != MLS_OK ||
        !cred_account(e, &m, account))
        return;
    compare(c, &s, round);
    if (take_card(c, s.content, account)) return;
    for (size_t i = 0; i < FORMAT_ID; i++) (void)snprintf(text + 2 * i, 3, "%02x", account[i]);
    if (content_id(e->crypto, span_str(text), in_span(mls_group_id(c->mls)), s.content, id) != ERR_OK) return;
    int64_t from = memcmp(account, e->self.account, FORMAT_ID) == 0 ? 0 : contact_of(e, account);
    sqlite3_stmt *q = db_sql(&e->db, "INSERT OR IGNORE INTO message(chat, seq, mimi, sender, time, state, content)"
                                     " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    db_int(q, 1, c->id);
    db_int(q, 2, (int64_t)x->seq);
    db_blob(q, 3, span_of(id, CONTENT_ID));
    db_int(q, 4, from);
    db_int(q, 5, (int64_t)x->time);
    db_int(q, 6, MESSAGE_RECEIVED);
    db_blob(q, 7, s.content);
    if (db_run(&e->db, q) > 0) {
        later(round, (struct engine_event){.kind = ENGINE_MESSAGE, .chat = c->id, .message = db_last_id(&e->db)});
        say_forget(e, c->id, s.content, from);
    }
}

static bool removes_somebody(const struct mls_staged *s)
{
    struct mls_change change;
    size_t at = 0;
    while (mls_staged_next_change(s, &at, &change)) {
        if (change.type == MLS_CHANGE_REMOVED) return true;
    }
    return false;
}

// Of a commit that is merged, the chat's key follows; one that is not allowed is an entry that everybody passes over.
static enum err take_commit(struct chat *c, struct mls_received *r, struct round *round)
{
    if (!commit_allowed(c, r->staged)) {
        later(round,
              (struct engine_event){
                  .kind = ENGINE_WARNING,
                  .chat = c->id,
                  .text = "somebody tried to change this conversation without being allowed to; nothing was changed"});
        return ERR_OK;
    }
    enum err x = ERR_OK;
    if (mls_staged_removes_me(r->staged)) c->state = CHAT_LEFT;
    else if (removes_somebody(r->staged)) x = chat_log_key(c, r->staged, c->log_key);
    if (x == ERR_OK) x = from_mls(mls_group_merge(c->mls, r->staged));
    if (x != ERR_OK) return x;
    r->staged = NULL;
    chat_note_members(c);
    round->rekeyed = true;
    later(round, (struct engine_event){.kind = ENGINE_CHAT, .chat = c->id});
    return ERR_OK;
}

static enum err take_message(struct chat *c, const struct wire_entry *x, struct round *round)
{
    struct mls_received r = {0};
    enum err err = ERR_OK;
    enum mls_error m = mls_group_receive(c->mls, out_span(x->payload), &r);
    if (m == MLS_E_MEMORY) return ERR_MEMORY;
    if (m != MLS_OK) return ERR_OK; // an entry that is nothing to this group
    if (r.content == MLS_CONTENT_APPLICATION && r.sender_type == MLS_SENDER_MEMBER)
        take_said(c, x, r.sender, buf_of(&r.data), round);
    else if (r.content == MLS_CONTENT_PROPOSAL) err = from_mls(mls_group_drop_proposals(c->mls, (struct mls_span){0}));
    else if (r.content == MLS_CONTENT_COMMIT) err = take_commit(c, &r, round);
    bool merged = r.content == MLS_CONTENT_COMMIT && r.staged == NULL;
    mls_received_free(&r);
    if (merged) c->log_epoch = x->epoch + 1;
    return err;
}

static enum err take_entry(struct chat *c, const struct wire_entry *x, struct round *round)
{
    int64_t message = 0;
    uint8_t kind = 0;
    if (x->seq != c->cursor + 1) {
        if (x->seq > c->cursor) {
            later(round, (struct engine_event){
                             .kind = ENGINE_WARNING,
                             .chat = c->id,
                             .text = "the relay has left something out of this conversation; it cannot be trusted"});
        }
        if (x->seq <= c->cursor) return ERR_OK; // again
    }
    enum err err = chain_next(c->e->crypto, c->chain, x->seq, x->epoch, x->payload);
    if (err != ERR_OK) return err;
    c->cursor = x->seq;
    if (x->epoch > c->log_epoch) c->log_epoch = x->epoch;
    remember(c, x->seq);
    int64_t own = find_own(c, x->payload, &message, &kind);
    if (own == 0) return c->state == CHAT_LEFT ? ERR_OK : take_message(c, x, round);
    if (kind == WORK_COMMIT) {
        c->log_epoch = x->epoch + 1;
        err = commit_won(c, own);
        if (err == ERR_OK) chat_note_members(c);
        round->rekeyed = true;
        later(round, (struct engine_event){.kind = ENGINE_CHAT, .chat = c->id});
    } else {
        own_arrived(c, x, message, round);
        work_drop(c->e, own);
    }
    return err;
}

void chat_entries(struct chat *c, struct span list)
{
    const struct chat before = *c;
    struct engine *e = c->e;
    struct round round = {0};
    struct wire_entry x;
    if (chat_group(c) == NULL) return;
    db_begin(&e->db);
    enum err err = ERR_OK;
    while (err == ERR_OK && wire_next_entry(&list, &x)) err = take_entry(c, &x, &round);
    if (err == ERR_OK) err = chat_save(c);
    if (err == ERR_OK) err = db_commit(&e->db);
    else db_rollback(&e->db);
    if (err != ERR_OK) { // nothing of it has happened; it is read again when the relay is asked the next time
        struct chat *next = c->next;
        chat_drop_group(c);
        *c = before;
        c->next = next;
        c->mls = NULL;
        c->following = c->caught_up = false;
        engine_tell(e, (struct engine_event){.kind = ENGINE_WARNING,
                                             .chat = c->id,
                                             .text = "what came could not be stored; is the disk full?"});
        return;
    }
    chat_saved(c);
    for (size_t i = 0; i < round.n; i++) engine_tell(e, round.told[i]);
    chat_check_caught_up(c);
    if (round.rekeyed) peer_pump_all(e);
}

// The relay has said that it has something of ours, and the log does not show it.
static void look_for_lost(struct chat *c)
{
    sqlite3_stmt *q =
        db_sql(&c->e->db,
               "SELECT 1 FROM work w JOIN message m ON m.id = w.message WHERE w.chat = ?1 AND w.acked AND m.seq <= ?2");
    db_int(q, 1, c->id);
    db_int(q, 2, (int64_t)c->cursor);
    bool lost = db_row(&c->e->db, q);
    db_done(q);
    if (!lost) return;
    db_begin(&c->e->db);
    q = db_sql(&c->e->db, "UPDATE work SET acked = 0 WHERE chat = ?1");
    db_int(q, 1, c->id);
    (void)db_run(&c->e->db, q);
    if (db_commit(&c->e->db) != ERR_OK) return;
    engine_tell(c->e, (struct engine_event){
                          .kind = ENGINE_WARNING,
                          .chat = c->id,
                          .text = "the relay has lost a message that it had promised to keep; it is sent again"});
}

void chat_check_caught_up(struct chat *c)
{
    if (!c->following || c->caught_up || c->cursor < c->catch_to) return;
    if (c->log_epoch < c->catch_epoch) c->log_epoch = c->catch_epoch;
    c->caught_up = true;
    look_for_lost(c);
    peer_pump(c->peer);
}
