// SPDX-License-Identifier: Apache-2.0
//
// What has come, in the clear: into memory, or into a file that the user names. Invariant: under that name there is all
// of the file, or what was there before; and what was there before stays, unless the user has said otherwise.
#include "transfer/inner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ANOTHER_MAX = 1000 }; // "name (2)" to that

static enum err open_sealed(struct transfers *t, int64_t id, struct row *r, int *fd)
{
    char path[FILE_PATH];
    t->h.db->err = ERR_OK;
    if (!row_read(t, id, r)) return t->h.db->err != ERR_OK ? t->h.db->err : ERR_NOT_FOUND;
    if (r->kind != TRANSFER_DOWN || r->state != TRANSFER_DONE) return ERR_REFUSED;
    row_path(t, r->file, path);
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return *fd >= 0 ? ERR_OK : errno == ENOENT ? ERR_CORRUPT : ERR_IO;
}

// One chunk, sealed and opened; `at` is where it begins in the file that is sealed.
static enum err open_chunk(struct transfers *t, const struct row *r, int fd, uint64_t at, uint8_t *sealed, uint8_t *out,
                           size_t *n)
{
    uint64_t left = file_sealed_size(r->ref.size) - at;
    size_t size = left < FILE_SEALED ? (size_t)left : FILE_SEALED;
    enum err e = row_bytes(fd, sealed, size, at);
    if (e == ERR_OK) e = file_open(t->h.crypto, &r->ref.key, r->ref.size, at / FILE_SEALED, span_of(sealed, size), out);
    *n = size - CRYPTO_TAG;
    return e == ERR_NOT_FOUND || e == ERR_UNAUTHENTICATED ? ERR_CORRUPT : e;
}

enum err transfer_bytes(struct transfers *t, int64_t id, struct buf *out)
{
    struct row r = {0};
    int fd = -1;
    size_t n = 0;
    uint8_t *sealed = mem_new(FILE_SEALED);
    enum err e = sealed == NULL ? ERR_MEMORY : open_sealed(t, id, &r, &fd);
    uint64_t total = file_sealed_size(r.ref.size);
    if (e == ERR_OK && r.ref.size > out->max - out->n) e = ERR_LIMIT;
    if (e == ERR_OK) buf_reserve(out, (size_t)r.ref.size);
    for (uint64_t at = 0; e == ERR_OK && at < total; at += n + CRYPTO_TAG) {
        e = open_chunk(t, &r, fd, at, sealed, sealed, &n);
        if (e == ERR_OK) buf_put(out, span_of(sealed, n));
        if (e == ERR_OK) e = buf_end(out);
    }
    if (fd >= 0) close(fd);
    mem_free_wiped(sealed, FILE_SEALED);
    mem_wipe(&r, sizeof r);
    return e;
}

// -------------------------------------------------------------------------------------------------------------- saving

// Gives the part its name, where there is none yet.
static int move_new(const char *part, const char *to)
{
    if (renameat2(AT_FDCWD, part, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return -1;
    return link(part, to) == 0 ? unlink(part) : -1; // a file system that knows no such rename
}

// "a (2).b" for "a.b".
static void another(const char *name, unsigned k, char out[NAME_MAX_BYTES + 16])
{
    const char *dot = strrchr(name, '.');
    size_t front = dot == NULL || dot == name ? strlen(name) : (size_t)(dot - name);
    (void)snprintf(out, NAME_MAX_BYTES + 16, "%.*s (%u)%s", (int)front, name, k, name + front);
}

static bool give_name(struct haul *j)
{
    char path[TRANSFER_PATH_MAX], name[NAME_MAX_BYTES + 16];
    const char *folder = j->row.path;
    if (j->save.name[0] == 0)
        return (j->save.over ? rename(j->save.part, folder) : move_new(j->save.part, folder)) == 0;
    for (unsigned k = 1; k < ANOTHER_MAX; k++) {
        if (k == 1) (void)snprintf(name, sizeof name, "%s", j->save.name);
        else another(j->save.name, k, name);
        int n = snprintf(path, sizeof path, "%s/%s", folder, name);
        if (n < 0 || (size_t)n >= sizeof path) return false;
        if (move_new(j->save.part, path) == 0) {
            memcpy(j->row.path, path, sizeof path); // it says where it is
            return true;
        }
        if (errno != EEXIST) return false;
    }
    return false;
}

static void close_save(struct haul *j)
{
    if (j->save.out >= 0) {
        close(j->save.out);
        (void)unlink(j->save.part);
    }
    j->save.out = -1;
}

static void end(struct haul *j)
{
    if (fsync(j->save.out) != 0 || !give_name(j)) {
        haul_fail(j, errno == EEXIST
                         ? "there is a file of that name already; choose another one, or say that it may be replaced"
                         : "the file cannot be written there: is the disk full, or may you not write?");
        return;
    }
    close(j->save.out);
    j->save.out = -1;
    haul_done(j);
}

static void step(struct haul *j)
{
    enum err e = ERR_OK;
    for (size_t k = 0; e == ERR_OK && k < WINDOW_CHUNKS && j->at < j->total; k++) {
        size_t n = 0;
        e = open_chunk(j->t, &j->row, j->fd, j->at, j->window, j->window, &n);
        if (e == ERR_OK) e = row_put_bytes(j->save.out, span_of(j->window, n), j->at / FILE_SEALED * FILE_CHUNK);
        j->at += n + CRYPTO_TAG;
    }
    if (e == ERR_CORRUPT)
        haul_fail(j, "what lies in the profile is not what came: the disk may be failing. Fetch the file again");
    else if (e != ERR_OK) haul_fail_as(j, e);
    else if (j->at < j->total) haul_progress(j, j->at);
    else end(j);
    haul_kick(j);
}

const struct ops save_ops = {.step = step, .broken = NULL, .close = close_save};

// The folder that the file will stand in, and whether it may.
static const char *check_target(struct haul *j, const char *path, const char *name, bool over)
{
    struct stat st;
    bool there = stat(path, &st) == 0, folder = there && S_ISDIR(st.st_mode);
    if (path[0] != '/' || strlen(path) >= sizeof j->row.path)
        return "the path has to begin with /, and may have 4,000 bytes at most";
    if (there && !folder && !over)
        return "there is a file of that name already; choose another one, or say that it may be replaced";
    if (there && !folder && !S_ISREG(st.st_mode)) return "what is there is no file, and is not replaced";
    (void)snprintf(j->row.path, sizeof j->row.path, "%s", path);
    size_t n = strlen(path);
    while (!folder && n > 0 && path[n - 1] != '/') n--;
    if (!folder && path[n] == 0) return "there is no such folder";
    if (folder) name_clean(span_str(name), j->save.name);
    if (n + 20 >= sizeof j->save.part) return "the path is too long";
    (void)snprintf(j->save.part, sizeof j->save.part, "%.*s%s.whimbrel-XXXXXX", (int)n, path, folder ? "/" : "");
    j->save.over = over;
    j->save.out = mkostemp(j->save.part, O_CLOEXEC);
    if (j->save.out >= 0) return NULL;
    return errno == ENOENT || errno == ENOTDIR ? "there is no such folder"
                                               : "nothing can be written there: may you, and is there room?";
}

enum err transfer_save(struct transfers *t, int64_t id, const char *path, const char *name, bool over, const char **why)
{
    struct row r;
    int fd = -1;
    *why = "the file has not come yet";
    enum err e = open_sealed(t, id, &r, &fd);
    if (e != ERR_OK) {
        mem_wipe(&r, sizeof r);
        return e == ERR_REFUSED ? ERR_NOT_FOUND : e;
    }
    r.kind = TRANSFER_SAVE;
    r.done = 0;
    struct haul *j = haul_new(t, &r);
    mem_wipe(&r, sizeof r);
    if (j == NULL) {
        close(fd);
        return ERR_MEMORY;
    }
    j->fd = fd;
    j->save.out = -1;
    j->window = mem_new(WINDOW + FILE_SEALED);
    *why = j->window == NULL ? "there is no memory left" : check_target(j, path, name, over);
    if (*why != NULL) {
        e = j->window == NULL ? ERR_MEMORY : ERR_REFUSED;
        haul_free(j);
        return e;
    }
    j->running = true;
    haul_kick(j);
    return ERR_OK;
}
