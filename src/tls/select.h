/* SPDX-License-Identifier: Apache-2.0 */
/** @file Which of a service's certificates a client gets. Inside tls/ only. */
#pragma once
#include "codec/client_hello.h"
#include "tls/certificate_impl.h"
#include "tls/shelf.h"

/** Zeroed is valid to _fini. Certificates go by numbers. */
struct sl_tls_select {
    struct sl_tls_cert **certs; /* a few that are at hand, by their place; NULL: `shelf` */
    size_t certs_count;
    struct sl_tls_shelf *shelf;
    uint32_t service;            /* its number on the shelf */
    struct sl_shelf_entry entry; /* views into the shelf's bundle */
};

/** References the certificates, of which the first is the default. SL_OK, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_tls_select_init(struct sl_tls_select *select,
                                          struct sl_tls_cert *const *certs, size_t certs_count);

/** References the shelf. SL_OK, SL_ENOENT (it has nothing for that service), SL_EINVAL. */
SL_CHECKED enum sl_err sl_tls_select_init_shelf(struct sl_tls_select *select,
                                                struct sl_tls_shelf *shelf, uint32_t service);
void sl_tls_select_fini(struct sl_tls_select *select);

/** The number of the default. */
uint32_t sl_tls_select_first(const struct sl_tls_select *select);

/** True when there is nothing to choose. */
bool sl_tls_select_is_one(const struct sl_tls_select *select);

/** True when one of them is for that name, by the rules of sl_tls_select_find. */
bool sl_tls_select_has(const struct sl_tls_select *select, struct sl_slice server_name);

/**
 * Exact name, then wildcard in place of the first label (RFC 9525 6.3), then the default and
 * what shares its name; among equals ECDSA when the client's signatures allow it on that curve,
 * else RSA.
 * @param server_name  without its trailing dot; empty: the client named nothing
 */
uint32_t sl_tls_select_find(const struct sl_tls_select *select, struct sl_slice server_name,
                            const struct sl_hello_signatures *kinds);

/** The certificate of that number; the caller unrefs it. SL_OK, and as sl_tls_shelf_get. */
SL_CHECKED enum sl_err sl_tls_select_get(const struct sl_tls_select *select, uint32_t number,
                                         struct sl_tls_cert **ret_cert);
