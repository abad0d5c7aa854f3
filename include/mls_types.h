// SPDX-License-Identifier: Apache-2.0
//
// mls_types: the structs and constants of libmls's interface (functions: mls.h, errors: mls_errors.h). Names and
// numbers are those of RFC 9420. Structs that the caller fills may be zeroed first; zero always means the default.
#ifndef MLS_TYPES_H
#define MLS_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mls_errors.h"

// Bytes that somebody else owns: borrowed for the length of a call, or as long as the text beside it says.
struct mls_span {
    const uint8_t *data;
    size_t size;
};

// Bytes that the caller owns and gives back with mls_buf_free, which wipes them.
struct mls_buf {
    uint8_t *data;
    size_t size;
};

// Cipher suites (§17.1). Those of draft-ietf-mls-pq-ciphersuites-06 have no registered numbers yet; these are from the
// private-use range and will change when there are some.
enum mls_suite {
    MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519 = 0x0001,
    MLS_128_DHKEMP256_AES128GCM_SHA256_P256 = 0x0002,
    MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519 = 0x0003,
    MLS_256_DHKEMX448_AES256GCM_SHA512_Ed448 = 0x0004,
    MLS_256_DHKEMP521_AES256GCM_SHA512_P521 = 0x0005,
    MLS_256_DHKEMX448_CHACHA20POLY1305_SHA512_Ed448 = 0x0006,
    MLS_256_DHKEMP384_AES256GCM_SHA384_P384 = 0x0007,
    MLS_128_MLKEM768X25519_AES128GCM_SHA256_Ed25519 = 0xF001,
    MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519 = 0xF002, // the default of Whimbrel
    MLS_192_MLKEM1024P384_AES256GCM_SHA384_P384 = 0xF005,
};

enum mls_credential_type { MLS_CREDENTIAL_BASIC = 1, MLS_CREDENTIAL_X509 = 2 };

enum mls_extension_type {
    MLS_EXTENSION_APPLICATION_ID = 1,
    MLS_EXTENSION_RATCHET_TREE = 2,
    MLS_EXTENSION_REQUIRED_CAPABILITIES = 3,
    MLS_EXTENSION_EXTERNAL_PUB = 4,
    MLS_EXTENSION_EXTERNAL_SENDERS = 5,
};

enum mls_proposal_type {
    MLS_PROPOSAL_ADD = 1,
    MLS_PROPOSAL_UPDATE = 2,
    MLS_PROPOSAL_REMOVE = 3,
    MLS_PROPOSAL_PSK = 4,
    MLS_PROPOSAL_REINIT = 5,
    MLS_PROPOSAL_EXTERNAL_INIT = 6,
    MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS = 7,
};

enum mls_sender_type {
    MLS_SENDER_MEMBER = 1,
    MLS_SENDER_EXTERNAL = 2,
    MLS_SENDER_NEW_MEMBER_PROPOSAL = 3,
    MLS_SENDER_NEW_MEMBER_COMMIT = 4,
};

struct mls_extension {
    uint16_t type;
    struct mls_span data;
};

// ------------------------------------------------------------------------------------------------- credentials

// A Credential (§5.3). A basic one has an identity; an X.509 one a chain of DER certificates, the end entity's first;
// one of another type an opaque body, in `identity`.
struct mls_credential {
    uint16_t type;
    struct mls_span identity;
    const struct mls_span *certificates;
    size_t certificate_count;
};

// A member as the tree shows it. The spans hold until the group changes. `credential` is the Credential as encoded;
// `identity` its body: the identity of a basic credential, the content of certificates<V> of an X.509 one.
struct mls_member {
    uint32_t index; // leaf index
    uint16_t credential_type;
    struct mls_span credential, identity;
    struct mls_span signature_key, encryption_key;
    struct mls_span extensions; // the content of `Extension extensions<V>`; see mls_extension_find
};

enum mls_check_reason {
    MLS_CHECK_ADD,             // in a KeyPackage that is about to be added
    MLS_CHECK_UPDATE,          // in an Update proposal
    MLS_CHECK_COMMIT,          // in the path of a member's commit
    MLS_CHECK_JOIN,            // of somebody who is a member already, when this client joins
    MLS_CHECK_EXTERNAL_COMMIT, // of somebody who joins by an external commit
    MLS_CHECK_EXTERNAL_SENDER, // in an external_senders extension
};

// What the Authentication Service is asked (§5.3.1). `replaced` is the member whose place the new credential takes, or
// NULL: then the new identity must be a valid successor of the old one.
struct mls_credential_check {
    enum mls_check_reason reason;
    const struct mls_member *member;
    const struct mls_member *replaced;
};

// ------------------------------------------------------------------------------------------------------- PSKs

enum mls_psk_type { MLS_PSK_EXTERNAL = 1, MLS_PSK_RESUMPTION = 2 };
enum mls_psk_usage { MLS_PSK_APPLICATION = 1, MLS_PSK_REINIT = 2, MLS_PSK_BRANCH = 3 };

// A PreSharedKeyID (§8.4). The nonce may be left empty in what the caller fills in; it is then drawn at random.
struct mls_psk_id {
    uint8_t type;             // enum mls_psk_type
    uint8_t usage;            // enum mls_psk_usage, of a resumption PSK
    struct mls_span id;       // of an external PSK
    struct mls_span group_id; // of a resumption PSK
    uint64_t epoch;           // of a resumption PSK
    struct mls_span nonce;
};

// ------------------------------------------------------------------------------------------------------ client

// An application-defined proposal type that this client supports. Its content is `opaque data<V>`.
struct mls_custom_proposal {
    uint16_t type;
    bool path_required;    // whether a commit with it needs an update path (§12.4)
    bool external_allowed; // whether external senders may propose it (§12.1.8)
};

struct mls_config {
    void *arg; // handed to every callback

    // Fills out with unpredictable bytes and returns true. NULL: OpenSSL's generator.
    bool (*random)(void *arg, uint8_t *out, size_t size);
    // Seconds since 1970-01-01T00:00:00Z. NULL: the system's clock.
    uint64_t (*now)(void *arg);
    // Whether a credential is acceptable. There is no default: a group that accepts anybody has to say so itself.
    bool (*credential)(void *arg, const struct mls_credential_check *check);
    // The secret of a PSK: sets *secret, borrowed until the operation ends, and returns true; false if it is unknown.
    // Resumption PSKs of the same group are found by the group itself first. NULL: there are none.
    bool (*psk)(void *arg, const struct mls_psk_id *id, struct mls_span *secret);
    // Whether this client takes part in a group with this identifier already (§12.4.3.1). NULL: the caller looks itself.
    bool (*group_known)(void *arg, struct mls_span group_id);
    // Whether two leaves are of the same client (§12.2). NULL: equal signature keys.
    bool (*same_client)(void *arg, const struct mls_member *a, const struct mls_member *b);
    // Whether two credentials present the same identity (§11.3, §12.4.3.1). NULL: equal credentials.
    bool (*same_identity)(void *arg, const struct mls_member *a, const struct mls_member *b);
    // Calls task(task_arg, i) for each i below count, in any order and on any threads, and returns when all have ended.
    // NULL: everything runs in the caller's thread. Other callbacks are only ever called from the caller's thread. A call
    // that is left out makes the operation fail with MLS_E_MISUSE.
    void (*run)(void *arg, void (*task)(void *task_arg, size_t i), void *task_arg, size_t count);

    const struct mls_custom_proposal *custom_proposals; // borrowed for the client's life
    size_t custom_proposal_count;

    uint32_t past_epochs;   // how many past epochs' application messages can still be opened; 0: none
    uint32_t past_psks;     // how many past epochs' resumption PSKs are kept; 0: none
    uint32_t skipped_keys;  // how many keys of passed-over messages a sender's ratchet keeps; 0: none
    uint32_t max_ahead;     // how far a message may lie ahead of its sender's ratchet; 0: 1,000
    uint32_t max_proposals; // how many proposals may wait for a commit; 0: 1,000
    uint32_t max_leaves;    // how wide a tree may grow, or be when joining; 0: 65,536. Rounded up to a power of two
    uint32_t padding;       // PrivateMessage contents are padded to a multiple of this many bytes; 0: not padded
    uint64_t max_lifetime;  // seconds that a KeyPackage may live (§7.2); 0: 100 days
    bool ignore_lifetime;   // accept KeyPackages outside of their lifetime
    bool public_handshake;  // send proposals and commits as PublicMessage, readable by the delivery service
    bool no_grease;         // do not sprinkle GREASE values (§13.5) over what this client makes
};

// The private part of a KeyPackage, opened: the KeyPackage without MLSMessage around it, and its private keys.
struct mls_private_part {
    struct mls_span key_package, init_key, leaf_key, signature_key;
};

// What this client puts into a LeafNode.
struct mls_leaf_params {
    struct mls_credential credential;
    struct mls_span signature_private; // secret: copied
    struct mls_span signature_public;  // may be empty; if not, it must belong to the private one
    // Capabilities beyond what the library and the config bring: types that the application supports.
    const uint16_t *extension_types, *proposal_types, *credential_types;
    size_t extension_type_count, proposal_type_count, credential_type_count;
    const uint16_t *suites; // empty: every suite of the library
    size_t suite_count;
    const struct mls_extension *extensions; // of the LeafNode
    size_t extension_count;
    uint64_t not_before, not_after; // of a KeyPackage; both 0: from an hour ago for 90 days
};

#endif
