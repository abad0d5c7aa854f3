// SPDX-License-Identifier: Apache-2.0
//
// fault-world: put before a program (LD_PRELOAD), it makes the program's world misbehave as a test wants it: a clock that jumps, an
// fsync that fails, a disk that is full; with WHIMBREL_UNLIMITED, a system that lets it lock all memory. The wishes are four 64-bit numbers in the file that WHIMBREL_WORLD names, mapped when the
// program starts, before it gives up the right to open it; the test writes them there.
#undef _FILE_OFFSET_BITS // or pwrite would be another name for pwrite64, and both are put before here
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

struct world {
    _Atomic int64_t clock_ms;    // added to the time of day
    _Atomic int64_t fsync_errno; // 0: as it is
    _Atomic int64_t write_errno; // of files, by pwrite
    _Atomic int64_t failed;      // how many calls have failed so, for the test to see
};

static struct world nothing, *world = &nothing;

__attribute__((constructor)) static void enter(void)
{
    const char *path = getenv("WHIMBREL_WORLD");
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    void *p = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *world, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0) close(fd);
    if (p != MAP_FAILED) world = p;
}

static int fails(int64_t with)
{
    if (with == 0) return 0;
    atomic_fetch_add(&world->failed, 1);
    errno = (int)with;
    return 1;
}

// The function that would have been called. The symbol is of that type; C has no cast for it.
static void find(void *to, const char *name)
{
    void *symbol = dlsym(RTLD_NEXT, name);
    memcpy(to, &symbol, sizeof symbol);
}

#define BEFORE __attribute__((visibility("default")))

BEFORE int clock_gettime(clockid_t id, struct timespec *t)
{
    static int (*real)(clockid_t, struct timespec *);
    if (real == NULL) find(&real, "clock_gettime");
    int r = real(id, t);
    if (r == 0 && id == CLOCK_REALTIME) {
        int64_t ms = (int64_t)t->tv_sec * 1000 + t->tv_nsec / 1000000 + atomic_load(&world->clock_ms);
        t->tv_sec = (time_t)(ms / 1000);
        t->tv_nsec = (long)(ms % 1000) * 1000000 + t->tv_nsec % 1000000;
    }
    return r;
}

BEFORE int fsync(int fd)
{
    static int (*real)(int);
    if (real == NULL) find(&real, "fsync");
    return fails(atomic_load(&world->fsync_errno)) ? -1 : real(fd);
}

BEFORE int fdatasync(int fd)
{
    static int (*real)(int);
    if (real == NULL) find(&real, "fdatasync");
    return fails(atomic_load(&world->fsync_errno)) ? -1 : real(fd);
}

// Under both of its names, as programs with large files call it.
static ssize_t write_at(const char *name, int fd, const void *p, size_t n, off_t at)
{
    ssize_t (*real)(int, const void *, size_t, off_t);
    find(&real, name);
    return fails(atomic_load(&world->write_errno)) ? -1 : real(fd, p, n, at);
}
BEFORE ssize_t pwrite(int fd, const void *p, size_t n, off_t at) { return write_at("pwrite", fd, p, n, at); }
BEFORE ssize_t pwrite64(int fd, const void *p, size_t n, off_t at) { return write_at("pwrite64", fd, p, n, at); }

// What no test may raise where root is not all that root can be.
static int limit(const char *name, __rlimit_resource_t of, struct rlimit *out)
{
    int (*real)(__rlimit_resource_t, struct rlimit *);
    find(&real, name);
    int r = real(of, out);
    if (r == 0 && of == RLIMIT_MEMLOCK && getenv("WHIMBREL_UNLIMITED") != NULL)
        out->rlim_cur = out->rlim_max = RLIM_INFINITY;
    return r;
}
BEFORE int getrlimit(__rlimit_resource_t of, struct rlimit *out) { return limit("getrlimit", of, out); }
BEFORE int getrlimit64(__rlimit_resource_t of, struct rlimit64 *out)
{
    return limit("getrlimit64", of, (struct rlimit *)out);
}
