// SPDX-License-Identifier: Apache-2.0
//
// The configuration: one table says of every setting its name, type, bounds, default and meaning; reading, writing and flags
// all go by it. Invariant: a file with an error changes nothing.
#include "relay/config.h"

#include "wire/published.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

enum kind { TEXT, NUMBER, BYTES, SECONDS, SWITCH, LISTEN, HOST, WAY };

struct setting {
    const char *name;
    enum kind kind;
    size_t at, size; // its member
    uint64_t least, most;
    const char *standard; // NULL: depends on the folder, or none
    const char *meaning;
};

#define MEMBER(m) offsetof(struct config, m), sizeof((struct config *)NULL)->m
static const uint64_t any = UINT64_MAX / 4096;

static const struct setting settings[] = {
    {"host", TEXT, MEMBER(host), 0, 0, "localhost",
     "The name or address under which clients reach this relay; part of its address."},
    {"port", NUMBER, MEMBER(port), 0, 65535, "443",
     "The port to listen on, and part of the address. 0 takes any free one."},
    {"listen", LISTEN, 0, 0, 0, 0, NULL,
     "Addresses to listen on, one a line; without any: all of IPv6 and IPv4 (\"::\" and \"0.0.0.0\")."},
    {"secret", TEXT, MEMBER(secret), 0, 0, NULL,
     "The path at which the relay is found. Whoever does not know it sees a web site."},
    {"publish", WAY, 0, 0, 0, 0, NULL,
     "Further ways to this relay, one a line, which clients remember for the day on which this one is blocked: "
     "wss://HOST:PORT (another address of it), socks5://HOST:PORT and other links to proxies, bridge lines."},
    {"certificate", TEXT, MEMBER(certificate), 0, 0, NULL, "The certificate and its chain, PEM. Reloaded on SIGHUP."},
    {"key", TEXT, MEMBER(key), 0, 0, NULL,
     "Its private key, PEM. Clients know the relay by it: keep it when the certificate is renewed."},
    {"site", TEXT, MEMBER(site), 0, 0, NULL, "The folder of the web site that strangers see. Reloaded on SIGHUP."},
    {"metrics", TEXT, MEMBER(metrics), 0, 0, "",
     "ADDRESS:PORT on which to tell Prometheus metrics (/metrics) and health (/health); empty: only on the socket in "
     "this folder."},
    {"user", TEXT, MEMBER(user), 0, 0, "", "Started as root, become this user; empty: the owner of this folder."},
    {"threads", NUMBER, MEMBER(threads), 0, 16, "0",
     "Threads for connections; 0: one for each processor, four at most."},
    {"log_seconds", NUMBER, MEMBER(log_seconds), 0, 86400, "60",
     "Times in log lines are rounded down to so many seconds; 0: no times."},
    {"hosting", SWITCH, MEMBER(hosting_open), 0, 0, "no",
     "yes: everybody may create logs and blobs here. no: whoever has a hosting password (`whimbreld host`)."},
    {"hosting_password", HOST, 0, 0, 0, 0, NULL,
     "NAME HASH LOGS BYTES: one hosting password, as `whimbreld host DIR add NAME` writes it."},
    {"retention", SECONDS, MEMBER(retention), 60, 315360000, "30d", "How long entries are kept, at most."},
    {"blob_retention", SECONDS, MEMBER(blob_retention), 60, 315360000, "30d", "How long blobs are kept, at most."},
    {"entry_max", BYTES, MEMBER(entry_max), 1024, WIRE_ENTRY_MAX, "64K", "The largest entry."},
    {"log_max", BYTES, MEMBER(log_max), 65536, any, "64M",
     "How much of a log is kept; beyond that its oldest entries go."},
    {"blob_max", BYTES, MEMBER(blob_max), 1024, (uint64_t)4 << 30, "100M", "The largest blob; 4G at most."},
    {"in_flight_max", NUMBER, MEMBER(in_flight_max), 1, 4096, "64",
     "Requests of one connection that may wait for their answers."},
    {"follows_max", NUMBER, MEMBER(follows_max), 1, 65535, "4096", "Logs that one connection may follow."},
    {"connections_max", NUMBER, MEMBER(connections_max), 1, 1000000, "20000", "Connections, all together."},
    {"connections_per_address", NUMBER, MEMBER(connections_per_address), 1, 1000000, "256",
     "Connections from one address (IPv6: from one /64)."},
    {"rate_connection", NUMBER, MEMBER(rate_connection), 0, 10000000, "2000",
     "Requests a second of one connection, twice that at once; 0: no limit."},
    {"rate_address", NUMBER, MEMBER(rate_address), 0, 10000000, "5000", "The same for one address."},
    {"handshake_timeout", SECONDS, MEMBER(handshake_timeout), 1, 3600, "10s", "How long a TLS handshake may take."},
    {"request_timeout", SECONDS, MEMBER(request_timeout), 1, 3600, "30s",
     "How long a request may take to arrive once it has begun."},
    {"idle_timeout", SECONDS, MEMBER(idle_timeout), 1, 86400, "60s",
     "A silent connection is pinged after this, and closed after as long again."},
    {"memory", BYTES, MEMBER(memory), 1 << 20, any, "256M",
     "Memory for requests in progress, all together; beyond that they are refused. As much again for what waits to be "
     "sent."},
    {"cache", BYTES, MEMBER(cache), 1 << 20, any, "64M", "Memory that the store may use to be quick."},
};
enum { SETTINGS = sizeof settings / sizeof *settings };

// ------------------------------------------------------------------------------------------------------------- values

// A number with a unit: K, M, G (powers of 1024) for bytes; s, m, h, d for seconds. False for anything else.
static bool read_number(const char *text, enum kind kind, uint64_t *out)
{
    static const struct {
        char unit;
        enum kind kind;
        uint64_t times;
    } units[] = {{'K', BYTES, 1 << 10}, {'M', BYTES, 1 << 20}, {'G', BYTES, 1 << 30}, {'s', SECONDS, 1},
                 {'m', SECONDS, 60},    {'h', SECONDS, 3600},  {'d', SECONDS, 86400}};
    char *end;
    if (!isdigit((unsigned char)*text)) return false;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (errno != 0) return false;
    uint64_t times = 1;
    for (size_t i = 0; *end != 0 && i < sizeof units / sizeof *units; i++) {
        if (units[i].kind != kind || units[i].unit != *end) continue;
        times = units[i].times;
        end++;
        break;
    }
    if (*end != 0 || n > UINT64_MAX / times) return false;
    *out = n * times;
    return true;
}

static int hex_digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

static bool read_hash(const char *text, uint8_t out[WIRE_HASH])
{
    if (strlen(text) != 2 * WIRE_HASH) return false;
    for (size_t i = 0; i < WIRE_HASH; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool is_name(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
    return n > 0 && n < CONFIG_NAME_MAX && text[n] == 0;
}

// The host's number in the store: from its name, so that its quota stays its own when lines move.
static uint32_t host_id(const char *name)
{
    uint32_t h = 2166136261U; // FNV-1a
    for (; *name != 0; name++) h = (h ^ (uint8_t)*name) * 16777619U;
    return h == 0 ? 1 : h;
}

static enum err set_host(struct config *c, const char *value, char *why, size_t why_n)
{
    char name[256] = "", hash[256] = "", logs[64] = "", bytes[64] = "", more[2] = "";
    struct config_host h = {0};
    int n = sscanf(value, "%255s %255s %63s %63s %1s", name, hash, logs, bytes, more);
    if (n != 4 || !is_name(name) || !read_hash(hash, h.hash) || !read_number(logs, NUMBER, &h.quota.logs_max) ||
        !read_number(bytes, BYTES, &h.quota.bytes_max)) {
        (void)snprintf(why, why_n, "hosting_password is NAME HASH LOGS BYTES, as `whimbreld host DIR add NAME` writes it");
        return ERR_INVALID;
    }
    memcpy(h.name, name, strlen(name) + 1);
    h.quota.id = host_id(name);
    for (size_t i = 0; i < c->host_count; i++) {
        if (c->hosts[i].quota.id != h.quota.id) continue;
        (void)snprintf(why, why_n, "there are two hosting passwords named %s, or with names too alike; rename one", name);
        return ERR_INVALID;
    }
    if (c->host_count == CONFIG_HOSTS_MAX) {
        (void)snprintf(why, why_n, "there are more than %d hosting passwords", CONFIG_HOSTS_MAX);
        return ERR_LIMIT;
    }
    c->hosts[c->host_count++] = h;
    return ERR_OK;
}

static enum err set_listen(struct config *c, const char *value, char *why, size_t why_n)
{
    if (c->listens == CONFIG_LISTEN_MAX || strlen(value) >= sizeof c->listen[0]) {
        (void)snprintf(why, why_n, "listen takes %d numeric addresses at most", CONFIG_LISTEN_MAX);
        return ERR_LIMIT;
    }
    uint8_t address[sizeof(struct in6_addr)];
    if (inet_pton(AF_INET, value, address) != 1 && inet_pton(AF_INET6, value, address) != 1) {
        (void)snprintf(why, why_n,
                       "listen = %s is no numeric address, like 192.0.2.7 or 2001:db8::7; the port is set with `port`",
                       value);
        return ERR_INVALID;
    }
    memcpy(c->listen[c->listens++], value, strlen(value) + 1);
    return ERR_OK;
}

static bool secret_ok(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
    return n > 0 && text[n] == 0;
}

static enum err set_way(struct config *c, const char *value, char *why, size_t why_n)
{
    if (!published_is_way(span_str(value)) || (strstr(value, "://") == NULL && strncmp(value, "bridge ", 7) != 0)) {
        (void)snprintf(why, why_n,
                       "publish is wss://HOST:PORT, a link to a proxy such as socks5://HOST:PORT, or bridge and a "
                       "bridge line, of at most %d plain characters",
                       CONFIG_WAY_MAX - 1);
        return ERR_INVALID;
    }
    if (c->publishes == CONFIG_PUBLISH_MAX) {
        (void)snprintf(why, why_n, "at most %d ways can be published", CONFIG_PUBLISH_MAX);
        return ERR_LIMIT;
    }
    memcpy(c->publish[c->publishes++], value, strlen(value) + 1);
    return ERR_OK;
}

static enum err set_plain(struct config *c, const struct setting *s, const char *value, char *why, size_t why_n)
{
    char *member = (char *)c + s->at;
    uint64_t n = 0;
    if (s->kind == TEXT) {
        if (strlen(value) >= s->size) {
            (void)snprintf(why, why_n, "%s is longer than %zu characters", s->name, s->size - 1);
            return ERR_LIMIT;
        }
        if (strcmp(s->name, "secret") == 0 && !secret_ok(value)) {
            (void)snprintf(why, why_n, "secret is letters, digits, - and _");
            return ERR_INVALID;
        }
        memcpy(member, value, strlen(value) + 1);
        return ERR_OK;
    }
    if (s->kind == SWITCH) {
        bool yes = strcmp(value, "yes") == 0;
        if (!yes && strcmp(value, "no") != 0) {
            (void)snprintf(why, why_n, "%s is yes or no", s->name);
            return ERR_INVALID;
        }
        memcpy(member, &yes, sizeof yes);
        return ERR_OK;
    }
    if (!read_number(value, s->kind, &n) || n < s->least || n > s->most) {
        (void)snprintf(why, why_n, "%s is a number from %llu to %llu%s", s->name, (unsigned long long)s->least,
                       (unsigned long long)s->most,
                       s->kind == BYTES     ? " (bytes; 64K, 10M and 2G work too)"
                       : s->kind == SECONDS ? " (seconds; 10m, 2h and 30d work too)"
                                            : "");
        return ERR_INVALID;
    }
    memcpy(member, &n, sizeof n);
    return ERR_OK;
}

enum err config_set(struct config *c, const char *name, const char *value, char *why, size_t why_n)
{
    for (size_t i = 0; i < SETTINGS; i++) {
        const struct setting *s = &settings[i];
        if (strcmp(s->name, name) != 0) continue;
        if (s->kind == HOST) return set_host(c, value, why, why_n);
        if (s->kind == LISTEN) return set_listen(c, value, why, why_n);
        if (s->kind == WAY) return set_way(c, value, why, why_n);
        return set_plain(c, s, value, why, why_n);
    }
    (void)snprintf(why, why_n, "there is no setting named %s; `whimbreld init` writes a file with all of them", name);
    return ERR_NOT_FOUND;
}

// ---------------------------------------------------------------------------------------------------------- the file

void config_init(struct config *c, const char *folder)
{
    char why[200];
    *c = (struct config){0};
    (void)snprintf(c->folder, sizeof c->folder, "%s", folder);
    for (size_t i = 0; i < SETTINGS; i++) {
        if (settings[i].standard == NULL) continue;
        if (config_set(c, settings[i].name, settings[i].standard, why, sizeof why) != ERR_OK) abort(); // a wrong table
    }
    config_paths(c);
}

void config_paths(struct config *c)
{
    (void)snprintf(c->certificate, sizeof c->certificate, "%.1000s/certificate.pem", c->folder);
    (void)snprintf(c->key, sizeof c->key, "%.1000s/key.pem", c->folder);
    (void)snprintf(c->site, sizeof c->site, "%.1000s/site", c->folder);
}

static char *trim(char *s)
{
    while (isspace((unsigned char)*s)) s++;
    char *end = s + strlen(s);
    while (end > s && isspace((unsigned char)end[-1])) *--end = 0;
    return s;
}

static enum err read_line(struct config *c, char *line, char *why, size_t why_n)
{
    line = trim(line);
    if (*line == 0 || *line == '#') return ERR_OK;
    char *equals = strchr(line, '=');
    if (equals == NULL) {
        (void)snprintf(why, why_n, "a line is `name = value`, or begins with #");
        return ERR_MALFORMED;
    }
    *equals = 0;
    return config_set(c, trim(line), trim(equals + 1), why, why_n);
}

// A path in the file is one below the folder, unless it begins with /, or with the folder itself.
static enum err root_path(const struct config *c, char path[CONFIG_PATH_MAX])
{
    char below[2 * CONFIG_PATH_MAX];
    size_t n = strlen(c->folder);
    if (path[0] == '/' || path[0] == 0 || (strncmp(path, c->folder, n) == 0 && path[n] == '/')) return ERR_OK;
    int size = snprintf(below, sizeof below, "%s/%s", c->folder, path);
    if (size < 0 || size >= CONFIG_PATH_MAX) return ERR_LIMIT;
    memcpy(path, below, (size_t)size + 1);
    return ERR_OK;
}

enum err config_read(struct config *out, const char *folder, char *why, size_t why_n)
{
    char path[CONFIG_PATH_MAX + 20], line[2048], text[300] = "";
    struct config *c = mem_new(sizeof *c);
    if (c == NULL) return ERR_MEMORY;
    config_init(c, folder);
    (void)snprintf(path, sizeof path, "%.1000s/whimbreld.conf", folder);
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        (void)snprintf(why, why_n, "%s cannot be read (%s); `whimbreld init %s` makes a new relay there", path,
                       strerror(errno), folder);
        mem_free(c);
        return ERR_NOT_FOUND;
    }
    enum err e = ERR_OK;
    for (int number = 1; e == ERR_OK && fgets(line, sizeof line, f) != NULL; number++) {
        if (strlen(line) == sizeof line - 1) e = ERR_LIMIT;
        else e = read_line(c, line, text, sizeof text);
        if (e != ERR_OK) {
            (void)snprintf(why, why_n, "%s, line %d: %s", path, number, e == ERR_LIMIT && !*text ? "the line is too long" : text);
        }
    }
    (void)fclose(f);
    if (e == ERR_OK && !secret_ok(c->secret)) {
        (void)snprintf(why, why_n, "%s has no secret; `whimbreld init` writes one", path);
        e = ERR_INVALID;
    }
    char *const paths[] = {c->certificate, c->key, c->site};
    for (size_t i = 0; e == ERR_OK && i < sizeof paths / sizeof *paths; i++) {
        e = root_path(c, paths[i]);
        if (e != ERR_OK)
            (void)snprintf(why, why_n, "%s: with the folder before it, %s is too long a path", path, paths[i]);
    }
    if (e == ERR_OK) *out = *c;
    mem_free_wiped(c, sizeof *c);
    return e;
}

enum err config_write(const struct config *c, FILE *to)
{
    fputs("# whimbreld's configuration: `name = value` lines. Settings that begin with # have the value that is shown.\n"
          "# After a change: restart the relay, or send it SIGHUP for the certificate, the site, limits and passwords.\n", to);
    for (size_t i = 0; i < SETTINGS; i++) {
        const struct setting *s = &settings[i];
        fprintf(to, "\n# %s\n", s->meaning);
        if (strcmp(s->name, "host") == 0) fprintf(to, "host = %s\n", c->host);
        else if (strcmp(s->name, "port") == 0) fprintf(to, "port = %llu\n", (unsigned long long)c->port);
        else if (strcmp(s->name, "secret") == 0) fprintf(to, "secret = %s\n", c->secret);
        else if (s->kind == LISTEN) fprintf(to, "#listen = ::\n#listen = 0.0.0.0\n");
        else if (s->kind == WAY) fprintf(to, "#publish = wss://other.example:8443\n");
        else if (s->kind == HOST) fprintf(to, "#hosting_password = NAME HASH 100000 10G\n");
        else if (strcmp(s->name, "hosting") == 0) fprintf(to, "hosting = %s\n", c->hosting_open ? "yes" : "no");
        else if (s->standard != NULL) fprintf(to, "#%s = %s\n", s->name, s->standard);
        else fprintf(to, "#%s = %s\n", s->name, strcmp(s->name, "certificate") == 0 ? "certificate.pem"
                                               : strcmp(s->name, "key") == 0       ? "key.pem"
                                                                                   : "site");
    }
    for (size_t i = 0; i < c->listens; i++) fprintf(to, "listen = %s\n", c->listen[i]);
    for (size_t i = 0; i < c->publishes; i++) fprintf(to, "publish = %s\n", c->publish[i]);
    return fflush(to) == 0 && !ferror(to) ? ERR_OK : ERR_IO;
}

const struct config_host *config_host(const struct config *c, const uint8_t hash[WIRE_HASH])
{
    const struct config_host *found = NULL;
    for (size_t i = 0; i < c->host_count; i++) {
        if (mem_equal(c->hosts[i].hash, hash, WIRE_HASH)) found = &c->hosts[i];
    }
    return found;
}

enum err config_add_host(const char *folder, const struct config_host *h)
{
    char path[CONFIG_PATH_MAX + 20], line[512];
    int n = snprintf(line, sizeof line, "hosting_password = %s ", h->name);
    for (size_t i = 0; i < WIRE_HASH; i++) n += snprintf(line + n, sizeof line - (size_t)n, "%02x", h->hash[i]);
    n += snprintf(line + n, sizeof line - (size_t)n, " %llu %llu\n", (unsigned long long)h->quota.logs_max,
                  (unsigned long long)h->quota.bytes_max);
    (void)snprintf(path, sizeof path, "%.1000s/whimbreld.conf", folder);
    int fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC);
    if (fd < 0) return ERR_NOT_FOUND;
    char last = '\n'; // whoever wrote the last line may have left it open
    off_t end = lseek(fd, 0, SEEK_END);
    bool ok = end >= 0 && (end == 0 || pread(fd, &last, 1, end - 1) == 1);
    ok = ok && (last == '\n' || write(fd, "\n", 1) == 1);
    ok = ok && write(fd, line, (size_t)n) == n && fsync(fd) == 0;
    return close(fd) == 0 && ok ? ERR_OK : ERR_IO;
}
