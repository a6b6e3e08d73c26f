# SPDX-License-Identifier: Apache-2.0
"""tcp:// to tls://: plain clients before TLS services of others, verified."""
import hashlib
import socket

import pytest

import ends
import peers
import programs
from scale import BIG_BYTES, blocks, blocks_hash


def encrypt(fleet, pki, port, *options, host="127.0.0.1"):
    return fleet.serve("tcp://127.0.0.1:0", f"tls://{host}:{port}", "--ca", pki.ca, *options)


class TestOpensslServer:
    """openssl s_server behind."""

    @pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
    def test_both_versions_speak(self, fleet, pki, stack, version):
        server = stack.enter_context(programs.s_server(pki.server, "-rev", version))
        one = encrypt(fleet, pki, server.port)
        with ends.PlainEnd(ends.dial(one.address())) as client:
            client.send(b"drawer\n")
            assert client.recv_exactly(7) == b"reward\n"
            client.end()
            client.recv_all()
        record = one.wait_connection()
        assert record["upstream_version"] == {"-tls1_2": "TLSv1.2", "-tls1_3": "TLSv1.3"}[version]
        assert "version" not in record

    def test_the_name_is_sent_as_sni_and_verified(self, fleet, pki, stack):
        server = stack.enter_context(programs.s_server(
            pki.server, "-rev", "-servername", "other.test", "-cert2", pki.other.leaf,
            "-key2", pki.other.key))
        one = encrypt(fleet, pki, server.port, "--name", "sluice.test")
        with ends.PlainEnd(ends.dial(one.address())) as client:
            client.send(b"live\n")
            assert client.recv_exactly(5) == b"evil\n"

    def test_a_client_certificate_is_shown(self, fleet, pki, stack):
        server = stack.enter_context(programs.s_server(
            pki.server, "-rev", "-CAfile", pki.ca, "-Verify", "3", "-verify_return_error"))
        one = encrypt(fleet, pki, server.port, "--client-cert", pki.client.chain,
                      "--client-key", pki.client.key)
        with ends.PlainEnd(ends.dial(one.address())) as client:
            client.send(b"stop\n")
            assert client.recv_exactly(5) == b"pots\n"
        server.expect(r"client-one")

    def test_a_second_connection_resumes(self, fleet, pki, stack):
        server = stack.enter_context(programs.s_server(pki.server, "-rev"))
        one = encrypt(fleet, pki, server.port)
        for _ in range(2):
            with ends.PlainEnd(ends.dial(one.address())) as client:
                client.send(b"stop\n")
                assert client.recv_exactly(5) == b"pots\n"
                client.end()
                client.fate()
            one.wait_connection()
        one.wait_logs(2, "connection")
        assert [r["upstream_resumed"] for r in one.find_logs("connection")] == [False, True]


class TestGnutlsServer:
    """gnutls-serv behind."""

    @pytest.mark.parametrize("version", ["1.2", "1.3"])
    def test_both_versions_speak(self, fleet, pki, stack, version):
        server = stack.enter_context(programs.gnutls_serv(
            pki.server, "--disable-client-cert", f"--priority=NORMAL:-VERS-ALL:+VERS-TLS{version}"))
        one = encrypt(fleet, pki, server.port)
        with ends.PlainEnd(ends.dial(one.address())) as client:
            client.send(b"to gnutls-serv\n")
            assert client.recv_exactly(15) == b"to gnutls-serv\n"
        assert one.wait_connection()["upstream_version"] == f"TLSv{version}"


class TestNginxWithTls:
    """nginx with TLS behind, curl before."""

    def test_a_page_comes_through(self, fleet, pki, folder, stack):
        nginx = stack.enter_context(programs.Nginx(folder, cert=pki.server))
        one = encrypt(fleet, pki, nginx.port)
        out = programs.curl(f"http://127.0.0.1:{one.port()}/hello")
        assert out == b"hello from nginx\n"

    def test_a_rsa_certificate_is_verified(self, fleet, pki, folder, stack):
        nginx = stack.enter_context(programs.Nginx(folder, cert=pki.server_rsa))
        one = encrypt(fleet, pki, nginx.port, host="localhost")
        out = programs.curl(f"http://127.0.0.1:{one.port()}/hello")
        assert out == b"hello from nginx\n"

    def test_no_name_is_sent_for_an_address(self, fleet, pki, folder, stack):
        nginx = stack.enter_context(
            programs.Nginx(folder, cert=pki.server, who="[$ssl_server_name]"))
        by_address = encrypt(fleet, pki, nginx.port)
        assert programs.curl(f"http://127.0.0.1:{by_address.port()}/who") == b"[]\n"
        by_name = encrypt(fleet, pki, nginx.port, host="localhost")
        assert programs.curl(f"http://127.0.0.1:{by_name.port()}/who") == b"[localhost]\n"


class TestBulk:
    """1 GiB each way, encrypting."""

    def test_up_with_its_hash(self, fleet, pki, backend):
        one_backend = backend(peers.sink, context=ends.server_context(pki.server))
        one = encrypt(fleet, pki, one_backend.port)
        with ends.PlainEnd(ends.dial(one.address())) as client:
            for block in blocks(BIG_BYTES // 4):
                client.send(block)
            client.end()
            assert client.recv_all().decode() == blocks_hash(BIG_BYTES // 4)

    def test_down_with_its_hash(self, fleet, pki, backend):
        one_backend = backend(peers.source(BIG_BYTES // 4),
                              context=ends.server_context(pki.server))
        one = encrypt(fleet, pki, one_backend.port)
        digest = hashlib.sha256()
        with ends.PlainEnd(ends.dial(one.address())) as client:
            while data := client.recv():
                digest.update(data)
        assert digest.hexdigest() == blocks_hash(BIG_BYTES // 4)


class TestProxyProtocol:
    """The PROXY header that can precede everything toward the upstream; parsed in test_bridge."""

    def test_nginx_sees_the_client_behind_an_encrypted_header(self, fleet, pki, folder, stack):
        nginx = stack.enter_context(programs.Nginx(
            folder, cert=pki.server, flags=" proxy_protocol",
            who="$proxy_protocol_addr:$proxy_protocol_port $proxy_protocol_server_port"))
        one = fleet.run_one("tcp://127.0.0.1:0", nginx.url,
                            upstream={"ca": pki.ca, "proxy_protocol": "v2"})
        with ends.PlainEnd(ends.dial(one.address())) as client:
            client.send(b"GET /who HTTP/1.0\r\n\r\n")
            port = client.sock.getsockname()[1]
            expected = b"127.0.0.1:%d %d\n" % (port, one.port())
            assert client.recv_all().endswith(expected)


class TestHandshake:
    """How the handshake with the upstream goes."""

    def start(self, fleet, pki, upstream, **options):
        return fleet.run_one("tcp://127.0.0.1:0", upstream.url,
                             upstream={"ca": pki.ca, "name": "localhost", **options})

    def twice(self, one):
        for count in [1, 2]:
            with ends.PlainEnd(ends.dial(one.address())) as client:
                client.send(b"hello")
                assert client.recv_exactly(5) == b"hello"
                client.end()
                client.fate()
            one.wait_logs(count, "connection")
        return [record["upstream_resumed"] for record in one.find_logs("connection")]

    @pytest.mark.parametrize("options, resumed", [({}, True), ({"resumption": "off"}, False)])
    @pytest.mark.parametrize("version", ["1.2", "1.3"])
    def test_sessions_are_resumed_unless_told_not_to(self, fleet, pki, backend, options, resumed,
                                                     version):
        upstream = backend(context=ends.server_context(pki.server))
        one = fleet.run_one("tcp://127.0.0.1:0", upstream.url,
                            top={"policies": {"one": {"min_version": version,
                                                      "max_version": version}}},
                            upstream={"ca": pki.ca, "name": "localhost", "policy": "one",
                                      **options})
        assert self.twice(one) == [False, resumed]

    @pytest.mark.parametrize("options, has_session_id", [({}, True), ({"middlebox": "off"}, False)])
    def test_tls_1_3_looks_like_1_2_unless_told_not_to(self, fleet, pki, stack, options,
                                                       has_session_id):
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        one = fleet.run_one("tcp://127.0.0.1:0", f"tls://127.0.0.1:{listener.getsockname()[1]}",
                            upstream={"ca": pki.ca, "name": "localhost", **options})
        with ends.PlainEnd(ends.dial(one.address())):
            listener.settimeout(20)
            with listener.accept()[0] as sock:
                hello = sock.recv(4096)
        session_id_bytes = hello[5 + 4 + 2 + 32]  # RFC 8446 4.1.2: behind version and random
        assert (session_id_bytes == 32) == has_session_id
