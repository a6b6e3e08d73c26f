/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/floor.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TLS_1_0 = 0x0301, TLS_1_2 = 0x0303, TLS_1_3 = 0x0304 }; /* RFC 8446 4.2.1 */

static bool SL_PRINTF(2, 3) say(struct sl_wbuf *out, const char *format, ...)
{
    char text[160];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    struct sl_slice all = sl_slice_cstr(text);
    enum sl_err rc = sl_wbuf_put(out, sl_slice_of(all.ptr, SL_MIN(all.len, sl_wbuf_room(out))));
    SL_UNUSED(rc); /* it was made to fit */
    return true;
}

/* The next name of a colon-separated list; false at its end. */
static bool name_next(struct sl_slice *rest, struct sl_slice *ret_name)
{
    if (rest->len == 0) {
        return false;
    }
    *ret_name = sl_slice_cut(rest, sl_slice_find(*rest, ':'));
    (void)sl_slice_cut(rest, 1);
    return true;
}

static bool list_has(const char *list, struct sl_slice name)
{
    struct sl_slice rest = sl_slice_cstr(list), one;
    while (name_next(&rest, &one)) {
        if (sl_slice_eq(one, name)) {
            return true;
        }
    }
    return false;
}

static bool list_exceeds(const char *what, const char *floor, const char *list, struct sl_wbuf *out)
{
    struct sl_slice rest = sl_slice_cstr(list), name;
    while (name_next(&rest, &name)) {
        if (!list_has(floor, name)) {
            return say(out, "offers the %s %.*s", what, SL_SLICE_FMT(name));
        }
    }
    return false;
}

bool sl_floor_is_above(const struct sl_policy *floor, const struct sl_policy *policy,
                       struct sl_wbuf *out)
{
    if (policy->min_version < floor->min_version) {
        return say(out, "offers TLS 1.%d", policy->min_version - TLS_1_0);
    }
    if (policy->security_level < floor->security_level) {
        return say(out, "has security level %d", policy->security_level);
    }
    if (floor->is_ecdsa_only && !policy->is_ecdsa_only) {
        return say(out, "allows certificates that are not ECDSA");
    }
    return (policy->max_version >= TLS_1_3 &&
            list_exceeds("suite", floor->suites, policy->suites, out)) ||
           (policy->min_version < TLS_1_3 &&
            list_exceeds("cipher", floor->ciphers, policy->ciphers, out)) ||
           list_exceeds("group", floor->groups, policy->groups, out) ||
           list_exceeds("signature algorithm", floor->signatures, policy->signatures, out);
}

static bool has_part(struct sl_slice name, const char *part)
{
    return memmem(name.ptr, name.len, part, strlen(part)) != NULL;
}

/* Why a cipher of TLS 1.2 and below, by its name in OpenSSL, is weak; NULL when it is not. */
static const char *weakness_of(struct sl_slice name)
{
    static const struct {
        const char *part, *why;
    } BROKEN[] = {
        { "NULL", "encrypts nothing" },
        { "ADH", "authenticates nobody" },
        { "AECDH", "authenticates nobody" },
        { "EXP", "has a key that anyone can find" },
        { "RC4", "is broken" },
        { "DES", "has blocks of 64 bits, which is too short (CVE-2016-2183)" },
        { "MD5", "has a broken digest" },
        { "CCM8", "has a tag of 64 bits, which is short" },
    };
    for (size_t i = 0; i < SL_COUNT(BROKEN); i++) {
        if (has_part(name, BROKEN[i].part)) {
            return BROKEN[i].why;
        }
    }
    return has_part(name, "DHE-") ? NULL : "has no forward secrecy";
}

bool sl_floor_is_weak(const struct sl_policy *policy, struct sl_wbuf *out)
{
    if (policy->min_version < TLS_1_2) {
        return say(out, "offers TLS 1.%d, which RFC 8996 forbids", policy->min_version - TLS_1_0);
    }
    struct sl_slice rest = sl_slice_cstr(policy->ciphers), name;
    while (policy->min_version < TLS_1_3 && name_next(&rest, &name)) {
        const char *why = weakness_of(name);
        if (why != NULL) {
            return say(out, "offers %.*s, which %s", SL_SLICE_FMT(name), why);
        }
    }
    return false;
}
