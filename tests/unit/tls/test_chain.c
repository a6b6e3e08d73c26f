/* SPDX-License-Identifier: Apache-2.0 */
#include "pki.h"
#include "tls/chain.h"
#include "tls/library.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { LOOKED_AT_MAX = 64 };

static X509 *read_cert(const struct pki_cert *pki)
{
    BIO *bio = BIO_new_mem_buf(pki->chain, -1);
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    assert_non_null(cert);
    (void)BIO_free(bio);
    return cert;
}

/* What is useful of `sent` below a store of `anchor` alone; both are given away. */
static int useful_count(X509 *anchor, STACK_OF(X509) * sent)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *verify = X509_STORE_CTX_new();
    assert_int_equal(X509_STORE_add_cert(store, anchor), 1);
    assert_int_equal(X509_STORE_CTX_init(verify, store, sk_X509_value(sent, 0), sent), 1);
    STACK_OF(X509) *useful = sl_tls_chain_useful(verify);
    assert_non_null(useful);
    const int count = sk_X509_num(useful);
    sk_X509_free(useful);
    X509_STORE_CTX_free(verify);
    X509_STORE_free(store);
    X509_free(anchor);
    sk_X509_pop_free(sent, X509_free);
    assert_int_equal(ERR_peek_error(), 0);
    return count;
}

static void what_leads_nowhere_is_left_out(void **state)
{
    struct pki_cert root, other, middle, stray, leaf;
    STACK_OF(X509) *sent = sk_X509_new_null();
    SL_UNUSED(state);
    pki_make(&(struct pki_spec){ .cn = "root", .is_ca = true }, NULL, &root);
    pki_make(&(struct pki_spec){ .cn = "other", .is_ca = true }, NULL, &other);
    pki_make(&(struct pki_spec){ .cn = "middle", .is_ca = true }, &root, &middle);
    pki_make(&(struct pki_spec){ .cn = "middle", .is_ca = true }, &other, &stray);
    pki_make(&(struct pki_spec){ .cn = "leaf" }, &middle, &leaf);
    struct pki_cert *all[] = { &leaf, &stray, &middle };
    for (size_t i = 0; i < SL_COUNT(all); i++) {
        assert_true(sk_X509_push(sent, read_cert(all[i])) > 0);
    }
    assert_int_equal(useful_count(read_cert(&root), sent), 2);
    struct pki_cert *made[] = { &root, &other, &middle, &stray, &leaf };
    for (size_t i = 0; i < SL_COUNT(made); i++) {
        pki_free(made[i]);
    }
}

/* Whoever sends them need not have a key for one of them. */
static void many_certificates_are_not_all_held_against_each_other(void **state)
{
    struct pki_cert root;
    SL_UNUSED(state);
    pki_make(&(struct pki_spec){ .cn = "root", .is_ca = true }, NULL, &root);
    for (int count = LOOKED_AT_MAX - 1; count <= LOOKED_AT_MAX + 1; count++) {
        STACK_OF(X509) *sent = sk_X509_new_null();
        for (int i = 0; i < count; i++) {
            assert_true(sk_X509_push(sent, read_cert(&root)) > 0);
        }
        assert_int_equal(useful_count(read_cert(&root), sent), SL_MIN(count, (int)LOOKED_AT_MAX));
    }
    pki_free(&root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_leads_nowhere_is_left_out),
        cmocka_unit_test(many_certificates_are_not_all_held_against_each_other),
    };
    assert_int_equal(sl_tls_library_init(), SL_OK);
    return cmocka_run_group_tests_name("tls/chain", tests, NULL, NULL);
}
