// SPDX-License-Identifier: Apache-2.0
//
// Reading arguments: which command it is, its flags, its words, as the tables say. Whatever does not fit is told precisely, with what is
// near to it.
#include "cmd/text.h"
#include "cmd/whimbrel.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_ROOM = 64, TEXT_MAX = 1 << 20 };

static void say(const char *before, const char *format, va_list args)
{
    const struct text t = text_errors();
    char *said = NULL;
    if (vasprintf(&said, format, args) < 0) abort();
    (void)fflush(stdout);
    fputs(before, stderr);
    (void)text_wrap(&t, said, strlen(before), before[0] != 0 ? 2 : 0);
    fputc('\n', stderr);
    free(said);
}

int say_wrong(int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say("whimbrel: ", format, args);
    va_end(args);
    return status;
}

void say_note(const struct line *l, const char *format, ...)
{
    va_list args;
    if (l->quiet || l->json) return;
    va_start(args, format);
    say("", format, args);
    va_end(args);
}

static int wrong_words(const struct command *c)
{
    return say_wrong(EXIT_USAGE, "it is: whimbrel %s%s%s   (`whimbrel help %s` says more)", c->name,
                     c->words[0] != 0 ? " " : "", c->words, c->name);
}

// --------------------------------------------------------------------------------------------------------------- flags

// Names of the flags of the command whose arguments are read, for `nearest`.
static const struct command *flags_of;
static const char *flag_name(size_t i)
{
    size_t own = 0;
    if (flags_of != NULL && flags_of->flags != NULL)
        for (const struct flag *f = flags_of->flags; f->name != NULL; f++, own++)
            if (own == i) return f->name;
    for (size_t k = 0; common_flags[k].name != NULL; k++)
        if (own + k == i) return common_flags[k].name;
    return NULL;
}

static const struct flag *in_table(const struct flag *f, const char *name, size_t n)
{
    for (; f != NULL && f->name != NULL; f++) {
        if (strlen(f->name) == n && memcmp(f->name, name, n) == 0) return f;
    }
    return NULL;
}

static bool is_number(const char *text)
{
    char *end;
    errno = 0;
    long v = strtol(text, &end, 10);
    return errno == 0 && *end == 0 && end != text && v >= 0 && v <= INT32_MAX;
}

static int no_such_flag(const char *given)
{
    char name[NAME_ROOM];
    const char *near = NULL;
    if (snprintf(name, sizeof name, "%.*s", (int)strcspn(given + 2, "="), given + 2) < (int)sizeof name)
        near = nearest(name, flag_name);
    const char *of = flags_of != NULL ? flags_of->name : NULL;
    if (near != NULL) return say_wrong(EXIT_USAGE, "there is no flag --%s; is it --%s?", name, near);
    if (of == NULL) return say_wrong(EXIT_USAGE, "there is no flag --%s before a command", name);
    return say_wrong(
        EXIT_USAGE,
        "%s has no flag --%s; `whimbrel help %s` shows what it has. Text that begins with -- goes behind --", of, name,
        of);
}

// The flag at argv[*i], with its value, which may be the argument behind it.
static int take_flag(int argc, char **argv, int *i, struct line *l)
{
    const char *given = argv[*i], *equals = strchr(given, '='), *value = "";
    size_t n = strcmp(given, "-h") == 0 ? 0 : equals != NULL ? (size_t)(equals - given) - 2 : strlen(given) - 2;
    const struct flag *f = n == 0 ? in_table(common_flags, "help", 4) : in_table(common_flags, given + 2, n);
    flags_of = l->command;
    if (f == NULL && l->command != NULL) f = in_table(l->command->flags, given + 2, n);
    if (f == NULL) return no_such_flag(given);
    if (f->value == NULL && equals != NULL) return say_wrong(EXIT_USAGE, "--%s takes no value", f->name);
    if (f->value != NULL && equals == NULL && *i + 1 == argc)
        return say_wrong(EXIT_USAGE, "--%s wants a value: --%s %s", f->name, f->name, f->value);
    if (f->value != NULL) value = equals != NULL ? equals + 1 : argv[++*i];
    if (f->value != NULL && strcmp(f->value, "N") == 0 && !is_number(value))
        return say_wrong(EXIT_USAGE, "--%s wants a number, not %s", f->name, value);
    if (l->flag_count == FLAGS_MAX) return say_wrong(EXIT_USAGE, "there are too many flags");
    l->flags[l->flag_count].name = f->name;
    l->flags[l->flag_count++].value = value;
    l->json = l->json || strcmp(f->name, "json") == 0;
    l->quiet = l->quiet || strcmp(f->name, "quiet") == 0;
    l->help = l->help || strcmp(f->name, "help") == 0;
    return EXIT_DONE;
}

const char *flag_text(const struct line *l, const char *name)
{
    for (size_t i = l->flag_count; i-- > 0;) { // the last one counts
        if (strcmp(l->flags[i].name, name) == 0) return l->flags[i].value;
    }
    return NULL;
}

bool flag_on(const struct line *l, const char *name) { return flag_text(l, name) != NULL; }

long flag_number(const struct line *l, const char *name, long otherwise)
{
    const char *text = flag_text(l, name);
    return text == NULL ? otherwise : strtol(text, NULL, 10);
}

// -------------------------------------------------------------------------------------------------------- the command

// Whether there are commands of two words with this first one.
static bool is_family(const char *first)
{
    size_t n = strlen(first);
    const char *name;
    for (size_t i = 0; (name = command_name(i)) != NULL; i++) {
        if (strncmp(name, first, n) == 0 && name[n] == ' ') return true;
    }
    return false;
}

// The second words of the commands that begin with this one, for `nearest`.
static const char *family;
static const char *second_word(size_t i)
{
    size_t n = strlen(family);
    const char *name;
    for (size_t k = 0; (name = command_name(k)) != NULL; k++) {
        if (strncmp(name, family, n) == 0 && name[n] == ' ' && i-- == 0) return name + n + 1;
    }
    return NULL;
}

// What was typed in the place of a command is not said again if it may be a link, which may hold secrets.
static const char *shown(const char *word) { return strpbrk(word, ":@?#=") != NULL ? "like that" : word; }

static int no_such_command(const char *first, const char *second)
{
    const char *near = NULL;
    family = first;
    if (is_family(first)) {
        if (second != NULL) near = nearest(second, second_word);
        if (near != NULL)
            return say_wrong(EXIT_USAGE, "%s has no command %s; is it `whimbrel %s %s`?", first, shown(second), first,
                             near);
        (void)say_wrong(EXIT_USAGE,
                        second == NULL ? "%s wants a word more:" : "%s has no command %s; there are:", first,
                        second == NULL ? "" : shown(second));
        help_group(stderr, first);
        return EXIT_USAGE;
    }
    near = nearest(first, command_name);
    if (near != NULL) return say_wrong(EXIT_USAGE, "there is no command %s; is it `whimbrel %s`?", shown(first), near);
    return say_wrong(EXIT_USAGE, "there is no command %s; `whimbrel help` shows them all", shown(first));
}

// The command is the first two words if there is one of that name, or the first.
static int choose(struct line *l, const char *first, const char *second)
{
    char both[NAME_ROOM];
    if (second != NULL && snprintf(both, sizeof both, "%s %s", first, second) < (int)sizeof both)
        l->command = command_find(both);
    bool two = l->command != NULL;
    if (!two) l->command = command_find(first);
    if (l->command == NULL) return no_such_command(first, second);
    if (!two && second != NULL) l->words[l->n++] = second;
    return EXIT_DONE;
}

static bool is_flag(const char *word) { return strncmp(word, "--", 2) == 0 || strcmp(word, "-h") == 0; }

// The next word behind argv[at] that is no flag and no flag's value; NULL. Flags here are those that all commands have: one of a command
// stands behind its name.
static const char *word_behind(int argc, char **argv, int at)
{
    for (int i = at + 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) return NULL;
        if (!is_flag(argv[i])) return argv[i];
        const struct flag *f = in_table(common_flags, argv[i] + 2, strlen(argv[i] + 1) - 1);
        if (f == NULL) return NULL;
        i += f->value != NULL;
    }
    return NULL;
}

// How many words the command takes; most is WORDS_MAX for "X...".
static void count_words(const char *words, size_t *least, size_t *most)
{
    bool any = false;
    *least = *most = 0;
    for (const char *p = words; *p != 0;) {
        size_t n = strcspn(p, " ");
        *least += *p != '[';
        any = any || (n > 3 && memmem(p, n, "...", 3) != NULL);
        ++*most;
        p += n;
        p += strspn(p, " ");
    }
    if (any) *most = WORDS_MAX;
}

static int check_words(const struct line *l)
{
    size_t least, most;
    count_words(l->command->words, &least, &most);
    if (l->n > most && is_family(l->command->name)) return no_such_command(l->command->name, l->words[0]);
    return l->n < least || l->n > most ? wrong_words(l->command) : EXIT_DONE;
}

static void choose_profile(struct line *l)
{
    const char *given = flag_text(l, "profile"), *from = given != NULL ? given : getenv("WHIMBREL_PROFILE"),
               *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (from != NULL && from[0] != 0) (void)snprintf(l->profile, sizeof l->profile, "%s", from);
    else if (data != NULL && data[0] == '/') (void)snprintf(l->profile, sizeof l->profile, "%s/whimbrel/default", data);
    else (void)snprintf(l->profile, sizeof l->profile, "%s/.local/share/whimbrel/default", home != NULL ? home : ".");
}

int line_parse(int argc, char **argv, struct line *l)
{
    bool words = false; // behind "--" all are words
    const char *second = NULL;
    int status = EXIT_DONE;
    for (int i = 1; status == EXIT_DONE && i < argc; i++) {
        if (!words && strcmp(argv[i], "--") == 0) {
            words = true;
        } else if (!words && is_flag(argv[i])) {
            status = take_flag(argc, argv, &i, l);
        } else if (l->command == NULL) {
            second = words ? NULL : word_behind(argc, argv, i);
            status = choose(l, argv[i], second);
        } else if (argv[i] == second) {
            second = NULL; // which has its place already
        } else if (l->n == WORDS_MAX) {
            status = say_wrong(EXIT_USAGE, "there are too many words");
        } else {
            l->words[l->n++] = argv[i];
        }
    }
    choose_profile(l);
    if (status != EXIT_DONE || l->help) return status;
    if (l->command != NULL) return check_words(l);
    l->command = command_find("ui"); // who types no more than the program's name wants to see something
    return EXIT_DONE;
}

static const char *hide(const char *word)
{
    size_t n = strlen(word);
    char *copy = malloc(n + 1);
    if (copy == NULL) abort();
    memcpy(copy, word, n + 1);
    explicit_bzero((char *)(uintptr_t)word, n); // the program's own arguments may be written to
    return copy;
}

void line_hide(struct line *l)
{
    for (size_t i = 0; i < l->n; i++) l->words[i] = hide(l->words[i]);
    for (size_t i = 0; i < l->flag_count; i++) {
        if (l->flags[i].value[0] == 0 || in_table(common_flags, l->flags[i].name, strlen(l->flags[i].name)) != NULL)
            continue;
        l->flags[i].value = hide(l->flags[i].value);
    }
}

static char *read_all(FILE *from)
{
    char *text = malloc(TEXT_MAX + 1);
    if (text == NULL) abort();
    size_t n = fread(text, 1, TEXT_MAX, from);
    bool more = n == TEXT_MAX && fgetc(from) != EOF;
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r')) n--;
    text[n] = 0;
    if (!more && ferror(from) == 0 && strlen(text) == n) return text;
    free(text);
    (void)say_wrong(EXIT_USAGE, more ? "that is too long for a message" : "standard input is no text");
    return NULL;
}

char *line_text(const struct line *l, size_t first)
{
    char *text = NULL;
    size_t n = 0;
    if (l->n == first + 1 && strcmp(l->words[first], "-") == 0) return read_all(stdin);
    FILE *f = open_memstream(&text, &n);
    if (f == NULL) abort();
    for (size_t i = first; i < l->n; i++) fprintf(f, "%s%s", i > first ? " " : "", l->words[i]);
    if (fclose(f) != 0) abort();
    return text;
}
