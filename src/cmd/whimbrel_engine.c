// SPDX-License-Identifier: Apache-2.0
//
// The engine's house: the process that opens a profile, runs its engine, and answers on its socket and to the page in this computer's
// browser. It may be locked, or have no profile yet: then it answers no more than that. Its memory is in no core dump, and no
// debugger of the same user reads it.
#include "cmd/profile.h"
#include "cmd/profiles.h"
#include "cmd/whimbrel.h"

#include "net/local.h"
#include "rpc/rpc.h"
#include "web/web.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOOK_MS = 5000 };

struct house {
    const char *profile;
    char path[FOLDER_MAX + 10]; // of the socket
    struct net_loop *loop;
    struct net_timer look;
    struct rpc *rpc;
    struct engine *engine;
    struct local_server *server;
    struct web *web; // from the first time that somebody asks for the page
    struct opening *opening; // another profile's page, and who waits for it
    rpc_profile_opened *opened;
    void *opened_arg;
};

// The end, which a signal or a call may ask for, and which comes from the loop: a post needs neither lock nor memory (net.h).
struct end {
    struct net_post post;
    struct house *house;
};
static struct end the_end;
static atomic_flag told = ATOMIC_FLAG_INIT;

static void ask_for_end(void)
{
    if (!atomic_flag_test_and_set(&told)) net_loop_post(the_end.house->loop, &the_end.post);
}

static void on_signal(int n)
{
    (void)n;
    ask_for_end();
}

// An engine whose socket is gone, and perhaps its folder, can be asked for nothing any more.
static bool is_lost(const struct house *h)
{
    struct stat st;
    return lstat(h->path, &st) != 0 && errno == ENOENT;
}

// Archives that the page fetches, and puts.
static void archive_path(const struct house *h, const char *name, char out[FOLDER_MAX + 20])
{
    (void)snprintf(out, FOLDER_MAX + 20, "%s/%s", h->profile, name);
}

static void stop_backup(void *arg)
{
    struct house *h = arg;
    char own[FOLDER_MAX + 20];
    if (h->engine != NULL) engine_backup_stop(h->engine);
    archive_path(h, WEB_ARCHIVE_OUT, own);
    (void)unlink(own);
}

// Both are of one run: whoever had them on their way asks anew.
static void drop_archives(const struct house *h)
{
    char path[FOLDER_MAX + 20];
    archive_path(h, WEB_ARCHIVE_OUT, path);
    (void)unlink(path);
    archive_path(h, WEB_ARCHIVE_IN, path);
    (void)unlink(path);
}

static void on_look(struct net_timer *t)
{
    struct house *h = (struct house *)(void *)((char *)t - offsetof(struct house, look));
    if (is_lost(h)) ask_for_end();
    net_timer_start(h->loop, t, LOOK_MS, on_look);
}

static void on_end(struct net_post *p)
{
    struct house *h = ((struct end *)(void *)p)->house;
    net_timer_stop(&h->look);
    profiles_stop(h->opening);
    stop_backup(h);
    rpc_engine(h->rpc, NULL);
    web_lock(h->web);
    if (h->server != NULL) drop_archives(h);
    engine_close(h->engine);
    h->engine = NULL;
    local_close(h->server);
    h->server = NULL;
    web_close(h->web);
    h->web = NULL;
    net_loop_stop(h->loop);
}

// ---------------------------------------------------------------------------------------------------------- the profile

static void do_stop(void *arg)
{
    (void)arg;
    ask_for_end();
}

static bool is_there(void *arg, unsigned *opened)
{
    const struct house *h = arg;
    char path[FOLDER_MAX + 10];
    struct stat st;
    *opened = 0;
    (void)snprintf(path, sizeof path, "%s/keys", h->profile);
    (void)vault_kinds(h->profile, opened);
    return stat(path, &st) == 0;
}

static enum err do_unlock(void *arg, struct span passphrase, const char **why)
{
    struct house *h = arg;
    enum err e = profile_open(h->loop, h->profile, passphrase, rpc_event, h->rpc, &h->engine, why);
    if (e == ERR_OK) rpc_engine(h->rpc, h->engine);
    return e;
}

static enum err do_create(void *arg, const struct engine_new *n, struct span passphrase, const char **why)
{
    struct house *h = arg;
    if (!make_folders(h->profile)) {
        *why = "the profile's folder cannot be made";
        return ERR_IO;
    }
    enum err e = profile_create(h->profile, n, passphrase, why);
    if (e == ERR_OK) drop_archives(h); // one was put, and then not wanted
    return e == ERR_OK ? do_unlock(h, passphrase, why) : e;
}

static enum err change_passphrase(void *arg, struct span now, struct span next, const char **why)
{
    struct house *h = arg;
    return profile_passphrase(h->engine, h->profile, now, next, why);
}

static enum err change_keyring(void *arg, struct span now, bool on, const char **why)
{
    struct house *h = arg;
    return profile_keyring(h->engine, h->profile, now, on, why);
}

static enum err write_backup(void *arg, const char *path, struct span passphrase, engine_backed *done, void *done_arg,
                             const char **why)
{
    struct house *h = arg;
    char own[FOLDER_MAX + 20];
    archive_path(h, WEB_ARCHIVE_OUT, own);
    enum err e = engine_backup(h->engine, h->profile, path != NULL ? path : own, passphrase, done, done_arg);
    if (e == ERR_REFUSED && path == NULL) { // one that nobody has fetched
        (void)unlink(own);
        e = engine_backup(h->engine, h->profile, own, passphrase, done, done_arg);
    }
    *why = e == ERR_REFUSED   ? "there is such a file already; nothing was written"
           : e == ERR_INVALID ? "a passphrase has 1 to 1,024 bytes"
           : e == ERR_MISUSE  ? "an archive is being written already; wait for its end"
           : e == ERR_IO
               ? "the archive cannot be written: is there such a folder, may you write there, is the disk full?"
               : "";
    return e;
}

static enum err restore(void *arg, struct span passphrase, const char **why)
{
    struct house *h = arg;
    char own[FOLDER_MAX + 20];
    archive_path(h, WEB_ARCHIVE_IN, own);
    enum err e = profile_restore(h->profile, own, passphrase, why);
    if (e != ERR_UNAUTHENTICATED) (void)unlink(own); // with another passphrase it may still open
    return e == ERR_OK ? do_unlock(h, passphrase, why) : e;
}

static void do_lock(void *arg)
{
    struct house *h = arg;
    struct engine *e = h->engine;
    stop_backup(h);
    h->engine = NULL;
    rpc_engine(h->rpc, NULL);
    web_lock(h->web);
    engine_close(e);
}

static void list_profiles(void *arg, rpc_profile_each *each, void *each_arg)
{
    const struct house *h = arg;
    profiles_each(h->profile, each, each_arg);
}

// The address of another profile's page is not told to this one's, but only to the browser's window.
static void on_opened(void *arg, enum err e, const char *text)
{
    struct house *h = arg;
    char ticket[WEB_TICKET] = ""; /* secret */
    if (e == ERR_OK) e = h->web != NULL ? web_ticket(h->web, text, ticket) : ERR_REFUSED;
    h->opened(h->opened_arg, e, e == ERR_OK ? ticket : text);
    mem_wipe(ticket, sizeof ticket);
}

static enum err open_profile(void *arg, const char *name, bool make, rpc_profile_opened *done, void *done_arg,
                             const char **why)
{
    struct house *h = arg;
    *why = "this is for the page: `whimbrel --profile FOLDER ui` opens another profile's";
    if (h->web == NULL) return ERR_REFUSED;
    enum err e = profiles_open(h->loop, h->profile, name, make, on_opened, h, &h->opening, why);
    if (e != ERR_OK) return e;
    h->opened = done;
    h->opened_arg = done_arg;
    return ERR_OK;
}

static enum err give_page(void *arg, struct buf *address, const char **why)
{
    struct house *h = arg;
    enum err e = h->web != NULL ? ERR_OK : web_open(h->loop, h->rpc, h->profile, &h->web);
    if (e == ERR_OK) e = web_address(h->web, address);
    if (e != ERR_OK) *why = "the page cannot be served: no port of this computer is free for it";
    return e;
}

// ------------------------------------------------------------------------------------------------------------ the socket

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

// --------------------------------------------------------------------------------------------------------------- running

static enum err open_house(struct house *h, const char **why)
{
    static const struct rpc_host host = {.stop = do_stop,
                                         .there = is_there,
                                         .create = do_create,
                                         .unlock = do_unlock,
                                         .passphrase = change_passphrase,
                                         .keyring = change_keyring,
                                         .backup = write_backup,
                                         .backup_stop = stop_backup,
                                         .restore = restore,
                                         .profiles = list_profiles,
                                         .open_profile = open_profile,
                                         .lock = do_lock,
                                         .page = give_page};
    static const struct local_owner owner = {.accept = on_accept, .line = on_line, .closed = on_gone};
    (void)snprintf(h->path, sizeof h->path, "%s/engine", h->profile);
    *why = "there is no memory";
    enum err e = net_loop_new(&h->loop);
    if (e == ERR_OK) e = rpc_new(&host, h, &h->rpc);
    if (e != ERR_OK) return e;
    e = local_listen(h->loop, h->path, &owner, h, &h->server);
    *why = e == ERR_LIMIT     ? "the profile's path is too long for a socket; use a shorter one"
           : e == ERR_REFUSED ? "an engine runs for this profile already"
                              : "the engine's socket cannot be made";
    if (e == ERR_OK) drop_archives(h); // of an engine that was killed
    if (e == ERR_OK && web_is_wanted(h->profile)) // the page was open before: it goes on
        (void)web_open(h->loop, h->rpc, h->profile, &h->web);
    return e;
}

// Opens the profile of an engine that begins: by a passphrase that was given, by the keyring, or by asking. With --locked it stays closed, and
// with --unattended it does so where the keyring does not open it.
static enum err open_at_once(struct house *h, const struct line *l, const char **why)
{
    char passphrase[SECRET_MAX] = ""; /* secret */
    unsigned opened = 0;
    bool given = passphrase_is_given(l), unattended = flag_on(l, "unattended");
    if (flag_on(l, "locked")) return ERR_OK;
    bool keyring = !given && vault_kinds(h->profile, &opened) == ERR_OK && (opened & 1U << VAULT_KEYRING) != 0;
    enum err e = keyring ? do_unlock(h, span_of(NULL, 0), why) : ERR_REFUSED;
    if (e == ERR_OK || (unattended && !given)) return ERR_OK;
    *why = ""; // passphrase_get has said it
    if (!passphrase_get(l, false, passphrase)) return ERR_UNAUTHENTICATED;
    e = do_unlock(h, span_str(passphrase), why);
    explicit_bzero(passphrase, sizeof passphrase);
    return e;
}

static int do_engine(struct session *s)
{
    const struct line *l = s->line;
    const char *why = "";
    struct house h = {.profile = l->profile};
    enclose();
    bool waits = flag_on(l, "locked") || flag_on(l, "unattended");
    enum err e = waits && !make_folders(l->profile) ? ERR_IO : ERR_OK;
    if (e == ERR_OK) e = open_house(&h, &why);
    if (e == ERR_OK) e = open_at_once(&h, l, &why);
    the_end = (struct end){.post.fn = on_end, .house = &h};
    const struct sigaction quit = {.sa_handler = on_signal};
    if (h.loop != NULL) {
        (void)sigaction(SIGTERM, &quit, NULL);
        (void)sigaction(SIGINT, &quit, NULL);
    }
    if (e == ERR_OK) {
        printf("ready\n"); // which whoever started it waits for
        (void)fflush(stdout);
    } else {
        if (h.loop != NULL) ask_for_end();
        if (why[0] != 0) (void)say_wrong(EXIT_FAILED, "%s", why);
    }
    if (h.loop != NULL) {
        net_timer_start(h.loop, &h.look, LOOK_MS, on_look);
        net_loop_run(h.loop);
        (void)atomic_flag_test_and_set(&told); // whoever asks now, asks nobody
    }
    rpc_free(h.rpc);
    if (h.loop != NULL) net_loop_free(h.loop);
    return e == ERR_OK                ? EXIT_DONE
           : e == ERR_UNAUTHENTICATED ? EXIT_PASSPHRASE
           : e == ERR_NOT_FOUND       ? EXIT_NOT_THERE
                                      : EXIT_FAILED;
}

// ----------------------------------------------------------------------------------------------------------- the table

static const struct flag engine_flags[] = {
    {"locked", NULL, "do not open the profile: that is asked for later, at the page or with `whimbrel unlock`"},
    {"unattended", NULL, "for services: the keyring opens it, or else it stays locked until somebody does"},
    {NULL, NULL, NULL},
};

const struct command engine_commands[] = {
    {"init", "", "make a profile", do_init, ALONE, init_flags,
     "What is not given is asked for on a terminal. The passphrase opens the profile; nobody can tell you it again."},
    {"engine", "", "run the profile's engine here, until it is stopped", do_engine, ALONE, engine_flags,
     "For services, such as the systemd unit whimbrel.service. Other commands start an engine by themselves."},
    {"ui", "", "open the page in this computer's browser: all of it, without commands", do_ui, A_HOUSE, NULL,
     "The address that it prints lets whoever has it read what you read; it is for this computer alone."},
    {"help", "[COMMAND] [WORD]", "say how a command is called", do_help, ALONE, help_flags, NULL},
    {NULL, NULL, NULL, NULL, ALONE, NULL, NULL},
};
