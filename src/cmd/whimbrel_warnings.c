// SPDX-License-Identifier: Apache-2.0
//
// Warnings: what people must know, until they have seen it: that a relay lies, that a disk is full.
#include "cmd/text.h"
#include "cmd/whimbrel.h"

#include <time.h>
#include <unistd.h>

static const json_t *chat_of(const struct session *s, const json_t *warning)
{
    json_int_t id = int_of(warning, "chat");
    return id == 0 ? NULL : by_id(s->chats, id);
}

static void print_warning(const struct session *s, const struct text *t, const json_t *w)
{
    char when[40] = "";
    const json_t *chat = chat_of(s, w);
    time_t at = (time_t)(int_of(w, "time") / 1000);
    struct tm day;
    if (localtime_r(&at, &day) != NULL) (void)strftime(when, sizeof when, "%Y-%m-%d %H:%M", &day);
    text_colour(t, TEXT_WARNING);
    fputs("! ", t->to);
    text_end(t);
    fputs(when, t->to);
    if (chat != NULL) fputs(", ", t->to);
    if (chat != NULL) (void)text_line(t, chat_name(s, chat), 60);
    fputs("\n  ", t->to);
    (void)text_wrap(t, text_of(w, "text"), 2, 2);
    fputc('\n', t->to);
}

static int do_warnings(struct session *s)
{
    size_t i;
    json_t *w, *list = names_load(s) ? ask(s, "warning.list", NULL) : NULL;
    if (list == NULL) return s->status;
    if (s->line->json) {
        print_json(list);
    } else {
        const struct text t = text_standard();
        json_array_foreach (list, i, w) {
            print_warning(s, &t, w);
        }
        if (i == 0) say_note(s->line, "Nothing is wrong, as far as is known.");
        else if (!flag_on(s->line, "seen")) say_note(s->line, "`whimbrel warnings --seen` shows them a last time.");
    }
    json_array_foreach (list, i, w) {
        if (!flag_on(s->line, "seen")) continue;
        json_decref(ask(s, "warning.seen", json_pack("{s:I}", "warning", int_of(w, "id"))));
    }
    json_decref(list);
    return s->status;
}

void warnings_note(struct session *s)
{
    bool silent = s->line->json || s->line->quiet || isatty(STDERR_FILENO) != 1 || s->line->command == warnings_commands;
    json_t *list = silent ? NULL : ask_quietly(s, "warning.list", NULL);
    size_t n = json_array_size(list);
    json_decref(list);
    if (n == 1) say_note(s->line, "! There is a warning: `whimbrel warnings` shows it.");
    if (n > 1) say_note(s->line, "! There are warnings: `whimbrel warnings` shows them.");
}

static const struct flag warnings_flags[] = {{"seen", NULL, "forget them; what happens again is told again"}, {NULL, NULL, NULL}};

const struct command warnings_commands[] = {
    {"warnings", "", "show what you must know: whether a relay lies, or a disk is full", do_warnings, AN_ENGINE, warnings_flags,
     "Each says what is wrong and what to do. It stays until you have seen it."},
    {NULL, NULL, NULL, NULL, ALONE, NULL, NULL},
};
