// SPDX-License-Identifier: Apache-2.0
//
// The SOCKS5 servers as processes, with the configuration that each needs to be open to this computer.
#include "bench/socks_peers.h"

#include "bench/socks_load.h"

#include "socksd/socksd.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[100];
static uint16_t target;
static unsigned threads_of_own;

static void write_file(const char *name, const char *text, char path[200])
{
    (void)snprintf(path, 200, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    load_check(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0, path);
}

// ----------------------------------------------------------------------------------------------------------- who there is

static void run_own(uint16_t port)
{
    struct socksd_options o;
    char allow[40], why[SOCKSD_WHY] = "";
    const char *list[] = {allow};
    struct socksd *s = NULL;
    (void)snprintf(allow, sizeof allow, "127.0.0.1:%u", (unsigned)target);
    socksd_defaults(&o);
    o.allow = list;
    o.allow_n = 1;
    o.anyone = true;
    o.connections_max = o.connections_per_address = 100000;
    o.rate = o.rate_per_address = 0;
    o.threads = threads_of_own;
    enum err e = socksd_new(&o, &s, why);
    if (e == ERR_OK) e = socksd_listen(s, "127.0.0.1", &port, why);
    if (e == ERR_OK) e = socksd_start(s);
    if (e != ERR_OK) fprintf(stderr, "bench-reach: %s: %s\n", err_text(e), why);
    while (e == ERR_OK) (void)pause();
}

static void run_microsocks(uint16_t port)
{
    char text[10];
    (void)snprintf(text, sizeof text, "%u", (unsigned)port);
    (void)execlp("microsocks", "microsocks", "-i", "127.0.0.1", "-p", text, (char *)NULL);
}

static void run_dante(uint16_t port)
{
    char text[600], path[200], pid[220];
    (void)snprintf(text, sizeof text,
                   "internal: 127.0.0.1 port = %u\nexternal: lo\nsocksmethod: none\nclientmethod: none\n"
                   "user.privileged: root\nuser.unprivileged: nobody\nlogoutput: /dev/null\n"
                   "client pass { from: 0/0 to: 0/0 }\nsocks pass { from: 0/0 to: 0/0 }\n",
                   (unsigned)port);
    write_file("danted.conf", text, path);
    (void)snprintf(pid, sizeof pid, "%s.pid", path);
    (void)execlp("danted", "danted", "-f", path, "-p", pid, (char *)NULL);
}

static void run_hev(uint16_t port)
{
    char text[600], path[200];
    const char *program = getenv("HEV");
    (void)snprintf(text, sizeof text,
                   "main:\n  workers: 2\n  port: %u\n  listen-address: '127.0.0.1'\nmisc:\n  log-level: error\n",
                   (unsigned)port);
    write_file("hev.yml", text, path);
    (void)execlp(program != NULL ? program : "hev-socks5-server", "hev-socks5-server", path, (char *)NULL);
}

const struct socks_peer socks_peers[SOCKS_PEERS] = {{"direct, no proxy", NULL},
                  {"whimbrel proxy serve", run_own},
                  {"microsocks", run_microsocks},
                  {"dante", run_dante},
                  {"hev-socks5-server, 2 workers", run_hev}};

pid_t socks_peer_start(const struct socks_peer *c, uint16_t port)
{
    pid_t child = fork();
    load_check(child >= 0, "fork");
    if (child == 0) {
        (void)setpgid(0, 0);
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (c->run != run_own) (void)!freopen("/dev/null", "w", stderr); // some name each connection
        c->run(port);
        _exit(127);
    }
    for (int i = 0; i < 200; i++) {
        if (load_reaches(port)) return child;
        if (waitpid(child, NULL, WNOHANG) == child) return -1;
        (void)usleep(20000);
    }
    load_check(false, c->name);
    return -1;
}

void socks_peer_stop(pid_t child)
{
    (void)kill(-child, SIGTERM);
    for (int i = 0; i < 100 && waitpid(child, NULL, WNOHANG) != child; i++) (void)usleep(10000);
    (void)kill(-child, SIGKILL);
    (void)waitpid(child, NULL, WNOHANG);
}

void socks_peers_open(uint16_t at, unsigned threads)
{
    target = at;
    threads_of_own = threads;
    (void)snprintf(folder, sizeof folder, "/tmp/whimbrel-bench-socks-XXXXXX");
    load_check(mkdtemp(folder) != NULL, "a folder in /tmp");
}

void socks_peers_close(void)
{
    char command[200];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    load_check(system(command) == 0, command);
}
