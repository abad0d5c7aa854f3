// SPDX-License-Identifier: Apache-2.0
//
// Commits: made on the newest state when their turn comes, merged when they are seen in the log, made anew when another was faster.
// Invariant: a Welcome leaves only when its commit has won, and in the transaction that merges it.
#include "client/inner.h"

#include "codec/tls.h"

enum { PACKAGES_MAX = 32, WHAT_MAX = 600000, WELCOME_MAX = 58000 }; // what an introduction has room for

// What a commit is to do, as it stands in a piece of work.
struct what {
    enum commit_what kind;
    int64_t contact;
    struct span packages; // KeyPackages of a contact's devices, each as a vector
};

static void put_what(struct buf *out, enum commit_what kind, int64_t contact, struct span packages)
{
    tls_put_u8(out, (uint8_t)kind);
    tls_put_u64(out, (uint64_t)contact);
    tls_put_vector(out, packages);
}

static bool read_what(struct span bytes, struct what *out)
{
    struct tls_reader r = tls_reader_of(bytes);
    out->kind = (enum commit_what)tls_u8(&r);
    out->contact = (int64_t)tls_u64(&r);
    out->packages = tls_vector(&r);
    return tls_end(&r) == ERR_OK;
}

// ------------------------------------------------------------------------------------------------------ what was taken

static bool account_of(struct engine *e, int64_t contact, uint8_t out[FORMAT_ID])
{
    sqlite3_stmt *q = db_sql(&e->db, "SELECT account FROM contact WHERE id = ?1");
    db_int(q, 1, contact);
    bool found = db_row(&e->db, q) && db_get_fixed(&e->db, q, 0, out, FORMAT_ID);
    db_done(q);
    return found;
}

static bool invite_of(struct engine *e, int64_t contact, struct buf *bytes, struct invite *out)
{
    sqlite3_stmt *q = db_sql(&e->db, "SELECT invite FROM contact WHERE id = ?1 AND invite != x''");
    db_int(q, 1, contact);
    if (db_row(&e->db, q)) buf_put(bytes, db_get(q, 0));
    db_done(q);
    return bytes->n > 0 && invite_decode(buf_span(bytes), out) == ERR_OK;
}

// A key package that the relay handed out: it must open, be valid, and be of a device of just this account.
static enum err check_package(struct engine *e, const uint8_t account[FORMAT_ID], struct span package)
{
    struct mls_member m;
    struct cert cert;
    uint8_t of[FORMAT_ID];
    uint16_t suite = 0;
    enum err x = from_mls(mls_key_package_check(e->mls, out_span(package), &suite, &m));
    if (x == ERR_OK && !cred_account(e, &m, of)) x = ERR_UNAUTHENTICATED;
    if (x == ERR_OK && memcmp(of, account, FORMAT_ID) != 0) x = ERR_UNAUTHENTICATED;
    if (x == ERR_OK && cert_check(e->crypto, in_span(m.identity), &cert) == ERR_OK)
        contact_key(e, account, cert.account_key);
    return x;
}

enum err commit_add_taken(struct engine *e, const struct work *take, struct span taken)
{
    struct buf bytes, packages, what;
    struct invite i;
    struct wire_package one;
    uint8_t account[FORMAT_ID];
    size_t good = 0, bad = 0;
    buf_init(&bytes, FORMAT_LINK_MAX);
    buf_init(&packages, WHAT_MAX);
    buf_init(&what, WHAT_MAX + 100);
    bool known = account_of(e, take->contact, account) && invite_of(e, take->contact, &bytes, &i);
    while (known && good < PACKAGES_MAX && wire_next_taken(&taken, &one)) {
        struct buf open;
        buf_init(&open, WIRE_PACKAGE_MAX);
        bool ok = package_open(e->crypto, i.package_key, one.package, &open) == ERR_OK &&
                  check_package(e, account, buf_span(&open)) == ERR_OK;
        if (ok) tls_put_vector(&packages, buf_span(&open));
        *(ok ? &good : &bad) += 1;
        buf_wipe(&open);
    }
    const struct chat *c = good > 0 ? chat_find(e, take->chat) : NULL;
    if (known && good + bad == 0) { // none is there now: they have not been at their relay for long
        buf_wipe(&bytes);
        buf_wipe(&packages);
        buf_wipe(&what);
        return ERR_NOT_FOUND;
    }
    if (c != NULL) { // it becomes the commit, in the same place of the queue: what was said behind it waits for that
        put_what(&what, COMMIT_ADD, take->contact, buf_span(&packages));
        sqlite3_stmt *q =
            db_sql(&e->db, "UPDATE work SET kind = ?2, relay = ?3, what = ?4, log = x'', key = x'' WHERE id = ?1");
        db_int(q, 1, take->id);
        db_int(q, 2, WORK_COMMIT);
        db_text(q, 3, span_str(c->peer->relay));
        db_blob(q, 4, buf_span(&what));
        (void)db_run(&e->db, q);
    } else {
        work_drop(e, take->id);
    }
    enum err x = buf_end(&what) != ERR_OK ? buf_end(&what) : e->db.err;
    buf_wipe(&bytes);
    buf_wipe(&packages);
    buf_wipe(&what);
    if (x != ERR_OK || bad == 0) return x;
    engine_tell(e, (struct engine_event){
                       .kind = ENGINE_WARNING,
                       .chat = take->chat,
                       .contact = take->contact,
                       .text = "the relay of a contact has handed out a key that is not theirs: nothing was sent to it."
                               " Tell them, over another way"});
    return ERR_OK;
}

void commit_ask_remove(struct chat *c, int64_t contact)
{
    struct buf what;
    buf_init(&what, 100);
    put_what(&what, COMMIT_REMOVE, contact, span_of(NULL, 0));
    (void)work_add(
        c->e,
        &(struct work){
            .kind = WORK_COMMIT, .relay = c->peer->relay, .chat = c->id, .contact = contact, .what = buf_span(&what)});
    buf_wipe(&what);
}

// --------------------------------------------------------------------------------------------------------------- making

static size_t leaves_of(struct chat *c, const uint8_t account[FORMAT_ID], struct mls_proposal *out, size_t room)
{
    struct mls_member m;
    uint8_t of[FORMAT_ID];
    uint32_t at = 0;
    size_t n = 0;
    while (n < room && mls_group_next_member(c->mls, &at, &m)) {
        if (!cred_account(c->e, &m, of) || memcmp(of, account, FORMAT_ID) != 0) continue;
        out[n++] = (struct mls_proposal){.type = MLS_PROPOSAL_REMOVE, .removed = m.index};
    }
    return n;
}

static size_t proposals_of(struct chat *c, const struct what *what, struct mls_proposal *out)
{
    uint8_t account[FORMAT_ID];
    size_t n = 0;
    if (what->kind == COMMIT_REMOVE)
        return account_of(c->e, what->contact, account) ? leaves_of(c, account, out, PACKAGES_MAX) : 0;
    struct tls_reader r = tls_reader_of(what->packages);
    while (what->kind == COMMIT_ADD && n < PACKAGES_MAX && tls_left(&r) > 0) {
        out[n++] = (struct mls_proposal){.type = MLS_PROPOSAL_ADD, .key_package = out_span(tls_vector(&r))};
    }
    return n;
}

static enum err store_commit(struct chat *c, const struct work *w, const struct mls_commit *made, bool removes)
{
    struct engine *e = c->e;
    struct mls_buf staged = {0};
    uint8_t key[32], hash[32] = {0}; /* key: secret */
    enum err x = from_mls(mls_staged_save(made->staged, &staged));
    if (x == ERR_OK && removes) x = chat_log_key(c, made->staged, key);
    if (x == ERR_OK && removes) x = sha256(e, span_of(key, 32), hash);
    if (x == ERR_OK) {
        db_begin(&e->db);
        sqlite3_stmt *q = db_sql(
            &e->db, "UPDATE work SET payload = ?2, staged = ?3, welcome = ?4, epoch = ?5, key = ?6 WHERE id = ?1");
        db_int(q, 1, w->id);
        db_blob(q, 2, buf_of(&made->message));
        db_blob(q, 3, buf_of(&staged));
        db_blob(q, 4, buf_of(&made->welcome));
        db_int(q, 5, (int64_t)c->log_epoch);
        db_blob(q, 6, span_of(hash, removes ? 32 : 0));
        (void)db_run(&e->db, q);
        x = chat_save(c);
        if (x == ERR_OK) x = db_commit(&e->db);
        else db_rollback(&e->db);
        if (x == ERR_OK) chat_saved(c);
        else chat_drop_group(c);
    }
    mls_buf_free(&staged);
    mem_wipe(key, sizeof key);
    return x;
}

enum err commit_make(struct chat *c, const struct work *w)
{
    struct engine *e = c->e;
    struct mls_proposal proposals[PACKAGES_MAX];
    struct mls_commit made = {0};
    struct what what;
    if (chat_group(c) == NULL || !read_what(w->what, &what)) return ERR_CORRUPT;
    size_t n = proposals_of(c, &what, proposals);
    const struct mls_commit_params params = {.proposals = proposals, .proposal_count = n, .tree_in_welcome = true};
    enum err x =
        n == 0 && what.kind != COMMIT_UPDATE ? ERR_NOT_FOUND : from_mls(mls_group_commit(c->mls, &params, &made));
    bool large = x == ERR_OK && made.welcome.size > WELCOME_MAX;
    if (large) x = ERR_LIMIT;
    if (x == ERR_OK) x = store_commit(c, w, &made, what.kind == COMMIT_REMOVE);
    mls_commit_free(&made);
    if (x == ERR_NOT_FOUND || x == ERR_INVALID || large) { // they are in already, or gone; or there are too many
        db_begin(&e->db);
        work_drop(e, w->id);
        if (db_commit(&e->db) == ERR_OK) x = ERR_NOT_FOUND;
    }
    if (large) {
        engine_tell(e, (struct engine_event){.kind = ENGINE_WARNING, .chat = c->id, .contact = what.contact,
                                             .text = "this group is too large for one more: nobody was added"});
    }
    return x;
}

// ------------------------------------------------------------------------------------------------------------- winning

// One introduction for each device that was added. The receiver reads on behind the commit, which is the entry just taken.
static enum err send_welcomes(struct chat *c, const struct what *what, struct span welcome)
{
    struct engine *e = c->e;
    struct buf bytes, mine, body;
    struct invite theirs;
    enum err x = ERR_OK;
    buf_init(&bytes, FORMAT_LINK_MAX);
    buf_init(&mine, FORMAT_LINK_MAX);
    buf_init(&body, 65536);
    bool known = invite_of(e, what->contact, &bytes, &theirs);
    if (known) x = inbox_invite(e, INVITE_PERSONAL, span_of(NULL, 0), &mine);
    if (known && x == ERR_OK) {
        const struct intro i = {.invite_key = theirs.key,
                                .name = span_str(e->self.name),
                                .invite = buf_span(&mine),
                                .welcome = welcome,
                                .log_key = c->log_key,
                                .log_epoch = c->log_epoch,
                                .seq = c->cursor,
                                .chain = c->chain};
        intro_encode(&i, &body);
        x = buf_end(&body);
    }
    struct tls_reader r = tls_reader_of(what->packages);
    while (known && x == ERR_OK && tls_left(&r) > 0) {
        struct span package = tls_vector(&r);
        struct mls_buf ref = {0};
        struct buf entry;
        char relay[RELAY_ROOM];
        buf_init(&entry, WIRE_ENTRY_MAX);
        x = from_mls(mls_key_package_ref(e->mls, out_span(package), &ref));
        if (x == ERR_OK && ref.size < FORMAT_ID) x = ERR_UNSUPPORTED;
        if (x == ERR_OK)
            x = inbox_seal(e->crypto, &e->world, package, ref.data, INBOX_INTRODUCTION, buf_span(&body), &entry);
        if (x == ERR_OK) {
            memcpy(relay, theirs.relay.p, theirs.relay.n);
            relay[theirs.relay.n] = 0;
            (void)work_add(e, &(struct work){.kind = WORK_INBOX,
                                             .relay = relay,
                                             .contact = what->contact,
                                             .log = span_of(theirs.inbox, 32),
                                             .key = span_of(theirs.key, 32),
                                             .payload = buf_span(&entry)});
            if (peer_get(e, relay) == NULL) x = ERR_MEMORY;
        }
        mls_buf_free(&ref);
        buf_wipe(&entry);
    }
    buf_wipe(&bytes);
    buf_wipe(&mine);
    buf_wipe(&body);
    return x;
}

enum err commit_won(struct chat *c, int64_t id)
{
    struct engine *e = c->e;
    struct work w;
    struct buf memory;
    struct what what;
    struct mls_staged *staged = NULL;
    bool loaded = work_load(e, id, &w, &memory);
    enum err x = loaded && read_what(w.what, &what) ? from_mls(mls_staged_restore(c->mls, out_span(w.staged), &staged))
                                                    : ERR_CORRUPT;
    if (x == ERR_OK && what.kind == COMMIT_REMOVE) x = chat_log_key(c, staged, c->log_key);
    if (x == ERR_OK) x = from_mls(mls_group_merge(c->mls, staged));
    if (x != ERR_OK) mls_staged_free(staged);
    if (x == ERR_OK && what.kind == COMMIT_ADD) x = send_welcomes(c, &what, w.welcome);
    work_drop(e, id);
    buf_wipe(&memory);
    return x;
}

// ------------------------------------------------------------------------------------------------------------- allowing

// In a conversation of two and in a note to oneself there is nobody to add or remove but one's own devices; in a group admins do
// that. Everybody may renew their own leaf.
bool commit_allowed(struct chat *c, const struct mls_staged *s)
{
    struct room room;
    struct mls_member m;
    struct mls_change change;
    uint8_t committer[FORMAT_ID], other[FORMAT_ID];
    size_t at = 0;
    if (chat_room(c, &room) != ERR_OK || mls_group_member(c->mls, mls_staged_committer(s), &m) != MLS_OK) return false;
    if (!cred_account(c->e, &m, committer)) return false;
    bool admin = room_is_admin(&room, committer), allowed = !mls_staged_changes_extensions(s) || admin;
    while (allowed && mls_staged_next_change(s, &at, &change)) {
        bool own = cred_account(c->e, &change.member, other) && memcmp(other, committer, FORMAT_ID) == 0;
        if (change.type == MLS_CHANGE_UPDATED) allowed = own;
        else if (change.type == MLS_CHANGE_JOINED) allowed = false;
        else allowed = admin || own;
    }
    return allowed;
}
