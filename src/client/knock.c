// SPDX-License-Identifier: Apache-2.0
//
// Group links: an invitation to an admin's inbox that leads into a group. Whoever takes it knocks: their own invitation lies in the admin's
// inbox, and the admin's engine adds them, or asks first, as the link says. Invariant: who was put out of a group comes back by no
// link without being asked about, and nobody comes by a link whose maker is no admin any more. Who is in a conversation and knocks on it has a
// fresh device, which takes the place of the one that was: everybody there may see to that.
#include "client/inner.h"

#include "codec/tls.h"

enum {
    KNOCK_MAX = 8192,
    ASKING_MAX = 200, // people who wait for an answer, of a group
    OF_ACCOUNT = 10,  // knocks of one account in an hour
    BY_INVITE = 1000, // and by one link, whoever they are of
    HOUR_MS = 3600000,
};

const char knock_tables[] =
    // Of accounts, and of invitations by which one knocks: how often, in the hour that has begun then.
    "CREATE TABLE knocked(who BLOB PRIMARY KEY, since INTEGER NOT NULL, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;";

// ------------------------------------------------------------------------------------------------------------- knocking

enum err knock_work(struct engine *e, const struct invite *i, struct span invite, struct span group)
{
    struct buf what;
    char relay[RELAY_ROOM];
    buf_init(&what, KNOCK_MAX);
    tls_put_vector(&what, invite);
    tls_put_vector(&what, group);
    memcpy(relay, i->relay.p, i->relay.n);
    relay[i->relay.n] = 0;
    (void)work_add(e, &(struct work){.kind = WORK_KNOCK,
                                     .relay = relay,
                                     .log = span_of(i->inbox, 32),
                                     .key = span_of(i->key, 32),
                                     .what = buf_span(&what)});
    enum err x = buf_end(&what);
    buf_wipe(&what);
    return x != ERR_OK ? x : e->db.err;
}

// One has asked by it, and that has not been sent yet.
static bool is_knocking(struct engine *e, const struct invite *i)
{
    sqlite3_stmt *q = db_sql(&e->db, "SELECT 1 FROM work WHERE kind = ?1 AND log = ?2 AND key = ?3");
    db_int(q, 1, WORK_KNOCK);
    db_blob(q, 2, span_of(i->inbox, 32));
    db_blob(q, 3, span_of(i->key, 32));
    bool is = db_row(&e->db, q);
    db_done(q);
    return is;
}

enum err knock_put(struct engine *e, const struct invite *i, struct span invite, struct span group)
{
    char relay[RELAY_ROOM];
    enum err x = is_knocking(e, i) ? e->db.err : knock_work(e, i, invite, group);
    memcpy(relay, i->relay.p, i->relay.n);
    relay[i->relay.n] = 0;
    return x != ERR_OK ? x : peer_get(e, relay) == NULL ? ERR_MEMORY : ERR_OK;
}

// One knock for each device of whoever is asked. The invitation that goes with it lets one into the group without a question.
static enum err send_knock(struct engine *e, const struct invite *to, struct span group, struct span packages)
{
    struct buf mine, body;
    buf_init(&mine, FORMAT_LINK_MAX);
    buf_init(&body, KNOCK_MAX);
    enum err x = invite_make(e, &(struct invite_new){.flags = INVITE_PERSONAL, .chat = INVITE_KNOCKING}, &mine);
    const struct knock k = {
        .invite_key = to->key, .name = span_str(e->self.name), .invite = buf_span(&mine), .group = group};
    if (x == ERR_OK) knock_encode(&k, &body);
    if (x == ERR_OK) x = buf_end(&body);
    struct tls_reader r = tls_reader_of(packages);
    while (x == ERR_OK && tls_left(&r) > 0) x = inbox_send(e, to, 0, tls_vector(&r), INBOX_KNOCK, buf_span(&body));
    buf_wipe(&mine);
    buf_wipe(&body);
    return x;
}

enum err knock_taken(struct engine *e, const struct work *w, struct span taken)
{
    struct tls_reader r = tls_reader_of(w->what);
    struct span invite = tls_vector(&r), group = tls_vector(&r);
    struct invite to;
    struct buf packages;
    size_t count[2] = {0, 0}; // good, bad
    enum err x = ERR_OK;
    bool known = tls_end(&r) == ERR_OK && invite_decode(invite, &to) == ERR_OK;
    buf_init(&packages, WHAT_MAX);
    if (known) adding_open(e, to.account, &to, taken, &packages, count);
    if (known && count[0] + count[1] == 0) x = ERR_NOT_FOUND;
    if (count[0] > 0) x = send_knock(e, &to, group, buf_span(&packages));
    if (x == ERR_OK) work_drop(e, w->id);
    buf_wipe(&packages);
    if (x == ERR_OK && count[1] > 0)
        engine_tell(e, (struct engine_event){.kind = ENGINE_WARNING,
                                             .contact = known ? contact_of(e, to.account) : 0,
                                             .text =
                                                 "the relay of whoever made a group's link has handed out a key that is"
                                                 " not theirs: nothing was sent to it. Tell them, over another way"});
    return x;
}

// -------------------------------------------------------------------------------------------------------------- opening

static bool is_expelled(struct chat *c, int64_t contact)
{
    sqlite3_stmt *q = db_sql(&c->e->db, "SELECT 1 FROM expelled WHERE chat = ?1 AND contact = ?2");
    db_int(q, 1, c->id);
    db_int(q, 2, contact);
    bool is = db_row(&c->e->db, q);
    db_done(q);
    return is;
}

// ERR_REFUSED: so many ask already. Anybody can have as many accounts as they like, so whoever has a link could fill the vault with them.
static enum err put_asking(struct chat *c, int64_t contact)
{
    sqlite3_stmt *q = db_sql(&c->e->db, "SELECT count(*) FROM asking WHERE chat = ?1 AND contact != ?2");
    db_int(q, 1, c->id);
    db_int(q, 2, contact);
    bool full = db_row(&c->e->db, q) && db_get_int(q, 0) >= ASKING_MAX;
    db_done(q);
    if (full) return ERR_REFUSED;
    q = db_sql(&c->e->db, "INSERT OR REPLACE INTO asking(chat, contact, time) VALUES(?1, ?2, ?3)");
    db_int(q, 1, c->id);
    db_int(q, 2, contact);
    db_int(q, 3, (int64_t)engine_now());
    (void)db_run(&c->e->db, q);
    return c->e->db.err;
}

static bool takes_in(struct chat *c) { return c != NULL && c->state == CHAT_OPEN && chat_is_led(c); }

// The contact that a knock is of, who has signed it, with the way to them that is in it. To somebody known there is one that was tried.
static int64_t visitor(struct engine *e, const struct knock *k, const struct invite *from)
{
    sqlite3_stmt *q = db_sql(&e->db, "SELECT state = ?2 AND invite != x'' FROM contact WHERE account = ?1");
    db_blob(q, 1, span_of(from->account, FORMAT_ID));
    db_int(q, 2, CONTACT_KNOWN);
    bool known = db_row(&e->db, q) && db_get_int(q, 0) != 0;
    db_done(q);
    return contact_put(e, from->account, k->name, known ? span_of(NULL, 0) : k->invite, CONTACT_STRANGER);
}

static bool within(struct engine *e, const uint8_t who[32], int64_t most)
{
    int64_t now = (int64_t)engine_now(), n = 0;
    sqlite3_stmt *q = db_sql(&e->db, "INSERT INTO knocked(who, since, n) VALUES(?1, ?2, 1) ON CONFLICT(who) DO UPDATE"
                                     " SET n = n + 1 RETURNING n");
    db_blob(q, 1, span_of(who, 32));
    db_int(q, 2, now);
    if (db_row(&e->db, q)) n = db_get_int(q, 0);
    db_done(q);
    return n <= most;
}

// Whether they, and all who come by this invitation, have not knocked too often of late.
static bool has_patience(struct engine *e, const struct invite *from, const uint8_t invite_key[32])
{
    int64_t now = (int64_t)engine_now();
    sqlite3_stmt *q = db_sql(&e->db, "DELETE FROM knocked WHERE since NOT BETWEEN ?1 AND ?2");
    db_int(q, 1, now - HOUR_MS);
    db_int(q, 2, now);
    (void)db_run(&e->db, q);
    return within(e, from->account, OF_ACCOUNT) && within(e, invite_key, BY_INVITE);
}

// Their key packages are being taken, or the commit that adds them waits: no others are needed, however often they ask.
static bool comes_already(struct chat *c, int64_t contact)
{
    sqlite3_stmt *q = db_sql(&c->e->db, "SELECT 1 FROM work WHERE chat = ?1 AND contact = ?2 AND"
                                        " (kind = ?3 OR (kind = ?4 AND substr(what, 1, 1) = ?5))");
    const uint8_t add = COMMIT_ADD;
    db_int(q, 1, c->id);
    db_int(q, 2, contact);
    db_int(q, 3, WORK_TAKE);
    db_int(q, 4, WORK_COMMIT);
    db_blob(q, 5, span_of(&add, 1));
    bool comes = db_row(&c->e->db, q);
    db_done(q);
    return comes;
}

// The conversation of a group, if one is in it. Strangers ask for it, so no other group is read from its records for that.
static struct chat *find_group(struct engine *e, struct span group)
{
    struct chat *found = NULL;
    sqlite3_stmt *q = db_sql(&e->db, "SELECT id FROM chat WHERE group_id = ?1");
    db_blob(q, 1, group);
    while (db_row(&e->db, q)) {
        struct chat *c = chat_find(e, db_get_int(q, 0));
        if (found == NULL && c != NULL && !chat_over(c)) found = c;
    }
    db_done(q);
    return found != NULL && chat_group(found) != NULL ? found : NULL;
}

// Somebody who is in a conversation asks to be let in again: the key packages that lie in their inbox are of a fresh device, or nothing
// happens. About who is not in it any more an admin is asked.
static enum err knock_again(struct engine *e, const struct knock *k, const struct invite *from, int64_t *chat,
                            int64_t *contact)
{
    struct chat *c = find_group(e, k->group);
    bool group = c != NULL && c->kind == ROOM_GROUP, there = c != NULL && chat_has(c, from->account);
    if (c == NULL || c->kind == ROOM_SELF || (group && (there ? c->state != CHAT_OPEN : !takes_in(c))))
        return ERR_REFUSED;
    *contact = there || group ? visitor(e, k, from) : 0;
    if (*contact == 0 || contact_blocked(e, *contact)) return ERR_REFUSED;
    *chat = c->id;
    if (!there) return put_asking(c, *contact);
    if (!comes_already(c, *contact)) chat_put_take(c, *contact);
    return e->db.err;
}

enum err knock_arrived(struct engine *e, struct span body, int64_t *chat, int64_t *contact)
{
    struct knock k;
    struct invite from;
    struct invite_own own;
    enum err x = knock_decode(body, &k);
    if (x == ERR_OK) x = invite_decode(k.invite, &from);
    if (x != ERR_OK) return x;
    if (!invite_find(e, k.invite_key, &own) || !has_patience(e, &from, k.invite_key)) return ERR_REFUSED;
    if (k.group.n > 0) return knock_again(e, &k, &from, chat, contact);
    if ((own.flags & INVITE_GROUP) == 0) return ERR_REFUSED;
    struct chat *c = chat_find(e, own.chat);
    if (!takes_in(c) || contact_blocked(e, contact_of(e, from.account))) return ERR_REFUSED;
    if (chat_has(c, from.account)) return ERR_REFUSED;
    *chat = c->id;
    *contact = visitor(e, &k, &from);
    invite_use(e, &own, *contact);
    if (own.asks || is_expelled(c, *contact)) return put_asking(c, *contact);
    if (!comes_already(c, *contact)) chat_put_take(c, *contact);
    return e->db.err;
}

// Whose inbox one has the key of, and who may add one: the other of two, or who has brought one into the group. The invitation stands in
// `bytes` then.
static bool find_way(struct chat *c, struct buf *bytes, struct invite *out)
{
    struct engine *e = c->e;
    sqlite3_stmt *q = db_sql(&e->db, "SELECT invite FROM contact WHERE id = ?1 AND state != 3 AND invite != x''");
    db_int(q, 1, c->kind == ROOM_DIRECT ? c->contact : c->asker);
    if (db_row(&e->db, q)) buf_put(bytes, db_get(q, 0));
    db_done(q);
    return invite_decode(buf_span(bytes), out) == ERR_OK;
}

enum err engine_return(struct engine *e, int64_t chat)
{
    struct chat *c = chat_find(e, chat);
    struct buf bytes, group;
    struct invite i;
    if (c == NULL) return ERR_NOT_FOUND;
    if (!chat_over(c)) return ERR_MISUSE;
    buf_init(&bytes, FORMAT_LINK_MAX);
    buf_init(&group, FORMAT_GROUP_ID_MAX);
    db_begin(&e->db);
    sqlite3_stmt *q = db_sql(&e->db, "SELECT group_id FROM chat WHERE id = ?1");
    db_int(q, 1, chat);
    if (db_row(&e->db, q)) buf_put(&group, db_get(q, 0));
    db_done(q);
    enum err x = find_way(c, &bytes, &i) ? buf_end(&group) : ERR_REFUSED;
    if (x == ERR_OK) x = knock_put(e, &i, buf_span(&bytes), buf_span(&group));
    if (x == ERR_OK) x = db_commit(&e->db);
    else db_rollback(&e->db);
    buf_wipe(&bytes);
    buf_wipe(&group);
    if (x == ERR_OK) peer_pump_all(e);
    return x;
}

// --------------------------------------------------------------------------------------------------------------- asking

enum err engine_group_link(struct engine *e, int64_t chat, bool asks, struct buf *link)
{
    struct chat *c = chat_find(e, chat);
    struct room room;
    if (c == NULL) return ERR_NOT_FOUND;
    if (!takes_in(c) || chat_room(c, &room) != ERR_OK) return ERR_REFUSED;
    return invite_to_link(
        e, &(struct invite_new){.flags = INVITE_GROUP, .listed = true, .chat = chat, .asks = asks, .group = room.name},
        link);
}

enum err engine_requests(struct engine *e, void (*each)(void *arg, const struct engine_request *r), void *arg)
{
    e->db.err = ERR_OK;
    sqlite3_stmt *q = db_sql(&e->db, "SELECT chat, contact, time FROM asking ORDER BY time");
    while (db_row(&e->db, q)) {
        const struct engine_request r = {
            .chat = db_get_int(q, 0), .contact = db_get_int(q, 1), .time = (uint64_t)db_get_int(q, 2)};
        each(arg, &r);
    }
    return e->db.err;
}

enum err engine_admit(struct engine *e, int64_t chat, int64_t contact, bool admit)
{
    struct chat *c = chat_find(e, chat);
    if (c == NULL) return ERR_NOT_FOUND;
    if (admit && !takes_in(c)) return ERR_REFUSED;
    db_begin(&e->db);
    sqlite3_stmt *q = db_sql(&e->db, "DELETE FROM asking WHERE chat = ?1 AND contact = ?2");
    db_int(q, 1, chat);
    db_int(q, 2, contact);
    bool asked = db_run(&e->db, q) > 0;
    if (asked && admit) chat_put_take(c, contact);
    enum err x = db_commit(&e->db);
    if (x != ERR_OK) return x;
    if (asked) engine_tell(e, (struct engine_event){.kind = ENGINE_CHAT, .chat = chat, .contact = contact});
    if (asked) peer_pump_all(e);
    return asked ? ERR_OK : ERR_NOT_FOUND;
}
