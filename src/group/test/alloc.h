// SPDX-License-Identifier: Apache-2.0
//
// The operations whose allocations fail in test_alloc.c: each prepares a scene, runs once in it, and says what must hold
// when it has succeeded.
#ifndef WHIMBREL_GROUP_TEST_ALLOC_H
#define WHIMBREL_GROUP_TEST_ALLOC_H

#include "group/test/troupe.h"

enum { ALICE, BOB, CAROL, DAVE, ERIN, FRANK, SCENE };

// A troupe in which four are members, and whatever an operation needs and makes.
struct scene {
    struct troupe t;
    size_t actor; // whose group must stay as it is when the operation fails; SIZE_MAX: nobody's
    struct mls_buf in, out, out2, secret;
    struct mls_commit commit;
    struct mls_received received;
    struct mls_staged *staged;
    struct mls_group *group;
    struct mls_client *client;
    struct store store;
    uint16_t type; // of a proposal
    bool flag;
};

void scene_open(struct scene *s, bool public_handshake);
void scene_close(struct scene *s);
struct mls_group *scene_group(struct scene *s, size_t i);

struct operation {
    const char *name;
    bool public_handshake;
    void (*prepare)(struct scene *s);
    enum mls_error (*run)(struct scene *s);
    void (*after)(struct scene *s); // with what has come of it
};

extern const struct operation operations[];
extern const size_t operations_n;

#endif
