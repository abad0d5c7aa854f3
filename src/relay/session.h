// SPDX-License-Identifier: Apache-2.0
//
// relay/session: one client's WebSocket connection: messages in, replies and pushes out. It knows the protocol's states and limits; what
// a request does to the store happens in a lane. Everything here runs on the loop of the session's worker.
#ifndef WHIMBREL_RELAY_SESSION_H
#define WHIMBREL_RELAY_SESSION_H

#include "net/ws.h"
#include "relay/core.h"

enum session_state { SESSION_NEW, SESSION_OPEN, SESSION_CLOSING };

struct session {
    struct worker *worker;
    struct net_conn *conn; // NULL once it is gone
    struct session *next, **link; // of the worker
    struct ws_parser ws;
    struct net_timer timer;
    struct quota_entry *address;
    struct bucket rate;
    uint64_t serial;   // names it as a signal's origin
    uint64_t heard;    // when there was last a sign of life, as net_loop_now
    uint64_t taken;    // net_conn_taken then
    uint64_t partial;  // since when a message has been under way; 0: none is
    struct net_timer wrong; // until a wrong hosting password is answered
    uint32_t wrong_id;      // that request; 0: none
    struct follow *follows; // by session_next
    struct follow *queue, **queue_last; // those FOLLOW_BEHIND, in turn
    uint32_t follow_count;
    size_t promised;   // bytes that answers to requests under way may have
    uint32_t jobs;     // under way; the session outlives them
    int64_t credit;
    uint16_t in_flight;
    uint8_t state;
    bool reading;      // a catch-up read is under way
    bool pinged;       // a ping has not been answered
    bool paused;
    bool hosted; // `password` is the hash of the hosting password that it has said
    uint8_t password[WIRE_HASH];
    struct store_host host;
};

// Takes over a connection whose handshake has been answered. `address` is the connection's entry, released with it.
enum err session_new(struct worker *w, struct net_conn *conn, struct quota_entry *address, struct session **out);
// Bytes that came behind the handshake.
void session_data(struct session *s, uint8_t *bytes, size_t n);
// Says goodbye, and closes.
void session_close(struct session *s, enum ws_status status);

// For follow.c and request.c: sends one message, given in one or two pieces.
void session_send(struct session *s, struct span head, struct span tail);
void session_reply(struct session *s, const struct wire_reply *r);
void session_error(struct session *s, uint32_t id, enum wire_code code, uint64_t detail);
// Gives a job to a lane, or answers that too much waits.
void session_give(struct session *s, enum lane_kind lane, struct job *j, void (*done)(struct job *j));
// Whether there is room for the answer to a job's request, which is kept for it from session_give on. False if too much is promised or
// waits already: then it cannot be asked now. Whoever has nothing coming always can.
bool session_promise(struct session *s, struct job *j, size_t bytes);
// A job has come home. False if the session is closing: then the job has been freed, and maybe the session.
bool session_home(struct job *j);
// Whether pushes may be sent now.
bool session_ready(const struct session *s);

// One message of a client (request.c).
void request_handle(struct session *s, struct span message);

#endif
