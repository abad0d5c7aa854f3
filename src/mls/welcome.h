// SPDX-License-Identifier: Apache-2.0
//
// mls/welcome: GroupInfo, GroupSecrets and Welcome as bytes (RFC 9420 §12.4.3), signed and sealed. What a joiner makes
// of them is in group/join.
#ifndef WHIMBREL_MLS_WELCOME_H
#define WHIMBREL_MLS_WELCOME_H

#include "mls/proposal.h"

struct group_info {
    struct span raw, tbs;
    struct span context_raw; // the GroupContext as encoded
    struct group_context context;
    struct span extensions;
    struct span confirmation_tag;
    uint32_t signer;
    struct span signature;
};
void group_info_read(struct tls_reader *r, struct group_info *out);
enum err group_info_decode(struct span raw, struct group_info *out);
// Completes a GroupInfo of which `out` holds GroupContext and extensions, from `from` on: the latter may be long, and are
// best written where they stay.
enum err group_info_sign(const struct algo *a, size_t from, struct span tag, uint32_t signer, struct span sk,
                         struct span pk, struct buf *out);
// ERR_UNAUTHENTICATED
enum err group_info_verify(const struct algo *a, const struct group_info *info, struct span pk);

// secret
struct group_secrets {
    struct span joiner_secret;
    bool has_path_secret;
    struct span path_secret;
    struct span psks; // the content of `PreSharedKeyID psks<V>`, checked
    size_t n_psks;
};
enum err group_secrets_decode(struct span raw, struct group_secrets *out);
void group_secrets_write(struct buf *b, struct span joiner, const struct secret *path_secret, size_t nh,
                         struct span psks);

struct welcome {
    uint16_t suite;
    struct span secrets; // the content of `EncryptedGroupSecrets secrets<V>`, checked
    struct span encrypted_group_info;
};
void welcome_read(struct tls_reader *r, struct welcome *out);
// Walks the EncryptedGroupSecrets: start with *at = 0.
struct encrypted_secrets {
    struct span new_member, kem_output, ciphertext;
};
bool welcome_next(const struct welcome *w, size_t *at, struct encrypted_secrets *out);
// The entry for a KeyPackageRef; false if there is none.
bool welcome_find(const struct welcome *w, struct span ref, struct encrypted_secrets *out);

#endif
