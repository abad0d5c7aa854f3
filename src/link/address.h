// SPDX-License-Identifier: Apache-2.0
//
// link/address: a relay's address, wss://HOST:PORT/SECRET#PIN (docs/protocol.md §1), as text and as what it says.
#ifndef WHIMBREL_LINK_ADDRESS_H
#define WHIMBREL_LINK_ADDRESS_H

#include "base/base.h"

enum { LINK_HOST_MAX = 253, LINK_SECRET_MAX = 128, LINK_PIN = 32, LINK_ADDRESS_TEXT = 480 };

struct link_address {
    char host[LINK_HOST_MAX + 1]; // a name or a numeric address, without brackets
    uint16_t port;
    char secret[LINK_SECRET_MAX + 1]; /* secret */
    uint8_t pin[LINK_PIN];
};

// ERR_MALFORMED; `why` then names what is wrong with it, for people.
enum err link_address_read(struct span text, struct link_address *out, const char **why);
void link_address_write(const struct link_address *a, char out[LINK_ADDRESS_TEXT]);
bool link_address_same(const struct link_address *a, const struct link_address *b);

#endif
