/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/token_uri.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect(const char *uri, const char *wanted)
{
    struct sl_diag diag = { "" };
    enum sl_err rc = sl_token_uri_check(sl_slice_cstr(uri), &diag);
    assert_string_equal(diag.text, wanted);
    assert_int_equal(rc, wanted[0] == '\0' ? SL_OK : SL_EINVAL);
}

static void an_object_on_a_token_is_understood(void **state)
{
    SL_UNUSED(state);
    expect("pkcs11:token=t;object=k", "");
    expect("pkcs11:object=k", "");
    expect("pkcs11:id=%01%ff", "");
    expect("pkcs11:token=a%20b;serial=12;type=private;object=k?module-path=/usr/lib/p.so", "");
    expect("pkcs11:object=k?pin-source=file:/etc/pin&module-name=softhsm2", "");
    assert_true(sl_token_uri_is(SL_SLICE("pkcs11:")));
    assert_false(sl_token_uri_is(SL_SLICE("PKCS11.pem")));
}

static void each_mistake_is_said(void **state)
{
    SL_UNUSED(state);
    expect("site.key", "it does not begin with pkcs11:");
    expect("pkcs11:", "there is no attribute '' in RFC 7512");
    expect("pkcs11:token=t", "it names no object: object= or id= is wanted");
    expect("pkcs11:token=t;type=private", "it names no object: object= or id= is wanted");
    expect("pkcs11:label=k", "there is no attribute 'label' in RFC 7512");
    expect("pkcs11:l%zz=k", "there is no attribute '' in RFC 7512");
    expect("pkcs11:object", "'object' has no value");
    expect("pkcs11:object=", "'object' has no value");
    expect("pkcs11:object=k;", "there is no attribute '' in RFC 7512");
    expect("pkcs11:object=k;object=l", "'object' stands there twice");
    expect("pkcs11:object=my key",
           "the value of 'object' has a character that is to be written as %XX");
    expect("pkcs11:object=%4",
           "the value of 'object' has a character that is to be written as %XX");
    expect("pkcs11:object=k;module-name=m", "'module-name' stands on the wrong side of the '?'");
    expect("pkcs11:object=k?token=m", "'token' stands on the wrong side of the '?'");
    expect("pkcs11:object=k?pin-value=1234",
           "a PIN does not belong into a configuration, which is no secret: let pin_file name its "
           "file");
    expect("pkcs11:object=k?pin-source=|program", "pin-source has to be file: and a whole path");
    expect("pkcs11:object=k?pin-source=file:pin", "pin-source has to be file: and a whole path");
    expect("pkcs11:object=k?pin-source=/a%00", "pin-source has to be file: and a whole path");
}

static void a_long_one_is_out_of_range(void **state)
{
    static char uri[SL_TOKEN_URI_MAX + 2];
    SL_UNUSED(state);
    memset(uri, 'a', sizeof(uri) - 1);
    memcpy(uri, "pkcs11:object=", 14);
    assert_int_equal(sl_token_uri_check(sl_slice_cstr(uri), NULL), SL_ERANGE);
    uri[SL_TOKEN_URI_MAX] = '\0';
    assert_int_equal(sl_token_uri_check(sl_slice_cstr(uri), NULL), SL_OK);
}

static void expect_parts(const char *uri, const char *token, const char *pin)
{
    char bytes[256] = "";
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes) - 1);
    expect(uri, "");
    assert_int_equal(sl_token_uri_put_token(sl_slice_cstr(uri), &out), SL_OK);
    bytes[out.len] = '\0';
    assert_string_equal(bytes, token);
    out.len = 0;
    assert_int_equal(sl_token_uri_put_pin(sl_slice_cstr(uri), &out),
                     pin == NULL ? SL_ENOENT : SL_OK);
    bytes[out.len] = '\0';
    assert_string_equal(bytes, pin == NULL ? "" : pin);
}

static void what_names_the_token_is_taken_out(void **state)
{
    SL_UNUSED(state);
    expect_parts("pkcs11:object=k", "pkcs11:", NULL);
    expect_parts("pkcs11:object=k;token=t;id=%01;serial=1", "pkcs11:token=t;serial=1", NULL);
    expect_parts("pkcs11:token=t;object=k?pin-source=file:/run/my%20pin&module-path=/a.so",
                 "pkcs11:token=t?module-path=/a.so", "/run/my pin");
    expect_parts("pkcs11:object=k?module-name=m&module-path=/a.so",
                 "pkcs11:?module-name=m&module-path=/a.so", NULL);
}

static void nothing_is_written_without_room(void **state)
{
    static const struct sl_slice URI = SL_SLICE_INIT("pkcs11:token=t;object=k?pin-source=/pin");
    uint8_t bytes[16];
    SL_UNUSED(state);
    for (size_t cap = 0; cap < 14; cap++) {
        struct sl_wbuf out = sl_wbuf_of(bytes, cap);
        assert_int_equal(sl_token_uri_put_token(URI, &out), cap < 14 ? SL_ENOSPC : SL_OK);
        assert_int_equal(out.len, 0);
        out = sl_wbuf_of(bytes, cap);
        assert_int_equal(sl_token_uri_put_pin(URI, &out), cap < 4 ? SL_ENOSPC : SL_OK);
        assert_int_equal(out.len, cap < 4 ? 0 : 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_on_a_token_is_understood),
        cmocka_unit_test(each_mistake_is_said),
        cmocka_unit_test(a_long_one_is_out_of_range),
        cmocka_unit_test(what_names_the_token_is_taken_out),
        cmocka_unit_test(nothing_is_written_without_room),
    };
    return cmocka_run_group_tests_name("codec/token_uri", tests, NULL, NULL);
}
