/* SPDX-License-Identifier: Apache-2.0 */
/** @file What well-known clients offer in their ClientHello, as data: to say before they come what
 * they will get. */
#pragma once
#include "conf/policy.h"

/** One client. The lists of `offer` are in the client's order. */
struct sl_client {
    struct sl_policy offer; /* its name, versions, suites, ciphers, groups, signatures */
    const char *text;       /* what it is, and of when */
    const char *alpn;       /* comma-separated; NULL: it offers none */
    bool has_sni;
};

/** All of them, the newest of a kind before the older ones; ended by one without a text. */
const struct sl_client *sl_client_all(void);

/** By its name, or by its beginning up to a '-', which is the newest of the kind: "firefox". NULL
 * for none. */
const struct sl_client *sl_client_find(struct sl_slice name);
