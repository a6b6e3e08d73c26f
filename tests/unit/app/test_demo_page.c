/* SPDX-License-Identifier: Apache-2.0 */
#include "app/demo_page.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* NUL-terminated, in memory that the next call takes again. */
static const char *render(enum sl_err (*page)(const struct sl_demo_facts *facts,
                                              struct sl_wbuf *out),
                          const struct sl_demo_facts *facts)
{
    static char text[SL_DEMO_BODY_MAX + 1];
    struct sl_wbuf out = sl_wbuf_of(text, SL_DEMO_BODY_MAX);
    assert_int_equal(page(facts, &out), SL_OK);
    text[out.len] = '\0';
    return text;
}

static const struct sl_demo_facts USUAL = { .version = "TLSv1.3",
                                            .cipher = "TLS_AES_128_GCM_SHA256",
                                            .group = "x25519",
                                            .alpn = "http/1.1",
                                            .sni = "localhost",
                                            .client = "127.0.0.1:4711",
                                            .is_resumed = true };

static void json_has_every_fact(void **state)
{
    SL_UNUSED(state);
    assert_string_equal(render(sl_demo_page_json, &USUAL),
                        "{\"version\": \"TLSv1.3\", \"cipher\": \"TLS_AES_128_GCM_SHA256\", "
                        "\"group\": \"x25519\", \"alpn\": \"http/1.1\", \"sni\": \"localhost\", "
                        "\"client\": \"127.0.0.1:4711\", \"resumed\": true}\n");
}

static void html_has_every_fact(void **state)
{
    SL_UNUSED(state);
    const char *page = render(sl_demo_page_html, &USUAL);
    static const char *const CELLS[] = { "TLSv1.3",   "TLS_AES_128_GCM_SHA256",
                                         "x25519",    "http/1.1",
                                         "localhost", "127.0.0.1:4711",
                                         "yes" };
    for (size_t i = 0; i < SL_COUNT(CELLS); i++) {
        char cell[64];
        struct sl_wbuf text = sl_wbuf_of(cell, sizeof(cell));
        assert_int_equal(sl_wbuf_printf(&text, "<td>%s</td>", CELLS[i]), SL_OK);
        assert_non_null(memmem(page, strlen(page), cell, text.len));
    }
    assert_int_equal(strncmp(page, "<!DOCTYPE html>", 15), 0);
}

static void what_was_not_negotiated_is_null_and_none(void **state)
{
    const struct sl_demo_facts facts = { .version = "TLSv1.2" };
    SL_UNUSED(state);
    assert_non_null(strstr(render(sl_demo_page_json, &facts),
                           "\"sni\": null, \"client\": null, \"resumed\": false}"));
    assert_non_null(strstr(render(sl_demo_page_html, &facts), "<td>none</td>"));
}

static void what_a_client_sent_is_escaped(void **state)
{
    const struct sl_demo_facts facts = { .sni = "<b x='1' y=\"2\">&\\\n\xff" };
    SL_UNUSED(state);
    const char *html = render(sl_demo_page_html, &facts);
    assert_null(strstr(html, "<b "));
    assert_non_null(strstr(html, "<td>&#60;b x=&#39;1&#39; y=&#34;2&#34;&#62;&#38;\\"
                                 "&#xfffd;&#xfffd;</td>"));
    assert_non_null(
        strstr(render(sl_demo_page_json, &facts), "\"<b x='1' y=\\\"2\\\">&\\\\\\ufffd\\ufffd\""));
}

static void facts_are_copied_out_of_the_header(void **state)
{
    struct sl_proxy_v2 header = { .is_tls = true,
                                  .version = SL_SLICE_INIT("TLSv1.3"),
                                  .cipher = SL_SLICE_INIT("C"),
                                  .group = SL_SLICE_INIT("G"),
                                  .alpn = SL_SLICE_INIT("h2\0x"),
                                  .authority = SL_SLICE_INIT("localhost"),
                                  .is_resumed = true };
    struct sl_demo_facts facts;
    SL_UNUSED(state);
    memset(&facts, 'z', sizeof(facts));
    assert_int_equal(sl_addr_from_ip(SL_SLICE("::1"), 80, &header.source), SL_OK);
    sl_demo_facts_read(&header, &facts);
    assert_string_equal(facts.version, "TLSv1.3");
    assert_string_equal(facts.cipher, "C");
    assert_string_equal(facts.group, "G");
    assert_string_equal(facts.alpn, "h2 x");
    assert_string_equal(facts.sni, "localhost");
    assert_string_equal(facts.client, "[::1]:80");
    assert_true(facts.is_resumed);
    sl_demo_facts_read(&(const struct sl_proxy_v2){ 0 }, &facts);
    assert_string_equal(facts.client, "");
    assert_string_equal(facts.version, "");
    assert_false(facts.is_resumed);
}

static void the_longest_facts_have_room(void **state)
{
    static uint8_t bytes[SL_PROXY_V2_MAX];
    struct sl_demo_facts facts;
    SL_UNUSED(state);
    memset(bytes, 1, sizeof(bytes)); /* becomes the longest escape */
    struct sl_slice all = sl_slice_of(bytes, sizeof(bytes));
    const struct sl_proxy_v2 header = {
        .version = all, .cipher = all, .group = all, .alpn = all, .authority = all
    };
    sl_demo_facts_read(&header, &facts);
    assert_int_equal(strlen(facts.sni), SL_DEMO_TEXT_MAX - 1);
    memset(facts.client, 1, sizeof(facts.client) - 1);
    facts.client[sizeof(facts.client) - 1] = '\0';
    (void)render(sl_demo_page_html, &facts);
    (void)render(sl_demo_page_json, &facts);
}

static void too_little_room_is_said(void **state)
{
    char text[SL_DEMO_BODY_MAX];
    struct sl_wbuf out = sl_wbuf_of(text, sizeof(text));
    SL_UNUSED(state);
    assert_int_equal(sl_demo_page_html(&USUAL, &out), SL_OK);
    for (size_t cap = 0; cap < out.len; cap++) {
        struct sl_wbuf small = sl_wbuf_of(text, cap);
        assert_int_equal(sl_demo_page_html(&USUAL, &small), SL_ENOSPC);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_has_every_fact),
        cmocka_unit_test(html_has_every_fact),
        cmocka_unit_test(what_was_not_negotiated_is_null_and_none),
        cmocka_unit_test(what_a_client_sent_is_escaped),
        cmocka_unit_test(facts_are_copied_out_of_the_header),
        cmocka_unit_test(the_longest_facts_have_room),
        cmocka_unit_test(too_little_room_is_said),
    };
    return cmocka_run_group_tests_name("app/demo_page", tests, NULL, NULL);
}
