// SPDX-License-Identifier: Apache-2.0
//
// The stand: see stand.h. Its folders lie in /dev/shm where there is one, so that tests do not wait for a disk.
#include "store/test/stand.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

const struct way stand_ways[WAYS] = {
    {"memory", &store_memory, 1 << 20},
    {"sqlite", &store_sqlite, 1 << 20},
    {"sqlite, nothing at hand", &store_sqlite, 0}, // every row is forgotten as soon as it may be
};

// ------------------------------------------------------------------------------------------------------------- folders

void stand_folder(char out[64])
{
    bool memory = access("/dev/shm", W_OK) == 0;
    (void)snprintf(out, 64, "%s/whimbrel-store-XXXXXX", memory ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(out));
}

void stand_folder_remove(const char *folder)
{
    DIR *d = opendir(folder);
    if (d == NULL) return;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char path[600];
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (unlink(path) != 0) stand_folder_remove(path);
    }
    (void)closedir(d);
    (void)rmdir(folder);
}

// -------------------------------------------------------------------------------------------------------- life and death

static void watch(void *arg, const struct store_event *events, size_t n)
{
    struct stand *t = arg;
    for (size_t i = 0; i < n; i++) {
        assert_true(t->seen_n < SEEN_MAX);
        struct seen *x = &t->seen[t->seen_n++];
        const struct store_event *e = &events[i];
        *x = (struct seen){.kind = e->kind,
                           .log = e->log[0],
                           .seq = e->seq,
                           .time = e->time,
                           .epoch = e->epoch,
                           .origin = e->origin,
                           .n = e->payload.n};
        if (e->payload.n > 0) memcpy(x->text, e->payload.p, x->n < TEXT_MAX ? x->n : TEXT_MAX - 1);
    }
}

void stand_init(struct stand *t, const struct way *way)
{
    *t = (struct stand){.e = way->engine, .now = 1000000000, .host = {.id = 0}};
    t->settings = (struct store_settings){.log_max = 1 << 20,
                                          .retention = 1000,
                                          .blob_retention = 500,
                                          .blob_max = 1 << 20,
                                          .cache = way->cache,
                                          .watch = watch,
                                          .watch_arg = t};
    stand_folder(t->folder);
}

void stand_start(struct stand *t)
{
    assert_ok(t->e->open(t->folder, &t->settings, &t->s));
    assert_ok(t->e->reader_new(t->s, &t->r));
}

static void stop(struct stand *t)
{
    if (t->r != NULL) t->e->reader_free(t->r);
    if (t->s != NULL) t->e->close(t->s);
    t->r = NULL;
    t->s = NULL;
}

void stand_close(struct stand *t)
{
    if (t->in_batch) stand_rollback(t);
    stop(t);
    stand_folder_remove(t->folder);
}

bool stand_reopen(struct stand *t)
{
    if (t->e == &store_memory) return false;
    stop(t);
    stand_start(t);
    return true;
}

static int set_up(void **state)
{
    struct stand *t = malloc(sizeof *t);
    if (t == NULL) return -1;
    stand_init(t, *state);
    stand_start(t);
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    stand_close(*state);
    free(*state);
    return 0;
}

int stand_run(const char *group, const struct stand_test *tests, size_t n)
{
    enum { MOST = 300, NAME = 120 };
    static struct CMUnitTest all[MOST];
    static char names[MOST][NAME];
    size_t k = 0;
    for (size_t w = 0; w < WAYS; w++) {
        for (size_t i = 0; i < n && k < MOST; i++, k++) {
            (void)snprintf(names[k], NAME, "%s: %s", stand_ways[w].name, tests[i].name);
            all[k] = (struct CMUnitTest){names[k], tests[i].run, set_up, tear_down, (void *)(uintptr_t)&stand_ways[w]};
        }
    }
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return _cmocka_run_group_tests(group, all, k, NULL, NULL);
}

// -------------------------------------------------------------------------------------------------------------- batches

void stand_begin(struct stand *t)
{
    assert_ok(t->e->begin(t->s));
    t->in_batch = true;
}

void stand_commit(struct stand *t)
{
    t->in_batch = false;
    assert_ok(t->e->commit(t->s));
}

void stand_rollback(struct stand *t)
{
    t->in_batch = false;
    t->e->rollback(t->s);
}

static bool own_batch(struct stand *t)
{
    if (t->in_batch) return false;
    stand_begin(t);
    return true;
}

static enum wire_code end(struct stand *t, bool own, enum err e, enum wire_code code)
{
    assert_ok(e);
    if (own) stand_commit(t);
    return code;
}

// ---------------------------------------------------------------------------------------------------------------- logs

struct words {
    uint8_t log[WIRE_ID], hash[WIRE_HASH];
    struct store_access a;
};

static const struct store_access *words(struct words *w, uint8_t log, uint8_t key)
{
    memset(w->log, log, sizeof w->log);
    memset(w->hash, key, sizeof w->hash);
    w->a = (struct store_access){.log = w->log, .hash = w->hash};
    return &w->a;
}

struct wire_grant stand_grant(uint8_t key, uint8_t rights, uint64_t from, uint64_t to)
{
    struct wire_grant g = {.rights = rights, .from_seq = from, .to_seq = to};
    memset(g.hash, key, sizeof g.hash);
    return g;
}

enum wire_code stand_create_with(struct stand *t, uint8_t log, uint32_t retention, const struct wire_grant *g, size_t n)
{
    struct buf list;
    struct words w;
    enum wire_code code = WIRE_CODES;
    bool own = own_batch(t);
    buf_init(&list, 4096);
    for (size_t i = 0; i < n; i++) wire_put_grant(&list, &g[i]);
    (void)words(&w, log, 0);
    enum err e = t->e->log_create(t->s, w.log, retention, buf_span(&list), &t->host, t->now, &code);
    buf_wipe(&list);
    return end(t, own, e, code);
}

enum wire_code stand_create(struct stand *t, uint8_t log, uint8_t key)
{
    struct wire_grant g = stand_grant(key, WIRE_RIGHTS, 0, WIRE_NO_END);
    return stand_create_with(t, log, 0, &g, 1);
}

static enum wire_code append(struct stand *t, uint8_t log, uint8_t key, struct store_append a, uint8_t fresh)
{
    struct words w, next;
    enum wire_code code = WIRE_CODES;
    bool own = own_batch(t);
    a.access = *words(&w, log, key);
    a.now = t->now;
    (void)words(&next, 0, fresh);
    if (fresh != 0) a.new_hash = next.hash;
    enum err e = t->e->log_append(t->s, &a, &t->appended, &code);
    return end(t, own, e, code);
}

enum wire_code stand_append(struct stand *t, uint8_t log, uint8_t key, uint64_t epoch, const char *text)
{
    return append(t, log, key, (struct store_append){.epoch = epoch, .payload = span_str(text)}, 0);
}

enum wire_code stand_append_n(struct stand *t, uint8_t log, uint8_t key, uint64_t epoch, char fill, size_t n)
{
    static uint8_t bytes[256][WIRE_ENTRY_MAX]; // a payload lives until its batch ends
    memset(bytes[(uint8_t)fill], fill, n);
    return append(t, log, key, (struct store_append){.epoch = epoch, .payload = span_of(bytes[(uint8_t)fill], n)}, 0);
}

enum wire_code stand_advance(struct stand *t, uint8_t log, uint8_t key, uint64_t epoch, const char *text, uint8_t fresh,
                             uint64_t from)
{
    struct store_append a = {.epoch = epoch, .payload = span_str(text), .advance = true, .new_from = from};
    return append(t, log, key, a, fresh);
}

enum wire_code stand_delete(struct stand *t, uint8_t log, uint8_t key)
{
    struct words w;
    enum wire_code code = WIRE_CODES;
    bool own = own_batch(t);
    enum err e = t->e->log_delete(t->s, words(&w, log, key), &code);
    return end(t, own, e, code);
}

enum wire_code stand_grant_set(struct stand *t, uint8_t log, uint8_t key, struct wire_grant g)
{
    struct words w;
    enum wire_code code = WIRE_CODES;
    bool own = own_batch(t);
    enum err e = t->e->grant_set(t->s, words(&w, log, key), &g, &code);
    return end(t, own, e, code);
}

enum wire_code stand_grant_remove(struct stand *t, uint8_t log, uint8_t key, uint8_t which)
{
    struct words w, other;
    enum wire_code code = WIRE_CODES;
    bool own = own_batch(t);
    (void)words(&other, 0, which);
    enum err e = t->e->grant_remove(t->s, words(&w, log, key), other.hash, &code);
    return end(t, own, e, code);
}

enum wire_code stand_view(struct stand *t, uint8_t log, uint8_t key)
{
    struct words w;
    enum wire_code code = WIRE_CODES;
    assert_ok(t->e->view(t->r, words(&w, log, key), &t->view, &code));
    return code;
}

enum wire_code stand_read(struct stand *t, uint8_t log, uint8_t key, uint64_t after, uint32_t limit, size_t max)
{
    struct words w;
    struct buf out;
    struct wire_entry x;
    enum wire_code code = WIRE_CODES;
    buf_init(&out, max);
    assert_ok(t->e->read(t->r, words(&w, log, key), after, limit, &out, &t->view, &code));
    struct span list = buf_span(&out);
    for (t->got_n = 0; wire_next_entry(&list, &x); t->got_n++) {
        assert_true(t->got_n < GOT_MAX);
        struct got *g = &t->got[t->got_n];
        *g = (struct got){.seq = x.seq, .time = x.time, .epoch = x.epoch, .n = x.payload.n};
        if (x.payload.n > 0) memcpy(g->text, x.payload.p, x.payload.n < TEXT_MAX ? x.payload.n : TEXT_MAX - 1);
    }
    assert_int_equal(list.n, 0);
    buf_wipe(&out);
    return code;
}

void stand_expect(struct stand *t, uint8_t log, uint8_t key, const char *texts)
{
    char all[GOT_MAX] = "";
    assert_int_equal(stand_read(t, log, key, 0, 0, 1 << 20), WIRE_OK);
    for (size_t i = 0, n = 0; i < t->got_n; i++) {
        n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", i > 0 ? "," : "", t->got[i].text);
        assert_true(n < sizeof all);
        if (i > 0) assert_int_equal(t->got[i].seq, t->got[i - 1].seq + 1);
    }
    assert_string_equal(all, texts);
}

void stand_expire(struct stand *t)
{
    bool more = true;
    for (size_t i = 0; more; i++) {
        assert_ok(t->e->expire(t->s, t->now, &more));
        assert_true(i < 10000);
    }
}

// -------------------------------------------------------------------------------------------------------- key packages

enum wire_code stand_put(struct stand *t, uint8_t log, uint8_t key, uint8_t device, const char *last,
                         const char *packages)
{
    struct words w;
    struct buf list;
    static uint8_t name[WIRE_DEVICE];
    enum wire_code code = WIRE_CODES;
    bool own = own_batch(t);
    memset(name, device, sizeof name);
    buf_init(&list, 1 << 20);
    for (const char *at = packages, *to; *at != 0; at = *to == 0 ? to : to + 1) {
        to = strchr(at, ',');
        if (to == NULL) to = at + strlen(at);
        wire_put_package(&list, span_of(at, (size_t)(to - at)));
    }
    struct span resort = last == NULL ? span_of(NULL, 0) : span_str(last);
    enum err e = t->e->package_put(t->s, words(&w, log, key), name, resort, buf_span(&list), &t->pool, &code);
    buf_wipe(&list);
    return end(t, own, e, code);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

// Which device comes first is the engine's affair.
static void join(char (*line)[80], size_t lines, char *out, size_t n)
{
    char *sorted[WIRE_DEVICES_MAX];
    size_t at = 0;
    for (size_t i = 0; i < lines; i++) sorted[i] = line[i];
    if (lines > 0) qsort(sorted, lines, sizeof *sorted, by_name);
    *out = 0;
    for (size_t i = 0; i < lines; i++) at += (size_t)snprintf(out + at, n - at, "%s%s", i > 0 ? " " : "", sorted[i]);
    assert_true(at < n);
}

enum wire_code stand_take(struct stand *t, uint8_t log, uint8_t key, char *out, size_t n)
{
    struct words w;
    struct buf taken;
    struct wire_package p;
    char line[WIRE_DEVICES_MAX][80];
    size_t lines = 0;
    enum wire_code code = WIRE_CODES;
    bool own = own_batch(t);
    buf_init(&taken, WIRE_FRAME_MAX);
    enum err e = t->e->package_take(t->s, words(&w, log, key), &taken, &code);
    struct span list = buf_span(&taken);
    while (wire_next_taken(&list, &p)) {
        assert_true(lines < WIRE_DEVICES_MAX);
        (void)snprintf(line[lines++], sizeof *line, "%c=%.*s%s", p.device[0],
                       (int)(p.package.n < 40 ? p.package.n : 40), (const char *)p.package.p, p.last_resort ? "!" : "");
    }
    join(line, lines, out, n);
    buf_wipe(&taken);
    return end(t, own, e, code);
}

enum wire_code stand_clear(struct stand *t, uint8_t log, uint8_t key, uint8_t device)
{
    struct words w;
    uint8_t name[WIRE_DEVICE];
    enum wire_code code = WIRE_CODES;
    bool own = own_batch(t);
    memset(name, device, sizeof name);
    enum err e = t->e->package_clear(t->s, words(&w, log, key), name, &code);
    return end(t, own, e, code);
}

enum wire_code stand_pools(struct stand *t, uint8_t log, uint8_t key, char *out, size_t n)
{
    struct words w;
    struct buf pools;
    struct wire_pool p;
    char line[WIRE_DEVICES_MAX][80];
    size_t lines = 0;
    enum wire_code code = WIRE_CODES;
    buf_init(&pools, WIRE_FRAME_MAX);
    assert_ok(t->e->package_stat(t->r, words(&w, log, key), &pools, &code));
    struct span list = buf_span(&pools);
    while (wire_next_pool(&list, &p)) {
        assert_true(lines < WIRE_DEVICES_MAX);
        (void)snprintf(line[lines++], sizeof *line, "%c=%u%s", p.device[0], p.packages, p.last_resort ? "!" : "");
    }
    join(line, lines, out, n);
    buf_wipe(&pools);
    return code;
}

// --------------------------------------------------------------------------------------------------------------- blobs

enum wire_code stand_blob_create(struct stand *t, uint8_t name, uint8_t key, uint64_t size, uint32_t retention)
{
    struct words w;
    enum wire_code code = WIRE_CODES;
    (void)words(&w, name, key);
    assert_ok(t->e->blob_create(t->s, w.log, w.hash, size, retention, &t->host, t->now, &code));
    return code;
}

enum wire_code stand_blob_append(struct stand *t, uint8_t name, uint8_t key, uint64_t offset, char fill, size_t n)
{
    static uint8_t bytes[WIRE_CHUNK_MAX];
    struct words w;
    enum wire_code code = WIRE_CODES;
    (void)words(&w, name, key);
    memset(bytes, fill, n);
    assert_ok(t->e->blob_append(t->s, w.log, w.hash, offset, span_of(bytes, n), t->now, &t->blob, &code));
    return code;
}

enum wire_code stand_blob_seal(struct stand *t, uint8_t name, uint8_t key, uint64_t size)
{
    struct words w;
    enum wire_code code = WIRE_CODES;
    (void)words(&w, name, key);
    assert_ok(t->e->blob_seal(t->s, w.log, w.hash, size, t->now, &code));
    return code;
}

enum wire_code stand_blob_delete(struct stand *t, uint8_t name, uint8_t key)
{
    struct words w;
    enum wire_code code = WIRE_CODES;
    (void)words(&w, name, key);
    assert_ok(t->e->blob_delete(t->s, w.log, w.hash, &code));
    return code;
}

enum wire_code stand_blob_stat(struct stand *t, uint8_t name)
{
    struct words w;
    enum wire_code code = WIRE_CODES;
    (void)words(&w, name, 0);
    assert_ok(t->e->blob_stat(t->r, w.log, t->now, &t->blob, &code));
    return code;
}

enum wire_code stand_blob_read(struct stand *t, uint8_t name, uint64_t offset, uint32_t limit, struct buf *out)
{
    struct words w;
    enum wire_code code = WIRE_CODES;
    (void)words(&w, name, 0);
    buf_init(out, 1 << 20);
    assert_ok(t->e->blob_read(t->r, w.log, offset, limit, t->now, out, &code));
    return code;
}

void stand_blob_expire(struct stand *t)
{
    bool more = true;
    for (size_t i = 0; more; i++) {
        assert_ok(t->e->blob_expire(t->s, t->now, &more));
        assert_true(i < 10000);
    }
}
