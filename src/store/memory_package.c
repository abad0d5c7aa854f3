// SPDX-License-Identifier: Apache-2.0
//
// Key packages of the store in memory: a list a log, oldest first, of all its devices. Invariant: a package that was handed out is in no
// list any more once its batch stands.
#include "store/memory.h"

static bool of_device(const struct packet *p, const uint8_t *device) { return memcmp(p->device, device, WIRE_DEVICE) == 0; }

static void count_pool(const struct state *st, const uint8_t *device, struct wire_pool *out)
{
    *out = (struct wire_pool){.device = device};
    for (size_t i = 0; i < st->packets; i++) {
        if (!of_device(st->packet[i], device)) continue;
        if (st->packet[i]->last_resort) out->last_resort = true;
        else out->packages++;
    }
}

static size_t count_devices(const struct state *st)
{
    size_t n = 0;
    for (size_t i = 0; i < st->packets; i++) {
        size_t j = 0;
        while (j < i && !of_device(st->packet[j], st->packet[i]->device)) j++;
        n += j == i;
    }
    return n;
}

// How many bytes one take may hand out, if a device's largest package has `largest` or what it has now.
static size_t count_bytes(const struct state *st, const uint8_t *device, size_t largest)
{
    size_t bytes = 0;
    for (size_t i = 0; i < st->packets; i++) {
        const struct packet *p = st->packet[i];
        size_t most = p->n, j = 0;
        if (of_device(p, device)) {
            largest = largest < most ? most : largest;
            continue;
        }
        while (j < i && !of_device(st->packet[j], p->device)) j++;
        if (j < i) continue;
        for (; j < st->packets; j++) {
            if (of_device(st->packet[j], p->device) && most < st->packet[j]->n) most = st->packet[j]->n;
        }
        bytes += most + STORE_TAKEN_HEAD;
    }
    return bytes + largest + STORE_TAKEN_HEAD;
}

// Each packet is in the garbage list until the batch ends, when somebody holds it or not.
static enum err add_packet(struct store *s, struct state *st, const uint8_t *device, bool last_resort, struct span bytes)
{
    struct packet **more = mem_new_array(st->packets + 2, sizeof *more);
    struct packet *p = mem_new(sizeof *p);
    uint8_t *copy = mem_new(bytes.n);
    if (more == NULL || p == NULL || copy == NULL || memory_discard(s, p) != ERR_OK) {
        mem_free(more);
        mem_free(p);
        mem_free(copy);
        return ERR_MEMORY;
    }
    memcpy(copy, bytes.p, bytes.n);
    p->last_resort = last_resort;
    p->n = bytes.n;
    p->bytes = copy;
    memcpy(p->device, device, WIRE_DEVICE);
    if (st->packets > 0) memcpy(more, st->packet, st->packets * sizeof *more);
    more[st->packets++] = p;
    mem_free(st->packet);
    st->packet = more;
    return ERR_OK;
}

static enum err remove_packet(struct store *s, struct state *st, size_t i)
{
    enum err e = memory_discard(s, st->packet[i]);
    if (e != ERR_OK) return e;
    memmove(st->packet + i, st->packet + i + 1, (st->packets - i - 1) * sizeof *st->packet);
    st->packets--;
    return ERR_OK;
}

static enum err replace_last(struct store *s, struct state *st, const uint8_t *device, struct span last)
{
    enum err e = ERR_OK;
    if (last.n == 0) return ERR_OK;
    for (size_t i = st->packets; e == ERR_OK && i-- > 0;) {
        if (st->packet[i]->last_resort && of_device(st->packet[i], device)) e = remove_packet(s, st, i);
    }
    return e == ERR_OK ? add_packet(s, st, device, true, last) : e;
}

enum err memory_package_put(struct store *s, const struct store_access *a, const uint8_t *device, struct span last,
                                   struct span list, struct wire_pool *pool, enum wire_code *code)
{
    struct log *l = memory_find_allowed(s, a, WIRE_ADMIN, code);
    struct span rest = list, package;
    struct wire_pool had;
    size_t n = 0, largest = last.n;
    if (l == NULL) return ERR_OK;
    for (; wire_next_package(&rest, &package); n++) largest = largest < package.n ? package.n : largest;
    count_pool(&l->now, device, &had);
    bool known = had.packages > 0 || had.last_resort;
    bool full = had.packages + n > WIRE_PACKAGES_MAX || (!known && count_devices(&l->now) >= WIRE_DEVICES_MAX);
    if (full || count_bytes(&l->now, device, largest) > STORE_TAKEN_MAX) {
        *code = WIRE_E_LIMIT;
        return ERR_OK;
    }
    enum err e = memory_touch(s, l);
    if (e == ERR_OK) e = replace_last(s, &l->now, device, last);
    while (e == ERR_OK && wire_next_package(&list, &package)) e = add_packet(s, &l->now, device, false, package);
    if (e == ERR_OK) count_pool(&l->now, device, pool);
    return e;
}

// The one to hand out for the device of packet i, if that is the first of its device; else st->packets.
static size_t choose(const struct state *st, size_t i)
{
    size_t best = st->packets;
    for (size_t j = 0; j < st->packets; j++) {
        if (!of_device(st->packet[j], st->packet[i]->device)) continue;
        if (j < i) return st->packets;
        if (best == st->packets || (st->packet[best]->last_resort && !st->packet[j]->last_resort)) best = j;
    }
    return best;
}

enum err memory_package_take(struct store *s, const struct store_access *a, struct buf *taken, enum wire_code *code)
{
    struct log *l = memory_find_allowed(s, a, WIRE_APPEND, code);
    enum err e = l == NULL ? ERR_OK : memory_touch(s, l);
    bool used[WIRE_DEVICES_MAX * (WIRE_PACKAGES_MAX + 1)] = {0};
    if (l == NULL || e != ERR_OK) return e;
    for (size_t i = 0; i < l->now.packets; i++) {
        size_t j = choose(&l->now, i);
        if (j == l->now.packets) continue;
        const struct packet *p = l->now.packet[j];
        wire_put_taken(taken, &(struct wire_package){
                                  .device = p->device, .last_resort = p->last_resort, .package = span_of(p->bytes, p->n)});
        used[j] = !p->last_resort;
    }
    e = buf_end(taken);
    for (size_t i = l->now.packets; e == ERR_OK && i-- > 0;) {
        if (used[i]) e = remove_packet(s, &l->now, i);
    }
    return e;
}

enum err memory_package_clear(struct store *s, const struct store_access *a, const uint8_t *device,
                                     enum wire_code *code)
{
    struct log *l = memory_find_allowed(s, a, WIRE_ADMIN, code);
    enum err e = l == NULL ? ERR_OK : memory_touch(s, l);
    if (l == NULL || e != ERR_OK) return e;
    for (size_t i = l->now.packets; e == ERR_OK && i-- > 0;) {
        if (of_device(l->now.packet[i], device)) e = remove_packet(s, &l->now, i);
    }
    return e;
}

enum err memory_package_stat(struct store_reader *r, const struct store_access *a, struct buf *pool,
                                    enum wire_code *code)
{
    pthread_mutex_lock(&r->s->lock);
    struct log *l = memory_find_allowed(r->s, a, WIRE_ADMIN, code);
    for (size_t i = 0; l != NULL && i < l->now.packets; i++) {
        struct wire_pool p;
        if (choose(&l->now, i) == l->now.packets) continue; // not the first of its device
        count_pool(&l->now, l->now.packet[i]->device, &p);
        wire_put_pool(pool, &p);
    }
    pthread_mutex_unlock(&r->s->lock);
    return buf_end(pool);
}

