// SPDX-License-Identifier: Apache-2.0
//
// Routes, policies and isolation by name, and what makes a route one that can be tried at all.
#include "reach/inner.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <strings.h>

const char *route_kind_name(enum route_kind k)
{
    static const char *const names[ROUTE_KINDS] = {"direct", "socks5", "tor", "http", "transport"};
    return (unsigned)k < ROUTE_KINDS ? names[k] : NULL;
}

const char *reach_policy_name(enum reach_policy p)
{
    static const char *const names[REACH_POLICIES] = {"auto", "proxy-only", "tor-only"};
    return (unsigned)p < REACH_POLICIES ? names[p] : NULL;
}

bool reach_policy_find(const char *name, enum reach_policy *out)
{
    for (unsigned i = 0; i < REACH_POLICIES; i++) {
        *out = (enum reach_policy)i;
        if (strcmp(reach_policy_name(*out), name) == 0) return true;
    }
    return false;
}

const char *reach_isolation_name(enum reach_isolation i)
{
    static const char *const names[REACH_ISOLATIONS] = {"profile", "relay", "conversation"};
    return (unsigned)i < REACH_ISOLATIONS ? names[i] : NULL;
}

static bool numeric(const char *host)
{
    uint8_t at[16];
    return inet_pton(AF_INET, host, at) == 1 || inet_pton(AF_INET6, host, at) == 1;
}

static bool printable(const char *s)
{
    while (*s > 0x20 && *s < 0x7f) s++;
    return *s == 0;
}

// Of this computer or its cable: loopback, link-local, and the address that stands for it.
static bool near(const char *host)
{
    struct in6_addr a;
    uint8_t v4[4];
    if (host[0] == '/' || strcasecmp(host, "localhost") == 0) return true;
    if (inet_pton(AF_INET6, host, &a) == 1) {
        if (!IN6_IS_ADDR_V4MAPPED(&a))
            return IN6_IS_ADDR_LOOPBACK(&a) || IN6_IS_ADDR_UNSPECIFIED(&a) || IN6_IS_ADDR_LINKLOCAL(&a);
        memcpy(v4, a.s6_addr + 12, sizeof v4);
    } else if (inet_pton(AF_INET, host, v4) != 1) {
        return false;
    }
    return v4[0] == 0 || v4[0] == 127 || (v4[0] == 169 && v4[1] == 254);
}

bool route_may_be_offered(const struct route *r, const char *relay)
{
    return r->host[0] != '/' && !reach_is_onion(relay) && (!near(r->host) || near(relay));
}

static const char *check_place(const struct route *r)
{
    if (r->host[0] == '/') {
        if (strlen(r->host) > REACH_PATH_MAX) return "the path of its socket is too long";
        return r->port != 0 ? "a socket's path has no port" : NULL;
    }
    if (!reach_host_ok(r->host)) return "its host is no name or address";
    return r->port == 0 ? "its port is missing" : NULL;
}

static const char *check_login(const struct route *r)
{
    if (r->login == SOCKS5_OPEN && (r->user[0] != 0 || r->password[0] != 0))
        return "it has a user or password that it would not use";
    if (r->login == SOCKS5_LOGIN && r->user[0] == 0) return "its user is missing";
    if (r->login == SOCKS5_ISOLATE && (r->user[0] != 0 || r->password[0] != 0))
        return "it cannot have a user, and logins that keep circuits apart";
    if (r->kind == ROUTE_HTTP && r->login == SOCKS5_ISOLATE) return "an HTTP proxy has no circuits to keep apart";
    if (r->kind == ROUTE_HTTP && strchr(r->user, ':') != NULL) return "an HTTP proxy's user has no colon";
    if (r->kind == ROUTE_TOR && r->login == SOCKS5_LOGIN) return "Tor takes no user and password";
    return NULL;
}

static const char *check_transport(const struct route *r)
{
    const char *c = r->transport;
    if (*c == 0) return "the transport's name is missing";
    while (isalnum((unsigned char)*c) || *c == '_') c++;
    if (*c != 0 || isdigit((unsigned char)r->transport[0])) return "the transport's name is none";
    if (r->login != SOCKS5_OPEN || r->user[0] != 0 || r->password[0] != 0)
        return "a transport has arguments, and no login";
    if (!numeric(r->host)) return "a bridge is given by its numeric address";
    return printable(r->arguments) ? NULL : "its arguments have a character that they cannot have";
}

const char *route_check(const struct route *r)
{
    if (r->kind <= ROUTE_DIRECT || r->kind >= ROUTE_KINDS) return "its kind is none";
    if ((unsigned)r->login > SOCKS5_ISOLATE) return "its login is none";
    const char *wrong = check_place(r);
    if (wrong == NULL) wrong = r->kind == ROUTE_TRANSPORT ? check_transport(r) : check_login(r);
    return wrong;
}
