/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"
#include "tls/shelf.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CERTS_COUNT = 5, KEPT_COUNT = 3 };

/* Leaves of their own below one CA, in a bundle. */
struct stock {
    struct pki_cert ca;
    uint8_t bytes[CERTS_COUNT * 2 + 4][1024];
    struct sl_bundle_entry entries[CERTS_COUNT * 2 + 4];
    struct sl_number_name names[CERTS_COUNT + 1];
    size_t count;
    uint8_t whole[16384], server_name[SL_SERVER_NAME_KEY_MAX];
    struct sl_bundle bundle;
};

static struct sl_slice stock_der(struct stock *stock, const struct sl_tls_cert *cert)
{
    struct sl_wbuf out = sl_wbuf_of(stock->bytes[stock->count], sizeof(stock->bytes[0]));
    assert_int_equal(sl_tls_cert_der(cert, 0, &out), SL_OK);
    return sl_wbuf_slice(&out);
}

static void stock_add(struct stock *stock, uint8_t kind, struct sl_slice name,
                      struct sl_slice bytes)
{
    stock->entries[stock->count++] = (struct sl_bundle_entry){ kind, name, bytes };
}

static struct sl_slice stock_number(struct stock *stock, uint32_t number)
{
    stock->names[number] = sl_number_name_of(number);
    return sl_slice_of(stock->names[number].bytes, sizeof(stock->names[number].bytes));
}

static void stock_seal(struct stock *stock)
{
    size_t size = 0;
    struct sl_wbuf out = sl_wbuf_of(stock->whole, sizeof(stock->whole));
    assert_int_equal(sl_bundle_prepare(stock->entries, stock->count, &size), SL_OK);
    assert_int_equal(sl_bundle_emit(stock->entries, stock->count, &out), SL_OK);
    assert_int_equal(sl_bundle_open(sl_wbuf_slice(&out), &stock->bundle), SL_OK);
}

static struct stock *stock_make(void)
{
    struct stock *stock = calloc(1, sizeof(*stock));
    assert_non_null(stock);
    pki_make(&(struct pki_spec){ .cn = "ca", .kind = PKI_EC, .is_ca = true }, NULL, &stock->ca);
    struct sl_tls_cert *ca = NULL;
    assert_int_equal(
        sl_tls_cert_create(pki_slice(stock->ca.chain), pki_slice(stock->ca.key), NULL, &ca), SL_OK);
    stock_add(stock, SL_BUNDLE_DER, stock_number(stock, CERTS_COUNT), stock_der(stock, ca));
    sl_tls_cert_unref(ca);
    for (uint32_t i = 0; i < CERTS_COUNT; i++) {
        struct sl_tls_cert *cert = fixture_cert(&stock->ca, "leaf", "DNS:a.example", PKI_EC);
        stock_add(stock, SL_BUNDLE_DER, stock_number(stock, i), stock_der(stock, cert));
        sl_tls_cert_unref(cert);
        const struct sl_certificate_entry entry = { .key_index = i,
                                                    .ders = { i, CERTS_COUNT },
                                                    .ders_count = 2 };
        struct sl_wbuf out = sl_wbuf_of(stock->bytes[stock->count], sizeof(stock->bytes[0]));
        assert_int_equal(sl_certificate_entry_emit(&entry, &out), SL_OK);
        stock_add(stock, SL_BUNDLE_CERTIFICATE, stock_number(stock, i), sl_wbuf_slice(&out));
    }
    return stock;
}

static void stock_free(struct stock *stock)
{
    pki_free(&stock->ca);
    free(stock);
}

static void a_certificate_comes_with_its_chain(void **state)
{
    struct stock *stock = stock_make();
    struct sl_tls_shelf *shelf = NULL;
    uint8_t bytes[1024];
    SL_UNUSED(state);
    stock_seal(stock);
    assert_int_equal(sl_tls_shelf_create(&stock->bundle, NULL, KEPT_COUNT, &shelf), SL_OK);
    assert_ptr_equal(sl_tls_shelf_bundle(shelf), &stock->bundle);
    for (uint32_t i = 0; i < CERTS_COUNT; i++) {
        struct sl_tls_cert *cert = NULL;
        assert_int_equal(sl_tls_shelf_get(shelf, i, &cert), SL_OK);
        assert_int_equal(sl_tls_cert_kind(cert), SL_KIND_ECDSA);
        for (size_t k = 0; k < 2; k++) {
            struct sl_slice der;
            struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
            assert_int_equal(
                sl_certificate_der_find(&stock->bundle, k == 0 ? i : (uint32_t)CERTS_COUNT, &der),
                SL_OK);
            assert_int_equal(sl_tls_cert_der(cert, k, &out), SL_OK);
            assert_true(sl_slice_eq(sl_wbuf_slice(&out), der));
        }
        struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
        assert_int_equal(sl_tls_cert_der(cert, 2, &out), SL_ENOENT);
        sl_tls_cert_unref(cert);
    }
    struct sl_tls_cert *none = NULL;
    assert_int_equal(sl_tls_shelf_get(shelf, CERTS_COUNT + 1, &none), SL_ENOENT);
    sl_tls_shelf_unref(shelf);
    stock_free(stock);
}

static void those_used_last_are_kept(void **state)
{
    struct stock *stock = stock_make();
    struct sl_tls_shelf *shelf = NULL;
    struct sl_tls_cert *first[CERTS_COUNT] = { NULL };
    SL_UNUSED(state);
    stock_seal(stock);
    assert_int_equal(sl_tls_shelf_create(&stock->bundle, NULL, KEPT_COUNT, &shelf), SL_OK);
    /* each is held, so that no other can come to stand at its address */
    static const struct {
        uint32_t number;
        bool is_kept;
    } STEPS[] = { { 0, false }, { 1, false }, { 2, false }, { 0, true }, { 3, false }, /* 1 goes */
                  { 0, true },  { 2, true },  { 3, true },  { 1, false } /* 0 goes */ };
    for (size_t i = 0; i < SL_COUNT(STEPS); i++) {
        struct sl_tls_cert *cert = NULL;
        const uint32_t number = STEPS[i].number;
        assert_int_equal(sl_tls_shelf_get(shelf, number, &cert), SL_OK);
        assert_int_equal(cert == first[number], STEPS[i].is_kept);
        sl_tls_cert_unref(first[number]);
        first[number] = cert;
    }
    struct sl_tls_shelf *again = sl_tls_shelf_ref(shelf);
    sl_tls_shelf_unref(shelf);
    sl_tls_shelf_unref(again);
    for (size_t i = 0; i < CERTS_COUNT; i++) { /* they outlive it */
        struct sl_tls_cert_info info;
        if (first[i] != NULL) {
            sl_tls_cert_info(first[i], &info);
            assert_string_equal(info.key_type, "ECDSA");
        }
        sl_tls_cert_unref(first[i]);
    }
    sl_tls_shelf_unref(NULL);
    stock_free(stock);
}

static void what_is_damaged_is_refused(void **state)
{
    struct stock *stock = stock_make();
    struct sl_tls_shelf *shelf = NULL;
    struct sl_tls_cert *cert = NULL;
    SL_UNUSED(state);
    for (size_t i = 0; i < stock->count; i++) {
        if (stock->entries[i].kind == SL_BUNDLE_DER) {
            stock->entries[i].bytes.len--;
        }
    }
    stock_seal(stock);
    assert_int_equal(sl_tls_shelf_create(&stock->bundle, NULL, 1, &shelf), SL_OK);
    assert_int_equal(sl_tls_shelf_get(shelf, 0, &cert), SL_EINVAL);
    assert_null(cert);
    sl_tls_shelf_unref(shelf);
    stock_free(stock);
}

static int library_begin(void **state)
{
    SL_UNUSED(state);
    return sl_tls_library_init() == SL_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_comes_with_its_chain),
        cmocka_unit_test(those_used_last_are_kept),
        cmocka_unit_test(what_is_damaged_is_refused),
    };
    return cmocka_run_group_tests_name("tls/shelf", tests, library_begin, NULL);
}
