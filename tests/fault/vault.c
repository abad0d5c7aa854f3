// SPDX-License-Identifier: Apache-2.0
//
// fault-vault: what tests do to a profile that no engine has open. `cheap FOLDER`: its passphrase costs next to nothing from now on, since
// a test opens it hundreds of times. `senders FOLDER`: reads MLSMessages, one a line in hex, and writes a line for each: the epoch,
// the content type, and by the sender data of that epoch leaf and generation; or - where no group of this profile is in that epoch.
// Whatever is under one key and nonce has the same four numbers. The passphrase comes from WHIMBREL_PASSPHRASE.
#include "client/inner.h"

#include "group/group.h"

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

int main(int argc, char **argv)
{
    const char *passphrase = getenv("WHIMBREL_PASSPHRASE");
    if (argc != 3 || passphrase == NULL) return 2;
    const struct vault_secret secret = {.kind = VAULT_PASSPHRASE, .bytes = span_str(passphrase)};
    return strcmp(argv[1], "cheap") == 0 ? cheap(argv[2], &secret) : senders(argv[2], &secret);
}
