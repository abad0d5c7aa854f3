// SPDX-License-Identifier: Apache-2.0
//
// Files over the page's connections. Invariant: a type that is sent is one of the list below or application/octet-stream, whatever the message
// says, so nothing that runs in a page comes from here.
#include "web/media.h"

#include "web/part.h"

#include <stdio.h>

static void put(struct buf *b, const char *s) { buf_put(b, span_str(s)); }

static const char not_there[] = "There is no such file here.\n";

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
    f->type = part_shown(i->attach.type);
    part_disposition(i->name, f->type != NULL, &f->disposition);
}

static void put_head(const struct found *f, enum part part, const struct media *m, struct buf *head)
{
    char text[400];
    (void)snprintf(text, sizeof text,
                   "HTTP/1.1 %s\r\nContent-Type: %s\r\nAccept-Ranges: bytes\r\nContent-Length: %llu\r\n"
                   "Content-Security-Policy: default-src 'none'; sandbox\r\n",
                   part == PART_SOME ? "206 Partial Content" : "200 OK", f->type != NULL ? f->type : ATTACH_ANY_TYPE,
                   (unsigned long long)(m->end - m->at));
    put(head, text);
    if (part == PART_SOME) {
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
    uint64_t message = 0;
    bool asked = part_number(r->target, "/file/", &message);
    *status = "404 Not Found";
    *text = e == NULL ? "The profile is locked.\n" : not_there;
    if (e == NULL || !asked) return false;
    buf_init(&f.disposition, 1200);
    bool there = files_of(engine_files(e), (int64_t)message, note, &f) == ERR_OK && f.file != 0 &&
                 files_read(engine_files(e), f.file, &out->reader) == ERR_OK;
    (void)http_header(r, "Range", &value);
    enum part part = there ? part_range(value, f.size, &out->at, &out->end) : PART_WHOLE;
    if (there && part == PART_NONE) {
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
    if (!http_header(r, "Content-Length", &length) || !part_number(length, "", &size)) return false;
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
