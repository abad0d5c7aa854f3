// SPDX-License-Identifier: Apache-2.0
//
// People talk: engines with vaults on disk, and a relay over TCP, all in this process. Invitations, first messages, groups,
// removal, being offline, restarts in the middle, and relays that lie.
#include "relay/test/scene.h"

#include "client/inner.h"
#include "content/content.h"
#include "content/safety.h"

#include <ftw.h>

struct town;
struct person {
    struct town *town;
    const char *name;
    char folder[100];
    struct engine *e;
    unsigned warnings, requests;
    char warning[300];
};

enum { PEOPLE = 4 };
struct town {
    struct scene scene;
    struct net_loop *loop;
    struct net_timer tick;
    char folder[64], address[LINK_ADDRESS_TEXT];
    struct person person[PEOPLE];
    bool (*until)(struct town *t);
    unsigned ticks;
};

static const uint8_t ring_bytes[VAULT_SECRET] = {1};
static const struct vault_secret ring = {.kind = VAULT_KEYRING, .bytes = {ring_bytes, VAULT_SECRET}};
static const struct engine_settings settings = {.link = {.retry_ms = 100}, .suite = 0x0001, .packages = 5};

static void on_event(void *arg, const struct engine_event *e)
{
    struct person *p = arg;
    if (e->kind != ENGINE_WARNING) return;
    p->warnings++;
    (void)snprintf(p->warning, sizeof p->warning, "%s", e->text);
}

static void person_open(struct person *p)
{
    assert_ok(engine_open(p->town->loop, p->folder, &ring, &settings, on_event, p, &p->e));
}

static void person_new(struct town *t, size_t i, const char *name)
{
    struct person *p = &t->person[i];
    const struct engine_new n = {.name = name, .relay = t->address};
    const char *why = NULL;
    *p = (struct person){.town = t, .name = name};
    (void)snprintf(p->folder, sizeof p->folder, "%s/%s", t->folder, name);
    assert_int_equal(mkdir(p->folder, 0700), 0);
    if (engine_create(p->folder, &ring, &n, &why) != ERR_OK) fail_msg("%s", why);
    person_open(p);
}

static struct town *town_open(size_t people)
{
    static const char *const names[] = {"alice", "bob", "carol", "dave"};
    struct town *t = calloc(1, sizeof *t);
    struct link_address a = {.host = "127.0.0.1", .secret = "secret"};
    assert_non_null(t);
    scene_open(&t->scene, NULL);
    a.port = t->scene.port;
    net_tls_pin(t->scene.setup->tls, a.pin);
    link_address_write(&a, t->address);
    (void)snprintf(t->folder, sizeof t->folder, "/tmp/whimbrel-town-XXXXXX");
    assert_non_null(mkdtemp(t->folder));
    assert_ok(net_loop_new(&t->loop));
    for (size_t i = 0; i < people; i++) person_new(t, i, names[i]);
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

static void town_close(struct town *t)
{
    for (size_t i = 0; i < PEOPLE; i++) engine_close(t->person[i].e);
    net_timer_start(t->loop, &t->tick, 1, stop_tick);
    net_loop_run(t->loop);
    net_loop_free(t->loop);
    scene_close(&t->scene);
    (void)nftw(t->folder, drop, 8, FTW_DEPTH | FTW_PHYS);
    free(t);
}

static void on_tick(struct net_timer *timer)
{
    struct town *t = (struct town *)(void *)((char *)timer - offsetof(struct town, tick));
    if (t->until(t)) {
        net_loop_pause(t->loop);
        return;
    }
    if (++t->ticks > 600) { // a minute
        for (size_t i = 0; i < PEOPLE; i++) {
            struct person *p = &t->person[i];
            if (p->e != NULL)
                print_message("# %s: %u warnings (%s), %u pieces of work\n", p->name, p->warnings, p->warning,
                              (unsigned)engine_waiting(p->e));
        }
        fail_msg("it did not come to pass within a minute");
    }
    net_timer_start(t->loop, &t->tick, 100, on_tick);
}

// Runs everything until something is so.
static void wait_for(struct town *t, bool (*until)(struct town *t))
{
    t->until = until;
    t->ticks = 0;
    net_timer_start(t->loop, &t->tick, 1, on_tick);
    net_loop_run(t->loop);
}

static bool is_quiet(struct town *t)
{
    for (size_t i = 0; i < PEOPLE; i++) {
        if (t->person[i].e != NULL && engine_waiting(t->person[i].e) > 0) return false;
    }
    return true;
}

// ------------------------------------------------------------------------------------------------------ what people see

struct history {
    char text[4000];
    size_t n;
    bool queued;
};

static void note(void *arg, const struct engine_message *m)
{
    struct history *h = arg;
    static struct content c;
    assert_ok(content_decode(m->content, &c));
    h->n++;
    h->queued = h->queued || m->state == MESSAGE_QUEUED;
    size_t at = strlen(h->text);
    (void)snprintf(h->text + at, sizeof h->text - at, "%s%.*s\n", m->sender == 0 ? "I: " : "", (int)c.parts[0].body.n,
                   (const char *)c.parts[0].body.p);
}

static struct history read_chat(struct person *p, int64_t chat)
{
    struct history h = {0};
    assert_ok(engine_messages(p->e, chat, 0, 0, note, &h));
    return h;
}

struct found {
    struct engine_chat chat;
    size_t n;
};

static void find(void *arg, const struct engine_chat *c)
{
    struct found *f = arg;
    if (f->n++ == 0) f->chat = *c; // the newest comes first
}

static struct engine_chat newest(struct person *p)
{
    struct found f = {0};
    assert_ok(engine_chats(p->e, find, &f));
    return f.chat;
}

static void say(struct person *p, int64_t chat, const char *text)
{
    int64_t message = 0;
    assert_ok(engine_say_text(p->e, chat, span_str(text), &message));
    assert_true(message > 0);
}

// Somebody gives an invitation to somebody else, who takes it.
static int64_t meet(struct town *t, size_t from, size_t to, uint8_t flags)
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

struct state {
    enum contact_state state;
    char name[100];
    int64_t id;
};

static void contact_is(void *arg, const struct engine_contact *c)
{
    struct state *s = arg;
    s->state = c->state;
    s->id = c->id;
    (void)snprintf(s->name, sizeof s->name, "%.*s", (int)c->name.n, (const char *)c->name.p);
}

static struct state contact_of_person(struct person *p, const struct person *whom)
{
    struct state s = {0};
    int64_t id = contact_of(p->e, engine_account(whom->e));
    if (id != 0) assert_ok(engine_contacts(p->e, id, contact_is, &s));
    return s;
}

// -------------------------------------------------------------------------------------------------------------- tests

static bool both_have_two(struct town *t)
{
    return is_quiet(t) && newest(&t->person[0]).members == 2 && newest(&t->person[1]).members == 2;
}

static bool both_have_read_three(struct town *t)
{
    return is_quiet(t) && read_chat(&t->person[0], newest(&t->person[0]).id).n == 3 &&
           read_chat(&t->person[1], newest(&t->person[1]).id).n == 3;
}

static void two_people_talk(void **state)
{
    struct town *t = town_open(2);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    char one[61], two[61];
    (void)state;
    int64_t contact = meet(t, 0, 1, INVITE_PERSONAL);
    int64_t chat = newest(bob).id;
    say(bob, chat, "Hello Alice!"); // before she knows of it
    wait_for(t, both_have_two);
    assert_int_equal(newest(alice).kind, ROOM_DIRECT);
    assert_int_equal(newest(alice).state, CHAT_OPEN);
    assert_int_equal(contact_of_person(alice, bob).state, CONTACT_KNOWN);
    assert_string_equal(contact_of_person(alice, bob).name, "bob");
    assert_string_equal(contact_of_person(bob, alice).name, "alice");
    say(alice, newest(alice).id, "Hello Bob!");
    say(alice, newest(alice).id, "Tea at *six*?");
    wait_for(t, both_have_read_three);
    assert_string_equal(read_chat(bob, chat).text, "I: Hello Alice!\nHello Bob!\nTea at *six*?\n");
    assert_string_equal(read_chat(alice, newest(alice).id).text, "Hello Alice!\nI: Hello Bob!\nI: Tea at *six*?\n");
    assert_false(read_chat(alice, newest(alice).id).queued);
    assert_ok(engine_safety(bob->e, contact, one));
    assert_ok(engine_safety(alice->e, contact_of_person(alice, bob).id, two));
    assert_string_equal(one, two);
    assert_int_equal(alice->warnings + bob->warnings, 0);
    town_close(t);
}

static bool alice_has_one(struct town *t) { return newest(&t->person[0]).members == 2; }

static void strangers_make_a_request(void **state)
{
    struct town *t = town_open(2);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    (void)state;
    (void)meet(t, 0, 1, 0); // an address for everybody
    wait_for(t, alice_has_one);
    assert_int_equal(contact_of_person(alice, bob).state, CONTACT_REQUEST);
    assert_int_equal(newest(alice).state, CHAT_REQUEST);
    assert_ok(engine_answer(alice->e, contact_of_person(alice, bob).id, true));
    assert_int_equal(newest(alice).state, CHAT_OPEN);
    town_close(t);
}

static bool bob_is_told(struct town *t) { return t->person[2].warnings > 0; }

static void an_invitation_for_one_use_works_once(void **state)
{
    struct town *t = town_open(3);
    struct buf link;
    const char *why = "";
    int64_t contact = 0;
    (void)state;
    buf_init(&link, FORMAT_LINK_MAX);
    assert_ok(engine_invite(t->person[0].e, INVITE_PERSONAL | INVITE_ONCE, "bob", &link));
    wait_for(t, is_quiet);
    assert_ok(engine_accept(t->person[1].e, span_str((const char *)link.p), &contact, &why));
    wait_for(t, both_have_two);
    assert_ok(engine_accept(t->person[2].e, span_str((const char *)link.p), &contact, &why));
    wait_for(t, bob_is_told);
    assert_non_null(strstr(t->person[2].warning, "no longer valid"));
    assert_int_equal(newest(&t->person[0]).members, 2);
    assert_int_equal(contact_of_person(&t->person[0], &t->person[2]).state, 0);
    assert_int_equal(engine_accept(t->person[0].e, span_str((const char *)link.p), &contact, &why),
                     ERR_REFUSED); // her own
    assert_int_equal(engine_accept(t->person[1].e, span_str((const char *)link.p), &contact, &why),
                     ERR_REFUSED); // a contact already
    assert_int_equal(engine_accept(t->person[1].e, span_str("whimbrel:abc"), &contact, &why), ERR_INVALID);
    buf_wipe(&link);
    town_close(t);
}

static bool all_have_three(struct town *t)
{
    return is_quiet(t) && newest(&t->person[0]).members == 3 && newest(&t->person[1]).members == 3 &&
           newest(&t->person[2]).members == 3;
}

static bool carol_is_out(struct town *t)
{
    return is_quiet(t) && newest(&t->person[0]).members == 2 && newest(&t->person[1]).members == 2;
}

static bool two_have_two_messages(struct town *t)
{
    return is_quiet(t) && read_chat(&t->person[0], newest(&t->person[0]).id).n == 2 &&
           read_chat(&t->person[1], newest(&t->person[1]).id).n == 2;
}

static bool all_have_one_message(struct town *t)
{
    for (size_t i = 0; i < 3; i++) {
        if (read_chat(&t->person[i], newest(&t->person[i]).id).n != 1) return false;
    }
    return is_quiet(t);
}

static void a_group_with_somebody_removed(void **state)
{
    struct town *t = town_open(3);
    struct person *alice = &t->person[0], *bob = &t->person[1], *carol = &t->person[2];
    int64_t chat = 0, contacts[2];
    (void)state;
    contacts[0] = meet(t, 1, 0, INVITE_PERSONAL);
    contacts[1] = meet(t, 2, 0, INVITE_PERSONAL);
    assert_ok(engine_group(alice->e, span_str("Tea"), contacts, 2, &chat));
    wait_for(t, all_have_three);
    assert_true(span_eq(newest(carol).name, span_str("Tea")));
    say(bob, newest(bob).id, "Who brings cake?");
    wait_for(t, all_have_one_message);
    assert_ok(engine_remove(alice->e, chat, contacts[1]));
    wait_for(t, carol_is_out);
    say(alice, chat, "Carol must not know");
    wait_for(t, two_have_two_messages);
    assert_int_equal(read_chat(carol, newest(carol).id).n, 1);
    assert_int_equal(newest(carol).state, CHAT_LEFT);
    int64_t message = 0;
    assert_int_equal(engine_say_text(carol->e, newest(carol).id, span_str("still here?"), &message), ERR_REFUSED);
    // a member who is no admin tries to remove the admin: nobody follows
    assert_ok(engine_remove(bob->e, newest(bob).id, contact_of_person(bob, alice).id));
    for (int i = 0; i < 3; i++) wait_for(t, is_quiet);
    assert_int_equal(newest(alice).members, 2);
    assert_int_equal(newest(alice).state, CHAT_OPEN);
    town_close(t);
}

// Everybody is closed and opened again after each step, and messages are said while nobody is there.
static void reopen(struct town *t)
{
    for (size_t i = 0; i < PEOPLE; i++) {
        struct person *p = &t->person[i];
        if (p->e == NULL) continue;
        engine_close(p->e);
        person_open(p);
    }
}

static bool both_have_read_twenty(struct town *t)
{
    return is_quiet(t) && read_chat(&t->person[0], newest(&t->person[0]).id).n == 20 &&
           read_chat(&t->person[1], newest(&t->person[1]).id).n == 20;
}

static void restarts_lose_and_repeat_nothing(void **state)
{
    struct town *t = town_open(2);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    char text[20];
    (void)state;
    (void)meet(t, 0, 1, INVITE_PERSONAL);
    reopen(t);
    wait_for(t, both_have_two);
    for (unsigned i = 0; i < 20; i++) {
        struct person *p = i % 2 == 0 ? alice : bob;
        (void)snprintf(text, sizeof text, "message %u", i);
        say(p, newest(p).id, text);
        if (i % 3 == 0) reopen(t); // before it is sent, or between sending and the answer
    }
    wait_for(t, both_have_read_twenty);
    for (unsigned i = 0; i < 20; i++) {
        (void)snprintf(text, sizeof text, "message %u\n", i);
        assert_non_null(strstr(read_chat(alice, newest(alice).id).text, text));
        assert_non_null(strstr(read_chat(bob, newest(bob).id).text, text));
    }
    assert_int_equal(alice->warnings + bob->warnings, 0);
    town_close(t);
}

static bool alice_has_read_three(struct town *t)
{
    return is_quiet(t) && read_chat(&t->person[0], newest(&t->person[0]).id).n == 3;
}

// What is deleted for all is in nobody's vault any more; and nobody deletes what another has written.
static void what_is_deleted_is_gone(void **state)
{
    struct town *t = town_open(2);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    int64_t first = 0, message = 0;
    (void)state;
    (void)meet(t, 0, 1, INVITE_PERSONAL);
    wait_for(t, both_have_two);
    int64_t chat = newest(bob).id;
    assert_ok(engine_say_text(bob->e, chat, span_str("never mind"), &first));
    say(bob, chat, "stays");
    assert_int_equal(engine_act(bob->e, chat, 999, ENGINE_DELETE, span_str(""), &message), ERR_NOT_FOUND);
    wait_for(t, is_quiet);
    assert_ok(engine_act(bob->e, chat, first, ENGINE_DELETE, span_str(""), &message));
    wait_for(t, alice_has_read_three);
    assert_null(strstr(read_chat(alice, newest(alice).id).text, "never mind"));
    assert_null(strstr(read_chat(bob, chat).text, "never mind"));
    assert_non_null(strstr(read_chat(alice, newest(alice).id).text, "stays"));
    assert_int_equal(engine_act(alice->e, newest(alice).id, 2, ENGINE_DELETE, span_str(""), &message), ERR_REFUSED);
    town_close(t);
}

// The relay hands out somebody else's keys: here the invitation names another account than the one whose keys are in the pool.
static bool bob_is_warned(struct town *t) { return t->person[1].warnings > 0; }

static void keys_of_somebody_else_are_noticed(void **state)
{
    struct town *t = town_open(3);
    struct person *alice = &t->person[0], *bob = &t->person[1], *carol = &t->person[2];
    struct buf link, bytes, false_link;
    struct invite i;
    const char *why = "";
    int64_t contact = 0, message = 0;
    (void)state;
    buf_init(&link, FORMAT_LINK_MAX);
    buf_init(&bytes, FORMAT_LINK_MAX);
    buf_init(&false_link, FORMAT_LINK_MAX);
    assert_ok(engine_invite(alice->e, INVITE_PERSONAL, "bob", &link));
    wait_for(t, is_quiet);
    assert_ok(invite_from_link(span_str((const char *)link.p), &bytes));
    assert_ok(invite_decode(buf_span(&bytes), &i));
    i.account = engine_account(carol->e);
    assert_ok(invite_link(&i, NULL, &false_link));
    assert_ok(engine_accept(bob->e, span_str((const char *)false_link.p), &contact, &why));
    assert_ok(engine_say_text(bob->e, newest(bob).id, span_str("for Carol alone"), &message));
    wait_for(t, bob_is_warned);
    assert_non_null(strstr(bob->warning, "a key that is not theirs"));
    assert_int_equal(newest(bob).members, 1);
    assert_int_equal(contact_of_person(alice, bob).state, 0); // Alice has heard nothing
    buf_wipe(&link);
    buf_wipe(&bytes);
    buf_wipe(&false_link);
    town_close(t);
}

static bool alice_is_warned(struct town *t) { return t->person[0].warnings > 0; }

// Bob has been shown another history than Alice: his running hash is another one.
static void histories_that_differ_are_noticed(void **state)
{
    struct town *t = town_open(2);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    (void)state;
    (void)meet(t, 0, 1, INVITE_PERSONAL);
    wait_for(t, both_have_two);
    say(bob, newest(bob).id, "one");
    wait_for(t, is_quiet);
    assert_int_equal(alice->warnings, 0);
    bob->e->chats->chain[7] ^= 1;
    say(bob, newest(bob).id, "two");
    wait_for(t, alice_is_warned);
    assert_non_null(strstr(alice->warning, "different histories"));
    town_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_people_talk),
        cmocka_unit_test(strangers_make_a_request),
        cmocka_unit_test(an_invitation_for_one_use_works_once),
        cmocka_unit_test(a_group_with_somebody_removed),
        cmocka_unit_test(restarts_lose_and_repeat_nothing),
        cmocka_unit_test(what_is_deleted_is_gone),
        cmocka_unit_test(keys_of_somebody_else_are_noticed),
        cmocka_unit_test(histories_that_differ_are_noticed),
    };
    return unit_run("talk", tests);
}
