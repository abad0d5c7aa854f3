// SPDX-License-Identifier: Apache-2.0
//
// Links to a real relay, in this process and over TCP: what comes up and why not, requests and their answers, pushes under
// credit, breaks in the middle of a request, silence, and being freed from inside callbacks.
#include "relay/test/scene.h"

#include "link/link.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

struct stage {
    struct scene scene;
    struct net_loop *loop;
    struct net_timer bound, later;
    struct link_address to;
    struct link_settings settings;
    struct link *link;
    unsigned ups, downs, pushes, answers, unanswered;
    struct link_failure why;
    uint32_t retry;
    uint64_t seq; // of the last entry that was pushed
    size_t bytes;
    enum wire_code ended;
    // What a test does then; may be NULL.
    void (*on_up)(struct stage *s);
    void (*on_down)(struct stage *s);
    void (*on_push)(struct stage *s);
    void (*on_answer)(struct stage *s, const struct wire_reply *r);
    int step; // a test's own
};

static void too_long(struct net_timer *t)
{
    (void)t;
    fail_msg("the test took more than a minute");
}

static void up(void *arg, const struct wire_reply *hello)
{
    struct stage *s = arg;
    s->ups++;
    assert_int_equal(hello->type, WIRE_R_HELLO);
    assert_int_equal(link_limits(s->link)->frame, WIRE_FRAME_MAX);
    assert_true(link_is_up(s->link));
    if (s->on_up != NULL) s->on_up(s);
}

static void down(void *arg, const struct link_failure *why, uint32_t retry_ms)
{
    struct stage *s = arg;
    s->downs++;
    s->why = *why;
    s->retry = retry_ms;
    assert_false(link_is_up(s->link));
    assert_true(strlen(link_failure_text(why)) > 10);
    if (s->on_down != NULL) s->on_down(s);
}

static void push(void *arg, const struct wire_reply *p)
{
    struct stage *s = arg;
    struct span list = p->entries;
    struct wire_entry e;
    s->pushes++;
    while (wire_next_entry(&list, &e)) {
        assert_true(e.seq == s->seq + 1);
        s->seq = e.seq;
        s->bytes += e.payload.n;
    }
    if (p->type == WIRE_P_ENDED) s->ended = p->code;
    if (s->on_push != NULL) s->on_push(s);
}

static void answer(void *arg, const struct wire_reply *r)
{
    struct stage *s = arg;
    if (r == NULL) s->unanswered++;
    else s->answers++;
    if (s->on_answer != NULL) s->on_answer(s, r);
}

static const struct link_events events = {.up = up, .down = down, .push = push};

static void end(struct stage *s)
{
    link_free(s->link);
    s->link = NULL;
    net_timer_stop(&s->bound);
    net_timer_stop(&s->later);
    net_loop_stop(s->loop);
}

static struct stage *open_stage(const char *const *settings)
{
    static const char *const open_to_all[] = {"hosting", "yes", NULL};
    struct stage *s = calloc(1, sizeof *s);
    assert_non_null(s);
    scene_open(&s->scene, settings == NULL ? open_to_all : settings);
    assert_ok(net_loop_new(&s->loop));
    s->to = (struct link_address){.host = "127.0.0.1", .port = s->scene.port, .secret = "secret"};
    net_tls_pin(s->scene.setup->tls, s->to.pin);
    s->settings.retry_ms = 100;
    return s;
}

static void run(struct stage *s)
{
    assert_ok(link_new(s->loop, &s->to, &s->settings, &events, s, &s->link));
    link_open(s->link);
    net_timer_start(s->loop, &s->bound, 60000, too_long);
    net_loop_run(s->loop);
}

static void close_stage(struct stage *s)
{
    net_loop_free(s->loop);
    scene_close(&s->scene);
    free(s);
}

static void ask(struct stage *s, struct wire_request r) { assert_ok(link_ask(s->link, &r, answer, s)); }

static struct wire_request appending(const char *text)
{
    struct wire_request r = of_log(WIRE_LOG_APPEND, 1, 1);
    r.payload = span_str(text);
    return r;
}

static void create_log(struct stage *s)
{
    static struct buf grants;
    buf_wipe(&grants);
    buf_init(&grants, 1000);
    struct wire_grant g = {.rights = WIRE_READ | WIRE_APPEND | WIRE_ADVANCE | WIRE_ADMIN, .to_seq = UINT64_MAX};
    memcpy(g.hash, hash_of(1), WIRE_HASH);
    wire_put_grant(&grants, &g);
    ask(s, (struct wire_request){.type = WIRE_LOG_CREATE, .log = log_of(1), .grants = buf_span(&grants)});
}

static void follow_log(struct stage *s, uint64_t after)
{
    static struct buf follows;
    buf_wipe(&follows);
    buf_init(&follows, 1000);
    const struct wire_follow f = {.tag = 7, .log = log_of(1), .key = key_of(1), .after = after};
    wire_put_follow(&follows, &f);
    ask(s, (struct wire_request){.type = WIRE_FOLLOW, .follows = buf_span(&follows)});
}

// ------------------------------------------------------------------------------------------------------------- names

// The system's resolver, as these tests have it: no test may depend on a network. A host is one numeric address or several, with
// commas between them; everything else has none.
__attribute__((visibility("default"))) // libuv is to find it
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    char text[200];
    struct addrinfo **end = out;
    (void)hints;
    *out = NULL;
    (void)snprintf(text, sizeof text, "%s", host);
    char *rest = NULL;
    for (char *one = strtok_r(text, ",", &rest); one != NULL; one = strtok_r(NULL, ",", &rest)) {
        struct {
            struct addrinfo info;
            struct sockaddr_in to;
        } *a = calloc(1, sizeof *a);
        a->to.sin_family = AF_INET;
        a->to.sin_port = htons((uint16_t)atoi(service));
        a->info = (struct addrinfo){.ai_family = AF_INET, .ai_addr = (struct sockaddr *)&a->to};
        *end = &a->info;
        end = &a->info.ai_next;
        if (inet_pton(AF_INET, one, &a->to.sin_addr) == 1) continue;
        freeaddrinfo(*out);
        *out = NULL;
        return EAI_NONAME;
    }
    return *out == NULL ? EAI_NONAME : 0;
}

__attribute__((visibility("default"))) void freeaddrinfo(struct addrinfo *a)
{
    while (a != NULL) {
        struct addrinfo *next = a->ai_next;
        free(a);
        a = next;
    }
}

// --------------------------------------------------------------------------------------------------------- what fails

static void end_at_down(struct stage *s) { end(s); }

static void fails(void (*change)(struct stage *s), enum link_phase phase, enum err e, unsigned status)
{
    struct stage *s = open_stage(NULL);
    change(s);
    s->on_down = end_at_down;
    run(s);
    assert_int_equal(s->ups, 0);
    assert_int_equal(s->downs, 1);
    assert_int_equal(s->why.phase, phase);
    if (e != ERR_CLASSES) assert_int_equal(s->why.err, e);
    assert_int_equal(s->why.status, status);
    assert_in_range(s->retry, 100, 125);
    close_stage(s);
}

static void another_key(struct stage *s) { s->to.pin[31] ^= 1; }
static void another_secret(struct stage *s) { s->to.secret[0] = 'S'; }
static void another_port(struct stage *s) { s->to.port = 1; }
static void no_name(struct stage *s) { (void)snprintf(s->to.host, sizeof s->to.host, "nobody.invalid"); }

static void each_way_to_fail_is_told_apart(void **state)
{
    (void)state;
    fails(another_key, LINK_CONNECTING, ERR_UNAUTHENTICATED, 0);
    fails(another_secret, LINK_UPGRADING, ERR_OK, 404);
    fails(another_port, LINK_CONNECTING, ERR_IO, 0);
    fails(no_name, LINK_RESOLVING, ERR_NOT_FOUND, 0);
}

static void count_downs(struct stage *s)
{
    if (s->downs == 1) assert_in_range(s->retry, 100, 125);
    if (s->downs == 2) assert_in_range(s->retry, 200, 250);
    if (s->downs == 3) assert_in_range(s->retry, 300, 375);
    if (s->downs == 4) {
        assert_in_range(s->retry, 300, 375);
        link_open(s->link); // at once, and from the start
    }
    if (s->downs == 5) assert_in_range(s->retry, 100, 125);
    if (s->downs == 5) end(s);
}

static void each_pause_is_longer_up_to_a_bound(void **state)
{
    struct stage *s = open_stage(NULL);
    (void)state;
    s->to.port = 1;
    s->settings.retry_max_ms = 300;
    s->on_down = count_downs;
    run(s);
    assert_int_equal(s->downs, 5);
    close_stage(s);
}

static void end_at_up(struct stage *s) { end(s); }

static void every_address_of_a_name_is_tried(void **state)
{
    struct stage *s = open_stage(NULL);
    (void)state;
    (void)snprintf(s->to.host, sizeof s->to.host, "127.0.0.3,127.0.0.4,127.0.0.1"); // nobody listens on the first two
    s->on_up = end_at_up;
    run(s);
    assert_int_equal(s->ups, 1);
    assert_int_equal(s->downs, 0);
    close_stage(s);
}

// An address that takes connections and says nothing, as a broken network does: the next one gets its share of the time.
static void an_address_that_is_silent_leaves_time_for_the_next(void **state)
{
    struct stage *s = open_stage(NULL);
    int fd = -1;
    (void)state;
    assert_ok(net_listen_socket("127.0.0.2", &s->scene.port, &fd));
    (void)snprintf(s->to.host, sizeof s->to.host, "127.0.0.2,127.0.0.1");
    s->settings.attempt_ms = 4000;
    s->on_up = s->on_down = end_at_up;
    run(s);
    assert_int_equal(s->ups, 1);
    assert_int_equal(s->downs, 0);
    close_stage(s);
    assert_int_equal(close(fd), 0);
    s = open_stage(NULL); // and if all are silent, that is what is told, once
    assert_ok(net_listen_socket("127.0.0.2", &s->scene.port, &fd));
    (void)snprintf(s->to.host, sizeof s->to.host, "127.0.0.2,127.0.0.2");
    s->settings.attempt_ms = 600;
    s->on_down = end_at_up;
    run(s);
    assert_int_equal(s->downs, 1);
    assert_int_equal(s->why.phase, LINK_CONNECTING);
    assert_int_equal(s->why.err, ERR_LIMIT);
    close_stage(s);
    assert_int_equal(close(fd), 0);
}

static void break_once(struct stage *s)
{
    if (s->ups == 1) link_break(s->link);
    else end(s);
}

// The relay has moved, or its first address is blocked: silently, or with a reset. It is the same relay, whose key is proved.
static void a_relay_is_found_at_another_address(void **state)
{
    static const char *const firsts[] = {"127.0.0.2", "127.0.0.3"}; // takes connections in silence; nobody is there
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct stage *s = open_stage(NULL);
        int fd = -1;
        assert_ok(net_listen_socket("127.0.0.2", &s->scene.port, &fd));
        const struct link_address real = s->to;
        struct link_address others[] = {real, real};
        others[0].pin[0] ^= 1; // the pin of a link's own address holds for all of them
        others[0].port = 1;
        (void)snprintf(s->to.host, sizeof s->to.host, "%s", firsts[i]);
        s->on_up = break_once; // and then it begins with the one that worked
        assert_ok(link_new(s->loop, &s->to, &s->settings, &events, s, &s->link));
        link_others(s->link, others, 2);
        link_open(s->link);
        if (i == 1) link_others(s->link, others, 2); // while it is looked for
        net_timer_start(s->loop, &s->bound, 60000, too_long);
        net_loop_run(s->loop);
        assert_int_equal(s->ups, 2);
        assert_int_equal(s->downs, 1);
        close_stage(s);
        assert_int_equal(close(fd), 0);
    }
}

static void all_addresses_fail_once(void **state)
{
    struct stage *s = open_stage(NULL);
    struct link_address other = s->to;
    (void)state;
    s->to.port = 1;
    other.port = 2;
    s->on_down = end_at_down;
    assert_ok(link_new(s->loop, &s->to, &s->settings, &events, s, &s->link));
    link_others(s->link, &other, 1);
    link_open(s->link);
    net_timer_start(s->loop, &s->bound, 60000, too_long);
    net_loop_run(s->loop);
    assert_int_equal(s->downs, 1);
    assert_int_equal(s->why.phase, LINK_CONNECTING);
    close_stage(s);
}

// A host that no resolver takes fails at once, but is told from the loop.
static void nobody_is_called_back_by_opening(void **state)
{
    struct stage *s = open_stage(NULL);
    (void)state;
    (void)snprintf(s->to.host, sizeof s->to.host, "\xff\xff");
    assert_ok(link_new(s->loop, &s->to, &s->settings, &events, s, &s->link));
    s->on_down = end_at_down;
    link_open(s->link);
    assert_int_equal(s->downs, 0);
    net_timer_start(s->loop, &s->bound, 60000, too_long);
    net_loop_run(s->loop);
    assert_int_equal(s->downs, 1);
    assert_int_equal(s->why.phase, LINK_RESOLVING);
    close_stage(s);
}

// ------------------------------------------------------------------------------------------------------------ what works

static void talk(struct stage *s, const struct wire_reply *r)
{
    assert_non_null(r);
    switch (s->step++) {
    case 0:
        assert_int_equal(r->type, WIRE_R_OK);
        ask(s, appending("hello"));
        break;
    case 1:
        assert_int_equal(r->type, WIRE_R_APPENDED);
        assert_int_equal(r->seq, 1);
        follow_log(s, 0);
        break;
    default: assert_int_equal(r->type, WIRE_R_FOLLOWED);
    }
}

static void end_at_first(struct stage *s)
{
    assert_int_equal(s->seq, 1);
    assert_int_equal(s->bytes, 5);
    end(s);
}

static void requests_are_answered_and_entries_pushed(void **state)
{
    struct stage *s = open_stage(NULL);
    (void)state;
    s->on_up = create_log;
    s->on_answer = talk;
    s->on_push = end_at_first;
    run(s);
    assert_int_equal(s->answers, 3);
    assert_int_equal(s->downs, 0);
    close_stage(s);
}

enum { MANY = 300, LARGE = 5000 };

static void append_many(struct stage *s, const struct wire_reply *r)
{
    static char text[LARGE + 1];
    memset(text, 'x', LARGE);
    if (r == NULL) return; // the last entry was pushed before its answer
    assert_int_not_equal(r->type, WIRE_R_ERROR);
    if (s->step == 0) follow_log(s, 0);
    if (s->step++ >= MANY + 1) return;
    if (s->step > 1) ask(s, appending(text));
}

static void end_at_many(struct stage *s)
{
    if (s->seq == MANY) end(s);
}

// Twenty times as much as the window holds: it comes only if credit is given again.
static void credit_is_given_as_entries_are_taken(void **state)
{
    struct stage *s = open_stage(NULL);
    (void)state;
    s->settings.window = 65536;
    s->on_up = create_log;
    s->on_answer = append_many;
    s->on_push = end_at_many;
    run(s);
    assert_int_equal(s->seq, MANY);
    assert_int_equal(s->bytes, MANY * LARGE);
    close_stage(s);
}

static void ask_too_much(struct stage *s)
{
    struct wire_request stat = of_log(WIRE_LOG_STAT, 9, 9), large = of_log(WIRE_LOG_APPEND, 1, 1);
    static uint8_t bytes[WIRE_FRAME_MAX];
    size_t room = link_room(s->link);
    assert_int_equal(room, 4);
    large.payload = span_of(bytes, sizeof bytes);
    assert_int_equal(link_ask(s->link, &large, answer, s), ERR_LIMIT);
    assert_int_equal(link_room(s->link), 4);
    for (size_t i = 0; i < room; i++) ask(s, stat);
    assert_int_equal(link_room(s->link), 0);
    assert_int_equal(link_ask(s->link, &stat, answer, s), ERR_LIMIT);
}

static void end_at_fourth(struct stage *s, const struct wire_reply *r)
{
    assert_non_null(r);
    assert_int_equal(r->code, WIRE_E_DENIED);
    if (s->answers == 4) {
        assert_int_equal(link_room(s->link), 4);
        end(s);
    }
}

static void no_more_is_asked_than_the_relay_allows(void **state)
{
    static const char *const four[] = {"hosting", "yes", "in_flight_max", "4", NULL};
    struct stage *s = open_stage(four);
    (void)state;
    s->on_up = ask_too_much;
    s->on_answer = end_at_fourth;
    run(s);
    assert_int_equal(s->answers, 4);
    close_stage(s);
}

// ---------------------------------------------------------------------------------------------------------------- breaks

// The network goes away while a request stands at the gate of the relay's store: every socket to the relay is shut down.
static void cut(struct net_timer *t)
{
    struct stage *s = (struct stage *)(void *)((char *)t - offsetof(struct stage, later));
    gate_wait(LANE_READ);
    unsigned found = 0;
    for (int fd = 3; fd < 1024; fd++) {
        struct sockaddr_in peer;
        socklen_t n = sizeof peer;
        if (getpeername(fd, (struct sockaddr *)&peer, &n) != 0 || peer.sin_family != AF_INET) continue;
        if (ntohs(peer.sin_port) == s->scene.port) found += shutdown(fd, SHUT_RDWR) == 0;
    }
    assert_int_equal(found, 1);
}

static void ask_and_be_cut(struct stage *s)
{
    if (s->ups == 1) {
        gate_shut(LANE_READ);
        ask(s, of_log(WIRE_LOG_STAT, 9, 9));
        net_timer_start(s->loop, &s->later, 100, cut);
    } else {
        gate_open(LANE_READ);
        ask(s, of_log(WIRE_LOG_STAT, 9, 9));
    }
}

static void end_when_answered(struct stage *s, const struct wire_reply *r)
{
    if (r == NULL) assert_int_equal(s->downs, 0); // it is told first
    else end(s);
}

static void what_was_under_way_is_told_to_be_unknown(void **state)
{
    struct stage *s = open_stage(NULL);
    (void)state;
    s->on_up = ask_and_be_cut;
    s->on_answer = end_when_answered;
    run(s);
    assert_int_equal(s->ups, 2);
    assert_int_equal(s->downs, 1);
    assert_int_equal(s->unanswered, 1);
    assert_int_equal(s->answers, 1);
    assert_int_equal(s->why.phase, LINK_UP);
    close_stage(s);
}

// Somebody who is told that nobody knows wants to be connected again, at once, and asks for that too early: while it is still told.
static void ask_two_and_be_cut(struct stage *s)
{
    gate_shut(LANE_READ);
    ask(s, of_log(WIRE_LOG_STAT, 9, 9));
    ask(s, of_log(WIRE_LOG_STAT, 9, 9));
    net_timer_start(s->loop, &s->later, 100, cut);
}

static void open_at_once(struct stage *s, const struct wire_reply *r)
{
    assert_null(r);
    link_open(s->link);
    assert_int_equal(link_ask(s->link, &(struct wire_request){.type = WIRE_LOG_STAT}, answer, s), ERR_REFUSED);
}

static void free_later(struct net_timer *t)
{
    struct stage *s = (struct stage *)(void *)((char *)t - offsetof(struct stage, later));
    end(s);
}

static void cut_or_wait(struct stage *s)
{
    if (s->ups == 1) ask_two_and_be_cut(s);
    else net_timer_start(s->loop, &s->later, 500, free_later); // were there a second connection, it would come up now
    if (s->ups == 2) gate_open(LANE_READ);
}

static void opening_a_link_that_is_breaking_makes_one_connection(void **state)
{
    struct stage *s = open_stage(NULL);
    (void)state;
    s->settings.retry_ms = 30000;
    s->on_up = cut_or_wait;
    s->on_answer = open_at_once;
    run(s);
    assert_int_equal(s->unanswered, 2);
    assert_int_equal(s->downs, 1);
    assert_int_equal(s->retry, 0);
    assert_int_equal(s->ups, 2);
    close_stage(s);
}

// Whoever is told by link_free that there is no answer may free the link as well, ask, or open it: it is gone all the same.
static void free_again(struct stage *s, const struct wire_reply *r)
{
    assert_null(r);
    unsigned told = s->unanswered;
    assert_int_equal(link_ask(s->link, &(struct wire_request){.type = WIRE_LOG_STAT}, answer, s), ERR_REFUSED);
    link_open(s->link);
    link_free(s->link);
    assert_int_equal(s->unanswered, told > 3 ? told : 4); // all have been told
}

static void ask_four_and_go(struct stage *s)
{
    for (int i = 0; i < 4; i++) ask(s, of_log(WIRE_LOG_STAT, 9, 9));
    end(s);
}

static void a_link_may_be_freed_while_it_is_freed(void **state)
{
    struct stage *s = open_stage(NULL);
    (void)state;
    s->on_up = ask_four_and_go;
    s->on_answer = free_again;
    run(s);
    assert_int_equal(s->unanswered, 4);
    assert_int_equal(s->downs, 0);
    close_stage(s);
}

static void ask_and_go(struct stage *s)
{
    ask(s, of_log(WIRE_LOG_STAT, 9, 9));
    ask(s, of_log(WIRE_LOG_STAT, 9, 9));
    end(s);
}

static void free_at_answer(struct stage *s, const struct wire_reply *r)
{
    if (r != NULL) end(s);
}

static void ask_two(struct stage *s)
{
    ask(s, of_log(WIRE_LOG_STAT, 9, 9));
    ask(s, of_log(WIRE_LOG_STAT, 9, 9));
}

static void a_link_may_be_freed_in_any_callback(void **state)
{
    (void)state;
    struct stage *s = open_stage(NULL);
    s->on_up = ask_and_go;
    run(s);
    assert_int_equal(s->unanswered, 2);
    close_stage(s);
    s = open_stage(NULL);
    s->on_up = ask_two;
    s->on_answer = free_at_answer;
    run(s);
    assert_int_equal(s->answers, 1);
    assert_int_equal(s->unanswered, 1);
    close_stage(s);
    link_free(NULL);
}

// The relay's own pings are far away; the link's come, and the relay's answers keep the link up.
static void end_later(struct net_timer *t)
{
    struct stage *s = (struct stage *)(void *)((char *)t - offsetof(struct stage, later));
    end(s);
}

static void wait_in_silence(struct stage *s) { net_timer_start(s->loop, &s->later, 1500, end_later); }

static void silence_is_broken_by_pings(void **state)
{
    struct stage *s = open_stage(NULL);
    (void)state;
    s->settings.silence_ms = 200;
    s->on_up = wait_in_silence;
    run(s);
    assert_int_equal(s->ups, 1);
    assert_int_equal(s->downs, 0);
    close_stage(s);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_way_to_fail_is_told_apart),
        cmocka_unit_test(each_pause_is_longer_up_to_a_bound),
        cmocka_unit_test(every_address_of_a_name_is_tried),
        cmocka_unit_test(an_address_that_is_silent_leaves_time_for_the_next),
        cmocka_unit_test(a_relay_is_found_at_another_address),
        cmocka_unit_test(all_addresses_fail_once),
        cmocka_unit_test(nobody_is_called_back_by_opening),
        cmocka_unit_test(requests_are_answered_and_entries_pushed),
        cmocka_unit_test(credit_is_given_as_entries_are_taken),
        cmocka_unit_test(no_more_is_asked_than_the_relay_allows),
        cmocka_unit_test(what_was_under_way_is_told_to_be_unknown),
        cmocka_unit_test(a_link_may_be_freed_in_any_callback),
        cmocka_unit_test(opening_a_link_that_is_breaking_makes_one_connection),
        cmocka_unit_test(a_link_may_be_freed_while_it_is_freed),
        cmocka_unit_test(silence_is_broken_by_pings),
    };
    return unit_run("link", tests);
}
