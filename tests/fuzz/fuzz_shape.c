// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as content, and what of it is shown: whatever they are there is an answer, its spans lie inside the bytes, and what is to be shown as
// text is UTF-8.
#include "kit.h"

#include "base/utf8.h"
#include "history/history.h"

static void within(struct span whole, struct span s)
{
    must(s.n == 0 || (s.p >= whole.p && s.p + s.n <= whole.p + whole.n));
}

void fuzz_open(void) {}

void fuzz_one(struct span bytes)
{
    struct history_shape s;
    must_ok(history_shape(bytes, &s));
    within(bytes, s.type);
    within(bytes, s.body);
    bool control = s.kind >= HISTORY_CONTROL, shown = s.kind == HISTORY_TEXT || s.kind == HISTORY_REPLY;
    must(s.readable || (s.kind == HISTORY_UNKNOWN && s.body.n == 0 && !s.is_about));
    must(control || utf8_ok(s.type));
    must(!shown || utf8_ok(s.body));
    must(s.kind != HISTORY_REACTION || (s.is_about && s.body.n <= HISTORY_REACTION_MAX && utf8_ok(s.body)));
    must((s.kind != HISTORY_EDIT && s.kind != HISTORY_DELETE && s.kind != HISTORY_REPLY) || s.is_about);
    must(s.kind != HISTORY_NOTICE); // which nobody sends
}

// ------------------------------------------------------------------------------------------------------------- seeds

static void keep(const char *folder, const char *name, const struct content *c)
{
    struct buf b;
    buf_init(&b, CONTENT_MESSAGE_MAX);
    must_ok(content_encode(c, &b));
    kit_seed(folder, name, buf_span(&b));
    buf_wipe(&b);
}

void fuzz_seeds(const char *folder)
{
    static struct content c;
    const uint8_t salt[CONTENT_SALT] = {4};
    content_init(&c, salt, CONTENT_RENDER, CONTENT_TYPE_MARKDOWN, span_str("Tea?"));
    c.expires = c.expires_after_reading = true;
    c.expires_at = 60;
    keep(folder, "text", &c);
    c.replies = true;
    keep(folder, "reply", &c);
    c.replaces = true;
    keep(folder, "edit", &c);
    c.parts[0] = (struct content_part){.cardinality = CONTENT_NULL};
    keep(folder, "delete", &c);
    content_init(&c, salt, CONTENT_REACTION, CONTENT_TYPE_PLAIN, span_str("+"));
    c.replies = true;
    keep(folder, "reaction", &c);
    content_init(&c, salt, CONTENT_SESSION, HISTORY_TIMER_TYPE, span_of("\0\0\0\1", 4));
    keep(folder, "timer", &c);
    content_init(&c, salt, CONTENT_RENDER, "image/png", span_str("png"));
    keep(folder, "unknown", &c);
}
