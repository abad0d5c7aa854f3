// SPDX-License-Identifier: Apache-2.0
//
// client/hold: changed keys. An engine remembers the devices of each contact that it has seen. Where another device of theirs comes up, somebody
// may hold their account who is not they; so nothing is said to it before a person has confirmed that they have seen the change
// (docs/decisions/0009-changed-keys-hold.md). ERR_UNAUTHENTICATED of engine_say and its like means that.
#ifndef WHIMBREL_CLIENT_HOLD_H
#define WHIMBREL_CLIENT_HOLD_H

#include "client/client.h"

// Whether what one says in a conversation is held; and each contact whose keys hold it.
bool engine_is_held(struct engine *e, int64_t chat);
void engine_held(struct engine *e, int64_t chat, void (*each)(void *arg, int64_t contact), void *arg);

// Somebody has seen that a contact's keys are others: what was held for them goes. `seen`: the time of the change that was shown
// (engine_contact.changed); 0: whatever it is. ERR_NOT_FOUND; ERR_STALE: they have changed once more since. Nothing is done where
// nothing has changed.
enum err engine_confirm(struct engine *e, int64_t contact, uint64_t seen);

#endif
