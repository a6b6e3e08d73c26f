/* SPDX-License-Identifier: Apache-2.0 */
/** @file The stages that a connection walks. Their names are what logs and metrics show. */
#pragma once
#include "base/def.h"
#include "relay/reason.h"

enum sl_stage {
    SL_STAGE_PROXY_IN,           /* a PROXY header is awaited */
    SL_STAGE_PEEK,               /* the client's ClientHello is looked at */
    SL_STAGE_HANDSHAKE,          /* TLS toward the client */
    SL_STAGE_CONNECT,            /* an address of an upstream is being connected */
    SL_STAGE_PROXY_OUT,          /* the PROXY header goes to the upstream */
    SL_STAGE_UPSTREAM_HANDSHAKE, /* TLS toward the upstream */
    SL_STAGE_RELAY,              /* two flows */
    SL_STAGE_LINGER,             /* the last words go out; what comes in is thrown away */
    SL_STAGE_CLOSED,
    SL_STAGE_COUNT
};

/** "handshake", "connect", … */
const char *sl_stage_name(enum sl_stage stage);
