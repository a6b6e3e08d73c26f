/* SPDX-License-Identifier: Apache-2.0 */
/** @file Who a peer is by its certificate, and rules on that: a list of allow and deny, of which
 * the first that fits decides. Pure; everything is a view.
 */
#pragma once
#include "base/diag.h"
#include "base/slice.h"

/** Where a name stands in a certificate (RFC 5280 4.2.1.6, 4.1.2.6). */
enum sl_peer_kind {
    SL_PEER_DNS,
    SL_PEER_EMAIL,
    SL_PEER_URI,
    SL_PEER_IP,   /* 4 or 16 bytes */
    SL_PEER_CN,   /* of the subject, in UTF-8 */
    SL_PEER_OU,   /* of the subject, in UTF-8 */
    SL_PEER_SPKI, /* SHA-256 of the SubjectPublicKeyInfo */
    SL_PEER_KINDS_COUNT
};

enum { SL_PIN_LEN = 32 }; /* bytes: SHA-256 */

/** One name of a certificate. */
struct sl_peer_name {
    enum sl_peer_kind kind;
    struct sl_slice value;
};

/** All patterns that are set must fit, each any of the names of its kind; none set fits all. */
struct sl_peer_rule {
    bool is_allow;
    const char *patterns[SL_PEER_KINDS_COUNT]; /* NULL: not set */
};

/** "dns", "email", "uri", "ip", "cn", "ou", "spki": as rules and the log call it. */
const char *sl_peer_kind_name(enum sl_peer_kind kind);

/**
 * Whether a pattern is one:
 *
 *     dns    a name; in each of its labels one '*' may stand for one or more characters, never for
 *            a dot. ASCII case does not count (RFC 4343), nor does a dot at the end
 *     email  an address, or "*@" and a domain. Case counts before the '@' (RFC 5321 2.4)
 *     uri    exact, but for the case of scheme and host (RFC 3986 6.2.2.1); one '*' at the end,
 *            behind the authority and its '/' where there is one, stands for any rest
 *     ip     an address, or a prefix such as 10.0.0.0/8 (base/prefix.h)
 *     cn, ou text in which each '*' stands for any characters, or none; ASCII case does not count
 *            (X.520 caseIgnoreMatch)
 *     spki   a pin (sl_pin_parse)
 *
 * @return SL_OK, SL_EINVAL (diag: why not)
 */
SL_CHECKED enum sl_err sl_peer_pattern_check(enum sl_peer_kind kind, struct sl_slice pattern,
                                             struct sl_diag *diag);

/** Whether a pattern that was found to be one fits a name of that kind. */
bool sl_peer_pattern_fits(enum sl_peer_kind kind, struct sl_slice pattern, struct sl_slice value);

/**
 * Whether a name is what its kind may hold. One that is not could be read one way here and another
 * way elsewhere, such as a NUL within it, or "/../" in a URI: its certificate is to be refused.
 */
bool sl_peer_name_is_sound(const struct sl_peer_name *name);

/** @return the number of the first rule that fits, or `rules_count` when none does */
size_t sl_peer_rules_find(const struct sl_peer_rule *rules, size_t rules_count,
                          const struct sl_peer_name *names, size_t names_count);

/** Reads a pin: 64 hexadecimal digits, or base64 of 32 bytes, with or without "sha256//" before.
 * SL_OK, SL_EINVAL. */
SL_CHECKED enum sl_err sl_pin_parse(struct sl_slice text, uint8_t ret_pin[static SL_PIN_LEN]);
