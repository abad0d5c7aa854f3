// SPDX-License-Identifier: Apache-2.0
//
// What opens a profile: making one, and running its engine behind its socket. The engine's memory is in no core dump, and no
// debugger of the same user reads it.
#include "cmd/whimbrel.h"

#include "net/local.h"
#include "rpc/rpc.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void enclose(void)
{
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)umask(077);
}

// The folder and those above it, for the owner alone.
static bool make_folders(const char *path)
{
    char part[FOLDER_MAX];
    (void)snprintf(part, sizeof part, "%s", path);
    for (char *p = part + 1; *p != 0; p++) {
        if (*p != '/') continue;
        *p = 0;
        if (mkdir(part, 0700) != 0 && errno != EEXIST) return false;
        *p = '/';
    }
    return mkdir(part, 0700) == 0 || errno == EEXIST;
}

// What is given with a flag, or by a person at a terminal.
static bool given_or_asked(const struct line *l, const char *flag, const char *question, char *out, size_t room)
{
    const char *given = flag_text(l, flag);
    if (given == NULL) return prompt_line(question, out, room);
    return snprintf(out, room, "%s", given) < (int)room;
}

static int create(const struct line *l, const struct engine_new *n)
{
    char passphrase[SECRET_MAX];
    const char *why = "";
    enclose();
    if (!make_folders(l->profile)) return say_wrong(EXIT_FAILED, "%s cannot be made: %s", l->profile, strerror(errno));
    if (!passphrase_get(l, true, passphrase)) return EXIT_PASSPHRASE;
    const struct vault_secret secret = {.kind = VAULT_PASSPHRASE, .bytes = span_str(passphrase)};
    enum err e = engine_create(l->profile, &secret, n, &why);
    explicit_bzero(passphrase, sizeof passphrase);
    if (e == ERR_INVALID) return say_wrong(EXIT_FAILED, "%s", why[0] != 0 ? why : "the passphrase is too long");
    if (e == ERR_REFUSED)
        return say_wrong(EXIT_FAILED, "there is a profile in %s already; --profile names another folder", l->profile);
    return e == ERR_OK ? EXIT_DONE : say_wrong(EXIT_FAILED, "%s", vault_text(e));
}

static int do_init(struct session *s)
{
    char name[600], relay[600];
    const struct line *l = s->line;
    if (!given_or_asked(l, "name", "Your name, as others shall see it", name, sizeof name))
        return say_wrong(EXIT_USAGE, "init wants --name NAME: what others shall see");
    if (!given_or_asked(l, "relay", "The address of your relay (wss://...)", relay, sizeof relay))
        return say_wrong(EXIT_USAGE, "init wants --relay ADDRESS: whoever runs the relay tells it");
    const struct engine_new n = {.name = name, .relay = relay, .password = flag_text(l, "password")};
    int status = create(l, &n);
    if (status != EXIT_DONE) return status;
    if (l->json) printf("{\"profile\": true}\n");
    else if (!l->quiet) {
        printf("Your profile is in %s. Next:\n\n"
               "  whimbrel invite --personal    a link for somebody; send it over a way you trust\n"
               "  whimbrel accept LINK          if somebody has sent you theirs\n",
               l->profile);
    }
    return EXIT_DONE;
}

// ------------------------------------------------------------------------------------------------------------ the engine

struct house {
    struct net_loop *loop;
    struct net_timer look;
    struct rpc *rpc;
    struct engine *engine;
    struct local_server *server;
};

static volatile sig_atomic_t told_to_stop;
static void on_signal(int n)
{
    (void)n;
    told_to_stop = 1;
}

static void stop(void *arg)
{
    (void)arg;
    told_to_stop = 1;
}

// Ends from the loop, not from within a call.
static void on_look(struct net_timer *t)
{
    struct house *h = (struct house *)(void *)((char *)t - offsetof(struct house, look));
    if (told_to_stop == 0) {
        net_timer_start(h->loop, t, 200, on_look);
        return;
    }
    rpc_engine(h->rpc, NULL);
    engine_close(h->engine);
    h->engine = NULL;
    local_close(h->server);
    h->server = NULL;
    net_loop_stop(h->loop);
}

struct visitor {
    struct rpc_peer *peer;
    struct local_conn *conn;
};

static void send_line(void *arg, struct span line)
{
    struct visitor *v = arg;
    local_send(v->conn, line);
}

static void *on_accept(void *arg, struct local_conn *c)
{
    struct house *h = arg;
    struct visitor *v = calloc(1, sizeof *v);
    if (v == NULL) return NULL;
    v->conn = c;
    if (rpc_peer_new(h->rpc, send_line, v, &v->peer) == ERR_OK) return v;
    free(v);
    return NULL;
}

static void on_line(void *who, struct span line) { rpc_line(((struct visitor *)who)->peer, line); }

static void on_gone(void *who)
{
    rpc_peer_free(((struct visitor *)who)->peer);
    free(who);
}

static enum err open_house(struct house *h, const struct line *l, const struct vault_secret *secret, const char **why)
{
    static const struct local_owner owner = {.accept = on_accept, .line = on_line, .closed = on_gone};
    static const struct engine_settings settings;
    char path[FOLDER_MAX + 10];
    (void)snprintf(path, sizeof path, "%s/engine", l->profile);
    enum err e = net_loop_new(&h->loop);
    if (e == ERR_OK) e = rpc_new(stop, h, &h->rpc);
    if (e == ERR_OK) e = engine_open(h->loop, l->profile, secret, &settings, rpc_event, h->rpc, &h->engine);
    if (e != ERR_OK) {
        *why = vault_text(e);
        return e;
    }
    rpc_engine(h->rpc, h->engine);
    e = local_listen(h->loop, path, &owner, h, &h->server);
    if (e != ERR_OK)
        *why = e == ERR_LIMIT ? "the profile's path is too long for a socket; use a shorter one"
                              : "the engine's socket cannot be made";
    return e;
}

static int do_engine(struct session *s)
{
    const struct line *l = s->line;
    char passphrase[SECRET_MAX];
    const char *why = "";
    struct house h = {0};
    enclose();
    if (!passphrase_get(l, false, passphrase)) return EXIT_PASSPHRASE;
    const struct vault_secret secret = {.kind = VAULT_PASSPHRASE, .bytes = span_str(passphrase)};
    enum err e = open_house(&h, l, &secret, &why);
    explicit_bzero(passphrase, sizeof passphrase);
    const struct sigaction quit = {.sa_handler = on_signal};
    (void)sigaction(SIGTERM, &quit, NULL);
    (void)sigaction(SIGINT, &quit, NULL);
    if (e == ERR_OK) {
        printf("ready\n"); // which whoever started it waits for
        (void)fflush(stdout);
    } else {
        told_to_stop = 1;
        (void)say_wrong(EXIT_FAILED, "%s", why);
    }
    if (h.loop != NULL) {
        net_timer_start(h.loop, &h.look, 1, on_look);
        net_loop_run(h.loop);
    }
    rpc_free(h.rpc);
    if (h.loop != NULL) net_loop_free(h.loop);
    return e == ERR_OK                ? EXIT_DONE
           : e == ERR_UNAUTHENTICATED ? EXIT_PASSPHRASE
           : e == ERR_NOT_FOUND       ? EXIT_NOT_THERE
                                      : EXIT_FAILED;
}

// ----------------------------------------------------------------------------------------------------------- the table

static const struct flag init_flags[] = {
    {"name", "NAME", "what you call yourself, as others shall see it"},
    {"relay", "ADDRESS", "your relay's address; whoever runs it tells it"},
    {"password", "PASSWORD", "its hosting password, where it wants one"},
    {NULL, NULL, NULL},
};

const struct command engine_commands[] = {
    {"init", "", "make a profile", do_init, ALONE, init_flags,
     "What is not given is asked for on a terminal. The passphrase opens the profile; nobody can tell you it again."},
    {"engine", "", "run the profile's engine here, until it is stopped", do_engine, ALONE, NULL,
     "For services, such as the systemd unit whimbrel.service. Other commands start an engine by themselves."},
    {"help", "[COMMAND] [WORD]", "say how a command is called", do_help, ALONE, NULL, NULL},
    {NULL, NULL, NULL, NULL, ALONE, NULL, NULL},
};
