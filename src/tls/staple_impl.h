/* SPDX-License-Identifier: Apache-2.0 */
/** @file How a stapled response gets to a client. Inside tls/ only. */
#pragma once
#include <openssl/ssl.h>

/** Lets clients that ask (status_request) have the response for the certificate that they get, as
 * long as it is not stale. */
void sl_tls_staple_install(SSL_CTX *ctx);
