// SPDX-License-Identifier: Apache-2.0
//
// Bytes as what happens to a relay: connections come, ask for anything or send bytes that are none, read slowly, are cut; lanes and
// loops have their turns in any order; limits change; the store fails. All is the relay's own but connections, timers and posts,
// which stand here, without threads. What must hold: a client gets only messages, and replies to what it asked; a follower gets
// its log's entries in order, once, without gaps, within its credit, until it is told the end; an entry is never two; whoever
// never had a grant sees nothing; and when all is quiet every follower has all there is, and nothing is left behind.
#include "kit.h"

#include "net/ws.h"
#include "relay/follow.h"

#include <stdlib.h>

enum { CLIENTS = 3, LOGS = 3, KEYS = 5, STRANGER = KEYS - 1, SEQS = 512, TAGS = 8, FLIGHT = 96, SENT_MAX = 400 };

// ------------------------------------------------------------------------------------------- what stands for src/net

struct net_conn {
    const struct net_owner *owner;
    void *arg;
    struct buf out; // what the kernel has not taken
    size_t mark;
    uint64_t taken;
    bool above, paused, closing, reset, gone;
};

struct net_loop {
    struct net_post *first, **last;
    struct net_timer *timers;
    uint64_t now;
};
static struct net_loop loop;

void net_conn_send(struct net_conn *c, struct span bytes)
{
    if (c->closing || c->gone) return;
    buf_put(&c->out, bytes);
    must_ok(buf_end(&c->out));
    if (c->mark > 0 && c->out.n > c->mark) c->above = true;
}
size_t net_loop_pending(const struct net_loop *l) { return (size_t)(l->now / 64 % 3) << 27; } // others', too
size_t net_conn_pending(const struct net_conn *c) { return c->out.n; }
uint64_t net_conn_taken(const struct net_conn *c) { return c->taken; }
void net_conn_mark(struct net_conn *c, size_t bytes) { c->mark = bytes; }
void net_conn_pause(struct net_conn *c, bool pause) { c->paused = pause; }
void net_conn_close(struct net_conn *c) { c->closing = true; }
void net_conn_reset(struct net_conn *c) { c->closing = c->reset = true; }
void net_conn_owner(struct net_conn *c, const struct net_owner *owner, void *arg)
{
    c->owner = owner;
    c->arg = arg;
}
uint64_t net_loop_now(const struct net_loop *l) { return l->now; }
void net_loop_post(struct net_loop *l, struct net_post *p)
{
    p->next = NULL;
    *l->last = p;
    l->last = &p->next;
}
void net_timer_stop(struct net_timer *t)
{
    if (t->link == NULL) return;
    *t->link = t->next;
    if (t->next != NULL) t->next->link = t->link;
    t->link = NULL;
}
void net_timer_start(struct net_loop *l, struct net_timer *t, uint64_t ms, void (*fn)(struct net_timer *t))
{
    net_timer_stop(t);
    *t = (struct net_timer){.fn = fn, .next = l->timers, .link = &l->timers, .due = l->now + ms};
    if (t->next != NULL) t->next->link = &t->next;
    l->timers = t;
}

static bool run_posts(unsigned n)
{
    bool any = loop.first != NULL;
    for (; n > 0 && loop.first != NULL; n--) {
        struct net_post *p = loop.first;
        loop.first = p->next;
        if (loop.first == NULL) loop.last = &loop.first;
        p->fn(p);
    }
    return any;
}

static void pass_time(uint64_t ms)
{
    loop.now += ms;
    for (struct net_timer *t = loop.timers, *next; t != NULL; t = next) {
        next = t->next;
        if (t->due > loop.now) continue;
        net_timer_stop(t);
        t->fn(t);
        next = loop.timers; // it may have stopped any other
    }
}

// -------------------------------------------------------------------------------------------------- what is expected

struct asked {
    uint32_t id; // 0: free
    enum wire_type type;
    uint8_t log, key, tag;
    uint64_t after;
};
struct followed {
    bool live;
    uint8_t log, key;
    uint64_t last;
};

static struct client {
    struct net_conn *conn; // NULL: none
    struct session *session;
    struct ws_parser ws;
    struct asked asked[FLIGHT];
    struct followed follow[TAGS];
    uint32_t id, sent;
    int64_t credit;
    bool greeted, wild, over; // wild: sent what the model does not understand; over: a close frame has come
} client[CLIENTS];

static struct {
    bool wild;                   // somebody has sent bytes that may mean anything
    uint32_t serial[LOGS][SEQS]; // of each entry that somebody was told of; 0: unknown
    uint32_t next;
    bool readable[LOGS][KEYS]; // a grant to read was ever asked for
    bool bounded[LOGS][KEYS];  // ... one that does not begin at the beginning
    bool deleted[LOGS];
} world;

static struct relay *relay;
static struct worker *worker;
static struct config config;
static enum err failing;
static uint8_t ids[LOGS][WIRE_ID], keys[KEYS][WIRE_KEY], hashes[KEYS][WIRE_HASH];
static struct crypto *crypto;

static bool model_knows(const struct client *c) { return !world.wild && !c->wild; }

// An entry that a client is shown: of the right log, and the one that has its number.
static void see_entry(uint8_t log, uint64_t seq, struct span payload)
{
    uint32_t serial = 0;
    must(seq > 0 && seq < SEQS && payload.n >= 5 && payload.p[0] == log);
    for (int i = 1; i <= 4; i++) serial = serial << 8 | payload.p[i];
    must(serial > 0 && (world.serial[log][seq] == 0 || world.serial[log][seq] == serial));
    if (world.serial[log][seq] != 0) return;
    for (uint64_t i = 1; i < SEQS; i++) must(world.serial[log][i] != serial);
    world.serial[log][seq] = serial;
}

static void see_entries(struct client *c, uint8_t log, uint8_t key, uint64_t *last, struct span list)
{
    struct wire_entry e;
    bool first = true;
    if (!model_knows(c)) return;
    must(world.readable[log][key]);
    while (wire_next_entry(&list, &e)) {
        bool any = world.deleted[log] || (first && world.bounded[log][key]);
        must(any ? e.seq > *last : e.seq == *last + 1);
        see_entry(log, e.seq, e.payload);
        *last = e.seq;
        first = false;
    }
}

static enum wire_reply_type reply_to(enum wire_type type)
{
    switch (type) {
    case WIRE_HELLO: return WIRE_R_HELLO;
    case WIRE_LOG_APPEND:
    case WIRE_LOG_ADVANCE: return WIRE_R_APPENDED;
    case WIRE_LOG_READ: return WIRE_R_ENTRIES;
    case WIRE_LOG_STAT: return WIRE_R_STAT;
    case WIRE_FOLLOW: return WIRE_R_FOLLOWED;
    case WIRE_PACKAGE_PUT:
    case WIRE_PACKAGE_STAT: return WIRE_R_POOL;
    case WIRE_PACKAGE_TAKE: return WIRE_R_PACKAGES;
    case WIRE_BLOB_APPEND:
    case WIRE_BLOB_STAT: return WIRE_R_BLOB;
    case WIRE_BLOB_READ: return WIRE_R_CHUNK;
    default: return WIRE_R_OK;
    }
}

static void see_followed(struct client *c, const struct asked *a, const struct wire_reply *r)
{
    struct span list = r->followed;
    struct wire_followed f;
    must(wire_next_followed(&list, &f) && list.n == 0 && f.tag == a->tag);
    if (f.code != WIRE_OK) return;
    must(!c->follow[a->tag].live && world.readable[a->log][a->key]);
    for (size_t i = 0; i < TAGS; i++) must(!c->follow[i].live || c->follow[i].log != a->log);
    c->follow[a->tag] = (struct followed){.live = true, .log = a->log, .key = a->key, .last = a->after};
}

static void see_reply(struct client *c, const struct wire_reply *r)
{
    size_t i = 0;
    if (r->id == 0 && r->type == WIRE_R_ERROR && r->code == WIRE_E_MALFORMED) return; // credit before hello
    while (i < FLIGHT && (r->id == 0 || c->asked[i].id != r->id)) i++;
    must(i < FLIGHT);
    struct asked a = c->asked[i];
    c->asked[i].id = 0;
    if (r->type == WIRE_R_ERROR) {
        must(r->code != WIRE_OK && r->text.n > 0);
        must(r->code != WIRE_E_MALFORMED || a.type == WIRE_HELLO || !c->greeted);
        if (a.type == WIRE_UNFOLLOW)
            must(r->code == WIRE_E_RATE || r->code == WIRE_E_LIMIT || r->code == WIRE_E_MALFORMED);
        return;
    }
    must(r->type == reply_to(a.type));
    if (a.type == WIRE_HELLO) c->greeted = true;
    if (a.type == WIRE_FOLLOW) see_followed(c, &a, r);
    if (a.type == WIRE_UNFOLLOW) c->follow[a.tag].live = false;
    if (a.type == WIRE_LOG_READ) {
        uint64_t last = a.after;
        see_entries(c, a.log, a.key, &last, r->entries);
        must(world.readable[a.log][a.key]);
    }
}

static void see_push(struct client *c, const struct wire_reply *r, size_t size)
{
    must(r->tag < TAGS && r->id == 0 && c->greeted);
    struct followed *f = &c->follow[r->tag];
    must(f->live);
    if (r->type == WIRE_P_ENTRIES) {
        must(c->credit > 0);
        c->credit -= (int64_t)size;
        see_entries(c, f->log, f->key, &f->last, r->entries);
    } else if (r->type == WIRE_P_ENDED) {
        must(r->code == WIRE_E_DENIED || r->code == WIRE_E_ENDED);
        f->live = false;
    }
}

static void see_message(struct client *c, enum ws_opcode opcode, struct span payload)
{
    struct wire_reply r;
    uint16_t status;
    must(!c->over);
    if (opcode == WS_CLOSE) {
        must(ws_close_status(payload, &status) && status != 1005);
        c->over = true;
    }
    if (opcode != WS_BINARY) return;
    must_ok(wire_read_reply(payload, &r));
    if (!model_knows(c)) return;
    if (r.type >= WIRE_P_ENTRIES) see_push(c, &r, payload.n);
    else see_reply(c, &r);
}

// ------------------------------------------------------------------------------------------------------ connections

static void take_output(struct client *c, size_t n)
{
    struct net_conn *k = c->conn;
    enum ws_opcode opcode;
    enum ws_status status = 0;
    struct span payload;
    if (n > k->out.n) n = k->out.n;
    if (n == 0) return;
    uint8_t *at = (uint8_t *)(uintptr_t)kit_copy(span_of(k->out.p, n)).p;
    memmove(k->out.p, k->out.p + n, k->out.n - n);
    k->out.n -= n;
    k->taken += n;
    while (ws_next(&c->ws, &at, &n, &opcode, &payload, &status)) see_message(c, opcode, payload);
    must(status == 0);
    if (k->out.n > 0 || !k->above || k->closing) return;
    k->above = false;
    k->owner->drained(k->arg);
}

// The connection is gone, as the loop would say it between two other events.
static void lose(struct client *c)
{
    struct net_conn *k = c->conn;
    k->gone = true;
    k->owner->closed(k->arg, ERR_OK);
    buf_wipe(&k->out);
    free(k);
    ws_wipe(&c->ws);
    *c = (struct client){0};
}

static bool settle_closing(void)
{
    bool any = false;
    for (size_t i = 0; i < CLIENTS; i++) {
        struct client *c = &client[i];
        if (c->conn == NULL || !c->conn->closing) continue;
        if (!c->conn->reset) take_output(c, SIZE_MAX);
        lose(c);
        any = true;
    }
    return any;
}

static void give_bytes(struct client *c, struct span bytes)
{
    if (c->conn->closing || c->conn->paused || bytes.n == 0) return;
    struct span copy = kit_copy(bytes);
    session_data(c->session, (uint8_t *)(uintptr_t)copy.p, copy.n);
}

static bool can_hear(const struct client *c) { return c->conn != NULL && !c->conn->closing && !c->conn->paused; }

static void give_message(struct client *c, struct span message)
{
    static const uint8_t mask[4] = {5, 6, 7, 8};
    struct buf *frame = kit_buf();
    ws_put_masked(frame, WS_BINARY, message, mask);
    must_ok(buf_end(frame));
    give_bytes(c, buf_span(frame));
}

static struct asked *note(struct client *c, const struct wire_request *q)
{
    for (size_t i = 0; i < FLIGHT; i++) {
        if (c->asked[i].id != 0) continue;
        c->asked[i] = (struct asked){.id = q->id, .type = q->type};
        return &c->asked[i];
    }
    return NULL;
}

static void connect_client(struct client *c, struct feed *f)
{
    static const uint8_t address[4] = {192, 0, 2, 7}, versions[] = {0, 1};
    uint8_t first = feed_u8(f);
    struct quota_entry *e = quota_enter(&relay->quota, address, 4, loop.now, config.connections_per_address, 10);
    if (e == NULL) return;
    *c = (struct client){.conn = calloc(1, sizeof *c->conn)};
    must(c->conn != NULL);
    buf_init(&c->conn->out, 1 << 26);
    ws_init(&c->ws, false, WIRE_FRAME_MAX);
    must_ok(session_new(worker, c->conn, e, &c->session));
    if (first > 250) return; // does not say hello
    struct wire_request q = {
        .type = WIRE_HELLO, .id = ++c->id, .versions = span_of(versions, 2), .credit = (uint32_t)first * 16};
    struct buf *b = kit_buf();
    wire_write_request(b, &q);
    c->credit = q.credit;
    must(note(c, &q) != NULL);
    give_message(c, buf_span(b));
}

// ------------------------------------------------------------------------------------------------------- requests

static struct wire_grant grant_of(struct feed *f, uint8_t log, uint8_t key)
{
    uint8_t rights = feed_u8(f), bounds = feed_u8(f);
    struct wire_grant g = {.rights = rights & WIRE_RIGHTS, .to_seq = WIRE_NO_END};
    if (g.rights == 0) g.rights = WIRE_RIGHTS;
    if ((g.rights & WIRE_ADVANCE) != 0) g.rights |= WIRE_APPEND;
    if ((bounds & 3) == 1) g.from_seq = bounds >> 2;
    if ((bounds & 3) == 2) g.to_seq = bounds >> 2;
    memcpy(g.hash, hashes[key], WIRE_HASH);
    if ((g.rights & WIRE_READ) != 0) world.readable[log][key] = true;
    if (g.from_seq > 1) world.bounded[log][key] = true;
    return g;
}

static struct span payload_of(struct feed *f, uint8_t log, size_t least)
{
    size_t n = feed_u8(f) * (size_t)((world.next & 7) == 7 ? 64 : 1); // now and then a long one
    struct buf *b = kit_buf();
    uint32_t serial = ++world.next;
    buf_put_u8(b, log);
    for (int i = 24; i >= 0; i -= 8) buf_put_u8(b, (uint8_t)(serial >> i));
    for (size_t i = 5; i < n || i < least; i++) buf_put_u8(b, (uint8_t)i);
    return buf_span(b);
}

static void fill_log_request(struct wire_request *q, struct feed *f, uint8_t log, struct asked *a)
{
    struct buf *list = kit_buf();
    switch (q->type) {
    case WIRE_LOG_CREATE: {
        uint8_t first = feed_u8(f);
        for (uint8_t n = first / STRANGER % 2 + 1; n > 0; n--) { // of different keys
            struct wire_grant g = grant_of(f, log, (uint8_t)((first + n) % STRANGER));
            if (n == 1) g.rights |= WIRE_ADMIN;
            wire_put_grant(list, &g);
        }
        q->grants = buf_span(list);
        break;
    }
    case WIRE_LOG_APPEND:
    case WIRE_LOG_ADVANCE:
        q->epoch = feed_u8(f) % 4;
        q->payload = payload_of(f, log, 0);
        if (q->type == WIRE_LOG_APPEND || (feed_u8(f) & 1) == 0) break;
        uint8_t next = feed_u8(f) % STRANGER;
        q->new_hash = hashes[next];
        q->new_from = feed_u8(f) % 4;
        world.readable[log][next] |= world.readable[log][a->key];
        world.bounded[log][next] |= world.bounded[log][a->key] || q->new_from > 1;
        break;
    case WIRE_LOG_READ:
        q->after = a->after = feed_u8(f);
        q->limit = feed_u8(f) % 8;
        break;
    case WIRE_LOG_DELETE: world.deleted[log] = true; break;
    case WIRE_SIGNAL: q->payload = feed_take(f, feed_u8(f) % 20); break;
    case WIRE_GRANT_SET: q->grant = grant_of(f, log, feed_u8(f) % STRANGER); break;
    case WIRE_GRANT_REMOVE: memcpy(q->grant.hash, hashes[feed_u8(f) % KEYS], WIRE_HASH); break;
    case WIRE_FOLLOW: {
        const struct wire_follow w = {.tag = a->tag, .log = ids[log], .key = keys[a->key], .after = a->after};
        wire_put_follow(list, &w);
        q->follows = buf_span(list);
        break;
    }
    default: break;
    }
}

static void fill_other_request(struct wire_request *q, struct feed *f)
{
    static const uint8_t devices[2][WIRE_DEVICE] = {{1}, {2}};
    struct buf *list = kit_buf();
    switch (q->type) {
    case WIRE_HOST: q->password = span_str("guess"); break;
    case WIRE_PACKAGE_PUT:
        for (unsigned n = feed_u8(f) % 3; n > 0; n--) wire_put_package(list, span_str("package"));
        q->packages = buf_span(list);
        q->last_resort = span_str("last");
        q->device = devices[feed_u8(f) & 1];
        break;
    case WIRE_PACKAGE_CLEAR: q->device = devices[feed_u8(f) & 1]; break;
    case WIRE_BLOB_CREATE: q->size = feed_u8(f); break;
    case WIRE_BLOB_APPEND:
        q->offset = feed_u8(f) % 32;
        q->payload = payload_of(f, 0, 1);
        break;
    case WIRE_BLOB_SEAL: q->size = feed_u8(f) % 32; break;
    case WIRE_BLOB_READ:
        q->offset = feed_u8(f) % 32;
        q->limit = feed_u8(f) % 32;
        break;
    default: break;
    }
}

static const enum wire_type types[] = {
    WIRE_LOG_CREATE,    WIRE_LOG_APPEND,   WIRE_LOG_APPEND,  WIRE_LOG_APPEND,  WIRE_LOG_ADVANCE,  WIRE_LOG_READ,
    WIRE_LOG_STAT,      WIRE_FOLLOW,       WIRE_FOLLOW,      WIRE_FOLLOW,      WIRE_UNFOLLOW,     WIRE_SIGNAL,
    WIRE_GRANT_SET,     WIRE_GRANT_REMOVE, WIRE_LOG_DELETE,  WIRE_PACKAGE_PUT, WIRE_PACKAGE_TAKE, WIRE_PACKAGE_STAT,
    WIRE_PACKAGE_CLEAR, WIRE_BLOB_CREATE,  WIRE_BLOB_APPEND, WIRE_BLOB_SEAL,   WIRE_BLOB_READ,    WIRE_BLOB_STAT,
    WIRE_BLOB_DELETE,   WIRE_HOST,         WIRE_HELLO,       WIRE_CREDIT};

static void send_request(struct client *c, struct feed *f, bool spoil)
{
    static const uint8_t versions[] = {0, 1};
    struct wire_request q = {.type = types[feed_u8(f) % (sizeof types / sizeof *types)]};
    struct buf *b = kit_buf();
    uint8_t where = feed_u8(f), log = where % LOGS, key = (where >> 2) % KEYS;
    if (c->sent++ >= SENT_MAX || !can_hear(c)) return;
    q.id = q.type == WIRE_CREDIT ? 0 : ++c->id;
    struct asked unused = {0}, *a = q.type == WIRE_CREDIT ? &unused : note(c, &q);
    if (a == NULL) return;
    a->log = log;
    a->key = key;
    a->tag = where >> 5;
    if (q.type == WIRE_FOLLOW) a->after = feed_u8(f) % 8;
    q.log = ids[log];
    q.blob = ids[log];
    q.key = keys[key];
    q.tag = a->tag;
    q.versions = span_of(versions, 2);
    q.credit = q.type == WIRE_CREDIT ? feed_u16(f) : 0;
    fill_log_request(&q, f, log, a);
    fill_other_request(&q, f);
    wire_write_request(b, &q);
    must_ok(buf_end(b));
    if (spoil) {
        feed_patch(f, 1 + feed_u8(f) % 4, b);
        world.wild = true;
    }
    if (q.type == WIRE_CREDIT) c->credit += q.credit;
    give_message(c, buf_span(b));
}

// ---------------------------------------------------------------------------------------------------------- the relay

static struct store_engine engine;

static enum err failing_begin(struct store *s) { return failing == ERR_OK ? store_memory.begin(s) : failing; }
static enum err failing_read(struct store_reader *r, const struct store_access *a, uint64_t after, uint32_t limit,
                             struct buf *out, struct store_view *view, enum wire_code *code)
{
    return failing == ERR_OK ? store_memory.read(r, a, after, limit, out, view, code) : failing;
}

static void start(void)
{
    static const uint64_t seed[2] = {1, 2};
    loop = (struct net_loop){.now = 1000000};
    loop.last = &loop.first;
    memset(&world, 0, sizeof world);
    memset(client, 0, sizeof client);
    failing = ERR_OK;
    config_init(&config, "/data");
    config.hosting_open = true;
    config.rate_address = config.rate_connection = 0;
    relay = calloc(1, sizeof *relay);
    must(relay != NULL);
    worker = &relay->worker[0];
    relay->workers = 1;
    relay->engine = &engine;
    *worker = (struct worker){.relay = relay, .loop = &loop, .crypto = crypto, .config = &config};
    must_ok(quota_init(&relay->quota, seed));
    must_ok(hub_init(&worker->hub, seed));
    const struct store_settings settings = {.log_max = 1 << 30,
                                            .retention = 1000000,
                                            .blob_retention = 1000000,
                                            .blob_max = 10000,
                                            .watch = hub_watch,
                                            .watch_arg = relay};
    must_ok(engine.open("/data", &settings, &relay->store));
    for (int i = 0; i < LANES; i++)
        must_ok(lane_init(&relay->lane[i], (enum lane_kind)i, &engine, relay->store, 1 << 20));
}

static void reload(struct feed *f)
{
    uint8_t what = feed_u8(f), n = feed_u8(f);
    switch (what % 6) {
    case 0: config.in_flight_max = 1U + n % 64; break;
    case 1: config.follows_max = 1U + n % 8; break;
    case 2: config.rate_connection = n; break;
    case 3: config.rate_address = n; break;
    case 4: config.hosting_open = (n & 1) != 0; break;
    default: config.connections_per_address = 1U + n % 4; break;
    }
}

// Until nothing moves: lanes, loops and clients have all the time that they need.
static void quiet(void)
{
    for (bool any = true; any;) {
        any = settle_closing();
        for (int i = 0; i < LANES; i++) any = lane_turn(&relay->lane[i]) || any;
        any = run_posts(UINT32_MAX) || any;
        for (size_t i = 0; i < CLIENTS; i++) {
            if (client[i].conn == NULL || client[i].conn->out.n == 0) continue;
            take_output(&client[i], SIZE_MAX);
            any = true;
        }
    }
}

// A follower that has credit has everything, or has been told why not.
static void all_have_all(struct client *c)
{
    struct store_reader *r = NULL;
    must_ok(store_memory.reader_new(relay->store, &r));
    for (size_t i = 0; i < TAGS; i++) {
        const struct followed *w = &c->follow[i];
        const struct store_access a = {.log = ids[w->log], .hash = hashes[w->key]};
        struct store_view v = {0};
        enum wire_code code = WIRE_OK;
        if (!w->live) continue;
        must_ok(store_memory.view(r, &a, &v, &code));
        must(code == WIRE_OK && (v.rights & WIRE_READ) != 0);
        bool begun = w->last + 1 >= v.from_seq && w->last + 1 >= v.head.oldest;
        must(v.head.head <= w->last || v.head.head < v.from_seq || v.head.oldest > v.head.head);
        must(!begun || w->last < v.to_seq);
    }
    store_memory.reader_free(r);
}

static void finish(void)
{
    failing = ERR_OK;
    quiet();
    config.rate_connection = config.rate_address = 0;
    for (size_t i = 0; i < CLIENTS; i++) {
        struct client *c = &client[i];
        if (!can_hear(c) || !c->greeted || !model_knows(c)) continue;
        must(c->session->credit == c->credit);
        if (c->credit > 0) continue; // all must go on without a push of ours
        struct wire_request q = {.type = WIRE_CREDIT, .credit = INT32_MAX};
        struct buf *b = kit_buf();
        wire_write_request(b, &q);
        c->credit += q.credit;
        give_message(c, buf_span(b));
    }
    pass_time(1001); // wrong passwords are answered
    quiet();
    for (size_t i = 0; i < CLIENTS; i++) {
        struct client *c = &client[i];
        if (c->conn == NULL) continue;
        if (can_hear(c) && c->greeted && model_knows(c)) {
            if (c->credit > 0) all_have_all(c);
            for (size_t k = 0; k < FLIGHT; k++) must(c->asked[k].id == 0);
            must(c->session->in_flight == 0 && c->session->jobs == 0);
        }
        lose(c);
    }
    quiet();
    must(worker->sessions == NULL && worker->hub.topics == 0 && atomic_load(&worker->hub.follows) == 0);
    must(atomic_load(&worker->hub.waiting) == 0 && quota_connections(&relay->quota) == 0 && loop.timers == NULL);
    for (int i = 0; i < LANES; i++) lane_stop(&relay->lane[i]);
    engine.close(relay->store);
    hub_wipe(&worker->hub);
    quota_wipe(&relay->quota);
    free(relay);
}

static void step(struct feed *f)
{
    uint8_t op = feed_u8(f);
    struct client *c = &client[op / 16 % CLIENTS];
    if (c->conn == NULL && op % 16 < 11) {
        if (op % 16 < 8) connect_client(c, f);
        return;
    }
    switch (op % 16) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 5: send_request(c, f, false); break;
    case 6: send_request(c, f, true); break;
    case 7: // bytes that may be anything
        if (can_hear(c)) world.wild = true;
        give_bytes(c, feed_bytes(f));
        break;
    case 8: lose(c); break;
    case 9: take_output(c, feed_u16(f)); break;
    case 10: take_output(c, SIZE_MAX); break;
    case 11: (void)lane_turn(&relay->lane[feed_u8(f) % LANES]); break;
    case 12: (void)run_posts(1U + feed_u8(f) % 8); break;
    case 13: (void)settle_closing(); break;
    case 14: pass_time((uint64_t)feed_u8(f) * 500); break;
    default:
        if ((op & 16) != 0) reload(f);
        else failing = (feed_u8(f) & 1) != 0 ? ERR_IO : ERR_OK;
    }
}

void fuzz_open(void)
{
    relay_log_setup(0, false, LOG_ERROR + 1);
    must_ok(crypto_new(&crypto));
    for (int i = 0; i < LOGS; i++) memset(ids[i], 0x10 + i, WIRE_ID);
    for (int i = 0; i < KEYS; i++) {
        memset(keys[i], 0x20 + i, WIRE_KEY);
        must_ok(relay_hash(crypto, keys[i], WIRE_KEY, hashes[i]));
    }
    engine = store_memory;
    engine.begin = failing_begin;
    engine.read = failing_read;
}

void fuzz_one(struct span bytes)
{
    struct feed f = {bytes.p, bytes.n};
    start();
    while (f.n > 0) step(&f);
    finish();
}

#define SEED(name, ...) \
    kit_seed(to, name, span_of(((const uint8_t[]){__VA_ARGS__}), sizeof((const uint8_t[]){__VA_ARGS__})))
// An operation of connection 0 or 1, with what it takes.
#define A(...) 0, __VA_ARGS__
#define B(...) 16, __VA_ARGS__
#define BOTH A(200), B(200)                  // two connect
#define R 11, 0, 12, 7, 11, 1, 12, 7, 10, 26 // both lanes, the loop, and both read
#define CREATE 0, 0, 3, 15, 0                // log 0, one grant for all to key 0
#define APPEND(n) 1, 0, 0, n
#define FOLLOW(after) 7, 0, after

void fuzz_seeds(const char *to)
{
    SEED("follow", A(250), B(200), A(CREATE), R, A(APPEND(30)), B(FOLLOW(0)), R, A(APPEND(9)), R, R);
    SEED("credit", A(1), A(CREATE), R, A(APPEND(99)), A(FOLLOW(0)), R, A(APPEND(99)), R, A(27, 0, 1, 0), R, R);
    SEED("unfollow", A(200), A(CREATE), R, A(APPEND(9)), A(FOLLOW(0)), A(10, 0), R, A(FOLLOW(0)), R, A(10, 0), R);
    SEED("stall", A(0), A(CREATE), A(0, 1, 3, 15, 0), R, A(APPEND(9)), A(1, 1, 0, 9), A(FOLLOW(0)), A(7, 40, 0), R,
         A(27, 0, 99, 0), A(10, 0), R, R);
    SEED("advance", BOTH, A(CREATE), R, B(FOLLOW(0)), R, A(4, 0, 0, 9, 1, 1, 0), R, A(1, 4, 1, 9), R);
    SEED("revoke", BOTH, A(CREATE), A(12, 0, 1, 1, 0), R, B(7, 4, 0), R, A(13, 0, 1), R, A(APPEND(9)), R);
    SEED("delete", A(200), A(CREATE), R, A(FOLLOW(0)), A(APPEND(9)), R, A(14, 0), R, A(CREATE), R, A(FOLLOW(0)), R);
    SEED("signal", BOTH, A(CREATE), R, B(FOLLOW(0)), R, A(11, 0, 3, 1, 2, 3), R, R);
    SEED("packages", A(200), A(CREATE), A(15, 0, 2, 0), R, A(16, 0), A(17, 0), R, A(18, 0, 0), R);
    SEED("blobs", A(200), A(19, 0, 99), A(20, 0, 0, 9), 11, 2, 12, 7, 10, A(21, 0, 9), A(22, 0, 1, 5), A(23, 0), 11, 2,
         12, 7);
    SEED("cut", BOTH, A(CREATE), A(FOLLOW(0)), A(APPEND(9)), 8, R, B(APPEND(9)), 24, R);
    SEED("fails", A(200), A(CREATE), R, 15, 1, A(APPEND(9)), A(FOLLOW(0)), R, 15, 0, A(200), A(APPEND(9)), R);
    SEED("limits", A(200), 31, 0, 0, A(CREATE), A(6, 0), A(6, 0), R, 31, 2, 1, A(6, 0), A(6, 0), A(6, 0), R);
    SEED("host", A(200), A(25, 0), A(25, 0), R, 14, 3, R, A(26, 0), R);
    SEED("raw", A(200), 7, 9, 0x82, 0x83, 0, 0, 0, 0, 1, 2, 3, 6, 6, 0, 1, 0, 0, 1, R);
}
