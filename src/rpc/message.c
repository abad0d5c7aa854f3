// SPDX-License-Identifier: Apache-2.0
//
// Methods about messages.
#include "rpc/inner.h"

enum { SEARCH_USUAL = 50, SEARCH_MAX = 1000 };

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

// What messages are put into: one, or a list.
struct taker {
    struct engine *e;
    json_t *to;
};

static json_t *message_of(struct engine *e, const struct history_message *x)
{
    static const char *const states[] = {"", "queued", "sent", "delivered", "read", "received", "failed"};
    json_t *o = json_object();
    rpc_set(o, "id", json_integer(x->id));
    rpc_set(o, "chat", json_integer(x->chat));
    rpc_set(o, "from", json_integer(x->sender));
    rpc_set(o, "time", json_integer((json_int_t)x->time));
    bool held = x->state == MESSAGE_QUEUED && engine_is_held(e, x->chat);
    rpc_set(o, "state", json_string(held ? "held" : states[x->state]));
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
    json_t *file = x->kind == HISTORY_FILE ? rpc_file_of(e, x->id) : NULL;
    if (file != NULL) rpc_set(o, "file", file);
    return o;
}

static void add_message(void *arg, const struct history_message *x)
{
    const struct taker *t = arg;
    (void)json_array_append_new(t->to, message_of(t->e, x));
}

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
    static const char *const from[] = {"after", "before", "around", "date"};
    struct history_page page = {.chat = rpc_int(c, "chat", 0)};
    int64_t limit = rpc_int(c, "limit", LIST_USUAL), at = 0;
    int given = 0, which = 1; // the newest, if nothing is said
    for (int i = 0; i < 4; i++) {
        if (!rpc_has(c, from[i])) continue;
        given++;
        which = i;
        at = rpc_int(c, from[i], 0);
    }
    if (given == 0) at = INT64_MAX;
    if (limit < 1 || limit > LIST_MAX) return rpc_fail(c, E_PARAMS, "`limit` is a number from 1 to 10000");
    if (given > 1) return rpc_fail(c, E_PARAMS, "one of `after`, `before`, `around` and `date`, or none");
    if (at < (which != 0)) return rpc_fail(c, E_PARAMS, "a message's number, or a time, is 1 at least");
    page.limit = (uint32_t)limit;
    if (which == 3) page.date = (uint64_t)at;
    else *(which == 0 ? &page.after : which == 1 ? &page.before : &page.around) = at;
    struct taker list = {c->e, json_array()};
    enum err e = engine_messages(c->e, &page, add_message, &list);
    if (e == ERR_OK) return which == 1 ? turned(list.to) : list.to;
    json_decref(list.to);
    return rpc_failed(c, e, "");
}

static void set_message(void *arg, const struct history_message *x)
{
    struct taker *t = arg;
    t->to = message_of(t->e, x);
}

json_t *rpc_message_get(struct call *c)
{
    struct taker one = {c->e, NULL};
    enum err e = engine_message(c->e, rpc_int(c, "chat", 0), rpc_int(c, "message", 0), set_message, &one);
    return e == ERR_OK ? one.to : rpc_failed(c, e, "");
}

static void add_receipt(void *arg, const struct history_receipt *r)
{
    json_t *o = json_object();
    rpc_set(o, "contact", json_integer(r->reader));
    rpc_set(o, "delivered", json_integer((json_int_t)r->delivered));
    rpc_set(o, "read", json_integer((json_int_t)r->read));
    (void)json_array_append_new(arg, o);
}

json_t *rpc_message_receipts(struct call *c)
{
    json_t *list = json_array();
    enum err e = engine_receipts(c->e, rpc_int(c, "chat", 0), rpc_int(c, "message", 0), add_receipt, list);
    if (e == ERR_OK) return list;
    json_decref(list);
    return rpc_failed(c, e, "");
}

json_t *rpc_message_pinned(struct call *c)
{
    struct taker list = {c->e, json_array()};
    enum err e = engine_pinned(c->e, rpc_int(c, "chat", 0), add_message, &list);
    if (e == ERR_OK) return list.to;
    json_decref(list.to);
    return rpc_failed(c, e, "");
}

json_t *rpc_message_pin(struct call *c)
{
    return rpc_yes(c, engine_pin(c->e, rpc_int(c, "chat", 0), rpc_int(c, "message", 0), rpc_bool(c, "pinned")), "");
}

// -------------------------------------------------------------------------------------------------------------- searching

// The text around what was found, cut at what matches: every second piece does.
static json_t *pieces_of(struct span s)
{
    json_t *list = json_array();
    size_t from = 0;
    for (size_t i = 0; i <= s.n; i++) {
        if (i < s.n && s.p[i] != 1 && s.p[i] != 2) continue;
        (void)json_array_append_new(list, rpc_json_text(span_of(s.p + from, i - from)));
        from = i + 1;
    }
    return list;
}

static void add_found(void *arg, const struct history_message *x, struct span snippet)
{
    const struct taker *t = arg;
    json_t *o = json_object();
    rpc_set(o, "message", message_of(t->e, x));
    rpc_set(o, "pieces", pieces_of(snippet));
    (void)json_array_append_new(t->to, o);
}

json_t *rpc_message_search(struct call *c)
{
    int64_t limit = rpc_int(c, "limit", SEARCH_USUAL);
    if (limit < 1 || limit > SEARCH_MAX) return rpc_fail(c, E_PARAMS, "`limit` is a number from 1 to 1000");
    const struct search_query q = {.text = rpc_text(c, "text"),
                                   .chat = rpc_int(c, "chat", 0),
                                   .before = rpc_int(c, "before", 0),
                                   .limit = (uint32_t)limit};
    struct taker list = {c->e, json_array()};
    enum err e = engine_search(c->e, &q, add_found, &list);
    if (e == ERR_OK) return list.to;
    json_decref(list.to);
    return rpc_failed(c, e, e == ERR_LIMIT ? "search for 500 bytes at most" : "there is no word to search for");
}

// ---------------------------------------------------------------------------------------------------------------- saying

static void on_said(void *arg, enum err e, int64_t message)
{
    rpc_answer(arg, e,
               e == ERR_LIMIT ? "that is too long for a message: at most 48 KiB"
                              : "nothing can be said here: you are not in this conversation any more, you have blocked"
                                " them, or they have never come into it",
               "message", message);
}

json_t *rpc_message_send(struct call *c)
{
    struct span text = rpc_text(c, "text");
    int64_t lives = rpc_int(c, "lives", 0);
    if (text.n == 0) return rpc_fail(c, E_REFUSED, "there is nothing to say");
    if (lives < 0 || lives > UINT32_MAX) return rpc_fail(c, E_PARAMS, "`lives` is a time in seconds");
    struct later *later = rpc_later(c);
    if (later == NULL) return rpc_failed(c, ERR_MEMORY, "");
    enum err e = engine_say_later(c->e, rpc_int(c, "chat", 0), text, (uint32_t)lives, on_said, later);
    if (e != ERR_OK) on_said(later, e, 0);
    return NULL;
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
