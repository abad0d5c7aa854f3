// SPDX-License-Identifier: Apache-2.0
//
// Joining whatever a malicious inviter has made up: a Welcome or a GroupInfo for a group that need not exist, with a tree
// that grows as the input says (grow.c) out of members whom the inviter plays all by itself. Everything is signed, hashed,
// tagged and sealed as it should be, but for the damage that the input asks for on the way. Raw bytes, too.
//
// Either there is an error and no group, or the group works: its members can be listed, it can be stored and restored,
// things can be said in it, and it can be committed to.
#include "grow.h"
#include "party.h"

#include "mls/welcome.h"

enum { SIGNERS = 12 };

static struct party party;
static struct mls_client *lax;   // takes any two for the same person, as a branch needs them
static struct mls_group *parent; // of branches
static struct mls_group *ended;  // by a ReInit that announces a group like the ones here
static struct mls_buf welcome;   // a genuine one
static struct {
    struct span sk, pk;
} signer[SIGNERS];

static const struct algo *algo(void) { return &parent->algo; }
#define GROUP_ID "grown"

// -------------------------------------------------------------------------------------------------- the inviter

// What the inviter makes up.
struct invention {
    struct grow grow;
    struct feed *f;
    uint32_t by;           // leaf of who signs the GroupInfo
    bool has_path;         // whether its last step was the inviter's path
    size_t n;
    uint32_t level[TREE_MAX_LEVELS];
    struct span key[TREE_MAX_LEVELS];
    struct secret secret[TREE_MAX_LEVELS]; // path secrets, as far as the inviter made the path
    struct secret joiner, member;
    struct buf *context, *extensions, *psks, *info;
    struct span tree;
    uint8_t tag[CRYPTO_HASH_MAX];
};

static struct span grace_leaf(void)
{
    struct private_part mine;
    must_ok(private_part_decode(kit_span(party.p[GRACE].private_part), &mine));
    return mine.key_package.leaf.raw;
}

// Signed leaves; one flavour is that of the joiner's own KeyPackage.
static struct span make_leaf(struct grow *g, const struct grow_leaf *want)
{
    uint32_t n = want->flavour & 0x80 ? want->flavour % 4 : g->fresh++;
    size_t who = n % SIGNERS, sig_n = 0;
    uint8_t sig[CRYPTO_SIG_MAX];
    struct buf *b = kit_buf(), *context = kit_buf();
    if (want->source == LEAF_KEY_PACKAGE && want->flavour == 0x7f) return grace_leaf();
    struct span tbs = grow_leaf_unsigned(want, grow_number(1, n), signer[who].pk);
    if (want->source != LEAF_KEY_PACKAGE) {
        tls_put_vector(context, span_str(GROUP_ID));
        tls_put_u32(context, want->index);
    }
    const struct span parts[] = {tbs, buf_span(context)};
    must_ok(label_sign(algo(), signer[who].sk, signer[who].pk, "LeafNodeTBS", parts, 2, sig, &sig_n));
    buf_put(b, tbs);
    tls_put_vector(b, span_of(sig, sig_n));
    return buf_span(b);
}

static struct span make_key(struct grow *g, uint32_t leaf, uint32_t level)
{
    struct invention *v = g->arg;
    for (size_t i = 0; leaf == v->by && i < v->n; i++) {
        if (v->level[i] == level) return v->key[i];
    }
    return grow_number(1, g->fresh++);
}

// The inviter's own path, for which it knows the secrets.
static void commit_path(struct invention *v, uint8_t flavour)
{
    struct secret at, node;
    uint8_t sk[CRYPTO_SK_MAX], pk[CRYPTO_PK_MAX];
    struct grow_op op = {0};
    kit_random(at.b, algo_nh(algo()));
    path_filtered(v->grow.t, v->by, v->level, &v->n);
    for (size_t i = 0; i < v->n; i++) {
        v->secret[i] = at;
        must_ok(label_derive(algo(), &at, "node", &node));
        must_ok(crypto_kem_derive(algo()->crypto, algo()->suite, secret_span(algo(), &node), sk, pk));
        v->key[i] = kit_copy(span_of(pk, algo_sizes(algo())->npk));
        must_ok(label_derive(algo(), &at, "path", &at));
    }
    grow_path(&v->grow, v->by, flavour, &op);
    v->has_path = true;
}

static void grow_tree(struct invention *v)
{
    struct grow_op op;
    uint32_t node;
    uint8_t how = feed_u8(v->f);
    grow_init(&v->grow, *algo());
    v->grow.make_leaf = make_leaf;
    v->grow.make_key = make_key;
    v->grow.arg = v;
    v->by = UINT32_MAX;
    grow_found(&v->grow, how & 1);
    for (unsigned n = how >> 2 & 15; n > 0 && v->f->n > 0; n--) grow_step(&v->grow, v->f, &op);
    struct leaf l;
    must_ok(leaf_decode(grace_leaf(), &l));
    if ((how & 2) == 0 && !tree_find_key(v->grow.t, l.encryption_key, INDEX_ENCRYPTION, &node)) {
        uint32_t leaf;
        if (tree_add(v->grow.t, grace_leaf(), &leaf) != ERR_OK) return;
    }
    v->by = feed_u8(v->f) % v->grow.t->leaves;
    if ((how & 0xc0) != 0xc0 && tree_leaf(v->grow.t, v->by, &l) == ERR_OK) commit_path(v, feed_u8(v->f) & 0x7e);
}

static struct span secret_key_of(uint32_t leaf, const struct tree *t)
{
    struct leaf l;
    if (tree_leaf(t, leaf, &l) == ERR_OK) {
        for (size_t i = 0; i < SIGNERS; i++) {
            if (span_eq(signer[i].pk, l.signature_key)) return signer[i].sk;
        }
    }
    return signer[0].sk;
}

// ---------------------------------------------------------------------------------------- GroupContext and GroupInfo

static void put_extensions(struct feed *f, struct buf *b)
{
    static const uint16_t types[] = {EXTENSION_REQUIRED_CAPABILITIES, PARTY_EXTENSION, EXTENSION_EXTERNAL_SENDERS, 0xF0E0};
    for (unsigned n = feed_u8(f) % 4; n > 0; n--) {
        uint8_t which = feed_u8(f);
        tls_put_u16(b, which & 8 ? feed_u16(f) : types[which & 3]);
        if (which & 16) tls_put_vector(b, feed_bytes(f));
        else tls_put_vector(b, which & 2 ? kit_span(party.post) : span_of((const uint8_t[]){0, 0, 2, 0, 1}, 5));
    }
}

static void make_context(struct invention *v, uint8_t how)
{
    static const uint8_t confirmed[CRYPTO_HASH_MAX] = {5};
    uint8_t hash[CRYPTO_HASH_MAX];
    struct buf *extensions = kit_buf(), *bytes = kit_buf();
    struct tree again;
    static const uint64_t seed[2];
    must_ok(tree_encode(v->grow.t, bytes));
    feed_patch(v->f, how & 3, bytes);
    v->tree = buf_span(bytes);
    // The hash of whatever the damaged bytes decode to, so that they are looked at.
    tree_init(&again, (uint8_t)algo_nh(algo()), seed);
    bool decodes = tree_decode(&again, v->tree) == ERR_OK;
    struct tree *t = decodes ? &again : v->grow.t;
    must_ok(tree_hash(algo(), t, math_root(t->leaves), hash));
    tree_wipe(&again);
    put_extensions(v->f, extensions);
    const struct group_context c = {.version = how & 4 ? feed_u8(v->f) : MLS_VERSION,
                                    .suite = how & 8 ? feed_u16(v->f) : PARTY_SUITE,
                                    .group_id = span_str(GROUP_ID),
                                    .epoch = how & 16 ? feed_u32(v->f) : 1,
                                    .tree_hash = span_of(hash, algo_nh(algo())),
                                    .confirmed_hash = span_of(confirmed, how & 32 ? feed_u8(v->f) % 64 : 32),
                                    .extensions = buf_span(extensions)};
    group_context_write(v->context, &c);
}

// PSKs that the joiner may have or not, and the secret that comes of those that are known here.
static void make_psks(struct invention *v, uint8_t how, struct secret *psk_secret)
{
    static const uint8_t nonce[32] = {6}, external[32] = {1, 2, 3};
    struct span none = span_of(NULL, 0);
    const struct mls_group *old = how & 64 ? ended : parent;
    unsigned n = how & 3;
    psk_begin(psk_secret);
    for (unsigned i = 0; i < n; i++) {
        struct psk_id id = {.type = PSK_EXTERNAL, .id = span_str(KIT_PSK), .nonce = span_of(nonce, 32)};
        struct span secret = span_of(external, 32);
        if (i == 0 && how & 4) {
            id = (struct psk_id){.type = PSK_RESUMPTION, .usage = how & 64 ? PSK_REINIT : PSK_BRANCH,
                                 .group_id = buf_span(&old->id), .epoch = old->now.number, .nonce = span_of(nonce, 32)};
            secret = secret_span(&old->algo, &old->now.secrets.resumption);
        }
        if (how & 8) id.nonce.n = feed_u8(v->f) % 33;
        if (how & 16) id.id = id.group_id = feed_bytes(v->f);
        psk_id_write(v->psks, &id);
        must_ok(psk_add(algo(), psk_secret, &id, secret, (uint16_t)i, (uint16_t)n));
    }
    if (how & 32) feed_patch(v->f, 1, v->psks);
    if (n == 0) psk_secret->b[0] = (uint8_t)none.n;
}

static void derive(struct invention *v)
{
    struct epoch e = {0};
    struct secret epoch_secret;
    struct secret_tree secrets;
    struct group_context c;
    struct tls_reader r = tls_reader_of(buf_span(v->context));
    group_context_read(&r, &c);
    if (r.err == ERR_OK && c.confirmed_hash.n <= sizeof e.confirmed) {
        memcpy(e.confirmed, c.confirmed_hash.p, c.confirmed_hash.n);
        e.confirmed_n = c.confirmed_hash.n;
    }
    must_ok(schedule_epoch_secret(algo(), &v->member, buf_span(v->context), &epoch_secret));
    must_ok(epoch_derive(algo(), &epoch_secret, 1, &e, &secrets));
    memcpy(v->tag, e.tag, sizeof v->tag);
    uint8_t sk[CRYPTO_SK_MAX], pk[CRYPTO_PK_MAX];
    struct buf *key = kit_buf();
    must_ok(schedule_external_keys(algo(), &e.secrets.external, sk, pk));
    tls_put_vector(key, span_of(pk, algo_sizes(algo())->npk));
    tls_put_u16(v->extensions, EXTENSION_EXTERNAL_PUB);
    tls_put_vector(v->extensions, buf_span(key));
    secret_tree_wipe(&secrets);
    epoch_wipe(&e);
}

// The GroupInfo, damaged before it is signed. Tells whether the tree has to be given beside it.
static bool make_info(struct invention *v)
{
    uint8_t how = feed_u8(v->f), damage = feed_u8(v->f), sig[CRYPTO_SIG_MAX];
    size_t n = 0;
    bool inside = (damage & 4) == 0;
    struct secret psk_secret;
    make_context(v, how);
    make_psks(v, how & 64 ? feed_u8(v->f) : 0, &psk_secret);
    if (damage & 8) feed_patch(v->f, 1, v->context);
    must_ok(schedule_member(algo(), &v->joiner, &psk_secret, &v->member));
    put_extensions(v->f, v->extensions);
    derive(v);
    if (inside) {
        tls_put_u16(v->extensions, EXTENSION_RATCHET_TREE);
        tls_put_vector(v->extensions, v->tree);
    }
    if (damage & 16) feed_patch(v->f, 2, v->extensions);
    buf_put(v->info, buf_span(v->context));
    tls_put_vector(v->info, buf_span(v->extensions));
    tls_put_vector(v->info, span_of(v->tag, algo_nh(algo())));
    tls_put_u32(v->info, v->by);
    feed_patch(v->f, damage & 3, v->info);
    must_ok(buf_end(v->info));
    struct span tbs = buf_span(v->info);
    must_ok(label_sign(algo(), secret_key_of(v->by, v->grow.t), span_of(NULL, 0), "GroupInfoTBS", &tbs, 1, sig, &n));
    tls_put_vector(v->info, span_of(sig, n));
    return !inside;
}

static void invent(struct invention *v, struct feed *f)
{
    *v = (struct invention){.f = f, .joiner = {{7}}};
    v->context = kit_buf();
    v->extensions = kit_buf();
    v->psks = kit_buf();
    v->info = kit_buf();
    grow_tree(v);
}

// -------------------------------------------------------------------------------------------------- the Welcome

static void put_secrets(struct invention *v, uint8_t how, struct buf *out)
{
    uint32_t node = 0;
    struct leaf l;
    struct secret *path = NULL;
    must_ok(leaf_decode(grace_leaf(), &l));
    if (v->has_path && tree_find_key(v->grow.t, l.encryption_key, INDEX_ENCRYPTION, &node)) {
        uint32_t level = math_common_level(v->by, node / 2);
        for (size_t i = 0; i < v->n; i++) {
            if (v->level[i] == level) path = &v->secret[i];
        }
    }
    if (how & 1) path = how & 2 ? NULL : &v->joiner;
    group_secrets_write(out, span_of(v->joiner.b, how & 4 ? feed_u8(v->f) % 64 : 32), path, algo_nh(algo()),
                        buf_span(v->psks));
    if (how & 8) feed_patch(v->f, 2, out);
}

static struct span make_welcome(struct invention *v, bool *beside)
{
    uint8_t key[CRYPTO_KEY_MAX], nonce[CRYPTO_NONCE], ref[CRYPTO_HASH_MAX], seed[CRYPTO_SEED_MAX];
    struct private_part mine;
    struct crypto_hpke_info hpke;
    struct buf *sealed = kit_buf(), *secrets = kit_buf(), *entry = kit_buf(), *out = kit_buf();
    *beside = make_info(v);
    uint8_t how = feed_u8(v->f);
    must_ok(private_part_decode(kit_span(party.p[GRACE].private_part), &mine));
    uint8_t *at = buf_grow(sealed, v->info->n + CRYPTO_TAG);
    must(at != NULL);
    must_ok(schedule_welcome(algo(), &v->member, key, nonce));
    must_ok(crypto_seal(algo()->crypto, algo()->suite, key, nonce, span_of(NULL, 0), buf_span(v->info), at));
    put_secrets(v, how, secrets);
    must_ok(key_package_ref(algo(), mine.key_package.raw, ref));
    must_ok(label_info(algo(), "Welcome", buf_span(sealed), &hpke));
    kit_random(seed, sizeof seed);
    tls_put_vector(entry, span_of(ref, 32));
    must_ok(label_encrypt(algo(), mine.key_package.init_key, &hpke, buf_span(secrets), seed, entry));
    message_head(out, WIRE_WELCOME);
    tls_put_u16(out, PARTY_SUITE);
    tls_put_vector(out, buf_span(entry));
    tls_put_vector(out, buf_span(sealed));
    if ((how & 0x30) == 0x30) feed_patch(v->f, 1, out);
    return kit_copy(buf_span(out));
}

// ------------------------------------------------------------------------------------------------- what has come of it

static void possible(enum mls_error e)
{
    enum mls_error class = mls_error_class(e);
    must(class != MLS_E_MEMORY && class != MLS_E_CRYPTO && class != MLS_E_RANDOM);
}

// Everything that can be seen of a group from inside or outside.
static void look(struct mls_group *g, bool inside)
{
    struct mls_member m;
    struct mls_buf b;
    uint32_t at = 0, n = 0;
    while (mls_group_next_member(g, &at, &m)) n++;
    must(n == mls_group_member_count(g) && n > 0);
    must_ok(mls_group_tree(g, &b));
    mls_buf_free(&b);
    must_ok(mls_group_context(g, &b));
    mls_buf_free(&b);
    enum mls_error e = mls_group_export(g, "label", (struct mls_span){0}, 32, &b);
    must(e == (inside ? MLS_OK : MLS_E_GROUP_INACTIVE));
    mls_buf_free(&b);
    e = mls_group_protect(g, kit_api(span_str("hello")), (struct mls_span){0}, &b);
    must(e == (inside ? MLS_OK : MLS_E_GROUP_INACTIVE));
    mls_buf_free(&b);
}

static void use(const struct mls_client *c, struct mls_group *g)
{
    struct mls_commit commit;
    struct mls_group *again = NULL;
    struct store all;
    look(g, true);
    party_dump(g, &all);
    must_ok(store_restore(&all, c, &again));
    party_unchanged(again, &all);
    mls_group_free(again);
    store_free(&all);
    enum mls_error e = mls_group_commit(g, NULL, &commit);
    possible(e);
    must_ok(e);
    must_ok(mls_group_merge(g, commit.staged));
    commit.staged = NULL;
    mls_commit_free(&commit);
    look(g, true);
}

static void join(const struct mls_client *c, struct span message, struct span part, struct span tree,
                 const struct mls_group *old)
{
    struct mls_group *g = NULL;
    bool mine = mls_welcome_is_for(c, kit_api(message), kit_api(part));
    enum mls_error e = mls_group_join(c, kit_api(message), kit_api(part), kit_api(tree), old, &g);
    possible(e);
    must((e == MLS_OK) == (g != NULL));
    if (g == NULL) return;
    must(mine);
    use(c, g);
    mls_group_free(g);
}

static void enter(struct span message, struct span tree, struct feed *f)
{
    struct mls_group *g = NULL;
    struct mls_buf commit;
    uint8_t how = feed_u8(f);
    const struct mls_external_join x = {.group_info = kit_api(message),
                                        .tree = kit_api(tree),
                                        .leaf = party_leaf(&party, GRACE),
                                        .resync = how & 1,
                                        .resync_index = feed_u8(f)};
    enum mls_error e = mls_group_observe(party.client, kit_api(message), kit_api(tree), &g);
    possible(e);
    must((e == MLS_OK) == (g != NULL));
    if (g != NULL) look(g, false);
    bool observed = g != NULL;
    mls_group_free(g);
    g = NULL;
    e = mls_group_join_external(party.client, &x, &commit, &g);
    possible(e);
    must((e == MLS_OK) == (g != NULL) && (e == MLS_OK) == (commit.data != NULL));
    must(observed || g == NULL); // what cannot be looked at cannot be joined
    if (g != NULL) use(party.client, g);
    mls_buf_free(&commit);
    mls_group_free(g);
}

// ---------------------------------------------------------------------------------------------------- the fuzzer

static bool anybody(void *arg, const struct mls_member *a, const struct mls_member *b)
{
    (void)arg;
    (void)a;
    (void)b;
    return true;
}

// A group that has ended with a ReInit for GROUP_ID.
static void end_group(void)
{
    struct mls_commit c;
    const struct mls_proposal p = {.type = MLS_PROPOSAL_REINIT, .group_id = kit_api(span_str(GROUP_ID))};
    const struct mls_commit_params params = {.proposals = &p, .proposal_count = 1};
    must_ok(store_restore(&party.p[ALICE].store, lax, &ended));
    must_ok(mls_group_commit(ended, &params, &c));
    must_ok(mls_group_merge(ended, c.staged));
    c.staged = NULL;
    mls_commit_free(&c);
}

void fuzz_open(void)
{
    static struct mls_config config;
    struct mls_commit c;
    struct mls_buf sk, pk;
    party_open(&party, party_config());
    config = party_config();
    config.same_identity = anybody;
    must_ok(mls_client_new(&config, &lax));
    must_ok(store_restore(&party.p[ALICE].store, lax, &parent));
    end_group();
    for (size_t i = 0; i < SIGNERS; i++) {
        must_ok(mls_signature_keys(party.client, PARTY_SUITE, &sk, &pk));
        signer[i].sk = kit_span(sk);
        signer[i].pk = kit_span(pk);
    }
    const struct mls_proposal add = {.type = MLS_PROPOSAL_ADD, .key_package = kit_api(kit_span(party.p[GRACE].key_package))};
    const struct mls_commit_params params = {.proposals = &add, .proposal_count = 1, .tree_in_welcome = true};
    must_ok(mls_group_commit(party.p[ALICE].group, &params, &c));
    welcome = c.welcome;
    c.welcome = (struct mls_buf){0};
    mls_commit_free(&c);
}

static void play_invention(struct feed *f, bool external)
{
    struct invention v;
    bool beside;
    uint8_t how = feed_u8(f);
    struct span part = kit_span(party.p[GRACE].private_part), message;
    const struct mls_group *old = (how & 3) == 1 ? parent : (how & 3) == 2 ? ended : NULL;
    invent(&v, f);
    if (external) {
        struct buf *out = kit_buf();
        beside = make_info(&v);
        message_head(out, WIRE_GROUP_INFO);
        buf_put(out, buf_span(v.info));
        message = kit_copy(buf_span(out));
        enter(message, beside ? kit_copy(v.tree) : span_of(NULL, 0), f);
    } else {
        message = make_welcome(&v, &beside);
        join(old != NULL ? lax : party.client, message, part, beside ? kit_copy(v.tree) : span_of(NULL, 0), old);
    }
    grow_wipe(&v.grow);
}

// A genuine Welcome and a genuine private part, each damaged.
static void play_damaged(struct feed *f)
{
    struct buf *message = kit_buf(), *part = kit_buf();
    uint8_t how = feed_u8(f);
    buf_put(message, kit_span(welcome));
    buf_put(part, kit_span(party.p[GRACE].private_part));
    feed_patch(f, how & 3, message);
    feed_patch(f, how >> 2 & 3, part);
    join(party.client, kit_copy(buf_span(message)), kit_copy(buf_span(part)), span_of(NULL, 0), NULL);
}

void fuzz_one(struct span input)
{
    struct feed f = {input.p, input.n};
    uint8_t mode = feed_u8(&f);
    switch (mode % 8) {
    case 0: {
        struct span tree = kit_copy(feed_bytes(&f));
        join(party.client, kit_copy(feed_rest(&f)), kit_span(party.p[GRACE].private_part), tree, NULL);
        break;
    }
    case 1: {
        struct feed none = {0};
        struct span tree = kit_copy(feed_bytes(&f));
        enter(kit_copy(feed_rest(&f)), tree, &none);
        break;
    }
    case 2: play_damaged(&f); break;
    case 3:
    case 4: play_invention(&f, true); break;
    default: play_invention(&f, false); break;
    }
}

void fuzz_seeds(const char *folder)
{
    static const struct {
        const char *name, *bytes;
        uint8_t n;
    } seeds[] = {
        {"welcome", "\x05\x00\x08\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00", 14},
        {"grown", "\x05\x00\x1c\x00\x02\x00\x04\x00\x06\x07\x01\x02\x04\x02\x00\x08\x01\x00\x00\x00\x00\x00\x00\x00\x00", 25},
        {"beside", "\x05\x00\x08\x00\x02\x00\x04\x00\x00\x00\x04\x00\x00\x00\x00", 15},
        {"psk", "\x05\x00\x04\x00\x02\x00\x00\x40\x00\x00\x01\x00\x00\x00", 14},
        {"branch", "\x05\x01\x04\x00\x02\x00\x00\x40\x00\x00\x05\x00\x00\x00", 14},
        {"reinit", "\x05\x02\x04\x00\x02\x00\x00\x40\x00\x00\x45\x00\x00\x00", 14},
        {"external", "\x03\x00\x0a\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00", 15},
        {"resync", "\x03\x00\x08\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x01\x03", 15},
        {"damaged", "\x02\x05\x00\x00\x10\x01\x00\x00\x20\x01", 10},
    };
    struct buf *raw = kit_buf();
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
        kit_seed(folder, seeds[i].name, span_of(seeds[i].bytes, seeds[i].n));
    }
    buf_put(raw, span_of((const uint8_t[]){0, 0}, 2));
    buf_put(raw, kit_span(welcome));
    kit_seed(folder, "raw", buf_span(raw));
}
