// SPDX-License-Identifier: Apache-2.0
//
// Conversations as a list. Invariant: the row of a conversation has a copy of the last message's beginning, and the count of what is unread, as
// they follow from the messages; whoever changes messages has it brought up to date in the same transaction.
#include "history/talk.h"

#include "history/inner.h"

#define LAST                                                                                                    \
    "UPDATE talk SET (last, last_time, last_sender, last_whom, last_kind, last_flags, last_type, last_body) = " \
    "(SELECT id,"                                                                                               \
    " time, sender, whom, kind, flags, type, substr(body, 1, 120) FROM message "

void talk_open(struct history *h, int64_t chat)
{
    sqlite3_stmt *q = db_sql(h->db, "INSERT INTO talk(chat) VALUES(?1)");
    db_int(q, 1, chat);
    (void)db_run(h->db, q);
}

void talk_put(struct history *h, int64_t chat, int64_t message, bool unread, bool mention)
{
    sqlite3_stmt *q =
        db_sql(h->db, LAST "WHERE id = ?2), unread = unread + ?3, mentions = mentions + ?4,"
                           " archived = archived AND (NOT ?3 OR muted > last_time),"
                           " hidden = hidden AND (SELECT kind FROM message WHERE id = ?2) = 4 WHERE chat = ?1");
    db_int(q, 1, chat);
    db_int(q, 2, message);
    db_int(q, 3, unread);
    db_int(q, 4, mention);
    (void)db_run(h->db, q);
}

void talk_refresh(struct history *h, int64_t chat, int64_t message)
{
    sqlite3_stmt *q =
        db_sql(h->db, LAST "WHERE chat = ?1 AND kind < 16 ORDER BY id DESC LIMIT 1) WHERE chat = ?1 AND last = ?2");
    db_int(q, 1, chat);
    db_int(q, 2, message);
    (void)db_run(h->db, q);
}

void talk_clear(struct history *h, int64_t chat)
{
    sqlite3_stmt *q = db_sql(
        h->db, "UPDATE talk SET (last, last_time, last_sender, last_whom, last_kind, last_flags, last_type,"
               " last_body) = (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), unread = 0, mentions = 0, draft = ''"
               " WHERE chat = ?1");
    db_int(q, 1, chat);
    (void)db_run(h->db, q);
}

void talk_hide(struct history *h, int64_t chat)
{
    sqlite3_stmt *q = db_sql(h->db, "UPDATE talk SET hidden = 1, pinned = 0, archived = 0 WHERE chat = ?1");
    db_int(q, 1, chat);
    (void)db_run(h->db, q);
}

void talk_recount(struct history *h, int64_t chat)
{
    sqlite3_stmt *q = db_sql(
        h->db, "UPDATE talk SET (unread, mentions) = (SELECT count(*), coalesce(sum((flags & 8) / 8), 0) FROM message m"
               " WHERE m.chat = ?1 AND m.kind < 16 AND m.id > talk.read_to AND m.sender != 0 AND m.kind != 4) WHERE "
               "chat = ?1");
    db_int(q, 1, chat);
    (void)db_run(h->db, q);
}

static enum err changed(struct history *h, sqlite3_stmt *q)
{
    int n = db_run(h->db, q);
    return h->db->err != ERR_OK ? h->db->err : n > 0 ? ERR_OK : ERR_NOT_FOUND;
}

enum err talk_read(struct history *h, int64_t chat, int64_t message, uint64_t now)
{
    sqlite3_stmt *q =
        db_sql(h->db, "UPDATE talk SET read_to = max(read_to, min(?2, coalesce((SELECT max(id) FROM message"
                      " WHERE chat = ?1 AND kind < 16), 0))) WHERE chat = ?1");
    db_int(q, 1, chat);
    db_int(q, 2, message);
    enum err e = changed(h, q);
    if (e != ERR_OK) return e;
    talk_recount(h, chat);
    q = db_sql(
        h->db,
        "UPDATE message SET expires = ?2 + 1000 * lives WHERE chat = ?1 AND lives > 0 AND expires = 0 AND sender != 0"
        " AND id <= (SELECT read_to FROM talk WHERE chat = ?1)");
    db_int(q, 1, chat);
    db_int(q, 2, (int64_t)now);
    (void)db_run(h->db, q);
    return h->db->err;
}

enum err talk_set(struct history *h, int64_t chat, enum talk_what what, int64_t value)
{
    sqlite3_stmt *q;
    switch (what) {
    case TALK_PINNED: q = db_sql(h->db, "UPDATE talk SET pinned = ?2 WHERE chat = ?1"); break;
    case TALK_MUTED: q = db_sql(h->db, "UPDATE talk SET muted = ?2 WHERE chat = ?1"); break;
    case TALK_ARCHIVED: q = db_sql(h->db, "UPDATE talk SET archived = ?2 WHERE chat = ?1"); break;
    case TALK_RECEIPTS: q = db_sql(h->db, "UPDATE talk SET receipts = ?2 WHERE chat = ?1"); break;
    default: q = db_sql(h->db, "UPDATE talk SET timer = ?2 WHERE chat = ?1");
    }
    db_int(q, 1, chat);
    db_int(q, 2, value);
    return changed(h, q);
}

enum err talk_draft(struct history *h, int64_t chat, struct span text)
{
    sqlite3_stmt *q = db_sql(h->db, "UPDATE talk SET draft = ?2 WHERE chat = ?1");
    db_int(q, 1, chat);
    db_text(q, 2, text);
    return text.n > HISTORY_DRAFT_MAX ? ERR_LIMIT : changed(h, q);
}

static void read_row(sqlite3_stmt *q, void (*each)(void *arg, const struct history_chat *c), void *arg)
{
    const struct history_chat c = {.id = db_get_int(q, 0),
                                   .contact = db_get_int(q, 1),
                                   .kind = (int)db_get_int(q, 2),
                                   .state = (int)db_get_int(q, 3),
                                   .name = db_get(q, 4),
                                   .members = (uint32_t)db_get_int(q, 5),
                                   .epoch = (uint64_t)db_get_int(q, 6),
                                   .created = (uint64_t)db_get_int(q, 7),
                                   .last = {.message = db_get_int(q, 8),
                                            .time = (uint64_t)db_get_int(q, 9),
                                            .sender = db_get_int(q, 10),
                                            .whom = db_get_int(q, 11),
                                            .kind = (enum history_kind)db_get_int(q, 12),
                                            .flags = (unsigned)db_get_int(q, 13),
                                            .type = db_get(q, 14),
                                            .body = db_get(q, 15)},
                                   .unread = (uint32_t)db_get_int(q, 16),
                                   .mentions = (uint32_t)db_get_int(q, 17),
                                   .read_to = db_get_int(q, 18),
                                   .muted = (uint64_t)db_get_int(q, 19),
                                   .pinned = db_get_int(q, 20) != 0,
                                   .archived = db_get_int(q, 21) != 0,
                                   .receipts = (enum talk_receipts)db_get_int(q, 22),
                                   .timer = (uint32_t)db_get_int(q, 23),
                                   .draft = db_get(q, 24),
                                   .hidden = db_get_int(q, 25) != 0};
    each(arg, &c);
}

#define LIST                                                                                                        \
    "SELECT c.id, c.contact, c.kind, c.state, c.name, c.members, c.epoch, c.created, t.last, t.last_time, "         \
    "t.last_sender,"                                                                                                \
    " t.last_whom, t.last_kind, t.last_flags, t.last_type, t.last_body, t.unread, t.mentions, t.read_to, t.muted, " \
    "t.pinned,"                                                                                                     \
    " t.archived, t.receipts, t.timer, t.draft, t.hidden FROM chat c JOIN talk t ON t.chat = c.id"

static enum err read_rows(struct history *h, sqlite3_stmt *q, void (*each)(void *arg, const struct history_chat *c),
                          void *arg, bool *any)
{
    for (*any = false; db_row(h->db, q); *any = true) read_row(q, each, arg);
    return h->db->err;
}

enum err talk_first(struct history *h, int64_t limit, void (*each)(void *arg, const struct history_chat *c), void *arg)
{
    bool any = false;
    h->db->err = ERR_OK;
    sqlite3_stmt *q =
        db_sql(h->db, LIST " ORDER BY t.pinned DESC, coalesce(t.last_time, c.created) DESC, c.id DESC LIMIT ?1");
    db_int(q, 1, limit);
    return read_rows(h, q, each, arg, &any);
}

enum err talk_list(struct history *h, int64_t chat, void (*each)(void *arg, const struct history_chat *c), void *arg)
{
    bool any = false;
    if (chat == 0) return talk_first(h, INT64_MAX, each, arg);
    h->db->err = ERR_OK;
    sqlite3_stmt *q = db_sql(h->db, LIST " WHERE c.id = ?1");
    db_int(q, 1, chat);
    enum err e = read_rows(h, q, each, arg, &any);
    return e != ERR_OK || any ? e : ERR_NOT_FOUND;
}
