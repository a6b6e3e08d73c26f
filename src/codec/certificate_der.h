/* SPDX-License-Identifier: Apache-2.0 */
/** @file What a server has to know of its own certificates, read without building anything: names,
 * dates, key (RFC 5280 4.1). A hundred times faster than libcrypto, which verifies; this does not.
 */
#pragma once
#include "codec/ec_key.h"

/** Views into the certificate. */
struct sl_certificate_der {
    struct sl_slice whole;               /* without what stands behind the certificate */
    struct sl_slice spki;                /* the SubjectPublicKeyInfo, whole */
    struct sl_slice key_algorithm;       /* of it, the AlgorithmIdentifier's contents */
    struct sl_slice signature_algorithm; /* its contents */
    struct sl_slice names;               /* the GeneralNames of subjectAltName; empty for none */
    int64_t not_before_s, not_after_s;   /* Unix time */
    bool is_must_staple;                 /* it demands a stapled OCSP response (RFC 7633) */
};

/**
 * @return SL_OK, SL_EINVAL (not a version 3 certificate in DER, or one with something rare in it:
 *         libcrypto may still read it)
 */
SL_CHECKED enum sl_err sl_certificate_der_parse(struct sl_slice in,
                                                struct sl_certificate_der *ret_certificate);

/** Takes the next dNSName off the front of `names`. SL_OK, SL_EOF. */
SL_CHECKED enum sl_err sl_certificate_der_name(struct sl_slice *names, struct sl_slice *ret_name);

/** True when the key is on P-256, P-384 or P-521 as a named curve, its point not compressed. */
bool sl_certificate_der_is_ecdsa(const struct sl_certificate_der *certificate,
                                 enum sl_ec_curve *ret_curve);
