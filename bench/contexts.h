/* SPDX-License-Identifier: Apache-2.0 */
/** @file The TLS settings of the benchmark's own ends: TLS 1.3, X25519, and one cipher suite. */
#pragma once
#include "base/def.h"
#include <openssl/ssl.h>
#include <stdbool.h>

/** What all programs know of TLS; NULL is "not given". */
struct bench_tls_options {
    const char *suite; /* "TLS_AES_128_GCM_SHA256" */
    const char *ca_file, *cert_file, *key_file;
    bool want_tickets; /* server: one ticket for each connection; else none */
    bool is_bulk;      /* large reads */
};

/** A client that verifies with `ca_file`. */
SSL_CTX *bench_client_context(const struct bench_tls_options *options);

/** A server with `cert_file` and `key_file`. */
SSL_CTX *bench_server_context(const struct bench_tls_options *options);

/** The name of the EVP cipher of the suite, "AES-128-GCM" and the like. */
const char *bench_suite_cipher(const char *suite);
