// SPDX-License-Identifier: Apache-2.0
//
// src/relay/test/scene: what the tests of sessions share: a relay in this process, with its threads, lanes and a listener on
// loopback, over the store in memory; and clients that speak TLS and WebSocket with blocking sockets. Gates hold a lane, so that
// a test decides what happens while a request is under way; nothing here depends on how quick the machine is.
#ifndef WHIMBREL_RELAY_TEST_SCENE_H
#define WHIMBREL_RELAY_TEST_SCENE_H

#include "unit.h"

#include "net/ws.h"
#include "relay/worker.h"

#include <openssl/ssl.h>

struct scene {
    char folder[64];
    struct config config;
    struct relay *relay;
    struct setup *setup;
    SSL_CTX *ctx;
    int socket;
    uint16_t port;
    bool draining;
};

// `settings`: names and values by turns, up to a NULL. The site has /index.html and /big.bin.
void scene_open(struct scene *s, const char *const *settings);
void scene_close(struct scene *s);
// As SIGTERM does; scene_close waits for the end of it.
void scene_drain(struct scene *s);
bool scene_drained(const struct scene *s);
// The relay ends, and another begins with its keys, at its port, and with nothing in its store.
void scene_forget(struct scene *s);
// A new configuration for all workers, as SIGHUP brings it.
void scene_reload(struct scene *s, const char *const *settings);
// Sessions whose connection is open.
size_t scene_sessions(const struct scene *s);
// Until each worker has done what it was told.
void scene_settle(struct scene *s);

// While a gate is shut, its lane stands before the store: the write lane before a batch, the read lane before a view or read.
void gate_shut(enum lane_kind lane);
void gate_open(enum lane_kind lane);
// Until the lane stands at its gate.
void gate_wait(enum lane_kind lane);
// The lane's next calls fail so; ERR_OK: no more.
void gate_fail(enum lane_kind lane, enum err e);
// Taking key packages fails so, amid a batch.
void gate_spoil(enum err e);
// Until the condition holds; aborts the test after a minute.
#define wait_until(condition)                      \
    for (int waited = 0; !(condition); waited++) { \
        assert_true(waited < 60000);               \
        scene_nap();                               \
    }
void scene_nap(void); // a millisecond

struct message {
    struct message *next;
    struct wire_reply reply; // points into `bytes`
    size_t n;
    uint8_t bytes[];
};

struct client {
    struct scene *scene;
    int fd;
    SSL *ssl;
    struct ws_parser ws;
    uint8_t in[65536], *at;
    size_t left;
    uint32_t id;                   // of the last request
    struct message *first, **last; // pushes that came before an awaited reply
    struct message *now;           // what was returned last
    uint16_t status;               // of the close frame that came; 0: none has
    bool over;
    size_t pushed; // bytes of pushed entries
};

// TLS only.
void client_dial(struct client *c, struct scene *s);
// And the handshake of WebSocket, and hello with so much credit.
void client_open(struct client *c, struct scene *s, uint32_t credit);
void client_upgrade(struct client *c);
void client_close(struct client *c); // cuts the connection
void client_bytes(struct client *c, struct span bytes);
void client_frame(struct client *c, enum ws_opcode opcode, struct span payload);
// Sends a request under the next id, which is returned.
uint32_t client_send(struct client *c, struct wire_request q);
// The next message, whatever it is; NULL once the relay has closed.
const struct wire_reply *client_next(struct client *c);
// The reply to a request; pushes before it are kept.
const struct wire_reply *client_reply(struct client *c, uint32_t id);
const struct wire_reply *client_ask(struct client *c, struct wire_request q);
// The next push, one that was kept or one that comes.
const struct wire_reply *client_push(struct client *c);
// A pong has come back, and no push before it.
void client_silent(struct client *c);
// The next frame is of this kind; false if the connection ends instead.
bool client_hears(struct client *c, enum ws_opcode wanted);
// The relay closes the connection with this status.
void client_ends(struct client *c, enum ws_status status);
// What the relay sends over TLS until `n` bytes are there or it closes.
size_t client_read(struct client *c, void *out, size_t n);

// ------------------------------------------------------------------------------------------------------- short words

#define assert_code(reply, wanted)                                                 \
    do {                                                                           \
        const struct wire_reply *r_ = (reply);                                     \
        assert_non_null(r_);                                                       \
        assert_int_equal(r_->type == WIRE_R_ERROR ? r_->code : WIRE_OK, (wanted)); \
    } while (0)

const uint8_t *log_of(uint8_t n); // an id
const uint8_t *key_of(uint8_t n);
const uint8_t *hash_of(uint8_t n); // SHA-256 of that key
struct wire_request of_log(enum wire_type type, uint8_t log, uint8_t key);
struct wire_request of_blob(enum wire_type type, uint8_t blob, uint8_t key);
// A log with one grant for everything to key n.
void make_log(struct client *c, uint8_t log, uint8_t key);
const struct wire_reply *append(struct client *c, uint8_t log, uint8_t key, uint64_t epoch, const char *text);
const struct wire_reply *set_grant(struct client *c, uint8_t log, uint8_t admin, uint8_t key, uint8_t rights,
                                   uint64_t to);
// Follows one log; the code of the answer.
enum wire_code follow(struct client *c, uint32_t tag, uint8_t log, uint8_t key, uint64_t after);
// The next push is exactly entries from..to of this tag (in as many pushes as it takes).
void assert_entries(struct client *c, uint32_t tag, uint64_t from, uint64_t to);
void assert_ended(struct client *c, uint32_t tag, enum wire_code code);

#endif
