// SPDX-License-Identifier: Apache-2.0
//
// Conversations: which there are, and saying something in one.
#include "cmd/whimbrel_read.h"

#include "cmd/mention.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static void print_chat(const struct session *s, const struct text *t, const json_t *o)
{
    fprintf(t->to, "%4lld  ", (long long)int_of(o, "id"));
    text_colour(t, TEXT_BOLD);
    (void)text_line(t, chat_name(s, o), 60);
    text_end(t);
    text_colour(t, TEXT_DIM);
    if (strcmp(text_of(o, "kind"), "group") == 0) fprintf(t->to, "  group of %lld", (long long)int_of(o, "members"));
    else if (int_of(o, "members") < 2 && strcmp(text_of(o, "kind"), "self") != 0) fputs("  not there yet", t->to);
    if (strcmp(text_of(o, "state"), "open") != 0) fprintf(t->to, "  %s", text_of(o, "state"));
    if (json_array_size(json_object_get(o, "held")) > 0) fputs("  held: another device", t->to);
    if (is_set(o, "pinned")) fputs("  pinned", t->to);
    if (int_of(o, "muted") > (json_int_t)time(NULL) * 1000) fputs("  muted", t->to);
    if (text_of(o, "draft")[0] != 0) fputs("  draft", t->to);
    text_end(t);
    if (int_of(o, "unread") > 0) {
        text_colour(t, TEXT_BOLD);
        fprintf(t->to, "  %lld unread%s", (long long)int_of(o, "unread"),
                int_of(o, "mentions") > 0 ? ", with your name" : "");
        text_end(t);
    }
    fputc('\n', t->to);
}

static int do_chats(struct session *s)
{
    size_t i;
    json_t *o;
    struct text_pages p;
    if (!names_load(s)) return s->status;
    if (s->line->json) {
        print_json(s->chats);
        return EXIT_DONE;
    }
    struct text *t = pages_begin(&p);
    bool archived = flag_on(s->line, "archived");
    json_array_foreach (s->chats, i, o) {
        if (is_set(o, "archived") == archived && !is_set(o, "hidden")) print_chat(s, t, o);
    }
    pages_end(&p, false);
    if (i == 0 && !s->line->quiet)
        fputs("No conversations yet. `whimbrel invite` makes a link for somebody, `whimbrel accept` takes theirs.\n",
              stderr);
    return EXIT_DONE;
}

static int say(struct session *s, const char *method, json_t *take_params)
{
    if (take_params == NULL) return say_wrong(EXIT_USAGE, "that is no UTF-8 text");
    json_int_t chat = int_of(take_params, "chat");
    int status = finish(s, ask(s, method, take_params), "queued");
    say_held(s, chat);
    return status;
}

// The words from the first on, in which each @name of somebody in the conversation is a link to them.
static char *text_with_names(struct session *s, json_int_t chat, size_t first)
{
    enum { PEOPLE = 1000 };
    static struct mention_person people[PEOPLE];
    size_t i, n = 0;
    json_t *m;
    char *text = line_text(s->line, first);
    if (text == NULL || strchr(text, '@') == NULL) return text;
    json_t *members = ask_quietly(s, "chat.members", json_pack("{s:I}", "chat", chat));
    json_array_foreach (members, i, m) {
        const json_t *contact = by_id(s->contacts, int_of(m, "contact"));
        if (contact != NULL && n < PEOPLE)
            people[n++] = (struct mention_person){text_of(contact, "name"), text_of(m, "account")};
    }
    char *out = mention_sent(text, people, n);
    json_decref(members);
    free(text);
    return out;
}

static int do_send(struct session *s)
{
    json_int_t chat = find_chat(s, s->line->words[0]);
    char *text = chat == 0 ? NULL : text_with_names(s, chat, 1);
    if (text == NULL) return s->status == EXIT_DONE ? EXIT_USAGE : s->status;
    json_t *params = json_pack("{s:I, s:s}", "chat", chat, "text", text);
    free(text);
    const char *lives = flag_text(s->line, "lives");
    json_int_t seconds = lives != NULL ? duration_in(s, lives) : 0;
    if (seconds > 0 && params != NULL) (void)json_object_set_new(params, "lives", json_integer(seconds));
    if (s->status == EXIT_DONE) return say(s, "message.send", params);
    json_decref(params);
    return s->status;
}

// reply, react, edit and delete: about the message with the number that `read` shows.
static int act(struct session *s, const char *method, bool with_text)
{
    json_int_t chat = find_chat(s, s->line->words[0]);
    json_int_t message =
        chat == 0 ? 0 : number_in(s, s->line->words[1], "message's number; `whimbrel read` shows them");
    if (message == 0) return s->status;
    if (!with_text) return say(s, method, json_pack("{s:I, s:I}", "chat", chat, "message", message));
    char *text = text_with_names(s, chat, 2);
    if (text == NULL) return EXIT_USAGE;
    json_t *params = json_pack("{s:I, s:I, s:s}", "chat", chat, "message", message, "text", text);
    free(text);
    return say(s, method, params);
}

static int do_reply(struct session *s) { return act(s, "message.reply", true); }
static int do_react(struct session *s) { return act(s, "message.react", true); }
static int do_edit(struct session *s) { return act(s, "message.edit", true); }
static int do_delete(struct session *s) { return act(s, "message.delete", false); }

static const struct flag send_flags[] = {
    {"lives", "TIME", "it ends so long after it was read, for everybody: 30m, 8h, 2d, 1w"},
    {NULL, NULL, NULL},
};

static const struct flag chats_flags[] = {
    {"archived", NULL, "those that you have put aside"},
    {NULL, NULL, NULL},
};

static const struct flag read_flags[] = {
    {"last", "N", "only the last N messages; 0 shows all"},
    {NULL, NULL, NULL},
};

const struct command talk_commands[] = {
    {"chats", "", "show your conversations", do_chats, AN_ENGINE, chats_flags, NULL},
    {"send", "CHAT TEXT...", "say something", do_send, AN_ENGINE, send_flags,
     "It is stored when this returns, and goes out as soon as the relay can be reached. @NAME of somebody who is there "
     "calls them. TEXT is Markdown; quotes keep "
     "the\n"
     "shell from reading it; - takes it from standard input."},
    {"read", "CHAT", "show what was said", do_read, AN_ENGINE, read_flags,
     "Each message has a number in front, which reply, react, edit and delete want. Behind your own stands how far it "
     "is:\n"
     "\xe2\x9c\x93 the relay has it, \xe2\x9c\x93\xe2\x9c\x93 it has arrived. What is shown counts as read, but not "
     "with --json. On a terminal the last 100 are shown "
     "unless --last says otherwise."},
    {"tail", "[CHAT]", "show what is being said, until Ctrl-C", do_tail, AN_ENGINE, NULL, NULL},
    {"reply", "CHAT NUMBER TEXT...", "answer a message, by the number that `read` shows", do_reply, AN_ENGINE, NULL,
     NULL},
    {"react", "CHAT NUMBER EMOJI", "react to a message", do_react, AN_ENGINE, NULL, NULL},
    {"edit", "CHAT NUMBER TEXT...", "put another text in the place of your own", do_edit, AN_ENGINE, NULL, NULL},
    {"delete", "CHAT NUMBER", "ask everybody to delete your own message", do_delete, AN_ENGINE, NULL, NULL},
    {NULL, NULL, NULL, NULL, ALONE, NULL, NULL},
};
