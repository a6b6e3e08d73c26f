/* SPDX-License-Identifier: Apache-2.0 */
/** @file Why a connection ended: a closed list, one word each. */
#pragma once
#include "base/logline.h"

enum sl_reason {
    SL_REASON_DONE,
    SL_REASON_CLIENT_RESET,
    SL_REASON_UPSTREAM_RESET,
    SL_REASON_TRUNCATED,
    SL_REASON_TLS_ERROR,
    SL_REASON_IDLE_TIMEOUT,
    SL_REASON_HALF_CLOSE_TIMEOUT,
    SL_REASON_SESSION_TIMEOUT,
    SL_REASON_ADDRESS_DENIED,
    SL_REASON_RATE_LIMIT,
    SL_REASON_CONNECTIONS_LIMIT,
    SL_REASON_HANDSHAKES_LIMIT,
    SL_REASON_MEMORY_LIMIT,
    SL_REASON_CLIENT_CLOSED,
    SL_REASON_PROXY_HEADER_TIMEOUT,
    SL_REASON_PROXY_HEADER_MISSING,
    SL_REASON_PROXY_HEADER_INVALID,
    SL_REASON_HANDSHAKE_TIMEOUT,
    SL_REASON_HANDSHAKE_FAILED,
    SL_REASON_NOT_TLS,
    SL_REASON_CLIENT_HELLO_TOO_LARGE,
    SL_REASON_UNRECOGNIZED_NAME,
    SL_REASON_NO_ROUTE,
    SL_REASON_NO_APPLICATION_PROTOCOL,
    SL_REASON_CLIENT_UNVERIFIED,
    SL_REASON_CLIENT_DENIED,
    SL_REASON_UPSTREAM_REFUSED,
    SL_REASON_UPSTREAM_UNREACHABLE,
    SL_REASON_UPSTREAM_UNRESOLVED,
    SL_REASON_CONNECT_TIMEOUT,
    SL_REASON_UPSTREAM_CLOSED,
    SL_REASON_UPSTREAM_HANDSHAKE_TIMEOUT,
    SL_REASON_UPSTREAM_HANDSHAKE_FAILED,
    SL_REASON_UPSTREAM_NOT_TLS,
    SL_REASON_UPSTREAM_UNVERIFIED,
    SL_REASON_KEYS_TIMEOUT,
    SL_REASON_KEYS_OVERLOAD,
    SL_REASON_KEYS_FAILED,
    SL_REASON_NO_MEMORY,
    SL_REASON_NO_DESCRIPTORS,
    SL_REASON_SHUTDOWN,
    SL_REASON_INTERNAL,
    SL_REASON_COUNT
};

/** What is written down of a reason. All static. */
struct sl_reason_row {
    const char *word;
    enum sl_log_level level; /* a client's mistake is no error of ours */
    const char *text;        /* one sentence for the documents */
};

const struct sl_reason_row *sl_reason_row(enum sl_reason reason);

/** The level to log it at: broken TLS of an upstream's is a warning, as its other mistakes are. */
enum sl_log_level sl_reason_level(enum sl_reason reason, bool is_upstream);
