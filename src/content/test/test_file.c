// SPDX-License-Identifier: Apache-2.0
//
// Files in chunks: sizes at every border, and whatever somebody who holds the sealed chunks could do to them.
#include "unit.h"

#include "content/file.h"

static const struct file_key key = {.key = {1, 2, 3}, .prefix = {4, 5, 6}};

static void sizes_at_the_borders(void **state)
{
    (void)state;
    const struct {
        uint64_t size, chunks;
    } sizes[] = {{0, 1}, {1, 1}, {FILE_CHUNK - 1, 1}, {FILE_CHUNK, 1}, {FILE_CHUNK + 1, 2}, {2 * FILE_CHUNK, 2},
                 {2 * FILE_CHUNK + 1, 3}, {FILE_MAX, (uint64_t)1 << 32}, {FILE_MAX + 1, 0}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_true(file_chunks(sizes[i].size) == sizes[i].chunks);
        assert_true(file_sealed_size(sizes[i].size) == sizes[i].size + 16 * sizes[i].chunks);
    }
    assert_true(file_sealed_size((uint64_t)FILE_CHUNK * 10) == (uint64_t)FILE_SEALED * 10);
}

static size_t chunk_at(uint64_t size, uint64_t index)
{
    uint64_t left = size - index * FILE_CHUNK;
    return left < FILE_CHUNK ? (size_t)left : FILE_CHUNK;
}

static void files_of_every_size_come_back(void **state)
{
    (void)state;
    const uint64_t sizes[] = {0, 1, 1000, FILE_CHUNK - 1, FILE_CHUNK, FILE_CHUNK + 1, 3 * (uint64_t)FILE_CHUNK};
    struct crypto *c = NULL;
    uint8_t *plain = malloc((size_t)4 * FILE_CHUNK), *sealed = malloc((size_t)4 * FILE_SEALED), *out = malloc(FILE_SEALED);
    assert_ok(crypto_new(&c));
    assert_true(plain != NULL && sealed != NULL && out != NULL);
    for (size_t i = 0; i < (size_t)4 * FILE_CHUNK; i++) plain[i] = (uint8_t)(i * 31 >> 3);
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        uint64_t chunks = file_chunks(sizes[k]);
        for (uint64_t i = 0; i < chunks; i++) {
            struct span chunk = span_of(plain + i * FILE_CHUNK, chunk_at(sizes[k], i));
            assert_ok(file_seal(c, &key, sizes[k], i, chunk, sealed + i * FILE_SEALED));
        }
        for (uint64_t i = chunks; i-- > 0;) { // in any order
            size_t n = chunk_at(sizes[k], i);
            assert_ok(file_open(c, &key, sizes[k], i, span_of(sealed + i * FILE_SEALED, n + CRYPTO_TAG), out));
            assert_memory_equal(out, plain + i * FILE_CHUNK, n);
        }
    }
    free(plain);
    free(sealed);
    free(out);
    crypto_free(c);
}

static void chunks_are_known_by_their_place(void **state)
{
    (void)state;
    struct crypto *c = NULL;
    const uint64_t size = 2 * (uint64_t)FILE_CHUNK;
    uint8_t *plain = calloc(1, FILE_CHUNK), *first = malloc(FILE_SEALED), *last = malloc(FILE_SEALED), *out = malloc(FILE_SEALED);
    struct file_key other = key;
    other.key[31] ^= 1;
    assert_ok(crypto_new(&c));
    assert_true(plain != NULL && first != NULL && last != NULL && out != NULL);
    struct span chunk = span_of(plain, FILE_CHUNK), a = span_of(first, FILE_SEALED), b = span_of(last, FILE_SEALED);
    assert_ok(file_seal(c, &key, size, 0, chunk, first));
    assert_ok(file_seal(c, &key, size, 1, chunk, last));
    assert_memory_not_equal(first, last, FILE_SEALED);
    // the other's place, another file's, and a file that ends earlier or later
    assert_int_equal(file_open(c, &key, size, 1, a, out), ERR_UNAUTHENTICATED);
    assert_int_equal(file_open(c, &key, size, 0, b, out), ERR_UNAUTHENTICATED);
    assert_int_equal(file_open(c, &other, size, 0, a, out), ERR_UNAUTHENTICATED);
    other = key;
    other.prefix[0] ^= 1;
    assert_int_equal(file_open(c, &other, size, 0, a, out), ERR_UNAUTHENTICATED);
    assert_int_equal(file_open(c, &key, FILE_CHUNK, 0, a, out), ERR_UNAUTHENTICATED);
    assert_int_equal(file_open(c, &key, size + 1, 1, b, out), ERR_UNAUTHENTICATED);
    // sizes that no such chunk has
    assert_int_equal(file_open(c, &key, size, 0, span_of(first, FILE_SEALED - 1), out), ERR_MALFORMED);
    assert_int_equal(file_open(c, &key, size - 1, 1, b, out), ERR_MALFORMED);
    assert_int_equal(file_open(c, &key, size, 2, a, out), ERR_MALFORMED);
    assert_int_equal(file_open(c, &key, size, UINT64_MAX, a, out), ERR_MALFORMED);
    assert_int_equal(file_open(c, &key, 0, 0, span_of(first, 15), out), ERR_MALFORMED);
    assert_int_equal(file_open(c, &key, FILE_MAX + 1, 0, a, out), ERR_MALFORMED);
    assert_int_equal(file_seal(c, &key, size, 2, chunk, out), ERR_MISUSE);
    assert_int_equal(file_seal(c, &key, size, 0, span_of(plain, FILE_CHUNK - 1), out), ERR_MISUSE);
    // each byte counts
    for (size_t at = 0; at < FILE_SEALED; at += 4099) {
        first[at] ^= 0x10;
        assert_int_equal(file_open(c, &key, size, 0, a, out), ERR_UNAUTHENTICATED);
        first[at] ^= 0x10;
    }
    assert_ok(file_open(c, &key, size, 0, a, out));
    free(plain);
    free(first);
    free(last);
    free(out);
    crypto_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_at_the_borders),
        cmocka_unit_test(files_of_every_size_come_back),
        cmocka_unit_test(chunks_are_known_by_their_place),
    };
    return unit_run("content file", tests);
}
