# SPDX-License-Identifier: Apache-2.0
"""Peers that leave at each point of a handshake leave no memory behind. 1,000 of them at each
point; SLUICE_DISCONNECTS=100000 for the long form (CONTRIBUTING.md)."""
import contextlib
import os
import socket
import ssl

import pytest

import ends
import inside
import sluice
from scale import PATIENCE, SANITIZED, until
from test_keys import keys_pid

COUNT = int(os.environ.get("SLUICE_DISCONNECTS", "1000"))
WARM_COUNT = 300
BATCH_COUNT = 100
# How many of a batch stand open at once differs by 2 MiB; 500 jobs left behind would be 12 MiB.
GROWTH_KIB_MAX = 4096

pytestmark = pytest.mark.skipif(SANITIZED, reason="the sanitizers have memory of their own")


def rss_kib(pid):
    return int(sluice.status_of(pid)["VmRSS"].split()[0])


class Scene:
    """A program, an upstream that this thread plays itself, and what peers send."""

    def __init__(self, fleet, pki, backend, stack):
        self.pki = pki
        self.upstream = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=1024))
        self.upstream.settimeout(ends.TIMEOUT_S)
        url = f"tls://localhost:{self.upstream.getsockname()[1]}"
        self.context = ends.server_context(pki.server, client_ca=pki.ca)
        self.one = fleet.run({"services": {
            "main": {"listen": "tls://127.0.0.1:0", "connect": backend().url,
                     "certificates": [pki.server.as_config(), pki.server_rsa.as_config()]},
            "encrypt": {"listen": "tcp://127.0.0.1:0", "connect": url,
                        "upstream": {"ca": pki.ca, "certificate": pki.client.as_config()}},
            "probe": {"listen": "tcp://127.0.0.1:0", "connect": backend().url}}})
        self.keys = keys_pid(self.one)
        self.probe = stack.enter_context(ends.PlainEnd(ends.dial(self.one.address("probe"))))
        self.hello = {version: self.client(version).outgoing.read() for version in
                      (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)}

    def client(self, version=None, sock=None):
        """A handshake that has begun, its first flight not sent yet."""
        context = ends.client_context(self.pki.ca, version=version)
        end = ends.TlsEnd(sock or socket.socket(), context, name="localhost")
        with pytest.raises(ssl.SSLWantReadError):
            end.tls.do_handshake()
        return end

    def settle(self):
        """The worker has taken what was sent before: its turns are in order."""
        for _ in range(3):
            self.probe.send(b"?")
            assert self.probe.recv_exactly(1) == b"?"

    def dial(self, service="main"):
        return ends.dial(self.one.address(service))

    def serve_one(self):
        """Accepts the next connection to the upstream and answers its ClientHello."""
        sock, _ = self.upstream.accept()
        end = ends.TlsEnd(sock, self.context, server_side=True)
        end.incoming.write(sock.recv(1 << 16))
        with pytest.raises(ssl.SSLWantReadError):
            end.tls.do_handshake()
        end.flush()
        return sock


def leave_before_the_hello(scene, count):
    for sock in [scene.dial() for _ in range(count)]:
        ends.abort(sock)


def leave_within_the_hello(scene, count):
    socks = [scene.dial() for _ in range(count)]
    hello = scene.hello[ssl.TLSVersion.TLSv1_3]
    for sock in socks:
        sock.sendall(hello[: len(hello) // 2])
    scene.settle()
    for sock in socks:
        ends.abort(sock)


def leave_while_signed(version):
    def leave(scene, count):
        with inside.stopped(scene.keys):
            socks = [scene.dial() for _ in range(count)]
            for sock in socks:
                sock.sendall(scene.hello[version])
            scene.settle()
            for sock in socks:
                ends.abort(sock)
            scene.settle()

    return leave


def leave_behind_the_flight(version):
    def leave(scene, count):
        socks = [scene.dial() for _ in range(count)]
        for sock in socks:
            sock.sendall(scene.hello[version])
        for sock in socks:
            assert sock.recv(1)
            ends.abort(sock)

    return leave


def leave_within_finished(scene, count):
    for _ in range(count):
        end = scene.client(sock=scene.dial())
        end.flush()
        while True:
            end._fill()
            try:
                end.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                end.flush()
        flight = end.outgoing.read()
        end.sock.sendall(flight[: len(flight) // 2])
        end.reset()


def leave_before_the_upstream_answers(scene, count):
    socks = [scene.dial("encrypt") for _ in range(count)]
    others = [scene.upstream.accept()[0] for _ in range(count)]
    for other in others:
        assert other.recv(1)
    for sock in socks:
        ends.abort(sock)
    for other in others:
        other.close()


def leave_while_the_client_certificate_signs(scene, count):
    with inside.stopped(scene.keys):
        socks = [scene.dial("encrypt") for _ in range(count)]
        others = [scene.serve_one() for _ in range(count)]
        scene.settle()
        for sock in socks:
            ends.abort(sock)
        scene.settle()
    for other in others:
        other.close()


def upstream_leaves_while_the_client_certificate_signs(scene, count):
    with inside.stopped(scene.keys):
        socks = [scene.dial("encrypt") for _ in range(count)]
        others = [scene.serve_one() for _ in range(count)]
        scene.settle()
        for other in others:
            ends.abort(other)
        scene.settle()
    for sock in socks:
        sock.close()


POINTS = {
    "before_the_hello": leave_before_the_hello,
    "within_the_hello": leave_within_the_hello,
    "while_signed": leave_while_signed(ssl.TLSVersion.TLSv1_3),
    "while_signed_1.2": leave_while_signed(ssl.TLSVersion.TLSv1_2),
    "behind_the_flight": leave_behind_the_flight(ssl.TLSVersion.TLSv1_3),
    "behind_the_flight_1.2": leave_behind_the_flight(ssl.TLSVersion.TLSv1_2),
    "within_finished": leave_within_finished,
    "before_the_upstream_answers": leave_before_the_upstream_answers,
    "while_the_client_certificate_signs": leave_while_the_client_certificate_signs,
    "upstream_while_the_client_certificate_signs":
        upstream_leaves_while_the_client_certificate_signs,
}


@pytest.mark.parametrize("name", POINTS)
def test_a_disconnect_leaves_no_memory(name, fleet, pki, backend, stack):
    scene = Scene(fleet, pki, backend, stack)
    one, worker, reasons = scene.one, scene.one.worker_pid(), set()

    def leave(count):
        """Gives the most that worker and keys had after a batch."""
        most = [0, 0]
        for at in range(0, count, BATCH_COUNT):
            batch = min(BATCH_COUNT, count - at)
            POINTS[name](scene, batch)
            one.wait_logs(batch, "connection", 30.0)
            reasons.update(record["reason"] for record in one.take_logs("connection"))
            most = list(map(max, most, map(rss_kib, (worker, scene.keys))))
        return most

    leave(WARM_COUNT)
    before, after = leave(COUNT // 2), leave(COUNT - COUNT // 2)
    print(f"{name}: {COUNT} times, worker {before[0]} -> {after[0]} KiB, keys {before[1]} -> "
          f"{after[1]} KiB at most in the first and in the second half, {sorted(reasons)}")
    for first, second in zip(before, after):
        assert second - first < GROWTH_KIB_MAX
    assert "keys_overload" not in reasons
    with contextlib.closing(ends.tls_dial(one.address(), ends.client_context(pki.ca))) as client:
        client.send(b"still")
        assert client.recv_exactly(5) == b"still"
    until(lambda: len(os.listdir(f"/proc/{worker}/fd")) < 40, "no descriptor left", PATIENCE * 10)
