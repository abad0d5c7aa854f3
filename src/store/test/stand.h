// SPDX-License-Identifier: Apache-2.0
//
// src/store/test/stand: what the store's tests share: an engine that stands in a folder of its own, with everything its watcher
// was told, and short words for each call. Logs, keys, devices and blobs are named by one byte: log 'A' has the id AAAA…, key 'k'
// the hash kkkk…. A call outside a batch makes one for itself. An engine's failure fails the test; codes are returned.
#ifndef WHIMBREL_STORE_TEST_STAND_H
#define WHIMBREL_STORE_TEST_STAND_H

#include "unit.h"

#include "store/store.h"

enum { SEEN_MAX = 16384, GOT_MAX = 4096, TEXT_MAX = 64 };

struct seen {
    enum store_event_kind kind;
    uint8_t log;
    uint64_t seq, time, epoch, origin;
    char text[TEXT_MAX]; // the beginning of the payload
    size_t n;
};

struct got {
    uint64_t seq, time, epoch;
    char text[TEXT_MAX];
    size_t n;
};

struct stand {
    const struct store_engine *e;
    struct store *s;
    struct store_reader *r;
    char folder[64];
    struct store_settings settings;
    struct store_host host; // of what is created
    uint64_t now;           // milliseconds
    bool in_batch;
    struct store_appended appended; // of the last append
    struct store_view view;         // of the last read or view
    struct store_blob blob;
    struct wire_pool pool;
    struct seen seen[SEEN_MAX];
    size_t seen_n;
    struct got got[GOT_MAX]; // by the last read
    size_t got_n;
};

// One of the ways in which the suite runs.
struct way {
    const char *name;
    const struct store_engine *engine;
    size_t cache;
};
extern const struct way stand_ways[];
enum { WAYS = 3 };
// Runs each test in each way, printing TAP. A test's state is its stand.
struct stand_test {
    const char *name;
    void (*run)(void **state);
};
int stand_run(const char *group, const struct stand_test *tests, size_t n);
#define STAND_TEST(f) \
    {                 \
#f, f         \
    }

// A folder that is gone when the test has ended; in memory where there is some.
void stand_folder(char out[64]);
void stand_folder_remove(const char *folder);
// A stand with the usual settings; they may be changed before stand_start.
void stand_init(struct stand *t, const struct way *way);
void stand_start(struct stand *t);
void stand_close(struct stand *t);
// Closes and opens; an engine whose data does not outlive it stays open. False then.
bool stand_reopen(struct stand *t);

void stand_begin(struct stand *t);
void stand_commit(struct stand *t);
void stand_rollback(struct stand *t);

struct wire_grant stand_grant(uint8_t key, uint8_t rights, uint64_t from, uint64_t to);
// With one grant of all rights, and the relay's retention.
enum wire_code stand_create(struct stand *t, uint8_t log, uint8_t key);
enum wire_code stand_create_with(struct stand *t, uint8_t log, uint32_t retention, const struct wire_grant *g,
                                 size_t n);
enum wire_code stand_append(struct stand *t, uint8_t log, uint8_t key, uint64_t epoch, const char *text);
// A payload of n bytes, each `fill`.
enum wire_code stand_append_n(struct stand *t, uint8_t log, uint8_t key, uint64_t epoch, char fill, size_t n);
// fresh: the key that takes the place of this one; 0 for none.
enum wire_code stand_advance(struct stand *t, uint8_t log, uint8_t key, uint64_t epoch, const char *text, uint8_t fresh,
                             uint64_t from);
enum wire_code stand_delete(struct stand *t, uint8_t log, uint8_t key);
enum wire_code stand_grant_set(struct stand *t, uint8_t log, uint8_t key, struct wire_grant g);
enum wire_code stand_grant_remove(struct stand *t, uint8_t log, uint8_t key, uint8_t which);
enum wire_code stand_view(struct stand *t, uint8_t log, uint8_t key);
// max: of the out buffer.
enum wire_code stand_read(struct stand *t, uint8_t log, uint8_t key, uint64_t after, uint32_t limit, size_t max);
// Reads all, and checks that the texts are these, comma by comma; "" for nothing.
void stand_expect(struct stand *t, uint8_t log, uint8_t key, const char *texts);
void stand_expire(struct stand *t);

// last: NULL for none; packages: comma by comma.
enum wire_code stand_put(struct stand *t, uint8_t log, uint8_t key, uint8_t device, const char *last,
                         const char *packages);
// What was handed out, by device: "d=text" or "d=text!" for a last resort, with spaces between; it is written to `out`.
enum wire_code stand_take(struct stand *t, uint8_t log, uint8_t key, char *out, size_t n);
enum wire_code stand_clear(struct stand *t, uint8_t log, uint8_t key, uint8_t device);
// The pools: "d=3" or "d=3!", likewise.
enum wire_code stand_pools(struct stand *t, uint8_t log, uint8_t key, char *out, size_t n);

enum wire_code stand_blob_create(struct stand *t, uint8_t name, uint8_t key, uint64_t size, uint32_t retention);
enum wire_code stand_blob_append(struct stand *t, uint8_t name, uint8_t key, uint64_t offset, char fill, size_t n);
enum wire_code stand_blob_seal(struct stand *t, uint8_t name, uint8_t key, uint64_t size);
enum wire_code stand_blob_delete(struct stand *t, uint8_t name, uint8_t key);
enum wire_code stand_blob_stat(struct stand *t, uint8_t name);
// *out is wiped by the caller.
enum wire_code stand_blob_read(struct stand *t, uint8_t name, uint64_t offset, uint32_t limit, struct buf *out);
void stand_blob_expire(struct stand *t);

#endif
