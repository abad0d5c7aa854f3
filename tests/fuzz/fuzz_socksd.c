// SPDX-License-Identifier: Apache-2.0
//
// A client of the SOCKS5 server that says anything: pieces of any size change nothing about what is said, no step uses more than there is,
// nobody gets to a request without a password that is a user's, and no place is reached that is not on the list.
#include "kit.h"

#include "socksd/allow.h"
#include "socksd/talk.h"

static const struct socksd_user list[] = {{"ann", "s3cret"}, {"u", "p"}};
static struct socksd_place places[4];

void fuzz_open(void)
{
    static const char *const texts[4] = {"relay.example:443", "192.0.2.7:443", "[2001:db8::7]:443", "10.0.0.5:8443"};
    const char *why;
    for (size_t i = 0; i < 4; i++) must_ok(socksd_place_read(span_str(texts[i]), &places[i], &why));
}

struct heard {
    uint8_t said[64], how;
    size_t n, used;
    struct socksd_target to;
};

static void check_turn(const struct socksd_turn *turn, size_t there)
{
    must(turn->used <= there && turn->say_n <= SOCKSD_SAY_MAX);
    if (turn->step == SOCKSD_MORE) must(turn->used == 0 && turn->say_n == 0 && there < SOCKSD_MESSAGE_MAX);
    if (turn->step == SOCKSD_SAID) must(turn->used > 0 && turn->say_n == 2);
    if (turn->step == SOCKSD_CONNECT) must(turn->used >= 7 && turn->say_n == 0);
    if (turn->step == SOCKSD_ENDED && turn->say_n > 0) must(turn->say[1] != 0);
}

// A client that sends pieces, which are as long as `sizes` says.
static struct heard hear(const struct socksd_users *users, struct span in, struct feed sizes)
{
    struct socksd_talk t = {0};
    struct socksd_turn turn = {.step = SOCKSD_MORE};
    struct heard h = {0};
    size_t there = 0;
    while (turn.step <= SOCKSD_SAID && (there < in.n || turn.step == SOCKSD_SAID)) {
        const size_t piece = sizes.n > 0 ? 1U + feed_u8(&sizes) : in.n;
        if (turn.step == SOCKSD_MORE) there = in.n - there < piece ? in.n : there + piece;
        struct span part = kit_copy(span_of(in.p + h.used, there - h.used));
        socksd_talk_turn(&t, users, part, &turn);
        check_turn(&turn, part.n);
        must(h.n + turn.say_n <= sizeof h.said);
        memcpy(h.said + h.n, turn.say, turn.say_n);
        h.n += turn.say_n;
        h.used += turn.used;
    }
    h.how = (uint8_t)turn.step;
    if (turn.step == SOCKSD_CONNECT) h.to = turn.to;
    return h;
}

static bool holds(struct span in, const char *text) { return memmem(in.p, in.n, text, strlen(text)) != NULL; }

static bool same_target(const struct socksd_target *a, const struct socksd_target *b)
{
    if (a->size != b->size || a->name_n != b->name_n || a->port != b->port) return false;
    return memcmp(a->address, b->address, a->size) == 0 && memcmp(a->name, b->name, a->name_n) == 0;
}

static void check_place(const struct socksd_target *to)
{
    int i = socksd_allow_find(places, 4, to);
    if (i < 0) return;
    must(i < 4 && places[i].port == to->port);
    if (to->size != 0 && places[i].size == to->size) must(memcmp(places[i].address, to->address, to->size) == 0);
    if (to->size != 0) must(places[i].size != 0);
    else must(to->name_n >= 7);
}

void fuzz_one(struct span bytes)
{
    struct feed f = {bytes.p, bytes.n};
    const struct socksd_users users = {.list = list, .n = 2, .anyone = feed_u8(&f) % 2 == 1};
    struct span sizes = feed_bytes(&f), in = feed_rest(&f);
    struct heard whole = hear(&users, in, (struct feed){0}), pieces = hear(&users, in, (struct feed){sizes.p, sizes.n});
    must(whole.n == pieces.n && whole.how == pieces.how && memcmp(whole.said, pieces.said, whole.n) == 0);
    must(whole.used == pieces.used);
    if (whole.how == SOCKSD_CONNECT) {
        must(users.anyone ||
             holds(in, "\x03"
                       "ann\x06"
                       "s3cret") ||
             holds(in, "\x01u\x01p"));
        must(same_target(&whole.to, &pieces.to));
        check_place(&whole.to);
    }
    struct socksd_place p;
    const char *why = NULL;
    if (socksd_place_read(in, &p, &why) != ERR_OK) must(why != NULL && strlen(why) > 8);
    else must(p.port != 0 && (p.size == 0) == (p.name[0] != 0));
}

void fuzz_seeds(const char *folder)
{
    static const struct {
        const char *name, *p;
        size_t n;
    } seeds[] = {
#define SEED(name, text) {name, text, sizeof(text) - 1}
        SEED("ipv4", "\x01\x00\x05\x01\x00\x05\x01\x00\x01\xc0\x00\x02\x07\x01\xbbhello"),
        SEED("ipv6", "\x01\x03\x00\x02\x01\x05\x01\x00\x05\x01\x00\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00"
                     "\x00\x00\x00\x07\x01\xbb"),
        SEED("mapped", "\x01\x00\x05\x01\x00\x05\x01\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xc0\x00"
                       "\x02\x07\x01\xbb"),
        SEED("name", "\x00\x02\x00\x04\x05\x02\x00\x02\x01\x03"
                     "ann\x06s3cret\x05\x01\x00\x03\x0drelay.example\x01\xbb"),
        SEED("name-of-number", "\x00\x00\x05\x01\x02\x01\x01u\x01p\x05\x01\x00\x03\x09"
                               "192.0.2.7\x01\xbb"),
        SEED("wrong", "\x00\x00\x05\x01\x02\x01\x03"
                      "ann\x06s3creT"),
        SEED("bind", "\x01\x00\x05\x01\x00\x05\x02\x00\x01\xc0\x00\x02\x07\x01\xbb"),
        SEED("type", "\x01\x00\x05\x01\x00\x05\x01\x00\x05\xc0\x00\x02\x07\x01\xbb"),
        SEED("socks4", "\x01\x00\x04\x01\x01\xbb\xc0\x00\x02\x07u\x00"),
        SEED("http", "\x00\x00GET / HTTP/1.1\r\n\r\n"),
        SEED("place", "\x00\x00relay.example:443"),
        SEED("place6", "\x00\x00[2001:db8::7]:443"),
    };
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
        kit_seed(folder, seeds[i].name, span_of(seeds[i].p, seeds[i].n));
}
