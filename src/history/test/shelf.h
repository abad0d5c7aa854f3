// SPDX-License-Identifier: Apache-2.0
//
// A shelf of its own for what is said: a vault with the client's tables, conversations in it, and messages that are put there without engines. Whatever
// goes wrong fails the test.
#ifndef WHIMBREL_HISTORY_TEST_SHELF_H
#define WHIMBREL_HISTORY_TEST_SHELF_H

#include "client/inner.h"
#include "unit.h"

struct scene {
    char folder[64];
    struct vault *vault;
    struct db db;
    struct history h;
};

// With one conversation, of the number 1.
struct scene *scene_new(void);
void scene_free(struct scene *s);
void add_chat(struct scene *s, int64_t id);
void must_commit(struct scene *s);

// Within a transaction: message n of a conversation, which does something about another (0: none); its row's number.
enum { SAY = 0, ANSWER, REACT, EDIT, DELETE, UNREACT };
int64_t put(struct scene *s, int64_t chat, unsigned n, int64_t sender, uint64_t seq, int what, unsigned about,
            const char *text, struct history_effect *effect);
void id_of(unsigned n, uint8_t id[CONTENT_ID]);
void write_content(int what, unsigned about, const char *text, struct buf *out);

#endif
