// SPDX-License-Identifier: Apache-2.0
//
// A profile that is older than what was said with it: a folder that was put back from a copy, a machine that was rolled back. It shows in the
// logs, which are read to their ends before anything is encrypted: there is something that this device has signed under a key that it has not
// used yet. Invariant: in an epoch in which that was so nothing more is said; and where one's own commit is missing the others are asked
// to add a fresh device in the place of this one, as whoever has made a profile of an archive asks them.
#include "client/inner.h"

enum { ASKED_MAX = 8 }; // people of a group

const char behind_said[] =
    "this profile is older than what was said with it: it was put back from a copy, or another copy of it runs somewhere."
    " What was said since then was read again, and its keys are renewed before it says anything. Use one copy only";
const char behind_done[] =
    "this profile is older than what was done with it: it was put back from a copy, or another copy of it runs somewhere. It"
    " cannot follow this conversation, and asks the others to be added again; what you write waits until then. What was"
    " said in the meantime may be missing here. Use one copy only";
const char behind_away[] =
    "this profile was away for so long that changes of this conversation have expired before it read them. It asks the"
    " others to be added again; what you write waits until then";
static const char nobody[] =
    "this profile cannot follow a conversation any more, and knows no way to anybody in it. Ask somebody there, over"
    " another way, for an invitation, take it, and ask them to remove and add you";
static const char alone[] = "your note to self cannot go on here, since this profile is older than it: begin another one";

static int64_t epoch_of(struct chat *c) { return chat_group(c) == NULL ? -2 : (int64_t)mls_group_epoch(c->mls); }

bool behind_bars(struct chat *c) { return chat_stands(c) || (c->behind > 0 && epoch_of(c) + 1 == c->behind); }

void behind_note(struct chat *c, bool out)
{
    if (out && c->behind != BEHIND_OUT) c->since = c->cursor;
    if (c->behind != BEHIND_OUT) c->behind = out ? BEHIND_OUT : epoch_of(c) + 1;
}

int64_t behind_sent(struct chat *c, const struct wire_entry *x, const uint8_t mimi[CONTENT_ID],
                    struct history_effect *effect)
{
    struct db *d = &c->e->db;
    int64_t message = 0;
    sqlite3_stmt *q = db_sql(d, "SELECT id FROM message WHERE chat = ?1 AND mimi = ?2 AND sender = 0");
    db_int(q, 1, c->id);
    db_blob(q, 2, span_of(mimi, CONTENT_ID));
    if (db_row(d, q)) message = db_get_int(q, 0);
    db_done(q);
    if (message == 0) return 0;
    q = db_sql(d, "DELETE FROM work WHERE message = ?1 AND kind = ?2");
    db_int(q, 1, message);
    db_int(q, 2, WORK_SAY);
    (void)db_run(d, q);
    history_sent(&c->e->history, message, x->seq, x->time, effect);
    return message;
}

// ----------------------------------------------------------------------------------------------------- a fresh device

static bool has_own_device(struct chat *c)
{
    struct mls_member m;
    return mls_group_member(c->mls, mls_group_own_index(c->mls), &m) == MLS_OK && cred_is_own(c->e, &m);
}

// Within a transaction: this profile is another device from now on, whose key packages take the place of the old one's.
static enum err become_fresh(struct engine *e)
{
    uint8_t old[FORMAT_DEVICE];
    memcpy(old, e->self.device, sizeof old);
    enum err x = self_make_device(e);
    if (x == ERR_OK) x = self_store_device(e);
    (void)work_add(e, &(struct work){.kind = WORK_CLEAR, .relay = e->self.relay, .what = span_of(old, sizeof old)});
    (void)work_add(e, &(struct work){.kind = WORK_PACKAGES, .relay = e->self.relay});
    return x == ERR_OK ? e->db.err : x;
}

// Within a transaction: asks somebody, if there is a way to them.
static enum err ask(struct chat *c, const uint8_t account[FORMAT_ID], size_t *asked)
{
    struct engine *e = c->e;
    struct invite i;
    struct buf bytes;
    enum err x = ERR_OK;
    buf_init(&bytes, FORMAT_LINK_MAX);
    sqlite3_stmt *q =
        db_sql(&e->db, "SELECT invite FROM contact WHERE account = ?1 AND invite != x'' AND state IN (?2, ?3)");
    db_blob(q, 1, span_of(account, FORMAT_ID));
    db_int(q, 2, CONTACT_KNOWN);
    db_int(q, 3, CONTACT_STRANGER);
    if (db_row(&e->db, q)) buf_put(&bytes, db_get(q, 0));
    db_done(q);
    if (bytes.n > 0 && invite_decode(buf_span(&bytes), &i) == ERR_OK) {
        x = knock_put(e, &i, buf_span(&bytes), in_span(mls_group_id(c->mls)));
        *asked += x == ERR_OK;
    }
    buf_wipe(&bytes);
    return x;
}

// The admins first, though everybody may see to it; but not whoever is suspected of having divided the group, and where it is not known who
// has, only admins, since they decide in which part it goes on.
static enum err ask_all(struct chat *c, size_t *asked)
{
    struct engine *e = c->e;
    struct room room;
    enum err x = chat_room(c, &room);
    const bool apart = c->behind == BEHIND_ASKED && c->kind == ROOM_GROUP;
    const int least = apart && c->suspect <= 0;
    for (int admins = 1; x == ERR_OK && admins >= least; admins--) {
        struct mls_member m;
        uint8_t account[FORMAT_ID];
        uint32_t at = 0;
        while (x == ERR_OK && *asked < ASKED_MAX && mls_group_next_member(c->mls, &at, &m)) {
            if (!cred_account(e, &m, account) || memcmp(account, e->self.account, FORMAT_ID) == 0) continue;
            if (apart && c->suspect > 0 && contact_of(e, account) == c->suspect) continue;
            if (room_is_admin(&room, account) == (admins != 0)) x = ask(c, account, asked);
        }
    }
    return x;
}

// ----------------------------------------------------------------------------------------------------------- settling

// Within a transaction. *why: what else people are to be told; NULL.
static enum err settle(struct chat *c, const char **why)
{
    size_t asked = 0;
    enum err x = ERR_OK;
    if (c->behind > 0 && behind_bars(c)) {
        commit_ask_first(
            c, &(struct commit_what){.kind = COMMIT_UPDATE}); // what waits is said in the epoch that it begins
    } else if (c->behind > 0) {
        c->behind = 0; // what was said is of an epoch that has passed
    } else if (c->kind == ROOM_SELF) {
        part_end(c, CHAT_LEFT);
        c->behind = 0;
        *why = alone;
    } else {
        if (has_own_device(c)) x = become_fresh(c->e);
        if (x == ERR_OK) x = ask_all(c, &asked);
        if (asked == 0) *why = nobody;
    }
    return x == ERR_OK ? chat_save(c) : x;
}

// In one transaction; if it fails all is as it was.
static enum err settle_stored(struct chat *c, const char **why)
{
    struct engine *e = c->e;
    struct self self = e->self; /* secret */
    const int64_t behind = c->behind;
    const uint8_t state = c->state;
    db_begin(&e->db);
    enum err x = settle(c, why);
    if (x == ERR_OK) x = db_commit(&e->db);
    else db_rollback(&e->db);
    if (x != ERR_OK) {
        e->self = self;
        c->behind = behind;
        c->state = state;
        chat_drop_group(c);
    }
    mem_wipe(&self, sizeof self);
    return x;
}

void behind_settle(struct chat *c)
{
    struct engine *e = c->e;
    const char *why = NULL;
    if (c->behind == 0 || c->behind == BEHIND_DOUBT || chat_over(c) || chat_group(c) == NULL) return;
    if (c->behind > 0 && !c->caught_up) return;
    enum err x = settle_stored(c, &why);
    c->unsettled = x != ERR_OK; // with the next connection
    if (passes(x)) peer_stall(c->peer);
    if (x != ERR_OK) return;
    chat_saved(c);
    if (c->behind == BEHIND_OUT) peer_unfollow_chat(c);
    if (why != NULL) engine_tell(e, (struct engine_event){.kind = ENGINE_WARNING, .chat = c->id, .text = why});
    peer_pump_all(e);
}

void behind_again(struct peer *p)
{
    for (struct chat *c = p->e->chats; c != NULL; c = c->next) {
        if (c->peer == p && c->unsettled) behind_settle(c);
    }
}

void behind_start(struct engine *e)
{
    for (struct chat *c = e->chats; c != NULL; c = c->next) {
        if (chat_stands(c)) behind_settle(c);
    }
}
