/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/resume.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t OFFER_A[SL_TLS_DIGEST_LEN] = { 1 }, OFFER_B[SL_TLS_DIGEST_LEN] = { 2 };

/* A session that has what the cache looks at. */
static SSL_SESSION *session_make(int version, long lifetime_s)
{
    SSL_SESSION *session = SSL_SESSION_new();
    static const unsigned char ID[32] = { 7 };
    assert_non_null(session);
    assert_int_equal(SSL_SESSION_set_protocol_version(session, version), 1);
    assert_int_equal(SSL_SESSION_set_timeout(session, lifetime_s), 1);
    assert_int_equal(SSL_SESSION_set1_id(session, ID, sizeof(ID)), 1);
    return session;
}

static bool take(struct sl_tls_resume *resume, const uint8_t *offer, int64_t now_s,
                 const SSL_SESSION *expected)
{
    SSL_SESSION *session = sl_tls_resume_take(resume, offer, now_s);
    SSL_SESSION_free(session);
    return session == expected;
}

static void the_newest_of_the_same_offer_is_given(void **state)
{
    SL_UNUSED(state);
    struct sl_tls_resume resume = { 0 };
    SSL_SESSION *a1 = session_make(TLS1_3_VERSION, 100), *a2 = session_make(TLS1_3_VERSION, 100);
    SSL_SESSION *b = session_make(TLS1_3_VERSION, 100);
    sl_tls_resume_put(&resume, a1, OFFER_A, 0);
    sl_tls_resume_put(&resume, a2, OFFER_A, 0);
    sl_tls_resume_put(&resume, b, OFFER_B, 0);
    assert_true(take(&resume, OFFER_A, 1, a2));
    assert_true(take(&resume, OFFER_A, 1, a1));
    assert_true(take(&resume, OFFER_A, 1, NULL));
    assert_true(take(&resume, OFFER_B, 1, b));
    sl_tls_resume_fini(&resume);
}

static void tls_1_3_sessions_are_used_once_and_older_ones_again(void **state)
{
    SL_UNUSED(state);
    struct sl_tls_resume resume = { 0 };
    SSL_SESSION *session = session_make(TLS1_2_VERSION, 100);
    sl_tls_resume_put(&resume, session, OFFER_A, 0);
    assert_true(take(&resume, OFFER_A, 1, session));
    assert_true(take(&resume, OFFER_A, 1, session));
    assert_int_equal(SSL_SESSION_up_ref(session), 1);
    sl_tls_resume_put(&resume, session, OFFER_A, 50); /* kept already: not for longer */
    assert_true(take(&resume, OFFER_A, 100, NULL));
    sl_tls_resume_fini(&resume);
}

static void no_session_outlives_its_lifetime(void **state)
{
    SL_UNUSED(state);
    struct sl_tls_resume resume = { 0 };
    sl_tls_resume_put(&resume, session_make(TLS1_3_VERSION, 100), OFFER_A, 1000);
    assert_true(take(&resume, OFFER_A, 1100, NULL));
    SSL_SESSION *session = session_make(TLS1_3_VERSION, 100);
    sl_tls_resume_put(&resume, session, OFFER_A, 1000);
    assert_true(take(&resume, OFFER_A, 1099, session));
    sl_tls_resume_fini(&resume);
}

static void an_offer_has_its_share_and_a_context_its_bound(void **state)
{
    SL_UNUSED(state);
    struct sl_tls_resume resume = { 0 };
    for (uint8_t offer = 0; offer < 10; offer++) {
        uint8_t digest[SL_TLS_DIGEST_LEN] = { offer };
        for (int i = 0; i < SL_TLS_RESUME_PER_OFFER + 2; i++) {
            sl_tls_resume_put(&resume, session_make(TLS1_3_VERSION, 100), digest, 0);
        }
    }
    size_t kept_count = 0;
    for (uint8_t offer = 0; offer < 10; offer++) {
        uint8_t digest[SL_TLS_DIGEST_LEN] = { offer };
        size_t count = 0;
        for (SSL_SESSION *s = NULL; (s = sl_tls_resume_take(&resume, digest, 1)) != NULL; count++) {
            SSL_SESSION_free(s);
        }
        const size_t last = SL_TLS_RESUME_MAX / SL_TLS_RESUME_PER_OFFER;
        assert_int_equal(count,
                         offer + last < 10 ? 0 : SL_TLS_RESUME_PER_OFFER); /* the oldest went */
        kept_count += count;
    }
    assert_int_equal(kept_count, SL_TLS_RESUME_MAX);
    sl_tls_resume_fini(&resume);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_of_the_same_offer_is_given),
        cmocka_unit_test(tls_1_3_sessions_are_used_once_and_older_ones_again),
        cmocka_unit_test(no_session_outlives_its_lifetime),
        cmocka_unit_test(an_offer_has_its_share_and_a_context_its_bound),
    };
    return cmocka_run_group_tests_name("tls/resume", tests, NULL, NULL);
}
