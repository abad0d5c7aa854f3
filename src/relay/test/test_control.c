// SPDX-License-Identifier: Apache-2.0
//
// What the operator may ask: the pages and their numbers, that nobody holds up the thread that answers, and that a second relay
// takes nothing from the first.
#include "relay/test/scene.h"

#include "relay/control.h"
#include "relay/relay.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct scene scene;
static struct control control;

static void set_up(void)
{
    char why[300] = "";
    scene_open(&scene, NULL);
    if (control_open(&control, &scene.config, why, sizeof why) != ERR_OK) fail_msg("%s", why);
    assert_ok(control_start(&control, scene.relay));
}

static void tear_down(void)
{
    char path[200];
    control_stop(&control);
    control_stop(&control); // twice does no harm
    snprintf(path, sizeof path, "%s/control", scene.folder);
    (void)unlink(path);
    scene_close(&scene);
}

static int dial(void)
{
    const struct timeval limit = {.tv_sec = 30};
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%s/control", scene.folder);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

// The answer to these bytes, whole.
static void ask(const char *request, char answer[16384])
{
    int fd = dial();
    size_t n = 0;
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    for (ssize_t got; n < 16383 && (got = recv(fd, answer + n, 16383 - n, 0)) > 0;) n += (size_t)got;
    answer[n] = 0;
    (void)close(fd);
}

static void assert_line(const char *page, const char *line)
{
    char whole[200];
    snprintf(whole, sizeof whole, "\n%s\n", line);
    if (strstr(page, whole) == NULL) fail_msg("no line `%s` in:\n%s", line, page);
}

static void numbers_are_told(void **state)
{
    struct client c;
    char page[16384];
    (void)state;
    set_up();
    client_open(&c, &scene, 1000);
    make_log(&c, 1, 1);
    assert_int_equal(follow(&c, 1, 1, 1, 0), WIRE_OK);
    assert_code(append(&c, 1, 1, 0, "entry"), WIRE_OK);
    assert_entries(&c, 1, 1, 1);
    assert_code(append(&c, 1, 2, 0, "denied"), WIRE_E_DENIED);
    ask("GET /metrics HTTP/1.1\r\n\r\n", page);
    assert_memory_equal(page, "HTTP/1.0 200 OK\r\n", 17);
    assert_line(page, "whimbrel_healthy 1");
    assert_line(page, "whimbrel_connections 1");
    assert_line(page, "whimbrel_sessions 1");
    assert_line(page, "whimbrel_follows 1");
    assert_line(page, "whimbrel_requests_total 5");
    assert_line(page, "whimbrel_errors_total 1");
    assert_line(page, "whimbrel_pushes_total 1");
    assert_line(page, "whimbrel_lane_jobs_total{lane=\"write\"} 3");
    assert_line(page, "whimbrel_lane_jobs_total{lane=\"read\"} 1");
    assert_line(page, "whimbrel_stored{what=\"logs\"} 1");
    assert_line(page, "whimbrel_stored{what=\"entries\"} 1");
    ask("GET /status?x HTTP/1.0\r\n\r\n", page);
    assert_non_null(strstr(page, "running, up for 0 days"));
    assert_non_null(strstr(page, "connections   1, of which 1 are clients, following 1 logs"));
    client_close(&c);
    tear_down();
}

static void health_follows_the_store(void **state)
{
    struct client c;
    char page[16384];
    (void)state;
    set_up();
    client_open(&c, &scene, 0);
    make_log(&c, 1, 1);
    ask("GET /health HTTP/1.1\r\n\r\n", page);
    assert_memory_equal(page, "HTTP/1.0 200 OK\r\n", 17);
    gate_fail(LANE_WRITE, ERR_IO);
    assert_code(append(&c, 1, 1, 0, "lost"), WIRE_E_UNAVAILABLE);
    ask("GET /health HTTP/1.1\r\n\r\n", page);
    assert_memory_equal(page, "HTTP/1.0 503 ", 13);
    assert_non_null(strstr(page, "writes are refused"));
    gate_fail(LANE_WRITE, ERR_OK);
    assert_code(append(&c, 1, 1, 0, "kept"), WIRE_OK);
    ask("GET /health HTTP/1.1\r\n\r\n", page);
    assert_memory_equal(page, "HTTP/1.0 200 OK\r\n", 17);
    client_close(&c);
    tear_down();
}

static void anything_else_is_not_found(void **state)
{
    static const char *const other[] = {"GET / HTTP/1.1\r\n\r\n", "GET /metrics/ HTTP/1.1\r\n\r\n",
                                        "POST /metrics HTTP/1.1\r\n\r\n", "\r\n\r\n", "GET  /metrics\r\n\r\n"};
    char page[16384], big[4000];
    (void)state;
    set_up();
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        ask(other[i], page);
        assert_memory_equal(page, "HTTP/1.0 404 ", 13);
    }
    memset(big, 'x', sizeof big - 1);
    memcpy(big, "GET /", 5);
    big[sizeof big - 1] = 0;
    ask(big, page); // a head without an end
    assert_true(page[0] == 0 || strncmp(page, "HTTP/1.0 404 ", 13) == 0);
    tear_down();
}

// One byte now and then is a living connection, but no request: those behind it get their turn.
static void nobody_holds_it_up(void **state)
{
    char page[16384];
    (void)state;
    set_up();
    int slow = dial(), cut = dial();
    (void)close(cut);
    for (int i = 0; i < 60; i++) { // for as long as it is listened to, half a minute at most
        if (send(slow, "x", 1, MSG_NOSIGNAL) != 1) break;
        for (int k = 0; k < 500; k++) scene_nap();
        if (recv(slow, page, 1, MSG_DONTWAIT) >= 0) break;
        assert_true(i < 59);
    }
    ask("GET /health HTTP/1.1\r\n\r\n", page);
    assert_memory_equal(page, "HTTP/1.0 200 OK\r\n", 17);
    (void)close(slow);
    tear_down();
}

static void a_second_relay_leaves_the_first_alone(void **state)
{
    struct control second;
    struct buf body;
    char why[300] = "", page[16384], path[200];
    (void)state;
    set_up();
    assert_int_equal(control_open(&second, &scene.config, why, sizeof why), ERR_REFUSED);
    assert_non_null(strstr(why, "another relay runs with this folder"));
    control_stop(&second);
    ask("GET /health HTTP/1.1\r\n\r\n", page);
    assert_memory_equal(page, "HTTP/1.0 200 OK\r\n", 17);
    buf_init(&body, 65536);
    assert_ok(relay_ask(scene.folder, "/health", &body));
    assert_true(span_eq(buf_span(&body), span_str("ok\n")));
    buf_wipe(&body);
    // What a relay that was killed has left is no hindrance.
    control_stop(&control);
    snprintf(path, sizeof path, "%s/control", scene.folder);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(relay_ask(scene.folder, "/health", &body), ERR_NOT_FOUND);
    assert_ok(control_open(&control, &scene.config, why, sizeof why));
    assert_ok(control_start(&control, scene.relay));
    assert_ok(relay_ask(scene.folder, "/health", &body));
    buf_wipe(&body);
    tear_down();
}

static void a_wrong_address_for_metrics_is_named(void **state)
{
    static const char *const wrong[] = {"9464",       ":9464", "localhost:9464", "127.0.0.1:0", "127.0.0.1:70000",
                                        "127.0.0.1:", "[::1:9"};
    (void)state;
    scene_open(&scene, NULL);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char why[300] = "";
        snprintf(scene.config.metrics, sizeof scene.config.metrics, "%s", wrong[i]);
        assert_int_equal(control_open(&control, &scene.config, why, sizeof why), ERR_IO);
        assert_non_null(strstr(why, "it is ADDRESS:PORT, like 127.0.0.1:9464"));
        control_stop(&control);
    }
    scene.config.metrics[0] = 0;
    char path[200];
    snprintf(path, sizeof path, "%s/control", scene.folder);
    (void)unlink(path);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_told),
        cmocka_unit_test(health_follows_the_store),
        cmocka_unit_test(anything_else_is_not_found),
        cmocka_unit_test(nobody_holds_it_up),
        cmocka_unit_test(a_second_relay_leaves_the_first_alone),
        cmocka_unit_test(a_wrong_address_for_metrics_is_named),
    };
    return unit_run("control", tests);
}
