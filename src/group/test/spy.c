// SPDX-License-Identifier: Apache-2.0
//
// The spy: see spy.h. Its own copies of secrets are gone byte by byte before it returns; and it runs on the part of the
// stack that the library wipes when its operation ends.
#include "group/test/spy.h"

#include <fcntl.h>
#include <unistd.h>

enum { SECRETS = 1 << 13, MASK = STORE_MASK, NONCE = 12, BITS = 20, SLOTS = 1 << 17 };

struct spy spy;

// The library calls what begins with __wrap_; what it meant to call is __real_.
enum err __wrap_crypto_expand(struct crypto *c, const struct crypto_suite *s, struct span prk, const struct span *info,
                              size_t n_info, uint8_t *out, size_t n);
enum err __real_crypto_expand(struct crypto *c, const struct crypto_suite *s, struct span prk, const struct span *info,
                              size_t n_info, uint8_t *out, size_t n);
enum err __wrap_crypto_extract(struct crypto *c, const struct crypto_suite *s, struct span salt, struct span ikm,
                               uint8_t *out);
enum err __real_crypto_extract(struct crypto *c, const struct crypto_suite *s, struct span salt, struct span ikm,
                               uint8_t *out);
enum err __wrap_crypto_kem_derive(struct crypto *c, const struct crypto_suite *s, struct span ikm, uint8_t *sk,
                                  uint8_t *pk);
enum err __real_crypto_kem_derive(struct crypto *c, const struct crypto_suite *s, struct span ikm, uint8_t *sk,
                                  uint8_t *pk);
enum err __wrap_crypto_hpke_export_send(struct crypto *c, const struct crypto_suite *s, struct span pk, struct span info,
                                        struct span context, const uint8_t *seed, uint8_t *enc, uint8_t *out, size_t n);
enum err __real_crypto_hpke_export_send(struct crypto *c, const struct crypto_suite *s, struct span pk, struct span info,
                                        struct span context, const uint8_t *seed, uint8_t *enc, uint8_t *out, size_t n);
void __wrap_mem_wipe(void *p, size_t n);
void __real_mem_wipe(void *p, size_t n);
void __wrap_mem_wipe_stack(void);
void __real_mem_wipe_stack(void);

// ----------------------------------------------------------------------------------------------------- learning

uint64_t spy_hash(struct span public)
{
    uint64_t h = 0xcbf29ce484222325ULL; // FNV-1a
    for (size_t i = 0; i < public.n; i++) h = (h ^ public.p[i]) * 0x100000001b3ULL;
    return h;
}

// The window of a secret, masked, in all its forms.
[[gnu::noinline]] static void window_of(const volatile uint8_t *p, size_t n, struct spy_secret *out)
{
    const size_t from = n < SPY_WINDOW ? 0 : (n - SPY_WINDOW) / 2 & ~(size_t)7;
    out->n = n < SPY_WINDOW ? NONCE : SPY_WINDOW;
    for (size_t i = 0; i < out->n; i++) {
        const uint8_t masked = p[from + i] ^ MASK;
        out->form[0][i] = masked;
        out->form[1][out->n - 1 - i] = masked;
        out->form[2][i ^ 3] = masked;
        if (out->n == SPY_WINDOW) out->form[3][i ^ 7] = masked;
        out->form[4][i] = masked ^ 0x36;
        out->form[5][i] = masked ^ 0x5c;
    }
}

static int find_window(const struct spy_secret *w)
{
    for (size_t i = 0; i < spy.n; i++) {
        if (spy.v[i].n == w->n && memcmp(spy.v[i].form[0], w->form[0], w->n) == 0) return (int)i;
    }
    return SPY_NONE;
}

int spy_find(struct span bytes)
{
    struct spy_secret w;
    window_of(bytes.p, bytes.n, &w);
    return find_window(&w);
}

static int learn(struct span bytes, int parent, const char *label, uint64_t context)
{
    struct spy_secret w = {.parent = parent, .context = context};
    if (spy.v == NULL || bytes.n < NONCE) return SPY_NONE;
    window_of(bytes.p, bytes.n, &w);
    int known = find_window(&w);
    if (known != SPY_NONE) return known;
    if (spy.n == SECRETS) abort();
    snprintf(w.label, sizeof w.label, "%s", label);
    spy.v[spy.n] = w;
    return (int)spy.n++;
}

int spy_child(int parent, const char *label, struct span context)
{
    const uint64_t h = spy_hash(context);
    for (size_t i = 0; parent != SPY_NONE && i < spy.n; i++) {
        if (spy.v[i].parent == parent && spy.v[i].context == h && strcmp(spy.v[i].label, label) == 0) return (int)i;
    }
    return SPY_NONE;
}

void spy_open(void)
{
    spy = (struct spy){0};
    spy.v = store_check(calloc(SECRETS, sizeof *spy.v));
}

void spy_close(void)
{
    free(spy.v);
    spy.v = NULL;
}

// ------------------------------------------------------------------------------------------------------ the seam

enum err __wrap_crypto_expand(struct crypto *c, const struct crypto_suite *s, struct span prk, const struct span *info,
                              size_t n_info, uint8_t *out, size_t n)
{
    // KDFLabel (§8): uint16 length; opaque label<V> = "MLS 1.0 " + Label; opaque context<V>.
    enum { BEFORE = 1 + 8 };
    char label[28] = "?";
    if (n_info == 4 && info[1].n > BEFORE) {
        snprintf(label, sizeof label, "%.*s", (int)(info[1].n - BEFORE), (const char *)info[1].p + BEFORE);
    }
    const int parent = learn(prk, SPY_NONE, "input", 0); // before out, which may be the same memory, is written
    enum err e = __real_crypto_expand(c, s, prk, info, n_info, out, n);
    if (e == ERR_OK) learn(span_of(out, n), parent, label, n_info == 4 ? spy_hash(info[3]) : 0);
    return e;
}

enum err __wrap_crypto_extract(struct crypto *c, const struct crypto_suite *s, struct span salt, struct span ikm,
                               uint8_t *out)
{
    enum err e = __real_crypto_extract(c, s, salt, ikm, out);
    if (e == ERR_OK) learn(span_of(out, crypto_sizes(s)->nh), SPY_NONE, "extracted", 0);
    return e;
}

enum err __wrap_crypto_kem_derive(struct crypto *c, const struct crypto_suite *s, struct span ikm, uint8_t *sk,
                                  uint8_t *pk)
{
    const int parent = learn(ikm, SPY_NONE, "ikm", 0);
    enum err e = __real_crypto_kem_derive(c, s, ikm, sk, pk);
    const int key = e == ERR_OK ? learn(span_of(sk, crypto_sizes(s)->nsk), parent, "private key", 0) : SPY_NONE;
    if (key != SPY_NONE) spy.v[key].pk = spy_hash(span_of(pk, crypto_sizes(s)->npk));
    return e;
}

enum err __wrap_crypto_hpke_export_send(struct crypto *c, const struct crypto_suite *s, struct span pk, struct span info,
                                        struct span context, const uint8_t *seed, uint8_t *enc, uint8_t *out, size_t n)
{
    learn(span_of(seed, crypto_sizes(s)->nseed), SPY_NONE, "seed", 0);
    enum err e = __real_crypto_hpke_export_send(c, s, pk, info, context, seed, enc, out, n);
    if (e == ERR_OK) learn(span_of(out, n), SPY_NONE, "external init", 0);
    return e;
}

void __wrap_mem_wipe(void *p, size_t n)
{
    if (!spy.keeps_memory || n != sizeof(struct secret)) __real_mem_wipe(p, n);
}

// ------------------------------------------------------------------------------------------- how deep calls go

enum { PAINTED = 256 * 1024, PAINT = 0xd7 };
static uintptr_t painted; // the address of its lowest byte

[[gnu::noinline]] static void paint(void)
{
    volatile uint8_t frame[PAINTED];
    for (size_t i = 0; i < sizeof frame; i++) frame[i] = PAINT;
    painted = (uintptr_t)frame;
}

// From the caller's frame down to the lowest byte that was written to. Reads dead stack on purpose.
[[gnu::noinline]] static size_t depth(uintptr_t from)
{
    const volatile uint8_t *p = (const volatile uint8_t *)painted;
    while ((uintptr_t)p < from && *p == PAINT) p++;
    return from - (uintptr_t)p;
}

void __wrap_mem_wipe_stack(void)
{
    const uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    if (spy.measures && painted != 0 && painted < here) {
        const size_t n = depth(here);
        if (n > spy.deepest) spy.deepest = n;
    }
    if (!spy.keeps_stack) __real_mem_wipe_stack();
    if (spy.measures) paint();
}

void spy_paint(void)
{
    if (spy.reach == 0) {
        paint();
        __real_mem_wipe_stack();
        spy.reach = depth((uintptr_t)__builtin_frame_address(0));
    }
    paint();
}

// ---------------------------------------------------------------------------------------------------- searching

// The first eight bytes of every form, masked, in a hash table behind a table of bits.
static uint8_t bits[1 << (BITS - 3)];
static uint32_t slots[SLOTS]; // secret * SPY_FORMS + form + 1

static uint64_t first_of(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint32_t hash_of(uint64_t v) { return (uint32_t)(v * 0x9e3779b97f4a7c15ULL >> (64 - BITS)); }

static void index_all(void)
{
    memset(bits, 0, sizeof bits);
    memset(slots, 0, sizeof slots);
    for (uint32_t i = 0; i < spy.n; i++) {
        spy.v[i].found = 0;
        for (uint32_t form = 0; form < SPY_FORMS; form++) {
            if (form == 3 && spy.v[i].n < SPY_WINDOW) continue;
            const uint32_t h = hash_of(first_of(spy.v[i].form[form]));
            uint32_t at = h % SLOTS;
            bits[h / 8] |= (uint8_t)(1u << h % 8);
            while (slots[at] != 0) at = (at + 1) % SLOTS;
            slots[at] = i * SPY_FORMS + form + 1;
        }
    }
}

static bool is_at(const uint8_t *p, const uint8_t *end, const struct spy_secret *s, size_t form, uint8_t mask)
{
    if ((size_t)(end - p) < s->n) return false;
    for (size_t i = 0; i < s->n; i++) {
        if ((p[i] ^ mask) != s->form[form][i]) return false;
    }
    return true;
}

// Bytes that become masked secrets when `mask` is laid over them.
static void search(const uint8_t *from, const uint8_t *end, uint8_t mask)
{
    const uint64_t all = 0x0101010101010101ULL * mask;
    for (const uint8_t *p = from; p + NONCE <= end; p++) {
        const uint32_t h = hash_of(first_of(p) ^ all);
        if ((bits[h / 8] >> h % 8 & 1) == 0) continue;
        for (uint32_t at = h % SLOTS; slots[at] != 0; at = (at + 1) % SLOTS) {
            struct spy_secret *s = &spy.v[(slots[at] - 1) / SPY_FORMS];
            if (is_at(p, end, s, (slots[at] - 1) % SPY_FORMS, mask)) s->found++;
        }
    }
}

void spy_search_memory(void)
{
    static char maps[1 << 18];
    size_t n = 0;
    const int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (fd < 0) abort();
    for (ssize_t got; n < sizeof maps - 1 && (got = read(fd, maps + n, sizeof maps - 1 - n)) > 0;) n += (size_t)got;
    close(fd);
    maps[n] = 0;
    index_all();
    for (char *line = maps; line != NULL && *line != 0; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        char *end = NULL;
        const uintptr_t from = strtoull(line, &end, 16), to = strtoull(end + 1, &end, 16);
        if (strncmp(end, " rw", 3) == 0) search((const uint8_t *)from, (const uint8_t *)to, MASK);
    }
}

void spy_search_store(const struct store *s)
{
    index_all();
    for (size_t i = 0; i < s->n; i++) search(s->v[i].value, s->v[i].value + s->v[i].n, STORE_MASK ^ MASK);
}

size_t spy_unmask(int secret, uint8_t to[SPY_WINDOW])
{
    const struct spy_secret *s = &spy.v[secret];
    for (size_t i = 0; i < s->n; i++) to[i] = s->form[0][i] ^ MASK;
    return s->n;
}
