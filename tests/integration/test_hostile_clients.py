# SPDX-License-Identifier: Apache-2.0
"""What clients send that they should not: the right alert and reason, the worker unharmed."""
import os
import time

import pytest

import ends
import hello
import programs
from scale import PATIENCE

HANDSHAKE_S = 1.0
ALERT = {"handshake_failure": 40, "illegal_parameter": 47, "decode_error": 50,
         "protocol_version": 70, "record_overflow": 22, "unexpected_message": 10,
         "internal_error": 80}


@pytest.fixture(name="target")
def fixture_target(fleet, pki, backend):
    """An offloading program with a short handshake timeout; checked to be well afterwards."""
    one_backend = backend()
    one = fleet.run_one("tls://127.0.0.1:0", one_backend.url,
                        certificates=[pki.server.as_config()],
                        timeouts={"handshake": "1s", "idle": "2s"})
    one.backend = one_backend
    pids = one.worker_pids()
    yield one
    with ends.tls_dial(one.address(), ends.client_context(pki.ca)) as client:
        client.send(b"still well")
        assert client.recv_exactly(10) == b"still well"
        client.end()
        client.fate()
    assert one.worker_pids() == pids


def raw(target):
    return ends.PlainEnd(ends.dial(target.address()))


def alert_of(data):
    """The description of the one fatal alert record that the bytes must be."""
    assert len(data) == 7 and data[0] == 0x15 and data[1] == 3 and data[3:5] == b"\0\2", data
    assert data[5] == 2, "not fatal"
    return data[6]


def refused(target, data, reason, alerts):
    """Sends the bytes; wants an alert, the end of TCP, and the reason in the log."""
    with raw(target) as client:
        client.send(data)
        answer = client.recv_all()
    assert alert_of(answer) in {ALERT[name] for name in alerts}
    record = target.wait_connection(reason=reason)
    assert record["level"] == "info" and record["bytes_to_upstream"] == 0
    assert all(not visit.received for visit in target.backend.visits)
    return record


class TestNotTls:
    """Something else than TLS on a TLS port."""

    ANY = list(ALERT)

    def test_plaintext_http_gets_an_answer_that_says_so(self, target):
        with raw(target) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            head, body = client.recv_all().split(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 ") and b"Connection: close" in head
        assert f"Content-Length: {len(body)}".encode() in head
        assert target.wait_connection(reason="not_tls")["detail"] == "the client speaks HTTP, not TLS"

    def test_ssh_gets_an_alert(self, target):
        record = refused(target, b"SSH-2.0-OpenSSH_9.2\r\n", "not_tls", self.ANY)
        assert "SSH" in record["detail"]

    @pytest.mark.parametrize("size", [16, 1000, 100000])
    def test_garbage_gets_an_alert(self, target, size):
        with raw(target) as client:
            try:
                client.send(b"\xff\xfe" + os.urandom(size))
            except OSError:
                pass
            assert client.fate() in ("clean", "reset")
        target.wait_connection(reason="not_tls")

    def test_zeros_get_an_alert(self, target):
        refused(target, bytes(64), "not_tls", self.ANY)

    def test_a_proxy_header_that_nobody_asked_for_is_named(self, target):
        for header in [b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", b"\r\n\r\n\0\r\nQUIT\n\x21"]:
            record = refused(target, header, "not_tls", self.ANY)
            assert record["detail"] == "the client sends a PROXY header, which nobody asked it for"

    def test_curl_is_told_what_is_wrong_at_once(self, target):
        begin = time.monotonic()
        done = programs.run("curl", "-sS", "-w", "%{http_code}", f"http://127.0.0.1:{target.port()}/")
        assert done.stdout == b"A plain HTTP request was sent to a port that wants TLS.400"
        assert time.monotonic() - begin < HANDSHAKE_S
        target.wait_connection(reason="not_tls")


class TestOldAndBrokenHellos:
    """TLS that is refused."""

    def test_sslv3_is_refused(self, target):
        message = hello.client_hello(version=0x0300, ciphers=(0x000A, 0x0035))
        refused(target, hello.in_records(message, version=0x0300), "not_tls",
                ["protocol_version", "handshake_failure"])

    def test_tls_1_0_is_refused_by_the_default_policy(self, target):
        message = hello.client_hello(version=0x0301, ciphers=(0xC013, 0x002F))
        refused(target, hello.in_records(message), "handshake_failed", ["protocol_version"])

    def test_sslv2_is_refused(self, target):
        with raw(target) as client:
            client.send(hello.sslv2_hello())
            assert alert_of(client.recv_all())
        record = target.wait_connection()
        assert record["reason"] in ("not_tls", "handshake_failed")

    def test_no_cipher_in_common_is_refused(self, target):
        message = hello.client_hello(ciphers=(0x0005,))
        refused(target, hello.in_records(message), "handshake_failed",
                ["handshake_failure", "illegal_parameter"])

    def test_a_hello_of_garbage_is_refused(self, target):
        message = b"\x01" + hello.vector(3, b"\x03\x03" + os.urandom(100))
        refused(target, hello.in_records(message), "handshake_failed",
                ["decode_error", "illegal_parameter", "handshake_failure"])

    def test_a_record_of_another_type_is_refused(self, target):
        with raw(target) as client:
            client.send(b"\x17\x03\x03\x00\x20" + bytes(32))
            assert alert_of(client.recv_all())
        assert target.wait_connection()["reason"] in ("not_tls", "handshake_failed")

    def test_a_record_that_is_too_long_is_refused(self, target):
        with raw(target) as client:
            client.send(b"\x16\x03\x01\xff\xff\x01" + bytes(300))
            assert alert_of(client.recv_all())
        assert target.wait_connection()["reason"] in ("not_tls", "handshake_failed")


class TestLargeHellos:
    """A ClientHello as large as post-quantum shares make it is served, one of 64 KiB is not."""

    @pytest.mark.parametrize("size", [65000])
    def test_64_kib_in_records_is_refused(self, target, size):
        data = hello.in_records(hello.padded_hello(size))
        with raw(target) as client:
            try:
                client.send(data)
            except OSError:
                pass
            answer = client.recv_all()
        assert alert_of(answer)
        target.wait_connection(reason="client_hello_too_large")

    def test_64_kib_is_refused_before_it_has_all_come(self, target):
        data = hello.in_records(hello.padded_hello(65000))
        with raw(target) as client:
            client.send(data[:40000])
            assert alert_of(client.recv_all())
        target.wait_connection(reason="client_hello_too_large")

    def test_64_kib_in_tiny_records_is_refused(self, target):
        data = hello.in_records(hello.padded_hello(65000), size=64)
        with raw(target) as client:
            try:
                client.send(data)
            except OSError:
                pass
            assert client.fate() in ("clean", "reset")
        target.wait_connection(reason="client_hello_too_large")

    @pytest.mark.parametrize("size", [1500, 4096, 9000])
    def test_a_large_honest_hello_is_served(self, target, pki, size):
        context = ends.client_context(pki.ca, alpn=hello.long_alpn(size))
        with ends.tls_dial(target.address(), context) as client:
            client.send(b"large")
            assert client.recv_exactly(5) == b"large"


class TestCutHellos:
    """A ClientHello over several records or segments, and slowly."""

    @staticmethod
    def served(target, pki, alpn_size, record_size, cut_sizes):
        context = ends.client_context(pki.ca, alpn=hello.long_alpn(alpn_size))
        with ends.dial(target.address()) as sock:
            end, message = hello.first_flight(sock, context)
            data = hello.in_records(message, record_size)
            at = 0
            for size in cut_sizes:
                sock.sendall(data[at : at + size])
                at += size
                time.sleep(0.02)  # so that it goes out as a segment of its own
            sock.sendall(data[at:])
            end.handshake()
            end.send(b"in pieces")
            assert end.recv_exactly(9) == b"in pieces"

    @pytest.mark.parametrize("record_size", [1, 5, 100, 1400])
    def test_over_records(self, target, pki, record_size):
        self.served(target, pki, 1000, record_size, [])

    @pytest.mark.parametrize("cut_sizes", [[1], [4], [5], [6], [9], [1400, 1400], [3, 2, 1, 4, 37]])
    def test_over_segments(self, target, pki, cut_sizes):
        self.served(target, pki, 4096, 16384, cut_sizes)

    def test_over_records_and_segments(self, target, pki):
        self.served(target, pki, 4096, 700, [703, 2, 3, 1000])

    def test_one_byte_every_few_milliseconds_within_the_timeout(self, target, pki):
        self.served(target, pki, 0, 16384, [1] * 20)

    def test_bytes_behind_the_handshake_are_not_lost(self, target, pki):
        """Application data in the same segment as the client's Finished."""
        context = ends.client_context(pki.ca)
        with ends.dial(target.address()) as sock:
            end = ends.TlsEnd(sock, context, name="localhost")
            while True:
                try:
                    end.tls.do_handshake()
                    break
                except ends.ssl.SSLWantReadError:
                    end.flush()
                    end.incoming.write(sock.recv(65536))
            end.tls.write(b"right behind")
            end.flush()
            assert end.recv_exactly(12) == b"right behind"


class TestTimeouts:
    """Clients that are slow or silent."""

    def gone(self, target, client, reason, least_s, most_s):
        begin = time.monotonic()
        client.fate()
        took_s = time.monotonic() - begin
        assert least_s <= took_s <= most_s * PATIENCE, f"{took_s:.2f} s"
        return target.wait_connection(reason=reason)

    def test_a_silent_client_is_gone_after_the_handshake_timeout(self, target):
        with raw(target) as client:
            self.gone(target, client, "handshake_timeout", 0.8, 2.5)
        assert not target.backend.visits

    def test_half_a_hello_is_gone_after_the_handshake_timeout(self, target):
        data = hello.in_records(hello.padded_hello(500))
        with raw(target) as client:
            client.send(data[:200])
            self.gone(target, client, "handshake_timeout", 0.8, 2.5)

    def test_a_byte_now_and_then_does_not_prolong_it(self, target):
        data = hello.in_records(hello.padded_hello(500))
        begin = time.monotonic()
        with raw(target) as client:
            client.sock.settimeout(0.25)
            for at in range(40):
                try:
                    client.send(data[at : at + 1])
                    if client.recv() == b"":
                        break
                    break  # an alert is fine as well
                except TimeoutError:
                    pass
                except OSError:
                    break
            took_s = time.monotonic() - begin
        assert 0.8 <= took_s <= 2.5 * PATIENCE, f"{took_s:.2f} s"
        target.wait_connection(reason="handshake_timeout")

    def test_an_idle_connection_is_gone_after_idle(self, target, pki):
        with ends.tls_dial(target.address(), ends.client_context(pki.ca)) as client:
            client.send(b"x")
            client.recv_exactly(1)
            self.gone(target, client, "idle_timeout", 1.8, 4)

    def test_a_half_open_connection_is_gone_after_idle(self, target, pki):
        with ends.tls_dial(target.address(), ends.client_context(pki.ca)) as client:
            client.send(b"x")
            client.recv_exactly(1)
            visit = target.backend.visit()
            visit.sock.shutdown(1)
            assert client.recv_all() == b""
            begin = time.monotonic()
            target.wait_connection(reason="idle_timeout")
            assert time.monotonic() - begin < 4 * PATIENCE

    def test_traffic_in_one_direction_keeps_it_alive(self, target, pki):
        with ends.tls_dial(target.address(), ends.client_context(pki.ca)) as client:
            until_s = time.monotonic() + 3.0
            while time.monotonic() < until_s:
                client.send(b"x")
                time.sleep(0.2)
            client.end()
            assert set(client.recv_all()) == {ord("x")}

    def test_a_client_that_goes_away_in_the_handshake_is_told_apart(self, target):
        with raw(target) as client:
            client.send(hello.in_records(hello.padded_hello(500))[:100])
            client.fin()
            client.fate()
        target.wait_connection(reason="client_closed")

    def test_a_connect_and_close_is_told_apart(self, target):
        raw(target).close()
        target.wait_connection(reason="client_closed")


class TestCrowd:
    """Many at once that never finish."""

    def test_silent_clients_do_not_keep_others_waiting(self, target, pki, stack):
        for _ in range(200):
            stack.enter_context(raw(target))
        begin = time.monotonic()
        with ends.tls_dial(target.address(), ends.client_context(pki.ca)) as client:
            client.send(b"quick")
            client.recv_exactly(5)
        assert time.monotonic() - begin < 0.8 * PATIENCE
        target.wait_logs(200, "connection", reason="handshake_timeout")

    def test_renegotiation_is_refused(self, target, pki, stack):
        client = stack.enter_context(programs.s_client(target.address(), pki.ca, "-tls1_2"))
        client.expect(r"Verify return code: 0|Verification: OK")
        client.send(b"R\n")
        client.wait()
        assert "no renegotiation" in client.text() or "error" in client.text().lower()
