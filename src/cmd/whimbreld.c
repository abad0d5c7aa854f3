// SPDX-License-Identifier: Apache-2.0
//
// whimbreld: the command line of the relay. It reads flags, calls the relay room, and says what came of it; it knows nothing of
// what a relay does. Exit status: 0 done, 1 it failed (and why stands on standard error), 2 the command line was wrong.
#include "relay/relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

enum { FLAGS_MAX = 64 };

static const char usage[] =
    "whimbreld: a Whimbrel relay\n"
    "\n"
    "  whimbreld init DIR [--host NAME] [--port N] [--open]   make a new relay in the folder DIR\n"
    "  whimbreld run DIR [--SETTING VALUE ...]                run it; prints its address\n"
    "  whimbreld address DIR                                  the address that clients need\n"
    "  whimbreld host DIR add NAME [--logs N] [--bytes N]     a new hosting password, which is printed once\n"
    "  whimbreld status DIR                                   how a running relay is doing\n"
    "  whimbreld check DIR                                    read the whole store and say what is damaged\n"
    "  whimbreld backup DIR FILE                              copy the store while it runs, without blobs\n"
    "  whimbreld gc DIR                                       let go what has expired (the relay does so by itself)\n"
    "\n"
    "run also takes --memory (keep nothing on disk, for tests), --no-sandbox, --verbose. Every setting of\n"
    "DIR/whimbreld.conf is a flag, too: --port 8443. whimbreld(8) tells it all.\n";

struct command_line {
    const char *command, *folder;
    const char *words[4]; // behind the folder
    size_t word_count;
    struct relay_flag flags[FLAGS_MAX];
    size_t flag_count;
    bool memory, no_sandbox, verbose, open;
};

static int wrong(const char *format, const char *what)
{
    fputs("whimbreld: ", stderr);
    fprintf(stderr, format, what);
    fputs("\n`whimbreld --help` shows how it is called.\n", stderr);
    return 2;
}

static int failed(const char *why, enum err e)
{
    fprintf(stderr, "whimbreld: %s\n", why[0] != 0 ? why : err_text(e));
    return 1;
}

// "--log-max" and "--log_max" are the setting log_max.
static char *setting_name(const char *flag)
{
    char *name = strdup(flag + 2);
    if (name == NULL) abort();
    for (char *p = name; *p != 0; p++) *p = *p == '-' ? '_' : *p;
    return name;
}

static int parse(int argc, char **argv, struct command_line *c)
{
    const struct {
        const char *name;
        bool *to;
    } switches[] = {{"--memory", &c->memory}, {"--no-sandbox", &c->no_sandbox}, {"--verbose", &c->verbose}, {"--open", &c->open}};
    for (int i = 1; i < argc; i++) {
        bool known = false;
        for (size_t k = 0; k < sizeof switches / sizeof *switches; k++) {
            if (strcmp(argv[i], switches[k].name) == 0) *switches[k].to = known = true;
        }
        if (known) continue;
        if (strncmp(argv[i], "--", 2) == 0) {
            char *equals = strchr(argv[i], '=');
            if (equals == NULL && i + 1 == argc) return wrong("%s wants a value", argv[i]);
            if (c->flag_count == FLAGS_MAX) return wrong("more flags than %s", "anybody needs");
            if (equals != NULL) *equals = 0;
            c->flags[c->flag_count].name = setting_name(argv[i]);
            c->flags[c->flag_count++].value = equals != NULL ? equals + 1 : argv[++i];
        } else if (c->command == NULL) {
            c->command = argv[i];
        } else if (c->folder == NULL) {
            c->folder = argv[i];
        } else if (c->word_count < 4) {
            c->words[c->word_count++] = argv[i];
        } else {
            return wrong("%s is one word too many", argv[i]);
        }
    }
    return 0;
}

static enum err apply_flags(struct config *config, const struct command_line *c, char *why, size_t why_n)
{
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < c->flag_count; i++) {
        e = config_set(config, c->flags[i].name, c->flags[i].value, why, why_n);
    }
    return e;
}

// ------------------------------------------------------------------------------------------------------- the commands

// What init writes into the configuration; any other setting has its default there, which a flag must not seem to change.
static bool init_takes(const char *name)
{
    static const char *const names[] = {"host", "port", "secret", "listen", "hosting"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) return true;
    }
    return false;
}

static int do_init(const struct command_line *c, struct config *config)
{
    char why[500] = "", address[RELAY_ADDRESS_MAX];
    for (size_t i = 0; i < c->flag_count; i++) {
        if (!init_takes(c->flags[i].name))
            return wrong("init has no flag --%s; change it in whimbreld.conf", c->flags[i].name);
    }
    config_init(config, c->folder);
    config->hosting_open = c->open;
    enum err e = apply_flags(config, c, why, sizeof why);
    if (e == ERR_OK) e = relay_init(config, why, sizeof why);
    if (e == ERR_OK) e = config_read(config, c->folder, why, sizeof why);
    if (e == ERR_OK) e = relay_address(config, address, why, sizeof why);
    if (e != ERR_OK) return failed(why, e);
    printf("A new relay is in %s. Its address, for those who shall use it and nobody else:\n\n  %s\n\n", c->folder, address);
    if (!c->open) {
        printf("Nobody may create anything on it yet. Give those who shall a hosting password:\n\n"
               "  whimbreld host %s add NAME\n\n", c->folder);
    }
    printf("Then start it:\n\n  whimbreld run %s\n", c->folder);
    return 0;
}

static int do_run(const struct command_line *c, struct config *config)
{
    char why[500] = "";
    struct relay_run *run = calloc(1, sizeof *run);
    if (run == NULL) abort();
    enum err e = apply_flags(config, c, why, sizeof why);
    if (e == ERR_OK) {
        *run = (struct relay_run){.config = *config, .flags = c->flags, .flag_count = c->flag_count, .memory = c->memory,
                                  .sandbox = !c->no_sandbox, .verbose = c->verbose};
        e = relay_run(run, why, sizeof why);
    }
    mem_wipe(run, sizeof *run);
    free(run);
    return e == ERR_OK ? 0 : failed(why, e);
}

static int do_address(const struct command_line *c, struct config *config)
{
    char why[500] = "", address[RELAY_ADDRESS_MAX];
    enum err e = apply_flags(config, c, why, sizeof why);
    if (e == ERR_OK) e = relay_address(config, address, why, sizeof why);
    if (e != ERR_OK) return failed(why, e);
    printf("%s\n", address);
    return 0;
}

static enum err make_password(char password[41], uint8_t hash[WIRE_HASH])
{
    static const char digits[] = "abcdefghijkmnpqrstuvwxyz23456789"; // 32, none taken for another
    uint8_t random[32];
    if (getrandom(random, sizeof random, 0) != sizeof random) return ERR_RANDOM;
    size_t n = 0;
    for (size_t i = 0; i < 32; i++) {
        password[n++] = digits[random[i] % 32];
        if (i % 8 == 7 && i < 31) password[n++] = '-';
    }
    password[n] = 0;
    mem_wipe(random, sizeof random);
    return relay_password_hash(password, hash);
}

static int do_host(const struct command_line *c, struct config *config)
{
    char why[500] = "", password[41], text[600];
    struct config_host h = {.quota = {.logs_max = 100000, .bytes_max = (uint64_t)10 << 30}};
    if (c->word_count != 2 || strcmp(c->words[0], "add") != 0) return wrong("it is: whimbreld host %s add NAME", c->folder);
    const char *logs = "100000", *bytes = "10G";
    for (size_t i = 0; i < c->flag_count; i++) {
        if (strcmp(c->flags[i].name, "logs") == 0) logs = c->flags[i].value;
        else if (strcmp(c->flags[i].name, "bytes") == 0) bytes = c->flags[i].value;
        else return wrong("host has no flag --%s", c->flags[i].name);
    }
    size_t name = strspn(c->words[1], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
    if (name == 0 || name >= CONFIG_NAME_MAX || c->words[1][name] != 0) {
        return wrong("%s is no name: letters, digits, - _ and ., 63 at most", c->words[1]);
    }
    enum err e = make_password(password, h.hash);
    if (e != ERR_OK) return failed(why, e);
    int n = snprintf(text, sizeof text, "%.64s ", c->words[1]);
    for (size_t i = 0; i < WIRE_HASH; i++) n += snprintf(text + n, sizeof text - (size_t)n, "%02x", h.hash[i]);
    (void)snprintf(text + n, sizeof text - (size_t)n, " %.60s %.60s", logs, bytes);
    e = config_set(config, "hosting_password", text, why, sizeof why); // checks name and numbers, and that it is new
    if (e == ERR_OK) e = config_add_host(c->folder, &config->hosts[config->host_count - 1]);
    if (e != ERR_OK) return failed(why, e);
    printf("%s\n", password);
    fprintf(stderr, "This is %s's hosting password; it is kept nowhere. A running relay takes it after SIGHUP "
                    "(systemctl reload whimbreld).\n", c->words[1]);
    mem_wipe(password, sizeof password);
    return 0;
}

static int do_status(const struct command_line *c, struct config *config)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    (void)config;
    enum err e = relay_ask(c->folder, "/status", &out);
    if (e == ERR_OK) (void)fwrite(out.p, 1, out.n, stdout);
    buf_wipe(&out);
    if (e == ERR_OK) return 0;
    return failed(e == ERR_NOT_FOUND ? "no relay runs in this folder" : "the relay does not answer", e);
}

static int do_check(const struct command_line *c, struct config *config)
{
    char why[500] = "";
    size_t faults = 0;
    (void)c;
    enum err e = relay_check(config, stdout, &faults, why, sizeof why);
    if (e != ERR_OK) return failed(why, e);
    if (faults == 0) printf("the store is whole\n");
    else printf("%zu faults: put a backup in its place, or ask for help before you change anything\n", faults);
    return faults == 0 ? 0 : 1;
}

static int do_backup(const struct command_line *c, struct config *config)
{
    char why[500] = "";
    if (c->word_count != 1) return wrong("it is: whimbreld backup %s FILE", c->folder);
    enum err e = relay_backup(config, c->words[0], why, sizeof why);
    return e == ERR_OK ? 0 : failed(why, e);
}

static int do_gc(const struct command_line *c, struct config *config)
{
    char why[500] = "";
    (void)c;
    enum err e = relay_gc(config, why, sizeof why);
    return e == ERR_OK ? 0 : failed(why, e);
}

static const struct command {
    const char *name;
    int (*run)(const struct command_line *c, struct config *config);
    bool fresh; // there is no configuration yet
} commands[] = {
    {"init", do_init, true},     {"run", do_run, false},     {"address", do_address, false}, {"host", do_host, false},
    {"status", do_status, true}, {"check", do_check, false}, {"backup", do_backup, false},   {"gc", do_gc, false},
};

static int run_command(const struct command_line *c)
{
    char why[500] = "";
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(commands[i].name, c->command) != 0) continue;
        struct config *config = calloc(1, sizeof *config);
        if (config == NULL) abort();
        enum err e = commands[i].fresh ? ERR_OK : config_read(config, c->folder, why, sizeof why);
        int status = e == ERR_OK ? commands[i].run(c, config) : failed(why, e);
        mem_wipe(config, sizeof *config);
        free(config);
        return status;
    }
    return wrong("there is no command %s", c->command);
}

int main(int argc, char **argv)
{
    struct command_line *c = calloc(1, sizeof *c);
    if (c == NULL) abort();
    int status = 0;
    bool help = argc < 2;
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("whimbreld %s\n", WHIMBREL_VERSION);
        free(c);
        return 0;
    }
    for (int i = 1; i < argc; i++) help = help || strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0;
    if (help) {
        fputs(usage, argc < 2 ? stderr : stdout);
        status = argc < 2 ? 2 : 0;
    } else if ((status = parse(argc, argv, c)) == 0) {
        status = c->folder == NULL ? wrong("%s wants the relay's folder", c->command == NULL ? "whimbreld" : c->command)
                                   : run_command(c);
    }
    for (size_t i = 0; i < c->flag_count; i++) free((char *)(uintptr_t)c->flags[i].name);
    free(c);
    return status;
}
