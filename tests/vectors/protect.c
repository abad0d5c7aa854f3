// SPDX-License-Identifier: Apache-2.0
//
// Vector type message-protection: a proposal, a commit and application data, each as a PublicMessage and as a
// PrivateMessage, given and made here. Member 1 of a group of 2 is the sender of all.
#include "mls/frame.h"
#include "vectors/model.h"
#include "vectors/types.h"

enum { SENDER = 1, MEMBERS = 2, AHEAD = 1000 };

struct setting {
    struct trial *t;
    struct span group_id, context, other_context, sk, pk;
    uint64_t epoch;
    struct secret encryption, sender_data, membership, other_membership;
};

// What one of the three is called, and how it goes over the wire.
struct kind {
    enum content_type type;
    enum ratchet_type ratchet;
    const char *raw, *public, *private;
};

// The frame says what it should: who, where, and the raw content.
static void says(const struct setting *s, const struct frame *f, const struct kind *k, struct span raw,
                 const char *step)
{
    struct trial *t = s->t;
    trial_same(t, f->group_id, s->group_id, "%s: group_id", step);
    trial_equal(t, f->epoch, s->epoch, "%s: epoch", step);
    trial_equal(t, f->sender_type, SENDER_MEMBER, "%s: sender type", step);
    trial_equal(t, f->sender, SENDER, "%s: sender", step);
    trial_equal(t, f->content_type, k->type, "%s: content type", step);
    trial_same(t, f->body, raw, "%s: content", step);
}

static void signed_here(const struct setting *s, const struct frame *f, const char *step)
{
    struct trial *t = s->t;
    trial_ok(t, frame_check_signature(&t->algo, f, s->context, s->pk), "%s: signature", step);
    trial_refused(t, frame_check_signature(&t->algo, f, s->other_context, s->pk), (enum err)MLS_E_MESSAGE_SIGNATURE,
                  "%s: signature in another context", step);
}

// ------------------------------------------------------------------------------------------------- PublicMessage

// Reads, verifies, and writes what was read again.
static void open_public(const struct setting *s, const struct kind *k, struct span message, struct span raw,
                        const char *step)
{
    struct trial *t = s->t;
    struct tls_reader r = tls_reader_of(message);
    enum wire_format wire = WIRE_PRIVATE;
    struct frame f;
    struct buf again;
    if (t->failed || !trial_ok(t, message_open(&r, &wire), "%s: MLSMessage", step)) return;
    frame_read_public(&r, &f);
    if (!trial_equal(t, wire, WIRE_PUBLIC, "%s: wire format", step) || !trial_ok(t, tls_end(&r), "%s: decode", step)) {
        return;
    }
    says(s, &f, k, raw, step);
    signed_here(s, &f, step);
    trial_ok(t, frame_check_membership(&t->algo, &f, s->context, &s->membership), "%s: membership tag", step);
    trial_refused(t, frame_check_membership(&t->algo, &f, s->context, &s->other_membership),
                  (enum err)MLS_E_MESSAGE_MEMBERSHIP_TAG, "%s: membership tag under another key", step);
    trial_refused(t, frame_check_membership(&t->algo, &f, s->other_context, &s->membership),
                  (enum err)MLS_E_MESSAGE_MEMBERSHIP_TAG, "%s: membership tag in another context", step);
    buf_init(&again, TLS_VECTOR_MAX);
    if (trial_ok(t, frame_write_public(&t->algo, &f, s->context, &s->membership, &again), "%s: write", step)) {
        trial_same(t, buf_span(&again), message, "%s: written again", step);
    }
    buf_wipe(&again);
    frame_wipe(&f);
}

// ------------------------------------------------------------------------------------------------ PrivateMessage

static bool read_private(const struct setting *s, const struct kind *k, struct span message,
                         struct private_message *out, const char *step)
{
    struct trial *t = s->t;
    struct tls_reader r = tls_reader_of(message);
    enum wire_format wire = WIRE_PUBLIC;
    if (t->failed || !trial_ok(t, message_open(&r, &wire), "%s: MLSMessage", step)) return false;
    private_message_read(&r, out);
    trial_equal(t, wire, WIRE_PRIVATE, "%s: wire format", step);
    trial_equal(t, out->content_type, k->type, "%s: content type", step);
    return trial_ok(t, tls_end(&r), "%s: decode", step);
}

// Another AAD opens neither the sender data nor the content.
static void only_as_sent(const struct setting *s, const struct private_message *m, const struct sender_data *sender,
                         const struct message_key *key, const char *step)
{
    struct trial *t = s->t;
    struct private_message other = *m;
    struct sender_data nobody;
    struct frame f;
    other.head.n--;
    other.sender_aad.n--;
    trial_refused(t, private_open_sender(&t->algo, &other, &s->sender_data, &nobody),
                  (enum err)MLS_E_MESSAGE_SENDER_DATA, "%s: sender data with another AAD", step);
    trial_refused(t, private_open_content(&t->algo, &other, sender, key, &f), (enum err)MLS_E_MESSAGE_CONTENT,
                  "%s: content with another AAD", step);
}

static void open_private(const struct setting *s, const struct kind *k, struct span message, struct span raw,
                         struct span confirmation_tag, const char *step)
{
    struct trial *t = s->t;
    struct private_message m;
    struct sender_data sender;
    struct secret_tree tree;
    struct secret_step at;
    struct frame f = {0};
    if (!read_private(s, k, message, &m, step)) return;
    if (!trial_ok(t, private_open_sender(&t->algo, &m, &s->sender_data, &sender), "%s: sender data", step)) return;
    if (!trial_equal(t, sender.leaf, SENDER, "%s: sender", step)) return;
    if (!trial_ok(t, secret_tree_new(&tree, MEMBERS, &s->encryption), "new secret tree")) return;
    enum err e = secret_step_find(&t->algo, &tree, sender.leaf, k->ratchet, sender.generation, AHEAD, 0, &at);
    if (trial_ok(t, e, "%s: key of generation %u", step, sender.generation)) {
        only_as_sent(s, &m, &sender, &at.key, step);
        if (trial_ok(t, private_open_content(&t->algo, &m, &sender, &at.key, &f), "%s: content", step)) {
            says(s, &f, k, raw, step);
            signed_here(s, &f, step);
            if (confirmation_tag.n > 0) {
                trial_same(t, f.confirmation_tag, confirmation_tag, "%s: confirmation tag", step);
            }
        }
        frame_wipe(&f);
        secret_step_wipe(&at);
    }
    secret_tree_wipe(&tree);
}

// ----------------------------------------------------------------------------------------------------- made here

static struct span protect_public(const struct setting *s, const struct frame *f, const char *step)
{
    struct buf out;
    buf_init(&out, TLS_VECTOR_MAX);
    trial_ok(s->t, frame_write_public(&s->t->algo, f, s->context, &s->membership, &out), "%s: protect", step);
    return trial_take(s->t, &out, step);
}

static struct span protect_private(const struct setting *s, const struct kind *k, const struct frame *f,
                                   uint32_t skip, uint32_t padding, const char *step)
{
    struct trial *t = s->t;
    struct secret_tree tree;
    struct secret_step at = {0};
    struct buf out;
    uint8_t guard[4];
    buf_init(&out, TLS_VECTOR_MAX);
    if (t->failed || !trial_ok(t, secret_tree_new(&tree, MEMBERS, &s->encryption), "new secret tree")) {
        return span_of(NULL, 0);
    }
    enum err e = t->world.random(t->world.arg, guard, sizeof guard);
    for (uint32_t i = 0; e == ERR_OK && i <= skip; i++) {
        secret_step_wipe(&at);
        e = secret_step_next(&t->algo, &tree, SENDER, k->ratchet, &at);
        if (e == ERR_OK) e = secret_step_take(&tree, &at, 0);
    }
    if (e == ERR_OK) {
        e = frame_write_private(&t->algo, f, &s->sender_data, &at.key, at.generation, guard, padding, &out);
    }
    trial_ok(t, e, "%s: protect", step);
    secret_step_wipe(&at);
    secret_tree_wipe(&tree);
    return trial_take(t, &out, step);
}

static void protect(const struct setting *s, const struct kind *k, struct span raw, enum wire_format wire)
{
    struct trial *t = s->t;
    const size_t nh = algo_nh(&t->algo);
    uint8_t tag[CRYPTO_HASH_MAX];
    struct frame f;
    const struct frame_content c = {.wire = wire,
                                    .group_id = s->group_id,
                                    .epoch = s->epoch,
                                    .sender_type = SENDER_MEMBER,
                                    .sender = SENDER,
                                    .aad = span_str("authenticated data"),
                                    .content_type = k->type,
                                    .body = raw};
    enum err e = t->failed ? ERR_INVALID : t->world.random(t->world.arg, tag, nh);
    if (e == ERR_OK) e = frame_sign(&t->algo, &c, s->context, s->sk, s->pk, &f);
    if (t->failed || !trial_ok(t, e, "%s: sign", k->raw)) return;
    if (k->type == CONTENT_COMMIT) f.confirmation_tag = span_of(tag, nh);
    if (wire == WIRE_PRIVATE) {
        for (uint32_t i = 0; i < 3; i++) {
            open_private(s, k, protect_private(s, k, &f, 7 * i, 1 << 4 * i, k->private), raw, f.confirmation_tag,
                         "a new PrivateMessage");
        }
    } else if (k->type != CONTENT_APPLICATION) {
        open_public(s, k, protect_public(s, &f, k->public), raw, "a new PublicMessage");
    } else {
        // "For the application message, instead verify that protecting as a PublicMessage fails"
        struct buf out;
        buf_init(&out, TLS_VECTOR_MAX);
        trial_refused(t, frame_write_public(&t->algo, &f, s->context, &s->membership, &out),
                      (enum err)MLS_E_MESSAGE_PUBLIC_APPLICATION, "application: protect as a PublicMessage");
        buf_wipe(&out);
    }
    frame_wipe(&f);
}

static bool read_setting(struct setting *s, const struct field *v)
{
    struct trial *t = s->t;
    uint8_t pk[CRYPTO_SIGPK_MAX];
    struct span tree_hash = field_get_bytes(v, "tree_hash");
    struct span confirmed = field_get_bytes(v, "confirmed_transcript_hash");
    s->group_id = field_get_bytes(v, "group_id");
    s->epoch = field_get_number(v, "epoch", UINT64_MAX);
    s->sk = model_signature_key(v, "signature_priv");
    s->pk = field_get_bytes(v, "signature_pub");
    s->encryption = model_secret(v, "encryption_secret");
    s->sender_data = model_secret(v, "sender_data_secret");
    s->membership = s->other_membership = model_secret(v, "membership_key");
    s->other_membership.b[0] ^= 1;
    s->context = model_context(t, s->group_id, s->epoch, tree_hash, confirmed);
    s->other_context = model_context(t, s->group_id, s->epoch + 1, tree_hash, confirmed);
    if (t->failed) return false;
    enum err e = crypto_sig_public(t->algo.crypto, t->algo.suite, s->sk, pk);
    if (trial_ok(t, e, "signature_priv")) {
        trial_same(t, span_of(pk, algo_sizes(&t->algo)->nsigpk), s->pk, "signature_priv: public key");
    }
    return !t->failed;
}

void protect_check(struct trial *t, const struct field *v)
{
    static const struct kind kinds[] = {
        {CONTENT_PROPOSAL, RATCHET_HANDSHAKE, "proposal", "proposal_pub", "proposal_priv"},
        {CONTENT_COMMIT, RATCHET_HANDSHAKE, "commit", "commit_pub", "commit_priv"},
        {CONTENT_APPLICATION, RATCHET_APPLICATION, "application", NULL, "application_priv"}};
    struct setting s = {.t = t};
    if (!read_setting(&s, v)) return;
    for (size_t i = 0; !t->failed && i < sizeof kinds / sizeof *kinds; i++) {
        const struct kind *k = &kinds[i];
        struct span raw = field_get_bytes(v, k->raw);
        if (k->public != NULL) open_public(&s, k, field_get_bytes(v, k->public), raw, k->public);
        open_private(&s, k, field_get_bytes(v, k->private), raw, span_of(NULL, 0), k->private);
        protect(&s, k, raw, WIRE_PUBLIC);
        protect(&s, k, raw, WIRE_PRIVATE);
    }
}
