// SPDX-License-Identifier: Apache-2.0
//
// Making a data folder: what lies in it afterwards and who may read it, and that a failure takes back what was made, and nothing
// that was there before, least of all what is not the relay's.
#include "unit.h"

#include "relay/relay.h"

#include <sys/stat.h>
#include <unistd.h>

static char top[64];
static struct config config;

static const char *at(const char *name)
{
    static char path[8][200];
    static unsigned turn;
    char *p = path[turn++ % 8];
    snprintf(p, sizeof path[0], "%s/%s", top, name);
    return p;
}

static int set_up(void **state)
{
    (void)state;
    snprintf(top, sizeof top, "/tmp/whimbrel-folder-XXXXXX");
    if (mkdtemp(top) == NULL) return 1;
    config_init(&config, at("relay"));
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"relay/site/index.html",
                                        "relay/site/robots.txt",
                                        "relay/site",
                                        "relay/certificate.pem",
                                        "relay/key.pem",
                                        "relay/whimbreld.conf",
                                        "relay",
                                        "www/index.html",
                                        "www",
                                        "theirs.pem"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) (void)remove(at(names[i]));
    return rmdir(top);
}

static void write_file(const char *path)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fputs("theirs", f) < 0, 0);
    assert_int_equal(fclose(f), 0);
}

static bool exists(const char *name) { return access(at(name), F_OK) == 0; }

static unsigned mode_of(const char *name)
{
    struct stat st;
    assert_int_equal(stat(at(name), &st), 0);
    return st.st_mode & 0777;
}

static void secrets_are_for_the_owner(void **state)
{
    char why[500] = "", address[RELAY_ADDRESS_MAX];
    (void)state;
    mode_t old = umask(0);
    assert_ok(relay_init(&config, why, sizeof why));
    (void)umask(old);
    assert_int_equal(mode_of("relay"), 0700);
    assert_int_equal(mode_of("relay/key.pem"), 0600);
    assert_int_equal(mode_of("relay/whimbreld.conf"), 0600);
    assert_ok(config_read(&config, at("relay"), why, sizeof why));
    assert_ok(relay_address(&config, address, why, sizeof why));
    assert_int_equal(strncmp(address, "wss://localhost/", 16), 0);
    assert_int_equal(relay_init(&config, why, sizeof why), ERR_REFUSED);
    assert_true(exists("relay/key.pem"));
}

// Whose folder others may look into.
static void an_open_folder_is_closed(void **state)
{
    char why[500] = "";
    (void)state;
    assert_int_equal(mkdir(at("relay"), 0755), 0);
    assert_ok(relay_init(&config, why, sizeof why));
    assert_int_equal(mode_of("relay"), 0700);
}

static void a_failure_leaves_nothing(void **state)
{
    static const char *const hosts[] = {"", "a b", "a/b", "a,b", "\"", "[::1]", "a:1", "\xc3\xbc.example", ".", "-a"};
    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        char why[500] = "";
        snprintf(config.host, sizeof config.host, "%s", hosts[i]);
        assert_int_equal(relay_init(&config, why, sizeof why), ERR_INVALID);
        assert_non_null(strstr(why, "neither a name"));
        assert_false(exists("relay"));
    }
    char why[500] = "";
    snprintf(config.host, sizeof config.host, "::1");
    assert_ok(relay_init(&config, why, sizeof why));
}

// An operator who names files of his own must not lose them, whether it works or not.
static void what_is_not_the_relays_stays(void **state)
{
    (void)state;
    write_file(at("theirs.pem"));
    assert_int_equal(mkdir(at("www"), 0755), 0);
    write_file(at("www/index.html"));
    snprintf(config.certificate, sizeof config.certificate, "%s", at("theirs.pem"));
    snprintf(config.key, sizeof config.key, "%s", at("theirs.pem"));
    snprintf(config.site, sizeof config.site, "%s", at("www"));
    for (int i = 0; i < 2; i++) {
        char why[500] = "";
        snprintf(config.host, sizeof config.host, "%s", i == 0 ? "no name" : "localhost");
        assert_int_equal(relay_init(&config, why, sizeof why), i == 0 ? ERR_INVALID : ERR_OK);
        assert_true(exists("theirs.pem"));
        assert_true(exists("www/index.html"));
    }
    assert_true(exists("relay/key.pem"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(secrets_are_for_the_owner, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_open_folder_is_closed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failure_leaves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_the_relays_stays, set_up, tear_down),
    };
    return unit_run("folder", tests);
}
