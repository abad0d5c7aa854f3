// SPDX-License-Identifier: Apache-2.0
//
// bench/mls: what the benchmark's files share. units.c measures primitives alone; floors.c says how many of them an
// operation cannot do without; hall.c makes the big group in which mls.c takes its times. Nothing here is a test.
#ifndef WHIMBREL_BENCH_MLS_H
#define WHIMBREL_BENCH_MLS_H

#include "group/client.h"
#include "group/list.h"

// ------------------------------------------------------------------------------------------------------- units.c

// What is counted and measured. Those in _BYTE are what a byte costs beyond the fixed cost of the call before it.
enum unit {
    UNIT_SIGN, UNIT_SIGN_BYTE, UNIT_VERIFY, UNIT_VERIFY_BYTE,
    UNIT_KEYGEN, // KEM DeriveKeyPair
    UNIT_SEAL,   // HPKE SealBase of one secret, without hashing its info
    UNIT_OPEN,   // HPKE OpenBase of one secret, with an empty info
    UNIT_KDF,    // HMAC over little: an Extract, an Expand of one block, a MAC
    UNIT_AEAD, UNIT_AEAD_BYTE, UNIT_HASH, UNIT_HASH_BYTE, UNITS
};
struct units {
    double us[UNITS];
};
struct counts {
    double n[UNITS];
};

double bench_cpu(void);    // microseconds of processor time, of all threads
double bench_thread(void); // of this thread
double bench_wall(void);   // by the wall clock
double bench_median(double *v, size_t n);
void bench_check(enum err e, const char *what);
// Medians of so many rounds; one takes some two milliseconds.
void units_measure(const struct algo *a, size_t rounds, struct units *u);
// In microseconds.
double units_floor(const struct units *u, const struct counts *c);

// ------------------------------------------------------------------------------------------------------- hall.c

// A group of n. Member a sits at leaf 0, b at the last leaf; the others are only leaves.
struct hall {
    struct mls_client *client, *client2; // client2 has an executor of two threads
    struct algo algo;
    uint32_t n;
    bool warm; // every parent node is set; else all are blank
    struct mls_group *a, *b;
    struct secret encryption; // the root of the secret tree
};
void hall_open(struct hall *h, uint16_t suite, uint32_t n, bool warm);
void hall_close(struct hall *h);
// Puts both members' secret trees back to where an epoch begins: nobody has sent anything.
void hall_fresh(struct hall *h);

// Processor time that the second thread of client2 took beyond that of the first, since the last call: what the first
// would have waited for on a machine with nothing else to do.
double hall_waited(void);

// A new member that commits may add.
struct guest {
    struct mls_buf key_package, private_part;
};
void hall_guest(const struct hall *h, struct guest *g);
void hall_guest_free(struct guest *g);

// n - 1 guests, and the proposals that add them to a group of one.
struct crowd {
    struct guest *guest;
    struct mls_proposal *add;
    size_t n;
};
void hall_crowd(const struct hall *h, struct crowd *c);
void hall_crowd_free(struct crowd *c);
// A group of one.
void hall_founder(const struct hall *h, struct mls_group **out);

// ------------------------------------------------------------------------------------------------------ floors.c

// What an operation's floor depends on: a tree as a commit leaves it, seen by its committer and one other member.
struct shape {
    double depth;      // of the tree: levels above the leaves
    double levels;     // of the committer's filtered direct path
    double shared;     // how many of these the other shares
    double resolution; // nodes that the path is encrypted to
    double members, nodes, parents, tree_bytes;
    double context; // bytes of the GroupContext
    double leaf;    // bytes of a LeafNode
    double npk, nh;
};
// `added`: leaves that the path is not encrypted to; NULL for none.
void shape_of(const struct hall *h, const struct tree *t, uint32_t committer, uint32_t other, const struct nodes *added,
              struct shape *s);

// `bytes`: of the commit on the wire; `more`: nodes whose tree hash changes beside those of the committer's path.
struct counts floor_make(const struct shape *s, double bytes, double more);
struct counts floor_process(const struct shape *s, double bytes);
// What is added for n new members, whose KeyPackages have kp bytes, and their Welcome.
void floor_invite(const struct shape *s, double n, double kp, struct counts *c);
struct counts floor_join(const struct shape *s, double kp);
struct counts floor_restore(const struct shape *s);
struct counts floor_protect(const struct shape *s);
struct counts floor_unprotect(const struct shape *s);
// What is added for the first message of an epoch, to either.
void floor_first(const struct shape *s, struct counts *c);

#endif
