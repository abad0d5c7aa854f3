// SPDX-License-Identifier: Apache-2.0
//
// Making a profile.
#include "client/routes.h"
#include "cmd/profile.h"
#include "cmd/whimbrel.h"
#include "reach/routetext.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

const struct flag init_flags[] = {
    {"name", "NAME", "what you call yourself, as others shall see it"},
    {"relay", "ADDRESS", "your relay's address; whoever runs it tells it. - is a line of standard input"},
    {"password", "PASSWORD", "its hosting password, where it wants one; - is asked for on a terminal"},
    {"password-fd", "N", "read the hosting password from this file descriptor"},
    {"keyring", NULL, "no passphrase: the keyring of your desktop session opens it"},
    {"proxy", "LINK",
     "reach the relay by this proxy or bridge, too; may be given several times. - is a line of standard input"},
    {"tor", NULL, "these SOCKS5 proxies are Tor"},
    {"resolve", NULL, "the proxies' names may be looked up, which the network sees"},
    {"policy", "POLICY", "which ways may be used, from the first packet on: auto, proxy-only, tor-only"},
    {NULL, NULL, NULL},
};

void enclose(void)
{
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)umask(077);
}

// The folder and those above it, for the owner alone.
bool make_folders(const char *path)
{
    char part[FOLDER_MAX];
    (void)snprintf(part, sizeof part, "%s", path);
    for (char *p = part + 1; *p != 0; p++) {
        if (*p != '/') continue;
        *p = 0;
        if (mkdir(part, 0700) != 0 && errno != EEXIST) return false;
        *p = '/';
    }
    return mkdir(part, 0700) == 0 || errno == EEXIST;
}

// What is given with a flag, or by a person at a terminal, who is told what is wrong and asked again. An exit status; an error has been said.
static int given_or_asked(const struct line *l, const char *flag, const char *question,
                          const char *(*wrong)(const char *), char *out, size_t room)
{
    enum { TRIES = 5 };
    const char *given = flag_text(l, flag), *why = NULL;
    if (given != NULL && strcmp(given, "-") == 0) {
        if (!read_line_of(STDIN_FILENO, out, room))
            return say_wrong(EXIT_USAGE, "--%s: no line came from standard input", flag);
        why = wrong(out);
        return why == NULL ? EXIT_DONE : say_wrong(EXIT_USAGE, "--%s: %s", flag, why);
    }
    if (given != NULL) {
        if (snprintf(out, room, "%s", given) >= (int)room) return say_wrong(EXIT_USAGE, "--%s is too long", flag);
        why = wrong(out);
        return why == NULL ? EXIT_DONE : say_wrong(EXIT_USAGE, "--%s: %s", flag, why);
    }
    for (int i = 0; i < TRIES; i++) {
        if (!prompt_line(question, out, room)) return EXIT_FAILED;
        why = wrong(out);
        if (why == NULL) return EXIT_DONE;
        (void)say_wrong(EXIT_USAGE, "%s", why);
    }
    return EXIT_USAGE;
}

static int create(const struct line *l, const struct engine_new *n)
{
    char passphrase[SECRET_MAX]; /* secret */
    const char *why = "";
    bool keyring = flag_on(l, "keyring");
    enclose();
    if (!make_folders(l->profile)) return say_wrong(EXIT_FAILED, "%s cannot be made: %s", l->profile, strerror(errno));
    if (!keyring && !passphrase_get(l, true, passphrase)) return EXIT_PASSPHRASE;
    enum err e = profile_create(l->profile, n, keyring ? span_of(NULL, 0) : span_str(passphrase), &why);
    explicit_bzero(passphrase, sizeof passphrase);
    return e == ERR_OK ? EXIT_DONE : say_wrong(EXIT_FAILED, "%s", why[0] != 0 ? why : err_text(e));
}

// The ways to the relay, which must hold before anything is sent. An exit status; an error has been said.
static int take_routes(const struct line *l, struct route list[REACH_ROUTES_MAX], struct engine_new *n)
{
    char line[2000], place[ROUTE_TEXT]; /* line: secret */
    const char *why = "", *policy = flag_text(l, "policy");
    enum err e = ERR_OK;
    n->routes = list;
    if (policy != NULL && !reach_policy_find(policy, &n->policy))
        return say_wrong(EXIT_USAGE, "--policy is auto, proxy-only or tor-only, not %s", policy);
    for (size_t i = 0; e == ERR_OK && i < l->flag_count; i++) {
        size_t more = 0;
        const char *value = l->flags[i].value;
        if (strcmp(l->flags[i].name, "proxy") != 0) continue;
        if (strcmp(value, "-") == 0) value = read_line_of(STDIN_FILENO, line, sizeof line) ? line : "";
        e = routes_read(span_str(value), flag_on(l, "tor"), flag_on(l, "resolve"), list + n->route_n,
                        REACH_ROUTES_MAX - n->route_n, &more, &why);
        n->route_n += more;
        route_shown(span_str(value), place);
    }
    explicit_bzero(line, sizeof line);
    return e == ERR_OK ? EXIT_DONE : say_wrong(EXIT_USAGE, "--proxy %s: %s", place, why);
}

int do_init(struct session *s)
{
    char name[600], relay[600];
    const struct line *l = s->line;
    if (profile_is_there(l))
        return say_wrong(EXIT_FAILED, "there is a profile in %s already; --profile names another folder", l->profile);
    int asked = given_or_asked(l, "name", "Your name, as others shall see it", engine_wrong_name, name, sizeof name);
    if (asked == EXIT_FAILED) return say_wrong(EXIT_USAGE, "init wants --name NAME: what others shall see");
    if (asked != EXIT_DONE) return asked;
    asked = given_or_asked(l, "relay", "The address of your relay, from whoever runs it (wss://...)",
                           engine_wrong_relay, relay, sizeof relay);
    if (asked == EXIT_FAILED)
        return say_wrong(EXIT_USAGE, "init wants --relay ADDRESS: whoever runs the relay tells it");
    if (asked != EXIT_DONE) return asked;
    char password[SECRET_MAX];           /* secret */
    struct route list[REACH_ROUTES_MAX]; /* secret */
    if (!password_get(l, password)) return EXIT_USAGE;
    struct engine_new n = {.name = name, .relay = relay, .password = password};
    int status = take_routes(l, list, &n);
    if (status == EXIT_DONE) status = create(l, &n);
    explicit_bzero(list, sizeof list);
    explicit_bzero(password, sizeof password);
    if (status != EXIT_DONE) return status;
    if (l->json) printf("{\"profile\": true}\n");
    else if (!l->quiet) {
        printf("Your profile is in %s. Next:\n\n"
               "  whimbrel invite --personal    makes a link for somebody\n"
               "  whimbrel accept LINK          takes one that somebody has sent you\n"
               "  whimbrel ui                   the same and all else in your browser\n",
               l->profile);
    }
    return EXIT_DONE;
}

int do_restore(struct session *s)
{
    char passphrase[SECRET_MAX]; /* secret */
    const char *why = "";
    const struct line *l = s->line;
    if (profile_is_there(l))
        return say_wrong(EXIT_FAILED, "there is a profile in %s already; --profile names another folder", l->profile);
    enclose();
    if (!make_folders(l->profile)) return say_wrong(EXIT_FAILED, "%s cannot be made: %s", l->profile, strerror(errno));
    if (!passphrase_get(l, false, passphrase)) return EXIT_PASSPHRASE;
    enum err e = profile_restore(l->profile, l->words[0], span_str(passphrase), &why);
    explicit_bzero(passphrase, sizeof passphrase);
    if (e != ERR_OK)
        return say_wrong(e == ERR_UNAUTHENTICATED ? EXIT_PASSPHRASE
                         : e == ERR_NOT_FOUND     ? EXIT_NOT_THERE
                                                  : EXIT_FAILED,
                         "%s", why);
    if (l->json) printf("{\"profile\": true}\n");
    say_note(
        l,
        "Your profile is in %s, and the passphrase of the archive opens it. It is a new device of your account: "
        "conversations can be read now, and written to when somebody in them has added it, which their engines do by "
        "themselves. Do not use the profile that the archive was written by any more.",
        l->profile);
    return EXIT_DONE;
}
