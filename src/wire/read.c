// SPDX-License-Identifier: Apache-2.0
//
// The reader of messages, and the rules that lists keep (docs/protocol.md §3). A list is walked once; only where its elements
// must differ more is done, and never more than a frame's length times a constant: a hostile list costs what an honest one does.
#include "wire/read.h"

enum err wire_read_end(const struct wire_reader *d)
{
    if (tls_end(&d->r) != ERR_OK) return ERR_MALFORMED;
    return d->limit != 0 ? ERR_LIMIT : ERR_OK;
}

void wire_read_count(struct wire_reader *d, size_t n, size_t most)
{
    if (n > most && d->limit == 0) d->limit = most;
}

const uint8_t *wire_read_fixed(struct wire_reader *d, size_t n) { return tls_bytes(&d->r, n).p; }

struct span wire_read_sized(struct wire_reader *d, size_t least, size_t most)
{
    struct span s = tls_vector(&d->r);
    if (s.n < least) tls_fail(&d->r);
    wire_read_count(d, s.n, most);
    return s;
}

bool wire_read_flag(struct wire_reader *d) { return tls_optional(&d->r); }

uint32_t wire_read_credit(struct wire_reader *d)
{
    uint32_t credit = tls_u32(&d->r);
    if (credit > INT32_MAX) tls_fail(&d->r);
    return credit;
}

// ------------------------------------------------------------------------------------------------------------ lists

// A list has been walked to where the walk ended: anything that is left is no element.
static void all_seen(struct wire_reader *d, struct span rest)
{
    if (rest.n != 0) tls_fail(&d->r);
}

// Whether tags differ. They are sorted by one byte after the other unless they rise already, as a client counts them.
static bool tags_differ(uint32_t *tags, size_t n)
{
    uint32_t other[WIRE_FOLLOWS_MAX], *from = tags, *to = other;
    bool rising = true;
    for (size_t i = 1; i < n; i++) rising = rising && tags[i - 1] < tags[i];
    if (rising) return true;
    for (unsigned shift = 0; shift < 32; shift += 8) {
        size_t place[257] = {0};
        for (size_t i = 0; i < n; i++) place[(from[i] >> shift & 0xff) + 1]++;
        for (size_t b = 1; b < 257; b++) place[b] += place[b - 1];
        for (size_t i = 0; i < n; i++) to[place[from[i] >> shift & 0xff]++] = from[i];
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    for (size_t i = 1; i < n; i++) {
        if (from[i - 1] == from[i]) return false;
    }
    return true;
}

// Ends a list of n elements with tags, of which 1 to WIRE_FOLLOWS_MAX may be.
static void check_tags(struct wire_reader *d, uint32_t *tags, size_t n)
{
    wire_read_count(d, n, WIRE_FOLLOWS_MAX);
    if (n == 0) tls_fail(&d->r);
    if (n <= WIRE_FOLLOWS_MAX && !tags_differ(tags, n)) tls_fail(&d->r);
}

// Whether the newest of n names of `size` bytes is none of those before it.
static bool is_new(const uint8_t *const *names, size_t n, size_t size)
{
    for (size_t i = 0; i + 1 < n; i++) {
        if (memcmp(names[i], names[n - 1], size) == 0) return false;
    }
    return true;
}

// The same for a list of devices, of which there are n by now.
static void check_device(struct wire_reader *d, const uint8_t **devices, size_t n, const uint8_t *device)
{
    if (n > WIRE_DEVICES_MAX) return;
    devices[n - 1] = device;
    if (!is_new(devices, n, WIRE_DEVICE)) tls_fail(&d->r);
}

// §3.1: "Advance without append, no right at all, and from_seq above to_seq are malformed."
static bool grant_holds(const struct wire_grant *g)
{
    if (g->rights == 0 || (g->rights & ~WIRE_RIGHTS) != 0) return false;
    if ((g->rights & WIRE_ADVANCE) != 0 && (g->rights & WIRE_APPEND) == 0) return false;
    return g->from_seq <= g->to_seq;
}

void wire_read_grant(struct wire_reader *d, struct wire_grant *out)
{
    struct span rest = span_of(d->r.p, tls_left(&d->r)), before = rest;
    if (!wire_next_grant(&rest, out) || !grant_holds(out)) tls_fail(&d->r);
    else (void)tls_bytes(&d->r, before.n - rest.n);
}

struct span wire_read_versions(struct wire_reader *d)
{
    struct span versions = tls_vector(&d->r);
    if (versions.n == 0 || versions.n % 2 != 0) tls_fail(&d->r);
    wire_read_count(d, versions.n / 2, WIRE_VERSIONS_MAX);
    return versions;
}

struct span wire_read_grants(struct wire_reader *d)
{
    struct span list = tls_vector(&d->r), rest = list;
    const uint8_t *hashes[WIRE_GRANTS_MAX];
    struct wire_grant g;
    size_t n = 0;
    uint8_t rights = 0;
    for (const uint8_t *at = rest.p; wire_next_grant(&rest, &g); at = rest.p) {
        if (!grant_holds(&g)) tls_fail(&d->r);
        rights |= g.rights;
        if (++n > WIRE_GRANTS_MAX) continue;
        hashes[n - 1] = at; // a grant begins with its hash
        if (!is_new(hashes, n, WIRE_HASH)) tls_fail(&d->r);
    }
    all_seen(d, rest);
    wire_read_count(d, n, WIRE_GRANTS_MAX);
    // §3.1: "of which at least one is admin or advance"
    if ((rights & (WIRE_ADMIN | WIRE_ADVANCE)) == 0) tls_fail(&d->r);
    return list;
}

struct span wire_read_follows(struct wire_reader *d)
{
    struct span list = tls_vector(&d->r), rest = list;
    uint32_t tags[WIRE_FOLLOWS_MAX];
    struct wire_follow f;
    size_t n = 0;
    for (; wire_next_follow(&rest, &f); n++) {
        if (n < WIRE_FOLLOWS_MAX) tags[n] = f.tag;
    }
    all_seen(d, rest);
    check_tags(d, tags, n);
    return list;
}

struct span wire_read_packages(struct wire_reader *d)
{
    struct span list = tls_vector(&d->r), rest = list, package;
    size_t n = 0;
    for (; wire_next_package(&rest, &package); n++) {
        if (package.n == 0) tls_fail(&d->r);
        wire_read_count(d, package.n, WIRE_PACKAGE_MAX);
    }
    all_seen(d, rest);
    wire_read_count(d, n, WIRE_PACKAGES_MAX);
    return list;
}

struct span wire_read_entries(struct wire_reader *d, uint64_t *last)
{
    struct span list = tls_vector(&d->r), rest = list;
    struct wire_entry e;
    *last = 0;
    while (wire_next_entry(&rest, &e)) {
        if (e.seq <= *last || e.payload.n == 0) tls_fail(&d->r);
        wire_read_count(d, e.payload.n, WIRE_ENTRY_MAX);
        *last = e.seq;
    }
    all_seen(d, rest);
    return list;
}

struct span wire_read_followed(struct wire_reader *d)
{
    struct span list = tls_vector(&d->r), rest = list;
    uint32_t tags[WIRE_FOLLOWS_MAX];
    struct wire_followed f;
    size_t n = 0;
    for (; wire_next_followed(&rest, &f); n++) {
        bool zero = f.oldest == 0 && f.head == 0 && f.epoch == 0;
        bool range = f.oldest != 0 && f.oldest - 1 <= f.head;
        if (f.code >= WIRE_CODES || !(f.code == WIRE_OK ? range : zero)) tls_fail(&d->r);
        if (n < WIRE_FOLLOWS_MAX) tags[n] = f.tag;
    }
    all_seen(d, rest);
    check_tags(d, tags, n);
    return list;
}

struct span wire_read_taken(struct wire_reader *d)
{
    struct span list = tls_vector(&d->r), rest = list;
    const uint8_t *devices[WIRE_DEVICES_MAX];
    struct wire_package p;
    size_t n = 0;
    while (wire_next_taken(&rest, &p)) {
        if (p.package.n == 0) tls_fail(&d->r);
        wire_read_count(d, p.package.n, WIRE_PACKAGE_MAX);
        check_device(d, devices, ++n, p.device);
    }
    all_seen(d, rest);
    wire_read_count(d, n, WIRE_DEVICES_MAX);
    return list;
}

struct span wire_read_pool(struct wire_reader *d)
{
    struct span list = tls_vector(&d->r), rest = list;
    const uint8_t *devices[WIRE_DEVICES_MAX];
    struct wire_pool p;
    size_t n = 0;
    while (wire_next_pool(&rest, &p)) check_device(d, devices, ++n, p.device);
    all_seen(d, rest);
    wire_read_count(d, n, WIRE_DEVICES_MAX);
    return list;
}
