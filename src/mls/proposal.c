// SPDX-License-Identifier: Apache-2.0
//
// KeyPackages, proposals and commits: reading, and the checks that a KeyPackage must pass by itself. Every decoder
// takes the whole of its input or refuses it.
#include "mls/proposal.h"

void key_package_read(struct tls_reader *r, struct key_package *out)
{
    const uint8_t *from = tls_mark(r);
    *out = (struct key_package){.version = tls_u16(r)};
    out->suite = tls_u16(r);
    out->init_key = tls_vector(r);
    leaf_read(r, &out->leaf);
    out->extensions = extensions_read(r);
    if (r->err == ERR_OK) out->tbs = tls_since(r, from);
    out->signature = tls_vector(r);
    if (r->err == ERR_OK) out->raw = tls_since(r, from);
}

enum err key_package_decode(struct span raw, struct key_package *out)
{
    struct tls_reader r = tls_reader_of(raw);
    key_package_read(&r, out);
    return tls_end(&r);
}

enum err key_package_check(const struct algo *a, const struct check_rules *rules, const struct key_package *kp)
{
    // RFC 9420 §10.1: "Verify that the cipher suite and protocol version of the KeyPackage match those in the
    // GroupContext."
    if (kp->version != MLS_VERSION) return rule(MLS_E_KEY_PACKAGE_VERSION);
    if (kp->suite != crypto_suite_id(a->suite)) return rule(MLS_E_KEY_PACKAGE_SUITE);
    // RFC 9420 §10.1: "Verify that the value of leaf_node.encryption_key is different from the value of the init_key
    // field."
    if (span_eq(kp->init_key, kp->leaf.encryption_key)) return rule(MLS_E_KEY_PACKAGE_INIT_KEY);
    // RFC 9420 §10: "The value for init_key MUST be a public key for the asymmetric encryption scheme".
    if (!crypto_kem_pk_ok(a->crypto, a->suite, kp->init_key)) return rule(MLS_E_KEY_PACKAGE_INIT_KEY);
    // RFC 9420 §10.1: "Verify that the leaf_node of the KeyPackage is valid for a KeyPackage".
    enum err e = check_leaf(a, rules, &kp->leaf, LEAF_KEY_PACKAGE, 0);
    if (e != ERR_OK) return e;
    // RFC 9420 §10.1: "Verify that the signature on the KeyPackage is valid using the public key in
    // leaf_node.credential."
    e = label_verify(a, kp->leaf.signature_key, "KeyPackageTBS", &kp->tbs, 1, kp->signature);
    return e == ERR_UNAUTHENTICATED ? rule(MLS_E_KEY_PACKAGE_SIGNATURE) : e;
}

enum err key_package_ref(const struct algo *a, struct span raw, uint8_t *out)
{
    return label_ref_hash(a, "MLS 1.0 KeyPackage Reference", raw, out);
}

bool proposal_is_custom(uint16_t type) { return type == 0 || type > PROPOSAL_EXTENSIONS; }

void reinit_write(struct buf *b, const struct reinit *x)
{
    tls_put_vector(b, x->group_id);
    tls_put_u16(b, x->version);
    tls_put_u16(b, x->suite);
    tls_put_vector(b, x->extensions);
}

void reinit_read(struct tls_reader *r, struct reinit *out)
{
    out->group_id = tls_vector(r);
    out->version = tls_u16(r);
    out->suite = tls_u16(r);
    out->extensions = extensions_read(r);
}

void proposal_read(struct tls_reader *r, struct proposal *out, struct proposal_body *body)
{
    struct proposal_body scratch;
    const uint8_t *from = tls_mark(r);
    *out = (struct proposal){.type = tls_u16(r)};
    struct proposal_body *into = body != NULL ? body : &scratch;
    switch (out->type) {
    case PROPOSAL_ADD:
        key_package_read(r, &into->key_package);
        out->add = body != NULL ? &body->key_package : NULL;
        break;
    case PROPOSAL_UPDATE:
        leaf_read(r, &into->leaf);
        out->update = body != NULL ? &body->leaf : NULL;
        break;
    case PROPOSAL_REMOVE: out->removed = tls_u32(r); break;
    case PROPOSAL_PSK: psk_id_read(r, &out->psk); break;
    case PROPOSAL_REINIT: reinit_read(r, &out->reinit); break;
    case PROPOSAL_EXTERNAL_INIT: out->kem_output = tls_vector(r); break;
    case PROPOSAL_EXTENSIONS: out->extensions = extensions_read(r); break;
    case 0: tls_fail(r); break; // reserved
    default: out->data = tls_vector(r); break;
    }
    if (r->err == ERR_OK) out->raw = tls_since(r, from);
}

enum err proposal_decode(struct span raw, struct proposal *out, struct proposal_body *body)
{
    struct tls_reader r = tls_reader_of(raw);
    proposal_read(&r, out, body);
    return tls_end(&r);
}

// One ProposalOrRef.
static void read_item(struct tls_reader *r, struct span *by_value, struct span *reference)
{
    struct proposal p;
    *by_value = *reference = span_of(NULL, 0);
    uint8_t type = tls_u8(r);
    if (type == COMMIT_BY_VALUE) {
        proposal_read(r, &p, NULL);
        *by_value = p.raw;
    } else if (type == COMMIT_BY_REFERENCE) {
        *reference = tls_vector(r);
        if (reference->n == 0) tls_fail(r);
    } else {
        tls_fail(r);
    }
}

void commit_read(struct tls_reader *r, struct commit *out)
{
    const uint8_t *from = tls_mark(r);
    struct span by_value, reference;
    out->raw = span_of(NULL, 0);
    out->n = 0;
    out->has_path = false;
    struct tls_reader in = tls_open(r);
    out->proposals = span_of(in.p, tls_left(&in));
    for (; tls_left(&in) > 0; out->n++) read_item(&in, &by_value, &reference);
    tls_close(r, &in);
    out->has_path = tls_optional(r);
    if (out->has_path) update_path_read(r, &out->path);
    if (r->err == ERR_OK) out->raw = tls_since(r, from);
}

enum err commit_decode(struct span raw, struct commit *out)
{
    struct tls_reader r = tls_reader_of(raw);
    commit_read(&r, out);
    return tls_end(&r);
}

bool commit_next(const struct commit *c, size_t *at, struct span *proposal, struct span *reference)
{
    struct tls_reader r = tls_reader_of(c->proposals);
    (void)tls_bytes(&r, *at);
    if (tls_left(&r) == 0) return false;
    read_item(&r, proposal, reference);
    *at = c->proposals.n - tls_left(&r);
    return r.err == ERR_OK;
}
