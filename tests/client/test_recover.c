// SPDX-License-Identifier: Apache-2.0
//
// Sabotage from inside: a member leaves a group's log with a key that nobody can derive. The others go on at another log, to which an
// admin leads them by the recovery log. Or a member makes a change that does not open for everybody. Nothing that was said is lost, and whoever
// did it is put out.
#include "town.h"

#include "group/commit.h"

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

enum { LITTER = 100 };
static int littered, litter_wanted;
static void on_littered(void *arg, const struct wire_reply *r)
{
    (void)arg;
    assert_non_null(r);
    assert_int_not_equal(r->type, WIRE_R_ERROR);
    littered++;
}
static bool is_littered(struct town *t)
{
    (void)t;
    return littered >= litter_wanted;
}

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

// Mallory, who is in the epoch too, is first at the recovery log, and has filled more of it than is read at once.
static void litter(struct town *t)
{
    struct chat *c = state_of(t, MALLORY);
    struct mls_buf secret = {0};
    struct room room;
    struct buf grants;
    struct wire_grant g = {.rights = WIRE_READ | WIRE_APPEND | WIRE_ADVANCE, .to_seq = WIRE_NO_END};
    assert_ok(chat_room(c, &room));
    assert_ok(mls_group_export(c->mls, "Whimbrel recovery log", (struct mls_span){room.recovery, 32}, 64, &secret));
    assert_ok(sha256(c->e, span_of(secret.data + 32, 32), g.hash));
    buf_init(&grants, 256);
    wire_put_grant(&grants, &g);
    const struct wire_request make = {.type = WIRE_LOG_CREATE, .log = secret.data, .grants = buf_span(&grants)};
    assert_ok(link_ask(c->peer->link, &make, on_littered, NULL));
    littered = 0;
    for (int i = 0; i < LITTER; i++) {
        litter_wanted = i + 1;
        if (i % 10 == 0) wait_for(t, is_littered);
        const struct wire_request put = {
            .type = WIRE_LOG_APPEND, .log = secret.data, .key = secret.data + 32, .payload = span_str("nonsense")};
        assert_ok(link_ask(c->peer->link, &put, on_littered, NULL));
    }
    litter_wanted = LITTER + 1;
    wait_for(t, is_littered);
    buf_wipe(&grants);
    mls_buf_free(&secret);
}

// What Mallory puts there is no message of the group at all.
static void ruin_by_nonsense(struct town *t)
{
    struct chat *c = state_of(t, MALLORY);
    litter(t);
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

// ------------------------------------------------------------------------------------------------- a change for some

static size_t joined;
static bool so_many_are_joined(struct town *t)
{
    for (size_t i = 0; i < joined; i++) {
        if (newest(&t->person[i]).members != joined || newest(&t->person[i]).epoch != newest(&t->person[0]).epoch)
            return false;
    }
    return is_quiet(t);
}

// Everybody's leaf is where their number is, and no node of the tree is blank: Alice and Bob share one that Mallory's path is sealed to.
static struct town *four_in_a_row(void)
{
    struct town *t = town_open(PEOPLE);
    int64_t contacts[PEOPLE - 1], chat = 0;
    for (size_t i = 1; i < PEOPLE; i++) contacts[i - 1] = meet(t, i, 0, INVITE_PERSONAL);
    for (size_t i = 1; i < PEOPLE; i++) {
        if (i == 1) assert_ok(engine_group(t->person[0].e, span_str("Tea"), contacts, 1, &chat));
        else assert_ok(engine_add(t->person[0].e, chat, &contacts[i - 1], 1));
        joined = i + 1;
        wait_for(t, so_many_are_joined);
    }
    for (size_t i = 0; i < PEOPLE; i++) {
        struct chat *c = state_of(t, i);
        assert_non_null(chat_group(c));
        assert_int_equal(mls_group_own_index(c->mls), i);
        db_begin(&c->e->db);
        commit_ask(c, &(struct commit_what){.kind = COMMIT_UPDATE});
        assert_ok(db_commit(&c->e->db));
        peer_pump_all(c->e);
        wait_for(t, so_many_are_joined);
    }
    return t;
}

// A commit of Mallory's as anybody would make it, but that one of the secrets in its path is spoilt before it is signed: the last is Alice's and
// Bob's, the one before it Carol's.
static void make_uneven(struct mls_group *g, bool last, struct mls_buf *message)
{
    static const struct secret zero;
    enum { NODE = 33 + 2 + 33 + 49 }; // the last node of the path: its key, and one ciphertext
    struct draft d;
    struct leaf own;
    draft_init(&d, g, (struct committer){SENDER_MEMBER, g->now.keys.leaf});
    assert_int_equal(list_check(g, &d.list, d.by), ERR_OK);
    assert_int_equal(staged_new(g, d.by.leaf, &d.staged), ERR_OK);
    d.staged->mine = true;
    assert_int_equal(list_apply(g, &d.list, d.by, true, d.staged), ERR_OK);
    assert_int_equal(group_own_leaf(g, &own), ERR_OK);
    assert_int_equal(leaf_plan_new(g->client, &g->algo, NULL, &own, g->now.signature_key, &d.plan), ERR_OK);
    assert_int_equal(draft_path(&d), ERR_OK);
    assert_int_equal(draft_finish(&d, span_of(NULL, 0), &g->now.secrets.init), ERR_OK);
    d.body.p[d.body.n - 1 - (last ? 0 : NODE)] ^= 1;
    const struct frame_content c = {.wire = WIRE_PRIVATE,
                                    .group_id = buf_span(&g->id),
                                    .epoch = g->now.number,
                                    .sender_type = SENDER_MEMBER,
                                    .sender = d.by.leaf,
                                    .content_type = CONTENT_COMMIT,
                                    .body = buf_span(&d.body)};
    const struct staged_inputs in = {
        .init = &g->now.secrets.init, .commit_secret = &d.path.commit_secret, .psk_secret = &zero};
    struct span sk = span_of(g->now.signature_key, algo_sizes(&g->algo)->nsigsk);
    frame_wipe(&d.frame);
    assert_int_equal(frame_sign(&g->algo, &c, buf_span(&g->now.context), sk, own.signature_key, &d.frame), ERR_OK);
    assert_int_equal(staged_derive(d.staged, &in, &d.frame, &d.joiner, &d.member), ERR_OK);
    d.frame.confirmation_tag = span_of(d.staged->next.tag, algo_nh(&g->algo));
    assert_int_equal(draft_send(&d), ERR_OK);
    message->data = malloc(d.message.n);
    assert_non_null(message->data);
    memcpy(message->data, d.message.p, message->size = d.message.n);
    draft_wipe(&d);
}

static bool the_honest_are_three(struct town *t)
{
    for (size_t i = 0; i < MALLORY; i++) {
        struct history_chat c = newest(&t->person[i]);
        if (c.members != PEOPLE - 1 || c.epoch != newest(&t->person[0]).epoch) return false;
    }
    return is_quiet(t);
}

static void a_change_for_some(bool last)
{
    struct town *t = four_in_a_row();
    struct chat *c = state_of(t, MALLORY);
    struct mls_buf message = {0};
    say(&t->person[0], chat_of(t, 0), "before");
    say(&t->person[1], chat_of(t, 1), "and before");
    read_by_all(t, 2);
    make_uneven(c->mls, last, &message);
    const struct wire_request r = {.type = WIRE_LOG_ADVANCE,
                                   .log = c->log,
                                   .key = c->log_key,
                                   .epoch = c->log_epoch,
                                   .payload = span_of(message.data, message.size)};
    the_log_is_moved_on = false;
    assert_ok(link_ask(c->peer->link, &r, on_advanced, NULL));
    wait_for(t, is_moved_on);
    engine_close(c->e);
    t->person[MALLORY].e = NULL;
    for (size_t i = 0; i < MALLORY; i++) say(&t->person[i], chat_of(t, i), "after");
    read_by_all(t, 5);
    if (!last)
        assert_ok(engine_remove(t->person[0].e, chat_of(t, 0), contact_of_person(&t->person[0], &t->person[2]).id + 1));
    wait_for(t, the_honest_are_three);
    for (size_t i = 0; i < MALLORY; i++) say(&t->person[i], chat_of(t, i), "on we go");
    read_by_all(t, 8);
    free(message.data);
    town_close(t);
}

// The admin cannot open it: Mallory is removed by Alice's program, and Carol, who could, comes over.
static void a_change_that_the_admin_cannot_open(void **state)
{
    (void)state;
    a_change_for_some(true);
}

// Carol cannot open it: she is added again, and tells.
static void a_change_that_a_member_cannot_open(void **state)
{
    (void)state;
    a_change_for_some(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_that_nobody_has_behind_nonsense),
        cmocka_unit_test(a_key_that_nobody_has_behind_a_commit),
        cmocka_unit_test(a_change_that_the_admin_cannot_open),
        cmocka_unit_test(a_change_that_a_member_cannot_open),
    };
    return unit_run("recover", tests);
}
