// SPDX-License-Identifier: Apache-2.0
//
// Files of messages: sending, what comes, and what can be done with them. Invariant: a row is made in the transaction of what it is for, a message
// that brings a file is said in the transaction in which its upload has ended, and with a row go its transfers.
#include "files/inner.h"

#include <stdio.h>

enum { KEPT_FREE = 1 << 30 }; // bytes of the disk that files which nobody has asked for leave alone

void files_init(struct files *f, const struct files_host *h, struct transfers *t)
{
    *f = (struct files){.h = *h, .t = t};
}

void files_settle(struct files *f)
{
    if (f->moved) transfer_wake(f->t);
    f->moved = false;
}

// Tells how a file is now.
static void relay_told(void *arg, const struct files_info *i)
{
    struct files *f = arg;
    f->h.told(f->h.arg, FILES_CHANGED, i);
}

static void tell(struct files *f, int64_t id)
{
    struct entry *e = NULL;
    f->h.db->err = ERR_OK;
    if (entry_load(f, id, &e) != ERR_OK) return;
    (void)entry_tell(f, e, relay_told, f);
    entry_free(e);
}

// ------------------------------------------------------------------------------------------------------------- sending

// The content that is kept until it is known where the file lies; `a` is filled in with what is known.
static enum err make_content(const struct files_new *n, struct attach *a, struct buf *out, const char **why)
{
    static const uint8_t no_salt[CONTENT_SALT];
    uint8_t memory[ATTACH_MEMORY];
    char name[NAME_MAX_BYTES + 1];
    const char *base = n->path == NULL ? "file" : strrchr(n->path, '/') == NULL ? n->path : strrchr(n->path, '/') + 1;
    struct content *c = mem_new(sizeof *c);
    if (c == NULL) return ERR_MEMORY;
    name_clean(n->name.n > 0 ? n->name : span_str(base), name);
    a->name = span_str(name);
    a->type = n->type.n > 0 ? n->type : span_str(type_of(name));
    a->text = n->text;
    a->media = n->media;
    a->relay = span_str(n->relay);
    content_init(c, no_salt, CONTENT_RENDER, "", span_of(NULL, 0));
    c->replies = n->answers != NULL;
    if (c->replies) memcpy(c->replied, n->answers, CONTENT_ID);
    c->expires = c->expires_after_reading = n->lives > 0;
    c->expires_at = n->lives;
    enum err x = attach_fill(a, memory, c);
    if (x == ERR_OK) x = content_encode(c, out);
    if (x == ERR_LIMIT)
        *why = "what is said with the file and its small picture are too long for a message: at most 48 KiB";
    if (x == ERR_INVALID)
        *why = "what was said of the file is not possible: its type is like image/png, a small picture has 24 KiB at "
               "most, a"
               " waveform 256 bytes";
    mem_free_wiped(c, sizeof *c);
    return x;
}

static enum err begin(struct files *f, const struct files_new *n, int64_t id, int64_t *up, uint64_t *size,
                      const char **why)
{
    const struct transfer_to to = {.relay = n->relay, .other = n->other, .use = f->h.use, .owner = id};
    if (n->path != NULL) return transfer_send(f->t, n->path, &to, up, why);
    *why = "there is no such upload: it was sent or given up already, or the engine was begun anew since";
    return transfer_send_draft(f->t, n->draft, &to, up, size);
}

static void note_size(void *arg, const struct transfer_info *i) { *(uint64_t *)arg = i->size; }

enum err files_send(struct files *f, const struct files_new *n, int64_t *id, const char **why)
{
    f->moved = true;
    struct entry *e = mem_new(sizeof *e);
    struct buf content;
    if (e == NULL) return ERR_MEMORY;
    buf_init(&content, CONTENT_MESSAGE_MAX);
    e->chat = n->chat;
    enum err x = make_content(n, &e->attach, &content, why);
    if (x == ERR_OK) {
        *id = entry_add(f, e, buf_span(&content));
        x = f->h.db->err;
    }
    if (x == ERR_OK) x = begin(f, n, *id, &e->up, &e->attach.size, why);
    if (x == ERR_OK) x = transfer_look(f->t, e->up, note_size, &e->attach.size);
    if (x == ERR_OK) {
        sqlite3_stmt *q = db_sql(f->h.db, "UPDATE file SET up = ?2, size = ?3 WHERE id = ?1");
        db_int(q, 1, *id);
        db_int(q, 2, e->up);
        db_int(q, 3, (int64_t)e->attach.size);
        (void)db_run(f->h.db, q);
        x = f->h.db->err;
    }
    buf_wipe(&content);
    mem_free_wiped(e, sizeof *e);
    return x;
}

// It lies at the relay: it is said.
static enum err say(struct files *f, const struct transfer_info *i, struct entry *e)
{
    uint8_t memory[ATTACH_MEMORY];
    int64_t message = 0;
    struct attach *a = &e->attach;
    a->relay = span_str(i->ref->relay);
    memcpy(a->blob, i->ref->blob, ATTACH_BLOB);
    memcpy(a->digest, i->ref->digest, FILE_DIGEST);
    a->key = i->ref->key;
    a->size = i->ref->size;
    a->expires = i->ref->expires < UINT32_MAX ? (uint32_t)i->ref->expires : 0;
    enum err x = attach_fill(a, memory, &e->content);
    if (x == ERR_OK) x = f->h.say(f->h.arg, e->chat, &e->content, &message);
    mem_wipe(memory, sizeof memory);
    if (x == ERR_OK) entry_said(f, e->id, message);
    if (x != ERR_REFUSED && x != ERR_NOT_FOUND) return x == ERR_OK ? f->h.db->err : x;
    entry_failed(f, e->id, "you are no longer in this conversation: the file was not sent");
    return f->h.db->err;
}

enum err files_ended(struct files *f, const struct transfer_info *i)
{
    struct entry *e = NULL;
    if (i->kind != TRANSFER_UP || i->state != TRANSFER_DONE) return ERR_OK;
    enum err x = entry_load(f, i->owner, &e);
    if (x == ERR_NOT_FOUND) return ERR_OK; // given up
    if (x == ERR_OK && e->message == 0) x = say(f, i, e);
    entry_free(e);
    return x;
}

struct saving {
    struct files *f;
    const struct transfer_info *i;
};

static void tell_saved(void *arg, const struct files_info *i)
{
    const struct saving *s = arg;
    struct files_info told = *i;
    told.state = s->i->state == TRANSFER_DONE     ? FILES_HERE
                 : s->i->state == TRANSFER_FAILED ? FILES_FAILED
                                                  : FILES_FETCHING;
    told.done = s->i->done;
    told.why = s->i->why;
    told.path = s->i->path;
    s->f->h.told(s->f->h.arg, FILES_SAVED, &told);
}

void files_told(struct files *f, const struct transfer_info *i)
{
    struct entry *e = NULL;
    const struct saving s = {f, i};
    if (i->kind != TRANSFER_SAVE) {
        tell(f, i->owner);
        return;
    }
    f->h.db->err = ERR_OK;
    if (entry_load(f, i->owner, &e) != ERR_OK) return;
    (void)entry_tell(f, e, tell_saved, (void *)(uintptr_t)&s);
    entry_free(e);
}

// ---------------------------------------------------------------------------------------------------------- what comes

static void make_ref(const struct attach *a, struct transfer_ref *out)
{
    *out = (struct transfer_ref){.key = a->key, .size = a->size, .expires = a->expires};
    (void)snprintf(out->relay, sizeof out->relay, "%.*s", (int)a->relay.n, (const char *)a->relay.p);
    memcpy(out->blob, a->blob, sizeof out->blob);
    memcpy(out->digest, a->digest, FILE_DIGEST);
}

static enum err get(struct files *f, int64_t id, const struct attach *a)
{
    struct transfer_ref ref; /* secret */
    int64_t down = 0;
    f->moved = true;
    make_ref(a, &ref);
    enum err x = transfer_get(f->t, &ref, FILE_MAX, f->h.use, id, &down);
    mem_wipe(&ref, sizeof ref);
    if (x == ERR_OK) entry_set_down(f, id, down);
    return x;
}

static bool unasked(struct files *f, const struct files_come *n, const struct attach *a)
{
    bool near = false;
    for (size_t i = 0; i < 2; i++) near = near || (n->near[i] != NULL && span_eq(a->relay, span_str(n->near[i])));
    uint64_t most = files_policy(f);
    if (!n->trusted || !near || most == 0 || a->size > most) return false;
    return transfer_free(f->t) >= a->size + KEPT_FREE; // nobody else fills this disk
}

void files_take(struct files *f, const struct files_come *n)
{
    struct entry *e = mem_new(sizeof *e);
    enum err x = e == NULL ? ERR_MEMORY : ERR_OK;
    if (x == ERR_OK && content_decode(n->content, &e->content) == ERR_OK &&
        attach_read(&e->content, &e->attach) == ERR_OK) {
        e->chat = n->chat;
        e->message = n->message;
        e->sender = n->sender;
        int64_t id = entry_add(f, e, span_of(NULL, 0));
        if (unasked(f, n, &e->attach)) x = get(f, id, &e->attach);
    }
    entry_free(e);
    if (x != ERR_OK && f->h.db->err == ERR_OK) f->h.db->err = x;
}

void files_gone(struct files *f, int64_t message)
{
    int64_t id = 0, sender = 0;
    sqlite3_stmt *q = db_sql(f->h.db, "SELECT id, sender FROM file WHERE message = ?1 AND message != 0");
    db_int(q, 1, message);
    if (db_row(f->h.db, q)) {
        id = db_get_int(q, 0);
        sender = db_get_int(q, 1);
    }
    db_done(q);
    f->moved = f->moved || id != 0;
    if (id != 0) entry_drop(f, id, sender == 0);
}

void files_chat_gone(struct files *f, int64_t chat)
{
    int64_t id = 1;
    while (id != 0 && f->h.db->err == ERR_OK) {
        bool said = false;
        sqlite3_stmt *q = db_sql(f->h.db, "SELECT id, message FROM file WHERE chat = ?1 ORDER BY id LIMIT 1");
        db_int(q, 1, chat);
        id = db_row(f->h.db, q) ? db_get_int(q, 0) : 0;
        if (id != 0) said = db_get_int(q, 1) != 0;
        db_done(q);
        if (id != 0) entry_drop(f, id, !said);
        f->moved = f->moved || id != 0;
    }
}

// ------------------------------------------------------------------------------------------------------------- asked for

static void note_transfer(void *arg, const struct transfer_info *i)
{
    struct transfer_info *out = arg;
    *out = (struct transfer_info){.id = i->id, .state = i->state, .here = i->here};
}

// A transfer of its, if there is one; else all is 0.
static struct transfer_info look(struct files *f, int64_t transfer)
{
    struct transfer_info i = {0};
    if (transfer != 0 && transfer_look(f->t, transfer, note_transfer, &i) != ERR_OK) i = (struct transfer_info){0};
    return i;
}

// The transfer that has the file here; 0: none.
static int64_t holder(struct files *f, const struct entry *e)
{
    return look(f, e->down).here ? e->down : look(f, e->up).here ? e->up : 0;
}

// The one that moves it.
static int64_t mover(const struct entry *e) { return e->down != 0 ? e->down : e->message == 0 ? e->up : 0; }

static enum err load(struct files *f, int64_t id, struct entry **out)
{
    f->h.db->err = ERR_OK;
    return entry_load(f, id, out);
}

enum err files_fetch(struct files *f, int64_t id)
{
    struct entry *e = NULL;
    enum err x = load(f, id, &e);
    if (x != ERR_OK) return x;
    if (e->message == 0 || e->attach.relay.n == 0) x = ERR_REFUSED;
    struct transfer_info down = look(f, e->down);
    bool here = holder(f, e) != 0, halted = down.state == TRANSFER_PAUSED || down.state == TRANSFER_FAILED;
    if (x == ERR_OK && halted) {
        x = transfer_resume(f->t, down.id);
    } else if (x == ERR_OK && !here && down.id == 0) {
        db_begin(f->h.db);
        x = get(f, id, &e->attach);
        if (x == ERR_OK) x = db_commit(f->h.db);
        else db_rollback(f->h.db);
        if (x == ERR_OK) files_settle(f);
        if (x == ERR_OK) tell(f, id);
    }
    entry_free(e);
    return x;
}

static enum err halt(struct files *f, int64_t id, enum err (*fn)(struct transfers *t, int64_t id))
{
    struct entry *e = NULL;
    enum err x = load(f, id, &e);
    if (x != ERR_OK) return x;
    int64_t transfer = mover(e);
    x = transfer == 0 ? ERR_REFUSED : fn(f->t, transfer);
    entry_free(e);
    return x;
}

enum err files_pause(struct files *f, int64_t id) { return halt(f, id, transfer_pause); }
enum err files_resume(struct files *f, int64_t id) { return halt(f, id, transfer_resume); }

// What is here of a file goes. Within a transaction.
static enum err forget(struct files *f, const struct entry *e)
{
    enum err x = e->down == 0 ? ERR_OK : transfer_drop(f->t, e->down);
    if (x == ERR_NOT_FOUND) x = ERR_OK;
    if (x == ERR_OK && e->down != 0) entry_set_down(f, e->id, 0);
    if (x == ERR_OK && look(f, e->up).here) x = transfer_shed(f->t, e->up);
    return x == ERR_OK ? f->h.db->err : x;
}

enum err files_cancel(struct files *f, int64_t id)
{
    struct entry *e = NULL;
    enum err x = load(f, id, &e);
    if (x != ERR_OK) return x;
    bool unsaid = e->message == 0;
    db_begin(f->h.db);
    if (unsaid) entry_drop(f, id, true);
    else x = forget(f, e);
    if (x == ERR_OK) x = db_commit(f->h.db);
    else db_rollback(f->h.db);
    f->moved = true;
    files_settle(f);
    if (x == ERR_OK && unsaid) {
        const struct files_info gone = {.id = id, .chat = e->chat, .why = "", .path = "", .name = e->name};
        f->h.told(f->h.arg, FILES_GONE, &gone);
    } else if (x == ERR_OK) {
        tell(f, id);
    }
    entry_free(e);
    return x;
}

enum err files_save(struct files *f, int64_t id, const char *path, bool over, const char **why)
{
    struct entry *e = NULL;
    *why = "there is no such file";
    enum err x = load(f, id, &e);
    if (x != ERR_OK) return x;
    x = transfer_save(f->t, holder(f, e), path, e->name, over, why);
    if (x == ERR_NOT_FOUND) {
        *why = "the file is not here yet: fetch it first";
        x = ERR_REFUSED;
    }
    entry_free(e);
    return x;
}

enum err files_read(struct files *f, int64_t id, struct transfer_reader **out)
{
    struct entry *e = NULL;
    enum err x = load(f, id, &e);
    if (x != ERR_OK) return x;
    int64_t transfer = holder(f, e);
    x = transfer == 0 ? ERR_REFUSED : transfer_reader_new(f->t, transfer, out);
    entry_free(e);
    return x;
}

// -------------------------------------------------------------------------------------------------------------- clearing

// The numbers of files that may have something here, up to a bound.
static size_t kept(struct files *f, int64_t chat, int64_t after, int64_t *out, size_t room)
{
    size_t n = 0;
    sqlite3_stmt *q = db_sql(f->h.db, "SELECT id FROM file WHERE message != 0 AND (up != 0 OR down != 0) AND id > ?1"
                                      " AND (?2 = 0 OR chat = ?2) ORDER BY id LIMIT ?3");
    db_int(q, 1, after);
    db_int(q, 2, chat);
    db_int(q, 3, (int64_t)room);
    while (n < room && db_row(f->h.db, q)) out[n++] = db_get_int(q, 0);
    db_done(q);
    return n;
}

static enum err clear_one(struct files *f, int64_t id, uint64_t *freed)
{
    struct entry *e = NULL;
    enum err x = entry_load(f, id, &e);
    if (x == ERR_OK && holder(f, e) != 0) {
        x = forget(f, e);
        if (x == ERR_OK) *freed += e->attach.size;
    }
    entry_free(e);
    return x;
}

enum err files_clear(struct files *f, int64_t chat, uint64_t *freed)
{
    enum { STEP = 256 };
    int64_t ids[STEP], last = 0;
    size_t n = 0;
    enum err x = ERR_OK;
    *freed = 0;
    db_begin(f->h.db);
    do {
        n = kept(f, chat, last, ids, STEP);
        for (size_t i = 0; x == ERR_OK && i < n; i++) x = clear_one(f, ids[i], freed);
        if (n > 0) last = ids[n - 1];
    } while (x == ERR_OK && n == STEP);
    if (x == ERR_OK) x = db_commit(f->h.db);
    else db_rollback(f->h.db);
    if (x != ERR_OK) *freed = 0;
    f->moved = true;
    files_settle(f);
    return x;
}
