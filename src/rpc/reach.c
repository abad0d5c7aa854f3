// SPDX-License-Identifier: Apache-2.0
//
// Methods about routes and proxies, and the two events about them.
#include "client/routes.h"
#include "rpc/inner.h"

#include <stdio.h>

static const char *const states[] = {
    [REACH_UNTRIED] = "untried", [REACH_TRYING] = "trying", [REACH_WORKS] = "works", [REACH_FAILS] = "fails"};

static bool has_secrets(const struct route *r)
{
    return r->login == SOCKS5_LOGIN || (r->kind == ROUTE_TRANSPORT && r->arguments[0] != 0);
}

// ------------------------------------------------------------------------------------------------------------- proxies

// What the parameters of proxy.add describe.
static bool read_route(struct call *c, struct route *out)
{
    const char *why = "";
    struct span relay = rpc_text(c, "relay");
    enum err e = route_read(rpc_text(c, "link"), rpc_bool(c, "tor"), out, &why);
    out->resolve = rpc_bool(c, "resolve");
    if (e == ERR_OK && relay.n > 0) {
        if (relay.n >= sizeof out->relay || out->kind != ROUTE_TRANSPORT) {
            e = ERR_INVALID;
            why = "`relay` is the host of one relay, and for a bridge";
        } else {
            memcpy(out->relay, relay.p, relay.n);
        }
    }
    if (e == ERR_OK) return true;
    mem_wipe(out, sizeof *out);
    char text[sizeof c->text];
    (void)snprintf(text, sizeof text, "this is no proxy that can be used: %s", why);
    (void)rpc_fail(c, E_REFUSED, text);
    return false;
}

json_t *rpc_proxy_add(struct call *c)
{
    struct route r; /* secret */
    const char *why = "";
    uint32_t id = 0;
    if (!read_route(c, &r)) return NULL;
    enum err e = engine_route_add(c->e, &r, &id, &why);
    mem_wipe(&r, sizeof r);
    return rpc_json_one(c, e, "route", id, why);
}

static bool route_in(struct call *c, uint32_t *id)
{
    int64_t v = rpc_int(c, "route", 0);
    if (v >= 0 && v <= UINT32_MAX) *id = (uint32_t)v;
    else (void)rpc_fail(c, E_NOT_FOUND, "there is no such route");
    return v >= 0 && v <= UINT32_MAX;
}

json_t *rpc_proxy_remove(struct call *c)
{
    uint32_t id = 0;
    if (!route_in(c, &id)) return NULL;
    return rpc_yes(c, engine_route_remove(c->e, id),
                   id == 0 ? "the direct way is not removed; set the policy to proxy-only"
                           : "this one comes from the environment (ALL_PROXY), or the relay has published it");
}

struct search {
    uint32_t id;
    bool found;
    struct route route; /* secret */
};

static void look_at(void *arg, const struct engine_route *r)
{
    struct search *s = arg;
    if (r->route->id != s->id || s->id == 0) return;
    s->route = *r->route;
    s->found = true;
}

static enum proxylink_form form_in(const struct call *c)
{
    struct span form = rpc_text(c, "form");
    if (form.n == 0 || strcmp((const char *)form.p, "url") == 0) return PROXYLINK_URL;
    if (strcmp((const char *)form.p, "tg") == 0) return PROXYLINK_TG;
    return strcmp((const char *)form.p, "web") == 0 ? PROXYLINK_WEB : 0;
}

static json_t *share(struct call *c, const struct route *r, enum proxylink_form form)
{
    char text[ROUTE_TEXT]; /* secret */
    if (has_secrets(r) && !rpc_has(c, "secrets"))
        return rpc_fail(c, E_REFUSED,
                        "it has a password, or a bridge's arguments: say whether `secrets` go with the link");
    enum err e = route_write(r, form, rpc_bool(c, "secrets"), text);
    json_t *o = e == ERR_OK
                    ? json_object()
                    : rpc_fail(c, E_REFUSED, "there are no links of that form to proxies of this kind; take url");
    if (o != NULL) rpc_set(o, "link", json_string(text));
    mem_wipe(text, sizeof text);
    return o;
}

json_t *rpc_proxy_share(struct call *c)
{
    struct search s = {0};
    enum proxylink_form form = form_in(c);
    if (!route_in(c, &s.id)) return NULL;
    if (form == 0) return rpc_fail(c, E_PARAMS, "`form` is url, tg or web");
    engine_routes(c->e, look_at, &s);
    json_t *o = s.found ? share(c, &s.route, form) : rpc_fail(c, E_NOT_FOUND, "there is no such proxy");
    mem_wipe(&s, sizeof s);
    return o;
}

json_t *rpc_proxy_test(struct call *c)
{
    struct route r = {0}; /* secret */
    const char *why = "";
    uint32_t trial = 0;
    enum err e = ERR_OK;
    if (rpc_has(c, "route") == rpc_has(c, "link"))
        return rpc_fail(c, E_PARAMS, "proxy.test wants `route` or `link`, one of the two");
    if (rpc_has(c, "link") ? !read_route(c, &r) : !route_in(c, &r.id)) return NULL;
    e = engine_route_try(c->e, &r, &trial, &why);
    mem_wipe(&r, sizeof r);
    return rpc_json_one(c, e, "trial", trial, why);
}

json_t *rpc_proxy_find(struct call *c)
{
    char text[ROUTE_TEXT], place[REACH_HOST_MAX + 16];
    struct route_found f;
    struct span rest = rpc_text(c, "text");
    json_t *list = json_array();
    while (route_next(&rest, &f) && json_array_size(list) < LIST_USUAL) {
        json_t *o = json_object();
        bool ok = f.err == ERR_OK && route_write(&f.route, PROXYLINK_URL, true, text) == ERR_OK;
        if (ok) route_place(&f.route, place);
        else route_shown(f.text, text);
        rpc_set(o, "kind", json_string(ok ? route_kind_name(f.route.kind) : "socks5"));
        rpc_set(o, "place", ok ? json_string(place) : rpc_json_text(span_str(text)));
        rpc_set(o, "link", json_string(ok ? text : ""));
        rpc_set(o, "secrets", json_boolean(ok && has_secrets(&f.route)));
        rpc_set(o, "text", json_string(ok ? "" : f.why));
        (void)json_array_append_new(list, o);
        mem_wipe(&f, sizeof f);
    }
    mem_wipe(text, sizeof text);
    return list;
}

// -------------------------------------------------------------------------------------------------------------- routes

static void add_route(void *arg, const struct engine_route *r)
{
    char place[REACH_HOST_MAX + 16];
    const struct reach_status *s = &r->status;
    json_t *o = json_object();
    route_place(r->route, place);
    rpc_set(o, "id", json_integer(r->route->id));
    rpc_set(o, "kind", json_string(route_kind_name(r->route->kind)));
    rpc_set(o, "place", json_string(place));
    rpc_set(o, "transport", json_string(r->route->transport));
    rpc_set(o, "user", rpc_json_text(span_str(r->route->user)));
    rpc_set(o, "secrets", json_boolean(has_secrets(r->route)));
    rpc_set(o, "resolve", json_boolean(r->route->resolve));
    rpc_set(o, "kept", json_boolean(r->kept));
    rpc_set(o, "published", json_boolean(r->route->published));
    rpc_set(o, "allowed", json_boolean(s->allowed));
    rpc_set(o, "state", json_string(states[s->state]));
    rpc_set(o, "text", json_string(s->state == REACH_FAILS ? reach_failure_text(&s->why) : ""));
    rpc_set(o, "ms", json_integer(s->ms));
    rpc_set(o, "ago", json_integer((json_int_t)r->ago));
    rpc_set(o, "used", json_integer(s->in_use));
    (void)json_array_append_new(arg, o);
}

json_t *rpc_route_list(struct call *c)
{
    json_t *list = json_array();
    engine_routes(c->e, add_route, list);
    return list;
}

json_t *rpc_route_settings(struct call *c)
{
    json_t *o = json_object();
    rpc_set(o, "policy", json_string(reach_policy_name(engine_policy(c->e))));
    rpc_set(o, "isolation", json_string(reach_isolation_name(engine_isolation(c->e))));
    return o;
}

json_t *rpc_route_policy(struct call *c)
{
    enum reach_policy p;
    if (reach_policy_find((const char *)rpc_text(c, "policy").p, &p)) {
        return rpc_yes(c, engine_set_policy(c->e, p), "");
    }
    return rpc_fail(c, E_PARAMS, "the policy is auto, proxy-only or tor-only");
}

json_t *rpc_route_isolation(struct call *c)
{
    const char *wanted = (const char *)rpc_text(c, "isolation").p;
    for (enum reach_isolation i = 0; i < REACH_ISOLATIONS; i++) {
        if (strcmp(reach_isolation_name(i), wanted) == 0) return rpc_yes(c, engine_set_isolation(c->e, i), "");
    }
    return rpc_fail(c, E_PARAMS, "isolation is by profile, relay or conversation");
}

// -------------------------------------------------------------------------------------------------------------- events

void rpc_put_reach(json_t *params, const struct engine_event *e)
{
    const struct reach_status *s = e->route;
    const struct engine_trial *t = e->trial;
    if (s != NULL) {
        rpc_set(params, "route", json_integer(s->route));
        rpc_set(params, "state", json_string(states[s->state]));
        rpc_set(params, "ms", json_integer(s->ms));
        rpc_set(params, "used", json_integer(s->in_use));
        if (s->state == REACH_FAILS) rpc_set(params, "text", json_string(reach_failure_text(&s->why)));
    }
    if (t != NULL) {
        rpc_set(params, "trial", json_integer(t->trial));
        rpc_set(params, "works", json_boolean(t->works));
        rpc_set(params, "ms", json_integer(t->ms));
        if (!t->works) rpc_set(params, "text", json_string(reach_failure_text(&t->why)));
    }
}
