// SPDX-License-Identifier: Apache-2.0
//
// `whimbrel export`: a conversation as a folder that needs no Whimbrel to be read: a page for any browser, or JSON, with the files that are
// here beside it. It is as readable to whoever gets it as to its owner, and that is said. The page runs no script, fetches nothing, and
// what others wrote is text in it, whatever it looks like.
#include "cmd/progress.h"
#include "cmd/whimbrel_read.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PART = 500 };

struct export {
    struct session *s;
    const json_t *chat;
    FILE *to;
    bool html;
    char folder[PATH_MAX];
    int day, year;
    size_t messages, files, absent;
    struct progress progress;
};

static const char page_head[] =
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src 'self' file:; "
    "media-src 'self' file:\">\n"
    "<style>\n"
    ":root { color-scheme: light dark; --dim: #666; --line: #ddd; --mine: #e4f0e4 }\n"
    "@media (prefers-color-scheme: dark) { :root { --dim: #999; --line: #444; --mine: #25352a } }\n"
    "body { font: 1rem/1.45 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }\n"
    "h2 { font-size: .9rem; color: var(--dim); text-align: center; border-top: 1px solid var(--line); padding-top: .6rem }\n"
    "article { margin: .5rem 0; padding: .4rem .7rem; border-radius: .6rem; border: 1px solid var(--line); width: fit-content;\n"
    "  max-width: 85% }\n"
    "article.mine { background: var(--mine); margin-left: auto }\n"
    "header, footer, .dim { color: var(--dim); font-size: .85rem } header b { color: inherit }\n"
    "p { margin: .15rem 0; white-space: pre-wrap; overflow-wrap: anywhere }\n"
    "blockquote { margin: .2rem 0; padding-left: .6rem; border-left: 3px solid var(--line); color: var(--dim); font-size: .9rem }\n"
    "img, video { max-width: 100%; max-height: 30rem; border-radius: .3rem }\n"
    ".notice { text-align: center; color: var(--dim); font-size: .9rem }\n"
    "</style>\n";

// What others wrote, as text: no tag, no attribute, and no turning of what stands around it.
static void put_text(FILE *to, const char *text)
{
    for (const char *p = text; *p != 0; p++) {
        switch (*p) {
        case '<': fputs("&lt;", to); break;
        case '>': fputs("&gt;", to); break;
        case '&': fputs("&amp;", to); break;
        case '"': fputs("&quot;", to); break;
        case '\'': fputs("&#39;", to); break;
        default:
            if ((unsigned char)*p >= 0x20 || *p == '\n' || *p == '\t') fputc(*p, to);
        }
    }
}

static void put_apart(FILE *to, const char *tag, const char *text)
{
    fprintf(to, "<%s dir=\"auto\">", tag);
    put_text(to, text);
    fprintf(to, "</%s>", tag);
}

// A path in an attribute: everything but what is surely harmless as %XX.
static void put_path(FILE *to, const char *path)
{
    for (const char *p = path; *p != 0; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || strchr("/._-", *p) != NULL;
        fprintf(to, plain ? "%c" : "%%%02X", (unsigned char)*p);
    }
}

// Nobody else stands in this element: a contact may call themselves anything.
static void put_writer(struct export *x, const char *tag, const json_t *m)
{
    bool own = int_of(m, "from") == 0;
    put_apart(x->to, own ? "em" : tag, writer_name(x->s, int_of(m, "from")));
}

// ---------------------------------------------------------------------------------------------------------------- files

// Waits until the engine has written one, which it does by itself.
static bool wait_saved(struct export *x, json_int_t id, const char *name)
{
    for (json_t *event; (event = ask_next(x->s->fd)) != NULL;) {
        const json_t *p = json_object_get(event, "params");
        bool about = strcmp(text_of(event, "method"), "file.saved") == 0 && int_of(p, "file") == id;
        bool saved = about && strcmp(text_of(p, "state"), "saved") == 0, failed = about && strcmp(text_of(p, "state"), "failed") == 0;
        if (about) progress_show(&x->progress, name, (uint64_t)int_of(p, "done"), (uint64_t)int_of(p, "size"));
        if (failed) {
            progress_end(&x->progress);
            x->s->status = say_wrong(EXIT_FAILED, "%s was not written: %s", name, text_of(p, "why"));
        }
        json_decref(event);
        if (saved || failed) return saved;
    }
    x->s->status = say_wrong(EXIT_FAILED, "the engine has ended");
    return false;
}

// Writes a message's file, if it is here, and adds its place in the folder: "saved". False after an error.
static bool save_file(struct export *x, json_t *file)
{
    char name[NAME_MAX * 2], path[PATH_MAX + sizeof name];
    json_int_t id = int_of(file, "id");
    if (strcmp(text_of(file, "state"), "here") != 0) {
        x->absent++;
        return true;
    }
    (void)snprintf(name, sizeof name, "files/%lld %.*s", (long long)id, 200, text_of(file, "name"));
    (void)snprintf(path, sizeof path, "%s/%s", x->folder, name);
    json_t *r = ask(x->s, "file.save", json_pack("{s:I, s:s}", "file", id, "path", path));
    json_decref(r);
    if (r == NULL || !wait_saved(x, id, text_of(file, "name"))) return false;
    (void)json_object_set_new(file, "saved", json_string(name));
    x->files++;
    return true;
}

static void put_file(struct export *x, const json_t *file)
{
    static const char *const pictures[] = {"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"};
    const char *path = text_of(file, "saved"), *type = text_of(file, "type");
    char size[SIZE_TEXT];
    const char *tag = NULL;
    (void)size_text((uint64_t)int_of(file, "size"), size);
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++)
        if (strcmp(type, pictures[i]) == 0) tag = "img";
    if (strncmp(type, "audio/", 6) == 0) tag = "audio";
    if (strncmp(type, "video/", 6) == 0) tag = "video";
    if (path[0] != 0 && tag != NULL) {
        fprintf(x->to, "<%s %ssrc=\"", tag, strcmp(tag, "img") == 0 ? "alt=\"\" " : "controls ");
        put_path(x->to, path);
        fprintf(x->to, strcmp(tag, "img") == 0 ? "\">" : "\"></%s>", tag);
    }
    fputs("<p>", x->to);
    if (path[0] != 0) {
        fputs("<a href=\"", x->to);
        put_path(x->to, path);
        fputs("\" download>", x->to);
    }
    put_apart(x->to, "bdi", text_of(file, "name"));
    fprintf(x->to, "%s <span class=\"dim\">%s%s</span></p>\n", path[0] != 0 ? "</a>" : "", size,
            path[0] != 0 ? "" : ", not in this export");
}

// ---------------------------------------------------------------------------------------------------------- one message

static void put_day(struct export *x, const struct tm *when)
{
    char text[80];
    if (when->tm_yday == x->day && when->tm_year == x->year) return;
    x->day = when->tm_yday;
    x->year = when->tm_year;
    (void)strftime(text, sizeof text, "%A, %d %B %Y", when);
    fprintf(x->to, "<h2>%s</h2>\n", text);
}

static void put_reactions(struct export *x, const json_t *list)
{
    size_t i;
    json_t *r;
    if (json_array_size(list) == 0) return;
    fputs("<footer>", x->to);
    json_array_foreach (list, i, r) {
        put_text(x->to, text_of(r, "text"));
        fputc(' ', x->to);
        put_writer(x, "bdi", r);
        fputs("&ensp;", x->to);
    }
    fputs("</footer>\n", x->to);
}

static void put_quote(struct export *x, const json_t *quote)
{
    if (quote == NULL) return;
    fputs("<blockquote>", x->to);
    put_writer(x, "bdi", quote);
    fputs(": ", x->to);
    put_apart(x->to, "bdi", is_set(quote, "deleted") ? "(deleted)" : text_of(quote, "text"));
    fputs("</blockquote>\n", x->to);
}

static void put_message(struct export *x, const json_t *m)
{
    char room[800], time[32];
    struct tm when;
    time_t seconds = (time_t)(int_of(m, "time") / 1000);
    const json_t *file = json_object_get(m, "file");
    (void)localtime_r(&seconds, &when);
    (void)strftime(time, sizeof time, "%H:%M", &when);
    put_day(x, &when);
    message_instead(x->s, m, room, sizeof room);
    if (strcmp(text_of(m, "kind"), "notice") == 0) {
        fprintf(x->to, "<p class=\"notice\">%s ", time);
        put_writer(x, "bdi", m);
        fputc(' ', x->to);
        put_apart(x->to, "bdi", room);
        fputs("</p>\n", x->to);
        return;
    }
    fprintf(x->to, "<article id=\"m%lld\"%s>\n<header>", (long long)int_of(m, "id"), int_of(m, "from") == 0 ? " class=\"mine\"" : "");
    put_writer(x, "b", m);
    fprintf(x->to, " %s%s</header>\n", time, int_of(m, "edited") != 0 ? ", edited" : "");
    put_quote(x, json_object_get(m, "answers"));
    if (file != NULL && !is_set(m, "deleted")) put_file(x, file);
    const char *text = file != NULL ? text_of(file, "text") : text_of(m, "text");
    if (text[0] != 0 && !is_set(m, "deleted")) put_apart(x->to, "p", text);
    else if (file == NULL) put_apart(x->to, "p", room);
    put_reactions(x, json_object_get(m, "reactions"));
    fputs("</article>\n", x->to);
}

// ----------------------------------------------------------------------------------------------------------- the whole

static void put_head(struct export *x)
{
    char when[40];
    time_t now = time(NULL);
    struct tm tm;
    (void)localtime_r(&now, &tm);
    (void)strftime(when, sizeof when, "%Y-%m-%d %H:%M", &tm);
    if (!x->html) {
        json_t *chat = json_deep_copy(x->chat);
        (void)json_object_set_new(chat, "name", json_string(chat_name(x->s, x->chat)));
        fprintf(x->to, "{\n\"exported\": \"%s\",\n\"chat\": ", when);
        (void)json_dumpf(chat, x->to, JSON_COMPACT);
        fputs(",\n\"contacts\": ", x->to);
        (void)json_dumpf(x->s->contacts, x->to, JSON_COMPACT);
        fputs(",\n\"messages\": [", x->to);
        json_decref(chat);
        return;
    }
    fputs("<!doctype html>\n<html>\n<meta charset=\"utf-8\">\n<title>", x->to);
    put_text(x->to, chat_name(x->s, x->chat));
    fprintf(x->to, "</title>\n%s<h1 dir=\"auto\">", page_head);
    put_text(x->to, chat_name(x->s, x->chat));
    fprintf(x->to, "</h1>\n<p class=\"dim\">A conversation, exported from Whimbrel at %s</p>\n<main>\n", when);
}

// All messages, a part at a time: a conversation may be larger than memory.
static bool put_all(struct export *x, json_int_t chat)
{
    json_int_t after = 0;
    size_t i, n = PART;
    while (n == PART) {
        json_t *m, *part = ask(x->s, "message.list", json_pack("{s:I, s:I, s:i}", "chat", chat, "after", after, "limit", PART));
        n = json_array_size(part);
        json_array_foreach (part, i, m) {
            json_t *file = json_object_get(m, "file");
            if (file != NULL && !is_set(m, "deleted") && !save_file(x, file)) break;
            if (x->html) put_message(x, m);
            else {
                fputs(x->messages > 0 ? ",\n" : "\n", x->to);
                (void)json_dumpf(m, x->to, JSON_COMPACT);
            }
            x->messages++;
            after = int_of(m, "id");
        }
        json_decref(part);
        if (x->s->status != EXIT_DONE) return false;
    }
    fputs(x->html ? "</main>\n</html>\n" : "\n]\n}\n", x->to);
    return true;
}

// A folder that was not there, for its owner alone, and the page in it.
static bool open_folder(struct export *x, const char *word)
{
    char path[PATH_MAX + 20], here[PATH_MAX];
    if (word[0] == '/') (void)snprintf(here, sizeof here, "%s", word);
    else if (getcwd(path, PATH_MAX) == NULL || snprintf(here, sizeof here, "%s/%s", path, word) >= (int)sizeof here) here[0] = 0;
    (void)snprintf(x->folder, sizeof x->folder, "%s", here);
    (void)umask(077);
    if (here[0] == 0 || mkdir(here, 0700) != 0) {
        x->s->status = say_wrong(EXIT_FAILED, errno == EEXIST ? "%s is there already; name a folder that is not" : "%s cannot be made", word);
        return false;
    }
    (void)snprintf(path, sizeof path, "%s/files", x->folder);
    (void)mkdir(path, 0700);
    (void)snprintf(path, sizeof path, "%s/%s", x->folder, x->html ? "chat.html" : "chat.json");
    x->to = fopen(path, "we");
    if (x->to == NULL) x->s->status = say_wrong(EXIT_FAILED, "%s cannot be written: %s", path, strerror(errno));
    return x->to != NULL;
}

static int finish_export(struct export *x)
{
    char path[PATH_MAX + 20];
    bool ok = ferror(x->to) == 0;
    ok = fclose(x->to) == 0 && ok;
    progress_end(&x->progress);
    (void)snprintf(path, sizeof path, "%s/files", x->folder);
    if (x->files == 0) (void)rmdir(path);
    if (!ok && x->s->status == EXIT_DONE)
        return say_wrong(EXIT_FAILED, "%s cannot be written: is the disk full?", x->folder);
    if (x->s->status != EXIT_DONE) return x->s->status;
    if (x->s->line->json)
        printf("{\"messages\": %zu, \"files\": %zu, \"absent\": %zu}\n", x->messages, x->files, x->absent);
    say_note(x->s->line, "%zu message%s and %zu file%s are in %s. They are not encrypted there.", x->messages,
             x->messages == 1 ? "" : "s", x->files, x->files == 1 ? "" : "s", x->folder);
    if (x->absent > 0)
        say_note(x->s->line, "%zu file%s not on this computer, and not in it; `whimbrel file list` shows them.", x->absent,
                 x->absent == 1 ? " is" : "s are");
    return EXIT_DONE;
}

static int do_export(struct session *s)
{
    const struct line *l = s->line;
    const char *format = flag_text(l, "format");
    struct export x = {.s = s, .html = format == NULL || strcmp(format, "html") == 0, .day = -1};
    if (!x.html && strcmp(format, "json") != 0) return say_wrong(EXIT_USAGE, "--format is html or json, not %s", format);
    json_int_t chat = find_chat(s, l->words[0]);
    x.chat = chat == 0 ? NULL : by_id(s->chats, chat);
    if (x.chat == NULL || !open_folder(&x, l->words[1])) return s->status;
    json_t *r = ask(s, "events.follow", NULL);
    json_decref(r);
    progress_begin(&x.progress, !l->quiet && !l->json);
    if (r != NULL) {
        put_head(&x);
        (void)put_all(&x, chat);
    }
    return finish_export(&x);
}

static const struct flag export_flags[] = {
    {"format", "html|json", "a page for a browser, which is usual, or JSON for programs"},
    {NULL, NULL, NULL},
};

const struct command export_commands[] = {
    {"export", "CHAT DIR", "write a conversation, with its files, into a new folder", do_export, AN_ENGINE,
     export_flags,
     "In the folder is chat.html or chat.json, and in files/ what has been fetched. It is not encrypted, and nothing "
     "takes it back when "
     "somebody deletes what they said."},
    {"backup", "FILE", "write everything into one encrypted archive", do_backup, AN_ENGINE, archive_flags,
     "Your account, contacts, what was said, and the files that are here. What is not in it is what makes this profile "
     "a member "
     "of conversations, since that must never be there twice."},
    {"restore", "FILE", "make a profile of an archive", do_restore, ALONE, NULL,
     "It is a new device of the same account. It has all that was said; conversations can be written to again when "
     "somebody in "
     "them has added it. The profile that the archive was written by must not be used any more. The archive's "
     "passphrase opens "
     "the profile; `whimbrel passphrase` changes it."},
    {NULL, NULL, NULL, NULL, ALONE, NULL, NULL},
};
