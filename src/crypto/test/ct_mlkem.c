// SPDX-License-Identifier: Apache-2.0
//
// The constant-time check of ML-KEM (see tests/ct_run.h): seeds and the random input are marked secret, and so
// everything computed from them is, but for what the code declares public: rho, the encapsulation key, the ciphertext.
// Both builds run where the processor that valgrind shows has AVX2. It says nothing about instructions whose time
// depends on operands; the code has no division, and multiplications that x86-64 and AArch64 do in constant time.
#include "ct_run.h"

#include "crypto/keccak.h"
#include "crypto/mlkem_poly.h"
#include "crypto/wide.h"

struct session {
    uint8_t d[MLKEM_SEED], z[MLKEM_SEED], r[MLKEM_SEED]; /* secret */
    uint8_t ek[MLKEM_EK_MAX], dk[MLKEM_DK_MAX], ct[MLKEM_CT_MAX], sent[MLKEM_SS], got[MLKEM_SS];
};

// Bytes that are marked secret and the same in each run.
static void secret(uint8_t p[MLKEM_SEED], uint8_t seed)
{
    for (size_t i = 0; i < MLKEM_SEED; i++) p[i] = (uint8_t)(seed + 29 * i);
    CT_SECRET(p, MLKEM_SEED);
}

// Decapsulates what is in s->ct; whether it gave the sent secret is looked at in copies, so that s stays as it was.
static bool decaps_agrees(const struct mlkem *m, struct session *s, bool wide)
{
    uint8_t sent[MLKEM_SS], got[MLKEM_SS];
    mlkem_decaps_on(m, s->dk, s->ct, s->got, wide);
    memcpy(sent, s->sent, sizeof sent);
    memcpy(got, s->got, sizeof got);
    CT_PUBLIC(sent, sizeof sent);
    CT_PUBLIC(got, sizeof got);
    return memcmp(sent, got, sizeof got) == 0;
}

static void run(const struct mlkem *m, bool wide)
{
    struct session s;
    secret(s.d, 1);
    secret(s.z, 2);
    secret(s.r, 3);
    mlkem_keygen_on(m, s.d, s.z, s.ek, s.dk, wide);
    ct_expect(mlkem_ek_ok(m, span_of(s.ek, mlkem_ek_size(m))), "the encapsulation key is good");
    ct_expect(mlkem_dk_ok(m, span_of(s.dk, mlkem_dk_size(m))), "the decapsulation key is good");
    mlkem_encaps_on(m, s.ek, s.r, s.ct, s.sent, wide);
    ct_expect(decaps_agrees(m, &s, wide), "decapsulation gives the secret");
    for (size_t at = 0; at < mlkem_ct_size(m); at += mlkem_ct_size(m) - 1) { // the first byte and the last
        s.ct[at] ^= 1;
        ct_expect(!decaps_agrees(m, &s, wide), "a changed ciphertext gives another secret");
        s.ct[at] ^= 1;
    }
    // Ciphertexts from elsewhere, against a key that came as bytes: the same with every part of it marked anew.
    CT_SECRET(s.dk, (size_t)(mlkem_dk_size(m) - mlkem_ek_size(m) - 64));
    CT_SECRET(s.dk + mlkem_dk_size(m) - 32, 32);
    memset(s.ct, 0xa5, sizeof s.ct);
    ct_expect(!decaps_agrees(m, &s, wide), "a foreign ciphertext gives another secret");
}

static void all_sets(bool wide)
{
    run(&mlkem_512, wide);
    run(&mlkem_768, wide);
    run(&mlkem_1024, wide);
}

static void portable(void) { all_sets(false); }

static void wide(void)
{
    if (wide_here()) all_sets(true);
    else printf("ct: skipped: no AVX2 here\n");
}

int main(int argc, char **argv)
{
    static const struct ct_check checks[] = {{"ML-KEM, portable", portable}, {"ML-KEM, wide", wide}};
    return ct_run(argc, argv, checks, sizeof checks / sizeof *checks);
}
