// SPDX-License-Identifier: Apache-2.0
//
// Requests: what a client's message asks for, the limits that it meets, which lane performs it, and what is answered when
// it comes home. Invariant: every request has exactly one reply, or the session closes.
#include "relay/follow.h"
#include "relay/worker.h"

#include "store/grants.h"

enum { WRONG_MS = 1000 }; // until a wrong password is told to be one

static void ok(struct session *s, uint32_t id)
{
    struct wire_reply r = {.type = WIRE_R_OK, .id = id};
    session_reply(s, &r);
}

// -------------------------------------------------------------------------------------------------- hello, host, credit

static bool shares_version(struct span versions)
{
    for (size_t i = 0; i + 1 < versions.n; i += 2) {
        if ((versions.p[i] << 8 | versions.p[i + 1]) == WIRE_VERSION) return true;
    }
    return false;
}

static void hello(struct session *s, const struct wire_request *q)
{
    const struct config *c = s->worker->config;
    if (!shares_version(q->versions)) {
        session_error(s, q->id, WIRE_E_UNSUPPORTED, 0);
        session_close(s, WS_POLICY);
        return;
    }
    s->state = SESSION_OPEN;
    s->credit = q->credit;
    struct wire_reply r = {
        .type = WIRE_R_HELLO,
        .id = q->id,
        .version = WIRE_VERSION,
        .time = relay_now(),
        .limits = {.frame = WIRE_FRAME_MAX,
                   .entry = (uint32_t)c->entry_max,
                   .signal = WIRE_SIGNAL_MAX,
                   .chunk = WIRE_CHUNK_MAX,
                   .in_flight = (uint16_t)c->in_flight_max,
                   .follows = (uint16_t)c->follows_max,
                   .blob = c->blob_max,
                   .retention = (uint32_t)c->retention,
                   .hosting = c->hosting_open     ? WIRE_HOSTING_OPEN
                              : c->host_count > 0 ? WIRE_HOSTING_PASSWORD
                                                  : WIRE_HOSTING_CLOSED},
    };
    session_reply(s, &r);
}

static void tell_wrong(struct net_timer *t)
{
    struct session *s = (struct session *)(void *)((char *)t - offsetof(struct session, wrong));
    uint32_t id = s->wrong_id;
    s->wrong_id = 0;
    s->in_flight--;
    session_error(s, id, WIRE_E_HOSTING, 0);
}

// §2.1: a connection learns one try a second, and until then nothing of another; a password is 160 random bits anyway.
static void host(struct session *s, const struct wire_request *q)
{
    uint8_t hash[WIRE_HASH];
    const struct config_host *h = NULL;
    if (s->wrong_id != 0) {
        session_error(s, q->id, WIRE_E_RATE, WRONG_MS);
        return;
    }
    if (relay_hash(s->worker->crypto, q->password.p, q->password.n, hash) == ERR_OK) h = config_host(s->worker->config, hash);
    if (h == NULL) {
        s->wrong_id = q->id;
        s->in_flight++;
        net_timer_start(s->worker->loop, &s->wrong, WRONG_MS, tell_wrong);
        return;
    }
    s->hosted = true;
    memcpy(s->password, hash, sizeof s->password);
    ok(s, q->id);
}

static void credit(struct session *s, const struct wire_request *q)
{
    if (s->credit > INT32_MAX - (int64_t)q->credit) {
        session_close(s, WS_INVALID_DATA);
        return;
    }
    s->credit += q->credit;
    follow_pump(s);
}

// ------------------------------------------------------------------------------------------------------ what came of it

static void reply_of(const struct job *j, struct wire_reply *r)
{
    const struct wire_request *q = &j->request;
    *r = (struct wire_reply){.type = WIRE_R_OK, .id = q->id};
    switch (q->type) {
    case WIRE_LOG_APPEND:
    case WIRE_LOG_ADVANCE:
        r->type = WIRE_R_APPENDED;
        r->seq = j->appended.seq;
        r->epoch = j->appended.epoch;
        r->time = j->appended.time;
        break;
    case WIRE_LOG_READ:
    case WIRE_LOG_STAT:
        r->type = q->type == WIRE_LOG_READ ? WIRE_R_ENTRIES : WIRE_R_STAT;
        r->oldest = j->view.head.oldest;
        r->head = j->view.head.head;
        r->epoch = j->view.head.epoch;
        r->entries = buf_span(&j->out);
        break;
    case WIRE_PACKAGE_PUT:
    case WIRE_PACKAGE_STAT:
        r->type = WIRE_R_POOL;
        r->pool = buf_span(&j->out);
        break;
    case WIRE_PACKAGE_TAKE:
        r->type = WIRE_R_PACKAGES;
        r->packages = buf_span(&j->out);
        break;
    case WIRE_BLOB_APPEND:
    case WIRE_BLOB_STAT:
        r->type = WIRE_R_BLOB;
        r->size = j->blob.size;
        r->sealed = j->blob.sealed;
        r->expires = j->blob.expires;
        break;
    case WIRE_BLOB_READ:
        r->type = WIRE_R_CHUNK;
        r->data = buf_span(&j->out);
        break;
    default: break;
    }
}

// What a store means by a limit; 0 where it is a blob's or a pool's own.
static uint64_t limit_of(const struct config *c, enum wire_type type)
{
    switch (type) {
    case WIRE_BLOB_CREATE: return c->blob_max;
    case WIRE_LOG_ADVANCE:
    case WIRE_GRANT_SET: return GRANTS_MAX;
    case WIRE_PACKAGE_TAKE: return WIRE_FRAME_MAX;
    default: return 0;
    }
}

// Why it was refused, in numbers.
static uint64_t detail_of(const struct job *j)
{
    const struct config *c = j->session->worker->config;
    switch (j->code) {
    case WIRE_E_STALE: return j->appended.epoch;
    case WIRE_E_OFFSET: return j->blob.size;
    case WIRE_E_LIMIT: return limit_of(c, j->request.type);
    default: return 0;
    }
}

static void done(struct job *j)
{
    struct session *s = j->session;
    if (!session_home(j)) return;
    s->in_flight--;
    if (j->code == WIRE_OK && j->request.type == WIRE_PACKAGE_PUT) {
        wire_put_pool(&j->out, &j->pool);
        if (buf_end(&j->out) != ERR_OK) j->code = WIRE_E_UNAVAILABLE;
    }
    if (j->code != WIRE_OK) {
        session_error(s, j->request.id, j->code, detail_of(j));
    } else {
        struct wire_reply r;
        reply_of(j, &r);
        session_reply(s, &r);
    }
    job_free(j);
}

static void signal_done(struct job *j)
{
    struct session *s = j->session;
    const struct wire_request *q = &j->request;
    if (!session_home(j)) return;
    s->in_flight--;
    if (j->code == WIRE_OK && (j->view.rights & WIRE_APPEND) == 0) j->code = WIRE_E_DENIED;
    if (j->code == WIRE_OK &&
        s->worker->relay->engine->signal(s->worker->relay->store, q->log, s->serial, q->payload) != ERR_OK) {
        j->code = WIRE_E_UNAVAILABLE;
    }
    if (j->code == WIRE_OK) ok(s, q->id);
    else session_error(s, q->id, j->code, 0);
    job_free(j);
}

// ---------------------------------------------------------------------------------------------------------- limits

// Whether it may create now, and in whose quota: what a reload has taken back is gone for those who are connected, too.
static bool may_create(struct session *s)
{
    const struct config *c = s->worker->config;
    const struct config_host *h = s->hosted ? config_host(c, s->password) : NULL;
    s->host = h != NULL ? h->quota : (struct store_host){0};
    return h != NULL || c->hosting_open;
}

// Limits of the configuration, below those that the codec has refused already.
static enum wire_code check_limits(struct session *s, const struct wire_request *q, uint64_t *detail)
{
    const struct config *c = s->worker->config;
    bool creates = q->type == WIRE_LOG_CREATE || q->type == WIRE_BLOB_CREATE;
    if (creates && !may_create(s)) return WIRE_E_HOSTING;
    if ((q->type == WIRE_LOG_APPEND || q->type == WIRE_LOG_ADVANCE) && q->payload.n > c->entry_max) {
        *detail = c->entry_max;
        return WIRE_E_LIMIT;
    }
    if (q->type == WIRE_BLOB_CREATE && q->size > c->blob_max) {
        *detail = c->blob_max;
        return WIRE_E_LIMIT;
    }
    uint64_t retention = q->type == WIRE_LOG_CREATE ? c->retention : c->blob_retention;
    if (creates && q->retention > retention) {
        *detail = retention;
        return WIRE_E_LIMIT;
    }
    if (s->in_flight >= c->in_flight_max) {
        *detail = c->in_flight_max;
        return WIRE_E_LIMIT;
    }
    return WIRE_OK;
}

// What an answer may have, where it may be long.
static size_t answer_max(const struct wire_request *q)
{
    switch (q->type) {
    case WIRE_LOG_READ: return WIRE_FRAME_MAX / 2;
    case WIRE_BLOB_READ: return q->limit == 0 || q->limit > WIRE_CHUNK_MAX ? WIRE_CHUNK_MAX : q->limit;
    case WIRE_PACKAGE_TAKE: return WIRE_FRAME_MAX;
    case WIRE_FOLLOW: return q->follows.n;
    case WIRE_WAYS: return WIRE_PUBLISHED_MAX;
    default: return 0;
    }
}

static bool too_fast(struct session *s, uint64_t *wait)
{
    const struct config *c = s->worker->config;
    uint64_t now = net_loop_now(s->worker->loop) + 1;
    return !bucket_take(&s->rate, now, c->rate_connection, wait) ||
           !quota_take(&s->worker->relay->quota, s->address, now, c->rate_address, wait);
}

// ------------------------------------------------------------------------------------------------------- the message

static enum lane_kind lane_of(enum wire_type type)
{
    switch (type) {
    case WIRE_LOG_READ:
    case WIRE_LOG_STAT:
    case WIRE_SIGNAL:
    case WIRE_PACKAGE_STAT: return LANE_READ;
    case WIRE_BLOB_CREATE:
    case WIRE_BLOB_APPEND:
    case WIRE_BLOB_SEAL:
    case WIRE_BLOB_READ:
    case WIRE_BLOB_STAT:
    case WIRE_BLOB_DELETE: return LANE_BLOB;
    default: return LANE_WRITE;
    }
}

static void perform(struct session *s, struct job *j)
{
    const struct wire_request *q = &j->request;
    enum err e = ERR_OK;
    if (q->key != NULL) e = relay_hash(s->worker->crypto, q->key, WIRE_KEY, j->hash);
    if (e == ERR_OK && q->blob != NULL) e = relay_hash(s->worker->crypto, q->blob, WIRE_ID, j->name);
    if (e != ERR_OK) {
        session_error(s, q->id, WIRE_E_UNAVAILABLE, 0);
        job_free(j);
        return;
    }
    j->host = s->host;
    if (q->type == WIRE_BLOB_READ && (q->limit == 0 || q->limit > WIRE_CHUNK_MAX)) j->request.limit = WIRE_CHUNK_MAX;
    if (q->type == WIRE_LOG_READ) j->out.max = WIRE_FRAME_MAX / 2 + 64;
    s->in_flight++;
    session_give(s, lane_of(q->type), j, q->type == WIRE_SIGNAL ? signal_done : done);
}

static void ways(struct session *s, uint32_t id)
{
    const struct wire_reply r = {.type = WIRE_R_PUBLISHED, .id = id, .data = buf_span(&s->worker->setup->published)};
    session_reply(s, &r);
}

// Those that need no lane, or a special way. False if it was none of them.
static bool handle_here(struct session *s, const struct wire_request *q)
{
    switch (q->type) {
    case WIRE_HOST: host(s, q); return true;
    case WIRE_CREDIT: credit(s, q); return true;
    case WIRE_UNFOLLOW: follow_stop(s, q); return true;
    case WIRE_WAYS: ways(s, q->id); return true;
    default: return false;
    }
}

// Whether a message of this type has its place now (§6).
static bool in_place(const struct session *s, struct span message)
{
    return message.n > 0 && (message.p[0] == WIRE_HELLO) == (s->state == SESSION_NEW);
}

// A message that is above a limit of the protocol itself, or of a type that there is not, is answered; any other that cannot be read, or
// not now, ends the connection (§5).
static void refuse(struct session *s, struct span message, enum err e)
{
    struct wire_reply r;
    uint64_t wait = 0;
    if (e == ERR_MEMORY) {
        session_close(s, WS_INTERNAL);
        return;
    }
    wire_refuse(message, &r);
    bool none = (e != ERR_LIMIT && e != ERR_UNSUPPORTED) || !in_place(s, message);
    if (none) session_error(s, r.id, WIRE_E_MALFORMED, 0);
    else if (too_fast(s, &wait)) session_error(s, r.id, WIRE_E_RATE, wait);
    else session_error(s, r.id, r.code, r.detail);
    if (none) session_close(s, WS_INVALID_DATA);
}

void request_handle(struct session *s, struct span message)
{
    struct job *j = NULL;
    uint64_t detail = 0;
    // An empty message is none; a job without one is the relay's own.
    enum err e = message.n == 0 ? ERR_MALFORMED : job_new(s, message, &j);
    if (e != ERR_OK || !in_place(s, message)) {
        job_free(j);
        refuse(s, message, e);
        return;
    }
    const struct wire_request *q = &j->request;
    atomic_fetch_add(&s->worker->counts.requests, 1);
    atomic_fetch_add(&s->worker->counts.request_of[q->type & 63], 1);
    if (q->type == WIRE_HELLO) {
        hello(s, q);
        job_free(j);
        return;
    }
    enum wire_code code = q->type != WIRE_CREDIT && too_fast(s, &detail) ? WIRE_E_RATE : check_limits(s, q, &detail);
    if (code != WIRE_OK && q->type != WIRE_CREDIT) {
        session_error(s, q->id, code, detail);
        job_free(j);
    } else if (!session_promise(s, j, answer_max(q))) {
        session_error(s, q->id, WIRE_E_UNAVAILABLE, 0);
        job_free(j);
    } else if (handle_here(s, q)) {
        job_free(j);
    } else if (q->type == WIRE_FOLLOW) {
        follow_request(s, j);
    } else {
        perform(s, j);
    }
}
