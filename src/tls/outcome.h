/* SPDX-License-Identifier: Apache-2.0 */
/** @file What a handshake has come to. Inside tls/ only. */
#pragma once
#include "tls/session_impl.h"

/**
 * Reads out all that is ever asked of a finished handshake, so that the SSL object need not be
 * asked again, and keeps a session that libssl does not hand over by itself.
 * @return SL_OK (`is_done`), SL_ETLS (diag: the upstream chose what was not offered), SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_tls_outcome_read(struct sl_tls *tls);
