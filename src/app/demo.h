/* SPDX-License-Identifier: Apache-2.0 */
/** @file `sluice demo`: TLS taken off before a small page, with a CA of its own. */
#pragma once
#include "app/cli.h"

/** Runs it, and with --once tries it. Gives the exit status. */
int sl_demo(const struct sl_cli *cli);
