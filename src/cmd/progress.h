// SPDX-License-Identifier: Apache-2.0
//
// cmd/progress: how far something is that takes long, as one line on standard error that is written over again and gone at the end. Where
// that is no terminal, or with --quiet or --json, nothing is shown.
#ifndef WHIMBREL_CMD_PROGRESS_H
#define WHIMBREL_CMD_PROGRESS_H

#include "cmd/text.h"

#include <stdint.h>

struct progress {
    struct text t;
    bool on, shown;
    int64_t began, last; // milliseconds
    uint64_t from;       // bytes that were there when it began
};

// `on`: whether whoever asked wants to see it; then it is shown if standard error is a terminal.
void progress_begin(struct progress *p, bool on);
// `done` of `size`, in bytes; size 0: not known. Draws ten times a second at most.
void progress_show(struct progress *p, const char *what, uint64_t done, uint64_t size);
void progress_end(struct progress *p);

// The line itself, for a time since the beginning, when `from` bytes were there already; without a line end.
void progress_line(const struct text *t, const char *what, uint64_t from, uint64_t done, uint64_t size, int64_t ms);
// "814 B", "12.3 MB": decimal, as files are usually told.
enum { SIZE_TEXT = 16 };
const char *size_text(uint64_t bytes, char out[SIZE_TEXT]);

#endif
