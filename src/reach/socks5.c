// SPDX-License-Identifier: Apache-2.0
//
// The client's side of SOCKS5. Each answer's length is known from its first bytes, so nothing is taken that belongs to what comes behind
// the conversation. Invariant: in_n never passes what the message under way needs, which is SOCKS5_REQUEST_MAX at most.
#include "reach/socks5.h"

#include <arpa/inet.h>

enum { GREETING, LOGIN, ASKED, OVER };
static const enum reach_hop hop_of[] = {[GREETING] = HOP_GREETING, [LOGIN] = HOP_LOGIN, [ASKED] = HOP_BEYOND};

static void put(struct socks5 *s, size_t *n, const void *bytes, size_t size)
{
    memcpy(s->out + *n, bytes, size);
    *n += size;
}

// RFC 1928 §4. Whatever is not numeric is a name, and the proxy's business.
static struct span request(struct socks5 *s)
{
    uint8_t head[5] = {SOCKS5_VERSION, SOCKS5_CONNECT, 0}, address[16];
    const uint8_t port[2] = {(uint8_t)(s->to.port >> 8), (uint8_t)s->to.port};
    size_t n = 0;
    if (inet_pton(AF_INET, s->to.host, address) == 1) {
        head[3] = SOCKS5_IPV4;
        put(s, &n, head, 4);
        put(s, &n, address, 4);
    } else if (inet_pton(AF_INET6, s->to.host, address) == 1) {
        head[3] = SOCKS5_IPV6;
        put(s, &n, head, 4);
        put(s, &n, address, 16);
    } else {
        head[3] = SOCKS5_NAME;
        head[4] = (uint8_t)strlen(s->to.host);
        put(s, &n, head, 5);
        put(s, &n, s->to.host, head[4]);
    }
    put(s, &n, port, 2);
    s->state = ASKED;
    return span_of(s->out, n);
}

// RFC 1929 §2
static struct span login(struct socks5 *s)
{
    const uint8_t head[2] = {SOCKS5_LOGIN_VERSION, s->user_n};
    size_t n = 0;
    put(s, &n, head, 2);
    put(s, &n, s->user, s->user_n);
    put(s, &n, &s->password_n, 1);
    put(s, &n, s->password, s->password_n);
    s->state = LOGIN;
    return span_of(s->out, n);
}

enum err socks5_open(struct socks5 *s, enum socks5_mode mode, struct span user, struct span password,
                     const struct reach_target *to, struct span *send)
{
    *s = (struct socks5){.mode = mode, .to = *to, .state = GREETING};
    *send = span_of(NULL, 0);
    if (!reach_host_ok(to->host) || to->port == 0) return ERR_INVALID;
    if (mode != SOCKS5_OPEN) {
        if (user.n == 0 || user.n > SOCKS5_TEXT_MAX || password.n > SOCKS5_TEXT_MAX) return ERR_LIMIT;
        memcpy(s->user, user.p, s->user_n = (uint8_t)user.n);
        if (password.n > 0) memcpy(s->password, password.p, s->password_n = (uint8_t)password.n);
    }
    size_t n = 0;
    const uint8_t greeting[] = {SOCKS5_VERSION, 1, mode == SOCKS5_OPEN ? SOCKS5_NO_LOGIN : SOCKS5_PASSWORD};
    put(s, &n, greeting, sizeof greeting);
    *send = span_of(s->out, n);
    return ERR_OK;
}

static enum reach_step fail(struct socks5 *s, enum reach_hop hop, enum err e, unsigned code)
{
    s->state = OVER;
    s->failure = (struct reach_failure){.hop = hop, .err = e, .code = (uint16_t)code};
    return REACH_FAILED;
}

// How long the answer under way is, as far as its first bytes tell; 0: it is none.
static size_t needed(const struct socks5 *s)
{
    if (s->state != ASKED) return 2;
    if (s->in_n < 5) return 5; // the shortest reply that can be told has ten
    switch (s->in[3]) {
    case SOCKS5_IPV4: return 4 + 4 + 2;
    case SOCKS5_IPV6: return 4 + 16 + 2;
    case SOCKS5_NAME: return 4 + 1 + (size_t)s->in[4] + 2;
    default: return 0;
    }
}

static enum reach_step on_greeting(struct socks5 *s, struct span *send)
{
    if (s->in[1] == SOCKS5_NO_METHOD) return fail(s, HOP_LOGIN, ERR_REFUSED, 0);
    if (s->in[1] != (s->mode == SOCKS5_OPEN ? SOCKS5_NO_LOGIN : SOCKS5_PASSWORD))
        return fail(s, HOP_GREETING, ERR_INVALID, 0); // it chose what it was not offered
    *send = s->mode == SOCKS5_OPEN ? request(s) : login(s);
    return REACH_MORE;
}

static enum reach_step on_login(struct socks5 *s, struct span *send)
{
    if (s->in[1] != 0) return fail(s, HOP_LOGIN, ERR_UNAUTHENTICATED, 0);
    *send = request(s);
    return REACH_MORE;
}

static enum reach_step on_answer(struct socks5 *s, struct span *send)
{
    s->in_n = 0;
    if (s->state == GREETING) return on_greeting(s, send);
    if (s->state == LOGIN) return on_login(s, send);
    s->state = OVER;
    return REACH_DONE; // the address in the reply is the proxy's own, and no use to us
}

// What can be told from the first bytes of an answer is told then: a proxy that refuses need not say all the rest. The third byte of a
// reply is reserved, and not looked at.
static enum reach_step look(struct socks5 *s)
{
    if (s->in[0] != (s->state == LOGIN ? SOCKS5_LOGIN_VERSION : SOCKS5_VERSION))
        return fail(s, hop_of[s->state], ERR_MALFORMED, 0);
    if (s->state != ASKED) return REACH_MORE;
    if (s->in_n >= 2 && s->in[1] != SOCKS5_GRANTED) return fail(s, HOP_BEYOND, ERR_REFUSED, s->in[1]);
    return s->in_n >= 5 && needed(s) == 0 ? fail(s, HOP_BEYOND, ERR_MALFORMED, 0) : REACH_MORE;
}

enum reach_step socks5_take(struct socks5 *s, struct span bytes, size_t *used, struct span *send)
{
    *used = 0;
    *send = span_of(NULL, 0);
    enum reach_step step = s->state == OVER ? (s->failure.hop == HOP_NONE ? REACH_DONE : REACH_FAILED) : REACH_MORE;
    while (step == REACH_MORE && *used < bytes.n) {
        if (send->n > 0) { // an answer to what has not been sent yet
            step = fail(s, HOP_GREETING, ERR_INVALID, 0);
            break;
        }
        s->in[s->in_n++] = bytes.p[(*used)++];
        step = look(s);
        if (step == REACH_MORE && s->in_n >= needed(s)) step = on_answer(s, send);
    }
    if (step == REACH_FAILED) *send = span_of(NULL, 0);
    return step;
}

void socks5_closed(struct socks5 *s, bool late)
{
    if (s->state != OVER) (void)fail(s, hop_of[s->state], late ? ERR_LIMIT : ERR_IO, 0);
}

void socks5_wipe(struct socks5 *s) { mem_wipe(s, sizeof *s); }
