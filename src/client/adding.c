// SPDX-License-Identifier: Apache-2.0
//
// Who is added: the key packages that their relays handed out, gathered into one commit, and the introductions that tell them. Invariant: nobody
// is added by a key package that is not of a device of just that account.
#include "client/inner.h"

#include "codec/tls.h"

enum { APART = 1, DEVICES_MAX = 32, INTRO_MAX = 65536, REF_MAX = 1024 };

// One contact in the list of a commit that adds: its number, and the KeyPackages of its devices, each as a vector.
struct added {
    int64_t contact;
    struct span packages;
};

static bool next_added(struct span *list, struct added *out)
{
    struct tls_reader r = tls_reader_of(*list);
    if (list->n == 0) return false;
    out->contact = (int64_t)tls_u64(&r);
    out->packages = tls_vector(&r);
    *list = tls_rest(&r);
    return r.err == ERR_OK;
}

static void put_added(struct buf *list, int64_t contact, struct span packages)
{
    tls_put_u64(list, (uint64_t)contact);
    tls_put_vector(list, packages);
}

static size_t count_added(struct span list)
{
    struct added a;
    size_t n = 0;
    while (next_added(&list, &a)) n++;
    return n;
}

// ------------------------------------------------------------------------------------------------------ what was taken

static bool account_and_invite(struct engine *e, int64_t contact, uint8_t account[FORMAT_ID], struct buf *bytes,
                               struct invite *out)
{
    sqlite3_stmt *q = db_sql(&e->db, "SELECT account, invite FROM contact WHERE id = ?1 AND invite != x''");
    db_int(q, 1, contact);
    bool found = db_row(&e->db, q) && db_get_fixed(&e->db, q, 0, account, FORMAT_ID);
    if (found) buf_put(bytes, db_get(q, 1));
    db_done(q);
    return found && invite_decode(buf_span(bytes), out) == ERR_OK;
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
    if (x == ERR_OK && cert_read(in_span(m.identity), &cert) == ERR_OK) contact_key(e, account, cert.account_key);
    return x;
}

void adding_open(struct engine *e, const uint8_t account[FORMAT_ID], const struct invite *i, struct span taken,
                 struct buf *packages, size_t count[2])
{
    struct wire_package one;
    while (count[0] < DEVICES_MAX && wire_next_taken(&taken, &one)) {
        struct buf open;
        buf_init(&open, WIRE_PACKAGE_MAX);
        bool ok = package_open(e->crypto, i->package_key, one.package, &open) == ERR_OK &&
                  check_package(e, account, buf_span(&open)) == ERR_OK;
        if (ok) tls_put_vector(packages, buf_span(&open));
        count[ok ? 0 : 1]++;
        buf_wipe(&open);
    }
}

// The piece of work that took becomes the commit, in the same place of the queue: what was said behind it waits for that.
static void become_commit(struct chat *c, const struct work *take, struct span packages)
{
    struct buf list, what;
    buf_init(&list, WHAT_MAX);
    buf_init(&what, WHAT_MAX);
    put_added(&list, take->contact, packages);
    commit_put_what(&what,
                    &(struct commit_what){.kind = COMMIT_ADD, .contact = take->contact, .bytes = buf_span(&list)});
    sqlite3_stmt *q = db_sql(
        &c->e->db, "UPDATE work SET kind = ?2, relay = ?3, what = ?4, acked = 0, log = x'', key = x'' WHERE id = ?1");
    db_int(q, 1, take->id);
    db_int(q, 2, WORK_COMMIT);
    db_text(q, 3, span_str(c->peer->relay));
    db_blob(q, 4, buf_span(&what));
    (void)db_run(&c->e->db, q);
    if (buf_end(&what) != ERR_OK && c->e->db.err == ERR_OK) c->e->db.err = buf_end(&what);
    buf_wipe(&list);
    buf_wipe(&what);
}

enum err adding_taken(struct engine *e, const struct work *take, struct span taken)
{
    struct buf bytes, packages;
    struct invite i;
    uint8_t account[FORMAT_ID];
    size_t count[2] = {0, 0}; // good, bad
    buf_init(&bytes, FORMAT_LINK_MAX);
    buf_init(&packages, WHAT_MAX);
    bool known = account_and_invite(e, take->contact, account, &bytes, &i);
    if (known) adding_open(e, account, &i, taken, &packages, count);
    struct chat *c = count[0] > 0 ? chat_find(e, take->chat) : NULL;
    if (c != NULL) become_commit(c, take, buf_span(&packages));
    else if (!known || count[0] + count[1] > 0) work_drop(e, take->id);
    enum err x =
        known && count[0] + count[1] == 0 ? ERR_NOT_FOUND : e->db.err; // they have not been at their relay for long
    buf_wipe(&bytes);
    buf_wipe(&packages);
    if (x != ERR_OK || count[1] == 0) return x;
    engine_tell(e, (struct engine_event){
                       .kind = ENGINE_WARNING,
                       .chat = take->chat,
                       .contact = take->contact,
                       .text = "the relay of a contact has handed out a key that is not theirs: nothing was sent to it."
                               " Tell them, over another way"});
    return ERR_OK;
}

// ------------------------------------------------------------------------------------------------------------- planning

enum err adding_gather(struct chat *c, const struct work *w, struct commit_what *what, struct buf *bytes)
{
    struct db *d = &c->e->db;
    struct buf list;
    struct commit_what other;
    int64_t gone[COMMIT_PROPOSALS];
    size_t n = 0;
    bool more = true;
    buf_init(&list, WHAT_MAX);
    buf_put(&list, what->bytes);
    sqlite3_stmt *q = db_sql(d, "SELECT id, kind, what, key FROM work WHERE chat = ?1 AND id > ?2 ORDER BY id");
    db_int(q, 1, c->id);
    db_int(q, 2, w->id);
    while (more && db_row(d, q)) {
        if (db_get_int(q, 1) == WORK_TAKE) continue;
        more = db_get_int(q, 1) == WORK_COMMIT && commit_read_what(db_get(q, 2), &other) && other.kind == COMMIT_ADD &&
               db_get(q, 3).n != APART && n < COMMIT_PROPOSALS && list.n + other.bytes.n <= ADDING_MAX;
        if (more) buf_put(&list, other.bytes);
        if (more) gone[n++] = db_get_int(q, 0);
    }
    db_done(q);
    for (size_t i = 0; i < n; i++) work_drop(c->e, gone[i]);
    int64_t place = n > 0 ? gone[n - 1] : 0;
    size_t head = bytes->n;
    what->bytes = buf_span(&list);
    commit_put_what(bytes, what);
    if (buf_end(bytes) == ERR_OK) (void)commit_read_what(span_of(bytes->p + head, bytes->n - head), what);
    what->place = place;
    buf_wipe(&list);
    return buf_end(bytes);
}

bool adding_split(struct chat *c, const struct work *w, const struct commit_what *what)
{
    struct span rest = what->bytes;
    struct added a;
    struct buf half;
    size_t n = count_added(what->bytes);
    if (n < 2) return false;
    for (size_t i = 0; i < n / 2; i++) (void)next_added(&rest, &a);
    struct commit_what first = *what, second = *what;
    first.bytes.n -= rest.n;
    second.bytes = rest;
    buf_init(&half, WHAT_MAX);
    commit_put_what(&half, &first);
    sqlite3_stmt *q = db_sql(&c->e->db, "UPDATE work SET what = ?2, payload = x'' WHERE id = ?1");
    db_int(q, 1, w->id);
    db_blob(q, 2, buf_span(&half));
    (void)db_run(&c->e->db, q);
    commit_ask(c, &second);
    int64_t id = db_last_id(
        &c->e->db); // what was said behind them is for the second half, too; and it is not gathered into the first
    q = db_sql(&c->e->db, "UPDATE work SET id = ?2, key = zeroblob(?3) WHERE id = ?1");
    db_int(q, 1, id);
    db_int(q, 2, what->place != 0 ? what->place : id);
    db_int(q, 3, APART);
    (void)db_run(&c->e->db, q);
    buf_wipe(&half);
    return true;
}

// When the device was made of which a key package is; 0: it is of no use, since it has expired, or its device is there, or a later one of the same
// account. So key packages of a device that is no more, which anybody may have kept who has had an invitation, put nobody out.
static uint64_t made_when(struct chat *c, struct span package)
{
    struct mls_member m, one;
    struct cert a, b;
    uint16_t suite = 0;
    uint32_t at = 0;
    if (mls_key_package_check(c->e->mls, out_span(package), &suite, &one) != MLS_OK) return 0;
    if (cert_read(in_span(one.identity), &a) != ERR_OK) return 0;
    while (mls_group_next_member(c->mls, &at, &m)) {
        if (cert_read(in_span(m.identity), &b) != ERR_OK || memcmp(a.account_key, b.account_key, FORMAT_KEY) != 0)
            continue;
        if (cert_same_device(&a, &b) || b.created >= a.created) return 0;
    }
    return a.created;
}

// That of the newest device, since an account has one at a time, and of others there may be key packages left; empty: none is of use.
static struct span newest_of(struct chat *c, struct span packages)
{
    struct span newest = {0};
    uint64_t when = 0;
    struct tls_reader r = tls_reader_of(packages);
    while (tls_left(&r) > 0 && r.err == ERR_OK) {
        struct span package = tls_vector(&r);
        uint64_t made = r.err == ERR_OK ? made_when(c, package) : 0;
        if (made > when) newest = package;
        if (made > when) when = made;
    }
    return newest;
}

// Whoever is added and is there already has a fresh device, such as one that was made of an archive: their leaves go.
static enum err plan_former(struct chat *c, const struct added *a, struct mls_proposal *proposals, size_t *n)
{
    struct mls_member m;
    struct invite i;
    uint8_t account[FORMAT_ID], of[FORMAT_ID];
    uint32_t at = 0;
    struct buf bytes;
    buf_init(&bytes, FORMAT_LINK_MAX);
    bool known = account_and_invite(c->e, a->contact, account, &bytes, &i);
    buf_wipe(&bytes);
    while (known && mls_group_next_member(c->mls, &at, &m)) {
        if (!cred_account(c->e, &m, of) || memcmp(of, account, FORMAT_ID) != 0) continue;
        if (*n == COMMIT_PROPOSALS) return ERR_LIMIT;
        proposals[(*n)++] = (struct mls_proposal){.type = MLS_PROPOSAL_REMOVE, .removed = m.index};
    }
    return ERR_OK;
}

enum err adding_plan(struct chat *c, struct span list, struct mls_proposal *proposals, size_t *n)
{
    struct added a;
    enum err x = ERR_OK;
    while (x == ERR_OK && next_added(&list, &a)) {
        struct span package = newest_of(c, a.packages);
        if (package.n == 0) continue;
        if (*n == COMMIT_PROPOSALS) return ERR_LIMIT;
        proposals[(*n)++] = (struct mls_proposal){.type = MLS_PROPOSAL_ADD, .key_package = out_span(package)};
        x = plan_former(c, &a, proposals, n);
    }
    return x;
}

// ------------------------------------------------------------------------------------------------------- introductions

// One introduction for each device of a contact. The receiver reads on behind the commit, which is the entry just taken.
static enum err introduce(struct chat *c, const struct added *a, struct span welcome, struct span blob, int64_t waits)
{
    struct engine *e = c->e;
    struct buf bytes, mine, body;
    struct invite theirs;
    uint8_t account[FORMAT_ID];
    enum err x = ERR_OK;
    buf_init(&bytes, FORMAT_LINK_MAX);
    buf_init(&mine, FORMAT_LINK_MAX);
    buf_init(&body, INTRO_MAX);
    bool known = account_and_invite(e, a->contact, account, &bytes, &theirs);
    if (known) x = invite_make(e, &(struct invite_new){.flags = INVITE_PERSONAL, .contact = a->contact}, &mine);
    if (known && x == ERR_OK) {
        const struct intro i = {.invite_key = theirs.key,
                                .name = span_str(e->self.name),
                                .invite = buf_span(&mine),
                                .welcome = waits == 0 ? welcome : span_of(NULL, 0),
                                .blob = blob,
                                .log_key = c->log_key,
                                .log_epoch = c->log_epoch,
                                .seq = c->cursor,
                                .chain = c->chain};
        intro_encode(&i, &body);
        x = buf_end(&body);
    }
    struct tls_reader r = tls_reader_of(a->packages);
    while (known && x == ERR_OK && tls_left(&r) > 0)
        x = inbox_send(e, &theirs, waits, tls_vector(&r), INBOX_INTRODUCTION, buf_span(&body));
    buf_wipe(&bytes);
    buf_wipe(&mine);
    buf_wipe(&body);
    return x;
}

enum err adding_send(struct chat *c, struct span list, struct span welcome)
{
    struct added a;
    struct buf blob;
    int64_t waits = 0;
    buf_init(&blob, REF_MAX);
    enum err x = welcome_put(c->e, welcome, &blob, &waits);
    while (x == ERR_OK && next_added(&list, &a)) x = introduce(c, &a, welcome, buf_span(&blob), waits);
    buf_wipe(&blob);
    return x;
}
