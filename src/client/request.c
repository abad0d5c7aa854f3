// SPDX-License-Identifier: Apache-2.0
//
// Requests: what strangers have put into the inbox, until it is answered. Invariant: before that nobody makes this engine connect to a relay,
// or fetch anything, that they have chosen; what a request brings is what was in the inbox, and of a conversation at one's own relay
// its first entries; and so many wait, of one and of all.
#include "client/inner.h"

enum {
    REQUESTS_MAX = 100,
    OF_ONE_MAX = 4,
    ENTRIES_MAX = 100, // of a conversation that is asked for; and their bytes
    BYTES_MAX = 256 << 10,
};

bool request_fits(struct engine *e, int64_t contact)
{
    sqlite3_stmt *q = db_sql(&e->db, "SELECT (SELECT count(*) FROM chat WHERE state = ?1)"
                                     " + (SELECT count(*) FROM welcome WHERE come < 0),"
                                     " (SELECT count(*) FROM chat WHERE state = ?1 AND asker = ?2)"
                                     " + (SELECT count(*) FROM welcome WHERE come < 0 AND contact = ?2)");
    db_int(q, 1, CHAT_REQUEST);
    db_int(q, 2, contact);
    bool fits = db_row(&e->db, q) && db_get_int(q, 0) < REQUESTS_MAX && db_get_int(q, 1) < OF_ONE_MAX;
    db_done(q);
    return fits;
}

bool request_rests(struct chat *c)
{
    if (c->state != CHAT_REQUEST) return false;
    if (strcmp(c->peer->relay, c->e->self.relay) != 0) return true;
    sqlite3_stmt *q = db_sql(
        &c->e->db, "SELECT count(*) >= ?2 OR coalesce(sum(length(payload)), 0) >= ?3 FROM kept WHERE chat = ?1");
    db_int(q, 1, c->id);
    db_int(q, 2, ENTRIES_MAX);
    db_int(q, 3, BYTES_MAX);
    bool full = !db_row(&c->e->db, q) || db_get_int(q, 0) != 0;
    db_done(q);
    return full;
}

// A conversation that waits for an answer, alone with this contact or a group that they have brought one into; NULL.
static struct chat *requested(struct engine *e, int64_t contact)
{
    struct chat *c = e->chats;
    while (c != NULL && (c->asker != contact || c->state != CHAT_REQUEST)) c = c->next;
    return c;
}

static enum err ended(struct engine *e, int64_t contact, enum err x)
{
    if (x == ERR_OK) x = db_commit(&e->db);
    else db_rollback(&e->db);
    transfer_settle(e->transfers);
    if (x == ERR_OK) engine_tell(e, (struct engine_event){.kind = ENGINE_CONTACT, .contact = contact});
    return x;
}

// Who came by an invitation for one use gets another way, for groups to come, as whoever was known does at once.
static enum err give_way(struct engine *e, int64_t contact)
{
    struct chat *c = requested(e, contact);
    while (c != NULL && (c->kind != ROOM_DIRECT || c->asker != contact || c->state != CHAT_REQUEST)) c = c->next;
    if (c == NULL) return ERR_OK;
    sqlite3_stmt *q = db_sql(&e->db, "SELECT 1 FROM invite WHERE contact = ?1 AND state = ?2");
    db_int(q, 1, contact);
    db_int(q, 2, ENGINE_INVITE_USED);
    bool closed = db_row(&e->db, q);
    db_done(q);
    return closed ? say_card(c) : ERR_OK;
}

enum err request_accept(struct engine *e, int64_t contact)
{
    struct chat *c;
    db_begin(&e->db);
    contact_set_state(e, contact, CONTACT_KNOWN);
    sqlite3_stmt *q = db_sql(&e->db, "UPDATE chat SET state = ?2 WHERE asker = ?1 AND state = ?3");
    db_int(q, 1, contact);
    db_int(q, 2, CHAT_OPEN);
    db_int(q, 3, CHAT_REQUEST);
    (void)db_run(&e->db, q);
    enum err x = welcome_release(e, contact);
    if (x == ERR_OK) x = give_way(e, contact);
    x = ended(e, contact, x);
    while (x == ERR_OK && (c = requested(e, contact)) != NULL) {
        c->state = CHAT_OPEN;
        c->peer->strangers = false;
        peer_open(c->peer);
        peer_follow_chat(c);
        engine_tell(e, (struct engine_event){.kind = ENGINE_CHAT, .chat = c->id, .contact = contact});
    }
    if (x == ERR_OK) peer_pump_all(e);
    return x;
}

// They may ask again.
enum err request_forget(struct engine *e, int64_t contact, enum contact_state state)
{
    struct chat *c;
    db_begin(&e->db);
    contact_set_state(e, contact, state);
    if (state == CONTACT_BLOCKED) invite_take_back(e, contact);
    welcome_forget(e, contact);
    for (c = e->chats; c != NULL; c = c->next) {
        if (c->asker == contact && c->state == CHAT_REQUEST) chat_delete(c);
    }
    enum err x = ended(e, contact, ERR_OK);
    files_settle(&e->files);
    if (x == ERR_OK) clock_tidy(e);
    while (x == ERR_OK && (c = requested(e, contact)) != NULL) {
        int64_t id = c->id;
        chat_forget(c);
        engine_tell(e, (struct engine_event){.kind = ENGINE_CHAT, .chat = id, .contact = contact});
    }
    if (x == ERR_OK) peer_pump_all(e);
    return x;
}

enum err engine_answer(struct engine *e, int64_t contact, bool accept)
{
    e->db.err = ERR_OK;
    enum contact_state state = contact_state_of(e, contact);
    if (e->db.err != ERR_OK) return e->db.err;
    if (state != CONTACT_REQUEST) return state == 0 ? ERR_NOT_FOUND : ERR_REFUSED;
    return accept ? request_accept(e, contact) : request_forget(e, contact, CONTACT_STRANGER);
}
