// SPDX-License-Identifier: Apache-2.0
//
// cmd/profile: opening a profile by what opens it, a passphrase or the system's keyring, and changing that. Where a passphrase is asked for, a
// span with a NULL pointer means that none was given, and then the keyring is asked. `why`, where it is set, says to people what is wrong.
#ifndef WHIMBREL_CMD_PROFILE_H
#define WHIMBREL_CMD_PROFILE_H

#include "client/client.h"

// Makes a profile in a folder that is there. Errors as engine_create's.
enum err profile_create(const char *folder, const struct engine_new *n, struct span passphrase, const char **why);
// Makes one of an archive, whose passphrase opens the profile, too. Errors as engine_restore's.
enum err profile_restore(const char *folder, const char *archive, struct span passphrase, const char **why);
// Errors as engine_open's; ERR_REFUSED if the keyring gives nothing.
enum err profile_open(struct net_loop *loop, const char *folder, struct span passphrase,
                      void (*event)(void *arg, const struct engine_event *e), void *arg, struct engine **out,
                      const char **why);
// Another passphrase, or a first one. `now` is the present one, where there is one: ERR_UNAUTHENTICATED if it is not that.
enum err profile_passphrase(struct engine *e, const char *folder, struct span now, struct span next, const char **why);
// The keyring opens the profile from now on, or no longer. ERR_MISUSE: nothing else opens it.
enum err profile_keyring(struct engine *e, const char *folder, struct span now, bool on, const char **why);

#endif
