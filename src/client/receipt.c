// SPDX-License-Identifier: Apache-2.0
//
// Receipts: whether others are told that one has got and read what they wrote, telling them, and what they tell. What is owed is
// gathered for a moment, so that a hundred messages are one report; while a report waits to be sent there is no other.
#include "client/inner.h"

enum { SOON_MS = 400, LARGE = 20 };

// Nobody is told anything before one has answered their request, nor whom one has blocked; nor, unless asked for, a large group.
static bool are_on(struct engine *e, int64_t chat, uint32_t *others)
{
    sqlite3_stmt *q = db_sql(
        &e->db, "SELECT c.members, c.state = ?2 AND c.kind != ?3 AND (c.contact = 0 OR coalesce(p.state, 0) = ?4)"
                " AND (t.receipts = 1 OR (t.receipts = 0 AND c.members <= ?5)) FROM chat c"
                " JOIN talk t ON t.chat = c.id LEFT JOIN contact p ON p.id = c.contact WHERE c.id = ?1");
    db_int(q, 1, chat);
    db_int(q, 2, CHAT_OPEN);
    db_int(q, 3, ROOM_SELF);
    db_int(q, 4, CONTACT_KNOWN);
    db_int(q, 5, LARGE);
    bool on = db_row(&e->db, q);
    if (on) {
        int64_t members = db_get_int(q, 0);
        *others = members > 1 ? (uint32_t)members - 1 : 1;
        on = db_get_int(q, 1) != 0;
    }
    db_done(q);
    return on;
}

bool receipt_are_on(struct engine *e, int64_t chat)
{
    uint32_t others = 0;
    return are_on(e, chat, &others);
}

static void on_owed(struct net_timer *t)
{
    struct engine *e = (struct engine *)(void *)((char *)t - offsetof(struct engine, owed));
    receipt_send(e);
}

void receipt_soon(struct engine *e)
{
    if (e->owing && !e->closing && e->owed.link == NULL) net_timer_start(e->loop, &e->owed, SOON_MS, on_owed);
}

void receipt_owe(struct chat *c, int64_t message)
{
    uint32_t others = 0;
    if (!are_on(c->e, c->id, &others)) return;
    status_owe(&c->e->history, c->id, message);
    c->e->owing = true;
}

void receipt_owe_read(struct engine *e, int64_t chat, int64_t message)
{
    uint32_t others = 0;
    if (!are_on(e, chat, &others)) return;
    status_owe_read(&e->history, chat, message);
    e->owing = true;
}

// One report for a chat, unless one is on its way: then there is another one when that has been seen in the log.
static enum err send_one(struct engine *e, struct chat *c)
{
    uint32_t others = 0;
    struct buf report;
    if (!are_on(e, c->id, &others)) {
        status_forgive(&e->history, c->id);
        return e->db.err;
    }
    sqlite3_stmt *q = db_sql(&e->db, "SELECT 1 FROM work WHERE chat = ?1 AND kind = ?2 AND message = 0");
    db_int(q, 1, c->id);
    db_int(q, 2, WORK_SAY);
    bool waits = db_row(&e->db, q);
    db_done(q);
    if (waits || engine_is_held(e, c->id)) return e->db.err;
    buf_init(&report, CONTENT_MESSAGE_MAX);
    status_report(&e->history, c->id, &report);
    enum err x = buf_end(&report);
    if (x == ERR_OK && report.n > 0) x = say_control(c, CONTENT_UNSPECIFIED, CONTENT_TYPE_STATUS, buf_span(&report));
    buf_wipe(&report);
    return x;
}

void receipt_send(struct engine *e)
{
    db_begin(&e->db);
    enum err x = ERR_OK;
    for (int64_t chat = status_next(&e->history, 0); x == ERR_OK && chat != 0; chat = status_next(&e->history, chat)) {
        struct chat *c = chat_find(e, chat);
        if (c != NULL) x = send_one(e, c);
        else status_forgive(&e->history, chat);
    }
    bool more = status_next(&e->history, 0) != 0;
    if (x == ERR_OK) x = db_commit(&e->db);
    else db_rollback(&e->db);
    e->owing = x != ERR_OK || more;
    if (x == ERR_OK) peer_pump_all(e);
}

void receipt_take(struct chat *c, const struct wire_entry *x, int64_t reader, struct span report,
                  void (*each)(void *arg, int64_t message), void *arg)
{
    struct engine *e = c->e;
    uint32_t others = 1;
    if (reader == 0) {
        int64_t last = status_own(&e->history, c->id, report);
        if (last != 0) (void)talk_read(&e->history, c->id, last, x->time);
        return;
    }
    (void)are_on(e, c->id, &others);
    status_take(&e->history, c->id, reader, x->time, others, report, each, arg);
}
