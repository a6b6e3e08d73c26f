/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

static void a_listen_url_has_an_ip_address_or_none(void **state)
{
    SL_UNUSED(state);
    expect_findings(SERVICE "    listen: tcp://:80\n    connect: tcp://h:1\n", "");
    expect_findings(SERVICE "    listen: tcp://localhost:80\n    connect: tcp://h:1\n",
                    "3:19: error: a listen address must be an IP address, or empty for all: host "
                    "names are for connect\n");
}

static void a_connect_url_has_a_host_and_a_port(void **state)
{
    SL_UNUSED(state);
    expect_findings(SERVICE "    listen: tcp://:0\n    connect: tcp://:80\n",
                    "4:20: error: a connect URL needs a host: tcp://HOST:PORT\n");
    expect_findings(SERVICE "    listen: tcp://:0\n    connect: tls://h:0\n",
                    "4:20: error: a connect URL needs a port from 1 to 65535: port 0 is for "
                    "listen\n");
}

static void mistakes_in_a_url_are_placed_within_it(void **state)
{
    SL_UNUSED(state);
    expect_findings(SERVICE "    listen: htps://:0\n    connect: [tcp://h:1, tcp://h:70000]\n",
                    "3:13: error: unknown scheme 'htps': tcp, tls or unix\n"
                    "4:34: error: port 70000 is out of range: 1 to 65535, or 0 for any\n");
    expect_findings(SERVICE "    listen: 'tcp://:x'\n    connect: \"tcp:\\x2f/h:y\"\n",
                    "3:21: error: port 'x' is not a number: 1 to 65535, or 0 for any\n"
                    "4:14: error: port 'y' is not a number: 1 to 65535, or 0 for any\n");
    expect_findings(SERVICE "    listen: tcp://:0\n    connect: [[a], tcp://h:1]\n",
                    "4:15: error: an entry of 'connect' must be a URL, or a map with one\n");
    expect_findings(
        SERVICE "    listen: { a: b }\n    connect: []\n",
        "3:13: error: 'listen' cannot be a map: a URL or a list of 1 to 64\n"
        "4:14: error: 'connect' is empty: a URL, a map with one, or a list of 1 to 64\n");
}

static void one_url_is_a_list_of_one(void **state)
{
    struct sl_arena arena;
    struct sl_findings findings;
    const struct sl_conf *conf = NULL;
    SL_UNUSED(state);
    assert_int_equal(conf_parse(SERVICE "    listen: tcp://[::1]:0\n"
                                        "    connect: [tcp://h:1, \"unix:/x\"]\n",
                                &arena, &findings, &conf),
                     SL_OK);
    const struct sl_conf_service *service = &conf->services[0];
    assert_int_equal(service->listens_count, 1);
    assert_int_equal(service->connects_count, 2);
    assert_string_equal(service->listens[0].text, "tcp://[::1]:0");
    assert_true(sl_slice_eq(service->listens[0].url.host, SL_SLICE("::1")));
    assert_int_equal(service->listens[0].pos.line, 3);
    assert_int_equal(service->listens[0].pos.column, 13);
    assert_int_equal(service->connects[0].url.port, 1);
    assert_true(sl_slice_eq(service->connects[1].url.path, SL_SLICE("/x")));
    sl_arena_fini(&arena);
}

static void relative_socket_paths_begin_in_the_folder_of_the_file(void **state)
{
    struct sl_arena arena;
    struct sl_findings findings;
    const struct sl_conf *conf = NULL;
    SL_UNUSED(state);
    assert_int_equal(conf_parse(SERVICE "    listen: unix:run/a.sock\n    connect: unix:/b\n",
                                &arena, &findings, &conf),
                     SL_OK);
    assert_string_equal(conf->services[0].listens[0].text, "unix:/etc/sluice/run/a.sock");
    assert_true(
        sl_slice_eq(conf->services[0].listens[0].url.path, SL_SLICE("/etc/sluice/run/a.sock")));
    sl_arena_fini(&arena);
}

static void a_socket_path_is_measured_with_its_folder(void **state)
{
    char path[200], yaml[400];
    memset(path, 'p', sizeof(path));
    SL_UNUSED(state);
    (void)snprintf(yaml, sizeof(yaml), SERVICE "    listen: unix:%.95s\n    connect: tcp://h:1\n",
                   path);
    expect_findings(yaml, "");
    (void)snprintf(yaml, sizeof(yaml), SERVICE "    listen: unix:%.96s\n    connect: tcp://h:1\n",
                   path);
    expect_findings(yaml, "3:18: error: the path has 108 bytes: a Unix socket's has at most 107\n");
    (void)snprintf(yaml, sizeof(yaml), SERVICE "    listen: unix:/%.107s\n    connect: tcp://h:1\n",
                   path);
    expect_findings(yaml, "3:18: error: the path has 108 bytes: a Unix socket's has at most 107\n");
}

static void an_upstream_name_is_a_host_alone(void **state)
{
    SL_UNUSED(state);
    expect_findings(ENCRYPT "    upstream: { name: db.example.com }\n", "");
    expect_findings(ENCRYPT "    upstream: { name: 10.0.0.1 }\n", "");
    expect_findings(ENCRYPT "    upstream: { name: '2001:db8::1' }\n", "");
    expect_findings(ENCRYPT "    upstream: { name: db.example.com:5433 }\n",
                    "5:37: error: 'name' is a DNS name or an IP address alone: no scheme, brackets "
                    "or port\n");
    expect_findings(ENCRYPT "    upstream: { name: db..com }\n",
                    "5:26: error: 'name': a host name has no empty label between or behind its "
                    "dots\n");
    expect_findings(ENCRYPT "    upstream: { name: '' }\n",
                    "5:23: error: 'name' has 0 bytes: a DNS name or IP address of 1 to 253 "
                    "bytes\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listen_url_has_an_ip_address_or_none),
        cmocka_unit_test(a_connect_url_has_a_host_and_a_port),
        cmocka_unit_test(mistakes_in_a_url_are_placed_within_it),
        cmocka_unit_test(one_url_is_a_list_of_one),
        cmocka_unit_test(relative_socket_paths_begin_in_the_folder_of_the_file),
        cmocka_unit_test(a_socket_path_is_measured_with_its_folder),
        cmocka_unit_test(an_upstream_name_is_a_host_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
