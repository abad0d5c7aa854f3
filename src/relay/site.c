// SPDX-License-Identifier: Apache-2.0
//
// The static site. Everything that it may ever say is in memory; an answer is a binary search and a copy. It behaves as a
// plain web server does: GET and HEAD, directories with index.html, ETags, conditional requests, single ranges not offered.
#include "relay/site.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct file {
    char *path; // as in a URL: "/index.html"
    uint8_t *bytes;
    size_t size;
    uint64_t modified;
    char etag[40];
};

struct site {
    atomic_size_t refs;
    struct file *file; // by path
    size_t files, room, bytes;
};

// ---------------------------------------------------------------------------------------------------------- reading

static enum err read_file(int fd, size_t size, uint8_t **out)
{
    uint8_t *p = mem_new(size);
    if (p == NULL) return ERR_MEMORY;
    size_t n = 0;
    while (n < size) {
        ssize_t got = read(fd, p + n, size - n);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        n += (size_t)got;
    }
    if (n != size) {
        mem_free(p);
        return ERR_IO;
    }
    *out = p;
    return ERR_OK;
}

static enum err add_file(struct site *s, int dir, const char *name, const struct stat *st, const char *path)
{
    size_t size = (size_t)st->st_size;
    if (s->files == SITE_FILES_MAX || size > SITE_BYTES_MAX - s->bytes) return ERR_LIMIT;
    if (s->files == s->room) {
        size_t room = s->room == 0 ? 16 : 2 * s->room;
        struct file *more = mem_new_array(room, sizeof *more);
        if (more == NULL) return ERR_MEMORY;
        if (s->files > 0) memcpy(more, s->file, s->files * sizeof *more);
        mem_free(s->file);
        s->file = more;
        s->room = room;
    }
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return ERR_IO;
    struct file f = {.size = size, .modified = (uint64_t)st->st_mtime};
    enum err e = read_file(fd, size, &f.bytes);
    close(fd);
    if (e != ERR_OK) return e;
    size_t n = strlen(path) + 1;
    f.path = mem_new(n);
    if (f.path == NULL) {
        mem_free(f.bytes);
        return ERR_MEMORY;
    }
    memcpy(f.path, path, n);
    (void)snprintf(f.etag, sizeof f.etag, "\"%llx-%zx\"", (unsigned long long)f.modified, f.size);
    s->file[s->files++] = f;
    s->bytes += size;
    return ERR_OK;
}

static enum err read_folder(struct site *s, int parent, const char *name, const char *prefix, int depth)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (depth > 0 ? O_NOFOLLOW : 0));
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        if (fd >= 0) close(fd);
        return ERR_IO;
    }
    enum err e = ERR_OK;
    for (struct dirent *d; e == ERR_OK && (d = readdir(dir)) != NULL;) {
        char path[HTTP_TARGET_MAX];
        struct stat st;
        if (d->d_name[0] == '.') continue;
        int n = snprintf(path, sizeof path, "%s/%s", prefix, d->d_name);
        if (n < 0 || (size_t)n >= sizeof path) e = ERR_LIMIT;
        else if (fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) e = ERR_IO;
        else if (S_ISREG(st.st_mode)) e = add_file(s, fd, d->d_name, &st, path);
        else if (S_ISDIR(st.st_mode)) e = depth < 16 ? read_folder(s, fd, d->d_name, path, depth + 1) : ERR_LIMIT;
    }
    closedir(dir);
    return e;
}

static int compare(const void *a, const void *b)
{
    const struct file *x = a, *y = b;
    return strcmp(x->path, y->path);
}

enum err site_new(const char *folder, struct site **out)
{
    struct site *s = mem_new(sizeof *s);
    if (s == NULL) return ERR_MEMORY;
    atomic_init(&s->refs, 1);
    enum err e = read_folder(s, AT_FDCWD, folder, "", 0);
    if (e != ERR_OK) {
        site_unref(s);
        return e;
    }
    if (s->files > 0) qsort(s->file, s->files, sizeof *s->file, compare);
    *out = s;
    return ERR_OK;
}

struct site *site_ref(struct site *s)
{
    if (s != NULL) atomic_fetch_add(&s->refs, 1);
    return s;
}

void site_unref(struct site *s)
{
    if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1) return;
    for (size_t i = 0; i < s->files; i++) {
        mem_free(s->file[i].path);
        mem_free(s->file[i].bytes);
    }
    mem_free(s->file);
    mem_free(s);
}

// ---------------------------------------------------------------------------------------------------------- answering

static const struct file *find(const struct site *s, const char *path)
{
    const struct file key = {.path = (char *)(uintptr_t)path};
    return s->files == 0 ? NULL : bsearch(&key, s->file, s->files, sizeof *s->file, compare);
}

static const char *type_of(const char *path)
{
    static const char *const types[][2] = {
        {".html", "text/html; charset=utf-8"}, {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"}, {".txt", "text/plain; charset=utf-8"},
        {".svg", "image/svg+xml"}, {".png", "image/png"}, {".jpg", "image/jpeg"}, {".jpeg", "image/jpeg"},
        {".gif", "image/gif"}, {".webp", "image/webp"}, {".ico", "image/vnd.microsoft.icon"},
        {".json", "application/json"}, {".xml", "application/xml"}, {".pdf", "application/pdf"},
        {".woff2", "font/woff2"}, {".webmanifest", "application/manifest+json"},
    };
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot != NULL && i < sizeof types / sizeof *types; i++) {
        if (strcmp(dot, types[i][0]) == 0) return types[i][1];
    }
    return "application/octet-stream";
}

static const char *reason_of(unsigned status)
{
    switch (status) {
    case 200: return "OK";
    case 301: return "Moved Permanently";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 431: return "Request Header Fields Too Large";
    default: return "HTTP Version Not Supported";
    }
}

struct answer {
    unsigned status;
    const struct file *file; // its body, or NULL for a line that names the status
    const char *location;
    bool head;
};

static void put(struct buf *b, const char *text) { buf_put(b, span_str(text)); }

// A path, escaped again where its bytes are none of a URL's.
static void put_path(struct buf *b, const char *path)
{
    char escape[4];
    for (; *path != 0; path++) {
        bool plain = strchr("/-._~!$&'()*+,;=:@", *path) != NULL || (*path >= '0' && *path <= '9') ||
                     (*path >= 'a' && *path <= 'z') || (*path >= 'A' && *path <= 'Z');
        if (plain) buf_put_u8(b, (uint8_t)*path);
        if (plain) continue;
        (void)snprintf(escape, sizeof escape, "%%%02X", (unsigned)(uint8_t)*path);
        put(b, escape);
    }
}

static void write_answer(const struct answer *a, uint64_t now, bool close, struct buf *out, struct span *file)
{
    char line[HTTP_TARGET_MAX + 64], date[30], page[160];
    int n = snprintf(page, sizeof page, "<!doctype html>\n<title>%u %s</title>\n<h1>%u %s</h1>\n", a->status,
                     reason_of(a->status), a->status, reason_of(a->status));
    struct span body = a->file != NULL ? span_of(a->file->bytes, a->file->size) : span_of(page, (size_t)n);
    bool bodiless = a->status == 304;
    http_date(now, date);
    (void)snprintf(line, sizeof line, "HTTP/1.1 %u %s\r\nDate: %s\r\n", a->status, reason_of(a->status), date);
    put(out, line);
    if (a->status == 405) put(out, "Allow: GET, HEAD\r\n");
    if (a->location != NULL) {
        put(out, "Location: ");
        put_path(out, a->location);
        put(out, "/\r\n");
    }
    if (a->file != NULL && a->status != 404) {
        http_date(a->file->modified, date);
        (void)snprintf(line, sizeof line, "Last-Modified: %s\r\nETag: %s\r\n", date, a->file->etag);
        put(out, line);
    }
    if (!bodiless) {
        const char *type = a->file != NULL ? type_of(a->file->path) : "text/html; charset=utf-8";
        (void)snprintf(line, sizeof line, "Content-Type: %s\r\nContent-Length: %zu\r\n", type, body.n);
        put(out, line);
    }
    put(out, close ? "Connection: close\r\n\r\n" : "Connection: keep-alive\r\n\r\n");
    if (bodiless || a->head) return;
    if (a->file != NULL) *file = body;
    else buf_put(out, body);
}

// Whether the client has this very file (RFC 9110 §13.1.2, §13.1.3).
static bool unchanged(const struct http_request *r, const struct file *f)
{
    struct span v;
    uint64_t since;
    if (http_header(r, "If-None-Match", &v)) {
        return span_eq(v, span_str("*")) || memmem(v.p, v.n, f->etag, strlen(f->etag)) != NULL;
    }
    return http_header(r, "If-Modified-Since", &v) && http_read_date(v, &since) && f->modified <= since;
}

static void look_up(const struct site *s, const struct http_request *r, char path[HTTP_TARGET_MAX], struct answer *a)
{
    char index[HTTP_TARGET_MAX + 16];
    size_t n = strlen(path);
    bool folder = path[n - 1] == '/';
    (void)snprintf(index, sizeof index, folder ? "%sindex.html" : "%s", path);
    a->file = find(s, index);
    if (a->file != NULL) {
        a->status = unchanged(r, a->file) ? 304 : 200;
        return;
    }
    (void)snprintf(index, sizeof index, "%s/index.html", path);
    if (!folder && find(s, index) != NULL) {
        a->status = 301;
        a->location = path;
        return;
    }
    a->status = 404;
    a->file = find(s, "/404.html");
}

static unsigned status_of(enum err error, const struct http_request *r)
{
    if (error == ERR_UNSUPPORTED) return 505;
    if (error == ERR_LIMIT) return 431;
    if (error != ERR_OK || r == NULL) return 400;
    struct span host;
    if (r->minor == 1 && !http_header(r, "Host", &host)) return 400; // RFC 9112 §3.2
    return 0;
}

enum err site_answer(const struct site *s, const struct http_request *r, enum err error, uint64_t now, struct buf *out,
                     struct span *body, bool *close)
{
    char path[HTTP_TARGET_MAX];
    struct answer a = {.status = status_of(error, r)};
    *close = a.status != 0 || !r->keep_alive || r->body;
    if (a.status == 0) {
        bool get = span_eq(r->method, span_str("GET"));
        a.head = span_eq(r->method, span_str("HEAD"));
        if (!get && !a.head) a.status = 405;
        else if (http_path(r->target, path) != ERR_OK) a.status = 400;
        else look_up(s, r, path, &a);
    }
    *body = span_of(NULL, 0);
    write_answer(&a, now, *close, out, body);
    return buf_end(out);
}
