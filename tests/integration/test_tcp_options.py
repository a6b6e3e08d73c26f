# SPDX-License-Identifier: Apache-2.0
"""What TCP is told on both sides: the address to connect from, keepalive, the user timeout."""
import ctypes
import os
import socket
import subprocess

import pytest

import ends
from scale import until

PIDFD_GETFD = 438  # the number on every architecture


def held(one, data=b"here"):
    """A connection through `one` to an echo; gives the client."""
    client = ends.PlainEnd(ends.dial(one.address()))
    client.send(data)
    assert client.recv_exactly(len(data)) == data
    return client


def borrow(pid):
    """Copies of a process's sockets."""
    pidfd = os.pidfd_open(pid)
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            fd = ctypes.CDLL(None, use_errno=True).syscall(PIDFD_GETFD, pidfd, int(name), 0)
            if fd < 0:
                pytest.skip(f"may not look into the worker: {os.strerror(ctypes.get_errno())}")
            if os.path.realpath(f"/proc/self/fd/{fd}").rpartition("/")[2].startswith("socket:"):
                with socket.socket(fileno=fd) as sock:
                    yield sock
            else:
                os.close(fd)
    finally:
        os.close(pidfd)


def options_of(one, is_wanted):
    """Keepalive (idle, interval, count) and user timeout of the worker's TCP connections that
    is_wanted(local port, remote port)."""
    found = []
    for sock in borrow(one.worker_pid()):
        if sock.family != socket.AF_INET:
            continue
        try:
            remote = sock.getpeername()[1]
        except OSError:
            continue  # it listens
        if is_wanted(sock.getsockname()[1], remote):
            tcp = [sock.getsockopt(socket.IPPROTO_TCP, name) for name in (
                socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT,
                socket.TCP_USER_TIMEOUT)]
            found.append([bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)), *tcp])
    return found


class TestSource:
    """The address that a server sees."""

    @pytest.mark.parametrize("source", ["127.0.0.9", ["::1", "127.0.0.9"]])
    def test_a_server_sees_the_source(self, fleet, backend, source):
        behind = backend()
        one = fleet.run_one("tcp://127.0.0.1:0", f"tcp://localhost:{behind.port}",
                            upstream={"source": source})
        with held(one):
            assert behind.visit().sock.getpeername()[0] == "127.0.0.9"

    def test_over_ipv6_as_well(self, fleet, backend):
        behind = backend(host="::1")
        one = fleet.run_one("tcp://127.0.0.1:0", behind.url, upstream={"source": "::1"})
        with held(one):
            assert behind.visit().sock.getpeername()[0] == "::1"

    def test_an_address_of_another_machine_reaches_nobody(self, fleet, backend):
        one = fleet.run_one("tcp://127.0.0.1:0", backend().url, upstream={"source": "192.0.2.1"})
        assert ends.fate_of_dialling(one.address()) == "reset"
        one.wait_connection(reason="upstream_unreachable")


class TestTimers:
    """Read back from the worker's own sockets, and from what the kernel shows."""

    KEEPALIVE = {"idle": "61s", "interval": "7s", "count": 3}

    def test_upstreams(self, fleet, backend):
        behind = backend()
        one = fleet.run_one("tcp://127.0.0.1:0", behind.url,
                            upstream={"keepalive": self.KEEPALIVE, "user_timeout": "9s"})
        with held(one):
            assert options_of(one, lambda _, remote: remote == behind.port) == [
                [True, 61, 7, 3, 9000]]
            assert options_of(one, lambda local, _: local == one.port())[0][0] is False

    def test_clients(self, fleet, backend):
        behind = backend()
        one = fleet.run_one("tcp://127.0.0.1:0", behind.url, keepalive=self.KEEPALIVE,
                            user_timeout="9s")
        with held(one):
            assert options_of(one, lambda local, _: local == one.port()) == [[True, 61, 7, 3, 9000]]
            assert options_of(one, lambda _, remote: remote == behind.port)[0][0] is False

    def test_the_kernel_has_its_timer_set(self, fleet, backend):
        behind = backend()
        one = fleet.run_one("tcp://127.0.0.1:0", behind.url,
                            upstream={"keepalive": {"idle": "2m"}})

        def is_set():
            shown = subprocess.run(["ss", "-Htno", "state", "established", "dport", "=",
                                    str(behind.port)], capture_output=True, text=True, check=True)
            return "timer:(keepalive,1min" in shown.stdout

        with held(one):
            until(is_set, "the timer")
