// SPDX-License-Identifier: Apache-2.0
//
// Completion in shells, from the table of commands. The shell's own part is a few lines that ask this program what may stand where the
// cursor is; so new commands, and names of conversations and people, need nothing more. No engine is started for it, and nobody
// is asked for anything.
#include "cmd/whimbrel.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Names hold spaces and whatever else people call themselves: so lines are split at their ends alone, and quoted by the shell itself.
static const char bash_script[] =
    "# whimbrel completion bash: put this where bash-completion looks, or source it.\n"
    "_whimbrel() {\n"
    "    local line word words=(\"${COMP_WORDS[@]:1:COMP_CWORD}\")\n"
    "    COMPREPLY=()\n"
    "    words=(\"${words[@]//\\\\/}\")\n"
    "    words=(\"${words[@]#[\\\"\\']}\")\n"
    "    while IFS= read -r line; do\n"
    "        if [ \"$line\" = :files ]; then\n"
    "            compopt -o filenames\n"
    "            mapfile -t COMPREPLY < <(compgen -f -- \"${words[-1]}\")\n"
    "            return\n"
    "        fi\n"
    "        word=${line%%$'\\t'*}\n"
    "        [[ ${COMP_WORDS[COMP_CWORD]} == [\\\"\\']* ]] || printf -v word %q \"$word\"\n"
    "        COMPREPLY+=(\"$word\")\n"
    "    done < <(whimbrel completion bash -- \"${words[@]}\" 2>/dev/null)\n"
    "}\n"
    "complete -F _whimbrel whimbrel\n";
static const char zsh_script[] =
    "#compdef whimbrel\n"
    "# whimbrel completion zsh: put this as _whimbrel into a folder of $fpath.\n"
    "_whimbrel() {\n"
    "    local line\n"
    "    local -a found\n"
    "    for line in \"${(@f)$(whimbrel completion zsh -- \"${(@Q)words[2,CURRENT]}\" 2>/dev/null)}\"; do\n"
    "        [[ $line == :files ]] && { _files; return }\n"
    "        [[ -n $line ]] && found+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\")\n"
    "    done\n"
    "    _describe -V whimbrel found\n"
    "}\n"
    "if [ \"$funcstack[1]\" = _whimbrel ]; then _whimbrel; else compdef _whimbrel whimbrel; fi\n";
static const char fish_script[] =
    "# whimbrel completion fish: put this as whimbrel.fish into ~/.config/fish/completions.\n"
    "function __whimbrel_complete\n"
    "    set -l words (commandline -opc)\n"
    "    for line in (whimbrel completion fish -- $words[2..-1] (commandline -ct) 2>/dev/null)\n"
    "        if test \"$line\" = :files\n"
    "            __fish_complete_path (commandline -ct)\n"
    "            return\n"
    "        end\n"
    "        echo $line\n"
    "    end\n"
    "end\n"
    "complete -c whimbrel -f -a '(__whimbrel_complete)'\n";

// ---------------------------------------------------------------------------------------------------------- candidates

static void offer(const char *begun, const char *word, const char *help)
{
    if (strncmp(word, begun, strlen(begun)) == 0 && strpbrk(word, "\t\r\n") == NULL) printf("%s\t%s\n", word, help);
}

static void offer_flags(const char *begun, const struct flag *f)
{
    char name[64];
    for (; f != NULL && f->name != NULL; f++) {
        (void)snprintf(name, sizeof name, "--%s", f->name);
        offer(begun, name, f->help);
    }
}

// First words of commands, or second ones of those that begin with `first`. A first word that several share comes once.
static void offer_commands(const char *begun, const char *first)
{
    const char *name;
    char word[64], last[64] = "";
    size_t n = first != NULL ? strlen(first) : 0;
    for (size_t i = 0; (name = command_name(i)) != NULL; i++) {
        const struct command *c = command_find(name);
        if (first != NULL && (strncmp(name, first, n) != 0 || name[n] != ' ')) continue;
        const char *rest = first != NULL ? name + n + 1 : name;
        (void)snprintf(word, sizeof word, "%.*s", (int)strcspn(rest, " "), rest);
        bool shared = rest[strlen(word)] == ' ';
        if (shared && (strcmp(word, last) == 0 || command_find(word) != NULL)) continue;
        offer(begun, word, shared ? "\xe2\x80\xa6" : c->help);
        (void)snprintf(last, sizeof last, "%s", word);
    }
}

// Names of conversations or contacts, from an engine that runs and is open; otherwise none.
static void offer_names(struct session *s, const char *profile, const char *begun, bool chats)
{
    size_t i;
    json_t *o;
    s->fd = ask_running(profile);
    if (s->fd < 0) return;
    s->contacts = ask_quietly(s, "contact.list", NULL);
    if (s->contacts != NULL) s->chats = ask_quietly(s, "chat.list", NULL);
    const json_t *list = chats ? s->chats : s->contacts;
    json_array_foreach (list, i, o) {
        const char *name = chats ? chat_name(s, o) : text_of(o, "name");
        if (name[0] != 0) offer(begun, name, chats ? text_of(o, "kind") : text_of(o, "state"));
    }
}

// What the words of a pattern such as "CHAT" or "yes|no|NUMBER..." may be.
static void offer_kind(struct session *s, const char *profile, const char *begun, const char *kind, size_t n)
{
    char word[32];
    for (size_t k; n > 0; kind += k, n -= k) {
        k = strcspn(kind, "|");
        if (k > n) k = n;
        size_t letters = strcspn(kind, "|.]");
        (void)snprintf(word, sizeof word, "%.*s", (int)(letters < k ? letters : k), kind);
        if (word[0] >= 'a' && word[0] <= 'z') offer(begun, word, "");
        else if (strcmp(word, "CHAT") == 0) offer_names(s, profile, begun, true);
        else if (strcmp(word, "CONTACT") == 0) offer_names(s, profile, begun, false);
        else if (strcmp(word, "COMMAND") == 0) offer_commands(begun, NULL);
        else if (strcmp(word, "FILE") == 0 || strcmp(word, "DIR") == 0) puts(":files");
        if (k < n) k++; // the bar
    }
}

// ------------------------------------------------------------------------------------------------------------- where one is

struct place {
    const char *begun;             // the word that is being written
    const struct flag *flag;       // whose value it is; NULL
    const struct command *command; // NULL: it is still to come
    const char *first;             // word of a command; NULL
    const char *profile;
    size_t at;  // how many words of the command's own stand before
    bool words; // behind "--"
};

static const struct flag *flag_in(const struct flag *f, const char *word)
{
    for (; f != NULL && f->name != NULL; f++) {
        if (strcmp(f->name, word + 2) == 0) return f;
    }
    return NULL;
}

static void take_word(struct place *p, const char *word)
{
    char both[64];
    if (p->first == NULL) {
        p->first = word;
        p->command = command_find(word);
        return;
    }
    (void)snprintf(both, sizeof both, "%s %s", p->first, word);
    const struct command *two = p->at == 0 ? command_find(both) : NULL;
    if (two != NULL && strchr(two->name, ' ') != NULL && p->command != two) p->command = two;
    else p->at++;
}

static struct place find_place(const struct line *l)
{
    struct place p = {.begun = l->words[l->n - 1], .profile = l->profile};
    for (size_t i = 1; i + 1 < l->n; i++) {
        const char *word = l->words[i];
        bool flag = !p.words && strncmp(word, "--", 2) == 0;
        p.words = p.words || strcmp(word, "--") == 0;
        if (!flag) take_word(&p, word);
        if (!flag || strchr(word, '=') != NULL) continue;
        const struct flag *f = flag_in(common_flags, word);
        if (f == NULL && p.command != NULL) f = flag_in(p.command->flags, word);
        if (f == NULL || f->value == NULL) continue;
        if (i + 2 == l->n) p.flag = f;
        else if (strcmp(f->name, "profile") == 0) p.profile = l->words[i + 1];
        i++;
    }
    return p;
}

static void offer_word(struct session *s, const struct place *p)
{
    if (p->first == NULL) offer_commands(p->begun, NULL);
    if (p->first != NULL && p->at == 0 && (p->command == NULL || strchr(p->command->name, ' ') == NULL))
        offer_commands(p->begun, p->first);
    if (p->command == NULL) return;
    const char *word = p->command->words, *next;
    for (size_t i = 0; i < p->at && (next = strchr(word, ' ')) != NULL; i++) word = next + 1;
    size_t n = strcspn(word, " "), stands = 1;
    for (const char *c = p->command->words; c < word; c++) stands += *c == ' ';
    if (n == 0 || (p->at >= stands && memmem(word, n, "...", 3) == NULL)) return; // all words are there
    if (word[0] == '[') word++, n--;
    offer_kind(s, p->profile, p->begun, word, n);
}

int do_completion(struct session *s)
{
    const struct line *l = s->line;
    const char *shell = l->words[0], *script = strcmp(shell, "bash") == 0   ? bash_script
                                               : strcmp(shell, "zsh") == 0  ? zsh_script
                                               : strcmp(shell, "fish") == 0 ? fish_script
                                                                            : NULL;
    if (script == NULL) return say_wrong(EXIT_USAGE, "it is bash, zsh or fish; not %s", shell);
    if (l->n == 1) {
        fputs(script, stdout);
        return EXIT_DONE;
    }
    struct place p = find_place(l);
    if (p.flag != NULL) {
        offer_kind(s, p.profile, p.begun, p.flag->value, strlen(p.flag->value));
    } else if (!p.words && p.begun[0] == '-') {
        offer_flags(p.begun, p.command != NULL ? p.command->flags : NULL);
        offer_flags(p.begun, common_flags);
    } else {
        offer_word(s, &p);
    }
    return EXIT_DONE;
}
