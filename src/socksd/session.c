// SPDX-License-Identifier: Apache-2.0
//
// A client's connection: the handshake, the way to the place it asks for, and the end. Whoever is refused is told so and is given a moment
// to read it: a socket that is closed over unread bytes would take the answer back.
#include "socksd/inner.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TALK_ROOM = 1024, NO_PLACE = UINT16_MAX };

static void count(_Atomic uint64_t *what) { (void)atomic_fetch_add_explicit(what, 1, memory_order_relaxed); }

// ------------------------------------------------------------------------------------------------------------------- ends

// Whether the kernel has delivered all that it was given.
static bool delivered(int fd)
{
    int n = 0;
    return ioctl(fd, SIOCOUTQ, &n) == 0 && n == 0;
}

void socksd_session_end(struct socksd_thread *t, struct socksd_session *c)
{
    const struct linger at_once = {.l_onoff = 1};
    for (int i = 0; i < 2; i++) {
        if (c->fd[i] < 0) continue;
        // A break is passed on as one, unless bytes of before would be lost by it.
        if (c->broken != 0 && ((c->broken >> i & 1) != 0 || delivered(c->fd[i])))
            (void)setsockopt(c->fd[i], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        (void)close(c->fd[i]);
        socksd_held_free(t, c->held[i]);
        c->held[i] = NULL;
    }
    socksd_held_free(t, c->held[1]);
    socksd_gate_leave(&t->server->gate, c->gate, t->now_ms);
    socksd_list_put(t, c, SESSION_DEAD);
}

static void drain(struct socksd_thread *t, struct socksd_session *c)
{
    while (c->readable[0]) {
        ssize_t n = recv(c->fd[0], t->block, sizeof t->block, MSG_DONTWAIT);
        if (n > 0) continue;
        if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            socksd_session_end(t, c);
            return;
        }
        c->readable[0] = errno != EAGAIN;
    }
}

static void farewell(struct socksd_thread *t, struct socksd_session *c)
{
    socksd_held_free(t, c->held[0]);
    c->held[0] = NULL;
    (void)shutdown(c->fd[0], SHUT_WR);
    socksd_list_put(t, c, SESSION_DRAIN);
    drain(t, c);
}

// Some bytes into a socket that has taken little so far. False: the connection is gone.
static bool say(struct socksd_thread *t, struct socksd_session *c, const uint8_t *p, size_t n)
{
    if (send(c->fd[0], p, n, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)n) return true;
    socksd_session_end(t, c);
    return false;
}

static void refuse(struct socksd_thread *t, struct socksd_session *c, enum socks5_reply r)
{
    uint8_t answer[SOCKSD_SAY_MAX];
    socksd_talk_answer(r, answer);
    count(r == SOCKS5_NOT_ALLOWED ? &t->server->refused : &t->server->failed);
    if (say(t, c, answer, sizeof answer)) farewell(t, c);
}

// ---------------------------------------------------------------------------------------------------------------- the way

static enum socks5_reply reply_of(int error)
{
    switch (error) {
    case ECONNREFUSED: return SOCKS5_REFUSED;
    case ENETUNREACH: return SOCKS5_NET_UNREACHABLE;
    case EHOSTUNREACH:
    case ETIMEDOUT: return SOCKS5_HOST_UNREACHABLE;
    default: return SOCKS5_FAILURE;
    }
}

// Begins to connect; what went wrong, or SOCKS5_GRANTED.
static enum socks5_reply begin(struct socksd_thread *t, struct socksd_session *c, const struct socksd_address *to,
                               uint16_t port)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } a = {0};
    const int one = 1;
    if (to->size == 4) {
        a.in.sin_family = AF_INET;
        a.in.sin_port = htons(port);
        memcpy(&a.in.sin_addr, to->bytes, 4);
    } else {
        a.in6.sin6_family = AF_INET6;
        a.in6.sin6_port = htons(port);
        memcpy(&a.in6.sin6_addr, to->bytes, 16);
    }
    int fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return errno == EAFNOSUPPORT ? SOCKS5_NET_UNREACHABLE : SOCKS5_FAILURE;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->fd[1] = fd;
    const bool begun = connect(fd, &a.any, to->size == 4 ? sizeof a.in : sizeof a.in6) == 0 || errno == EINPROGRESS;
    if (begun && socksd_watch(t, c, 1)) return SOCKS5_GRANTED;
    enum socks5_reply r = begun ? SOCKS5_FAILURE : reply_of(errno);
    (void)close(fd);
    c->fd[1] = -1;
    return r;
}

// Where this session's place is. Places with an address are at one.
static enum socksd_name_state addresses(const struct socksd_thread *t, const struct socksd_session *c,
                                        struct socksd_addresses *out)
{
    const struct socksd_place *p = &t->server->places[c->place];
    if (p->size == 0) return socksd_names_get(&t->server->names, c->place, out);
    out->n = 1;
    out->list[0].size = p->size;
    memcpy(out->list[0].bytes, p->address, p->size);
    return NAME_KNOWN;
}

// The way that was tried leads nowhere.
static void leave(struct socksd_session *c)
{
    (void)close(c->fd[1]);
    c->fd[1] = -1;
    c->readable[1] = c->writable[1] = c->over[1] = false;
}

// Tries the place's next address; `last` is what the one before said.
static void go_on(struct socksd_thread *t, struct socksd_session *c, enum socks5_reply last)
{
    const struct socksd *s = t->server;
    const struct socksd_place *p = &s->places[c->place];
    struct socksd_addresses a = {0};
    enum socksd_name_state state = addresses(t, c, &a);
    if (state == NAME_ASKED && c->tried == 0) {
        if (c->state != SESSION_RESOLVE) socksd_list_put(t, c, SESSION_RESOLVE);
        return;
    }
    while (state == NAME_KNOWN && c->tried < a.n) {
        const struct socksd_address *to = &a.list[c->tried++];
        const bool may = p->size != 0 || socksd_allow_found(s->places, s->places_n, to->bytes, to->size, p->port);
        last = may ? begin(t, c, to, p->port) : SOCKS5_NOT_ALLOWED;
        if (last != SOCKS5_GRANTED) continue;
        socksd_list_put(t, c, c->tried < a.n ? SESSION_TRY : SESSION_CONNECT);
        return;
    }
    refuse(t, c, last);
}

// The attempt has ended; `broken`: there is an error to be asked for.
static void connected(struct socksd_thread *t, struct socksd_session *c, bool broken)
{
    uint8_t answer[SOCKSD_SAY_MAX];
    int error = 0;
    socklen_t n = sizeof error;
    if (broken && getsockopt(c->fd[1], SOL_SOCKET, SO_ERROR, &error, &n) != 0) error = errno;
    if (error != 0) {
        leave(c);
        go_on(t, c, reply_of(error));
        return;
    }
    socksd_talk_answer(SOCKS5_GRANTED, answer);
    count(&t->server->served);
    if (!say(t, c, answer, sizeof answer)) return;
    socksd_list_put(t, c, SESSION_OPEN);
    if (!socksd_flow(t, c)) socksd_session_end(t, c);
}

// ----------------------------------------------------------------------------------------------------------- the handshake

static void want(struct socksd_thread *t, struct socksd_session *c, const struct socksd_target *to)
{
    int place = socksd_allow_find(t->server->places, t->server->places_n, to);
    if (place < 0) {
        refuse(t, c, SOCKS5_NOT_ALLOWED);
        return;
    }
    c->place = (uint16_t)place;
    go_on(t, c, SOCKS5_HOST_UNREACHABLE);
}

// What has come, message by message. True: more may be read.
static bool understand(struct socksd_thread *t, struct socksd_session *c, size_t n)
{
    struct socksd_turn turn;
    for (size_t at = 0;; at += turn.used) {
        socksd_talk_turn(&c->talk, &t->server->known, span_of(t->block + at, n - at), &turn);
        if (turn.step == SOCKSD_ENDED) {
            if (turn.say_n > 0) count(&t->server->refused);
            if (turn.say_n == 0) socksd_session_end(t, c);
            else if (say(t, c, turn.say, turn.say_n)) farewell(t, c);
            return false;
        }
        if (turn.say_n > 0 && !say(t, c, turn.say, turn.say_n)) return false;
        if (turn.step == SOCKSD_SAID) continue;
        if (!socksd_hold(c, 0, span_of(t->block + at + turn.used, n - at - turn.used))) {
            socksd_session_end(t, c);
            return false;
        }
        if (turn.step == SOCKSD_CONNECT) want(t, c, &turn.to);
        return turn.step == SOCKSD_MORE;
    }
}

static void talk(struct socksd_thread *t, struct socksd_session *c)
{
    bool more = true;
    while (more && c->readable[0]) {
        struct socksd_held *h = c->held[0];
        const size_t before = h == NULL ? 0 : h->n; // less than a message
        ssize_t n = recv(c->fd[0], t->block + before, TALK_ROOM, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            c->readable[0] = errno == EINTR;
            continue;
        }
        if (n <= 0) {
            socksd_session_end(t, c);
            return;
        }
        if (n < TALK_ROOM && !c->over[0]) c->readable[0] = false;
        if (h != NULL) memcpy(t->block, h->bytes, before);
        socksd_held_free(t, h);
        c->held[0] = NULL;
        more = understand(t, c, before + (size_t)n);
        mem_wipe(t->block, before + (size_t)n); // there may have been a password in it
    }
}

// ----------------------------------------------------------------------------------------------------------------- events

void socksd_session_new(struct socksd_thread *t, int fd, const struct sockaddr *from)
{
    const uint64_t key = socksd_gate_key(from);
    if (!socksd_gate_enter(&t->server->gate, key, t->now_ms)) {
        count(&t->server->limited);
        (void)close(fd);
        return;
    }
    struct socksd_session *c = mem_new(sizeof *c);
    if (c == NULL) {
        socksd_gate_leave(&t->server->gate, key, t->now_ms);
        (void)close(fd);
        return;
    }
    c->gate = key;
    c->fd[0] = fd;
    c->fd[1] = -1;
    c->place = NO_PLACE;
    c->readable[0] = true;
    count(&t->server->accepted);
    socksd_list_put(t, c, SESSION_TALK);
    if (socksd_watch(t, c, 0)) talk(t, c);
    else socksd_session_end(t, c);
}

void socksd_session_event(struct socksd_thread *t, struct socksd_session *c, int side, uint32_t events)
{
    const bool gone = (events & (EPOLLHUP | EPOLLERR)) != 0;
    if (gone || (events & (EPOLLIN | EPOLLRDHUP)) != 0) c->readable[side] = true;
    if (gone || (events & EPOLLRDHUP) != 0) c->over[side] = true;
    if (gone || (events & EPOLLOUT) != 0) c->writable[side] = true;
    c->since = (uint32_t)(t->now_ms / 100);
    switch ((enum session_state)c->state) {
    case SESSION_TALK: talk(t, c); break;
    case SESSION_RESOLVE:
    case SESSION_TRY:
    case SESSION_CONNECT:
        if (side == 0 && gone) socksd_session_end(t, c); // whoever asked is not there any more
        else if (side == 1 && c->writable[1]) connected(t, c, gone);
        break;
    case SESSION_OPEN:
        if (!socksd_flow(t, c)) socksd_session_end(t, c);
        break;
    case SESSION_DRAIN: drain(t, c); break;
    case SESSION_DEAD: break;
    }
}

void socksd_session_resolve(struct socksd_thread *t, struct socksd_session *c) { go_on(t, c, SOCKS5_HOST_UNREACHABLE); }

void socksd_session_late(struct socksd_thread *t, struct socksd_session *c)
{
    if (c->state == SESSION_TRY || c->state == SESSION_CONNECT) {
        leave(c);
        go_on(t, c, SOCKS5_HOST_UNREACHABLE);
    } else if (c->state == SESSION_RESOLVE) {
        refuse(t, c, SOCKS5_HOST_UNREACHABLE);
    } else {
        socksd_session_end(t, c);
    }
}
