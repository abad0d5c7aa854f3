// SPDX-License-Identifier: Apache-2.0
//
// The profile's own commands: how its engine is doing, starting and stopping it, and JSON-RPC for programs.
#include "cmd/text.h"
#include "cmd/whimbrel.h"

#include <stdlib.h>
#include <string.h>

static int do_status(struct session *s)
{
    json_t *o = ask(s, "profile.status", NULL);
    if (o == NULL || strcmp(text_of(o, "state"), "open") != 0)
        return finish(s, o,
                      is_set(o, "passphrase") || is_set(o, "keyring")
                          ? "The engine runs; the profile is locked, and nothing comes or goes."
                          : "The engine runs; there is no profile yet.");
    json_decref(o);
    json_t *r = ask(s, "engine.status", NULL);
    if (r != NULL && !s->line->json) {
        const struct text t = text_standard();
        long long waiting = (long long)int_of(r, "waiting");
        const char *relay = text_of(r, "relay") + strspn(text_of(r, "relay"), "ws:/"); // its path is a secret
        (void)text_line(&t, text_of(r, "name"), SIZE_MAX);
        printf("\n%s the relay at %.*s; ", is_set(r, "connected") ? "connected with" : "not connected with",
               (int)strcspn(relay, "/"), relay);
        if (waiting == 0) printf("nothing waits\n");
        else printf("%lld piece%s of work wait%s for the network\n", waiting, waiting == 1 ? "" : "s", waiting == 1 ? "s" : "");
        printf("account %s\n", text_of(r, "account"));
    }
    return finish(s, r, NULL);
}

static int do_start(struct session *s) { return finish(s, json_true(), "The engine runs."); }
// Returns when the profile is closed, so that another engine may open it.
static int do_stop(struct session *s)
{
    json_t *r = ask(s, "engine.stop", NULL);
    if (r != NULL) ask_end(s->fd);
    return finish(s, r, NULL);
}

static int do_lock(struct session *s) { return finish(s, ask(s, "profile.lock", NULL), "The profile is locked."); }
static int do_unlock(struct session *s) { return finish(s, json_true(), "The profile is open."); }
static int do_rpc(struct session *s) { return ask_bridge(s->fd); }

static int set_one(struct session *s)
{
    char *end;
    const char *value = s->line->words[1];
    long long n = strtoll(value, &end, 10);
    if (*end != 0 || end == value) return say_wrong(EXIT_USAGE, "%s is no number", value);
    json_t *params = json_pack("{s:s, s:I}", "name", s->line->words[0], "value", (json_int_t)n);
    return finish(s, ask(s, "settings.set", params), NULL);
}

static int do_settings(struct session *s)
{
    size_t i;
    json_t *o;
    if (s->line->n == 1) return say_wrong(EXIT_USAGE, "what is it to be? whimbrel settings NAME VALUE");
    if (s->line->n == 2) return set_one(s);
    json_t *list = ask(s, "settings.list", NULL);
    if (list == NULL || s->line->json) return finish(s, list, NULL);
    const struct text t = text_standard();
    json_array_foreach (list, i, o) {
        char *about = NULL;
        if (asprintf(&about, "%s (%lld to %lld)", text_of(o, "about"), (long long)int_of(o, "least"),
                     (long long)int_of(o, "most")) < 0)
            abort();
        size_t at = (size_t)printf("%-14s %6lld  ", text_of(o, "name"), (long long)int_of(o, "value"));
        (void)text_wrap(&t, about, at, at);
        putchar('\n');
        free(about);
    }
    say_note(s->line, "`whimbrel file storage` has what is fetched unasked, `route` which ways may be used, `chat "
                      "timer` and `chat receipts` "
                      "what holds in a conversation, `keyring` and `passphrase` what opens the profile.");
    return finish(s, list, NULL);
}

const struct command self_commands[] = {
    {"status", "", "say how the engine is doing, if one runs", do_status, RUNNING, NULL, NULL},
    {"start", "", "start the engine, which other commands do by themselves", do_start, AN_ENGINE, NULL, NULL},
    {"stop", "", "end the engine; nothing comes or goes until it runs again", do_stop, RUNNING, NULL, NULL},
    {"lock", "", "close the profile; who wants it then needs the passphrase", do_lock, RUNNING, NULL, NULL},
    {"unlock", "", "open it again, which other commands do by themselves", do_unlock, AN_ENGINE, NULL, NULL},
    {"passphrase", "", "change the passphrase", do_passphrase, AN_ENGINE, passphrase_flags,
     "The present one is asked for first, or comes from --passphrase-fd or WHIMBREL_PASSPHRASE."},
    {"keyring", "[on|off]", "let the keyring of your desktop session open the profile, besides the passphrase",
     do_keyring, AN_ENGINE, NULL,
     "For desktops whose keyring opens when you log in; it takes the program secret-tool (Debian: libsecret-tools). "
     "Whoever can\n"
     "use your session can open the profile then. Alone it says whether that is so."},
    {"settings", "[NAME] [VALUE]", "show how the engine does what it does by itself, or change it", do_settings,
     AN_ENGINE, NULL, NULL},
    {"rpc", "", "speak JSON-RPC on standard input and output, for programs", do_rpc, AN_ENGINE, NULL, NULL},
    {"completion", "bash|zsh|fish [WORD...]", "print what makes a shell complete commands and names", do_completion,
     ALONE, NULL,
     "Where whimbrel is installed, shells find it by themselves. Otherwise, in bash: source <(whimbrel completion "
     "bash)\n"
     "With words behind it, which the shell does, it prints what may stand in the place of the last."},
    {NULL, NULL, NULL, NULL, ALONE, NULL, NULL},
};
