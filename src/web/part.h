// SPDX-License-Identifier: Apache-2.0
//
// web/part: which part of a file somebody asks for, and under which type and name it is given; no I/O. What asks is whatever can connect, and
// what a file is called and said to be is whatever its sender has written.
#ifndef WHIMBREL_WEB_PART_H
#define WHIMBREL_WEB_PART_H

#include "base/base.h"

enum part { PART_WHOLE, PART_SOME, PART_NONE }; // the last: there is no such part
// Of "bytes=5-9" and its like (RFC 9110 §14.2): the first byte, and the first behind the last. More than one range, or what is
// none, is the whole file.
enum part part_range(struct span value, uint64_t size, uint64_t *from, uint64_t *end);
// The type that is shown in place for one that somebody has said; NULL: it is only saved.
const char *part_shown(struct span type);
// Content-Disposition (RFC 6266), with the name for old readers and for those of today.
void part_disposition(const char *name, bool shown, struct buf *out);
// The number behind a prefix, and nothing else: 18 digits at most. False: there is none.
bool part_number(struct span text, const char *prefix, uint64_t *out);

#endif
