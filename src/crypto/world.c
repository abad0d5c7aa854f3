// SPDX-License-Identifier: Apache-2.0
//
// The system's world: random bytes from OpenSSL's generator for private values, which seeds itself from the kernel and
// notices a fork, and the clock of the machine. Protocol code never calls this; programs hand it in.
#include "crypto/crypto.h"

#include <limits.h>
#include <time.h>

#include <openssl/rand.h>

static enum err random_bytes(void *arg, uint8_t *out, size_t n)
{
    (void)arg;
    if (n > INT_MAX) return ERR_LIMIT;
    if (RAND_priv_bytes(out, (int)n) == 1) return ERR_OK;
    mem_wipe(out, n);
    return ERR_RANDOM;
}

static uint64_t now(void *arg)
{
    (void)arg;
    time_t t = time(NULL);
    return t < 0 ? 0 : (uint64_t)t;
}

struct world crypto_system_world(void) { return (struct world){.random = random_bytes, .now = now, .arg = NULL}; }
