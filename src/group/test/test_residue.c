// SPDX-License-Identifier: Apache-2.0
//
// What the protocol says is deleted is gone (RFC 9420 §9.2). A group lives through a history. One member, the observed
// one, is in memory; the others stand in masked stores, and are restored only while they act. After each step, all
// memory of the process and the observed member's records are searched for every secret that anybody has derived so
// far (spy.c). A model of §8 and §9 says which of these the observed member may still have. All others must be gone; and
// those that it must have are found, or the search would prove nothing. The history is played once for each member.
#include "cast.h"
#include "group/group.h"
#include "group/test/spy.h"

enum { PEOPLE = 6, LEAVES = 8, KEPT = 3, SKIPPED = 32 };
enum { ALICE, BOB, CAROL, DAVE, ERIN, FRANK };

static const struct mls_span nothing = {0};

// ------------------------------------------------------------------------------------------------------- the model

struct skipped {
    uint32_t leaf, generation;
    enum ratchet_type type;
};

// What the observed member may have of one epoch: of the secret tree, the nodes and the heads of ratchets that are left.
struct model {
    uint64_t epoch;
    int secret; // epoch_secret
    uint32_t leaves;
    bool node[2 * LEAVES];
    int64_t head[LEAVES][2]; // the next generation; -1: still to be derived
    struct skipped skipped[SKIPPED];
    size_t n_skipped;
};

struct play {
    struct cast_world world;
    struct mls_client *client;
    struct cast_member m[PEOPLE];
    struct store store[PEOPLE];
    struct store_record package[PEOPLE]; // the masked private part of a KeyPackage
    bool in[PEOPLE];
    size_t observed;
    uint16_t suite;
    bool windows;       // whether something is kept for what comes late
    struct model model[1 + KEPT]; // the present epoch and those before
    size_t n_model;
    bool removed;
    size_t steps, left_over, unseen; // what the searches have found
    char first[160];    // the first finding
};

static void model_enter(struct play *p)
{
    struct mls_buf authenticator;
    struct mls_group *g = p->m[p->observed].group;
    assert_ok(mls_group_epoch_authenticator(g, &authenticator));
    const int known = spy_find(span_of(authenticator.data, authenticator.size));
    mls_buf_free(&authenticator);
    assert_true(known != SPY_NONE);
    memmove(p->model + 1, p->model, KEPT * sizeof *p->model);
    struct model *m = &p->model[0];
    *m = (struct model){.epoch = mls_group_epoch(g), .secret = spy.v[known].parent, .leaves = g->tree.leaves};
    assert_true(m->leaves <= LEAVES);
    m->node[math_root(m->leaves)] = true;
    for (size_t i = 0; i < LEAVES; i++) m->head[i][0] = m->head[i][1] = -1;
    if (p->n_model < 1 + KEPT) p->n_model++;
}

// RFC 9420 §9.2: a message key is consumed, and with it what it was derived from.
static void model_consume(struct play *p, uint64_t epoch, uint32_t leaf, enum ratchet_type type, uint32_t generation)
{
    const uint32_t keep = p->windows ? 2 : 0;
    struct model *m = p->model;
    while (m < p->model + p->n_model && m->epoch != epoch) m++;
    assert_true(m < p->model + p->n_model);
    if (m->head[leaf][0] < 0) {
        uint32_t level = 0;
        while (!m->node[math_ancestor(leaf, level)]) level++;
        m->node[math_ancestor(leaf, level)] = false;
        for (; level > 0; level--) m->node[math_sibling(math_ancestor(leaf, level - 1))] = true;
        m->head[leaf][0] = m->head[leaf][1] = 0;
    }
    for (int64_t i = m->head[leaf][type]; i < (int64_t)generation; i++) {
        m->skipped[m->n_skipped++] = (struct skipped){leaf, (uint32_t)i, type};
    }
    const bool late = m->head[leaf][type] > (int64_t)generation;
    if (!late) m->head[leaf][type] = (int64_t)generation + 1;
    for (size_t i = 0; i < m->n_skipped;) {
        const struct skipped *s = &m->skipped[i];
        const bool same = s->leaf == leaf && s->type == type;
        if (same && (late ? s->generation == generation : s->generation + keep < generation)) {
            m->skipped[i] = m->skipped[--m->n_skipped];
        } else {
            i++;
        }
    }
}

static void claim(int secret, enum spy_claim c)
{
    if (secret != SPY_NONE && spy.v[secret].claim < c) spy.v[secret].claim = c;
}

static int ratchet_at(int leaf_secret, enum ratchet_type type, uint32_t generation)
{
    int at = spy_child(leaf_secret, type == RATCHET_HANDSHAKE ? "handshake" : "application", span_of(NULL, 0));
    for (uint32_t i = 0; i < generation; i++) {
        const uint8_t context[4] = {(uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
        at = spy_child(at, "secret", span_of(context, 4));
    }
    return at;
}

static void claim_leaf(const struct model *m, uint32_t leaf, int secret)
{
    for (enum ratchet_type type = RATCHET_HANDSHAKE; type <= RATCHET_APPLICATION; type++) {
        if (m->head[leaf][type] >= 0) claim(ratchet_at(secret, type, (uint32_t)m->head[leaf][type]), SPY_HAS);
        for (size_t i = 0; i < m->n_skipped; i++) {
            const uint32_t g = m->skipped[i].generation;
            const uint8_t context[4] = {(uint8_t)(g >> 24), (uint8_t)(g >> 16), (uint8_t)(g >> 8), (uint8_t)g};
            if (m->skipped[i].leaf != leaf || m->skipped[i].type != type) continue;
            claim(spy_child(ratchet_at(secret, type, g), "key", span_of(context, 4)), SPY_HAS);
            claim(spy_child(ratchet_at(secret, type, g), "nonce", span_of(context, 4)), SPY_HAS);
        }
    }
}

static void claim_tree(const struct model *m, uint32_t node, int secret)
{
    if (m->node[node]) claim(secret, SPY_HAS);
    if (math_level(node) == 0) {
        claim_leaf(m, node / 2, secret);
    } else {
        claim_tree(m, math_left(node), spy_child(secret, "tree", span_str("left")));
        claim_tree(m, math_right(node), spy_child(secret, "tree", span_str("right")));
    }
}

static void claim_epoch(const struct play *p, size_t i)
{
    static const char *const present[] = {"sender data", "exporter",   "external",      "membership",
                                          "resumption",  "authentication", "init"};
    const struct model *m = &p->model[i];
    const struct span none = span_of(NULL, 0);
    for (size_t k = 0; k < sizeof present / sizeof *present; k++) {
        if (k == 6 && p->removed) continue; // nothing that leads into the next epoch
        if (i == 0 || (p->windows && ((k == 0 && i <= 1) || (k == 4 && i <= 2)))) {
            claim(spy_child(m->secret, present[k], none), SPY_HAS);
        }
    }
    if (i == 0 || (p->windows && i == 1)) {
        claim_tree(m, math_root(m->leaves), spy_child(m->secret, "encryption", none));
    }
}

// The observed member may have the private keys of public ones that stand on its path, and of Updates that wait.
static void claim_keys(const struct mls_group *g)
{
    for (uint32_t level = 0; level <= math_depth(g->tree.leaves); level++) {
        const struct span pk = tree_key(&g->tree, math_ancestor(g->now.keys.leaf, level));
        for (size_t i = 0; pk.n > 0 && i < spy.n; i++) {
            if (spy.v[i].pk == spy_hash(pk)) claim((int)i, level == 0 ? SPY_HAS : SPY_MAY);
        }
    }
    for (size_t k = 0; k < g->n_update; k++) {
        for (size_t i = 0; i < spy.n; i++) {
            if (spy.v[i].pk == spy_hash(buf_span(&g->update[k].encryption_key))) claim((int)i, SPY_HAS);
        }
    }
}

static void claim_all(struct play *p)
{
    for (size_t i = 0; i < spy.n; i++) spy.v[i].claim = SPY_GONE;
    if (p->m[p->observed].group == NULL) return;
    for (size_t i = 0; i < p->n_model; i++) claim_epoch(p, i);
    if (!p->removed) claim_keys(p->m[p->observed].group);
}

static void judge(struct play *p, const char *what, const char *where)
{
    for (size_t i = 0; i < spy.n; i++) {
        const struct spy_secret *s = &spy.v[i];
        const bool left = s->claim == SPY_GONE && s->found > 0, unseen = s->claim == SPY_HAS && s->found == 0;
        if (left) p->left_over++;
        if (unseen) p->unseen++;
        if ((left || unseen) && p->first[0] == 0) {
            snprintf(p->first, sizeof p->first, "after \"%s\", in %s: \"%s\" of \"%s\" is %s, %zu times", what, where,
                     s->label, s->parent == SPY_NONE ? "nothing" : spy.v[s->parent].label,
                     left ? "left over" : "not found", s->found);
        }
    }
}

// Between two steps: what is in memory, and what in the observed member's records?
static void step(struct play *p, const char *what)
{
    p->steps++;
    claim_all(p);
    spy_search_memory();
    judge(p, what, "memory");
    if (p->m[p->observed].group == NULL) return;
    spy_search_store(&p->store[p->observed]);
    judge(p, what, "records");
}

// --------------------------------------------------------------------------------------------------------- people

static struct mls_group *wake(struct play *p, size_t i)
{
    if (p->m[i].group == NULL) assert_ok(store_restore(&p->store[i], p->client, &p->m[i].group));
    return p->m[i].group;
}

static void rest(struct play *p, size_t i)
{
    assert_ok(store_save(&p->store[i], p->m[i].group, false));
    if (i == p->observed) return;
    mls_group_free(p->m[i].group);
    p->m[i].group = NULL;
}

static void consumed(struct play *p, size_t i, uint64_t epoch, uint32_t leaf, enum ratchet_type type, uint32_t generation)
{
    if (i == p->observed) model_consume(p, epoch, leaf, type, generation);
}

static void consumed_own(struct play *p, size_t i, enum ratchet_type type)
{
    if (i != p->observed) return;
    const uint32_t leaf = mls_group_own_index(p->m[i].group);
    const int64_t head = p->model[0].head[leaf][type];
    model_consume(p, p->model[0].epoch, leaf, type, head < 0 ? 0 : (uint32_t)head);
}

// A KeyPackage whose private part is hidden.
static void publish(struct play *p, size_t i)
{
    struct mls_buf *part = &p->m[i].private_part;
    cast_key_package(&p->m[i], p->suite);
    p->package[i] = (struct store_record){.value = store_masked(part->data, part->size), .n = part->size};
    mls_buf_free(part);
}

static void join(struct play *p, size_t i, struct mls_buf welcome)
{
    struct store_record *x = &p->package[i];
    uint8_t *part = store_masked(x->value, x->n); // masked twice is plain
    assert_ok(mls_group_join(p->client, cast_span(welcome), (struct mls_span){part, x->n}, nothing, NULL, &p->m[i].group));
    explicit_bzero(part, x->n);
    free(part);
    free(x->value);
    *x = (struct store_record){0};
    p->in[i] = true;
    if (i == p->observed) model_enter(p);
    rest(p, i);
}

static void merge(struct play *p, size_t i, struct mls_staged *s)
{
    const bool leaves = mls_staged_removes_me(s);
    assert_ok(mls_group_merge(p->m[i].group, s));
    p->in[i] = !leaves;
    if (i == p->observed && leaves) p->removed = true;
    else if (i == p->observed) model_enter(p);
}

static void receive(struct play *p, size_t i, struct mls_buf message)
{
    struct mls_received r;
    assert_ok(mls_group_receive(wake(p, i), cast_span(message), &r));
    const bool public = r.sender_type != MLS_SENDER_MEMBER;
    const enum ratchet_type type = r.content == MLS_CONTENT_APPLICATION ? RATCHET_APPLICATION : RATCHET_HANDSHAKE;
    if (!public) consumed(p, i, r.epoch, r.sender, type, r.generation);
    if (r.staged != NULL) merge(p, i, r.staged);
    r.staged = NULL;
    mls_received_free(&r);
    rest(p, i);
}

static void deliver(struct play *p, size_t from, struct mls_buf message)
{
    for (size_t i = 0; i < PEOPLE; i++) {
        if (i != from && p->in[i]) receive(p, i, message);
    }
}

static void commit(struct play *p, size_t by, const struct mls_proposal *list, size_t n, bool without_path)
{
    struct mls_commit c;
    const struct mls_commit_params params = {
        .proposals = list, .proposal_count = n, .without_path = without_path, .tree_in_welcome = true};
    assert_ok(mls_group_commit(wake(p, by), &params, &c));
    consumed_own(p, by, RATCHET_HANDSHAKE);
    deliver(p, by, c.message);
    merge(p, by, c.staged);
    rest(p, by);
    for (size_t i = 0; i < PEOPLE && c.welcome.size > 0; i++) {
        if (!p->in[i] && p->package[i].value != NULL) join(p, i, c.welcome);
    }
    c.staged = NULL;
    mls_commit_free(&c);
}

static struct mls_buf say(struct play *p, size_t by)
{
    struct mls_buf message;
    assert_ok(mls_group_protect(wake(p, by), cast_text("tea at six?"), nothing, &message));
    consumed_own(p, by, RATCHET_APPLICATION);
    rest(p, by);
    return message;
}

static void talk(struct play *p, size_t by)
{
    struct mls_buf message = say(p, by);
    deliver(p, by, message);
    mls_buf_free(&message);
}

static void add(struct play *p, size_t by, size_t from, size_t to, bool without_path)
{
    struct mls_proposal list[PEOPLE] = {0};
    for (size_t i = from; i <= to; i++) {
        publish(p, i);
        list[i - from] = (struct mls_proposal){.type = MLS_PROPOSAL_ADD, .key_package = cast_span(p->m[i].key_package)};
    }
    step(p, "KeyPackages are published");
    commit(p, by, list, to - from + 1, without_path);
}

// ------------------------------------------------------------------------------------------------------ the history

static void found(struct play *p)
{
    struct mls_leaf_params leaf = cast_leaf(&p->m[ALICE]);
    assert_ok(mls_group_new(p->client, p->suite, cast_text("the group"), &leaf, NULL, 0, &p->m[ALICE].group));
    p->in[ALICE] = true;
    if (p->observed == ALICE) model_enter(p);
    rest(p, ALICE);
    step(p, "a group is founded");
}

// Messages that come out of order, late, twice, or damaged.
static void disorder(struct play *p)
{
    struct mls_buf message[5];
    struct mls_received r;
    for (size_t i = 0; i < 5; i++) message[i] = say(p, BOB);
    step(p, "five messages are sent");
    deliver(p, BOB, message[4]);
    step(p, "the last of five arrives");
    message[3].data[message[3].size - 1] ^= 1;
    for (size_t i = 0; i < PEOPLE; i++) {
        if (i == BOB || !p->in[i]) continue;
        assert_true(mls_group_receive(wake(p, i), cast_span(message[3]), &r) != MLS_OK);
        rest(p, i);
    }
    step(p, "a damaged message is refused");
    message[3].data[message[3].size - 1] ^= 1;
    if (p->windows) deliver(p, BOB, message[3]);
    step(p, "a message comes late");
    commit(p, CAROL, NULL, 0, false);
    step(p, "an epoch begins");
    if (p->windows) deliver(p, BOB, message[2]);
    step(p, "a message comes an epoch late");
    for (size_t i = 0; i < 5; i++) mls_buf_free(&message[i]);
}

static void propose(struct play *p, size_t by, const struct mls_proposal *proposal)
{
    struct mls_buf message;
    assert_ok(mls_group_propose(wake(p, by), proposal, nothing, &message, NULL));
    consumed_own(p, by, RATCHET_HANDSHAKE);
    rest(p, by);
    deliver(p, by, message);
    mls_buf_free(&message);
}

static void update_by_proposal(struct play *p)
{
    const struct mls_proposal update = {.type = MLS_PROPOSAL_UPDATE};
    propose(p, BOB, &update);
    step(p, "bob proposes an Update");
    for (size_t i = 0; i < PEOPLE; i++) {
        if (!p->in[i]) continue;
        assert_ok(mls_group_drop_proposals(wake(p, i), nothing));
        rest(p, i);
    }
    step(p, "the Update is dropped");
    propose(p, BOB, &update);
    commit(p, CAROL, NULL, 0, false);
    step(p, "carol commits the Update");
}

// Two commit at once. Alice's wins, after a restart; bob drops his.
static void race(struct play *p)
{
    struct mls_commit a, b;
    struct mls_buf saved;
    struct mls_staged *again = NULL;
    assert_ok(mls_group_commit(wake(p, ALICE), NULL, &a));
    consumed_own(p, ALICE, RATCHET_HANDSHAKE);
    assert_ok(mls_group_commit(wake(p, BOB), NULL, &b));
    consumed_own(p, BOB, RATCHET_HANDSHAKE);
    mls_commit_free(&b);
    rest(p, BOB);
    assert_ok(mls_staged_save(a.staged, &saved));
    mls_staged_free(a.staged);
    a.staged = NULL;
    rest(p, ALICE);
    deliver(p, ALICE, a.message);
    assert_ok(mls_staged_restore(wake(p, ALICE), cast_span(saved), &again));
    mls_buf_free(&saved);
    merge(p, ALICE, again);
    rest(p, ALICE);
    mls_commit_free(&a);
    step(p, "a race is lost and won");
}

static void join_from_outside(struct play *p, size_t who)
{
    struct mls_external_join join = {.leaf = cast_leaf(&p->m[who])};
    struct mls_buf info, message;
    assert_ok(mls_group_info(wake(p, ALICE), true, true, &info));
    rest(p, ALICE);
    step(p, "a GroupInfo is made");
    join.group_info = cast_span(info);
    assert_ok(mls_group_join_external(p->client, &join, &message, &p->m[who].group));
    mls_buf_free(&info);
    if (who == p->observed) model_enter(p);
    rest(p, who);
    deliver(p, who, message);
    p->in[who] = true;
    mls_buf_free(&message);
    step(p, "somebody joins from outside");
}

static void look(struct play *p)
{
    struct mls_buf out;
    for (size_t i = 0; i < PEOPLE; i++) {
        if (!p->in[i]) continue;
        assert_ok(mls_group_export(wake(p, i), "for a test", cast_text("context"), 48, &out));
        mls_buf_free(&out);
        rest(p, i);
    }
    step(p, "a secret is exported");
}

static void restart(struct play *p)
{
    struct mls_group **g = &p->m[p->observed].group;
    if (*g == NULL) return;
    mls_group_free(*g);
    *g = NULL;
    step(p, "the observed member's program ends");
    wake(p, p->observed);
    step(p, "the observed member's program begins again");
}

static void everybody_talks(struct play *p)
{
    for (size_t i = 0; i < PEOPLE; i++) {
        if (p->in[i]) talk(p, i);
    }
    step(p, "everybody talks");
}

static void history(struct play *p)
{
    const struct mls_proposal psk = {.type = MLS_PROPOSAL_PSK, .psk = {.type = MLS_PSK_EXTERNAL, .id = p->world.psk_id}};
    const struct mls_proposal remove = {.type = MLS_PROPOSAL_REMOVE, .removed = 2};
    const struct mls_proposal reinit = {.type = MLS_PROPOSAL_REINIT};
    found(p);
    add(p, ALICE, BOB, CAROL, false);
    step(p, "bob and carol are added");
    everybody_talks(p);
    disorder(p);
    everybody_talks(p);
    update_by_proposal(p);
    add(p, BOB, DAVE, DAVE, true);
    step(p, "dave is added without a path");
    everybody_talks(p);
    restart(p);
    commit(p, DAVE, NULL, 0, false);
    step(p, "dave commits");
    race(p);
    commit(p, ALICE, &psk, 1, true);
    step(p, "a PSK is used");
    join_from_outside(p, ERIN);
    everybody_talks(p);
    commit(p, BOB, &remove, 1, false);
    step(p, "carol is removed");
    everybody_talks(p);
    look(p);
    restart(p);
    add(p, ERIN, FRANK, FRANK, false);
    step(p, "frank is added");
    for (size_t i = 0; i < PEOPLE; i++) {
        if (p->in[i]) commit(p, i, NULL, 0, false);
        step(p, "everybody commits");
    }
    everybody_talks(p);
    commit(p, DAVE, &reinit, 1, true);
    step(p, "the group ends");
}

static void open_play(struct play *p, uint16_t suite, size_t observed, bool windows)
{
    spy_open();
    *p = (struct play){.world = {.state = suite, .now = 1800000000}, .suite = suite, .observed = observed};
    p->windows = windows;
    p->world.psk_id = cast_text("the key of the house");
    p->world.psk = cast_text("0123456789abcdef0123456789abcdef");
    struct mls_config c = cast_config(&p->world);
    c.past_epochs = windows ? 1 : 0;
    c.past_psks = windows ? 2 : 0;
    c.skipped_keys = windows ? 2 : 0;
    assert_ok(mls_client_new(&c, &p->client));
    for (size_t i = 0; i < PEOPLE; i++) {
        char name[16];
        snprintf(name, sizeof name, "member %zu", i);
        cast_init(&p->m[i], p->client, suite, name);
    }
}

static void close_play(struct play *p)
{
    for (size_t i = 0; i < PEOPLE; i++) cast_free(&p->m[i]);
    step(p, "all groups are freed");
    for (size_t i = 0; i < PEOPLE; i++) {
        free(p->package[i].value);
        store_free(&p->store[i]);
    }
    mls_client_free(p->client);
    spy_close();
}

// ---------------------------------------------------------------------------------------------------------- tests

static struct play play; // static: a struct of this size is no part of what is searched for on the stack

static void what_is_deleted_is_gone(uint16_t suite, size_t observed, bool windows)
{
    open_play(&play, suite, observed, windows);
    history(&play);
    close_play(&play);
    assert_true(play.steps > 30);
    if (play.left_over + play.unseen > 0) {
        fail_msg("suite %04x, member %zu%s: %zu left over, %zu not seen; %s", suite, observed,
                 windows ? " with windows" : "", play.left_over, play.unseen, play.first);
    }
}

static void for_every_member(void **state)
{
    (void)state;
    if (SPY_BLIND) skip();
    for (size_t i = 0; i < PEOPLE; i++) {
        what_is_deleted_is_gone(1, i, false);
        what_is_deleted_is_gone(1, i, true);
    }
}

static void in_other_suites(void **state)
{
    (void)state;
    static const uint16_t suites[] = {2, 3, 4, 5, 6, 7, MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519};
    if (SPY_BLIND) skip();
    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++) what_is_deleted_is_gone(suites[i], BOB, true);
}

// The three ways in which a test like this could be blind.
static void a_leak_is_found(void **state)
{
    (void)state;
    if (SPY_BLIND) skip();
    open_play(&play, 1, BOB, false);
    found(&play);
    add(&play, ALICE, BOB, CAROL, false);
    talk(&play, ALICE);
    step(&play, "alice talks");
    assert_int_equal(play.left_over, 0);
    uint8_t *leak = store_check(malloc(SPY_WINDOW));
    int consumed_key = SPY_NONE;
    for (size_t i = 0; i < spy.n; i++) {
        if (spy.v[i].claim == SPY_GONE && strcmp(spy.v[i].label, "key") == 0) consumed_key = (int)i;
    }
    assert_true(consumed_key != SPY_NONE);
    spy_unmask(consumed_key, leak);
    step(&play, "somebody remembers a message key");
    assert_int_equal(play.left_over, 1);
    explicit_bzero(leak, SPY_WINDOW);
    free(leak);
    close_play(&play);
    assert_int_equal(play.left_over, 1);
}

static void sabotage(bool memory)
{
    open_play(&play, 1, BOB, false);
    spy.keeps_memory = memory;
    spy.keeps_stack = true;
    history(&play);
    close_play(&play);
    assert_int_equal(play.unseen, 0);
}

static void a_library_that_does_not_wipe_is_found_out(void **state)
{
    (void)state;
    if (SPY_BLIND) skip();
    sabotage(true);
    const size_t without_any = play.left_over;
    sabotage(false);
    assert_true(play.left_over > 0); // the stack alone
    assert_true(without_any > play.left_over);
}

// mem_wipe_stack reaches as deep as any call goes.
static void no_call_goes_deeper_than_the_wipe(void **state)
{
    (void)state;
    static const uint16_t suites[] = {1, 2, 5, 6, 7, MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519};
    if (SPY_BLIND) skip();
    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++) {
        open_play(&play, suites[i], ALICE, true);
        spy.measures = true;
        spy_paint();
        history(&play);
        print_message("# suite %04x: %zu of %zu bytes of stack\n", suites[i], spy.deepest, spy.reach);
        assert_true(spy.deepest > 1000);
        assert_true(spy.deepest <= spy.reach);
        close_play(&play);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leak_is_found),
        cmocka_unit_test(a_library_that_does_not_wipe_is_found_out),
        cmocka_unit_test(for_every_member),
        cmocka_unit_test(in_other_suites),
        cmocka_unit_test(no_call_goes_deeper_than_the_wipe),
    };
    return unit_run("group residue", tests);
}
