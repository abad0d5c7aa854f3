// SPDX-License-Identifier: Apache-2.0
//
// relay/follow: what a follower is sent, and when: live entries as they come, older ones read from the store as its credit
// allows, signals, and the end.
#ifndef WHIMBREL_RELAY_FOLLOW_H
#define WHIMBREL_RELAY_FOLLOW_H

#include "relay/session.h"

// A follow request: answered when all its grants have been looked up.
void follow_request(struct session *s, struct job *j);
void follow_stop(struct session *s, const struct wire_request *r);
// All follows of a session that closes.
void follow_drop_all(struct session *s);
// Goes on where credit or room was missing.
void follow_pump(struct session *s);
// Something happened to a log that somebody on this worker follows.
void follow_event(struct worker *w, struct topic *t, const struct store_event *e);
// Events were lost for want of memory: everybody reads on from the store. Any thread.
void follow_missed(struct worker *w);

#endif
