/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/clients.h"
#include "pair.h"
#include "tls/names.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
    SL_UNUSED(state);
    return sl_tls_library_init() == SL_OK ? 0 : -1;
}

static void what_is_known_and_what_is_not_are_told_apart(void **state)
{
    SL_UNUSED(state);
    const struct {
        enum sl_tls_list list;
        const char *names, *known, *lacking;
    } cases[] = {
        { SL_TLS_SUITES, "TLS_AES_128_GCM_SHA256:TLS_NO", "TLS_AES_128_GCM_SHA256", "TLS_NO" },
        { SL_TLS_CIPHERS, "X-1:AES128-SHA:X-2:AES256-SHA", "AES128-SHA, AES256-SHA", "X-1, X-2" },
        { SL_TLS_GROUPS, "X25519:xyz:prime256v1", "X25519, prime256v1", "xyz" },
        { SL_TLS_SIGNATURES, "ed25519:xyz", "ed25519", "xyz" },
        { SL_TLS_GROUPS, "", "", "" },
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        for (int is_known = 0; is_known < 2; is_known++) {
            char text[200] = "";
            struct sl_wbuf out = sl_wbuf_of(text, sizeof(text) - 1);
            assert_int_equal(
                sl_tls_names_put(cases[i].list, cases[i].names, is_known == 1, ", ", &out), SL_OK);
            text[out.len] = '\0';
            assert_string_equal(text, is_known == 1 ? cases[i].known : cases[i].lacking);
        }
    }
    char small[8];
    struct sl_wbuf out = sl_wbuf_of(small, sizeof(small));
    assert_int_equal(sl_tls_names_put(SL_TLS_CIPHERS, "AES128-SHA", true, ",", &out), SL_ENOSPC);
}

/* A slip of the pen in the table of clients would look like something that a library lacks. */
static void the_clients_names_are_known_but_for_old_ones_and_new_ones(void **state)
{
    SL_UNUSED(state);
    static const char *const MAY_LACK[] = { "RC4",      "3DES",           "DES-CBC3",
                                            "CAMELLIA", "X25519MLKEM768", "SHA224",
                                            "RSA+SHA1", "ECDSA+SHA1" };
    for (const struct sl_client *client = sl_client_all(); client->text != NULL; client++) {
        for (enum sl_tls_list list = SL_TLS_SUITES; list <= SL_TLS_SIGNATURES; list++) {
            char text[4096];
            struct sl_wbuf out = sl_wbuf_of(text, sizeof(text));
            assert_int_equal(
                sl_tls_names_put(list, sl_tls_list_of(&client->offer, list), false, ":", &out),
                SL_OK);
            struct sl_slice rest = sl_wbuf_slice(&out);
            while (rest.len != 0) {
                char name[80] = "";
                struct sl_slice one = sl_slice_cut(&rest, sl_slice_find(rest, ':'));
                (void)sl_slice_cut(&rest, 1);
                bool may_lack = false;
                assert_true(one.len < sizeof(name));
                memcpy(name, one.ptr, one.len);
                for (size_t i = 0; i < SL_COUNT(MAY_LACK); i++) {
                    may_lack = may_lack || strstr(name, MAY_LACK[i]) != NULL;
                }
                if (!may_lack) {
                    fail_msg("%s offers %s", client->offer.name, name);
                }
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_known_and_what_is_not_are_told_apart),
        cmocka_unit_test(the_clients_names_are_known_but_for_old_ones_and_new_ones),
    };
    return cmocka_run_group_tests_name("tls/names", tests, setup, NULL);
}
