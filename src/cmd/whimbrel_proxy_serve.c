// SPDX-License-Identifier: Apache-2.0
//
// A proxy for friends: `whimbrel proxy serve` runs a SOCKS5 server (socksd) until it is interrupted, and prints the link that friends need.
// Whatever is left out makes it narrower: no place means one's own relay, no users means one that is made up, and without a password
// it can be reached from this computer alone.
#include "cmd/proxy_users.h"
#include "cmd/qr.h"
#include "cmd/text.h"
#include "cmd/whimbrel.h"

#include "link/address.h"
#include "reach/proxylink.h"
#include "socksd/allow.h"
#include "socksd/socksd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { PORT = 1080, PLACE_ROOM = 300, ADDRESS_ROOM = 64 };

struct service {
    struct session *session;
    const struct line *line;
    struct socksd_options options;
    const char *allow[FLAGS_MAX];
    char own[PLACE_ROOM]; // one's own relay
    struct proxy_users users;
    bool users_made; // and the file did not exist before
    struct socksd *server;
    struct listening {
        char address[ADDRESS_ROOM];
        uint16_t port;
    } listening[SOCKSD_LISTEN_MAX];
    size_t listening_n;
    struct proxylink link; // without user and password
    const char *guessed;   // what there is to say about the link's host; NULL
};

// ----------------------------------------------------------------------------------------------------------------- places

// The host and port of the profile's relay, as a place; `why` says what is wrong with it.
static enum err read_relay(const char *address, struct service *v, struct socksd_place *place, const char **why)
{
    struct link_address a;
    enum err e = link_address_read(span_str(address), &a, why);
    if (e != ERR_OK) return e;
    (void)snprintf(v->own, sizeof v->own, strchr(a.host, ':') != NULL ? "[%s]:%u" : "%s:%u", a.host, (unsigned)a.port);
    mem_wipe(&a, sizeof a);
    return socksd_place_read(span_str(v->own), place, why);
}

// A relay inside one's own network is not opened to others unless somebody says so; nor is one gone to directly where the profile's policy is to
// keep from that.
static int judge_relay(struct service *v, const char *address, const char *policy)
{
    struct socksd_place place;
    const char *why = "";
    if (read_relay(address, v, &place, &why) != ERR_OK)
        return say_wrong(EXIT_FAILED,
                         "this profile's relay cannot be had by a proxy (%s); name a place: --allow HOST:PORT", why);
    if (place.size != 0 && socksd_address_private(place.address, place.size))
        return say_wrong(
            EXIT_FAILED,
            "this profile's relay, %s, is in a private network; a proxy opens that to its users only if you say so: "
            "--allow %s",
            v->own, v->own);
    if (strcmp(policy, "auto") != 0)
        return say_wrong(
            EXIT_FAILED,
            "this profile's policy is %s, but a proxy looks its relay up and goes to it directly; if that is meant: "
            "--allow %s",
            policy, v->own);
    v->allow[v->options.allow_n++] = v->own;
    return EXIT_DONE;
}

static bool own_relay(struct service *v)
{
    struct session *s = v->session;
    if (ask_open(s, true) < 0) {
        say_note(v->line, "With --allow HOST:PORT no profile is needed.");
        return false;
    }
    json_t *status = ask(s, "engine.status", NULL), *settings = status != NULL ? ask(s, "route.settings", NULL) : NULL;
    if (settings != NULL) s->status = judge_relay(v, text_of(status, "relay"), text_of(settings, "policy"));
    json_decref(status);
    json_decref(settings);
    return s->status == EXIT_DONE;
}

static bool choose_places(struct service *v)
{
    v->options.allow = v->allow;
    for (size_t i = 0; i < v->line->flag_count; i++) {
        if (strcmp(v->line->flags[i].name, "allow") == 0) v->allow[v->options.allow_n++] = v->line->flags[i].value;
    }
    return v->options.allow_n > 0 || own_relay(v);
}

// ------------------------------------------------------------------------------------------------------------------ users

static bool choose_users(struct service *v)
{
    const char *path = flag_text(v->line, "users");
    v->options.anyone = flag_on(v->line, "no-password");
    if (v->options.anyone && path != NULL) {
        v->session->status = say_wrong(EXIT_USAGE, "--users and --no-password contradict each other");
        return false;
    }
    if (v->options.anyone) return true;
    bool ok = path != NULL ? proxy_users_read(path, &v->users, &v->users_made) : proxy_users_make(&v->users);
    v->options.users = v->users.list;
    v->options.users_n = v->users.n;
    if (!ok) v->session->status = EXIT_FAILED;
    return ok;
}

static uint32_t limit(const struct line *l, const char *name, uint32_t otherwise)
{
    return (uint32_t)flag_number(l, name, (long)otherwise);
}

static bool make_server(struct service *v)
{
    char why[SOCKSD_WHY] = "";
    struct socksd_options *o = &v->options;
    o->connections_max = limit(v->line, "most", o->connections_max);
    o->connections_per_address = limit(v->line, "most-each", o->connections_per_address);
    o->rate = limit(v->line, "rate", o->rate);
    o->rate_per_address = limit(v->line, "rate-each", o->rate_per_address);
    if (o->connections_max == 0 || o->connections_per_address == 0) {
        v->session->status = say_wrong(EXIT_USAGE, "with no connections at all there is no proxy");
        return false;
    }
    enum err e = socksd_new(o, &v->server, why);
    if (e == ERR_OK) return true;
    v->session->status = say_wrong(EXIT_FAILED, "%s", why[0] != 0 ? why : err_text(e));
    return false;
}

// -------------------------------------------------------------------------------------------------------------- listening

static enum err listen_on(struct service *v, const char *address, uint16_t port, char why[SOCKSD_WHY])
{
    enum err e = socksd_listen(v->server, address, &port, why);
    if (e != ERR_OK) return e;
    struct listening *l = &v->listening[v->listening_n++];
    (void)snprintf(l->address, sizeof l->address, "%s", address);
    l->port = port;
    return ERR_OK;
}

// ADDRESS, ADDRESS:PORT, [IPV6]:PORT; port 0 is any.
static enum err listen_as_told(struct service *v, const char *text, char why[SOCKSD_WHY])
{
    char address[ADDRESS_ROOM];
    struct in6_addr any;
    long port = PORT;
    const char *colon = strrchr(text, ':');
    (void)snprintf(address, sizeof address, "%s", text);
    if (inet_pton(AF_INET6, text, &any) != 1 && colon != NULL) {
        char *end;
        errno = 0;
        port = strtol(colon + 1, &end, 10);
        const bool six = text[0] == '[' && colon > text && colon[-1] == ']';
        if (errno != 0 || *end != 0 || end == colon + 1 || port < 0 || port > UINT16_MAX) {
            (void)snprintf(why, SOCKSD_WHY, "%s has no port; it is --listen ADDRESS:PORT", text);
            return ERR_MALFORMED;
        }
        (void)snprintf(address, sizeof address, "%.*s", (int)(colon - text) - (six ? 2 : 0), text + (six ? 1 : 0));
    }
    return listen_on(v, address, (uint16_t)port, why);
}

// As told, or on all addresses of this computer; without a password on the loopback address alone.
static bool listen_all(struct service *v)
{
    char why[SOCKSD_WHY] = "";
    enum err e = ERR_OK;
    bool told = false;
    for (size_t i = 0; e == ERR_OK && i < v->line->flag_count; i++) {
        if (strcmp(v->line->flags[i].name, "listen") != 0) continue;
        e = listen_as_told(v, v->line->flags[i].value, why);
        told = true;
    }
    if (!told && v->options.anyone) {
        e = listen_on(v, "127.0.0.1", PORT, why);
    } else if (!told) {
        e = listen_on(v, "0.0.0.0", PORT, why);
        char without[SOCKSD_WHY];
        if (e == ERR_OK) (void)!listen_on(v, "::", PORT, without); // a computer may have no IPv6
    }
    if (e == ERR_OK) e = socksd_start(v->server);
    if (e == ERR_OK) return true;
    v->session->status = say_wrong(EXIT_FAILED, "%s", why[0] != 0 ? why : err_text(e));
    return false;
}

// --------------------------------------------------------------------------------------------------------------- the link

static bool is_any(const char *address) { return strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0; }

static bool is_private(const char *host)
{
    uint8_t bytes[16];
    if (inet_pton(AF_INET, host, bytes) == 1) return socksd_address_private(bytes, 4);
    return inet_pton(AF_INET6, host, bytes) == 1 && socksd_address_private(bytes, 16);
}

// Where friends find this: as told, or as it looks from here.
static bool choose_host(struct service *v)
{
    const struct listening *l = &v->listening[0];
    const char *told = flag_text(v->line, "host"), *why = "";
    char text[PLACE_ROOM], own[ADDRESS_ROOM] = "127.0.0.1";
    struct in6_addr six;
    if (told != NULL) {
        // A host with another port is one whose router passes that port on.
        const bool bare = inet_pton(AF_INET6, told, &six) == 1, port = !bare && strrchr(told, ':') > strrchr(told, ']');
        (void)snprintf(text, sizeof text, bare ? "[%s]:%u" : port ? "%s" : "%s:%u", told, (unsigned)l->port);
        if (proxylink_read(span_str(text), &v->link, &why) == ERR_OK && v->link.kind == PROXYLINK_SOCKS5 &&
            !v->link.credentials)
            return true;
        v->session->status = say_wrong(EXIT_USAGE, "%s is no host, or HOST:PORT, for a link: %s", told, why);
        return false;
    }
    if (!is_any(l->address)) (void)snprintf(own, sizeof own, "%s", l->address);
    else if (!socksd_own_address(strcmp(l->address, "::") == 0, own, sizeof own)) v->guessed = "no network is there";
    v->link = (struct proxylink){.kind = PROXYLINK_SOCKS5, .port = l->port};
    (void)snprintf(v->link.host, sizeof v->link.host, "%s", own);
    if (v->guessed == NULL && is_private(own))
        v->guessed = strncmp(own, "127.", 4) == 0 || strcmp(own, "::1") == 0
                         ? "only this computer reaches that address"
                         : "only your own network reaches that address";
    return true;
}

// A user's link, or everybody's (NULL). The buffer is the caller's to wipe.
static void write_link(const struct service *v, const struct socksd_user *u, char out[PROXYLINK_TEXT])
{
    struct proxylink p = v->link;
    if (u != NULL) {
        p.credentials = true;
        (void)snprintf(p.user, sizeof p.user, "%s", u->name);
        (void)snprintf(p.password, sizeof p.password, "%s", u->password);
    }
    if (proxylink_write(&p, PROXYLINK_URL, u != NULL, out) != ERR_OK) out[0] = 0;
    mem_wipe(&p, sizeof p);
}

static void print_listening(const struct service *v, size_t i, char out[PLACE_ROOM])
{
    const struct listening *l = &v->listening[i];
    (void)snprintf(out, PLACE_ROOM, strchr(l->address, ':') != NULL ? "[%s]:%u" : "%s:%u", l->address,
                   (unsigned)l->port);
}

static void show_json(const struct service *v)
{
    char text[PROXYLINK_TEXT];
    json_t *links = json_array(), *listening = json_array(), *allow = json_array();
    for (size_t i = 0; i < (v->users.n > 0 ? v->users.n : 1); i++) {
        write_link(v, v->users.n > 0 ? &v->users.list[i] : NULL, text);
        (void)json_array_append_new(links, json_string(text));
    }
    for (size_t i = 0; i < v->listening_n; i++) {
        print_listening(v, i, text);
        (void)json_array_append_new(listening, json_string(text));
    }
    for (size_t i = 0; i < v->options.allow_n; i++) (void)json_array_append_new(allow, json_string(v->allow[i]));
    json_t *o = json_pack("{s:o, s:o, s:o}", "links", links, "listening", listening, "allow", allow);
    print_json(o);
    json_decref(o);
    mem_wipe(text, sizeof text);
}

// What people should know, on standard error: standard output is for the links.
static void explain(const struct service *v)
{
    char *said = NULL, where[PLACE_ROOM];
    size_t n;
    FILE *f = open_memstream(&said, &n);
    if (f == NULL) return;
    for (size_t i = 0; i < v->listening_n; i++) {
        print_listening(v, i, where);
        fprintf(f, i == 0 ? "It listens on %s" : " and %s", where);
    }
    for (size_t i = 0; i < v->options.allow_n; i++) fprintf(f, i == 0 ? ", for %s" : " and %s", v->allow[i]);
    fputs(" and nothing else, until it is interrupted.", f);
    if (v->options.anyone) fputs(" It wants no password, and so only this computer reaches it.", f);
    else if (flag_text(v->line, "users") == NULL) fputs(" The password is for this time; --users FILE keeps one.", f);
    else if (v->users_made) fprintf(f, " The password was made up, and stands in %s.", flag_text(v->line, "users"));
    if (v->guessed != NULL && !v->options.anyone)
        fprintf(f, " The link says %s, but %s; --host NAME says what friends reach this computer by.", v->link.host,
                v->guessed);
    if (fclose(f) == 0) say_note(v->line, "\n%s", said);
    free(said);
}

static void show(const struct service *v)
{
    const struct text t = text_standard();
    char text[PROXYLINK_TEXT];
    if (v->line->json) {
        show_json(v);
        return;
    }
    for (size_t i = 0; i < (v->users.n > 0 ? v->users.n : 1); i++) {
        write_link(v, v->users.n > 0 ? &v->users.list[i] : NULL, text);
        if (v->users.n == 1 && !v->line->quiet) qr_show(&t, text, 5);
        printf("%s\n", text);
    }
    mem_wipe(text, sizeof text);
    (void)fflush(stdout);
    explain(v);
}

// ------------------------------------------------------------------------------------------------------------ the command

static void serve(struct service *v)
{
    struct socksd_counts c;
    sigset_t ends;
    int which;
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGINT);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigaddset(&ends, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &ends, NULL);
    show(v);
    (void)fflush(stdout);
    while (sigwait(&ends, &which) != 0) (void)0;
    socksd_count(v->server, &c);
    say_note(v->line, "\nIt was used %" PRIu64 " times; %" PRIu64 " times somebody was turned away.", c.served,
             c.refused + c.limited);
}

static int do_serve(struct session *s)
{
    struct service v = {.session = s, .line = s->line};
    enclose(); // there are passwords
    socksd_defaults(&v.options);
    if (choose_places(&v) && choose_users(&v) && make_server(&v) && listen_all(&v) && choose_host(&v)) serve(&v);
    socksd_free(v.server);
    proxy_users_wipe(&v.users);
    return s->status;
}

static const struct flag serve_flags[] = {
    {"allow", "HOST:PORT", "a place that it may be used for, again for each; otherwise your own relay"},
    {"listen", "ADDRESS:PORT", "where it listens, again for each; otherwise port 1080 of all addresses"},
    {"host", "NAME",
     "what friends reach this computer by, for the link: a name or address, with a port if it is another"},
    {"users", "FILE", "who may use it: lines NAME:PASSWORD; made with one user if it is not there"},
    {"no-password", NULL, "anyone on this computer may use it, and nobody else"},
    {"most", "N", "connections at once: 1000"},
    {"most-each", "N", "those from one address: 100"},
    {"rate", "N", "new connections a second: 200; 0 is no limit"},
    {"rate-each", "N", "those from one address: 20; 0 is no limit"},
    {NULL, NULL, NULL},
};

const struct command proxy_serve_commands[] = {
    {"proxy serve", "", "make this computer a proxy by which friends reach your relay", do_serve, ALONE, serve_flags,
     "It is a SOCKS5 server for the places that it is told and for nothing else. Friends put the link that it prints "
     "into their Whimbrel: "
     "`whimbrel proxy add LINK`. It runs until it is interrupted, and keeps no log."},
    {NULL, NULL, NULL, NULL, ALONE, NULL, NULL},
};
