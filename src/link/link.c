// SPDX-License-Identifier: Apache-2.0
//
// Links: what is said on a connection, from the moment when the relay's key is proved (way.c). Invariant: each request that was sent has its answer called once, with NULL at the latest when the connection is gone.
#include "link/inner.h"

#include "net/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum {
    WINDOW = 256 << 10,
    ATTEMPT_MS = 15000,
    RETRY_MS = 1000,
    RETRY_MAX_MS = 60000,
    SILENCE_MS = 30000,
    DOUBT_MS = 3000, // for an answer to a ping when the network has changed
    WATCH_MS = 500,
    AT_ONCE_MS = 10000, // so often may a break be followed by no pause
    PONGS = 65536       // bytes: while more waits to be sent, pings are not answered
};

const char *link_failure_text(const struct link_failure *f)
{
    switch (f->phase) {
    case LINK_RESOLVING:
    case LINK_CONNECTING: return reach_failure_text(&f->reach);
    case LINK_UPGRADING:
        return "there is a web site at the relay's address, but no relay: has its secret path changed?";
    case LINK_GREETING:
        return f->err == ERR_UNSUPPORTED
                   ? "the relay speaks another version of the protocol; is one of the two too old?"
                   : "the relay is there, but does not talk to us now; it may be busy, or stopping";
    default:
        return f->err == ERR_REFUSED ? "the connection was ended: the policy does not allow its route any more"
                                     : "the connection to the relay broke";
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
uint32_t link_route(const struct link *l) { return l->conn == NULL ? ROUTE_DIRECT_ID : l->route; }
const struct wire_limits *link_limits(const struct link *l) { return &l->limits; }

size_t link_most(const struct link *l) { return l->limits.in_flight < WAITING_MAX ? l->limits.in_flight : WAITING_MAX; }

size_t link_room(const struct link *l)
{
    size_t most = link_most(l);
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
    if (l->under_way++ == 0) l->asked = net_loop_now(l->loop);
    if (l->state == UP && l->under_way == 1) link_watch(l);
    return ERR_OK;
}

enum err link_ask(struct link *l, const struct wire_request *request, link_answer *answer, void *arg)
{
    if (l->state != UP) return ERR_REFUSED;
    return link_room(l) == 0 ? ERR_LIMIT : ask(l, request, answer, arg);
}

bool link_abandon(struct link *l)
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
    link_start(l);
}

void link_come_back(struct link *l)
{
    const struct link_failure why = l->failure;
    net_timer_stop(&l->timer);
    link_run_no_more(l);
    l->state = BROKEN;
    l->hurry = false;
    ws_wipe(&l->ws);
    buf_wipe(&l->head);
    if (!link_abandon(l)) return;
    l->state = PAUSED;
    // Up to a quarter more, so that not all who lost a relay come back at once.
    uint8_t r[2];
    take_random(l, r, sizeof r);
    uint32_t wait = l->retry_ms + l->retry_ms / 4 * (uint32_t)(r[0] << 8 | r[1]) / 65536;
    l->retry_ms = l->retry_ms < l->s.retry_max_ms / 2 ? l->retry_ms * 2 : l->s.retry_max_ms;
    if (l->hurry || l->at_once) {
        wait = 0;
        l->retry_ms = l->s.retry_ms;
    }
    net_timer_start(l->loop, &l->timer, wait, on_pause_over);
    l->events.down(l->arg, &why, wait);
}

void link_fail(struct link *l, enum link_phase phase, enum err e, unsigned status)
{
    l->failure = (struct link_failure){.phase = phase, .err = e, .status = status};
    if (phase == LINK_CONNECTING) l->failure.reach = (struct reach_failure){.hop = HOP_TALK, .err = e};
    l->given_up = true;
    net_conn_reset(l->conn);
}

// ------------------------------------------------------------------------------------------------------------- silence

void link_ping(struct link *l)
{
    l->pinged = true;
    send_frame(l, WS_PING, span_of(NULL, 0));
}

static void on_silence(struct net_timer *t)
{
    struct link *l = (struct link *)(void *)((char *)t - offsetof(struct link, timer));
    uint64_t now = net_loop_now(l->loop), quiet = now - l->heard;
    bool waits = l->under_way > 0 && now - l->asked >= l->patience_ms;
    if (l->state != UP) {
        if (now - l->since >= l->s.attempt_ms) {
            link_fail(l, LINK_CONNECTING, ERR_LIMIT, 0);
            return;
        }
        waits = true; // for the answer to the handshake, or to hello
    } else if ((quiet >= 2 * (uint64_t)l->s.silence_ms && l->pinged) || (l->doubt != 0 && now - l->doubt >= DOUBT_MS)) {
        link_fail(l, LINK_UP, ERR_LIMIT, 0);
        return;
    }
    if (l->state == UP && quiet >= l->s.silence_ms && !l->pinged) link_ping(l);
    if (waits && quiet >= l->patience_ms) link_look_further(l);
    link_watch(l);
}

void link_watch(struct link *l)
{
    bool waits = l->state != UP || l->under_way > 0;
    uint32_t ms = (l->state == UP ? l->s.silence_ms : l->s.attempt_ms) / 4 + 1;
    if (ms > WATCH_MS && (l->doubt != 0 || (waits && link_has_choice(l)))) ms = WATCH_MS;
    net_timer_start(l->loop, &l->timer, ms, on_silence);
}

// ------------------------------------------------------------------------------------------------------------- receiving

// Hello has its own answer.
static void on_hello(void *arg, const struct wire_reply *r)
{
    struct link *l = arg;
    if (r == NULL) return; // the connection broke, which is told as such
    if (r->type != WIRE_R_HELLO || r->version != WIRE_VERSION || r->limits.in_flight == 0) {
        bool busy = r->type == WIRE_R_ERROR && r->code != WIRE_E_UNSUPPORTED;
        link_fail(l, LINK_GREETING, busy ? ERR_REFUSED : ERR_UNSUPPORTED, 0);
        return;
    }
    l->state = UP;
    l->limits = r->limits;
    l->retry_ms = l->s.retry_ms;
    l->since = net_loop_now(l->loop);
    l->doubt = 0;
    if (l->s.reach != NULL) {
        reach_use(l->s.reach, l->route, 1);
        reach_worked(l->s.reach, l->route);
    }
    link_watch(l);
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
    if (ask(l, &r, on_hello, l) != ERR_OK) link_fail(l, LINK_GREETING, ERR_MEMORY, 0);
}

static void take_reply(struct link *l, const struct wire_reply *r)
{
    struct waiting *w = &l->waiting[r->id % WAITING_MAX];
    if (r->id == 0 ||
        w->id != r->id) { // an error without an id, or an answer that nobody waits for: the two have lost each other
        link_fail(l, LINK_UP, ERR_INVALID, 0);
        return;
    }
    struct waiting now = *w;
    *w = (struct waiting){0};
    l->under_way--;
    l->asked = net_loop_now(l->loop);
    if (l->state == UP) l->patience_ms = PATIENCE_MS;
    now.answer(now.arg, r);
}

static void take_message(struct link *l, struct span message)
{
    struct wire_reply r;
    enum err e = wire_read_reply(message, &r);
    if (e != ERR_OK) {
        link_fail(l, l->state == UP ? LINK_UP : LINK_GREETING, e, 0);
    } else if (r.type < WIRE_P_ENTRIES) {
        take_reply(l, &r);
    } else if (l->state != UP) {
        link_fail(l, LINK_GREETING, ERR_INVALID, 0);
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
    while (!freed && l->conn != NULL && !l->given_up && ws_next(&l->ws, &bytes, &n, &opcode, &payload, &status)) {
        if (opcode == WS_BINARY) take_message(l, payload);
        else if (opcode == WS_PING) answer_ping(l, payload);
        else if (opcode == WS_CLOSE) net_conn_close(l->conn);
        else if (opcode == WS_TEXT) link_fail(l, LINK_UP, ERR_INVALID, 0);
        if (opcode == WS_CLOSE) break;
    }
    if (freed) {
        if (outer != NULL) *outer = true;
        return;
    }
    l->freed = outer;
    if (status != 0 && l->conn != NULL) link_fail(l, l->state == UP ? LINK_UP : LINK_GREETING, ERR_MALFORMED, 0);
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
        link_fail(l, LINK_UPGRADING, e, e == ERR_OK ? status : 0);
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
    l->doubt = 0;
    if (l->given_up) return;
    link_run_no_more(l); // it speaks again
    if (l->state == UPGRADING) take_head(l, bytes, n);
    else take_frames(l, bytes, n);
}

// ------------------------------------------------------------------------------------------------------------ connecting

static void on_closed(void *arg, enum err why)
{
    struct link *l = arg;
    bool was_up = l->state == UP;
    l->conn = NULL;
    if (was_up && !l->given_up) l->failure = (struct link_failure){.phase = LINK_UP, .err = why};
    link_judge(l, was_up, !l->given_up && why == ERR_OK);
    uint64_t now = net_loop_now(l->loop);
    if (was_up && link_has_choice(l) &&
        (l->hurried == 0 || now - l->hurried >= AT_ONCE_MS)) { // another route may do better
        l->at_once = true;
        l->hurried = now;
    }
    link_come_back(l);
}

static const struct net_owner owner = {.data = on_data, .closed = on_closed};

void link_upgrade(struct link *l, struct net_conn *c, uint32_t route)
{
    uint8_t random[16];
    char text[1024];
    l->conn = c;
    l->route = route;
    net_conn_owner(c, &owner, l);
    take_random(l, random, sizeof random);
    http_ws_key(random, l->key);
    bool v6 = strchr(l->to.host, ':') != NULL;
    int n = snprintf(
        text, sizeof text,
        "GET /%s HTTP/1.1\r\nHost: %s%s%s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n",
        l->to.secret, v6 ? "[" : "", l->to.host, v6 ? "]" : "", l->key);
    l->state = UPGRADING;
    l->given_up = l->at_once = false;
    l->heard = l->since = net_loop_now(l->loop);
    link_watch(l);
    l->failure = (struct link_failure){.phase = LINK_UPGRADING, .err = ERR_IO};
    buf_wipe(&l->head);
    net_conn_send(l->conn, span_of(text, (size_t)n));
    mem_wipe(text, sizeof text);
}

// ---------------------------------------------------------------------------------------------------------- from outside

static uint32_t or_else(uint32_t v, uint32_t standard) { return v == 0 ? standard : v; }

enum err link_new(struct net_loop *loop, const struct link_address *to, const struct link_settings *s,
                  const struct link_events *events, void *arg, struct link **out)
{
    struct link *l = mem_new(sizeof *l);
    if (l == NULL) return ERR_MEMORY;
    *l = (struct link){.loop = loop, .to = *to, .own = *to, .events = *events, .arg = arg};
    l->s = (struct link_settings){.window = or_else(s->window, WINDOW),
                                  .attempt_ms = or_else(s->attempt_ms, ATTEMPT_MS),
                                  .retry_ms = or_else(s->retry_ms, RETRY_MS),
                                  .retry_max_ms = or_else(s->retry_max_ms, RETRY_MAX_MS),
                                  .silence_ms = or_else(s->silence_ms, SILENCE_MS),
                                  .reach = s->reach,
                                  .circuit = s->circuit};
    l->patience_ms = PATIENCE_MS;
    l->member.news = link_news;
    l->retry_ms = l->s.retry_ms;
    buf_init(&l->head, HTTP_HEAD_MAX);
    enum err e = net_tls_client(to->pin, &l->tls);
    if (e == ERR_OK) {
        reach_join(s->reach, &l->member);
        *out = l;
    } else {
        mem_free_wiped(l, sizeof *l);
    }
    return e;
}

void link_open(struct link *l)
{
    l->hurry = true; // of use to come_back alone
    if (l->ending || (l->state != IDLE && l->state != PAUSED)) return;
    l->retry_ms = l->s.retry_ms;
    net_timer_stop(&l->timer);
    link_start(l);
}

void link_break(struct link *l)
{
    if (l->state == UP && l->conn != NULL && !l->given_up) link_fail(l, LINK_UP, ERR_REFUSED, 0);
}

void link_free(struct link *l)
{
    if (l == NULL) return;
    bool within = l->ending; // an answer that is given below frees the link, too: the outer call does
    l->ending = true;
    if (l->freed != NULL) *l->freed = true;
    net_timer_stop(&l->timer);
    reach_leave(&l->member);
    link_run_no_more(l);
    if (l->conn != NULL) {
        net_conn_owner(l->conn, &link_nobody, NULL);
        if (l->state == UP && l->s.reach != NULL) reach_use(l->s.reach, l->route, -1);
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
