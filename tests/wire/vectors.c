// SPDX-License-Identifier: Apache-2.0
//
// wire-vectors: a message of every type of the relay's protocol in hex (samples.h), for whoever writes another implementation.
//     build/wire-vectors >tests/wire/data/messages.txt    prints the file
//     build/wire-vectors tests/wire/data/messages.txt     holds the file against the code, as the tests do: it changes only with
//                                                         the protocol
#include "wire/samples.h"

#include <stdio.h>

static const char head[] =
    "# A message of every type of the relay's log protocol (docs/protocol.md), `name: hex`; made by build/wire-vectors.\n";

struct run {
    FILE *file; // NULL: print
    int passed, failed;
};

static void print_one(const char *name, struct span message)
{
    printf("%s: ", name);
    for (size_t i = 0; i < message.n; i++) printf("%02x", message.p[i]);
    printf("\n");
}

// The line of the file must be this message, and decode to what encodes to it.
static bool same(FILE *file, const char *name, struct span message)
{
    char line[2048], want[2048];
    int n = snprintf(want, sizeof want, "%s: ", name);
    for (size_t i = 0; i < message.n && n < 2000; i++) n += snprintf(want + n, sizeof want - (size_t)n, "%02x", message.p[i]);
    if (fgets(line, sizeof line, file) == NULL || strcmp(line, strcat(want, "\n")) != 0) return false;
    struct wire_request q;
    struct wire_reply r;
    return wire_read_request(message, &q) == ERR_OK || wire_read_reply(message, &r) == ERR_OK;
}

static void one(void *arg, const char *name, struct span message)
{
    struct run *run = arg;
    bool ok = message.n > 0 && (run->file == NULL || same(run->file, name, message));
    if (run->file == NULL) print_one(name, message);
    if (!ok) fprintf(stderr, "%s differs from the file\n", name);
    run->passed += ok;
    run->failed += !ok;
}

int main(int argc, char **argv)
{
    struct run run = {0};
    char line[512];
    if (argc > 1) {
        run.file = fopen(argv[1], "re");
        if (run.file == NULL || fgets(line, sizeof line, run.file) == NULL) {
            fprintf(stderr, "%s cannot be read\n", argv[1]);
            return 1;
        }
    } else {
        fputs(head, stdout);
    }
    samples_all(one, &run);
    if (run.file != NULL) {
        if (fgets(line, sizeof line, run.file) != NULL) run.failed++; // one that the code does not make
        (void)fclose(run.file);
        printf("%d passed, %d failed\n", run.passed, run.failed);
    }
    return run.failed > 0 || fflush(stdout) != 0 ? 1 : 0;
}
