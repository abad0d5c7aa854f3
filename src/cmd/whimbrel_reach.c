// SPDX-License-Identifier: Apache-2.0
//
// Ways to the relay: proxies and bridges, trying them, passing them on, and what may be used. Addresses and links that others wrote are
// printed as text of theirs.
#include "cmd/qr.h"
#include "cmd/text.h"
#include "cmd/whimbrel.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// -------------------------------------------------------------------------------------------------------------- naming

static void print_name(const struct text *t, const json_t *route)
{
    const char *kind = text_of(route, "kind"), *transport = text_of(route, "transport"),
               *place = text_of(route, "place");
    fputs(transport[0] != 0 ? transport : kind, t->to);
    if (place[0] != 0) fputc(' ', t->to);
    (void)text_line(t, place, SIZE_MAX);
}

static void print_time(FILE *to, json_int_t ms)
{
    if (ms < 1000) fprintf(to, "%lld ms", (long long)ms);
    else fprintf(to, "%.1f s", (double)ms / 1000);
}

// By number, or by the place of one alone. -1 after an error, which has been said.
static json_int_t find_route(struct session *s, const char *word)
{
    char *end;
    size_t i, n = 0;
    json_t *o, *list = ask(s, "route.list", NULL);
    json_int_t number = strtoll(word, &end, 10), found = -1;
    bool numeric = *end == 0 && end != word;
    if (list == NULL) return -1;
    json_array_foreach (list, i, o) {
        bool this = numeric ? int_of(o, "id") == number : strcmp(text_of(o, "place"), word) == 0;
        if (this) n++, found = int_of(o, "id");
    }
    json_decref(list);
    if (n == 1) return found;
    s->status = say_wrong(EXIT_NOT_THERE,
                          n > 1 ? "%s may mean several; use the number that `whimbrel proxy list` shows"
                                : "there is no route %s; `whimbrel proxy list` shows them",
                          strpbrk(word, "@?") != NULL ? "like that" : word);
    return -1;
}

// ---------------------------------------------------------------------------------------------------------- what is there

static void print_state(const struct text *t, const json_t *r, size_t indent)
{
    const char *state = text_of(r, "state");
    bool allowed = is_set(r, "allowed");
    if (!allowed) text_colour(t, TEXT_DIM);
    if (!allowed) fputs("not allowed by the policy", t->to);
    else if (strcmp(state, "works") == 0)
        fputs(int_of(r, "used") > 0 ? "in use, " : "works, ", t->to), print_time(t->to, int_of(r, "ms"));
    else if (strcmp(state, "trying") == 0) fputs("is being tried", t->to);
    else if (strcmp(state, "fails") == 0) (void)text_wrap(t, text_of(r, "text"), indent, indent);
    else fputs("not tried yet", t->to);
    text_end(t);
}

static void print_route(const struct text *t, const json_t *r)
{
    fprintf(t->to, "%4lld  ", (long long)int_of(r, "id"));
    print_name(t, r);
    if (text_of(r, "user")[0] != 0) {
        fputs(" as ", t->to);
        (void)text_line(t, text_of(r, "user"), 40);
    }
    if (is_set(r, "published")) fputs(" (from the relay)", t->to);
    else if (!is_set(r, "kept")) fputs(" (from ALL_PROXY)", t->to);
    fputs("\n      ", t->to);
    print_state(t, r, 6);
    fputc('\n', t->to);
}

static int print_routes(struct session *s, bool all)
{
    size_t i;
    json_t *o, *list = ask(s, "route.list", NULL);
    const struct text t = text_standard();
    if (list == NULL) return s->status;
    if (!all) (void)json_array_remove(list, 0); // the direct way
    json_array_foreach (list, i, o) {
        if (!s->line->json) print_route(&t, o);
    }
    if (!s->line->json && json_array_size(list) == 0 && !s->line->quiet)
        printf("There is no proxy. `whimbrel proxy add LINK` adds one.\n");
    return finish(s, list, NULL);
}

static int do_list(struct session *s) { return print_routes(s, false); }

// ------------------------------------------------------------------------------------------------------------- watching

static json_t *route_of(struct session *s, json_int_t id)
{
    json_t *list = ask(s, "route.list", NULL), *found = json_incref((json_t *)(uintptr_t)by_id(list, id));
    json_decref(list);
    return found;
}

static void print_change(struct session *s, const struct text *t, const json_t *params)
{
    json_t *r = route_of(s, int_of(params, "route"));
    if (r == NULL) return;
    print_name(t, r);
    fputs(": ", t->to);
    if (strcmp(text_of(params, "state"), "fails") == 0) (void)text_wrap(t, text_of(params, "text"), 4, 4);
    else print_state(t, params, 4);
    fputc('\n', t->to);
    json_decref(r);
}

static int watch(struct session *s)
{
    json_t *event, *r = ask(s, "events.follow", NULL);
    const struct text t = text_standard();
    if (r == NULL) return s->status;
    json_decref(r);
    while (s->status == EXIT_DONE && (event = ask_next(s->fd)) != NULL) {
        json_t *params = json_object_get(event, "params");
        const char *method = text_of(event, "method");
        bool route = strcmp(method, "route") == 0;
        if (route && s->line->json) (void)json_dumpf(params, stdout, JSON_COMPACT), fputc('\n', stdout);
        if (route && !s->line->json)
            (void)json_object_set_new(params, "allowed", json_true()), print_change(s, &t, params);
        if (!s->line->json && strcmp(method, "link") == 0) {
            fputs("relay: ", stdout);
            (void)text_wrap(&t, text_of(params, "text"), 7, 4);
            fputc('\n', stdout);
        }
        json_decref(event);
        if (fflush(stdout) != 0) return EXIT_FAILED;
    }
    return s->status != EXIT_DONE ? s->status : say_wrong(EXIT_FAILED, "the engine has ended");
}

static int do_route(struct session *s)
{
    if (!s->line->json) {
        json_t *r = ask(s, "route.settings", NULL);
        if (r == NULL) return s->status;
        printf("policy %s; a circuit of Tor for each %s\n", text_of(r, "policy"), text_of(r, "isolation"));
        json_decref(r);
    }
    int status = s->line->json && flag_on(s->line, "watch") ? EXIT_DONE : print_routes(s, true);
    return status == EXIT_DONE && flag_on(s->line, "watch") ? watch(s) : status;
}

static int do_policy(struct session *s)
{
    return finish(s, ask(s, "route.policy", json_pack("{s:s}", "policy", s->line->words[0])), NULL);
}

static int do_isolation(struct session *s)
{
    return finish(s, ask(s, "route.isolation", json_pack("{s:s}", "isolation", s->line->words[0])), NULL);
}

// --------------------------------------------------------------------------------------------------------------- adding

static json_t *described(const struct line *l, const char *link)
{
    json_t *p = json_pack("{s:s, s:b, s:b}", "link", link, "tor", flag_on(l, "tor"), "resolve", flag_on(l, "resolve"));
    if (flag_text(l, "for") != NULL) (void)json_object_set_new(p, "relay", json_string(flag_text(l, "for")));
    return p;
}

static int add_one(struct session *s, const char *link, json_t *added)
{
    json_t *r = ask(s, "proxy.add", described(s->line, link));
    if (r == NULL) return s->status;
    if (!s->line->json && !s->line->quiet) printf("It is number %lld.\n", (long long)int_of(r, "route"));
    (void)json_array_append(added, json_object_get(r, "route"));
    json_decref(r);
    return EXIT_DONE;
}

// All that is found in a text; what is wrong with one does not keep the others back.
static int add_found(struct session *s, char *take_text, json_t *added)
{
    size_t i;
    int status = EXIT_DONE;
    json_t *o, *found = take_text == NULL ? NULL : ask(s, "proxy.find", json_pack("{s:s}", "text", take_text));
    free(take_text);
    if (found == NULL) return s->status != EXIT_DONE ? s->status : EXIT_USAGE;
    if (json_array_size(found) == 0) status = say_wrong(EXIT_NOT_THERE, "there is no proxy in that text");
    json_array_foreach (found, i, o) {
        const char *wrong = text_of(o, "text");
        int one = wrong[0] == 0 ? add_one(s, text_of(o, "link"), added)
                                : say_wrong(EXIT_FAILED, "%s: %s", text_of(o, "place"), wrong);
        if (one != EXIT_DONE) status = one;
    }
    json_decref(found);
    return status;
}

// A bridge line comes in several words, whose first has no colon and no slash.
static bool one_line(const struct line *l) { return l->n > 1 && strpbrk(l->words[0], ":/") == NULL; }

static int do_add(struct session *s)
{
    const struct line *l = s->line;
    json_t *added = json_array();
    int status = EXIT_DONE;
    if (strcmp(l->words[0], "-") == 0) {
        status = add_found(s, line_text(l, 0), added);
    } else if (one_line(l)) {
        char *text = line_text(l, 0);
        status = add_one(s, text, added);
        free(text);
    } else {
        for (size_t i = 0; i < l->n; i++) {
            int one = add_one(s, l->words[i], added);
            if (one != EXIT_DONE) status = one;
        }
    }
    if (l->json) print_json(added);
    json_decref(added);
    return status;
}

static int do_remove(struct session *s)
{
    json_int_t id = find_route(s, s->line->words[0]);
    if (id < 0) return s->status;
    return finish(s, ask(s, "proxy.remove", json_pack("{s:I}", "route", id)), NULL);
}

static int do_find(struct session *s)
{
    size_t i, k, n = 0;
    json_t *m, *o, *all = json_array();
    const struct text t = text_standard();
    json_int_t chat = find_chat(s, s->line->words[0]);
    json_t *list = chat == 0 ? NULL : ask(s, "message.list", json_pack("{s:I, s:i}", "chat", chat, "limit", 10000));
    json_array_foreach (list, i, m) {
        json_t *found = ask(s, "proxy.find", json_pack("{s:O}", "text", json_object_get(m, "text")));
        json_array_foreach (found, k, o) {
            if (text_of(o, "link")[0] == 0) continue;
            (void)json_array_append(all, o);
            n++;
            if (!s->line->json) (void)text_line(&t, text_of(o, "link"), SIZE_MAX), putchar('\n');
        }
        json_decref(found);
    }
    if (list != NULL && n == 0 && !s->line->quiet && !s->line->json)
        printf("There is no proxy in this conversation.\n");
    if (list != NULL && s->line->json) print_json(all);
    json_decref(list);
    json_decref(all);
    return s->status;
}

// --------------------------------------------------------------------------------------------------------------- trying

// Waits for the end of a trial; params of the event, to be given back.
static json_t *await_trial(struct session *s, json_int_t trial)
{
    for (json_t *event; (event = ask_next(s->fd)) != NULL; json_decref(event)) {
        json_t *params = json_object_get(event, "params");
        if (strcmp(text_of(event, "method"), "tried") != 0 || int_of(params, "trial") != trial) continue;
        json_incref(params);
        json_decref(event);
        return params;
    }
    s->status = say_wrong(EXIT_FAILED, "the engine has ended");
    return NULL;
}

static int try_one(struct session *s, json_t *take_params, const char *name, json_t *results)
{
    const struct text t = text_standard();
    json_t *r = ask(s, "proxy.test", take_params), *end = r == NULL ? NULL : await_trial(s, int_of(r, "trial"));
    json_decref(r);
    if (end == NULL) return s->status;
    bool works = is_set(end, "works");
    if (!s->line->json) {
        size_t at = text_line(&t, name, SIZE_MAX);
        fputs(": ", stdout);
        if (works) fputs("works, ", stdout), print_time(stdout, int_of(end, "ms"));
        else (void)text_wrap(&t, text_of(end, "text"), at + 2, 4);
        fputc('\n', stdout);
        (void)fflush(stdout);
    }
    (void)json_object_del(end, "trial");
    (void)json_object_set_new(end, "name", json_string(name));
    (void)json_array_append_new(results, end);
    return works ? EXIT_DONE : EXIT_FAILED;
}

static int try_known(struct session *s, const json_t *route, json_t *results)
{
    char name[400];
    const char *place = text_of(route, "place"), *transport = text_of(route, "transport");
    (void)snprintf(name, sizeof name, "%s%s%s", transport[0] != 0 ? transport : text_of(route, "kind"),
                   place[0] != 0 ? " " : "", place);
    return try_one(s, json_pack("{s:I}", "route", int_of(route, "id")), name, results);
}

// All that is found in a text, each called what may be shown of it; what is none is tried all the same, and told to be wrong.
static int try_text(struct session *s, const char *word, json_t *results)
{
    size_t i;
    int status = EXIT_DONE;
    json_t *o, *found = ask(s, "proxy.find", json_pack("{s:s}", "text", word));
    if (found == NULL) return s->status;
    json_array_foreach (found, i, o) {
        const char *link = text_of(o, "link"), *place = text_of(o, "place");
        int one = try_one(s, described(s->line, link[0] != 0 ? link : word), place, results);
        if (one != EXIT_DONE) status = one;
    }
    if (json_array_size(found) == 0)
        status = try_one(s, described(s->line, word), strpbrk(word, "@?=") != NULL ? "that" : word, results);
    json_decref(found);
    return status;
}

// What is a number is one that is there; all else describes one.
static int try_word(struct session *s, const char *word, json_t *results)
{
    if (strspn(word, "0123456789") != strlen(word)) return try_text(s, word, results);
    json_int_t id = find_route(s, word);
    json_t *route = id < 0 ? NULL : route_of(s, id);
    int status = route == NULL ? s->status : try_known(s, route, results);
    json_decref(route);
    return status;
}

static int do_test(struct session *s)
{
    size_t i;
    const struct line *l = s->line;
    json_t *o, *results = json_array(), *follows = ask(s, "events.follow", NULL);
    json_t *list = follows != NULL && l->n == 0 ? ask(s, "route.list", NULL) : NULL;
    int status = follows == NULL ? s->status : EXIT_DONE, one;
    json_decref(follows);
    json_array_foreach (list, i, o) {
        if (is_set(o, "allowed") && (one = try_known(s, o, results)) != EXIT_DONE) status = one;
    }
    if (status == EXIT_DONE && (one_line(l) || (l->n == 1 && strcmp(l->words[0], "-") == 0))) {
        char *text = line_text(l, 0);
        status = text == NULL ? EXIT_USAGE : try_text(s, text, results);
        free(text);
    } else {
        for (i = 0; i < l->n; i++) {
            if ((one = try_word(s, l->words[i], results)) != EXIT_DONE) status = one;
        }
    }
    if (l->json) print_json(results);
    json_decref(list);
    json_decref(results);
    return status;
}

// -------------------------------------------------------------------------------------------------------------- sharing

// Whether secrets go with the link: as a flag says, or a person at the terminal. 1, 0; -1 after an error, which has been said.
static int with_secrets(struct session *s, const json_t *route)
{
    char answer[16];
    bool with = flag_on(s->line, "with-password"), without = flag_on(s->line, "without-password");
    if (!is_set(route, "secrets") || with || without) return with && !without;
    if (prompt_line("Shall its user and password go with the link? (yes or no)", answer, sizeof answer)) {
        if (strcmp(answer, "yes") == 0) return 1;
        if (strcmp(answer, "no") == 0) return 0;
    }
    s->status = say_wrong(EXIT_USAGE, "this one has secrets: say --with-password or --without-password");
    return -1;
}

static int do_share(struct session *s)
{
    json_int_t id = find_route(s, s->line->words[0]);
    json_t *route = id < 0 ? NULL : route_of(s, id);
    if (route == NULL) return s->status;
    int secrets = with_secrets(s, route);
    json_decref(route);
    if (secrets < 0) return s->status;
    const char *form = flag_on(s->line, "tg") ? "tg" : flag_on(s->line, "web") ? "web" : "url";
    json_t *r = ask(s, "proxy.share", json_pack("{s:I, s:b, s:s}", "route", id, "secrets", secrets, "form", form));
    if (r != NULL && !s->line->json) {
        const struct text t = text_standard();
        if (flag_on(s->line, "qr")) (void)qr_draw(&t, text_of(r, "link"), 4);
        else if (!s->line->quiet) qr_show(&t, text_of(r, "link"), 2);
        printf("%s\n", text_of(r, "link"));
    }
    return finish(s, r, NULL);
}

// ----------------------------------------------------------------------------------------------------------- the table

static const struct flag described_flags[] = {
    {"tor", NULL, "this SOCKS5 proxy is Tor: .onion goes there, and streams are kept apart"},
    {"resolve", NULL, "the proxy's name may be looked up, which the network sees"},
    {"for", "HOST", "of a bridge: it leads to the relay on this host alone"},
    {NULL, NULL, NULL},
};
static const struct flag share_flags[] = {
    {"with-password", NULL, "user and password go with the link"},
    {"without-password", NULL, "they do not"},
    {"tg", NULL, "as a tg://socks link"},
    {"web", NULL, "as an https://t.me/socks link"},
    {"qr", NULL, "draw the QR code, whatever standard output is"},
    {NULL, NULL, NULL},
};
static const struct flag route_flags[] = {
    {"watch", NULL, "go on, and tell what is tried, what works, and why not"},
    {NULL, NULL, NULL},
};

const struct command reach_commands[] = {
    {"route", "", "show the ways to the relay, and how each does", do_route, AN_ENGINE, route_flags, NULL},
    {"route policy", "POLICY", "set which ways may be used: auto, proxy-only, tor-only", do_policy, AN_ENGINE, NULL,
     "auto uses all ways, whichever works; proxy-only uses proxies and nothing else, and tor-only Tor alone: if none "
     "of those\n"
     "works, nothing goes out at all."},
    {"route isolation", "WHAT", "set what shares a circuit of Tor: profile, relay, conversation", do_isolation,
     AN_ENGINE, NULL, NULL},
    {"proxy add", "LINK...", "add proxies or a bridge", do_add, AN_ENGINE, described_flags,
     "LINK is a proxy's link (socks5://, http://, tg://socks, https://t.me/socks), HOST:PORT, the path of a unix "
     "socket, or a "
     "bridge\n"
     "line. With - for it, all that are found in standard input are added."},
    {"proxy list", "", "show the proxies, and how each does", do_list, AN_ENGINE, NULL, NULL},
    {"proxy find", "CHAT", "show proxies that were named in a conversation", do_find, AN_ENGINE, NULL,
     "`whimbrel proxy test LINK` tries one, `whimbrel proxy add LINK` adds it."},
    {"proxy test", "[LINK...]", "try whether a proxy leads to your relay: one that is there, or any", do_test,
     AN_ENGINE, described_flags,
     "LINK is a proxy's number, or as in proxy add; with - for it, all that are found in standard input are tried. "
     "Without\n"
     "one, all ways that may be used are tried."},
    {"proxy remove", "PROXY", "remove a proxy", do_remove, AN_ENGINE, NULL, NULL},
    {"proxy share", "PROXY", "make a link of a proxy, for others", do_share, AN_ENGINE, share_flags, NULL},
    {NULL, NULL, NULL, NULL, ALONE, NULL, NULL},
};
