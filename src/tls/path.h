/* SPDX-License-Identifier: Apache-2.0 */
/** @file The other paths that lead from a peer's certificate to one that is trusted, when the first
 * was not good: libcrypto builds one and does not come back (RFC 4158 2.4). Inside tls/ only. */
#pragma once
#include <openssl/x509.h>
#include <stdbool.h>

enum {
    SL_TLS_PATHS_MAX = 16,       /* that are judged */
    SL_TLS_PATH_STEPS_MAX = 256, /* of the search for them */
    SL_TLS_PATH_LINKS_MAX = 16,  /* intermediates of one */
};

/** Embedded in who judges the paths. */
struct sl_tls_path_judge {
    /** Whether the path is good: `links` lead from the peer's certificate, the first above it, to
     * `anchor`. Both are the caller's. */
    bool (*is_good)(struct sl_tls_path_judge *judge, STACK_OF(X509) * links, X509 *anchor);
};

/**
 * Shows the judge one path after the other, of the certificates that the peer sent and the trusted
 * ones, until one is good. The path that `verify` has built is left out, and so are certificates
 * that are no CA's or outside their dates.
 * @return true when one was good
 */
bool sl_tls_paths_try(X509_STORE_CTX *verify, struct sl_tls_path_judge *judge);
