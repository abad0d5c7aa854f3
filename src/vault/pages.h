// SPDX-License-Identifier: Apache-2.0
//
// vault/pages: how a page of a vault lies in its file (docs/client.md, "What a profile is"), by libsodium. It is the format that SQLite3
// Multiple Ciphers calls chacha20, whose own code for it takes more than twice as long. When pages are read and written is SQLite's.
#ifndef WHIMBREL_VAULT_PAGES_H
#define WHIMBREL_VAULT_PAGES_H

#include "base/base.h"

enum { PAGES_NONCE = 16, PAGES_TAG = 16, PAGES_EXTRA = PAGES_NONCE + PAGES_TAG };

// What `PRAGMA cipher` calls it, once SQLite has been told of it: that must come first, and more than once does no harm.
#define PAGES_CIPHER "whimbrel"
void pages_register(void);

// ChaCha20 (RFC 8439 §2.4) over n bytes in place. The block's counter begins anew behind its last value, which is no matter here: a
// nonce is of one page.
void pages_stream(uint8_t *p, size_t n, const uint8_t key[32], const uint8_t nonce[12], uint32_t counter);

#endif
