// SPDX-License-Identifier: Apache-2.0
//
// Slots: a key-encrypting key from Argon2id (RFC 9106) or from the keyring's secret, and the vault's key under it with
// XChaCha20-Poly1305. What stands before the sealed key in its slot is authenticated with it, so nobody can make guessing cheaper by
// changing the cost in the file.
#include "vault/keys.h"

#include "codec/tls.h"

#include <sodium.h>

enum { VERSION = 1 };
static const char magic[] = "whimkeys";
static const char keyring_label[] = "Whimbrel keyring";

// --------------------------------------------------------------------------------------------------------------- bytes

static void put_head(const struct keys_slot *s, struct buf *out)
{
    tls_put_u8(out, s->kind);
    tls_put_u8(out, 0);
    tls_put_u32(out, s->passes);
    tls_put_u32(out, s->memory_kib);
    buf_put(out, span_of(s->salt, sizeof s->salt));
    buf_put(out, span_of(s->nonce, sizeof s->nonce));
}

void keys_encode(const struct keys *k, struct buf *out)
{
    buf_put(out, span_str(magic));
    tls_put_u8(out, VERSION);
    size_t mark = tls_begin(out);
    for (size_t i = 0; i < k->n; i++) {
        put_head(&k->slot[i], out);
        buf_put(out, span_of(k->slot[i].sealed, KEYS_SEALED));
    }
    tls_finish(out, mark);
}

static void copy(struct tls_reader *r, uint8_t *to, size_t n)
{
    struct span s = tls_bytes(r, n);
    if (s.n == n) memcpy(to, s.p, n);
}

static bool cost_ok(const struct keys_slot *s)
{
    if (s->kind == VAULT_KEYRING) return s->passes == 0 && s->memory_kib == 0;
    return s->kind == VAULT_PASSPHRASE && s->passes >= 1 && s->passes <= VAULT_PASSES_MAX && s->memory_kib >= 8 &&
           s->memory_kib <= VAULT_MEMORY_KIB_MAX && (uint64_t)s->passes * s->memory_kib <= VAULT_WORK_MAX;
}

static struct keys_slot *find(struct keys *k, uint8_t kind)
{
    for (size_t i = 0; i < k->n; i++) {
        if (k->slot[i].kind == kind) return &k->slot[i];
    }
    return NULL;
}

enum err keys_decode(struct span bytes, struct keys *out)
{
    struct tls_reader r = tls_reader_of(bytes);
    struct keys k = {0};
    if (!span_eq(tls_bytes(&r, sizeof magic - 1), span_str(magic)) || tls_u8(&r) != VERSION) return ERR_UNSUPPORTED;
    struct tls_reader slots = tls_open(&r);
    while (tls_left(&slots) > 0 && k.n < KEYS_SLOTS_MAX) {
        struct keys_slot *s = &k.slot[k.n];
        s->kind = tls_u8(&slots);
        if (find(&k, s->kind) != NULL)
            tls_fail(&slots); // a second one would open the vault after the first was changed
        k.n++;
        if (tls_u8(&slots) != 0) tls_fail(&slots);
        s->passes = tls_u32(&slots);
        s->memory_kib = tls_u32(&slots);
        copy(&slots, s->salt, sizeof s->salt);
        copy(&slots, s->nonce, sizeof s->nonce);
        copy(&slots, s->sealed, sizeof s->sealed);
        if (!cost_ok(s)) tls_fail(&slots);
    }
    tls_close(&r, &slots);
    if (tls_end(&r) != ERR_OK || k.n == 0) return ERR_CORRUPT;
    *out = k;
    return ERR_OK;
}

// -------------------------------------------------------------------------------------------------------------- sealing

// The key under which the vault's key is sealed in this slot.
static enum err derive(const struct keys_slot *s, const struct vault_secret *secret, uint8_t out[KEYS_KEY])
{
    _Static_assert(KEYS_SALT == crypto_pwhash_argon2id_SALTBYTES, "the salt is Argon2id's");
    if (s->kind == VAULT_PASSPHRASE) {
        int rc = crypto_pwhash_argon2id(out, KEYS_KEY, (const char *)secret->bytes.p, secret->bytes.n, s->salt,
                                        s->passes, (size_t)s->memory_kib * 1024, crypto_pwhash_argon2id_ALG_ARGON2ID13);
        return rc == 0 ? ERR_OK : ERR_MEMORY;
    }
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, secret->bytes.p, secret->bytes.n, KEYS_KEY); // keyed BLAKE2b
    (void)crypto_generichash_update(&state, (const uint8_t *)keyring_label, sizeof keyring_label - 1);
    (void)crypto_generichash_update(&state, s->salt, sizeof s->salt);
    (void)crypto_generichash_final(&state, out, KEYS_KEY);
    mem_wipe(&state, sizeof state);
    return ERR_OK;
}

static bool secret_ok(const struct vault_secret *secret)
{
    if (secret->kind == VAULT_KEYRING) return secret->bytes.n == VAULT_SECRET;
    return secret->kind == VAULT_PASSPHRASE && secret->bytes.n >= 1 && secret->bytes.n <= VAULT_PASSPHRASE_MAX;
}

enum err keys_seal(struct keys *k, const struct vault_secret *secret, const uint8_t key[KEYS_KEY])
{
    struct keys_slot s = {.kind = (uint8_t)secret->kind};
    uint8_t under[KEYS_KEY]; /* secret */
    struct buf head;
    if (!secret_ok(secret) || sodium_init() < 0) return ERR_INVALID;
    if (s.kind == VAULT_PASSPHRASE) {
        s.passes = secret->passes == 0 ? VAULT_PASSES : secret->passes;
        s.memory_kib = secret->memory_kib == 0 ? VAULT_MEMORY_KIB : secret->memory_kib;
    }
    if (!cost_ok(&s)) return ERR_INVALID;
    struct keys_slot *to = find(k, s.kind);
    if (to == NULL && k->n == KEYS_SLOTS_MAX) return ERR_LIMIT;
    randombytes_buf(s.salt, sizeof s.salt);
    randombytes_buf(s.nonce, sizeof s.nonce);
    enum err e = derive(&s, secret, under);
    buf_init(&head, 256);
    put_head(&s, &head);
    if (e == ERR_OK) e = buf_end(&head);
    if (e == ERR_OK) {
        (void)crypto_aead_xchacha20poly1305_ietf_encrypt(s.sealed, NULL, key, KEYS_KEY, head.p, head.n, NULL, s.nonce,
                                                         under);
        if (to == NULL) to = &k->slot[k->n++];
        *to = s;
    }
    buf_wipe(&head);
    mem_wipe(under, sizeof under);
    return e;
}

enum err keys_open(const struct keys *k, const struct vault_secret *secret, uint8_t key[KEYS_KEY])
{
    uint8_t under[KEYS_KEY]; /* secret */
    struct buf head;
    const struct keys_slot *s = find((struct keys *)(uintptr_t)k, (uint8_t)secret->kind);
    if (s == NULL || sodium_init() < 0) return ERR_INVALID;
    if (!secret_ok(secret)) return ERR_UNAUTHENTICATED;
    enum err e = derive(s, secret, under);
    buf_init(&head, 256);
    put_head(s, &head);
    if (e == ERR_OK) e = buf_end(&head);
    if (e == ERR_OK && crypto_aead_xchacha20poly1305_ietf_decrypt(key, NULL, NULL, s->sealed, KEYS_SEALED, head.p,
                                                                  head.n, s->nonce, under) != 0) {
        mem_wipe(key, KEYS_KEY);
        e = ERR_UNAUTHENTICATED;
    }
    buf_wipe(&head);
    mem_wipe(under, sizeof under);
    return e;
}

bool keys_drop(struct keys *k, enum vault_kind kind)
{
    struct keys_slot *s = find(k, (uint8_t)kind);
    if (s == NULL) return false;
    *s = k->slot[--k->n];
    mem_wipe(&k->slot[k->n], sizeof k->slot[k->n]);
    return true;
}
