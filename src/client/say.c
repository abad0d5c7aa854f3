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
    const struct said s = {.seen = chat_chain_known(c) ? c->cursor : 0, .chain = c->chain, .content = content};
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
    sqlite3_stmt *q = db_sql(&e->db, "SELECT w.chat, w.epoch, w.payload = x'', coalesce(m.content, w.what),"
                                     " w.anyway OR w.chat NOT IN (SELECT chat FROM hold) FROM work w"
                                     " LEFT JOIN message m ON m.id = w.message WHERE w.id = ?1");
    db_int(q, 1, id);
    if (db_row(&e->db, q)) {
        c = chat_find(e, db_get_int(q, 0));
        bool ready = c != NULL && db_get_int(q, 2) == 0 && (uint64_t)db_get_int(q, 1) == c->log_epoch;
        if (db_get_int(q, 4) == 0) c = NULL; // until its keys are confirmed
        if (c != NULL && (ready || !c->caught_up || c->lost || chat_over(c) || chat_group(c) == NULL || behind_bars(c)))
            c = NULL;
        if (c != NULL) buf_put(&content, db_get(q, 3));
    }
    db_done(q);
    if (c != NULL)
        x = chat_is_empty(c) || content.n == 0 ? ERR_REFUSED
                                               : buf_end(&content); // nobody would hear it, or it is deleted
    if (c != NULL && x == ERR_OK) x = protect(c, id, buf_span(&content));
    if (x != ERR_OK && !passes(x) && e->db.err == ERR_OK) { // it will never go; what is behind it may
        work_fail(e, id);
        x = e->db.err;
    }
    buf_wipe(&content);
    *touched = c;
    return x;
}

void say_encrypt(struct say_round *r, int64_t work)
{
    struct chat *c = NULL;
    size_t k = 0;
    if (r->err != ERR_OK || r->n == SAY_CHATS) return;
    r->err = prepare_one(r->e, work, &c);
    while (k < r->n && r->chats[k] != c) k++;
    if (c != NULL && k == r->n) r->chats[r->n++] = c;
}

enum err say_end(struct say_round *r)
{
    struct engine *e = r->e;
    enum err x = r->err;
    for (size_t k = 0; x == ERR_OK && k < r->n; k++) x = chat_save(r->chats[k]);
    if (x == ERR_OK) x = db_commit(&e->db);
    else db_rollback(&e->db);
    for (size_t k = 0; k < r->n; k++) {
        if (x == ERR_OK) chat_saved(r->chats[k]);
        else chat_drop_group(r->chats[k]); // no key is used that was not stored as used
    }
    return x;
}

void say_prepare(struct peer *p, const int64_t *ids, size_t n)
{
    struct say_round r = {.e = p->e};
    db_begin(&p->e->db);
    for (size_t i = 0; i < n; i++) say_encrypt(&r, ids[i]);
    if (say_end(&r) != ERR_OK) peer_stall(p);
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

enum err say_control(struct chat *c, enum content_disposition disposition, const char *type, struct span body)
{
    struct buf content;
    buf_init(&content, CONTENT_MESSAGE_MAX);
    enum err x = text_content(c->e, disposition, type, body, &content);
    if (x == ERR_OK) {
        (void)work_add(
            c->e, &(struct work){.kind = WORK_SAY, .relay = c->peer->relay, .chat = c->id, .what = buf_span(&content)});
        x = c->e->db.err;
    }
    buf_wipe(&content);
    return x;
}

enum err say_card(struct chat *c)
{
    struct buf invite;
    buf_init(&invite, FORMAT_LINK_MAX);
    enum err x = invite_make(c->e, &(struct invite_new){.flags = INVITE_PERSONAL, .contact = c->contact}, &invite);
    if (x == ERR_OK) x = say_control(c, CONTENT_PROFILE, HISTORY_CARD_TYPE, buf_span(&invite));
    buf_wipe(&invite);
    return x;
}

// The id of content that one says oneself.
static enum err own_id(struct chat *c, struct span content, uint8_t id[CONTENT_ID])
{
    char account[2 * FORMAT_ID + 1];
    for (size_t i = 0; i < FORMAT_ID; i++) (void)snprintf(account + 2 * i, 3, "%02x", c->e->self.account[i]);
    return content_id(c->e->crypto, span_str(account), in_span(mls_group_id(c->mls)), content, id);
}

enum err say_put(struct chat *c, struct span content, int64_t *message)
{
    struct engine *e = c->e;
    struct history_shape shape;
    struct history_effect effect;
    uint8_t id[CONTENT_ID];
    bool nobody = chat_over(c) || contact_blocked(e, c->contact) || chat_is_empty(c);
    enum err x = nobody ? ERR_REFUSED : history_shape(content, &shape);
    if (x == ERR_OK && (!shape.readable || shape.kind >= HISTORY_CONTROL)) x = ERR_INVALID;
    if (x == ERR_OK && chat_group(c) == NULL) x = ERR_CORRUPT;
    if (x == ERR_OK) x = own_id(c, content, id);
    if (x != ERR_OK) return x;
    const struct history_new n = {
        .chat = c->id, .time = engine_now(), .state = MESSAGE_QUEUED, .mimi = id, .content = content};
    *message = history_put(&e->history, &n, &shape, &effect);
    (void)work_add(e, &(struct work){.kind = WORK_SAY, .relay = c->peer->relay, .chat = c->id, .message = *message});
    return e->db.err;
}

enum err engine_say(struct engine *e, int64_t chat, struct span content, int64_t *message)
{
    struct chat *c = chat_find(e, chat);
    if (c == NULL) return ERR_NOT_FOUND;
    if (!chat_over(c) && engine_is_held(e, chat)) return ERR_UNAUTHENTICATED;
    db_begin(&e->db);
    enum err x = say_put(c, content, message);
    if (x == ERR_OK) x = db_commit(&e->db);
    else db_rollback(&e->db);
    files_settle(&e->files);
    if (x == ERR_OK) peer_pump(c->peer);
    if (x == ERR_OK) clock_tidy(e);
    return x;
}

enum err engine_say_text(struct engine *e, int64_t chat, struct span text, int64_t *message)
{
    return engine_say_brief(e, chat, text, 0, message);
}

enum err say_text(struct engine *e, int64_t chat, struct span text, uint32_t lives, struct buf *out)
{
    uint8_t salt[CONTENT_SALT];
    struct content *c = mem_new(sizeof *c);
    if (c == NULL) return ERR_MEMORY;
    e->db.err = ERR_OK;
    enum err x = e->world.random(e->world.arg, salt, sizeof salt);
    if (x == ERR_OK) {
        content_init(c, salt, CONTENT_RENDER, CONTENT_TYPE_MARKDOWN, text);
        say_ends(e, chat, c, lives);
        x = content_encode(c, out);
    }
    mem_free_wiped(c, sizeof *c);
    return x;
}

enum err engine_say_brief(struct engine *e, int64_t chat, struct span text, uint32_t lives, int64_t *message)
{
    struct buf b;
    buf_init(&b, CONTENT_MESSAGE_MAX);
    enum err x = say_text(e, chat, text, lives, &b);
    if (x == ERR_OK) x = engine_say(e, chat, buf_span(&b), message);
    buf_wipe(&b);
    return x;
}

// What something is to be said about.
struct target {
    uint8_t id[CONTENT_ID], answered[CONTENT_ID], reaction[CONTENT_ID]; // reaction: one's own last one to it
    bool own, answers, reacted;
};

static void note_target(void *arg, const struct history_message *m)
{
    struct target *t = arg;
    if (m->mimi == NULL || m->kind >= HISTORY_REACTION || (m->flags & HISTORY_DELETED) != 0) return;
    memcpy(t->id, m->mimi, CONTENT_ID);
    t->own = m->sender == 0;
    t->answers = m->kind == HISTORY_REPLY && m->about.n == CONTENT_ID;
    if (t->answers) memcpy(t->answered, m->about.p, CONTENT_ID);
}

static enum err find_target(struct engine *e, int64_t chat, int64_t message, struct target *out)
{
    static const uint8_t none[CONTENT_ID];
    *out = (struct target){0};
    enum err x = history_get(&e->history, chat, message, note_target, out);
    if (x != ERR_OK) return x;
    if (memcmp(out->id, none, CONTENT_ID) == 0) return ERR_NOT_FOUND;
    return history_own_reaction(&e->history, chat, out->id, out->reaction, &out->reacted);
}

static void fill_act(struct content *c, enum engine_act act, const struct target *t, const uint8_t salt[CONTENT_SALT],
                     struct span text)
{
    bool reacts = act == ENGINE_REACT, replaces = act == ENGINE_EDIT || act == ENGINE_DELETE;
    content_init(c, salt, reacts ? CONTENT_REACTION : CONTENT_RENDER,
                 reacts ? CONTENT_TYPE_PLAIN : CONTENT_TYPE_MARKDOWN, text);
    if (act == ENGINE_DELETE || (reacts && text.n == 0))
        c->parts[0] = (struct content_part){.disposition = c->parts[0].disposition, .cardinality = CONTENT_NULL};
    c->replaces = replaces || (reacts && text.n == 0);
    if (c->replaces) memcpy(c->replaced, replaces ? t->id : t->reaction, CONTENT_ID);
    c->replies = !replaces || (act == ENGINE_EDIT && t->answers);
    if (c->replies) memcpy(c->replied, replaces ? t->answered : t->id, CONTENT_ID);
}

enum err engine_act(struct engine *e, int64_t chat, int64_t about, enum engine_act act, struct span text,
                    int64_t *message)
{
    uint8_t salt[CONTENT_SALT];
    struct target t;
    struct buf b;
    enum err x = find_target(e, chat, about, &t);
    if (x != ERR_OK) return x;
    if (!t.own && (act == ENGINE_EDIT || act == ENGINE_DELETE)) return ERR_REFUSED;
    if (act == ENGINE_REACT && text.n == 0 && !t.reacted) return ERR_NOT_FOUND;
    struct content *c = mem_new(sizeof *c);
    if (c == NULL) return ERR_MEMORY;
    buf_init(&b, CONTENT_MESSAGE_MAX);
    x = e->world.random(e->world.arg, salt, sizeof salt);
    if (x == ERR_OK) {
        fill_act(c, act, &t, salt, text);
        if (act == ENGINE_REPLY) say_ends(e, chat, c, 0);
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
    if (x == ERR_OK && (x = db_commit(&e->db)) != ERR_OK) chat_forget(c);
    else if (x != ERR_OK) db_rollback(&e->db);
    if (x != ERR_OK) return x;
    chat_saved(c);
    *chat = c->id;
    engine_tell(e, (struct engine_event){.kind = ENGINE_CHAT, .chat = c->id, .contact = c->contact});
    peer_pump_all(e);
    return ERR_OK;
}

// An earlier invitation of theirs was of no use: the conversation is there, and nobody but oneself in it.
static enum err take_again(struct chat *c, int64_t contact)
{
    struct engine *e = c->e;
    db_begin(&e->db);
    chat_put_take(c, contact);
    enum err x = db_commit(&e->db);
    if (x == ERR_OK) peer_pump_all(e);
    return x;
}

// What is wrong with a link, in words; NULL: nothing. The invitation then points into `bytes`.
static const char *read_link(struct span link, struct buf *bytes, struct invite *i)
{
    enum err x = invite_from_link(link, bytes);
    if (x == ERR_OK) x = invite_decode(buf_span(bytes), i);
    if (x == ERR_UNSUPPORTED) return "this invitation is of a newer version of Whimbrel";
    if (x != ERR_OK) return "this is no invitation; copy all of the link, to its end";
    return peer_is_address(i->relay) ? NULL : "the relay that this invitation names has no address";
}

// Why an invitation is not taken, in words; NULL: it is.
static const char *unwanted(struct engine *e, const struct invite *i)
{
    int64_t contact = contact_of(e, i->account);
    bool group = (i->flags & INVITE_GROUP) != 0;
    if (memcmp(i->account, e->self.account, FORMAT_ID) == 0) return "this invitation is your own";
    if (contact_blocked(e, contact)) return "you have blocked whoever made this invitation";
    for (struct chat *c = e->chats; c != NULL && contact != 0 && !group; c = c->next) {
        if (c->kind == ROOM_DIRECT && c->contact == contact && !chat_is_empty(c))
            return "this is a contact of yours already";
    }
    return NULL;
}

// Asks to be taken into a group.
static enum err knock(struct engine *e, const struct invite *i, struct span bytes, int64_t *contact)
{
    db_begin(&e->db);
    *contact = contact_put(e, i->account, i->name, span_of(NULL, 0), CONTACT_STRANGER);
    enum err x = knock_put(e, i, bytes, span_of(NULL, 0));
    if (x == ERR_OK) x = db_commit(&e->db);
    else db_rollback(&e->db);
    if (x == ERR_OK) peer_pump_all(e);
    return x;
}

enum err engine_accept(struct engine *e, struct span link, int64_t *contact, const char **why)
{
    struct buf bytes;
    struct invite i;
    int64_t chat = 0;
    buf_init(&bytes, FORMAT_LINK_MAX);
    const char *wrong = read_link(link, &bytes, &i), *unwished = wrong == NULL ? unwanted(e, &i) : NULL;
    enum err x = wrong != NULL ? ERR_INVALID : unwished != NULL ? ERR_REFUSED : ERR_OK;
    *why = wrong != NULL ? wrong : unwished != NULL ? unwished : "";
    bool group = x == ERR_OK && (i.flags & INVITE_GROUP) != 0;
    if (group) x = knock(e, &i, buf_span(&bytes), contact);
    if (x == ERR_OK && !group) {
        db_begin(&e->db);
        *contact = contact_put(e, i.account, i.name, buf_span(&bytes), CONTACT_KNOWN);
        x = db_commit(&e->db);
    }
    buf_wipe(&bytes);
    for (struct chat *c = e->chats; x == ERR_OK && !group && c != NULL; c = c->next) {
        if (c->kind == ROOM_DIRECT && c->contact == *contact) return take_again(c, *contact);
    }
    return x == ERR_OK && !group ? begin(e, ROOM_DIRECT, span_of(NULL, 0), contact, 1, &chat) : x;
}

enum err engine_self_chat(struct engine *e, int64_t *chat)
{
    for (const struct chat *c = e->chats; c != NULL; c = c->next) {
        if (c->kind != ROOM_SELF || c->state != CHAT_OPEN) continue;
        *chat = c->id;
        return ERR_OK;
    }
    return begin(e, ROOM_SELF, span_of(NULL, 0), NULL, 0, chat);
}

enum err engine_group(struct engine *e, struct span name, const int64_t *contacts, size_t n, int64_t *chat)
{
    return begin(e, ROOM_GROUP, name, contacts, n, chat);
}
