// SPDX-License-Identifier: Apache-2.0
//
// Two people talk over a relay: build/whimbreld, one engine in a child, one here; everything durable on all sides, the usual suite,
// receipts as usual. Every message is a call of its own, of which a program has some under way. Counted is what the other engine
// has stored and told its clients; times are of the one monotonic clock. Beside it, in turns and on the same relay, what
// the relay alone takes from append to delivery.
#include "bench/engine/engine.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CHATS = 20, WARM = 50, PACED = 300, PACE_MS = 15, CALLS = 64, LINE = 1200 };

static char folder[200], relay_address[LINK_ADDRESS_TEXT];
static pid_t relay, child;
static int from_child;

// ------------------------------------------------------------------------------------------------------------ the relay

static void start_relay(void)
{
    const char *program = getenv("WHIMBRELD");
    char line[LINE], home[300];
    int out[2];
    if (program == NULL) program = "build/whimbreld";
    (void)snprintf(home, sizeof home, "%s/relay", folder);
    (void)snprintf(line, sizeof line, "%s init %s --host 127.0.0.1 --port 0 --open >/dev/null", program, home);
    engine_check(system(line) == 0 && pipe(out) == 0, "whimbreld init");
    relay = fork();
    if (relay == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)dup2(out[1], 1);
        execl(program, "whimbreld", "run", home, "--port", "0", "--listen", "127.0.0.1", "--rate-connection", "0",
              "--rate-address", "0", (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    ssize_t n = read(out[0], line, sizeof line - 1);
    engine_check(n > 0, "whimbreld run");
    line[n] = 0;
    engine_check(sscanf(line, "%479s", relay_address) == 1, "the relay's address");
    close(out[0]);
}

// ----------------------------------------------------------------------------------------------------------- the engines

static struct net_loop *loop;
static struct engine *engine;

static void open_person(const char *name, void (*event)(void *arg, const struct engine_event *e))
{
    const char *why = "";
    char home[300];
    const struct engine_settings s = {.link = {.retry_ms = 100}};
    const struct engine_new n = {.name = name, .relay = relay_address};
    (void)snprintf(home, sizeof home, "%s/%s", folder, name);
    engine_check(mkdir(home, 0700) == 0 && net_loop_new(&loop) == ERR_OK, home);
    if (engine_create(home, &bench_ring, &n, &why) != ERR_OK) {
        fprintf(stderr, "bench-engine: %s\n", why);
        exit(1);
    }
    engine_check(engine_open(loop, home, &bench_ring, &s, event, NULL, &engine) == ERR_OK, "opening a profile");
}

static struct net_timer tick;
static bool (*until)(void);
static unsigned ticks;

static void on_tick(struct net_timer *t)
{
    if (until()) net_loop_pause(loop);
    else if (++ticks > 3000) engine_check(false, "what was waited for"); // five minutes
    else net_timer_start(loop, t, 100, on_tick);
}

static void wait_for(bool (*what)(void))
{
    until = what;
    ticks = 0;
    net_timer_start(loop, &tick, 1, on_tick);
    net_loop_run(loop);
}

static bool is_quiet(void) { return engine_waiting(engine) == 0; }

// ---------------------------------------------------------------------------------------------------- the one who hears

struct heard {
    uint64_t count;
    double time;
};
static int to_parent;
static uint64_t told, paced_from;
static int64_t last[64 * CHATS]; // of each chat the last message that was told

// New messages are told once; receipts tell of one's own, which the child has none of.
static void on_heard(void *arg, const struct engine_event *e)
{
    (void)arg;
    if (e->kind != ENGINE_MESSAGE || e->chat >= 64 * CHATS || e->message <= last[e->chat]) return;
    last[e->chat] = e->message;
    const struct heard h = {.count = ++told, .time = engine_seconds()};
    if (told >= paced_from || told % WARM == 0) engine_check(write(to_parent, &h, sizeof h) == sizeof h, "pipe");
}

static bool never(void)
{
    ticks = 0;
    return false;
}

static void be_child(int out, uint64_t paced)
{
    struct buf link;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    to_parent = out;
    paced_from = paced;
    open_person("bob", on_heard);
    buf_init(&link, FORMAT_LINK_MAX);
    engine_check(engine_invite(engine, INVITE_PERSONAL, "alice", &link) == ERR_OK, "invite");
    wait_for(is_quiet);
    engine_check(write(out, link.p, FORMAT_LINK_MAX < link.n ? 0 : link.n) == (ssize_t)link.n, "pipe");
    wait_for(never);
}

// ---------------------------------------------------------------------------------------------------- the one who talks

static int64_t chats[CHATS];
static size_t chats_n;
static struct heard heard;
static double shown[PACED];
static uint64_t sent, target, warm;

static void on_event(void *arg, const struct engine_event *e)
{
    (void)arg;
    if (e->kind == ENGINE_WARNING) fprintf(stderr, "bench-engine: %s\n", e->text);
}

static void read_child(void)
{
    struct heard h;
    while (read(from_child, &h, sizeof h) == sizeof h) {
        heard = h;
        if (h.count > warm && h.count - warm <= PACED) shown[h.count - warm - 1] = h.time;
    }
}

static bool all_heard(void)
{
    read_child();
    return heard.count >= target && is_quiet();
}

static void count_open(void *arg, const struct history_chat *c)
{
    (void)arg;
    if (c->members == 2 && chats_n < CHATS) chats[chats_n++] = c->id;
}

static bool all_open(void)
{
    chats_n = 0;
    engine_check(engine_chats(engine, 0, count_open, NULL) == ERR_OK, "chats");
    return chats_n == CHATS && is_quiet();
}

static uint64_t stored;
static size_t over;

static void more(void);

static void on_said(void *arg, enum err e, int64_t message)
{
    (void)arg;
    engine_check(e == ERR_OK && message > 0, "saying");
    stored++;
    more();
}

static void say(size_t chat)
{
    static const char text[] = "A message of about a hundred letters, as people write them when they have something to tell.";
    sent++;
    engine_check(engine_say_later(engine, chats[chat], span_str(text), 0, on_said, NULL) == ERR_OK, "say");
}

// As a program would that has so many calls under way.
static void more(void)
{
    while (sent < target && over > 0 && sent - stored < CALLS) say(sent % over);
}

// Seconds of processor time that a process has used.
static double used(pid_t pid)
{
    char path[64];
    unsigned long user = 0, system = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "re");
    engine_check(f != NULL, path);
    engine_check(fscanf(f, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) == 2, path);
    (void)fclose(f);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static void row_flood(size_t in, uint64_t n)
{
    over = in;
    target = sent + n;
    const pid_t who[] = {getpid(), child, relay};
    double cpu[3], from = engine_seconds();
    for (int i = 0; i < 3; i++) cpu[i] = used(who[i]);
    more();
    wait_for(all_heard);
    over = 0;
    for (int i = 0; i < 3; i++) cpu[i] = (used(who[i]) - cpu[i]) / (double)n * 1e6;
    printf("talk: %-3zu conversations: %6.0f messages/s stored by both sides (%llu in %.2f s); processor time a message:"
           " sender %.0f us, receiver %.0f us, relay %.0f us\n",
           in, (double)n / (heard.time - from), (unsigned long long)n, heard.time - from, cpu[0], cpu[1], cpu[2]);
    (void)fflush(stdout);
}

// -------------------------------------------------------------------------------------------------------------- latency

// In turns something is appended to the relay and something said, so that both meet the same machine.
static double appended[PACED], said[PACED];
static size_t paced;

static void append(double *at);

static void on_pace(struct net_post *p)
{
    (void)p;
    size_t i = paced++;
    if (i % 2 == 0) {
        append(&appended[i / 2]);
    } else {
        said[i / 2] = engine_seconds();
        say(0);
    }
}

static void *pace(void *arg)
{
    static struct net_post posts[2 * PACED];
    const struct timespec t = {.tv_nsec = PACE_MS * 1000000};
    (void)arg;
    for (size_t i = 0; i < 2 * (size_t)PACED; i++) {
        (void)nanosleep(&t, NULL);
        posts[i] = (struct net_post){.fn = on_pace};
        net_loop_post(loop, &posts[i]);
    }
    return NULL;
}

static double median_ms(const double *from, const double *to, double *p99)
{
    double ms[PACED];
    for (size_t i = 0; i < PACED; i++) ms[i] = (to[i] - from[i]) * 1000;
    *p99 = engine_quantile(ms, PACED, 0.99);
    return engine_quantile(ms, PACED, 0.5);
}

// The relay alone: appends to a log that the same link follows.
static struct link *raw;
static uint8_t log_id[32], log_key[32];
static double arrived[PACED];
static uint64_t arrivals;
static bool ready;

static void on_raw_push(void *arg, const struct wire_reply *r)
{
    struct wire_entry x;
    struct span list = r->type == WIRE_P_ENTRIES ? r->entries : span_of(NULL, 0);
    (void)arg;
    while (wire_next_entry(&list, &x)) {
        if (x.seq <= PACED) arrived[x.seq - 1] = engine_seconds();
        arrivals++;
    }
}

static void on_raw_answer(void *arg, const struct wire_reply *r)
{
    (void)arg;
    engine_check(r != NULL && r->type != WIRE_R_ERROR, "the relay's answer");
    if (r->type == WIRE_R_FOLLOWED) ready = true;
}

static void on_raw_made(void *arg, const struct wire_reply *r)
{
    struct buf b;
    on_raw_answer(arg, r);
    buf_init(&b, 1000);
    wire_put_follow(&b, &(struct wire_follow){.tag = 1, .log = log_id, .key = log_key});
    const struct wire_request follow = {.type = WIRE_FOLLOW, .follows = buf_span(&b)};
    engine_check(link_ask(raw, &follow, on_raw_answer, NULL) == ERR_OK, "follow");
    buf_wipe(&b);
}

static void on_raw_up(void *arg, const struct wire_reply *hello)
{
    struct wire_grant g = {.rights = WIRE_READ | WIRE_APPEND | WIRE_ADMIN, .to_seq = UINT64_MAX};
    struct buf b;
    (void)arg;
    (void)hello;
    engine_check(sha256(engine, span_of(log_key, 32), g.hash) == ERR_OK, "hash");
    buf_init(&b, 1000);
    wire_put_grant(&b, &g);
    const struct wire_request make = {.type = WIRE_LOG_CREATE, .log = log_id, .grants = buf_span(&b)};
    engine_check(link_ask(raw, &make, on_raw_made, NULL) == ERR_OK, "log_create");
    buf_wipe(&b);
}

static void on_raw_down(void *arg, const struct link_failure *why, uint32_t retry_ms)
{
    (void)arg;
    (void)why;
    (void)retry_ms;
}

static void append(double *at)
{
    static const uint8_t payload[700] = {1};
    const struct wire_request r = {.type = WIRE_LOG_APPEND, .log = log_id, .key = log_key, .payload = {payload, sizeof payload}};
    *at = engine_seconds();
    engine_check(link_ask(raw, &r, on_raw_answer, NULL) == ERR_OK, "append");
}

static bool raw_is_ready(void) { return ready; }
static bool all_have_arrived(void) { return all_heard() && arrivals >= PACED; }

static void open_raw(void)
{
    static const struct link_events events = {.up = on_raw_up, .down = on_raw_down, .push = on_raw_push};
    struct link_address to;
    const struct link_settings s = {.retry_ms = 100};
    const char *why = NULL;
    log_id[0] = log_key[0] = 7;
    engine_check(link_address_read(span_str(relay_address), &to, &why) == ERR_OK, "address");
    engine_check(link_new(loop, &to, &s, &events, NULL, &raw) == ERR_OK, "link");
    link_open(raw);
    wait_for(raw_is_ready);
}

static void row_latency(void)
{
    double relay_99, shown_99;
    pthread_t thread;
    open_raw();
    target = sent + PACED;
    engine_check(pthread_create(&thread, NULL, pace, NULL) == 0, "thread");
    wait_for(all_have_arrived);
    (void)pthread_join(thread, NULL);
    link_free(raw);
    double of_relay = median_ms(appended, arrived, &relay_99), half = median_ms(said, shown, &shown_99);
    printf("talk: from append to delivery, the relay alone: median %.2f ms, 99 %% %.2f ms\n", of_relay, relay_99);
    printf("talk: from saying to being shown: median %.2f ms (%.2f times the relay's), 99 %% %.2f ms\n", half,
           half / of_relay, shown_99);
}

// ----------------------------------------------------------------------------------------------------------------- all

static void make_friends(void)
{
    char link[FORMAT_LINK_MAX + 1] = "";
    const char *why = "";
    int64_t contact = 0, group;
    ssize_t n = read(from_child, link, FORMAT_LINK_MAX);
    engine_check(n > 0, "the child's invitation");
    engine_check(engine_accept(engine, span_str(link), &contact, &why) == ERR_OK, why);
    for (size_t i = 1; i < CHATS; i++)
        engine_check(engine_group(engine, span_str("Tea"), &contact, 1, &group) == ERR_OK, "group");
    wait_for(all_open);
    engine_check(fcntl(from_child, F_SETFL, O_NONBLOCK) == 0, "fcntl");
}

void bench_talk(const struct bench_options *o)
{
    int out[2];
    uint64_t one = 600 * o->seconds / WARM * WARM, many = 2000 * o->seconds / WARM * WARM;
    engine_folder("talk", folder);
    start_relay();
    engine_check(pipe(out) == 0, "pipe");
    warm = WARM + one + many;
    child = fork();
    if (child == 0) be_child(out[1], warm + 1);
    close(out[1]);
    from_child = out[0];
    open_person("alice", on_event);
    make_friends();
    row_flood(1, WARM);
    row_flood(1, one);
    row_flood(CHATS, many);
    row_latency();
    engine_close(engine);
    (void)kill(child, SIGKILL);
    (void)kill(relay, SIGTERM);
    (void)waitpid(child, NULL, 0);
    (void)waitpid(relay, NULL, 0);
    engine_folder_remove(folder);
}
