// SPDX-License-Identifier: Apache-2.0
//
// The duel: see duel.h. Sizes and limits are small, so that short histories meet them: logs of 600 bytes, hosts of two logs, three
// devices, blobs of 3,000 bytes.
#include "store/test/duel.h"

#include "store/store.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BOTH = 2, NAMES = 4, KEYS = 5, EVENTS = 4096, PAYLOADS = 1 << 16 };

struct side {
    const struct store_engine *e;
    struct store *s;
    struct store_reader *r;
    struct buf told; // events as bytes
};

struct duel {
    struct side side[BOTH];
    struct store_settings settings;
    const char *folder;
    struct span bytes;
    uint64_t now;
    size_t op;
    bool in_batch;
    uint64_t epoch[NAMES];     // as far as the last answer told
    uint8_t payload[PAYLOADS]; // of this batch
    size_t used;
    uint8_t blob_key[NAMES];
};

char duel_note[80];

// ------------------------------------------------------------------------------------------------------------ judging

static _Noreturn void differ(const struct duel *d, const char *what, uint64_t a, uint64_t b)
{
    fprintf(stderr, "%s: operation %zu: %s: %s says %llu, %s %llu\n", duel_note, d->op, what, d->side[0].e->name,
            (unsigned long long)a, d->side[1].e->name, (unsigned long long)b);
    abort();
}

static void same(const struct duel *d, const char *what, uint64_t a, uint64_t b)
{
    if (a != b) differ(d, what, a, b);
}

static void same_bytes(const struct duel *d, const char *what, struct span a, struct span b)
{
    same(d, what, a.n, b.n);
    for (size_t i = 0; i < a.n; i++) same(d, what, a.p[i], b.p[i]);
}

static void sound(const struct duel *d, const char *what, enum err e)
{
    if (e == ERR_OK) return;
    fprintf(stderr, "%s: operation %zu: %s: %s\n", duel_note, d->op, what, err_text(e));
    abort();
}

// ------------------------------------------------------------------------------------------------------------- the bytes

static uint8_t take(struct duel *d)
{
    if (d->bytes.n == 0) return 0;
    d->bytes.n--;
    return *d->bytes.p++;
}

static const uint8_t *id(uint8_t n)
{
    static uint8_t ids[256][32];
    memset(ids[n], n, sizeof ids[n]);
    return ids[n];
}

static uint8_t take_name(struct duel *d) { return take(d) % NAMES; }
static uint8_t take_key(struct duel *d)
{
    uint8_t b = take(d); // mostly the one that can do most
    return (uint8_t)('k' + (b < 128 ? 0 : b % KEYS));
}

// Small ones, so that ranges meet entries; now and then none.
static uint64_t take_seq(struct duel *d)
{
    uint8_t b = take(d);
    return b > 240 ? WIRE_NO_END : b % 24;
}

static struct span take_payload(struct duel *d)
{
    size_t n = take(d);
    if (n > 200) n = 200 + (n - 200) * 20;
    if (n == 0) n = 1;
    if (d->used + n > sizeof d->payload) n = 1;
    if (d->used + n > sizeof d->payload) d->used = 0;
    uint8_t *at = d->payload + d->used;
    for (size_t i = 0; i < n; i++) at[i] = (uint8_t)(d->op + i);
    d->used += n;
    return span_of(at, n);
}

static struct wire_grant take_grant(struct duel *d)
{
    uint8_t b = take(d);
    uint64_t a = take_seq(d), z = take_seq(d);
    struct wire_grant g = {
        .rights = b % 16 == 0 ? WIRE_READ : b % 16, .from_seq = a < z ? a : z, .to_seq = a < z ? z : a};
    if (b >= 64) g.from_seq = 0;
    if (b >= 128) g.to_seq = WIRE_NO_END;
    if ((g.rights & WIRE_ADVANCE) != 0) g.rights |= WIRE_APPEND;
    memcpy(g.hash, id(take_key(d)), WIRE_HASH);
    return g;
}

static struct store_host take_host(struct duel *d)
{
    static const struct store_host hosts[] = {{0, 0, 0}, {1, 2, 900}, {2, 3, 4000}, {3, 0, 300}};
    return hosts[take(d) % 4];
}

// ------------------------------------------------------------------------------------------------------------- batches

static void begin(struct duel *d)
{
    for (int i = 0; !d->in_batch && i < BOTH; i++) sound(d, "begin", d->side[i].e->begin(d->side[i].s));
    d->in_batch = true;
}

static void end(struct duel *d, bool keep)
{
    if (!d->in_batch) return;
    for (int i = 0; i < BOTH; i++) {
        struct side *s = &d->side[i];
        if (keep) sound(d, "commit", s->e->commit(s->s));
        else s->e->rollback(s->s);
        sound(d, "events", buf_end(&s->told));
    }
    same_bytes(d, "events", buf_span(&d->side[0].told), buf_span(&d->side[1].told));
    for (int i = 0; i < BOTH; i++) buf_wipe(&d->side[i].told);
    d->in_batch = false;
    d->used = 0;
}

static void watch(void *arg, const struct store_event *events, size_t n)
{
    struct side *s = arg;
    for (size_t i = 0; i < n; i++) {
        const struct store_event *e = &events[i];
        buf_put_u8(&s->told, (uint8_t)e->kind);
        buf_put(&s->told, span_of(e->log, 1));
        wire_put_entry(&s->told, &(struct wire_entry){e->seq, e->time, e->epoch, e->payload});
    }
}

// --------------------------------------------------------------------------------------------------------------- writes

static void create(struct duel *d)
{
    uint8_t log = take_name(d), b = take(d);
    struct store_host host = take_host(d);
    enum wire_code code[BOTH];
    struct buf list;
    buf_init(&list, 1000);
    struct wire_grant owner = {.rights = WIRE_RIGHTS, .to_seq = WIRE_NO_END};
    memcpy(owner.hash, id('k'), WIRE_HASH);
    wire_put_grant(&list, &owner);
    for (unsigned i = 0; i < b % 3; i++) {
        struct wire_grant g = take_grant(d);
        wire_put_grant(&list, &g);
    }
    begin(d);
    for (int i = 0; i < BOTH; i++) {
        const struct side *s = &d->side[i];
        uint32_t retention = b < 128 ? 0 : b % 8 * 30;
        sound(d, "create", s->e->log_create(s->s, id(log), retention, buf_span(&list), &host, d->now, &code[i]));
    }
    buf_wipe(&list);
    same(d, "create", code[0], code[1]);
}

static void append(struct duel *d, bool advance)
{
    uint8_t log = take_name(d), key = take_key(d), b = take(d), fresh = take_key(d);
    struct store_appended done[BOTH] = {0};
    enum wire_code code[BOTH];
    const struct store_append a = {
        .access = {.log = id(log), .hash = id(key)},
        .epoch = b < 240 ? d->epoch[log] : b % 4,
        .now = d->now,
        .payload = take_payload(d),
        .advance = advance,
        .new_hash = advance && b % 3 == 0 ? id(fresh) : NULL,
        .new_from = advance && b % 2 == 0 ? take_seq(d) : 0,
    };
    begin(d);
    for (int i = 0; i < BOTH; i++) {
        const struct side *s = &d->side[i];
        sound(d, "append", s->e->log_append(s->s, &a, &done[i], &code[i]));
    }
    same(d, "append", code[0], code[1]);
    if (code[0] == WIRE_OK || code[0] == WIRE_E_STALE) same(d, "the entry's epoch", done[0].epoch, done[1].epoch);
    if (code[0] == WIRE_E_STALE) d->epoch[log] = done[0].epoch;
    if (code[0] != WIRE_OK) return;
    same(d, "seq", done[0].seq, done[1].seq);
    same(d, "time", done[0].time, done[1].time);
    d->epoch[log] = done[0].epoch + advance;
}

static void change_log(struct duel *d, unsigned what)
{
    uint8_t log = take_name(d), key = take_key(d);
    const struct store_access a = {.log = id(log), .hash = id(key)};
    const struct wire_grant g = take_grant(d);
    enum wire_code code[BOTH];
    begin(d);
    for (int i = 0; i < BOTH; i++) {
        const struct side *s = &d->side[i];
        enum err e = what == 0   ? s->e->log_delete(s->s, &a, &code[i])
                     : what == 1 ? s->e->grant_set(s->s, &a, &g, &code[i])
                     : what == 2 ? s->e->grant_remove(s->s, &a, g.hash, &code[i])
                                 : s->e->package_clear(s->s, &a, id((uint8_t)(log % 3)), &code[i]);
        sound(d, "a change", e);
    }
    same(d, "a change", code[0], code[1]);
}

static void put(struct duel *d)
{
    uint8_t log = take_name(d), key = take_key(d), device = take(d), b = take(d);
    const struct store_access a = {.log = id(log), .hash = id(key)};
    struct span last = b % 4 == 0 ? take_payload(d) : span_of(NULL, 0);
    struct wire_pool pool[BOTH] = {0};
    enum wire_code code[BOTH];
    struct buf list;
    buf_init(&list, 1 << 20);
    for (unsigned i = 0; i < b % 40; i++) wire_put_package(&list, take_payload(d));
    begin(d);
    for (int i = 0; i < BOTH; i++) {
        const struct side *s = &d->side[i];
        sound(d, "put", s->e->package_put(s->s, &a, id(device % 3), last, buf_span(&list), &pool[i], &code[i]));
    }
    buf_wipe(&list);
    same(d, "put", code[0], code[1]);
    if (code[0] != WIRE_OK) return;
    same(d, "packages", pool[0].packages, pool[1].packages);
    same(d, "last resort", pool[0].last_resort, pool[1].last_resort);
}

// Which device comes first is the engine's affair.
static void by_device(struct span list, struct span out[3])
{
    struct wire_package p;
    for (unsigned i = 0; i < 3; i++) out[i] = span_of(NULL, 0);
    for (const uint8_t *at = list.p; wire_next_taken(&list, &p); at = list.p) {
        out[p.device[0] % 3] = span_of(at, (size_t)(list.p - at));
    }
}

static void take_packages(struct duel *d)
{
    uint8_t log = take_name(d), key = take_key(d);
    const struct store_access a = {.log = id(log), .hash = id(key)};
    enum wire_code code[BOTH];
    struct buf taken[BOTH];
    struct span list[BOTH][3];
    begin(d);
    for (int i = 0; i < BOTH; i++) {
        const struct side *s = &d->side[i];
        buf_init(&taken[i], WIRE_FRAME_MAX);
        sound(d, "take", s->e->package_take(s->s, &a, &taken[i], &code[i]));
        by_device(buf_span(&taken[i]), list[i]);
    }
    same(d, "take", code[0], code[1]);
    for (int k = 0; k < 3; k++) same_bytes(d, "what was taken", list[0][k], list[1][k]);
    for (int i = 0; i < BOTH; i++) buf_wipe(&taken[i]);
}

// ---------------------------------------------------------------------------------------------------------------- reads

static void compare_read(struct duel *d, uint8_t log, uint8_t key, uint64_t after, uint32_t limit, size_t max)
{
    const struct store_access a = {.log = id(log), .hash = id(key)};
    struct store_view v[BOTH] = {0}, w[BOTH] = {0};
    enum wire_code code[BOTH], view_code[BOTH];
    struct buf out[BOTH];
    for (int i = 0; i < BOTH; i++) {
        const struct side *s = &d->side[i];
        buf_init(&out[i], max);
        sound(d, "view", s->e->view(s->r, &a, &w[i], &view_code[i]));
        sound(d, "read", s->e->read(s->r, &a, after, limit, &out[i], &v[i], &code[i]));
    }
    same(d, "read", code[0], code[1]);
    same(d, "view", view_code[0], view_code[1]);
    same_bytes(d, "entries", buf_span(&out[0]), buf_span(&out[1]));
    for (int i = 0; i < BOTH; i++) buf_wipe(&out[i]);
    if (view_code[0] != WIRE_OK) return;
    same(d, "oldest", w[0].head.oldest, w[1].head.oldest);
    same(d, "head", w[0].head.head, w[1].head.head);
    same(d, "epoch", w[0].head.epoch, w[1].head.epoch);
    same(d, "rights", w[0].rights, w[1].rights);
    same(d, "from", w[0].from_seq, w[1].from_seq);
    same(d, "to", w[0].to_seq, w[1].to_seq);
    if (code[0] == WIRE_OK) same(d, "the read's head", v[0].head.head, w[0].head.head);
}

static void compare_pools(struct duel *d, uint8_t log)
{
    const struct store_access a = {.log = id(log), .hash = id('k')};
    enum wire_code code[BOTH];
    struct buf pool[BOTH];
    for (int i = 0; i < BOTH; i++) {
        const struct side *s = &d->side[i];
        buf_init(&pool[i], WIRE_FRAME_MAX);
        sound(d, "pools", s->e->package_stat(s->r, &a, &pool[i], &code[i]));
    }
    same(d, "pools", code[0], code[1]);
    same_bytes(d, "pools", buf_span(&pool[0]), buf_span(&pool[1]));
    for (int i = 0; i < BOTH; i++) buf_wipe(&pool[i]);
}

static void compare_blob(struct duel *d, uint8_t name, uint64_t offset, uint32_t limit)
{
    enum wire_code code[BOTH], read_code[BOTH];
    struct store_blob b[BOTH] = {0};
    struct buf out[BOTH];
    for (int i = 0; i < BOTH; i++) {
        const struct side *s = &d->side[i];
        buf_init(&out[i], 1 << 16);
        sound(d, "blob stat", s->e->blob_stat(s->r, id(name), d->now, &b[i], &code[i]));
        sound(d, "blob read", s->e->blob_read(s->r, id(name), offset, limit, d->now, &out[i], &read_code[i]));
    }
    same(d, "blob stat", code[0], code[1]);
    same(d, "blob read", read_code[0], read_code[1]);
    same(d, "blob size", b[0].size, b[1].size);
    same(d, "blob sealed", b[0].sealed, b[1].sealed);
    same(d, "blob expires", b[0].expires, b[1].expires);
    same_bytes(d, "blob", buf_span(&out[0]), buf_span(&out[1]));
    for (int i = 0; i < BOTH; i++) buf_wipe(&out[i]);
}

static void compare_all(struct duel *d)
{
    struct store_totals n[BOTH];
    end(d, true);
    for (uint8_t log = 0; log < NAMES; log++) {
        for (uint8_t key = 'k'; key < 'k' + KEYS; key++) compare_read(d, log, key, 0, 0, 1 << 20);
        compare_pools(d, log);
        compare_blob(d, log, 0, 1 << 16);
    }
    for (int i = 0; i < BOTH; i++) sound(d, "totals", d->side[i].e->totals(d->side[i].r, &n[i]));
    same(d, "logs", n[0].logs, n[1].logs);
    same(d, "blobs", n[0].blobs, n[1].blobs);
}

static void complain(void *arg, const char *text)
{
    fprintf(stderr, "%s: operation %zu: check: %s\n", duel_note, ((struct duel *)arg)->op, text);
    abort();
}

// ---------------------------------------------------------------------------------------------------------------- blobs

static void change_blob(struct duel *d, unsigned what)
{
    uint8_t name = take_name(d), b = take(d), key = b > 230 ? 'x' : 'w';
    struct store_host host = take_host(d);
    struct store_blob now[BOTH] = {0}, done[BOTH] = {0};
    enum wire_code code[BOTH] = {0}, ignored;
    end(d, true);
    sound(d, "blob stat", d->side[1].e->blob_stat(d->side[1].r, id(name), d->now, &now[1], &ignored));
    uint64_t at = now[1].size + (b % 16 == 15);
    struct span data = take_payload(d);
    for (int i = 0; i < BOTH; i++) {
        const struct side *s = &d->side[i];
        enum err e = what == 0
                         ? s->e->blob_create(s->s, id(name), id(key), b * 16, b % 4 * 100, &host, d->now, &code[i])
                     : what == 1 ? s->e->blob_append(s->s, id(name), id(key), at, data, d->now, &done[i], &code[i])
                     : what == 2 ? s->e->blob_seal(s->s, id(name), id(key), at, d->now, &code[i])
                                 : s->e->blob_delete(s->s, id(name), id(key), &code[i]);
        sound(d, "a change of a blob", e);
    }
    same(d, "a change of a blob", code[0], code[1]);
    same(d, "the blob's size", done[0].size, done[1].size);
    if (what == 0 && code[0] == WIRE_OK) d->blob_key[name] = key;
    d->used = 0;
}

// ---------------------------------------------------------------------------------------------------- time, stops, all

static void pass_time(struct duel *d, bool sweep)
{
    uint8_t b = take(d);
    end(d, true);
    if (b < 16) d->now -= d->now > 2000000 ? (uint64_t)b * 1000 : 0; // a clock that is put back
    else
        d->now += b < 128   ? (uint64_t)b * 100
                  : b < 250 ? (uint64_t)(b - 127) * 2000
                            : (uint64_t)(b - 249) * 6 * 3600 * 1000;
    for (int i = 0; sweep && i < BOTH; i++) {
        const struct side *s = &d->side[i];
        for (bool more = true; more;) sound(d, "expire", s->e->expire(s->s, d->now, &more));
        for (bool more = true; more;) sound(d, "expire", s->e->blob_expire(s->s, d->now, &more));
    }
}

static void open_side(struct duel *d, int i)
{
    struct store_settings settings = d->settings;
    settings.watch_arg = &d->side[i];
    sound(d, "open", d->side[i].e->open(d->folder, &settings, &d->side[i].s));
    sound(d, "reader", d->side[i].e->reader_new(d->side[i].s, &d->side[i].r));
}

static void close_side(struct duel *d, int i)
{
    d->side[i].e->reader_free(d->side[i].r);
    d->side[i].e->close(d->side[i].s);
}

// Of a blob that is not sealed the end may be lost at a stop: those go first.
static void reopen(struct duel *d)
{
    end(d, true);
    for (uint8_t name = 0; name < NAMES; name++) {
        struct store_blob b = {.sealed = true};
        enum wire_code code;
        sound(d, "blob stat", d->side[1].e->blob_stat(d->side[1].r, id(name), 0, &b, &code));
        for (int i = 0; !b.sealed && i < BOTH; i++) {
            sound(d, "blob delete", d->side[i].e->blob_delete(d->side[i].s, id(name), id(d->blob_key[name]), &code));
        }
    }
    close_side(d, 0);
    open_side(d, 0);
}

static void operation(struct duel *d)
{
    uint8_t b = take(d);
    uint8_t log, key;
    uint64_t after;
    switch (b % 32) {
    case 0:
    case 1: create(d); break;
    case 10:
    case 11: append(d, true); break;
    case 12:
    case 13:
    case 14: change_log(d, b % 32 - 11U); break;
    case 15: change_log(d, 0); break;
    case 16:
    case 17: put(d); break;
    case 18: take_packages(d); break;
    case 19:
    case 20:
    case 21: end(d, true); break;
    case 22: end(d, false); break;
    case 23: pass_time(d, true); break;
    case 24: pass_time(d, false); break;
    case 25:
        log = take_name(d);
        key = take_key(d);
        after = take_seq(d);
        end(d, true);
        compare_read(d, log, key, after, take(d) % 8, 30 + 28 + WIRE_ENTRY_MAX + (size_t)take(d) * 8);
        break;
    case 26: b < 64 ? reopen(d) : end(d, b < 128); break;
    case 27:
        if (b >= 200) compare_all(d);
        break;
    case 28:
    case 29:
    case 30:
    case 31: change_blob(d, b % 32 - 28U); break;
    default: append(d, false); break;
    }
    d->op++;
}

void duel_run(const char *folder, struct span bytes)
{
    struct duel *d = calloc(1, sizeof *d);
    if (d == NULL) abort();
    d->bytes = bytes;
    d->now = 1000000000;
    d->folder = folder;
    d->settings = (struct store_settings){.log_max = 600,
                                          .retention = 200,
                                          .blob_retention = 300,
                                          .blob_max = 3000,
                                          .cache = take(d) % 2 == 0 ? 0 : 1 << 16,
                                          .watch = watch};
    for (int i = 0; i < BOTH; i++) {
        d->side[i].e = i == 0 ? &store_sqlite : &store_memory;
        buf_init(&d->side[i].told, 16 << 20);
        open_side(d, i);
    }
    while (d->bytes.n > 0) operation(d);
    compare_all(d);
    reopen(d);
    compare_all(d);
    sound(d, "check", d->side[0].e->check(d->side[0].r, complain, d));
    for (int i = 0; i < BOTH; i++) {
        close_side(d, i);
        buf_wipe(&d->side[i].told);
    }
    free(d);
}

void duel_clear(const char *folder)
{
    DIR *dir = opendir(folder);
    for (struct dirent *x; dir != NULL && (x = readdir(dir)) != NULL;) {
        char path[600];
        if (strcmp(x->d_name, ".") == 0 || strcmp(x->d_name, "..") == 0) continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, x->d_name);
        if (unlink(path) == 0) continue;
        duel_clear(path);
        (void)rmdir(path);
    }
    if (dir != NULL) (void)closedir(dir);
}
