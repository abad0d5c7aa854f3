// SPDX-License-Identifier: Apache-2.0
//
// Files: sending, fetching, and what they take on the disk. Whoever waits sees a bar on a terminal; the engine goes on whether anybody waits or not.
#include "cmd/progress.h"
#include "cmd/whimbrel_read.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIST_USUAL = 50 };

// ------------------------------------------------------------------------------------------------------------- in words

void file_size(json_int_t bytes, char out[24])
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB"};
    double n = (double)bytes;
    size_t unit = 0;
    while (n >= 999.5 && unit < 3) n /= 1000, unit++;
    (void)snprintf(out, 24, unit > 0 && n < 9.95 ? "%.1f %s" : "%.0f %s", n, units[bytes == 1 ? 0 : unit]);
}

static int percent(json_int_t done, json_int_t size)
{
    return size <= 0 ? 100 : (int)((double)done * 100.0 / (double)size);
}

static bool state_is(const json_t *file, const char *state) { return strcmp(text_of(file, "state"), state) == 0; }

static void state_text(const json_t *file, char *out, size_t n)
{
    bool own = int_of(file, "from") == 0;
    int done = percent(int_of(file, "done"), int_of(file, "size"));
    if (state_is(file, "offered")) (void)snprintf(out, n, "%s", own ? "" : ", not fetched");
    else if (state_is(file, "here")) (void)snprintf(out, n, "%s", own ? "" : ", here");
    else if (state_is(file, "failed")) (void)snprintf(out, n, ", failed: %s", text_of(file, "why"));
    else (void)snprintf(out, n, ", %s, %d %%", text_of(file, "state"), done);
}

void file_words(const json_t *file, char *out, size_t n)
{
    char size[24], state[400], length[40] = "";
    json_int_t seconds = (int_of(file, "duration") + 500) / 1000;
    file_size(int_of(file, "size"), size);
    state_text(file, state, sizeof state);
    if (seconds > 0)
        (void)snprintf(length, sizeof length, "%lld:%02lld, ", (long long)(seconds / 60), (long long)(seconds % 60));
    (void)snprintf(out, n, "[%s%.250s, %s%s: file %lld%s]", is_set(file, "voice") ? "spoken, " : "",
                   text_of(file, "name"), length, size, (long long)int_of(file, "id"), state);
}

// -------------------------------------------------------------------------------------------------------------- waiting

static void show(struct progress *p, const char *name, const json_t *of)
{
    progress_show(p, name, (uint64_t)int_of(of, "done"), (uint64_t)int_of(of, "size"));
}

static bool is_watched(const struct line *l) { return !l->quiet && !l->json; }

static bool follow(struct session *s)
{
    json_t *r = ask(s, "events.follow", NULL);
    json_decref(r);
    return r != NULL;
}

// The next event about a file: its params, to be freed; NULL if the engine has ended, which is said.
static json_t *next_about(struct session *s, json_int_t id, const char *name)
{
    json_t *event;
    while ((event = ask_next(s->fd)) != NULL) {
        json_t *params = json_incref(json_object_get(event, "params")), *file = json_object_get(params, "file");
        json_int_t about = json_is_object(file) ? int_of(file, "id") : json_integer_value(file);
        bool fits = about == id && strcmp(text_of(event, "method"), name) == 0;
        json_decref(event);
        if (fits) return params;
        json_decref(params);
    }
    s->status = say_wrong(EXIT_FAILED, "the engine has ended; the file goes on when it is started again");
    return NULL;
}

static json_t *look(struct session *s, json_int_t id) { return ask(s, "file.look", json_pack("{s:I}", "file", id)); }

static bool is_sent(const json_t *file) { return int_of(file, "message") != 0; }
static bool is_here(const json_t *file) { return state_is(file, "here"); }

// Waits until it is so, or has failed: the file then; NULL after an error, which has been said.
static json_t *wait_until(struct session *s, json_int_t id, bool (*so)(const json_t *file))
{
    struct progress bar;
    json_t *file = look(s, id);
    progress_begin(&bar, is_watched(s->line));
    while (file != NULL && !so(file) && !state_is(file, "failed") && !state_is(file, "paused")) {
        show(&bar, text_of(file, "name"), file);
        json_decref(file);
        json_t *params = next_about(s, id, "file");
        file = json_incref(json_object_get(params, "file"));
        json_decref(params);
    }
    progress_end(&bar);
    if (file == NULL || so(file)) return file;
    s->status = state_is(file, "paused")
                    ? say_wrong(EXIT_FAILED, "it was paused; `whimbrel file resume %lld` goes on", (long long)id)
                    : say_wrong(EXIT_FAILED, "%s (`whimbrel file resume %lld` tries again)", text_of(file, "why"),
                                (long long)id);
    json_decref(file);
    return NULL;
}

// ------------------------------------------------------------------------------------------------------------- commands

static int do_send(struct session *s)
{
    const struct line *l = s->line;
    char path[PATH_MAX];
    json_int_t chat = find_chat(s, l->words[0]);
    if (chat == 0) return s->status;
    if (realpath(l->words[1], path) == NULL) return say_wrong(EXIT_NOT_THERE, "there is no file %s", l->words[1]);
    json_t *params = json_pack("{s:I, s:s}", "chat", chat, "path", path);
    if (params == NULL) return say_wrong(EXIT_USAGE, "the path is no UTF-8 text; give the file another name");
    char *text = l->n > 2 ? line_text(l, 2) : NULL;
    if (l->n > 2 && text == NULL) return EXIT_USAGE;
    if (text != NULL) (void)json_object_set_new(params, "text", json_string(text));
    free(text);
    if (flag_text(l, "name") != NULL) (void)json_object_set_new(params, "name", json_string(flag_text(l, "name")));
    if (flag_text(l, "type") != NULL) (void)json_object_set_new(params, "type", json_string(flag_text(l, "type")));
    bool waits = !flag_on(l, "no-wait");
    if (waits && !follow(s)) return s->status;
    json_t *result = ask(s, "file.send", params);
    if (result == NULL) say_held(s, chat);
    json_int_t id = int_of(result, "file");
    if (result == NULL || !waits) return finish(s, result, "queued");
    json_decref(result);
    return finish(s, wait_until(s, id, is_sent), "sent");
}

static json_int_t file_in(struct session *s)
{
    return number_in(s, s->line->words[0], "file's number; `whimbrel file list` shows them");
}

// From / on.
static bool whole_path(const char *word, char out[PATH_MAX])
{
    char here[PATH_MAX];
    while (strncmp(word, "./", 2) == 0) word += 2;
    if (word[0] == '/') return snprintf(out, PATH_MAX, "%s", word) < PATH_MAX;
    if (getcwd(here, sizeof here) == NULL) return false;
    bool folder = word[0] == 0 || strcmp(word, ".") == 0; // the one that one is in
    return snprintf(out, PATH_MAX, "%s%s%s", here, folder ? "" : "/", folder ? "" : word) < PATH_MAX;
}

static int save(struct session *s, json_int_t id, const char *path)
{
    struct progress bar;
    int status = EXIT_DONE;
    json_t *r = ask(s, "file.save",
                    json_pack("{s:I, s:s, s:b}", "file", id, "path", path, "replace", flag_on(s->line, "replace")));
    json_decref(r);
    if (r == NULL) return s->status;
    progress_begin(&bar, is_watched(s->line));
    for (bool over = false; !over && status == EXIT_DONE;) {
        json_t *p = next_about(s, id, "file.saved");
        if (p == NULL) return s->status;
        over = !state_is(p, "saving");
        if (!over) show(&bar, path, p);
        else progress_end(&bar);
        if (state_is(p, "failed")) status = say_wrong(EXIT_FAILED, "%s", text_of(p, "why"));
        if (over && status == EXIT_DONE && s->line->json) print_json(p);
        if (over && status == EXIT_DONE && !s->line->json && !s->line->quiet) printf("%s\n", text_of(p, "path"));
        json_decref(p);
    }
    return status;
}

static int do_get(struct session *s)
{
    char path[PATH_MAX];
    json_int_t id = file_in(s);
    if (id == 0) return s->status;
    if (!whole_path(s->line->n > 1 ? s->line->words[1] : ".", path))
        return say_wrong(EXIT_USAGE, "the path is too long");
    if (!follow(s)) return s->status;
    json_t *r = ask(s, "file.get", json_pack("{s:I}", "file", id));
    if (flag_on(s->line, "no-wait")) return finish(s, r, NULL);
    json_decref(r);
    json_t *file = r == NULL ? NULL : wait_until(s, id, is_here);
    json_decref(file);
    return file == NULL ? s->status : save(s, id, path);
}

static int do_list(struct session *s)
{
    char words[800];
    size_t i;
    json_t *file;
    struct text_pages p;
    json_int_t chat = s->line->n > 0 ? find_chat(s, s->line->words[0]) : 0;
    if (s->line->n > 0 && chat == 0) return s->status;
    json_t *list = ask(s, "file.list",
                       json_pack("{s:I, s:b, s:I}", "chat", chat, "moving", flag_on(s->line, "moving"), "limit",
                                 (json_int_t)flag_number(s->line, "last", LIST_USUAL)));
    if (list == NULL || s->line->json) return finish(s, list, NULL);
    if (!names_load(s)) return s->status;
    struct text *t = pages_begin(&p);
    json_array_foreach (list, i, file) {
        const json_t *where = by_id(s->chats, int_of(file, "chat"));
        file_words(file, words, sizeof words);
        (void)text_wrap(t, words, 0, 2);
        text_colour(t, TEXT_DIM);
        fputs(is_sent(file) ? "  in " : "  to ", t->to);
        (void)text_line(t, where != NULL ? chat_name(s, where) : "?", 40);
        text_end(t);
        fputc('\n', t->to);
    }
    pages_end(&p, false);
    json_decref(list);
    return EXIT_DONE;
}

static int about_one(struct session *s, const char *method, const char *said)
{
    json_int_t id = file_in(s);
    return id == 0 ? s->status : finish(s, ask(s, method, json_pack("{s:I}", "file", id)), said);
}

static int do_pause(struct session *s) { return about_one(s, "file.pause", NULL); }
static int do_resume(struct session *s) { return about_one(s, "file.resume", NULL); }
static int do_cancel(struct session *s) { return about_one(s, "file.cancel", NULL); }

static int do_clear(struct session *s)
{
    char bytes[24];
    json_int_t chat = s->line->n > 0 ? find_chat(s, s->line->words[0]) : 0;
    if (s->line->n > 0 && chat == 0) return s->status;
    json_t *r = ask(s, "storage.clear", json_pack("{s:I}", "chat", chat));
    if (r != NULL) file_size(int_of(r, "freed"), bytes);
    if (r != NULL) say_note(s->line, "%s are free again; what the relay still has can be fetched again", bytes);
    return finish(s, r, NULL);
}

static int do_storage(struct session *s)
{
    static const char *const keys[] = {"vault", "files", "free", "unasked"};
    static const char *const words[] = {"messages", "files", "free on the disk", "files are fetched unasked up to"};
    char bytes[24];
    long megabytes = flag_number(s->line, "unasked", -1);
    if (megabytes >= 0) {
        json_t *r = ask(s, "storage.set", json_pack("{s:I}", "unasked", (json_int_t)megabytes * 1000000));
        json_decref(r);
        if (r == NULL) return s->status;
    }
    json_t *o = ask(s, "storage.status", NULL);
    if (o == NULL || s->line->json) return finish(s, o, NULL);
    for (size_t i = 0; i < 4; i++) {
        file_size(int_of(o, keys[i]), bytes);
        printf("%-32s %s\n", words[i], bytes);
    }
    json_decref(o);
    return EXIT_DONE;
}

static const struct flag send_flags[] = {{"name", "NAME", "what it is to be called; otherwise as it is"},
                                         {"type", "TYPE", "its media type, as image/png; otherwise by its name"},
                                         {"no-wait", NULL, "do not wait until it has been sent"},
                                         {NULL, NULL, NULL}};
static const struct flag get_flags[] = {{"replace", NULL, "a file that is there may be replaced"},
                                        {"no-wait", NULL, "begin to fetch it, and save nothing"},
                                        {NULL, NULL, NULL}};
static const struct flag list_flags[] = {{"moving", NULL, "only those that are on their way, paused or failed"},
                                         {"last", "N", "at most so many; otherwise 50"},
                                         {NULL, NULL, NULL}};
static const struct flag storage_flags[] = {{"unasked", "N", "fetch files up to N megabytes unasked; 0: none"},
                                            {NULL, NULL, NULL}};

const struct command file_commands[] = {
    {"file send", "CHAT FILE [TEXT...]", "send a file, with something said about it", do_send, AN_ENGINE, send_flags,
     "It is read while it is sent, and not copied: leave it as it is until then. Whoever interrupts this interrupts "
     "the waiting\n"
     "alone; `whimbrel file cancel` gives it up."},
    {"file get", "NUMBER [FILE]", "fetch a file, and save it here, in a folder, or under a name", do_get, AN_ENGINE,
     get_flags,
     "The number is what `whimbrel read` shows. What has come stays in the profile, too, until `whimbrel file clear`."},
    {"file list", "[CHAT]", "the newest files, and how far they are", do_list, AN_ENGINE, list_flags, NULL},
    {"file pause", "NUMBER", "halt a file that is on its way", do_pause, AN_ENGINE, NULL, NULL},
    {"file resume", "NUMBER", "go on with one that was paused, or has failed", do_resume, AN_ENGINE, NULL, NULL},
    {"file cancel", "NUMBER", "give up what is being sent, or forget what was fetched", do_cancel, AN_ENGINE, NULL,
     NULL},
    {"file clear", "[CHAT]", "delete what was fetched from this computer", do_clear, AN_ENGINE, NULL, NULL},
    {"file storage", "", "what the profile takes on the disk", do_storage, AN_ENGINE, storage_flags, NULL},
    {NULL, NULL, NULL, NULL, ALONE, NULL, NULL},
};
