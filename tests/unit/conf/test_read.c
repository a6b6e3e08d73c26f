/* SPDX-License-Identifier: Apache-2.0 */
#include "base/prefix.h"
#include "conf/read.h"
#include "expect.h"
#include <stdlib.h>

struct places {
    struct sl_prefix *prefixes;
    size_t count;
};

/* Reads `[a, b, ...]` as an option of prefixes; gives what was said of it. */
static size_t prefixes_read(const char *list, struct places *ret_places, struct sl_arena *arena,
                            char *ret_text, size_t size)
{
    const struct sl_schema_option option = { .key = "from",
                                             .type = SL_TYPE_PREFIXES,
                                             .count_max = 4,
                                             .at = offsetof(struct places, prefixes),
                                             .count_at = offsetof(struct places, count) };
    struct sl_findings findings;
    struct sl_yaml_node *root = NULL;
    sl_arena_init(arena, 0);
    sl_findings_init(&findings, arena);
    struct sl_read read = { .arena = arena, .findings = &findings };
    assert_int_equal(sl_yaml_parse(sl_slice_cstr(list), arena, &findings, &root), SL_OK);
    sl_read_value(&read, &option, root->first, ret_places);
    findings_text(&findings, ret_text, size);
    return findings.errors_count;
}

static void expect_prefixes(const char *list, const char *wanted)
{
    char text[1024];
    struct sl_arena arena;
    struct places places = { 0 };
    const size_t errors_count = prefixes_read(list, &places, &arena, text, sizeof(text));
    assert_int_equal(errors_count, 0);
    size_t len = 0;
    for (size_t i = 0; i < places.count; i++) {
        char prefix[SL_PREFIX_TEXT_MAX];
        sl_prefix_format(&places.prefixes[i], prefix);
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s ", prefix);
    }
    sl_arena_fini(&arena);
    assert_string_equal(text, wanted);
}

static void expect_no_prefixes(const char *list, const char *wanted)
{
    char text[1024];
    struct sl_arena arena;
    struct places places = { 0 };
    assert_int_equal(prefixes_read(list, &places, &arena, text, sizeof(text)), 1);
    sl_arena_fini(&arena);
    assert_string_equal(text, wanted);
}

static void prefixes_are_read_one_or_many_and_sorted(void **state)
{
    SL_UNUSED(state);
    expect_prefixes("from: 10.0.0.0/8", "10.0.0.0/8 ");
    expect_prefixes("from: [unix, '::1', 10.1.0.0/16, 10.0.0.0/8]", "10.0.0.0/8 ::1/128 unix ");
}

static void what_is_wrong_with_a_prefix_is_said_at_its_place(void **state)
{
    SL_UNUSED(state);
    expect_no_prefixes("from: [10.0.0.0/8, 10.0.0.1/8]",
                       "1:20: error: 'from' cannot be '10.0.0.1/8': bits behind the prefix must be "
                       "0\n");
    expect_no_prefixes("from: example.com",
                       "1:7: error: 'from' cannot be 'example.com': a prefix such as 10.0.0.0/8, "
                       "an address, unix, or a list of 1 to 4\n");
    expect_no_prefixes("from: [10.0.0.1, 10.0.0.1]",
                       "1:18: error: '10.0.0.1' stands in 'from' twice: first on line 1\n");
    expect_no_prefixes("from: [10.0.0.1, [10.0.0.2]]",
                       "1:18: error: an entry of 'from' must be a single value\n");
    expect_no_prefixes("from: []",
                       "1:7: error: 'from' is empty: a prefix such as 10.0.0.0/8, an address, "
                       "unix, or a list of 1 to 4\n");
    expect_no_prefixes("from: ['1.1.1.1', '1.1.1.2', '1.1.1.3', '1.1.1.4', '1.1.1.5']",
                       "1:7: error: 'from' has 5 entries: at most 4\n");
}

static void integers_keep_their_range(void **state)
{
    SL_UNUSED(state);
    expect_findings("workers: 1\n" PLAIN, "");
    expect_findings("workers: 1024\n" PLAIN, "");
    expect_findings("workers: 0\n" PLAIN,
                    "1:10: error: 0 is out of range for 'workers': auto, or 1 to 1024\n");
    expect_findings("workers: 1025\n" PLAIN,
                    "1:10: error: 1025 is out of range for 'workers': auto, or 1 to 1024\n");
    expect_findings("workers: many\n" PLAIN,
                    "1:10: error: 'workers' cannot be 'many': an integer, auto, or 1 to 1024\n");
    expect_findings(
        "limits: { connections: 99999999999999999999 }\n" PLAIN,
        "1:24: error: 99999999999999999999 is out of range for 'connections': auto, or 1 to "
        "10000000\n");
}

static void durations_keep_their_range_and_their_unit(void **state)
{
    SL_UNUSED(state);
    expect_findings("drain: 0s\n" PLAIN, "");
    expect_findings("drain: 10\n" PLAIN,
                    "1:8: error: 'drain' cannot be '10': a number and its unit (ms, s, m, h or d), "
                    "0s to 7d\n");
    expect_findings(PLAIN "    timeouts: { handshake: 0s, idle: 8d }\n",
                    "5:28: error: 0s is out of range for 'handshake': 100ms to 10m\n"
                    "5:38: error: 8d is out of range for 'idle': 1s to 7d\n");
}

static void sizes_keep_their_range(void **state)
{
    SL_UNUSED(state);
    expect_findings("limits: { buffer: 16384, client_hello: 128KiB }\n" PLAIN, "");
    expect_findings("limits: { buffer: 16383, client_hello: 129KiB }\n" PLAIN,
                    "1:19: error: 16383 is out of range for 'buffer': 16KiB to 1MiB\n"
                    "1:40: error: 129KiB is out of range for 'client_hello': 4KiB to 128KiB\n");
    expect_findings("limits: { buffer: 64KB }\n" PLAIN,
                    "1:19: error: 'buffer' cannot be '64KB': bytes, or a number with KiB, MiB or "
                    "GiB, 16KiB to 1MiB\n");
}

static void credentials_are_named_and_not_looked_for(void **state)
{
    SL_UNUSED(state);
    expect_findings(
        ENCRYPT "    upstream: { certificate: { chain: me.pem, key: 'credential:k' } }\n", "");
    expect_findings(ENCRYPT "    upstream: { ca: 'credential:../k' }\n",
                    "5:21: error: 'ca' cannot be 'credential:../k': behind credential: stands the "
                    "name of a credential\n");
    expect_findings(ENCRYPT "    upstream: { ca: 'credential:' }\n",
                    "5:21: error: 'ca' cannot be 'credential:': behind credential: stands the "
                    "name of a credential\n");
    expect_findings(ENCRYPT "    upstream: { ca: 'credential:..' }\n",
                    "5:21: error: 'ca' cannot be 'credential:..': behind credential: stands the "
                    "name of a credential\n");
}

static void what_is_on_a_token_is_named_by_a_uri(void **state)
{
    SL_UNUSED(state);
    expect_findings(ENCRYPT "    upstream: { certificate: { chain: 'pkcs11:token=t;object=c' } }\n",
                    "");
    expect_findings(ENCRYPT "    upstream: { certificate: { chain: c.pem, key: 'pkcs11:x=1' } }\n",
                    "5:51: error: 'key' is no good pkcs11: URI: there is no attribute 'x' in RFC "
                    "7512\n");
    expect_findings(ENCRYPT "    upstream: { ca: 'pkcs11:object=c' }\n",
                    "5:21: error: 'ca' cannot stand on a token: a file is wanted\n");
}

static void words_are_those_of_the_list(void **state)
{
    SL_UNUSED(state);
    expect_findings("log: { format: json }\n" PLAIN, "");
    expect_findings("log: { format: JSON }\n" PLAIN,
                    "1:16: error: 'format' cannot be 'JSON': one of text, json\n");
    expect_findings(
        "policy: strong\n" PLAIN,
        "1:9: error: 'policy' cannot be 'strong': one of modern, mozilla-modern-6.0, intermediate, "
        "mozilla-intermediate-6.0, old, mozilla-old-5.8, or a name in policies\n");
    expect_findings(ENCRYPT "    upstream: { verify: maybe }\n",
                    "5:25: error: 'verify' cannot be 'maybe': a switch, on, off\n");
}

static void an_option_wants_its_kind_of_value(void **state)
{
    SL_UNUSED(state);
    expect_findings("workers: [1]\n" PLAIN,
                    "1:10: error: 'workers' cannot be a list: an integer, auto, or 1 to 1024\n");
    expect_findings("policy: { a: b }\n" PLAIN, "1:9: error: 'policy' cannot be a map: one of "
                                                "modern, mozilla-modern-6.0, intermediate, "
                                                "mozilla-intermediate-6.0, old, mozilla-old-5.8, "
                                                "or a name in policies\n");
    expect_findings("workers:\n" PLAIN,
                    "1:1: error: 'workers' has no value: an integer, auto, or 1 to 1024\n");
    expect_findings(OFFLOAD "    alpn: h2\n",
                    "6:11: error: 'alpn' cannot be a single value: a list of 1 to 64, each 1 to "
                    "255 bytes\n");
    expect_findings(OFFLOAD "    alpn: []\n", "6:11: error: 'alpn' is empty: a list of 1 to 64, "
                                              "each 1 to 255 bytes\n");
    expect_findings(OFFLOAD "    alpn: [[h2], h3]\n",
                    "6:12: error: an entry of 'alpn' must be a single value\n");
}

static void lists_have_at_most_their_count(void **state)
{
    char yaml[4096] = OFFLOAD "    alpn: [p0";
    SL_UNUSED(state);
    for (unsigned i = 1; i < 64; i++) {
        size_t len = strlen(yaml);
        (void)snprintf(yaml + len, sizeof(yaml) - len, ",p%u", i);
    }
    size_t len = strlen(yaml);
    (void)snprintf(yaml + len, sizeof(yaml) - len, "]\n");
    expect_findings(yaml, "");
    (void)snprintf(yaml + len, sizeof(yaml) - len, ",p64]\n");
    expect_findings(yaml, "6:11: error: 'alpn' has 65 entries: at most 64\n");
}

static void alpn_names_have_1_to_255_bytes_and_stand_once(void **state)
{
    char name[257], yaml[1024];
    memset(name, 'x', sizeof(name));
    SL_UNUSED(state);
    (void)snprintf(yaml, sizeof(yaml), OFFLOAD "    alpn: [%.255s]\n", name);
    expect_findings(yaml, "");
    (void)snprintf(yaml, sizeof(yaml), OFFLOAD "    alpn: [%.256s]\n", name);
    expect_findings(yaml, "6:12: error: 'alpn' has 256 bytes: a list of 1 to 64, each 1 to 255 "
                          "bytes\n");
    expect_findings(OFFLOAD "    alpn: ['', \"a\\0\"]\n",
                    "6:12: error: 'alpn' has 0 bytes: a list of 1 to 64, each 1 to 255 bytes\n"
                    "6:16: error: 'alpn' holds a NUL character\n");
    expect_findings(OFFLOAD "    alpn:\n      - h2\n      - http/1.1\n      - h2\n",
                    "9:9: error: 'h2' stands in 'alpn' twice: first on line 7\n");
}

static void a_path_is_not_empty_and_holds_no_nul(void **state)
{
    SL_UNUSED(state);
    expect_findings(ENCRYPT "    upstream: { ca: '' }\n",
                    "5:21: error: 'ca' has 0 bytes: a path of 1 to 4095 bytes\n");
    expect_findings(ENCRYPT "    upstream: { ca: \"a\\0b\" }\n",
                    "5:21: error: 'ca' holds a NUL character\n");
}

static void values_may_be_quoted(void **state)
{
    SL_UNUSED(state);
    expect_findings("workers: '4'\ndrain: \"5m\"\n" PLAIN, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefixes_are_read_one_or_many_and_sorted),
        cmocka_unit_test(what_is_wrong_with_a_prefix_is_said_at_its_place),
        cmocka_unit_test(integers_keep_their_range),
        cmocka_unit_test(durations_keep_their_range_and_their_unit),
        cmocka_unit_test(sizes_keep_their_range),
        cmocka_unit_test(credentials_are_named_and_not_looked_for),
        cmocka_unit_test(what_is_on_a_token_is_named_by_a_uri),
        cmocka_unit_test(words_are_those_of_the_list),
        cmocka_unit_test(an_option_wants_its_kind_of_value),
        cmocka_unit_test(lists_have_at_most_their_count),
        cmocka_unit_test(alpn_names_have_1_to_255_bytes_and_stand_once),
        cmocka_unit_test(a_path_is_not_empty_and_holds_no_nul),
        cmocka_unit_test(values_may_be_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
