// SPDX-License-Identifier: Apache-2.0
//
// files: the files of messages: on their way out, offered, on their way in, here. A row of the vault for each, a number by which people
// and programs name it, and the transfers that move it (transfer/transfer.h). A file that is sent becomes a message in the stroke in which
// its last byte has arrived; one that comes is nobody's before it has been checked. It knows content and transfers, and no MLS.
//
// What says so is called within a transaction of the db, and files_settle after it; all else has transactions of its own.
#ifndef WHIMBREL_FILES_FILES_H
#define WHIMBREL_FILES_FILES_H

#include "content/attach.h"
#include "transfer/transfer.h"

// A migration of the vault (entry.c), behind those that make the tables `chat` and `message` and the transfers'.
extern const char files_tables[];

enum files_state {
    FILES_OFFERED = 1, // it can be fetched
    FILES_WAITING,     // for its turn, or for the relay
    FILES_SENDING,
    FILES_FETCHING,
    FILES_PAUSED,
    FILES_FAILED, // `why` says it
    FILES_HERE,   // it can be read
};

// Spans and texts hold during the call.
struct files_info {
    int64_t id, chat, message, sender; // message 0: it is being sent; sender: a contact, 0: oneself
    enum files_state state;
    uint64_t done;        // bytes that are there, of attach.size
    const char *why;      // in words; empty, but of one that has failed
    const char *path;     // of one that is being sent, and of one that is being saved: where it lies; else empty
    const char *name;     // fit to be shown, and to be a file's name
    struct attach attach; // what the message says of it; relay, blob and key are not there before it was sent
};
typedef void files_each(void *arg, const struct files_info *i);

// What is told: a file has made progress, or changed its state; or it is being saved, and then state is FILES_FETCHING, FILES_HERE
// or FILES_FAILED, and path says where.
enum files_event {
    FILES_CHANGED,
    FILES_SAVED,
    FILES_GONE // one that was being sent was given up: only id and chat are there
};

struct files_host {
    struct db *db;
    struct world world;
    uint8_t use; // of the transfers that are files'
    void *arg;
    // Within a transaction: says content whose parts are filled in; the salt and what else it has is the host's. *message: its number.
    // ERR_REFUSED: nothing can be said there any more.
    enum err (*say)(void *arg, int64_t chat, struct content *c, int64_t *message);
    // Outside of transactions.
    void (*told)(void *arg, enum files_event what, const struct files_info *i);
};

struct files {
    struct files_host h;
    struct transfers *t;
    bool moved; // something was begun or ended since files_settle
};
// What the host has is copied; the transfers are open while it is used.
void files_init(struct files *f, const struct files_host *h, struct transfers *t);
void files_settle(struct files *f);

// ------------------------------------------------------------------------------------------------------------- sending

struct files_new {
    int64_t chat;
    const char *path;          // of the file, from /; NULL: what has come in pieces, with this number
    int64_t draft;             // (transfer_draft_end)
    const char *relay, *other; // where it is to lie; or else (transfer_to)
    struct span name;          // as others see it; empty: as it is called
    struct span type, text;    // empty: by its name; nothing
    struct attach_media media;
    const uint8_t *answers; // the id of a message [CONTENT_ID]; NULL: none
    uint32_t lives;         // seconds after reading; 0: nothing is said of it
};
// Within a transaction; *id is its number. Errors as transfer_send's, and ERR_INVALID; `why` then says it.
enum err files_send(struct files *f, const struct files_new *n, int64_t *id, const char **why);

// ---------------------------------------------------------------------------------------------------------- what comes

struct files_come {
    int64_t chat, message, sender;
    struct span content;
    bool trusted;        // it may be fetched unasked,
    const char *near[2]; // if it lies at one of these relays, is not larger than files_policy says, and there is room
};
// Within a transaction: a message has come. If it brings a file, there is a row for it.
void files_take(struct files *f, const struct files_come *n);
// Within a transaction: what a message said is gone, and so is its file: on the disk, and if it was one's own at the relay.
void files_gone(struct files *f, int64_t message);

// Within a transaction: a conversation is deleted on this device. What is here of its files goes, and what is being sent is given up; what was sent
// stays at the relay, for the others.
void files_chat_gone(struct files *f, int64_t chat);

// Begins to fetch it, or goes on. ERR_NOT_FOUND; ERR_REFUSED: it is being sent; ERR_INVALID: its relay
// has no address. Nothing is done for one that is here.
enum err files_fetch(struct files *f, int64_t id);
// ERR_NOT_FOUND; ERR_REFUSED: it is not on its way.
enum err files_pause(struct files *f, int64_t id);
enum err files_resume(struct files *f, int64_t id);
// One that is being sent is gone altogether; of one that was fetched, or is on its way, what is here. ERR_NOT_FOUND.
enum err files_cancel(struct files *f, int64_t id);
// As transfer_save; a folder gets it by its name.
enum err files_save(struct files *f, int64_t id, const char *path, bool over, const char **why);
// As transfer_reader_new.
enum err files_read(struct files *f, int64_t id, struct transfer_reader **out);

// ------------------------------------------------------------------------------------------------------------- looking

enum err files_look(struct files *f, int64_t id, files_each *each, void *arg);    // ERR_NOT_FOUND
enum err files_of(struct files *f, int64_t message, files_each *each, void *arg); // ERR_NOT_FOUND: it brings none
struct files_query {
    int64_t chat;   // 0: all
    int64_t before; // only those with lower numbers; 0: from the newest on
    bool moving;    // only those that are neither offered nor here
    uint32_t limit;
};
enum err files_list(struct files *f, const struct files_query *q, files_each *each, void *arg); // newest first

// How large files may be that are fetched unasked; 0: none are.
uint64_t files_policy(struct files *f);
enum err files_set_policy(struct files *f, uint64_t bytes);
// What was fetched goes from the disk, of one conversation or (0) of all; it can be fetched again while the relay has it. *freed: bytes.
enum err files_clear(struct files *f, int64_t chat, uint64_t *freed);

// ----------------------------------------------------------------------------------------------------------- transfers

// What the owner of the transfers is told of those with this use (struct transfer_host: ended, told).
enum err files_ended(struct files *f, const struct transfer_info *i);
void files_told(struct files *f, const struct transfer_info *i);

#endif
