// SPDX-License-Identifier: Apache-2.0
//
// Relays' addresses: what is read is written as it was, and what is none is refused with a sentence, and changes nothing.
#include "unit.h"

#include "link/address.h"

#include <stdio.h>

static void addresses_are_read_as_they_are_written(void **state)
{
#define PIN "R5jfAvOPP5B4DMLL5qVukXv9nhONOr1_zzrfhj8ILJU"
    static const char *const good[] = {"wss://relay.example/s#" PIN, "wss://127.0.0.1:8443/a-B_9#" PIN, "wss://[::1]:1/s#" PIN,
                                       "wss://[2001:db8::1]/secret#" PIN};
    static const char *const bad[] = {"", "https://a/s#" PIN, "wss://", "wss:///s#" PIN, "wss://a b/s#" PIN, "wss://[::1/s#" PIN,
                                      "wss://a:0/s#" PIN, "wss://a:65536/s#" PIN, "wss://a:08/s#" PIN, "wss://a:x/s#" PIN, "wss://a:/s#" PIN,
                                      "wss://a/#" PIN, "wss://a#" PIN, "wss://a/s", "wss://a/s#", "wss://a/s#" PIN "A",
                                      "wss://a/s/t#" PIN, "wss://a/s?t#" PIN, "wss://-a/s#" PIN, "wss://a/s#R5jf",
                                      "wss://a/s#R5jfAvOPP5B4DMLL5qVukXv9nhONOr1_zzrfhj8ILJV"};
    struct link_address a, b;
    char text[LINK_ADDRESS_TEXT], longer[700];
    const char *why = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (link_address_read(span_str(good[i]), &a, &why) != ERR_OK) fail_msg("%s: %s", good[i], why);
        link_address_write(&a, text);
        assert_string_equal(text, good[i]);
        assert_ok(link_address_read(span_str(text), &b, &why));
        assert_true(link_address_same(&a, &b));
        b.pin[0] ^= 1;
        assert_false(link_address_same(&a, &b));
    }
    assert_ok(link_address_read(span_str("WSS://Relay.Example:443/s#" PIN), &a, &why));
    link_address_write(&a, text);
    assert_string_equal(text, good[0]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        why = NULL;
        b = a;
        if (link_address_read(span_str(bad[i]), &a, &why) == ERR_OK) fail_msg("%s was accepted", bad[i]);
        assert_true(why != NULL && strlen(why) > 10);
        assert_memory_equal(&a, &b, sizeof a);
    }
    for (size_t n = LINK_HOST_MAX; n <= LINK_HOST_MAX + 1; n++) {
        (void)snprintf(longer, sizeof longer, "wss://%0*d/s#" PIN, (int)n, 7);
        assert_int_equal(link_address_read(span_str(longer), &a, &why), n > LINK_HOST_MAX ? ERR_MALFORMED : ERR_OK);
    }
    for (size_t n = LINK_SECRET_MAX; n <= LINK_SECRET_MAX + 1; n++) {
        (void)snprintf(longer, sizeof longer, "wss://a/%0*d#" PIN, (int)n, 7);
        assert_int_equal(link_address_read(span_str(longer), &a, &why), n > LINK_SECRET_MAX ? ERR_MALFORMED : ERR_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(addresses_are_read_as_they_are_written)};
    return unit_run("link address", tests);
}
