// SPDX-License-Identifier: Apache-2.0
//
// Files between people: engines and a relay in one process. What is fetched unasked and what is not, ends of engines on the way, files that go with
// their messages, senders that lie, and blobs that are gone.
#include "town.h"

#include "client/file.h"

#include <unistd.h>

enum { SMALL = 100000, LARGE = 9000000 }; // of which the second is not fetched unasked

static struct {
    int64_t file[2], chat[2]; // of the newest file, and the conversation, by person
    enum files_state state[2], wanted;
    size_t n[2]; // how many there are
    struct files_info info[2];
    char name[2][300], why[2][300], text[2][300], type[2][300]; // spans in `info` are gone
} now;

static uint8_t byte_at(size_t i) { return (uint8_t)(i * 2654435761u >> 24 ^ i); }

static void make_file(struct town *t, const char *name, size_t n, char path[200])
{
    (void)snprintf(path, 200, "%s/%s", t->folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (size_t i = 0; i < n; i++) assert_int_not_equal(fputc(byte_at(i), f), EOF);
    assert_int_equal(fclose(f), 0);
}

static void note(void *arg, const struct files_info *i)
{
    size_t k = *(size_t *)arg;
    if (now.n[k]++ > 0) return; // the newest comes first
    now.file[k] = i->id;
    now.state[k] = i->state;
    now.info[k] = *i;
    (void)snprintf(now.name[k], sizeof now.name[k], "%s", i->name);
    (void)snprintf(now.why[k], sizeof now.why[k], "%s", i->why);
    (void)snprintf(now.type[k], sizeof now.type[k], "%.*s", (int)i->attach.type.n, (const char *)i->attach.type.p);
    (void)snprintf(now.text[k], sizeof now.text[k], "%.*s", (int)i->attach.text.n, (const char *)i->attach.text.p);
}

static void look(struct town *t)
{
    for (size_t k = 0; k < 2; k++) {
        now.n[k] = 0;
        now.file[k] = 0;
        now.state[k] = 0;
        if (t->person[k].e == NULL) continue;
        const struct files_query q = {.limit = 100};
        assert_ok(files_list(engine_files(t->person[k].e), &q, note, &k));
    }
}

static bool both_have_chats(struct town *t)
{
    for (size_t k = 0; k < 2; k++) now.chat[k] = newest(&t->person[k]).id;
    return now.chat[0] != 0 && now.chat[1] != 0 && newest(&t->person[0]).members == 2 && is_quiet(t);
}

static struct town *two_friends(void)
{
    struct town *t = town_open(2);
    (void)meet(t, 0, 1, INVITE_PERSONAL);
    wait_for(t, both_have_chats);
    return t;
}

static int64_t send_as(struct town *t, const char *path, const char *name, const struct attach_media *m)
{
    const char *why = "";
    int64_t file = 0;
    struct engine_file f = {.chat = now.chat[0], .path = path, .name = span_str(name), .text = span_str("Look")};
    if (m != NULL) f.media = *m;
    if (engine_file_send(t->person[0].e, &f, &file, &why) != ERR_OK) fail_msg("%s", why);
    return file;
}

static bool bob_has(struct town *t)
{
    look(t);
    if (now.state[1] == FILES_FAILED && now.wanted != FILES_FAILED) fail_msg("%s", now.why[1]);
    return now.state[1] == now.wanted;
}

static void bob_comes_to(struct town *t, enum files_state state)
{
    now.wanted = state;
    wait_for(t, bob_has);
}

static void assert_read(struct person *p, int64_t file, size_t n)
{
    struct transfer_reader *r = NULL;
    struct buf b;
    buf_init(&b, n);
    assert_ok(files_read(engine_files(p->e), file, &r));
    assert_int_equal(transfer_reader_size(r), n);
    for (size_t before = 1; b.n != before;) {
        before = b.n;
        assert_ok(transfer_reader_read(r, b.n, &b));
    }
    assert_int_equal(b.n, n);
    for (size_t i = 0; i < n; i++) assert_int_equal(b.p[i], byte_at(i));
    transfer_reader_free(r);
    buf_wipe(&b);
}

static void assert_nothing_to_read(struct person *p, int64_t file)
{
    struct transfer_reader *r = NULL;
    const char *why = "";
    assert_int_equal(files_read(engine_files(p->e), file, &r), ERR_REFUSED);
    assert_int_equal(files_save(engine_files(p->e), file, "/tmp", false, &why), ERR_REFUSED);
    assert_non_null(strstr(why, "fetch it first"));
}

static uint64_t stored(struct person *p)
{
    struct engine_storage s;
    engine_storage(p->e, &s);
    assert_true(s.vault > 0 && s.free > 0);
    return s.files;
}

// --------------------------------------------------------------------------------------------------------------- tests

static void a_small_file_comes_unasked(void **state)
{
    struct town *t = two_friends();
    char path[200];
    uint8_t wave[3] = {1, 2, 3};
    const struct attach_media m = {.voice = true, .duration = 5000, .waveform = span_of(wave, 3)};
    (void)state;
    make_file(t, "tea\n.ogg", SMALL, path);
    (void)send_as(t, path, "", &m);
    look(t);
    assert_int_equal(now.info[0].message, 0); // no message before it is at the relay
    bob_comes_to(t, FILES_HERE);
    assert_string_equal(now.name[1], "tea.ogg");
    assert_string_equal(now.text[1], "Look");
    assert_true(now.info[1].attach.media.voice && now.info[1].attach.media.duration == 5000);
    assert_int_equal(now.info[1].attach.media.waveform.n, 3);
    assert_string_equal(now.type[1], "audio/ogg");
    assert_read(&t->person[1], now.file[1], SMALL);
    wait_for(t, is_quiet);
    look(t);
    assert_true(now.info[0].message != 0 && now.info[0].sender == 0 && now.state[0] == FILES_OFFERED);
    assert_string_equal(read_chat(&t->person[0], now.chat[0]).text, "I: Look\n");
    assert_string_equal(read_chat(&t->person[1], now.chat[1]).text, "Look\n");
    town_close(t);
}

static bool alice_has_said(struct town *t)
{
    look(t);
    return now.info[0].message != 0 && now.n[1] > 0;
}

static unsigned cuts;
static bool cut_again(struct town *t)
{
    look(t);
    if (now.info[0].message != 0 && now.state[1] == FILES_HERE) return true;
    if (cuts < 8) { // both are ended and begun again on the way
        cuts++;
        town_reopen(t);
    }
    return false;
}

static void ends_on_the_way_change_nothing(void **state)
{
    struct town *t = two_friends();
    char path[200];
    (void)state;
    assert_ok(files_set_policy(engine_files(t->person[1].e), FILE_MAX));
    make_file(t, "a film.mp4", LARGE, path);
    (void)send_as(t, path, "", NULL);
    cuts = 0;
    wait_for(t, cut_again);
    assert_true(cuts > 0);
    assert_read(&t->person[1], now.file[1], LARGE);
    assert_int_equal(now.n[1], 1);
    assert_string_equal(read_chat(&t->person[1], now.chat[1]).text, "Look\n"); // once
    town_close(t);
}

static void a_large_file_is_fetched_when_it_is_asked_for(void **state)
{
    struct town *t = two_friends();
    char path[200];
    uint64_t freed = 0;
    (void)state;
    make_file(t, "a film.mp4", LARGE, path);
    (void)send_as(t, path, "", NULL);
    wait_for(t, alice_has_said);
    assert_int_equal(now.state[1], FILES_OFFERED);
    assert_nothing_to_read(&t->person[1], now.file[1]);
    struct files *f = engine_files(t->person[1].e);
    assert_ok(files_fetch(f, now.file[1]));
    assert_ok(files_pause(f, now.file[1]));
    look(t);
    assert_int_equal(now.state[1], FILES_PAUSED);
    assert_ok(files_fetch(f, now.file[1])); // goes on
    bob_comes_to(t, FILES_HERE);
    assert_true(stored(&t->person[1]) >= LARGE);
    assert_ok(files_clear(f, now.chat[1] + 1, &freed));
    assert_true(freed == 0);
    assert_ok(files_clear(f, now.chat[1], &freed));
    assert_true(freed == LARGE && stored(&t->person[1]) == 0);
    bob_comes_to(t, FILES_OFFERED);
    assert_ok(files_fetch(f, now.file[1])); // and again
    bob_comes_to(t, FILES_HERE);
    assert_ok(files_cancel(f, now.file[1]));
    bob_comes_to(t, FILES_OFFERED);
    assert_int_equal(files_fetch(f, 99), ERR_NOT_FOUND);
    town_close(t);
}

static bool it_is_gone(struct town *t)
{
    look(t);
    return now.n[0] == 0 && now.n[1] == 0 && is_quiet(t);
}

static void a_deleted_message_takes_its_file_along(void **state)
{
    struct town *t = two_friends();
    char path[200];
    int64_t message = 0;
    (void)state;
    make_file(t, "tea.jpg", SMALL, path);
    (void)send_as(t, path, "", NULL);
    bob_comes_to(t, FILES_HERE);
    wait_for(t, is_quiet);
    look(t);
    assert_ok(engine_act(t->person[0].e, now.chat[0], now.info[0].message, ENGINE_DELETE, span_of(NULL, 0), &message));
    wait_for(t, it_is_gone);
    assert_true(stored(&t->person[1]) == 0);
    town_close(t);
}

static bool bob_is_quiet(struct town *t) { return engine_waiting(t->person[1].e) == 0; }

// On this device: the others have theirs, and the relay has it for them.
static void a_deleted_conversation_takes_its_files_along(void **state)
{
    struct town *t = two_friends();
    char path[200], other[200];
    const char *why = "";
    int64_t file = 0;
    (void)state;
    make_file(t, "tea.jpg", SMALL, path);
    (void)send_as(t, path, "", NULL);
    bob_comes_to(t, FILES_HERE);
    wait_for(t, is_quiet);
    make_file(t, "cake.jpg", LARGE, other);
    const struct engine_file f = {.chat = now.chat[1], .path = other};
    assert_ok(engine_file_send(t->person[1].e, &f, &file, &why));
    assert_ok(files_pause(engine_files(t->person[1].e), file)); // on its way
    assert_ok(engine_chat_delete(t->person[1].e, now.chat[1]));
    look(t);
    assert_int_equal(now.n[1], 0);
    assert_true(stored(&t->person[1]) == 0);
    wait_for(t, bob_is_quiet);
    town_reopen(t);
    wait_for(t, is_quiet);
    look(t);
    assert_int_equal(now.n[0], 1);
    assert_string_equal(read_chat(&t->person[0], now.chat[0]).text, "I: Look\n"); // it was never said
    // and what Alice has sent she can delete here, too: Bob, who has not fetched it yet, still can
    make_file(t, "nuts.jpg", LARGE, path);
    (void)send_as(t, path, "", NULL);
    bob_comes_to(t, FILES_OFFERED);
    wait_for(t, is_quiet);
    assert_ok(engine_chat_delete(t->person[0].e, now.chat[0]));
    wait_for(t, is_quiet);
    look(t);
    assert_ok(files_fetch(engine_files(t->person[1].e), now.info[1].id));
    bob_comes_to(t, FILES_HERE);
    town_close(t);
}

static uint8_t said[CONTENT_MESSAGE_MAX];
static size_t said_n;
static bool said_answers;
static void note_said(void *arg, const struct history_message *m)
{
    (void)arg;
    assert_true(m->content.n > 0);
    said_answers = m->about.n == CONTENT_ID;
    memcpy(said, m->content.p, said_n = m->content.n);
}

static bool bob_has_none(struct town *t)
{
    look(t);
    return now.n[1] == 0;
}

// From the vault and from the disk of who has read it.
static void what_ends_takes_its_file_along(void **state)
{
    struct town *t = two_friends();
    char path[200];
    const char *why = "";
    int64_t file = 0, answered = 0;
    (void)state;
    say(&t->person[0], now.chat[0], "Show me");
    wait_for(t, is_quiet);
    answered = newest(&t->person[0]).last.message;
    make_file(t, "tea.jpg", SMALL, path);
    const struct engine_file f = {.chat = now.chat[0], .path = path, .answers = answered, .lives = 1};
    if (engine_file_send(t->person[0].e, &f, &file, &why) != ERR_OK) fail_msg("%s", why);
    bob_comes_to(t, FILES_HERE);
    assert_ok(engine_message(t->person[1].e, now.chat[1], now.info[1].message, note_said, NULL));
    assert_true(said_answers);
    wait_for(t, is_quiet);
    assert_int_equal(now.n[0], 1);
    assert_ok(engine_read(t->person[1].e, now.chat[1], now.info[1].message));
    wait_for(t, bob_has_none);
    assert_true(stored(&t->person[1]) == 0);
    assert_string_equal(read_chat(&t->person[1], now.chat[1]).text, "Show me\n");
    town_close(t);
}

static void one_that_is_given_up_is_never_said(void **state)
{
    struct town *t = two_friends();
    char path[200];
    (void)state;
    make_file(t, "tea.jpg", LARGE, path);
    int64_t file = send_as(t, path, "", NULL);
    assert_ok(files_pause(engine_files(t->person[0].e), file));
    look(t);
    assert_int_equal(now.state[0], FILES_PAUSED);
    assert_int_equal(files_fetch(engine_files(t->person[0].e), file), ERR_REFUSED);
    assert_ok(files_cancel(engine_files(t->person[0].e), file));
    wait_for(t, it_is_gone);
    say(&t->person[0], now.chat[0], "never mind");
    wait_for(t, is_quiet);
    assert_string_equal(read_chat(&t->person[1], now.chat[1]).text, "never mind\n");
    town_close(t);
}

// ------------------------------------------------------------------------------------------------------------ lies

// Alice says once more what she has said, with something about the file changed.
static void lie(struct town *t, int how)
{
    static struct content c;
    struct attach a;
    uint8_t memory[ATTACH_MEMORY];
    int64_t message = 0;
    struct buf b;
    look(t);
    assert_ok(engine_message(t->person[0].e, now.chat[0], now.info[0].message, note_said, NULL));
    assert_ok(content_decode(span_of(said, said_n), &c));
    assert_ok(attach_read(&c, &a));
    if (how == 0) a.size++;
    if (how == 1) a.size -= FILE_CHUNK;
    if (how == 2) a.digest[5] ^= 1;
    if (how == 3) a.key.key[5] ^= 1;
    if (how == 4) a.blob[5] ^= 1;
    buf_init(&b, CONTENT_MESSAGE_MAX);
    c.salt[0] = (uint8_t)(how + 1);
    assert_ok(attach_fill(&a, memory, &c));
    assert_ok(content_encode(&c, &b));
    assert_ok(engine_say(t->person[0].e, now.chat[0], buf_span(&b), &message));
    buf_wipe(&b);
}

static void what_a_liar_sends_is_never_shown(void **state)
{
    static const char *const words[] = {"not the file that was sent", "not the file that was sent",
                                        "not the file that was sent", "not the file that was sent",
                                        "not on the relay any more"};
    struct town *t = two_friends();
    char path[200];
    (void)state;
    make_file(t, "tea.jpg", SMALL, path);
    (void)send_as(t, path, "", NULL);
    bob_comes_to(t, FILES_HERE);
    wait_for(t, is_quiet);
    for (int how = 0; how < 5; how++) {
        lie(t, how);
        bob_comes_to(t, FILES_FAILED);
        if (strstr(now.why[1], words[how]) == NULL) fail_msg("lie %d: %s", how, now.why[1]);
        assert_nothing_to_read(&t->person[1], now.file[1]);
        assert_ok(files_cancel(engine_files(t->person[1].e), now.file[1]));
        bob_comes_to(t, FILES_OFFERED);
    }
    assert_true(stored(&t->person[1]) < 2 * SMALL); // of the lies nothing stays
    town_close(t);
}

static void strangers_fetch_nothing_here(void **state)
{
    struct town *t = two_friends();
    char path[200];
    struct buf b;
    static struct content c;
    struct attach a;
    uint8_t memory[ATTACH_MEMORY];
    int64_t message = 0;
    (void)state;
    make_file(t, "tea.jpg", SMALL, path);
    (void)send_as(t, path, "", NULL);
    bob_comes_to(t, FILES_HERE);
    wait_for(t, is_quiet);
    look(t);
    assert_ok(engine_message(t->person[0].e, now.chat[0], now.info[0].message, note_said, NULL));
    assert_ok(content_decode(span_of(said, said_n), &c));
    assert_ok(attach_read(&c, &a));
    a.relay = span_str("nonsense"); // where the sender could see who fetches it
    buf_init(&b, CONTENT_MESSAGE_MAX);
    assert_ok(attach_fill(&a, memory, &c));
    assert_ok(content_encode(&c, &b));
    assert_ok(engine_say(t->person[0].e, now.chat[0], buf_span(&b), &message));
    buf_wipe(&b);
    bob_comes_to(t, FILES_OFFERED);
    assert_int_equal(files_fetch(engine_files(t->person[1].e), now.file[1]), ERR_INVALID);
    town_close(t);
}

static void what_cannot_be_sent_is_refused_in_words(void **state)
{
    struct town *t = two_friends();
    const char *why = "";
    char path[200];
    int64_t file = 0;
    struct engine_file f = {.chat = now.chat[0], .path = "/nowhere/tea"};
    (void)state;
    assert_int_equal(engine_file_send(t->person[0].e, &f, &file, &why), ERR_NOT_FOUND);
    assert_non_null(strstr(why, "no such file"));
    f.chat = 99;
    assert_int_equal(engine_file_send(t->person[0].e, &f, &file, &why), ERR_NOT_FOUND);
    assert_non_null(strstr(why, "no such conversation"));
    f = (struct engine_file){.chat = now.chat[0], .draft = 5};
    assert_int_equal(engine_file_send(t->person[0].e, &f, &file, &why), ERR_NOT_FOUND);
    assert_non_null(strstr(why, "no such upload"));
    make_file(t, "tea", 1, path);
    f = (struct engine_file){.chat = now.chat[0], .path = path, .type = span_str("tea")};
    assert_int_equal(engine_file_send(t->person[0].e, &f, &file, &why), ERR_INVALID);
    assert_non_null(strstr(why, "image/png"));
    assert_int_equal(truncate(path, (off_t)3 << 30), 0); // more than this relay takes, and nothing on the disk
    f.type = span_of(NULL, 0);
    assert_int_equal(engine_file_send(t->person[0].e, &f, &file, &why), ERR_LIMIT);
    assert_non_null(strstr(why, "the relay takes files up to"));
    look(t);
    assert_int_equal(now.n[0], 0);
    town_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_file_comes_unasked),
        cmocka_unit_test(ends_on_the_way_change_nothing),
        cmocka_unit_test(a_large_file_is_fetched_when_it_is_asked_for),
        cmocka_unit_test(a_deleted_message_takes_its_file_along),
        cmocka_unit_test(a_deleted_conversation_takes_its_files_along),
        cmocka_unit_test(what_ends_takes_its_file_along),
        cmocka_unit_test(one_that_is_given_up_is_never_said),
        cmocka_unit_test(what_a_liar_sends_is_never_shown),
        cmocka_unit_test(strangers_fetch_nothing_here),
        cmocka_unit_test(what_cannot_be_sent_is_refused_in_words),
    };
    return unit_run("files", tests);
}
