// SPDX-License-Identifier: Apache-2.0
//
// Files over the page's connections. Invariant: a type that is sent is one of the list below or application/octet-stream, whatever the message
// says, so nothing that runs in a page comes from here.
#include "web/media.h"

#include "web/part.h"
#include "web/web.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { ARCHIVE_PIECE = 1 << 15 };

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

// An archive as it lies in the profile's folder.
static bool get_archive(const char *folder, struct buf *head, struct media *out)
{
    char path[sizeof out->unfinished], text[300];
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/" WEB_ARCHIVE_OUT, folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    out->archive = fd >= 0 ? fdopen(fd, "rb") : NULL;
    if (out->archive == NULL || fstat(fd, &st) != 0) {
        if (out->archive == NULL && fd >= 0) close(fd);
        media_drop(out);
        return false;
    }
    out->end = (uint64_t)st.st_size;
    (void)snprintf(text, sizeof text,
                   "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %llu\r\n"
                   "Content-Security-Policy: default-src 'none'; sandbox\r\nContent-Disposition: attachment\r\n",
                   ATTACH_ANY_TYPE, (unsigned long long)out->end);
    put(head, text);
    return true;
}

bool media_get(struct engine *e, const char *folder, const struct http_request *r, struct buf *head, struct media *out,
               const char **status, const char **text)
{
    struct found f = {0};
    struct span value = span_of(NULL, 0);
    uint64_t message = 0;
    bool asked = part_number(r->target, "/file/", &message);
    *status = "404 Not Found";
    *text = e == NULL ? "The profile is locked.\n" : not_there;
    if (e != NULL && span_eq(r->target, span_str("/file/archive"))) return get_archive(folder, head, out);
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
    out->plays = there && f.type != NULL && (strncmp(f.type, "audio/", 6) == 0 || strncmp(f.type, "video/", 6) == 0);
    buf_wipe(&f.disposition);
    return there;
}

static enum err next_of_archive(struct media *m, struct buf *out)
{
    uint8_t piece[ARCHIVE_PIECE];
    size_t n = fread(piece, 1, sizeof piece, m->archive);
    buf_put(out, span_of(piece, n));
    return ferror(m->archive) != 0 ? ERR_IO : ERR_OK;
}

enum err media_next(struct media *m, struct buf *out)
{
    size_t before = out->n;
    enum err e = m->at >= m->end      ? ERR_OK
                 : m->archive != NULL ? next_of_archive(m, out)
                                      : transfer_reader_read(m->reader, m->at, out);
    size_t n = out->n - before;
    if (e == ERR_OK && n > m->end - m->at) n = (size_t)(m->end - m->at);
    out->n = before + n;
    m->at += n;
    return e == ERR_OK && n == 0 && m->at < m->end ? ERR_CORRUPT : e;
}

// ------------------------------------------------------------------------------------------------------------------ in

// Only where there is no profile: then it is what one is made of.
static bool put_archive(const char *folder, uint64_t size, struct media *out, const char **status, const char **text)
{
    char keys[sizeof out->unfinished];
    struct statvfs disk;
    (void)snprintf(keys, sizeof keys, "%s/keys", folder);
    (void)snprintf(out->unfinished, sizeof out->unfinished, "%s/" WEB_ARCHIVE_IN, folder);
    *status = "409 Conflict";
    *text = "There is a profile already.\n";
    bool free = access(keys, F_OK) != 0;
    if (free) {
        *status = "413 Content Too Large";
        *text = "The disk has no room for it.\n";
    }
    // It stands there twice for a while, sealed and as a profile.
    if (!free || statvfs(folder, &disk) != 0 || size / 2 > UINT64_MAX / 4 ||
        size * 2 > (uint64_t)disk.f_bavail * disk.f_frsize) {
        *out = (struct media){0};
        return false;
    }
    (void)unlink(out->unfinished);
    int fd = open(out->unfinished, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    out->archive = fd >= 0 ? fdopen(fd, "wb") : NULL;
    out->left = size;
    *status = "500 Internal Server Error";
    *text = "It cannot be stored.\n";
    if (out->archive == NULL) *out = (struct media){0};
    return fd >= 0;
}

bool media_put(struct engine *e, const char *folder, const struct http_request *r, struct media *out,
               const char **status, const char **text)
{
    struct span length = span_of(NULL, 0);
    uint64_t size = 0;
    bool archive = span_eq(r->target, span_str("/file/archive"));
    *status = "404 Not Found";
    *text = e == NULL ? "The profile is locked.\n" : not_there;
    bool ours = r->target.n == 5 || (r->target.n > 5 && r->target.p[5] == '?');
    if (!archive && (e == NULL || !ours)) return false;
    *status = "411 Length Required";
    *text = "Say how long it is.\n";
    if (!http_header(r, "Content-Length", &length) || !part_number(length, "", &size)) return false;
    if (archive) return put_archive(folder, size, out, status, text);
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
    if (m->archive != NULL) return fwrite(bytes.p, 1, *taken, m->archive) == *taken ? ERR_OK : ERR_IO;
    return transfer_draft_add(m->draft, span_of(bytes.p, *taken));
}

enum err media_put_end(struct media *m, int64_t *upload)
{
    if (m->archive != NULL) {
        bool ok = fflush(m->archive) == 0;
        if (ok) m->unfinished[0] = 0;
        media_drop(m);
        *upload = 0;
        return ok ? ERR_OK : ERR_IO;
    }
    enum err e = transfer_draft_end(m->draft, upload);
    if (e != ERR_OK) transfer_draft_free(m->draft);
    m->draft = NULL;
    return e;
}

void media_drop(struct media *m)
{
    transfer_reader_free(m->reader);
    transfer_draft_free(m->draft);
    if (m->archive != NULL) (void)fclose(m->archive);
    if (m->unfinished[0] != 0) (void)unlink(m->unfinished);
    *m = (struct media){0};
}
