# SPDX-License-Identifier: Apache-2.0
"""Peers that keep a worker busy, and streams and sockets that the program must not depend on."""
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

import ends
import programs
import sluice
from scale import PATIENCE, until

HELLO_REQUESTS = b"\x16\x03\x03\x40\x00" + bytes(0x4000)  # 4,096 of them (RFC 5246 7.4.1.1)


class TestHandshakeFlood:
    def test_an_upstream_that_asks_for_ever_holds_nobody_up(self, fleet, backend, pki):
        def behave(visit):
            visit.end.recv()
            try:
                while True:
                    visit.end.send(HELLO_REQUESTS)
            except OSError:
                return

        flood = backend(behave)
        echo = backend()
        one = fleet.run({"workers": 1, "services": {
            "bad": {"listen": "tcp://127.0.0.1:0", "connect": f"tls://127.0.0.1:{flood.port}",
                    "upstream": {"ca": pki.ca}},
            "good": {"listen": "tcp://127.0.0.1:0", "connect": echo.url}}})
        with ends.dial(one.address("bad")):
            begin = time.monotonic()
            with ends.dial(one.address("good")) as end:
                end.sendall(b"x")
                assert end.recv(1) == b"x"
            assert time.monotonic() - begin < 1.0 * PATIENCE
            line = one.wait_connection(reason="upstream_handshake_failed")
        assert "longer than" in line["detail"]


class Dripping:
    """Between us and a TLS server: behind the handshake each full record is followed by a pause."""

    RECORD_BYTES = 512 + 1 + 16  # of TLS 1.3: plaintext, content type, tag
    CLIENT_FLIGHTS_BYTES = 1200  # a ClientHello has less, with our certificate there is more
    PAUSE_S = 0.5

    def __init__(self, port):
        self.port_behind = port
        self.pauses_count = 0
        self.client_bytes = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        front, _ = self.listener.accept()
        behind = ends.dial(("127.0.0.1", self.port_behind))
        threading.Thread(target=self._copy, args=(front, behind), daemon=True).start()
        stream = behind.makefile("rb")
        try:
            while head := stream.read(5):
                size = int.from_bytes(head[3:], "big")
                front.sendall(head + stream.read(size))
                if size == self.RECORD_BYTES and self.client_bytes > self.CLIENT_FLIGHTS_BYTES:
                    self.pauses_count += 1
                    time.sleep(self.PAUSE_S)
        except OSError:
            pass
        front.close()
        behind.close()

    def _copy(self, source, sink):
        try:
            while data := source.recv(1 << 16):
                self.client_bytes += len(data)
                sink.sendall(data)
        except OSError:
            pass


class TestSplitMessages:
    def test_data_may_be_sent_while_half_of_a_ticket_has_come(self, fleet, pki, stack):
        """A ticket with a client's certificate in it is several records here, slowly."""
        server = stack.enter_context(programs.s_server(
            pki.server, "-rev", "-tls1_3", "-Verify", "2", "-CAfile", pki.ca,
            "-max_send_frag", "512"))
        slow = Dripping(server.port)
        one = fleet.run_one("tcp://127.0.0.1:0", f"tls://localhost:{slow.port}",
                            upstream={"ca": pki.ca, "certificate": pki.client.as_config()})
        with ends.dial(one.address()) as client:
            until(lambda: slow.pauses_count == 1, "a record of a ticket")
            for word in (b"first\n", b"second\n"):
                client.sendall(word)
            answers = b""
            while answers.count(b"\n") < 2:
                part = client.recv(100)
                assert part, "cut off"
                answers += part
        assert answers == b"tsrif\ndnoces\n"


class TestStreams:
    def test_a_log_whose_reader_is_gone_does_not_end_it(self, fleet, backend):
        read_end, write_end = os.pipe()
        one = fleet.start(["tcp://127.0.0.1:0", backend().url, "--workers", "1"],
                          stderr=write_end)
        os.close(write_end)
        children = pathlib.Path(f"/proc/{one.pid}/task/{one.pid}/children").read_text().split()
        os.close(read_end)
        os.kill(int(children[0]), signal.SIGKILL)  # a line of the supervisor's is due

        def is_served():
            try:
                with ends.dial(one.address()) as end:
                    end.sendall(b"x")
                    return end.recv(1) == b"x"
            except OSError:
                return False

        until(is_served, "a new worker")
        assert one.process.poll() is None

    def test_it_runs_with_all_streams_closed(self, backend, folder):
        ready = f"{folder}/ready.json"
        process = subprocess.Popen(
            ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sluice.BINARY, "tcp://127.0.0.1:0",
             backend().url, "--ready-file", ready, "--workers", "1"])
        try:
            until(lambda: os.path.exists(ready), "the ready file", 20)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(20 * PATIENCE) == 0


class TestFullQueue:
    def test_a_unix_upstream_whose_queue_is_full_is_waited_for(self, fleet, folder):
        """A Unix socket refuses at once when its queue is full."""
        path = f"{folder}/slow.sock"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        os.chmod(path, 0o777)  # the workers may be somebody else
        listener.listen(1)
        one = fleet.serve("tcp://127.0.0.1:0", f"unix:{path}")

        def serve():
            for _ in range(12):
                time.sleep(0.05)
                peer, _ = listener.accept()
                with peer:
                    peer.sendall(peer.recv(1))

        worker = threading.Thread(target=serve)
        clients = [ends.dial(one.address()) for _ in range(12)]
        for client in clients:
            client.sendall(b"x")
        worker.start()
        for client in clients:
            assert client.recv(1) == b"x"
            client.close()
        worker.join(20)
        listener.close()
        assert not one.find_logs("connection", reason="connect_timeout")
