// SPDX-License-Identifier: Apache-2.0
//
// tests/fuzz/plot: what a malicious member, or a malicious joiner, does to a group: proposals of every type, and commits
// of them that nobody has checked, made as an input says, damaged where it says, and then signed, tagged and encrypted as
// they should be. It goes by the sender's own view of the group, which it does not change.
#ifndef WHIMBREL_TESTS_FUZZ_PLOT_H
#define WHIMBREL_TESTS_FUZZ_PLOT_H

#include "group/list.h"
#include "letter.h"
#include "party.h"

enum { PLOT_PACKAGES = 6, PLOT_ITEMS = 8 };

// A KeyPackage that the plotter holds all keys of.
struct plot_package {
    struct span raw;  // bare
    struct span sk;   // of signatures. secret
    struct span part; // private. secret
};

struct plot {
    struct party *party;
    struct mls_group *g;  // mallory's
    struct plot_package package[PLOT_PACKAGES];
    struct span second_sk; // another signature key of hers. secret
    // Proposals that the victims have accepted, for commits to refer to.
    struct {
        struct span raw, reference;
        enum sender_type sender_type;
        uint32_t sender;
    } waiting[PLOT_ITEMS];
    size_t n_waiting;
};

// Makes the KeyPackages; once.
void plot_open(struct plot *p, struct party *party);
// A Proposal, as the feed says; it need not decode.
struct span plot_proposal(struct plot *p, struct feed *f);
// A commit by mallory or, external, by somebody who joins. *staged: the epoch that it leads to, as far as the plotter can
// tell; NULL if it cannot. Empty if no such commit can be made.
struct span plot_commit(struct plot *p, struct feed *f, bool external, struct mls_staged **staged);

#endif
