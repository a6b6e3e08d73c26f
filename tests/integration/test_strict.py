# SPDX-License-Identifier: Apache-2.0
"""Services that insist on a name, or on a protocol, that they have: `sni` and `alpn_strict`."""
import ssl

import pytest

import ends
import hello

MISSING_EXTENSION, UNRECOGNIZED_NAME, NO_APPLICATION_PROTOCOL = 109, 112, 120
ILLEGAL_PARAMETER, DECODE_ERROR = 47, 50


@pytest.fixture(name="serve")
def fixture_serve(fleet, pki, backend):
    """serve(**service): an offloading program with two certificates, one of them a wildcard."""

    def start(**service):
        return fleet.run_one("tls://127.0.0.1:0", backend().url, certificates=[
            pki.other.as_config(), pki.wild.as_config()], **service)

    return start


def alert_to(one, message):
    """The fatal alert that a ClientHello gets; None when it is answered."""
    with ends.PlainEnd(ends.dial(one.address())) as client:
        client.send(hello.in_records(message))
        head = client.recv()
        if head[0] == 22:
            return None
        data = head + client.recv_all()
    assert len(data) == 7 and data[0] == 21 and data[5] == 2, data
    return data[6]


def name_of(one, pki, name):
    """The first DNS name of the certificate that a verifying client gets for `name`."""
    context = ends.client_context(pki.ca)
    context.check_hostname = False
    with ends.tls_dial(one.address(), context, name=name) as client:
        client.send(b"x")
        assert client.recv_exactly(1) == b"x"
        return client.tls.getpeercert()["subjectAltName"][0][1]


class TestNames:
    """sni: strict."""

    @pytest.mark.parametrize("name, shown", [
        ("other.test", "other.test"), ("OTHER.Test", "other.test"), ("a.wild.test", "*.wild.test"),
        ("xn--bcher-kva.wild.test", "*.wild.test")])
    def test_a_name_of_a_certificate_is_served(self, serve, pki, name, shown):
        assert name_of(serve(sni="strict"), pki, name) == shown

    @pytest.mark.parametrize("versions, missing", [
        ([], UNRECOGNIZED_NAME), ([0x0304], MISSING_EXTENSION)])
    def test_another_name_is_refused_and_so_is_none(self, serve, versions, missing):
        one = serve(sni="strict")
        for name in [b"unknown.test", b"wild.test", b"a.b.wild.test", b".wild.test", b"*.wild.test",
                     b"127.0.0.1", b"::1", b"a..wild.test", b"other.test..", b"x" * 255]:
            message = hello.modern_hello(name=name, versions=versions)
            assert alert_to(one, message) == UNRECOGNIZED_NAME, name
        assert alert_to(one, hello.modern_hello(versions=versions)) == missing
        lines = one.wait_logs(11, "connection", reason="unrecognized_name")
        assert {line["level"] for line in lines} == {"info"}
        assert sum("named no server" in line["detail"] for line in lines) == 1

    def test_a_trailing_dot_is_no_part_of_a_name(self, serve):
        assert alert_to(serve(sni="strict"), hello.modern_hello(name=b"other.test.")) is None

    @pytest.mark.parametrize("sni", ["strict", "default"])
    @pytest.mark.parametrize("name, alert", [
        (b"a\0.test", ILLEGAL_PARAMETER), (b"b\xc3\xbccher.test", ILLEGAL_PARAMETER),
        (b"a b.test", ILLEGAL_PARAMETER), (b"x" * 256, ILLEGAL_PARAMETER), (b"", DECODE_ERROR)])
    def test_what_is_no_host_name_is_always_refused(self, serve, sni, name, alert):
        one = serve(sni=sni)
        assert alert_to(one, hello.modern_hello(name=name)) == alert
        one.wait_connection(reason="handshake_failed")

    @pytest.mark.parametrize("name", ["unknown.test", "127.0.0.1", None])
    def test_by_default_others_get_the_first_certificate(self, serve, pki, name):
        assert name_of(serve(), pki, name) == "other.test"


class TestProtocols:
    """alpn_strict: on."""

    def test_a_client_of_another_protocol_is_refused(self, serve):
        one = serve(alpn=["h2", "http/1.1"], alpn_strict=True)
        for versions in [[], [0x0304]]:
            message = hello.modern_hello(alpn=[b"imap", b"h3"], versions=versions)
            assert alert_to(one, message) == NO_APPLICATION_PROTOCOL
            message = hello.modern_hello(alpn=[b"imap", b"http/1.1"], versions=versions)
            assert alert_to(one, message) is None
            assert alert_to(one, hello.modern_hello(versions=versions)) is None
        one.wait_logs(2, "connection", reason="no_application_protocol")

    @pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
    def test_libssl_names_the_alert(self, serve, pki, version):
        one = serve(alpn=["h2"], alpn_strict=True)
        context = ends.client_context(pki.ca, alpn=["imap"],
                                      version=getattr(ssl.TLSVersion, version))
        with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
            with ends.tls_dial(one.address(), context, name="other.test"):
                pass
        one.wait_connection(reason="no_application_protocol")

    def test_a_bridge_refuses_before_it_asks_the_upstream(self, fleet, pki, backend):
        upstream = backend(context=ends.server_context(pki.server, alpn=["h2"]))
        one = fleet.run_one("tls://127.0.0.1:0", upstream.url, alpn=["h2"], alpn_strict=True,
                            certificates=[pki.server.as_config()],
                            upstream={"ca": pki.ca, "name": "localhost"})
        assert alert_to(one, hello.modern_hello(alpn=[b"imap"])) == NO_APPLICATION_PROTOCOL
        one.wait_connection(reason="no_application_protocol")
        assert not upstream.visits

    @pytest.mark.parametrize("ours", [["h2", "imap"], None])
    @pytest.mark.parametrize("theirs", [["h2"], None])
    def test_a_bridge_refuses_what_the_upstream_did_not_choose(self, fleet, pki, backend, ours,
                                                               theirs):
        upstream = backend(context=ends.server_context(pki.server, alpn=theirs))
        one = fleet.run_one("tls://127.0.0.1:0", upstream.url, alpn_strict=True,
                            certificates=[pki.server.as_config()],
                            upstream={"ca": pki.ca, "name": "localhost"},
                            **({"alpn": ours} if ours else {}))
        assert alert_to(one, hello.modern_hello(alpn=[b"imap"])) == NO_APPLICATION_PROTOCOL
        one.wait_connection(reason="no_application_protocol")
        expected = None if theirs else NO_APPLICATION_PROTOCOL
        assert alert_to(one, hello.modern_hello(alpn=[b"h2"])) == expected
        assert alert_to(one, hello.modern_hello()) is None
