// SPDX-License-Identifier: Apache-2.0
//
// web/token: who may talk to the page's engine: whoever knows a token that it gave out. Only hashes are kept.
#ifndef WHIMBREL_WEB_TOKEN_H
#define WHIMBREL_WEB_TOKEN_H

#include "crypto/crypto.h"
#include "web/web.h"

enum { TOKEN_TEXT = 43 }; // characters: 32 bytes in base64url

struct tokens {
    char path[1000]; // of the file `ui`
    struct crypto *crypto;
    uint16_t port; // 0: not known
    size_t n;
    uint8_t hash[WEB_TOKENS][32]; // the newest last
};

// Reads what the folder's file says; what is damaged or not there says nothing.
enum err tokens_init(struct tokens *t, const char *folder);
void tokens_wipe(struct tokens *t);
enum err tokens_save(const struct tokens *t);
// A new one, kept before it is given out; the oldest is void. ERR_IO.
enum err tokens_new(struct tokens *t, char out[TOKEN_TEXT + 1]);
// In constant time for a text of the right length.
bool tokens_know(const struct tokens *t, struct span text);

#endif
