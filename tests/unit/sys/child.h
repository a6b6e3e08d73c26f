/* SPDX-License-Identifier: Apache-2.0 */
/** @file Trials in a child of the test, for what cannot be taken back. */
#pragma once
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILD_KILLED = 1000 }; /* plus the signal */

/** Does something and gives its errno, 0 when it went well. */
typedef int child_trial(void);

/** What a system call that gave `rc` comes to as a trial. */
static inline int child_errno(long rc)
{
    return rc >= 0 ? 0 : errno;
}

/** Runs `trial` in a child, after `enter` (which gives 0 when it went well). */
static inline int child_run(child_trial *enter, child_trial *trial)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        int failed = enter();
        _exit(failed != 0 ? failed : trial());
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : CHILD_KILLED + WTERMSIG(status);
}
