/* SPDX-License-Identifier: Apache-2.0 */
#include "pki.h"
#include "tls/cert_der.h"
#include "tls/library.h"
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = 8192 };

/* The DER of the first certificate of a PEM text. */
static struct sl_slice der_of(const char *pem, uint8_t *bytes)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    unsigned char *at = bytes;
    int len = i2d_X509(x509, &at);
    assert_true(len > 0 && len < ROOM);
    X509_free(x509);
    BIO_free(bio);
    return sl_slice_of(bytes, (size_t)len);
}

static void a_certificate_becomes_pem_and_gives_its_key(void **state)
{
    uint8_t der_bytes[ROOM], pem_bytes[ROOM], a[ROOM], b[ROOM];
    struct pki_cert pki;
    SL_UNUSED(state);
    pki_make(&(struct pki_spec){ .cn = "a" }, NULL, &pki);
    const struct sl_slice der = der_of(pki.chain, der_bytes);
    struct sl_wbuf pem = sl_wbuf_of(pem_bytes, sizeof(pem_bytes));
    struct sl_wbuf of_der = sl_wbuf_of(a, sizeof(a)), of_pem = sl_wbuf_of(b, sizeof(b));
    assert_int_equal(sl_cert_der_put_pem(der, &pem), SL_OK);
    assert_true(sl_slice_eq(sl_wbuf_slice(&pem), pki_slice(pki.chain)));
    assert_int_equal(sl_cert_der_put_public(der, &of_der), SL_OK);
    assert_int_equal(sl_cert_pem_put_public(sl_wbuf_slice(&pem), &of_pem), SL_OK);
    assert_int_equal(of_der.len, 91); /* SubjectPublicKeyInfo of P-256 */
    assert_true(sl_slice_eq(sl_wbuf_slice(&of_der), sl_wbuf_slice(&of_pem)));
    struct sl_wbuf small = sl_wbuf_of(a, 90);
    assert_int_equal(sl_cert_der_put_public(der, &small), SL_ENOSPC);
    pki_free(&pki);
}

static void an_issuer_is_named_unless_it_is_itself(void **state)
{
    uint8_t der_bytes[ROOM], name[ROOM];
    struct pki_cert root, leaf;
    SL_UNUSED(state);
    pki_make(&(struct pki_spec){ .cn = "the root" }, NULL, &root);
    pki_make(&(struct pki_spec){ .cn = "a leaf" }, &root, &leaf);
    struct sl_wbuf out = sl_wbuf_of(name, sizeof(name));
    assert_int_equal(sl_cert_der_put_issuer(der_of(root.chain, der_bytes), &out), SL_ENOENT);
    assert_int_equal(sl_cert_der_put_issuer(der_of(leaf.chain, der_bytes), &out), SL_OK);
    assert_non_null(memmem(name, out.len, "the root", 8));
    pki_free(&leaf);
    pki_free(&root);
}

static void what_is_no_certificate_is_refused(void **state)
{
    uint8_t der_bytes[ROOM], bytes[ROOM];
    struct pki_cert pki;
    SL_UNUSED(state);
    pki_make(&(struct pki_spec){ .cn = "a" }, NULL, &pki);
    struct sl_slice der = der_of(pki.chain, der_bytes);
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    der.len--;
    assert_int_equal(sl_cert_der_put_pem(der, &out), SL_EINVAL);
    der.len += 2; /* a byte behind it */
    assert_int_equal(sl_cert_der_put_pem(der, &out), SL_EINVAL);
    assert_int_equal(sl_cert_der_put_issuer(SL_SLICE(""), &out), SL_EINVAL);
    assert_int_equal(sl_cert_der_put_public(SL_SLICE("nothing"), &out), SL_EINVAL);
    assert_int_equal(sl_cert_pem_put_public(SL_SLICE("nothing"), &out), SL_EINVAL);
    assert_int_equal(out.len, 0);
    pki_free(&pki);
}

static int init(void **state)
{
    SL_UNUSED(state);
    return sl_tls_library_init() == SL_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_becomes_pem_and_gives_its_key),
        cmocka_unit_test(an_issuer_is_named_unless_it_is_itself),
        cmocka_unit_test(what_is_no_certificate_is_refused),
    };
    return cmocka_run_group_tests_name("tls/cert_der", tests, init, NULL);
}
