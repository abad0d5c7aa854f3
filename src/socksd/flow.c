// SPDX-License-Identifier: Apache-2.0
//
// What passes through a connection, byte for byte. Little is copied through the thread's block, which is quickest; where blocks come full,
// bytes go through a pipe and never into this process (splice). What the other side does not take at once is held, in memory or in that
// pipe, and nothing more is read that way until it is gone: so a slow reader slows its writer, and costs a block at most.
#include "socksd/inner.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

// Larger pipes are slower: what is in them has left the processor's cache before it is read.
enum { AT_A_TIME = 8, PIPE_SIZE = 1 << 18, PIPE_LESS = 1 << 16, LITTLE = 16384 };

enum moved { WAITS, MORE };

// ---------------------------------------------------------------------------------------------------------------- pipes

static bool pipe_take(struct socksd_thread *t, int out[2])
{
    if (t->pipes_n > 0) {
        memcpy(out, t->pipes[--t->pipes_n], sizeof t->pipes[0]);
        return true;
    }
    if (pipe2(out, O_NONBLOCK | O_CLOEXEC) != 0) return false;
    // Above what a user may have in all, pipes get small; then memory is better.
    if (fcntl(out[1], F_SETPIPE_SZ, PIPE_SIZE) >= PIPE_LESS || fcntl(out[1], F_SETPIPE_SZ, PIPE_LESS) >= PIPE_LESS)
        return true;
    (void)close(out[0]);
    (void)close(out[1]);
    return false;
}

static void pipe_give(struct socksd_thread *t, const int p[2], bool empty)
{
    if (empty && t->pipes_n < SOCKSD_PIPES) {
        memcpy(t->pipes[t->pipes_n++], p, sizeof t->pipes[0]);
        return;
    }
    (void)close(p[0]);
    (void)close(p[1]);
}

// ----------------------------------------------------------------------------------------------------------------- held

void socksd_held_free(struct socksd_thread *t, struct socksd_held *h)
{
    if (h == NULL) return;
    if (h->pipe[0] >= 0) pipe_give(t, h->pipe, h->n == 0);
    mem_free_wiped(h, sizeof *h + (h->pipe[0] >= 0 ? 0 : h->at + h->n));
}

bool socksd_hold(struct socksd_session *c, int direction, struct span bytes)
{
    if (bytes.n == 0) return true;
    struct socksd_held *h = mem_new(sizeof *h + bytes.n);
    if (h == NULL) return false;
    h->pipe[0] = h->pipe[1] = -1;
    h->n = (uint32_t)bytes.n;
    memcpy(h->bytes, bytes.p, bytes.n);
    c->held[direction] = h;
    return true;
}

static bool hold_pipe(struct socksd_session *c, int d, const int p[2], size_t n)
{
    struct socksd_held *h = mem_new(sizeof *h);
    if (h == NULL) return false;
    memcpy(h->pipe, p, sizeof h->pipe);
    h->n = (uint32_t)n;
    c->held[d] = h;
    return true;
}

// ----------------------------------------------------------------------------------------------------------------- ends

static bool would_block(void) { return errno == EAGAIN || errno == EINTR; }

// The receiving side is gone: what comes for it is of no use to anybody. The other direction may still have something.
static enum moved receiver_gone(struct socksd_thread *t, struct socksd_session *c, int d)
{
    socksd_held_free(t, c->held[d]);
    c->held[d] = NULL;
    c->ended[d] = c->closed[d] = true;
    c->broken |= d == 0 ? 2 : 1;
    return WAITS;
}

// The sending side broke: what it had sent is still passed on.
static enum moved sender_gone(struct socksd_thread *t, struct socksd_session *c, int d)
{
    (void)receiver_gone(t, c, !d);
    c->ended[d] = true;
    return MORE;
}

static enum moved pass_end_on(struct socksd_session *c, int d)
{
    if (!c->closed[d] && !c->closed[!d]) (void)shutdown(c->fd[!d], SHUT_WR);
    c->closed[d] = true;
    return WAITS;
}

// Sends from memory. What is left is the caller's to hold.
static ssize_t send_some(struct socksd_session *c, int d, const uint8_t *p, size_t n)
{
    ssize_t k = send(c->fd[!d], p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (k < 0 && would_block()) k = 0;
    if (k >= 0 && (size_t)k < n) c->writable[!d] = false;
    return k;
}

// From a pipe with n bytes into the socket, as far as that goes. The bytes that went; -1: the receiver is gone.
static ssize_t splice_out(struct socksd_session *c, int d, int from, size_t n)
{
    size_t done = 0;
    while (done < n) {
        ssize_t k = splice(from, NULL, c->fd[!d], NULL, n - done, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (k > 0) {
            done += (size_t)k;
        } else if (k < 0 && errno == EAGAIN) {
            c->writable[!d] = false;
            break;
        } else if (k == 0 || errno != EINTR) {
            return -1;
        }
    }
    return (ssize_t)done;
}

static enum moved flush_held(struct socksd_thread *t, struct socksd_session *c, int d)
{
    struct socksd_held *h = c->held[d];
    if (!c->writable[!d]) return WAITS;
    ssize_t k = h->pipe[0] >= 0 ? splice_out(c, d, h->pipe[0], h->n) : send_some(c, d, h->bytes + h->at, h->n);
    if (k < 0) return receiver_gone(t, c, d);
    h->at += (uint32_t)k;
    h->n -= (uint32_t)k;
    if (h->n > 0) return WAITS;
    socksd_held_free(t, h);
    c->held[d] = NULL;
    return MORE;
}

// ---------------------------------------------------------------------------------------------------------------- taking

// What a read said where it gave no bytes.
static enum moved nothing(struct socksd_thread *t, struct socksd_session *c, int d, ssize_t n)
{
    if (n == 0) {
        c->ended[d] = true;
        return MORE;
    }
    if (errno == EINTR) return MORE;
    if (errno != EAGAIN) return sender_gone(t, c, d);
    c->readable[d] = false;
    return WAITS;
}

static enum moved take_memory(struct socksd_thread *t, struct socksd_session *c, int d)
{
    ssize_t n = recv(c->fd[d], t->block, sizeof t->block, MSG_DONTWAIT);
    if (n <= 0) return nothing(t, c, d, n);
    if (n == sizeof t->block) c->bulk[d] = true;
    else if (!c->over[d]) c->readable[d] = false; // all was read; the next byte is told again
    ssize_t k = send_some(c, d, t->block, (size_t)n);
    if (k < 0 || !socksd_hold(c, d, span_of(t->block + k, (size_t)(n - k)))) return receiver_gone(t, c, d);
    return MORE;
}

static enum moved take_pipe(struct socksd_thread *t, struct socksd_session *c, int d)
{
    int p[2];
    if (!pipe_take(t, p)) {
        c->bulk[d] = false;
        return take_memory(t, c, d);
    }
    ssize_t n = splice(c->fd[d], NULL, p[1], NULL, PIPE_SIZE, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (n <= 0) {
        const int why = errno;
        pipe_give(t, p, true);
        errno = why;
        return nothing(t, c, d, n);
    }
    if (n < LITTLE) c->bulk[d] = false;
    ssize_t k = splice_out(c, d, p[0], (size_t)n);
    if (k == n) {
        pipe_give(t, p, true);
        return MORE;
    }
    if (k >= 0 && hold_pipe(c, d, p, (size_t)(n - k))) return MORE;
    pipe_give(t, p, false);
    return receiver_gone(t, c, d);
}

static enum moved move(struct socksd_thread *t, struct socksd_session *c, int d)
{
    for (int i = 0; i < AT_A_TIME; i++) {
        if (c->held[d] != NULL && flush_held(t, c, d) != MORE) return WAITS;
        if (c->ended[d]) return pass_end_on(c, d);
        if (!c->readable[d] || !c->writable[!d]) return WAITS;
        if ((c->bulk[d] ? take_pipe(t, c, d) : take_memory(t, c, d)) != MORE) return WAITS;
    }
    return MORE;
}

bool socksd_flow(struct socksd_thread *t, struct socksd_session *c)
{
    bool more = false;
    for (int d = 1; d >= 0; d--) more = move(t, c, d) == MORE || more;
    // A break of one direction ends both, also the one that had its turn before.
    if (c->broken != 0) more = move(t, c, 1) == MORE || more;
    if (more && !c->again) {
        c->again = true;
        c->again_next = t->again;
        t->again = c;
    }
    return !c->closed[0] || !c->closed[1];
}
