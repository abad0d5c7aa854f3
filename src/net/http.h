// SPDX-License-Identifier: Apache-2.0
//
// net/http: the heads of HTTP/1.1 requests and responses (RFC 9112) as far as a static site and a WebSocket handshake
// need them. No I/O: bytes in, bytes out. What is parsed points into the bytes that were given.
#ifndef WHIMBREL_NET_HTTP_H
#define WHIMBREL_NET_HTTP_H

#include "base/base.h"

enum { HTTP_HEAD_MAX = 8192, HTTP_HEADERS_MAX = 64, HTTP_TARGET_MAX = 2048 };

struct http_header {
    struct span name, value; // the value without white space around it
};

struct http_request {
    struct span method, target; // target as it was sent
    unsigned minor;             // of HTTP/1.minor: 0 or 1
    struct http_header header[HTTP_HEADERS_MAX];
    size_t headers;
    bool keep_alive;      // by version and Connection
    bool upgrade;         // Upgrade has the token websocket, and Connection the token upgrade
    bool body;            // a body follows: Transfer-Encoding, or a Content-Length above 0
    struct span ws_key;   // Sec-WebSocket-Key, if it is one (24 characters of base64 for 16 bytes)
    unsigned ws_version;  // Sec-WebSocket-Version
};

// How many bytes the head has, its empty line included; 0: more are needed. ERR_LIMIT above HTTP_HEAD_MAX.
enum err http_head_size(struct span bytes, size_t *size);
// ERR_MALFORMED for what is no request of HTTP/1.x (an HTTP/1.1 one without Host, too), ERR_UNSUPPORTED for another
// version, ERR_LIMIT for a target or number of headers above the limit.
enum err http_read_request(struct span head, struct http_request *out);
// Header names compare without case. False if it is not there.
bool http_header(const struct http_request *r, const char *name, struct span *value);
// The path of a target: percent-decoded, without query, `..` and empty segments resolved, beginning with '/'.
// ERR_MALFORMED for a bad escape or a NUL or a path that climbs above the root.
enum err http_path(struct span target, char out[HTTP_TARGET_MAX]);

// A response to a handshake, as a client gets it: the status, and whether Sec-WebSocket-Accept fits `key`.
enum err http_read_upgrade(struct span head, const char *key, unsigned *status, bool *accepted);
// Sec-WebSocket-Accept for a Sec-WebSocket-Key (RFC 6455 §4.2.2): 28 characters and a NUL.
void http_ws_accept(struct span key, char out[29]);
// 16 random bytes as a Sec-WebSocket-Key: 24 characters and a NUL.
void http_ws_key(const uint8_t random[16], char out[25]);
// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 §5.6.7).
void http_date(uint64_t seconds, char out[30]);
bool http_read_date(struct span text, uint64_t *seconds);

#endif
