// SPDX-License-Identifier: Apache-2.0
//
// Saying something, and what the outside asks of conversations. A message is durable before it is encrypted, and encrypted when its turn
// has come, so that whoever is being added before it can read it.
#include "client/inner.h"

#include "content/content.h"

#include <stdio.h>

// ------------------------------------------------------------------------------------------------------------ encrypting

static enum err protect(struct chat *c, int64_t work, struct span content)
{
    struct engine *e = c->e;
    struct mls_buf message = {0};
    struct buf data;
    const struct said s = {.seen = c->cursor, .chain = c->chain, .content = content};
    buf_init(&data, CONTENT_MESSAGE_MAX + 200);
    said_encode(&s, &data);
    enum err x = buf_end(&data);
    if (x == ERR_OK) x = from_mls(mls_group_protect(c->mls, out_span(buf_span(&data)), (struct mls_span){0}, &message));
    if (x == ERR_OK) {
        sqlite3_stmt *q = db_sql(&e->db, "UPDATE work SET payload = ?2, epoch = ?3 WHERE id = ?1");
        db_int(q, 1, work);
        db_blob(q, 2, buf_of(&message));
        db_int(q, 3, (int64_t)c->log_epoch);
        (void)db_run(&e->db, q);
        x = e->db.err;
    }
    mls_buf_free(&message);
    buf_wipe(&data);
    return x;
}

// One message, if it is not encrypted for this epoch yet. *touched: the chat whose group has moved on.
static enum err prepare_one(struct engine *e, int64_t id, struct chat **touched)
{
    struct buf content;
    struct chat *c = NULL;
    enum err x = ERR_OK;
    buf_init(&content, CONTENT_MESSAGE_MAX);
    sqlite3_stmt *q = db_sql(&e->db, "SELECT w.chat, w.epoch, w.payload = x'', coalesce(m.content, w.what) FROM work w"
                                     " LEFT JOIN message m ON m.id = w.message WHERE w.id = ?1");
    db_int(q, 1, id);
    if (db_row(&e->db, q)) {
        c = chat_find(e, db_get_int(q, 0));
        bool ready = c != NULL && db_get_int(q, 2) == 0 && (uint64_t)db_get_int(q, 1) == c->log_epoch;
        if (c != NULL && (ready || !c->caught_up || c->state == CHAT_LEFT || chat_group(c) == NULL)) c = NULL;
        if (c != NULL) buf_put(&content, db_get(q, 3));
    }
    db_done(q);
    if (c != NULL) x = buf_end(&content);
    if (c != NULL && x == ERR_OK) x = protect(c, id, buf_span(&content));
    buf_wipe(&content);
    *touched = c;
    return x;
}

void say_prepare(struct peer *p, const int64_t *ids, size_t n)
{
    struct engine *e = p->e;
    struct chat *touched[256], *c;
    size_t chats = 0;
    enum err x = ERR_OK;
    db_begin(&e->db);
    for (size_t i = 0; x == ERR_OK && i < n && i < 256; i++) {
        size_t k = 0;
        x = prepare_one(e, ids[i], &c);
        while (k < chats && touched[k] != c) k++;
        if (c != NULL && k == chats) touched[chats++] = c;
    }
    for (size_t k = 0; x == ERR_OK && k < chats; k++) x = chat_save(touched[k]);
    if (x == ERR_OK) x = db_commit(&e->db);
    else db_rollback(&e->db);
    for (size_t k = 0; k < chats; k++) {
        if (x == ERR_OK) chat_saved(touched[k]);
        else chat_drop_group(touched[k]); // no key is used that was not stored as used
    }
}

// ---------------------------------------------------------------------------------------------------------------- saying

static enum err text_content(struct engine *e, enum content_disposition disposition, const char *type, struct span body,
                             struct buf *out)
{
    uint8_t salt[CONTENT_SALT];
    struct content *c = mem_new(sizeof *c);
    if (c == NULL) return ERR_MEMORY;
    enum err x = e->world.random(e->world.arg, salt, sizeof salt);
    if (x == ERR_OK) {
        content_init(c, salt, disposition, type, body);
        x = content_encode(c, out);
    }
    mem_free_wiped(c, sizeof *c);
    return x;
}

enum err say_card(struct chat *c)
{
    struct buf invite, content;
    buf_init(&invite, FORMAT_LINK_MAX);
    buf_init(&content, (size_t)2 * FORMAT_LINK_MAX);
    enum err x = inbox_invite(c->e, INVITE_PERSONAL, span_of(NULL, 0), &invite);
    if (x == ERR_OK) x = text_content(c->e, CONTENT_PROFILE, CARD_TYPE, buf_span(&invite), &content);
    if (x == ERR_OK) {
        (void)work_add(
            c->e, &(struct work){.kind = WORK_SAY, .relay = c->peer->relay, .chat = c->id, .what = buf_span(&content)});
        x = c->e->db.err;
    }
    buf_wipe(&invite);
    buf_wipe(&content);
    return x;
}

void say_forget(struct engine *e, int64_t chat, struct span content, int64_t sender)
{
    struct content *c = mem_new(sizeof *c), *nothing = mem_new(sizeof *nothing);
    struct buf b;
    buf_init(&b, 1000);
    bool deletes = c != NULL && nothing != NULL && content_decode(content, c) == ERR_OK && c->replaces &&
                   c->part_count == 1 && c->parts[0].cardinality == CONTENT_NULL;
    if (deletes) {
        content_init(nothing, c->salt, CONTENT_RENDER, "", span_of(NULL, 0));
        nothing->parts[0] = (struct content_part){.disposition = CONTENT_RENDER, .cardinality = CONTENT_NULL};
    }
    if (deletes && content_encode(nothing, &b) == ERR_OK) {
        sqlite3_stmt *q =
            db_sql(&e->db, "UPDATE message SET content = ?4 WHERE chat = ?1 AND mimi = ?2 AND sender = ?3");
        db_int(q, 1, chat);
        db_blob(q, 2, span_of(c->replaced, CONTENT_ID));
        db_int(q, 3, sender);
        db_blob(q, 4, buf_span(&b));
        (void)db_run(&e->db, q);
    }
    buf_wipe(&b);
    mem_free_wiped(c, sizeof *c);
    mem_free_wiped(nothing, sizeof *nothing);
}

enum err engine_say(struct engine *e, int64_t chat, struct span content, int64_t *message)
{
    struct chat *c = chat_find(e, chat);
    struct content *decoded = mem_new(sizeof *decoded);
    uint8_t id[CONTENT_ID];
    char account[2 * FORMAT_ID + 1];
    if (decoded == NULL) return ERR_MEMORY;
    enum err x = c == NULL                                    ? ERR_NOT_FOUND
                 : c->state == CHAT_LEFT                      ? ERR_REFUSED
                 : content_decode(content, decoded) == ERR_OK ? ERR_OK
                                                              : ERR_INVALID;
    mem_free_wiped(decoded, sizeof *decoded);
    if (x == ERR_OK && chat_group(c) == NULL) x = ERR_CORRUPT;
    if (x != ERR_OK) return x;
    for (size_t i = 0; i < FORMAT_ID; i++) (void)snprintf(account + 2 * i, 3, "%02x", e->self.account[i]);
    x = content_id(e->crypto, span_str(account), in_span(mls_group_id(c->mls)), content, id);
    if (x != ERR_OK) return x;
    db_begin(&e->db);
    sqlite3_stmt *q = db_sql(
        &e->db, "INSERT INTO message(chat, seq, mimi, sender, time, state, content) VALUES(?1, 0, ?2, 0, ?3, ?4, ?5)");
    db_int(q, 1, chat);
    db_blob(q, 2, span_of(id, CONTENT_ID));
    db_int(q, 3, (int64_t)engine_now());
    db_int(q, 4, MESSAGE_QUEUED);
    db_blob(q, 5, content);
    (void)db_run(&e->db, q);
    *message = db_last_id(&e->db);
    say_forget(e, chat, content, 0);
    (void)work_add(e, &(struct work){.kind = WORK_SAY, .relay = c->peer->relay, .chat = chat, .message = *message});
    x = db_commit(&e->db);
    if (x == ERR_OK) peer_pump(c->peer);
    return x;
}

enum err engine_say_text(struct engine *e, int64_t chat, struct span text, int64_t *message)
{
    struct buf b;
    buf_init(&b, CONTENT_MESSAGE_MAX);
    enum err x = text_content(e, CONTENT_RENDER, CONTENT_TYPE_MARKDOWN, text, &b);
    if (x == ERR_OK) x = engine_say(e, chat, buf_span(&b), message);
    buf_wipe(&b);
    return x;
}

static void fill_act(struct content *c, enum engine_act act, const uint8_t about[CONTENT_ID],
                     const uint8_t salt[CONTENT_SALT], struct span text)
{
    bool replaces = act == ENGINE_EDIT || act == ENGINE_DELETE;
    content_init(c, salt, act == ENGINE_REACT ? CONTENT_REACTION : CONTENT_RENDER,
                 act == ENGINE_REACT ? CONTENT_TYPE_PLAIN : CONTENT_TYPE_MARKDOWN, text);
    if (act == ENGINE_DELETE)
        c->parts[0] = (struct content_part){.disposition = CONTENT_RENDER, .cardinality = CONTENT_NULL};
    c->replaces = replaces;
    c->replies = !replaces;
    memcpy(replaces ? c->replaced : c->replied, about, CONTENT_ID);
}

enum err engine_act(struct engine *e, int64_t chat, int64_t about, enum engine_act act, struct span text,
                    int64_t *message)
{
    uint8_t salt[CONTENT_SALT], id[CONTENT_ID];
    struct buf b;
    e->db.err = ERR_OK;
    sqlite3_stmt *q = db_sql(&e->db, "SELECT mimi, sender FROM message WHERE id = ?1 AND chat = ?2");
    db_int(q, 1, about);
    db_int(q, 2, chat);
    bool found = db_row(&e->db, q) && db_get_fixed(&e->db, q, 0, id, CONTENT_ID);
    bool own = found && db_get_int(q, 1) == 0;
    db_done(q);
    if (!found) return e->db.err != ERR_OK ? e->db.err : ERR_NOT_FOUND;
    if (!own && (act == ENGINE_EDIT || act == ENGINE_DELETE)) return ERR_REFUSED;
    struct content *c = mem_new(sizeof *c);
    if (c == NULL) return ERR_MEMORY;
    buf_init(&b, CONTENT_MESSAGE_MAX);
    enum err x = e->world.random(e->world.arg, salt, sizeof salt);
    if (x == ERR_OK) {
        fill_act(c, act, id, salt, text);
        x = content_encode(c, &b);
    }
    if (x == ERR_OK) x = engine_say(e, chat, buf_span(&b), message);
    buf_wipe(&b);
    mem_free_wiped(c, sizeof *c);
    return x;
}

// ------------------------------------------------------------------------------------------------------------- beginning

static enum err begin(struct engine *e, enum room_kind kind, struct span name, const int64_t *contacts, size_t n,
                      int64_t *chat)
{
    struct chat *c = NULL;
    db_begin(&e->db);
    enum err x = chat_new(e, kind, name, contacts, n, &c);
    if (x == ERR_OK) x = db_commit(&e->db);
    else db_rollback(&e->db);
    if (x != ERR_OK) return x;
    chat_saved(c);
    *chat = c->id;
    engine_tell(e, (struct engine_event){.kind = ENGINE_CHAT, .chat = c->id, .contact = c->contact});
    peer_pump_all(e);
    return ERR_OK;
}

enum err engine_accept(struct engine *e, struct span link, int64_t *contact, const char **why)
{
    struct buf bytes;
    struct invite i;
    int64_t chat = 0;
    *why = "this is no invitation; copy all of the link, to its end";
    buf_init(&bytes, FORMAT_LINK_MAX);
    enum err x = invite_from_link(link, &bytes);
    if (x == ERR_OK) x = invite_decode(buf_span(&bytes), &i);
    if (x == ERR_UNSUPPORTED) *why = "this invitation is of a newer version of Whimbrel";
    if (x != ERR_OK) x = ERR_INVALID;
    if (x == ERR_OK && memcmp(i.account, e->self.account, FORMAT_ID) == 0) {
        *why = "this invitation is your own";
        x = ERR_REFUSED;
    }
    if (x == ERR_OK) {
        char relay[RELAY_ROOM];
        (void)snprintf(relay, sizeof relay, "%.*s", (int)i.relay.n, (const char *)i.relay.p);
        if (peer_get(e, relay) == NULL) {
            *why = "the relay that this invitation names has no address";
            x = ERR_INVALID;
        }
    }
    if (x == ERR_OK) {
        db_begin(&e->db);
        *contact = contact_put(e, i.account, i.name, buf_span(&bytes), CONTACT_KNOWN);
        x = db_commit(&e->db);
    }
    buf_wipe(&bytes);
    for (struct chat *c = e->chats; x == ERR_OK && c != NULL; c = c->next) {
        if (c->kind != ROOM_DIRECT || c->contact != *contact) continue;
        *why = "this is a contact of yours already";
        x = ERR_REFUSED;
    }
    return x == ERR_OK ? begin(e, ROOM_DIRECT, span_of(NULL, 0), contact, 1, &chat) : x;
}

enum err engine_group(struct engine *e, struct span name, const int64_t *contacts, size_t n, int64_t *chat)
{
    return begin(e, ROOM_GROUP, name, contacts, n, chat);
}

// --------------------------------------------------------------------------------------------------------------- looking

enum err engine_chats(struct engine *e, void (*each)(void *arg, const struct engine_chat *c), void *arg)
{
    e->db.err = ERR_OK;
    for (struct chat *c = e->chats; c != NULL; c = c->next) {
        struct room room;
        struct engine_chat out = {
            .id = c->id, .contact = c->contact, .kind = (enum room_kind)c->kind, .state = (enum chat_state)c->state};
        if (chat_room(c, &room) == ERR_OK) {
            out.name = room.name;
            out.members = mls_group_member_count(c->mls);
            out.epoch = mls_group_epoch(c->mls);
        }
        each(arg, &out);
    }
    return e->db.err;
}

enum err engine_messages(struct engine *e, int64_t chat, int64_t after, uint32_t limit,
                         void (*each)(void *arg, const struct engine_message *m), void *arg)
{
    if (chat_find(e, chat) == NULL) return ERR_NOT_FOUND;
    e->db.err = ERR_OK;
    sqlite3_stmt *q =
        db_sql(&e->db,
               "SELECT id, sender, seq, time, state, mimi, content FROM message WHERE chat = ?1 AND id > ?2 ORDER BY id"
               " LIMIT ?3");
    db_int(q, 1, chat);
    db_int(q, 2, after);
    db_int(q, 3, limit == 0 ? -1 : (int64_t)limit);
    while (db_row(&e->db, q)) {
        const struct engine_message m = {.id = db_get_int(q, 0),
                                         .chat = chat,
                                         .sender = db_get_int(q, 1),
                                         .seq = (uint64_t)db_get_int(q, 2),
                                         .time = (uint64_t)db_get_int(q, 3),
                                         .state = (enum message_state)db_get_int(q, 4),
                                         .mimi = db_get(q, 5).p,
                                         .content = db_get(q, 6)};
        each(arg, &m);
    }
    return e->db.err;
}

// ------------------------------------------------------------------------------------------------------ adding, removing

enum err engine_add(struct engine *e, int64_t chat, const int64_t *contacts, size_t n)
{
    struct chat *c = chat_find(e, chat);
    if (c == NULL) return ERR_NOT_FOUND;
    db_begin(&e->db);
    for (size_t i = 0; i < n; i++) chat_put_take(c, contacts[i]);
    enum err x = db_commit(&e->db);
    if (x == ERR_OK) peer_pump_all(e);
    return x;
}

enum err engine_remove(struct engine *e, int64_t chat, int64_t contact)
{
    struct chat *c = chat_find(e, chat);
    if (c == NULL) return ERR_NOT_FOUND;
    db_begin(&e->db);
    commit_ask_remove(c, contact);
    enum err x = db_commit(&e->db);
    if (x == ERR_OK) peer_pump_all(e);
    return x;
}
