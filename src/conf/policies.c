/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/policies.h"
#include "conf/text.h"
#include <string.h>

enum { TLS_1_3 = 0x0304 }; /* on the wire (RFC 8446 4.2.1) */

static const char DEFAULT_PARENT[] = "intermediate";

/* While policies are built from those that they extend. */
struct builder {
    struct sl_read *read;
    const struct sl_conf_policy *confs;
    size_t count;
    struct sl_policy *policies;
    enum { UNBUILT, BUILDING, BUILT } * states;
};

const struct sl_policy *sl_policies_find(const struct sl_read *read, struct sl_slice name)
{
    for (size_t i = 0; i < read->policies_count; i++) {
        if (sl_slice_eq(name, sl_slice_cstr(read->policies[i].name))) {
            return &read->policies[i];
        }
    }
    return sl_policy_find(name);
}

/* A colon parts names in OpenSSL's lists, and a sign in front has a meaning of its own there. */
static bool is_algorithm(const char *name)
{
    bool is_first = true;
    for (const char *at = name; *at != '\0'; at++, is_first = false) {
        bool is_word =
            (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9');
        if (!is_word && (is_first || strchr("-_+.", *at) == NULL)) {
            return false;
        }
    }
    return !is_first;
}

/* The names of a list with colons between them; what the parent has when none is set. */
static const char *list_join(struct sl_read *read, const struct sl_conf_string *names, size_t count,
                             const char *inherited)
{
    if (count == 0) {
        return inherited;
    }
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += strlen(names[i].text) + 1;
        if (!is_algorithm(names[i].text)) {
            sl_read_error(read, names[i].pos, "'%s' is no name of an algorithm",
                          sl_text_shown(sl_slice_cstr(names[i].text)).text);
            return inherited;
        }
    }
    char *joined = sl_read_alloc(read, size, 1);
    if (joined == NULL) {
        return inherited;
    }
    struct sl_wbuf out = sl_wbuf_of(joined, size);
    enum sl_err rc = SL_OK;
    for (size_t i = 0; i < count && rc == SL_OK; i++) {
        rc = sl_wbuf_put(&out, sl_slice_cstr(names[i].text));
        if (rc == SL_OK && i + 1 < count) {
            rc = sl_wbuf_put_u8(&out, ':');
        }
    }
    return rc == SL_OK ? joined : inherited; /* `size` is exact, its NUL counted in */
}

/* What contradicts itself. */
static void policy_check(struct sl_read *read, const struct sl_conf_policy *conf,
                         const struct sl_policy *policy)
{
    if (policy->min_version > policy->max_version) {
        sl_read_error(read, conf->pos, "policy '%s' has a min_version above its max_version",
                      conf->name);
        return;
    }
    if (policy->max_version < TLS_1_3 && conf->suites_count > 0) {
        sl_read_error(read, conf->suites[0].pos,
                      "'suites' are of TLS 1.3, which policy '%s' does not have", conf->name);
    }
    if (policy->min_version >= TLS_1_3 && conf->ciphers_count > 0) {
        sl_read_error(read, conf->ciphers[0].pos,
                      "'ciphers' are of TLS 1.2 and below, which policy '%s' does not have",
                      conf->name);
    }
    if (policy->min_version < TLS_1_3 && policy->ciphers[0] == '\0') {
        sl_read_error(read, conf->pos,
                      "policy '%s' has versions below TLS 1.3 and no 'ciphers' for them",
                      conf->name);
    }
    for (size_t i = 0; i < conf->ciphers_count; i++) {
        if (sl_slice_starts(sl_slice_cstr(conf->ciphers[i].text), SL_SLICE("RSA-PSK-"))) {
            sl_read_error(read, conf->ciphers[i].pos,
                          "'%s' wants a certificate and a pre-shared key at once, which no "
                          "service has",
                          conf->ciphers[i].text);
        }
    }
    if (!policy->has_tickets && conf->session_ms != 0) {
        sl_read_error(read, conf->pos, "policy '%s' has a 'session' and no tickets", conf->name);
    }
}

static void policy_make(struct sl_read *read, const struct sl_conf_policy *conf,
                        const struct sl_policy *parent, struct sl_policy *policy)
{
    *policy = *parent;
    policy->name = conf->name;
    if (conf->min_version != 0) {
        policy->min_version = (uint16_t)conf->min_version;
    }
    if (conf->max_version != 0) {
        policy->max_version = (uint16_t)conf->max_version;
    }
    policy->suites = list_join(read, conf->suites, conf->suites_count, parent->suites);
    policy->ciphers = list_join(read, conf->ciphers, conf->ciphers_count, parent->ciphers);
    policy->groups = list_join(read, conf->groups, conf->groups_count, parent->groups);
    policy->signatures =
        list_join(read, conf->signatures, conf->signatures_count, parent->signatures);
    if (conf->order != SL_ORDER_INHERITED) {
        policy->is_server_order = conf->order == SL_ORDER_SERVER;
    }
    if (conf->tickets != SL_TICKETS_INHERITED) {
        policy->has_tickets = conf->tickets == SL_TICKETS_ON;
    }
    if (conf->session_ms != 0) {
        policy->session_s = (uint32_t)(conf->session_ms / SL_MS_PER_S);
    }
    if (conf->security_level_pos.line != 0) {
        policy->security_level = (uint8_t)conf->security_level;
    }
    policy_check(read, conf, policy);
}

static size_t index_of(const struct builder *b, struct sl_slice name)
{
    size_t i = 0;
    while (i < b->count && !sl_slice_eq(name, sl_slice_cstr(b->confs[i].name))) {
        i++;
    }
    return i;
}

static void build(struct builder *b, size_t i);

static const struct sl_policy *parent_of(struct builder *b, size_t i)
{
    const struct sl_conf_string *extends = &b->confs[i].extends;
    const struct sl_policy *fallback = sl_policy_find(sl_slice_cstr(DEFAULT_PARENT));
    if (extends->text == NULL) {
        return fallback;
    }
    const struct sl_slice name = sl_slice_cstr(extends->text);
    const size_t parent = index_of(b, name);
    if (parent == b->count) {
        const struct sl_policy *policy = sl_policy_find(name);
        if (policy == NULL) {
            sl_read_error(b->read, extends->pos, "there is no policy '%s' to extend",
                          sl_text_shown(name).text);
        }
        return policy == NULL ? fallback : policy;
    }
    if (b->states[parent] == BUILDING) {
        sl_read_error(b->read, extends->pos, "policy '%s' extends itself, by way of '%s'",
                      b->confs[parent].name, b->confs[i].name);
        return fallback;
    }
    build(b, parent);
    return &b->policies[parent];
}

/* As deep as policies extend each other: the schema bounds how many there are. */
static void build(struct builder *b, size_t i)
{
    if (b->states[i] != UNBUILT) {
        return;
    }
    b->states[i] = BUILDING;
    const struct sl_policy *parent = parent_of(b, i);
    policy_make(b->read, &b->confs[i], parent, &b->policies[i]);
    b->states[i] = BUILT;
}

void sl_policies_build(struct sl_read *read, const struct sl_conf_policy *confs, size_t count)
{
    struct builder b = { .read = read,
                         .confs = confs,
                         .count = count,
                         .policies = sl_read_alloc(read, count, sizeof(*b.policies)),
                         .states = sl_read_alloc(read, count, sizeof(*b.states)) };
    if (b.policies == NULL || b.states == NULL) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (sl_policy_find(sl_slice_cstr(confs[i].name)) != NULL) {
            sl_read_error(read, confs[i].pos, "'%s' is the name of a built-in policy",
                          confs[i].name);
        }
        build(&b, i);
    }
    read->policies = b.policies;
    read->policies_count = count;
}
