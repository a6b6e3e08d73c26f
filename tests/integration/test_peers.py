# SPDX-License-Identifier: Apache-2.0
"""The peers without the program: what the other files rely on."""
import hashlib
import socket

import pytest

import ends
import peers
import programs
from scale import MIB, blocks, blocks_hash


class TestOwnPeers:
    """Backend, PlainEnd and TlsEnd against each other."""

    @pytest.mark.parametrize("is_tls", [False, True])
    def test_echo_comes_back_and_ends_cleanly(self, backend, pki, is_tls):
        one = backend(context=ends.server_context(pki.server) if is_tls else None)
        with dial(one, pki, is_tls) as client:
            client.send(b"hello")
            assert client.recv_exactly(5) == b"hello"
            client.end()
            assert client.fate() == "clean"
        assert one.visit().wait() == "done"

    @pytest.mark.parametrize("is_tls", [False, True])
    def test_a_reset_is_seen_as_a_reset(self, backend, pki, is_tls):
        one = backend(context=ends.server_context(pki.server) if is_tls else None)
        client = dial(one, pki, is_tls)
        client.send(b"hello")
        client.recv_exactly(5)
        client.reset()
        assert one.visit().wait() == "reset"

    def test_fin_without_close_notify_is_a_truncation(self, backend, pki):
        one = backend(context=ends.server_context(pki.server))
        with dial(one, pki, True) as client:
            client.send(b"hello")
            client.recv_exactly(5)
            client.fin()
            assert one.visit().wait() == "truncated"

    def test_a_refused_certificate_leaves_nothing_received(self, backend, pki):
        one = backend(context=ends.server_context(pki.foreign))
        with pytest.raises(Exception):
            dial(one, pki, True)
        assert one.visit().wait().startswith("handshake:")
        assert not one.visit().received

    def test_sink_gives_the_hash(self, backend):
        one = backend(peers.sink)
        with ends.PlainEnd(ends.dial(("127.0.0.1", one.port))) as client:
            for block in blocks(3 * MIB + 7):
                client.send(block)
            client.end()
            assert client.recv_all().decode() == blocks_hash(3 * MIB + 7)

    def test_source_sends_what_its_hash_says(self, backend):
        one = backend(peers.source(2 * MIB))
        with ends.PlainEnd(ends.dial(("127.0.0.1", one.port))) as client:
            assert hashlib.sha256(client.recv_all()).hexdigest() == blocks_hash(2 * MIB)

    def test_an_unanswering_port_answers_nobody(self, stack):
        one = stack.enter_context(peers.Unanswering())
        with pytest.raises((TimeoutError, socket.timeout)):
            ends.dial(one.address, 0.3)

    def test_a_refusing_port_refuses(self, stack):
        one = stack.enter_context(peers.Refusing())
        with pytest.raises(ConnectionRefusedError):
            ends.dial(("127.0.0.1", one.port))


def dial(one, pki, is_tls):
    address = ("127.0.0.1", one.port)
    if is_tls:
        return ends.tls_dial(address, ends.client_context(pki.ca))
    return ends.PlainEnd(ends.dial(address))


class TestPrograms:
    """The programs of others, spoken to directly."""

    @pytest.mark.parametrize("is_tls", [False, True])
    def test_nginx_answers_curl(self, folder, stack, pki, is_tls):
        nginx = stack.enter_context(programs.Nginx(folder, cert=pki.server if is_tls else None))
        scheme = "https" if is_tls else "http"
        out = programs.curl("--cacert", pki.ca, f"{scheme}://127.0.0.1:{nginx.port}/hello")
        assert out == b"hello from nginx\n"

    def test_haproxy_passes_to_a_backend(self, folder, stack, backend):
        one = backend()
        haproxy = stack.enter_context(programs.Haproxy(folder, f"127.0.0.1:{one.port}"))
        with ends.PlainEnd(ends.dial(("127.0.0.1", haproxy.port))) as client:
            client.send(b"through haproxy")
            assert client.recv_exactly(15) == b"through haproxy"

    def test_s_client_talks_to_s_server(self, stack, pki):
        server = stack.enter_context(programs.s_server(pki.server, "-rev"))
        client = stack.enter_context(programs.s_client(("127.0.0.1", server.port), pki.ca))
        client.send(b"abc\n")
        client.expect(r"^cba$")

    def test_gnutls_cli_talks_to_gnutls_serv(self, stack, pki):
        server = stack.enter_context(programs.gnutls_serv(pki.server))
        client = stack.enter_context(programs.gnutls_cli(("127.0.0.1", server.port), pki.ca))
        client.expect(r"Handshake was completed")
        client.send(b"echo of gnutls\n")
        client.expect(r"^echo of gnutls$")

    def test_redis_answers(self, folder, stack):
        redis = stack.enter_context(programs.Redis(folder))
        out = programs.run("redis-cli", "-s", redis.path, "ping")
        assert out.stdout == b"PONG\n"
