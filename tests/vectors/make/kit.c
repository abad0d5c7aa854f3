// SPDX-License-Identifier: Apache-2.0
//
// JSON, random values and clients for the generators. Everything fails through the trial.
#include "vectors/make/kit.h"

#include <stdio.h>

// ---------------------------------------------------------------------------------------------------------- JSON

static bool lives(struct make *m, const json_t *in, json_t *take)
{
    if (!m->t.failed && in != NULL && take != NULL) return true;
    if (!m->t.failed) trial_fail(&m->t, "no memory for JSON");
    json_decref(take);
    return false;
}

void kit_put(struct make *m, json_t *object, const char *key, json_t *take)
{
    if (lives(m, object, take) && json_object_set_new(object, key, take) != 0) trial_fail(&m->t, "JSON: %s", key);
}

void kit_append(struct make *m, json_t *list, json_t *take)
{
    if (lives(m, list, take) && json_array_append_new(list, take) != 0) trial_fail(&m->t, "JSON: an element");
}

static json_t *hex(struct span s)
{
    static const char digits[] = "0123456789abcdef";
    char *text = mem_new_array(s.n + 1, 2);
    if (text == NULL) return NULL;
    for (size_t i = 0; i < s.n; i++) {
        text[2 * i] = digits[s.p[i] >> 4];
        text[2 * i + 1] = digits[s.p[i] & 15];
    }
    json_t *out = json_stringn(text, 2 * s.n);
    mem_free(text);
    return out;
}

void kit_bytes(struct make *m, json_t *object, const char *key, struct span s) { kit_put(m, object, key, hex(s)); }
void kit_append_bytes(struct make *m, json_t *list, struct span s) { kit_append(m, list, hex(s)); }
void kit_text(struct make *m, json_t *object, const char *key, const char *s)
{
    kit_put(m, object, key, json_string(s));
}
void kit_null(struct make *m, json_t *object, const char *key) { kit_put(m, object, key, json_null()); }

void kit_number(struct make *m, json_t *object, const char *key, uint64_t v)
{
    if (v > INT64_MAX) trial_fail(&m->t, "%s: a number above 2^63 - 1", key);
    kit_put(m, object, key, json_integer((json_int_t)v));
}

json_t *kit_object(struct make *m, json_t *object, const char *key)
{
    kit_put(m, object, key, json_object());
    return m->t.failed ? NULL : json_object_get(object, key);
}

json_t *kit_list(struct make *m, json_t *object, const char *key)
{
    kit_put(m, object, key, json_array());
    return m->t.failed ? NULL : json_object_get(object, key);
}

static json_t *last(struct make *m, json_t *list)
{
    return m->t.failed ? NULL : json_array_get(list, json_array_size(list) - 1);
}

json_t *kit_append_object(struct make *m, json_t *list)
{
    kit_append(m, list, json_object());
    return last(m, list);
}

json_t *kit_append_list(struct make *m, json_t *list)
{
    kit_append(m, list, json_array());
    return last(m, list);
}

json_t *kit_case(struct make *m)
{
    json_t *object = kit_append_object(m, m->cases);
    if (m->t.algo.suite != NULL) kit_number(m, object, "cipher_suite", crypto_suite_id(m->t.algo.suite));
    return object;
}

// -------------------------------------------------------------------------------------------------------- values

struct span kit_random(struct make *m, size_t n)
{
    uint8_t *p = trial_bytes(&m->t, n);
    if (p == NULL || m->t.world.random(m->t.world.arg, p, n) != ERR_OK) return span_of(NULL, 0);
    return span_of(p, n);
}

uint32_t kit_below(struct make *m, uint32_t n)
{
    uint8_t b[4] = {0};
    if (m->t.world.random(m->t.world.arg, b, sizeof b) != ERR_OK) trial_fail(&m->t, "no random bytes");
    return ((uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3]) % n;
}

uint32_t kit_range(struct make *m, uint32_t from, uint32_t to) { return from + kit_below(m, to - from + 1); }
bool kit_coin(struct make *m) { return kit_below(m, 2) == 1; }

struct secret kit_secret(struct make *m)
{
    struct secret s = {0};
    struct span b = kit_random(m, algo_nh(&m->t.algo));
    if (b.n > 0) memcpy(s.b, b.p, b.n);
    return s;
}

const char *kit_label(struct make *m, size_t n)
{
    char *text = (char *)trial_bytes(&m->t, n + 1);
    for (size_t i = 0; text != NULL && i < n; i++) text[i] = "0123456789abcdef"[kit_below(m, 16)];
    return text != NULL ? text : "";
}

struct span kit_copy(struct make *m, struct span s)
{
    uint8_t *p = trial_bytes(&m->t, s.n);
    if (p == NULL) return span_of(NULL, 0);
    if (s.n > 0) memcpy(p, s.p, s.n);
    return span_of(p, s.n);
}

struct span kit_take(struct make *m, enum mls_error e, struct mls_buf *b, const char *step)
{
    struct span out = span_of(NULL, 0);
    if (trial_ok(&m->t, (enum err)e, "%s", step)) out = kit_copy(m, span_of(b->data, b->size));
    mls_buf_free(b);
    return out;
}

struct kit_keys kit_kem_keys(struct make *m)
{
    const struct crypto_sizes *z = algo_sizes(&m->t.algo);
    struct span ikm = kit_random(m, z->nsk);
    uint8_t *sk = trial_bytes(&m->t, z->nsk), *pk = trial_bytes(&m->t, z->npk);
    if (m->t.failed) return (struct kit_keys){0};
    trial_ok(&m->t, crypto_kem_derive(m->t.algo.crypto, m->t.algo.suite, ikm, sk, pk), "a KEM key pair");
    return (struct kit_keys){span_of(sk, z->nsk), span_of(pk, z->npk)};
}

struct kit_keys kit_signature_keys(struct make *m)
{
    const struct crypto_sizes *z = algo_sizes(&m->t.algo);
    struct span seed = kit_random(m, CRYPTO_SIG_SEED);
    uint8_t *sk = trial_bytes(&m->t, z->nsigsk), *pk = trial_bytes(&m->t, z->nsigpk);
    if (m->t.failed) return (struct kit_keys){0};
    trial_ok(&m->t, crypto_sig_keygen(m->t.algo.crypto, m->t.algo.suite, seed.p, sk, pk), "a signature key pair");
    return (struct kit_keys){span_of(sk, z->nsigsk), span_of(pk, z->nsigpk)};
}

// ------------------------------------------------------------------------------------------------------- clients

static bool client_random(void *arg, uint8_t *out, size_t n)
{
    const struct kit_client *c = arg;
    return c->m->t.world.random(c->m->t.world.arg, out, n) == ERR_OK;
}

static uint64_t client_now(void *arg)
{
    const struct kit_client *c = arg;
    return c->m->t.world.now(c->m->t.world.arg);
}

static bool client_credential(void *arg, const struct mls_credential_check *check)
{
    (void)arg;
    (void)check;
    return true;
}

static bool client_psk(void *arg, const struct mls_psk_id *id, struct mls_span *secret)
{
    const struct kit_client *c = arg;
    return c->psk != NULL && c->psk(c->arg, id, secret);
}

void kit_client(struct make *m, struct kit_client *c, bool public_handshake, uint32_t padding, kit_psk *psk, void *arg)
{
    static const struct mls_custom_proposal custom = {
        .type = KIT_PROPOSAL, .path_required = false, .external_allowed = true};
    enum { PAST_PSKS = 1 << 20, WINDOW = 1 << 12 };
    *c = (struct kit_client){.m = m, .psk = psk, .arg = arg};
    const struct mls_config config = {.arg = c,
                                      .random = client_random,
                                      .now = client_now,
                                      .credential = client_credential,
                                      .psk = client_psk,
                                      .custom_proposals = &custom,
                                      .custom_proposal_count = m->plan->wide ? 1 : 0,
                                      .past_psks = PAST_PSKS,
                                      .skipped_keys = WINDOW,
                                      .max_ahead = WINDOW,
                                      .padding = padding,
                                      .max_lifetime = UINT64_MAX,
                                      .ignore_lifetime = true,
                                      .public_handshake = public_handshake,
                                      .no_grease = m->plan->no_grease};
    trial_ok(&m->t, (enum err)mls_client_new(&config, &c->client), "new client");
}
