// SPDX-License-Identifier: Apache-2.0
//
// client/inner: what the files of the engine share. Everything runs on one thread. What is in memory here is a copy of what the
// vault says, but for an MLS group between a change and the commit that stores it: if that fails, the group is dropped, and read
// again from its records.
#ifndef WHIMBREL_CLIENT_INNER_H
#define WHIMBREL_CLIENT_INNER_H

#include "client/hold.h"
#include "files/files.h"
#include "mls.h"
#include "transfer/transfer.h"
#include "vault/db.h"

// What is kept of a log for some time goes from the vault with every 32nd entry: each time costs pages that nothing else changes.
enum { TRIM_EVERY = 32 };
enum { TAG_INBOX = 0, PAST_KEPT = 1024, PASSWORD_MAX = 128, RELAY_ROOM = LINK_ADDRESS_TEXT, CERT_MAX = 256 };

// What is to be done at a relay, in the order of its number (docs/client.md). A piece of work is gone from the table when it is done.
enum work_kind {
    WORK_MAKE_INBOX = 1, // log_create
    WORK_PACKAGES,       // package_put, as many as are missing
    WORK_GRANT,          // grant_set: key may append to the inbox
    WORK_REVOKE,         // grant_remove
    WORK_MAKE_LOG,       // log_create for a chat
    WORK_TAKE,           // package_take from a contact's inbox, to add it to a chat
    WORK_COMMIT,         // log_advance: what says which change
    WORK_INBOX,          // log_append to a contact's inbox
    WORK_SAY,            // log_append of a message, or of the content in `what` where there is none
    WORK_CLEAR,          // package_clear for the device in `what`, which is no more
    WORK_KNOCK,          // package_take from the inbox of the invitation in `what`, to ask to be taken into a group
    WORK_RECOVER,        // a commit for the recovery log, which recover.c sees to; log, key: of the one that it names
    WORK_MISSED,         // log_read: what could not be read up to the entry in `what` is asked for again
};

extern const struct vault_migrations client_tables; // tables.c

struct self {
    char name[FORMAT_NAME_MAX + 1], relay[RELAY_ROOM], password[PASSWORD_MAX + 1];
    uint8_t account[FORMAT_ID], account_public[32], account_private[32];  /* secret */
    uint8_t device[FORMAT_DEVICE], device_public[32], device_private[32]; /* secret */
    uint8_t cert[CERT_MAX];
    size_t cert_n;
    uint8_t inbox[32], inbox_key[32], package_key[32]; /* secret */
    uint64_t cursor;                                   // of the inbox
    uint8_t last[32];                                  // the hash of the entry there
};

// A relay that something is done at.
struct peer {
    struct engine *e;
    struct peer *next;
    char relay[RELAY_ROOM];
    struct link *link;
    int64_t circuit; // whose own it is, where isolation is by conversation: peer_for
    bool strangers;  // only requests that nobody has accepted lead there: it is not connected to
    bool ready;     // the hosting password has been said, if there is one
    bool following; // the inbox, on one's own relay
    bool inbox_asked, inbox_unmade; // to follow it, and no answer yet; it was not made by then
    uint32_t flights;
    bool more; // there was no room, or not all work was looked at, the last time
    struct net_timer again; // work that a relay refused for now
    bool stalled;           // something that came or went could not be stored: nothing is taken until all is read again
    struct net_timer restart;
    struct net_timer refill; // looks for what can be put back
    uint64_t inbox_again;    // not before then is all of the inbox put right again
};

struct chat {
    struct engine *e;
    struct chat *next;
    int64_t id, contact, asker; // contact: of a conversation of two; asker: who has brought oneself into it; 0
    uint8_t kind, state;
    struct peer *peer;
    uint8_t log[32], log_key[32], chain[32]; /* log_key: secret */
    uint64_t log_epoch, cursor;
    int64_t behind;        // BEHIND_OUT; or one more than the epoch in which nothing may be said; 0 (behind.c)
    struct mls_group *mls; // NULL: to be read from its records
    uint64_t used;         // when the group was, in uses of groups
    uint64_t typed;        // when others were told last that one is writing, in the loop's time; 0: that one is not
    bool made;             // the log exists, as far as is known
    bool following;
    uint64_t catch_to, catch_epoch; // where the log was when it was last asked, and its epoch then
    bool caught_up;                 // the cursor has been there: what was sent and not seen did not arrive
    bool fresh;         // it was asked when it was followed: what was acknowledged before that must be there
    bool again;         // the entry at the cursor is asked for again, and has not come yet
    uint64_t oldest;    // that the relay has
    uint64_t gap;       // which entry was missing
    bool lost, my_turn; // entries are to be put back (refill.c)
    bool blind; // what is read again may be from before one\'s own time
    bool remade;        // the log was made again
    int64_t refilling;  // which one is under way
    uint64_t refill_at;
    uint8_t followed_with[32]; /* secret */
    unsigned tried, refused; // keys; how often in a row all were
    unsigned ended;          // how often the log ended, or was denied, where nothing had said so
    bool meeting;            // something is asked of the recovery log
    bool unsettled;          // what follows from `behind` could not be stored
    int64_t suspect; // who has made the change at the cursor, or the one that did not open; 0: nobody, or oneself
    uint64_t since;  // the entry behind which the others may be in another epoch, or were
};

// Whether one is out of it: it is read, and nothing comes or goes any more.
static inline bool chat_over(const struct chat *c) { return c->state == CHAT_LEFT || c->state == CHAT_REMOVED; }

// A request under way that is work, or more than one message of a chat.
struct flight {
    struct peer *peer;
    struct flight *next, **link;
    int64_t work, chat;
    enum work_kind kind;
    uint64_t epoch;
    bool answered; // a message: the relay has it, as `seq`, at `time`; see work_answered
    uint64_t seq, time;
};

struct engine {
    struct net_loop *loop;
    struct engine_settings settings;
    void (*event)(void *arg, const struct engine_event *e);
    void *arg;
    struct vault *vault;
    struct db db;
    struct history history;
    struct crypto *crypto;
    struct world world;
    struct mls_client *mls;
    struct self self;
    struct peer *peers;
    struct chat *chats;
    struct flight *flights;
    struct mls_extension name_extension; // of one's leaves
    struct transfers *transfers;
    struct net_timer tidy, owed, answered, end, renew;
    struct files files;
    struct batch *batch; // what is about to be said
    struct backup *backup; // an archive that is being written
    struct arrival *arrived, **arrived_last;
    struct net_turn turn; // takes them
    char why[200];  // of the last thing that was refused
    bool owing;     // receipts, or so it may be
    bool wiped;     // something was deleted, and older pages still say it
    struct reach *reach;
    char transports[TRANSFER_PATH_MAX]; // where their programs keep what they keep
    enum reach_policy policy; // as it was set
    bool isolated;            // by conversation, since this engine began
    uint32_t environment;     // the route from the environment; 0: none
    struct trial *trials;
    uint32_t last_trial;
    uint64_t uses;     // of groups
    uint32_t restored; // groups, since there were last looked for too many
    bool packaging; // key packages are on their way
    bool held;      // what is held is other than people have been told
    bool full;      // people have been told that nothing can be stored
    bool closing;
};

// ---------------------------------------------------------------------------------------------------------- engine.c

void engine_tell(struct engine *e, struct engine_event event);
uint64_t engine_now(void); // milliseconds since 1970
static inline struct span in_span(struct mls_span s) { return span_of(s.data, s.size); }
static inline struct mls_span out_span(struct span s) { return (struct mls_span){s.p, s.n}; }
static inline struct span buf_of(const struct mls_buf *b) { return span_of(b->data, b->size); }
// A device and its certificate, for the account whose keys are there; and, within a transaction, into the vault.
enum err self_make_device(struct engine *e);
enum err self_store_device(struct engine *e);
enum err sha256(struct engine *e, struct span bytes, uint8_t out[32]);
enum err from_mls(enum mls_error m);

// ------------------------------------------------------------------------------------------------------------- clock.c

// There may be something to do that nobody waits for.
void clock_tidy(struct engine *e);
// The end of some messages may have come nearer.
void clock_end(struct engine *e);
void clock_stop(struct engine *e);

// --------------------------------------------------------------------------------------------------- renew.c, setting.c

// Keys are renewed from now on, by and by.
void renew_start(struct engine *e);
void renew_stop(struct engine *e);
// What stands as `renewed` of a new conversation: negative, if the first time is soon.
int64_t renew_first(int kind, int64_t asker);
// Within a transaction, before the merge: if the commit renews one's own leaf, that is noted.
void renew_merged(struct chat *c, const struct mls_staged *s);

enum engine_setting { SETTING_RENEW_DAYS, SETTING_HOLD, SETTINGS };
int64_t setting_get(struct engine *e, enum engine_setting s);

// -------------------------------------------------------------------------------------------------------------- cred.c

// What this client's leaves are: its certificate, its keys, and the room extension among its capabilities.
struct mls_leaf_params cred_leaf(struct engine *e); // it points into the engine
struct mls_config cred_config(struct engine *e);
// The account of a member whose certificate MLS has had checked. False if it is none.
bool cred_account(struct engine *e, const struct mls_member *m, uint8_t account[FORMAT_ID]);
// Whether a member is this device, by the same certificate.
bool cred_is_own(struct engine *e, const struct mls_member *m);
// What a member calls itself; empty if it does not say.
struct span cred_name(const struct mls_member *m);
bool cert_same_device(const struct cert *a, const struct cert *b);

// -------------------------------------------------------------------------------------------------------------- peer.c

// The relay with this address; NULL if it is none, or there is no memory.
struct peer *peer_get(struct engine *e, const char *relay);
// Whether what somebody names as a relay is an address: if not, nothing can ever be done there.
bool peer_is_address(struct span relay);
// The same for what is done for a chat (its number), or for none (0): each has a link of its own where isolation is by conversation.
struct peer *peer_for(struct engine *e, const char *relay, int64_t circuit);
// The same of a request that nobody has accepted: if nothing else leads there, it is not connected to.
struct peer *peer_of_stranger(struct engine *e, const char *relay, int64_t circuit);
// Connects to it, or tries again now, unless only strangers lead there.
void peer_open(struct peer *p);
// Those at which there is something to be done.
void peer_open_all(struct engine *e);
void peer_free_all(struct engine *e);
void peer_follow_chat(struct chat *c);
void peer_unfollow_chat(struct chat *c);
void peer_follow_inbox(struct peer *p);
// Asks how far a chat's log is, so that it can be caught up with.
void peer_stat_chat(struct chat *c);
// What has just come, or is to go, could not be stored: people are told, and nothing is taken or sent there. In some seconds the connection
// is made anew, and everything is followed from its cursor.
void peer_stall(struct peer *p);
// Whether an error is of the moment (no space, no memory), so that the same may work later.
static inline bool passes(enum err e) { return e == ERR_IO || e == ERR_MEMORY; }
// Sends what may be sent now.
void peer_pump(struct peer *p);
void peer_pump_all(struct engine *e);

// -------------------------------------------------------------------------------------------------------------- work.c

struct work {
    int64_t id, chat, contact, message;
    uint8_t kind;
    const char *relay;
    struct span log, key, what, payload, staged, welcome;
    uint64_t epoch; // of the log, for which payload was made; of WORK_INBOX: the transfer that it waits for, or 0
    bool acked;
    bool anyway; // it is said though keys have changed
};
// Within a transaction.
int64_t work_add(struct engine *e, const struct work *w);
void work_drop(struct engine *e, int64_t id);
// Whether something of a chat is to be done that is no message which is encrypted.
bool work_waits(struct engine *e, int64_t chat);
// It will never be done: a message that it was about is one that failed.
void work_fail(struct engine *e, int64_t id);
// Key packages cannot be taken for now, by one piece of work or at a whole relay (or NULL): what is to be said in a group does not wait for them.
void work_not_now(struct engine *e, int64_t id, const char *relay);
// A piece of work, read into memory of its own; false if it is gone. `memory` holds it.
bool work_load(struct engine *e, int64_t id, struct work *out, struct buf *memory);
// Stores what relays have answered about messages that have not been seen in the log since.
void work_answered(struct engine *e);
// Sends one piece of work: true if it is under way, false if it must wait.
bool work_send(struct peer *p, const struct work *w);
// Within a transaction: content goes into the history and the outbox; the chat's peer is pumped after it. ERR_REFUSED: one is out of the
// conversation; ERR_INVALID: it is no content.
enum err say_put(struct chat *c, struct span content, int64_t *message);
// Content that says a text, as engine_say_brief does.
enum err say_text(struct engine *e, int64_t chat, struct span text, uint32_t lives, struct buf *out);
// Encrypts pieces of work within a transaction that the caller has begun, if their chats are caught up; say_end ends it, with whatever else
// there is in it, or takes all of it back.
enum { SAY_CHATS = 256 };
struct say_round {
    struct engine *e;
    enum err err;
    struct chat *chats[SAY_CHATS];
    size_t n;
};
void say_encrypt(struct say_round *r, int64_t work);
enum err say_end(struct say_round *r);
// Encrypts what waits to be said in chats that are caught up, in one transaction.
void say_prepare(struct peer *p, const int64_t *ids, size_t n);
// Within a transaction: whoever is in a conversation gets a fresh invitation to one's inbox, in a message that nobody is shown.
enum err say_card(struct chat *c);
// Within a transaction: something for the other engines, which nobody is shown.
enum err say_control(struct chat *c, enum content_disposition disposition, const char *type, struct span body);

// ------------------------------------------------------------------------------------------------------------- batch.c

// Whoever waits to hear that something was said is told that it was not.
void batch_close(struct engine *e);

// ----------------------------------------------------------------------------------------------------------- receipt.c

// Within a transaction: a message has come; all up to one are read from now on, before the history is told.
void receipt_owe(struct chat *c, int64_t message);
void receipt_owe_read(struct engine *e, int64_t chat, int64_t message);
// Whether people of a chat are told what one has got and read, and when one writes.
bool receipt_are_on(struct engine *e, int64_t chat);
// Outside: what is owed is told soon, or now.
void receipt_soon(struct engine *e);
void receipt_send(struct engine *e);
// Within a transaction: a report by a contact, or oneself (0). `each` hears of one's own messages that it says something new of.
void receipt_take(struct chat *c, const struct wire_entry *x, int64_t reader, struct span report,
                  void (*each)(void *arg, int64_t message), void *arg);

// ------------------------------------------------------------------------------------------------------------ typing.c

// A signal has come.
void typing_take(struct chat *c, struct span sealed);

// ------------------------------------------------------------------------------------------------------------- timer.c

// When a message that is about to be said ends: as the conversation's timer says, unless `lives` (seconds after reading) says otherwise.
void say_ends(struct engine *e, int64_t chat, struct content *c, uint32_t lives);
// Within a transaction: somebody's timer for the conversation; one's own piece of work was seen in the log, which may be one. Whether
// it is so from now on.
bool timer_take(struct chat *c, const struct wire_entry *x, const uint8_t account[FORMAT_ID], struct span body);
bool timer_seen(struct chat *c, const struct wire_entry *x, int64_t work);

// ------------------------------------------------------------------------------------------------------------- inbox.c

extern const char inbox_tables[];
// False: it could not be stored, and nothing that comes behind it may be taken before it.
bool inbox_entry(struct engine *e, const struct wire_entry *x);
// Whether the entry at the cursor was another before.
bool inbox_differs(struct engine *e, const struct wire_entry *x);
void inbox_packages(struct peer *p, const struct work *w);
// Within a transaction: something for the device of a key package is to be put into somebody's inbox.
enum err inbox_send(struct engine *e, const struct invite *theirs, int64_t waits, struct span package,
                    enum inbox_kind kind, struct span body); // waits: for a transfer (welcome_put); 0
// The Welcome of an introduction has come; empty: it cannot be had. `held`: a stranger had asked by it. False: it could not be stored.
bool inbox_introduced(struct engine *e, struct span body, struct span private_part, struct span welcome, bool held);

// ------------------------------------------------------------------------------------------------------------ invite.c

struct invite_new {
    uint8_t flags;
    struct span label;
    bool listed;     // somebody has asked for it
    int64_t contact; // who alone holds it; 0
    int64_t chat;    // the group that it leads to; INVITE_KNOCKING: it goes with a knock on somebody else's group
    bool asks;       // who comes to that is asked about
    struct span group;
};
enum { INVITE_KNOCKING = -1 };
// A fresh invitation, with its grant on the way. Within a transaction, as all of these.
enum err invite_make(struct engine *e, const struct invite_new *n, struct buf *out);
// The same in a transaction of its own, as a link.
enum err invite_to_link(struct engine *e, const struct invite_new *n, struct buf *link);
// An invitation of one's own that still holds.
struct invite_own {
    int64_t id; // 0: there is none
    uint8_t flags;
    int64_t chat, contact; // contact: whose it is, if it is for one person and somebody has come by it; 0
    bool asks, used;
};
bool invite_find(struct engine *e, const uint8_t key[32], struct invite_own *out);
// A contact has come by it: it is theirs if it is for one person, and over if it is for one use.
void invite_use(struct engine *e, const struct invite_own *own, int64_t contact);
// A chat goes: so do links that lead to it.
void invite_chat_gone(struct engine *e, int64_t chat);
// What a contact alone holds is taken back.
void invite_take_back(struct engine *e, int64_t contact);

// --------------------------------------------------------------------------------------------------------- published.c

extern const char published_tables[];
// What a relay has published before is used; and what it publishes now is asked for.
void published_load(struct peer *p);
void published_ask(struct peer *p);
// The further addresses of a relay, as it has published them last; how many. They have its secret path: the caller wipes them.
size_t published_others(struct engine *e, const char *relay, struct link_address out[LINK_OTHERS_MAX]);

// -------------------------------------------------------------------------------------------------------------- chat.c

enum err chat_load_all(struct engine *e);
void chat_free_all(struct engine *e);
struct chat *chat_find(struct engine *e, int64_t id);
struct chat *chat_find_tag(struct engine *e, struct peer *p, uint32_t tag);
// Its group, read from the records if need be; NULL if it cannot be.
struct mls_group *chat_group(struct chat *c);
void chat_drop_group(struct chat *c);
// Outside of anything that uses a group: forgets those that have not been used for longest, if there are many. They are read again when they are needed.
void chat_trim(struct engine *e);
// It is in memory no longer: the transaction that made it has failed.
void chat_forget(struct chat *c);
// Within a transaction: the group's records that changed, and the chat's own row.
enum err chat_save(struct chat *c);
// After the transaction.
void chat_saved(struct chat *c);
// Within a transaction, and files_settle and clock_tidy after it: what was said in a chat goes from the vault (clear.c).
void chat_clear(struct chat *c);
// Likewise: the chat itself goes, too, and after it chat_forget is called.
void chat_delete(struct chat *c);
// The transaction that made or changed the chat has failed: it is what the vault says, or gone.
void chat_undo(struct chat *c);
// The same where it is known how the chat was before: it is that again, and its group is read from its records.
void chat_give_back(struct chat *c, const struct chat *before);
// Within a transaction: a new chat with oneself alone, whose log is made as soon as its relay can be reached.
enum err chat_new(struct engine *e, enum room_kind kind, struct span name, const int64_t *contacts, size_t n,
                  struct chat **out);
// Within a transaction: joins by an introduction; a conversation that one was in before goes on. *out is set as soon as one in memory has
// changed: if the transaction fails, chat_undo follows it.
enum err chat_join(struct engine *e, const struct intro *i, struct span private_part, int64_t contact,
                   enum chat_state state, struct chat **out);
// Within a transaction: a contact's key packages are to be taken, and it is to be added. ERR_REFUSED sticks where there is no way to it.
void chat_put_take(struct chat *c, int64_t contact);
// Whether nobody else is in a conversation of two, and nobody is on the way.
bool chat_is_empty(struct chat *c);
enum err chat_room(struct chat *c, struct room *out);
// For join.c: where a chat's relay is met; a row for a chat whose group, which is taken, is in memory; nothing is known any more of how the log was.
struct peer *chat_peer(struct engine *e, const char *relay, int64_t id, enum chat_state state);
struct chat *chat_insert(struct engine *e, struct mls_group *take, const struct room *r, int64_t contact, int64_t asker,
                         enum chat_state state);
void chat_begin_anew(struct chat *c, const uint8_t log[32]);
// The room among the extensions of a group; empty if there is none. And the other way round: the extensions that a group has now, but with
// this room. They point into both. ERR_LIMIT. (room.c)
enum { ROOM_EXTENSIONS_MAX = 8 };
struct span room_in(struct mls_span extensions);
enum err room_replace(struct chat *c, struct span room, struct mls_extension out[ROOM_EXTENSIONS_MAX], size_t *n);
enum err chat_log_key(struct chat *c, const struct mls_staged *staged, uint8_t key[32]);
extern const char chat_key_label[]; // of the exporter, for a log's key
// Within a transaction: enters the epoch of a commit that came in this entry, and what of the chat follows from it: its key, name, members.
// *take is freed and NULL then.
enum err chat_merge(struct chat *c, struct mls_staged **take, const struct wire_entry *entry);
bool chat_has(struct chat *c, const uint8_t account[FORMAT_ID]); // among the members
bool chat_is_led(struct chat *c);                                // it is a group, and one is an admin of it (room.c)
// Within a transaction: everybody in the group is somebody, if only by their account.
void chat_note_members(struct chat *c);

// ----------------------------------------------------------------------------------------------------------- routes.c

extern const char routes_tables[];
// Before anything that may use the network.
enum err routes_open(struct engine *e, const char *folder);
// Of a new profile: what is wrong with what was given, or NULL; and the rows.
const char *routes_check(const struct route *r);
const char *routes_check_new(const struct engine_new *n);
enum err routes_make(struct engine *e, const struct engine_new *n);
void routes_close(struct engine *e);

// ---------------------------------------------------------------------------------------------------------- warning.c

// Within a transaction or outside: keeps a warning. False if the same one waits to be seen already.
bool warning_keep(struct engine *e, const struct engine_event *w);

// ------------------------------------------------------------------------------------------------------------- hold.c

// Within a transaction: a device of a contact (0: oneself) is in the conversation, by its signature key; it is about to be, or has changed its key.
// Whether it is another than those that one knows of them.
bool hold_device(struct chat *c, int64_t contact, struct span key);
// The same for all members of a conversation that one has joined, whose history says so.
void hold_members(struct chat *c);
void hold_left(struct chat *c, int64_t contact);
void hold_release_all(struct engine *e);
// After the transaction.
void hold_tell(struct engine *e);
void hold_released(struct engine *e);

// ----------------------------------------------------------------------------------------------------------- arrive.c

// Entries of a conversation that were pushed, and are taken when the loop's turn is over.
struct arrival {
    struct arrival *next;
    int64_t chat;
    struct peer *peer;
    struct buf list;
};
void arrive(struct chat *c, struct span entries);
// What has been pushed so far is taken now: before whatever comes behind it and must not come before it. No transaction is open.
void arrive_settle(struct engine *e);
void arrive_stop(struct engine *e);

// ---------------------------------------------------------------------------------------------------------- receive.c

// Takes entries that were pushed: all of them in one transaction, or, where one cannot be taken, each conversation's by themselves.
void receive_arrivals(struct engine *e, const struct arrival *first);
// The same for one conversation.
void chat_entries(struct chat *c, struct span list);
void chat_check_caught_up(struct chat *c);
// Within a transaction: the running hash at the cursor, if it is known.
void chat_remember(struct chat *c);

// What is known of the log's past up to the cursor: without it nothing is claimed, and nothing compared.
static inline bool chat_chain_known(const struct chat *c)
{
    static const uint8_t none[32];
    return c->cursor == 0 || memcmp(c->chain, none, 32) != 0;
}

// ---------------------------------------------------------------------------------------------------------- contact.c

// Within a transaction. The contact with this account, new or not; `invite` empty: none is known.
// A way to them that leads nowhere is not kept, since whatever is sent by it would wait for ever.
int64_t contact_put(struct engine *e, const uint8_t account[FORMAT_ID], struct span name, struct span invite,
                    enum contact_state state);
bool contact_way_ok(struct span invite, const uint8_t account[FORMAT_ID]);
int64_t contact_of(struct engine *e, const uint8_t account[FORMAT_ID]); // 0: none
// Nothing is heard of them and nothing said to them alone, until they are unblocked.
bool contact_blocked(struct engine *e, int64_t contact);
enum contact_state contact_state_of(struct engine *e, int64_t contact);              // 0: there is none
void contact_set_state(struct engine *e, int64_t contact, enum contact_state state); // within a transaction
void contact_key(struct engine *e, const uint8_t account[FORMAT_ID], const uint8_t key[32]);

// --------------------------------------------------------------------------------------------------------- request.c

// Within a transaction: whether one more request may wait for an answer, by a contact (0: somebody new).
bool request_fits(struct engine *e, int64_t contact);
// Whether nothing (more) of a request is read before it is accepted.
bool request_rests(struct chat *c);
// Within a transaction that they end: a contact's requests are accepted, or go; the contact is from now on in this state.
enum err request_accept(struct engine *e, int64_t contact);
enum err request_forget(struct engine *e, int64_t contact, enum contact_state state);

// ---------------------------------------------------------------------------------------------------------- attach.c

// What a transfer is for (transfer_info.use), and whose it is (owner).
enum attach_use { ATTACH_FILE = 1, ATTACH_WELCOME }; // of src/files; what other uses there are, on_ended sends on
enum err attach_open(struct engine *e, const char *folder);
// Within a transaction: a message with a file has come. After it: files_settle.
void attach_take(struct chat *c, int64_t message, int64_t sender, struct span content);
// Within a transaction: what a message said is gone (history's `gone`).
void attach_gone(void *engine, int64_t message);

// ---------------------------------------------------------------------------------------------------------- commit.c

enum {
    COMMIT_PROPOSALS = 256,
    WHAT_MAX = 600000,   // bytes of what a commit is to do
    ADDING_MAX = 40000,  // of key packages in one commit
    WELCOME_MAX = 56000, // what an introduction has room for; what is larger is a blob
    WELCOME_BLOB_MAX = 6 << 20,
};
enum commit_kind {
    COMMIT_ADD = 1,
    COMMIT_REMOVE,
    COMMIT_UPDATE,
    COMMIT_NAME,
    COMMIT_PICTURE,
    COMMIT_PROMOTE,
    COMMIT_DEMOTE
};
// What a commit is to do, as it stands in a piece of work.
struct commit_what {
    enum commit_kind kind;
    int64_t contact;   // who is removed, promoted, demoted; 0: oneself
    struct span bytes; // the name or picture; of COMMIT_ADD: a list of contacts, each with KeyPackages
    int64_t place;     // after adding_gather: a number of work that is free, behind what was gathered; 0: none
};
void commit_put_what(struct buf *out, const struct commit_what *w);
bool commit_read_what(struct span bytes, struct commit_what *out);
// Within a transaction; and so that it goes before all that waits.
void commit_ask(struct chat *c, const struct commit_what *w);
void commit_ask_first(struct chat *c, const struct commit_what *w);
// Makes the commit that a piece of work asks for on the chat's present state, and stores it with the work. ERR_NOT_FOUND: there is
// nothing to do any more.
enum err commit_make(struct chat *c, const struct work *w);
// The commit of the piece of work with this number was seen in the log: it is merged, and welcomes go out. Within a transaction. ERR_STALE:
// it stands in an epoch that is not its own, and will be made anew.
enum err commit_won(struct chat *c, int64_t id, const struct wire_entry *entry);
bool commit_removes(const struct mls_staged *s);

// -------------------------------------------------------------------------------------------------- notice.c, part.c

// What a commit that is about to be merged changes, for the history. Within a transaction, as all of these.
void notice_commit(struct chat *c, const struct mls_staged *s, const struct wire_entry *x);

// A member has said that they leave.
void part_wants_out(struct chat *c, const uint8_t account[FORMAT_ID]);
bool part_leaving(struct chat *c, int64_t contact);
// A commit adds them, or puts them out: who was put out by somebody else is remembered, until they are added again.
void part_note(struct chat *c, int64_t contact, bool added);
// Whether they were added after an epoch of the group, and are not to ask for what was said in it.
bool part_came_later(struct chat *c, int64_t contact, uint64_t epoch);
extern const char part_tables[];
// After a commit: an admin takes out whoever wants out.
void part_settle(struct chat *c);
// One is out of it: what waited to be said or done has failed.
void part_end(struct chat *c, enum chat_state state);
// That one leaves was seen in the log; and a piece of one's own work that is no message: true if it was that.
void part_left(struct chat *c, const struct wire_entry *x);
bool part_arrived(struct chat *c, const struct wire_entry *x, int64_t work);

// --------------------------------------------------------------------------------------------------------- welcome.c

extern const char welcome_tables[];
// Within a transaction, and transfer_settle after it. A Welcome that no introduction has room for is to be sent: then *waits is what
// introductions wait for, and *ref where it will lie; else *waits is 0.
enum err welcome_put(struct engine *e, struct span welcome, struct buf *ref, int64_t *waits);
// Likewise: it is to be fetched, and what the introduction says joined when it has come. ERR_INVALID: it never can be.
enum err welcome_get(struct engine *e, struct span body, struct span private_part, struct span ref);
// Within a transaction: the same of a stranger, of whom nothing is fetched before they are accepted; and then, or if they are not.
enum err welcome_hold(struct engine *e, struct span body, struct span private_part, struct span ref, int64_t contact);
enum err welcome_release(struct engine *e, int64_t contact);
void welcome_forget(struct engine *e, int64_t contact);
// A transfer of theirs has ended, within a transaction; and outside.
enum err welcome_ended(struct engine *e, const struct transfer_info *i);
void welcome_told(struct engine *e, const struct transfer_info *i);
// Joins by those that have come.
void welcome_join(struct engine *e);

// ----------------------------------------------------------------------------------------------------------- knock.c

extern const char knock_tables[];
// Within a transaction: one asks to be taken into the group that an invitation leads to.
enum err knock_put(struct engine *e, const struct invite *i, struct span invite, struct span group);
// The same before there are relays; `group` is the id of one that one has been in with another device, or empty.
enum err knock_work(struct engine *e, const struct invite *i, struct span invite, struct span group);
// Within a transaction: the key packages of whoever is asked have come. ERR_NOT_FOUND: there are none at the moment.
enum err knock_taken(struct engine *e, const struct work *w, struct span taken);
// Within a transaction: somebody has asked. *chat and *contact: what is to be told.
enum err knock_arrived(struct engine *e, struct span body, int64_t *chat, int64_t *contact);

// ----------------------------------------------------------------------------------------------------------- allow.c

// Whether the committer may do all of what a staged commit does.
bool commit_allowed(struct chat *c, const struct mls_staged *s);

// ---------------------------------------------------------------------------------------------------------- adding.c

// A contact's key packages have come: the piece of work becomes the commit that adds them, or goes. Within a transaction.
// ERR_NOT_FOUND: there are none at the moment.
enum err adding_taken(struct engine *e, const struct work *take, struct span taken);
// Within a transaction: a commit that adds takes in those that wait behind it. what->bytes then points into `bytes`, which holds all of it.
enum err adding_gather(struct chat *c, const struct work *w, struct commit_what *what, struct buf *bytes);
// Within a transaction: half of it becomes a piece of work of its own. False if it is for one contact alone.
bool adding_split(struct chat *c, const struct work *w, const struct commit_what *what);
// One proposal for each account whose newest device is not there yet, and those that take their other leaves out; they point into the list.
enum err adding_plan(struct chat *c, struct span list, struct mls_proposal *proposals, size_t *n);
// Opens what was taken: how many fit the account, which are appended each as a vector, and how many do not.
void adding_open(struct engine *e, const uint8_t account[FORMAT_ID], const struct invite *i, struct span taken,
                 struct buf *packages, size_t count[2]);
// Within a transaction: introductions to everybody in the list.
enum err adding_send(struct chat *c, struct span list, struct span welcome);

#include "client/astray.h"

#endif
