// SPDX-License-Identifier: Apache-2.0
//
// base: buffers at their limits, the error table, comparison, wiping of heap and stack, maps.
#include "unit.h"

#include "base/base.h"
#include "base/base64.h"
#include "base/map.h"
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

static void reserved_room_is_not_moved(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100000);
    buf_put_u8(&b, 7);
    buf_reserve(&b, 70000);
    const uint8_t *at = b.p;
    assert_int_equal(b.n, 1);
    assert_true(b.cap >= 70001);
    for (int i = 0; i < 70000; i++) buf_put_u8(&b, (uint8_t)i);
    assert_ptr_equal(b.p, at);
    assert_int_equal(b.p[0], 7);
    buf_reserve(&b, 30000); // more than the maximum leaves
    assert_int_equal(buf_end(&b), ERR_LIMIT);
    assert_int_equal(b.n, 70001);
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

// How far a key stands behind the slot where it would stand alone, in a map of this many slots.
static size_t displaced(const struct map *m, uint64_t key)
{
    struct map alone;
    map_init_seeded(&alone, 0, m->seed);
    assert_int_equal(map_reserve(&alone, m->cap * 3 / 4), ERR_OK);
    assert_int_equal(alone.cap, m->cap);
    assert_non_null(map_put(&alone, key));
    size_t at = ((size_t)((uint8_t *)map_get(m, key) - m->slot) - 8) / m->stride;
    size_t home = ((size_t)((uint8_t *)map_get(&alone, key) - alone.slot) - 8) / alone.stride;
    map_wipe(&alone);
    return (at - home) & (m->cap - 1);
}

// The longest way that a lookup goes, over every tenth of these keys.
static size_t longest(struct map *m, const uint32_t *key, size_t n)
{
    size_t most = 0;
    assert_int_equal(map_reserve(m, n), ERR_OK);
    for (size_t i = 0; i < n; i++) assert_non_null(map_put(m, key[i]));
    for (size_t i = 0; i < n; i += 10) {
        size_t here = displaced(m, key[i]);
        most = here > most ? here : most;
    }
    map_wipe(m);
    return most;
}

// Whoever knows where keys lie can choose many that lie together, and then each of them costs a walk past all the others.
static void nobody_aims_at_collisions_in_a_seeded_map(void **state)
{
    (void)state;
    enum { SLOTS = 2048, KEYS = 1500 };
    static uint32_t key[KEYS];
    struct map open, seeded, probe;
    size_t n = 0;
    map_init(&probe, 0);
    assert_int_equal(map_reserve(&probe, SLOTS * 3 / 4), ERR_OK);
    for (uint32_t k = 0; n < KEYS; k++) { // those that lie in the first 64th
        assert_non_null(map_put(&probe, k));
        size_t at = ((size_t)((uint8_t *)map_get(&probe, k) - probe.slot) - 8) / probe.stride;
        if (at < SLOTS / 64) key[n++] = k;
        map_delete(&probe, k);
    }
    map_wipe(&probe);
    map_init(&open, 0);
    map_init_seeded(&seeded, 0, (const uint64_t[2]){0x7f4a7c159e3779b9, 0x1ce4e5b9bf58476d});
    assert_true(longest(&open, key, KEYS) > KEYS - 100);
    assert_true(longest(&seeded, key, KEYS) < 100);
}

static void base64_is_read_as_it_is_written(void **state)
{
    (void)state;
    // RFC 4648 §10, without padding, and the two characters that are special to URLs
    const struct {
        const char *bytes, *text;
    } cases[] = {{"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
                 {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff", "-_8"}};
    const char *const bad[] = {"Z", "Zm9vY", "Zg==", "Zh", "Zm9", "Zm8+", "Zm 8", "Zm/v"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[20];
        struct buf b;
        buf_init(&b, 100);
        base64_encode(span_str(cases[i].bytes), text);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(base64_size(strlen(cases[i].bytes)), strlen(text));
        assert_int_equal(base64_decode(span_str(text), &b), ERR_OK);
        assert_true(span_eq(buf_span(&b), span_str(cases[i].bytes)));
        buf_wipe(&b);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buf b;
        buf_init(&b, 100);
        assert_int_equal(base64_decode(span_str(bad[i]), &b), ERR_MALFORMED);
        assert_int_equal(b.n, 0);
        buf_wipe(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffers_grow_to_their_maximum),   cmocka_unit_test(reserved_room_is_not_moved),
        cmocka_unit_test(a_zeroed_buffer_takes_nothing),   cmocka_unit_test(every_error_has_words),
        cmocka_unit_test(comparison_sees_each_byte),       cmocka_unit_test(the_stack_is_wiped),
        cmocka_unit_test(siphash_agrees_with_its_paper),   cmocka_unit_test(nobody_aims_at_collisions_in_a_seeded_map),
        cmocka_unit_test(base64_is_read_as_it_is_written),
    };
    return unit_run("base", tests);
}
