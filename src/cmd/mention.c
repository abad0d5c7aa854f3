// SPDX-License-Identifier: Apache-2.0
//
// People in texts. What is no whole link, or no whole name, stays as it is.
#include "cmd/mention.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ACCOUNT = 64 };
static const char scheme[] = "](whimbrel:u/";

static bool is_letter(char c) { return (unsigned char)c >= 0x80 || isalnum((unsigned char)c) != 0; }

static const struct mention_person *longest(const char *at, const struct mention_person *people, size_t n)
{
    const struct mention_person *found = NULL;
    for (size_t i = 0; i < n; i++) {
        size_t k = strlen(people[i].name);
        if (k == 0 || strncmp(at, people[i].name, k) != 0 || is_letter(at[k])) continue;
        if (found == NULL || k > strlen(found->name)) found = &people[i];
    }
    return found;
}

char *mention_sent(const char *text, const struct mention_person *people, size_t n)
{
    char *out = NULL;
    size_t room = 0;
    FILE *f = open_memstream(&out, &room);
    if (f == NULL) abort();
    for (const char *p = text; *p != 0;) {
        bool begins = *p == '@' && (p == text || isspace((unsigned char)p[-1]) || p[-1] == '(');
        const struct mention_person *who = begins ? longest(p + 1, people, n) : NULL;
        if (who == NULL) {
            fputc(*p++, f);
            continue;
        }
        fputc('[', f);
        for (const char *c = who->name; *c != 0; c++)
            if (strchr("[]\n", *c) == NULL) fputc(*c, f);
        fprintf(f, "%s%s)", scheme, who->account);
        p += 1 + strlen(who->name);
    }
    if (fclose(f) != 0) abort();
    return out;
}

// The length of a link to a person at the beginning of a text, and of the name in it; 0: it is none.
static size_t link_at(const char *text, size_t *name)
{
    *name = text[0] == '[' ? strcspn(text + 1, "[]\n") : 0;
    const char *p = text + 1 + *name;
    size_t hex = sizeof scheme - 1;
    if (*name == 0 || strncmp(p, scheme, hex) != 0) return 0;
    p += hex;
    for (int i = 0; i < ACCOUNT; i++, p++)
        if (!isxdigit((unsigned char)*p)) return 0;
    return *p == ')' ? (size_t)(p + 1 - text) : 0;
}

char *mention_written(const char *text)
{
    char *out = NULL;
    size_t room = 0, name = 0;
    FILE *f = open_memstream(&out, &room);
    if (f == NULL) abort();
    for (const char *p = text; *p != 0;) {
        size_t n = link_at(p, &name);
        if (n == 0) {
            fputc(*p++, f);
            continue;
        }
        const char *from = p + 1;
        bool marked = *from == '@';
        fprintf(f, "@%.*s", (int)(name - marked), from + marked);
        p += n;
    }
    if (fclose(f) != 0) abort();
    return out;
}
