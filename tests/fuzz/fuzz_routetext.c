// SPDX-License-Identifier: Apache-2.0
//
// Any text as a route, as a text in which routes are looked for, and as lines of a transport's program. What is accepted can be tried, is
// written, and read again as the same; what is refused is explained.
#include "kit.h"

#include "reach/ptline.h"
#include "reach/routetext.h"

void fuzz_open(void) {}

static void write_and_read(const struct route *r)
{
    char text[ROUTE_TEXT], place[REACH_HOST_MAX + 16];
    struct route again;
    const char *why = NULL;
    must(route_check(r) == NULL);
    must_ok(route_write(r, PROXYLINK_URL, true, text));
    must_ok(route_read(span_str(text), false, &again, &why));
    must(route_same(r, &again));
    must_ok(route_write(r, PROXYLINK_URL, false, text));
    must_ok(route_read(span_str(text), false, &again, &why));
    must(again.kind == r->kind && again.port == r->port && strcmp(again.host, r->host) == 0);
    must(again.user[0] == 0 && again.password[0] == 0 && again.arguments[0] == 0);
    route_place(r, place);
    must(place[0] != 0);
}

static void find(struct span bytes)
{
    struct span rest = bytes;
    struct route_found f;
    char shown[ROUTE_TEXT];
    route_shown(bytes, shown);
    must(strchr(shown, '@') == NULL && strchr(shown, '?') == NULL);
    while (rest.n > 0) {
        size_t before = rest.n;
        if (!route_next(&rest, &f)) break;
        must(rest.n < before);
        must(f.text.n > 0 && f.text.p >= bytes.p && f.text.p + f.text.n <= bytes.p + bytes.n);
        if (f.err == ERR_OK) write_and_read(&f.route);
        else must(f.why != NULL);
    }
}

static void speak(struct span bytes)
{
    char line[600];
    struct pt_said said;
    struct span user, password;
    size_t n = bytes.n < sizeof line - 1 ? bytes.n : sizeof line - 1;
    memcpy(line, bytes.p, n);
    line[n] = 0;
    pt_read(line, &said);
    if (said.kind == PT_METHOD) must(said.port > 0 && said.address[0] != 0 && said.transport[0] != 0);
    if (strlen(line) <= REACH_ARGUMENTS_MAX) {
        pt_login(line, &user, &password);
        must(user.n <= SOCKS5_TEXT_MAX && password.n > 0 && password.n <= SOCKS5_TEXT_MAX);
    }
}

void fuzz_one(struct span bytes)
{
    struct route r;
    const char *why = NULL;
    if (bytes.n > 0 && route_read(bytes, false, &r, &why) == ERR_OK) write_and_read(&r);
    else if (bytes.n > 0) must(why != NULL);
    if (bytes.n > 0 && route_read(bytes, true, &r, &why) == ERR_OK) must(r.kind == ROUTE_TOR && r.login == SOCKS5_ISOLATE);
    find(bytes);
    speak(bytes);
}

void fuzz_seeds(const char *folder)
{
    static const struct {
        const char *name, *text;
    } seeds[] = {
        {"link", "socks5://ann:pw@192.0.2.1:1080"},
        {"path", "unix:/run/tor/socks"},
        {"bridge", "Bridge obfs4 [2001:db8::1]:443 0123456789abcdef0123456789abcdef01234567 cert=Ab+/ iat-mode=0"},
        {"escaped", "snowflake 192.0.2.3:80 url=https://a.example/?b=c;d\\e ice=stun:s.example:3478,stun:t.example:3478"},
        {"list", "obfs4 192.0.2.1:443 cert=x\nsocks5://b.example:1 and 192.0.2.2:80\nobfs4 192.0.2.1 cert=x"},
        {"version", "VERSION 1"},
        {"method", "CMETHOD obfs4 socks5 127.0.0.1:43241"},
        {"method6", "CMETHOD obfs4 socks5 [::1]:43241"},
        {"done", "CMETHODS DONE"},
        {"error", "CMETHOD-ERROR obfs4 no such thing"}};
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) kit_seed(folder, seeds[i].name, span_str(seeds[i].text));
}
