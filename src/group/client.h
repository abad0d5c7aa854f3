// SPDX-License-Identifier: Apache-2.0
//
// group/client: what client.c offers the rest of the room: algorithms for a call, and the private parts of KeyPackages.
#ifndef WHIMBREL_GROUP_CLIENT_H
#define WHIMBREL_GROUP_CLIENT_H

#include "group/group.h"

// A crypto object for one call; free it with client_algo_free. ERR_UNSUPPORTED for an unknown suite.
enum err client_algo(const struct mls_client *c, uint16_t suite, struct algo *out);
void client_algo_free(struct algo *a);
enum err client_system_random(void *arg, uint8_t *out, size_t n);
uint64_t client_system_now(void *arg);

// The private part of a KeyPackage, decoded; borrows. secret
struct private_part {
    struct key_package key_package;
    struct span init_key, leaf_key, signature_key;
};
void private_part_write(struct buf *b, struct span key_package, struct span init_key, struct span leaf_key,
                        struct span signature_key);
// ERR_CORRUPT
enum err private_part_decode(struct span raw, struct private_part *out);

// A group of one at epoch 0 (§11); group_id empty: a random one. The list of extensions is encoded.
enum err group_found(const struct mls_client *c, const struct crypto_suite *suite, struct span group_id,
                     const struct mls_leaf_params *leaf, struct span extensions, struct mls_group **out);

// What a KeyPackage is held against before there is a group for it.
struct check_rules client_rules(const struct mls_client *c);
// A KeyPackage from an MLSMessage or from its own bytes.
enum err key_package_of(struct span message, struct key_package *out);

#endif
