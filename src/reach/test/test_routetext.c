// SPDX-License-Identifier: Apache-2.0
//
// Routes as people give them, what is wrong with those that are none, bridge lines and their arguments, and what transports' programs say.
#include "unit.h"

#include "reach/ptline.h"
#include "reach/routetext.h"

static struct route r;
static const char *why;

static void take(const char *text) { assert_ok(route_read(span_str(text), false, &r, &why)); }

static void refuse(const char *text, const char *because)
{
    why = NULL;
    assert_int_not_equal(route_read(span_str(text), false, &r, &why), ERR_OK);
    assert_non_null(why);
    if (strstr(why, because) == NULL) fail_msg("%s: %s", text, why);
}

static void proxies(void **state)
{
    (void)state;
    take(" socks5://ann:p%20w@192.0.2.1:1080\n");
    assert_int_equal(r.kind, ROUTE_SOCKS5);
    assert_int_equal(r.login, SOCKS5_LOGIN);
    assert_string_equal(r.password, "p w");
    take("http://[2001:db8::1]:3128");
    assert_int_equal(r.kind, ROUTE_HTTP);
    assert_string_equal(r.host, "2001:db8::1");
    take("unix:/run/tor/socks");
    assert_string_equal(r.host, "/run/tor/socks");
    assert_int_equal(r.port, 0);
    assert_ok(route_read(span_str("/run/tor/socks"), true, &r, &why));
    assert_int_equal(r.kind, ROUTE_TOR);
    assert_int_equal(r.login, SOCKS5_ISOLATE);
    refuse("unix:run/tor", "begins with /");
    refuse("192.0.2.1", "port is missing");
    assert_int_equal(route_read(span_str("socks5://a:b@127.0.0.1:9050"), true, &r, &why), ERR_INVALID);
    assert_int_equal(route_read(span_str("http://127.0.0.1:9050"), true, &r, &why), ERR_INVALID);
}

static void bridges(void **state)
{
    char text[ROUTE_TEXT];
    (void)state;
    take("Bridge obfs4 192.0.2.1:443 0123456789ABCDEF0123456789abcdef01234567 cert=Ab+/ iat-mode=0");
    assert_int_equal(r.kind, ROUTE_TRANSPORT);
    assert_string_equal(r.transport, "obfs4");
    assert_string_equal(r.arguments, "cert=Ab+/;iat-mode=0");
    assert_ok(route_write(&r, PROXYLINK_URL, true, text));
    assert_string_equal(text, "obfs4 192.0.2.1:443 cert=Ab+/ iat-mode=0");
    assert_ok(route_write(&r, PROXYLINK_URL, false, text));
    assert_string_equal(text, "obfs4 192.0.2.1:443");
    assert_int_equal(route_write(&r, PROXYLINK_TG, true, text), ERR_UNSUPPORTED);
    take("snowflake 192.0.2.3:80 url=https://a.example/?b=c;d\\e"); // PT specification 1, §3.5: escaped
    assert_string_equal(r.arguments, "url=https://a.example/?b\\=c\\;d\\\\e");
    assert_ok(route_write(&r, PROXYLINK_URL, true, text));
    assert_string_equal(text, "snowflake 192.0.2.3:80 url=https://a.example/?b=c;d\\e");
    refuse("obfs4 bridge.example:443 cert=x", "numeric address");
    refuse("obfs4 192.0.2.1:443 cert", "each with a =");
    refuse("Bridge obfs4", "address is missing");
    refuse("Bridge 4obfs 192.0.2.1:443", "name is none");
}

static void finding(void **state)
{
    static const char text[] = "take 192.0.2.9:1 or (socks5://b.example:1)\nobfs4 192.0.2.1:443 cert=x\n  Bridge obfs4 192.0.2.2:x cert=y\n"
                               "192.0.2.3:80\n";
    static const char *const places[] = {"192.0.2.9:1", "b.example:1", "192.0.2.1:443", NULL, "192.0.2.3:80"};
    struct span rest = span_str(text);
    struct route_found f;
    char place[REACH_HOST_MAX + 16];
    size_t n = 0;
    (void)state;
    for (; route_next(&rest, &f); n++) {
        assert_true(n < 5);
        assert_true((f.err == ERR_OK) == (places[n] != NULL));
        if (f.err != ERR_OK) continue;
        route_place(&f.route, place);
        assert_string_equal(place, places[n]);
    }
    assert_int_equal(n, 5);
}

static enum pt_kind heard(const char *line)
{
    struct pt_said said;
    pt_read(line, &said);
    return said.kind;
}

static void what_programs_say(void **state)
{
    struct pt_said said;
    (void)state;
    assert_int_equal(heard("VERSION 1"), PT_VERSION);
    assert_int_equal(heard("VERSION 2"), PT_FAILED);
    assert_int_equal(heard("VERSION-ERROR no-version"), PT_FAILED);
    assert_int_equal(heard("ENV-ERROR something"), PT_FAILED);
    assert_int_equal(heard("CMETHOD-ERROR obfs4 something"), PT_FAILED);
    assert_int_equal(heard("CMETHODS DONE"), PT_DONE);
    assert_int_equal(heard("LOG SEVERITY=notice MESSAGE=x"), PT_OTHER);
    assert_int_equal(heard(""), PT_OTHER);
    pt_read("CMETHOD obfs4 socks5 127.0.0.1:43241", &said);
    assert_int_equal(said.kind, PT_METHOD);
    assert_string_equal(said.transport, "obfs4");
    assert_string_equal(said.address, "127.0.0.1");
    assert_int_equal(said.port, 43241);
    pt_read("CMETHOD obfs4 socks5 [::1]:1", &said);
    assert_string_equal(said.address, "::1");
    // Elsewhere than on this computer, another protocol, no port.
    assert_int_equal(heard("CMETHOD obfs4 socks5 192.0.2.1:1"), PT_FAILED);
    assert_int_equal(heard("CMETHOD obfs4 socks5 [2001:db8::1]:1"), PT_FAILED);
    assert_int_equal(heard("CMETHOD obfs4 socks4 127.0.0.1:1"), PT_FAILED);
    assert_int_equal(heard("CMETHOD obfs4 socks5 127.0.0.1:0"), PT_FAILED);
    assert_int_equal(heard("CMETHOD obfs4 socks5 127.0.0.1"), PT_FAILED);
    assert_int_equal(heard("CMETHOD obfs4"), PT_FAILED);
}

static void arguments_as_login(void **state)
{
    char text[301];
    struct span user, password;
    (void)state;
    pt_login("cert=x", &user, &password);
    assert_int_equal(user.n, 6);
    assert_int_equal(password.n, 1);
    assert_int_equal(password.p[0], 0);
    memset(text, 'a', 300);
    text[300] = 0;
    pt_login(text, &user, &password);
    assert_int_equal(user.n, 255);
    assert_int_equal(password.n, 45);
}

static bool may_be_offered(const char *line, const char *relay)
{
    assert_ok(route_read(span_str(line), false, &r, &why));
    return route_may_be_offered(&r, relay);
}

static void what_relays_may_offer(void **state)
{
    (void)state;
    assert_true(may_be_offered("socks5://192.0.2.1:1", "relay.example"));
    assert_true(may_be_offered("socks5://10.0.0.1:1", "relay.lan"));
    assert_true(may_be_offered("obfs4 192.0.2.1:443 cert=x", "198.51.100.1"));
    // Not something on the guest's own computer, unless the relay is there, too.
    static const char *const near[] = {
        "unix:/run/user/1000/bus", "http://localhost:80",       "http://127.0.0.2:80",
        "http://0.0.0.0:80",       "http://169.254.169.254:80", "http://[::1]:80",
        "http://[::]:80",          "http://[fe80::1]:80",       "http://[::ffff:127.0.0.1]:80"};
    for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
        assert_false(may_be_offered(near[i], "relay.example"));
        assert_int_equal(may_be_offered(near[i], "127.0.0.1"), i > 0);
    }
    // Nothing to those who hide behind Tor.
    assert_false(may_be_offered("socks5://192.0.2.1:1", "abcdefghijklmnop.onion"));
}

static void what_is_shown_has_no_secrets(void **state)
{
    static const struct {
        const char *text, *shown;
    } all[] = {
        {"socks5://ann:pass%20word@192.0.2.1:0", "socks5://192.0.2.1:0"},
        {"socks5://ann:p@ss@192.0.2.1:0", "socks5://192.0.2.1:0"},
        {"ann:pass@proxy.example", "proxy.example"},
        {"tg://socks?server=192.0.2.1&port=0&user=ann&pass=word", "tg://socks"},
        {"https://t.me/socks?server=x&pass=word", "https://t.me/socks"},
        {"obfs4 192.0.2.1:443 cert=AbC iat-mode=0", "obfs4 192.0.2.1:443"},
        {"nonsense://x", "nonsense://x"},
        {"/run/tor.socket", "/run/tor.socket"},
        {"a@b://c@d", "d"},
        {"@", ""},
        {"", ""},
    };
    char out[ROUTE_TEXT];
    static char longest[3 * ROUTE_TEXT];
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        route_shown(span_str(all[i].text), out);
        assert_string_equal(out, all[i].shown);
    }
    memset(longest, 'a', sizeof longest - 1);
    route_shown(span_str(longest), out);
    assert_int_equal(strlen(out), ROUTE_TEXT - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_shown_has_no_secrets),
                                       cmocka_unit_test(what_relays_may_offer),
                                       cmocka_unit_test(proxies),
                                       cmocka_unit_test(bridges),
                                       cmocka_unit_test(finding),
                                       cmocka_unit_test(what_programs_say),
                                       cmocka_unit_test(arguments_as_login)};
    return unit_run("reach/routetext", tests);
}
