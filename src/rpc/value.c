// SPDX-License-Identifier: Apache-2.0
//
// Values: what methods read from parameters, and write into results and errors.
#include "rpc/inner.h"

#include <stdio.h>

json_t *rpc_fail(struct call *c, int code, const char *text)
{
    c->code = code;
    (void)snprintf(c->text, sizeof c->text, "%s", text);
    return NULL;
}

// Says what was named and is not there; which of them it is, if they are several, whoever asked can tell.
static json_t *not_found(struct call *c)
{
    static const char *const named[] = {"chat", "message", "contact", "invite", "upload", "file", "route", "warning"};
    char text[sizeof c->text] = "";
    size_t n = 0;
    for (size_t i = 0; i < sizeof named / sizeof named[0] && n < sizeof text; i++) {
        const json_t *v = json_object_get(c->params, named[i]);
        if (!json_is_integer(v)) continue;
        n += (size_t)snprintf(text + n, sizeof text - n, "%s %s %" JSON_INTEGER_FORMAT,
                              n == 0 ? "there is no" : ", or no", named[i], json_integer_value(v));
    }
    return rpc_fail(c, E_NOT_FOUND, n == 0 ? "there is no such thing" : text);
}

// What an error of the engine is to whoever asked; NULL, as a result.
json_t *rpc_failed(struct call *c, enum err e, const char *refused)
{
    switch (e) {
    case ERR_NOT_FOUND: return not_found(c);
    case ERR_UNAUTHENTICATED:
        return rpc_fail(
            c, E_HELD,
            "not sent: somebody here has another device than before, and whoever has got at their account could have"
            " made it. Ask them, over another way, whether it is theirs; then `whimbrel contact confirm` lets it go");
    case ERR_INVALID:
    case ERR_REFUSED:
    case ERR_LIMIT:
    case ERR_MISUSE: return rpc_fail(c, E_REFUSED, refused);
    case ERR_IO:
        return rpc_fail(
            c, E_FAILED,
            "the profile cannot be written: is the disk full? Nothing was changed: make space, then try again");
    default: return rpc_fail(c, E_FAILED, err_text(e));
    }
}

json_t *rpc_yes(struct call *c, enum err e, const char *refused)
{
    return e == ERR_OK ? json_true() : rpc_failed(c, e, refused);
}

int64_t rpc_int(const struct call *c, const char *name, int64_t otherwise)
{
    const json_t *v = json_object_get(c->params, name);
    return v == NULL ? otherwise : json_integer_value(v);
}

bool rpc_bool(const struct call *c, const char *name) { return json_is_true(json_object_get(c->params, name)); }

struct span rpc_text(const struct call *c, const char *name)
{
    const json_t *v = json_object_get(c->params, name);
    return v == NULL ? span_of("", 0) : span_of(json_string_value(v), json_string_length(v));
}

size_t rpc_ints(const struct call *c, const char *name, int64_t out[INTS_MAX])
{
    const json_t *v = json_object_get(c->params, name);
    size_t n = json_array_size(v);
    for (size_t i = 0; i < n; i++) out[i] = json_integer_value(json_array_get(v, i));
    return n;
}

json_t *rpc_json_text(struct span s)
{
    json_t *t = json_stringn((const char *)s.p, s.n); // NULL if it is not UTF-8
    return t != NULL ? t : json_string("");
}

json_t *rpc_json_hex(const uint8_t *p, size_t n)
{
    char text[129] = "";
    for (size_t i = 0; i < n && i < 64; i++) (void)snprintf(text + 2 * i, 3, "%02x", p[i]);
    return json_string(text);
}

void rpc_set(json_t *object, const char *key, json_t *take) { (void)json_object_set_new(object, key, take); }

bool rpc_has(const struct call *c, const char *name) { return json_object_get(c->params, name) != NULL; }

json_t *rpc_json_one(struct call *c, enum err e, const char *key, int64_t value, const char *refused)
{
    json_t *o = e == ERR_OK ? json_object() : rpc_failed(c, e, refused);
    if (o != NULL) rpc_set(o, key, json_integer(value));
    return o;
}
