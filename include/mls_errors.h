// SPDX-License-Identifier: Apache-2.0
//
// mls_errors: every reason for which libmls refuses something. The first few are classes; the others each name one
// rule of RFC 9420, so that a log tells what was wrong and a test can ask for exactly one violation. mls_error_class
// gives the class of any of them, which is what a program should decide by.
#ifndef MLS_ERRORS_H
#define MLS_ERRORS_H

enum mls_error {
    MLS_OK = 0,
    MLS_E_MALFORMED = 1, // the bytes do not decode: drop them
    MLS_E_UNAUTHENTICATED = 2, // a signature, MAC or AEAD tag is wrong: drop the bytes
    MLS_E_INVALID = 3, // a rule of the protocol is broken: drop the message
    MLS_E_STALE = 4, // it belongs to an epoch or generation that has passed: drop it
    MLS_E_NOT_FOUND = 5, // it names something that is not here: fetch that, then try again
    MLS_E_UNSUPPORTED = 6, // a version, suite or type that this library does not have
    MLS_E_REFUSED = 7, // the application's policy said no
    MLS_E_LIMIT = 8, // larger than a limit allows
    MLS_E_MEMORY = 9, // no memory; nothing has changed
    MLS_E_MISUSE = 10, // the caller's arguments contradict each other or the object's state
    MLS_E_RANDOM = 11, // the random source failed
    MLS_E_CRYPTO = 12, // the cryptographic library failed in a way that input cannot cause
    MLS_E_CORRUPT = 13, // stored state does not restore
    MLS_E_DETAIL = 0x100,

    // Leaf nodes (RFC 9420 §7.3)
    MLS_E_LEAF_SIGNATURE = 0x101, // the signature on a LeafNode is wrong
    MLS_E_LEAF_KEY_INVALID = 0x102, // a public key in a LeafNode is not a key of this cipher suite
    MLS_E_LEAF_CREDENTIAL = 0x103, // the application refused a credential
    MLS_E_LEAF_CERTIFICATE = 0x104, // the first X.509 certificate does not hold the signature key of its LeafNode
    MLS_E_LEAF_REQUIRED = 0x105, // a LeafNode lacks a capability that the group requires
    MLS_E_LEAF_GROUP_EXTENSION = 0x106, // a LeafNode does not support an extension of the GroupContext
    MLS_E_LEAF_CREDENTIAL_NOT_LISTED = 0x107, // a LeafNode's capabilities do not list the type of its own credential
    MLS_E_LEAF_CREDENTIAL_FOREIGN = 0x108, // some member does not support the type of a LeafNode's credential
    MLS_E_LEAF_CREDENTIALS_IN_USE = 0x109, // a LeafNode does not support a credential type that is in use in the group
    MLS_E_LEAF_LIFETIME = 0x10a, // the present time lies outside of a LeafNode's lifetime
    MLS_E_LEAF_LIFETIME_LENGTH = 0x10b, // a LeafNode's lifetime is longer than the application accepts
    MLS_E_LEAF_EXTENSION = 0x10c, // a LeafNode carries an extension that its capabilities do not list
    MLS_E_LEAF_SOURCE = 0x10d, // a LeafNode's source does not fit the place where it appears
    MLS_E_LEAF_KEY_UNCHANGED = 0x10e, // a new LeafNode keeps the encryption key of the one it replaces
    MLS_E_LEAF_SIGNATURE_KEY_TAKEN = 0x10f, // another member has the same signature key
    MLS_E_LEAF_ENCRYPTION_KEY_TAKEN = 0x110, // another node of the tree has the same encryption key

    // KeyPackages (§10.1)
    MLS_E_KEY_PACKAGE_VERSION = 0x111, // a KeyPackage is for another protocol version
    MLS_E_KEY_PACKAGE_SUITE = 0x112, // a KeyPackage is for another cipher suite
    MLS_E_KEY_PACKAGE_SIGNATURE = 0x113, // the signature on a KeyPackage is wrong
    MLS_E_KEY_PACKAGE_INIT_KEY = 0x114, // a KeyPackage's init key is no key, or is also its encryption key

    // Ratchet trees (§7.1, §7.8, §7.9, §12.4.3.1)
    MLS_E_TREE_HASH = 0x115, // the ratchet tree does not have the hash that the GroupContext names
    MLS_E_TREE_PARENT_HASH = 0x116, // a parent node is not authenticated by a chain of parent hashes from a leaf
    MLS_E_TREE_UNMERGED_LEAF = 0x117, // an unmerged leaf is blank or does not lie below its parent node
    MLS_E_TREE_UNMERGED_PATH = 0x118, // a node between an unmerged leaf and a parent node does not list the leaf
    MLS_E_TREE_KEY_TWICE = 0x119, // the encryption key of a parent node appears in another node
    MLS_E_TREE_KEY_INVALID = 0x11a, // a public key in the tree is not a key of this cipher suite

    // Update paths (§7.5, §7.6, §12.4.2)
    MLS_E_PATH_MISSING = 0x11b, // a commit needs an update path and has none
    MLS_E_PATH_LENGTH = 0x11c, // an update path does not have one node for each of the filtered direct path
    MLS_E_PATH_CIPHERTEXTS = 0x11d, // an update path has not one ciphertext for each node of a resolution
    MLS_E_PATH_KEY_TAKEN = 0x11e, // a public key in an update path already appears in the tree
    MLS_E_PATH_KEY_INVALID = 0x11f, // a public key in an update path is not a key of this cipher suite
    MLS_E_PATH_PARENT_HASH = 0x120, // the parent hash in the committer's new LeafNode is wrong
    MLS_E_PATH_SECRET = 0x121, // the encrypted path secret does not open
    MLS_E_PATH_PUBLIC_KEY = 0x122, // a path secret does not give the public key that the update path names

    // Proposals and lists of them (§12.1, §12.2)
    MLS_E_PROPOSAL_UNKNOWN = 0x123, // a commit refers to a proposal that has not been received
    MLS_E_PROPOSAL_SENDER = 0x124, // a sender of this kind may not make a proposal of this type
    MLS_E_PROPOSAL_TYPE = 0x125, // a proposal's type is not supported by every member
    MLS_E_PROPOSAL_OWN_UPDATE = 0x126, // a commit contains an Update by the committer
    MLS_E_PROPOSAL_REMOVES_COMMITTER = 0x127, // a commit removes its committer
    MLS_E_PROPOSAL_REMOVES_NOBODY = 0x128, // a Remove names a blank leaf
    MLS_E_PROPOSAL_SAME_LEAF = 0x129, // two Updates or Removes in a commit apply to the same leaf
    MLS_E_PROPOSAL_ADDS_TWICE = 0x12a, // two Adds in a commit are of the same client
    MLS_E_PROPOSAL_ADDS_MEMBER = 0x12b, // an Add is of a client that is a member already
    MLS_E_PROPOSAL_PSK_TWICE = 0x12c, // two PreSharedKey proposals in a commit name the same PSK
    MLS_E_PROPOSAL_PSK_USAGE = 0x12d, // a resumption PSK of usage reinit or branch may not be proposed
    MLS_E_PROPOSAL_PSK_NONCE = 0x12e, // a psk_nonce does not have the length of a hash
    MLS_E_PROPOSAL_EXTENSIONS_TWICE = 0x12f, // a commit contains two GroupContextExtensions proposals
    MLS_E_PROPOSAL_EXTENSIONS_REQUIRED = 0x130, // some member lacks a capability that new group extensions require
    MLS_E_PROPOSAL_EXTENSIONS_UNSUPPORTED = 0x131, // some member does not support one of the new group extensions
    MLS_E_PROPOSAL_REINIT_ALONE = 0x132, // a commit contains a ReInit together with another proposal
    MLS_E_PROPOSAL_REINIT_VERSION = 0x133, // a ReInit names an older protocol version
    MLS_E_PROPOSAL_EXTERNAL_INIT = 0x134, // a commit by a member contains an ExternalInit
    MLS_E_EXTERNAL_INIT = 0x135, // an external commit does not contain exactly one ExternalInit
    MLS_E_EXTERNAL_REMOVE = 0x136, // an external commit contains more than one Remove
    MLS_E_EXTERNAL_PROPOSAL = 0x137, // an external commit contains a proposal of a type that it may not
    MLS_E_EXTERNAL_REFERENCE = 0x138, // an external commit contains a proposal by reference
    MLS_E_EXTERNAL_IDENTITY = 0x139, // the joiner may not take the place of the member that it removes

    // Messages (§6, §9, §12.4.2)
    MLS_E_MESSAGE_GROUP = 0x13a, // the message belongs to another group
    MLS_E_MESSAGE_EPOCH = 0x13b, // the message belongs to an epoch that has passed
    MLS_E_MESSAGE_FUTURE = 0x13c, // the message belongs to an epoch that has not come yet: process the commits before it first
    MLS_E_MESSAGE_OWN = 0x13d, // the message is this member's own
    MLS_E_MESSAGE_SENDER = 0x13e, // the sender is not a member, nor an external sender of the group
    MLS_E_MESSAGE_SENDER_TYPE = 0x13f, // a sender of this kind may not send content of this kind
    MLS_E_MESSAGE_SIGNATURE = 0x140, // the signature on a message is wrong
    MLS_E_MESSAGE_MEMBERSHIP_TAG = 0x141, // the membership tag of a PublicMessage is wrong
    MLS_E_MESSAGE_CONFIRMATION_TAG = 0x142, // the confirmation tag is wrong
    MLS_E_MESSAGE_PUBLIC_APPLICATION = 0x143, // application data may not be sent as a PublicMessage
    MLS_E_MESSAGE_SENDER_DATA = 0x144, // the sender data of a PrivateMessage does not open
    MLS_E_MESSAGE_CONTENT = 0x145, // the content of a PrivateMessage does not open
    MLS_E_MESSAGE_PADDING = 0x146, // the padding of a PrivateMessage is not all zeros
    MLS_E_MESSAGE_GENERATION = 0x147, // the message lies too many generations ahead
    MLS_E_MESSAGE_KEY_GONE = 0x148, // the key of this message has been used or dropped

    // Welcome, GroupInfo and related groups (§11, §12.4.3)
    MLS_E_WELCOME_NOT_MINE = 0x149, // the Welcome is not for this KeyPackage
    MLS_E_WELCOME_SUITE = 0x14a, // the Welcome, its GroupInfo and the KeyPackage do not agree on a cipher suite
    MLS_E_WELCOME_SECRETS = 0x14b, // the group secrets in the Welcome do not open
    MLS_E_WELCOME_GROUP_INFO = 0x14c, // the GroupInfo in the Welcome does not open: wrong PSKs, or damaged
    MLS_E_WELCOME_LEAF = 0x14d, // the tree has no leaf like the one in the KeyPackage
    MLS_E_WELCOME_PATH_SECRET = 0x14e, // the path secret does not give the public keys of the tree
    MLS_E_WELCOME_PSKS = 0x14f, // a reinit or branch PSK is not the only one of its kind
    MLS_E_WELCOME_TREE = 0x150, // the ratchet tree is neither in the message nor given beside it
    MLS_E_WELCOME_EPOCH = 0x151, // a group that continues another does not start at epoch 1
    MLS_E_GROUP_INFO_SIGNER = 0x152, // the signer of a GroupInfo is not a member
    MLS_E_GROUP_INFO_SIGNATURE = 0x153, // the signature on a GroupInfo is wrong
    MLS_E_GROUP_INFO_EXTENSION = 0x154, // this client does not support an extension of the group
    MLS_E_GROUP_INFO_EXTERNAL = 0x155, // the GroupInfo does not allow external commits: it has no external_pub
    MLS_E_GROUP_ID_TAKEN = 0x156, // this client already takes part in a group with this identifier
    MLS_E_REINIT_MISMATCH = 0x157, // the new group does not match the ReInit that announced it
    MLS_E_REINIT_MEMBERS = 0x158, // a member of the old group is missing in the new one
    MLS_E_BRANCH_MISMATCH = 0x159, // a branch has another version or cipher suite than its parent group
    MLS_E_BRANCH_MEMBERS = 0x15a, // a member of the branch is not in its parent group
    MLS_E_PSK_UNKNOWN = 0x15b, // a pre-shared key is not available

    // State
    MLS_E_GROUP_INACTIVE = 0x15c, // this client was removed, or the group was reinitialised: it sends nothing more
    MLS_E_GROUP_PROPOSALS = 0x15d, // proposals are waiting: commit before sending application data
    MLS_E_STAGED_STALE = 0x15e, // the group has moved on since this commit was staged
    MLS_E_END = 0x15f
};

// Marks what the library exports: MLS_API where the result must be looked at, MLS_API_VOID where it need not be.
#if defined(__cplusplus) || (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202000L)
#define MLS_MUST_USE [[nodiscard]]
#else
#define MLS_MUST_USE
#endif
#define MLS_API MLS_MUST_USE __attribute__((visibility("default")))
#define MLS_API_VOID __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

// The class of an error: one of MLS_OK … MLS_E_CORRUPT.
MLS_API_VOID enum mls_error mls_error_class(enum mls_error e);
// "MLS_E_LEAF_SIGNATURE", and a sentence with the section of RFC 9420. Never NULL.
MLS_API_VOID const char *mls_error_name(enum mls_error e);
MLS_API_VOID const char *mls_error_text(enum mls_error e);
// The section of RFC 9420 that the error is about: "7.3"; "" for a class.
MLS_API_VOID const char *mls_error_section(enum mls_error e);

#ifdef __cplusplus
}
#endif
#endif
