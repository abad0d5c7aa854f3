// SPDX-License-Identifier: Apache-2.0
//
// whimbrel: the command line of the client. It finds the command, connects it with an engine, and ends as it says.
#include "cmd/whimbrel.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct command_group command_groups[] = {
    {"To begin", engine_commands},
    {"People", people_commands},
    {"Conversations", talk_commands},
    {"Files", file_commands},
    {"For yourself", chat_commands},
    {"Groups", group_commands},
    {"Ways to the relay", reach_commands},
    {"Relays", relay_commands},
    {"For friends", proxy_serve_commands},
    {"To keep", export_commands},
    {"This profile", self_commands},
    {"If something is wrong", warnings_commands},
    {NULL, NULL},
};

const struct flag common_flags[] = {
    {"json", NULL, "print JSON: one object or array; events line by line"},
    {"quiet", NULL, "say nothing that was not asked for"},
    {"profile", "DIR", "whose profile; otherwise WHIMBREL_PROFILE, or the default one"},
    {"passphrase-fd", "N", "read the passphrase from this file descriptor"},
    {"help", NULL, "say how a command is called"},
    {NULL, NULL, NULL},
};

const struct command *command_find(const char *name)
{
    for (const struct command_group *g = command_groups; g->title != NULL; g++) {
        for (const struct command *c = g->commands; c->name != NULL; c++) {
            if (strcmp(c->name, name) == 0) return c;
        }
    }
    return NULL;
}

const char *command_name(size_t i)
{
    for (const struct command_group *g = command_groups; g->title != NULL; g++) {
        for (const struct command *c = g->commands; c->name != NULL; c++) {
            if (i-- == 0) return c->name;
        }
    }
    return NULL;
}

// A file that is opened later must not become standard output.
static void open_standard_files(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
        if (open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) != fd) _exit(EXIT_FAILED);
    }
}

// Passphrases pass through JSON.
static void wiping_free(void *p)
{
    if (p != NULL) explicit_bzero(p, malloc_usable_size(p));
    free(p);
}

static int run(const struct line *l)
{
    struct session s = {.line = l, .fd = -1};
    if (l->command->needs != ALONE && ask_open(&s, l->command->needs) < 0) return s.status;
    int status = l->command->run(&s);
    if (l->command->needs == AN_ENGINE && status == EXIT_DONE) warnings_note(&s);
    names_forget(&s);
    if (s.fd >= 0) close(s.fd);
    return status;
}

int main(int argc, char **argv)
{
    static struct line l;
    open_standard_files();
    json_set_alloc_funcs(malloc, wiping_free);
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL) (void)setlocale(LC_CTYPE, ""); // for the widths of characters
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("whimbrel %s\n", WHIMBREL_VERSION);
        return EXIT_DONE;
    }
    int status = line_parse(argc, argv, &l);
    if (status != EXIT_DONE) return status;
    line_hide(&l);
    status = l.help ? help_print(l.command) : run(&l);
    errno = 0;
    if ((fflush(stdout) != 0 || ferror(stdout) != 0) && status == EXIT_DONE) {
        status = EXIT_FAILED;
        if (errno != EPIPE) (void)say_wrong(status, "standard output cannot be written: %s", strerror(errno));
    }
    return status;
}
