// SPDX-License-Identifier: Apache-2.0
//
// Methods about how a conversation stands for oneself: what is read, drafts, pins, mute, archive. Nobody else hears of it, but for receipts.
#include "rpc/inner.h"

json_t *rpc_chat_read(struct call *c)
{
    return rpc_yes(c, engine_read(c->e, rpc_int(c, "chat", 0), rpc_int(c, "message", 0)), "");
}

json_t *rpc_chat_draft(struct call *c)
{
    return rpc_yes(c, engine_draft(c->e, rpc_int(c, "chat", 0), rpc_text(c, "text")), "a draft has 48 KiB at most");
}

static bool read_receipts(struct span text, int64_t *out)
{
    static const char *const names[] = {[RECEIPTS_USUAL] = "usual", [RECEIPTS_ON] = "on", [RECEIPTS_OFF] = "off"};
    for (*out = 0; *out < 3; ++*out) {
        if (span_eq(text, span_str(names[*out]))) return true;
    }
    return false;
}

json_t *rpc_chat_set(struct call *c)
{
    int64_t chat = rpc_int(c, "chat", 0), receipts = 0;
    const int64_t muted = rpc_int(c, "muted", 0);
    if (rpc_has(c, "receipts") && !read_receipts(rpc_text(c, "receipts"), &receipts))
        return rpc_fail(c, E_PARAMS, "`receipts` is usual, on or off");
    if (muted < 0) return rpc_fail(c, E_PARAMS, "`muted` is a time in milliseconds, or 0");
    enum err e = ERR_OK;
    if (rpc_has(c, "pinned")) e = engine_set(c->e, chat, TALK_PINNED, rpc_bool(c, "pinned"));
    if (e == ERR_OK && rpc_has(c, "archived")) e = engine_set(c->e, chat, TALK_ARCHIVED, rpc_bool(c, "archived"));
    if (e == ERR_OK && rpc_has(c, "muted")) e = engine_set(c->e, chat, TALK_MUTED, muted);
    if (e == ERR_OK && rpc_has(c, "receipts")) e = engine_set(c->e, chat, TALK_RECEIPTS, receipts);
    return rpc_yes(c, e, "");
}

json_t *rpc_chat_self(struct call *c)
{
    int64_t chat = 0;
    enum err e = engine_self_chat(c->e, &chat);
    return rpc_json_one(c, e, "chat", chat, "");
}

json_t *rpc_chat_timer(struct call *c)
{
    int64_t seconds = rpc_int(c, "seconds", 0);
    if (seconds < 0 || seconds > UINT32_MAX) return rpc_fail(c, E_PARAMS, "`seconds` is a time in seconds, or 0");
    enum err e = engine_timer(c->e, rpc_int(c, "chat", 0), (uint32_t)seconds);
    return rpc_yes(c, e,
                   e == ERR_LIMIT ? "messages live for ten years at most, or for ever"
                                  : "in a group only its admins set how long messages live, as long as they are in it");
}

json_t *rpc_chat_typing(struct call *c)
{
    return rpc_yes(c, engine_typing(c->e, rpc_int(c, "chat", 0), rpc_bool(c, "typing")), "");
}
