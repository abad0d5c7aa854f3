// SPDX-License-Identifier: Apache-2.0
//
// Who is writing: signals to those who are there, never stored, neither here nor at the relay. They are sealed with a key of the epoch, so the relay
// reads nothing and can make none up; it may repeat one for a minute. Any member could name another one in it: it is no message, and nothing
// rests on it. Invariant: all signals have one size.
#include "client/inner.h"

#include "codec/tls.h"

enum { VERSION = 1, FRESH_MS = 60000, AGAIN_MS = 3000, SIGNAL_BYTES = 1 + 1 + 8 + FORMAT_ID };
static const char label[] = "Whimbrel signal";

static enum err signal_key(struct chat *c, uint8_t key[FORMAT_KEY])
{
    struct mls_buf out = {0};
    if (chat_group(c) == NULL) return ERR_CORRUPT;
    enum mls_error m = mls_group_export(c->mls, label, (struct mls_span){c->log, 32}, FORMAT_KEY, &out);
    if (m == MLS_OK) memcpy(key, out.data, FORMAT_KEY);
    mls_buf_free(&out);
    return from_mls(m);
}

static void on_answer(void *arg, const struct wire_reply *r)
{
    (void)arg;
    (void)r; // whether it arrives is no matter
}

static enum err send_signal(struct chat *c, bool typing)
{
    struct engine *e = c->e;
    uint8_t key[FORMAT_KEY]; /* secret */
    struct buf plain, sealed;
    buf_init(&plain, SIGNAL_BYTES);
    buf_init(&sealed, WIRE_SIGNAL_MAX);
    tls_put_u8(&plain, VERSION);
    tls_put_u8(&plain, typing);
    tls_put_u64(&plain, engine_now());
    buf_put(&plain, span_of(e->self.account, FORMAT_ID));
    enum err x = buf_end(&plain);
    if (x == ERR_OK) x = signal_key(c, key);
    if (x == ERR_OK) x = package_seal(e->crypto, &e->world, key, buf_span(&plain), &sealed);
    const struct wire_request r = {.type = WIRE_SIGNAL, .log = c->log, .key = c->log_key, .payload = buf_span(&sealed)};
    if (x == ERR_OK) (void)link_ask(c->peer->link, &r, on_answer, NULL);
    mem_wipe(key, sizeof key);
    buf_wipe(&plain);
    buf_wipe(&sealed);
    return x;
}

enum err engine_typing(struct engine *e, int64_t chat, bool typing)
{
    struct chat *c = chat_find(e, chat);
    uint64_t now = net_loop_now(e->loop);
    if (c == NULL) return ERR_NOT_FOUND;
    e->db.err = ERR_OK;
    if (!c->peer->ready || !c->caught_up || chat_over(c) || !receipt_are_on(e, chat) || engine_is_held(e, chat))
        return ERR_OK; // nobody is told
    if (typing && c->typed != 0 && now - c->typed < AGAIN_MS) return ERR_OK;
    if (!typing && c->typed == 0) return ERR_OK;
    c->typed = typing ? now : 0;
    return send_signal(c, typing);
}

void typing_take(struct chat *c, struct span sealed)
{
    struct engine *e = c->e;
    uint8_t key[FORMAT_KEY]; /* secret */
    struct buf plain;
    uint64_t now = engine_now();
    e->db.err = ERR_OK;
    if (chat_over(c) || signal_key(c, key) != ERR_OK) return;
    buf_init(&plain, WIRE_SIGNAL_MAX);
    enum err x = package_open(e->crypto, key, sealed, &plain);
    mem_wipe(key, sizeof key);
    struct tls_reader r = tls_reader_of(buf_span(&plain));
    bool ok = x == ERR_OK && tls_u8(&r) == VERSION;
    uint8_t typing = tls_u8(&r);
    uint64_t time = tls_u64(&r);
    struct span account = tls_bytes(&r, FORMAT_ID);
    ok = ok && tls_end(&r) == ERR_OK && typing <= 1 && time + FRESH_MS > now && time < now + FRESH_MS;
    if (ok && memcmp(account.p, e->self.account, FORMAT_ID) != 0) {
        int64_t who = contact_of(e, account.p);
        if (who != 0)
            engine_tell(
                e, (struct engine_event){.kind = ENGINE_TYPING, .chat = c->id, .contact = who, .typing = typing == 1});
    }
    buf_wipe(&plain);
}
