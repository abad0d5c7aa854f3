// SPDX-License-Identifier: Apache-2.0
//
// What an engine does by itself when time has passed: messages end that live for a time, and messages are taken into the search
// index behind their coming, in small steps, so that nobody who types or reads waits for it; groups that nobody uses go from memory. Invariant: nothing here is
// needed for what is stored to be right; it comes about later if the engine ends before, or sleeps.
#include "client/inner.h"

enum {
    SOON_MS = 500,
    NEXT_MS = 100,
    INDEX_STEP = 400,
    END_STEP = 200,
    LOOK_MS = 60000, // the loop's clock stands still while the computer sleeps, so it is not asked to wait for longer
};

// ---------------------------------------------------------------------------------------------------------------- tidying

// Pages of the write-ahead log say what is not there any more until they are written over; it is cut.
static void cut_log(struct engine *e)
{
    e->db.err = ERR_OK;
    sqlite3_stmt *q = db_sql(&e->db, "PRAGMA wal_checkpoint(TRUNCATE)");
    e->wiped = db_row(&e->db, q) && db_get_int(q, 0) != 0; // somebody reads at this moment
    db_done(q);
}

static void on_tidy(struct net_timer *t)
{
    struct engine *e = (struct engine *)(void *)((char *)t - offsetof(struct engine, tidy));
    bool more = false;
    chat_trim(e);
    enum err x = search_index(&e->history, INDEX_STEP, &more);
    if (x == ERR_OK && !more) x = search_shed(&e->history, &more);
    if (x == ERR_OK && more) net_timer_start(e->loop, &e->tidy, NEXT_MS, on_tidy);
    else if (e->wiped) cut_log(e);
}

void clock_tidy(struct engine *e)
{
    if (!e->closing && e->tidy.link == NULL) net_timer_start(e->loop, &e->tidy, SOON_MS, on_tidy);
}

// ----------------------------------------------------------------------------------------------------------------- the end

struct ended {
    int64_t chat, message;
};

static void note_ended(void *arg, int64_t chat, int64_t message)
{
    const struct ended x = {.chat = chat, .message = message};
    buf_put(arg, span_of(&x, sizeof x));
}

static void on_end(struct net_timer *t)
{
    struct engine *e = (struct engine *)(void *)((char *)t - offsetof(struct engine, end));
    struct buf list;
    struct ended x;
    buf_init(&list, END_STEP * sizeof x);
    db_begin(&e->db);
    size_t n = status_end(&e->history, engine_now(), END_STEP, note_ended, &list);
    if (n == 0) db_rollback(&e->db);
    else if (db_commit(&e->db) != ERR_OK) list.n = 0; // the disk is full: later
    files_settle(&e->files);
    for (size_t at = 0; at + sizeof x <= list.n; at += sizeof x) {
        memcpy(&x, list.p + at, sizeof x);
        engine_tell(e, (struct engine_event){.kind = ENGINE_GONE, .chat = x.chat, .message = x.message});
        e->wiped = true;
    }
    buf_wipe(&list);
    if (e->wiped) clock_tidy(e);
    clock_end(e);
}

void clock_end(struct engine *e)
{
    if (e->closing) return;
    e->db.err = ERR_OK;
    uint64_t now = engine_now(), next = status_next_end(&e->history), ms = next > now ? next - now : 0;
    net_timer_stop(&e->end);
    if (next != 0) net_timer_start(e->loop, &e->end, ms < NEXT_MS ? NEXT_MS : ms > LOOK_MS ? LOOK_MS : ms, on_end);
}

void clock_stop(struct engine *e)
{
    net_timer_stop(&e->tidy);
    net_timer_stop(&e->owed);
    net_timer_stop(&e->end);
    net_timer_stop(&e->answered);
}
