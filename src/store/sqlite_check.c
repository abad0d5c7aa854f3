// SPDX-License-Identifier: Apache-2.0
//
// What an operator asks of a store: whether it is sound, and a copy of it. Both read one moment, whatever is written meanwhile.
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct complaint {
    void (*tell)(void *arg, const char *text);
    void *arg;
};

// What each of these finds is wrong.
static const char *const faults[] = {
    "PRAGMA integrity_check(100)",
    "SELECT 'a log lacks entries between its first and its last' FROM entry GROUP BY log"
    " HAVING max(seq) - min(seq) + 1 != count(*)",
    "SELECT 'entries of a log that is not there' FROM entry WHERE log NOT IN (SELECT number FROM log WHERE alive) "
    "LIMIT 1",
    "SELECT 'key packages of a log that is not there' FROM package WHERE log NOT IN (SELECT number FROM log WHERE "
    "alive)"
    " LIMIT 1",
    "SELECT 'the sums of a log do not fit its entries' FROM (SELECT total - length(payload) - lag(total)"
    " OVER (PARTITION BY log ORDER BY seq) AS off FROM entry) WHERE off != 0 LIMIT 1",
    "SELECT 'a log counts on from behind its entries' FROM log l JOIN (SELECT log, max(seq) AS seq FROM entry GROUP BY "
    "log) e"
    " ON e.log=l.number WHERE l.next > e.seq + 1 LIMIT 1",
    "SELECT 'the grants of a log are none' FROM log WHERE length(grants) % 49 != 0 OR length(id) != 32 LIMIT 1",
    "SELECT 'what a host is said to use is not what its logs hold' FROM usage u LEFT JOIN"
    " (SELECT l.host AS host, count(*) AS logs, sum(coalesce(e.bytes, 0)) AS bytes FROM log l LEFT JOIN"
    " (SELECT log, sum(length(payload)) AS bytes FROM entry GROUP BY log) e ON e.log=l.number WHERE l.alive GROUP BY "
    "l.host) x"
    " ON x.host=u.host WHERE u.logs != coalesce(x.logs, 0) OR u.bytes != coalesce(x.bytes, 0) LIMIT 1",
};

static enum err ask(sqlite3 *h, const char *sql, const char *file, const struct complaint *c)
{
    sqlite3_stmt *q = NULL;
    char text[400];
    enum err e = sqlite_prepare(h, sql, &q);
    while (e == ERR_OK && sqlite_step(q, &e)) {
        const char *found = (const char *)sqlite3_column_text(q, 0);
        if (found == NULL || strcmp(found, "ok") == 0) continue;
        (void)snprintf(text, sizeof text, "%s: %.300s", file, found);
        c->tell(c->arg, text);
    }
    (void)sqlite3_finalize(q);
    if (e != ERR_CORRUPT) return e;
    (void)snprintf(text, sizeof text, "%s: pages that cannot be read", file);
    c->tell(c->arg, text);
    return ERR_OK;
}

static enum err check_logs(struct store_reader *r, const struct complaint *c)
{
    enum err e = sqlite_err(sqlite3_exec(r->db.h, "BEGIN", NULL, NULL, NULL));
    for (size_t i = 0; e == ERR_OK && i < sizeof faults / sizeof *faults; i++)
        e = ask(r->db.h, faults[i], "store.db", c);
    (void)sqlite3_exec(r->db.h, "COMMIT", NULL, NULL, NULL);
    return e;
}

enum err sqlite_check(struct store_reader *r, void (*complain)(void *arg, const char *text), void *arg)
{
    const struct complaint c = {complain, arg};
    size_t missing = 0;
    char text[100];
    enum err e = check_logs(r, &c);
    if (e == ERR_OK) e = ask(r->blobs, faults[0], "blobs.db", &c);
    if (e == ERR_OK) e = blob_check(r, &missing);
    if (e == ERR_OK && missing > 0) {
        (void)snprintf(text, sizeof text, "blobs: %zu files are missing, or shorter than they were", missing);
        complain(arg, text);
    }
    return e == ERR_CORRUPT ? ERR_OK : e; // then it has been said
}

// The folder that a file is in: its name there is to be durable, too.
static enum err sync_beside(const char *file)
{
    char folder[SQLITE_PATH_MAX];
    const char *slash = strrchr(file, '/');
    size_t n = slash == NULL ? 0 : slash == file ? 1 : (size_t)(slash - file);
    if (n >= sizeof folder) return ERR_LIMIT;
    (void)snprintf(folder, sizeof folder, "%.*s", n == 0 ? 1 : (int)n, n == 0 ? "." : file);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) close(fd);
    return ok ? ERR_OK : ERR_IO;
}

enum err sqlite_backup(struct store_reader *r, const char *file)
{
    sqlite3_stmt *q = NULL;
    int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600); // VACUUM INTO takes an empty file
    if (fd < 0) return errno == EEXIST ? ERR_REFUSED : ERR_IO;
    enum err e = sqlite_prepare(r->db.h, "VACUUM INTO ?1", &q);
    if (e == ERR_OK) {
        (void)sqlite3_bind_text(q, 1, file, -1, SQLITE_STATIC);
        (void)sqlite_step(q, &e);
    }
    (void)sqlite3_finalize(q);
    if (e == ERR_OK && fsync(fd) != 0) e = ERR_IO;
    close(fd);
    if (e == ERR_OK) e = sync_beside(file);
    if (e != ERR_OK) (void)unlink(file);
    return e;
}
