// SPDX-License-Identifier: Apache-2.0
//
// Profiles beside each other (profiles.h). Invariant: a name never leads out of the folder in which all of them lie.
#include "cmd/profiles.h"

#include "cmd/whimbrel.h"
#include "net/child.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LATE_MS = 30000, PATH_ROOM = PATH_MAX + PROFILE_NAME_MAX + 10, ENVIRONMENT_MAX = 500 };

// The folder in which they lie, and this one's name in it. False: it cannot be told.
static bool split(const char *profile, char parent[PATH_MAX], char name[PATH_MAX])
{
    char whole[PATH_MAX];
    if (realpath(profile, whole) == NULL) return false;
    char *slash = strrchr(whole, '/');
    if (slash == NULL || slash == whole) return false;
    (void)snprintf(name, PATH_MAX, "%s", slash + 1);
    *slash = 0;
    (void)snprintf(parent, PATH_MAX, "%s", whole);
    return true;
}

// A word that can be a folder on any system, and that no command takes for something else.
static bool is_name(const char *name)
{
    size_t n = strlen(name);
    if (n == 0 || n > PROFILE_NAME_MAX || name[0] == '.' || name[0] == '-' || name[0] == ' ' || name[n - 1] == ' ')
        return false;
    for (const char *p = name; *p != 0; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f || strchr("/\\:*?\"<>|", *p) != NULL) return false;
    return true;
}

static bool is_profile(const char *parent, const char *name)
{
    char path[PATH_ROOM];
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/%.*s/keys", parent, PROFILE_NAME_MAX, name);
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode);
}

// What an engine makes before there is a profile.
static bool is_ours(const char *name)
{
    static const char *const names[] = {".", "..", "ui", "ui.new", "engine", "open.html", "archive.in", "archive.out"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) return true;
    return false;
}

// No profile is made among somebody's letters or pictures.
static bool is_taken(const char *parent, const char *name)
{
    char path[PATH_ROOM];
    const struct dirent *d;
    bool taken = false;
    (void)snprintf(path, sizeof path, "%s/%.*s", parent, PROFILE_NAME_MAX, name);
    DIR *dir = opendir(path);
    if (dir == NULL) return access(path, F_OK) == 0; // a file, or not ours to read
    while (!taken && (d = readdir(dir)) != NULL) taken = !is_ours(d->d_name);
    (void)closedir(dir);
    return taken;
}

static bool runs(const char *parent, const char *name)
{
    char path[PATH_ROOM];
    (void)snprintf(path, sizeof path, "%s/%.*s", parent, PROFILE_NAME_MAX, name);
    int fd = ask_running(path);
    if (fd >= 0) close(fd);
    return fd >= 0;
}

static int by_name(const void *a, const void *b) { return strcmp(a, b); }

void profiles_each(const char *profile, rpc_profile_each *each, void *arg)
{
    static char names[PROFILES_MAX][PROFILE_NAME_MAX + 1];
    char parent[PATH_MAX], own[PATH_MAX];
    const struct dirent *d;
    size_t n = 0;
    if (!split(profile, parent, own)) return;
    DIR *dir = opendir(parent);
    while (dir != NULL && n < PROFILES_MAX && (d = readdir(dir)) != NULL) {
        if (!is_name(d->d_name) || strcmp(d->d_name, own) == 0 || !is_profile(parent, d->d_name)) continue;
        (void)snprintf(names[n++], sizeof names[0], "%.*s", PROFILE_NAME_MAX, d->d_name);
    }
    if (dir != NULL) (void)closedir(dir);
    qsort(names, n, sizeof names[0], by_name);
    each(arg, own, true, true);
    for (size_t i = 0; i < n; i++) each(arg, names[i], false, runs(parent, names[i]));
}

// ------------------------------------------------------------------------------------------------------------- opening

struct opening {
    struct net_child *child;
    struct net_timer late;
    rpc_profile_opened *done;
    void *arg;
    struct opening **slot;
    char address[200];
};

static void end(struct opening *o, enum err e, const char *text)
{
    rpc_profile_opened *done = o->done;
    void *arg = o->arg;
    char said[sizeof o->address];
    (void)snprintf(said, sizeof said, "%s", text);
    net_timer_stop(&o->late);
    *o->slot = NULL;
    mem_free_wiped(o, sizeof *o);
    done(arg, e, said);
    mem_wipe(said, sizeof said);
}

static void on_line(void *arg, const char *line)
{
    struct opening *o = arg;
    const char *at = strstr(line, "http://127.0.0.1:");
    size_t n = at == NULL ? 0 : strcspn(at, "\"");
    if (n > 0 && n < sizeof o->address) (void)snprintf(o->address, sizeof o->address, "%.*s", (int)n, at);
}

static const char no_start[] = "its engine did not start; `whimbrel --profile` with its folder says why";

static void on_closed(void *arg)
{
    struct opening *o = arg;
    bool opened = o->address[0] != 0;
    end(o, opened ? ERR_OK : ERR_REFUSED, opened ? o->address : no_start);
}

static void on_late(struct net_timer *t)
{
    struct opening *o = (struct opening *)(void *)((char *)t - offsetof(struct opening, late));
    net_child_stop(o->child);
    end(o, ERR_REFUSED, no_start);
}

// What this program was given, but for a passphrase: that is of this profile alone.
static void environment_of(const char *out[ENVIRONMENT_MAX])
{
    size_t n = 0;
    for (char **p = environ; *p != NULL && n + 1 < ENVIRONMENT_MAX; p++)
        if (strncmp(*p, "WHIMBREL_", 9) != 0) out[n++] = *p;
    out[n] = NULL;
}

static enum err start(struct net_loop *l, const char *path, rpc_profile_opened *done, void *arg, struct opening **out)
{
    static const struct net_child_owner owner = {.line = on_line, .closed = on_closed};
    const char *environment[ENVIRONMENT_MAX];
    const char *const words[] = {"/proc/self/exe", "--profile", path, "--json", "ui", NULL};
    struct opening *o = mem_new(sizeof *o);
    if (o == NULL) return ERR_MEMORY;
    *o = (struct opening){.done = done, .arg = arg, .slot = out};
    environment_of(environment);
    enum err e = net_child_start(l, words, environment, &owner, o, &o->child);
    if (e != ERR_OK) {
        mem_free(o);
        return e;
    }
    net_timer_start(l, &o->late, LATE_MS, on_late);
    *out = o;
    return ERR_OK;
}

enum err profiles_open(struct net_loop *l, const char *profile, const char *name, bool make, rpc_profile_opened *done,
                       void *arg, struct opening **out, const char **why)
{
    char parent[PATH_MAX], own[PATH_MAX], path[PATH_ROOM];
    enum err e = ERR_OK;
    if (*out != NULL) {
        *why = "a profile is being opened; wait for it";
        e = ERR_REFUSED;
    } else if (!is_name(name)) {
        *why = "the name of a profile has 1 to 60 bytes, does not begin with . or -, and has no / or other signs that "
               "folders cannot have";
        e = ERR_INVALID;
    } else if (!split(profile, parent, own)) {
        *why = "the folder of this profile cannot be told";
        e = ERR_IO;
    } else if (is_profile(parent, name) == make || (make && strcmp(name, own) == 0)) {
        *why = make ? "there is a profile of this name already" : "there is no such profile";
        e = make ? ERR_REFUSED : ERR_NOT_FOUND;
    } else if (make && is_taken(parent, name)) {
        *why = "there is a folder of this name, with something else in it";
        e = ERR_REFUSED;
    }
    if (e != ERR_OK) return e;
    (void)snprintf(path, sizeof path, "%s/%s", parent, name);
    *why = no_start;
    return start(l, path, done, arg, out);
}

void profiles_stop(struct opening *o)
{
    if (o == NULL) return;
    net_child_stop(o->child);
    end(o, ERR_REFUSED, "the engine ends");
}
