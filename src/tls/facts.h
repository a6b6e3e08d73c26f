/* SPDX-License-Identifier: Apache-2.0 */
/** @file Facts of a handshake that only somebody who asked wants, read out at its end. Inside tls/
 * only, but for sl_tls_facts_drop. */
#pragma once
#include "tls/session_impl.h"

/**
 * Reads them, when the context has them wanted, of a server's finished handshake.
 * @return SL_OK, SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_tls_facts_read(struct sl_tls *tls);

/** As struct sl_tls_info has them; empty when they were not read. */
struct sl_tls_facts sl_tls_facts_of(const struct sl_tls *tls);
