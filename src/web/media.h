// SPDX-License-Identifier: Apache-2.0
//
// web/media: files of messages for the page, and files that it gives: what is asked for by a head, pieces out, pieces in. It has no connection: bytes
// in, bytes out. What others have sent is shown in place only where it is a picture, a sound or a film; all else is
// saved, and no browser is let to guess.
#ifndef WHIMBREL_WEB_MEDIA_H
#define WHIMBREL_WEB_MEDIA_H

#include "client/file.h"
#include "net/http.h"

#include <stdio.h>

enum { MEDIA_HEAD = 4000 };

// One file on its way over one connection. All zeros: none is.
struct media {
    struct transfer_reader *reader; // out
    uint64_t at, end;
    struct transfer_draft *draft; // in
    uint64_t left;                // bytes that are to come
    FILE *archive;                // out or in, as it lies there: sealed
    char unfinished[1100];        // the path of one that comes in; empty otherwise
    bool plays;                   // out: a sound or a film
};

// ----------------------------------------------------------------------------------------------------------------- out

// Answers GET or HEAD of "/file/MESSAGE" or "/file/archive": the head of the answer as far as the file decides it, from the status line on and without
// an empty line at the end. False: there is nothing for it, and `status` and `text` say so. `folder` is the profile's.
bool media_get(struct engine *e, const char *folder, const struct http_request *r, struct buf *head, struct media *out,
               const char **status, const char **text);
// The next bytes; none at the end. ERR_CORRUPT, ERR_IO: no more can be sent of what was promised.
enum err media_next(struct media *m, struct buf *out);
static inline bool media_goes_out(const struct media *m)
{
    return m->reader != NULL || (m->archive != NULL && m->unfinished[0] == 0);
}

// ------------------------------------------------------------------------------------------------------------------ in

// Begins to take the body of a PUT to "/file", or where there is no profile to "/file/archive". False as above.
bool media_put(struct engine *e, const char *folder, const struct http_request *r, struct media *out,
               const char **status, const char **text);
// As much of these bytes as belongs to it. ERR_LIMIT: the disk is full; ERR_IO.
enum err media_take(struct media *m, struct span bytes, size_t *taken);
// All has come: its number, 0 of an archive, and it is none any more.
enum err media_put_end(struct media *m, int64_t *upload);
static inline bool media_comes_in(const struct media *m) { return m->draft != NULL || m->unfinished[0] != 0; }

// Lets go of what is on its way.
void media_drop(struct media *m);

#endif
