// SPDX-License-Identifier: Apache-2.0
//
// Vector type passive-client: a member that joins by a Welcome and follows a history that others have made, through the
// public interface. At each step the epoch authenticators must agree, and damaged messages must change nothing.
#include "group/client.h"
#include "vectors/model.h"
#include "vectors/types.h"

enum { PAST_PSKS = 1 << 20, WINDOW = 1 << 12, MAX_PROPOSALS = 1 << 16 };

struct passive {
    struct trial *t;
    struct field psks;
    struct mls_client *client;
    struct mls_group *group;
};

// ------------------------------------------------------------------------------------------------- the client's world

static bool passive_random(void *arg, uint8_t *out, size_t n)
{
    const struct passive *p = arg;
    return p->t->world.random(p->t->world.arg, out, n) == ERR_OK;
}

static uint64_t passive_now(void *arg)
{
    const struct passive *p = arg;
    return p->t->world.now(p->t->world.arg);
}

// The format has no say in who may be a member.
static bool anybody(void *arg, const struct mls_credential_check *check)
{
    (void)arg;
    (void)check;
    return true;
}

static bool passive_psk(void *arg, const struct mls_psk_id *id, struct mls_span *secret)
{
    const struct passive *p = arg;
    for (size_t i = 0; id->type == MLS_PSK_EXTERNAL && i < field_count(&p->psks); i++) {
        struct field f = field_item(&p->psks, i);
        if (!span_eq(field_get_bytes(&f, "psk_id"), from_api(id->id))) continue;
        *secret = to_api(field_get_bytes(&f, "psk"));
        return !p->t->failed;
    }
    return false;
}

// The application-defined proposals that the KeyPackage promises to understand. Whether they need a path nobody says.
static struct mls_custom_proposal *custom_proposals(struct trial *t, const struct key_package *kp, size_t *n)
{
    struct span list = kp->leaf.capabilities.proposals;
    struct mls_custom_proposal *out = (struct mls_custom_proposal *)(void *)trial_bytes(t, (list.n + 1) * sizeof *out);
    for (size_t i = *n = 0; out != NULL && i < types_count(list); i++) {
        if (!proposal_is_custom(types_at(list, i))) continue;
        out[(*n)++] = (struct mls_custom_proposal){.type = types_at(list, i), .external_allowed = true};
    }
    return out;
}

static bool open_client(struct passive *p, const struct key_package *kp)
{
    size_t n = 0;
    const struct mls_custom_proposal *custom = custom_proposals(p->t, kp, &n);
    const struct mls_config config = {.arg = p,
                                      .random = passive_random,
                                      .now = passive_now,
                                      .credential = anybody,
                                      .psk = passive_psk,
                                      .custom_proposals = custom,
                                      .custom_proposal_count = n,
                                      .past_psks = PAST_PSKS,
                                      .skipped_keys = WINDOW,
                                      .max_ahead = WINDOW,
                                      .max_proposals = MAX_PROPOSALS,
                                      .max_lifetime = UINT64_MAX,
                                      .ignore_lifetime = true};
    return trial_ok(p->t, (enum err)mls_client_new(&config, &p->client), "new client");
}

// -------------------------------------------------------------------------------------------------------- joining

// One private key of the KeyPackage.
static struct span private_key(const struct field *v, const char *key, struct span public)
{
    struct trial *t = v->t;
    bool sig = strcmp(key, "signature_priv") == 0;
    struct span sk = sig ? model_signature_key(v, key) : model_kem_key(v, key);
    const struct crypto_sizes *z = algo_sizes(&t->algo);
    uint8_t pk[CRYPTO_PK_MAX];
    if (t->failed) return sk;
    enum err e = sig ? crypto_sig_public(t->algo.crypto, t->algo.suite, sk, pk)
                     : crypto_kem_public(t->algo.crypto, t->algo.suite, sk, pk);
    if (trial_ok(t, e, "%s", key)) trial_same(t, span_of(pk, sig ? z->nsigpk : z->npk), public, "%s: public key", key);
    return sk;
}

static struct span private_part(const struct field *v, struct key_package *kp)
{
    struct trial *t = v->t;
    struct span message = field_get_bytes(v, "key_package");
    struct buf b;
    buf_init(&b, TLS_VECTOR_MAX);
    if (t->failed || !trial_ok(t, key_package_of(message, kp), "key_package: decode")) return span_of(NULL, 0);
    const struct check_rules rules = {.max_lifetime = UINT64_MAX};
    trial_ok(t, key_package_check(&t->algo, &rules, kp), "key_package: all checks");
    struct span init = private_key(v, "init_priv", kp->init_key);
    struct span leaf = private_key(v, "encryption_priv", kp->leaf.encryption_key);
    struct span signature = private_key(v, "signature_priv", kp->leaf.signature_key);
    private_part_write(&b, kp->raw, init, leaf, signature);
    return trial_take(t, &b, "private part");
}

static void join(struct passive *p, const struct field *v)
{
    struct trial *t = p->t;
    struct key_package kp;
    struct span mine = private_part(v, &kp);
    struct span welcome = field_get_bytes(v, "welcome"), tree = span_of(NULL, 0);
    struct field outside = field_get(v, "ratchet_tree");
    if (!field_null(&outside)) tree = field_bytes(&outside);
    if (t->failed || !open_client(p, &kp)) return;
    trial_true(t, mls_welcome_is_for(p->client, to_api(welcome), to_api(mine)), "the Welcome is for key_package");
    enum mls_error e = mls_group_join(p->client, to_api(welcome), to_api(mine), to_api(tree), NULL, &p->group);
    if (!trial_ok(t, (enum err)e, "join")) return;
    trial_equal(t, mls_group_suite(p->group), crypto_suite_id(t->algo.suite), "cipher suite of the group");
}

static void authenticator(struct passive *p, const struct field *of, const char *key)
{
    struct mls_buf got;
    struct span want = field_get_bytes(of, key);
    if (p->t->failed) return;
    enum mls_error e = mls_group_epoch_authenticator(p->group, &got);
    if (!trial_ok(p->t, (enum err)e, "%s%s%s", of->name, of->name[0] ? "." : "", key)) return;
    trial_same(p->t, span_of(got.data, got.size), want, "%s%s%s", of->name, of->name[0] ? "." : "", key);
    mls_buf_free(&got);
}

// ----------------------------------------------------------------------------------------------------- the history

// A proposal that cannot be taken matters only if the commit refers to it; the first such is told then.
static enum mls_error take_proposals(struct passive *p, const struct field *epoch)
{
    struct field list = field_get(epoch, "proposals");
    enum mls_error first = MLS_OK;
    for (size_t i = 0; i < field_count(&list) && !p->t->failed; i++) {
        struct field f = field_item(&list, i);
        struct span message = field_bytes(&f);
        struct mls_received r;
        if (p->t->failed) break;
        enum mls_error e = mls_group_receive(p->group, to_api(message), &r);
        if (e == MLS_OK) trial_equal(p->t, r.content, MLS_CONTENT_PROPOSAL, "%s: content type", f.name);
        else if (first == MLS_OK) first = e;
        mls_received_free(&r);
    }
    return first;
}

// The commit with its last byte changed: a MAC, a tag or an AEAD tag is there in every kind of message.
static void damaged(struct passive *p, struct span message, const char *step)
{
    struct mls_received r;
    uint8_t *copy = message.n > 0 ? trial_bytes(p->t, message.n) : NULL;
    if (copy == NULL) return;
    memcpy(copy, message.p, message.n);
    copy[message.n - 1] ^= 1;
    uint64_t epoch = mls_group_epoch(p->group);
    size_t waiting = mls_group_proposal_count(p->group);
    enum mls_error e = mls_group_receive(p->group, (struct mls_span){copy, message.n}, &r);
    trial_refused(p->t, (enum err)e, ERR_MAX, "%s: with its last byte changed", step);
    trial_equal(p->t, mls_group_epoch(p->group), epoch, "%s: epoch after a damaged one", step);
    trial_equal(p->t, mls_group_proposal_count(p->group), waiting, "%s: proposals after a damaged one", step);
    mls_received_free(&r);
}

static void take_commit(struct passive *p, const struct field *epoch)
{
    struct trial *t = p->t;
    struct mls_received r;
    enum mls_error unfit = take_proposals(p, epoch);
    struct field f = field_get(epoch, "commit");
    struct span message = field_bytes(&f);
    if (t->failed) return;
    damaged(p, message, f.name);
    enum mls_error e = mls_group_receive(p->group, to_api(message), &r);
    if (e == MLS_E_PROPOSAL_UNKNOWN && unfit != MLS_OK) {
        trial_fail(t, "%s: refers to a proposal that was refused: %s", f.name, mls_error_text(unfit));
    }
    if (!trial_ok(t, (enum err)e, "%s", f.name)) return;
    trial_equal(t, r.content, MLS_CONTENT_COMMIT, "%s: content type", f.name);
    if (!t->failed && trial_true(t, !mls_staged_removes_me(r.staged), "%s leaves the member in", f.name) &&
        trial_ok(t, (enum err)mls_group_merge(p->group, r.staged), "%s: merge", f.name)) {
        r.staged = NULL;
    }
    mls_received_free(&r);
}

void passive_check(struct trial *t, const struct field *v)
{
    struct passive p = {.t = t, .psks = field_get(v, "external_psks")};
    struct field epochs = field_get(v, "epochs");
    size_t n = field_count(&epochs);
    join(&p, v);
    authenticator(&p, v, "initial_epoch_authenticator");
    for (size_t i = 0; !t->failed && i < n; i++) {
        struct field f = field_item(&epochs, i);
        take_commit(&p, &f);
        authenticator(&p, &f, "epoch_authenticator");
    }
    mls_group_free(p.group);
    mls_client_free(p.client);
}
