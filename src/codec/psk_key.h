/* SPDX-License-Identifier: Apache-2.0 */
/** @file The text of a pre-shared key: hexadecimal or base64 (RFC 4648 8 and 4). Pure. */
#pragma once
#include "base/slice.h"

enum {
    SL_PSK_KEY_MIN = 16,       /* bytes: RFC 9257 6 asks for 128 bits of entropy */
    SL_PSK_KEY_MAX = 64,       /* bytes */
    SL_PSK_TEXT_MAX = 1024,    /* bytes of the text */
    SL_PSK_IDENTITY_MAX = 128, /* bytes: RFC 4279 5.3 has every peer take as many */
};

/**
 * Appends the key that `text` encodes (room: SL_PSK_KEY_MAX). Blanks and line ends around it and
 * between its characters do not count. What consists of hexadecimal digits alone is read as such.
 * @return SL_OK, SL_EINVAL (neither), SL_ERANGE (fewer than SL_PSK_KEY_MIN bytes, or more than
 *         SL_PSK_KEY_MAX). Nothing is appended then.
 */
SL_CHECKED enum sl_err sl_psk_key_parse(struct sl_slice text, struct sl_wbuf *out);
