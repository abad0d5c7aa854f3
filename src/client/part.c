// SPDX-License-Identifier: Apache-2.0
//
// Leaving a group, and being out of one. Nobody can take their own leaf out of an MLS group: who leaves says so in a message that nobody is
// shown, and is out for themselves when it has arrived; whichever admin comes first takes them out for the others. Invariant: whoever wants
// out is on a list in the vault of everybody until they are, so an admin to come sees to it, too.
#include "client/inner.h"

const char part_tables[] =
    // From which epoch of the group on somebody who was added reads what is said.
    "CREATE TABLE came(chat INTEGER NOT NULL REFERENCES chat ON DELETE CASCADE, contact INTEGER NOT NULL,"
    " epoch INTEGER NOT NULL, PRIMARY KEY(chat, contact)) STRICT, WITHOUT ROWID;";

bool part_leaving(struct chat *c, int64_t contact)
{
    sqlite3_stmt *q = db_sql(&c->e->db, "SELECT 1 FROM leaving WHERE chat = ?1 AND contact = ?2");
    db_int(q, 1, c->id);
    db_int(q, 2, contact);
    bool leaves = db_row(&c->e->db, q);
    db_done(q);
    return leaves;
}

void part_note(struct chat *c, int64_t contact, bool added)
{
    struct db *d = &c->e->db;
    if (!added) {
        sqlite3_stmt *q = db_sql(d, "DELETE FROM came WHERE chat = ?1 AND contact = ?2");
        db_int(q, 1, c->id);
        db_int(q, 2, contact);
        (void)db_run(d, q);
    }
    if (!added && part_leaving(c, contact)) return;
    sqlite3_stmt *q = added ? db_sql(d, "DELETE FROM expelled WHERE chat = ?1 AND contact = ?2")
                            : db_sql(d, "INSERT OR IGNORE INTO expelled(chat, contact) VALUES(?1, ?2)");
    db_int(q, 1, c->id);
    db_int(q, 2, contact);
    (void)db_run(d, q);
    if (!added) return;
    q = db_sql(d, "DELETE FROM asking WHERE chat = ?1 AND contact = ?2");
    db_int(q, 1, c->id);
    db_int(q, 2, contact);
    (void)db_run(d, q);
    q = db_sql(d, "INSERT OR REPLACE INTO came(chat, contact, epoch) VALUES(?1, ?2, ?3)");
    db_int(q, 1, c->id);
    db_int(q, 2, contact);
    db_int(q, 3, (int64_t)mls_group_epoch(c->mls) + 1);
    (void)db_run(d, q);
}

bool part_came_later(struct chat *c, int64_t contact, uint64_t epoch)
{
    sqlite3_stmt *q = db_sql(&c->e->db, "SELECT 1 FROM came WHERE chat = ?1 AND contact = ?2 AND epoch > ?3");
    db_int(q, 1, c->id);
    db_int(q, 2, contact);
    db_int(q, 3, (int64_t)epoch);
    bool later = db_row(&c->e->db, q);
    db_done(q);
    return later;
}

void part_wants_out(struct chat *c, const uint8_t account[FORMAT_ID])
{
    int64_t contact = contact_of(c->e, account);
    if (c->kind != ROOM_GROUP || contact == 0) return;
    sqlite3_stmt *q = db_sql(&c->e->db, "INSERT OR IGNORE INTO leaving(chat, contact) VALUES(?1, ?2)");
    db_int(q, 1, c->id);
    db_int(q, 2, contact);
    (void)db_run(&c->e->db, q);
    part_settle(c);
}

static bool is_member(struct chat *c, int64_t contact)
{
    struct mls_member m;
    uint8_t of[FORMAT_ID];
    uint32_t at = 0;
    while (mls_group_next_member(c->mls, &at, &m)) {
        if (cred_account(c->e, &m, of) && contact_of(c->e, of) == contact) return true;
    }
    return false;
}

static bool next_leaving(struct chat *c, int64_t after, int64_t *contact)
{
    sqlite3_stmt *q =
        db_sql(&c->e->db,
               "SELECT contact, EXISTS(SELECT 1 FROM work w WHERE w.chat = leaving.chat AND w.kind = ?3 AND"
               " w.contact = leaving.contact) FROM leaving WHERE chat = ?1 AND contact > ?2 ORDER BY contact LIMIT 1");
    db_int(q, 1, c->id);
    db_int(q, 2, after);
    db_int(q, 3, WORK_COMMIT);
    bool more = db_row(&c->e->db, q);
    if (more) *contact = db_get_int(q, 1) != 0 ? -db_get_int(q, 0) : db_get_int(q, 0); // negative: it is asked for
    db_done(q);
    return more;
}

void part_settle(struct chat *c)
{
    struct room room;
    int64_t contact = 0, after = 0;
    if (c->kind != ROOM_GROUP || chat_over(c) || chat_room(c, &room) != ERR_OK) return;
    bool admin = room_is_admin(&room, c->e->self.account);
    while (next_leaving(c, after, &contact)) {
        after = contact < 0 ? -contact : contact;
        if (!is_member(c, after)) {
            sqlite3_stmt *q = db_sql(&c->e->db, "DELETE FROM leaving WHERE chat = ?1 AND contact = ?2");
            db_int(q, 1, c->id);
            db_int(q, 2, after);
            (void)db_run(&c->e->db, q);
        } else if (admin && contact > 0) {
            commit_ask(c, &(struct commit_what){.kind = COMMIT_REMOVE, .contact = contact});
        }
    }
}

void part_end(struct chat *c, enum chat_state state)
{
    struct db *d = &c->e->db;
    c->state = (uint8_t)state;
    sqlite3_stmt *q =
        db_sql(d, "UPDATE message SET state = ?2 WHERE id IN (SELECT message FROM work WHERE chat = ?1 AND"
                  " message != 0)");
    db_int(q, 1, c->id);
    db_int(q, 2, MESSAGE_FAILED);
    (void)db_run(d, q);
    q = db_sql(d, "DELETE FROM work WHERE chat = ?1");
    db_int(q, 1, c->id);
    (void)db_run(d, q);
    q = db_sql(d, "DELETE FROM leaving WHERE chat = ?1");
    db_int(q, 1, c->id);
    (void)db_run(d, q);
}

void part_left(struct chat *c, const struct wire_entry *x)
{
    part_end(c, CHAT_LEFT);
    (void)history_notice(&c->e->history, c->id, x->seq, x->time, 0, "left", 0, span_of(NULL, 0));
}

bool part_arrived(struct chat *c, const struct wire_entry *x, int64_t work)
{
    struct history_shape shape = {0};
    struct db *d = &c->e->db;
    sqlite3_stmt *q = db_sql(d, "SELECT what FROM work WHERE id = ?1 AND message = 0");
    db_int(q, 1, work);
    bool leaves = db_row(d, q) && history_shape(db_get(q, 0), &shape) == ERR_OK && shape.kind == HISTORY_LEAVE;
    db_done(q);
    if (leaves) part_left(c, x);
    return leaves;
}

// --------------------------------------------------------------------------------------------------------------- asking

static bool others_there(struct chat *c)
{
    struct mls_member m;
    uint8_t of[FORMAT_ID];
    uint32_t at = 0;
    while (mls_group_next_member(c->mls, &at, &m)) {
        if (!cred_account(c->e, &m, of) || memcmp(of, c->e->self.account, FORMAT_ID) != 0) return true;
    }
    return false;
}

// The last one closes the door.
static enum err end_alone(struct chat *c)
{
    struct engine *e = c->e;
    db_begin(&e->db);
    part_end(c, CHAT_LEFT);
    (void)history_notice(&e->history, c->id, 0, engine_now(), 0, "left", 0, span_of(NULL, 0));
    enum err x = chat_save(c);
    if (x == ERR_OK) x = db_commit(&e->db);
    else db_rollback(&e->db);
    if (x != ERR_OK) {
        c->state = CHAT_OPEN;
        return x;
    }
    chat_saved(c);
    peer_unfollow_chat(c);
    engine_tell(e, (struct engine_event){.kind = ENGINE_CHAT, .chat = c->id});
    return ERR_OK;
}

enum err engine_leave(struct engine *e, int64_t chat)
{
    struct chat *c = chat_find(e, chat);
    struct room room;
    if (c == NULL) return ERR_NOT_FOUND;
    if (c->kind != ROOM_GROUP || chat_over(c)) return ERR_REFUSED;
    enum err x = chat_room(c, &room);
    if (x != ERR_OK) return x;
    if (!others_there(c)) return end_alone(c);
    if (room.admins.n == FORMAT_ID && room_is_admin(&room, e->self.account)) return ERR_MISUSE;
    db_begin(&e->db);
    x = say_control(c, CONTENT_SESSION, HISTORY_LEAVE_TYPE, span_str("1"));
    sqlite3_stmt *q = db_sql(&e->db, "UPDATE work SET anyway = 1 WHERE id = ?1"); // whoever's keys have changed
    db_int(q, 1, db_last_id(&e->db));
    (void)db_run(&e->db, q);
    if (x == ERR_OK) x = db_commit(&e->db);
    else db_rollback(&e->db);
    if (x == ERR_OK) peer_pump_all(e);
    return x;
}
