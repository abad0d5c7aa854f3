// SPDX-License-Identifier: Apache-2.0
//
// What opens a profile (profile.h). Invariant: a secret that only the keyring has is never the one way to open a profile unless the
// keyring has taken it.
#include "cmd/profile.h"

#include "client/backup.h"
#include "cmd/keyring.h"
#include "reach/routetext.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { PATH_ROOM = 1100 };

static struct vault_secret by_passphrase(struct span text)
{
    return (struct vault_secret){.kind = VAULT_PASSPHRASE, .bytes = text};
}

static struct vault_secret by_keyring(const uint8_t secret[VAULT_SECRET])
{
    return (struct vault_secret){.kind = VAULT_KEYRING, .bytes = span_of(secret, VAULT_SECRET)};
}

// The secret that the vault was sealed with goes to the keyring, under the vault's name for it.
static enum err keep(const char *folder, const uint8_t secret[VAULT_SECRET], const char **why)
{
    _Static_assert((int)KEYRING_SECRET == (int)VAULT_SECRET, "the keyring keeps the vault's secret");
    char name[VAULT_KEYRING_NAME];
    enum err e = vault_keyring_name(folder, name);
    if (e == ERR_OK) e = keyring_keep(name, secret);
    if (e == ERR_REFUSED) *why = keyring_text;
    return e;
}

static void remove_profile(const char *folder)
{
    static const char *const files[] = {"keys", "profile.db", "profile.db-wal", "profile.db-shm"};
    char path[PATH_ROOM];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        (void)unlink(path);
    }
}

enum err profile_create(const char *folder, const struct engine_new *n, struct span passphrase, const char **why)
{
    uint8_t fresh[VAULT_SECRET]; /* secret */
    bool keyring = passphrase.p == NULL;
    if (keyring && getrandom(fresh, sizeof fresh, 0) != (ssize_t)sizeof fresh) return ERR_RANDOM;
    const struct vault_secret secret = keyring ? by_keyring(fresh) : by_passphrase(passphrase);
    enum err e = engine_create(folder, &secret, n, why);
    if (e != ERR_OK && (*why)[0] == 0) *why = e == ERR_INVALID ? "a passphrase has 1 to 1,024 bytes" : vault_text(e);
    if (e == ERR_OK && keyring) {
        e = keep(folder, fresh, why);
        if (e != ERR_OK) remove_profile(folder); // which nobody could open
    }
    mem_wipe(fresh, sizeof fresh);
    return e;
}

// A proxy in the environment is one that nothing may go past: so one that cannot be used is an error, and no way around it.
static enum err environment(struct route *proxy, struct engine_settings *settings, const char **why)
{
    static char text[200];
    const char *wrong = "", *value = getenv("ALL_PROXY");
    if (value == NULL || value[0] == 0) value = getenv("all_proxy");
    *proxy = (struct route){0};
    if (value == NULL || value[0] == 0) return ERR_OK;
    enum err e = route_read_variable(span_str(value), proxy, &wrong);
    if (e == ERR_OK) settings->proxy = proxy;
    (void)snprintf(text, sizeof text, "ALL_PROXY is set, and is no proxy that can be used: %s", wrong);
    if (e != ERR_OK) *why = text;
    return e;
}

enum err profile_restore(const char *folder, const char *archive, struct span passphrase, const char **why)
{
    const struct vault_secret secret = by_passphrase(passphrase);
    enum err e = engine_restore(folder, &secret, archive, passphrase);
    *why = e == ERR_NOT_FOUND         ? "there is no such archive"
           : e == ERR_UNSUPPORTED     ? "that is no archive of Whimbrel's, or one of a newer version"
           : e == ERR_UNAUTHENTICATED ? "that is not the passphrase of this archive"
           : e == ERR_CORRUPT         ? "the archive is damaged, or not all of it is here; nothing was made of it"
           : e == ERR_REFUSED         ? "there is a profile already; --profile names another folder"
           : e == ERR_IO              ? "the archive cannot be read, or the profile not be written: is the disk full?"
                                      : err_text(e);
    return e;
}

enum err profile_open(struct net_loop *loop, const char *folder, struct span passphrase,
                      void (*event)(void *arg, const struct engine_event *e), void *arg, struct engine **out,
                      const char **why)
{
    struct engine_settings settings = {0};
    struct route proxy;          /* secret */
    uint8_t found[VAULT_SECRET]; /* secret */
    char name[VAULT_KEYRING_NAME];
    bool keyring = passphrase.p == NULL;
    enum err e = environment(&proxy, &settings, why);
    if (e != ERR_OK) return e;
    if (keyring) e = vault_keyring_name(folder, name);
    if (e == ERR_OK && keyring) e = keyring_find(name, found);
    if (e == ERR_REFUSED) {
        *why = keyring_text;
        return e;
    }
    const struct vault_secret secret = keyring ? by_keyring(found) : by_passphrase(passphrase);
    if (e == ERR_OK) e = engine_open(loop, folder, &secret, &settings, event, arg, out);
    if (e != ERR_OK) *why = vault_text(e);
    mem_wipe(&proxy, sizeof proxy);
    mem_wipe(found, sizeof found);
    return e;
}

// Whoever changes what opens a profile knows its passphrase, if it has one.
static enum err check_now(struct engine *e, const char *folder, struct span now, const char **why)
{
    unsigned kinds = 0;
    const struct vault_secret secret = by_passphrase(now);
    enum err x = vault_kinds(folder, &kinds);
    if (x != ERR_OK || (kinds & 1U << VAULT_PASSPHRASE) == 0) return x;
    x = now.n == 0 ? ERR_UNAUTHENTICATED : vault_check_secret(engine_vault(e), &secret);
    if (x == ERR_UNAUTHENTICATED) *why = "that is not the present passphrase; nothing was changed";
    return x;
}

enum err profile_passphrase(struct engine *e, const char *folder, struct span now, struct span next, const char **why)
{
    const struct vault_secret secret = by_passphrase(next);
    enum err x = check_now(e, folder, now, why);
    if (x == ERR_OK) x = vault_set_secret(engine_vault(e), &secret);
    if (x == ERR_INVALID) *why = "a passphrase has 1 to 1,024 bytes; nothing was changed";
    return x;
}

// Whether it does so already; `alone` tells whether nothing else opens the profile.
static bool keyring_opens(struct engine *e, const char *folder, bool *alone)
{
    uint8_t found[VAULT_SECRET]; /* secret */
    char name[VAULT_KEYRING_NAME];
    unsigned kinds = 0;
    const struct vault_secret secret = by_keyring(found);
    *alone = vault_kinds(folder, &kinds) == ERR_OK && kinds == 1U << VAULT_KEYRING;
    bool opens = vault_keyring_name(folder, name) == ERR_OK && keyring_find(name, found) == ERR_OK &&
                 vault_check_secret(engine_vault(e), &secret) == ERR_OK;
    mem_wipe(found, sizeof found);
    return opens;
}

static enum err keyring_on(struct engine *e, const char *folder, const char **why)
{
    uint8_t fresh[VAULT_SECRET]; /* secret */
    bool alone = false;
    if (keyring_opens(e, folder, &alone)) return ERR_OK;
    if (alone) { // the keyring may only be closed now: its secret must not be replaced
        *why = keyring_text;
        return ERR_REFUSED;
    }
    if (getrandom(fresh, sizeof fresh, 0) != (ssize_t)sizeof fresh) return ERR_RANDOM;
    const struct vault_secret secret = by_keyring(fresh);
    enum err x = vault_set_secret(engine_vault(e), &secret);
    if (x == ERR_OK) x = keep(folder, fresh, why);
    if (x == ERR_REFUSED && vault_drop_secret(engine_vault(e), VAULT_KEYRING) != ERR_OK) x = ERR_IO;
    mem_wipe(fresh, sizeof fresh);
    return x;
}

static enum err keyring_off(struct engine *e, const char *folder, const char **why)
{
    char name[VAULT_KEYRING_NAME];
    enum err x = vault_keyring_name(folder, name);
    if (x == ERR_NOT_FOUND) return ERR_OK;
    if (x == ERR_OK) x = vault_drop_secret(engine_vault(e), VAULT_KEYRING);
    if (x == ERR_MISUSE) *why = "nothing but the keyring opens this profile; give it a passphrase first: `whimbrel passphrase`";
    if (x == ERR_OK) keyring_forget(name);
    return x;
}

enum err profile_keyring(struct engine *e, const char *folder, struct span now, bool on, const char **why)
{
    enum err x = check_now(e, folder, now, why);
    if (x != ERR_OK) return x;
    return on ? keyring_on(e, folder, why) : keyring_off(e, folder, why);
}
