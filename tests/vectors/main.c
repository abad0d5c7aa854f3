// SPDX-License-Identifier: Apache-2.0
//
// mls-vectors: checks published test vectors of MLS against this library, or makes new ones. Exit status 0: something was
// checked and nothing failed, or everything was made; 1: something failed, or nothing was there; 2: the command line was
// wrong.
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "vectors/make/make.h"
#include "vectors/run.h"

struct options {
    struct run run;
    struct make_order order;
    const char *folder; // of what is to be made
    bool ordered;       // an option was given that is about making
};

static void usage(FILE *out)
{
    fputs("usage: mls-vectors [OPTION]... PATH...\n"
          "       mls-vectors --generate DIR [OPTION]...\n"
          "Checks every vector file at each PATH, a file or a folder. Types are recognised by content.\n"
          "Cases are numbered from 0, as in the file.\n\n"
          "  --only TYPE              check files of this type only\n"
          "  --skip-unknown-suites    skip cases of cipher suites that are not here, instead of failing them\n"
          "  --seed N                 seed of all random bytes (default 1)\n"
          "  -v, --verbose            a line for each case\n"
          "  -h, --help               this text\n\n"
          "  --generate DIR           make vectors of every type; what was made passes the check\n"
          "  --suites LIST            of these cipher suites: 1,2,0xF002 or all (default: 1 to 7)\n"
          "  --only FILE              make this file only\n"
          "  --small                  few cases, small trees, short histories; each large suite in some types\n"
          "  --wide                   also ReInit, X.509 and unknown credentials, application-defined proposals\n"
          "  --no-grease              no GREASE values (RFC 9420, section 13.5)\n"
          "  --psk-age N              resumption PSKs of the last N epochs only (default 4; 0: of any)\n\n"
          "types:",
          out);
    const struct vector_type *type;
    const char *file;
    for (size_t i = 0; (type = vector_type_at(i)) != NULL; i++) fprintf(out, " %s", type->name);
    fputs("\nfiles:", out);
    for (size_t i = 0; (file = make_file_at(i)) != NULL; i++) fprintf(out, " %s", file);
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

enum { GENERATE = 256, SUITES, SMALL, WIDE, NO_GREASE, PSK_AGE };

// An option that is about making. False if its value is wrong.
static bool read_order(int c, const char *value, struct make_order *out)
{
    uint64_t age = 0;
    switch (c) {
    case SUITES: return make_read_suites(value, out);
    case SMALL: out->plan.small = true; return true;
    case WIDE: out->plan.wide = true; return true;
    case NO_GREASE: out->plan.no_grease = true; return true;
    default:
        if (!read_seed(value, &age) || age > UINT32_MAX) return false;
        out->plan.psk_age = (uint32_t)age;
        return true;
    }
}

// What --only names is a type to check, or a file to make.
static bool find_only(const char *name, struct options *o)
{
    const char *file;
    o->run.only = vector_type_named(name);
    for (size_t i = 0; (file = make_file_at(i)) != NULL; i++) {
        if (strcmp(file, name) == 0) o->order.only = file;
    }
    return o->folder != NULL ? o->order.only != NULL : o->run.only != NULL;
}

// 0 to go on, 2 for a wrong command line, 1 when all was said (--help).
static int read_options(int argc, char **argv, struct options *o)
{
    static const struct option options[] = {{"only", required_argument, NULL, 'o'},
                                            {"skip-unknown-suites", no_argument, NULL, 's'},
                                            {"seed", required_argument, NULL, 'r'},
                                            {"verbose", no_argument, NULL, 'v'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"generate", required_argument, NULL, GENERATE},
                                            {"suites", required_argument, NULL, SUITES},
                                            {"small", no_argument, NULL, SMALL},
                                            {"wide", no_argument, NULL, WIDE},
                                            {"no-grease", no_argument, NULL, NO_GREASE},
                                            {"psk-age", required_argument, NULL, PSK_AGE},
                                            {NULL, 0, NULL, 0}};
    const char *only = NULL;
    for (int c; (c = getopt_long(argc, argv, "vh", options, NULL)) != -1;) {
        switch (c) {
        case 'o': only = optarg; break;
        case 'r':
            if (!read_seed(optarg, &o->run.seed)) return misused("--seed wants a number", optarg);
            break;
        case 's': o->run.skip_unknown = true; break;
        case 'v': o->run.verbose = true; break;
        case 'h': usage(stdout); return 1;
        case GENERATE: o->folder = optarg; break;
        case '?': usage(stderr); return 2;
        default:
            if (!read_order(c, optarg, &o->order)) return misused("a wrong value", optarg);
            o->ordered = true;
            break;
        }
    }
    if (only != NULL && !find_only(only, o)) return misused("no such type", only);
    if (o->folder != NULL) return optind == argc ? 0 : misused("--generate wants no further path", argv[optind]);
    if (o->ordered) return misused("an option that goes with --generate alone", NULL);
    return optind < argc ? 0 : misused("no file or folder was given", NULL);
}

static int check(struct run *r, char **paths, int n)
{
    bool opened = true;
    for (int i = 0; i < n; i++) opened = run_path(r, paths[i]) && opened;
    printf("%zu passed, %zu failed\n", r->passed, r->failed);
    if (fflush(stdout) != 0) return 1;
    if (!opened) return 2;
    if (r->passed + r->failed == 0) fputs("mls-vectors: nothing was checked\n", stderr);
    return r->failed == 0 && r->passed > 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct options o = {.run = {.seed = 1}, .order = {.plan = {.psk_age = 4}}};
    int done = read_options(argc, argv, &o);
    if (done != 0) return done == 1 ? 0 : done;
    enum err e = crypto_new(&o.run.crypto);
    if (e != ERR_OK) {
        fprintf(stderr, "mls-vectors: %s\n", err_text(e));
        return 1;
    }
    o.order.plan.seed = o.run.seed;
    int status = o.folder != NULL ? !make_folder(o.run.crypto, &o.order, o.folder)
                                  : check(&o.run, argv + optind, argc - optind);
    crypto_free(o.run.crypto);
    return status;
}
