// SPDX-License-Identifier: Apache-2.0
//
// What people put into inboxes, signed by the account that it is of: what a letter says of that account, such as the way to its inbox, is
// that account's own word, and belongs to the rest of the letter. Invariant: a letter is for one key package, so whoever has opened it
// cannot hand it on as if it were written to somebody else.
#include "format/format.h"

#include "codec/tls.h"

enum { LETTER_MAX = 66000 };
static const char letter_label[] = "Whimbrel letter";

static const struct crypto_suite *base_suite(void) { return crypto_suite(CRYPTO_X25519_AES128_SHA256_ED25519); }

static void put_letter(const struct letter *l, struct buf *out)
{
    tls_put_u8(out, (uint8_t)l->kind);
    tls_put_vector(out, l->body);
    buf_put(out, span_of(l->account_key, FORMAT_KEY));
}

static enum err put_signed(const struct letter *l, const uint8_t ref[FORMAT_ID], struct buf *out)
{
    buf_put(out, span_str(letter_label));
    buf_put(out, span_of(ref, FORMAT_ID));
    put_letter(l, out);
    return buf_end(out);
}

enum err inbox_sign(struct crypto *c, const struct letter *l, const uint8_t account_private[FORMAT_KEY],
                    const uint8_t ref[FORMAT_ID], struct buf *out)
{
    uint8_t signature[CRYPTO_SIG_MAX];
    size_t n = 0;
    struct buf message;
    buf_init(&message, LETTER_MAX);
    enum err e = put_signed(l, ref, &message);
    if (e == ERR_OK)
        e = crypto_sign(c, base_suite(), span_of(account_private, FORMAT_KEY), span_of(l->account_key, FORMAT_KEY),
                        buf_span(&message), signature, &n);
    if (e == ERR_OK) {
        put_letter(l, out);
        buf_put(out, span_of(signature, n));
        e = buf_end(out);
    }
    buf_wipe(&message);
    return e;
}

enum err inbox_check(struct crypto *c, struct span bytes, const uint8_t ref[FORMAT_ID], struct letter *out)
{
    struct tls_reader r = tls_reader_of(bytes);
    struct letter l = {.kind = (enum inbox_kind)tls_u8(&r), .body = tls_vector(&r)};
    struct span key = tls_bytes(&r, FORMAT_KEY), signature = tls_bytes(&r, FORMAT_SIGNATURE), zeros = tls_rest(&r);
    struct buf message;
    if (tls_end(&r) != ERR_OK) return ERR_MALFORMED;
    for (size_t i = 0; i < zeros.n; i++) {
        if (zeros.p[i] != 0) return ERR_MALFORMED;
    }
    l.account_key = key.p;
    buf_init(&message, LETTER_MAX);
    enum err e = put_signed(&l, ref, &message);
    if (e == ERR_OK) e = crypto_verify(c, base_suite(), key, buf_span(&message), signature);
    buf_wipe(&message);
    if (e == ERR_OK) *out = l;
    return e;
}
