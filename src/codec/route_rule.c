/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/route_rule.h"

static const struct sl_slice WILDCARD = SL_SLICE_INIT("*.");

enum sl_err sl_route_rule_check_name(struct sl_slice pattern, struct sl_diag *diag)
{
    struct sl_slice name = pattern;
    if (sl_slice_eq(pattern, SL_SLICE("*"))) {
        sl_diag_set(diag, "a route without 'sni' is for every name: leave it out");
        return SL_EINVAL;
    }
    if (sl_slice_starts(name, WILDCARD)) {
        (void)sl_slice_cut(&name, WILDCARD.len);
    }
    if (sl_slice_find(name, '*') < name.len) {
        sl_diag_set(diag, "'*' stands for the whole leftmost label only: *.example.com");
        return SL_EINVAL;
    }
    bool is_visible = true;
    for (size_t i = 0; i < name.len; i++) {
        is_visible = is_visible && name.ptr[i] > ' ' && name.ptr[i] < 0x7f;
    }
    if (!is_visible || !sl_hello_is_dns_name(name)) {
        sl_diag_set(diag, "clients ask for DNS names in ASCII, without a port, a dot at the end or "
                          "an IP address (RFC 6066 3)");
        return SL_EINVAL;
    }
    return SL_OK;
}

/* Takes the leftmost label and its dot off; false when there is no dot. */
static bool label_cut(struct sl_slice *name)
{
    (void)sl_slice_cut(name, sl_slice_find(*name, '.'));
    return sl_slice_cut(name, 1).len != 0;
}

bool sl_route_rule_name_covers(struct sl_slice pattern, struct sl_slice inner)
{
    if (sl_slice_starts(pattern, WILDCARD)) {
        const bool has_label = inner.len > 0 && inner.ptr[0] != '.';
        (void)sl_slice_cut(&pattern, WILDCARD.len);
        return has_label && label_cut(&inner) && sl_slice_eq_nocase(pattern, inner);
    }
    return sl_slice_eq_nocase(pattern, inner);
}

static bool name_fits(const struct sl_route_rule *rule, struct sl_slice name)
{
    bool fits = false;
    for (size_t i = 0; !fits && name.len > 0 && i < rule->names_count; i++) {
        fits = sl_route_rule_name_covers(sl_slice_cstr(rule->names[i]), name);
    }
    return fits;
}

static bool protocols_fit(const struct sl_route_rule *rule, struct sl_slice offered)
{
    struct sl_slice one;
    while (sl_alpn_next(&offered, &one) == SL_OK) {
        for (size_t i = 0; i < rule->protocols_count; i++) {
            if (sl_slice_eq(one, sl_slice_cstr(rule->protocols[i]))) {
                return true;
            }
        }
    }
    return false;
}

bool sl_route_rule_fits(const struct sl_route_rule *rule, const struct sl_hello *hello,
                        const struct sl_addr *client)
{
    if (rule->names_count > 0 && (hello == NULL || !name_fits(rule, hello->server_name))) {
        return false;
    }
    if (rule->protocols_count > 0 && (hello == NULL || !protocols_fit(rule, hello->alpn))) {
        return false;
    }
    return rule->from_count == 0 || sl_prefixes_have(rule->from, rule->from_count, client);
}
