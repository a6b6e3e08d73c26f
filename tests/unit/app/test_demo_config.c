/* SPDX-License-Identifier: Apache-2.0 */
#include "app/demo_config.h"
#include "conf/conf.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_MAX = 4096 };

static struct sl_demo_config usual(void)
{
    return (struct sl_demo_config){ .ca_path = "/s/ca.pem",
                                    .chain_path = "/s/localhost.pem",
                                    .key_path = "/s/localhost.key",
                                    .port = 8443,
                                    .has_ipv6 = true,
                                    .page_port = 4711 };
}

/* The demo's service as the configuration's own parser reads it; lives in `arena`. */
static const struct sl_conf_service *parse(const struct sl_demo_config *config,
                                           struct sl_arena *arena)
{
    char *text = sl_arena_alloc(arena, TEXT_MAX);
    struct sl_wbuf out = sl_wbuf_of(text, TEXT_MAX);
    struct sl_findings findings;
    const struct sl_conf *conf = NULL;
    assert_int_equal(sl_demo_config_yaml(config, &out), SL_OK);
    sl_findings_init(&findings, arena);
    const struct sl_conf_source source = { .yaml = sl_wbuf_slice(&out) };
    assert_int_equal(sl_conf_parse(&source, arena, &findings, &conf), SL_OK);
    assert_int_equal(findings.warnings_count, 0);
    assert_int_equal(conf->services_count, 1);
    return &conf->services[0];
}

static void the_configuration_is_valid_and_says_what_was_asked(void **state)
{
    struct sl_arena arena = { 0 };
    const struct sl_demo_config config = usual();
    SL_UNUSED(state);
    const struct sl_conf_service *service = parse(&config, &arena);
    assert_int_equal(service->listens_count, 2);
    assert_string_equal(service->listens[0].text, "tls://127.0.0.1:8443");
    assert_string_equal(service->listens[1].text, "tls://[::1]:8443");
    assert_string_equal(service->connects[0].text, "tcp://127.0.0.1:4711");
    sl_arena_fini(&arena);
}

static void without_ipv6_there_is_one_listener(void **state)
{
    struct sl_arena arena = { 0 };
    struct sl_demo_config config = usual();
    SL_UNUSED(state);
    config.has_ipv6 = false;
    assert_int_equal(parse(&config, &arena)->listens_count, 1);
    sl_arena_fini(&arena);
}

static void odd_paths_arrive_as_they_are(void **state)
{
    struct sl_arena arena = { 0 };
    struct sl_demo_config config = usual();
    SL_UNUSED(state);
    config.chain_path = "/a \"b\" \\c\t#: {x}'\x7f/\xc3\xa9.pem";
    const struct sl_conf_service *service = parse(&config, &arena);
    assert_string_equal(service->certificates[0].chain.path, config.chain_path);
    assert_string_equal(service->certificates[0].key.path, "/s/localhost.key");
    sl_arena_fini(&arena);
}

static void the_curl_line_is_one_that_a_shell_takes(void **state)
{
    static const struct {
        const char *path, *word;
    } CASES[] = {
        { "/s/ca.pem", "--cacert /s/ca.pem https://localhost:8443/\n" },
        { "/a b/$(x)", "--cacert '/a b/$(x)' https://localhost:8443/\n" },
        { "", "--cacert '' https://localhost:8443/\n" },
        { "/it's", "--cacert '/it'\\''s' https://localhost:8443/\n" },
    };
    struct sl_demo_config config = usual();
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        char text[TEXT_MAX] = "";
        struct sl_wbuf out = sl_wbuf_of(text, sizeof(text) - 1);
        config.ca_path = CASES[i].path;
        assert_int_equal(sl_demo_config_usage(&config, &out), SL_OK);
        assert_non_null(strstr(text, CASES[i].word));
    }
}

static void too_little_room_is_said(void **state)
{
    static enum sl_err (*const WRITERS[])(const struct sl_demo_config *config,
                                          struct sl_wbuf *out) = { sl_demo_config_yaml,
                                                                   sl_demo_config_usage };
    const struct sl_demo_config config = usual();
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(WRITERS); i++) {
        char text[TEXT_MAX];
        struct sl_wbuf out = sl_wbuf_of(text, sizeof(text));
        assert_int_equal(WRITERS[i](&config, &out), SL_OK);
        for (size_t cap = 0; cap < out.len; cap++) {
            struct sl_wbuf small = sl_wbuf_of(text, cap);
            assert_int_equal(WRITERS[i](&config, &small), SL_ENOSPC);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_configuration_is_valid_and_says_what_was_asked),
        cmocka_unit_test(without_ipv6_there_is_one_listener),
        cmocka_unit_test(odd_paths_arrive_as_they_are),
        cmocka_unit_test(the_curl_line_is_one_that_a_shell_takes),
        cmocka_unit_test(too_little_room_is_said),
    };
    return cmocka_run_group_tests_name("app/demo_config", tests, NULL, NULL);
}
