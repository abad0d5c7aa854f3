// SPDX-License-Identifier: Apache-2.0
//
// client/file: an engine's files, as its clients see them. Sending begins here, since it needs a conversation; what else can be done with
// them is in files/files.h: looking, fetching, pausing, saving, reading, giving up, clearing.
#ifndef WHIMBREL_CLIENT_FILE_H
#define WHIMBREL_CLIENT_FILE_H

#include "client/client.h"
#include "files/files.h"

// For files_look and what follows it there. Of those with "within a transaction" none is called from outside of the engine.
struct files *engine_files(struct engine *e);
// For transfer_draft_new, _add, _end and _drop: what comes in pieces. It is freed before the engine is closed, as readers are.
struct transfers *engine_transfers(struct engine *e);

struct engine_file {
    int64_t chat;
    const char *path; // of a file, from /; NULL: what has come in pieces,
    int64_t draft;    // with this number
    struct span name; // as the others see it; empty: as it is called
    struct span type; // its media type; empty: what its name says
    struct span text; // what is said with it, in Markdown; empty: nothing
    struct attach_media media;
    int64_t answers; // a message of that conversation; 0: none
    uint32_t lives;  // seconds after reading; 0: as the conversation's timer says
};
// Sends a file: it is durable when this returns, and a message when all of it is at the relay. What is sent by path is read while it
// is sent, and is not copied. ERR_NOT_FOUND: no such conversation or file; ERR_REFUSED, ERR_INVALID, ERR_LIMIT: `why` says it;
// ERR_UNAUTHENTICATED as engine_say's.
enum err engine_file_send(struct engine *e, const struct engine_file *f, int64_t *file, const char **why);

struct engine_storage {
    uint64_t vault, files, free; // bytes: of the vault, of all files in the profile, and that are free on that disk
    uint64_t unasked;            // files up to this size are fetched unasked; 0: none are
};
void engine_storage(struct engine *e, struct engine_storage *out);

#endif
