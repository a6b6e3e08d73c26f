/* SPDX-License-Identifier: Apache-2.0 */
/** @file Rules on the names in clients' certificates, and pins: what the schema cannot say of them.
 */
#pragma once
#include "codec/peer_rule.h"
#include "conf/read.h"

/** Reports a rule that is not allow or deny, or has a pattern that is none. */
void sl_rules_check(struct sl_read *read, const struct sl_conf_rule *rule,
                    const struct sl_yaml_node *node);

/** The rule as codec/peer_rule has it; views of `rule`. */
struct sl_peer_rule sl_rules_peer_rule(const struct sl_conf_rule *rule);
