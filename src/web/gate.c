// SPDX-License-Identifier: Apache-2.0
//
// Host (RFC 9110 §7.2), Origin (RFC 6454 §7), and Sec-Fetch-Site (Fetch Metadata), each compared to what it is here.
#include "web/gate.h"

#include <stdio.h>
#include <strings.h>

static bool is_here(struct span host, uint16_t port)
{
    char ours[40];
    static const char *const names[] = {"127.0.0.1", "localhost"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(ours, sizeof ours, "%s:%u", names[i], port);
        if (span_eq(host, span_str(ours))) return true;
    }
    return false;
}

// Two of a header are as bad as a wrong one: nobody knows which of them counts.
static size_t count(const struct http_request *r, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < r->headers; i++) {
        const struct http_header *h = &r->header[i];
        n += h->name.n == strlen(name) && strncasecmp((const char *)h->name.p, name, h->name.n) == 0;
    }
    return n;
}

static bool says(const struct http_request *r, const char *name, const char *value)
{
    struct span s;
    return http_header(r, name, &s) && span_eq(s, span_str(value));
}

// A person who follows a link to the page, from wherever, may have it: it holds nothing, and no other page can look into it.
static bool follows_link(const struct http_request *r)
{
    return says(r, "sec-fetch-mode", "navigate") && says(r, "sec-fetch-dest", "document");
}

static bool is_ours(const struct http_request *r, uint16_t port, bool must_tell)
{
    static const char scheme[] = "http://";
    struct span host, origin;
    if (count(r, "host") != 1 || !http_header(r, "host", &host) || !is_here(host, port)) return false;
    bool same = count(r, "sec-fetch-site") == 0 || says(r, "sec-fetch-site", "same-origin") ||
                says(r, "sec-fetch-site", "none");
    if (!same && (must_tell || !follows_link(r))) return false;
    if (count(r, "origin") == 0) return !must_tell;
    if (count(r, "origin") != 1 || !http_header(r, "origin", &origin)) return false;
    size_t n = sizeof scheme - 1;
    return origin.n == n + host.n && memcmp(origin.p, scheme, n) == 0 && memcmp(origin.p + n, host.p, host.n) == 0;
}

bool gate_is_walked(const struct http_request *r) { return count(r, "sec-fetch-mode") == 0 || follows_link(r); }

struct span gate_token(const struct http_request *r)
{
    static const char scheme[] = "bearer ";
    struct span s;
    size_t n = sizeof scheme - 1;
    if (count(r, "authorization") != 1 || !http_header(r, "authorization", &s) || s.n <= n) return span_of(NULL, 0);
    return strncasecmp((const char *)s.p, scheme, n) == 0 ? span_of(s.p + n, s.n - n) : span_of(NULL, 0);
}

static bool is_file(struct span target)
{
    return target.n >= 5 && memcmp(target.p, "/file", 5) == 0 && (target.n == 5 || strchr("/?", target.p[5]) != NULL);
}

// Where a browser tells what for it asks: neither a tab nor a frame nor a script.
static bool is_player(const struct http_request *r)
{
    return count(r, "sec-fetch-dest") == 0 || says(r, "sec-fetch-dest", "video") || says(r, "sec-fetch-dest", "audio");
}

static bool is_play(struct span target) { return target.n > 6 && memcmp(target.p, "/play/", 6) == 0; }

enum gate gate_of(const struct http_request *r, uint16_t port)
{
    bool get = span_eq(r->method, span_str("GET")), head = span_eq(r->method, span_str("HEAD"));
    bool socket = span_eq(r->target, span_str("/rpc")), file = is_file(r->target);
    if (!is_ours(r, port, socket)) return GATE_ELSEWHERE;
    if (is_play(r->target)) {
        if (!is_player(r)) return GATE_ELSEWHERE;
        return !get ? GATE_METHOD : r->body ? GATE_BAD : GATE_PLAY;
    }
    if (file && span_eq(r->method, span_str("PUT"))) return GATE_PUT;
    if (!get && !head) return GATE_METHOD;
    if (r->body) return GATE_BAD;
    if (file) return get ? GATE_FILE : GATE_FILE_HEAD;
    if (!socket) return head ? GATE_HEAD : GATE_PAGE;
    return get && r->minor == 1 && r->upgrade && r->ws_key.n > 0 && r->ws_version == 13 ? GATE_SOCKET : GATE_BAD;
}
