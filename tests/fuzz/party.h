// SPDX-License-Identifier: Apache-2.0
//
// tests/fuzz/party: a group with a past, made once when a fuzzer starts: six have been members, one has left a blank leaf,
// one is an unmerged leaf; one is malicious, one is still outside. What each member stores is kept, so that an input
// which changes a group can be undone by restoring it.
#ifndef WHIMBREL_TESTS_FUZZ_PARTY_H
#define WHIMBREL_TESTS_FUZZ_PARTY_H

#include "group/client.h"
#include "kit.h"
#include "store.h"

enum { ALICE, MALLORY, CAROL, DAVE, ERIN, FRANK, GRACE, PERSONS }; // dave was removed, grace is outside

enum {
    PARTY_SUITE = MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519,
    PARTY_CUSTOM = 0xF0A1,    // a proposal that needs no path, and that external senders may make
    PARTY_PATH = 0xF0A2,      // one that needs a path, and that they may not make
    PARTY_EXTENSION = 0xF0E1, // that every member supports
};

struct person {
    struct mls_buf sk, pk;                    // of signatures
    struct mls_buf key_package, private_part; // grace's stays; the others' are used up
    struct mls_group *group;
    struct store store; // all of its records, as the party begins
};

struct party {
    struct mls_config config;
    struct mls_client *client;
    struct person p[PERSONS];
    struct mls_buf post_sk, post_pk; // of external sender 0
    struct mls_buf post;             // the external_senders extension's data
};

// The members' configuration: windows for what comes late, and two types of custom proposals.
struct mls_config party_config(void);
void party_open(struct party *p, struct mls_config config);
struct mls_leaf_params party_leaf(const struct party *p, size_t who);
void party_key_package(struct party *p, size_t who);
// A commit by somebody, merged by everybody who is a member; whoever is added joins.
void party_commit(struct party *p, size_t by, const struct mls_commit_params *params);
// A message from somebody, received by everybody else and merged if it is a commit.
void party_deliver(struct party *p, size_t from, struct mls_buf message);

// Every record that a group would store. Its notes of changes are then as after mls_group_saved.
void party_dump(struct mls_group *g, struct store *out);
// Holds the group against the records that it had.
void party_unchanged(struct mls_group *g, const struct store *before);
// Puts a person's group back to how the party began.
void party_restore(struct party *p, size_t who);
// Both are in the same epoch with the same secrets.
void party_agree(struct mls_group *a, struct mls_group *b);

#endif
