// SPDX-License-Identifier: Apache-2.0
//
// Commits: made on the newest state when their turn comes, merged when they are seen in the log, made anew when another was faster.
// Who is added has a file of its own (adding.c). Invariant: a Welcome leaves only when its commit has won, and in the transaction
// that merges it.
#include "client/inner.h"

#include "codec/tls.h"

#include <stdlib.h>

enum { ROOM_MAX = 70000, ADMINS_BYTES = FORMAT_ADMINS_MAX * FORMAT_ID };

// What a commit is made of. The proposals point into what stands beside them, and into the work.
struct plan {
    struct mls_proposal proposals[COMMIT_PROPOSALS];
    size_t n;
    struct buf room;
    struct mls_extension extensions[ROOM_EXTENSIONS_MAX];
};

bool commit_read_what(struct span bytes, struct commit_what *out)
{
    struct tls_reader r = tls_reader_of(bytes);
    out->place = 0;
    out->kind = (enum commit_kind)tls_u8(&r);
    out->contact = (int64_t)tls_u64(&r);
    out->bytes = tls_vector(&r);
    return tls_end(&r) == ERR_OK;
}

void commit_put_what(struct buf *out, const struct commit_what *w)
{
    tls_put_u8(out, (uint8_t)w->kind);
    tls_put_u64(out, (uint64_t)w->contact);
    tls_put_vector(out, w->bytes);
}

void commit_ask(struct chat *c, const struct commit_what *w)
{
    struct buf what;
    buf_init(&what, WHAT_MAX);
    commit_put_what(&what, w);
    if (buf_end(&what) != ERR_OK && c->e->db.err == ERR_OK) c->e->db.err = buf_end(&what);
    (void)work_add(c->e, &(struct work){.kind = WORK_COMMIT,
                                        .relay = c->peer->relay,
                                        .chat = c->id,
                                        .contact = w->contact,
                                        .what = buf_span(&what)});
    buf_wipe(&what);
}

void commit_ask_first(struct chat *c, const struct commit_what *w)
{
    struct db *d = &c->e->db;
    sqlite3_stmt *q = db_sql(d, "SELECT 1 FROM work WHERE chat = ?1 AND id < 0 AND contact = ?2");
    db_int(q, 1, c->id);
    db_int(q, 2, w->contact);
    bool asked = db_row(d, q);
    db_done(q);
    if (asked) return;
    commit_ask(c, w);
    int64_t id = db_last_id(d);
    q = db_sql(d, "UPDATE work SET id = min(?2, (SELECT min(id) FROM work) - 1) WHERE id = ?1");
    db_int(q, 1, id);
    db_int(q, 2, -(int64_t)engine_now() * 1000); // none has had that
    (void)db_run(d, q);
}

// ------------------------------------------------------------------------------------------------------------- planning

static bool account_of(struct engine *e, int64_t contact, uint8_t out[FORMAT_ID])
{
    if (contact == 0) memcpy(out, e->self.account, FORMAT_ID);
    if (contact == 0) return true;
    sqlite3_stmt *q = db_sql(&e->db, "SELECT account FROM contact WHERE id = ?1");
    db_int(q, 1, contact);
    bool found = db_row(&e->db, q) && db_get_fixed(&e->db, q, 0, out, FORMAT_ID);
    db_done(q);
    return found;
}

static void plan_leaves(struct plan *p, struct chat *c, const uint8_t account[FORMAT_ID])
{
    struct mls_member m;
    uint8_t of[FORMAT_ID];
    uint32_t at = 0;
    while (p->n < COMMIT_PROPOSALS && mls_group_next_member(c->mls, &at, &m)) {
        if (!cred_account(c->e, &m, of) || memcmp(of, account, FORMAT_ID) != 0) continue;
        p->proposals[p->n++] = (struct mls_proposal){.type = MLS_PROPOSAL_REMOVE, .removed = m.index};
    }
}

// The group's context with another room in it: all other extensions as they are.
static enum err plan_room(struct plan *p, struct chat *c, const struct room *r)
{
    size_t n = 0;
    room_encode(r, &p->room);
    enum err x = room_replace(c, buf_span(&p->room), p->extensions, &n);
    if (x != ERR_OK) return x;
    p->proposals[p->n++] = (struct mls_proposal){
        .type = MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS, .extensions = p->extensions, .extension_count = n};
    return buf_end(&p->room);
}

// The list of admins with or without one, in order.
static void put_admins(struct buf *out, struct span admins, const uint8_t account[FORMAT_ID], bool with)
{
    bool put = !with;
    for (size_t at = 0; at < admins.n; at += FORMAT_ID) {
        int order = memcmp(admins.p + at, account, FORMAT_ID);
        if (order > 0 && !put) buf_put(out, span_of(account, FORMAT_ID));
        if (order > 0) put = true;
        if (order != 0) buf_put(out, span_of(admins.p + at, FORMAT_ID));
    }
    if (!put) buf_put(out, span_of(account, FORMAT_ID));
}

static enum err plan_admin(struct plan *p, struct chat *c, struct room *room, const uint8_t account[FORMAT_ID],
                           bool with)
{
    struct buf admins;
    if (room_is_admin(room, account) == with) return ERR_OK;
    buf_init(&admins, ADMINS_BYTES);
    put_admins(&admins, room->admins, account, with);
    room->admins = buf_span(&admins);
    enum err x = buf_end(&admins) == ERR_OK ? plan_room(p, c, room) : buf_end(&admins);
    buf_wipe(&admins);
    return x;
}

// The room as this commit makes it; no proposal if it is so already.
static enum err plan_change(struct plan *p, struct chat *c, const struct commit_what *w)
{
    struct room room;
    uint8_t account[FORMAT_ID];
    enum err x = chat_room(c, &room);
    if (x != ERR_OK) return x;
    switch (w->kind) {
    case COMMIT_NAME:
        if (span_eq(room.name, w->bytes)) return ERR_OK;
        room.name = w->bytes;
        return plan_room(p, c, &room);
    case COMMIT_PICTURE:
        if (span_eq(room.picture, w->bytes)) return ERR_OK;
        room.picture = w->bytes;
        return plan_room(p, c, &room);
    case COMMIT_PROMOTE:
    case COMMIT_DEMOTE:
        if (!account_of(c->e, w->contact, account)) return ERR_OK;
        return plan_admin(p, c, &room, account, w->kind == COMMIT_PROMOTE);
    case COMMIT_REMOVE:
        if (!account_of(c->e, w->contact, account)) return ERR_OK;
        plan_leaves(p, c, account);
        return p->n == 0 || room.kind != ROOM_GROUP ? ERR_OK : plan_admin(p, c, &room, account, false);
    default: return ERR_OK;
    }
}

static enum err make_plan(struct plan *p, struct chat *c, const struct commit_what *w)
{
    if (w->kind == COMMIT_ADD) return adding_plan(c, w->bytes, p->proposals, &p->n);
    return plan_change(p, c, w);
}

// --------------------------------------------------------------------------------------------------------------- making

bool commit_removes(const struct mls_staged *s)
{
    struct mls_change change;
    size_t at = 0;
    while (mls_staged_next_change(s, &at, &change)) {
        if (change.type == MLS_CHANGE_REMOVED) return true;
    }
    return false;
}

// Within a transaction.
static enum err store_commit(struct chat *c, const struct work *w, struct span what, const struct mls_commit *made)
{
    struct engine *e = c->e;
    struct mls_buf staged = {0};
    uint8_t key[32], hash[32] = {0}; /* key: secret */
    bool removes = commit_removes(made->staged);
    enum err x = from_mls(mls_staged_save(made->staged, &staged));
    if (x == ERR_OK && removes) x = chat_log_key(c, made->staged, key);
    if (x == ERR_OK && removes) x = sha256(e, span_of(key, 32), hash);
    if (x == ERR_OK) {
        sqlite3_stmt *q =
            db_sql(&e->db, "UPDATE work SET payload = ?2, staged = ?3, welcome = ?4, epoch = ?5, key = ?6,"
                           " what = ?7 WHERE id = ?1");
        db_int(q, 1, w->id);
        db_blob(q, 2, buf_of(&made->message));
        db_blob(q, 3, buf_of(&staged));
        db_blob(q, 4, buf_of(&made->welcome));
        db_int(q, 5, (int64_t)c->log_epoch);
        db_blob(q, 6, span_of(hash, removes ? 32 : 0));
        db_blob(q, 7, what);
        (void)db_run(&e->db, q);
        x = chat_save(c);
    }
    mls_buf_free(&staged);
    mem_wipe(key, sizeof key);
    return x;
}

// Within a transaction. ERR_NOT_FOUND: there is nothing to do. ERR_REFUSED: one may not, or the group cannot. ERR_LIMIT: it is too large.
static enum err try_commit(struct chat *c, const struct work *w, const struct commit_what *what, struct span bytes)
{
    struct mls_commit made = {0};
    struct plan *p = mem_new(sizeof *p);
    if (p == NULL) return ERR_MEMORY;
    p->n = 0;
    buf_init(&p->room, ROOM_MAX);
    enum err x = make_plan(p, c, what);
    const struct mls_commit_params params = {
        .proposals = p->proposals, .proposal_count = p->n, .tree_in_welcome = true};
    if (x == ERR_OK && p->n == 0 && what->kind != COMMIT_UPDATE) x = ERR_NOT_FOUND;
    if (x == ERR_OK && mls_group_commit(c->mls, &params, &made) != MLS_OK) x = ERR_REFUSED;
    if (x == ERR_OK && !commit_allowed(c, made.staged)) x = ERR_REFUSED;
    if (x == ERR_OK && (made.message.size > WIRE_ENTRY_MAX || made.welcome.size > WELCOME_BLOB_MAX)) x = ERR_LIMIT;
    if (x == ERR_OK) x = store_commit(c, w, bytes, &made);
    mls_commit_free(&made);
    buf_wipe(&p->room);
    mem_free_wiped(p, sizeof *p);
    return x;
}

static const char *why_not(const struct commit_what *w, enum err x)
{
    if (x == ERR_LIMIT) return "this group is too large for one more: nobody was added";
    if (w->kind == COMMIT_ADD) return "somebody could not be added: their keys do not fit this conversation";
    return "you may not change this conversation in that way: its admins may, and one of them must stay";
}

enum err commit_make(struct chat *c, const struct work *w)
{
    struct engine *e = c->e;
    struct commit_what what;
    struct buf bytes;
    if (chat_group(c) == NULL || !commit_read_what(w->what, &what)) return ERR_CORRUPT;
    buf_init(&bytes, WHAT_MAX);
    db_begin(&e->db);
    enum err x = ERR_OK;
    if (what.kind == COMMIT_ADD) x = adding_gather(c, w, &what, &bytes);
    else buf_put(&bytes, w->what);
    if (x == ERR_OK) x = try_commit(c, w, &what, buf_span(&bytes));
    bool refused = x == ERR_REFUSED || x == ERR_LIMIT;
    if (refused && what.kind == COMMIT_ADD && adding_split(c, w, &what)) { // fewer at once, in two pieces of work
        refused = false;
        x = ERR_NOT_FOUND;
    } else if (refused || x == ERR_NOT_FOUND) {
        work_drop(e, w->id);
    }
    enum err done = x == ERR_OK || refused || x == ERR_NOT_FOUND ? db_commit(&e->db) : x;
    if (done != ERR_OK) db_rollback(&e->db);
    if (done != ERR_OK) chat_drop_group(c);
    else if (x == ERR_OK) chat_saved(c);
    if (done == ERR_OK && refused)
        engine_tell(e, (struct engine_event){
                           .kind = ENGINE_WARNING, .chat = c->id, .contact = what.contact, .text = why_not(&what, x)});
    buf_wipe(&bytes);
    return done != ERR_OK ? done : refused ? ERR_NOT_FOUND : x;
}

// ------------------------------------------------------------------------------------------------------------- winning

// It stands where it changes nothing, since another commit was merged before it: it is made anew when its turn comes.
static enum err come_too_late(struct engine *e, int64_t id)
{
    sqlite3_stmt *q =
        db_sql(&e->db, "UPDATE work SET payload = x'', staged = x'', welcome = x'', acked = 0 WHERE id = ?1");
    db_int(q, 1, id);
    (void)db_run(&e->db, q);
    return e->db.err == ERR_OK ? ERR_STALE : e->db.err;
}

enum err commit_won(struct chat *c, int64_t id, const struct wire_entry *entry)
{
    struct engine *e = c->e;
    struct work w;
    struct buf memory;
    struct commit_what what;
    struct mls_staged *staged = NULL;
    bool loaded = work_load(e, id, &w, &memory), readable = loaded && commit_read_what(w.what, &what);
    enum err x = readable ? from_mls(mls_staged_restore(c->mls, out_span(w.staged), &staged)) : ERR_CORRUPT;
    if (readable && x != ERR_OK && !passes(x)) {
        buf_wipe(&memory);
        return come_too_late(e, id);
    }
    bool allowed = x == ERR_OK && commit_allowed(c, staged); // what nobody else merges is not merged here
    if (allowed) x = chat_merge(c, &staged, entry);
    if (allowed && x == ERR_OK && what.kind == COMMIT_ADD) x = adding_send(c, what.bytes, w.welcome);
    mls_staged_free(staged);
    work_drop(e, id);
    buf_wipe(&memory);
    return x;
}
