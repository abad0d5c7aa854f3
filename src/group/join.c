// SPDX-License-Identifier: Apache-2.0
//
// Joining by a Welcome (RFC 9420 §12.4.3.1): open the secrets, open the GroupInfo, trust nothing of the tree that has
// not been checked, and arrive at the same confirmation tag as everybody else.
#include "group/join.h"

// ---------------------------------------------------------------------------------------- what is in the Welcome

struct joining {
    const struct mls_client *client;
    struct algo algo;
    struct private_part mine;
    struct welcome welcome;
    struct buf secrets_raw; // GroupSecrets. secret
    struct group_secrets secrets;
    struct secret psk_secret, member; // secret
    struct buf info_raw;
    struct group_info info;
    const struct mls_group *parent;
    struct psk_id related; // the PSK of usage reinit or branch, if there is one
    bool is_related;
};

static void joining_wipe(struct joining *j)
{
    buf_wipe(&j->secrets_raw);
    buf_wipe(&j->info_raw);
    client_algo_free(&j->algo);
    mem_wipe(j, sizeof *j);
}

static enum err open_secrets(struct joining *j)
{
    uint8_t ref[CRYPTO_HASH_MAX];
    struct encrypted_secrets entry;
    // RFC 9420 §12.4.3.1: "if the cipher suite indicated in the KeyPackage does not match the one in the Welcome message,
    // return an error."
    if (j->welcome.suite != j->mine.key_package.suite) return rule(MLS_E_WELCOME_SUITE);
    enum err e = key_package_ref(&j->algo, j->mine.key_package.raw, ref);
    if (e != ERR_OK) return e;
    // RFC 9420 §12.4.3.1: "Identify an entry in the secrets array where the new_member value corresponds to one of this
    // client's KeyPackages, using the hash indicated by the cipher_suite field."
    if (!welcome_find(&j->welcome, span_of(ref, algo_nh(&j->algo)), &entry)) return rule(MLS_E_WELCOME_NOT_MINE);
    // RFC 9420 §12.4.3.1: "Decrypt the encrypted_group_secrets value with the algorithms indicated by the cipher suite
    // and the private key init_key_priv corresponding to init_key in the referenced KeyPackage."
    e = label_decrypt(&j->algo, j->mine.init_key, j->mine.key_package.init_key, "Welcome",
                      j->welcome.encrypted_group_info, entry.kem_output, entry.ciphertext, &j->secrets_raw);
    if (e == ERR_OK) e = group_secrets_decode(buf_span(&j->secrets_raw), &j->secrets);
    if (e == ERR_OK && j->secrets.joiner_secret.n != algo_nh(&j->algo)) e = ERR_MALFORMED;
    if (e == ERR_OK && j->secrets.has_path_secret && j->secrets.path_secret.n != algo_nh(&j->algo)) e = ERR_MALFORMED;
    return e == ERR_UNAUTHENTICATED || e == ERR_MALFORMED ? rule(MLS_E_WELCOME_SECRETS) : e;
}

// RFC 9420 §8.4: "a fresh random value of length KDF.Nh, where KDF is the KDF for the cipher suite of the group into which
// the PSK is being injected". A commit with another is invalid (§12.1.4); of a Welcome no such check is asked, and some
// implementations draw the nonce of a reinit PSK with the suite of the old group. It serves its purpose as well.
static bool nonce_fits(const struct joining *j, const struct psk_id *id)
{
    bool reinit = id->type == PSK_RESUMPTION && id->usage == PSK_REINIT && j->parent != NULL;
    return id->nonce.n == algo_nh(&j->algo) || (reinit && id->nonce.n == algo_nh(&j->parent->algo));
}

static enum err collect_psks(struct joining *j)
{
    struct tls_reader r = tls_reader_of(j->secrets.psks);
    size_t index = 0;
    enum err e = j->secrets.n_psks > UINT16_MAX ? ERR_LIMIT : ERR_OK;
    psk_begin(&j->psk_secret);
    while (e == ERR_OK && tls_left(&r) > 0) {
        struct psk_id id;
        struct span secret;
        psk_id_read(&r, &id);
        if (id.type == PSK_RESUMPTION && id.usage != PSK_APPLICATION) {
            // RFC 9420 §12.4.3.1: "if a PreSharedKeyID has type resumption with usage reinit or branch, verify that it is
            // the only such PSK."
            if (j->is_related) return rule(MLS_E_WELCOME_PSKS);
            j->is_related = true;
            j->related = id;
        }
        if (!nonce_fits(j, &id)) return rule(MLS_E_PROPOSAL_PSK_NONCE);
        // RFC 9420 §12.4.3.1: "If a PreSharedKeyID is part of the GroupSecrets and the client is not in possession of
        // the corresponding PSK, return an error." MLS_E_PSK_UNKNOWN
        e = group_find_psk(j->client, j->parent, &id, &secret);
        if (e == ERR_OK) {
            e = psk_add(&j->algo, &j->psk_secret, &id, secret, (uint16_t)index++, (uint16_t)j->secrets.n_psks);
        }
    }
    return e;
}

static enum err open_info(struct joining *j)
{
    uint8_t key[CRYPTO_KEY_MAX], nonce[CRYPTO_NONCE];
    struct secret joiner = {{0}};
    struct span sealed = j->welcome.encrypted_group_info;
    memcpy(joiner.b, j->secrets.joiner_secret.p, algo_nh(&j->algo));
    enum err e = schedule_member(&j->algo, &joiner, &j->psk_secret, &j->member);
    if (e == ERR_OK) e = schedule_welcome(&j->algo, &j->member, key, nonce);
    uint8_t *at = sealed.n < CRYPTO_TAG ? NULL : buf_grow(&j->info_raw, sealed.n - CRYPTO_TAG);
    if (e == ERR_OK && sealed.n < CRYPTO_TAG) e = ERR_UNAUTHENTICATED;
    if (e == ERR_OK) e = buf_end(&j->info_raw);
    if (e == ERR_OK) e = crypto_open(j->algo.crypto, j->algo.suite, key, nonce, span_of(NULL, 0), sealed, at);
    if (e == ERR_UNAUTHENTICATED) e = rule(MLS_E_WELCOME_GROUP_INFO);
    if (e == ERR_OK) e = group_info_decode(buf_span(&j->info_raw), &j->info);
    mem_wipe(key, sizeof key);
    mem_wipe(nonce, sizeof nonce);
    mem_wipe(&joiner, sizeof joiner);
    return e;
}

// ------------------------------------------------------------------------------------ the tree, for joiners of any kind

static enum err check_info(const struct mls_client *c, const struct algo *a, const struct group_info *info)
{
    // RFC 9420 §12.4.3.1: "Verify that the cipher_suite in the GroupInfo matches the cipher_suite in the KeyPackage."
    if (info->context.version != MLS_VERSION) return ERR_UNSUPPORTED;
    if (info->context.suite != crypto_suite_id(a->suite)) return rule(MLS_E_WELCOME_SUITE);
    // RFC 9420 §12.4.3.1: "Verify that the group_id is unique among the groups that the client is currently
    // participating in."
    if (c->config.group_known != NULL && c->config.group_known(c->config.arg, to_api(info->context.group_id))) {
        return rule(MLS_E_GROUP_ID_TAKEN);
    }
    return ERR_OK;
}

enum err join_supports(const struct capabilities *own, struct span extensions)
{
    struct extension x;
    for (size_t at = 0; extensions_next(extensions, &at, &x);) {
        // RFC 9420 §13.4: "A client joining a group MUST verify that it supports every extension in the GroupContext for
        // the group."
        if (!capabilities_extension(own, x.type)) return rule(MLS_E_GROUP_INFO_EXTENSION);
    }
    return ERR_OK;
}

// The signature first, so that nothing else of a forged GroupInfo costs anything.
static enum err check_signer(const struct mls_group *g, const struct group_info *info)
{
    struct leaf signer;
    // RFC 9420 §12.4.3.1: "If the node is blank or if signature verification fails, return an error."
    if (tree_leaf(&g->tree, info->signer, &signer) != ERR_OK) return rule(MLS_E_GROUP_INFO_SIGNER);
    enum err e = group_info_verify(&g->algo, info, signer.signature_key);
    return e == ERR_UNAUTHENTICATED ? rule(MLS_E_GROUP_INFO_SIGNATURE) : e;
}

enum err join_tree(struct mls_group *g, const struct group_info *info, struct span tree)
{
    uint8_t hash[CRYPTO_HASH_MAX];
    struct span inside, senders;
    if (extensions_find(info->extensions, EXTENSION_RATCHET_TREE, &inside)) tree = inside;
    if (tree.n == 0) return rule(MLS_E_WELCOME_TREE);
    enum err e = tree_decode(&g->tree, tree);
    if (e == ERR_OK) e = check_signer(g, info);
    if (e == ERR_OK) e = tree_hash_below(&g->algo, &g->client->executor, &g->tree);
    if (e == ERR_OK) e = tree_hash(&g->algo, &g->tree, math_root(g->tree.leaves), hash);
    // RFC 9420 §12.4.3.1: "Verify that the tree hash of the ratchet tree matches the tree_hash field in GroupInfo."
    if (e == ERR_OK && !span_eq(info->context.tree_hash, span_of(hash, algo_nh(&g->algo)))) {
        e = rule(MLS_E_TREE_HASH);
    }
    struct check_rules rules = group_rules(g, info->context.extensions, false);
    if (e == ERR_OK) e = check_tree(&g->algo, &rules, &g->tree);
    if (e == ERR_OK && extensions_find(info->context.extensions, EXTENSION_EXTERNAL_SENDERS, &senders)) {
        e = group_ask_external_senders(g->client, senders);
    }
    return e;
}

// Nobody gets there by commits; and numbers of records have room for no more.
#define EPOCH_MAX (UINT64_C(1) << 55)

enum err join_epoch(struct mls_group *g, const struct group_info *info)
{
    struct epoch *e = &g->now;
    size_t nh = algo_nh(&g->algo);
    // At epoch 0 nothing has been confirmed yet (§8.2).
    if (info->context.confirmed_hash.n != nh && !(info->context.epoch == 0 && info->context.confirmed_hash.n == 0)) {
        return ERR_MALFORMED;
    }
    if (info->context.tree_hash.n != nh) return rule(MLS_E_TREE_HASH);
    if (info->context.epoch >= EPOCH_MAX) return ERR_LIMIT;
    e->number = info->context.epoch;
    buf_put(&e->extensions, info->context.extensions);
    memcpy(e->tree_hash, info->context.tree_hash.p, nh);
    e->confirmed_n = info->context.confirmed_hash.n;
    if (e->confirmed_n > 0) memcpy(e->confirmed, info->context.confirmed_hash.p, nh);
    buf_put(&e->context, info->context_raw);
    enum err r = buf_end(&e->extensions);
    return r == ERR_OK ? buf_end(&e->context) : r;
}

// ------------------------------------------------------------------------------------------------------ entering

static enum err find_own_leaf(struct mls_group *g, const struct private_part *mine)
{
    const struct leaf *l = &mine->key_package.leaf;
    uint32_t node;
    // RFC 9420 §12.4.3.1: "Identify a leaf whose LeafNode is identical to the one in the KeyPackage. If no such field
    // exists, return an error."
    if (!tree_find_key(&g->tree, l->encryption_key, INDEX_ENCRYPTION, &node) || (node & 1) != 0 ||
        !span_eq(tree_leaf_raw(&g->tree, node / 2), l->raw)) {
        return rule(MLS_E_WELCOME_LEAF);
    }
    const struct crypto_sizes *z = algo_sizes(&g->algo);
    if (mine->leaf_key.n != z->nsk || mine->signature_key.n != z->nsigsk) return ERR_CORRUPT;
    g->now.keys.leaf = node / 2;
    g->now.keys.have[0] = true;
    memcpy(g->now.keys.key[0], mine->leaf_key.p, z->nsk);
    memcpy(g->now.signature_key, mine->signature_key.p, z->nsigsk);
    return ERR_OK;
}

static enum err use_path_secret(struct mls_group *g, const struct joining *j)
{
    struct secret path_secret = {{0}};
    if (!j->secrets.has_path_secret) return ERR_OK;
    if (j->info.signer == g->now.keys.leaf) return rule(MLS_E_WELCOME_PATH_SECRET);
    memcpy(path_secret.b, j->secrets.path_secret.p, algo_nh(&g->algo));
    // RFC 9420 §12.4.3.1: "Identify the lowest common ancestor of the leaf node my_leaf and of the node of the member
    // with leaf index GroupInfo.signer."
    uint32_t level = math_common_level(j->info.signer, g->now.keys.leaf);
    enum err e = tree_is_blank(&g->tree, math_ancestor(g->now.keys.leaf, level))
                     ? rule(MLS_E_WELCOME_PATH_SECRET)
                     : path_keys_derive(&g->algo, &g->now.keys, &g->tree, level, &path_secret, NULL);
    mem_wipe(&path_secret, sizeof path_secret);
    // RFC 9420 §12.4.3.1: "The private key MUST be the private key that corresponds to the public key in the node."
    return e == rule(MLS_E_PATH_PUBLIC_KEY) ? rule(MLS_E_WELCOME_PATH_SECRET) : e;
}

static enum err derive(struct mls_group *g, const struct joining *j)
{
    struct secret epoch_secret;
    size_t nh = algo_nh(&g->algo);
    enum err e = schedule_epoch_secret(&g->algo, &j->member, buf_span(&g->now.context), &epoch_secret);
    if (e == ERR_OK) e = epoch_derive(&g->algo, &epoch_secret, g->tree.leaves, &g->now, &g->secrets);
    mem_wipe(&epoch_secret, sizeof epoch_secret);
    // RFC 9420 §12.4.3.1: "Verify the confirmation tag in the GroupInfo using the derived confirmation key and the
    // confirmed_transcript_hash from the GroupInfo."
    if (e == ERR_OK && (j->info.confirmation_tag.n != nh || !mem_equal(j->info.confirmation_tag.p, g->now.tag, nh))) {
        e = rule(MLS_E_MESSAGE_CONFIRMATION_TAG);
    }
    return e;
}

static enum err enter(struct joining *j, struct span tree, struct mls_group *g)
{
    enum err e = join_supports(&j->mine.key_package.leaf.capabilities, j->info.context.extensions);
    if (e == ERR_OK) e = join_tree(g, &j->info, tree);
    if (e == ERR_OK) e = join_epoch(g, &j->info);
    if (e == ERR_OK) e = find_own_leaf(g, &j->mine);
    if (e == ERR_OK) e = use_path_secret(g, j);
    if (e == ERR_OK) e = derive(g, j);
    if (e == ERR_OK && j->is_related) e = related_check(g, j->parent, &j->related);
    g->welcomed = true;
    g->welcomer = j->info.signer;
    return e == ERR_OK ? record_note_all(g) : e;
}

static enum err join(const struct mls_client *c, struct span message, struct span private_part, struct span tree,
                     const struct mls_group *parent, struct mls_group **out)
{
    struct tls_reader r = tls_reader_of(message);
    enum wire_format format = WIRE_PUBLIC;
    struct joining j = {.client = c, .parent = parent};
    struct mls_group *g = NULL;
    buf_init(&j.secrets_raw, TLS_VECTOR_MAX);
    buf_init(&j.info_raw, TLS_VECTOR_MAX);
    enum err e = message_open(&r, &format);
    if (e == ERR_OK && format != WIRE_WELCOME) e = ERR_MISUSE;
    if (e != ERR_OK) return e;
    welcome_read(&r, &j.welcome);
    e = tls_end(&r);
    if (e == ERR_OK) e = private_part_decode(private_part, &j.mine);
    if (e == ERR_OK) e = client_algo(c, j.mine.key_package.suite, &j.algo);
    if (e == ERR_OK) e = open_secrets(&j);
    if (e == ERR_OK) e = collect_psks(&j);
    // A group that is said to continue another, but does not prove it, is somebody's trap (§11.2, §11.3).
    if (e == ERR_OK && parent != NULL && !j.is_related) {
        e = rule(parent->now.reinit.n > 0 ? MLS_E_REINIT_MISMATCH : MLS_E_BRANCH_MISMATCH);
    }
    if (e == ERR_OK) e = open_info(&j);
    if (e == ERR_OK) e = check_info(c, &j.algo, &j.info);
    if (e == ERR_OK) e = group_alloc(c, j.algo.suite, j.info.context.group_id, &g);
    if (e == ERR_OK) e = enter(&j, tree, g);
    joining_wipe(&j);
    if (e == ERR_OK) *out = g;
    else mls_group_free(g);
    return e;
}

enum mls_error mls_group_join(const struct mls_client *c, struct mls_span welcome, struct mls_span private_part,
                              struct mls_span tree, const struct mls_group *parent, struct mls_group **out)
{
    *out = NULL;
    enum err e = join(c, from_api(welcome), from_api(private_part), from_api(tree), parent, out);
    mem_wipe_stack();
    return api_error(e);
}

bool mls_welcome_is_for(const struct mls_client *c, struct mls_span welcome, struct mls_span private_part)
{
    struct tls_reader r = tls_reader_of(from_api(welcome));
    enum wire_format format = WIRE_PUBLIC;
    struct private_part mine;
    struct welcome w;
    struct algo a;
    struct encrypted_secrets entry;
    uint8_t ref[CRYPTO_HASH_MAX];
    if (message_open(&r, &format) != ERR_OK || format != WIRE_WELCOME) return false;
    welcome_read(&r, &w);
    if (tls_end(&r) != ERR_OK || private_part_decode(from_api(private_part), &mine) != ERR_OK) return false;
    if (w.suite != mine.key_package.suite || client_algo(c, w.suite, &a) != ERR_OK) return false;
    bool found = key_package_ref(&a, mine.key_package.raw, ref) == ERR_OK &&
                 welcome_find(&w, span_of(ref, algo_nh(&a)), &entry);
    client_algo_free(&a);
    return found;
}
