// SPDX-License-Identifier: Apache-2.0
//
// socksd/allow: the places that a proxy may be used for, and nothing else: a list of HOST:PORT. Names are compared as they are
// written, never by what they resolve to; addresses by their bytes. Invariant: what is not on the list is not reached, however it is
// spelled.
#ifndef WHIMBREL_SOCKSD_ALLOW_H
#define WHIMBREL_SOCKSD_ALLOW_H

#include "socksd/talk.h"

enum { SOCKSD_ALLOW_MAX = 256 };

struct socksd_place {
    uint8_t size; // 4 or 16: `address`; 0: `name`
    uint8_t address[16];
    uint16_t port;
    char name[254]; // small letters, without a dot at its end
};

// HOST:PORT, [IPV6]:PORT. ERR_MALFORMED; ERR_REFUSED for what no proxy may reach (0.0.0.0, groups, .onion: RFC 7686 §2), and for `localhost`, whose address is to
// be named instead. *why is a part of a sentence for people.
enum err socksd_place_read(struct span text, struct socksd_place *out, const char **why);

// Which place of the list a client means; -1 if none. An IPv6 form of an IPv4 address is that address, and so is a name that is one.
int socksd_allow_find(const struct socksd_place *list, size_t n, const struct socksd_target *to);

// Whether an address found by a name may be gone to: a public one, or one that stands on the list itself with this port. So no name can
// lead into the server's own network.
bool socksd_allow_found(const struct socksd_place *list, size_t n, const uint8_t *address, size_t size, uint16_t port);

// Whether this is an address of this computer, of a private network, or of nobody (RFC 6890).
bool socksd_address_private(const uint8_t *address, size_t size);

#endif
