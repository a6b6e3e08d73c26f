/* SPDX-License-Identifier: Apache-2.0 */
/** @file The demo's texts: its configuration, and what it prints. Pure. */
#pragma once
#include "base/slice.h"

struct sl_demo_config {
    const char *ca_path, *chain_path, *key_path;
    uint16_t port;      /* of the TLS listeners */
    bool has_ipv6;      /* one on [::1] as well */
    uint16_t page_port; /* of the page, on 127.0.0.1 */
};

/** Appends the configuration in YAML. SL_OK, SL_ENOSPC. */
SL_CHECKED enum sl_err sl_demo_config_yaml(const struct sl_demo_config *config,
                                           struct sl_wbuf *out);

/** Appends how to reach the demo and how to stop it. SL_OK, SL_ENOSPC. */
SL_CHECKED enum sl_err sl_demo_config_usage(const struct sl_demo_config *config,
                                            struct sl_wbuf *out);
