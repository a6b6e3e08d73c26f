/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/clients.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { TLS_1_0 = 0x0301, TLS_1_3 = 0x0304 };

static bool has_empty_name(const char *names)
{
    const size_t len = strlen(names);
    return len != 0 && (names[0] == ':' || names[len - 1] == ':' || strstr(names, "::") != NULL ||
                        strpbrk(names, " ,;?*@!+") == names);
}

static void every_client_is_whole(void **state)
{
    SL_UNUSED(state);
    size_t count = 0;
    for (const struct sl_client *client = sl_client_all(); client->text != NULL; client++) {
        const struct sl_policy *offer = &client->offer;
        count++;
        assert_true(offer->name[0] != '\0' && client->text[0] != '\0');
        assert_true(offer->min_version >= TLS_1_0 && offer->max_version <= TLS_1_3);
        assert_true(offer->min_version <= offer->max_version);
        assert_int_equal(offer->suites[0] != '\0', offer->max_version == TLS_1_3);
        assert_int_equal(offer->signatures[0] != '\0', offer->max_version > TLS_1_0 + 1);
        assert_true(offer->ciphers[0] != '\0');
        assert_false(has_empty_name(offer->suites) || has_empty_name(offer->ciphers) ||
                     has_empty_name(offer->groups) || has_empty_name(offer->signatures));
        assert_true(client->alpn == NULL || client->alpn[0] != '\0');
        assert_ptr_equal(sl_client_find(sl_slice_cstr(offer->name)), client);
    }
    assert_in_range(count, 16, 64);
}

static void a_beginning_is_the_newest_of_a_kind(void **state)
{
    SL_UNUSED(state);
    const char *cases[][2] = { { "firefox", "firefox-140" },        { "java", "java-17" },
                               { "openssl", "openssl-3.5" },        { "curl", "curl-debian-13" },
                               { "curl-debian", "curl-debian-13" }, { "windows", "windows-11" } };
    const char *none[] = { "", "fire", "firefox-", "Firefox", "java-1", "curl-debian-133" };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        const struct sl_client *client = sl_client_find(sl_slice_cstr(cases[i][0]));
        assert_non_null(client);
        assert_string_equal(client->offer.name, cases[i][1]);
    }
    for (size_t i = 0; i < SL_COUNT(none); i++) {
        assert_null(sl_client_find(sl_slice_cstr(none[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_client_is_whole),
        cmocka_unit_test(a_beginning_is_the_newest_of_a_kind),
    };
    return cmocka_run_group_tests_name("conf/clients", tests, NULL, NULL);
}
