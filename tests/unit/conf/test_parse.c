/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"
#include <stdlib.h>

static void a_small_file_gets_every_default(void **state)
{
    struct sl_arena arena;
    struct sl_findings findings;
    const struct sl_conf *conf = NULL;
    SL_UNUSED(state);
    assert_int_equal(conf_parse(ENCRYPT, &arena, &findings, &conf), SL_OK);
    assert_int_equal(conf->workers_count, 0);
    assert_string_equal(conf->policy->name, "mozilla-intermediate-6.0");
    assert_true(conf->is_kdf_fast);
    assert_int_equal(conf->record_layer, SL_RECORD_LAYER_OWN);
    assert_int_equal(conf->log_format, SL_LOG_TEXT);
    assert_string_equal(conf->user.text, "nobody");
    assert_int_equal(conf->cage.mode, SL_CAGE_MODE_ON);
    assert_int_equal(conf->cage.action, SL_CAGE_ACTION_ERRNO);
    assert_int_equal(conf->limits.connections_count, 0);
    assert_int_equal(conf->limits.buffer_bytes, 128 * 1024);
    assert_int_equal(conf->limits.client_hello_bytes, 16 * 1024);
    assert_int_equal(conf->drain_ms, 3600000);
    assert_int_equal(conf->ticket_rotate_ms, 8 * 3600000);
    assert_int_equal(conf->services_count, 1);
    const struct sl_conf_service *service = &conf->services[0];
    assert_string_equal(service->name, "s");
    assert_true(service->policy == conf->policy);
    assert_int_equal(service->timeouts.handshake_ms, 10000);
    assert_int_equal(service->timeouts.connect_ms, 5000);
    assert_int_equal(service->timeouts.idle_ms, 600000);
    assert_int_equal(service->timeouts.linger_ms, 5000);
    assert_true(service->upstream.is_verified);
    assert_int_equal(service->upstream.verify_pos.line, 0);
    assert_null(service->upstream.ca.path);
    assert_null(service->upstream.name.text);
    assert_int_equal(service->upstream.certificates_count, 0);
    assert_int_equal(service->upstream.proxy_out, SL_PROXY_OFF);
    assert_int_equal(service->clients.verify, SL_CLIENT_VERIFY_OFF);
    assert_int_equal(service->certificates_count, 0);
    assert_int_equal(service->alpn_count, 0);
    sl_arena_fini(&arena);
}

static const char FULL[] = "workers: 3\n"
                           "policy: old\n"
                           "log: { format: json }\n"
                           "limits: { connections: 1000, buffer: 64KiB, client_hello: 8192 }\n"
                           "drain: 90s\n"
                           "tickets: { rotate: 1h }\n"
                           "services:\n"
                           "  web.1:\n"
                           "    listen: [\"tls://[::1]:443\", tls://127.0.0.1:443]\n"
                           "    connect: tls://h:1\n"
                           "    certificates:\n"
                           "      - chain: web.pem\n"
                           "        key: /keys/web.key\n"
                           "      - chain: both.pem\n"
                           "    alpn: [h2, http/1.1]\n"
                           "    policy: modern\n"
                           "    timeouts: { handshake: 1s, connect: 2s, idle: 3s, linger: 0s }\n"
                           "    upstream:\n"
                           "      verify: yes\n"
                           "      ca: ca.pem\n"
                           "      name: n.example\n"
                           "      certificate: { chain: me.pem, key: me.key }\n"
                           "      proxy_protocol: v2\n"
                           "    clients: { verify: require, ca: clients.pem }\n"
                           "  b:\n"
                           "    listen: tcp://:0\n"
                           "    connect: tcp://h:1\n"
                           "user: sluice\n"
                           "fast_kdf: off\n"
                           "record_layer: library\n"
                           "cage: { mode: required, action: kill }\n";

static void full_service_check(const struct sl_conf_service *service)
{
    assert_string_equal(service->name, "web.1");
    assert_int_equal(service->pos.line, 8);
    assert_int_equal(service->pos.column, 3);
    assert_int_equal(service->listens_count, 2);
    assert_int_equal(service->certificates_count, 2);
    assert_string_equal(service->certificates[0].chain.path, "/etc/sluice/web.pem");
    assert_int_equal(service->certificates[0].chain.pos.line, 12);
    assert_string_equal(service->certificates[0].key.path, "/keys/web.key");
    assert_string_equal(service->certificates[1].chain.path, "/etc/sluice/both.pem");
    assert_null(service->certificates[1].key.path);
    assert_int_equal(service->alpn_count, 2);
    assert_string_equal(service->alpn[0].text, "h2");
    assert_string_equal(service->alpn[1].text, "http/1.1");
    assert_string_equal(service->policy->name, "mozilla-modern-6.0");
    assert_int_equal(service->timeouts.handshake_ms, 1000);
    assert_int_equal(service->timeouts.connect_ms, 2000);
    assert_int_equal(service->timeouts.idle_ms, 3000);
    assert_int_equal(service->timeouts.linger_ms, 0);
    assert_true(service->upstream.is_verified);
    assert_int_equal(service->upstream.verify_pos.line, 19);
    assert_string_equal(service->upstream.ca.path, "/etc/sluice/ca.pem");
    assert_string_equal(service->upstream.name.text, "n.example");
    assert_string_equal(service->upstream.certificates[0].chain.path, "/etc/sluice/me.pem");
    assert_string_equal(service->upstream.certificates[0].key.path, "/etc/sluice/me.key");
    assert_int_equal(service->upstream.proxy_out, SL_PROXY_V2);
    assert_int_equal(service->clients.verify, SL_CLIENT_VERIFY_REQUIRE);
    assert_string_equal(service->clients.ca.path, "/etc/sluice/clients.pem");
}

static void every_option_reaches_its_field(void **state)
{
    struct sl_arena arena;
    struct sl_findings findings;
    const struct sl_conf *conf = NULL;
    SL_UNUSED(state);
    assert_int_equal(conf_parse(FULL, &arena, &findings, &conf), SL_OK);
    assert_int_equal(findings.warnings_count, 0);
    assert_int_equal(conf->workers_count, 3);
    assert_string_equal(conf->policy->name, "mozilla-old-5.8");
    assert_false(conf->is_kdf_fast);
    assert_int_equal(conf->record_layer, SL_RECORD_LAYER_LIBRARY);
    assert_string_equal(conf->user.text, "sluice");
    assert_int_equal(conf->user.pos.line, 28);
    assert_int_equal(conf->cage.mode, SL_CAGE_MODE_REQUIRED);
    assert_int_equal(conf->cage.action, SL_CAGE_ACTION_KILL);
    assert_int_equal(conf->log_format, SL_LOG_JSON);
    assert_int_equal(conf->limits.connections_count, 1000);
    assert_int_equal(conf->limits.buffer_bytes, 65536);
    assert_int_equal(conf->limits.client_hello_bytes, 8192);
    assert_int_equal(conf->drain_ms, 90000);
    assert_int_equal(conf->ticket_rotate_ms, 3600000);
    assert_int_equal(conf->services_count, 2);
    full_service_check(&conf->services[0]);
    assert_string_equal(conf->services[1].name, "b");
    assert_string_equal(conf->services[1].policy->name, "mozilla-old-5.8");
    sl_arena_fini(&arena);
}

static void without_a_folder_paths_stay_as_they_are(void **state)
{
    struct sl_arena arena;
    struct sl_findings findings;
    const struct sl_conf *conf = NULL;
    struct sl_conf_source source = { .yaml = sl_slice_cstr(FULL) };
    SL_UNUSED(state);
    sl_arena_init(&arena, 0);
    sl_findings_init(&findings, &arena);
    assert_int_equal(sl_conf_parse(&source, &arena, &findings, &conf), SL_OK);
    assert_string_equal(conf->services[0].certificates[0].chain.path, "web.pem");
    sl_arena_fini(&arena);
}

static void every_mistake_is_found_in_one_run_and_in_order(void **state)
{
    SL_UNUSED(state);
    expect_findings(
        "services:\n"
        "  web:\n"
        "    listen: tls://localhost:443\n"
        "    conect: tcp://127.0.0.1:8080\n"
        "    timeouts: { handshake: 5, idel: 1m }\n"
        "    upstream: { proxy_protocol: v3 }\n"
        "  web:\n"
        "    listen: tcp://:1\n"
        "workers: 2000\n"
        "polcy: modern\n"
        "idle: 5s\n"
        "bufer: 1\n"
        "xyzzy: 1\n",
        "3:19: error: a listen address must be an IP address, or empty for all: host names are "
        "for connect\n"
        "4:5: error: unknown key 'conect' in a service: did you mean 'connect'?\n"
        "5:28: error: 'handshake' cannot be '5': a number and its unit (ms, s, m, h or d), 100ms "
        "to 10m\n"
        "5:31: error: unknown key 'idel' in 'timeouts': did you mean 'idle'?\n"
        "6:33: error: 'proxy_protocol' cannot be 'v3': one of off, v1, v2\n"
        "7:3: error: 'web' stands here twice: first on line 2\n"
        "9:10: error: 2000 is out of range for 'workers': auto, or 1 to 1024\n"
        "10:1: error: unknown key 'polcy' at the top level: did you mean 'policy'?\n"
        "11:1: error: unknown key 'idle' at the top level: did you mean 'idle' in 'timeouts'?\n"
        "12:1: error: unknown key 'bufer' at the top level: did you mean 'buffer' in 'limits'?\n"
        "13:1: error: unknown key 'xyzzy' at the top level: the keys are workers, user, cage, "
        "pkcs11, dns, policy, policies, floor, fast_kdf, record_layer, watch, log, limits, "
        "drain, tickets, services\n");
}

static void what_is_required_is_missed_at_the_key_of_its_map(void **state)
{
    SL_UNUSED(state);
    expect_findings("workers: 1\n", "1:1: error: 'services' is missing at the top level: the "
                                    "services by name, of letters, digits, '_', '.', '-', at most "
                                    "64\n");
    expect_findings("services:\n  a: {}\n",
                    "2:3: error: 'listen' is missing in a service: where clients come in: one URL "
                    "or a list, all tls:// or none\n"
                    "2:3: error: 'connect' is missing in a service: where to connect to: one "
                    "server or a list, all tls:// or none; each is a URL, or a map with its "
                    "url and what else is to be said of it\n");
    expect_findings(
        SERVICE "    listen: tls://:1\n    connect: tcp://h:1\n"
                "    certificates:\n      - key: k.pem\n",
        "6:9: error: 'chain' is missing in a certificate: PEM file with the "
        "certificates, leaf first, and maybe the key; or the pkcs11: URI of the leaf on "
        "a token\n");
    expect_findings(
        ENCRYPT "    upstream: { certificate: { key: k.pem } }\n",
        "5:17: error: 'chain' is missing in a certificate: PEM file with the "
        "certificates, leaf first, and maybe the key; or the pkcs11: URI of the leaf on "
        "a token\n");
}

static void a_configuration_without_services_is_refused(void **state)
{
    SL_UNUSED(state);
    expect_findings("", "0:0: error: the configuration is empty: it needs at least one service\n");
    expect_findings("services: {}\n", "1:11: error: 'services' is empty: a map of services by "
                                      "name, 1 to 65536\n");
    expect_findings("services:\n", "1:1: error: 'services' has no value: a map of services by "
                                   "name, 1 to 65536\n");
    expect_findings("services: [a]\n", "1:11: error: 'services' cannot be a list: a map of "
                                       "services by name, 1 to 65536\n");
}

static void sections_are_maps(void **state)
{
    SL_UNUSED(state);
    expect_findings("hello\n", "1:1: error: a map of options is wanted at the top level\n");
    expect_findings("log: json\nlimits:\n" PLAIN,
                    "1:1: error: a map of options is wanted in 'log'\n"
                    "2:1: error: a map of options is wanted in 'limits', not nothing\n");
    expect_findings("services: { a: tcp://h:1 }\n",
                    "1:13: error: a map of options is wanted in a service\n");
    expect_findings(SERVICE "    listen: tls://:1\n    connect: tcp://h:1\n"
                            "    certificates: [c.pem]\n",
                    "5:20: error: a map of options is wanted in a certificate\n");
    expect_findings(SERVICE "    listen: tls://:1\n    connect: tcp://h:1\n"
                            "    certificates: { chain: c.pem }\n",
                    "5:19: error: 'certificates' cannot be a map: a list of maps, each behind "
                    "'- ', 1 to 1000000\n");
}

static void a_service_has_a_name_that_is_safe_in_logs(void **state)
{
    static const char *const BAD[] = { "a b", "a/b", "", "\xc3\xa4" };
    char name[66], yaml[512], wanted[512];
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(BAD); i++) {
        (void)snprintf(yaml, sizeof(yaml),
                       "services:\n  \"%s\": { listen: \"tcp://:1\", connect: \"tcp://h:1\" }\n",
                       BAD[i]);
        (void)snprintf(wanted, sizeof(wanted),
                       "2:3: error: a service cannot be named '%s': letters, digits, '_', '.' and "
                       "'-', 1 to 64 of them\n",
                       BAD[i]);
        expect_findings(yaml, wanted);
    }
    memset(name, 'n', sizeof(name));
    name[64] = '\0';
    (void)snprintf(yaml, sizeof(yaml),
                   "services:\n  %s: { listen: \"tcp://:1\", connect: \"tcp://h:1\" }\n", name);
    expect_findings(yaml, "");
    name[64] = 'n';
    name[65] = '\0';
    (void)snprintf(yaml, sizeof(yaml),
                   "services:\n  %s: { listen: \"tcp://:1\", connect: \"tcp://h:1\" }\n", name);
    (void)snprintf(wanted, sizeof(wanted),
                   "2:3: error: a service cannot be named '%s': letters, digits, '_', '.' and '-', "
                   "1 to 64 of them\n",
                   name);
    expect_findings(yaml, wanted);
}

static void an_alias_is_reported_once(void **state)
{
    SL_UNUSED(state);
    expect_findings("workers: &n 2\ndrain: *n\nlog: *n\n" SERVICE
                    "    listen: *n\n    connect: [*n]\n    upstream: { name: *n }\n",
                    "2:8: error: the alias *n is not allowed: write the value out\n"
                    "3:6: error: the alias *n is not allowed: write the value out\n"
                    "6:13: error: the alias *n is not allowed: write the value out\n"
                    "7:15: error: the alias *n is not allowed: write the value out\n"
                    "8:23: error: the alias *n is not allowed: write the value out\n");
}

static void a_text_past_the_limit_is_not_read(void **state)
{
    struct sl_arena arena;
    struct sl_findings findings;
    const struct sl_conf *conf = NULL;
    struct sl_conf_source source = { .yaml = { (const uint8_t *)"", SL_CONF_BYTES_MAX + 1 } };
    SL_UNUSED(state);
    sl_arena_init(&arena, 0);
    sl_findings_init(&findings, &arena);
    assert_int_equal(sl_conf_parse(&source, &arena, &findings, &conf), SL_EINVAL);
    assert_int_equal(findings.errors_count, 1);
    sl_arena_fini(&arena);
}

static void no_memory_is_told_wherever_it_ends(void **state)
{
    bool is_done = false;
    SL_UNUSED(state);
    for (size_t limit = 16; !is_done; limit += 16) {
        struct sl_arena arena, findings_arena;
        struct sl_findings findings;
        const struct sl_conf *conf = NULL;
        struct sl_conf_source source = { .yaml = sl_slice_cstr(FULL), .folder = "/f" };
        sl_arena_init(&arena, limit);
        sl_arena_init(&findings_arena, 0);
        sl_findings_init(&findings, &findings_arena);
        enum sl_err rc = sl_conf_parse(&source, &arena, &findings, &conf);
        assert_true(rc == SL_OK || rc == SL_ENOMEM);
        assert_int_equal(conf != NULL, rc == SL_OK);
        is_done = rc == SL_OK;
        sl_arena_fini(&arena);
        sl_arena_fini(&findings_arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_file_gets_every_default),
        cmocka_unit_test(every_option_reaches_its_field),
        cmocka_unit_test(without_a_folder_paths_stay_as_they_are),
        cmocka_unit_test(every_mistake_is_found_in_one_run_and_in_order),
        cmocka_unit_test(what_is_required_is_missed_at_the_key_of_its_map),
        cmocka_unit_test(a_configuration_without_services_is_refused),
        cmocka_unit_test(sections_are_maps),
        cmocka_unit_test(a_service_has_a_name_that_is_safe_in_logs),
        cmocka_unit_test(an_alias_is_reported_once),
        cmocka_unit_test(a_text_past_the_limit_is_not_read),
        cmocka_unit_test(no_memory_is_told_wherever_it_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
