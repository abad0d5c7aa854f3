// SPDX-License-Identifier: Apache-2.0
//
// State on disk: what a step writes, that the store always equals the group, that a restored group is the same group, and
// that a store which is damaged in any way either does not restore or restores to the same group.
#include "group/test/troupe.h"

// ------------------------------------------------------------------------------------------- a group with everything

// Member 1 of this troupe has every kind of record: extensions, past epochs with secrets partly used and keys kept for late
// messages, past PSKs, waiting proposals, and the private half of an Update.
static void make_rich(struct troupe *t, uint16_t suite)
{
    struct mls_buf senders, kept[3];
    const struct mls_credential who = {.type = MLS_CREDENTIAL_BASIC, .identity = cast_text("the server")};
    troupe_open(t, suite, 5, false);
    assert_ok(mls_external_sender_add(nothing, cast_span(t->m[4].signature_public), &who, &senders));
    const struct mls_extension x = {.type = MLS_EXTENSION_EXTERNAL_SENDERS, .data = cast_span(senders)};
    troupe_found(t, &x, 1);
    troupe_save(t);
    troupe_add(t, 0, 1, 4);
    troupe_save(t);
    for (int epoch = 0; epoch < 3; epoch++) {
        if (epoch == 1) troupe_talk(t);
        // Three messages, of which only the last arrives: the keys of the others are kept, in this epoch and the next.
        for (int i = 0; i < 3; i++) kept[i] = troupe_say(t, 2, "out of order");
        troupe_hear(t, 1, kept[2], "out of order");
        troupe_save(t);
        troupe_update(t, (size_t)epoch + 1);
        troupe_save(t);
        troupe_hear(t, 1, kept[0], "out of order");
        troupe_save(t);
        for (int i = 0; i < 3; i++) mls_buf_free(&kept[i]);
    }
    kept[0] = troupe_say(t, 3, "skipped");
    kept[1] = troupe_say(t, 3, "heard");
    troupe_hear(t, 1, kept[1], "heard");
    for (int i = 0; i < 2; i++) mls_buf_free(&kept[i]);
    const struct mls_proposal update = {.type = MLS_PROPOSAL_UPDATE};
    const struct mls_proposal psk = {.type = MLS_PROPOSAL_PSK, .psk = {.type = MLS_PSK_EXTERNAL, .id = t->world.psk_id}};
    troupe_propose(t, 1, &update);
    troupe_propose(t, 2, &psk);
    troupe_save(t);
    mls_buf_free(&senders);
}

static bool has_kind(const struct store *s, enum record_kind kind)
{
    for (size_t i = 0; i < s->n; i++) {
        if (s->v[i].key[0] == (uint8_t)kind) return true;
    }
    return false;
}

static void the_rich_group_has_every_record(void **state)
{
    (void)state;
    struct troupe t;
    make_rich(&t, 1);
    for (enum record_kind kind = RECORD_GROUP; kind <= RECORD_PAST_SKIPPED; kind++) {
        if (kind != RECORD_REINIT && !has_kind(&t.store[1], kind)) fail_msg("no record of kind %d", (int)kind);
    }
    const struct mls_proposal p = {.type = MLS_PROPOSAL_REINIT};
    const struct mls_commit_params params = {.proposals = &p, .proposal_count = 1, .without_waiting = true};
    troupe_commit(&t, 0, &params);
    troupe_save(&t);
    assert_true(has_kind(&t.store[1], RECORD_REINIT));
    assert_false(has_kind(&t.store[1], RECORD_UPDATE));
    assert_false(has_kind(&t.store[1], RECORD_WAITING));
    troupe_close(&t);
}

// ----------------------------------------------------------------------------------------------------- restoring

static void count_record(size_t *n) { (*n)++; }

static bool count_each(void *arg, struct mls_span key, struct mls_span value)
{
    (void)key;
    (void)value;
    count_record(arg);
    return true;
}

// Stores every member's group, drops it and restores it; the store must then equal what the restored group would store.
static void restart_all(struct troupe *t)
{
    troupe_save(t);
    for (size_t i = 0; i < t->n; i++) {
        size_t changes = 0;
        if (t->m[i].group == NULL) continue;
        mls_group_free(t->m[i].group);
        t->m[i].group = NULL;
        assert_ok(store_restore(&t->store[i], t->client, &t->m[i].group));
        assert_ok(mls_group_changes(t->m[i].group, count_each, &changes));
        assert_int_equal(changes, 0); // what was just read needs no storing
    }
    troupe_save(t);
}

static void a_restored_group_goes_on(void **state)
{
    (void)state;
    static const uint16_t suites[] = {1, 2, 5};
    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++) {
        struct troupe t;
        struct mls_buf late, before, after;
        make_rich(&t, suites[i]);
        assert_int_equal(mls_group_protect(t.m[2].group, cast_text("x"), nothing, &late), MLS_E_GROUP_PROPOSALS);
        assert_ok(mls_group_export(t.m[1].group, "label", cast_text("context"), 100, &before));
        restart_all(&t);
        assert_ok(mls_group_export(t.m[1].group, "label", cast_text("context"), 100, &after));
        assert_int_equal(before.size, after.size);
        assert_memory_equal(before.data, after.data, before.size);
        mls_buf_free(&before);
        mls_buf_free(&after);
        // The waiting proposals are still there, with member 1's new key.
        troupe_update(&t, 3);
        troupe_agrees(&t);
        restart_all(&t);
        late = troupe_say(&t, 2, "late");
        troupe_talk(&t);
        troupe_save(&t);
        restart_all(&t);
        troupe_update(&t, 1);
        troupe_save(&t);
        restart_all(&t);
        troupe_hear(&t, 1, late, "late");
        struct mls_received r;
        assert_int_equal(mls_group_receive(t.m[1].group, cast_span(late), &r), MLS_E_MESSAGE_KEY_GONE);
        troupe_save(&t);
        troupe_agrees(&t);
        mls_buf_free(&late);
        troupe_close(&t);
    }
}

// Member 0's state as it was, read again beside the one that goes on.
static struct mls_group *older(struct troupe *t)
{
    struct mls_group *g = NULL;
    assert_ok(store_restore(&t->store[0], t->client, &g));
    return g;
}

static void assert_own(struct mls_group *g, struct mls_buf message, enum mls_error wanted, const char *text)
{
    struct mls_received r;
    assert_int_equal(mls_group_receive(g, cast_span(message), &r), MLS_E_MESSAGE_OWN);
    assert_int_equal(mls_group_receive_own(g, cast_span(message), &r), wanted);
    assert_null(r.staged);
    assert_int_equal(r.data.size, strlen(text));
    if (r.data.size > 0) assert_memory_equal(r.data.data, text, r.data.size);
    mls_received_free(&r);
}

// Whoever is put back from a copy learns from its own messages that it is, and uses none of their keys again.
static void an_older_state_knows_its_own_messages(void **state)
{
    (void)state;
    struct troupe t;
    struct mls_received r;
    struct mls_commit c;
    const struct mls_commit_params update = {.tree_in_welcome = true};
    troupe_open(&t, 1, 3, false);
    troupe_found(&t, NULL, 0);
    troupe_add(&t, 0, 1, 3);
    struct mls_buf before = troupe_say(&t, 0, "before");
    troupe_hear(&t, 1, before, "before");
    troupe_save(&t);
    struct mls_group *old = older(&t);
    struct mls_buf one = troupe_say(&t, 0, "one"), two = troupe_say(&t, 0, "two"), other = troupe_say(&t, 1, "other");
    assert_ok(mls_group_commit(t.m[0].group, &update, &c));
    assert_own(old, before, MLS_E_MESSAGE_KEY_GONE, ""); // it knows that it has said this
    assert_int_equal(mls_group_receive_own(old, cast_span(other), &r), MLS_E_MESSAGE_SENDER);
    two.data[two.size - 1] ^= 1;
    assert_own(old, two, MLS_E_MESSAGE_CONTENT, ""); // whoever makes one up changes nothing
    two.data[two.size - 1] ^= 1;
    assert_own(old, one, MLS_OK, "one");
    assert_own(old, one, MLS_E_MESSAGE_KEY_GONE, "");
    assert_own(old, two, MLS_OK, "two");
    assert_own(old, c.message, MLS_OK, "");
    struct mls_buf next;
    assert_ok(mls_group_protect(old, cast_text("three"), nothing, &next)); // under the key behind those
    for (size_t i = 1; i < 3; i++) {
        assert_ok(mls_group_receive(t.m[i].group, cast_span(next), &r));
        assert_int_equal(r.generation, 3);
        mls_received_free(&r);
    }
    assert_ok(store_save(&t.store[0], old, false)); // and that is so when it is read again
    mls_group_free(old);
    old = older(&t);
    assert_own(old, two, MLS_E_MESSAGE_KEY_GONE, "");
    mls_group_free(old);
    mls_commit_free(&c);
    struct mls_buf *const all[] = {&before, &one, &two, &other, &next};
    for (size_t i = 0; i < 5; i++) mls_buf_free(all[i]);
    troupe_close(&t);
}

// An application that has lowered its limits can still read what it stored under the old ones.
static void limits_do_not_lock_a_group_in(void **state)
{
    (void)state;
    struct troupe t;
    struct mls_client *small = NULL;
    struct mls_group *g = NULL;
    make_rich(&t, 1);
    struct mls_config c = cast_config(&t.world);
    c.max_proposals = 1;
    assert_ok(mls_client_new(&c, &small));
    assert_ok(store_restore(&t.store[1], small, &g));
    assert_int_equal(mls_group_proposal_count(g), 2);
    mls_group_free(g);
    mls_client_free(small);
    troupe_close(&t);
}

// ------------------------------------------------------------------------------------------------------ the store

// Member 0 removes member 3 by a proposal of its own, and removed members store what is left to them.
static void the_store_follows_every_step(void **state)
{
    (void)state;
    struct troupe t;
    troupe_open(&t, 1, 8, true);
    troupe_found(&t, NULL, 0);
    troupe_save(&t);
    troupe_add(&t, 0, 1, 6);
    troupe_save(&t);
    troupe_talk(&t);
    troupe_save(&t);
    const struct mls_proposal leave = {.type = MLS_PROPOSAL_REMOVE, .removed = 3};
    troupe_propose(&t, 3, &leave);
    troupe_save(&t);
    for (size_t i = 0; i < 6; i++) assert_ok(mls_group_drop_proposals(t.m[i].group, nothing));
    troupe_save(&t);
    troupe_propose(&t, 3, &leave);
    troupe_update(&t, 1);
    assert_false(troupe_active(&t, 3));
    troupe_save(&t);
    restart_all(&t);
    troupe_talk(&t);
    troupe_save(&t);
    for (size_t i = 5; i > 3; i--) { // down to a smaller tree, and up again
        const struct mls_proposal p = {.type = MLS_PROPOSAL_REMOVE, .removed = (uint32_t)i};
        const struct mls_commit_params params = {.proposals = &p, .proposal_count = 1};
        troupe_commit(&t, 2, &params);
        troupe_save(&t);
        restart_all(&t);
    }
    troupe_add(&t, 1, 6, 8);
    troupe_save(&t);
    troupe_talk(&t);
    troupe_save(&t);
    restart_all(&t);
    troupe_agrees(&t);
    troupe_close(&t);
}

// A member that did not come back for a while has several epochs to store at once.
static void changes_add_up(void **state)
{
    (void)state;
    struct troupe t;
    make_rich(&t, 1);
    for (int i = 0; i < 5; i++) {
        troupe_update(&t, (size_t)i % 4);
        troupe_talk(&t);
    }
    troupe_save(&t);
    restart_all(&t);
    troupe_agrees(&t);
    troupe_close(&t);
}

// ------------------------------------------------------------------------------------------------------ damage

// Restores a damaged store: it must say so, or give the group that was stored.
static void damaged(const struct troupe *t, const struct store *s, const struct store *whole, const char *how, size_t i)
{
    struct mls_group *g = NULL;
    struct store all;
    enum mls_error e = store_restore(s, t->client, &g);
    if (e == MLS_E_CORRUPT || (e == MLS_E_UNSUPPORTED && s->v[0].key[0] == RECORD_GROUP)) {
        assert_null(g); // the second: the first octet, the format's version, is another
        return;
    }
    if (e != MLS_OK) fail_msg("%s, record %zu (%02x): %s", how, i, s->v[i].key[0], mls_error_name(e));
    troupe_dump(g, &all);
    const char *difference = store_difference(whole, &all);
    if (difference != NULL) fail_msg("%s, record %zu: restored another group: %s", how, i, difference);
    store_free(&all);
    mls_group_free(g);
}

static void damage_is_noticed(void **state)
{
    (void)state;
    struct troupe t;
    struct store s;
    make_rich(&t, 1);
    const struct store *whole = &t.store[1];
    for (size_t i = 0; i < whole->n; i++) {
        store_copy(&s, whole);
        store_remove(&s, i);
        damaged(&t, &s, whole, "a record is missing", i < s.n ? i : 0);
        store_free(&s);
        store_copy(&s, whole);
        for (size_t n = s.v[i].n; n > 0; n -= n > 8 ? n / 8 : 1) {
            s.v[i].n = n - 1;
            damaged(&t, &s, whole, "a record is cut short", i);
        }
        s.v[i].n = whole->v[i].n;
        for (size_t at = 0; at < s.v[i].n; at += s.v[i].n > 80 ? 3 : 1) {
            s.v[i].value[at] ^= (uint8_t)(1u << (at + i) % 8);
            damaged(&t, &s, whole, "a bit of a value is wrong", i);
            s.v[i].value[at] ^= (uint8_t)(1u << (at + i) % 8);
        }
        for (size_t bit = 0; bit < 8 * s.v[i].key_n; bit++) {
            s.v[i].key[bit / 8] ^= (uint8_t)(1u << bit % 8);
            damaged(&t, &s, whole, "a bit of a key is wrong", i);
            s.v[i].key[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (size_t n = 0; n < s.v[i].key_n; n++) {
            s.v[i].key_n = n;
            damaged(&t, &s, whole, "a key is cut short", i);
            s.v[i].key_n = whole->v[i].key_n;
        }
        store_free(&s);
    }
    troupe_close(&t);
}

// A record comes twice, as no store with keys would give it; or three times, which the sum alone would not see.
static void a_record_comes_once(void **state)
{
    (void)state;
    struct troupe t;
    struct store s;
    make_rich(&t, 1);
    const struct store *whole = &t.store[1];
    for (size_t i = 0; i < whole->n; i++) {
        store_copy(&s, whole);
        for (size_t times = 2; times <= 3; times++) {
            struct mls_group *g = NULL;
            struct store_record again = whole->v[i];
            again.value = store_check(malloc(again.n + 1));
            memcpy(again.value, whole->v[i].value, again.n);
            store_insert(&s, i, again);
            if (store_restore(&s, t.client, &g) != MLS_E_CORRUPT) {
                fail_msg("record %zu (%02x) comes %zu times", i, whole->v[i].key[0], times);
            }
        }
        store_free(&s);
    }
    troupe_close(&t);
}

static void an_empty_store_is_no_group(void **state)
{
    (void)state;
    struct troupe t;
    struct mls_group *g = NULL;
    const struct store none = {0};
    troupe_open(&t, 1, 1, false);
    assert_int_equal(store_restore(&none, t.client, &g), MLS_E_CORRUPT);
    assert_null(g);
    troupe_close(&t);
}

// Takes one record, and then every second one, from the store as it was before or after; both ways round.
static void mix(const struct troupe *t, const struct store *base, const struct store *other)
{
    for (size_t i = 0; i < other->n; i++) {
        struct store s, one = {0};
        const struct store_record *x = &other->v[i], *here = store_find(base, x->key, x->key_n);
        if (here != NULL && here->n == x->n && memcmp(here->value, x->value, x->n) == 0) continue;
        store_copy(&s, base);
        struct store_record copy = *x;
        copy.value = store_check(malloc(x->n + 1));
        memcpy(copy.value, x->value, x->n);
        store_insert(&one, 0, copy);
        store_apply(&s, &one);
        damaged(t, &s, base, "a record of another time", i);
        store_free(&s);
    }
}

static void times_do_not_mix(void **state)
{
    (void)state;
    struct troupe t;
    struct store before;
    make_rich(&t, 1);
    for (int step = 0; step < 3; step++) {
        store_copy(&before, &t.store[1]);
        if (step == 0) troupe_update(&t, 2);
        if (step == 1) troupe_talk(&t);
        if (step == 2) troupe_update(&t, 1);
        troupe_save(&t);
        mix(&t, &t.store[1], &before);
        mix(&t, &before, &t.store[1]);
        store_free(&before);
    }
    troupe_close(&t);
}

// ------------------------------------------------------------------------------------------------------ how much

struct pair {
    struct cast_world world;
    struct mls_client *client;
    struct cast_member alice, bob;
    struct store store[2];
};

// A group of n: alice makes it by one commit, bob joins it, and of the others there are only KeyPackages.
static void pair_open(struct pair *p, uint16_t suite, size_t n)
{
    struct mls_commit c;
    struct cast_member other;
    *p = (struct pair){.world = {.state = n, .now = 1800000000}};
    struct mls_config config = cast_config(&p->world);
    assert_ok(mls_client_new(&config, &p->client));
    cast_init(&p->alice, p->client, suite, "alice");
    cast_init(&p->bob, p->client, suite, "bob");
    struct mls_leaf_params leaf = cast_leaf(&p->alice);
    assert_ok(mls_group_new(p->client, suite, cast_text("large"), &leaf, NULL, 0, &p->alice.group));
    struct mls_proposal *add = store_check(calloc(n, sizeof *add));
    struct mls_buf *package = store_check(calloc(n, sizeof *package));
    for (size_t i = 0; i + 2 < n; i++) {
        cast_init(&other, p->client, suite, "other");
        cast_key_package(&other, suite);
        package[i] = other.key_package;
        other.key_package = (struct mls_buf){0};
        add[i] = (struct mls_proposal){.type = MLS_PROPOSAL_ADD, .key_package = cast_span(package[i])};
        cast_free(&other);
    }
    cast_key_package(&p->bob, suite);
    add[n - 2] = (struct mls_proposal){.type = MLS_PROPOSAL_ADD, .key_package = cast_span(p->bob.key_package)};
    const struct mls_commit_params params = {.proposals = add, .proposal_count = n - 1, .tree_in_welcome = true};
    assert_ok(mls_group_commit(p->alice.group, &params, &c));
    assert_ok(mls_group_merge(p->alice.group, c.staged));
    c.staged = NULL;
    assert_ok(mls_group_join(p->client, cast_span(c.welcome), cast_span(p->bob.private_part), nothing, NULL,
                             &p->bob.group));
    mls_commit_free(&c);
    for (size_t i = 0; i < n; i++) mls_buf_free(&package[i]);
    free(package);
    free(add);
    assert_int_equal(mls_group_member_count(p->bob.group), n);
}

static void pair_close(struct pair *p)
{
    cast_free(&p->alice);
    cast_free(&p->bob);
    store_free(&p->store[0]);
    store_free(&p->store[1]);
    mls_client_free(p->client);
}

static size_t depth_of(size_t n)
{
    size_t depth = 0;
    while (((size_t)1 << depth) < n) depth++;
    return depth;
}

// One message each way: what both ends write for it is at most `most`, deleted keys included.
static void exchange(struct pair *p, size_t most)
{
    for (int way = 0; way < 2; way++) {
        struct mls_buf message;
        struct mls_received r;
        struct cast_member *from = way == 0 ? &p->alice : &p->bob, *to = way == 0 ? &p->bob : &p->alice;
        assert_ok(mls_group_protect(from->group, cast_text("a message"), nothing, &message));
        assert_ok(mls_group_receive(to->group, cast_span(message), &r));
        mls_received_free(&r);
        mls_buf_free(&message);
        for (int i = 0; i < 2; i++) {
            assert_ok(store_save(&p->store[i], i == 0 ? p->alice.group : p->bob.group, false));
            assert_true(p->store[i].bytes > 0 && p->store[i].bytes <= most);
        }
    }
}

static void a_message_writes_little(void **state)
{
    (void)state;
    static const struct {
        uint16_t suite;
        size_t n, nh;
    } rows[] = {{1, 2, 32}, {1, 100, 32}, {1, 2000, 32}, {5, 2, 64}, {5, 40, 64}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pair p;
        pair_open(&p, rows[i].suite, rows[i].n);
        assert_ok(store_save(&p.store[0], p.alice.group, false));
        assert_ok(store_save(&p.store[1], p.bob.group, false));
        // A sender's first message takes its path out of the secret tree: a record a level comes or goes.
        exchange(&p, 512 + (1 + depth_of(rows[i].n)) * (9 + rows[i].nh));
        for (int n = 0; n < 20; n++) exchange(&p, 512);
        struct mls_group *again = NULL;
        assert_ok(store_restore(&p.store[1], p.client, &again));
        mls_group_free(p.bob.group);
        p.bob.group = again;
        for (int n = 0; n < 3; n++) exchange(&p, 512);
        pair_close(&p);
    }
}

// What alice writes for an update commit of her own is the path, not the tree.
static size_t changed_by_commit(size_t n)
{
    struct pair p;
    struct mls_commit c;
    size_t changed = 0;
    pair_open(&p, 1, n);
    for (int warm = 0; warm < 3; warm++) {
        assert_ok(store_save(&p.store[0], p.alice.group, false));
        assert_ok(mls_group_commit(p.alice.group, NULL, &c));
        assert_ok(mls_group_merge(p.alice.group, c.staged));
        c.staged = NULL;
        mls_commit_free(&c);
        assert_ok(store_save(&p.store[0], p.alice.group, false));
        changed = p.store[0].changed;
    }
    assert_true(p.store[0].n > n);
    pair_close(&p);
    return changed;
}

static void a_commit_writes_a_path(void **state)
{
    (void)state;
    size_t small = changed_by_commit(200), large = changed_by_commit(2000);
    // At each level a node, a key and what the commit's own key took out of the secret tree; and single records.
    assert_in_range(small, 1, 3 * 8 + 16);
    assert_in_range(large, small, 3 * 11 + 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rich_group_has_every_record),
        cmocka_unit_test(a_restored_group_goes_on),
        cmocka_unit_test(an_older_state_knows_its_own_messages),
        cmocka_unit_test(limits_do_not_lock_a_group_in),
        cmocka_unit_test(the_store_follows_every_step),
        cmocka_unit_test(changes_add_up),
        cmocka_unit_test(damage_is_noticed),
        cmocka_unit_test(an_empty_store_is_no_group),
        cmocka_unit_test(times_do_not_mix),
        cmocka_unit_test(a_message_writes_little),
        cmocka_unit_test(a_commit_writes_a_path),
        cmocka_unit_test(a_record_comes_once),
    };
    return unit_run("group records", tests);
}
