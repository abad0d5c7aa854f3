// SPDX-License-Identifier: Apache-2.0
//
// Starting and stopping a relay for a benchmark.
#include "bench/daemon.h"

#include "bench/peer.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void command(const char *format, const char *a, const char *b)
{
    char text[1000];
    (void)snprintf(text, sizeof text, format, a, b);
    peer_check(system(text) == 0, text);
}

void daemon_start(struct daemon_process *d)
{
    const char *where = getenv("WHIMBREL_BENCH_DIR"), *named = getenv("WHIMBRELD");
    const char *program = named != NULL ? named : "build/whimbreld";
    int out[2];
    char line[1000] = "";
    (void)snprintf(d->folder, sizeof d->folder, "%s/whimbrel-bench-%d", where != NULL ? where : "/tmp", (int)getpid());
    command("rm -rf %s%s", d->folder, "");
    command("%s init %s --host 127.0.0.1 --port 0 --open >/dev/null", program, d->folder);
    peer_check(pipe(out) == 0, "pipe");
    d->pid = fork();
    if (d->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)dup2(out[1], 1);
        execl(program, "whimbreld", "run", d->folder, "--port", "0", "--listen", "127.0.0.1", "--rate-connection", "0",
              "--rate-address", "0", "--connections-per-address", "100000", "--in-flight-max", "4096", "--blob-max",
              "4G", (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    ssize_t n = read(out[0], line, sizeof line - 1);
    peer_check(n > 0, "whimbreld run");
    line[n] = 0;
    line[strcspn(line, "\n")] = 0;
    unsigned port = 0;
    peer_check(sscanf(line, "wss://127.0.0.1:%u%199[^#]", &port, d->path) == 2, "the relay's address");
    (void)snprintf(d->address, sizeof d->address, "%.*s", (int)sizeof d->address - 1, line);
    d->port = (uint16_t)port;
    close(out[0]);
}

void daemon_stop(struct daemon_process *d)
{
    (void)kill(d->pid, SIGTERM);
    (void)waitpid(d->pid, NULL, 0);
    command("rm -rf %s%s", d->folder, "");
}
