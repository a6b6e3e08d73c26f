# SPDX-License-Identifier: Apache-2.0
"""Calls that fail, a clock that jumps, a log that cannot be written: what was promised still holds."""
import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time

import pytest

import ends
import faults
import peers
import streams
from scale import MIB, PATIENCE, SLOW, blocks, until

YEAR_S = 366 * 24 * 3600
needs_faults = pytest.mark.skipif(not faults.HAS_FAULTS, reason=faults.WHY_NOT)


@pytest.fixture(name="broken")
def fixture_broken(folder):
    return faults.Faults(folder)


def run_broken(fleet, broken, listen, connect, **service):
    """The service "main", in whose workers calls can be made to fail."""
    return fleet.run({"services": {"main": {"listen": listen, "connect": connect, **service}}},
                     env=broken.env)


def echoes(address, word=b"hello"):
    with ends.PlainEnd(ends.dial(address)) as client:
        client.send(word)
        return client.recv_exactly(len(word)) == word


@needs_faults
class TestFailingCalls:
    """In both workers of a tunnel, while streams go both ways: whole, or cut off and said to be."""

    # What each call that fails must not cost: a retry that is owed makes all streams whole.
    @pytest.mark.parametrize("kind, every, are_all_whole", [
        ("eintr", 3, True), ("short", 2, True), ("send_enobufs", 40, False),
        ("recv_enomem", 40, False), ("no_fd", 3, False), ("alloc", 200, False),
        ("alloc", 15, False)])
    def test_streams_are_whole_or_cut_and_then_all_is_well(self, fleet, pki, backend, broken, kind,
                                                           every, are_all_whole):
        tunnel = streams.Tunnel(fleet, pki, backend, 2 * MIB, env=broken.env)
        assert tunnel.run(4) == 4
        descriptors = [one.descriptor_count() for one in (tunnel.front, tunnel.back)]
        broken.set(**{kind: every})
        whole = tunnel.run(12)
        broken.clear()
        assert broken.failed(kind) > 0
        if are_all_whole:
            assert whole == 12
        until(lambda: tunnel.run(1) == 1, "a stream that is whole again")
        assert tunnel.run(8) == 8
        until(lambda: [one.descriptor_count() for one in (tunnel.front, tunnel.back)]
              <= descriptors, "all descriptors to be closed")


@needs_faults
class TestClock:
    """The wall clock jumps; timers do not care, certificates and tickets do, sanely."""

    @pytest.mark.parametrize("jump_s", [YEAR_S, -YEAR_S])
    def test_a_year_ends_nothing_that_is_open_and_holds_up_no_timer(self, fleet, pki, backend,
                                                                   broken, jump_s):
        one = run_broken(fleet, broken, "tls://127.0.0.1:0", backend().url,
                         certificates=[pki.server.as_config()],
                         timeouts={"handshake": "500ms", "idle": "1s"})
        context = ends.client_context(pki.ca)
        with ends.tls_dial(one.address(), context) as client, \
                ends.PlainEnd(ends.dial(one.address())) as silent:
            client.send(b"before")
            assert client.recv_exactly(6) == b"before"
            begin = time.monotonic()
            broken.shift_clock(jump_s)
            client.send(b"after")
            assert client.recv_exactly(5) == b"after"
            silent.fate()
            assert time.monotonic() - begin < 3 * PATIENCE
            client.fate()
            assert 0.8 < time.monotonic() - begin < 4 * PATIENCE
        one.wait_connection(reason="handshake_timeout")
        one.wait_connection(reason="idle_timeout")
        before = one.cpu_s()
        time.sleep(0.5)
        assert one.cpu_s() - before < 0.2 * PATIENCE, "it spins"
        with ends.tls_dial(one.address(), context) as client:
            client.send(b"new")
            assert client.recv_exactly(3) == b"new"

    @pytest.mark.parametrize("jump_s", [YEAR_S, -YEAR_S])
    def test_a_ticket_of_another_year_makes_a_full_handshake(self, fleet, pki, backend, broken,
                                                             jump_s):
        one = run_broken(fleet, broken, "tls://127.0.0.1:0", backend().url,
                         certificates=[pki.server.as_config()])
        context = ends.client_context(pki.ca)
        session = None
        for offset_s, is_resumed in [(0, False), (0, True), (jump_s, False), (jump_s, True)]:
            broken.shift_clock(offset_s)
            with ends.tls_dial(one.address(), context, session=session) as client:
                client.send(b"x")
                assert client.recv_exactly(1) == b"x"
                assert client.tls.session_reused is is_resumed, offset_s
                session = client.tls.session
                client.end()
                client.fate()

    @pytest.mark.parametrize("jump_s", [YEAR_S, -YEAR_S])
    def test_an_upstream_out_of_its_time_is_not_trusted_until_it_is_again(self, fleet, pki,
                                                                         backend, broken, jump_s):
        up = backend(context=ends.server_context(pki.server))
        one = run_broken(fleet, broken, "tcp://127.0.0.1:0", up.url,
                         upstream={"ca": pki.ca})
        assert echoes(one.address())
        broken.shift_clock(jump_s)
        with ends.PlainEnd(ends.dial(one.address())) as client:
            client.send(b"x")
            assert client.fate() == "reset"
        one.wait_connection(reason="upstream_unverified")
        broken.shift_clock(0)
        assert echoes(one.address())


class TestLog:
    """Where lines go to is full, or does not read: traffic goes on, and what is lost is counted."""

    def test_a_full_disk_holds_up_nobody(self, fleet, backend):
        with open("/dev/full", "wb") as full:
            one = fleet.start(["tcp://127.0.0.1:0", backend().url, "--workers", "1"], stderr=full)
            begin = time.monotonic()
            for _ in range(100):
                assert echoes(one.address())
            assert time.monotonic() - begin < 5 * PATIENCE

    @needs_faults
    def test_a_disk_that_was_full_is_told_of(self, fleet, backend, broken):
        one = run_broken(fleet, broken, "tcp://127.0.0.1:0", backend().url)
        assert echoes(one.address())
        one.wait_connection()
        broken.set(log_enospc=1)
        for _ in range(20):
            assert echoes(one.address())
        until(lambda: broken.failed("log_enospc") >= 1, "lines to be lost")
        broken.clear()
        assert echoes(one.address())
        lost = one.wait_log("log_dropped")["lines"]
        one.signal(signal.SIGTERM)
        one.wait_exit()
        known = len(one.find_logs("connection"))
        assert lost >= 1 and known + one.wait_log("stop")["log_lines_dropped"] == 22

    def test_a_pipe_that_nobody_reads_holds_up_nobody(self, fleet, backend, stack):
        read_end, write_end = os.pipe()
        stack.callback(os.close, read_end)
        one = fleet.start(["tcp://127.0.0.1:0", backend().url, "--workers", "1", "--log-format",
                           "json"], stderr=write_end)
        os.close(write_end)
        slowest_s = 0
        for _ in range(1900):  # their lines are more than the pipe and our buffer hold
            begin = time.monotonic()
            assert echoes(one.address())
            slowest_s = max(slowest_s, time.monotonic() - begin)
        assert slowest_s < 0.5 * PATIENCE
        text = bytearray()

        def read():
            while data := os.read(read_end, 1 << 20):
                text.extend(data)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        until(lambda: b"log_dropped" in text, "the lost lines to be told of")
        one.signal(signal.SIGTERM)
        assert one.wait_exit() == 0
        reader.join(10)
        lines = [json.loads(line) for line in text.splitlines()]
        known = sum(line["event"] == "connection" for line in lines)
        lost = [line["lines"] for line in lines if line["event"] == "log_dropped"]
        assert known + lines[-1]["log_lines_dropped"] == 1900 and 0 < lost[-1] <= 1900 - known


SOURCE = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    peer, _ = listener.accept()
    sys.path.insert(0, sys.argv[1])
    import scale
    for block in scale.blocks(1 << 40):
        peer.sendall(block)
"""


class TestDeath:
    """Somebody is killed in the middle of a stream."""

    def test_a_killed_backend_leaves_a_part_that_is_right(self, fleet, stack):
        server = stack.enter_context(subprocess.Popen(
            [sys.executable, "-c", SOURCE, os.path.dirname(__file__)], stdout=subprocess.PIPE))
        stack.callback(server.kill)
        port = int(server.stdout.readline())
        one = fleet.serve("tcp://127.0.0.1:0", f"tcp://127.0.0.1:{port}")
        digest, wanted, count = hashlib.sha256(), hashlib.sha256(), 0
        with ends.PlainEnd(ends.dial(one.address())) as client:
            client.send(b"never read")  # so that its death is a reset
            try:
                while data := client.recv():
                    digest.update(data)
                    count += len(data)
                    if count > 20 * MIB and server.poll() is None:
                        server.kill()
                fate = "clean"
            except ConnectionResetError:
                fate = "reset"
        for block in blocks(count):
            wanted.update(block)
        assert fate == "reset" and digest.digest() == wanted.digest()
        line = one.wait_connection(reason="upstream_reset")
        # what the kernel had taken from us and not delivered is lost with the reset
        assert count <= line["bytes_to_client"]

    def test_a_killed_worker_cuts_its_streams_and_no_other(self, fleet, backend):
        sides = []
        up = backend(streams.upstream(8 * MIB, sides))
        one = fleet.serve("tcp://127.0.0.1:0", up.url, workers=2)
        one.may_lose_workers = True
        clients = []
        thread = threading.Thread(target=lambda: clients.extend(
            streams.run_clients(one.address(), 16, 8 * MIB, at_once=8)))
        thread.start()
        until(lambda: sum(side.received_bytes for side in list(sides)) > 4 * MIB, "the streams")
        os.kill(one.worker_pid(), signal.SIGKILL)
        thread.join(120 * PATIENCE)
        assert not thread.is_alive()
        for visit in up.visits:
            visit.wait(60)
        for these in (clients, sides):
            assert 0 < streams.check(these)
        assert any(side.fate == "cut" for side in clients)


class TestEnds:
    """FIN and RST of each side in each stage before relaying; those of the relay are tested by
    test_truncation.py, test_half_close.py and test_last_bytes.py."""

    CASES = [
        # service, stage, who ends it, how, reason
        ("offload", "handshake", "client", "fin", "client_closed"),
        ("offload", "handshake", "client", "reset", "client_closed"),
        ("hole", "connect", "client", "reset", "client_closed"),
        ("hole", "connect", "client", "fin", "connect_timeout"),  # half a close is no end
        ("mute", "upstream_handshake", "client", "reset", "client_closed"),
        ("mute", "upstream_handshake", "client", "fin", "upstream_handshake_timeout"),
        ("mute", "upstream_handshake", "upstream", "fin", "upstream_closed"),
        ("mute", "upstream_handshake", "upstream", "reset", "upstream_closed"),
    ]

    def end_one(self, one, mute, case):
        service, stage, who, how, reason = case
        visits_count = len(mute.visits)
        with ends.PlainEnd(ends.dial(one.address(service))) as client:
            client.send(b"\x16\x03\x01\x02\x00half a ClientHello")
            end = client
            if stage == "upstream_handshake":
                visit = mute.visit(visits_count)
                assert visit.end.recv(1)  # our ClientHello
                end = visit.end if who == "upstream" else client
            elif stage == "connect":
                time.sleep(0.1)
            if how == "fin":
                end.end()
            else:
                end.reset()
            record = one.wait_connection(service=service, reason=reason, stage=stage)
            assert record["bytes_to_upstream"] == record["bytes_to_client"] == 0
            if who == "upstream" or how == "fin":
                assert client.fate() in ("clean", "reset")
        one.take_logs("connection")

    def test_before_relaying_the_reason_says_who_and_nothing_is_left(self, fleet, pki, backend,
                                                                    stack):
        mute = backend(peers.silent)
        hole = stack.enter_context(peers.Unanswering())
        short = {"connect": "500ms", "handshake": "500ms"}
        one = fleet.run({"services": {
            "offload": {"listen": "tls://127.0.0.1:0", "connect": backend().url,
                        "certificates": [pki.server.as_config()]},
            "hole": {"listen": "tcp://127.0.0.1:0", "connect": hole.url, "timeouts": short},
            "mute": {"listen": "tcp://127.0.0.1:0", "connect": f"tls://127.0.0.1:{mute.port}",
                     "upstream": {"ca": pki.ca}, "timeouts": short}}})
        before = one.descriptor_count()
        for case in self.CASES:
            self.end_one(one, mute, case)
        until(lambda: one.descriptor_count() <= before, "all descriptors to be closed")

    @pytest.mark.parametrize("how", ["fin", "reset"])
    def test_the_last_words_may_be_cut_short(self, fleet, pki, backend, how):
        one = fleet.run_one("tls://127.0.0.1:0", backend().url, timeouts={"linger": "1m"},
                            certificates=[pki.server.as_config()])
        before = one.descriptor_count()
        with ends.PlainEnd(ends.dial(one.address())) as client:
            client.send(b"SSH-2.0-nobody\r\n")
            assert client.recv(1) == b"\x15"  # an alert: now it lingers
            one.wait_connection(reason="not_tls")
            if how == "fin":
                client.end()
            else:
                client.reset()
            until(lambda: one.descriptor_count() <= before, "the end")


def client_hello():
    """One as a client sends it."""
    first, second = ends.socket.socketpair()
    with first, second:
        end = ends.TlsEnd(first, ends.client_context(), name="localhost")
        with pytest.raises(ends.ssl.SSLWantReadError):
            end.tls.do_handshake()
        return end.outgoing.read()


def times_of(one, pki, count):
    """How long a new connection and its first answer take, sorted."""
    taken = []
    context = ends.client_context(pki.ca)
    for _ in range(count):
        begin = time.monotonic()
        with ends.tls_dial(one.address(), context) as client:
            client.send(b"x")
            assert client.recv_exactly(1) == b"x"
        taken.append(time.monotonic() - begin)
    return sorted(taken)


class TestCrowd:
    """Thousands that never finish, half of them silent, half after their ClientHello."""

    COUNT = 500 if SLOW else 5000

    def test_others_are_served_as_before(self, fleet, pki, backend, stack):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        count = min(self.COUNT, (hard - 1000) // 3)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        one = fleet.run({"workers": 2, "drain": "1h" if SLOW else "0s", "services": {"main": {
            "listen": "tls://127.0.0.1:0", "connect": backend().url,
            "certificates": [pki.server.as_config()], "timeouts": {"handshake": "5m"}}}})
        before_s, rss_bytes = times_of(one, pki, 40), one.rss_bytes()
        hello = client_hello()
        crowd = [ends.dial(one.address()) for _ in range(2 * count)]
        for sock in crowd:
            stack.callback(sock.close)
        silent_bytes = one.rss_bytes() - rss_bytes
        for sock in crowd[count:]:
            sock.sendall(hello)
        for sock in crowd[count:]:
            assert sock.recv(1) == b"\x16"
        during_s = times_of(one, pki, 40)
        total_bytes = one.rss_bytes() - rss_bytes
        print(f"{2 * count} idle: median {before_s[20] * 1e3:.1f} -> {during_s[20] * 1e3:.1f} ms, "
              f"90th of 100 {before_s[36] * 1e3:.1f} -> {during_s[36] * 1e3:.1f} ms, "
              f"memory {silent_bytes / count / 2 / 1024:.1f} KiB each silent, "
              f"{total_bytes / MIB:.0f} MiB in all")
        for at in (20, 30):  # the slowest are those of the machine
            assert during_s[at] - before_s[at] < 0.1 * PATIENCE
        assert not one.find_logs("connection", reason="handshake_timeout")
