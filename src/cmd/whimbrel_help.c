// SPDX-License-Identifier: Apache-2.0
//
// Help, from the tables of commands, and the nearest name to a misspelt one.
#include "cmd/whimbrel.h"

#include <string.h>

enum { NAME_MAX_ = 48, COLUMN = 34 };

// How many letters must be added, left out, changed, or swapped with their neighbour to make one word of the other.
static size_t distance(const char *a, const char *b)
{
    size_t d[3][NAME_MAX_ + 1], n = strlen(a), m = strlen(b);
    if (n > NAME_MAX_ || m > NAME_MAX_) return NAME_MAX_;
    for (size_t k = 0; k <= m; k++) d[0][k] = k;
    for (size_t i = 1; i <= n; i++) {
        size_t *now = d[i % 3], *before = d[(i + 2) % 3], *earlier = d[(i + 1) % 3];
        now[0] = i;
        for (size_t k = 1; k <= m; k++) {
            size_t best = before[k - 1] + (a[i - 1] != b[k - 1]);
            if (before[k] + 1 < best) best = before[k] + 1;
            if (now[k - 1] + 1 < best) best = now[k - 1] + 1;
            bool swapped = i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1];
            if (swapped && earlier[k - 2] + 1 < best) best = earlier[k - 2] + 1;
            now[k] = best;
        }
    }
    return d[n % 3][m];
}

const char *nearest(const char *wrong, const char *(*names)(size_t i))
{
    size_t n = strlen(wrong), best = n < 3 ? 1 : n < 6 ? 2 : 3;
    const char *found = NULL, *name;
    for (size_t i = 0; (name = names(i)) != NULL; i++) {
        size_t d = distance(wrong, name);
        bool begins = n >= 3 && strncmp(name, wrong, n) == 0; // what was not written to its end
        if (begins && d > 1) d = 1;
        if (d > best || (d == best && found != NULL)) continue;
        best = d;
        found = name;
    }
    return found;
}

static void print_row(FILE *to, const char *left, const char *more, const char *help)
{
    int n = fprintf(to, "  %s%s%s", left, more[0] != 0 ? " " : "", more);
    if (n >= COLUMN) n = fprintf(to, "\n") * 0;
    fprintf(to, "%*s %s\n", COLUMN - n, "", help);
}

static void print_flags(FILE *to, const struct flag *f)
{
    char left[60];
    for (; f != NULL && f->name != NULL; f++) {
        (void)snprintf(left, sizeof left, "--%s", f->name);
        print_row(to, left, f->value != NULL ? f->value : "", f->help);
    }
}

void help_group(FILE *to, const char *first)
{
    size_t n = strlen(first);
    const char *name;
    for (size_t i = 0; (name = command_name(i)) != NULL; i++) {
        const struct command *c = command_find(name);
        if (strncmp(name, first, n) == 0 && (name[n] == ' ' || name[n] == 0)) print_row(to, name, c->words, c->help);
    }
}

static void print_all(FILE *to)
{
    fputs("whimbrel: a messenger whose operator cannot read it\n", to);
    for (const struct command_group *g = command_groups; g->title != NULL; g++) {
        fprintf(to, "\n%s\n", g->title);
        for (const struct command *c = g->commands; c->name != NULL; c++) print_row(to, c->name, c->words, c->help);
    }
    fputs("\nFor every command\n", to);
    print_flags(to, common_flags);
    fputs(
        "\nA CHAT or CONTACT is its number, its name, or the beginning of its name; TEXT may be - for standard input.\n"
        "The passphrase is asked for on a terminal, or comes from --passphrase-fd or WHIMBREL_PASSPHRASE.\n"
        "Exit status: 0 done, 1 it failed, 2 wrong words, 3 wrong or no passphrase, 4 no such profile, chat or "
        "contact.\n",
        to);
}

int help_print(FILE *to, const struct command *c)
{
    if (c == NULL) {
        print_all(to);
        return EXIT_DONE;
    }
    fprintf(to, "whimbrel %s%s%s\n\n  %s\n", c->name, c->words[0] != 0 ? " " : "", c->words, c->help);
    if (c->more != NULL) fprintf(to, "\n%s\n", c->more);
    fputc('\n', to);
    print_flags(to, c->flags);
    print_flags(to, common_flags);
    return EXIT_DONE;
}

int do_help(struct session *s)
{
    char both[NAME_MAX_ * 2];
    const struct line *l = s->line;
    const char *first = l->n > 0 ? l->words[0] : NULL;
    if (first == NULL) return help_print(stdout, NULL);
    (void)snprintf(both, sizeof both, "%s%s%s", first, l->n > 1 ? " " : "", l->n > 1 ? l->words[1] : "");
    const struct command *c = command_find(both);
    size_t n = strlen(both);
    const char *name;
    bool family = false;
    for (size_t i = 0; (name = command_name(i)) != NULL; i++)
        family = family || (strncmp(name, both, n) == 0 && name[n] == ' ');
    if (c != NULL && !family) return help_print(stdout, c);
    if (family) {
        help_group(stdout, both);
        return EXIT_DONE;
    }
    const char *near = nearest(both, command_name);
    if (near != NULL) return say_wrong(EXIT_USAGE, "there is no command %s; is it `whimbrel help %s`?", both, near);
    return say_wrong(EXIT_USAGE, "there is no command %s; `whimbrel help` shows them all", both);
}
