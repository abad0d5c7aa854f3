// SPDX-License-Identifier: Apache-2.0
//
// wire: the relay's log protocol as bytes, for both sides (docs/protocol.md is the specification; section numbers here are
// its). It knows messages and nothing of connections, stores or keys. What a decoder returns points into the bytes it
// read; lists inside a message are checked whole when it is decoded, and walked afterwards with wire_next_….
//
// Errors: ERR_MALFORMED for bytes that are no message of this protocol, ERR_LIMIT for one that is well-formed but above its
// limits, ERR_UNSUPPORTED for a type that this version does not have. After an error the message is zeroed. Decoders allocate
// nothing. Encoders fail with the buffer they write to, and with ERR_MISUSE without an id or key; else they check nothing.
#ifndef WHIMBREL_WIRE_H
#define WHIMBREL_WIRE_H

#include "codec/tls.h"

enum {
    WIRE_VERSION = 1,
    WIRE_ID = 32,     // a log's or blob's id
    WIRE_KEY = 32,    // an access key
    WIRE_HASH = 32,   // SHA-256 of an access key
    WIRE_DEVICE = 16, // names a device within one inbox
    // Most of each, whatever a relay is configured to (§4).
    WIRE_FRAME_MAX = 131072,
    WIRE_ENTRY_MAX = 65536,
    WIRE_SIGNAL_MAX = 1024,
    WIRE_CHUNK_MAX = 65536,
    WIRE_PACKAGE_MAX = 16384,
    WIRE_GRANTS_MAX = 16,    // in one log_create
    WIRE_FOLLOWS_MAX = 1024, // in one follow
    WIRE_PACKAGES_MAX = 100, // in one package_put
    WIRE_DEVICES_MAX = 32,   // of one inbox
    WIRE_PASSWORD_MAX = 128,
    WIRE_PUBLISHED_MAX = 20480,
    WIRE_TEXT_MAX = 200,
    WIRE_VERSIONS_MAX = 16,
};
#define WIRE_NO_END UINT64_MAX // to_seq of a grant without an end

// ------------------------------------------------------------------------------------------------------- the parts

// What a key may do with a log (§3.1).
enum wire_right { WIRE_READ = 1, WIRE_APPEND = 2, WIRE_ADVANCE = 4, WIRE_ADMIN = 8, WIRE_RIGHTS = 15 };

struct wire_grant {
    uint8_t hash[WIRE_HASH];
    uint8_t rights;
    uint64_t from_seq, to_seq; // which entries may be read, both included
};

struct wire_entry {
    uint64_t seq;
    uint64_t time; // milliseconds since 1970, the relay's clock
    uint64_t epoch;
    struct span payload;
};

// One log of a follow request.
struct wire_follow {
    uint32_t tag; // the client's name for it in pushes
    const uint8_t *log, *key;
    uint64_t after;
};

// What came of one log of a follow request.
struct wire_followed {
    uint32_t tag;
    uint8_t code; // enum wire_code; the rest counts only with WIRE_OK
    uint64_t oldest, head, epoch;
};

struct wire_package {
    const uint8_t *device;
    bool last_resort;
    struct span package;
};

struct wire_pool {
    const uint8_t *device;
    uint16_t packages;
    bool last_resort;
};

// What a relay is configured to (§4).
struct wire_limits {
    uint32_t frame, entry, signal, chunk;
    uint16_t in_flight, follows;
    uint64_t blob;
    uint32_t retention; // seconds that an entry lives when log_create says nothing
    uint8_t hosting;    // enum wire_hosting
};
enum wire_hosting { WIRE_HOSTING_OPEN = 0, WIRE_HOSTING_PASSWORD = 1, WIRE_HOSTING_CLOSED = 2 };

// Why a request failed, or a follow ended (§5).
enum wire_code {
    WIRE_OK = 0,
    WIRE_E_MALFORMED = 1,   // the message is none: the connection ends
    WIRE_E_UNSUPPORTED = 2, // a type or version that this relay does not have
    WIRE_E_DENIED = 3,      // no such log, or the key has not this right; which of the two is not told
    WIRE_E_STALE = 4,       // another epoch is current; detail: that epoch
    WIRE_E_EXISTS = 5,      // the id is taken
    WIRE_E_NOT_FOUND = 6,   // no such blob, or it has expired
    WIRE_E_OFFSET = 7,      // a chunk does not begin where the blob ends; detail: where it ends
    WIRE_E_SEALED = 8,      // the blob is sealed, or it is not yet
    WIRE_E_LIMIT = 9,       // larger or more than allowed; detail: the limit
    WIRE_E_QUOTA = 10,      // the host's space or number of logs is used up
    WIRE_E_RATE = 11,       // too fast; detail: milliseconds to wait
    WIRE_E_HOSTING = 12,    // creating needs a hosting password here, or this one is wrong
    WIRE_E_UNAVAILABLE = 13, // the relay cannot write (disk full, failing): nothing was changed; try later
    WIRE_E_ENDED = 14,      // a follow: the grant's last entry has been sent
    WIRE_CODES
};
// "stale", and a sentence. Never NULL.
const char *wire_code_name(enum wire_code code);
const char *wire_code_text(enum wire_code code);

// ------------------------------------------------------------------------------------------------------- requests

enum wire_type {
    WIRE_HELLO = 0x01,
    WIRE_HOST = 0x02,
    WIRE_CREDIT = 0x03, // id 0, no reply
    WIRE_WAYS = 0x04,
    WIRE_LOG_CREATE = 0x10,
    WIRE_LOG_APPEND = 0x11,
    WIRE_LOG_ADVANCE = 0x12,
    WIRE_LOG_READ = 0x13,
    WIRE_LOG_STAT = 0x14,
    WIRE_LOG_DELETE = 0x15,
    WIRE_FOLLOW = 0x16,
    WIRE_UNFOLLOW = 0x17,
    WIRE_SIGNAL = 0x18,
    WIRE_GRANT_SET = 0x19,
    WIRE_GRANT_REMOVE = 0x1a,
    WIRE_PACKAGE_PUT = 0x20,
    WIRE_PACKAGE_TAKE = 0x21,
    WIRE_PACKAGE_STAT = 0x22,
    WIRE_PACKAGE_CLEAR = 0x23,
    WIRE_BLOB_CREATE = 0x30,
    WIRE_BLOB_APPEND = 0x31,
    WIRE_BLOB_SEAL = 0x32,
    WIRE_BLOB_READ = 0x33,
    WIRE_BLOB_STAT = 0x34,
    WIRE_BLOB_DELETE = 0x35,
};

struct wire_reply; // below

// A request. Which members count is said by its type; the others are zero.
struct wire_request {
    enum wire_type type;
    uint32_t id;
    const uint8_t *log;       // [WIRE_ID] every request about a log or key packages
    const uint8_t *key;       // [WIRE_KEY] likewise; the writer's key of a blob
    struct span payload;      // append, advance, signal; the chunk of blob_append
    uint64_t epoch;           // append, advance
    const uint8_t *new_hash;  // advance: [WIRE_HASH] of the key that takes the place of this one; NULL for none
    uint64_t new_from;        // advance: the least that the new key may read; 0: as the old one
    uint64_t after;           // read
    uint32_t limit;           // read: entries at most; blob_read: bytes; 0: no limit of the client's
    uint32_t retention;       // log_create, blob_create: seconds; 0: the relay's default
    struct wire_grant grant;  // grant_set; grant_remove: only its hash
    struct span grants;       // log_create: encoded, see wire_next_grant
    struct span follows;      // follow: encoded, see wire_next_follow
    uint32_t tag;             // unfollow
    const uint8_t *device;    // package_put, package_clear
    struct span last_resort;  // package_put: empty for none
    struct span packages;     // package_put: encoded, see wire_next_package
    const uint8_t *blob;      // [WIRE_ID]
    uint64_t offset;          // blob_append, blob_read
    uint64_t size;            // blob_create: the most it will have; blob_seal: what it has
    struct span versions;     // hello: 16-bit numbers
    uint32_t credit;          // hello, credit
    struct span password;     // host
};

enum err wire_read_request(struct span message, struct wire_request *out);
// The reply to a message that wire_read_request refused: its id (0 if it has none), and the limit that was passed, if it was one.
void wire_refuse(struct span message, struct wire_reply *out);
void wire_write_request(struct buf *out, const struct wire_request *r);

// -------------------------------------------------------------------------------------------- replies and pushes

enum wire_reply_type {
    WIRE_R_OK = 0x80, // nothing to say
    WIRE_R_HELLO = 0x81,
    WIRE_R_APPENDED = 0x82, // append, advance
    WIRE_R_ENTRIES = 0x83,  // read
    WIRE_R_STAT = 0x84,
    WIRE_R_FOLLOWED = 0x85,
    WIRE_R_POOL = 0x86,      // package_put, package_stat
    WIRE_R_PACKAGES = 0x87,  // package_take
    WIRE_R_BLOB = 0x88,      // blob_stat, blob_append
    WIRE_R_CHUNK = 0x89,     // blob_read
    WIRE_R_PUBLISHED = 0x8a, // ways
    WIRE_R_ERROR = 0x8f,
    WIRE_P_ENTRIES = 0xc0, // a push has no id
    WIRE_P_SIGNAL = 0xc1,
    WIRE_P_ENDED = 0xc2,
};

struct wire_reply {
    enum wire_reply_type type;
    uint32_t id;                 // 0 in a push, and in an error about a message without an id
    uint16_t version;            // hello
    struct wire_limits limits;   // hello
    uint64_t time;               // hello: the relay's clock, milliseconds; appended
    uint64_t seq, epoch;         // appended: of the entry; entries, stat: the log's epoch
    uint64_t oldest, head;       // entries, stat: the oldest entry kept (head + 1 if none), the newest
    struct span entries;         // entries: encoded, see wire_next_entry
    struct span followed;        // followed: encoded, see wire_next_followed
    struct span packages;        // packages: encoded, see wire_next_taken
    struct span pool;            // pool: encoded, see wire_next_pool
    uint64_t size;               // blob
    bool sealed;                 // blob
    uint64_t expires;            // blob: seconds since 1970
    struct span data;            // chunk, signal; published: see published.h, empty for nothing
    uint32_t tag;                // pushes
    enum wire_code code;         // error, ended
    uint64_t detail;             // error
    struct span text;            // error: for people, UTF-8
};

enum err wire_read_reply(struct span message, struct wire_reply *out);
void wire_write_reply(struct buf *out, const struct wire_reply *r);
// The head of a push of entries, behind which an encoded list of n bytes follows: so a list is encoded once for all who get it.
// Returns the head's length.
size_t wire_push_head(uint32_t tag, size_t n, uint8_t out[16]);

// ----------------------------------------------------------------------------------------------- lists in messages

// Each takes the next element off the front of an encoded list; false at its end, and then, if the list came from a
// decoded message, all of it has been seen.
bool wire_next_grant(struct span *list, struct wire_grant *out);
bool wire_next_follow(struct span *list, struct wire_follow *out);
bool wire_next_package(struct span *list, struct span *out);
bool wire_next_entry(struct span *list, struct wire_entry *out);
bool wire_next_followed(struct span *list, struct wire_followed *out);
bool wire_next_taken(struct span *list, struct wire_package *out);
bool wire_next_pool(struct span *list, struct wire_pool *out);

// Each appends one element to a list under construction.
void wire_put_grant(struct buf *list, const struct wire_grant *g);
void wire_put_follow(struct buf *list, const struct wire_follow *f);
void wire_put_package(struct buf *list, struct span package);
void wire_put_entry(struct buf *list, const struct wire_entry *e);
void wire_put_followed(struct buf *list, const struct wire_followed *f);
void wire_put_taken(struct buf *list, const struct wire_package *p);
void wire_put_pool(struct buf *list, const struct wire_pool *p);

#endif
