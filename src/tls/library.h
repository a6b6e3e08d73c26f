/* SPDX-License-Identifier: Apache-2.0 */
/** @file The TLS library as a whole. */
#pragma once
#include "base/diag.h"
#include "base/slice.h"

/** Once per process, before anything else of tls/. Does not read openssl.cnf. SL_OK or SL_ETLS. */
SL_CHECKED enum sl_err sl_tls_library_init(void);

/** "OpenSSL 3.0.22 25 Aug 2026": what it was built with, and what runs. */
const char *sl_tls_library_built(void);
const char *sl_tls_library_running(void);

/** What this library lacks that policies ask for, comma-separated ("X25519MLKEM768"), and
 * "guarded-stacks" where it takes none (tls/key_stack.h); "" for nothing. */
SL_CHECKED enum sl_err sl_tls_library_lacks(struct sl_wbuf *out);
