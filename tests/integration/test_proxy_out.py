# SPDX-License-Identifier: Apache-2.0
"""The PROXY header that an upstream gets: both versions, and each TLV by its own name."""
import pathlib
import ssl

import pytest

import ends
import peers
import proxy

TLS_TLVS = {
    "ssl_version": proxy.SSL_VERSION, "ssl_cn": proxy.SSL_CN, "ssl_cipher": proxy.SSL_CIPHER,
    "ssl_sig_alg": proxy.SSL_SIG_ALG, "ssl_key_alg": proxy.SSL_KEY_ALG,
    "ssl_group": proxy.SSL_GROUP, "ssl_sig_scheme": proxy.SSL_SIG_SCHEME,
    "ssl_client_cert": proxy.SSL_CLIENT_CERT,
}


class Told:
    """A service that tells a backend of its clients, and what the backend was told."""

    def __init__(self, fleet, pki, backend, tlvs, cert=None, verify="request", **service):
        self.headers = []
        upstream = {"proxy_protocol": "v2", **({} if tlvs is None else {"proxy_tlvs": tlvs})}
        self.one = fleet.run_one(
            "tls://127.0.0.1:0", backend(self._behave).url, upstream=upstream,
            certificates=[(cert or pki.server).as_config()],
            clients={"verify": verify, **({} if verify == "off" else {"ca": pki.ca})},
            alpn=["echo/1"], **service)

    def _behave(self, visit):
        self.headers.append(proxy.read_v2(visit.end))
        peers.echo(visit)

    def ask(self, context, session=None):
        """One connection; gives its TLVs, those of SSL, and the session."""
        count = len(self.headers)
        with ends.tls_dial(self.one.address(), context, session=session) as end:
            end.send(b"words")
            assert end.recv_exactly(5) == b"words"
            kept = end.tls.session
        return (*self.headers[count][1:], kept)


def der_of(cert):
    return ssl.PEM_cert_to_DER_cert(pathlib.Path(cert.leaf).read_text())


class TestEachTlv:
    """Of what a client with everything gives, the one that is named and nothing else."""

    EXPECTED = {
        "alpn": (proxy.ALPN, b"echo/1"), "authority": (proxy.AUTHORITY, b"localhost"),
        "ssl_version": (proxy.SSL_VERSION, b"TLSv1.3"), "ssl_cn": (proxy.SSL_CN, b"client-one"),
        "ssl_sig_alg": (proxy.SSL_SIG_ALG, b"ecdsa-with-SHA256"),
        "ssl_key_alg": (proxy.SSL_KEY_ALG, b"EC256"),
        "ssl_group": (proxy.SSL_GROUP, b"secp256r1"),
        "ssl_sig_scheme": (proxy.SSL_SIG_SCHEME, b"ecdsa_secp256r1_sha256"),
    }

    @staticmethod
    def context(pki):
        context = ends.client_context(pki.ca, cert=pki.client, alpn=["echo/1"])
        context.set_ecdh_curve("prime256v1")
        return context

    def test_each_is_there_alone_when_it_is_named(self, fleet, pki, backend):
        expected = {**self.EXPECTED,
                    "ssl_client_cert": (proxy.SSL_CLIENT_CERT, der_of(pki.client))}
        names = sorted(expected)
        services, headers, ciphers = {}, {}, set()

        def behave_as(name):
            def behave(visit):
                headers[name] = proxy.read_v2(visit.end)
                peers.echo(visit)
            return behave

        for name in [*names, "ssl_cipher", "ssl", "none", "crc32c", "unique_id", "resumed"]:
            services[name] = {
                "listen": "tls://127.0.0.1:0", "connect": backend(behave_as(name)).url,
                "certificates": [pki.server.as_config()], "alpn": ["echo/1"],
                "clients": {"verify": "require", "ca": pki.ca},
                "upstream": {"proxy_protocol": "v2", "proxy_tlvs": [name]}}
        one = fleet.run({"services": services})
        for name in services:
            with ends.tls_dial(one.address(name), self.context(pki)) as end:
                end.send(b"words")
                assert end.recv_exactly(5) == b"words"
                ciphers.add(end.tls.cipher()[0].encode())
        assert headers["ssl_cipher"][2] == {proxy.SSL_CIPHER: ciphers.pop()} and not ciphers
        for name in names:
            _, tlvs, nested = headers[name]
            kind, value = expected[name]
            if name.startswith("ssl_"):
                assert set(tlvs) == {proxy.SSL} and nested == {kind: value}, name
                assert tlvs[proxy.SSL][:5] == b"\x07\0\0\0\0"
            else:
                assert tlvs == {kind: value}
        assert headers["ssl"][1] == {proxy.SSL: b"\x07\0\0\0\0"}
        assert headers["none"][1] == {}
        assert set(headers["crc32c"][1]) == {proxy.CRC32C}  # which read_v2 has checked
        record = one.wait_connection(service="unique_id")
        assert headers["unique_id"][1] == {proxy.UNIQUE_ID: record["id"].encode()}
        assert headers["resumed"][1] == {proxy.SSL: b"\x07\0\0\0\0", proxy.RESUMED: b"\0"}
        ids = {record["id"] for record in one.wait_logs(len(services), "connection")}
        assert len(ids) == len(services)

    def test_what_is_told_by_default(self, fleet, pki, backend):
        told = Told(fleet, pki, backend, None)
        tlvs, nested, _ = told.ask(self.context(pki))
        assert set(tlvs) == {proxy.ALPN, proxy.AUTHORITY, proxy.UNIQUE_ID, proxy.SSL,
                             proxy.RESUMED}
        assert set(nested) == {proxy.SSL_VERSION, proxy.SSL_CN, proxy.SSL_CIPHER, proxy.SSL_GROUP}


class TestWhatIsTrue:
    def test_a_client_without_a_certificate(self, fleet, pki, backend):
        told = Told(fleet, pki, backend, sorted(TLS_TLVS))
        tlvs, nested, _ = told.ask(ends.client_context(pki.ca))
        assert tlvs[proxy.SSL][:5] == b"\x01\0\0\0\x01", "nothing was verified"
        assert proxy.SSL_CN not in nested and proxy.SSL_CLIENT_CERT not in nested

    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    def test_a_resumed_session_has_its_certificate_but_not_of_this_connection(
            self, fleet, pki, backend, version):
        told = Told(fleet, pki, backend, [*sorted(TLS_TLVS), "resumed"])
        context = ends.client_context(pki.ca, cert=pki.client, version=version)
        first, nested, session = told.ask(context)
        assert first[proxy.SSL][0] == 0x07 and first[proxy.RESUMED] == b"\0"
        assert proxy.SSL_SIG_SCHEME in nested
        again, nested, _ = told.ask(context, session)
        assert again[proxy.SSL][:5] == b"\x05\0\0\0\0" and again[proxy.RESUMED] == b"\1"
        assert nested[proxy.SSL_CN] == b"client-one"
        assert nested[proxy.SSL_CLIENT_CERT] == der_of(pki.client)
        assert proxy.SSL_SIG_SCHEME not in nested, "nothing was signed"

    def test_keys_and_signatures_by_their_names(self, fleet, pki, backend):
        cases = [
            (pki.server_rsa, ssl.TLSVersion.TLSv1_3, b"RSA2048", b"rsa_pss_rsae_sha256"),
            (pki.server_rsa, ssl.TLSVersion.TLSv1_2, b"RSA2048", b"rsa_pss_rsae_sha256"),
            (pki.issue("p384", pki.NAMES, key="P-384"), ssl.TLSVersion.TLSv1_3, b"EC384",
             b"ecdsa_secp384r1_sha384"),
        ]
        for cert, version, key, scheme in cases:
            told = Told(fleet, pki, backend, sorted(set(TLS_TLVS) - {"ssl_client_cert"}),
                        cert=cert, verify="off")
            _, nested, _ = told.ask(ends.client_context(pki.ca, version=version))
            assert nested[proxy.SSL_KEY_ALG] == key
            assert nested[proxy.SSL_SIG_SCHEME] == scheme
            assert nested[proxy.SSL_SIG_ALG] == b"ecdsa-with-SHA256", "its issuer has a curve"

    def test_a_certificate_too_long_for_any_header_is_left_out(self, fleet, pki, backend):
        names = ",".join(f"DNS:{i:04}.{'x' * 50}.test" for i in range(300))
        client = pki.issue("long", names, usage="clientAuth")
        assert len(der_of(client)) > 16384
        told = Told(fleet, pki, backend, ["ssl_cn", "ssl_client_cert"])
        _, nested, _ = told.ask(ends.client_context(pki.ca, cert=client))
        assert nested == {proxy.SSL_CN: b"long"}


class TestOtherWays:
    def test_the_next_server_is_told_as_much(self, fleet, pki, backend):
        """The first one leaves in the handshake, when the header has been sent."""
        headers = []

        def leave(visit):
            headers.append(proxy.read_v2(visit.end))

        def stay(visit):
            headers.append(proxy.read_v2(visit.end))
            with ends.TlsEnd(visit.sock, ends.server_context(pki.server), server_side=True) as end:
                end.handshake()
                end.send(end.recv())

        urls = [backend(behave, is_raw=True).url for behave in (leave, stay)]
        one = fleet.run_one(
            "tls://127.0.0.1:0", urls, certificates=[pki.server.as_config()], balance="first",
            clients={"verify": "require", "ca": pki.ca},
            upstream={"ca": pki.ca, "proxy_protocol": "v2",
                      "proxy_tlvs": ["ssl_key_alg", "ssl_client_cert", "unique_id"]})
        with ends.tls_dial(one.address(), ends.client_context(pki.ca, cert=pki.client)) as end:
            end.send(b"words")
            assert end.recv_exactly(5) == b"words"
        assert len(headers) == 2 and headers[0] == headers[1]
        assert headers[1][2] == {proxy.SSL_KEY_ALG: b"EC256",
                                 proxy.SSL_CLIENT_CERT: der_of(pki.client)}

    def test_of_tls_that_is_passed_on_the_name_is_told(self, fleet, pki, backend):
        """And the address by which it came, which a header has told."""
        headers, hellos = [], []

        def behave(visit):
            headers.append(proxy.read_v2(visit.end))
            hellos.append(visit.end.recv_exactly(3))

        one = fleet.run_one(
            "tls://127.0.0.1:0", backend().url, certificates=[pki.server.as_config()],
            proxy_protocol={"from": "127.0.0.1"}, upstream={"proxy_protocol": "v2"},
            routes=[{"sni": "passed.test", "from": "192.0.2.0/24", "terminate": "no",
                     "connect": backend(behave).url}])
        with ends.dial(one.address()) as sock:
            sock.sendall(proxy.v2())
            with pytest.raises((ends.Truncated, OSError)):
                ends.TlsEnd(sock, ends.client_context(), name="passed.test").handshake()
        places, tlvs, _ = headers[0]
        record = one.wait_connection(client="192.0.2.7:51234")
        assert record["route"] == 1 and hellos == [b"\x16\x03\x01"]
        assert places == [("192.0.2.7", 51234), ("198.51.100.1", 443)]
        assert tlvs == {proxy.AUTHORITY: b"passed.test", proxy.UNIQUE_ID: record["id"].encode()}


class TestVersion1:
    @pytest.mark.parametrize("host,family", [("127.0.0.1", "TCP4"), ("[::1]", "TCP6")])
    def test_the_line_has_the_clients_address(self, fleet, backend, host, family):
        lines = []

        def behave(visit):
            lines.append(proxy.read_v1(visit.end))
            peers.echo(visit)

        one = fleet.run_one(f"tcp://{host}:0", backend(behave).url,
                            upstream={"proxy_protocol": "v1"})
        with ends.PlainEnd(ends.dial(one.address())) as end:
            end.send(b"words")
            assert end.recv_exactly(5) == b"words"
            own, there = end.sock.getsockname()[:2], end.sock.getpeername()[:2]
        assert lines[0].decode() == f"PROXY {family} {own[0]} {there[0]} {own[1]} {there[1]}\r\n"

    def test_the_address_that_a_header_told_goes_on(self, fleet, backend):
        """From version 2 to version 1, and what it cannot say becomes UNKNOWN."""
        lines = []

        def behave(visit):
            lines.append(proxy.read_v1(visit.end))
            peers.echo(visit)

        one = fleet.run_one("tcp://127.0.0.1:0", backend(behave).url,
                            proxy_protocol={"from": "127.0.0.1"},
                            upstream={"proxy_protocol": "v1"})
        for header in (proxy.v2(), proxy.v2("/run/a", "/run/b")):
            with ends.PlainEnd(ends.dial(one.address())) as end:
                end.send(header + b"words")
                assert end.recv_exactly(5) == b"words"
        assert lines == [proxy.v1(), b"PROXY UNKNOWN\r\n"]

    def test_a_bridge_lets_the_upstream_choose_the_protocol_behind_it(self, fleet, pki, backend):
        """It tells of no handshake, so that the client's may wait for the upstream's."""
        lines = []

        def behave(visit):
            lines.append(proxy.read_v1(visit.end))
            context = ends.server_context(pki.server, alpn=["b"])
            with ends.TlsEnd(visit.sock, context, server_side=True) as end:
                end.handshake()
                end.send(end.recv())

        server = backend(behave)
        one = fleet.run_one("tls://127.0.0.1:0", server.url.replace("tcp://", "tls://"),
                            certificates=[pki.server.as_config()],
                            upstream={"ca": pki.ca, "proxy_protocol": "v1"})
        with ends.tls_dial(one.address(), ends.client_context(pki.ca, alpn=["a", "b"])) as end:
            end.send(b"words")
            assert end.recv_exactly(5) == b"words"
            assert end.tls.selected_alpn_protocol() == "b"
        assert lines[0].startswith(b"PROXY TCP4 127.0.0.1 ")

