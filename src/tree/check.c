// SPDX-License-Identifier: Apache-2.0
//
// Rules about leaves, and about what a change does to the others (RFC 9420 §7.2, §7.3, §13.4). The rules of whole trees
// are in check_tree.c.
#include "tree/check.h"

// RFC 9420 §7.2: "The types of any non-default extensions that appear in the extensions field of a LeafNode MUST be
// included in the extensions field of the capabilities field".
static enum err check_own_extensions(const struct leaf *l)
{
    struct extension x;
    for (size_t at = 0; extensions_next(l->extensions, &at, &x);) {
        if (!capabilities_extension(&l->capabilities, x.type)) return rule(MLS_E_LEAF_EXTENSION);
    }
    return ERR_OK;
}

// RFC 9420 §7.3: "the required extensions, proposals, and credential types MUST be listed in the LeafNode's
// capabilities field."
static enum err check_required(const struct leaf *l, struct span data)
{
    struct required_capabilities need;
    enum err e = required_capabilities_decode(data, &need);
    if (e != ERR_OK) return e;
    const struct capabilities *have = &l->capabilities;
    if (!types_cover(have->extensions, need.extensions, EXTENSION_DEFAULTS) ||
        !types_cover(have->proposals, need.proposals, PROPOSAL_DEFAULTS) ||
        !types_cover(have->credentials, need.credentials, 0)) {
        return rule(MLS_E_LEAF_REQUIRED);
    }
    return ERR_OK;
}

static enum err check_group_extensions(const struct leaf *l, struct span extensions)
{
    struct extension x;
    enum err e = ERR_OK;
    for (size_t at = 0; e == ERR_OK && extensions_next(extensions, &at, &x);) {
        // RFC 9420 §13.4: "The capabilities field MUST indicate support for each extension in the GroupContext."
        if (!capabilities_extension(&l->capabilities, x.type)) return rule(MLS_E_LEAF_GROUP_EXTENSION);
        if (x.type == EXTENSION_REQUIRED_CAPABILITIES) e = check_required(l, x.data);
    }
    return e;
}

// RFC 9420 §5.3: "The public key encoded in the subjectPublicKeyInfo of the end-entity certificate MUST be identical to
// the signature_key in the LeafNode containing this credential."
static enum err check_certificate(const struct algo *a, const struct leaf *l)
{
    uint8_t pk[CRYPTO_SIGPK_MAX];
    struct span certificate;
    if (l->credential.type != CREDENTIAL_X509) return ERR_OK;
    enum err e = credential_certificate(&l->credential, &certificate);
    if (e == ERR_OK) e = crypto_x509_key(a->suite, certificate, pk);
    if (e == ERR_MEMORY) return e;
    if (e == ERR_OK && span_eq(span_of(pk, algo_sizes(a)->nsigpk), l->signature_key)) return ERR_OK;
    return rule(MLS_E_LEAF_CERTIFICATE);
}

static enum err check_lifetime(const struct check_rules *rules, const struct leaf *l)
{
    if (l->source != LEAF_KEY_PACKAGE) return ERR_OK;
    // RFC 9420 §7.2: "Applications MUST define a maximum total lifetime that is acceptable for a LeafNode, and reject any
    // LeafNode where the total lifetime is longer than this duration."
    if (l->not_after < l->not_before || l->not_after - l->not_before > rules->max_lifetime) {
        return rule(MLS_E_LEAF_LIFETIME_LENGTH);
    }
    // RFC 9420 §7.3: "the client MUST verify that the current time is within the range of the lifetime field."
    bool now = l->not_before <= rules->now && rules->now <= l->not_after;
    return rules->lifetime && !now ? rule(MLS_E_LEAF_LIFETIME) : ERR_OK;
}

enum err check_leaf_fields(const struct algo *a, const struct check_rules *rules, const struct leaf *l,
                           enum leaf_source source)
{
    // RFC 9420 §7.3: "If the LeafNode appears in a KeyPackage, verify that leaf_node_source is set to key_package."
    // RFC 9420 §7.3: "If the LeafNode appears in an Update proposal, verify that leaf_node_source is set to update".
    // RFC 9420 §7.3: "If the LeafNode appears in the leaf_node value of the UpdatePath in a Commit, verify that
    // leaf_node_source is set to commit."
    if (l->source != source) return rule(MLS_E_LEAF_SOURCE);
    // RFC 9420 §10: "the leaf_node field MUST be valid for the cipher suite, including both the encryption_key and
    // signature_key fields."
    if (!crypto_kem_pk_ok(a->crypto, a->suite, l->encryption_key)) return rule(MLS_E_LEAF_KEY_INVALID);
    if (!crypto_sig_pk_ok(a->crypto, a->suite, l->signature_key)) return rule(MLS_E_LEAF_KEY_INVALID);
    // That its capabilities list the version and suite in use is not asked for: whoever made a KeyPackage for them supports
    // them, and there are implementations that leave their newest suite out of the list.
    // RFC 9420 §7.2: "the credential type used in the LeafNode MUST be included in the credentials field of the
    // capabilities field."
    if (!types_contain(l->capabilities.credentials, l->credential.type)) return rule(MLS_E_LEAF_CREDENTIAL_NOT_LISTED);
    enum err e = check_own_extensions(l);
    if (e == ERR_OK) e = check_group_extensions(l, rules->extensions);
    if (e == ERR_OK) e = check_lifetime(rules, l);
    return e == ERR_OK ? check_certificate(a, l) : e;
}

enum err check_leaf(const struct algo *a, const struct check_rules *rules, const struct leaf *l, enum leaf_source source,
                    uint32_t index)
{
    enum err e = check_leaf_fields(a, rules, l, source);
    // RFC 9420 §7.3: "Verify that the signature on the LeafNode is valid using signature_key."
    if (e == ERR_OK) e = leaf_verify(a, l, rules->group_id, index);
    return e == ERR_UNAUTHENTICATED ? rule(MLS_E_LEAF_SIGNATURE) : e;
}

// A type that was in use before is the fault of the leaf that does not support it; a new type that of the leaf that
// brings it.
static enum err credential_fault(const struct tree *overlay, uint16_t type)
{
    bool used = tree_count(overlay->under, COUNT_CREDENTIAL_USED, type) > 0;
    return rule(used ? MLS_E_LEAF_CREDENTIALS_IN_USE : MLS_E_LEAF_CREDENTIAL_FOREIGN);
}

// RFC 9420 §7.3: "Verify that the credential type is supported by all members of the group, […] and that the
// capabilities field of this LeafNode indicates support for all the credential types currently in use".
// MLS_E_LEAF_CREDENTIAL_FOREIGN, MLS_E_LEAF_CREDENTIALS_IN_USE
static enum err check_credential_types(const struct tree *t, const struct leaf *l)
{
    uint16_t type = l->credential.type;
    if (tree_count(t, COUNT_CREDENTIAL_SUPPORTED, type) != t->members) return credential_fault(t, type);
    for (size_t at = 0; tree_credential_in_use(t, &at, &type);) {
        if (!types_contain(l->capabilities.credentials, type)) return credential_fault(t, type);
    }
    return ERR_OK;
}

enum err check_overlay(const struct tree *overlay)
{
    uint32_t node;
    for (size_t at = 0; tree_changed(overlay, &at, &node);) {
        struct leaf l;
        if (node >= math_width(overlay->leaves) || tree_is_blank(overlay, node)) continue;
        // RFC 9420 §7.3: "Verify that the following fields are unique among the members of the group".
        // MLS_E_LEAF_ENCRYPTION_KEY_TAKEN, MLS_E_LEAF_SIGNATURE_KEY_TAKEN
        if (tree_key_shared(overlay, node, INDEX_ENCRYPTION)) return rule(MLS_E_LEAF_ENCRYPTION_KEY_TAKEN);
        if (node & 1) continue;
        if (tree_key_shared(overlay, node, INDEX_SIGNATURE)) return rule(MLS_E_LEAF_SIGNATURE_KEY_TAKEN);
        enum err e = tree_leaf(overlay, node / 2, &l);
        if (e == ERR_OK) e = check_credential_types(overlay, &l);
        if (e != ERR_OK) return e;
    }
    return ERR_OK;
}

enum err check_newcomer(const struct tree *t, const struct leaf *l, uint32_t instead)
{
    struct leaf old;
    uint32_t node;
    uint16_t type = l->credential.type;
    bool replaces = tree_leaf(t, instead, &old) == ERR_OK;
    size_t others = t->members, support = tree_count(t, COUNT_CREDENTIAL_SUPPORTED, type);
    if (tree_find_key(t, l->encryption_key, INDEX_ENCRYPTION, &node)) return rule(MLS_E_LEAF_ENCRYPTION_KEY_TAKEN);
    if (tree_find_key(t, l->signature_key, INDEX_SIGNATURE, &node) && (!replaces || node != 2 * instead)) {
        return rule(MLS_E_LEAF_SIGNATURE_KEY_TAKEN);
    }
    if (replaces) others--;
    if (replaces && types_contain(old.capabilities.credentials, type)) support--;
    if (support != others) return rule(MLS_E_LEAF_CREDENTIAL_FOREIGN);
    for (size_t at = 0; tree_credential_in_use(t, &at, &type);) {
        bool goes = replaces && old.credential.type == type && tree_count(t, COUNT_CREDENTIAL_USED, type) == 1;
        if (!goes && !types_contain(l->capabilities.credentials, type)) return rule(MLS_E_LEAF_CREDENTIALS_IN_USE);
    }
    return ERR_OK;
}

static bool all_support(const struct tree *t, enum tree_count kind, struct span types)
{
    for (size_t i = 0; i < types_count(types); i++) {
        uint16_t type = types_at(types, i);
        bool known = kind == COUNT_EXTENSION_SUPPORTED ? capabilities_extension(&(struct capabilities){0}, type)
                     : kind == COUNT_PROPOSAL_SUPPORTED && capabilities_proposal(&(struct capabilities){0}, type);
        if (!known && tree_count(t, kind, type) != t->members) return false;
    }
    return true;
}

enum err check_extensions(const struct tree *t, struct span extensions)
{
    struct extension x;
    for (size_t at = 0; extensions_next(extensions, &at, &x);) {
        const uint8_t type[2] = {(uint8_t)(x.type >> 8), (uint8_t)x.type};
        // RFC 9420 §13.4: "an extension in use by the group MUST be supported by all members of the group."
        if (!all_support(t, COUNT_EXTENSION_SUPPORTED, span_of(type, 2))) {
            return rule(MLS_E_PROPOSAL_EXTENSIONS_UNSUPPORTED);
        }
        if (x.type != EXTENSION_REQUIRED_CAPABILITIES) continue;
        struct required_capabilities need;
        enum err e = required_capabilities_decode(x.data, &need);
        if (e != ERR_OK) return e;
        // RFC 9420 §12.1.7: "invalid if it includes a required_capabilities extension and some members of the group do
        // not support some of the required capabilities".
        if (!all_support(t, COUNT_EXTENSION_SUPPORTED, need.extensions) ||
            !all_support(t, COUNT_PROPOSAL_SUPPORTED, need.proposals) ||
            !all_support(t, COUNT_CREDENTIAL_SUPPORTED, need.credentials)) {
            return rule(MLS_E_PROPOSAL_EXTENSIONS_REQUIRED);
        }
    }
    return ERR_OK;
}
