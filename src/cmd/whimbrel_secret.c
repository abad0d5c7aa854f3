// SPDX-License-Identifier: Apache-2.0
//
// What opens the profile: another passphrase, and the system's keyring. Whoever changes it knows the present passphrase, even while the
// profile is open: somebody else's computer, left alone, is not enough.
#include "cmd/progress.h"
#include "cmd/whimbrel.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

const struct flag passphrase_flags[] = {
    {"new-passphrase-fd", "N", "read the new passphrase from this file descriptor"},
    {NULL, NULL, NULL},
};

const struct flag archive_flags[] = {
    {"new-passphrase-fd", "N", "read the archive's passphrase from this file descriptor"},
    {NULL, NULL, NULL},
};

// Puts the present passphrase into the parameters, if there is one. False after an error, which has been said.
static bool add_now(struct session *s, json_t *params)
{
    char now[SECRET_MAX]; /* secret */
    json_t *o = ask(s, "profile.status", NULL);
    bool there = is_set(o, "passphrase");
    json_decref(o);
    if (o == NULL || !there) return o != NULL;
    if (!passphrase_get(s->line, false, now)) {
        s->status = EXIT_PASSPHRASE;
        return false;
    }
    (void)json_object_set_new(params, "now", json_string(now));
    explicit_bzero(now, sizeof now);
    return true;
}

int do_passphrase(struct session *s)
{
    char next[SECRET_MAX]; /* secret */
    json_t *params = json_object();
    bool ok = add_now(s, params);
    if (ok && !passphrase_new(s->line, next)) {
        s->status = EXIT_PASSPHRASE;
        ok = false;
    }
    if (!ok) {
        json_decref(params);
        return s->status;
    }
    (void)json_object_set_new(params, "next", json_string(next));
    explicit_bzero(next, sizeof next);
    return finish(s, ask(s, "profile.passphrase", params), "From now on the new passphrase opens this profile.");
}

int do_keyring(struct session *s)
{
    const char *word = s->line->n > 0 ? s->line->words[0] : NULL;
    bool on = word != NULL && strcmp(word, "on") == 0;
    if (word == NULL) {
        json_t *o = ask(s, "profile.status", NULL);
        return finish(s, o,
                      is_set(o, "keyring") ? "The keyring opens this profile." : "The keyring does not open this profile.");
    }
    if (!on && strcmp(word, "off") != 0) return say_wrong(EXIT_USAGE, "it is on or off; not %s", word);
    json_t *params = json_pack("{s:b}", "on", on);
    if (!add_now(s, params)) {
        json_decref(params);
        return s->status;
    }
    return finish(s, ask(s, "profile.keyring", params),
                  on ? "From now on the keyring of your desktop session opens this profile: whoever can use the session can."
                     : "The keyring does not open this profile any more.");
}

int do_backup(struct session *s)
{
    char path[PATH_MAX], fresh[SECRET_MAX], size[SIZE_TEXT]; /* secret */
    const char *word = s->line->words[0];
    bool fits = word[0] == '/' ? snprintf(path, sizeof path, "%s", word) < (int)sizeof path
                               : getcwd(path, sizeof path) != NULL && strlen(path) + strlen(word) + 2 < sizeof path;
    if (!fits) return say_wrong(EXIT_USAGE, "the path is too long");
    if (word[0] != '/') (void)snprintf(path + strlen(path), sizeof path - strlen(path), "/%s", word);
    if (access(path, F_OK) == 0) return say_wrong(EXIT_FAILED, "there is a file %s already; nothing was written", word);
    if (!passphrase_archive(s->line, fresh)) return EXIT_PASSPHRASE;
    json_t *r = ask(s, "profile.backup", json_pack("{s:s, s:s}", "path", path, "passphrase", fresh));
    explicit_bzero(fresh, sizeof fresh);
    if (r != NULL)
        say_note(s->line,
                 "%s, %s. Whoever has it and its passphrase is you: keep both, apart from each other. `whimbrel "
                 "restore` makes "
                 "a profile of it.",
                 word, size_text((uint64_t)int_of(r, "size"), size));
    return finish(s, r, NULL);
}
