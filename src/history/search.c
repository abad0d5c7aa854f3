// SPDX-License-Identifier: Apache-2.0
//
// Searching: an FTS5 index beside the messages, which holds no text itself. Invariant: a message's text is in the index if and only if its number is not above
// `indexed`, it has a place in the history, and it has text; so what is to be taken out of the index is known from its row.
#include "history/search.h"

#include "history/inner.h"

#include <ctype.h>
#include <stdio.h>

enum { MANY = 100, SHED_PAGES = 100 };

#define HAS_TEXT "kind IN (1, 2, 3) AND body != ''"

void index_remove(struct history *h, int64_t message)
{
    sqlite3_stmt *q =
        db_sql(h->db, "INSERT INTO search(search, rowid, chat, body) SELECT 'delete', id, chat, body FROM message"
                      " WHERE id = ?1 AND id <= (SELECT upto FROM indexed) AND " HAS_TEXT);
    db_int(q, 1, message);
    (void)db_run(h->db, q);
}

// Whether what is deleted in the index is written over at once.
static void set_secure(struct history *h, bool secure)
{
    sqlite3_stmt *q = db_sql(h->db, "INSERT INTO search(search, rank) VALUES('secure-delete', ?1)");
    db_int(q, 1, secure);
    (void)db_run(h->db, q);
}

static bool is_many(struct history *h, int64_t chat)
{
    sqlite3_stmt *q =
        db_sql(h->db, "SELECT count(*) FROM (SELECT 1 FROM message WHERE chat = ?1 AND " HAS_TEXT " LIMIT ?2)");
    db_int(q, 1, chat);
    db_int(q, 2, MANY);
    bool many = db_row(h->db, q) && db_get_int(q, 0) == MANY;
    db_done(q);
    return many;
}

// To write over the words of one message takes some 2 ms, since they are everywhere. Of many they are only marked as deleted, and all of the
// index is written anew behind it, piece by piece.
void index_clear(struct history *h, int64_t chat)
{
    bool many = is_many(h, chat);
    if (many) set_secure(h, false);
    sqlite3_stmt *q =
        db_sql(h->db, "INSERT INTO search(search, rowid, chat, body) SELECT 'delete', id, chat, body FROM message"
                      " WHERE chat = ?1 AND id <= (SELECT upto FROM indexed) AND " HAS_TEXT);
    db_int(q, 1, chat);
    (void)db_run(h->db, q);
    if (!many) return;
    set_secure(h, true);
    (void)db_run(h->db, db_sql(h->db, "UPDATE indexed SET sheds = 1"));
}

enum err search_shed(struct history *h, bool *more)
{
    struct db *d = h->db;
    d->err = ERR_OK;
    sqlite3_stmt *q = db_sql(d, "SELECT sheds FROM indexed");
    int64_t sheds = db_row(d, q) ? db_get_int(q, 0) : 0;
    db_done(q);
    *more = sheds != 0 && d->err == ERR_OK;
    if (!*more) return d->err;
    db_begin_lazy(d);
    int before = sqlite3_total_changes(d->h);
    q = db_sql(d, "INSERT INTO search(search, rank) VALUES('merge', ?1)");
    db_int(q, 1, sheds == 1 ? -SHED_PAGES : SHED_PAGES); // below 0: all of it, from here on
    (void)db_run(d, q);
    *more =
        sheds == 1 || sqlite3_total_changes(d->h) - before >= 2; // fewer: there was nothing to do, as SQLite says it
    q = db_sql(d, "UPDATE indexed SET sheds = ?1");
    db_int(q, 1, *more ? 2 : 0);
    (void)db_run(d, q);
    return db_commit(d);
}

void index_add(struct history *h, int64_t message)
{
    sqlite3_stmt *q = db_sql(h->db, "INSERT INTO search(rowid, chat, body) SELECT id, chat, body FROM message"
                                    " WHERE id = ?1 AND id <= (SELECT upto FROM indexed) AND " HAS_TEXT);
    db_int(q, 1, message);
    (void)db_run(h->db, q);
}

enum err search_index(struct history *h, uint32_t n, bool *more)
{
    struct db *d = h->db;
    int64_t upto = 0, to = 0, last = 0;
    *more = false;
    d->err = ERR_OK;
    sqlite3_stmt *q = db_sql(d, "SELECT upto, coalesce((SELECT max(id) FROM message), 0) FROM indexed");
    if (db_row(d, q)) {
        upto = db_get_int(q, 0);
        last = db_get_int(q, 1);
    }
    db_done(q);
    if (d->err != ERR_OK || last <= upto) return d->err;
    db_begin_lazy(d);
    q = db_sql(d, "SELECT coalesce(max(id), ?1) FROM (SELECT id FROM message WHERE id > ?1 ORDER BY id LIMIT ?2)");
    db_int(q, 1, upto);
    db_int(q, 2, n);
    if (db_row(d, q)) to = db_get_int(q, 0);
    db_done(q);
    q = db_sql(d, "INSERT INTO search(rowid, chat, body) SELECT id, chat, body FROM message WHERE id > ?1 AND id <= ?2 "
                  "AND " HAS_TEXT);
    db_int(q, 1, upto);
    db_int(q, 2, to);
    (void)db_run(d, q);
    q = db_sql(d, "UPDATE indexed SET upto = ?1");
    db_int(q, 1, to);
    (void)db_run(d, q);
    *more = to < last;
    return db_commit(d);
}

static bool is_letter(uint8_t c) { return c >= 0x80 || isalnum(c) != 0; }

// Letters of a word, as far as the index counts them.
static size_t letters(struct span w)
{
    size_t n = 0;
    for (size_t i = 0; i < w.n; i++) n += (w.p[i] & 0xc0) != 0x80;
    return n;
}

// An expression of FTS5: each word in quotes, so that nothing in it means anything. How many words. What begins with a single letter would be too much to be
// of use, and slow: the index knows beginnings of two letters and more.
static size_t write_query(const struct search_query *s, struct buf *out)
{
    char chat[40];
    size_t words = 0, i = 0;
    (void)snprintf(chat, sizeof chat, "chat : \"%lld\" AND ", (long long)s->chat);
    if (s->chat != 0) buf_put(out, span_str(chat));
    buf_put(out, span_str("body : ("));
    while (i < s->text.n && words < SEARCH_WORDS_MAX) {
        size_t from = i;
        while (i < s->text.n && is_letter(s->text.p[i])) i++;
        struct span word = span_of(s->text.p + from, i - from);
        if (word.n > 0) {
            buf_put(out, span_str(words > 0 ? " AND \"" : "\""));
            buf_put(out, word);
            buf_put(out, span_str("\""));
            words++;
        }
        if (i == s->text.n && letters(word) > 1) buf_put(out, span_str("*")); // the last word may go on
        i++;
    }
    buf_put(out, span_str(")"));
    return words;
}

struct found {
    search_each *each;
    void *arg;
    struct span snippet;
};

static void pass_on(void *arg, const struct history_message *m)
{
    const struct found *f = arg;
    f->each(f->arg, m, f->snippet);
}

enum err search_run(struct history *h, const struct search_query *s, search_each *each, void *arg)
{
    struct buf text;
    bool more = true;
    enum err e = s->text.n > SEARCH_QUERY_MAX ? ERR_LIMIT : ERR_OK;
    while (e == ERR_OK && more) e = search_index(h, 1000, &more);
    buf_init(&text, 2000);
    if (e == ERR_OK && write_query(s, &text) == 0) e = ERR_INVALID;
    if (e == ERR_OK) e = buf_end(&text);
    sqlite3_stmt *q = e != ERR_OK
                          ? NULL
                          : db_sql(h->db, "SELECT rowid, snippet(search, 1, char(1), char(2), '…', 16) FROM search"
                                          " WHERE search MATCH ?1 AND rowid < ?2 ORDER BY rowid DESC LIMIT ?3");
    db_text(q, 1, buf_span(&text));
    db_int(q, 2, s->before == 0 ? INT64_MAX : s->before);
    db_int(q, 3, s->limit);
    while (e == ERR_OK && db_row(h->db, q)) {
        struct found f = {.each = each, .arg = arg, .snippet = db_get(q, 1)};
        e = list_one(h, db_get_int(q, 0), pass_on, &f);
    }
    db_done(q);
    buf_wipe(&text);
    return e != ERR_OK ? e : h->db->err;
}
