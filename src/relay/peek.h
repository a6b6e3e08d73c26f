/* SPDX-License-Identifier: Apache-2.0 */
/** @file The first look at a client's bytes, of a service whose connections go by routes. Nothing
 * is answered before it is over, and nothing of the bytes is lost. */
#pragma once
#include "codec/hello_scan.h"
#include "relay/pending.h"

struct sl_conn;
struct sl_conn_way;

/** Zeroed is the begin. */
struct sl_peek {
    struct sl_pending bytes; /* all that has come */
    struct sl_hello_scan scan;
};

/** What the client asked for, where no session of TLS knows it. */
struct sl_asked {
    const char *server_name; /* "" for none */
    const char *alpn;        /* what it offered, between commas; "" for none */
    char text[];             /* both */
};

/** The protocol that a client gets which goes that way; NULL: what its context says.
 * @param offered  as sl_hello_alpn gives it */
const char *sl_conn_way_protocol(const struct sl_conn_way *way, struct sl_slice offered);

/**
 * A step of SL_STAGE_PEEK.
 * @return SL_OK     `conn->way` is known; or the client does not speak TLS as it should, and the
 *                   handshake of its side is there to say so: then `conn->way` is NULL
 *         SL_AGAIN  more wanted
 *         else the connection has ended
 */
SL_CHECKED enum sl_err sl_conn_peek(struct sl_conn *conn);
