# SPDX-License-Identifier: Apache-2.0
"""Which certificate a client gets, and which clients are let in."""
import re
import ssl

import pytest

import ends
import programs


@pytest.fixture(name="many")
def fixture_many(fleet, pki, backend):
    """A service with certificates for several names, in both kinds of key."""
    return fleet.run_one("tls://127.0.0.1:0", backend().url, certificates=[
        pair.as_config() for pair in (pki.server_rsa, pki.server, pki.other_rsa, pki.other,
                                      pki.wild)])


@pytest.fixture(name="fresh", scope="module")
def fixture_fresh(pki):
    """fresh(curve): a leaf with the names of pki.server on another curve."""
    return lambda curve: pki.issue(f"server-{curve}", pki.NAMES, key=curve)


def leaf(one, pki, name, sigalgs=None, *more):
    """The leaf that the server shows, as (subject CN, key type)."""
    host, port = one.address()
    argv = ["openssl", "s_client", "-connect", f"{host}:{port}", "-CAfile", pki.ca]
    argv += ["-servername", name] if name else ["-noservername"]
    argv += ["-sigalgs", sigalgs] if sigalgs else []
    argv += more
    shown = programs.run(*argv, input=b"").stdout
    text = programs.run("openssl", "x509", "-noout", "-subject", "-text",
                        input=shown).stdout.decode()
    subject = text.splitlines()[0].rsplit("CN", 1)[-1].lstrip("= ")
    kind = "RSA" if "rsaEncryption" in text else "ECDSA"
    return subject, kind


class TestChoice:
    """By name, then by the client's signature algorithms."""

    @pytest.mark.parametrize("name, subject", [
        ("localhost", "server"), ("sluice.test", "server"), ("other.test", "other"),
        ("OTHER.test", "other"), ("a.wild.test", "wild")])
    def test_by_name(self, many, pki, name, subject):
        assert leaf(many, pki, name) == (subject, "ECDSA")

    @pytest.mark.parametrize("name", ["unknown.test", "a.b.wild.test", "wild.test", None])
    def test_the_first_is_for_everybody_else(self, many, pki, name):
        assert leaf(many, pki, name, "rsa_pss_rsae_sha256")[0] == "server_rsa"

    @pytest.mark.parametrize("name, subject", [("localhost", "server_rsa"),
                                               ("other.test", "other_rsa")])
    def test_a_client_that_knows_rsa_only_gets_rsa(self, many, pki, name, subject):
        algorithms = "rsa_pss_rsae_sha256:rsa_pkcs1_sha256"
        assert leaf(many, pki, name, algorithms) == (subject, "RSA")

    def test_a_client_that_knows_ecdsa_only_gets_ecdsa(self, many, pki):
        assert leaf(many, pki, "localhost", "ecdsa_secp256r1_sha256") == ("server", "ECDSA")

    def test_a_client_without_the_curve_of_ecdsa_gets_rsa(self, many, pki):
        """RFC 8422 5.1; in TLS 1.3 groups say nothing of certificates."""
        for version, groups, cipher in [("-tls1_2", "X25519", "ECDHE-RSA-AES128-GCM-SHA256"),
                                        ("-tls1_2", "X25519:P-256",
                                         "ECDHE-ECDSA-AES128-GCM-SHA256")]:
            with programs.s_client(many.address(), pki.ca, version, "-groups", groups) as client:
                client.expect(rf"^New, TLSv1.2, Cipher is {cipher}$")
        assert leaf(many, pki, "localhost", "ecdsa_secp256r1_sha256", "-tls1_3", "-groups",
                    "X25519") == ("server", "ECDSA")

    def test_a_certificate_on_another_curve_than_the_client_has_is_passed_over(
            self, fleet, pki, backend, fresh):
        """In TLS 1.2 the groups bound the curve, in TLS 1.3 each signature has its own."""
        p384 = fresh("P-384")
        services = {"rsa": [pki.server, pki.server_rsa], "both": [pki.server, p384, pki.server_rsa]}
        url = backend().url
        one = fleet.run({"services": {name: {
            "listen": "tls://127.0.0.1:0", "connect": url,
            "certificates": [pair.as_config() for pair in pairs]}
            for name, pairs in services.items()}})
        for service, version, options, wanted in [
                ("rsa", "-tls1_2", ["-groups", "P-384"], "RSA"),
                ("rsa", "-tls1_2", ["-groups", "P-384:P-256"], "P-256"),
                ("both", "-tls1_2", ["-groups", "P-384"], "P-384"),
                ("both", "-tls1_2", ["-groups", "P-521"], "RSA"),
                ("both", "-tls1_2", ["-groups", "P-521:P-256"], "P-256"),
                ("rsa", "-tls1_3", ["-groups", "P-384"], "P-256"),
                ("rsa", "-tls1_3", ["-sigalgs", "ECDSA+SHA384:RSA-PSS+SHA256"], "RSA"),
                ("both", "-tls1_3", ["-sigalgs", "ECDSA+SHA384:RSA-PSS+SHA256"], "P-384"),
                ("both", "-tls1_3", ["-sigalgs", "ECDSA+SHA512:RSA-PSS+SHA256"], "RSA"),
                ("both", "-tls1_3", ["-sigalgs", "ECDSA+SHA256:ECDSA+SHA384"], "P-256")]:
            host, port = one.address(service=service)
            shown = programs.run("openssl", "s_client", "-connect", f"{host}:{port}", version,
                                 "-servername", "localhost", *options, input=b"").stdout
            text = programs.run("openssl", "x509", "-noout", "-text", input=shown).stdout.decode()
            curve = re.search(r"NIST CURVE: (\S+)", text)
            assert (curve[1] if curve else "RSA") == wanted, (service, version, options)

    def test_the_chain_comes_with_the_leaf(self, many, pki):
        for name in ["localhost", "other.test"]:
            with ends.tls_dial(many.address(), ends.client_context(pki.ca), name=name) as client:
                client.send(b"x")
                assert client.recv_exactly(1) == b"x"

    def test_the_name_is_in_the_log(self, many, pki):
        leaf(many, pki, "other.test")
        assert many.wait_connection()["sni"] == "other.test"


def demanding(fleet, pki, backend, verify="require"):
    one_backend = backend()
    one = fleet.run_one("tls://127.0.0.1:0", one_backend.url,
                        certificates=[pki.server.as_config()],
                        clients={"verify": verify, "ca": pki.ca})
    one.backend = one_backend
    return one


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
class TestClientCertificates:
    """`--clients-ca` and `clients:`."""

    @staticmethod
    def exchange(one, context):
        with ends.tls_dial(one.address(), context) as client:
            client.send(b"let me in")
            assert client.recv_exactly(9) == b"let me in"

    def refused(self, one, context):
        with pytest.raises(ssl.SSLError, match="(?i)alert"):
            self.exchange(one, context)
        record = one.wait_connection(reason="client_unverified")
        assert record["detail"] and record["level"] == "info"
        assert not one.backend.visits or not one.backend.visits[0].received
        return record

    def test_a_good_one_gets_in_and_is_named(self, fleet, pki, backend, version):
        one = demanding(fleet, pki, backend)
        self.exchange(one, ends.client_context(pki.ca, cert=pki.client, version=version))
        assert "CN=client-one" in one.wait_connection()["peer"]

    def test_none_at_all_does_not_get_in(self, fleet, pki, backend, version):
        self.refused(demanding(fleet, pki, backend), ends.client_context(pki.ca, version=version))

    @pytest.mark.parametrize("cert, text", [("client_foreign", "issuer"),
                                            ("client_expired", "expired")])
    def test_a_bad_one_does_not_get_in(self, fleet, pki, backend, version, cert, text):
        context = ends.client_context(pki.ca, cert=getattr(pki, cert), version=version)
        record = self.refused(demanding(fleet, pki, backend), context)
        assert text in record["detail"].lower()

    def test_when_only_asked_for_none_is_fine_but_a_bad_one_is_not(self, fleet, pki, backend,
                                                                   version):
        one = demanding(fleet, pki, backend, "request")
        self.exchange(one, ends.client_context(pki.ca, version=version))
        assert "peer" not in one.wait_connection()
        with pytest.raises(ssl.SSLError, match="(?i)alert"):
            self.exchange(one, ends.client_context(pki.ca, cert=pki.client_foreign,
                                                   version=version))
        one.wait_connection(reason="client_unverified")

    def test_the_option_demands_them_as_well(self, fleet, pki, backend, version):
        one = fleet.serve("tls://127.0.0.1:0", backend().url, "--cert", pki.server.chain,
                          "--key", pki.server.key, "--clients-ca", pki.ca)
        with pytest.raises(ssl.SSLError, match="(?i)alert"):
            self.exchange(one, ends.client_context(pki.ca, version=version))
        self.exchange(one, ends.client_context(pki.ca, cert=pki.client, version=version))
