// SPDX-License-Identifier: Apache-2.0
//
// Random structures. Types that only some applications know (credentials that are not basic, proposals beyond RFC 9420)
// appear where the plan is wide.
#include "vectors/make/dice.h"

struct dice dice_of_suite(struct make *m)
{
    const struct crypto_sizes *z = algo_sizes(&m->t.algo);
    return (struct dice){.m = m,
                         .suite = crypto_suite_id(m->t.algo.suite),
                         .nh = z->nh,
                         .npk = z->npk,
                         .nenc = z->nenc,
                         .nsigpk = z->nsigpk,
                         .nsig = z->nsigmax};
}

struct dice dice_of_any(struct make *m)
{
    uint16_t suite = (uint16_t)kit_range(m, 1, 7);
    const struct crypto_sizes *z = crypto_sizes(crypto_suite(suite));
    return (struct dice){m, suite, z->nh, z->npk, z->nenc, z->nsigpk, z->nsigmax};
}

static void put_random(struct dice *d, struct buf *b, size_t n) { tls_put_vector(b, kit_random(d->m, n)); }

// Random bytes of any length up to n; now and then just at the edge where the length needs two bytes.
static void put_some(struct dice *d, struct buf *b, uint32_t n)
{
    put_random(d, b, kit_below(d->m, 8) == 0 ? kit_range(d->m, 62, 65) : kit_below(d->m, n + 1));
}

static uint64_t any_epoch(struct dice *d)
{
    uint64_t v = (uint64_t)kit_below(d->m, UINT32_MAX) << 32 | kit_below(d->m, UINT32_MAX);
    return v >> kit_below(d->m, 64);
}

static struct span finish(struct dice *d, struct buf *b) { return trial_take(&d->m->t, b, "a random structure"); }

// ---------------------------------------------------------------------------------------------------- extensions

static uint16_t grease(struct dice *d) { return (uint16_t)(0x0A0A + 0x1010 * kit_below(d->m, 15)); }

static void put_extension(struct dice *d, struct buf *b, uint16_t type)
{
    tls_put_u16(b, type);
    put_some(d, b, 40);
}

// Types of no meaning, each once: private ones and GREASE.
static void put_unknown(struct dice *d, struct buf *b)
{
    if (kit_coin(d->m)) put_extension(d, b, (uint16_t)(0xF000 + kit_below(d->m, 0x400)));
    if (kit_coin(d->m)) put_extension(d, b, (uint16_t)(0xF400 + kit_below(d->m, 0x400)));
    if (!d->m->plan->no_grease && kit_coin(d->m)) put_extension(d, b, grease(d));
}

static void put_types(struct dice *d, struct buf *b, const uint16_t *known, size_t n, bool any)
{
    size_t mark = tls_begin(b);
    for (size_t i = 0; i < n; i++) tls_put_u16(b, known[i]);
    for (uint32_t i = kit_below(d->m, 4); any && i > 0; i--) tls_put_u16(b, (uint16_t)(0xF000 + kit_below(d->m, 0x800)));
    if (!d->m->plan->no_grease && kit_coin(d->m)) tls_put_u16(b, grease(d));
    tls_finish(b, mark);
}

static void put_credential(struct dice *d, struct buf *b)
{
    uint32_t kind = d->m->plan->wide ? kit_below(d->m, 4) : 0;
    tls_put_u16(b, kind == 2 ? CREDENTIAL_X509 : kind == 3 ? 0xF0C0 : CREDENTIAL_BASIC);
    if (kind != 2) {
        put_some(d, b, 60);
        return;
    }
    size_t mark = tls_begin(b);
    for (uint32_t i = kit_range(d->m, 1, 3); i > 0; i--) put_random(d, b, kit_range(d->m, 1, 300));
    tls_finish(b, mark);
}

// required_capabilities and external_senders, which a GroupContext may have.
static void put_group_extensions(struct dice *d, struct buf *b)
{
    static const uint16_t basic = CREDENTIAL_BASIC;
    size_t whole = tls_begin(b);
    if (kit_coin(d->m)) {
        tls_put_u16(b, EXTENSION_REQUIRED_CAPABILITIES);
        size_t mark = tls_begin(b);
        put_types(d, b, NULL, 0, true);
        put_types(d, b, NULL, 0, true);
        put_types(d, b, &basic, 1, false);
        tls_finish(b, mark);
    }
    if (kit_coin(d->m)) {
        tls_put_u16(b, EXTENSION_EXTERNAL_SENDERS);
        size_t mark = tls_begin(b), list = tls_begin(b);
        for (uint32_t i = kit_range(d->m, 1, 3); i > 0; i--) {
            put_random(d, b, d->nsigpk);
            put_credential(d, b);
        }
        tls_finish(b, list);
        tls_finish(b, mark);
    }
    put_unknown(d, b);
    tls_finish(b, whole);
}

// ----------------------------------------------------------------------------------------------------- the nodes

static void put_capabilities(struct dice *d, struct buf *b)
{
    static const uint16_t version = MLS_VERSION, credentials[] = {CREDENTIAL_BASIC, CREDENTIAL_X509};
    const uint16_t suites[] = {d->suite, (uint16_t)(d->suite % 7 + 1)};
    size_t mark = tls_begin(b);
    tls_put_u16(b, version);
    tls_finish(b, mark);
    put_types(d, b, suites, kit_range(d->m, 1, 2), false);
    put_types(d, b, NULL, 0, true);
    put_types(d, b, NULL, 0, true);
    put_types(d, b, credentials, kit_range(d->m, 1, 2), false);
}

static void put_leaf(struct dice *d, struct buf *b, enum leaf_source source)
{
    put_random(d, b, d->npk);
    put_random(d, b, d->nsigpk);
    put_credential(d, b);
    put_capabilities(d, b);
    tls_put_u8(b, (uint8_t)source);
    if (source == LEAF_KEY_PACKAGE) {
        tls_put_u64(b, kit_below(d->m, UINT32_MAX));
        tls_put_u64(b, kit_coin(d->m) ? UINT64_MAX : any_epoch(d));
    }
    if (source == LEAF_COMMIT) put_random(d, b, kit_below(d->m, 4) == 0 ? 0 : d->nh);
    size_t mark = tls_begin(b);
    if (kit_coin(d->m)) {
        tls_put_u16(b, EXTENSION_APPLICATION_ID);
        put_some(d, b, 40);
    }
    put_unknown(d, b);
    tls_finish(b, mark);
    put_random(d, b, d->nsig);
}

struct span dice_leaf(struct dice *d, enum leaf_source source)
{
    struct buf b;
    buf_init(&b, TLS_VECTOR_MAX);
    put_leaf(d, &b, source);
    return finish(d, &b);
}

static void put_key_package(struct dice *d, struct buf *b)
{
    tls_put_u16(b, MLS_VERSION);
    tls_put_u16(b, d->suite);
    put_random(d, b, d->npk);
    put_leaf(d, b, LEAF_KEY_PACKAGE);
    size_t mark = tls_begin(b);
    put_unknown(d, b);
    tls_finish(b, mark);
    put_random(d, b, d->nsig);
}

struct span dice_key_package(struct dice *d)
{
    struct buf b;
    buf_init(&b, TLS_VECTOR_MAX);
    put_key_package(d, &b);
    return finish(d, &b);
}

static void put_parent(struct dice *d, struct buf *b, uint32_t node, uint32_t leaves)
{
    put_random(d, b, d->npk);
    put_random(d, b, kit_below(d->m, 4) == 0 ? 0 : d->nh);
    size_t mark = tls_begin(b);
    for (uint32_t i = 0; i < math_leaf_count(node); i++) {
        uint32_t leaf = math_first_leaf(node) + i;
        if (leaf < leaves && kit_below(d->m, 4) == 0) tls_put_u32(b, leaf);
    }
    tls_finish(b, mark);
}

// Ends with a leaf, as it must (RFC 9420 §12.4.3.3).
struct span dice_ratchet_tree(struct dice *d, uint32_t leaves)
{
    struct buf b;
    buf_init(&b, TLS_VECTOR_MAX);
    size_t mark = tls_begin(&b);
    for (uint32_t x = 0; x < math_width(leaves); x++) {
        bool is = x == math_width(leaves) - 1 || kit_below(d->m, 3) > 0;
        tls_put_u8(&b, is);
        if (!is) continue;
        tls_put_u8(&b, x & 1 ? 2 : 1);
        if (x & 1) put_parent(d, &b, x, leaves);
        else put_leaf(d, &b, (enum leaf_source)kit_range(d->m, LEAF_KEY_PACKAGE, LEAF_COMMIT));
    }
    tls_finish(&b, mark);
    return finish(d, &b);
}

// ----------------------------------------------------------------------------------------------------- proposals

static void put_psk_id(struct dice *d, struct buf *b)
{
    if (kit_coin(d->m)) {
        tls_put_u8(b, PSK_EXTERNAL);
        put_some(d, b, 60);
    } else {
        tls_put_u8(b, PSK_RESUMPTION);
        tls_put_u8(b, (uint8_t)kit_range(d->m, PSK_APPLICATION, PSK_BRANCH));
        put_some(d, b, 40);
        tls_put_u64(b, any_epoch(d));
    }
    put_random(d, b, d->nh);
}

static void put_proposal_body(struct dice *d, struct buf *b, uint16_t type)
{
    switch (type) {
    case PROPOSAL_ADD: put_key_package(d, b); break;
    case PROPOSAL_UPDATE: put_leaf(d, b, LEAF_UPDATE); break;
    case PROPOSAL_REMOVE: tls_put_u32(b, kit_below(d->m, UINT32_MAX) >> kit_below(d->m, 32)); break;
    case PROPOSAL_PSK: put_psk_id(d, b); break;
    case PROPOSAL_REINIT:
        put_some(d, b, 40);
        tls_put_u16(b, MLS_VERSION);
        tls_put_u16(b, d->suite);
        put_group_extensions(d, b);
        break;
    case PROPOSAL_EXTERNAL_INIT: put_random(d, b, d->nenc); break;
    case PROPOSAL_EXTENSIONS: put_group_extensions(d, b); break;
    default: put_some(d, b, 100); break;
    }
}

static void put_proposal(struct dice *d, struct buf *b)
{
    uint16_t type = (uint16_t)kit_range(d->m, PROPOSAL_ADD, PROPOSAL_EXTENSIONS + (d->m->plan->wide ? 1 : 0));
    if (type > PROPOSAL_EXTENSIONS) type = KIT_PROPOSAL;
    tls_put_u16(b, type);
    put_proposal_body(d, b, type);
}

struct span dice_proposal_body(struct dice *d, uint16_t type)
{
    struct buf b;
    buf_init(&b, TLS_VECTOR_MAX);
    put_proposal_body(d, &b, type);
    return finish(d, &b);
}

struct span dice_proposal(struct dice *d)
{
    struct buf b;
    buf_init(&b, TLS_VECTOR_MAX);
    put_proposal(d, &b);
    return finish(d, &b);
}

static void put_path(struct dice *d, struct buf *b)
{
    put_leaf(d, b, LEAF_COMMIT);
    size_t nodes = tls_begin(b);
    for (uint32_t i = kit_below(d->m, 4); i > 0; i--) {
        put_random(d, b, d->npk);
        size_t mark = tls_begin(b);
        for (uint32_t j = kit_below(d->m, 4); j > 0; j--) {
            put_random(d, b, d->nenc);
            put_random(d, b, d->nh + CRYPTO_TAG);
        }
        tls_finish(b, mark);
    }
    tls_finish(b, nodes);
}

static void put_commit(struct dice *d, struct buf *b, bool with_path)
{
    size_t mark = tls_begin(b);
    for (uint32_t i = kit_below(d->m, 5); i > 0; i--) {
        bool by_value = kit_coin(d->m);
        tls_put_u8(b, by_value ? COMMIT_BY_VALUE : COMMIT_BY_REFERENCE);
        if (by_value) put_proposal(d, b);
        else put_random(d, b, d->nh);
    }
    tls_finish(b, mark);
    tls_put_u8(b, with_path);
    if (with_path) put_path(d, b);
}

struct span dice_commit(struct dice *d, bool with_path)
{
    struct buf b;
    buf_init(&b, TLS_VECTOR_MAX);
    put_commit(d, &b, with_path);
    return finish(d, &b);
}

// --------------------------------------------------------------------------------------------- GroupInfo, Welcome

struct span dice_group_info(struct dice *d)
{
    struct span tree = dice_ratchet_tree(d, 2), extensions;
    struct buf b;
    buf_init(&b, TLS_VECTOR_MAX);
    put_group_extensions(d, &b);
    extensions = finish(d, &b);
    tls_put_u16(&b, MLS_VERSION);
    tls_put_u16(&b, d->suite);
    put_some(d, &b, 40);
    tls_put_u64(&b, any_epoch(d));
    put_random(d, &b, d->nh);
    put_random(d, &b, d->nh);
    buf_put(&b, extensions);
    size_t mark = tls_begin(&b);
    if (kit_coin(d->m)) {
        tls_put_u16(&b, EXTENSION_RATCHET_TREE);
        tls_put_vector(&b, tree);
    }
    if (kit_coin(d->m)) {
        tls_put_u16(&b, EXTENSION_EXTERNAL_PUB);
        size_t in = tls_begin(&b);
        put_random(d, &b, d->npk);
        tls_finish(&b, in);
    }
    put_unknown(d, &b);
    tls_finish(&b, mark);
    put_random(d, &b, d->nh);
    tls_put_u32(&b, kit_below(d->m, 1000));
    put_random(d, &b, d->nsig);
    return finish(d, &b);
}

struct span dice_group_secrets(struct dice *d)
{
    struct buf b;
    buf_init(&b, TLS_VECTOR_MAX);
    put_random(d, &b, d->nh);
    bool path = kit_coin(d->m);
    tls_put_u8(&b, path);
    if (path) put_random(d, &b, d->nh);
    size_t mark = tls_begin(&b);
    for (uint32_t i = kit_below(d->m, 4); i > 0; i--) put_psk_id(d, &b);
    tls_finish(&b, mark);
    return finish(d, &b);
}

struct span dice_welcome(struct dice *d)
{
    struct buf b;
    buf_init(&b, TLS_VECTOR_MAX);
    tls_put_u16(&b, d->suite);
    size_t mark = tls_begin(&b);
    for (uint32_t i = kit_range(d->m, 1, 4); i > 0; i--) {
        put_random(d, &b, d->nh);
        put_random(d, &b, d->nenc);
        put_random(d, &b, kit_range(d->m, 50, 200));
    }
    tls_finish(&b, mark);
    put_random(d, &b, kit_range(d->m, 100, 600));
    return finish(d, &b);
}

// ----------------------------------------------------------------------------------------------------- MLSMessage

struct span dice_message(struct dice *d, enum wire_format format, struct span body)
{
    struct buf b;
    buf_init(&b, TLS_VECTOR_MAX);
    message_head(&b, format);
    buf_put(&b, body);
    return finish(d, &b);
}

// Who may send what (RFC 9420 §6): members everything, others proposals, and joiners commits.
static enum sender_type any_sender(struct dice *d, enum content_type type)
{
    if (type == CONTENT_APPLICATION || kit_coin(d->m)) return SENDER_MEMBER;
    if (type == CONTENT_COMMIT) return SENDER_NEW_COMMIT;
    return kit_coin(d->m) ? SENDER_EXTERNAL : SENDER_NEW_PROPOSAL;
}

struct span dice_public(struct dice *d, enum content_type type)
{
    enum sender_type sender = any_sender(d, type);
    struct buf b;
    buf_init(&b, TLS_VECTOR_MAX);
    message_head(&b, WIRE_PUBLIC);
    put_some(d, &b, 40);
    tls_put_u64(&b, any_epoch(d));
    tls_put_u8(&b, (uint8_t)sender);
    if (sender == SENDER_MEMBER || sender == SENDER_EXTERNAL) tls_put_u32(&b, kit_below(d->m, 1000));
    put_some(d, &b, 60);
    tls_put_u8(&b, (uint8_t)type);
    if (type == CONTENT_APPLICATION) put_some(d, &b, 200);
    else if (type == CONTENT_PROPOSAL) put_proposal(d, &b);
    else put_commit(d, &b, kit_coin(d->m));
    put_random(d, &b, d->nsig);
    if (type == CONTENT_COMMIT) put_random(d, &b, d->nh);
    if (sender == SENDER_MEMBER) put_random(d, &b, d->nh);
    return finish(d, &b);
}

struct span dice_private(struct dice *d)
{
    struct buf b;
    buf_init(&b, TLS_VECTOR_MAX);
    message_head(&b, WIRE_PRIVATE);
    put_some(d, &b, 40);
    tls_put_u64(&b, any_epoch(d));
    tls_put_u8(&b, (uint8_t)kit_range(d->m, CONTENT_APPLICATION, CONTENT_COMMIT));
    put_some(d, &b, 60);
    put_random(d, &b, 28);
    put_random(d, &b, kit_range(d->m, 16, 700));
    return finish(d, &b);
}
