// SPDX-License-Identifier: Apache-2.0
//
// Lanes. The write lane is the group commit: while one batch is on its way to the disk, the next gathers, and so the batch
// size follows the load by itself. Invariant: no job goes home with WIRE_OK before its batch is durable.
#include "relay/lane.h"

#include "relay/core.h"

#include <time.h>

enum { BATCH_JOBS = 8192, EXPIRE_EVERY_S = 10, LOG_EVERY_US = 10000000 };
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
    uint64_t now = microseconds();
    if (l->logged_at != 0 && now < l->logged_at + LOG_EVERY_US) return;
    l->logged_at = now;
    relay_log(LOG_ERROR,
              "the store failed: %s. Writes are refused until it works again; see that the disk is neither full "
              "nor broken, run `whimbreld check`, and start the relay anew if this goes on",
              err_text(e));
}

static void refuse(struct job *j, enum wire_code code)
{
    j->code = code;
    buf_wipe(&j->out);
}

// What a batch that was rolled back had said is forgotten.
static void forget(struct job *j)
{
    refuse(j, WIRE_OK);
    j->appended = (struct store_appended){0};
    j->pool = (struct wire_pool){0};
}

// Not the store has failed: this one asks for what cannot be given, such as a reply that fits no frame.
static bool is_own_fault(enum err e) { return e == ERR_LIMIT || e == ERR_MISUSE; }
// A disk that fails, fails for all.
static bool is_for_all(enum err e) { return e == ERR_IO || e == ERR_CORRUPT; }

// Performs jobs up to `end` and commits. After an error all is rolled back, and *culprit is the job that failed, if it was one.
static enum err try_batch(struct lane *l, struct job *first, const struct job *end, struct job **culprit)
{
    *culprit = NULL;
    enum err e = l->engine->begin(l->store);
    if (e != ERR_OK) return e;
    for (struct job *j = first; e == ERR_OK && j != end; j = j->next) {
        e = do_write(l, j);
        if (e != ERR_OK) *culprit = j;
    }
    if (e == ERR_OK) e = l->engine->commit(l->store);
    if (e != ERR_OK) l->engine->rollback(l->store);
    return e;
}

// One batch, unless a job is at fault by itself: then those before it are performed without it, and those behind it after
// that, so that nobody can make others' writes fail, and each is performed twice at most.
static void run_batch(struct lane *l, struct job *first)
{
    struct job *culprit;
    while (first != NULL) {
        enum err e = try_batch(l, first, NULL, &culprit);
        const struct job *end = NULL;
        if (culprit != NULL && !is_for_all(e)) {
            struct job *none;
            if (!is_own_fault(e)) count_failure(l, e);
            end = culprit;
            for (struct job *j = first; j != culprit; j = j->next) forget(j);
            refuse(culprit, e == ERR_LIMIT ? WIRE_E_LIMIT : WIRE_E_UNAVAILABLE);
            e = first == culprit ? ERR_OK : try_batch(l, first, end, &none);
        }
        if (e != ERR_OK) {
            count_failure(l, e);
            for (struct job *j = first; j != end; j = j->next) refuse(j, WIRE_E_UNAVAILABLE);
        } else if (first != culprit) { // something was committed
            atomic_store(&l->failing, false);
        }
        first = end == NULL ? NULL : end->next;
    }
}

// Each goes home at once: what many reads have found does not wait for the last of them.
static void run_each(struct lane *l, struct job *first)
{
    for (struct job *j = first, *next; j != NULL; j = next) {
        next = j->next;
        enum err e = l->kind == LANE_READ ? do_read(l, j) : do_blob(l, j);
        if (e != ERR_OK) {
            if (!is_own_fault(e)) count_failure(l, e);
            refuse(j, e == ERR_LIMIT ? WIRE_E_LIMIT : WIRE_E_UNAVAILABLE);
        }
        net_loop_post(j->home, &j->post);
    }
}

// Takes what waits, up to a batch. The lock is held.
static struct job *take(struct lane *l)
{
    struct job *first = NULL, **end = &first;
    size_t jobs = 0, bytes = 0;
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
    atomic_fetch_add(&l->counts.jobs, jobs);
    atomic_fetch_add(&l->counts.batches, jobs > 0);
    return first;
}

// The same; waits while there is nothing. NULL at the end, or when it is time to tidy up.
static struct job *wait_and_take(struct lane *l, bool *stop)
{
    pthread_mutex_lock(&l->lock);
    if (l->first == NULL && !l->stop) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += EXPIRE_EVERY_S;
        pthread_cond_timedwait(&l->wake, &l->lock, &until);
    }
    struct job *first = take(l);
    *stop = l->stop && first == NULL;
    pthread_mutex_unlock(&l->lock);
    return first;
}

// A piece at a time, so that no writer waits for long.
static void tidy(struct lane *l)
{
    uint64_t now = microseconds();
    bool more = false;
    if (l->kind == LANE_READ || now < l->expired_at + (uint64_t)EXPIRE_EVERY_S * 1000000) return;
    enum err e = (l->kind == LANE_WRITE ? l->engine->expire : l->engine->blob_expire)(l->store, relay_now(), &more);
    if (e != ERR_OK) count_failure(l, e);
    if (e != ERR_OK || !more) l->expired_at = now;
}

static void perform(struct lane *l, struct job *first)
{
    uint64_t from = microseconds();
    if (l->kind == LANE_WRITE) {
        run_batch(l, first);
        send_home(first);
    } else {
        run_each(l, first);
    }
    atomic_fetch_add(&l->counts.busy_us, microseconds() - from);
}

static void *lane_main(void *arg)
{
    struct lane *l = arg;
    for (bool stop = false; !stop;) {
        struct job *first = wait_and_take(l, &stop);
        if (first != NULL) perform(l, first);
        tidy(l);
    }
    return NULL;
}

// ---------------------------------------------------------------------------------------------------- from outside

enum err lane_init(struct lane *l, enum lane_kind kind, const struct store_engine *engine, struct store *store,
                   size_t waiting_max)
{
    pthread_condattr_t clock;
    *l = (struct lane){.kind = kind, .engine = engine, .store = store, .waiting_max = waiting_max};
    l->last = &l->first;
    enum err e = crypto_new(&l->crypto);
    if (e == ERR_OK && kind != LANE_WRITE) e = engine->reader_new(store, &l->reader);
    if (e != ERR_OK) {
        crypto_free(l->crypto);
        return e;
    }
    pthread_mutex_init(&l->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&l->wake, &clock);
    pthread_condattr_destroy(&clock);
    l->made = true;
    return ERR_OK;
}

enum err lane_start(struct lane *l)
{
    if (pthread_create(&l->thread, NULL, lane_main, l) != 0) return ERR_MEMORY;
    l->started = true;
    return ERR_OK;
}

void lane_stop(struct lane *l)
{
    if (!l->made) return;
    if (l->started) {
        pthread_mutex_lock(&l->lock);
        l->stop = true;
        pthread_cond_signal(&l->wake);
        pthread_mutex_unlock(&l->lock);
        pthread_join(l->thread, NULL);
    }
    if (l->reader != NULL) l->engine->reader_free(l->reader);
    crypto_free(l->crypto);
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->wake);
    l->made = l->started = false;
}

bool lane_give(struct lane *l, struct job *j)
{
    pthread_mutex_lock(&l->lock);
    bool room = j->size == sizeof *j || l->waiting + j->size <= l->waiting_max;
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

bool lane_turn(struct lane *l)
{
    pthread_mutex_lock(&l->lock);
    struct job *first = take(l);
    pthread_mutex_unlock(&l->lock);
    if (first != NULL) perform(l, first);
    return first != NULL;
}
