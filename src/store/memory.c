// SPDX-License-Identifier: Apache-2.0
//
// The store in memory, for tests and fuzzers: simple enough to be believed, and the measure of what other engines do. Nothing
// survives the process. One lock; a batch holds it from begin to commit, so readers see whole batches. Before a batch changes a log,
// it keeps an image of it, and rolling back puts the images in their places.
#include "store/memory.h"

// ------------------------------------------------------------------------------------------------------------ the logs

static struct log **place(struct store *s, const uint8_t *id)
{
    struct log **at = &s->bucket[(id[0] << 8 | id[1]) % BUCKETS];
    while (*at != NULL && memcmp((*at)->id, id, WIRE_ID) != 0) at = &(*at)->next;
    return at;
}

static struct log *find(struct store *s, const uint8_t *id)
{
    struct log *l = *place(s, id);
    return l != NULL && l->now.exists ? l : NULL;
}

struct log *memory_find_allowed(struct store *s, const struct store_access *a, uint8_t rights, enum wire_code *code)
{
    struct log *l = find(s, a->log);
    bool ok = l != NULL && grants_allow(&l->now.grants, a->hash, rights);
    *code = ok ? WIRE_OK : WIRE_E_DENIED;
    return ok ? l : NULL;
}

static enum err copy_state(const struct state *from, struct state *to)
{
    struct state copy = *from;
    enum err e = grants_copy(&from->grants, &copy.grants);
    if (e != ERR_OK) return e;
    copy.packet = mem_new_array(from->packets + 1, sizeof *copy.packet);
    if (copy.packet == NULL) {
        grants_free(&copy.grants);
        return ERR_MEMORY;
    }
    if (from->packets > 0) memcpy(copy.packet, from->packet, from->packets * sizeof *copy.packet);
    *to = copy;
    return ERR_OK;
}

static void free_state(struct state *st)
{
    grants_free(&st->grants);
    mem_free(st->packet);
    *st = (struct state){0};
}

// Before a log is changed in a batch.
enum err memory_touch(struct store *s, struct log *l)
{
    if (l->touched) return ERR_OK;
    enum err e = copy_state(&l->now, &l->image);
    if (e != ERR_OK) return e;
    l->touched = true;
    l->touched_next = s->touched;
    s->touched = l;
    return ERR_OK;
}

static enum err tell(struct store *s, enum store_event_kind kind, const struct log *l, uint64_t seq)
{
    if (s->events == s->event_room) {
        size_t room = s->event_room == 0 ? 64 : 2 * s->event_room;
        struct store_event *more = mem_new_array(room, sizeof *more);
        if (more == NULL) return ERR_MEMORY;
        if (s->events > 0) memcpy(more, s->event, s->events * sizeof *more);
        mem_free(s->event);
        s->event = more;
        s->event_room = room;
    }
    struct store_event *e = &s->event[s->events++];
    *e = (struct store_event){.kind = kind, .seq = seq};
    memcpy(e->log, l->id, WIRE_ID);
    if (kind != STORE_ENTRY) return ERR_OK;
    const struct entry *x = &l->entry[seq - l->base];
    e->time = x->time;
    e->epoch = x->epoch;
    e->payload = span_of(x->bytes, x->n);
    return ERR_OK;
}

// -------------------------------------------------------------------------------------------------------------- batches

static void drop_packet(struct packet *p)
{
    if (p != NULL) mem_free_wiped(p->bytes, p->n);
    mem_free(p);
}

static bool holds(const struct state *st, const struct packet *p)
{
    for (size_t i = 0; i < st->packets; i++) {
        if (st->packet[i] == p) return true;
    }
    return false;
}

static bool somebody_holds(struct store *s, const struct packet *p)
{
    for (struct log *l = s->touched; l != NULL; l = l->touched_next) {
        if (holds(&l->now, p)) return true;
    }
    return false;
}

static void free_entries(struct log *l, uint64_t from, uint64_t to)
{
    for (uint64_t seq = from; seq < to; seq++) {
        struct entry *x = &l->entry[seq - l->base];
        mem_free(x->bytes);
        *x = (struct entry){0};
    }
}

// What was logically let go is freed, once the batch stands.
static void settle(struct log *l)
{
    uint64_t from = l->image.oldest > l->base ? l->image.oldest : l->base;
    if (l->now.oldest > from) free_entries(l, from, l->now.oldest);
    free_state(&l->image);
}

static void take_back(struct log *l)
{
    free_entries(l, l->image.next, l->now.next);
    grants_free(&l->now.grants);
    mem_free(l->now.packet);
    l->now = l->image;
    l->image = (struct state){0};
}

static void end_batch(struct store *s, bool keep)
{
    for (struct log *l = s->touched; l != NULL; l = l->touched_next) {
        if (keep) settle(l);
        else take_back(l);
    }
    for (size_t i = 0; i < s->garbage_n; i++) {
        s->garbage[i]->listed = false;
        if (!somebody_holds(s, s->garbage[i])) drop_packet(s->garbage[i]);
    }
    s->garbage_n = 0;
    for (struct log *l = s->touched, *next; l != NULL; l = next) {
        next = l->touched_next;
        l->touched = false;
    }
    s->touched = NULL;
    s->events = 0;
}

static enum err memory_begin(struct store *s)
{
    pthread_mutex_lock(&s->lock);
    return ERR_OK;
}

static enum err memory_commit(struct store *s)
{
    if (s->events > 0 && s->settings.watch != NULL) s->settings.watch(s->settings.watch_arg, s->event, s->events);
    end_batch(s, true);
    pthread_mutex_unlock(&s->lock);
    return ERR_OK;
}

static void memory_rollback(struct store *s)
{
    end_batch(s, false);
    pthread_mutex_unlock(&s->lock);
}

// --------------------------------------------------------------------------------------------------------------- quotas

static struct usage usage_of(const struct store *s, uint32_t host)
{
    struct usage u = {.id = host};
    for (size_t i = 0; i < BUCKETS; i++) {
        for (const struct log *l = s->bucket[i]; l != NULL; l = l->next) {
            if (!l->now.exists || l->now.host.id != host) continue;
            u.logs++;
            u.bytes += l->now.bytes;
        }
    }
    for (const struct blob *b = s->blobs; b != NULL; b = b->next) {
        if (b->host.id == host) u.bytes += b->sealed ? b->size : b->most;
    }
    return u;
}

static void memory_host_set(struct store *s, const struct store_host *host)
{
    size_t i = 0;
    pthread_mutex_lock(&s->lock);
    while (i < s->hosts && s->host[i].id != host->id) i++;
    if (i < HOSTS && host->id != 0) s->host[i] = *host;
    if (i == s->hosts && i < HOSTS && host->id != 0) s->hosts++;
    pthread_mutex_unlock(&s->lock);
}

// What the host of a log may have now.
static const struct store_host *host_of(const struct store *s, const struct log *l)
{
    for (size_t i = 0; i < s->hosts; i++) {
        if (s->host[i].id == l->now.host.id) return &s->host[i];
    }
    return &l->now.host;
}

bool memory_over(const struct store *s, const struct store_host *h, uint64_t logs, uint64_t bytes)
{
    if (h->id == 0) return false;
    struct usage u = usage_of(s, h->id);
    return (h->logs_max > 0 && u.logs + logs > h->logs_max) || (h->bytes_max > 0 && u.bytes + bytes > h->bytes_max);
}

// -------------------------------------------------------------------------------------------------------- logs and grants

static enum err new_log(struct store *s, const uint8_t *id, struct log **out)
{
    struct log **at = place(s, id);
    if (*at == NULL) {
        struct log *l = mem_new(sizeof *l);
        if (l == NULL) return ERR_MEMORY;
        memcpy(l->id, id, WIRE_ID);
        l->now.next = l->now.oldest = l->base = 1;
        *at = l;
    }
    *out = *at;
    return ERR_OK;
}

static enum err memory_log_create(struct store *s, const uint8_t *id, uint32_t retention, struct span list,
                                  const struct store_host *host, uint64_t now, enum wire_code *code)
{
    struct log *l = NULL;
    struct grants grants;
    (void)now;
    *code = find(s, id) != NULL ? WIRE_E_EXISTS : memory_over(s, host, 1, 0) ? WIRE_E_QUOTA : WIRE_OK;
    if (*code != WIRE_OK) return ERR_OK;
    enum err e = grants_decode(&grants, list, code);
    if (e != ERR_OK || *code != WIRE_OK) return e;
    e = new_log(s, id, &l);
    if (e == ERR_OK) e = memory_touch(s, l);
    if (e != ERR_OK) {
        grants_free(&grants);
        return e;
    }
    grants_free(&l->now.grants);
    l->now.exists = true;
    l->now.retention = retention == 0 ? s->settings.retention : retention;
    l->now.host = *host;
    l->now.grants = grants;
    return ERR_OK;
}

static enum err push_entry(struct log *l, const struct store_append *a, uint64_t time)
{
    size_t at = (size_t)(l->now.next - l->base);
    if (at >= l->room) {
        size_t room = l->room == 0 ? 8 : 2 * l->room;
        struct entry *more = mem_new_array(room, sizeof *more);
        if (more == NULL) return ERR_MEMORY;
        if (l->room > 0) memcpy(more, l->entry, l->room * sizeof *more);
        mem_free(l->entry);
        l->entry = more;
        l->room = room;
    }
    uint8_t *bytes = mem_new(a->payload.n);
    if (bytes == NULL) return ERR_MEMORY;
    if (a->payload.n > 0) memcpy(bytes, a->payload.p, a->payload.n);
    l->entry[at] = (struct entry){.time = time, .epoch = a->epoch, .n = a->payload.n, .bytes = bytes};
    return ERR_OK;
}

static void trim(struct log *l, uint64_t most)
{
    uint64_t from = l->now.oldest;
    while (l->now.bytes > most && l->now.oldest + 1 < l->now.next) {
        l->now.bytes -= l->entry[l->now.oldest - l->base].n;
        l->now.oldest++;
    }
    if (l->now.oldest > from) (void)grants_tidy(&l->now.grants, l->now.oldest);
}

static enum err append_to(struct store *s, struct log *l, const struct store_append *a, struct store_appended *out)
{
    uint64_t seq = l->now.next, time = a->now > l->now.time ? a->now : l->now.time;
    enum err e = push_entry(l, a, time);
    if (e != ERR_OK) return e;
    *out = (struct store_appended){.seq = seq, .epoch = a->epoch, .time = time};
    l->now.next++;
    l->now.time = time;
    l->now.bytes += a->payload.n;
    if (a->advance) l->now.epoch++;
    trim(l, s->settings.log_max);
    e = tell(s, STORE_ENTRY, l, seq);
    if (e == ERR_OK && a->new_hash != NULL) e = tell(s, STORE_GRANTS, l, 0);
    return e;
}

static enum err memory_log_append(struct store *s, const struct store_append *a, struct store_appended *out,
                                  enum wire_code *code)
{
    struct log *l = memory_find_allowed(s, &a->access, a->advance ? WIRE_APPEND | WIRE_ADVANCE : WIRE_APPEND, code);
    if (l == NULL) return ERR_OK;
    if (a->epoch != l->now.epoch) {
        *out = (struct store_appended){.epoch = l->now.epoch};
        *code = WIRE_E_STALE;
        return ERR_OK;
    }
    if (memory_over(s, host_of(s, l), 0, a->payload.n)) {
        *code = WIRE_E_QUOTA;
        return ERR_OK;
    }
    enum err e = memory_touch(s, l);
    if (e == ERR_OK && a->new_hash != NULL) {
        e = grants_replace(&l->now.grants, a->access.hash, a->new_hash, a->new_from, l->now.next, code);
    }
    return e != ERR_OK || *code != WIRE_OK ? e : append_to(s, l, a, out);
}

enum err memory_discard(struct store *s, struct packet *p)
{
    if (p->listed) return ERR_OK;
    if (s->garbage_n == s->garbage_room) {
        size_t room = s->garbage_room == 0 ? 64 : 2 * s->garbage_room;
        struct packet **more = mem_new_array(room, sizeof *more);
        if (more == NULL) return ERR_MEMORY;
        if (s->garbage_n > 0) memcpy(more, s->garbage, s->garbage_n * sizeof *more);
        mem_free(s->garbage);
        s->garbage = more;
        s->garbage_room = room;
    }
    p->listed = true;
    s->garbage[s->garbage_n++] = p;
    return ERR_OK;
}

static enum err memory_log_delete(struct store *s, const struct store_access *a, enum wire_code *code)
{
    struct log *l = memory_find_allowed(s, a, WIRE_ADMIN, code);
    enum err e = l == NULL ? ERR_OK : memory_touch(s, l);
    if (l == NULL || e != ERR_OK) return e;
    for (size_t i = 0; e == ERR_OK && i < l->now.packets; i++) e = memory_discard(s, l->now.packet[i]);
    if (e == ERR_OK) e = tell(s, STORE_DELETED, l, 0);
    if (e != ERR_OK) return e;
    l->now.exists = false;
    l->now.epoch++;
    l->now.oldest = l->now.next;
    l->now.bytes = 0;
    l->now.packets = 0;
    grants_free(&l->now.grants);
    return ERR_OK;
}

static enum err memory_grant_set(struct store *s, const struct store_access *a, const struct wire_grant *g,
                                 enum wire_code *code)
{
    struct log *l = memory_find_allowed(s, a, WIRE_ADMIN, code);
    enum err e = l == NULL ? ERR_OK : memory_touch(s, l);
    if (l == NULL || e != ERR_OK) return e;
    e = grants_set(&l->now.grants, g, code);
    return e == ERR_OK && *code == WIRE_OK ? tell(s, STORE_GRANTS, l, 0) : e;
}

static enum err memory_grant_remove(struct store *s, const struct store_access *a, const uint8_t *hash, enum wire_code *code)
{
    struct log *l = memory_find_allowed(s, a, WIRE_ADMIN, code);
    enum err e = l == NULL ? ERR_OK : memory_touch(s, l);
    if (l == NULL || e != ERR_OK) return e;
    return grants_remove(&l->now.grants, hash) ? tell(s, STORE_GRANTS, l, 0) : ERR_OK;
}

// ---------------------------------------------------------------------------------------------------- expiry and signals

static void expire_log(struct log *l, uint32_t most, uint64_t now)
{
    uint64_t from = l->now.oldest, ms = (uint64_t)(l->now.retention < most ? l->now.retention : most) * 1000;
    while (l->now.oldest < l->now.next) {
        const struct entry *x = &l->entry[l->now.oldest - l->base];
        if (x->time + ms > now) break;
        l->now.bytes -= x->n;
        l->now.oldest++;
    }
    free_entries(l, from, l->now.oldest);
    if (l->now.oldest > from) (void)grants_tidy(&l->now.grants, l->now.oldest);
}

static enum err memory_expire(struct store *s, uint64_t now, bool *more)
{
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct log *l = s->bucket[i]; l != NULL; l = l->next) {
            if (l->now.exists) expire_log(l, s->settings.retention, now);
        }
    }
    pthread_mutex_unlock(&s->lock);
    *more = false;
    return ERR_OK;
}

static enum err memory_signal(struct store *s, const uint8_t *log, uint64_t origin, struct span data)
{
    struct store_event e = {.kind = STORE_SIGNAL, .origin = origin, .payload = data};
    memcpy(e.log, log, WIRE_ID);
    if (s->settings.watch != NULL) s->settings.watch(s->settings.watch_arg, &e, 1);
    return ERR_OK;
}

// ------------------------------------------------------------------------------------------------------------- readers

static enum err memory_reader_new(struct store *s, struct store_reader **out)
{
    struct store_reader *r = mem_new(sizeof *r);
    if (r == NULL) return ERR_MEMORY;
    r->s = s;
    *out = r;
    return ERR_OK;
}

static void memory_reader_free(struct store_reader *r) { mem_free(r); }

static void look(const struct log *l, const struct wire_grant *g, struct store_view *out)
{
    *out = (struct store_view){.head = {.oldest = l->now.oldest, .head = l->now.next - 1, .epoch = l->now.epoch},
                               .rights = g->rights, .from_seq = g->from_seq, .to_seq = g->to_seq};
}

static const struct wire_grant *grant_of(struct store *s, const struct store_access *a, struct log **l, enum wire_code *code)
{
    *l = find(s, a->log);
    const struct wire_grant *g = *l == NULL ? NULL : grants_find(&(*l)->now.grants, a->hash);
    *code = g == NULL ? WIRE_E_DENIED : WIRE_OK;
    return g;
}

static enum err memory_view(struct store_reader *r, const struct store_access *a, struct store_view *out, enum wire_code *code)
{
    struct log *l;
    pthread_mutex_lock(&r->s->lock);
    const struct wire_grant *g = grant_of(r->s, a, &l, code);
    if (g != NULL) look(l, g, out);
    pthread_mutex_unlock(&r->s->lock);
    return ERR_OK;
}

static void read_entries(const struct log *l, uint64_t from, uint64_t to, uint32_t limit, struct buf *out)
{
    for (uint64_t seq = from, n = 0; seq <= to && (limit == 0 || n < limit); seq++, n++) {
        const struct entry *x = &l->entry[seq - l->base];
        if (n > 0 && out->n + 24 + tls_vector_size(x->n) > out->max) return;
        wire_put_entry(out, &(struct wire_entry){
                                .seq = seq, .time = x->time, .epoch = x->epoch, .payload = span_of(x->bytes, x->n)});
    }
}

static enum err memory_read(struct store_reader *r, const struct store_access *a, uint64_t after, uint32_t limit,
                            struct buf *out, struct store_view *view, enum wire_code *code)
{
    struct log *l;
    pthread_mutex_lock(&r->s->lock);
    const struct wire_grant *g = grant_of(r->s, a, &l, code);
    if (g != NULL && (g->rights & WIRE_READ) == 0) *code = WIRE_E_DENIED;
    if (*code == WIRE_OK) {
        uint64_t from = after == UINT64_MAX ? after : after + 1, to = l->now.next - 1;
        look(l, g, view);
        if (from < g->from_seq) from = g->from_seq;
        if (from < l->now.oldest) from = l->now.oldest;
        if (to > g->to_seq) to = g->to_seq;
        if (from <= to) read_entries(l, from, to, limit, out);
    }
    pthread_mutex_unlock(&r->s->lock);
    return buf_end(out);
}

static enum err memory_totals(struct store_reader *r, struct store_totals *out)
{
    struct store_totals t = {0};
    pthread_mutex_lock(&r->s->lock);
    for (size_t i = 0; i < BUCKETS; i++) {
        for (const struct log *l = r->s->bucket[i]; l != NULL; l = l->next) {
            if (!l->now.exists) continue;
            t.logs++;
            t.entries += l->now.next - l->now.oldest;
            t.bytes += l->now.bytes;
        }
    }
    for (const struct blob *b = r->s->blobs; b != NULL; b = b->next) {
        t.blobs++;
        t.bytes += b->size;
    }
    pthread_mutex_unlock(&r->s->lock);
    *out = t;
    return ERR_OK;
}

static enum err memory_check(struct store_reader *r, void (*complain)(void *arg, const char *text), void *arg)
{
    (void)r;
    (void)complain;
    (void)arg;
    return ERR_OK;
}

static enum err memory_backup(struct store_reader *r, const char *file)
{
    (void)r;
    (void)file;
    return ERR_UNSUPPORTED; // it has nothing that outlives it
}

// ---------------------------------------------------------------------------------------------------------- open, close

static enum err memory_open(const char *folder, const struct store_settings *settings, struct store **out)
{
    (void)folder;
    struct store *s = mem_new(sizeof *s);
    if (s == NULL) return ERR_MEMORY;
    s->settings = *settings;
    pthread_mutex_init(&s->lock, NULL);
    *out = s;
    return ERR_OK;
}

static void memory_close(struct store *s)
{
    if (s == NULL) return;
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct log *l = s->bucket[i], *next; l != NULL; l = next) {
            next = l->next;
            free_entries(l, l->now.oldest, l->now.next);
            mem_free(l->entry);
            for (size_t k = 0; k < l->now.packets; k++) drop_packet(l->now.packet[k]);
            free_state(&l->now);
            mem_free(l);
        }
    }
    memory_blob_drop_all(s);
    mem_free(s->garbage);
    mem_free(s->event);
    pthread_mutex_destroy(&s->lock);
    mem_free(s);
}

const struct store_engine store_memory = {
    .name = "memory",
    .open = memory_open,
    .close = memory_close,
    .host_set = memory_host_set,
    .begin = memory_begin,
    .commit = memory_commit,
    .rollback = memory_rollback,
    .log_create = memory_log_create,
    .log_append = memory_log_append,
    .log_delete = memory_log_delete,
    .grant_set = memory_grant_set,
    .grant_remove = memory_grant_remove,
    .package_put = memory_package_put,
    .package_take = memory_package_take,
    .package_clear = memory_package_clear,
    .blob_create = memory_blob_create,
    .blob_append = memory_blob_append,
    .blob_seal = memory_blob_seal,
    .blob_delete = memory_blob_delete,
    .expire = memory_expire,
    .blob_expire = memory_blob_expire,
    .signal = memory_signal,
    .reader_new = memory_reader_new,
    .reader_free = memory_reader_free,
    .view = memory_view,
    .read = memory_read,
    .package_stat = memory_package_stat,
    .blob_stat = memory_blob_stat,
    .blob_read = memory_blob_read,
    .totals = memory_totals,
    .check = memory_check,
    .backup = memory_backup,
};
