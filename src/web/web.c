// SPDX-License-Identifier: Apache-2.0
//
// Connections of the page: HTTP for its files, then a WebSocket for JSON-RPC. Invariant: rpc hears nothing from a socket that has not
// shown a token, and that is the first thing it says.
#include "web/web.h"

#include "base/base64.h"
#include "net/http.h"
#include "net/local.h"
#include "net/ws.h"
#include "web/asset.h"
#include "web/gate.h"
#include "web/media.h"
#include "web/part.h"
#include "web/ticket.h"
#include "web/token.h"

#include <jansson.h>
#include <stdio.h>

enum {
    VISITORS_MAX = 64,
    AHEAD = 1 << 20,
    PUT_MS = 60000,
    MESSAGE_MAX = 1 << 20,
    STRANGER_MS = 10000,
    HEAD_ROOM = 4 * HTTP_HEAD_MAX
};

struct web {
    struct net_loop *loop;
    struct rpc *rpc;
    char folder[1000];
    char ticket[WEB_TICKET], elsewhere[2 * WEB_ADDRESS_MAX]; /* secret */
    struct net_timer expiry;
    struct tokens tokens;
    struct tickets tickets;
    struct local_server *server;
    struct guest *guests;
    size_t n;
    bool closing;
};

struct guest {
    struct web *web;
    struct guest *next, **link;
    struct local_conn *conn;
    struct buf head;          // of a request, as far as it has come
    struct ws_parser parser;  // once it is a WebSocket
    bool socket, known, over; // known: has shown a token; over: nothing is read any more
    struct rpc_peer *peer;
    struct media media;
    bool stays;             // behind the file that is on its way
    bool bare;              // HEAD was asked: the answer has no body
    struct net_timer timer; // until it is known
};

// ------------------------------------------------------------------------------------------------------------- answers

// Browsers look up the hosts of links that they show before anybody opens one: then whoever sends a link would learn of its reading, and a
// look-up would go past the proxies.
static const char headers[] =
    "Cache-Control: no-store\r\n"
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src "
    "'self' blob:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for "
    "'script';"
    " trusted-types 'none'\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Embedder-Policy: require-corp\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Permissions-Policy: camera=(self), microphone=(self), geolocation=(), usb=(), serial=(), bluetooth=()\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "X-DNS-Prefetch-Control: off\r\n"
    "X-Frame-Options: DENY\r\n";

static void send_head(struct guest *g, const char *status, const char *type, size_t n, bool stays)
{
    char text[2000];
    int size = snprintf(text, sizeof text,
                        "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: %s\r\n%s\r\n", status,
                        type, n, stays ? "keep-alive" : "close", headers);
    local_send(g->conn, span_of(text, (size_t)size));
}

static void finish(struct guest *g)
{
    g->over = true;
    net_timer_stop(&g->timer);
    local_finish(g->conn);
}

static void on_wasted(struct net_timer *t)
{
    finish((struct guest *)(void *)((char *)t - offsetof(struct guest, timer)));
}

static void refuse(struct guest *g, const char *status, const char *text)
{
    send_head(g, status, "text/plain; charset=utf-8", strlen(text), false);
    if (!g->bare) local_send(g->conn, span_str(text));
    finish(g);
}

// Refuses what has a body: that is read and thrown away for a while, since whoever is still writing when the connection closes never sees the answer.
static void refuse_body(struct guest *g, const char *status, const char *text)
{
    media_drop(&g->media);
    send_head(g, status, "text/plain; charset=utf-8", strlen(text), false);
    local_send(g->conn, span_str(text));
    g->over = true;
    net_timer_start(g->web->loop, &g->timer, STRANGER_MS, on_wasted);
}

static void forget_ticket(struct web *w)
{
    net_timer_stop(&w->expiry);
    mem_wipe(w->ticket, sizeof w->ticket);
    mem_wipe(w->elsewhere, sizeof w->elsewhere);
}

static void on_expiry(struct net_timer *t)
{
    forget_ticket((struct web *)(void *)((char *)t - offsetof(struct web, expiry)));
}

// On to another profile's page, whose address nothing but the browser's window is told.
static void lead_on(struct guest *g, const struct http_request *r)
{
    struct web *w = g->web;
    char text[2000];
    struct span ticket = span_of(r->target.p + 4, r->target.n - 4);
    bool good = w->ticket[0] != 0 && ticket.n == WEB_TICKET - 1 && mem_equal(ticket.p, w->ticket, ticket.n) &&
                gate_is_walked(r);
    if (!good) {
        refuse(g, "404 Not Found", "There is nothing here.\n");
        return;
    }
    int n = snprintf(text, sizeof text,
                     "HTTP/1.1 303 See Other\r\nLocation: %s\r\nContent-Length: 0\r\nConnection: close\r\n%s\r\n",
                     w->elsewhere, headers);
    local_send(g->conn, span_of(text, (size_t)n));
    mem_wipe(text, sizeof text);
    forget_ticket(w);
    finish(g);
}

static bool leads_on(const struct http_request *r) { return r->target.n > 4 && memcmp(r->target.p, "/go/", 4) == 0; }

static void send_page(struct guest *g, const struct http_request *r, bool body)
{
    if (leads_on(r)) {
        lead_on(g, r);
        return;
    }
    char path[HTTP_TARGET_MAX];
    const struct asset *a = http_path(r->target, path) == ERR_OK ? asset_find(path) : NULL;
    if (a == NULL) {
        refuse(g, "404 Not Found", "There is nothing here.\n");
        return;
    }
    send_head(g, "200 OK", a->type, a->bytes.n, r->keep_alive);
    if (body) local_send(g->conn, a->bytes);
    if (!r->keep_alive) finish(g);
}

// --------------------------------------------------------------------------------------------------------------- files

// As much as may wait; false while there is more.
static bool send_pieces(struct guest *g)
{
    struct buf piece;
    bool whole = false;
    buf_init(&piece, 1 << 16);
    while (!g->over && !whole && local_pending(g->conn) < AHEAD) {
        piece.n = 0;
        enum err e = media_next(&g->media, &piece);
        if (e != ERR_OK) { // what was promised is not there: whoever counts bytes notices
            g->over = true;
            local_end(g->conn);
        }
        whole = piece.n == 0;
        if (e == ERR_OK && !whole) local_send(g->conn, buf_span(&piece));
    }
    buf_wipe(&piece);
    if (!whole || g->over) return g->over;
    media_drop(&g->media);
    if (!g->stays) finish(g);
    return true;
}

// Of a sound or a film: where an element of the page may ask for it.
static void put_location(const struct guest *g, const struct http_request *r, struct buf *head)
{
    char path[TICKET_PATH], text[TICKET_PATH + 30];
    uint64_t message = 0;
    if (!g->media.plays || !part_number(r->target, "/file/", &message)) return;
    if (tickets_path(&g->web->tickets, message, path) != ERR_OK) return;
    (void)snprintf(text, sizeof text, "Content-Location: %s\r\n", path);
    buf_put(head, span_str(text));
    mem_wipe(path, sizeof path);
    mem_wipe(text, sizeof text);
}

static void send_file(struct guest *g, const struct http_request *r, bool body)
{
    const char *status, *text;
    struct buf head;
    buf_init(&head, MEDIA_HEAD);
    g->stays = r->keep_alive;
    if (!media_get(rpc_opened(g->web->rpc), g->web->folder, r, &head, &g->media, &status, &text)) {
        refuse(g, status, text);
    } else {
        buf_put(&head, span_str(r->keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n"));
        buf_put(&head, span_str(headers));
        if (!body) put_location(g, r, &head);
        buf_put(&head, span_str("\r\n"));
        local_send(g->conn, buf_span(&head));
        net_timer_stop(&g->timer);
        if (!body) g->media.at = g->media.end;
        (void)send_pieces(g);
    }
    buf_wipe(&head);
}

// The same for an element of the page: its path says that the page has shown a token.
static void send_played(struct guest *g, const struct http_request *r)
{
    struct http_request file = *r;
    char target[40];
    uint64_t message = 0;
    if (!tickets_know(&g->web->tickets, r->target, &message)) {
        refuse(g, "404 Not Found", "There is nothing here.\n");
        return;
    }
    (void)snprintf(target, sizeof target, "/file/%llu", (unsigned long long)message);
    file.target = span_str(target);
    send_file(g, &file, true);
}

// All of it has come: its number.
static void answer_put(struct guest *g)
{
    int64_t upload = 0;
    char text[60];
    if (media_put_end(&g->media, &upload) != ERR_OK) {
        refuse_body(g, "507 Insufficient Storage", "It cannot be stored: is the disk full?\n");
        return;
    }
    int n = snprintf(text, sizeof text, "{\"upload\":%lld}", (long long)upload);
    send_head(g, "201 Created", "application/json", (size_t)n, g->stays);
    local_send(g->conn, span_of(text, (size_t)n));
    if (!g->stays) finish(g);
}

// How many of the bytes were its own.
static size_t take_body(struct guest *g, struct span bytes)
{
    size_t n = 0;
    enum err e = media_take(&g->media, bytes, &n);
    if (e != ERR_OK) refuse_body(g, "507 Insufficient Storage", "It cannot be stored: is the disk full?\n");
    else if (g->media.left == 0) answer_put(g);
    return n;
}

// They all become one file.
static bool archive_comes(const struct web *w)
{
    for (const struct guest *g = w->guests; g != NULL; g = g->next)
        if (g->media.unfinished[0] != 0) return true;
    return false;
}

static void take_file(struct guest *g, const struct http_request *r)
{
    const char *status, *text;
    struct span expects;
    g->stays = r->keep_alive;
    if (span_eq(r->target, span_str("/file/archive")) && archive_comes(g->web)) {
        refuse_body(g, "409 Conflict", "An archive is on its way here already; wait for its end.\n");
        return;
    }
    if (!media_put(rpc_opened(g->web->rpc), g->web->folder, r, &g->media, &status, &text)) {
        refuse_body(g, status, text);
        return;
    }
    if (http_header(r, "Expect", &expects)) local_send(g->conn, span_str("HTTP/1.1 100 Continue\r\n\r\n"));
    if (g->media.left == 0) answer_put(g);
}

static bool shows_token(struct guest *g, const struct http_request *r)
{
    if (tokens_know(&g->web->tokens, gate_token(r))) return true;
    if (r->body) refuse_body(g, "401 Unauthorized", "Show a token.\n");
    else refuse(g, "401 Unauthorized", "Show a token.\n");
    return false;
}

void web_lock(struct web *w)
{
    if (w != NULL) (void)tickets_renew(&w->tickets); // without randomness none is given out, and none is good
    for (struct guest *g = w == NULL ? NULL : w->guests; g != NULL; g = g->next) {
        bool moved = media_goes_out(&g->media) || media_comes_in(&g->media);
        media_drop(&g->media);
        g->over = g->over || moved;
        if (moved) local_end(g->conn);
    }
}

// ------------------------------------------------------------------------------------------------------------- sockets

static void send_frame(struct guest *g, enum ws_opcode opcode, struct span payload)
{
    uint8_t head[10];
    size_t n = ws_head(head, opcode, payload.n);
    local_send(g->conn, span_of(head, n));
    local_send(g->conn, payload);
}

static void end_socket(struct guest *g, enum ws_status status)
{
    const uint8_t code[2] = {(uint8_t)(status >> 8), (uint8_t)status};
    if (g->over) return;
    send_frame(g, WS_CLOSE, span_of(code, 2));
    finish(g);
}

static void send_line(void *arg, struct span line)
{
    struct guest *g = arg;
    if (!g->over) send_frame(g, WS_TEXT, span_of(line.p, line.n - 1)); // without its end
}

// The first message: {"token": "..."}.
static void show_token(struct guest *g, struct span message)
{
    json_t *o = json_loadb((const char *)message.p, message.n, JSON_REJECT_DUPLICATES, NULL);
    const json_t *t = json_object_get(o, "token");
    struct span token = json_is_string(t) ? span_of(json_string_value(t), json_string_length(t)) : span_of(NULL, 0);
    g->known = tokens_know(&g->web->tokens, token);
    json_decref(o);
    if (!g->known || rpc_peer_new(g->web->rpc, send_line, g, &g->peer) != ERR_OK) {
        end_socket(g, WS_POLICY);
        return;
    }
    net_timer_stop(&g->timer);
    send_frame(g, WS_TEXT, span_str("{\"ok\":true}"));
}

static void take_frames(struct guest *g, uint8_t *bytes, size_t n)
{
    enum ws_opcode opcode;
    enum ws_status status = 0;
    struct span message;
    while (!g->over && ws_next(&g->parser, &bytes, &n, &opcode, &message, &status)) {
        if (opcode == WS_CLOSE) end_socket(g, WS_NORMAL);
        else if (opcode == WS_PING) send_frame(g, WS_PONG, message);
        else if (opcode == WS_TEXT && g->known) rpc_line(g->peer, message);
        else if (opcode == WS_TEXT) show_token(g, message);
        else if (opcode != WS_PONG) end_socket(g, WS_UNSUPPORTED_DATA);
    }
    if (status != 0) end_socket(g, status);
}

static void open_socket(struct guest *g, const struct http_request *r)
{
    char accept[29], text[200];
    http_ws_accept(r->ws_key, accept);
    int n = snprintf(text, sizeof text,
                     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                     "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                     accept);
    local_send(g->conn, span_of(text, (size_t)n));
    ws_init(&g->parser, true, MESSAGE_MAX);
    g->socket = true;
}

// ------------------------------------------------------------------------------------------------------------ requests

static void on_stranger(struct net_timer *t)
{
    struct guest *g = (struct guest *)(void *)((char *)t - offsetof(struct guest, timer));
    if (g->socket) end_socket(g, WS_POLICY);
    else finish(g);
}

// One request off the front. False: more bytes are needed, or no request follows.
static bool answer(struct guest *g)
{
    struct http_request r;
    size_t size = 0;
    g->bare = false;
    enum err e = http_head_size(buf_span(&g->head), &size);
    if (e == ERR_OK && size == 0) return false;
    if (e == ERR_OK) e = http_read_request(span_of(g->head.p, size), &r);
    if (e != ERR_OK) {
        refuse(g, "400 Bad Request", "This is no request that can be understood.\n");
        return false;
    }
    g->bare = span_eq(r.method, span_str("HEAD"));
    switch (gate_of(&r, g->web->tokens.port)) {
    case GATE_PAGE: send_page(g, &r, true); break;
    case GATE_HEAD: send_page(g, &r, false); break;
    case GATE_FILE:
    case GATE_FILE_HEAD:
        if (shows_token(g, &r)) send_file(g, &r, gate_of(&r, g->web->tokens.port) == GATE_FILE);
        break;
    case GATE_PLAY: send_played(g, &r); break;
    case GATE_PUT:
        if (shows_token(g, &r)) take_file(g, &r);
        break;
    case GATE_SOCKET: open_socket(g, &r); break;
    case GATE_METHOD: refuse(g, "405 Method Not Allowed", "Not so.\n"); break;
    case GATE_BAD: refuse(g, "400 Bad Request", "This is no request that can be understood.\n"); break;
    default: refuse(g, "403 Forbidden", "This page is for this computer alone.\n");
    }
    memmove(g->head.p, g->head.p + size, g->head.n - size);
    g->head.n -= size;
    if (!g->over && !media_goes_out(&g->media))
        net_timer_start(g->web->loop, &g->timer, media_comes_in(&g->media) ? PUT_MS : STRANGER_MS, on_stranger);
    return !g->over && !g->socket && !media_goes_out(&g->media) && g->head.n > 0;
}

// Requests one after the other, and between them the bodies of some.
static void go_on(struct guest *g)
{
    bool more = true;
    while (more && !g->over) {
        if (media_comes_in(&g->media)) {
            size_t n = take_body(g, buf_span(&g->head));
            memmove(g->head.p, g->head.p + n, g->head.n - n);
            g->head.n -= n;
            more = g->head.n > 0 && !media_comes_in(&g->media);
        } else {
            more = answer(g);
        }
    }
}

// Some of what has come: into the file that comes, or to what is not understood yet.
static void take_some(struct guest *g, uint8_t **bytes, size_t *n)
{
    size_t room = HEAD_ROOM - g->head.n, taken = *n < room ? *n : room;
    bool body = media_comes_in(&g->media) && g->head.n == 0;
    if (body) net_timer_start(g->web->loop, &g->timer, PUT_MS, on_stranger);
    if (body) taken = take_body(g, span_of(*bytes, *n));
    else buf_put(&g->head, span_of(*bytes, taken));
    if (taken == 0 || buf_end(&g->head) != ERR_OK) { // more than anybody has to say at a time
        finish(g);
        return;
    }
    *bytes += taken;
    *n -= taken;
    if (!body && !media_goes_out(&g->media)) go_on(g);
}

static void on_bytes(void *who, uint8_t *bytes, size_t n)
{
    struct guest *g = who;
    if (g->over) return;
    if (g->socket) {
        take_frames(g, bytes, n);
        return;
    }
    while (n > 0 && !g->over && !g->socket) take_some(g, &bytes, &n);
    if (!g->socket || g->over) return;
    if (g->head.n > 0) take_frames(g, g->head.p, g->head.n); // what came behind the handshake
    buf_wipe(&g->head);
    if (n > 0 && !g->over) take_frames(g, bytes, n);
}

// What was sent has left: more of the file, then what was asked behind it.
static void on_drained(void *who)
{
    struct guest *g = who;
    if (g->over || !media_goes_out(&g->media) || !send_pieces(g) || g->over) return;
    net_timer_start(g->web->loop, &g->timer, STRANGER_MS, on_stranger);
    if (g->head.n > 0) go_on(g);
}

static void *on_accept(void *arg, struct local_conn *conn)
{
    struct web *w = arg;
    bool taken = !w->closing && w->n < VISITORS_MAX && local_is_own(conn);
    struct guest *g = taken ? mem_new(sizeof *g) : NULL;
    if (g == NULL) return NULL;
    *g = (struct guest){.web = w, .conn = conn, .next = w->guests, .link = &w->guests};
    if (g->next != NULL) g->next->link = &g->next;
    w->guests = g;
    w->n++;
    buf_init(&g->head, HEAD_ROOM);
    net_timer_start(w->loop, &g->timer, STRANGER_MS, on_stranger);
    return g;
}

static void web_free(struct web *w)
{
    tickets_wipe(&w->tickets);
    tokens_wipe(&w->tokens);
    forget_ticket(w);
    mem_free(w);
}

static void on_closed(void *who)
{
    struct guest *g = who;
    struct web *w = g->web;
    *g->link = g->next;
    if (g->next != NULL) g->next->link = g->link;
    net_timer_stop(&g->timer);
    rpc_peer_free(g->peer);
    media_drop(&g->media);
    if (g->socket) ws_wipe(&g->parser);
    buf_wipe(&g->head);
    mem_free(g);
    if (--w->n == 0 && w->closing) web_free(w);
}

// -------------------------------------------------------------------------------------------------------- open and close

enum err web_open(struct net_loop *l, struct rpc *r, const char *folder, struct web **out)
{
    static const struct local_owner owner = {
        .accept = on_accept, .bytes = on_bytes, .drained = on_drained, .closed = on_closed};
    struct web *w = mem_new(sizeof *w);
    if (w == NULL) return ERR_MEMORY;
    *w = (struct web){.loop = l, .rpc = r};
    enum err e = snprintf(w->folder, sizeof w->folder, "%s", folder) < (int)sizeof w->folder ? ERR_OK : ERR_LIMIT;
    if (e == ERR_OK) e = tokens_init(&w->tokens, folder);
    w->tickets.crypto = w->tokens.crypto;
    if (e == ERR_OK) e = tickets_renew(&w->tickets);
    if (e == ERR_OK) e = local_listen_port(l, &w->tokens.port, &owner, w, &w->server);
    if (e == ERR_REFUSED) { // somebody else has the port: whoever has the page open must open it anew
        w->tokens.port = 0;
        e = local_listen_port(l, &w->tokens.port, &owner, w, &w->server);
    }
    if (e == ERR_OK) *out = w;
    else web_free(w);
    return e;
}

void web_close(struct web *w)
{
    if (w == NULL) return;
    w->closing = true;
    for (struct guest *g = w->guests; g != NULL; g = g->next) { // rpc may be gone before they are
        g->over = true;
        media_drop(&g->media);
        rpc_peer_free(g->peer);
        g->peer = NULL;
    }
    local_close(w->server);
    if (w->n == 0) web_free(w);
}

enum err web_address(struct web *w, struct buf *out)
{
    char token[TOKEN_TEXT + 1], text[WEB_ADDRESS_MAX];
    enum err e = tokens_new(&w->tokens, token);
    if (e != ERR_OK) return e;
    int n = snprintf(text, sizeof text, "http://127.0.0.1:%u/#%s", w->tokens.port, token);
    buf_put(out, span_of(text, (size_t)n + 1));
    mem_wipe(token, sizeof token);
    mem_wipe(text, sizeof text);
    return buf_end(out);
}

enum err web_ticket(struct web *w, const char *address, char out[WEB_TICKET])
{
    const struct world world = crypto_system_world();
    uint8_t secret[32]; /* secret */
    if (strlen(address) >= sizeof w->elsewhere) return ERR_LIMIT;
    enum err e = world.random(world.arg, secret, sizeof secret);
    if (e != ERR_OK) return e;
    forget_ticket(w);
    base64_encode(span_of(secret, sizeof secret), w->ticket);
    mem_wipe(secret, sizeof secret);
    memcpy(w->elsewhere, address, strlen(address) + 1);
    memcpy(out, w->ticket, sizeof w->ticket);
    net_timer_start(w->loop, &w->expiry, WEB_TICKET_MS, on_expiry);
    return ERR_OK;
}
