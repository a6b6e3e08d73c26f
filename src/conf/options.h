/* SPDX-License-Identifier: Apache-2.0 */
/** @file The rows of the schema's table, in files by what they are about; conf/schema.c alone reads
 *  them. A row goes to the file that has its section, among those of its section. */
#pragma once
#include "conf/schema.h"

/* The field of a struct, with its width. */
#define SL_OPTION_AT(type, field) .at = offsetof(type, field), .width = sizeof(((type *)0)->field)

#define SL_OPTION_KIB        UINT64_C(1024)
#define SL_OPTION_MIB        (1024 * SL_OPTION_KIB)
#define SL_OPTION_SECOND_MS  UINT64_C(1000)
#define SL_OPTION_MINUTE_MS  (60 * SL_OPTION_SECOND_MS)
#define SL_OPTION_DAY_MS     (24 * 60 * SL_OPTION_MINUTE_MS)
#define SL_OPTION_DEPTH_MAX  64
#define SL_OPTION_PATH_BYTES 4095 /* PATH_MAX without the NUL */

/** The options of some sections, grouped by section. */
struct sl_option_table {
    const struct sl_schema_option *rows;
    size_t count;
};

extern const struct sl_option_table sl_options_balance;
extern const struct sl_option_table sl_options_limits;
extern const struct sl_option_table sl_options_dns;
extern const struct sl_option_table sl_options_log;
extern const struct sl_option_table sl_options_policy;
extern const struct sl_option_table sl_options_process;
extern const struct sl_option_table sl_options_proxy;
extern const struct sl_option_table sl_options_routes;
extern const struct sl_option_table sl_options_service;
extern const struct sl_option_table sl_options_sides;
extern const struct sl_option_table sl_options_trust;
