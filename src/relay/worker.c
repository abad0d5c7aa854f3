// SPDX-License-Identifier: Apache-2.0
//
// Workers. What the main thread wants of a worker is posted to its loop. Draining: listeners close, connections are read no
// further, and each session is closed when the last of its requests has been answered, which is looked for twenty times a second.
#include "relay/worker.h"

#include "relay/door.h"
#include "relay/relay.h"
#include "relay/session.h"
#include "wire/published.h"

#include <stdio.h>
#include <sys/random.h>

enum { DRAIN_TICK_MS = 50 };

// Another address of this relay has its secret and its pin, whether the operator wrote them or not.
static enum err put_way(struct buf *ways, const char *way, const struct setup *s)
{
    char address[RELAY_ADDRESS_MAX], text[CONFIG_WAY_MAX + RELAY_ADDRESS_MAX]; /* secret */
    const char *host = strncmp(way, "wss://", 6) == 0 ? way + 6 : NULL;
    bool whole = host != NULL && strchr(host, '/') != NULL;
    if (host == NULL || whole) {
        published_put_way(ways, span_str(way));
        return ERR_OK;
    }
    relay_address_of(&s->config, s->tls, address);
    int n = snprintf(text, sizeof text, "%s%s", way, strchr(address + 6, '/'));
    bool fits = n > 0 && n <= PUBLISHED_WAY_MAX;
    if (fits) published_put_way(ways, span_str(text));
    mem_wipe(address, sizeof address);
    mem_wipe(text, sizeof text);
    return fits ? ERR_OK : ERR_LIMIT;
}

// What clients are told of further ways, signed.
static enum err publish(struct setup *s)
{
    struct buf ways, signed_part, key, signature;
    buf_init(&s->published, WIRE_PUBLISHED_MAX);
    if (s->config.publishes == 0) return ERR_OK;
    buf_init(&ways, WIRE_PUBLISHED_MAX);
    buf_init(&signed_part, 2 * WIRE_PUBLISHED_MAX);
    buf_init(&key, 1024);
    buf_init(&signature, 1024);
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < s->config.publishes; i++) e = put_way(&ways, s->config.publish[i], s);
    if (e == ERR_OK) e = buf_end(&ways);
    published_write(&s->published, relay_now(), buf_span(&ways));
    published_signed(&signed_part, buf_span(&s->published));
    if (e == ERR_OK) e = buf_end(&signed_part);
    if (e == ERR_OK) e = net_tls_sign(s->tls, buf_span(&signed_part), &key, &signature);
    published_finish(&s->published, buf_span(&key), buf_span(&signature));
    if (e == ERR_OK) e = buf_end(&s->published);
    buf_wipe(&ways);
    buf_wipe(&signed_part);
    buf_wipe(&key);
    buf_wipe(&signature);
    return e;
}

enum err setup_new(const struct config *c, struct setup **out, char *why, size_t why_n)
{
    struct setup *s = mem_new(sizeof *s);
    if (s == NULL) return ERR_MEMORY;
    atomic_init(&s->refs, 1);
    s->config = *c;
    enum err e = net_tls_server(c->certificate, c->key, &s->tls);
    if (e != ERR_OK) {
        (void)snprintf(why, why_n, "certificate %s and key %s: %s", c->certificate, c->key,
                       e == ERR_NOT_FOUND   ? "a file is missing or cannot be read"
                       : e == ERR_INVALID   ? "they do not belong together"
                       : e == ERR_MALFORMED ? "one of them is no PEM file of the kind that is needed"
                                            : err_text(e));
    } else if ((e = site_new(c->site, &s->site)) != ERR_OK) {
        (void)snprintf(why, why_n, "site %s: %s", c->site,
                       e == ERR_LIMIT ? "more than 64 MiB or 4096 files" : "the folder cannot be read");
    }
    if (e == ERR_OK && (e = publish(s)) != ERR_OK)
        (void)snprintf(why, why_n, "what is to be published cannot be signed: %s", err_text(e));
    if (e != ERR_OK) {
        setup_unref(s);
        return e;
    }
    *out = s;
    return ERR_OK;
}

struct setup *setup_ref(struct setup *s)
{
    atomic_fetch_add(&s->refs, 1);
    return s;
}

void setup_unref(struct setup *s)
{
    if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1) return;
    net_tls_unref(s->tls);
    site_unref(s->site);
    buf_wipe(&s->published);
    mem_free_wiped(s, sizeof *s);
}

static void use_setup(struct worker *w, struct setup *s)
{
    setup_unref(w->setup);
    w->setup = s;
    w->config = &s->config;
    w->tls = s->tls;
    w->site = s->site;
}

enum err worker_init(struct worker *w, struct relay *r, struct setup *setup)
{
    uint64_t seed[2];
    *w = (struct worker){.relay = r};
    if (getrandom(seed, sizeof seed, 0) != sizeof seed) return ERR_RANDOM;
    enum err e = hub_init(&w->hub, seed);
    if (e == ERR_OK) e = crypto_new(&w->crypto);
    if (e == ERR_OK) e = net_loop_new(&w->loop);
    if (e == ERR_OK) use_setup(w, setup_ref(setup));
    return e;
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    net_loop_run(w->loop);
    return NULL;
}

enum err worker_start(struct worker *w, const int *sockets, size_t n)
{
    const struct net_accept accept = door_accept(w);
    for (size_t i = 0; i < n; i++) {
        enum err e = net_listen(w->loop, sockets[i], &accept, &w->listener[i]);
        if (e != ERR_OK) return e;
    }
    if (pthread_create(&w->thread, NULL, worker_main, w) != 0) return ERR_MEMORY;
    w->started = true;
    return ERR_OK;
}

// -------------------------------------------------------------------------------------------------- from the main thread

struct order {
    struct net_post post;
    struct worker *worker;
    struct setup *setup;
};

static void do_reload(struct net_post *p)
{
    struct order *o = (struct order *)(void *)p;
    use_setup(o->worker, o->setup);
    mem_free(o);
}

enum err worker_reload(struct worker *w, struct setup *setup)
{
    struct order *o = mem_new(sizeof *o);
    if (o == NULL) return ERR_MEMORY;
    *o = (struct order){.post = {.fn = do_reload}, .worker = w, .setup = setup_ref(setup)};
    net_loop_post(w->loop, &o->post);
    return ERR_OK;
}

static void drain_tick(struct net_timer *t)
{
    struct worker *w = (struct worker *)(void *)((char *)t - offsetof(struct worker, drain));
    for (struct session *s = w->sessions, *next; s != NULL; s = next) {
        next = s->next;
        if (s->jobs == 0) session_close(s, WS_GOING_AWAY);
    }
    if (w->sessions == NULL) atomic_store(&w->drained, true);
    else net_timer_start(w->loop, &w->drain, DRAIN_TICK_MS, drain_tick);
}

static void do_drain(struct net_post *p)
{
    struct worker *w = (struct worker *)(void *)((char *)p - offsetof(struct worker, drain_post));
    w->stopping = true;
    for (size_t i = 0; i < RELAY_LISTENERS_MAX; i++) {
        if (w->listener[i] != NULL) net_listener_close(w->listener[i]);
        w->listener[i] = NULL;
    }
    for (struct session *s = w->sessions; s != NULL; s = s->next) {
        if (s->state != SESSION_CLOSING) net_conn_pause(s->conn, true);
    }
    drain_tick(&w->drain);
}

void worker_drain(struct worker *w)
{
    w->drain_post.fn = do_drain;
    net_loop_post(w->loop, &w->drain_post);
}

bool worker_drained(const struct worker *w) { return atomic_load(&w->drained); }

static void do_stop(struct net_post *p)
{
    struct worker *w = (struct worker *)(void *)((char *)p - offsetof(struct worker, drain_post));
    net_loop_stop(w->loop);
}

void worker_stop(struct worker *w)
{
    if (!w->started) return;
    w->drain_post.fn = do_stop;
    net_loop_post(w->loop, &w->drain_post);
    pthread_join(w->thread, NULL);
    w->started = false;
}

void worker_wipe(struct worker *w)
{
    if (w->loop != NULL) { // one that never ran may have listeners, which are its own to close
        net_loop_stop(w->loop);
        net_loop_run(w->loop);
        net_loop_free(w->loop);
    }
    hub_wipe(&w->hub);
    crypto_free(w->crypto);
    setup_unref(w->setup);
    *w = (struct worker){0};
}

static void do_beat(struct net_post *p)
{
    struct worker *w = (struct worker *)(void *)((char *)p - offsetof(struct worker, beat_post));
    atomic_store(&w->beating, true);
}

bool worker_alive(struct worker *w)
{
    bool alive = atomic_load(&w->beating) || w->beat_post.fn == NULL;
    if (!alive) return false;
    w->beat_post.fn = do_beat;
    atomic_store(&w->beating, false);
    net_loop_post(w->loop, &w->beat_post);
    return true;
}
