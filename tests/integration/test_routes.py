# SPDX-License-Identifier: Apache-2.0
"""Routes: by name, protocol and address; TLS that ends here and TLS that goes on untouched."""
import hashlib
import os
import re
import socket
import ssl
import time

import pytest

import ends
import hello
import peers
import programs
import sluice
from scale import BIG_BYTES, MIB, blocks, blocks_hash, until

ECH_OUTER = b"\0" + b"\0\1\0\1" + b"\x2a" + hello.vector(2, bytes(32)) + hello.vector(2, bytes(144))
GREASE = hello.extension(0x2A2A, b"") + hello.extension(0xCACA, b"\0")
UNRECOGNIZED_NAME, DECODE_ERROR, ILLEGAL_PARAMETER = 112, 50, 47


def tagged(tag):
    """Says who it is, then echoes."""

    def behave(visit):
        visit.end.send(tag)
        peers.echo(visit)

    return behave


def raw_hello(name=b"other.test", alpn=(b"h2", b"http/1.1"), more=b"", record=hello.RECORD_MAX):
    return hello.in_records(hello.modern_hello(name=name, alpn=alpn, more=more), record)


def refused(address, data):
    """Sends bytes; gives the alert that comes back before the end."""
    with ends.PlainEnd(ends.dial(address)) as client:
        client.send(data)
        answer = client.recv_all()
    assert len(answer) == 7 and answer[:2] == b"\x15\x03" and answer[3:6] == b"\0\2\2", answer
    return answer[6]


@pytest.fixture(name="pass_on")
def fixture_pass_on(fleet, pki, backend):
    """pass_on(behave, listen=…): other.test goes on untouched to a raw backend, all else ends here
    and is echoed. Gives the program and the backend."""

    def start(behave=peers.collect, listen="tls", top=None, **service):
        passed, plain = backend(behave), backend()
        route = {"sni": "other.test", "connect": passed.url}
        if listen == "tls":
            route["terminate"] = "no"
            service.setdefault("certificates", [pki.server.as_config()])
        one = fleet.run_one(f"{listen}://127.0.0.1:0", plain.url, top=top, routes=[route],
                            **service)
        return one, passed

    return start


class TestOnePort:
    """Real programs on both sides of one port that ends some TLS and passes other TLS on."""

    def test_each_client_meets_whom_it_asked_for(self, fleet, pki, backend, folder, stack):
        nginx = stack.enter_context(programs.Nginx(folder, cert=pki.other))
        inner = fleet.run_one("tls://127.0.0.1:0", backend(tagged(b"inner\n")).url,
                              certificates=[pki.wild.as_config()])
        nginx_url = f"tcp://127.0.0.1:{nginx.port}"
        inner_url = f"tcp://127.0.0.1:{inner.port()}"
        one = fleet.run_one(
            "tls://127.0.0.1:0", backend(tagged(b"outer\n")).url,
            certificates=[pki.server.as_config()],
            routes=[{"sni": "other.test", "terminate": False, "connect": nginx_url},
                    {"sni": ["*.wild.test"], "terminate": "no", "connect": inner_url}])
        # each verifies by a name that only one of the three certificates has
        page = programs.curl("--cacert", pki.ca, "--connect-to", f"::127.0.0.1:{one.port()}",
                             "https://other.test/hello")
        assert page == b"hello from nginx\n"
        with programs.s_client(one.address(), pki.ca, name="a.wild.test") as client:
            client.expect(r"^inner")
        with programs.gnutls_cli(one.address(), pki.ca) as client:
            client.expect(r"^outer")
        first = one.wait_connection(sni="other.test")
        assert (first["mode"], first["route"]) == ("pass-through", 1)
        assert first["connect"] == nginx_url and "version" not in first
        assert "http/1.1" in first["alpn_offered"].split(",")
        second = one.wait_connection(sni="a.wild.test")
        assert (second["mode"], second["route"]) == ("pass-through", 2)
        third = one.wait_connection(sni="localhost")
        assert third["version"].startswith("TLSv1.") and third["cipher"]
        assert not {"mode", "route", "alpn_offered"} & set(third)
        assert inner.wait_connection(sni="a.wild.test")["version"].startswith("TLSv1.")


def cuts(data):
    """The same bytes in other segments."""
    return {"whole": [data], "bytes": [data[at:at + 1] for at in range(len(data))],
            "header": [data[:3], data[3:5], data[5:]], "more": [data + b"early", b" words"]}


class TestUntouched:
    """What goes through is what came, both ways."""

    @pytest.mark.parametrize("record", [1, 100, hello.RECORD_MAX])
    @pytest.mark.parametrize("listen", ["tls", "tcp"])
    def test_a_hello_arrives_as_it_was_sent(self, pass_on, listen, record):
        one, backend = pass_on(listen=listen)
        pieces = [raw_hello(more=GREASE + hello.extension(0xFE0D, ECH_OUTER)
                            + hello.extension(0x6399, os.urandom(1300)), record=record)]
        sent = []
        for segments in cuts(pieces[0]).values():
            with ends.PlainEnd(ends.dial(one.address())) as client:
                for segment in segments:
                    client.send(segment)
                client.end()
                visit = backend.visit(len(sent))
                sent.append(b"".join(segments))
                until(lambda: len(visit.received) >= len(sent[-1]), "the bytes")
                visit.go.set()
                assert client.recv_all() == b""
            assert bytes(visit.received) == sent[-1]
        lines = one.wait_logs(len(sent), "connection", reason="done")
        assert sorted(line["bytes_to_upstream"] for line in lines) == sorted(map(len, sent))
        assert all(line["sni"] == "other.test" and line["alpn_offered"] == "h2,http/1.1"
                   and line["ech"] and line["mode"] == "pass-through" for line in lines)

    def test_post_quantum_sizes_pass_and_end_here_alike(self, pass_on, pki):
        one, backend = pass_on(top={"limits": {"client_hello": "128KiB"}})
        data = raw_hello(more=hello.extension(0x6399, os.urandom(3900)), record=1)
        with ends.PlainEnd(ends.dial(one.address())) as client:
            client.send(data)
            until(lambda: len(backend.visit().received) == len(data), "the bytes")
            assert bytes(backend.visit().received) == data
        context = ends.client_context(pki.ca, alpn=hello.long_alpn(4000))
        for record in (1, 700, hello.RECORD_MAX):
            end, message = hello.first_flight(ends.dial(one.address()), context)
            assert len(message) > 4000
            with end:
                for at in range(0, len(message), 7 * record):
                    end.sock.sendall(hello.in_records(message[at:at + 7 * record], record))
                end.handshake()
                end.send(b"and on")
                assert end.recv_exactly(6) == b"and on"
                end.end()
                assert end.fate() == "clean"
        assert len(one.wait_logs(3, "connection", reason="done", sni="localhost")) == 3

    def test_a_hello_and_data_in_one_segment_end_here(self, fleet, pki, backend):
        one = fleet.run_one("tls://127.0.0.1:0", backend().url, routes=[
            {"sni": "localhost", "connect": backend(tagged(b"routed")).url}],
                            certificates=[pki.server.as_config()])
        with ends.tls_dial(one.address(), ends.client_context(pki.ca)) as client:
            assert client.recv_exactly(6) == b"routed"

    @pytest.mark.parametrize("behave,answer", [(peers.sink, None), (None, "download")])
    def test_much_goes_through_unchanged(self, pass_on, behave, answer):
        total = min(BIG_BYTES, 256 * MIB)
        first = raw_hello()

        def download(visit):
            assert visit.end.recv_exactly(len(first)) == first
            peers.source(total)(visit)

        one, backend = pass_on(behave or download)
        with ends.PlainEnd(ends.dial(one.address())) as client:
            client.send(first)
            if answer is None:
                digest = hashlib.sha256(first)
                for block in blocks(total):
                    digest.update(block)
                    client.send(block)
                client.end()
                assert client.recv_all().decode() == digest.hexdigest()
            else:
                digest = hashlib.sha256()
                while data := client.recv():
                    digest.update(data)
                assert digest.hexdigest() == blocks_hash(total)
                client.end()
        assert backend.visit().wait() == "done"
        record = one.wait_connection(reason="done")
        moved = record["bytes_to_upstream"] if answer is None else record["bytes_to_client"]
        assert moved == total + (len(first) if answer is None else 0)

    def test_a_proxy_header_goes_first(self, pass_on):
        one, backend = pass_on(upstream={"proxy_protocol": "v2"})
        data = raw_hello()
        with ends.PlainEnd(ends.dial(one.address())) as client:
            client.send(data)
            port = client.sock.getsockname()[1]
            until(lambda: bytes(backend.visit().received).endswith(data), "the bytes")
        received = bytes(backend.visit().received)
        assert received.startswith(b"\r\n\r\n\0\r\nQUIT\n\x21\x11")
        size = 16 + int.from_bytes(received[14:16], "big")
        assert received[size:] == data and int.from_bytes(received[24:26], "big") == port


class TestEnds:
    """TCP's ends pass as they are: what they mean to the TLS inside is not ours to say."""

    @pytest.fixture(name="through")
    def fixture_through(self, fleet, pki, backend):
        """through(behave): a TLS backend behind a route, and a client through it."""

        def start(behave):
            inner = backend(behave, context=ends.server_context(pki.other))
            url = inner.url.replace("tls:", "tcp:")
            one = fleet.run_one("tcp://127.0.0.1:0", None, routes=[
                {"sni": "other.test", "connect": url}])
            return one, inner, ends.tls_dial(one.address(), ends.client_context(pki.ca),
                                             name="other.test")

        return start

    def test_one_direction_ends_before_the_other(self, through):
        def answer(visit):
            while visit.read():
                pass
            visit.end.send(b"z" * MIB)
            visit.end.end()
            visit.end.fin()

        one, inner, client = through(answer)
        with client:
            client.send(b"a question")
            client.end()
            client.fin()
            assert client.recv_all() == b"z" * MIB
        assert inner.visit().wait() == "done" and bytes(inner.visit().received) == b"a question"
        one.wait_connection(reason="done")

    def test_a_truncation_reaches_the_other_side_as_one(self, through):
        one, inner, client = through(peers.sink)
        with client:
            client.send(b"half of it")
            client.fin()
            assert client.fate() in ("truncated", "reset")
        assert inner.visit().wait() == "truncated"
        assert one.wait_connection()["reason"] == "done"  # of TCP it was no fault

    def test_a_reset_reaches_the_other_side_as_one(self, through):
        one, inner, client = through(peers.sink)
        client.send(b"half of it")
        until(lambda: inner.visit().end is not None, "the backend's end")
        client.reset()
        assert inner.visit().wait() == "reset"
        one.wait_connection(reason="client_reset")


class TestConditions:
    """Each condition, and the order."""

    # what the client is: name, ALPN, address; and where it goes
    CASES = [
        ("exact.test", None, "127.0.0.1", b"exact"),
        ("EXACT.test", None, "127.0.0.1", b"exact"),
        ("a.wild.test", None, "127.0.0.1", b"wild"),
        ("b.a.wild.test", None, "127.0.0.1", b"none"),
        ("wild.test", None, "127.0.0.1", b"none"),
        ("plain.test", ["two", "three"], "127.0.0.1", b"alpn"),
        ("plain.test", ["three"], "127.0.0.1", b"none"),
        ("exact.test", ["two"], "127.0.0.1", b"exact"),  # the first that fits
        ("plain.test", None, "127.0.3.9", b"from"),
        ("plain.test", None, "127.0.4.9", b"none"),
        ("all.test", ["one"], "127.0.5.1", b"all"),
        ("all.test", ["one"], "127.0.6.1", b"none"),
        ("all.test", ["three"], "127.0.5.1", b"none"),
        ("some.test", ["one"], "127.0.5.1", b"none"),
        (None, None, "127.0.0.1", b"none"),
    ]

    @pytest.fixture(name="one")
    def fixture_one(self, fleet, pki, backend):
        def to(tag):
            return {"connect": backend(tagged(tag)).url}

        one = fleet.run_one(
            "tls://127.0.0.1:0", to(b"none")["connect"], alpn=["one", "two", "three"],
            certificates=[pki.server.as_config(), pki.wild.as_config()],
            routes=[{"sni": "exact.test", **to(b"exact")},
                    {"sni": ["*.wild.test", "unused.test"], **to(b"wild")},
                    {"alpn": "two", **to(b"alpn")},
                    {"from": ["127.0.3.0/24"], **to(b"from")},
                    {"sni": "all.test", "alpn": ["one"], "from": "127.0.5.1", **to(b"all")}])
        return one

    def test_the_first_route_of_which_all_conditions_hold_is_taken(self, one):
        for name, alpn, address, tag in self.CASES:
            sock = socket.create_connection(one.address(), source_address=(address, 0))
            context = ends.client_context(alpn=alpn)
            with ends.TlsEnd(sock, context, name=name).handshake() as client:
                assert client.recv_exactly(len(tag)) == tag, (name, alpn, address)
                assert client.tls.selected_alpn_protocol() == (alpn or [None])[0]
        lines = one.wait_logs(len(self.CASES), "connection")
        assert {line.get("route", 0) for line in lines} == set(range(6))

    def test_who_is_sent_somewhere_for_a_protocol_gets_it(self, fleet, pki, backend):
        # of what this client offers the service would rather speak "one"
        one = fleet.run_one("tls://127.0.0.1:0", backend().url, alpn=["one", "two"],
                            certificates=[pki.server.as_config()],
                            routes=[{"alpn": "two", "connect": backend(tagged(b"two")).url}])
        context = ends.client_context(pki.ca, alpn=["one", "two"])
        with ends.tls_dial(one.address(), context) as client:
            assert client.recv_exactly(3) == b"two"
            assert client.tls.selected_alpn_protocol() == "two"

    def test_upstreams_with_tls_are_verified_each_by_its_own_name(self, fleet, pki, backend):
        def to(cert, tag):
            url = backend(tagged(tag), context=ends.server_context(cert)).url
            return url.replace("127.0.0.1", "localhost")

        one = fleet.run_one(
            "tls://127.0.0.1:0", backend(tagged(b"plain")).url,
            certificates=[pki.server.as_config()], upstream={"ca": pki.ca},
            routes=[{"sni": "good.test", "connect": to(pki.server, b"good")},
                    {"sni": "bad.test", "connect": to(pki.other, b"bad")}])
        one.may_warn = True
        context = ends.client_context()
        with ends.tls_dial(one.address(), context, name="good.test") as client:
            assert client.recv_exactly(4) == b"good"
        assert one.wait_connection(sni="good.test")["upstream_version"] == "TLSv1.3"
        with pytest.raises((ends.Truncated, OSError, ssl.SSLError)):
            with ends.tls_dial(one.address(), context, name="bad.test") as client:
                client.recv_exactly(3)
        one.wait_connection(sni="bad.test", reason="upstream_unverified", route=2)
        with ends.tls_dial(one.address(), context, name="else.test") as client:
            assert client.recv_exactly(5) == b"plain"

    def test_a_bridge_lets_the_upstream_of_the_route_choose(self, fleet, pki, backend):
        inner = backend(context=ends.server_context(pki.server, alpn=["two"]))
        one = fleet.run_one("tls://127.0.0.1:0", backend().url,
                            certificates=[pki.server.as_config()], upstream={"ca": pki.ca},
                            routes=[{"sni": "localhost", "connect": inner.url}])
        context = ends.client_context(pki.ca, alpn=["one", "two"])
        with ends.tls_dial(one.address(), context) as client:
            assert client.tls.selected_alpn_protocol() == "two"

    def test_without_tls_clients_are_told_apart_by_address(self, fleet, pki, backend):
        inner = backend(tagged(b"near"), context=ends.server_context(pki.server))
        one = fleet.run_one("tcp://127.0.0.1:0", backend(tagged(b"far")).url,
                            upstream={"ca": pki.ca},
                            routes=[{"from": "127.0.3.0/24", "connect": inner.url}])
        for address, tag in [("127.0.3.1", b"near"), ("127.0.4.1", b"far ")]:
            sock = socket.create_connection(one.address(), source_address=(address, 0))
            with ends.PlainEnd(sock) as client:  # who says nothing is not waited for
                assert client.recv_exactly(3) == tag[:3]


class TestServers:
    """A route's servers are chosen among as a service's are."""

    def test_another_is_tried_with_the_same_bytes(self, fleet, backend):
        passed = backend(peers.collect)
        nobody = socket.socket()
        nobody.bind(("127.0.0.1", 0))
        with nobody:
            one = fleet.run_one("tcp://127.0.0.1:0", None, routes=[
                {"sni": "other.test", "connect": [
                    f"tcp://127.0.0.1:{nobody.getsockname()[1]}", passed.url]}])
            data = raw_hello()
            with ends.PlainEnd(ends.dial(one.address())) as client:
                client.send(data)
                until(lambda: len(passed.visit().received) == len(data), "the bytes")
                assert bytes(passed.visit().received) == data
                client.reset()
        assert one.wait_connection()["tries"] == 2

    def test_they_take_turns(self, fleet, backend):
        tags = [b"1", b"2"]
        one = fleet.run_one("tcp://127.0.0.1:0", None, balance="round-robin", routes=[
            {"sni": "other.test", "connect": [backend(tagged(tag)).url for tag in tags]}])
        seen = []
        for _ in range(4):
            with ends.PlainEnd(ends.dial(one.address())) as client:
                client.send(raw_hello())
                seen.append(client.recv_exactly(1))
        assert sorted(seen[:2]) == sorted(seen[2:]) == tags

    def test_they_are_checked(self, fleet, backend):
        nobody = socket.socket()
        nobody.bind(("127.0.0.1", 0))
        url = f"tcp://127.0.0.1:{nobody.getsockname()[1]}"
        with nobody:
            one = fleet.run_one("tcp://127.0.0.1:0", backend().url, routes=[
                {"sni": "other.test", "connect": [url, backend().url]}],
                health={"type": "connect", "interval": "100ms", "timeout": "100ms", "fall": 1})
            assert one.wait_log("upstream_down")["connect"] == url


class TestNoRoute:
    """Who is for no route."""

    @pytest.fixture(name="strict", params=["tls", "tcp"])
    def fixture_strict(self, fleet, pki, backend, request):
        service = {} if request.param == "tcp" else {"certificates": [pki.other.as_config()]}
        return fleet.run_one(f"{request.param}://127.0.0.1:0", None, routes=[
            {"sni": "other.test", "connect": backend().url}], **service)

    def test_an_unknown_name_is_told_so(self, strict):
        assert refused(strict.address(), raw_hello(name=b"who.test")) == UNRECOGNIZED_NAME
        record = strict.wait_connection(reason="no_route")
        assert (record["sni"], record["stage"], record["side"]) == ("who.test", "peek", "client")
        assert record["alpn_offered"] == "h2,http/1.1" and "mode" not in record
        assert "upstream" not in record and record["level"] == "info"
        assert refused(strict.address(), raw_hello(name=None)) == UNRECOGNIZED_NAME
        assert "sni" not in strict.wait_logs(2, "connection", reason="no_route")[1]

    def test_a_name_in_an_extension_that_stands_twice_is_no_name(self, strict):
        name = hello.extension(0, hello.vector(2, b"\0" + hello.vector(2, b"other.test")))
        for data in [raw_hello(more=name), raw_hello(more=hello.extension(16, b"\0\1\0"))]:
            with ends.PlainEnd(ends.dial(strict.address())) as client:
                client.send(data)
                assert client.recv_all()[:1] == b"\x15"
        strict.wait_logs(2, "connection", reason="handshake_failed")


class TestOtherBytes:
    """What is no TLS, or not as it should be."""

    def test_what_libssl_alone_would_take_goes_nowhere(self, pass_on, pki):
        one, passed = pass_on()
        end, message = hello.first_flight(ends.dial(one.address()), ends.client_context(pki.ca))
        with end:
            end.sock.sendall(b"\x16\x03\x01\0\0" + hello.in_records(message))  # an empty record
            with pytest.raises((ConnectionError, ends.Truncated, ssl.SSLError)):
                end.handshake()
                end.send(b"words")
                end.recv_exactly(5)
        record = one.wait_connection(reason="handshake_failed")
        assert "upstream" not in record and not passed.visits

    def test_a_tls_port_says_what_it_got(self, pass_on):
        one, _ = pass_on()
        for data, word in [(b"SSH-2.0-x\r\n", "SSH"), (b"GET / HTTP/1.1\r\n\r\n", "HTTP"),
                           (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n", "PROXY"),
                           (bytes(64), "does not speak TLS")]:
            count = len(one.find_logs("connection"))
            with ends.PlainEnd(ends.dial(one.address())) as client:
                client.send(data)
                answer = client.recv_all()
            assert answer.startswith(b"HTTP/1.1 400 " if word == "HTTP" else b"\x15\x03")
            record = one.wait_logs(count + 1, "connection")[-1]
            assert record["reason"] == "not_tls" and word in record["detail"]

    def test_a_plain_port_takes_it_for_no_name(self, fleet, backend):
        one = fleet.run_one("tcp://127.0.0.1:0", backend().url, routes=[
            {"sni": "other.test", "connect": backend(tagged(b"tls")).url}])
        for data in [b"SSH-2.0-x\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GE", b"\x16\x02"]:
            with ends.PlainEnd(ends.dial(one.address())) as client:
                client.send(data)
                client.end()  # what could become more ends with the client
                assert client.recv_all() == data
        with ends.PlainEnd(ends.dial(one.address())) as client:
            client.send(raw_hello(name=None))
            assert client.recv_exactly(5) == raw_hello(name=None)[:5]
        with ends.PlainEnd(ends.dial(one.address())) as client:
            client.send(raw_hello())
            assert client.recv_exactly(3) == b"tls"

    @pytest.mark.parametrize("listen", ["tls", "tcp"])
    def test_a_hello_over_the_bound_ends_it(self, pass_on, listen):
        one, backend = pass_on(listen=listen, top={"limits": {"client_hello": "4KiB"}})
        for record in (100, hello.RECORD_MAX):
            data = raw_hello(more=hello.extension(0x6399, bytes(5000)), record=record)
            assert refused(one.address(), data[:4096]) == ILLEGAL_PARAMETER
        data = raw_hello(more=hello.extension(0x6399, bytes(800)), record=1)
        assert refused(one.address(), data) == ILLEGAL_PARAMETER  # its records count as well
        lines = one.wait_logs(3, "connection", reason="client_hello_too_large")
        assert all(line["detail"] == "the ClientHello is larger than 4096 bytes" for line in lines)
        assert not backend.visits
        with ends.PlainEnd(ends.dial(one.address())) as client:  # and what is behind it does not
            client.send(raw_hello() + bytes(5000))
            until(lambda: backend.visits, "the backend's connection")

    @pytest.mark.parametrize("listen", ["tls", "tcp"])
    def test_a_hello_that_stays_unfinished_has_its_time(self, pass_on, listen):
        one, _ = pass_on(listen=listen, timeouts={"handshake": "500ms"})
        data = raw_hello()
        begin = time.monotonic()
        clients = [ends.PlainEnd(ends.dial(one.address())) for _ in range(4)]
        for client, part in zip(clients, (b"", data[:1], data[:5], data[:-1])):
            client.send(part)
        for client in clients:
            with client:
                assert client.fate() == "reset"
        assert time.monotonic() - begin > 0.4
        lines = one.wait_logs(4, "connection", reason="handshake_timeout")
        assert all(line["stage"] == "peek" for line in lines)

    def test_the_handshake_has_what_the_hello_left_of_the_time(self, pass_on, pki):
        one, _ = pass_on(timeouts={"handshake": "2s"})
        end, message = hello.first_flight(ends.dial(one.address()), ends.client_context(pki.ca))
        data = hello.in_records(message)
        begin = time.monotonic()
        with end:
            end.sock.sendall(data[:-1])
            until(lambda: time.monotonic() - begin > 1.2, "more than half of the time")
            end.sock.sendall(data[-1:])
            record = one.wait_connection(reason="handshake_timeout")
        assert record["stage"] == "handshake" and record["peek_ms"] >= 1000
        assert record["total_ms"] < 2900

    def test_who_leaves_early_is_no_fault(self, pass_on):
        one, _ = pass_on()
        for part in (b"", raw_hello()[:20]):
            with ends.PlainEnd(ends.dial(one.address())) as client:
                client.send(part)
        one.wait_logs(2, "connection", reason="client_closed")


class TestResumption:
    """A ticket is worth nothing on another way."""

    @pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
    def test_a_ticket_of_one_route_does_not_open_another(self, fleet, pki, backend, version):
        inner = fleet.run_one("tls://127.0.0.1:0", backend(tagged(b"pass")).url,
                              certificates=[pki.wild.as_config()])
        one = fleet.run_one(
            "tls://127.0.0.1:0", None, certificates=[pki.server.as_config()],
            routes=[{"sni": "localhost", "connect": backend(tagged(b"home")).url},
                    {"sni": "sluice.test", "connect": backend(tagged(b"test")).url},
                    {"sni": "a.wild.test", "terminate": "no",
                     "connect": f"tcp://127.0.0.1:{inner.port()}"}])
        context = ends.client_context(version=ssl.TLSVersion[version])

        def visit(name, session=None):
            with ends.tls_dial(one.address(), context, name=name, session=session) as client:
                tag = client.recv_exactly(4)
                client.send(b"x")
                client.recv_exactly(1)
                found = client.tls.session, client.tls.session_reused, tag
                client.end()
                client.fate()
            return found

        home, _, tag = visit("localhost")
        assert tag == b"home"
        assert visit("localhost", home)[1:] == (True, b"home")
        assert visit("sluice.test", home)[1:] == (False, b"test")
        assert visit("a.wild.test", home)[1:] == (False, b"pass")
        inside, reused, tag = visit("a.wild.test")
        assert (reused, tag) == (False, b"pass")
        assert visit("localhost", inside)[1:] == (False, b"home")
        assert visit("a.wild.test", inside)[1:] == (True, b"pass")


class TestCheck:
    """What `sluice check` says of routes."""

    def config(self, pki, folder, **service):
        return sluice.write_config(f"{folder}/s.yaml", {"services": {"main": {
            "listen": "tls://127.0.0.1:0", "certificates": [pki.server.as_config()],
            "routes": [{"sni": ["localhost"], "alpn": "h2", "connect": "tcp://127.0.0.1:1"},
                       {"sni": "sluice.test", "from": "10.0.0.0/8", "terminate": "no",
                        "connect": ["tcp://127.0.0.1:2", "unix:/x"]}],
            "alpn": ["http/1.1", "h2"], **service}}})

    def test_each_route_is_printed_with_what_becomes_of_tls(self, pki, folder):
        done = sluice.command("check", "-c", self.config(pki, folder))
        assert done.returncode == 0, done.stderr
        assert "main: tls://127.0.0.1:0 -> 2 routes (" in done.stdout
        assert ("route 1: sni localhost alpn h2 -> tcp://127.0.0.1:1, TLS ends here"
                in done.stdout)
        assert ("route 2: sni sluice.test from 10.0.0.0/8 -> tcp://127.0.0.1:2 unix:/x, "
                "TLS goes on untouched" in done.stdout)
        assert "no route: closed" in done.stdout
        done = sluice.command("check", "-c", self.config(pki, folder,
                                                         connect="tcp://127.0.0.1:3"))
        assert "-> tcp://127.0.0.1:3, 2 routes (" in done.stdout
        assert "no route: -> tcp://127.0.0.1:3, TLS ends here" in done.stdout

    def test_names_that_no_certificate_is_for_are_found(self, pki, folder):
        routes = [{"sni": ["localhost", "who.test"], "connect": "tcp://127.0.0.1:1"},
                  {"sni": "*.wild.test", "connect": "tcp://127.0.0.1:1"},
                  {"sni": "else.test", "terminate": "no", "connect": "tcp://127.0.0.1:1"}]
        done = sluice.command("check", "-c", self.config(pki, folder, routes=routes, alpn=["x"]))
        assert done.returncode == 0
        assert re.findall(r"(\w+): no certificate is for (.*): clients (.*)", done.stderr) == [
            ("warning", "'who.test'", "get the first certificate"),
            ("warning", "every name of '*.wild.test'", "get the first certificate")]
        done = sluice.command("check", "-c", self.config(pki, folder, routes=routes, alpn=["x"],
                                                         sni="strict"))
        assert done.returncode == 2
        assert "error: no certificate is for 'who.test': clients are refused" in done.stderr

    def test_a_known_client_is_sent_its_way(self, pki, folder):
        def outcome(**service):
            done = sluice.command("check", "-c", self.config(pki, folder, **service),
                                  "--as", "firefox,java-8")
            return done.returncode, [line.split(": ", 1)[1] for line in done.stdout.splitlines()
                                     if line.startswith("    main")]

        status, lines = outcome(connect="tcp://127.0.0.1:3")
        assert status == 0
        assert lines[0].endswith("ALPN h2, route 1") and "TLSv1.3" in lines[0]
        assert "route" not in lines[1] and "TLSv1.2" in lines[1]
        assert outcome()[1][1] == "cannot connect: no route is for it" and outcome()[0] == 1
        lines = outcome(routes=[{"sni": "localhost", "terminate": "no",
                                 "connect": "tcp://127.0.0.1:2"}],
                        connect="tcp://127.0.0.1:3")[1]
        assert lines[0] == "its TLS goes on to tcp://127.0.0.1:2, route 1"
