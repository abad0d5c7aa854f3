// SPDX-License-Identifier: Apache-2.0
//
// net: loops. Posts from several threads all run, each thread's in its order; timers run when they are due, on a clock that the
// test turns by hand, and never after they were stopped; a loop that is stopped closes what is open and returns.
#include "net/test/stage.h"

#include "net/child.h"

#include <pthread.h>
#include <unistd.h>

// ------------------------------------------------------------------------------------------------------------- posts

enum { THREADS = 4, POSTS = 20000 };

struct poster {
    struct net_post post[POSTS];
    struct net_loop *loop;
    size_t next; // that must run
    pthread_t thread;
};
static struct poster posters[THREADS];
static size_t posts_run;

static void on_post(struct net_post *p)
{
    for (size_t i = 0; i < THREADS; i++) {
        if (p < posters[i].post || p >= posters[i].post + POSTS) continue;
        assert_ptr_equal(p, &posters[i].post[posters[i].next]);
        posters[i].next++;
    }
    memset(p, 0xff, sizeof *p); // it is ours again
    if (++posts_run == (size_t)THREADS * POSTS) net_loop_stop(posters[0].loop);
}

static void *post_all(void *arg)
{
    struct poster *me = arg;
    for (size_t i = 0; i < POSTS; i++) {
        me->post[i].fn = on_post;
        net_loop_post(me->loop, &me->post[i]);
        if (i % 1000 == 0) usleep(100);
    }
    return NULL;
}

static void posts_run_in_order(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s);
    posts_run = 0;
    for (size_t i = 0; i < THREADS; i++) {
        posters[i].next = 0;
        posters[i].loop = s.loop;
        assert_int_equal(pthread_create(&posters[i].thread, NULL, post_all, &posters[i]), 0);
    }
    stage_run(&s);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(posters[i].thread, NULL), 0);
        assert_int_equal(posters[i].next, POSTS);
    }
    stage_close(&s);
}

static struct net_loop *posting;
static size_t posted_again;

static void post_again(struct net_post *p)
{
    if (++posted_again == 3) net_loop_stop(posting);
    if (posted_again < 5) net_loop_post(posting, p); // two of them after stopping
}

static void a_post_may_post_itself(void **state)
{
    (void)state;
    struct net_post p = {.fn = post_again};
    assert_ok(net_loop_new(&posting));
    posted_again = 0;
    net_loop_post(posting, &p);
    net_loop_run(posting);
    assert_int_equal(posted_again, 5);
    net_loop_free(posting);
}

// A turn of the loop in which two posts and a turn's end are asked for, and one behind it: who was first, as letters.
static struct net_turn ends[3];
static struct net_post between;
static char order[10];

static void note(char what)
{
    size_t n = strlen(order);
    assert_true(n + 1 < sizeof order);
    order[n] = what;
}

static void on_first_end(struct net_turn *t)
{
    assert_null(t->link);
    note('e');
    if (strcmp(order, "abe") != 0) {
        net_loop_stop(posting);
        return;
    }
    net_loop_turn(posting, &ends[1]);
    net_loop_post(posting, &between);
}

static void post_between(struct net_post *p)
{
    (void)p;
    note('c');
}

static void never(struct net_turn *t)
{
    (void)t;
    note('x');
}

static void post_a(struct net_post *p)
{
    (void)p;
    ends[0].fn = ends[1].fn = on_first_end;
    ends[2].fn = never;
    between.fn = post_between;
    note('a');
    net_loop_turn(posting, &ends[0]);
    net_loop_turn(posting, &ends[2]);
    net_loop_turn(posting, &ends[0]); // it is asked for already
}

static void post_b(struct net_post *p)
{
    (void)p;
    note('b');
    net_turn_drop(&ends[2]);
    net_turn_drop(&ends[1]); // it was not asked for
}

static void a_turn_has_one_end(void **state)
{
    (void)state;
    struct net_post a = {.fn = post_a}, b = {.fn = post_b};
    assert_ok(net_loop_new(&posting));
    net_loop_post(posting, &a);
    net_loop_post(posting, &b);
    net_loop_run(posting);
    assert_string_equal(order, "abece");
    net_loop_free(posting);
}

// ------------------------------------------------------------------------------------------------------------- timers

struct ring {
    struct net_timer timer;
    uint64_t at[4];
    size_t n;
};
static struct net_loop *clocked;
static uint64_t start;

// Turns the clock by hand, as the loop would find it when it wakes.
static void pass(uint64_t ms)
{
    clocked->uv.time += ms;
    net_wheel_turn(clocked);
}

static void ring(struct net_timer *t)
{
    struct ring *r = (struct ring *)(void *)t;
    assert_null(t->link); // idle again
    assert_true(r->n < 4);
    r->at[r->n++] = net_loop_now(clocked) - start;
}

static void open_clock(void)
{
    assert_ok(net_loop_new(&clocked));
    start = net_loop_now(clocked);
}

static void timers_ring_once_when_they_are_due(void **state)
{
    (void)state;
    static const uint64_t due[] = {0, 1, 99, 100, 101, 2500, 60000, 102300, 102400, 102500, 250000, 86400000};
    enum { N = sizeof due / sizeof *due };
    struct ring r[N] = {0};
    open_clock();
    for (size_t i = 0; i < N; i++) net_timer_start(clocked, &r[i].timer, due[i], ring);
    for (size_t k = 0; k < 864100; k++) pass(100);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(r[i].n, 1);
        assert_true(r[i].at[0] >= due[i] && r[i].at[0] <= due[i] + 200);
    }
    assert_int_equal(clocked->wake, 0); // and the loop can sleep for good
    net_loop_free(clocked);
}

static void a_long_sleep_wakes_all_who_are_due(void **state)
{
    (void)state;
    struct ring r[300] = {0}, late = {0};
    open_clock();
    for (size_t i = 0; i < 300; i++) net_timer_start(clocked, &r[i].timer, i * 1000, ring);
    net_timer_start(clocked, &late.timer, 10000000, ring);
    pass(9000000);
    for (size_t i = 0; i < 300; i++) assert_int_equal(r[i].n, 1);
    assert_int_equal(late.n, 0);
    pass(999000);
    assert_int_equal(late.n, 0);
    pass(1200);
    assert_int_equal(late.n, 1);
    net_loop_free(clocked);
}

static void stopped_and_restarted_timers(void **state)
{
    (void)state;
    struct ring a = {0}, b = {0}, c = {0};
    open_clock();
    net_timer_stop(&a.timer); // idle: nothing happens
    net_timer_start(clocked, &a.timer, 1000, ring);
    net_timer_start(clocked, &b.timer, 1000, ring);
    net_timer_start(clocked, &c.timer, 1000, ring);
    net_timer_stop(&b.timer);
    net_timer_stop(&b.timer);
    pass(500);
    net_timer_start(clocked, &c.timer, 2000, ring); // instead
    for (size_t i = 0; i < 40; i++) pass(100);
    assert_int_equal(a.n, 1);
    assert_int_equal(b.n, 0);
    assert_int_equal(c.n, 1);
    assert_true(c.at[0] >= 2500 && c.at[0] <= 2700);
    net_loop_free(clocked);
}

static struct ring pair[2];

static void stop_the_other(struct net_timer *t)
{
    ring(t);
    net_timer_stop(&pair[t == &pair[0].timer ? 1 : 0].timer);
    if (t == &pair[0].timer || t == &pair[1].timer) net_timer_start(clocked, t, 300, ring);
}

static void a_timer_may_stop_others_and_start_itself(void **state)
{
    (void)state;
    open_clock();
    memset(pair, 0, sizeof pair);
    net_timer_start(clocked, &pair[0].timer, 1000, stop_the_other);
    net_timer_start(clocked, &pair[1].timer, 1000, stop_the_other);
    for (size_t i = 0; i < 30; i++) pass(100);
    assert_int_equal(pair[0].n + pair[1].n, 2); // one of them, twice
    assert_true(pair[0].n == 0 || pair[1].n == 0);
    net_loop_free(clocked);
}

// Against a plain list, with a seed.
static void many_timers_agree_with_a_list(void **state)
{
    (void)state;
    enum { N = 500 };
    static struct ring r[N];
    static uint64_t due[N]; // 0: idle
    uint64_t seed = 11;
    open_clock();
    memset(r, 0, sizeof r);
    memset(due, 0, sizeof due);
    for (size_t step = 0; step < 20000; step++) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        size_t i = (seed >> 33) % N;
        uint64_t ms = (seed >> 40) % 300000, now = net_loop_now(clocked);
        if (seed >> 61 == 0) {
            net_timer_stop(&r[i].timer);
            due[i] = 0;
        } else {
            net_timer_start(clocked, &r[i].timer, ms, ring);
            due[i] = now + ms;
        }
        pass((seed >> 20) % 1000);
        now = net_loop_now(clocked);
        for (size_t k = 0; k < N; k++) {
            bool rang = r[k].n > 0;
            if (rang) assert_true(due[k] != 0 && due[k] <= now);
            else assert_true(due[k] == 0 || due[k] + 200 > now);
            if (rang) due[k] = 0;
            r[k].n = 0;
        }
    }
    net_loop_free(clocked);
}

static size_t ticks;

static void tick(struct net_timer *t)
{
    if (++ticks == 3) net_loop_stop(clocked);
    else net_timer_start(clocked, t, 100, tick);
}

static void the_loop_wakes_for_its_timers(void **state)
{
    (void)state;
    struct net_timer t = {0};
    open_clock();
    ticks = 0;
    net_timer_start(clocked, &t, 100, tick);
    net_loop_run(clocked);
    assert_int_equal(ticks, 3);
    assert_true(net_loop_now(clocked) - start >= 300);
    net_loop_free(clocked);
}

// ------------------------------------------------------------------------------------------------------------ stopping

static size_t opened;
enum { OPEN = 20 };

static void count_open(struct peer *p)
{
    if (++opened == OPEN) net_loop_stop(p->stage->loop);
}

static void stopping_closes_what_is_open(void **state)
{
    (void)state;
    struct stage s;
    static struct peer p[OPEN], late;
    stage_open(&s);
    opened = 0;
    s.model = (struct peer){.on_open = count_open};
    for (size_t i = 0; i < OPEN; i++) {
        p[i] = (struct peer){0};
        stage_connect(&s, &p[i], NULL);
    }
    int silent = stage_socket(&s); // its handshake never begins
    stage_run(&s);
    for (size_t i = 0; i < OPEN; i++) {
        assert_int_equal(p[i].closed, 1);
        peer_wipe(&p[i]);
    }
    struct net_conn *c;
    assert_int_equal(net_connect(s.loop, (const struct sockaddr *)&s.address, s.client, NULL, &late, &c), ERR_REFUSED);
    assert_null(c);
    (void)close(silent);
    stage_close(&s);
}

// A client that never reads cannot keep the loop from stopping.
static void send_much_and_stop(struct peer *p)
{
    static const uint8_t much[16 << 20];
    net_conn_send(p->conn, span_of(much, sizeof much));
    net_loop_stop(p->stage->loop);
}

static void pause_reading(struct peer *p) { net_conn_pause(p->conn, true); }

static void *run_stage(void *arg)
{
    stage_run(arg);
    return NULL;
}

static void stopping_does_not_wait_for_ever(void **state)
{
    (void)state;
    struct stage s, t;
    struct peer p = {.on_open = pause_reading};
    pthread_t thread;
    stage_open(&s);
    stage_open(&t); // the client's loop, which is not run any more once it has paused
    t.address = s.address;
    net_tls_unref(t.client);
    t.client = net_tls_ref(s.client);
    s.model = (struct peer){.on_open = send_much_and_stop};
    stage_connect(&t, &p, NULL);
    assert_int_equal(pthread_create(&thread, NULL, run_stage, &s), 0);
    while (p.opened == 0) (void)uv_run(&t.loop->uv, UV_RUN_ONCE);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(s.accepted[0]->why, ERR_IO);
    net_loop_stop(t.loop);
    stage_run(&t);
    assert_int_equal(p.closed, 1);
    peer_wipe(&p);
    stage_close(&t);
    stage_close(&s);
}

static void stopping_before_running(void **state)
{
    (void)state;
    struct net_loop *l;
    assert_ok(net_loop_new(&l));
    net_loop_stop(l);
    net_loop_run(l);
    net_loop_free(l);
    net_loop_free(NULL);
}

// ---------------------------------------------------------------------------------------------------------- programs

static void no_line(void *arg, const char *line)
{
    (void)arg;
    (void)line;
}

static void child_closed(void *arg) { net_loop_stop(((struct stage *)arg)->loop); }

// A program that writes without end, and does not want to hear that it shall stop.
static void a_program_that_babbles_is_ended(void **state)
{
    static const struct net_child_owner owner = {.line = no_line, .closed = child_closed};
    const char *words[] = {"sh", "-c", "trap '' TERM; while :; do printf xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done", NULL};
    const char *environment[] = {"PATH=/usr/bin:/bin", NULL};
    struct net_child *child;
    struct stage s;
    (void)state;
    stage_open(&s);
    assert_ok(net_child_start(s.loop, words, environment, &owner, &s, &child));
    stage_run(&s);
    stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(posts_run_in_order),
        cmocka_unit_test(a_post_may_post_itself),
        cmocka_unit_test(a_turn_has_one_end),
        cmocka_unit_test(timers_ring_once_when_they_are_due),
        cmocka_unit_test(a_long_sleep_wakes_all_who_are_due),
        cmocka_unit_test(stopped_and_restarted_timers),
        cmocka_unit_test(a_timer_may_stop_others_and_start_itself),
        cmocka_unit_test(many_timers_agree_with_a_list),
        cmocka_unit_test(the_loop_wakes_for_its_timers),
        cmocka_unit_test(stopping_closes_what_is_open),
        cmocka_unit_test(stopping_does_not_wait_for_ever),
        cmocka_unit_test(stopping_before_running),
        cmocka_unit_test(a_program_that_babbles_is_ended),
    };
    return unit_run("net-loop", tests);
}
