/* SPDX-License-Identifier: Apache-2.0 */
/** @file TLS 1.3's key derivation and HMAC by the shortest way: a provider of OpenSSL's that
 * computes both over OpenSSL's own digests, without looking anything up in between. libssl asks for
 * each about twenty times a handshake.
 *
 * No cryptography is new here: HMAC (RFC 2104) and HKDF-Expand-Label (RFC 8446 7.1) are calls of a
 * digest. What is not the plain case of a handshake is passed on to OpenSSL's own implementation.
 */
#pragma once
#include "base/err.h"
#include <stdbool.h>

/**
 * Takes the provider into use, or out of it; what has been begun goes on as it began. Behind
 * sl_tls_library_init; for a process of one thread, since what it computes with is shared.
 * @param ret_is_used  false also where a FIPS provider is active, for what is then to be used is
 *                     that one's; nothing is changed there. May be NULL
 * @return SL_OK, SL_ETLS (nothing is changed)
 */
SL_CHECKED enum sl_err sl_tls_fast_use(bool is_wanted, bool *ret_is_used);

/**
 * Whether sessions that are made from now on leave libssl when their handshake is over
 * (tls/established.h). That needs the traffic secrets, which only the provider of this file gives:
 * where it is not used, all stays with libssl. SL_OK, SL_ETLS, SL_ENOMEM.
 */
SL_CHECKED enum sl_err sl_tls_fast_records(bool is_wanted);
