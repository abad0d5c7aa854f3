// SPDX-License-Identifier: Apache-2.0
//
// What has come, in the clear, into a file that the user names. Invariant: under that name there is all of the file, or
// what was there before; and what was there before stays, unless the user has said otherwise.
#include "transfer/inner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ANOTHER_MAX = 1000 }; // "name (2)" to that

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
        e = read_chunk(j->t, &j->row, j->fd, j->at, j->window, j->window, &n);
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
    while (folder && n > 0 && path[n - 1] == '/') j->row.path[--n] = 0;
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
    struct transfer_reader *from = NULL;
    *why = "the file has not come yet";
    enum err e = transfer_reader_new(t, id, &from);
    if (e != ERR_OK) return e == ERR_REFUSED ? ERR_NOT_FOUND : e;
    struct row r = *reader_row(from); /* secret */
    r.kind = TRANSFER_SAVE;
    r.done = 0;
    struct haul *j = haul_new(t, &r);
    mem_wipe(&r, sizeof r);
    if (j != NULL) {
        j->fd = reader_take_fd(from);
        j->save.out = -1;
        j->window = mem_new(WINDOW + FILE_SEALED);
    }
    transfer_reader_free(from);
    if (j == NULL) return ERR_MEMORY;
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
