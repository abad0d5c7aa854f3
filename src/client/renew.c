// SPDX-License-Identifier: Apache-2.0
//
// Keys that are renewed because time has passed: one's leaf in each conversation, so that whoever has copied this device's keys reads nothing
// more (post-compromise security), and the key packages in the pool, which expire. How often is a setting. Invariant: no conversation
// gets more of these commits than one's own setting says, and not those of all members at once.
#include "client/inner.h"

enum { LOOK_MS = 600000, FIRST_MS = 4 * 3600000, PACKAGES_DAYS = 30, KEEP_DAYS = 100 };
static const uint64_t day_ms = 86400000;

// Who has just come into a group renews its leaf within an hour: until then every commit carries a secret for it alone, and a group of many
// whose leaves are all fresh would need larger commits than the log takes.
//
// Up to a quarter of the time later, a different part of it for each account and conversation.
static uint64_t shift(const struct chat *c, uint64_t period)
{
    uint64_t mix = 0;
    for (size_t i = 0; i < 8; i++) mix = mix << 8 | (uint64_t)(c->log[i] ^ c->e->self.account[i]);
    return mix % (period / 4 + 1);
}

static bool is_due(struct chat *c, uint64_t period, uint64_t now)
{
    bool due = false;
    sqlite3_stmt *q =
        db_sql(&c->e->db, "SELECT renewed, members > 1 AND NOT EXISTS(SELECT 1 FROM work WHERE chat = ?1 AND"
                          " kind = ?2) FROM chat WHERE id = ?1");
    db_int(q, 1, c->id);
    db_int(q, 2, WORK_COMMIT);
    if (db_row(&c->e->db, q) && db_get_int(q, 1) != 0) {
        int64_t renewed = db_get_int(q, 0);
        due = renewed < 0 ? (uint64_t)-renewed + shift(c, FIRST_MS) <= now
                          : (uint64_t)renewed + period + shift(c, period) <= now;
    }
    db_done(q);
    return due;
}

// Within a transaction, as what follows.
static void renew_chats(struct engine *e, uint64_t now)
{
    uint64_t period = (uint64_t)setting_get(e, SETTING_RENEW_DAYS) * day_ms;
    for (struct chat *c = e->chats; c != NULL && period > 0; c = c->next) {
        if (c->state != CHAT_OPEN || !c->made || c->behind < 0 || !is_due(c, period, now)) continue;
        commit_ask(c, &(struct commit_what){.kind = COMMIT_UPDATE});
    }
}

// Packages that were put long ago are replaced before they expire; what they left behind goes when nobody can use it any more.
static void renew_packages(struct engine *e, uint64_t now)
{
    sqlite3_stmt *q = db_sql(&e->db, "SELECT max(created) < ?1 AND NOT EXISTS(SELECT 1 FROM work WHERE kind = ?2)"
                                     " FROM package");
    db_int(q, 1, (int64_t)(now - PACKAGES_DAYS * day_ms));
    db_int(q, 2, WORK_PACKAGES);
    bool old = db_row(&e->db, q) && db_get_int(q, 0) != 0;
    db_done(q);
    if (old) (void)work_add(e, &(struct work){.kind = WORK_PACKAGES, .relay = e->self.relay});
    static const char *const gone[] = {"DELETE FROM package WHERE created < ?1", "DELETE FROM opened WHERE time < ?1"};
    for (size_t i = 0; i < 2; i++) {
        q = db_sql(&e->db, gone[i]);
        db_int(q, 1, (int64_t)(now - KEEP_DAYS * day_ms));
        (void)db_run(&e->db, q);
    }
}

int64_t renew_first(int kind, int64_t asker)
{
    int64_t now = (int64_t)engine_now();
    return kind == ROOM_GROUP && asker != 0 ? -now : now;
}

static void on_look(struct net_timer *t)
{
    struct engine *e = (struct engine *)(void *)((char *)t - offsetof(struct engine, renew));
    uint64_t now = engine_now();
    welcome_join(e); // what has come before the engine ended
    db_begin(&e->db);
    renew_chats(e, now);
    renew_packages(e, now);
    if (db_commit(&e->db) == ERR_OK) peer_pump_all(e);
    net_timer_start(e->loop, &e->renew, LOOK_MS, on_look);
}

void renew_start(struct engine *e) { net_timer_start(e->loop, &e->renew, 1, on_look); }
void renew_stop(struct engine *e) { net_timer_stop(&e->renew); }

void renew_merged(struct chat *c, const struct mls_staged *s)
{
    struct mls_change change;
    size_t at = 0;
    bool own = false;
    while (!own && mls_staged_next_change(s, &at, &change))
        own = change.type == MLS_CHANGE_UPDATED && change.member.index == mls_group_own_index(c->mls);
    if (!own) return;
    sqlite3_stmt *q = db_sql(&c->e->db, "UPDATE chat SET renewed = ?2 WHERE id = ?1");
    db_int(q, 1, c->id);
    db_int(q, 2, (int64_t)engine_now());
    (void)db_run(&c->e->db, q);
}
