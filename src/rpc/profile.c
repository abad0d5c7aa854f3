// SPDX-License-Identifier: Apache-2.0
//
// Methods about the profile as a whole, which whoever holds the engine carries out. Most work while it is locked, or is not there yet.
#include "client/routes.h"
#include "rpc/inner.h"

#include <stdio.h>
#include <sys/stat.h>

enum { BACKUP_PATH_MAX = 4096 };

json_t *rpc_profile_status(struct call *c)
{
    struct rpc *r = c->rpc;
    unsigned opened = 0;
    struct engine_self self = {.name = ""};
    bool there = r->host.there(r->arg, &opened);
    json_t *o = json_object();
    if (c->e != NULL) engine_self(c->e, &self);
    rpc_set(o, "state", json_string(r->e != NULL ? "open" : there ? "locked" : "none"));
    rpc_set(o, "name", json_string(self.name));
    rpc_set(o, "passphrase", json_boolean((opened & 1U << VAULT_PASSPHRASE) != 0));
    rpc_set(o, "keyring", json_boolean((opened & 1U << VAULT_KEYRING) != 0));
    return o;
}

// A parameter that may be left out: then it has no pointer.
static struct span given(const struct call *c, const char *name)
{
    return rpc_has(c, name) ? rpc_text(c, name) : span_of(NULL, 0);
}

static json_t *done(struct call *c, enum err e, const char *why)
{
    if (e == ERR_OK) return json_true();
    return rpc_fail(c, e == ERR_UNAUTHENTICATED ? E_PASSPHRASE : E_REFUSED, why[0] != 0 ? why : err_text(e));
}

// How relays may be reached. The list is the caller's to wipe.
static bool read_routes(struct call *c, struct route list[REACH_ROUTES_MAX], struct engine_new *n)
{
    char text[sizeof c->text];
    const char *why = "";
    n->routes = list;
    if (rpc_has(c, "policy") && !reach_policy_find((const char *)rpc_text(c, "policy").p, &n->policy)) {
        (void)rpc_fail(c, E_PARAMS, "the policy is auto, proxy-only or tor-only");
        return false;
    }
    if (rpc_text(c, "proxies").n == 0 || routes_read(rpc_text(c, "proxies"), rpc_bool(c, "tor"), rpc_bool(c, "resolve"),
                                                     list, REACH_ROUTES_MAX, &n->route_n, &why) == ERR_OK)
        return true;
    (void)snprintf(text, sizeof text, "the proxies cannot be used: %s", why);
    (void)rpc_fail(c, E_REFUSED, text);
    return false;
}

json_t *rpc_profile_create(struct call *c)
{
    struct rpc *r = c->rpc;
    struct route list[REACH_ROUTES_MAX]; /* secret */
    const char *why = "";
    json_t *o = NULL;
    unsigned opened;
    struct engine_new n = {.name = (const char *)rpc_text(c, "name").p,
                           .relay = (const char *)rpc_text(c, "relay").p,
                           .password = (const char *)rpc_text(c, "password").p};
    if (r->e != NULL || r->host.there(r->arg, &opened)) return rpc_fail(c, E_REFUSED, "there is a profile already");
    if (read_routes(c, list, &n)) {
        enum err e = r->host.create(r->arg, &n, given(c, "passphrase"), &why);
        o = done(c, e, why);
    }
    mem_wipe(list, sizeof list);
    return o;
}

json_t *rpc_profile_unlock(struct call *c)
{
    struct rpc *r = c->rpc;
    const char *why = "";
    unsigned opened;
    if (r->e != NULL) return json_true();
    if (!r->host.there(r->arg, &opened)) return rpc_fail(c, E_NOT_FOUND, "there is no profile to open");
    enum err e = r->host.unlock(r->arg, given(c, "passphrase"), &why);
    return done(c, e, why);
}

json_t *rpc_profile_passphrase(struct call *c)
{
    const char *why = "";
    enum err e = c->rpc->host.passphrase(c->rpc->arg, given(c, "now"), rpc_text(c, "next"), &why);
    return done(c, e, why);
}

json_t *rpc_profile_keyring(struct call *c)
{
    const char *why = "";
    enum err e = c->rpc->host.keyring(c->rpc->arg, given(c, "now"), rpc_bool(c, "on"), &why);
    return done(c, e, why);
}

// Whoever has asked for an archive waits for it; its path is empty where the page fetches it.
struct waiting {
    struct rpc *rpc;
    struct later *later;
    char path[BACKUP_PATH_MAX];
};

static void on_backed(void *arg, enum err e)
{
    struct waiting *w = arg;
    struct stat st;
    if (w->path[0] == 0 && !rpc_is_awaited(w->later)) w->rpc->host.backup_stop(w->rpc->arg); // nobody will fetch it
    int64_t size = w->path[0] != 0 && stat(w->path, &st) == 0 ? (int64_t)st.st_size : 0;
    rpc_answer(w->later, e == ERR_OK ? e : ERR_REFUSED,
               e == ERR_REFUSED ? "it was stopped; nothing was written"
                                : "the archive cannot be written: is the disk full? Nothing was written",
               "size", size);
    mem_free(w);
}

json_t *rpc_profile_backup(struct call *c)
{
    const char *why = "", *path = rpc_has(c, "path") ? (const char *)rpc_text(c, "path").p : NULL;
    if (path != NULL && path[0] != '/') return rpc_fail(c, E_PARAMS, "`path` begins with /");
    struct waiting *w = mem_new(sizeof *w);
    if (w == NULL) return rpc_failed(c, ERR_MEMORY, "");
    w->rpc = c->rpc;
    w->later = rpc_later(c);
    bool fits = snprintf(w->path, sizeof w->path, "%s", path != NULL ? path : "") < (int)sizeof w->path;
    enum err e = w->later == NULL ? ERR_MEMORY : fits ? ERR_OK : ERR_LIMIT;
    if (e == ERR_OK) e = c->rpc->host.backup(c->rpc->arg, path, rpc_text(c, "passphrase"), on_backed, w, &why);
    if (e == ERR_OK) return NULL;
    if (w->later != NULL) rpc_answer(w->later, ERR_REFUSED, why[0] != 0 ? why : err_text(e), "size", 0);
    bool answered = w->later != NULL;
    mem_free(w);
    return answered ? NULL : rpc_failed(c, ERR_MEMORY, "");
}

json_t *rpc_profile_backup_stop(struct call *c)
{
    c->rpc->host.backup_stop(c->rpc->arg);
    return json_true();
}

json_t *rpc_profile_restore(struct call *c)
{
    struct rpc *r = c->rpc;
    const char *why = "";
    unsigned opened;
    if (r->e != NULL || r->host.there(r->arg, &opened)) return rpc_fail(c, E_REFUSED, "there is a profile already");
    enum err e = r->host.restore(r->arg, rpc_text(c, "passphrase"), &why);
    return done(c, e, why);
}

// ---------------------------------------------------------------------------------------------- other profiles, the page

static void add_profile(void *arg, const char *name, bool own, bool runs)
{
    json_t *o = json_object();
    rpc_set(o, "name", rpc_json_text(span_str(name)));
    rpc_set(o, "own", json_boolean(own));
    rpc_set(o, "runs", json_boolean(runs));
    (void)json_array_append_new(arg, o);
}

json_t *rpc_profiles_list(struct call *c)
{
    json_t *list = json_array();
    c->rpc->host.profiles(c->rpc->arg, add_profile, list);
    return list;
}

static void on_opened(void *arg, enum err e, const char *text) { rpc_answer_text(arg, e, text, "ticket", text); }

json_t *rpc_profiles_open(struct call *c)
{
    const char *why = "", *name = (const char *)rpc_text(c, "name").p;
    struct later *later = rpc_later(c);
    if (later == NULL) return rpc_failed(c, ERR_MEMORY, "");
    enum err e = c->rpc->host.open_profile(c->rpc->arg, name, rpc_bool(c, "make"), on_opened, later, &why);
    if (e != ERR_OK)
        rpc_answer_text(later, e == ERR_NOT_FOUND ? e : ERR_REFUSED, why[0] != 0 ? why : err_text(e), "ticket", "");
    return NULL;
}

json_t *rpc_profile_lock(struct call *c)
{
    c->rpc->host.lock(c->rpc->arg);
    c->e = NULL;
    return json_true();
}

json_t *rpc_ui_open(struct call *c)
{
    struct buf address;
    const char *why = "";
    buf_init(&address, 200);
    enum err e = c->rpc->host.page(c->rpc->arg, &address, &why);
    json_t *o = e == ERR_OK ? json_object() : rpc_fail(c, E_REFUSED, why);
    if (o != NULL) rpc_set(o, "address", json_string((const char *)address.p));
    buf_wipe(&address);
    return o;
}

json_t *rpc_engine_stop(struct call *c)
{
    c->rpc->host.stop(c->rpc->arg);
    return json_true();
}
