/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/stage.h"

static const char *const NAMES[SL_STAGE_COUNT] = {
    [SL_STAGE_PROXY_IN] = "proxy_in",   [SL_STAGE_PEEK] = "peek",
    [SL_STAGE_HANDSHAKE] = "handshake", [SL_STAGE_CONNECT] = "connect",
    [SL_STAGE_PROXY_OUT] = "proxy_out", [SL_STAGE_UPSTREAM_HANDSHAKE] = "upstream_handshake",
    [SL_STAGE_RELAY] = "relay",         [SL_STAGE_LINGER] = "linger",
    [SL_STAGE_CLOSED] = "closed",
};

const char *sl_stage_name(enum sl_stage stage)
{
    return (unsigned)stage < SL_STAGE_COUNT ? NAMES[stage] : "?";
}
