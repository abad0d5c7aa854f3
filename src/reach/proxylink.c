// SPDX-License-Identifier: Apache-2.0
//
// Proxies' links: reading and writing one. Read strictly, since what is misread sends somebody's traffic to the wrong place: a part that
// could mean two things to two programs is refused, with the reason.
#include "reach/proxylink.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <strings.h>

enum { SOCKS_PORT = 1080 }; // IANA's "socks"

static bool begins(struct span s, const char *with)
{
    size_t n = strlen(with);
    return s.n >= n && strncasecmp((const char *)s.p, with, n) == 0;
}

static struct span behind(struct span s, size_t n) { return span_of(s.p + n, s.n - n); }

// The front of *s up to the first `end`, which is dropped; all of it where there is none.
static struct span cut(struct span *s, char end)
{
    const uint8_t *at = s->n > 0 ? memchr(s->p, end, s->n) : NULL;
    struct span front = at == NULL ? *s : span_of(s->p, (size_t)(at - s->p));
    *s = at == NULL ? span_of(NULL, 0) : behind(*s, front.n + 1);
    return front;
}

static struct span trim(struct span s)
{
    while (s.n > 0 && isspace(s.p[0])) s = behind(s, 1);
    while (s.n > 0 && isspace(s.p[s.n - 1])) s.n--;
    return s;
}

// ---------------------------------------------------------------------------------------------------------------- parts

static int hex(uint8_t c)
{
    return isdigit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Percent-decodes into a text of at most `max` bytes.
static const char *decode(struct span s, size_t max, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        int c = s.p[i];
        if (c == '%') {
            int high = i + 2 < s.n ? hex(s.p[i + 1]) : -1, low = high < 0 ? -1 : hex(s.p[i + 2]);
            if (low < 0) return "a % in it is not followed by two hexadecimal digits (a percent sign itself is %25)";
            c = 16 * high + low;
            i += 2;
        }
        if (c == 0) return "it has a zero byte in it";
        if (n == max) return "a part of it is too long (a host may have 253 bytes, user and password 255 each)";
        out[n++] = (char)c;
    }
    out[n] = 0;
    return NULL;
}

static const char *read_port(struct span digits, uint16_t *port)
{
    uint32_t v = 0;
    if (digits.n == 0) return "its port is missing";
    for (size_t i = 0; i < digits.n; i++) {
        if (!isdigit(digits.p[i])) return "its port is no number";
        v = v > UINT16_MAX ? v : 10 * v + digits.p[i] - '0';
    }
    if (v == 0 || v > UINT16_MAX) return "its port is none from 1 to 65535";
    *port = (uint16_t)v;
    return NULL;
}

// A name's last label is not all digits: so nothing that one program takes for a number and another for a name gets through.
static const char *check_name(char *host)
{
    size_t n = strlen(host);
    if (n > 1 && host[n - 1] == '.') host[--n] = 0; // from the root, as all names here are
    const char *last = strrchr(host, '.');
    if (host[0] == '-' || host[0] == '.') return "its host is no name or address";
    for (size_t i = 0; i < n; i++) {
        if ((uint8_t)host[i] >= 0x80) return "its host is written in letters beyond ASCII; its xn-- form is needed";
        if (!isalnum((uint8_t)host[i]) && strchr("-_.", host[i]) == NULL) return "its host is no name or address";
        if (host[i] == '.' && (i + 1 == n || host[i + 1] == '.')) return "its host is no name or address";
        host[i] = (char)tolower((uint8_t)host[i]);
    }
    last = last == NULL ? host : last + 1;
    if (strspn(last, "0123456789") == strlen(last) || (last[0] == '0' && last[1] == 'x'))
        return "its host ends like a numeric address, and is none";
    return NULL;
}

// `bare`: an IPv6 address may come without brackets, since no port follows.
static const char *read_host(struct span s, bool bare, char out[PROXYLINK_HOST_MAX + 1])
{
    uint8_t address[16];
    if (s.n == 0) return "its host is missing";
    const char *wrong = decode(s, PROXYLINK_HOST_MAX, out);
    if (wrong != NULL) return wrong;
    size_t n = strlen(out);
    bool bracket = out[0] == '[';
    if (bracket) {
        if (n < 2 || out[n - 1] != ']') return "the bracket of its IPv6 address is not closed";
        memmove(out, out + 1, n - 2);
        out[n - 2] = 0;
    }
    if ((bracket || bare) && inet_pton(AF_INET6, out, address) == 1) {
        return inet_ntop(AF_INET6, address, out, PROXYLINK_HOST_MAX) != NULL ? NULL : "its host is no address";
    }
    if (bracket) return "what is in brackets is no IPv6 address";
    if (strchr(out, ':') != NULL) return "an IPv6 address belongs in brackets: [2001:db8::1]:1080";
    return inet_pton(AF_INET, out, address) == 1 ? NULL : check_name(out);
}

static const char *check_credentials(struct proxylink *p)
{
    if (p->user[0] == 0 && p->password[0] != 0) return "it has a password but no user";
    p->credentials = p->user[0] != 0;
    return NULL;
}

// ----------------------------------------------------------------------------------------------------------------- forms

// [USER[:PASSWORD]@]HOST[:PORT][/][#label]; a port of 0 is one that must be told.
static const char *read_authority(struct span s, uint16_t port, struct proxylink *p)
{
    s = cut(&s, '#');
    if (s.n > 0 && s.p[s.n - 1] == '/') s.n--;
    size_t at = s.n;
    while (at > 0 && s.p[at - 1] != '@') at--;
    struct span user = at > 0 ? span_of(s.p, at - 1) : span_of(NULL, 0), host = behind(s, at);
    if (host.n > 0 && (memchr(host.p, '/', host.n) != NULL || memchr(host.p, '?', host.n) != NULL))
        return "something follows its port that a proxy's address does not have";
    struct span name = cut(&user, ':');
    const char *wrong = decode(name, PROXYLINK_CREDENTIAL_MAX, p->user);
    if (wrong == NULL) wrong = decode(user, PROXYLINK_CREDENTIAL_MAX, p->password);
    if (wrong == NULL) wrong = check_credentials(p);
    if (wrong != NULL) return wrong;
    size_t colon = host.n; // the last one, unless that is within brackets
    while (colon > 0 && host.p[colon - 1] != ':' && host.p[colon - 1] != ']') colon--;
    if (colon > 0 && host.p[colon - 1] == ':') {
        wrong = read_port(behind(host, colon), &port);
        host.n = colon - 1;
    }
    p->port = port;
    if (wrong == NULL) wrong = read_host(host, false, p->host);
    return wrong != NULL ? wrong : port == 0 ? "its port is missing" : NULL;
}

// server=, port=, user= and pass=, in any order. What else there is belongs to the program that wrote it.
static const char *read_query(struct span s, struct proxylink *p)
{
    static const char *const keys[] = {"server", "port", "user", "pass"};
    struct span value[4] = {{0}};
    bool seen[4] = {false};
    s = cut(&s, '#');
    while (s.n > 0) {
        struct span v = cut(&s, '&');
        if (begins(v, "amp;")) v = behind(v, 4); // copied out of a web page's source
        struct span key = cut(&v, '=');
        for (size_t i = 0; i < 4; i++) {
            if (!span_eq(key, span_str(keys[i]))) continue;
            if (seen[i]) return "it says the same thing twice, and programs differ in which they take";
            seen[i] = true;
            value[i] = v;
        }
    }
    if (value[0].n == 0) return "it names no server";
    const char *wrong = read_host(value[0], true, p->host);
    if (wrong == NULL) wrong = read_port(value[1], &p->port);
    if (wrong == NULL) wrong = decode(value[2], PROXYLINK_CREDENTIAL_MAX, p->user);
    if (wrong == NULL) wrong = decode(value[3], PROXYLINK_CREDENTIAL_MAX, p->password);
    return wrong != NULL ? wrong : check_credentials(p);
}

// What follows the host of Telegram's sites, or the scheme tg.
static const char *read_telegram(struct span s, struct proxylink *p, enum err *e)
{
    if (begins(s, "proxy?") || begins(s, "proxy/?")) {
        *e = ERR_UNSUPPORTED;
        return "it is an MTProto proxy, which carries Telegram's traffic and nothing else; a SOCKS5 one is needed "
               "(tg://socks?...)";
    }
    if (begins(s, "socks?")) return read_query(behind(s, 6), p);
    if (begins(s, "socks/?")) return read_query(behind(s, 7), p);
    return "it is a link of Telegram's, but not to a proxy";
}

static const char *const telegram[] = {"tg://",         "tg:",
                                       "https://t.me/", "http://t.me/",
                                       "t.me/",         "https://telegram.me/",
                                       "telegram.me/",  "https://telegram.dog/"};
static const char *const socks[] = {"socks5h://", "socks5://", "socks://"};
static const struct {
    const char *scheme, *why;
} others[] = {
    {"socks4://", "SOCKS4 has no names and no passwords; a SOCKS5 proxy is needed"},
    {"socks4a://", "SOCKS4 has no passwords; a SOCKS5 proxy is needed"},
    {"https://", "a proxy that itself speaks TLS is not supported; one of SOCKS5 or plain HTTP is"},
    {"ss://", "Shadowsocks is not supported; run its client, and use the SOCKS5 address that it listens on"},
    {"vmess://", "VMess is not supported; run its client, and use the SOCKS5 address that it listens on"},
    {"vless://", "VLESS is not supported; run its client, and use the SOCKS5 address that it listens on"},
    {"trojan://", "Trojan is not supported; run its client, and use the SOCKS5 address that it listens on"},
};

static const char *read_any(struct span s, enum proxylink_kind bare, struct proxylink *p, enum err *e)
{
    if (s.n == 0) return "there is nothing";
    if (s.n > PROXYLINK_READ_MAX) return "it is too long";
    for (size_t i = 0; i < sizeof telegram / sizeof *telegram; i++) {
        if (begins(s, telegram[i])) return read_telegram(behind(s, strlen(telegram[i])), p, e);
    }
    for (size_t i = 0; i < sizeof socks / sizeof *socks; i++) {
        if (begins(s, socks[i])) return read_authority(behind(s, strlen(socks[i])), SOCKS_PORT, p);
    }
    if (begins(s, "http://")) {
        p->kind = PROXYLINK_HTTP;
        return read_authority(behind(s, strlen("http://")), 0, p);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (!begins(s, others[i].scheme)) continue;
        *e = ERR_UNSUPPORTED;
        return others[i].why;
    }
    p->kind = bare;
    return read_authority(s, 0, p);
}

static enum err read_as(struct span text, enum proxylink_kind bare, struct proxylink *out, const char **why)
{
    struct proxylink p = {.kind = PROXYLINK_SOCKS5};
    enum err e = ERR_MALFORMED;
    const char *wrong = read_any(trim(text), bare, &p, &e);
    if (wrong == NULL) *out = p;
    else *why = wrong;
    mem_wipe(&p, sizeof p);
    return wrong == NULL ? ERR_OK : e;
}

enum err proxylink_read(struct span text, struct proxylink *out, const char **why)
{
    return read_as(text, PROXYLINK_SOCKS5, out, why);
}

enum err proxylink_read_variable(struct span text, struct proxylink *out, const char **why)
{
    return read_as(text, PROXYLINK_HTTP, out, why);
}

// --------------------------------------------------------------------------------------------------------------- writing

// Everything but RFC 3986's unreserved characters is encoded.
static void encode(const char *s, char out[3 * PROXYLINK_CREDENTIAL_MAX + 1])
{
    static const char digits[] = "0123456789ABCDEF";
    for (const uint8_t *p = (const uint8_t *)s; *p != 0; p++) {
        if (*p < 0x80 && (isalnum(*p) || strchr("-._~", *p) != NULL)) {
            *out++ = (char)*p;
        } else {
            *out++ = '%';
            *out++ = digits[*p >> 4];
            *out++ = digits[*p & 15];
        }
    }
    *out = 0;
}

enum err proxylink_write(const struct proxylink *p, enum proxylink_form form, bool credentials,
                         char out[PROXYLINK_TEXT])
{
    char user[3 * PROXYLINK_CREDENTIAL_MAX + 1] = "", password[3 * PROXYLINK_CREDENTIAL_MAX + 1] = "";
    const bool tell = credentials && p->credentials, v6 = strchr(p->host, ':') != NULL;
    if (form != PROXYLINK_URL && p->kind != PROXYLINK_SOCKS5) return ERR_UNSUPPORTED;
    if (tell) {
        encode(p->user, user);
        encode(p->password, password);
    }
    if (form == PROXYLINK_URL) {
        (void)snprintf(out, PROXYLINK_TEXT, "%s://%s%s%s%s%s%s%s:%u", p->kind == PROXYLINK_HTTP ? "http" : "socks5h",
                       user, tell ? ":" : "", password, tell ? "@" : "", v6 ? "[" : "", p->host, v6 ? "]" : "",
                       (unsigned)p->port);
    } else {
        (void)snprintf(out, PROXYLINK_TEXT, "%s/socks?server=%s&port=%u%s%s%s%s",
                       form == PROXYLINK_TG ? "tg:/" : "https://t.me", p->host, (unsigned)p->port, tell ? "&user=" : "",
                       user, tell ? "&pass=" : "", password);
    }
    mem_wipe(user, sizeof user);
    mem_wipe(password, sizeof password);
    return ERR_OK;
}

bool proxylink_same(const struct proxylink *a, const struct proxylink *b)
{
    return a->kind == b->kind && a->port == b->port && strcmp(a->host, b->host) == 0 &&
           a->credentials == b->credentials && strcmp(a->user, b->user) == 0 && strcmp(a->password, b->password) == 0;
}

// --------------------------------------------------------------------------------------------------------------- finding

static bool parts_words(uint8_t c) { return isspace(c) || c == 0 || strchr("<>\"'`|", c) != NULL; }

// Where in a word a link begins: at a scheme that nothing but punctuation stands before. `n` if nowhere.
static size_t start_of(struct span word)
{
    for (size_t i = 0; i < word.n; i++) {
        struct span s = behind(word, i);
        bool here = begins(s, "http://") || begins(s, "https://");
        if (i > 0 && (isalnum(word.p[i - 1]) || strchr("/@.-_", word.p[i - 1]) != NULL)) continue;
        for (size_t k = 0; !here && k < sizeof telegram / sizeof *telegram; k++) here = begins(s, telegram[k]);
        for (size_t k = 0; !here && k < sizeof socks / sizeof *socks; k++) here = begins(s, socks[k]);
        for (size_t k = 0; !here && k < sizeof others / sizeof *others; k++) here = begins(s, others[k].scheme);
        if (here) return i;
    }
    return word.n;
}

// Punctuation of the sentence around it is no part of a link.
static struct span without_punctuation(struct span s)
{
    while (s.n > 0 && strchr(".,;:!?)*", s.p[s.n - 1]) != NULL) s.n--;
    while (s.n > 0 && strchr("(*,;", s.p[0]) != NULL) s = behind(s, 1);
    return s;
}

// Whether a wrong link is worth telling: a web page, or a conversation in Telegram, was not meant as a proxy.
static bool meant(struct span s)
{
    for (size_t k = 0; k < sizeof telegram / sizeof *telegram; k++) {
        if (!begins(s, telegram[k])) continue;
        struct span rest = behind(s, strlen(telegram[k]));
        return begins(rest, "socks?") || begins(rest, "socks/?") || begins(rest, "proxy?") || begins(rest, "proxy/?");
    }
    return !begins(s, "http://") && !begins(s, "https://");
}

// A word without a scheme: HOST:N. Among other words it must look like nothing else.
static bool is_bare(struct span s, bool alone)
{
    if (s.n == 0 || memchr(s.p, ':', s.n) == NULL) return false;
    return alone || s.p[0] == '[' || memchr(s.p, '.', s.n) != NULL;
}

static bool look_at(struct span word, bool alone, struct proxylink_found *out)
{
    size_t start = start_of(word);
    bool scheme = start < word.n;
    struct span s = scheme ? behind(word, start) : word;
    if (!alone || start > 0) s = without_punctuation(s);
    if (s.n == 0 || (!scheme && !is_bare(s, alone))) return false;
    out->text = s;
    out->why = NULL;
    out->err = proxylink_read(s, &out->link, &out->why);
    return out->err == ERR_OK || (scheme && meant(s));
}

bool proxylink_next(struct span *rest, struct proxylink_found *out)
{
    bool line_start = true;
    while (rest->n > 0) {
        size_t n = 0;
        while (n < rest->n && parts_words(rest->p[n])) line_start = rest->p[n++] == '\n' || line_start;
        *rest = behind(*rest, n);
        for (n = 0; n < rest->n && !parts_words(rest->p[n]);) n++;
        if (n == 0) return false;
        struct span word = span_of(rest->p, n);
        *rest = behind(*rest, n);
        size_t after = 0;
        while (after < rest->n && rest->p[after] != '\n' && isspace(rest->p[after])) after++;
        bool alone = line_start && (after == rest->n || rest->p[after] == '\n');
        line_start = false;
        if (look_at(word, alone, out)) return true;
    }
    return false;
}
