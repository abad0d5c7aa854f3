// SPDX-License-Identifier: Apache-2.0
//
// Joining a conversation by an introduction: a new one, or one that one was in before, which goes on at the hand of somebody who may have it go
// on. Invariant: whoever has signed the Welcome is who the introduction is of, and a conversation of two is of just the two.
#include "client/inner.h"

#include <stdio.h>

// Whether this account has signed the Welcome: that it is a member proves nothing, since anybody can add somebody else to a group of theirs.
static bool is_welcome_of(struct engine *e, const struct mls_group *g, const uint8_t account[FORMAT_ID])
{
    struct mls_member m;
    uint8_t of[FORMAT_ID];
    return mls_group_member(g, mls_group_welcomer(g), &m) == MLS_OK && cred_account(e, &m, of) &&
           memcmp(of, account, FORMAT_ID) == 0 && memcmp(of, e->self.account, FORMAT_ID) != 0;
}

// Whether a conversation of two is of just the two: nobody else hears it, and nobody else can be added.
static bool is_of_two(struct engine *e, const struct mls_group *g, const struct room *r, const uint8_t other[FORMAT_ID])
{
    struct mls_member m;
    uint8_t of[FORMAT_ID];
    uint32_t at = 0;
    bool two = r->admins.n == 2 * (size_t)FORMAT_ID && room_is_admin(r, other) && room_is_admin(r, e->self.account);
    while (two && mls_group_next_member(g, &at, &m)) two = cred_account(e, &m, of) && room_is_admin(r, of);
    return two && mls_group_member_count(g) <= 2 * 32;
}

// Whether one is out of it, or can follow it no more.
static bool is_former(const struct chat *c) { return chat_over(c) || c->behind < 0; }

static bool nobody_rose(const struct room *then, const struct room *now)
{
    for (size_t at = 0; at < now->admins.n; at += FORMAT_ID) {
        if (!room_is_admin(then, now->admins.p + at)) return false;
    }
    return true;
}

// Whether who asks may have one go on in it: a group's id is no secret of those who were in it, and each of them can make another one under
// it, with whoever they like and themselves as its admin. So it is somebody who was an admin, as far as is known here. A device that takes
// the place of one's own is let in by anybody (allow.c), if nobody has become an admin by it: by who was a member, or, where one
// does not know that any more, is a contact.
static bool may_revive(struct chat *c, const struct room *r, const struct invite *from, int64_t contact)
{
    struct room then = {0};
    if (c->kind != r->kind || (c->kind == ROOM_DIRECT && c->contact != contact)) return false;
    sqlite3_stmt *q =
        db_sql(&c->e->db, "SELECT admins, EXISTS(SELECT 1 FROM record WHERE chat = ?1) FROM chat WHERE id = ?1");
    db_int(q, 1, c->id);
    bool there = db_row(&c->e->db, q), known = there && db_get_int(q, 1) != 0;
    if (there) then.admins = db_get(q, 0);
    bool led = room_is_admin(&then, from->account), same = nobody_rose(&then, r);
    db_done(q);
    bool others = c->behind == BEHIND_OUT || (c->behind == BEHIND_ASKED && c->suspect > 0 && c->suspect != contact);
    if (led || !same || (known && !others)) return led;
    return known ? chat_has(c, from->account) : contact_state_of(c->e, contact) == CONTACT_KNOWN;
}

// The conversation that goes on by it; NULL: it is a new one.
static struct chat *find_former(struct engine *e, const struct mls_group *g, const struct room *r,
                                const struct invite *from, int64_t contact)
{
    for (struct chat *c = e->chats; c != NULL; c = c->next) {
        if (!is_former(c)) continue;
        sqlite3_stmt *q = db_sql(&e->db, "SELECT 1 FROM chat WHERE id = ?1 AND group_id = ?2");
        db_int(q, 1, c->id);
        db_blob(q, 2, in_span(mls_group_id(g)));
        bool same = db_row(&e->db, q);
        db_done(q);
        if (same && may_revive(c, r, from, contact)) return c;
    }
    return NULL;
}

// It goes on where it ended, with a new state of the group. Takes the group.
static enum err revive(struct chat *c, struct mls_group *take, const struct room *r, int64_t contact,
                       enum chat_state state)
{
    struct db *d = &c->e->db;
    char relay[RELAY_ROOM];
    (void)snprintf(relay, sizeof relay, "%.*s", (int)r->relay.n, (const char *)r->relay.p);
    struct peer *p = chat_peer(c->e, relay, c->id, state);
    if (p == NULL) {
        mls_group_free(take);
        return ERR_MEMORY;
    }
    chat_drop_group(c);
    c->mls = take;
    c->peer = p;
    c->state = (uint8_t)state;
    c->asker = contact;
    chat_begin_anew(c, r->log);
    static const char *const sql[] = {
        "DELETE FROM record WHERE chat = ?1",
        "DELETE FROM past WHERE chat = ?1",
    };
    for (size_t i = 0; i < sizeof sql / sizeof *sql; i++) {
        sqlite3_stmt *q = db_sql(d, sql[i]);
        db_int(q, 1, c->id);
        (void)db_run(d, q);
    }
    // What waits is encrypted anew.
    sqlite3_stmt *q = db_sql(d, "UPDATE work SET payload = x'', staged = x'', welcome = x'', acked = 0, epoch = 0"
                                " WHERE chat = ?1 AND kind IN (?2, ?3)");
    db_int(q, 1, c->id);
    db_int(q, 2, WORK_COMMIT);
    db_int(q, 3, WORK_SAY);
    (void)db_run(d, q);
    q = db_sql(d, "UPDATE chat SET relay = ?2, log = ?3, asker = ?4, renewed = ?5 WHERE id = ?1");
    db_int(q, 1, c->id);
    db_text(q, 2, r->relay);
    db_blob(q, 3, span_of(r->log, 32));
    db_int(q, 4, contact);
    db_int(q, 5, renew_first(r->kind, contact));
    (void)db_run(d, q);
    return d->err;
}

enum err chat_join(struct engine *e, const struct intro *i, struct span private_part, int64_t contact,
                   enum chat_state state, struct chat **out)
{
    struct mls_group *g = NULL;
    struct room room;
    struct invite from;
    enum err x =
        from_mls(mls_group_join(e->mls, out_span(i->welcome), out_span(private_part), (struct mls_span){0}, NULL, &g));
    if (x == ERR_OK) x = room_decode(room_in(mls_group_extensions(g)), &room);
    if (x == ERR_OK) x = invite_decode(i->invite, &from);
    if (x == ERR_OK && !is_welcome_of(e, g, from.account)) x = ERR_UNAUTHENTICATED; // whoever else may say so
    if (x == ERR_OK && (room.kind == ROOM_SELF || !peer_is_address(room.relay))) x = ERR_INVALID;
    if (x == ERR_OK && room.kind == ROOM_DIRECT && !is_of_two(e, g, &room, from.account)) x = ERR_INVALID;
    if (x != ERR_OK) {
        mls_group_free(g);
        return x;
    }
    struct chat *c = find_former(e, g, &room, &from, contact);
    bool former = c != NULL;
    const uint64_t since = former && c->behind < 0 ? c->since : UINT64_MAX;
    if (former) {
        *out = c;
        x = revive(c, g, &room, contact, state);
    } else {
        c = chat_insert(e, g, &room, room.kind == ROOM_DIRECT ? contact : 0, contact, state);
    }
    if (c == NULL) return e->db.err != ERR_OK ? e->db.err : ERR_MEMORY;
    if (x != ERR_OK) return x;
    memcpy(c->log_key, i->log_key, 32);
    memcpy(c->chain, i->chain, 32);
    c->log_epoch = i->log_epoch;
    c->cursor = i->seq;
    c->made = true;
    chat_remember(c);
    chat_note_members(c);
    hold_members(c);
    if (since != UINT64_MAX) split_made_up(c, since);
    if (c->kind == ROOM_GROUP)
        (void)history_notice(&e->history, c->id, c->cursor, engine_now(), contact, "added", 0, span_of(NULL, 0));
    x = chat_save(c);
    if (x != ERR_OK && !former) chat_forget(c);
    else *out = c;
    return x;
}
