/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/cage_impl.h"

#if defined(SL_HAS_SECCOMP)
#include <errno.h>
#include <seccomp.h>

/* What a module that speaks with a token has no business with. */
static const int DENIED[] = {
    /* other processes and their memory */
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(process_madvise),
    SCMP_SYS(kcmp),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(perf_event_open),
    /* the kernel */
    SCMP_SYS(bpf),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(syslog),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(reboot),
    /* the view of the file system, and other namespaces */
    SCMP_SYS(mount),
    SCMP_SYS(umount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsconfig),
    SCMP_SYS(fsmount),
    SCMP_SYS(fspick),
    SCMP_SYS(mount_setattr),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(quotactl),
    SCMP_SYS(acct),
    /* the machine's clock and name */
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
};

static void filter_cleanup(scmp_filter_ctx *filter)
{
    if (*filter != NULL) {
        seccomp_release(*filter);
    }
}

enum sl_err sl_cage_seccomp_token(void)
{
    SL_CLEANUP(filter_cleanup) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    bool is_built = filter != NULL;
    for (size_t i = 0; is_built && i < SL_COUNT(DENIED); i++) {
        /* a call that this architecture does not have is passed over */
        is_built = seccomp_rule_add(filter, SCMP_ACT_ERRNO((uint16_t)EPERM), DENIED[i], 0) == 0;
    }
    if (!is_built) {
        return SL_ENOMEM;
    }
    return seccomp_load(filter) == 0 ? SL_OK : SL_ENOENT;
}

#else /* built without libseccomp */

enum sl_err sl_cage_seccomp_token(void)
{
    return SL_ENOENT;
}

#endif
