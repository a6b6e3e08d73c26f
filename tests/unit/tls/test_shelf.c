/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/key_message.h"
#include "pair.h"
#include "tls/key_signer.h"
#include "tls/shelf.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CERTS_COUNT = 5, KEPT_COUNT = 3 };

/* Leaves of their own below one CA, in a bundle. */
struct stock {
    struct pki_cert ca, leaves[CERTS_COUNT];
    uint8_t bytes[CERTS_COUNT * 4 + 4][1024];
    struct sl_bundle_entry entries[CERTS_COUNT * 4 + 4];
    struct sl_number_name names[CERTS_COUNT + 1];
    size_t count;
    uint8_t whole[16384], keys[CERTS_COUNT + 1][SL_SERVER_NAME_KEY_MAX];
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

static const char *const NAMES[CERTS_COUNT] = { "a.example", "b.example", "c.example", "d.example",
                                                "e.example" };
static const enum pki_kind KINDS[CERTS_COUNT] = { PKI_EC, PKI_EC_384, PKI_EC_521, PKI_RSA, PKI_EC };

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
        struct pki_cert *leaf = &stock->leaves[i];
        struct sl_tls_cert *cert = NULL;
        char san[32];
        (void)snprintf(san, sizeof(san), "DNS:%s", NAMES[i]);
        pki_make(&(struct pki_spec){ .cn = "leaf", .san = san, .kind = KINDS[i] }, &stock->ca,
                 leaf);
        assert_int_equal(
            sl_tls_cert_create(pki_slice(leaf->chain), pki_slice(leaf->key), NULL, &cert), SL_OK);
        stock_add(stock, SL_BUNDLE_DER, stock_number(stock, i), stock_der(stock, cert));
        const struct sl_certificate_entry entry = { .key_index = i,
                                                    .kind = sl_tls_cert_kind(cert),
                                                    .ders = { i, CERTS_COUNT },
                                                    .ders_count = 2 };
        struct sl_wbuf out = sl_wbuf_of(stock->bytes[stock->count], sizeof(stock->bytes[0]));
        assert_int_equal(sl_certificate_entry_emit(&entry, &out), SL_OK);
        stock_add(stock, SL_BUNDLE_CERTIFICATE, stock_number(stock, i), sl_wbuf_slice(&out));
        sl_tls_cert_unref(cert);
    }
    return stock;
}

static void stock_free(struct stock *stock)
{
    for (size_t i = 0; i < CERTS_COUNT; i++) {
        pki_free(&stock->leaves[i]);
    }
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
        static const enum sl_key_kind WANTED[] = { [PKI_EC] = SL_KIND_ECDSA_P256,
                                                   [PKI_EC_384] = SL_KIND_ECDSA_P384,
                                                   [PKI_EC_521] = SL_KIND_ECDSA_P521,
                                                   [PKI_RSA] = SL_KIND_RSA };
        assert_int_equal(sl_tls_cert_kind(cert), WANTED[KINDS[i]]);
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
            assert_string_equal(info.key_type, KINDS[i] == PKI_RSA ? "RSA" : "ECDSA");
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

/* Who signs: in this process, and only when it is told to. */
struct office {
    struct sl_key_service service;
    struct sl_key_request *waiting;
};

static enum sl_err submit(struct sl_key_service *service, struct sl_key_request *request)
{
    SL_CONTAINER_OF(service, struct office, service)->waiting = request;
    return SL_OK;
}

static void cancel(struct sl_key_service *service, struct sl_key_request *request)
{
    SL_UNUSED(request);
    SL_CONTAINER_OF(service, struct office, service)->waiting = NULL;
}

static void office_answer(struct office *office, const struct stock *stock, uint32_t number)
{
    uint8_t bytes[SL_KEY_SIGNATURE_MAX];
    struct sl_wbuf signature = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_key_signer *signer = NULL;
    struct sl_key_request *request = office->waiting;
    assert_non_null(request);
    assert_int_equal(request->key_index, number);
    assert_int_equal(sl_key_signer_create(pki_slice(stock->leaves[number].key),
                                          (struct sl_slice){ 0 }, NULL, &signer),
                     SL_OK);
    assert_int_equal(sl_key_signer_sign(signer, request->scheme, request->input, &signature),
                     SL_OK);
    sl_key_request_done(request, SL_OK, sl_wbuf_slice(&signature));
    sl_key_signer_destroy(signer);
}

/* One service, 0, which shows each certificate for a name of its own. */
static void stock_serve(struct stock *stock)
{
    for (uint32_t i = 0; i <= CERTS_COUNT; i++) {
        struct sl_wbuf key = sl_wbuf_of(stock->keys[i], sizeof(stock->keys[i]));
        struct sl_wbuf out = sl_wbuf_of(stock->bytes[stock->count], sizeof(stock->bytes[0]));
        if (i == CERTS_COUNT) {
            const struct sl_shelf_entry entry = { .count = CERTS_COUNT };
            assert_int_equal(sl_shelf_name_emit(0, SL_SHELF_CLIENTS, &key), SL_OK);
            assert_int_equal(sl_shelf_entry_emit(&entry, &out), SL_OK);
        } else {
            assert_int_equal(sl_server_name_emit(0, sl_slice_cstr(NAMES[i]), &key), SL_OK);
            assert_int_equal(sl_candidate_emit(i, SL_KIND_ECDSA_P256, &out), SL_OK);
        }
        stock_add(stock, i == CERTS_COUNT ? SL_BUNDLE_SHELF : SL_BUNDLE_SERVER_NAME,
                  sl_wbuf_slice(&key), sl_wbuf_slice(&out));
    }
}

/* One handshake whose certificate is the shelf's `number`. */
static void assert_shakes(struct stock *stock, struct sl_tls_shelf *shelf, struct office *office,
                          struct sl_tls_store *store, uint32_t number, uint16_t version)
{
    struct sl_policy policy = fixture_policy("old");
    policy.min_version = policy.max_version = version;
    struct sl_tls_ctx *server = fixture_server(
        &(struct sl_tls_server_conf){ .service = "main", .policy = &policy, .shelf = shelf });
    struct sl_tls_ctx *client = fixture_client(&(struct sl_tls_client_conf){
        .policy = &policy, .is_verified = true, .store = store, .name = NAMES[number] });
    struct pair pair;
    pair_open(&pair, client, server);
    pair_handshake(&pair);
    assert_string_equal(pair.server.diag.text, "");
    assert_int_equal(pair.server.rc, SL_EWAIT);
    office_answer(office, stock, number);
    pair_handshake(&pair);
    assert_string_equal(pair.client.diag.text, "");
    assert_int_equal(pair.client.rc, SL_OK);
    assert_int_equal(pair.server.rc, SL_OK);
    pair_say(&pair, &pair.client, SL_SLICE("question"));
    pair_fini(&pair);
    sl_tls_ctx_unref(client);
    sl_tls_ctx_unref(server);
}

static void every_kind_of_key_signs_in_every_version(void **state)
{
    static const uint16_t VERSIONS[] = { 0x0301, 0x0303, 0x0304 };
    struct stock *stock = stock_make();
    struct office office = { .service = { .submit = submit, .cancel = cancel } };
    struct sl_tls_shelf *shelf = NULL;
    struct sl_tls_store *store = NULL;
    SL_UNUSED(state);
    stock_serve(stock);
    stock_seal(stock);
    assert_int_equal(sl_key_jobs_init(2), SL_OK);
    assert_int_equal(sl_tls_store_create(pki_slice(stock->ca.chain), NULL, &store), SL_OK);
    assert_int_equal(sl_tls_shelf_create(&stock->bundle, &office.service, 1, &shelf), SL_OK);
    for (uint32_t i = 0; i < CERTS_COUNT; i++) {
        /* before TLS 1.3, the curve must be one of the client's groups, too */
        for (size_t v = KINDS[i] == PKI_EC_521 ? 2 : 0; v < SL_COUNT(VERSIONS); v++) {
            assert_shakes(stock, shelf, &office, store, i, VERSIONS[v]);
        }
    }
    sl_tls_shelf_unref(shelf);
    sl_tls_store_unref(store);
    sl_key_jobs_fini();
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
        cmocka_unit_test(every_kind_of_key_signs_in_every_version),
    };
    return cmocka_run_group_tests_name("tls/shelf", tests, library_begin, NULL);
}
