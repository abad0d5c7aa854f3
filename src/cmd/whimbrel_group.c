// SPDX-License-Identifier: Apache-2.0
//
// Groups: making them, and who is in them.
#include "cmd/whimbrel.h"

static int do_create(struct session *s)
{
    json_t *contacts = find_contacts(s, 1);
    if (contacts == NULL) return s->status;
    json_t *params = json_pack("{s:s, s:o}", "name", s->line->words[0], "contacts", contacts);
    if (params == NULL) return say_wrong(EXIT_USAGE, "that name is no UTF-8 text");
    return finish(s, ask(s, "chat.group", params), NULL);
}

static int do_add(struct session *s)
{
    json_int_t chat = find_chat(s, s->line->words[0]);
    json_t *contacts = chat == 0 ? NULL : find_contacts(s, 1);
    if (contacts == NULL) return s->status;
    return finish(s, ask(s, "chat.add", json_pack("{s:I, s:o}", "chat", chat, "contacts", contacts)), NULL);
}

static int do_remove(struct session *s)
{
    json_int_t chat = find_chat(s, s->line->words[0]), contact = chat == 0 ? 0 : find_contact(s, s->line->words[1]);
    if (contact == 0) return s->status;
    return finish(s, ask(s, "chat.remove", json_pack("{s:I, s:I}", "chat", chat, "contact", contact)), NULL);
}

const struct command group_commands[] = {
    {"group create", "NAME CONTACT...", "make a group, of which you are the admin", do_create, AN_ENGINE, NULL, NULL},
    {"group add", "CHAT CONTACT...", "add contacts to a group", do_add, AN_ENGINE, NULL, NULL},
    {"group remove", "CHAT CONTACT", "remove somebody, who cannot read what comes later", do_remove, AN_ENGINE, NULL,
     NULL},
    {NULL, NULL, NULL, NULL, ALONE, NULL, NULL},
};
