// SPDX-License-Identifier: Apache-2.0
//
// web/media: files of messages for the page, and files that it gives: what is asked for by a head, pieces out, pieces in. It has no connection: bytes
// in, bytes out. What others have sent is shown in place only where it is a picture, a sound or a film; all else is
// saved, and no browser is let to guess.
#ifndef WHIMBREL_WEB_MEDIA_H
#define WHIMBREL_WEB_MEDIA_H

#include "client/file.h"
#include "net/http.h"

enum { MEDIA_HEAD = 4000 };

// One file on its way over one connection. All zeros: none is.
struct media {
    struct transfer_reader *reader; // out
    uint64_t at, end;
    struct transfer_draft *draft; // in
    uint64_t left;                // bytes that are to come
};

// ----------------------------------------------------------------------------------------------------------------- out

// Answers GET or HEAD of "/file/MESSAGE": the head of the answer as far as the file decides it, from the status line on and without an empty line at
// the end. False: there is nothing for it, and `status` and `text` say so.
bool media_get(struct engine *e, const struct http_request *r, struct buf *head, struct media *out, const char **status,
               const char **text);
// The next bytes; none at the end. ERR_CORRUPT, ERR_IO: no more can be sent of what was promised.
enum err media_next(struct media *m, struct buf *out);
static inline bool media_goes_out(const struct media *m) { return m->reader != NULL; }

// ------------------------------------------------------------------------------------------------------------------ in

// Begins to take the body of a PUT. False as above.
bool media_put(struct engine *e, const struct http_request *r, struct media *out, const char **status,
               const char **text);
// As much of these bytes as belongs to it. ERR_LIMIT: the disk is full; ERR_IO.
enum err media_take(struct media *m, struct span bytes, size_t *taken);
// All has come: its number, and it is none any more.
enum err media_put_end(struct media *m, int64_t *upload);
static inline bool media_comes_in(const struct media *m) { return m->draft != NULL; }

// Lets go of what is on its way.
void media_drop(struct media *m);

// ---------------------------------------------------------------------------------------------------------- what is so

enum media_part { MEDIA_WHOLE, MEDIA_PART, MEDIA_NO_PART }; // the last: there is no such part
// Of "bytes=5-9" and its like (RFC 9110 §14.2): the first byte, and the first behind the last. More than one range, or what is
// none, is the whole file.
enum media_part media_range(struct span value, uint64_t size, uint64_t *from, uint64_t *end);
// The type that is shown in place for one that somebody has said; NULL: it is only saved.
const char *media_shown(struct span type);
// Content-Disposition (RFC 6266), with the name for old readers and for those of today.
void media_disposition(const char *name, bool shown, struct buf *out);
// The number behind a prefix, and nothing else; 0: none.
int64_t media_number(struct span target, const char *prefix);

#endif
