// SPDX-License-Identifier: Apache-2.0
//
// A relay's data folder, from the operator's side: making one, its address, and asking, checking, copying and tidying it.
#include "relay/control.h"
#include "relay/relay.h"

#include "base/base64.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { SECRET_BYTES = 24 };

const char *relay_store_text(enum err e)
{
    switch (e) {
    case ERR_REFUSED: return "another relay runs with this folder; stop it first";
    case ERR_UNSUPPORTED: return "the store is of another program, or of a newer whimbreld; use that, or another folder";
    case ERR_CORRUPT: return "the store is damaged; `whimbreld check` says where. Put a backup in its place";
    case ERR_NOT_FOUND: return "there is no store yet: the relay has never run with this folder";
    case ERR_IO: return "the store cannot be opened; see that the folder is writable, and the disk neither full nor broken";
    default: return err_text(e);
    }
}

// ----------------------------------------------------------------------------------------------------------- making one

static enum err write_text(const char *folder, const char *name, const char *text)
{
    char path[CONFIG_PATH_MAX + 40];
    (void)snprintf(path, sizeof path, "%.1000s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) return ERR_IO;
    size_t n = strlen(text);
    bool ok = write(fd, text, n) == (ssize_t)n;
    return close(fd) == 0 && ok ? ERR_OK : ERR_IO;
}

// A page such as a server that nobody has set up shows.
static enum err make_site(const char *site)
{
    if (mkdir(site, 0755) != 0) return ERR_IO;
    enum err e = write_text(site, "index.html",
                            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
                            "<meta name=\"viewport\" content=\"width=device-width\">\n<title>Welcome</title>\n"
                            "<h1>Welcome</h1>\n<p>This site is under construction.</p>\n</html>\n");
    if (e == ERR_OK) e = write_text(site, "robots.txt", "User-agent: *\nDisallow:\n");
    return e;
}

// *made tells whether it was not there before.
static enum err make_folder(const char *folder, bool *made, char *why, size_t why_n)
{
    *made = mkdir(folder, 0700) == 0;
    if (*made) return ERR_OK;
    DIR *d = errno == EEXIST ? opendir(folder) : NULL;
    bool empty = d != NULL;
    for (struct dirent *f; d != NULL && (f = readdir(d)) != NULL;) empty = empty && f->d_name[0] == '.';
    if (empty && fchmod(dirfd(d), 0700) != 0) { // who lets a folder be made beforehand may not have thought of others
        closedir(d);
        (void)snprintf(why, why_n, "%s belongs to somebody else (%s); a new relay wants a folder of its own", folder,
                       strerror(errno));
        return ERR_REFUSED;
    }
    if (d != NULL) closedir(d);
    if (empty) return ERR_OK;
    (void)snprintf(why, why_n, d != NULL ? "%s is not empty; a new relay wants a folder of its own"
                                         : "%s cannot be made or read; is its parent there, and writable?", folder);
    return ERR_REFUSED;
}

// After a failure, all that was written goes: the next try finds an empty folder, or none.
static void unmake(const struct config *c, bool made)
{
    char path[CONFIG_PATH_MAX + 40];
    const char *const names[] = {"index.html", "robots.txt"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%.1000s/%s", c->site, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(c->site);
    (void)unlink(c->certificate);
    (void)unlink(c->key);
    (void)snprintf(path, sizeof path, "%.1000s/whimbreld.conf", c->folder);
    (void)unlink(path);
    if (made) (void)rmdir(c->folder);
}

static enum err write_config(struct config *c, char *why, size_t why_n)
{
    char path[CONFIG_PATH_MAX + 40];
    uint8_t secret[SECRET_BYTES];
    if (c->secret[0] == 0) {
        if (getrandom(secret, sizeof secret, 0) != sizeof secret) return ERR_RANDOM;
        base64_encode(span_of(secret, sizeof secret), c->secret);
    }
    (void)snprintf(path, sizeof path, "%.1000s/whimbreld.conf", c->folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    enum err e = f == NULL ? ERR_IO : config_write(c, f);
    if (f != NULL && fclose(f) != 0) e = ERR_IO;
    if (e != ERR_OK) (void)snprintf(why, why_n, "%s cannot be written (%s)", path, strerror(errno));
    return e;
}

enum err relay_init(const struct config *given, char *why, size_t why_n)
{
    struct config *c = mem_new(sizeof *c);
    if (c == NULL) return ERR_MEMORY;
    *c = *given;
    config_paths(c); // what a failure removes must be what init has made
    bool made = false;
    enum err e = make_folder(c->folder, &made, why, why_n);
    if (e != ERR_OK) {
        mem_free_wiped(c, sizeof *c);
        return e;
    }
    e = net_tls_generate(c->host, c->certificate, c->key);
    if (e == ERR_INVALID)
        (void)snprintf(why, why_n, "host = %s is neither a name (letters, digits, - and .) nor an address", c->host);
    else if (e != ERR_OK && why[0] == 0) (void)snprintf(why, why_n, "the key cannot be made: %s", err_text(e));
    if (e == ERR_OK) e = make_site(c->site);
    if (e == ERR_OK) e = write_config(c, why, why_n);
    if (e != ERR_OK) unmake(c, made);
    mem_free_wiped(c, sizeof *c);
    return e;
}

void relay_address_of(const struct config *c, const struct net_tls *tls, char out[RELAY_ADDRESS_MAX])
{
    uint8_t pin[32];
    char text[44], port[8] = "";
    net_tls_pin(tls, pin);
    base64_encode(span_of(pin, sizeof pin), text);
    bool v6 = strchr(c->host, ':') != NULL;
    if (c->port != 443) (void)snprintf(port, sizeof port, ":%u", (unsigned)(uint16_t)c->port);
    (void)snprintf(out, RELAY_ADDRESS_MAX, "wss://%s%s%s%s/%s#%s", v6 ? "[" : "", c->host, v6 ? "]" : "", port,
                   c->secret, text);
}

enum err relay_address(const struct config *c, char out[RELAY_ADDRESS_MAX], char *why, size_t why_n)
{
    struct net_tls *tls = NULL;
    enum err e = net_tls_server(c->certificate, c->key, &tls);
    if (e != ERR_OK) {
        (void)snprintf(why, why_n, "%s or %s cannot be read", c->certificate, c->key);
        return e;
    }
    relay_address_of(c, tls, out);
    net_tls_unref(tls);
    return ERR_OK;
}

enum err relay_password_hash(const char *password, uint8_t hash[WIRE_HASH])
{
    struct crypto *crypto = NULL;
    enum err e = crypto_new(&crypto);
    if (e == ERR_OK) e = relay_hash(crypto, (const uint8_t *)password, strlen(password), hash);
    crypto_free(crypto);
    return e;
}

// ---------------------------------------------------------------------------------------------------------- asking it

enum err relay_ask(const char *folder, const char *path, struct buf *out)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char text[2100];
    if (snprintf(a.sun_path, sizeof a.sun_path, "%s/control", folder) >= (int)sizeof a.sun_path) return ERR_LIMIT;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return ERR_IO;
    if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
        close(fd);
        return ERR_NOT_FOUND;
    }
    struct buf all;
    buf_init(&all, 1 << 20);
    int n = snprintf(text, sizeof text, "GET %s HTTP/1.0\r\n\r\n", path);
    bool ok = send(fd, text, (size_t)n, MSG_NOSIGNAL) == n;
    for (ssize_t got; ok && (got = recv(fd, text, sizeof text, 0)) > 0;) buf_put(&all, span_of(text, (size_t)got));
    close(fd);
    const uint8_t *end = ok && all.n > 0 ? memmem(all.p, all.n, "\r\n\r\n", 4) : NULL;
    if (end != NULL) buf_put(out, span_of(end + 4, (size_t)(all.p + all.n - end) - 4));
    buf_wipe(&all);
    return end == NULL ? ERR_IO : buf_end(out);
}

// ------------------------------------------------------------------------------------------------------- its store

static enum err open_store(const struct config *c, bool read_only, struct store **out, char *why, size_t why_n)
{
    const struct store_settings settings = {.log_max = c->log_max, .retention = (uint32_t)c->retention,
                                            .blob_retention = (uint32_t)c->blob_retention, .blob_max = c->blob_max,
                                            .cache = (size_t)c->cache, .read_only = read_only};
    enum err e = store_sqlite.open(c->folder, &settings, out);
    if (e != ERR_OK) (void)snprintf(why, why_n, "%s: %s", c->folder, relay_store_text(e));
    return e;
}

struct complaints {
    FILE *to;
    size_t n;
};

static void complain(void *arg, const char *text)
{
    struct complaints *c = arg;
    fprintf(c->to, "%s\n", text);
    c->n++;
}

enum err relay_check(const struct config *c, FILE *to, size_t *faults, char *why, size_t why_n)
{
    struct store *s = NULL;
    struct store_reader *r = NULL;
    struct complaints all = {.to = to};
    enum err e = open_store(c, true, &s, why, why_n);
    if (e != ERR_OK) return e;
    e = store_sqlite.reader_new(s, &r);
    if (e == ERR_OK) e = store_sqlite.check(r, complain, &all);
    if (e != ERR_OK) (void)snprintf(why, why_n, "%s: %s", c->folder, relay_store_text(e));
    if (r != NULL) store_sqlite.reader_free(r);
    store_sqlite.close(s);
    *faults = all.n;
    return e;
}

enum err relay_backup(const struct config *c, const char *file, char *why, size_t why_n)
{
    struct store *s = NULL;
    struct store_reader *r = NULL;
    if (access(file, F_OK) == 0) {
        (void)snprintf(why, why_n, "%s exists already; name a file that does not", file);
        return ERR_REFUSED;
    }
    enum err e = open_store(c, true, &s, why, why_n);
    if (e != ERR_OK) return e;
    e = store_sqlite.reader_new(s, &r);
    if (e != ERR_OK) {
        (void)snprintf(why, why_n, "%s: %s", c->folder, relay_store_text(e));
    } else if ((e = store_sqlite.backup(r, file)) != ERR_OK) {
        (void)snprintf(why, why_n, "%s cannot be written: %s. Is its folder there and writable, and the disk not full?",
                       file, err_text(e));
    }
    if (r != NULL) store_sqlite.reader_free(r);
    store_sqlite.close(s);
    return e;
}

enum err relay_gc(const struct config *c, char *why, size_t why_n)
{
    struct store *s = NULL;
    bool more = true;
    char path[CONFIG_PATH_MAX + 40];
    (void)snprintf(path, sizeof path, "%.1000s/store.db", c->folder);
    if (access(path, F_OK) != 0) { // one that is made now would belong to whoever tidies, and not to the relay
        (void)snprintf(why, why_n, "%s: %s", c->folder, relay_store_text(ERR_NOT_FOUND));
        return ERR_NOT_FOUND;
    }
    enum err e = open_store(c, false, &s, why, why_n);
    if (e != ERR_OK) return e;
    while (e == ERR_OK && more) e = store_sqlite.expire(s, relay_now(), &more);
    for (more = true; e == ERR_OK && more;) e = store_sqlite.blob_expire(s, relay_now(), &more);
    if (e != ERR_OK) (void)snprintf(why, why_n, "%s: %s", c->folder, relay_store_text(e));
    store_sqlite.close(s);
    return e;
}
