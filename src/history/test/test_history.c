// SPDX-License-Identifier: Apache-2.0
//
// The history in a vault of its own, without engines: what content is taken for, pages, what edits, reactions and deletions make of messages in
// every order (held against a plain model, with a seed that is printed), and the list of conversations.
#include "history/test/shelf.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

// What is shown, a line a message.
struct page {
    char text[100000];
    size_t n, bytes;
    int64_t first, last;
};

static void note(void *arg, const struct history_message *m)
{
    struct page *p = arg;
    if (p->n++ == 0) p->first = m->id;
    p->last = m->id;
    p->bytes += m->content.n;
    size_t at = strlen(p->text);
    at += (size_t)snprintf(p->text + at, sizeof p->text - at, "%u%s %.*s%s",
                           m->mimi == NULL ? 0 : (unsigned)(m->mimi[1] + 256 * m->mimi[2]),
                           m->kind == HISTORY_REPLY    ? ">"
                           : m->kind == HISTORY_NOTICE ? "!"
                                                       : ":",
                           (int)m->body.n, (const char *)m->body.p,
                           (m->flags & HISTORY_DELETED) != 0 ? "(gone)"
                           : m->edited != 0                  ? "(edited)"
                                                             : "");
    for (size_t i = 0; i < m->reactions_n; i++)
        at += (size_t)snprintf(p->text + at, sizeof p->text - at, " %d=%.*s", (int)m->reactions[i].sender,
                               (int)m->reactions[i].body.n, (const char *)m->reactions[i].body.p);
    (void)snprintf(p->text + at, sizeof p->text - at, "\n");
}

static const char *read_page(struct scene *s, const struct history_page *page, struct page *out)
{
    *out = (struct page){0};
    assert_ok(history_list(&s->h, page, note, out));
    return out->text;
}

static const char *read_chat(struct scene *s)
{
    static struct page p;
    return read_page(s, &(struct history_page){.chat = 1}, &p);
}

// -------------------------------------------------------------------------------------------------------------- tests

static enum history_kind shape_of(const struct content *c, struct history_shape *out)
{
    static struct buf b;
    buf_wipe(&b);
    buf_init(&b, CONTENT_MESSAGE_MAX);
    assert_ok(content_encode(c, &b));
    assert_ok(history_shape(buf_span(&b), out));
    enum history_kind k = out->kind;
    assert_true(out->readable);
    return k;
}

static void content_has_a_kind(void **state)
{
    static struct content c;
    const uint8_t salt[CONTENT_SALT] = {1};
    struct history_shape s;
    char long_text[100];
    (void)state;
    content_init(&c, salt, CONTENT_RENDER, CONTENT_TYPE_MARKDOWN, span_str("tea"));
    assert_int_equal(shape_of(&c, &s), HISTORY_TEXT);
    c.expires = true;
    c.expires_at = 77;
    assert_int_equal(shape_of(&c, &s), HISTORY_TEXT);
    assert_int_equal(s.expires, 77000);
    c.expires_after_reading = true;
    assert_int_equal(shape_of(&c, &s), HISTORY_TEXT);
    assert_int_equal(s.lives, 77);
    c.replies = true;
    assert_int_equal(shape_of(&c, &s), HISTORY_REPLY);
    c.parts[0].disposition = CONTENT_REACTION;
    assert_int_equal(shape_of(&c, &s), HISTORY_REACTION);
    memset(long_text, 'x', sizeof long_text);
    c.parts[0].body = span_of(long_text, sizeof long_text);
    assert_int_equal(shape_of(&c, &s), HISTORY_UNKNOWN); // not an emoji
    content_init(&c, salt, CONTENT_RENDER, "image/png", span_str("png"));
    assert_int_equal(shape_of(&c, &s), HISTORY_UNKNOWN);
    assert_true(span_eq(s.type, span_str("image/png")));
    content_init(&c, salt, CONTENT_RENDER, "text/plain", span_of("\xff\xfe", 2));
    assert_int_equal(shape_of(&c, &s), HISTORY_UNKNOWN); // no UTF-8
    c.parts[0] = (struct content_part){
        .disposition = CONTENT_ATTACHMENT, .cardinality = CONTENT_EXTERNAL, .type = span_str("image/png")};
    c.parts[0].external = (struct content_external){.url = span_str("whimbrel-blob:"), .filename = span_str("tea.png")};
    assert_int_equal(shape_of(&c, &s), HISTORY_FILE);
    assert_true(span_eq(s.body, span_str("tea.png")));
    c.replaces = true;
    assert_int_equal(shape_of(&c, &s), HISTORY_EDIT);
    c.parts[0] = (struct content_part){.disposition = CONTENT_RENDER, .cardinality = CONTENT_NULL};
    assert_int_equal(shape_of(&c, &s), HISTORY_DELETE);
    content_init(&c, salt, CONTENT_UNSPECIFIED, CONTENT_TYPE_STATUS, span_str("x"));
    assert_int_equal(shape_of(&c, &s), HISTORY_STATUS);
    content_init(&c, salt, CONTENT_PROFILE, HISTORY_CARD_TYPE, span_str("x"));
    assert_int_equal(shape_of(&c, &s), HISTORY_CARD);
    assert_ok(history_shape(span_str("no content"), &s));
    assert_int_equal(s.kind, HISTORY_UNKNOWN);
    assert_false(s.readable);
}

static void what_is_about_a_message_goes_into_it(void **state)
{
    struct scene *s = scene_new();
    struct history_effect f;
    (void)state;
    db_begin(&s->db);
    int64_t first = put(s, 1, 1, 5, 1, SAY, 0, "Tea at five", &f);
    assert_true(f.fresh && f.message == first);
    assert_int_equal(put(s, 1, 1, 5, 1, SAY, 0, "Tea at five", &f), 0); // again
    (void)put(s, 1, 2, 6, 2, EDIT, 1, "by somebody else", &f);
    assert_int_equal(f.message, 0);
    (void)put(s, 1, 3, 5, 3, EDIT, 1, "Tea at six", &f);
    assert_true(f.message == first && !f.fresh && !f.gone);
    (void)put(s, 1, 4, 6, 4, REACT, 1, "+", NULL);
    (void)put(s, 1, 5, 6, 5, REACT, 1, "-", NULL);
    (void)put(s, 1, 6, 0, 6, REACT, 1, "!", NULL);
    (void)put(s, 1, 7, 0, 0, ANSWER, 1, "Yes", NULL);
    must_commit(s);
    assert_string_equal(read_chat(s), "1: Tea at six(edited) 6=- 0=!\n7> Yes\n");
    db_begin(&s->db);
    (void)put(s, 1, 8, 6, 7, UNREACT, 5, "", &f);
    assert_int_equal(f.message, first);
    (void)put(s, 1, 9, 0, 8, REACT, 1, "", NULL); // empty: taken back, too
    must_commit(s);
    assert_string_equal(read_chat(s), "1: Tea at six(edited)\n7> Yes\n");
    db_begin(&s->db);
    (void)put(s, 1, 10, 5, 9, DELETE, 1, "", &f);
    assert_true(f.gone && f.message == first);
    must_commit(s);
    assert_string_equal(read_chat(s), "1: (gone)\n7> Yes\n");
    scene_free(s);
}

// Nothing that was said stays in the file: it is looked for in all rows.
static void a_deletion_takes_earlier_texts_along(void **state)
{
    struct scene *s = scene_new();
    struct history_effect f;
    bool more;
    (void)state;
    db_begin(&s->db);
    (void)put(s, 1, 1, 0, 0, SAY, 0, "secretone", NULL);
    (void)put(s, 1, 2, 0, 0, EDIT, 1, "secrettwo", NULL);
    must_commit(s);
    assert_ok(search_index(&s->h, 100, &more));
    db_begin(&s->db);
    (void)put(s, 1, 3, 0, 0, DELETE, 1, "", NULL);
    must_commit(s);
    sqlite3_stmt *q = db_sql(&s->db, "SELECT count(*) FROM message WHERE instr(content, CAST('secret' AS BLOB)) > 0");
    assert_true(db_row(&s->db, q));
    assert_int_equal(db_get_int(q, 0), 2); // they have not left yet: their bytes are needed, and nobody is shown them
    db_done(q);
    assert_string_equal(read_chat(s), "1: (gone)\n");
    db_begin(&s->db);
    for (int i = 1; i <= 3; i++) history_sent(&s->h, i, (uint64_t)i, 9, &f);
    must_commit(s);
    q = db_sql(&s->db, "SELECT (SELECT count(*) FROM message WHERE instr(content, CAST('secret' AS BLOB)) > 0 OR "
                       "instr(body, 'secret') > 0)"
                       " + (SELECT count(*) FROM search WHERE search MATCH 'secret*')"
                       " + (SELECT count(*) FROM search_data WHERE instr(block, CAST('secret' AS BLOB)) > 0)");
    assert_true(db_row(&s->db, q));
    assert_int_equal(db_get_int(q, 0), 0);
    db_done(q);
    scene_free(s);
}

static void pages_go_both_ways(void **state)
{
    struct scene *s = scene_new();
    struct page *p = calloc(1, sizeof *p);
    (void)state;
    add_chat(s, 2);
    db_begin(&s->db);
    for (unsigned i = 1; i <= 100; i++)
        (void)put(s, 1 + i % 2, i, 5, i, i % 10 == 0 ? REACT : SAY, i > 2 ? i - 2 : 0, "x", NULL);
    (void)history_notice(&s->h, 1, 101, 5, 5, "renamed", 0, span_str("Coffee"));
    must_commit(s);
    (void)read_page(s, &(struct history_page){.chat = 1, .limit = 10}, p); // chat 1 has the even ones, without the tens
    assert_true(p->n == 10 && p->first == 2 && p->last == 24);
    int64_t after = p->last;
    (void)read_page(s, &(struct history_page){.chat = 1, .after = after, .limit = 3}, p);
    assert_true(p->n == 3 && p->first == 26 && p->last == 32);
    (void)read_page(s, &(struct history_page){.chat = 1, .before = INT64_MAX, .limit = 3}, p);
    assert_true(p->n == 3 && p->first == 101 && p->last == 96);
    assert_non_null(strstr(p->text, "0! Coffee"));
    (void)read_page(s, &(struct history_page){.chat = 1, .before = 26, .limit = 100}, p);
    assert_true(p->n == 10 && p->first == 24 && p->last == 2);
    (void)read_page(s, &(struct history_page){.chat = 1, .around = 26, .limit = 4}, p);
    assert_true(p->n == 4 && p->first == 22 && p->last == 28);
    (void)read_page(s, &(struct history_page){.chat = 1, .around = 2, .limit = 4}, p); // nothing is before it
    assert_true(p->n == 4 && p->first == 2 && p->last == 8);
    (void)read_page(s, &(struct history_page){.chat = 1, .around = 25, .limit = 4},
                    p); // which is in another conversation
    assert_true(p->n == 4 && p->first == 22 && p->last == 28);
    (void)read_page(s, &(struct history_page){.chat = 1, .date = 1025, .limit = 4},
                    p); // put gives them times above 1000
    assert_true(p->n == 4 && p->first == 22 && p->last == 28);
    (void)read_page(s, &(struct history_page){.chat = 1, .date = 1, .limit = 2}, p);
    assert_true(p->n == 2 && p->first == 2 && p->last == 4);
    (void)read_page(s, &(struct history_page){.chat = 1, .date = 5000, .limit = 4},
                    p); // behind all: half a page before
    assert_true(p->n == 2 && p->last == 101);
    assert_int_equal(history_get(&s->h, 2, 2, note, p), ERR_NOT_FOUND); // it is in another conversation
    assert_ok(history_get(&s->h, 1, 2, note, p));
    free(p);
    scene_free(s);
}

// --------------------------------------------------------------------------------------------------------------- a model

enum { OPS = 60, SENDERS = 3 };
struct op {
    int what;
    unsigned about;
    int64_t sender;
    char text[8];
};

static unsigned next_random(uint64_t *r)
{
    *r = *r * 6364136223846793005U + 1442695040888963407U;
    return (unsigned)(*r >> 33);
}

static void draw(struct op *op, uint64_t *r)
{
    static const int kinds[] = {SAY, SAY, SAY, ANSWER, REACT, REACT, REACT, EDIT, EDIT, DELETE, UNREACT};
    for (unsigned i = 1; i <= OPS; i++) {
        op[i] = (struct op){.what = i < 4 ? SAY : kinds[next_random(r) % 11],
                            .about = 1 + next_random(r) % OPS,
                            .sender = next_random(r) % SENDERS};
        if (op[i].what != REACT || i % 5 != 0) (void)snprintf(op[i].text, sizeof op[i].text, "t%u", i);
    }
}

static bool gone(const struct op *op, unsigned i)
{
    for (unsigned k = 1; k <= OPS; k++) {
        if ((op[k].what == DELETE || op[k].what == UNREACT) && op[k].about == i && op[k].sender == op[i].sender)
            return true;
    }
    return false;
}

// What i says in the end: the last edit by its own sender. Places in the log are the numbers.
static const char *says(const struct op *op, unsigned i, bool *edited)
{
    for (unsigned k = OPS; k >= 1; k--) {
        *edited = op[k].what == EDIT && op[k].about == i && op[k].sender == op[i].sender;
        if (*edited) return op[k].text;
    }
    return op[i].text;
}

static void model_line(const struct op *op, unsigned i, char *out, size_t room)
{
    bool edited, away = gone(op, i);
    const char *text = says(op, i, &edited);
    size_t at = (size_t)snprintf(out, room, "%u%s %s%s", i, op[i].what == ANSWER ? ">" : ":", away ? "" : text,
                                 away     ? "(gone)"
                                 : edited ? "(edited)"
                                          : "");
    unsigned last[SENDERS] = {0};
    for (unsigned k = 1; k <= OPS; k++) {
        if (op[k].what == REACT && op[k].about == i) last[op[k].sender] = k;
    }
    for (unsigned k = 1; k <= OPS && !away; k++) { // in the order of their times, which are their numbers
        if (op[k].what != REACT || last[op[k].sender] != k || op[k].about != i || gone(op, k)) continue;
        text = says(op, k, &edited);
        if (text[0] != 0) at += (size_t)snprintf(out + at, room - at, " %d=%s", (int)op[k].sender, text);
    }
    (void)snprintf(out + at, room - at, "\n");
}

// One's own messages are stored before they have a place in the log.
static void put_shuffled(struct scene *s, const struct op *op, uint64_t *r)
{
    unsigned order[OPS], queued[OPS], n = 0;
    int64_t id[OPS + 1];
    struct history_effect f;
    for (unsigned i = 0; i < OPS; i++) {
        unsigned k = next_random(r) % (i + 1);
        order[i] = order[k];
        order[k] = i + 1;
    }
    for (unsigned i = 0; i < OPS; i++) {
        unsigned k = order[i];
        bool wait = op[k].sender == 0 && next_random(r) % 2 == 0;
        db_begin(&s->db);
        id[k] = put(s, 1, k, op[k].sender, wait ? 0 : k, op[k].what, op[k].about, op[k].text, NULL);
        if (wait) queued[n++] = k;
        while (n > 0 && (next_random(r) % 3 == 0 || i + 1 == OPS)) {
            n--;
            history_sent(&s->h, id[queued[n]], queued[n], 1000 + queued[n], &f);
        }
        must_commit(s);
    }
}

static void any_order_comes_to_the_same(void **state)
{
    const char *given = getenv("SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL), r = seed;
    static struct op op[OPS + 1];
    char line[2000];
    (void)state;
    print_message("# SEED=%llu\n", (unsigned long long)seed);
    for (int round = 0; round < 30; round++) {
        struct scene *s = scene_new();
        size_t places = 0;
        draw(op, &r);
        put_shuffled(s, op, &r);
        static struct page p;
        (void)read_page(s, &(struct history_page){.chat = 1}, &p);
        for (unsigned i = 1; i <= OPS; i++) {
            if (op[i].what > ANSWER) continue;
            places++;
            model_line(op, i, line, sizeof line);
            if (strstr(p.text, line) == NULL)
                fail_msg("round %d of seed %llu: wanted %s in\n%s", round, (unsigned long long)seed, line, p.text);
        }
        assert_int_equal(p.n, places);
        scene_free(s);
    }
}

// --------------------------------------------------------------------------------------------------------------- the list

static void copy_chat(void *arg, const struct history_chat *c) { *(struct history_chat *)arg = *c; }

static void count_chats(void *arg, const struct history_chat *c) { *(size_t *)arg += c->id > 0; }

static void the_list_ends_where_it_is_told(void **state)
{
    struct scene *s = scene_new();
    size_t n = 0;
    (void)state;
    assert_ok(talk_list(&s->h, 0, count_chats, &n));
    assert_true(n > 0);
    for (int64_t limit = 0; limit < 3; limit++) {
        size_t some = 0;
        assert_ok(talk_first(&s->h, limit, count_chats, &some));
        assert_int_equal(some, (size_t)limit < n ? (size_t)limit : n);
    }
    scene_free(s);
}

static void the_list_knows_what_is_unread(void **state)
{
    struct scene *s = scene_new();
    struct history_chat c;
    char text[200];
    (void)state;
    (void)snprintf(text, sizeof text, "[@me]%s is asked", s->h.mention);
    assert_ok(talk_list(&s->h, 1, copy_chat, &c));
    assert_int_equal(c.last.message, 0);
    db_begin(&s->db);
    (void)put(s, 1, 1, 5, 1, SAY, 0, "one", NULL);
    (void)put(s, 1, 2, 5, 2, SAY, 0, text, NULL);
    (void)put(s, 1, 3, 0, 3, SAY, 0, "mine", NULL);
    (void)put(s, 1, 4, 5, 4, REACT, 3, "+", NULL);
    (void)history_notice(&s->h, 1, 5, 5, 5, "added", 6, span_str(""));
    must_commit(s);
    assert_ok(talk_list(&s->h, 1, copy_chat, &c));
    assert_true(c.unread == 2 && c.mentions == 1 && c.last.message == 5 && c.last.whom == 6);
    db_begin(&s->db);
    assert_ok(talk_read(&s->h, 1, 1, 99));
    assert_int_equal(talk_read(&s->h, 9, 1, 99), ERR_NOT_FOUND);
    must_commit(s);
    assert_ok(talk_list(&s->h, 1, copy_chat, &c));
    assert_true(c.unread == 1 && c.mentions == 1 && c.read_to == 1);
    db_begin(&s->db);
    (void)put(s, 1, 6, 5, 6, DELETE, 2, "", NULL);
    history_drop(&s->h, 5);
    must_commit(s);
    assert_ok(talk_list(&s->h, 1, copy_chat, &c));
    assert_int_equal(c.last.message, 3);
    assert_int_equal(talk_list(&s->h, 9, copy_chat, &c), ERR_NOT_FOUND);
    db_begin(&s->db);
    assert_ok(talk_set(&s->h, 1, TALK_MUTED, 55));
    assert_ok(talk_set(&s->h, 1, TALK_PINNED, 1));
    assert_ok(talk_read(&s->h, 1, INT64_MAX, 99)); // not further than there are messages
    assert_ok(history_pin(&s->h, 1, 3, true));
    assert_int_equal(history_pin(&s->h, 1, 2, true), ERR_NOT_FOUND); // it was deleted
    must_commit(s);
    assert_ok(talk_list(&s->h, 1, copy_chat, &c));
    assert_true(c.muted == 55 && c.pinned && !c.archived && c.unread == 0 && c.read_to == 3);
    struct page *p = calloc(1, sizeof *p);
    assert_ok(history_pinned(&s->h, 1, note, p));
    assert_true(p->n == 1 && p->first == 3);
    free(p);
    scene_free(s);
}

// ---------------------------------------------------------------------------------------------------------------- status

static void count_told(void *arg, int64_t message) { *(int64_t *)arg += message; }

// Of a message with a number, by a report.
static int64_t report(struct scene *s, int64_t reader, uint64_t time, unsigned n, enum content_status status)
{
    uint8_t id[CONTENT_ID];
    struct buf b;
    int64_t told = 0;
    id_of(n, id);
    buf_init(&b, CONTENT_MESSAGE_MAX);
    content_put_report(&b, &(struct content_report){.id = id, .status = (uint8_t)status}, 1);
    db_begin(&s->db);
    status_take(&s->h, 1, reader, time, 2, buf_span(&b), count_told, &told);
    must_commit(s);
    buf_wipe(&b);
    return told;
}

static void note_message_state(void *arg, const struct history_message *m) { *(enum message_state *)arg = m->state; }

static enum message_state state_of(struct scene *s, int64_t message)
{
    enum message_state state = 0;
    assert_ok(history_get(&s->h, 1, message, note_message_state, &state));
    return state;
}

static void note_receipts(void *arg, const struct history_receipt *r)
{
    char *out = arg;
    size_t at = strlen(out);
    (void)snprintf(out + at, 200 - at, "%d:%d,%d ", (int)r->reader, (int)r->delivered, (int)r->read);
}

// In a group of three: what two others say.
static void all_have_to_say_so(void **state)
{
    struct scene *s = scene_new();
    char out[200] = "";
    (void)state;
    db_begin(&s->db);
    (void)put(s, 1, 1, 0, 1, SAY, 0, "mine", NULL);
    (void)put(s, 1, 2, 5, 2, SAY, 0, "another's", NULL);
    must_commit(s);
    assert_int_equal(report(s, 5, 10, 1, CONTENT_DELIVERED), 1);
    assert_int_equal(report(s, 5, 11, 1, CONTENT_DELIVERED), 0); // again
    assert_int_equal(state_of(s, 1), MESSAGE_SENT);
    assert_int_equal(report(s, 6, 12, 1, CONTENT_READ), 1);
    assert_int_equal(state_of(s, 1), MESSAGE_DELIVERED);
    assert_int_equal(report(s, 5, 13, 1, CONTENT_READ), 1);
    assert_int_equal(report(s, 5, 14, 1, CONTENT_DELIVERED), 0); // late
    assert_int_equal(state_of(s, 1), MESSAGE_READ);
    assert_int_equal(report(s, 6, 15, 2, CONTENT_READ), 0);   // it is not one's own
    assert_int_equal(report(s, 6, 15, 9, CONTENT_READ), 0);   // there is no such
    assert_int_equal(report(s, 6, 15, 1, CONTENT_HIDDEN), 0); // which says nothing of this
    assert_ok(status_list(&s->h, 1, 1, note_receipts, out));
    assert_string_equal(out, "5:10,13 6:12,12 ");
    db_begin(&s->db); // no report, but bytes
    status_take(&s->h, 1, 5, 1, 2, span_str("no report"), count_told, NULL);
    must_commit(s);
    scene_free(s);
}

static size_t reported(struct scene *s, bool read)
{
    static struct content_report r[CONTENT_STATUS_MAX];
    struct buf b;
    size_t n = 0;
    buf_init(&b, CONTENT_MESSAGE_MAX);
    db_begin(&s->db);
    status_report(&s->h, 1, &b);
    must_commit(s);
    assert_ok(buf_end(&b));
    if (b.n > 0) assert_ok(content_read_report(buf_span(&b), r, CONTENT_STATUS_MAX, &n));
    for (size_t i = 0; i < n; i++) assert_int_equal(r[i].status, read ? CONTENT_READ : CONTENT_DELIVERED);
    buf_wipe(&b);
    return n;
}

// However much is owed, a report fits a message; and what was deleted is owed no more.
static void what_is_owed_fits(void **state)
{
    struct scene *s = scene_new();
    (void)state;
    db_begin(&s->db);
    for (unsigned i = 1; i <= 1200; i++) status_owe(&s->h, 1, put(s, 1, i, 5, i, SAY, 0, "x", NULL));
    must_commit(s);
    assert_int_equal(status_next(&s->h, 0), 1);
    assert_int_equal(reported(s, false), 1000);
    db_begin(&s->db);
    history_drop(&s->h, 1200);
    must_commit(s);
    assert_int_equal(reported(s, false), 199);
    assert_int_equal(reported(s, false), 0);
    assert_int_equal(status_next(&s->h, 0), 0);
    db_begin(&s->db);
    status_owe(&s->h, 1, 20); // which is then read before it was told
    status_owe_read(&s->h, 1, 30);
    assert_ok(talk_read(&s->h, 1, 30, 99));
    must_commit(s);
    assert_int_equal(reported(s, true), 30);
    db_begin(&s->db);
    status_owe_read(&s->h, 1, 40);
    status_forgive(&s->h, 1);
    must_commit(s);
    assert_int_equal(reported(s, true), 0);
    scene_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_has_a_kind),
        cmocka_unit_test(what_is_about_a_message_goes_into_it),
        cmocka_unit_test(a_deletion_takes_earlier_texts_along),
        cmocka_unit_test(pages_go_both_ways),
        cmocka_unit_test(any_order_comes_to_the_same),
        cmocka_unit_test(the_list_ends_where_it_is_told),
        cmocka_unit_test(the_list_knows_what_is_unread),
        cmocka_unit_test(all_have_to_say_so),
        cmocka_unit_test(what_is_owed_fits),
    };
    return unit_run("history", tests);
}
