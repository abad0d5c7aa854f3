// SPDX-License-Identifier: Apache-2.0
//
// A SOCKS5 proxy that says anything, in pieces of any size: nothing is taken behind the end of the conversation, what is sent next is a message
// of the protocol, each failure has a hop and a sentence, and what has ended stays ended.
#include "kit.h"

#include "reach/socks5.h"

void fuzz_open(void) {}

static void check_send(struct span send, const struct socks5 *s)
{
    must(send.n == 0 || (send.p == s->out && send.n <= sizeof s->out));
    if (send.n == 0) return;
    if (send.p[0] == SOCKS5_LOGIN_VERSION) must(send.n == 3U + s->user_n + s->password_n);
    else
        must(send.p[0] == SOCKS5_VERSION && send.p[1] == SOCKS5_CONNECT && send.n >= 8 && send.n <= SOCKS5_REQUEST_MAX);
}

static void check_failed(const struct socks5 *s)
{
    must(s->failure.hop != HOP_NONE && s->failure.err != ERR_OK && s->failure.code < 256);
    must(strlen(reach_failure_text(&s->failure)) > 20);
}

void fuzz_one(struct span bytes)
{
    struct feed f = {bytes.p, bytes.n};
    struct reach_target to = {.port = feed_u16(&f)};
    enum socks5_mode mode = feed_u8(&f) % 3;
    struct span host = feed_bytes(&f), user = feed_bytes(&f), password = feed_bytes(&f), send;
    struct socks5 s;
    memcpy(to.host, host.p, host.n < REACH_HOST_MAX ? host.n : REACH_HOST_MAX);
    if (socks5_open(&s, mode, user, password, &to, &send) != ERR_OK) {
        must(send.n == 0);
        return;
    }
    enum reach_step step = REACH_MORE;
    while (f.n > 0 && step == REACH_MORE) {
        size_t used, piece = 1U + feed_u8(&f) % 16;
        struct span part = kit_copy(feed_take(&f, piece));
        step = socks5_take(&s, part, &used, &send);
        must(used <= part.n && (step != REACH_MORE || used == part.n));
        must(step == REACH_MORE || send.n == 0);
        check_send(send, &s);
    }
    if (step == REACH_MORE) {
        socks5_closed(&s, feed_u8(&f) % 2 == 1);
        step = REACH_FAILED;
    }
    if (step == REACH_FAILED) check_failed(&s);
    size_t used;
    must(socks5_take(&s, span_str("\x05\x00"), &used, &send) == step && used == 0 && send.n == 0);
    socks5_wipe(&s);
}

void fuzz_seeds(const char *folder)
{
    static const char *const names[] = {"open", "login", "isolate", "refused", "tor", "name"};
    static const struct {
        const char *p;
        size_t n;
    } seeds[] = {
#define SEED(text) {text, sizeof(text) - 1}
        SEED("\x01\xbb\x00\x09"
             "127.0.0.1\x00\x00\x01\x05\x00\x0f\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"),
        SEED("\x01\xbb\x01\x05r.org\x01u\x01p\x01\x05\x02\x01\x01\x00\x00\x05\x00\x00\x00\x00\x01\x00\x04xxxx\x01yy"),
        SEED("\x01\xbb\x02\x07x.onion\x02"
             "ab\x02"
             "cd\x01\x05\x02\x01\x01\x00\x0f\x05\x00\x00\x04"
             "0123456789abcdef\x00\x00"),
        SEED("\x01\xbb\x00\x03::1\x00\x00\x01\x05\x00\x0f\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00"),
        SEED("\x01\xbb\x02\x07x.onion\x02"
             "ab\x02"
             "cd\x01\x05\x02\x01\x01\x00\x0f\x05\xf4\x00\x01\x00\x00\x00\x00\x00\x00"),
        SEED("\x01\xbb\x00\x01x\x00\x00\x01\x05\x00\x0f\x05\x00\x00\x03\x03"
             "abc\x00\x00more"),
    };
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
        kit_seed(folder, names[i], span_of(seeds[i].p, seeds[i].n));
}
