/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte chooses a kind; then come a pattern and, behind a line break, a name. */
#include "codec/peer_rule.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    const enum sl_peer_kind kind = (enum sl_peer_kind)(data[0] % SL_PEER_KINDS_COUNT);
    struct sl_slice rest = sl_slice_of(data + 1, size - 1);
    const struct sl_slice pattern = sl_slice_cut(&rest, sl_slice_find(rest, '\n'));
    struct sl_diag diag = { 0 };
    (void)sl_slice_cut(&rest, 1);
    const struct sl_peer_name name = { .kind = kind, .value = rest };
    const bool is_sound = sl_peer_name_is_sound(&name);
    if (sl_peer_pattern_check(kind, pattern, &diag) != SL_OK) {
        require(diag.text[0] != '\0');
        return 0;
    }
    const bool fits = sl_peer_pattern_fits(kind, pattern, rest);
    if (kind == SL_PEER_DNS && fits) { /* a star never stands for a dot */
        size_t dots_count = 0;
        for (size_t i = 0; i < pattern.len; i++) {
            dots_count += pattern.ptr[i] == '.' && i + 1 < pattern.len;
        }
        for (size_t i = 0; i < rest.len; i++) {
            dots_count -= rest.ptr[i] == '.' && i + 1 < rest.len;
        }
        require(dots_count == 0);
    }
    if (is_sound && sl_slice_find(pattern, '*') == pattern.len && kind != SL_PEER_IP &&
        kind != SL_PEER_SPKI) { /* without a star a name fits itself alone, but for its case */
        require(!fits || rest.len == pattern.len || kind == SL_PEER_DNS);
        require(!sl_slice_eq(pattern, rest) || fits);
    }
    return 0;
}
