// SPDX-License-Identifier: Apache-2.0
//
// Files on their way to a real relay and back, in this process, with a vault on disk: sizes around chunks and windows, connections
// cut and engines ended at every request, files that change, and blobs that are not what was sent.
#include "transfer/hall.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

// -------------------------------------------------------------------------------------------------------------- tests

// None, one chunk, the edges of chunks and of the window that is sealed at a time.
static void files_come_as_they_were_sent(void **state)
{
    static const size_t sizes[] = {0,
                                   1,
                                   FILE_CHUNK - 1,
                                   FILE_CHUNK,
                                   FILE_CHUNK + 1,
                                   2 * FILE_CHUNK,
                                   32 * FILE_CHUNK - 1,
                                   32 * FILE_CHUNK,
                                   32 * FILE_CHUNK + 1,
                                   5000000};
    struct hall *h = hall_open(NULL);
    char path[200];
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        hall_file(h, "a file", sizes[i], path);
        struct transfer_ref ref = hall_send(h, path);
        assert_true(ref.size == sizes[i]);
        int64_t id = hall_get(h, &ref);
        hall_save(h, id, "saved", sizes[i]);
        struct buf b;
        buf_init(&b, sizes[i]);
        assert_ok(transfer_bytes(h->t, id, &b));
        assert_int_equal(b.n, sizes[i]);
        buf_wipe(&b);
        hall_drop(h, id);
    }
    assert_true(h->progress > 0);
    assert_int_equal(hall_files(h), 0);
    hall_close(h);
}

static void bytes_come_as_they_were_sent(void **state)
{
    static const size_t sizes[] = {0, 100, FILE_CHUNK, 40 * FILE_CHUNK + 7};
    struct hall *h = hall_open(NULL);
    const struct transfer_to to = {.relay = h->address, .use = USE, .owner = OWNER};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct transfer_ref ref;
        struct buf in, out;
        int64_t id = 0;
        buf_init(&in, sizes[i]);
        buf_init(&out, sizes[i]);
        uint8_t *p = buf_grow(&in, sizes[i]);
        for (size_t k = 0; k < sizes[i]; k++) p[k] = byte_at(k);
        db_begin(&h->db);
        assert_ok(transfer_put(h->t, buf_span(&in), &to, &id, &ref));
        assert_ok(db_commit(&h->db));
        assert_int_equal(hall_files(h), 1);
        transfer_settle(h->t);
        hall_run(h, 1);
        assert_int_equal(h->told[0].state, TRANSFER_DONE);
        assert_memory_equal(h->told[0].ref.digest, ref.digest, FILE_DIGEST);
        hall_drop(h, id);
        id = hall_get(h, &ref);
        assert_ok(transfer_bytes(h->t, id, &out));
        assert_true(span_eq(buf_span(&in), buf_span(&out)));
        hall_drop(h, id);
        buf_wipe(&in);
        buf_wipe(&out);
    }
    db_begin(&h->db); // a transaction that does not come about leaves nothing
    struct transfer_ref ref;
    int64_t id = 0;
    assert_ok(transfer_put(h->t, span_str("never"), &to, &id, &ref));
    db_rollback(&h->db);
    transfer_settle(h->t);
    assert_int_equal(hall_files(h), 0);
    hall_close(h);
}

// Whatever the relay lets be under way, few requests or very many.
static void any_number_may_be_under_way(void **state)
{
    static const char *const numbers[] = {"1", "2", "4096"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const char *const settings[] = {"hosting", "yes", "in_flight_max", numbers[i], NULL};
        struct hall *h = hall_open(settings);
        char path[200];
        hall_file(h, "a file", 300000, path);
        struct transfer_ref ref = hall_send(h, path);
        hall_save(h, hall_get(h, &ref), "saved", 300000);
        hall_close(h);
    }
}

// In pieces of any size; they are there until they are sent, or given up, and can be read at once.
static void pieces_are_sealed_as_they_come(void **state)
{
    enum { SIZE = 3 * FILE_CHUNK + 7, PIECE = 50001 };
    struct hall *h = hall_open(NULL);
    const struct transfer_to to = {.relay = h->address, .use = USE, .owner = OWNER};
    static uint8_t bytes[SIZE];
    struct transfer_draft *d = NULL;
    int64_t draft = 0, id = 0;
    uint64_t size = 0;
    (void)state;
    for (size_t i = 0; i < SIZE; i++) bytes[i] = byte_at(i);
    assert_ok(transfer_draft_new(h->t, SIZE, &d));
    for (size_t at = 0; at < SIZE; at += PIECE)
        assert_ok(transfer_draft_add(d, span_of(bytes + at, SIZE - at < PIECE ? SIZE - at : PIECE)));
    assert_int_equal(transfer_draft_add(d, span_str("x")), ERR_INVALID);
    assert_ok(transfer_draft_end(d, &draft));
    db_begin(&h->db); // a transaction that does not come about changes nothing
    assert_ok(transfer_send_draft(h->t, draft, &to, &id, &size));
    assert_int_equal(transfer_send_draft(h->t, draft, &to, &id, &size), ERR_NOT_FOUND);
    db_rollback(&h->db);
    transfer_settle(h->t);
    db_begin(&h->db);
    assert_ok(transfer_send_draft(h->t, draft, &to, &id, &size));
    assert_ok(db_commit(&h->db));
    transfer_settle(h->t);
    assert_int_equal(size, SIZE);
    assert_int_equal(transfer_draft_drop(h->t, draft), ERR_NOT_FOUND);
    hall_run(h, 1);
    assert_int_equal(h->told[0].state, TRANSFER_DONE);
    hall_save(h, id, "own copy", SIZE);
    struct transfer_ref ref = h->told[0].ref;
    int64_t come = hall_get(h, &ref);
    hall_save(h, come, "saved", SIZE);
    db_begin(&h->db);
    assert_ok(transfer_shed(h->t, id)); // one's own copy goes, what came stays
    assert_ok(db_commit(&h->db));
    transfer_settle(h->t);
    assert_int_equal(hall_files(h), 1);
    assert_true(transfer_stored(h->t) == file_sealed_size(SIZE));
    struct transfer_reader *r = NULL;
    assert_int_equal(transfer_reader_new(h->t, id, &r), ERR_REFUSED);
    hall_close(h);
}

static void a_draft_that_nobody_sends_goes(void **state)
{
    struct hall *h = hall_open(NULL);
    struct transfer_draft *d = NULL;
    int64_t draft = 0;
    (void)state;
    assert_ok(transfer_draft_new(h->t, 5, &d));
    assert_ok(transfer_draft_add(d, span_str("tea")));
    assert_int_equal(transfer_draft_end(d, &draft), ERR_INVALID);
    transfer_draft_free(d);
    assert_int_equal(hall_files(h), 0);
    assert_ok(transfer_draft_new(h->t, 3, &d));
    assert_ok(transfer_draft_add(d, span_str("tea")));
    assert_ok(transfer_draft_end(d, &draft));
    transfer_settle(h->t);
    assert_int_equal(hall_files(h), 1);
    assert_ok(transfer_draft_drop(h->t, draft));
    assert_int_equal(hall_files(h), 0);
    assert_int_equal(transfer_draft_new(h->t, FILE_MAX + 1, &d), ERR_LIMIT);
    assert_ok(transfer_draft_new(h->t, 3, &d)); // one that is coming when all ends
    hall_close(h);
}

static void any_part_can_be_read(void **state)
{
    enum { SIZE = 2 * FILE_CHUNK + 100 };
    static const uint64_t places[] = {0, 1, FILE_CHUNK - 1, FILE_CHUNK, 2 * FILE_CHUNK + 99, 5, 2 * FILE_CHUNK};
    struct hall *h = hall_open(NULL);
    char path[200];
    struct transfer_reader *r = NULL;
    (void)state;
    hall_file(h, "a file", SIZE, path);
    struct transfer_ref ref = hall_send(h, path);
    int64_t id = hall_get(h, &ref);
    assert_ok(transfer_reader_new(h->t, id, &r));
    hall_drop(h, id); // what is open can be read
    assert_true(transfer_reader_size(r) == SIZE);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct buf b;
        buf_init(&b, 1000);
        assert_ok(transfer_reader_read(r, places[i], &b));
        uint64_t end = (places[i] / FILE_CHUNK + 1) * FILE_CHUNK, n = (end < SIZE ? end : SIZE) - places[i];
        assert_int_equal(b.n, n < 1000 ? n : 1000);
        for (size_t k = 0; k < b.n; k++) assert_int_equal(b.p[k], byte_at(places[i] + k));
        b.n = 0;
        assert_ok(transfer_reader_read(r, SIZE, &b));
        assert_int_equal(b.n, 0);
        buf_wipe(&b);
    }
    transfer_reader_free(r);
    assert_int_equal(transfer_reader_new(h->t, id, &r), ERR_NOT_FOUND);
    hall_close(h);
}

// The relay has nothing of it any more, though it was whole there.
static void what_is_taken_back_is_gone(void **state)
{
    struct hall *h = hall_open(NULL);
    char path[200];
    (void)state;
    hall_file(h, "a file", 70000, path);
    struct transfer_ref ref = hall_send(h, path);
    int64_t id = h->told[0].id;
    db_begin(&h->db);
    assert_ok(transfer_unsend(h->t, id));
    assert_ok(db_commit(&h->db));
    transfer_wake(h->t);
    (void)hall_begin_get(h, &ref);
    hall_fails(h, "not on the relay any more");
    hall_close(h);
}

// The connection is cut, or everything is ended and begun anew, at the k-th time that a request may be sent.
static void cut_everywhere(bool end)
{
    enum { SIZE = 3 * 32 * FILE_CHUNK / 2 }; // a window and a half
    struct hall *h = hall_open(NULL);
    char path[200];
    unsigned k = 1;
    hall_file(h, "a file", SIZE, path);
    for (bool cut = true; cut; k += k < 30 ? 1 : 17) { // the stages in front each, then some of many alike
        h->asked = 0;
        *(end ? &h->end_at : &h->cut_at) = k;
        struct transfer_ref ref = hall_send(h, path);
        cut = end ? h->end_at == 0 : h->asked >= k;
        h->asked = 0;
        *(end ? &h->end_at : &h->cut_at) = k;
        int64_t id = hall_get(h, &ref);
        h->end_at = h->cut_at = 0;
        hall_save(h, id, "saved", SIZE);
        hall_drop(h, id);
    }
    assert_true(k > 60);
    hall_close(h);
}

static void a_cut_at_any_moment_loses_nothing(void **state)
{
    (void)state;
    cut_everywhere(false);
}

static void an_end_at_any_moment_loses_nothing(void **state)
{
    (void)state;
    cut_everywhere(true);
}

static void append_to(const char *path, const char *text)
{
    FILE *f = fopen(path, "a");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

// Changed between being sent and being read; it is said, and sent as it is now when it is asked for again.
static void a_file_that_changed_is_noticed(void **state)
{
    struct hall *h = hall_open(NULL);
    char path[200];
    (void)state;
    hall_file(h, "a file", 100000, path);
    int64_t id = hall_begin_send(h, path);
    append_to(path, "more");
    hall_fails(h, "changed");
    uint8_t key[FILE_KEY];
    memcpy(key, h->told[0].ref.key.key, FILE_KEY);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(transfer_resume(h->t, id), ERR_NOT_FOUND);
    hall_file(h, "a file", 70000, path);
    assert_ok(transfer_resume(h->t, id));
    hall_run(h, 1);
    assert_int_equal(h->told[0].state, TRANSFER_DONE);
    assert_memory_not_equal(key, h->told[0].ref.key.key, FILE_KEY); // nothing else is sealed under the key of the first
    struct transfer_ref ref = h->told[0].ref;
    hall_save(h, hall_get(h, &ref), "saved", 70000);
    hall_close(h);
}

// The file's content changes, its size and time do not: what was sealed before must not be sealed otherwise.
static void no_key_seals_two_contents(void **state)
{
    enum { SIZE = 40 * FILE_CHUNK };
    struct hall *h = hall_open(NULL);
    char path[200];
    struct stat st;
    (void)state;
    hall_file(h, "a file", SIZE, path);
    h->at_progress = true;
    h->told_n = h->want = 0;
    (void)hall_begin_send(h, path);
    net_loop_run(h->loop); // some of it is there
    h->at_progress = false;
    hall_end(h);
    assert_int_equal(stat(path, &st), 0);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "!", 1, 10), 1);
    const struct timespec times[2] = {st.st_atim, st.st_mtim};
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
    hall_begin(h);
    hall_connect(h);
    hall_fails(h, "changed");
    hall_close(h);
}

static void an_end_that_is_not_stored_comes_again(void **state)
{
    struct hall *h = hall_open(NULL);
    char path[200];
    (void)state;
    hall_file(h, "a file", 1000, path);
    h->refuse_end = 1;
    struct transfer_ref ref = hall_send(h, path);
    assert_int_equal(h->refuse_end, 0);
    assert_true(ref.size == 1000);
    hall_close(h);
}

// ---------------------------------------------------------------------------------------------------- relays that lie

static void make_blob(struct client *c, uint8_t blob, struct span bytes, size_t sealed)
{
    struct wire_request r = of_blob(WIRE_BLOB_CREATE, blob, blob);
    r.size = bytes.n;
    assert_code(client_ask(c, r), WIRE_OK);
    for (size_t at = 0; at < sealed; at += WIRE_CHUNK_MAX) {
        r = of_blob(WIRE_BLOB_APPEND, blob, blob);
        r.offset = at;
        r.payload = span_of(bytes.p + at, sealed - at < WIRE_CHUNK_MAX ? sealed - at : WIRE_CHUNK_MAX);
        assert_code(client_ask(c, r), WIRE_OK);
    }
    r = of_blob(WIRE_BLOB_SEAL, blob, blob);
    r.size = sealed;
    assert_code(client_ask(c, r), WIRE_OK);
}

static void read_blob(struct client *c, const uint8_t *blob, struct buf *out)
{
    const struct wire_reply *a;
    do {
        a = client_ask(c, (struct wire_request){.type = WIRE_BLOB_READ, .blob = blob, .offset = out->n});
        assert_int_equal(a->type, WIRE_R_CHUNK);
        buf_put(out, a->data);
    } while (a->data.n > 0);
    assert_ok(buf_end(out));
}

static void refuses(struct hall *h, const struct transfer_ref *ref, uint8_t blob, const char *words)
{
    struct transfer_ref other = *ref;
    struct buf b;
    memcpy(other.blob, of_blob(WIRE_BLOB_STAT, blob, blob).blob, WIRE_ID);
    int64_t id = hall_begin_get(h, &other);
    hall_fails(h, words);
    buf_init(&b, 1 << 24);
    assert_int_equal(transfer_bytes(h->t, id, &b), ERR_REFUSED); // nobody is shown anything
    buf_wipe(&b);
    hall_drop(h, id);
}

static void what_was_not_sent_is_refused(void **state)
{
    enum { SIZE = 3 * FILE_CHUNK + 100 };
    struct hall *h = hall_open(NULL);
    struct client c;
    struct buf sealed;
    char path[200];
    (void)state;
    hall_file(h, "a file", SIZE, path);
    struct transfer_ref ref = hall_send(h, path);
    client_open(&c, &h->scene, 0);
    buf_init(&sealed, 1 << 20);
    read_blob(&c, ref.blob, &sealed);
    assert_true(sealed.n == file_sealed_size(SIZE));
    uint8_t *p = sealed.p;
    make_blob(&c, 1, buf_span(&sealed), sealed.n);
    refuses(h, &ref, 99, "expired"); // there is none
    p[2 * FILE_SEALED + 5] ^= 1;     // altered
    make_blob(&c, 2, buf_span(&sealed), sealed.n);
    refuses(h, &ref, 2, "not the file");
    p[2 * FILE_SEALED + 5] ^= 1;
    make_blob(&c, 3, buf_span(&sealed), sealed.n - 1); // cut
    refuses(h, &ref, 3, "not the file");
    make_blob(&c, 4, buf_span(&sealed), 3 * FILE_SEALED); // by a chunk
    refuses(h, &ref, 4, "not the file");
    for (size_t i = 0; i < FILE_SEALED; i++) { // chunks exchanged
        uint8_t was = p[i];
        p[i] = p[FILE_SEALED + i];
        p[FILE_SEALED + i] = was;
    }
    make_blob(&c, 5, buf_span(&sealed), sealed.n);
    refuses(h, &ref, 5, "not the file");
    for (uint64_t i = 0; i < 4; i++) { // another file under the same key: by somebody who was sent the key, too
        uint8_t chunk[FILE_CHUNK] = {1};
        size_t n = i < 3 ? FILE_CHUNK : 100;
        assert_ok(file_seal(h->crypto, &ref.key, SIZE, i, span_of(chunk, n), p + i * FILE_SEALED));
    }
    make_blob(&c, 6, buf_span(&sealed), sealed.n);
    refuses(h, &ref, 6, "not the file");
    assert_int_equal(hall_files(h), 0);
    hall_save(h, hall_get(h, &ref), "saved", SIZE); // the real one is there
    buf_wipe(&sealed);
    client_close(&c);
    hall_close(h);
}

// -------------------------------------------------------------------------------------------------------------- saving

static void no_file_is_overwritten(void **state)
{
    struct hall *h = hall_open(NULL);
    char path[200], there[200], folder[200];
    const char *why = NULL;
    (void)state;
    hall_file(h, "a file", 100000, path);
    struct transfer_ref ref = hall_send(h, path);
    int64_t id = hall_get(h, &ref);
    hall_file(h, "there", 5, there);
    assert_int_equal(transfer_save(h->t, id, there, "x", false, &why), ERR_REFUSED);
    assert_file(there, 5);
    assert_ok(transfer_save(h->t, id, there, "x", true, &why));
    hall_run(h, 1);
    assert_file(there, 100000);
    hall_path(h, "out", folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    static const char *const names[] = {"out/_evil.txt", "out/_evil (2).txt", "out/_evil (3).txt"};
    for (size_t i = 0; i < 3; i++) {
        assert_ok(transfer_save(h->t, id, folder, "../\u202eevil.txt", false, &why));
        hall_run(h, 1);
        assert_int_equal(h->told[0].state, TRANSFER_DONE);
        hall_path(h, names[i], there);
        assert_string_equal(h->told[0].path, there);
        assert_file(there, 100000);
    }
    assert_int_equal(transfer_save(h->t, id, "relative", "x", false, &why), ERR_REFUSED);
    hall_path(h, "nowhere/file", there);
    assert_int_equal(transfer_save(h->t, id, there, "x", false, &why), ERR_REFUSED);
    assert_int_equal(transfer_save(h->t, id + 1, folder, "x", false, &why), ERR_NOT_FOUND);
    hall_close(h);
}

static void what_rots_on_the_disk_is_noticed(void **state)
{
    struct hall *h = hall_open(NULL);
    char path[200], command[300];
    const char *why = NULL;
    struct buf b;
    (void)state;
    hall_file(h, "a file", 100000, path);
    struct transfer_ref ref = hall_send(h, path);
    int64_t id = hall_get(h, &ref);
    (void)snprintf(command, sizeof command,
                   "for f in %s/*; do printf sixteen-letters. | dd of=$f bs=1 seek=70000 conv=notrunc status=none; done", h->files);
    assert_int_equal(system(command), 0);
    buf_init(&b, 1 << 20);
    assert_int_equal(transfer_bytes(h->t, id, &b), ERR_CORRUPT);
    buf_wipe(&b);
    hall_path(h, "saved", path);
    assert_ok(transfer_save(h->t, id, path, "", false, &why));
    hall_run(h, 1);
    assert_int_equal(h->told[0].state, TRANSFER_FAILED);
    assert_int_equal(access(path, F_OK), -1);
    hall_close(h);
}

// -------------------------------------------------------------------------------------------------------------- limits

static void what_cannot_be_sent_is_refused_in_words(void **state)
{
    static const char *const small[] = {"hosting", "yes", "blob_max", "100000", NULL};
    struct hall *h = hall_open(small);
    const struct transfer_to to = {.relay = h->address, .use = USE, .owner = OWNER};
    const char *why = NULL;
    char path[200];
    int64_t id = 0;
    (void)state;
    hall_file(h, "a file", 100001, path);
    (void)hall_begin_send(h, path);
    hall_fails(h, "takes files up to 0.1 MB");
    db_begin(&h->db);
    assert_int_equal(transfer_send(h->t, "/nowhere/at/all", &to, &id, &why), ERR_NOT_FOUND);
    assert_int_equal(transfer_send(h->t, h->folder, &to, &id, &why), ERR_REFUSED);
    assert_int_equal(transfer_send(h->t, "/dev/zero", &to, &id, &why), ERR_REFUSED);
    assert_int_equal(transfer_send(h->t, "relative", &to, &id, &why), ERR_REFUSED);
    const struct transfer_ref large = {.size = 1001};
    assert_int_equal(transfer_get(h->t, &large, 1000, USE, OWNER, &id), ERR_LIMIT);
    db_rollback(&h->db);
    hall_close(h);
}

static void hosting_needs_its_password(void **state)
{
    static const char *const closed[] = {"hosting", "no", NULL};
    struct hall *h = hall_open(closed);
    char path[200];
    (void)state;
    hall_file(h, "a file", 1000, path);
    (void)hall_begin_send(h, path);
    hall_fails(h, "hosting password");
    hall_close(h);
}

static void a_transfer_is_paused_and_dropped(void **state)
{
    struct hall *h = hall_open(NULL);
    char path[200];
    struct client c;
    (void)state;
    hall_file(h, "a file", 8000000, path);
    h->at_progress = true;
    h->told_n = h->want = 0;
    int64_t id = hall_begin_send(h, path);
    net_loop_run(h->loop);
    h->at_progress = false;
    assert_ok(transfer_pause(h->t, id));
    struct transfer_ref none = {0};
    memcpy(none.relay, h->address, sizeof none.relay);
    none.size = 10;
    (void)hall_begin_get(h, &none); // something else goes on meanwhile
    hall_fails(h, "expired");
    assert_ok(transfer_resume(h->t, id));
    hall_run(h, 1);
    assert_int_equal(h->told[0].state, TRANSFER_DONE);
    assert_int_equal(h->told[0].id, id);
    assert_int_equal(transfer_pause(h->t, id), ERR_REFUSED);
    h->at_progress = true;
    h->told_n = h->want = 0;
    id = hall_begin_send(h, path);
    net_loop_run(h->loop);
    h->at_progress = false;
    hall_drop(h, id);
    transfer_wake(h->t); // and what the relay has of it goes, too
    client_open(&c, &h->scene, 0);
    (void)hall_begin_get(h, &none);
    hall_fails(h, "expired");
    assert_int_equal(transfer_resume(h->t, id), ERR_NOT_FOUND);
    client_close(&c);
    hall_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_come_as_they_were_sent),       cmocka_unit_test(bytes_come_as_they_were_sent),
        cmocka_unit_test(any_number_may_be_under_way),        cmocka_unit_test(pieces_are_sealed_as_they_come),
        cmocka_unit_test(a_draft_that_nobody_sends_goes),     cmocka_unit_test(any_part_can_be_read),
        cmocka_unit_test(what_is_taken_back_is_gone),         cmocka_unit_test(a_cut_at_any_moment_loses_nothing),
        cmocka_unit_test(an_end_at_any_moment_loses_nothing), cmocka_unit_test(a_file_that_changed_is_noticed),
        cmocka_unit_test(no_key_seals_two_contents),          cmocka_unit_test(an_end_that_is_not_stored_comes_again),
        cmocka_unit_test(what_was_not_sent_is_refused),       cmocka_unit_test(no_file_is_overwritten),
        cmocka_unit_test(what_rots_on_the_disk_is_noticed),   cmocka_unit_test(what_cannot_be_sent_is_refused_in_words),
        cmocka_unit_test(hosting_needs_its_password),         cmocka_unit_test(a_transfer_is_paused_and_dropped),
    };
    return unit_run("transfer", tests);
}
