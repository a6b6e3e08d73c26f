/* SPDX-License-Identifier: Apache-2.0 */
#include "app/oneshot.h"
#include "conf/conf.h"
/* cmocka wants these first */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

struct written {
    char text[8192];
    struct sl_oneshot oneshot;
    struct sl_arena arena;
    struct sl_findings findings;
    const struct sl_conf *conf;
};

/* Writes the text for `cli` and parses it, as the program does. */
static enum sl_err write_and_parse(const struct sl_cli *cli, struct written *w)
{
    memset(w, 0, sizeof(*w));
    w->oneshot.yaml = sl_wbuf_of(w->text, sizeof(w->text));
    assert_int_equal(sl_oneshot_write(cli, &w->oneshot), SL_OK);
    sl_arena_init(&w->arena, 0);
    sl_findings_init(&w->findings, &w->arena);
    const struct sl_conf_source source = { .yaml = sl_wbuf_slice(&w->oneshot.yaml),
                                           .folder = "/here" };
    return sl_conf_parse(&source, &w->arena, &w->findings, &w->conf);
}

static void every_option_reaches_the_configuration(void **state)
{
    struct written w;
    const struct sl_cli cli = { .command = SL_COMMAND_ONESHOT,
                                .listen = "tls://:8443",
                                .connect = "tls://10.0.0.1:1",
                                .options = { [SL_OPTION_CERT] = "c.pem",
                                             [SL_OPTION_KEY] = "c.key",
                                             [SL_OPTION_CA] = "/ca.pem",
                                             [SL_OPTION_NAME] = "n.example",
                                             [SL_OPTION_VERIFY] = "on",
                                             [SL_OPTION_CLIENT_CERT] = "me.pem",
                                             [SL_OPTION_CLIENT_KEY] = "me.key",
                                             [SL_OPTION_CLIENT_CA] = "clients.pem",
                                             [SL_OPTION_ALPN] = "h2,http/1.1",
                                             [SL_OPTION_POLICY] = "modern",
                                             [SL_OPTION_WORKERS] = "3",
                                             [SL_OPTION_LOG_FORMAT] = "json" } };
    SL_UNUSED(state);
    assert_int_equal(write_and_parse(&cli, &w), SL_OK);
    const struct sl_conf_service *service = &w.conf->services[0];
    assert_int_equal(w.conf->services_count, 1);
    assert_string_equal(service->name, "main");
    assert_string_equal(service->listens[0].text, "tls://:8443");
    assert_string_equal(service->connects[0].text, "tls://10.0.0.1:1");
    assert_string_equal(service->certificates[0].chain.path, "/here/c.pem");
    assert_string_equal(service->certificates[0].key.path, "/here/c.key");
    assert_string_equal(service->upstream.ca.path, "/ca.pem");
    assert_string_equal(service->upstream.name.text, "n.example");
    assert_true(service->upstream.is_verified);
    assert_string_equal(service->upstream.certificates[0].chain.path, "/here/me.pem");
    assert_string_equal(service->upstream.certificates[0].key.path, "/here/me.key");
    assert_int_equal(service->clients.verify, SL_CLIENT_VERIFY_REQUIRE);
    assert_string_equal(service->clients.ca.path, "/here/clients.pem");
    assert_int_equal(service->alpn_count, 2);
    assert_string_equal(service->alpn[1].text, "http/1.1");
    assert_string_equal(service->policy->name, "mozilla-modern-6.0");
    assert_int_equal(w.conf->workers_count, 3);
    assert_int_equal(w.conf->log_format, SL_LOG_JSON);
    sl_arena_fini(&w.arena);
}

static void quotes_and_newlines_stay_within_their_value(void **state)
{
    struct written w;
    const struct sl_cli cli = { .command = SL_COMMAND_ONESHOT,
                                .listen = "tls://:1",
                                .connect = "tcp://10.0.0.1:1",
                                .options = { [SL_OPTION_CERT] = "/a\"\\\nworkers: 7\n\x7f#: " } };
    SL_UNUSED(state);
    assert_int_equal(write_and_parse(&cli, &w), SL_OK);
    assert_string_equal(w.conf->services[0].certificates[0].chain.path,
                        "/a\"\\\nworkers: 7\n\x7f#: ");
    assert_int_equal(w.conf->workers_count, 0);
    sl_arena_fini(&w.arena);
}

static void a_mistake_is_told_of_the_argument_that_it_is_in(void **state)
{
    struct written w;
    const struct sl_cli cli = { .command = SL_COMMAND_ONESHOT,
                                .listen = "tls://:70000",
                                .connect = "tcp://10.0.0.1:1",
                                .options = { [SL_OPTION_CERT] = "c.pem",
                                             [SL_OPTION_ALPN] = "h2,h2",
                                             [SL_OPTION_POLICY] = "modem" } };
    SL_UNUSED(state);
    assert_int_equal(write_and_parse(&cli, &w), SL_EINVAL);
    sl_findings_sort(&w.findings);
    const char *const wanted[] = { "--policy", "LISTEN", "--alpn" };
    const struct sl_list *at = w.findings.list.next;
    for (size_t i = 0; i < SL_COUNT(wanted); i++, at = at->next) {
        assert_true(at != &w.findings.list);
        const struct sl_finding *finding =
            (const struct sl_finding *)((const char *)at - offsetof(struct sl_finding, node));
        assert_string_equal(w.oneshot.origins[finding->pos.line - 1], wanted[i]);
    }
    sl_arena_fini(&w.arena);
}

static void what_does_not_fit_is_refused(void **state)
{
    char text[32];
    struct sl_oneshot oneshot = { .yaml = sl_wbuf_of(text, sizeof(text)) };
    const struct sl_cli cli = { .listen = "tls://:1", .connect = "tcp://10.0.0.1:1" };
    SL_UNUSED(state);
    assert_int_equal(sl_oneshot_write(&cli, &oneshot), SL_ENOSPC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_reaches_the_configuration),
        cmocka_unit_test(quotes_and_newlines_stay_within_their_value),
        cmocka_unit_test(a_mistake_is_told_of_the_argument_that_it_is_in),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
