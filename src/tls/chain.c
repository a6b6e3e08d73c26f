/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/chain.h"
#include "base/def.h"
#include "codec/der.h"
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

enum { SERIAL_BYTES_MAX = 20 }; /* RFC 5280 4.1.2.2 */

/* Each is held against each: more than any chain has, and few enough for whoever sends them. */
enum { LOOKED_AT_MAX = 64 };

static bool is_in(const STACK_OF(X509) * stack, const X509 *cert)
{
    for (int i = 0; i < sk_X509_num(stack); i++) {
        if (sk_X509_value(stack, i) == cert) {
            return true;
        }
    }
    return false;
}

static bool has_anchor(X509_STORE_CTX *verify, X509 *cert)
{
    X509 *issuer = NULL;
    const bool has = X509_STORE_CTX_get1_issuer(&issuer, verify, cert) == 1;
    X509_free(issuer);
    return has;
}

/* From the anchors down: each certificate is looked at once by each of those above it. */
static bool useful_find(X509_STORE_CTX *verify, const STACK_OF(X509) * sent,
                        STACK_OF(X509) * useful)
{
    const int sent_count = SL_MIN(sk_X509_num(sent), (int)LOOKED_AT_MAX);
    for (int i = 0; i < sent_count; i++) {
        X509 *cert = sk_X509_value(sent, i);
        if (has_anchor(verify, cert) && sk_X509_push(useful, cert) <= 0) {
            return false;
        }
    }
    for (int at = 0; at < sk_X509_num(useful); at++) {
        X509 *issuer = sk_X509_value(useful, at);
        for (int i = 0; i < sent_count; i++) {
            X509 *cert = sk_X509_value(sent, i);
            if (!is_in(useful, cert) && X509_check_issued(issuer, cert) == X509_V_OK &&
                sk_X509_push(useful, cert) <= 0) {
                return false;
            }
        }
    }
    return true;
}

STACK_OF(X509) * sl_tls_chain_useful(X509_STORE_CTX *verify)
{
    STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(verify);
    STACK_OF(X509) *useful = sk_X509_new_null();
    if (useful == NULL || !useful_find(verify, sent, useful)) {
        sk_X509_free(useful);
        return NULL;
    }
    ERR_clear_error(); /* of issuers that are not there */
    if (sk_X509_num(useful) == 0 && sent != NULL) {
        sk_X509_free(useful);
        return sk_X509_dup(sent); /* so that what is said of it is about the chain as it is */
    }
    return useful;
}

static bool has_extension(const X509 *cert, int nid)
{
    return X509_get_ext_by_NID(cert, nid, -1) >= 0;
}

/* RFC 5280 4.2: "MUST NOT include more than one instance of a particular extension". */
static bool has_extension_twice(const X509 *cert)
{
    for (int i = 0; i < X509_get_ext_count(cert); i++) {
        const ASN1_OBJECT *object = X509_EXTENSION_get_object(X509_get_ext(cert, i));
        if (X509_get_ext_by_OBJ(cert, object, i) >= 0) {
            return true;
        }
    }
    return false;
}

/* RFC 5280 4.2.1.12; libcrypto also takes the marks of export ciphers for serverAuth. */
static bool is_of_other_purpose(X509 *cert, bool is_server)
{
    return (X509_get_extension_flags(cert) & EXFLAG_XKUSAGE) != 0 &&
           (X509_get_extended_key_usage(cert) &
            (is_server ? (uint32_t)XKU_SSL_SERVER : (uint32_t)XKU_SSL_CLIENT)) == 0;
}

static bool is_serial_sound(const X509 *cert)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
    const int len = ASN1_STRING_length(serial);
    return ASN1_STRING_type(serial) == V_ASN1_INTEGER && len > 0 && len <= SERIAL_BYTES_MAX &&
           (len > 1 || ASN1_STRING_get0_data(serial)[0] != 0);
}

/* RFC 5280 4.2.1.11: "Conforming CAs MUST mark this extension as critical". */
static bool is_policy_bound_lightly(const X509 *cert)
{
    const int at = X509_get_ext_by_NID(cert, NID_policy_constraints, -1);
    return at >= 0 && X509_EXTENSION_get_critical(X509_get_ext(cert, at)) == 0;
}

/* RFC 5280 4.2: extnValue is one DER value; libcrypto reads it and passes over what follows. */
static bool has_more_behind(const X509 *cert)
{
    static const int READ[] = {
        NID_subject_alt_name,        NID_ext_key_usage,      NID_key_usage,
        NID_basic_constraints,       NID_name_constraints,   NID_certificate_policies,
        NID_policy_constraints,      NID_inhibit_any_policy, NID_subject_key_identifier,
        NID_authority_key_identifier
    };
    for (size_t i = 0; i < SL_COUNT(READ); i++) {
        const int at = X509_get_ext_by_NID(cert, READ[i], -1);
        const ASN1_STRING *value = at < 0 ? NULL : X509_EXTENSION_get_data(X509_get_ext(cert, at));
        struct sl_reader r = { 0 };
        if (value != NULL) {
            r = sl_reader_of(
                sl_slice_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)));
            (void)sl_der_next(&r);
        }
        if (value != NULL && !sl_reader_is_done(&r)) {
            return true;
        }
    }
    return false;
}

/* An address and a mask of the same length, in the manner of CIDR (RFC 5280 4.2.1.10). */
static bool is_prefix(const ASN1_OCTET_STRING *value)
{
    enum { IPV4_TREE = 8, IPV6_TREE = 32 }; /* bytes */
    const int len = ASN1_STRING_length(value);
    const uint8_t *bytes = ASN1_STRING_get0_data(value);
    bool is_over = false;
    if (len != IPV4_TREE && len != IPV6_TREE) {
        return false;
    }
    for (int bit = len / 2 * 8; bit < len * 8; bit++) {
        const bool is_set = (bytes[bit / 8] & 0x80 >> bit % 8) != 0;
        if (is_set && is_over) {
            return false;
        }
        is_over = !is_set;
    }
    return true;
}

static bool are_trees_sound(const STACK_OF(GENERAL_SUBTREE) * trees)
{
    for (int i = 0; i < sk_GENERAL_SUBTREE_num(trees); i++) {
        const GENERAL_NAME *base = sk_GENERAL_SUBTREE_value(trees, i)->base;
        int type = 0;
        const ASN1_STRING *value = GENERAL_NAME_get0_value(base, &type);
        if (type == GEN_IPADD && !is_prefix(value)) {
            return false;
        }
        /* it would match nothing, and so permit or exclude what nobody has meant */
        if (type == GEN_DNS &&
            memchr(ASN1_STRING_get0_data(value), '*', (size_t)ASN1_STRING_length(value)) != NULL) {
            return false;
        }
    }
    return true;
}

/* RFC 5280 4.2.1.10; it "MUST NOT" be an empty sequence. */
static bool are_constraints_malformed(const X509 *cert)
{
    if (!has_extension(cert, NID_name_constraints)) {
        return false;
    }
    NAME_CONSTRAINTS *constraints = X509_get_ext_d2i(cert, NID_name_constraints, NULL, NULL);
    const bool is_sound =
        constraints != NULL &&
        (constraints->permittedSubtrees != NULL || constraints->excludedSubtrees != NULL) &&
        are_trees_sound(constraints->permittedSubtrees) &&
        are_trees_sound(constraints->excludedSubtrees);
    NAME_CONSTRAINTS_free(constraints);
    return !is_sound;
}

static const char *flaw_of(X509 *cert, int depth, bool is_server)
{
    if (is_of_other_purpose(cert, is_server)) {
        return "unsuitable certificate purpose";
    }
    if (has_extension_twice(cert)) {
        return "an extension stands in it twice";
    }
    if (!is_serial_sound(cert)) {
        return "its serial number is not positive, or longer than 20 bytes";
    }
    if (is_policy_bound_lightly(cert)) {
        return "its policy constraints are not critical";
    }
    if (has_more_behind(cert)) {
        return "something stands behind the value of an extension";
    }
    if (are_constraints_malformed(cert)) {
        return "its name constraints are malformed";
    }
    if (depth == 0 && has_extension(cert, NID_name_constraints)) {
        return "it has name constraints and is not a CA's";
    }
    return NULL;
}

struct sl_tls_flaw sl_tls_chain_flaw(STACK_OF(X509) * chain, bool is_server)
{
    struct sl_tls_flaw flaw = { 0 };
    const int last = sk_X509_num(chain) - 1;
    for (; flaw.depth < last; flaw.depth++) {
        flaw.text = flaw_of(sk_X509_value(chain, flaw.depth), flaw.depth, is_server);
        if (flaw.text != NULL) {
            break;
        }
    }
    return flaw;
}
