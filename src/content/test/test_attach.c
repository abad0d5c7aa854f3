// SPDX-License-Identifier: Apache-2.0
//
// Messages that bring files: what goes in comes out, what makes no sense is left out, and what could not be fetched is no file.
#include "unit.h"

#include "content/attach.h"

#define RELAY "wss://relay.example:443/secret#pin"

static const uint8_t salt[CONTENT_SALT] = {7};
static struct content message, back;

static struct attach photo(void)
{
    struct attach a = {
        .relay = span_str(RELAY), .blob = {1, 2, 3}, .size = 70000, .digest = {9}, .expires = 1800000000};
    a.key = (struct file_key){.key = {4}, .prefix = {5}};
    a.name = span_str("tea.jpg");
    a.type = span_str("image/jpeg");
    return a;
}

// Encoded and decoded again. *bytes holds what `back` points into.
static void send(const struct attach *a, struct buf *bytes)
{
    uint8_t memory[ATTACH_MEMORY];
    buf_init(bytes, CONTENT_MESSAGE_MAX);
    content_init(&message, salt, CONTENT_RENDER, "", span_of(NULL, 0));
    assert_ok(attach_fill(a, memory, &message));
    assert_ok(content_encode(&message, bytes));
    assert_ok(content_decode(buf_span(bytes), &back));
}

static void assert_same(struct span a, struct span b)
{
    assert_int_equal(a.n, b.n);
    if (a.n > 0) assert_memory_equal(a.p, b.p, a.n);
}

static void all_of_it_comes_back(void **state)
{
    (void)state;
    struct attach a = photo(), b;
    struct buf bytes;
    uint8_t wave[ATTACH_WAVE_MAX] = {1, 200, 3};
    send(&a, &bytes);
    assert_int_equal(back.part_count, 1); // a file alone is one part
    assert_int_equal(back.extension_count, 0);
    buf_wipe(&bytes);
    a.text = span_str("On *Sunday*");
    a.media = (struct attach_media){.voice = true, .width = 4000, .height = 3000, .duration = 61500};
    a.media.waveform = span_of(wave, sizeof wave);
    a.media.thumb = span_of(wave, 3);
    a.media.thumb_type = span_str("image/webp");
    send(&a, &bytes);
    assert_int_equal(back.part_count, 4);
    assert_ok(attach_read(&back, &b));
    assert_same(b.relay, a.relay);
    assert_memory_equal(b.blob, a.blob, ATTACH_BLOB);
    assert_memory_equal(&b.key, &a.key, sizeof a.key);
    assert_memory_equal(b.digest, a.digest, FILE_DIGEST);
    assert_true(b.size == a.size && b.expires == a.expires);
    assert_same(b.name, a.name);
    assert_same(b.type, a.type);
    assert_same(b.text, a.text);
    assert_true(b.media.voice && b.media.width == 4000 && b.media.height == 3000 && b.media.duration == 61500);
    assert_same(b.media.waveform, a.media.waveform);
    assert_same(b.media.thumb, a.media.thumb);
    assert_same(b.media.thumb_type, a.media.thumb_type);
    buf_wipe(&bytes);
}

static void what_is_beyond_its_limit_is_not_sent(void **state)
{
    (void)state;
    uint8_t memory[ATTACH_MEMORY];
    static uint8_t much[ATTACH_THUMB_MAX + 1];
    for (int i = 0; i < 8; i++) {
        struct attach a = photo();
        if (i == 0) a.relay = span_of(NULL, 0);
        if (i == 1) a.type = span_str("image");
        if (i == 2) a.name = span_of("\xff", 1);
        if (i == 3) a.media.width = ATTACH_PIXELS_MAX + 1;
        if (i == 4) a.media.waveform = span_of(much, ATTACH_WAVE_MAX + 1);
        if (i == 5)
            a.media = (struct attach_media){.thumb = span_of(much, sizeof much), .thumb_type = span_str("image/png")};
        if (i == 6) a.media = (struct attach_media){.thumb = span_of(much, 1), .thumb_type = span_str("image/svg+xml")};
        if (i == 7) a.size = FILE_MAX + 1;
        content_init(&message, salt, CONTENT_RENDER, "", span_of(NULL, 0));
        assert_int_equal(attach_fill(&a, memory, &message), ERR_INVALID);
    }
}

static void what_makes_no_sense_is_left_out(void **state)
{
    (void)state;
    struct attach a = photo(), b;
    struct buf bytes;
    a.media.width = 5;
    a.media.thumb = span_str("x");
    a.media.thumb_type = span_str("image/png");
    send(&a, &bytes);
    back.parts[1].type = span_str("text/html; x=\"y\"");
    back.parts[2].type = span_str("image/svg+xml");
    back.extensions[0].value = span_of("\xa1\x02\x1a\xff\xff\xff\xff", 7); // a width that nothing has
    assert_ok(attach_read(&back, &b));
    assert_same(b.type, span_str(ATTACH_ANY_TYPE));
    assert_true(b.media.width == 0 && b.media.thumb.n == 0);
    back.extensions[0].value = span_of("\xa2\x02\x07\x18\x63\x80", 6); // a key of a later version
    assert_ok(attach_read(&back, &b));
    assert_int_equal(b.media.width, 7);
    buf_wipe(&bytes);
}

static void what_cannot_be_fetched_is_no_file(void **state)
{
    (void)state;
    struct attach a = photo(), b;
    struct buf bytes;
    for (int i = 0; i < 9; i++) {
        send(&a, &bytes);
        struct content_external *x = &back.parts[0].external;
        if (i == 0) x->url = span_str("https://example.org/tea.jpg");
        if (i == 1) x->url = span_str("whimbrel-blob:AQID@" RELAY);
        if (i == 2) x->encryption = 1;
        if (i == 3) x->key.n--;
        if (i == 4) x->nonce.n++;
        if (i == 5) x->hash = 2;
        if (i == 6) x->digest.n = 0;
        if (i == 7) x->size = FILE_MAX + 1;
        if (i == 8) x->url.n = sizeof "whimbrel-blob:" - 1 + 44;
        assert_int_equal(attach_read(&back, &b), ERR_NOT_FOUND);
        buf_wipe(&bytes);
    }
    content_init(&message, salt, CONTENT_RENDER, CONTENT_TYPE_MARKDOWN, span_str("Tea?"));
    assert_int_equal(attach_read(&message, &b), ERR_NOT_FOUND);
}

static void types_are_told_apart(void **state)
{
    (void)state;
    const char *const good[] = {"image/jpeg", "application/vnd.oasis.opendocument.text", "audio/x-m4a", "a/b"};
    const char *const bad[] = {"", "/", "a/", "/b", "a/b/c", "Image/png", "text/html;x", "text/ html", "-a/b"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert_true(attach_is_type(span_str(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(attach_is_type(span_str(bad[i])));
    assert_false(attach_is_type(span_of("a/b\0c", 5)));
    assert_true(attach_is_picture(span_str("image/avif")));
    assert_false(attach_is_picture(span_str("image/svg+xml")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_it_comes_back),
        cmocka_unit_test(what_is_beyond_its_limit_is_not_sent),
        cmocka_unit_test(what_makes_no_sense_is_left_out),
        cmocka_unit_test(what_cannot_be_fetched_is_no_file),
        cmocka_unit_test(types_are_told_apart),
    };
    return unit_run("content-attach", tests);
}
