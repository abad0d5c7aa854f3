// SPDX-License-Identifier: Apache-2.0
//
// fault-vault: what tests do to a profile that no engine has open. `cheap FOLDER`: its passphrase costs next to nothing from now on, since
// a test opens it hundreds of times. `senders FOLDER`: reads MLSMessages, one a line in hex, and writes a line for each: the epoch,
// the content type, and by the sender data of that epoch leaf and generation; or - where no group of this profile is in that epoch.
// Whatever is under one key and nonce has the same four numbers. `secrets FOLDER`: what must be nowhere once the profile is closed, a line
// each: a name and hex. The passphrase comes from WHIMBREL_PASSPHRASE.
#include "client/inner.h"

#include "group/group.h"
#include "vault/keys.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINE = 1 << 18 };

static int fail(const char *what, enum err e)
{
    fprintf(stderr, "fault-vault: %s: %s\n", what, err_text(e));
    return 1;
}

static int cheap(const char *folder, const struct vault_secret *secret)
{
    struct vault *v = NULL;
    const struct vault_secret now = {.kind = VAULT_PASSPHRASE, .bytes = secret->bytes, .passes = 1, .memory_kib = 1024};
    enum err e = vault_open(folder, secret, &client_tables, &v);
    if (e == ERR_OK) e = vault_set_secret(v, &now);
    vault_close(v);
    return e == ERR_OK ? 0 : fail(folder, e);
}

static size_t from_hex(const char *text, uint8_t *out)
{
    size_t n = 0;
    for (unsigned byte; sscanf(text + 2 * n, "%2x", &byte) == 1; n++) out[n] = (uint8_t)byte;
    return n;
}

static bool tell(struct chat *c, const struct private_message *m)
{
    struct sender_data s;
    struct mls_group *g = chat_group(c);
    if (g == NULL || !span_eq(m->group_id, buf_span(&g->id)) || m->epoch != mls_group_epoch(g)) return false;
    if (private_open_sender(&g->algo, m, &g->now.secrets.sender_data, &s) != ERR_OK) return false;
    printf("%ju %d %u %u\n", (uintmax_t)m->epoch, (int)m->content_type, s.leaf, s.generation);
    return true;
}

static void look_at(struct engine *e, struct span message)
{
    struct private_message m;
    enum wire_format format = WIRE_PUBLIC;
    struct tls_reader r = tls_reader_of(message);
    bool told = false;
    if (message_open(&r, &format) == ERR_OK && format == WIRE_PRIVATE) {
        private_message_read(&r, &m);
        for (struct chat *c = e->chats; r.err == ERR_OK && !told && c != NULL; c = c->next) told = tell(c, &m);
    }
    if (!told) printf("-\n");
}

static void no_event(void *arg, const struct engine_event *e)
{
    (void)arg;
    (void)e;
}

static int senders(const char *folder, const struct vault_secret *secret)
{
    static const struct engine_settings settings;
    static char line[LINE];
    static uint8_t bytes[LINE / 2];
    struct net_loop *loop = NULL;
    struct engine *engine = NULL;
    enum err e = net_loop_new(&loop);
    if (e == ERR_OK) e = engine_open(loop, folder, secret, &settings, no_event, NULL, &engine); // its loop never runs
    if (e != ERR_OK) return fail(folder, e);
    while (fgets(line, sizeof line, stdin) != NULL) look_at(engine, span_of(bytes, from_hex(line, bytes)));
    return 0; // the process ends, and all it has with it
}

static void print_secret(const char *name, struct span s)
{
    printf("%s ", name);
    for (size_t i = 0; i < s.n; i++) printf("%02x", s.p[i]);
    printf("\n");
}

static enum err print_vault_key(const char *folder, const struct vault_secret *secret)
{
    char path[1000];
    uint8_t bytes[KEYS_FILE_MAX], key[KEYS_KEY];
    struct keys keys;
    (void)snprintf(path, sizeof path, "%s/keys", folder);
    FILE *f = fopen(path, "rb");
    if (f == NULL) return ERR_NOT_FOUND;
    size_t n = fread(bytes, 1, sizeof bytes, f);
    (void)fclose(f);
    enum err e = keys_decode(span_of(bytes, n), &keys);
    if (e == ERR_OK) e = keys_open(&keys, secret, key);
    if (e == ERR_OK) print_secret("vault", span_of(key, sizeof key));
    return e;
}

static int secrets(const char *folder, const struct vault_secret *secret)
{
    static const char *const sql[] = {
        "SELECT 'account', account_private FROM self UNION ALL SELECT 'device', device_private FROM self",
        "SELECT 'inbox', inbox_key FROM self UNION ALL SELECT 'packages', package_key FROM self",
        "SELECT 'log', log_key FROM chat UNION ALL SELECT 'invitation', key FROM invite",
        "SELECT 'package', substr(private, -32) FROM package", // a private key ends it
        // of the group's records those that are secret (enum record_kind)
        ("SELECT 'record-' || hex(key), substr(value, -32) FROM record WHERE length(value) >= 32 AND"
         " substr(key, 1, 1) IN (x'03', x'04', x'06', x'08', x'09', x'0a', x'0c', x'0d', x'0f', x'10', x'11', x'12')"),
    };
    struct vault *v = NULL;
    struct db db;
    enum err e = print_vault_key(folder, secret);
    if (e == ERR_OK) e = vault_open(folder, secret, &client_tables, &v);
    if (e != ERR_OK) return fail(folder, e);
    db_init(&db, vault_db(v));
    for (size_t i = 0; i < sizeof sql / sizeof *sql; i++) {
        sqlite3_stmt *q = db_sql(&db, sql[i]);
        while (db_row(&db, q)) print_secret((const char *)sqlite3_column_text(q, 0), db_get(q, 1));
    }
    e = db.err;
    db_wipe(&db);
    vault_close(v);
    return e == ERR_OK ? 0 : fail(folder, e);
}

int main(int argc, char **argv)
{
    const char *passphrase = getenv("WHIMBREL_PASSPHRASE");
    if (argc != 3 || passphrase == NULL) return 2;
    const struct vault_secret secret = {.kind = VAULT_PASSPHRASE, .bytes = span_str(passphrase)};
    if (strcmp(argv[1], "secrets") == 0) return secrets(argv[2], &secret);
    return strcmp(argv[1], "cheap") == 0 ? cheap(argv[2], &secret) : senders(argv[2], &secret);
}
