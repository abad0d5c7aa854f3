// SPDX-License-Identifier: Apache-2.0
//
// What the outside asks of a group: who is in it, what it is called, who may change it. What is refused here would be refused by
// everybody (allow.c); it is looked at first so that whoever asks is told.
#include "client/inner.h"

#include "base/utf8.h"

struct span room_in(struct mls_span extensions)
{
    struct mls_span data = {0};
    return mls_extension_find(extensions, FORMAT_ROOM_EXTENSION, &data) ? in_span(data) : span_of(NULL, 0);
}

enum err room_replace(struct chat *c, struct span room, struct mls_extension out[ROOM_EXTENSIONS_MAX], size_t *n)
{
    struct mls_extension x;
    size_t at = 0;
    *n = 0;
    while (mls_extension_next(mls_group_extensions(c->mls), &at, &x)) {
        if (*n == ROOM_EXTENSIONS_MAX) return ERR_LIMIT;
        if (x.type == FORMAT_ROOM_EXTENSION) x.data = out_span(room);
        out[(*n)++] = x;
    }
    return ERR_OK;
}

bool chat_is_led(struct chat *c)
{
    struct room room;
    return c->kind == ROOM_GROUP && chat_room(c, &room) == ERR_OK && room_is_admin(&room, c->e->self.account);
}

// The group of a chat, if one may change it. ERR_NOT_FOUND; ERR_REFUSED.
static enum err for_admin(struct engine *e, int64_t chat, struct chat **out)
{
    struct room room;
    struct chat *c = chat_find(e, chat);
    if (c == NULL) return ERR_NOT_FOUND;
    if (c->kind != ROOM_GROUP || chat_over(c)) return ERR_REFUSED;
    enum err x = chat_room(c, &room);
    if (x == ERR_OK && !room_is_admin(&room, e->self.account)) x = ERR_REFUSED;
    if (x == ERR_OK) *out = c;
    return x;
}

static enum err ask(struct engine *e, int64_t chat, const struct commit_what *w)
{
    struct chat *c = NULL;
    enum err x = for_admin(e, chat, &c);
    if (x != ERR_OK) return x;
    db_begin(&e->db);
    commit_ask(c, w);
    x = db_commit(&e->db);
    if (x == ERR_OK) peer_pump_all(e);
    return x;
}

enum err engine_add(struct engine *e, int64_t chat, const int64_t *contacts, size_t n)
{
    struct chat *c = NULL;
    enum err x = for_admin(e, chat, &c);
    if (x != ERR_OK) return x;
    db_begin(&e->db);
    for (size_t i = 0; i < n; i++) chat_put_take(c, contacts[i]);
    x = db_commit(&e->db);
    if (x == ERR_OK) peer_pump_all(e);
    return x;
}

enum err engine_remove(struct engine *e, int64_t chat, int64_t contact)
{
    return ask(e, chat, &(struct commit_what){.kind = COMMIT_REMOVE, .contact = contact});
}

enum err engine_rename(struct engine *e, int64_t chat, struct span name)
{
    if (name.n == 0 || name.n > FORMAT_NAME_MAX || !utf8_ok(name)) return ERR_INVALID;
    return ask(e, chat, &(struct commit_what){.kind = COMMIT_NAME, .bytes = name});
}

enum err engine_picture(struct engine *e, int64_t chat, struct span picture)
{
    if (picture.n > FORMAT_PICTURE_MAX) return ERR_LIMIT;
    return ask(e, chat, &(struct commit_what){.kind = COMMIT_PICTURE, .bytes = picture});
}

enum err engine_role(struct engine *e, int64_t chat, int64_t contact, bool admin)
{
    return ask(e, chat, &(struct commit_what){.kind = admin ? COMMIT_PROMOTE : COMMIT_DEMOTE, .contact = contact});
}

enum err engine_members(struct engine *e, int64_t chat, void (*each)(void *arg, const struct engine_member *m),
                        void *arg)
{
    struct chat *c = chat_find(e, chat);
    struct room room;
    struct mls_member m;
    uint8_t account[FORMAT_ID];
    uint32_t at = 0;
    if (c == NULL) return ERR_NOT_FOUND;
    e->db.err = ERR_OK;
    enum err x = chat_room(c, &room);
    while (x == ERR_OK && mls_group_next_member(c->mls, &at, &m)) {
        if (!cred_account(e, &m, account)) continue;
        const struct engine_member out = {
            .contact = contact_of(e, account), .account = account, .admin = room_is_admin(&room, account)};
        each(arg, &out);
    }
    return x;
}

enum err engine_chat_picture(struct engine *e, int64_t chat, struct span *picture)
{
    struct chat *c = chat_find(e, chat);
    struct room room;
    if (c == NULL) return ERR_NOT_FOUND;
    enum err x = chat_room(c, &room);
    if (x == ERR_OK) *picture = room.picture;
    return x;
}
