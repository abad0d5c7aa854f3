// SPDX-License-Identifier: Apache-2.0
//
// Watching conversations: what was said last, then what comes, as it comes. What changes an earlier message is a line of its own here,
// since that message may have left the screen. With --json each event is a line, a message's whole message in it.
#include "cmd/whimbrel_read.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST = 10, KEPT = 200, QUOTE = 40 };

struct watch {
    struct session *s;
    struct text text;
    struct view view;
    json_t *known;    // chat's number as text: its last messages
    json_int_t only;  // 0: all
    json_int_t shown; // the chat of the last line
    bool transient;   // the line the cursor is in says who is typing
};

static void clear_line(struct watch *w)
{
    if (w->transient) fputs("\r\033[K", stdout);
    w->transient = false;
}

// Where all conversations are watched, a line says when another one speaks.
static void print_chat_line(struct watch *w, json_int_t chat)
{
    const json_t *o = by_id(w->s->chats, chat);
    if (w->only != 0 || w->shown == chat) return;
    w->shown = chat;
    text_colour(&w->text, TEXT_DIM);
    fputs("\xe2\x94\x80\xe2\x94\x80 in ", stdout);
    (void)text_line(&w->text, o != NULL ? chat_name(w->s, o) : "?", w->text.width < 80 ? w->text.width - 6 : 60);
    text_end(&w->text);
    fputc('\n', stdout);
}

// "Bob reacts X to: Tea at six?"
static void print_change(struct watch *w, const json_t *m, const json_t *messages)
{
    const char *kind = text_of(m, "kind"), *writer = view_writer(&w->view, m), *about = text_of(m, "about");
    const json_t *x;
    size_t i;
    char *line = NULL;
    json_array_foreach (messages, i, x) {
        if (strcmp(text_of(x, "mimi"), about) == 0) break;
        x = NULL;
    }
    bool reacts = strcmp(kind, "reaction") == 0;
    int n = asprintf(&line, "%s %s%s: %s", writer,
                     reacts                        ? "reacts "
                     : strcmp(kind, "delete") == 0 ? "deleted a message"
                                                   : "changed a message",
                     reacts ? text_of(m, "text") : "",
                     reacts                      ? text_of(x, "text")
                     : strcmp(kind, "edit") == 0 ? text_of(m, "text")
                                                 : "");
    if (n < 0) abort();
    if (strcmp(kind, "delete") == 0) line[strlen(line) - 2] = 0;
    text_colour(&w->text, TEXT_DIM);
    text_spaces(&w->text, w->view.indent);
    (void)text_wrap(&w->text, line, w->view.indent, w->view.indent);
    text_end(&w->text);
    fputc('\n', stdout);
    free(line);
}

// What is new in a chat: those messages behind the ones that are known. `last` limits how many are shown.
static int show_news(struct watch *w, json_int_t chat, json_int_t first, size_t last)
{
    char key[24];
    json_t *m;
    size_t i;
    (void)snprintf(key, sizeof key, "%lld", (long long)chat);
    json_t *known = json_object_get(w->known, key);
    size_t old = json_array_size(known);
    json_int_t after = old > 0 ? int_of(json_array_get(known, old - 1), "id") : first;
    json_t *news = messages_load(w->s, chat, after);
    if (news == NULL) return w->s->status;
    if (known == NULL) {
        known = json_array();
        (void)json_object_set_new(w->known, key, known);
    }
    (void)json_array_extend(known, news);
    messages_take_in(w->s, known);
    size_t n = json_array_size(news), begin = n > last ? n - last : 0;
    if (n > 0) clear_line(w);
    if (w->view.t == NULL) view_begin(&w->view, w->s, &w->text, known);
    json_array_foreach (news, i, m) {
        if (i < begin || (is_set(m, "hidden") && last != SIZE_MAX)) continue;
        print_chat_line(w, chat);
        if (is_set(m, "hidden")) print_change(w, m, known);
        else view_message(&w->view, m);
    }
    while (json_array_size(known) > KEPT) (void)json_array_remove(known, 0);
    json_decref(news);
    (void)fflush(stdout);
    return EXIT_DONE;
}

static void show_typing(struct watch *w, const json_t *params)
{
    json_int_t chat = int_of(params, "chat");
    if (!w->text.colours || (w->only != 0 && chat != w->only)) return; // no terminal that could clear the line again
    clear_line(w);
    if (json_is_false(json_object_get(params, "typing")) || !names_load(w->s)) {
        (void)fflush(stdout);
        return;
    }
    text_colour(&w->text, TEXT_DIM);
    size_t n = text_line(&w->text, contact_name(w->s, int_of(params, "contact")), 30);
    fputs(w->text.width > n + 14 ? " is typing \xe2\x80\xa6" : "\xe2\x80\xa6", stdout);
    text_end(&w->text);
    w->transient = true;
    (void)fflush(stdout);
}

static int show_event(struct watch *w, const char *method, const json_t *params)
{
    json_int_t chat = int_of(params, "chat");
    if (strcmp(method, "warning") == 0) {
        clear_line(w);
        (void)fflush(stdout);
        const struct text t = {
            .to = stderr, .width = w->text.width, .colours = w->text.colours && isatty(STDERR_FILENO) == 1};
        text_colour(&t, TEXT_WARNING);
        fputs("! ", stderr);
        (void)text_wrap(&t, text_of(params, "text"), 2, 2);
        text_end(&t);
        fputc('\n', stderr);
    } else if (strcmp(method, "typing") == 0) {
        show_typing(w, params);
    } else if (strcmp(method, "contact") == 0 || strcmp(method, "chat") == 0) {
        names_forget(w->s);
    } else if (strcmp(method, "message") == 0 && (w->only == 0 || chat == w->only)) {
        return names_load(w->s) ? show_news(w, chat, int_of(params, "message") - 1, SIZE_MAX) : w->s->status;
    }
    return EXIT_DONE;
}

// An event as a line of JSON: its name, what is in it, and the message that it tells of.
static int print_event(struct session *s, const char *method, json_t *params)
{
    json_int_t chat = int_of(params, "chat"), message = int_of(params, "message");
    json_t *o = json_pack("{s:s}", "event", method);
    (void)json_object_update(o, params);
    if (strcmp(method, "message") == 0 && message > 0) {
        json_t *list =
            ask(s, "message.list", json_pack("{s:I, s:I, s:i}", "chat", chat, "after", message - 1, "limit", 1));
        const json_t *m = json_array_get(list, 0);
        if (int_of(m, "id") == message) (void)json_object_set(o, "message", json_array_get(list, 0));
        json_decref(list);
    }
    (void)json_dumpf(o, stdout, JSON_COMPACT);
    fputc('\n', stdout);
    json_decref(o);
    if (fflush(stdout) != 0) s->status = EXIT_FAILED;
    return s->status;
}

int do_tail(struct session *s)
{
    struct watch w = {.s = s, .text = text_standard(), .known = json_object()};
    json_t *event;
    int status = EXIT_DONE;
    if (s->line->n > 0) w.only = find_chat(s, s->line->words[0]);
    if ((s->line->n > 0 && w.only == 0) || !names_load(s)) return s->status;
    json_t *r = ask(s, "events.follow", NULL);
    if (r == NULL) return s->status;
    json_decref(r);
    if (w.only != 0 && !s->line->json) status = show_news(&w, w.only, 0, FIRST);
    while (status == EXIT_DONE && (event = ask_next(s->fd)) != NULL) {
        json_t *params = json_object_get(event, "params");
        const char *method = text_of(event, "method");
        if (!s->line->json) status = show_event(&w, method, params);
        else if (w.only == 0 || int_of(params, "chat") == w.only || int_of(params, "chat") == 0)
            status = print_event(s, method, params);
        json_decref(event);
    }
    json_decref(w.known);
    return status != EXIT_DONE ? status : say_wrong(EXIT_FAILED, "the engine has ended");
}
