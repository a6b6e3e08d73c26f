/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/certificate_impl.h"
#include "tls/key_load.h"
#include "tls/key_provider_impl.h"
#include "tls/own.h"
#include "tls/x509.h"
#include <arpa/inet.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

enum { DNS_NAME_MAX = 255 }; /* bytes */

static const struct key_type {
    const char *openssl, *shown;
    enum sl_key_kind kind;
} KEY_TYPES[] = {
    { "EC", "ECDSA", SL_KIND_OTHER },      { "RSA", "RSA", SL_KIND_RSA },
    { "RSA-PSS", "RSA-PSS", SL_KIND_RSA }, { "ED25519", "Ed25519", SL_KIND_EDDSA },
    { "ED448", "Ed448", SL_KIND_EDDSA },   { NULL, "other", SL_KIND_OTHER },
};

static const struct key_type *key_type_find(const EVP_PKEY *key)
{
    const struct key_type *type = KEY_TYPES;
    while (type->openssl != NULL && (key == NULL || EVP_PKEY_is_a(key, type->openssl) != 1)) {
        type++;
    }
    return type;
}

/* Names of groups as OpenSSL's provider has them and as ours does. */
static enum sl_key_kind kind_of(const EVP_PKEY *key)
{
    static const struct {
        const char *group;
        enum sl_key_kind kind;
    } CURVES[] = {
        { "prime256v1", SL_KIND_ECDSA_P256 }, { "P-256", SL_KIND_ECDSA_P256 },
        { "secp384r1", SL_KIND_ECDSA_P384 },  { "P-384", SL_KIND_ECDSA_P384 },
        { "secp521r1", SL_KIND_ECDSA_P521 },  { "P-521", SL_KIND_ECDSA_P521 },
    };
    const struct key_type *type = key_type_find(key);
    char group[32] = "";
    size_t len = 0;
    if (type != &KEY_TYPES[0] || EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME,
                                                                group, sizeof(group), &len) != 1) {
        return type->kind;
    }
    for (size_t i = 0; i < SL_COUNT(CURVES); i++) {
        if (strcmp(group, CURVES[i].group) == 0) {
            return CURVES[i].kind;
        }
    }
    return type->kind;
}

const char *sl_tls_key_type_shown(const EVP_PKEY *key)
{
    return key_type_find(key)->shown;
}

static void cert_cleanup(struct sl_tls_cert **cert)
{
    sl_tls_cert_unref(*cert);
}

/* Adds `name` in lower case and without its trailing dot; passes over what is no DNS name. */
static enum sl_err name_add(struct sl_tls_cert *cert, struct sl_slice name)
{
    if (name.len != 0 && name.ptr[name.len - 1] == '.') {
        name.len--;
    }
    if (name.len == 0 || name.len > DNS_NAME_MAX) {
        return SL_OK;
    }
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] <= ' ' || name.ptr[i] >= 0x7f) {
            return SL_OK;
        }
    }
    char *copy = strndup((const char *)name.ptr, name.len);
    if (copy == NULL) {
        return SL_ENOMEM;
    }
    for (char *c = copy; *c != '\0'; c++) {
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c | 0x20) : *c;
    }
    cert->names[cert->names_count++] = copy;
    return SL_OK;
}

static struct sl_slice asn1_slice(const ASN1_STRING *string)
{
    return sl_slice_of(ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string));
}

static enum sl_err names_from_san(struct sl_tls_cert *cert, const GENERAL_NAMES *san)
{
    int count = san == NULL ? 0 : sk_GENERAL_NAME_num(san);
    cert->names = calloc((size_t)count + 1, sizeof(*cert->names)); /* 1: room for the CN */
    if (cert->names == NULL) {
        return SL_ENOMEM;
    }
    for (int i = 0; i < count; i++) {
        int type;
        const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(san, i), &type);
        enum sl_err rc = type == GEN_DNS ? name_add(cert, asn1_slice(value)) : SL_OK;
        if (rc != SL_OK) {
            return rc;
        }
    }
    return SL_OK;
}

static enum sl_err names_from_cn(struct sl_tls_cert *cert)
{
    const X509_NAME *subject = X509_get_subject_name(cert->leaf);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0) {
        return SL_OK;
    }
    const ASN1_STRING *cn = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    return name_add(cert, asn1_slice(cn));
}

static enum sl_err names_read(struct sl_tls_cert *cert)
{
    SL_CLEANUP(sl_own_names)
    GENERAL_NAMES *san = X509_get_ext_d2i(cert->leaf, NID_subject_alt_name, NULL, NULL);
    enum sl_err rc = names_from_san(cert, san);
    if (rc == SL_OK && cert->names_count == 0) {
        rc = names_from_cn(cert);
    }
    return rc;
}

static enum sl_err key_check(const struct sl_tls_cert *cert, struct sl_diag *diag)
{
    int match = X509_check_private_key(cert->leaf, cert->key);
    for (int i = 0; match != 1 && i < sk_X509_num(cert->chain); i++) {
        if (X509_check_private_key(sk_X509_value(cert->chain, i), cert->key) == 1) {
            ERR_clear_error();
            sl_diag_set(diag, "chain: the key belongs to certificate %d: put that one first",
                        i + 2);
            return SL_EINVAL;
        }
    }
    ERR_clear_error();
    if (match != 1) {
        sl_diag_set(diag, "key: it does not belong to the certificate");
        return SL_EINVAL;
    }
    return SL_OK;
}

/* The chain alone; what the certificate signs with comes after it. */
static enum sl_err chain_load(struct sl_slice pem, struct sl_diag *diag,
                              struct sl_tls_cert **ret_cert)
{
    if (pem.len > SL_TLS_PEM_MAX) {
        sl_diag_set(diag, "chain: larger than %d bytes", SL_TLS_PEM_MAX);
        return SL_ERANGE;
    }
    SL_CLEANUP(cert_cleanup) struct sl_tls_cert *cert = calloc(1, sizeof(*cert));
    if (cert == NULL) {
        return SL_ENOMEM;
    }
    cert->refs_count = 1;
    ERR_clear_error();
    enum sl_err rc = sl_x509_load(pem, "chain", SL_TLS_CHAIN_MAX, diag, &cert->chain);
    if (rc == SL_OK) {
        cert->leaf = sk_X509_shift(cert->chain);
        *ret_cert = SL_STEAL(cert);
    }
    return rc;
}

/* The key is there: whether it is the right one, and what follows from it. */
static enum sl_err cert_finish(struct sl_tls_cert *cert, struct sl_diag *diag)
{
    enum sl_err rc = key_check(cert, diag);
    if (rc == SL_OK) {
        rc = names_read(cert);
    }
    cert->kind = kind_of(cert->key);
    return rc;
}

enum sl_err sl_tls_cert_create(struct sl_slice chain_pem, struct sl_slice key_pem,
                               struct sl_diag *diag, struct sl_tls_cert **ret_cert)
{
    if (key_pem.len > SL_TLS_PEM_MAX && chain_pem.len <= SL_TLS_PEM_MAX) {
        sl_diag_set(diag, "key: larger than %d bytes", SL_TLS_PEM_MAX);
        return SL_ERANGE;
    }
    SL_CLEANUP(cert_cleanup) struct sl_tls_cert *cert = NULL;
    enum sl_err rc = chain_load(chain_pem, diag, &cert);
    rc = rc == SL_OK ? sl_key_load(key_pem, (struct sl_slice){ 0 }, diag, &cert->key) : rc;
    rc = rc == SL_OK ? cert_finish(cert, diag) : rc;
    ERR_clear_error();
    if (rc == SL_OK) {
        *ret_cert = SL_STEAL(cert);
    }
    return rc;
}

static enum sl_err key_apart(struct sl_tls_cert *cert, const struct sl_tls_key *key,
                             struct sl_diag *diag)
{
    const unsigned char *der = key->public_der.ptr;
    EVP_PKEY *public_key = d2i_PUBKEY(NULL, &der, (long)key->public_der.len);
    enum sl_err rc = public_key == NULL
                         ? SL_EINVAL
                         : sl_key_apart_create(public_key, key->index, key->service, &cert->key);
    EVP_PKEY_free(public_key);
    cert->service = key->service;
    if (rc == SL_EINVAL) {
        sl_diag_set(diag, "key: of a kind that cannot sign in TLS");
    }
    return rc;
}

enum sl_err sl_tls_cert_create_apart(struct sl_slice chain_pem, const struct sl_tls_key *key,
                                     struct sl_diag *diag, struct sl_tls_cert **ret_cert)
{
    SL_CLEANUP(cert_cleanup) struct sl_tls_cert *cert = NULL;
    enum sl_err rc = chain_load(chain_pem, diag, &cert);
    rc = rc == SL_OK ? key_apart(cert, key, diag) : rc;
    rc = rc == SL_OK ? cert_finish(cert, diag) : rc;
    ERR_clear_error();
    if (rc == SL_OK) {
        *ret_cert = SL_STEAL(cert);
    }
    return rc;
}

enum sl_err sl_tls_cert_create_ders(const struct sl_slice *ders, size_t ders_count,
                                    const struct sl_tls_key *key, struct sl_diag *diag,
                                    struct sl_tls_cert **ret_cert)
{
    SL_CLEANUP(cert_cleanup) struct sl_tls_cert *cert = calloc(1, sizeof(*cert));
    if (cert == NULL) {
        return SL_ENOMEM;
    }
    cert->refs_count = 1;
    ERR_clear_error();
    cert->chain = sk_X509_new_null();
    enum sl_err rc = cert->chain == NULL ? SL_ENOMEM : SL_OK;
    for (size_t i = 0; rc == SL_OK && i < ders_count; i++) {
        rc = sl_x509_add_der(cert->chain, ders[i], "chain", diag);
    }
    if (rc == SL_OK) {
        cert->leaf = sk_X509_shift(cert->chain);
        rc = key_apart(cert, key, diag);
    }
    rc = rc == SL_OK ? cert_finish(cert, diag) : rc;
    ERR_clear_error();
    if (rc == SL_OK) {
        *ret_cert = SL_STEAL(cert);
    }
    return rc;
}

/* All of the objects are referenced. */
static enum sl_err cert_assemble(X509 *leaf, STACK_OF(X509) * chain, enum sl_key_kind kind,
                                 EVP_PKEY *key, struct sl_key_service *service,
                                 struct sl_tls_cert **ret_cert)
{
    SL_CLEANUP(cert_cleanup) struct sl_tls_cert *cert = calloc(1, sizeof(*cert));
    if (cert == NULL) {
        return SL_ENOMEM;
    }
    cert->refs_count = 1;
    cert->kind = kind;
    cert->service = service;
    cert->chain = X509_chain_up_ref(chain);
    cert->leaf = X509_up_ref(leaf) == 1 ? leaf : NULL;
    cert->key = EVP_PKEY_up_ref(key) == 1 ? key : NULL;
    if (cert->chain == NULL || cert->leaf == NULL || cert->key == NULL) {
        return SL_ENOMEM;
    }
    *ret_cert = SL_STEAL(cert);
    return SL_OK;
}

enum sl_err sl_tls_cert_create_shared(X509 *leaf, STACK_OF(X509) * chain, enum sl_key_kind kind,
                                      uint32_t key_index, struct sl_key_service *service,
                                      struct sl_tls_cert **ret_cert)
{
    EVP_PKEY *public_key = X509_get0_pubkey(leaf), *key = NULL;
    if (public_key == NULL) {
        ERR_clear_error();
        return SL_EINVAL;
    }
    enum sl_err rc = sl_key_apart_create(public_key, key_index, service, &key);
    rc = rc == SL_OK ? cert_assemble(leaf, chain, kind, key, service, ret_cert) : rc;
    EVP_PKEY_free(key);
    return rc;
}

enum sl_err sl_tls_cert_create_leaf(X509 *leaf, STACK_OF(X509) * chain, enum sl_key_kind kind,
                                    struct sl_key_service *service, struct sl_tls_cert **ret_cert)
{
    return cert_assemble(leaf, chain, kind, X509_get0_pubkey(leaf), service, ret_cert);
}

const char *sl_tls_cert_name(const struct sl_tls_cert *cert, size_t index)
{
    return index < cert->names_count ? cert->names[index] : NULL;
}

enum sl_key_kind sl_tls_cert_kind(const struct sl_tls_cert *cert)
{
    return cert->kind;
}

enum sl_err sl_tls_cert_der(const struct sl_tls_cert *cert, size_t index, struct sl_wbuf *out)
{
    if (index > (size_t)sk_X509_num(cert->chain)) {
        return SL_ENOENT;
    }
    unsigned char *der = NULL;
    int len = i2d_X509(index == 0 ? cert->leaf : sk_X509_value(cert->chain, (int)index - 1), &der);
    ERR_clear_error();
    if (len <= 0) {
        return SL_ENOMEM;
    }
    enum sl_err rc = sl_wbuf_put(out, sl_slice_of(der, (size_t)len));
    OPENSSL_free(der);
    return rc;
}

struct sl_tls_cert *sl_tls_cert_ref(struct sl_tls_cert *cert)
{
    cert->refs_count++;
    return cert;
}

void sl_tls_cert_unref(struct sl_tls_cert *cert)
{
    if (cert == NULL || --cert->refs_count != 0) {
        return;
    }
    for (size_t i = 0; i < cert->names_count; i++) {
        free(cert->names[i]);
    }
    free(cert->names);
    X509_free(cert->leaf);
    sk_X509_pop_free(cert->chain, X509_free);
    EVP_PKEY_free(cert->key);
    free(cert);
}

bool sl_tls_cert_is_modern_ecdsa(const struct sl_tls_cert *cert)
{
    return cert->kind == SL_KIND_ECDSA_P256 || cert->kind == SL_KIND_ECDSA_P384;
}

static int64_t unix_time_s(const ASN1_TIME *time)
{
    int64_t s = 0;
    (void)sl_x509_time_s(time, &s);
    return s;
}

/* "name" of a SAN, DNS or IP; false for every other kind. */
static bool san_text(const GENERAL_NAME *san, char *text, size_t size)
{
    int type;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(san, &type);
    if (type == GEN_DNS) {
        struct sl_slice name = asn1_slice(value);
        (void)snprintf(text, size, "%.*s", SL_SLICE_FMT(name));
        return true;
    }
    if (type != GEN_IPADD) {
        return false;
    }
    struct sl_slice ip = asn1_slice(value);
    int family = ip.len == 4 ? AF_INET : AF_INET6;
    return (ip.len == 4 || ip.len == 16) &&
           inet_ntop(family, ip.ptr, text, (socklen_t)size) != NULL;
}

static void names_text(const struct sl_tls_cert *cert, char text[static SL_TLS_NAME_MAX])
{
    SL_CLEANUP(sl_own_names)
    GENERAL_NAMES *san = X509_get_ext_d2i(cert->leaf, NID_subject_alt_name, NULL, NULL);
    char all[SL_TLS_NAME_MAX * 2] = "";
    size_t len = 0;
    for (int i = 0; san != NULL && i < sk_GENERAL_NAME_num(san) && len < SL_TLS_NAME_MAX; i++) {
        char one[SL_TLS_NAME_MAX - 2];
        if (san_text(sk_GENERAL_NAME_value(san, i), one, sizeof(one))) {
            len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s", len == 0 ? "" : ",", one);
        }
    }
    sl_x509_text_cut(all, SL_TLS_NAME_MAX - 1);
    memcpy(text, all, strlen(all) + 1);
}

void sl_tls_cert_info(const struct sl_tls_cert *cert, struct sl_tls_cert_info *ret_info)
{
    ret_info->not_before_s = unix_time_s(X509_get0_notBefore(cert->leaf));
    ret_info->not_after_s = unix_time_s(X509_get0_notAfter(cert->leaf));
    sl_x509_name_text(X509_get_subject_name(cert->leaf), ret_info->subject,
                      sizeof(ret_info->subject));
    names_text(cert, ret_info->names);
    ret_info->key_type = sl_tls_key_type_shown(cert->key);
    ret_info->key_bits = (uint32_t)EVP_PKEY_get_bits(cert->key);
    ret_info->is_self_signed = (X509_get_extension_flags(cert->leaf) & EXFLAG_SS) != 0;
    ERR_clear_error();
}
