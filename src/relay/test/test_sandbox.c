// SPDX-License-Identifier: Apache-2.0
//
// The sandbox, by trying the forbidden: each attempt is a child that enters the sandbox and then does one thing. Where this
// kernel has no Landlock or no seccomp, what depends on it is left out, and said to be.
#include "unit.h"

#include "relay/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
    char folder[64], site[80], cert[80], link[80], outside[80], data[80];
    int listener, peer; // a listening socket, and a connected one
    pid_t parent;
} place;

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

// folder/data: the relay's own; folder/certs, folder/site: readable; folder/outside: not.
static int set_up(void **state)
{
    char certs[80];
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int pair[2];
    (void)state;
    snprintf(place.folder, sizeof place.folder, "/tmp/whimbrel-sandbox-XXXXXX");
    assert_non_null(mkdtemp(place.folder));
    snprintf(place.data, sizeof place.data, "%s/data", place.folder);
    snprintf(place.site, sizeof place.site, "%s/site", place.folder);
    snprintf(certs, sizeof certs, "%s/certs", place.folder);
    snprintf(place.cert, sizeof place.cert, "%s/certs/c1", place.folder);
    snprintf(place.link, sizeof place.link, "%s/c", place.folder);
    snprintf(place.outside, sizeof place.outside, "%s/outside", place.folder);
    const char *const folders[] = {place.data, place.site, certs, place.outside};
    for (size_t i = 0; i < 4; i++) assert_int_equal(mkdir(folders[i], 0700), 0);
    write_file(place.cert, "certificate");
    assert_int_equal(symlink("certs/c1", place.link), 0);
    place.parent = getpid();
    place.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(place.listener, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(place.listener, 5), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    place.peer = pair[0];
    return 0;
}

// ---------------------------------------------------------------------------------------------------------- attempts

// An attempt returns 0 if what it did worked, and errno if it was refused.
typedef int attempt(void);

static int result(long r) { return r >= 0 ? 0 : errno; }

static int open_in(const char *folder, const char *name, int flags)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, flags | O_CLOEXEC, 0600);
    return result(fd);
}

// Allowed.
static int write_own(void) { return open_in(place.data, "new", O_WRONLY | O_CREAT); }
static int read_site(void) { return open_in(place.site, "", O_RDONLY | O_DIRECTORY); }
static int read_certificate(void) { return result(open(place.link, O_RDONLY | O_CLOEXEC)); }
static int read_renewed(void) { return open_in(place.folder, "certs/c2", O_RDONLY); }
static int listens(void)
{
    return accept4(place.listener, NULL, NULL, SOCK_NONBLOCK) < 0 && errno == EAGAIN ? 0 : errno;
}
static int sends(void) { return result(send(place.peer, "x", 1, MSG_NOSIGNAL)); }
static int maps(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0;
}
static int renames(void)
{
    char from[200], to[200];
    int e = open_in(place.data, "from", O_WRONLY | O_CREAT);
    snprintf(from, sizeof from, "%s/from", place.data);
    snprintf(to, sizeof to, "%s/to", place.data);
    return e != 0 ? e : result(rename(from, to));
}
static void *nothing(void *arg) { return arg; }
static int threads(void)
{
    pthread_t t;
    int e = pthread_create(&t, NULL, nothing, NULL);
    return e != 0 ? e : pthread_join(t, NULL);
}

// Forbidden by Landlock.
static int read_outside(void) { return result(open("/etc/passwd", O_RDONLY | O_CLOEXEC)); }
static int read_beside(void) { return open_in(place.outside, "", O_RDONLY | O_DIRECTORY); }
static int write_beside(void) { return open_in(place.outside, "new", O_WRONLY | O_CREAT); }
static int write_site(void) { return open_in(place.site, "new", O_WRONLY | O_CREAT); }
static int write_certificate(void) { return result(open(place.cert, O_WRONLY | O_CLOEXEC)); }
static int read_memory(void) { return result(open("/proc/self/mem", O_RDWR | O_CLOEXEC)); }
static int make_outside(void)
{
    char path[200];
    snprintf(path, sizeof path, "%s/new-folder", place.outside);
    return result(mkdir(path, 0700));
}

// Forbidden by seccomp.
static int run_program(void)
{
    char *const argv[] = {(char[]){"true"}, NULL}, *const envp[] = {NULL};
    return result(execve("/bin/true", argv, envp));
}
static int forks(void)
{
    pid_t child = fork();
    if (child == 0) _exit(0);
    return result(child);
}
static int forks_newer(void)
{
    uint64_t args[11] = {0};
    args[4] = SIGCHLD;
    long child = syscall(SYS_clone3, args, sizeof args);
    if (child == 0) _exit(0);
    return result(child);
}
static int tcp(void) { return result(socket(AF_INET, SOCK_STREAM, 0)); }
static int udp(void) { return result(socket(AF_INET6, SOCK_DGRAM, 0)); }
static int local(void) { return result(socket(AF_UNIX, SOCK_STREAM, 0)); }
static int netlink(void) { return result(socket(AF_NETLINK, SOCK_RAW, 0)); }
static int pairs(void)
{
    int fd[2];
    return result(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
}
static int connects(void)
{
    const struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return result(connect(place.listener, (const struct sockaddr *)&a, sizeof a));
}
static int binds(void)
{
    const struct sockaddr_in a = {.sin_family = AF_INET};
    return result(bind(place.peer, (const struct sockaddr *)&a, sizeof a));
}
static int traces(void) { return result(ptrace(PTRACE_SEIZE, place.parent, NULL, NULL)); }
static int reads_others(void) { return result(syscall(SYS_process_vm_readv, place.parent, NULL, 0, NULL, 0, 0)); }
static int kills(void) { return result(kill(place.parent, 0)); }
static int signals_threads(void) { return result(syscall(SYS_tgkill, place.parent, place.parent, 0)); }
static int limits_others(void)
{
    struct rlimit r;
    return result(prlimit(place.parent, RLIMIT_NOFILE, NULL, &r));
}
static int becomes_root(void) { return result(setuid(0)); }
static int mounts(void) { return result(syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, NULL)); }
static int loads_bpf(void) { return result(syscall(SYS_bpf, 0, NULL, 0)); }
static int rings(void) { return result(syscall(SYS_io_uring_setup, 1, NULL)); }
static int dumps(void) { return result(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)); }

// ------------------------------------------------------------------------------------------------------- the children

enum { ENTERED_NOT = 250 };

// What came of an attempt in a child: errno, 0 if it worked; -1 if a signal ended it. `lacks` says which part this kernel has not.
static int try(attempt *what, const char **lacks)
{
    int status = 0, report[2];
    char missing[32] = "";
    assert_int_equal(pipe(report), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct sandbox s = {.folder = place.data, .readable = {place.link, place.cert, place.site, NULL}};
        const char *without = NULL;
        (void)fcntl(place.listener, F_SETFL, O_NONBLOCK);
        if (sandbox_enter(&s, &without) != ERR_OK) _exit(ENTERED_NOT);
        if (without != NULL) (void)!write(report[1], without, strlen(without));
        _exit(what());
    }
    (void)close(report[1]);
    ssize_t n = read(report[0], missing, sizeof missing - 1);
    (void)close(report[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    *lacks = n <= 0                             ? NULL
             : strstr(missing, "and") != NULL   ? "landlock and seccomp"
             : strcmp(missing, "landlock") == 0 ? "landlock"
                                                : "seccomp";
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool has(const char *lacks, const char *part)
{
    if (lacks == NULL || strstr(lacks, part) == NULL) return true;
    printf("# skipped: this kernel lacks %s\n", part);
    return false;
}

static void what_is_needed_works(void **state)
{
    static attempt *const needed[] = {write_own, read_site, read_certificate, listens, sends, maps, renames, threads};
    (void)state;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        const char *lacks;
        int e = try(needed[i], &lacks);
        if (e != 0) fail_msg("attempt %zu: %s", i, strerror(e));
    }
}

// A new file beside the old one, and the name leads to it now.
static void a_renewed_certificate_can_be_read(void **state)
{
    char path[200];
    const char *lacks;
    (void)state;
    snprintf(path, sizeof path, "%s/certs/c2", place.folder);
    write_file(path, "renewed");
    assert_int_equal(try(read_renewed, &lacks), 0);
    // The name becomes another file while the relay runs.
    int ready[2], go[2], status;
    char c;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(go), 0);
    pid_t child = fork();
    if (child == 0) {
        const struct sandbox s = {.folder = place.data, .readable = {place.link, NULL, place.site, NULL}};
        if (sandbox_enter(&s, &lacks) != ERR_OK) _exit(ENTERED_NOT);
        (void)!write(ready[1], "x", 1);
        (void)!read(go[0], &c, 1);
        _exit(read_certificate());
    }
    assert_int_equal(read(ready[0], &c, 1), 1);
    assert_int_equal(unlink(place.link), 0);
    assert_int_equal(symlink("certs/c2", place.link), 0);
    assert_int_equal(write(go[1], "x", 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    for (int i = 0; i < 2; i++) {
        (void)close(ready[i]);
        (void)close(go[i]);
    }
}

// A key that only root may read: the relay has read it before it became another user, who cannot even reach it.
static void an_unreachable_key_opens_nothing(void **state)
{
    int status;
    (void)state;
    if (geteuid() != 0) {
        printf("# skipped: only root can become another\n");
        return;
    }
    assert_int_equal(chmod(place.folder, 0711), 0); // certs is 0700, and root's
    assert_int_equal(chown(place.data, 12345, 12346), 0);
    pid_t child = fork();
    if (child == 0) {
        char why[300];
        const char *without = NULL;
        const struct sandbox s = {.folder = place.data, .readable = {place.link, place.cert, place.site, NULL}};
        bool ok = sandbox_user("", place.data, why, sizeof why) == ERR_OK && sandbox_enter(&s, &without) == ERR_OK;
        if (!ok) _exit(1);
        // The kernel may lack it, as it then does in every test.
        if (without != NULL && strstr(without, "landlock") != NULL) _exit(2);
        _exit(renames() == 0 && read_outside() != 0 ? 0 : 3);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(chown(place.data, 0, 0), 0);
    assert_int_equal(chmod(place.folder, 0700), 0);
    const char *lacks;
    assert_int_equal(try(write_own, &lacks), 0);
    if (has(lacks, "landlock")) assert_int_equal(status, 0);
}

struct forbidden {
    const char *name;
    attempt *what;
};

static void refused(const char *part, const struct forbidden *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *lacks;
        int e = try(list[i].what, &lacks);
        if (!has(lacks, part)) return;
        if (e != EPERM && e != EACCES && e != ENOSYS)
            fail_msg("%s: %s", list[i].name, e == 0 ? "it worked" : strerror(e));
    }
}

static void no_other_files(void **state)
{
    static const struct forbidden list[] = {
        {"read a file of the system", read_outside},  {"list another folder", read_beside},
        {"write in another folder", write_beside},    {"write to the site", write_site},
        {"write the certificate", write_certificate}, {"open a process's memory", read_memory},
        {"make a folder elsewhere", make_outside},
    };
    (void)state;
    refused("landlock", list, sizeof list / sizeof *list);
}

static void no_programs_sockets_or_processes(void **state)
{
    static const struct forbidden list[] = {
        {"execve", run_program},
        {"fork", forks},
        {"clone3", forks_newer},
        {"a TCP socket", tcp},
        {"a UDP socket", udp},
        {"a unix socket", local},
        {"a netlink socket", netlink},
        {"socketpair", pairs},
        {"connect", connects},
        {"bind", binds},
        {"ptrace", traces},
        {"process_vm_readv", reads_others},
        {"kill", kills},
        {"tgkill", signals_threads},
        {"prlimit", limits_others},
        {"setuid", becomes_root},
        {"mount", mounts},
        {"bpf", loads_bpf},
        {"io_uring", rings},
        {"be dumped", dumps},
    };
    (void)state;
    refused("seccomp", list, sizeof list / sizeof *list);
}

// The same attempts work outside of it, where they need no privilege: or the test would prove nothing.
static void outside_of_it_they_work(void **state)
{
    static attempt *const harmless[] = {
        read_outside, read_beside, write_beside, write_site, write_certificate, forks,         tcp,  udp,
        local,        netlink,     pairs,        kills,      signals_threads,   limits_others, dumps};
    (void)state;
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++) {
        int e = harmless[i]();
        if (e != 0) fail_msg("attempt %zu: %s", i, strerror(e));
    }
    while (waitpid(-1, NULL, WNOHANG) > 0) {}
}

static int memory_is_kept(void)
{
    struct rlimit core;
    sandbox_memory();
    return getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0 && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : 1;
}

static void no_core_dumps(void **state)
{
    int status;
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) _exit(memory_is_kept());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void users(void **state)
{
    char why[300] = "";
    (void)state;
    if (geteuid() != 0) {
        assert_ok(sandbox_user("nobody-at-all", place.data, why, sizeof why)); // nothing to give up
        printf("# skipped: only root can become another\n");
        return;
    }
    assert_int_equal(sandbox_user("nobody-at-all", place.data, why, sizeof why), ERR_NOT_FOUND);
    assert_non_null(strstr(why, "useradd --system nobody-at-all"));
    assert_int_equal(chown(place.data, 12345, 12346), 0);
    int status;
    pid_t child = fork();
    if (child == 0) {
        bool ok = sandbox_user("", place.data, why, sizeof why) == ERR_OK;
        ok = ok && getuid() == 12345 && geteuid() == 12345 && getgid() == 12346 && getgroups(0, NULL) == 0;
        ok = ok && setuid(0) != 0 && seteuid(0) != 0;
        _exit(ok ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(chown(place.data, 0, 0), 0);
}

static int tear_down(void **state)
{
    static const char *const names[] = {"data/new",    "data/to",  "data/from", "data",  "site/new",
                                        "site",        "certs/c1", "certs/c2",  "certs", "c",
                                        "outside/new", "outside",  ""};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[200];
        snprintf(path, sizeof path, "%s/%s", place.folder, names[i]);
        (void)remove(path);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_needed_works),
        cmocka_unit_test(a_renewed_certificate_can_be_read),
        cmocka_unit_test(an_unreachable_key_opens_nothing),
        cmocka_unit_test(no_other_files),
        cmocka_unit_test(no_programs_sockets_or_processes),
        cmocka_unit_test(outside_of_it_they_work),
        cmocka_unit_test(no_core_dumps),
        cmocka_unit_test(users),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("sandbox", tests, set_up, tear_down);
}
