// SPDX-License-Identifier: Apache-2.0
//
// A vault with conversations, and what is said in them.
#include "history/test/shelf.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static const uint8_t ring_bytes[VAULT_SECRET] = {1}, self[HISTORY_ACCOUNT] = {0xab};
static const struct vault_secret ring = {.kind = VAULT_KEYRING, .bytes = {ring_bytes, VAULT_SECRET}};

void must_commit(struct scene *s) { assert_ok(db_commit(&s->db)); }

void add_chat(struct scene *s, int64_t id)
{
    db_begin(&s->db);
    char group[20];
    (void)snprintf(group, sizeof group, "%lld", (long long)id);
    sqlite3_stmt *q = db_sql(
        &s->db,
        "INSERT INTO chat(id, group_id, kind, name, contact, asker, relay, log, log_key, log_epoch, cursor, chain,"
        " state, renewed, created) VALUES(?1, ?2, 2, 'Tea', 0, 0, '', x'', x'', 0, 0, x'', 1, 0, 0)");
    db_int(q, 1, id);
    db_blob(q, 2, span_str(group));
    (void)db_run(&s->db, q);
    talk_open(&s->h, id);
    must_commit(s);
}

struct scene *scene_new(void)
{
    struct scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    (void)snprintf(s->folder, sizeof s->folder, "/tmp/whimbrel-history-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    assert_ok(vault_create(s->folder, &ring, &client_tables, &s->vault));
    assert_ok(vault_keep(s->vault));
    db_init(&s->db, vault_db(s->vault));
    history_init(&s->h, &s->db, self);
    add_chat(s, 1);
    return s;
}

static int drop(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void scene_free(struct scene *s)
{
    db_wipe(&s->db);
    vault_close(s->vault);
    (void)nftw(s->folder, drop, 8, FTW_DEPTH | FTW_PHYS);
    free(s);
}

// ------------------------------------------------------------------------------------------------------------- content

void id_of(unsigned n, uint8_t id[CONTENT_ID])
{
    memset(id, 0, CONTENT_ID);
    id[0] = 1;
    memcpy(id + 1, &n, sizeof n);
}

void write_content(int what, unsigned about, const char *text, struct buf *out)
{
    static struct content c;
    const uint8_t salt[CONTENT_SALT] = {7};
    bool reacts = what == REACT || what == UNREACT, none = what == DELETE || what == UNREACT;
    content_init(&c, salt, reacts ? CONTENT_REACTION : CONTENT_RENDER,
                 reacts ? CONTENT_TYPE_PLAIN : CONTENT_TYPE_MARKDOWN, span_str(text));
    if (none) c.parts[0] = (struct content_part){.disposition = c.parts[0].disposition, .cardinality = CONTENT_NULL};
    c.replaces = what >= EDIT;
    c.replies = what == ANSWER || what == REACT;
    id_of(about, c.replaced);
    id_of(about, c.replied);
    assert_ok(content_encode(&c, out));
}

int64_t put(struct scene *s, int64_t chat, unsigned n, int64_t sender, uint64_t seq, int what, unsigned about,
                   const char *text, struct history_effect *effect)
{
    struct history_shape shape;
    struct history_effect none;
    uint8_t id[CONTENT_ID];
    struct buf b;
    buf_init(&b, CONTENT_MESSAGE_MAX);
    write_content(what, about, text, &b);
    id_of(n, id);
    assert_ok(history_shape(buf_span(&b), &shape));
    const struct history_new new = {.chat = chat,
                                    .sender = sender,
                                    .seq = seq,
                                    .time = 1000 + n,
                                    .mimi = id,
                                    .content = buf_span(&b),
                                    .state = sender != 0 ? MESSAGE_RECEIVED
                                             : seq == 0  ? MESSAGE_QUEUED
                                                         : MESSAGE_SENT};
    int64_t message = history_put(&s->h, &new, &shape, effect != NULL ? effect : &none);
    buf_wipe(&b);
    return message;
}
