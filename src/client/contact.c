// SPDX-License-Identifier: Apache-2.0
//
// Contacts: accounts that one knows, who ask, who are blocked, or who are merely in the same group.
#include "client/inner.h"

#include "base/utf8.h"

int64_t contact_of(struct engine *e, const uint8_t account[FORMAT_ID])
{
    int64_t id = 0;
    sqlite3_stmt *q = db_sql(&e->db, "SELECT id FROM contact WHERE account = ?1");
    db_blob(q, 1, span_of(account, FORMAT_ID));
    if (db_row(&e->db, q)) id = db_get_int(q, 0);
    db_done(q);
    return id;
}

bool contact_way_ok(struct span invite, const uint8_t account[FORMAT_ID])
{
    struct invite i;
    return invite_decode(invite, &i) == ERR_OK && memcmp(i.account, account, FORMAT_ID) == 0 &&
           peer_is_address(i.relay);
}

int64_t contact_put(struct engine *e, const uint8_t account[FORMAT_ID], struct span name, struct span invite,
                    enum contact_state state)
{
    int64_t id = contact_of(e, account);
    if (invite.n > 0 && !contact_way_ok(invite, account)) invite = span_of(NULL, 0);
    if (id == 0) {
        sqlite3_stmt *q = db_sql(&e->db, "INSERT INTO contact(account, key, name, invite, state, verified, created)"
                                         " VALUES(?1, x'', ?2, ?3, ?4, 0, ?5)");
        db_blob(q, 1, span_of(account, FORMAT_ID));
        db_text(q, 2, name);
        db_blob(q, 3, invite);
        db_int(q, 4, state);
        db_int(q, 5, (int64_t)engine_now());
        (void)db_run(&e->db, q);
        return db_last_id(&e->db);
    }
    // Who is known or blocked stays so; who is merely met may become more. A name that one has is kept.
    sqlite3_stmt *q =
        db_sql(&e->db, "UPDATE contact SET name = iif(name = '', ?2, name), invite = iif(?3 = x'', invite, ?3),"
                       " state = iif(state IN (1, 3) OR ?4 = 4, state, ?4) WHERE id = ?1");
    db_int(q, 1, id);
    db_text(q, 2, name);
    db_blob(q, 3, invite);
    db_int(q, 4, state);
    (void)db_run(&e->db, q);
    return id;
}

void contact_key(struct engine *e, const uint8_t account[FORMAT_ID], const uint8_t key[32])
{
    sqlite3_stmt *q = db_sql(&e->db, "UPDATE contact SET key = ?2 WHERE account = ?1 AND key = x''");
    db_blob(q, 1, span_of(account, FORMAT_ID));
    db_blob(q, 2, span_of(key, 32));
    (void)db_run(&e->db, q);
}

enum err engine_contacts(struct engine *e, int64_t id, void (*each)(void *arg, const struct engine_contact *c),
                         void *arg)
{
    bool any = false;
    e->db.err = ERR_OK;
    sqlite3_stmt *q = db_sql(
        &e->db, "SELECT id, account, name, state, verified, changed FROM contact WHERE ?1 IN (0, id) ORDER BY id");
    db_int(q, 1, id);
    while (db_row(&e->db, q)) {
        const struct engine_contact c = {.id = db_get_int(q, 0),
                                         .account = db_get(q, 1).p,
                                         .name = db_get(q, 2),
                                         .state = (enum contact_state)db_get_int(q, 3),
                                         .verified = db_get_int(q, 4) != 0,
                                         .changed = (uint64_t)db_get_int(q, 5)};
        any = true;
        each(arg, &c);
    }
    return e->db.err != ERR_OK ? e->db.err : any || id == 0 ? ERR_OK : ERR_NOT_FOUND;
}

static enum err update(struct engine *e, const char *sql, int64_t contact, int64_t value)
{
    db_begin(&e->db);
    sqlite3_stmt *q = db_sql(&e->db, sql);
    db_int(q, 1, contact);
    db_int(q, 2, value);
    int changed = db_run(&e->db, q);
    enum err x = db_commit(&e->db);
    if (x != ERR_OK) return x;
    if (changed == 0) return ERR_NOT_FOUND;
    engine_tell(e, (struct engine_event){.kind = ENGINE_CONTACT, .contact = contact});
    return ERR_OK;
}

enum contact_state contact_state_of(struct engine *e, int64_t contact)
{
    int64_t state = 0;
    sqlite3_stmt *q = db_sql(&e->db, "SELECT state FROM contact WHERE id = ?1");
    db_int(q, 1, contact);
    if (db_row(&e->db, q)) state = db_get_int(q, 0);
    db_done(q);
    return (enum contact_state)state;
}

bool contact_blocked(struct engine *e, int64_t contact)
{
    return contact != 0 && contact_state_of(e, contact) == CONTACT_BLOCKED;
}

void contact_set_state(struct engine *e, int64_t contact, enum contact_state state)
{
    sqlite3_stmt *q = db_sql(&e->db, "UPDATE contact SET state = ?2 WHERE id = ?1");
    db_int(q, 1, contact);
    db_int(q, 2, state);
    (void)db_run(&e->db, q);
}

static enum err ended(struct engine *e, int64_t contact)
{
    enum err x = db_commit(&e->db);
    if (x != ERR_OK) return x;
    engine_tell(e, (struct engine_event){.kind = ENGINE_CONTACT, .contact = contact});
    peer_pump_all(e);
    return ERR_OK;
}

// The way by which they came is closed: they get another, if there is a conversation to send it in.
static enum err unblock(struct engine *e, int64_t contact)
{
    enum err x = ERR_OK;
    struct chat *c = e->chats;
    while (c != NULL && (c->contact != contact || c->kind != ROOM_DIRECT || chat_over(c))) c = c->next;
    db_begin(&e->db);
    contact_set_state(e, contact, c != NULL ? CONTACT_KNOWN : CONTACT_STRANGER);
    if (c != NULL) x = say_card(c);
    if (x != ERR_OK) db_rollback(&e->db);
    return x != ERR_OK ? x : ended(e, contact);
}

enum err engine_block(struct engine *e, int64_t contact, bool blocked)
{
    e->db.err = ERR_OK;
    enum contact_state state = contact_state_of(e, contact);
    if (e->db.err != ERR_OK) return e->db.err;
    if (state == 0) return ERR_NOT_FOUND;
    if (blocked == (state == CONTACT_BLOCKED)) return ERR_OK;
    return blocked ? request_forget(e, contact, CONTACT_BLOCKED) : unblock(e, contact);
}

enum err engine_contact_rename(struct engine *e, int64_t contact, struct span name)
{
    if (name.n == 0 || name.n > FORMAT_NAME_MAX || !utf8_ok(name)) return ERR_INVALID;
    db_begin(&e->db);
    sqlite3_stmt *q = db_sql(&e->db, "UPDATE contact SET name = ?2 WHERE id = ?1");
    db_int(q, 1, contact);
    db_text(q, 2, name);
    int changed = db_run(&e->db, q);
    enum err x = ended(e, contact);
    return x != ERR_OK ? x : changed == 0 ? ERR_NOT_FOUND : ERR_OK;
}

enum err engine_verified(struct engine *e, int64_t contact, bool verified)
{
    return update(e, "UPDATE contact SET verified = ?2 WHERE id = ?1", contact, verified);
}
