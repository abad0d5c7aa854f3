// SPDX-License-Identifier: Apache-2.0
//
// bench/transfer: what files cost on their way, beside their floors in the same run: build/bench-transfer [-m MEGABYTES]. A relay runs in a process
// of its own; everything else is one thread on the same processors. Floors: bytes over bare TLS, blobs appended and read by a
// client that neither seals nor stores, and sealing alone. docs/performance.md holds such a table.
#include "bench/daemon.h"
#include "bench/peer.h"
#include "transfer/transfer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHUNK = 65536, DEPTH = 32 };

static uint64_t bytes = (uint64_t)500 * 1000 * 1000;
static uint8_t chunk[CHUNK];

// Processor seconds of this process.
static double cpu(void)
{
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static double began, busy; // when, by the wall's clock and by the processor's

static void begin(void)
{
    busy = cpu();
    began = peer_now();
}

static double row(const char *what, double floor, const char *of)
{
    double rate = (double)bytes / 1e6 / (peer_now() - began), own = (double)bytes / 1e6 / (cpu() - busy);
    if (floor > 0) printf("| %s | %.0f MB/s | %.2f of %s | %.0f MB/s |\n", what, rate, rate / floor, of, own);
    else printf("| %s | %.0f MB/s | | %.0f MB/s |\n", what, rate, own);
    (void)fflush(stdout);
    return rate;
}

// --------------------------------------------------------------------------------------------------------------- floors

static uint64_t asked, answered, total;
static uint8_t blob[WIRE_ID], key[WIRE_KEY];

// Reads all, and says so with one byte.
static void swallow(SSL *ssl)
{
    static uint8_t room[CHUNK];
    uint64_t got = 0;
    int n;
    while (got < bytes && (n = SSL_read(ssl, room, sizeof room)) > 0) got += (uint64_t)n;
    (void)SSL_write(ssl, "x", 1);
}

static SSL_CTX *server_context(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    peer_check(ctx != NULL && pair != NULL && x != NULL, "TLS");
    (void)X509_gmtime_adj(X509_getm_notBefore(x), 0);
    (void)X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    (void)X509_set_pubkey(x, pair);
    peer_check(X509_sign(x, pair, EVP_sha256()) > 0 && SSL_CTX_use_certificate(ctx, x) == 1 &&
                   SSL_CTX_use_PrivateKey(ctx, pair) == 1,
               "a certificate");
    return ctx;
}

static double bare_tls(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof a;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    peer_check(bind(listener, (struct sockaddr *)&a, sizeof a) == 0 && listen(listener, 1) == 0 &&
                   getsockname(listener, (struct sockaddr *)&a, &n) == 0,
               "listen");
    pid_t child = fork();
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        SSL *ssl = SSL_new(server_context());
        (void)SSL_set_fd(ssl, accept(listener, NULL, NULL));
        if (SSL_accept(ssl) == 1) swallow(ssl);
        _exit(0);
    }
    struct peer p = {0};
    uint8_t end = 0;
    peer_open(&p, ntohs(a.sin_port), NULL, 0);
    begin();
    for (uint64_t at = 0; at < bytes; at += CHUNK)
        peer_send_raw(&p, span_of(chunk, bytes - at < CHUNK ? bytes - at : CHUNK));
    while (SSL_read(p.ssl, &end, 1) <= 0) (void)usleep(50);
    double rate = row("bytes over bare TLS, one way: the floor", 0, "");
    peer_close(&p);
    (void)waitpid(child, NULL, 0);
    close(listener);
    return rate;
}

static void append_next(struct peer *p)
{
    if (asked >= total) return;
    size_t n = total - asked < CHUNK ? (size_t)(total - asked) : CHUNK;
    peer_send(p,
              &(struct wire_request){
                  .type = WIRE_BLOB_APPEND, .blob = blob, .key = key, .offset = asked, .payload = span_of(chunk, n)});
    asked += n;
}

static void appended(struct peer *p, const struct wire_reply *r)
{
    peer_check(r->type == WIRE_R_BLOB, "blob_append");
    answered++;
    append_next(p);
}

static void read_next(struct peer *p)
{
    if (asked >= total) return;
    peer_send(p, &(struct wire_request){.type = WIRE_BLOB_READ, .blob = blob, .offset = asked, .limit = CHUNK});
    asked += CHUNK;
}

static void was_read(struct peer *p, const struct wire_reply *r)
{
    peer_check(r->type == WIRE_R_CHUNK, "blob_read");
    answered++;
    read_next(p);
}

static bool all_answered(void) { return answered * CHUNK >= total; }

static void run(struct peer *p, void (*next)(struct peer *p), void (*got)(struct peer *p, const struct wire_reply *r))
{
    asked = answered = 0;
    begin();
    for (int i = 0; i < DEPTH; i++) next(p);
    peer_run(p, 1, got, all_answered);
}

static void blob_floors(const struct daemon_process *d, double tls, double *up, double *down)
{
    struct peer p = {0};
    struct wire_reply r;
    total = bytes;
    peer_check(getrandom(blob, sizeof blob, 0) == sizeof blob && getrandom(key, sizeof key, 0) == sizeof key, "random");
    peer_open(&p, d->port, d->path, 1 << 20);
    peer_send(&p, &(struct wire_request){.type = WIRE_BLOB_CREATE, .blob = blob, .key = key, .size = total});
    peer_wait(&p, &r);
    peer_check(r.type == WIRE_R_OK, "blob_create");
    run(&p, append_next, appended);
    *up = row("a blob appended by a bare client", tls, "TLS");
    peer_send(&p, &(struct wire_request){.type = WIRE_BLOB_SEAL, .blob = blob, .key = key, .size = total});
    peer_wait(&p, &r);
    peer_check(r.type == WIRE_R_OK, "blob_seal");
    run(&p, read_next, was_read);
    *down = row("a blob read by a bare client", tls, "TLS");
    peer_close(&p);
}

static void sealing(void)
{
    static const struct file_key k = {.key = {1}};
    struct crypto *c = NULL;
    struct crypto_digest *digest = NULL;
    const struct crypto_suite *s = crypto_suite(CRYPTO_X25519_AES128_SHA256_ED25519);
    peer_check(crypto_new(&c) == ERR_OK && crypto_digest_new(c, s, &digest) == ERR_OK, "crypto");
    uint64_t chunks = bytes / FILE_CHUNK;
    begin();
    for (uint64_t i = 0; i + 1 < chunks; i++) {
        peer_check(file_seal(c, &k, bytes, i, span_of(chunk, FILE_CHUNK), chunk) == ERR_OK, "seal");
        peer_check(crypto_digest_update(digest, span_of(chunk, FILE_SEALED)) == ERR_OK, "digest");
    }
    (void)row("sealing and digest alone", 0, "");
    crypto_digest_free(digest);
    crypto_free(c);
}

// ------------------------------------------------------------------------------------------------------------ transfers

static const uint8_t ring_bytes[VAULT_SECRET] = {1};
static const struct vault_secret ring = {.kind = VAULT_KEYRING, .bytes = {ring_bytes, VAULT_SECRET}};
static const char *const versions[] = {transfer_tables};
static const struct vault_migrations tables = {versions, 1};

struct hall {
    char folder[200], files[220], path[220], address[LINK_ADDRESS_TEXT];
    struct net_loop *loop;
    struct link *link;
    struct vault *vault;
    struct db db;
    struct crypto *crypto;
    struct transfers *t;
    struct transfer_ref ref;
    bool up;
};

static void on_up(void *arg, const struct wire_reply *hello)
{
    struct hall *h = arg;
    (void)hello;
    h->up = true;
    transfer_wake(h->t);
}

static void on_down(void *arg, const struct link_failure *why, uint32_t retry_ms)
{
    (void)arg;
    (void)why;
    (void)retry_ms;
    peer_check(false, "the link");
}

static void on_push(void *arg, const struct wire_reply *push)
{
    (void)arg;
    (void)push;
}

static struct link *on_link(void *arg, const char *relay)
{
    struct hall *h = arg;
    (void)relay;
    return h->up ? h->link : NULL;
}

static enum err on_ended(void *arg, const struct transfer_info *i)
{
    struct hall *h = arg;
    h->ref = *i->ref;
    return ERR_OK;
}

static void on_told(void *arg, const struct transfer_info *i)
{
    struct hall *h = arg;
    if (i->state == TRANSFER_FAILED) peer_check(false, i->why);
    if (i->state == TRANSFER_DONE) net_loop_pause(h->loop);
}

static void make_file(const struct hall *h)
{
    FILE *f = fopen(h->path, "w");
    peer_check(f != NULL, "a file");
    for (uint64_t at = 0; at < bytes; at += CHUNK)
        peer_check(fwrite(chunk, bytes - at < CHUNK ? bytes - at : CHUNK, 1, f) == 1, "a file");
    peer_check(fclose(f) == 0, "a file");
}

static void hall_open(struct hall *h, const struct daemon_process *d)
{
    static const struct link_events events = {.up = on_up, .down = on_down, .push = on_push};
    static const struct link_settings settings = {0};
    struct link_address to;
    const char *why = NULL;
    (void)snprintf(h->folder, sizeof h->folder, "%.150s-profile", d->folder);
    (void)snprintf(h->files, sizeof h->files, "%s/files", h->folder);
    (void)snprintf(h->path, sizeof h->path, "%s/file", h->folder);
    (void)snprintf(h->address, sizeof h->address, "%s", d->address);
    peer_check(mkdir(h->folder, 0700) == 0, "mkdir");
    peer_check(crypto_new(&h->crypto) == ERR_OK && net_loop_new(&h->loop) == ERR_OK, "a loop");
    peer_check(vault_create(h->folder, &ring, &tables, &h->vault) == ERR_OK && vault_keep(h->vault) == ERR_OK,
               "a vault");
    db_init(&h->db, vault_db(h->vault));
    const struct transfer_host host = {.loop = h->loop,
                                       .db = &h->db,
                                       .crypto = h->crypto,
                                       .world = crypto_system_world(),
                                       .folder = h->files,
                                       .arg = h,
                                       .link = on_link,
                                       .ended = on_ended,
                                       .told = on_told};
    peer_check(transfer_open(&host, &h->t) == ERR_OK, "transfers");
    peer_check(link_address_read(span_str(h->address), &to, &why) == ERR_OK, "the address");
    peer_check(link_new(h->loop, &to, &settings, &events, h, &h->link) == ERR_OK, "a link");
    link_open(h->link);
}

static void finish(struct hall *h, const char *what, double floor, const char *of)
{
    begin();
    transfer_settle(h->t);
    net_loop_run(h->loop);
    (void)row(what, floor, of);
}

static void transfers(struct hall *h, double up, double down)
{
    const struct transfer_to to = {.relay = h->address, .use = 1};
    const char *why = "";
    char saved[240];
    int64_t id = 0;
    make_file(h);
    db_begin(&h->db);
    peer_check(transfer_send(h->t, h->path, &to, &id, &why) == ERR_OK && db_commit(&h->db) == ERR_OK, why);
    finish(h, "a file sent", up, "the blob appended");
    db_begin(&h->db);
    peer_check(transfer_get(h->t, &h->ref, FILE_MAX, 1, 0, &id) == ERR_OK && db_commit(&h->db) == ERR_OK, "get");
    finish(h, "a file fetched, checked, on the disk", down, "the blob read");
    (void)snprintf(saved, sizeof saved, "%s/saved", h->folder);
    peer_check(transfer_save(h->t, id, saved, "", true, &why) == ERR_OK, why);
    finish(h, "a file saved in the clear", 0, "");
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    printf("| resident memory at most, everything in this process | %.0f MB | | |\n", (double)u.ru_maxrss * 1024 / 1e6);
}

static void on_stop(struct net_timer *t)
{
    struct hall *h = *(struct hall **)(void *)(t + 1);
    net_loop_stop(h->loop);
}

static void hall_close(struct hall *h)
{
    struct {
        struct net_timer timer;
        struct hall *hall;
    } end = {.hall = h};
    char text[300];
    link_free(h->link);
    transfer_close(h->t);
    db_wipe(&h->db);
    vault_close(h->vault);
    net_timer_start(h->loop, &end.timer, 1, on_stop);
    net_loop_run(h->loop);
    net_loop_free(h->loop);
    crypto_free(h->crypto);
    (void)snprintf(text, sizeof text, "rm -rf %s", h->folder);
    peer_check(system(text) == 0, text);
}

int main(int argc, char **argv)
{
    struct daemon_process d;
    static struct hall h;
    double up = 0, down = 0;
    int option;
    while ((option = getopt(argc, argv, "m:")) != -1) {
        if (option != 'm' || strtoull(optarg, NULL, 10) == 0) {
            fprintf(stderr, "bench-transfer [-m MEGABYTES]\n");
            return 2;
        }
        bytes = strtoull(optarg, NULL, 10) * 1000000;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    peer_check(getrandom(chunk, sizeof chunk, 0) > 0, "random");
    printf("%llu MB\n\n| what | rate | beside | by processor time |\n|---|---|---|---|\n",
           (unsigned long long)(bytes / 1000000));
    double tls = bare_tls();
    daemon_start(&d);
    blob_floors(&d, tls, &up, &down);
    sealing();
    hall_open(&h, &d);
    transfers(&h, up, down);
    hall_close(&h);
    daemon_stop(&d);
    return 0;
}
