/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/proxy_v2.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assert_same_addr(const struct sl_addr *a, const struct sl_addr *b)
{
    assert(a->len == b->len && memcmp(&a->sa, &b->sa, a->len) == 0);
}

/* What was read can be written again, and then reads the same. */
static void assert_round_trip(const struct sl_proxy_v2 *header)
{
    static uint8_t bytes[SL_PROXY_V2_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    enum sl_err rc = sl_proxy_v2_emit(header, &out);
    assert(rc == SL_OK);
    struct sl_slice in = sl_wbuf_slice(&out);
    struct sl_proxy_v2 again;
    rc = sl_proxy_v2_cut(&in, &again);
    assert(rc == SL_OK && in.len == 0);
    assert_same_addr(&header->source, &again.source);
    assert_same_addr(&header->destination, &again.destination);
    assert(sl_slice_eq(header->alpn, again.alpn));
    assert(sl_slice_eq(header->authority, again.authority));
    assert(sl_slice_eq(header->version, again.version));
    assert(sl_slice_eq(header->common_name, again.common_name));
    assert(sl_slice_eq(header->cipher, again.cipher));
    assert(sl_slice_eq(header->group, again.group));
    assert(sl_slice_eq(header->unique_id, again.unique_id));
    assert(sl_slice_eq(header->sig_alg, again.sig_alg));
    assert(sl_slice_eq(header->key_alg, again.key_alg));
    assert(sl_slice_eq(header->sig_scheme, again.sig_scheme));
    assert(sl_slice_eq(header->client_cert, again.client_cert));
    assert(header->is_tls == again.is_tls);
    assert(header->has_client_cert == again.has_client_cert);
    assert(header->is_verified == again.is_verified);
    assert(header->is_resumed == again.is_resumed);
    assert(header->has_resumption == again.has_resumption);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_slice in = sl_slice_of(data, size);
    struct sl_proxy_v2 header;
    enum sl_err rc = sl_proxy_v2_cut(&in, &header);
    if (rc != SL_OK) {
        assert(rc == SL_AGAIN || rc == SL_EPROTO || rc == SL_ERANGE || rc == SL_EVERIFY);
        assert(in.ptr == data && in.len == size);
        assert(rc != SL_AGAIN || size < SL_PROXY_V2_MAX);
        return 0;
    }
    assert(in.ptr > data && in.ptr + in.len == data + size);
    assert(size - in.len <= SL_PROXY_V2_MAX);
    assert(header.is_tls || (!header.has_client_cert && !header.is_resumed));
    char text[SL_ADDR_TEXT_MAX];
    sl_addr_format(&header.source, text);
    sl_addr_format(&header.destination, text);
    assert_round_trip(&header);
    return 0;
}
