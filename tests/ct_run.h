// SPDX-License-Identifier: Apache-2.0
//
// What every constant-time check (src/ROOM/test/ct_*.c) includes: it lists checks, which mark inputs with CT_SECRET
// and call the code under test, and ct_run runs them under valgrind, which must stay silent:
//     valgrind -q --error-exitcode=9 ct-NAME            0: nothing depends on a secret; 9: something does
//     valgrind -q --error-exitcode=9 ct-NAME --leak     must be 9: leaks planted here, which show that the check sees
// Everything, the library too, is to be built with -DWHIMBREL_CT (base/ct.h). Without it, or outside valgrind, the
// program fails, since it would check nothing.
#ifndef WHIMBREL_TESTS_CT_RUN_H
#define WHIMBREL_TESTS_CT_RUN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/ct.h"

#ifndef WHIMBREL_CT
#define RUNNING_ON_VALGRIND 0
#endif

struct ct_check {
    const char *name;
    void (*run)(void);
};

// What a check asserts about results, for a wrong one would have shown nothing; take them out with CT_PUBLIC before.
static inline void ct_expect(bool ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "ct: %s does not hold\n", what);
    abort();
}

// The two things that memcheck is to notice: a branch and an index that depend on a secret.
static inline void ct_leak(const char *kind)
{
    static volatile unsigned char seen[256];
    unsigned char secret = 0x5a;
    CT_SECRET(&secret, 1);
    __asm__ volatile("" : "+m"(secret));
    if (strcmp(kind, "index") != 0 && (secret & 4) != 0) seen[0]++;
    if (strcmp(kind, "branch") != 0) seen[secret]++;
}

// main: no argument runs the checks; `--leak` plants both leaks, `--leak branch` or `--leak index` one.
static inline int ct_run(int argc, char **argv, const struct ct_check *checks, size_t n)
{
    if (!RUNNING_ON_VALGRIND) {
        fprintf(stderr, "ct: run this under valgrind, built with -DWHIMBREL_CT; else it checks nothing\n");
        return 1;
    }
    if (argc > 1 && strcmp(argv[1], "--leak") == 0) {
        ct_leak(argc > 2 ? argv[2] : "both");
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        printf("ct: %s\n", checks[i].name);
        (void)fflush(stdout); // so that what valgrind says stands below the name
        checks[i].run();
    }
    return 0;
}

#endif
