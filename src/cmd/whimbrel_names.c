// SPDX-License-Identifier: Apache-2.0
//
// Names: who and what a word on the command line means, and JSON as it is read and printed.
#include "cmd/text.h"
#include "cmd/whimbrel.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s != NULL ? s : "";
}

json_int_t int_of(const json_t *o, const char *key) { return json_integer_value(json_object_get(o, key)); }
bool is_set(const json_t *o, const char *key) { return json_is_true(json_object_get(o, key)); }

void print_json(const json_t *o)
{
    if (json_is_true(o)) (void)fputs("{\n  \"done\": true\n}", stdout); // what a method says that has nothing to say
    else (void)json_dumpf(o, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
    putchar('\n');
}

int finish(struct session *s, json_t *take_result, const char *said)
{
    if (take_result == NULL) return s->status;
    if (s->line->json) print_json(take_result);
    else if (said != NULL && !s->line->quiet) printf("%s\n", said);
    json_decref(take_result);
    return s->status;
}

bool names_load(struct session *s)
{
    if (s->contacts == NULL) s->contacts = ask(s, "contact.list", NULL);
    if (s->contacts != NULL && s->chats == NULL) s->chats = ask(s, "chat.list", NULL);
    return s->chats != NULL;
}

void names_forget(struct session *s)
{
    json_decref(s->contacts);
    json_decref(s->chats);
    s->contacts = s->chats = NULL;
}

const json_t *by_id(const json_t *list, json_int_t id)
{
    size_t i;
    json_t *o;
    json_array_foreach (list, i, o) {
        if (int_of(o, "id") == id) return o;
    }
    return NULL;
}

const char *contact_name(const struct session *s, json_int_t id)
{
    const json_t *o = by_id(s->contacts, id);
    return o != NULL && text_of(o, "name")[0] != 0 ? text_of(o, "name") : "somebody";
}

// Whether a name reads as what one is called oneself, whatever signs stand around it.
static bool reads_as_me(const char *name)
{
    char letters[4] = "";
    size_t n = 0;
    for (; *name != 0 && n < sizeof letters - 1; name++) {
        int c = tolower((unsigned char)*name);
        if (c >= 'a' && c <= 'z') letters[n++] = (char)c;
    }
    return strcmp(letters, "me") == 0;
}

const char *writer_name(const struct session *s, json_int_t from)
{
    static char room[600];
    const char *name = from == 0 ? "me" : contact_name(s, from);
    if (from == 0 || !reads_as_me(name)) return name;
    (void)snprintf(room, sizeof room, "%s (contact %lld)", name, (long long)from);
    return room;
}

const char *chat_name(const struct session *s, const json_t *chat)
{
    if (int_of(chat, "contact") != 0) return contact_name(s, int_of(chat, "contact"));
    if (text_of(chat, "name")[0] == 0 && strcmp(text_of(chat, "kind"), "self") == 0) return "note to self";
    return text_of(chat, "name");
}

// By number, by name, or by the beginning of one name alone.
static json_int_t find(struct session *s, const char *word, bool chats)
{
    char *end;
    size_t i, same = 0, begin = 0;
    json_t *o;
    json_int_t found = 0, begun = 0, number = strtoll(word, &end, 10);
    if (!names_load(s)) return 0;
    const json_t *list = chats ? s->chats : s->contacts;
    if (*end == 0 && end != word && by_id(list, number) != NULL) return number;
    json_array_foreach (list, i, o) {
        const char *name = chats ? chat_name(s, o) : text_of(o, "name");
        bool whole = strcmp(name, word) == 0;
        if (whole) same++, found = int_of(o, "id");
        else if (word[0] != 0 && strncasecmp(name, word, strlen(word)) == 0) begin++, begun = int_of(o, "id");
    }
    if (same == 1) return found;
    if (same == 0 && begin == 1) return begun;
    s->status = say_wrong(EXIT_NOT_THERE,
                          same + begin > 0 ? "%s may mean several; use the number that `whimbrel %s` shows"
                                           : "there is no %s; `whimbrel %s` shows who there is",
                          word, chats ? "chats" : "contacts");
    return 0;
}

json_int_t find_chat(struct session *s, const char *word) { return find(s, word, true); }
json_int_t find_contact(struct session *s, const char *word) { return find(s, word, false); }

void say_held(struct session *s, json_int_t chat)
{
    size_t i;
    json_t *id;
    const struct text t = text_errors();
    json_t *o = s->status == EXIT_HELD ? ask_quietly(s, "chat.get", json_pack("{s:I}", "chat", chat)) : NULL;
    json_array_foreach (json_object_get(o, "held"), i, id) {
        fputs("  ", t.to);
        (void)text_line(&t, contact_name(s, json_integer_value(id)), 60);
        fprintf(t.to, ": `whimbrel contact confirm %lld`\n", (long long)json_integer_value(id));
    }
    json_decref(o);
}

json_t *find_contacts(struct session *s, size_t first)
{
    json_t *list = json_array();
    for (size_t i = first; i < s->line->n; i++) {
        json_int_t id = find_contact(s, s->line->words[i]);
        if (id == 0) {
            json_decref(list);
            return NULL;
        }
        (void)json_array_append_new(list, json_integer(id));
    }
    return list;
}

json_int_t number_in(struct session *s, const char *word, const char *what)
{
    char *end;
    json_int_t n = strtoll(word, &end, 10);
    if (*end == 0 && n > 0) return n;
    s->status = say_wrong(EXIT_USAGE, "%s is no %s", word, what);
    return 0;
}

int rename_as_told(struct session *s, const char *method, const char *what, json_int_t id)
{
    char *name = line_text(s->line, 1);
    if (name == NULL) return EXIT_USAGE;
    json_t *params = json_pack("{s:I, s:s}", what, id, "name", name);
    free(name);
    if (params == NULL) return say_wrong(EXIT_USAGE, "that name is no UTF-8 text");
    return finish(s, ask(s, method, params), NULL);
}
