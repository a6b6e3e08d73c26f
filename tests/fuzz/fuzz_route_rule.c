/* SPDX-License-Identifier: Apache-2.0 */
/** @file Two lines: a pattern, and a name as a client sends it. */
#include "codec/route_rule.h"
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
    struct sl_slice name = sl_slice_of(data, size);
    struct sl_slice pattern = sl_slice_cut(&name, sl_slice_find(name, '\n'));
    struct sl_diag diag = { 0 };
    (void)sl_slice_cut(&name, 1);
    const bool is_pattern = sl_route_rule_check_name(pattern, &diag) == SL_OK;
    require(is_pattern || diag.text[0] != '\0');
    const bool covers = sl_route_rule_name_covers(pattern, name);
    if (is_pattern) {
        require(pattern.len > 0 && sl_route_rule_name_covers(pattern, pattern));
        require(!covers || name.len > 0);
    }
    if (is_pattern && covers && sl_hello_is_dns_name(name)) {
        require(sl_route_rule_check_name(name, &diag) == SL_OK || pattern.ptr[0] == '*');
    }
    return 0;
}
