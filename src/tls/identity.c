/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/identity.h"
#include "tls/own.h"
#include "tls/x509.h"
#include <arpa/inet.h>
#include <openssl/err.h>
#include <string.h>

enum { IPV4_LEN = 4 }; /* bytes */

bool sl_tls_identity_spki(const X509 *x509, uint8_t ret_spki[static SL_PIN_LEN])
{
    unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der);
    bool is_ok = len > 0 && EVP_Digest(der, (size_t)len, ret_spki, NULL, EVP_sha256(), NULL) == 1;
    OPENSSL_free(der);
    return is_ok;
}

static void name_add(struct sl_tls_identity *identity, enum sl_peer_kind kind, const void *ptr,
                     int len)
{
    const struct sl_peer_name name = { kind, sl_slice_of(ptr, len < 0 ? 0 : (size_t)len) };
    identity->is_sound = identity->is_sound && sl_peer_name_is_sound(&name);
    identity->names[identity->names_count++] = name;
}

static void alternative_add(struct sl_tls_identity *identity, const GENERAL_NAME *alternative)
{
    static const struct {
        int type;
        enum sl_peer_kind kind;
    } TYPES[] = {
        { GEN_DNS, SL_PEER_DNS },
        { GEN_EMAIL, SL_PEER_EMAIL },
        { GEN_URI, SL_PEER_URI },
        { GEN_IPADD, SL_PEER_IP },
    };
    int type = 0;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(alternative, &type);
    for (size_t i = 0; i < SL_COUNT(TYPES); i++) {
        if (TYPES[i].type == type) {
            name_add(identity, TYPES[i].kind, ASN1_STRING_get0_data(value),
                     ASN1_STRING_length(value));
        }
    }
}

/* An RDN of the subject that rules know. */
static enum sl_err entry_add(struct sl_tls_identity *identity, const X509_NAME_ENTRY *entry)
{
    const int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
    unsigned char *utf8 = NULL;
    if (nid != NID_commonName && nid != NID_organizationalUnitName) {
        return SL_OK;
    }
    int len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry));
    if (len < 0) {
        identity->is_sound = false;
        return SL_OK;
    }
    identity->texts[identity->texts_count++] = utf8;
    name_add(identity, nid == NID_commonName ? SL_PEER_CN : SL_PEER_OU, utf8, len);
    return SL_OK;
}

enum sl_err sl_tls_identity_init(struct sl_tls_identity *identity, const X509 *x509)
{
    const X509_NAME *subject = X509_get_subject_name(x509);
    const int entries_count = X509_NAME_entry_count(subject);
    int critical = -1;
    *identity = (struct sl_tls_identity){ .is_sound = true };
    identity->alternatives = X509_get_ext_d2i(x509, NID_subject_alt_name, &critical, NULL);
    identity->is_sound = identity->alternatives != NULL || critical == -1;
    const int count = sk_GENERAL_NAME_num(identity->alternatives);
    const size_t names_max = 1 + (size_t)SL_MAX(count, 0) + (size_t)SL_MAX(entries_count, 0);
    identity->names = calloc(names_max, sizeof(*identity->names));
    identity->texts = calloc(names_max, sizeof(*identity->texts));
    ERR_clear_error();
    if (identity->names == NULL || identity->texts == NULL ||
        !sl_tls_identity_spki(x509, identity->spki)) {
        return SL_ENOMEM;
    }
    name_add(identity, SL_PEER_SPKI, identity->spki, sizeof(identity->spki));
    for (int i = 0; i < count; i++) {
        alternative_add(identity, sk_GENERAL_NAME_value(identity->alternatives, i));
    }
    enum sl_err rc = SL_OK;
    for (int i = 0; rc == SL_OK && i < entries_count; i++) {
        rc = entry_add(identity, X509_NAME_get_entry(subject, i));
    }
    ERR_clear_error();
    return rc;
}

void sl_tls_identity_fini(struct sl_tls_identity *identity)
{
    for (size_t i = 0; i < identity->texts_count; i++) {
        OPENSSL_free(identity->texts[i]);
    }
    free(identity->texts);
    free(identity->names);
    GENERAL_NAMES_free(identity->alternatives);
    *identity = (struct sl_tls_identity){ 0 };
}

static const struct sl_peer_name *name_find(const struct sl_tls_identity *identity,
                                            enum sl_peer_kind kind)
{
    for (size_t i = 0; i < identity->names_count; i++) {
        const struct sl_peer_name *name = &identity->names[i];
        if (name->kind == kind && sl_peer_name_is_sound(name)) {
            return name;
        }
    }
    return NULL;
}

void sl_tls_identity_text(const struct sl_tls_identity *identity, char *text, size_t size)
{
    static const enum sl_peer_kind ORDER[] = { SL_PEER_URI, SL_PEER_DNS, SL_PEER_EMAIL,
                                               SL_PEER_IP };
    const struct sl_peer_name *name = NULL;
    char ip[INET6_ADDRSTRLEN] = "";
    for (size_t i = 0; name == NULL && i < SL_COUNT(ORDER); i++) {
        name = name_find(identity, ORDER[i]);
    }
    text[0] = '\0';
    if (name == NULL) {
        return;
    }
    struct sl_slice value = name->value;
    if (name->kind == SL_PEER_IP) {
        (void)inet_ntop(value.len == IPV4_LEN ? AF_INET : AF_INET6, value.ptr, ip, sizeof(ip));
        value = sl_slice_cstr(ip);
    }
    (void)snprintf(text, size, "%s:%.*s", sl_peer_kind_name(name->kind), SL_SLICE_FMT(value));
}
