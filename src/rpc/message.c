// SPDX-License-Identifier: Apache-2.0
//
// Methods about messages.
#include "rpc/inner.h"

const char *rpc_kind(enum history_kind k)
{
    switch (k) {
    case HISTORY_TEXT: return "text";
    case HISTORY_REPLY: return "reply";
    case HISTORY_FILE: return "file";
    case HISTORY_NOTICE: return "notice";
    case HISTORY_REACTION: return "reaction";
    case HISTORY_EDIT: return "edit";
    case HISTORY_DELETE: return "delete";
    default: return "unknown";
    }
}

static json_t *reactions_of(const struct history_message *x)
{
    json_t *list = json_array();
    for (size_t i = 0; i < x->reactions_n; i++) {
        json_t *o = json_object();
        rpc_set(o, "from", json_integer(x->reactions[i].sender));
        rpc_set(o, "text", rpc_json_text(x->reactions[i].body));
        rpc_set(o, "time", json_integer((json_int_t)x->reactions[i].time));
        (void)json_array_append_new(list, o);
    }
    return list;
}

static json_t *quote_of(const struct history_quote *x)
{
    json_t *o = json_object();
    rpc_set(o, "id", json_integer(x->id));
    rpc_set(o, "from", json_integer(x->sender));
    rpc_set(o, "kind", json_string(rpc_kind(x->kind)));
    rpc_set(o, "type", rpc_json_text(x->type));
    rpc_set(o, "text", rpc_json_text(x->body));
    rpc_set(o, "deleted", json_boolean((x->flags & HISTORY_DELETED) != 0));
    return o;
}

static json_t *message_of(const struct history_message *x)
{
    static const char *const states[] = {"", "queued", "sent", "delivered", "read", "received", "failed"};
    json_t *o = json_object();
    rpc_set(o, "id", json_integer(x->id));
    rpc_set(o, "chat", json_integer(x->chat));
    rpc_set(o, "from", json_integer(x->sender));
    rpc_set(o, "time", json_integer((json_int_t)x->time));
    rpc_set(o, "state", json_string(states[x->state]));
    rpc_set(o, "seq", json_integer((json_int_t)x->seq));
    rpc_set(o, "mimi", rpc_json_hex(x->mimi, x->mimi == NULL ? 0 : CONTENT_ID));
    rpc_set(o, "kind", json_string(rpc_kind(x->kind)));
    rpc_set(o, "about", rpc_json_hex(x->about.p, x->about.n));
    if (x->answers.id != 0) rpc_set(o, "answers", quote_of(&x->answers));
    rpc_set(o, "type", rpc_json_text(x->type));
    rpc_set(o, "text", rpc_json_text(x->body));
    rpc_set(o, "whom", json_integer(x->whom));
    rpc_set(o, "edited", json_integer((json_int_t)x->edited));
    rpc_set(o, "deleted", json_boolean((x->flags & HISTORY_DELETED) != 0));
    rpc_set(o, "pinned", json_boolean((x->flags & HISTORY_PINNED) != 0));
    rpc_set(o, "mentions", json_boolean((x->flags & HISTORY_MENTIONS) != 0));
    rpc_set(o, "expires", json_integer((json_int_t)x->expires));
    rpc_set(o, "lives", json_integer(x->lives));
    rpc_set(o, "reactions", reactions_of(x));
    return o;
}

static void add_message(void *arg, const struct history_message *x) { (void)json_array_append_new(arg, message_of(x)); }

static json_t *turned(json_t *take_list)
{
    json_t *out = json_array();
    for (size_t i = json_array_size(take_list); i > 0; i--)
        (void)json_array_append(out, json_array_get(take_list, i - 1));
    json_decref(take_list);
    return out;
}

json_t *rpc_message_list(struct call *c)
{
    int64_t limit = rpc_int(c, "limit", LIST_USUAL), before = rpc_int(c, "before", INT64_MAX);
    bool after = rpc_has(c, "after");
    if (limit < 1 || limit > LIST_MAX) return rpc_fail(c, E_PARAMS, "`limit` is a number from 1 to 10000");
    if (after && rpc_has(c, "before")) return rpc_fail(c, E_PARAMS, "one of `after` and `before`, or none");
    if (before < 1) return rpc_fail(c, E_PARAMS, "`before` is a message's number");
    const struct history_page page = {.chat = rpc_int(c, "chat", 0),
                                      .after = rpc_int(c, "after", 0),
                                      .before = after ? 0 : before,
                                      .limit = (uint32_t)limit};
    json_t *list = json_array();
    enum err e = engine_messages(c->e, &page, add_message, list);
    if (e == ERR_OK) return after ? list : turned(list);
    json_decref(list);
    return rpc_failed(c, e, "");
}

static void set_message(void *arg, const struct history_message *x) { *(json_t **)arg = message_of(x); }

json_t *rpc_message_get(struct call *c)
{
    json_t *o = NULL;
    enum err e = engine_message(c->e, rpc_int(c, "chat", 0), rpc_int(c, "message", 0), set_message, &o);
    return e == ERR_OK ? o : rpc_failed(c, e, "");
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
    if ((what == ENGINE_REPLY || what == ENGINE_EDIT) && text.n == 0)
        return rpc_fail(c, E_REFUSED, "there is nothing to say");
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
