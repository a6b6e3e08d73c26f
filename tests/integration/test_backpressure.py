# SPDX-License-Identifier: Apache-2.0
"""A slow reader stops the sender and costs a bounded buffer."""
import hashlib
import threading

import pytest

import peers
from patterns import ALL, Pattern
from scale import BIG_BYTES, MIB, PATIENCE, SANITIZED, blocks, blocks_hash, until_still

RSS_MAX_BYTES = (24 if SANITIZED else 6) * MIB
KERNEL_MAX_BYTES = 48 * MIB  # what the socket buffers of both connections may hold
# The full size where it counts most; enough to be far beyond all buffers elsewhere.
SIZES = {name: BIG_BYTES if name == "tls-tcp" else max(BIG_BYTES // 4, 2 * KERNEL_MAX_BYTES)
         for name in ALL}


def stalled(pattern, counter, rss_before, total_bytes):
    """The sender has come to stand, early, and the worker has not grown."""
    sent = until_still(counter, "the sender to come to stand", still_s=0.7)
    assert sent < min(KERNEL_MAX_BYTES, total_bytes), "the sender was not stopped"
    assert pattern.sluice.rss_bytes() - rss_before < RSS_MAX_BYTES
    cpu_before = pattern.sluice.cpu_s()
    assert until_still(counter, "the sender to stay still", still_s=0.5) == sent
    assert pattern.sluice.cpu_s() - cpu_before < 0.1 * PATIENCE, "the worker spins"


def check_rss_after(pattern, rss_before):
    """All went through; the sanitizers keep freed memory, so that it says nothing there."""
    if not SANITIZED:
        assert pattern.sluice.rss_bytes() - rss_before < RSS_MAX_BYTES


def warmed_up(pattern):
    """RSS after one connection has come and gone, so that caches count as there before."""
    with pattern.dial() as client:
        pattern.backend.visit().go.set()
        client.end()
        client.fate()
    pattern.sluice.wait_connection()
    return pattern.sluice.rss_bytes()


@pytest.mark.parametrize("name", ALL)
class TestSlowReader:
    """A sender with far more than fits, and a reader that sleeps."""

    def test_a_sleeping_upstream_stops_the_client(self, name, fleet, backend, pki):
        total_bytes = SIZES[name]
        pattern = Pattern(name, fleet, backend, pki, peers.hold)
        rss_before = warmed_up(pattern)
        progress = {"sent": 0}
        with pattern.dial() as client:
            client.sock.settimeout(120 * PATIENCE)

            def send():
                for block in blocks(total_bytes):
                    client.send(block)
                    progress["sent"] += len(block)
                client.end()

            thread = threading.Thread(target=send, daemon=True)
            thread.start()
            stalled(pattern, lambda: progress["sent"], rss_before, total_bytes)
            pattern.backend.visit(1).go.set()
            thread.join(120 * PATIENCE)
            assert not thread.is_alive() and progress["sent"] == total_bytes
            assert client.recv_all().decode() == blocks_hash(total_bytes)
            check_rss_after(pattern, rss_before)
        pattern.sluice.wait_logs(2, "connection", reason="done")

    def test_a_sleeping_client_stops_the_upstream(self, name, fleet, backend, pki):
        total_bytes = SIZES[name]

        def behave(visit):
            visit.sock.settimeout(120 * PATIENCE)
            if len(pattern.backend.visits) == 1:
                peers.echo(visit)
            else:
                peers.source(total_bytes)(visit)

        pattern = Pattern(name, fleet, backend, pki, behave)
        rss_before = warmed_up(pattern)
        with pattern.dial() as client:
            visit = pattern.backend.visit(1)
            stalled(pattern, lambda: visit.sent_bytes, rss_before, total_bytes)
            digest = hashlib.sha256()
            while data := client.recv():
                digest.update(data)
            assert digest.hexdigest() == blocks_hash(total_bytes)
            check_rss_after(pattern, rss_before)
            client.end()
            assert visit.wait() == "done"
        pattern.sluice.wait_logs(2, "connection", reason="done")


class TestManySlowReaders:
    """The bound holds for each connection."""

    def test_fifty_stalled_connections_cost_fifty_buffers_at_most(self, fleet, backend, pki, stack):
        count, buffer_bytes = 50, 65536
        pattern = Pattern("tcp-tcp", fleet, backend, pki, peers.source(64 * MIB),
                          top={"limits": {"buffer": "64KiB"}})
        with pattern.dial() as client:
            client.recv()
            client.reset()
        pattern.sluice.wait_connection()
        rss_before = pattern.sluice.rss_bytes()
        for _ in range(count):
            stack.enter_context(pattern.dial())
        pattern.backend.visit(count)
        until_still(lambda: sum(v.sent_bytes for v in pattern.backend.visits[1:]),
                    "all senders to come to stand")
        per_connection = buffer_bytes + 16384
        bound = count * per_connection * (4 if SANITIZED else 1) + RSS_MAX_BYTES
        assert pattern.sluice.rss_bytes() - rss_before < bound
