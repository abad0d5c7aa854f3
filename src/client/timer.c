// SPDX-License-Identifier: Apache-2.0
//
// How long messages of a conversation live. It is agreed by a message to the engines: in a group by an admin's, else by anybody's; the last
// in the log counts. Each message says by itself when it ends, so a change of the timer changes none that has been written.
#include "client/inner.h"

#include <stdio.h>

enum { TIMER_BYTES = 4, TIMER_MAX = 10 * 366 * 86400 };

void say_ends(struct engine *e, int64_t chat, struct content *c, uint32_t lives)
{
    sqlite3_stmt *q = db_sql(&e->db, "SELECT timer FROM talk WHERE chat = ?1");
    db_int(q, 1, chat);
    if (db_row(&e->db, q) && lives == 0) lives = (uint32_t)db_get_int(q, 0);
    db_done(q);
    if (lives == 0) return;
    c->expires = c->expires_after_reading = true;
    c->expires_at = lives;
}

static bool may_set(struct chat *c, const uint8_t account[FORMAT_ID])
{
    struct room room;
    return chat_room(c, &room) == ERR_OK && (room.kind != ROOM_GROUP || room_is_admin(&room, account));
}

bool timer_take(struct chat *c, const struct wire_entry *x, const uint8_t account[FORMAT_ID], struct span body)
{
    struct engine *e = c->e;
    char text[16];
    bool own = memcmp(account, e->self.account, FORMAT_ID) == 0;
    if (body.n != TIMER_BYTES || !may_set(c, account)) return false;
    uint32_t seconds = (uint32_t)body.p[0] << 24 | (uint32_t)body.p[1] << 16 | (uint32_t)body.p[2] << 8 | body.p[3];
    if (seconds > TIMER_MAX || talk_set(&e->history, c->id, TALK_TIMER, seconds) != ERR_OK) return false;
    (void)snprintf(text, sizeof text, "%u", (unsigned)seconds);
    (void)history_notice(&e->history, c->id, x->seq, x->time, own ? 0 : contact_of(e, account), "timer", 0,
                         span_str(text));
    return true;
}

bool timer_seen(struct chat *c, const struct wire_entry *x, int64_t work)
{
    struct history_shape shape;
    uint8_t body[TIMER_BYTES];
    bool is_timer = false;
    sqlite3_stmt *q = db_sql(&c->e->db, "SELECT what FROM work WHERE id = ?1");
    db_int(q, 1, work);
    if (db_row(&c->e->db, q) && history_shape(db_get(q, 0), &shape) == ERR_OK)
        is_timer = shape.kind == HISTORY_TIMER && shape.body.n == TIMER_BYTES;
    if (is_timer) memcpy(body, shape.body.p, TIMER_BYTES);
    db_done(q);
    return is_timer && timer_take(c, x, c->e->self.account, span_of(body, TIMER_BYTES));
}

enum err engine_timer(struct engine *e, int64_t chat, uint32_t seconds)
{
    struct chat *c = chat_find(e, chat);
    const uint8_t body[TIMER_BYTES] = {(uint8_t)(seconds >> 24), (uint8_t)(seconds >> 16), (uint8_t)(seconds >> 8),
                                       (uint8_t)seconds};
    if (c == NULL) return ERR_NOT_FOUND;
    if (seconds > TIMER_MAX) return ERR_LIMIT;
    e->db.err = ERR_OK;
    if (chat_over(c) || !may_set(c, e->self.account)) return ERR_REFUSED;
    if (engine_is_held(e, chat)) return ERR_UNAUTHENTICATED;
    db_begin(&e->db);
    enum err x = talk_set(&e->history, chat, TALK_TIMER, seconds); // from now on, and not only when the relay has it
    if (x == ERR_OK) x = say_control(c, CONTENT_SESSION, HISTORY_TIMER_TYPE, span_of(body, sizeof body));
    if (x == ERR_OK) x = db_commit(&e->db);
    else db_rollback(&e->db);
    if (x != ERR_OK) return x;
    engine_tell(e, (struct engine_event){.kind = ENGINE_CHAT, .chat = chat});
    peer_pump(c->peer);
    return ERR_OK;
}
