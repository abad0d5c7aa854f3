// SPDX-License-Identifier: Apache-2.0
//
// history/search: finding messages by their words, in all conversations or one. The index is brought up to date behind the messages, many at a time, so that a message
// that comes does not wait for it; whoever searches sees all. What is deleted is gone from the index, too.
#ifndef WHIMBREL_HISTORY_SEARCH_H
#define WHIMBREL_HISTORY_SEARCH_H

#include "history/history.h"

enum { SEARCH_WORDS_MAX = 16, SEARCH_QUERY_MAX = 500 };

// Takes up to n messages more into the index; whether there are still more. In a transaction of its own, so outside of any.
enum err search_index(struct history *h, uint32_t n, bool *more);
// Writes over a piece of what is left in the index of conversations that were deleted as a whole; whether there is still more. Likewise.
enum err search_shed(struct history *h, bool *more);

// What was found: around the words that match stand \1 and \2.
typedef void search_each(void *arg, const struct history_message *m, struct span snippet);
struct search_query {
    struct span text; // words, all of which a message has; of the last one, a beginning of two letters is enough
    int64_t chat;     // 0: all
    int64_t before;   // only messages before this one; 0: all
    uint32_t limit;
};
// Newest first. ERR_INVALID where there is no word in the text; ERR_LIMIT.
enum err search_run(struct history *h, const struct search_query *s, search_each *each, void *arg);

#endif
