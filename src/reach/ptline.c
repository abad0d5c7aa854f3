// SPDX-License-Identifier: Apache-2.0
//
// A transport's lines. Words are divided by single spaces, and keywords are in capitals; whatever is not known is passed over, as the
// specification wants it, but what is known and wrong ends the transport.
#include "reach/ptline.h"

#include <arpa/inet.h>

// The next word, of less than `room` bytes; false if it is missing or too long.
static bool word(const char **at, char *out, size_t room)
{
    size_t n = strcspn(*at, " ");
    if (n == 0 || n >= room) return false;
    memcpy(out, *at, n);
    out[n] = 0;
    *at += n;
    if (**at == ' ') ++*at;
    return true;
}

static bool read_port(const char *digits, uint16_t *out)
{
    uint32_t v = 0;
    size_t n = strspn(digits, "0123456789");
    if (n == 0 || n > 5 || digits[n] != 0) return false;
    for (size_t i = 0; i < n; i++) v = 10 * v + (uint32_t)(digits[i] - '0');
    *out = (uint16_t)v;
    return v > 0 && v <= UINT16_MAX;
}

// "127.0.0.1:43241", "[::1]:43241".
static bool read_place(char *place, struct pt_said *out)
{
    struct in_addr v4;
    struct in6_addr v6;
    char *colon = strrchr(place, ':'), *host = place;
    if (colon == NULL || !read_port(colon + 1, &out->port)) return false;
    *colon = 0;
    size_t n = strlen(host);
    bool bracket = host[0] == '[';
    if (bracket && (n < 3 || host[n - 1] != ']')) return false;
    if (bracket) {
        host[n - 1] = 0;
        host++;
    }
    if (strlen(host) >= sizeof out->address) return false;
    memcpy(out->address, host, strlen(host) + 1);
    if (bracket) return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
    return inet_pton(AF_INET, host, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
}

static bool read_method(const char *at, struct pt_said *out)
{
    char protocol[16], place[64];
    return word(&at, out->transport, sizeof out->transport) && word(&at, protocol, sizeof protocol) &&
           strcmp(protocol, "socks5") == 0 && word(&at, place, sizeof place) && read_place(place, out);
}

void pt_read(const char *line, struct pt_said *out)
{
    char key[24];
    const char *at = line;
    *out = (struct pt_said){.kind = PT_OTHER};
    if (!word(&at, key, sizeof key)) return;
    if (strcmp(key, "VERSION") == 0) out->kind = strcmp(at, "1") == 0 ? PT_VERSION : PT_FAILED;
    else if (strcmp(key, "CMETHOD") == 0) out->kind = read_method(at, out) ? PT_METHOD : PT_FAILED;
    else if (strcmp(key, "CMETHODS") == 0) out->kind = strcmp(at, "DONE") == 0 ? PT_DONE : PT_FAILED;
    else if (strcmp(key, "CMETHOD-ERROR") == 0 || strcmp(key, "ENV-ERROR") == 0 || strcmp(key, "VERSION-ERROR") == 0 ||
             strcmp(key, "PROXY-ERROR") == 0)
        out->kind = PT_FAILED;
}

void pt_login(const char *arguments, struct span *user, struct span *password)
{
    size_t n = strlen(arguments), first = n < SOCKS5_TEXT_MAX ? n : SOCKS5_TEXT_MAX;
    *user = span_of(arguments, first);
    *password = n > first ? span_of(arguments + first, n - first) : span_of("", 1);
}
