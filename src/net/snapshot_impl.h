/* SPDX-License-Identifier: Apache-2.0 */
/** @file A snapshot while it is built, and what of it is TLS (net/snapshot_tls.c). For those two
 * files alone. */
#pragma once
#include "net/snapshot.h"

/* While it is built. Objects of TLS that are made here are referenced by what keeps them. */
struct sl_snapshot_builder {
    const struct sl_snapshot_source *source; /* the next one */
    struct sl_snapshot_source own_source;
    struct sl_findings *findings;
    struct sl_snapshot *snapshot;
    struct sl_tls_store *system_store; /* made at first use, once for all services */
    struct sl_tls_shelf *shelf;
    size_t built_count; /* services */
    enum sl_err result; /* sticky: what else is wrong is to be found as well */
};

/** What all upstreams of a service share. Owned. */
struct sl_trust {
    struct sl_tls_store *store;
    struct sl_tls_demands demands; /* its lists are owned as well */
    struct sl_tls_own *owns;       /* the snapshot's; the certificates are owned */
    size_t owns_count;
    struct sl_tls_psk *psk; /* the snapshot's */
};

/** SL_OK, SL_EINVAL, SL_ENOENT (a finding says why, or said it before), SL_ENOMEM; what is in
 * `trust` is the caller's to end in any case. */
SL_CHECKED enum sl_err sl_trust_load(struct sl_snapshot_builder *b,
                                     const struct sl_conf_service *conf, struct sl_trust *trust);
void sl_trust_fini(struct sl_trust *trust);

/** The context toward clients of a service that listens with TLS. Returns as sl_trust_load. */
SL_CHECKED enum sl_err sl_snapshot_server_ctx(struct sl_snapshot_builder *b,
                                              const struct sl_conf_service *conf,
                                              struct sl_tls_ctx **ret_ctx);

/** One toward an upstream; `is_resuming`: it keeps sessions. Returns as sl_trust_load. */
SL_CHECKED enum sl_err sl_snapshot_client_ctx(struct sl_snapshot_builder *b,
                                              const struct sl_conf_service *conf,
                                              const struct sl_conf_url *url,
                                              const struct sl_trust *trust, bool is_resuming,
                                              struct sl_tls_ctx **ret_ctx);
