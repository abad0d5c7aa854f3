// SPDX-License-Identifier: Apache-2.0
//
// tests/rules/offer: one proposal offered in each way in which it can reach a member. A rule's arg says which, and carries
// the play's own variant above it.
#ifndef WHIMBREL_TESTS_RULES_OFFER_H
#define WHIMBREL_TESTS_RULES_OFFER_H

#include "forge.h"

enum { RECEIVED, BY_VALUE, BY_REFERENCE, OWN, WAYS };
#define ARG(way, variant) ((way) + (int)WAYS * (variant))
int way(const struct scene *s);
int variant(const struct scene *s);

// A commit by mallory of one proposal by value.
void offer_commit(struct scene *s, struct span proposal);
// A proposal by mallory.
void offer_proposal(struct scene *s, struct span proposal);
// One or the other, by the way.
void offer(struct scene *s, struct span proposal);
// What alice would propose herself, through the public interface.
void offer_own(struct scene *s, const struct mls_proposal *p);

#endif
