// SPDX-License-Identifier: Apache-2.0
//
// net/ws: WebSocket frames (RFC 6455 §5), both sides, without extensions. No I/O: bytes in, messages out. A parser
// that waits for the next frame holds no memory; a message that arrives in one piece is handed on where it lies.
#ifndef WHIMBREL_NET_WS_H
#define WHIMBREL_NET_WS_H

#include "base/base.h"

enum ws_opcode { WS_CONTINUATION = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };
enum ws_status {
    WS_NORMAL = 1000, WS_GOING_AWAY = 1001, WS_PROTOCOL_ERROR = 1002, WS_UNSUPPORTED_DATA = 1003, WS_INVALID_DATA = 1007,
    WS_POLICY = 1008, WS_TOO_BIG = 1009, WS_INTERNAL = 1011,
};

struct ws_parser {
    uint8_t head[14]; // of the frame under way
    uint8_t head_n;
    bool server;      // expects masked frames, as a server must; else unmasked ones
    uint8_t opcode;   // of the message under way; 0 if none
    uint32_t max;     // bytes of a message
    struct buf message; // its payload so far; for a control frame of its own: `control`
    uint8_t control[125];
    uint8_t control_n;
    uint64_t left;    // payload bytes of the frame that are still to come
    uint32_t mask_at;
};

void ws_init(struct ws_parser *p, bool server, uint32_t max);
void ws_wipe(struct ws_parser *p);
// Takes bytes off the front of *bytes until a message or control frame is complete: then true, with its opcode (never
// WS_CONTINUATION) and payload, which is valid until the next call; false when all bytes are used. *bytes is unmasked
// in place. On a violation false, and *status is the code to close with (else 0); the parser is of no more use. A
// text is checked to be UTF-8. What a message took is freed by the next call, so call until it returns false.
bool ws_next(struct ws_parser *p, uint8_t **bytes, size_t *n, enum ws_opcode *opcode, struct span *payload,
             enum ws_status *status);
// Whether a frame or message has begun and not ended.
bool ws_waiting(const struct ws_parser *p);
// A close frame's status; 1005 if it has none. False if the payload is none (RFC 6455 §5.5.1, §7.4).
bool ws_close_status(struct span payload, uint16_t *status);

// One whole frame's head for a payload of n bytes; a server's, unmasked. Returns its length.
size_t ws_head(uint8_t out[10], enum ws_opcode opcode, size_t n);
// One whole frame, masked as a client must, with 4 random bytes.
void ws_put_masked(struct buf *out, enum ws_opcode opcode, struct span payload, const uint8_t mask[4]);

#endif
