// SPDX-License-Identifier: Apache-2.0
//
// The server's side of SOCKS5 (RFC 1928, RFC 1929) as clients see it, to the byte: each method, right and wrong passwords, each form of an
// address, what is no request, and all of it in pieces of every size.
#include "tests/unit.h"

#include "socksd/talk.h"

static const struct socksd_user list[] = {{"ann", "s3cret"}, {"bob", "p"}};
static const struct socksd_users users = {.list = list, .n = 2}, anyone = {.anyone = true};

// A whole conversation: all that a client sends at once. What was said, how it ended, and how many bytes were used.
struct heard {
    uint8_t said[64];
    size_t n, used;
    enum socksd_step step;
    struct socksd_target to;
};
static struct heard hear(const struct socksd_users *u, struct span in)
{
    struct socksd_talk t = {0};
    struct heard h = {0};
    struct socksd_turn turn;
    do {
        socksd_talk_turn(&t, u, span_of(in.p + h.used, in.n - h.used), &turn);
        memcpy(h.said + h.n, turn.say, turn.say_n);
        h.n += turn.say_n;
        h.used += turn.used;
    } while (turn.step == SOCKSD_SAID);
    h.step = turn.step;
    h.to = turn.to;
    return h;
}
#define HEAR(u, text) hear((u), span_of((text), sizeof(text) - 1))

static void said(const struct heard *h, const char *text, size_t n)
{
    assert_int_equal(h->n, n);
    assert_memory_equal(h->said, text, n);
}
#define SAID(h, text) said((h), (text), sizeof(text) - 1)

// ------------------------------------------------------------------------------------------------------------- methods

static void test_methods(void **state)
{
    (void)state;
    struct heard h = HEAR(&anyone, "\x05\x01\x00");
    SAID(&h, "\x05\x00");
    assert_int_equal(h.step, SOCKSD_MORE);
    h = HEAR(&anyone, "\x05\x02\x00\x02"); // no password is asked for where none is needed
    SAID(&h, "\x05\x00");
    h = HEAR(&anyone, "\x05\x01\x02"); // whoever insists may give one
    SAID(&h, "\x05\x02");
    h = HEAR(&users, "\x05\x03\x00\x01\x02");
    SAID(&h, "\x05\x02");
    assert_int_equal(h.used, 5);
    h = HEAR(&users, "\x05\x02\x00\x01");
    SAID(&h, "\x05\xff");
    assert_int_equal(h.step, SOCKSD_ENDED);
    h = HEAR(&users, "\x05\x00");
    SAID(&h, "\x05\xff");
    assert_int_equal(h.step, SOCKSD_ENDED);
    char most[2 + 255] = "\x05\xff";
    memset(most + 2, 0x80, 254);
    most[256] = 2;
    h = hear(&users, span_of(most, sizeof most));
    SAID(&h, "\x05\x02");
    assert_int_equal(h.used, sizeof most);
}

static void test_other_protocols_hear_nothing(void **state)
{
    (void)state;
    static const char *const others[] = {"GET / HTTP/1.1\r\n\r\n", "\x04\x01\x01\xbb", "\x16\x03\x01\x02",
                                         "SSH-2.0-x\r\n"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct heard h = hear(&anyone, span_str(others[i]));
        assert_int_equal(h.n, 0);
        assert_int_equal(h.step, SOCKSD_ENDED);
    }
}

// ------------------------------------------------------------------------------------------------------------ passwords

#define LOGIN "\x05\x01\x02"

static void test_passwords(void **state)
{
    (void)state;
    struct heard h = HEAR(&users, LOGIN "\x01\x03"
                                        "ann\x06"
                                        "s3cret");
    SAID(&h, "\x05\x02\x01\x00");
    assert_int_equal(h.step, SOCKSD_MORE);
    h = HEAR(&users, LOGIN "\x01\x03"
                           "bob\x01p");
    SAID(&h, "\x05\x02\x01\x00");
    static const char *const wrong[] = {"\x01\x03"
                                        "ann\x01p", // another's
                                        "\x01\x03"
                                        "ann\x05s3cre",
                                        "\x01\x03"
                                        "ann\x07s3crets",
                                        "\x01\x02"
                                        "an\x06s3cret",
                                        "\x01\x03"
                                        "Ann\x06s3cret",
                                        "\x01\x01x\x01x"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, LOGIN "%s", wrong[i]);
        h = hear(&users, span_str(text));
        SAID(&h, "\x05\x02\x01\x01");
        assert_int_equal(h.step, SOCKSD_ENDED);
    }
    h = HEAR(&users, LOGIN "\x01\x00\x00"); // nobody with nothing
    SAID(&h, "\x05\x02\x01\x01");
    h = HEAR(&users, LOGIN "\x01\x03"
                           "bob\x02p\x00"); // a NUL is a byte
    SAID(&h, "\x05\x02\x01\x01");
    h = HEAR(&users, LOGIN "\x05\x01\x00\x01"); // the request, without having logged in
    SAID(&h, "\x05\x02\x01\x01");
    assert_int_equal(h.step, SOCKSD_ENDED);
}

// A name that is as long as it can be does not reach behind itself.
static void test_longest_password(void **state)
{
    char name[256], word[256], in[3 + SOCKSD_MESSAGE_MAX] = LOGIN "\x01\xff";
    struct socksd_user u = {name, word};
    const struct socksd_users one = {.list = &u, .n = 1};
    (void)state;
    memset(name, 'n', 255);
    memset(word, 'w', 255);
    name[255] = word[255] = 0;
    memcpy(in + 5, name, 255);
    in[260] = (char)0xff;
    memcpy(in + 261, word, 255);
    struct heard h = hear(&one, span_of(in, sizeof in));
    SAID(&h, "\x05\x02\x01\x00");
    assert_int_equal(h.used, sizeof in);
    word[254] = 'x';
    h = hear(&one, span_of(in, sizeof in));
    SAID(&h, "\x05\x02\x01\x01");
}

// ------------------------------------------------------------------------------------------------------------- requests

#define OPEN "\x05\x01\x00"

static void test_requests(void **state)
{
    (void)state;
    struct heard h = HEAR(&anyone, OPEN "\x05\x01\x00\x01\xc0\x00\x02\x07\x01\xbbrest");
    assert_int_equal(h.step, SOCKSD_CONNECT);
    assert_int_equal(h.used, 3 + 10);
    assert_int_equal(h.to.size, 4);
    assert_int_equal(h.to.port, 443);
    assert_memory_equal(h.to.address, "\xc0\x00\x02\x07", 4);
    h = HEAR(&anyone, OPEN "\x05\x01\x00\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\xff\xff");
    assert_int_equal(h.step, SOCKSD_CONNECT);
    assert_int_equal(h.to.size, 16);
    assert_int_equal(h.to.port, 65535);
    assert_memory_equal(h.to.address, "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", 16);
    h = HEAR(&anyone, OPEN "\x05\x01\x00\x03\x0drelay.example\x01\xbb");
    assert_int_equal(h.step, SOCKSD_CONNECT);
    assert_int_equal(h.to.size, 0);
    assert_int_equal(h.to.name_n, 13);
    assert_memory_equal(h.to.name, "relay.example", 13);
    h = HEAR(&anyone,
             OPEN "\x05\x01\x00\x03\x00\x01\xbb"); // a name of no bytes is a request, if not one that leads anywhere
    assert_int_equal(h.step, SOCKSD_CONNECT);
    assert_int_equal(h.to.name_n, 0);
}

static void test_no_requests(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n;
        uint8_t reply;
    } wrong[] = {
        {"\x04\x01\x00\x01", 4, SOCKS5_FAILURE},         // another version
        {"\x05\x01\x01\x01", 4, SOCKS5_FAILURE},         // "must be set to X'00'"
        {"\x05\x02\x00\x01", 4, SOCKS5_NO_COMMAND},      // BIND
        {"\x05\x03\x00\x01", 4, SOCKS5_NO_COMMAND},      // UDP ASSOCIATE
        {"\x05\xf0\x00\x03", 4, SOCKS5_NO_COMMAND},      // Tor's RESOLVE
        {"\x05\x01\x00\x02", 4, SOCKS5_NO_ADDRESS_TYPE}, // between IPv4 and a name
        {"\x05\x01\x00\xff", 4, SOCKS5_NO_ADDRESS_TYPE},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[16] = OPEN;
        memcpy(text + 3, wrong[i].text, wrong[i].n);
        struct heard h = hear(&anyone, span_of(text, 3 + wrong[i].n));
        uint8_t expected[12] = {5, 0, 5, wrong[i].reply, 0, 1};
        assert_int_equal(h.step, SOCKSD_ENDED);
        said(&h, (const char *)expected, 12);
    }
}

// ---------------------------------------------------------------------------------------------------------------- pieces

static const char whole[] = LOGIN "\x01\x03"
                                  "ann\x06"
                                  "s3cret"
                                  "\x05\x01\x00\x03\x0drelay.example\x01\xbb";

// Until the last byte of a message is there, the server says nothing and forgets nothing.
static void test_byte_at_a_time(void **state)
{
    const size_t ends[] = {3, 15, 35};
    struct socksd_talk t = {0};
    struct socksd_turn turn = {0};
    size_t from = 0, message = 0;
    (void)state;
    assert_int_equal(sizeof whole - 1, ends[2]);
    for (size_t n = 1; n < sizeof whole; n++) {
        socksd_talk_turn(&t, &users, span_of(whole + from, n - from), &turn);
        if (n < ends[message]) {
            assert_int_equal(turn.step, SOCKSD_MORE);
            assert_int_equal(turn.used + turn.say_n, 0);
            continue;
        }
        assert_int_equal(turn.step, message < 2 ? SOCKSD_SAID : SOCKSD_CONNECT);
        assert_int_equal(turn.used, n - from);
        from = n;
        message++;
    }
    assert_int_equal(turn.to.name_n, 13);
}

static void test_what_is_over_stays_over(void **state)
{
    struct socksd_talk t = {0};
    struct socksd_turn turn;
    (void)state;
    socksd_talk_turn(&t, &users, span_of("\x05\x01\x00", 3), &turn);
    assert_int_equal(turn.step, SOCKSD_ENDED);
    socksd_talk_turn(&t, &users, span_of(whole, sizeof whole - 1), &turn);
    assert_int_equal(turn.step, SOCKSD_ENDED);
    assert_int_equal(turn.used + turn.say_n, 0);
}

// This server and the client of Whimbrel understand each other: every mode, every form of an address.
static void test_own_client(void **state)
{
    static const char *const hosts[] = {"192.0.2.7", "2001:db8::7", "relay.example", "xn--bcher-kva.example"};
    (void)state;
    for (size_t i = 0; i < 8; i++) {
        struct reach_target to = {.port = 8443};
        struct socks5 client;
        struct socksd_talk t = {0};
        struct socksd_turn turn;
        struct span send;
        size_t used;
        const bool login = i % 2 == 1;
        (void)snprintf(to.host, sizeof to.host, "%s", hosts[i / 2]);
        assert_ok(
            socks5_open(&client, login ? SOCKS5_LOGIN : SOCKS5_OPEN, span_str("ann"), span_str("s3cret"), &to, &send));
        for (;;) {
            socksd_talk_turn(&t, login ? &users : &anyone, send, &turn);
            assert_int_equal(turn.used, send.n);
            if (turn.step != SOCKSD_SAID) break;
            assert_int_equal(socks5_take(&client, span_of(turn.say, turn.say_n), &used, &send), REACH_MORE);
        }
        assert_int_equal(turn.step, SOCKSD_CONNECT);
        assert_int_equal(turn.to.port, 8443);
        assert_int_equal(turn.to.size, i / 2 == 0 ? 4 : i / 2 == 1 ? 16 : 0);
        uint8_t answer[SOCKSD_SAY_MAX];
        socksd_talk_answer(SOCKS5_GRANTED, answer);
        assert_int_equal(socks5_take(&client, span_of(answer, sizeof answer), &used, &send), REACH_DONE);
        socks5_wipe(&client);
    }
}

static void test_answer(void **state)
{
    uint8_t answer[SOCKSD_SAY_MAX];
    (void)state;
    socksd_talk_answer(SOCKS5_GRANTED, answer);
    assert_memory_equal(answer, "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", sizeof answer);
    socksd_talk_answer(SOCKS5_REFUSED, answer);
    assert_memory_equal(answer, "\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00", sizeof answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_methods),        cmocka_unit_test(test_other_protocols_hear_nothing),
        cmocka_unit_test(test_passwords),      cmocka_unit_test(test_longest_password),
        cmocka_unit_test(test_requests),       cmocka_unit_test(test_no_requests),
        cmocka_unit_test(test_byte_at_a_time), cmocka_unit_test(test_what_is_over_stays_over),
        cmocka_unit_test(test_own_client),     cmocka_unit_test(test_answer),
    };
    return unit_run("socksd-talk", tests);
}
