// SPDX-License-Identifier: Apache-2.0
//
// MIMI content: the examples of the draft, byte for byte and with the ids that they name; every field of messages made
// here; each way to be malformed or too large; and reports of status.
#include "unit.h"

#include "codec/cbor.h"
#include "content/content.h"

static FILE *open_example(const char *name, const char *end)
{
    const char *folders[] = {getenv("WHIMBREL_VECTORS"), "../shared/vectors", "../../shared/vectors"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char path[512];
        if (folders[i] == NULL) continue;
        (void)snprintf(path, sizeof path, "%s/mimi/%s.%s", folders[i], name, end);
        FILE *f = fopen(path, "rb");
        if (f != NULL) return f;
    }
    return NULL;
}

static const char *const examples[] = {
    "original", "reply",    "reaction",   "mention",      "mention-html", "edit",        "delete",
    "unlike",   "expiring", "attachment", "conferencing", "multipart-1",  "multipart-2", "multipart-3"};
enum { EXAMPLES = sizeof examples / sizeof *examples };

// The id that stands in the comments at the top of the example.
static void named_id(const char *name, uint8_t id[CONTENT_ID])
{
    FILE *f = open_example(name, "edn");
    char line[200], hex[2 * CONTENT_ID + 1] = "";
    bool in_id = false;
    size_t n = 0;
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL && line[0] == '#' && n < 2 * CONTENT_ID) {
        const char *p = strstr(line, "message ID = h'");
        in_id = in_id || p != NULL;
        p = p != NULL ? p + strlen("message ID = h'") : line;
        for (; in_id && *p != 0 && n < 2 * CONTENT_ID; p++) {
            if (strchr("0123456789abcdef", *p) != NULL) hex[n++] = *p;
        }
    }
    fclose(f);
    assert_int_equal(n, 2 * CONTENT_ID);
    for (size_t i = 0; i < CONTENT_ID; i++) {
        unsigned v;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &v), 1);
        id[i] = (uint8_t)v;
    }
}

static void the_drafts_examples_are_read_and_written(void **state)
{
    struct crypto *crypto = NULL;
    static struct content c;
    (void)state;
    assert_ok(crypto_new(&crypto));
    for (size_t i = 0; i < EXAMPLES; i++) {
        uint8_t bytes[8000], id[CONTENT_ID], named[CONTENT_ID];
        FILE *f = open_example(examples[i], "cbor");
        if (f == NULL) {
            print_message("# skipped: no mimi/%s.cbor; set WHIMBREL_VECTORS\n", examples[i]);
            break;
        }
        struct span message = span_of(bytes, fread(bytes, 1, sizeof bytes, f));
        fclose(f);
        enum err e = content_decode(message, &c);
        if (e != ERR_OK) fail_msg("%s: %s", examples[i], err_text(e));
        struct buf again;
        buf_init(&again, sizeof bytes);
        assert_ok(content_encode(&c, &again));
        assert_int_equal(again.n, message.n);
        assert_memory_equal(again.p, message.p, message.n);
        buf_wipe(&again);
        assert_ok(content_id(crypto, c.sender, c.room, message, id));
        named_id(examples[i], named);
        assert_memory_equal(id, named, CONTENT_ID);
    }
    crypto_free(crypto);
}

// ------------------------------------------------------------------------------------------------- messages made here

static const uint8_t salt[CONTENT_SALT] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

static struct content *plain(void)
{
    struct content *c = malloc(sizeof *c);
    assert_non_null(c);
    content_init(c, salt, CONTENT_RENDER, CONTENT_TYPE_PLAIN, span_str("Tea at six?"));
    return c;
}

static enum err encode(const struct content *c, struct buf *out)
{
    buf_init(out, 100000);
    return content_encode(c, out);
}

static struct content_part leaf(const char *text)
{
    return (struct content_part){.disposition = CONTENT_RENDER, .cardinality = CONTENT_SINGLE, .type = span_str("text/plain"),
                                 .body = span_str(text)};
}

static struct content_part multi(unsigned semantics, uint16_t children)
{
    return (struct content_part){.cardinality = CONTENT_MULTI, .semantics = (uint8_t)semantics, .children = children};
}

static void fill(struct content *c)
{
    c->replaces = c->replies = c->expires = c->expires_after_reading = true;
    memset(c->replaced, 0xaa, CONTENT_ID);
    memset(c->replied, 0xbb, CONTENT_ID);
    c->expires_at = 3600;
    c->topic = span_str("lunch");
    c->sender = span_str("mimi://a.example/u/alice");
    c->room = span_str("mimi://a.example/r/tea");
    c->extensions[0] = (struct content_extension){.key = span_of("\x00", 1), .value = span_str("\xf5")};
    c->extensions[1] = (struct content_extension){.key = span_str("\x03"), .value = span_str("\x82\x01\x02")};
    c->extensions[2] = (struct content_extension){.key = span_str("\x20"), .value = span_str("\x61z")};
    c->extensions[3] = (struct content_extension){.key = span_str("\x61y"), .value = span_str("\xa1\x01\x02")};
    c->extension_count = 4;
    c->parts[0] = multi(CONTENT_PROCESS_ALL, 2);
    c->parts[1] = leaf("words");
    c->parts[1].language = span_str("de-AT");
    c->parts[2] = (struct content_part){.disposition = CONTENT_ATTACHMENT, .cardinality = CONTENT_EXTERNAL,
                                        .type = span_str("image/png")};
    c->parts[2].external = (struct content_external){
        .url = span_str("whimbrel-blob:x"), .expires = 5, .size = (uint64_t)1 << 40, .encryption = 0xfc02,
        .key = span_str("key"), .nonce = span_str("nonce"), .aad = span_str("aad"), .hash = 1, .digest = span_str("digest"),
        .description = span_str("a cup"), .filename = span_str("cup.png")};
    c->part_count = 3;
}

static void every_field_comes_back(void **state)
{
    struct content *c = plain(), *d = malloc(sizeof *d);
    struct buf b, again;
    (void)state;
    assert_non_null(d);
    fill(c);
    assert_ok(encode(c, &b));
    assert_ok(content_decode(buf_span(&b), d));
    assert_true(d->replaces && d->replies && d->expires && d->expires_after_reading);
    assert_memory_equal(d->salt, salt, CONTENT_SALT);
    assert_memory_equal(d->replaced, c->replaced, CONTENT_ID);
    assert_memory_equal(d->replied, c->replied, CONTENT_ID);
    assert_int_equal(d->expires_at, 3600);
    assert_true(span_eq(d->topic, c->topic) && span_eq(d->sender, c->sender) && span_eq(d->room, c->room));
    assert_int_equal(d->extension_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_true(span_eq(d->extensions[i].key, c->extensions[i].key));
        assert_true(span_eq(d->extensions[i].value, c->extensions[i].value));
    }
    assert_int_equal(d->part_count, 3);
    assert_true(span_eq(d->parts[1].language, span_str("de-AT")) && span_eq(d->parts[1].body, span_str("words")));
    const struct content_external *x = &d->parts[2].external, *y = &c->parts[2].external;
    assert_true(span_eq(x->url, y->url) && span_eq(x->key, y->key) && span_eq(x->nonce, y->nonce) && span_eq(x->aad, y->aad));
    assert_true(span_eq(x->digest, y->digest) && span_eq(x->description, y->description) && span_eq(x->filename, y->filename));
    assert_true(x->expires == 5 && x->size == y->size && x->encryption == 0xfc02 && x->hash == 1);
    assert_ok(encode(d, &again));
    assert_true(span_eq(buf_span(&again), buf_span(&b)));
    buf_wipe(&again);
    buf_wipe(&b);
    free(c);
    free(d);
}

static void parts_that_are_no_tree_are_not_written(void **state)
{
    struct content *c = plain();
    struct buf b;
    (void)state;
    const struct {
        const char *what;
        struct content_part parts[8];
        size_t n;
    } trees[] = {
        {"nothing", {{0}}, 0},
        {"a multipart without its children", {multi(0, 2), leaf("a")}, 2},
        {"a multipart of one", {multi(0, 1), leaf("a")}, 2},
        {"two roots", {leaf("a"), leaf("b")}, 2},
        {"too deep", {multi(0, 2), multi(0, 2), multi(0, 2), multi(0, 2), leaf("a"), leaf("b"), leaf("c"), leaf("d")}, 8},
        {"semantics of its own", {multi(3, 2), leaf("a"), leaf("b")}, 3},
        {"a cardinality of its own", {{.cardinality = 4}}, 1},
    };
    for (size_t i = 0; i < sizeof trees / sizeof *trees; i++) {
        memcpy(c->parts, trees[i].parts, sizeof trees[i].parts);
        c->part_count = trees[i].n;
        if (encode(c, &b) != ERR_MISUSE) fail_msg("%s was written", trees[i].what);
        assert_int_equal(b.n, 0);
        buf_wipe(&b);
    }
    static uint8_t large[CONTENT_MESSAGE_MAX];
    c->parts[0] = leaf("a");
    c->part_count = 1;
    c->parts[0].type = span_str("\xff");
    assert_int_equal(encode(c, &b), ERR_MISUSE);
    buf_wipe(&b);
    c->parts[0] = leaf("a");
    c->parts[0].body = span_of(large, sizeof large);
    assert_int_equal(encode(c, &b), ERR_LIMIT);
    buf_wipe(&b);
    free(c);
}

static void extensions_out_of_order_are_not_written(void **state)
{
    struct content *c = plain();
    struct buf b;
    (void)state;
    const struct {
        struct content_extension e[2];
        size_t n;
    } extensions[] = {
        {{{span_str("\x05"), span_str("\xf6")}, {span_str("\x05"), span_str("\xf6")}}, 2},
        {{{span_str("\x06"), span_str("\xf6")}, {span_str("\x05"), span_str("\xf6")}}, 2},
        {{{span_str("\x01"), span_str("\x61x")}}, 1}, // that is the sender's
        {{{span_str("\x05"), span_str("\xf6\xf6")}}, 1},
        {{{span_str("\x05"), span_str("\x81\x81\x81\x81\xf6")}}, 1},
        {{{span_str("\xf6"), span_str("\xf6")}}, 1},
        {{{span_str("\x60"), span_str("\xf6")}}, 1},
        {{{span_str("\x41x"), span_str("\xf6")}}, 1},
    };
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++) {
        memcpy(c->extensions, extensions[i].e, sizeof extensions[i].e);
        c->extension_count = extensions[i].n;
        assert_int_equal(encode(c, &b), ERR_MISUSE);
        buf_wipe(&b);
    }
    free(c);
}

// ------------------------------------------------------------------------------------------------------ malformed ones

// An encoded message, cut at each byte, and with each byte changed: an error, or the same bytes written again.
static void damaged_messages_are_refused_or_mean_what_they_say(void **state)
{
    struct content *c = plain(), *d = malloc(sizeof *d), *untouched = malloc(sizeof *d);
    struct buf b;
    (void)state;
    assert_true(d != NULL && untouched != NULL);
    c->replies = true;
    c->extensions[0] = (struct content_extension){.key = span_str("\x03"), .value = span_str("\x82\x01\xa1\x02\x03")};
    c->extension_count = 1;
    c->parts[0] = multi(CONTENT_CHOOSE_ONE, 2);
    c->parts[1] = leaf("a");
    c->parts[2] = (struct content_part){.cardinality = CONTENT_EXTERNAL};
    c->part_count = 3;
    assert_ok(encode(c, &b));
    memset(d, 0x5a, sizeof *d);
    memcpy(untouched, d, sizeof *d);
    for (size_t n = 0; n < b.n; n++) assert_int_equal(content_decode(span_of(b.p, n), d), ERR_MALFORMED);
    assert_memory_equal(d, untouched, sizeof *d);
    for (size_t i = 0; i < b.n; i++) {
        uint8_t was = b.p[i];
        for (unsigned v = 0; v < 256; v++) {
            b.p[i] = (uint8_t)v;
            if (content_decode(buf_span(&b), d) != ERR_OK) continue;
            struct buf again;
            assert_ok(encode(d, &again));
            assert_true(span_eq(buf_span(&again), buf_span(&b)));
            buf_wipe(&again);
        }
        b.p[i] = was;
    }
    buf_wipe(&b);
    free(c);
    free(d);
    free(untouched);
}

// Puts pieces of an encoding together: a salt, the fields between, and a body.
static enum err decode_pieces(const char *fields, size_t fields_n, const char *part, size_t part_n)
{
    static struct content c;
    struct buf b;
    buf_init(&b, 100000);
    buf_put_u8(&b, 0x87);
    cbor_put_bytes(&b, span_of(salt, sizeof salt));
    buf_put(&b, span_of(fields, fields_n));
    buf_put(&b, span_of(part, part_n));
    enum err e = content_decode(buf_span(&b), &c);
    buf_wipe(&b);
    return e;
}
#define PIECES(fields, part) decode_pieces(fields, sizeof fields - 1, part, sizeof part - 1)
#define NO_FIELDS "\xf6\x40\xf6\xf6\xa0"
#define EXTENSION(x) "\xf6\x40\xf6\xf6\xa1" x
#define A_PART "\x83\x01\x60\x00"
#define TWO(x) "\x85\x01\x60\x03\x00\x82" x A_PART

static void each_rule_of_the_fields_holds(void **state)
{
    (void)state;
    assert_ok(PIECES(NO_FIELDS, A_PART));
    assert_int_equal(PIECES(NO_FIELDS, A_PART "\xf6"), ERR_MALFORMED);
    // ids of another length; topics that are text; expiry
    assert_int_equal(PIECES("\x41x\x40\xf6\xf6\xa0", A_PART), ERR_MALFORMED);
    assert_int_equal(PIECES("\xf6\x60\xf6\xf6\xa0", A_PART), ERR_MALFORMED);
    assert_ok(PIECES("\xf6\x40\x82\xf4\x1a\xff\xff\xff\xff\xf6\xa0", A_PART));
    assert_int_equal(PIECES("\xf6\x40\x82\xf4\x1b\x00\x00\x00\x01\x00\x00\x00\x00\xf6\xa0", A_PART), ERR_MALFORMED);
    assert_int_equal(PIECES("\xf6\x40\x82\x00\x01\xf6\xa0", A_PART), ERR_MALFORMED);
    assert_int_equal(PIECES("\xf6\x40\x83\xf4\x01\x01\xf6\xa0", A_PART), ERR_MALFORMED);
    // extensions: both URIs are text and not empty; keys; depth
    assert_ok(PIECES(EXTENSION("\x01\x61x"), A_PART));
    assert_int_equal(PIECES(EXTENSION("\x01\x60"), A_PART), ERR_MALFORMED);
    assert_int_equal(PIECES(EXTENSION("\x02\x41x"), A_PART), ERR_MALFORMED);
    assert_int_equal(PIECES("\xf6\x40\xf6\xf6\xa2\x02\x61x\x01\x61x", A_PART), ERR_MALFORMED);
    assert_int_equal(PIECES(EXTENSION("\x41x\x01"), A_PART), ERR_MALFORMED);
    assert_ok(PIECES(EXTENSION("\x1b\x00\x1f\xff\xff\xff\xff\xff\xff\x01"), A_PART));
    assert_int_equal(PIECES(EXTENSION("\x1b\x00\x20\x00\x00\x00\x00\x00\x00\x01"), A_PART), ERR_MALFORMED);
    assert_ok(PIECES(EXTENSION("\x3b\x00\x1f\xff\xff\xff\xff\xff\xfe\x01"), A_PART));
    assert_int_equal(PIECES(EXTENSION("\x3b\x00\x1f\xff\xff\xff\xff\xff\xff\x01"), A_PART), ERR_MALFORMED);
    assert_int_equal(PIECES(EXTENSION("\x3b\x00\x20\x00\x00\x00\x00\x00\x00\x01"), A_PART), ERR_MALFORMED);
    assert_ok(PIECES(EXTENSION("\x03\x81\x81\xd8\x20\x61x"), A_PART));
    assert_int_equal(PIECES(EXTENSION("\x03\x81\x81\x81\xd8\x20\x61x"), A_PART), ERR_MALFORMED);
}

static void each_rule_of_the_parts_holds(void **state)
{
    (void)state;
    // lengths that do not fit what they are, values out of range
    assert_int_equal(PIECES(NO_FIELDS, "\x84\x01\x60\x00\x00"), ERR_MALFORMED);
    assert_int_equal(PIECES(NO_FIELDS, "\x83\x01\x60\x04"), ERR_MALFORMED);
    assert_ok(PIECES(NO_FIELDS, "\x83\x18\xff\x60\x00"));
    assert_int_equal(PIECES(NO_FIELDS, "\x83\x19\x01\x00\x60\x00"), ERR_MALFORMED);
    assert_int_equal(PIECES(NO_FIELDS, "\x85\x01\x60\x03\x00\x81" A_PART), ERR_MALFORMED);
    assert_int_equal(PIECES(NO_FIELDS, "\x85\x01\x60\x03\x03\x82" A_PART A_PART), ERR_MALFORMED);
    assert_ok(PIECES(NO_FIELDS, "\x85\x01\x60\x03\x02\x82" A_PART A_PART));
    assert_ok(PIECES(NO_FIELDS, TWO(TWO(TWO(A_PART)))));
    assert_int_equal(PIECES(NO_FIELDS, TWO(TWO(TWO(TWO(A_PART))))), ERR_LIMIT);
}

static void limits_are_told_from_malformed(void **state)
{
    static struct content c;
    static uint8_t large[CONTENT_MESSAGE_MAX + 1];
    struct buf b;
    (void)state;
    assert_int_equal(content_decode(span_of(large, sizeof large), &c), ERR_LIMIT);
    for (unsigned children = CONTENT_PARTS_MAX - 1; children <= CONTENT_PARTS_MAX; children++) { // and their parent
        buf_init(&b, 10000);
        buf_put(&b, span_of("\x85\x01\x60\x03\x00", 5));
        cbor_put_array(&b, children);
        for (unsigned i = 0; i < children; i++) buf_put(&b, span_of(A_PART, 4));
        enum err e = decode_pieces(NO_FIELDS, 5, (const char *)b.p, b.n);
        assert_int_equal(e, children < CONTENT_PARTS_MAX ? ERR_OK : ERR_LIMIT);
        buf_wipe(&b);
    }
    for (size_t n = CONTENT_TOPIC_MAX; n <= CONTENT_TOPIC_MAX + 1; n++) {
        enum err want = n > CONTENT_TOPIC_MAX ? ERR_LIMIT : ERR_OK;
        struct content *message = plain();
        message->topic = span_of(large, n);
        assert_int_equal(encode(message, &b), want);
        buf_wipe(&b);
        free(message);
        buf_init(&b, 20000);
        cbor_put_null(&b);
        cbor_put_bytes(&b, span_of(large, n));
        buf_put(&b, span_of("\xf6\xf6\xa0", 3));
        assert_int_equal(decode_pieces((const char *)b.p, b.n, A_PART, 4), want);
        buf_wipe(&b);
    }
    buf_init(&b, 20000);
    buf_put(&b, span_str("\xf6\x40\xf6\xf6"));
    cbor_put_map(&b, CONTENT_EXTENSIONS_MAX + 1);
    for (unsigned i = 0; i <= CONTENT_EXTENSIONS_MAX; i++) {
        cbor_put_uint(&b, 1000 + i);
        cbor_put_null(&b);
    }
    assert_int_equal(decode_pieces((const char *)b.p, b.n, A_PART, 4), ERR_LIMIT);
    buf_wipe(&b);
    for (size_t n = CONTENT_VALUE_MAX - 3; n <= CONTENT_VALUE_MAX - 2; n++) {
        buf_init(&b, 20000);
        buf_put(&b, span_str(EXTENSION("\x05")));
        cbor_put_bytes(&b, span_of(large, n)); // with a head of three
        enum err e = decode_pieces((const char *)b.p, b.n, A_PART, 4);
        assert_int_equal(e, n + 3 <= CONTENT_VALUE_MAX ? ERR_OK : ERR_LIMIT);
        buf_wipe(&b);
    }
}

// -------------------------------------------------------------------------------------------------------- finding parts

static bool is_text(void *arg, const struct content_part *p)
{
    return p->cardinality == CONTENT_SINGLE && span_eq(p->body, span_str(arg));
}

static size_t choose(const struct content *c, char text)
{
    char wanted[] = {text, 0};
    return content_choose(c, is_text, wanted);
}

static void the_right_part_is_chosen(void **state)
{
    struct content *c = plain();
    (void)state;
    // choose one of: (a and b) as one unit, (c and d) each for itself
    const struct content_part parts[] = {multi(CONTENT_CHOOSE_ONE, 2),  multi(CONTENT_SINGLE_UNIT, 2), leaf("a"), leaf("b"),
                                         multi(CONTENT_PROCESS_ALL, 2), leaf("c"),                     leaf("d")};
    memcpy(c->parts, parts, sizeof parts);
    c->part_count = 7;
    assert_int_equal(content_span(c, 0), 7);
    assert_int_equal(content_span(c, 1), 3);
    assert_int_equal(content_span(c, 4), 3);
    assert_int_equal(content_span(c, 6), 1);
    assert_int_equal(choose(c, 'a'), 2);
    assert_true(choose(c, 'b') == SIZE_MAX); // the unit's first part is what it is about
    assert_int_equal(choose(c, 'c'), 5);
    assert_int_equal(choose(c, 'd'), 6);
    assert_true(choose(c, 'e') == SIZE_MAX);
    free(c);
}

static void ids_depend_on_all_they_should(void **state)
{
    struct crypto *crypto = NULL;
    struct content *c = plain();
    struct buf b, other;
    uint8_t id[CONTENT_ID], again[CONTENT_ID];
    static const uint8_t long_uri[CONTENT_URI_MAX + 1];
    (void)state;
    assert_ok(crypto_new(&crypto));
    assert_ok(encode(c, &b));
    c->salt[0] ^= 1;
    assert_ok(encode(c, &other));
    assert_ok(content_id(crypto, span_str("ab"), span_str("c"), buf_span(&b), id));
    assert_int_equal(id[0], 1);
    assert_ok(content_id(crypto, span_str("a"), span_str("bc"), buf_span(&b), again));
    assert_memory_not_equal(id, again, CONTENT_ID);
    assert_ok(content_id(crypto, span_str("ab"), span_str("c"), buf_span(&other), again));
    assert_memory_not_equal(id, again, CONTENT_ID);
    assert_ok(content_id(crypto, span_str("ab"), span_str("c"), buf_span(&b), again));
    assert_memory_equal(id, again, CONTENT_ID);
    assert_int_equal(content_id(crypto, span_of(long_uri, sizeof long_uri), span_str("c"), buf_span(&b), again), ERR_LIMIT);
    assert_int_equal(content_id(crypto, span_str("ab"), span_str("c"), span_str("\x01"), again), ERR_MALFORMED);
    buf_wipe(&b);
    buf_wipe(&other);
    crypto_free(crypto);
    free(c);
}

// ------------------------------------------------------------------------------------------------------------- status

static struct content_report reports[CONTENT_STATUS_MAX + 1], found[CONTENT_STATUS_MAX + 1];

static void reports_come_back(void **state)
{
    static uint8_t ids[CONTENT_STATUS_MAX + 1][CONTENT_ID];
    const size_t sizes[] = {1, 2, 23, 24, CONTENT_STATUS_MAX};
    (void)state;
    for (size_t i = 0; i <= CONTENT_STATUS_MAX; i++) {
        memset(ids[i], (int)(i & 0xff), CONTENT_ID);
        reports[i] = (struct content_report){.id = ids[i], .status = (uint8_t)(i % (CONTENT_ERROR + 1))};
    }
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        struct buf b;
        size_t n = 0;
        buf_init(&b, 100000);
        content_put_report(&b, reports, sizes[k]);
        assert_ok(buf_end(&b));
        assert_ok(content_read_report(buf_span(&b), found, CONTENT_STATUS_MAX, &n));
        assert_int_equal(n, sizes[k]);
        for (size_t i = 0; i < n; i++) {
            assert_memory_equal(found[i].id, ids[i], CONTENT_ID);
            assert_int_equal(found[i].status, reports[i].status);
        }
        for (size_t cut = 0; cut < b.n && k < 3; cut++) {
            assert_int_equal(content_read_report(span_of(b.p, cut), found, CONTENT_STATUS_MAX, &n), ERR_MALFORMED);
        }
        if (sizes[k] > 1) assert_int_equal(content_read_report(buf_span(&b), found, sizes[k] - 1, &n), ERR_LIMIT);
        buf_wipe(&b);
    }
}

static void reports_that_are_none_are_refused(void **state)
{
    struct buf b;
    size_t n = 77;
    const uint8_t id[CONTENT_ID] = {0};
    (void)state;
    for (size_t i = 0; i <= CONTENT_STATUS_MAX; i++) reports[i] = (struct content_report){.id = id};
    buf_init(&b, 100000);
    content_put_report(&b, reports, CONTENT_STATUS_MAX + 1);
    assert_int_equal(buf_end(&b), ERR_LIMIT);
    buf_wipe(&b);
    assert_int_equal(content_read_report(span_str("\x80"), found, 10, &n), ERR_MALFORMED);
    reports[0].status = CONTENT_ERROR + 1;
    buf_init(&b, 1000);
    content_put_report(&b, reports, 1);
    assert_int_equal(content_read_report(buf_span(&b), found, 10, &n), ERR_MALFORMED);
    assert_int_equal(n, 77);
    buf_wipe(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_drafts_examples_are_read_and_written),
        cmocka_unit_test(every_field_comes_back),
        cmocka_unit_test(parts_that_are_no_tree_are_not_written),
        cmocka_unit_test(extensions_out_of_order_are_not_written),
        cmocka_unit_test(damaged_messages_are_refused_or_mean_what_they_say),
        cmocka_unit_test(each_rule_of_the_fields_holds),
        cmocka_unit_test(each_rule_of_the_parts_holds),
        cmocka_unit_test(limits_are_told_from_malformed),
        cmocka_unit_test(the_right_part_is_chosen),
        cmocka_unit_test(ids_depend_on_all_they_should),
        cmocka_unit_test(reports_come_back),
        cmocka_unit_test(reports_that_are_none_are_refused),
    };
    return unit_run("content", tests);
}
