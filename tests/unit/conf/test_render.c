/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/render.h"
#include "expect.h"
#include <stdlib.h>

/* Copies `text` with "#key:" turned into "key:", and clients' certificates asked for;
 * "#psk:" stays, since it is in place of certificates, and "#proxy_tlvs:", which needs a header. */
static void uncomment(struct sl_slice text, char *ret_yaml, size_t size)
{
    struct sl_wbuf out = sl_wbuf_of(ret_yaml, size - 1);
    bool is_start = true, is_clients = false;
    while (text.len > 0) {
        uint8_t c = *sl_slice_cut(&text, 1).ptr;
        bool is_option = is_start && c == '#' && text.len > 0 && text.ptr[0] != ' ' &&
                         !sl_slice_starts(text, SL_SLICE("psk:")) &&
                         !sl_slice_starts(text, SL_SLICE("proxy_tlvs:"));
        is_clients = is_clients || (is_start && sl_slice_starts(text, SL_SLICE("lients:")));
        if (is_clients && is_start && sl_slice_starts(text, SL_SLICE("erify: off"))) {
            assert_int_equal(sl_wbuf_put(&out, SL_SLICE("verify: request")), SL_OK);
            (void)sl_slice_cut(&text, strlen("erify: off"));
        } else if (!is_option) {
            assert_int_equal(sl_wbuf_put_u8(&out, c), SL_OK);
        }
        is_start = c == '\n' || (is_start && c == ' ');
    }
    ret_yaml[out.len] = '\0';
}

static void the_defaults_are_a_configuration(void **state)
{
    static char yaml[SL_CONF_RENDER_MAX], uncommented[SL_CONF_RENDER_MAX];
    struct sl_wbuf out = sl_wbuf_of(yaml, sizeof(yaml) - 1);
    SL_UNUSED(state);
    assert_int_equal(sl_conf_render_defaults(&out), SL_OK);
    yaml[out.len] = '\0';
    expect_findings(yaml, "");
    uncomment(sl_wbuf_slice(&out), uncommented, sizeof(uncommented));
    expect_findings(uncommented, "");
    assert_true(strlen(uncommented) + 5 < strlen(yaml) + strlen("request") - strlen("off"));
}

static void the_defaults_that_are_shown_are_those_that_are_used(void **state)
{
    static char yaml[SL_CONF_RENDER_MAX];
    struct sl_wbuf out = sl_wbuf_of(yaml, sizeof(yaml) - 1);
    struct sl_arena shown_arena, used_arena;
    struct sl_findings findings;
    const struct sl_conf *shown = NULL, *used = NULL;
    SL_UNUSED(state);
    assert_int_equal(sl_conf_render_defaults(&out), SL_OK);
    yaml[out.len] = '\0';
    assert_int_equal(conf_parse(yaml, &shown_arena, &findings, &shown), SL_OK);
    assert_int_equal(conf_parse(ENCRYPT, &used_arena, &findings, &used), SL_OK);
    assert_int_equal(shown->workers_count, used->workers_count);
    assert_true(shown->policy == used->policy);
    struct sl_conf_limits limits;
    memcpy(&limits, &shown->limits, sizeof(limits));
    limits.handshakes_pos = used->limits.handshakes_pos; /* where it stands is no default */
    assert_memory_equal(&limits, &used->limits, sizeof(used->limits));
    assert_int_equal(shown->drain_ms, used->drain_ms);
    assert_int_equal(shown->ticket_rotate_ms, used->ticket_rotate_ms);
    assert_memory_equal(&shown->services[0].timeouts, &used->services[0].timeouts,
                        sizeof(used->services[0].timeouts));
    sl_arena_fini(&shown_arena);
    sl_arena_fini(&used_arena);
}

static void what_does_not_fit_is_not_begun(void **state)
{
    static char text[SL_CONF_RENDER_MAX];
    SL_UNUSED(state);
    for (size_t cap = 1; cap < 2000; cap += 7) {
        struct sl_wbuf out = sl_wbuf_of(text, cap);
        out.len = 1;
        assert_int_equal(sl_conf_render_defaults(&out), SL_ENOSPC);
        assert_int_equal(out.len, 1);
        assert_int_equal(sl_conf_render_markdown(&out), SL_ENOSPC);
        assert_int_equal(out.len, 1);
    }
}

/* The document in the tree is the rendering; SL_UPDATE=1 in the environment writes it anew. */
static void the_document_is_that_of_the_schema(void **state)
{
    static char text[SL_CONF_RENDER_MAX], stored[SL_CONF_RENDER_MAX];
    const char *path = *state;
    struct sl_wbuf out = sl_wbuf_of(text, sizeof(text) - 1);
    assert_non_null(path);
    assert_int_equal(sl_conf_render_markdown(&out), SL_OK);
    text[out.len] = '\0';
    if (getenv("SL_UPDATE") != NULL) {
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(text, 1, out.len, file), out.len);
        assert_int_equal(fclose(file), 0);
    }
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(stored, 1, sizeof(stored) - 1, file);
    stored[len] = '\0';
    assert_int_equal(fclose(file), 0);
    assert_string_equal(stored, text);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_a_configuration),
        cmocka_unit_test(the_defaults_that_are_shown_are_those_that_are_used),
        cmocka_unit_test(what_does_not_fit_is_not_begun),
        cmocka_unit_test_prestate(the_document_is_that_of_the_schema, argc == 2 ? argv[1] : NULL),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
