// SPDX-License-Identifier: Apache-2.0
//
// Files of the engine: which links transfers may use, what is said when a file has been sent, and what it is for that a transfer has ended. Invariant:
// what follows from an end is stored in the transaction that stores the end.
#include "client/file.h"
#include "client/inner.h"

#include <stdio.h>
#include <sys/stat.h>

enum { FOLDER_ROOM = TRANSFER_PATH_MAX };

struct files *engine_files(struct engine *e) { return &e->files; }
struct transfers *engine_transfers(struct engine *e) { return e->transfers; }

// ------------------------------------------------------------------------------------------------------------ transfers

static struct link *link_to(void *arg, const char *relay)
{
    struct engine *e = arg;
    struct peer *p = e->closing ? NULL : e->peers;
    while (p != NULL && (p->circuit != 0 || strcmp(p->relay, relay) != 0)) p = p->next;
    if (p != NULL && !p->strangers) return p->ready ? p->link : NULL;
    p = e->closing ? NULL : peer_get(e, relay);
    if (p != NULL) peer_open(p);
    return NULL;
}

static enum err on_ended(void *arg, const struct transfer_info *i)
{
    struct engine *e = arg;
    return i->use == ATTACH_FILE ? files_ended(&e->files, i) : welcome_ended(e, i);
}

static void note_message(void *arg, const struct files_info *i)
{
    struct engine_event *told = arg;
    told->chat = i->chat;
    told->message = i->message;
}

// A file that has been sent has become a message, which waits to be sent now.
static void tell_sent(struct engine *e, int64_t file)
{
    struct engine_event told = {.kind = ENGINE_MESSAGE};
    if (files_look(&e->files, file, note_message, &told) != ERR_OK || told.message == 0) return;
    struct chat *c = chat_find(e, told.chat);
    engine_tell(e, told);
    if (c != NULL) peer_pump(c->peer);
}

static void on_told(void *arg, const struct transfer_info *i)
{
    struct engine *e = arg;
    if (i->use == ATTACH_WELCOME) welcome_told(e, i);
    if (i->use != ATTACH_FILE) return;
    bool sent = i->kind == TRANSFER_UP && i->state == TRANSFER_DONE;
    int64_t file = i->owner;
    files_told(&e->files, i);
    if (sent) tell_sent(e, file);
}

// --------------------------------------------------------------------------------------------------------------- files

// Within a transaction.
static enum err say_file(void *arg, int64_t chat, struct content *content, int64_t *message)
{
    struct engine *e = arg;
    struct chat *c = chat_find(e, chat);
    struct buf b;
    if (c == NULL) return ERR_NOT_FOUND;
    buf_init(&b, CONTENT_MESSAGE_MAX);
    enum err x = e->world.random(e->world.arg, content->salt, CONTENT_SALT);
    say_ends(e, chat, content, content->expires ? content->expires_at : 0);
    if (x == ERR_OK) x = content_encode(content, &b);
    if (x == ERR_OK) x = say_put(c, buf_span(&b), message);
    buf_wipe(&b);
    return x;
}

static void on_file(void *arg, enum files_event what, const struct files_info *i)
{
    static const enum engine_event_kind kinds[] = {ENGINE_FILE, ENGINE_FILE_SAVED, ENGINE_FILE_GONE};
    struct engine *e = arg;
    engine_tell(e, (struct engine_event){.kind = kinds[what], .chat = i->chat, .message = i->message, .file = i});
}

enum err attach_open(struct engine *e, const char *folder)
{
    char files[FOLDER_ROOM];
    int n = snprintf(files, sizeof files, "%s/files", folder);
    if (n < 0 || (size_t)n >= sizeof files) return ERR_LIMIT;
    const struct transfer_host h = {.loop = e->loop,
                                    .db = &e->db,
                                    .crypto = e->crypto,
                                    .world = e->world,
                                    .folder = files,
                                    .arg = e,
                                    .link = link_to,
                                    .ended = on_ended,
                                    .told = on_told};
    enum err x = transfer_open(&h, &e->transfers);
    if (x != ERR_OK) return x;
    const struct files_host host = {
        .db = &e->db, .world = e->world, .use = ATTACH_FILE, .arg = e, .say = say_file, .told = on_file};
    files_init(&e->files, &host, e->transfers);
    return ERR_OK;
}

void attach_take(struct chat *c, int64_t message, int64_t sender, struct span content)
{
    const struct files_come n = {.chat = c->id,
                                 .message = message,
                                 .sender = sender,
                                 .content = content,
                                 .trusted = c->state == CHAT_OPEN,
                                 .near = {c->peer->relay, c->e->self.relay}};
    files_take(&c->e->files, &n);
}

void attach_gone(void *engine, int64_t message)
{
    struct engine *e = engine;
    files_gone(&e->files, message);
}

// ------------------------------------------------------------------------------------------------------------- sending

static void note_size(void *arg, const struct files_info *i) { *(uint64_t *)arg = i->attach.size; }

// What is known to be too large is refused at once.
static enum err check_size(struct engine *e, const struct peer *p, int64_t file, const char **why)
{
    uint64_t size = 0;
    enum err x = files_look(&e->files, file, note_size, &size);
    if (x != ERR_OK || !p->ready || file_sealed_size(size) <= link_limits(p->link)->blob) return x;
    (void)snprintf(e->why, sizeof e->why, "the file has %.1f MB, and the relay takes files up to %.1f MB",
                   (double)size / 1e6, (double)link_limits(p->link)->blob / 1e6);
    *why = e->why;
    return ERR_LIMIT;
}

static void note_mimi(void *arg, const struct history_message *m)
{
    if (m->mimi != NULL && m->kind < HISTORY_REACTION && (m->flags & HISTORY_DELETED) == 0)
        memcpy(arg, m->mimi, CONTENT_ID);
}

// The id of the message that it answers.
static enum err find_answered(struct engine *e, const struct engine_file *f, uint8_t id[CONTENT_ID])
{
    static const uint8_t none[CONTENT_ID];
    memset(id, 0, CONTENT_ID);
    enum err x = f->answers == 0 ? ERR_OK : history_get(&e->history, f->chat, f->answers, note_mimi, id);
    return x == ERR_OK && f->answers != 0 && memcmp(id, none, CONTENT_ID) == 0 ? ERR_NOT_FOUND : x;
}

enum err engine_file_send(struct engine *e, const struct engine_file *f, int64_t *file, const char **why)
{
    uint8_t answered[CONTENT_ID];
    struct chat *c = chat_find(e, f->chat);
    *why = c == NULL ? "there is no such conversation"
                     : "nothing can be said here: you are no longer in this conversation";
    if (c == NULL) return ERR_NOT_FOUND;
    if (chat_over(c)) return ERR_REFUSED;
    if (engine_is_held(e, f->chat)) return ERR_UNAUTHENTICATED;
    *why = "there is no such message to answer";
    enum err x = find_answered(e, f, answered);
    if (x != ERR_OK) return x;
    const struct files_new n = {.chat = f->chat,
                                .answers = f->answers != 0 ? answered : NULL,
                                .lives = f->lives,
                                .path = f->path,
                                .draft = f->draft,
                                .relay = c->peer->relay,
                                .other = e->self.relay,
                                .name = f->name,
                                .type = f->type,
                                .text = f->text,
                                .media = f->media};
    *why = "the file cannot be noted: is the disk full?";
    db_begin(&e->db);
    x = files_send(&e->files, &n, file, why);
    if (x == ERR_OK) x = check_size(e, c->peer, *file, why);
    if (x == ERR_OK) x = db_commit(&e->db);
    else db_rollback(&e->db);
    files_settle(&e->files);
    return x;
}

// ------------------------------------------------------------------------------------------------------------- storage

static uint64_t size_of(const char *path, const char *ending)
{
    char text[FOLDER_ROOM];
    struct stat st;
    (void)snprintf(text, sizeof text, "%s%s", path, ending);
    return stat(text, &st) == 0 ? (uint64_t)st.st_size : 0;
}

void engine_storage(struct engine *e, struct engine_storage *out)
{
    const char *vault = sqlite3_db_filename(e->db.h, "main");
    e->db.err = ERR_OK;
    *out = (struct engine_storage){.files = transfer_stored(e->transfers),
                                   .free = transfer_free(e->transfers),
                                   .unasked = files_policy(&e->files)};
    if (vault == NULL) return;
    out->vault = size_of(vault, "") + size_of(vault, "-wal");
}
