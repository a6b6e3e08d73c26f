# SPDX-License-Identifier: Apache-2.0
"""strace: what workers and keys do in their cages is what the cages allow. The short form;
`./start trace` does it under the whole suite."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

import pytest

import ends
import peers
import sluice
import syscalls
from patterns import ALL, UNIX, Pattern
from scale import SANITIZED, until
from test_keys import keys_pid, works

IS_TRACED = "SLUICE_TRACES" in os.environ


def can_trace():
    """Whether strace is there, and may trace."""
    return shutil.which("strace") is not None and subprocess.run(
        ["strace", "-o", "/dev/null", "true"], check=False, capture_output=True).returncode == 0


pytestmark = [
    pytest.mark.skipif(SANITIZED, reason="such a build has no seccomp"),
    pytest.mark.skipif(IS_TRACED, reason="all is traced already"),
    pytest.mark.skipif(not can_trace(), reason="wants strace"),
]


@pytest.fixture(name="traced")
def fixture_traced(folder, monkeypatch):
    """From here on programs are traced; gives what they did when they have ended."""
    traces = pathlib.Path(folder) / "traces"
    traces.mkdir()
    monkeypatch.setenv("SLUICE_TRACES", str(traces))
    monkeypatch.setenv("SLUICE_TRACED", sluice.BINARY)
    monkeypatch.setattr(sluice, "BINARY", str(pathlib.Path(__file__).with_name("traced")))

    def ended(one):
        one.signal(signal.SIGTERM)
        one.wait_exit(20.0)
        # strace ends after the program
        until(lambda: re.match(rf"{one.pid} +\+\+\+ exited", last_line(traces)), "the end of the trace",
              20.0)
        trace = syscalls.Trace()
        trace.read_folder(traces)
        return trace

    return ended


def last_line(traces):
    (path,) = traces.iterdir()
    return path.read_text(errors="replace").rstrip("\n").rsplit("\n", 1)[-1]


def check(trace, roles):
    assert trace.refused == []
    for role in roles:
        assert trace.caged_count[role] >= 1 and sum(trace.used[role].values()) > 10
        assert trace.surplus(role) == set()


class TestTraced:
    """Everything that a worker and the keys do."""

    @pytest.mark.parametrize("name", ALL + UNIX)
    def test_each_pattern(self, name, traced, fleet, backend, pki):
        pattern = Pattern(name, fleet, backend, pki, peers.sink)
        with pattern.dial() as client:
            client.send(b"x" * 300000)
            client.end()
            assert len(client.recv_all()) == 64
        check(traced(pattern.sluice),
              ["worker", "keys"] if pattern.front == "tls" else ["worker"])

    def test_deaths_failures_and_a_drain(self, traced, fleet, backend, pki):
        one = fleet.run(config_of(backend, pki))
        one.may_lose_workers = True
        works(one, pki)
        with ends.PlainEnd(ends.dial(one.address("mutual"))) as client:
            client.send(b"x")
            assert client.recv_exactly(1) == b"x"
        with ends.PlainEnd(ends.dial(one.address("refused"))) as client:
            client.send(b"GET / HTTP/1.0\r\n\r\n")
            client.recv_all()
        os.kill(keys_pid(one), signal.SIGKILL)
        works(one, pki)
        victim = one.worker_pid(0)
        os.kill(victim, signal.SIGKILL)
        one.wait_log("worker_died", pid=victim)
        until(lambda: len(one.worker_pids()) == 2, "the worker again")
        until(lambda: sluice.status_of(one.worker_pid(0))["Seccomp"] == "2", "its cage")
        works(one, pki)
        with ends.tls_dial(one.address(), ends.client_context(pki.ca)) as client:
            client.send(b"held")
            assert client.recv_exactly(4) == b"held"
            one.signal(signal.SIGTERM)
            one.wait_log("drain")
            client.end()
            client.fate()
        trace = traced(one)
        check(trace, ["worker", "keys"])
        assert trace.caged_count["worker"] >= 3 and trace.caged_count["keys"] >= 2


def config_of(backend, pki):
    return {"workers": 2, "services": {
        "main": {"listen": "tls://127.0.0.1:0", "connect": backend().url,
                 "certificates": [pki.server.as_config(), pki.server_rsa.as_config()]},
        "refused": {"listen": "tls://127.0.0.1:0", "connect": "tcp://127.0.0.1:1",
                    "certificates": [pki.server.as_config()]},
        "mutual": {"listen": "tcp://127.0.0.1:0",
                   "connect": backend(context=ends.server_context(pki.server, pki.ca)).url,
                   "upstream": {"ca": pki.ca, "certificate": pki.client.as_config()}}}}


class TestComparison:
    """That it would find something."""

    TRACE = ['7 prctl(PR_SET_NAME, "sluice-worker") = 0', '7 openat(AT_FDCWD, "x", O_RDONLY) = 3',
             "7 seccomp(SECCOMP_SET_MODE_FILTER, 0, {len=9, filter=0x1}) = 0"]

    @pytest.mark.parametrize("line, is_surplus, is_refused", [
        ('7 write(2, "x", 1) = 1', False, False),
        ('7 openat(AT_FDCWD, "x", O_RDONLY) = -1 EPERM (Operation not permitted)', True, True),
        ("7 socket(AF_INET, SOCK_DGRAM, 0) = -1 EPERM (Operation not permitted)", False, True),
        ("7 +++ killed by SIGSYS +++", False, True),
        ("8 openat(AT_FDCWD) = 3", False, False),
    ])
    def test_a_call_that_is_not_allowed_is_seen(self, line, is_surplus, is_refused):
        trace = syscalls.Trace()
        trace.read(self.TRACE + [line])
        assert bool(trace.surplus("worker")) == is_surplus
        assert bool(trace.refused) == is_refused

    def test_half_lines_are_put_together(self):
        trace = syscalls.Trace()
        trace.read(self.TRACE + ["7 socket(AF_INET, SOCK_DGRAM, 0 <unfinished ...>", "9 close(1) = 0",
                                 "7 <... socket resumed>) = -1 EPERM (Operation not permitted)"])
        assert trace.refused and trace.used["worker"]["socket"] == 1

    def test_the_module_says_so_by_its_status(self, folder):
        path = pathlib.Path(folder) / "1"
        path.write_text("\n".join(self.TRACE + ["7 ptrace(PTRACE_TRACEME) = 0"]))
        done = subprocess.run([sys.executable, syscalls.__file__, folder], check=False,
                              capture_output=True, text=True)
        assert done.returncode == 1 and "NOT ALLOWED: ptrace" in done.stdout
