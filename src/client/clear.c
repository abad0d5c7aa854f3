// SPDX-License-Identifier: Apache-2.0
//
// Deleting a whole conversation, on this device alone. Of one that one is out of nothing stays. One with a person goes on: its group is needed to read
// what they write next, so that stays, and the conversation is not listed until there is something in it again. Invariant: messages, the search index,
// files and what was not sent yet go in one transaction; nobody else hears of it.
#include "client/inner.h"

// What has left, or may have, is still known when it comes back in the log; what has not is not said any more.
static void forget_work(struct chat *c)
{
    static const char *const sql[] = {
        "DELETE FROM work WHERE chat = ?1 AND kind = ?2 AND message != 0 AND payload = x''",
        "UPDATE work SET message = 0 WHERE chat = ?1 AND kind = ?2 AND message != 0",
    };
    for (size_t i = 0; i < 2; i++) {
        sqlite3_stmt *q = db_sql(&c->e->db, sql[i]);
        db_int(q, 1, c->id);
        db_int(q, 2, WORK_SAY);
        (void)db_run(&c->e->db, q);
    }
}

void chat_clear(struct chat *c)
{
    forget_work(c);
    files_chat_gone(&c->e->files, c->id);
    history_clear(&c->e->history, c->id);
    c->e->wiped = true;
}

enum err engine_chat_delete(struct engine *e, int64_t chat)
{
    struct chat *c = chat_find(e, chat);
    if (c == NULL) return ERR_NOT_FOUND;
    if (c->state == CHAT_REQUEST) return ERR_REFUSED;
    bool over = chat_over(c);
    if (!over && c->kind == ROOM_GROUP) return ERR_MISUSE;
    db_begin(&e->db);
    if (over) chat_delete(c);
    else chat_clear(c);
    if (!over) talk_hide(&e->history, chat);
    enum err x = db_commit(&e->db);
    files_settle(&e->files);
    if (x != ERR_OK) return x;
    if (over) chat_forget(c);
    engine_tell(e, (struct engine_event){.kind = ENGINE_CLEARED, .chat = chat});
    engine_tell(e, (struct engine_event){.kind = ENGINE_CHAT, .chat = chat});
    clock_tidy(e);
    peer_pump_all(e); // links are taken back; and what had waited behind what is not said any more
    return ERR_OK;
}
