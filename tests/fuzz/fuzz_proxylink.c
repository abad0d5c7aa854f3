// SPDX-License-Identifier: Apache-2.0
//
// Any text as a proxy's link, and as a text that links are looked for in. What is accepted is written in every form and read again as the
// same; what is refused is explained; what is found lies in the text, is in order, and reads the same alone.
#include "kit.h"

#include "reach/proxylink.h"

void fuzz_open(void) {}

static void write_and_read(const struct proxylink *p)
{
    char text[PROXYLINK_TEXT];
    struct proxylink again;
    const char *why = NULL;
    for (int form = PROXYLINK_URL; form <= PROXYLINK_WEB; form++) {
        enum err e = proxylink_write(p, (enum proxylink_form)form, true, text);
        must((e == ERR_UNSUPPORTED) == (form != PROXYLINK_URL && p->kind == PROXYLINK_HTTP));
        if (e != ERR_OK) continue;
        must_ok(proxylink_read(span_str(text), &again, &why));
        must(proxylink_same(p, &again));
        must_ok(proxylink_write(p, (enum proxylink_form)form, false, text));
        must_ok(proxylink_read(span_str(text), &again, &why));
        must(!again.credentials && strcmp(again.host, p->host) == 0 && again.port == p->port);
    }
}

static void find(struct span bytes)
{
    struct span rest = bytes;
    struct proxylink_found f;
    const uint8_t *behind = bytes.p;
    while (proxylink_next(&rest, &f)) {
        must(f.text.n > 0 && f.text.p >= behind && f.text.p + f.text.n <= rest.p);
        must(f.err == ERR_OK || f.why != NULL);
        behind = f.text.p + f.text.n;
        struct proxylink again;
        const char *why = NULL;
        must(proxylink_read(f.text, &again, &why) == f.err);
        must(f.err != ERR_OK || proxylink_same(&f.link, &again));
    }
    must(rest.n == 0);
}

void fuzz_one(struct span bytes)
{
    struct proxylink p, as_variable;
    const char *why = NULL;
    enum err e = proxylink_read(bytes, &p, &why);
    must(proxylink_read_variable(bytes, &as_variable, &why) == e);
    if (e == ERR_OK) write_and_read(&p);
    else must(why != NULL);
    find(bytes);
}

void fuzz_seeds(const char *folder)
{
    static const struct {
        const char *name, *text;
    } seeds[] = {{"tg", "tg://socks?server=proxy.example&port=1080&user=ann&pass=s%33cret"},
                 {"web", "https://t.me/socks?server=2001:db8::1&amp;port=443"},
                 {"mtproto", "tg://proxy?server=a&port=443&secret=ee"},
                 {"url", "socks5h://a%40b:p:q@[2001:db8::1]:9050/#home"},
                 {"http", "http://u:p@192.0.2.1:3128/"},
                 {"bare", "u:p@proxy.example:1080"},
                 {"list", "one.example:1\n[::1]:2\r\nlocalhost:9050\nsocks4://x:1"},
                 {"words", "Try (tg://socks?server=a.example&port=1), or \"socks5://b.example\"; 192.0.2.3:80!"}};
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) kit_seed(folder, seeds[i].name, span_str(seeds[i].text));
}
