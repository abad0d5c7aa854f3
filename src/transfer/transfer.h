// SPDX-License-Identifier: Apache-2.0
//
// transfer: files on their way: sealed by chunks and appended to a blob of a relay, or read from one and checked, in
// constant memory, going on after a cut or a crash. It knows blobs and the vault, and nothing of groups, conversations
// or messages: whoever owns it gives it links and is told of progress and ends. docs/transfer.md says why it is as it
// is.
//
// All of it runs on the thread of one loop. A transfer is a row of the vault, begun within the owner's transaction: so
// it is there if and only if what it is for is there. Functions that say "within a transaction" need one, and
// transfer_settle after it.
#ifndef WHIMBREL_TRANSFER_H
#define WHIMBREL_TRANSFER_H

#include "content/file.h"
#include "link/link.h"
#include "vault/db.h"

struct transfers;

enum {
    TRANSFER_BYTES_MAX = 32 << 20, // of transfer_put
    TRANSFER_PATH_MAX = 4000,      // bytes of a path, the NUL among them
};

// The tables, as a migration of the vault's.
extern const char transfer_tables[];

// Where a file lies, and how it is opened: what a message or a Welcome says of it.
struct transfer_ref {
    char relay[LINK_ADDRESS_TEXT];
    uint8_t blob[WIRE_ID];
    struct file_key key; /* secret */
    uint64_t size;       // of the file, before sealing
    uint8_t digest[FILE_DIGEST];
    uint64_t expires; // seconds since 1970, as the relay says; 0: not told
};

enum transfer_kind { TRANSFER_UP = 1, TRANSFER_DOWN, TRANSFER_SAVE };
enum transfer_state {
    TRANSFER_WAITING = 1, // for its turn, or for the relay
    TRANSFER_RUNNING,     // never stored
    TRANSFER_PAUSED,      // until transfer_resume
    TRANSFER_FAILED,      // `why` says what is wrong and what to do; transfer_resume tries again
    TRANSFER_DONE,
};

struct transfer_info {
    int64_t id;
    enum transfer_kind kind;
    enum transfer_state state;
    bool here;           // it has come: it can be read
    uint8_t use;         // what it is for, and
    int64_t owner;       // whose it is: the owner's numbers, given at the beginning
    uint64_t done, size; // bytes of the file that the other side has, or that have come and are right; and of how many
    const char *path;    // the file that is sent, or where it is saved; empty for bytes
    const char *why;     // empty, but of one that failed
    const struct transfer_ref *ref; // of one that is sent, digest and expires are there when it is done
};

struct transfer_host {
    struct net_loop *loop;
    struct db *db;
    struct crypto *crypto;
    struct world world;
    const char *folder; // PROFILE/files; made when it is needed
    void *arg;
    // The link to the relay with this address, if requests may be sent there now: it is up, and the hosting password
    // has been said. NULL: not yet; it is being opened, and transfer_wake is called then. Called outside of
    // transactions.
    struct link *(*link)(void *arg, const char *relay);
    // It is done, or it has failed. Within a transaction, in which the owner stores what follows from it. If that
    // fails, the end is tried again later; a file is never sealed or fetched again for that.
    enum err (*ended)(void *arg, const struct transfer_info *i);
    // To be shown: it has made progress, or its state has changed. Outside of transactions. Some four times a second at
    // most, but for changes of state.
    void (*told)(void *arg, const struct transfer_info *i);
};

// Goes on with what the vault has. ERR_MEMORY. Nobody is called before it returns; transfer_wake begins.
enum err transfer_open(const struct transfer_host *h, struct transfers **out);
// Links must be freed before, so that no answer comes after it.
void transfer_close(struct transfers *t);
// A relay can be reached: whatever waits for one goes on.
void transfer_wake(struct transfers *t);

// ----------------------------------------------------------------------------------------------------------- beginning

struct transfer_to {
    const char *relay; // where the blob is made
    const char *other; // where else, if that relay wants a hosting password that is not known; NULL: nowhere
    uint8_t use;
    int64_t owner;
};
// Sends a file. Within a transaction. What the file is then, is sent: if it changes before all of it has been read, the
// transfer fails and says so. ERR_NOT_FOUND, ERR_REFUSED (no file, or not readable) and ERR_LIMIT (too large for any
// relay): `why` says it in words.
enum err transfer_send(struct transfers *t, const char *path, const struct transfer_to *to, int64_t *id,
                       const char **why);
// Sends bytes of at most TRANSFER_BYTES_MAX, which are kept sealed in the profile until they are there. Within a
// transaction. Where it will lie is known at once, but for the relay, if there is another one, and but for `expires`.
enum err transfer_put(struct transfers *t, struct span bytes, const struct transfer_to *to, int64_t *id,
                      struct transfer_ref *ref);
// Fetches a file of at most `max` bytes into the profile, sealed as it is. Within a transaction. ERR_LIMIT: it is
// larger. ERR_INVALID: its relay has no address.
enum err transfer_get(struct transfers *t, const struct transfer_ref *ref, uint64_t max, uint8_t use, int64_t owner,
                      int64_t *id);
// Sends what has come in pieces, by the number that transfer_draft_end gave. Within a transaction. *size: how many bytes
// it has. ERR_NOT_FOUND.
enum err transfer_send_draft(struct transfers *t, int64_t draft, const struct transfer_to *to, int64_t *id,
                             uint64_t *size);
// After the transaction: begins what was begun in it, ends what was dropped.
void transfer_settle(struct transfers *t);

// What is to be sent and comes in pieces, as from a browser: it is sealed as it comes, and there until it is sent or the
// transfers are closed. ERR_LIMIT: too large for any relay, or for the disk.
struct transfer_draft;
enum err transfer_draft_new(struct transfers *t, uint64_t size, struct transfer_draft **out);
// The next bytes. ERR_INVALID: more than was said; ERR_LIMIT: the disk is full; ERR_IO.
enum err transfer_draft_add(struct transfer_draft *d, struct span bytes);
// All has come. ERR_INVALID: it has not. Then the transfers have it, by a number; what nobody sends for some hours goes.
enum err transfer_draft_end(struct transfer_draft *d, int64_t *draft);
void transfer_draft_free(struct transfer_draft *d); // one that has not ended
enum err transfer_draft_drop(struct transfers *t, int64_t draft);

// ------------------------------------------------------------------------------------------------------ while it lasts

// ERR_NOT_FOUND. Spans and texts hold during the call.
enum err transfer_look(struct transfers *t, int64_t id, void (*each)(void *arg, const struct transfer_info *i),
                       void *arg);
// Each, oldest first.
enum err transfer_list(struct transfers *t, void (*each)(void *arg, const struct transfer_info *i), void *arg);
// ERR_NOT_FOUND; ERR_REFUSED if it is done. Its own transaction.
enum err transfer_pause(struct transfers *t, int64_t id);
// Also of one that failed. A file that has changed since is sent anew, as it is now, under a new key.
enum err transfer_resume(struct transfers *t, int64_t id);
// It is gone, with what came; a blob that is not whole is taken from the relay. Within a transaction. ERR_NOT_FOUND.
enum err transfer_drop(struct transfers *t, int64_t id);
// The same of what is sent, and the relay deletes it, though it is whole.
enum err transfer_unsend(struct transfers *t, int64_t id);
// Of bytes that have been sent, what lies in the profile goes; the rest stays. Within a transaction. ERR_NOT_FOUND.
enum err transfer_shed(struct transfers *t, int64_t id);

// ------------------------------------------------------------------------------------------------------- what has come

// What "has come" is a file that was fetched, whole, and bytes that are or were sent and still lie in the profile.

// Reads it, from any place. ERR_NOT_FOUND; ERR_REFUSED while it has not come. What was opened can be read to its end, whatever
// is dropped meanwhile; it is closed before the transfers are.
struct transfer_reader;
enum err transfer_reader_new(struct transfers *t, int64_t id, struct transfer_reader **out);
uint64_t transfer_reader_size(const struct transfer_reader *r);
// Appends bytes from `at` on, a chunk's worth at most and as many as the buffer takes; none at the end. ERR_CORRUPT: what
// lies in the profile is not what came; ERR_IO.
enum err transfer_reader_read(struct transfer_reader *r, uint64_t at, struct buf *out);
void transfer_reader_free(struct transfer_reader *r);
// All of it: to be wiped by the caller. Also ERR_LIMIT, beyond the buffer's maximum.
enum err transfer_bytes(struct transfers *t, int64_t id, struct buf *out);
// Decrypts a file that has come to a path; `told` hears of progress and of the end (TRANSFER_SAVE), since that takes a
// while. It is written under another name in the same folder, and has its own when it is whole. In a folder it is
// called `name`, or "name (2)" if there is such a file. ERR_REFUSED: there is a file, and `over` does not say to put
// this one in its place, or there is no such folder: `why` says it. ERR_NOT_FOUND: it has not come.
enum err transfer_save(struct transfers *t, int64_t id, const char *path, const char *name, bool over,
                       const char **why);
// How many bytes of the disk all files in the profile take.
uint64_t transfer_stored(const struct transfers *t);
// How many are free on that disk; 0 if that is not known.
uint64_t transfer_free(const struct transfers *t);

#endif
