// SPDX-License-Identifier: Apache-2.0
//
// Following. A follow is ASKING while its grant is looked up, BEHIND while there are entries to read, READING while a
// read is under way, and LIVE when it has everything: then an entry that comes is pushed as it comes. Whatever cannot be
// pushed now (no credit, a full socket, a gap) makes it BEHIND, and the store is read later, so nothing is ever queued for a slow
// client. Invariants: `sent` only grows, and each entry after it that the grant covers is pushed once; entries of a log are pushed
// in order.
#include "relay/follow.h"

enum { READ_BYTES = WIRE_FRAME_MAX / 2 };

// ------------------------------------------------------------------------------------------------------- the queue

static void enqueue(struct follow *f)
{
    struct session *s = f->session;
    f->state = FOLLOW_BEHIND;
    f->queue_next = NULL;
    *s->queue_last = f;
    s->queue_last = &f->queue_next;
}

static struct follow *dequeue(struct session *s)
{
    struct follow *f = s->queue;
    s->queue = f->queue_next;
    if (s->queue == NULL) s->queue_last = &s->queue;
    f->queue_next = NULL;
    return f;
}

static void leave_queue(struct follow *f)
{
    struct session *s = f->session;
    for (struct follow **at = &s->queue; *at != NULL; at = &(*at)->queue_next) {
        if (*at != f) continue;
        *at = f->queue_next;
        if (*at == NULL) s->queue_last = at;
        return;
    }
}

static void remove_follow(struct follow *f)
{
    if (f->state == FOLLOW_BEHIND) leave_queue(f);
    f->session->follow_count--;
    hub_unfollow(&f->session->worker->hub, f);
}

// While a job knows the follow it only says that it is gone.
static void drop(struct follow *f)
{
    if (f->state == FOLLOW_ASKING || f->state == FOLLOW_READING) f->gone = true;
    else remove_follow(f);
}

void follow_drop_all(struct session *s)
{
    for (struct follow *f = s->follows, *next; f != NULL; f = next) {
        next = f->session_next;
        drop(f);
    }
}

static void end(struct follow *f, enum wire_code code)
{
    struct session *s = f->session;
    struct wire_reply r = {.type = WIRE_P_ENDED, .tag = f->tag, .code = code};
    remove_follow(f);
    session_reply(s, &r);
}

// ----------------------------------------------------------------------------------------------------------- pushes

static void account(struct session *s, size_t bytes)
{
    s->credit -= (int64_t)bytes;
    atomic_fetch_add(&s->worker->counts.pushes, 1);
    atomic_fetch_add(&s->worker->counts.pushed_bytes, bytes);
}

// The entries lie encoded in `list`.
static void push_entries(struct follow *f, struct span list)
{
    uint8_t head[16];
    size_t n = wire_push_head(f->tag, list.n, head);
    session_send(f->session, span_of(head, n), list);
    account(f->session, n + list.n);
}

// After something was sent, or the grant's end became known. False if the follow has ended.
static bool settle(struct follow *f)
{
    if (f->sent >= f->to_seq) {
        end(f, WIRE_E_ENDED);
        return false;
    }
    if (f->sent < f->topic->head) enqueue(f);
    else f->state = FOLLOW_LIVE;
    return true;
}

static void entry_event(struct follow *f, const struct store_event *e, struct span encoded)
{
    if (f->state != FOLLOW_LIVE || e->seq <= f->sent) return;
    if (e->seq != f->sent + 1 || encoded.n == 0 || !session_ready(f->session)) {
        enqueue(f);
        follow_pump(f->session);
        return;
    }
    push_entries(f, encoded);
    f->sent = e->seq;
    (void)settle(f);
}

static void signal_event(struct follow *f, const struct store_event *e)
{
    if (f->state != FOLLOW_LIVE || e->origin == f->session->serial || !session_ready(f->session)) return;
    struct wire_reply r = {.type = WIRE_P_SIGNAL, .tag = f->tag, .data = e->payload};
    session_reply(f->session, &r);
}

// --------------------------------------------------------------------------------------------------- asking for grants

static void asked_again(struct job *j);

// Looks one follow's grant up again. There is no request to answer: its job is the relay's own.
static void ask_again(struct follow *f)
{
    struct job *j = NULL;
    struct session *s = f->session;
    if (job_new(s, span_of(NULL, 0), &j) != ERR_OK) {
        session_close(s, WS_INTERNAL); // drops it, since no job knows it
        return;
    }
    if (f->state == FOLLOW_BEHIND) leave_queue(f);
    f->state = FOLLOW_ASKING;
    f->again = false;
    memcpy(j->hash, f->hash, sizeof j->hash);
    j->request = (struct wire_request){.type = WIRE_LOG_STAT, .log = f->topic->log};
    j->follow = f;
    session_give(s, LANE_READ, j, asked_again);
}

static void grants_event(struct follow *f)
{
    if (f->state == FOLLOW_ASKING || f->state == FOLLOW_READING) f->again = true;
    else ask_again(f);
}

// What the grant allows is known: from here on it is sent what it may see.
static void begin(struct follow *f, const struct store_view *v)
{
    if (f->topic->head < v->head.head) f->topic->head = v->head.head;
    if (f->sent < v->from_seq - (v->from_seq > 0)) f->sent = v->from_seq - 1;
    f->to_seq = v->to_seq;
    if (f->again) ask_again(f);
    else (void)settle(f);
}

// A job that knew a follow is back. False if the follow went meanwhile, or its session: then both are done with, and the others
// of the session go on.
static bool welcome_back(struct job *j)
{
    struct follow *f = j->follow;
    struct session *s = j->session;
    bool gone = f->gone;
    f->state = FOLLOW_LIVE;
    if (gone) remove_follow(f);
    if (!session_home(j)) return false;
    if (!gone) return true;
    job_free(j);
    follow_pump(s);
    return false;
}

static void asked_again(struct job *j)
{
    struct follow *f = j->follow;
    struct session *s = j->session;
    if (!welcome_back(j)) return;
    bool denied = j->code == WIRE_E_DENIED || (j->view.rights & WIRE_READ) == 0;
    if (j->code != WIRE_OK && !denied) session_close(s, WS_INTERNAL);
    else if (denied) end(f, WIRE_E_DENIED);
    else begin(f, &j->view);
    job_free(j);
    follow_pump(s);
}

void follow_event(struct worker *w, struct topic *t, const struct store_event *e)
{
    struct buf encoded;
    (void)w;
    buf_init(&encoded, WIRE_FRAME_MAX);
    if (e->kind == STORE_ENTRY) {
        if (t->head < e->seq) t->head = e->seq;
        struct wire_entry entry = {.seq = e->seq, .time = e->time, .epoch = e->epoch, .payload = e->payload};
        if (e->payload.n > 0) wire_put_entry(&encoded, &entry);
        if (buf_end(&encoded) != ERR_OK) buf_wipe(&encoded); // then it is read
    }
    for (struct follow *f = t->followers, *next; f != NULL; f = next) {
        next = f->next;
        if (f->gone) continue;
        switch (e->kind) {
        case STORE_ENTRY: entry_event(f, e, buf_span(&encoded)); break;
        case STORE_GRANTS:
        case STORE_DELETED: grants_event(f); break;
        case STORE_SIGNAL: signal_event(f, e); break;
        }
    }
    buf_wipe(&encoded);
}

static void catch_up(struct net_post *p)
{
    struct worker *w = (struct worker *)(void *)((char *)p - offsetof(struct worker, missed));
    atomic_store(&w->missing, false);
    for (struct session *s = w->sessions, *next; s != NULL; s = next) {
        next = s->next;
        for (struct follow *f = s->follows, *other; f != NULL && s->state == SESSION_OPEN; f = other) {
            other = f->session_next;
            if (f->state != FOLLOW_BEHIND && !f->gone) grants_event(f);
        }
    }
}

void follow_missed(struct worker *w)
{
    if (atomic_exchange(&w->missing, true)) return;
    w->missed.fn = catch_up;
    net_loop_post(w->loop, &w->missed);
}

// ---------------------------------------------------------------------------------------------------------- reading on

static void take_entries(struct follow *f, const struct job *j)
{
    struct span list = buf_span(&j->out);
    struct wire_entry entry;
    uint64_t last = f->sent;
    for (struct span rest = list; wire_next_entry(&rest, &entry);) last = entry.seq;
    if (list.n > 0) {
        push_entries(f, list);
        f->sent = last;
    } else {
        // Nothing came: all that the grant covers and that is kept has been sent.
        uint64_t known = j->view.head.head < j->view.to_seq ? j->view.head.head : j->view.to_seq;
        if (f->sent < known) f->sent = known;
    }
}

static void read_done(struct job *j)
{
    struct follow *f = j->follow;
    struct session *s = j->session;
    s->reading = false;
    if (!welcome_back(j)) return;
    if (j->code == WIRE_E_DENIED) {
        end(f, WIRE_E_DENIED);
    } else if (j->code != WIRE_OK) {
        session_close(s, WS_INTERNAL); // the store fails: better a client that tries again than one that waits
    } else {
        take_entries(f, j);
        begin(f, &j->view);
    }
    job_free(j);
    follow_pump(s);
}

void follow_pump(struct session *s)
{
    if (s->reading || s->queue == NULL || !session_ready(s) || s->worker->stopping) return;
    struct job *j = NULL;
    if (job_new(s, span_of(NULL, 0), &j) != ERR_OK) {
        session_close(s, WS_INTERNAL);
        return;
    }
    struct follow *f = dequeue(s);
    f->state = FOLLOW_READING;
    s->reading = true;
    j->request = (struct wire_request){.type = WIRE_LOG_READ, .log = f->topic->log, .after = f->sent};
    memcpy(j->hash, f->hash, sizeof j->hash);
    j->out.max = READ_BYTES + 64;
    j->follow = f;
    session_give(s, LANE_READ, j, read_done);
}

// ------------------------------------------------------------------------------------------------------- the requests

// Marks in a small table; true if the value was there. Keys of the table are chosen by the client, but there are few.
struct seen {
    uint64_t *slot;
    size_t n;
};

static bool seen_before(struct seen *t, uint64_t value)
{
    size_t at = (size_t)(value * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (t->n - 1);
    while (t->slot[at] != 0) {
        if (t->slot[at] == value + 1) return true;
        at = (at + 1) & (t->n - 1);
    }
    t->slot[at] = value + 1;
    return false;
}

static bool followed_log(const struct session *s, const uint8_t *log)
{
    struct topic *t = hub_find(&s->worker->hub, log);
    for (struct follow *f = t != NULL ? t->followers : NULL; f != NULL; f = f->next) {
        if (f->session == s && !f->gone) return true;
    }
    return false;
}

static enum err add_follow(struct session *s, const struct wire_follow *w, struct follow **out)
{
    struct follow *f = NULL;
    enum err e = hub_follow(&s->worker->hub, s, w->log, &f);
    if (e != ERR_OK) return e;
    e = relay_hash(s->worker->crypto, w->key, WIRE_KEY, f->hash);
    f->tag = w->tag;
    f->sent = w->after;
    f->session_next = s->follows;
    f->session_link = &s->follows;
    if (s->follows != NULL) s->follows->session_link = &f->session_next;
    s->follows = f;
    s->follow_count++;
    if (e != ERR_OK) remove_follow(f);
    else *out = f;
    return e;
}

// The follows of a request, in its order; NULL where it was refused at once.
struct asked {
    struct follow *f;
    enum wire_code code;
};

static void answer(struct session *s, struct job *j, struct asked *asked)
{
    const struct store_view *views = (const struct store_view *)(const void *)j->out.p;
    struct buf list;
    struct wire_follow w;
    struct span rest = j->request.follows;
    buf_init(&list, WIRE_FRAME_MAX);
    for (size_t i = 0; wire_next_follow(&rest, &w); i++) {
        const struct store_view *v = &views[i];
        if (asked[i].code == WIRE_OK && (v->rights & WIRE_READ) == 0) asked[i].code = WIRE_E_DENIED;
        if (asked[i].code == WIRE_OK && asked[i].f->gone) asked[i].code = WIRE_E_ENDED; // unfollowed meanwhile
        struct wire_followed done = {.tag = w.tag, .code = (uint8_t)asked[i].code};
        if (done.code == WIRE_OK) {
            done.oldest = v->head.oldest;
            done.head = v->head.head;
            done.epoch = v->head.epoch;
        }
        wire_put_followed(&list, &done);
    }
    struct wire_reply r = {.type = WIRE_R_FOLLOWED, .id = j->request.id, .followed = buf_span(&list)};
    if (buf_end(&list) == ERR_OK) session_reply(s, &r);
    else session_close(s, WS_INTERNAL);
    buf_wipe(&list);
}

// Whoever was refused, or has gone meanwhile, is followed no more; the others are live for now.
static void weed(const struct job *j, struct asked *asked)
{
    struct span list = j->request.follows;
    struct wire_follow w;
    for (size_t i = 0; wire_next_follow(&list, &w); i++) {
        struct follow *f = asked[i].f;
        if (f == NULL) continue;
        f->state = FOLLOW_LIVE;
        if (!f->gone && asked[i].code == WIRE_OK && j->code == WIRE_OK) continue;
        remove_follow(f);
        asked[i].f = NULL;
    }
}

static void follow_done(struct job *j)
{
    struct asked *asked = j->follow;
    struct session *s = j->session;
    struct span list = j->request.follows;
    struct wire_follow w;
    if (j->code == WIRE_OK && s->state == SESSION_OPEN) answer(s, j, asked); // before the first push
    weed(j, asked);
    if (!session_home(j)) {
        mem_free(asked);
        return;
    }
    s->in_flight--;
    if (j->code != WIRE_OK) session_error(s, j->request.id, j->code, 0);
    const struct store_view *views = (const struct store_view *)(const void *)j->out.p;
    for (size_t i = 0; s->state == SESSION_OPEN && wire_next_follow(&list, &w); i++) {
        if (asked[i].f != NULL) begin(asked[i].f, &views[i]);
    }
    mem_free(asked);
    job_free(j);
    follow_pump(s);
}

void follow_request(struct session *s, struct job *j)
{
    struct span list = j->request.follows;
    struct wire_follow w;
    size_t count = 0;
    while (wire_next_follow(&list, &w)) count++;
    struct seen tags = {.n = 64};
    while (tags.n < 2 * (count + s->follow_count)) tags.n *= 2;
    tags.slot = mem_new_array(tags.n, sizeof *tags.slot);
    struct asked *asked = mem_new_array(count, sizeof *asked);
    if (tags.slot == NULL || asked == NULL) {
        mem_free(tags.slot);
        mem_free(asked);
        session_error(s, j->request.id, WIRE_E_UNAVAILABLE, 0);
        job_free(j);
        return;
    }
    for (struct follow *f = s->follows; f != NULL; f = f->session_next) {
        if (!f->gone) (void)seen_before(&tags, f->tag);
    }
    list = j->request.follows;
    for (size_t i = 0; wire_next_follow(&list, &w); i++) {
        if (s->follow_count >= s->worker->config->follows_max) asked[i].code = WIRE_E_LIMIT;
        else if (seen_before(&tags, w.tag) || followed_log(s, w.log)) asked[i].code = WIRE_E_EXISTS;
        else if (add_follow(s, &w, &asked[i].f) != ERR_OK) asked[i].code = WIRE_E_UNAVAILABLE;
    }
    mem_free(tags.slot);
    j->follow = asked;
    s->in_flight++;
    session_give(s, LANE_READ, j, follow_done);
}

void follow_stop(struct session *s, const struct wire_request *r)
{
    struct wire_reply ok = {.type = WIRE_R_OK, .id = r->id};
    for (struct follow *f = s->follows; f != NULL; f = f->session_next) {
        if (f->tag != r->tag || f->gone) continue;
        drop(f);
        break;
    }
    session_reply(s, &ok);
}
