// SPDX-License-Identifier: Apache-2.0
//
// Proxies' links: what each form says, that nothing ambiguous is accepted, that writing and reading agree, and what is found in the texts
// that people paste.
#include "tests/unit.h"

#include "reach/proxylink.h"

static struct proxylink read_ok(const char *text)
{
    struct proxylink p;
    const char *why = "";
    enum err e = proxylink_read(span_str(text), &p, &why);
    if (e != ERR_OK) fail_msg("%s: %s", text, why);
    return p;
}

static void is(const char *text, enum proxylink_kind kind, const char *host, uint16_t port, const char *user,
               const char *password)
{
    struct proxylink p = read_ok(text);
    assert_int_equal(p.kind, kind);
    assert_string_equal(p.host, host);
    assert_int_equal(p.port, port);
    assert_int_equal(p.credentials, user != NULL);
    assert_string_equal(p.user, user != NULL ? user : "");
    assert_string_equal(p.password, password != NULL ? password : "");
}

static void test_forms(void **state)
{
    (void)state;
    is("tg://socks?server=proxy.example&port=1080&user=ann&pass=s3cret", PROXYLINK_SOCKS5, "proxy.example", 1080, "ann",
       "s3cret");
    is("TG:socks?port=99&server=192.0.2.7", PROXYLINK_SOCKS5, "192.0.2.7", 99, NULL, NULL);
    is("https://t.me/socks?server=Proxy.Example.&port=443&user=&pass=", PROXYLINK_SOCKS5, "proxy.example", 443, NULL,
       NULL);
    is("t.me/socks?server=a&port=1&user=u", PROXYLINK_SOCKS5, "a", 1, "u", "");
    is("https://telegram.me/socks/?server=a.b&port=65535&lang=fa#x", PROXYLINK_SOCKS5, "a.b", 65535, NULL, NULL);
    is("socks5://proxy.example", PROXYLINK_SOCKS5, "proxy.example", 1080, NULL, NULL);
    is("socks5h://ann:s3cret@proxy.example:9050/", PROXYLINK_SOCKS5, "proxy.example", 9050, "ann", "s3cret");
    is("socks://[2001:DB8::1]:1080#at home", PROXYLINK_SOCKS5, "2001:db8::1", 1080, NULL, NULL);
    is("http://u@192.0.2.1:3128/", PROXYLINK_HTTP, "192.0.2.1", 3128, "u", "");
    is("  proxy.example:1080\r\n", PROXYLINK_SOCKS5, "proxy.example", 1080, NULL, NULL);
    is("[::1]:9", PROXYLINK_SOCKS5, "::1", 9, NULL, NULL);
    is("u:p@localhost:9050", PROXYLINK_SOCKS5, "localhost", 9050, "u", "p");
    is("abcdefghijklmnop.onion:1080", PROXYLINK_SOCKS5, "abcdefghijklmnop.onion", 1080, NULL, NULL);
}

static void test_encoding(void **state)
{
    (void)state;
    is("socks5://%61:%3A%40%2f%25@h:1", PROXYLINK_SOCKS5, "h", 1, "a", ":@/%");
    is("socks5://a@b.example:p@w@h:1", PROXYLINK_SOCKS5, "h", 1, "a@b.example", "p@w"); // the last @ is the one
    is("socks5://u:p:q@h:1", PROXYLINK_SOCKS5, "h", 1, "u", "p:q");                     // and the first colon
    is("tg://socks?server=h&port=1&user=a+b&pass=c%20d", PROXYLINK_SOCKS5, "h", 1, "a+b", "c d");
    is("tg://socks?server=%5B%3A%3A1%5D&port=1", PROXYLINK_SOCKS5, "::1", 1, NULL, NULL);
    is("tg://socks?server=2001:db8::1&amp;port=80&amp;user=%D8%B3", PROXYLINK_SOCKS5, "2001:db8::1", 80, "\xd8\xb3",
       "");
    is("tg://socks?server=[2001:db8::1]&port=80", PROXYLINK_SOCKS5, "2001:db8::1", 80, NULL, NULL);
}

static void test_variable(void **state)
{
    (void)state;
    struct proxylink p;
    const char *why;
    assert_ok(proxylink_read_variable(span_str("proxy.example:3128"), &p, &why));
    assert_int_equal(p.kind, PROXYLINK_HTTP);
    assert_ok(proxylink_read_variable(span_str("socks5h://127.0.0.1:9050"), &p, &why));
    assert_int_equal(p.kind, PROXYLINK_SOCKS5);
    assert_int_equal(proxylink_read_variable(span_str(""), &p, &why), ERR_MALFORMED);
}

static void refuses(struct span text, enum err e, const char *word)
{
    struct proxylink p, before;
    const char *why = NULL;
    memset(&p, 7, sizeof p);
    before = p;
    if (proxylink_read(text, &p, &why) != e)
        fail_msg("%.*s: not refused as it should be", (int)text.n, (const char *)text.p);
    if (strstr(why, word) == NULL) fail_msg("%.*s: %s", (int)text.n, (const char *)text.p, why);
    assert_memory_equal(&p, &before, sizeof p);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *word;
    } wrong[] = {
        {"", "nothing"},
        {"proxy.example", "port is missing"},
        {"http://proxy.example", "port is missing"},
        {"proxy.example:", "port is missing"},
        {"tg://socks?server=a", "port is missing"},
        {"tg://socks?port=1", "no server"},
        {"tg://socks?server=&port=1", "no server"},
        {"tg://socks?server=a&port=1&pass=x", "password but no user"},
        {"socks5://:x@a:1", "password but no user"},
        {"tg://socks?server=a&port=1&server=b", "twice"},
        {"tg://resolve?domain=a", "not to a proxy"},
        {"https://t.me/somebody", "not to a proxy"},
        {"socks5://a:0", "1 to 65535"},
        {"socks5://a:65536", "1 to 65535"},
        {"socks5://a:99999999999999999999", "1 to 65535"},
        {"socks5://a:12x", "no number"},
        {"socks5://a:-1", "no number"},
        {"socks5://a:1/path", "follows"},
        {"socks5://a/path:1", "follows"},
        {"socks5://:1080", "host is missing"},
        {"socks5://", "host is missing"},
        {"socks5://[]:1", "no IPv6"},
        {"socks5://[::1:1", "IPv6 address"},
        {"2001:db8::1:1080", "brackets"},
        {"[192.0.2.1]:1", "no IPv6 address"},
        {"[fe80::1%eth0]:1", "%"},
        {"socks5://a..b:1", "no name"},
        {"socks5://-a:1", "no name"},
        {"socks5://a b:1", "no name"},
        {"socks5://.:1", "no name"},
        {"socks5://b\xc3\xbc"
         "cher.example:1",
         "xn--"},
        {"socks5://010.1.1.1:1", "numeric"},
        {"socks5://127.1:1", "numeric"},
        {"socks5://2130706433:1", "numeric"},
        {"socks5://0x7f000001:1", "numeric"},
        {"socks5://1.2.3.4.5:1", "numeric"},
        {"socks5://u%2:p@a:1", "hexadecimal"},
        {"socks5://u%zz@a:1", "hexadecimal"},
        {"socks5://u%00v@a:1", "zero byte"},
        {"tg://socks?server=a%00.example&port=1", "zero byte"},
        {"bla bla", "no name"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        refuses(span_str(wrong[i].text), ERR_MALFORMED, wrong[i].word);
    refuses(span_of("a\0.b:1", 6), ERR_MALFORMED, "zero byte");
    refuses(span_str("tg://proxy?server=a&port=443&secret=ee"), ERR_UNSUPPORTED, "MTProto");
    refuses(span_str("https://t.me/proxy?server=a&port=443&secret=dd"), ERR_UNSUPPORTED, "MTProto");
    refuses(span_str("socks4://a:1"), ERR_UNSUPPORTED, "SOCKS4");
    refuses(span_str("https://proxy.example:443"), ERR_UNSUPPORTED, "TLS");
    refuses(span_str("ss://Y2hhY2hhMjA@a:1"), ERR_UNSUPPORTED, "Shadowsocks");
}

static void test_limits(void **state)
{
    (void)state;
    char text[6000], host[260], user[300];
    const char *why;
    struct proxylink p;
    memset(host, 'a', sizeof host);
    memset(user, 'u', sizeof user);
    (void)snprintf(text, sizeof text, "socks5://%.255s:%.255s@%.253s:1", user, user, host);
    p = read_ok(text);
    assert_int_equal(strlen(p.user), 255);
    assert_int_equal(strlen(p.password), 255);
    assert_int_equal(strlen(p.host), 253);
    (void)snprintf(text, sizeof text, "%.254s:1", host);
    refuses(span_str(text), ERR_MALFORMED, "too long");
    (void)snprintf(text, sizeof text, "socks5://%.256s@a:1", user);
    refuses(span_str(text), ERR_MALFORMED, "too long");
    memset(text, 'x', sizeof text);
    assert_int_equal(proxylink_read(span_of(text, PROXYLINK_READ_MAX + 1), &p, &why), ERR_MALFORMED);
    assert_string_equal(why, "it is too long");
}

static void test_written(void **state)
{
    (void)state;
    char text[PROXYLINK_TEXT];
    struct proxylink p = read_ok("socks5://a%20b:%26%3D%2B%23@[2001:db8::1]:1080");
    assert_ok(proxylink_write(&p, PROXYLINK_URL, true, text));
    assert_string_equal(text, "socks5h://a%20b:%26%3D%2B%23@[2001:db8::1]:1080");
    assert_ok(proxylink_write(&p, PROXYLINK_TG, true, text));
    assert_string_equal(text, "tg://socks?server=2001:db8::1&port=1080&user=a%20b&pass=%26%3D%2B%23");
    assert_ok(proxylink_write(&p, PROXYLINK_WEB, false, text));
    assert_string_equal(text, "https://t.me/socks?server=2001:db8::1&port=1080");
    struct proxylink open = read_ok(text);
    assert_false(open.credentials);
    assert_false(proxylink_same(&p, &open));
    p = read_ok("http://u:p@proxy.example:8080");
    assert_ok(proxylink_write(&p, PROXYLINK_URL, false, text));
    assert_string_equal(text, "http://proxy.example:8080");
    assert_int_equal(proxylink_write(&p, PROXYLINK_TG, false, text), ERR_UNSUPPORTED);
    assert_string_equal(text, "http://proxy.example:8080");
}

// The longest that can be written fits, and comes back.
static void test_longest(void **state)
{
    (void)state;
    char text[PROXYLINK_TEXT];
    struct proxylink p = {.kind = PROXYLINK_SOCKS5, .port = 65535, .credentials = true};
    memset(p.host, 'h', PROXYLINK_HOST_MAX);
    memset(p.user, 0xff, PROXYLINK_CREDENTIAL_MAX);
    memset(p.password, '%', PROXYLINK_CREDENTIAL_MAX);
    for (int form = PROXYLINK_URL; form <= PROXYLINK_WEB; form++) {
        assert_ok(proxylink_write(&p, (enum proxylink_form)form, true, text));
        assert_true(strlen(text) < sizeof text - 1);
        struct proxylink again = read_ok(text);
        assert_true(proxylink_same(&p, &again));
    }
}

// ------------------------------------------------------------------------------------------------------------ in a text

static void finds(const char *text, const char *const *hosts)
{
    struct span rest = span_str(text);
    struct proxylink_found f;
    while (proxylink_next(&rest, &f)) {
        assert_true(f.text.p >= (const uint8_t *)text && f.text.p + f.text.n <= (const uint8_t *)text + strlen(text));
        if (*hosts == NULL) fail_msg("more in it than there should be: %.*s", (int)f.text.n, (const char *)f.text.p);
        assert_string_equal(f.err == ERR_OK ? f.link.host : f.err == ERR_UNSUPPORTED ? "unsupported" : "wrong", *hosts);
        hosts++;
    }
    if (*hosts != NULL) fail_msg("not found: %s", *hosts);
}
#define FINDS(text, ...) finds((text), (const char *const[]){__VA_ARGS__}) // the hosts, and NULL

static void test_found(void **state)
{
    (void)state;
    FINDS("", NULL);
    FINDS("Lunch at 12:30? See http://news.example/a:b and https://example.org:8443/x, or write to ann@example.org.",
          NULL);
    FINDS("try (tg://socks?server=one.example&port=1080), it works", "one.example", NULL);
    FINDS("[Connect](https://t.me/socks?server=one.example&port=1080&user=u&pass=p)", "one.example", NULL);
    FINDS("<a href=\"tg://socks?server=one.example&amp;port=1&amp;user=u\">here</a>", "one.example", NULL);
    FINDS("One is at two.example:1080. Another: [2001:db8::2]:443; or 192.0.2.3:80!", "two.example", "2001:db8::2",
          "192.0.2.3", NULL);
    FINDS("one.example:1\r\n\r\n# mine\nlocalhost:9050\nu:p@three.example:3\nhttp://four.example:3128/\n",
          "one.example", "localhost", "three.example", "four.example", NULL);
    FINDS("mine is localhost:9050", NULL);
    FINDS("ALL_PROXY=socks5h://one.example:9050; export ALL_PROXY", "one.example", NULL);
    FINDS("export ALL_PROXY=\"socks5h://one.example:9050\"", "one.example", NULL);
    FINDS(
        "tg://proxy?server=a&port=443&secret=ee and socks5://two.example:99999 and t.me/socks?server=b.example&port=2",
        "unsupported", "wrong", "b.example", NULL);
    FINDS("https://t.me/somebody/socks https://t.me/+abc tg://resolve?domain=x", NULL);
    FINDS("notsocks5://a.example:1", NULL);
    FINDS("**socks5://one.example:1**", "one.example", NULL);
}

// A password that ends like a sentence stays whole where the link has the line for itself.
static void test_found_whole(void **state)
{
    (void)state;
    struct span rest = span_str("  tg://socks?server=a.example&port=1&user=u&pass=wow!  \n");
    struct proxylink_found f;
    assert_true(proxylink_next(&rest, &f));
    assert_string_equal(f.link.password, "wow!");
    assert_false(proxylink_next(&rest, &f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),   cmocka_unit_test(test_encoding), cmocka_unit_test(test_variable),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_limits),   cmocka_unit_test(test_written),
        cmocka_unit_test(test_longest), cmocka_unit_test(test_found),    cmocka_unit_test(test_found_whole),
    };
    return unit_run("reach-proxylink", tests);
}
