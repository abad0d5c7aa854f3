// SPDX-License-Identifier: Apache-2.0
//
// Heads of HTTP/1.1 messages, read strictly: what RFC 9112 lets a server refuse is refused, since whatever two programs may
// read differently can be used to make them disagree. It allocates nothing; what it returns points into the head. Paths and
// dates are in http_path.c and http_date.c.
#include "net/http.h"

#include <openssl/evp.h>

static bool is_token_char(uint8_t c)
{
    // RFC 9110 §5.6.2
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!is_token_char(s.p[i])) return false;
    }
    return s.n > 0;
}

static bool equal_nocase(struct span a, const char *b)
{
    for (size_t i = 0; i < a.n; i++) {
        uint8_t c = a.p[i] >= 'A' && a.p[i] <= 'Z' ? (uint8_t)(a.p[i] + 32) : a.p[i];
        uint8_t d = b[i] >= 'A' && b[i] <= 'Z' ? (uint8_t)(b[i] + 32) : (uint8_t)b[i];
        if (c != d || d == 0) return false;
    }
    return b[a.n] == 0;
}

static struct span trim(struct span s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) s = span_of(s.p + 1, s.n - 1);
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t')) s.n--;
    return s;
}

// Whether a list (RFC 9110 §5.6.1) has a token, in any case.
static bool list_has(struct span list, const char *token)
{
    for (size_t from = 0, i = 0; i <= list.n; i++) {
        if (i < list.n && list.p[i] != ',') continue;
        if (equal_nocase(trim(span_of(list.p + from, i - from)), token)) return true;
        from = i + 1;
    }
    return false;
}

// ------------------------------------------------------------------------------------------------------ lines

enum err http_head_size(struct span bytes, size_t *size)
{
    size_t n = bytes.n < HTTP_HEAD_MAX ? bytes.n : HTTP_HEAD_MAX, line = 0, start = 0;
    *size = 0;
    // "a server … SHOULD ignore at least one empty line (CRLF) received prior to the request-line" (RFC 9112 §2.2)
    if (n >= 2 && memcmp(bytes.p, "\r\n", 2) == 0) line = start = 2;
    for (size_t i = start; i < n; i++) {
        uint8_t c = bytes.p[i];
        if (c == '\n') {
            if (i == line || bytes.p[i - 1] != '\r') return ERR_MALFORMED;
            if (i == line + 1) {
                if (line == start) return ERR_MALFORMED; // another empty line
                *size = i + 1;
                return ERR_OK;
            }
            line = i + 1;
        } else if ((c < 0x20 && c != '\t' && c != '\r') || c == 0x7f || (i > line && bytes.p[i - 1] == '\r')) {
            return ERR_MALFORMED;
        }
    }
    return bytes.n >= HTTP_HEAD_MAX ? ERR_LIMIT : ERR_OK;
}

// The next line of a head that http_head_size has looked through; false at the empty one.
static bool next_line(struct span *head, struct span *line)
{
    const uint8_t *end = head->n > 0 ? memchr(head->p, '\n', head->n) : NULL;
    if (end == NULL || end == head->p) return false;
    size_t n = (size_t)(end - head->p);
    *line = span_of(head->p, n - 1);
    *head = span_of(end + 1, head->n - n - 1);
    return line->n > 0;
}

// The head as given, without an empty line before it; ERR_MALFORMED if it is not exactly one head.
static enum err begin(struct span *head)
{
    size_t size;
    enum err e = http_head_size(*head, &size);
    if (e == ERR_OK && size != head->n) e = ERR_MALFORMED;
    if (e == ERR_OK && size > 0 && head->p[0] == '\r') *head = span_of(head->p + 2, head->n - 2);
    return e == ERR_OK && size == 0 ? ERR_MALFORMED : e;
}

static enum err read_field(struct span line, struct http_header *out)
{
    const uint8_t *colon = memchr(line.p, ':', line.n);
    if (colon == NULL) return ERR_MALFORMED;
    out->name = span_of(line.p, (size_t)(colon - line.p));
    // No white space before the colon, and no continued lines (RFC 9112 §5.1, §5.2): neither begins with a token.
    if (!is_token(out->name)) return ERR_MALFORMED;
    out->value = trim(span_of(colon + 1, line.n - out->name.n - 1));
    return ERR_OK;
}

static enum err read_fields(struct span head, struct http_header *out, size_t *n)
{
    struct span line;
    for (*n = 0; next_line(&head, &line); ++*n) {
        if (*n == HTTP_HEADERS_MAX) return ERR_LIMIT;
        enum err e = read_field(line, &out[*n]);
        if (e != ERR_OK) return e;
    }
    return ERR_OK;
}

// HTTP/1.x; *minor is at most 1, as one that we do not know must be understood as far as we do (RFC 9110 §2.5).
static enum err read_version(struct span s, unsigned *minor)
{
    if (s.n != 8 || memcmp(s.p, "HTTP/", 5) != 0 || s.p[6] != '.') return ERR_MALFORMED;
    if (s.p[5] < '0' || s.p[5] > '9' || s.p[7] < '0' || s.p[7] > '9') return ERR_MALFORMED;
    if (s.p[5] != '1') return ERR_UNSUPPORTED;
    *minor = s.p[7] == '0' ? 0 : 1;
    return ERR_OK;
}

static enum err read_request_line(struct span line, struct http_request *out)
{
    const uint8_t *end = line.p + line.n, *a = memchr(line.p, ' ', line.n);
    if (a == NULL) return ERR_MALFORMED;
    const uint8_t *b = memchr(a + 1, ' ', (size_t)(end - a - 1));
    if (b == NULL) return ERR_MALFORMED;
    out->method = span_of(line.p, (size_t)(a - line.p));
    out->target = span_of(a + 1, (size_t)(b - a - 1));
    if (!is_token(out->method) || out->target.n == 0) return ERR_MALFORMED;
    enum err e = read_version(span_of(b + 1, (size_t)(end - b - 1)), &out->minor);
    if (e != ERR_OK) return e;
    for (size_t i = 0; i < out->target.n; i++) {
        if (out->target.p[i] <= 0x20 || out->target.p[i] >= 0x7f) return ERR_MALFORMED;
    }
    return out->target.n >= HTTP_TARGET_MAX ? ERR_LIMIT : ERR_OK;
}

// ------------------------------------------------------------------------------------------------- what headers mean

// All headers of a name together: how many there are, and whether any has the token.
static size_t count(const struct http_header *h, size_t n, const char *name, const char *token, bool *has)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        if (!equal_nocase(h[i].name, name)) continue;
        found++;
        if (token != NULL && list_has(h[i].value, token)) *has = true;
    }
    return found;
}

bool http_header(const struct http_request *r, const char *name, struct span *value)
{
    for (size_t i = 0; i < r->headers; i++) {
        if (!equal_nocase(r->header[i].name, name)) continue;
        *value = r->header[i].value;
        return true;
    }
    return false;
}

// A body is not read here, but what says contradictory things about it is refused (RFC 9112 §6.3).
static enum err read_body(struct http_request *r)
{
    size_t coded = count(r->header, r->headers, "Transfer-Encoding", NULL, NULL), lengths = 0;
    for (size_t i = 0; i < r->headers; i++) {
        struct span v = r->header[i].value;
        if (!equal_nocase(r->header[i].name, "Content-Length")) continue;
        if (++lengths > 1 || v.n == 0) return ERR_MALFORMED;
        for (size_t k = 0; k < v.n; k++) {
            if (v.p[k] < '0' || v.p[k] > '9') return ERR_MALFORMED;
            if (v.p[k] != '0') r->body = true;
        }
    }
    if (coded > 0 && (lengths > 0 || r->minor == 0)) return ERR_MALFORMED;
    r->body |= coded > 0;
    return ERR_OK;
}

// Whether it is base64 of 16 bytes: the last character has four bits that belong to none of them.
static bool is_key(struct span s)
{
    if (s.n != 24 || memcmp(s.p + 22, "==", 2) != 0 || strchr("AQgw", s.p[21]) == NULL) return false;
    for (size_t i = 0; i < 22; i++) {
        uint8_t c = s.p[i];
        bool fits = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '+' || c == '/';
        if (!fits) return false;
    }
    return true;
}

static void read_handshake(struct http_request *r)
{
    struct span v;
    bool websocket = false, upgrade = false;
    (void)count(r->header, r->headers, "Upgrade", "websocket", &websocket);
    (void)count(r->header, r->headers, "Connection", "upgrade", &upgrade);
    r->upgrade = websocket && upgrade;
    // Neither may come twice (RFC 6455 §11.3.1, §11.3.5).
    bool one = count(r->header, r->headers, "Sec-WebSocket-Key", NULL, NULL) == 1;
    if (one && http_header(r, "Sec-WebSocket-Key", &v) && is_key(v)) r->ws_key = v;
    one = count(r->header, r->headers, "Sec-WebSocket-Version", NULL, NULL) == 1;
    if (!one || !http_header(r, "Sec-WebSocket-Version", &v) || v.n == 0 || v.n > 3) return;
    unsigned version = 0;
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] < '0' || v.p[i] > '9' || (v.p[i] == '0' && v.n > 1 && i == 0)) return;
        version = version * 10 + v.p[i] - '0';
    }
    r->ws_version = version;
}

enum err http_read_request(struct span head, struct http_request *out)
{
    struct span line;
    bool close = false, keep = false, unused = false;
    *out = (struct http_request){0};
    enum err e = begin(&head);
    if (e == ERR_OK) e = next_line(&head, &line) ? read_request_line(line, out) : ERR_MALFORMED;
    if (e == ERR_OK) e = read_fields(head, out->header, &out->headers);
    if (e == ERR_OK) e = read_body(out);
    if (e == ERR_OK) {
        // "A server MUST respond with a 400 … to any HTTP/1.1 request message that lacks a Host header field and to any
        // request message that contains more than one" (RFC 9112 §3.2)
        size_t hosts = count(out->header, out->headers, "Host", NULL, &unused);
        if (hosts > 1 || (hosts == 0 && out->minor == 1)) e = ERR_MALFORMED;
    }
    if (e != ERR_OK) {
        *out = (struct http_request){0};
        return e;
    }
    (void)count(out->header, out->headers, "Connection", "close", &close);
    (void)count(out->header, out->headers, "Connection", "keep-alive", &keep);
    out->keep_alive = !close && (out->minor == 1 || keep);
    read_handshake(out);
    return ERR_OK;
}

// ------------------------------------------------------------------------------------------------------- handshakes

void http_ws_key(const uint8_t random[16], char out[25]) { (void)EVP_EncodeBlock((uint8_t *)out, random, 16); }

void http_ws_accept(struct span key, char out[29])
{
    static const char suffix[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    uint8_t text[24 + sizeof suffix - 1], hash[20] = {0};
    size_t n = key.n < 24 ? key.n : 24;
    if (n > 0) memcpy(text, key.p, n);
    memcpy(text + n, suffix, sizeof suffix - 1);
    (void)EVP_Digest(text, n + sizeof suffix - 1, hash, NULL, EVP_sha1(), NULL);
    (void)EVP_EncodeBlock((uint8_t *)out, hash, sizeof hash);
}

enum err http_read_upgrade(struct span head, const char *key, unsigned *status, bool *accepted)
{
    struct http_header h[HTTP_HEADERS_MAX];
    struct span line;
    size_t n;
    unsigned minor;
    char accept[29];
    bool websocket = false, upgrade = false, fits = false;
    *status = 0;
    *accepted = false;
    enum err e = begin(&head);
    if (e != ERR_OK) return e;
    if (!next_line(&head, &line) || line.n < 12 || line.p[8] != ' ') return ERR_MALFORMED;
    e = read_version(span_of(line.p, 8), &minor);
    if (e != ERR_OK) return e;
    for (size_t i = 9; i < 12; i++) {
        if (line.p[i] < '0' || line.p[i] > '9') return ERR_MALFORMED;
    }
    if (line.p[9] == '0' || (line.n > 12 && line.p[12] != ' ')) return ERR_MALFORMED;
    e = read_fields(head, h, &n);
    if (e != ERR_OK) return e;
    *status = (line.p[9] - '0') * 100U + (line.p[10] - '0') * 10U + (line.p[11] - '0');
    (void)count(h, n, "Upgrade", "websocket", &websocket);
    (void)count(h, n, "Connection", "upgrade", &upgrade);
    http_ws_accept(span_str(key), accept);
    for (size_t i = 0; i < n; i++) {
        if (equal_nocase(h[i].name, "Sec-WebSocket-Accept")) fits = span_eq(h[i].value, span_str(accept));
    }
    // None was asked for, so none may be chosen (RFC 6455 §4.1).
    bool more = count(h, n, "Sec-WebSocket-Extensions", NULL, NULL) + count(h, n, "Sec-WebSocket-Protocol", NULL, NULL) > 0;
    bool one = count(h, n, "Sec-WebSocket-Accept", NULL, NULL) == 1;
    *accepted = *status == 101 && minor == 1 && websocket && upgrade && fits && one && !more;
    return ERR_OK;
}
