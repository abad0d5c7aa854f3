// SPDX-License-Identifier: Apache-2.0
//
// client/astray: what is done where something has gone wrong with a log, or with what is known of it: a relay that lies or has gone back, a profile
// that was put back from a copy, a member who ruins a log or divides a group. It is the last part of client/inner.h, which brings it along.
#ifndef WHIMBREL_CLIENT_ASTRAY_H
#define WHIMBREL_CLIENT_ASTRAY_H

#include "client/inner.h"

// ------------------------------------------------------------------------------------------------------------ behind.c

enum {
    BEHIND_OUT = -1, // the group's state is of no use any more: the others have to add one again
    BEHIND_ASKED =
        -2, // the others seem to be in another epoch (split.c): they are asked the same, and if they are not, it goes on
    BEHIND_DOUBT = -3, // somebody's change did not open here: perhaps it did for others
};
// Whether nothing may be put into the log.
static inline bool chat_stands(const struct chat *c) { return c->behind == BEHIND_OUT || c->behind == BEHIND_ASKED; }
extern const char behind_said[], behind_done[], behind_away[];
// Within a transaction: something of one's own came that this state did not know; `out`: a commit, so it cannot follow.
void behind_note(struct chat *c, bool out);
// Whether nothing may be encrypted with the group's state, but a commit if it is not BEHIND_OUT.
bool behind_bars(struct chat *c);
// Within a transaction: the message of one's own with this id, if it is here already, was said: it is not said again. Its number, or 0.
int64_t behind_sent(struct chat *c, const struct wire_entry *x, const uint8_t mimi[CONTENT_ID],
                    struct history_effect *effect);
// Outside: does what is needed after behind_note, once the log was read to its end; and what was not finished before the engine began.
void behind_settle(struct chat *c);
void behind_start(struct engine *e);
// There is a connection again: what could not be stored before is done now.
void behind_again(struct peer *p);

// ----------------------------------------------------------------------------------------------------------- refill.c

// Within a transaction: an entry that was taken, the log's key before it, and the message it brought.
void refill_keep(struct chat *c, const struct wire_entry *x, const uint8_t key[32], int64_t message);
void refill_load(struct chat *c);
bool refill_is_kept(struct chat *c, struct span payload);
// Whether another entry had this number.
bool refill_differs(struct chat *c, const struct wire_entry *x);
// Within a transaction: the entry is one of those that were lost, and is lost no longer.
bool refill_known(struct chat *c, const struct wire_entry *x, int64_t *message);
// The relay has only so many entries, other ones, or says that there is no such log or key.
void refill_shorter(struct chat *c, uint64_t head);
void refill_other(struct chat *c);
void refill_denied(struct chat *c);
// The log goes on behind an entry that was not understood.
void refill_ended(struct chat *c);
// Puts back what is next, or waits for one's turn.
void refill_go_on(struct chat *c);
void refill_inbox(struct peer *p);
void refill_inbox_gone(struct peer *p);

// ------------------------------------------------------------------------------------------------------------ split.c

enum { SUSPECT_BESIDE = -1 }; // nobody, but the entry at the cursor looks like a second change of the epoch before

// Within a transaction, as what follows. A commit of this leaf is genuine, and its path does not open here. What people are told of it.
const char *split_unopened(struct chat *c, uint32_t leaf, uint64_t seq);
// Whether an entry that is of another epoch than one's own is dealt with; *why: what people are told, or NULL.
bool split_other_epoch(struct chat *c, const struct wire_entry *x, const char **why);
// Outside: the log lets one read no further. If what came last was a change beside the one that counts here, an admin goes on without that one, with
// another key of the log: it is asked to be added again there.
bool split_apart(struct chat *c);
// Whether a commit puts this device in the place of what it was: an introduction follows.
bool split_replaces(struct chat *c, const struct mls_staged *s);
// One has been added again: what one has said behind that entry, in whatever epoch, is said again, and what could not be read is asked for.
void split_made_up(struct chat *c, uint64_t since);
enum err split_missed(struct engine *e, const struct work *w, struct span entries);

// ---------------------------------------------------------------------------------------------------------- recover.c

// Whether the log's end is such that a recovery log is looked for; and looks there, once.
bool recover_may(struct chat *c);
// Within a transaction: what was prepared for it is of an epoch that has passed.
void recover_drop(struct chat *c);
void recover_step(struct chat *c);

// ------------------------------------------------------------------------------------------------------------ doubt.c

// What people are told of an entry that MLS did not take; NULL: nothing.
const char *doubt_entry(struct chat *c, const struct wire_entry *x, enum mls_error m);
extern const char doubt_gap[], doubt_twice[], doubt_forked[], doubt_withheld[], doubt_nonsense[], doubt_misplaced[],
    doubt_useless[];
// Within a transaction: if somebody has said something that came too late to be read, it is asked for again; and whoever is asked for
// something that they have said says it anew.
void doubt_ask_again(struct chat *c, const struct wire_entry *x);
void doubt_asked(struct chat *c, int64_t who, struct span body); // who: the contact that asks; 0: oneself

#endif
