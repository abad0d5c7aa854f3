// SPDX-License-Identifier: Apache-2.0
//
// One's own inbox: key packages in its pool, and what others put into it by an invitation (invite.c).
#include "client/inner.h"

#include "codec/tls.h"

enum { POOL_MAX = WIRE_PACKAGES_MAX, BODY_ROOM = 70000, LEAST = 2 };

const char inbox_tables[] =
    // What was put into the inbox for a package of last resort, and was taken: hashes of the entries.
    "CREATE TABLE opened(hash BLOB PRIMARY KEY, time INTEGER NOT NULL) STRICT, WITHOUT ROWID;";

// ------------------------------------------------------------------------------------------------------- key packages

static enum err make_package(struct engine *e, bool last_resort, struct buf *sealed)
{
    struct mls_leaf_params leaf = cred_leaf(e);
    struct mls_buf package = {0}, private_part = {0}, ref = {0};
    enum err x = from_mls(mls_key_package_new(e->mls, e->settings.suite, &leaf, NULL, 0, &package, &private_part));
    if (x == ERR_OK) x = from_mls(mls_key_package_ref(e->mls, (struct mls_span){package.data, package.size}, &ref));
    if (x == ERR_OK) x = package_seal(e->crypto, &e->world, e->self.package_key, buf_of(&package), sealed);
    if (x == ERR_OK && ref.size < FORMAT_ID) x = ERR_UNSUPPORTED;
    if (x == ERR_OK) {
        sqlite3_stmt *q =
            db_sql(&e->db, "INSERT INTO package(ref, private, last_resort, created) VALUES(?1, ?2, ?3, ?4)");
        db_blob(q, 1, span_of(ref.data, FORMAT_ID)); // the front is enough to find it by
        db_blob(q, 2, buf_of(&private_part));
        db_int(q, 3, last_resort);
        db_int(q, 4, (int64_t)engine_now());
        (void)db_run(&e->db, q);
    }
    mls_buf_free(&package);
    mls_buf_free(&private_part);
    mls_buf_free(&ref);
    return x;
}

struct putting {
    struct peer *peer;
    int64_t work;
};

static void put_done(struct putting *u)
{
    u->peer->e->packaging = false;
    mem_free(u);
}

static void on_put(void *arg, const struct wire_reply *r)
{
    struct putting *u = arg;
    struct peer *p = u->peer;
    struct engine *e = p->e;
    bool done = r != NULL && r->type == WIRE_R_POOL && !e->closing;
    if (done) {
        db_begin(&e->db);
        work_drop(e, u->work);
        (void)db_commit(&e->db);
    }
    put_done(u);
    if (done) peer_pump(p);
}

// Whatever is in the pool is replaced: what an attempt whose answer was lost has put there must not be handed out twice. The private
// parts are in the vault before the packages leave.
static void on_cleared(void *arg, const struct wire_reply *r)
{
    struct putting *u = arg;
    struct peer *p = u->peer;
    struct engine *e = p->e;
    struct buf list, last;
    if (r == NULL || r->type == WIRE_R_ERROR || e->closing) {
        put_done(u);
        return;
    }
    buf_init(&list, 120000);
    buf_init(&last, WIRE_PACKAGE_MAX);
    db_begin(&e->db);
    enum err x = make_package(e, true, &last);
    for (uint32_t i = 0; x == ERR_OK && i < e->settings.packages && i < POOL_MAX && list.n < 100000; i++) {
        struct buf one;
        buf_init(&one, WIRE_PACKAGE_MAX);
        x = make_package(e, false, &one);
        if (x == ERR_OK) wire_put_package(&list, buf_span(&one));
        buf_wipe(&one);
    }
    if (x == ERR_OK) x = buf_end(&list);
    if (x == ERR_OK) x = db_commit(&e->db);
    else db_rollback(&e->db);
    const struct wire_request put = {.type = WIRE_PACKAGE_PUT,
                                     .log = e->self.inbox,
                                     .key = e->self.inbox_key,
                                     .device = e->self.device,
                                     .last_resort = buf_span(&last),
                                     .packages = buf_span(&list)};
    if (passes(x)) peer_stall(p);
    if (x != ERR_OK || link_ask(p->link, &put, on_put, u) != ERR_OK) put_done(u);
    buf_wipe(&list);
    buf_wipe(&last);
}

void inbox_packages(struct peer *p, const struct work *w)
{
    struct engine *e = p->e;
    const struct wire_request clear = {
        .type = WIRE_PACKAGE_CLEAR, .log = e->self.inbox, .key = e->self.inbox_key, .device = e->self.device};
    struct putting *u = e->packaging ? NULL : mem_new(sizeof *u);
    if (u == NULL) return;
    *u = (struct putting){.peer = p, .work = w->id};
    e->packaging = true;
    if (link_ask(p->link, &clear, on_cleared, u) != ERR_OK) put_done(u);
}

// ---------------------------------------------------------------------------------------------------------- what goes out

enum err inbox_send(struct engine *e, const struct invite *theirs, int64_t waits, struct span package,
                    enum inbox_kind kind, struct span body)
{
    const struct letter l = {.kind = kind, .body = body, .account_key = e->self.account_public};
    struct mls_buf ref = {0};
    struct buf letter, entry;
    char relay[RELAY_ROOM];
    buf_init(&letter, WIRE_ENTRY_MAX);
    buf_init(&entry, WIRE_ENTRY_MAX);
    enum err x = from_mls(mls_key_package_ref(e->mls, out_span(package), &ref));
    if (x == ERR_OK && ref.size < FORMAT_ID) x = ERR_UNSUPPORTED;
    if (x == ERR_OK) x = inbox_sign(e->crypto, &l, e->self.account_private, ref.data, &letter);
    if (x == ERR_OK) x = inbox_seal(e->crypto, &e->world, package, ref.data, buf_span(&letter), &entry);
    if (x == ERR_OK) {
        memcpy(relay, theirs->relay.p, theirs->relay.n);
        relay[theirs->relay.n] = 0;
        (void)work_add(e, &(struct work){.kind = WORK_INBOX,
                                         .relay = relay,
                                         .epoch = (uint64_t)waits,
                                         .log = span_of(theirs->inbox, 32),
                                         .key = span_of(theirs->key, 32),
                                         .payload = buf_span(&entry)});
        if (peer_get(e, relay) == NULL) x = ERR_MEMORY;
    }
    mls_buf_free(&ref);
    buf_wipe(&letter);
    buf_wipe(&entry);
    return x;
}

// --------------------------------------------------------------------------------------------------------- what comes in

// What an entry has brought: a conversation, or somebody who knocks at one.
struct brought {
    struct chat *chat;
    int64_t knocked, contact;
    bool full; // it is a request for which there is no room
};

// Who sends an introduction is whose invitation is in it; that it is a member of the group is checked when the group is joined.
static enum contact_state judge(struct engine *e, const struct invite *from, const struct invite_own *own)
{
    bool theirs = own->contact == 0 || own->contact == contact_of(e, from->account); // and not handed on by whose it is
    enum contact_state state = (own->flags & INVITE_PERSONAL) != 0 && theirs ? CONTACT_KNOWN : CONTACT_REQUEST;
    if (own->chat == INVITE_KNOCKING)
        state = own->used ? CONTACT_REQUEST : CONTACT_STRANGER; // one has asked for it, once
    sqlite3_stmt *q = db_sql(&e->db, "SELECT state FROM contact WHERE account = ?1");
    db_blob(q, 1, span_of(from->account, FORMAT_ID));
    if (db_row(&e->db, q) && db_get_int(q, 0) != CONTACT_STRANGER) state = (enum contact_state)db_get_int(q, 0);
    db_done(q);
    return state;
}

// `welcome`: that has come from elsewhere; empty: it is in the introduction, or has to be fetched, from strangers not before they are accepted.
// `held`: it has waited for that.
static enum err take_introduction(struct engine *e, struct span body, struct span private_part, struct span welcome,
                                  bool held, struct brought *out)
{
    struct intro i;
    struct invite from;
    enum err x = intro_decode(body, &i);
    if (x == ERR_OK) x = invite_decode(i.invite, &from);
    if (x != ERR_OK) return x;
    struct invite_own own;
    bool open = invite_find(e, i.invite_key, &own); // one that is not there any more gives no rights
    enum contact_state state = judge(e, &from, &own);
    bool asks = state == CONTACT_REQUEST, away = welcome.n == 0 && i.blob.n > 0;
    // Whoever comes by a closed one was let in by a relay that lies, or has forgotten that it was closed.
    if (state == CONTACT_BLOCKED || (asks && !open)) return ERR_REFUSED;
    out->full = asks && !request_fits(e, contact_of(e, from.account));
    if (out->full) return ERR_REFUSED;
    if (away && !asks) return welcome_get(e, body, private_part, i.blob);
    if (welcome.n > 0) i.welcome = welcome;
    struct chat **chat = &out->chat;
    int64_t *contact = &out->contact;
    *contact = contact_put(e, from.account, i.name, i.invite, state);
    x = away ? welcome_hold(e, body, private_part, i.blob, *contact)
             : chat_join(e, &i, private_part, *contact, asks ? CHAT_REQUEST : CHAT_OPEN, chat);
    if (x == ERR_OK && state == CONTACT_STRANGER && (*chat)->kind != ROOM_GROUP) x = ERR_REFUSED;
    if (x == ERR_OK && !held) invite_use(e, &own, *contact);
    // The way that was for one use is closed now: whoever used it gets another, for groups to come.
    if (x == ERR_OK && (own.flags & INVITE_ONCE) != 0 && !asks && (*chat)->kind == ROOM_DIRECT) x = say_card(*chat);
    return x;
}

// The private part for which an entry was sealed; a last-resort one stays.
static bool find_private(struct engine *e, struct span entry, struct buf *out, uint8_t ref[32], bool *last_resort)
{
    const uint8_t *r = NULL;
    if (inbox_ref(entry, &r) != ERR_OK) return false;
    memcpy(ref, r, 32);
    sqlite3_stmt *q = db_sql(&e->db, "SELECT private, last_resort FROM package WHERE ref = ?1");
    db_blob(q, 1, span_of(r, 32));
    bool found = db_row(&e->db, q);
    if (found) {
        buf_put(out, db_get(q, 0));
        *last_resort = db_get_int(q, 1) != 0;
    }
    db_done(q);
    return found && buf_end(out) == ERR_OK;
}

// How many one-time packages are left; when there are few, new ones are put.
static void refill(struct engine *e)
{
    sqlite3_stmt *q = db_sql(&e->db, "SELECT (SELECT count(*) FROM package WHERE NOT last_resort) < ?1"
                                     " AND NOT EXISTS(SELECT 1 FROM work WHERE kind = ?2)");
    db_int(q, 1, e->settings.packages / 4 + LEAST);
    db_int(q, 2, WORK_PACKAGES);
    bool few = db_row(&e->db, q) && db_get_int(q, 0) != 0;
    db_done(q);
    if (few) (void)work_add(e, &(struct work){.kind = WORK_PACKAGES, .relay = e->self.relay});
}

// Whose a letter is: the account whose invitation is in it.
static enum err check_sender(struct engine *e, const struct letter *l)
{
    uint8_t account[FORMAT_ID];
    struct intro i;
    struct knock k;
    struct invite from;
    bool intro = l->kind == INBOX_INTRODUCTION;
    enum err x = intro ? intro_decode(l->body, &i) : knock_decode(l->body, &k);
    if (x == ERR_OK) x = invite_decode(intro ? i.invite : k.invite, &from);
    if (x == ERR_OK) x = account_id(e->crypto, l->account_key, account);
    return x != ERR_OK ? x : memcmp(account, from.account, FORMAT_ID) == 0 ? ERR_OK : ERR_UNAUTHENTICATED;
}

// A package of last resort stays when it was used, so what it has opened is remembered: neither a relay that shows an entry once more, nor
// one that has gone back and whose inbox is read again, brings the same thing twice.
static enum err take_once(struct engine *e, struct span entry)
{
    uint8_t hash[32];
    enum err x = sha256(e, entry, hash);
    if (x != ERR_OK) return x;
    sqlite3_stmt *q = db_sql(&e->db, "INSERT OR IGNORE INTO opened(hash, time) VALUES(?1, ?2)");
    db_blob(q, 1, span_of(hash, sizeof hash));
    db_int(q, 2, (int64_t)engine_now());
    bool fresh = db_run(&e->db, q) > 0;
    return e->db.err != ERR_OK ? e->db.err : fresh ? ERR_OK : ERR_REFUSED;
}

static enum err open_entry(struct engine *e, const struct wire_entry *x, struct brought *out)
{
    struct buf private_part, plain;
    struct mls_private_part keys;
    uint8_t ref[32];
    bool last_resort = false;
    struct letter l = {0};
    buf_init(&private_part, 16384);
    buf_init(&plain, BODY_ROOM);
    enum err err = find_private(e, x->payload, &private_part, ref, &last_resort) ? ERR_OK : ERR_NOT_FOUND;
    if (err == ERR_OK && last_resort) err = take_once(e, x->payload);
    if (err == ERR_OK) err = from_mls(mls_private_part_read(out_span(buf_span(&private_part)), &keys));
    if (err == ERR_OK) {
        struct tls_reader r = tls_reader_of(in_span(keys.key_package)); // version, then suite
        (void)tls_u16(&r);
        err = inbox_open(e->crypto, tls_u16(&r), in_span(keys.init_key), x->payload, &plain);
    }
    if (err == ERR_OK) err = inbox_check(e->crypto, buf_span(&plain), ref, &l);
    if (err == ERR_OK && l.kind != INBOX_INTRODUCTION && l.kind != INBOX_KNOCK) err = ERR_UNSUPPORTED;
    if (err == ERR_OK) err = check_sender(e, &l);
    if (err == ERR_OK && l.kind == INBOX_INTRODUCTION)
        err = take_introduction(e, l.body, buf_span(&private_part), span_of(NULL, 0), false, out);
    else if (err == ERR_OK) err = knock_arrived(e, l.body, &out->knocked, &out->contact);
    if (err == ERR_OK && !last_resort) {
        sqlite3_stmt *q = db_sql(&e->db, "DELETE FROM package WHERE ref = ?1");
        db_blob(q, 1, span_of(ref, 32));
        (void)db_run(&e->db, q);
        refill(e);
    }
    buf_wipe(&private_part);
    buf_wipe(&plain);
    return err;
}

static void move_cursor(struct engine *e, uint64_t seq, const uint8_t hash[32])
{
    sqlite3_stmt *q = db_sql(&e->db, "UPDATE self SET cursor = ?1, last = ?2");
    db_int(q, 1, (int64_t)seq);
    db_blob(q, 2, span_of(hash, 32));
    (void)db_run(&e->db, q);
}

bool inbox_differs(struct engine *e, const struct wire_entry *x)
{
    uint8_t hash[32];
    return x->seq == e->self.cursor && sha256(e, x->payload, hash) == ERR_OK && memcmp(hash, e->self.last, 32) != 0;
}

static void tell_brought(struct engine *e, const struct brought *b)
{
    int64_t chat = b->chat != NULL ? b->chat->id : b->knocked;
    if (chat == 0 && b->contact != 0)
        engine_tell(e, (struct engine_event){.kind = ENGINE_CONTACT, .contact = b->contact});
    if (chat == 0) return;
    if (b->chat != NULL) chat_saved(b->chat);
    engine_tell(e, (struct engine_event){.kind = ENGINE_CONTACT, .contact = b->contact});
    engine_tell(e, (struct engine_event){.kind = ENGINE_CHAT, .chat = chat, .contact = b->contact});
    hold_tell(e);
    if (b->chat != NULL) peer_open(b->chat->peer);
    if (b->chat != NULL) peer_follow_chat(b->chat);
    peer_pump_all(e);
}

static const char too_many[] = "so many requests wait for an answer that one more was not taken: answer or decline "
                               "some, and whoever it was may ask"
                               " again. If you know none of them, take back the invitation by which they come";

// In one transaction: what the entry brings, and that it was read. One that brings nothing is passed over: anybody with an invitation
// may write anything. One that could not be stored is not: it comes again.
bool inbox_entry(struct engine *e, const struct wire_entry *x)
{
    struct brought b = {0};
    uint8_t hash[32];
    if (x->seq <= e->self.cursor) return true;
    if (sha256(e, x->payload, hash) != ERR_OK) return false;
    db_begin(&e->db);
    enum err err = open_entry(e, x, &b);
    bool later = passes(err) || passes(e->db.err), full = b.full;
    if (err != ERR_OK) {
        db_rollback(&e->db);
        if (b.chat != NULL) chat_undo(b.chat);
        b = (struct brought){0};
        if (later) return false;
        db_begin(&e->db);
    }
    move_cursor(e, x->seq, hash);
    if (db_commit(&e->db) != ERR_OK) {
        if (b.chat != NULL) chat_undo(b.chat);
        return false;
    }
    e->self.cursor = x->seq;
    memcpy(e->self.last, hash, 32);
    transfer_settle(e->transfers);
    tell_brought(e, &b);
    if (full) engine_tell(e, (struct engine_event){.kind = ENGINE_WARNING, .text = too_many});
    return true;
}

bool inbox_introduced(struct engine *e, struct span body, struct span private_part, struct span welcome, bool held)
{
    struct brought b = {0};
    if (welcome.n == 0) return true;
    db_begin(&e->db);
    enum err x = take_introduction(e, body, private_part, welcome, held, &b);
    bool later = passes(x) || passes(e->db.err);
    if (x == ERR_OK) x = db_commit(&e->db);
    else db_rollback(&e->db);
    if (x != ERR_OK && b.chat != NULL) chat_undo(b.chat);
    if (x == ERR_OK) tell_brought(e, &b);
    return x == ERR_OK || !later; // what makes no sense is passed over
}
