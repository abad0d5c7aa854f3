// SPDX-License-Identifier: Apache-2.0
//
// whimbrel: the command line of the client. It reads words and flags, and knows nothing of what is done with them.
#include "cmd/whimbrel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static const char usage[] =
    "whimbrel: a messenger whose operator cannot read it\n"
    "\n"
    "  whimbrel init --name NAME --relay ADDRESS [--password PASSWORD]\n"
    "                                       a new profile; the relay's operator gives address and password\n"
    "  whimbrel invite [--personal] [--once] [--for NAME]\n"
    "                                       a link by which others reach you\n"
    "  whimbrel accept LINK                 take somebody's invitation\n"
    "  whimbrel contacts                    who is there; `answer NAME yes|no` answers a request\n"
    "  whimbrel verify NAME [yes|no]        the safety number with somebody; then whether it was the same\n"
    "  whimbrel chats                       conversations\n"
    "  whimbrel send CHAT TEXT...           say something\n"
    "  whimbrel reply CHAT N TEXT...        answer message N, as `read` numbers them; likewise\n"
    "           react CHAT N EMOJI, edit CHAT N TEXT..., delete CHAT N\n"
    "  whimbrel read CHAT [--last N]        what was said\n"
    "  whimbrel tail [CHAT]                 what is being said, until Ctrl-C\n"
    "  whimbrel group NAME CONTACT...       a new group; `add CHAT CONTACT...` and `remove CHAT CONTACT` change one\n"
    "  whimbrel status | stop               the engine, which runs in the background once it is needed\n"
    "  whimbrel rpc                         JSON-RPC on standard input and output (docs/rpc.md)\n"
    "\n"
    "A CHAT or CONTACT is its number, or its name, or the beginning of its name. --json prints JSON. --profile DIR "
    "(or\n"
    "WHIMBREL_PROFILE) says whose; the passphrase is asked for, or comes from --passphrase-fd N or "
    "WHIMBREL_PASSPHRASE.\n"
    "Exit status: 0 done, 1 it failed, 2 wrong words, 3 wrong passphrase, 4 no such profile, chat or contact.\n";

int say_wrong(int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("whimbrel: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    if (status == EXIT_USAGE) fputs("`whimbrel --help` shows how it is called.\n", stderr);
    return status;
}

// ---------------------------------------------------------------------------------------------------------- passphrases

static bool read_line_of(int fd, char out[SECRET_MAX])
{
    size_t n = 0;
    char c;
    ssize_t got;
    while ((got = read(fd, &c, 1)) == 1 && c != '\n') {
        if (n + 1 == SECRET_MAX) return false;
        out[n++] = c;
    }
    out[n] = 0;
    return got >= 0 && n > 0;
}

static bool prompt(const char *text, char out[SECRET_MAX])
{
    struct termios before, silent;
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || tcgetattr(fd, &before) != 0) {
        if (fd >= 0) close(fd);
        return false;
    }
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    (void)!write(fd, text, strlen(text));
    (void)tcsetattr(fd, TCSAFLUSH, &silent);
    bool ok = read_line_of(fd, out);
    (void)tcsetattr(fd, TCSAFLUSH, &before);
    (void)!write(fd, "\n", 1);
    close(fd);
    return ok;
}

bool get_passphrase(const struct line *l, bool fresh, char out[SECRET_MAX])
{
    const char *given = getenv("WHIMBREL_PASSPHRASE");
    char again[SECRET_MAX];
    if (l->passphrase_fd >= 0) {
        if (read_line_of(l->passphrase_fd, out)) return true;
        (void)say_wrong(EXIT_PASSPHRASE, "no passphrase came from descriptor %d", l->passphrase_fd);
        return false;
    }
    if (given != NULL && given[0] != 0 && strlen(given) < SECRET_MAX) {
        memcpy(out, given, strlen(given) + 1);
        return true;
    }
    if (!prompt(fresh ? "A passphrase for the new profile (nobody can tell you it again): " : "Passphrase: ", out)) {
        (void)say_wrong(
            EXIT_PASSPHRASE,
            "a passphrase is needed: run this in a terminal, or use --passphrase-fd or WHIMBREL_PASSPHRASE");
        return false;
    }
    if (!fresh) return true;
    bool same = prompt("Once more: ", again) && strcmp(again, out) == 0;
    explicit_bzero(again, sizeof again);
    if (!same) (void)say_wrong(EXIT_PASSPHRASE, "these were two different passphrases; nothing was made");
    return same;
}

// ------------------------------------------------------------------------------------------------------------- the line

static void choose_profile(struct line *l, const char *given)
{
    const char *from = given != NULL ? given : getenv("WHIMBREL_PROFILE"), *data = getenv("XDG_DATA_HOME"),
               *home = getenv("HOME");
    if (from != NULL && from[0] != 0) (void)snprintf(l->profile, sizeof l->profile, "%s", from);
    else if (data != NULL && data[0] == '/') (void)snprintf(l->profile, sizeof l->profile, "%s/whimbrel/default", data);
    else (void)snprintf(l->profile, sizeof l->profile, "%s/.local/share/whimbrel/default", home != NULL ? home : ".");
}

static bool number_of(const char *text, int *out)
{
    char *end;
    errno = 0;
    long v = strtol(text, &end, 10);
    if (errno != 0 || *end != 0 || end == text || v < 0 || v > 1000000) return false;
    *out = (int)v;
    return true;
}

static int parse(int argc, char **argv, struct line *l)
{
    const char *profile = NULL;
    const struct {
        const char *name;
        bool *to;
    } switches[] = {{"--json", &l->json}, {"--once", &l->once}, {"--personal", &l->personal}, {"--quiet", &l->quiet}};
    const struct {
        const char *name, **to;
    } texts[] = {{"--name", &l->name},
                 {"--relay", &l->relay},
                 {"--password", &l->password},
                 {"--for", &l->whom},
                 {"--profile", &profile}};
    const struct {
        const char *name;
        int *to;
    } numbers[] = {{"--passphrase-fd", &l->passphrase_fd}, {"--last", &l->last}};
    bool words = false; // behind "--" all are words
    for (int i = 1; i < argc; i++) {
        bool known = words || strncmp(argv[i], "--", 2) != 0;
        if (!words && strcmp(argv[i], "--") == 0) words = known = true;
        else if (known && l->command == NULL) l->command = argv[i];
        else if (known && l->n == WORDS_MAX) return say_wrong(EXIT_USAGE, "there are too many words");
        else if (known) l->words[l->n++] = argv[i];
        for (size_t k = 0; !known && k < sizeof switches / sizeof *switches; k++) {
            if (strcmp(argv[i], switches[k].name) == 0) *switches[k].to = known = true;
        }
        if (known) continue;
        if (i + 1 == argc) return say_wrong(EXIT_USAGE, "there is no flag %s, or it wants a value", argv[i]);
        for (size_t k = 0; !known && k < sizeof texts / sizeof *texts; k++) {
            if (strcmp(argv[i], texts[k].name) == 0) *texts[k].to = argv[i + 1], known = true;
        }
        for (size_t k = 0; !known && k < sizeof numbers / sizeof *numbers; k++) {
            if (strcmp(argv[i], numbers[k].name) != 0) continue;
            known = true;
            if (!number_of(argv[i + 1], numbers[k].to))
                return say_wrong(EXIT_USAGE, "%s wants a number, not %s", argv[i], argv[i + 1]);
        }
        if (!known) return say_wrong(EXIT_USAGE, "there is no flag %s", argv[i]);
        i++;
    }
    choose_profile(l, profile);
    return EXIT_DONE;
}

int main(int argc, char **argv)
{
    static struct line l = {.passphrase_fd = -1, .last = -1};
    l.self = argv[0];
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--version") == 0) {
            printf("whimbrel %s\n", WHIMBREL_VERSION);
            return EXIT_DONE;
        }
        if (strcmp(argv[i], "--") == 0) break;
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0 || (i == 1 && strcmp(argv[i], "help") == 0)) {
            fputs(usage, stdout);
            return EXIT_DONE;
        }
    }
    int status = parse(argc, argv, &l);
    if (status != EXIT_DONE) return status;
    if (l.command == NULL) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    if (strcmp(l.command, "init") == 0) return run_init(&l);
    if (strcmp(l.command, "engine") == 0) return run_engine(&l);
    return run_command(&l);
}
