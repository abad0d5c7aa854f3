// SPDX-License-Identifier: Apache-2.0
//
// Safety numbers: both people see the same one, it changes with each key, and what was computed once stays what it is.
#include "unit.h"

#include "content/safety.h"

static struct crypto *crypto;
static const uint8_t alice[32] = {1}, bob[32] = {2};

static int open_crypto(void **state)
{
    (void)state;
    return crypto_new(&crypto) == ERR_OK ? 0 : -1;
}

static int close_crypto(void **state)
{
    (void)state;
    crypto_free(crypto);
    return 0;
}

static void both_see_the_same_number(void **state)
{
    char a[SAFETY_HALF + 1], b[SAFETY_HALF + 1], one[SAFETY_DIGITS + 1], two[SAFETY_DIGITS + 1], text[SAFETY_TEXT];
    char longer[SAFETY_DIGITS + 2];
    (void)state;
    assert_ok(safety_half(crypto, span_of(alice, 32), span_str("alice"), a));
    assert_ok(safety_half(crypto, span_of(bob, 32), span_str("bob"), b));
    safety_number(a, b, one);
    safety_number(b, a, two);
    assert_string_equal(one, two);
    assert_int_equal(strspn(one, "0123456789"), SAFETY_DIGITS);
    safety_text(one, text);
    assert_int_equal(strlen(text), SAFETY_DIGITS + 11);
    assert_int_equal(text[5], ' ');
    assert_int_equal(text[23], '\n');
    assert_true(safety_same(one, text));
    text[0] = text[0] == '9' ? '8' : '9';
    assert_false(safety_same(one, text));
    assert_false(safety_same(one, ""));
    (void)snprintf(longer, sizeof longer, "%s1", two);
    assert_false(safety_same(two, longer));
    longer[SAFETY_DIGITS - 1] = 0;
    assert_false(safety_same(two, longer));
}

// It would be bad if it changed: everybody would have to compare again. Computed from the definition by another program.
static void a_number_stays_what_it_is(void **state)
{
    char a[SAFETY_HALF + 1];
    (void)state;
    assert_ok(safety_half(crypto, span_of(alice, 32), span_str("alice"), a));
    assert_string_equal(a, "876585043328979499848607798767");
}

static void every_part_of_an_account_counts(void **state)
{
    char a[SAFETY_HALF + 1], b[SAFETY_HALF + 1];
    uint8_t key[33] = {1};
    static const uint8_t large[0x10000];
    (void)state;
    assert_ok(safety_half(crypto, span_of(key, 32), span_str("x"), a));
    assert_ok(safety_half(crypto, span_of(key, 33), span_str("x"), b));
    assert_string_not_equal(a, b);
    assert_ok(safety_half(crypto, span_of(key, 32), span_str("y"), b));
    assert_string_not_equal(a, b);
    key[31] = 1;
    assert_ok(safety_half(crypto, span_of(key, 32), span_str("x"), b));
    assert_string_not_equal(a, b);
    assert_int_equal(safety_half(crypto, span_of(large, sizeof large), span_str("x"), b), ERR_LIMIT);
}

static void codes_are_checked_both_ways(void **state)
{
    uint8_t a[SAFETY_FINGERPRINT], b[SAFETY_FINGERPRINT], m[SAFETY_FINGERPRINT], code[SAFETY_QR];
    (void)state;
    assert_ok(safety_fingerprint(crypto, span_of(alice, 32), span_str("alice"), a));
    assert_ok(safety_fingerprint(crypto, span_of(bob, 32), span_str("bob"), b));
    memcpy(m, b, sizeof m);
    m[31] ^= 1;            // somebody in the middle
    safety_qr(a, b, code); // on Alice's screen
    struct span seen = span_of(code, sizeof code);
    assert_ok(safety_qr_check(seen, b, a)); // by Bob's camera
    assert_int_equal(safety_qr_check(seen, a, b), ERR_UNAUTHENTICATED);
    assert_int_equal(safety_qr_check(seen, m, a), ERR_UNAUTHENTICATED);
    assert_int_equal(safety_qr_check(seen, b, m), ERR_UNAUTHENTICATED);
    for (size_t n = 0; n < sizeof code; n++) assert_int_equal(safety_qr_check(span_of(code, n), b, a), ERR_MALFORMED);
    code[1]++;
    assert_int_equal(safety_qr_check(seen, b, a), ERR_UNSUPPORTED);
    assert_int_equal(safety_qr_check(span_str("https://example.org/i"), b, a), ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_see_the_same_number),
        cmocka_unit_test(a_number_stays_what_it_is),
        cmocka_unit_test(every_part_of_an_account_counts),
        cmocka_unit_test(codes_are_checked_both_ways),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("content safety", tests, open_crypto, close_crypto);
}
