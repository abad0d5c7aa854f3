// SPDX-License-Identifier: Apache-2.0
//
// tree: lists of types, which come from outside: read once whatever their length, and what they mean.
#include "unit.h"

#include "tree/tree.h"

static bool naive_cover(struct span list, struct span need, uint16_t defaults)
{
    for (size_t i = 0; i < types_count(need); i++) {
        uint16_t type = types_at(need, i);
        if ((type < 1 || type > defaults) && !types_contain(list, type)) return false;
    }
    return true;
}

// Short and long lists go different ways, and say the same.
static void lists_of_types_mean_what_they_say(void **state)
{
    (void)state;
    uint64_t dice = 1;
    for (int round = 0; round < 2000; round++) {
        uint8_t list[2 * 100], need[2 * 100];
        uint16_t distinct[NODE_MAX_TYPES];
        size_t n[2], covered = 0;
        for (int which = 0; which < 2; which++) {
            uint8_t *to = which ? need : list;
            dice = dice * 6364136223846793005ULL + 1442695040888963407ULL;
            n[which] = (dice >> 40) % 101;
            for (size_t i = 0; i < 2 * n[which]; i++) {
                dice = dice * 6364136223846793005ULL + 1442695040888963407ULL;
                to[i] = (uint8_t)(i % 2 == 0 ? 0 : (dice >> 33) % (round % 2 ? 16 : 60));
            }
        }
        struct span a = span_of(list, 2 * n[0]), b = span_of(need, 2 * n[1]);
        for (uint16_t defaults = 0; defaults < 8; defaults++) {
            assert_int_equal(types_cover(a, b, defaults), naive_cover(a, b, defaults));
        }
        size_t count = types_once(a, distinct);
        for (size_t i = 0; i < count; i++) {
            assert_true(types_contain(a, distinct[i]));
            for (size_t j = 0; j < i; j++) assert_int_not_equal(distinct[i], distinct[j]);
        }
        for (uint32_t type = 0; type < 64; type++) covered += types_contain(a, (uint16_t)type);
        assert_int_equal(covered, count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_of_types_mean_what_they_say),
    };
    return unit_run("tree-types", tests);
}
