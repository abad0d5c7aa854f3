// SPDX-License-Identifier: Apache-2.0
//
// The scene: members, what they agree on, and how an offered message is judged.
#include "scene.h"

static const char *const names[] = {"alice", "mallory", "carol", "dave", "erin", "frank"};

// ---------------------------------------------------------------------------------------------------- bytes

struct buf *scene_buf(struct scene *s)
{
    assert_true(s->n_scratch < sizeof s->scratch / sizeof *s->scratch);
    struct buf *b = test_malloc(sizeof *b);
    s->scratch[s->n_scratch++] = b;
    buf_init(b, TLS_VECTOR_MAX);
    return b;
}

struct span scene_copy(struct scene *s, struct span bytes)
{
    struct buf *b = scene_buf(s);
    buf_put(b, bytes);
    assert_ok(buf_end(b));
    return buf_span(b);
}

struct span scene_types(struct scene *s, const uint16_t *types)
{
    struct buf *b = scene_buf(s);
    for (; *types != 0; types++) tls_put_u16(b, *types);
    return buf_span(b);
}

struct span scene_without(struct scene *s, struct span types, uint16_t type)
{
    struct buf *b = scene_buf(s);
    for (size_t i = 0; i < types_count(types); i++) {
        if (types_at(types, i) != type) tls_put_u16(b, types_at(types, i));
    }
    assert_true(b->n < types.n); // or nothing would be broken
    return buf_span(b);
}

struct span scene_with(struct scene *s, struct span types, uint16_t type)
{
    struct buf *b = scene_buf(s);
    buf_put(b, types);
    tls_put_u16(b, type);
    return buf_span(b);
}

// ---------------------------------------------------------------------------------------------------- members

static bool same_name(void *arg, const struct mls_member *a, const struct mls_member *b)
{
    (void)arg;
    return a->identity.size == b->identity.size && memcmp(a->identity.data, b->identity.data, a->identity.size) == 0;
}

// The Authentication Service: it knows everybody but one.
static bool acceptable(void *arg, const struct mls_credential_check *check)
{
    (void)arg;
    struct span who = from_api(check->member->identity);
    return !span_eq(who, span_str(SCENE_REFUSED));
}

// The scene that a callback belongs to.
static struct scene *scene_of(void *world)
{
    return (struct scene *)(void *)((uint8_t *)world - offsetof(struct scene, world));
}

static bool is_known(void *arg, struct mls_span group_id)
{
    (void)group_id;
    return scene_of(arg)->known;
}

static bool find_psk(void *arg, const struct mls_psk_id *id, struct mls_span *secret)
{
    if (scene_of(arg)->any.n == 0) return cast_psk(arg, id, secret);
    *secret = to_api(scene_of(arg)->any);
    return true;
}

struct mls_leaf_params scene_leaf(struct scene *s, size_t who)
{
    static const uint16_t extensions[] = {SCENE_EXTENSION, SCENE_REQUIRED}, credentials[] = {SCENE_BADGE, SCENE_PASS};
    struct mls_leaf_params p = cast_leaf(&s->m[who]);
    p.extension_types = extensions;
    p.extension_type_count = 2;
    p.credential_types = credentials;
    p.credential_type_count = 2;
    return p;
}

struct mls_group *scene_group(struct scene *s, size_t who) { return s->m[who].group; }

static void name_member(struct scene *s, size_t who)
{
    char name[16];
    struct cast_member *m = &s->m[who];
    if (m->client != NULL) return;
    snprintf(name, sizeof name, "member %zu", who);
    cast_init(m, s->client, s->suite, who < sizeof names / sizeof *names ? names[who] : name);
}

struct span scene_key_package(struct scene *s, size_t who)
{
    name_member(s, who);
    struct cast_member *m = &s->m[who];
    struct mls_leaf_params leaf = scene_leaf(s, who);
    mls_buf_free(&m->key_package);
    mls_buf_free(&m->private_part);
    assert_ok(mls_key_package_new(m->client, s->suite, &leaf, NULL, 0, &m->key_package, &m->private_part));
    return span_of(m->key_package.data + 4, m->key_package.size - 4); // without the head of the MLSMessage
}

static void make_extensions(struct scene *s)
{
    static const uint16_t extensions[] = {SCENE_REQUIRED}, proposals[] = {SCENE_PROPOSAL}, badge[] = {SCENE_BADGE};
    const struct mls_credential who = {.type = MLS_CREDENTIAL_BASIC, .identity = cast_text("post")};
    assert_ok(mls_signature_keys(s->client, s->suite, &s->post_private, &s->post_public));
    assert_ok(mls_external_sender_add((struct mls_span){0}, cast_span(s->post_public), &who, &s->post));
    assert_ok(mls_required_capabilities(extensions, 1, proposals, 1, badge, 1, &s->required));
}

static void join(struct scene *s, size_t who, struct mls_span welcome)
{
    struct cast_member *m = &s->m[who];
    assert_ok(mls_group_join(m->client, welcome, cast_span(m->private_part), (struct mls_span){0}, NULL, &m->group));
}

static void follow(struct scene *s, size_t by, struct span message)
{
    for (size_t i = 0; i < CAST; i++) {
        struct mls_received r;
        if (i == by || s->m[i].group == NULL || !mls_group_active(s->m[i].group)) continue;
        scene_deliver(s, i, message, &r);
        assert_ok(mls_group_merge(s->m[i].group, r.staged));
        r.staged = NULL;
        mls_received_free(&r);
    }
}

void scene_commit(struct scene *s, size_t by, const struct mls_proposal *p, size_t n)
{
    const struct mls_commit_params params = {.proposals = p, .proposal_count = n, .tree_in_welcome = true};
    scene_commit_params(s, by, &params);
}

void scene_commit_params(struct scene *s, size_t by, const struct mls_commit_params *params)
{
    struct mls_commit c;
    assert_ok(mls_group_commit(s->m[by].group, params, &c));
    follow(s, by, scene_span(c.message));
    assert_ok(mls_group_merge(s->m[by].group, c.staged));
    c.staged = NULL;
    for (size_t i = 0; i < CAST; i++) {
        struct cast_member *m = &s->m[i];
        if (c.welcome.size == 0 || m->private_part.size == 0 || m->group != NULL) continue;
        if (mls_welcome_is_for(m->client, cast_span(c.welcome), cast_span(m->private_part))) {
            join(s, i, cast_span(c.welcome));
        }
    }
    mls_commit_free(&c);
}

void scene_join_outside(struct scene *s, size_t host, size_t who)
{
    struct mls_buf info, commit;
    name_member(s, who);
    assert_ok(mls_group_info(s->m[host].group, true, true, &info));
    const struct mls_external_join join = {.group_info = cast_span(info), .leaf = scene_leaf(s, who)};
    assert_ok(mls_group_join_external(s->client, &join, &commit, &s->m[who].group));
    follow(s, who, scene_span(commit));
    mls_buf_free(&info);
    mls_buf_free(&commit);
}

void scene_propose(struct scene *s, size_t by, const struct mls_proposal *p)
{
    struct mls_buf message;
    assert_ok(mls_group_propose(s->m[by].group, p, (struct mls_span){0}, &message, NULL));
    scene_deliver_proposal(s, by, scene_span(message));
    mls_buf_free(&message);
}

void scene_talk(struct scene *s, size_t from)
{
    struct mls_buf message;
    assert_ok(mls_group_protect(s->m[from].group, cast_text("hello"), (struct mls_span){0}, &message));
    for (size_t i = 0; i < CAST; i++) {
        struct mls_received r;
        if (i == from || s->m[i].group == NULL || !mls_group_active(s->m[i].group)) continue;
        scene_deliver(s, i, scene_span(message), &r);
        assert_true(span_eq(scene_span(r.data), span_str("hello")));
        assert_int_equal(r.sender, mls_group_own_index(s->m[from].group));
        mls_received_free(&r);
    }
    mls_buf_free(&message);
}

void scene_add(struct scene *s, size_t by, size_t who)
{
    const struct mls_proposal p = {.type = MLS_PROPOSAL_ADD, .key_package = scene_api(scene_key_package(s, who))};
    scene_commit(s, by, &p, 1);
}

void scene_remove(struct scene *s, size_t by, size_t who)
{
    const struct mls_proposal p = {.type = MLS_PROPOSAL_REMOVE, .removed = mls_group_own_index(s->m[who].group)};
    scene_commit(s, by, &p, 1);
    mls_group_free(s->m[who].group);
    s->m[who].group = NULL;
}

void scene_found(struct scene *s)
{
    struct mls_proposal add[MEMBERS - 1];
    const struct mls_extension extensions[] = {{SCENE_EXTENSION, cast_text("kept")},
                                               {MLS_EXTENSION_REQUIRED_CAPABILITIES, cast_span(s->required)},
                                               {MLS_EXTENSION_EXTERNAL_SENDERS, cast_span(s->post)}};
    bool plain = (s->rule->options & SCENE_PLAIN) != 0;
    struct mls_leaf_params leaf = scene_leaf(s, ALICE);
    assert_ok(mls_group_new(s->client, s->suite, cast_text("the group"), &leaf, extensions, plain ? 0 : 3,
                            &s->m[ALICE].group));
    for (size_t i = 1; i < MEMBERS; i++) {
        add[i - 1] = (struct mls_proposal){.type = MLS_PROPOSAL_ADD, .key_package = scene_api(scene_key_package(s, i))};
    }
    scene_commit(s, ALICE, add, MEMBERS - 1);
    scene_commit(s, CAROL, NULL, 0);
    scene_commit(s, DAVE, NULL, 0);
    scene_commit(s, ALICE, NULL, 0);
    scene_agree(s);
}

void scene_agree(struct scene *s)
{
    struct mls_group *first = NULL;
    for (size_t i = 0; i < CAST; i++) {
        struct mls_group *g = s->m[i].group;
        if (g == NULL || !mls_group_active(g)) continue;
        if (first == NULL) first = g;
        else cast_same_epoch(first, g);
    }
}

// ------------------------------------------------------------------------------------------------- life and death

static const struct mls_custom_proposal custom[] = {
    {.type = SCENE_PROPOSAL, .path_required = false, .external_allowed = true},
    {.type = SCENE_PATH, .path_required = true, .external_allowed = false}};

static void scene_open(struct scene *s, const struct rule *r)
{
    *s = (struct scene){.rule = r, .world = {.state = 9420, .now = 1800000000, .credential = acceptable}};
    s->suite = r->options & SCENE_P256 ? MLS_128_DHKEMP256_AES128GCM_SHA256_P256
                                       : MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519;
    s->config = cast_config(&s->world);
    s->config.public_handshake = (r->options & SCENE_PRIVATE) == 0;
    s->config.custom_proposals = custom;
    s->config.custom_proposal_count = 2;
    s->config.no_grease = true; // capabilities are counted here
    s->config.skipped_keys = 4;
    s->config.max_ahead = 20;
    if (r->options & SCENE_PAST) s->config.past_epochs = s->config.past_psks = 2;
    if (r->options & SCENE_ONE_CLIENT) s->config.same_client = same_name;
    if (r->options & SCENE_KNOWN) s->config.group_known = is_known;
    s->config.psk = find_psk;
    assert_ok(mls_client_new(&s->config, &s->client));
    for (size_t i = 0; i <= FRANK; i++) name_member(s, i);
    make_extensions(s);
    if ((r->options & SCENE_EMPTY) == 0) scene_found(s);
}

static void scene_close(struct scene *s)
{
    struct mls_buf *bufs[] = {&s->post_private, &s->post_public, &s->post, &s->required};
    for (size_t i = 0; i < CAST; i++) cast_free(&s->m[i]);
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++) mls_buf_free(bufs[i]);
    for (size_t i = 0; i < s->n_scratch; i++) {
        buf_wipe(s->scratch[i]);
        test_free(s->scratch[i]);
    }
    mls_client_free(s->client);
}

static void run_rule(void **state)
{
    const struct rule *r = *state;
    struct scene *s = test_malloc(sizeof *s);
    scene_open(s, r);
    s->wrong = r->error != MLS_OK;
    r->play(s);
    if (s->wrong) {
        s->wrong = false;
        r->play(s);
    }
    scene_close(s);
    test_free(s);
}

int rules_run(const char *name, const struct rule *rules, size_t n)
{
    struct CMUnitTest *tests = calloc(n, sizeof *tests);
    char(*title)[160] = calloc(n, sizeof *title);
    if (tests == NULL || title == NULL) return 1;
    for (size_t i = 0; i < n; i++) {
        snprintf(title[i], sizeof title[i], "%s (§%s): %s", mls_error_name(rules[i].error), rules[i].section,
                 rules[i].what);
        tests[i] = (struct CMUnitTest){title[i], run_rule, NULL, NULL, (void *)(uintptr_t)&rules[i]};
    }
    cmocka_set_message_output(CM_OUTPUT_TAP);
    int failed = _cmocka_run_group_tests(name, tests, n, NULL, NULL);
    free(tests);
    free(title);
    return failed;
}

// ------------------------------------------------------------------------------------------------------ verdicts

void scene_verdict(const struct scene *s, enum mls_error e)
{
    enum mls_error want = s->wrong ? s->rule->error : MLS_OK;
    if (e == want) return;
    fail_msg("%s: expected %s, got %s (%d)", s->wrong ? "broken" : "kept", mls_error_name(want), mls_error_name(e),
             (int)e);
}

void snapshot_take(struct mls_group *g, struct snapshot *out)
{
    *out = (struct snapshot){
        .epoch = mls_group_epoch(g), .proposals = mls_group_proposal_count(g), .active = mls_group_active(g)};
    assert_ok(mls_group_tree(g, &out->part[0]));
    assert_ok(mls_group_tree_hash(g, &out->part[1]));
    assert_ok(mls_group_context(g, &out->part[2]));
    assert_ok(mls_group_epoch_authenticator(g, &out->part[3]));
    if (out->active) assert_ok(mls_group_export(g, "snapshot", (struct mls_span){0}, 32, &out->part[4]));
    struct span extensions = from_api(mls_group_extensions(g));
    out->part[5] = (struct mls_buf){mem_new(extensions.n), extensions.n};
    memcpy(out->part[5].data, extensions.p, extensions.n);
    mls_group_saved(g);
}

static bool count_change(void *arg, struct mls_span key, struct mls_span value)
{
    (void)key;
    (void)value;
    ++*(size_t *)arg;
    return true;
}

void snapshot_same(struct mls_group *g, struct snapshot *before)
{
    struct snapshot now;
    size_t changes = 0;
    assert_ok(mls_group_changes(g, count_change, &changes));
    assert_int_equal(changes, 0);
    snapshot_take(g, &now);
    assert_true(now.epoch == before->epoch && now.proposals == before->proposals && now.active == before->active);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(now.part[i].size, before->part[i].size);
        assert_memory_equal(now.part[i].data, before->part[i].data, now.part[i].size);
        mls_buf_free(&now.part[i]);
        mls_buf_free(&before->part[i]);
    }
}

bool scene_offer(struct scene *s, size_t to, struct span message, struct mls_received *out)
{
    struct mls_group *g = scene_group(s, to);
    struct snapshot before;
    if (s->wrong) snapshot_take(g, &before);
    enum mls_error e = mls_group_receive(g, to_api(message), out);
    scene_verdict(s, e);
    if (s->wrong) {
        assert_null(out->staged);
        assert_int_equal(out->data.size + out->authenticated_data.size + out->proposal_ref.size, 0);
        snapshot_same(g, &before);
    }
    return e == MLS_OK;
}

void scene_deliver(struct scene *s, size_t to, struct span message, struct mls_received *out)
{
    enum mls_error e = mls_group_receive(scene_group(s, to), to_api(message), out);
    if (e != MLS_OK) fail_msg("delivery to %s: %s", s->m[to].name, mls_error_name(e));
}

static void same_authenticator(const struct mls_staged *a, const struct mls_staged *b)
{
    struct mls_buf x, y;
    if (mls_staged_removes_me(a) || mls_staged_removes_me(b)) return;
    assert_ok(mls_staged_epoch_authenticator(a, &x));
    assert_ok(mls_staged_epoch_authenticator(b, &y));
    assert_int_equal(x.size, y.size);
    assert_memory_equal(x.data, y.data, x.size);
    mls_buf_free(&x);
    mls_buf_free(&y);
}

void scene_offer_commit(struct scene *s, size_t from, struct span message, struct mls_staged *staged)
{
    for (size_t i = 0; i < CAST; i++) {
        struct mls_received r;
        if (i == from || s->m[i].group == NULL || !mls_group_active(s->m[i].group)) continue;
        if (s->wrong && s->victims != 0 && (s->victims >> i & 1) == 0) continue;
        if (!scene_offer(s, i, message, &r)) continue;
        assert_non_null(r.staged);
        same_authenticator(staged, r.staged);
        assert_ok(mls_group_merge(s->m[i].group, r.staged));
        r.staged = NULL;
        mls_received_free(&r);
    }
    if (s->wrong) {
        mls_staged_free(staged);
    } else {
        assert_ok(mls_group_merge(staged->group, staged));
    }
}

void scene_offer_proposal(struct scene *s, size_t from, struct span message)
{
    for (size_t i = 0; i < CAST; i++) {
        struct mls_received r;
        if (i == from || s->m[i].group == NULL || !mls_group_active(s->m[i].group)) continue;
        if (scene_offer(s, i, message, &r)) assert_int_equal(r.content, MLS_CONTENT_PROPOSAL);
        mls_received_free(&r);
    }
}

void scene_deliver_proposal(struct scene *s, size_t from, struct span message)
{
    for (size_t i = 0; i < CAST; i++) {
        struct mls_received r;
        if (i == from || s->m[i].group == NULL || !mls_group_active(s->m[i].group)) continue;
        scene_deliver(s, i, message, &r);
        assert_int_equal(r.content, MLS_CONTENT_PROPOSAL);
        mls_received_free(&r);
    }
}
