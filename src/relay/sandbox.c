// SPDX-License-Identifier: Apache-2.0
//
// The sandbox. Landlock says which files, seccomp which system calls. A call that is not on the list fails with EPERM rather than
// ending the process, so that a libc that tries something new gets an error, and an attacker nothing.
#include "relay/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

void sandbox_memory(void)
{
    const struct rlimit none = {0, 0};
    struct rlimit locked;
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    // Locked as pages are touched, where nothing bounds that: a bound would turn into failing allocations later.
    if (getrlimit(RLIMIT_MEMLOCK, &locked) == 0 && locked.rlim_cur == RLIM_INFINITY) {
        (void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
    }
}

enum err sandbox_user(const char *user, const char *folder, char *why, size_t why_n)
{
    struct stat st;
    struct passwd *p = NULL;
    uid_t uid;
    gid_t gid;
    if (geteuid() != 0) return ERR_OK;
    if (*user != 0) {
        p = getpwnam(user);
        if (p == NULL) {
            (void)snprintf(why, why_n, "there is no user %s; make one (useradd --system %s) or change `user`", user, user);
            return ERR_NOT_FOUND;
        }
        uid = p->pw_uid;
        gid = p->pw_gid;
    } else {
        if (stat(folder, &st) != 0) return ERR_IO;
        uid = st.st_uid;
        gid = st.st_gid;
    }
    if (uid == 0) return ERR_OK; // the folder is root's, and so is the relay
    if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0 || setuid(0) == 0) {
        (void)snprintf(why, why_n, "cannot become another user (%s)", strerror(errno));
        return ERR_IO;
    }
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0,
                0); // another user: the system's own setting (fs.suid_dumpable) had taken its place
    return ERR_OK;
}

// ---------------------------------------------------------------------------------------------------------- Landlock

// Of ABI 4, which Debian 12's header does not have yet: TCP ports.
#define NET_BIND_TCP (UINT64_C(1) << 0)
#define NET_CONNECT_TCP (UINT64_C(1) << 1)
struct ruleset {
    uint64_t handled_access_fs, handled_access_net;
};

static const uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
static const uint64_t writing = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
                                LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK;
static const uint64_t others = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                               LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;
static const uint64_t refer = UINT64_C(1) << 13, shorten = UINT64_C(1) << 14; // of ABI 2 and 3

static bool allow_path(int ruleset, const char *path, uint64_t access)
{
    struct stat st;
    int fd = open(path, O_PATH | O_CLOEXEC);
    // What is not there needs no right, nor what this user cannot reach: a key that only root may read has been read.
    if (fd < 0) return errno == ENOENT || errno == EACCES;
    if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode)) {
        access &= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | shorten;
    }
    struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = fd};
    bool ok = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
    close(fd);
    return ok;
}

// The folder that a file is in; itself where that is the root of everything.
static bool allow_beside(int ruleset, const char *file)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(file, '/');
    if (slash == NULL) return allow_path(ruleset, ".", LANDLOCK_ACCESS_FS_READ_FILE);
    size_t n = (size_t)(slash - file);
    if (n == 0 || n >= sizeof folder) return allow_path(ruleset, file, LANDLOCK_ACCESS_FS_READ_FILE);
    memcpy(folder, file, n);
    folder[n] = 0;
    return allow_path(ruleset, folder, LANDLOCK_ACCESS_FS_READ_FILE);
}

static bool allow_reading(int ruleset, const char *path)
{
    char real[PATH_MAX];
    struct stat st;
    if (stat(path, &st) != 0 || S_ISDIR(st.st_mode)) return allow_path(ruleset, path, reading);
    return allow_beside(ruleset, path) && (realpath(path, real) == NULL || allow_beside(ruleset, real));
}

// False if the kernel has no Landlock.
static bool enter_landlock(const struct sandbox *s)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1) return false;
    uint64_t writable = reading | writing | (abi >= 2 ? refer : 0) | (abi >= 3 ? shorten : 0);
    struct ruleset r = {.handled_access_fs = writable | others,
                        .handled_access_net = abi >= 4 ? NET_BIND_TCP | NET_CONNECT_TCP : 0};
    int fd = (int)syscall(SYS_landlock_create_ruleset, &r, abi >= 4 ? sizeof r : sizeof r.handled_access_fs, 0);
    if (fd < 0) return false;
    bool ok = allow_path(fd, s->folder, writable);
    for (size_t i = 0; i < sizeof s->readable / sizeof *s->readable; i++) {
        if (s->readable[i] != NULL) ok = ok && allow_reading(fd, s->readable[i]);
    }
    ok = ok && syscall(SYS_landlock_restrict_self, fd, 0) == 0;
    close(fd);
    return ok;
}

// ----------------------------------------------------------------------------------------------------------- seccomp

static const int allowed[] = {
    // memory and threads
    SCMP_SYS(mmap),
    SCMP_SYS(munmap),
    SCMP_SYS(mprotect),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(membarrier),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(mlock2),
    SCMP_SYS(mlock),
    SCMP_SYS(munlock),
    SCMP_SYS(msync),
    // time and signals
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(restart_syscall),
    // files: Landlock says which
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(close),
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(preadv),
    SCMP_SYS(pwritev),
    SCMP_SYS(lseek),
    SCMP_SYS(stat),
    SCMP_SYS(fstat),
    SCMP_SYS(lstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(fcntl),
    SCMP_SYS(flock),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(ftruncate),
    SCMP_SYS(truncate),
    SCMP_SYS(fallocate),
    SCMP_SYS(sync_file_range),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(rename),
    SCMP_SYS(renameat),
    SCMP_SYS(renameat2),
    SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat),
    SCMP_SYS(rmdir),
    SCMP_SYS(getdents64),
    SCMP_SYS(getcwd),
    SCMP_SYS(readlink),
    SCMP_SYS(fchmod),
    SCMP_SYS(fchmodat),
    SCMP_SYS(fadvise64),
    SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),
    SCMP_SYS(umask),
    SCMP_SYS(geteuid),
    SCMP_SYS(getuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    // connections that others make
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(shutdown),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockopt),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(ioctl),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(eventfd2),
    SCMP_SYS(pipe2),
    SCMP_SYS(dup),
    SCMP_SYS(dup3),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    // the rest
    SCMP_SYS(getrandom),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getrlimit),
    SCMP_SYS(getrusage),
};

static bool fill(scmp_filter_ctx f)
{
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof allowed / sizeof *allowed; i++) {
        ok = seccomp_rule_add(f, SCMP_ACT_ALLOW, allowed[i], 0) == 0;
    }
    // Threads yes, processes no. clone3 hides its flags from a filter; without it libc takes clone.
    const uint64_t thread = CLONE_THREAD;
    ok = ok && seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, SCMP_A0_64(SCMP_CMP_MASKED_EQ, thread, thread)) == 0;
    ok = ok && seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
    // Signals to itself, as abort sends them, and its own limits: not those of others that run as the same user.
    const uint64_t self = (uint64_t)getpid();
    ok = ok && seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0_64(SCMP_CMP_EQ, self, 0)) == 0;
    ok = ok && seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A0_64(SCMP_CMP_EQ, 0, 0)) == 0;
    // The names of threads, and nothing else.
    ok = ok && seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, SCMP_A0_64(SCMP_CMP_EQ, PR_SET_NAME, 0)) == 0;
    return ok && seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1) == 0;
}

static bool enter_seccomp(void)
{
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    bool ok = f != NULL && fill(f) && seccomp_load(f) == 0;
    if (f != NULL) seccomp_release(f);
    return ok;
}

enum err sandbox_enter(const struct sandbox *s, const char **missing)
{
    *missing = NULL;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return ERR_IO;
    bool landlock = enter_landlock(s);
    bool seccomp = enter_seccomp();
    *missing = !landlock && !seccomp ? "landlock and seccomp" : !landlock ? "landlock" : !seccomp ? "seccomp" : NULL;
    return ERR_OK;
}
