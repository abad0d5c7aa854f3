// SPDX-License-Identifier: Apache-2.0
//
// Random elements of the ring (FIPS 203 §4.2.2): the matrix, by rejection from SHAKE128 of a public seed, and noise,
// from the bits of SHAKE256 of a secret one. Sponges run four at a time. Only the matrix may take a time that depends
// on its bytes, which are public; noise is shifts, masks and sums.
#include "crypto/mlkem_poly.h"

#include "crypto/keccak.h"
#include "crypto/keccak_x4.h"
#include "crypto/wide.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum {
    RATE = KECCAK_RATE_128,
    SEED = 34,        // bytes: rho and the two indices
    FIRST = 3 * RATE, // bytes: 336 candidates, of which 273 are expected to pass, so that more is rarely needed
    READ = 16,        // bytes that the wide build reads at once; it uses 12 of them
};

// ------------------------------------------------------------------------------------------------------ the matrix

// An element of which the first n coefficients have been accepted; what stands behind them means nothing yet.
struct sampler {
    struct poly *out;
    size_t n;
};

// Algorithm 7, lines 4-16: each three bytes are two candidates. n is a multiple of 3.
static void reject(struct sampler *s, const uint8_t *in, size_t n)
{
    int16_t *c = s->out->c;
    for (size_t i = 0; i < n && s->n < MLKEM_N; i += 3) {
        int16_t d1 = (int16_t)(in[i] | (in[i + 1] & 15) << 8);
        int16_t d2 = (int16_t)(in[i + 1] >> 4 | in[i + 2] << 4);
        c[s->n] = d1;
        s->n += d1 < MLKEM_Q;
        if (s->n == MLKEM_N) break;
        c[s->n] = d2;
        s->n += d2 < MLKEM_Q;
    }
}

#if defined(__x86_64__)
// Keeps those of four numbers whose bit is set in `accepted`, at the lower end.
WIDE static void keep(struct sampler *s, __m128i four, unsigned accepted)
{
    // Places of bytes for pshufb, two a number; what is above the kept numbers does not matter.
    static const uint64_t places[16] = {
        0,          0x0100,         0x0302,         0x03020100,
        0x0504,     0x05040100,     0x05040302,     0x050403020100,
        0x0706,     0x07060100,     0x07060302,     0x070603020100,
        0x07060504, 0x070605040100, 0x070605040302, 0x0706050403020100,
    };
    __m128i kept = _mm_shuffle_epi8(four, _mm_cvtsi64_si128((long long)places[accepted]));
    _mm_storel_epi64((__m128i *)(void *)(s->out->c + s->n), kept);
    s->n += (unsigned)__builtin_popcount(accepted);
}

// The same, eight candidates at a time while at least eight more are wanted, then by the above.
WIDE static void reject_wide(struct sampler *s, const uint8_t *in, size_t n)
{
    const __m128i pairs = _mm_setr_epi8(0, 1, 1, 2, 3, 4, 4, 5, 6, 7, 7, 8, 9, 10, 10, 11);
    size_t i = 0;
    for (; i + READ <= n && s->n + 8 <= MLKEM_N; i += 12) {
        __m128i v = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)(in + i)), pairs);
        __m128i even = _mm_and_si128(v, _mm_set1_epi16(0x0fff)), odd = _mm_srli_epi16(v, 4);
        v = _mm_blend_epi16(even, odd, 0xaa);
        __m128i below = _mm_cmpgt_epi16(_mm_set1_epi16(MLKEM_Q), v);
        unsigned mask = (unsigned)_mm_movemask_epi8(_mm_packs_epi16(below, below));
        keep(s, v, mask & 15);
        keep(s, _mm_unpackhi_epi64(v, v), mask >> 4 & 15);
    }
    reject(s, in + i, n - i);
}
#else
#define reject_wide reject
#endif

static void reject_on(struct sampler *s, const uint8_t *in, size_t n, bool wide)
{
    if (wide) reject_wide(s, in, n);
    else reject(s, in, n);
}

// SampleNTT (Algorithm 7) of four seeds, one after another, to four elements.
static void sample_four(struct poly *const out[4], const uint8_t seeds[4 * SEED], bool wide)
{
    uint8_t bytes[4 * FIRST];
    struct keccak_x4 k;
    struct sampler s[4] = {{out[0], 0}, {out[1], 0}, {out[2], 0}, {out[3], 0}};
    keccak_x4_start(&k, RATE, seeds, SEED, wide);
    for (size_t at = 0; at < FIRST; at += RATE) keccak_x4_block(&k, bytes + at, FIRST);
    for (size_t j = 0; j < 4; j++) reject_on(&s[j], bytes + j * FIRST, FIRST, wide);
    while (s[0].n < MLKEM_N || s[1].n < MLKEM_N || s[2].n < MLKEM_N || s[3].n < MLKEM_N) {
        keccak_x4_block(&k, bytes, RATE);
        for (size_t j = 0; j < 4; j++) reject_on(&s[j], bytes + j * RATE, RATE, wide);
    }
}

// The same of one seed, which is faster alone than with three others for nothing.
static void sample_one(struct poly *out, const uint8_t seed[SEED], bool wide)
{
    uint8_t bytes[FIRST];
    struct keccak k;
    struct sampler s = {out, 0};
    keccak_shake128(&k);
    keccak_absorb(&k, span_of(seed, SEED));
    keccak_finish(&k);
    for (size_t n = FIRST; s.n < MLKEM_N; n = RATE) {
        keccak_squeeze(&k, bytes, n);
        reject_on(&s, bytes, n, wide);
    }
}

void mlkem_sample_matrix(struct poly *a, size_t k, const uint8_t rho[32], bool transposed, bool wide)
{
    uint8_t seeds[4 * SEED], row = 0, column = 0;
    struct poly unused, *out[4];
    size_t total = k * k;
    for (size_t at = 0; at < total; at += 4) {
        for (size_t j = 0; j < 4; j++) {
            uint8_t *seed = seeds + j * SEED;
            memcpy(seed, rho, 32);
            seed[32] = transposed ? row : column; // A[i,j] = SampleNTT(rho || j || i)
            seed[33] = transposed ? column : row;
            out[j] = at + j < total ? &a[at + j] : &unused;
            if (++column < k) continue;
            column = 0;
            row++;
        }
        if (total - at == 1) sample_one(out[0], seeds, wide);
        else sample_four(out, seeds, wide);
    }
    for (size_t i = 0; i < total; i++) mlkem_ntt_transpose(&a[i]);
}

// ---------------------------------------------------------------------------------------------------------- noise

// SamplePolyCBD_2 (Algorithm 8): each half byte is the sum of two bits less the sum of two bits.
WIDE_BODY void noise_2(int16_t *restrict c, const uint8_t *restrict in)
{
    for (size_t i = 0; i < MLKEM_N / 2; i++) {
        unsigned sums = (in[i] & 0x55U) + (in[i] >> 1 & 0x55U);
        c[2 * i] = (int16_t)((int)(sums & 3) - (int)(sums >> 2 & 3));
        c[2 * i + 1] = (int16_t)((int)(sums >> 4 & 3) - (int)(sums >> 6));
    }
}
static void noise_2_portable(int16_t *c, const uint8_t *in) { noise_2(c, in); }
WIDE static void noise_2_wide(int16_t *c, const uint8_t *in) { noise_2(c, in); }

// SamplePolyCBD_3, for ML-KEM-512 only: three bytes are four times the sum of three bits less that of three bits.
static void noise_3(int16_t *c, const uint8_t *in)
{
    for (size_t i = 0; i < MLKEM_N / 4; i++) {
        uint32_t bits = in[3 * i] | (uint32_t)in[3 * i + 1] << 8 | (uint32_t)in[3 * i + 2] << 16;
        uint32_t sums = (bits & 0x249249) + (bits >> 1 & 0x249249) + (bits >> 2 & 0x249249);
        for (size_t j = 0; j < 4; j++)
            c[4 * i + j] = (int16_t)((int)(sums >> 6 * j & 7) - (int)(sums >> (6 * j + 3) & 7));
    }
}

static void noise_from(struct poly *p, const uint8_t *in, unsigned eta, bool wide)
{
    if (eta == 3) noise_3(p->c, in);
    else if (wide) noise_2_wide(p->c, in);
    else noise_2_portable(p->c, in);
}

void mlkem_sample_noise(struct poly *p, size_t n, unsigned eta, const uint8_t seed[32], uint8_t first, bool wide)
{
    enum { INPUT = 33, OUTPUT = 2 * KECCAK_RATE_256 };
    uint8_t input[4 * INPUT], bytes[4 * OUTPUT]; /* secret */
    struct keccak_x4 k;                          /* secret */
    for (size_t at = 0; at < n; at += 4) {
        for (size_t j = 0; j < 4; j++) {
            memcpy(input + j * INPUT, seed, 32);
            input[j * INPUT + 32] = (uint8_t)(first + at + j);
        }
        // PRF_eta (§4.1) gives 64 eta bytes: out of one block for eta = 2, of two for 3.
        keccak_x4_start(&k, KECCAK_RATE_256, input, INPUT, wide);
        for (size_t done = 0; done < 64U * eta; done += KECCAK_RATE_256) keccak_x4_block(&k, bytes + done, OUTPUT);
        for (size_t j = 0; j < 4 && at + j < n; j++) noise_from(&p[at + j], bytes + j * OUTPUT, eta, wide);
    }
    mem_wipe(input, sizeof input);
    mem_wipe(bytes, sizeof bytes);
    mem_wipe(&k, sizeof k);
}
