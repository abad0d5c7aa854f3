// SPDX-License-Identifier: Apache-2.0
//
// What a commit may do (docs/client.md, "Roles"). Every client asks this about every commit, its own included, on the same state, and
// so all merge the same ones. Invariant: a commit with one thing in it that is not allowed is refused whole.
#include "client/inner.h"

struct judged {
    struct engine *e;
    const struct mls_group *g;
    const struct mls_staged *s;
    struct room before, after;
    uint8_t committer[FORMAT_ID];
    bool admin;
};

// Extensions besides the room must stay what they are, in number, order and content.
static bool others_stay(struct mls_span before, struct mls_span after)
{
    struct mls_extension a, b;
    size_t at = 0, to = 0;
    bool more = mls_extension_next(before, &at, &a);
    while (more) {
        if (!mls_extension_next(after, &to, &b) || a.type != b.type) return false;
        if (a.type != FORMAT_ROOM_EXTENSION && !span_eq(in_span(a.data), in_span(b.data))) return false;
        more = mls_extension_next(before, &at, &a);
    }
    return !mls_extension_next(after, &to, &b);
}

static bool of_account(struct engine *e, const struct mls_member *m, const uint8_t account[FORMAT_ID])
{
    uint8_t of[FORMAT_ID];
    return cred_account(e, m, of) && memcmp(of, account, FORMAT_ID) == 0;
}

static bool changes_with(const struct judged *j, enum mls_change_type type, const uint8_t account[FORMAT_ID])
{
    struct mls_change change;
    size_t at = 0;
    while (mls_staged_next_change(j->s, &at, &change)) {
        if (change.type == type && of_account(j->e, &change.member, account)) return true;
    }
    return false;
}

static bool removed(const struct judged *j, uint32_t leaf)
{
    struct mls_change change;
    size_t at = 0;
    while (mls_staged_next_change(j->s, &at, &change)) {
        if (change.type == MLS_CHANGE_REMOVED && change.member.index == leaf) return true;
    }
    return false;
}

// Whether somebody will be a member when the commit is merged.
static bool stays(const struct judged *j, const uint8_t account[FORMAT_ID])
{
    struct mls_member m;
    uint32_t at = 0;
    while (mls_group_next_member(j->g, &at, &m)) {
        if (of_account(j->e, &m, account) && !removed(j, m.index)) return true;
    }
    return changes_with(j, MLS_CHANGE_ADDED, account);
}

// Whether there is another change of this type, of the same account, by which a device takes the place of an older one. So nobody is put
// out by key packages of a device that is no more, which somebody may have kept.
static bool takes_place(const struct judged *j, const struct mls_change *c, enum mls_change_type type,
                        const uint8_t account[FORMAT_ID])
{
    struct mls_change change;
    struct cert this, other;
    size_t at = 0;
    if (cert_read(in_span(c->member.identity), &this) != ERR_OK) return false;
    while (mls_staged_next_change(j->s, &at, &change)) {
        if (change.type != type || !of_account(j->e, &change.member, account)) continue;
        if (cert_read(in_span(change.member.identity), &other) != ERR_OK) continue;
        if (type == MLS_CHANGE_ADDED ? other.created > this.created : other.created < this.created) return true;
    }
    return false;
}

static bool change_allowed(const struct judged *j, const struct mls_change *c)
{
    uint8_t other[FORMAT_ID];
    if (!cred_account(j->e, &c->member, other)) return false;
    bool own = memcmp(other, j->committer, FORMAT_ID) == 0, group = j->before.kind == ROOM_GROUP;
    switch (c->type) {
    case MLS_CHANGE_UPDATED: return c->member.index == mls_staged_committer(j->s);
    case MLS_CHANGE_JOINED: return false;
    case MLS_CHANGE_ADDED:
        if (own || j->before.kind == ROOM_SELF) return own;
        if (!group) return room_is_admin(&j->before, other);
        return j->admin || takes_place(j, c, MLS_CHANGE_REMOVED, other);
    case MLS_CHANGE_REMOVED:
        if (own || j->before.kind == ROOM_SELF) return own;
        // A leaf that its device lost may be replaced by everybody; in a conversation of two nobody is put out otherwise.
        return (group && j->admin) || takes_place(j, c, MLS_CHANGE_ADDED, other);
    default: return false;
    }
}

static bool room_allowed(const struct judged *j)
{
    const struct room *a = &j->before, *b = &j->after;
    if (a->kind != b->kind) return false;
    if (a->kind == ROOM_GROUP) return j->admin;
    return span_eq(a->name, b->name) && span_eq(a->picture, b->picture) && span_eq(a->admins, b->admins);
}

// A group's admins are members, and there is one.
static bool admins_stay(const struct judged *j)
{
    for (size_t at = 0; at < j->after.admins.n; at += FORMAT_ID) {
        if (!stays(j, j->after.admins.p + at)) return false;
    }
    return j->after.admins.n > 0;
}

bool commit_allowed(struct chat *c, const struct mls_staged *s)
{
    struct judged j = {.e = c->e, .g = c->mls, .s = s};
    struct mls_member m;
    struct mls_change change;
    size_t at = 0;
    struct mls_span before = mls_group_extensions(c->mls), after = mls_staged_extensions(s);
    if (mls_group_member(c->mls, mls_staged_committer(s), &m) != MLS_OK || !cred_account(c->e, &m, j.committer))
        return false;
    if (mls_staged_reinit(s) || room_decode(room_in(before), &j.before) != ERR_OK ||
        room_decode(room_in(after), &j.after) != ERR_OK || !others_stay(before, after))
        return false;
    j.admin = room_is_admin(&j.before, j.committer);
    bool allowed = span_eq(room_in(before), room_in(after)) || room_allowed(&j);
    while (allowed && mls_staged_next_change(s, &at, &change)) allowed = change_allowed(&j, &change);
    return allowed && (j.before.kind != ROOM_GROUP || admins_stay(&j));
}
