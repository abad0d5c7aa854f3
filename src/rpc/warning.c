// SPDX-License-Identifier: Apache-2.0
//
// Methods about warnings.
#include "rpc/inner.h"

static void add_warning(void *arg, const struct engine_warning *w)
{
    json_t *o = json_object();
    rpc_set(o, "id", json_integer(w->id));
    rpc_set(o, "chat", json_integer(w->chat));
    rpc_set(o, "contact", json_integer(w->contact));
    rpc_set(o, "time", json_integer((json_int_t)w->time));
    rpc_set(o, "text", rpc_json_text(w->text));
    (void)json_array_append_new(arg, o);
}

json_t *rpc_warning_list(struct call *c)
{
    json_t *list = json_array();
    enum err e = engine_warnings(c->e, add_warning, list);
    if (e == ERR_OK) return list;
    json_decref(list);
    return rpc_failed(c, e, "");
}

json_t *rpc_warning_seen(struct call *c)
{
    return rpc_yes(c, engine_warning_seen(c->e, rpc_int(c, "warning", 0)), "");
}
