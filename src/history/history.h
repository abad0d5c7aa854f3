// SPDX-License-Identifier: Apache-2.0
//
// history: what is said in conversations, as it lies in the vault: messages with what they come to be by edits, reactions and
// deletions, and what one has of a conversation for oneself (unread, drafts, pins). It knows MIMI content and tables, no MLS and no network.
// history/talk.h has the list of conversations, history/search.h searching, history/status.h receipts and expiry.
//
// All is worked out when something arrives, whatever came first, so that whoever lists has nothing to put together. Functions that change
// something are called within a transaction; errors stick in the db until it ends.
#ifndef WHIMBREL_HISTORY_HISTORY_H
#define WHIMBREL_HISTORY_HISTORY_H

#include "content/content.h"
#include "vault/db.h"

enum {
    HISTORY_ACCOUNT = 32,      // bytes of an account's id
    HISTORY_REACTION_MAX = 64, // bytes of a reaction; more is shown as something unknown
    HISTORY_REACTIONS_MAX = 500,
    HISTORY_PREVIEW = 200, // bytes of a message in a list of conversations
};

enum message_state {
    MESSAGE_QUEUED = 1,
    MESSAGE_SENT,
    MESSAGE_DELIVERED,
    MESSAGE_READ,
    MESSAGE_RECEIVED,
    MESSAGE_FAILED
};

// What a message is. The first ones have a place of their own in the history; those from HISTORY_REACTION on are about another message, and go
// into that one; those from HISTORY_CONTROL on are for the engine, and never stored as messages.
enum history_kind {
    HISTORY_TEXT = 1,
    HISTORY_REPLY,
    HISTORY_FILE,
    HISTORY_NOTICE,  // something has happened: type says what, as "added"; whom and body say more
    HISTORY_UNKNOWN, // type says what its content is
    HISTORY_REACTION = 16,
    HISTORY_EDIT,
    HISTORY_DELETE,
    HISTORY_CONTROL = 32,
    HISTORY_STATUS = HISTORY_CONTROL, // a report (content_read_report): body
    HISTORY_CARD,                     // an invitation: body
    HISTORY_TIMER,                    // how long messages of this conversation live: body
    HISTORY_AGAIN,                    // an entry of the log that somebody could not read: body
    HISTORY_LEAVE,                    // who says it wants to be taken out of the group
};
enum history_flag {
    HISTORY_DELETED = 1, // by who wrote it: nothing of it is there any more
    HISTORY_REACTED = 2, // there are reactions
    HISTORY_PINNED = 4,  // by oneself
    HISTORY_MENTIONS = 8 // oneself
};
#define HISTORY_CARD_TYPE "application/vnd.whimbrel.invitation"
#define HISTORY_TIMER_TYPE "application/vnd.whimbrel.timer"
#define HISTORY_AGAIN_TYPE "application/vnd.whimbrel.again"
#define HISTORY_LEAVE_TYPE "application/vnd.whimbrel.leave"
// A person in Markdown: [name](whimbrel:u/ID), with the account's id in hexadecimal.
#define HISTORY_PERSON "whimbrel:u/"

// A migration of the vault (tables.c), behind those that make the table `chat`.
extern const char history_tables[];

struct history {
    struct db *db;
    // Within a transaction: nothing of what a message said is there any more, by its writer's wish, or since its time is over. NULL: nobody
    // needs to know. It may come twice.
    void (*gone)(void *arg, int64_t message);
    void *gone_arg;
    char mention[sizeof HISTORY_PERSON + 2 * (size_t)HISTORY_ACCOUNT + 2]; // what mentions oneself
};
void history_init(struct history *h, struct db *db, const uint8_t account[HISTORY_ACCOUNT]);

// ------------------------------------------------------------------------------------------------------ what content is

// Content as it is shown. Spans point into the content.
struct history_shape {
    enum history_kind kind;
    bool readable; // it is content at all
    bool is_about; // it answers another message, or is about it
    uint8_t about[CONTENT_ID];
    struct span type, body;
    bool after_reading; // with lives: seconds after reading, else `expires`
    uint32_t lives;
    uint64_t expires; // milliseconds since 1970; 0: never
};
// Bytes that are no content are unknown, too. ERR_MEMORY.
enum err history_shape(struct span content, struct history_shape *out);

// ------------------------------------------------------------------------------------------------------------- writing

struct history_new {
    int64_t chat, sender; // sender: a contact; 0: oneself
    uint64_t seq, time;   // of the log's entry; 0 and one's own clock before there is one
    enum message_state state;
    const uint8_t *mimi; // [CONTENT_ID]
    struct span content;
};
// What a change has done: the message that people see changed, which may be another than was put, and whether what it said is gone.
struct history_effect {
    int64_t message; // 0: nothing is to be seen of it
    bool fresh;      // a new place in the history
    bool gone;       // deleted
};
// Stores a message, not of a control kind, and works it into what it is about. Its number; 0 if it was there.
int64_t history_put(struct history *h, const struct history_new *n, const struct history_shape *s,
                    struct history_effect *out);
// One's own message has its place in the log.
void history_sent(struct history *h, int64_t message, uint64_t seq, uint64_t time, struct history_effect *out);
// Something has happened in a conversation: who did it (a contact; 0: oneself), what, to whom if to anybody, and a text, as a new name.
int64_t history_notice(struct history *h, int64_t chat, uint64_t seq, uint64_t time, int64_t who, const char *what,
                       int64_t whom, struct span text);
// A pin of one's own on a message. ERR_NOT_FOUND.
enum err history_pin(struct history *h, int64_t chat, int64_t message, bool pinned);
// The message is gone from the vault, with all that is about it.
void history_drop(struct history *h, int64_t message);
// All messages of a conversation are, and what one has written there and not sent. `gone` is not called.
void history_clear(struct history *h, int64_t chat);

// ------------------------------------------------------------------------------------------------------------- reading

struct history_reaction {
    int64_t sender;
    uint64_t time;
    struct span body;
};
// The beginning of a message that another one answers; id 0: it is not here.
struct history_quote {
    int64_t id, sender;
    enum history_kind kind;
    unsigned flags;
    struct span type, body;
};
struct history_message {
    int64_t id, chat, sender, whom; // whom: of a notice
    uint64_t seq, time;             // milliseconds since 1970
    uint64_t edited, expires;       // when; 0: it was not, it does not
    uint32_t lives;                 // seconds after reading; 0: no matter
    enum message_state state;
    enum history_kind kind;
    unsigned flags;
    const uint8_t *mimi; // [CONTENT_ID]; NULL: a notice has none
    struct span about;   // the id of the message that it answers; empty: none
    struct history_quote answers;
    struct span type, body; // what is shown
    struct span content;    // as it came; empty once it is deleted
    const struct history_reaction *reactions;
    size_t reactions_n;
};
// Those after a message, oldest first; or those before one (INT64_MAX: the newest), newest first; or those around one or a time, oldest
// first, of which half of the limit comes before it.
struct history_page {
    int64_t chat, after, before, around; // of the last three one at most; none: from the first on
    uint64_t date;                       // milliseconds since 1970: around the first message of that time or later
    uint32_t limit;                      // 0: all
};
typedef void history_each(void *arg, const struct history_message *m);
enum err history_list(struct history *h, const struct history_page *page, history_each *each, void *arg);
// One message. ERR_NOT_FOUND.
enum err history_get(struct history *h, int64_t chat, int64_t message, history_each *each, void *arg);
// One's own last reaction to the message with an id, if there is one that has not been taken back.
enum err history_own_reaction(struct history *h, int64_t chat, const uint8_t about[CONTENT_ID], uint8_t id[CONTENT_ID],
                              bool *found);
// What is pinned in a conversation, newest first.
enum err history_pinned(struct history *h, int64_t chat, history_each *each, void *arg);

#endif
