// SPDX-License-Identifier: Apache-2.0
//
// Programs as children, on libuv's processes and pipes. Invariant: each handle counts in its loop until libuv has let it go, so no loop ends
// before its children, and no child outlives its loop.
#include "net/child.h"

#include "net/inner.h"

#include <signal.h>

enum { GRACE_MS = 2000, LAST_WORDS_MS = 300 };

struct net_child {
    uv_process_t process;
    uv_pipe_t in, out;
    struct net_loop *loop;
    const struct net_child_owner *owner; // NULL: nobody is told any more
    void *arg;
    struct net_timer timer;
    size_t alive; // handles
    bool exited;
    size_t n;
    char line[CHILD_LINE_MAX + 1];
};

static void on_gone(uv_handle_t *h)
{
    struct net_child *c = h->data;
    c->loop->handles--;
    if (--c->alive > 0) return;
    net_timer_stop(&c->timer);
    if (c->owner != NULL) c->owner->closed(c->arg);
    mem_free(c);
}

static void let_go(uv_handle_t *h)
{
    if (!uv_is_closing(h)) uv_close(h, on_gone);
}

static void kill_it(struct net_timer *t)
{
    struct net_child *c = (struct net_child *)(void *)((char *)t - offsetof(struct net_child, timer));
    if (!c->exited) (void)uv_process_kill(&c->process, SIGKILL);
    else let_go((uv_handle_t *)&c->out);
}

// What it said last may not have been read yet.
static void on_exit_of(uv_process_t *p, int64_t status, int signal)
{
    struct net_child *c = p->data;
    (void)status;
    (void)signal;
    c->exited = true;
    let_go((uv_handle_t *)&c->process);
    let_go((uv_handle_t *)&c->in);
    if (c->owner == NULL) let_go((uv_handle_t *)&c->out);
    else net_timer_start(c->loop, &c->timer, LAST_WORDS_MS, kill_it);
}

static void end(struct net_child *c)
{
    let_go((uv_handle_t *)&c->in);
    if (c->exited) {
        let_go((uv_handle_t *)&c->out);
        return;
    }
    (void)uv_process_kill(&c->process, SIGTERM);
    net_timer_start(c->loop, &c->timer, GRACE_MS, kill_it);
}

static void take(struct net_child *c, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n && c->owner != NULL; i++) {
        if (bytes[i] == '\n') {
            c->line[c->n] = 0;
            c->n = 0;
            c->owner->line(c->arg, c->line);
        } else if (c->n == CHILD_LINE_MAX || bytes[i] == 0) {
            (void)uv_read_stop((uv_stream_t *)&c->out); // more of it must not put its end off
            end(c);
            return;
        } else {
            c->line[c->n++] = bytes[i];
        }
    }
}

static void on_room(uv_handle_t *h, size_t wanted, uv_buf_t *out)
{
    struct net_loop *l = ((struct net_child *)h->data)->loop;
    (void)wanted;
    *out = uv_buf_init((char *)l->plain, sizeof l->plain); // which nobody else uses before the next turn
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    struct net_child *c = s->data;
    if (n > 0) take(c, b->base, (size_t)n);
    else if (n < 0) let_go((uv_handle_t *)&c->out);
}

static void count(struct net_child *c, uv_handle_t *h)
{
    h->data = c;
    c->alive++;
    c->loop->handles++;
}

enum err net_child_start(struct net_loop *l, const char *const *words, const char *const *environment,
                         const struct net_child_owner *owner, void *arg, struct net_child **out)
{
    if (l->stopping) return ERR_REFUSED;
    struct net_child *c = mem_new(sizeof *c);
    if (c == NULL) return ERR_MEMORY;
    *c = (struct net_child){.loop = l, .arg = arg};
    (void)uv_pipe_init(&l->uv, &c->in, 0);
    (void)uv_pipe_init(&l->uv, &c->out, 0);
    count(c, (uv_handle_t *)&c->in);
    count(c, (uv_handle_t *)&c->out);
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&c->in},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&c->out},
        {.flags = UV_IGNORE}};
    const uv_process_options_t options = {.exit_cb = on_exit_of,
                                          .file = words[0],
                                          .args = (char **)(uintptr_t)words,
                                          .env = (char **)(uintptr_t)environment,
                                          .stdio_count = 3,
                                          .stdio = stdio};
    int status = uv_spawn(&l->uv, &c->process, &options);
    count(c, (uv_handle_t *)&c->process); // which is to be closed, even if nothing runs
    if (status != 0) {
        let_go((uv_handle_t *)&c->process);
        let_go((uv_handle_t *)&c->in);
        let_go((uv_handle_t *)&c->out);
        return status == UV_ENOENT ? ERR_NOT_FOUND : ERR_IO;
    }
    c->owner = owner;
    (void)uv_read_start((uv_stream_t *)&c->out, on_room, on_read);
    *out = c;
    return ERR_OK;
}

void net_child_stop(struct net_child *c)
{
    if (c == NULL) return;
    c->owner = NULL;
    end(c);
}
