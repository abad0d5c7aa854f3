// SPDX-License-Identifier: Apache-2.0
//
// HMAC-SHA-256 (RFC 2104) of the path's beginning, "/play/MESSAGE", in base64url behind it. Invariant: a message has one spelling, so a path that is
// known is the one that was given out.
#include "web/ticket.h"

#include "base/base64.h"

#include <stdio.h>
#include <stdlib.h>

enum { KEY = 32, KEY_TEXT = 43, DIGITS_MAX = 18 };
static const char prefix[] = "/play/";

enum err tickets_renew(struct tickets *t)
{
    const struct world w = crypto_system_world();
    t->good = false;
    mem_wipe(t->secret, sizeof t->secret);
    enum err e = w.random(w.arg, t->secret, sizeof t->secret);
    t->good = e == ERR_OK;
    return e;
}

void tickets_wipe(struct tickets *t) { mem_wipe(t, sizeof *t); }

enum err tickets_path(const struct tickets *t, uint64_t message, char out[TICKET_PATH])
{
    uint8_t key[KEY];
    char text[TICKET_PATH];
    int n = snprintf(text, sizeof text, "%s%llu", prefix, (unsigned long long)message);
    struct span begin = span_of(text, (size_t)n);
    if (!t->good || n > (int)(sizeof prefix - 1 + DIGITS_MAX)) return ERR_REFUSED;
    enum err e = crypto_mac(t->crypto, crypto_suite(CRYPTO_X25519_AES128_SHA256_ED25519),
                            span_of(t->secret, sizeof t->secret), &begin, 1, key);
    if (e != ERR_OK) return e;
    text[n] = '/';
    base64_encode(span_of(key, sizeof key), text + n + 1);
    memcpy(out, text, (size_t)n + 1 + KEY_TEXT + 1);
    return ERR_OK;
}

bool tickets_know(const struct tickets *t, struct span target, uint64_t *message)
{
    char digits[DIGITS_MAX + 1], path[TICKET_PATH];
    size_t skip = sizeof prefix - 1, n = 0;
    if (target.n < skip + 1 + 1 + KEY_TEXT || memcmp(target.p, prefix, skip) != 0) return false;
    n = target.n - skip - 1 - KEY_TEXT;
    if (n > DIGITS_MAX || target.p[skip + n] != '/') return false;
    for (size_t i = 0; i < n; i++) {
        if (target.p[skip + i] < '0' || target.p[skip + i] > '9') return false;
    }
    memcpy(digits, target.p + skip, n);
    digits[n] = 0;
    *message = strtoull(digits, NULL, 10);
    return tickets_path(t, *message, path) == ERR_OK && strlen(path) == target.n &&
           mem_equal(path, target.p, target.n);
}
