// SPDX-License-Identifier: Apache-2.0
//
// The commands for people: what is asked of the engine, and how answers look. What others have written is shown without the control
// characters in it, which could otherwise move a terminal's cursor or change its colours.
#include "cmd/whimbrel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s != NULL ? s : "";
}

static json_int_t number_of(const json_t *o, const char *key) { return json_integer_value(json_object_get(o, key)); }

static void print_json(const json_t *o)
{
    (void)json_dumpf(o, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
    putchar('\n');
}

// How many bytes at p are to be left out: C0 and C1 controls and DEL, and the marks that turn the direction of text.
static size_t unseemly(const unsigned char *p)
{
    if (*p < 0x20 || *p == 0x7f) return 1;
    if (*p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f) return 2;
    bool turns = *p == 0xe2 &&
                 ((p[1] == 0x80 && p[2] >= 0xaa && p[2] <= 0xae) || (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9));
    return turns ? 3 : 0;
}

// Line ends begin a new line under the first.
static void print_clean(const char *text, int indent)
{
    for (const unsigned char *p = (const unsigned char *)text; *p != 0;) {
        size_t n = unseemly(p);
        if (*p == '\n') printf("\n%*s", indent, "");
        else if (n == 0 || *p == '\t') putchar(*p == '\t' ? ' ' : *p);
        p += n == 0 ? 1 : n;
    }
}

// ---------------------------------------------------------------------------------------------------------------- names

struct world {
    int fd;
    const struct line *l;
    json_t *contacts, *chats; // read when they are needed
    int status;
};

static bool load(struct world *w)
{
    if (w->contacts == NULL) w->contacts = ask(w->fd, "contact.list", NULL, &w->status);
    if (w->contacts != NULL && w->chats == NULL) w->chats = ask(w->fd, "chat.list", NULL, &w->status);
    return w->chats != NULL;
}

static const json_t *by_id(const json_t *list, json_int_t id)
{
    size_t i;
    json_t *o;
    json_array_foreach (list, i, o) {
        if (number_of(o, "id") == id) return o;
    }
    return NULL;
}

static const char *contact_name(const struct world *w, json_int_t id)
{
    const json_t *o = by_id(w->contacts, id);
    return o == NULL ? "" : text_of(o, "name")[0] != 0 ? text_of(o, "name") : "somebody";
}

static const char *chat_name(const struct world *w, const json_t *chat)
{
    return number_of(chat, "contact") != 0 ? contact_name(w, number_of(chat, "contact")) : text_of(chat, "name");
}

// By number, by name, or by the beginning of one name alone. 0 after an error, which has been said.
static json_int_t find(struct world *w, const char *word, bool chats)
{
    char *end;
    size_t i, matches = 0;
    json_t *o;
    json_int_t found = 0, number = strtoll(word, &end, 10);
    if (!load(w)) return 0;
    const json_t *list = chats ? w->chats : w->contacts;
    if (*end == 0 && end != word && by_id(list, number) != NULL) return number;
    json_array_foreach (list, i, o) {
        const char *name = chats ? chat_name(w, o) : text_of(o, "name");
        if (strcmp(name, word) == 0) return number_of(o, "id");
        if (word[0] == 0 || strncasecmp(name, word, strlen(word)) != 0) continue;
        matches++;
        found = number_of(o, "id");
    }
    if (matches == 1) return found;
    w->status = say_wrong(EXIT_NOT_THERE,
                          matches > 1 ? "%s may mean several; use the number that `whimbrel %s` shows"
                                      : "there is no %s; `whimbrel %s` shows who there is",
                          word, chats ? "chats" : "contacts");
    return 0;
}

// ------------------------------------------------------------------------------------------------------------- messages

// What is about another message goes into that one: another text, that it is gone, reactions. Only its own writer may change it.
// What was taken in is marked as hidden. Without the message that it is about, something stays as it is.
static void take_in(const struct world *w, json_t *list)
{
    json_t *by_mimi = json_object(), *m;
    size_t i;
    json_array_foreach (list, i, m) {
        const char *kind = text_of(m, "kind");
        json_t *about = json_object_get(by_mimi, text_of(m, "about"));
        bool own = about != NULL && number_of(about, "from") == number_of(m, "from"), used = own;
        (void)json_object_set(by_mimi, text_of(m, "mimi"), m);
        if (strcmp(kind, "edit") == 0 && own) {
            (void)json_object_set(about, "text", json_object_get(m, "text"));
            (void)json_object_set_new(about, "mark", json_string("  (edited)"));
        } else if (strcmp(kind, "delete") == 0 && own) {
            (void)json_object_set_new(about, "text", json_string(""));
            (void)json_object_set_new(about, "type", json_string("deleted"));
        } else if (strcmp(kind, "reaction") == 0 && about != NULL) {
            const char *from = number_of(m, "from") == 0 ? "me" : contact_name(w, number_of(m, "from"));
            (void)json_object_set_new(about, "reactions",
                                      json_sprintf("%s  %s %s", text_of(about, "reactions"), text_of(m, "text"), from));
            used = true;
        } else {
            used = false;
        }
        if (used) (void)json_object_set_new(m, "hidden", json_true());
    }
    json_decref(by_mimi);
}

static void print_message(const struct world *w, const json_t *m)
{
    char when[40];
    time_t t = (time_t)(number_of(m, "time") / 1000);
    struct tm local;
    const char *state = text_of(m, "state"), *kind = text_of(m, "kind");
    json_int_t from = number_of(m, "from");
    (void)strftime(when, sizeof when, "%d %b %H:%M", localtime_r(&t, &local));
    printf("%4lld  %s  ", (long long)number_of(m, "id"), when);
    print_clean(from == 0 ? "me" : contact_name(w, from), 0);
    printf("%s: ", strcmp(kind, "reaction") == 0 ? " reacts"
                   : strcmp(kind, "edit") == 0   ? " corrects"
                   : strcmp(kind, "reply") == 0  ? " answers"
                                                 : "");
    if (text_of(m, "text")[0] != 0) print_clean(text_of(m, "text"), 20);
    else printf("[%s]", strcmp(kind, "delete") == 0 ? "deletes a message" : text_of(m, "type"));
    printf("%s", text_of(m, "mark"));
    if (from == 0 && strcmp(state, "sent") != 0) printf("  (%s)", state);
    print_clean(text_of(m, "reactions"), 20);
    putchar('\n');
}

static int show_messages(struct world *w, json_int_t chat, json_int_t *after, int last)
{
    json_t *list = ask(w->fd, "message.list",
                       json_pack("{s:I, s:I, s:i}", "chat", chat, "after", *after, "limit", 10000), &w->status);
    if (list == NULL) return w->status;
    size_t n = json_array_size(list), skip = 0, seen = 0;
    if (!w->l->json) take_in(w, list);
    for (size_t i = 0; i < n; i++) seen += !json_is_true(json_object_get(json_array_get(list, i), "hidden"));
    if (last >= 0 && seen > (size_t)last) skip = seen - (size_t)last;
    json_t *shown = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *m = json_array_get(list, i);
        *after = number_of(m, "id");
        if (json_is_true(json_object_get(m, "hidden"))) continue;
        if (skip > 0) skip--;
        else if (w->l->json) (void)json_array_append(shown, m);
        else print_message(w, m);
    }
    if (w->l->json) print_json(shown);
    json_decref(shown);
    (void)fflush(stdout);
    json_decref(list);
    return EXIT_DONE;
}

static int do_read(struct world *w)
{
    json_int_t after = 0, chat = find(w, w->l->words[0], true);
    return chat == 0 ? w->status : show_messages(w, chat, &after, w->l->last);
}

// The words from the first on, with spaces between.
static char *join(const struct line *l, size_t first)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    if (f == NULL) abort();
    for (size_t i = first; i < l->n; i++) fprintf(f, "%s%s", i > first ? " " : "", l->words[i]);
    if (fclose(f) != 0) abort();
    return text;
}

static int say(struct world *w, const char *method, json_t *take_params)
{
    if (take_params == NULL) return say_wrong(EXIT_USAGE, "that is no UTF-8 text");
    json_t *r = ask(w->fd, method, take_params, &w->status);
    if (r == NULL) return w->status;
    if (w->l->json) print_json(r);
    else if (!w->l->quiet) printf("queued\n");
    json_decref(r);
    return EXIT_DONE;
}

static int do_send(struct world *w)
{
    json_int_t chat = find(w, w->l->words[0], true);
    if (chat == 0) return w->status;
    char *text = join(w->l, 1);
    json_t *params = json_pack("{s:I, s:s}", "chat", chat, "text", text);
    free(text);
    return say(w, "message.send", params);
}

// reply, react, edit and delete: about the message with the number that `read` shows.
static int do_act(struct world *w)
{
    char method[40], *end;
    json_int_t chat = find(w, w->l->words[0], true), message = strtoll(w->l->words[1], &end, 10);
    if (chat == 0) return w->status;
    if (*end != 0 || message <= 0)
        return say_wrong(EXIT_USAGE, "%s is no message's number; `whimbrel read` shows them", w->l->words[1]);
    (void)snprintf(method, sizeof method, "message.%s", w->l->command);
    if (strcmp(w->l->command, "delete") == 0)
        return say(w, method, json_pack("{s:I, s:I}", "chat", chat, "message", message));
    char *text = join(w->l, 2);
    json_t *params = json_pack("{s:I, s:I, s:s}", "chat", chat, "message", message, "text", text);
    free(text);
    return say(w, method, params);
}

static int do_tail(struct world *w)
{
    json_int_t chat = w->l->n > 0 ? find(w, w->l->words[0], true) : 0, after[1000] = {0};
    if (w->l->n > 0 && chat == 0) return w->status;
    json_t *r = ask(w->fd, "events.follow", NULL, &w->status), *event;
    if (r == NULL) return w->status;
    json_decref(r);
    if (chat > 0 && chat < 1000) (void)show_messages(w, chat, &after[chat], 10);
    while ((event = ask_next(w->fd)) != NULL) {
        const json_t *params = json_object_get(event, "params");
        json_int_t in = number_of(params, "chat");
        const char *method = text_of(event, "method");
        if (strcmp(method, "warning") == 0) fprintf(stderr, "! %s\n", text_of(params, "text"));
        if (strcmp(method, "message") == 0 && in > 0 && in < 1000 && (chat == 0 || in == chat)) {
            json_int_t message = number_of(params, "message");
            if (after[in] == 0) after[in] = message - 1;
            json_decref(w->contacts);
            json_decref(w->chats);
            w->contacts = w->chats = NULL;
            if (load(w) && message > after[in]) (void)show_messages(w, in, &after[in], -1);
        }
        json_decref(event);
    }
    return say_wrong(EXIT_FAILED, "the engine has ended");
}

// --------------------------------------------------------------------------------------------------- people, invitations

static int do_invite(struct world *w)
{
    json_t *p = json_pack("{s:b, s:b}", "personal", w->l->personal, "once", w->l->once);
    if (w->l->whom != NULL) (void)json_object_set_new(p, "for", json_string(w->l->whom));
    json_t *r = ask(w->fd, "invite.create", p, &w->status);
    if (r == NULL) return w->status;
    if (w->l->json) print_json(r);
    else printf("%s\n", text_of(r, "link"));
    json_decref(r);
    return EXIT_DONE;
}

static int do_accept(struct world *w)
{
    json_t *r = ask(w->fd, "invite.accept", json_pack("{s:s}", "link", w->l->words[0]), &w->status);
    if (r == NULL) return w->status;
    if (w->l->json) {
        print_json(r);
    } else if (load(w)) {
        printf("You can write to ");
        print_clean(contact_name(w, number_of(r, "contact")), 0);
        printf(" now; it goes out as soon as both relays can be reached.\n");
    }
    json_decref(r);
    return EXIT_DONE;
}

static int do_contacts(struct world *w)
{
    size_t i;
    json_t *o;
    if (!load(w)) return w->status;
    if (w->l->json) print_json(w->contacts);
    else
        json_array_foreach (w->contacts, i, o) {
            printf("%4lld  ", (long long)number_of(o, "id"));
            print_clean(contact_name(w, number_of(o, "id")), 0);
            printf("%s%s%s\n", strcmp(text_of(o, "state"), "known") == 0 ? "" : "  ",
                   strcmp(text_of(o, "state"), "known") == 0 ? "" : text_of(o, "state"),
                   json_is_true(json_object_get(o, "verified")) ? "  verified" : "");
        }
    return EXIT_DONE;
}

static int do_chats(struct world *w)
{
    size_t i;
    json_t *o;
    if (!load(w)) return w->status;
    if (w->l->json) print_json(w->chats);
    else
        json_array_foreach (w->chats, i, o) {
            printf("%4lld  ", (long long)number_of(o, "id"));
            print_clean(chat_name(w, o), 0);
            if (strcmp(text_of(o, "kind"), "group") == 0) printf("  group of %lld", (long long)number_of(o, "members"));
            else if (number_of(o, "members") < 2) printf("  not there yet");
            if (strcmp(text_of(o, "state"), "open") != 0) printf("  %s", text_of(o, "state"));
            putchar('\n');
        }
    return EXIT_DONE;
}

static int yes_or_no(const char *word) { return strcmp(word, "yes") == 0 ? 1 : strcmp(word, "no") == 0 ? 0 : -1; }

static int do_answer(struct world *w)
{
    int yes = yes_or_no(w->l->words[1]);
    if (yes < 0) return say_wrong(EXIT_USAGE, "answer CONTACT yes, or no");
    json_int_t contact = find(w, w->l->words[0], false);
    json_t *r = contact == 0 ? NULL
                             : ask(w->fd, "contact.answer", json_pack("{s:I, s:b}", "contact", contact, "accept", yes),
                                   &w->status);
    json_decref(r);
    return w->status;
}

static int do_verify(struct world *w)
{
    int yes = w->l->n > 1 ? yes_or_no(w->l->words[1]) : -1;
    if (w->l->n > 1 && yes < 0) return say_wrong(EXIT_USAGE, "verify CONTACT, and then: verify CONTACT yes, or no");
    json_int_t contact = find(w, w->l->words[0], false);
    if (contact == 0) return w->status;
    json_t *r = yes < 0 ? ask(w->fd, "contact.safety", json_pack("{s:I}", "contact", contact), &w->status)
                        : ask(w->fd, "contact.verify", json_pack("{s:I, s:b}", "contact", contact, "verified", yes),
                              &w->status);
    const char *number = yes < 0 && r != NULL ? text_of(r, "number") : "";
    if (w->l->json && r != NULL) print_json(r);
    for (size_t i = 0; !w->l->json && number[i] != 0; i++) {
        putchar(number[i]);
        if (i % 20 == 19) putchar('\n');
        else if (i % 5 == 4) putchar(' ');
    }
    if (!w->l->json && number[0] != 0) {
        printf("\nCompare it with what the other side sees, over a way you trust: face to face, or a call. Then\n"
               "  whimbrel verify %s yes    if it is the same\n",
               w->l->words[0]);
    }
    json_decref(r);
    return w->status;
}

// --------------------------------------------------------------------------------------------------------------- groups

static json_t *contacts_from(struct world *w, size_t first)
{
    json_t *list = json_array();
    for (size_t i = first; i < w->l->n; i++) {
        json_int_t id = find(w, w->l->words[i], false);
        if (id == 0) {
            json_decref(list);
            return NULL;
        }
        (void)json_array_append_new(list, json_integer(id));
    }
    return list;
}

static int finish(struct world *w, json_t *take_result)
{
    if (take_result != NULL && w->l->json) print_json(take_result);
    json_decref(take_result);
    return w->status;
}

static int do_group(struct world *w)
{
    json_t *contacts = contacts_from(w, 1);
    if (contacts == NULL) return w->status;
    return finish(
        w, ask(w->fd, "chat.group", json_pack("{s:s, s:o}", "name", w->l->words[0], "contacts", contacts), &w->status));
}

static int do_add(struct world *w)
{
    json_int_t chat = find(w, w->l->words[0], true);
    json_t *contacts = chat == 0 ? NULL : contacts_from(w, 1);
    if (contacts == NULL) return w->status;
    return finish(w, ask(w->fd, "chat.add", json_pack("{s:I, s:o}", "chat", chat, "contacts", contacts), &w->status));
}

static int do_remove(struct world *w)
{
    json_int_t chat = find(w, w->l->words[0], true), contact = chat == 0 ? 0 : find(w, w->l->words[1], false);
    if (contact == 0) return w->status;
    return finish(w, ask(w->fd, "chat.remove", json_pack("{s:I, s:I}", "chat", chat, "contact", contact), &w->status));
}

// ------------------------------------------------------------------------------------------------------------ the engine

static int do_status(struct world *w)
{
    json_t *r = ask(w->fd, "engine.status", NULL, &w->status);
    if (r == NULL) return w->status;
    if (w->l->json) {
        print_json(r);
    } else {
        print_clean(text_of(r, "name"), 0);
        printf(", %s; %lld still to be done\naccount %s\n",
               json_is_true(json_object_get(r, "connected")) ? "connected" : "not connected",
               (long long)number_of(r, "waiting"), text_of(r, "account"));
    }
    json_decref(r);
    return EXIT_DONE;
}

static int do_stop(struct world *w) { return finish(w, ask(w->fd, "engine.stop", NULL, &w->status)); }
static int do_rpc(struct world *w) { return ask_bridge(w->fd); }

static const struct command {
    const char *name;
    int (*run)(struct world *w);
    size_t least, most; // words
    const char *words;
    bool running; // only asks an engine that runs
} commands[] = {
    {"invite", do_invite, 0, 0, "", false},
    {"accept", do_accept, 1, 1, "LINK", false},
    {"contacts", do_contacts, 0, 0, "", false},
    {"answer", do_answer, 2, 2, "CONTACT yes|no", false},
    {"verify", do_verify, 1, 2, "CONTACT [yes|no]", false},
    {"chats", do_chats, 0, 0, "", false},
    {"send", do_send, 2, WORDS_MAX, "CHAT TEXT", false},
    {"reply", do_act, 3, WORDS_MAX, "CHAT NUMBER TEXT", false},
    {"react", do_act, 3, 3, "CHAT NUMBER EMOJI", false},
    {"edit", do_act, 3, WORDS_MAX, "CHAT NUMBER TEXT", false},
    {"delete", do_act, 2, 2, "CHAT NUMBER", false},
    {"read", do_read, 1, 1, "CHAT", false},
    {"tail", do_tail, 0, 1, "[CHAT]", false},
    {"group", do_group, 2, WORDS_MAX, "NAME CONTACT...", false},
    {"add", do_add, 2, WORDS_MAX, "CHAT CONTACT...", false},
    {"remove", do_remove, 2, 2, "CHAT CONTACT", false},
    {"status", do_status, 0, 0, "", false},
    {"stop", do_stop, 0, 0, "", true},
    {"rpc", do_rpc, 0, 0, "", false},
};

int run_command(const struct line *l)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const struct command *c = &commands[i];
        struct world w = {.l = l};
        if (strcmp(c->name, l->command) != 0) continue;
        if (l->n < c->least || l->n > c->most) return say_wrong(EXIT_USAGE, "it is: whimbrel %s %s", c->name, c->words);
        w.fd = ask_open(l, !c->running, &w.status);
        if (w.fd < 0) return w.status;
        int status = c->run(&w);
        json_decref(w.contacts);
        json_decref(w.chats);
        close(w.fd);
        return status;
    }
    return say_wrong(EXIT_USAGE, "there is no command %s", l->command);
}
