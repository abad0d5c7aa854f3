// SPDX-License-Identifier: Apache-2.0
//
// Methods about messages.
#include "rpc/inner.h"

static bool can_show(void *arg, const struct content_part *p)
{
    (void)arg;
    return p->cardinality == CONTENT_SINGLE && p->type.n >= 5 && memcmp(p->type.p, "text/", 5) == 0;
}

static const char *kind_of(const struct content *c)
{
    if (c->replaces) return c->parts[0].cardinality == CONTENT_NULL ? "delete" : "edit";
    if (!c->replies) return "text";
    return c->parts[0].disposition == CONTENT_REACTION ? "reaction" : "reply";
}

static void add_message(void *arg, const struct engine_message *x)
{
    static const char *const states[] = {"", "queued", "sent", "delivered", "read", "received", "failed"};
    json_t *o = json_object();
    struct content *content = mem_new(sizeof *content);
    bool read = content != NULL && content_decode(x->content, content) == ERR_OK;
    size_t part = read ? content_choose(content, can_show, NULL) : SIZE_MAX;
    rpc_set(o, "id", json_integer(x->id));
    rpc_set(o, "chat", json_integer(x->chat));
    rpc_set(o, "from", json_integer(x->sender));
    rpc_set(o, "time", json_integer((json_int_t)x->time));
    rpc_set(o, "state", json_string(states[x->state]));
    rpc_set(o, "seq", json_integer((json_int_t)x->seq));
    rpc_set(o, "mimi", rpc_json_hex(x->mimi, CONTENT_ID));
    rpc_set(o, "kind", json_string(read ? kind_of(content) : "text"));
    rpc_set(o, "about",
        read && content->replaces  ? rpc_json_hex(content->replaced, CONTENT_ID)
        : read && content->replies ? rpc_json_hex(content->replied, CONTENT_ID)
                                   : json_string(""));
    rpc_set(o, "type",
        part != SIZE_MAX ? rpc_json_text(content->parts[part].type)
        : read           ? rpc_json_text(content->parts[0].type)
                         : json_string(""));
    rpc_set(o, "text", part != SIZE_MAX ? rpc_json_text(content->parts[part].body) : json_string(""));
    (void)json_array_append_new(arg, o);
    mem_free_wiped(content, sizeof *content);
}

json_t *rpc_message_list(struct call *c)
{
    int64_t limit = rpc_int(c, "limit", LIST_USUAL);
    if (limit < 1 || limit > 10000) return rpc_fail(c, E_PARAMS, "`limit` is a number from 1 to 10000");
    json_t *list = json_array();
    enum err e = engine_messages(c->e, rpc_int(c, "chat", 0), rpc_int(c, "after", 0), (uint32_t)limit, add_message, list);
    if (e == ERR_OK) return list;
    json_decref(list);
    return rpc_failed(c, e, "");
}

json_t *rpc_message_send(struct call *c)
{
    struct span text = rpc_text(c, "text");
    int64_t message = 0;
    if (text.n == 0) return rpc_fail(c, E_REFUSED, "there is nothing to say");
    enum err e = engine_say_text(c->e, rpc_int(c, "chat", 0), text, &message);
    json_t *o = e == ERR_OK
                    ? json_object()
                    : rpc_failed(c, e,
                             e == ERR_LIMIT ? "that is too long for a message: at most 48 KiB"
                                            : "nothing can be said here: you are no longer in this conversation");
    if (o != NULL) rpc_set(o, "message", json_integer(message));
    return o;
}

static json_t *act(struct call *c, enum engine_act what)
{
    struct span text = rpc_text(c, "text");
    int64_t message = 0;
    if (what != ENGINE_DELETE && text.n == 0) return rpc_fail(c, E_REFUSED, "there is nothing to say");
    if (what == ENGINE_REACT && text.n > 64) return rpc_fail(c, E_REFUSED, "a reaction is one emoji");
    enum err e = engine_act(c->e, rpc_int(c, "chat", 0), rpc_int(c, "message", 0), what, text, &message);
    json_t *o =
        e == ERR_OK
            ? json_object()
            : rpc_failed(c, e, "only who wrote a message may change or delete it, and only while in the conversation");
    if (o != NULL) rpc_set(o, "message", json_integer(message));
    return o;
}

json_t *rpc_message_reply(struct call *c) { return act(c, ENGINE_REPLY); }
json_t *rpc_message_react(struct call *c) { return act(c, ENGINE_REACT); }
json_t *rpc_message_edit(struct call *c) { return act(c, ENGINE_EDIT); }
json_t *rpc_message_delete(struct call *c) { return act(c, ENGINE_DELETE); }
