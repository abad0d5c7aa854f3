// SPDX-License-Identifier: Apache-2.0
//
// history/inner: what the files of history share. All of it is called within a transaction.
#ifndef WHIMBREL_HISTORY_INNER_H
#define WHIMBREL_HISTORY_INNER_H

#include "history/history.h"

// --------------------------------------------------------------------------------------------------------------- put.c

// Tells whoever needs to know that nothing of a message is there any more.
void message_gone(struct history *h, int64_t message);
// Deletes a message's row and those that are about it, but leaves the conversation's own row as it was; the conversation, 0 if there is no such message.
int64_t message_drop(struct history *h, int64_t message);

// -------------------------------------------------------------------------------------------------------------- talk.c

// A message has got a place in the history.
void talk_put(struct history *h, int64_t chat, int64_t message, bool unread, bool mention);
// A message has changed, or gone: if it is the last one, the list shows another.
void talk_refresh(struct history *h, int64_t chat, int64_t message);
// Nothing is in it any more.
void talk_clear(struct history *h, int64_t chat);
// Counts anew what is unread.
void talk_recount(struct history *h, int64_t chat);

// -------------------------------------------------------------------------------------------------------------- list.c

// A message by its number alone. Nothing where there is none.
enum err list_one(struct history *h, int64_t message, history_each *each, void *arg);

// ------------------------------------------------------------------------------------------------------------ search.c

// Before the text of a message changes, and after; of no effect while it has not come to be indexed.
void index_remove(struct history *h, int64_t message);
void index_clear(struct history *h, int64_t chat); // of all messages of a conversation, before they go
void index_add(struct history *h, int64_t message);

#endif
