// SPDX-License-Identifier: Apache-2.0
//
// cmd/keyring: secrets that the system keeps for whoever is logged in, by the program secret-tool (Debian: libsecret-tools), which asks the
// desktop's keyring over D-Bus. Whimbrel itself speaks no D-Bus. Whoever can use the desktop session can open what it keeps.
#ifndef WHIMBREL_CMD_KEYRING_H
#define WHIMBREL_CMD_KEYRING_H

#include "base/base.h"

enum { KEYRING_SECRET = 32 };

// Each waits for the keyring, at most a minute: it may ask a person for its own password. ERR_REFUSED: there is no keyring, or it gives
// nothing: keyring_text says so to people.
enum err keyring_keep(const char *name, const uint8_t secret[KEYRING_SECRET]);
enum err keyring_find(const char *name, uint8_t secret[KEYRING_SECRET]);
void keyring_forget(const char *name);
extern const char keyring_text[];

#endif
