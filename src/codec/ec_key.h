/* SPDX-License-Identifier: Apache-2.0 */
/** @file Keys on NIST's curves in DER: the public half (RFC 5480) and private keys (RFC 5915, RFC
 * 5208), in the forms that nearly all files have. Pure; the results are views.
 */
#pragma once
#include "codec/der.h"

enum sl_ec_curve { SL_EC_P256, SL_EC_P384, SL_EC_P521, SL_EC_CURVE_COUNT };

enum { SL_EC_POINT_MAX = 133 };                   /* bytes of a point, not compressed */
enum { SL_EC_SCALAR_MAX = 66 };                   /* bytes of a private number */
enum { SL_EC_PUBLIC_MAX = SL_EC_POINT_MAX + 32 }; /* bytes of a SubjectPublicKeyInfo */

/** "P-256", …: as libcrypto takes it. */
const char *sl_ec_curve_name(enum sl_ec_curve curve);

struct sl_ec_key {
    enum sl_ec_curve curve;
    struct sl_slice scalar; /* as long as the curve's order */
    struct sl_slice point;  /* not compressed */
};

/**
 * Reads a PrivateKeyInfo (`is_pkcs8`) or an ECPrivateKey.
 * @return SL_OK, SL_EINVAL (of another kind or form: libcrypto may still read it)
 */
SL_CHECKED enum sl_err sl_ec_key_parse(struct sl_slice der, bool is_pkcs8,
                                       struct sl_ec_key *ret_key);

/** Reads a SubjectPublicKeyInfo. SL_OK, SL_EINVAL as above. */
SL_CHECKED enum sl_err sl_ec_public_parse(struct sl_slice der, enum sl_ec_curve *ret_curve,
                                          struct sl_slice *ret_point);

/** Appends the SubjectPublicKeyInfo of a point of that curve's length. SL_OK, SL_ENOSPC. */
SL_CHECKED enum sl_err sl_ec_public_emit(enum sl_ec_curve curve, struct sl_slice point,
                                         struct sl_wbuf *out);
