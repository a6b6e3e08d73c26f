/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/key_stack.h"
#include <openssl/async.h>
#include <openssl/err.h>

#ifdef SL_HAS_ASYNC_MEMORY

bool sl_key_stacks_are_ours(void)
{
    return true;
}

enum sl_err sl_key_stacks_use(void *(*map)(size_t *bytes), void (*unmap)(void *stack))
{
    bool is_ok = ASYNC_set_mem_functions(map, unmap) == 1;
    ERR_clear_error();
    return is_ok ? SL_OK : SL_ETLS;
}

#else

bool sl_key_stacks_are_ours(void)
{
    return false;
}

enum sl_err sl_key_stacks_use(void *(*map)(size_t *bytes), void (*unmap)(void *stack))
{
    SL_UNUSED(map);
    SL_UNUSED(unmap);
    return SL_ENOENT;
}

#endif
