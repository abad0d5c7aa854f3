// SPDX-License-Identifier: Apache-2.0
//
// cmd/proxy_users: who may use a proxy: a file of lines NAME:PASSWORD, readable by its owner alone, or one user made up. Passwords stand in
// no argument, since every user of a computer can read those.
#ifndef WHIMBREL_CMD_PROXY_USERS_H
#define WHIMBREL_CMD_PROXY_USERS_H

#include "socksd/socksd.h"

struct proxy_users {
    struct socksd_user list[SOCKSD_USERS_MAX];
    size_t n;
    char *text; /* secret; what the list points into */
    size_t size;
};

// Reads the file; one that is not there is made, with one user in it whose password was made up (*made). Empty lines and those that begin
// with # mean nothing. False, and said why, if anything is wrong with it.
bool proxy_users_read(const char *path, struct proxy_users *out, bool *made);
// One user with a made-up password, who is nowhere but in memory. False, and said why.
bool proxy_users_make(struct proxy_users *out);
void proxy_users_wipe(struct proxy_users *u);

#endif
