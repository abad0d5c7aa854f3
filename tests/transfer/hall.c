// SPDX-License-Identifier: Apache-2.0
//
// The hall of the tests of transfers: see hall.h.
#include "transfer/hall.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t ring_bytes[VAULT_SECRET] = {1};
static const struct vault_secret ring = {.kind = VAULT_KEYRING, .bytes = {ring_bytes, VAULT_SECRET}};
static const char *const versions[] = {transfer_tables};
static const struct vault_migrations tables = {versions, 1};

// ------------------------------------------------------------------------------------------------------------ the host

static void on_up(void *arg, const struct wire_reply *hello)
{
    struct hall *h = arg;
    (void)hello;
    h->up = true;
    if (h->t != NULL) transfer_wake(h->t);
}

static void on_down(void *arg, const struct link_failure *why, uint32_t retry_ms)
{
    struct hall *h = arg;
    (void)why;
    (void)retry_ms;
    h->up = false;
}

static void on_push(void *arg, const struct wire_reply *push)
{
    (void)arg;
    (void)push;
    fail();
}

void hall_connect(struct hall *h)
{
    static const struct link_events events = {.up = on_up, .down = on_down, .push = on_push};
    const struct link_settings settings = {.retry_ms = 20};
    h->up = false;
    assert_ok(link_new(h->loop, &h->to, &settings, &events, h, &h->link));
    link_open(h->link);
}

void hall_end(struct hall *h)
{
    link_free(h->link);
    h->link = NULL;
    transfer_close(h->t);
    h->t = NULL;
    db_wipe(&h->db);
    vault_close(h->vault);
}

static void on_post(struct net_post *p)
{
    struct hall *h = (struct hall *)(void *)((char *)p - offsetof(struct hall, post));
    h->posted = false;
    if (h->end_at > 0) {
        h->end_at = 0;
        hall_end(h);
        hall_begin(h);
        hall_connect(h);
    } else {
        link_free(h->link);
        hall_connect(h);
    }
}

static struct link *on_link(void *arg, const char *relay)
{
    struct hall *h = arg;
    if (strcmp(relay, h->address) != 0) return NULL;
    h->asked++;
    if (!h->posted && (h->asked == h->cut_at || h->asked == h->end_at)) {
        h->posted = true;
        h->post.fn = on_post;
        net_loop_post(h->loop, &h->post);
    }
    return h->up ? h->link : NULL;
}

static void note(struct end *out, const struct transfer_info *i)
{
    assert_int_equal(i->use, USE);
    assert_int_equal(i->owner, OWNER);
    *out = (struct end){.id = i->id, .state = i->state, .kind = i->kind, .ref = *i->ref};
    (void)snprintf(out->why, sizeof out->why, "%s", i->why);
    (void)snprintf(out->path, sizeof out->path, "%s", i->path);
}

static enum err on_ended(void *arg, const struct transfer_info *i)
{
    struct hall *h = arg;
    if (h->refuse_end > 0) {
        h->refuse_end--;
        return ERR_IO;
    }
    assert_true(h->stored_n < ENDS);
    note(&h->stored[h->stored_n++], i);
    return ERR_OK;
}

static void on_told(void *arg, const struct transfer_info *i)
{
    struct hall *h = arg;
    assert_true(i->done <= i->size);
    if (i->state == TRANSFER_RUNNING) {
        h->progress++;
        if (h->at_progress) net_loop_pause(h->loop);
    }
    if (i->state != TRANSFER_DONE && i->state != TRANSFER_FAILED) return;
    assert_true(h->told_n < ENDS);
    note(&h->told[h->told_n++], i);
    if (h->told_n == h->want) net_loop_pause(h->loop);
}

void hall_begin(struct hall *h)
{
    assert_ok(vault_open(h->folder, &ring, &tables, &h->vault));
    db_init(&h->db, vault_db(h->vault));
    const struct transfer_host host = {.loop = h->loop,
                                       .db = &h->db,
                                       .crypto = h->crypto,
                                       .world = crypto_system_world(),
                                       .folder = h->files,
                                       .arg = h,
                                       .link = on_link,
                                       .ended = on_ended,
                                       .told = on_told};
    assert_ok(transfer_open(&host, &h->t));
}

struct hall *hall_open(const char *const *settings)
{
    static const char *const open_to_all[] = {"hosting", "yes", NULL};
    struct hall *h = calloc(1, sizeof *h);
    assert_non_null(h);
    scene_open(&h->scene, settings == NULL ? open_to_all : settings);
    h->to = (struct link_address){.host = "127.0.0.1", .port = h->scene.port, .secret = "secret"};
    net_tls_pin(h->scene.setup->tls, h->to.pin);
    link_address_write(&h->to, h->address);
    (void)snprintf(h->folder, sizeof h->folder, "/tmp/whimbrel-hall-XXXXXX");
    assert_non_null(mkdtemp(h->folder));
    (void)snprintf(h->files, sizeof h->files, "%s/files", h->folder);
    assert_ok(crypto_new(&h->crypto));
    assert_ok(net_loop_new(&h->loop));
    assert_ok(vault_create(h->folder, &ring, &tables, &h->vault));
    assert_ok(vault_keep(h->vault));
    vault_close(h->vault);
    hall_begin(h);
    hall_connect(h);
    return h;
}

static int drop(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static void on_stop(struct net_timer *timer)
{
    struct hall *h = (struct hall *)(void *)((char *)timer - offsetof(struct hall, bound));
    net_loop_stop(h->loop);
}

void hall_close(struct hall *h)
{
    hall_end(h);
    net_timer_start(h->loop, &h->bound, 1, on_stop);
    net_loop_run(h->loop);
    net_loop_free(h->loop);
    crypto_free(h->crypto);
    scene_close(&h->scene);
    (void)nftw(h->folder, drop, 8, FTW_DEPTH | FTW_PHYS);
    free(h);
}

static void on_bound(struct net_timer *timer)
{
    (void)timer;
    fail_msg("it did not come to pass within a minute");
}

// Runs until so many have come to an end.
void hall_run(struct hall *h, size_t ends)
{
    h->want = ends;
    h->told_n = h->stored_n = 0;
    net_timer_start(h->loop, &h->bound, 60000, on_bound);
    net_loop_run(h->loop);
    net_timer_stop(&h->bound);
}

// --------------------------------------------------------------------------------------------------------------- files

uint8_t byte_at(size_t i) { return (uint8_t)(i * 31 + i / 251 + i / 65520); }

void hall_path(const struct hall *h, const char *name, char out[200])
{
    (void)snprintf(out, 200, "%s/%s", h->folder, name);
}

void hall_file(const struct hall *h, const char *name, size_t n, char path[200])
{
    hall_path(h, name, path);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (size_t i = 0; i < n; i++) fputc(byte_at(i), f);
    assert_int_equal(fclose(f), 0);
}

void assert_file(const char *path, size_t n)
{
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    for (size_t i = 0; i < n; i++) {
        if (fgetc(f) != byte_at(i)) fail_msg("byte %u of %u differs", (unsigned)i, (unsigned)n);
    }
    assert_int_equal(fgetc(f), EOF);
    (void)fclose(f);
}

size_t hall_files(const struct hall *h)
{
    char command[200];
    unsigned n = 0;
    (void)snprintf(command, sizeof command, "ls %s 2>/dev/null | wc -l", h->files);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%u", &n), 1);
    (void)pclose(f);
    return n;
}

int64_t hall_begin_send(struct hall *h, const char *path)
{
    const struct transfer_to to = {.relay = h->address, .use = USE, .owner = OWNER};
    const char *why = NULL;
    int64_t id = 0;
    db_begin(&h->db);
    if (transfer_send(h->t, path, &to, &id, &why) != ERR_OK) fail_msg("%s", why);
    assert_ok(db_commit(&h->db));
    transfer_settle(h->t);
    return id;
}

struct transfer_ref hall_send(struct hall *h, const char *path)
{
    int64_t id = hall_begin_send(h, path);
    hall_run(h, 1);
    if (h->told[0].state != TRANSFER_DONE) fail_msg("%s", h->told[0].why);
    assert_int_equal(h->told[0].id, id);
    assert_int_equal(h->stored_n, 1);
    assert_true(h->told[0].ref.expires > 0);
    return h->told[0].ref;
}

int64_t hall_begin_get(struct hall *h, const struct transfer_ref *ref)
{
    int64_t id = 0;
    db_begin(&h->db);
    assert_ok(transfer_get(h->t, ref, FILE_MAX, USE, OWNER, &id));
    assert_ok(db_commit(&h->db));
    transfer_settle(h->t);
    return id;
}

int64_t hall_get(struct hall *h, const struct transfer_ref *ref)
{
    int64_t id = hall_begin_get(h, ref);
    hall_run(h, 1);
    if (h->told[0].state != TRANSFER_DONE) fail_msg("%s", h->told[0].why);
    return id;
}

void hall_save(struct hall *h, int64_t id, const char *name, size_t n)
{
    char path[200];
    const char *why = NULL;
    hall_path(h, name, path);
    if (transfer_save(h->t, id, path, "", false, &why) != ERR_OK) fail_msg("%s", why);
    hall_run(h, 1);
    if (h->told[0].state != TRANSFER_DONE) fail_msg("%s", h->told[0].why);
    assert_int_equal(h->told[0].kind, TRANSFER_SAVE);
    assert_file(path, n);
    assert_int_equal(unlink(path), 0);
}

void hall_drop(struct hall *h, int64_t id)
{
    db_begin(&h->db);
    assert_ok(transfer_drop(h->t, id));
    assert_ok(db_commit(&h->db));
    transfer_settle(h->t);
}

void hall_fails(struct hall *h, const char *words)
{
    hall_run(h, 1);
    assert_int_equal(h->told[0].state, TRANSFER_FAILED);
    assert_int_equal(h->stored_n, 1);
    if (strstr(h->told[0].why, words) == NULL) fail_msg("it says: %s", h->told[0].why);
}
