// SPDX-License-Identifier: Apache-2.0
//
// Runs a fuzzer over files instead of inventing input: `fuzz-NAME PATH...`, each a file or a folder of files. It stands
// in for libFuzzer's main in ordinary builds, so that `make test` replays each corpus with any compiler. It finds
// nothing new; a crash or an assertion of the fuzzer is its only way to fail, besides a path that cannot be read.
// `fuzz-NAME --seeds FOLDER` writes the fuzzer's seeds instead (kit.c).
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long inputs;

// The input gets memory of just its size, so that ASan sees a read behind its end.
static bool run_file(const char *path, size_t size)
{
    bool done = false;
    uint8_t *data = malloc(size > 0 ? size : 1);
    FILE *f = fopen(path, "rb");
    if (f != NULL && data != NULL && fread(data, 1, size, f) == size) {
        (void)LLVMFuzzerTestOneInput(data, size);
        inputs++;
        done = true;
    }
    if (!done) fprintf(stderr, "%s cannot be read\n", path);
    if (f != NULL) (void)fclose(f);
    free(data);
    return done;
}

static bool run_folder(const char *path)
{
    bool done = true;
    DIR *d = opendir(path);
    if (d == NULL) return false;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char inner[4096];
        struct stat st;
        int n = snprintf(inner, sizeof inner, "%s/%s", path, e->d_name);
        if (n < 0 || (size_t)n >= sizeof inner || stat(inner, &st) != 0) done = false;
        else if (S_ISREG(st.st_mode)) done = run_file(inner, (size_t)st.st_size) && done;
    }
    (void)closedir(d);
    return done;
}

int main(int argc, char **argv)
{
    bool done = argc > 1;
    (void)LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++) {
        struct stat st;
        if (stat(argv[i], &st) != 0) {
            fprintf(stderr, "%s is not there\n", argv[i]);
            done = false;
        } else if (S_ISDIR(st.st_mode)) {
            done = run_folder(argv[i]) && done;
        } else {
            done = run_file(argv[i], (size_t)st.st_size) && done;
        }
    }
    printf("%lu inputs\n", inputs);
    return done && inputs > 0 ? 0 : 1;
}
