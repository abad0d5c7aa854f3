// SPDX-License-Identifier: Apache-2.0
//
// Sabotage from inside: a member leaves a group's log with a key that nobody can derive. The others go on at another log, to which an
// admin leads them by the recovery log; nothing that was said is lost, and whoever did it is put out.
#include "town.h"

enum { PEOPLE = 4, MALLORY = 3 };

static int64_t chat_of(struct town *t, size_t i) { return newest(&t->person[i]).id; }
static struct chat *state_of(struct town *t, size_t i) { return chat_find(t->person[i].e, chat_of(t, i)); }

static bool all_are_joined(struct town *t)
{
    for (size_t i = 0; i < PEOPLE; i++) {
        if (newest(&t->person[i]).members != PEOPLE || newest(&t->person[i]).epoch != newest(&t->person[0]).epoch)
            return false;
    }
    return is_quiet(t);
}

// Alice is the admin; the last is Mallory.
static struct town *four_in_a_group(void)
{
    struct town *t = town_open(PEOPLE);
    int64_t contacts[PEOPLE - 1], chat = 0;
    for (size_t i = 1; i < PEOPLE; i++) contacts[i - 1] = meet(t, i, 0, INVITE_PERSONAL);
    assert_ok(engine_group(t->person[0].e, span_str("Tea"), contacts, PEOPLE - 1, &chat));
    wait_for(t, all_are_joined);
    return t;
}

static size_t wanted;
static bool the_honest_have_read_it(struct town *t)
{
    for (size_t i = 0; i < MALLORY; i++) {
        struct seen s = read_chat(&t->person[i], chat_of(t, i));
        if (s.n < wanted || s.queued || engine_waiting(t->person[i].e) > 0) return false;
    }
    return true;
}

static void read_by_all(struct town *t, size_t n)
{
    wanted = n;
    wait_for(t, the_honest_have_read_it);
    for (size_t i = 0; i < MALLORY; i++) assert_int_equal(read_chat(&t->person[i], chat_of(t, i)).n, n);
}

// ------------------------------------------------------------------------------------------------------------- Mallory

static const uint8_t no_key[WIRE_HASH] = {0x5a, 1, 2, 3}; // the hash of nothing that anybody knows

static bool the_log_is_moved_on;
static void on_advanced(void *arg, const struct wire_reply *r)
{
    (void)arg;
    assert_non_null(r);
    assert_int_equal(r->type, WIRE_R_APPENDED);
    the_log_is_moved_on = true;
}
static bool is_moved_on(struct town *t)
{
    (void)t;
    return the_log_is_moved_on;
}

// What Mallory puts there is no message of the group at all.
static void ruin_by_nonsense(struct town *t)
{
    struct chat *c = state_of(t, MALLORY);
    const struct wire_request r = {.type = WIRE_LOG_ADVANCE,
                                   .log = c->log,
                                   .key = c->log_key,
                                   .epoch = c->log_epoch,
                                   .payload = span_str("nonsense"),
                                   .new_hash = no_key};
    the_log_is_moved_on = false;
    assert_ok(link_ask(c->peer->link, &r, on_advanced, NULL));
    wait_for(t, is_moved_on);
}

// It is a commit that everybody merges: a fresh leaf of Mallory's.
static void ruin_by_commit(struct town *t)
{
    struct chat *c = state_of(t, MALLORY);
    struct engine *e = c->e;
    struct mls_commit made = {0};
    const struct mls_commit_params params = {.tree_in_welcome = true};
    assert_ok(mls_group_commit(chat_group(c), &params, &made));
    const struct wire_request r = {.type = WIRE_LOG_ADVANCE,
                                   .log = c->log,
                                   .key = c->log_key,
                                   .epoch = c->log_epoch,
                                   .payload = buf_of(&made.message),
                                   .new_hash = no_key};
    the_log_is_moved_on = false;
    assert_ok(link_ask(c->peer->link, &r, on_advanced, NULL));
    wait_for(t, is_moved_on);
    engine_close(e); // as Mallory's own program the engine would be surprised at what it has said
    t->person[MALLORY].e = NULL;
    mls_commit_free(&made);
}

static int64_t warned_of;
static void find_suspect(void *arg, const struct engine_warning *w)
{
    static const char words[] = "let nobody read on any more";
    size_t *n = arg;
    char text[1000];
    (void)snprintf(text, sizeof text, "%.*s", (int)w->text.n, (const char *)w->text.p);
    if (strstr(text, words) == NULL) return;
    warned_of = w->contact;
    (*n)++;
}

static bool mallory_is_out(struct town *t)
{
    for (size_t i = 0; i < MALLORY; i++) {
        if (newest(&t->person[i]).members != PEOPLE - 1 || engine_waiting(t->person[i].e) > 0) return false;
    }
    return true;
}

static void the_others_go_on(void (*ruin)(struct town *t), bool known)
{
    struct town *t = four_in_a_group();
    uint8_t log[32];
    size_t told = 0;
    say(&t->person[0], chat_of(t, 0), "before");
    say(&t->person[1], chat_of(t, 1), "and before");
    read_by_all(t, 2);
    memcpy(log, state_of(t, 0)->log, 32);
    ruin(t);
    for (size_t i = 0; i < MALLORY; i++) say(&t->person[i], chat_of(t, i), "after");
    read_by_all(t, 5);
    for (size_t i = 1; i < MALLORY; i++) assert_memory_equal(state_of(t, i)->log, state_of(t, 0)->log, 32);
    assert_memory_not_equal(state_of(t, 0)->log, log, 32);
    assert_ok(engine_warnings(t->person[0].e, find_suspect, &told));
    assert_int_equal(told, 1);
    const int64_t mallory = contact_of_person(&t->person[0], &t->person[2]).id + 1;
    assert_int_equal(warned_of, known ? mallory : 0);
    assert_ok(engine_remove(t->person[0].e, chat_of(t, 0), mallory));
    wait_for(t, mallory_is_out);
    say(&t->person[2], chat_of(t, 2), "without Mallory");
    read_by_all(t, 6);
    town_reopen(t); // and all of that stands in the vaults
    say(&t->person[1], chat_of(t, 1), "again");
    read_by_all(t, 7);
    town_close(t);
}

static void a_key_that_nobody_has_behind_nonsense(void **state)
{
    (void)state;
    the_others_go_on(ruin_by_nonsense, false);
}

static void a_key_that_nobody_has_behind_a_commit(void **state)
{
    (void)state;
    the_others_go_on(ruin_by_commit, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_that_nobody_has_behind_nonsense),
        cmocka_unit_test(a_key_that_nobody_has_behind_a_commit),
    };
    return unit_run("recover", tests);
}
