// SPDX-License-Identifier: Apache-2.0
//
// Which relays the engine has to do with.
#include "client/relays.h"
#include "rpc/inner.h"

static void add_relay(void *arg, const struct engine_relay *r)
{
    static const char *const hosting[] = {
        [WIRE_HOSTING_OPEN] = "open", [WIRE_HOSTING_PASSWORD] = "password", [WIRE_HOSTING_CLOSED] = "closed"};
    const struct wire_limits *l = r->limits;
    json_t *o = json_object(), *others = json_array();
    for (size_t i = 0; i < r->other_n; i++) (void)json_array_append_new(others, rpc_json_text(span_str(r->others[i])));
    rpc_set(o, "place", rpc_json_text(span_str(r->place)));
    rpc_set(o, "own", json_boolean(r->own));
    rpc_set(o, "connected", json_boolean(r->connected));
    rpc_set(o, "route", json_integer(r->route));
    rpc_set(o, "chats", json_integer((json_int_t)r->chats));
    rpc_set(o, "contacts", json_integer((json_int_t)r->contacts));
    rpc_set(o, "others", others);
    rpc_set(o, "keeps", json_integer(l == NULL ? 0 : l->retention));
    rpc_set(o, "file", json_integer(l == NULL || l->blob > INT64_MAX ? 0 : (json_int_t)l->blob));
    rpc_set(o, "hosting", json_string(l == NULL || l->hosting > WIRE_HOSTING_CLOSED ? "unknown" : hosting[l->hosting]));
    (void)json_array_append_new(arg, o);
}

json_t *rpc_relay_list(struct call *c)
{
    json_t *list = json_array();
    enum err e = engine_relays(c->e, add_relay, list);
    if (e == ERR_OK) return list;
    json_decref(list);
    return rpc_failed(c, e, "");
}
