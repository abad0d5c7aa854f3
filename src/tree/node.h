// SPDX-License-Identifier: Apache-2.0
//
// tree/node: LeafNode, ParentNode, Capabilities, Credential and Extension lists (RFC 9420 §5.3, §7.1, §7.2, §13):
// how they are encoded, decoded and signed. Decoded structs borrow from the bytes they were read from. Whether a leaf
// may stand in a group is the business of tree/check.
#ifndef WHIMBREL_TREE_NODE_H
#define WHIMBREL_TREE_NODE_H

#include "codec/tls.h"
#include "tree/label.h"

enum { CREDENTIAL_BASIC = 1, CREDENTIAL_X509 = 2 };

enum extension_type {
    EXTENSION_APPLICATION_ID = 1,
    EXTENSION_RATCHET_TREE = 2,
    EXTENSION_REQUIRED_CAPABILITIES = 3,
    EXTENSION_EXTERNAL_PUB = 4,
    EXTENSION_EXTERNAL_SENDERS = 5,
};

enum leaf_source { LEAF_KEY_PACKAGE = 1, LEAF_UPDATE = 2, LEAF_COMMIT = 3 };

// Lists of 16-bit types, encoded. A list longer than NODE_MAX_TYPES is refused as malformed.
enum { NODE_MAX_TYPES = 1024, NODE_MAX_EXTENSIONS = 256 };

static inline size_t types_count(struct span list) { return list.n / 2; }
static inline uint16_t types_at(struct span list, size_t i)
{
    return (uint16_t)(list.p[2 * i] << 8 | list.p[2 * i + 1]);
}
bool types_contain(struct span list, uint16_t type);
// Whether each of `need` is in the list or one of 1 … defaults. Takes no longer than to read both.
bool types_cover(struct span list, struct span need, uint16_t defaults);
// The list with each type once, in order; returns how many there are. The list has NODE_MAX_TYPES at most.
size_t types_once(struct span list, uint16_t out[NODE_MAX_TYPES]);

// struct { ExtensionType extension_type; opaque extension_data<V>; }
struct extension {
    uint16_t type;
    struct span data;
};
// Reads `Extension extensions<V>`; the content is checked, with no type twice (§13.4). Empty after an error.
struct span extensions_read(struct tls_reader *r);
// The next extension of a list that was checked: start with *at = 0.
bool extensions_next(struct span list, size_t *at, struct extension *out);
bool extensions_find(struct span list, uint16_t type, struct span *data);

struct capabilities {
    struct span versions, cipher_suites, extensions, proposals, credentials;
};
// Types that RFC 9420 defines itself, from 1 up: they need no listing (§7.2).
enum { EXTENSION_DEFAULTS = 5, PROPOSAL_DEFAULTS = 7 };
// Whether these capabilities cover a type.
bool capabilities_extension(const struct capabilities *c, uint16_t type);
bool capabilities_proposal(const struct capabilities *c, uint16_t type);

// struct { ExtensionType extension_types<V>; ProposalType proposal_types<V>; CredentialType credential_types<V>; }
struct required_capabilities {
    struct span extensions, proposals, credentials;
};
enum err required_capabilities_decode(struct span data, struct required_capabilities *out);

// A Credential: its type, and the whole of it as encoded. The body of a type that RFC 9420 does not define is read as
// one opaque vector.
struct credential {
    uint16_t type;
    struct span raw;
    struct span body; // identity of a basic credential; the content of certificates<V> of an X.509 one
};
void credential_read(struct tls_reader *r, struct credential *out);
// The first certificate of an X.509 credential.
enum err credential_certificate(const struct credential *c, struct span *certificate);

struct leaf {
    struct span raw; // the LeafNode as encoded
    struct span tbs; // raw without the signature: the start of LeafNodeTBS
    struct span encryption_key, signature_key;
    struct credential credential;
    struct capabilities capabilities;
    uint8_t source;
    uint64_t not_before, not_after; // of LEAF_KEY_PACKAGE
    struct span parent_hash;        // of LEAF_COMMIT
    struct span extensions;
    struct span signature;
};
void leaf_read(struct tls_reader *r, struct leaf *out);
enum err leaf_decode(struct span raw, struct leaf *out);
// Checks the signature. group_id and index count only for the sources update and commit.
enum err leaf_verify(const struct algo *a, const struct leaf *l, struct span group_id, uint32_t index);

// What a new LeafNode is made of: the fields of `like` but for raw, tbs and signature; the credential's raw form counts.
// The encoded and signed LeafNode is appended to out.
enum err leaf_build(const struct algo *a, const struct leaf *like, struct span group_id, uint32_t index, struct span sk,
                    struct buf *out);

// struct { HPKEPublicKey encryption_key; opaque parent_hash<V>; uint32 unmerged_leaves<V>; }
struct parent {
    uint16_t key_n;
    uint8_t hash_n;
    uint32_t unmerged_n, unmerged_cap; // leaves
    uint8_t *unmerged;                 // big-endian 32-bit leaf indices, increasing
    uint8_t bytes[];                   // encryption_key, then parent_hash
};
static inline struct span parent_key(const struct parent *p) { return span_of(p->bytes, p->key_n); }
static inline struct span parent_hash(const struct parent *p) { return span_of(p->bytes + p->key_n, p->hash_n); }
static inline uint32_t parent_unmerged(const struct parent *p, size_t i)
{
    const uint8_t *b = p->unmerged + 4 * i;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}
// Where `leaf` stands, or would stand, in the list of unmerged leaves.
size_t parent_unmerged_at(const struct parent *p, uint32_t leaf);
bool parent_has_unmerged(const struct parent *p, uint32_t leaf);
enum err parent_new(struct span key, struct span hash, struct parent **out);
enum err parent_dup(const struct parent *p, struct parent **out);
void parent_free(struct parent *p);
// Keeps the list increasing; a leaf that is in it already stays there once.
enum err parent_add_unmerged(struct parent *p, uint32_t leaf);
// The error sticks in the reader (malformed) or is returned (memory); *out is NULL then.
enum err parent_read(struct tls_reader *r, struct parent **out);
void parent_write(struct buf *b, const struct parent *p);
size_t parent_size(const struct parent *p); // as written

#endif
