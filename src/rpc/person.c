// SPDX-License-Identifier: Apache-2.0
//
// Methods about the engine itself, invitations and contacts.
#include "rpc/inner.h"

#include <stdio.h>

json_t *rpc_engine_status(struct call *c)
{
    json_t *o = json_object();
    struct engine_self self;
    engine_self(c->e, &self);
    rpc_set(o, "account", rpc_json_hex(self.account, FORMAT_ID));
    rpc_set(o, "name", json_string(self.name));
    rpc_set(o, "relay", json_string(self.relay));
    rpc_set(o, "waiting", json_integer((json_int_t)engine_waiting(c->e)));
    rpc_set(o, "connected", json_boolean(self.connected));
    return o;
}

json_t *rpc_engine_wake(struct call *c)
{
    engine_wake(c->e);
    return json_true();
}

json_t *rpc_events_follow(struct call *c)
{
    c->peer->follows = true;
    return json_true();
}

static void add_setting(void *arg, const struct engine_setting_info *i, int64_t value)
{
    json_t *o = json_object();
    rpc_set(o, "name", json_string(i->name));
    rpc_set(o, "value", json_integer(value));
    rpc_set(o, "usual", json_integer(i->usual));
    rpc_set(o, "least", json_integer(i->least));
    rpc_set(o, "most", json_integer(i->most));
    rpc_set(o, "about", json_string(i->about));
    (void)json_array_append_new(arg, o);
}

json_t *rpc_settings_list(struct call *c)
{
    json_t *list = json_array();
    enum err e = engine_settings_each(c->e, add_setting, list);
    if (e == ERR_OK) return list;
    json_decref(list);
    return rpc_failed(c, e, "");
}

json_t *rpc_settings_set(struct call *c)
{
    return rpc_yes(c, engine_setting_put(c->e, rpc_text(c, "name"), rpc_int(c, "value", 0)),
                   "it cannot have that value: settings.list says which it can");
}

json_t *rpc_invite_create(struct call *c)
{
    char label[FORMAT_NAME_MAX + 1];
    struct span whom = rpc_text(c, "for");
    struct buf link;
    uint8_t flags = (uint8_t)((rpc_bool(c, "personal") ? INVITE_PERSONAL : 0) | (rpc_bool(c, "once") ? INVITE_ONCE : 0));
    if (whom.n > FORMAT_NAME_MAX) return rpc_fail(c, E_REFUSED, "`for` has 200 bytes at most");
    (void)snprintf(label, sizeof label, "%.*s", (int)whom.n, (const char *)whom.p);
    buf_init(&link, FORMAT_LINK_MAX);
    enum err e = engine_invite(c->e, flags, label, &link);
    json_t *o = e == ERR_OK ? json_object() : rpc_failed(c, e, "no invitation can be made");
    if (o != NULL) rpc_set(o, "link", json_string((const char *)link.p));
    buf_wipe(&link);
    return o;
}

static void add_invite(void *arg, const struct engine_invite_info *i)
{
    static const char *const states[] = {"", "open", "used", "revoked"};
    json_t *o = json_object();
    rpc_set(o, "id", json_integer(i->id));
    rpc_set(o, "state", json_string(states[i->state]));
    rpc_set(o, "for", rpc_json_text(i->label));
    rpc_set(o, "personal", json_boolean((i->flags & INVITE_PERSONAL) != 0));
    rpc_set(o, "once", json_boolean((i->flags & INVITE_ONCE) != 0));
    rpc_set(o, "created", json_integer((json_int_t)i->created));
    rpc_set(o, "uses", json_integer(i->uses));
    rpc_set(o, "chat", json_integer(i->chat));
    rpc_set(o, "asks", json_boolean(i->asks));
    rpc_set(o, "link", json_string(i->link));
    (void)json_array_append_new(arg, o);
}

json_t *rpc_invite_list(struct call *c)
{
    json_t *list = json_array();
    enum err e = engine_invites(c->e, add_invite, list);
    if (e == ERR_OK) return list;
    json_decref(list);
    return rpc_failed(c, e, "");
}

json_t *rpc_invite_revoke(struct call *c)
{
    return rpc_yes(c, engine_invite_revoke(c->e, rpc_int(c, "invite", 0)), "that invitation is over already");
}

// What the group is called that a link leads into; empty: it leads to somebody.
static json_t *group_of(struct span link)
{
    struct buf bytes;
    struct invite i = {0};
    buf_init(&bytes, FORMAT_LINK_MAX);
    enum err e = invite_from_link(link, &bytes);
    if (e == ERR_OK) e = invite_decode(buf_span(&bytes), &i);
    json_t *name = rpc_json_text(e == ERR_OK ? i.group : span_of("", 0));
    buf_wipe(&bytes);
    return name;
}

json_t *rpc_invite_accept(struct call *c)
{
    const char *why = "";
    int64_t contact = 0;
    enum err e = engine_accept(c->e, rpc_text(c, "link"), &contact, &why);
    json_t *o = e == ERR_OK ? json_object() : rpc_failed(c, e, why);
    if (o != NULL) rpc_set(o, "contact", json_integer(contact));
    if (o != NULL) rpc_set(o, "group", group_of(rpc_text(c, "link")));
    return o;
}

static void add_contact(void *arg, const struct engine_contact *x)
{
    static const char *const states[] = {"", "known", "request", "blocked", "stranger"};
    json_t *o = json_object();
    rpc_set(o, "id", json_integer(x->id));
    rpc_set(o, "name", rpc_json_text(x->name));
    rpc_set(o, "account", rpc_json_hex(x->account, FORMAT_ID));
    rpc_set(o, "state", json_string(states[x->state]));
    rpc_set(o, "verified", json_boolean(x->verified));
    rpc_set(o, "changed", json_integer((json_int_t)x->changed));
    (void)json_array_append_new(arg, o);
}

json_t *rpc_contact_list(struct call *c)
{
    json_t *list = json_array();
    enum err e = engine_contacts(c->e, 0, add_contact, list);
    if (e == ERR_OK) return list;
    json_decref(list);
    return rpc_failed(c, e, "");
}

json_t *rpc_contact_answer(struct call *c)
{
    return rpc_yes(c, engine_answer(c->e, rpc_int(c, "contact", 0), rpc_bool(c, "accept")), "they ask for nothing");
}

json_t *rpc_contact_block(struct call *c)
{
    return rpc_yes(c, engine_block(c->e, rpc_int(c, "contact", 0), rpc_bool(c, "blocked")), "");
}

json_t *rpc_contact_rename(struct call *c)
{
    return rpc_yes(c, engine_contact_rename(c->e, rpc_int(c, "contact", 0), rpc_text(c, "name")),
                   "a name has 1 to 200 bytes");
}

static json_t *safety_failed(struct call *c, enum err e)
{
    if (e != ERR_NOT_FOUND) return rpc_failed(c, e, "");
    return rpc_fail(c, E_NOT_FOUND,
                    "there is no such contact, or nothing has come from them yet: their key is not known");
}

json_t *rpc_contact_safety(struct call *c)
{
    char number[61], code[ENGINE_SAFETY_CODE];
    int64_t contact = rpc_int(c, "contact", 0);
    enum err e = engine_safety(c->e, contact, number);
    if (e == ERR_OK) e = engine_safety_code(c->e, contact, code);
    if (e != ERR_OK) return safety_failed(c, e);
    json_t *o = json_object();
    rpc_set(o, "number", json_string(number));
    rpc_set(o, "code", json_string(code));
    return o;
}

json_t *rpc_contact_compare(struct call *c)
{
    enum err e = engine_safety_compare(c->e, rpc_int(c, "contact", 0), (const char *)rpc_text(c, "shown").p);
    if (e == ERR_MALFORMED || e == ERR_UNSUPPORTED)
        return rpc_fail(c, E_REFUSED,
                        e == ERR_MALFORMED ? "that is no safety number, which has 60 digits, and no code"
                                           : "that code is of a newer version of Whimbrel; compare the digits");
    if (e != ERR_OK && e != ERR_UNAUTHENTICATED) return safety_failed(c, e);
    json_t *o = json_object();
    rpc_set(o, "same", json_boolean(e == ERR_OK));
    return o;
}

json_t *rpc_contact_verify(struct call *c)
{
    return rpc_yes(c, engine_verified(c->e, rpc_int(c, "contact", 0), rpc_bool(c, "verified")), "");
}

json_t *rpc_contact_confirm(struct call *c)
{
    const int64_t seen = rpc_int(c, "seen", 0);
    if (seen < 0) return rpc_fail(c, E_PARAMS, "`seen` is a time in milliseconds, or 0");
    enum err e = engine_confirm(c->e, rpc_int(c, "contact", 0), (uint64_t)seen);
    if (e == ERR_STALE) return rpc_fail(c, E_HELD, "their keys have changed once more since: look again");
    return rpc_yes(c, e, "");
}
