// SPDX-License-Identifier: Apache-2.0
//
// Asking people: passphrases, without an echo, and lines. Nobody is asked where there is no terminal, or where this program stands in the
// background of one: scripts get an error, and never wait. Whatever ends the program, the terminal's echo comes back.
#include "cmd/whimbrel.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

bool read_line_of(int fd, char *out, size_t room)
{
    size_t n = 0;
    char c;
    ssize_t got;
    while ((got = read(fd, &c, 1)) == 1 && c != '\n') {
        if (n + 1 == room) return false;
        out[n++] = c;
    }
    if (n > 0 && out[n - 1] == '\r') n--;
    out[n] = 0;
    return got >= 0 && n > 0;
}

// The terminal, if there is one and it is ours to read; -1.
static int open_terminal(void)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return -1;
    if (tcgetpgrp(fd) == getpgrp()) return fd;
    close(fd);
    return -1;
}

static volatile sig_atomic_t caught;
static void on_signal(int n) { caught = n; }

// Reads a line without showing it. A signal that would end the program does so once the echo is back.
static bool read_hidden(int fd, char *out, size_t room)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
    enum { SIGNALS = sizeof signals / sizeof *signals };
    struct sigaction mine = {.sa_handler = on_signal}, before[SIGNALS];
    struct termios shown, hidden;
    if (tcgetattr(fd, &shown) != 0) return false;
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    caught = 0;
    for (size_t i = 0; i < SIGNALS; i++) (void)sigaction(signals[i], &mine, &before[i]);
    (void)tcsetattr(fd, TCSAFLUSH, &hidden);
    bool ok = read_line_of(fd, out, room);
    (void)tcsetattr(fd, TCSAFLUSH, &shown);
    for (size_t i = 0; i < SIGNALS; i++) (void)sigaction(signals[i], &before[i], NULL);
    (void)!write(fd, "\n", 1);
    if (caught != 0) (void)raise(caught);
    return ok && caught == 0;
}

static bool prompt_hidden(const char *text, char out[SECRET_MAX])
{
    int fd = open_terminal();
    if (fd < 0) return false;
    (void)!write(fd, text, strlen(text));
    bool ok = read_hidden(fd, out, SECRET_MAX);
    close(fd);
    return ok;
}

bool prompt_line(const char *what, char *out, size_t room)
{
    int fd = open_terminal();
    if (fd < 0) return false;
    (void)!write(fd, what, strlen(what));
    (void)!write(fd, ": ", 2);
    bool ok = read_line_of(fd, out, room);
    close(fd);
    return ok;
}

bool passphrase_is_given(const struct line *l)
{
    const char *given = getenv("WHIMBREL_PASSPHRASE");
    return flag_on(l, "passphrase-fd") || (given != NULL && given[0] != 0);
}

// From a descriptor. What came is kept, since a command may need it twice: to open the profile, and to change what opens it.
static bool passphrase_from(int fd, char out[SECRET_MAX])
{
    static char came[SECRET_MAX]; /* secret */
    if (came[0] == 0 && !read_line_of(fd, came, SECRET_MAX)) {
        (void)say_wrong(EXIT_PASSPHRASE, "no passphrase came from descriptor %d", fd);
        return false;
    }
    memcpy(out, came, SECRET_MAX);
    return true;
}

static bool nobody_to_ask(const char *how)
{
    (void)say_wrong(EXIT_PASSPHRASE, "a passphrase is needed: run this in a terminal, or use %s", how);
    return false;
}

// Twice, since nobody sees it.
static bool ask_fresh(const struct line *l, const char *what, const char *how, char out[SECRET_MAX])
{
    enum { SHORT = 10, TRIES = 3 };
    char again[SECRET_MAX]; /* secret */
    bool same = false;
    for (int i = 0; !same && i < TRIES; i++) {
        if (!prompt_hidden(what, out)) return nobody_to_ask(how);
        same = prompt_hidden("Once more: ", again) && strcmp(again, out) == 0;
        explicit_bzero(again, sizeof again);
        if (!same) (void)say_wrong(EXIT_PASSPHRASE, "these were two different passphrases");
    }
    if (same && strlen(out) < SHORT)
        say_note(l, "(That is short. Whoever gets a copy of it can try passphrases; four random words are better, and "
                    "`whimbrel "
                    "passphrase` changes it.)");
    return same;
}

bool passphrase_get(const struct line *l, bool fresh, char out[SECRET_MAX])
{
    static const char how[] = "--passphrase-fd or WHIMBREL_PASSPHRASE";
    const char *given = getenv("WHIMBREL_PASSPHRASE");
    int from = (int)flag_number(l, "passphrase-fd", -1);
    if (from >= 0) return passphrase_from(from, out);
    if (given != NULL && given[0] != 0 && strlen(given) < SECRET_MAX) {
        memcpy(out, given, strlen(given) + 1);
        return true;
    }
    if (fresh) return ask_fresh(l, "A passphrase for this profile (nobody can tell you it again): ", how, out);
    return prompt_hidden("Passphrase: ", out) || nobody_to_ask(how);
}

static bool fresh_from(const struct line *l, const char *what, char out[SECRET_MAX])
{
    int from = (int)flag_number(l, "new-passphrase-fd", -1);
    if (from < 0) return ask_fresh(l, what, "--new-passphrase-fd", out);
    if (read_line_of(from, out, SECRET_MAX)) return true;
    (void)say_wrong(EXIT_PASSPHRASE, "no passphrase came from descriptor %d", from);
    return false;
}

bool password_get(const struct line *l, char out[SECRET_MAX])
{
    const char *flag = flag_text(l, "password"), *given = flag != NULL ? flag : getenv("WHIMBREL_PASSWORD");
    int from = (int)flag_number(l, "password-fd", -1);
    out[0] = 0;
    if (from >= 0) {
        if (read_line_of(from, out, SECRET_MAX)) return true;
        (void)say_wrong(EXIT_USAGE, "no hosting password came from descriptor %d", from);
        return false;
    }
    if (flag != NULL && strcmp(flag, "-") == 0) {
        if (prompt_hidden("The relay's hosting password: ", out)) return true;
        (void)say_wrong(EXIT_USAGE, "nobody can be asked for the hosting password here: use --password-fd");
        return false;
    }
    if (given == NULL) return true;
    if (snprintf(out, SECRET_MAX, "%s", given) < SECRET_MAX) return true;
    (void)say_wrong(EXIT_USAGE, "a hosting password has 128 characters at most");
    return false;
}

bool passphrase_new(const struct line *l, char out[SECRET_MAX])
{
    return fresh_from(l, "The new passphrase (nobody can tell you it again): ", out);
}

bool passphrase_archive(const struct line *l, char out[SECRET_MAX])
{
    return fresh_from(l, "A passphrase for the archive (nobody can tell you it again): ", out);
}
