// SPDX-License-Identifier: Apache-2.0
//
// mls-vectors: checks published test vectors of MLS against this library. Exit status 0: something was checked and
// nothing failed; 1: something failed, or nothing was there; 2: the command line was wrong.
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "vectors/run.h"

static void usage(FILE *out)
{
    fputs("usage: mls-vectors [OPTION]... PATH...\n"
          "Checks every vector file at each PATH, a file or a folder. Types are recognised by content.\n"
          "Cases are numbered from 0, as in the file.\n\n"
          "  --only TYPE              check files of this type only\n"
          "  --skip-unknown-suites    skip cases of cipher suites that are not here, instead of failing them\n"
          "  --seed N                 seed of the random bytes for new keys and signatures (default 1)\n"
          "  -v, --verbose            a line for each case\n"
          "  -h, --help               this text\n\n"
          "types:",
          out);
    const struct vector_type *type;
    for (size_t i = 0; (type = vector_type_at(i)) != NULL; i++) fprintf(out, " %s", type->name);
    fputs("\n", out);
}

static int misused(const char *what, const char *value)
{
    fprintf(stderr, "mls-vectors: %s%s%s\n", what, value != NULL ? ": " : "", value != NULL ? value : "");
    usage(stderr);
    return 2;
}

static bool read_seed(const char *text, uint64_t *out)
{
    char *end = NULL;
    errno = 0;
    *out = strtoumax(text, &end, 0);
    return errno == 0 && *text != '\0' && *text != '-' && *end == '\0';
}

// 0 to go on, 2 for a wrong command line, 1 when all was said (--help).
static int read_options(int argc, char **argv, struct run *r)
{
    static const struct option options[] = {{"only", required_argument, NULL, 'o'},
                                            {"skip-unknown-suites", no_argument, NULL, 's'},
                                            {"seed", required_argument, NULL, 'r'},
                                            {"verbose", no_argument, NULL, 'v'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "vh", options, NULL)) != -1;) {
        switch (c) {
        case 'o':
            r->only = vector_type_named(optarg);
            if (r->only == NULL) return misused("no such type", optarg);
            break;
        case 'r':
            if (!read_seed(optarg, &r->seed)) return misused("--seed wants a number", optarg);
            break;
        case 's': r->skip_unknown = true; break;
        case 'v': r->verbose = true; break;
        case 'h': usage(stdout); return 1;
        default: usage(stderr); return 2;
        }
    }
    return optind < argc ? 0 : misused("no file or folder was given", NULL);
}

int main(int argc, char **argv)
{
    struct run r = {.seed = 1};
    int done = read_options(argc, argv, &r);
    if (done != 0) return done == 1 ? 0 : done;
    enum err e = crypto_new(&r.crypto);
    if (e != ERR_OK) {
        fprintf(stderr, "mls-vectors: %s\n", err_text(e));
        return 1;
    }
    bool opened = true;
    for (int i = optind; i < argc; i++) opened = run_path(&r, argv[i]) && opened;
    crypto_free(r.crypto);
    printf("%zu passed, %zu failed\n", r.passed, r.failed);
    if (fflush(stdout) != 0) return 1;
    if (!opened) return 2;
    if (r.passed + r.failed == 0) fputs("mls-vectors: nothing was checked\n", stderr);
    return r.failed == 0 && r.passed > 0 ? 0 : 1;
}
