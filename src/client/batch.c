// SPDX-License-Identifier: Apache-2.0
//
// Saying much at once: what is asked for in a turn of the loop is one transaction, in which it is encrypted, too, where nothing stands before
// it; so a hundred messages wait for the disk once. Invariant: whoever asked is told once, when it is durable or
// has failed, and in the order of asking.
#include "client/inner.h"

struct item {
    struct item *next;
    int64_t chat, message, work;
    enum err err;
    engine_said *done;
    void *arg;
    struct buf content;
};

struct batch {
    struct net_turn turn;
    struct engine *e;
    struct item *first, **last;
};

static void tell_all(struct item *items, enum err x)
{
    for (struct item *i = items, *next; i != NULL; i = next) {
        next = i->next;
        i->done(i->arg, i->err != ERR_OK ? i->err : x, i->message);
        buf_wipe(&i->content);
        mem_free(i);
    }
}

// Within the transaction. Whether it may be encrypted at once: in its chat nothing waits to be encrypted, nor a commit to be seen.
static bool is_next(struct engine *e, const struct item *i)
{
    sqlite3_stmt *q = db_sql(&e->db, "SELECT 1 FROM work WHERE chat = ?1 AND id < ?2 AND (payload = x'' OR kind != 9)");
    db_int(q, 1, i->chat);
    db_int(q, 2, i->work);
    bool waits = db_row(&e->db, q);
    db_done(q);
    return !waits;
}

static void put(struct engine *e, struct item *i, struct say_round *round)
{
    struct chat *c = chat_find(e, i->chat);
    bool held = c != NULL && !chat_over(c) && engine_is_held(e, i->chat);
    i->err = c == NULL ? ERR_NOT_FOUND : held ? ERR_UNAUTHENTICATED : say_put(c, buf_span(&i->content), &i->message);
    if (i->err != ERR_OK) return;
    i->work = db_last_id(&e->db);
    if (c->peer->ready && !c->peer->stalled && is_next(e, i)) say_encrypt(round, i->work);
}

static void on_turn(struct net_turn *t)
{
    struct batch *b = (struct batch *)(void *)((char *)t - offsetof(struct batch, turn));
    struct engine *e = b->e;
    struct item *items = b->first;
    struct say_round round = {.e = e};
    mem_free(b);
    e->batch = NULL;
    db_begin(&e->db);
    for (struct item *i = items; i != NULL; i = i->next) put(e, i, &round);
    enum err x = say_end(&round);
    files_settle(&e->files);
    for (struct item *i = items; x == ERR_OK && i != NULL; i = i->next) {
        if (i->err == ERR_OK)
            engine_tell(e, (struct engine_event){.kind = ENGINE_MESSAGE, .chat = i->chat, .message = i->message});
    }
    if (x == ERR_OK) clock_tidy(e);
    tell_all(items, x);
    if (x == ERR_OK) peer_pump_all(e);
}

static enum err add(struct engine *e, struct item *take)
{
    struct batch *b = e->batch;
    if (b == NULL) {
        b = mem_new(sizeof *b);
        if (b == NULL) return ERR_MEMORY;
        *b = (struct batch){.turn = {.fn = on_turn}, .e = e};
        b->last = &b->first;
        e->batch = b;
        net_loop_turn(e->loop, &b->turn);
    }
    *b->last = take;
    b->last = &take->next;
    return ERR_OK;
}

enum err engine_say_later(struct engine *e, int64_t chat, struct span text, uint32_t lives, engine_said *done, void *arg)
{
    struct item *i = e->closing ? NULL : mem_new(sizeof *i);
    if (i == NULL) return e->closing ? ERR_REFUSED : ERR_MEMORY;
    *i = (struct item){.chat = chat, .done = done, .arg = arg};
    buf_init(&i->content, CONTENT_MESSAGE_MAX);
    enum err x = say_text(e, chat, text, lives, &i->content);
    if (x == ERR_OK) x = add(e, i);
    if (x == ERR_OK) return x;
    buf_wipe(&i->content);
    mem_free(i);
    return x;
}

void batch_close(struct engine *e)
{
    struct batch *b = e->batch;
    if (b == NULL) return;
    e->batch = NULL;
    net_turn_drop(&b->turn);
    tell_all(b->first, ERR_REFUSED);
    mem_free(b);
}
