// SPDX-License-Identifier: Apache-2.0
//
// Which network this computer is on, as far as its own addresses tell, and whether it has slept. Nothing is sent, and the hash is
// under a key that nobody else has.
#include "base/siphash.h"
#include "reach/inner.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <time.h>

// A host's part of an address changes with each lease, and in IPv6 each day: the network's part is what counts.
static uint64_t hash_of(const uint64_t key[2], const struct ifaddrs *a)
{
    uint8_t text[IF_NAMESIZE + 8] = {0};
    (void)strncpy((char *)text, a->ifa_name, IF_NAMESIZE);
    if (a->ifa_addr->sa_family == AF_INET) {
        uint32_t at = ((const struct sockaddr_in *)(const void *)a->ifa_addr)->sin_addr.s_addr;
        if (a->ifa_netmask != NULL) at &= ((const struct sockaddr_in *)(const void *)a->ifa_netmask)->sin_addr.s_addr;
        memcpy(text + IF_NAMESIZE, &at, sizeof at);
    } else {
        memcpy(text + IF_NAMESIZE, ((const struct sockaddr_in6 *)(const void *)a->ifa_addr)->sin6_addr.s6_addr, 8);
    }
    return siphash(key, span_of(text, sizeof text));
}

static bool counts(const struct ifaddrs *a)
{
    if (a->ifa_addr == NULL || (a->ifa_flags & IFF_UP) == 0 || (a->ifa_flags & IFF_LOOPBACK) != 0) return false;
    if (a->ifa_addr->sa_family == AF_INET) return true;
    return a->ifa_addr->sa_family == AF_INET6 &&
           !IN6_IS_ADDR_LINKLOCAL(&((const struct sockaddr_in6 *)(const void *)a->ifa_addr)->sin6_addr);
}

uint64_t network_hash(const uint64_t key[2])
{
    struct ifaddrs *all = NULL;
    uint64_t seen[64], sum = 0;
    size_t n = 0;
    if (getifaddrs(&all) != 0) return 0;
    for (const struct ifaddrs *a = all; a != NULL; a = a->ifa_next) {
        if (!counts(a) || n == 64) continue;
        uint64_t h = hash_of(key, a);
        size_t i = 0;
        while (i < n && seen[i] != h) i++;
        if (i == n) sum += seen[n++] = h; // each network once, in any order
    }
    freeifaddrs(all);
    return sum;
}

int64_t network_slept(void)
{
    struct timespec all = {0}, awake = {0};
    (void)clock_gettime(CLOCK_BOOTTIME, &all);
    (void)clock_gettime(CLOCK_MONOTONIC, &awake);
    return (all.tv_sec - awake.tv_sec) * 1000 + (all.tv_nsec - awake.tv_nsec) / 1000000;
}
