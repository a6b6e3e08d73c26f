# SPDX-License-Identifier: Apache-2.0
"""tls:// to tls://: decrypted, re-encrypted; and the PROXY header toward the upstream."""
import hashlib

import pytest

import ends
import peers
import programs
import proxy
from scale import BIG_BYTES, blocks, blocks_hash


def bridge(fleet, pki, url, *options):
    return fleet.serve("tls://127.0.0.1:0", url, "--cert", pki.server.chain,
                       "--key", pki.server.key, "--ca", pki.ca, *options)


class TestCurlToNginx:
    """curl, bridged to nginx with TLS."""

    def test_a_page_comes_through_and_both_sides_are_logged(self, fleet, pki, folder, stack):
        nginx = stack.enter_context(programs.Nginx(folder, cert=pki.server))
        one = bridge(fleet, pki, nginx.url)
        out = programs.curl("--tls-max", "1.2", "--cacert", pki.ca,
                            f"https://127.0.0.1:{one.port()}/hello")
        assert out == b"hello from nginx\n"
        # nginx answers a close_notify with a bare FIN, so the reason may be "truncated" as well
        record = one.wait_connection()
        assert record["reason"] in ("done", "truncated")
        assert (record["version"], record["upstream_version"]) == ("TLSv1.2", "TLSv1.3")

    def test_http2_goes_through_when_the_upstream_chose_it(self, fleet, pki, folder, stack):
        nginx = stack.enter_context(programs.Nginx(folder, cert=pki.server, flags=" http2"))
        one = bridge(fleet, pki, nginx.url, "--alpn", "h2,http/1.1")
        out = programs.curl("--http2", "--cacert", pki.ca, "-w", "%{http_version}",
                            f"https://127.0.0.1:{one.port()}/hello")
        assert out == b"hello from nginx\n2"


class TestOpensslAndGnutls:
    """One library before, the other behind."""

    def test_s_client_to_gnutls_serv(self, fleet, pki, stack):
        server = stack.enter_context(programs.gnutls_serv(pki.server, "--disable-client-cert"))
        one = bridge(fleet, pki, f"tls://127.0.0.1:{server.port}")
        client = stack.enter_context(programs.s_client(one.address(), pki.ca))
        client.send(b"from one library to the other\n")
        client.expect(r"^from one library to the other")

    def test_gnutls_cli_to_s_server(self, fleet, pki, stack):
        server = stack.enter_context(programs.s_server(pki.server, "-rev"))
        one = bridge(fleet, pki, f"tls://127.0.0.1:{server.port}")
        client = stack.enter_context(programs.gnutls_cli(one.address(), pki.ca))
        client.expect(r"Handshake was completed")
        client.send(b"desserts\n")
        client.expect(r"^stressed$")


class TestBulk:
    """1 GiB in both directions at once, bridged."""

    def test_both_directions_keep_their_hash(self, fleet, pki, backend):
        size = BIG_BYTES // 2

        def both(visit):
            peers.sink_while_sending(visit, size)

        one_backend = backend(both, context=ends.server_context(pki.server))
        one = bridge(fleet, pki, one_backend.url)
        with ends.tls_dial(one.address(), ends.client_context(pki.ca)) as client:
            digest, received = hashlib.sha256(), 0
            for block in blocks(size):
                client.send(block)
                data = client.recv_exactly(len(block))
                digest.update(data)
                received += len(data)
            client.end()
            assert client.recv_all() == b""
        assert received == size and digest.hexdigest() == blocks_hash(size)
        assert one_backend.visit().wait() == "done"
        assert one_backend.visit().digest == blocks_hash(size)


class TestProxyHeader:
    """`upstream: {proxy_protocol: v2}`, read with a parser of our own."""

    @staticmethod
    def header_of(fleet, backend, listen, context=None, **service):
        headers = []

        def behave(visit):
            headers.append(proxy.read_v2(visit.end))
            peers.echo(visit)

        one_backend = backend(behave)
        one = fleet.run_one(listen, one_backend.url, upstream={"proxy_protocol": "v2"}, **service)
        address = one.address()
        end = (ends.tls_dial(address, context) if context
               else ends.PlainEnd(ends.dial(address)))
        with end as client:
            client.send(b"first bytes")
            assert client.recv_exactly(11) == b"first bytes"
            places = [client.sock.getsockname()[:2], client.sock.getpeername()[:2]]
            client.end()
            client.fate()
        assert one_backend.visit().wait() == "done"
        return headers[0], places

    @pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
    def test_addresses_are_the_clients(self, fleet, backend, host):
        (addresses, tlvs, _), places = self.header_of(fleet, backend, f"tcp://{host}:0")
        assert addresses == places
        assert 0x20 not in tlvs

    def test_tls_facts_are_told(self, fleet, pki, backend):
        context = ends.client_context(pki.ca, cert=pki.client, alpn=["echo/1"])
        (addresses, tlvs, nested), places = self.header_of(
            fleet, backend, "tls://127.0.0.1:0", context, alpn=["echo/1"],
            certificates=[pki.server.as_config()],
            clients={"verify": "require", "ca": pki.ca})
        assert addresses == places
        assert tlvs[0x01] == b"echo/1" and tlvs[0x02] == b"localhost"
        assert tlvs[0x20][0] & 0x03 == 0x03, "SSL and a certificate of this connection"
        assert tlvs[0x20][1:5] == b"\0\0\0\0", "verified"
        assert nested[0x21] == b"TLSv1.3" and nested[0x22] == b"client-one"
        assert nested[0x23].startswith(b"TLS_")

    def test_no_client_certificate_is_claimed_without_one(self, fleet, pki, backend):
        (_, tlvs, nested), _ = self.header_of(
            fleet, backend, "tls://127.0.0.1:0", ends.client_context(pki.ca),
            certificates=[pki.server.as_config()])
        assert tlvs[0x20][0] & 0x07 == 0x01
        assert 0x22 not in nested and 0x01 not in tlvs

    def test_nginx_takes_the_header(self, fleet, pki, folder, stack):
        nginx = stack.enter_context(programs.Nginx(
            folder, flags=" proxy_protocol", who="$proxy_protocol_addr:$proxy_protocol_port"))
        one = fleet.run_one("tls://127.0.0.1:0", nginx.url, upstream={"proxy_protocol": "v2"},
                            certificates=[pki.server.as_config()])
        with ends.tls_dial(one.address(), ends.client_context(pki.ca)) as client:
            client.send(b"GET /who HTTP/1.0\r\n\r\n")
            port = client.sock.getsockname()[1]
            assert client.recv_all().endswith(b"127.0.0.1:%d\n" % port)
