// SPDX-License-Identifier: Apache-2.0
//
// Conversations: making them, and their state in the vault and in memory. Invariant: the group in memory is what its
// records say, whenever no transaction is open; if one fails, the group is read again.
#include "client/inner.h"

#include <stdio.h>
#include <stdlib.h>

enum { GROUPS_KEPT = 64 }; // in memory; a small one is some ten kilobytes, one of 1,000 members a megabyte

const char chat_key_label[] = "Whimbrel log key";

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
    c->used = ++c->e->uses;
    if (c->mls != NULL) return c->mls;
    c->e->restored++;
    sqlite3_stmt *q = db_sql(&c->e->db, "SELECT key, value FROM record WHERE chat = ?1");
    db_int(q, 1, c->id);
    enum mls_error m = mls_group_restore(c->e->mls, next_record, c, &c->mls);
    db_done(q);
    if (m == MLS_OK && c->e->db.err == ERR_OK) return c->mls;
    chat_drop_group(c);
    return NULL;
}

static int by_use(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x > y ? -1 : x < y;
}

void chat_trim(struct engine *e)
{
    size_t n = 0, most = 0;
    if (e->restored < GROUPS_KEPT / 2) return;
    for (const struct chat *c = e->chats; c != NULL; c = c->next) most += c->mls != NULL;
    uint64_t *used = most > GROUPS_KEPT ? mem_new_array(most, sizeof *used) : NULL;
    e->restored = 0;
    if (used == NULL) return;
    for (const struct chat *c = e->chats; c != NULL; c = c->next) {
        if (c->mls != NULL) used[n++] = c->used;
    }
    qsort(used, n, sizeof *used, by_use);
    for (struct chat *c = e->chats; c != NULL; c = c->next) {
        if (c->used <= used[GROUPS_KEPT]) chat_drop_group(c);
    }
    mem_free(used);
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
        db_sql(d, "UPDATE chat SET log_key = ?2, log_epoch = ?3, cursor = ?4, chain = ?5, state = ?6, behind = ?7,"
                  " suspect = ?8, since = ?9 WHERE id = ?1");
    db_int(q, 1, c->id);
    db_blob(q, 2, span_of(c->log_key, 32));
    db_int(q, 3, (int64_t)c->log_epoch);
    db_int(q, 4, (int64_t)c->cursor);
    db_blob(q, 5, span_of(c->chain, 32));
    db_int(q, 6, c->state);
    db_int(q, 7, c->behind);
    db_int(q, 8, c->suspect);
    db_int(q, 9, (int64_t)c->since);
    (void)db_run(d, q);
    if (c->mls != NULL && d->err == ERR_OK && mls_group_changes(c->mls, save_record, c) != MLS_OK && d->err == ERR_OK)
        return ERR_MEMORY;
    return d->err;
}

void chat_saved(struct chat *c)
{
    c->e->full = false;
    if (c->mls != NULL) mls_group_saved(c->mls);
}

struct peer *chat_peer(struct engine *e, const char *relay, int64_t id, enum chat_state state)
{
    return state == CHAT_REQUEST ? peer_of_stranger(e, relay, id) : peer_for(e, relay, id);
}

static struct chat *add_chat(struct engine *e, int64_t id, struct span relay, enum chat_state state)
{
    char text[RELAY_ROOM];
    struct chat *c = relay.n < RELAY_ROOM ? mem_new(sizeof *c) : NULL;
    if (c == NULL) return NULL;
    memcpy(text, relay.p, relay.n);
    text[relay.n] = 0;
    *c = (struct chat){.e = e, .id = id, .peer = chat_peer(e, text, id, state), .next = e->chats};
    if (c->peer == NULL) {
        mem_free(c);
        return NULL;
    }
    e->chats = c;
    return c;
}

void chat_delete(struct chat *c)
{
    static const char *const sql[] = {"DELETE FROM work WHERE chat = ?1", "DELETE FROM warning WHERE chat = ?1",
                                      "DELETE FROM chat WHERE id = ?1"};
    chat_clear(c);
    invite_chat_gone(c->e, c->id);
    for (size_t i = 0; i < sizeof sql / sizeof *sql; i++) {
        sqlite3_stmt *q = db_sql(&c->e->db, sql[i]);
        db_int(q, 1, c->id);
        (void)db_run(&c->e->db, q);
    }
}

void chat_forget(struct chat *c)
{
    peer_unfollow_chat(c);
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
    c->asker = db_get_int(q, 11);
    c->behind = db_get_int(q, 12);
    c->suspect = db_get_int(q, 13);
    c->since = (uint64_t)db_get_int(q, 14);
}

#define CHAT_ROW                                                                      \
    "SELECT id, relay, contact, kind, state, log, log_key, chain, log_epoch, cursor," \
    " EXISTS(SELECT 1 FROM work WHERE work.chat = chat.id AND work.kind = 5), asker, behind, suspect, since FROM chat"

enum err chat_load_all(struct engine *e)
{
    struct db *d = &e->db;
    sqlite3_stmt *q = db_sql(d, CHAT_ROW);
    while (db_row(d, q)) {
        struct chat *c = add_chat(e, db_get_int(q, 0), db_get(q, 1), (enum chat_state)db_get_int(q, 4));
        if (c == NULL) {
            db_done(q);
            return ERR_CORRUPT;
        }
        load_row(c, q);
    }
    for (struct chat *c = e->chats; c != NULL; c = c->next) refill_load(c);
    return d->err;
}

void chat_give_back(struct chat *c, const struct chat *before)
{
    struct chat *next = c->next;
    chat_drop_group(c);
    *c = *before;
    c->next = next;
    c->mls = NULL;
}

void chat_undo(struct chat *c)
{
    struct db *d = &c->e->db;
    char relay[RELAY_ROOM];
    d->err = ERR_OK;
    sqlite3_stmt *q = db_sql(d, CHAT_ROW " WHERE id = ?1");
    db_int(q, 1, c->id);
    bool there = db_row(d, q);
    if (there) {
        chat_drop_group(c);
        load_row(c, q);
        (void)snprintf(relay, sizeof relay, "%.*s", (int)db_get(q, 1).n, (const char *)db_get(q, 1).p);
        c->peer = chat_peer(c->e, relay, c->id, (enum chat_state)c->state);
        c->following = c->caught_up = false;
    }
    db_done(q);
    if (!there) chat_forget(c);
}

void chat_free_all(struct engine *e)
{
    while (e->chats != NULL) chat_forget(e->chats);
}

// ------------------------------------------------------------------------------------------------------ making, joining

enum err chat_log_key(struct chat *c, const struct mls_staged *staged, uint8_t key[32])
{
    struct mls_buf out = {0};
    const struct mls_span log = {c->log, 32};
    enum mls_error m = staged != NULL ? mls_staged_export(staged, chat_key_label, log, 32, &out)
                                      : mls_group_export(c->mls, chat_key_label, log, 32, &out);
    if (m == MLS_OK) memcpy(key, out.data, 32);
    mls_buf_free(&out);
    return from_mls(m);
}

enum err chat_room(struct chat *c, struct room *out)
{
    return chat_group(c) == NULL ? ERR_CORRUPT : room_decode(room_in(mls_group_extensions(c->mls)), out);
}

struct chat *chat_insert(struct engine *e, struct mls_group *take, const struct room *r, int64_t contact, int64_t asker,
                         enum chat_state state)
{
    sqlite3_stmt *q = db_sql(
        &e->db, "INSERT INTO chat(group_id, kind, name, contact, relay, log, log_key, log_epoch, cursor, chain, state,"
                " created, asker, renewed, admins)"
                " VALUES(?1, ?2, ?3, ?4, ?5, ?6, zeroblob(32), 0, 0, zeroblob(32), ?7, ?8, ?9, ?10, ?11)");
    db_blob(q, 1, in_span(mls_group_id(take)));
    db_int(q, 2, r->kind);
    db_text(q, 3, r->name);
    db_int(q, 4, contact);
    db_text(q, 5, r->relay);
    db_blob(q, 6, span_of(r->log, 32));
    db_int(q, 7, state);
    db_int(q, 8, (int64_t)engine_now());
    db_int(q, 9, asker);
    db_int(q, 10, renew_first(r->kind, asker));
    db_blob(q, 11, r->admins);
    (void)db_run(&e->db, q);
    int64_t id = db_last_id(&e->db);
    talk_open(&e->history, id);
    struct chat *c = e->db.err == ERR_OK ? add_chat(e, id, r->relay, state) : NULL;
    if (c == NULL) {
        mls_group_free(take);
        return NULL;
    }
    c->mls = take;
    c->used = ++e->uses;
    e->restored++;
    c->kind = r->kind;
    c->contact = contact;
    c->asker = asker;
    c->state = (uint8_t)state;
    memcpy(c->log, r->log, 32);
    return c;
}

bool chat_is_empty(struct chat *c)
{
    if (c->kind != ROOM_DIRECT || chat_group(c) == NULL || mls_group_member_count(c->mls) > 1) return false;
    sqlite3_stmt *q = db_sql(&c->e->db, "SELECT 1 FROM work WHERE chat = ?1 AND kind IN (?2, ?3) LIMIT 1");
    db_int(q, 1, c->id);
    db_int(q, 2, WORK_TAKE);
    db_int(q, 3, WORK_COMMIT);
    bool comes = db_row(&c->e->db, q);
    db_done(q);
    return !comes;
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
        (void)peer_for(e, relay, c->id);
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
    struct chat *c = x == ERR_OK ? chat_insert(e, g, &room, kind == ROOM_DIRECT ? contacts[0] : 0, 0, CHAT_OPEN) : NULL;
    buf_wipe(&extension);
    if (x == ERR_OK && c == NULL) x = e->db.err != ERR_OK ? e->db.err : ERR_MEMORY;
    if (x == ERR_OK) x = chat_log_key(c, NULL, c->log_key);
    if (x == ERR_OK) (void)work_add(e, &(struct work){.kind = WORK_MAKE_LOG, .relay = e->self.relay, .chat = c->id});
    for (size_t i = 0; x == ERR_OK && i < n; i++) chat_put_take(c, contacts[i]);
    if (x == ERR_OK) chat_remember(c);
    if (x == ERR_OK) x = chat_save(c);
    if (x != ERR_OK && c != NULL) chat_forget(c);
    else if (x == ERR_OK) *out = c;
    return x;
}

// The name as the room has it now, for lists that are made without reading groups.
static void put_name(struct chat *c, const struct room *r)
{
    sqlite3_stmt *q = db_sql(&c->e->db, "UPDATE chat SET name = ?2 WHERE id = ?1 AND name != ?2");
    db_int(q, 1, c->id);
    db_text(q, 2, r->name);
    (void)db_run(&c->e->db, q);
}

void chat_begin_anew(struct chat *c, const uint8_t log[32])
{
    c->following = c->caught_up = c->meeting = false;
    c->behind = c->suspect = 0;
    c->ended = c->refused = c->tried = 0;
    memcpy(c->log, log, 32);
}

// Within a transaction: the room names another log, at which the conversation goes on from its first entry.
static enum err move(struct chat *c, const struct room *r)
{
    struct db *d = &c->e->db;
    char relay[RELAY_ROOM];
    if (memcmp(c->log, r->log, 32) == 0) return ERR_OK;
    struct peer *p = peer_is_address(r->relay) ? NULL : c->peer; // where it is, if that is none
    (void)snprintf(relay, sizeof relay, "%.*s", (int)r->relay.n, (const char *)r->relay.p);
    if (p == NULL) p = chat_peer(c->e, relay, c->id, (enum chat_state)c->state);
    if (p == NULL) return ERR_MEMORY;
    chat_begin_anew(c, r->log);
    c->peer = p;
    c->cursor = c->log_epoch = c->catch_to = c->catch_epoch = c->gap = 0;
    c->lost = c->again = c->blind = false;
    c->made = true;
    mem_wipe(c->chain, 32);
    static const char *const sql[] = {
        "DELETE FROM past WHERE chat = ?1",
        "DELETE FROM kept WHERE chat = ?1",
        "UPDATE work SET payload = x'', staged = x'', welcome = x'', acked = 0, epoch = 0, relay = ?2 WHERE chat = ?1 "
        "AND"
        " kind IN (7, 9)",
        "UPDATE chat SET relay = ?2, log = ?3 WHERE id = ?1",
    };
    for (size_t i = 0; i < sizeof sql / sizeof *sql; i++) {
        sqlite3_stmt *q = db_sql(d, sql[i]);
        db_int(q, 1, c->id);
        if (i >= 2) db_text(q, 2, span_str(p->relay));
        if (i == 3) db_blob(q, 3, span_of(c->log, 32));
        (void)db_run(d, q);
    }
    return d->err == ERR_OK ? chat_log_key(c, NULL, c->log_key) : d->err;
}

// A contact's number, or 0 for oneself.
static int64_t committer_of(struct chat *c, const struct mls_staged *s)
{
    struct mls_member m;
    uint8_t account[FORMAT_ID];
    bool known = mls_group_member(c->mls, mls_staged_committer(s), &m) == MLS_OK && cred_account(c->e, &m, account);
    return known ? contact_of(c->e, account) : 0;
}

enum err chat_merge(struct chat *c, struct mls_staged **take, const struct wire_entry *entry)
{
    struct room room;
    enum err x = ERR_OK;
    bool out = mls_staged_removes_me(*take);
    if (out && split_replaces(c, *take)) { // whoever has done it introduces this device
        c->behind = BEHIND_OUT;
        c->since = entry->seq;
        return ERR_OK;
    }
    if (!out && commit_removes(*take)) x = chat_log_key(c, *take, c->log_key);
    int64_t by = committer_of(c, *take);
    if (c->behind != BEHIND_OUT && c->behind < 0 && by != c->suspect)
        c->behind = 0; // whoever has made it is where one is
    if (c->behind >= 0) c->suspect = by;
    notice_commit(c, *take, entry);
    renew_merged(c, *take);
    if (x == ERR_OK) x = from_mls(mls_group_merge(c->mls, *take));
    if (x != ERR_OK) return x;
    *take = NULL;
    c->log_epoch = entry->epoch + 1;
    recover_drop(c);
    c->since = entry->seq;
    if (out) part_end(c, CHAT_REMOVED);
    x = chat_room(c, &room);
    if (x != ERR_OK) return x;
    put_name(c, &room);
    chat_note_members(c);
    if (!out) x = move(c, &room);
    part_settle(c);
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

static int by_first(const void *a, const void *b) { return memcmp(a, b, sizeof(uint64_t)); }

// The row says what the list of conversations shows, so that it needs no group. People with several devices are counted once: ids are
// hashes, so their fronts tell them apart.
static void note_room(struct chat *c, const struct buf *fronts)
{
    const uint64_t *front = (const uint64_t *)(const void *)fronts->p;
    size_t n = fronts->n / sizeof *front, people = n > 0;
    struct room room;
    if (n > 1) qsort(fronts->p, n, sizeof *front, by_first);
    for (size_t i = 1; i < n; i++) people += front[i] != front[i - 1];
    if (buf_end(fronts) != ERR_OK || chat_room(c, &room) != ERR_OK) return;
    sqlite3_stmt *q =
        db_sql(&c->e->db, "UPDATE chat SET name = ?2, members = ?3, epoch = ?4, admins = ?5 WHERE id = ?1");
    db_int(q, 1, c->id);
    db_text(q, 2, room.name);
    db_int(q, 3, (int64_t)people);
    db_int(q, 4, (int64_t)mls_group_epoch(c->mls));
    db_blob(q, 5, room.admins);
    (void)db_run(&c->e->db, q);
}

bool chat_has(struct chat *c, const uint8_t account[FORMAT_ID])
{
    return chat_group(c) != NULL && has_member(c->e, c->mls, account);
}

void chat_note_members(struct chat *c)
{
    struct mls_member m;
    struct cert cert;
    uint8_t account[FORMAT_ID];
    uint32_t at = 0;
    struct buf fronts;
    buf_init(&fronts, (size_t)8 << 20);
    while (mls_group_next_member(c->mls, &at, &m)) {
        if (cert_read(in_span(m.identity), &cert) != ERR_OK) continue;
        if (account_id(c->e->crypto, cert.account_key, account) != ERR_OK) continue;
        buf_put(&fronts, span_of(account, sizeof(uint64_t)));
        if (memcmp(account, c->e->self.account, FORMAT_ID) == 0) continue;
        (void)contact_put(c->e, account, cred_name(&m), span_of(NULL, 0), CONTACT_STRANGER);
        contact_key(c->e, account, cert.account_key);
    }
    note_room(c, &fronts);
    buf_wipe(&fronts);
}
