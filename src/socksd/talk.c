// SPDX-License-Identifier: Apache-2.0
//
// The server's side of RFC 1928 and RFC 1929. Lengths are looked at before what they count; a message that is not whole changes nothing.
#include "socksd/talk.h"

enum at { GREETING, PASSWORD, REQUEST, DONE };

static void say(struct socksd_turn *out, enum socksd_step step, uint8_t a, uint8_t b)
{
    out->step = step;
    out->say[0] = a;
    out->say[1] = b;
    out->say_n = 2;
}

// "The server selects from one of the methods given in METHODS [...] If the selected METHOD is X'FF', none of the methods listed by the
// client are acceptable, and the client MUST close the connection." (RFC 1928 §3)
static void greeting(struct socksd_talk *t, const struct socksd_users *users, struct span in, struct socksd_turn *out)
{
    bool none = false, password = false;
    if (in.p[0] != SOCKS5_VERSION) { // it speaks something else, which has no answer here
        out->step = SOCKSD_ENDED;
        return;
    }
    if (in.n < 2 || in.n < 2 + (size_t)in.p[1]) return;
    out->used = 2 + (size_t)in.p[1];
    for (size_t i = 2; i < out->used; i++) {
        none = none || in.p[i] == SOCKS5_NO_LOGIN;
        password = password || in.p[i] == SOCKS5_PASSWORD;
    }
    if (users->anyone && none) {
        t->at = REQUEST;
        say(out, SOCKSD_SAID, SOCKS5_VERSION, SOCKS5_NO_LOGIN);
    } else if (password) {
        t->at = PASSWORD;
        say(out, SOCKSD_SAID, SOCKS5_VERSION, SOCKS5_PASSWORD);
    } else {
        t->at = DONE;
        say(out, SOCKSD_ENDED, SOCKS5_VERSION, SOCKS5_NO_METHOD);
    }
}

// A text of at most 255 bytes with its length, so that comparing two takes the same time whatever they are.
struct padded {
    uint8_t bytes[256];
};
static struct padded pad(struct span s)
{
    struct padded p = {.bytes = {[255] = (uint8_t)s.n}};
    if (s.n > 0) memcpy(p.bytes, s.p, s.n);
    return p;
}

static bool matches(const struct socksd_users *users, struct span name, struct span password)
{
    struct padded n = pad(name), p = pad(password);
    unsigned found = 0;
    for (size_t i = 0; i < users->n; i++) {
        struct padded own_n = pad(span_str(users->list[i].name)), own_p = pad(span_str(users->list[i].password));
        found |= (unsigned)mem_equal(&n, &own_n, sizeof n) & (unsigned)mem_equal(&p, &own_p, sizeof p);
        mem_wipe(&own_p, sizeof own_p);
    }
    mem_wipe(&p, sizeof p);
    return found != 0 || users->anyone;
}

// "A STATUS field of X'00' indicates success. If the server returns a `failure' (STATUS value other than X'00') status, it MUST close the
// connection." (RFC 1929 §2)
static void password(struct socksd_talk *t, const struct socksd_users *users, struct span in, struct socksd_turn *out)
{
    if (in.p[0] != SOCKS5_LOGIN_VERSION) {
        t->at = DONE;
        say(out, SOCKSD_ENDED, SOCKS5_LOGIN_VERSION, 1);
        return;
    }
    if (in.n < 2 || in.n < 3 + (size_t)in.p[1]) return;
    const size_t name = in.p[1], word = in.p[2 + name];
    if (in.n < 3 + name + word) return;
    out->used = 3 + name + word;
    bool ok = matches(users, span_of(in.p + 2, name), span_of(in.p + 3 + name, word));
    t->at = ok ? REQUEST : DONE;
    say(out, ok ? SOCKSD_SAID : SOCKSD_ENDED, SOCKS5_LOGIN_VERSION, ok ? 0 : 1);
}

// What there is to say against a request, from as much of it as is there; SOCKS5_GRANTED: nothing. "Fields marked RESERVED (RSV) must be set to
// X'00'." (RFC 1928 §6)
static enum socks5_reply objection(struct span in)
{
    // In the order in which they come, so that pieces get the same answer as a whole.
    if (in.p[0] != SOCKS5_VERSION) return SOCKS5_FAILURE;
    if (in.n > 1 && in.p[1] != SOCKS5_CONNECT) return SOCKS5_NO_COMMAND;
    if (in.n > 2 && in.p[2] != 0) return SOCKS5_FAILURE;
    const bool known = in.n <= 3 || in.p[3] == SOCKS5_IPV4 || in.p[3] == SOCKS5_NAME || in.p[3] == SOCKS5_IPV6;
    return known ? SOCKS5_GRANTED : SOCKS5_NO_ADDRESS_TYPE;
}

// RFC 1928 §4.
static void request(struct socksd_talk *t, struct span in, struct socksd_turn *out)
{
    enum socks5_reply no = objection(in);
    if (no != SOCKS5_GRANTED) {
        t->at = DONE;
        out->step = SOCKSD_ENDED;
        out->say_n = SOCKSD_SAY_MAX;
        socksd_talk_answer(no, out->say);
        return;
    }
    const bool name = in.n > 3 && in.p[3] == SOCKS5_NAME;
    const size_t from = name ? 5 : 4;
    if (in.n < from) return;
    const size_t n = name ? in.p[4] : in.p[3] == SOCKS5_IPV4 ? 4 : 16;
    if (in.n < from + n + 2) return;
    out->to.size = name ? 0 : (uint8_t)n;
    out->to.name_n = name ? (uint8_t)n : 0;
    memcpy(name ? out->to.name : out->to.address, in.p + from, n);
    out->to.port = (uint16_t)(in.p[from + n] << 8 | in.p[from + n + 1]);
    out->used = from + n + 2;
    out->step = SOCKSD_CONNECT;
    t->at = DONE;
}

void socksd_talk_turn(struct socksd_talk *t, const struct socksd_users *users, struct span in, struct socksd_turn *out)
{
    out->step = t->at == DONE ? SOCKSD_ENDED : SOCKSD_MORE;
    out->used = 0;
    out->say_n = 0;
    if (in.n == 0) return;
    if (t->at == GREETING) greeting(t, users, in, out);
    else if (t->at == PASSWORD) password(t, users, in, out);
    else if (t->at == REQUEST) request(t, in, out);
}

void socksd_talk_answer(enum socks5_reply r, uint8_t out[SOCKSD_SAY_MAX])
{
    const uint8_t answer[SOCKSD_SAY_MAX] = {SOCKS5_VERSION, (uint8_t)r, 0, SOCKS5_IPV4};
    memcpy(out, answer, SOCKSD_SAY_MAX);
}
