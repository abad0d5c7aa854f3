// SPDX-License-Identifier: Apache-2.0
//
// content: what people say, as bytes: MIMI content (draft-ietf-mimi-content-07), message status (draft-mahy-mimi-message-status),
// and the ids of messages. CBOR in its deterministic encoding, so what decodes encodes to the same bytes. It knows no
// groups, no storage and no keys. How files are encrypted is in content/file.h, safety numbers in content/safety.h.
//
// Spans of a decoded message point into the bytes that it was decoded from.
#ifndef WHIMBREL_CONTENT_H
#define WHIMBREL_CONTENT_H

#include "base/base.h"
#include "crypto/crypto.h"

enum {
    CONTENT_SALT = 16,
    CONTENT_ID = 32,
    CONTENT_PARTS_MAX = 64,         // all parts of a message together
    CONTENT_DEPTH_MAX = 4,          // levels of parts (draft §6.3)
    CONTENT_MESSAGE_MAX = 48 << 10, // bytes of a message: fits an entry of a log, with MLS around it
    CONTENT_EXTENSIONS_MAX = 64,
    CONTENT_VALUE_MAX = 4095, // bytes of an extension's value
    CONTENT_NAME_MAX = 255,   // bytes of an extension's name
    CONTENT_TOPIC_MAX =
        4096, // bytes of a topic's id: longer ones are malicious, says the draft (Security Considerations)
    CONTENT_URI_MAX = 0xffff,
    CONTENT_STATUS_MAX = 1024, // messages in one report
};

// What a part is for (draft §3.3). Values up to 255 that are not listed are kept, and treated as render.
enum content_disposition {
    CONTENT_UNSPECIFIED,
    CONTENT_RENDER,
    CONTENT_REACTION,
    CONTENT_PROFILE,
    CONTENT_INLINE,
    CONTENT_ICON,
    CONTENT_ATTACHMENT,
    CONTENT_SESSION,
    CONTENT_PREVIEW,
};
enum content_cardinality { CONTENT_NULL, CONTENT_SINGLE, CONTENT_EXTERNAL, CONTENT_MULTI };
// Of a multipart: take one, all or none, or as many as one can.
enum content_semantics { CONTENT_CHOOSE_ONE, CONTENT_SINGLE_UNIT, CONTENT_PROCESS_ALL };

// Content that lies elsewhere. encryption: an AEAD's number, 0 for none; hash: a hash's number, 0 for none (1: SHA-256).
struct content_external {
    struct span url;
    uint32_t expires; // seconds since 1970; 0: never
    uint64_t size;    // bytes of the content; 0: not told
    uint16_t encryption;
    struct span key, nonce, aad; // key: secret
    uint8_t hash;
    struct span digest;
    struct span description, filename;
};

struct content_part {
    uint8_t disposition;
    uint8_t cardinality;
    uint8_t semantics;    // of a multipart
    uint16_t children;    // of a multipart: 2 at least; they stand behind it, each with its own
    struct span language; // empty, or language tags
    struct span type;     // media type, of a single or external part
    struct span body;     // of a single part
    struct content_external external;
};

// An extension that this version does not know: the encodings of its key and value.
struct content_extension {
    struct span key, value;
};

struct content {
    uint8_t salt[CONTENT_SALT]; // random
    bool replaces, replies, expires;
    uint8_t replaced[CONTENT_ID]; // the message that this one edits or deletes
    uint8_t replied[CONTENT_ID];  // the message that this one answers or reacts to
    struct span topic;            // empty: none
    bool expires_after_reading;   // else at a time
    uint32_t expires_at;          // seconds since 1970, or since it was read
    struct span sender, room;     // URIs; empty: not told
    struct content_extension extensions[CONTENT_EXTENSIONS_MAX]; // in the order of their keys
    size_t extension_count;
    struct content_part parts[CONTENT_PARTS_MAX]; // parts[i] has the part index i
    size_t part_count;                            // 1 at least
};

// A message of one part with nothing else: what most are. The caller fills in the rest. `type` and `body` are borrowed.
void content_init(struct content *c, const uint8_t salt[CONTENT_SALT], enum content_disposition disposition, const char *type,
                  struct span body);
// ERR_MISUSE for parts that do not make up one tree of a depth allowed, text that is not UTF-8, or extensions out of order;
// ERR_LIMIT above the limits. Appends to `out`.
enum err content_encode(const struct content *c, struct buf *out);
// ERR_MALFORMED, also where the encoding is not the deterministic one; ERR_LIMIT.
enum err content_decode(struct span bytes, struct content *out);
// How many parts part i is, with all in it: the next one beside it is i + content_span(c, i).
size_t content_span(const struct content *c, size_t i);
// The one to show of a message, by what the caller can show: enters multiparts, of a choice takes the first that `can` takes (or
// that holds one), and of the others the first part. SIZE_MAX if there is none.
size_t content_choose(const struct content *c, bool (*can)(void *arg, const struct content_part *part), void *arg);

// The id of an encoded message (draft §2.3): from the URIs of its sender and room as the receiver knows them from the group, never
// as the message has them. 1 (SHA-256) and 31 bytes of the hash. ERR_LIMIT for URIs above CONTENT_URI_MAX.
enum err content_id(struct crypto *c, struct span sender, struct span room, struct span message, uint8_t id[CONTENT_ID]);

// ------------------------------------------------------------------------------------------------------ message status

// The type of a single part whose body is a report.
#define CONTENT_TYPE_STATUS "application/mimi-message-status"
#define CONTENT_TYPE_MARKDOWN "text/markdown;variant=GFM-MIMI"
#define CONTENT_TYPE_PLAIN "text/plain;charset=utf-8"

enum content_status {
    CONTENT_UNREAD,
    CONTENT_DELIVERED,
    CONTENT_READ,
    CONTENT_EXPIRED,
    CONTENT_DELETED,
    CONTENT_HIDDEN,
    CONTENT_ERROR,
};
struct content_report {
    const uint8_t *id; // [CONTENT_ID]
    uint8_t status;
};

// A report of 1 to CONTENT_STATUS_MAX messages. Read with a position that begins at 0: true while there is one.
void content_put_report(struct buf *out, const struct content_report *reports, size_t n);
// Checks a whole report and counts it. ERR_MALFORMED, ERR_LIMIT. A status above CONTENT_ERROR is malformed.
enum err content_read_report(struct span bytes, struct content_report *out, size_t room, size_t *n);

#endif
