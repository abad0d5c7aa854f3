// SPDX-License-Identifier: Apache-2.0
//
// The relay of the tests: see scene.h. It is put together as relay.c does it, but without signals, sandbox and control sockets, and
// over an engine that passes every call on to the one in memory, through the gates.
#include "relay/test/scene.h"

#include "relay/door.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// ------------------------------------------------------------------------------------------------------------- gates

static struct {
    pthread_mutex_t lock;
    pthread_cond_t change;
    bool shut[LANES], standing[LANES];
    enum err fail[LANES], spoil;
} gates = {.lock = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER};

static enum err pass(enum lane_kind lane)
{
    pthread_mutex_lock(&gates.lock);
    gates.standing[lane] = true;
    pthread_cond_broadcast(&gates.change);
    while (gates.shut[lane]) pthread_cond_wait(&gates.change, &gates.lock);
    gates.standing[lane] = false;
    enum err e = gates.fail[lane];
    pthread_mutex_unlock(&gates.lock);
    return e;
}

static void set_gate(enum lane_kind lane, bool shut)
{
    pthread_mutex_lock(&gates.lock);
    gates.shut[lane] = shut;
    pthread_cond_broadcast(&gates.change);
    pthread_mutex_unlock(&gates.lock);
}

void gate_shut(enum lane_kind lane) { set_gate(lane, true); }
void gate_open(enum lane_kind lane) { set_gate(lane, false); }

void gate_wait(enum lane_kind lane)
{
    pthread_mutex_lock(&gates.lock);
    while (!(gates.shut[lane] && gates.standing[lane])) pthread_cond_wait(&gates.change, &gates.lock);
    pthread_mutex_unlock(&gates.lock);
}

void gate_fail(enum lane_kind lane, enum err e)
{
    pthread_mutex_lock(&gates.lock);
    gates.fail[lane] = e;
    pthread_mutex_unlock(&gates.lock);
}

static enum err gated_begin(struct store *s)
{
    enum err e = pass(LANE_WRITE);
    return e == ERR_OK ? store_memory.begin(s) : e;
}

static enum err gated_view(struct store_reader *r, const struct store_access *a, struct store_view *out,
                           enum wire_code *code)
{
    enum err e = pass(LANE_READ);
    return e == ERR_OK ? store_memory.view(r, a, out, code) : e;
}

static enum err gated_read(struct store_reader *r, const struct store_access *a, uint64_t after, uint32_t limit,
                           struct buf *out, struct store_view *view, enum wire_code *code)
{
    enum err e = pass(LANE_READ);
    return e == ERR_OK ? store_memory.read(r, a, after, limit, out, view, code) : e;
}

// Nothing that clients may ask makes the stores of today give up on one request alone; one may.
static enum err gated_take(struct store *s, const struct store_access *a, struct buf *taken, enum wire_code *code)
{
    pthread_mutex_lock(&gates.lock);
    enum err e = gates.spoil;
    pthread_mutex_unlock(&gates.lock);
    return e == ERR_OK ? store_memory.package_take(s, a, taken, code) : e;
}

void gate_spoil(enum err e)
{
    pthread_mutex_lock(&gates.lock);
    gates.spoil = e;
    pthread_mutex_unlock(&gates.lock);
}

static struct store_engine gated;

// ------------------------------------------------------------------------------------------------------------- a relay

void scene_nap(void)
{
    const struct timespec t = {.tv_nsec = 1000000};
    (void)nanosleep(&t, NULL);
}

static void set_all(struct config *c, const char *const *settings)
{
    char why[300] = "";
    for (; settings != NULL && *settings != NULL; settings += 2) {
        if (config_set(c, settings[0], settings[1], why, sizeof why) != ERR_OK) fail_msg("%s", why);
    }
}

static void write_site(const struct scene *s)
{
    char path[200];
    FILE *f;
    assert_int_equal(mkdir(s->config.site, 0700), 0);
    snprintf(path, sizeof path, "%s/site/index.html", s->folder);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs("<h1>Welcome</h1>\n", f);
    assert_int_equal(fclose(f), 0);
    snprintf(path, sizeof path, "%s/site/big.bin", s->folder);
    f = fopen(path, "w");
    assert_non_null(f);
    for (unsigned i = 0; i < 300000; i++) fputc((int)(i * 7 >> 3 & 0xff), f);
    assert_int_equal(fclose(f), 0);
}

static void start_relay(struct scene *s)
{
    static const uint64_t seed[2] = {1, 2};
    struct crypto *crypto = NULL;
    struct relay *r = s->relay = mem_new(sizeof *r);
    assert_non_null(r);
    gated = store_memory;
    gated.begin = gated_begin;
    gated.view = gated_view;
    gated.read = gated_read;
    gated.package_take = gated_take;
    r->engine = &gated;
    r->started = relay_now() / 1000;
    assert_ok(crypto_new(&crypto));
    assert_ok(relay_hash(crypto, (const uint8_t *)"/secret", 7, r->path_hash));
    crypto_free(crypto);
    assert_ok(quota_init(&r->quota, seed));
    const struct store_settings settings = {.log_max = s->config.log_max,
                                            .retention = 3600,
                                            .blob_retention = 3600,
                                            .blob_max = s->config.blob_max,
                                            .watch = hub_watch,
                                            .watch_arg = r};
    assert_ok(r->engine->open(s->folder, &settings, &r->store));
    for (; r->workers < s->config.threads; r->workers++) assert_ok(worker_init(&r->worker[r->workers], r, s->setup));
    for (int i = 0; i < LANES; i++) {
        assert_ok(lane_init(&r->lane[i], (enum lane_kind)i, r->engine, r->store, (size_t)s->config.memory));
        assert_ok(lane_start(&r->lane[i]));
    }
    for (size_t i = 0; i < r->workers; i++) assert_ok(worker_start(&r->worker[i], &s->socket, 1));
}

void scene_open(struct scene *s, const char *const *settings)
{
    static const char *const usual[] = {"threads",         "2", "hosting",      "yes", "secret", "secret",
                                        "rate_connection", "0", "rate_address", "0",   NULL};
    char why[300] = "";
    *s = (struct scene){.socket = -1};
    snprintf(s->folder, sizeof s->folder, "/tmp/whimbrel-relay-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    config_init(&s->config, s->folder);
    set_all(&s->config, usual);
    set_all(&s->config, settings);
    relay_log_setup(0, false, LOG_ERROR + 1);
    write_site(s);
    assert_ok(net_tls_generate("localhost", s->config.certificate, s->config.key));
    if (setup_new(&s->config, &s->setup, why, sizeof why) != ERR_OK) fail_msg("%s", why);
    assert_ok(net_listen_socket("127.0.0.1", &s->port, &s->socket));
    s->ctx = SSL_CTX_new(TLS_client_method());
    assert_non_null(s->ctx);
    gate_spoil(ERR_OK);
    for (int i = 0; i < LANES; i++) {
        gate_open((enum lane_kind)i);
        gate_fail((enum lane_kind)i, ERR_OK);
    }
    start_relay(s);
}

void scene_reload(struct scene *s, const char *const *settings)
{
    char why[300] = "";
    struct setup *fresh = NULL;
    set_all(&s->config, settings);
    if (setup_new(&s->config, &fresh, why, sizeof why) != ERR_OK) fail_msg("%s", why);
    for (size_t i = 0; i < s->relay->workers; i++) assert_ok(worker_reload(&s->relay->worker[i], fresh));
    setup_unref(s->setup);
    s->setup = fresh;
}

size_t scene_sessions(const struct scene *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->relay->workers; i++) n += atomic_load(&s->relay->worker[i].counts.sessions);
    return n;
}

struct call {
    struct net_post post; // first
    atomic_bool made;
};

static void make(struct net_post *p) { atomic_store(&((struct call *)(void *)p)->made, true); }

void scene_settle(struct scene *s)
{
    struct call call[RELAY_WORKERS_MAX] = {0};
    for (size_t i = 0; i < s->relay->workers; i++) {
        call[i].post.fn = make;
        net_loop_post(s->relay->worker[i].loop, &call[i].post);
    }
    for (size_t i = 0; i < s->relay->workers; i++) wait_until(atomic_load(&call[i].made));
}

static void remove_folder(const char *folder)
{
    static const char *const files[] = {"site/index.html", "site/big.bin", "site", "certificate.pem", "key.pem", ""};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[200];
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        (void)remove(path);
    }
}

void scene_drain(struct scene *s)
{
    for (size_t i = 0; !s->draining && i < s->relay->workers; i++) worker_drain(&s->relay->worker[i]);
    s->draining = true;
}

bool scene_drained(const struct scene *s)
{
    bool drained = true;
    for (size_t i = 0; i < s->relay->workers; i++) drained = drained && worker_drained(&s->relay->worker[i]);
    return drained;
}

static void stop_relay(struct scene *s)
{
    struct relay *r = s->relay;
    scene_drain(s);
    for (size_t i = 0; i < r->workers; i++) wait_until(worker_drained(&r->worker[i]));
    for (size_t i = 0; i < LANES; i++) lane_stop(&r->lane[i]);
    for (size_t i = 0; i < r->workers; i++) worker_stop(&r->worker[i]);
    for (size_t i = 0; i < r->workers; i++) {
        assert_null(r->worker[i].sessions);
        assert_int_equal(r->worker[i].hub.topics, 0);
        assert_int_equal(atomic_load(&r->worker[i].hub.follows), 0);
        assert_int_equal(atomic_load(&r->worker[i].hub.waiting), 0);
        assert_int_equal(atomic_load(&r->worker[i].counts.visitors), 0);
    }
    assert_int_equal(quota_connections(&r->quota), 0);
    for (size_t i = 0; i < r->workers; i++) worker_wipe(&r->worker[i]);
    r->engine->close(r->store);
    quota_wipe(&r->quota);
    mem_free(r);
}

void scene_forget(struct scene *s)
{
    stop_relay(s);
    s->draining = false;
    start_relay(s);
}

void scene_close(struct scene *s)
{
    stop_relay(s);
    setup_unref(s->setup);
    SSL_CTX_free(s->ctx);
    (void)close(s->socket);
    remove_folder(s->folder);
}
