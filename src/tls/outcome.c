/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/outcome.h"
#include "tls/facts.h"
#include "tls/identity.h"
#include "tls/own.h"
#include "tls/psk.h"
#include "tls/x509.h"
#include <string.h>

static bool was_offered(const struct sl_tls *tls, struct sl_slice protocol)
{
    struct sl_slice list = sl_slice_of(tls->held, tls->held_len), one;
    while (sl_alpn_next(&list, &one) == SL_OK) {
        if (sl_slice_eq(one, protocol)) {
            return true;
        }
    }
    return false;
}

static enum sl_err alpn_read(struct sl_tls *tls)
{
    const unsigned char *chosen = NULL;
    unsigned len = 0;
    SSL_get0_alpn_selected(tls->ssl, &chosen, &len);
    if (!tls->ctx->is_server && len != 0 && !was_offered(tls, sl_slice_of(chosen, len))) {
        sl_diag_set(tls->diag, "the upstream chose an ALPN protocol that was not offered");
        return SL_ETLS;
    }
    uint8_t *copy = len == 0 ? NULL : malloc(len);
    if (len != 0 && copy == NULL) {
        return SL_ENOMEM;
    }
    if (copy != NULL) {
        memcpy(copy, chosen, len);
    }
    free(tls->alpn);
    tls->alpn = copy;
    tls->alpn_len = (uint8_t)len;
    free(SL_STEAL(tls->held));
    tls->held_len = 0;
    return SL_OK;
}

static enum sl_err peer_id_read(struct sl_tls *tls, const X509 *peer)
{
    char text[SL_TLS_NAME_MAX];
    struct sl_tls_identity identity;
    enum sl_err rc = sl_tls_identity_init(&identity, peer);
    if (rc == SL_OK) {
        sl_tls_identity_text(&identity, text, sizeof(text));
        tls->peer_id = strdup(text);
        rc = tls->peer_id == NULL ? SL_ENOMEM : SL_OK;
    }
    sl_tls_identity_fini(&identity);
    return rc;
}

static enum sl_err peer_read(struct sl_tls *tls)
{
    const X509 *peer = SSL_get0_peer_certificate(tls->ssl);
    tls->has_peer_cert = peer != NULL;
    if (peer == NULL || !tls->ctx->is_verified || SSL_get_verify_result(tls->ssl) != X509_V_OK) {
        return SL_OK;
    }
    char subject[SL_TLS_NAME_MAX];
    sl_x509_name_text(X509_get_subject_name(peer), subject, sizeof(subject));
    tls->peer_subject = strdup(subject);
    sl_x509_common_name(X509_get_subject_name(peer), subject, sizeof(subject));
    tls->peer_name = strdup(subject);
    return tls->peer_subject == NULL || tls->peer_name == NULL ? SL_ENOMEM
                                                               : peer_id_read(tls, peer);
}

/* libssl does not hand over the new ticket of a resumed TLS 1.2 session by itself. */
static void renewed_keep(struct sl_tls *tls)
{
    if (tls->ctx->is_server || !tls->is_resumed || tls->is_1_3) {
        return;
    }
    SSL_SESSION *session = SSL_get1_session(tls->ssl);
    if (session != NULL) {
        sl_tls_resume_put(&tls->ctx->resume, session, tls->offer, sl_tls_resume_clock_s());
    }
}

/* Reads out all that is ever asked, so that the SSL object need not be asked again. */
enum sl_err sl_tls_outcome_read(struct sl_tls *tls)
{
    int group = (int)SSL_get_negotiated_group(tls->ssl);
    tls->version = SSL_get_version(tls->ssl);
    tls->is_1_3 = SSL_version(tls->ssl) >= TLS1_3_VERSION;
    tls->cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(tls->ssl));
    tls->group = group == NID_undef ? NULL : SSL_group_to_name(tls->ssl, group);
    tls->psk = sl_tls_psk_used(tls);
    tls->is_resumed = SSL_session_reused(tls->ssl) == 1 && !sl_tls_psk_is_fresh(tls);
    enum sl_err rc = peer_read(tls);
    if (rc == SL_OK) {
        rc = alpn_read(tls);
    }
    if (rc == SL_OK) {
        rc = sl_tls_facts_read(tls);
    }
    tls->is_done = rc == SL_OK;
    tls->is_broken = rc != SL_OK;
    if (rc == SL_OK) {
        renewed_keep(tls);
    }
    return rc;
}
