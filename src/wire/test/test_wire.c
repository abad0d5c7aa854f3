// SPDX-License-Identifier: Apache-2.0
//
// wire: every message read and written again; cut, lengthened and patched in every way that the specification refuses.
#include "unit.h"

#include "wire/samples.h"

static enum err read_any(struct span m, struct buf *again)
{
    struct wire_request q;
    struct wire_reply r;
    bool request = m.n > 0 && m.p[0] < WIRE_R_OK;
    enum err e = request ? wire_read_request(m, &q) : wire_read_reply(m, &r);
    if (e != ERR_OK) return e;
    if (request) wire_write_request(again, &q);
    else wire_write_reply(again, &r);
    return buf_end(again);
}

static void round_trip(void *arg, const char *name, struct span m)
{
    struct buf again;
    buf_init(&again, WIRE_FRAME_MAX);
    if (m.n == 0) fail_msg("%s does not encode", name);
    assert_ok(read_any(m, &again));
    if (!span_eq(m, buf_span(&again))) fail_msg("%s encodes to other bytes", name);
    buf_wipe(&again);
    (*(size_t *)arg)++;
}

static void every_type_comes_back_as_it_was(void **state)
{
    (void)state;
    size_t n = 0;
    samples_all(round_trip, &n);
    assert_int_equal(n, 42);
}

// Cut anywhere, a message is none; with a byte more, neither. The copy has no room beyond its end, for ASan.
static void cut(void *arg, const char *name, struct span m)
{
    struct buf again;
    (void)arg;
    buf_init(&again, WIRE_FRAME_MAX);
    for (size_t n = 0; n <= m.n + 1; n++) {
        if (n == m.n) continue;
        uint8_t *copy = calloc(1, n > 0 ? n : 1);
        assert_non_null(copy);
        if (n > 0) memcpy(copy, m.p, n < m.n ? n : m.n);
        if (read_any(span_of(copy, n), &again) == ERR_OK) fail_msg("%s is read with %zu of %zu bytes", name, n, m.n);
        free(copy);
    }
    buf_wipe(&again);
}

static void no_part_of_a_message_is_one(void **state)
{
    (void)state;
    samples_all(cut, NULL);
}

// Whatever byte is changed: what still reads encodes to what was read.
static void patch(void *arg, const char *name, struct span m)
{
    uint8_t copy[1024];
    (void)arg;
    assert_true(m.n < sizeof copy);
    for (size_t i = 0; i < m.n; i++) {
        for (unsigned x = 1; x < 256; x = x < 16 ? x + 1 : x * 2 + 1) {
            struct buf again;
            buf_init(&again, WIRE_FRAME_MAX);
            memcpy(copy, m.p, m.n);
            copy[i] ^= (uint8_t)x;
            if (read_any(span_of(copy, m.n), &again) == ERR_OK && !span_eq(span_of(copy, m.n), buf_span(&again))) {
                fail_msg("%s, byte %zu: two encodings of one message", name, i);
            }
            buf_wipe(&again);
        }
    }
}

static void there_is_one_encoding_of_everything(void **state)
{
    (void)state;
    samples_all(patch, NULL);
}

// -------------------------------------------------------------------------------------------------- rules, one by one

static enum err request_error(struct wire_request q)
{
    struct buf out;
    struct wire_request back;
    buf_init(&out, 4 * WIRE_FRAME_MAX);
    q.id = q.type == WIRE_CREDIT ? q.id : q.id == 0 ? 1 : q.id;
    wire_write_request(&out, &q);
    assert_ok(buf_end(&out));
    enum err e = wire_read_request(buf_span(&out), &back);
    if (e != ERR_OK) assert_true(back.type == 0 && back.id == 0 && back.payload.n == 0);
    buf_wipe(&out);
    return e;
}

static uint8_t zeros[WIRE_FRAME_MAX];

static struct wire_request append_of(size_t n)
{
    return (struct wire_request){
        .type = WIRE_LOG_APPEND, .log = SAMPLES_LOG, .key = SAMPLES_KEY, .payload = span_of(zeros, n)};
}

static void payloads_have_limits(void **state)
{
    (void)state;
    assert_int_equal(request_error(append_of(0)), ERR_MALFORMED);
    assert_ok(request_error(append_of(1)));
    assert_ok(request_error(append_of(WIRE_ENTRY_MAX)));
    assert_int_equal(request_error(append_of(WIRE_ENTRY_MAX + 1)), ERR_LIMIT);
    struct wire_request s = append_of(WIRE_SIGNAL_MAX);
    s.type = WIRE_SIGNAL;
    assert_ok(request_error(s));
    s.payload.n++;
    assert_int_equal(request_error(s), ERR_LIMIT);
    struct wire_request chunk = {.type = WIRE_BLOB_APPEND, .blob = SAMPLES_BLOB, .key = SAMPLES_KEY};
    assert_int_equal(request_error(chunk), ERR_MALFORMED);
    chunk.payload = span_of(zeros, WIRE_CHUNK_MAX);
    assert_ok(request_error(chunk));
    chunk.payload.n++;
    assert_int_equal(request_error(chunk), ERR_LIMIT);
    struct wire_request host = {.type = WIRE_HOST};
    assert_int_equal(request_error(host), ERR_MALFORMED);
    host.password = span_of(zeros, WIRE_PASSWORD_MAX);
    assert_ok(request_error(host));
    host.password.n++;
    assert_int_equal(request_error(host), ERR_LIMIT);
}

static void ids_credit_and_types_are_held(void **state)
{
    (void)state;
    const uint8_t no_id[] = {WIRE_UNFOLLOW, 0, 0, 0, 0, 0, 0, 0, 1};
    const uint8_t unknown[] = {0x3f, 0, 0, 0, 1};
    const uint8_t reply[] = {WIRE_R_OK, 0, 0, 0, 1}, push[] = {WIRE_P_ENDED, 0, 0, 0, 1, 0, 0, 0, 1, 3};
    struct wire_request q;
    struct wire_reply r;
    assert_int_equal(wire_read_request(span_of(no_id, sizeof no_id), &q), ERR_MALFORMED);
    assert_int_equal(wire_read_request(span_of(unknown, sizeof unknown), &q), ERR_UNSUPPORTED);
    assert_int_equal(wire_read_request(span_of(reply, sizeof reply), &q), ERR_MALFORMED);
    assert_ok(wire_read_reply(span_of(reply, sizeof reply), &r));
    assert_int_equal(wire_read_reply(span_of(push, sizeof push), &r), ERR_MALFORMED); // a push has no id
    struct wire_request credit = {.type = WIRE_CREDIT, .credit = INT32_MAX};
    assert_ok(request_error(credit));
    credit.credit++;
    assert_int_equal(request_error(credit), ERR_MALFORMED);
    credit = (struct wire_request){.type = WIRE_CREDIT, .credit = 1, .id = 7};
    assert_int_equal(request_error(credit), ERR_MALFORMED);
    struct wire_request hello = {.type = WIRE_HELLO};
    assert_int_equal(request_error(hello), ERR_MALFORMED); // no version
    hello.versions = span_of(zeros, 3);
    assert_int_equal(request_error(hello), ERR_MALFORMED);
}

static enum err create_with(const struct wire_grant *g, size_t n)
{
    struct buf list;
    buf_init(&list, WIRE_FRAME_MAX);
    for (size_t i = 0; i < n; i++) wire_put_grant(&list, &g[i]);
    enum err e = request_error((struct wire_request){.type = WIRE_LOG_CREATE, .log = SAMPLES_LOG, .grants = buf_span(&list)});
    buf_wipe(&list);
    return e;
}

static void grants_keep_their_rules(void **state)
{
    (void)state;
    const uint8_t all = WIRE_READ | WIRE_APPEND | WIRE_ADVANCE | WIRE_ADMIN;
    struct wire_grant g = samples_grant(0x70, all, 0, WIRE_NO_END), two[] = {g, g}, many[WIRE_GRANTS_MAX + 1];
    assert_ok(create_with(&g, 1));
    assert_int_equal(create_with(&g, 0), ERR_MALFORMED);
    assert_int_equal(create_with(two, 2), ERR_MALFORMED); // one hash twice
    for (size_t i = 0; i <= WIRE_GRANTS_MAX; i++) many[i] = samples_grant((uint8_t)i, all, 0, WIRE_NO_END);
    assert_ok(create_with(many, WIRE_GRANTS_MAX));
    assert_int_equal(create_with(many, WIRE_GRANTS_MAX + 1), ERR_LIMIT);
    const uint8_t wrong[] = {0, 16, 0xff, WIRE_ADVANCE, WIRE_ADVANCE | WIRE_ADMIN};
    for (size_t i = 0; i < sizeof wrong; i++) {
        g.rights = wrong[i];
        assert_int_equal(create_with(&g, 1), ERR_MALFORMED);
    }
    g.rights = WIRE_READ | WIRE_APPEND; // nobody could ever administer it, nor advance
    assert_int_equal(create_with(&g, 1), ERR_MALFORMED);
    g = samples_grant(0x70, all, 6, 5);
    assert_int_equal(create_with(&g, 1), ERR_MALFORMED);
    g.to_seq = 6;
    assert_ok(create_with(&g, 1));
}

static enum err follow_with(const uint32_t *tags, size_t n)
{
    struct buf list;
    buf_init(&list, 2 * WIRE_FRAME_MAX);
    for (size_t i = 0; i < n; i++) {
        wire_put_follow(&list, &(struct wire_follow){.tag = tags[i], .log = SAMPLES_LOG, .key = SAMPLES_KEY});
    }
    enum err e = request_error((struct wire_request){.type = WIRE_FOLLOW, .follows = buf_span(&list)});
    buf_wipe(&list);
    return e;
}

static void tags_differ(void **state)
{
    (void)state;
    static uint32_t tags[WIRE_FOLLOWS_MAX + 1];
    assert_int_equal(follow_with(tags, 0), ERR_MALFORMED);
    for (size_t i = 0; i <= WIRE_FOLLOWS_MAX; i++) tags[i] = (uint32_t)(i * 2654435761u); // all differ
    assert_ok(follow_with(tags, WIRE_FOLLOWS_MAX));
    assert_int_equal(follow_with(tags, WIRE_FOLLOWS_MAX + 1), ERR_LIMIT);
    for (size_t at = 1; at < WIRE_FOLLOWS_MAX; at = at * 3 + 1) {
        uint32_t old = tags[at];
        tags[at] = tags[0];
        assert_int_equal(follow_with(tags, WIRE_FOLLOWS_MAX), ERR_MALFORMED);
        tags[at] = old;
    }
}

static void packages_keep_their_rules(void **state)
{
    (void)state;
    struct wire_request put = {.type = WIRE_PACKAGE_PUT, .log = SAMPLES_LOG, .key = SAMPLES_KEY, .device = SAMPLES_DEVICE};
    struct buf list;
    buf_init(&list, 2 * WIRE_FRAME_MAX);
    assert_int_equal(request_error(put), ERR_MALFORMED); // nothing to put
    put.last_resort = span_of(zeros, WIRE_PACKAGE_MAX);
    assert_ok(request_error(put));
    put.last_resort.n++;
    assert_int_equal(request_error(put), ERR_LIMIT);
    put.last_resort.n = 0;
    wire_put_package(&list, span_of(NULL, 0));
    put.packages = buf_span(&list);
    assert_int_equal(request_error(put), ERR_MALFORMED); // an empty one
    buf_wipe(&list);
    for (size_t i = 0; i < WIRE_PACKAGES_MAX; i++) wire_put_package(&list, span_of(zeros, 5));
    put.packages = buf_span(&list);
    assert_ok(request_error(put));
    wire_put_package(&list, span_of(zeros, 5));
    put.packages = buf_span(&list);
    assert_int_equal(request_error(put), ERR_LIMIT);
    buf_wipe(&list);
}

static void refusals_say_what_was_wrong(void **state)
{
    (void)state;
    struct buf out;
    struct wire_reply r;
    struct wire_request q = append_of(WIRE_ENTRY_MAX + 1);
    buf_init(&out, 2 * WIRE_FRAME_MAX);
    q.id = 99;
    wire_write_request(&out, &q);
    wire_refuse(buf_span(&out), &r);
    assert_true(r.type == WIRE_R_ERROR && r.id == 99 && r.code == WIRE_E_LIMIT && r.detail == WIRE_ENTRY_MAX);
    out.p[0] = 0x3e;
    wire_refuse(buf_span(&out), &r);
    assert_true(r.id == 99 && r.code == WIRE_E_UNSUPPORTED);
    wire_refuse(span_of(out.p, 3), &r);
    assert_true(r.id == 0 && r.code == WIRE_E_MALFORMED && r.text.n > 0);
    buf_wipe(&out);
    for (int c = -1; c <= WIRE_CODES; c++) {
        assert_non_null(wire_code_name((enum wire_code)c));
        assert_true(strlen(wire_code_text((enum wire_code)c)) <= WIRE_TEXT_MAX);
    }
}

// A push's head and a list make the same bytes as the whole message.
static void a_push_is_a_head_and_a_list(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 30, 63, 64, 300, 16000, 17000, 60000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct buf list, whole, parts;
        uint8_t head[16];
        buf_init(&list, WIRE_FRAME_MAX);
        buf_init(&whole, WIRE_FRAME_MAX);
        buf_init(&parts, WIRE_FRAME_MAX);
        wire_put_entry(&list, &(struct wire_entry){.seq = 1, .payload = span_of(zeros, sizes[i])});
        wire_write_reply(&whole,
                         &(struct wire_reply){.type = WIRE_P_ENTRIES, .tag = 0x01020304, .entries = buf_span(&list)});
        buf_put(&parts, span_of(head, wire_push_head(0x01020304, list.n, head)));
        buf_put(&parts, buf_span(&list));
        assert_true(span_eq(buf_span(&whole), buf_span(&parts)));
        struct wire_reply r;
        struct wire_entry e;
        assert_ok(wire_read_reply(buf_span(&parts), &r));
        assert_true(wire_next_entry(&r.entries, &e) && e.payload.n == sizes[i] && r.entries.n == 0 && r.tag == 0x01020304);
        buf_wipe(&list);
        buf_wipe(&whole);
        buf_wipe(&parts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_comes_back_as_it_was), cmocka_unit_test(no_part_of_a_message_is_one),
        cmocka_unit_test(there_is_one_encoding_of_everything), cmocka_unit_test(payloads_have_limits),
        cmocka_unit_test(ids_credit_and_types_are_held), cmocka_unit_test(grants_keep_their_rules),
        cmocka_unit_test(tags_differ), cmocka_unit_test(packages_keep_their_rules),
        cmocka_unit_test(refusals_say_what_was_wrong), cmocka_unit_test(a_push_is_a_head_and_a_list),
    };
    return unit_run("wire", tests);
}
