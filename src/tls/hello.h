/* SPDX-License-Identifier: Apache-2.0 */
/** @file libssl's callbacks of a server's handshake. Inside tls/ only. */
#pragma once
#include <openssl/ssl.h>

/** Sets the ClientHello, server_name and ALPN callbacks. */
void sl_tls_hello_install(SSL_CTX *ctx);
