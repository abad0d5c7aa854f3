// SPDX-License-Identifier: Apache-2.0
//
// Changed keys: which devices of contacts have been seen, and what is held since another one has come up (client/hold.h). Invariant: a device is noted in the
// transaction that takes it into a conversation, and what one says is encrypted by prepare_one alone, which looks here; so nothing that one
// says is readable for a device that was not there before, until it was confirmed. Commits, and that one leaves, are not held.
#include "client/hold.h"

#include "client/inner.h"

enum known { KNOWN_NOBODY, KNOWN_OTHERS, KNOWN_IT }; // of a contact's devices

static enum known know(struct engine *e, int64_t contact, struct span key)
{
    enum known k = KNOWN_NOBODY;
    sqlite3_stmt *q = db_sql(&e->db, "SELECT max(key = ?2) FROM device WHERE contact = ?1 HAVING count(*) > 0");
    db_int(q, 1, contact);
    db_blob(q, 2, key);
    if (db_row(&e->db, q)) k = db_get_int(q, 0) != 0 ? KNOWN_IT : KNOWN_OTHERS;
    db_done(q);
    return k;
}

static void note(struct engine *e, int64_t contact, struct span key)
{
    sqlite3_stmt *q = db_sql(&e->db, "INSERT INTO device(contact, key, seen) VALUES(?1, ?2, ?3)");
    db_int(q, 1, contact);
    db_blob(q, 2, key);
    db_int(q, 3, (int64_t)engine_now());
    (void)db_run(&e->db, q);
}

// Each change has a time of its own, so that what somebody confirms is what they were shown.
static void change(struct engine *e, int64_t contact)
{
    sqlite3_stmt *q = db_sql(&e->db, "UPDATE contact SET changed = max(changed + 1, ?2) WHERE id = ?1");
    db_int(q, 1, contact);
    db_int(q, 2, (int64_t)engine_now());
    (void)db_run(&e->db, q);
    e->held = true;
}

// In conversations of two with them; and in this one, if they are somebody whose number was compared.
static void hold(struct chat *c, int64_t contact)
{
    sqlite3_stmt *q =
        db_sql(&c->e->db, "INSERT OR IGNORE INTO hold(chat, contact) SELECT t.id, p.id FROM contact p CROSS JOIN chat t"
                          " WHERE p.id = ?2 AND p.changed != 0 AND ((t.kind = ?3 AND t.contact = p.id)"
                          " OR (t.id = ?1 AND p.verified))");
    db_int(q, 1, c->id);
    db_int(q, 2, contact);
    db_int(q, 3, ROOM_DIRECT);
    if (db_run(&c->e->db, q) > 0) c->e->held = true;
}

bool hold_device(struct chat *c, int64_t contact, struct span key)
{
    struct engine *e = c->e;
    enum known k = contact == 0 ? KNOWN_IT : know(e, contact, key);
    if (k != KNOWN_IT) note(e, contact, key);
    bool holds = setting_get(e, SETTING_HOLD) != 0;
    if (k == KNOWN_OTHERS && holds) change(e, contact);
    if (contact != 0 && holds) hold(c, contact);
    return k == KNOWN_OTHERS;
}

void hold_members(struct chat *c)
{
    struct mls_member m;
    uint8_t account[FORMAT_ID];
    uint32_t at = 0;
    while (mls_group_next_member(c->mls, &at, &m)) {
        if (!cred_account(c->e, &m, account) || memcmp(account, c->e->self.account, FORMAT_ID) == 0) continue;
        int64_t who = contact_of(c->e, account);
        if (who != 0 && hold_device(c, who, in_span(m.signature_key)))
            (void)history_notice(&c->e->history, c->id, c->cursor, engine_now(), who, "device", 0, span_of(NULL, 0));
    }
}

void hold_left(struct chat *c, int64_t contact)
{
    sqlite3_stmt *q = db_sql(&c->e->db, "DELETE FROM hold WHERE chat = ?1 AND contact = ?2");
    db_int(q, 1, c->id);
    db_int(q, 2, contact);
    if (db_run(&c->e->db, q) > 0) c->e->held = true;
}

// ------------------------------------------------------------------------------------------------------------- telling

enum { TOLD_MAX = 1000 };

// What waits in a conversation looks otherwise now.
static void tell_messages(struct engine *e, int64_t chat)
{
    int64_t ids[TOLD_MAX];
    size_t n = 0;
    sqlite3_stmt *q = db_sql(&e->db, "SELECT message FROM work WHERE chat = ?1 AND message != 0 ORDER BY id LIMIT ?2");
    db_int(q, 1, chat);
    db_int(q, 2, TOLD_MAX);
    while (n < TOLD_MAX && db_row(&e->db, q)) ids[n++] = db_get_int(q, 0);
    db_done(q);
    for (size_t i = 0; i < n; i++)
        engine_tell(e, (struct engine_event){.kind = ENGINE_MESSAGE, .chat = chat, .message = ids[i]});
}

static size_t list(struct engine *e, const char *sql, int64_t ids[TOLD_MAX])
{
    size_t n = 0;
    sqlite3_stmt *q = db_sql(&e->db, sql);
    while (n < TOLD_MAX && db_row(&e->db, q)) ids[n++] = db_get_int(q, 0);
    db_done(q);
    return n;
}

void hold_tell(struct engine *e)
{
    int64_t ids[TOLD_MAX];
    if (!e->held) return;
    e->held = false;
    e->db.err = ERR_OK;
    size_t n = list(e, "SELECT id FROM contact WHERE changed != 0", ids);
    for (size_t i = 0; i < n; i++) engine_tell(e, (struct engine_event){.kind = ENGINE_CONTACT, .contact = ids[i]});
    n = list(e, "SELECT DISTINCT chat FROM hold", ids);
    for (size_t i = 0; i < n; i++) {
        engine_tell(e, (struct engine_event){.kind = ENGINE_CHAT, .chat = ids[i]});
        tell_messages(e, ids[i]);
    }
}

bool engine_is_held(struct engine *e, int64_t chat)
{
    sqlite3_stmt *q = db_sql(&e->db, "SELECT 1 FROM hold WHERE chat = ?1 LIMIT 1");
    db_int(q, 1, chat);
    bool held = db_row(&e->db, q);
    db_done(q);
    return held;
}

void engine_held(struct engine *e, int64_t chat, void (*each)(void *arg, int64_t contact), void *arg)
{
    sqlite3_stmt *q = db_sql(&e->db, "SELECT contact FROM hold WHERE chat = ?1 ORDER BY contact");
    db_int(q, 1, chat);
    while (db_row(&e->db, q)) each(arg, db_get_int(q, 0));
}

// ---------------------------------------------------------------------------------------------------------- confirming

// ?1: the contact; 0: all of them. Within a transaction.
static void release(struct engine *e, int64_t contact)
{
    static const char *const sql[] = {"UPDATE contact SET changed = 0 WHERE ?1 IN (0, id) AND changed != 0",
                                      "DELETE FROM hold WHERE ?1 IN (0, contact)"};
    for (size_t i = 0; i < 2; i++) {
        sqlite3_stmt *q = db_sql(&e->db, sql[i]);
        db_int(q, 1, contact);
        (void)db_run(&e->db, q);
    }
}

void hold_release_all(struct engine *e) { release(e, 0); }

void hold_released(struct engine *e)
{
    peer_pump_all(e);
    e->owing = true; // receipts waited, too
    receipt_soon(e);
}

// Confirms, and says in which conversations that was waited for.
static enum err confirm(struct engine *e, int64_t contact, int64_t chats[TOLD_MAX], size_t *n)
{
    *n = 0;
    db_begin(&e->db);
    sqlite3_stmt *q = db_sql(&e->db, "SELECT chat FROM hold WHERE contact = ?1");
    db_int(q, 1, contact);
    while (*n < TOLD_MAX && db_row(&e->db, q)) chats[(*n)++] = db_get_int(q, 0);
    db_done(q);
    release(e, contact);
    return db_commit(&e->db);
}

enum err engine_confirm(struct engine *e, int64_t contact, uint64_t seen)
{
    int64_t chats[TOLD_MAX], changed = -1;
    size_t n;
    e->db.err = ERR_OK;
    sqlite3_stmt *q = db_sql(&e->db, "SELECT changed FROM contact WHERE id = ?1");
    db_int(q, 1, contact);
    if (db_row(&e->db, q)) changed = db_get_int(q, 0);
    db_done(q);
    if (e->db.err != ERR_OK) return e->db.err;
    if (changed < 0) return ERR_NOT_FOUND;
    if (changed == 0) return ERR_OK;
    if (seen != 0 && seen != (uint64_t)changed) return ERR_STALE;
    enum err x = confirm(e, contact, chats, &n);
    if (x != ERR_OK) return x;
    engine_tell(e, (struct engine_event){.kind = ENGINE_CONTACT, .contact = contact});
    for (size_t i = 0; i < n; i++) {
        engine_tell(e, (struct engine_event){.kind = ENGINE_CHAT, .chat = chats[i], .contact = contact});
        tell_messages(e, chats[i]);
    }
    hold_released(e);
    return ERR_OK;
}
