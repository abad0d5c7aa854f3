// SPDX-License-Identifier: Apache-2.0
//
// Links. One attempt goes through the host's addresses, one after the other; what fails on the last one is what is told.
// Invariant: each request that was sent has its answer called once, with NULL at the latest when the connection is gone.
#include "link/link.h"

#include "net/http.h"
#include "net/ws.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum {
    WAITING_MAX = 256,
    ADDRESSES = 16,
    WINDOW = 256 << 10,
    ATTEMPT_MS = 15000,
    RETRY_MS = 1000,
    RETRY_MAX_MS = 60000,
    SILENCE_MS = 30000,
    RANDOM = 256, // as much as getrandom gives whole, whatever signals come
    PONGS = 65536 // bytes: while more waits to be sent, pings are not answered
};

enum state {
    IDLE,
    RESOLVING,
    CONNECTING,
    UPGRADING,
    GREETING,
    UP,
    BROKEN,
    PAUSED
}; // BROKEN: those who waited are being told

struct waiting {
    uint32_t id; // 0: free
    link_answer *answer;
    void *arg;
};

struct link {
    struct net_loop *loop;
    struct link_address to;
    struct link_settings s;
    struct link_events events;
    void *arg;
    struct net_tls *tls;
    enum state state;
    struct link_failure failure; // of this attempt, so far
    struct net_lookup *lookup;
    struct sockaddr_storage address[ADDRESSES];
    size_t addresses, at;
    struct net_conn *conn;
    struct net_timer timer; // of the attempt, of silence, or of the pause
    uint64_t late;          // when the attempt ends
    struct buf head;        // of the answer to the handshake
    char key[25];
    struct ws_parser ws;
    struct wire_limits limits;
    struct waiting waiting[WAITING_MAX];
    size_t under_way;
    uint32_t next_id;
    uint32_t retry_ms, owed; // owed: credit to give
    uint64_t heard;
    bool pinged, hurry, ending; // hurry: somebody who was told that it is broken wants no pause
    bool *freed; // set if the link goes while it calls somebody
    uint8_t random[RANDOM];
    size_t random_left;
};

static void start_attempt(struct link *l);
static void try_address(struct link *l);

const char *link_failure_text(const struct link_failure *f)
{
    switch (f->phase) {
    case LINK_RESOLVING: return "the relay's name cannot be found; is there a network, and is the address right?";
    case LINK_CONNECTING:
        return f->err == ERR_UNAUTHENTICATED
                   ? "somebody else answers at the relay's address: its key is another one. Do not trust what is there"
               : f->err == ERR_MALFORMED ? "what answers at the relay's address does not speak TLS 1.3"
               : f->err == ERR_LIMIT     ? "the relay's address does not answer in time; the network may block it"
                                         : "the relay cannot be reached; it may be down, or the network may block it";
    case LINK_UPGRADING:
        return "there is a web site at the relay's address, but no relay: has its secret path changed?";
    case LINK_GREETING:
        return f->err == ERR_UNSUPPORTED
                   ? "the relay speaks another version of the protocol; is one of the two too old?"
                   : "the relay is there, but does not talk to us now; it may be busy, or stopping";
    default: return "the connection to the relay broke";
    }
}

// ------------------------------------------------------------------------------------------------------------- sending

static void take_random(struct link *l, uint8_t *out, size_t n)
{
    if (l->random_left < n) {
        if (getrandom(l->random, sizeof l->random, 0) != sizeof l->random) abort(); // it blocks until there is some
        l->random_left = sizeof l->random;
    }
    l->random_left -= n;
    memcpy(out, l->random + l->random_left, n);
}

static void send_frame(struct link *l, enum ws_opcode opcode, struct span payload)
{
    uint8_t mask[4];
    struct buf b;
    take_random(l, mask, sizeof mask);
    buf_init(&b, payload.n + 16);
    ws_put_masked(&b, opcode, payload, mask);
    if (buf_end(&b) == ERR_OK) net_conn_send(l->conn, buf_span(&b));
    else net_conn_reset(l->conn);
    buf_wipe(&b);
}

static enum err send_request(struct link *l, const struct wire_request *r)
{
    struct buf b;
    buf_init(&b, l->state == UP ? l->limits.frame : WIRE_FRAME_MAX);
    wire_write_request(&b, r);
    enum err e = buf_end(&b);
    if (e == ERR_OK) send_frame(l, WS_BINARY, buf_span(&b));
    buf_wipe(&b);
    return e;
}

// A relay that sends pings and reads nothing must not fill our memory with pongs; RFC 6455 §5.5.3 lets us leave some out.
static void answer_ping(struct link *l, struct span payload)
{
    if (net_conn_pending(l->conn) < PONGS) send_frame(l, WS_PONG, payload);
}

static void give_credit(struct link *l)
{
    if (l->owed < l->s.window / 2) return;
    const struct wire_request r = {.type = WIRE_CREDIT, .credit = l->owed};
    l->owed = 0;
    if (send_request(l, &r) != ERR_OK) net_conn_reset(l->conn);
}

// -------------------------------------------------------------------------------------------------------------- asking

bool link_is_up(const struct link *l) { return l->state == UP; }
const struct wire_limits *link_limits(const struct link *l) { return &l->limits; }

size_t link_room(const struct link *l)
{
    size_t most = l->limits.in_flight < WAITING_MAX ? l->limits.in_flight : WAITING_MAX;
    return l->state != UP || l->under_way >= most ? 0 : most - l->under_way;
}

static enum err ask(struct link *l, const struct wire_request *request, link_answer *answer, void *arg)
{
    struct wire_request r = *request;
    size_t slot = 0;
    while (l->waiting[slot].id != 0) slot++; // there is room, since the caller looked
    // The slot is a part of the id, so that the answer finds it; the rest makes it new.
    r.id = (l->next_id += WAITING_MAX) + (uint32_t)slot;
    if (r.id == 0) r.id = l->next_id += WAITING_MAX;
    enum err e = send_request(l, &r);
    if (e != ERR_OK) return e;
    l->waiting[slot] = (struct waiting){.id = r.id, .answer = answer, .arg = arg};
    l->under_way++;
    return ERR_OK;
}

enum err link_ask(struct link *l, const struct wire_request *request, link_answer *answer, void *arg)
{
    if (l->state != UP) return ERR_REFUSED;
    return link_room(l) == 0 ? ERR_LIMIT : ask(l, request, answer, arg);
}

// Nobody who waits gets an answer any more. False if the link was freed meanwhile.
static bool abandon(struct link *l)
{
    bool freed = false, *outer = l->freed;
    l->freed = &freed; // cppcheck-suppress autoVariables ; set back before it goes
    for (size_t i = 0; i < WAITING_MAX && l->under_way > 0 && !freed; i++) {
        struct waiting w = l->waiting[i];
        if (w.id == 0) continue;
        l->waiting[i] = (struct waiting){0};
        l->under_way--;
        w.answer(w.arg, NULL);
    }
    if (!freed) l->freed = outer;
    else if (outer != NULL) *outer = true;
    return !freed;
}

// ----------------------------------------------------------------------------------------------------------- coming back

static void on_pause_over(struct net_timer *t)
{
    struct link *l = (struct link *)(void *)((char *)t - offsetof(struct link, timer));
    start_attempt(l);
}

// The attempt has failed, or the connection has broken: all is told, and then there is a pause.
static void come_back(struct link *l)
{
    const struct link_failure why = l->failure;
    net_timer_stop(&l->timer);
    l->state = BROKEN;
    l->hurry = false;
    ws_wipe(&l->ws);
    buf_wipe(&l->head);
    if (!abandon(l)) return;
    l->state = PAUSED;
    // Up to a quarter more, so that not all who lost a relay come back at once.
    uint8_t r[2];
    take_random(l, r, sizeof r);
    uint32_t wait = l->retry_ms + l->retry_ms / 4 * (uint32_t)(r[0] << 8 | r[1]) / 65536;
    l->retry_ms = l->retry_ms < l->s.retry_max_ms / 2 ? l->retry_ms * 2 : l->s.retry_max_ms;
    if (l->hurry) {
        wait = 0;
        l->retry_ms = l->s.retry_ms;
    }
    net_timer_start(l->loop, &l->timer, wait, on_pause_over);
    l->events.down(l->arg, &why, wait);
}

static void on_attempt_late(struct net_timer *t)
{
    struct link *l = (struct link *)(void *)((char *)t - offsetof(struct link, timer));
    if (l->state == CONNECTING && l->at + 1 < l->addresses) { // `closed` goes on to the next
        net_conn_reset(l->conn);
        return;
    }
    l->failure = (struct link_failure){.phase = LINK_CONNECTING, .err = ERR_LIMIT};
    l->at = l->addresses; // no further address
    if (l->conn != NULL) {
        net_conn_reset(l->conn);
        return;
    }
    if (l->lookup != NULL) net_resolve_forget(l->lookup);
    l->lookup = NULL;
    come_back(l);
}

// A connection is no use any more. `closed` goes on from here.
static void fail(struct link *l, enum link_phase phase, enum err e, unsigned status)
{
    l->failure = (struct link_failure){.phase = phase, .err = e, .status = status};
    l->at = l->addresses;
    net_conn_reset(l->conn);
}

static void on_silence(struct net_timer *t)
{
    struct link *l = (struct link *)(void *)((char *)t - offsetof(struct link, timer));
    uint64_t quiet = net_loop_now(l->loop) - l->heard;
    if (quiet >= 2 * (uint64_t)l->s.silence_ms && l->pinged) {
        fail(l, LINK_UP, ERR_LIMIT, 0);
        return;
    }
    if (quiet >= l->s.silence_ms && !l->pinged) {
        l->pinged = true;
        send_frame(l, WS_PING, span_of(NULL, 0));
    }
    net_timer_start(l->loop, &l->timer, l->s.silence_ms / 4 + 1, on_silence);
}

// ------------------------------------------------------------------------------------------------------------- receiving

// Hello has its own answer.
static void on_hello(void *arg, const struct wire_reply *r)
{
    struct link *l = arg;
    if (r == NULL) return; // the connection broke, which is told as such
    if (r->type != WIRE_R_HELLO || r->version != WIRE_VERSION || r->limits.in_flight == 0) {
        bool busy = r->type == WIRE_R_ERROR && r->code != WIRE_E_UNSUPPORTED;
        fail(l, LINK_GREETING, busy ? ERR_REFUSED : ERR_UNSUPPORTED, 0);
        return;
    }
    l->state = UP;
    l->limits = r->limits;
    l->retry_ms = l->s.retry_ms;
    net_timer_start(l->loop, &l->timer, l->s.silence_ms / 4 + 1, on_silence);
    l->events.up(l->arg, r);
}

static void greet(struct link *l)
{
    static const uint8_t versions[] = {0, WIRE_VERSION};
    const struct wire_request r = {
        .type = WIRE_HELLO, .versions = span_of(versions, sizeof versions), .credit = l->s.window};
    l->state = GREETING;
    l->failure = (struct link_failure){.phase = LINK_GREETING, .err = ERR_IO};
    l->owed = 0;
    ws_init(&l->ws, false, WIRE_FRAME_MAX);
    if (ask(l, &r, on_hello, l) != ERR_OK) fail(l, LINK_GREETING, ERR_MEMORY, 0);
}

static void take_reply(struct link *l, const struct wire_reply *r)
{
    struct waiting *w = &l->waiting[r->id % WAITING_MAX];
    if (r->id == 0 ||
        w->id != r->id) { // an error without an id, or an answer that nobody waits for: the two have lost each other
        fail(l, LINK_UP, ERR_INVALID, 0);
        return;
    }
    struct waiting now = *w;
    *w = (struct waiting){0};
    l->under_way--;
    now.answer(now.arg, r);
}

static void take_message(struct link *l, struct span message)
{
    struct wire_reply r;
    enum err e = wire_read_reply(message, &r);
    if (e != ERR_OK) {
        fail(l, l->state == UP ? LINK_UP : LINK_GREETING, e, 0);
    } else if (r.type < WIRE_P_ENTRIES) {
        take_reply(l, &r);
    } else if (l->state != UP) {
        fail(l, LINK_GREETING, ERR_INVALID, 0);
    } else {
        bool freed = false, *outer = l->freed;
        l->freed = &freed; // cppcheck-suppress autoVariables ; set back before it goes
        l->events.push(l->arg, &r);
        if (freed) {
            if (outer != NULL) *outer = true;
            return;
        }
        l->freed = outer;
        if (r.type == WIRE_P_ENTRIES) l->owed += (uint32_t)message.n;
        if (l->state == UP && l->conn != NULL) give_credit(l);
    }
}

static void take_frames(struct link *l, uint8_t *bytes, size_t n)
{
    enum ws_opcode opcode;
    enum ws_status status = 0;
    struct span payload;
    bool freed = false, *outer = l->freed;
    l->freed = &freed; // cppcheck-suppress autoVariables ; set back before it goes
    while (!freed && l->conn != NULL && l->at < l->addresses &&
           ws_next(&l->ws, &bytes, &n, &opcode, &payload, &status)) {
        if (opcode == WS_BINARY) take_message(l, payload);
        else if (opcode == WS_PING) answer_ping(l, payload);
        else if (opcode == WS_CLOSE) net_conn_close(l->conn);
        else if (opcode == WS_TEXT) fail(l, LINK_UP, ERR_INVALID, 0);
        if (opcode == WS_CLOSE) break;
    }
    if (freed) {
        if (outer != NULL) *outer = true;
        return;
    }
    l->freed = outer;
    if (status != 0 && l->conn != NULL) fail(l, l->state == UP ? LINK_UP : LINK_GREETING, ERR_MALFORMED, 0);
}

static void take_head(struct link *l, uint8_t *bytes, size_t n)
{
    size_t before = l->head.n, size = 0;
    unsigned status = 0;
    bool accepted = false;
    buf_put(&l->head, span_of(bytes, n < HTTP_HEAD_MAX - before ? n : HTTP_HEAD_MAX - before));
    enum err e = buf_end(&l->head);
    if (e == ERR_OK) e = http_head_size(buf_span(&l->head), &size);
    if (e == ERR_OK && size == 0) return;
    if (e == ERR_OK) e = http_read_upgrade(span_of(l->head.p, size), l->key, &status, &accepted);
    if (e != ERR_OK || status != 101 || !accepted) {
        fail(l, LINK_UPGRADING, e, e == ERR_OK ? status : 0);
        return;
    }
    buf_wipe(&l->head);
    size_t used = size - before;
    greet(l);
    if (n > used) take_frames(l, bytes + used, n - used);
}

static void on_data(void *arg, uint8_t *bytes, size_t n)
{
    struct link *l = arg;
    l->heard = net_loop_now(l->loop);
    l->pinged = false;
    if (l->at == l->addresses) return; // it is given up
    if (l->state == UPGRADING) take_head(l, bytes, n);
    else take_frames(l, bytes, n);
}

// ------------------------------------------------------------------------------------------------------------ connecting

// What is left of the attempt's time.
static uint64_t rest(const struct link *l)
{
    uint64_t now = net_loop_now(l->loop);
    return l->late > now ? l->late - now : 0;
}

static void on_open(void *arg)
{
    struct link *l = arg;
    uint8_t random[16];
    char text[1024];
    take_random(l, random, sizeof random);
    http_ws_key(random, l->key);
    bool v6 = strchr(l->to.host, ':') != NULL;
    int n = snprintf(
        text, sizeof text,
        "GET /%s HTTP/1.1\r\nHost: %s%s%s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n",
        l->to.secret, v6 ? "[" : "", l->to.host, v6 ? "]" : "", l->key);
    l->state = UPGRADING;
    net_timer_start(l->loop, &l->timer, rest(l), on_attempt_late);
    l->failure = (struct link_failure){.phase = LINK_UPGRADING, .err = ERR_IO};
    buf_wipe(&l->head);
    net_conn_send(l->conn, span_of(text, (size_t)n));
    mem_wipe(text, sizeof text);
}

static void on_closed(void *arg, enum err why)
{
    struct link *l = arg;
    bool was_up = l->state == UP;
    l->conn = NULL;
    if (l->state == CONNECTING && l->at < l->addresses)
        l->failure = (struct link_failure){.phase = LINK_CONNECTING, .err = why};
    if (was_up && l->at < l->addresses) l->failure = (struct link_failure){.phase = LINK_UP, .err = why};
    if (!was_up && l->state == CONNECTING && ++l->at < l->addresses) try_address(l); // another may do better
    else come_back(l);
}

static const struct net_owner owner = {.open = on_open, .data = on_data, .closed = on_closed};

// An address that swallows what it is sent must leave time for the others: each has its share of what is left.
static void try_address(struct link *l)
{
    for (; l->at < l->addresses; l->at++) {
        enum err e = net_connect(l->loop, (const struct sockaddr *)&l->address[l->at], l->tls, &owner, l, &l->conn);
        if (e == ERR_OK) e = net_conn_name(l->conn, l->to.host);
        if (e == ERR_OK) {
            l->state = CONNECTING;
            net_timer_start(l->loop, &l->timer, rest(l) / (l->addresses - l->at), on_attempt_late);
            return;
        }
        l->failure = (struct link_failure){.phase = LINK_CONNECTING, .err = e};
        if (l->conn != NULL) { // its `closed` goes on from here
            l->at = l->addresses;
            net_conn_reset(l->conn);
            return;
        }
    }
    come_back(l);
}

static void on_resolved(void *arg, const struct sockaddr *const *list, size_t n)
{
    struct link *l = arg;
    l->lookup = NULL;
    l->addresses = l->at = 0;
    for (size_t i = 0; i < n && i < ADDRESSES; i++) {
        size_t size = list[i]->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
        memcpy(&l->address[l->addresses++], list[i], size);
    }
    try_address(l);
}

static void on_refused(struct net_timer *t)
{
    come_back((struct link *)(void *)((char *)t - offsetof(struct link, timer)));
}

// Fails later, from the loop, if it fails at once: whoever opens a link is not called back before that returns.
static void start_attempt(struct link *l)
{
    l->failure = (struct link_failure){.phase = LINK_RESOLVING, .err = ERR_NOT_FOUND};
    l->state = RESOLVING;
    l->addresses = l->at = 0;
    l->late = net_loop_now(l->loop) + l->s.attempt_ms;
    net_timer_start(l->loop, &l->timer, l->s.attempt_ms, on_attempt_late);
    if (net_resolve(l->loop, l->to.host, l->to.port, on_resolved, l, &l->lookup) != ERR_OK)
        net_timer_start(l->loop, &l->timer, 0, on_refused);
}

// ---------------------------------------------------------------------------------------------------------- from outside

static uint32_t or_else(uint32_t v, uint32_t standard) { return v == 0 ? standard : v; }

enum err link_new(struct net_loop *loop, const struct link_address *to, const struct link_settings *s,
                  const struct link_events *events, void *arg, struct link **out)
{
    struct link *l = mem_new(sizeof *l);
    if (l == NULL) return ERR_MEMORY;
    *l = (struct link){.loop = loop, .to = *to, .events = *events, .arg = arg};
    l->s = (struct link_settings){.window = or_else(s->window, WINDOW),
                                  .attempt_ms = or_else(s->attempt_ms, ATTEMPT_MS),
                                  .retry_ms = or_else(s->retry_ms, RETRY_MS),
                                  .retry_max_ms = or_else(s->retry_max_ms, RETRY_MAX_MS),
                                  .silence_ms = or_else(s->silence_ms, SILENCE_MS)};
    l->retry_ms = l->s.retry_ms;
    buf_init(&l->head, HTTP_HEAD_MAX);
    enum err e = net_tls_client(to->pin, &l->tls);
    if (e == ERR_OK) *out = l;
    else mem_free_wiped(l, sizeof *l);
    return e;
}

void link_open(struct link *l)
{
    l->hurry = true; // of use to come_back alone
    if (l->ending || (l->state != IDLE && l->state != PAUSED)) return;
    l->retry_ms = l->s.retry_ms;
    net_timer_stop(&l->timer);
    start_attempt(l);
}

static void nobody_data(void *arg, uint8_t *bytes, size_t n)
{
    (void)arg;
    (void)bytes;
    (void)n;
}

static void nobody_closed(void *arg, enum err why)
{
    (void)arg;
    (void)why;
}

static const struct net_owner nobody = {.data = nobody_data, .closed = nobody_closed};

void link_free(struct link *l)
{
    if (l == NULL) return;
    bool within = l->ending; // an answer that is given below frees the link, too: the outer call does
    l->ending = true;
    if (l->freed != NULL) *l->freed = true;
    net_timer_stop(&l->timer);
    if (l->lookup != NULL) net_resolve_forget(l->lookup);
    l->lookup = NULL;
    if (l->conn != NULL) {
        net_conn_owner(l->conn, &nobody, NULL);
        if (l->state == UP) net_conn_close(l->conn);
        else net_conn_reset(l->conn);
        l->conn = NULL;
    }
    l->state = IDLE;
    for (size_t i = 0; i < WAITING_MAX; i++) { // whoever asks for more now is refused
        struct waiting w = l->waiting[i];
        l->waiting[i] = (struct waiting){0};
        if (w.id != 0) w.answer(w.arg, NULL);
    }
    if (within) return;
    ws_wipe(&l->ws);
    buf_wipe(&l->head);
    net_tls_unref(l->tls);
    mem_free_wiped(l, sizeof *l);
}
