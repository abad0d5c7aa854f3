// SPDX-License-Identifier: Apache-2.0
//
// Text as a relay's configuration file, and as flags. What is accepted keeps its bounds, and a setting that is refused changes nothing
// and says why; a file that is refused leaves the configuration as it was.
#include "kit.h"

#include "relay/config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[64], path[100];

static bool ends(const char *member, size_t n) { return memchr(member, 0, n) != NULL; }
#define ENDS(m) must(ends(m, sizeof(m)))

static void check(const struct config *c)
{
    ENDS(c->folder);
    ENDS(c->host);
    ENDS(c->secret);
    ENDS(c->certificate);
    ENDS(c->key);
    ENDS(c->site);
    ENDS(c->metrics);
    ENDS(c->user);
    must(c->listens <= CONFIG_LISTEN_MAX && c->host_count <= CONFIG_HOSTS_MAX);
    for (size_t i = 0; i < c->listens; i++) ENDS(c->listen[i]);
    for (size_t i = 0; i < c->host_count; i++) {
        ENDS(c->hosts[i].name);
        must(c->hosts[i].name[0] != 0 && c->hosts[i].quota.id != 0);
        for (size_t k = 0; k < i; k++) must(c->hosts[k].quota.id != c->hosts[i].quota.id);
        must(config_host(c, c->hosts[i].hash) != NULL);
    }
    must(c->port <= 65535 && c->threads <= 16 && c->entry_max >= 1024 && c->entry_max <= WIRE_ENTRY_MAX);
    must(c->in_flight_max >= 1 && c->in_flight_max <= UINT16_MAX && c->follows_max >= 1 &&
         c->follows_max <= UINT16_MAX);
    must(c->retention >= 60 && c->retention <= UINT32_MAX && c->blob_retention >= 60 &&
         c->blob_retention <= UINT32_MAX);
    must(c->blob_max <= (uint64_t)4 << 30 && c->handshake_timeout >= 1 && c->handshake_timeout <= UINT32_MAX / 1000);
    must(c->request_timeout >= 1 && c->idle_timeout >= 1 && c->idle_timeout <= 86400);
    must(c->connections_max >= 1 && c->connections_per_address >= 1 && c->memory >= 1 << 20);
}

static void read_file(struct span text)
{
    static struct config c, before;
    char why[500] = "";
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    must(fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n && close(fd) == 0);
    memset(&c, 0x5a, sizeof c);
    before = c;
    if (config_read(&c, folder, why, sizeof why) == ERR_OK) {
        check(&c);
        must(c.secret[0] != 0);
    } else {
        must(strncmp(why, folder, strlen(folder)) == 0);
        must(memcmp(&c, &before, sizeof c) == 0);
    }
}

static void set_flags(struct feed *f)
{
    static struct config c, before;
    config_init(&c, "/data");
    while (f->n > 0) {
        char why[500] = "", name[64] = "", value[300] = "";
        struct span n = feed_bytes(f), v = feed_bytes(f);
        if (n.n > 0) memcpy(name, n.p, n.n < sizeof name - 1 ? n.n : sizeof name - 1);
        if (v.n > 0) memcpy(value, v.p, v.n < sizeof value - 1 ? v.n : sizeof value - 1);
        before = c;
        if (config_set(&c, name, value, why, sizeof why) != ERR_OK) {
            must(why[0] != 0);
            must(memcmp(&c, &before, sizeof c) == 0);
        }
    }
    check(&c);
}

static void tidy_up(void)
{
    (void)remove(path);
    (void)rmdir(folder);
}

void fuzz_open(void)
{
    bool memory = access("/dev/shm", W_OK) == 0;
    must(snprintf(folder, sizeof folder, "%s/whimbrel-config-XXXXXX", memory ? "/dev/shm" : "/tmp") > 0);
    must(mkdtemp(folder) != NULL);
    must(snprintf(path, sizeof path, "%s/whimbreld.conf", folder) > 0);
    must(atexit(tidy_up) == 0);
}

void fuzz_one(struct span bytes)
{
    struct feed f = {bytes.p, bytes.n};
    if ((feed_u8(&f) & 1) == 0) read_file(feed_rest(&f));
    else set_flags(&f);
}

void fuzz_seeds(const char *to)
{
    static const char *const seeds[][2] = {
        {"small", "@secret = s\n"},
        {"names",
         "@# a file\nhost = relay.example\nport=8443\nlisten = ::\nlisten = 127.0.0.1\nsecret = a-b_c\nuser = relay\n"
         "metrics = 127.0.0.1:9464\nhosting = yes\n"},
        {"paths", "@secret = s\ncertificate = /etc/c.pem\nkey = k.pem\nsite = www\n"},
        {"limits", "@secret = s\nretention = 30d\nblob_retention = 2h\nentry_max = 64K\nlog_max = 10M\nblob_max = 4G\n"
                   "in_flight_max = 64\nfollows_max = 4096\nconnections_max = 20000\nconnections_per_address = 256\n"},
        {"rates",
         "@secret = s\nrate_connection = 2000\nrate_address = 0\nhandshake_timeout = 10s\nrequest_timeout = 30\n"
         "idle_timeout = 1m\nmemory = 256M\ncache = 64M\nthreads = 4\nlog_seconds = 60\n"},
        {"hosts",
         "@secret = s\nhosting_password = town 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff 10 2G\n"
         "hosting_password = village 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff 0 0\n"},
        {"wrong", "@secret = s\nport = 70000\n"},
        {"unknown", "@nonsense\n"},
        {"flags", "A\x04port\x02"
                  "80\x07hosting\x03yes\x06memory\x02"
                  "2M"},
    };
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) kit_seed(to, seeds[i][0], span_str(seeds[i][1]));
}
