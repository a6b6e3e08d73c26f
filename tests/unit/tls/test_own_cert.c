/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"
#include "tls/own_cert.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { OWNS_COUNT = 4 };

/* Certificates of two authorities: ECDSA and RSA of the first, ECDSA of the second, and one more.
 */
struct world {
    struct fixture f;
    struct sl_tls_own owns[OWNS_COUNT];
};

static int make_world(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    fixture_init(&w->f);
    w->owns[0] = (struct sl_tls_own){ fixture_cert(&w->f.ca, "me", NULL, PKI_EC), "first-ec" };
    w->owns[1] =
        (struct sl_tls_own){ fixture_cert(&w->f.other_ca, "me", NULL, PKI_EC), "other-ec" };
    w->owns[2] = (struct sl_tls_own){ fixture_cert(&w->f.ca, "me", NULL, PKI_RSA), "first-rsa" };
    w->owns[3] = (struct sl_tls_own){ fixture_cert(&w->f.ca, "me", NULL, PKI_EC), "again-ec" };
    *state = w;
    return 0;
}

static int drop_world(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < OWNS_COUNT; i++) {
        sl_tls_cert_unref(w->owns[i].cert);
    }
    fixture_fini(&w->f);
    free(w);
    return 0;
}

/* What a server that trusts `store` and has these signatures is shown of `owns`. */
static void expect_shown(const struct world *w, struct sl_tls_store *store, const char *signatures,
                         const struct sl_tls_own *owns, size_t owns_count, const char *label)
{
    for (uint16_t version = 0x0303; version <= 0x0304; version++) {
        struct pair pair;
        struct sl_tls_info info;
        struct sl_policy policy = fixture_policy("intermediate"), own = policy;
        struct sl_tls_cert *const certs[] = { w->f.cert_ec };
        policy.min_version = policy.max_version = version;
        policy.signatures = signatures == NULL ? policy.signatures : signatures;
        struct sl_tls_ctx *server = fixture_server(&(struct sl_tls_server_conf){
            .service = "main",
            .policy = &policy,
            .certs = certs,
            .certs_count = 1,
            .verify = store == NULL ? SL_TLS_VERIFY_OFF : SL_TLS_VERIFY_REQUEST,
            .clients = store });
        struct sl_tls_ctx *client = fixture_client(&(struct sl_tls_client_conf){
            .policy = &own, .owns = owns, .owns_count = owns_count, .name = "site.example" });
        pair_open(&pair, client, server);
        sl_tls_ctx_unref(client);
        sl_tls_ctx_unref(server);
        pair_handshake(&pair);
        sl_tls_info(pair.client.tls, &info);
        if (label == NULL) {
            assert_null(info.own_cert);
        } else {
            assert_string_equal(info.own_cert, label);
        }
        pair_fini(&pair);
    }
}

static void the_first_that_fits_is_shown(void **state)
{
    const struct world *w = *state;
    const char *ecdsa = "ecdsa_secp256r1_sha256",
               *rsa = "rsa_pss_rsae_sha256:ecdsa_secp256r1_sha256";
    expect_shown(w, w->f.store, NULL, w->owns, 3, "first-ec");
    expect_shown(w, w->f.other_store, NULL, w->owns, 3, "other-ec");
    expect_shown(w, w->f.store, ecdsa, w->owns + 1, 2, "none");
    expect_shown(w, w->f.store, rsa, w->owns + 1, 2, "first-rsa");
    expect_shown(w, w->f.other_store, NULL, w->owns + 2, 2, "none");
    expect_shown(w, w->f.other_store, NULL, w->owns, 1, "first-ec"); /* alone */
    expect_shown(w, w->f.store, NULL, NULL, 0, "none");
    expect_shown(w, NULL, NULL, w->owns, 3, NULL);
}

static void what_is_never_shown_is_told_of(void **state)
{
    const struct world *w = *state;
    struct sl_policy policy = fixture_policy("intermediate");
    struct sl_diag diag = { "" };
    for (size_t i = 0; i < 3; i++) {
        assert_true(sl_tls_own_is_useful(w->owns, i, &policy, &diag));
    }
    assert_false(sl_tls_own_is_useful(w->owns, 3, &policy, &diag));
    assert_string_equal(diag.text,
                        "it is never shown: first-ec fits whatever it fits, and stands before it");
    policy.signatures = "ecdsa_secp256r1_sha256";
    assert_false(sl_tls_own_is_useful(w->owns, 2, &policy, &diag));
    assert_non_null(strstr(diag.text, "no signature for such a key"));
}

static void what_the_policy_does_not_allow_is_told_of(void **state)
{
    const struct world *w = *state;
    const struct sl_policy policy = fixture_policy("intermediate");
    struct sl_diag diag = { "" };
    struct sl_tls_own weak = { fixture_cert(&w->f.ca, "weak", NULL, PKI_RSA_1024), "weak" };
    assert_int_equal(sl_tls_own_check(&w->owns[0], &policy, &diag), SL_OK);
    assert_int_equal(sl_tls_own_check(&weak, &policy, &diag), SL_EINVAL);
    assert_non_null(strstr(diag.text, "policy mozilla-intermediate-6.0: "));
    sl_tls_cert_unref(weak.cert);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_that_fits_is_shown),
        cmocka_unit_test(what_is_never_shown_is_told_of),
        cmocka_unit_test(what_the_policy_does_not_allow_is_told_of),
    };
    return cmocka_run_group_tests_name("tls/own_cert", tests, make_world, drop_world);
}
