/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/pem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CERT "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
#define KEY  "-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----\n"

static void blocks_are_cut_one_by_one_and_text_is_passed_over(void **state)
{
    SL_UNUSED(state);
    struct sl_slice in = SL_SLICE("subject=x\n" CERT "\n\n" KEY "trailing -----BEGIN X-----\n");
    struct sl_pem_block block;
    assert_int_equal(sl_pem_next(&in, &block), SL_OK);
    assert_true(sl_slice_eq(block.label, SL_SLICE("CERTIFICATE")));
    assert_true(sl_slice_eq(block.whole, SL_SLICE(CERT)));
    assert_true(sl_pem_is_certificate(&block));
    assert_false(sl_pem_is_private(&block));
    assert_int_equal(sl_pem_next(&in, &block), SL_OK);
    assert_true(sl_slice_eq(block.whole, SL_SLICE(KEY)));
    assert_true(sl_pem_is_private(&block));
    assert_false(sl_pem_is_certificate(&block));
    assert_int_equal(sl_pem_next(&in, &block), SL_EOF);
}

static void line_ends_may_be_of_any_kind_or_missing(void **state)
{
    SL_UNUSED(state);
    static const struct sl_slice CASES[] = {
        SL_SLICE_INIT("-----BEGIN X-----\r\nAA==\r\n-----END X-----\r\n"),
        SL_SLICE_INIT("-----BEGIN X-----\nAA==\n-----END X-----"),
        SL_SLICE_INIT("-----BEGIN X----- \t\nAA==\n-----END X-----  \n"),
    };
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        struct sl_slice in = CASES[i];
        struct sl_pem_block block;
        assert_int_equal(sl_pem_next(&in, &block), SL_OK);
        assert_true(sl_slice_eq(block.label, SL_SLICE("X")));
        assert_true(sl_slice_eq(block.whole, CASES[i]));
        assert_int_equal(in.len, 0);
    }
}

static void blocks_without_their_end_are_refused(void **state)
{
    SL_UNUSED(state);
    static const struct sl_slice CASES[] = {
        SL_SLICE_INIT("-----BEGIN X-----\n"),
        SL_SLICE_INIT("-----BEGIN X-----\nAA==\n-----END Y-----\n"),
        SL_SLICE_INIT("-----BEGIN X-----\nAA==\n-----END X----\n"),
        SL_SLICE_INIT("-----BEGIN CERTIFICATE-----\n" KEY "-----END CERTIFICATE-----\n"),
    };
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        struct sl_slice in = CASES[i];
        struct sl_pem_block block = { .label = SL_SLICE("untouched") };
        assert_int_equal(sl_pem_next(&in, &block), SL_EINVAL);
        assert_true(sl_slice_eq(block.label, SL_SLICE("untouched")));
        assert_ptr_equal(in.ptr, CASES[i].ptr);
    }
}

static void every_private_label_is_private(void **state)
{
    SL_UNUSED(state);
    static const char *const PRIVATE[] = { "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY",
                                           "ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY" };
    for (size_t i = 0; i < SL_COUNT(PRIVATE); i++) {
        struct sl_pem_block block = { .label = sl_slice_cstr(PRIVATE[i]) };
        assert_true(sl_pem_is_private(&block));
        assert_false(sl_pem_is_certificate(&block));
    }
    struct sl_pem_block block = { .label = SL_SLICE("PUBLIC KEY") };
    assert_false(sl_pem_is_private(&block));
    block.label = SL_SLICE("TRUSTED CERTIFICATE");
    assert_true(sl_pem_is_certificate(&block));
    block.label = SL_SLICE("CERTIFICATE REQUEST");
    assert_false(sl_pem_is_certificate(&block));
}

static void only_certificates_are_copied(void **state)
{
    SL_UNUSED(state);
    struct sl_slice in = SL_SLICE(KEY "comment\n" CERT "-----BEGIN EC PARAMETERS-----\nAA==\n"
                                      "-----END EC PARAMETERS-----\n" CERT);
    uint8_t bytes[1024];
    struct sl_wbuf out = sl_wbuf_of(bytes, in.len);
    assert_int_equal(sl_pem_certificates(in, &out), SL_OK);
    assert_true(sl_slice_eq(sl_wbuf_slice(&out), SL_SLICE(CERT CERT)));
    out.len = 0;
    out.cap = sizeof(CERT CERT) - 2;
    assert_int_equal(sl_pem_certificates(in, &out), SL_ENOSPC);
    assert_int_equal(out.len, 0);
    out.cap = sizeof(bytes);
    assert_int_equal(sl_pem_certificates(SL_SLICE(CERT "-----BEGIN X-----\n"), &out), SL_EINVAL);
    assert_int_equal(out.len, 0);
    assert_int_equal(sl_pem_certificates(SL_SLICE("text"), &out), SL_OK);
    assert_int_equal(out.len, 0);
}

static void a_block_is_decoded_as_base64(void **state)
{
    static const struct {
        const char *body, *bytes;
        size_t len;
        enum sl_err rc;
    } CASES[] = {
        { "", "", 0, SL_OK },
        { "TWFu\n", "Man", 3, SL_OK },
        { "TW\r\nE=\n", "Ma", 2, SL_OK },
        { "T Q\t==\n", "M", 1, SL_OK },
        { "+/+/\n", "\xfb\xff\xbf", 3, SL_OK },
        { "TWF\n", "", 0, SL_EINVAL },
        { "TQ=\n", "", 0, SL_EINVAL },
        { "TQ=A\n", "", 0, SL_EINVAL },
        { "T===\n", "", 0, SL_EINVAL },
        { "TQ==\nTQ==\n", "", 0, SL_EINVAL },
        { "TQ==\n=\n", "", 0, SL_EINVAL },
        { "TW*u\n", "", 0, SL_EINVAL },
        { "Proc-Type: 4,ENCRYPTED\n\nTWFu\n", "", 0, SL_EINVAL },
    };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(CASES); i++) {
        char text[128];
        uint8_t bytes[16];
        struct sl_pem_block block;
        (void)snprintf(text, sizeof(text), "-----BEGIN X-----\n%s-----END X-----\n", CASES[i].body);
        struct sl_slice in = sl_slice_cstr(text);
        struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
        assert_int_equal(sl_pem_next(&in, &block), SL_OK);
        assert_int_equal(sl_pem_decode(&block, &out), CASES[i].rc);
        assert_true(sl_slice_eq(sl_wbuf_slice(&out), sl_slice_of(CASES[i].bytes, CASES[i].len)));
        out = sl_wbuf_of(bytes, SL_MAX(CASES[i].len, (size_t)1) - 1);
        if (CASES[i].len > 0) {
            assert_int_equal(sl_pem_decode(&block, &out), SL_ENOSPC);
            assert_int_equal(out.len, 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_cut_one_by_one_and_text_is_passed_over),
        cmocka_unit_test(a_block_is_decoded_as_base64),
        cmocka_unit_test(line_ends_may_be_of_any_kind_or_missing),
        cmocka_unit_test(blocks_without_their_end_are_refused),
        cmocka_unit_test(every_private_label_is_private),
        cmocka_unit_test(only_certificates_are_copied),
    };
    return cmocka_run_group_tests_name("codec/pem", tests, NULL, NULL);
}
