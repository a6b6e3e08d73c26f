# SPDX-License-Identifier: Apache-2.0
"""A service manager for one program: passes sockets as sd_listen_fds(3) says.

usage: activation.py NAMES FD[,FD…] PROGRAM ARGUMENT…
NAMES may be "-" for none; LISTEN_PID and the rest of the environment are the program's own.
"""
import fcntl
import os
import sys

FIRST_FD = 3
APART_FD = 100  # above all that may be passed


def prefix(names, sockets):
    """What to put before a command; the sockets go into pass_fds as well."""
    fds = ",".join(str(one.fileno()) for one in sockets)
    return [sys.executable, __file__, "-" if names is None else names, fds]


def main():
    names, fds = sys.argv[1:3]
    apart = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, APART_FD) for fd in fds.split(",")]
    for i, fd in enumerate(apart):
        os.dup2(fd, FIRST_FD + i)
        os.close(fd)
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(apart)))
    if names != "-":
        os.environ["LISTEN_FDNAMES"] = names
    os.execv(sys.argv[3], sys.argv[3:])


if __name__ == "__main__":
    main()
