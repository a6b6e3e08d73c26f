/* SPDX-License-Identifier: Apache-2.0 */
/** @file Which of a service's certificates a client gets. Inside tls/ only. */
#pragma once
#include "codec/client_hello.h"
#include "tls/certificate_impl.h"

struct sl_tls_select_name;

/** Zeroed is valid to _fini. */
struct sl_tls_select {
    struct sl_tls_cert **certs; /* [0] is the default */
    size_t certs_count;
    struct sl_tls_select_name *names; /* sorted by name, then as configured */
    size_t names_count;
};

/** References the certificates and builds the index of their names once. SL_OK, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_tls_select_init(struct sl_tls_select *select,
                                          struct sl_tls_cert *const *certs, size_t certs_count);
void sl_tls_select_fini(struct sl_tls_select *select);

/**
 * Exact name, then wildcard in place of the first label (RFC 6125 6.4.3), then the default and
 * what shares its name; among equals ECDSA when the client's signatures allow it, else RSA.
 * @param server_name  empty: the client named nothing
 */
const struct sl_tls_cert *sl_tls_select_find(const struct sl_tls_select *select,
                                             struct sl_slice server_name,
                                             const struct sl_hello_signatures *kinds);
