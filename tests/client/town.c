// SPDX-License-Identifier: Apache-2.0
//
// The town: its people, its loop, and what they see.
#include "town.h"

#include "content/content.h"

#include <ftw.h>

static const uint8_t ring_bytes[VAULT_SECRET] = {1};
static const struct vault_secret ring = {.kind = VAULT_KEYRING, .bytes = {ring_bytes, VAULT_SECRET}};
static const struct engine_settings usual = {.link = {.retry_ms = 100}, .suite = 0x0001, .packages = 5};

static void on_event(void *arg, const struct engine_event *e)
{
    struct person *p = arg;
    if (e->kind != ENGINE_WARNING) return;
    p->warnings++;
    (void)snprintf(p->warning, sizeof p->warning, "%s", e->text);
}

void person_open(struct person *p)
{
    assert_ok(engine_open(p->town->loop, p->folder, &ring, &p->town->settings, on_event, p, &p->e));
}

static void person_new(struct town *t, size_t i)
{
    static const char *const names[] = {"alice", "bob", "carol", "dave"};
    struct person *p = &t->person[i];
    const struct engine_new n = {.name = p->name, .relay = t->address};
    const char *why = NULL;
    p->town = t;
    if (i < sizeof names / sizeof *names) (void)snprintf(p->name, sizeof p->name, "%s", names[i]);
    else (void)snprintf(p->name, sizeof p->name, "p%u", (unsigned)i % 1000);
    (void)snprintf(p->folder, sizeof p->folder, "%s/%s", t->folder, p->name);
    assert_int_equal(mkdir(p->folder, 0700), 0);
    if (engine_create(p->folder, &ring, &n, &why) != ERR_OK) fail_msg("%s", why);
    person_open(p);
}

struct town *town_open(size_t people) { return town_open_with(people, &usual); }

struct town *town_open_with(size_t people, const struct engine_settings *s)
{
    struct town *t = calloc(1, sizeof *t);
    struct link_address a = {.host = "127.0.0.1", .secret = "secret"};
    assert_non_null(t);
    assert_true(people <= PEOPLE_MAX);
    t->settings = *s;
    t->people = people;
    scene_open(&t->scene, NULL);
    a.port = t->scene.port;
    net_tls_pin(t->scene.setup->tls, a.pin);
    link_address_write(&a, t->address);
    (void)snprintf(t->folder, sizeof t->folder, "/tmp/whimbrel-town-XXXXXX");
    assert_non_null(mkdtemp(t->folder));
    assert_ok(net_loop_new(&t->loop));
    for (size_t i = 0; i < people; i++) person_new(t, i);
    return t;
}

static int drop(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static void stop_tick(struct net_timer *timer)
{
    struct town *t = (struct town *)(void *)((char *)timer - offsetof(struct town, tick));
    net_loop_stop(t->loop);
}

void town_close(struct town *t)
{
    for (size_t i = 0; i < t->people; i++) engine_close(t->person[i].e);
    net_timer_start(t->loop, &t->tick, 1, stop_tick);
    net_loop_run(t->loop);
    net_loop_free(t->loop);
    scene_close(&t->scene);
    (void)nftw(t->folder, drop, 8, FTW_DEPTH | FTW_PHYS);
    free(t);
}

// What somebody still has to do.
static void print_work(struct person *p)
{
    sqlite3_stmt *q = db_sql(&p->e->db, "SELECT id, kind, chat, acked, epoch, payload != x'' FROM work LIMIT 10");
    while (db_row(&p->e->db, q)) {
        struct chat *c = chat_find(p->e, db_get_int(q, 2));
        print_message("#   work %d, kind %d, chat %d, acked %d, for epoch %d, made %d", (int)db_get_int(q, 0),
                      (int)db_get_int(q, 1), (int)db_get_int(q, 2), (int)db_get_int(q, 3), (int)db_get_int(q, 4),
                      (int)db_get_int(q, 5));
        if (c != NULL)
            print_message("; log epoch %d, entry %d of %d, following %d, caught up %d, lost %d", (int)c->log_epoch,
                          (int)c->cursor, (int)c->catch_to, c->following, c->caught_up, c->lost);
        print_message("\n");
    }
}

static void on_tick(struct net_timer *timer)
{
    struct town *t = (struct town *)(void *)((char *)timer - offsetof(struct town, tick));
    if (t->until(t)) {
        net_loop_pause(t->loop);
        return;
    }
    if (++t->ticks > 600) { // a minute
        for (size_t i = 0; i < t->people; i++) {
            struct person *p = &t->person[i];
            if (p->e == NULL) continue;
            print_message("# %s: %u warnings (%s), %u pieces of work\n", p->name, p->warnings, p->warning,
                          (unsigned)engine_waiting(p->e));
            print_work(p);
        }
        fail_msg("it did not come to pass within a minute");
    }
    net_timer_start(t->loop, &t->tick, 100, on_tick);
}

// Runs everything until something is so.
void wait_for(struct town *t, bool (*until)(struct town *t))
{
    t->until = until;
    t->ticks = 0;
    net_timer_start(t->loop, &t->tick, 1, on_tick);
    net_loop_run(t->loop);
}

void town_reopen(struct town *t)
{
    for (size_t i = 0; i < t->people; i++) {
        struct person *p = &t->person[i];
        if (p->e == NULL) continue;
        engine_close(p->e);
        person_open(p);
    }
}

bool is_quiet(struct town *t)
{
    for (size_t i = 0; i < t->people; i++) {
        if (t->person[i].e != NULL && engine_waiting(t->person[i].e) > 0) return false;
    }
    return true;
}

// ------------------------------------------------------------------------------------------------------ what people see

static void note(void *arg, const struct history_message *m)
{
    struct seen *h = arg;
    if (m->kind == HISTORY_NOTICE) {
        size_t end = strlen(h->notices);
        (void)snprintf(h->notices + end, sizeof h->notices - end, "%s%.*s%s%.*s\n", m->sender == 0 ? "I: " : "",
                       (int)m->type.n, (const char *)m->type.p, m->body.n > 0 ? ": " : "", (int)m->body.n,
                       (const char *)m->body.p);
        return;
    }
    h->n++;
    h->queued = h->queued || m->state == MESSAGE_QUEUED;
    size_t at = strlen(h->text);
    (void)snprintf(h->text + at, sizeof h->text - at, "%s%.*s\n", m->sender == 0 ? "I: " : "", (int)m->body.n,
                   (const char *)m->body.p);
}

struct seen read_chat(struct person *p, int64_t chat)
{
    struct seen h = {0};
    assert_ok(engine_messages(p->e, &(struct history_page){.chat = chat}, note, &h));
    return h;
}

struct found {
    struct history_chat chat;
    size_t n;
};

static void find(void *arg, const struct history_chat *c)
{
    struct found *f = arg;
    static uint8_t name[FORMAT_NAME_MAX];
    if (f->n++ > 0 && c->id < f->chat.id) return;
    f->chat = *c;
    if (c->name.n > 0) memcpy(name, c->name.p, c->name.n);
    f->chat.name = span_of(name, c->name.n);
}

struct history_chat newest(struct person *p)
{
    struct found f = {0};
    assert_ok(engine_chats(p->e, 0, find, &f));
    return f.chat;
}

void say(struct person *p, int64_t chat, const char *text)
{
    int64_t message = 0;
    assert_ok(engine_say_text(p->e, chat, span_str(text), &message));
    assert_true(message > 0);
}

// Somebody gives an invitation to somebody else, who takes it.
int64_t meet(struct town *t, size_t from, size_t to, uint8_t flags)
{
    struct buf link;
    const char *why = "";
    int64_t contact = 0;
    buf_init(&link, FORMAT_LINK_MAX);
    assert_ok(engine_invite(t->person[from].e, flags, "somebody", &link));
    wait_for(t, is_quiet);
    enum err e = engine_accept(t->person[to].e, span_str((const char *)link.p), &contact, &why);
    if (e != ERR_OK) fail_msg("%s", why);
    buf_wipe(&link);
    return contact;
}

static void contact_is(void *arg, const struct engine_contact *c)
{
    struct state *s = arg;
    s->state = c->state;
    s->id = c->id;
    (void)snprintf(s->name, sizeof s->name, "%.*s", (int)c->name.n, (const char *)c->name.p);
}

struct state contact_of_person(struct person *p, const struct person *whom)
{
    struct state s = {0};
    int64_t id = contact_of(p->e, engine_account(whom->e));
    if (id != 0) assert_ok(engine_contacts(p->e, id, contact_is, &s));
    return s;
}

size_t count(struct person *p, const char *sql)
{
    sqlite3_stmt *q = NULL;
    assert_int_equal(sqlite3_prepare_v2(p->e->db.h, sql, -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    size_t n = (size_t)sqlite3_column_int64(q, 0);
    (void)sqlite3_finalize(q);
    return n;
}

bool three_are_joined(struct town *t)
{
    for (size_t i = 0; i < 3; i++) {
        if (newest(&t->person[i]).members != 3) return false;
    }
    return is_quiet(t);
}
