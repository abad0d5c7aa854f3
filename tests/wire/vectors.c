// SPDX-License-Identifier: Apache-2.0
//
// wire-vectors: prints tests/wire/data/messages.txt, a message of every type of the relay's protocol in hex (samples.h). A test
// holds the committed file against the code, so it changes only with the protocol:
//     build/wire-vectors >tests/wire/data/messages.txt
#include "wire/samples.h"

#include <stdio.h>

static void print(void *arg, const char *name, struct span message)
{
    bool *failed = arg;
    if (message.n == 0) *failed = true;
    printf("%s: ", name);
    for (size_t i = 0; i < message.n; i++) printf("%02x", message.p[i]);
    printf("\n");
}

int main(void)
{
    bool failed = false;
    printf("# A message of every type of the relay's log protocol (docs/protocol.md), `name: hex`; made by build/wire-vectors.\n");
    samples_all(print, &failed);
    return failed || fflush(stdout) != 0 ? 1 : 0;
}
