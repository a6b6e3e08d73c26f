/* SPDX-License-Identifier: Apache-2.0 */
/** @file Whatever a header says, it is written so that it can be read, or not at all. */
#include "base/reader.h"
#include "codec/proxy_v2.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS_COUNT = 11 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[SL_PROXY_V2_MAX];
    struct sl_reader r = sl_reader_of(sl_slice_of(data, size));
    const uint8_t flags = sl_reader_u8(&r);
    const size_t room = sl_reader_u16(&r) % (sizeof(bytes) + 1);
    struct sl_proxy_v2 header = { .is_local = (flags & 1) != 0,
                                  .is_tls = (flags & 2) != 0,
                                  .has_client_cert = (flags & 4) != 0,
                                  .is_verified = (flags & 8) != 0,
                                  .is_resumed = (flags & 16) != 0,
                                  .has_resumption = (flags & 32) != 0,
                                  .has_checksum = (flags & 64) != 0 };
    struct sl_slice *const fields[FIELDS_COUNT] = {
        &header.alpn,        &header.authority,  &header.unique_id,   &header.version,
        &header.common_name, &header.cipher,     &header.sig_alg,     &header.key_alg,
        &header.group,       &header.sig_scheme, &header.client_cert,
    };
    for (size_t i = 0; i < FIELDS_COUNT; i++) {
        *fields[i] = (flags & 128) != 0 ? sl_reader_vec16(&r) : sl_reader_vec8(&r);
    }
    struct sl_wbuf out = sl_wbuf_of(bytes, room);
    enum sl_err rc = sl_proxy_v2_emit(&header, &out);
    if (rc != SL_OK) {
        assert(out.len == 0 && (rc == SL_ENOSPC || rc == SL_ERANGE));
        return 0;
    }
    struct sl_slice in = sl_wbuf_slice(&out);
    struct sl_proxy_v2 again;
    rc = sl_proxy_v2_cut(&in, &again);
    if (!header.is_local && header.unique_id.len > SL_PROXY_UNIQUE_ID_MAX) {
        assert(rc == SL_EPROTO);
        return 0;
    }
    assert(rc == SL_OK && in.len == 0 && again.is_local == header.is_local);
    assert(header.is_local || again.is_tls == header.is_tls);
    if (again.is_tls) {
        assert(sl_slice_eq(again.client_cert, header.client_cert));
        assert(sl_slice_eq(again.version, header.version));
        assert(again.is_verified == (header.has_client_cert && header.is_verified));
    }
    return 0;
}
