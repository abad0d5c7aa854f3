// SPDX-License-Identifier: Apache-2.0
//
// A profile with many conversations and messages. Groups are real, messages are real MIMI content and go in as they do when they come;
// their words are drawn so that some are in every tenth message and some in none but one. It is measured in a process of its own, over
// JSON-RPC as programs ask, and so with writing JSON.
#include "bench/engine/engine.h"

#include "rpc/rpc.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORDS = 20000, PAGES = 400, CONTACTS = 200, BATCH = 2000, PAGE = 50 };

static uint64_t dice = 88172645463325252U;

static uint32_t roll(uint32_t n)
{
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return (uint32_t)(dice >> 33) % n;
}

// Word i of the language; low numbers come often.
static void word(uint32_t i, char out[24])
{
    static const char *const parts[] = {"ka", "lo", "mi", "ne", "ru", "sa", "ti", "vo", "we", "xu"};
    int n = 0;
    for (i += 10; i > 0; i /= 10) n += snprintf(out + n, (size_t)(24 - n), "%s", parts[i % 10]);
}

static uint32_t draw(void)
{
    uint32_t top = 1 + roll(WORDS);
    return roll(1 + roll(top)); // three times: low ones often
}

static void on_event(void *arg, const struct engine_event *e)
{
    (void)arg;
    (void)e;
}

static struct engine *open_engine(struct net_loop *loop, const char *folder)
{
    struct engine *e = NULL;
    const struct engine_settings s = {.link = {.retry_ms = 100000}};
    engine_check(engine_open(loop, folder, &bench_ring, &s, on_event, NULL, &e) == ERR_OK, "opening the profile");
    return e;
}

// ------------------------------------------------------------------------------------------------------------- filling

static void put_message(struct engine *e, int64_t chat, uint64_t seq, uint64_t i)
{
    static struct content c;
    struct history_shape shape;
    struct history_effect effect;
    struct buf b;
    uint8_t salt[CONTENT_SALT] = {0}, id[CONTENT_ID] = {1};
    char text[400] = "", w[24];
    size_t n = 0;
    for (uint32_t k = 4 + roll(12); k > 0; k--) {
        word(draw(), w);
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n > 0 ? " " : "", w);
    }
    if (i % 1000 == 0) (void)snprintf(text + n, sizeof text - n, " needle%llu", (unsigned long long)i);
    memcpy(id + 1, &i, sizeof i);
    memcpy(salt, &i, sizeof i);
    content_init(&c, salt, CONTENT_RENDER, CONTENT_TYPE_MARKDOWN, span_str(text));
    buf_init(&b, CONTENT_MESSAGE_MAX);
    engine_check(content_encode(&c, &b) == ERR_OK && history_shape(buf_span(&b), &shape) == ERR_OK, "content");
    int64_t sender = roll(3) == 0 ? 0 : 1 + roll(CONTACTS);
    const struct history_new m = {.chat = chat,
                                  .sender = sender,
                                  .seq = seq,
                                  .time = 1700000000000U + i * 1000,
                                  .state = sender == 0 ? MESSAGE_READ : MESSAGE_RECEIVED,
                                  .mimi = id,
                                  .content = buf_span(&b)};
    (void)history_put(&e->history, &m, &shape, &effect);
    buf_wipe(&b);
}

static void fill(struct engine *e, const struct bench_options *o)
{
    uint8_t account[FORMAT_ID] = {9};
    int64_t chat = 0;
    uint64_t *seqs = calloc(o->chats + 1, sizeof *seqs);
    bool more = true;
    engine_check(seqs != NULL, "memory");
    db_begin(&e->db);
    for (uint32_t i = 0; i < CONTACTS; i++) {
        memcpy(account + 1, &i, sizeof i);
        (void)contact_put(e, account, span_str("Somebody"), span_of(NULL, 0), CONTACT_KNOWN);
    }
    engine_check(db_commit(&e->db) == ERR_OK, "contacts");
    for (unsigned long i = 0; i < o->chats; i++)
        engine_check(engine_group(e, span_str("A group"), NULL, 0, &chat) == ERR_OK, "group");
    db_begin(&e->db);
    (void)db_run(&e->db, db_sql(&e->db, "DELETE FROM work"));
    for (uint64_t i = 0; i < o->messages; i++) {
        int64_t in = roll(10) == 0 ? 1 : 1 + (int64_t)roll((uint32_t)o->chats); // the first has many
        put_message(e, in, ++seqs[in], i);
        if (i % BATCH != BATCH - 1) continue;
        engine_check(db_commit(&e->db) == ERR_OK, "messages");
        db_begin(&e->db);
    }
    engine_check(db_commit(&e->db) == ERR_OK, "messages");
    while (more) engine_check(search_index(&e->history, 10 * BATCH, &more) == ERR_OK, "index");
    free(seqs);
}

static void make_profile(const char *folder, const struct bench_options *o)
{
    const char *why = "";
    struct net_loop *loop = NULL;
    const struct link_address nobody = {.host = "127.0.0.1", .port = 9, .secret = "nobody"};
    char relay[LINK_ADDRESS_TEXT];
    link_address_write(&nobody, relay);
    const struct engine_new n = {.name = "bench", .relay = relay};
    double from = engine_seconds();
    if (engine_create(folder, &bench_ring, &n, &why) != ERR_OK) {
        fprintf(stderr, "bench-engine: %s\n", why);
        exit(1);
    }
    engine_check(net_loop_new(&loop) == ERR_OK, "loop");
    struct engine *e = open_engine(loop, folder);
    fill(e, o);
    engine_close(e);
    printf("vault: made in %.0f s: %lu conversations, %lu messages\n", engine_seconds() - from, o->chats, o->messages);
}

void bench_vault(const struct bench_options *o)
{
    char folder[200], line[600];
    struct stat st;
    if (o->folder != NULL) (void)snprintf(folder, sizeof folder, "%s", o->folder);
    else engine_folder("vault", folder);
    (void)snprintf(line, sizeof line, "%s/keys", folder);
    if (stat(line, &st) != 0) {
        if (o->folder != NULL) engine_check(mkdir(folder, 0700) == 0, folder);
        make_profile(folder, o);
    }
    (void)snprintf(line, sizeof line, "%s/profile.db", folder);
    engine_check(stat(line, &st) == 0, line);
    printf("vault: %.0f MB on disk\n", (double)st.st_size / 1e6);
    (void)fflush(stdout);
    (void)snprintf(line, sizeof line, "'%s' -M -d '%s' -m %lu -c %lu", o->self, folder, o->messages, o->chats);
    engine_check(system(line) == 0, "measuring");
    if (o->folder == NULL) engine_folder_remove(folder);
}

// ------------------------------------------------------------------------------------------------------------- measuring

struct asked {
    size_t bytes;
    bool failed;
};

static void on_line(void *arg, struct span line)
{
    struct asked *a = arg;
    a->bytes = line.n;
    a->failed = memmem(line.p, line.n, "\"error\"", 7) != NULL;
}

static double cpu[PAGES]; // milliseconds of processor time of the calls of a row
static size_t calls;

static double processor(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

static struct rpc_peer *peer;
static struct asked answer;

// Milliseconds that a call takes.
static double call(const char *method, const char *params)
{
    char line[500];
    (void)snprintf(line, sizeof line, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{%s}}", method, params);
    double from = engine_seconds(), used = processor();
    rpc_line(peer, span_str(line));
    cpu[calls++] = processor() - used;
    double ms = (engine_seconds() - from) * 1000;
    engine_check(!answer.failed, line);
    return ms;
}

static void print(const char *what, double *ms, size_t n)
{
    double first = ms[0], half = engine_quantile(ms, n, 0.5), most = ms[n - 1], used = engine_quantile(cpu, calls, 0.5);
    printf("vault: %-33s median %6.2f ms, most %7.2f, first %7.2f; of processor time median %6.2f ms, most %7.2f; %zu"
           " bytes\n",
           what, half, most, first, used, cpu[calls - 1], answer.bytes);
    calls = 0;
}

static void measure_pages(const struct bench_options *o)
{
    static const char *const how[] = {"around", "before", "after", "date"};
    double ms[PAGES];
    char params[200], what[60];
    for (int k = 0; k < 4; k++) {
        for (size_t i = 0; i < PAGES; i++) {
            unsigned long long at = 1 + roll((uint32_t)o->messages);
            unsigned chat = i % 2 == 0 ? 1 : 1 + roll((uint32_t)o->chats);
            if (k == 3) at = 1700000000000ULL + at * 1000;
            (void)snprintf(params, sizeof params, "\"chat\":%u,\"%s\":%llu,\"limit\":%d", chat, how[k], at, PAGE);
            ms[i] = call("message.list", params);
        }
        (void)snprintf(what, sizeof what, "a page of %d: %s", PAGE, how[k]);
        print(what, ms, PAGES);
    }
}

static void measure_search(const struct bench_options *o)
{
    double ms[20];
    char params[200], w[24], v[24];
    static const struct {
        const char *what;
        uint32_t one, two;
        bool in;
    } searches[] = {{"a common word", 1, 0, false},
                    {"a rarer word", 3000, 0, false},
                    {"two common words", 1, 2, false},
                    {"a common and a rare one", 1, 9000, false},
                    {"a common word in one chat", 1, 0, true}};
    for (size_t k = 0; k < sizeof searches / sizeof *searches; k++) {
        for (uint32_t i = 0; i < 20; i++) {
            word(searches[k].one + i, w);
            if (searches[k].two != 0) word(searches[k].two + i, v);
            (void)snprintf(params, sizeof params, "\"text\":\"%s%s%s \"%s", w, searches[k].two != 0 ? " " : "",
                           searches[k].two != 0 ? v : "", searches[k].in ? ",\"chat\":7" : "");
            ms[i] = call("message.search", params);
        }
        print(searches[k].what, ms, 20);
    }
    for (uint32_t i = 0; i < 20; i++) {
        (void)snprintf(params, sizeof params, "\"text\":\"needle%u \"", 1000 * roll((uint32_t)(o->messages / 1000)));
        ms[i] = call("message.search", params);
    }
    print("a word that is there once", ms, 20);
    for (uint32_t i = 0; i < 20; i++) {
        (void)snprintf(params, sizeof params, "\"text\":\"%c\"", "klmnrstvwx"[i % 10]);
        ms[i] = call("message.search", params);
    }
    print("a word of one letter", ms, 20);
    for (uint32_t i = 0; i < 20; i++) {
        word(10 * (1 + i), w);
        (void)snprintf(params, sizeof params, "\"text\":\"%.*s\"", i < 10 ? 2 : 3, w);
        ms[i] = call("message.search", params);
    }
    print("a beginning of 2 or 3 letters", ms, 20);
}

static unsigned long status_kb(const char *key)
{
    char line[200];
    unsigned long kb = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0) kb = strtoul(line + strlen(key) + 1, NULL, 10);
    }
    if (f != NULL) (void)fclose(f);
    return kb;
}

void bench_vault_measure(const struct bench_options *o)
{
    struct net_loop *loop = NULL;
    struct rpc *rpc = NULL;
    double ms[20];
    engine_check(net_loop_new(&loop) == ERR_OK, "loop");
    double from = engine_seconds();
    struct engine *e = open_engine(loop, o->folder);
    printf("vault: ready %.1f ms after unlocking, %.1f MB resident\n", (engine_seconds() - from) * 1000,
           (double)status_kb("VmRSS") / 1024);
    static const struct rpc_host host = {0}; // nothing that it does is asked for
    engine_check(rpc_new(&host, NULL, &rpc) == ERR_OK, "rpc");
    rpc_engine(rpc, e);
    engine_check(rpc_peer_new(rpc, on_line, &answer, &peer) == ERR_OK, "peer");
    for (int i = 0; i < 20; i++) ms[i] = call("chat.list", "");
    print("the list of conversations", ms, 20);
    measure_pages(o);
    measure_search(o);
    printf("vault: resident %.1f MB, at most %.1f MB\n", (double)status_kb("VmRSS") / 1024,
           (double)status_kb("VmHWM") / 1024);
    (void)fflush(stdout);
    engine_close(e);
    rpc_free(rpc);
    _exit(0);
}
