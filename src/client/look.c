// SPDX-License-Identifier: Apache-2.0
//
// What is looked up and kept for oneself: conversations, messages, search, what is read, drafts, pins. All of it is the history's; here it is
// put into transactions, and told. No MLS group is needed for any of it.
#include "client/inner.h"

enum err engine_chats(struct engine *e, int64_t chat, void (*each)(void *arg, const struct history_chat *c), void *arg)
{
    return talk_list(&e->history, chat, each, arg);
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
