/* SPDX-License-Identifier: Apache-2.0 */
#include "contexts.h"
#include "die.h"
#include "pattern.h"
#include <string.h>

static SSL_CTX *make_context(const struct bench_tls_options *options, const SSL_METHOD *method)
{
    SSL_CTX *context = SSL_CTX_new(method);
    char group[] = "X25519"; /* the macro takes no const */
    bench_need(context != NULL && SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
                   SSL_CTX_set_ciphersuites(context, options->suite) == 1 &&
                   SSL_CTX_set1_groups_list(context, group) == 1,
               "a TLS context");
    (void)SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                        SSL_MODE_RELEASE_BUFFERS);
    if (options->is_bulk) {
        SSL_CTX_set_read_ahead(context, 1);
        SSL_CTX_set_default_read_buffer_len(context, BENCH_PIECE_BYTES);
    }
    return context;
}

SSL_CTX *bench_client_context(const struct bench_tls_options *options)
{
    SSL_CTX *context = make_context(options, TLS_client_method());
    if (options->ca_file != NULL) {
        bench_need(SSL_CTX_load_verify_file(context, options->ca_file) == 1, options->ca_file);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    }
    return context;
}

SSL_CTX *bench_server_context(const struct bench_tls_options *options)
{
    SSL_CTX *context = make_context(options, TLS_server_method());
    bench_need(SSL_CTX_use_certificate_chain_file(context, options->cert_file) == 1 &&
                   SSL_CTX_use_PrivateKey_file(context, options->key_file, SSL_FILETYPE_PEM) == 1 &&
                   SSL_CTX_set_num_tickets(context, options->want_tickets ? 1 : 0) == 1,
               options->cert_file);
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (!options->want_tickets) {
        (void)SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    }
    return context;
}

const char *bench_suite_cipher(const char *suite)
{
    if (strcmp(suite, "TLS_AES_128_GCM_SHA256") == 0) {
        return "AES-128-GCM";
    }
    if (strcmp(suite, "TLS_AES_256_GCM_SHA384") == 0) {
        return "AES-256-GCM";
    }
    bench_die("there is no suite '%s' here", suite);
}
