/* SPDX-License-Identifier: Apache-2.0 */
/** @file A prefix is read whole or not at all, and its text is read as the same again. */
#include "base/prefix.h"
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
    char text[SL_PREFIX_TEXT_MAX];
    struct sl_prefix prefix, again;
    memset(&prefix, 0x5a, sizeof(prefix));
    if (sl_prefix_parse(sl_slice_of(data, size), &prefix) != SL_OK) {
        require(prefix.family == 0x5a);
        return 0;
    }
    require(sl_prefix_covers(&prefix, &prefix));
    sl_prefix_format(&prefix, text);
    require(sl_prefix_parse(sl_slice_cstr(text), &again) == SL_OK);
    require(memcmp(&prefix, &again, sizeof(prefix)) == 0);
    require(sl_prefixes_sort((struct sl_prefix[]){ prefix, again }, 2) == 1);
    return 0;
}
