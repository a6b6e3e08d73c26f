/* SPDX-License-Identifier: Apache-2.0 */
/** @file One PEM text as chain and key, and as a CA file. */
#include "tls/certificate.h"
#include "tls/library.h"
#include "tls/store.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    require(sl_tls_library_init() == SL_OK);
    struct sl_slice pem = sl_slice_of(data, size);
    struct sl_diag diag = { "" };
    struct sl_tls_cert *cert = NULL;
    enum sl_err rc = sl_tls_cert_create(pem, pem, &diag, &cert);
    require((rc == SL_OK) == (cert != NULL));
    require(rc == SL_OK || rc == SL_ENOMEM || diag.text[0] != '\0');
    if (rc == SL_OK) {
        struct sl_tls_cert_info info;
        sl_tls_cert_info(cert, &info);
        require(memchr(info.subject, 0, sizeof(info.subject)) != NULL);
        require(memchr(info.names, 0, sizeof(info.names)) != NULL);
        require(info.key_type != NULL);
    }
    sl_tls_cert_unref(cert);
    struct sl_tls_store *store = NULL;
    diag = (struct sl_diag){ "" };
    rc = sl_tls_store_create(pem, &diag, &store);
    require((rc == SL_OK) == (store != NULL));
    require(rc == SL_OK || rc == SL_ENOMEM || diag.text[0] != '\0');
    sl_tls_store_unref(store);
    return 0;
}
