// SPDX-License-Identifier: Apache-2.0
//
// Addresses of relays. Read strictly: one that is accepted is written again as it was, but for a port that need not be told and
// letters of the host's name, which become small ones.
#include "link/address.h"

#include "base/base64.h"

#include <ctype.h>
#include <stdio.h>

static const char scheme[] = "wss://";
enum { STANDARD_PORT = 443, PIN_TEXT = 43 };

static bool take(struct span *s, uint8_t c)
{
    if (s->n == 0 || s->p[0] != c) return false;
    s->p++;
    s->n--;
    return true;
}

// The front of *s up to the first of `ends`, or all of it.
static struct span until(struct span *s, const char *ends)
{
    size_t n = 0;
    while (n < s->n && (s->p[n] == 0 || strchr(ends, s->p[n]) == NULL)) n++;
    struct span front = span_of(s->p, n);
    s->p += n;
    s->n -= n;
    return front;
}

static bool each(struct span s, const char *allowed)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == 0 || (!isalnum(s.p[i]) && strchr(allowed, s.p[i]) == NULL)) return false;
    }
    return s.n > 0;
}

static const char *read_host(struct span *s, struct link_address *a)
{
    bool bracket = take(s, '[');
    struct span host = until(s, bracket ? "]" : ":/#?");
    if (bracket && !take(s, ']')) return "the bracket of its IPv6 address is not closed";
    if (host.n > LINK_HOST_MAX || !each(host, bracket ? ":." : "-.") || host.p[0] == '-')
        return "its host is no name or address";
    for (size_t i = 0; i < host.n; i++) a->host[i] = (char)tolower(host.p[i]);
    return NULL;
}

static const char *read_port(struct span *s, struct link_address *a)
{
    a->port = STANDARD_PORT;
    if (!take(s, ':')) return NULL;
    struct span digits = until(s, "/#?");
    uint32_t port = 0;
    for (size_t i = 0; i < digits.n && i < 5; i++) {
        if (!isdigit(digits.p[i])) return "its port is no number";
        port = 10 * port + digits.p[i] - '0';
    }
    if (digits.n == 0 || digits.n > 5 || port == 0 || port > UINT16_MAX || digits.p[0] == '0')
        return "its port is none from 1 to 65535";
    a->port = (uint16_t)port;
    return NULL;
}

static const char *read_rest(struct span *s, struct link_address *a)
{
    if (!take(s, '/')) return "its secret path is missing";
    struct span secret = until(s, "#");
    if (secret.n > LINK_SECRET_MAX || !each(secret, "-_")) return "its secret path is none";
    memcpy(a->secret, secret.p, secret.n);
    if (!take(s, '#')) return "the end, behind #, is missing: without it nobody can tell the relay from another";
    struct buf pin;
    buf_init(&pin, LINK_PIN);
    bool ok = s->n == PIN_TEXT && base64_decode(*s, &pin) == ERR_OK;
    if (ok) memcpy(a->pin, pin.p, LINK_PIN);
    buf_wipe(&pin);
    return ok ? NULL : "the end, behind #, is cut off or mistyped";
}

enum err link_address_read(struct span text, struct link_address *out, const char **why)
{
    struct link_address a = {0};
    const size_t n = sizeof scheme - 1;
    if (text.n < n || strncasecmp((const char *)text.p, scheme, n) != 0) {
        *why = "a relay's address begins with wss://";
        return ERR_MALFORMED;
    }
    struct span rest = span_of(text.p + n, text.n - n);
    const char *wrong = read_host(&rest, &a);
    if (wrong == NULL) wrong = read_port(&rest, &a);
    if (wrong == NULL) wrong = read_rest(&rest, &a);
    if (wrong == NULL) *out = a;
    else *why = wrong;
    mem_wipe(&a, sizeof a);
    return wrong == NULL ? ERR_OK : ERR_MALFORMED;
}

void link_address_write(const struct link_address *a, char out[LINK_ADDRESS_TEXT])
{
    char pin[PIN_TEXT + 1], port[8] = "";
    bool v6 = strchr(a->host, ':') != NULL;
    base64_encode(span_of(a->pin, LINK_PIN), pin);
    if (a->port != STANDARD_PORT) (void)snprintf(port, sizeof port, ":%u", (unsigned)a->port);
    (void)snprintf(out, LINK_ADDRESS_TEXT, "wss://%s%s%s%s/%s#%s", v6 ? "[" : "", a->host, v6 ? "]" : "", port,
                   a->secret, pin);
}

bool link_address_same(const struct link_address *a, const struct link_address *b)
{
    return strcmp(a->host, b->host) == 0 && a->port == b->port && strcmp(a->secret, b->secret) == 0 &&
           memcmp(a->pin, b->pin, LINK_PIN) == 0;
}
