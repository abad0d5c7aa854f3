// SPDX-License-Identifier: Apache-2.0
//
// WebSocket frames (RFC 6455 §5). The parser keeps the head of the frame under way and, if a message does not lie in one piece,
// what has come of it; never more than has come, whatever a head announces. Invariant: what it returns does not depend on how
// the bytes were cut.
#include "net/ws.h"

#include "base/utf8.h"

enum { FIN = 0x80, RESERVED = 0x70, MASKED = 0x80, CONTROL_MAX = 125 };

void ws_init(struct ws_parser *p, bool server, uint32_t max)
{
    *p = (struct ws_parser){.server = server, .max = max};
    buf_init(&p->message, max);
}

void ws_wipe(struct ws_parser *p)
{
    buf_wipe(&p->message);
    mem_wipe(p->control, sizeof p->control);
    mem_wipe(p->head, sizeof p->head);
}

bool ws_waiting(const struct ws_parser *p) { return p->head_n > 0 || p->opcode != 0; }

// ------------------------------------------------------------------------------------------------------ one frame's head

static bool is_control(const struct ws_parser *p) { return (p->head[0] & 8) != 0; }
static bool is_last(const struct ws_parser *p) { return (p->head[0] & FIN) != 0; }

// How many bytes the head has, as far as those that have come tell.
static size_t head_size(const struct ws_parser *p)
{
    if (p->head_n < 2) return 2;
    uint8_t length = p->head[1] & 0x7f;
    return 2U + (length == 126 ? 2 : length == 127 ? 8 : 0) + ((p->head[1] & MASKED) != 0 ? 4 : 0);
}

static uint64_t payload_size(const struct ws_parser *p)
{
    uint8_t length = p->head[1] & 0x7f;
    if (length < 126) return length;
    uint64_t n = 0;
    for (size_t i = 0; i < (length == 126 ? 2 : 8); i++) n = n << 8 | p->head[2 + i];
    return n;
}

// The rules of §5.2, §5.4 and §5.5 for the first two bytes. 0, or what to close with.
static enum ws_status check_start(const struct ws_parser *p)
{
    uint8_t opcode = p->head[0] & 15, length = p->head[1] & 0x7f;
    // "MUST be 0 unless an extension is negotiated that defines meanings for non-zero values."
    if ((p->head[0] & RESERVED) != 0) return WS_PROTOCOL_ERROR;
    // "The server MUST close the connection upon receiving a frame that is not masked." And a client one that is.
    if (((p->head[1] & MASKED) != 0) != p->server) return WS_PROTOCOL_ERROR;
    switch (opcode) {
    case WS_CONTINUATION: return p->opcode == 0 ? WS_PROTOCOL_ERROR : 0;
    case WS_TEXT:
    case WS_BINARY: return p->opcode != 0 ? WS_PROTOCOL_ERROR : 0;
    case WS_CLOSE:
    case WS_PING:
    case WS_PONG: // "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented."
        return length > CONTROL_MAX || !is_last(p) ? WS_PROTOCOL_ERROR : 0;
    default: return WS_PROTOCOL_ERROR;
    }
}

// The length: "the minimal number of bytes MUST be used to encode" it, and "the most significant bit MUST be 0".
static enum ws_status check_length(const struct ws_parser *p)
{
    uint8_t length = p->head[1] & 0x7f;
    uint64_t n = payload_size(p);
    if ((length == 126 && n < 126) || (length == 127 && (n < 65536 || n >> 63 != 0))) return WS_PROTOCOL_ERROR;
    return !is_control(p) && n > p->max - p->message.n ? WS_TOO_BIG : 0;
}

// Takes bytes of the head. True once it is whole; *status if it must not go on.
static bool take_head(struct ws_parser *p, uint8_t **bytes, size_t *n, enum ws_status *status)
{
    while (p->head_n < head_size(p)) {
        if (*n == 0) return false;
        p->head[p->head_n++] = *(*bytes)++;
        --*n;
        if (p->head_n == 2 && (*status = check_start(p)) != 0) return false;
    }
    if ((*status = check_length(p)) != 0) return false;
    p->left = payload_size(p);
    p->mask_at = 0;
    p->control_n = is_control(p) ? 0 : p->control_n;
    if (!is_control(p) && p->opcode == 0) p->opcode = p->head[0] & 15;
    return true;
}

// -------------------------------------------------------------------------------------------------------- payloads

// §5.3, eight bytes at a time.
static void unmask(uint8_t *p, size_t n, const uint8_t key[4], uint32_t at)
{
    uint8_t turned[8];
    uint64_t mask, word;
    for (size_t i = 0; i < 8; i++) turned[i] = key[(at + i) & 3];
    memcpy(&mask, turned, 8);
    size_t i = 0;
    for (; n - i >= 8; i += 8) {
        memcpy(&word, p + i, 8);
        word ^= mask;
        memcpy(p + i, &word, 8);
    }
    for (; i < n; i++) p[i] ^= turned[i & 7];
}

// The frame is whole. True if that makes something to return.
static bool finish(struct ws_parser *p, struct span whole, enum ws_opcode *opcode, struct span *payload,
                   enum ws_status *status)
{
    p->head_n = 0;
    if (is_control(p)) {
        *opcode = (enum ws_opcode)(p->head[0] & 15);
        *payload = whole.p != NULL ? whole : span_of(p->control, p->control_n);
        return true;
    }
    if (!is_last(p)) return false;
    *opcode = (enum ws_opcode)p->opcode;
    *payload = whole.p != NULL ? whole : buf_span(&p->message);
    p->opcode = 0;
    if (*opcode != WS_TEXT || utf8_ok(*payload)) return true;
    *status = WS_INVALID_DATA;
    return false;
}

static bool keep(struct ws_parser *p, const uint8_t *bytes, size_t n)
{
    if (!is_control(p)) {
        buf_put(&p->message, span_of(bytes, n));
        return buf_end(&p->message) == ERR_OK;
    }
    memcpy(p->control + p->control_n, bytes, n);
    p->control_n = (uint8_t)(p->control_n + n);
    return true;
}

bool ws_next(struct ws_parser *p, uint8_t **bytes, size_t *n, enum ws_opcode *opcode, struct span *payload,
             enum ws_status *status)
{
    *status = 0;
    *payload = span_of(NULL, 0);
    // What was returned last time.
    if (p->opcode == 0 && p->message.p != NULL) buf_wipe(&p->message);
    for (;;) {
        if (p->head_n < head_size(p) && !take_head(p, bytes, n, status)) return false;
        if (*n == 0 && p->left > 0) return false;
        size_t take = p->left < *n ? (size_t)p->left : *n;
        uint8_t *at = *bytes;
        if (p->server && take > 0) unmask(at, take, p->head + head_size(p) - 4, p->mask_at);
        if (take > 0) *bytes += take; // it may be NULL
        *n -= take;
        // In one piece: it need not be kept.
        bool one = take == payload_size(p) && take > 0 && (is_control(p) || (is_last(p) && p->message.n == 0));
        if (!one && take > 0 && !keep(p, at, take)) {
            *status = WS_INTERNAL;
            return false;
        }
        p->left -= take;
        p->mask_at = (uint32_t)((p->mask_at + take) & 3);
        if (p->left > 0) return false;
        if (finish(p, one ? span_of(at, take) : span_of(NULL, 0), opcode, payload, status)) return true;
        if (*status != 0) return false;
    }
}

bool ws_close_status(struct span payload, uint16_t *status)
{
    *status = 1005; // "no status code is present"
    if (payload.n == 0) return true;
    if (payload.n == 1) return false;
    unsigned code = (unsigned)payload.p[0] << 8 | payload.p[1];
    // §7.4: what may stand in a frame: what is registered, 3000 for libraries, 4000 for private use.
    bool known = (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
                 (code >= 3000 && code <= 4999);
    if (!known || !utf8_ok(span_of(payload.p + 2, payload.n - 2))) return false;
    *status = (uint16_t)code;
    return true;
}

// -------------------------------------------------------------------------------------------------------- writing

size_t ws_head(uint8_t out[10], enum ws_opcode opcode, size_t n)
{
    size_t more = n < 126 ? 0 : n < 65536 ? 2 : 8;
    out[0] = (uint8_t)(FIN | opcode);
    out[1] = (uint8_t)(more == 0 ? n : more == 2 ? 126 : 127);
    for (size_t i = 0; i < more; i++) out[2 + i] = (uint8_t)((uint64_t)n >> 8 * (more - 1 - i));
    return 2 + more;
}

void ws_put_masked(struct buf *out, enum ws_opcode opcode, struct span payload, const uint8_t mask[4])
{
    uint8_t head[14];
    size_t n = ws_head(head, opcode, payload.n);
    head[1] |= MASKED;
    memcpy(head + n, mask, 4);
    buf_put(out, span_of(head, n + 4));
    uint8_t *at = buf_grow(out, payload.n);
    if (at == NULL || payload.n == 0) return;
    memcpy(at, payload.p, payload.n);
    unmask(at, payload.n, mask, 0);
}
