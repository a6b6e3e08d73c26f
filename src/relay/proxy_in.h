/* SPDX-License-Identifier: Apache-2.0 */
/** @file The PROXY header that a connection begins with, where the plan asks for one. */
#pragma once
#include "base/prefix.h"
#include "codec/proxy.h"

struct sl_conn;

/** Who must send a header. */
struct sl_proxy_in_plan {
    const struct sl_prefix *from; /* as sl_prefixes_sort leaves it */
    size_t from_count;            /* 0: nobody */
    struct sl_proxy_types pass;   /* what is kept of it, for the header to the upstream */
};

/** The begin of a header whose rest has not come; in the connection's arena. */
struct sl_proxy_part {
    size_t len, cap; /* bytes */
    uint8_t bytes[];
};

/** What a header told. One block of memory of the connection's. */
struct sl_conn_proxy {
    struct sl_addr via;         /* the peer's own address; len 0: it is the client's */
    struct sl_addr destination; /* len 0: it did not say */
    size_t tlvs_len;            /* bytes */
    uint8_t tlvs[];             /* of the types that are passed on */
};

/** Whether a connection from this peer must begin with a header, which may tell another address. */
bool sl_proxy_in_is_wanted(const struct sl_proxy_in_plan *plan, const struct sl_addr *peer);

/**
 * The stage: reads the header and nothing behind it. The client's address becomes the header's.
 * @return SL_OK, SL_AGAIN; else the connection has ended
 */
SL_CHECKED enum sl_err sl_conn_proxy_in(struct sl_conn *conn);
