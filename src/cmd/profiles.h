// SPDX-License-Identifier: Apache-2.0
//
// cmd/profiles: the profiles that lie beside one: those of one person on this computer. Each has an engine, an address and tokens of its own; from one
// of them another one's engine is started and asked for its page, by the program itself, as `whimbrel ui` does it. Nothing of one profile is told to
// another but the address of its page.
#ifndef WHIMBREL_CMD_PROFILES_H
#define WHIMBREL_CMD_PROFILES_H

#include "rpc/rpc.h"

enum { PROFILES_MAX = 100, PROFILE_NAME_MAX = 60 };

// Each folder beside this profile's that holds a profile, and this one, by name.
void profiles_each(const char *profile, rpc_profile_each *each, void *arg);

struct opening;
// Begins to open the page of a profile, or with `make` of one that is not there yet; `done` is called once, from the loop, with its address or
// with what is wrong. *out holds it until then: one at a time. ERR_INVALID: no name of a profile; ERR_NOT_FOUND; ERR_REFUSED: there is one of this
// name, or one is being opened; *why says it; ERR_IO, ERR_MEMORY. After an error nobody is called.
enum err profiles_open(struct net_loop *l, const char *profile, const char *name, bool make, rpc_profile_opened *done,
                       void *arg, struct opening **out, const char **why);
// The loop is about to end: whoever waits is told so. NULL does nothing.
void profiles_stop(struct opening *o);

#endif
