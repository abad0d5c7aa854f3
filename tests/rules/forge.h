// SPDX-License-Identifier: Apache-2.0
//
// tests/rules/forge: what a malicious member can make with the keys that it has. Commits, Welcomes, GroupInfos, proposals,
// KeyPackages and messages that are right in every signature, MAC, hash and ciphertext, but for one flaw that the test
// asks for. It applies proposals without any of the library's checks, and so arrives at the epoch that a receiver would
// arrive at who did not check either: if a check were missing, the receiver would accept.
#ifndef WHIMBREL_TESTS_RULES_FORGE_H
#define WHIMBREL_TESTS_RULES_FORGE_H

#include "group/client.h"
#include "mls/welcome.h"
#include "scene.h"

// The flaws that no field of struct forge can express.
enum flaw {
    FLAW_NONE,
    FLAW_LEAF_INDEX,         // the path's leaf is signed for another place
    FLAW_LEAF_GROUP,         // and for another group
    FLAW_PARENT_HASH,        // in the path's leaf: other bytes
    FLAW_PARENT_HASH_EMPTY,  // none
    FLAW_PARENT_HASH_MIDDLE, // the hash of a node above the first
    FLAW_PATH_NONE,          // no path where there must be one
    FLAW_PATH_SHORT,         // one node too few
    FLAW_PATH_LONG,          // one too many
    FLAW_KEY_INVALID,        // the first node's key is none
    FLAW_KEY_OF_PATH,        // two nodes of the path with one key
    FLAW_KEY_OF_LEAF,        // the first node has the leaf's key
    FLAW_KEY_OF_TREE,        // the first node has the key of `other`
    FLAW_KEY_REPLACED,       // the first node keeps the key that it had
    FLAW_KEY_UNKNOWN,        // the last node's key does not come from its path secret
    FLAW_CIPHERTEXT_MISSING, // one too few at the last node
    FLAW_CIPHERTEXT_EXTRA,   // one too many there
    FLAW_CIPHERTEXT_DAMAGED, // all at the last node
    FLAW_CIPHERTEXT_ADDED,   // those who are added get one, too
    FLAW_SECRET_SHORT,       // the path secrets have a byte too few
    FLAW_SECRET_LONG,        // a byte too many
    FLAW_SECRET_OTHER,       // the last node's is another
    FLAW_SIGNATURE,          // of the message
    FLAW_SIGNATURE_OTHER,    // made with another member's key
    FLAW_MEMBERSHIP_TAG,     // damaged
    FLAW_MEMBERSHIP_NONE,    // empty
    FLAW_CONFIRMATION_TAG,   // damaged
    FLAW_CONFIRMATION_NONE,  // empty
    FLAW_CIPHERTEXT,         // of a PrivateMessage: damaged
    FLAW_CIPHERTEXT_SHORT,   // shorter than a tag
    FLAW_SENDER_DATA,        // damaged
    FLAW_SENDER_DATA_SHORT,  // a byte too few
    FLAW_PADDING,            // not zeros
    FLAW_TAIL,               // a byte behind the message
};

// A commit in the making. forge_begin fills in what an honest member would send; a test changes fields before
// forge_commit.
struct forge {
    struct scene *s;
    size_t who;
    struct mls_group *g; // of a joiner: its own until the commit is accepted, then the member's
    struct committer by;
    enum flaw flaw;
    struct span other; // of FLAW_KEY_OF_TREE; key of FLAW_SIGNATURE_OTHER
    bool no_path;
    struct leaf leaf;    // of the path; encryption_key empty: a fresh one
    struct span sk;      // signs the message and the leaf. secret
    struct span leaf_sk; // signs the leaf, if that has another key. secret
    enum wire_format wire;
    struct span group_id, aad;
    uint64_t epoch;
    struct span root_hash;                               // parent_hash of the path's root
    void (*spoil_tree)(struct forge *f, struct tree *t); // after the path: what joiners will see
    const struct secret *init;                           // NULL: that of the epoch
    struct span psk;                                     // what an unknown PSK is taken for
    struct span instead;                                 // of the last proposal: bytes that need not decode
    // Proposals, in order.
    struct {
        struct buf raw, reference;
        enum sender_type sender_type;
        uint32_t sender;
    } item[40];
    size_t n;
    // What comes out.
    struct mls_staged *staged;
    struct buf body, message;
    struct frame frame;
    size_t levels;
    uint32_t level[TREE_MAX_LEVELS];
    struct secret path_secret[TREE_MAX_LEVELS + 1]; // the last: commit_secret. secret
    struct buf key[TREE_MAX_LEVELS];
    struct buf psk_ids;
    struct list list;
    struct secret joiner, member; // secret
};

void forge_begin(struct forge *f, struct scene *s, size_t who);
// From outside: a joiner with a GroupInfo of `host`'s group, and an ExternalInit in its list already.
void forge_begin_external(struct forge *f, struct scene *s, size_t who, size_t host);
void forge_value(struct forge *f, struct span proposal);
void forge_reference(struct forge *f, struct span proposal, struct span reference, enum sender_type type,
                     uint32_t sender);
// Takes a proposal out of the list again.
void forge_forget(struct forge *f, size_t i);
void forge_commit(struct forge *f);
// Offers the commit to everybody and frees the forge.
void forge_offer(struct forge *f);
void forge_free(struct forge *f);

// The path, written behind the proposals in f->body; forge_commit calls them.
void forge_path(struct forge *f);
void forge_seal(struct forge *f);

// -------------------------------------------------------------------------------------------------- proposals

struct span forge_add(struct scene *s, struct span key_package);
struct span forge_update(struct scene *s, struct span leaf);
struct span forge_remove(struct scene *s, uint32_t leaf);
struct span forge_psk(struct scene *s, const struct psk_id *id);
struct span forge_extensions(struct scene *s, const struct mls_extension *list, size_t n);
struct span forge_reinit(struct scene *s, const struct reinit *r);
struct span forge_custom(struct scene *s, uint16_t type, const char *data);
struct span forge_external_init(struct scene *s, struct span kem_output);

// ------------------------------------------------------------------------------------------------- leaves, packages

// In a leaf's signature field: sign it, and flip a bit.
extern const struct span forge_flip;
// The leaf of a member as it stands, to be changed and signed anew; spans live as long as the scene.
struct leaf forge_leaf(struct scene *s, size_t who);
// A leaf for somebody outside.
struct leaf forge_new_leaf(struct scene *s, size_t who, uint8_t *leaf_sk);
struct span forge_sign_leaf(struct scene *s, const struct leaf *l, struct span group_id, uint32_t index,
                            struct span sk);
// A fresh encryption key; sk may be NULL.
struct span forge_key(struct scene *s, uint8_t *sk);

struct forge_package {
    uint16_t version, suite; // 0: as they should be
    struct span init_key;    // empty: fresh
    struct span extensions;
    bool flaw;        // the signature
    struct span leaf; // signed
    uint8_t leaf_sk[CRYPTO_SK_MAX], init_sk[CRYPTO_SK_MAX];
};
// An X.509 credential with one certificate, for the signature key of `who` (Ed25519).
struct credential forge_certificate(struct scene *s, size_t who);
// A credential of this type with this body.
struct credential forge_credential(struct scene *s, uint16_t type, const char *body);
// The KeyPackage, bare; and the private part in the cast_member, so that a Welcome can be tried.
struct span forge_key_package(struct scene *s, size_t who, struct forge_package *p);

// Flips a bit in the last byte.
struct span forge_damage(struct scene *s, struct span bytes);
struct span forge_signature_key(struct scene *s, size_t who); // secret

// --------------------------------------------------------------------------------------------------- messages

struct forge_message {
    enum wire_format wire;
    enum content_type type;
    enum sender_type sender_type;
    uint32_t sender;
    struct span body, aad, group_id;
    uint64_t epoch;
    struct span sk, pk; // pk: of the signature, to sign; the receiver looks it up
    enum flaw flaw;
    uint32_t generation; // UINT32_MAX: the next
    uint32_t claimed;    // in the sender data, if it is not 0
    bool resign;         // sign for the other wire format
    struct span context; // to sign under; empty: the present one
    struct span confirmation_tag;
    struct span reference, raw; // out, of a proposal: its ProposalRef, and the AuthenticatedContent
};
// What an honest member would send; a test changes fields.
struct forge_message forge_message(struct scene *s, size_t who, enum content_type type, struct span body);
// From outside: external sender 0, or a new member.
struct forge_message forge_message_outside(struct scene *s, enum sender_type type, struct span body);
struct span forge_write(struct scene *s, size_t who, struct forge_message *m);
// Signs without asking whether what is signed decodes.
void forge_sign(const struct algo *a, const struct frame_content *c, struct span context, struct span sk,
                struct frame *out);
// Makes a member remember its own forged Update as if it had proposed it, so that it can follow when it is committed.
void forge_keep_update(struct scene *s, size_t who, const struct forge_message *m, struct span key,
                       const uint8_t *leaf_sk);
// A signed frame as PublicMessage or PrivateMessage, with the keys of g's epoch. `like` gives flaw and generation.
struct span forge_wrap(struct scene *s, struct mls_group *g, const struct frame *f, const struct forge_message *like);

// -------------------------------------------------------------------------------------------------- Welcomes

enum welcome_flaw {
    WELCOME_NONE,
    WELCOME_SIGNATURE,    // of the GroupInfo
    WELCOME_TAG,          // its confirmation tag
    WELCOME_SECRETS,      // damaged
    WELCOME_SECRETS_TAIL, // a byte behind them
    WELCOME_INFO,         // damaged
    WELCOME_INFO_SHORT,   // shorter than a tag
    WELCOME_PATH_SECRET,  // another
    WELCOME_PATH_SHORT,   // a byte too few
    WELCOME_JOINER_SHORT, // a byte too few
    WELCOME_REFERENCE,    // of no KeyPackage
    WELCOME_TREE_NONE,    // no ratchet_tree extension
};

struct forge_welcome {
    enum welcome_flaw flaw;
    uint16_t suite;               // 0: as it should be; of the Welcome
    struct group_context context; // version 0: that of the staged epoch
    uint32_t signer;              // UINT32_MAX: the committer
    struct span sk;               // of the signer; empty: the committer's
    struct span tree;             // the tree in the GroupInfo; empty: the staged one
    struct span tag;              // empty: the staged one
    struct span psks;             // PreSharedKeyIDs; p NULL: those of the commit
    bool no_path_secret;
    struct span path_secret; // where the commit has none
};
// The Welcome for the first of those that the commit adds, whose KeyPackage is given.
struct span forge_welcome(struct forge *f, size_t who, const struct forge_welcome *w);
// A GroupInfo of the staged epoch, with the tree and external_pub; `with` may be NULL.
struct span forge_group_info(struct forge *f, const struct forge_welcome *w, bool external_pub);
// Joins. Wrong: the verdict. Accepted: agrees with the staged epoch; the group is freed again.
void forge_join(struct forge *f, size_t who, struct span welcome, struct span tree);
// The same by an external commit.
void forge_join_external(struct forge *f, size_t who, struct span group_info);

#endif
