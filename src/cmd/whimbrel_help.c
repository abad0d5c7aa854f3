// SPDX-License-Identifier: Apache-2.0
//
// Help, from the tables of commands, and the nearest name to a misspelt one.
#include "cmd/text.h"
#include "cmd/whimbrel.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_ = 48, COLUMN = 30 };

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

// As wide as the terminal, but not so wide that a line is hard to find again; 80 columns where there is none.
static struct text page(FILE *to)
{
    enum { USUAL = 80, MOST = 110 };
    struct text t = to == stderr ? text_errors() : text_standard();
    t.to = to;
    if (t.width == SIZE_MAX) t.width = USUAL;
    if (t.width > MOST) t.width = MOST;
    return t;
}

static void print_row(FILE *to, const char *left, const char *more, const char *help)
{
    const struct text t = page(to);
    size_t narrow = t.width < 2 * COLUMN ? 6 : COLUMN + 1;
    size_t n = (size_t)fprintf(to, "  %s%s%s", left, more[0] != 0 ? " " : "", more);
    if (n >= narrow) n = (size_t)fprintf(to, "\n") * 0;
    text_spaces(&t, narrow - n);
    (void)text_wrap(&t, help, narrow, narrow);
    fputc('\n', to);
}

static void print_flags(FILE *to, const struct flag *f)
{
    char left[60];
    for (; f != NULL && f->name != NULL; f++) {
        (void)snprintf(left, sizeof left, "--%s", f->name);
        print_row(to, left, f->value != NULL ? f->value : "", f->help);
    }
}

// Line ends in it are those of the source, and mean no more than a space.
static void print_prose(FILE *to, const char *text, size_t indent)
{
    const struct text t = page(to);
    char *line = strdup(text);
    if (line == NULL) abort();
    for (char *p = line; *p != 0; p++)
        if (*p == '\n') *p = ' ';
    text_spaces(&t, indent);
    (void)text_wrap(&t, line, indent, indent);
    fputc('\n', to);
    free(line);
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
    fputc('\n', to);
    print_prose(
        to,
        "A CHAT or CONTACT is its number, its name, or the beginning of its name; TEXT may be - for standard input.",
        0);
    print_prose(to, "The passphrase is asked for on a terminal, or comes from --passphrase-fd or WHIMBREL_PASSPHRASE.",
                0);
    print_prose(to,
                "Exit status: 0 done, 1 it failed, 2 wrong words, 3 wrong or no passphrase, 4 no such profile, chat or "
                "contact, 5 held: somebody has another device than before.",
                0);
}

static void print_command(FILE *to, const struct command *c)
{
    fprintf(to, "whimbrel %s%s%s\n\n", c->name, c->words[0] != 0 ? " " : "", c->words);
    print_prose(to, c->help, 2);
    if (c->more != NULL) {
        fputc('\n', to);
        print_prose(to, c->more, 0);
    }
    fputc('\n', to);
    print_flags(to, c->flags);
    print_flags(to, common_flags);
}

int help_print(const struct command *c)
{
    struct text_pages p;
    const struct text *t = pages_begin(&p);
    if (c == NULL) print_all(t->to);
    else print_command(t->to, c);
    pages_end(&p, false);
    return EXIT_DONE;
}

// --------------------------------------------------------------------------------------------------------- manual page

// A character that is not of ASCII; how many bytes it has besides the first.
static size_t print_mdoc_wide(const char *p)
{
    wchar_t c = 0;
    int n = mbtowc(&c, p, strlen(p));
    printf("\\[u%04X]", n > 0 ? (unsigned)c : 0xfffdU);
    return n > 0 ? (size_t)n - 1 : 0;
}

// Text in mdoc: what would be a macro or an escape is none.
static void print_mdoc(const char *text)
{
    for (const char *p = text; *p != 0; p++) {
        bool begins = p == text || p[-1] == '\n';
        if (begins && (*p == '.' || *p == '\'')) fputs("\\&", stdout);
        if (*p == '\\') fputs("\\e", stdout);
        else if (*p == '-') fputs("\\-", stdout);
        else if (*p == '`') fputs("\\(ga", stdout);
        else if ((unsigned char)*p < 0x80) putchar(*p);
        else p += print_mdoc_wide(p);
    }
    putchar('\n');
}

static void print_mdoc_flags(const struct flag *f)
{
    if (f == NULL) return;
    puts(".Bl -tag -width Ds -compact");
    for (; f->name != NULL; f++) {
        printf(".It Fl -%s%s%s\n", f->name, f->value != NULL ? " Ar " : "", f->value != NULL ? f->value : "");
        print_mdoc(f->help);
    }
    puts(".El");
}

static void print_manual(void)
{
    puts(".\\\" Made by `whimbrel help --manual`.\n.Dd November 26, 2026\n.Dt WHIMBREL-COMMANDS 1\n.Os Whimbrel\n.Sh "
         "NAME\n"
         ".Nm whimbrel-commands\n.Nd what can be said to whimbrel\n.Sh DESCRIPTION\n.Xr whimbrel 1\ntells what it is, "
         "and where to "
         "begin.");
    for (const struct command_group *g = command_groups; g->title != NULL; g++) {
        printf(".Ss %s\n.Bl -tag -width Ds\n", g->title);
        for (const struct command *c = g->commands; c->name != NULL; c++) {
            printf(".It Cm %s%s", c->name, c->words[0] != 0 ? " Ar " : "\n");
            if (c->words[0] != 0) print_mdoc(c->words);
            print_mdoc(c->help);
            if (c->more != NULL) {
                puts(".Pp");
                print_mdoc(c->more);
            }
            print_mdoc_flags(c->flags);
        }
        puts(".El");
    }
    puts(".Ss For every command");
    print_mdoc_flags(common_flags);
    puts(".Sh SEE ALSO\n.Xr whimbrel 1");
}

const struct flag help_flags[] = {
    {"manual", NULL, "print all of it as a manual page"},
    {NULL, NULL, NULL},
};

int do_help(struct session *s)
{
    char both[NAME_MAX_ * 2];
    const struct line *l = s->line;
    const char *first = l->n > 0 ? l->words[0] : NULL;
    if (flag_on(l, "manual")) print_manual();
    if (flag_on(l, "manual")) return EXIT_DONE;
    if (first == NULL) return help_print(NULL);
    (void)snprintf(both, sizeof both, "%s%s%s", first, l->n > 1 ? " " : "", l->n > 1 ? l->words[1] : "");
    const struct command *c = command_find(both);
    size_t n = strlen(both);
    const char *name;
    bool family = false;
    for (size_t i = 0; (name = command_name(i)) != NULL; i++)
        family = family || (strncmp(name, both, n) == 0 && name[n] == ' ');
    if (c != NULL && !family) return help_print(c);
    if (family) {
        help_group(stdout, both);
        return EXIT_DONE;
    }
    const char *near = nearest(both, command_name);
    if (near != NULL) return say_wrong(EXIT_USAGE, "there is no command %s; is it `whimbrel help %s`?", both, near);
    return say_wrong(EXIT_USAGE, "there is no command %s; `whimbrel help` shows them all", both);
}
