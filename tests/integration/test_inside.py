# SPDX-License-Identifier: Apache-2.0
"""What the cages forbid, tried within the running program's own processes (x86-64, as root)."""
import errno
import os
import platform
import pwd
import signal

import pytest

import ends
import inside
import names
import sluice
from scale import SANITIZED, until
from test_keys import keys_pid, start, works

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="traces other processes"),
    pytest.mark.skipif("SLUICE_TRACES" in os.environ, reason="strace traces it already"),
    pytest.mark.skipif(SANITIZED, reason="such a build has half a cage"),
    pytest.mark.skipif(platform.machine() != "x86_64", reason="knows the registers of one machine"),
]

AT_FDCWD, O_RDONLY, O_CREAT = -100, 0, 0o100
AF_UNIX, AF_INET, AF_NETLINK, AF_PACKET, STREAM, DGRAM, RAW = 1, 2, 16, 17, 1, 2, 3
NO_PID = 0x3FFFFFFF
PROT_READ, PROT_EXEC, MAP_PRIVATE_ANONYMOUS = 1, 4, 0x22

# what is tried: number, arguments, and what comes of it without a cage (None: it succeeds)
TRIALS = {
    "open a file": (257, (AT_FDCWD, b"/etc/passwd", O_RDONLY), None),
    "open its own memory": (257, (AT_FDCWD, b"/proc/self/mem", O_RDONLY), None),
    "make a file": (257, (AT_FDCWD, b"/tmp/sluice-escape", O_CREAT | 1, 0o600), None),
    "openat2": (437, (AT_FDCWD, b"/etc/passwd", b"\0" * 24, 24), None),
    "list a folder": (217, (-1, 0, 0), errno.EBADF),
    "stat a file": (262, (AT_FDCWD, b"/etc/passwd", b"\0" * 144, 0), None),
    "a netlink socket": (41, (AF_NETLINK, RAW, 0), None),
    "a packet socket": (41, (AF_PACKET, RAW, 0), None),
    "a UDP socket": (41, (AF_INET, DGRAM, 0), None),
    "a Unix datagram socket": (41, (AF_UNIX, DGRAM, 0), None),
    "a pair of sockets": (53, (AF_UNIX, STREAM, 0, b"\0" * 8), None),
    "listen": (50, (-1, 1), errno.EBADF),
    "exec": (59, (b"/nonexistent", 0, 0), errno.ENOENT),
    "execveat": (322, (AT_FDCWD, b"/nonexistent", 0, 0, 0), errno.ENOENT),
    "clone": (56, (0x00010000,), errno.EINVAL),  # CLONE_THREAD alone is no valid wish
    "clone3": (435, (b"\0" * 64, 1), errno.EINVAL),
    "ptrace": (101, (16, NO_PID, 0, 0), errno.ESRCH),
    "read another's memory": (310, (NO_PID, 0, 0, 0, 0, 0), errno.ESRCH),
    "kill": (62, (NO_PID, 0), errno.ESRCH),
    "signal all": (62, (-1, 0), None),
    "pidfd_open": (434, (NO_PID, 0), errno.ESRCH),
    "setuid": (105, (0,), None),
    "unshare": (272, (0,), None),
    "mount": (165, (b"x", b"/nonexistent", b"x", 0, 0), errno.ENOENT),
    "memory that can be run": (9, (0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE_ANONYMOUS, -1, 0),
                               None),
    "io_uring": (425, (0, b"\0" * 120), errno.EINVAL),
    "bpf": (321, (0xFFFF, 0, 0), errno.EINVAL),
    "keyctl": (250, (0xFFFF,), errno.EOPNOTSUPP),
    "userfaultfd": (323, (0xFFFF,), errno.EINVAL),
    "a memfd": (319, (b"x", 0), None),
    "prctl": (157, (38, 1, 0, 0, 0), None),
    "another seccomp filter": (317, (0xFFFF, 0, 0), errno.EINVAL),
    "change a limit": (302, (0, 7, 0, b"\0" * 16), None),
    "receive over the supervisor's socket by number": (299, (-1, 0, 0, 0, 0), errno.EBADF),
}
# where we are in a container, these may be refused by it
NOT_EVEN_ROOT = {"a netlink socket", "a packet socket", "openat2", "unshare", "mount", "io_uring",
                 "bpf", "keyctl", "userfaultfd", "read another's memory", "change a limit"}
# what only a worker may
WORKERS = {
    "a TCP socket": (41, (AF_INET, STREAM, 0)),
    "a Unix stream socket": (41, (AF_UNIX, STREAM, 0)),
    "accept": (288, (-1, 0, 0, 0)),
    "connect": (42, (-1, b"\2\0", 16)),
    "bind": (49, (-1, b"\2\0", 16)),  # upstream.source; there is no listen
}


def is_waiting(pid):
    """In its loop, where a visitor finds it."""
    with open(f"/proc/{pid}/syscall", encoding="ascii") as file:
        return file.read().split()[0] in ("232", "281", "441")


def outcomes_in(pid, trials):
    until(lambda: is_waiting(pid), "the loop")
    with inside.Visitor(pid) as visitor:
        return {name: visitor.call(trial[0], *trial[1]) for name, trial in trials.items()}


class TestInside:
    """The same calls with a cage and without."""

    @pytest.mark.parametrize("role", ["worker", "keys"])
    def test_each_is_refused_within_the_cage(self, role, fleet, pki, backend):
        one = start(fleet, pki, backend().url)
        pid = keys_pid(one) if role == "keys" else one.worker_pid()
        got = outcomes_in(pid, TRIALS)
        assert {name: result for name, result in got.items() if result != -errno.EPERM} == {}
        got = outcomes_in(pid, WORKERS)
        refused = {name for name, result in got.items() if result == -errno.EPERM}
        assert refused == (set(WORKERS) if role == "keys" else set())
        works(one, pki)  # none the worse for it

    def test_the_agent_may_only_ask(self, fleet, backend, stack):
        dns = stack.enter_context(names.NameServer())
        dns.set("app.test", "A", "127.0.0.1")
        one = fleet.run_one("tcp://127.0.0.1:0", f"tcp://app.test:{backend().port}",
                            top={"dns": dns.config(min_ttl="1h")})
        pid = one.wait_log("agent_started")["pid"]
        until(lambda: dns.count("app.test") >= 2, "its first lookup")
        got = outcomes_in(pid, TRIALS)
        allowed = {name for name, result in got.items() if result != -errno.EPERM}
        assert allowed == {"a UDP socket"}
        got = outcomes_in(pid, WORKERS)
        allowed = {name for name, result in got.items() if result != -errno.EPERM}
        assert allowed == {"a TCP socket", "connect"}

    @pytest.mark.parametrize("role", ["worker", "keys"])
    def test_without_a_cage_they_are_not(self, role, fleet, pki, backend):
        one = fleet.run({"cage": {"mode": "off"}, "user": "root", "services": {"main": {
            "listen": "tls://127.0.0.1:0", "connect": backend().url,
            "certificates": [pki.server.as_config()]}}})
        pid = keys_pid(one) if role == "keys" else one.worker_pid()
        try:
            got = outcomes_in(pid, TRIALS)
        finally:
            with_file = os.path.exists("/tmp/sluice-escape")
            if with_file:
                os.unlink("/tmp/sluice-escape")
        wrong = {name: got[name] for name, (_, _, expected) in TRIALS.items()
                 if name not in NOT_EVEN_ROOT
                 and (got[name] < 0 if expected is None else got[name] != -expected)}
        assert wrong == {} and with_file
        works(one, pki)

    @pytest.mark.parametrize("role", ["worker", "keys"])
    def test_with_kill_the_first_try_is_the_end(self, role, fleet, pki, backend):
        one = start_killing(fleet, pki, backend().url)
        one.may_lose_workers = True
        pid = keys_pid(one) if role == "keys" else one.worker_pid()
        until(lambda: is_waiting(pid), "the loop")
        with pytest.raises((ProcessLookupError, AssertionError)):
            with inside.Visitor(pid) as visitor:
                visitor.call(*TRIALS["exec"][:1], *TRIALS["exec"][1])
        died = one.wait_log("keys_died" if role == "keys" else "worker_died", pid=pid)
        assert died["signal"] == signal.SIGSYS
        until(lambda: len(one.worker_pids()) == 1, "a worker")
        works(one, pki)


def start_killing(fleet, pki, url):
    return fleet.run({"cage": {"action": "kill"}, "services": {"main": {
        "listen": "tls://127.0.0.1:0", "connect": url,
        "certificates": [pki.server.as_config()]}}})


class TestProcesses:
    """What the kernel says of each process."""

    def test_each_has_what_it_should(self, fleet, pki, backend):
        one = start(fleet, pki, backend().url, workers=2)
        nobody = str(pwd.getpwnam("nobody").pw_uid)
        found = {"supervisor": one.pid, "keys": keys_pid(one),
                 **{f"worker {index}": pid for index, pid in one.worker_pids().items()}}
        for name, pid in found.items():
            status = sluice.status_of(pid)
            print(name, {key: status[key] for key in ("Uid", "Seccomp", "CapEff", "CapBnd",
                                                      "NoNewPrivs")})
            assert os.stat(f"/proc/{pid}/mem").st_uid == 0 and not core_limit_of(pid)
            if name == "supervisor":
                continue
            assert status["Uid"].split() == [nobody] * 4
            assert (status["Seccomp"], status["NoNewPrivs"]) == ("2", "1")
            for which in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                assert int(status[which], 16) == 0
        with ends.tls_dial(one.address(), ends.client_context(pki.ca)) as client:
            client.end()


def core_limit_of(pid):
    with open(f"/proc/{pid}/limits", encoding="ascii") as limits:
        line = next(line for line in limits if line.startswith("Max core file size"))
    return line.split()[4:6] != ["0", "0"]
