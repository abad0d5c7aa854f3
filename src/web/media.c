// SPDX-License-Identifier: Apache-2.0
//
// Files over the page's connections. Invariant: a type that is sent is one of the list below or application/octet-stream, whatever the message
// says, so nothing that runs in a page comes from here.
#include "web/media.h"

#include <stdio.h>
#include <strings.h>

static const char not_there[] = "There is no such file here.\n";

// ---------------------------------------------------------------------------------------------------------- what is so

const char *media_shown(struct span type)
{
    static const char *const shown[] = {"image/jpeg", "image/png",  "image/gif", "image/webp",
                                        "image/avif", "audio/mpeg", "audio/ogg", "audio/mp4",
                                        "audio/aac",  "audio/flac", "audio/wav", "audio/webm",
                                        "video/mp4",  "video/webm", "video/ogg", "video/quicktime"};
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        if (span_eq(type, span_str(shown[i]))) return shown[i];
    }
    return NULL;
}

static void put(struct buf *b, const char *s) { buf_put(b, span_str(s)); }

void media_disposition(const char *name, bool shown, struct buf *out)
{
    static const char hex[] = "0123456789ABCDEF";
    put(out, shown ? "inline; filename=\"" : "attachment; filename=\"");
    for (const char *p = name; *p != 0; p++) {
        unsigned char c = (unsigned char)*p;
        buf_put_u8(out, c < 0x20 || c > 0x7e || c == '"' || c == '\\' || c == '%' ? '_' : c);
    }
    put(out, "\"; filename*=UTF-8''");
    for (const char *p = name; *p != 0; p++) {
        unsigned char c = (unsigned char)*p;
        bool plain =
            (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || strchr("-._~", c) != NULL;
        if (plain) buf_put_u8(out, c);
        else {
            buf_put_u8(out, '%');
            buf_put_u8(out, (uint8_t)hex[c >> 4]);
            buf_put_u8(out, (uint8_t)hex[c & 15]);
        }
    }
}

// Digits off the front; false if there are none, or too many.
static bool number(struct span *s, uint64_t *out)
{
    size_t n = 0;
    *out = 0;
    while (n < s->n && n < 18 && s->p[n] >= '0' && s->p[n] <= '9') *out = *out * 10 + (s->p[n++] - '0');
    if (n == 0 || (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')) return false;
    *s = span_of(s->p + n, s->n - n);
    return true;
}

int64_t media_number(struct span target, const char *prefix)
{
    size_t n = strlen(prefix);
    uint64_t v = 0;
    if (target.n <= n || memcmp(target.p, prefix, n) != 0) return 0;
    struct span rest = span_of(target.p + n, target.n - n);
    return number(&rest, &v) && rest.n == 0 ? (int64_t)v : 0;
}

enum media_part media_range(struct span value, uint64_t size, uint64_t *from, uint64_t *end)
{
    static const char unit[] = "bytes=";
    uint64_t a = 0, b = 0;
    *from = 0;
    *end = size;
    if (value.n <= sizeof unit - 1 || strncasecmp((const char *)value.p, unit, sizeof unit - 1) != 0)
        return MEDIA_WHOLE;
    struct span s = span_of(value.p + sizeof unit - 1, value.n - (sizeof unit - 1));
    bool first = number(&s, &a);
    if (s.n == 0 || s.p[0] != '-') return MEDIA_WHOLE;
    s = span_of(s.p + 1, s.n - 1);
    bool last = s.n > 0 && number(&s, &b);
    if (s.n > 0 || (!first && !last) || (first && last && b < a)) return MEDIA_WHOLE;
    if (!first) a = b < size ? size - b : 0; // so many at the end
    if (a >= size || (!first && b == 0)) return MEDIA_NO_PART;
    *from = a;
    *end = first && last && b < size ? b + 1 : size;
    return MEDIA_PART;
}

// ----------------------------------------------------------------------------------------------------------------- out

struct found {
    int64_t file;
    const char *type; // that is shown; NULL
    uint64_t size;
    struct buf disposition;
};

static void note(void *arg, const struct files_info *i)
{
    struct found *f = arg;
    if (i->state != FILES_HERE) return;
    f->file = i->id;
    f->size = i->attach.size;
    f->type = media_shown(i->attach.type);
    media_disposition(i->name, f->type != NULL, &f->disposition);
}

static void put_head(const struct found *f, enum media_part part, const struct media *m, struct buf *head)
{
    char text[400];
    (void)snprintf(text, sizeof text,
                   "HTTP/1.1 %s\r\nContent-Type: %s\r\nAccept-Ranges: bytes\r\nContent-Length: %llu\r\n"
                   "Content-Security-Policy: default-src 'none'; sandbox\r\n",
                   part == MEDIA_PART ? "206 Partial Content" : "200 OK", f->type != NULL ? f->type : ATTACH_ANY_TYPE,
                   (unsigned long long)(m->end - m->at));
    put(head, text);
    if (part == MEDIA_PART) {
        (void)snprintf(text, sizeof text, "Content-Range: bytes %llu-%llu/%llu\r\n", (unsigned long long)m->at,
                       (unsigned long long)m->end - 1, (unsigned long long)f->size);
        put(head, text);
    }
    put(head, "Content-Disposition: ");
    buf_put(head, buf_span(&f->disposition));
    put(head, "\r\n");
}

bool media_get(struct engine *e, const struct http_request *r, struct buf *head, struct media *out, const char **status,
               const char **text)
{
    struct found f = {0};
    struct span value = span_of(NULL, 0);
    int64_t message = media_number(r->target, "/file/");
    *status = "404 Not Found";
    *text = e == NULL ? "The profile is locked.\n" : not_there;
    if (e == NULL || message == 0) return false;
    buf_init(&f.disposition, 1200);
    bool there = files_of(engine_files(e), message, note, &f) == ERR_OK && f.file != 0 &&
                 files_read(engine_files(e), f.file, &out->reader) == ERR_OK;
    (void)http_header(r, "Range", &value);
    enum media_part part = there ? media_range(value, f.size, &out->at, &out->end) : MEDIA_WHOLE;
    if (there && part == MEDIA_NO_PART) {
        *status = "416 Range Not Satisfiable";
        *text = "The file is not so long.\n";
        media_drop(out);
        there = false;
    }
    if (there) put_head(&f, part, out, head);
    buf_wipe(&f.disposition);
    return there;
}

enum err media_next(struct media *m, struct buf *out)
{
    size_t before = out->n;
    enum err e = m->at < m->end ? transfer_reader_read(m->reader, m->at, out) : ERR_OK;
    size_t n = out->n - before;
    if (e == ERR_OK && n > m->end - m->at) n = (size_t)(m->end - m->at);
    out->n = before + n;
    m->at += n;
    return e == ERR_OK && n == 0 && m->at < m->end ? ERR_CORRUPT : e;
}

// ------------------------------------------------------------------------------------------------------------------ in

bool media_put(struct engine *e, const struct http_request *r, struct media *out, const char **status,
               const char **text)
{
    struct span length = span_of(NULL, 0);
    uint64_t size = 0;
    *status = "404 Not Found";
    *text = e == NULL ? "The profile is locked.\n" : not_there;
    bool ours = r->target.n == 5 || (r->target.n > 5 && r->target.p[5] == '?');
    if (e == NULL || !ours) return false;
    *status = "411 Length Required";
    *text = "Say how long it is.\n";
    if (!http_header(r, "Content-Length", &length) || !number(&length, &size) || length.n != 0) return false;
    enum err x = transfer_draft_new(engine_transfers(e), size, &out->draft);
    *status = x == ERR_LIMIT ? "413 Content Too Large" : "500 Internal Server Error";
    *text =
        x == ERR_LIMIT ? "That is more than can be sent, or than the disk has room for.\n" : "It cannot be stored.\n";
    out->left = size;
    return x == ERR_OK;
}

enum err media_take(struct media *m, struct span bytes, size_t *taken)
{
    *taken = bytes.n < m->left ? bytes.n : (size_t)m->left;
    m->left -= *taken;
    return transfer_draft_add(m->draft, span_of(bytes.p, *taken));
}

enum err media_put_end(struct media *m, int64_t *upload)
{
    enum err e = transfer_draft_end(m->draft, upload);
    if (e != ERR_OK) transfer_draft_free(m->draft);
    m->draft = NULL;
    return e;
}

void media_drop(struct media *m)
{
    transfer_reader_free(m->reader);
    transfer_draft_free(m->draft);
    *m = (struct media){0};
}
