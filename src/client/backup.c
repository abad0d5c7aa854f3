// SPDX-License-Identifier: Apache-2.0
//
// Everything as one archive, and a profile made of it (docs/client.md, "Archives"). Invariant: an archive holds the account, what was said,
// and files, and nothing that only one engine may have: no device, no state of a group, nothing under way. Whoever opens a profile
// made of it has a fresh device, and is no member of anything until others have added that.
#include "client/backup.h"
#include "client/inner.h"

#include "vault/archive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ITEM_TABLE = 1, ITEM_ROW, ITEM_FILE, ITEM_END };
enum { NAME_ROOM = 64, COLUMNS_MAX = 40, VALUE_MAX = 16 << 20, PATH_ROOM = 1200, SQL_ROOM = 4000, PIECE = 16 << 10 };

// What is kept, in an order in which each row's parents come before it. Fresh ones take the place of what is empty here.
static const struct {
    const char *name, *query;
} tables[] = {
    {"self", "SELECT one, name, account_public, account_private, device, x'' AS device_public, x'' AS device_private,"
             " x'' AS cert, relay, password, inbox, inbox_key, package_key, cursor, last FROM self"},
    {"contact", "SELECT * FROM contact"},
    {"device", "SELECT * FROM device"}, // so that whoever's keys have changed since is noticed
    {"invite", "SELECT * FROM invite"},
    {"chat", "SELECT * FROM chat"},
    {"message", "SELECT * FROM message"},
    {"reaction", "SELECT * FROM reaction"},
    {"receipt", "SELECT * FROM receipt"},
    {"talk", "SELECT * FROM talk"},
    {"transfer", "SELECT * FROM transfer WHERE kind = 2 AND state = 5 AND file != ''"}, // files that are here
    {"file",
     "SELECT id, chat, message, sender, 0 AS up, coalesce((SELECT t.id FROM transfer t WHERE t.id = down AND"
     " t.kind = 2 AND t.state = 5 AND t.file != ''), 0) AS down, size, content, failed FROM file WHERE message != 0"},
    {"file_policy", "SELECT * FROM file_policy"},
    {"reach", "SELECT * FROM reach"},
    {"route", "SELECT * FROM route"},
};
enum { TABLES = sizeof tables / sizeof *tables };

// -------------------------------------------------------------------------------------------------------------- writing

static void put_u32(struct archive_out *a, uint32_t v)
{
    const uint8_t b[] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
    archive_put(a, span_of(b, sizeof b));
}

static void put_u8(struct archive_out *a, uint8_t v) { archive_put(a, span_of(&v, 1)); }

static void put_bytes(struct archive_out *a, const void *p, size_t n)
{
    put_u32(a, (uint32_t)n);
    archive_put(a, span_of(p, n));
}

static void put_value(struct archive_out *a, sqlite3_stmt *q, int at)
{
    int type = sqlite3_column_type(q, at);
    put_u8(a, (uint8_t)type);
    if (type == SQLITE_INTEGER) {
        uint64_t v = (uint64_t)sqlite3_column_int64(q, at);
        put_u32(a, (uint32_t)(v >> 32));
        put_u32(a, (uint32_t)v);
    } else if (type != SQLITE_NULL) {
        const void *p = sqlite3_column_blob(q, at); // of text, too
        put_bytes(a, p, (size_t)sqlite3_column_bytes(q, at));
    }
}

// One on its way: what is written next. It goes from one post of the loop to the next, and outlives the engine if that is closed in between.
struct backup {
    struct net_post post;
    struct engine *e; // NULL: it was stopped
    sqlite3 *view;    // the moment at which it began
    struct archive_out *a;
    char folder[PATH_ROOM];
    size_t table;
    sqlite3_stmt *q; // rows of the table; behind the tables: names of files
    int columns;
    int fd; // of the file that is being written; -1
    uint64_t left;
    uint64_t done, size; // ROW_WEIGHT a row, and bytes of files
    uint64_t told;       // per cent
    engine_backed *over;
    void *arg;
};
enum { ROW_WEIGHT = 256, TURN = 64 << 10 }; // a turn of the loop writes so much

static const char files_query[] = "SELECT DISTINCT file FROM transfer WHERE kind = 2 AND state = 5 AND file != ''";

static enum err put_table_head(struct backup *b)
{
    const char *name = tables[b->table].name;
    if (sqlite3_prepare_v2(b->view, tables[b->table].query, -1, &b->q, NULL) != SQLITE_OK) return ERR_CORRUPT;
    b->columns = sqlite3_column_count(b->q);
    put_u8(b->a, ITEM_TABLE);
    put_bytes(b->a, name, strlen(name));
    put_u8(b->a, (uint8_t)b->columns);
    for (int i = 0; i < b->columns; i++)
        put_bytes(b->a, sqlite3_column_name(b->q, i), strlen(sqlite3_column_name(b->q, i)));
    return ERR_OK;
}

// A file of the profile's folder, sealed as it lies there: the key stands in its row.
static enum err put_file_head(struct backup *b, const char *name)
{
    char path[PATH_ROOM + NAME_ROOM];
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/files/%s", b->folder, name);
    b->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (b->fd < 0) return errno == ENOENT ? ERR_OK : ERR_IO; // it can be fetched again
    if (fstat(b->fd, &st) != 0) return ERR_IO;
    b->left = (uint64_t)st.st_size;
    put_u8(b->a, ITEM_FILE);
    put_bytes(b->a, name, strlen(name));
    put_u32(b->a, (uint32_t)(b->left >> 32));
    put_u32(b->a, (uint32_t)b->left);
    return ERR_OK;
}

static enum err put_file_piece(struct backup *b)
{
    uint8_t piece[PIECE];
    ssize_t n = b->left == 0 ? 0 : read(b->fd, piece, b->left < PIECE ? (size_t)b->left : PIECE);
    if (n < 0 || (n == 0 && b->left > 0)) return ERR_IO;
    archive_put(b->a, span_of(piece, (size_t)n));
    b->left -= (uint64_t)n;
    b->done += (uint64_t)n;
    if (b->left > 0) return ERR_OK;
    close(b->fd);
    b->fd = -1;
    return ERR_OK;
}

// The next piece; *end after the last.
static enum err put_next(struct backup *b, bool *end)
{
    char name[NAME_ROOM];
    if (b->fd >= 0) return put_file_piece(b);
    if (b->q == NULL && b->table < TABLES) return put_table_head(b);
    if (b->q == NULL && sqlite3_prepare_v2(b->view, files_query, -1, &b->q, NULL) != SQLITE_OK) return ERR_CORRUPT;
    int rc = sqlite3_step(b->q);
    if (rc == SQLITE_ROW && b->table < TABLES) {
        put_u8(b->a, ITEM_ROW);
        for (int i = 0; i < b->columns; i++) put_value(b->a, b->q, i);
        b->done += ROW_WEIGHT;
        return ERR_OK;
    }
    if (rc == SQLITE_ROW) {
        (void)snprintf(name, sizeof name, "%s", (const char *)sqlite3_column_text(b->q, 0));
        return put_file_head(b, name);
    }
    (void)sqlite3_finalize(b->q);
    b->q = NULL;
    *end = b->table++ == TABLES;
    return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

static void free_backup(struct backup *b)
{
    if (b->fd >= 0) close(b->fd);
    (void)sqlite3_finalize(b->q);
    (void)sqlite3_close_v2(b->view);
    if (b->a != NULL) (void)archive_close(b->a, false);
    b->a = NULL;
    b->q = NULL;
    b->view = NULL;
    b->fd = -1;
}

static void end_backup(struct backup *b, enum err x)
{
    engine_backed *over = b->over;
    void *arg = b->arg;
    if (x == ERR_OK) {
        put_u8(b->a, ITEM_END);
        struct archive_out *a = b->a;
        b->a = NULL;
        x = archive_close(a, true);
    }
    free_backup(b);
    b->e->backup = NULL;
    b->e = NULL;
    over(arg, x);
}

static void tell_progress(struct backup *b)
{
    const struct engine_progress now = {b->done < b->size ? b->done : b->size, b->size};
    uint64_t part = b->size == 0 ? 0 : now.done * 100 / b->size;
    if (part == b->told) return;
    b->told = part;
    engine_tell(b->e, (struct engine_event){.kind = ENGINE_BACKUP, .progress = &now});
}

static void on_turn(struct net_post *p)
{
    struct backup *b = (struct backup *)(void *)((char *)p - offsetof(struct backup, post));
    enum err x = ERR_OK;
    bool end = false;
    if (b->e == NULL) {
        mem_free(b);
        return;
    }
    for (uint64_t to = b->done + TURN; x == ERR_OK && !end && b->done < to;) x = put_next(b, &end);
    if (x == ERR_OK && !end) {
        net_loop_post(b->e->loop, &b->post);
        tell_progress(b);
        return;
    }
    end_backup(b, x);
    mem_free(b);
}

// How much there will be, about.
static enum err weigh(struct backup *b)
{
    char sql[SQL_ROOM];
    for (size_t t = 0; t <= TABLES; t++) {
        sqlite3_stmt *q = NULL;
        if (t < TABLES) (void)snprintf(sql, sizeof sql, "SELECT count(*) * %d FROM (%s)", ROW_WEIGHT, tables[t].query);
        else
            (void)snprintf(sql, sizeof sql,
                           "SELECT coalesce(sum(size), 0) FROM transfer WHERE kind = 2 AND state = 5 AND file != ''");
        if (sqlite3_prepare_v2(b->view, sql, -1, &q, NULL) != SQLITE_OK) return ERR_CORRUPT;
        if (sqlite3_step(q) == SQLITE_ROW) b->size += (uint64_t)sqlite3_column_int64(q, 0);
        if (sqlite3_finalize(q) != SQLITE_OK) return ERR_IO;
    }
    return ERR_OK;
}

enum err engine_backup(struct engine *e, const char *folder, const char *path, struct span passphrase,
                       engine_backed *done, void *arg)
{
    const struct vault_secret secret = {.kind = VAULT_PASSPHRASE, .bytes = passphrase};
    if (e->backup != NULL) return ERR_MISUSE;
    struct backup *b = mem_new(sizeof *b);
    if (b == NULL) return ERR_MEMORY;
    *b = (struct backup){.post = {.fn = on_turn}, .e = e, .fd = -1, .over = done, .arg = arg};
    enum err x = snprintf(b->folder, sizeof b->folder, "%s", folder) < (int)sizeof b->folder ? ERR_OK : ERR_LIMIT;
    if (x == ERR_OK) x = archive_create(path, &secret, &b->a);
    if (x == ERR_OK) x = vault_view(e->vault, &b->view);
    if (x == ERR_OK) x = weigh(b); // the first read: from here on it is one state of it all
    if (x != ERR_OK) {
        free_backup(b);
        mem_free(b);
        return x;
    }
    e->backup = b;
    net_loop_post(e->loop, &b->post);
    return ERR_OK;
}

void engine_backup_stop(struct engine *e)
{
    if (e->backup != NULL) end_backup(e->backup, ERR_REFUSED); // its post frees it
}

// -------------------------------------------------------------------------------------------------------------- reading

struct reading {
    struct engine *e;
    struct archive_in *a;
    const char *folder;
    sqlite3_stmt *insert; // of the table whose rows come
    uint8_t columns;
    size_t next; // table; each comes once, in its order
    struct buf value;
};

static enum err get_u32(struct archive_in *a, uint32_t *out)
{
    uint8_t b[4];
    enum err x = archive_get(a, b, sizeof b);
    *out = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    return x;
}

static enum err get_u64(struct archive_in *a, uint64_t *out)
{
    uint32_t high, low = 0;
    enum err x = get_u32(a, &high);
    if (x == ERR_OK) x = get_u32(a, &low);
    *out = (uint64_t)high << 32 | low;
    return x;
}

// A name of a table, a column or a file: letters, digits and _, so that it can stand in a statement or a path.
static enum err get_name(struct archive_in *a, char out[NAME_ROOM])
{
    uint32_t n;
    enum err x = get_u32(a, &n);
    if (x != ERR_OK) return x;
    if (n == 0 || n >= NAME_ROOM) return ERR_CORRUPT;
    x = archive_get(a, out, n);
    if (x != ERR_OK) return x;
    out[n] = 0;
    return strspn(out, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == n ? ERR_OK : ERR_CORRUPT;
}

static enum err get_table(struct reading *r)
{
    char name[NAME_ROOM], column[NAME_ROOM], sql[SQL_ROOM];
    enum err x = get_name(r->a, name);
    if (x != ERR_OK) return x;
    while (r->next < TABLES && strcmp(tables[r->next].name, name) != 0) r->next++;
    if (r->next++ == TABLES) return ERR_UNSUPPORTED;
    x = archive_get(r->a, &r->columns, 1);
    if (x == ERR_OK && (r->columns == 0 || r->columns > COLUMNS_MAX)) x = ERR_CORRUPT;
    int n = snprintf(sql, sizeof sql, "INSERT OR REPLACE INTO %s(", name);
    for (size_t i = 0; x == ERR_OK && i < r->columns; i++) {
        x = get_name(r->a, column);
        if (x == ERR_OK) n += snprintf(sql + n, sizeof sql - (size_t)n, "%s%s", i > 0 ? ", " : "", column);
    }
    if (x != ERR_OK) return x;
    n += snprintf(sql + n, sizeof sql - (size_t)n, ") VALUES(?1");
    for (size_t i = 1; i < r->columns; i++) n += snprintf(sql + n, sizeof sql - (size_t)n, ", ?%zu", i + 1);
    (void)snprintf(sql + n, sizeof sql - (size_t)n, ")");
    (void)sqlite3_finalize(r->insert);
    r->insert = NULL;
    // A column that is not known here is of a newer version.
    return sqlite3_prepare_v2(r->e->db.h, sql, -1, &r->insert, NULL) == SQLITE_OK ? ERR_OK : ERR_UNSUPPORTED;
}

static enum err get_value(struct reading *r, int at)
{
    uint8_t type = 0;
    uint64_t v;
    uint32_t n;
    enum err x = archive_get(r->a, &type, 1);
    if (x != ERR_OK) return x;
    if (type == SQLITE_NULL) return sqlite3_bind_null(r->insert, at) == SQLITE_OK ? ERR_OK : ERR_MEMORY;
    if (type == SQLITE_INTEGER) {
        x = get_u64(r->a, &v);
        return x != ERR_OK ? x : sqlite3_bind_int64(r->insert, at, (int64_t)v) == SQLITE_OK ? ERR_OK : ERR_MEMORY;
    }
    x = get_u32(r->a, &n);
    if (x != ERR_OK) return x;
    if ((type != SQLITE_TEXT && type != SQLITE_BLOB) || n > VALUE_MAX) return ERR_CORRUPT;
    r->value.n = 0;
    uint8_t *p = buf_grow(&r->value, n + 1);
    x = p == NULL ? ERR_MEMORY : archive_get(r->a, p, n);
    if (x != ERR_OK) return x;
    int rc = type == SQLITE_TEXT ? sqlite3_bind_text(r->insert, at, (const char *)p, (int)n, SQLITE_TRANSIENT)
                                 : sqlite3_bind_blob(r->insert, at, p, (int)n, SQLITE_TRANSIENT);
    return rc == SQLITE_OK ? ERR_OK : ERR_MEMORY;
}

static enum err get_row(struct reading *r)
{
    if (r->insert == NULL) return ERR_CORRUPT;
    for (int i = 1; i <= r->columns; i++) {
        enum err x = get_value(r, i);
        if (x != ERR_OK) return x;
    }
    int rc = sqlite3_step(r->insert);
    (void)sqlite3_reset(r->insert);
    if (rc == SQLITE_DONE) return ERR_OK;
    return rc == SQLITE_FULL || (rc & 0xff) == SQLITE_IOERR ? ERR_IO : ERR_CORRUPT;
}

static enum err get_file(struct reading *r)
{
    char name[NAME_ROOM], path[PATH_ROOM];
    uint8_t piece[PIECE];
    uint64_t left = 0;
    enum err x = get_name(r->a, name);
    if (x == ERR_OK) x = get_u64(r->a, &left);
    if (x != ERR_OK) return x;
    (void)snprintf(path, sizeof path, "%s/files", r->folder);
    if (mkdir(path, 0700) != 0 && errno != EEXIST) return ERR_IO;
    (void)snprintf(path, sizeof path, "%s/files/%s", r->folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return ERR_IO;
    while (x == ERR_OK && left > 0) {
        size_t n = left < PIECE ? (size_t)left : PIECE;
        x = archive_get(r->a, piece, n);
        if (x == ERR_OK && write(fd, piece, n) != (ssize_t)n) x = ERR_IO;
        left -= n;
    }
    if (x == ERR_OK && fsync(fd) != 0) x = ERR_IO;
    close(fd);
    return x;
}

static enum err get_all(struct reading *r)
{
    enum err x = ERR_OK;
    uint8_t item = 0;
    while (x == ERR_OK && item != ITEM_END) {
        x = archive_get(r->a, &item, 1);
        if (x != ERR_OK) break;
        if (item == ITEM_TABLE) x = get_table(r);
        else if (item == ITEM_ROW) x = get_row(r);
        else if (item == ITEM_FILE) x = get_file(r);
        else if (item != ITEM_END) x = ERR_UNSUPPORTED;
    }
    if (x == ERR_OK && (r->next == 0 || !archive_at_end(r->a))) x = ERR_CORRUPT;
    return x;
}

// Asks those with whom one was in conversations to add the fresh device there: who is there in one of two, and in groups whoever has said
// something, of whom the admins can.
static enum err ask_in(struct engine *e)
{
    struct invite i;
    enum err x = ERR_OK;
    sqlite3_stmt *q = db_sql(
        &e->db, "SELECT DISTINCT c.group_id, k.invite FROM chat c JOIN contact k ON k.state = ?1 AND k.invite != x''"
                " AND (k.id = c.contact OR k.id = c.asker OR (c.kind = ?2 AND k.id IN (SELECT sender FROM message WHERE"
                " chat = c.id))) WHERE c.state = ?3");
    db_int(q, 1, CONTACT_KNOWN);
    db_int(q, 2, ROOM_GROUP);
    db_int(q, 3, CHAT_OPEN);
    while (x == ERR_OK && db_row(&e->db, q)) {
        struct span group = db_get(q, 0), invite = db_get(q, 1);
        if (invite_decode(invite, &i) == ERR_OK) x = knock_work(e, &i, invite, group);
    }
    db_done(q);
    return x != ERR_OK ? x : e->db.err;
}

// What was brought becomes a profile with a device of its own: the old one's key packages go from the pool, what was not sent has failed,
// and no conversation has it as a member.
static enum err make_fresh(struct engine *e)
{
    struct self *s = &e->self;
    const struct crypto_suite *suite = crypto_suite(CRYPTO_X25519_AES128_SHA256_ED25519);
    uint8_t old[FORMAT_DEVICE], public[32];
    sqlite3_stmt *q = db_sql(&e->db, "SELECT account_public, account_private, device, relay FROM self");
    if (!db_row(&e->db, q)) return ERR_CORRUPT;
    (void)db_get_fixed(&e->db, q, 0, s->account_public, 32);
    (void)db_get_fixed(&e->db, q, 1, s->account_private, 32);
    (void)db_get_fixed(&e->db, q, 2, old, sizeof old);
    struct span relay = db_get(q, 3);
    (void)snprintf(s->relay, sizeof s->relay, "%.*s", (int)relay.n, (const char *)relay.p);
    db_done(q);
    enum err x = e->db.err;
    if (x == ERR_OK) x = crypto_sig_public(e->crypto, suite, span_of(s->account_private, 32), public);
    if (x == ERR_OK && memcmp(public, s->account_public, 32) != 0) x = ERR_CORRUPT;
    if (x == ERR_OK) x = self_make_device(e);
    if (x != ERR_OK) return x;
    x = self_store_device(e);
    if (x != ERR_OK) return x;
    q = db_sql(&e->db, "UPDATE message SET state = ?1 WHERE state = ?2");
    db_int(q, 1, MESSAGE_FAILED);
    db_int(q, 2, MESSAGE_QUEUED);
    (void)db_run(&e->db, q);
    x = ask_in(e);
    if (x != ERR_OK) return x;
    q = db_sql(&e->db, "UPDATE chat SET state = ?1, behind = 0 WHERE state = ?2");
    db_int(q, 1, CHAT_LEFT);
    db_int(q, 2, CHAT_OPEN);
    (void)db_run(&e->db, q);
    q = db_sql(&e->db, "DELETE FROM chat WHERE state = ?1"); // requests: they can be made again
    db_int(q, 1, CHAT_REQUEST);
    (void)db_run(&e->db, q);
    // Whoever asked stays as somebody who is merely known: in groups there may be messages of theirs, and a number must never become another's.
    q = db_sql(&e->db, "UPDATE contact SET state = ?2 WHERE state = ?1");
    db_int(q, 1, CONTACT_REQUEST);
    db_int(q, 2, CONTACT_STRANGER);
    (void)db_run(&e->db, q);
    (void)work_add(e, &(struct work){.kind = WORK_MAKE_INBOX, .relay = s->relay}); // it exists, or is made again
    (void)work_add(e, &(struct work){.kind = WORK_CLEAR, .relay = s->relay, .what = span_of(old, sizeof old)});
    (void)work_add(e, &(struct work){.kind = WORK_PACKAGES, .relay = s->relay});
    return e->db.err;
}

// Somebody else may have made the archive, and said its passphrase: what stands in a path, and what would send a file of this computer, is as
// an engine writes it.
static enum err check(struct engine *e)
{
    sqlite3_stmt *q =
        db_sql(&e->db, "SELECT 1 FROM transfer WHERE kind != ?1 OR state != ?2 OR path != '' OR file = '' OR"
                       " file GLOB '*[^0-9a-z]*'");
    db_int(q, 1, TRANSFER_DOWN);
    db_int(q, 2, TRANSFER_DONE);
    bool odd = db_row(&e->db, q);
    db_done(q);
    return odd ? ERR_CORRUPT : e->db.err;
}

static enum err fill(struct engine *e, const char *folder, struct archive_in *a)
{
    struct reading r = {.e = e, .a = a, .folder = folder};
    buf_init(&r.value, VALUE_MAX + 1);
    db_begin(&e->db);
    enum err x = get_all(&r);
    (void)sqlite3_finalize(r.insert);
    buf_wipe(&r.value);
    if (x == ERR_OK) x = check(e);
    if (x == ERR_OK) x = make_fresh(e);
    if (x == ERR_OK) return db_commit(&e->db);
    db_rollback(&e->db);
    return x;
}

// What a profile that did not come about leaves; its vault is gone already.
static void remove_files(const char *folder)
{
    char path[PATH_ROOM];
    struct dirent *d;
    (void)snprintf(path, sizeof path, "%s/files", folder);
    DIR *dir = opendir(path);
    while (dir != NULL && (d = readdir(dir)) != NULL) (void)unlinkat(dirfd(dir), d->d_name, 0);
    if (dir != NULL) (void)closedir(dir);
    (void)rmdir(path);
}

enum err engine_restore(const char *folder, const struct vault_secret *secret, const char *path, struct span passphrase)
{
    const struct vault_secret opens = {.kind = VAULT_PASSPHRASE, .bytes = passphrase};
    struct archive_in *a = NULL;
    struct engine *e = mem_new(sizeof *e);
    if (e == NULL) return ERR_MEMORY;
    *e = (struct engine){.world = crypto_system_world()};
    enum err x = archive_open(path, &opens, &a);
    if (x == ERR_OK) x = crypto_new(&e->crypto);
    if (x == ERR_OK) x = vault_create(folder, secret, &client_tables, &e->vault);
    bool begun = x == ERR_OK;
    if (begun) {
        db_init(&e->db, vault_db(e->vault));
        x = fill(e, folder, a);
        if (x == ERR_OK) x = vault_keep(e->vault); // before that there is no profile
        db_wipe(&e->db);
    }
    vault_close(e->vault);
    if (begun && x != ERR_OK) remove_files(folder);
    crypto_free(e->crypto);
    archive_free(a);
    mem_free_wiped(e, sizeof *e);
    return x;
}
