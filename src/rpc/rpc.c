// SPDX-License-Identifier: Apache-2.0
//
// JSON-RPC: reading calls, checking their parameters by the schema, answering, and telling events. Invariant: a method is called only
// with parameters of the types that the schema names, and none that it does not.
#include "rpc/rpc.h"

#include "content/content.h"

#include <jansson.h>
#include <stdio.h>

enum { PARAMS_MAX = 6, LIST_USUAL = 100, INTS_MAX = 1000, DEPTH_TEXT = 65536 };
enum {
    E_PARSE = -32700,
    E_REQUEST = -32600,
    E_METHOD = -32601,
    E_PARAMS = -32602,
    E_REFUSED = 1,
    E_NOT_FOUND = 2,
    E_FAILED = 3
};

enum rpc_type { RPC_INT, RPC_BOOL, RPC_TEXT, RPC_INTS };
struct param {
    const char *name;
    enum rpc_type type;
    bool optional;
};

struct rpc_peer {
    struct rpc *rpc;
    struct rpc_peer *next, **link;
    void (*send)(void *arg, struct span line);
    void *arg;
    bool follows;
};

struct rpc {
    struct engine *e;
    struct rpc_peer *peers;
    void (*stop)(void *arg);
    void *arg;
    bool connected;
};

struct call {
    struct rpc *rpc;
    struct engine *e;
    struct rpc_peer *peer;
    const json_t *params;
    int code; // of the error, if there is no result
    char text[400];
};

struct method {
    const char *name;
    json_t *(*run)(struct call *c);
    struct param params[PARAMS_MAX];
};

#include <rpc_methods.h> // made of schema.json

enum { METHODS = sizeof methods / sizeof *methods };

// ------------------------------------------------------------------------------------------------------- small helpers

static json_t *fail(struct call *c, int code, const char *text)
{
    c->code = code;
    (void)snprintf(c->text, sizeof c->text, "%s", text);
    return NULL;
}

// What an error of the engine is to whoever asked; NULL, as a result.
static json_t *failed(struct call *c, enum err e, const char *refused)
{
    switch (e) {
    case ERR_NOT_FOUND: return fail(c, E_NOT_FOUND, "there is no such thing");
    case ERR_INVALID:
    case ERR_REFUSED:
    case ERR_LIMIT:
    case ERR_MISUSE: return fail(c, E_REFUSED, refused);
    default: return fail(c, E_FAILED, err_text(e));
    }
}

static json_t *yes(struct call *c, enum err e, const char *refused)
{
    return e == ERR_OK ? json_true() : failed(c, e, refused);
}

static int64_t int_of(const struct call *c, const char *name, int64_t otherwise)
{
    const json_t *v = json_object_get(c->params, name);
    return v == NULL ? otherwise : json_integer_value(v);
}

static bool bool_of(const struct call *c, const char *name) { return json_is_true(json_object_get(c->params, name)); }

static struct span text_of(const struct call *c, const char *name)
{
    const json_t *v = json_object_get(c->params, name);
    return v == NULL ? span_of("", 0) : span_of(json_string_value(v), json_string_length(v));
}

static size_t ints_of(const struct call *c, const char *name, int64_t *out)
{
    const json_t *v = json_object_get(c->params, name);
    size_t n = json_array_size(v);
    for (size_t i = 0; i < n; i++) out[i] = json_integer_value(json_array_get(v, i));
    return n;
}

static json_t *text_json(struct span s)
{
    json_t *t = json_stringn((const char *)s.p, s.n); // NULL if it is not UTF-8
    return t != NULL ? t : json_string("");
}

static json_t *hex_json(const uint8_t *p, size_t n)
{
    char text[129] = "";
    for (size_t i = 0; i < n && i < 64; i++) (void)snprintf(text + 2 * i, 3, "%02x", p[i]);
    return json_string(text);
}

static void set(json_t *object, const char *key, json_t *take) { (void)json_object_set_new(object, key, take); }

// -------------------------------------------------------------------------------------------------------------- methods

static json_t *rpc_engine_status(struct call *c)
{
    json_t *o = json_object();
    struct engine_self self;
    engine_self(c->e, &self);
    set(o, "account", hex_json(self.account, FORMAT_ID));
    set(o, "name", json_string(self.name));
    set(o, "relay", json_string(self.relay));
    set(o, "waiting", json_integer((json_int_t)engine_waiting(c->e)));
    set(o, "connected", json_boolean(self.connected));
    return o;
}

static json_t *rpc_engine_wake(struct call *c)
{
    engine_wake(c->e);
    return json_true();
}

static json_t *rpc_engine_stop(struct call *c)
{
    c->rpc->stop(c->rpc->arg);
    return json_true();
}

static json_t *rpc_events_follow(struct call *c)
{
    c->peer->follows = true;
    return json_true();
}

static json_t *rpc_invite_create(struct call *c)
{
    char label[FORMAT_NAME_MAX + 1];
    struct span whom = text_of(c, "for");
    struct buf link;
    uint8_t flags = (uint8_t)((bool_of(c, "personal") ? INVITE_PERSONAL : 0) | (bool_of(c, "once") ? INVITE_ONCE : 0));
    if (whom.n > FORMAT_NAME_MAX) return fail(c, E_REFUSED, "`for` has 200 bytes at most");
    (void)snprintf(label, sizeof label, "%.*s", (int)whom.n, (const char *)whom.p);
    buf_init(&link, FORMAT_LINK_MAX);
    enum err e = engine_invite(c->e, flags, label, &link);
    json_t *o = e == ERR_OK ? json_object() : failed(c, e, "no invitation can be made");
    if (o != NULL) set(o, "link", json_string((const char *)link.p));
    buf_wipe(&link);
    return o;
}

static json_t *rpc_invite_accept(struct call *c)
{
    const char *why = "";
    int64_t contact = 0;
    enum err e = engine_accept(c->e, text_of(c, "link"), &contact, &why);
    json_t *o = e == ERR_OK ? json_object() : failed(c, e, why);
    if (o != NULL) set(o, "contact", json_integer(contact));
    return o;
}

static void add_contact(void *arg, const struct engine_contact *x)
{
    static const char *const states[] = {"", "known", "request", "blocked", "stranger"};
    json_t *o = json_object();
    set(o, "id", json_integer(x->id));
    set(o, "name", text_json(x->name));
    set(o, "account", hex_json(x->account, FORMAT_ID));
    set(o, "state", json_string(states[x->state]));
    set(o, "verified", json_boolean(x->verified));
    (void)json_array_append_new(arg, o);
}

static json_t *rpc_contact_list(struct call *c)
{
    json_t *list = json_array();
    enum err e = engine_contacts(c->e, 0, add_contact, list);
    if (e == ERR_OK) return list;
    json_decref(list);
    return failed(c, e, "");
}

static json_t *rpc_contact_answer(struct call *c)
{
    return yes(c, engine_answer(c->e, int_of(c, "contact", 0), bool_of(c, "accept")), "");
}

static json_t *rpc_contact_safety(struct call *c)
{
    char number[61];
    enum err e = engine_safety(c->e, int_of(c, "contact", 0), number);
    if (e == ERR_NOT_FOUND)
        return fail(c, E_NOT_FOUND,
                    "there is no such contact, or nothing has come from them yet: their key is not known");
    json_t *o = e == ERR_OK ? json_object() : failed(c, e, "");
    if (o != NULL) set(o, "number", json_string(number));
    return o;
}

static json_t *rpc_contact_verify(struct call *c)
{
    return yes(c, engine_verified(c->e, int_of(c, "contact", 0), bool_of(c, "verified")), "");
}

static void add_chat(void *arg, const struct engine_chat *x)
{
    static const char *const kinds[] = {"", "direct", "group", "self"}, *const states[] = {"", "open", "request",
                                                                                           "left"};
    json_t *o = json_object();
    set(o, "id", json_integer(x->id));
    set(o, "kind", json_string(kinds[x->kind]));
    set(o, "name", text_json(x->name));
    set(o, "contact", json_integer(x->contact));
    set(o, "state", json_string(states[x->state]));
    set(o, "members", json_integer(x->members));
    set(o, "epoch", json_integer((json_int_t)x->epoch));
    (void)json_array_append_new(arg, o);
}

static json_t *rpc_chat_list(struct call *c)
{
    json_t *list = json_array();
    enum err e = engine_chats(c->e, add_chat, list);
    if (e == ERR_OK) return list;
    json_decref(list);
    return failed(c, e, "");
}

static const char no_way[] = "one of them cannot be reached: there is no invitation of theirs";

static json_t *rpc_chat_group(struct call *c)
{
    static int64_t contacts[INTS_MAX];
    size_t n = ints_of(c, "contacts", contacts);
    struct span name = text_of(c, "name");
    int64_t chat = 0;
    if (n == 0) return fail(c, E_REFUSED, "a group has somebody in it");
    if (name.n == 0 || name.n > FORMAT_NAME_MAX) return fail(c, E_REFUSED, "a group's name has 1 to 200 bytes");
    enum err e = engine_group(c->e, name, contacts, n, &chat);
    json_t *o = e == ERR_OK ? json_object() : failed(c, e, no_way);
    if (o != NULL) set(o, "chat", json_integer(chat));
    return o;
}

static json_t *rpc_chat_add(struct call *c)
{
    static int64_t contacts[INTS_MAX];
    size_t n = ints_of(c, "contacts", contacts);
    return yes(c, engine_add(c->e, int_of(c, "chat", 0), contacts, n), no_way);
}

static json_t *rpc_chat_remove(struct call *c)
{
    return yes(c, engine_remove(c->e, int_of(c, "chat", 0), int_of(c, "contact", 0)), "");
}

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
    set(o, "id", json_integer(x->id));
    set(o, "chat", json_integer(x->chat));
    set(o, "from", json_integer(x->sender));
    set(o, "time", json_integer((json_int_t)x->time));
    set(o, "state", json_string(states[x->state]));
    set(o, "seq", json_integer((json_int_t)x->seq));
    set(o, "mimi", hex_json(x->mimi, CONTENT_ID));
    set(o, "kind", json_string(read ? kind_of(content) : "text"));
    set(o, "about",
        read && content->replaces  ? hex_json(content->replaced, CONTENT_ID)
        : read && content->replies ? hex_json(content->replied, CONTENT_ID)
                                   : json_string(""));
    set(o, "type",
        part != SIZE_MAX ? text_json(content->parts[part].type)
        : read           ? text_json(content->parts[0].type)
                         : json_string(""));
    set(o, "text", part != SIZE_MAX ? text_json(content->parts[part].body) : json_string(""));
    (void)json_array_append_new(arg, o);
    mem_free_wiped(content, sizeof *content);
}

static json_t *rpc_message_list(struct call *c)
{
    int64_t limit = int_of(c, "limit", LIST_USUAL);
    if (limit < 1 || limit > 10000) return fail(c, E_PARAMS, "`limit` is a number from 1 to 10000");
    json_t *list = json_array();
    enum err e = engine_messages(c->e, int_of(c, "chat", 0), int_of(c, "after", 0), (uint32_t)limit, add_message, list);
    if (e == ERR_OK) return list;
    json_decref(list);
    return failed(c, e, "");
}

static json_t *rpc_message_send(struct call *c)
{
    struct span text = text_of(c, "text");
    int64_t message = 0;
    if (text.n == 0) return fail(c, E_REFUSED, "there is nothing to say");
    enum err e = engine_say_text(c->e, int_of(c, "chat", 0), text, &message);
    json_t *o = e == ERR_OK
                    ? json_object()
                    : failed(c, e,
                             e == ERR_LIMIT ? "that is too long for a message: at most 48 KiB"
                                            : "nothing can be said here: you are no longer in this conversation");
    if (o != NULL) set(o, "message", json_integer(message));
    return o;
}

static json_t *act(struct call *c, enum engine_act what)
{
    struct span text = text_of(c, "text");
    int64_t message = 0;
    if (what != ENGINE_DELETE && text.n == 0) return fail(c, E_REFUSED, "there is nothing to say");
    if (what == ENGINE_REACT && text.n > 64) return fail(c, E_REFUSED, "a reaction is one emoji");
    enum err e = engine_act(c->e, int_of(c, "chat", 0), int_of(c, "message", 0), what, text, &message);
    json_t *o =
        e == ERR_OK
            ? json_object()
            : failed(c, e, "only who wrote a message may change or delete it, and only while in the conversation");
    if (o != NULL) set(o, "message", json_integer(message));
    return o;
}

static json_t *rpc_message_reply(struct call *c) { return act(c, ENGINE_REPLY); }
static json_t *rpc_message_react(struct call *c) { return act(c, ENGINE_REACT); }
static json_t *rpc_message_edit(struct call *c) { return act(c, ENGINE_EDIT); }
static json_t *rpc_message_delete(struct call *c) { return act(c, ENGINE_DELETE); }

// -------------------------------------------------------------------------------------------------------------- calls

static bool fits(const json_t *v, enum rpc_type type)
{
    if (type == RPC_INT) return json_is_integer(v);
    if (type == RPC_BOOL) return json_is_boolean(v);
    if (type == RPC_TEXT) return json_is_string(v);
    size_t n = json_array_size(v);
    bool ok = json_is_array(v) && n <= INTS_MAX;
    for (size_t i = 0; ok && i < n; i++) ok = json_is_integer(json_array_get(v, i));
    return ok;
}

static bool check_params(struct call *c, const struct method *m)
{
    static const char *const types[] = {"a number", "true or false", "text", "a list of numbers"};
    size_t known = 0;
    for (const struct param *p = m->params; p->name != NULL; p++) {
        const json_t *v = json_object_get(c->params, p->name);
        known += v != NULL;
        if (v == NULL && p->optional) continue;
        if (v != NULL && fits(v, p->type)) continue;
        c->code = E_PARAMS;
        (void)snprintf(c->text, sizeof c->text, "%s wants `%s`, which is %s", m->name, p->name, types[p->type]);
        return false;
    }
    if (known == json_object_size(c->params)) return true;
    c->code = E_PARAMS;
    (void)snprintf(c->text, sizeof c->text, "%s does not know one of these parameters", m->name);
    return false;
}

static json_t *run(struct call *c, const json_t *request)
{
    const char *name = json_string_value(json_object_get(request, "method"));
    const json_t *version = json_object_get(request, "jsonrpc"), *params = json_object_get(request, "params");
    if (name == NULL || !json_is_string(version) || strcmp(json_string_value(version), "2.0") != 0) {
        return fail(c, E_REQUEST, "a call has \"jsonrpc\": \"2.0\" and a method");
    }
    if (params != NULL && !json_is_object(params))
        return fail(c, E_PARAMS, "parameters are named: params is an object");
    c->params = params;
    for (size_t i = 0; i < METHODS; i++) {
        if (strcmp(methods[i].name, name) == 0) return check_params(c, &methods[i]) ? methods[i].run(c) : NULL;
    }
    return fail(c, E_METHOD, "there is no such method; docs/rpc.md names them all");
}

static void send_json(struct rpc_peer *p, json_t *take)
{
    char *text = json_dumps(take, JSON_COMPACT);
    json_decref(take);
    if (text == NULL) return;
    size_t n = strlen(text);
    text[n] = '\n'; // in the place of its end
    p->send(p->arg, span_of(text, n + 1));
    mem_wipe(text, n);
    free(text);
}

static void answer(struct rpc_peer *p, json_t *id, json_t *take_result, const struct call *c)
{
    json_t *o = json_object();
    set(o, "jsonrpc", json_string("2.0"));
    set(o, "id", id != NULL ? json_incref(id) : json_null());
    if (take_result != NULL) {
        set(o, "result", take_result);
    } else {
        json_t *e = json_object();
        set(e, "code", json_integer(c->code));
        set(e, "message", json_string(c->text));
        set(o, "error", e);
    }
    send_json(p, o);
}

void rpc_line(struct rpc_peer *p, struct span line)
{
    struct call c = {.rpc = p->rpc, .e = p->rpc->e, .peer = p};
    json_t *request = json_loadb((const char *)line.p, line.n, JSON_REJECT_DUPLICATES, NULL);
    if (request == NULL || c.e == NULL) {
        (void)fail(&c, request == NULL ? E_PARSE : E_FAILED,
                   request == NULL ? "the line is no JSON object" : "the engine is closed");
        answer(p, NULL, NULL, &c);
        json_decref(request);
        return;
    }
    json_t *id = json_object_get(request, "id");
    json_t *result = json_is_object(request) ? run(&c, request) : fail(&c, E_REQUEST, "a line is one call, an object");
    if (id != NULL || result == NULL) answer(p, id, result, &c);
    else json_decref(result); // a notification is not answered
    json_decref(request);
}

// ------------------------------------------------------------------------------------------------------ peers and events

enum err rpc_new(void (*stop)(void *arg), void *arg, struct rpc **out)
{
    struct rpc *r = mem_new(sizeof *r);
    if (r == NULL) return ERR_MEMORY;
    json_set_alloc_funcs(malloc, free);
    *r = (struct rpc){.stop = stop, .arg = arg};
    *out = r;
    return ERR_OK;
}

void rpc_free(struct rpc *r)
{
    while (r != NULL && r->peers != NULL) rpc_peer_free(r->peers);
    mem_free(r);
}

void rpc_engine(struct rpc *r, struct engine *e) { r->e = e; }

enum err rpc_peer_new(struct rpc *r, void (*send)(void *arg, struct span line), void *arg, struct rpc_peer **out)
{
    struct rpc_peer *p = mem_new(sizeof *p);
    if (p == NULL) return ERR_MEMORY;
    *p = (struct rpc_peer){.rpc = r, .next = r->peers, .link = &r->peers, .send = send, .arg = arg};
    if (p->next != NULL) p->next->link = &p->next;
    r->peers = p;
    *out = p;
    return ERR_OK;
}

void rpc_peer_free(struct rpc_peer *p)
{
    if (p == NULL) return;
    *p->link = p->next;
    if (p->next != NULL) p->next->link = p->link;
    mem_free(p);
}

void rpc_event(void *rpc, const struct engine_event *e)
{
    static const char *const names[] = {[ENGINE_LINK] = "link",
                                        [ENGINE_CHAT] = "chat",
                                        [ENGINE_CONTACT] = "contact",
                                        [ENGINE_MESSAGE] = "message",
                                        [ENGINE_WARNING] = "warning"};
    struct rpc *r = rpc;
    for (struct rpc_peer *p = r->peers, *next; p != NULL; p = next) {
        next = p->next;
        if (!p->follows) continue;
        json_t *o = json_object(), *params = json_object();
        set(o, "jsonrpc", json_string("2.0"));
        set(o, "method", json_string(names[e->kind]));
        if (e->chat != 0) set(params, "chat", json_integer(e->chat));
        if (e->message != 0) set(params, "message", json_integer(e->message));
        if (e->contact != 0) set(params, "contact", json_integer(e->contact));
        if (e->text != NULL) set(params, "text", json_string(e->text));
        set(o, "params", params);
        send_json(p, o);
    }
}
