// SPDX-License-Identifier: Apache-2.0
//
// base: buffers at their limits, the error table, comparison, wiping of heap and stack.
#include "unit.h"

#include "base/base.h"
#include "base/siphash.h"

static void buffers_grow_to_their_maximum(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    for (int i = 0; i < 1000; i++) buf_put_u8(&b, (uint8_t)i);
    assert_int_equal(buf_end(&b), ERR_OK);
    for (int i = 0; i < 1000; i++) assert_int_equal(b.p[i], (uint8_t)i);
    buf_put_u8(&b, 1);
    assert_int_equal(buf_end(&b), ERR_LIMIT);
    assert_int_equal(b.n, 1000);
    buf_wipe(&b);
    assert_null(b.p);
    assert_int_equal(buf_end(&b), ERR_OK);
    buf_put(&b, span_str("again"));
    uint8_t *out = NULL;
    size_t n = 0;
    assert_int_equal(buf_take(&b, &out, &n), ERR_OK);
    assert_true(span_eq(span_of(out, n), span_str("again")));
    mem_free_wiped(out, n);
    buf_wipe(&b);
}

static void a_zeroed_buffer_takes_nothing(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_put(&b, span_of(NULL, 0));
    assert_int_equal(buf_end(&b), ERR_OK);
    buf_put_u8(&b, 1);
    assert_int_equal(buf_end(&b), ERR_LIMIT);
    buf_wipe(&b);
}

static void every_error_has_words(void **state)
{
    (void)state;
    for (int e = 0; e < ERR_CLASSES; e++) {
        assert_true(strncmp(err_name((enum err)e), "ERR_", 4) == 0);
        assert_true(strlen(err_text((enum err)e)) > 4 && strlen(err_next((enum err)e)) > 4);
    }
    assert_string_equal(err_name((enum err)(ERR_CLASSES)), "ERR_UNKNOWN");
    assert_string_equal(err_name((enum err)(-1)), "ERR_UNKNOWN");
}

static void comparison_sees_each_byte(void **state)
{
    (void)state;
    uint8_t a[33] = {0}, b[33] = {0};
    assert_true(mem_equal(a, b, sizeof a));
    for (size_t i = 0; i < sizeof a; i++) {
        b[i] = 0x80;
        assert_false(mem_equal(a, b, sizeof a));
        assert_true(mem_equal(a, b, i));
        b[i] = 0;
    }
}

#if defined(__has_feature)
#define UNDER_ASAN __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#else
#define UNDER_ASAN 0
#endif

#if !UNDER_ASAN
static uintptr_t residue; // an address only: the frame is gone when it is looked at

[[gnu::noinline]] static void leave_a_secret_on_the_stack(void)
{
    volatile uint8_t secret[256];
    for (size_t i = 0; i < sizeof secret; i++) secret[i] = 0x5a;
    residue = (uintptr_t)secret;
}

// Reads dead stack on purpose.
[[gnu::noinline]] static size_t count_residue(void)
{
    size_t found = 0;
    const volatile uint8_t *p = (const volatile uint8_t *)residue;
    for (size_t i = 0; i < 256; i++) found += p[i] == 0x5a;
    return found;
}

static void the_stack_is_wiped(void **state)
{
    (void)state;
    leave_a_secret_on_the_stack();
    mem_wipe_stack();
    assert_int_equal(count_residue(), 0);
}
#else
// Under ASan frames are not on the real stack, where mem_wipe_stack could reach them.
static void the_stack_is_wiped(void **state)
{
    (void)state;
    skip();
}
#endif

// The example in appendix A of the SipHash paper.
static void siphash_agrees_with_its_paper(void **state)
{
    (void)state;
    uint8_t input[15];
    const uint64_t key[2] = {0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};
    for (size_t i = 0; i < sizeof input; i++) input[i] = (uint8_t)i;
    assert_true(siphash(key, span_of(input, sizeof input)) == 0xa129ca6149be45e5ULL);
    assert_true(siphash(key, span_of(NULL, 0)) == 0x726fdb47dd0e0e31ULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffers_grow_to_their_maximum), cmocka_unit_test(a_zeroed_buffer_takes_nothing),
        cmocka_unit_test(every_error_has_words), cmocka_unit_test(comparison_sees_each_byte),
        cmocka_unit_test(the_stack_is_wiped),            cmocka_unit_test(siphash_agrees_with_its_paper),
    };
    return unit_run("base", tests);
}
