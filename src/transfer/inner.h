// SPDX-License-Identifier: Apache-2.0
//
// transfer/inner: what the files of this room share. A transfer that goes on is a haul in memory; what it needs to go
// on after a crash is in its row. Invariant: each haul is in the list until its last request has come home and its last
// post has been made.
#ifndef WHIMBREL_TRANSFER_INNER_H
#define WHIMBREL_TRANSFER_INNER_H

#include "transfer/name.h"
#include "transfer/transfer.h"

enum {
    WINDOW_CHUNKS = 32,                   // of sealed chunks, read and sealed together
    WINDOW = WINDOW_CHUNKS * FILE_SEALED, // bytes
    MARK = 32,                            // bytes of what a window's sealing is known by
    FLIGHTS = 32,                         // requests of one haul under way, at most
    RUNNING_MAX = 4,                      // hauls that may send at a time
    FILE_NAME = 33,                       // of a file in the profile's folder, with its NUL
    FILE_PATH = TRANSFER_PATH_MAX + 1 + FILE_NAME,
    WHY = 300,
};

struct haul;

// A request under way.
struct flight {
    struct haul *haul; // NULL: free
    uint64_t sent;     // when
    uint64_t at;       // of a read: where it begins
    uint32_t n;        // and how much was asked for
};

// A call that the loop makes soon. It outlives whom it is for: nothing takes a post back.
struct kick {
    struct net_post post;
    void (*fn)(void *whom);
    void *whom; // NULL: gone
    bool posted;
};

struct ops {
    void (*step)(struct haul *j);   // does what can be done now, a slice of it
    void (*broken)(struct haul *j); // nothing is under way, and what was may not have arrived: it begins with a look
    void (*close)(struct haul *j);  // frees what is its own; NULL: nothing
};

// What the row says.
struct row {
    int64_t id, owner;
    enum transfer_kind kind;
    enum transfer_state state;
    uint8_t use;
    char relay[LINK_ADDRESS_TEXT], other[LINK_ADDRESS_TEXT];
    struct transfer_ref ref;                 /* secret */
    uint8_t blob_key[WIRE_KEY]; /* secret */ // of one that is sent
    char path[TRANSFER_PATH_MAX];            // of what is sent; empty: the file in the profile, which is sealed
    int64_t mtime;                           // nanoseconds, when it was begun
    char file[FILE_NAME];                    // in the profile's folder; empty: none
    uint64_t done;                           // sealed bytes, when somebody last looked
    char why[WHY];
};

struct haul {
    struct transfers *t;
    struct haul *next;
    const struct ops *ops;
    struct row row;
    struct kick *kick;
    struct net_timer pause; // the relay has asked to wait
    struct flight flight[FLIGHTS];
    uint32_t flights, allowed; // how many are under way, and how many may be: as many as are answered quickly
    uint64_t slow_until;
    bool running;   // it has memory, and a share of the link
    bool cut;       // the connection broke, and not all that was under way has come home
    bool ending;    // its end is to be stored
    bool over;      // it is not wanted any more
    uint64_t told;  // when
    uint64_t total; // sealed bytes
    uint64_t at,
        done; // at: what is asked for or sent next; done: the relay has it, or it has come, is right and is on the disk
    struct crypto_digest *digest;
    int fd;
    uint8_t *window; // WINDOW bytes
    union {
        struct {
            int stage;
            bool made, sealed, asked, holds;
            uint64_t held;     // which window is in memory, if it holds one
            uint64_t digested; // windows
            unsigned refusals; // by the relay, without progress between them
            bool rewinds;      // when all has come home, it goes on from here:
            uint64_t rewind;
        } up;
        struct {
            int stage;
            bool asked;
            uint32_t got[WINDOW_CHUNKS]; // bytes of the chunk in each place
            bool busy[WINDOW_CHUNKS];
        } down;
        struct {
            char part[TRANSFER_PATH_MAX];  // where it is written
            char name[NAME_MAX_BYTES + 1]; // in a folder; empty: the path is all of it
            bool over;
            int out;
        } save;
    };
};

// Bytes that are to be sent, as they come.
struct transfer_draft {
    struct transfers *t;
    struct transfer_draft *next;
    int64_t number; // 0: it is coming
    struct row row; /* secret */
    int fd;
    struct crypto_digest *digest;
    uint8_t *chunk; /* secret */
    size_t n;       // bytes of it
    uint64_t index; // which chunk it is
    uint64_t since;
    bool sent; // in the transaction that is open
};

struct transfers {
    struct transfer_host h;
    struct transfer_draft *drafts;
    int64_t drafted; // the last number
    char folder[TRANSFER_PATH_MAX];
    struct haul *hauls;
    struct kick *schedule; // looks for what may run
    struct gone *gone;     // blobs that are being deleted
    bool sweeps;           // the folder may hold what no row knows
    bool closing;
};

extern const struct ops up_ops, down_ops, save_ops;

// ------------------------------------------------------------------------------------------------------------- row.c

bool row_read(struct transfers *t, int64_t id, struct row *out);
// The row's state, and why; within a transaction.
void row_state(struct transfers *t, const struct row *r);
bool row_here(const struct row *r);
void row_info(const struct row *r, struct transfer_info *out);
enum err row_add(struct transfers *t, const struct row *r, int64_t *id);
// Numbers that nobody guesses, and a key of its own.
enum err row_draw(struct transfers *t, struct row *r);
bool row_relays(struct row *r, const char *relay, const char *other);
// How many bytes of the file this many sealed bytes are.
uint64_t row_plain(const struct row *r, uint64_t sealed);
void row_path(const struct transfers *t, const char *file, char out[FILE_PATH]);
// A name for a new file in the profile's folder; and the file, made if it is not there. It is durable after row_sync.
enum err row_name(struct transfers *t, char name[FILE_NAME]);
enum err row_open(struct transfers *t, const char *name, int *fd);
enum err row_sync(struct transfers *t, int fd);
// These bytes begin to go to the disk, so that row_sync has little left to wait for.
void row_flush(int fd, uint64_t at, uint64_t n);
bool row_known(struct transfers *t, const char *file);
// Files that no row knows.
void row_sweep(struct transfers *t);
// What is open is what the row was made of.
bool row_same(const struct row *r, int fd);

// ----------------------------------------------------------------------------------------------------------- pieces.c

// The last chunk is sealed, and all of it is on the disk. ERR_INVALID: something is missing.
enum err pieces_close(struct transfer_draft *d);
// Within a transaction: it becomes a row.
enum err pieces_send(struct transfer_draft *d, const struct transfer_to *to, int64_t *id);
void pieces_free(struct transfer_draft *d, bool with_file);
// After transactions: what was sent is a row's, if the transaction came about; what nobody has sent for long goes.
void pieces_settle(struct transfers *t);
bool pieces_has(const struct transfers *t, const char *file);

// ------------------------------------------------------------------------------------------------------------- read.c

// The reader's file, and what its row says; it goes with the reader.
const struct row *reader_row(const struct transfer_reader *r);
int reader_take_fd(struct transfer_reader *r);
// One chunk, sealed and opened; `at` is where it begins in the file that is sealed. ERR_CORRUPT, ERR_IO.
enum err read_chunk(struct transfers *t, const struct row *r, int fd, uint64_t at, uint8_t *sealed, uint8_t *out,
                    size_t *n);

// ------------------------------------------------------------------------------------------------------------- haul.c

struct haul *haul_new(struct transfers *t, const struct row *r);
struct haul *haul_find(struct transfers *t, int64_t id, bool save);
void haul_end(struct haul *j);  // wanted no more: it goes when what is under way has come home
void haul_free(struct haul *j); // at once: nothing is under way
// The step is made soon, from the loop.
void haul_kick(struct haul *j);
// Nothing before so many milliseconds have passed.
void haul_wait(struct haul *j, uint64_t ms);
// It has failed, in words; or it is done. Durable, and told. The caller does no more with it.
void haul_fail(struct haul *j, const char *why);
void haul_done(struct haul *j);
// In words, what an error of this machine means for it.
void haul_fail_as(struct haul *j, enum err e);
void haul_progress(struct haul *j, uint64_t done);
// The link; NULL if it is gone, and the haul waits until there is one.
struct link *haul_link(struct haul *j);
// Sends a request, unless as many are under way as may be: then false. The answer's argument is its flight.
bool haul_ask(struct haul *j, const struct wire_request *r, const struct flight *what, link_answer *answer);
// The front of each answer: takes the flight home. NULL if nobody waits for it any more.
struct haul *haul_home(void *arg, const struct wire_reply *r, struct flight *f);
// What all refusals by relays have in common: it waits, or fails.
void haul_refused(struct haul *j, const struct wire_reply *r);
void haul_schedule(struct transfers *t);
struct kick *kick_new(void (*fn)(void *whom), void *whom);
void kick_soon(struct kick *k, struct net_loop *loop);
void kick_free(struct kick *k);

// Reads all of n bytes: ERR_NOT_FOUND if there are fewer.
enum err row_bytes(int fd, uint8_t *out, size_t n, uint64_t at);
// ERR_LIMIT: the disk is full.
enum err row_put_bytes(int fd, struct span s, uint64_t at);
const struct crypto_suite *haul_suite(void);

#endif
