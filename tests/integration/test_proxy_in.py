# SPDX-License-Identifier: Apache-2.0
"""PROXY headers that clients begin with: who must send one, and what becomes of what it says."""
import os
import re
import socket
import ssl

import pytest

import ends
import peers
import proxy

LOOPBACK = {"proxy_protocol": {"from": "127.0.0.1"}}
TLVS = (proxy.tlv(proxy.ALPN, b"h2") + proxy.tlv(proxy.AUTHORITY, b"in.test")
        + proxy.tlv(proxy.UNIQUE_ID, b"id-of-the-balancer") + proxy.tlv(proxy.NETNS, b"blue")
        + proxy.tlv(0xEA, b"\x01vpce-1") + proxy.tlv(proxy.NOOP, b"") * 2)


def pair(context, name="localhost"):
    """A TLS client whose bytes the test carries."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    return context.wrap_bio(incoming, outgoing, server_hostname=name), incoming, outgoing


def first_flight(context):
    tls, incoming, outgoing = pair(context)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return tls, incoming, outgoing, outgoing.read()


def finish(sock, tls, incoming, outgoing):
    """Ends the handshake that first_flight began, and has a word echoed."""
    sock.settimeout(ends.TIMEOUT_S)

    def until_done(step):
        while True:
            try:
                value = step()
                sock.sendall(outgoing.read())
                return value
            except ssl.SSLWantReadError:
                sock.sendall(outgoing.read())
                data = sock.recv(65536)
                assert data, "the connection ended"
                incoming.write(data)

    until_done(tls.do_handshake)
    until_done(lambda: tls.write(b"hello"))
    assert until_done(lambda: tls.read(5)) == b"hello"


@pytest.fixture(name="context")
def fixture_context(pki):
    return ends.client_context(pki.ca)


def serve(fleet, pki, backend, **service):
    return fleet.run_one("tls://127.0.0.1:0", backend().url, **{
        "certificates": [pki.server.as_config()], **LOOPBACK, **service})


def assert_closed(sock, one, reason, **fields):
    assert ends.PlainEnd(sock).fate() == "reset"
    record = one.wait_connection(reason=reason, **fields)
    assert record["level"] == "info"
    return record


class TestWhoIsLetIn:
    """`from` and `limits.rate` are for whom the header names, not for who sends it."""

    @staticmethod
    def greet(one, header):
        end = ends.PlainEnd(ends.dial(one.address()))
        end.send(header + b"words")
        return end

    def test_lists_of_addresses(self, fleet, backend):
        one = fleet.run_one("tcp://127.0.0.1:0", backend().url, **{
            **LOOPBACK, "from": {"deny": ["192.0.2.0/24", "127.0.0.0/8"]}})
        for header in [proxy.v1(), proxy.v2()]:
            with self.greet(one, header) as end:
                assert end.fate() == "reset"
        line = one.wait_log("refused", reason="address_denied")
        assert line["client"].startswith("192.0.2.7")
        for header in [proxy.v2(("198.51.100.9", 1)), proxy.v2(command=0x20)]:
            with self.greet(one, header) as end:  # LOCAL is the sender's own
                assert end.recv_exactly(5) == b"words"

    def test_rate(self, fleet, backend):
        one = fleet.run_one("tcp://127.0.0.1:0", backend().url, **{
            **LOOPBACK, "limits": {"rate": 1, "burst": 1}}, top={"workers": 1})
        with self.greet(one, proxy.v1()) as first, self.greet(one, proxy.v1()) as second:
            assert first.recv_exactly(5) == b"words"
            assert second.fate() == "reset"
            with self.greet(one, proxy.v1(("192.0.2.8", 1))) as other:
                assert other.recv_exactly(5) == b"words"
        one.wait_log("refused", reason="rate_limit")


class TestWhoIsListed:
    @pytest.mark.parametrize("header", [
        proxy.v1(), proxy.v2(), proxy.v2(checksum=True, tlvs=TLVS)], ids=["v1", "v2", "tlvs"])
    def test_the_client_is_whom_the_header_names(self, fleet, pki, backend, context, header):
        """The ClientHello is in the same segment."""
        one = serve(fleet, pki, backend)
        tls, incoming, outgoing, hello = first_flight(context)
        with ends.dial(one.address()) as sock:
            own = "%s:%d" % sock.getsockname()
            sock.sendall(header + hello)
            finish(sock, tls, incoming, outgoing)
        record = one.wait_connection(client="192.0.2.7:51234")
        assert record["via"] == own and record["sni"] == "localhost"
        assert record["stage"] == "relay" and "proxy_in_ms" in record

    @pytest.mark.parametrize("header", [proxy.v1(), proxy.v2(tlvs=TLVS)], ids=["v1", "v2"])
    def test_bytes_may_come_one_by_one(self, fleet, pki, backend, context, header):
        one = serve(fleet, pki, backend)
        tls, incoming, outgoing, hello = first_flight(context)
        with ends.dial(one.address()) as sock:
            for byte in header + hello[:20]:
                sock.sendall(bytes([byte]))
            sock.sendall(hello[20:])
            finish(sock, tls, incoming, outgoing)
        one.wait_connection(client="192.0.2.7:51234", stage="relay")

    @pytest.mark.parametrize("header,client", [
        (proxy.v1(("2001:db8::1", 1), ("::1", 2)), "[2001:db8::1]:1"),
        (proxy.v2(("2001:db8::1", 1), ("::1", 2)), "[2001:db8::1]:1"),
        (proxy.v2("/run/a", "/run/b"), "unix:/run/a")], ids=["v1", "v2", "unix"])
    def test_addresses_of_every_family(self, fleet, backend, header, client):
        one = fleet.run_one("tcp://127.0.0.1:0", backend().url, **LOOPBACK)
        with ends.PlainEnd(ends.dial(one.address())) as end:
            end.send(header + b"words")
            assert end.recv_exactly(5) == b"words"
        one.wait_connection(client=client)

    @pytest.mark.parametrize("header", [
        b"PROXY UNKNOWN\r\n", proxy.v2(None), proxy.v2(command=0x20),
        proxy.v2(None, command=0x20)], ids=["unknown", "unspec", "local", "local_empty"])
    def test_a_header_that_names_nobody_leaves_the_peer(self, fleet, backend, header):
        one = fleet.run_one("tcp://127.0.0.1:0", backend().url, **LOOPBACK)
        with ends.PlainEnd(ends.dial(one.address())) as end:
            own = "%s:%d" % end.sock.getsockname()
            end.send(header + b"words")
            assert end.recv_exactly(5) == b"words"
        assert "via" not in one.wait_connection(client=own)

    def test_a_peer_on_a_unix_socket(self, fleet, backend, folder):
        path = os.path.join(folder, "in.sock")
        one = fleet.run_one(f"unix:{path}", backend().url, proxy_protocol={"from": ["unix"]})
        os.chmod(path, 0o666)
        with ends.PlainEnd(ends.dial(path)) as end:
            for byte in proxy.v2(tlvs=TLVS):
                end.send(bytes([byte]))
            end.send(b"words")
            assert end.recv_exactly(5) == b"words"
        assert one.wait_connection(client="192.0.2.7:51234")["via"] == "unix:"

    def test_ipv6_peers_are_listed_as_such(self, fleet, backend):
        one = fleet.run_one("tcp://[::1]:0", backend().url, proxy_protocol={"from": ["::1"]})
        with ends.PlainEnd(ends.dial(one.address())) as end:
            end.send(proxy.v1() + b"words")
            assert end.recv_exactly(5) == b"words"
        one.wait_connection(client="192.0.2.7:51234")


class TestWhatIsRefused:
    def test_tls_without_a_header(self, fleet, pki, backend, context):
        one = serve(fleet, pki, backend)
        with ends.dial(one.address()) as sock:
            sock.sendall(first_flight(context)[3])
            assert_closed(sock, one, "proxy_header_missing", stage="proxy_in", side="client")

    @pytest.mark.parametrize("header,detail", [
        (proxy.v2(checksum=True)[:-1] + b"!", "checksum"),
        (proxy.v2(tlvs=proxy.tlv(1, b"a") * 2), "malformed"),
        (proxy.v2(tlvs=b"\x01\x00\x09a"), "malformed"),
        (proxy.SIGNATURE + b"\x21\x41\0\0", "malformed"),
        (proxy.SIGNATURE + b"\x31\x11\0\0", "malformed"),
        (proxy.SIGNATURE + b"\x21\x11\0\x0b" + bytes(11), "malformed"),
        (proxy.SIGNATURE + b"\x21\x11\xff\xff", "too long"),
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 1 65536\r\n", "malformed"),
        (b"PROXY UNKNOWN " + b"x" * 100, "malformed")],
        ids=["checksum", "twice", "tlv", "family", "version", "length", "long", "port", "line"])
    def test_a_header_that_is_none(self, fleet, backend, header, detail):
        one_backend = backend()
        one = fleet.run_one("tcp://127.0.0.1:0", one_backend.url, **LOOPBACK)
        with ends.dial(one.address()) as sock:
            sock.sendall(header + b"words")
            record = assert_closed(sock, one, "proxy_header_invalid", stage="proxy_in")
        assert detail in record["detail"]
        assert not one_backend.visits

    @pytest.mark.parametrize("header", [proxy.v1(), proxy.v2(tlvs=TLVS)], ids=["v1", "v2"])
    def test_half_a_header_and_no_more(self, fleet, backend, header):
        one = fleet.run_one("tcp://127.0.0.1:0", backend().url, timeouts={"handshake": "200ms"},
                            **LOOPBACK)
        for half in (header[: len(header) // 2], b""):
            with ends.dial(one.address()) as sock:
                sock.sendall(half)
                assert_closed(sock, one, "proxy_header_timeout", stage="proxy_in",
                              client="%s:%d" % sock.getsockname())

    @pytest.mark.parametrize("half", [b"", proxy.v1()[:20], proxy.v2()[:20]])
    def test_a_peer_that_ends_within_its_header(self, fleet, backend, half):
        """As a health check does that only connects."""
        one = fleet.run_one("tcp://127.0.0.1:0", backend().url, **LOOPBACK)
        with ends.dial(one.address()) as sock:
            sock.sendall(half)
            sock.shutdown(socket.SHUT_WR)
            assert_closed(sock, one, "client_closed", stage="proxy_in")

    def test_a_header_of_somebody_who_is_not_listed(self, fleet, pki, backend):
        one = serve(fleet, pki, backend, proxy_protocol={"from": ["10.0.0.0/8", "::1"]})
        for header in (proxy.v1(), proxy.v2()):
            with ends.dial(one.address()) as sock:
                own = "%s:%d" % sock.getsockname()
                sock.sendall(header)
                assert ends.PlainEnd(sock).recv_all()[:1] == b"\x15"
            record = one.wait_connection(client=own)
            assert record["reason"] == "not_tls" and "PROXY header" in record["detail"]

    def test_to_who_is_not_listed_it_is_plain_bytes(self, fleet, backend):
        one = fleet.run_one("tcp://127.0.0.1:0", backend().url,
                            proxy_protocol={"from": "10.0.0.0/8"})
        with ends.PlainEnd(ends.dial(one.address())) as end:
            end.send(proxy.v1())
            assert end.recv_exactly(len(proxy.v1())) == proxy.v1()
            own = "%s:%d" % end.sock.getsockname()
        one.wait_connection(client=own)


class TestWhatIsPassedOn:
    @staticmethod
    def told(fleet, backend, header, listen="tcp://127.0.0.1:0", upstream=None, **service):
        headers = []

        def behave(visit):
            headers.append(proxy.read_v2(visit.end))
            peers.echo(visit)

        one = fleet.run_one(listen, backend(behave).url,
                            upstream={"proxy_protocol": "v2", **(upstream or {})}, **service)
        with ends.PlainEnd(ends.dial(one.address())) as end:
            own = "%s:%d" % end.sock.getsockname()
            end.send(header + b"words")
            assert end.recv_exactly(5) == b"words"
        return one, own, headers[0]

    def test_nothing_but_the_addresses_unless_asked(self, fleet, backend):
        one, own, (places, tlvs, _) = self.told(fleet, backend, proxy.v2(tlvs=TLVS), **LOOPBACK)
        assert places == [("192.0.2.7", 51234), ("198.51.100.1", 443)]
        record = one.wait_connection(via=own)
        assert tlvs == {proxy.UNIQUE_ID: record["id"].encode()}
        assert re.fullmatch(r"[0-9a-f]{16}-[0-9a-f]+", record["id"])

    def test_what_is_named_and_never_twice(self, fleet, backend):
        proxy_in = {"from": "127.0.0.1", "pass": ["authority", "unique_id", "netns", "0xEA", 171]}
        one, _, (_, tlvs, _) = self.told(fleet, backend, proxy.v2(tlvs=TLVS),
                                         proxy_protocol=proxy_in,
                                         upstream={"proxy_tlvs": ["unique_id", "crc32c"]})
        assert tlvs.pop(proxy.CRC32C)
        assert tlvs == {proxy.AUTHORITY: b"in.test", proxy.UNIQUE_ID: b"id-of-the-balancer",
                        proxy.NETNS: b"blue", 0xEA: b"\x01vpce-1"}
        assert one.wait_connection()["id"] == "id-of-the-balancer"

    def test_our_own_where_none_came(self, fleet, backend):
        proxy_in = {"from": "127.0.0.1", "pass": ["unique_id", "netns"]}
        one, _, (_, tlvs, _) = self.told(fleet, backend, proxy.v1(), proxy_protocol=proxy_in)
        assert tlvs == {proxy.UNIQUE_ID: one.wait_connection()["id"].encode()}

    def test_an_id_that_is_no_text_is_logged_in_hexadecimal(self, fleet, backend):
        header = proxy.v2(tlvs=proxy.tlv(proxy.UNIQUE_ID, b"\x00\xff\n"))
        one, _, (_, tlvs, _) = self.told(
            fleet, backend, header, proxy_protocol={"from": "127.0.0.1", "pass": ["unique_id"]})
        assert tlvs[proxy.UNIQUE_ID] == b"\x00\xff\n"
        assert one.wait_connection()["id"] == "00ff0a"

    def test_what_is_too_long_with_ours_is_refused(self, fleet, backend):
        """The longest header that is read has no room for an id."""
        one = fleet.run_one("tcp://127.0.0.1:0", backend().url, upstream={"proxy_protocol": "v2"},
                            proxy_protocol={"from": "127.0.0.1", "pass": ["0xEA"]})
        header = proxy.v2(tlvs=proxy.tlv(0xEA, bytes(16384 - 28 - 3)))
        assert len(header) == 16384
        with ends.dial(one.address()) as sock:
            sock.sendall(header)
            record = assert_closed(sock, one, "proxy_header_invalid", stage="proxy_out")
        assert "passed on" in record["detail"]

    def test_paths_of_unix_sockets(self, fleet, backend):
        _, _, (places, _, _) = self.told(fleet, backend, proxy.v2("/run/a", "/run/b"), **LOOPBACK)
        assert places == ["/run/a", "/run/b"]

    def test_tls_facts_of_the_first_proxy_in_place_of_ours(self, fleet, pki, backend, context):
        """Behind a proxy that takes TLS off, and one more TLS on our side."""
        headers = []

        def behave(visit):
            headers.append(proxy.read_v2(visit.end))
            peers.echo(visit)

        facts = b"\x05\0\0\0\0" + proxy.tlv(proxy.SSL_CN, b"alice")
        one = fleet.run_one("tls://127.0.0.1:0", backend(behave).url,
                            certificates=[pki.server.as_config()],
                            proxy_protocol={"from": "127.0.0.1", "pass": ["ssl", "alpn"]},
                            upstream={"proxy_protocol": "v2"})
        for tlvs in (proxy.tlv(proxy.SSL, facts) + proxy.tlv(proxy.ALPN, b"h3"), b""):
            tls, incoming, outgoing, hello = first_flight(context)
            with ends.dial(one.address()) as sock:
                sock.sendall(proxy.v2(tlvs=tlvs) + hello)
                finish(sock, tls, incoming, outgoing)
        passed, own = headers[0][1], headers[1][1]
        assert passed[proxy.SSL] == facts and passed[proxy.ALPN] == b"h3"
        assert passed[proxy.AUTHORITY] == b"localhost" and proxy.RESUMED not in passed
        assert headers[1][2][proxy.SSL_VERSION] == b"TLSv1.3" and proxy.ALPN not in own


def test_check_warns_when_everybody_is_believed(fleet, backend):
    one = fleet.run_one("tcp://127.0.0.1:0", backend().url, proxy_protocol={"from": "0.0.0.0/0"})
    assert "believed from anywhere" in one.wait_log("config_warning")["detail"]
