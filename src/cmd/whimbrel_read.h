// SPDX-License-Identifier: Apache-2.0
//
// cmd/whimbrel_read: showing messages, for `read` and `tail`.
#ifndef WHIMBREL_CMD_READ_H
#define WHIMBREL_CMD_READ_H

#include "cmd/text.h"
#include "cmd/whimbrel.h"

int do_read(struct session *s);
int do_tail(struct session *s);

// How messages are laid out, and which day was shown last.
struct view {
    const struct session *s;
    struct text *t;
    size_t name_columns, indent;
    int day, year;
    bool narrow;
};
// For these messages; names_load comes first.
void view_begin(struct view *v, const struct session *s, struct text *t, const json_t *messages);
void view_message(struct view *v, const json_t *m);
// "me", or what a contact is called.
const char *view_writer(const struct view *v, const json_t *m);

// What stands in the place of text that is not there, or cannot be shown: "(deleted)".
void message_instead(const struct session *s, const json_t *m, char *room, size_t n);

// A file in words: "[tea.jpg, 2.1 MB: file 12, not fetched]"; a size: "2.1 MB".
void file_words(const json_t *file, char *out, size_t n);
void file_size(json_int_t bytes, char out[24]);

// Messages of a chat behind `after`, oldest first; NULL after an error, which has been said.
json_t *messages_load(struct session *s, json_int_t chat, json_int_t after);

#endif
