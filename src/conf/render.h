/* SPDX-License-Identifier: Apache-2.0 */
/** @file What can be printed from the schema table alone. */
#pragma once
#include "base/slice.h"

enum { SL_CONF_RENDER_MAX = 64 * 1024 }; /* bytes that are enough for either */

/** The configuration with every option at its default, as YAML with the options' texts as comments;
 *  what it prints parses without an error. SL_OK or SL_ENOSPC. */
SL_CHECKED enum sl_err sl_conf_render_defaults(struct sl_wbuf *out);

/** docs/configuration.md: each option with type, unit, range, default and text; then the policies.
 */
SL_CHECKED enum sl_err sl_conf_render_markdown(struct sl_wbuf *out);

/** The manual page sluice.yaml(5): the options as in docs/configuration.md. */
SL_CHECKED enum sl_err sl_conf_render_man(struct sl_wbuf *out);
