// SPDX-License-Identifier: Apache-2.0
//
// A way's hops. Invariants: the relay's name is looked up on the direct route alone, a proxy's only where both user and policy let it; what is
// connected to is the relay's address on the direct route and the proxy's on each other; and each hop has a time in which it must be done.
#include "reach/way.h"

#include "reach/ptline.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>

static void over(struct way *w, enum reach_hop hop, enum err e, int os)
{
    w->failure = (struct reach_failure){.hop = hop, .err = e, .os = os};
    w->state = WAY_OVER;
    net_timer_stop(&w->timer);
}

static bool direct(const struct way *w) { return w->route.kind == ROUTE_DIRECT; }

static bool slow(const struct way *w)
{
    return w->route.kind == ROUTE_TOR || w->route.kind == ROUTE_TRANSPORT || reach_is_onion(w->race->to.host);
}

// Whose address it is that does not answer.
static enum reach_hop nearest(const struct way *w)
{
    return direct(w) ? HOP_RELAY : w->route.kind == ROUTE_TRANSPORT ? HOP_LAUNCH : HOP_PROXY;
}

// What a transport says of the way to its bridge.
static void name_bridge(struct way *w)
{
    if (w->route.kind == ROUTE_TRANSPORT && w->failure.hop == HOP_BEYOND) w->failure.hop = HOP_BRIDGE;
}

static void note_end(struct way *w, bool conclude)
{
    struct reach *r = w->race->reach;
    bool proved = w->state == WAY_WON;
    if (r != NULL && w->began != 0)
        reach_tried(r, w->route.id, conclude && !proved ? &w->failure : NULL, w->began, proved);
    else if (r != NULL && conclude && !proved) reach_failed(r, w->route.id, &w->failure);
    w->began = 0;
}

// From the loop.
static void end(struct way *w)
{
    note_end(w, true);
    w->race->done(w);
}

// ------------------------------------------------------------------------------------------------------------ the time

static void on_late(struct net_timer *t)
{
    struct way *w = (struct way *)(void *)((char *)t - offsetof(struct way, timer));
    way_stop(w);
    end(w);
}

static void hop_time(struct way *w)
{
    const struct reach *r = w->race->reach;
    uint32_t ms = r == NULL ? REACH_HOP_MS : slow(w) ? r->s.slow_hop_ms : r->s.hop_ms;
    net_timer_start(w->race->loop, &w->timer, ms, on_late);
}

// ----------------------------------------------------------------------------------------------------- the connection

static void talked(struct way *w, enum reach_step step)
{
    if (step == REACH_DONE) {
        w->state = WAY_PROVING;
        net_conn_secure(w->conn);
        hop_time(w);
    } else if (step == REACH_FAILED) {
        w->failure = w->route.kind == ROUTE_HTTP ? w->http.failure : w->socks.failure;
        name_bridge(w);
        w->state = WAY_OVER; // `closed` goes on from here
        net_conn_reset(w->conn);
    }
}

static enum err open_socks(struct way *w, struct span *send)
{
    struct way_race *race = w->race;
    const struct route *r = &w->route;
    char user[17], password[17]; /* secret */
    struct span login[2] = {span_str(r->user), span_str(r->password)};
    enum socks5_mode mode = r->login;
    struct reach_target bridge = {.port = r->port};
    if (r->kind == ROUTE_TRANSPORT) { // its arguments stand in the login, and where it leads is the bridge
        (void)snprintf(bridge.host, sizeof bridge.host, "%s", r->host);
        pt_login(r->arguments, &login[0], &login[1]);
        mode = r->arguments[0] == 0 ? SOCKS5_OPEN : SOCKS5_LOGIN;
    }
    if (r->login == SOCKS5_ISOLATE) {
        reach_login(race->reach, race->to.host, race->to.port, race->circuit, user, password);
        login[0] = span_str(user);
        login[1] = span_str(password);
    }
    enum err e =
        socks5_open(&w->socks, mode, login[0], login[1], r->kind == ROUTE_TRANSPORT ? &bridge : &race->to, send);
    mem_wipe(user, sizeof user);
    mem_wipe(password, sizeof password);
    return e;
}

static void on_connected(void *arg, struct net_conn *c)
{
    struct way *w = arg;
    struct span send = span_of(NULL, 0);
    struct buf head;
    enum err e = ERR_OK;
    hop_time(w);
    if (direct(w)) {
        w->state = WAY_PROVING;
        net_conn_secure(c);
        return;
    }
    w->state = WAY_TALKING;
    buf_init(&head, 4096);
    if (w->route.kind == ROUTE_HTTP) {
        e = connect_open(&w->http, span_str(w->route.user), span_str(w->route.password), &w->race->to, &head);
        send = buf_span(&head);
    } else {
        e = open_socks(w, &send);
    }
    if (e == ERR_OK) {
        net_conn_raw(c, send);
    } else {
        over(w, HOP_GREETING, e, 0);
        net_conn_reset(c);
    }
    buf_wipe(&head);
}

static size_t on_answer(void *arg, struct net_conn *c, struct span bytes)
{
    struct way *w = arg;
    struct span send = span_of(NULL, 0);
    size_t used = bytes.n;
    if (w->state != WAY_TALKING) return used;
    enum reach_step step = w->route.kind == ROUTE_HTTP ? connect_take(&w->http, bytes, &used)
                                                       : socks5_take(&w->socks, bytes, &used, &send);
    if (send.n > 0) { // the proxy has gone a step on, and gets its time for the next
        hop_time(w);
        net_conn_raw(c, send);
    }
    talked(w, step);
    return used;
}

static const struct net_prelude prelude = {.begin = on_connected, .data = on_answer};

static void on_open(void *arg)
{
    struct way *w = arg;
    net_timer_stop(&w->timer);
    w->state = WAY_WON;
    end(w);
}

// What it means that the connection is gone, or too slow, at this point.
static void conclude(struct way *w, enum err why, int os)
{
    bool late = why == ERR_LIMIT;
    switch (w->state) {
    case WAY_LAUNCHING: over(w, HOP_LAUNCH, why, 0); break;
    case WAY_LOOKING: over(w, direct(w) ? HOP_NAME : HOP_PROXY_NAME, why, 0); break;
    case WAY_CONNECTING: over(w, nearest(w), why, os); break;
    case WAY_TALKING:
        if (w->route.kind == ROUTE_HTTP) connect_closed(&w->http, late);
        else socks5_closed(&w->socks, late);
        w->failure = w->route.kind == ROUTE_HTTP ? w->http.failure : w->socks.failure;
        w->failure.os = os;
        name_bridge(w);
        break;
    case WAY_PROVING: over(w, why == ERR_UNAUTHENTICATED ? HOP_KEY : HOP_TLS, why, os); break;
    default: break;
    }
    w->state = WAY_OVER;
}

static void on_closed(void *arg, enum err why)
{
    struct way *w = arg;
    int os = net_conn_errno(w->conn);
    w->conn = NULL;
    net_timer_stop(&w->timer);
    // Ended by us, with the failure noted; or an end that looks proper, which is none while the relay has not proved itself.
    conclude(w, why == ERR_OK ? ERR_IO : why, os);
    end(w);
}

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

static const struct net_owner owner = {.open = on_open, .data = nobody_data, .closed = on_closed};
static const struct net_owner nobody = {.data = nobody_data, .closed = nobody_closed};

static void drop_connection(struct way *w)
{
    if (w->conn == NULL || w->state == WAY_WON) return;
    net_conn_owner(w->conn, &nobody, NULL);
    net_conn_reset(w->conn); // nothing is asked of the prelude any more
    w->conn = NULL;
}

static void begin_connection(struct way *w)
{
    struct way_race *race = w->race;
    if (!reach_allows(race->reach, w->route.id, race->to.host,
                      race->to.port)) { // it was asked before; this is the last door
        over(w, HOP_POLICY, ERR_REFUSED, 0);
        return;
    }
    w->state = WAY_CONNECTING;
    w->began = net_loop_now(race->loop);
    if (w->began == 0) w->began = 1;
    if (race->reach != NULL) reach_tries(race->reach, w->route.id);
    errno = 0;
    enum err e = race->world->connect(race->loop, &w->at.any, race->tls, &owner, w, &w->conn);
    if (e == ERR_OK) net_conn_before(w->conn, &prelude, w);
    else over(w, nearest(w), e, errno);
    if (e == ERR_OK && net_conn_name(w->conn, race->to.host) != ERR_OK) {
        drop_connection(w);
        over(w, HOP_TLS, ERR_INVALID, 0);
    }
    if (w->state == WAY_CONNECTING) hop_time(w);
    else note_end(w, true);
}

// ------------------------------------------------------------------------------------------------------------ the place

static bool take_place(struct way *w, const char *host, uint16_t port)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&w->at;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)&w->at;
    struct sockaddr_un *path = (struct sockaddr_un *)(void *)&w->at;
    if (host[0] == '/') {
        path->sun_family = AF_UNIX;
        memcpy(path->sun_path, host, strlen(host) + 1); // route_check has seen to its length
        return true;
    }
    if (!direct(w) && strcasecmp(host, "localhost") == 0) host = "127.0.0.1"; // RFC 6761 §6.3: nobody is asked
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        return true;
    }
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1) return false;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    return true;
}

static void put_address(struct way *w, const struct sockaddr *a)
{
    memcpy(&w->at, a, a->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
    w->found = true;
}

// The first of each family in turn (RFC 8305 §4), as the resolver has ordered them.
static size_t interleave(const struct sockaddr *const *list, size_t n, const struct sockaddr *out[16])
{
    size_t count = 0, at[2] = {0, 0};
    if (n == 0) return 0;
    const int family[2] = {list[0]->sa_family, list[0]->sa_family == AF_INET ? AF_INET6 : AF_INET};
    for (size_t turn = 0; count < n && count < 16; turn ^= 1) {
        while (at[turn] < n && list[at[turn]]->sa_family != family[turn]) at[turn]++;
        if (at[turn] < n) out[count++] = list[at[turn]++];
        else if (at[turn ^ 1] >= n) break;
    }
    return count;
}

static void on_found(void *arg, const struct sockaddr *const *list, size_t n)
{
    struct way *w = arg, *last = w;
    const struct sockaddr *order[16];
    w->lookup = NULL;
    net_timer_stop(&w->timer);
    n = interleave(list, n, order);
    if (n == 0) {
        conclude(w, ERR_NOT_FOUND, 0);
        end(w);
        return;
    }
    put_address(w, order[0]);
    for (size_t i = 1; i < n; i++) {
        struct way *further = w->race->more(last);
        if (further == NULL) break;
        put_address(further, order[i]);
        last = further;
    }
    begin_connection(w);
    if (w->state == WAY_OVER) w->race->done(w);
}

static bool may_look_up(const struct way *w)
{
    const struct reach *r = w->race->reach;
    if (direct(w))
        return !reach_is_onion(w->race->to.host) &&
               reach_allows(r, ROUTE_DIRECT_ID, w->race->to.host, w->race->to.port);
    return w->route.resolve && reach_policy(r) == REACH_AUTO && !reach_is_onion(w->route.host);
}

bool way_may(const struct way *w)
{
    return reach_allows(w->race->reach, w->route.id, w->race->to.host, w->race->to.port) &&
           (w->state != WAY_LOOKING || may_look_up(w));
}

static void look_up(struct way *w, const char *host, uint16_t port)
{
    struct way_race *race = w->race;
    enum reach_hop hop = direct(w) ? HOP_NAME : HOP_PROXY_NAME;
    w->state = WAY_LOOKING;
    if (!may_look_up(w)) over(w, hop, ERR_REFUSED, 0);
    else if (race->world->resolve(race->loop, host, port, on_found, w, &w->lookup) != ERR_OK)
        over(w, hop, ERR_NOT_FOUND, 0);
    if (w->state == WAY_LOOKING) hop_time(w);
    else note_end(w, true);
}

// --------------------------------------------------------------------------------------------------------- a transport

static void on_ready(struct transport_wait *wait, const struct sockaddr *at)
{
    struct way *w = (struct way *)(void *)((char *)wait - offsetof(struct way, wait));
    net_timer_stop(&w->timer);
    put_address(w, at);
    begin_connection(w);
    if (w->state == WAY_OVER) w->race->done(w);
}

static void on_launch_failed(struct transport_wait *wait, const struct reach_failure *why)
{
    struct way *w = (struct way *)(void *)((char *)wait - offsetof(struct way, wait));
    over(w, why->hop, why->err, why->os);
    end(w);
}

static void want_transport(struct way *w)
{
    const struct sockaddr *at = NULL;
    w->wait.ready = on_ready;
    w->wait.failed = on_launch_failed;
    w->state = WAY_LAUNCHING;
    enum err e = transport_want(w->race->reach, w->route.transport, &w->wait, &at);
    if (e != ERR_OK) {
        over(w, HOP_LAUNCH, e, 0);
        note_end(w, true);
    } else if (at != NULL) {
        put_address(w, at);
        begin_connection(w);
    } else {
        hop_time(w);
    }
}

// ------------------------------------------------------------------------------------------------------------- its life

struct way *way_new(struct way_race *race, const struct route *route)
{
    struct way *w = mem_new(sizeof *w);
    if (w == NULL) return NULL;
    *w = (struct way){.race = race, .route = *route};
    return w;
}

void way_begin(struct way *w)
{
    const char *host = direct(w) ? w->race->to.host : w->route.host;
    uint16_t port = direct(w) ? w->race->to.port : w->route.port;
    if (w->route.kind == ROUTE_TRANSPORT) want_transport(w);
    else if (w->found || take_place(w, host, port)) begin_connection(w);
    else look_up(w, host, port);
}

void way_stop(struct way *w)
{
    if (w->state == WAY_QUEUED || w->state >= WAY_WON) return;
    net_timer_stop(&w->timer);
    transport_leave(&w->wait);
    conclude(w, ERR_LIMIT, 0);
    drop_connection(w);
    if (w->lookup != NULL) w->race->world->forget(w->lookup);
    w->lookup = NULL;
}

void way_free(struct way *w)
{
    if (w == NULL) return;
    transport_leave(&w->wait);
    net_timer_stop(&w->timer);
    drop_connection(w);
    if (w->lookup != NULL) w->race->world->forget(w->lookup);
    note_end(w, false);
    connect_wipe(&w->http);
    mem_free_wiped(w, sizeof *w);
}
