// SPDX-License-Identifier: Apache-2.0
//
// mls/proposal: KeyPackage, Proposal and Commit as bytes (RFC 9420 §10, §12.1, §12.4). Decoded structs borrow from the
// bytes they were read from. Which proposals may stand together is the business of mls/list.
#ifndef WHIMBREL_MLS_PROPOSAL_H
#define WHIMBREL_MLS_PROPOSAL_H

#include "mls/schedule.h"
#include "tree/check.h"
#include "tree/path.h"

enum proposal_type {
    PROPOSAL_ADD = 1,
    PROPOSAL_UPDATE = 2,
    PROPOSAL_REMOVE = 3,
    PROPOSAL_PSK = 4,
    PROPOSAL_REINIT = 5,
    PROPOSAL_EXTERNAL_INIT = 6,
    PROPOSAL_EXTENSIONS = 7, // group_context_extensions
};

// §10
struct key_package {
    struct span raw, tbs;
    uint16_t version, suite;
    struct span init_key;
    struct leaf leaf;
    struct span extensions;
    struct span signature;
};
void key_package_read(struct tls_reader *r, struct key_package *out);
enum err key_package_decode(struct span raw, struct key_package *out);
// The checks of §10.1 for a group with these rules; the credential apart.
enum err key_package_check(const struct algo *a, const struct check_rules *rules, const struct key_package *kp);
// MakeKeyPackageRef (§5.2), nh bytes.
enum err key_package_ref(const struct algo *a, struct span raw, uint8_t *out);

struct reinit {
    struct span group_id;
    uint16_t version, suite;
    struct span extensions;
};

// §12.1. A proposal of another type carries `opaque data<V>`.
struct proposal {
    uint16_t type;
    struct span raw; // the Proposal as encoded
    union {
        struct key_package *add; // points to what proposal_read was given
        struct leaf *update;     // likewise
        uint32_t removed;
        struct psk_id psk;
        struct reinit reinit;
        struct span kem_output; // external_init
        struct span extensions; // group_context_extensions
        struct span data;
    };
};
// Room for the larger bodies of a proposal that is being read.
struct proposal_body {
    union {
        struct key_package key_package;
        struct leaf leaf;
    };
};
// body may be NULL: then `add` and `update` are NULL and only the structure is checked.
void proposal_read(struct tls_reader *r, struct proposal *out, struct proposal_body *body);
enum err proposal_decode(struct span raw, struct proposal *out, struct proposal_body *body);
bool proposal_is_custom(uint16_t type);

void reinit_write(struct buf *b, const struct reinit *x);
void reinit_read(struct tls_reader *r, struct reinit *out);

// §12.4
enum { COMMIT_BY_VALUE = 1, COMMIT_BY_REFERENCE = 2 };
struct commit {
    struct span raw;
    struct span proposals; // the content of `ProposalOrRef proposals<V>`, checked
    size_t n;
    bool has_path;
    struct update_path path;
};
void commit_read(struct tls_reader *r, struct commit *out);
enum err commit_decode(struct span raw, struct commit *out);
// Walks the proposals of a decoded commit: start with *at = 0. Either the proposal's bytes or its reference is not empty.
bool commit_next(const struct commit *c, size_t *at, struct span *proposal, struct span *reference);

#endif
