// SPDX-License-Identifier: Apache-2.0
//
// Searching in a vault of its own: what is found, and that nothing is left in the index of what was deleted, a message or a whole conversation.
#include "history/test/shelf.h"

#include <stdio.h>

static void note_found(void *arg, const struct history_message *m, struct span snippet)
{
    char *out = arg;
    size_t at = strlen(out);
    (void)snprintf(out + at, 1000 - at, "%d %.*s\n", (int)m->id, (int)snippet.n, (const char *)snippet.p);
}

static const char *search(struct scene *s, const char *text, int64_t chat)
{
    static char out[1000];
    out[0] = 0;
    const struct search_query q = {.text = span_str(text), .chat = chat, .limit = 10};
    assert_ok(search_run(&s->h, &q, note_found, out));
    return out;
}

static void words_are_found(void **state)
{
    struct scene *s = scene_new();
    char out[1000] = "";
    (void)state;
    add_chat(s, 2);
    db_begin(&s->db);
    (void)put(s, 1, 1, 5, 1, SAY, 0, "Tea at five, with Zoë", NULL);
    (void)put(s, 2, 2, 5, 1, SAY, 0, "tea without cake", NULL);
    (void)put(s, 1, 3, 5, 2, REACT, 1, "tea", NULL);
    must_commit(s);
    assert_string_equal(search(s, "tea", 0), "2 \1tea\2 without cake\n1 \1Tea\2 at five, with Zoë\n");
    assert_string_equal(search(s, "zo", 0),
                        "1 Tea at five, with \1Zoë\2\n");    // the beginning of a word, whatever its marks
    assert_string_equal(search(s, "tea \"NOT cak*", 0), ""); // nothing in it is an operator
    assert_string_equal(search(s, "cake tea", 1), "");
    assert_string_equal(search(s, "cake tea", 2), "2 \1tea\2 without \1cake\2\n");
    const struct search_query none = {.text = span_str(" -- "), .limit = 10};
    assert_int_equal(search_run(&s->h, &none, note_found, out), ERR_INVALID);
    db_begin(&s->db); // what changes, changes there, too
    (void)put(s, 1, 4, 5, 3, EDIT, 1, "Coffee at five", NULL);
    (void)put(s, 2, 5, 5, 2, DELETE, 2, "", NULL);
    must_commit(s);
    assert_string_equal(search(s, "tea", 0), "");
    assert_string_equal(search(s, "five", 1), "1 Coffee at \1five\2\n");
    scene_free(s);
}

static int64_t count(struct scene *s, const char *sql)
{
    s->db.err = ERR_OK;
    sqlite3_stmt *q = db_sql(&s->db, sql);
    int64_t n = db_row(&s->db, q) ? db_get_int(q, 0) : -1;
    db_done(q);
    return n;
}

static void note_talk(void *arg, const struct history_chat *c)
{
    struct history_chat *out = arg;
    if (c->id != out->id) return;
    *out = *c;
    out->draft = span_of(NULL, c->draft.n); // its bytes are gone by then
}

static struct history_chat talk(struct scene *s, int64_t chat)
{
    struct history_chat c = {.id = chat};
    assert_ok(talk_list(&s->h, chat, note_talk, &c));
    return c;
}

// How often a word stands in the pages of the index, deleted or not.
static int64_t raw(struct scene *s, const char *word)
{
    char sql[200];
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM search_data WHERE instr(block, CAST('%.30s' AS BLOB)) > 0",
                   word);
    sqlite3_stmt *q = NULL;
    assert_int_equal(sqlite3_prepare_v2(s->db.h, sql, -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(q, 0);
    (void)sqlite3_finalize(q);
    return n;
}

static void a_large_conversation_leaves_no_words(void **state)
{
    struct scene *s = scene_new();
    char text[100];
    bool more = true;
    unsigned steps = 0;
    (void)state;
    add_chat(s, 2);
    db_begin(&s->db);
    for (unsigned i = 1; i <= 3000; i++) {
        (void)snprintf(text, sizeof text, "tide %u %s", i, i % 2 == 0 ? "zanderfang" : "quappenfang");
        (void)put(s, 1 + i % 2, i, 5, i, SAY, 0, text, NULL);
    }
    must_commit(s);
    while (more) assert_ok(search_index(&s->h, 100, &more)); // in pieces, as it comes about
    assert_true(raw(s, "zanderfang") > 0 && raw(s, "quappenfang") > 0);
    assert_ok(search_shed(&s->h, &more));
    assert_false(more); // there is nothing to do
    db_begin(&s->db);
    history_clear(&s->h, 1);
    must_commit(s);
    assert_string_equal(search(s, "zander", 0), "");
    for (more = true; more; steps++) assert_ok(search_shed(&s->h, &more));
    assert_in_range(steps, 2, 1000);
    assert_int_equal(raw(s, "zanderfang"), 0);
    assert_true(raw(s, "quappenfang") > 0);
    assert_string_equal(search(s, "tide 2999", 0), "2999 \1tide\2 \1"
                                                   "2999\2 quappenfang\n");
    assert_int_equal(count(s, "SELECT v FROM search_config WHERE k = 'secure-delete'"), 1);
    assert_int_equal(
        sqlite3_exec(s->db.h, "INSERT INTO search(search, rank) VALUES('integrity-check', 1)", NULL, NULL, NULL),
        SQLITE_OK);
    scene_free(s);
}

static void a_conversation_is_cleared(void **state)
{
    struct scene *s = scene_new();
    (void)state;
    add_chat(s, 2);
    db_begin(&s->db);
    (void)put(s, 1, 1, 5, 1, SAY, 0, "Tea at five, with Zoë", NULL);
    (void)put(s, 1, 2, 5, 2, REACT, 1, "tea", NULL);
    (void)put(s, 1, 3, 0, 3, SAY, 0, "tea it is", NULL);
    (void)put(s, 2, 4, 5, 1, SAY, 0, "tea without cake", NULL);
    status_owe(&s->h, 1, 1);
    assert_ok(talk_draft(&s->h, 1, span_str("tea, or")));
    assert_ok(talk_set(&s->h, 1, TALK_PINNED, 1));
    must_commit(s);
    assert_string_equal(search(s, "zoe", 0), "1 Tea at five, with \1Zoë\2\n"); // all of it is in the index now
    db_begin(&s->db);
    (void)put(s, 1, 5, 5, 4, SAY, 0, "tea, once more", NULL); // and this is not
    history_clear(&s->h, 1);
    talk_hide(&s->h, 1);
    must_commit(s);
    assert_string_equal(search(s, "tea", 0), "4 \1tea\2 without cake\n");
    assert_string_equal(search(s, "zoe", 0), "");
    assert_int_equal(count(s, "SELECT count(*) FROM message WHERE chat = 1"), 0);
    assert_int_equal(count(s, "SELECT count(*) FROM message"), 1);
    assert_int_equal(count(s, "SELECT (SELECT count(*) FROM reaction) + (SELECT count(*) FROM owed)"), 0);
    assert_int_equal(
        sqlite3_exec(s->db.h, "INSERT INTO search(search, rank) VALUES('integrity-check', 1)", NULL, NULL, NULL),
        SQLITE_OK); // the index has the words of what is there, and no others
    struct history_chat c = talk(s, 1);
    assert_true(c.hidden && !c.pinned && c.unread == 0 && c.last.message == 0 && c.draft.n == 0);
    // What has happened is nothing that somebody says; then somebody does.
    db_begin(&s->db);
    (void)history_notice(&s->h, 1, 5, 5, 5, "device", 0, span_of(NULL, 0));
    must_commit(s);
    assert_true(talk(s, 1).hidden);
    db_begin(&s->db);
    (void)put(s, 1, 6, 5, 6, SAY, 0, "are you there?", NULL);
    must_commit(s);
    assert_true(!talk(s, 1).hidden && talk(s, 1).unread == 1);
    assert_true(!talk(s, 2).hidden && talk(s, 2).unread == 1);
    scene_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_found),
        cmocka_unit_test(a_conversation_is_cleared),
        cmocka_unit_test(a_large_conversation_leaves_no_words),
    };
    return unit_run("search", tests);
}
