// SPDX-License-Identifier: Apache-2.0
//
// vectors/make/troupe: a group of libmls with all of its members in one place, one of whom is passive: what the passive
// member receives, from its Welcome on, is written down as a case of the passive-client format. All the others act.
#ifndef WHIMBREL_VECTORS_MAKE_TROUPE_H
#define WHIMBREL_VECTORS_MAKE_TROUPE_H

#include "vectors/make/kit.h"

enum { TROUPE_ACTORS = 512, TROUPE_PSKS = 8 };

struct actor {
    char name[24];
    struct kit_keys signer;
    struct span key_package, private_part; // until it has joined
    struct mls_group *group;               // NULL: no member
};

struct troupe {
    struct make *m;
    struct kit_client loud, quiet, padded; // who sends handshakes as PublicMessage, as PrivateMessage, and padded ones
    struct actor *actor;                   // TROUPE_ACTORS of them
    size_t n;
    struct {
        struct span id, psk;
    } psk[TROUPE_PSKS];
    size_t n_psk;
    struct kit_keys outsider; // the external sender that external_senders names
    struct actor *passive;
    uint64_t since;        // the epoch in which it joined
    json_t *record;        // the case
    json_t *epochs, *said; // its epochs, and the proposals of the one that is under way
};

// With n_psk external PSKs.
void troupe_open(struct make *m, struct troupe *t, size_t n_psk);
void troupe_close(struct troupe *t);

// Somebody new, and a new KeyPackage for somebody who is not in the group.
struct actor *troupe_hire(struct troupe *t);
void troupe_key_package(struct troupe *t, struct actor *a);
struct mls_leaf_params troupe_leaf(const struct actor *a);
// Starts a group of one. The external sender is in the GroupContext if `outsider`.
struct actor *troupe_found(struct troupe *t, bool outsider);
// Who is in the group, and how many they are.
size_t troupe_size(const struct troupe *t);
struct actor *troupe_member(struct troupe *t, size_t i);
// A random member that is neither passive nor the one given.
struct actor *troupe_any(struct troupe *t, const struct actor *but);

// Proposals as mls_group_propose and mls_group_commit take them. What they point to belongs to the trial.
struct mls_proposal troupe_add(struct troupe *t, struct actor *whom); // makes a KeyPackage
struct mls_proposal troupe_remove(const struct actor *whom);
struct mls_proposal troupe_external_psk(struct troupe *t, size_t i);
// The group's own PSK of a random epoch since the passive member is there; of the present one before.
struct mls_proposal troupe_resumption(struct troupe *t);
// Group context extensions: external_senders if `outsider`, the rest at random.
struct mls_proposal troupe_extensions(struct troupe *t, bool outsider);

// How a message goes over the wire.
enum framing { LOUD, QUIET, PADDED };
enum framing troupe_framing(struct troupe *t);
// A proposal by a member, by the external sender, or by who wants to be added; everybody receives it.
void troupe_propose(struct troupe *t, struct actor *by, const struct mls_proposal *p, enum framing framing);
void troupe_propose_outside(struct troupe *t, const struct mls_proposal *p);
void troupe_ask(struct troupe *t, struct actor *new);
// A commit by a member. Everybody receives it; who is added joins, who is removed leaves. `passive`: one of those who are
// added, whose case then begins; else NULL.
void troupe_commit(struct troupe *t, struct actor *by, const struct mls_commit_params *params, enum framing framing,
                   struct actor *passive);
// An external commit: by somebody new, or by a member that has lost its state.
void troupe_join(struct troupe *t, struct actor *who, const struct mls_psk_id *psks, size_t n);

#endif
