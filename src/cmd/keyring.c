// SPDX-License-Identifier: Apache-2.0
//
// The system's keyring, by secret-tool (keyring.h). The secret passes through pipes, as hexadecimal digits; it is in nobody's arguments.
#include "cmd/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000, DIGITS = 2 * KEYRING_SECRET };

const char keyring_text[] = "the system's keyring gives nothing: it needs a desktop session, and the program secret-tool (of Debian's "
                            "libsecret-tools)";

static int64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// Reads what it says until it ends; false if that takes too long.
static bool read_said(int fd, char *said, size_t room)
{
    int64_t end = now_ms() + PATIENCE_MS;
    size_t n = 0;
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left = end - now_ms();
        if (left <= 0) return false;
        int ready = poll(&p, 1, (int)left);
        if (ready < 0 && errno != EINTR) return false;
        if (ready <= 0) continue;
        char rest[64];
        ssize_t got = n + 1 < room ? read(fd, said + n, room - 1 - n) : read(fd, rest, sizeof rest);
        if (got <= 0) return got == 0;
        if (n + 1 < room) n += (size_t)got;
        said[n] = 0;
    }
}

// Runs secret-tool with what it reads and room for what it says. True if it ended well.
static bool run(char *const *arguments, const char *told, char *said, size_t room)
{
    posix_spawn_file_actions_t files;
    int in[2], out[2], status = -1;
    pid_t child = 0;
    said[0] = 0;
    if (pipe2(in, O_CLOEXEC) != 0) return false;
    if (pipe2(out, O_CLOEXEC) != 0) {
        close(in[0]);
        close(in[1]);
        return false;
    }
    (void)posix_spawn_file_actions_init(&files);
    (void)posix_spawn_file_actions_adddup2(&files, in[0], STDIN_FILENO);
    (void)posix_spawn_file_actions_adddup2(&files, out[1], STDOUT_FILENO);
    (void)posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    bool ok = posix_spawnp(&child, "secret-tool", &files, NULL, arguments, environ) == 0;
    (void)posix_spawn_file_actions_destroy(&files);
    close(in[0]);
    close(out[1]);
    if (ok) ok = write(in[1], told, strlen(told)) == (ssize_t)strlen(told); // fits a pipe: does not wait
    close(in[1]);
    if (ok) ok = read_said(out[0], said, room);
    close(out[0]);
    if (child <= 0) return false;
    if (!ok) (void)kill(child, SIGTERM);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    return ok && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool ask(const char *what, const char *name, const char *told, char *said, size_t room)
{
    char *const store[] = {(char *)(uintptr_t) "secret-tool", (char *)(uintptr_t)what,
                           (char *)(uintptr_t) "--label=Whimbrel", (char *)(uintptr_t) "application",
                           (char *)(uintptr_t) "whimbrel", (char *)(uintptr_t) "profile", (char *)(uintptr_t)name, NULL};
    char *const other[] = {store[0], store[1], store[3], store[4], store[5], store[6], NULL};
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction before;
    (void)sigaction(SIGPIPE, &ignore, &before);
    bool ok = run(strcmp(what, "store") == 0 ? store : other, told, said, room);
    (void)sigaction(SIGPIPE, &before, NULL);
    return ok;
}

enum err keyring_keep(const char *name, const uint8_t secret[KEYRING_SECRET])
{
    char digits[DIGITS + 1]; /* secret */
    char said[100];
    for (size_t i = 0; i < KEYRING_SECRET; i++) (void)snprintf(digits + 2 * i, 3, "%02x", secret[i]);
    bool ok = ask("store", name, digits, said, sizeof said);
    mem_wipe(digits, sizeof digits);
    return ok ? ERR_OK : ERR_REFUSED;
}

static int value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum err keyring_find(const char *name, uint8_t secret[KEYRING_SECRET])
{
    char said[DIGITS + 8]; /* secret */
    bool ok = ask("lookup", name, "", said, sizeof said);
    said[strcspn(said, "\n")] = 0;
    ok = ok && strlen(said) == DIGITS;
    for (size_t i = 0; ok && i < KEYRING_SECRET; i++) {
        int high = value(said[2 * i]), low = value(said[2 * i + 1]);
        ok = high >= 0 && low >= 0;
        if (ok) secret[i] = (uint8_t)(high << 4 | low);
    }
    mem_wipe(said, sizeof said);
    return ok ? ERR_OK : ERR_REFUSED;
}

void keyring_forget(const char *name)
{
    char said[100];
    (void)ask("clear", name, "", said, sizeof said);
}
