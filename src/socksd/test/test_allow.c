// SPDX-License-Identifier: Apache-2.0
//
// The list of places: how they are written, every other spelling that a client may try, and where a name may not lead.
#include "tests/unit.h"

#include "socksd/allow.h"

#include <arpa/inet.h>

enum { PLACES = 5 };
static struct socksd_place list[PLACES];

static int open_list(void **state)
{
    static const char *const texts[PLACES] = {"Relay.Example:443", "192.0.2.7:8443", "[2001:db8::7]:443",
                                              "10.0.0.5:443", "[::1]:9"};
    const char *why;
    (void)state;
    for (size_t i = 0; i < PLACES; i++) {
        if (socksd_place_read(span_str(texts[i]), &list[i], &why) != ERR_OK) return -1;
    }
    return 0;
}

static int find(const char *host, uint16_t port)
{
    struct socksd_target to = {.port = port, .name_n = (uint8_t)strlen(host)};
    memcpy(to.name, host, strlen(host));
    return socksd_allow_find(list, PLACES, &to);
}

static int find_address(const char *address, uint16_t port)
{
    struct socksd_target to = {.port = port, .size = strchr(address, ':') != NULL ? 16 : 4};
    assert_int_equal(inet_pton(to.size == 4 ? AF_INET : AF_INET6, address, to.address), 1);
    return socksd_allow_find(list, PLACES, &to);
}

static void test_places(void **state)
{
    (void)state;
    assert_string_equal(list[0].name, "relay.example");
    assert_int_equal(list[0].port, 443);
    assert_int_equal(list[1].size, 4);
    assert_int_equal(list[2].size, 16);
    struct socksd_place p;
    const char *why;
    assert_ok(socksd_place_read(span_str("[::ffff:192.0.2.9]:1"), &p, &why));
    assert_int_equal(p.size, 4); // one form for each address
}

static void test_wrong_places(void **state)
{
    static const struct {
        const char *text;
        enum err e;
        const char *word;
    } wrong[] = {
        {"relay.example", ERR_MALFORMED, "port"},
        {"relay.example:0", ERR_MALFORMED, "port"},
        {"relay.example:65536", ERR_MALFORMED, "port"},
        {"", ERR_MALFORMED, ""},
        {"*.example:443", ERR_MALFORMED, "HOST:PORT"},
        {"relay.example:1-65535", ERR_MALFORMED, "port"},
        {"192.0.2.0/24:443", ERR_MALFORMED, "HOST:PORT"},
        {"user:word@relay.example:443", ERR_MALFORMED, "HOST:PORT"},
        {"https://relay.example:443", ERR_MALFORMED, "HOST:PORT"},
        {"0.0.0.0:443", ERR_REFUSED, "no host"},
        {"[::]:443", ERR_REFUSED, "no host"},
        {"224.0.0.1:443", ERR_REFUSED, "no host"},
        {"255.255.255.255:443", ERR_REFUSED, "no host"},
        {"[ff02::1]:443", ERR_REFUSED, "no host"},
        {"abcdefghijklmnop.onion:443", ERR_REFUSED, "Tor"},
        {"X.Onion.:443", ERR_REFUSED, "Tor"},
        {"localhost:443", ERR_REFUSED, "127.0.0.1"},
        {"LOCALHOST.:443", ERR_REFUSED, "127.0.0.1"},
        {"a.localhost:443", ERR_REFUSED, "127.0.0.1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct socksd_place p;
        const char *why = "";
        if (socksd_place_read(span_str(wrong[i].text), &p, &why) != wrong[i].e) fail_msg("%s is taken", wrong[i].text);
        if (strstr(why, wrong[i].word) == NULL) fail_msg("%s: %s", wrong[i].text, why);
    }
}

static void test_found(void **state)
{
    (void)state;
    assert_int_equal(find("relay.example", 443), 0);
    assert_int_equal(find("RELAY.example.", 443), 0);
    assert_int_equal(find_address("192.0.2.7", 8443), 1);
    assert_int_equal(find_address("::ffff:192.0.2.7", 8443), 1);
    assert_int_equal(find("192.0.2.7", 8443), 1); // an address that comes as a name
    assert_int_equal(find("2001:DB8:0::7", 443), 2);
    assert_int_equal(find_address("2001:db8::7", 443), 2);
    assert_int_equal(find_address("10.0.0.5", 443), 3); // it is on the list, so it may be private
}

// Spellings of what is on the list, or of this computer, that other programs would understand.
static void test_not_found(void **state)
{
    static const char *const hosts[] = {
        "",          ".",         "relay.example..", "relay.example ",  "xrelay.example",  "example",
        "localhost", "127.0.0.1", "127.1",           "2130706433",      "0x7f000001",      "0177.0.0.1",
        "0.0.0.0",   "[::1]",     "::1%lo",          "192.0.2.007",     "192.0.2.7.",      "192.0.2",
        "10.5",      "167772165", "[2001:db8::7]",   "relay.example\n", "::ffff:10.0.0.6", "relay%2eexample"};
    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        if (find(hosts[i], 443) >= 0) fail_msg("'%s' is taken for a place of the list", hosts[i]);
    }
    assert_int_equal(find("relay.example", 80), -1);
    assert_int_equal(find("relay.example", 0), -1);
    assert_int_equal(find_address("192.0.2.7", 443), -1);
    assert_int_equal(find_address("10.0.0.6", 443), -1);
    assert_int_equal(find_address("::192.0.2.7", 8443), -1);
    assert_int_equal(find_address("::1", 443), -1);
    struct socksd_target nul = {.port = 443, .name_n = 18, .name = "relay.example\0evil"};
    assert_int_equal(socksd_allow_find(list, PLACES, &nul), -1);
    struct socksd_target longest = {.port = 443, .name_n = 255};
    memset(longest.name, 'a', sizeof longest.name);
    assert_int_equal(socksd_allow_find(list, PLACES, &longest), -1);
}

static bool may(const char *address, uint16_t port)
{
    uint8_t bytes[16];
    const size_t size = strchr(address, ':') != NULL ? 16 : 4;
    assert_int_equal(inet_pton(size == 4 ? AF_INET : AF_INET6, address, bytes), 1);
    return socksd_allow_found(list, PLACES, bytes, size, port);
}

// The same for each address of a text.
static void all_may(const char *addresses, bool expected)
{
    char one[64];
    for (int n = 0; sscanf(addresses, "%63s%n", one, &n) == 1; addresses += n) {
        if (may(one, 443) != expected) fail_msg("a name %s lead to %s", expected ? "may not" : "may", one);
    }
}

// What the name of a place may resolve to: whoever owns the name must not choose a door in the server's own network.
static void test_rebinding(void **state)
{
    static const char inside[] =
        "0.0.0.0 0.1.2.3 127.0.0.1 127.255.255.254 10.255.0.1 172.16.0.1 172.31.255.255 192.168.1.1 "
        "169.254.169.254 100.64.0.1 100.127.255.255 192.0.0.8 198.18.0.1 198.19.255.255 224.0.0.1 "
        "255.255.255.255 :: ::1 fe80::1 febf::1 fec0::1 fc00::1 fdff::1 ff02::1 ::ffff:127.0.0.1 "
        "::ffff:10.0.0.1 64:ff9b::7f00:1 64:ff9b:1::1 2002:a00::1 2002:7f00:1:: ::127.0.0.1 "
        "::ffff:169.254.169.254 2001::1 64:ff9b::a9fe:a9fe 100::1";
    static const char outside[] =
        "192.0.2.1 8.8.8.8 172.15.255.255 172.32.0.1 100.63.255.255 100.128.0.0 11.0.0.1 126.0.0.1 "
        "128.0.0.1 198.17.255.255 198.20.0.0 223.255.255.255 2001:db8::1 2606:4700::1 2002:808:808::1 "
        "64:ff9b::808:808 ::ffff:8.8.8.8";
    (void)state;
    all_may(inside, false);
    all_may(outside, true);
    assert_true(may("10.0.0.5", 443)); // it is on the list itself
    assert_false(may("10.0.0.5", 80)); // and with that port alone
    assert_true(may("::ffff:10.0.0.5", 443));
    assert_true(may("::1", 9));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),    cmocka_unit_test(test_wrong_places), cmocka_unit_test(test_found),
        cmocka_unit_test(test_not_found), cmocka_unit_test(test_rebinding),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("socksd-allow", tests, open_list, NULL);
}
