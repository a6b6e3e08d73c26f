/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/rules.h"

static const struct sl_conf_string *name_of(const struct sl_conf_identity *identity,
                                            enum sl_peer_kind kind)
{
    const struct sl_conf_string *const names[SL_PEER_KINDS_COUNT] = {
        [SL_PEER_DNS] = &identity->dns,   [SL_PEER_EMAIL] = &identity->email,
        [SL_PEER_URI] = &identity->uri,   [SL_PEER_IP] = &identity->ip,
        [SL_PEER_CN] = &identity->cn,     [SL_PEER_OU] = &identity->ou,
        [SL_PEER_SPKI] = &identity->spki,
    };
    return names[kind];
}

static void patterns_check(struct sl_read *read, const struct sl_conf_identity *identity)
{
    for (unsigned i = 0; i < SL_PEER_KINDS_COUNT; i++) {
        const struct sl_conf_string *name = name_of(identity, (enum sl_peer_kind)i);
        struct sl_diag diag = { 0 };
        if (name->text != NULL &&
            sl_peer_pattern_check((enum sl_peer_kind)i, sl_slice_cstr(name->text), &diag) !=
                SL_OK) {
            sl_read_error(read, name->pos, "%s", diag.text);
        }
    }
}

void sl_rules_check(struct sl_read *read, const struct sl_conf_rule *rule,
                    const struct sl_yaml_node *node)
{
    const bool has_allow = rule->allow_pos.line != 0, has_deny = rule->deny_pos.line != 0;
    if (has_allow && has_deny) {
        sl_read_error(read, rule->deny_pos, "a rule is either 'allow' or 'deny': write two");
    }
    if (!has_allow && !has_deny && node->kind == SL_YAML_MAP && node->count == 0) {
        sl_read_error(read, node->pos, "a rule is empty: it has 'allow' or 'deny'");
    }
    patterns_check(read, &rule->allow);
    patterns_check(read, &rule->deny);
}

struct sl_peer_rule sl_rules_peer_rule(const struct sl_conf_rule *rule)
{
    struct sl_peer_rule made = { .is_allow = rule->allow_pos.line != 0 };
    const struct sl_conf_identity *identity = made.is_allow ? &rule->allow : &rule->deny;
    for (unsigned i = 0; i < SL_PEER_KINDS_COUNT; i++) {
        made.patterns[i] = name_of(identity, (enum sl_peer_kind)i)->text;
    }
    return made;
}
