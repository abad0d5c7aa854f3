// SPDX-License-Identifier: Apache-2.0
//
// cmd/whimbrel: what the files of the client's command line share. A command is a row of a table (struct command): help, completion, and
// what is accepted all come from there. Commands ask a running engine over its socket, and start one where none runs;
// only whimbrel_engine.c and whimbrel_init.c open a profile themselves. Standard output is what was asked for, standard error all else.
#ifndef WHIMBREL_CMD_WHIMBREL_H
#define WHIMBREL_CMD_WHIMBREL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// How a command ends; whimbrel(1) tells people.
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_PASSPHRASE = 3, EXIT_NOT_THERE = 4, EXIT_HELD = 5 };
enum { WORDS_MAX = 1100, FLAGS_MAX = 32, FOLDER_MAX = 900, SECRET_MAX = 1025 };

// ------------------------------------------------------------------------------------------------------------ the table

struct flag {
    const char *name;  // without its --
    const char *value; // what stands behind it, in capitals; "N" is a number; NULL for a switch
    const char *help;
};

enum command_needs {
    ALONE,     // nothing; s->fd is -1
    AN_ENGINE, // an engine with an open profile: started, and unlocked, if need be
    RUNNING,   // an engine that runs already, locked or not
    A_HOUSE,   // an engine, locked or not, perhaps without a profile yet; started if none runs
};

struct session;
struct command {
    const char *name;  // one word, or two: "contact rename"
    const char *words; // what follows it: "CHAT TEXT...", "CONTACT [yes|no]". CHAT, CONTACT and FILE are completed
    const char *help;  // one line
    int (*run)(struct session *s);
    enum command_needs needs;
    const struct flag *flags; // the last has no name; NULL: none but those that all have
    const char *more;         // what `help COMMAND` says besides; NULL
};
// The commands of one file, the last without a name.
struct command_group {
    const char *title;
    const struct command *commands;
};
extern const struct command_group command_groups[]; // whimbrel.c; the last without a title
extern const struct flag common_flags[];
extern const struct command engine_commands[];
extern const struct command people_commands[];
extern const struct command talk_commands[];
extern const struct command file_commands[];
extern const struct command chat_commands[];
extern const struct command group_commands[];
extern const struct command reach_commands[];
extern const struct command relay_commands[];
extern const struct command proxy_serve_commands[];
extern const struct command warnings_commands[];
extern const struct command export_commands[];
extern const struct command self_commands[];

// The command of this name; NULL.
const struct command *command_find(const char *name);
// The name among those of `names` (called until it returns NULL) that is nearest to a misspelt one; NULL if none is near.
const char *nearest(const char *wrong, const char *(*names)(size_t i));
const char *command_name(size_t i); // of all commands, one after the other; NULL behind the last

// ------------------------------------------------------------------------------------------------------ what was given

struct line {
    const struct command *command;
    const char *words[WORDS_MAX]; // behind the command
    size_t n;
    struct {
        const char *name, *value;
    } flags[FLAGS_MAX]; // as they came; value "" of switches
    size_t flag_count;
    bool json, quiet, help;
    char profile[FOLDER_MAX];
};

// Reads the arguments. EXIT_DONE, or EXIT_USAGE after an error, which has been said.
int line_parse(int argc, char **argv, struct line *l);
// What was given is copied, but for flags that all commands have, and wiped where the system shows it to others while this program runs.
void line_hide(struct line *l);
const char *flag_text(const struct line *l, const char *name); // NULL: not given
bool flag_on(const struct line *l, const char *name);
long flag_number(const struct line *l, const char *name, long otherwise);
// The words from the first on with spaces between, the caller's to free; if that is "-" alone, standard input. NULL after an error, which
// has been said.
char *line_text(const struct line *l, size_t first);

// Says what is wrong on standard error, and how to go on; returns the status.
int say_wrong(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Tells people more than they asked for, on standard error: nothing with --quiet or --json.
void say_note(const struct line *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
int help_print(const struct command *c);           // NULL: all of it
void help_group(FILE *to, const char *first);      // commands of two words that begin with this one
int do_help(struct session *s);
extern const struct flag help_flags[];
int do_completion(struct session *s);
int do_passphrase(struct session *s); // whimbrel_secret.c
int do_keyring(struct session *s);
int do_backup(struct session *s);
extern const struct flag passphrase_flags[], archive_flags[];

// whimbrel_init.c
int do_init(struct session *s);
int do_restore(struct session *s);
extern const struct flag init_flags[];
void enclose(void);                  // no core dumps, no debugger, files for their owner alone
bool make_folders(const char *path); // the folder and those above it
// whimbrel_ui.c
int do_ui(struct session *s);
// whimbrel_warnings.c: says that there are warnings, if there are.
void warnings_note(struct session *s);

// ------------------------------------------------------------------------------------------------------------- prompts

// The passphrase: from --passphrase-fd, WHIMBREL_PASSPHRASE, or a prompt on a terminal, twice if it is fresh. False, and said why, if there
// is none. `out` is the caller's to wipe.
bool passphrase_get(const struct line *l, bool fresh, char out[SECRET_MAX]);
// Another one, for a profile that has one: from --new-passphrase-fd, or a prompt, twice.
bool passphrase_new(const struct line *l, char out[SECRET_MAX]);
bool passphrase_archive(const struct line *l, char out[SECRET_MAX]); // likewise, for an archive
// Whether one comes by a descriptor or the environment, so that nobody needs to be asked.
bool passphrase_is_given(const struct line *l);
// The hosting password, into `out`: from --password-fd, --password (with - from a prompt), or WHIMBREL_PASSWORD; empty if there is none. False
// after an error, which has been said.
bool password_get(const struct line *l, char out[SECRET_MAX]);
// A line of what a descriptor brings, without its end. False if none comes, or it is longer.
bool read_line_of(int fd, char *out, size_t room);
// Asks a person for a line. False where nobody can be asked.
bool prompt_line(const char *what, char *out, size_t room);

// ----------------------------------------------------------------------------------------------------------- the engine

// One command under way.
struct session {
    const struct line *line;
    int fd;                   // of the engine; -1
    json_t *contacts, *chats; // read when they are needed: names_load
    int status;               // EXIT_DONE until something has gone wrong, which has been said
};

// Connects to the engine that the command needs. -1 after an error, which has been said (s->status).
int ask_open(struct session *s, enum command_needs needs);
bool profile_is_there(const struct line *l);
// Connects to one that runs, and says nothing if none does: -1.
int ask_running(const char *profile);
// One call: the result, or NULL after an error, which has been said (s->status). Takes params, which may be NULL.
json_t *ask(struct session *s, const char *method, json_t *take_params);
// The same, whose error nobody is told: NULL.
json_t *ask_quietly(struct session *s, const char *method, json_t *take_params);
// The next line that comes, as JSON; NULL at the end.
json_t *ask_next(int fd);
// Waits until the engine has closed the connection, as it does when it ends.
void ask_end(int fd);
// Passes lines between standard input, the engine and standard output, until either ends.
int ask_bridge(int fd);

// ----------------------------------------------------------------------------------------------------------------- JSON

const char *text_of(const json_t *o, const char *key); // "" if it is no text
json_int_t int_of(const json_t *o, const char *key);
bool is_set(const json_t *o, const char *key);
void print_json(const json_t *o);
// The end of a command: takes the result of `ask`. Prints it with --json, else says `said` (NULL: nothing) unless --quiet.
int finish(struct session *s, json_t *take_result, const char *said);

// ---------------------------------------------------------------------------------------------------------------- names

// Reads contacts and conversations, once. False after an error, which has been said.
bool names_load(struct session *s);
void names_forget(struct session *s);
const json_t *by_id(const json_t *list, json_int_t id);
// After names_load. Never NULL; text of others: to be printed with text_print.
const char *contact_name(const struct session *s, json_int_t id);
const char *chat_name(const struct session *s, const json_t *chat);
// Who has written something: "me" is oneself (0), and nobody else. It holds until the next call.
const char *writer_name(const struct session *s, json_int_t from);
// By number, name, or the beginning of one name alone. 0 after an error, which has been said.
json_int_t find_chat(struct session *s, const char *word);
json_int_t find_contact(struct session *s, const char *word);
// Behind an error with EXIT_HELD: whose changed keys hold what is said in a conversation, and how to go on.
void say_held(struct session *s, json_int_t chat);
// The contacts that the words from the first on name, as an array; NULL after an error, which has been said.
json_t *find_contacts(struct session *s, size_t first);
// A time in seconds: "30m", "8h", "2d", "1w"; 0 after an error, which has been said.
json_int_t duration_in(struct session *s, const char *word); // whimbrel_chat.c
// The end of a command that gives something (`what`, by its id) the name that the words behind the first say.
int rename_as_told(struct session *s, const char *method, const char *what, json_int_t id);
// A number behind a command, such as a message's; 0 after an error, which has been said.
json_int_t number_in(struct session *s, const char *word, const char *what);

#endif
