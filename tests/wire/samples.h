// SPDX-License-Identifier: Apache-2.0
//
// tests/wire/samples: one message of every type of the relay's protocol, and of each form that a type has; the same bytes
// whenever they are made. They are the committed vectors (tests/wire/data), what damage is done to in tests, and the fuzzer's
// seeds. They are written with the room's encoders, and so prove nothing about those alone: the vectors do, once committed.
#ifndef WHIMBREL_TESTS_WIRE_SAMPLES_H
#define WHIMBREL_TESTS_WIRE_SAMPLES_H

#include "wire/wire.h"

// What is told of each message, which lasts until the call returns.
typedef void samples_fn(void *arg, const char *name, struct span message);

// 64 bytes, each part of which is told from every other by its first one: S(0x10) is 10 11 12 ...
static inline const uint8_t *samples_bytes(uint8_t first)
{
    static uint8_t bytes[256 + 64];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)i;
    return bytes + first;
}

#define SAMPLES_LOG samples_bytes(0x10)
#define SAMPLES_KEY samples_bytes(0x40)
#define SAMPLES_HASH samples_bytes(0x70)
#define SAMPLES_DEVICE samples_bytes(0xa0)
#define SAMPLES_BLOB samples_bytes(0xc0)

static inline struct wire_grant samples_grant(uint8_t first, uint8_t rights, uint64_t from, uint64_t to)
{
    struct wire_grant g = {.rights = rights, .from_seq = from, .to_seq = to};
    memcpy(g.hash, samples_bytes(first), WIRE_HASH);
    return g;
}

// Hands over a request, and frees the list that it was made with.
static inline void samples_request(samples_fn *fn, void *arg, const char *name, struct wire_request q, struct buf *list)
{
    struct buf out;
    buf_init(&out, WIRE_FRAME_MAX);
    if (q.type != WIRE_CREDIT) q.id = 0x01020300u + (uint32_t)q.type;
    wire_write_request(&out, &q);
    fn(arg, name, buf_end(&out) == ERR_OK ? buf_span(&out) : span_of(NULL, 0));
    buf_wipe(&out);
    if (list != NULL) buf_wipe(list);
}

static inline void samples_reply(samples_fn *fn, void *arg, const char *name, struct wire_reply r, struct buf *list)
{
    struct buf out;
    buf_init(&out, WIRE_FRAME_MAX);
    if (r.type < WIRE_P_ENTRIES) r.id = 0x01020300u + (uint32_t)r.type;
    wire_write_reply(&out, &r);
    fn(arg, name, buf_end(&out) == ERR_OK ? buf_span(&out) : span_of(NULL, 0));
    buf_wipe(&out);
    if (list != NULL) buf_wipe(list);
}

static inline void samples_plain_requests(samples_fn *fn, void *arg)
{
    static const uint8_t versions[] = {0, 1, 0, 2};
    const uint8_t *log = SAMPLES_LOG, *key = SAMPLES_KEY;
    const struct wire_request plain[] = {
        {.type = WIRE_HELLO, .versions = span_of(versions, 4), .credit = 0x7fffffff},
        {.type = WIRE_HOST, .password = span_str("correct horse")},
        {.type = WIRE_CREDIT, .credit = 65536},
        {.type = WIRE_WAYS},
        {.type = WIRE_LOG_APPEND, .log = log, .key = key, .epoch = 7, .payload = span_str("sealed")},
        {.type = WIRE_LOG_ADVANCE, .log = log, .key = key, .epoch = 7, .payload = span_str("commit")},
        {.type = WIRE_LOG_ADVANCE,
         .log = log,
         .key = key,
         .epoch = 8,
         .payload = span_of(samples_bytes(0), 64),
         .new_hash = SAMPLES_HASH,
         .new_from = 9},
        {.type = WIRE_LOG_READ, .log = log, .key = key, .after = 0x0102030405060708, .limit = 100},
        {.type = WIRE_LOG_STAT, .log = log, .key = key},
        {.type = WIRE_LOG_DELETE, .log = log, .key = key},
        {.type = WIRE_UNFOLLOW, .tag = 0xfffefdfc},
        {.type = WIRE_SIGNAL, .log = log, .key = key, .payload = span_str("typing")},
        {.type = WIRE_GRANT_SET, .log = log, .key = key, .grant = samples_grant(0x70, WIRE_READ, 5, WIRE_NO_END)},
        {.type = WIRE_GRANT_REMOVE, .log = log, .key = key, .grant = samples_grant(0x70, 0, 0, 0)},
        {.type = WIRE_PACKAGE_TAKE, .log = log, .key = key},
        {.type = WIRE_PACKAGE_STAT, .log = log, .key = key},
        {.type = WIRE_PACKAGE_CLEAR, .log = log, .key = key, .device = SAMPLES_DEVICE},
        {.type = WIRE_BLOB_CREATE, .blob = SAMPLES_BLOB, .key = key, .size = 104857600, .retention = 86400},
        {.type = WIRE_BLOB_APPEND, .blob = SAMPLES_BLOB, .key = key, .offset = 65536, .payload = span_str("chunk")},
        {.type = WIRE_BLOB_SEAL, .blob = SAMPLES_BLOB, .key = key, .size = 65541},
        {.type = WIRE_BLOB_READ, .blob = SAMPLES_BLOB, .offset = 65536, .limit = 4096},
        {.type = WIRE_BLOB_STAT, .blob = SAMPLES_BLOB},
        {.type = WIRE_BLOB_DELETE, .blob = SAMPLES_BLOB, .key = key},
    };
    static const char *const names[] = {"hello",
                                        "host",
                                        "credit",
                                        "ways",
                                        "log_append",
                                        "log_advance",
                                        "log_advance_replacing",
                                        "log_read",
                                        "log_stat",
                                        "log_delete",
                                        "unfollow",
                                        "signal",
                                        "grant_set",
                                        "grant_remove",
                                        "package_take",
                                        "package_stat",
                                        "package_clear",
                                        "blob_create",
                                        "blob_append",
                                        "blob_seal",
                                        "blob_read",
                                        "blob_stat",
                                        "blob_delete"};
    _Static_assert(sizeof plain / sizeof *plain == sizeof names / sizeof *names, "each has a name");
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) samples_request(fn, arg, names[i], plain[i], NULL);
}

static inline void samples_list_requests(samples_fn *fn, void *arg)
{
    const uint8_t *log = SAMPLES_LOG, *key = SAMPLES_KEY;
    struct buf list;
    buf_init(&list, WIRE_FRAME_MAX);
    const struct wire_grant grants[] = {
        samples_grant(0x70, WIRE_READ | WIRE_APPEND | WIRE_ADVANCE, 0, WIRE_NO_END), samples_grant(0x71, WIRE_APPEND, 0, 0)};
    for (size_t i = 0; i < 2; i++) wire_put_grant(&list, &grants[i]);
    samples_request(fn, arg, "log_create",
                    (struct wire_request){.type = WIRE_LOG_CREATE, .log = log, .retention = 3600, .grants = buf_span(&list)},
                    &list);
    const struct wire_follow follows[] = {{.tag = 2, .log = log, .key = key, .after = 41},
                                          {.tag = 1, .log = SAMPLES_BLOB, .key = key, .after = 0}};
    for (size_t i = 0; i < 2; i++) wire_put_follow(&list, &follows[i]);
    samples_request(fn, arg, "follow", (struct wire_request){.type = WIRE_FOLLOW, .follows = buf_span(&list)}, &list);
    wire_put_package(&list, span_str("first"));
    wire_put_package(&list, span_of(samples_bytes(0), 100));
    struct wire_request put = {.type = WIRE_PACKAGE_PUT, .log = log, .key = key, .device = SAMPLES_DEVICE};
    put.packages = buf_span(&list);
    put.last_resort = span_str("last");
    samples_request(fn, arg, "package_put", put, &list);
}

static inline void samples_plain_replies(samples_fn *fn, void *arg)
{
    const struct wire_limits limits = {.frame = 131072, .entry = 65536, .signal = 1024, .chunk = 65536, .in_flight = 64,
                                       .follows = 4096, .blob = 104857600, .retention = 2592000,
                                       .hosting = WIRE_HOSTING_PASSWORD};
    const struct wire_reply plain[] = {
        {.type = WIRE_R_OK},
        {.type = WIRE_R_HELLO, .version = 1, .limits = limits, .time = 1800000000123},
        {.type = WIRE_R_APPENDED, .seq = 42, .epoch = 7, .time = 1800000000123},
        {.type = WIRE_R_ENTRIES, .oldest = 43, .head = 42, .epoch = 7},
        {.type = WIRE_R_STAT, .oldest = 40, .head = 42, .epoch = 7},
        {.type = WIRE_R_BLOB, .size = 65541, .sealed = true, .expires = 1800086400},
        {.type = WIRE_R_CHUNK, .data = span_str("chunk")},
        {.type = WIRE_R_PUBLISHED, .data = span_str("published")},
        {.type = WIRE_R_ERROR, .code = WIRE_E_STALE, .detail = 8, .text = span_str("the log is in another epoch")},
        {.type = WIRE_P_SIGNAL, .tag = 2, .data = span_str("typing")},
        {.type = WIRE_P_ENDED, .tag = 2, .code = WIRE_E_ENDED},
    };
    static const char *const names[] = {"ok",    "hello_reply", "appended", "entries_none", "stat",      "blob",
                                        "chunk", "published",   "error",    "push_signal",  "push_ended"};
    _Static_assert(sizeof plain / sizeof *plain == sizeof names / sizeof *names, "each has a name");
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) samples_reply(fn, arg, names[i], plain[i], NULL);
}

static inline void samples_entries(samples_fn *fn, void *arg)
{
    struct buf list;
    buf_init(&list, WIRE_FRAME_MAX);
    const struct wire_entry entries[] = {
        {.seq = 41, .time = 1800000000000, .epoch = 6, .payload = span_str("commit")},
        {.seq = 42, .time = 1800000000123, .epoch = 7, .payload = span_of(samples_bytes(0), 64)}};
    for (size_t i = 0; i < 2; i++) wire_put_entry(&list, &entries[i]);
    struct wire_reply r = {.type = WIRE_R_ENTRIES, .oldest = 40, .head = 42, .epoch = 7, .entries = buf_span(&list)};
    samples_reply(fn, arg, "entries", r, NULL);
    r = (struct wire_reply){.type = WIRE_P_ENTRIES, .tag = 2, .entries = buf_span(&list)};
    samples_reply(fn, arg, "push_entries", r, &list);
}

static inline void samples_list_replies(samples_fn *fn, void *arg)
{
    struct buf list;
    buf_init(&list, WIRE_FRAME_MAX);
    wire_put_followed(&list, &(struct wire_followed){.tag = 2, .oldest = 40, .head = 42, .epoch = 7});
    wire_put_followed(&list, &(struct wire_followed){.tag = 1, .code = WIRE_E_DENIED});
    samples_reply(fn, arg, "followed", (struct wire_reply){.type = WIRE_R_FOLLOWED, .followed = buf_span(&list)}, &list);
    wire_put_pool(&list, &(struct wire_pool){.device = SAMPLES_DEVICE, .packages = 99, .last_resort = true});
    wire_put_pool(&list, &(struct wire_pool){.device = SAMPLES_KEY, .packages = 0x0102, .last_resort = false});
    samples_reply(fn, arg, "pool", (struct wire_reply){.type = WIRE_R_POOL, .pool = buf_span(&list)}, &list);
    wire_put_taken(&list, &(struct wire_package){.device = SAMPLES_DEVICE, .package = span_str("first")});
    wire_put_taken(&list,
                   &(struct wire_package){.device = SAMPLES_KEY, .last_resort = true, .package = span_str("last")});
    samples_reply(fn, arg, "packages", (struct wire_reply){.type = WIRE_R_PACKAGES, .packages = buf_span(&list)}, &list);
}

// All of them, in the order of the committed file.
static inline void samples_all(samples_fn *fn, void *arg)
{
    samples_plain_requests(fn, arg);
    samples_list_requests(fn, arg);
    samples_plain_replies(fn, arg);
    samples_entries(fn, arg);
    samples_list_replies(fn, arg);
}

#endif
