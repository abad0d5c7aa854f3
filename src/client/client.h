// SPDX-License-Identifier: Apache-2.0
//
// client: the engine of one profile: keys, contacts, conversations, and the relays where they meet (docs/client.md). It runs on a
// loop of net's; every function is called from that loop's thread, and every event comes from it. What is asked for is
// stored before a function returns, and done as soon as a relay can be reached: nothing here waits for the network.
#ifndef WHIMBREL_CLIENT_CLIENT_H
#define WHIMBREL_CLIENT_CLIENT_H

#include "format/format.h"
#include "history/search.h"
#include "history/status.h"
#include "history/talk.h"
#include "link/link.h"
#include "vault/vault.h"

struct engine;
struct files_info;
struct engine_progress;

enum engine_event_kind {
    ENGINE_LINK,       // a relay came up or went down: text says how it is
    ENGINE_CHAT,       // a conversation is new, or something about it has changed
    ENGINE_CONTACT,    // likewise a contact; state tells of a request
    ENGINE_MESSAGE,    // a message has come, or the state of one has changed
    ENGINE_CLEARED,    // all that was said in a conversation is gone from this device
    ENGINE_TYPING,     // a contact is writing in a conversation, or has stopped: typing
    ENGINE_GONE,       // a message's time has come: it is not there any more
    ENGINE_FILE,       // a file has made progress, or changed its state: client/file.h
    ENGINE_FILE_SAVED, // likewise, on its way to where it is being saved
    ENGINE_FILE_GONE,  // one that was being sent was given up
    ENGINE_ROUTE,      // how a route to relays does has changed (client/routes.h): route says how
    ENGINE_TRIED,      // a trial of a route has ended: trial says how
    ENGINE_WARNING,    // something that people must know: text says what, and what to do; see engine_warnings
    ENGINE_BACKUP,     // an archive is being written: progress (client/backup.h)
};
struct engine_event {
    enum engine_event_kind kind;
    int64_t chat, message, contact; // 0 where it does not apply
    const char *text;
    bool typing;
    const struct files_info *file; // of a file
    const struct reach_status *route;
    const struct engine_trial *trial;
    const struct engine_progress *progress;
};

enum contact_state { CONTACT_KNOWN = 1, CONTACT_REQUEST, CONTACT_BLOCKED, CONTACT_STRANGER };
enum chat_state { CHAT_OPEN = 1, CHAT_REQUEST, CHAT_LEFT, CHAT_REMOVED };

struct engine_new {
    const char *name;     // what one calls oneself
    const char *relay;    // the address of one's relay
    const char *password; // its hosting password; NULL or empty where none is needed
    // How relays may be reached, from the first packet on (client/routes.h).
    enum reach_policy policy;
    const struct route *routes;
    size_t route_n;
};
// What is wrong with a name or a relay's address, before anything is made of it; NULL: nothing.
const char *engine_wrong_name(const char *name);
const char *engine_wrong_relay(const char *relay);
// Makes a profile in a folder. ERR_INVALID: `why` says what is wrong with what was given. Else as vault_create.
enum err engine_create(const char *folder, const struct vault_secret *secret, const struct engine_new *n,
                       const char **why);

struct engine_settings {
    struct link_settings link; // its reach is the engine's own
    const struct route
        *proxy;        // from the environment, for this run: nothing goes past it, or past what is stricter; NULL
    uint16_t suite;    // of new conversations; 0: hybrid post-quantum
    uint32_t packages; // how many key packages to keep in the pool; 0: 20
};
// Opens a profile and begins to work. Errors as vault_open's. The settings are copied.
enum err engine_open(struct net_loop *loop, const char *folder, const struct vault_secret *secret,
                     const struct engine_settings *s, void (*event)(void *arg, const struct engine_event *e), void *arg,
                     struct engine **out);
void engine_close(struct engine *e);
// The network may have changed: what waits tries again now.
void engine_wake(struct engine *e);

// Who one is, and whether one's own relay is reached now. The texts hold as long as the engine.
struct engine_self {
    const uint8_t *account; // [FORMAT_ID]
    const char *name, *relay;
    bool connected;
};
void engine_self(const struct engine *e, struct engine_self *out);
// Its vault, to change what opens it.
struct vault *engine_vault(struct engine *e);
// What one's account is; and how much is still to be done, in pieces of work.
const uint8_t *engine_account(const struct engine *e); // [FORMAT_ID]
uint64_t engine_waiting(struct engine *e);

// An invitation to oneself, as a link (text and a NUL). flags: INVITE_PERSONAL, INVITE_ONCE. `label`: whom it is for.
enum err engine_invite(struct engine *e, uint8_t flags, const char *label, struct buf *link);
enum engine_invite_state { ENGINE_INVITE_OPEN = 1, ENGINE_INVITE_USED, ENGINE_INVITE_REVOKED };
struct engine_invite_info {
    int64_t id;
    uint8_t flags;
    struct span label;
    enum engine_invite_state state;
    uint64_t created; // milliseconds
    uint32_t uses;    // how many have come by it
    int64_t chat;     // with INVITE_GROUP: the group that it leads to
    bool asks;        // and whether one is asked about who comes
    const char *link;
};
// Those that were asked for, the newest first.
enum err engine_invites(struct engine *e, void (*each)(void *arg, const struct engine_invite_info *i), void *arg);
// Nobody comes by it any more; who has come stays. ERR_NOT_FOUND; ERR_REFUSED: it is over already.
enum err engine_invite_revoke(struct engine *e, int64_t id);
// Takes an invitation: a conversation with whoever made it, or membership in the group that it leads to, comes about once their relay and one's
// own can be reached; an admin of the group may have to agree. ERR_INVALID: `why` says what is wrong with the link; ERR_REFUSED: it
// is one's own, or of a contact already.
enum err engine_accept(struct engine *e, struct span link, int64_t *contact, const char **why);

struct engine_contact {
    int64_t id;
    const uint8_t *account;
    struct span name;
    enum contact_state state;
    bool verified;
    uint64_t
        changed; // when their keys have changed, milliseconds, and nobody has confirmed that (client/hold.h); 0: they have not
};
// Each contact, or the one with an id. The spans hold during the call. ERR_NOT_FOUND.
enum err engine_contacts(struct engine *e, int64_t id, void (*each)(void *arg, const struct engine_contact *c),
                         void *arg);
// Answers a request: the contact becomes known, or what they asked for goes, and they may ask again. ERR_NOT_FOUND; ERR_REFUSED: they ask
// for nothing.
enum err engine_answer(struct engine *e, int64_t contact, bool accept);
// Nothing is heard any more of a contact that is blocked, in groups neither, and nothing can be said to them alone. What they alone were
// invited by is taken back, what they asked for goes; in groups they read what one says as before. ERR_NOT_FOUND.
enum err engine_block(struct engine *e, int64_t contact, bool blocked);
// What one calls them. ERR_INVALID: no text of 1 to 200 bytes; ERR_NOT_FOUND.
enum err engine_contact_rename(struct engine *e, int64_t contact, struct span name);
// The safety number with a contact (content/safety.h). ERR_NOT_FOUND while their key is not known yet.
enum err engine_safety(struct engine *e, int64_t contact, char number[61]);
// What one shows to them as a QR code, as text that ends in a NUL. ERR_NOT_FOUND likewise.
enum { ENGINE_SAFETY_CODE = 128 };
enum err engine_safety_code(struct engine *e, int64_t contact, char out[ENGINE_SAFETY_CODE]);
// Holds what they show, digits or the text of their code, against what is known here; nothing is recorded. ERR_OK: it is the same.
// ERR_UNAUTHENTICATED: it is not; ERR_MALFORMED: it is neither a number of 60 digits nor a code; ERR_UNSUPPORTED: a code of a newer version;
// ERR_NOT_FOUND.
enum err engine_safety_compare(struct engine *e, int64_t contact, const char *shown);
enum err engine_verified(struct engine *e, int64_t contact, bool verified);

// All conversations (talk_list says in which order), or the one with an id. kind and state are of enum room_kind and enum chat_state. ERR_NOT_FOUND.
enum err engine_chats(struct engine *e, int64_t chat, void (*each)(void *arg, const struct history_chat *c), void *arg);
// At most so many, in that order.
enum err engine_chats_first(struct engine *e, int64_t limit, void (*each)(void *arg, const struct history_chat *c),
                            void *arg);

// Messages of a chat (history.h says in which order), one of them, and those that are pinned. ERR_NOT_FOUND.
enum err engine_messages(struct engine *e, const struct history_page *page, history_each *each, void *arg);
enum err engine_message(struct engine *e, int64_t chat, int64_t message, history_each *each, void *arg);
enum err engine_pinned(struct engine *e, int64_t chat, history_each *each, void *arg);
// Errors as search_run's; ERR_NOT_FOUND.
enum err engine_search(struct engine *e, const struct search_query *q, search_each *each, void *arg);

// One is writing, or has stopped: who is there is told, unless receipts are off for the conversation. To be called as often as one likes; it counts for
// some seconds. ERR_NOT_FOUND.
enum err engine_typing(struct engine *e, int64_t chat, bool typing);

// Who has got one's own message, and read it. ERR_NOT_FOUND.
enum err engine_receipts(struct engine *e, int64_t chat, int64_t message,
                         void (*each)(void *arg, const struct history_receipt *r), void *arg);

// What one has of a conversation for oneself. All up to a message is read, or nothing more is. ERR_NOT_FOUND; of a draft ERR_LIMIT.
enum err engine_read(struct engine *e, int64_t chat, int64_t message);
enum err engine_set(struct engine *e, int64_t chat, enum talk_what what, int64_t value);
enum err engine_draft(struct engine *e, int64_t chat, struct span text);
enum err engine_pin(struct engine *e, int64_t chat, int64_t message, bool pinned);

// Says something: encoded MIMI content, which is checked. It is durable, and *message is its number in the history, when this
// returns. ERR_NOT_FOUND; ERR_INVALID for what is no content; ERR_REFUSED in a conversation that one has left; ERR_UNAUTHENTICATED: keys
// have changed there (client/hold.h), and nothing was said.
enum err engine_say(struct engine *e, int64_t chat, struct span content, int64_t *message);
// The same for a line of text.
enum err engine_say_text(struct engine *e, int64_t chat, struct span text, int64_t *message);
// The same for one that ends so many seconds after it was read; 0: as the conversation's timer says.
enum err engine_say_brief(struct engine *e, int64_t chat, struct span text, uint32_t lives, int64_t *message);
// The same, durable not when this returns but when `done` is called: soon, from the loop, with the message's number or an error as above; all
// that is asked for until then is stored together. An error here: nobody is called. ERR_REFUSED, too, when the engine is closed first.
typedef void engine_said(void *arg, enum err e, int64_t message);
enum err engine_say_later(struct engine *e, int64_t chat, struct span text, uint32_t lives, engine_said *done,
                          void *arg);
// How long messages of the conversation live after reading, from now on and for everybody; 0: for ever. ERR_REFUSED: one has left, or is
// no admin of the group; ERR_LIMIT: above ten years.
enum err engine_timer(struct engine *e, int64_t chat, uint32_t seconds);
// The conversation with oneself, which is made if there is none.
enum err engine_self_chat(struct engine *e, int64_t *chat);

// Something about a message that is there: an answer to it, a reaction (one emoji), another text in its place, or that it is to go. ERR_NOT_FOUND:
// there is no such message; ERR_REFUSED: only who wrote it may change or delete it.
// Another reaction takes the place of one's last; an empty one takes it back.
enum engine_act { ENGINE_REPLY, ENGINE_REACT, ENGINE_EDIT, ENGINE_DELETE };
enum err engine_act(struct engine *e, int64_t chat, int64_t about, enum engine_act act, struct span text,
                    int64_t *message);

// How the engine does what it does by itself, in numbers.
struct engine_setting_info {
    const char *name;
    int64_t usual, least, most;
    const char *about;
};
enum err engine_settings_each(struct engine *e,
                              void (*each)(void *arg, const struct engine_setting_info *i, int64_t value), void *arg);
// ERR_NOT_FOUND: there is none of this name; ERR_INVALID: it cannot have this value.
enum err engine_setting_put(struct engine *e, struct span name, int64_t value);

// What people must know (ENGINE_WARNING), kept until it was seen, oldest first. The spans hold during the call.
struct engine_warning {
    int64_t id, chat, contact; // the latter two 0 where they do not apply
    uint64_t time;             // milliseconds
    struct span text;
};
enum err engine_warnings(struct engine *e, void (*each)(void *arg, const struct engine_warning *w), void *arg);
// One was seen, or with 0 all; then the same is told again if it happens again. ERR_NOT_FOUND.
enum err engine_warning_seen(struct engine *e, int64_t id);

// A group with contacts; more can be added and removed later by its admins, of whom one is the first.
enum err engine_group(struct engine *e, struct span name, const int64_t *contacts, size_t n, int64_t *chat);
// What only admins do, in groups. ERR_NOT_FOUND; ERR_REFUSED: one is none, or it is no group, or one is not in it any more.
enum err engine_add(struct engine *e, int64_t chat, const int64_t *contacts, size_t n);
enum err engine_remove(struct engine *e, int64_t chat, int64_t contact);
enum err engine_rename(struct engine *e, int64_t chat, struct span name); // ERR_INVALID: no text of 1 to 200 bytes
// An image file, which is kept as it is; empty: none. ERR_LIMIT: more than FORMAT_PICTURE_MAX bytes.
enum err engine_picture(struct engine *e, int64_t chat, struct span picture);
enum err engine_role(struct engine *e, int64_t chat, int64_t contact, bool admin); // contact 0: oneself
// Leaves a group: one is out when the log has it, and an admin's client then takes one out for the others. ERR_NOT_FOUND; ERR_REFUSED: it is
// no group, or one is out of it; ERR_MISUSE: one is the only admin, and somebody else has to become one first.
enum err engine_leave(struct engine *e, int64_t chat);

// A link by which others ask to be taken into a group (text and a NUL); admins may make one, and it is one of engine_invites. Who comes by it
// is added at once, or with `asks` becomes a request. ERR_NOT_FOUND; ERR_REFUSED.
enum err engine_group_link(struct engine *e, int64_t chat, bool asks, struct buf *link);
struct engine_request {
    int64_t chat, contact;
    uint64_t time; // milliseconds
};
enum err engine_requests(struct engine *e, void (*each)(void *arg, const struct engine_request *r), void *arg);
enum err engine_admit(struct engine *e, int64_t chat, int64_t contact, bool admit); // ERR_NOT_FOUND, ERR_REFUSED

// All that was said in a conversation, its files and what was not sent yet goes from this device, and from nobody else's. One that one is out of goes
// altogether; another is not listed until there is something in it again. What others delete or answer later of it comes to nothing. ERR_NOT_FOUND;
// ERR_MISUSE: it is a group that one has to leave first; ERR_REFUSED: it is a request, to be answered.
enum err engine_chat_delete(struct engine *e, int64_t chat);

// Asks to be taken back into a conversation that one has left or was put out of, or that a restored profile has lost: whoever has brought one in
// answers. ERR_NOT_FOUND; ERR_MISUSE: one is in it; ERR_REFUSED: there is no way to them.
enum err engine_return(struct engine *e, int64_t chat);

struct engine_member {
    int64_t contact;        // 0: oneself
    const uint8_t *account; // [FORMAT_ID]
    bool admin;
};
// Each device in a conversation, by its account: one with several comes several times. ERR_NOT_FOUND.
enum err engine_members(struct engine *e, int64_t chat, void (*each)(void *arg, const struct engine_member *m),
                        void *arg);
enum err engine_chat_picture(struct engine *e, int64_t chat, struct span *picture); // holds until the group changes

#endif
