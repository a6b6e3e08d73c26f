/* SPDX-License-Identifier: Apache-2.0 */
/** @file Chains of certificates: what libcrypto leaves to do before it verifies one and after it.
 * Inside tls/ only. */
#pragma once
#include <openssl/x509.h>
#include <stdbool.h>

/**
 * Of the certificates that a peer sent, those from which a path leads up to one that is trusted:
 * libcrypto follows the first issuer that it finds, and does not come back from one that leads
 * nowhere (RFC 4158 2.4). Of more than 64 the first are looked at. All of them when there is no
 * such path.
 * @return a stack without references of its own (sk_X509_free); NULL without memory
 */
STACK_OF(X509) * sl_tls_chain_useful(X509_STORE_CTX *verify);

/** A mistake in a chain. */
struct sl_tls_flaw {
    const char *text; /* NULL for none */
    int depth;        /* of the certificate, the peer's at 0 */
};

/**
 * What RFC 5280 forbids and libcrypto lets pass in a chain that it has verified; the trusted
 * certificate at its end is what it is.
 * @param is_server  the peer is one
 */
struct sl_tls_flaw sl_tls_chain_flaw(STACK_OF(X509) * chain, bool is_server);
