// SPDX-License-Identifier: Apache-2.0
//
// Routes: what the vault knows of them, put into the engine's reach before anything is sent. Invariant: a route or a policy is stored
// before it holds; but what gets stricter holds at once, even if it cannot be stored.
#include "client/routes.h"

#include "client/inner.h"
#include "reach/dial.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <strings.h>

enum { TRIALS_MAX = 16, TRIAL_MS = 15000 };
enum { ENVIRONMENT_ID = 0x3fffffff }; // above all that the vault gives, and below what relays have published

const char routes_tables[] =
    // policy, isolation: as in reach.h; networks: the key of networks' hashes. One row.
    "CREATE TABLE reach(one INTEGER PRIMARY KEY CHECK(one = 1), policy INTEGER NOT NULL, isolation INTEGER NOT NULL,"
    " networks BLOB NOT NULL) STRICT;"
    // id: never used twice, since networks remember it
    "CREATE TABLE route(id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, login INTEGER NOT NULL, host TEXT "
    "NOT NULL,"
    " port INTEGER NOT NULL, user TEXT NOT NULL, password TEXT NOT NULL, resolve INTEGER NOT NULL, transport TEXT NOT "
    "NULL,"
    " arguments TEXT NOT NULL, relay TEXT NOT NULL) STRICT;"
    // Which route worked last on which network.
    "CREATE TABLE worked(network INTEGER PRIMARY KEY, route INTEGER NOT NULL, time INTEGER NOT NULL) STRICT;";

struct trial {
    struct trial *next;
    struct engine *e;
    struct reach *own; // of a route that is not known; NULL
    struct net_tls *tls;
    struct dial *dial;
    uint32_t id, route;
    uint64_t began;
};

// ------------------------------------------------------------------------------------------------------------- loading

static void on_status(void *arg, const struct reach_status *s)
{
    struct engine *e = arg;
    if (!e->closing) engine_tell(e, (struct engine_event){.kind = ENGINE_ROUTE, .route = s});
}

static void on_worked(void *arg, uint64_t network, uint32_t route)
{
    struct engine *e = arg;
    db_begin(&e->db);
    sqlite3_stmt *q = db_sql(&e->db, "INSERT OR REPLACE INTO worked VALUES(?1, ?2, ?3)");
    db_int(q, 1, (int64_t)network);
    db_int(q, 2, route);
    db_int(q, 3, (int64_t)engine_now());
    (void)db_run(&e->db, q);
    q = db_sql(&e->db,
               "DELETE FROM worked WHERE network NOT IN (SELECT network FROM worked ORDER BY time DESC LIMIT ?1)");
    db_int(q, 1, REACH_NETWORKS_MAX);
    (void)db_run(&e->db, q);
    if (db_commit(&e->db) != ERR_OK) return; // another run begins with another route, and that is all
}

static bool take(struct db *d, sqlite3_stmt *q, int at, char *out, size_t room)
{
    struct span s = db_get(q, at);
    if (s.n >= room) d->err = ERR_CORRUPT;
    else if (s.n > 0) memcpy(out, s.p, s.n);
    return s.n < room;
}

static void load_routes(struct engine *e)
{
    struct db *d = &e->db;
    sqlite3_stmt *q =
        db_sql(d, "SELECT id, kind, login, port, resolve, host, user, password, transport, arguments, relay FROM route"
                  " ORDER BY id");
    while (db_row(d, q)) {
        uint32_t id = 0;
        struct route r = {.id = (uint32_t)db_get_int(q, 0),
                          .kind = (enum route_kind)db_get_int(q, 1),
                          .login = (enum socks5_mode)db_get_int(q, 2),
                          .port = (uint16_t)db_get_int(q, 3),
                          .resolve = db_get_int(q, 4) != 0};
        bool ok = take(d, q, 5, r.host, sizeof r.host) && take(d, q, 6, r.user, sizeof r.user) &&
                  take(d, q, 7, r.password, sizeof r.password) && take(d, q, 8, r.transport, sizeof r.transport) &&
                  take(d, q, 9, r.arguments, sizeof r.arguments) && take(d, q, 10, r.relay, sizeof r.relay);
        if (ok && reach_add(e->reach, &r, &id) != ERR_OK) d->err = ERR_CORRUPT;
        mem_wipe(&r, sizeof r);
    }
    q = db_sql(d, "SELECT network, route FROM worked ORDER BY time");
    while (db_row(d, q)) reach_remember(e->reach, (uint64_t)db_get_int(q, 0), (uint32_t)db_get_int(q, 1));
}

static void make_row(struct engine *e, const uint8_t networks[16], enum reach_policy policy)
{
    sqlite3_stmt *q = db_sql(&e->db, "INSERT OR IGNORE INTO reach VALUES(1, ?1, ?2, ?3)");
    db_int(q, 1, policy);
    db_int(q, 2, REACH_RELAY);
    db_blob(q, 3, span_of(networks, 16));
    (void)db_run(&e->db, q);
}

// It holds for what is tried by itself, too.
static void hold_policy(struct engine *e)
{
    enum reach_policy p = e->policy;
    if (e->environment != 0 && p == REACH_AUTO) p = REACH_PROXY_ONLY;
    if (reach_policy(e->reach) != p) reach_set_policy(e->reach, p);
    for (struct trial *t = e->trials; t != NULL; t = t->next) {
        if (t->own != NULL && reach_policy(t->own) != p) reach_set_policy(t->own, p);
    }
}

static enum err add_environment(struct engine *e)
{
    if (e->settings.proxy == NULL) return ERR_OK;
    struct route r = *e->settings.proxy; /* secret */
    r.id = ENVIRONMENT_ID;
    enum err x = reach_add(e->reach, &r, &e->environment);
    mem_wipe(&r, sizeof r);
    return x;
}

enum err routes_open(struct engine *e, const char *folder)
{
    struct reach_settings s = {.status = on_status, .worked = on_worked, .arg = e, .folder = e->transports};
    int64_t policy = REACH_POLICIES, isolation = REACH_ISOLATIONS;
    uint8_t networks[16] = {0}; /* secret */
    int n = snprintf(e->transports, sizeof e->transports, "%s/transports", folder);
    enum err x = n < (int)sizeof e->transports ? e->world.random(e->world.arg, networks, sizeof networks) : ERR_LIMIT;
    if (x != ERR_OK) return x;
    make_row(e, networks, REACH_AUTO);
    sqlite3_stmt *q = db_sql(&e->db, "SELECT policy, isolation, networks FROM reach");
    if (db_row(&e->db, q)) {
        policy = db_get_int(q, 0);
        isolation = db_get_int(q, 1);
        (void)db_get_fixed(&e->db, q, 2, networks, sizeof networks);
    }
    db_done(q);
    memcpy(s.networks, networks, sizeof networks);
    mem_wipe(networks, sizeof networks);
    if (e->db.err != ERR_OK) return e->db.err;
    if (policy < 0 || policy >= REACH_POLICIES || isolation < 0 || isolation >= REACH_ISOLATIONS) return ERR_CORRUPT;
    x = reach_new(e->loop, &s, &e->reach);
    mem_wipe(&s, sizeof s);
    if (x != ERR_OK) return x;
    e->policy = (enum reach_policy)policy;
    reach_set_isolation(e->reach, (enum reach_isolation)isolation);
    e->isolated = isolation == REACH_CONVERSATION;
    load_routes(e);
    if (e->db.err == ERR_OK) x = add_environment(e);
    hold_policy(e);
    e->settings.link.reach = e->reach;
    return x == ERR_OK ? e->db.err : x;
}

static void trial_free(struct trial *t)
{
    struct trial **at = &t->e->trials;
    while (*at != t) at = &(*at)->next;
    *at = t->next;
    dial_free(t->dial);
    reach_free(t->own);
    net_tls_unref(t->tls);
    mem_free_wiped(t, sizeof *t);
}

void routes_close(struct engine *e)
{
    while (e->trials != NULL) trial_free(e->trials);
    reach_free(e->reach);
    e->reach = NULL;
}

// -------------------------------------------------------------------------------------------------------------- routes

void engine_routes(struct engine *e, void (*each)(void *arg, const struct engine_route *r), void *arg)
{
    for (size_t i = 0; reach_at(e->reach, i) != NULL; i++) {
        struct engine_route r = {.route = reach_at(e->reach, i)};
        reach_status(e->reach, r.route->id, &r.status);
        if (r.status.when != 0) r.ago = net_loop_now(e->loop) - r.status.when;
        r.kept = !r.route->published && (r.route->id != e->environment || e->environment == 0);
        each(arg, &r);
    }
}

static bool names_somebody(const struct route *r)
{
    uint8_t address[16];
    return r->host[0] != '/' && strcasecmp(r->host, "localhost") != 0 && inet_pton(AF_INET, r->host, address) != 1 &&
           inet_pton(AF_INET6, r->host, address) != 1;
}

const char *routes_check(const struct route *r)
{
    const char *wrong = route_check(r);
    if (wrong == NULL && names_somebody(r) && !r->resolve)
        wrong = "the proxy is given by name, and looking that up goes past the proxy: give its numeric address, or "
                "allow the look-up";
    return wrong;
}

static void store_route(struct engine *e, const struct route *r)
{
    sqlite3_stmt *q = db_sql(&e->db, "INSERT INTO route VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
    if (r->id != 0) db_int(q, 1, r->id);
    db_int(q, 2, r->kind);
    db_int(q, 3, r->login);
    db_text(q, 4, span_str(r->host));
    db_int(q, 5, r->port);
    db_text(q, 6, span_str(r->user));
    db_text(q, 7, span_str(r->password));
    db_int(q, 8, r->resolve);
    db_text(q, 9, span_str(r->transport));
    db_text(q, 10, span_str(r->arguments));
    db_text(q, 11, span_str(r->relay));
    (void)db_run(&e->db, q);
}

// The next one: a socket's path is meant only by whoever writes it as a proxy, and so not looked for in the midst of other text.
static bool next_route(struct span *text, struct route_found *f)
{
    while (text->n > 0 && isspace(text->p[0])) *text = span_of(text->p + 1, text->n - 1);
    if (text->n < 5 || memcmp(text->p, "unix:", 5) != 0) return route_next(text, f);
    const uint8_t *end = memchr(text->p, '\n', text->n);
    size_t n = end == NULL ? text->n : (size_t)(end - text->p);
    *f = (struct route_found){.text = span_of(text->p, n)};
    f->err = route_read(f->text, false, &f->route, &f->why);
    *text = span_of(text->p + n, text->n - n);
    return true;
}

enum err routes_read(struct span text, bool tor, bool resolve, struct route *list, size_t max, size_t *n,
                     const char **why)
{
    struct route_found f;
    enum err x = ERR_OK;
    *n = 0;
    *why = "there is no proxy in it";
    while (x == ERR_OK && next_route(&text, &f)) {
        x = f.err;
        *why = f.why;
        if (x == ERR_OK && *n == max) x = ERR_LIMIT, *why = "there are too many";
        if (x == ERR_OK) {
            struct route *r = &list[(*n)++];
            *r = f.route;
            r->resolve = resolve;
            if (tor) x = route_as_tor(r, why);
            if (x == ERR_OK && (*why = routes_check(r)) != NULL) x = ERR_INVALID;
        }
        mem_wipe(&f, sizeof f);
    }
    if (x != ERR_OK) return ERR_INVALID;
    return *n > 0 ? ERR_OK : ERR_INVALID;
}

const char *routes_check_new(const struct engine_new *n)
{
    bool any = n->policy == REACH_AUTO;
    for (size_t i = 0; i < n->route_n; i++) {
        const char *wrong = routes_check(&n->routes[i]);
        if (wrong != NULL) return wrong;
        any = any || n->policy == REACH_PROXY_ONLY || n->routes[i].kind == ROUTE_TOR;
    }
    return any                           ? NULL
           : n->policy == REACH_TOR_ONLY ? "under the policy tor-only Tor's proxy must be given, too"
                                         : "under the policy proxy-only a proxy must be given, too";
}

enum err routes_make(struct engine *e, const struct engine_new *n)
{
    uint8_t networks[16]; /* secret */
    enum err x = e->world.random(e->world.arg, networks, sizeof networks);
    if (x != ERR_OK) return x;
    db_begin(&e->db);
    make_row(e, networks, n->policy);
    for (size_t i = 0; i < n->route_n; i++) {
        struct route copy = n->routes[i]; /* secret */
        copy.id = 0;
        store_route(e, &copy);
        mem_wipe(&copy, sizeof copy);
    }
    mem_wipe(networks, sizeof networks);
    return db_commit(&e->db);
}

enum err engine_route_add(struct engine *e, const struct route *r, uint32_t *id, const char **why)
{
    size_t n = 0;
    *why = routes_check(r);
    if (*why != NULL) return ERR_INVALID;
    for (const struct route *x; (x = reach_at(e->reach, n)) != NULL; n++) {
        if (!route_same(x, r) || x->id == e->environment || x->published) continue; // those two do not stay
        *id = x->id;
        return ERR_OK;
    }
    *why = "there are as many routes as there can be; remove one that does not work";
    if (n > REACH_ROUTES_MAX) return ERR_LIMIT;
    struct route copy = *r; /* secret */
    db_begin(&e->db);
    copy.id = 0;
    store_route(e, &copy);
    copy.id = (uint32_t)db_last_id(&e->db);
    enum err x = db_commit(&e->db);
    if (x == ERR_OK) x = reach_add(e->reach, &copy, id);
    mem_wipe(&copy, sizeof copy);
    return x;
}

enum err engine_route_remove(struct engine *e, uint32_t id)
{
    if (reach_find(e->reach, id) == NULL) return ERR_NOT_FOUND;
    if (id == ROUTE_DIRECT_ID || id == e->environment || reach_find(e->reach, id)->published) return ERR_REFUSED;
    db_begin(&e->db);
    sqlite3_stmt *q = db_sql(&e->db, "DELETE FROM route WHERE id = ?1");
    db_int(q, 1, id);
    (void)db_run(&e->db, q);
    enum err x = db_commit(&e->db);
    return x == ERR_OK ? reach_remove(e->reach, id) : x;
}

// -------------------------------------------------------------------------------------------------------------- policy

enum reach_policy engine_policy(const struct engine *e) { return reach_policy(e->reach); }
enum reach_isolation engine_isolation(const struct engine *e) { return reach_isolation(e->reach); }

enum err engine_set_policy(struct engine *e, enum reach_policy p)
{
    if (p > e->policy) { // stricter
        e->policy = p;
        hold_policy(e);
    }
    db_begin(&e->db);
    sqlite3_stmt *q = db_sql(&e->db, "UPDATE reach SET policy = ?1");
    db_int(q, 1, p);
    (void)db_run(&e->db, q);
    enum err x = db_commit(&e->db);
    if (x != ERR_OK) return x;
    e->policy = p;
    hold_policy(e);
    return ERR_OK;
}

enum err engine_set_isolation(struct engine *e, enum reach_isolation i)
{
    db_begin(&e->db);
    sqlite3_stmt *q = db_sql(&e->db, "UPDATE reach SET isolation = ?1");
    db_int(q, 1, i);
    (void)db_run(&e->db, q);
    enum err x = db_commit(&e->db);
    if (x == ERR_OK) reach_set_isolation(e->reach, i);
    return x;
}

// -------------------------------------------------------------------------------------------------------------- trials

static void nobody_data(void *arg, uint8_t *bytes, size_t n)
{
    (void)arg;
    (void)bytes;
    (void)n;
}

static void nobody_closed(void *arg, enum err why)
{
    (void)arg;
    (void)why;
}

static void tried(struct trial *t, const struct reach_failure *why)
{
    struct engine *e = t->e;
    struct engine_trial end = {
        .trial = t->id, .works = why == NULL, .ms = (uint32_t)(net_loop_now(e->loop) - t->began)};
    if (why != NULL) end.why = *why;
    t->dial = NULL; // it has ended
    trial_free(t);
    engine_tell(e, (struct engine_event){.kind = ENGINE_TRIED, .trial = &end});
}

static void on_won(void *arg, struct net_conn *c, uint32_t route)
{
    static const struct net_owner nobody = {.data = nobody_data, .closed = nobody_closed};
    (void)route;
    net_conn_owner(c, &nobody, NULL);
    net_conn_close(c);
    tried(arg, NULL);
}

static void on_lost(void *arg, const struct reach_failure *why) { tried(arg, why); }

// A route that is not known is tried by itself, under the engine's policy.
static enum err stand_alone(struct trial *t, const struct route *r)
{
    const struct reach_settings s = {.folder = t->e->transports};
    struct route copy = *r; /* secret */
    copy.id = 0;
    enum err x = reach_new(t->e->loop, &s, &t->own);
    if (x == ERR_OK) reach_set_policy(t->own, reach_policy(t->e->reach));
    if (x == ERR_OK) x = reach_add(t->own, &copy, &t->route);
    mem_wipe(&copy, sizeof copy);
    return x;
}

static bool is_known(const struct route *r) { return r->id != 0 || r->kind == ROUTE_DIRECT; }

static enum err begin(struct trial *t, const struct route *r, const char **why)
{
    static const struct dial_events events = {.won = on_won, .lost = on_lost};
    struct link_address relay;
    t->route = r->id;
    enum err x = link_address_read(span_str(t->e->self.relay), &relay, why);
    if (x == ERR_OK && !is_known(r)) x = stand_alone(t, r);
    struct reach *reach = t->own != NULL ? t->own : t->e->reach;
    if (x == ERR_OK && !reach_allows(reach, t->route, relay.host, relay.port)) {
        *why = "the policy does not allow this route, or it leads to another relay";
        x = ERR_REFUSED;
    }
    if (x == ERR_OK) x = net_tls_client(relay.pin, &t->tls);
    const struct dial_to to = {
        .host = relay.host, .port = relay.port, .tls = t->tls, .ms = TRIAL_MS, .only = true, .route = t->route};
    if (x == ERR_OK) x = dial_start(t->e->loop, reach, &to, &events, t, &t->dial);
    mem_wipe(&relay, sizeof relay);
    return x;
}

enum err engine_route_try(struct engine *e, const struct route *r, uint32_t *trial, const char **why)
{
    size_t n = 0;
    for (const struct trial *t = e->trials; t != NULL; t = t->next) n++;
    *why = is_known(r) ? NULL : routes_check(r);
    if (*why != NULL) return ERR_INVALID;
    if (is_known(r) && reach_find(e->reach, r->id) == NULL) return ERR_NOT_FOUND;
    *why = "so many are being tried already; wait for them";
    if (n >= TRIALS_MAX) return ERR_LIMIT;
    struct trial *t = mem_new(sizeof *t);
    if (t == NULL) return ERR_MEMORY;
    *t = (struct trial){.e = e, .next = e->trials, .id = ++e->last_trial, .began = net_loop_now(e->loop)};
    e->trials = t;
    enum err x = begin(t, r, why);
    if (x == ERR_OK) *trial = t->id;
    else trial_free(t);
    return x;
}
