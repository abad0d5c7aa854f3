// SPDX-License-Identifier: Apache-2.0
//
// Groups: making them, who is in them, and what they are called.
#include "base/base64.h"
#include "cmd/text.h"
#include "cmd/whimbrel.h"

#include <stdlib.h>
#include <string.h>

enum { PICTURE_MAX = 8192 }; // as chat.set_picture has it

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

static int do_rename(struct session *s)
{
    json_int_t chat = find_chat(s, s->line->words[0]);
    return chat == 0 ? s->status : rename_as_told(s, "chat.rename", "chat", chat);
}

static int do_leave(struct session *s)
{
    json_int_t chat = find_chat(s, s->line->words[0]);
    if (chat == 0) return s->status;
    return finish(s, ask(s, "chat.leave", json_pack("{s:I}", "chat", chat)), NULL);
}

static int do_return(struct session *s)
{
    json_int_t chat = find_chat(s, s->line->words[0]);
    if (chat == 0) return s->status;
    return finish(s, ask(s, "chat.return", json_pack("{s:I}", "chat", chat)), NULL);
}

static int role(struct session *s, bool admin)
{
    json_int_t chat = find_chat(s, s->line->words[0]), contact = 0;
    if (chat == 0) return s->status;
    if (strcmp(s->line->words[1], "me") != 0) {
        contact = find_contact(s, s->line->words[1]);
        if (contact == 0) return s->status;
    }
    json_t *params = json_pack("{s:I, s:I, s:b}", "chat", chat, "contact", contact, "admin", admin);
    return finish(s, ask(s, "chat.role", params), NULL);
}

static int do_admin(struct session *s) { return role(s, true); }
static int do_member(struct session *s) { return role(s, false); }

static int do_members(struct session *s)
{
    size_t i;
    json_t *o;
    struct text_pages p;
    json_int_t chat = find_chat(s, s->line->words[0]);
    json_t *list = chat == 0 ? NULL : ask(s, "chat.members", json_pack("{s:I}", "chat", chat));
    if (list == NULL || s->line->json) return finish(s, list, NULL);
    struct text *t = pages_begin(&p);
    json_array_foreach (list, i, o) {
        json_int_t contact = int_of(o, "contact");
        fprintf(t->to, "%4lld  ", (long long)contact);
        (void)text_line(t, contact == 0 ? "you" : contact_name(s, contact), 60);
        text_colour(t, TEXT_DIM);
        if (is_set(o, "admin")) fputs("  admin", t->to);
        text_end(t);
        fputc('\n', t->to);
    }
    pages_end(&p, false);
    json_decref(list);
    return EXIT_DONE;
}

// Reads a small file whole; the caller's to free. NULL after an error, which has been said.
static uint8_t *read_picture(const char *path, size_t *n)
{
    uint8_t *bytes = malloc(PICTURE_MAX + 1);
    FILE *f = fopen(path, "rb");
    if (bytes == NULL) abort();
    if (f != NULL) *n = fread(bytes, 1, PICTURE_MAX + 1, f);
    bool read = f != NULL && ferror(f) == 0;
    if (f != NULL) (void)fclose(f);
    if (read && *n <= PICTURE_MAX) return bytes;
    (void)say_wrong(EXIT_FAILED,
                    read ? "%s is larger than 8 KiB; a group's picture is a small one" : "%s cannot be read", path);
    free(bytes);
    return NULL;
}

static int do_picture(struct session *s)
{
    char text[PICTURE_MAX / 3 * 4 + 5] = "";
    size_t n = 0;
    json_int_t chat = find_chat(s, s->line->words[0]);
    if (chat == 0) return s->status;
    if (s->line->n > 1) {
        uint8_t *bytes = read_picture(s->line->words[1], &n);
        if (bytes == NULL) return EXIT_FAILED;
        base64_encode(span_of(bytes, n), text);
        free(bytes);
    }
    return finish(s, ask(s, "chat.set_picture", json_pack("{s:I, s:s}", "chat", chat, "picture", text)), NULL);
}

static int do_link(struct session *s)
{
    json_int_t chat = find_chat(s, s->line->words[0]);
    if (chat == 0) return s->status;
    json_t *r = ask(s, "chat.link", json_pack("{s:I, s:b}", "chat", chat, "asks", flag_on(s->line, "ask")));
    if (r != NULL && !s->line->json) printf("%s\n", text_of(r, "link"));
    return finish(s, r, NULL);
}

static int do_requests(struct session *s)
{
    size_t i;
    json_t *o, *list = names_load(s) ? ask(s, "chat.requests", NULL) : NULL;
    const struct text t = text_standard();
    if (list == NULL || s->line->json) return finish(s, list, NULL);
    json_array_foreach (list, i, o) {
        const json_t *chat = by_id(s->chats, int_of(o, "chat"));
        printf("%4lld  ", (long long)int_of(o, "contact"));
        (void)text_line(&t, contact_name(s, int_of(o, "contact")), 40);
        fputs(" asks to be taken into ", stdout);
        (void)text_line(&t, chat == NULL ? "a group" : chat_name(s, chat), 40);
        printf(" (%lld)\n", (long long)int_of(o, "chat"));
    }
    return finish(s, list, NULL);
}

static int admit(struct session *s, bool yes)
{
    json_int_t chat = find_chat(s, s->line->words[0]), contact = chat == 0 ? 0 : find_contact(s, s->line->words[1]);
    if (contact == 0) return s->status;
    json_t *params = json_pack("{s:I, s:I, s:b}", "chat", chat, "contact", contact, "admit", yes);
    return finish(s, ask(s, "chat.admit", params), NULL);
}

static int do_admit(struct session *s) { return admit(s, true); }
static int do_refuse(struct session *s) { return admit(s, false); }

static const struct flag link_flags[] = {
    {"ask", NULL, "who comes by it is not added at once; you are asked"},
    {NULL, NULL, NULL},
};

const struct command group_commands[] = {
    {"group create", "NAME CONTACT...", "make a group, of which you are the admin", do_create, AN_ENGINE, NULL, NULL},
    {"group add", "CHAT CONTACT...", "add contacts to a group", do_add, AN_ENGINE, NULL, NULL},
    {"group remove", "CHAT CONTACT", "remove somebody, who cannot read what comes later", do_remove, AN_ENGINE, NULL,
     NULL},
    {"group members", "CHAT", "show who is in a group", do_members, AN_ENGINE, NULL, NULL},
    {"group rename", "CHAT NAME...", "call a group by another name", do_rename, AN_ENGINE, NULL, NULL},
    {"group picture", "CHAT [FILE]", "give a group a picture of at most 8 KiB, or none", do_picture, AN_ENGINE, NULL,
     NULL},
    {"group admin", "CHAT CONTACT", "make a member an admin", do_admin, AN_ENGINE, NULL,
     "Admins add and remove, rename, and make others admins."},
    {"group member", "CHAT CONTACT", "make an admin a member again; `me` is yourself", do_member, AN_ENGINE, NULL,
     NULL},
    {"group link", "CHAT", "make a link by which others come into a group", do_link, AN_ENGINE, link_flags,
     "It works while you are an admin, until `whimbrel invite revoke` takes it back."},
    {"group requests", "", "show who asks to be taken into a group", do_requests, AN_ENGINE, NULL, NULL},
    {"group admit", "CHAT CONTACT", "take somebody who asks into a group", do_admit, AN_ENGINE, NULL, NULL},
    {"group refuse", "CHAT CONTACT", "do not", do_refuse, AN_ENGINE, NULL, NULL},
    {"group return", "CHAT", "ask to be taken back into a conversation", do_return, AN_ENGINE, NULL,
     "For one that you have left or were put out of, or that a restored profile has lost."},
    {"group leave", "CHAT", "leave a group", do_leave, AN_ENGINE, NULL, NULL},
    {NULL, NULL, NULL, NULL, ALONE, NULL, NULL},
};
