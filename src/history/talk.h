// SPDX-License-Identifier: Apache-2.0
//
// history/talk: the list of conversations, and what one has of each for oneself: what is unread, drafts, pins, and whether others are told that one
// has read. The list comes from two tables alone; no message is read for it.
#ifndef WHIMBREL_HISTORY_TALK_H
#define WHIMBREL_HISTORY_TALK_H

#include "history/history.h"

enum { HISTORY_DRAFT_MAX = CONTENT_MESSAGE_MAX };

enum talk_receipts { RECEIPTS_USUAL, RECEIPTS_ON, RECEIPTS_OFF };

struct history_last {
    int64_t message, sender, whom; // message 0: nothing has been said
    uint64_t time;
    enum history_kind kind;
    unsigned flags;
    struct span type, body; // of the body the beginning
};
struct history_chat {
    int64_t id, contact;
    int kind, state; // as the client has them
    struct span name;
    uint32_t members;
    uint64_t epoch, created;
    struct history_last last;
    uint32_t unread, mentions;
    int64_t read_to; // the last message that was read
    uint64_t muted;  // until when, milliseconds; 0: it is not
    bool pinned, archived;
    bool hidden; // all in it was deleted on this device, and nothing has been said since
    enum talk_receipts receipts;
    uint32_t timer; // seconds that messages live; 0: for ever
    struct span draft;
};
// All conversations (chat is 0), as talk_first gives them, or the one with an id. ERR_NOT_FOUND.
enum err talk_list(struct history *h, int64_t chat, void (*each)(void *arg, const struct history_chat *c), void *arg);
// At most so many: pinned ones first, then those with the newest message.
enum err talk_first(struct history *h, int64_t limit, void (*each)(void *arg, const struct history_chat *c), void *arg);

// A conversation is there: it gets a row. Within a transaction, as all that follow; ERR_NOT_FOUND where there is no such conversation.
void talk_open(struct history *h, int64_t chat);
// All up to a message is read; what lives for a time after reading begins to.
enum err talk_read(struct history *h, int64_t chat, int64_t message, uint64_t now);

enum talk_what { TALK_PINNED, TALK_MUTED, TALK_ARCHIVED, TALK_RECEIPTS, TALK_TIMER };
enum err talk_set(struct history *h, int64_t chat, enum talk_what what, int64_t value);
// It is not to be listed until something is said in it again.
void talk_hide(struct history *h, int64_t chat);
enum err talk_draft(struct history *h, int64_t chat, struct span text);

#endif
