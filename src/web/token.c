// SPDX-License-Identifier: Apache-2.0
//
// Tokens and their file: a line with the port, then the hashes, a line each. It is replaced as a whole.
#include "web/token.h"

#include "base/base64.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static enum err hash_of(const struct tokens *t, struct span text, uint8_t out[32])
{
    return crypto_hash(t->crypto, crypto_suite(CRYPTO_X25519_AES128_SHA256_ED25519), &text, 1, out);
}

static bool read_hash(const char *line, uint8_t out[32])
{
    unsigned v;
    for (size_t i = 0; i < 32; i++) {
        if (sscanf(line + 2 * i, "%2x", &v) != 1) return false;
        out[i] = (uint8_t)v;
    }
    return true;
}

static void load(struct tokens *t)
{
    char line[100];
    FILE *f = fopen(t->path, "re");
    if (f == NULL) return;
    if (fgets(line, sizeof line, f) != NULL) {
        long port = strtol(line, NULL, 10);
        t->port = port > 0 && port <= UINT16_MAX ? (uint16_t)port : 0;
    }
    while (t->n < WEB_TOKENS && fgets(line, sizeof line, f) != NULL) {
        if (strlen(line) == 65 && read_hash(line, t->hash[t->n])) t->n++;
    }
    (void)fclose(f);
}

enum err tokens_init(struct tokens *t, const char *folder)
{
    *t = (struct tokens){0};
    if (snprintf(t->path, sizeof t->path - 5, "%s/ui", folder) >= (int)sizeof t->path - 5) return ERR_LIMIT;
    enum err e = crypto_new(&t->crypto);
    if (e == ERR_OK) load(t);
    return e;
}

void tokens_wipe(struct tokens *t)
{
    crypto_free(t->crypto);
    *t = (struct tokens){0};
}

enum err tokens_save(const struct tokens *t)
{
    char fresh[sizeof t->path + 5];
    (void)snprintf(fresh, sizeof fresh, "%s.new", t->path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    if (f == NULL) {
        if (fd >= 0) (void)close(fd);
        return ERR_IO;
    }
    fprintf(f, "%u\n", t->port);
    for (size_t i = 0; i < t->n; i++) {
        for (size_t k = 0; k < 32; k++) fprintf(f, "%02x", t->hash[i][k]);
        fputc('\n', f);
    }
    bool ok = fflush(f) == 0 && fsync(fd) == 0;
    ok = fclose(f) == 0 && ok && rename(fresh, t->path) == 0;
    return ok ? ERR_OK : ERR_IO;
}

enum err tokens_new(struct tokens *t, char out[TOKEN_TEXT + 1])
{
    const struct tokens before = *t;
    const struct world w = crypto_system_world();
    uint8_t secret[32]; /* secret */
    enum err e = w.random(w.arg, secret, sizeof secret);
    if (e != ERR_OK) return e;
    base64_encode(span_of(secret, sizeof secret), out);
    mem_wipe(secret, sizeof secret);
    if (t->n == WEB_TOKENS) memmove(t->hash[0], t->hash[1], sizeof t->hash[0] * (WEB_TOKENS - 1));
    else t->n++;
    e = hash_of(t, span_of(out, TOKEN_TEXT), t->hash[t->n - 1]);
    if (e == ERR_OK) e = tokens_save(t);
    if (e != ERR_OK) *t = before;
    return e;
}

bool tokens_know(const struct tokens *t, struct span text)
{
    uint8_t hash[32];
    bool known = false;
    if (text.n != TOKEN_TEXT || hash_of(t, text, hash) != ERR_OK) return false;
    for (size_t i = 0; i < t->n; i++) known |= mem_equal(hash, t->hash[i], sizeof hash);
    return known;
}

bool web_is_wanted(const char *folder)
{
    char path[1000];
    return snprintf(path, sizeof path, "%s/ui", folder) < (int)sizeof path && access(path, R_OK) == 0;
}
