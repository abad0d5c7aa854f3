// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as MIMI content, as a report of status, and as CBOR. What is read is written again as the same bytes; every span lies
// inside the input; parts make up a tree.
#include "kit.h"

#include "codec/cbor.h"
#include "content/attach.h"
#include "content/content.h"

static struct content message;

static void within(struct span whole, struct span s)
{
    must(s.n == 0 || (s.p >= whole.p && s.p + s.n <= whole.p + whole.n));
}

static bool any(void *arg, const struct content_part *part)
{
    (void)arg;
    return part->cardinality == CONTENT_SINGLE;
}

static void look(struct span bytes)
{
    must(message.part_count >= 1 && message.part_count <= CONTENT_PARTS_MAX);
    must(content_span(&message, 0) == message.part_count);
    size_t chosen = content_choose(&message, any, NULL);
    must(chosen == SIZE_MAX || message.parts[chosen].cardinality == CONTENT_SINGLE);
    for (size_t i = 0; i < message.part_count; i++) {
        const struct content_part *p = &message.parts[i];
        const struct content_external *x = &p->external;
        const struct span spans[] = {p->language, p->type, p->body, x->url, x->key, x->nonce, x->aad, x->digest, x->description, x->filename};
        for (size_t k = 0; k < sizeof spans / sizeof *spans; k++) within(bytes, spans[k]);
        must(i + content_span(&message, i) <= message.part_count);
    }
    for (size_t i = 0; i < message.extension_count; i++) {
        within(bytes, message.extensions[i].key);
        within(bytes, message.extensions[i].value);
    }
}

// A file that is read is within its limits; what is sent of it is read as the same.
static void look_at_file(struct span bytes)
{
    static struct content again;
    uint8_t memory[ATTACH_MEMORY];
    struct attach a, b;
    if (attach_read(&message, &a) != ERR_OK) return;
    within(bytes, a.relay);
    within(bytes, a.name);
    within(bytes, a.text);
    within(bytes, a.media.waveform);
    within(bytes, a.media.thumb);
    content_init(&again, message.salt, CONTENT_RENDER, "", span_of(NULL, 0));
    must_ok(attach_fill(&a, memory, &again));
    must_ok(attach_read(&again, &b));
    must(a.size == b.size && memcmp(a.blob, b.blob, ATTACH_BLOB) == 0 && span_eq(a.relay, b.relay));
    must(a.media.width == b.media.width && span_eq(a.media.thumb, b.media.thumb) && span_eq(a.type, b.type));
}

void fuzz_open(void) {}

void fuzz_one(struct span bytes)
{
    static struct content_report reports[CONTENT_STATUS_MAX];
    struct buf again;
    size_t n = 0;
    buf_init(&again, 2 * CONTENT_MESSAGE_MAX);
    if (content_decode(bytes, &message) == ERR_OK) {
        look(bytes);
        look_at_file(bytes);
        must_ok(content_encode(&message, &again));
        must(span_eq(buf_span(&again), bytes));
    } else if (content_read_report(bytes, reports, CONTENT_STATUS_MAX, &n) == ERR_OK) {
        content_put_report(&again, reports, n);
        must_ok(buf_end(&again));
        must(span_eq(buf_span(&again), bytes));
    }
    buf_wipe(&again);
    struct cbor_reader r = cbor_reader_of(bytes);
    struct span item = cbor_any(&r, 16);
    within(bytes, item);
    must((item.n > 0) == (r.err == ERR_OK));
}

// ------------------------------------------------------------------------------------------------------------- seeds

#define BYTES(x) span_of(x, sizeof x - 1)

static void keep(const char *folder, const char *name, const struct content *c)
{
    struct buf b;
    buf_init(&b, CONTENT_MESSAGE_MAX);
    must_ok(content_encode(c, &b));
    kit_seed(folder, name, buf_span(&b));
    buf_wipe(&b);
}

static void keep_tree(const char *folder)
{
    static struct content c;
    const uint8_t salt[CONTENT_SALT] = {4};
    content_init(&c, salt, CONTENT_RENDER, "text/html", span_str("<p>tea</p>"));
    c.parts[2] = c.parts[0];
    c.parts[0] = (struct content_part){.cardinality = CONTENT_MULTI, .semantics = CONTENT_CHOOSE_ONE, .children = 2};
    c.parts[1] = (struct content_part){.disposition = CONTENT_RENDER, .cardinality = CONTENT_MULTI,
                                       .semantics = CONTENT_PROCESS_ALL, .children = 2, .language = span_str("en")};
    c.parts[3] = (struct content_part){.disposition = CONTENT_PREVIEW, .cardinality = CONTENT_EXTERNAL, .type = span_str("image/png")};
    c.parts[3].external = (struct content_external){.url = span_str("whimbrel-blob:"), .size = 70000, .encryption = 0xfc02,
                                                    .key = span_str("key"), .nonce = span_str("nonce"), .hash = 1,
                                                    .digest = span_str("digest"), .filename = span_str("tea.png")};
    c.parts[4] = (struct content_part){.cardinality = CONTENT_NULL};
    c.part_count = 5;
    keep(folder, "tree", &c);
}

static void keep_file(const char *folder)
{
    static struct content c;
    const uint8_t salt[CONTENT_SALT] = {5};
    uint8_t memory[ATTACH_MEMORY];
    struct attach a = {
        .relay = span_str("wss://a:1/b#c"), .blob = {1}, .size = 70000, .key = {.key = {2}}, .digest = {3}};
    a.name = span_str("tea.png");
    a.type = span_str("image/png");
    a.text = span_str("Tea");
    a.media = (struct attach_media){true, 40, 30, 5000, span_str("waves"), span_str("thumb"), span_str("image/png")};
    content_init(&c, salt, CONTENT_RENDER, "", span_of(NULL, 0));
    must_ok(attach_fill(&a, memory, &c));
    keep(folder, "file", &c);
}

void fuzz_seeds(const char *folder)
{
    static struct content c;
    const uint8_t salt[CONTENT_SALT] = {1};
    content_init(&c, salt, CONTENT_RENDER, CONTENT_TYPE_MARKDOWN, span_str("Tea at *six*?"));
    keep(folder, "text", &c);
    c.replies = true;
    c.expires = c.expires_after_reading = true;
    c.expires_at = 3600;
    c.sender = span_str("whimbrel:u/a");
    c.room = span_str("whimbrel:r/b");
    c.topic = span_str("tea");
    keep(folder, "reply", &c);
    c.replaces = true;
    c.parts[0] = (struct content_part){.disposition = CONTENT_RENDER};
    c.extensions[0] = (struct content_extension){BYTES("\x00"), BYTES("\x82\xf9\x3e\x00\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a")};
    c.extensions[1] = (struct content_extension){BYTES("\x20"), BYTES("\xa2\x01\xc2\x49\x01\x02\x03\x04\x05\x06\x07\x08\x09\x41x\x81\xf5")};
    c.extensions[2] = (struct content_extension){BYTES("\x61y"), BYTES("\xf6")};
    c.extension_count = 3;
    keep(folder, "delete", &c);
    keep_tree(folder);
    keep_file(folder);

    struct buf b;
    const uint8_t id[CONTENT_ID] = {1};
    const struct content_report reports[] = {{id, CONTENT_READ}, {id, CONTENT_DELIVERED}};
    buf_init(&b, 1000);
    content_put_report(&b, reports, 2);
    kit_seed(folder, "report", buf_span(&b));
    buf_wipe(&b);
}
