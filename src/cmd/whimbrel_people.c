// SPDX-License-Identifier: Apache-2.0
//
// People: invitations, contacts and requests, and whether somebody is who they say.
#include "cmd/qr.h"
#include "cmd/text.h"
#include "cmd/whimbrel.h"

#include <stdlib.h>
#include <string.h>

// What is for somebody is for one person.
static bool is_personal(const struct line *l) { return flag_on(l, "personal") || flag_on(l, "for"); }

// The link, and before it, on a terminal, the same as a QR code.
static void print_link(const struct line *l, const char *link)
{
    const struct text t = text_standard();
    size_t lines = 2 + (t.height > 0 ? strlen(link) / t.width + 1 : 0);
    if (flag_on(l, "qr")) (void)qr_draw(&t, link, 4);
    else if (!l->quiet) qr_show(&t, link, lines);
    printf("%s\n", link);
    if (t.height > 0)
        say_note(l, is_personal(l)
                        ? "Give it to one person, over a way that you trust: who brings it is your contact at once."
                        : "Who brings it asks to talk to you, and you answer: `whimbrel contacts` shows them.");
}

static int do_invite(struct session *s)
{
    const char *whom = flag_text(s->line, "for");
    json_t *p = json_pack("{s:b, s:b}", "personal", is_personal(s->line), "once", flag_on(s->line, "once"));
    if (whom != NULL) (void)json_object_set_new(p, "for", json_string(whom));
    json_t *r = ask(s, "invite.create", p);
    if (r != NULL && !s->line->json) print_link(s->line, text_of(r, "link"));
    return finish(s, r, NULL);
}

static void print_invite(struct text *t, const json_t *o)
{
    bool personal = is_set(o, "personal"), open = strcmp(text_of(o, "state"), "open") == 0;
    fprintf(t->to, "%4lld  ", (long long)int_of(o, "id"));
    if (!open) text_colour(t, TEXT_DIM);
    long long uses = (long long)int_of(o, "uses");
    fprintf(t->to, "%-8s %s%s, ", text_of(o, "state"), personal ? "personal" : "for anybody",
            is_set(o, "once") ? ", for one use" : "");
    if (uses > 1) fprintf(t->to, "used %lld times", uses);
    else fputs(uses == 1 ? "used once" : "not used yet", t->to);
    if (text_of(o, "for")[0] != 0) {
        fputs(", for ", t->to);
        (void)text_line(t, text_of(o, "for"), 60);
    }
    text_end(t);
    if (open) fprintf(t->to, "\n      %s", text_of(o, "link"));
    fputc('\n', t->to);
}

static int do_invite_list(struct session *s)
{
    size_t i;
    json_t *o, *list = ask(s, "invite.list", NULL);
    struct text_pages p;
    if (list == NULL || s->line->json) return finish(s, list, NULL);
    struct text *t = pages_begin(&p);
    json_array_foreach (list, i, o) print_invite(t, o);
    pages_end(&p, false);
    json_decref(list);
    return EXIT_DONE;
}

static int do_invite_revoke(struct session *s)
{
    json_int_t invite = number_in(s, s->line->words[0], "number of an invitation");
    if (invite == 0) return s->status;
    return finish(s, ask(s, "invite.revoke", json_pack("{s:I}", "invite", invite)), NULL);
}

static int do_accept(struct session *s)
{
    char *link = line_text(s->line, 0); /* secret */
    json_t *r = link == NULL ? NULL : ask(s, "invite.accept", json_pack("{s:s}", "link", link));
    if (link == NULL) return EXIT_USAGE;
    explicit_bzero(link, strlen(link));
    free(link);
    if (r != NULL && !s->line->json && !s->line->quiet && names_load(s)) {
        const struct text t = text_standard();
        bool group = text_of(r, "group")[0] != 0;
        fputs(group ? "You have asked to be taken into " : "You can write to ", t.to);
        (void)text_line(&t, group ? text_of(r, "group") : contact_name(s, int_of(r, "contact")), SIZE_MAX);
        fputs(group ? "; it is among your chats as soon as that was done.\n"
                    : " now; it goes out as soon as both relays can be reached.\n",
              t.to);
    }
    return finish(s, r, NULL);
}

static int do_contacts(struct session *s)
{
    size_t i;
    json_t *o;
    struct text_pages p;
    if (!names_load(s)) return s->status;
    if (s->line->json) {
        print_json(s->contacts);
        return EXIT_DONE;
    }
    struct text *t = pages_begin(&p);
    json_array_foreach (s->contacts, i, o) {
        const char *state = text_of(o, "state");
        fprintf(t->to, "%4lld  ", (long long)int_of(o, "id"));
        (void)text_line(t, contact_name(s, int_of(o, "id")), 60);
        text_colour(t, TEXT_DIM);
        if (strcmp(state, "known") != 0) fprintf(t->to, "  %s", state);
        if (is_set(o, "verified")) fputs("  verified", t->to);
        if (int_of(o, "changed") != 0) fputs("  has another device than before: `whimbrel contact confirm`", t->to);
        text_end(t);
        fputc('\n', t->to);
    }
    pages_end(&p, false);
    return EXIT_DONE;
}

static int answer(struct session *s, bool accept)
{
    json_int_t contact = find_contact(s, s->line->words[0]);
    if (contact == 0) return s->status;
    return finish(s, ask(s, "contact.answer", json_pack("{s:I, s:b}", "contact", contact, "accept", accept)), NULL);
}

static int do_contact_accept(struct session *s) { return answer(s, true); }
static int do_contact_decline(struct session *s) { return answer(s, false); }

static int block(struct session *s, bool blocked)
{
    json_int_t contact = find_contact(s, s->line->words[0]);
    if (contact == 0) return s->status;
    return finish(s, ask(s, "contact.block", json_pack("{s:I, s:b}", "contact", contact, "blocked", blocked)), NULL);
}

static int do_contact_block(struct session *s) { return block(s, true); }
static int do_contact_unblock(struct session *s) { return block(s, false); }

static int do_contact_rename(struct session *s)
{
    json_int_t contact = find_contact(s, s->line->words[0]);
    return contact == 0 ? s->status : rename_as_told(s, "contact.rename", "contact", contact);
}

static void print_number(const char *number)
{
    for (size_t i = 0; number[i] != 0; i++) {
        putchar(number[i]);
        if (i % 20 == 19) putchar('\n');
        else if (i % 5 == 4) putchar(' ');
    }
}

// Shows what is to be compared.
static int show_number(struct session *s, json_int_t contact)
{
    enum { LINES_BESIDES = 12 };
    json_t *r = ask(s, "contact.safety", json_pack("{s:I}", "contact", contact));
    if (r != NULL && !s->line->json) {
        const struct text t = text_standard();
        if (!s->line->quiet) qr_show(&t, text_of(r, "code"), LINES_BESIDES);
        print_number(text_of(r, "number"));
        if (!s->line->quiet)
            printf("\nCompare it with what the other side sees, over a way you trust: face to face, or a call. Then\n"
                   "  whimbrel verify %lld yes          if it is the same\n"
                   "  whimbrel verify %lld no           if it is not\n"
                   "  whimbrel verify %lld NUMBER       to have it compared with what you type or paste\n",
                   (long long)contact, (long long)contact, (long long)contact);
    }
    return finish(s, r, NULL);
}

static int record(struct session *s, json_int_t contact, bool same)
{
    json_t *r = ask(s, "contact.verify", json_pack("{s:I, s:b}", "contact", contact, "verified", same));
    if (r != NULL && !same)
        (void)say_wrong(EXIT_FAILED, "if the numbers differ, somebody may stand between the two of you: write nothing "
                                     "that matters, meet, and start anew with an invitation handed over in person");
    return finish(s, r, same ? "The number is the same: nobody stands between the two of you." : NULL);
}

// Holds a number, or the text of a code, against what is known here.
static int compare(struct session *s, json_int_t contact)
{
    char *shown = line_text(s->line, 1);
    if (shown == NULL) return EXIT_USAGE;
    json_t *r = ask(s, "contact.compare", json_pack("{s:I, s:s}", "contact", contact, "shown", shown));
    free(shown);
    if (r == NULL) return s->status;
    bool same = is_set(r, "same");
    json_decref(r);
    int status = record(s, contact, same);
    return status == EXIT_DONE && !same ? EXIT_FAILED : status;
}

static int do_verify(struct session *s)
{
    const char *word = s->line->n == 2 ? s->line->words[1] : "";
    json_int_t contact = find_contact(s, s->line->words[0]);
    if (contact == 0) return s->status;
    if (s->line->n == 1) return show_number(s, contact);
    if (strcmp(word, "yes") == 0 || strcmp(word, "no") == 0) return record(s, contact, word[0] == 'y');
    return compare(s, contact);
}

// What is confirmed is the change that the list of contacts told of, and no later one.
static int do_contact_confirm(struct session *s)
{
    json_int_t contact = find_contact(s, s->line->words[0]), changed = 0;
    if (contact == 0) return s->status;
    changed = int_of(by_id(s->contacts, contact), "changed");
    if (changed == 0) say_note(s->line, "There is nothing to confirm: they have no other device than before.");
    json_t *params = json_pack("{s:I, s:I}", "contact", contact, "seen", changed);
    return finish(s, ask(s, "contact.confirm", params), changed != 0 ? "confirmed: what was held goes now" : NULL);
}

static const struct flag invite_flags[] = {
    {"personal", NULL, "for one person, who becomes a contact at once"},
    {"once", NULL, "works once"},
    {"for", "NAME", "the same, with a note to yourself whom it is for"},
    {"qr", NULL, "draw it as a QR code, too, even where there seems to be no room"},
    {NULL, NULL, NULL},
};

const struct command people_commands[] = {
    {"invite", "", "make a link by which others reach you", do_invite, AN_ENGINE, invite_flags,
     "Whoever gets the link over a way that you trust is safe from anybody in the middle. Who comes by a link that is "
     "not\n"
     "--personal makes a request, which you answer."},
    {"invite list", "", "show the invitations that you have made", do_invite_list, AN_ENGINE, NULL, NULL},
    {"invite revoke", "N", "take an invitation back: nobody comes by it any more", do_invite_revoke, AN_ENGINE, NULL,
     "N is the number that `whimbrel invite list` shows. Whoever has come by it stays."},
    {"accept", "LINK", "take somebody's invitation", do_accept, AN_ENGINE, NULL,
     "With - for it, it is read from standard input, where no list of processes shows it."},
    {"contacts", "", "show who is there", do_contacts, AN_ENGINE, NULL, NULL},
    {"contact accept", "CONTACT", "say yes to a contact request", do_contact_accept, AN_ENGINE, NULL, NULL},
    {"contact decline", "CONTACT", "say no to a contact request; they may ask again", do_contact_decline, AN_ENGINE,
     NULL, NULL},
    {"contact block", "CONTACT", "hear nothing more from somebody", do_contact_block, AN_ENGINE, NULL,
     "In groups, too, you are shown nothing that they say; they still read what you say there."},
    {"contact unblock", "CONTACT", "hear somebody again", do_contact_unblock, AN_ENGINE, NULL, NULL},
    {"contact confirm", "CONTACT", "say that somebody's other device is theirs, so that what was held goes to it",
     do_contact_confirm, AN_ENGINE, NULL,
     "Where somebody has another device than before, nothing is sent to them, and commands that say something end with "
     "status 5:\nwhoever has got at their account could have made it. Ask them over another way whether they have one. "
     "Their safety\nnumber does not tell, since it is the account's. In a group this is so for those alone whom you "
     "have "
     "verified. For a bot,\n`whimbrel settings hold-changed-keys 0` holds nothing."},
    {"contact rename", "CONTACT NAME...", "call somebody by another name", do_contact_rename, AN_ENGINE, NULL, NULL},
    {"verify", "CONTACT [yes|no|NUMBER...]", "compare the safety number with somebody", do_verify, AN_ENGINE, NULL,
     "Alone it shows the number, which must be the same on the other side, and on a terminal with room for it a QR "
     "code,\n"
     "which the other side may scan. yes and no record what you have seen; NUMBER, their sixty digits or the text of "
     "their\n"
     "code, is compared here, and the outcome recorded. - takes it from standard input."},
    {NULL, NULL, NULL, NULL, ALONE, NULL, NULL},
};
