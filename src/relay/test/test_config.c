// SPDX-License-Identifier: Apache-2.0
//
// The configuration: every setting with the values that it takes and those that it does not, the file that `init` writes, and that
// a fault is named with its line and what to do, and changes nothing.
#include "unit.h"

#include "relay/config.h"

#include <unistd.h>

static char folder[64];

static void write_file(const char *text)
{
    char path[100];
    snprintf(path, sizeof path, "%s/whimbreld.conf", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fputs(text, f) < 0, 0);
    assert_int_equal(fclose(f), 0);
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/whimbrel-config-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    char path[100];
    (void)state;
    snprintf(path, sizeof path, "%s/whimbreld.conf", folder);
    (void)remove(path);
    return rmdir(folder);
}

// ------------------------------------------------------------------------------------------------------ every setting

static const struct {
    const char *name, *least, *below, *most, *above;
} numbers[] = {
    {"port", "0", NULL, "65535", "65536"},
    {"threads", "0", NULL, "16", "17"},
    {"log_seconds", "0", NULL, "86400", "86401"},
    {"retention", "60", "59", "315360000", "315360001"},
    {"blob_retention", "1m", "59s", "3650d", "3651d"},
    {"entry_max", "1024", "1023", "64K", "65537"},
    {"log_max", "64K", "65535", "1000G", NULL},
    {"blob_max", "1K", "1023", "4G", "5G"},
    {"in_flight_max", "1", "0", "4096", "4097"},
    {"follows_max", "1", "0", "65535", "65536"},
    {"connections_max", "1", "0", "1000000", "1000001"},
    {"connections_per_address", "1", "0", "1000000", "1000001"},
    {"rate_connection", "0", NULL, "10000000", "10000001"},
    {"rate_address", "0", NULL, "10000000", "10000001"},
    {"handshake_timeout", "1", "0", "1h", "2h"},
    {"request_timeout", "1s", "0s", "3600", "3601"},
    {"idle_timeout", "1", "0", "24h", "25h"},
    {"memory", "1M", "1023K", "1000G", NULL},
    {"cache", "1M", "1", "1000G", NULL},
};

static void numbers_have_bounds(void **state)
{
    struct config c;
    char why[300];
    (void)state;
    config_init(&c, "/data");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        assert_ok(config_set(&c, numbers[i].name, numbers[i].least, why, sizeof why));
        assert_ok(config_set(&c, numbers[i].name, numbers[i].most, why, sizeof why));
        const char *const wrong[] = {
            numbers[i].below,       numbers[i].above,      "", "-1", "many", "1x", "1 0", "0x10",
            "99999999999999999999", "18446744073709551615"};
        for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
            struct config before = c;
            if (wrong[k] == NULL) continue;
            assert_int_equal(config_set(&c, numbers[i].name, wrong[k], why, sizeof why), ERR_INVALID);
            assert_non_null(strstr(why, numbers[i].name)); // which, and what it may be
            assert_non_null(strstr(why, "is a number from"));
            assert_memory_equal(&before, &c, sizeof c);
        }
    }
}

static void units_multiply(void **state)
{
    struct config c;
    char why[300];
    (void)state;
    config_init(&c, "/data");
    assert_ok(config_set(&c, "blob_max", "3G", why, sizeof why));
    assert_true(c.blob_max == (uint64_t)3 << 30);
    assert_ok(config_set(&c, "log_max", "7M", why, sizeof why));
    assert_int_equal(c.log_max, 7 << 20);
    assert_ok(config_set(&c, "retention", "2h", why, sizeof why));
    assert_int_equal(c.retention, 7200);
    assert_ok(config_set(&c, "retention", "30d", why, sizeof why));
    assert_int_equal(c.retention, 2592000);
    // Units of another kind are none.
    assert_int_equal(config_set(&c, "retention", "64K", why, sizeof why), ERR_INVALID);
    assert_int_equal(config_set(&c, "blob_max", "5m", why, sizeof why), ERR_INVALID);
    assert_int_equal(config_set(&c, "threads", "1K", why, sizeof why), ERR_INVALID);
    assert_int_equal(config_set(&c, "log_max", "20000000000G", why, sizeof why), ERR_INVALID); // overflow
}

static void texts_have_room(void **state)
{
    static const char *const names[] = {"host", "secret", "certificate", "key", "site", "metrics", "user"};
    struct config c;
    char why[300], longest[2000];
    (void)state;
    config_init(&c, "/data");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_ok(config_set(&c, names[i], "a-name", why, sizeof why));
        memset(longest, 'x', sizeof longest);
        longest[sizeof longest - 1] = 0;
        assert_int_equal(config_set(&c, names[i], longest, why, sizeof why), ERR_LIMIT);
        assert_non_null(strstr(why, names[i]));
    }
    assert_string_equal(c.host, "a-name");
    memset(longest, 'x', 128);
    longest[128] = 0;
    assert_ok(config_set(&c, "secret", longest, why, sizeof why));
    static const char *const secrets[] = {"", "a/b", "a b", "\xc3\xa9", "a%20"};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        assert_int_equal(config_set(&c, "secret", secrets[i], why, sizeof why), ERR_INVALID);
    }
    assert_string_equal(c.secret, longest);
}

static void switches_and_addresses(void **state)
{
    struct config c;
    char why[300], longest[100];
    (void)state;
    config_init(&c, "/data");
    assert_false(c.hosting_open);
    assert_ok(config_set(&c, "hosting", "yes", why, sizeof why));
    assert_true(c.hosting_open);
    assert_int_equal(config_set(&c, "hosting", "maybe", why, sizeof why), ERR_INVALID);
    assert_string_equal(why, "hosting is yes or no");
    memset(longest, '1', 99);
    longest[99] = 0;
    assert_int_equal(config_set(&c, "listen", longest, why, sizeof why), ERR_LIMIT);
    static const char *const none[] = {"", "localhost", "127.0.0.1:80", "[::1]", "1.2.3"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        assert_int_equal(config_set(&c, "listen", none[i], why, sizeof why), ERR_INVALID);
        assert_non_null(strstr(why, "numeric address"));
    }
    for (int i = 0; i < CONFIG_LISTEN_MAX; i++) assert_ok(config_set(&c, "listen", "::1", why, sizeof why));
    assert_int_equal(config_set(&c, "listen", "::1", why, sizeof why), ERR_LIMIT);
    assert_int_equal(c.listens, CONFIG_LISTEN_MAX);
    assert_int_equal(config_set(&c, "colour", "blue", why, sizeof why), ERR_NOT_FOUND);
    assert_non_null(strstr(why, "no setting named colour"));
    assert_int_equal(config_set(&c, "Port", "1", why, sizeof why), ERR_NOT_FOUND);
}

// ------------------------------------------------------------------------------------------------------------- hosts

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void hosting_passwords(void **state)
{
    static const char *const wrong[] = {"",
                                        "town",
                                        "town " HASH,
                                        "town " HASH " 1",
                                        "town " HASH " 1 2 3",
                                        "town 0011 1 2",
                                        "to/wn " HASH " 1 2",
                                        "town " HASH " x 2",
                                        "town " HASH " 1 2d",
                                        "town 0X112233445566778899aabbccddeeff00112233445566778899aabbccddeeff 1 2",
                                        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmn " HASH
                                        " 1 2"};
    struct config c;
    char why[300], line[200];
    uint8_t hash[32];
    (void)state;
    config_init(&c, "/data");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(config_set(&c, "hosting_password", wrong[i], why, sizeof why), ERR_INVALID);
        assert_non_null(strstr(why, "NAME HASH LOGS BYTES"));
    }
    assert_ok(config_set(&c, "hosting_password", "town " HASH " 10 2G", why, sizeof why));
    assert_int_equal(config_set(&c, "hosting_password", "town " HASH " 1 1", why, sizeof why), ERR_INVALID);
    assert_non_null(strstr(why, "two hosting passwords named town"));
    memcpy(hash, c.hosts[0].hash, 32);
    const struct config_host *h = config_host(&c, hash);
    assert_ptr_equal(h, &c.hosts[0]);
    assert_int_equal(h->quota.logs_max, 10);
    assert_true(h->quota.bytes_max == (uint64_t)2 << 30);
    assert_int_not_equal(h->quota.id, 0);
    hash[31] ^= 1;
    assert_null(config_host(&c, hash));
    for (int i = 1; i < CONFIG_HOSTS_MAX; i++) {
        snprintf(line, sizeof line, "host%d " HASH " 1 1", i);
        assert_ok(config_set(&c, "hosting_password", line, why, sizeof why));
    }
    assert_int_equal(config_set(&c, "hosting_password", "more " HASH " 1 1", why, sizeof why), ERR_LIMIT);
}

// Also behind a last line that somebody has left open.
static void a_host_is_added_to_the_file(void **state)
{
    static const char *const before[] = {"secret = s\nport = 444", "secret = s\nport = 444\n"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct config c, again;
        char why[300] = "";
        write_file(before[i]);
        config_init(&c, folder);
        assert_ok(config_set(&c, "hosting_password", "town " HASH " 10 2000", why, sizeof why));
        assert_ok(config_add_host(folder, &c.hosts[0]));
        assert_ok(config_read(&again, folder, why, sizeof why));
        assert_int_equal(again.port, 444);
        assert_int_equal(again.host_count, 1);
        assert_memory_equal(&again.hosts[0], &c.hosts[0], sizeof c.hosts[0]);
    }
    struct config_host h = {.name = "x"};
    assert_int_equal(config_add_host("/nowhere", &h), ERR_NOT_FOUND);
}

// ------------------------------------------------------------------------------------------------------------- files

static void what_is_written_is_read(void **state)
{
    struct config c, again;
    char why[300] = "", path[100];
    (void)state;
    config_init(&c, folder);
    assert_ok(config_set(&c, "host", "relay.example", why, sizeof why));
    assert_ok(config_set(&c, "port", "8443", why, sizeof why));
    assert_ok(config_set(&c, "secret", "a-secret_", why, sizeof why));
    assert_ok(config_set(&c, "hosting", "yes", why, sizeof why));
    assert_ok(config_set(&c, "listen", "127.0.0.1", why, sizeof why));
    snprintf(path, sizeof path, "%s/whimbreld.conf", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_ok(config_write(&c, f));
    assert_int_equal(fclose(f), 0);
    memset(&again, 0xee, sizeof again);
    assert_ok(config_read(&again, folder, why, sizeof why));
    assert_memory_equal(&again, &c, sizeof c);
}

static void every_line_that_is_shown_may_be_uncommented(void **state)
{
    struct config c, again;
    char why[300] = "", path[100], *line = NULL;
    size_t room = 0, shown = 0;
    (void)state;
    config_init(&c, folder);
    assert_ok(config_set(&c, "secret", "s", why, sizeof why));
    snprintf(path, sizeof path, "%s/whimbreld.conf", folder);
    FILE *f = fopen(path, "w+"), *to = tmpfile();
    assert_non_null(f);
    assert_non_null(to);
    assert_ok(config_write(&c, f));
    rewind(f);
    while (getline(&line, &room, f) > 0) {
        bool setting =
            line[0] == '#' && line[1] >= 'a' && line[1] <= 'z' && strncmp(line, "#hosting_password", 17) != 0;
        shown += setting;
        fputs(line + setting, to);
    }
    free(line);
    assert_in_range(shown, 20, 40);
    f = freopen(path, "w", f);
    assert_non_null(f);
    rewind(to);
    for (int ch; (ch = fgetc(to)) != EOF;) fputc(ch, f);
    (void)fclose(to);
    assert_int_equal(fclose(f), 0);
    assert_ok(config_read(&again, folder, why, sizeof why));
    assert_int_equal(again.listens, 2);
    assert_int_equal(again.entry_max, c.entry_max);
    assert_int_equal(again.retention, c.retention);
    assert_string_equal(again.certificate, c.certificate);
}

static void a_fault_names_its_line(void **state)
{
    static char longest[3000];
    static const struct {
        const char *text, *where, *what;
        enum err e;
    } wrong[] = {
        {"secret = s\n\n# a comment\nport = 70000\n", "line 4:", "port is a number from 0 to 65535", ERR_INVALID},
        {"secret = s\nprot = 1\n", "line 2:", "no setting named prot", ERR_NOT_FOUND},
        {"secret = s\nnonsense\n", "line 2:", "a line is `name = value`", ERR_MALFORMED},
        {"= s\n", "line 1:", "no setting named ", ERR_NOT_FOUND},
        {"secret = s\nretention = 1w", "line 2:", "30d work too", ERR_INVALID},
        {longest, "line 1:", "too long", ERR_LIMIT},
        {"port = 1\n", "whimbreld.conf", "has no secret; `whimbreld init` writes one", ERR_INVALID},
        {"secret = \n", "line 1:", "secret is letters", ERR_INVALID},
    };
    (void)state;
    memset(longest, 'x', sizeof longest - 1);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct config c, before;
        char why[400] = "";
        write_file(wrong[i].text);
        memset(&c, 0x5a, sizeof c);
        before = c;
        assert_int_equal(config_read(&c, folder, why, sizeof why), wrong[i].e);
        assert_non_null(strstr(why, folder));
        assert_non_null(strstr(why, wrong[i].where));
        assert_non_null(strstr(why, wrong[i].what));
        assert_memory_equal(&c, &before, sizeof c);
    }
    struct config c;
    char why[400] = "";
    assert_int_equal(config_read(&c, "/nowhere", why, sizeof why), ERR_NOT_FOUND);
    assert_non_null(strstr(why, "`whimbreld init /nowhere`"));
}

static void white_space_does_not_matter(void **state)
{
    struct config c;
    char why[300] = "";
    (void)state;
    write_file("\t secret=s \r\n   # port = 1\nhost   =\trelay.example  \nport =\t 99");
    assert_ok(config_read(&c, folder, why, sizeof why));
    assert_string_equal(c.secret, "s");
    assert_string_equal(c.host, "relay.example");
    assert_int_equal(c.port, 99);
}

// Relative to the folder, whatever the folder is called.
static void paths_are_below_the_folder(void **state)
{
    struct config c;
    char why[2000] = "", wanted[200], text[2000], longest[1001];
    (void)state;
    snprintf(text, sizeof text, "secret = s\ncertificate = /etc/cert.pem\nkey = other.pem\nsite = %s/www\n", folder);
    write_file(text);
    assert_ok(config_read(&c, folder, why, sizeof why));
    assert_string_equal(c.certificate, "/etc/cert.pem");
    snprintf(wanted, sizeof wanted, "%s/other.pem", folder);
    assert_string_equal(c.key, wanted);
    snprintf(wanted, sizeof wanted, "%s/www", folder);
    assert_string_equal(c.site, wanted);
    // A name that only begins like the folder is one below it.
    assert_int_equal(chdir("/tmp"), 0);
    const char *relative = folder + strlen("/tmp/");
    snprintf(text, sizeof text, "secret = s\nkey = %s2/key.pem\n", relative);
    write_file(text);
    assert_ok(config_read(&c, relative, why, sizeof why));
    snprintf(wanted, sizeof wanted, "%s/%s2/key.pem", relative, relative);
    assert_string_equal(c.key, wanted);
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    snprintf(text, sizeof text, "secret = s\nkey = %s\n", longest);
    write_file(text);
    assert_int_equal(config_read(&c, folder, why, sizeof why), ERR_LIMIT);
    assert_non_null(strstr(why, "too long a path"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_bounds),
        cmocka_unit_test(units_multiply),
        cmocka_unit_test(texts_have_room),
        cmocka_unit_test(switches_and_addresses),
        cmocka_unit_test(hosting_passwords),
        cmocka_unit_test_setup_teardown(a_host_is_added_to_the_file, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(what_is_written_is_read, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(every_line_that_is_shown_may_be_uncommented, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_fault_names_its_line, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(white_space_does_not_matter, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(paths_are_below_the_folder, make_folder, remove_folder),
    };
    return unit_run("config", tests);
}
