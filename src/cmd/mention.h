// SPDX-License-Identifier: Apache-2.0
//
// cmd/mention: people in a text: [name](whimbrel:u/ACCOUNT) in what is sent, @name where one writes and reads. It knows texts, and no engine.
#ifndef WHIMBREL_CMD_MENTION_H
#define WHIMBREL_CMD_MENTION_H

#include <stddef.h>

struct mention_person {
    const char *name, *account; // account: in hexadecimal
};
// Each @name of one of these people, at the beginning of a word, becomes a link; the longest name that fits counts. The caller's to free.
char *mention_sent(const char *text, const struct mention_person *people, size_t n);
// Each link to a person becomes @name. The caller's to free.
char *mention_written(const char *text);

#endif
