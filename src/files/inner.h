// SPDX-License-Identifier: Apache-2.0
//
// files/inner: what the files of this room share: a row, and what it says.
#ifndef WHIMBREL_FILES_INNER_H
#define WHIMBREL_FILES_INNER_H

#include "files/files.h"
#include "transfer/name.h"

// A row, with the content that it speaks of: its own while it is being sent, then its message's.
struct entry {
    int64_t id, chat, message, sender, up, down;
    char failed[200];                  // why it could not be said
    struct buf bytes; /* secret */     // what content points into
    struct content content;            /* secret */
    struct attach attach; /* secret */ // what it brings; size and type at least
    char name[NAME_MAX_BYTES + 1];
};

// ------------------------------------------------------------------------------------------------------------ entry.c

// ERR_NOT_FOUND. It is freed by the caller.
enum err entry_load(struct files *f, int64_t id, struct entry **out);
void entry_free(struct entry *e);
// What is told of it; the transfer's side from its row.
enum err entry_tell(struct files *f, const struct entry *e, files_each *each, void *arg);
// Within a transaction.
int64_t entry_add(struct files *f, const struct entry *e, struct span content);
void entry_set_down(struct files *f, int64_t id, int64_t down);
void entry_failed(struct files *f, int64_t id, const char *why);
// It has become a message.
void entry_said(struct files *f, int64_t id, int64_t message);
// The row and its transfers go; what was sent by oneself is taken back.
void entry_drop(struct files *f, int64_t id, bool takes_back);

// ------------------------------------------------------------------------------------------------------------- type.c

// What kind of file it is, by the ending of its name: a media type that attach_is_type takes.
const char *type_of(const char *name);

#endif
