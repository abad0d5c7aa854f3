// SPDX-License-Identifier: Apache-2.0
//
// What content is: which kind of message, about which other one, and what of it is shown. Nothing is decided here by who wrote it, or by what is
// in the history. Invariant: whatever the bytes, there is an answer, and its spans lie inside them.
#include "history/history.h"

#include "base/utf8.h"

static bool is_type(struct span type, const char *text) { return span_eq(type, span_str(text)); }

static bool is_text(void *arg, const struct content_part *p)
{
    (void)arg;
    return p->cardinality == CONTENT_SINGLE && p->type.n > 5 && memcmp(p->type.p, "text/", 5) == 0 && utf8_ok(p->body);
}

static bool is_file(void *arg, const struct content_part *p)
{
    (void)arg;
    return p->cardinality == CONTENT_EXTERNAL;
}

static const char *control_type(enum history_kind kind)
{
    switch (kind) {
    case HISTORY_STATUS: return CONTENT_TYPE_STATUS;
    case HISTORY_CARD: return HISTORY_CARD_TYPE;
    case HISTORY_TIMER: return HISTORY_TIMER_TYPE;
    case HISTORY_AGAIN: return HISTORY_AGAIN_TYPE;
    default: return HISTORY_LEAVE_TYPE;
    }
}

// One part alone, of a type that is the engine's own.
static bool read_control(const struct content *c, struct history_shape *out)
{
    const struct content_part *p = &c->parts[0];
    for (enum history_kind k = HISTORY_STATUS;
         c->part_count == 1 && p->cardinality == CONTENT_SINGLE && k <= HISTORY_LEAVE; k++) {
        if (!is_type(p->type, control_type(k))) continue;
        out->kind = k;
        out->body = p->body;
        return true;
    }
    return false;
}

static bool is_empty(const struct content *c) { return c->part_count == 1 && c->parts[0].cardinality == CONTENT_NULL; }

static void read_shown(const struct content *c, struct history_shape *out)
{
    size_t text = content_choose(c, is_text, NULL), file = content_choose(c, is_file, NULL);
    if (file != SIZE_MAX) {
        const struct content_part *p = &c->parts[file];
        out->kind = HISTORY_FILE;
        out->type = p->type;
        out->body = text != SIZE_MAX ? c->parts[text].body : p->external.filename;
    } else if (text != SIZE_MAX && c->parts[text].disposition != CONTENT_SESSION) {
        out->kind = HISTORY_TEXT;
        out->type = c->parts[text].type;
        out->body = c->parts[text].body;
    } else {
        out->kind = HISTORY_UNKNOWN;
        out->type = is_empty(c) ? span_str("") : c->parts[0].type;
    }
}

// A reaction that is one: an emoji's worth of text, or nothing, which takes it back.
static bool is_reaction(const struct content *c)
{
    const struct content_part *p = &c->parts[0];
    if (p->disposition != CONTENT_REACTION || c->part_count != 1) return false;
    return p->cardinality == CONTENT_NULL || (is_text(NULL, p) && p->body.n <= HISTORY_REACTION_MAX);
}

static void read_kind(const struct content *c, struct history_shape *out)
{
    read_shown(c, out);
    out->is_about = c->replaces || c->replies;
    if (out->is_about) memcpy(out->about, c->replaces ? c->replaced : c->replied, CONTENT_ID);
    if (c->replaces) out->kind = is_empty(c) ? HISTORY_DELETE : HISTORY_EDIT;
    else if (c->parts[0].disposition == CONTENT_REACTION)
        out->kind = c->replies && is_reaction(c) ? HISTORY_REACTION : HISTORY_UNKNOWN;
    else if (c->replies && out->kind == HISTORY_TEXT) out->kind = HISTORY_REPLY;
}

enum err history_shape(struct span content, struct history_shape *out)
{
    struct content *c = mem_new(sizeof *c);
    if (c == NULL) return ERR_MEMORY;
    enum err e = content_decode(content, c);
    *out = (struct history_shape){.kind = HISTORY_UNKNOWN, .readable = e == ERR_OK};
    if (e == ERR_OK && !read_control(c, out)) read_kind(c, out);
    if (e == ERR_OK && c->expires) {
        out->after_reading = c->expires_after_reading;
        if (out->after_reading) out->lives = c->expires_at;
        else out->expires = c->expires_at == 0 ? 1 : (uint64_t)c->expires_at * 1000;
    }
    if (!utf8_ok(out->type)) out->type = span_str("");
    mem_free_wiped(c, sizeof *c);
    return e == ERR_MEMORY ? e : ERR_OK;
}
