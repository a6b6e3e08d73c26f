/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/memory.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

bool sl_memory_allow_lock(void)
{
    struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };
    (void)setrlimit(RLIMIT_MEMLOCK, &limit); /* root may; who has given root up is bound by it */
    return getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY;
}

/* Under a limit, memory that is locked in advance would make later allocations fail. */
static bool may_lock_all(void)
{
#ifdef __SANITIZE_ADDRESS__
    return false; /* its shadow is larger than any memory */
#else
    return sl_memory_allow_lock();
#endif
}

enum sl_err sl_memory_lock(void)
{
    return may_lock_all() && mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0 ? SL_OK
                                                                                   : SL_ESYS;
}

void sl_memory_trim(void)
{
#ifdef __GLIBC__
    (void)malloc_trim(0); /* other libraries do it by themselves, or cannot */
#endif
}
