/* SPDX-License-Identifier: Apache-2.0 */
/** @file URLs, host names and paths of the configuration: from a node to a field. */
#pragma once
#include "conf/read.h"

/** `prefix` and `path`, the folder between them when the path is relative; NULL without memory. */
const char *sl_read_path(struct sl_read *read, struct sl_slice prefix, struct sl_slice path);

/** Whether the text of `node` is a DNS name or an IP literal; else an error is added. */
bool sl_read_host_check(struct sl_read *read, const struct sl_schema_option *option,
                        const struct sl_yaml_node *node);

/**
 * Reads one URL or a list of them into `field`, an array of struct sl_conf_url, and its count.
 * URLs with mistakes are reported and left out.
 * @return false when there is no memory
 */
bool sl_read_urls(struct sl_read *read, const struct sl_schema_option *option,
                  const struct sl_yaml_node *node, void *field);

/** Reads the URL of struct sl_conf_url whose field `url` stands at `field`; what else it tells
 * stays. False when it has a mistake, which was reported then. */
bool sl_read_connect(struct sl_read *read, const struct sl_schema_option *option,
                     const struct sl_yaml_node *node, void *field);

/** As sl_read_urls, of IP literals: an array of struct sl_conf_addr. */
bool sl_read_addresses(struct sl_read *read, const struct sl_schema_option *option,
                       const struct sl_yaml_node *node, void *field);
