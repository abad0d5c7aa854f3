// SPDX-License-Identifier: Apache-2.0
//
// rpc: an engine's JSON-RPC 2.0: lines in, lines out, and events to whoever follows them. What can be asked is in schema.json, of
// which the dispatch table and docs/rpc.md are made. Whoever sends a line is the profile's owner: sockets see to that.
#ifndef WHIMBREL_RPC_RPC_H
#define WHIMBREL_RPC_RPC_H

#include "client/backup.h"

struct rpc;

// A program that talks to the engine. `send` gets whole lines, their ends included.
struct rpc_peer;

// Whoever holds the engine: opens and closes profiles, and ends. `why`, where it is set, says to people what is wrong. A passphrase with a NULL
// pointer was not given: the system's keyring has the secret instead.
typedef void rpc_profile_each(void *arg, const char *name, bool own, bool runs);
typedef void rpc_profile_opened(void *arg, enum err e, const char *text); // a ticket to its page, or what is wrong
struct rpc_host {
    void (*stop)(void *arg); // somebody asks the engine to end; it does so later
    bool (*there)(void *arg,
                  unsigned *opened); // whether there is a profile; and what opens it, bits as vault_kinds has them
    enum err (*create)(void *arg, const struct engine_new *n, struct span passphrase, const char **why); // and opens it
    enum err (*unlock)(void *arg, struct span passphrase, const char **why);
    enum err (*passphrase)(void *arg, struct span now, struct span next, const char **why);
    enum err (*keyring)(void *arg, struct span now, bool on, const char **why);
    // An archive of an open profile, at a path, or with NULL where the page gets it from; `done` as engine_backup's. The second stops it, and
    // lets go of what the page has not fetched.
    enum err (*backup)(void *arg, const char *path, struct span passphrase, engine_backed *done, void *done_arg,
                       const char **why);
    void (*backup_stop)(void *arg);
    enum err (*restore)(void *arg, struct span passphrase, const char **why); // of what the page has put; and opens it
    void (*profiles)(void *arg, rpc_profile_each *each, void *each_arg);      // those of this person on this computer
    // The page of one of them, whose engine is started if need be, or with `make` of one that is not there yet. ERR_REFUSED, ERR_INVALID,
    // ERR_NOT_FOUND: *why; then `done` is not called.
    enum err (*open_profile)(void *arg, const char *name, bool make, rpc_profile_opened *done, void *done_arg,
                             const char **why);
    void (*lock)(void *arg);                                            // closes it: its keys are gone from memory
    enum err (*page)(void *arg, struct buf *address, const char **why); // an address for a browser, with a NUL
};
enum err rpc_new(const struct rpc_host *host, void *arg, struct rpc **out);
void rpc_free(struct rpc *r);
// The engine that is asked, NULL while the profile is locked; its events go to rpc_event. Whoever follows events is told.
void rpc_engine(struct rpc *r, struct engine *e);
struct engine *rpc_opened(const struct rpc *r); // that engine
void rpc_event(void *rpc, const struct engine_event *e);

enum err rpc_peer_new(struct rpc *r, void (*send)(void *arg, struct span line), void *arg, struct rpc_peer **out);
void rpc_peer_free(struct rpc_peer *p);
// A line that came, without its end. Answers are sent before this returns.
void rpc_line(struct rpc_peer *p, struct span line);

#endif
