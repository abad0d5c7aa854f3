// SPDX-License-Identifier: Apache-2.0
//
// Methods about conversations.
#include "rpc/inner.h"

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

static void add_chat(void *arg, const struct history_chat *x)
{
    static const char *const kinds[] = {"", "direct", "group", "self"}, *const states[] = {"", "open", "request",
                                                                                           "left"};
    static const char *const receipts[] = {"usual", "on", "off"};
    json_t *o = json_object();
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
    rpc_set(o, "archived", json_boolean(x->archived));
    rpc_set(o, "muted", json_integer((json_int_t)x->muted));
    rpc_set(o, "receipts", json_string(receipts[x->receipts]));
    rpc_set(o, "timer", json_integer(x->timer));
    rpc_set(o, "draft", rpc_json_text(x->draft));
    (void)json_array_append_new(arg, o);
}

json_t *rpc_chat_list(struct call *c)
{
    json_t *list = json_array();
    enum err e = engine_chats(c->e, 0, add_chat, list);
    if (e == ERR_OK) return list;
    json_decref(list);
    return rpc_failed(c, e, "");
}

static const char no_way[] = "one of them cannot be reached: there is no invitation of theirs";

json_t *rpc_chat_group(struct call *c)
{
    static int64_t contacts[INTS_MAX];
    size_t n = rpc_ints(c, "contacts", contacts);
    struct span name = rpc_text(c, "name");
    int64_t chat = 0;
    if (n == 0) return rpc_fail(c, E_REFUSED, "a group has somebody in it");
    if (name.n == 0 || name.n > FORMAT_NAME_MAX) return rpc_fail(c, E_REFUSED, "a group's name has 1 to 200 bytes");
    enum err e = engine_group(c->e, name, contacts, n, &chat);
    json_t *o = e == ERR_OK ? json_object() : rpc_failed(c, e, no_way);
    if (o != NULL) rpc_set(o, "chat", json_integer(chat));
    return o;
}

json_t *rpc_chat_add(struct call *c)
{
    static int64_t contacts[INTS_MAX];
    size_t n = rpc_ints(c, "contacts", contacts);
    return rpc_yes(c, engine_add(c->e, rpc_int(c, "chat", 0), contacts, n), no_way);
}

json_t *rpc_chat_remove(struct call *c)
{
    return rpc_yes(c, engine_remove(c->e, rpc_int(c, "chat", 0), rpc_int(c, "contact", 0)), "");
}
