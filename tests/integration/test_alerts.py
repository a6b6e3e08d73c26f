# SPDX-License-Identifier: Apache-2.0
"""The alert that each wrong ClientHello gets (RFC 8446 6.2), and odd ones that are served."""
import socket
import struct

import pytest

import ends
import hello
import programs

UNEXPECTED_MESSAGE, RECORD_OVERFLOW, HANDSHAKE_FAILURE, ILLEGAL_PARAMETER = 10, 22, 40, 47
DECODE_ERROR, PROTOCOL_VERSION, INAPPROPRIATE_FALLBACK, MISSING_EXTENSION = 50, 70, 86, 109
MODERN = hello.modern_hello()
SIGNATURES = hello.extension(13, hello.vector(2, b"\x04\x03\x08\x04"))
GROUPS = hello.extension(10, hello.vector(2, b"\x00\x1d\x00\x17"))
VERSION_13 = hello.extension(43, hello.vector(1, b"\x03\x04"))
SHARE = hello.extension(51, hello.vector(2, b"\x00\x1d" + hello.vector(2, hello.X25519_SHARE)))
OLD_PSK = hello.extension(41, hello.vector(2, hello.vector(2, b"x" * 40) + bytes(4))
                          + hello.vector(2, hello.vector(1, bytes(32))))
PSK_MODES = hello.extension(45, hello.vector(1, b"\x01"))
EARLY_DATA = hello.extension(42, b"")


def message(body, kind=1):
    return bytes([kind]) + hello.vector(3, body)


def body_of(version=b"\x03\x03", session=b"", ciphers=b"\xc0\x2b\x13\x01", compressions=b"\0",
            extensions=GROUPS + SIGNATURES):
    return (version + bytes(32) + hello.vector(1, session) + hello.vector(2, ciphers)
            + hello.vector(1, compressions) + hello.vector(2, extensions))


TLS_13 = GROUPS + SIGNATURES + VERSION_13 + SHARE
TABLE = {
    "only TLS 1.0": (message(body_of(b"\x03\x01")), PROTOCOL_VERSION),
    "only TLS 1.1": (message(body_of(b"\x03\x02")), PROTOCOL_VERSION),
    "only TLS 1.1 by extension": (hello.modern_hello(versions=[0x0302]), PROTOCOL_VERSION),
    "only a version to come": (hello.modern_hello(versions=[0x0305, 0x7A7A]), PROTOCOL_VERSION),
    "a draft of TLS 1.3": (hello.modern_hello(versions=[0x7F1C]), PROTOCOL_VERSION),
    "a fallback": (message(body_of(ciphers=b"\xc0\x2b\x56\x00")), INAPPROPRIATE_FALLBACK),
    "no cipher in common": (message(body_of(ciphers=b"\x00\x05\x00\x0a")), HANDSHAKE_FAILURE),
    "no suite in common": (hello.modern_hello(versions=[0x0304], ciphers=[0xC02B]),
                           HANDSHAKE_FAILURE),
    "only null encryption": (message(body_of(ciphers=b"\x00\x02\xc0\x06")), HANDSHAKE_FAILURE),
    "only anonymous": (message(body_of(ciphers=b"\xc0\x18\x00\x34")), HANDSHAKE_FAILURE),
    "only ciphers for RSA": (message(body_of(ciphers=b"\xc0\x2f")), HANDSHAKE_FAILURE),
    "no group in common": (hello.modern_hello(versions=[], groups=[0x001A]), HANDSHAKE_FAILURE),
    "no group in common, TLS 1.3": (hello.modern_hello(groups=[0x001A], shares=False,
                                                       more=hello.extension(51, b"\0\0")),
                                    HANDSHAKE_FAILURE),
    "no signature in common": (hello.modern_hello(signatures=[0x0804], versions=[0x0304]),
                               HANDSHAKE_FAILURE),
    "no signature_algorithms": (hello.modern_hello(signatures=()), MISSING_EXTENSION),
    "no key_share": (hello.modern_hello(shares=False), MISSING_EXTENSION),
    "no supported_groups": (hello.modern_hello(groups=()), MISSING_EXTENSION),
    "compression, TLS 1.3": (message(body_of(compressions=b"\1\0", extensions=TLS_13)),
                             ILLEGAL_PARAMETER),
    "an extension twice": (message(body_of(extensions=GROUPS + SIGNATURES + GROUPS)),
                           ILLEGAL_PARAMETER),
    "server_name twice": (message(body_of(extensions=TLS_13
                                                    + hello.extension(0, b"") * 2)),
                                    ILLEGAL_PARAMETER),
    "pre_shared_key not at the end": (message(body_of(extensions=PSK_MODES + OLD_PSK + TLS_13)),
                                      ILLEGAL_PARAMETER),
    "a share that is no point": (message(body_of(extensions=GROUPS + SIGNATURES + VERSION_13
                                                 + hello.extension(51, hello.vector(
                                                     2, b"\0\x1d" + hello.vector(2, bytes(32)))))),
                                 ILLEGAL_PARAMETER),
    "a share that is too short": (message(body_of(extensions=GROUPS + SIGNATURES + VERSION_13
                                                  + hello.extension(51, hello.vector(
                                                      2, b"\0\x1d" + hello.vector(2, b"\x09"))))),
                                  ILLEGAL_PARAMETER),
    "a session of 33 bytes": (message(body_of(session=bytes(33))), DECODE_ERROR),
    "a byte behind the extensions": (message(body_of() + b"\0"), DECODE_ERROR),
    "extensions that are cut off": (message(body_of()[:-1]), DECODE_ERROR),
    "no versions in supported_versions": (message(body_of(extensions=GROUPS + SIGNATURES
                                                          + hello.extension(43, b"\0"))),
                                          DECODE_ERROR),
    "an empty message": (message(b""), DECODE_ERROR),
    "a message that is no ClientHello": (message(bytes(32), kind=20), UNEXPECTED_MESSAGE),
    "a ServerHello": (message(bytes(70), kind=2), UNEXPECTED_MESSAGE),
    "a message of an unknown kind": (message(bytes(10), kind=99), UNEXPECTED_MESSAGE),
}


@pytest.fixture(name="target")
def fixture_target(fleet, pki, backend):
    one_backend = backend()
    one = fleet.run_one("tls://127.0.0.1:0", one_backend.url,
                        certificates=[pki.server.as_config()])
    one.backend = one_backend
    return one


def answer_to(one, data):
    """All that comes back for these bytes, until the program ends it or waits for more."""
    with ends.PlainEnd(ends.dial(one.address())) as client:
        client.send(data)
        client.sock.settimeout(2)
        answer = client.recv()
        return answer if answer[:1] == b"\x16" else answer + client.recv_all()


def alert_of(answer):
    assert len(answer) == 7 and answer[0] == 21 and answer[5] == 2, answer
    return answer[6]


class TestTable:
    """Each with its alert, in one record and in records of one byte."""

    @pytest.mark.parametrize("size", [16384, 1])
    def test_the_alerts_are_those_of_the_rfc(self, target, size):
        wrong = {}
        for what, (data, alert) in TABLE.items():
            got = alert_of(answer_to(target, hello.in_records(data, size)))
            if got != alert:
                wrong[what] = got
        assert not wrong
        lines = target.wait_logs(len(TABLE), "connection", reason="handshake_failed")
        assert all(line["detail"] for line in lines) and not target.backend.visits

    def test_a_service_of_tls_1_3_names_the_version(self, fleet, pki, backend):
        one = fleet.run_one("tls://127.0.0.1:0", backend().url, policy="modern",
                            certificates=[pki.server.as_config()])
        answer = answer_to(one, hello.in_records(hello.modern_hello(versions=[])))
        assert alert_of(answer) == PROTOCOL_VERSION


class TestRecords:
    """What is wrong below the message."""

    @pytest.mark.parametrize("data, alert", [
        (b"\x17\x03\x03\x00\x10" + bytes(16), UNEXPECTED_MESSAGE),
        (b"\x14\x03\x03\x00\x01\x01", UNEXPECTED_MESSAGE),
        (b"\x16\x03\x01\x49\x00" + MODERN, RECORD_OVERFLOW)
    ], ids=["data", "change_cipher_spec", "too_long"])
    def test_records_that_are_none(self, target, data, alert):
        assert alert_of(answer_to(target, data)) == alert

    @pytest.mark.parametrize("place", ["before", "within"])
    def test_a_flood_of_empty_records_is_cut_off(self, target, place):
        begin = hello.in_records(MODERN[:10]) if place == "within" else b""
        assert alert_of(answer_to(target, begin + b"\x16\x03\x01\x00\x00" * 64)) \
            == UNEXPECTED_MESSAGE

    @pytest.mark.parametrize("version", [0x0300, 0x0301, 0x0303, 0x0304, 0x03FF])
    def test_the_version_of_a_record_does_not_matter(self, target, version):
        """RFC 8446 5.1: "MUST be ignored for all purposes"."""
        assert answer_to(target, hello.in_records(MODERN, version=version))[0] == 22


def grease_hello(size=0, name=b"localhost"):
    """As browsers send it: values of RFC 8701 everywhere, a post-quantum share, padding."""
    mlkem = struct.pack("!H", 0x11EC) + hello.vector(2, bytes(1216))
    shares = b"\x1a\x1a\x00\x01\x00" + mlkem + b"\0\x1d" + hello.vector(2, hello.X25519_SHARE)
    more = hello.extension(0x3A3A, b"") + hello.extension(51, hello.vector(2, shares))
    more += b"".join(hello.extension(0x5000 + number, bytes(number)) for number in range(40))
    more += hello.extension(0xFE0D, bytes(200)) + hello.extension(0x8A8A, b"\0")
    padding = size - len(more) - 300
    if padding > 0:
        more += hello.extension(21, bytes(padding))
    return hello.modern_hello(name=name, alpn=[b"\x0a\x0a", b"h2"], more=more, shares=False,
                              versions=[0x2A2A, 0x0304, 0x0303], groups=[0x1A1A, 0x11EC, 29, 23],
                              signatures=[0x6A6A, 0x0403, 0x0804],
                              ciphers=[0x0A0A, 0x1301, 0xC02B])


class TestServed:
    """Odd, but right."""

    @pytest.mark.parametrize("size", [0, 4096, 8192])
    def test_grease_and_post_quantum_shares(self, target, size):
        assert answer_to(target, hello.in_records(grease_hello(size)))[0] == 22

    @pytest.mark.parametrize("record_size", [1, 7, 1000])
    def test_byte_by_byte(self, target, record_size):
        data = hello.in_records(grease_hello(), record_size)
        with ends.PlainEnd(ends.dial(target.address())) as client:
            client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for at in range(len(data)):
                client.send(data[at : at + 1])
            assert client.recv()[0] == 22

    def test_a_session_that_nobody_knows_is_a_new_one(self, target):
        data = message(body_of(session=bytes(32), extensions=TLS_13 + PSK_MODES + OLD_PSK))
        answer = answer_to(target, hello.in_records(data))
        assert answer[0] == 22 and bytes(32) in answer  # RFC 8446 4.1.3: it is echoed

    def test_an_empty_key_share_gets_a_second_chance(self, target):
        data = hello.modern_hello(shares=False, more=hello.extension(51, b"\0\0"))
        answer = answer_to(target, hello.in_records(data))
        assert b"\xcf\x21\xad\x74\xe5\x9a\x61\x11" in answer  # HelloRetryRequest, RFC 8446 4.1.3


class TestEarlyData:
    """0-RTT is off."""

    HELLO = hello.in_records(message(body_of(
        session=bytes(32), extensions=TLS_13 + EARLY_DATA + PSK_MODES + OLD_PSK)))

    def test_early_data_is_passed_over_and_reaches_nobody(self, target):
        early = b"\x17\x03\x03\x00\x64" + bytes(100)
        with ends.PlainEnd(ends.dial(target.address())) as client:
            client.send(self.HELLO + early * 10)
            assert client.recv()[0] == 22
            client.sock.settimeout(0.3)
            with pytest.raises(TimeoutError):
                while True:  # the rest of the flight, and no alert behind it
                    assert client.recv()[0] != 21
        assert not target.backend.visits

    def test_too_much_of_it_ends_the_connection(self, target):
        early = b"\x17\x03\x03\x3f\xff" + bytes(0x3FFF)
        with ends.PlainEnd(ends.dial(target.address())) as client:
            try:
                client.send(self.HELLO + early * 4)
            except OSError:
                pass
            client.fate()
        target.wait_connection(reason="handshake_failed")
        assert not target.backend.visits

    def test_tickets_allow_none(self, target, pki, folder, stack):
        path = f"{folder}/session"
        client = stack.enter_context(
            programs.s_client(target.address(), pki.ca, "-tls1_3", "-sess_out", path))
        client.send(b"x\n")
        client.expect(r"^x$")
        done = programs.run("openssl", "sess_id", "-in", path, "-noout", "-text")
        assert b"Max Early Data: 0" in done.stdout and b"TLS session ticket:" in done.stdout


class TestOldVersions:
    """What TLS 1.2 has that it should not."""

    def test_no_compression_and_an_extended_master_secret(self, target, pki, stack):
        client = stack.enter_context(programs.s_client(
            target.address(), pki.ca, "-tls1_2", "-comp"))
        client.expect(r"Extended master secret: yes")
        assert "Compression: NONE" in client.text()
        assert "Secure Renegotiation IS supported" in client.text()

    def test_renegotiation_is_refused_with_its_alert(self, target, pki, stack):
        client = stack.enter_context(programs.s_client(target.address(), pki.ca, "-tls1_2"))
        client.expect(r"Extended master secret")
        client.send(b"R\n")
        client.wait()
        assert "no renegotiation" in client.text().lower()
