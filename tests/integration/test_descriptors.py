# SPDX-License-Identifier: Apache-2.0
"""Out of descriptors: accept pauses without spinning, says so, and goes on."""
import os
import socket
import subprocess
import time

import pytest

import ends
import peers
import sluice
from scale import PATIENCE, until

LIMIT = 96
CLIENTS_COUNT = 120  # each takes two descriptors in the worker


def cpu_during(one, seconds):
    """CPU seconds that the workers spend in so many seconds."""
    before = one.cpu_s()
    end = time.monotonic() + seconds
    until(lambda: time.monotonic() >= end, "time to pass", seconds + 5)
    return one.cpu_s() - before


def limit_descriptors(pid, count):
    """As the worker's own user: root without CAP_SYS_RESOURCE may do it to root only."""
    uid, gid = sluice.ids_of(pid)
    subprocess.run(["prlimit", f"--pid={pid}", f"--nofile={count}:{count}"], check=True,
                   **({"user": uid, "group": gid} if os.geteuid() == 0 else {}))


def crowd(one, stack):
    """Opens more connections than the worker has descriptors for; all end up in its queue."""
    clients = []
    for number in range(CLIENTS_COUNT):
        client = stack.enter_context(ends.PlainEnd(ends.dial(one.address())))
        client.send(b"%05d" % number)
        clients.append(client)
    return clients


def all_served_in_turn(clients):
    """Each is served; leaving makes room for those that wait."""
    for number, client in enumerate(clients):
        assert client.recv_exactly(5) == b"%05d" % number
        client.end()
        assert client.fate() == "clean"
        client.close()


@pytest.fixture(name="echo")
def fixture_echo(stack):
    return stack.enter_context(peers.ManyEcho())


class TestDescriptors:
    """RLIMIT_NOFILE lowered at start and while running."""

    def test_a_low_limit_at_start_pauses_and_goes_on(self, fleet, echo, stack):
        one = fleet.serve("tcp://127.0.0.1:0", echo.url, nofile=LIMIT)
        clients = crowd(one, stack)
        record = one.wait_log("accept_paused")
        assert record["reason"] in ("no_descriptors", "connections_limit")
        assert cpu_during(one, 1.0) < 0.15 * PATIENCE, "the worker spins"
        all_served_in_turn(clients)
        one.wait_log("accept_resumed")
        assert not one.find_logs("connection", reason="no_descriptors")

    def test_running_out_while_running_pauses_and_goes_on(self, fleet, echo, stack):
        one = fleet.serve("tcp://127.0.0.1:0", echo.url)
        pid = one.worker_pid()
        highest = max(int(name) for name in os.listdir(f"/proc/{pid}/fd"))
        limit_descriptors(pid, highest + 21)
        clients = crowd(one, stack)
        one.wait_log("accept_paused", reason="no_descriptors")
        assert cpu_during(one, 1.0) < 0.15 * PATIENCE, "the worker spins"
        served = failed = 0
        for number, client in enumerate(clients):
            try:
                assert client.recv_exactly(5) == b"%05d" % number
                client.end()
                client.fate()
                served += 1
            except (OSError, AssertionError):
                failed += 1  # had no descriptor for its upstream
            client.close()
        assert served >= CLIENTS_COUNT // 2, f"{served} served, {failed} failed"
        assert failed == len(one.find_logs("connection", reason="no_descriptors"))
        one.wait_log("accept_resumed")
        with ends.PlainEnd(ends.dial(one.address())) as client:
            client.send(b"after all that")
            assert client.recv_exactly(14) == b"after all that"

    def test_the_log_does_not_repeat_itself_while_paused(self, fleet, echo, stack):
        one = fleet.serve("tcp://127.0.0.1:0", echo.url, nofile=LIMIT)
        crowd(one, stack)
        one.wait_log("accept_paused")
        cpu_during(one, 1.0)
        assert len(one.find_logs("accept_paused")) <= 3


class TestConnectionsLimit:
    """`limits: {connections: N}`, in each worker."""

    def test_more_wait_until_one_ends(self, fleet, echo, stack):
        one = fleet.run_one("tcp://127.0.0.1:0", echo.url, top={"limits": {"connections": 10}})
        clients = [stack.enter_context(ends.PlainEnd(ends.dial(one.address())))
                   for _ in range(12)]
        for number, client in enumerate(clients):
            client.send(b"%05d" % number)
        for number, client in enumerate(clients[:10]):
            assert client.recv_exactly(5) == b"%05d" % number
        one.wait_log("accept_paused", reason="connections_limit")
        clients[10].sock.settimeout(0.3)
        with pytest.raises((TimeoutError, socket.timeout)):
            clients[10].recv()
        clients[10].sock.settimeout(ends.TIMEOUT_S)
        for client in clients[:2]:
            client.end()
            client.fate()
            client.close()
        for number in (10, 11):
            assert clients[number].recv_exactly(5) == b"%05d" % number
        one.wait_log("accept_resumed")
