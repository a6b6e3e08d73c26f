/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/facts.h"
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_BYTES = 48 }; /* NUL included */

struct sl_tls_facts_kept {
    char sig_alg[NAME_MAX_BYTES], key_alg[NAME_MAX_BYTES];
    const char *sig_scheme;
    unsigned char *peer_cert; /* libcrypto's */
    size_t peer_cert_len;     /* bytes */
};

/* RFC 8446 4.2.3, and of RFC 5246 what only TLS 1.2 has. */
static const struct {
    int type, digest;
    const char *name;
} SCHEMES[] = {
    { EVP_PKEY_EC, NID_sha256, "ecdsa_secp256r1_sha256" },
    { EVP_PKEY_EC, NID_sha384, "ecdsa_secp384r1_sha384" },
    { EVP_PKEY_EC, NID_sha512, "ecdsa_secp521r1_sha512" },
    { EVP_PKEY_EC, NID_sha224, "ecdsa_sha224" },
    { EVP_PKEY_EC, NID_sha1, "ecdsa_sha1" },
    { EVP_PKEY_RSA, NID_sha256, "rsa_pkcs1_sha256" },
    { EVP_PKEY_RSA, NID_sha384, "rsa_pkcs1_sha384" },
    { EVP_PKEY_RSA, NID_sha512, "rsa_pkcs1_sha512" },
    { EVP_PKEY_RSA, NID_sha224, "rsa_pkcs1_sha224" },
    { EVP_PKEY_RSA, NID_sha1, "rsa_pkcs1_sha1" },
    { EVP_PKEY_ED25519, NID_undef, "ed25519" },
    { EVP_PKEY_ED448, NID_undef, "ed448" },
};

/* With a key that is for PSS alone, and with one for all of RSA. */
static const struct {
    int digest;
    const char *pss, *rsae;
} PSS_SCHEMES[] = {
    { NID_sha256, "rsa_pss_pss_sha256", "rsa_pss_rsae_sha256" },
    { NID_sha384, "rsa_pss_pss_sha384", "rsa_pss_rsae_sha384" },
    { NID_sha512, "rsa_pss_pss_sha512", "rsa_pss_rsae_sha512" },
};

static const char *scheme_name(int type, int digest, bool is_pss_key)
{
    for (size_t i = 0; i < SL_COUNT(SCHEMES); i++) {
        if (SCHEMES[i].type == type && SCHEMES[i].digest == digest) {
            return SCHEMES[i].name;
        }
    }
    for (size_t i = 0; type == EVP_PKEY_RSA_PSS && i < SL_COUNT(PSS_SCHEMES); i++) {
        if (PSS_SCHEMES[i].digest == digest) {
            return is_pss_key ? PSS_SCHEMES[i].pss : PSS_SCHEMES[i].rsae;
        }
    }
    return NULL;
}

/* By what we signed; NULL when we did not, or its name is not known. */
static const char *scheme_of(const struct sl_tls *tls, const EVP_PKEY *key)
{
    int type = NID_undef, digest = NID_undef;
    const SSL_CIPHER *cipher = SSL_get_current_cipher(tls->ssl);
    if (tls->is_resumed || cipher == NULL || SSL_CIPHER_get_kx_nid(cipher) == NID_kx_rsa ||
        SSL_get_signature_type_nid(tls->ssl, &type) != 1) {
        return NULL;
    }
    (void)SSL_get_signature_nid(tls->ssl, &digest); /* EdDSA has none */
    const char *name = scheme_name(type, digest, EVP_PKEY_is_a(key, "RSA-PSS") == 1);
#ifdef SL_HAS_SIGNATURE_NAME
    if (name == NULL && SSL_get0_signature_name(tls->ssl, &name) != 1) {
        name = NULL;
    }
#endif
    return name;
}

/* "RSA2048", "EC256", as HAProxy writes it; the name alone where the size follows from it. */
static void key_name(const EVP_PKEY *key, char ret_text[static NAME_MAX_BYTES])
{
    const char *name = EVP_PKEY_get0_type_name(key);
    const bool has_size = EVP_PKEY_is_a(key, "RSA") == 1 || EVP_PKEY_is_a(key, "RSA-PSS") == 1 ||
                          EVP_PKEY_is_a(key, "EC") == 1;
    if (has_size) {
        (void)snprintf(ret_text, NAME_MAX_BYTES, "%s%d",
                       EVP_PKEY_is_a(key, "EC") == 1 ? "EC" : "RSA", EVP_PKEY_get_bits(key));
    } else {
        (void)snprintf(ret_text, NAME_MAX_BYTES, "%s", name == NULL ? "" : name);
    }
}

static void own_read(const struct sl_tls *tls, struct sl_tls_facts_kept *kept)
{
    const X509 *cert = SSL_get_certificate(tls->ssl);
    const EVP_PKEY *key = cert == NULL ? NULL : X509_get0_pubkey(cert);
    if (key == NULL || tls->psk != NULL) { /* none was shown */
        return;
    }
    const char *signature = OBJ_nid2sn(X509_get_signature_nid(cert));
    (void)snprintf(kept->sig_alg, NAME_MAX_BYTES, "%s", signature == NULL ? "" : signature);
    key_name(key, kept->key_alg);
    kept->sig_scheme = scheme_of(tls, key);
}

static enum sl_err peer_read(const struct sl_tls *tls, struct sl_tls_facts_kept *kept)
{
    const X509 *peer = SSL_get0_peer_certificate(tls->ssl);
    if (peer == NULL || tls->peer_subject == NULL) { /* none, or not verified */
        return SL_OK;
    }
    const int len = i2d_X509(peer, &kept->peer_cert);
    if (len <= 0) {
        return SL_ENOMEM;
    }
    kept->peer_cert_len = (size_t)len;
    return SL_OK;
}

enum sl_err sl_tls_facts_read(struct sl_tls *tls)
{
    if (!tls->ctx->has_facts) {
        return SL_OK;
    }
    tls->facts = calloc(1, sizeof(*tls->facts));
    if (tls->facts == NULL) {
        return SL_ENOMEM;
    }
    own_read(tls, tls->facts);
    const enum sl_err rc = tls->ctx->has_peer_cert ? peer_read(tls, tls->facts) : SL_OK;
    ERR_clear_error();
    return rc;
}

struct sl_tls_facts sl_tls_facts_of(const struct sl_tls *tls)
{
    const struct sl_tls_facts_kept *kept = tls->facts;
    if (kept == NULL) {
        return (struct sl_tls_facts){ 0 };
    }
    return (struct sl_tls_facts){ .sig_alg = kept->sig_alg,
                                  .key_alg = kept->key_alg,
                                  .sig_scheme = kept->sig_scheme,
                                  .peer_cert = sl_slice_of(kept->peer_cert, kept->peer_cert_len) };
}

void sl_tls_facts_drop(struct sl_tls *tls)
{
    if (tls->facts != NULL) {
        OPENSSL_free(tls->facts->peer_cert);
        free(tls->facts);
        tls->facts = NULL;
    }
}
