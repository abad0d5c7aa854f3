// SPDX-License-Identifier: Apache-2.0
//
// What one does with conversations for oneself: searching, pinning, muting, archiving. Nobody else hears of it.
#include "cmd/whimbrel_read.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

// ------------------------------------------------------------------------------------------------------------ searching

static void print_pieces(const struct text *t, const json_t *pieces)
{
    size_t i, at = 6;
    bool space = false; // one that was left out at the end of the piece before
    char *one = NULL;
    json_t *piece;
    text_spaces(t, at);
    json_array_foreach (pieces, i, piece) {
        const char *text = json_string_value(piece);
        size_t n = strlen(text);
        if (n == 0) continue;
        if (asprintf(&one, "%s%s", space ? " " : "", text) < 0) abort();
        space = text[n - 1] == ' ';
        if (i % 2 == 1) text_colour(t, TEXT_BOLD);
        at = text_wrap(t, one, at, 6);
        if (i % 2 == 1) text_end(t);
        free(one);
    }
    fputc('\n', t->to);
}

static void print_found(struct view *v, const json_t *found)
{
    char when[40];
    struct tm tm;
    struct text *t = v->t;
    const json_t *m = json_object_get(found, "message"), *chat = by_id(v->s->chats, int_of(m, "chat"));
    time_t seconds = (time_t)(int_of(m, "time") / 1000);
    (void)strftime(when, sizeof when, "%d %b %Y %H:%M", localtime_r(&seconds, &tm));
    text_colour(t, TEXT_DIM);
    fprintf(t->to, "%4lld  %s  ", (long long)int_of(m, "id"), when);
    text_end(t);
    (void)text_line(t, chat != NULL ? chat_name(v->s, chat) : "?", 40);
    text_colour(t, TEXT_DIM);
    fputs("  ", t->to);
    (void)text_line(t, view_writer(v, m), 40);
    text_end(t);
    fputc('\n', t->to);
    print_pieces(t, json_object_get(found, "pieces"));
}

static int do_search(struct session *s)
{
    struct text_pages p;
    size_t i;
    json_t *found;
    const char *in = flag_text(s->line, "in");
    json_int_t chat = in != NULL ? find_chat(s, in) : 0;
    if ((in != NULL && chat == 0) || !names_load(s)) return s->status;
    char *words = line_text(s->line, 0);
    json_t *params = json_pack("{s:s, s:I, s:I}", "text", words != NULL ? words : "", "chat", chat, "limit",
                               (json_int_t)flag_number(s->line, "last", 50));
    free(words);
    if (params == NULL) return say_wrong(EXIT_USAGE, "that is no UTF-8 text");
    json_t *list = ask(s, "message.search", params);
    if (list == NULL) return s->status;
    struct text *t = pages_begin(&p);
    struct view v = {.s = s, .t = t};
    if (s->line->json) print_json(list);
    else json_array_foreach (list, i, found) print_found(&v, found);
    pages_end(&p, false);
    if (json_array_size(list) == 0 && !s->line->quiet && !s->line->json) fputs("nothing was found\n", stderr);
    json_decref(list);
    return EXIT_DONE;
}

// -------------------------------------------------------------------------------------------------- pins, mute, archive

static int set(struct session *s, const char *key, json_t *take_value, const char *said)
{
    json_int_t chat = find_chat(s, s->line->words[0]);
    json_t *params = json_pack("{s:I, s:o}", "chat", chat, key, take_value);
    if (chat != 0) return finish(s, ask(s, "chat.set", params), said);
    json_decref(params);
    return s->status;
}

// A conversation, or a message in it.
static int pin(struct session *s, bool pinned, const char *said)
{
    if (s->line->n < 2) return set(s, "pinned", json_boolean(pinned), said);
    json_int_t chat = find_chat(s, s->line->words[0]);
    json_int_t message =
        chat == 0 ? 0 : number_in(s, s->line->words[1], "message's number; `whimbrel read` shows them");
    if (message == 0) return s->status;
    json_t *params = json_pack("{s:I, s:I, s:b}", "chat", chat, "message", message, "pinned", pinned);
    return finish(s, ask(s, "message.pin", params), said);
}

static int do_pin(struct session *s) { return pin(s, true, "pinned"); }
static int do_unpin(struct session *s) { return pin(s, false, "not pinned any more"); }

static int do_pins(struct session *s)
{
    struct text_pages p;
    struct view v;
    json_int_t chat = find_chat(s, s->line->words[0]);
    json_t *list = chat == 0 ? NULL : ask(s, "message.pinned", json_pack("{s:I}", "chat", chat));
    if (list == NULL) return s->status;
    struct text *t = pages_begin(&p);
    view_begin(&v, s, t, list);
    if (s->line->json) print_json(list);
    for (size_t i = json_array_size(list); i > 0 && !s->line->json; i--) view_message(&v, json_array_get(list, i - 1));
    pages_end(&p, false);
    json_decref(list);
    return EXIT_DONE;
}

// "30m", "8h", "2d", "1w", or seconds; 0 after an error, which has been said.
json_int_t duration_in(struct session *s, const char *word)
{
    static const struct {
        char unit;
        json_int_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};
    char *end;
    json_int_t n = strtoll(word, &end, 10);
    if (n > 0 && n < 1000000000 && *end == 0) return n;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (end[0] == units[i].unit && end[1] == 0 && n > 0 && n < 100000) return n * units[i].seconds;
    }
    s->status = say_wrong(EXIT_USAGE, "%s is no time; say 30m, 8h, 2d or 1w", word);
    return 0;
}

static int do_mute(struct session *s)
{
    json_int_t until = INT64_C(253402300799000); // the end of the year 9999: until it is taken back
    if (s->line->n > 1) {
        json_int_t seconds = duration_in(s, s->line->words[1]);
        if (seconds == 0) return s->status;
        until = ((json_int_t)time(NULL) + seconds) * 1000;
    }
    return set(s, "muted", json_integer(until), "muted");
}

static int do_unmute(struct session *s) { return set(s, "muted", json_integer(0), "not muted any more"); }
static int do_archive(struct session *s) { return set(s, "archived", json_true(), "archived"); }
static int do_unarchive(struct session *s) { return set(s, "archived", json_false(), "back among the others"); }

static int do_receipts(struct session *s)
{
    return set(s, "receipts", json_string(s->line->words[1]), "kept");
}

// ------------------------------------------------------------------------------------------------------------------ info

static void print_time(const struct text *t, const char *what, json_int_t ms)
{
    char when[60];
    struct tm tm;
    time_t seconds = (time_t)(ms / 1000);
    if (ms == 0) return;
    (void)strftime(when, sizeof when, "%d %b %Y %H:%M:%S", localtime_r(&seconds, &tm));
    fprintf(t->to, "%s%s\n", what, when);
}

static void print_info(const struct session *s, const struct text *t, const json_t *m, const json_t *receipts)
{
    size_t i;
    json_t *r;
    print_time(t, int_of(m, "from") == 0 ? "sent       " : "came       ", int_of(m, "time"));
    print_time(t, "changed    ", int_of(m, "edited"));
    print_time(t, "ends       ", int_of(m, "expires"));
    if (int_of(m, "from") == 0) fprintf(t->to, "state      %s\n", text_of(m, "state"));
    json_array_foreach (receipts, i, r) {
        const char *who = contact_name(s, int_of(r, "contact"));
        (void)text_line(t, who, 60);
        print_time(t, "\n  got      ", int_of(r, "delivered"));
        print_time(t, "  read     ", int_of(r, "read"));
    }
}

static int do_info(struct session *s)
{
    struct text_pages p;
    json_int_t chat = find_chat(s, s->line->words[0]);
    json_int_t message =
        chat == 0 ? 0 : number_in(s, s->line->words[1], "message's number; `whimbrel read` shows them");
    if (message == 0) return s->status;
    json_t *m = ask(s, "message.get", json_pack("{s:I, s:I}", "chat", chat, "message", message));
    json_t *receipts =
        m == NULL ? NULL : ask(s, "message.receipts", json_pack("{s:I, s:I}", "chat", chat, "message", message));
    if (receipts != NULL && s->line->json) {
        (void)json_object_set(m, "receipts", receipts);
        print_json(m);
    } else if (receipts != NULL) {
        print_info(s, pages_begin(&p), m, receipts);
        pages_end(&p, false);
    }
    json_decref(receipts);
    json_decref(m);
    return s->status;
}

// ----------------------------------------------------------------------------------------------- messages that end, notes

static int do_timer(struct session *s)
{
    json_int_t seconds = 0, chat = find_chat(s, s->line->words[0]);
    if (chat == 0) return s->status;
    if (strcmp(s->line->words[1], "off") != 0 && (seconds = duration_in(s, s->line->words[1])) == 0) return s->status;
    return finish(s, ask(s, "chat.timer", json_pack("{s:I, s:I}", "chat", chat, "seconds", seconds)),
                  seconds == 0 ? "what is said from now on stays" : "what is said from now on ends");
}

static int do_note(struct session *s)
{
    char *text = line_text(s->line, 0);
    if (text == NULL) return EXIT_USAGE;
    json_t *params = json_pack("{s:s}", "text", text);
    free(text);
    if (params == NULL) return say_wrong(EXIT_USAGE, "that is no UTF-8 text");
    json_t *self = ask(s, "chat.self", NULL);
    (void)json_object_set(params, "chat", json_object_get(self, "chat"));
    json_decref(self);
    if (s->status == EXIT_DONE) return finish(s, ask(s, "message.send", params), "kept");
    json_decref(params);
    return s->status;
}

// Whether somebody who can be asked, or has said so before, means it.
static bool is_meant(struct session *s)
{
    char answer[20] = "";
    if (flag_on(s->line, "yes")) return true;
    if (prompt_line("Delete all of this conversation on this device? It cannot be brought back. (yes or no)", answer,
                    sizeof answer))
        return strcmp(answer, "yes") == 0;
    s->status = say_wrong(EXIT_USAGE, "say --yes if you mean it: it cannot be brought back");
    return false;
}

static int do_delete(struct session *s)
{
    json_int_t chat = find_chat(s, s->line->words[0]);
    if (chat == 0 || !is_meant(s)) return s->status;
    return finish(s, ask(s, "chat.delete", json_pack("{s:I}", "chat", chat)), "deleted on this device");
}

static const struct flag delete_flags[] = {
    {"yes", NULL, "do not ask"},
    {NULL, NULL, NULL},
};

static const struct flag search_flags[] = {
    {"in", "CHAT", "only in this conversation"},
    {"last", "N", "at most the last N that fit; 50 if it is left out"},
    {NULL, NULL, NULL},
};

const struct command chat_commands[] = {
    {"search", "WORD...", "find what was said", do_search, AN_ENGINE, search_flags,
     "Messages that have all the words are shown, newest first; of the last word the beginning is enough."},
    {"pin", "CHAT [NUMBER]", "put a conversation above the others, or keep a message at hand", do_pin, AN_ENGINE, NULL,
     NULL},
    {"unpin", "CHAT [NUMBER]", "take that back", do_unpin, AN_ENGINE, NULL, NULL},
    {"pins", "CHAT", "show the messages that you pinned", do_pins, AN_ENGINE, NULL, NULL},
    {"mute", "CHAT [TIME]", "be told nothing of a conversation, for 30m, 8h, 2d or 1w, or until you unmute it", do_mute,
     AN_ENGINE, NULL, NULL},
    {"unmute", "CHAT", "be told of it again", do_unmute, AN_ENGINE, NULL, NULL},
    {"archive", "CHAT", "put a conversation aside", do_archive, AN_ENGINE, NULL, NULL},
    {"unarchive", "CHAT", "put it back among the others", do_unarchive, AN_ENGINE, NULL, NULL},
    {"info", "CHAT NUMBER", "show when a message was sent, and who has got and read it", do_info, AN_ENGINE, NULL,
     NULL},
    {"note", "TEXT...", "write something to yourself; `whimbrel read \"note to self\"` shows it", do_note, AN_ENGINE,
     NULL, NULL},
    {"chat delete", "CHAT", "delete all of a conversation on this device, with its files", do_delete, AN_ENGINE,
     delete_flags,
     "Nobody else hears of it, and nothing goes from their devices. A group has to be left first. A conversation with "
     "one "
     "person is not listed any more until one of you says something; you can still write to them by name."},
    {"chat timer", "CHAT TIME|off", "let messages end after reading, for everybody: after 30m, 8h, 2d or 1w", do_timer,
     AN_ENGINE, NULL, "What was said before stays. In groups only admins may do this."},
    {"chat receipts", "CHAT on|off|usual", "whether others are told that you have got and read something", do_receipts,
     AN_ENGINE, NULL, "Usually they are, but not in large groups."},
    {NULL, NULL, NULL, NULL, ALONE, NULL, NULL},
};
