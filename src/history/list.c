// SPDX-License-Identifier: Apache-2.0
//
// Reading the history: pages, single messages, pins. One pass: whatever is shown of a message stands in its row, but for its reactions, which are
// looked up where there are some.
#include "history/inner.h"

#define COLUMNS                                                                                                      \
    "SELECT m.id, m.chat, m.sender, m.whom, m.seq, m.time, m.edited, m.expires, m.lives, m.state, m.kind, m.flags, " \
    "m.mimi,"                                                                                                        \
    " m.about, m.type, m.body, m.content, o.id, o.sender, o.kind, o.flags, o.type, substr(o.body, 1, 120) FROM "     \
    "message m"                                                                                                      \
    " LEFT JOIN message o ON m.kind = 2 AND o.chat = m.chat AND o.mimi = m.about AND o.mimi != x'' AND o.kind < 16"

struct reading {
    struct history *h;
    history_each *each;
    void *arg;
    struct history_reaction *reactions; // HISTORY_REACTIONS_MAX
    struct buf bodies;
};

static size_t read_reactions(struct reading *r, int64_t message)
{
    struct db *d = r->h->db;
    size_t n = 0, at[HISTORY_REACTIONS_MAX];
    sqlite3_stmt *q =
        db_sql(d, "SELECT sender, time, body FROM reaction WHERE message = ?1 ORDER BY time, sender LIMIT ?2");
    db_int(q, 1, message);
    db_int(q, 2, HISTORY_REACTIONS_MAX);
    r->bodies.n = 0;
    while (n < HISTORY_REACTIONS_MAX && db_row(d, q)) {
        struct span body = db_get(q, 2);
        at[n] = r->bodies.n;
        buf_put(&r->bodies, body);
        r->reactions[n++] = (struct history_reaction){
            .sender = db_get_int(q, 0), .time = (uint64_t)db_get_int(q, 1), .body = span_of(NULL, body.n)};
    }
    db_done(q);
    for (size_t i = 0; i < n; i++) r->reactions[i].body.p = r->bodies.p + at[i];
    return buf_end(&r->bodies) == ERR_OK ? n : 0;
}

static void read_row(struct reading *r, sqlite3_stmt *q)
{
    struct history_message m = {.id = db_get_int(q, 0),
                                .chat = db_get_int(q, 1),
                                .sender = db_get_int(q, 2),
                                .whom = db_get_int(q, 3),
                                .seq = (uint64_t)db_get_int(q, 4),
                                .time = (uint64_t)db_get_int(q, 5),
                                .edited = (uint64_t)db_get_int(q, 6),
                                .expires = (uint64_t)db_get_int(q, 7),
                                .lives = (uint32_t)db_get_int(q, 8),
                                .state = (enum message_state)db_get_int(q, 9),
                                .kind = (enum history_kind)db_get_int(q, 10),
                                .flags = (unsigned)db_get_int(q, 11),
                                .about = db_get(q, 13),
                                .type = db_get(q, 14),
                                .body = db_get(q, 15),
                                .content = db_get(q, 16),
                                .answers = {.id = db_get_int(q, 17),
                                            .sender = db_get_int(q, 18),
                                            .kind = (enum history_kind)db_get_int(q, 19),
                                            .flags = (unsigned)db_get_int(q, 20),
                                            .type = db_get(q, 21),
                                            .body = db_get(q, 22)}};
    struct span mimi = db_get(q, 12);
    m.mimi = mimi.n == CONTENT_ID ? mimi.p : NULL;
    m.reactions = r->reactions;
    if ((m.flags & HISTORY_REACTED) != 0) m.reactions_n = read_reactions(r, m.id);
    r->each(r->arg, &m);
}

// Calls back for each row of a statement that is bound; whether there was one.
static enum err read_all(struct history *h, sqlite3_stmt *q, history_each *each, void *arg, size_t *n)
{
    struct reading r = {.h = h, .each = each, .arg = arg};
    r.reactions = mem_new_array(HISTORY_REACTIONS_MAX, sizeof *r.reactions);
    if (r.reactions == NULL) {
        db_done(q);
        return ERR_MEMORY;
    }
    buf_init(&r.bodies, (size_t)HISTORY_REACTIONS_MAX * HISTORY_REACTION_MAX);
    for (*n = 0; db_row(h->db, q); *n += 1) read_row(&r, q);
    enum err e = h->db->err != ERR_OK ? h->db->err : buf_end(&r.bodies);
    buf_wipe(&r.bodies);
    mem_free(r.reactions);
    return e;
}

static int64_t number(struct history *h, sqlite3_stmt *q)
{
    int64_t n = db_row(h->db, q) ? db_get_int(q, 0) : 0;
    db_done(q);
    return n;
}

// The message at this number in its conversation, or the next one behind it; 0. *time: when it was.
static int64_t at_or_behind(struct history *h, int64_t chat, int64_t message, uint64_t *time)
{
    int64_t id = 0;
    sqlite3_stmt *q =
        db_sql(h->db, "SELECT id, time FROM message WHERE chat = ?1 AND kind < 16 AND id >= ?2 ORDER BY id LIMIT 1");
    db_int(q, 1, chat);
    db_int(q, 2, message);
    if (db_row(h->db, q)) {
        id = db_get_int(q, 0);
        *time = (uint64_t)db_get_int(q, 1);
    }
    db_done(q);
    return id;
}

// The first message of a time or later; behind all if there is none. Numbers rise with times, or nearly so: so it is looked for by halves, and no index of
// times is kept.
static int64_t find_date(struct history *h, int64_t chat, uint64_t date)
{
    uint64_t time = 0;
    sqlite3_stmt *q = db_sql(h->db, "SELECT coalesce(max(id), 0) FROM message WHERE chat = ?1 AND kind < 16");
    db_int(q, 1, chat);
    int64_t low = 0, high = number(h, q) + 1; // it is in [low, high]
    while (low < high) {
        int64_t middle = low + (high - low) / 2, id = at_or_behind(h, chat, middle, &time);
        if (id == 0 || time >= date) high = middle;
        else low = id + 1;
    }
    return low;
}

// So that half of a page comes before a message: after which one it begins.
static int64_t page_begin(struct history *h, const struct history_page *page, int64_t around)
{
    sqlite3_stmt *q =
        db_sql(h->db, "SELECT coalesce(min(id), ?2) - 1 FROM (SELECT id FROM message WHERE chat = ?1 AND kind < 16"
                      " AND id < ?2 ORDER BY id DESC LIMIT ?3)");
    db_int(q, 1, page->chat);
    db_int(q, 2, around);
    db_int(q, 3, page->limit == 0 ? -1 : (int64_t)page->limit / 2);
    return number(h, q);
}

enum err history_list(struct history *h, const struct history_page *page, history_each *each, void *arg)
{
    size_t n = 0;
    int64_t after = page->after, around = page->around;
    h->db->err = ERR_OK;
    if (page->date != 0) around = find_date(h, page->chat, page->date);
    if (around != 0) after = page_begin(h, page, around);
    sqlite3_stmt *q =
        page->before != 0
            ? db_sql(h->db, COLUMNS " WHERE m.chat = ?1 AND m.kind < 16 AND m.id < ?2 ORDER BY m.id DESC LIMIT ?3")
            : db_sql(h->db, COLUMNS " WHERE m.chat = ?1 AND m.kind < 16 AND m.id > ?2 ORDER BY m.id LIMIT ?3");
    db_int(q, 1, page->chat);
    db_int(q, 2, page->before != 0 ? page->before : after);
    db_int(q, 3, page->limit == 0 ? -1 : (int64_t)page->limit);
    return read_all(h, q, each, arg, &n);
}

enum err history_get(struct history *h, int64_t chat, int64_t message, history_each *each, void *arg)
{
    size_t n = 0;
    h->db->err = ERR_OK;
    sqlite3_stmt *q = db_sql(h->db, COLUMNS " WHERE m.id = ?2 AND m.chat = ?1");
    db_int(q, 1, chat);
    db_int(q, 2, message);
    enum err e = read_all(h, q, each, arg, &n);
    return e == ERR_OK && n == 0 ? ERR_NOT_FOUND : e;
}

enum err list_one(struct history *h, int64_t message, history_each *each, void *arg)
{
    size_t n = 0;
    sqlite3_stmt *q = db_sql(h->db, COLUMNS " WHERE m.id = ?1");
    db_int(q, 1, message);
    return read_all(h, q, each, arg, &n);
}

enum err history_own_reaction(struct history *h, int64_t chat, const uint8_t about[CONTENT_ID], uint8_t id[CONTENT_ID],
                              bool *found)
{
    sqlite3_stmt *q = db_sql(
        h->db, "SELECT mimi, flags & 1 = 0 AND body != '' FROM message WHERE chat = ?1 AND about = ?2 AND about != x''"
               " AND sender = 0 AND kind = 16 ORDER BY id DESC LIMIT 1");
    db_int(q, 1, chat);
    db_blob(q, 2, span_of(about, CONTENT_ID));
    *found = db_row(h->db, q) && db_get_fixed(h->db, q, 0, id, CONTENT_ID) && db_get_int(q, 1) != 0;
    db_done(q);
    return h->db->err;
}

enum err history_pinned(struct history *h, int64_t chat, history_each *each, void *arg)
{
    size_t n = 0;
    h->db->err = ERR_OK;
    sqlite3_stmt *q = db_sql(h->db, COLUMNS " WHERE m.chat = ?1 AND m.flags & 4 ORDER BY m.id DESC");
    db_int(q, 1, chat);
    return read_all(h, q, each, arg, &n);
}
