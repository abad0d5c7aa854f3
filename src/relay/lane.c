// SPDX-License-Identifier: Apache-2.0
//
// Lanes. The write lane is the group commit: while one batch is on its way to the disk, the next gathers, and so the batch
// size follows the load by itself. Invariant: no job goes home with WIRE_OK before its batch is durable.
#include "relay/lane.h"

#include "relay/core.h"

#include <time.h>

enum { BATCH_JOBS = 8192, EXPIRE_EVERY_S = 10 };
static const size_t batch_bytes = 16 << 20;

static uint64_t microseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

// ------------------------------------------------------------------------------------------------------- one job

static enum err do_append(struct lane *l, struct job *j, const struct store_access *a)
{
    const struct wire_request *r = &j->request;
    const struct store_append append = {
        .access = *a,
        .epoch = r->epoch,
        .now = j->now,
        .payload = r->payload,
        .advance = r->type == WIRE_LOG_ADVANCE,
        .new_hash = r->new_hash,
        .new_from = r->new_from,
    };
    return l->engine->log_append(l->store, &append, &j->appended, &j->code);
}

static enum err do_write(struct lane *l, struct job *j)
{
    const struct wire_request *r = &j->request;
    const struct store_engine *e = l->engine;
    const struct store_access a = {.log = r->log, .hash = j->hash};
    switch (r->type) {
    case WIRE_LOG_CREATE: return e->log_create(l->store, r->log, r->retention, r->grants, &j->host, j->now, &j->code);
    case WIRE_LOG_APPEND:
    case WIRE_LOG_ADVANCE: return do_append(l, j, &a);
    case WIRE_LOG_DELETE: return e->log_delete(l->store, &a, &j->code);
    case WIRE_GRANT_SET: return e->grant_set(l->store, &a, &r->grant, &j->code);
    case WIRE_GRANT_REMOVE: return e->grant_remove(l->store, &a, r->grant.hash, &j->code);
    case WIRE_PACKAGE_PUT:
        return e->package_put(l->store, &a, r->device, r->last_resort, r->packages, &j->pool, &j->code);
    case WIRE_PACKAGE_TAKE: return e->package_take(l->store, &a, &j->out, &j->code);
    case WIRE_PACKAGE_CLEAR: return e->package_clear(l->store, &a, r->device, &j->code);
    default: return ERR_MISUSE;
    }
}

// What the key of each log of a follow request allows, as an array of struct store_view in the job; no rights where denied.
static enum err do_follow(struct lane *l, struct job *j)
{
    struct span list = j->request.follows;
    struct wire_follow f;
    enum err e = ERR_OK;
    while (e == ERR_OK && wire_next_follow(&list, &f)) {
        struct store_view v = {0};
        enum wire_code code = WIRE_OK;
        uint8_t hash[WIRE_HASH];
        e = relay_hash(l->crypto, f.key, WIRE_KEY, hash);
        const struct store_access a = {.log = f.log, .hash = hash};
        if (e == ERR_OK) e = l->engine->view(l->reader, &a, &v, &code);
        if (code != WIRE_OK || (v.rights & WIRE_READ) == 0) v = (struct store_view){0};
        buf_put(&j->out, span_of(&v, sizeof v));
    }
    return e == ERR_OK ? buf_end(&j->out) : e;
}

static enum err do_read(struct lane *l, struct job *j)
{
    const struct wire_request *r = &j->request;
    const struct store_access a = {.log = r->log, .hash = j->hash};
    switch (r->type) {
    case WIRE_FOLLOW: return do_follow(l, j);
    case WIRE_LOG_READ: return l->engine->read(l->reader, &a, r->after, r->limit, &j->out, &j->view, &j->code);
    case WIRE_LOG_STAT:
    case WIRE_SIGNAL: return l->engine->view(l->reader, &a, &j->view, &j->code);
    case WIRE_PACKAGE_STAT: return l->engine->package_stat(l->reader, &a, &j->out, &j->code);
    default: return ERR_MISUSE;
    }
}

// Who has another size in mind is told the real one.
static enum err do_seal(struct lane *l, struct job *j)
{
    enum wire_code unused = WIRE_OK;
    enum err e = l->engine->blob_seal(l->store, j->name, j->hash, j->request.size, j->now, &j->code);
    if (e != ERR_OK || j->code != WIRE_E_OFFSET) return e;
    return l->engine->blob_stat(l->reader, j->name, j->now, &j->blob, &unused);
}

static enum err do_blob(struct lane *l, struct job *j)
{
    const struct wire_request *r = &j->request;
    const struct store_engine *e = l->engine;
    switch (r->type) {
    case WIRE_BLOB_CREATE:
        return e->blob_create(l->store, j->name, j->hash, r->size, r->retention, &j->host, j->now, &j->code);
    case WIRE_BLOB_APPEND:
        return e->blob_append(l->store, j->name, j->hash, r->offset, r->payload, j->now, &j->blob, &j->code);
    case WIRE_BLOB_SEAL: return do_seal(l, j);
    case WIRE_BLOB_DELETE: return e->blob_delete(l->store, j->name, j->hash, &j->code);
    case WIRE_BLOB_STAT: return e->blob_stat(l->reader, j->name, j->now, &j->blob, &j->code);
    case WIRE_BLOB_READ: return e->blob_read(l->reader, j->name, r->offset, r->limit, j->now, &j->out, &j->code);
    default: return ERR_MISUSE;
    }
}

// ------------------------------------------------------------------------------------------------------- batches

static void send_home(struct job *j)
{
    while (j != NULL) {
        struct job *next = j->next;
        net_loop_post(j->home, &j->post);
        j = next;
    }
}

static void count_failure(struct lane *l, enum err e)
{
    atomic_fetch_add(&l->counts.failures, 1);
    atomic_store(&l->failing, true);
    uint64_t now = relay_now() / 1000;
    if (now < l->logged_at + 10) return;
    l->logged_at = now;
    relay_log(LOG_ERROR,
              "the store failed: %s. Writes are refused until it works again; see that the disk is neither full "
              "nor broken, run `whimbreld check`, and start the relay anew if this goes on",
              err_text(e));
}

static void fail_all(struct job *first)
{
    for (struct job *j = first; j != NULL; j = j->next) {
        j->code = WIRE_E_UNAVAILABLE;
        buf_wipe(&j->out);
    }
}

// *bad: the job at which it failed; NULL if it was none of them.
static enum err try_batch(struct lane *l, struct job *first, struct job **bad)
{
    *bad = NULL;
    enum err e = l->engine->begin(l->store);
    if (e != ERR_OK) return e;
    for (struct job *j = first; e == ERR_OK && j != NULL; j = j->next) {
        if (j->failed) continue;
        buf_wipe(&j->out);
        e = do_write(l, j);
        if (e != ERR_OK) *bad = j;
    }
    if (e == ERR_OK) e = l->engine->commit(l->store);
    if (e != ERR_OK) l->engine->rollback(l->store);
    return e;
}

// A disk that fails, fails for all. A job that fails for another reason must not take the others with it.
static void run_batch(struct lane *l, struct job *first)
{
    struct job *bad = NULL;
    enum err e = try_batch(l, first, &bad);
    while (bad != NULL && e != ERR_IO && e != ERR_CORRUPT) {
        count_failure(l, e);
        buf_wipe(&bad->out);
        bad->code = WIRE_E_UNAVAILABLE;
        bad->failed = true;
        e = try_batch(l, first, &bad);
    }
    if (e != ERR_OK) {
        count_failure(l, e);
        fail_all(first);
    } else {
        atomic_store(&l->failing, false);
    }
}

static void run_each(struct lane *l, struct job *first)
{
    for (struct job *j = first; j != NULL; j = j->next) {
        enum err e = l->kind == LANE_READ ? do_read(l, j) : do_blob(l, j);
        if (e == ERR_OK) continue;
        count_failure(l, e);
        j->code = WIRE_E_UNAVAILABLE;
        buf_wipe(&j->out);
    }
}

// Takes what waits, up to a batch; waits while nothing does. NULL at the end, or when it is time to tidy up.
static struct job *take(struct lane *l, bool *stop)
{
    struct job *first = NULL, **end = &first;
    size_t jobs = 0, bytes = 0;
    pthread_mutex_lock(&l->lock);
    if (l->first == NULL && !l->stop) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += EXPIRE_EVERY_S;
        pthread_cond_timedwait(&l->wake, &l->lock, &until);
    }
    while (l->first != NULL && jobs < BATCH_JOBS && bytes < batch_bytes) {
        struct job *j = l->first;
        l->first = j->next;
        *end = j;
        end = &j->next;
        jobs++;
        bytes += j->size;
    }
    *end = NULL;
    if (l->first == NULL) l->last = &l->first;
    l->waiting -= bytes;
    *stop = l->stop && first == NULL;
    pthread_mutex_unlock(&l->lock);
    atomic_fetch_add(&l->counts.jobs, jobs);
    atomic_fetch_add(&l->counts.batches, jobs > 0);
    return first;
}

// A piece at a time, so that no writer waits for long.
static void tidy(struct lane *l)
{
    uint64_t now = relay_now();
    bool more = false;
    if (l->kind == LANE_READ || now / 1000 < l->expired_at + EXPIRE_EVERY_S) return;
    enum err e = (l->kind == LANE_WRITE ? l->engine->expire : l->engine->blob_expire)(l->store, now, &more);
    if (e != ERR_OK) count_failure(l, e);
    if (e != ERR_OK || !more) l->expired_at = now / 1000;
}

static void *lane_main(void *arg)
{
    struct lane *l = arg;
    for (bool stop = false; !stop;) {
        struct job *first = take(l, &stop);
        uint64_t from = microseconds();
        if (first != NULL) (l->kind == LANE_WRITE ? run_batch : run_each)(l, first);
        atomic_fetch_add(&l->counts.busy_us, microseconds() - from);
        send_home(first);
        tidy(l);
    }
    return NULL;
}

// ---------------------------------------------------------------------------------------------------- from outside

enum err lane_start(struct lane *l, enum lane_kind kind, const struct store_engine *engine, struct store *store,
                    size_t waiting_max)
{
    *l = (struct lane){.kind = kind, .engine = engine, .store = store, .waiting_max = waiting_max};
    l->last = &l->first;
    enum err e = crypto_new(&l->crypto);
    if (e == ERR_OK && kind != LANE_WRITE) e = engine->reader_new(store, &l->reader);
    if (e != ERR_OK) {
        crypto_free(l->crypto);
        return e;
    }
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->wake, NULL);
    if (pthread_create(&l->thread, NULL, lane_main, l) != 0) {
        if (l->reader != NULL) engine->reader_free(l->reader);
        crypto_free(l->crypto);
        return ERR_MEMORY;
    }
    l->started = true;
    return ERR_OK;
}

void lane_stop(struct lane *l)
{
    if (!l->started) return;
    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_cond_signal(&l->wake);
    pthread_mutex_unlock(&l->lock);
    pthread_join(l->thread, NULL);
    if (l->reader != NULL) l->engine->reader_free(l->reader);
    crypto_free(l->crypto);
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->wake);
    l->started = false;
}

bool lane_give(struct lane *l, struct job *j)
{
    pthread_mutex_lock(&l->lock);
    bool room = l->waiting + j->size <= l->waiting_max;
    if (room) {
        l->waiting += j->size;
        j->next = NULL;
        *l->last = j;
        l->last = &j->next;
        if (l->first == j) pthread_cond_signal(&l->wake);
    } else {
        atomic_fetch_add(&l->counts.refused, 1);
    }
    pthread_mutex_unlock(&l->lock);
    return room;
}
