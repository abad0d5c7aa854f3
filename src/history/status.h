// SPDX-License-Identifier: Apache-2.0
//
// history/status: who has got and read what, and what one owes others of that; messages that live for a time, and their end. Whether others
// are told at all is for whoever calls this to say.
#ifndef WHIMBREL_HISTORY_STATUS_H
#define WHIMBREL_HISTORY_STATUS_H

#include "history/history.h"

// Within a transaction, as all here but reading.

// --------------------------------------------------------------------------------------------------- what one owes others

// A message that came, or all up to one that are read from now on: its sender is to be told.
void status_owe(struct history *h, int64_t chat, int64_t message);
void status_owe_read(struct history *h, int64_t chat, int64_t message);
// A report of what is owed in a chat, of as many messages as one has room for, which are not owed any more; empty: nothing is.
void status_report(struct history *h, int64_t chat, struct buf *out);
// Nothing is owed in this chat any more.
void status_forgive(struct history *h, int64_t chat);
// A chat behind this one in which something is owed; 0: none.
int64_t status_next(struct history *h, int64_t chat);

// -------------------------------------------------------------------------------------------------- what one hears from them

// Somebody's report about one's own messages. A message is delivered, or read, once `others` people have said so; `each` hears of each
// message that the report is new for. What is no report is nothing.
void status_take(struct history *h, int64_t chat, int64_t reader, uint64_t time, uint32_t others, struct span report,
                 void (*each)(void *arg, int64_t message), void *arg);
// A report of one's own, from another device: the last message that it says was read; 0: none.
int64_t status_own(struct history *h, int64_t chat, struct span report);

struct history_receipt {
    int64_t reader;           // a contact
    uint64_t delivered, read; // when, milliseconds since 1970; 0: not that one knows
};
// Who has got one's own message. Outside of transactions.
enum err status_list(struct history *h, int64_t chat, int64_t message,
                     void (*each)(void *arg, const struct history_receipt *r), void *arg);

// ------------------------------------------------------------------------------------------------------------- the end

// When the next message ends, milliseconds since 1970; 0: none does.
uint64_t status_next_end(struct history *h);
// Deletes messages whose time has come, at most n of them; `each` is told of each while it is still there. How many.
size_t status_end(struct history *h, uint64_t now, size_t n, void (*each)(void *arg, int64_t chat, int64_t message),
                  void *arg);

#endif
