// SPDX-License-Identifier: Apache-2.0
//
// cmd/whimbrel: what the files of the client's command line share. Commands ask a running engine over its socket, and start one where
// none runs; only `init` and `engine` open a profile themselves.
#ifndef WHIMBREL_CMD_WHIMBREL_H
#define WHIMBREL_CMD_WHIMBREL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// How a command ends.
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_PASSPHRASE = 3, EXIT_NOT_THERE = 4 };
enum { WORDS_MAX = 1100, FOLDER_MAX = 900, SECRET_MAX = 1025 };

struct line {
    const char *command, *words[WORDS_MAX];
    size_t n;
    const char *name, *relay, *password, *whom; // of init and invite
    int passphrase_fd, last;                    // -1: not given
    bool json, once, personal, quiet;
    char profile[FOLDER_MAX];
    const char *self; // this program
};

// Says what is wrong on standard error, and how to go on; returns the status.
int say_wrong(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

// The passphrase: from --passphrase-fd, WHIMBREL_PASSPHRASE, or a prompt on a terminal, twice if it is new. False, and said why, if there is
// none. `out` is the caller's to wipe.
bool get_passphrase(const struct line *l, bool fresh, char out[SECRET_MAX]);

// whimbrel_engine.c
int run_init(const struct line *l);
int run_engine(const struct line *l);

// whimbrel_ask.c: a connection to the engine; started if none runs. -1 after an error, which has been said (*status).
int ask_open(const struct line *l, bool start, int *status);
// One call: the result, or NULL after an error, which has been said. Takes params, which may be NULL.
json_t *ask(int fd, const char *method, json_t *take_params, int *status);
// The next line that comes, as JSON; NULL at the end.
json_t *ask_next(int fd);
// Passes lines between standard input, the engine and standard output, until either ends.
int ask_bridge(int fd);

// whimbrel_show.c: the commands for people.
int run_command(const struct line *l);

#endif
