/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int make_fixture(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    fixture_init(f);
    *state = f;
    return 0;
}

static int drop_fixture(void **state)
{
    fixture_fini(*state);
    free(*state);
    return 0;
}

static void a_bundle_is_read_whole(void **state)
{
    const struct fixture *f = *state;
    char *both = pki_join(f->ca.chain, f->other_ca.chain), *twice = pki_join(both, both);
    struct sl_tls_store *store = NULL;
    assert_int_equal(sl_tls_store_create(pki_slice(twice), NULL, &store), SL_OK);
    struct sl_tls_store *again = sl_tls_store_ref(store);
    sl_tls_store_unref(store);
    sl_tls_store_unref(again);
    sl_tls_store_unref(NULL);
    free(both);
    free(twice);
}

static void a_store_needs_a_certificate_and_no_broken_one(void **state)
{
    const struct fixture *f = *state;
    struct sl_tls_store *store = NULL;
    struct sl_diag diag = { "" };
    assert_int_equal(sl_tls_store_create(pki_slice(""), &diag, &store), SL_EINVAL);
    assert_string_equal(diag.text, "CA file: there is no certificate in it");
    assert_int_equal(sl_tls_store_create(pki_slice(f->ca.key), &diag, &store), SL_EINVAL);
    char *broken = pki_join(f->ca.chain, "-----BEGIN CERTIFICATE-----\nAAAA\n"
                                         "-----END CERTIFICATE-----\n");
    assert_int_equal(sl_tls_store_create(pki_slice(broken), &diag, &store), SL_EINVAL);
    assert_int_equal(strncmp(diag.text, "CA file: certificate 2: ", 24), 0);
    free(broken);
    assert_null(store);
}

static void the_system_path_follows_the_environment(void **state)
{
    SL_UNUSED(state);
    assert_int_equal(unsetenv("SSL_CERT_FILE"), 0);
    assert_int_equal(sl_tls_store_system_path()[0], '/');
    assert_int_equal(setenv("SSL_CERT_FILE", "/some/where.pem", 1), 0);
    assert_string_equal(sl_tls_store_system_path(), "/some/where.pem");
    assert_int_equal(unsetenv("SSL_CERT_FILE"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bundle_is_read_whole),
        cmocka_unit_test(a_store_needs_a_certificate_and_no_broken_one),
        cmocka_unit_test(the_system_path_follows_the_environment),
    };
    return cmocka_run_group_tests_name("tls/store", tests, make_fixture, drop_fixture);
}
