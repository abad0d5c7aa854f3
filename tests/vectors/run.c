// SPDX-License-Identifier: Apache-2.0
//
// Walking folders, reading files, and one line for each. In a folder, what is no JSON, or JSON of no known type, is
// named and passed over; a file given directly must be a vector file. A file that cannot be read counts as one failed
// case.
#include "vectors/run.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { DEPTH_MAX = 16 };

// What is being written about one file: its cases' lines wait until the file's own line is known.
struct report {
    struct run *run;
    const char *name;
    bool direct; // given on the command line
    FILE *lines;
    size_t passed, failed, skipped;
};

// ----------------------------------------------------------------------------------------------------- one case

static void run_case(struct report *p, const struct vector_type *type, size_t i, const json_t *json)
{
    struct trial t;
    trial_init(&t, p->run->crypto, p->run->seed + i);
    struct field v = field_root(&t, json);
    if (!t.failed && type->suite) {
        uint16_t id = (uint16_t)field_get_number(&v, "cipher_suite", UINT16_MAX);
        if (!t.failed) (void)trial_suite(&t, id);
    }
    if (!t.failed) type->check(&t, &v);
    if (!t.failed && t.steps == 0) trial_fail(&t, "there was nothing to check");
    const char *suite = t.algo.suite != NULL ? crypto_suite_name(t.algo.suite) : NULL;
    if (t.unknown && p->run->skip_unknown) {
        p->skipped++;
        if (p->run->verbose) fprintf(p->lines, "    case %zu skipped: %s\n", i, t.why);
    } else if (t.failed) {
        p->failed++;
        fprintf(p->lines, "    case %zu failed%s%s: %s\n", i, suite != NULL ? ", " : "", suite != NULL ? suite : "",
                t.why);
    } else {
        p->passed++;
        if (p->run->verbose) {
            fprintf(p->lines, "    case %zu passed, %zu steps%s%s\n", i, t.steps, suite != NULL ? ", " : "",
                    suite != NULL ? suite : "");
        }
    }
    trial_wipe(&t);
}

// ----------------------------------------------------------------------------------------------------- one file

static void print_line(const char *name, const char *type, size_t passed, size_t failed, size_t skipped)
{
    printf("%-4s %s: %s: %zu passed, %zu failed", failed > 0 ? "FAIL" : passed > 0 ? "ok" : "-", name, type, passed,
           failed);
    if (skipped > 0) printf(", %zu skipped", skipped);
}

// A file of which nothing is checked: passed over, or failed if it had to be one.
static void print_other(struct report *p, bool must, const char *what)
{
    if (p->run->only != NULL && !must) return;
    p->failed += must;
    if (must) printf("FAIL %s: unknown type: 0 passed, 1 failed: %s\n", p->name, what);
    else printf("-    %s: no vector file: %s\n", p->name, what);
}

static void run_cases(struct report *p, const struct vector_type *type, const json_t *cases)
{
    char *text = NULL;
    size_t size = 0;
    p->lines = open_memstream(&text, &size);
    if (p->lines == NULL) {
        print_other(p, true, "no memory");
        return;
    }
    for (size_t i = 0; i < json_array_size(cases); i++) run_case(p, type, i, json_array_get(cases, i));
    fclose(p->lines);
    print_line(p->name, type->name, p->passed, p->failed, p->skipped);
    printf("\n%s", text != NULL ? text : "");
    free(text);
}

static void run_json(struct report *p, const json_t *root)
{
    if (json_object_get(root, "testGroups") != NULL) {
        if (p->run->only != NULL) return;
        print_line(p->name, "Wycheproof", 0, 0, 0);
        printf(": checked by the unit tests\n");
        return;
    }
    if (json_is_array(root) && json_array_size(root) == 0) {
        print_other(p, true, "an empty list: there is no case in it");
        return;
    }
    const struct vector_type *type = vector_type_of(json_array_get(root, 0));
    if (type == NULL) {
        print_other(p, p->direct, "JSON, but no list of cases of a known type");
        return;
    }
    if (p->run->only == NULL || p->run->only == type) run_cases(p, type, root);
}

// ----------------------------------------------------------------------------------------------------- reading

// The whole content, to be freed by the caller; NULL after an error.
static char *read_file(const char *path, size_t *n)
{
    FILE *in = fopen(path, "rb");
    char *text = NULL;
    size_t cap = 0;
    *n = 0;
    while (in != NULL && !ferror(in) && !feof(in)) {
        if (*n == cap) {
            char *bigger = realloc(text, cap = cap == 0 ? 1 << 16 : 2 * cap);
            if (bigger == NULL) break;
            text = bigger;
        }
        *n += fread(text + *n, 1, cap - *n, in);
    }
    bool whole = in != NULL && feof(in) && !ferror(in);
    if (in != NULL) fclose(in);
    if (whole) return text;
    free(text);
    return NULL;
}

// By its name or by its start, a list of objects. Where that does not parse it is a damaged vector file.
static bool looks_like_vectors(const char *path, const char *text, size_t n)
{
    size_t i = 0, end = strlen(path);
    if (end >= 5 && strcmp(path + end - 5, ".json") == 0) return true;
    while (i < n && isspace((unsigned char)text[i])) i++;
    if (i == n || text[i++] != '[') return false;
    while (i < n && isspace((unsigned char)text[i])) i++;
    return i < n && (text[i] == '{' || text[i] == ']');
}

static void run_file(struct run *r, const char *path, const char *name, bool direct)
{
    struct report p = {.run = r, .name = name, .direct = direct};
    char why[JSON_ERROR_TEXT_LENGTH + 64] = "cannot be read";
    size_t n = 0;
    char *text = read_file(path, &n);
    bool must = direct || text == NULL || looks_like_vectors(path, text, n);
    json_t *root = text != NULL ? field_parse(text, n, why, sizeof why) : NULL;
    if (root != NULL) run_json(&p, root);
    else print_other(&p, must, must ? why : "no JSON");
    json_decref(root);
    free(text);
    r->passed += p.passed;
    r->failed += p.failed;
    r->skipped += p.skipped;
    (void)fflush(stdout);
}

// ----------------------------------------------------------------------------------------------------- walking

static int visible(const struct dirent *d) { return d->d_name[0] != '.'; }

static void run_folder(struct run *r, const char *path, size_t skip, int depth);

// One entry of a folder. Links to files are followed, links to folders are not: they may lead in circles.
static void run_entry(struct run *r, const char *path, size_t skip, int depth)
{
    struct stat st, own;
    if (stat(path, &st) != 0 || lstat(path, &own) != 0) run_file(r, path, path + skip, false); // says what is wrong
    else if (S_ISREG(st.st_mode)) run_file(r, path, path + skip, false);
    else if (S_ISDIR(own.st_mode)) run_folder(r, path, skip, depth + 1);
}

// All files below a folder, by name. `skip` is how much of each path is left out in the lines.
static void run_folder(struct run *r, const char *path, size_t skip, int depth)
{
    struct dirent **list = NULL;
    int n = depth < DEPTH_MAX ? scandir(path, &list, visible, alphasort) : -1;
    if (n < 0) {
        printf("FAIL %s: folder: 0 passed, 1 failed: %s\n", path, depth < DEPTH_MAX ? strerror(errno) : "too deep");
        r->failed++;
    }
    for (int i = 0; i < n; i++) {
        char *below = NULL;
        if (asprintf(&below, "%s/%s", path, list[i]->d_name) < 0) below = NULL;
        if (below != NULL) run_entry(r, below, skip, depth);
        else r->failed++;
        free(below);
        free(list[i]);
    }
    free(list);
}

bool run_path(struct run *r, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        fprintf(stderr, "mls-vectors: %s: %s\n", path, strerror(errno));
        return false;
    }
    if (S_ISDIR(st.st_mode)) run_folder(r, path, strlen(path) + 1, 0);
    else run_file(r, path, path, true);
    return true;
}
