/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/token_uri.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hold(bool condition)
{
    if (!condition) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t token[SL_TOKEN_URI_MAX], again[SL_TOKEN_URI_MAX], pin[SL_TOKEN_URI_MAX];
    struct sl_slice uri = sl_slice_of(data, size);
    struct sl_diag diag = { 0 };
    enum sl_err rc = sl_token_uri_check(uri, &diag);
    hold((rc == SL_OK) == (diag.text[0] == '\0'));
    if (rc != SL_OK) {
        hold(rc == SL_EINVAL || rc == SL_ERANGE);
        hold(strpbrk(diag.text, "\n\r") == NULL);
        return 0;
    }
    struct sl_wbuf out = sl_wbuf_of(token, sizeof(token));
    hold(sl_token_uri_put_token(uri, &out) == SL_OK && out.len <= size);
    /* it has only what names the token, so doing it again changes nothing */
    struct sl_wbuf second = sl_wbuf_of(again, sizeof(again));
    hold(sl_token_uri_put_token(sl_wbuf_slice(&out), &second) == SL_OK);
    hold(sl_slice_eq(sl_wbuf_slice(&out), sl_wbuf_slice(&second)));
    struct sl_wbuf path = sl_wbuf_of(pin, sizeof(pin));
    rc = sl_token_uri_put_pin(uri, &path);
    hold(rc == SL_ENOENT || (rc == SL_OK && path.len > 1 && pin[0] == '/'));
    return 0;
}
