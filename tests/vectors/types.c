// SPDX-License-Identifier: Apache-2.0
//
// The table of vector types, and recognising them by content: a file whose first object lacks a field is still taken
// for what it is, so that the failure can name the field.
#include "vectors/types.h"

static const struct vector_type types[] = {
    {"tree-math", false, basics_tree_math, {"n_leaves", "n_nodes", "root", "left", "right", "parent", "sibling"}},
    {"crypto-basics", true, basics_crypto,
     {"ref_hash", "expand_with_label", "derive_secret", "derive_tree_secret", "sign_with_label", "encrypt_with_label"}},
    {"deserialization", false, basics_length, {"vlbytes_header", "length"}},
    {"tree-operations", true, trees_operations,
     {"tree_before", "proposal", "proposal_sender", "tree_hash_before", "tree_after", "tree_hash_after"}},
    {"tree-validation", true, trees_validation, {"tree", "resolutions", "tree_hashes"}},
    {"treekem", true, treekem_check,
     {"epoch", "confirmed_transcript_hash", "ratchet_tree", "leaves_private", "update_paths"}},
    {"secret-tree", true, secrets_tree, {"sender_data", "encryption_secret", "leaves"}},
    {"key-schedule", true, schedule_keys, {"initial_init_secret", "epochs"}},
    {"psk_secret", true, schedule_psk, {"psks", "psk_secret"}},
    {"transcript-hashes", true, schedule_transcript,
     {"confirmation_key", "authenticated_content", "interim_transcript_hash_before", "confirmed_transcript_hash_after",
      "interim_transcript_hash_after"}},
    {"message-protection", true, protect_check,
     {"epoch", "tree_hash", "confirmed_transcript_hash", "signature_priv", "signature_pub", "encryption_secret",
      "sender_data_secret", "membership_key", "proposal", "proposal_pub", "proposal_priv", "commit", "commit_pub",
      "commit_priv", "application", "application_priv"}},
    {"welcome", true, welcome_check, {"init_priv", "signer_pub", "key_package", "welcome"}},
    {"messages", false, messages_check,
     {"mls_welcome", "mls_group_info", "mls_key_package", "ratchet_tree", "group_secrets", "add_proposal",
      "update_proposal", "remove_proposal", "pre_shared_key_proposal", "re_init_proposal", "external_init_proposal",
      "group_context_extensions_proposal", "commit", "public_message_application", "public_message_proposal",
      "public_message_commit", "private_message"}},
    {"passive-client", true, passive_check,
     {"external_psks", "key_package", "signature_priv", "encryption_priv", "init_priv", "welcome", "ratchet_tree",
      "initial_epoch_authenticator", "epochs"}},
    {"hpke", false, hpke_base,
     {"mode", "kem_id", "kdf_id", "aead_id", "info", "ikmR", "ikmE", "skRm", "pkRm", "enc", "shared_secret", "key",
      "base_nonce", "exporter_secret", "encryptions", "exports"}},
    {"x-wing", false, hpke_xwing, {"seed", "eseed", "ss", "sk", "pk", "ct"}},
};

const struct vector_type *vector_type_at(size_t i) { return i < sizeof types / sizeof *types ? &types[i] : NULL; }

const struct vector_type *vector_type_named(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i].name, name) == 0) return &types[i];
    }
    return NULL;
}

const struct vector_type *vector_type_of(const json_t *object)
{
    const struct vector_type *best = NULL;
    size_t most = 0;
    bool tied = false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        size_t have = 0, all = 0;
        for (; all < VECTOR_KEYS && types[i].keys[all] != NULL; all++) {
            have += json_object_get(object, types[i].keys[all]) != NULL;
        }
        if (2 * have < all || have < most) continue;
        tied = have == most;
        most = have;
        best = &types[i];
    }
    return tied ? NULL : best;
}
