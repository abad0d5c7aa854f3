// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as what an archive holds, behind its encryption: somebody may make an archive for somebody else, and say its passphrase. Either
// there is an error and no profile, or there is a profile that opens, whose conversations, people, files and routes can be listed, that sends no
// file of this computer, and that knows files by plain names only.
#include "kit.h"

#include "client/backup.h"
#include "client/inner.h"
#include "client/routes.h"

#include "vault/archive.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t ring_bytes[VAULT_SECRET] = {7};
static const struct vault_secret ring = {.kind = VAULT_KEYRING, .bytes = {ring_bytes, sizeof ring_bytes}};
static const struct span words = {(const uint8_t *)"four quite random words", 23};
static char base[64];

// ---------------------------------------------------------------------------- in the place of vault/archive.c: no cipher, and no file

struct archive_in {
    struct span left;
};
struct archive_out {
    struct buf *to;
};
static struct span input;
static struct buf written;

enum err archive_open(const char *path, const struct vault_secret *secret, struct archive_in **out)
{
    (void)path;
    (void)secret;
    *out = mem_new(sizeof **out);
    if (*out == NULL) return ERR_MEMORY;
    (*out)->left = input;
    return ERR_OK;
}

enum err archive_get(struct archive_in *a, void *to, size_t n)
{
    if (n > a->left.n) return ERR_CORRUPT;
    if (n > 0) memcpy(to, a->left.p, n);
    a->left = span_of(a->left.p + n, a->left.n - n);
    return ERR_OK;
}

bool archive_at_end(struct archive_in *a) { return a->left.n == 0; }
void archive_free(struct archive_in *a) { mem_free(a); }

enum err archive_create(const char *path, const struct vault_secret *secret, struct archive_out **out)
{
    (void)path;
    (void)secret;
    *out = mem_new(sizeof **out);
    if (*out == NULL) return ERR_MEMORY;
    (*out)->to = &written;
    return ERR_OK;
}

void archive_put(struct archive_out *a, struct span bytes) { buf_put(a->to, bytes); }

enum err archive_close(struct archive_out *a, bool keep)
{
    (void)keep;
    enum err e = buf_end(a->to);
    mem_free(a);
    return e;
}

// ------------------------------------------------------------------------------------------------------------ the profile

static int drop_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static void drop(const char *path) { (void)nftw(path, drop_one, 16, FTW_DEPTH | FTW_PHYS); }
static void drop_base(void) { drop(base); }

void fuzz_open(void)
{
    struct stat st;
    (void)snprintf(base, sizeof base, "%s/whimbrel-fuzz-XXXXXX", stat("/dev/shm", &st) == 0 ? "/dev/shm" : "/tmp");
    must(mkdtemp(base) != NULL);
    must(atexit(drop_base) == 0);
}

// Nothing leaves this computer, whatever an input names.
static const struct route nowhere = {.kind = ROUTE_SOCKS5, .login = SOCKS5_OPEN, .host = "/nowhere"};
static const struct engine_settings usual = {.packages = 1, .proxy = &nowhere};

struct turn {
    struct net_post post;
    struct net_loop *loop;
};
static void on_turn(struct net_post *p) { net_loop_stop(((struct turn *)(void *)p)->loop); }

static void end_loop(struct net_loop *loop)
{
    struct turn t = {.post.fn = on_turn, .loop = loop};
    net_loop_post(loop, &t.post);
    net_loop_run(loop);
    net_loop_free(loop);
}

static void on_event(void *arg, const struct engine_event *e)
{
    (void)arg;
    (void)e;
}

static void each_message(void *arg, const struct history_message *m)
{
    (void)arg;
    must(m->id > 0);
}

static void each_chat(void *arg, const struct history_chat *c)
{
    const struct history_page page = {.chat = c->id, .limit = 20};
    (void)engine_messages(arg, &page, each_message, arg);
    (void)engine_pinned(arg, c->id, each_message, arg);
}

static void each_contact(void *arg, const struct engine_contact *c)
{
    char number[61];
    (void)engine_safety(arg, c->id, number);
}

static void look(const char *folder)
{
    struct engine *e = NULL;
    struct net_loop *loop = NULL;
    must_ok(net_loop_new(&loop));
    enum err x = engine_open(loop, folder, &ring, &usual, on_event, NULL, &e);
    must(x == ERR_OK || x == ERR_CORRUPT);
    if (x == ERR_OK) {
        sqlite3_stmt *q = db_sql(&e->db, "SELECT count(*) FROM transfer WHERE path != '' OR file GLOB '*[^0-9a-z]*'");
        must(db_row(&e->db, q) && db_get_int(q, 0) == 0);
        db_done(q);
        (void)engine_chats(e, 0, each_chat, e);
        (void)engine_contacts(e, 0, each_contact, e);
        engine_close(e);
    }
    end_loop(loop);
}

static enum err restore(struct span bytes)
{
    char folder[100];
    input = bytes;
    (void)snprintf(folder, sizeof folder, "%s/profile", base);
    must(mkdir(folder, 0700) == 0);
    enum err x = engine_restore(folder, &ring, "archive", words);
    if (x == ERR_OK) look(folder);
    if (x != ERR_OK) { // nothing is left of it, but the lock
        char lock[120];
        (void)snprintf(lock, sizeof lock, "%s/lock", folder);
        (void)unlink(lock);
        must(rmdir(folder) == 0);
    }
    drop(folder);
    return x;
}

void fuzz_one(struct span bytes) { (void)restore(bytes); }

// ----------------------------------------------------------------------------------------------------------------- seeds

static void on_written(void *arg, enum err e)
{
    must_ok(e);
    net_loop_pause(arg);
}

// A profile with a row of each kind: its own, and what only others can bring.
static void furnish(struct engine *e, const char *folder)
{
    static const char rows[] =
        "INSERT INTO contact VALUES(7, randomblob(32), randomblob(32), 'Bob', x'', 1, 1, 5, 0);"
        "INSERT INTO device VALUES(7, randomblob(32), 5);"
        "INSERT INTO chat VALUES(9, randomblob(32), 2, 'Tea', 0, 7, 'wss://r', randomblob(32), randomblob(32), 3, 4, randomblob(32), 1,"
        " 2, 3, 0, 5);"
        "INSERT INTO message VALUES(11, 9, 4, randomblob(32), 7, 5, 3, 1, x'', 0, 0, 0, 0, 0, 'text/plain', 'hello', x'');"
        "INSERT INTO transfer VALUES(13, 2, 5, 1, 1, 'wss://r', '', randomblob(32), x'', randomblob(32), randomblob(4), 5, randomblob(32), 0,"
        " '', 0, '0123456789abcdef', 5, '');"
        "INSERT INTO file VALUES(1, 9, 11, 7, 0, 13, 5, x'', '');"
        "INSERT INTO route VALUES(2, 2, 1, '127.0.0.1', 9, '', '', 0, '', '', '');";
    char path[200];
    int64_t chat = 0, message = 0;
    must_ok(engine_self_chat(e, &chat));
    must_ok(engine_say_text(e, chat, span_str("milk *and* bread"), &message));
    must_ok(engine_pin(e, chat, message, true));
    must(sqlite3_exec(e->db.h, rows, NULL, NULL, NULL) == SQLITE_OK);
    (void)snprintf(path, sizeof path, "%s/files", folder);
    (void)mkdir(path, 0700);
    (void)snprintf(path, sizeof path, "%s/files/0123456789abcdef", folder);
    FILE *f = fopen(path, "wbe");
    must(f != NULL && fwrite("hello", 1, 5, f) == 5 && fclose(f) == 0);
}

void fuzz_seeds(const char *folder)
{
    char from[100];
    char relay[LINK_ADDRESS_TEXT];
    link_address_write(&(struct link_address){.host = "127.0.0.1", .port = 9, .secret = "secret"}, relay);
    const struct engine_new n = {.name = "me", .relay = relay};
    const char *why = NULL;
    struct engine *e = NULL;
    struct net_loop *loop = NULL;
    (void)snprintf(from, sizeof from, "%s/from", base);
    must(mkdir(from, 0700) == 0);
    must_ok(engine_create(from, &ring, &n, &why));
    for (size_t i = 0; i < 2; i++) {
        must_ok(net_loop_new(&loop));
        must_ok(engine_open(loop, from, &ring, &usual, on_event, NULL, &e));
        if (i == 1) furnish(e, from);
        buf_init(&written, 1 << 20);
        must_ok(engine_backup(e, from, "archive", words, on_written, loop));
        net_loop_run(loop); // until on_written
        kit_seed(folder, i == 0 ? "bare" : "furnished", buf_span(&written));
        must_ok(restore(buf_span(&written)));
        buf_wipe(&written);
        engine_close(e);
        end_loop(loop);
    }
}
