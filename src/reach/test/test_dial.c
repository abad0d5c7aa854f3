// SPDX-License-Identifier: Apache-2.0
//
// The dialer in a world of the test's own, where every look-up and every connection is counted: who may be asked for what under which policy,
// in which order, how many a minute, and what is told when nothing is left. Real proxies and relays are in tests/e2e and tests/net.
#include "unit.h"

#include "reach/dial.h"
#include "reach/inner.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

static struct net_loop *loop;
static struct net_tls *tls;
static struct reach *reach;
static struct dial *dial;
static struct net_timer bound;
static struct reach_failure lost;
static unsigned losses, wins, lookups, attempts, forgotten;
static bool hangs; // a look-up is under way for good
static char looked_up[300], places[2000];

// Nobody is found, and nobody answers: what was wanted is written down.
static enum err no_resolve(struct net_loop *l, const char *host, uint16_t port,
                           void (*done)(void *arg, const struct sockaddr *const *list, size_t n), void *arg,
                           struct net_lookup **out)
{
    (void)l;
    (void)port;
    (void)done;
    (void)arg;
    lookups++;
    (void)snprintf(looked_up, sizeof looked_up, "%s", host);
    *out = (struct net_lookup *)(void *)&lookups; // is something, and only given back
    return hangs ? ERR_OK : ERR_INVALID;
}

static void no_forget(struct net_lookup *r)
{
    (void)r;
    forgotten++;
}

static enum err no_connect(struct net_loop *l, const struct sockaddr *to, struct net_tls *t, const struct net_owner *owner,
                           void *arg, struct net_conn **out)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)to;
    char text[INET_ADDRSTRLEN] = "?";
    size_t n = strlen(places);
    (void)l;
    (void)t;
    (void)owner;
    (void)arg;
    (void)out;
    attempts++;
    if (to->sa_family == AF_INET) (void)inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
    (void)snprintf(places + n, sizeof places - n, "%s:%u ", text, (unsigned)ntohs(v4->sin_port));
    errno = ECONNREFUSED;
    return ERR_IO;
}

static const struct reach_world nowhere = {.resolve = no_resolve, .forget = no_forget, .connect = no_connect};

static void on_won(void *arg, struct net_conn *c, uint32_t route)
{
    (void)arg;
    (void)c;
    (void)route;
    wins++;
    net_loop_stop(loop);
}

static void on_lost(void *arg, const struct reach_failure *why)
{
    (void)arg;
    lost = *why;
    losses++;
    dial = NULL;
    net_loop_pause(loop);
}

static void too_long(struct net_timer *t)
{
    (void)t;
    fail_msg("the dialer turns in circles, or waits for nothing");
}

static int begin(void **state)
{
    const struct reach_settings s = {.world = &nowhere};
    (void)state;
    lost = (struct reach_failure){0};
    losses = wins = lookups = attempts = forgotten = 0;
    hangs = false;
    looked_up[0] = places[0] = 0;
    memset(&bound, 0, sizeof bound);
    assert_ok(net_loop_new(&loop));
    assert_ok(net_tls_client(NULL, &tls));
    assert_ok(reach_new(loop, &s, &reach));
    return 0;
}

static int finish(void **state)
{
    (void)state;
    dial_free(dial);
    dial = NULL;
    reach_free(reach);
    net_tls_unref(tls);
    net_timer_stop(&bound);
    net_loop_free(loop);
    return 0;
}

static uint32_t add(enum route_kind kind, const char *host, uint16_t port, bool resolve)
{
    struct route r = {.kind = kind, .login = kind == ROUTE_TOR ? SOCKS5_ISOLATE : SOCKS5_OPEN, .port = port, .resolve = resolve};
    uint32_t id;
    (void)snprintf(r.host, sizeof r.host, "%s", host);
    assert_ok(reach_add(reach, &r, &id));
    return id;
}

// One attempt, to its end.
static void attempt(const char *host)
{
    static const struct dial_events events = {.won = on_won, .lost = on_lost};
    const struct dial_to to = {.host = host, .port = 443, .tls = tls, .ms = 5000};
    unsigned before = losses;
    net_timer_start(loop, &bound, 60000, too_long);
    assert_ok(dial_start(loop, reach, &to, &events, NULL, &dial));
    assert_int_equal(losses, before); // nobody is called from within
    while (losses == before) net_loop_run(loop);
    net_timer_stop(&bound);
    assert_int_equal(wins, 0);
}

static void auto_uses_all(void **state)
{
    (void)state;
    (void)add(ROUTE_SOCKS5, "192.0.2.1", 1, false);
    (void)add(ROUTE_HTTP, "192.0.2.2", 2, false);
    (void)add(ROUTE_TOR, "192.0.2.3", 3, false);
    attempt("relay.example");
    assert_string_equal(looked_up, "relay.example"); // for the direct way
    assert_int_equal(lookups, 1);
    assert_string_equal(places, "192.0.2.1:1 192.0.2.2:2 192.0.2.3:3 ");
    assert_int_equal(lost.hop, HOP_PROXY); // came farther than the relay's name
    assert_int_equal(lost.os, ECONNREFUSED);
}

static void no_look_up_past_a_proxy(void **state)
{
    (void)state;
    (void)add(ROUTE_SOCKS5, "proxy.example", 1, true);
    (void)add(ROUTE_SOCKS5, "192.0.2.1", 1, false);
    reach_set_policy(reach, REACH_PROXY_ONLY);
    attempt("relay.example");
    assert_int_equal(lookups, 0);
    assert_string_equal(places, "192.0.2.1:1 ");
    reach_set_policy(reach, REACH_AUTO); // now it may be looked up, as the user has allowed
    attempt("192.0.2.9");
    assert_string_equal(looked_up, "proxy.example");
    assert_true(strstr(places, "192.0.2.9:443") != NULL);
}

static void a_name_that_may_not_be_looked_up(void **state)
{
    (void)state;
    (void)add(ROUTE_SOCKS5, "proxy.example", 1, false);
    reach_set_policy(reach, REACH_PROXY_ONLY);
    attempt("relay.example");
    assert_int_equal(lookups + attempts, 0);
    assert_int_equal(lost.hop, HOP_PROXY_NAME);
    assert_int_equal(lost.err, ERR_REFUSED);
}

// What is looked up ends when the policy changes, though the route is still allowed.
static void a_look_up_ends_with_what_allowed_it(void **state)
{
    static const struct dial_events events = {.won = on_won, .lost = on_lost};
    (void)state;
    hangs = true;
    const struct dial_to to = {.host = "192.0.2.9",
                               .port = 443,
                               .tls = tls,
                               .ms = 5000,
                               .only = true,
                               .route = add(ROUTE_SOCKS5, "proxy.example", 1080, true)};
    assert_ok(dial_start(loop, reach, &to, &events, NULL, &dial));
    assert_int_equal(lookups, 1);
    reach_set_policy(reach, REACH_PROXY_ONLY);
    assert_int_equal(forgotten, 1);
    while (losses == 0) net_loop_run(loop);
    assert_int_equal(lost.hop, HOP_POLICY);
    assert_int_equal(attempts, 0);
}

static void relays_leave_room(void **state)
{
    struct route r = {
        .kind = ROUTE_SOCKS5, .port = 1, .host = "192.0.2.1", .relay = "relay.example", .published = true};
    uint32_t id;
    (void)state;
    for (unsigned i = 0; i < REACH_PUBLISHED_MAX; i++) assert_ok(reach_add(reach, &r, &id));
    assert_int_equal(reach_add(reach, &r, &id), ERR_LIMIT);
    for (unsigned i = REACH_PUBLISHED_MAX; i < REACH_ROUTES_MAX; i++) (void)add(ROUTE_SOCKS5, "192.0.2.1", 1, false);
}

static void localhost_asks_nobody(void **state)
{
    (void)state;
    (void)add(ROUTE_TOR, "localhost", 9050, false);
    reach_set_policy(reach, REACH_TOR_ONLY);
    attempt("relay.example");
    assert_int_equal(lookups, 0);
    assert_string_equal(places, "127.0.0.1:9050 ");
}

static void tor_only_fails_closed(void **state)
{
    (void)state;
    (void)add(ROUTE_SOCKS5, "192.0.2.1", 1, false);
    reach_set_policy(reach, REACH_TOR_ONLY);
    attempt("relay.example");
    assert_int_equal(lookups + attempts, 0);
    assert_int_equal(lost.hop, HOP_POLICY);
}

static void onions_go_to_tor_alone(void **state)
{
    (void)state;
    attempt("abc.onion");
    assert_int_equal(lookups + attempts, 0);
    assert_int_equal(lost.hop, HOP_POLICY);
    assert_int_equal(lost.err, ERR_UNSUPPORTED);
    (void)add(ROUTE_HTTP, "192.0.2.2", 2, false);
    (void)add(ROUTE_TOR, "192.0.2.3", 3, false);
    attempt("ABC.Onion.");
    assert_int_equal(lookups, 0);
    assert_string_equal(places, "192.0.2.3:3 ");
}

static void what_failed_stands_behind(void **state)
{
    (void)state;
    uint32_t one = add(ROUTE_SOCKS5, "192.0.2.1", 1, false), two = add(ROUTE_SOCKS5, "192.0.2.2", 2, false);
    const struct reach_failure why = {.hop = HOP_TALK, .err = ERR_IO};
    const struct known *order[REACH_ROUTES_MAX + 1];
    reach_set_policy(reach, REACH_PROXY_ONLY);
    reach_worked(reach, two); // the last that worked on this network
    assert_int_equal(reach_order(reach, "r", 1, order), 2);
    assert_int_equal(order[0]->route.id, two);
    reach_failed(reach, two, &why);
    assert_int_equal(reach_order(reach, "r", 1, order), 2);
    assert_int_equal(order[0]->route.id, one);
    reach_failed(reach, one, &why);
    assert_int_equal(reach_order(reach, "r", 1, order), 2); // all have: each has its turn
    assert_int_equal(order[0]->route.id, two);
    reach_failed(reach, two, &why);
    assert_int_equal(reach_order(reach, "r", 1, order), 2);
    assert_int_equal(order[0]->route.id, one); // although the other worked last
}

static void so_many_a_minute(void **state)
{
    unsigned at_once = 0;
    (void)state;
    while (reach_pace(reach, "r", 1) == 0) assert_true(++at_once <= REACH_ATTEMPTS_MINUTE);
    assert_true(at_once > 0 && at_once < REACH_ATTEMPTS_MINUTE);
    uint32_t wait = reach_pace(reach, "r", 1);
    // What can begin within a minute: at once, and then one each so often.
    assert_true(at_once + 60000 / (wait + 0U) <= REACH_ATTEMPTS_MINUTE + 1);
}

// A relay that is blocked asks again and again, first each time; who has had less is served before it.
static void each_relay_has_its_share(void **state)
{
    uint32_t wait = 0;
    (void)state;
    while (reach_pace(reach, "blocked", 443) == 0) assert_int_equal(reach_pace(reach, "blocked", 443), 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_true((wait = reach_pace(reach, "other", 443)) > 0);
        assert_true(reach_pace(reach, "blocked", 443) > 0);
        reach->paced -= wait;                               // so much later
        assert_true(reach_pace(reach, "blocked", 443) > 0); // though it asks first
        assert_int_equal(reach_pace(reach, "other", 443), 0);
    }
    // and who waits no more holds nobody up
    reach->paced -= wait;
    assert_int_equal(reach_pace(reach, "blocked", 443), 0);
    // two relays on one host are two
    assert_true((wait = reach_pace(reach, "blocked", 8443)) > 0);
    reach->paced -= wait;
    assert_true(reach_pace(reach, "blocked", 443) > 0);
    assert_int_equal(reach_pace(reach, "blocked", 8443), 0);
}

static void a_route_for_one_relay_alone(void **state)
{
    uint32_t id = 0;
    struct route r = {.kind = ROUTE_SOCKS5, .host = "192.0.2.1", .port = 1, .relay = "r", .relay_port = 443};
    (void)state;
    assert_ok(reach_add(reach, &r, &id));
    assert_true(reach_allows(reach, id, "r", 443));
    assert_false(reach_allows(reach, id, "r", 8443)); // another one on the same host
    assert_false(reach_allows(reach, id, "s", 443));
    assert_false(reach_has_choice(reach, "r", 8443));
    assert_true(reach_has_choice(reach, "r", 443));
    r.relay_port = 0;
    assert_ok(reach_add(reach, &r, &id));
    assert_true(reach_allows(reach, id, "r", 8443));
}

static void circuits(void **state)
{
    char a[2][17], b[2][17];
    (void)state;
    reach_set_isolation(reach, REACH_RELAY);
    reach_login(reach, "r", 1, 1, a[0], a[1]);
    reach_login(reach, "r", 1, 2, b[0], b[1]);
    assert_string_equal(a[0], b[0]);
    assert_string_not_equal(a[0], a[1]);
    reach_login(reach, "s", 1, 1, b[0], b[1]);
    assert_string_not_equal(a[0], b[0]);
    reach_set_isolation(reach, REACH_CONVERSATION);
    reach_login(reach, "r", 1, 1, a[0], a[1]);
    reach_login(reach, "r", 1, 2, b[0], b[1]);
    assert_string_not_equal(a[0], b[0]);
    reach_set_isolation(reach, REACH_PROFILE);
    reach_login(reach, "r", 1, 1, a[0], a[1]);
    reach_login(reach, "s", 2, 2, b[0], b[1]);
    assert_string_equal(a[0], b[0]);
}

static void remembered_networks(void **state)
{
    const struct known *order[REACH_ROUTES_MAX + 1];
    (void)state;
    uint32_t one = add(ROUTE_SOCKS5, "192.0.2.1", 1, false);
    for (uint64_t network = 1; network <= 2 * REACH_NETWORKS_MAX; network++) reach_remember(reach, network, one);
    assert_int_equal(reach->worked_n, REACH_NETWORKS_MAX);
    reach_remember(reach, reach->network, one);
    assert_int_equal(reach_order(reach, "r", 1, order), 2);
    assert_int_equal(order[0]->route.id, one); // before the direct way
}

int main(void)
{
#define each(f) cmocka_unit_test_setup_teardown(f, begin, finish)
    const struct CMUnitTest tests[] = {each(auto_uses_all),
                                       each(no_look_up_past_a_proxy),
                                       each(a_name_that_may_not_be_looked_up),
                                       each(localhost_asks_nobody),
                                       each(tor_only_fails_closed),
                                       each(onions_go_to_tor_alone),
                                       each(what_failed_stands_behind),
                                       each(so_many_a_minute),
                                       each(each_relay_has_its_share),
                                       each(a_route_for_one_relay_alone),
                                       each(circuits),
                                       each(remembered_networks),
                                       each(relays_leave_room),
                                       each(a_look_up_ends_with_what_allowed_it)};
    return unit_run("reach/dial", tests);
}
