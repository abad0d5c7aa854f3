// SPDX-License-Identifier: Apache-2.0
//
// rpc/inner: what the files of rpc share: a call under way, and how methods read parameters and write results. A method is declared by the
// schema as rpc_ and its name with _ for each dot; it is called only with parameters of the schema's types.
#ifndef WHIMBREL_RPC_INNER_H
#define WHIMBREL_RPC_INNER_H

#include "client/hold.h"
#include "content/content.h"
#include "rpc/rpc.h"

#include <jansson.h>

enum { PARAMS_MAX = 16, LIST_USUAL = 100, LIST_MAX = 10000, INTS_MAX = 1000 };
enum {
    E_PARSE = -32700,
    E_REQUEST = -32600,
    E_METHOD = -32601,
    E_PARAMS = -32602,
    E_REFUSED = 1,
    E_NOT_FOUND = 2,
    E_FAILED = 3,
    E_LOCKED = 4,
    E_PASSPHRASE = 5,
    E_HELD = 6
};

enum rpc_type { RPC_INT, RPC_BOOL, RPC_TEXT, RPC_INTS };
struct param {
    const char *name;
    enum rpc_type type;
    bool optional;
};

struct rpc_peer {
    struct rpc *rpc;
    struct rpc_peer *next, **link;
    void (*send)(void *arg, struct span line);
    void *arg;
    bool follows;
    struct later *later; // answers that are still to come
};

struct rpc {
    struct engine *e;
    struct rpc_peer *peers;
    struct rpc_host host;
    void *arg;
};

struct call {
    struct rpc *rpc;
    struct engine *e; // NULL only in methods that need none
    struct rpc_peer *peer;
    const json_t *params, *id;
    struct later *later; // set: it is answered later
    int code; // of the error, if there is no result
    char text[400];
};

struct method {
    const char *name;
    json_t *(*run)(struct call *c);
    bool outside; // needs no open profile
    struct param params[PARAMS_MAX];
};

#include <rpc_methods.h> // made of schema.json: declares every method

// ----------------------------------------------------------------------------------------------------------- failing

// Fails a call; NULL.
json_t *rpc_fail(struct call *c, int code, const char *text);
// What an error of the engine is to whoever asked; `refused` is the text where it depends on what was asked. NULL.
json_t *rpc_failed(struct call *c, enum err e, const char *refused);
// true, or as rpc_failed.
json_t *rpc_yes(struct call *c, enum err e, const char *refused);

// A call that is answered later, by rpc_answer, which is called once; NULL for want of memory. The method returns NULL. Whoever called may be
// gone by then.
struct later *rpc_later(struct call *c);
bool rpc_is_awaited(const struct later *l); // whoever called is still there
void rpc_answer(struct later *take, enum err e, const char *refused, const char *key, int64_t value);
// The same with a text.
void rpc_answer_text(struct later *take, enum err e, const char *refused, const char *key, const char *value);

// -------------------------------------------------------------------------------------------------------- parameters

int64_t rpc_int(const struct call *c, const char *name, int64_t otherwise);
bool rpc_bool(const struct call *c, const char *name);
bool rpc_has(const struct call *c, const char *name);
struct span rpc_text(const struct call *c, const char *name); // empty if it is not there; behind it stands a NUL
size_t rpc_ints(const struct call *c, const char *name, int64_t out[INTS_MAX]);

// ----------------------------------------------------------------------------------------------------------- results

const char *rpc_kind(enum history_kind k); // of a message
json_t *rpc_json_text(struct span s); // empty if it is not UTF-8
json_t *rpc_json_hex(const uint8_t *p, size_t n);
json_t *rpc_json_base64(struct span s);
// A file of src/files; that of a message, or NULL; and what is told of one, with the event's name.
json_t *rpc_file_object(const struct files_info *i);
json_t *rpc_file_of(struct engine *e, int64_t message);
json_t *rpc_file_told(const struct engine_event *e, const char **name);
void rpc_set(json_t *object, const char *key, json_t *take);
// {key: value}, or as rpc_failed.
json_t *rpc_json_one(struct call *c, enum err e, const char *key, int64_t value, const char *refused);

// What an event says of routes: reach.c.
void rpc_put_reach(json_t *params, const struct engine_event *e);

#endif
