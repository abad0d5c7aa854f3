// SPDX-License-Identifier: Apache-2.0
//
// Plots: see plot.h. The path is made by the library's own functions, and spoilt between one step and the next.
#include "plot.h"

static const struct algo *algo(const struct plot *p) { return &p->g->algo; }

// ---------------------------------------------------------------------------------------------- leaves, KeyPackages

// Damages what a signature covers, and signs anew with this key: `n` bytes of signature stand at the end.
static struct span resign(const struct plot *p, struct feed *f, unsigned patches, struct span tbs, struct span context,
                          const char *label, struct span sk)
{
    struct buf *b = kit_buf();
    uint8_t sig[CRYPTO_SIG_MAX];
    size_t n = 0;
    buf_put(b, tbs);
    feed_patch(f, patches, b);
    const struct span parts[] = {buf_span(b), context};
    must_ok(label_sign(algo(p), sk, span_of(NULL, 0), label, parts, 2, sig, &n));
    tls_put_vector(b, span_of(sig, n));
    return buf_span(b);
}

static struct span leaf_context(const struct plot *p, uint8_t source, uint32_t index)
{
    struct buf *b = kit_buf();
    if (source != LEAF_KEY_PACKAGE) {
        tls_put_vector(b, buf_span(&p->g->id));
        tls_put_u32(b, index);
    }
    return buf_span(b);
}

static void fresh_key(const struct plot *p, uint8_t *sk, uint8_t *pk)
{
    uint8_t ikm[32];
    kit_random(ikm, sizeof ikm);
    must_ok(crypto_kem_derive(algo(p)->crypto, algo(p)->suite, span_of(ikm, 32), sk, pk));
}

// A KeyPackage of the plotter's, whole or with damage in the leaf or around it.
static struct span make_package(struct plot *p, struct feed *f)
{
    const struct plot_package *from = &p->package[feed_u8(f) % PLOT_PACKAGES];
    uint8_t damage = feed_u8(f);
    struct key_package kp;
    struct buf *tbs = kit_buf();
    if ((damage & 15) == 0) return from->raw;
    must_ok(key_package_decode(from->raw, &kp));
    buf_put(tbs, span_of(kp.raw.p, (size_t)(kp.leaf.raw.p - kp.raw.p)));
    buf_put(tbs, resign(p, f, damage & 3, kp.leaf.tbs, leaf_context(p, LEAF_KEY_PACKAGE, 0), "LeafNodeTBS", from->sk));
    const uint8_t *behind = kp.leaf.raw.p + kp.leaf.raw.n;
    buf_put(tbs, span_of(behind, (size_t)(kp.tbs.p + kp.tbs.n - behind)));
    return resign(p, f, damage >> 2 & 3, buf_span(tbs), span_of(NULL, 0), "KeyPackageTBS", from->sk);
}

static struct span make_update(struct plot *p, struct feed *f)
{
    uint8_t sk[CRYPTO_SK_MAX], pk[CRYPTO_PK_MAX], flags = feed_u8(f);
    struct span own_sk = span_of(p->g->now.signature_key, algo_sizes(algo(p))->nsigsk);
    struct leaf own;
    struct buf *raw = kit_buf();
    if (group_own_leaf(p->g, &own) != ERR_OK) return span_of(NULL, 0);
    fresh_key(p, sk, pk);
    if ((flags & 12) != 12) own.encryption_key = span_of(pk, algo_sizes(algo(p))->npk);
    own.source = LEAF_UPDATE;
    must_ok(leaf_build(algo(p), &own, buf_span(&p->g->id), p->g->now.keys.leaf, own_sk, raw));
    must_ok(leaf_decode(buf_span(raw), &own));
    return resign(p, f, flags & 3, own.tbs, leaf_context(p, LEAF_UPDATE, p->g->now.keys.leaf), "LeafNodeTBS", own_sk);
}

void plot_open(struct plot *p, struct party *party)
{
    static const uint64_t lives[PLOT_PACKAGES][2] = {[3] = {KIT_NOW - 20, KIT_NOW - 10}, [4] = {5, UINT64_MAX}};
    struct mls_buf sk, pk, package, part;
    p->party = party;
    for (size_t i = 0; i < PLOT_PACKAGES; i++) {
        struct mls_leaf_params leaf = party_leaf(party, GRACE);
        must_ok(mls_signature_keys(party->client, PARTY_SUITE, &sk, &pk));
        leaf.signature_private = kit_api(kit_span(sk));
        leaf.signature_public = (struct mls_span){0};
        leaf.not_before = lives[i][0];
        leaf.not_after = lives[i][1];
        if (i == 5) leaf.credential.identity = kit_api(span_str("refused"));
        must_ok(mls_key_package_new(party->client, PARTY_SUITE, &leaf, NULL, 0, &package, &part));
        p->package[i] = (struct plot_package){span_of(package.data + 4, package.size - 4), kit_span(sk), kit_span(part)};
        mls_buf_free(&pk);
    }
    must_ok(mls_signature_keys(party->client, PARTY_SUITE, &sk, &pk));
    p->second_sk = kit_span(sk);
    mls_buf_free(&pk);
}

// ----------------------------------------------------------------------------------------------------- proposals

static void put_psk(struct plot *p, struct feed *f, struct buf *b)
{
    static const uint8_t nonce[CRYPTO_HASH_MAX] = {1};
    uint8_t flags = feed_u8(f);
    struct psk_id id = {.type = flags & 1 ? PSK_RESUMPTION : PSK_EXTERNAL, .id = span_str(KIT_PSK)};
    id.usage = (uint8_t)(1 + (flags >> 1) % 3);
    id.group_id = flags & 32 ? feed_bytes(f) : buf_span(&p->g->id);
    id.epoch = p->g->now.number - (flags >> 3 & 3);
    id.nonce = span_of(nonce, flags & 64 ? feed_u8(f) % sizeof nonce : 32);
    if (flags & 128) id.id = feed_bytes(f);
    psk_id_write(b, &id);
}

// A list of extensions, some of which mean something to the group.
static void put_extensions(struct plot *p, struct feed *f, struct buf *b)
{
    static const uint16_t types[] = {EXTENSION_REQUIRED_CAPABILITIES, EXTENSION_EXTERNAL_SENDERS, PARTY_EXTENSION, 1};
    size_t mark = tls_begin(b);
    for (unsigned n = feed_u8(f) % 5; n > 0; n--) {
        uint8_t which = feed_u8(f);
        tls_put_u16(b, which & 8 ? feed_u16(f) : types[which & 3]);
        if (which & 16) tls_put_vector(b, feed_bytes(f));
        else if ((which & 3) == 1) tls_put_vector(b, kit_span(p->party->post));
        else tls_put_vector(b, span_of((const uint8_t[]){0, 2, 0xf0, 0xa1, 2, 0, 1}, 7)); // the custom one, and basic
    }
    tls_finish(b, mark);
}

static void put_external_init(struct plot *p, struct feed *f, struct buf *b)
{
    uint8_t seed[CRYPTO_SEED_MAX], enc[CRYPTO_ENC_MAX], sk[CRYPTO_SK_MAX], pk[CRYPTO_PK_MAX], init[CRYPTO_HASH_MAX];
    if (feed_u8(f) & 1) {
        tls_put_vector(b, feed_bytes(f));
        return;
    }
    kit_random(seed, sizeof seed);
    must_ok(schedule_external_keys(algo(p), &p->g->now.secrets.external, sk, pk));
    must_ok(crypto_hpke_export_send(algo(p)->crypto, algo(p)->suite, span_of(pk, 32), span_of(NULL, 0),
                                    span_str("MLS 1.0 external init secret"), seed, enc, init, 32));
    tls_put_vector(b, span_of(enc, 32));
}

struct span plot_proposal(struct plot *p, struct feed *f)
{
    static const uint16_t custom[] = {PARTY_CUSTOM, PARTY_PATH, 0xF0FF, 0x0A0A};
    uint8_t what = feed_u8(f), type = what % 12;
    struct buf *b = kit_buf();
    if (type >= 1 && type <= 7) tls_put_u16(b, type);
    switch (type) {
    case PROPOSAL_ADD: buf_put(b, make_package(p, f)); break;
    case PROPOSAL_UPDATE: buf_put(b, make_update(p, f)); break;
    case PROPOSAL_REMOVE: tls_put_u32(b, feed_u8(f)); break;
    case PROPOSAL_PSK: put_psk(p, f, b); break;
    case PROPOSAL_REINIT:
        tls_put_vector(b, feed_bytes(f));
        tls_put_u16(b, feed_u8(f));
        tls_put_u16(b, feed_u8(f));
        put_extensions(p, f, b);
        break;
    case PROPOSAL_EXTERNAL_INIT: put_external_init(p, f, b); break;
    case PROPOSAL_EXTENSIONS: put_extensions(p, f, b); break;
    case 8: // some that do something by themselves, more often
        tls_put_u16(b, PROPOSAL_REMOVE);
        tls_put_u32(b, feed_u8(f) % p->g->tree.leaves);
        break;
    case 9:
    case 10:
        tls_put_u16(b, custom[what >> 4 & 3]);
        tls_put_vector(b, feed_bytes(f));
        break;
    default: buf_put(b, feed_bytes(f)); break;
    }
    if (what >= 240) feed_patch(f, 2, b);
    must_ok(buf_end(b));
    return kit_copy(buf_span(b));
}

// --------------------------------------------------------------------------------------------------- a commit's parts

struct scheme {
    struct plot *plot;
    struct mls_staged *staged;
    struct committer by;
    struct span sk;      // of the message
    struct span leaf_sk; // of the leaf
    struct list list;
    struct buf *body;
    struct secret init, commit_secret; // secret
    bool has_path;
};

// An ExternalInit for which the plotter knows the secret.
static struct span external_init(struct scheme *s)
{
    uint8_t seed[CRYPTO_SEED_MAX], enc[CRYPTO_ENC_MAX], sk[CRYPTO_SK_MAX], pk[CRYPTO_PK_MAX];
    struct plot *p = s->plot;
    struct buf *b = kit_buf();
    kit_random(seed, sizeof seed);
    must_ok(schedule_external_keys(algo(p), &p->g->now.secrets.external, sk, pk));
    must_ok(crypto_hpke_export_send(algo(p)->crypto, algo(p)->suite, span_of(pk, 32), span_of(NULL, 0),
                                    span_str("MLS 1.0 external init secret"), seed, enc, s->init.b, 32));
    tls_put_u16(b, PROPOSAL_EXTERNAL_INIT);
    tls_put_vector(b, span_of(enc, 32));
    return buf_span(b);
}

// Writes a ProposalOrRef, and lists the proposal if it decodes.
static void put_item(struct scheme *s, struct span raw, struct span reference, enum sender_type type, uint32_t sender)
{
    tls_put_u8(s->body, reference.n > 0 ? COMMIT_BY_REFERENCE : COMMIT_BY_VALUE);
    if (reference.n > 0) tls_put_vector(s->body, reference);
    else buf_put(s->body, raw);
    (void)list_put(&s->list, raw, type, sender, reference);
}

static void put_proposals(struct scheme *s, struct feed *f, uint8_t count)
{
    struct plot *p = s->plot;
    size_t mark = tls_begin(s->body);
    if (s->by.type == SENDER_NEW_COMMIT) put_item(s, external_init(s), span_of(NULL, 0), s->by.type, s->by.leaf);
    for (unsigned n = count % 4; n > 0; n--) put_item(s, plot_proposal(p, f), span_of(NULL, 0), s->by.type, s->by.leaf);
    for (size_t i = 0; i < p->n_waiting && (count & 4) != 0; i++) {
        put_item(s, p->waiting[i].raw, p->waiting[i].reference, p->waiting[i].sender_type, p->waiting[i].sender);
    }
    tls_finish(s->body, mark);
}

// Applies one proposal without asking whether it may be; false if that makes no sense at all.
static bool apply(struct scheme *s, const struct item *i)
{
    struct mls_staged *st = s->staged;
    uint32_t leaf = 0;
    switch (i->p.type) {
    case PROPOSAL_EXTENSIONS:
        buf_wipe(&st->next.extensions);
        buf_put(&st->next.extensions, i->p.extensions);
        st->changes_extensions = true;
        return true;
    case PROPOSAL_UPDATE:
        if (i->sender >= st->tree.leaves || tree_is_blank(&st->tree, 2 * i->sender)) return false;
        return tree_set_leaf(&st->tree, i->sender, i->p.update->raw) == ERR_OK &&
               tree_blank_path(&st->tree, i->sender) == ERR_OK;
    case PROPOSAL_REMOVE: return st->tree.members > 1 && tree_remove(&st->tree, i->p.removed) == ERR_OK;
    case PROPOSAL_ADD:
        return tree_add(&st->tree, i->p.add->leaf.raw, &leaf) == ERR_OK && nodes_put(&st->added, leaf) == ERR_OK;
    case PROPOSAL_REINIT: reinit_write(&st->next.reinit, &i->p.reinit); return true;
    default: return true;
    }
}

static bool apply_all(struct scheme *s)
{
    static const uint16_t order[] = {PROPOSAL_EXTENSIONS, PROPOSAL_UPDATE, PROPOSAL_REMOVE, PROPOSAL_ADD, PROPOSAL_REINIT};
    for (size_t pass = 0; pass < sizeof order / sizeof *order; pass++) {
        for (size_t i = 0; i < s->list.n; i++) {
            if (s->list.v[i].p.type == order[pass] && !apply(s, &s->list.v[i])) return false;
        }
    }
    if (s->by.type == SENDER_NEW_COMMIT) {
        if (staged_assign_leaf(s->staged, &s->by.leaf) != ERR_OK) return false;
        s->staged->committer = s->by.leaf;
        return true;
    }
    return s->by.leaf < s->staged->tree.leaves && !tree_is_blank(&s->staged->tree, 2 * s->by.leaf);
}

// The leaf that the path starts from: mallory's, or a joiner's.
static struct leaf like(struct scheme *s)
{
    struct leaf l;
    struct key_package kp;
    if (s->by.type == SENDER_NEW_COMMIT) {
        must_ok(key_package_decode(s->plot->package[0].raw, &kp));
        return kp.leaf;
    }
    must_ok(group_own_leaf(s->plot->g, &l));
    return l;
}

// Damages the leaf of a path that has been made, and puts it in its place if it still decodes.
static bool spoil_leaf(struct scheme *s, struct feed *f, unsigned patches)
{
    struct leaf l;
    struct span raw = kit_copy(tree_leaf_raw(&s->staged->tree, s->by.leaf)); // the tree's own goes when it is set
    must_ok(leaf_decode(raw, &l));
    raw = resign(s->plot, f, patches, l.tbs, leaf_context(s->plot, LEAF_COMMIT, s->by.leaf), "LeafNodeTBS", s->leaf_sk);
    return leaf_decode(raw, &l) == ERR_OK && tree_set_leaf(&s->staged->tree, s->by.leaf, raw) == ERR_OK;
}

static bool put_path(struct scheme *s, struct feed *f)
{
    struct plot *p = s->plot;
    struct mls_staged *st = s->staged;
    struct path_draft d;
    uint8_t flaws = feed_u8(f);
    struct leaf l = like(s);
    uint8_t pk[CRYPTO_SIGPK_MAX];
    if (s->leaf_sk.p != s->sk.p) { // a new signature key
        must_ok(crypto_sig_public(algo(p)->crypto, algo(p)->suite, s->leaf_sk, pk));
        l.signature_key = span_of(pk, 32);
    }
    if (path_make(algo(p), NULL, &p->g->world, &st->tree, s->by.leaf, &l, buf_span(&p->g->id), s->leaf_sk,
                  &st->next.keys, &d) != ERR_OK) {
        return false;
    }
    s->commit_secret = d.commit_secret;
    memcpy(st->next.signature_key, s->leaf_sk.p, s->leaf_sk.n);
    if (flaws & 3 && !spoil_leaf(s, f, flaws & 3)) return false;
    if (d.n > 0 && (flaws & 12) == 4) d.key[feed_u8(f) % d.n][feed_u8(f) % 32] ^= feed_u8(f);
    if (d.n > 0 && (flaws & 12) == 8) d.secret[feed_u8(f) % d.n].b[0] ^= 1;
    if (d.n > 0 && (flaws & 12) == 12) d.n--;
    bool ok = staged_encode_context(st) == ERR_OK &&
              path_seal(algo(p), NULL, &p->g->world, &st->tree, s->by.leaf, &d, flaws & 64 ? NULL : &st->added,
                        buf_span(&st->next.context), s->body) == ERR_OK;
    path_draft_wipe(&d);
    return ok;
}

// ------------------------------------------------------------------------------------------------------ the commit

static bool derive(struct scheme *s, struct letter *l)
{
    struct secret psk_secret;
    const struct frame f = {.wire = (enum wire_format)l->wire, .framed = l->framed, .signature = l->signature};
    if (list_psk_secret(s->plot->g, &s->list, &psk_secret, NULL) != ERR_OK) return false;
    const struct staged_inputs in = {.init = &s->init, .commit_secret = &s->commit_secret, .psk_secret = &psk_secret};
    if (staged_derive(s->staged, &in, &f, NULL, NULL) != ERR_OK) return false;
    l->tag = span_of(s->staged->next.tag, algo_nh(algo(s->plot)));
    return true;
}

static struct span finish(struct scheme *s, struct feed *f, uint8_t how)
{
    struct plot *p = s->plot;
    struct letter l = letter_from(p->g, CONTENT_COMMIT, buf_span(s->body), s->sk);
    l.sender_type = (uint8_t)s->by.type;
    l.sender = s->by.leaf;
    l.damage = f;
    if (how & 1 && s->by.type == SENDER_MEMBER) l.wire = WIRE_PRIVATE;
    if (how & 2) l.aad = feed_bytes(f);
    if ((how & 12) == 12) l.inner = 1;
    if ((how & 48) == 48) l.outer = 1;
    letter_sign(p->g, &l);
    if (!derive(s, &l)) l.tag = span_of(s->init.b, 32); // some bytes
    if ((how & 192) == 192) l.tag = feed_bytes(f);
    return letter_seal(p->g, &l);
}

static struct span scheme_commit(struct scheme *s, struct feed *f)
{
    uint8_t shape = feed_u8(f), how = feed_u8(f);
    struct plot *p = s->plot;
    put_proposals(s, f, shape);
    bool sane = apply_all(s);
    s->has_path = (shape & 8) == 0;
    if (shape & 16 && s->by.type == SENDER_MEMBER) s->leaf_sk = p->second_sk;
    tls_put_u8(s->body, s->has_path);
    if (s->has_path && (!sane || !put_path(s, f))) buf_put(s->body, feed_bytes(f));
    if (!sane && s->by.type == SENDER_NEW_COMMIT) return span_of(NULL, 0);
    if ((shape & 0xe0) == 0xe0) feed_patch(f, 2, s->body);
    must_ok(buf_end(s->body));
    return finish(s, f, how);
}

struct span plot_commit(struct plot *p, struct feed *f, bool external, struct mls_staged **staged)
{
    struct scheme s = {.plot = p, .by = {external ? SENDER_NEW_COMMIT : SENDER_MEMBER, p->g->now.keys.leaf}};
    s.sk = s.leaf_sk = external ? p->package[0].sk : span_of(p->g->now.signature_key, 32);
    s.init = p->g->now.secrets.init;
    s.body = kit_buf();
    must_ok(staged_new(p->g, s.by.leaf, &s.staged));
    s.staged->mine = true;
    struct span message = scheme_commit(&s, f);
    list_free(&s.list);
    *staged = s.staged->ready && message.n > 0 ? s.staged : NULL;
    if (*staged == NULL) mls_staged_free(s.staged);
    return message;
}
