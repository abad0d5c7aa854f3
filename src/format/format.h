// SPDX-License-Identifier: Apache-2.0
//
// format: what engines say to each other besides MLS and MIMI content, as bytes: device certificates, invitations,
// introductions, rooms, and what wraps a message (docs/client.md). Structs that are read point into the bytes they came from.
// Readers check form alone, but for certificates, whose signature is checked; who is believed is decided elsewhere.
#ifndef WHIMBREL_FORMAT_FORMAT_H
#define WHIMBREL_FORMAT_FORMAT_H

#include "crypto/crypto.h"

enum {
    FORMAT_ID = 32, // of accounts, logs, invitations' keys
    FORMAT_KEY = 32,
    FORMAT_DEVICE = 16,
    FORMAT_SIGNATURE = 64,
    FORMAT_NAME_MAX = 200, // bytes of a name
    FORMAT_RELAY_MAX = 479,
    FORMAT_ADMINS_MAX = 1000,
    FORMAT_PICTURE_MAX = 8192, // it is in every copy of the group's context: a thumbnail
    FORMAT_LINK_MAX = 2400,
    FORMAT_GROUP_ID_MAX = 255,
    FORMAT_ROOM_EXTENSION = 0xf0a1, // of a group's context: struct room
    FORMAT_NAME_EXTENSION = 0xf0a2, // of a leaf: what its account calls itself, as text
};

// ------------------------------------------------------------------------------------------------------ certificates

struct cert {
    const uint8_t *account_key; // [FORMAT_KEY] Ed25519
    struct span device_key;     // the leaf's signature key
    const uint8_t *device;      // [FORMAT_DEVICE]
    uint64_t created;           // milliseconds since 1970
};

// Signs one: the identity of a basic credential. account_private: secret.
enum err cert_make(struct crypto *c, const uint8_t account_private[FORMAT_KEY], const struct cert *of, struct buf *out);
// ERR_MALFORMED, ERR_UNSUPPORTED (a version to come), ERR_UNAUTHENTICATED (the account has not signed it).
enum err cert_check(struct crypto *c, struct span bytes, struct cert *out);
// The same of one that has been checked before: form alone.
enum err cert_read(struct span bytes, struct cert *out);
// SHA-256("Whimbrel account" || key)
enum err account_id(struct crypto *c, const uint8_t key[FORMAT_KEY], uint8_t id[FORMAT_ID]);

// ------------------------------------------------------------------------------------------------------- invitations

// INVITE_GROUP: it leads into a group, whose name is in it, by way of one of its admins.
enum { INVITE_PERSONAL = 1, INVITE_ONCE = 2, INVITE_GROUP = 4 };
struct invite {
    struct span relay;
    const uint8_t *inbox, *key, *package_key, *account; // [32] each; key and package_key: secret
    uint8_t flags;
    struct span name;
    struct span group; // with INVITE_GROUP: what it is called; else empty
};

void invite_encode(const struct invite *i, struct buf *out);
// ERR_MALFORMED, ERR_UNSUPPORTED.
enum err invite_decode(struct span bytes, struct invite *out);
// "whimbrel:" and base64url, and a NUL; or "https://HOST/i#" and the same.
enum err invite_link(const struct invite *i, const char *host, struct buf *out);
// From a link of either kind, spaces around it left away: appends the invitation's bytes. ERR_MALFORMED: it is no such link.
enum err invite_from_link(struct span link, struct buf *out);

// ----------------------------------------------------------------------------------------------------- introductions

// What is in an inbox entry once it is open. Who has signed it is whom it is of; a letter is for one key package alone.
enum inbox_kind { INBOX_INTRODUCTION = 1, INBOX_KNOCK = 2 };
struct letter {
    enum inbox_kind kind; // or another number
    struct span body;
    const uint8_t *account_key; // [FORMAT_KEY]
};
// account_private (secret) is of account_key; ref is the key package's. ERR_LIMIT beyond 64 KiB.
enum err inbox_sign(struct crypto *c, const struct letter *l, const uint8_t account_private[FORMAT_KEY],
                    const uint8_t ref[FORMAT_ID], struct buf *out);
// Zeros may follow it. ERR_MALFORMED; ERR_UNAUTHENTICATED: the account has not signed it, or it was for another key package.
enum err inbox_check(struct crypto *c, struct span bytes, const uint8_t ref[FORMAT_ID], struct letter *out);

// The body of a letter: a conversation that the receiver is asked to join.
struct intro {
    const uint8_t *invite_key; // [32] of the invitation by which it came; zeros if the inviter is a contact already
    struct span name;          // what the sender calls itself
    struct span invite;        // an invitation to the sender's inbox
    struct span welcome;
    struct span blob;       // where the Welcome lies (struct blob_ref) if it is not here; else empty
    const uint8_t *log_key; // [32] secret: the log's present key
    uint64_t log_epoch;
    uint64_t seq;         // the last entry before the receiver was added: it reads on from there
    const uint8_t *chain; // [32] the running hash up to that entry
};
void intro_encode(const struct intro *i, struct buf *out);
enum err intro_decode(struct span bytes, struct intro *out);

// Where something lies that is too large for where it is spoken of: sealed by chunks (content/file.h), in a blob of a relay.
struct blob_ref {
    struct span relay;
    const uint8_t *blob;     // [32]
    struct span key, prefix; /* key: secret */
    uint64_t size;           // before sealing
    const uint8_t *digest;   // [32]
};
void blob_ref_encode(const struct blob_ref *r, struct buf *out);
enum err blob_ref_decode(struct span bytes, struct blob_ref *out);

// Likewise: somebody asks to be taken into a group.
struct knock {
    const uint8_t *invite_key; // [32] of the invitation by which it came
    struct span name;          // what the sender calls itself
    struct span invite;        // an invitation to the sender's inbox
    struct span
        group; // the id of a group that it is in and cannot follow any more; empty: the one the invitation leads to
};
void knock_encode(const struct knock *k, struct buf *out);
enum err knock_decode(struct span bytes, struct knock *out);

// -------------------------------------------------------------------------------------------------------------- rooms

enum room_kind { ROOM_DIRECT = 1, ROOM_GROUP = 2, ROOM_SELF = 3 };
// The extension of a group's context.
struct room {
    uint8_t kind;
    struct span relay;
    const uint8_t *log; // [32]
    struct span name;
    struct span picture;     // an image file of at most FORMAT_PICTURE_MAX bytes; empty for none
    struct span admins;      // ids of accounts, one behind the other, ascending
    const uint8_t *recovery; // [32]
};
void room_encode(const struct room *r, struct buf *out);
enum err room_decode(struct span bytes, struct room *out);
bool room_is_admin(const struct room *r, const uint8_t account[FORMAT_ID]);

// --------------------------------------------------------------------------------------------------------- what is said

// Application data of MLS.
struct said {
    uint64_t seen;        // the last entry of the log that the sender had when it wrote this
    const uint8_t *chain; // [32] the running hash up to it
    struct span content;  // MIMI content
};
void said_encode(const struct said *s, struct buf *out);
enum err said_decode(struct span bytes, struct said *out);
// The running hash: chain = SHA-256(chain || seq || epoch || SHA-256(payload)), in place.
enum err chain_next(struct crypto *c, uint8_t chain[32], uint64_t seq, uint64_t epoch, struct span payload);

// ------------------------------------------------------------------------------------------------------------- sealing

// A KeyPackage as it lies in a pool: nonce || ChaCha20-Poly1305 under package_key.
enum err package_seal(struct crypto *c, const struct world *w, const uint8_t package_key[FORMAT_KEY],
                      struct span package, struct buf *out);
enum err package_open(struct crypto *c, const uint8_t package_key[FORMAT_KEY], struct span sealed, struct buf *out);
// An inbox entry for whoever holds the private part of a KeyPackage (an MLSMessage): its reference, then HPKE to its init key of a
// letter and padding to 1 KiB. ERR_LIMIT beyond 60 KiB.
enum err inbox_seal(struct crypto *c, const struct world *w, struct span key_package, const uint8_t ref[FORMAT_ID],
                    struct span letter, struct buf *out);
// The reference of the KeyPackage that an entry is for.
enum err inbox_ref(struct span entry, const uint8_t **ref);
// ERR_UNAUTHENTICATED if it does not open. The letter, which is to be checked, and its padding lie in `out` alone.
enum err inbox_open(struct crypto *c, uint16_t suite, struct span init_private, struct span entry, struct buf *out);

#endif
