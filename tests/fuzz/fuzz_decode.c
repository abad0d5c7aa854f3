// SPDX-License-Identifier: Apache-2.0
//
// Every decoder of the library. The first byte of an input chooses one, the rest is what it decodes. What a decoder
// accepts must come out the same when it is written again (again.c), decode the same from another place in memory, and
// consist of spans inside the input; nothing may be read outside of it.
#include "again.h"
#include "party.h"

#include <stdio.h>

static struct mls_client *client;

// ---------------------------------------------------------------------------------------------- the decoders

// Reads the whole of a span with a function that takes a reader, and gives its error.
#define READ(read, ...)                                                                                                \
    struct tls_reader r = tls_reader_of(in);                                                                           \
    read(&r, __VA_ARGS__);                                                                                             \
    if (tls_end(&r) != ERR_OK) return tls_end(&r)

// The primitives: the first byte says how many fields follow in the plan, then the plan, then what is read by it.
static enum err decode_tls(struct again *a, struct span in)
{
    struct tls_reader r = tls_reader_of(in);
    size_t n = tls_u8(&r) % 16;
    struct span plan = tls_bytes(&r, n);
    if (r.err != ERR_OK) return r.err;
    tls_put_u8(&a->out, in.p[0]);
    buf_put(&a->out, plan);
    for (size_t i = 0; i < plan.n && r.err == ERR_OK; i++) {
        switch (plan.p[i] % 7) {
        case 0: tls_put_u8(&a->out, tls_u8(&r)); break;
        case 1: tls_put_u16(&a->out, tls_u16(&r)); break;
        case 2: tls_put_u32(&a->out, tls_u32(&r)); break;
        case 3: tls_put_u64(&a->out, tls_u64(&r)); break;
        case 4: again_vector(a, tls_vector(&r)); break;
        case 5: tls_put_u8(&a->out, tls_optional(&r)); break;
        case 6: { // a vector of vectors
            struct tls_reader sub = tls_open(&r);
            size_t mark = tls_begin(&a->out);
            while (tls_left(&sub) > 0) again_vector(a, tls_vector(&sub));
            tls_finish(&a->out, mark);
            tls_close(&r, &sub);
        }
        }
    }
    struct span rest = tls_rest(&r);
    must(r.err == ERR_OK || (rest.n == 0 && tls_left(&r) == 0 && tls_u64(&r) == 0 && tls_vector(&r).n == 0));
    again_raw(a, rest);
    return tls_end(&r);
}

static enum err decode_leaf(struct again *a, struct span in)
{
    struct leaf l;
    enum err e = leaf_decode(in, &l);
    if (e == ERR_OK) again_leaf(a, &l);
    return e;
}

static enum err decode_parent(struct again *a, struct span in)
{
    struct tls_reader r = tls_reader_of(in);
    struct parent *p = NULL;
    enum err e = parent_read(&r, &p);
    must((e == ERR_OK) == (p != NULL));
    for (uint32_t i = 0; p != NULL && i < p->unmerged_n; i++) {
        uint32_t leaf = parent_unmerged(p, i);
        must(parent_unmerged_at(p, leaf) == i && parent_has_unmerged(p, leaf));
        must(i == 0 || parent_unmerged(p, i - 1) < leaf);
    }
    if (p != NULL) parent_write(&a->out, p);
    parent_free(p);
    return e == ERR_OK ? tls_end(&r) : e;
}

static enum err decode_tree(struct again *a, struct span in)
{
    static const uint64_t seed[2] = {1, 2};
    struct tree t;
    tree_init(&t, 32, seed);
    enum err e = tree_decode(&t, in);
    if (e == ERR_OK) must_ok(tree_encode(&t, &a->out));
    tree_wipe(&t);
    return e;
}

static enum err decode_node(struct again *a, struct span in)
{
    static const uint64_t seed[2] = {1, 2};
    struct tree t;
    if (in.n == 0) return ERR_MALFORMED;
    uint32_t node = in.p[0] & 3;
    tree_init(&t, 32, seed);
    must_ok(tree_resize(&t, 2));
    buf_put_u8(&a->out, in.p[0]);
    enum err e = tree_restore_node(&t, node, span_of(in.p + 1, in.n - 1));
    must(node < 3 || e == ERR_CORRUPT);
    if (e == ERR_OK) must_ok(tree_encode_node(&t, node, &a->out));
    tree_wipe(&t);
    return e;
}

static enum err decode_extensions(struct again *a, struct span in)
{
    struct tls_reader r = tls_reader_of(in);
    struct span list = extensions_read(&r);
    must(r.err == ERR_OK || list.n == 0);
    if (tls_end(&r) != ERR_OK) return tls_end(&r);
    again_extensions(a, list);
    return ERR_OK;
}

// A list that nobody has checked: walking it must end, and stay inside.
static enum err walk_extensions(struct again *a, struct span in)
{
    struct mls_extension x;
    struct mls_span data;
    size_t steps = 0;
    for (size_t at = 0; mls_extension_next(kit_api(in), &at, &x); steps++) {
        must(again_inside(a, from_api(x.data)) && at <= in.n && steps < in.n);
        must(mls_extension_find(kit_api(in), x.type, &data) && again_inside(a, from_api(data)));
    }
    return ERR_MALFORMED;
}

static enum err decode_credential(struct again *a, struct span in)
{
    struct credential c;
    struct span certificate;
    READ(credential_read, &c);
    if (c.type == CREDENTIAL_X509 && credential_certificate(&c, &certificate) == ERR_OK) {
        must(again_inside(a, certificate));
    }
    again_credential(a, &c);
    return ERR_OK;
}

static enum err decode_required(struct again *a, struct span in)
{
    struct required_capabilities need;
    enum err e = required_capabilities_decode(in, &need);
    if (e != ERR_OK) return e;
    uint16_t types[3][NODE_MAX_TYPES];
    const struct span lists[] = {need.extensions, need.proposals, need.credentials};
    struct mls_buf out;
    for (int i = 0; i < 3; i++) {
        must(again_inside(a, lists[i]) && types_count(lists[i]) <= NODE_MAX_TYPES);
        for (size_t j = 0; j < types_count(lists[i]); j++) types[i][j] = types_at(lists[i], j);
    }
    must_ok(mls_required_capabilities(types[0], lists[0].n / 2, types[1], lists[1].n / 2, types[2], lists[2].n / 2, &out));
    buf_put(&a->out, kit_span(out));
    mls_buf_free(&out);
    return ERR_OK;
}

static enum err decode_key_package(struct again *a, struct span in)
{
    struct key_package kp;
    enum err e = key_package_decode(in, &kp);
    if (e == ERR_OK) again_key_package(a, &kp);
    return e;
}

static enum err decode_proposal(struct again *a, struct span in)
{
    struct proposal p, bare;
    struct proposal_body body;
    enum err e = proposal_decode(in, &p, &body);
    must(proposal_decode(in, &bare, NULL) == e);
    if (e != ERR_OK) return e;
    must(bare.type == p.type && bare.raw.p == p.raw.p && bare.raw.n == p.raw.n);
    again_proposal(a, &p);
    return ERR_OK;
}

static enum err decode_commit(struct again *a, struct span in)
{
    struct commit c;
    enum err e = commit_decode(in, &c);
    if (e == ERR_OK) again_commit(a, &c);
    return e;
}

static enum err decode_path(struct again *a, struct span in)
{
    struct update_path p;
    READ(update_path_read, &p);
    again_path(a, &p);
    return ERR_OK;
}

static enum err decode_public(struct again *a, struct span in)
{
    struct frame f;
    READ(frame_read_public, &f);
    again_framed(a, &f);
    again_vector(a, f.signature);
    if (f.content_type == CONTENT_COMMIT) again_vector(a, f.confirmation_tag);
    if (f.sender_type == SENDER_MEMBER) again_vector(a, f.membership_tag);
    return ERR_OK;
}

static enum err decode_private(struct again *a, struct span in)
{
    struct private_message m;
    READ(private_message_read, &m);
    again_private(a, &m);
    return ERR_OK;
}

static enum err decode_authenticated(struct again *a, struct span in)
{
    struct frame f;
    struct buf own;
    struct frame_transcript t;
    enum err e = frame_decode_authenticated(in, &f);
    if (e != ERR_OK) return e;
    tls_put_u16(&a->out, (uint16_t)f.wire);
    again_framed(a, &f);
    again_vector(a, f.signature);
    if (f.content_type == CONTENT_COMMIT) again_vector(a, f.confirmation_tag);
    buf_init(&own, TLS_VECTOR_MAX);
    must_ok(frame_authenticated(&f, &own));
    must(span_eq(buf_span(&own), in));
    buf_wipe(&own);
    frame_transcript(&f, &t); // of a commit: all but the tag at the end
    for (size_t i = 0, at = 0; i < FRAME_TRANSCRIPT_PARTS; at += t.parts[i++].n) {
        must(at + t.parts[i].n <= in.n && span_eq(t.parts[i], span_of(in.p + at, t.parts[i].n)));
    }
    return ERR_OK;
}

static enum err decode_context(struct again *a, struct span in)
{
    struct group_context c;
    READ(group_context_read, &c);
    again_context(a, &c);
    return ERR_OK;
}

static enum err decode_info(struct again *a, struct span in)
{
    struct group_info i;
    enum err e = group_info_decode(in, &i);
    if (e == ERR_OK) again_info(a, &i);
    return e;
}

static enum err decode_secrets(struct again *a, struct span in)
{
    struct group_secrets s;
    enum err e = group_secrets_decode(in, &s);
    if (e == ERR_OK) again_secrets(a, &s);
    return e;
}

static enum err decode_welcome(struct again *a, struct span in)
{
    struct welcome w;
    READ(welcome_read, &w);
    again_welcome(a, &w);
    return ERR_OK;
}

static enum err decode_psk(struct again *a, struct span in)
{
    struct psk_id id;
    READ(psk_id_read, &id);
    again_psk(a, &id);
    return ERR_OK;
}

static enum err decode_reinit(struct again *a, struct span in)
{
    struct reinit x;
    READ(reinit_read, &x);
    again_reinit(a, &x);
    return ERR_OK;
}

static enum err decode_private_part(struct again *a, struct span in)
{
    struct mls_private_part p;
    enum mls_error e = mls_private_part_read(kit_api(in), &p);
    must(e == MLS_OK || (e == MLS_E_CORRUPT && p.key_package.data == NULL && p.init_key.data == NULL));
    if (e != MLS_OK) return (enum err)e;
    tls_put_u8(&a->out, 1); // the format's version
    again_vector(a, from_api(p.key_package));
    again_vector(a, from_api(p.init_key));
    again_vector(a, from_api(p.leaf_key));
    again_vector(a, from_api(p.signature_key));
    return ERR_OK;
}

// ------------------------------------------------------------------------------------------- public functions

// An MLSMessage: what a peek says must be what the decoder of its format says.
static enum err peek(struct again *a, struct span in)
{
    struct mls_message_info m;
    enum mls_error e = mls_message_peek(kit_api(in), &m);
    must(e == MLS_OK || (m.wire_format == 0 && m.group_id.data == NULL));
    must(e == MLS_OK || e == MLS_E_MALFORMED || e == MLS_E_UNSUPPORTED);
    if (e != MLS_OK) return (enum err)e;
    struct span body = span_of(in.p + 4, in.n - 4);
    must(again_inside(a, from_api(m.group_id)));
    tls_put_u16(&a->out, MLS_VERSION);
    tls_put_u16(&a->out, m.wire_format);
    switch (m.wire_format) {
    case WIRE_PUBLIC: return decode_public(a, body);
    case WIRE_PRIVATE: return decode_private(a, body);
    case WIRE_WELCOME: return decode_welcome(a, body);
    case WIRE_GROUP_INFO: return decode_info(a, body);
    case WIRE_KEY_PACKAGE: return decode_key_package(a, body);
    default: kit_fail("a wire format that there is not", __FILE__, __LINE__);
    }
}

static enum err add_sender(struct again *a, struct span in)
{
    static const uint8_t key[32] = {7};
    const struct mls_credential c = {.type = MLS_CREDENTIAL_BASIC, .identity = kit_api(span_str("post"))};
    struct mls_buf out;
    enum mls_error e = mls_external_sender_add(kit_api(in), (struct mls_span){key, 32}, &c, &out);
    must(e == MLS_OK || out.data == NULL);
    if (e != MLS_OK) return (enum err)e;
    struct tls_reader r = tls_reader_of(kit_span(out)), was = tls_reader_of(in);
    struct tls_reader list = tls_open(&r);
    struct span before = in.n > 0 ? tls_vector(&was) : span_of(NULL, 0);
    must(span_eq(tls_bytes(&list, before.n), before));
    must(span_eq(tls_vector(&list), span_of(key, 32)) && tls_u16(&list) == MLS_CREDENTIAL_BASIC);
    must(span_eq(tls_vector(&list), span_str("post")) && tls_left(&list) == 0 && tls_end(&r) == ERR_OK);
    mls_buf_free(&out);
    buf_put(&a->out, in);
    return ERR_OK;
}

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#define WITHOUT_CRYPTO // libcrypto is not instrumented: all that it writes would count as uninitialised
#endif
#endif

static enum err check_key_package(struct again *a, struct span in)
{
#ifndef WITHOUT_CRYPTO
    struct mls_member m;
    struct mls_buf ref;
    uint16_t suite;
    enum mls_error e = mls_key_package_check(client, kit_api(in), &suite, &m);
    must(e == MLS_OK ? mls_suite_known(suite) : suite == 0 && m.credential.data == NULL);
    must(again_inside(a, from_api(m.credential)) && again_inside(a, from_api(m.extensions)));
    must(again_inside(a, from_api(m.signature_key)) && again_inside(a, from_api(m.encryption_key)));
    enum mls_error r = mls_key_package_ref(client, kit_api(in), &ref);
    must(e != MLS_OK || r == MLS_OK);
    must(e == MLS_OK || mls_error_class(e) != MLS_E_CRYPTO);
    if (r == MLS_OK) mls_buf_free(&ref);
#else
    (void)a, (void)in;
#endif
    return ERR_MALFORMED;
}

static enum err welcome_for(struct again *a, struct span in)
{
#ifndef WITHOUT_CRYPTO
    if (in.n < 2) return ERR_MALFORMED;
    size_t n = (size_t)(in.p[0] << 8 | in.p[1]);
    if (n > in.n - 2) n = in.n - 2;
    struct span welcome = span_of(in.p + 2, n), private = span_of(in.p + 2 + n, in.n - 2 - n);
    (void)mls_welcome_is_for(client, kit_api(kit_copy(welcome)), kit_api(kit_copy(private)));
#endif
    (void)a, (void)in;
    return ERR_MALFORMED;
}

// New ones at the end, so that the corpus keeps its meaning.
static const struct {
    const char *name; // of the seeds
    enum err (*decode)(struct again *a, struct span in);
} decoders[] = {
    {"tls", decode_tls},
    {"leaf", decode_leaf},
    {"parent", decode_parent},
    {"ratchet_tree", decode_tree},
    {"node", decode_node},
    {"extensions", decode_extensions},
    {"extensions_walk", walk_extensions},
    {"credential", decode_credential},
    {"required_capabilities", decode_required},
    {"key_package", decode_key_package},
    {"proposal", decode_proposal},
    {"commit", decode_commit},
    {"path", decode_path},
    {"public", decode_public},
    {"private", decode_private},
    {"authenticated", decode_authenticated},
    {"context", decode_context},
    {"info", decode_info},
    {"group_secrets", decode_secrets},
    {"welcome", decode_welcome},
    {"psk", decode_psk},
    {"reinit", decode_reinit},
    {"private_part", decode_private_part},
    {"message", peek},
    {"external_sender", add_sender},
    {"key_package_check", check_key_package},
    {"welcome_for", welcome_for},
};
enum { DECODERS = sizeof decoders / sizeof *decoders };

// ---------------------------------------------------------------------------------------------------- seeds

static const char *seed_folder;

static void seed(const char *decoder, const char *variant, struct span bytes)
{
    char name[64];
    struct buf *b = kit_buf();
    for (size_t i = 0; i < DECODERS; i++) {
        if (strcmp(decoders[i].name, decoder) == 0) buf_put_u8(b, (uint8_t)i);
    }
    must(b->n == 1);
    buf_put(b, bytes);
    snprintf(name, sizeof name, "%s-%s", decoder, variant);
    kit_seed(seed_folder, name, buf_span(b));
}

// Takes a PublicMessage, as a message and by its parts.
static void seed_frame(const char *variant, struct mls_buf message)
{
    struct frame f;
    struct commit c;
    struct buf *raw = kit_buf();
    struct tls_reader r = tls_reader_of(span_of(message.data + 4, message.size - 4));
    seed("message", variant, kit_span(message));
    seed("public", variant, span_of(r.p, tls_left(&r)));
    frame_read_public(&r, &f);
    must_ok(tls_end(&r));
    must_ok(frame_authenticated(&f, raw));
    seed("authenticated", variant, buf_span(raw));
    seed(f.content_type == CONTENT_COMMIT ? "commit" : "proposal", variant, f.body);
    if (f.content_type != CONTENT_COMMIT) return;
    must_ok(commit_decode(f.body, &c));
    if (c.has_path) seed("path", variant, span_of(c.path.leaf.raw.p, (size_t)(f.body.p + f.body.n - c.path.leaf.raw.p)));
}

static void seed_proposal(struct party *p, const char *variant, struct mls_proposal what)
{
    struct mls_buf message;
    must_ok(mls_group_propose(p->p[ALICE].group, &what, (struct mls_span){0}, &message, NULL));
    seed_frame(variant, message);
    mls_buf_free(&message);
    must_ok(mls_group_drop_proposals(p->p[ALICE].group, (struct mls_span){0}));
}

static void seed_proposals(struct party *p)
{
    const struct mls_extension x[] = {{PARTY_EXTENSION, kit_api(span_str("data"))},
                                      {MLS_EXTENSION_EXTERNAL_SENDERS, kit_api(kit_span(p->post))}};
    const struct mls_psk_id external = {.type = MLS_PSK_EXTERNAL, .id = kit_api(span_str(KIT_PSK))};
    const struct mls_psk_id past = {
        .type = MLS_PSK_RESUMPTION, .usage = MLS_PSK_APPLICATION, .group_id = kit_api(span_str("the party")), .epoch = 3};
    seed_proposal(p, "add", (struct mls_proposal){.type = MLS_PROPOSAL_ADD,
                                                  .key_package = kit_api(kit_span(p->p[GRACE].key_package))});
    seed_proposal(p, "update", (struct mls_proposal){.type = MLS_PROPOSAL_UPDATE});
    seed_proposal(p, "remove", (struct mls_proposal){.type = MLS_PROPOSAL_REMOVE, .removed = CAROL});
    seed_proposal(p, "psk", (struct mls_proposal){.type = MLS_PROPOSAL_PSK, .psk = external});
    seed_proposal(p, "resumption", (struct mls_proposal){.type = MLS_PROPOSAL_PSK, .psk = past});
    seed_proposal(p, "reinit", (struct mls_proposal){.type = MLS_PROPOSAL_REINIT, .extensions = x, .extension_count = 2});
    seed_proposal(p, "extensions", (struct mls_proposal){.type = MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS,
                                                         .extensions = x, .extension_count = 2});
    seed_proposal(p, "custom", (struct mls_proposal){.type = PARTY_CUSTOM, .data = kit_api(span_str("data"))});
}

// The parts of a GroupInfo and of the tree in it.
static void seed_info(struct span info)
{
    struct group_info i;
    struct tree t;
    static const uint64_t key[2];
    struct span tree;
    seed("info", "own", info);
    must_ok(group_info_decode(info, &i));
    seed("context", "own", i.context_raw);
    seed("extensions_walk", "own", i.extensions);
    must(extensions_find(i.extensions, EXTENSION_RATCHET_TREE, &tree));
    seed("ratchet_tree", "own", tree);
    tree_init(&t, 32, key);
    must_ok(tree_decode(&t, tree));
    for (uint32_t node = 0; node < math_width(t.leaves); node++) {
        char name[16];
        struct buf *b = kit_buf(), *parent = kit_buf();
        snprintf(name, sizeof name, "%u", node);
        buf_put_u8(b, (uint8_t)(node & 1));
        must_ok(tree_encode_node(&t, node, b));
        seed("node", name, buf_span(b));
        if (tree_is_blank(&t, node)) continue;
        if (node & 1) parent_write(parent, tree_parent(&t, node));
        seed(node & 1 ? "parent" : "leaf", name, node & 1 ? buf_span(parent) : tree_leaf_raw(&t, node / 2));
    }
    tree_wipe(&t);
}

static void seed_commit(struct party *p)
{
    struct mls_commit c;
    struct mls_proposal list[] = {
        {.type = MLS_PROPOSAL_ADD, .key_package = kit_api(kit_span(p->p[GRACE].key_package))},
        {.type = MLS_PROPOSAL_PSK, .psk = {.type = MLS_PSK_EXTERNAL, .id = kit_api(span_str(KIT_PSK))}}};
    const struct mls_commit_params params = {
        .proposals = list, .proposal_count = 2, .tree_in_welcome = true, .external_pub = true};
    must_ok(mls_group_commit(p->p[ALICE].group, &params, &c));
    seed_frame("own", c.message);
    seed("message", "welcome", kit_span(c.welcome));
    seed("message", "info", kit_span(c.group_info));
    seed("welcome", "own", span_of(c.welcome.data + 4, c.welcome.size - 4));
    seed_info(span_of(c.group_info.data + 4, c.group_info.size - 4));
    mls_commit_free(&c);
}

// Structs that no message of the party shows in the clear.
static void seed_written(struct party *p)
{
    static const uint8_t secret[32] = {9};
    static const uint8_t tls[] = {7, 0, 1, 2, 3, 4, 5, 6, 1, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4, 1, 5, 1, 3, 1, 6, 0};
    static const uint8_t required[] = {4, 0, 3, 0, 4, 2, 0, 9, 4, 0, 1, 0, 2}, x509[] = {0, 2, 5, 1, 'a', 2, 'b', 'c'};
    struct buf *b = kit_buf(), *ids = kit_buf(), *reinit = kit_buf();
    const struct psk_id id = {.type = PSK_EXTERNAL, .id = span_str("psk"), .nonce = span_of(secret, 32)};
    const struct psk_id past = {.type = PSK_RESUMPTION, .usage = PSK_BRANCH, .group_id = span_str("g"), .epoch = 4,
                                .nonce = span_of(secret, 32)};
    psk_id_write(ids, &id);
    psk_id_write(ids, &past);
    group_secrets_write(b, span_of(secret, 32), &(struct secret){{1}}, 32, buf_span(ids));
    seed("group_secrets", "own", buf_span(b));
    reinit_write(reinit, &(struct reinit){.group_id = span_str("next"), .version = 1, .suite = 2});
    seed("reinit", "own", buf_span(reinit));
    seed("required_capabilities", "own", span_of(required, sizeof required));
    seed("credential", "x509", span_of(x509, sizeof x509));
    seed("credential", "basic", span_of((const uint8_t[]){0, 1, 2, 'm', 'e'}, 5));
    seed("tls", "own", span_of(tls, sizeof tls));
    seed("external_sender", "own", kit_span(p->post));
    seed("extensions", "own", span_of((const uint8_t[]){8, 0, 1, 1, 7, 0xf0, 0xe1, 1, 2}, 9));
}

void fuzz_seeds(const char *folder)
{
    static struct party p;
    struct mls_config public = party_config();
    struct mls_buf said;
    public.public_handshake = true;
    party_open(&p, public);
    seed_folder = folder;
    seed_proposals(&p);
    seed_commit(&p);
    seed_written(&p);
    must_ok(mls_group_protect(p.p[ALICE].group, kit_api(span_str("hello")), (struct mls_span){0}, &said));
    seed("message", "private", kit_span(said));
    seed("private", "own", span_of(said.data + 4, said.size - 4));
    struct mls_buf kp = p.p[GRACE].key_package;
    seed("message", "key_package", kit_span(kp));
    seed("key_package", "own", span_of(kp.data + 4, kp.size - 4));
    seed("key_package_check", "own", kit_span(kp));
    seed("private_part", "own", kit_span(p.p[GRACE].private_part));
}

// --------------------------------------------------------------------------------------------------- the fuzzer

void fuzz_open(void)
{
    struct mls_config c = kit_config();
    must_ok(mls_client_new(&c, &client));
}

static enum err once(size_t which, struct span in, struct buf *out)
{
    struct again a = {.scope = kit_copy(in)};
    buf_init(&a.out, TLS_VECTOR_MAX);
    enum err e = decoders[which].decode(&a, a.scope);
    must_ok(buf_end(&a.out));
    *out = a.out;
    return e;
}

void fuzz_one(struct span input)
{
    struct buf first, second;
    if (input.n == 0) return;
    size_t which = input.p[0] % DECODERS;
    struct span in = span_of(input.p + 1, input.n - 1);
    enum err e = once(which, in, &first);
    must(once(which, in, &second) == e);
    if (e == ERR_OK) must(span_eq(buf_span(&first), in) && span_eq(buf_span(&second), in));
    buf_wipe(&first);
    buf_wipe(&second);
}
