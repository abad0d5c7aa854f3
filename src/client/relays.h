// SPDX-License-Identifier: Apache-2.0
//
// client/relays: the relays that an engine has to do with, as people want to know them: one's own, those of conversations, and those of contacts.
// It changes nothing. The secret paths of their addresses are left out of all that is told.
#ifndef WHIMBREL_CLIENT_RELAYS_H
#define WHIMBREL_CLIENT_RELAYS_H

#include "client/client.h"

enum { ENGINE_RELAYS_MAX = 256, ENGINE_PLACE = LINK_HOST_MAX + 10 };

struct engine_relay {
    const char *place; // HOST:PORT
    bool own;          // one's inbox is there, and what one begins
    bool connected;
    uint64_t chats, contacts;         // conversations that are kept there; people whose inbox is there
    uint32_t route;                   // by which it is connected (client/routes.h)
    const struct wire_limits *limits; // that it has told; NULL while there is no connection
    char (*others)[ENGINE_PLACE]; // further addresses that it has published, for the day on which this one is blocked
    size_t other_n;
};
// One's own first, then those with most conversations. All that is pointed to holds during the call. ERR_MEMORY, or as db_commit.
enum err engine_relays(struct engine *e, void (*each)(void *arg, const struct engine_relay *r), void *arg);

#endif
