/* SPDX-License-Identifier: Apache-2.0 */
/** @file What holds a process that speaks with the network within what it needs.
 *
 * There is no way out again. A process has one thread when it enters, and everything open that it
 * will ever need: descriptors stay as they are.
 */
#pragma once
#include "base/slice.h"
#include <sys/types.h>

/** Whose table of system calls holds. */
enum sl_cage_role {
    SL_CAGE_WORKER, /* sockets of connections; streams of IPv4, IPv6 and Unix only */
    SL_CAGE_KEYS,   /* its channels, and no socket of its own */
    SL_CAGE_AGENT,  /* its channel, and sockets toward name servers */
    SL_CAGE_TOKEN,  /* foreign code: only what no module needs is denied, and no file is */
};

/** The parts of a cage, as bits. */
enum sl_cage_part {
    SL_CAGE_USER = 1U << 0,         /* another user, and the groups of that one */
    SL_CAGE_CAPABILITIES = 1U << 1, /* none; none to be had again either (bounding set) */
    SL_CAGE_NO_NEW_PRIVS = 1U << 2, /* no program that it could run would have more rights */
    SL_CAGE_NO_DUMP = 1U << 3,      /* no core, no ptrace, no /proc/PID/mem for the same user */
    SL_CAGE_LANDLOCK = 1U << 4,     /* no file, no bind; as its ABI allows, no signals outward */
    SL_CAGE_SECCOMP = 1U << 5,      /* the role's system calls, without memory that can be run */
};

enum { SL_CAGE_ALL = (1U << 6) - 1 };

enum { SL_CAGE_GROUPS_MAX = 32 }; /* of one user; further ones do not count */

struct sl_cage_user {
    uid_t uid;
    gid_t gid;
    gid_t groups[SL_CAGE_GROUPS_MAX]; /* all of them, `gid` too */
    size_t groups_count;
};

struct sl_cage_rules {
    enum sl_cage_role role;
    bool is_killing; /* a system call that is not allowed ends the process, else it gets EPERM */
    bool has_user;   /* become `user`; else SL_CAGE_USER is not part of the cage */
    struct sl_cage_user user;
};

/** What came of it; bits of enum sl_cage_part. */
struct sl_cage_report {
    unsigned holds, lacks;
    unsigned landlock_abi; /* 0: the kernel has none */
};

/**
 * Enters the cage. Each part is tried, whatever comes of the others; a part that was not to be had
 * is in ret_report->lacks. Builds with a sanitizer go without SL_CAGE_NO_DUMP, SL_CAGE_LANDLOCK and
 * SL_CAGE_SECCOMP, for it reads /proc and traces itself.
 * @return SL_OK, SL_ENOENT (something is lacking)
 */
SL_CHECKED enum sl_err sl_cage_enter(const struct sl_cage_rules *rules,
                                     struct sl_cage_report *ret_report);

/**
 * What sl_cage_enter would come to, tried in a child, which is waited for: for before any other
 * child is there. @return SL_OK, SL_ENOENT (something is lacking), SL_ESYS (could not be tried)
 */
SL_CHECKED enum sl_err sl_cage_try(const struct sl_cage_rules *rules,
                                   struct sl_cage_report *ret_report);

/** The name of one part: "no capabilities". Never NULL. */
const char *sl_cage_part_name(enum sl_cage_part part);

/** Appends the names of the parts, ", " between them. SL_OK, SL_ENOSPC. */
SL_CHECKED enum sl_err sl_cage_parts_put(unsigned parts, struct sl_wbuf *out);

/** What this build goes without, whatever the kernel has; bits of enum sl_cage_part. */
unsigned sl_cage_unbuilt(void);

/** A user by name, or by number where there is no such name. SL_OK, SL_ENOENT. */
SL_CHECKED enum sl_err sl_cage_user_find(const char *name, struct sl_cage_user *ret_user);
