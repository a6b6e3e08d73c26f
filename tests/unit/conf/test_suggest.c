/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/suggest.h"
#include "expect.h"

static size_t distance(const char *typed, const char *known)
{
    return sl_suggest_distance(sl_slice_cstr(typed), sl_slice_cstr(known));
}

static void slips_of_the_fingers_are_counted(void **state)
{
    SL_UNUSED(state);
    assert_int_equal(distance("listen", "listen"), 0);
    assert_int_equal(distance("lisen", "listen"), 1);
    assert_int_equal(distance("listten", "listen"), 1);
    assert_int_equal(distance("lisben", "listen"), 1);
    assert_int_equal(distance("ilsten", "listen"), 1);
    assert_int_equal(distance("Listen", "listen"), 0);
    assert_int_equal(distance("client-hello", "client_hello"), 0);
    assert_int_equal(distance("srvices", "services"), 1);
    assert_int_equal(distance("servcie", "services"), 2);
}

static void the_beginning_of_a_word_is_like_it(void **state)
{
    SL_UNUSED(state);
    assert_int_equal(distance("cert", "certificates"), 1);
    assert_int_equal(distance("ce", "certificates"), SL_SUGGEST_NONE);
}

static void words_of_another_kind_are_not_alike(void **state)
{
    char word[100];
    memset(word, 'a', sizeof(word));
    SL_UNUSED(state);
    assert_int_equal(distance("backend", "listen"), SL_SUGGEST_NONE);
    assert_int_equal(distance("", "ca"), SL_SUGGEST_NONE);
    assert_int_equal(distance("x", "y"), SL_SUGGEST_NONE);
    assert_int_equal(
        sl_suggest_distance(sl_slice_of(word, sizeof(word)), sl_slice_of(word, sizeof(word))),
        SL_SUGGEST_NONE);
    assert_int_equal(sl_suggest_distance(sl_slice_of(word, SL_SUGGEST_WORD_MAX),
                                         sl_slice_of(word, SL_SUGGEST_WORD_MAX)),
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slips_of_the_fingers_are_counted),
        cmocka_unit_test(the_beginning_of_a_word_is_like_it),
        cmocka_unit_test(words_of_another_kind_are_not_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
