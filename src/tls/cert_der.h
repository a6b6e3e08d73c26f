/* SPDX-License-Identifier: Apache-2.0 */
/** @file Certificates that come in DER, one by one, from elsewhere than a file. All append to `out`
 * and return SL_OK, SL_ENOSPC, SL_ENOMEM, or SL_EINVAL when there is no certificate in it. */
#pragma once
#include "base/slice.h"

/** The certificate in PEM. */
SL_CHECKED enum sl_err sl_cert_der_put_pem(struct sl_slice der, struct sl_wbuf *out);

/** The name of who has signed it, DER. SL_ENOENT: itself. */
SL_CHECKED enum sl_err sl_cert_der_put_issuer(struct sl_slice der, struct sl_wbuf *out);

/** Its public key, SubjectPublicKeyInfo. */
SL_CHECKED enum sl_err sl_cert_der_put_public(struct sl_slice der, struct sl_wbuf *out);

/** The public key of the first certificate of a PEM text. */
SL_CHECKED enum sl_err sl_cert_pem_put_public(struct sl_slice pem, struct sl_wbuf *out);
