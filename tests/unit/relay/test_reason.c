/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/reason.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void each_reason_is_one_word_and_one_sentence(void **state)
{
    SL_UNUSED(state);
    for (unsigned i = 0; i < SL_REASON_COUNT; i++) {
        const struct sl_reason_row *row = sl_reason_row((enum sl_reason)i);
        assert_non_null(row->word);
        assert_non_null(row->text);
        size_t len = strlen(row->word);
        assert_true(len > 0);
        assert_int_equal(strspn(row->word, "abcdefghijklmnopqrstuvwxyz_"), len);
        assert_int_equal(row->text[strlen(row->text) - 1], '.');
        assert_null(strstr(row->text, "  "));
    }
}

static void no_word_stands_for_two_reasons(void **state)
{
    SL_UNUSED(state);
    for (unsigned i = 0; i < SL_REASON_COUNT; i++) {
        for (unsigned j = 0; j < i; j++) {
            assert_string_not_equal(sl_reason_row((enum sl_reason)i)->word,
                                    sl_reason_row((enum sl_reason)j)->word);
        }
    }
}

static void what_a_client_can_cause_is_no_error_of_ours(void **state)
{
    SL_UNUSED(state);
    const enum sl_reason ours[] = { SL_REASON_KEYS_TIMEOUT,   SL_REASON_KEYS_OVERLOAD,
                                    SL_REASON_KEYS_FAILED,    SL_REASON_NO_MEMORY,
                                    SL_REASON_NO_DESCRIPTORS, SL_REASON_INTERNAL };
    for (unsigned i = 0; i < SL_REASON_COUNT; i++) {
        const struct sl_reason_row *row = sl_reason_row((enum sl_reason)i);
        bool is_ours = false;
        for (size_t j = 0; j < SL_COUNT(ours); j++) {
            is_ours = is_ours || ours[j] == (enum sl_reason)i;
        }
        assert_int_equal(row->level == SL_LOG_ERROR, is_ours);
        if (strncmp(row->word, "upstream_", 9) == 0) {
            assert_int_equal(row->level, SL_LOG_WARN);
        }
        if (strncmp(row->word, "client_", 7) == 0) {
            assert_int_equal(row->level, SL_LOG_INFO);
        }
    }
}

static void what_is_no_reason_is_a_mistake_of_ours(void **state)
{
    SL_UNUSED(state);
    assert_string_equal(sl_reason_row(SL_REASON_COUNT)->word, "internal");
    assert_string_equal(sl_reason_row((enum sl_reason) - 1)->word, "internal");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reason_is_one_word_and_one_sentence),
        cmocka_unit_test(no_word_stands_for_two_reasons),
        cmocka_unit_test(what_a_client_can_cause_is_no_error_of_ours),
        cmocka_unit_test(what_is_no_reason_is_a_mistake_of_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
