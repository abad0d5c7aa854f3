// SPDX-License-Identifier: Apache-2.0
//
// Welcomes that no inbox entry has room for: they go to the relay as a blob, once for all who are added, and the introductions wait until
// it is there. Who is introduced fetches it, and joins when it has come; what a stranger asks by it waits until they are accepted. Invariant:
// what was asked into a conversation is in the vault until it has been joined or cannot be.
#include "client/inner.h"

#include "codec/tls.h"

#include <stdio.h>

// come: the transfer, when it has come; 0: it is being fetched; HELD: nobody has accepted it
enum { HELD = -1 };
const char welcome_tables[] =
    // Introductions whose Welcome lies elsewhere. contact: who has asked by it, whom one did not know; 0
    "CREATE TABLE welcome(id INTEGER PRIMARY KEY AUTOINCREMENT, contact INTEGER NOT NULL, body BLOB NOT NULL,"
    " private BLOB NOT NULL, come INTEGER NOT NULL, created INTEGER NOT NULL) STRICT;"
    "CREATE INDEX welcome_contact ON welcome(contact);";

static struct blob_ref ref_of(const struct transfer_ref *t)
{
    return (struct blob_ref){.relay = span_str(t->relay),
                             .blob = t->blob,
                             .key = span_of(t->key.key, sizeof t->key.key),
                             .prefix = span_of(t->key.prefix, sizeof t->key.prefix),
                             .size = t->size,
                             .digest = t->digest};
}

static enum err ref_from(const struct blob_ref *r, struct transfer_ref *out)
{
    *out = (struct transfer_ref){.size = r->size};
    if (r->relay.n >= sizeof out->relay || r->key.n != sizeof out->key.key || r->prefix.n != sizeof out->key.prefix)
        return ERR_MALFORMED;
    memcpy(out->relay, r->relay.p, r->relay.n);
    memcpy(out->blob, r->blob, sizeof out->blob);
    memcpy(out->key.key, r->key.p, r->key.n);
    memcpy(out->key.prefix, r->prefix.p, r->prefix.n);
    memcpy(out->digest, r->digest, sizeof out->digest);
    return ERR_OK;
}

// -------------------------------------------------------------------------------------------------------------- sending

enum err welcome_put(struct engine *e, struct span welcome, struct buf *ref, int64_t *waits)
{
    const struct transfer_to to = {.relay = e->self.relay, .use = ATTACH_WELCOME};
    struct transfer_ref t;
    *waits = 0;
    if (welcome.n <= WELCOME_MAX) return ERR_OK;
    enum err x = transfer_put(e->transfers, welcome, &to, waits, &t);
    const struct blob_ref r = ref_of(&t);
    if (x == ERR_OK) blob_ref_encode(&r, ref);
    mem_wipe(&t, sizeof t);
    return x != ERR_OK ? x : buf_end(ref);
}

// The introductions that wait for it may go. Within a transaction.
static enum err sent(struct engine *e, int64_t transfer)
{
    sqlite3_stmt *q = db_sql(&e->db, "UPDATE work SET epoch = 0 WHERE kind = ?1 AND epoch = ?2");
    db_int(q, 1, WORK_INBOX);
    db_int(q, 2, transfer);
    (void)db_run(&e->db, q);
    return e->db.err;
}

// ------------------------------------------------------------------------------------------------------------- fetching

// Whether that can ever be fetched.
static enum err read_ref(struct span ref, struct transfer_ref *out)
{
    struct blob_ref r;
    enum err x = blob_ref_decode(ref, &r);
    if (x == ERR_OK) x = ref_from(&r, out);
    if (x == ERR_OK && !peer_is_address(r.relay)) x = ERR_INVALID;
    return x == ERR_OK && r.size > WELCOME_BLOB_MAX ? ERR_INVALID : x;
}

static enum err keep(struct engine *e, struct span body, struct span private_part, int64_t contact, int64_t come)
{
    sqlite3_stmt *q =
        db_sql(&e->db, "INSERT INTO welcome(contact, body, private, come, created) VALUES(?1, ?2, ?3, ?4, ?5)");
    db_int(q, 1, contact);
    db_blob(q, 2, body);
    db_blob(q, 3, private_part);
    db_int(q, 4, come);
    db_int(q, 5, (int64_t)engine_now());
    (void)db_run(&e->db, q);
    return e->db.err;
}

static enum err fetch(struct engine *e, int64_t id, const struct transfer_ref *t)
{
    int64_t transfer = 0;
    return transfer_get(e->transfers, t, WELCOME_BLOB_MAX, ATTACH_WELCOME, id, &transfer);
}

enum err welcome_get(struct engine *e, struct span body, struct span private_part, struct span ref)
{
    struct transfer_ref t;
    enum err x = read_ref(ref, &t);
    if (x == ERR_OK) x = keep(e, body, private_part, 0, 0);
    if (x == ERR_OK) x = fetch(e, db_last_id(&e->db), &t);
    mem_wipe(&t, sizeof t);
    return x;
}

enum err welcome_hold(struct engine *e, struct span body, struct span private_part, struct span ref, int64_t contact)
{
    struct transfer_ref t;
    enum err x = read_ref(ref, &t);
    mem_wipe(&t, sizeof t);
    return x == ERR_OK ? keep(e, body, private_part, contact, HELD) : x;
}

// The next one that is held: its number, or 0. The buffer holds the introduction.
static int64_t next_held(struct engine *e, int64_t contact, struct buf *body)
{
    int64_t id = 0;
    sqlite3_stmt *q = db_sql(&e->db, "UPDATE welcome SET come = 0 WHERE id = (SELECT min(id) FROM welcome WHERE"
                                     " contact = ?1 AND come = ?2) RETURNING id, body");
    db_int(q, 1, contact);
    db_int(q, 2, HELD);
    if (db_row(&e->db, q)) {
        id = db_get_int(q, 0);
        buf_put(body, db_get(q, 1));
    }
    db_done(q);
    return id;
}

enum err welcome_release(struct engine *e, int64_t contact)
{
    enum err x = ERR_OK;
    for (int64_t id = -1; x == ERR_OK && id != 0;) {
        struct intro i = {0};
        struct transfer_ref t;
        struct buf body;
        buf_init(&body, WIRE_ENTRY_MAX);
        id = next_held(e, contact, &body);
        x = e->db.err;
        if (x == ERR_OK && id != 0) x = intro_decode(buf_span(&body), &i);
        if (x == ERR_OK && id != 0) x = read_ref(i.blob, &t);
        if (x == ERR_OK && id != 0) x = fetch(e, id, &t);
        mem_wipe(&t, sizeof t);
        buf_wipe(&body);
    }
    return x;
}

void welcome_forget(struct engine *e, int64_t contact)
{
    sqlite3_stmt *q = db_sql(&e->db, "DELETE FROM welcome WHERE contact = ?1 AND come = ?2");
    db_int(q, 1, contact);
    db_int(q, 2, HELD);
    (void)db_run(&e->db, q);
}

static enum err come(struct engine *e, int64_t id, int64_t transfer)
{
    sqlite3_stmt *q = db_sql(&e->db, "UPDATE welcome SET come = ?2 WHERE id = ?1");
    db_int(q, 1, id);
    db_int(q, 2, transfer);
    (void)db_run(&e->db, q);
    return e->db.err;
}

enum err welcome_ended(struct engine *e, const struct transfer_info *i)
{
    if (i->kind == TRANSFER_UP) return i->state == TRANSFER_DONE ? sent(e, i->id) : ERR_OK;
    if (i->state == TRANSFER_DONE) return come(e, i->owner, i->id);
    return ERR_OK; // it is tried again with the next start, or by whoever resumes it
}

// The next one that has come: its number, or 0. The buffers hold what it brings.
static int64_t next_come(struct engine *e, int64_t *transfer, bool *held, struct buf *body, struct buf *private_part)
{
    int64_t id = 0;
    e->db.err = ERR_OK;
    sqlite3_stmt *q = db_sql(&e->db, "SELECT id, come, body, private, contact FROM welcome WHERE come > 0 ORDER BY id"
                                     " LIMIT 1");
    if (db_row(&e->db, q)) {
        id = db_get_int(q, 0);
        *transfer = db_get_int(q, 1);
        buf_put(body, db_get(q, 2));
        buf_put(private_part, db_get(q, 3));
        *held = db_get_int(q, 4) != 0;
    }
    db_done(q);
    return buf_end(body) == ERR_OK && buf_end(private_part) == ERR_OK ? id : 0;
}

static void forget(struct engine *e, int64_t id, int64_t transfer)
{
    sqlite3_stmt *q = db_sql(&e->db, "DELETE FROM welcome WHERE id = ?1");
    db_int(q, 1, id);
    (void)db_run(&e->db, q);
    (void)transfer_drop(e->transfers, transfer);
}

// One that has come is joined by, or given up if it cannot be. False: it could not be stored.
static bool join_one(struct engine *e, int64_t id, int64_t transfer, bool held, struct span body,
                     struct span private_part)
{
    struct buf welcome;
    buf_init(&welcome, WELCOME_BLOB_MAX);
    enum err x = transfer_bytes(e->transfers, transfer, &welcome);
    bool stored = inbox_introduced(e, body, private_part, x == ERR_OK ? buf_span(&welcome) : span_of(NULL, 0), held);
    buf_wipe(&welcome);
    if (!stored) return false;
    db_begin(&e->db);
    forget(e, id, transfer);
    x = db_commit(&e->db);
    transfer_settle(e->transfers);
    return x == ERR_OK;
}

void welcome_join(struct engine *e)
{
    bool more = true;
    while (more) {
        int64_t transfer = 0;
        bool held = false;
        struct buf body, private_part;
        buf_init(&body, WIRE_ENTRY_MAX);
        buf_init(&private_part, 16384);
        int64_t id = next_come(e, &transfer, &held, &body, &private_part);
        more = id != 0 && join_one(e, id, transfer, held, buf_span(&body), buf_span(&private_part));
        buf_wipe(&body);
        buf_wipe(&private_part);
    }
}

void welcome_told(struct engine *e, const struct transfer_info *i)
{
    if (i->state != TRANSFER_DONE) return;
    if (i->kind == TRANSFER_DOWN) {
        welcome_join(e);
        return;
    }
    db_begin(&e->db); // the blob stays where it is
    (void)transfer_shed(e->transfers, i->id);
    (void)db_commit(&e->db);
    peer_pump_all(e);
}
