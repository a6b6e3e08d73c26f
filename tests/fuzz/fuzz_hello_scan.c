/* SPDX-License-Identifier: Apache-2.0 */
/** @file The bytes of a connection: what is found must not depend on how they are cut. */
#include "codec/hello_scan.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true) {
        abort();
    }
}

static bool is_within(struct sl_slice part, struct sl_slice whole)
{
    return part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

static void parse(struct sl_slice message)
{
    struct sl_hello hello;
    if (sl_hello_scan_parse(message, &hello) == SL_OK) {
        struct sl_slice one;
        require(is_within(hello.server_name, message) && is_within(hello.alpn, message));
        while (sl_alpn_next(&hello.alpn, &one) == SL_OK) {
            require(one.len > 0 && is_within(one, message));
        }
        require(hello.alpn.len == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t memory[1 << 16];
    const struct sl_slice all = sl_slice_of(data, size);
    struct sl_hello_scan at_once = { 0 }, in_bytes = { 0 };
    struct sl_wbuf join = sl_wbuf_of(memory, sizeof(memory));
    struct sl_slice message;
    enum sl_err rc = sl_hello_scan_step(&at_once, all), last = SL_AGAIN;
    for (size_t len = 0; len <= size && last == SL_AGAIN; len++) {
        last = sl_hello_scan_step(&in_bytes, sl_slice_of(data, len));
    }
    require(rc == last);
    if (rc == SL_OK && at_once.whole_bytes <= sizeof(memory)) {
        require(at_once.whole_bytes == in_bytes.whole_bytes);
        require(sl_hello_scan_message(&at_once, all, &join, &message) == SL_OK);
        require(message.len == at_once.whole_bytes);
        parse(message);
    }
    parse(all); /* a message by itself */
    return 0;
}
