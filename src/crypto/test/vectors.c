// SPDX-License-Identifier: Apache-2.0
//
// Loading of test vectors. Bytes live in a list that is freed with the file, so that tests read like tables.
#include "crypto/test/vectors.h"

static struct cell {
    struct cell *next;
    uint8_t b[];
} *cells;

static FILE *open_file(const char *file)
{
    const char *folders[] = {getenv("WHIMBREL_VECTORS"), "../shared/vectors", "../../shared/vectors"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char path[512];
        if (folders[i] == NULL) continue;
        (void)snprintf(path, sizeof path, "%s/%s", folders[i], file);
        FILE *f = fopen(path, "r");
        if (f != NULL) return f;
    }
    return NULL;
}

json_t *vectors_load(const char *file)
{
    FILE *f = open_file(file);
    if (f == NULL) {
        print_message("# skipped: no %s; set WHIMBREL_VECTORS\n", file);
        return NULL;
    }
    json_error_t why;
    json_t *root = json_loadf(f, 0, &why);
    fclose(f);
    if (root == NULL) fail_msg("%s: %s", file, why.text);
    return root;
}

void vectors_free(json_t *root)
{
    while (cells != NULL) {
        struct cell *next = cells->next;
        free(cells);
        cells = next;
    }
    json_decref(root);
}

const char *vectors_str(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    if (s == NULL) fail_msg("no text %s", key);
    return s;
}

uint16_t vectors_u16(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > UINT16_MAX)
        fail_msg("no number %s", key);
    return (uint16_t)json_integer_value(v);
}

struct span vectors_hex(const json_t *object, const char *key)
{
    const char *s = vectors_str(object, key);
    size_t n = strlen(s) / 2;
    struct cell *cell = (struct cell *)malloc(sizeof *cell + n + 1);
    assert_non_null(cell);
    cell->next = cells;
    cells = cell;
    for (size_t i = 0; i < n; i++) {
        char pair[3] = {s[2 * i], s[2 * i + 1], 0}, *end = NULL;
        cell->b[i] = (uint8_t)strtoul(pair, &end, 16);
        assert_ptr_equal(end, pair + 2);
    }
    return span_of(cell->b, n);
}

void vectors_wycheproof(const char *file, vectors_case *run)
{
    json_t *root = vectors_load(file), *group = NULL, *test = NULL;
    struct crypto *c = NULL;
    if (root == NULL) return;
    assert_ok(crypto_new(&c));
    size_t i, j, done = 0, other = 0;
    json_array_foreach(json_object_get(root, "testGroups"), i, group)
    {
        json_array_foreach(json_object_get(group, "tests"), j, test)
        {
            const char *result = vectors_str(test, "result");
            if (run(c, group, test, strcmp(result, "valid") == 0))
                done++;
            else
                other++;
        }
    }
    print_message("# %s: %zu cases, %zu of sizes not offered\n", file, done, other);
    assert_int_equal(done + other, json_integer_value(json_object_get(root, "numberOfTests")));
    crypto_free(c);
    vectors_free(root);
}
