// SPDX-License-Identifier: Apache-2.0
//
// The table of libmls's errors: number, class, name, section of RFC 9420 and text. Invariant: rows stand in the order
// of their numbers, without gaps (src/mls/test/test_errors.c).
#include "mls_errors.h"

#include "base/base.h"

struct row {
    enum mls_error code, class;
    const char *name, *section, *text;
};

static const struct row table[] = {
    // Leaf nodes (RFC 9420 §7.3)
    {MLS_E_LEAF_SIGNATURE, MLS_E_UNAUTHENTICATED, "MLS_E_LEAF_SIGNATURE", "7.3",
     "the signature on a LeafNode is wrong"},
    {MLS_E_LEAF_KEY_INVALID, MLS_E_INVALID, "MLS_E_LEAF_KEY_INVALID", "7.3",
     "a public key in a LeafNode is not a key of this cipher suite"},
    {MLS_E_LEAF_CREDENTIAL, MLS_E_REFUSED, "MLS_E_LEAF_CREDENTIAL", "5.3.1",
     "the application refused a credential"},
    {MLS_E_LEAF_CERTIFICATE, MLS_E_INVALID, "MLS_E_LEAF_CERTIFICATE", "5.3",
     "the first X.509 certificate does not hold the signature key of its LeafNode"},
    {MLS_E_LEAF_REQUIRED, MLS_E_INVALID, "MLS_E_LEAF_REQUIRED", "7.3",
     "a LeafNode lacks a capability that the group requires"},
    {MLS_E_LEAF_GROUP_EXTENSION, MLS_E_INVALID, "MLS_E_LEAF_GROUP_EXTENSION", "13.4",
     "a LeafNode does not support an extension of the GroupContext"},
    {MLS_E_LEAF_CREDENTIAL_NOT_LISTED, MLS_E_INVALID, "MLS_E_LEAF_CREDENTIAL_NOT_LISTED", "7.2",
     "a LeafNode's capabilities do not list the type of its own credential"},
    {MLS_E_LEAF_CREDENTIAL_FOREIGN, MLS_E_INVALID, "MLS_E_LEAF_CREDENTIAL_FOREIGN", "7.3",
     "some member does not support the type of a LeafNode's credential"},
    {MLS_E_LEAF_CREDENTIALS_IN_USE, MLS_E_INVALID, "MLS_E_LEAF_CREDENTIALS_IN_USE", "7.3",
     "a LeafNode does not support a credential type that is in use in the group"},
    {MLS_E_LEAF_LIFETIME, MLS_E_INVALID, "MLS_E_LEAF_LIFETIME", "7.3",
     "the present time lies outside of a LeafNode's lifetime"},
    {MLS_E_LEAF_LIFETIME_LENGTH, MLS_E_INVALID, "MLS_E_LEAF_LIFETIME_LENGTH", "7.2",
     "a LeafNode's lifetime is longer than the application accepts"},
    {MLS_E_LEAF_EXTENSION, MLS_E_INVALID, "MLS_E_LEAF_EXTENSION", "7.3",
     "a LeafNode carries an extension that its capabilities do not list"},
    {MLS_E_LEAF_SOURCE, MLS_E_INVALID, "MLS_E_LEAF_SOURCE", "7.3",
     "a LeafNode's source does not fit the place where it appears"},
    {MLS_E_LEAF_KEY_UNCHANGED, MLS_E_INVALID, "MLS_E_LEAF_KEY_UNCHANGED", "7.3",
     "a new LeafNode keeps the encryption key of the one it replaces"},
    {MLS_E_LEAF_SIGNATURE_KEY_TAKEN, MLS_E_INVALID, "MLS_E_LEAF_SIGNATURE_KEY_TAKEN", "7.3",
     "another member has the same signature key"},
    {MLS_E_LEAF_ENCRYPTION_KEY_TAKEN, MLS_E_INVALID, "MLS_E_LEAF_ENCRYPTION_KEY_TAKEN", "7.3",
     "another node of the tree has the same encryption key"},

    // KeyPackages (§10.1)
    {MLS_E_KEY_PACKAGE_VERSION, MLS_E_UNSUPPORTED, "MLS_E_KEY_PACKAGE_VERSION", "10.1",
     "a KeyPackage is for another protocol version"},
    {MLS_E_KEY_PACKAGE_SUITE, MLS_E_UNSUPPORTED, "MLS_E_KEY_PACKAGE_SUITE", "10.1",
     "a KeyPackage is for another cipher suite"},
    {MLS_E_KEY_PACKAGE_SIGNATURE, MLS_E_UNAUTHENTICATED, "MLS_E_KEY_PACKAGE_SIGNATURE", "10.1",
     "the signature on a KeyPackage is wrong"},
    {MLS_E_KEY_PACKAGE_INIT_KEY, MLS_E_INVALID, "MLS_E_KEY_PACKAGE_INIT_KEY", "10.1",
     "a KeyPackage's init key is no key, or is also its encryption key"},

    // Ratchet trees (§7.1, §7.8, §7.9, §12.4.3.1)
    {MLS_E_TREE_HASH, MLS_E_INVALID, "MLS_E_TREE_HASH", "12.4.3.1",
     "the ratchet tree does not have the hash that the GroupContext names"},
    {MLS_E_TREE_PARENT_HASH, MLS_E_INVALID, "MLS_E_TREE_PARENT_HASH", "7.9.2",
     "a parent node is not authenticated by a chain of parent hashes from a leaf"},
    {MLS_E_TREE_UNMERGED_LEAF, MLS_E_INVALID, "MLS_E_TREE_UNMERGED_LEAF", "12.4.3.1",
     "an unmerged leaf is blank or does not lie below its parent node"},
    {MLS_E_TREE_UNMERGED_PATH, MLS_E_INVALID, "MLS_E_TREE_UNMERGED_PATH", "12.4.3.1",
     "a node between an unmerged leaf and a parent node does not list the leaf"},
    {MLS_E_TREE_KEY_TWICE, MLS_E_INVALID, "MLS_E_TREE_KEY_TWICE", "12.4.3.1",
     "the encryption key of a parent node appears in another node"},
    {MLS_E_TREE_KEY_INVALID, MLS_E_INVALID, "MLS_E_TREE_KEY_INVALID", "5.1.1",
     "a public key in the tree is not a key of this cipher suite"},

    // Update paths (§7.5, §7.6, §12.4.2)
    {MLS_E_PATH_MISSING, MLS_E_INVALID, "MLS_E_PATH_MISSING", "12.4",
     "a commit needs an update path and has none"},
    {MLS_E_PATH_LENGTH, MLS_E_INVALID, "MLS_E_PATH_LENGTH", "7.6",
     "an update path does not have one node for each of the filtered direct path"},
    {MLS_E_PATH_CIPHERTEXTS, MLS_E_INVALID, "MLS_E_PATH_CIPHERTEXTS", "7.6",
     "an update path has not one ciphertext for each node of a resolution"},
    {MLS_E_PATH_KEY_TAKEN, MLS_E_INVALID, "MLS_E_PATH_KEY_TAKEN", "12.4.2",
     "a public key in an update path already appears in the tree"},
    {MLS_E_PATH_KEY_INVALID, MLS_E_INVALID, "MLS_E_PATH_KEY_INVALID", "5.1.1",
     "a public key in an update path is not a key of this cipher suite"},
    {MLS_E_PATH_PARENT_HASH, MLS_E_INVALID, "MLS_E_PATH_PARENT_HASH", "7.9.2",
     "the parent hash in the committer's new LeafNode is wrong"},
    {MLS_E_PATH_SECRET, MLS_E_UNAUTHENTICATED, "MLS_E_PATH_SECRET", "7.5",
     "the encrypted path secret does not open"},
    {MLS_E_PATH_PUBLIC_KEY, MLS_E_INVALID, "MLS_E_PATH_PUBLIC_KEY", "7.5",
     "a path secret does not give the public key that the update path names"},

    // Proposals and lists of them (§12.1, §12.2)
    {MLS_E_PROPOSAL_UNKNOWN, MLS_E_NOT_FOUND, "MLS_E_PROPOSAL_UNKNOWN", "12.4",
     "a commit refers to a proposal that has not been received"},
    {MLS_E_PROPOSAL_SENDER, MLS_E_INVALID, "MLS_E_PROPOSAL_SENDER", "12.1.8",
     "a sender of this kind may not make a proposal of this type"},
    {MLS_E_PROPOSAL_TYPE, MLS_E_UNSUPPORTED, "MLS_E_PROPOSAL_TYPE", "12.2",
     "a proposal's type is not supported by every member"},
    {MLS_E_PROPOSAL_OWN_UPDATE, MLS_E_INVALID, "MLS_E_PROPOSAL_OWN_UPDATE", "12.2",
     "a commit contains an Update by the committer"},
    {MLS_E_PROPOSAL_REMOVES_COMMITTER, MLS_E_INVALID, "MLS_E_PROPOSAL_REMOVES_COMMITTER", "12.2",
     "a commit removes its committer"},
    {MLS_E_PROPOSAL_REMOVES_NOBODY, MLS_E_INVALID, "MLS_E_PROPOSAL_REMOVES_NOBODY", "12.1.3",
     "a Remove names a blank leaf"},
    {MLS_E_PROPOSAL_SAME_LEAF, MLS_E_INVALID, "MLS_E_PROPOSAL_SAME_LEAF", "12.2",
     "two Updates or Removes in a commit apply to the same leaf"},
    {MLS_E_PROPOSAL_ADDS_TWICE, MLS_E_INVALID, "MLS_E_PROPOSAL_ADDS_TWICE", "12.2",
     "two Adds in a commit are of the same client"},
    {MLS_E_PROPOSAL_ADDS_MEMBER, MLS_E_INVALID, "MLS_E_PROPOSAL_ADDS_MEMBER", "12.2",
     "an Add is of a client that is a member already"},
    {MLS_E_PROPOSAL_PSK_TWICE, MLS_E_INVALID, "MLS_E_PROPOSAL_PSK_TWICE", "12.2",
     "two PreSharedKey proposals in a commit name the same PSK"},
    {MLS_E_PROPOSAL_PSK_USAGE, MLS_E_INVALID, "MLS_E_PROPOSAL_PSK_USAGE", "12.1.4",
     "a resumption PSK of usage reinit or branch may not be proposed"},
    {MLS_E_PROPOSAL_PSK_NONCE, MLS_E_INVALID, "MLS_E_PROPOSAL_PSK_NONCE", "12.1.4",
     "a psk_nonce does not have the length of a hash"},
    {MLS_E_PROPOSAL_EXTENSIONS_TWICE, MLS_E_INVALID, "MLS_E_PROPOSAL_EXTENSIONS_TWICE", "12.2",
     "a commit contains two GroupContextExtensions proposals"},
    {MLS_E_PROPOSAL_EXTENSIONS_REQUIRED, MLS_E_INVALID, "MLS_E_PROPOSAL_EXTENSIONS_REQUIRED", "12.1.7",
     "some member lacks a capability that new group extensions require"},
    {MLS_E_PROPOSAL_EXTENSIONS_UNSUPPORTED, MLS_E_INVALID, "MLS_E_PROPOSAL_EXTENSIONS_UNSUPPORTED", "13.4",
     "some member does not support one of the new group extensions"},
    {MLS_E_PROPOSAL_REINIT_ALONE, MLS_E_INVALID, "MLS_E_PROPOSAL_REINIT_ALONE", "12.2",
     "a commit contains a ReInit together with another proposal"},
    {MLS_E_PROPOSAL_REINIT_VERSION, MLS_E_INVALID, "MLS_E_PROPOSAL_REINIT_VERSION", "12.1.5",
     "a ReInit names an older protocol version"},
    {MLS_E_PROPOSAL_EXTERNAL_INIT, MLS_E_INVALID, "MLS_E_PROPOSAL_EXTERNAL_INIT", "12.2",
     "a commit by a member contains an ExternalInit"},
    {MLS_E_EXTERNAL_INIT, MLS_E_INVALID, "MLS_E_EXTERNAL_INIT", "12.2",
     "an external commit does not contain exactly one ExternalInit"},
    {MLS_E_EXTERNAL_REMOVE, MLS_E_INVALID, "MLS_E_EXTERNAL_REMOVE", "12.2",
     "an external commit contains more than one Remove"},
    {MLS_E_EXTERNAL_PROPOSAL, MLS_E_INVALID, "MLS_E_EXTERNAL_PROPOSAL", "12.2",
     "an external commit contains a proposal of a type that it may not"},
    {MLS_E_EXTERNAL_REFERENCE, MLS_E_INVALID, "MLS_E_EXTERNAL_REFERENCE", "12.4.3.2",
     "an external commit contains a proposal by reference"},
    {MLS_E_EXTERNAL_IDENTITY, MLS_E_REFUSED, "MLS_E_EXTERNAL_IDENTITY", "12.2",
     "the joiner may not take the place of the member that it removes"},

    // Messages (§6, §9, §12.4.2)
    {MLS_E_MESSAGE_GROUP, MLS_E_INVALID, "MLS_E_MESSAGE_GROUP", "6",
     "the message belongs to another group"},
    {MLS_E_MESSAGE_EPOCH, MLS_E_STALE, "MLS_E_MESSAGE_EPOCH", "6",
     "the message belongs to an epoch that has passed"},
    {MLS_E_MESSAGE_FUTURE, MLS_E_NOT_FOUND, "MLS_E_MESSAGE_FUTURE", "6",
     "the message belongs to an epoch that has not come yet: process the commits before it first"},
    {MLS_E_MESSAGE_OWN, MLS_E_STALE, "MLS_E_MESSAGE_OWN", "9.2",
     "the message is this member's own"},
    {MLS_E_MESSAGE_SENDER, MLS_E_INVALID, "MLS_E_MESSAGE_SENDER", "6.1",
     "the sender is not a member, nor an external sender of the group"},
    {MLS_E_MESSAGE_SENDER_TYPE, MLS_E_INVALID, "MLS_E_MESSAGE_SENDER_TYPE", "6.1",
     "a sender of this kind may not send content of this kind"},
    {MLS_E_MESSAGE_SIGNATURE, MLS_E_UNAUTHENTICATED, "MLS_E_MESSAGE_SIGNATURE", "6.1",
     "the signature on a message is wrong"},
    {MLS_E_MESSAGE_MEMBERSHIP_TAG, MLS_E_UNAUTHENTICATED, "MLS_E_MESSAGE_MEMBERSHIP_TAG", "6.2",
     "the membership tag of a PublicMessage is wrong"},
    {MLS_E_MESSAGE_CONFIRMATION_TAG, MLS_E_UNAUTHENTICATED, "MLS_E_MESSAGE_CONFIRMATION_TAG", "12.4.2",
     "the confirmation tag is wrong"},
    {MLS_E_MESSAGE_PUBLIC_APPLICATION, MLS_E_INVALID, "MLS_E_MESSAGE_PUBLIC_APPLICATION", "6",
     "application data may not be sent as a PublicMessage"},
    {MLS_E_MESSAGE_SENDER_DATA, MLS_E_UNAUTHENTICATED, "MLS_E_MESSAGE_SENDER_DATA", "6.3.2",
     "the sender data of a PrivateMessage does not open"},
    {MLS_E_MESSAGE_CONTENT, MLS_E_UNAUTHENTICATED, "MLS_E_MESSAGE_CONTENT", "6.3.1",
     "the content of a PrivateMessage does not open"},
    {MLS_E_MESSAGE_PADDING, MLS_E_MALFORMED, "MLS_E_MESSAGE_PADDING", "6.3.1",
     "the padding of a PrivateMessage is not all zeros"},
    {MLS_E_MESSAGE_GENERATION, MLS_E_LIMIT, "MLS_E_MESSAGE_GENERATION", "15.3",
     "the message lies too many generations ahead"},
    {MLS_E_MESSAGE_KEY_GONE, MLS_E_STALE, "MLS_E_MESSAGE_KEY_GONE", "9.2",
     "the key of this message has been used or dropped"},

    // Welcome, GroupInfo and related groups (§11, §12.4.3)
    {MLS_E_WELCOME_NOT_MINE, MLS_E_NOT_FOUND, "MLS_E_WELCOME_NOT_MINE", "12.4.3.1",
     "the Welcome is not for this KeyPackage"},
    {MLS_E_WELCOME_SUITE, MLS_E_INVALID, "MLS_E_WELCOME_SUITE", "12.4.3.1",
     "the Welcome, its GroupInfo and the KeyPackage do not agree on a cipher suite"},
    {MLS_E_WELCOME_SECRETS, MLS_E_UNAUTHENTICATED, "MLS_E_WELCOME_SECRETS", "12.4.3.1",
     "the group secrets in the Welcome do not open"},
    {MLS_E_WELCOME_GROUP_INFO, MLS_E_UNAUTHENTICATED, "MLS_E_WELCOME_GROUP_INFO", "12.4.3.1",
     "the GroupInfo in the Welcome does not open: wrong PSKs, or damaged"},
    {MLS_E_WELCOME_LEAF, MLS_E_INVALID, "MLS_E_WELCOME_LEAF", "12.4.3.1",
     "the tree has no leaf like the one in the KeyPackage"},
    {MLS_E_WELCOME_PATH_SECRET, MLS_E_INVALID, "MLS_E_WELCOME_PATH_SECRET", "12.4.3.1",
     "the path secret does not give the public keys of the tree"},
    {MLS_E_WELCOME_PSKS, MLS_E_INVALID, "MLS_E_WELCOME_PSKS", "12.4.3.1",
     "a reinit or branch PSK is not the only one of its kind"},
    {MLS_E_WELCOME_TREE, MLS_E_NOT_FOUND, "MLS_E_WELCOME_TREE", "12.4.3.3",
     "the ratchet tree is neither in the message nor given beside it"},
    {MLS_E_WELCOME_EPOCH, MLS_E_INVALID, "MLS_E_WELCOME_EPOCH", "12.4.3.1",
     "a group that continues another does not start at epoch 1"},
    {MLS_E_GROUP_INFO_SIGNER, MLS_E_INVALID, "MLS_E_GROUP_INFO_SIGNER", "12.4.3.1",
     "the signer of a GroupInfo is not a member"},
    {MLS_E_GROUP_INFO_SIGNATURE, MLS_E_UNAUTHENTICATED, "MLS_E_GROUP_INFO_SIGNATURE", "12.4.3.1",
     "the signature on a GroupInfo is wrong"},
    {MLS_E_GROUP_INFO_EXTENSION, MLS_E_UNSUPPORTED, "MLS_E_GROUP_INFO_EXTENSION", "13.4",
     "this client does not support an extension of the group"},
    {MLS_E_GROUP_INFO_EXTERNAL, MLS_E_NOT_FOUND, "MLS_E_GROUP_INFO_EXTERNAL", "12.4.3.2",
     "the GroupInfo does not allow external commits: it has no external_pub"},
    {MLS_E_GROUP_ID_TAKEN, MLS_E_REFUSED, "MLS_E_GROUP_ID_TAKEN", "12.4.3.1",
     "this client already takes part in a group with this identifier"},
    {MLS_E_REINIT_MISMATCH, MLS_E_INVALID, "MLS_E_REINIT_MISMATCH", "12.4.3.1",
     "the new group does not match the ReInit that announced it"},
    {MLS_E_REINIT_MEMBERS, MLS_E_INVALID, "MLS_E_REINIT_MEMBERS", "12.4.3.1",
     "a member of the old group is missing in the new one"},
    {MLS_E_BRANCH_MISMATCH, MLS_E_INVALID, "MLS_E_BRANCH_MISMATCH", "11.3",
     "a branch has another version or cipher suite than its parent group"},
    {MLS_E_BRANCH_MEMBERS, MLS_E_INVALID, "MLS_E_BRANCH_MEMBERS", "11.3",
     "a member of the branch is not in its parent group"},
    {MLS_E_PSK_UNKNOWN, MLS_E_NOT_FOUND, "MLS_E_PSK_UNKNOWN", "8.4",
     "a pre-shared key is not available"},

    // State
    {MLS_E_GROUP_INACTIVE, MLS_E_MISUSE, "MLS_E_GROUP_INACTIVE", "12.4.2",
     "this client was removed, or the group was reinitialised: it sends nothing more"},
    {MLS_E_GROUP_PROPOSALS, MLS_E_MISUSE, "MLS_E_GROUP_PROPOSALS", "12.4",
     "proposals are waiting: commit before sending application data"},
    {MLS_E_STAGED_STALE, MLS_E_STALE, "MLS_E_STAGED_STALE", "14",
     "the group has moved on since this commit was staged"},
};

static const struct row *find(enum mls_error e)
{
    if (e <= MLS_E_DETAIL || e >= MLS_E_END) return NULL;
    const struct row *r = &table[e - MLS_E_DETAIL - 1];
    return r->code == e ? r : NULL;
}

enum mls_error mls_error_class(enum mls_error e)
{
    const struct row *r = find(e);
    return r != NULL ? r->class : e;
}

const char *mls_error_name(enum mls_error e)
{
    static const char *const classes[] = {
        "MLS_OK",         "MLS_E_MALFORMED", "MLS_E_UNAUTHENTICATED", "MLS_E_INVALID", "MLS_E_STALE", "MLS_E_NOT_FOUND", "MLS_E_UNSUPPORTED", "MLS_E_REFUSED", "MLS_E_LIMIT", "MLS_E_MEMORY", "MLS_E_MISUSE", "MLS_E_RANDOM", "MLS_E_CRYPTO", "MLS_E_CORRUPT"
    };
    const struct row *r = find(e);
    if (r != NULL) return r->name;
    return (unsigned)e < sizeof classes / sizeof *classes ? classes[e] : "MLS_E_UNKNOWN";
}

const char *mls_error_text(enum mls_error e)
{
    const struct row *r = find(e);
    return r != NULL ? r->text : err_text((enum err)e);
}

const char *mls_error_section(enum mls_error e)
{
    const struct row *r = find(e);
    return r != NULL ? r->section : "";
}
