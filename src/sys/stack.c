/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/stack.h"
#include <sys/mman.h>

/* Both are whole pages wherever Linux runs. */
enum { STACK_BYTES = 64 * 1024, GUARD_BYTES = 64 * 1024 };

void *sl_stack_map(size_t *bytes)
{
    if (*bytes > STACK_BYTES) {
        return NULL;
    }
    uint8_t *base = mmap(NULL, GUARD_BYTES + STACK_BYTES, PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) {
        return NULL;
    }
    if (mprotect(base + GUARD_BYTES, STACK_BYTES, PROT_READ | PROT_WRITE) != 0) {
        (void)munmap(base, GUARD_BYTES + STACK_BYTES);
        return NULL;
    }
    *bytes = STACK_BYTES;
    return base + GUARD_BYTES;
}

void sl_stack_unmap(void *stack)
{
    if (stack != NULL) {
        (void)munmap((uint8_t *)stack - GUARD_BYTES, GUARD_BYTES + STACK_BYTES);
    }
}
