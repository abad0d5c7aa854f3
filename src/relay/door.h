// SPDX-License-Identifier: Apache-2.0
//
// relay/door: where connections come in. To everyone it is a web site; whoever asks for the secret path with a WebSocket
// handshake gets a session.
#ifndef WHIMBREL_RELAY_DOOR_H
#define WHIMBREL_RELAY_DOOR_H

#include "relay/core.h"

// What a worker's listeners are told to do; `arg` is the worker.
struct net_accept door_accept(struct worker *w);

#endif
