// SPDX-License-Identifier: Apache-2.0
//
// Methods about conversations.
#include "rpc/inner.h"

#include "base/base64.h"

static json_t *last_of(const struct history_chat *x)
{
    const struct history_last *l = &x->last;
    json_t *o = json_object();
    rpc_set(o, "id", json_integer(l->message));
    rpc_set(o, "from", json_integer(l->sender));
    rpc_set(o, "time", json_integer((json_int_t)l->time));
    rpc_set(o, "kind", json_string(rpc_kind(l->kind)));
    rpc_set(o, "type", rpc_json_text(l->type));
    rpc_set(o, "text", rpc_json_text(l->body));
    rpc_set(o, "whom", json_integer(l->whom));
    rpc_set(o, "deleted", json_boolean((l->flags & HISTORY_DELETED) != 0));
    return o;
}

static void add_held(void *arg, int64_t contact) { (void)json_array_append_new(arg, json_integer(contact)); }

static json_t *chat_of(struct engine *e, const struct history_chat *x)
{
    static const char *const kinds[] = {"", "direct", "group", "self"}, *const states[] = {"", "open", "request",
                                                                                           "left", "removed"};
    static const char *const receipts[] = {"usual", "on", "off"};
    json_t *o = json_object(), *held = json_array();
    rpc_set(o, "id", json_integer(x->id));
    rpc_set(o, "kind", json_string(kinds[x->kind]));
    rpc_set(o, "name", rpc_json_text(x->name));
    rpc_set(o, "contact", json_integer(x->contact));
    rpc_set(o, "state", json_string(states[x->state]));
    rpc_set(o, "members", json_integer(x->members));
    rpc_set(o, "epoch", json_integer((json_int_t)x->epoch));
    rpc_set(o, "created", json_integer((json_int_t)x->created));
    if (x->last.message != 0) rpc_set(o, "last", last_of(x));
    rpc_set(o, "unread", json_integer(x->unread));
    rpc_set(o, "mentions", json_integer(x->mentions));
    rpc_set(o, "read_to", json_integer(x->read_to));
    rpc_set(o, "pinned", json_boolean(x->pinned));
    rpc_set(o, "hidden", json_boolean(x->hidden));
    rpc_set(o, "archived", json_boolean(x->archived));
    rpc_set(o, "muted", json_integer((json_int_t)x->muted));
    rpc_set(o, "receipts", json_string(receipts[x->receipts]));
    rpc_set(o, "timer", json_integer(x->timer));
    rpc_set(o, "draft", rpc_json_text(x->draft));
    engine_held(e, x->id, add_held, held);
    rpc_set(o, "held", held);
    return o;
}

// What conversations are put into: one, or a list.
struct taker {
    struct engine *e;
    json_t *to;
};

static void add_chat(void *arg, const struct history_chat *x)
{
    const struct taker *t = arg;
    (void)json_array_append_new(t->to, chat_of(t->e, x));
}

static void set_chat(void *arg, const struct history_chat *x)
{
    struct taker *t = arg;
    t->to = chat_of(t->e, x);
}

json_t *rpc_chat_list(struct call *c)
{
    struct taker list = {c->e, json_array()};
    int64_t limit = rpc_int(c, "limit", INT64_MAX);
    enum err e = engine_chats_first(c->e, limit < 0 ? 0 : limit, add_chat, &list);
    if (e == ERR_OK) return list.to;
    json_decref(list.to);
    return rpc_failed(c, e, "");
}

json_t *rpc_chat_get(struct call *c)
{
    struct taker one = {c->e, NULL};
    enum err e = engine_chats(c->e, rpc_int(c, "chat", 0), set_chat, &one);
    return e == ERR_OK ? one.to : rpc_failed(c, e, "");
}

static const char not_admin[] = "only admins of a group may do that, as long as they are in it";

json_t *rpc_chat_group(struct call *c)
{
    static int64_t contacts[INTS_MAX];
    size_t n = rpc_ints(c, "contacts", contacts);
    struct span name = rpc_text(c, "name");
    int64_t chat = 0;
    if (n == 0) return rpc_fail(c, E_REFUSED, "a group has somebody in it");
    if (name.n == 0 || name.n > FORMAT_NAME_MAX) return rpc_fail(c, E_REFUSED, "a group's name has 1 to 200 bytes");
    enum err e = engine_group(c->e, name, contacts, n, &chat);
    json_t *o = e == ERR_OK ? json_object()
                            : rpc_failed(c, e, "one of them cannot be reached: there is no invitation of theirs");
    if (o != NULL) rpc_set(o, "chat", json_integer(chat));
    return o;
}

json_t *rpc_chat_add(struct call *c)
{
    static int64_t contacts[INTS_MAX];
    size_t n = rpc_ints(c, "contacts", contacts);
    return rpc_yes(c, engine_add(c->e, rpc_int(c, "chat", 0), contacts, n),
                   "only admins of a group may add somebody, and only whom they have an invitation of");
}

json_t *rpc_chat_remove(struct call *c)
{
    return rpc_yes(c, engine_remove(c->e, rpc_int(c, "chat", 0), rpc_int(c, "contact", 0)), not_admin);
}

json_t *rpc_chat_rename(struct call *c)
{
    struct span name = rpc_text(c, "name");
    if (name.n == 0 || name.n > FORMAT_NAME_MAX) return rpc_fail(c, E_REFUSED, "a group's name has 1 to 200 bytes");
    return rpc_yes(c, engine_rename(c->e, rpc_int(c, "chat", 0), name), not_admin);
}

json_t *rpc_chat_role(struct call *c)
{
    return rpc_yes(c, engine_role(c->e, rpc_int(c, "chat", 0), rpc_int(c, "contact", 0), rpc_bool(c, "admin")),
                   not_admin);
}

json_t *rpc_chat_leave(struct call *c)
{
    enum err e = engine_leave(c->e, rpc_int(c, "chat", 0));
    return rpc_yes(c, e,
                   e == ERR_MISUSE ? "you are the only admin: make somebody else one first"
                                   : "that is no group, or you are out of it already");
}

json_t *rpc_chat_delete(struct call *c)
{
    enum err e = engine_chat_delete(c->e, rpc_int(c, "chat", 0));
    return rpc_yes(c, e,
                   e == ERR_MISUSE ? "you are in this group: leave it first, then it can be deleted here"
                                   : "this is a request: decline it, and it goes");
}

json_t *rpc_chat_return(struct call *c)
{
    enum err e = engine_return(c->e, rpc_int(c, "chat", 0));
    return rpc_yes(c, e,
                   e == ERR_MISUSE ? "you are in this conversation"
                                   : "there is no way to whoever has brought you in: ask them over another way");
}

json_t *rpc_chat_link(struct call *c)
{
    struct buf link;
    buf_init(&link, FORMAT_LINK_MAX);
    enum err e = engine_group_link(c->e, rpc_int(c, "chat", 0), rpc_bool(c, "asks"), &link);
    json_t *o = e == ERR_OK ? json_object() : rpc_failed(c, e, not_admin);
    if (o != NULL) rpc_set(o, "link", json_string((const char *)link.p));
    buf_wipe(&link);
    return o;
}

static void add_request(void *arg, const struct engine_request *r)
{
    json_t *o = json_object();
    rpc_set(o, "chat", json_integer(r->chat));
    rpc_set(o, "contact", json_integer(r->contact));
    rpc_set(o, "time", json_integer((json_int_t)r->time));
    (void)json_array_append_new(arg, o);
}

json_t *rpc_chat_requests(struct call *c)
{
    json_t *list = json_array();
    enum err e = engine_requests(c->e, add_request, list);
    if (e == ERR_OK) return list;
    json_decref(list);
    return rpc_failed(c, e, "");
}

json_t *rpc_chat_admit(struct call *c)
{
    enum err e = engine_admit(c->e, rpc_int(c, "chat", 0), rpc_int(c, "contact", 0), rpc_bool(c, "admit"));
    if (e == ERR_NOT_FOUND) return rpc_fail(c, E_NOT_FOUND, "they do not ask to be taken into that group");
    return rpc_yes(c, e, not_admin);
}

// A person comes once, however many devices they have.
static void add_member(void *arg, const struct engine_member *m)
{
    json_t *list = arg, *o;
    size_t i = 0;
    json_array_foreach (list, i, o) {
        if (json_integer_value(json_object_get(o, "contact")) == m->contact) return;
    }
    o = json_object();
    rpc_set(o, "contact", json_integer(m->contact));
    rpc_set(o, "account", rpc_json_hex(m->account, FORMAT_ID));
    rpc_set(o, "admin", json_boolean(m->admin));
    (void)json_array_append_new(list, o);
}

json_t *rpc_chat_members(struct call *c)
{
    json_t *list = json_array();
    enum err e = engine_members(c->e, rpc_int(c, "chat", 0), add_member, list);
    if (e == ERR_OK) return list;
    json_decref(list);
    return rpc_failed(c, e, "");
}

json_t *rpc_chat_picture(struct call *c)
{
    char text[FORMAT_PICTURE_MAX / 3 * 4 + 5];
    struct span picture = {0};
    enum err e = engine_chat_picture(c->e, rpc_int(c, "chat", 0), &picture);
    json_t *o = e == ERR_OK ? json_object() : rpc_failed(c, e, "");
    if (o == NULL) return NULL;
    base64_encode(picture, text);
    rpc_set(o, "picture", json_string(text));
    return o;
}

json_t *rpc_chat_set_picture(struct call *c)
{
    static const char wrong[] = "a picture is base64url of an image file of at most 8 KiB";
    struct buf image;
    buf_init(&image, FORMAT_PICTURE_MAX);
    enum err e = base64_decode(rpc_text(c, "picture"), &image);
    json_t *r = e != ERR_OK ? rpc_fail(c, E_REFUSED, wrong)
                            : rpc_yes(c, engine_picture(c->e, rpc_int(c, "chat", 0), buf_span(&image)), not_admin);
    buf_wipe(&image);
    return r;
}
