// SPDX-License-Identifier: Apache-2.0
//
// Vector type messages: every structure decoded, and written again field by field (rewrite.c). What is longer or shorter
// by one byte must not decode.
#include "vectors/model.h"
#include "vectors/rewrite.h"
#include "vectors/types.h"

// Decodes all of the bytes; writes them again into out, unless that is NULL.
typedef enum err decoder(struct trial *t, struct span raw, struct buf *out);

static enum err open_message(struct span raw, enum wire_format want, struct tls_reader *r, struct buf *out)
{
    enum wire_format format = WIRE_PUBLIC;
    *r = tls_reader_of(raw);
    enum err e = message_open(r, &format);
    if (e == ERR_OK && format != want) e = ERR_UNSUPPORTED;
    if (e == ERR_OK && out != NULL) message_head(out, format);
    return e;
}

static enum err do_welcome(struct trial *t, struct span raw, struct buf *out)
{
    struct tls_reader r;
    struct welcome w;
    (void)t;
    enum err e = open_message(raw, WIRE_WELCOME, &r, out);
    if (e != ERR_OK) return e;
    welcome_read(&r, &w);
    e = tls_end(&r);
    if (e == ERR_OK && out != NULL) rewrite_welcome(out, &w);
    return e;
}

static enum err do_group_info(struct trial *t, struct span raw, struct buf *out)
{
    struct tls_reader r;
    struct group_info info;
    (void)t;
    enum err e = open_message(raw, WIRE_GROUP_INFO, &r, out);
    if (e != ERR_OK) return e;
    group_info_read(&r, &info);
    e = tls_end(&r);
    if (e == ERR_OK && out != NULL) rewrite_group_info(out, &info);
    return e;
}

static enum err do_key_package(struct trial *t, struct span raw, struct buf *out)
{
    struct tls_reader r;
    struct key_package kp;
    (void)t;
    enum err e = open_message(raw, WIRE_KEY_PACKAGE, &r, out);
    if (e != ERR_OK) return e;
    key_package_read(&r, &kp);
    e = tls_end(&r);
    if (e == ERR_OK && out != NULL) rewrite_key_package(out, &kp);
    return e;
}

static enum err do_tree(struct trial *t, struct span raw, struct buf *out)
{
    struct tree tree;
    tree_init(&tree, CRYPTO_HASH_MAX, (uint64_t[2]){t->state, ~t->state});
    enum err e = tree_decode(&tree, raw);
    if (e == ERR_OK && out != NULL) rewrite_tree(out, &tree);
    tree_wipe(&tree);
    return e;
}

static enum err do_group_secrets(struct trial *t, struct span raw, struct buf *out)
{
    struct group_secrets s;
    (void)t;
    enum err e = group_secrets_decode(raw, &s);
    if (e == ERR_OK && out != NULL) rewrite_group_secrets(out, &s);
    return e;
}

// The bodies of proposals stand in the vectors without their types.
static enum err do_proposal(uint16_t type, struct span body, struct buf *out)
{
    struct proposal p;
    struct proposal_body room;
    struct buf whole;
    buf_init(&whole, TLS_VECTOR_MAX);
    tls_put_u16(&whole, type);
    buf_put(&whole, body);
    enum err e = buf_end(&whole);
    if (e == ERR_OK) e = proposal_decode(buf_span(&whole), &p, &room);
    if (e == ERR_OK && out != NULL) rewrite_proposal_body(out, &p);
    buf_wipe(&whole);
    return e;
}

static enum err do_add(struct trial *t, struct span raw, struct buf *out)
{
    (void)t;
    return do_proposal(PROPOSAL_ADD, raw, out);
}

static enum err do_update(struct trial *t, struct span raw, struct buf *out)
{
    (void)t;
    return do_proposal(PROPOSAL_UPDATE, raw, out);
}

static enum err do_remove(struct trial *t, struct span raw, struct buf *out)
{
    (void)t;
    return do_proposal(PROPOSAL_REMOVE, raw, out);
}

static enum err do_psk(struct trial *t, struct span raw, struct buf *out)
{
    (void)t;
    return do_proposal(PROPOSAL_PSK, raw, out);
}

static enum err do_reinit(struct trial *t, struct span raw, struct buf *out)
{
    (void)t;
    return do_proposal(PROPOSAL_REINIT, raw, out);
}

static enum err do_external_init(struct trial *t, struct span raw, struct buf *out)
{
    (void)t;
    return do_proposal(PROPOSAL_EXTERNAL_INIT, raw, out);
}

static enum err do_extensions(struct trial *t, struct span raw, struct buf *out)
{
    (void)t;
    return do_proposal(PROPOSAL_EXTENSIONS, raw, out);
}

static enum err do_commit(struct trial *t, struct span raw, struct buf *out)
{
    struct commit c;
    (void)t;
    enum err e = commit_decode(raw, &c);
    if (e == ERR_OK && out != NULL) rewrite_commit(out, &c);
    return e;
}

static enum err do_public(enum content_type type, struct span raw, struct buf *out)
{
    struct tls_reader r;
    struct frame f;
    enum err e = open_message(raw, WIRE_PUBLIC, &r, out);
    if (e != ERR_OK) return e;
    frame_read_public(&r, &f);
    e = tls_end(&r);
    if (e == ERR_OK && f.content_type != type) e = ERR_INVALID;
    if (e == ERR_OK && out != NULL) rewrite_public(out, &f);
    frame_wipe(&f);
    return e;
}

static enum err do_application(struct trial *t, struct span raw, struct buf *out)
{
    (void)t;
    return do_public(CONTENT_APPLICATION, raw, out);
}

static enum err do_public_proposal(struct trial *t, struct span raw, struct buf *out)
{
    (void)t;
    return do_public(CONTENT_PROPOSAL, raw, out);
}

static enum err do_public_commit(struct trial *t, struct span raw, struct buf *out)
{
    (void)t;
    return do_public(CONTENT_COMMIT, raw, out);
}

static enum err do_private(struct trial *t, struct span raw, struct buf *out)
{
    struct tls_reader r;
    struct private_message m;
    (void)t;
    enum err e = open_message(raw, WIRE_PRIVATE, &r, out);
    if (e != ERR_OK) return e;
    private_message_read(&r, &m);
    e = tls_end(&r);
    if (e == ERR_OK && out != NULL) rewrite_private(out, &m);
    return e;
}

static void check_one(struct trial *t, const struct field *v, const char *key, decoder *decode)
{
    struct span raw = field_get_bytes(v, key);
    struct buf again;
    uint8_t *longer = trial_bytes(t, raw.n + 1);
    if (t->failed) return;
    memcpy(longer, raw.p, raw.n);
    buf_init(&again, TLS_VECTOR_MAX);
    if (trial_ok(t, decode(t, raw, &again), "%s: decode", key) && trial_ok(t, buf_end(&again), "%s: encode", key)) {
        trial_same(t, buf_span(&again), raw, "%s: encoded again", key);
    }
    buf_wipe(&again);
    trial_refused(t, decode(t, span_of(longer, raw.n + 1), NULL), ERR_MAX, "%s: with a byte behind it", key);
    trial_refused(t, decode(t, span_of(raw.p, raw.n - (raw.n > 0)), NULL), ERR_MAX, "%s: without its last byte", key);
}

void messages_check(struct trial *t, const struct field *v)
{
    static const struct {
        const char *key;
        decoder *decode;
    } parts[] = {{"mls_welcome", do_welcome},
                 {"mls_group_info", do_group_info},
                 {"mls_key_package", do_key_package},
                 {"ratchet_tree", do_tree},
                 {"group_secrets", do_group_secrets},
                 {"add_proposal", do_add},
                 {"update_proposal", do_update},
                 {"remove_proposal", do_remove},
                 {"pre_shared_key_proposal", do_psk},
                 {"re_init_proposal", do_reinit},
                 {"external_init_proposal", do_external_init},
                 {"group_context_extensions_proposal", do_extensions},
                 {"commit", do_commit},
                 {"public_message_application", do_application},
                 {"public_message_proposal", do_public_proposal},
                 {"public_message_commit", do_public_commit},
                 {"private_message", do_private}};
    for (size_t i = 0; !t->failed && i < sizeof parts / sizeof *parts; i++) {
        check_one(t, v, parts[i].key, parts[i].decode);
    }
}
