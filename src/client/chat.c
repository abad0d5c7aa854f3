// SPDX-License-Identifier: Apache-2.0
//
// Conversations: making and joining them, their state in the vault and in memory, and what comes from their logs. Invariant: the
// group in memory is what its records say, whenever no transaction is open; if one fails, the group is read again.
#include "client/inner.h"

#include "content/content.h"

#include <stdio.h>
#include <stdlib.h>

static const char log_key_label[] = "Whimbrel log key";

// --------------------------------------------------------------------------------------------------- memory and vault

struct chat *chat_find(struct engine *e, int64_t id)
{
    struct chat *c = e->chats;
    while (c != NULL && c->id != id) c = c->next;
    return c;
}

struct chat *chat_find_tag(struct engine *e, struct peer *p, uint32_t tag)
{
    struct chat *c = chat_find(e, tag);
    return c != NULL && c->peer == p ? c : NULL;
}

void chat_drop_group(struct chat *c)
{
    mls_group_free(c->mls);
    c->mls = NULL;
}

static bool next_record(void *arg, struct mls_span *key, struct mls_span *value)
{
    struct chat *c = arg;
    sqlite3_stmt *q = db_sql(&c->e->db, "SELECT key, value FROM record WHERE chat = ?1");
    if (q == NULL || !db_row(&c->e->db, q)) return false;
    *key = out_span(db_get(q, 0));
    *value = out_span(db_get(q, 1));
    return true;
}

struct mls_group *chat_group(struct chat *c)
{
    if (c->mls != NULL) return c->mls;
    sqlite3_stmt *q = db_sql(&c->e->db, "SELECT key, value FROM record WHERE chat = ?1");
    db_int(q, 1, c->id);
    enum mls_error m = mls_group_restore(c->e->mls, next_record, c, &c->mls);
    db_done(q);
    if (m == MLS_OK && c->e->db.err == ERR_OK) return c->mls;
    chat_drop_group(c);
    return NULL;
}

static bool save_record(void *arg, struct mls_span key, struct mls_span value)
{
    struct chat *c = arg;
    struct db *d = &c->e->db;
    sqlite3_stmt *q = value.data == NULL ? db_sql(d, "DELETE FROM record WHERE chat = ?1 AND key = ?2")
                                         : db_sql(d, "INSERT INTO record(chat, key, value) VALUES(?1, ?2, ?3)"
                                                     " ON CONFLICT(chat, key) DO UPDATE SET value = excluded.value");
    db_int(q, 1, c->id);
    db_blob(q, 2, in_span(key));
    if (value.data != NULL) db_blob(q, 3, in_span(value));
    (void)db_run(d, q);
    return d->err == ERR_OK;
}

enum err chat_save(struct chat *c)
{
    struct db *d = &c->e->db;
    sqlite3_stmt *q =
        db_sql(d, "UPDATE chat SET log_key = ?2, log_epoch = ?3, cursor = ?4, chain = ?5, state = ?6 WHERE id = ?1");
    db_int(q, 1, c->id);
    db_blob(q, 2, span_of(c->log_key, 32));
    db_int(q, 3, (int64_t)c->log_epoch);
    db_int(q, 4, (int64_t)c->cursor);
    db_blob(q, 5, span_of(c->chain, 32));
    db_int(q, 6, c->state);
    (void)db_run(d, q);
    if (c->mls != NULL && d->err == ERR_OK && mls_group_changes(c->mls, save_record, c) != MLS_OK && d->err == ERR_OK)
        return ERR_MEMORY;
    return d->err;
}

void chat_saved(struct chat *c)
{
    if (c->mls != NULL) mls_group_saved(c->mls);
}

static struct chat *add_chat(struct engine *e, int64_t id, struct span relay)
{
    char text[RELAY_ROOM];
    struct chat *c = relay.n < RELAY_ROOM ? mem_new(sizeof *c) : NULL;
    if (c == NULL) return NULL;
    memcpy(text, relay.p, relay.n);
    text[relay.n] = 0;
    *c = (struct chat){.e = e, .id = id, .peer = peer_get(e, text), .next = e->chats};
    if (c->peer == NULL) {
        mem_free(c);
        return NULL;
    }
    e->chats = c;
    return c;
}

static void remove_chat(struct chat *c)
{
    struct chat **at = &c->e->chats;
    while (*at != c) at = &(*at)->next;
    *at = c->next;
    chat_drop_group(c);
    mem_free_wiped(c, sizeof *c);
}

static void load_row(struct chat *c, sqlite3_stmt *q)
{
    struct db *d = &c->e->db;
    c->contact = db_get_int(q, 2);
    c->kind = (uint8_t)db_get_int(q, 3);
    c->state = (uint8_t)db_get_int(q, 4);
    (void)db_get_fixed(d, q, 5, c->log, 32);
    (void)db_get_fixed(d, q, 6, c->log_key, 32);
    (void)db_get_fixed(d, q, 7, c->chain, 32);
    c->log_epoch = (uint64_t)db_get_int(q, 8);
    c->cursor = (uint64_t)db_get_int(q, 9);
    c->made = db_get_int(q, 10) == 0;
}

enum err chat_load_all(struct engine *e)
{
    struct db *d = &e->db;
    sqlite3_stmt *q = db_sql(d, "SELECT id, relay, contact, kind, state, log, log_key, chain, log_epoch, cursor,"
                                " EXISTS(SELECT 1 FROM work WHERE work.chat = chat.id AND work.kind = 5) FROM chat");
    while (db_row(d, q)) {
        struct chat *c = add_chat(e, db_get_int(q, 0), db_get(q, 1));
        if (c == NULL) {
            db_done(q);
            return ERR_CORRUPT;
        }
        load_row(c, q);
    }
    return d->err;
}

void chat_free_all(struct engine *e)
{
    while (e->chats != NULL) remove_chat(e->chats);
}

// ------------------------------------------------------------------------------------------------------ making, joining

enum err chat_log_key(struct chat *c, const struct mls_staged *staged, uint8_t key[32])
{
    struct mls_buf out = {0};
    const struct mls_span log = {c->log, 32};
    enum mls_error m = staged != NULL ? mls_staged_export(staged, log_key_label, log, 32, &out)
                                      : mls_group_export(c->mls, log_key_label, log, 32, &out);
    if (m == MLS_OK) memcpy(key, out.data, 32);
    mls_buf_free(&out);
    return from_mls(m);
}

static struct span room_extension_of(const struct mls_group *g)
{
    struct mls_span data = {0};
    return mls_extension_find(mls_group_extensions(g), FORMAT_ROOM_EXTENSION, &data) ? in_span(data) : span_of(NULL, 0);
}

enum err chat_room(struct chat *c, struct room *out)
{
    return chat_group(c) == NULL ? ERR_CORRUPT : room_decode(room_extension_of(c->mls), out);
}

// The row of a chat whose group is in memory.
static struct chat *insert(struct engine *e, struct mls_group *take, const struct room *r, int64_t contact,
                           enum chat_state state)
{
    sqlite3_stmt *q = db_sql(
        &e->db, "INSERT INTO chat(group_id, kind, name, contact, relay, log, log_key, log_epoch, cursor, chain, state,"
                " created) VALUES(?1, ?2, ?3, ?4, ?5, ?6, zeroblob(32), 0, 0, zeroblob(32), ?7, ?8)");
    db_blob(q, 1, in_span(mls_group_id(take)));
    db_int(q, 2, r->kind);
    db_text(q, 3, r->name);
    db_int(q, 4, contact);
    db_text(q, 5, r->relay);
    db_blob(q, 6, span_of(r->log, 32));
    db_int(q, 7, state);
    db_int(q, 8, (int64_t)engine_now());
    (void)db_run(&e->db, q);
    struct chat *c = e->db.err == ERR_OK ? add_chat(e, db_last_id(&e->db), r->relay) : NULL;
    if (c == NULL) {
        mls_group_free(take);
        return NULL;
    }
    c->mls = take;
    c->kind = r->kind;
    c->contact = contact;
    c->state = (uint8_t)state;
    memcpy(c->log, r->log, 32);
    return c;
}

void chat_put_take(struct chat *c, int64_t contact)
{
    struct engine *e = c->e;
    struct invite i;
    char relay[RELAY_ROOM];
    sqlite3_stmt *q = db_sql(&e->db, "SELECT invite FROM contact WHERE id = ?1");
    db_int(q, 1, contact);
    struct buf bytes;
    buf_init(&bytes, FORMAT_LINK_MAX);
    if (db_row(&e->db, q)) buf_put(&bytes, db_get(q, 0));
    db_done(q);
    if (invite_decode(buf_span(&bytes), &i) == ERR_OK) {
        (void)snprintf(relay, sizeof relay, "%.*s", (int)i.relay.n, (const char *)i.relay.p);
        (void)work_add(e, &(struct work){.kind = WORK_TAKE,
                                         .relay = relay,
                                         .chat = c->id,
                                         .contact = contact,
                                         .log = span_of(i.inbox, 32),
                                         .key = span_of(i.key, 32)});
        (void)peer_get(e, relay);
    } else if (e->db.err == ERR_OK) {
        e->db.err = ERR_REFUSED; // there is no way to them
    }
    buf_wipe(&bytes);
}

static int by_bytes(const void *a, const void *b) { return memcmp(a, b, FORMAT_ID); }

// In a conversation of two both are admins, so that either can bring it to other devices; in a group, who makes it.
static size_t choose_admins(struct engine *e, enum room_kind kind, int64_t contact, uint8_t out[2 * FORMAT_ID])
{
    memcpy(out, e->self.account, FORMAT_ID);
    if (kind != ROOM_DIRECT) return FORMAT_ID;
    sqlite3_stmt *q = db_sql(&e->db, "SELECT account FROM contact WHERE id = ?1");
    db_int(q, 1, contact);
    if (db_row(&e->db, q)) (void)db_get_fixed(&e->db, q, 0, out + FORMAT_ID, FORMAT_ID);
    db_done(q);
    qsort(out, 2, FORMAT_ID, by_bytes);
    return 2 * (size_t)FORMAT_ID;
}

enum err chat_new(struct engine *e, enum room_kind kind, struct span name, const int64_t *contacts, size_t n,
                  struct chat **out)
{
    uint8_t log[32], recovery[32], admins[2 * FORMAT_ID];
    struct mls_leaf_params leaf = cred_leaf(e);
    struct mls_group *g = NULL;
    struct buf extension;
    enum err x = e->world.random(e->world.arg, log, sizeof log);
    if (x == ERR_OK) x = e->world.random(e->world.arg, recovery, sizeof recovery);
    if (x != ERR_OK) return x;
    size_t admins_n = choose_admins(e, kind, n > 0 ? contacts[0] : 0, admins);
    const struct room room = {.kind = (uint8_t)kind,
                              .relay = span_str(e->self.relay),
                              .log = log,
                              .name = name,
                              .admins = span_of(admins, admins_n),
                              .recovery = recovery};
    buf_init(&extension, 70000);
    room_encode(&room, &extension);
    const struct mls_extension of_group = {.type = FORMAT_ROOM_EXTENSION, .data = out_span(buf_span(&extension))};
    x = buf_end(&extension);
    if (x == ERR_OK)
        x = from_mls(mls_group_new(e->mls, e->settings.suite, (struct mls_span){0}, &leaf, &of_group, 1, &g));
    struct chat *c = x == ERR_OK ? insert(e, g, &room, kind == ROOM_DIRECT ? contacts[0] : 0, CHAT_OPEN) : NULL;
    buf_wipe(&extension);
    if (x == ERR_OK && c == NULL) x = e->db.err != ERR_OK ? e->db.err : ERR_MEMORY;
    if (x == ERR_OK) x = chat_log_key(c, NULL, c->log_key);
    if (x == ERR_OK) (void)work_add(e, &(struct work){.kind = WORK_MAKE_LOG, .relay = e->self.relay, .chat = c->id});
    for (size_t i = 0; x == ERR_OK && i < n; i++) chat_put_take(c, contacts[i]);
    if (x == ERR_OK) x = chat_save(c);
    if (x != ERR_OK && c != NULL) remove_chat(c);
    else if (x == ERR_OK) *out = c;
    return x;
}

static bool has_member(struct engine *e, const struct mls_group *g, const uint8_t account[FORMAT_ID])
{
    struct mls_member m;
    uint8_t of[FORMAT_ID];
    uint32_t at = 0;
    while (mls_group_next_member(g, &at, &m)) {
        if (cred_account(e, &m, of) && memcmp(of, account, FORMAT_ID) == 0) return true;
    }
    return false;
}

// Everybody in the group is somebody, if only by their account.
static void note_members(struct chat *c)
{
    struct mls_member m;
    struct cert cert;
    uint8_t account[FORMAT_ID];
    uint32_t at = 0;
    while (mls_group_next_member(c->mls, &at, &m)) {
        if (cert_check(c->e->crypto, in_span(m.identity), &cert) != ERR_OK) continue;
        if (account_id(c->e->crypto, cert.account_key, account) != ERR_OK ||
            memcmp(account, c->e->self.account, FORMAT_ID) == 0)
            continue;
        (void)contact_put(c->e, account, span_of(NULL, 0), span_of(NULL, 0), CONTACT_STRANGER);
        contact_key(c->e, account, cert.account_key);
    }
}

enum err chat_join(struct engine *e, const struct intro *i, struct span private_part, int64_t contact,
                   enum chat_state state, struct chat **out)
{
    struct mls_group *g = NULL;
    struct room room;
    struct invite from;
    enum err x =
        from_mls(mls_group_join(e->mls, out_span(i->welcome), out_span(private_part), (struct mls_span){0}, NULL, &g));
    if (x == ERR_OK) x = room_decode(room_extension_of(g), &room);
    if (x == ERR_OK) x = invite_decode(i->invite, &from);
    if (x == ERR_OK && !has_member(e, g, from.account)) x = ERR_UNAUTHENTICATED; // it is not theirs to invite to
    if (x == ERR_OK && room.kind == ROOM_SELF) x = ERR_INVALID;
    if (x == ERR_OK && room.kind == ROOM_DIRECT && mls_group_member_count(g) > 2 * 32) x = ERR_INVALID;
    if (x != ERR_OK) {
        mls_group_free(g);
        return x;
    }
    struct chat *c = insert(e, g, &room, room.kind == ROOM_DIRECT ? contact : 0, state);
    if (c == NULL) return e->db.err != ERR_OK ? e->db.err : ERR_MEMORY;
    memcpy(c->log_key, i->log_key, 32);
    memcpy(c->chain, i->chain, 32);
    c->log_epoch = i->log_epoch;
    c->cursor = i->seq;
    c->made = true;
    note_members(c);
    x = chat_save(c);
    if (x != ERR_OK) remove_chat(c);
    else *out = c;
    return x;
}

// ------------------------------------------------------------------------------------------------------------ receiving

// What a round of entries has brought, told when it is durable.
struct round {
    struct engine_event told[64];
    size_t n;
    bool rekeyed, moved;
};

static void later(struct round *r, struct engine_event event)
{
    if (r->n < sizeof r->told / sizeof *r->told) r->told[r->n++] = event;
}

static void remember(struct chat *c, uint64_t seq)
{
    struct db *d = &c->e->db;
    sqlite3_stmt *q = db_sql(d, "INSERT OR REPLACE INTO past(chat, seq, chain) VALUES(?1, ?2, ?3)");
    db_int(q, 1, c->id);
    db_int(q, 2, (int64_t)seq);
    db_blob(q, 3, span_of(c->chain, 32));
    (void)db_run(d, q);
    q = db_sql(d, "DELETE FROM past WHERE chat = ?1 AND seq <= ?2");
    db_int(q, 1, c->id);
    db_int(q, 2, (int64_t)seq - PAST_KEPT);
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

static void own_arrived(struct chat *c, const struct wire_entry *x, int64_t message, struct round *round)
{
    if (message == 0) return; // a card
    sqlite3_stmt *q = db_sql(&c->e->db, "UPDATE message SET seq = ?2, time = ?3, state = max(state, ?4) WHERE id = ?1");
    db_int(q, 1, message);
    db_int(q, 2, (int64_t)x->seq);
    db_int(q, 3, (int64_t)x->time);
    db_int(q, 4, MESSAGE_SENT);
    (void)db_run(&c->e->db, q);
    later(round, (struct engine_event){.kind = ENGINE_MESSAGE, .chat = c->id, .message = message});
}

// What somebody has seen of the log must be what we have seen.
static void compare(struct chat *c, const struct said *s, struct round *round)
{
    static const char forked[] =
        "the relay shows different people different histories of this conversation. Somebody controls it: compare"
        " what you have read over another way, and move to another relay";
    struct db *d = &c->e->db;
    sqlite3_stmt *q = db_sql(d, "SELECT chain FROM past WHERE chat = ?1 AND seq = ?2");
    db_int(q, 1, c->id);
    db_int(q, 2, (int64_t)s->seen);
    bool differs = db_row(d, q) && !span_eq(db_get(q, 0), span_of(s->chain, 32));
    db_done(q);
    if (differs || (s->seen >= c->cursor && s->seen != 0)) { // or they have seen what comes later
        later(round, (struct engine_event){.kind = ENGINE_WARNING, .chat = c->id, .text = forked});
    }
}

// A fresh invitation from somebody: kept, and shown to nobody. False if it is something to be shown.
static bool take_card(struct chat *c, struct span bytes, const uint8_t account[FORMAT_ID])
{
    struct engine *e = c->e;
    struct content *content = mem_new(sizeof *content);
    struct invite i;
    bool card = content != NULL && content_decode(bytes, content) == ERR_OK &&
                content->parts[0].disposition == CONTENT_PROFILE &&
                span_eq(content->parts[0].type, span_str(CARD_TYPE));
    if (card && invite_decode(content->parts[0].body, &i) == ERR_OK && memcmp(i.account, account, FORMAT_ID) == 0) {
        sqlite3_stmt *q = db_sql(&e->db, "UPDATE contact SET invite = ?2 WHERE account = ?1");
        db_blob(q, 1, span_of(account, FORMAT_ID));
        db_blob(q, 2, content->parts[0].body);
        (void)db_run(&e->db, q);
    }
    mem_free_wiped(content, sizeof *content);
    return card;
}

static void take_said(struct chat *c, const struct wire_entry *x, uint32_t sender, struct span data,
                      struct round *round)
{
    struct engine *e = c->e;
    struct said s;
    struct mls_member m;
    uint8_t account[FORMAT_ID], id[CONTENT_ID];
    char text[2 * FORMAT_ID + 1];
    if (said_decode(data, &s) != ERR_OK || mls_group_member(c->mls, sender, &m) != MLS_OK ||
        !cred_account(e, &m, account))
        return;
    compare(c, &s, round);
    if (take_card(c, s.content, account)) return;
    for (size_t i = 0; i < FORMAT_ID; i++) (void)snprintf(text + 2 * i, 3, "%02x", account[i]);
    if (content_id(e->crypto, span_str(text), in_span(mls_group_id(c->mls)), s.content, id) != ERR_OK) return;
    int64_t from = memcmp(account, e->self.account, FORMAT_ID) == 0 ? 0 : contact_of(e, account);
    sqlite3_stmt *q = db_sql(&e->db, "INSERT OR IGNORE INTO message(chat, seq, mimi, sender, time, state, content)"
                                     " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    db_int(q, 1, c->id);
    db_int(q, 2, (int64_t)x->seq);
    db_blob(q, 3, span_of(id, CONTENT_ID));
    db_int(q, 4, from);
    db_int(q, 5, (int64_t)x->time);
    db_int(q, 6, MESSAGE_RECEIVED);
    db_blob(q, 7, s.content);
    if (db_run(&e->db, q) > 0) {
        later(round, (struct engine_event){.kind = ENGINE_MESSAGE, .chat = c->id, .message = db_last_id(&e->db)});
        say_forget(e, c->id, s.content, from);
    }
}

static bool removes_somebody(const struct mls_staged *s)
{
    struct mls_change change;
    size_t at = 0;
    while (mls_staged_next_change(s, &at, &change)) {
        if (change.type == MLS_CHANGE_REMOVED) return true;
    }
    return false;
}

// Of a commit that is merged, the chat's key follows; one that is not allowed is an entry that everybody passes over.
static enum err take_commit(struct chat *c, struct mls_received *r, struct round *round)
{
    if (!commit_allowed(c, r->staged)) {
        later(round,
              (struct engine_event){
                  .kind = ENGINE_WARNING,
                  .chat = c->id,
                  .text = "somebody tried to change this conversation without being allowed to; nothing was changed"});
        return ERR_OK;
    }
    enum err x = ERR_OK;
    if (mls_staged_removes_me(r->staged)) c->state = CHAT_LEFT;
    else if (removes_somebody(r->staged)) x = chat_log_key(c, r->staged, c->log_key);
    if (x == ERR_OK) x = from_mls(mls_group_merge(c->mls, r->staged));
    if (x != ERR_OK) return x;
    r->staged = NULL;
    note_members(c);
    round->rekeyed = true;
    later(round, (struct engine_event){.kind = ENGINE_CHAT, .chat = c->id});
    return ERR_OK;
}

static enum err take_message(struct chat *c, const struct wire_entry *x, struct round *round)
{
    struct mls_received r = {0};
    enum err err = ERR_OK;
    enum mls_error m = mls_group_receive(c->mls, out_span(x->payload), &r);
    if (m == MLS_E_MEMORY) return ERR_MEMORY;
    if (m != MLS_OK) return ERR_OK; // an entry that is nothing to this group
    if (r.content == MLS_CONTENT_APPLICATION && r.sender_type == MLS_SENDER_MEMBER)
        take_said(c, x, r.sender, buf_of(&r.data), round);
    else if (r.content == MLS_CONTENT_PROPOSAL) err = from_mls(mls_group_drop_proposals(c->mls, (struct mls_span){0}));
    else if (r.content == MLS_CONTENT_COMMIT) err = take_commit(c, &r, round);
    bool merged = r.content == MLS_CONTENT_COMMIT && r.staged == NULL;
    mls_received_free(&r);
    if (merged) c->log_epoch = x->epoch + 1;
    return err;
}

static enum err take_entry(struct chat *c, const struct wire_entry *x, struct round *round)
{
    int64_t message = 0;
    uint8_t kind = 0;
    if (x->seq != c->cursor + 1) {
        if (x->seq > c->cursor) {
            later(round, (struct engine_event){
                             .kind = ENGINE_WARNING,
                             .chat = c->id,
                             .text = "the relay has left something out of this conversation; it cannot be trusted"});
        }
        if (x->seq <= c->cursor) return ERR_OK; // again
    }
    enum err err = chain_next(c->e->crypto, c->chain, x->seq, x->epoch, x->payload);
    if (err != ERR_OK) return err;
    c->cursor = x->seq;
    if (x->epoch > c->log_epoch) c->log_epoch = x->epoch;
    remember(c, x->seq);
    int64_t own = find_own(c, x->payload, &message, &kind);
    if (own == 0) return c->state == CHAT_LEFT ? ERR_OK : take_message(c, x, round);
    if (kind == WORK_COMMIT) {
        c->log_epoch = x->epoch + 1;
        err = commit_won(c, own);
        if (err == ERR_OK) note_members(c);
        round->rekeyed = true;
        later(round, (struct engine_event){.kind = ENGINE_CHAT, .chat = c->id});
    } else {
        own_arrived(c, x, message, round);
        work_drop(c->e, own);
    }
    return err;
}

void chat_entries(struct chat *c, struct span list)
{
    const struct chat before = *c;
    struct engine *e = c->e;
    struct round round = {0};
    struct wire_entry x;
    if (chat_group(c) == NULL) return;
    db_begin(&e->db);
    enum err err = ERR_OK;
    while (err == ERR_OK && wire_next_entry(&list, &x)) err = take_entry(c, &x, &round);
    if (err == ERR_OK) err = chat_save(c);
    if (err == ERR_OK) err = db_commit(&e->db);
    else db_rollback(&e->db);
    if (err != ERR_OK) { // nothing of it has happened; it is read again when the relay is asked the next time
        struct chat *next = c->next;
        chat_drop_group(c);
        *c = before;
        c->next = next;
        c->mls = NULL;
        c->following = c->caught_up = false;
        engine_tell(e, (struct engine_event){.kind = ENGINE_WARNING,
                                             .chat = c->id,
                                             .text = "what came could not be stored; is the disk full?"});
        return;
    }
    chat_saved(c);
    for (size_t i = 0; i < round.n; i++) engine_tell(e, round.told[i]);
    chat_check_caught_up(c);
    if (round.rekeyed) peer_pump_all(e);
}

// The relay has said that it has something of ours, and the log does not show it.
static void look_for_lost(struct chat *c)
{
    sqlite3_stmt *q =
        db_sql(&c->e->db,
               "SELECT 1 FROM work w JOIN message m ON m.id = w.message WHERE w.chat = ?1 AND w.acked AND m.seq <= ?2");
    db_int(q, 1, c->id);
    db_int(q, 2, (int64_t)c->cursor);
    bool lost = db_row(&c->e->db, q);
    db_done(q);
    if (!lost) return;
    db_begin(&c->e->db);
    q = db_sql(&c->e->db, "UPDATE work SET acked = 0 WHERE chat = ?1");
    db_int(q, 1, c->id);
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
    if (c->log_epoch < c->catch_epoch) c->log_epoch = c->catch_epoch;
    c->caught_up = true;
    look_for_lost(c);
    peer_pump(c->peer);
}
