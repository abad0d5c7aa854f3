// SPDX-License-Identifier: Apache-2.0
//
// The profile's own commands: how its engine is doing, starting and stopping it, and JSON-RPC for programs.
#include "cmd/text.h"
#include "cmd/whimbrel.h"

static int do_status(struct session *s)
{
    json_t *r = ask(s, "engine.status", NULL);
    if (r != NULL && !s->line->json) {
        const struct text t = text_standard();
        (void)text_line(&t, text_of(r, "name"), SIZE_MAX);
        printf(", %s; %lld still to be done\naccount %s\n", is_set(r, "connected") ? "connected" : "not connected",
               (long long)int_of(r, "waiting"), text_of(r, "account"));
    }
    return finish(s, r, NULL);
}

static int do_start(struct session *s) { return finish(s, json_true(), "The engine runs."); }
// Returns when the profile is closed, so that another engine may open it.
static int do_stop(struct session *s)
{
    json_t *r = ask(s, "engine.stop", NULL), *more;
    while (r != NULL && (more = ask_next(s->fd)) != NULL) json_decref(more);
    return finish(s, r, NULL);
}

static int do_lock(struct session *s) { return finish(s, ask(s, "profile.lock", NULL), "The profile is locked."); }
static int do_unlock(struct session *s) { return finish(s, json_true(), "The profile is open."); }
static int do_rpc(struct session *s) { return ask_bridge(s->fd); }

const struct command self_commands[] = {
    {"status", "", "say how the engine is doing, if one runs", do_status, RUNNING, NULL, NULL},
    {"start", "", "start the engine, which other commands do by themselves", do_start, AN_ENGINE, NULL, NULL},
    {"stop", "", "end the engine; nothing comes or goes until it runs again", do_stop, RUNNING, NULL, NULL},
    {"lock", "", "close the profile; who wants it then needs the passphrase", do_lock, RUNNING, NULL, NULL},
    {"unlock", "", "open it again, which other commands do by themselves", do_unlock, AN_ENGINE, NULL, NULL},
    {"rpc", "", "speak JSON-RPC on standard input and output, for programs", do_rpc, AN_ENGINE, NULL, NULL},
    {"completion", "bash|zsh|fish [WORD...]", "print what makes a shell complete commands and names", do_completion,
     ALONE, NULL,
     "Where whimbrel is installed, shells find it by themselves. Otherwise, in bash: source <(whimbrel completion "
     "bash)\n"
     "With words behind it, which the shell does, it prints what may stand in the place of the last."},
    {NULL, NULL, NULL, NULL, ALONE, NULL, NULL},
};
