// SPDX-License-Identifier: Apache-2.0
//
// Message status: which messages of a room somebody has received or read (draft-mahy-mimi-message-status).
#include "codec/cbor.h"
#include "content/content.h"

void content_put_report(struct buf *out, const struct content_report *reports, size_t n)
{
    if ((n == 0 || n > CONTENT_STATUS_MAX) && out->err == ERR_OK) out->err = ERR_LIMIT;
    cbor_put_array(out, n);
    for (size_t i = 0; i < n; i++) {
        cbor_put_array(out, 2);
        cbor_put_bytes(out, span_of(reports[i].id, CONTENT_ID));
        cbor_put_uint(out, reports[i].status);
    }
}

enum err content_read_report(struct span bytes, struct content_report *out, size_t room, size_t *n)
{
    struct cbor_reader r = cbor_reader_of(bytes);
    size_t count = cbor_array(&r);
    if (count == 0) return ERR_MALFORMED;
    if (count > CONTENT_STATUS_MAX || count > room) return ERR_LIMIT;
    for (size_t i = 0; i < count && r.err == ERR_OK; i++) {
        if (cbor_array(&r) != 2) cbor_fail(&r);
        struct span id = cbor_bytes(&r);
        if (id.n != CONTENT_ID) cbor_fail(&r);
        out[i] = (struct content_report){.id = id.p, .status = (uint8_t)cbor_uint(&r, CONTENT_ERROR)};
    }
    enum err e = cbor_end(&r);
    if (e == ERR_OK) *n = count;
    else memset(out, 0, count * sizeof *out);
    return e;
}
