// SPDX-License-Identifier: Apache-2.0
//
// `whimbrel relay`: the relays that one has to do with, as the engine knows them.
#include "cmd/progress.h"
#include "cmd/text.h"
#include "cmd/whimbrel.h"

#include <string.h>

static void print_count(const struct text *t, const json_t *r, const char *key, const char *one, const char *more)
{
    json_int_t n = int_of(r, key);
    if (n > 0) fprintf(t->to, ", %lld %s", (long long)n, n == 1 ? one : more);
}

static void print_relay(const struct text *t, const json_t *r)
{
    char size[SIZE_TEXT];
    size_t i;
    json_t *other;
    text_colour(t, TEXT_BOLD);
    (void)text_line(t, text_of(r, "place"), SIZE_MAX);
    text_end(t);
    fprintf(t->to, "%s\n  %s", is_set(r, "own") ? "  yours" : "",
            is_set(r, "connected") ? "connected" : "not connected");
    print_count(t, r, "chats", "conversation", "conversations");
    print_count(t, r, "contacts", "contact", "contacts");
    fputc('\n', t->to);
    if (int_of(r, "keeps") > 0)
        fprintf(t->to, "  keeps what is sent for %.4g days; files up to %s; new things are begun there by %s\n",
                (double)int_of(r, "keeps") / 86400, size_text((uint64_t)int_of(r, "file"), size),
                strcmp(text_of(r, "hosting"), "open") == 0       ? "everybody who has its address"
                : strcmp(text_of(r, "hosting"), "password") == 0 ? "whoever has its password"
                                                                 : "nobody new");
    json_array_foreach (json_object_get(r, "others"), i, other) {
        fputs("  also at ", t->to);
        (void)text_line(t, json_string_value(other), SIZE_MAX);
        fputc('\n', t->to);
    }
}

static int do_relay(struct session *s)
{
    size_t i;
    json_t *r, *list = ask(s, "relay.list", NULL);
    if (list == NULL || s->line->json) return finish(s, list, NULL);
    const struct text t = text_standard();
    json_array_foreach (list, i, r) print_relay(&t, r);
    return finish(s, list, NULL);
}

const struct command relay_commands[] = {
    {"relay", "", "show the relays that you have to do with: yours, and those of others", do_relay, AN_ENGINE, NULL,
     NULL},
    {NULL, NULL, NULL, NULL, ALONE, NULL, NULL},
};
