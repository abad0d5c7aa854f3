// SPDX-License-Identifier: Apache-2.0
//
// Any text as a relay's address, and as base64url. What is accepted is written, and read again as the same; what is refused is
// explained.
#include "kit.h"

#include "base/base64.h"
#include "link/address.h"

#include <stdlib.h>

void fuzz_open(void) {}

void fuzz_one(struct span bytes)
{
    struct link_address a, again;
    char text[LINK_ADDRESS_TEXT];
    const char *why = NULL;
    struct buf b;
    if (link_address_read(bytes, &a, &why) == ERR_OK) {
        link_address_write(&a, text);
        must(strlen(text) < sizeof text - 1);
        must_ok(link_address_read(span_str(text), &again, &why));
        must(link_address_same(&a, &again));
    } else {
        must(why != NULL);
    }
    buf_init(&b, bytes.n + 4);
    if (base64_decode(bytes, &b) == ERR_OK) {
        char *back = malloc(base64_size(b.n) + 1);
        must(back != NULL);
        base64_encode(buf_span(&b), back);
        must(span_eq(span_str(back), bytes));
        free(back);
    } else {
        must(b.n == 0);
    }
    buf_wipe(&b);
}

void fuzz_seeds(const char *folder)
{
    static const char *const seeds[] = {"wss://relay.example/s#R5jfAvOPP5B4DMLL5qVukXv9nhONOr1_zzrfhj8ILJU",
                                        "wss://[2001:db8::1]:8443/a-B_9#R5jfAvOPP5B4DMLL5qVukXv9nhONOr1_zzrfhj8ILJU"};
    kit_seed(folder, "name", span_str(seeds[0]));
    kit_seed(folder, "numeric", span_str(seeds[1]));
}
