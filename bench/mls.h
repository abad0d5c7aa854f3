// SPDX-License-Identifier: Apache-2.0
//
// bench/mls: what the benchmark's two files share: units of work, counts of them, and the hall in which a big group
// meets, of which two members are real.
#ifndef WHIMBREL_BENCH_MLS_H
#define WHIMBREL_BENCH_MLS_H

#include "group/client.h"
#include "group/list.h"

// Microseconds that each primitive takes alone.
struct units {
    double sign, verify, keygen, seal, open, expand, aead, hash, hash_byte;
};
// How often an operation cannot do without each.
struct counts {
    double sign, verify, keygen, seal, open, expand, aead, hash, hash_bytes;
};

double bench_now(void); // microseconds
double bench_median(double *v, size_t n);
void bench_check(enum err e, const char *what);
void bench_units(const struct algo *a, struct units *u);
double bench_floor(const struct units *u, const struct counts *c);

// A group of n. Member a sits at leaf 0, b at the last leaf; the others are only leaves.
struct hall {
    struct mls_client *client, *client2; // client2 has an executor of two threads
    struct algo algo;
    uint32_t n;
    bool warm; // every parent node is set; else all are blank
    struct mls_group *a, *b;
    size_t path_levels;   // of a's filtered direct path
    size_t shared_levels; // of these, that b shares
    size_t resolution;    // nodes that a commit of a's encrypts to
    size_t parents;       // parent nodes that are set
    struct units units;
};
void hall_open(struct hall *h, uint16_t suite, uint32_t n, bool warm);
void hall_close(struct hall *h);
size_t hall_tree_size(const struct hall *h);
// A new member that commits may add.
struct guest {
    struct mls_buf key_package, private_part;
};
void hall_guest(const struct hall *h, struct guest *g);
void hall_guest_free(struct guest *g);
// Makes n - 1 KeyPackages, then a group of one that adds them all in one commit: *us is the time of that commit.
void hall_build(const struct hall *h, double *us, size_t *welcome);

#endif
