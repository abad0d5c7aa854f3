// SPDX-License-Identifier: Apache-2.0
//
// JSON-RPC: reading calls, checking their parameters by the schema, answering, and telling events. Invariant: a method is called only
// with parameters of the types that the schema names, and none that it does not.
#include "rpc/inner.h"

#include <stdio.h>
#include <stdlib.h>

#define RPC_TABLE
#include <rpc_methods.h> // the table

enum { METHODS = sizeof methods / sizeof *methods };

// What JSON holds in memory may be a passphrase or what somebody wrote: it is wiped when it is freed. In front of each piece stands
// its size.
enum { AHEAD = 16 };

static void *wiping_malloc(size_t n)
{
    uint8_t *p = n > SIZE_MAX / 2 ? NULL : malloc(n + AHEAD);
    if (p == NULL) return NULL;
    memcpy(p, &n, sizeof n);
    return p + AHEAD;
}

static void wiping_free(void *p)
{
    size_t n;
    if (p == NULL) return;
    memcpy(&n, (uint8_t *)p - AHEAD, sizeof n);
    mem_wipe(p, n);
    free((uint8_t *)p - AHEAD);
}

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
        return rpc_fail(c, E_REQUEST, "a call has \"jsonrpc\": \"2.0\" and a method");
    }
    if (params != NULL && !json_is_object(params))
        return rpc_fail(c, E_PARAMS, "parameters are named: params is an object");
    c->params = params;
    for (size_t i = 0; i < METHODS; i++) {
        if (strcmp(methods[i].name, name) != 0) continue;
        unsigned opened;
        if (c->e == NULL && !methods[i].outside)
            return rpc_fail(c, E_LOCKED,
                            c->rpc->host.there(c->rpc->arg, &opened)
                                ? "the profile is locked; `whimbrel unlock` opens it"
                                : "there is no profile yet; `whimbrel init` makes one");
        return check_params(c, &methods[i]) ? methods[i].run(c) : NULL;
    }
    return rpc_fail(c, E_METHOD, "there is no such method; docs/rpc.md names them all");
}

static void send_json(struct rpc_peer *p, json_t *take)
{
    char *text = json_dumps(take, JSON_COMPACT);
    json_decref(take);
    if (text == NULL) return;
    size_t n = strlen(text);
    text[n] = '\n'; // in the place of its end
    p->send(p->arg, span_of(text, n + 1));
    wiping_free(text);
}

static void answer(struct rpc_peer *p, json_t *id, json_t *take_result, const struct call *c)
{
    json_t *o = json_object();
    rpc_set(o, "jsonrpc", json_string("2.0"));
    rpc_set(o, "id", id != NULL ? json_incref(id) : json_null());
    if (take_result != NULL) {
        rpc_set(o, "result", take_result);
    } else {
        json_t *e = json_object();
        rpc_set(e, "code", json_integer(c->code));
        rpc_set(e, "message", json_string(c->text));
        rpc_set(o, "error", e);
    }
    send_json(p, o);
}

void rpc_line(struct rpc_peer *p, struct span line)
{
    struct call c = {.rpc = p->rpc, .e = p->rpc->e, .peer = p};
    json_t *request = json_loadb((const char *)line.p, line.n, JSON_REJECT_DUPLICATES, NULL);
    if (request == NULL) {
        (void)rpc_fail(&c, E_PARSE, "the line is no JSON object");
        answer(p, NULL, NULL, &c);
        json_decref(request);
        return;
    }
    json_t *id = json_object_get(request, "id");
    c.id = id;
    json_t *result = json_is_object(request) ? run(&c, request) : rpc_fail(&c, E_REQUEST, "a line is one call, an object");
    if (c.later != NULL) {} // rpc_answer
    else if (id != NULL || result == NULL) answer(p, id, result, &c);
    else json_decref(result); // a notification is not answered
    json_decref(request);
}

// ------------------------------------------------------------------------------------------------------- answering later

struct later {
    struct rpc_peer *peer; // NULL: gone
    struct later *next, **link;
    json_t *id; // NULL: nobody wants to know
};

struct later *rpc_later(struct call *c)
{
    struct later *l = mem_new(sizeof *l);
    if (l == NULL) return NULL;
    *l = (struct later){.peer = c->peer, .next = c->peer->later, .link = &c->peer->later};
    l->id = c->id == NULL ? NULL : json_deep_copy(c->id);
    if (l->next != NULL) l->next->link = &l->next;
    c->peer->later = l;
    c->later = l;
    return l;
}

bool rpc_is_awaited(const struct later *l) { return l->peer != NULL; }

static void detach(struct later *l)
{
    if (l->peer == NULL) return;
    *l->link = l->next;
    if (l->next != NULL) l->next->link = l->link;
    l->peer = NULL;
}

static void answer_later(struct later *take, enum err e, const char *refused, const char *key, json_t *take_value)
{
    struct rpc_peer *p = take->peer;
    detach(take);
    if (p != NULL) {
        struct call c = {.rpc = p->rpc, .peer = p};
        json_t *result = e == ERR_OK ? json_object() : rpc_failed(&c, e, refused);
        if (result != NULL) rpc_set(result, key, json_incref(take_value));
        if (take->id != NULL || result == NULL) answer(p, take->id, result, &c);
        else json_decref(result);
    }
    json_decref(take_value);
    json_decref(take->id);
    mem_free(take);
}

void rpc_answer(struct later *take, enum err e, const char *refused, const char *key, int64_t value)
{
    answer_later(take, e, refused, key, json_integer(value));
}

void rpc_answer_text(struct later *take, enum err e, const char *refused, const char *key, const char *value)
{
    answer_later(take, e, refused, key, json_string(value));
}

// ------------------------------------------------------------------------------------------------------ peers and events

enum err rpc_new(const struct rpc_host *host, void *arg, struct rpc **out)
{
    struct rpc *r = mem_new(sizeof *r);
    if (r == NULL) return ERR_MEMORY;
    json_set_alloc_funcs(wiping_malloc, wiping_free);
    *r = (struct rpc){.host = *host, .arg = arg};
    *out = r;
    return ERR_OK;
}

void rpc_free(struct rpc *r)
{
    while (r != NULL && r->peers != NULL) rpc_peer_free(r->peers);
    mem_free(r);
}

// Everybody who follows events.
static void tell(struct rpc *r, const char *event, json_t *take_params)
{
    for (struct rpc_peer *p = r->peers, *next; p != NULL; p = next) {
        next = p->next;
        if (!p->follows) continue;
        json_t *o = json_object();
        rpc_set(o, "jsonrpc", json_string("2.0"));
        rpc_set(o, "method", json_string(event));
        rpc_set(o, "params", json_incref(take_params));
        send_json(p, o);
    }
    json_decref(take_params);
}

struct engine *rpc_opened(const struct rpc *r) { return r->e; }

void rpc_engine(struct rpc *r, struct engine *e)
{
    bool changed = (r->e == NULL) != (e == NULL);
    r->e = e;
    if (changed) tell(r, "profile", json_pack("{s:s}", "state", e != NULL ? "open" : "locked"));
}

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
    while (p->later != NULL) detach(p->later);
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
                                        [ENGINE_CLEARED] = "chat.deleted",
                                        [ENGINE_TYPING] = "typing",
                                        [ENGINE_GONE] = "message.gone",
                                        [ENGINE_ROUTE] = "route",
                                        [ENGINE_TRIED] = "tried",
                                        [ENGINE_WARNING] = "warning",
                                        [ENGINE_BACKUP] = "backup"};
    if (e->file != NULL) {
        const char *name = NULL;
        json_t *file = rpc_file_told(e, &name);
        tell(rpc, name, file);
        return;
    }
    json_t *params = json_object();
    if (e->chat != 0) rpc_set(params, "chat", json_integer(e->chat));
    if (e->message != 0) rpc_set(params, "message", json_integer(e->message));
    if (e->contact != 0) rpc_set(params, "contact", json_integer(e->contact));
    if (e->text != NULL) rpc_set(params, "text", json_string(e->text));
    if (e->kind == ENGINE_TYPING) rpc_set(params, "typing", json_boolean(e->typing));
    if (e->progress != NULL) {
        rpc_set(params, "done", json_integer((json_int_t)e->progress->done));
        rpc_set(params, "size", json_integer((json_int_t)e->progress->size));
    }
    rpc_put_reach(params, e);
    tell(rpc, names[e->kind], params);
}
