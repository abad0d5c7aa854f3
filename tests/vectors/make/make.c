// SPDX-License-Identifier: Apache-2.0
//
// The table of files and how they come into being. Each type draws its random bytes for each suite from a seed of its
// own, so that the vectors of a suite do not depend on which others are made.
#include "vectors/make/make.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "vectors/make/generators.h"

static const struct {
    const char *name;
    bool suite; // made once for each suite
    generator *make;
    bool heavy; // a case is large where keys are large
} files[] = {
    {"tree-math", false, gen_tree_math, false},
    {"deserialization", false, gen_deserialization, false},
    {"crypto-basics", true, gen_crypto_basics, false},
    {"secret-tree", true, gen_secret_tree, false},
    {"message-protection", true, gen_message_protection, false},
    {"key-schedule", true, gen_key_schedule, false},
    {"psk_secret", true, gen_psk_secret, false},
    {"transcript-hashes", true, gen_transcript_hashes, false},
    {"welcome", true, gen_welcome, false},
    {"tree-operations", true, gen_tree_operations, true},
    {"tree-validation", true, gen_tree_validation, true},
    {"treekem", true, gen_treekem, true},
    {"messages", false, gen_messages, false},
    {"passive-client-welcome", true, gen_passive_welcome, true},
    {"passive-client-handling-commit", true, gen_passive_commits, true},
    {"passive-client-random", true, gen_passive_random, true},
    {"hpke", false, gen_hpke, false},
    {"x-wing", false, gen_xwing, false},
};
enum { FILES = sizeof files / sizeof *files };

const char *make_file_at(size_t i) { return i < FILES ? files[i].name : NULL; }

bool make_read_suites(const char *text, struct make_order *out)
{
    out->n = 0;
    if (strcmp(text, "all") == 0) {
        for (size_t i = 0; crypto_suite_at(i) != NULL && out->n < MAKE_SUITES; i++) {
            out->suite[out->n++] = crypto_suite_id(crypto_suite_at(i));
        }
        return true;
    }
    for (const char *at = text; out->n < MAKE_SUITES;) {
        char *end = NULL;
        errno = 0;
        unsigned long v = strtoul(at, &end, 0);
        if (end == at || *at == '-' || errno != 0 || v > UINT16_MAX || crypto_suite((uint16_t)v) == NULL) return false;
        out->suite[out->n++] = (uint16_t)v;
        if (*end == '\0') return true;
        if (*end != ',') return false;
        at = end + 1;
    }
    return false;
}

// One type for one suite, or for none.
static bool make_cases(struct crypto *c, const struct make_order *order, size_t file, uint16_t suite, json_t *cases)
{
    struct make m = {.plan = &order->plan, .cases = cases};
    uint64_t seed = order->plan.seed * 0x9e3779b97f4a7c15ULL ^ (uint64_t)(file + 1) << 32 ^ suite;
    trial_init(&m.t, c, seed * 0xbf58476d1ce4e5b9ULL);
    if (suite == 0 || trial_suite(&m.t, suite)) files[file].make(&m);
    if (m.t.failed) {
        fprintf(stderr, "mls-vectors: %s%s%s: %s\n", files[file].name, suite != 0 ? ", " : "",
                suite != 0 ? crypto_suite_name(m.t.algo.suite) : "", m.t.why);
    }
    bool done = !m.t.failed;
    trial_wipe(&m.t);
    return done;
}

// A case a line.
static bool write_file(const char *folder, const char *name, const json_t *cases)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s.json", folder, name) < 0) return false;
    FILE *out = fopen(path, "wb");
    bool good = out != NULL;
    for (size_t i = 0; good && i < json_array_size(cases); i++) {
        good = fputs(i == 0 ? "[\n" : ",\n", out) >= 0 &&
               json_dumpf(json_array_get(cases, i), out, JSON_COMPACT | JSON_PRESERVE_ORDER) == 0;
    }
    if (good) good = fputs("\n]\n", out) >= 0;
    if (out != NULL) good = fclose(out) == 0 && good;
    if (!good) fprintf(stderr, "mls-vectors: %s: %s\n", path, strerror(errno));
    free(path);
    return good;
}

// Post-quantum suites have keys of more than a kilobyte. A small set with several of them has each in every third of the
// types that are heavy.
static bool left_out(const struct make_order *order, size_t file, uint16_t suite)
{
    size_t large = 0, rank = 0;
    for (size_t i = 0; i < order->n; i++) {
        if (crypto_sizes(crypto_suite(order->suite[i]))->npk < 1000) continue;
        if (order->suite[i] == suite) rank = large;
        large++;
    }
    if (!order->plan.small || !files[file].heavy || large < 3) return false;
    return crypto_sizes(crypto_suite(suite))->npk >= 1000 && (file + rank) % 3 != 0;
}

static bool make_file(struct crypto *c, const struct make_order *order, size_t file, const char *folder)
{
    static const uint16_t standard[] = {1, 2, 3, 4, 5, 6, 7};
    const uint16_t *suite = order->n > 0 ? order->suite : standard;
    size_t n = order->n > 0 ? order->n : sizeof standard / sizeof *standard;
    json_t *cases = json_array();
    bool good = cases != NULL;
    if (!files[file].suite) good = good && make_cases(c, order, file, 0, cases);
    for (size_t i = 0; files[file].suite && good && i < n; i++) {
        good = left_out(order, file, suite[i]) || make_cases(c, order, file, suite[i], cases);
    }
    good = good && write_file(folder, files[file].name, cases);
    if (good) printf("%s.json: %zu cases\n", files[file].name, json_array_size(cases));
    (void)fflush(stdout);
    json_decref(cases);
    return good;
}

bool make_folder(struct crypto *c, const struct make_order *order, const char *folder)
{
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "mls-vectors: %s: %s\n", folder, strerror(errno));
        return false;
    }
    for (size_t i = 0; i < FILES; i++) {
        if (order->only != NULL && strcmp(order->only, files[i].name) != 0) continue;
        if (!make_file(c, order, i, folder)) return false;
    }
    return true;
}
