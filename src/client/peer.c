// SPDX-License-Identifier: Apache-2.0
//
// Relays: what is followed there, what is sent there, and when. Invariant: of each chat's work only the first piece is under way, or
// a run of messages from the front, so the relay gets everything in the order in which it was asked for.
#include "client/inner.h"

#include <stdio.h>

enum { AHEAD = 256, FOLLOWS = 1024, STALL_MS = 3000 };

static void follow_all(struct peer *p);

// ------------------------------------------------------------------------------------------------------------- pushes

static void take_inbox(struct peer *p, struct span list)
{
    struct wire_entry x;
    while (!p->stalled && wire_next_entry(&list, &x)) {
        if (inbox_differs(p->e, &x)) {
            refill_inbox_gone(p);
            return;
        }
        if (!inbox_entry(p->e, &x)) peer_stall(p);
    }
}

static void on_restart(struct net_timer *t)
{
    struct peer *p = (struct peer *)(void *)((char *)t - offsetof(struct peer, restart));
    link_break(p->link);
}

void peer_stall(struct peer *p)
{
    struct engine *e = p->e;
    if (!p->ready || p->stalled) return;
    p->stalled = true;
    net_timer_start(e->loop, &p->restart, STALL_MS, on_restart);
    if (e->full) return;
    e->full = true;
    engine_tell(
        e, (struct engine_event){.kind = ENGINE_WARNING,
                                 .text = "the profile cannot be written: is the disk full? Make space. Nothing is lost:"
                                         " what comes and what is to be sent waits until then"});
}

static void on_push(void *arg, const struct wire_reply *r)
{
    struct peer *p = arg;
    struct engine *e = p->e;
    struct chat *c = r->tag == TAG_INBOX ? NULL : chat_find_tag(e, p, r->tag);
    if (p->stalled) return;
    if (r->type == WIRE_P_ENTRIES && r->tag != TAG_INBOX) {
        if (c != NULL) arrive(c, r->entries);
        return;
    }
    arrive_settle(e);
    if (p->stalled) return;
    c = r->tag == TAG_INBOX ? NULL : chat_find_tag(e, p, r->tag);
    if (r->type == WIRE_P_ENTRIES) take_inbox(p, r->entries);
    else if (r->type == WIRE_P_SIGNAL && c != NULL) typing_take(c, r->data);
    chat_trim(e);
    if (r->type != WIRE_P_ENDED) return;
    if (r->tag == TAG_INBOX) {
        p->following = false;
    } else if (c != NULL) { // behind a commit that changed the key the chat knows the new one
        c->following = c->caught_up = false;
        bool news = memcmp(c->followed_with, c->log_key, 32) != 0;
        if (!chat_over(c) && r->code == WIRE_E_ENDED && news) peer_follow_chat(c);
        else if (!chat_over(c) && r->code == WIRE_E_ENDED) refill_ended(c);
    }
}

// ------------------------------------------------------------------------------------------------------------- following

static bool has_work(struct engine *e, enum work_kind kind)
{
    e->db.err = ERR_OK;
    sqlite3_stmt *q = db_sql(&e->db, "SELECT 1 FROM work WHERE kind = ?1 LIMIT 1");
    db_int(q, 1, kind);
    bool has = db_row(&e->db, q);
    db_done(q);
    return has;
}

static void followed_chat(struct chat *c, const struct wire_followed *f)
{
    c->following = f->code == WIRE_OK;
    if (f->code == WIRE_E_DENIED) refill_denied(c);
    if (!c->following) return;
    c->tried = c->refused = 0;
    c->remade = false;
    c->oldest = f->oldest;
    c->fresh = true;
    if (f->head < c->cursor) {
        refill_shorter(c, f->head);
        return;
    }
    if (f->oldest > c->cursor + 1) {
        engine_tell(c->e, (struct engine_event){
                              .kind = ENGINE_WARNING,
                              .chat = c->id,
                              .text = "older messages of this conversation have expired before they were read"});
        c->cursor = f->oldest - 1;
        mem_wipe(c->chain, 32); // it is not known from here on
    }
    c->catch_to = f->head;
    c->catch_epoch = f->epoch;
    chat_check_caught_up(c);
}

static void followed_inbox(struct peer *p, const struct wire_followed *f)
{
    p->following = f->code == WIRE_OK;
    p->inbox_asked = false;
    bool waits = has_work(p->e, WORK_MAKE_INBOX);
    if (!p->following && p->inbox_unmade) { // it was asked for before there was one
        if (!waits) peer_follow_inbox(p);
        return;
    }
    bool denied = f->code == WIRE_E_DENIED && !waits && net_loop_now(p->e->loop) >= p->inbox_again;
    if (denied || (p->following && f->head < p->e->self.cursor)) refill_inbox_gone(p);
}

static void on_followed(void *arg, const struct wire_reply *r)
{
    struct peer *p = arg;
    struct span list = r == NULL || r->type != WIRE_R_FOLLOWED ? span_of(NULL, 0) : r->followed;
    struct wire_followed f;
    if (r != NULL) arrive_settle(p->e);
    while (wire_next_followed(&list, &f)) {
        struct chat *c = f.tag == TAG_INBOX ? NULL : chat_find_tag(p->e, p, f.tag);
        if (c != NULL) followed_chat(c, &f);
        else if (f.tag == TAG_INBOX) followed_inbox(p, &f);
    }
    if (r != NULL) peer_pump(p);
}

static void on_unfollowed(void *arg, const struct wire_reply *r)
{
    (void)arg;
    (void)r;
}

static bool put_chat(struct buf *list, struct chat *c)
{
    if (c->following || !c->made || chat_over(c) || request_rests(c) || c->behind == BEHIND_OUT) return false;
    c->following = true; // until the answer says otherwise
    c->caught_up = false;
    wire_put_follow(
        list, &(struct wire_follow){
                  .tag = (uint32_t)c->id, .log = c->log, .key = c->log_key, .after = c->cursor - (c->cursor > 0)});
    c->again = true;
    memcpy(c->followed_with, c->log_key, 32);
    return true;
}

static void send_follows(struct peer *p, struct buf *list)
{
    const struct wire_request r = {.type = WIRE_FOLLOW, .follows = buf_span(list)};
    if (buf_end(list) == ERR_OK && list->n > 0)
        (void)link_ask(p->link, &r, on_followed, p); // what is not up follows when it is
    buf_wipe(list);
}

void peer_follow_chat(struct chat *c)
{
    struct buf list;
    if (!c->peer->ready) return;
    buf_init(&list, WIRE_FRAME_MAX);
    (void)put_chat(&list, c);
    send_follows(c->peer, &list);
}

void peer_unfollow_chat(struct chat *c)
{
    const struct wire_request r = {.type = WIRE_UNFOLLOW, .tag = (uint32_t)c->id};
    if (c->e->closing || !c->peer->ready || !c->following) return;
    c->following = false;
    (void)link_ask(c->peer->link, &r, on_unfollowed, NULL); // what comes until then is nobody's
}

void peer_follow_inbox(struct peer *p)
{
    struct self *s = &p->e->self;
    struct buf list;
    if (!p->ready || p->following || p->inbox_asked || p->circuit != 0 || strcmp(p->relay, s->relay) != 0) return;
    p->inbox_asked = true; // one after the other: the answer tells what was true when it was asked
    p->inbox_unmade = has_work(p->e, WORK_MAKE_INBOX);
    buf_init(&list, WIRE_FRAME_MAX);
    wire_put_follow(&list,
                    &(struct wire_follow){
                        .tag = TAG_INBOX, .log = s->inbox, .key = s->inbox_key, .after = s->cursor - (s->cursor > 0)});
    send_follows(p, &list);
}

static void follow_all(struct peer *p)
{
    struct buf list;
    size_t n = 0;
    peer_follow_inbox(p);
    buf_init(&list, WIRE_FRAME_MAX);
    for (struct chat *c = p->e->chats; c != NULL; c = c->next) {
        if (c->peer != p || !put_chat(&list, c)) continue;
        if (++n % FOLLOWS == 0) send_follows(p, &list);
    }
    send_follows(p, &list);
}

// ------------------------------------------------------------------------------------------------------------- catching up

struct asked {
    struct peer *peer;
    int64_t chat;
};

static void on_stat(void *arg, const struct wire_reply *r)
{
    struct asked *a = arg;
    struct chat *c = r == NULL ? NULL : chat_find(a->peer->e, a->chat);
    if (c != NULL && r->type == WIRE_R_STAT) {
        c->catch_to = r->head;
        c->catch_epoch = r->epoch;
        chat_check_caught_up(c);
    }
    mem_free(a);
}

void peer_stat_chat(struct chat *c)
{
    const struct wire_request r = {.type = WIRE_LOG_STAT, .log = c->log, .key = c->log_key};
    struct asked *a = mem_new(sizeof *a);
    if (a == NULL) return;
    *a = (struct asked){.peer = c->peer, .chat = c->id};
    if (link_ask(c->peer->link, &r, on_stat, a) != ERR_OK) mem_free(a);
}

// -------------------------------------------------------------------------------------------------------------- pumping

static bool under_way(const struct engine *e, int64_t work)
{
    for (const struct flight *f = e->flights; f != NULL; f = f->next) {
        if (f->work == work) return true;
    }
    return false;
}

struct item {
    int64_t id, chat;
    uint8_t kind;
    bool acked;
    bool elsewhere; // at another relay there is something to be done for this chat first
};

// Whether there is anything to be done at another relay: as a rule not, and then nobody waits for it.
static bool has_work_elsewhere(struct peer *p)
{
    sqlite3_stmt *q = db_sql(&p->e->db, "SELECT EXISTS(SELECT 1 FROM work WHERE relay < ?1)"
                                        " OR EXISTS(SELECT 1 FROM work WHERE relay > ?1)");
    db_text(q, 1, span_str(p->relay));
    bool has = db_row(&p->e->db, q) && db_get_int(q, 0) != 0;
    db_done(q);
    return has;
}

static size_t read_items(struct peer *p, struct item *items)
{
    size_t n = 0;
    struct db *d = &p->e->db;
    d->err = ERR_OK;
    bool elsewhere = has_work_elsewhere(p);
    sqlite3_stmt *q =
        db_sql(d, "SELECT id, chat, kind, acked, ?5 AND chat != 0 AND EXISTS(SELECT 1 FROM work o WHERE o.chat = w.chat"
                  " AND o.id < w.id AND o.relay != w.relay AND NOT (o.kind = 6 AND o.acked)) FROM work w WHERE relay = "
                  "?1 AND NOT (kind = 8 AND epoch != 0) AND kind != 12"
                  " AND (kind != 9 OR anyway OR chat NOT IN (SELECT chat FROM hold))"
                  " AND (?4 = 0 OR ?3 = chat) ORDER BY id LIMIT ?2");
    db_text(q, 1, span_str(p->relay));
    db_int(q, 2, AHEAD);
    db_int(q, 3, p->circuit);
    db_int(q, 4, p->e->isolated);
    db_int(q, 5, elsewhere);
    while (n < AHEAD && db_row(d, q)) {
        items[n++] = (struct item){.id = db_get_int(q, 0),
                                   .chat = db_get_int(q, 1),
                                   .kind = (uint8_t)db_get_int(q, 2),
                                   .acked = db_get_int(q, 3) != 0,
                                   .elsewhere = db_get_int(q, 4) != 0};
    }
    db_done(q);
    return n;
}

// Whether something of the same chat stands before it that must be done first. Key packages are taken at once; who has none at the moment
// (acked) does not hold up a group.
static bool must_wait(const struct item *items, size_t i)
{
    if (items[i].kind == WORK_TAKE) return false;
    if (items[i].elsewhere) return true;
    for (size_t k = 0; k < i; k++) {
        if (items[k].chat != items[i].chat || items[k].chat == 0) continue;
        if (items[k].kind == WORK_TAKE && items[k].acked) continue;
        if (items[k].kind != WORK_SAY || items[i].kind != WORK_SAY) return true;
    }
    return false;
}

// A commit waits for key packages that are being taken for the same chat: so whoever is added together is added by one commit.
static bool taking(const struct engine *e, const struct item *i)
{
    for (const struct flight *f = e->flights; f != NULL && i->kind == WORK_COMMIT; f = f->next) {
        if (f->kind == WORK_TAKE && f->chat == i->chat) return true;
    }
    return false;
}

static bool send_item(struct peer *p, int64_t id)
{
    struct work w;
    struct buf memory;
    bool sent = true;
    if (work_load(p->e, id, &w, &memory)) sent = work_send(p, &w);
    buf_wipe(&memory);
    return sent;
}

void peer_pump(struct peer *p)
{
    struct item items[AHEAD];
    int64_t say[AHEAD];
    size_t says = 0;
    if (!p->ready || p->stalled || p->e->closing) return;
    size_t n = read_items(p, items), room = link_room(p->link);
    for (size_t i = 0; i < n && says < room; i++) {
        if (items[i].kind == WORK_SAY && !items[i].acked && !must_wait(items, i) && !under_way(p->e, items[i].id))
            say[says++] = items[i].id;
    }
    if (says > 0) say_prepare(p, say, says);
    p->more = n == AHEAD;
    int64_t stuck[AHEAD];
    size_t stuck_n = 0;
    for (size_t i = 0; i < n && link_room(p->link) > 0; i++) {
        bool blocked = (items[i].acked && items[i].kind != WORK_TAKE) || must_wait(items, i) ||
                       under_way(p->e, items[i].id) || taking(p->e, &items[i]);
        if (items[i].kind != WORK_SAY && p->again.link != NULL) blocked = true; // the relay has asked to wait
        for (size_t k = 0; k < stuck_n && items[i].kind != WORK_TAKE; k++)
            blocked = blocked || (stuck[k] == items[i].chat && items[i].chat != 0);
        if (!blocked && !send_item(p, items[i].id)) stuck[stuck_n++] = items[i].chat;
    }
    p->more = p->more || link_room(p->link) == 0;
}

void peer_open_all(struct engine *e)
{
    char relay[RELAY_ROOM];
    sqlite3_stmt *q = db_sql(
        &e->db, "SELECT DISTINCT relay, CASE WHEN ?1 = 0 THEN 0 ELSE chat END FROM work");
    db_int(q, 1, e->isolated);
    while (db_row(&e->db, q)) {
        struct span s = db_get(q, 0);
        (void)snprintf(relay, sizeof relay, "%.*s", (int)s.n, (const char *)s.p);
        struct peer *p = peer_for(e, relay, db_get_int(q, 1));
        if (p != NULL) peer_open(p);
    }
}

void peer_pump_all(struct engine *e)
{
    if (e->isolated) peer_open_all(e);
    for (struct peer *p = e->peers; p != NULL; p = p->next) {
        peer_open(p);
        peer_pump(p);
    }
}

// ----------------------------------------------------------------------------------------------------------- up and down

static void get_ready(struct peer *p)
{
    p->ready = true;
    engine_tell(p->e, (struct engine_event){.kind = ENGINE_LINK, .text = "connected"});
    follow_all(p);
    behind_again(p);
    published_ask(p);
    peer_pump(p);
    transfer_wake(p->e->transfers);
}

static void on_hosted(void *arg, const struct wire_reply *r)
{
    struct peer *p = arg;
    if (r == NULL) return;
    if (r->type == WIRE_R_ERROR) {
        engine_tell(p->e, (struct engine_event){
                              .kind = ENGINE_WARNING,
                              .text = "the relay does not take the hosting password: nothing new can be made there"});
    }
    get_ready(p);
}

static void on_up(void *arg, const struct wire_reply *hello)
{
    struct peer *p = arg;
    const struct self *s = &p->e->self;
    const struct wire_request r = {.type = WIRE_HOST, .password = span_str(s->password)};
    bool host =
        strcmp(p->relay, s->relay) == 0 && s->password[0] != 0 && hello->limits.hosting == WIRE_HOSTING_PASSWORD;
    if (!host || link_ask(p->link, &r, on_hosted, p) != ERR_OK) get_ready(p);
}

static void on_down(void *arg, const struct link_failure *why, uint32_t retry_ms)
{
    struct peer *p = arg;
    (void)retry_ms;
    arrive_settle(p->e);
    p->ready = p->following = p->stalled = p->inbox_asked = false;
    work_answered(p->e);
    net_timer_stop(&p->again);
    net_timer_stop(&p->restart);
    net_timer_stop(&p->refill);
    for (struct chat *c = p->e->chats; c != NULL; c = c->next) {
        if (c->peer != p) continue;
        c->following = c->caught_up = false;
        c->refilling = 0;
        c->tried = 0;
    }
    engine_tell(p->e, (struct engine_event){.kind = ENGINE_LINK, .text = link_failure_text(why)});
    if (why->phase == LINK_UP && (why->err == ERR_MALFORMED || why->err == ERR_INVALID))
        engine_tell(p->e, (struct engine_event){.kind = ENGINE_WARNING, .text = doubt_nonsense});
    if (!p->e->closing) work_not_now(p->e, 0, p->relay);
}

bool peer_is_address(struct span relay)
{
    struct link_address to = {0};
    const char *why;
    bool is =
        relay.n < RELAY_ROOM && memchr(relay.p, 0, relay.n) == NULL && link_address_read(relay, &to, &why) == ERR_OK;
    mem_wipe(&to, sizeof to);
    return is;
}

struct peer *peer_get(struct engine *e, const char *relay) { return peer_for(e, relay, 0); }

static struct peer *find_or_make(struct engine *e, const char *relay, int64_t circuit)
{
    static const struct link_events events = {.up = on_up, .down = on_down, .push = on_push};
    struct link_settings settings = e->settings.link;
    struct link_address to;
    const char *why = NULL;
    if (!e->isolated) circuit = 0;
    for (struct peer *p = e->peers; p != NULL; p = p->next) {
        if (p->circuit == circuit && strcmp(p->relay, relay) == 0) return p;
    }
    if (strlen(relay) >= RELAY_ROOM || link_address_read(span_str(relay), &to, &why) != ERR_OK) return NULL;
    struct peer *p = mem_new(sizeof *p);
    if (p == NULL) return NULL;
    *p = (struct peer){.e = e, .next = e->peers, .circuit = circuit, .strangers = true};
    settings.circuit = (uint64_t)circuit;
    memcpy(p->relay, relay, strlen(relay) + 1);
    if (link_new(e->loop, &to, &settings, &events, p, &p->link) != ERR_OK) {
        mem_free(p);
        return NULL;
    }
    e->peers = p;
    published_load(p);
    return p;
}

struct peer *peer_for(struct engine *e, const char *relay, int64_t circuit)
{
    struct peer *p = find_or_make(e, relay, circuit);
    if (p != NULL) p->strangers = false;
    return p;
}

struct peer *peer_of_stranger(struct engine *e, const char *relay, int64_t circuit)
{
    bool own = strcmp(relay, e->self.relay) == 0;
    return own ? peer_for(e, relay, circuit) : find_or_make(e, relay, circuit);
}

void peer_open(struct peer *p)
{
    if (!p->strangers) link_open(p->link);
}

void peer_free_all(struct engine *e)
{
    for (struct peer *p = e->peers, *next; p != NULL; p = next) {
        next = p->next;
        net_timer_stop(&p->again);
        net_timer_stop(&p->restart);
        net_timer_stop(&p->refill);
        link_free(p->link);
        mem_free_wiped(p, sizeof *p);
    }
    e->peers = NULL;
}
