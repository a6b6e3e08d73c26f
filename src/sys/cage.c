/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/cage_impl.h"
#include "sys/capabilities.h"
#include "sys/process.h"
#include <grp.h>
#include <linux/securebits.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { USER_BYTES_MAX = 16 * 1024 }; /* of what the system says about one user */

#if defined(SL_SANITIZED)
enum { IS_SANITIZED = 1 };
#else
enum { IS_SANITIZED = 0 };
#endif

static const struct part_name {
    enum sl_cage_part part;
    const char *name;
} PARTS[] = {
    { SL_CAGE_USER, "another user" },         { SL_CAGE_CAPABILITIES, "no capabilities" },
    { SL_CAGE_NO_NEW_PRIVS, "no_new_privs" }, { SL_CAGE_NO_DUMP, "no core or ptrace" },
    { SL_CAGE_LANDLOCK, "Landlock" },         { SL_CAGE_SECCOMP, "seccomp" },
};

const char *sl_cage_part_name(enum sl_cage_part part)
{
    for (size_t i = 0; i < SL_COUNT(PARTS); i++) {
        if (PARTS[i].part == part) {
            return PARTS[i].name;
        }
    }
    return "?";
}

enum sl_err sl_cage_parts_put(unsigned parts, struct sl_wbuf *out)
{
    enum sl_err rc = SL_OK;
    const char *before = "";
    for (size_t i = 0; rc == SL_OK && i < SL_COUNT(PARTS); i++) {
        if ((parts & PARTS[i].part) != 0) {
            rc = sl_wbuf_printf(out, "%s%s", before, PARTS[i].name);
            before = ", ";
        }
    }
    return rc;
}

unsigned sl_cage_unbuilt(void)
{
    unsigned parts = sl_cage_has_seccomp() ? 0 : SL_CAGE_SECCOMP;
    if (IS_SANITIZED) {
        parts |= SL_CAGE_NO_DUMP | SL_CAGE_LANDLOCK | SL_CAGE_SECCOMP;
    }
    return parts;
}

/* After the change of user, with which the kernel decides anew. */
static bool hide_memory(void)
{
    sl_process_hide_memory();
    if (IS_SANITIZED) {
        (void)prctl(PR_SET_DUMPABLE, 1);
        return false;
    }
    return sl_process_is_hidden();
}

/* While there still are capabilities: what no program may ever get again. Whether the kernel lets
 * us is seen from the outcome, in sl_capabilities_keep. */
static void drop_bounding_set(void)
{
    sl_capabilities_bound(0);
    (void)prctl(PR_SET_SECUREBITS,
                SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED |
                    SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                    SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED,
                0, 0, 0);
}

static bool become(const struct sl_cage_user *user)
{
    const uid_t uid = user->uid;
    const gid_t gid = user->gid;
    uid_t real_uid = 0, uid_now = 0, saved_uid = 0;
    gid_t real_gid = 0, gid_now = 0, saved_gid = 0;
    if (setgroups(user->groups_count, user->groups) != 0 || setresgid(gid, gid, gid) != 0 ||
        setresuid(uid, uid, uid) != 0) {
        return false;
    }
    (void)getresuid(&real_uid, &uid_now, &saved_uid);
    (void)getresgid(&real_gid, &gid_now, &saved_gid);
    return real_uid == uid && uid_now == uid && saved_uid == uid && real_gid == gid &&
           gid_now == gid && saved_gid == gid;
}

static void note(struct sl_cage_report *report, enum sl_cage_part part, bool holds)
{
    if (holds) {
        report->holds |= part;
    } else {
        report->lacks |= part;
    }
}

/* Who we are, and what we may become. */
static void enter_user(const struct sl_cage_rules *rules, struct sl_cage_report *report)
{
    int parent_signal = 0;
    pid_t parent = getppid();
    (void)prctl(PR_GET_PDEATHSIG, &parent_signal);
    drop_bounding_set();
    if (rules->has_user) {
        note(report, SL_CAGE_USER, become(&rules->user));
    }
    note(report, SL_CAGE_CAPABILITIES, sl_capabilities_keep(0) == SL_OK);
    note(report, SL_CAGE_NO_NEW_PRIVS, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    /* a change of user has cleared it; the parent may have died meanwhile */
    if (parent_signal != 0) {
        (void)prctl(PR_SET_PDEATHSIG, parent_signal);
        if (getppid() != parent) {
            (void)raise(parent_signal);
        }
    }
}

enum sl_err sl_cage_enter(const struct sl_cage_rules *rules, struct sl_cage_report *ret_report)
{
    struct sl_cage_report report = { .landlock_abi = sl_cage_landlock_abi() };
    const unsigned unbuilt = sl_cage_unbuilt();
    tzset(); /* the C library reads a file for it at first use, even for UTC */
    enter_user(rules, &report);
    note(&report, SL_CAGE_NO_DUMP, hide_memory());
    enum sl_err rc = SL_ENOENT;
    if (rules->role != SL_CAGE_TOKEN) {
        rc = (unbuilt & SL_CAGE_LANDLOCK) == 0 ? sl_cage_landlock(report.landlock_abi) : SL_ENOENT;
        note(&report, SL_CAGE_LANDLOCK, rc == SL_OK);
    }
    rc = (unbuilt & SL_CAGE_SECCOMP) != 0 ? SL_ENOENT
         : rules->role == SL_CAGE_TOKEN   ? sl_cage_seccomp_token()
                                          : sl_cage_seccomp(rules->role, rules->is_killing);
    note(&report, SL_CAGE_SECCOMP, rc == SL_OK);
    *ret_report = report;
    return report.lacks == 0 ? SL_OK : SL_ENOENT;
}

enum sl_err sl_cage_try(const struct sl_cage_rules *rules, struct sl_cage_report *ret_report)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct sl_cage_report report = { 0 };
        enum sl_err rc = sl_cage_enter(rules, &report);
        _exit(rc == SL_OK ? 0 : (int)report.lacks);
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
        (WEXITSTATUS(status) & ~SL_CAGE_ALL) != 0) {
        return SL_ESYS;
    }
    const unsigned lacks = (unsigned)WEXITSTATUS(status);
    const unsigned wanted = rules->has_user ? SL_CAGE_ALL : SL_CAGE_ALL & ~(unsigned)SL_CAGE_USER;
    *ret_report = (struct sl_cage_report){ .lacks = lacks,
                                           .holds = wanted & ~lacks,
                                           .landlock_abi = sl_cage_landlock_abi() };
    return lacks == 0 ? SL_OK : SL_ENOENT;
}

enum sl_err sl_cage_user_find(const char *name, struct sl_cage_user *ret_user)
{
    char memory[USER_BYTES_MAX];
    struct passwd entry, *found = NULL;
    uint64_t uid = 0;
    (void)getpwnam_r(name, &entry, memory, sizeof(memory), &found);
    if (found == NULL && sl_slice_number(sl_slice_cstr(name), &uid) == SL_OK && uid < UINT32_MAX) {
        (void)getpwuid_r((uid_t)uid, &entry, memory, sizeof(memory), &found);
    }
    if (found == NULL) {
        return SL_ENOENT;
    }
    struct sl_cage_user user = { .uid = found->pw_uid, .gid = found->pw_gid };
    int count = SL_CAGE_GROUPS_MAX;
    /* where there are more, as many as fit are there, and `count` says how many there would be */
    (void)getgrouplist(found->pw_name, found->pw_gid, user.groups, &count);
    user.groups_count = (size_t)SL_MIN(count, (int)SL_CAGE_GROUPS_MAX);
    *ret_user = user;
    return SL_OK;
}
