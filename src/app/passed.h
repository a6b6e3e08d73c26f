/* SPDX-License-Identifier: Apache-2.0 */
/** @file Sockets of a service manager instead of our own. */
#pragma once
#include "app/listen.h"

/**
 * Gives each socket that was passed to the listen URL that it is for: of the service that it is
 * named after, or of any when nobody chose a name for it (none, "unknown", or that of a unit,
 * "x.socket"), the URL with its address; port 0 stands for all. `listens` has no sockets yet.
 * @return SL_OK, SL_EINVAL (one is for no URL, or is not what the URL wants: `diag`)
 */
SL_CHECKED enum sl_err sl_passed_assign(const struct sl_conf *conf, struct sl_activated *activated,
                                        struct sl_listens *listens, struct sl_diag *diag);
