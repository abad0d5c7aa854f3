// SPDX-License-Identifier: Apache-2.0
//
// Blobs, held against docs/protocol.md §3.4, in every engine: chunks at their offsets, limits, sealing, ranges, expiry, deletion, and
// what they cost of a host's quota.
#include "store/test/stand.h"

static void expect_bytes(struct stand *t, uint8_t name, uint64_t offset, uint32_t limit, const char *want)
{
    struct buf out;
    assert_int_equal(stand_blob_read(t, name, offset, limit, &out), WIRE_OK);
    assert_int_equal(out.n, strlen(want));
    if (out.n > 0) assert_memory_equal(out.p, want, out.n);
    buf_wipe(&out);
}

static enum wire_code read_code(struct stand *t, uint8_t name)
{
    struct buf out;
    enum wire_code code = stand_blob_read(t, name, 0, 10, &out);
    buf_wipe(&out);
    return code;
}

static void chunks_make_a_blob(void **state)
{
    struct stand *t = *state;
    assert_int_equal(stand_blob_create(t, 'b', 'w', 10, 0), WIRE_OK);
    assert_int_equal(stand_blob_create(t, 'b', 'w', 10, 0), WIRE_E_EXISTS);
    assert_int_equal(stand_blob_create(t, 'b', 'x', 10, 0), WIRE_E_EXISTS);
    assert_int_equal(stand_blob_stat(t, 'b'), WIRE_OK);
    assert_int_equal(t->blob.size, 0);
    assert_false(t->blob.sealed);
    assert_int_equal(t->blob.expires, t->now / 1000 + 86400);
    assert_int_equal(stand_blob_append(t, 'b', 'w', 0, 'a', 3), WIRE_OK);
    assert_int_equal(t->blob.size, 3);
    assert_int_equal(stand_blob_append(t, 'b', 'w', 0, 'x', 3), WIRE_E_OFFSET); // sent twice
    assert_int_equal(t->blob.size, 3);
    assert_int_equal(stand_blob_append(t, 'b', 'w', 4, 'x', 1), WIRE_E_OFFSET);
    assert_int_equal(stand_blob_append(t, 'b', 'w', UINT64_MAX, 'x', 1), WIRE_E_OFFSET);
    assert_int_equal(stand_blob_append(t, 'b', 'z', 3, 'x', 1), WIRE_E_NOT_FOUND); // not its key
    assert_int_equal(stand_blob_append(t, 'c', 'w', 0, 'x', 1), WIRE_E_NOT_FOUND);
    assert_int_equal(stand_blob_append(t, 'b', 'w', 3, 'x', 8), WIRE_E_LIMIT);
    assert_int_equal(read_code(t, 'b'), WIRE_E_SEALED);
    assert_int_equal(stand_blob_append(t, 'b', 'w', 3, 'b', 7), WIRE_OK);
    assert_int_equal(t->blob.size, 10);
    assert_int_equal(stand_blob_append(t, 'b', 'w', 10, 'x', 1), WIRE_E_LIMIT);
    assert_int_equal(stand_blob_stat(t, 'b'), WIRE_OK);
    assert_int_equal(t->blob.size, 10);
    assert_int_equal(stand_blob_seal(t, 'b', 'w', 9), WIRE_E_OFFSET);
    assert_int_equal(stand_blob_seal(t, 'b', 'z', 10), WIRE_E_NOT_FOUND);
    assert_int_equal(stand_blob_seal(t, 'b', 'w', 10), WIRE_OK);
    assert_int_equal(stand_blob_seal(t, 'b', 'w', 10), WIRE_OK); // after an answer that was lost
    assert_int_equal(stand_blob_seal(t, 'b', 'w', 9), WIRE_E_SEALED);
    assert_int_equal(stand_blob_append(t, 'b', 'w', 10, 'x', 1), WIRE_E_SEALED);
    stand_reopen(t);
    assert_int_equal(stand_blob_stat(t, 'b'), WIRE_OK);
    assert_int_equal(t->blob.size, 10);
    assert_true(t->blob.sealed);
    expect_bytes(t, 'b', 0, 100, "aaabbbbbbb");
}

static void ranges_are_read(void **state)
{
    struct stand *t = *state;
    assert_int_equal(stand_blob_create(t, 'b', 'w', 100, 0), WIRE_OK);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(stand_blob_append(t, 'b', 'w', 2 * i, (char)('a' + i), 2), WIRE_OK);
    assert_int_equal(stand_blob_seal(t, 'b', 'w', 10), WIRE_OK); // less than it might have held
    expect_bytes(t, 'b', 0, 4, "aabb");
    expect_bytes(t, 'b', 3, 4, "bccd");
    expect_bytes(t, 'b', 8, 4, "ee");
    expect_bytes(t, 'b', 10, 4, "");
    expect_bytes(t, 'b', UINT64_MAX, 4, "");
    expect_bytes(t, 'b', 0, UINT32_MAX, "aabbccddee");
    assert_int_equal(read_code(t, 'c'), WIRE_E_NOT_FOUND);
}

static void an_empty_blob_is_one(void **state)
{
    struct stand *t = *state;
    assert_int_equal(stand_blob_create(t, 'b', 'w', 0, 0), WIRE_OK);
    assert_int_equal(stand_blob_append(t, 'b', 'w', 0, 'x', 1), WIRE_E_LIMIT);
    assert_int_equal(stand_blob_seal(t, 'b', 'w', 0), WIRE_OK);
    expect_bytes(t, 'b', 0, 10, "");
    assert_int_equal(stand_blob_create(t, 'c', 'w', t->settings.blob_max + 1, 0), WIRE_E_LIMIT);
    assert_int_equal(stand_blob_create(t, 'c', 'w', t->settings.blob_max, 0), WIRE_OK);
}

static void deleted_is_gone(void **state)
{
    struct stand *t = *state;
    assert_int_equal(stand_blob_create(t, 'b', 'w', 10, 0), WIRE_OK);
    assert_int_equal(stand_blob_append(t, 'b', 'w', 0, 'a', 3), WIRE_OK);
    assert_int_equal(stand_blob_delete(t, 'b', 'z'), WIRE_E_NOT_FOUND);
    assert_int_equal(stand_blob_delete(t, 'b', 'w'), WIRE_OK);
    assert_int_equal(stand_blob_delete(t, 'b', 'w'), WIRE_E_NOT_FOUND);
    assert_int_equal(stand_blob_stat(t, 'b'), WIRE_E_NOT_FOUND);
    assert_int_equal(read_code(t, 'b'), WIRE_E_NOT_FOUND);
    assert_int_equal(stand_blob_create(t, 'b', 'w', 10, 0), WIRE_OK);
    assert_int_equal(stand_blob_stat(t, 'b'), WIRE_OK);
    assert_int_equal(t->blob.size, 0); // nothing of the old one
    assert_int_equal(stand_blob_append(t, 'b', 'w', 0, 'b', 2), WIRE_OK);
    assert_int_equal(stand_blob_seal(t, 'b', 'w', 2), WIRE_OK);
    expect_bytes(t, 'b', 0, 10, "bb");
    assert_int_equal(stand_blob_delete(t, 'b', 'w'), WIRE_OK);
    assert_int_equal(read_code(t, 'b'), WIRE_E_NOT_FOUND);
}

static void a_sealed_blob_lives_for_its_retention(void **state)
{
    struct stand *t = *state;
    uint64_t from = t->now;
    for (uint8_t b = 'b'; b < 'd'; b++) {
        assert_int_equal(stand_blob_create(t, b, 'w', 10, b == 'b' ? 0 : 100), WIRE_OK);
        assert_int_equal(stand_blob_append(t, b, 'w', 0, 'a', 3), WIRE_OK);
        t->now = from + 50000;
        assert_int_equal(stand_blob_seal(t, b, 'w', 3), WIRE_OK);
        assert_int_equal(stand_blob_stat(t, b), WIRE_OK);
        assert_int_equal(t->blob.expires, (from + 50000) / 1000 + (b == 'b' ? 500 : 100)); // from the seal on
        t->now = from;
    }
    t->now = from + 149999;
    stand_blob_expire(t);
    expect_bytes(t, 'c', 0, 10, "aaa");
    t->now = from + 150000;
    assert_int_equal(read_code(t, 'c'), WIRE_E_NOT_FOUND); // also before it was swept
    assert_int_equal(stand_blob_stat(t, 'c'), WIRE_E_NOT_FOUND);
    stand_blob_expire(t);
    t->now = from + 149999;
    assert_int_equal(read_code(t, 'c'), WIRE_E_NOT_FOUND); // now it was
    expect_bytes(t, 'b', 0, 10, "aaa");
    t->now = from + 550000;
    assert_int_equal(stand_blob_create(t, 'b', 'v', 10, 0), WIRE_OK); // an expired one is in nobody's way
    assert_int_equal(stand_blob_append(t, 'b', 'w', 0, 'x', 1), WIRE_E_NOT_FOUND);
    assert_int_equal(stand_blob_append(t, 'b', 'v', 0, 'x', 1), WIRE_OK);
}

// §3.4: "An unsealed blob that nobody has written to for a day" is deleted. It may last an hour less: its time is not written at
// every chunk.
static void an_unsealed_blob_lives_for_a_day(void **state)
{
    struct stand *t = *state;
    const uint64_t hour = 3600 * 1000;
    assert_int_equal(stand_blob_create(t, 'b', 'w', 10, 0), WIRE_OK);
    for (unsigned i = 0; i < 4; i++) {
        t->now += 22 * hour;
        stand_blob_expire(t);
        assert_int_equal(stand_blob_append(t, 'b', 'w', i, 'a', 1), WIRE_OK);
        if (i == 1) stand_reopen(t);
        if (i == 1) assert_int_equal(stand_blob_stat(t, 'b'), WIRE_OK);
        if (i == 1 && t->blob.size != i + 1) { // after a stop its last chunks may be missing
            for (unsigned k = (unsigned)t->blob.size; k <= i; k++) {
                assert_int_equal(stand_blob_append(t, 'b', 'w', k, 'a', 1), WIRE_OK);
            }
        }
    }
    t->now += 24 * hour;
    assert_int_equal(stand_blob_append(t, 'b', 'w', 4, 'a', 1), WIRE_E_NOT_FOUND);
    assert_int_equal(stand_blob_seal(t, 'b', 'w', 4), WIRE_E_NOT_FOUND);
    stand_blob_expire(t);
    t->now -= hour;
    assert_int_equal(stand_blob_stat(t, 'b'), WIRE_E_NOT_FOUND);
}

static void blobs_cost_quota(void **state)
{
    struct stand *t = *state;
    t->host = (struct store_host){.id = 7, .bytes_max = 100};
    assert_int_equal(stand_blob_create(t, 'b', 'w', 101, 0), WIRE_E_QUOTA);
    assert_int_equal(stand_blob_create(t, 'b', 'w', 60, 0), WIRE_OK);
    assert_int_equal(stand_blob_create(t, 'c', 'w', 41, 0), WIRE_E_QUOTA); // what it may hold counts
    assert_int_equal(stand_blob_create(t, 'c', 'w', 40, 0), WIRE_OK);
    assert_int_equal(stand_blob_append(t, 'b', 'w', 0, 'a', 10), WIRE_OK);
    stand_reopen(t);
    assert_int_equal(stand_blob_create(t, 'd', 'w', 1, 0), WIRE_E_QUOTA);
    assert_int_equal(stand_blob_stat(t, 'b'), WIRE_OK);
    if (t->blob.size == 0) assert_int_equal(stand_blob_append(t, 'b', 'w', 0, 'a', 10), WIRE_OK);
    assert_int_equal(stand_blob_seal(t, 'b', 'w', 10), WIRE_OK); // from now on what it holds
    assert_int_equal(stand_blob_seal(t, 'b', 'w', 10), WIRE_OK); // once
    for (int i = 0; i < 2; i++) {
        assert_int_equal(stand_blob_create(t, 'd', 'w', 51, 0), WIRE_E_QUOTA);
        stand_reopen(t);
    }
    assert_int_equal(stand_blob_create(t, 'd', 'w', 50, 0), WIRE_OK);
    assert_int_equal(stand_blob_delete(t, 'c', 'w'), WIRE_OK); // 40 unsealed
    assert_int_equal(stand_blob_create(t, 'e', 'w', 41, 0), WIRE_E_QUOTA);
    assert_int_equal(stand_blob_create(t, 'e', 'w', 40, 0), WIRE_OK);
    assert_int_equal(stand_blob_delete(t, 'b', 'w'), WIRE_OK); // 10 sealed
    assert_int_equal(stand_blob_create(t, 'f', 'w', 11, 0), WIRE_E_QUOTA);
    assert_int_equal(stand_blob_create(t, 'f', 'w', 10, 0), WIRE_OK);
    t->now += 25 * 3600 * 1000;
    stand_blob_expire(t); // all of them
    assert_int_equal(stand_blob_create(t, 'g', 'w', 101, 0), WIRE_E_QUOTA);
    assert_int_equal(stand_blob_create(t, 'g', 'w', 100, 0), WIRE_OK);
    t->now += 25 * 3600 * 1000;
    assert_int_equal(stand_blob_create(t, 'g', 'w', 100, 0), WIRE_OK); // in the place of the expired one
    assert_int_equal(stand_blob_create(t, 'h', 'w', 1, 0), WIRE_E_QUOTA);
}

// Longer than what is written between two syncs, so that some of it is durable before the seal.
static void large_blobs_go_on_after_a_stop(void **state)
{
    struct stand *t = *state;
    const uint64_t chunk = WIRE_CHUNK_MAX, all = 300 * chunk;
    struct buf out;
    if (t->e == &store_memory) return;
    t->settings.blob_max = all;
    stand_reopen(t);
    assert_int_equal(stand_blob_create(t, 'b', 'w', all, 0), WIRE_OK);
    for (uint64_t at = 0, stops = 0; at < all;) {
        assert_int_equal(stand_blob_append(t, 'b', 'w', at, (char)('a' + at / chunk % 26), chunk), WIRE_OK);
        at += chunk;
        assert_int_equal(t->blob.size, at);
        if (at / chunk % 150 != 149 || stops++ > 1) continue;
        stand_reopen(t);
        assert_int_equal(stand_blob_stat(t, 'b'), WIRE_OK);
        assert_true(t->blob.size <= at && t->blob.size % chunk == 0);
        if (at > 9 << 20) assert_true(t->blob.size >= 8 << 20);
        at = t->blob.size;
    }
    assert_int_equal(stand_blob_seal(t, 'b', 'w', all), WIRE_OK);
    stand_reopen(t);
    for (uint64_t at = 0; at < all; at += chunk) {
        assert_int_equal(stand_blob_read(t, 'b', at, chunk, &out), WIRE_OK);
        assert_int_equal(out.n, chunk);
        for (size_t i = 0; i < chunk; i += 4093) assert_int_equal(out.p[i], 'a' + at / chunk % 26);
        buf_wipe(&out);
    }
}

static void many_expire_in_pieces(void **state)
{
    struct stand *t = *state;
    for (unsigned i = 0; i < 100; i++) assert_int_equal(stand_blob_create(t, (uint8_t)i, 'w', 10, 0), WIRE_OK);
    t->now += 12 * 3600 * 1000;
    assert_int_equal(stand_blob_create(t, 200, 'w', 10, 0), WIRE_OK);
    t->now += 12 * 3600 * 1000;
    stand_blob_expire(t);
    t->now -= 12 * 3600 * 1000;
    for (unsigned i = 0; i < 100; i++) assert_int_equal(stand_blob_stat(t, (uint8_t)i), WIRE_E_NOT_FOUND);
    assert_int_equal(stand_blob_stat(t, 200), WIRE_OK);
}

int main(void)
{
    static const struct stand_test tests[] = {
        STAND_TEST(chunks_make_a_blob),
        STAND_TEST(ranges_are_read),
        STAND_TEST(an_empty_blob_is_one),
        STAND_TEST(deleted_is_gone),
        STAND_TEST(a_sealed_blob_lives_for_its_retention),
        STAND_TEST(an_unsealed_blob_lives_for_a_day),
        STAND_TEST(blobs_cost_quota),
        STAND_TEST(large_blobs_go_on_after_a_stop),
        STAND_TEST(many_expire_in_pieces),
    };
    return stand_run("store-blobs", tests, sizeof tests / sizeof *tests);
}
