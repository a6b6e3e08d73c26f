/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/mint.h"
#include "tls/certificate_impl.h"
#include "tls/error.h"
#include "tls/own.h"
#include "tls/store_impl.h"
#include "tls/x509.h"
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>

enum { SERIAL_BITS = 159 }; /* RFC 5280 4.1.2.2: at most 20 bytes, and positive */

static const char *const IP_NAMES[] = { "127.0.0.1", "::1" };

struct extension {
    int nid;
    const char *value; /* as in openssl.cnf */
};

/* Of the CA (RFC 5280 4.2.1): it signs leaves and nothing else. The subject's key identifier comes
 * first, for what follows may quote it. */
static const struct extension CA_EXTENSIONS[] = {
    { NID_subject_key_identifier, "hash" },
    { NID_basic_constraints, "critical,CA:TRUE,pathlen:0" },
    { NID_key_usage, "critical,keyCertSign" },
    { NID_undef, NULL },
};

static const struct extension LEAF_EXTENSIONS[] = {
    { NID_subject_key_identifier, "hash" },
    { NID_authority_key_identifier, "keyid:always" },
    { NID_basic_constraints, "critical,CA:FALSE" },
    { NID_key_usage, "critical,digitalSignature" },
    { NID_ext_key_usage, "serverAuth" },
    { NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1" },
    { NID_undef, NULL },
};

static void own_key(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void own_serial(BIGNUM **serial)
{
    BN_free(*serial);
}

static void own_verify(X509_STORE_CTX **verify)
{
    X509_STORE_CTX_free(*verify);
}

static void own_cert(struct sl_tls_cert **cert)
{
    sl_tls_cert_unref(*cert);
}

static void own_store(struct sl_tls_store **store)
{
    sl_tls_store_unref(*store);
}

static bool extensions_add(X509 *x509, X509 *issuer, const struct extension *extension)
{
    for (; extension->value != NULL; extension++) {
        X509V3_CTX context;
        X509V3_set_ctx_nodb(&context);
        X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
        X509_EXTENSION *made =
            X509V3_EXT_conf_nid(NULL, &context, extension->nid, extension->value);
        bool is_added = made != NULL && X509_add_ext(x509, made, -1) == 1;
        X509_EXTENSION_free(made);
        if (!is_added) {
            return false;
        }
    }
    return true;
}

static bool serial_set(X509 *x509)
{
    SL_CLEANUP(own_serial) BIGNUM *serial = BN_new();
    return serial != NULL && BN_rand(serial, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
           BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x509)) != NULL;
}

static bool times_set(X509 *x509, int64_t now_s, int days)
{
    time_t from_s = (time_t)now_s - SL_TLS_MINT_BACKDATED_S;
    /* -1: both ends belong to the validity (RFC 5280 4.1.2.5) */
    return X509_time_adj_ex(X509_getm_notBefore(x509), 0, 0, &from_s) != NULL &&
           X509_time_adj_ex(X509_getm_notAfter(x509), days, -1, &from_s) != NULL;
}

static bool subject_set(X509 *x509, const char *name)
{
    X509_NAME *subject = X509_NAME_new();
    bool is_set = subject != NULL &&
                  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                             (const unsigned char *)name, -1, -1, 0) == 1 &&
                  X509_set_subject_name(x509, subject) == 1;
    X509_NAME_free(subject);
    return is_set;
}

/* With an `issuer` of NULL it signs itself. NULL when the library failed. */
static X509 *sign_new(const char *name, EVP_PKEY *key, int64_t now_s, X509 *issuer,
                      EVP_PKEY *issuer_key)
{
    SL_CLEANUP(sl_own_x509) X509 *x509 = X509_new();
    if (x509 == NULL) {
        return NULL;
    }
    const bool is_ca = issuer == NULL;
    X509 *by = is_ca ? x509 : issuer;
    bool is_made = X509_set_version(x509, X509_VERSION_3) == 1 && serial_set(x509) &&
                   times_set(x509, now_s, is_ca ? SL_TLS_MINT_CA_DAYS : SL_TLS_MINT_LEAF_DAYS) &&
                   subject_set(x509, name) &&
                   X509_set_issuer_name(x509, X509_get_subject_name(by)) == 1 &&
                   X509_set_pubkey(x509, key) == 1 &&
                   extensions_add(x509, by, is_ca ? CA_EXTENSIONS : LEAF_EXTENSIONS) &&
                   X509_sign(x509, issuer_key, EVP_sha256()) > 0;
    return is_made ? SL_STEAL(x509) : NULL;
}

static enum sl_err put_pem(BIO *bio, struct sl_wbuf *out)
{
    char *text = NULL;
    long len = BIO_get_mem_data(bio, &text);
    return len > 0 ? sl_wbuf_put(out, sl_slice_of(text, (size_t)len)) : SL_ETLS;
}

static enum sl_err put_x509(const X509 *x509, struct sl_wbuf *out)
{
    SL_CLEANUP(sl_own_bio) BIO *bio = BIO_new(BIO_s_mem());
    return bio != NULL && PEM_write_bio_X509(bio, x509) == 1 ? put_pem(bio, out) : SL_ETLS;
}

static enum sl_err put_key(const EVP_PKEY *key, struct sl_wbuf *out)
{
    SL_CLEANUP(sl_own_bio) BIO *bio = BIO_new(BIO_s_mem());
    bool is_put = bio != NULL && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
    return is_put ? put_pem(bio, out) : SL_ETLS;
}

static enum sl_err mint(const char *ca_name, int64_t now_s, struct sl_tls_minted *minted)
{
    SL_CLEANUP(own_key) EVP_PKEY *ca_key = EVP_EC_gen("P-256");
    SL_CLEANUP(own_key) EVP_PKEY *key = EVP_EC_gen("P-256");
    if (ca_key == NULL || key == NULL) {
        return SL_ETLS;
    }
    SL_CLEANUP(sl_own_x509) X509 *ca = sign_new(ca_name, ca_key, now_s, NULL, ca_key);
    SL_CLEANUP(sl_own_x509)
    X509 *leaf = ca == NULL ? NULL : sign_new("localhost", key, now_s, ca, ca_key);
    if (leaf == NULL) {
        return SL_ETLS;
    }
    struct sl_tls_minted done = *minted;
    enum sl_err rc = put_x509(ca, &done.ca);
    rc = rc == SL_OK ? put_x509(leaf, &done.chain) : rc;
    rc = rc == SL_OK ? put_key(key, &done.key) : rc;
    if (rc == SL_OK) {
        *minted = done;
    }
    return rc;
}

enum sl_err sl_tls_mint_localhost(const char *ca_name, int64_t now_s, struct sl_diag *diag,
                                  struct sl_tls_minted *minted)
{
    ERR_clear_error();
    enum sl_err rc = mint(ca_name, now_s, minted);
    if (rc == SL_ETLS) {
        rc = sl_tls_error_take(SL_ETLS, "cannot make a certificate", diag);
    }
    ERR_clear_error();
    return rc;
}

static enum sl_err verify_at(const struct sl_tls_cert *cert, const struct sl_tls_store *store,
                             int64_t at_s, struct sl_diag *diag)
{
    SL_CLEANUP(own_verify) X509_STORE_CTX *verify = X509_STORE_CTX_new();
    if (verify == NULL || X509_STORE_CTX_init(verify, store->x509, cert->leaf, NULL) != 1) {
        return sl_tls_error_take(SL_ENOMEM, NULL, diag);
    }
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(verify);
    X509_VERIFY_PARAM_set_time(param, (time_t)at_s);
    if (X509_STORE_CTX_set_purpose(verify, X509_PURPOSE_SSL_SERVER) != 1 ||
        X509_VERIFY_PARAM_set1_host(param, "localhost", 0) != 1) {
        return sl_tls_error_take(SL_ENOMEM, NULL, diag);
    }
    if (X509_verify_cert(verify) != 1) {
        const int error = X509_STORE_CTX_get_error(verify);
        sl_diag_set(diag, "%s", X509_verify_cert_error_string(error));
        return error == X509_V_ERR_OUT_OF_MEM ? SL_ENOMEM : SL_EVERIFY;
    }
    return SL_OK;
}

enum sl_err sl_tls_mint_check(struct sl_slice ca, struct sl_slice chain, struct sl_slice key,
                              int64_t now_s, int64_t margin_s, struct sl_diag *diag)
{
    SL_CLEANUP(own_cert) struct sl_tls_cert *cert = NULL;
    SL_CLEANUP(own_store) struct sl_tls_store *store = NULL;
    enum sl_err rc = sl_tls_cert_create(chain, key, diag, &cert);
    rc = rc == SL_OK ? sl_tls_store_create(ca, diag, &store) : rc;
    rc = rc == SL_OK ? verify_at(cert, store, now_s, diag) : rc;
    rc = rc == SL_OK ? verify_at(cert, store, now_s + margin_s, diag) : rc;
    for (size_t i = 0; rc == SL_OK && i < SL_COUNT(IP_NAMES); i++) {
        if (X509_check_ip_asc(cert->leaf, IP_NAMES[i], 0) != 1) {
            sl_diag_set(diag, "the certificate is not for %s", IP_NAMES[i]);
            rc = SL_EVERIFY;
        }
    }
    ERR_clear_error();
    return rc;
}
