// SPDX-License-Identifier: Apache-2.0
//
// Receipts, and messages that live for a time. Invariant: what is owed stands in the vault from the transaction on that stores the
// message, or that it was read, so no end of the engine loses it; the state of one's own message is what its receipts say.
#include "history/status.h"

#include "history/inner.h"

enum { REPORT_MAX = 1000 };

// --------------------------------------------------------------------------------------------------- what one owes others

void status_owe(struct history *h, int64_t chat, int64_t message)
{
    sqlite3_stmt *q = db_sql(h->db, "INSERT OR IGNORE INTO owed(chat, message, status) VALUES(?1, ?2, ?3)");
    db_int(q, 1, chat);
    db_int(q, 2, message);
    db_int(q, 3, CONTENT_DELIVERED);
    (void)db_run(h->db, q);
}

void status_owe_read(struct history *h, int64_t chat, int64_t message)
{
    sqlite3_stmt *q =
        db_sql(h->db, "INSERT INTO owed(chat, message, status) SELECT chat, id, ?3 FROM message WHERE chat = ?1"
                      " AND id > (SELECT read_to FROM talk WHERE chat = ?1) AND id <= ?2 AND kind < 16 AND kind != 4"
                      " AND sender != 0 AND flags & 1 = 0"
                      " ON CONFLICT(chat, message) DO UPDATE SET status = excluded.status");
    db_int(q, 1, chat);
    db_int(q, 2, message);
    db_int(q, 3, CONTENT_READ);
    (void)db_run(h->db, q);
}

void status_report(struct history *h, int64_t chat, struct buf *out)
{
    struct content_report reports[REPORT_MAX];
    uint8_t ids[REPORT_MAX][CONTENT_ID];
    size_t n = 0;
    int64_t last = 0;
    sqlite3_stmt *q = db_sql(h->db, "SELECT o.message, o.status, m.mimi FROM owed o JOIN message m ON m.id = o.message"
                                    " WHERE o.chat = ?1 ORDER BY o.message LIMIT ?2");
    db_int(q, 1, chat);
    db_int(q, 2, REPORT_MAX);
    while (n < REPORT_MAX && db_row(h->db, q)) {
        last = db_get_int(q, 0);
        reports[n] = (struct content_report){.id = ids[n], .status = (uint8_t)db_get_int(q, 1)};
        if (db_get_fixed(h->db, q, 2, ids[n], CONTENT_ID)) n++;
    }
    db_done(q);
    if (n > 0) content_put_report(out, reports, n);
    q = db_sql(h->db, "DELETE FROM owed WHERE chat = ?1 AND message <= ?2");
    db_int(q, 1, chat);
    db_int(q, 2, last);
    (void)db_run(h->db, q);
}

void status_forgive(struct history *h, int64_t chat)
{
    sqlite3_stmt *q = db_sql(h->db, "DELETE FROM owed WHERE chat = ?1");
    db_int(q, 1, chat);
    (void)db_run(h->db, q);
}

static int64_t number(struct history *h, sqlite3_stmt *q)
{
    int64_t n = db_row(h->db, q) ? db_get_int(q, 0) : 0;
    db_done(q);
    return n;
}

int64_t status_next(struct history *h, int64_t chat)
{
    sqlite3_stmt *q = db_sql(h->db, "SELECT coalesce(min(chat), 0) FROM owed WHERE chat > ?1");
    db_int(q, 1, chat);
    return number(h, q);
}

// -------------------------------------------------------------------------------------------------- what one hears from them

// A message that a report is about; of oneself, or of others.
static int64_t reported(struct history *h, int64_t chat, const uint8_t id[CONTENT_ID], bool own)
{
    sqlite3_stmt *q = db_sql(h->db, "SELECT id FROM message WHERE chat = ?1 AND mimi = ?2 AND mimi != x'' AND kind < 16"
                                    " AND (sender = 0) = ?3");
    db_int(q, 1, chat);
    db_blob(q, 2, span_of(id, CONTENT_ID));
    db_int(q, 3, own);
    return number(h, q);
}

// Whether it says something new.
static bool note_receipt(struct history *h, int64_t message, int64_t reader, uint64_t time, bool read)
{
    sqlite3_stmt *q =
        db_sql(h->db, "INSERT INTO receipt(message, reader, delivered, read) VALUES(?1, ?2, ?3, iif(?4, ?3, 0))"
                      " ON CONFLICT(message, reader) DO UPDATE SET read = excluded.read"
                      " WHERE read = 0 AND excluded.read != 0");
    db_int(q, 1, message);
    db_int(q, 2, reader);
    db_int(q, 3, (int64_t)time);
    db_int(q, 4, read);
    return db_run(h->db, q) > 0;
}

static void settle_state(struct history *h, int64_t message, uint32_t others)
{
    sqlite3_stmt *q = db_sql(h->db, "UPDATE message SET state = max(state, (SELECT iif(sum(read > 0) >= ?2, 4,"
                                    " iif(count(*) >= ?2, 3, 2)) FROM receipt WHERE message = ?1))"
                                    " WHERE id = ?1 AND state IN (2, 3)");
    db_int(q, 1, message);
    db_int(q, 2, others == 0 ? 1 : others);
    (void)db_run(h->db, q);
}

static size_t read_report(struct span report, struct content_report *out)
{
    size_t n = 0;
    return content_read_report(report, out, CONTENT_STATUS_MAX, &n) == ERR_OK ? n : 0;
}

void status_take(struct history *h, int64_t chat, int64_t reader, uint64_t time, uint32_t others, struct span report,
                 void (*each)(void *arg, int64_t message), void *arg)
{
    struct content_report r[CONTENT_STATUS_MAX];
    size_t n = read_report(report, r);
    for (size_t i = 0; i < n; i++) {
        if (r[i].status != CONTENT_DELIVERED && r[i].status != CONTENT_READ) continue;
        int64_t message = reported(h, chat, r[i].id, true);
        if (message == 0 || !note_receipt(h, message, reader, time, r[i].status == CONTENT_READ)) continue;
        settle_state(h, message, others);
        each(arg, message);
    }
}

int64_t status_own(struct history *h, int64_t chat, struct span report)
{
    struct content_report r[CONTENT_STATUS_MAX];
    size_t n = read_report(report, r);
    int64_t last = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t message = r[i].status == CONTENT_READ ? reported(h, chat, r[i].id, false) : 0;
        if (message > last) last = message;
    }
    return last;
}

enum err status_list(struct history *h, int64_t chat, int64_t message,
                     void (*each)(void *arg, const struct history_receipt *r), void *arg)
{
    h->db->err = ERR_OK;
    sqlite3_stmt *q = db_sql(h->db, "SELECT reader, delivered, read FROM receipt WHERE message = ?2 AND EXISTS(SELECT 1"
                                    " FROM message WHERE id = ?2 AND chat = ?1) ORDER BY delivered, reader");
    db_int(q, 1, chat);
    db_int(q, 2, message);
    while (db_row(h->db, q)) {
        const struct history_receipt r = {
            .reader = db_get_int(q, 0), .delivered = (uint64_t)db_get_int(q, 1), .read = (uint64_t)db_get_int(q, 2)};
        each(arg, &r);
    }
    return h->db->err;
}

// ------------------------------------------------------------------------------------------------------------- the end

// What is still on its way out is kept until it has left: its bytes are needed.
#define ENDING " FROM message WHERE expires > 0 AND state != 1"

uint64_t status_next_end(struct history *h)
{
    return (uint64_t)number(h, db_sql(h->db, "SELECT coalesce(min(expires), 0)" ENDING));
}

enum { END_MAX = 256 };

size_t status_end(struct history *h, uint64_t now, size_t n, void (*each)(void *arg, int64_t chat, int64_t message),
                  void *arg)
{
    int64_t ids[END_MAX], chats[END_MAX];
    size_t found = 0;
    if (n > END_MAX) n = END_MAX;
    sqlite3_stmt *q = db_sql(h->db, "SELECT id, chat" ENDING " AND expires <= ?1 ORDER BY expires LIMIT ?2");
    db_int(q, 1, (int64_t)now);
    db_int(q, 2, (int64_t)n);
    while (found < n && db_row(h->db, q)) {
        ids[found] = db_get_int(q, 0);
        chats[found++] = db_get_int(q, 1);
    }
    db_done(q);
    for (size_t i = 0; i < found; i++) {
        each(arg, chats[i], ids[i]);
        (void)message_drop(h, ids[i]);
        talk_refresh(h, chats[i], ids[i]);
    }
    for (size_t i = 0; i < found; i++) { // each chat once
        size_t k = 0;
        while (chats[k] != chats[i]) k++;
        if (k == i) talk_recount(h, chats[i]);
    }
    return found;
}
