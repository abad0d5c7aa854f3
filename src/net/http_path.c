// SPDX-License-Identifier: Apache-2.0
//
// From a request's target to the path of a file: decoded once, resolved, and checked. Invariant: what comes out begins with a
// slash and has no segment that is empty, `.` or `..`, so that it can be looked up below a folder as it is.
#include "net/http.h"

static int hex(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool begins(struct span s, const char *with)
{
    size_t n = strlen(with);
    if (s.n < n) return false;
    for (size_t i = 0; i < n; i++) {
        if ((s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + 32 : s.p[i]) != with[i]) return false;
    }
    return true;
}

// "a server MUST accept the absolute-form in requests" (RFC 9112 §3.2.2): what stands before the path goes.
static struct span without_authority(struct span s)
{
    size_t at = begins(s, "http://") ? 7 : begins(s, "https://") ? 8 : 0;
    if (at == 0) return s;
    while (at < s.n && s.p[at] != '/' && s.p[at] != '?' && s.p[at] != '#') at++;
    return at < s.n && s.p[at] == '/' ? span_of(s.p + at, s.n - at) : span_str("/");
}

// The segment that ends here is looked at. `n` bytes are in out; false if it climbs too high.
static bool close_segment(char *out, size_t *n)
{
    size_t from = *n;
    while (out[from - 1] != '/') from--;
    size_t size = *n - from;
    if (size == 1 && out[from] == '.') *n = from;
    if (size != 2 || memcmp(out + from, "..", 2) != 0) return true;
    if (from == 1) return false;
    from--;
    while (out[from - 1] != '/') from--;
    *n = from;
    return true;
}

enum err http_path(struct span target, char out[HTTP_TARGET_MAX])
{
    struct span s = without_authority(target);
    size_t n = 1;
    out[0] = 0;
    if (s.n == 0 || s.p[0] != '/') return ERR_MALFORMED;
    if (target.n >= HTTP_TARGET_MAX) return ERR_LIMIT;
    char path[HTTP_TARGET_MAX] = "/";
    for (size_t i = 1; i < s.n && s.p[i] != '?' && s.p[i] != '#'; i++) {
        uint8_t c = s.p[i];
        if (c == '%') {
            int high = s.n - i > 2 ? hex(s.p[i + 1]) : -1, low = s.n - i > 2 ? hex(s.p[i + 2]) : -1;
            if (high < 0 || low < 0) return ERR_MALFORMED;
            c = (uint8_t)(high << 4 | low);
            i += 2;
        }
        if (c == 0) return ERR_MALFORMED;
        // An escaped slash divides segments too: on disk it could be nothing else.
        if (c != '/') path[n++] = (char)c;
        else if (!close_segment(path, &n)) return ERR_MALFORMED;
        else if (path[n - 1] != '/') path[n++] = '/';
    }
    if (!close_segment(path, &n)) return ERR_MALFORMED;
    path[n] = 0;
    memcpy(out, path, n + 1);
    return ERR_OK;
}
