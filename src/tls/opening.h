/* SPDX-License-Identifier: Apache-2.0 */
/** @file What stands in front of libssl: the first bytes of a peer, and alerts that it cannot send.
 * Inside tls/ only. */
#pragma once
#include "tls/session_impl.h"

/** Appends a fatal alert in the clear. SL_OK, SL_ENOSPC. */
SL_CHECKED enum sl_err sl_tls_alert_put(struct sl_wbuf *out, uint8_t alert);

/**
 * Takes single bytes off `in` until they say what the peer speaks; libssl gets them first.
 * @return SL_OK (TLS), SL_AGAIN (more wanted), SL_EPROTO (something else: diag, an alert is in
 * `out`; for a client's HTTP request a response that says so), SL_ENOSPC
 */
SL_CHECKED enum sl_err sl_tls_opening_read(struct sl_tls *tls, struct sl_slice *in,
                                           struct sl_wbuf *out, struct sl_diag *diag);

/**
 * libssl cannot be told to send access_denied. Up to TLS 1.2 nothing is encrypted yet when a client
 * shows its certificate, so that the alert at the end of `out` can be named rightly in place.
 */
void sl_tls_denial_name(struct sl_wbuf *out);
