// SPDX-License-Identifier: Apache-2.0
//
// Groups that are divided: a member's commit opens for some and not for others, so that some are in an epoch that the others cannot enter
// (docs/groups.md). Who has done it is proved by their signature. Invariant: where an admin cannot open it the group goes on from the epoch
// before, without whoever did it; else whoever cannot open it is added again. Nothing is said meanwhile by whoever knows that they are apart.
#include "client/inner.h"

#include "codec/tls.h"

enum { OWN_MAX = 64, MISSED_MAX = 256 }; // messages of one's own, and entries of the log, which others keep as long (refill.c)

static const char removes[] =
    "a member has made a change of this group that does not open for everybody, so that some could not have read on: they are"
    " removed, and what they have changed does not count";
static const char waits[] =
    "a member has made a change of this conversation that does not open here, though it may for others. If others go on with it,"
    " they are asked to add this device again. Tell an admin: it takes a program that was made for this, or a broken one";
static const char asks[] =
    "others in this conversation have made a change that cannot be followed here, or have gone on without one: they are asked to"
    " add this device again. What you write waits until then";

const char *split_unopened(struct chat *c, uint32_t leaf, uint64_t seq)
{
    struct mls_member m;
    uint8_t account[FORMAT_ID];
    if (c->behind > 0 || chat_stands(c)) return waits;
    bool known = mls_group_member(c->mls, leaf, &m) == MLS_OK && cred_account(c->e, &m, account);
    c->suspect = known ? contact_of(c->e, account) : 0;
    c->since = seq;
    c->behind = BEHIND_DOUBT;
    if (c->suspect <= 0 || !chat_is_led(c)) return waits;
    commit_ask_first(c, &(struct commit_what){.kind = COMMIT_REMOVE, .contact = c->suspect});
    return removes;
}

bool split_other_epoch(struct chat *c, const struct wire_entry *x, const char **why)
{
    struct mls_message_info i;
    if (c->behind == BEHIND_ASKED) return true;
    if (c->kind == ROOM_SELF || mls_message_peek(out_span(x->payload), &i) != MLS_OK || i.wire_format != 2 ||
        !span_eq(in_span(i.group_id), in_span(mls_group_id(c->mls))))
        return false;
    uint64_t now = mls_group_epoch(c->mls);
    // They are behind the change that did not open. An admin goes on without it.
    bool ahead = c->behind == BEHIND_DOUBT && i.epoch > now;
    if (ahead && chat_is_led(c)) return true;
    // A second change of the epoch that the last one ended here: that one did not open for whoever has made this. It is another matter where one
    // has read what the relay had lost, and they had not (refill.c).
    bool beside = c->kind == ROOM_GROUP && c->behind == 0 && i.content == MLS_CONTENT_COMMIT && i.epoch + 1 == now && !c->lost &&
                  chat_chain_known(c) && !refill_is_kept(c, x->payload);
    // Anybody who may append can make that up, since its signature cannot be looked at any more: it is told, and nothing follows from it alone.
    if (beside && !chat_is_led(c)) c->suspect = SUSPECT_BESIDE;
    if (!ahead) return false;
    c->behind = BEHIND_ASKED;
    *why = asks;
    return true;
}

bool split_apart(struct chat *c)
{
    struct engine *e = c->e;
    if (c->suspect != SUSPECT_BESIDE || c->behind != 0) return false;
    db_begin(&e->db);
    c->suspect = 0;
    c->behind = BEHIND_ASKED;
    enum err x = chat_save(c);
    if (x == ERR_OK) x = db_commit(&e->db);
    else db_rollback(&e->db);
    if (x != ERR_OK) { // the next time
        c->suspect = SUSPECT_BESIDE;
        c->behind = 0;
        chat_drop_group(c);
        return false;
    }
    chat_saved(c);
    engine_tell(e, (struct engine_event){.kind = ENGINE_WARNING, .chat = c->id, .text = asks});
    behind_settle(c);
    return true;
}

bool split_replaces(struct chat *c, const struct mls_staged *s)
{
    struct mls_change change;
    size_t at = 0;
    while (mls_staged_next_change(s, &at, &change)) {
        if (change.type == MLS_CHANGE_ADDED && cred_is_own(c->e, &change.member)) return true;
    }
    return false;
}

// -------------------------------------------------------------------------------------------------------- made up for

// What this has brought is here.
static bool is_here(struct chat *c, struct span payload)
{
    sqlite3_stmt *q = db_sql(&c->e->db, "SELECT 1 FROM kept WHERE chat = ?1 AND payload = ?2 AND message != 0 LIMIT 1");
    db_int(q, 1, c->id);
    db_blob(q, 2, payload);
    bool is = db_row(&c->e->db, q);
    db_done(q);
    return is;
}

static void ask_for(struct chat *c, const struct wire_entry *x)
{
    struct mls_message_info i;
    struct buf body;
    uint8_t hash[32];
    if (mls_message_peek(out_span(x->payload), &i) != MLS_OK || i.content != MLS_CONTENT_APPLICATION) return;
    if (is_here(c, x->payload) || sha256(c->e, x->payload, hash) != ERR_OK) return;
    buf_init(&body, 64);
    tls_put_u64(&body, x->seq);
    buf_put(&body, span_of(hash, 32));
    if (buf_end(&body) == ERR_OK) (void)say_control(c, CONTENT_SESSION, HISTORY_AGAIN_TYPE, buf_span(&body));
    buf_wipe(&body);
}

enum err split_missed(struct engine *e, const struct work *w, struct span entries)
{
    struct chat *c = chat_find(e, w->chat);
    struct tls_reader r = tls_reader_of(w->what);
    const uint64_t end = tls_u64(&r);
    uint64_t at = end;
    struct wire_entry x;
    while (c != NULL && wire_next_entry(&entries, &x) && x.seq <= end) {
        ask_for(c, &x);
        at = x.seq;
    }
    if (at >= end) work_drop(e, w->id);
    else { // and what is behind that
        sqlite3_stmt *q = db_sql(&e->db, "UPDATE work SET epoch = ?2 WHERE id = ?1");
        db_int(q, 1, w->id);
        db_int(q, 2, (int64_t)at);
        (void)db_run(&e->db, q);
    }
    return e->db.err;
}

void split_made_up(struct chat *c, uint64_t since)
{
    struct db *d = &c->e->db;
    int64_t own[OWN_MAX];
    size_t n = 0;
    struct buf end;
    sqlite3_stmt *q = db_sql(d, "SELECT id FROM message m WHERE chat = ?1 AND sender = 0 AND seq > ?2 AND state >= ?3 AND"
                                " content != x'' AND kind < ?4 AND NOT EXISTS(SELECT 1 FROM work WHERE message = m.id)"
                                " ORDER BY seq LIMIT ?5");
    db_int(q, 1, c->id);
    db_int(q, 2, (int64_t)since);
    db_int(q, 3, MESSAGE_SENT);
    db_int(q, 4, HISTORY_CONTROL);
    db_int(q, 5, OWN_MAX);
    while (n < OWN_MAX && db_row(d, q)) own[n++] = db_get_int(q, 0);
    db_done(q);
    for (size_t i = 0; i < n; i++)
        (void)work_add(c->e, &(struct work){.kind = WORK_SAY, .relay = c->peer->relay, .chat = c->id, .message = own[i]});
    if (since >= c->cursor) return;
    buf_init(&end, 8);
    tls_put_u64(&end, c->cursor);
    (void)work_add(c->e, &(struct work){.kind = WORK_MISSED,
                                        .relay = c->peer->relay,
                                        .chat = c->id,
                                        .epoch = c->cursor - since > MISSED_MAX ? c->cursor - MISSED_MAX : since,
                                        .what = buf_span(&end)});
    buf_wipe(&end);
}
