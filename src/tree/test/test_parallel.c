// SPDX-License-Identifier: Apache-2.0
//
// tree: work handed to an executor is done once, in whatever order; and what an executor leaves out is not taken for done.
#include "unit.h"

#include "tree/parallel.h"

enum { JOBS = 1000 };

struct count {
    uint8_t done[JOBS];
    size_t bad; // the job that fails; JOBS for none
};

static enum err count_one(const struct algo *a, void *arg, size_t i)
{
    struct count *c = arg;
    assert_non_null(a->crypto);
    c->done[i]++;
    return i == c->bad ? ERR_UNAUTHENTICATED : ERR_OK;
}

// How many calls an executor leaves out at the end, and in which order it makes the others.
struct habit {
    size_t leaves_out;
    bool backwards;
};

static void run(void *arg, void (*task)(void *task_arg, size_t i), void *task_arg, size_t n)
{
    const struct habit *h = arg;
    size_t some = h->leaves_out < n ? n - h->leaves_out : 0;
    for (size_t i = 0; i < some; i++) task(task_arg, h->backwards ? some - 1 - i : i);
}

static enum err work(struct habit h, struct count *c)
{
    struct algo a = {.suite = crypto_suite_at(0)};
    const struct executor x = {.run = run, .arg = &h};
    assert_ok(crypto_new(&a.crypto));
    enum err e = parallel_run(&a, &x, JOBS, count_one, c);
    crypto_free(a.crypto);
    return e;
}

static void every_job_is_done_once(void **state)
{
    (void)state;
    for (int backwards = 0; backwards < 2; backwards++) {
        struct count c = {.bad = JOBS};
        assert_ok(work((struct habit){0, backwards == 1}, &c));
        for (size_t i = 0; i < JOBS; i++) assert_int_equal(c.done[i], 1);
    }
}

static void one_failure_is_enough(void **state)
{
    (void)state;
    for (size_t bad = 0; bad < JOBS; bad += 37) {
        struct count c = {.bad = bad};
        assert_int_equal(work((struct habit){0, false}, &c), ERR_UNAUTHENTICATED);
    }
}

static void what_is_left_out_is_no_success(void **state)
{
    (void)state;
    for (size_t out = 1; out <= JOBS; out *= 2) {
        struct count c = {.bad = JOBS};
        assert_int_equal(work((struct habit){out, false}, &c), ERR_MISUSE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_is_done_once),
        cmocka_unit_test(one_failure_is_enough),
        cmocka_unit_test(what_is_left_out_is_no_success),
    };
    return unit_run("tree-parallel", tests);
}
