// SPDX-License-Identifier: Apache-2.0
//
// Asking an engine: over its socket, starting one in the background where none runs, and opening its profile. The passphrase goes to it over the
// socket, never by its environment or arguments.
#include "cmd/whimbrel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { IN_ROOM = 1 << 16 };

// What came and was not read yet: one connection at a time.
static struct {
    char *text;
    size_t n, room;
} in;
static json_t *events; // that came while an answer was awaited: for ask_next

int ask_running(const char *profile)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (snprintf(a.sun_path, sizeof a.sun_path, "%s/engine", profile) >= (int)sizeof a.sun_path) return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) == 0) return fd;
    close(fd);
    return -1;
}

// In the child: a session of its own, and no files but what it says.
static void become_engine(const struct line *l, int said)
{
    char *const arguments[] = {(char *)(uintptr_t) "whimbrel",  (char *)(uintptr_t) "engine",
                               (char *)(uintptr_t) "--profile", (char *)(uintptr_t)l->profile,
                               (char *)(uintptr_t) "--locked",  NULL};
    int nothing = open("/dev/null", O_RDWR);
    (void)setsid();
    (void)dup2(nothing, STDIN_FILENO);
    (void)dup2(said, STDOUT_FILENO);
    (void)dup2(said, STDERR_FILENO);
    for (int fd = STDERR_FILENO + 1; fd < 256; fd++) (void)close(fd);
    (void)unsetenv("WHIMBREL_PASSPHRASE");
    (void)execv("/proc/self/exe", arguments);
    _exit(EXIT_FAILED);
}

// What the engine says until it is ready, or has ended.
static bool wait_ready(int said)
{
    char text[1000] = "";
    size_t n = 0;
    for (ssize_t got; n + 1 < sizeof text && (got = read(said, text + n, sizeof text - 1 - n)) > 0;) {
        n += (size_t)got;
        text[n] = 0;
        if (strstr(text, "ready\n") != NULL) return true;
    }
    fputs(text[0] != 0 ? text : "whimbrel: the engine did not start\n", stderr);
    return false;
}

bool profile_is_there(const struct line *l)
{
    char path[FOLDER_MAX + 10];
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/keys", l->profile);
    return stat(path, &st) == 0;
}

// Starts an engine whose profile is still locked.
static int start(const struct line *l)
{
    int from[2], status = 0;
    if (pipe2(from, O_CLOEXEC) != 0) return say_wrong(EXIT_FAILED, "no pipe: %s", strerror(errno));
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) become_engine(l, from[1]);
    close(from[1]);
    bool ready = child > 0 && wait_ready(from[0]);
    close(from[0]);
    if (ready) return EXIT_DONE;
    if (child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) != 0)
        return WEXITSTATUS(status);
    return EXIT_FAILED;
}

static bool send_all(int fd, const char *text, size_t n)
{
    for (ssize_t k; n > 0; text += k, n -= (size_t)k) {
        k = send(fd, text, n, MSG_NOSIGNAL);
        if (k <= 0) return false;
    }
    return true;
}

static json_t *next_line(int fd)
{
    for (;;) {
        char *end = in.n > 0 ? memchr(in.text, '\n', in.n) : NULL;
        if (end != NULL) {
            size_t n = (size_t)(end - in.text) + 1;
            json_t *o = json_loadb(in.text, n - 1, 0, NULL);
            memmove(in.text, end + 1, in.n - n);
            in.n -= n;
            return o;
        }
        if (in.n + IN_ROOM > in.room) {
            char *more = realloc(in.text, in.n + 2 * IN_ROOM);
            if (more == NULL) abort();
            in.text = more;
            in.room = in.n + 2 * IN_ROOM;
        }
        ssize_t got = read(fd, in.text + in.n, IN_ROOM);
        if (got <= 0) return NULL;
        in.n += (size_t)got;
    }
}

json_t *ask_next(int fd)
{
    if (json_array_size(events) == 0) return next_line(fd);
    json_t *o = json_incref(json_array_get(events, 0));
    (void)json_array_remove(events, 0);
    return o;
}

void ask_end(int fd)
{
    for (json_t *o; (o = ask_next(fd)) != NULL;) json_decref(o);
}

static int status_of(json_int_t code)
{
    switch (code) {
    case 2: return EXIT_NOT_THERE;
    case 5: return EXIT_PASSPHRASE;
    case 6: return EXIT_HELD;
    case -32602: return EXIT_USAGE;
    default: return EXIT_FAILED;
    }
}

// The answer as it came, or NULL.
static json_t *call(int fd, const char *method, json_t *take_params)
{
    json_t *o = json_pack("{s:s, s:i, s:s}", "jsonrpc", "2.0", "id", 1, "method", method), *answer = NULL;
    if (take_params != NULL) (void)json_object_set_new(o, "params", take_params);
    char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    bool sent = text != NULL && send_all(fd, text, strlen(text)) && send_all(fd, "\n", 1);
    if (text != NULL) explicit_bzero(text, strlen(text)); // there may be a passphrase in it
    free(text);
    while (sent && (answer = next_line(fd)) != NULL && json_object_get(answer, "id") == NULL) {
        if (events == NULL) events = json_array();
        (void)json_array_append_new(events, answer);
    }
    return answer;
}

json_t *ask_quietly(struct session *s, const char *method, json_t *take_params)
{
    json_t *answer = call(s->fd, method, take_params), *result = json_incref(json_object_get(answer, "result"));
    json_decref(answer);
    return result;
}

json_t *ask(struct session *s, const char *method, json_t *take_params)
{
    json_t *answer = call(s->fd, method, take_params), *error = json_object_get(answer, "error"),
           *result = json_incref(json_object_get(answer, "result"));
    if (error != NULL) s->status = say_wrong(status_of(int_of(error, "code")), "%s", text_of(error, "message"));
    else if (result == NULL) s->status = say_wrong(EXIT_FAILED, "the engine has ended");
    json_decref(answer);
    return result;
}

// Tries to open the profile; the error, the caller's to free, if that fails.
static json_t *try_unlock(struct session *s, const char *passphrase)
{
    json_t *params = passphrase != NULL ? json_pack("{s:s}", "passphrase", passphrase) : NULL;
    json_t *answer = call(s->fd, "profile.unlock", params), *error = json_object_get(answer, "error");
    error = error != NULL || answer == NULL ? json_incref(error) : json_null();
    json_decref(answer);
    return error;
}

// By a passphrase that was given, or as often as somebody at a terminal mistypes it.
static int unlock_by_passphrase(struct session *s)
{
    enum { TRIES = 3 };
    char passphrase[SECRET_MAX]; /* secret */
    bool typed = !passphrase_is_given(s->line);
    int status = EXIT_PASSPHRASE;
    for (int i = 0; status == EXIT_PASSPHRASE && i < (typed ? TRIES : 1); i++) {
        if (!passphrase_get(s->line, false, passphrase)) return EXIT_PASSPHRASE;
        json_t *error = try_unlock(s, passphrase);
        if (json_is_null(error)) status = EXIT_DONE;
        else if (error == NULL) status = say_wrong(EXIT_FAILED, "the engine has ended");
        else status = say_wrong(status_of(int_of(error, "code")), "%s", text_of(error, "message"));
        json_decref(error);
    }
    explicit_bzero(passphrase, sizeof passphrase);
    return status;
}

// The profile of an engine that runs may be locked.
static int unlock(struct session *s)
{
    json_t *o = ask(s, "profile.status", NULL), *error = NULL;
    if (o == NULL) return s->status;
    bool open = strcmp(text_of(o, "state"), "open") == 0, keyring = is_set(o, "keyring"),
         passphrase = is_set(o, "passphrase");
    json_decref(o);
    if (open) return EXIT_DONE;
    if (keyring && !passphrase_is_given(s->line)) {
        error = try_unlock(s, NULL);
        bool opened = json_is_null(error);
        if (!opened && !passphrase) (void)say_wrong(EXIT_PASSPHRASE, "%s", text_of(error, "message"));
        json_decref(error);
        if (opened || !passphrase) return opened ? EXIT_DONE : EXIT_PASSPHRASE;
    }
    return unlock_by_passphrase(s);
}

int ask_open(struct session *s, enum command_needs needs)
{
    in.n = 0;
    s->fd = ask_running(s->line->profile);
    bool runs = s->fd >= 0;
    if (!runs && needs == RUNNING)
        s->status = say_wrong(EXIT_NOT_THERE, "no engine runs for this profile; `whimbrel start` starts one");
    else if (needs == AN_ENGINE && !profile_is_there(s->line))
        s->status =
            say_wrong(EXIT_NOT_THERE, "there is no profile in %s; `whimbrel init` makes one, --profile names another",
                      s->line->profile);
    else if (!runs) s->status = start(s->line);
    if (s->status != EXIT_DONE) return -1;
    if (!runs) s->fd = ask_running(s->line->profile);
    if (s->fd < 0) {
        s->status = say_wrong(EXIT_FAILED, "the engine does not answer");
        return -1;
    }
    if (needs != AN_ENGINE || (s->status = unlock(s)) == EXIT_DONE) return s->fd;
    if (!runs) { // it was started for nothing
        json_decref(ask_quietly(s, "engine.stop", NULL));
        ask_end(s->fd);
    }
    close(s->fd);
    s->fd = -1;
    return -1;
}

int ask_bridge(int fd)
{
    struct pollfd p[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    char text[IN_ROOM];
    while (poll(p, 2, -1) > 0 || errno == EINTR) {
        ssize_t n = 0;
        if (p[1].revents != 0) {
            if ((n = read(fd, text, sizeof text)) <= 0) return EXIT_DONE;
            if (fwrite(text, 1, (size_t)n, stdout) != (size_t)n || fflush(stdout) != 0) return EXIT_FAILED;
        }
        if (p[0].revents != 0) {
            n = read(STDIN_FILENO, text, sizeof text);
            if (n <= 0) {
                (void)shutdown(fd, SHUT_WR);
                p[0].fd = -1;
            } else if (!send_all(fd, text, (size_t)n)) {
                return EXIT_FAILED;
            }
        }
    }
    return EXIT_DONE;
}
