/* SPDX-License-Identifier: Apache-2.0 */
/** @file What a struct sl_tls_crls is made of. Inside tls/ only. */
#pragma once
#include "tls/crl.h"
#include "tls/store_impl.h"

struct sl_tls_crls {
    uint32_t refs_count;
    STACK_OF(X509_CRL) * all;
    int64_t until_s;
    uint8_t
        digest[SL_TLS_DIGEST_LEN]; /* over all of them: sessions of other lists are not resumed */
};
