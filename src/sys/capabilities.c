/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/capabilities.h"
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NUMBERS_COUNT = 64 }; /* that the two words of a set have room for */
enum { WORD_BITS = 32 };

struct sets {
    uint64_t effective, permitted, inheritable;
};

static enum sl_err sets_get(struct sets *ret_sets)
{
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct words[_LINUX_CAPABILITY_U32S_3] = { 0 };
    if (syscall(SYS_capget, &head, words) != 0) {
        return SL_ESYS;
    }
    *ret_sets = (struct sets){
        .effective = words[0].effective | (uint64_t)words[1].effective << WORD_BITS,
        .permitted = words[0].permitted | (uint64_t)words[1].permitted << WORD_BITS,
        .inheritable = words[0].inheritable | (uint64_t)words[1].inheritable << WORD_BITS,
    };
    return SL_OK;
}

static enum sl_err sets_set(const struct sets *sets)
{
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct words[_LINUX_CAPABILITY_U32S_3];
    for (unsigned i = 0; i < SL_COUNT(words); i++) {
        words[i].effective = (uint32_t)(sets->effective >> (i * WORD_BITS));
        words[i].permitted = (uint32_t)(sets->permitted >> (i * WORD_BITS));
        words[i].inheritable = (uint32_t)(sets->inheritable >> (i * WORD_BITS));
    }
    return syscall(SYS_capset, &head, words) == 0 ? SL_OK : SL_ESYS;
}

uint64_t sl_capabilities_permitted(void)
{
    struct sets sets = { 0 };
    return sets_get(&sets) == SL_OK ? sets.permitted : 0;
}

enum sl_err sl_capabilities_use(uint64_t used)
{
    struct sets sets;
    enum sl_err rc = sets_get(&sets);
    if (rc == SL_OK) {
        sets.effective = sets.permitted & used;
        rc = sets_set(&sets);
    }
    return rc;
}

void sl_capabilities_bound(uint64_t kept)
{
    for (unsigned i = 0; i < NUMBERS_COUNT; i++) {
        if ((kept & SL_CAPABILITY(i)) == 0) {
            (void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
        }
    }
}

enum sl_err sl_capabilities_keep(uint64_t kept)
{
    struct sets sets;
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    enum sl_err rc = sets_get(&sets);
    if (rc == SL_OK) {
        kept &= sets.permitted;
        sets = (struct sets){ .effective = kept, .permitted = kept };
        rc = sets_set(&sets);
    }
    rc = rc == SL_OK ? sets_get(&sets) : rc;
    if (rc == SL_OK && ((sets.effective | sets.permitted | sets.inheritable) & ~kept) != 0) {
        rc = SL_ESYS;
    }
    return rc;
}

/* Those that a program which serves networks may come to have. */
static const char *name_of(unsigned number)
{
    static const char *const NAMES[] = {
        [CAP_DAC_OVERRIDE] = "dac_override",
        [CAP_DAC_READ_SEARCH] = "dac_read_search",
        [CAP_KILL] = "kill",
        [CAP_SETGID] = "setgid",
        [CAP_SETUID] = "setuid",
        [CAP_SETPCAP] = "setpcap",
        [CAP_NET_BIND_SERVICE] = "net_bind_service",
        [CAP_IPC_LOCK] = "ipc_lock",
    };
    return number < SL_COUNT(NAMES) ? NAMES[number] : NULL;
}

enum sl_err sl_capabilities_put(uint64_t set, struct sl_wbuf *out)
{
    enum sl_err rc = SL_OK;
    const char *before = "";
    for (unsigned i = 0; rc == SL_OK && i < NUMBERS_COUNT; i++) {
        if ((set & SL_CAPABILITY(i)) == 0) {
            continue;
        }
        const char *name = name_of(i);
        rc = name != NULL ? sl_wbuf_printf(out, "%s%s", before, name)
                          : sl_wbuf_printf(out, "%s%u", before, i);
        before = ", ";
    }
    return rc;
}
