// SPDX-License-Identifier: Apache-2.0
//
// The file of users: read whole, divided in place.
#include "cmd/proxy_users.h"

#include "cmd/whimbrel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

// A password has five bits a character, all of them easy to tell apart when somebody reads them aloud.
enum { FILE_MAX = 64 * 1024, PASSWORD_CHARACTERS = 24, LINE_ROOM = 64 };
static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";

static bool make_line(char out[LINE_ROOM])
{
    uint8_t random[PASSWORD_CHARACTERS];
    char password[PASSWORD_CHARACTERS + 1] = "";
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        (void)say_wrong(EXIT_FAILED, "the system gives no random bytes");
        return false;
    }
    for (size_t i = 0; i < sizeof random; i++) password[i] = letters[random[i] % 32];
    (void)snprintf(out, LINE_ROOM, "friend:%s\n", password);
    mem_wipe(random, sizeof random);
    mem_wipe(password, sizeof password);
    return true;
}

// --------------------------------------------------------------------------------------------------------------- the text

static bool wrong_line(const char *path, size_t number, const char *what)
{
    (void)say_wrong(EXIT_FAILED, "%s, line %zu: %s", path, number, what);
    return false;
}

static bool take_line(char *line, const char *path, size_t number, struct proxy_users *out)
{
    line[strcspn(line, "\r")] = 0;
    if (line[0] == 0 || line[0] == '#') return true;
    char *colon = strchr(line, ':');
    if (colon == NULL) return wrong_line(path, number, "a line is NAME:PASSWORD");
    *colon = 0;
    const size_t name = strlen(line), password = strlen(colon + 1);
    if (name == 0 || name > 255 || password == 0 || password > 255)
        return wrong_line(path, number, "a name and a password have 1 to 255 bytes each");
    if (out->n == SOCKSD_USERS_MAX) return wrong_line(path, number, "there are more than 64 users");
    for (size_t i = 0; i < out->n; i++) {
        if (strcmp(out->list[i].name, line) == 0) return wrong_line(path, number, "this user is there already");
    }
    out->list[out->n++] = (struct socksd_user){.name = line, .password = colon + 1};
    return true;
}

// Takes the text, which has room for an end.
static bool divide(const char *path, char *take_text, size_t n, struct proxy_users *out)
{
    *out = (struct proxy_users){.text = take_text, .size = n + 1};
    if (memchr(take_text, 0, n) != NULL) return wrong_line(path, 1, "this is no text");
    take_text[n] = 0;
    size_t number = 1;
    for (char *line = take_text; line != NULL; number++) {
        char *end = strchr(line, '\n');
        if (end != NULL) *end++ = 0;
        if (!take_line(line, path, number, out)) return false;
        line = end;
    }
    if (out->n > 0) return true;
    (void)say_wrong(EXIT_FAILED, "%s names no user; a line is NAME:PASSWORD", path);
    return false;
}

// --------------------------------------------------------------------------------------------------------------- the file

static bool cannot(const char *path, const char *what)
{
    (void)say_wrong(EXIT_FAILED, "%s cannot be %s: %s", path, what, strerror(errno));
    return false;
}

static bool make_file(const char *path)
{
    char line[LINE_ROOM];
    if (!make_line(line)) return false;
    const size_t n = strlen(line);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write(fd, line, n) == (ssize_t)n && fsync(fd) == 0;
    mem_wipe(line, sizeof line);
    if (fd >= 0) ok = close(fd) == 0 && ok;
    return ok || cannot(path, "written");
}

static bool fits(int fd, const char *path)
{
    struct stat s;
    if (fstat(fd, &s) != 0) return cannot(path, "read");
    if (!S_ISREG(s.st_mode) || s.st_size > FILE_MAX) {
        (void)say_wrong(EXIT_FAILED, "%s is no file of users; there a line is NAME:PASSWORD", path);
        return false;
    }
    if ((s.st_mode & 077) == 0) return true;
    (void)say_wrong(EXIT_FAILED,
                    "others on this computer can read %s, which has passwords in it; run `chmod 600 %s` first", path,
                    path);
    return false;
}

bool proxy_users_read(const char *path, struct proxy_users *out, bool *made)
{
    *out = (struct proxy_users){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    *made = fd < 0 && errno == ENOENT;
    if (*made && make_file(path)) fd = open(path, O_RDONLY | O_CLOEXEC);
    else if (*made) return false;
    if (fd < 0) return cannot(path, "read");
    char *text = fits(fd, path) ? mem_new(FILE_MAX + 1) : NULL;
    ssize_t n = text != NULL ? read(fd, text, FILE_MAX) : -1;
    if (text != NULL && n < 0) (void)cannot(path, "read");
    close(fd);
    if (n >= 0) return divide(path, text, (size_t)n, out);
    mem_free(text);
    return false;
}

bool proxy_users_make(struct proxy_users *out)
{
    char *line = mem_new(LINE_ROOM);
    *out = (struct proxy_users){0};
    if (line != NULL && make_line(line)) return divide("", line, strlen(line), out);
    mem_free(line);
    return false;
}

void proxy_users_wipe(struct proxy_users *u)
{
    if (u->text != NULL) mem_free_wiped(u->text, u->size);
    *u = (struct proxy_users){0};
}
