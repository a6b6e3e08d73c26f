/* SPDX-License-Identifier: Apache-2.0 */
/** @file The PROXY header that an upstream gets before everything else, and a connection's id. */
#pragma once
#include "codec/proxy.h"

struct sl_conn;

struct sl_proxy_out_plan {
    enum sl_proxy_version version;
    struct sl_proxy_types told; /* TLVs of our own, in version 2 */
};

enum { SL_CONN_ID_MAX = 2 * SL_PROXY_UNIQUE_ID_MAX + 1 }; /* bytes of its text, NUL included */

/** The id of the connection, which no other has: the header's that came in where its unique_id is
 * passed on, as hexadecimal digits when that is not printable ASCII; else one of our own. */
void sl_conn_id_text(const struct sl_conn *conn, char ret_text[static SL_CONN_ID_MAX]);

/**
 * Writes the header to the upstream.
 * @return SL_OK (all of it is written or pending), SL_ERANGE (what came in to be passed on has no
 * room in it), SL_EINVAL or SL_ENOSPC (a mistake of our own), else as sl_ep_write: the upstream is
 * gone
 */
SL_CHECKED enum sl_err sl_conn_proxy_out(struct sl_conn *conn);
