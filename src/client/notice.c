// SPDX-License-Identifier: Apache-2.0
//
// What a commit has changed, as lines of the history: who was added, removed or has left, what the group is called now. Invariant: written
// in the transaction that merges the commit, and before it is merged, since what was is needed.
#include "client/inner.h"

struct noticing {
    struct chat *c;
    const struct wire_entry *x;
    int64_t who;
};

static void put(const struct noticing *n, const char *what, int64_t whom, struct span text)
{
    (void)history_notice(&n->c->e->history, n->c->id, n->x->seq, n->x->time, n->who, what, whom, text);
}

// The contact of an account, known or not; 0 for oneself.
static int64_t person(struct engine *e, const uint8_t account[FORMAT_ID])
{
    if (memcmp(account, e->self.account, FORMAT_ID) == 0) return 0;
    return contact_put(e, account, span_of(NULL, 0), span_of(NULL, 0), CONTACT_STRANGER);
}

// Somebody whose leaf was taken out and put in again was not away.
static bool changes_back(struct chat *c, const struct mls_staged *s, const struct mls_change *change,
                         const uint8_t account[FORMAT_ID])
{
    struct mls_change other;
    uint8_t of[FORMAT_ID];
    size_t at = 0;
    while (mls_staged_next_change(s, &at, &other)) {
        if (other.type != change->type && other.type != MLS_CHANGE_UPDATED && cred_account(c->e, &other.member, of) &&
            memcmp(of, account, FORMAT_ID) == 0)
            return true;
    }
    return false;
}

static void note_change(const struct noticing *n, const struct mls_staged *s, const struct mls_change *change)
{
    struct engine *e = n->c->e;
    uint8_t account[FORMAT_ID];
    bool added = change->type == MLS_CHANGE_ADDED, removed = change->type == MLS_CHANGE_REMOVED;
    if (!cred_account(e, &change->member, account)) return;
    int64_t whom = person(e, account);
    bool back = (added || removed) && changes_back(n->c, s, change, account);
    bool again = back || (added && whom != 0 && chat_has(n->c, account)); // or they have one more device
    bool fresh = !removed && hold_device(n->c, whom, in_span(change->member.signature_key));
    if (fresh || (again && added)) { // their keys are others now, and that is said before anything can be sent to them
        struct noticing theirs = *n;
        theirs.who = whom;
        put(&theirs, "device", 0, span_of(NULL, 0));
    }
    if (removed && !again) hold_left(n->c, whom);
    if (again || (!added && !removed) || n->c->kind != ROOM_GROUP) return;
    part_note(n->c, whom, added);
    if (!added && part_leaving(n->c, whom)) { // it is they who have done it
        struct noticing left = *n;
        left.who = whom;
        put(&left, "left", 0, span_of(NULL, 0));
        return;
    }
    put(n, added ? "added" : "removed", whom, span_of(NULL, 0));
}

static void note_admins(const struct noticing *n, const struct room *before, const struct room *after)
{
    struct engine *e = n->c->e;
    for (size_t at = 0; at < after->admins.n; at += FORMAT_ID) {
        const uint8_t *account = after->admins.p + at;
        if (!room_is_admin(before, account)) put(n, "admin", person(e, account), span_of(NULL, 0));
    }
    for (size_t at = 0; at < before->admins.n; at += FORMAT_ID) {
        const uint8_t *account = before->admins.p + at;
        if (!room_is_admin(after, account)) put(n, "member", person(e, account), span_of(NULL, 0));
    }
}

void notice_commit(struct chat *c, const struct mls_staged *s, const struct wire_entry *x)
{
    struct mls_member m;
    struct mls_change change;
    struct room before, after;
    uint8_t account[FORMAT_ID];
    size_t at = 0;
    if (mls_group_member(c->mls, mls_staged_committer(s), &m) != MLS_OK || !cred_account(c->e, &m, account)) return;
    const struct noticing n = {.c = c, .x = x, .who = person(c->e, account)};
    while (mls_staged_next_change(s, &at, &change)) note_change(&n, s, &change);
    if (c->kind != ROOM_GROUP || room_decode(room_in(mls_group_extensions(c->mls)), &before) != ERR_OK ||
        room_decode(room_in(mls_staged_extensions(s)), &after) != ERR_OK)
        return;
    if (!span_eq(before.name, after.name)) put(&n, "renamed", 0, after.name);
    if (!span_eq(before.picture, after.picture)) put(&n, "pictured", 0, span_of(NULL, 0));
    note_admins(&n, &before, &after);
}
