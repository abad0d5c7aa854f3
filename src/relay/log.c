// SPDX-License-Identifier: Apache-2.0
//
// Log lines, the clock, and hashing: what every part of the relay calls. Lines say what happened and what to do, and never who: no
// address, id or key is ever an argument of one.
#include "relay/core.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

static struct {
    uint64_t seconds;
    bool journal;
    enum log_level least;
} setup = {.seconds = 1, .least = LOG_INFO};

void relay_log_setup(uint64_t seconds, bool journal, enum log_level least)
{
    setup.seconds = seconds;
    setup.journal = journal;
    setup.least = least;
}

void relay_log(enum log_level level, const char *format, ...)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    static const int priorities[] = {7, 6, 4, 3}; // of syslog, as the journal reads them
    char line[1024];
    int n = 0;
    if (level < setup.least) return;
    if (setup.journal) {
        n = snprintf(line, sizeof line, "<%d>", priorities[level]);
    } else if (setup.seconds > 0) {
        time_t now = (time_t)(relay_now() / 1000 / setup.seconds * setup.seconds);
        struct tm t;
        gmtime_r(&now, &t);
        n = (int)strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%SZ ", &t);
        n += snprintf(line + n, sizeof line - (size_t)n, "%s: ", names[level]);
    } else {
        n = snprintf(line, sizeof line, "%s: ", names[level]);
    }
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line + n, sizeof line - (size_t)n, format, args);
    va_end(args);
    fprintf(stderr, "%s\n", line); // one call: lines of several threads do not mix
}

uint64_t relay_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

enum err relay_hash(struct crypto *c, const uint8_t *p, size_t n, uint8_t out[WIRE_HASH])
{
    const struct span part = span_of(p, n);
    return crypto_hash(c, crypto_suite(CRYPTO_X25519_AES128_SHA256_ED25519), &part, 1, out);
}
