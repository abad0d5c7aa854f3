// SPDX-License-Identifier: Apache-2.0
//
// People: invitations, contacts and requests, and whether somebody is who they say.
#include "cmd/text.h"
#include "cmd/whimbrel.h"

#include <string.h>

static int do_invite(struct session *s)
{
    const char *whom = flag_text(s->line, "for");
    json_t *p = json_pack("{s:b, s:b}", "personal", flag_on(s->line, "personal"), "once", flag_on(s->line, "once"));
    if (whom != NULL) (void)json_object_set_new(p, "for", json_string(whom));
    json_t *r = ask(s, "invite.create", p);
    if (r != NULL && !s->line->json) printf("%s\n", text_of(r, "link"));
    return finish(s, r, NULL);
}

static int do_accept(struct session *s)
{
    json_t *r = ask(s, "invite.accept", json_pack("{s:s}", "link", s->line->words[0]));
    if (r != NULL && !s->line->json && !s->line->quiet && names_load(s)) {
        const struct text t = text_standard();
        fputs("You can write to ", t.to);
        (void)text_line(&t, contact_name(s, int_of(r, "contact")), SIZE_MAX);
        fputs(" now; it goes out as soon as both relays can be reached.\n", t.to);
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
static int do_contact_block(struct session *s) { return answer(s, false); }

static void print_number(const char *number)
{
    for (size_t i = 0; number[i] != 0; i++) {
        putchar(number[i]);
        if (i % 20 == 19) putchar('\n');
        else if (i % 5 == 4) putchar(' ');
    }
}

static int do_verify(struct session *s)
{
    const char *word = s->line->n > 1 ? s->line->words[1] : NULL;
    int yes = word == NULL ? -1 : strcmp(word, "yes") == 0 ? 1 : strcmp(word, "no") == 0 ? 0 : -2;
    if (yes == -2) return say_wrong(EXIT_USAGE, "it is yes, if the number was the same, or no; not %s", word);
    json_int_t contact = find_contact(s, s->line->words[0]);
    if (contact == 0) return s->status;
    if (yes >= 0)
        return finish(s, ask(s, "contact.verify", json_pack("{s:I, s:b}", "contact", contact, "verified", yes)), NULL);
    json_t *r = ask(s, "contact.safety", json_pack("{s:I}", "contact", contact));
    if (r != NULL && !s->line->json) {
        print_number(text_of(r, "number"));
        printf("\nCompare it with what the other side sees, over a way you trust: face to face, or a call. Then\n"
               "  whimbrel verify %lld yes    if it is the same\n",
               (long long)contact);
    }
    return finish(s, r, NULL);
}

static const struct flag invite_flags[] = {
    {"personal", NULL, "for one person, who becomes a contact at once"},
    {"once", NULL, "works once"},
    {"for", "NAME", "whom it is for, as a note to yourself"},
    {NULL, NULL, NULL},
};

const struct command people_commands[] = {
    {"invite", "", "make a link by which others reach you", do_invite, AN_ENGINE, invite_flags,
     "Whoever gets the link over a way that you trust is safe from anybody in the middle. Who comes by a link that is "
     "not\n"
     "--personal makes a request, which you answer."},
    {"accept", "LINK", "take somebody's invitation", do_accept, AN_ENGINE, NULL, NULL},
    {"contacts", "", "show who is there", do_contacts, AN_ENGINE, NULL, NULL},
    {"contact accept", "CONTACT", "say yes to a contact request", do_contact_accept, AN_ENGINE, NULL, NULL},
    {"contact block", "CONTACT", "hear nothing more from somebody", do_contact_block, AN_ENGINE, NULL, NULL},
    {"verify", "CONTACT [yes|no]", "show the safety number with somebody; then record whether it was the same",
     do_verify, AN_ENGINE, NULL, NULL},
    {NULL, NULL, NULL, NULL, ALONE, NULL, NULL},
};
