/* SPDX-License-Identifier: Apache-2.0 */
/** @file From the raw numbers of a PKCS#11 token to the DER that TLS wants, and back (X.690). Pure.
 *
 * All append to `out` and return SL_OK, SL_ENOSPC, or SL_EINVAL when what is given is not as said.
 */
#pragma once
#include "base/slice.h"

/** An ECDSA signature of r and s, equally long and back to back, as Ecdsa-Sig-Value (RFC 3279
 * 2.2.3). */
SL_CHECKED enum sl_err sl_key_der_ecdsa(struct sl_slice rs, struct sl_wbuf *out);

/** A digest as DigestInfo (RFC 8017 9.2), told by its length: SHA-1, SHA-224, -256, -384, -512; the
 * 36 bytes of MD5 and SHA-1 stay bare (RFC 4346 7.4.3). */
SL_CHECKED enum sl_err sl_key_der_digest_info(struct sl_slice digest, struct sl_wbuf *out);

/**
 * A public key on a curve as SubjectPublicKeyInfo (RFC 5480 2).
 * @param params  CKA_EC_PARAMS: the DER of the curve's OID
 * @param point   CKA_EC_POINT: the point in a DER OCTET STRING, or bare, as some tokens have it
 */
SL_CHECKED enum sl_err sl_key_der_ec_public(struct sl_slice params, struct sl_slice point,
                                            struct sl_wbuf *out);

/** As sl_key_der_ec_public, of Ed25519 (RFC 8410 4). */
SL_CHECKED enum sl_err sl_key_der_ed25519_public(struct sl_slice point, struct sl_wbuf *out);

/** An RSA key of its unsigned numbers as SubjectPublicKeyInfo (RFC 3279 2.3.1). */
SL_CHECKED enum sl_err sl_key_der_rsa_public(struct sl_slice modulus, struct sl_slice exponent,
                                             struct sl_wbuf *out);

/** Whether a SubjectPublicKeyInfo is of RSA. */
bool sl_key_der_is_rsa(struct sl_slice public_der);

/** Bytes of the order of a curve by its CKA_EC_PARAMS, to which a longer digest is cut before it is
 * signed (FIPS 186-4 6.4); 0 for a curve that is not known. */
size_t sl_key_der_order_bytes(struct sl_slice params);
