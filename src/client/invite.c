// SPDX-License-Identifier: Apache-2.0
//
// Invitations to oneself: made, listed, used and taken back. Each is a key that may append to the inbox; the relay knows its hash
// and nothing of whom it is for. Invariant: what is taken back here is closed at the relay as soon as it can be reached.
#include "client/inner.h"

static void invite_of(struct engine *e, const uint8_t key[32], uint8_t flags, struct span group, struct invite *out)
{
    const struct self *s = &e->self;
    *out = (struct invite){.relay = span_str(s->relay),
                           .inbox = s->inbox,
                           .key = key,
                           .package_key = s->package_key,
                           .account = s->account,
                           .flags = flags,
                           .name = span_str(s->name),
                           .group = group};
}

static void put_grant_work(struct engine *e, enum work_kind kind, const uint8_t key[32])
{
    uint8_t hash[32];
    if (sha256(e, span_of(key, 32), hash) == ERR_OK)
        (void)work_add(e, &(struct work){.kind = (uint8_t)kind, .relay = e->self.relay, .what = span_of(hash, 32)});
    else if (e->db.err == ERR_OK) e->db.err = ERR_MEMORY;
}

enum err invite_make(struct engine *e, const struct invite_new *n, struct buf *out)
{
    uint8_t key[32]; /* secret */
    struct invite i;
    enum err x = e->world.random(e->world.arg, key, sizeof key);
    if (x != ERR_OK) return x;
    sqlite3_stmt *q =
        db_sql(&e->db, "INSERT INTO invite(key, flags, label, state, created, listed, contact, chat, asks, uses)"
                       " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0)");
    db_blob(q, 1, span_of(key, 32));
    db_int(q, 2, n->flags);
    db_text(q, 3, n->label);
    db_int(q, 4, ENGINE_INVITE_OPEN);
    db_int(q, 5, (int64_t)engine_now());
    db_int(q, 6, n->listed);
    db_int(q, 7, n->contact);
    db_int(q, 8, n->chat);
    db_int(q, 9, n->asks);
    (void)db_run(&e->db, q);
    put_grant_work(e, WORK_GRANT, key);
    invite_of(e, key, n->flags, n->group, &i);
    invite_encode(&i, out);
    mem_wipe(key, sizeof key);
    return e->db.err != ERR_OK ? e->db.err : buf_end(out);
}

enum err invite_to_link(struct engine *e, const struct invite_new *n, struct buf *link)
{
    struct buf bytes;
    struct invite i;
    buf_init(&bytes, FORMAT_LINK_MAX);
    db_begin(&e->db);
    enum err x = invite_make(e, n, &bytes);
    if (x == ERR_OK) x = db_commit(&e->db);
    else db_rollback(&e->db);
    if (x == ERR_OK) x = invite_decode(buf_span(&bytes), &i);
    if (x == ERR_OK) x = invite_link(&i, NULL, link);
    buf_wipe(&bytes);
    if (x == ERR_OK) peer_pump_all(e);
    return x;
}

enum err engine_invite(struct engine *e, uint8_t flags, const char *label, struct buf *link)
{
    return invite_to_link(e, &(struct invite_new){.flags = flags, .label = span_str(label), .listed = true}, link);
}

// --------------------------------------------------------------------------------------------------------------- using

bool invite_find(struct engine *e, const uint8_t key[32], struct invite_own *out)
{
    *out = (struct invite_own){0};
    sqlite3_stmt *q =
        db_sql(&e->db, "SELECT id, flags, chat, asks, uses, contact FROM invite WHERE key = ?1 AND state = ?2");
    db_blob(q, 1, span_of(key, 32));
    db_int(q, 2, ENGINE_INVITE_OPEN);
    if (db_row(&e->db, q)) {
        *out = (struct invite_own){.id = db_get_int(q, 0),
                                   .flags = (uint8_t)db_get_int(q, 1),
                                   .chat = db_get_int(q, 2),
                                   .asks = db_get_int(q, 3) != 0,
                                   .used = db_get_int(q, 4) != 0,
                                   .contact = db_get_int(q, 5)};
    }
    db_done(q);
    return out->id != 0;
}

// Closes one that is open: true if it was.
static bool end(struct engine *e, int64_t id, enum engine_invite_state state)
{
    uint8_t key[32]; /* secret */
    sqlite3_stmt *q = db_sql(&e->db, "UPDATE invite SET state = ?2 WHERE id = ?1 AND state = ?3 RETURNING key");
    db_int(q, 1, id);
    db_int(q, 2, state);
    db_int(q, 3, ENGINE_INVITE_OPEN);
    bool open = db_row(&e->db, q) && db_get_fixed(&e->db, q, 0, key, 32);
    db_done(q);
    if (open) put_grant_work(e, WORK_REVOKE, key);
    mem_wipe(key, sizeof key);
    return open;
}

void invite_use(struct engine *e, const struct invite_own *own, int64_t contact)
{
    if (own->id == 0) return;
    sqlite3_stmt *q = db_sql(
        &e->db, "UPDATE invite SET uses = uses + 1, contact = iif(?3 AND contact = 0, ?2, contact) WHERE id = ?1");
    db_int(q, 1, own->id);
    db_int(q, 2, contact);
    db_int(q, 3, (own->flags & (INVITE_PERSONAL | INVITE_ONCE)) != 0);
    (void)db_run(&e->db, q);
    if ((own->flags & INVITE_ONCE) != 0) (void)end(e, own->id, ENGINE_INVITE_USED);
}

void invite_take_back(struct engine *e, int64_t contact)
{
    int64_t ids[64];
    size_t n;
    do {
        n = 0;
        sqlite3_stmt *q = db_sql(&e->db, "SELECT id FROM invite WHERE contact = ?1 AND state = ?2 LIMIT 64");
        db_int(q, 1, contact);
        db_int(q, 2, ENGINE_INVITE_OPEN);
        while (n < 64 && db_row(&e->db, q)) ids[n++] = db_get_int(q, 0);
        db_done(q);
        for (size_t i = 0; i < n; i++) (void)end(e, ids[i], ENGINE_INVITE_REVOKED);
    } while (n == 64 && e->db.err == ERR_OK);
}

void invite_chat_gone(struct engine *e, int64_t chat)
{
    int64_t id = 1;
    while (id != 0 && e->db.err == ERR_OK) {
        sqlite3_stmt *q = db_sql(&e->db, "SELECT coalesce(max(id), 0) FROM invite WHERE chat = ?1 AND chat > 0");
        db_int(q, 1, chat);
        id = db_row(&e->db, q) ? db_get_int(q, 0) : 0;
        db_done(q);
        (void)end(e, id, ENGINE_INVITE_REVOKED);
        q = db_sql(&e->db, "DELETE FROM invite WHERE id = ?1");
        db_int(q, 1, id);
        (void)db_run(&e->db, q);
    }
}

// --------------------------------------------------------------------------------------------------------------- asking

static enum err show(struct engine *e, sqlite3_stmt *q, void (*each)(void *arg, const struct engine_invite_info *i),
                     void *arg)
{
    uint8_t key[32]; /* secret */
    struct buf link;
    struct invite i;
    if (!db_get_fixed(&e->db, q, 1, key, 32)) return e->db.err;
    struct engine_invite_info out = {.id = db_get_int(q, 0),
                                     .flags = (uint8_t)db_get_int(q, 2),
                                     .label = db_get(q, 3),
                                     .state = (enum engine_invite_state)db_get_int(q, 4),
                                     .created = (uint64_t)db_get_int(q, 5),
                                     .uses = (uint32_t)db_get_int(q, 6),
                                     .chat = db_get_int(q, 7),
                                     .asks = db_get_int(q, 8) != 0};
    buf_init(&link, FORMAT_LINK_MAX);
    invite_of(e, key, out.flags, db_get(q, 9), &i);
    enum err x = invite_link(&i, NULL, &link);
    out.link = (const char *)link.p;
    if (x == ERR_OK) each(arg, &out);
    buf_wipe(&link);
    mem_wipe(key, sizeof key);
    return x;
}

enum err engine_invites(struct engine *e, void (*each)(void *arg, const struct engine_invite_info *i), void *arg)
{
    enum err x = ERR_OK;
    e->db.err = ERR_OK;
    sqlite3_stmt *q = db_sql(&e->db, "SELECT id, key, flags, label, state, created, uses, chat, asks,"
                                     " coalesce((SELECT name FROM chat WHERE chat.id = invite.chat), '')"
                                     " FROM invite WHERE listed ORDER BY id DESC");
    while (x == ERR_OK && db_row(&e->db, q)) x = show(e, q, each, arg);
    db_done(q);
    return x != ERR_OK ? x : e->db.err;
}

enum err engine_invite_revoke(struct engine *e, int64_t id)
{
    db_begin(&e->db);
    sqlite3_stmt *q = db_sql(&e->db, "SELECT 1 FROM invite WHERE id = ?1 AND listed");
    db_int(q, 1, id);
    bool there = db_row(&e->db, q);
    db_done(q);
    bool open = there && end(e, id, ENGINE_INVITE_REVOKED);
    enum err x = db_commit(&e->db);
    if (x != ERR_OK) return x;
    if (open) peer_pump_all(e);
    return !there ? ERR_NOT_FOUND : open ? ERR_OK : ERR_REFUSED;
}
