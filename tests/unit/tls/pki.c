/* SPDX-License-Identifier: Apache-2.0 */
#include "pki.h"
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOUR_S = 3600, DAY_S = 24 * HOUR_S };

static void must(bool is_ok, const char *what)
{
    if (!is_ok) {
        ERR_print_errors_fp(stderr);
        fprintf(stderr, "pki: %s\n", what);
        abort();
    }
}

static EVP_PKEY *key_make(enum pki_kind kind)
{
    EVP_PKEY *key = kind == PKI_EC         ? EVP_EC_gen("P-256")
                    : kind == PKI_EC_384   ? EVP_EC_gen("P-384")
                    : kind == PKI_EC_521   ? EVP_EC_gen("P-521")
                    : kind == PKI_RSA      ? EVP_RSA_gen(2048)
                    : kind == PKI_RSA_1024 ? EVP_RSA_gen(1024)
                                           : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    must(key != NULL, "key");
    return key;
}

static char *bio_text(BIO *bio)
{
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);
    char *text = strndup(data, (size_t)len);
    must(text != NULL, "memory");
    (void)BIO_free(bio);
    return text;
}

static void extension_add(X509 *x509, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, x509, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    must(extension != NULL && X509_add_ext(x509, extension, -1) == 1, value);
    X509_EXTENSION_free(extension);
}

static X509_NAME *name_make(const char *cn)
{
    X509_NAME *name = X509_NAME_new();
    must(name != NULL, "name");
    if (cn != NULL) {
        must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1,
                                        -1, 0) == 1,
             "CN");
    }
    return name;
}

static void issuer_read(const struct pki_cert *issuer, X509 **ret_x509, EVP_PKEY **ret_key)
{
    BIO *chain = BIO_new_mem_buf(issuer->chain, -1), *key = BIO_new_mem_buf(issuer->key, -1);
    *ret_x509 = PEM_read_bio_X509(chain, NULL, NULL, NULL);
    *ret_key = PEM_read_bio_PrivateKey(key, NULL, NULL, NULL);
    must(*ret_x509 != NULL && *ret_key != NULL, "issuer");
    (void)BIO_free(chain);
    (void)BIO_free(key);
}

static void extensions_add(X509 *x509, X509 *issuer, const struct pki_spec *spec)
{
    extension_add(x509, issuer, NID_basic_constraints,
                  spec->is_ca ? "critical,CA:TRUE" : "CA:FALSE");
    extension_add(x509, issuer, NID_subject_key_identifier, "hash");
    extension_add(x509, issuer, NID_authority_key_identifier, "keyid");
    if (spec->is_ca) {
        extension_add(x509, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
    }
    if (spec->san != NULL) {
        extension_add(x509, issuer, NID_subject_alt_name, spec->san);
    }
}

void pki_make(const struct pki_spec *spec, const struct pki_cert *issuer, struct pki_cert *ret_cert)
{
    EVP_PKEY *key = key_make(spec->kind), *signer = key;
    X509 *x509 = X509_new(), *by = x509;
    must(x509 != NULL, "X509");
    if (issuer != NULL) {
        issuer_read(issuer, &by, &signer);
    }
    bool is_default = spec->from_s == 0 && spec->to_s == 0;
    long from_s = is_default ? -HOUR_S : (long)spec->from_s;
    long to_s = is_default ? DAY_S : (long)spec->to_s;
    uint32_t serial = 0;
    must(RAND_bytes((unsigned char *)&serial, sizeof(serial)) == 1, "random");
    X509_NAME *name = name_make(spec->cn);
    must(X509_set_version(x509, X509_VERSION_3) == 1 &&
             ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial) == 1 &&
             X509_gmtime_adj(X509_getm_notBefore(x509), from_s) != NULL &&
             X509_gmtime_adj(X509_getm_notAfter(x509), to_s) != NULL &&
             X509_set_subject_name(x509, name) == 1 && X509_set_pubkey(x509, key) == 1 &&
             X509_set_issuer_name(x509, issuer == NULL ? name : X509_get_subject_name(by)) == 1,
         "fields");
    extensions_add(x509, by, spec);
    bool is_pure = EVP_PKEY_is_a(signer, "ED25519") == 1;
    must(X509_sign(x509, signer, is_pure ? NULL : EVP_sha256()) > 0, "sign");
    BIO *chain_out = BIO_new(BIO_s_mem()), *key_out = BIO_new(BIO_s_mem());
    must(PEM_write_bio_X509(chain_out, x509) == 1 &&
             PEM_write_bio_PrivateKey(key_out, key, NULL, NULL, 0, NULL, NULL) == 1,
         "PEM");
    *ret_cert = (struct pki_cert){ .chain = bio_text(chain_out), .key = bio_text(key_out) };
    X509_NAME_free(name);
    if (issuer != NULL) {
        X509_free(by);
        EVP_PKEY_free(signer);
    }
    X509_free(x509);
    EVP_PKEY_free(key);
}

void pki_free(struct pki_cert *cert)
{
    free(cert->chain);
    free(cert->key);
    *cert = (struct pki_cert){ NULL, NULL };
}

struct sl_slice pki_slice(const char *pem)
{
    return sl_slice_cstr(pem);
}

char *pki_join(const char *first, const char *second)
{
    char *text = NULL;
    must(asprintf(&text, "%s%s", first, second) >= 0, "memory");
    return text;
}
