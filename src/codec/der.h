/* SPDX-License-Identifier: Apache-2.0 */
/** @file Elements of DER (X.690): tag, length, contents. Pure; the results are views. */
#pragma once
#include "base/reader.h"

enum sl_der_tag {
    SL_DER_BOOLEAN = 0x01,
    SL_DER_INTEGER = 0x02,
    SL_DER_BIT_STRING = 0x03,
    SL_DER_OCTET_STRING = 0x04,
    SL_DER_OID = 0x06,
    SL_DER_UTC_TIME = 0x17,
    SL_DER_GENERALIZED_TIME = 0x18,
    SL_DER_SEQUENCE = 0x30,
    SL_DER_CONTEXT = 0xa0 /* [0], constructed; [1] is one more */
};

/** One element. */
struct sl_der {
    uint8_t tag;              /* as it stands; such of more than one byte are not read */
    struct sl_slice contents; /* without tag and length */
    struct sl_slice whole;
};

/** Takes the next element off the front of `r`; `r->failed` when there is none in DER. */
struct sl_der sl_der_next(struct sl_reader *r);

/** The contents of the next element, which must have that tag. */
struct sl_slice sl_der_expect(struct sl_reader *r, unsigned tag);

/** True when the next element has that tag. */
bool sl_der_is_next(const struct sl_reader *r, unsigned tag);

/** True when `bytes` are elements to the end, and so are those within constructed ones. */
bool sl_der_is_sound(struct sl_slice bytes);
