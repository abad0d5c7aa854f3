// SPDX-License-Identifier: Apache-2.0
//
// The disk: see disk.h. Each call goes to the VFS that was there before; one lock guards the record, for checkpoints come from a
// thread of their own. Memory-mapped reading is left out, so that every byte passes here.
#include "store/test/disk.h"

#include "unit.h"

#include <pthread.h>
#include <sqlite3.h>

enum { FILES = 6, SECTOR = 512 };
static const char *const names[FILES] = {
    "store.db",     "store.db-wal",     "blobs.db",
    "blobs.db-wal", "store.db-journal", "blobs.db-journal"}; // journals: until a new file has become one with a WAL

struct file {
    sqlite3_file base;
    int which; // of names; -1: another
    sqlite3_file *real;
};

enum op_kind { OP_WRITE, OP_SYNC, OP_TRUNCATE, OP_DELETE, OP_MARK };
struct op {
    enum op_kind kind;
    int which;
    uint64_t at;
    size_t n;
    uint8_t *bytes;
};

static struct {
    sqlite3_vfs vfs, *real;
    pthread_mutex_t lock;
    unsigned fail_syncs, fail_writes;
    bool full, recording;
    size_t syncs[FILES];
    struct op *op;
    size_t ops, room;
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER};

// ---------------------------------------------------------------------------------------------------------- the record

static void note(struct op x, const void *bytes)
{
    if (!disk.recording || x.which < 0) return;
    if (bytes != NULL && x.n > 0) {
        x.bytes = malloc(x.n);
        if (x.bytes == NULL) abort();
        memcpy(x.bytes, bytes, x.n);
    }
    if (disk.ops == disk.room) {
        disk.room = disk.room == 0 ? 1024 : 2 * disk.room;
        disk.op = realloc(disk.op, disk.room * sizeof *disk.op);
        if (disk.op == NULL) abort();
    }
    disk.op[disk.ops++] = x;
}

void disk_record(void) { disk.recording = true; }

void disk_forget(void)
{
    for (size_t i = 0; i < disk.ops; i++) free(disk.op[i].bytes);
    free(disk.op);
    disk.op = NULL;
    disk.ops = disk.room = 0;
    disk.recording = false;
}

void disk_mark(void)
{
    pthread_mutex_lock(&disk.lock);
    note((struct op){.kind = OP_MARK}, NULL);
    pthread_mutex_unlock(&disk.lock);
}

size_t disk_moments(void) { return disk.ops + 1; }

size_t disk_marks(size_t moment)
{
    size_t n = 0;
    for (size_t i = 0; i < moment; i++) n += disk.op[i].kind == OP_MARK;
    return n;
}

struct image {
    uint8_t *p;
    uint64_t n, room;
};

static void grow(struct image *m, uint64_t n)
{
    if (n > m->room) {
        uint64_t room = n * 2;
        m->p = realloc(m->p, room);
        if (m->p == NULL) abort();
        memset(m->p + m->room, 0, room - m->room);
        m->room = room;
    }
    if (n > m->n) m->n = n;
}

static uint64_t next(uint64_t *seed)
{
    uint64_t z = (*seed += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

// An operation reaches the platter: all of it, or the sectors that the dice choose.
static void apply(struct image *m, const struct op *x, bool dice, uint64_t *seed)
{
    if (x->kind == OP_TRUNCATE && !(dice && next(seed) % 2 == 0)) {
        if (x->at < m->n) memset(m->p + x->at, 0, m->n - x->at);
        m->n = x->at < m->n ? x->at : m->n;
    }
    if (x->kind != OP_WRITE) return;
    for (size_t i = 0; i < x->n;) {
        size_t n = SECTOR - (size_t)((x->at + i) % SECTOR);
        if (n > x->n - i) n = x->n - i;
        if (!dice || next(seed) % 4 != 0) {
            grow(m, x->at + i + n);
            memcpy(m->p + x->at + i, x->bytes + i, n);
        }
        i += n;
    }
}

static void image_of(int which, size_t moment, enum disk_loss loss, uint64_t *seed, struct image *m)
{
    size_t synced = 0; // up to here, what was done to this file is on the platter
    for (size_t i = 0; i < moment; i++) {
        if (disk.op[i].which == which && disk.op[i].kind == OP_SYNC) synced = i;
    }
    for (size_t i = 0; i < moment; i++) {
        const struct op *x = &disk.op[i];
        if (x->which != which || x->kind == OP_MARK) continue;
        if (x->kind == OP_DELETE) m->n = 0;
        else if (i < synced || loss == DISK_EVERYTHING) apply(m, x, false, seed);
        else if (loss == DISK_SOME) apply(m, x, true, seed);
    }
}

void disk_image(size_t moment, enum disk_loss loss, uint64_t seed, const char *folder)
{
    for (int which = 0; which < FILES; which++) {
        char path[200];
        struct image m = {0};
        image_of(which, moment, loss, &seed, &m);
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[which]);
        (void)remove(path);
        (void)snprintf(path, sizeof path, "%s/%s-shm", folder, names[which]);
        (void)remove(path);
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[which]);
        FILE *f = m.n > 0 ? fopen(path, "wb") : NULL;
        if (f != NULL) {
            assert_int_equal(fwrite(m.p, 1, m.n, f), m.n);
            assert_int_equal(fclose(f), 0);
        }
        free(m.p);
    }
}

// --------------------------------------------------------------------------------------------------------------- files

static sqlite3_file *real(sqlite3_file *f) { return ((struct file *)f)->real; }
static int which(sqlite3_file *f) { return ((struct file *)f)->which; }
static bool chosen(unsigned files, int w) { return w >= 0 && (files & 1U << w) != 0; }

static int do_close(sqlite3_file *f) { return real(f)->pMethods->xClose(real(f)); }
static int do_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
    return real(f)->pMethods->xRead(real(f), to, n, at);
}

static int do_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
    pthread_mutex_lock(&disk.lock);
    bool fail = chosen(disk.fail_writes, which(f)), full = disk.full;
    if (!fail) note((struct op){OP_WRITE, which(f), (uint64_t)at, (size_t)n, NULL}, from);
    pthread_mutex_unlock(&disk.lock);
    if (fail) return full ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    return real(f)->pMethods->xWrite(real(f), from, n, at);
}

static int do_truncate(sqlite3_file *f, sqlite3_int64 n)
{
    pthread_mutex_lock(&disk.lock);
    note((struct op){.kind = OP_TRUNCATE, .which = which(f), .at = (uint64_t)n}, NULL);
    pthread_mutex_unlock(&disk.lock);
    return real(f)->pMethods->xTruncate(real(f), n);
}

// The real sync is left out: it is slow, and it is this record that counts.
static int do_sync(sqlite3_file *f, int flags)
{
    (void)flags;
    pthread_mutex_lock(&disk.lock);
    bool fail = chosen(disk.fail_syncs, which(f));
    if (!fail) note((struct op){.kind = OP_SYNC, .which = which(f)}, NULL);
    if (which(f) >= 0) disk.syncs[which(f)]++;
    pthread_mutex_unlock(&disk.lock);
    return fail ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int do_size(sqlite3_file *f, sqlite3_int64 *n) { return real(f)->pMethods->xFileSize(real(f), n); }
static int do_lock(sqlite3_file *f, int how) { return real(f)->pMethods->xLock(real(f), how); }
static int do_unlock(sqlite3_file *f, int how) { return real(f)->pMethods->xUnlock(real(f), how); }
static int do_reserved(sqlite3_file *f, int *out) { return real(f)->pMethods->xCheckReservedLock(real(f), out); }
static int do_control(sqlite3_file *f, int op, void *arg) { return real(f)->pMethods->xFileControl(real(f), op, arg); }
static int do_sector(sqlite3_file *f) { return real(f)->pMethods->xSectorSize(real(f)); }
static int do_character(sqlite3_file *f) { return real(f)->pMethods->xDeviceCharacteristics(real(f)); }
static int do_shm_map(sqlite3_file *f, int i, int n, int extend, void volatile **out)
{
    return real(f)->pMethods->xShmMap(real(f), i, n, extend, out);
}
static int do_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
    return real(f)->pMethods->xShmLock(real(f), at, n, flags);
}
static void do_shm_barrier(sqlite3_file *f) { real(f)->pMethods->xShmBarrier(real(f)); }
static int do_shm_unmap(sqlite3_file *f, int drop) { return real(f)->pMethods->xShmUnmap(real(f), drop); }

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = do_close,
    .xRead = do_read,
    .xWrite = do_write,
    .xTruncate = do_truncate,
    .xSync = do_sync,
    .xFileSize = do_size,
    .xLock = do_lock,
    .xUnlock = do_unlock,
    .xCheckReservedLock = do_reserved,
    .xFileControl = do_control,
    .xSectorSize = do_sector,
    .xDeviceCharacteristics = do_character,
    .xShmMap = do_shm_map,
    .xShmLock = do_shm_lock,
    .xShmBarrier = do_shm_barrier,
    .xShmUnmap = do_shm_unmap,
};

// ----------------------------------------------------------------------------------------------------------------- VFS

static int name_of(const char *path)
{
    const char *base = path == NULL ? NULL : strrchr(path, '/');
    for (int i = 0; base != NULL && i < FILES; i++) {
        if (strcmp(base + 1, names[i]) == 0) return i;
    }
    return -1;
}

static int open_file(sqlite3_vfs *v, sqlite3_filename path, sqlite3_file *f, int flags, int *out)
{
    struct file *x = (struct file *)f;
    (void)v;
    x->which = name_of(path);
    x->real = (sqlite3_file *)(x + 1);
    int rc = disk.real->xOpen(disk.real, path, x->real, flags, out);
    f->pMethods = x->real->pMethods != NULL ? &methods : NULL;
    return rc;
}

static int delete_file(sqlite3_vfs *v, const char *path, int sync)
{
    (void)v;
    pthread_mutex_lock(&disk.lock);
    note((struct op){.kind = OP_DELETE, .which = name_of(path)}, NULL);
    pthread_mutex_unlock(&disk.lock);
    return disk.real->xDelete(disk.real, path, sync);
}

void disk_install(void)
{
    disk.real = sqlite3_vfs_find(NULL);
    disk.vfs = *disk.real;
    disk.vfs.zName = "test-disk";
    disk.vfs.szOsFile = (int)sizeof(struct file) + disk.real->szOsFile;
    disk.vfs.xOpen = open_file;
    disk.vfs.xDelete = delete_file;
    assert_int_equal(sqlite3_vfs_register(&disk.vfs, 1), SQLITE_OK);
}

void disk_remove(void)
{
    (void)sqlite3_vfs_unregister(&disk.vfs);
    disk_fail_syncs(0);
    disk_fail_writes(0, false);
    disk_forget();
}

void disk_fail_syncs(unsigned files)
{
    pthread_mutex_lock(&disk.lock);
    disk.fail_syncs = files;
    pthread_mutex_unlock(&disk.lock);
}

void disk_fail_writes(unsigned files, bool full)
{
    pthread_mutex_lock(&disk.lock);
    disk.fail_writes = files;
    disk.full = full;
    pthread_mutex_unlock(&disk.lock);
}

size_t disk_syncs(unsigned files)
{
    size_t n = 0;
    pthread_mutex_lock(&disk.lock);
    for (int i = 0; i < FILES; i++) n += chosen(files, i) ? disk.syncs[i] : 0;
    pthread_mutex_unlock(&disk.lock);
    return n;
}
