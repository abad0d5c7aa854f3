// SPDX-License-Identifier: Apache-2.0
//
// rpc: an engine's JSON-RPC 2.0: lines in, lines out, and events to whoever follows them. What can be asked is in schema.json, of
// which the dispatch table and docs/rpc.md are made. Whoever sends a line is the profile's owner: sockets see to that.
#ifndef WHIMBREL_RPC_RPC_H
#define WHIMBREL_RPC_RPC_H

#include "client/client.h"

struct rpc;

// A program that talks to the engine. `send` gets whole lines, their ends included.
struct rpc_peer;

// `stop` is called when somebody asks the engine to end.
enum err rpc_new(void (*stop)(void *arg), void *arg, struct rpc **out);
void rpc_free(struct rpc *r);
// The engine that is asked; its events go to rpc_event.
void rpc_engine(struct rpc *r, struct engine *e);
void rpc_event(void *rpc, const struct engine_event *e);

enum err rpc_peer_new(struct rpc *r, void (*send)(void *arg, struct span line), void *arg, struct rpc_peer **out);
void rpc_peer_free(struct rpc_peer *p);
// A line that came, without its end. Answers are sent before this returns.
void rpc_line(struct rpc_peer *p, struct span line);

#endif
