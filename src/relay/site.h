// SPDX-License-Identifier: Apache-2.0
//
// relay/site: the web site that strangers see: the files of one folder, read into memory when the relay starts or reloads, and
// the answers that a plain server gives for them. It does no I/O afterwards, so an answer takes as long for a path that
// exists as for one that does not.
#ifndef WHIMBREL_RELAY_SITE_H
#define WHIMBREL_RELAY_SITE_H

#include "net/http.h"

enum { SITE_FILES_MAX = 4096 };
#define SITE_BYTES_MAX ((size_t)64 << 20)

struct site;

// Reads a folder: regular files below it, except those whose names begin with a dot. `404.html` is what is said where
// there is nothing. ERR_IO (the folder cannot be read), ERR_LIMIT (more than the maxima above).
enum err site_new(const char *folder, struct site **out);
struct site *site_ref(struct site *s);
void site_unref(struct site *s);

// The response to a request with this head: status line, headers and a short body in `out`, and a file's bytes in *body, which live as
// long as the site and are sent behind. NULL request: one that could not be read, for which `error` says why. `now`: seconds, for
// the Date header. *close: whether the connection ends after it.
enum err site_answer(const struct site *s, const struct http_request *r, enum err error, uint64_t now, struct buf *out,
                     struct span *body, bool *close);

#endif
