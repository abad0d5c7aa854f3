// SPDX-License-Identifier: Apache-2.0
//
// mls/frame: message framing (RFC 9420 §6): FramedContent, its signature, PublicMessage and PrivateMessage. Bytes and
// keys in, bytes out: which key belongs to a sender, and what a message does, is decided above.
#ifndef WHIMBREL_MLS_FRAME_H
#define WHIMBREL_MLS_FRAME_H

#include "mls/proposal.h"
#include "tree/secret.h"

enum wire_format { WIRE_PUBLIC = 1, WIRE_PRIVATE = 2, WIRE_WELCOME = 3, WIRE_GROUP_INFO = 4, WIRE_KEY_PACKAGE = 5 };
enum content_type { CONTENT_APPLICATION = 1, CONTENT_PROPOSAL = 2, CONTENT_COMMIT = 3 };
enum sender_type { SENDER_MEMBER = 1, SENDER_EXTERNAL = 2, SENDER_NEW_PROPOSAL = 3, SENDER_NEW_COMMIT = 4 };

// The head of an MLSMessage: leaves the reader at the body. ERR_UNSUPPORTED for another version or an unknown format.
enum err message_open(struct tls_reader *r, enum wire_format *format);
void message_head(struct buf *b, enum wire_format format);

// An AuthenticatedContent, decoded. The spans point into the message or, of a private one, into `storage`.
struct frame {
    enum wire_format wire;
    struct span framed; // the FramedContent as encoded
    struct span group_id;
    uint64_t epoch;
    enum sender_type sender_type;
    uint32_t sender; // leaf index, or index into external_senders
    struct span aad; // authenticated_data
    enum content_type content_type;
    struct span body; // application data; the Proposal; the Commit
    struct span signature;
    struct span confirmation_tag; // of a commit
    struct span membership_tag;   // of a PublicMessage by a member
    uint32_t generation;          // of a PrivateMessage
    struct buf storage;           // the content of a PrivateMessage; wiped by frame_wipe
};
void frame_wipe(struct frame *f);

// A PublicMessage (behind the MLSMessage head).
void frame_read_public(struct tls_reader *r, struct frame *out);
// MACs the membership tag (§6.2); ERR_UNAUTHENTICATED if it is wrong.
enum err frame_check_membership(const struct algo *a, const struct frame *f, struct span context,
                                const struct secret *membership_key);
// Checks the signature (§6.1). context: the GroupContext as encoded, for members and committing joiners, else empty.
enum err frame_check_signature(const struct algo *a, const struct frame *f, struct span context, struct span pk);
// The AuthenticatedContent as encoded.
enum err frame_authenticated(const struct frame *f, struct buf *out);
// An AuthenticatedContent from its bytes.
enum err frame_decode_authenticated(struct span raw, struct frame *out);
// What enters the confirmed transcript hash: wire format, FramedContent, signature, in parts.
enum { FRAME_TRANSCRIPT_PARTS = 4 };
struct frame_transcript {
    uint8_t head[2], length[4];
    struct span parts[FRAME_TRANSCRIPT_PARTS];
};
void frame_transcript(const struct frame *f, struct frame_transcript *out);

// What a new message says.
struct frame_content {
    enum wire_format wire;
    struct span group_id;
    uint64_t epoch;
    enum sender_type sender_type;
    uint32_t sender;
    struct span aad;
    enum content_type content_type;
    struct span body;
};
// Encodes and signs: *out is a frame without confirmation tag, whose storage holds FramedContent and signature.
enum err frame_sign(const struct algo *a, const struct frame_content *c, struct span context, struct span sk,
                    struct span pk, struct frame *out);
// The MLSMessage with a PublicMessage; membership_key NULL where the sender is no member.
enum err frame_write_public(const struct algo *a, const struct frame *f, struct span context,
                            const struct secret *membership_key, struct buf *out);
// The MLSMessage with a PrivateMessage: content under `key`, which is used up, padded to a multiple of `padding`.
enum err frame_write_private(const struct algo *a, const struct frame *f, const struct secret *sender_data,
                             const struct message_key *key, uint32_t generation, const uint8_t reuse_guard[4],
                             uint32_t padding, struct buf *out);

// A PrivateMessage as it stands on the wire.
struct private_message {
    struct span head; // group_id, epoch, content_type, authenticated_data: the AAD of the content
    struct span sender_aad; // the first three of these: the AAD of the sender data
    struct span group_id;
    uint64_t epoch;
    enum content_type content_type;
    struct span aad;
    struct span sender_data, ciphertext;
};
void private_message_read(struct tls_reader *r, struct private_message *out);
struct sender_data {
    uint32_t leaf, generation;
    uint8_t reuse_guard[4];
};
enum err private_open_sender(const struct algo *a, const struct private_message *m, const struct secret *secret,
                             struct sender_data *out);
// Opens the content. MLS_E_MESSAGE_CONTENT, MLS_E_MESSAGE_PADDING, ERR_MALFORMED.
enum err private_open_content(const struct algo *a, const struct private_message *m, const struct sender_data *sender,
                              const struct message_key *key, struct frame *out);

#endif
