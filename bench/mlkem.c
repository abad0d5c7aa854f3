// SPDX-License-Identifier: Apache-2.0
//
// How long ML-KEM takes here: the median microseconds of key generation, encapsulation and decapsulation, with the
// build that the processor allows and with the portable one. Prints one line an operation: name, build, median,
// and the 5th and 95th percentile. Argument: how many times each runs (default 2001). It checks nothing.
#include "crypto/mlkem_poly.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/wide.h"

struct keys {
    const struct mlkem *m;
    bool wide;
    uint8_t seed[3][MLKEM_SEED];
    uint8_t ek[MLKEM_EK_MAX], dk[MLKEM_DK_MAX], ct[MLKEM_CT_MAX], ss[MLKEM_SS];
};

static void keygen(struct keys *k) { mlkem_keygen_on(k->m, k->seed[0], k->seed[1], k->ek, k->dk, k->wide); }
static void encaps(struct keys *k) { mlkem_encaps_on(k->m, k->ek, k->seed[2], k->ct, k->ss, k->wide); }
static void decaps(struct keys *k) { mlkem_decaps_on(k->m, k->dk, k->ct, k->ss, k->wide); }

static double now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const char *set, const char *name, void (*operation)(struct keys *), struct keys *k, size_t n,
                    double *times)
{
    for (size_t i = 0; i < n; i++) {
        k->seed[i % 3][i % MLKEM_SEED] ^= (uint8_t)i; // other seeds each time, as in life
        double start = now_us();
        operation(k);
        times[i] = now_us() - start;
    }
    qsort(times, n, sizeof *times, compare);
    printf("%-12s %-7s %-9s %7.2f us  (%.2f to %.2f)\n", set, name, k->wide ? "avx2" : "portable", times[n / 2],
           times[n / 20], times[n - 1 - n / 20]);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        const struct mlkem *m;
    } sets[] = {{"ML-KEM-512", &mlkem_512}, {"ML-KEM-768", &mlkem_768}, {"ML-KEM-1024", &mlkem_1024}};
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 2001;
    double *times = n > 0 ? (double *)calloc(n, sizeof *times) : NULL;
    if (times == NULL) return 1;
    for (int wide = wide_here(); wide >= 0; wide--) {
        for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
            struct keys k = {.m = sets[i].m, .wide = wide != 0};
            measure(sets[i].name, "keygen", keygen, &k, n, times);
            measure(sets[i].name, "encaps", encaps, &k, n, times);
            measure(sets[i].name, "decaps", decaps, &k, n, times);
        }
    }
    free(times);
    return 0;
}
