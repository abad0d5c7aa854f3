// SPDX-License-Identifier: Apache-2.0
//
// relay/sandbox: what the relay gives up before it hears the first byte from outside: root, core dumps, files beyond its own,
// programs, new connections. In one file, in this order: drop privileges, Landlock, seccomp.
#ifndef WHIMBREL_RELAY_SANDBOX_H
#define WHIMBREL_RELAY_SANDBOX_H

#include "base/base.h"

struct sandbox {
    const char *folder;        // may be read and written
    // Files or folders that may be read; NULL where there are fewer. With a file all files beside it may be read, and beside what it is
    // a link to: a renewed certificate is another file under the same name.
    const char *readable[4];
};

// No core dumps, no debugger, no swap where the system allows that. Before any secret is read.
void sandbox_memory(void);
// Root becomes this user (empty: the folder's owner), for good; others stay who they are. `why` says what failed.
enum err sandbox_user(const char *user, const char *folder, char *why, size_t why_n);
// The rest. From here on files can be opened below `folder` and the readable ones only, and no process, program or
// socket can be made. Where the kernel lacks a part, *missing names it ("landlock", "seccomp"); else it is NULL.
enum err sandbox_enter(const struct sandbox *s, const char **missing);

#endif
