// SPDX-License-Identifier: Apache-2.0
//
// Random histories, lived through by both engines: see duel.h. WHIMBREL_SEED=NUMBER makes other ones, WHIMBREL_ROUNDS more.
#include "store/test/duel.h"
#include "store/test/stand.h"

static uint64_t next(uint64_t *seed)
{
    uint64_t z = (*seed += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 0) : otherwise;
}

static void random_histories(size_t rounds, size_t longest)
{
    static uint8_t bytes[1 << 16];
    char folder[64];
    uint64_t first = setting("WHIMBREL_SEED", 1);
    rounds = setting("WHIMBREL_ROUNDS", rounds);
    stand_folder(folder);
    for (uint64_t seed = first; seed < first + rounds; seed++) {
        uint64_t dice = seed * 1000003 + longest;
        size_t n = next(&dice) % longest;
        for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)next(&dice);
        (void)snprintf(duel_note, sizeof duel_note, "WHIMBREL_SEED=%llu WHIMBREL_ROUNDS=1", (unsigned long long)seed);
        duel_run(folder, span_of(bytes, n));
        duel_clear(folder);
    }
    stand_folder_remove(folder);
}

static void short_histories(void **state)
{
    (void)state;
    random_histories(150, 600);
}

static void long_histories(void **state)
{
    (void)state;
    random_histories(6, 30000);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(short_histories), cmocka_unit_test(long_histories)};
    return unit_run("store-model", tests);
}
