// SPDX-License-Identifier: Apache-2.0
//
// Watching conversations: what was said last, then what comes, as it comes. What changes an earlier message is a line of its own here,
// since that message may have left the screen. With --json each event is a line, a message's whole message in it.
#include "cmd/whimbrel_read.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST = 10, KEPT = 200, NEAR = 30, KEPT_NEAR = 50 };

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

// Below what is shown: "Bob reacts X to: Tea at six?"
static void print_below(struct watch *w, json_int_t chat, const char *who, const char *what, const char *text)
{
    char *line = NULL;
    if (asprintf(&line, "%s %s%s%s", who, what, text[0] != 0 ? ": " : "", text) < 0) abort();
    clear_line(w);
    print_chat_line(w, chat);
    text_colour(&w->text, TEXT_DIM);
    text_spaces(&w->text, w->view.indent);
    (void)text_wrap(&w->text, line, w->view.indent, w->view.indent);
    text_end(&w->text);
    fputc('\n', stdout);
    (void)fflush(stdout);
    free(line);
}

static const json_t *reaction_by(const json_t *m, json_int_t from)
{
    size_t i;
    json_t *r;
    json_array_foreach (json_object_get(m, "reactions"), i, r) {
        if (int_of(r, "from") == from) return r;
    }
    return NULL;
}

// What has become of a message that was there before.
static void print_change(struct watch *w, const json_t *was, const json_t *m)
{
    json_int_t chat = int_of(m, "chat");
    const char *writer = view_writer(&w->view, m);
    size_t i;
    json_t *r;
    if (is_set(m, "deleted") && !is_set(was, "deleted")) print_below(w, chat, writer, "deleted a message", "");
    else if (int_of(m, "edited") > int_of(was, "edited"))
        print_below(w, chat, writer, "changed a message", text_of(m, "text"));
    json_array_foreach (json_object_get(m, "reactions"), i, r) {
        char what[100];
        const json_t *before = reaction_by(was, int_of(r, "from"));
        if (before != NULL && strcmp(text_of(before, "text"), text_of(r, "text")) == 0) continue;
        (void)snprintf(what, sizeof what, "reacts %.80s to", text_of(r, "text"));
        print_below(w, chat, view_writer(&w->view, r), what, text_of(m, "text"));
    }
}

static void chat_key(json_int_t chat, char out[24]) { (void)snprintf(out, 24, "%lld", (long long)chat); }

// The messages of a chat that were shown, or come before those: an array, and the number of the last.
static json_t *known_of(struct watch *w, json_int_t chat, json_int_t *last)
{
    char key[24];
    chat_key(chat, key);
    json_t *known = json_object_get(w->known, key);
    if (known == NULL) {
        known = json_array();
        (void)json_object_set_new(w->known, key, known);
    }
    *last = json_array_size(known) > 0 ? int_of(json_array_get(known, json_array_size(known) - 1), "id") : 0;
    return known;
}

static int show_list(struct watch *w, json_int_t chat, json_t *take_list, size_t last)
{
    json_int_t end;
    json_t *known = known_of(w, chat, &end), *m;
    size_t i, n = json_array_size(take_list);
    if (n > 0) clear_line(w);
    (void)json_array_extend(known, take_list);
    if (w->view.t == NULL) view_begin(&w->view, w->s, &w->text, known);
    json_array_foreach (take_list, i, m) {
        if (n - i > last) continue;
        print_chat_line(w, chat);
        view_message(&w->view, m);
    }
    while (json_array_size(known) > KEPT) (void)json_array_remove(known, 0);
    json_decref(take_list);
    (void)fflush(stdout);
    return EXIT_DONE;
}

// A message is new, or has changed.
static int show_message(struct watch *w, json_int_t chat, json_int_t message)
{
    json_int_t last;
    json_t *known = known_of(w, chat, &last), *m;
    if (message > last) {
        json_t *news = messages_load(w->s, chat, last > 0 ? last : message - 1);
        return news == NULL ? w->s->status : show_list(w, chat, news, SIZE_MAX);
    }
    json_t *now = ask_quietly(w->s, "message.get", json_pack("{s:I, s:I}", "chat", chat, "message", message));
    size_t i;
    json_array_foreach (known, i, m) {
        if (now == NULL || int_of(m, "id") != message) continue;
        if (w->view.t == NULL) view_begin(&w->view, w->s, &w->text, known);
        if (json_object_get(m, "mimi") != NULL) print_change(w, m, now); // else only its number was known
        (void)json_array_set(known, i, now);
        break;
    }
    json_decref(now);
    return EXIT_DONE;
}

// What is there already: so that what changes is told from what is new.
static int begin(struct watch *w)
{
    size_t i;
    json_t *chat;
    if (w->only != 0) {
        json_t *list = ask(w->s, "message.list", json_pack("{s:I, s:i}", "chat", w->only, "limit", KEPT));
        return list == NULL ? w->s->status : show_list(w, w->only, list, FIRST);
    }
    json_array_foreach (w->s->chats, i, chat) {
        json_int_t end;
        const json_t *last = json_object_get(chat, "last");
        json_t *known = known_of(w, int_of(chat, "id"), &end), *list = NULL;
        if (json_is_object(last) && i < NEAR) // of the newest conversations what was said last may be changed
            list = ask_quietly(w->s, "message.list",
                               json_pack("{s:I, s:i}", "chat", int_of(chat, "id"), "limit", KEPT_NEAR));
        if (list != NULL) (void)json_array_extend(known, list);
        else if (json_is_object(last)) (void)json_array_append_new(known, json_pack("{s:I}", "id", int_of(last, "id")));
        json_decref(list);
    }
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
        return names_load(w->s) ? show_message(w, chat, int_of(params, "message")) : w->s->status;
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
        json_t *m = ask_quietly(s, "message.get", json_pack("{s:I, s:I}", "chat", chat, "message", message));
        if (m != NULL) (void)json_object_set_new(o, "message", m); // else it is gone already
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
    if (!s->line->json) status = begin(&w);
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
