// SPDX-License-Identifier: Apache-2.0
//
// Reading conversations in a terminal: a line for each day, a message with its number, time, writer, and text that hangs below itself.
#include "cmd/whimbrel_read.h"

#include "cmd/mention.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    LAST_USUAL = 100,
    LIST_MAX = 10000,
    NAME_COLUMNS = 14,
    NARROW = 48,
    QUOTE_MAX = 60,
};

// ---------------------------------------------------------------------------------------------------------- one message

const char *view_writer(const struct view *v, const json_t *m) { return writer_name(v->s, int_of(m, "from")); }

void view_begin(struct view *v, const struct session *s, struct text *t, const json_t *messages)
{
    size_t i;
    json_t *m;
    *v = (struct view){.s = s, .t = t, .name_columns = 2, .narrow = t->width < NARROW};
    json_array_foreach (messages, i, m) {
        size_t n = text_width(view_writer(v, m));
        if (n > v->name_columns) v->name_columns = n < NAME_COLUMNS ? n : NAME_COLUMNS;
    }
    v->indent = v->narrow ? 2 : 6 + 7 + v->name_columns + 2;
}

static void print_day(struct view *v, const struct tm *day)
{
    char text[80];
    if (day->tm_yday == v->day && day->tm_year == v->year) return;
    v->day = day->tm_yday;
    v->year = day->tm_year;
    (void)strftime(text, sizeof text, "%A, %d %B %Y", day);
    size_t n = strlen(text), width = v->t->width < 72 ? v->t->width : 72;
    text_colour(v->t, TEXT_DIM);
    fputs("\xe2\x94\x80\xe2\x94\x80 ", v->t->to);
    (void)text_line(v->t, text, width - 3);
    if (n + 4 < width) fputc(' ', v->t->to);
    for (size_t i = n + 4; i < width; i++) fputs("\xe2\x94\x80", v->t->to);
    text_end(v->t);
    fputc('\n', v->t->to);
}

// "   12  09:41  Bob     ", or on a narrow terminal a line of its own. The column behind it.
static void print_head(const struct view *v, const json_t *m, const struct tm *when)
{
    struct text *t = v->t;
    json_int_t from = int_of(m, "from");
    text_colour(t, TEXT_DIM);
    fprintf(t->to, v->narrow ? "%lld %02d:%02d " : "%4lld  %02d:%02d  ", (long long)int_of(m, "id"), when->tm_hour,
            when->tm_min);
    text_end(t);
    text_colour(t, from == 0 ? TEXT_BOLD : (enum text_colour)(TEXT_PERSON + from % 1000));
    if (v->narrow) (void)text_line(t, view_writer(v, m), t->width > 16 ? t->width - 13 : 4);
    else text_cell(t, view_writer(v, m), v->name_columns);
    text_end(t);
    if (v->narrow) fprintf(t->to, "\n");
    text_spaces(t, 2);
}

static const char *mark_of(const json_t *m)
{
    const char *state = text_of(m, "state");
    if (int_of(m, "from") != 0) return "";
    if (strcmp(state, "queued") == 0) return "(not sent yet)";
    if (strcmp(state, "held") == 0) return "(held: a contact has another device)";
    if (strcmp(state, "sent") == 0) return "\xe2\x9c\x93";
    if (strcmp(state, "delivered") == 0) return "\xe2\x9c\x93\xe2\x9c\x93";
    if (strcmp(state, "read") == 0) return "\xe2\x9c\x93\xe2\x9c\x93 read";
    return strcmp(state, "failed") == 0 ? "(failed)" : "";
}

static void print_quoted(const struct view *v, const json_t *quoted)
{
    struct text *t = v->t;
    size_t room = t->width == SIZE_MAX ? QUOTE_MAX : t->width > v->indent + 4 ? t->width - v->indent - 2 : 4;
    if (room > QUOTE_MAX) room = QUOTE_MAX;
    char *line = NULL, *written = mention_written(text_of(quoted, "text"));
    if (asprintf(&line, "%s: %s", view_writer(v, quoted), is_set(quoted, "deleted") ? "(deleted)" : written) < 0)
        abort();
    free(written);
    text_colour(t, TEXT_DIM);
    fputs("\xe2\x94\x82 ", t->to);
    (void)text_line(t, line, room);
    text_end(t);
    fputc('\n', t->to);
    text_spaces(t, v->indent);
    free(line);
}

// "2 days", "90 minutes": in the largest unit that it is so many of.
static void duration_text(long long seconds, char *room, size_t n)
{
    static const struct {
        const char *name;
        long long seconds;
    } units[] = {{"week", 7 * 86400}, {"day", 86400}, {"hour", 3600}, {"minute", 60}, {"second", 1}};
    size_t i = 0;
    while (seconds % units[i].seconds != 0) i++;
    long long many = seconds / units[i].seconds;
    (void)snprintf(room, n, "%lld %s%s", many, units[i].name, many == 1 ? "" : "s");
}

// Something has happened: "(added Carol)", "(renamed: Tea)".
static void notice_text(const struct session *s, const json_t *m, char *room, size_t n)
{
    const char *text = text_of(m, "text"), *type = text_of(m, "type"), *whom = "";
    char words[60];
    if (strcmp(type, "device") == 0) type = "has another device than before"; // what one must understand
    if (strcmp(type, "timer") == 0) {
        long long seconds = strtoll(text, NULL, 10);
        type = seconds > 0 ? "messages end after reading" : "messages stay";
        duration_text(seconds, words, sizeof words);
        text = seconds > 0 ? words : "";
    }
    if (int_of(m, "whom") != 0) whom = contact_name(s, int_of(m, "whom"));
    else if (strcmp(type, "added") == 0 || strcmp(type, "removed") == 0) whom = "you";
    (void)snprintf(room, n, "(%.100s%s%.200s%s%.200s)", type, whom[0] != 0 ? " " : "", whom, text[0] != 0 ? ": " : "",
                   text);
}

void message_instead(const struct session *s, const json_t *m, char *room, size_t n)
{
    const char *type = text_of(m, "type");
    if (strcmp(text_of(m, "kind"), "notice") == 0) notice_text(s, m, room, n);
    else if (is_set(m, "deleted")) (void)snprintf(room, n, "(deleted)");
    else if (strcmp(text_of(m, "kind"), "file") == 0) (void)snprintf(room, n, "(a file that cannot be fetched)");
    else if (type[0] == 0) (void)snprintf(room, n, "(nothing)");
    else (void)snprintf(room, n, "(something of the kind %.100s, which this program cannot show)", type);
}

// "X Bob  Y me"
static void print_reactions(const struct view *v, const json_t *list)
{
    struct text *t = v->t;
    size_t i, at = v->indent;
    char *one = NULL;
    json_t *r;
    if (json_array_size(list) == 0) return;
    text_spaces(t, v->indent);
    json_array_foreach (list, i, r) {
        if (asprintf(&one, "%s%s %s", i > 0 ? "  " : "", text_of(r, "text"), view_writer(v, r)) < 0) abort();
        at = text_wrap(t, one, at, v->indent);
        free(one);
    }
    fputc('\n', t->to);
}

// Of a message that brings a file: what it is, and below it what was said; the caller's to free. NULL of others.
static char *file_text(const json_t *m)
{
    char words[800], *all = NULL;
    const json_t *file = json_object_get(m, "file");
    if (!json_is_object(file)) return NULL;
    file_words(file, words, sizeof words);
    const char *said = text_of(file, "text");
    if (asprintf(&all, "%s%s%s", words, said[0] != 0 ? "\n" : "", said) < 0) abort();
    return all;
}

void view_message(struct view *v, const json_t *m)
{
    char room[600] = "";
    struct text *t = v->t;
    struct tm when;
    time_t seconds = (time_t)(int_of(m, "time") / 1000);
    const char *text = text_of(m, "text"), *mark = mark_of(m);
    const json_t *quoted = json_object_get(m, "answers");
    (void)localtime_r(&seconds, &when);
    print_day(v, &when);
    print_head(v, m, &when);
    if (json_is_object(quoted)) print_quoted(v, quoted);
    char *file = file_text(m);
    if (file != NULL) text = file;
    char *written = mention_written(text);
    text = written;
    bool dim = text[0] == 0 || strcmp(text_of(m, "kind"), "notice") == 0;
    if (dim) text_colour(t, TEXT_DIM);
    if (dim) message_instead(v->s, m, room, sizeof room);
    size_t at = text_wrap(t, dim ? room : text, v->indent, v->indent);
    if (dim) text_end(t);
    text_colour(t, TEXT_DIM);
    if (int_of(m, "edited") != 0) at = text_wrap(t, " (edited)", at, v->indent);
    if (mark[0] != 0) {
        (void)snprintf(room, sizeof room, " %s", mark);
        (void)text_wrap(t, room, at, v->indent);
    }
    text_end(t);
    fputc('\n', t->to);
    print_reactions(v, json_object_get(m, "reactions"));
    free(written);
    free(file);
}

// ---------------------------------------------------------------------------------------------------------- read, tail

json_t *messages_load(struct session *s, json_int_t chat, json_int_t after)
{
    json_t *all = json_array(), *part;
    size_t n = LIST_MAX;
    while (n == LIST_MAX) {
        part = ask(s, "message.list", json_pack("{s:I, s:I, s:i}", "chat", chat, "after", after, "limit", LIST_MAX));
        n = json_array_size(part);
        if (n > 0) after = int_of(json_array_get(part, n - 1), "id");
        (void)json_array_extend(all, part);
        json_decref(part);
    }
    if (s->status == EXIT_DONE) return all;
    json_decref(all);
    return NULL;
}

// The last ones; all with 0.
static json_t *load_last(struct session *s, json_int_t chat, long last)
{
    if (last == 0 || last > LIST_MAX) {
        json_t *all = messages_load(s, chat, 0);
        while (last > 0 && json_array_size(all) > (size_t)last) (void)json_array_remove(all, 0);
        return all;
    }
    return ask(s, "message.list", json_pack("{s:I, s:I}", "chat", chat, "limit", (json_int_t)last));
}

static void print_list(const struct session *s, struct text *t, const json_t *messages)
{
    struct view v;
    size_t i;
    json_t *m;
    view_begin(&v, s, t, messages);
    json_array_foreach (messages, i, m) {
        view_message(&v, m);
    }
}

int do_read(struct session *s)
{
    struct text_pages p;
    json_int_t chat = find_chat(s, s->line->words[0]);
    if (chat == 0) return s->status;
    struct text *t = pages_begin(&p);
    json_t *list = load_last(s, chat, flag_number(s->line, "last", p.whole && !s->line->json ? LAST_USUAL : 0));
    if (list == NULL) {
        pages_end(&p, true);
        return s->status;
    }
    if (s->line->json) print_json(list);
    else print_list(s, t, list);
    pages_end(&p, true);
    size_t n = json_array_size(list);
    if (n > 0 && !s->line->json) // it has been read
        json_decref(
            ask_quietly(s, "chat.read",
                        json_pack("{s:I, s:I}", "chat", chat, "message", int_of(json_array_get(list, n - 1), "id"))));
    json_decref(list);
    return EXIT_DONE;
}
