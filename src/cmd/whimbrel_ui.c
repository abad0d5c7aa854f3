// SPDX-License-Identifier: Apache-2.0
//
// `whimbrel ui`: the engine's page in this computer's browser. The engine may be locked, or have no profile yet: the page asks for what it
// needs. The address holds a token behind its #, and arguments of programs are seen by everybody on this computer: so what the browser is
// told to open is a file of the user's own, which leads on to it.
#include "cmd/whimbrel.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool has_screen(void)
{
    const char *x = getenv("DISPLAY"), *wayland = getenv("WAYLAND_DISPLAY");
    return (x != NULL && x[0] != 0) || (wayland != NULL && wayland[0] != 0);
}

// A page of the user's own, which only they can read, leads the browser on: so the token is in nobody's list of processes.
static bool write_leader(const struct line *l, const char *address, char path[FOLDER_MAX + 20])
{
    (void)snprintf(path, FOLDER_MAX + 20, "%s/open.html", l->profile);
    (void)unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    if (f == NULL) return false;
    fprintf(f,
            "<!doctype html><meta charset=\"utf-8\"><title>Whimbrel</title>"
            "<meta http-equiv=\"refresh\" content=\"0; url=%s\"><p><a href=\"%s\">Whimbrel</a>\n",
            address, address);
    return fclose(f) == 0;
}

static bool open_browser(const char *path)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        int nothing = open("/dev/null", O_RDWR);
        for (int fd = 0; fd < 3; fd++) (void)dup2(nothing, fd);
        (void)setsid();
        (void)execlp("xdg-open", "xdg-open", path, (char *)NULL);
        _exit(127);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int do_ui(struct session *s)
{
    char path[FOLDER_MAX + 20];
    const struct line *l = s->line;
    json_t *o = ask(s, "ui.open", NULL);
    const char *address = text_of(o, "address");
    if (o == NULL || l->json) return finish(s, o, NULL);
    if (has_screen() && write_leader(l, address, path) && open_browser(path))
        printf("Whimbrel is open in your browser.\n");
    else printf("Open this in a browser on this computer; whoever has it can read what you read:\n\n  %s\n\n", address);
    json_decref(o);
    return EXIT_DONE;
}
