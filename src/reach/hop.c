// SPDX-License-Identifier: Apache-2.0
//
// Failures in words. Each sentence names the hop, so that whoever reads it knows whether to look at the network, at the proxy, or at the
// relay.
#include "reach/hop.h"

#include "reach/socks5.h"

#include <errno.h>

bool reach_host_ok(const char *host)
{
    size_t n = strlen(host);
    for (size_t i = 0; i < n; i++) {
        if (host[i] <= 0x20 || host[i] >= 0x7f || strchr("/@[]#?\\", host[i]) != NULL) return false;
    }
    return n > 0 && n <= REACH_HOST_MAX;
}

bool reach_is_onion(const char *host)
{
    static const char onion[] = ".onion";
    size_t n = strlen(host);
    if (n > 0 && host[n - 1] == '.') n--; // the root's dot changes nothing
    return n > 6 && strncasecmp(host + n - 6, onion, 6) == 0;
}

static const char *of_socks5(unsigned code)
{
    switch (code) {
    case SOCKS5_FAILURE: return "the proxy could not reach the relay, and does not say why; try another proxy";
    case SOCKS5_NOT_ALLOWED:
        return "the proxy's rules do not allow this relay; ask whoever runs the proxy, or try another";
    case SOCKS5_NET_UNREACHABLE: return "the proxy has no network to the relay; try another proxy";
    case SOCKS5_HOST_UNREACHABLE:
        return "the proxy finds no such relay; is its address right, and can the proxy look up names?";
    case SOCKS5_REFUSED:
        return "the proxy reached the relay's machine, and nobody listens there; the relay may be down";
    case SOCKS5_TTL_EXPIRED: return "the proxy's way to the relay took too long; try again, or another proxy";
    case SOCKS5_NO_COMMAND: return "the proxy makes no outgoing connections; try another proxy";
    case SOCKS5_NO_ADDRESS_TYPE:
        return "the proxy does not take this kind of address (IPv4, IPv6 or name); try another proxy";
    case SOCKS5_ONION_NOT_FOUND:
        return "Tor finds no such onion service; the relay may be down, or its address mistyped";
    case SOCKS5_ONION_INVALID:
        return "Tor cannot read what the onion service says of itself; update Tor, or tell the relay's operator";
    case SOCKS5_ONION_INTRODUCTION:
        return "Tor could not be introduced to the onion service; the relay may be down, or overloaded";
    case SOCKS5_ONION_RENDEZVOUS: return "Tor could not meet the onion service; try again";
    case SOCKS5_ONION_NO_KEY:
        return "the onion service wants a key from its visitors, and Tor has none; ask the relay's operator";
    case SOCKS5_ONION_WRONG_KEY:
        return "the onion service does not take the key that Tor has; ask the relay's operator for a new one";
    case SOCKS5_ONION_ADDRESS: return "the onion address is mistyped: its check digits are wrong";
    case SOCKS5_ONION_TIMEOUT:
        return "Tor waited too long for the onion service; it may be overloaded: try again later";
    default: return "the proxy refuses the connection with a code that nobody has defined; try another proxy";
    }
}

static const char *of_http(unsigned status)
{
    if (status == 403) return "the proxy's rules do not allow this relay; ask whoever runs the proxy, or try another";
    if (status == 404 || status == 405 || status == 501 || status == 400)
        return "there is a web server at the proxy's address, but it passes nothing on; is the address right?";
    if (status == 502 || status == 503)
        return "the proxy could not reach the relay; it may be down, or its name unknown there";
    if (status == 504) return "the proxy waited too long for the relay; try again, or another proxy";
    if (status == 429) return "the proxy has had enough of us for now; try again later, or another proxy";
    if (status >= 500) return "the proxy is in trouble; try again later, or another proxy";
    if (status >= 300 && status < 400)
        return "the proxy sends us to a web page: the network may want a login first; open a web browser";
    return "the proxy refuses the connection; ask whoever runs it, or try another";
}

static const char *of_proxy(const struct reach_failure *f)
{
    if (f->err == ERR_LIMIT)
        return "the proxy's address does not answer in time; the proxy may be down, or the network blocks it";
    switch (f->os) {
    case ECONNREFUSED: return "nobody listens at the proxy's address and port; does the proxy run?";
    case ENOENT: return "the proxy's socket is not there; does the proxy run?";
    case EACCES:
    case EPERM:
        return "the system does not let us talk to the proxy's address; look at the socket's owner, or the firewall";
    case ENETUNREACH:
    case EHOSTUNREACH: return "there is no way to the proxy's address; is there a network?";
    case ETIMEDOUT: return "the proxy's address does not answer; the proxy may be down, or the network blocks it";
    case ECONNRESET: return "the connection to the proxy was cut off; the network may block it";
    default: return "the proxy cannot be reached; it may be down, or the network blocks it";
    }
}

static const char *of_relay(const struct reach_failure *f)
{
    if (f->err == ERR_LIMIT) return "the relay's address does not answer in time; the network may block it";
    if (f->os == ECONNREFUSED)
        return "nobody listens at the relay's address; it may be down, or the network may block it";
    if (f->os == ENETUNREACH || f->os == EHOSTUNREACH)
        return "there is no way to the relay's address; is there a network?";
    return "the relay cannot be reached; it may be down, or the network may block it";
}

static const char *of_greeting(const struct reach_failure *f)
{
    if (f->err == ERR_LIMIT) return "what answers at the proxy's address says nothing; is it a proxy of this kind?";
    if (f->err == ERR_IO) return "the proxy hung up at once; is it a proxy of this kind, and may this computer use it?";
    return "what answers at the proxy's address is no proxy of this kind; are address, port and kind right?";
}

static const char *of_login(const struct reach_failure *f)
{
    if (f->err == ERR_REFUSED)
        return "the proxy wants another way to log in than it was offered; has it a user and password, or none?";
    if (f->err == ERR_LIMIT) return "the proxy does not answer the login; try again, or another proxy";
    if (f->err == ERR_UNAUTHENTICATED) return "the proxy does not take the user and password; are they right?";
    if (f->err == ERR_IO) return "the proxy hung up at the login; are user and password right?";
    return "the proxy answers the login with something else; is it a proxy of this kind?";
}

static const char *of_beyond(const struct reach_failure *f)
{
    if (f->err == ERR_LIMIT) return "the proxy does not get through to the relay in time; try again, or another proxy";
    if (f->err == ERR_IO)
        return "the proxy hung up when it was asked for the relay; it may not allow it, or not reach it";
    if (f->err != ERR_REFUSED) return "the proxy's answer makes no sense; is it a proxy of this kind?";
    return f->code < 256 ? of_socks5(f->code) : of_http(f->code);
}

static const char *of_tls(const struct reach_failure *f)
{
    if (f->err == ERR_LIMIT) return "the way to the relay is open, but nothing comes through; the network may block it";
    if (f->err == ERR_IO)
        return "the connection was cut off when the relay was to prove itself; the network may block it";
    return "what answers in the relay's place does not speak TLS 1.3; the network may want a login first: open a web "
           "browser";
}

const char *reach_failure_text(const struct reach_failure *f)
{
    switch (f->hop) {
    case HOP_PACE: return "so many attempts have failed that the next ones wait for a minute";
    case HOP_POLICY:
        return f->err == ERR_UNSUPPORTED
                   ? "an onion address is reached through Tor only, and no such route is set up; add one"
                   : "the policy allows none of the routes; add a proxy that it allows, or change it";
    case HOP_LAUNCH:
        return f->err == ERR_NOT_FOUND
                   ? "the pluggable transport's program is not installed, or not where it was said to be"
               : f->err == ERR_LIMIT
                   ? "the pluggable transport's program does not become ready"
                   : "the pluggable transport's program does not work; see what it says when it is run by hand";
    case HOP_PROXY_NAME:
        return f->err == ERR_REFUSED
                   ? "the proxy is given by name, and looking that up would go past the proxy; give its numeric address"
               : f->err == ERR_LIMIT ? "the proxy's name is not found in time; is there a network?"
                                     : "the proxy's name cannot be found; is there a network, and is the name right?";
    case HOP_NAME: return "the relay's name cannot be found; is there a network, and is the address right?";
    case HOP_PROXY: return of_proxy(f);
    case HOP_RELAY: return of_relay(f);
    case HOP_GREETING: return of_greeting(f);
    case HOP_LOGIN: return of_login(f);
    case HOP_BRIDGE:
        return f->err == ERR_LIMIT
                   ? "the bridge does not answer; its line may be mistyped, or the network may block it"
                   : "the transport does not get through to the bridge; it may be down, mistyped, or blocked";
    case HOP_BEYOND: return of_beyond(f);
    case HOP_TLS: return of_tls(f);
    case HOP_KEY:
        return "somebody else answers in the relay's place: the key is another one. Do not trust what is there; try "
               "another route";
    case HOP_TALK:
        return f->err == ERR_LIMIT
                   ? "the relay was reached, and then nothing came through any more; the network may block it"
                   : "the relay was reached, and then the connection was cut off; the network may block it";
    default: return "nothing has failed";
    }
}
