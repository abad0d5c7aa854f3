// SPDX-License-Identifier: Apache-2.0
//
// relay/service: the little that systemd and a service say to each other (sd_listen_fds(3), sd_notify(3)): sockets that were opened
// for it, readiness, the watchdog. Spoken here in a few lines, so that no library is needed; without systemd it all does nothing.
#ifndef WHIMBREL_RELAY_SERVICE_H
#define WHIMBREL_RELAY_SERVICE_H

#include "base/base.h"

struct service {
    int notify;            // -1: nobody wants to know
    uint64_t watchdog_ms;  // 0: no watchdog
    int sockets, first;    // listening sockets that were handed over, from descriptor `first` on
};

// Reads the environment and takes it away from it. Before the sandbox.
void service_init(struct service *s);
// "READY=1", "STOPPING=1", "RELOADING=1", "WATCHDOG=1".
void service_tell(const struct service *s, const char *state);

#endif
