// SPDX-License-Identifier: Apache-2.0
//
// The list of places. All that is clever about it is what it does not do: no wildcard, no port range, no look at DNS.
#include "socksd/allow.h"

#include "reach/proxylink.h"

#include <arpa/inet.h>
#include <ctype.h>

// ::ffff:0:0/96, an IPv4 address as IPv6 writes it.
static const uint8_t mapped[12] = {[10] = 0xff, 0xff};

// An address in its one form.
static uint8_t plain(uint8_t address[16], uint8_t size)
{
    if (size != 16 || memcmp(address, mapped, sizeof mapped) != 0) return size;
    memmove(address, address + 12, 4);
    memset(address + 4, 0, 12);
    return 4;
}

// A text that is a numeric address in its usual form, and in no other.
static uint8_t numeric(const char *text, uint8_t address[16])
{
    if (inet_pton(AF_INET, text, address) == 1) return 4;
    return inet_pton(AF_INET6, text, address) == 1 ? plain(address, 16) : 0;
}

struct block {
    uint8_t size, bits, address[16];
};
static bool within(const struct block *list, size_t n, const uint8_t *address, size_t size)
{
    for (size_t i = 0; i < n; i++) {
        const struct block *b = &list[i];
        const size_t whole = b->bits / 8, rest = b->bits % 8;
        if (b->size != size || memcmp(b->address, address, whole) != 0) continue;
        if (rest == 0 || (b->address[whole] ^ address[whole]) >> (8 - rest) == 0) return true;
    }
    return false;
}

// Nobody's: unspecified, groups, broadcast, and what is reserved.
static const struct block nobody[] = {{4, 8, {0}}, {4, 4, {224}}, {4, 4, {240}}, {16, 128, {0}}, {16, 8, {0xff}}};
// Those of this computer, of private networks, of tests, and of nobody (RFC 6890).
static const struct block near[] = {
    {4, 8, {10}},          {4, 10, {100, 64}},   {4, 8, {127}},          {4, 16, {169, 254}},
    {4, 12, {172, 16}},    {4, 24, {192, 0, 0}}, {4, 16, {192, 168}},    {4, 15, {198, 18}},
    {16, 128, {[15] = 1}}, {16, 7, {0xfc}},      {16, 10, {0xfe, 0x80}}, {16, 10, {0xfe, 0xc0}},
    {16, 96, {0}},         {16, 64, {1, 0}},     {16, 32, {0x20, 0x01}}, // the last is Teredo: to any IPv4 address
};
#define COUNT(a) (sizeof(a) / sizeof *(a))

bool socksd_address_private(const uint8_t *address, size_t size)
{
    static const struct block nat64 = {16, 96, {0, 0x64, 0xff, 0x9b}},
                              local_nat64 = {16, 48, {0, 0x64, 0xff, 0x9b, 0, 1}}, six_to_four = {16, 16, {0x20, 0x02}};
    uint8_t a[16] = {0};
    memcpy(a, address, size);
    size = plain(a, (uint8_t)size);
    if (within(nobody, COUNT(nobody), a, size) || within(near, COUNT(near), a, size)) return true;
    // Those that carry an IPv4 address go where that goes.
    if (within(&nat64, 1, a, size)) return socksd_address_private(a + 12, 4);
    if (within(&six_to_four, 1, a, size)) return socksd_address_private(a + 2, 4);
    return within(&local_nat64, 1, a, size);
}

enum err socksd_place_read(struct span text, struct socksd_place *out, const char **why)
{
    struct proxylink p;
    struct socksd_place place = {0};
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != 0 && (isalnum(text.p[i]) || strchr("-_.:[]", text.p[i]) != NULL)) continue;
        *why = "a place is HOST:PORT, or [IPV6]:PORT, and nothing more";
        return ERR_MALFORMED;
    }
    enum err e = proxylink_read(text, &p, why);
    if (e != ERR_OK) return ERR_MALFORMED;
    place.size = numeric(p.host, place.address);
    place.port = p.port;
    if (place.size == 0) memcpy(place.name, p.host, strlen(p.host));
    const size_t n = strlen(place.name), l = strlen(".localhost");
    if (place.size != 0 && within(nobody, COUNT(nobody), place.address, place.size)) {
        *why = "no host has that address";
        return ERR_REFUSED;
    }
    if (reach_is_onion(place.name)) {
        *why = "an onion service is reached by Tor alone";
        return ERR_REFUSED;
    }
    if (strcmp(place.name, "localhost") == 0 || (n > l && strcmp(place.name + n - l, ".localhost") == 0)) {
        *why = "that is this computer itself; name its address, 127.0.0.1 or [::1], if that is meant";
        return ERR_REFUSED;
    }
    *out = place;
    return ERR_OK;
}

// What the client means, in the form that the list has. False for a name that cannot be one.
static bool understand(const struct socksd_target *to, struct socksd_place *out)
{
    *out = (struct socksd_place){.size = to->size, .port = to->port};
    if (to->size != 0) {
        memcpy(out->address, to->address, to->size);
        out->size = plain(out->address, to->size);
        return true;
    }
    size_t n = to->name_n;
    if (n > 1 && to->name[n - 1] == '.') n--;
    if (n == 0 || n >= sizeof out->name || memchr(to->name, 0, n) != NULL) return false;
    for (size_t i = 0; i < n; i++) out->name[i] = (char)tolower(to->name[i]);
    out->size = numeric(out->name, out->address);
    return true;
}

int socksd_allow_find(const struct socksd_place *list, size_t n, const struct socksd_target *to)
{
    struct socksd_place p;
    if (!understand(to, &p)) return -1;
    for (size_t i = 0; i < n; i++) {
        if (list[i].size != p.size || list[i].port != p.port) continue;
        if (p.size != 0 ? memcmp(list[i].address, p.address, p.size) == 0 : strcmp(list[i].name, p.name) == 0)
            return (int)i;
    }
    return -1;
}

bool socksd_allow_found(const struct socksd_place *list, size_t n, const uint8_t *address, size_t size, uint16_t port)
{
    struct socksd_target to = {.size = (uint8_t)size, .port = port};
    if (!socksd_address_private(address, size)) return true;
    memcpy(to.address, address, size);
    return socksd_allow_find(list, n, &to) >= 0;
}
