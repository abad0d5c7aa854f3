// SPDX-License-Identifier: Apache-2.0
//
// mls/schedule: the key schedule of RFC 9420 §8: GroupContext, transcript hashes, pre-shared keys, the secrets of an
// epoch, and the exporter. Functions of bytes: no group, no messages.
#ifndef WHIMBREL_MLS_SCHEDULE_H
#define WHIMBREL_MLS_SCHEDULE_H

#include "codec/tls.h"
#include "tree/label.h"
#include "tree/rule.h"

enum { MLS_VERSION = 1 };

// §8.1
struct group_context {
    uint16_t version, suite;
    struct span group_id;
    uint64_t epoch;
    struct span tree_hash, confirmed_hash;
    struct span extensions; // the content of `Extension extensions<V>`
};
void group_context_write(struct buf *b, const struct group_context *c);
void group_context_read(struct tls_reader *r, struct group_context *out);

// §8.4. raw is the PreSharedKeyID as encoded, where it was decoded.
struct psk_id {
    uint8_t type, usage;
    struct span id, group_id;
    uint64_t epoch;
    struct span nonce, raw;
};
enum { PSK_EXTERNAL = 1, PSK_RESUMPTION = 2, PSK_APPLICATION = 1, PSK_REINIT = 2, PSK_BRANCH = 3 };
void psk_id_write(struct buf *b, const struct psk_id *id);
void psk_id_read(struct tls_reader *r, struct psk_id *out);

// Folds PSKs into psk_secret one by one (§8.4): begin with psk_begin, then psk_add for each in order.
void psk_begin(struct secret *psk_secret);
enum err psk_add(const struct algo *a, struct secret *psk_secret, const struct psk_id *id, struct span psk,
                 uint16_t index, uint16_t count);

// The secrets that an epoch lives by. secret
struct epoch_secrets {
    struct secret init, sender_data, exporter, external, membership, resumption, authenticator;
};

// joiner_secret from the init secret of the epoch before, the commit secret, and the new GroupContext as encoded.
enum err schedule_joiner(const struct algo *a, const struct secret *init, const struct secret *commit_secret,
                         struct span context, struct secret *joiner);
// member secret = Extract(joiner, psk_secret): what welcome_secret and epoch_secret come from.
enum err schedule_member(const struct algo *a, const struct secret *joiner, const struct secret *psk_secret,
                         struct secret *member);
enum err schedule_epoch_secret(const struct algo *a, const struct secret *member, struct span context,
                               struct secret *epoch_secret);
// Everything that comes from epoch_secret; the two that are not kept in epoch_secrets apart.
enum err schedule_epoch(const struct algo *a, const struct secret *epoch_secret, struct epoch_secrets *out,
                        struct secret *encryption, struct secret *confirmation_key);
// Key and nonce of a Welcome's GroupInfo (§12.4.3.1).
enum err schedule_welcome(const struct algo *a, const struct secret *member, uint8_t key[CRYPTO_KEY_MAX],
                          uint8_t nonce[CRYPTO_NONCE]);

// MAC(confirmation_key, confirmed_transcript_hash), nh bytes.
enum err schedule_confirmation_tag(const struct algo *a, const struct secret *key, struct span confirmed_hash,
                                   uint8_t *out);
// §8.2; `input` is the ConfirmedTranscriptHashInput, in parts.
enum err schedule_confirmed_hash(const struct algo *a, struct span interim_before, const struct span *input, size_t n,
                                 uint8_t *out);
enum err schedule_interim_hash(const struct algo *a, struct span confirmed, struct span confirmation_tag, uint8_t *out);

// MLS-Exporter (§8.5).
enum err schedule_export(const struct algo *a, const struct secret *exporter, const char *label, struct span context,
                         uint8_t *out, size_t n);
// The key pair of external commits (§8).
enum err schedule_external_keys(const struct algo *a, const struct secret *external, uint8_t *sk, uint8_t *pk);

// Key and nonce of sender data, from a sample of the ciphertext (§6.3.2).
enum err schedule_sender_data(const struct algo *a, const struct secret *sender_data, struct span ciphertext,
                              uint8_t key[CRYPTO_KEY_MAX], uint8_t nonce[CRYPTO_NONCE]);

#endif
