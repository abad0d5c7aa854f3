// SPDX-License-Identifier: Apache-2.0
//
// Routes as text. Arguments of a transport stand in a route as they are handed to its program (PT specification 1, §3.5): k=v, with ; between
// them and a backslash before each of ; = \ inside; in a bridge line there are spaces between, and nothing is escaped.
#include "reach/routetext.h"

#include <ctype.h>
#include <stdio.h>

static bool begins(struct span s, const char *with)
{
    size_t n = strlen(with);
    return s.n >= n && strncasecmp((const char *)s.p, with, n) == 0;
}

static struct span trim(struct span s)
{
    while (s.n > 0 && isspace(s.p[0])) s = span_of(s.p + 1, s.n - 1);
    while (s.n > 0 && isspace(s.p[s.n - 1])) s.n--;
    return s;
}

// The next word of *s; empty at its end.
static struct span word(struct span *s)
{
    size_t n = 0;
    *s = trim(*s);
    while (n < s->n && !isspace(s->p[n])) n++;
    struct span w = span_of(s->p, n);
    *s = span_of(s->p + n, s->n - n);
    return w;
}

// ------------------------------------------------------------------------------------------------------------- bridges

static bool is_bridge(struct span s)
{
    struct span first = word(&s);
    if (begins(first, "bridge") && first.n == 6) return true;
    for (size_t i = 0; i < first.n; i++) {
        if (!isalnum(first.p[i]) && first.p[i] != '_') return false;
    }
    return first.n > 0 && trim(s).n > 0;
}

static bool is_fingerprint(struct span w)
{
    size_t n = 0;
    while (n < w.n && isxdigit(w.p[n])) n++;
    return n == 40 && w.n == 40;
}

static bool put(char *out, size_t room, size_t *n, char c)
{
    if (*n + 1 >= room) return false;
    out[(*n)++] = c;
    out[*n] = 0;
    return true;
}

// The first = is between key and value, each other one is escaped.
static const char *put_argument(struct span w, char *out, size_t *n)
{
    bool ok = *n == 0 || put(out, REACH_ARGUMENTS_MAX + 1, n, ';'), value = false;
    if (w.n == 0 || w.p[0] == '=' || memchr(w.p, '=', w.n) == NULL)
        return "behind a bridge's address stand arguments, each with a =";
    for (size_t i = 0; ok && i < w.n; i++) {
        char c = (char)w.p[i];
        if (c < 0x21 || c > 0x7e) return "its arguments have a character that they cannot have";
        if (c == ';' || c == '\\' || (c == '=' && value)) ok = put(out, REACH_ARGUMENTS_MAX + 1, n, '\\');
        value = value || c == '=';
        ok = ok && put(out, REACH_ARGUMENTS_MAX + 1, n, c);
    }
    return ok ? NULL : "its arguments are too long";
}

static const char *read_place(struct span w, struct route *r)
{
    struct proxylink p;
    const char *why = NULL;
    if (memchr(w.p, '@', w.n) != NULL || proxylink_read(w, &p, &why) != ERR_OK || p.kind != PROXYLINK_SOCKS5)
        return why != NULL ? why : "behind a transport's name stands the bridge's address and port";
    (void)snprintf(r->host, sizeof r->host, "%s", p.host);
    r->port = p.port;
    return NULL;
}

static const char *read_bridge(struct span s, struct route *r)
{
    struct span w = word(&s);
    size_t n = 0;
    if (begins(w, "bridge") && w.n == 6) w = word(&s);
    if (w.n == 0 || w.n > REACH_TRANSPORT_MAX) return "the transport's name is none";
    *r = (struct route){.kind = ROUTE_TRANSPORT, .login = SOCKS5_OPEN};
    memcpy(r->transport, w.p, w.n);
    w = word(&s);
    const char *wrong = w.n == 0 ? "the bridge's address is missing" : read_place(w, r);
    for (w = word(&s); wrong == NULL && w.n > 0; w = word(&s)) {
        if (n == 0 && is_fingerprint(w))
            continue; // of a bridge of Tor's network; here it is the relay that proves its key
        wrong = put_argument(w, r->arguments, &n);
    }
    return wrong;
}

static void write_arguments(const char *a, char *out, size_t room)
{
    size_t n = strlen(out);
    bool ok = *a == 0 || put(out, room, &n, ' ');
    for (; ok && *a != 0; a++) {
        if (*a == '\\' && a[1] != 0) a++;
        else if (*a == ';') {
            ok = put(out, room, &n, ' ');
            continue;
        }
        ok = put(out, room, &n, *a);
    }
}

// ------------------------------------------------------------------------------------------------------------- reading

static const char *read_path(struct span s, struct route *r)
{
    if (begins(s, "unix:")) s = span_of(s.p + 5, s.n - 5);
    *r = (struct route){.kind = ROUTE_SOCKS5, .login = SOCKS5_OPEN};
    if (s.n == 0 || s.p[0] != '/') return "the path of a socket begins with /";
    if (s.n > REACH_PATH_MAX || memchr(s.p, 0, s.n) != NULL) return "the path of its socket is too long";
    memcpy(r->host, s.p, s.n);
    return NULL;
}

static void of_link(const struct proxylink *p, struct route *r)
{
    *r = (struct route){.kind = p->kind == PROXYLINK_HTTP ? ROUTE_HTTP : ROUTE_SOCKS5,
                        .login = p->credentials ? SOCKS5_LOGIN : SOCKS5_OPEN,
                        .port = p->port};
    memcpy(r->host, p->host, sizeof p->host);
    if (!p->credentials) return;
    memcpy(r->user, p->user, sizeof p->user);
    memcpy(r->password, p->password, sizeof p->password);
}

static enum err read_link(struct span text, bool variable, struct route *out, const char **why)
{
    struct proxylink p;
    enum err e = variable ? proxylink_read_variable(text, &p, why) : proxylink_read(text, &p, why);
    if (e == ERR_OK) of_link(&p, out);
    mem_wipe(&p, sizeof p);
    return e;
}

static enum err check(struct route *r, enum err e, const char **why)
{
    const char *wrong = e == ERR_OK ? route_check(r) : NULL;
    if (wrong != NULL) {
        *why = wrong;
        e = ERR_INVALID;
    }
    if (e != ERR_OK) mem_wipe(r, sizeof *r);
    return e;
}

enum err route_as_tor(struct route *r, const char **why)
{
    if (r->kind != ROUTE_SOCKS5 || r->login != SOCKS5_OPEN) {
        *why = "Tor is reached by SOCKS5, without user and password";
        return ERR_INVALID;
    }
    r->kind = ROUTE_TOR;
    r->login = SOCKS5_ISOLATE;
    return ERR_OK;
}

enum err route_read(struct span text, bool tor, struct route *out, const char **why)
{
    enum err e = ERR_OK;
    const char *wrong = NULL;
    text = trim(text);
    *out = (struct route){0};
    if (begins(text, "unix:") || begins(text, "/")) wrong = read_path(text, out);
    else if (is_bridge(text)) wrong = read_bridge(text, out);
    else e = read_link(text, false, out, why);
    if (wrong != NULL) {
        *why = wrong;
        e = ERR_MALFORMED;
    }
    if (e == ERR_OK && tor) e = route_as_tor(out, why);
    return check(out, e, why);
}

enum err route_read_variable(struct span text, struct route *out, const char **why)
{
    *out = (struct route){0};
    return check(out, read_link(text, true, out, why), why);
}

// ------------------------------------------------------------------------------------------------------------- writing

void route_place(const struct route *r, char out[REACH_HOST_MAX + 16])
{
    bool v6 = strchr(r->host, ':') != NULL, path = r->host[0] == '/';
    out[0] = 0;
    if (r->kind == ROUTE_DIRECT) return;
    if (path) (void)snprintf(out, REACH_HOST_MAX + 16, "%s", r->host);
    else
        (void)snprintf(out, REACH_HOST_MAX + 16, "%s%s%s:%u", v6 ? "[" : "", r->host, v6 ? "]" : "", (unsigned)r->port);
}

void route_shown(struct span text, char out[ROUTE_TEXT])
{
    static const char *const ends[] = {"?#", " \t\r\n"}; // behind that are a link's parameters, and a bridge's
    size_t n = 0, words = 0, from = 0;
    out[0] = 0;
    if (text.n == 0) return;
    for (; n < text.n && n < ROUTE_TEXT - 1 && text.p[n] != 0; n++) {
        uint8_t c = text.p[n];
        if (strchr(ends[0], c) != NULL || (strchr(ends[1], c) != NULL && words++ > 0)) break;
    }
    const uint8_t *scheme = memmem(text.p, n, "://", 3), *at = memrchr(text.p, '@', n);
    if (at != NULL) from = (size_t)(at - text.p) + 1;
    size_t kept = at != NULL && scheme != NULL && scheme < at ? (size_t)(scheme - text.p) + 3 : 0;
    if (kept > 0 && memchr(text.p, '@', kept) != NULL) kept = 0;
    (void)snprintf(out, ROUTE_TEXT, "%.*s%.*s", (int)kept, (const char *)text.p, (int)(n - from),
                   (const char *)text.p + from);
}

enum err route_write(const struct route *r, enum proxylink_form form, bool secrets, char out[ROUTE_TEXT])
{
    char place[REACH_HOST_MAX + 16];
    route_place(r, place);
    if (r->kind == ROUTE_DIRECT) return ERR_INVALID;
    if (r->kind == ROUTE_TRANSPORT || r->host[0] == '/') {
        if (form != PROXYLINK_URL || (r->host[0] == '/' && r->kind == ROUTE_HTTP)) return ERR_UNSUPPORTED;
        if (r->kind == ROUTE_TRANSPORT) (void)snprintf(out, ROUTE_TEXT, "%s %s", r->transport, place);
        else (void)snprintf(out, ROUTE_TEXT, "unix:%s", place);
        if (r->kind == ROUTE_TRANSPORT && secrets) write_arguments(r->arguments, out, ROUTE_TEXT);
        return ERR_OK;
    }
    struct proxylink p = {.kind = r->kind == ROUTE_HTTP ? PROXYLINK_HTTP : PROXYLINK_SOCKS5,
                          .port = r->port,
                          .credentials = r->login == SOCKS5_LOGIN};
    memcpy(p.host, r->host, sizeof p.host);
    memcpy(p.user, r->user, sizeof p.user);
    memcpy(p.password, r->password, sizeof p.password);
    enum err e = proxylink_write(&p, form, secrets, out);
    mem_wipe(&p, sizeof p);
    return e;
}

bool route_same(const struct route *a, const struct route *b)
{
    return a->kind == b->kind && a->login == b->login && strcmp(a->host, b->host) == 0 && a->port == b->port &&
           strcmp(a->user, b->user) == 0 && strcmp(a->password, b->password) == 0 &&
           strcmp(a->transport, b->transport) == 0 && strcmp(a->arguments, b->arguments) == 0 &&
           strcmp(a->relay, b->relay) == 0 && a->relay_port == b->relay_port;
}

// ------------------------------------------------------------------------------------------------------------- finding

// A line that says "Bridge", or whose third word, or fourth, is an argument.
static bool bridge_line(struct span s)
{
    struct span at = s, w = word(&at);
    if (!is_bridge(s)) return false;
    if (begins(w, "bridge") && w.n == 6) (void)word(&at); // the transport's name
    struct span place = word(&at), argument = word(&at);
    if (is_fingerprint(argument)) argument = word(&at);
    return place.n > 0 && memchr(place.p, ':', place.n) != NULL && argument.n > 0 &&
           memchr(argument.p, '=', argument.n) != NULL;
}

bool route_next(struct span *rest, struct route_found *out)
{
    while (rest->n > 0) {
        const uint8_t *end = memchr(rest->p, '\n', rest->n);
        struct span line = span_of(rest->p, end == NULL ? rest->n : (size_t)(end - rest->p));
        struct span below = span_of(rest->p + line.n, rest->n - line.n);
        if (below.n > 0) below = span_of(below.p + 1, below.n - 1);
        *out = (struct route_found){.text = trim(line)};
        if (bridge_line(line)) {
            *rest = below;
            out->err = route_read(line, false, &out->route, &out->why);
            return true;
        }
        struct proxylink_found found;
        if (proxylink_next(&line, &found)) {
            *rest = line.n == 0 ? below : span_of(line.p, (size_t)(below.p + below.n - line.p));
            *out = (struct route_found){.text = found.text, .err = found.err, .why = found.why};
            if (found.err == ERR_OK) of_link(&found.link, &out->route);
            mem_wipe(&found, sizeof found);
            return true;
        }
        *rest = below;
    }
    return false;
}
