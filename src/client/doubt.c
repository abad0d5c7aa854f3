// SPDX-License-Identifier: Apache-2.0
//
// Doubt: what is wrong with a log, in words, and what to do. It judges what MLS did not take; that histories differ is found by
// comparing running hashes (receive.c), that a relay has gone back by what is kept (refill.c).
#include "client/inner.h"

#include "codec/tls.h"

const char doubt_gap[] = "the relay has left something out of this conversation, or changed the order; it is asked "
                         "again. If this goes on, it"
                         " cannot be trusted: compare what you have read over another way, and move to another relay";
const char doubt_twice[] = "the relay has sent something of this conversation twice; here it stands once. If its"
                           " operator does not know why, do not trust it";
const char doubt_forked[] = "the relay shows different people different histories of this conversation. Somebody"
                            " controls it: compare what you have read over another way, and move to another relay";
const char doubt_withheld[] =
    "the relay has left a change of this conversation out, or a member has made one that cannot be followed: what was"
    " said since then cannot be read. Tell the others over another way, and begin a new conversation, perhaps at"
    " another relay";
const char doubt_nonsense[] =
    "the relay has sent something that makes no sense; the connection was made anew, and nothing was taken from it. If"
    " this goes on, the relay is broken, or lies: move to another";

const char doubt_misplaced[] =
    "the relay, or a member, has let a change that you wanted come where it no longer counts; it is made again. If this"
    " goes on, somebody hinders you: move to another relay, or look who is in this conversation";
const char doubt_useless[] = "something has come in this conversation that this profile cannot take; it was passed "
                             "over, and what comes behind it"
                             " is read. If you miss something, ask the others over another way";

static const char late[] =
    "somebody has written something before they had read what the relay had lost or held back; their engine is asked"
    " for it again. If it does not come, ask in the conversation what you have missed";
static const char split[] =
    "somebody has changed this conversation before they had read what the relay had lost or held back: they are in"
    " another one now. Tell them over another way, remove them, and add them again";
static const char foreign[] = "the relay, or somebody who is or was in this conversation, has put something into it"
                              " that cannot be a part of it; it was passed over";
static const char copied[] =
    "something is in this conversation in your name that this profile has not said like that: the profile was put back from"
    " a copy, another copy of it runs somewhere, or the relay has altered it. Use one copy only; if there is but one, do not"
    " trust the relay";

// Whether an entry is of this group, from an epoch that has passed.
static bool is_late(struct chat *c, struct span payload, struct mls_message_info *i)
{
    return mls_message_peek(out_span(payload), i) == MLS_OK && i->wire_format == 2 &&
           span_eq(in_span(i->group_id), in_span(mls_group_id(c->mls))) && i->epoch < mls_group_epoch(c->mls);
}

const char *doubt_entry(struct chat *c, const struct wire_entry *x, enum mls_error m)
{
    struct mls_message_info i;
    if (refill_is_kept(c, x->payload)) return doubt_twice;
    if (mls_message_peek(out_span(x->payload), &i) != MLS_OK || i.wire_format != 2 ||
        !span_eq(in_span(i.group_id), in_span(mls_group_id(c->mls))))
        return foreign;
    uint64_t now = mls_group_epoch(c->mls);
    if (i.epoch > now) return doubt_withheld;
    if (i.epoch < now) return i.content == MLS_CONTENT_COMMIT ? split : late;
    return m == MLS_E_MESSAGE_OWN ? copied : foreign;
}

void doubt_ask_again(struct chat *c, const struct wire_entry *x)
{
    struct mls_message_info i;
    struct buf body;
    uint8_t hash[32];
    if (!is_late(c, x->payload, &i) || i.content != MLS_CONTENT_APPLICATION || refill_is_kept(c, x->payload)) return;
    if (sha256(c->e, x->payload, hash) != ERR_OK) return;
    buf_init(&body, 64);
    tls_put_u64(&body, x->seq);
    buf_put(&body, span_of(hash, 32));
    if (buf_end(&body) == ERR_OK) (void)say_control(c, CONTENT_SESSION, HISTORY_AGAIN_TYPE, buf_span(&body));
    buf_wipe(&body);
}

// The message that an entry of one's own brought; 0: it was none, or it has been said anew, or who asks came later: a relay that tells them how
// it looked does not make it theirs to ask for.
static int64_t find_asked(struct chat *c, int64_t who, struct span body, int64_t *kept)
{
    struct mls_message_info i;
    struct tls_reader r = tls_reader_of(body);
    struct db *d = &c->e->db;
    uint8_t hash[32];
    uint64_t seq = tls_u64(&r);
    struct span of = tls_bytes(&r, 32);
    int64_t message = 0;
    if (tls_end(&r) != ERR_OK) return 0;
    sqlite3_stmt *q =
        db_sql(d, "SELECT k.payload, k.id, m.id FROM kept k JOIN message m ON m.id = k.message"
                  " WHERE k.chat = ?1 AND k.seq = ?2 AND NOT k.lost AND m.sender = 0 AND m.content != x''");
    db_int(q, 1, c->id);
    db_int(q, 2, (int64_t)seq);
    if (db_row(d, q) && sha256(c->e, db_get(q, 0), hash) == ERR_OK && span_eq(of, span_of(hash, 32)) &&
        mls_message_peek(out_span(db_get(q, 0)), &i) == MLS_OK && !part_came_later(c, who, i.epoch)) {
        *kept = db_get_int(q, 1);
        message = db_get_int(q, 2);
    }
    db_done(q);
    return message;
}

void doubt_asked(struct chat *c, int64_t who, struct span body)
{
    struct db *d = &c->e->db;
    int64_t kept = 0, message = find_asked(c, who, body, &kept);
    if (message == 0) return;
    sqlite3_stmt *q =
        db_sql(d, "UPDATE kept SET message = 0 WHERE id = ?1"); // the others who ask are answered by that, too
    db_int(q, 1, kept);
    (void)db_run(d, q);
    (void)work_add(c->e, &(struct work){.kind = WORK_SAY, .relay = c->peer->relay, .chat = c->id, .message = message});
}
