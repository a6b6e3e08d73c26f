/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/cage_impl.h"
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's interface (linux/landlock.h), spelled here because the system's header may be older
 * than the kernel that runs. */
struct ruleset {
    uint64_t files; /* rights that nobody has unless a rule gives them */
    uint64_t network;
    uint64_t scopes;
};

struct port_rule {
    uint64_t network; /* rights, */
    uint64_t port;    /* on this port */
};

enum { CREATE_RULESET_VERSION = 1 };
enum { RULE_NET_PORT = 2 };
enum { NETWORK_BIND_TCP = 1U << 0 };
enum { SCOPE_ABSTRACT_UNIX = 1U << 0, SCOPE_SIGNAL = 1U << 1 };

unsigned sl_cage_landlock_abi(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
    return abi > 0 ? (unsigned)abi : 0;
}

/* All rights on files that this ABI knows, but for the one to connect to a Unix socket by its path
 * (bit 16): upstreams may be such, and file permissions decide about them. */
static uint64_t files_of(unsigned abi)
{
    const unsigned bits_count = abi >= 5 ? 16 : abi >= 3 ? 15 : abi == 2 ? 14 : 13;
    return (UINT64_C(1) << bits_count) - 1;
}

enum sl_err sl_cage_landlock(unsigned abi)
{
    const struct ruleset ruleset = {
        .files = files_of(abi),
        .network = abi >= 4 ? NETWORK_BIND_TCP : 0,
        .scopes = abi >= 6 ? SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL : 0,
    };
    if (abi == 0) {
        return SL_ENOENT;
    }
    /* fields that an older kernel does not know are zero, which it accepts */
    int fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, sizeof(ruleset), 0);
    if (fd < 0) {
        return SL_ENOENT;
    }
    /* port 0: an address to connect from, with a port that the kernel chooses */
    const struct port_rule any = { .network = NETWORK_BIND_TCP };
    long rc = abi >= 4 ? syscall(SYS_landlock_add_rule, fd, RULE_NET_PORT, &any, 0) : 0;
    rc = rc == 0 ? syscall(SYS_landlock_restrict_self, fd, 0) : rc;
    (void)close(fd);
    return rc == 0 ? SL_OK : SL_ENOENT;
}
