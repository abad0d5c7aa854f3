// SPDX-License-Identifier: Apache-2.0
//
// Sessions: WebSocket frames in, messages out, time-outs, and the end. A session outlives its connection while jobs of it are
// under way. Invariant: after session_close nothing is sent, no follow is live, and every job that comes home is freed unseen.
#include "relay/session.h"

#include "relay/follow.h"

// The mark is below what stops pushes and requests, so that whatever was stopped hears when all is sent.
enum { PENDING_MAX = 1 << 20, PENDING_MARK = 1, ADDRESS_PART = 4, ROOM_PART = 4 };

static void ticked(struct net_timer *t);

// ------------------------------------------------------------------------------------------------------------- life

// For when the next of the two patiences may end.
static void arm(struct session *s)
{
    const struct config *c = s->worker->config;
    uint64_t now = net_loop_now(s->worker->loop), due = s->heard + c->idle_timeout * 1000;
    uint64_t late = s->partial + c->request_timeout * 1000;
    if (s->partial != 0 && !s->paused && due > late) due = late;
    net_timer_start(s->worker->loop, &s->timer, due > now ? due - now : 0, ticked);
}

static void free_if_done(struct session *s)
{
    if (s->conn != NULL || s->jobs > 0) return;
    quota_leave(&s->worker->relay->quota, s->address, net_loop_now(s->worker->loop)); // its jobs were counted there
    mem_free_wiped(s, sizeof *s);
}

static void on_data(void *arg, uint8_t *bytes, size_t n) { session_data(arg, bytes, n); }

static void on_drained(void *arg)
{
    struct session *s = arg;
    if (s->state == SESSION_CLOSING) return;
    if (s->paused && !s->worker->stopping) {
        s->paused = false;
        net_conn_pause(s->conn, false);
        // It was not the client that made a message wait meanwhile.
        if (s->partial != 0) s->partial = net_loop_now(s->worker->loop);
        arm(s);
    }
    follow_pump(s);
}

static void on_closed(void *arg, enum err why)
{
    struct session *s = arg;
    (void)why;
    s->conn = NULL;
    if (s->state != SESSION_CLOSING) follow_drop_all(s);
    s->state = SESSION_CLOSING;
    net_timer_stop(&s->timer);
    net_timer_stop(&s->wrong);
    ws_wipe(&s->ws);
    *s->link = s->next;
    if (s->next != NULL) s->next->link = s->link;
    atomic_fetch_sub(&s->worker->counts.sessions, 1);
    free_if_done(s);
}

static const struct net_owner owner = {.data = on_data, .drained = on_drained, .closed = on_closed};

enum err session_new(struct worker *w, struct net_conn *conn, struct quota_entry *address, struct session **out)
{
    struct session *s = mem_new(sizeof *s);
    if (s == NULL) return ERR_MEMORY;
    *s = (struct session){.worker = w, .conn = conn, .next = w->sessions, .link = &w->sessions, .address = address};
    if (s->next != NULL) s->next->link = &s->next;
    w->sessions = s;
    s->queue_last = &s->queue;
    s->serial = atomic_fetch_add(&w->relay->serial, 1) + 1;
    s->heard = net_loop_now(w->loop);
    ws_init(&s->ws, true, WIRE_FRAME_MAX);
    net_conn_owner(conn, &owner, s);
    net_conn_mark(conn, PENDING_MARK);
    atomic_fetch_add(&w->counts.sessions, 1);
    arm(s);
    *out = s;
    return ERR_OK;
}

void session_close(struct session *s, enum ws_status status)
{
    uint8_t frame[16];
    const uint8_t payload[2] = {(uint8_t)(status >> 8), (uint8_t)status};
    if (s->state == SESSION_CLOSING) return;
    s->state = SESSION_CLOSING;
    net_timer_stop(&s->timer); // the connection has its own for this
    net_timer_stop(&s->wrong);
    follow_drop_all(s);
    if (s->conn == NULL) return;
    size_t n = ws_head(frame, WS_CLOSE, sizeof payload);
    memcpy(frame + n, payload, sizeof payload);
    net_conn_send(s->conn, span_of(frame, n + sizeof payload));
    net_conn_close(s->conn);
}

static void ticked(struct net_timer *t)
{
    struct session *s = (struct session *)(void *)((char *)t - offsetof(struct session, timer));
    const struct config *c = s->worker->config;
    uint64_t now = net_loop_now(s->worker->loop), taken = net_conn_taken(s->conn);
    // Whoever slowly takes what waits for it is alive, though nothing may have come: it is not read, or our ping stands behind.
    if (taken != s->taken) {
        s->heard = now;
        s->pinged = false;
    }
    s->taken = taken;
    if (s->partial != 0 && now - s->partial >= c->request_timeout * 1000 && !s->paused) {
        session_close(s, WS_POLICY);
        return;
    }
    if (now - s->heard >= c->idle_timeout * 1000) {
        // Silent: one ping, and then as long again for the answer, or anything else.
        uint8_t ping[10];
        if (s->pinged) {
            net_conn_reset(s->conn);
            return;
        }
        s->pinged = true;
        s->heard = now;
        net_conn_send(s->conn, span_of(ping, ws_head(ping, WS_PING, 0)));
    }
    arm(s);
}

// ------------------------------------------------------------------------------------------------------------- out

// How much one session may have waiting: a part of what is left of its worker's memory for that. So many that read nothing share
// what there is evenly, something is always left, and whoever reads gets its next message even when nothing is.
static size_t room(const struct session *s)
{
    const struct worker *w = s->worker;
    uint64_t all = w->config->memory / w->relay->workers, used = net_loop_pending(w->loop) + w->promised;
    return used < all ? (size_t)(all - used) / ROOM_PART : 0;
}

bool session_promise(struct session *s, struct job *j, size_t bytes)
{
    size_t own = net_conn_pending(s->conn) + s->promised;
    if (bytes > 0 && own > 0 && own + bytes > room(s)) return false;
    j->promised = bytes;
    return true;
}

static bool has_room(const struct session *s)
{
    size_t pending = net_conn_pending(s->conn);
    return pending == 0 || (pending < PENDING_MAX && pending < room(s));
}

bool session_ready(const struct session *s) { return s->state == SESSION_OPEN && s->credit > 0 && has_room(s); }

static void send_frame(struct session *s, enum ws_opcode opcode, struct span head, struct span tail)
{
    uint8_t frame[10];
    if (s->state == SESSION_CLOSING) return;
    net_conn_send(s->conn, span_of(frame, ws_head(frame, opcode, head.n + tail.n)));
    net_conn_send(s->conn, head);
    if (tail.n > 0) net_conn_send(s->conn, tail);
    // Whoever does not take its answers is asked nothing more.
    if (!s->paused && !has_room(s)) {
        s->paused = true;
        net_conn_pause(s->conn, true);
    }
}

void session_send(struct session *s, struct span head, struct span tail) { send_frame(s, WS_BINARY, head, tail); }

void session_reply(struct session *s, const struct wire_reply *r)
{
    struct buf b;
    buf_init(&b, WIRE_FRAME_MAX);
    wire_write_reply(&b, r);
    if (buf_end(&b) == ERR_OK) session_send(s, buf_span(&b), span_of(NULL, 0));
    else session_close(s, WS_INTERNAL);
    buf_wipe(&b);
}

void session_error(struct session *s, uint32_t id, enum wire_code code, uint64_t detail)
{
    struct wire_reply r = {
        .type = WIRE_R_ERROR, .id = id, .code = code, .detail = detail, .text = span_str(wire_code_text(code))};
    atomic_fetch_add(&s->worker->counts.errors, 1);
    session_reply(s, &r);
}

// -------------------------------------------------------------------------------------------------------------- jobs

static void come_home(struct net_post *p)
{
    struct job *j = (struct job *)(void *)((char *)p - offsetof(struct job, post));
    j->done(j);
}

void session_give(struct session *s, enum lane_kind lane, struct job *j, void (*done)(struct job *j))
{
    j->post.fn = come_home;
    j->done = done;
    j->home = s->worker->loop;
    s->jobs++;
    s->promised += j->promised;
    s->worker->promised += j->promised;
    // No address gets more than its part of what may wait, so that one that asks for all leaves something to others.
    struct lane *l = &s->worker->relay->lane[lane];
    size_t waiting = atomic_fetch_add(&s->address->waiting, j->size);
    if (waiting + j->size <= l->waiting_max / ADDRESS_PART || j->size == sizeof *j) {
        if (lane_give(l, j)) return;
    } else {
        atomic_fetch_add(&l->counts.refused, 1);
    }
    j->code = WIRE_E_UNAVAILABLE;
    net_loop_post(j->home, &j->post);
}

bool session_home(struct job *j)
{
    struct session *s = j->session;
    s->jobs--;
    s->promised -= j->promised;
    s->worker->promised -= j->promised;
    atomic_fetch_sub(&s->address->waiting, j->size);
    if (s->state != SESSION_CLOSING) return true;
    job_free(j);
    free_if_done(s);
    return false;
}

// --------------------------------------------------------------------------------------------------------------- in

static void control(struct session *s, enum ws_opcode opcode, struct span payload)
{
    uint16_t status;
    switch (opcode) {
    case WS_PING: send_frame(s, WS_PONG, payload, span_of(NULL, 0)); break;
    case WS_PONG: break;
    case WS_CLOSE: session_close(s, ws_close_status(payload, &status) ? WS_NORMAL : WS_PROTOCOL_ERROR); break;
    default: session_close(s, WS_UNSUPPORTED_DATA); break;
    }
}

void session_data(struct session *s, uint8_t *bytes, size_t n)
{
    enum ws_opcode opcode;
    enum ws_status status = 0;
    struct span payload;
    s->heard = net_loop_now(s->worker->loop);
    s->pinged = false;
    while (s->state != SESSION_CLOSING && ws_next(&s->ws, &bytes, &n, &opcode, &payload, &status)) {
        if (s->ws.opcode == 0) s->partial = 0; // a ping amid the parts of a message gives it no more time
        if (opcode == WS_BINARY) request_handle(s, payload);
        else control(s, opcode, payload);
    }
    if (s->state == SESSION_CLOSING) return;
    if (status != 0) {
        session_close(s, status);
        return;
    }
    bool partial = ws_waiting(&s->ws);
    if (partial == (s->partial != 0)) return;
    s->partial = partial ? s->heard : 0;
    if (partial) arm(s);
}
