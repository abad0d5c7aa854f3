// SPDX-License-Identifier: Apache-2.0
//
// What comes from a conversation's log. Invariant: whatever a round of entries changes, in the group, the history, the cursor and the running
// hash, is one transaction, and nobody is told of it before that.
#include "client/inner.h"

#include "content/content.h"

#include <stdio.h>

enum {
    EVENTS_MAX = 8 << 20, // more than messages as fit a turn bring (arrive.c)
    SAME = 16             // there are fewer different warnings
};

// ------------------------------------------------------------------------------------------------------------ receiving

// What a round of entries has brought, told when it is durable.
struct round {
    struct buf events; // each a struct engine_event
    bool rekeyed, answers; // answers: there may be something to say
    bool seen;             // something of one's own: what waited behind it may go
    int64_t message;       // that the present entry has brought
    bool differs;          // an entry was another before
    uint64_t gap;          // which entry is missing, and may be asked for again
    uint64_t at, over;     // the present entry; the one that is passed over, since it failed for a reason that stays; 0
};

static void later(struct round *r, struct engine_event event) { buf_put(&r->events, span_of(&event, sizeof event)); }

static void tell_all(struct engine *e, const struct round *r)
{
    struct engine_event event;
    for (size_t at = 0; at + sizeof event <= r->events.n; at += sizeof event) {
        memcpy(&event, r->events.p + at, sizeof event);
        engine_tell(e, event);
    }
}

static void later_message(struct round *r, struct chat *c, const struct history_effect *f)
{
    if (f->message != 0) later(r, (struct engine_event){.kind = ENGINE_MESSAGE, .chat = c->id, .message = f->message});
}

// Once, however many entries of a push are wrong in the same way.
static void warn(struct round *r, const struct chat *c, const char *text)
{
    struct engine_event event;
    for (size_t i = 1; i <= SAME && i * sizeof event <= r->events.n; i++) {
        memcpy(&event, r->events.p + r->events.n - i * sizeof event, sizeof event);
        if (event.kind == ENGINE_WARNING && event.text == text) return;
    }
    later(r, (struct engine_event){.kind = ENGINE_WARNING, .chat = c->id, .text = text});
}

void chat_remember(struct chat *c)
{
    struct db *d = &c->e->db;
    if (!chat_chain_known(c)) return;
    sqlite3_stmt *q = db_sql(d, "INSERT OR REPLACE INTO past(chat, seq, chain) VALUES(?1, ?2, ?3)");
    db_int(q, 1, c->id);
    db_int(q, 2, (int64_t)c->cursor);
    db_blob(q, 3, span_of(c->chain, 32));
    (void)db_run(d, q);
    if (c->cursor % TRIM_EVERY != 0) return;
    q = db_sql(d, "DELETE FROM past WHERE chat = ?1 AND seq <= ?2");
    db_int(q, 1, c->id);
    db_int(q, 2, (int64_t)(c->cursor - PAST_KEPT));
    (void)db_run(d, q);
}

// A message of ours that waits to be seen: its work, or 0. It is known by its bytes.
static int64_t find_own(struct chat *c, struct span payload, int64_t *message, uint8_t *kind)
{
    int64_t id = 0;
    sqlite3_stmt *q =
        db_sql(&c->e->db, "SELECT id, message, kind FROM work WHERE chat = ?1 AND payload = ?2 AND payload != x''");
    db_int(q, 1, c->id);
    db_blob(q, 2, payload);
    if (db_row(&c->e->db, q)) {
        id = db_get_int(q, 0);
        *message = db_get_int(q, 1);
        *kind = (uint8_t)db_get_int(q, 2);
    }
    db_done(q);
    return id;
}

static void own_arrived(struct chat *c, const struct wire_entry *x, int64_t work, int64_t message, struct round *round)
{
    if (message == 0) { // for engines
        if (timer_seen(c, x, work)) later(round, (struct engine_event){.kind = ENGINE_CHAT, .chat = c->id});
        return;
    }
    round->message = message;
    struct history_effect effect;
    history_sent(&c->e->history, message, x->seq, x->time, &effect);
    if (effect.gone) c->e->wiped = true;
    later_message(round, c, &effect);
}

// What somebody has seen of the log must be what we have seen. Where that is not known, what somebody says who had seen all is believed.
static void compare(struct chat *c, const struct wire_entry *x, const struct said *s, struct round *round)
{
    struct db *d = &c->e->db;
    sqlite3_stmt *q = db_sql(d, "SELECT chain FROM past WHERE chat = ?1 AND seq = ?2");
    db_int(q, 1, c->id);
    db_int(q, 2, (int64_t)s->seen);
    bool differs = db_row(d, q) && !span_eq(db_get(q, 0), span_of(s->chain, 32));
    db_done(q);
    if (differs || (s->seen >= c->cursor && s->seen != 0)) { // or they have seen what comes later
        warn(round, c, doubt_forked);
    } else if (!chat_chain_known(c) && s->seen != 0 && s->seen == x->seq - 1) {
        memcpy(c->chain, s->chain, 32);
        if (chain_next(c->e->crypto, c->chain, x->seq, x->epoch, x->payload) != ERR_OK) mem_wipe(c->chain, 32);
        chat_remember(c);
    }
}

// A fresh invitation from somebody: kept, and shown to nobody.
static void take_card(struct chat *c, struct span card, const uint8_t account[FORMAT_ID])
{
    struct engine *e = c->e;
    if (!contact_way_ok(card, account)) return;
    sqlite3_stmt *q = db_sql(&e->db, "UPDATE contact SET invite = ?2 WHERE account = ?1");
    db_blob(q, 1, span_of(account, FORMAT_ID));
    db_blob(q, 2, card);
    (void)db_run(&e->db, q);
}

// A message goes into the history.
static void take_content(struct chat *c, const struct wire_entry *x, const uint8_t account[FORMAT_ID],
                         struct span content, const struct history_shape *shape, struct round *round)
{
    struct engine *e = c->e;
    struct history_effect effect;
    uint8_t id[CONTENT_ID];
    char text[2 * FORMAT_ID + 1];
    for (size_t i = 0; i < FORMAT_ID; i++) (void)snprintf(text + 2 * i, 3, "%02x", account[i]);
    if (content_id(e->crypto, span_str(text), in_span(mls_group_id(c->mls)), content, id) != ERR_OK) return;
    bool own = memcmp(account, e->self.account, FORMAT_ID) == 0;
    const struct history_new n = {.chat = c->id,
                                  .sender = own ? 0 : contact_of(e, account),
                                  .seq = x->seq,
                                  .time = x->time,
                                  .state = own ? MESSAGE_SENT : MESSAGE_RECEIVED,
                                  .mimi = id,
                                  .content = content};
    round->message = history_put(&e->history, &n, shape, &effect);
    if (own && round->message == 0) round->message = behind_sent(c, x, id, &effect);
    else if (round->message != 0 && shape->kind == HISTORY_FILE && !effect.gone)
        attach_take(c, round->message, n.sender, content);
    if (effect.fresh && !own) receipt_owe(c, effect.message);
    if (effect.gone) e->wiped = true;
    later_message(round, c, &effect);
}

struct heard {
    struct round *round;
    int64_t chat;
};

static void on_receipt(void *arg, int64_t message)
{
    const struct heard *h = arg;
    later(h->round, (struct engine_event){.kind = ENGINE_MESSAGE, .chat = h->chat, .message = message});
}

// What is for the engine, and shown to nobody.
static void take_control(struct chat *c, const struct wire_entry *x, const uint8_t account[FORMAT_ID],
                         const struct history_shape *shape, struct round *round)
{
    struct engine *e = c->e;
    struct heard h = {.round = round, .chat = c->id};
    bool own = memcmp(account, e->self.account, FORMAT_ID) == 0;
    int64_t who = own ? 0 : contact_of(e, account);
    if (shape->kind == HISTORY_CARD) take_card(c, shape->body, account);
    else if (shape->kind == HISTORY_AGAIN) doubt_asked(c, who, shape->body);
    else if (shape->kind == HISTORY_LEAVE && own) part_left(c, x);
    else if (shape->kind == HISTORY_LEAVE) part_wants_out(c, account);
    else if (shape->kind == HISTORY_STATUS) receipt_take(c, x, who, shape->body, on_receipt, &h);
    else if (shape->kind == HISTORY_TIMER && timer_take(c, x, account, shape->body))
        later(round, (struct engine_event){.kind = ENGINE_CHAT, .chat = c->id});
    round->answers = round->answers || shape->kind != HISTORY_STATUS;
}

static enum err take_said(struct chat *c, const struct wire_entry *x, uint32_t sender, struct span data,
                          struct round *round)
{
    struct engine *e = c->e;
    struct said s;
    struct mls_member m;
    struct history_shape shape;
    uint8_t account[FORMAT_ID];
    if (said_decode(data, &s) != ERR_OK || mls_group_member(c->mls, sender, &m) != MLS_OK ||
        !cred_account(e, &m, account))
        return ERR_OK;
    compare(c, x, &s, round);
    enum err err = history_shape(s.content, &shape);
    if (err != ERR_OK) return err;
    if (shape.kind >= HISTORY_CONTROL) take_control(c, x, account, &shape, round);
    else if (contact_blocked(e, contact_of(e, account))) return ERR_OK; // neither kept nor told
    else if (shape.expires == 0 || shape.expires > engine_now()) take_content(c, x, account, s.content, &shape, round);
    return ERR_OK;
}

// Of a commit that is merged, the chat's key follows; one that is not allowed is an entry that everybody passes over.
static enum err take_commit(struct chat *c, struct mls_received *r, const struct wire_entry *entry, struct round *round)
{
    if (!commit_allowed(c, r->staged)) {
        later(round,
              (struct engine_event){
                  .kind = ENGINE_WARNING,
                  .chat = c->id,
                  .text = "somebody tried to change this conversation without being allowed to; nothing was changed"});
        return ERR_OK;
    }
    enum err x = chat_merge(c, &r->staged, entry);
    if (x != ERR_OK) return x;
    round->rekeyed = true;
    later(round, (struct engine_event){.kind = ENGINE_CHAT, .chat = c->id});
    return ERR_OK;
}

// Something of one's own that this state is older than: what was said is read, and what was changed cannot be followed. False: it is
// nothing of the kind.
static bool take_own(struct chat *c, const struct wire_entry *x, struct round *round, enum err *err)
{
    struct mls_received r = {0};
    enum mls_error m = mls_group_receive_own(c->mls, out_span(x->payload), &r);
    if (m == MLS_E_MEMORY) *err = ERR_MEMORY;
    if (m != MLS_OK) return m == MLS_E_MEMORY;
    bool out = r.content == MLS_CONTENT_COMMIT;
    behind_note(c, out);
    if (r.content == MLS_CONTENT_APPLICATION) *err = take_said(c, x, r.sender, buf_of(&r.data), round);
    mls_received_free(&r);
    warn(round, c, out ? behind_done : behind_said);
    return true;
}

// What was said and changed since then has expired before it was read.
static bool is_too_late(const struct chat *c, enum mls_error m)
{
    return m == MLS_E_MESSAGE_FUTURE && !chat_chain_known(c);
}

// A change that is genuine, and opens for others perhaps.
static bool is_unopened(enum mls_error m, const struct mls_received *r)
{
    return (m == MLS_E_PATH_SECRET || m == MLS_E_PATH_PUBLIC_KEY) && r->content == MLS_CONTENT_COMMIT;
}

static enum err take_message(struct chat *c, const struct wire_entry *x, struct round *round)
{
    struct mls_received r = {0};
    enum err err = ERR_OK;
    if (c->behind == BEHIND_OUT) return ERR_OK; // it cannot be read
    enum mls_error m = mls_group_receive(c->mls, out_span(x->payload), &r);
    if (m == MLS_E_MEMORY) return ERR_MEMORY;
    if (m == MLS_E_MESSAGE_OWN && take_own(c, x, round, &err)) return err;
    if (m != MLS_OK) { // an entry that is nothing to this group
        if (c->blind) return ERR_OK;
        if (is_unopened(m, &r)) {
            const char *text = split_unopened(c, r.sender, x->seq);
            later(round,
                  (struct engine_event){
                      .kind = ENGINE_WARNING, .chat = c->id, .contact = c->suspect > 0 ? c->suspect : 0, .text = text});
            round->answers = true;
            return ERR_OK;
        }
        const char *why = NULL;
        if (split_other_epoch(c, x, &why)) {
            if (why != NULL) warn(round, c, why);
            return ERR_OK;
        }
        if (is_too_late(c, m)) {
            behind_note(c, true);
            warn(round, c, behind_away);
            return ERR_OK;
        }
        warn(round, c, doubt_entry(c, x, m));
        doubt_ask_again(c, x);
        round->answers = true;
        return ERR_OK;
    }
    if (r.content == MLS_CONTENT_APPLICATION && r.sender_type == MLS_SENDER_MEMBER)
        err = take_said(c, x, r.sender, buf_of(&r.data), round);
    else if (r.content == MLS_CONTENT_PROPOSAL) err = from_mls(mls_group_drop_proposals(c->mls, (struct mls_span){0}));
    else if (r.content == MLS_CONTENT_COMMIT) err = take_commit(c, &r, x, round);
    mls_received_free(&r);
    return err;
}

// An entry that was here before: the one at the cursor is asked for, so that a relay that has gone back is noticed.
static void take_again(struct chat *c, const struct wire_entry *x, struct round *round)
{
    bool asked = c->again && x->seq == c->cursor;
    if (asked) c->again = false;
    if (refill_differs(c, x)) round->differs = true;
    else if (!asked) warn(round, c, doubt_twice);
}

// What an entry that has not been taken before brings.
static enum err take_new(struct chat *c, const struct wire_entry *x, struct round *round)
{
    int64_t message = 0;
    uint8_t kind = 0;
    enum err err = ERR_OK;
    int64_t own = find_own(c, x->payload, &message, &kind);
    if (own == 0) return chat_over(c) ? ERR_OK : take_message(c, x, round);
    if (kind == WORK_COMMIT) {
        err = commit_won(c, own, x);
        if (err == ERR_STALE) warn(round, c, doubt_misplaced);
        if (err == ERR_STALE) err = ERR_OK;
        round->rekeyed = true;
        later(round, (struct engine_event){.kind = ENGINE_CHAT, .chat = c->id});
    } else if (message == 0 && part_arrived(c, x, own)) {
        later(round, (struct engine_event){.kind = ENGINE_CHAT, .chat = c->id});
    } else {
        own_arrived(c, x, own, message, round);
        work_drop(c->e, own);
        round->seen = true;
    }
    return err;
}

// An entry that can never be taken: it is told, and what is behind it is read.
static void pass_over(struct chat *c, const struct wire_entry *x, struct round *round)
{
    int64_t message = 0;
    uint8_t kind = 0;
    int64_t own = find_own(c, x->payload, &message, &kind);
    if (own != 0) work_fail(c->e, own);
    if (message != 0) later(round, (struct engine_event){.kind = ENGINE_MESSAGE, .chat = c->id, .message = message});
    warn(round, c, doubt_useless);
}

static enum err take_entry(struct chat *c, const struct wire_entry *x, struct round *round)
{
    uint8_t key[32]; /* secret */
    bool known = chat_chain_known(c);
    enum err err = ERR_OK;
    round->at = x->seq;
    if (x->seq <= c->cursor) {
        take_again(c, x, round);
        return ERR_OK;
    }
    if (x->seq != c->cursor + 1) {
        warn(round, c, doubt_gap);
        if (c->gap != c->cursor + 1) { // the second time it is taken as it comes
            round->gap = c->cursor + 1;
            return ERR_OK;
        }
    }
    memcpy(key, c->log_key, 32);
    if (known) err = chain_next(c->e->crypto, c->chain, x->seq, x->epoch, x->payload);
    if (err != ERR_OK) return err;
    c->cursor = x->seq;
    c->again = false;
    if (c->behind >= 0) c->suspect = 0;
    c->ended = 0;
    if (x->epoch > c->log_epoch) c->log_epoch = x->epoch;
    if (known) chat_remember(c);
    round->message = 0;
    if (x->seq == round->over) pass_over(c, x, round);
    else if (!refill_known(c, x, &round->message)) err = take_new(c, x, round);
    refill_keep(c, x, key, round->message);
    mem_wipe(key, sizeof key);
    return err;
}

// Within a transaction: to the end of the list, or to the entry that is passed over.
static enum err take_list(struct chat *c, struct span *list, struct round *round)
{
    struct wire_entry x;
    enum err err = chat_group(c) == NULL ? ERR_MEMORY : ERR_OK;
    buf_init(&round->events, EVENTS_MAX);
    for (bool more = true; more && err == ERR_OK && !round->differs && round->gap == 0;) {
        more = wire_next_entry(list, &x);
        if (more) err = take_entry(c, &x, round);
        more = more && x.seq != round->over;
    }
    if (err == ERR_OK) err = buf_end(&round->events);
    return err == ERR_OK ? chat_save(c) : err;
}

// One transaction. If it fails the list is as it was.
static enum err take_some(struct chat *c, struct span *list, struct round *round)
{
    struct chat before = *c; /* secret */
    struct engine *e = c->e;
    struct span rest = *list;
    db_begin_lazy(&e->db); // if it is lost with the power, the relay has it still
    enum err err = take_list(c, &rest, round);
    if (err == ERR_OK) err = db_commit(&e->db);
    else db_rollback(&e->db);
    if (err == ERR_OK) chat_saved(c);
    else chat_give_back(c, &before);
    if (err == ERR_OK) tell_all(e, round);
    if (err == ERR_OK) hold_tell(e);
    if (err == ERR_OK) *list = rest;
    buf_wipe(&round->events);
    mem_wipe(&before, sizeof before);
    return err;
}

// What a failure is of: of the moment, and all comes again; or of one entry, and no relay and no member holds up by it what is behind.
static bool take_all(struct chat *c, struct span list, struct round *round)
{
    while (list.n > 0 && !round->differs && round->gap == 0) {
        enum err err = take_some(c, &list, round);
        bool again = err != ERR_OK && !passes(err) && round->over != round->at;
        if (err != ERR_OK && !again) return false;
        round->over = again ? round->at : 0;
    }
    return true;
}

// ------------------------------------------------------------------------------------------------------ many at a time

// A conversation's portion of what is taken together.
struct portion {
    struct chat *c;
    int64_t chat;
    struct span list;
    struct chat before; /* secret */
    struct round round;
    bool begun, taken;
};

// One transaction for all of them; if it fails nothing of any has happened.
static bool take_together(struct engine *e, struct portion *portions, size_t n)
{
    enum err err = ERR_OK;
    db_begin_lazy(&e->db);
    for (size_t i = 0; i < n && err == ERR_OK; i++) {
        struct span rest = portions[i].list;
        portions[i].begun = true;
        err = take_list(portions[i].c, &rest, &portions[i].round);
    }
    if (err == ERR_OK) err = db_commit(&e->db);
    else db_rollback(&e->db);
    for (size_t i = 0; i < n && portions[i].begun; i++) {
        if (err == ERR_OK) chat_saved(portions[i].c);
        else chat_give_back(portions[i].c, &portions[i].before);
    }
    for (size_t i = 0; i < n && portions[i].begun; i++) {
        if (err == ERR_OK) tell_all(e, &portions[i].round);
        buf_wipe(&portions[i].round.events);
        if (err != ERR_OK) portions[i].round = (struct round){0};
        portions[i].taken = err == ERR_OK;
    }
    if (err == ERR_OK) hold_tell(e);
    return err == ERR_OK;
}

// What follows from what has been taken.
static void go_on(struct chat *c, const struct portion *p)
{
    const struct round *round = &p->round;
    bool lost = p->before.lost;
    if (request_rests(c)) peer_unfollow_chat(c);
    if (memcmp(p->before.log, c->log, 32) != 0) { // what comes from the one before is not of this one
        link_break(p->before.peer->link);
        peer_open(c->peer); // not, if it is a stranger's and nobody has accepted them
        peer_follow_chat(c);
        return;
    }
    if (round->gap != 0) {
        c->gap = round->gap;
        link_break(c->peer->link);
    }
    if (round->differs) {
        refill_other(c);
        return;
    }
    if (c->behind != p->before.behind && chat_stands(c)) behind_settle(c);
    chat_check_caught_up(c);
    if (lost) refill_go_on(c);
    bool answers = round->answers || (lost && !c->lost) || (round->seen && work_waits(c->e, c->id));
    if (answers) peer_pump(c->peer);
    if (round->rekeyed) peer_pump_all(c->e);
}

static void take_portions(struct engine *e, struct portion *portions, size_t n)
{
    if (n == 0) return;
    bool together = n > 1 && take_together(e, portions, n);
    for (size_t i = 0; i < n && !together; i++) { // one of them hinders the others no more
        struct chat *c = chat_find(e, portions[i].chat);
        if (c == NULL || c->peer->stalled) continue;
        portions[i].taken = take_all(c, portions[i].list, &portions[i].round);
        if (!portions[i].taken) peer_stall(c->peer);
    }
    transfer_settle(e->transfers);
    clock_tidy(e);
    files_settle(&e->files);
    clock_end(e);
    receipt_soon(e);
    for (size_t i = 0; i < n; i++) {
        struct chat *c = portions[i].taken ? chat_find(e, portions[i].chat) : NULL;
        if (c != NULL) go_on(c, &portions[i]);
    }
}

static bool make_portion(struct chat *c, struct span list, struct portion *out)
{
    if (c == NULL || c->peer->stalled || chat_group(c) == NULL) return false;
    *out = (struct portion){.c = c, .chat = c->id, .list = list, .before = *c};
    return true;
}

void chat_entries(struct chat *c, struct span list)
{
    struct portion p = {0};
    take_portions(c->e, &p, make_portion(c, list, &p));
    mem_wipe(&p, sizeof p);
}

void receive_arrivals(struct engine *e, const struct arrival *first)
{
    size_t n = 0, most = 0;
    for (const struct arrival *a = first; a != NULL; a = a->next) most++;
    struct portion *portions = most > 1 ? mem_new_array(most, sizeof *portions) : NULL;
    for (const struct arrival *a = first; a != NULL; a = a->next) {
        struct chat *c = chat_find(e, a->chat);
        if (c == NULL || c->peer != a->peer) continue; // it has moved, or is gone
        if (portions == NULL) chat_entries(c, buf_span(&a->list));
        else if (make_portion(c, buf_span(&a->list), &portions[n])) n++;
    }
    if (portions != NULL) take_portions(e, portions, n);
    mem_free_wiped(portions, most * sizeof *portions);
}

// The relay has said that it has something of ours, and the log does not show it.
static void look_for_lost(struct chat *c)
{
    sqlite3_stmt *q = db_sql(&c->e->db, "SELECT 1 FROM work w LEFT JOIN message m ON m.id = w.message WHERE w.chat = "
                                        "?1 AND w.acked AND w.kind IN (?4, ?5)"
                                        " AND (?3 OR m.seq <= ?2)");
    db_int(q, 1, c->id);
    db_int(q, 2, (int64_t)c->cursor);
    db_int(q, 3, c->fresh);
    db_int(q, 4, WORK_SAY);
    db_int(q, 5, WORK_COMMIT);
    c->fresh = false;
    bool lost = db_row(&c->e->db, q);
    db_done(q);
    if (!lost) return;
    db_begin(&c->e->db);
    q = db_sql(&c->e->db, "UPDATE work SET acked = 0 WHERE chat = ?1 AND kind IN (?2, ?3)");
    db_int(q, 1, c->id);
    db_int(q, 2, WORK_SAY);
    db_int(q, 3, WORK_COMMIT);
    (void)db_run(&c->e->db, q);
    if (db_commit(&c->e->db) != ERR_OK) return;
    engine_tell(c->e, (struct engine_event){
                          .kind = ENGINE_WARNING,
                          .chat = c->id,
                          .text = "the relay has lost a message that it had promised to keep; it is sent again"});
}

void chat_check_caught_up(struct chat *c)
{
    if (!c->following || c->caught_up || c->cursor < c->catch_to) return;
    // It may be lower than what was thought: a commit of a member who does not advance the log has moved the group alone.
    if (c->log_epoch < c->catch_epoch || c->cursor == c->catch_to) c->log_epoch = c->catch_epoch;
    c->caught_up = true;
    look_for_lost(c);
    if (c->lost) refill_go_on(c);
    if (c->behind > 0) behind_settle(c);
    peer_pump(c->peer);
}
