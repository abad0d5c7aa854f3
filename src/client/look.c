// SPDX-License-Identifier: Apache-2.0
//
// What is looked up and kept for oneself: conversations, messages, search, what is read, drafts, pins. All of it is the history's; here it is
// put into transactions, and told. No MLS group is needed for any of it.
#include "client/inner.h"

enum err engine_chats(struct engine *e, int64_t chat, void (*each)(void *arg, const struct history_chat *c), void *arg)
{
    return talk_list(&e->history, chat, each, arg);
}

enum err engine_chats_first(struct engine *e, int64_t limit, void (*each)(void *arg, const struct history_chat *c),
                            void *arg)
{
    return talk_first(&e->history, limit, each, arg);
}

enum err engine_messages(struct engine *e, const struct history_page *page, history_each *each, void *arg)
{
    return chat_find(e, page->chat) == NULL ? ERR_NOT_FOUND : history_list(&e->history, page, each, arg);
}

enum err engine_message(struct engine *e, int64_t chat, int64_t message, history_each *each, void *arg)
{
    return history_get(&e->history, chat, message, each, arg);
}

enum err engine_pinned(struct engine *e, int64_t chat, history_each *each, void *arg)
{
    return chat_find(e, chat) == NULL ? ERR_NOT_FOUND : history_pinned(&e->history, chat, each, arg);
}

enum err engine_search(struct engine *e, const struct search_query *q, search_each *each, void *arg)
{
    return q->chat != 0 && chat_find(e, q->chat) == NULL ? ERR_NOT_FOUND : search_run(&e->history, q, each, arg);
}

enum err engine_receipts(struct engine *e, int64_t chat, int64_t message,
                         void (*each)(void *arg, const struct history_receipt *r), void *arg)
{
    return chat_find(e, chat) == NULL ? ERR_NOT_FOUND : status_list(&e->history, chat, message, each, arg);
}

// -------------------------------------------------------------------------------------------------------- for oneself

// The end of a change to a conversation; whoever shows it is told.
static enum err changed(struct engine *e, int64_t chat, int64_t message, enum err x)
{
    if (x == ERR_OK) x = db_commit(&e->db);
    else db_rollback(&e->db);
    if (x != ERR_OK) return x;
    if (message != 0) engine_tell(e, (struct engine_event){.kind = ENGINE_MESSAGE, .chat = chat, .message = message});
    else engine_tell(e, (struct engine_event){.kind = ENGINE_CHAT, .chat = chat});
    return ERR_OK;
}

enum err engine_read(struct engine *e, int64_t chat, int64_t message)
{
    db_begin(&e->db);
    receipt_owe_read(e, chat, message);
    enum err x = changed(e, chat, 0, talk_read(&e->history, chat, message, engine_now()));
    clock_end(e);
    receipt_soon(e);
    return x;
}

enum err engine_set(struct engine *e, int64_t chat, enum talk_what what, int64_t value)
{
    db_begin(&e->db);
    return changed(e, chat, 0, talk_set(&e->history, chat, what, value));
}

enum err engine_draft(struct engine *e, int64_t chat, struct span text)
{
    db_begin(&e->db);
    return changed(e, chat, 0, talk_draft(&e->history, chat, text));
}

enum err engine_pin(struct engine *e, int64_t chat, int64_t message, bool pinned)
{
    db_begin(&e->db);
    return changed(e, chat, message, history_pin(&e->history, chat, message, pinned));
}
