/* SPDX-License-Identifier: Apache-2.0 */
/** @file The first byte says which extension the rest is; the whole is also taken as first bytes.
 */
#include "codec/client_hello.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true) {
        abort();
    }
}

static bool is_within(struct sl_slice part, struct sl_slice whole)
{
    return part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len;
}

static void first_bytes(struct sl_slice in)
{
    enum sl_first_bytes what = sl_first_bytes_classify(in);
    require(what != SL_FIRST_MORE || in.len < SL_FIRST_BYTES_MAX);
    require(sl_first_bytes_name(what) != NULL);
    bool is_known = false;
    for (size_t len = 0; len <= in.len && len <= SL_FIRST_BYTES_MAX; len++) {
        enum sl_first_bytes early = sl_first_bytes_classify(sl_slice_of(in.ptr, len));
        require(!is_known || early == what); /* an answer once given stands */
        is_known = is_known || early != SL_FIRST_MORE;
        require(!is_known || early == what);
    }
}

static void server_name(struct sl_slice body)
{
    struct sl_slice name;
    if (sl_hello_server_name(body, &name) == SL_OK) {
        require(name.len > 0 && name.len <= 255 && is_within(name, body));
        require(memchr(name.ptr, 0, name.len) == NULL);
    }
}

static void alpn(struct sl_slice body)
{
    struct sl_slice list, one;
    if (sl_hello_alpn(body, &list) != SL_OK) {
        list = body; /* must not be walked past its end, either */
        while (sl_alpn_next(&list, &one) == SL_OK) {
            require(is_within(one, body));
        }
        return;
    }
    size_t len = 0, all = list.len;
    while (sl_alpn_next(&list, &one) == SL_OK) {
        require(one.len > 0 && is_within(one, body));
        len += 1 + one.len;
    }
    require(len == all && list.len == 0);
}

static void psks(struct sl_slice body)
{
    struct sl_slice identities, one;
    if (sl_hello_psks(body, &identities) != SL_OK) {
        return;
    }
    while (sl_psk_next(&identities, &one) == SL_OK) {
        require(one.len > 0 && is_within(one, body));
    }
    require(identities.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_slice in = sl_slice_of(data, size);
    first_bytes(in);
    if (size == 0) {
        return 0;
    }
    struct sl_slice body = sl_slice_of(data + 1, size - 1);
    struct sl_hello_signatures kinds;
    switch (data[0]) {
    case 'n':
        server_name(body);
        break;
    case 'a':
        alpn(body);
        break;
    case 'p':
        psks(body);
        break;
    default:
        if (sl_hello_signatures(body, &kinds) == SL_OK) {
            require(body.len >= 4 && body.len % 2 == 0);
        }
        break;
    }
    return 0;
}
