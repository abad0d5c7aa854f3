// SPDX-License-Identifier: Apache-2.0
//
// What every unit test includes: cmocka with the headers it expects before itself.
#ifndef WHIMBREL_TESTS_UNIT_H
#define WHIMBREL_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define assert_ok(e) assert_int_equal((e), 0)

// Runs the tests of one room, printing TAP.
#define unit_run(room, tests)                                                                                          \
    (cmocka_set_message_output(CM_OUTPUT_TAP), cmocka_run_group_tests_name((room), (tests), NULL, NULL))

#endif
