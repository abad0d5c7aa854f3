// SPDX-License-Identifier: Apache-2.0
//
// Reading of vectors' JSON. No value is trusted to have the type that the format gives it.
#include "vectors/field.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

static struct field nowhere(struct trial *t) { return (struct field){.t = t}; }

struct field field_root(struct trial *t, const json_t *json)
{
    if (!json_is_object(json)) trial_fail(t, "the case is no JSON object");
    return (struct field){.t = t, .json = json_is_object(json) ? json : NULL};
}

struct field field_get(const struct field *of, const char *key)
{
    if (of->t->failed || of->json == NULL) return nowhere(of->t);
    struct field f = {.t = of->t, .json = json_object_get(of->json, key)};
    (void)snprintf(f.name, sizeof f.name, "%.60s%s%.32s", of->name, of->name[0] != '\0' ? "." : "", key);
    if (!json_is_object(of->json)) trial_fail(of->t, "%s: no object", of->name);
    if (f.json == NULL) trial_fail(of->t, "%s: the field is missing", f.name);
    return f;
}

bool field_has(const struct field *of, const char *key)
{
    const json_t *v = json_object_get(of->json, key);
    return v != NULL && !json_is_null(v);
}

bool field_null(const struct field *f) { return f->json == NULL || json_is_null(f->json); }

size_t field_count(const struct field *array)
{
    if (array->t->failed || array->json == NULL) return 0;
    if (!json_is_array(array->json)) trial_fail(array->t, "%s: no array", array->name);
    return json_array_size(array->json);
}

struct field field_item(const struct field *array, size_t i)
{
    if (array->t->failed || array->json == NULL) return nowhere(array->t);
    struct field f = {.t = array->t, .json = json_array_get(array->json, i)};
    (void)snprintf(f.name, sizeof f.name, "%.70s[%zu]", array->name, i);
    if (f.json == NULL) trial_fail(array->t, "%s: the element is missing", f.name);
    return f;
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

struct span field_bytes(const struct field *f)
{
    const struct span none = span_of(NULL, 0);
    if (f->t->failed || f->json == NULL) return none;
    const char *s = json_string_value(f->json);
    size_t n = json_string_length(f->json);
    if (s == NULL) trial_fail(f->t, "%s: no text", f->name);
    if (n % 2 != 0) trial_fail(f->t, "%s: hexadecimal text with an odd number of digits", f->name);
    uint8_t *b = f->t->failed ? NULL : trial_bytes(f->t, n / 2);
    for (size_t i = 0; b != NULL && i < n / 2; i++) {
        int high = nibble(s[2 * i]), low = nibble(s[2 * i + 1]);
        if (high < 0 || low < 0) {
            trial_fail(f->t, "%s: no hexadecimal digit at position %zu", f->name, 2 * i + (high >= 0));
            return none;
        }
        b[i] = (uint8_t)(high << 4 | low);
    }
    return b != NULL ? span_of(b, n / 2) : none;
}

// A number that field_parse has put in quotes because it needs 64 bits. False if it is none.
static bool quoted_number(const json_t *json, uint64_t *out)
{
    const char *s = json_string_value(json);
    if (s == NULL || *s == '\0' || json_string_length(json) > 20) return false;
    for (*out = 0; *s != '\0'; s++) {
        unsigned digit = (unsigned)*s - '0';
        if (digit > 9 || *out > (UINT64_MAX - digit) / 10) return false;
        *out = *out * 10 + digit;
    }
    return true;
}

uint64_t field_number(const struct field *f, uint64_t max)
{
    if (f->t->failed || f->json == NULL) return 0;
    uint64_t v = 0;
    if (json_is_integer(f->json)) {
        if (json_integer_value(f->json) < 0) trial_fail(f->t, "%s: negative", f->name);
        v = (uint64_t)json_integer_value(f->json);
    } else if (!quoted_number(f->json, &v)) {
        trial_fail(f->t, "%s: no whole number of up to 64 bits", f->name);
    }
    if (v > max) trial_fail(f->t, "%s: %" PRIu64 " is above %" PRIu64, f->name, v, max);
    return f->t->failed ? 0 : v;
}

const char *field_text(const struct field *f)
{
    if (f->t->failed || f->json == NULL) return "";
    const char *s = json_string_value(f->json);
    if (s == NULL) trial_fail(f->t, "%s: no text", f->name);
    else if (strlen(s) != json_string_length(f->json)) trial_fail(f->t, "%s: text with a NUL", f->name);
    return f->t->failed ? "" : s;
}

struct span field_get_bytes(const struct field *of, const char *key)
{
    struct field f = field_get(of, key);
    return field_bytes(&f);
}

uint64_t field_get_number(const struct field *of, const char *key, uint64_t max)
{
    struct field f = field_get(of, key);
    return field_number(&f, max);
}

const char *field_get_text(const struct field *of, const char *key)
{
    struct field f = field_get(of, key);
    return field_text(&f);
}

// ------------------------------------------------------------------------------------------------------- parsing

enum { LONG_DIGITS = 19 }; // 2^63 - 1 has that many

// A copy of the text in which whole numbers of 19 digits or more stand in quotes. NULL without memory.
static char *quote_long_numbers(const char *text, size_t n, size_t *out_n)
{
    char *out = mem_new_array(n, 2);
    size_t at = 0;
    bool inside = false;
    for (size_t i = 0; out != NULL && i < n;) {
        size_t digits = 0;
        while (!inside && i + digits < n && isdigit((unsigned char)text[i + digits])) digits++;
        char after = i + digits < n ? text[i + digits] : ' ';
        bool quote = digits >= LONG_DIGITS && after != '.' && after != 'e' && after != 'E';
        if (digits == 0) {
            if (text[i] == '"') inside = !inside;
            digits = inside && text[i] == '\\' && i + 1 < n ? 2 : 1;
        }
        if (quote) out[at++] = '"';
        memcpy(out + at, text + i, digits);
        at += digits;
        if (quote) out[at++] = '"';
        i += digits;
    }
    *out_n = at;
    return out;
}

json_t *field_parse(const char *text, size_t n, char *why, size_t size)
{
    json_error_t e;
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL;
    json_t *root = json_loadb(text, n, flags, &e);
    if (root == NULL && json_error_code(&e) == json_error_numeric_overflow) {
        size_t quoted_n = 0;
        char *quoted = quote_long_numbers(text, n, &quoted_n);
        if (quoted != NULL) root = json_loadb(quoted, quoted_n, flags, &e);
        mem_free(quoted);
    }
    if (root == NULL) (void)snprintf(why, size, "line %d, column %d: %s", e.line, e.column, e.text);
    return root;
}
