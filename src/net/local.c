// SPDX-License-Identifier: Apache-2.0
//
// Lines and bytes over unix sockets and the loopback interface, on libuv's pipes and TCP. A line that is longer than LOCAL_LINE_MAX ends its connection.
#include "net/local.h"

#include "net/inner.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

union stream {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_pipe_t pipe;
    uv_tcp_t tcp;
};

struct local_conn {
    union stream of;
    struct local_server *server;
    struct local_conn *next, **link;
    void *who;
    struct buf in;
    size_t pending;
    bool closing, finishing;
};

struct local_server {
    union stream of;
    struct net_loop *loop;
    struct local_owner owner;
    void *arg;
    struct local_conn *conns;
    char path[108]; // empty: TCP
    size_t alive; // handles that libuv has not let go, its own included
    bool closing;
};

static void release(struct local_server *s)
{
    s->loop->handles--;
    if (--s->alive == 0) mem_free(s);
}

static void on_conn_gone(uv_handle_t *h)
{
    struct local_conn *c = h->data;
    struct local_server *s = c->server;
    if (c->link != NULL) {
        *c->link = c->next;
        if (c->next != NULL) c->next->link = c->link;
    }
    if (c->who != NULL) s->owner.closed(c->who);
    buf_wipe(&c->in);
    mem_free(c);
    release(s);
}

void local_end(struct local_conn *c)
{
    if (c->closing) return;
    c->closing = true;
    uv_close(&c->of.handle, on_conn_gone);
}

// -------------------------------------------------------------------------------------------------------------- reading

static void on_room(uv_handle_t *h, size_t wanted, uv_buf_t *out)
{
    struct net_loop *l = ((struct local_conn *)h->data)->server->loop;
    (void)wanted;
    *out = uv_buf_init((char *)l->plain, sizeof l->plain); // which nobody else uses before the next turn
}

static void take_lines(struct local_conn *c)
{
    size_t at = 0;
    for (const uint8_t *end; !c->closing && at < c->in.n && (end = memchr(c->in.p + at, '\n', c->in.n - at)) != NULL;) {
        size_t n = (size_t)(end - (c->in.p + at));
        c->server->owner.line(c->who, span_of(c->in.p + at, n));
        at += n + 1;
    }
    if (at == 0) return;
    size_t left = c->in.n - at;
    memmove(c->in.p, c->in.p + at, left);
    mem_wipe(c->in.p + left, c->in.n - left);
    c->in.n = left;
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *from)
{
    struct local_conn *c = stream->data;
    if (n > 0 && c->server->owner.line == NULL) {
        c->server->owner.bytes(c->who, (uint8_t *)from->base, (size_t)n);
        mem_wipe(from->base, (size_t)n);
    } else if (n > 0) {
        buf_put(&c->in, span_of(from->base, (size_t)n));
        mem_wipe(from->base, (size_t)n);
        take_lines(c);
    }
    if (n < 0 || buf_end(&c->in) != ERR_OK || c->in.n >= LOCAL_LINE_MAX) local_end(c);
}

// -------------------------------------------------------------------------------------------------------------- writing

struct writing {
    uv_write_t request;
    struct local_conn *conn;
    size_t n;
    uint8_t bytes[];
};

static void on_written(uv_write_t *request, int status)
{
    struct writing *w = request->data;
    struct local_conn *c = w->conn;
    c->pending -= w->n;
    mem_free_wiped(w, sizeof *w + w->n);
    if (status < 0 || (c->finishing && c->pending == 0)) local_end(c);
    else if (c->pending == 0 && !c->closing && c->server->owner.drained != NULL) c->server->owner.drained(c->who);
}

size_t local_pending(const struct local_conn *c) { return c->pending; }

void local_pause(struct local_conn *c, bool pause)
{
    if (c->closing) return;
    (void)uv_read_stop(&c->of.stream);
    if (!pause && uv_read_start(&c->of.stream, on_room, on_read) != 0) local_end(c);
}

void local_finish(struct local_conn *c)
{
    c->finishing = true;
    if (c->pending == 0) local_end(c);
}

void local_send(struct local_conn *c, struct span bytes)
{
    if (c->closing || c->finishing) return;
    struct writing *w = c->pending + bytes.n > LOCAL_PENDING_MAX ? NULL : mem_new(sizeof *w + bytes.n);
    if (w == NULL) {
        local_end(c);
        return;
    }
    w->request.data = w;
    w->conn = c;
    w->n = bytes.n;
    memcpy(w->bytes, bytes.p, bytes.n);
    c->pending += bytes.n;
    uv_buf_t b = uv_buf_init((char *)w->bytes, (unsigned)bytes.n);
    if (uv_write(&w->request, &c->of.stream, &b, 1, on_written) == 0) return;
    c->pending -= bytes.n;
    mem_free_wiped(w, sizeof *w + bytes.n);
    local_end(c);
}

// ---------------------------------------------------------------------------------------------------------------- whose

enum { ESTABLISHED = 1 };

// The other end as its own line of the table has it: an address is hexadecimal, as it lies in memory, and IPv6 sockets have it mapped.
struct ends {
    char theirs[9], ours[9];
    unsigned their_port, our_port;
};

static bool is_address(const char *said, const char *wanted)
{
    static const char mapped[] = "0000000000000000FFFF0000";
    size_t n = strlen(said);
    if (n == 8) return strcmp(said, wanted) == 0;
    return n == 32 && memcmp(said, mapped, 24) == 0 && strcmp(said + 24, wanted) == 0;
}

// A connection that its owner has closed already is nobody's, and says root: it is not taken for one.
static bool find_user(const char *path, const struct ends *e, unsigned *uid, bool *told)
{
    char line[512], local[40], remote[40];
    unsigned local_port, remote_port, state;
    bool found = false;
    FILE *f = fopen(path, "re");
    if (f == NULL) return false;
    *told = true;
    while (!found && fgets(line, sizeof line, f) != NULL) {
        found = sscanf(line, " %*d: %32[0-9A-F]:%x %32[0-9A-F]:%x %x %*s %*s %*s %u", local, &local_port, remote,
                       &remote_port, &state, uid) == 6 &&
                state == ESTABLISHED && local_port == e->their_port && remote_port == e->our_port &&
                is_address(local, e->theirs) && is_address(remote, e->ours);
    }
    (void)fclose(f);
    return found;
}

bool local_is_own(const struct local_conn *c)
{
    struct sockaddr_in them = {0}, us = {0};
    struct ends e;
    unsigned uid = 0;
    bool told = false;
    int n = sizeof them, m = sizeof us;
    if (uv_tcp_getpeername(&c->of.tcp, (struct sockaddr *)&them, &n) != 0 ||
        uv_tcp_getsockname(&c->of.tcp, (struct sockaddr *)&us, &m) != 0)
        return false; // they are gone
    (void)snprintf(e.theirs, sizeof e.theirs, "%08X", (unsigned)them.sin_addr.s_addr);
    (void)snprintf(e.ours, sizeof e.ours, "%08X", (unsigned)us.sin_addr.s_addr);
    e.their_port = ntohs(them.sin_port);
    e.our_port = ntohs(us.sin_port);
    bool found = find_user("/proc/net/tcp", &e, &uid, &told) || find_user("/proc/net/tcp6", &e, &uid, &told);
    return found ? uid == geteuid() || uid == 0 : !told;
}

// ------------------------------------------------------------------------------------------------------------ listening

static int init(const struct local_server *s, union stream *of)
{
    return s->path[0] != 0 ? uv_pipe_init(&s->loop->uv, &of->pipe, 0) : uv_tcp_init(&s->loop->uv, &of->tcp);
}

static void on_somebody(uv_stream_t *stream, int status)
{
    struct local_server *s = stream->data;
    struct local_conn *c = status < 0 ? NULL : mem_new(sizeof *c);
    if (c == NULL) return;
    if (init(s, &c->of) != 0) {
        mem_free(c);
        return;
    }
    c->server = s;
    c->of.handle.data = c;
    buf_init(&c->in, 2 * (size_t)LOCAL_LINE_MAX);
    s->alive++;
    s->loop->handles++;
    c->next = s->conns;
    c->link = &s->conns;
    if (c->next != NULL) c->next->link = &c->next;
    s->conns = c;
    if (uv_accept(stream, &c->of.stream) != 0 || (c->who = s->owner.accept(s->arg, c)) == NULL ||
        uv_read_start(&c->of.stream, on_room, on_read) != 0) {
        local_end(c);
    }
}

// Whether somebody answers there.
static bool somebody_listens(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return true;
    memcpy(a.sun_path, path, strlen(path) + 1);
    bool listens = connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
    close(fd);
    return listens;
}

static void on_server_gone(uv_handle_t *h) { release(h->data); }

static struct local_server *new_server(struct net_loop *l, const char *path, const struct local_owner *owner, void *arg)
{
    struct local_server *s = mem_new(sizeof *s);
    if (s == NULL) return NULL;
    *s = (struct local_server){.loop = l, .owner = *owner, .arg = arg, .alive = 1};
    memcpy(s->path, path, strlen(path) + 1);
    if (init(s, &s->of) != 0) {
        mem_free(s);
        return NULL;
    }
    s->of.handle.data = s;
    l->handles++;
    return s;
}

enum err local_listen(struct net_loop *l, const char *path, const struct local_owner *owner, void *arg,
                      struct local_server **out)
{
    if (strlen(path) >= sizeof (*out)->path || path[0] == 0) return ERR_LIMIT;
    struct local_server *s = new_server(l, path, owner, arg);
    if (s == NULL) return ERR_MEMORY;
    struct stat st;
    bool there = lstat(path, &st) == 0;
    enum err e = there && (!S_ISSOCK(st.st_mode) || somebody_listens(path)) ? ERR_REFUSED : ERR_OK;
    if (e == ERR_OK && there) (void)unlink(path);
    if (e == ERR_OK) {
        mode_t mask = umask(0177);
        bool ok = uv_pipe_bind(&s->of.pipe, path) == 0;
        (void)umask(mask);
        e = ok && uv_listen(&s->of.stream, 16, on_somebody) == 0 ? ERR_OK : ERR_IO;
    }
    if (e == ERR_OK) *out = s;
    else uv_close(&s->of.handle, on_server_gone);
    return e;
}

enum err local_listen_port(struct net_loop *l, uint16_t *port, const struct local_owner *owner, void *arg,
                           struct local_server **out)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(*port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct local_server *s = new_server(l, "", owner, arg);
    int size = sizeof a;
    if (s == NULL) return ERR_MEMORY;
    int rc = uv_tcp_bind(&s->of.tcp, (const struct sockaddr *)&a, 0);
    if (rc == 0) rc = uv_listen(&s->of.stream, 16, on_somebody); // which tells that the port is taken
    if (rc == 0) rc = uv_tcp_getsockname(&s->of.tcp, (struct sockaddr *)&a, &size);
    if (rc != 0) {
        uv_close(&s->of.handle, on_server_gone);
        return rc == UV_EADDRINUSE ? ERR_REFUSED : ERR_IO;
    }
    *port = ntohs(a.sin_port);
    *out = s;
    return ERR_OK;
}

void local_close(struct local_server *s)
{
    if (s == NULL || s->closing) return;
    s->closing = true;
    // The socket's name goes first (libuv unlinks it, too): whoever sees their connection end may begin another server under that name.
    if (s->path[0] != 0) (void)unlink(s->path);
    uv_close(&s->of.handle, on_server_gone);
    for (struct local_conn *c = s->conns; c != NULL; c = c->next) local_end(c);
}
