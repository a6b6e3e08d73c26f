# SPDX-License-Identifier: Apache-2.0
"""Stapled OCSP responses: which ones are taken, who gets them, and when they end."""
import datetime
import pathlib
import re

import pytest
import yaml

import ocsp
import programs
import sluice
from scale import until

SECOND = datetime.timedelta(seconds=1)
HOUR = datetime.timedelta(hours=1)


@pytest.fixture(name="responder")
def fixture_responder(pki, folder):
    return ocsp.Responder(pki, folder)


def with_staple(pair, path):
    return {**pair.as_config(), "ocsp": path}


def check(folder, *certificates):
    """What `sluice check` says: (status, text)."""
    path = sluice.write_config(pathlib.Path(folder) / "check.yaml", {"services": {"main": {
        "listen": "tls://127.0.0.1:0", "connect": "tcp://127.0.0.1:1",
        "certificates": list(certificates)}}})
    done = sluice.command("check", "-c", path)
    return done.returncode, done.stdout + done.stderr


def refused(folder, certificate, text):
    status, said = check(folder, certificate)
    assert status != 0, said
    found = re.search(r"check\.yaml:(\d+):\d+: error: (\S+): (.*)", said)
    assert found and found[2] == certificate["ocsp"] and re.search(text, found[3]), said


def status_of(one, pki, *options, name="localhost"):
    """What `openssl s_client -status` shows of the response."""
    host, port = one.address()
    done = programs.run("openssl", "s_client", "-connect", f"{host}:{port}", "-CAfile", pki.ca,
                        "-servername", name, "-status", *options, input=b"")
    return done.stdout.decode("utf-8", "replace")


def is_stapled(text):
    assert "OCSP response:" in text, text
    return "OCSP Response Status: successful" in text and "Cert Status: good" in text


class TestLoading:
    """A response that is not good is an error with its place."""

    @pytest.mark.parametrize("digest", ["sha1", "sha256"])
    def test_a_good_one_is_taken(self, folder, pki, responder, digest):
        path = responder.answer(pki.server, digest=digest)
        status, said = check(folder, with_staple(pki.server, path))
        assert status == 0 and "warning" not in said, said

    def test_pem_is_taken_as_well(self, folder, pki, responder):
        path = pathlib.Path(responder.answer(pki.server))
        pem = programs.run("openssl", "base64", "-in", path).stdout.decode()
        path.write_text(f"-----BEGIN OCSP RESPONSE-----\n{pem}-----END OCSP RESPONSE-----\n")
        status, said = check(folder, with_staple(pki.server, str(path)))
        assert status == 0, said

    @pytest.mark.parametrize("status, text", [("revoked", "revoked: keyCompromise"),
                                              ("unknown", "does not know")])
    def test_one_that_does_not_say_good_is_refused(self, folder, pki, responder, status, text):
        path = responder.answer(pki.server, status)
        refused(folder, with_staple(pki.server, path), text)

    def test_one_for_another_certificate_is_refused(self, folder, pki, responder):
        path = responder.answer(pki.other)
        refused(folder, with_staple(pki.server, path), "another certificate")

    @pytest.mark.parametrize("since, end, text", [
        (-48 * HOUR, -SECOND, "has expired"),
        (HOUR, 48 * HOUR, "not valid yet"),
        (-HOUR, None, "no nextUpdate")])
    def test_one_of_another_time_is_refused(self, folder, pki, responder, since, end, text):
        now = ocsp.now()
        path = responder.between(responder.answer(pki.server), now + since,
                                 None if end is None else now + end)
        refused(folder, with_staple(pki.server, path), text)

    def test_one_that_ends_soon_is_warned_of(self, folder, pki, responder):
        now = ocsp.now()
        path = responder.between(responder.answer(pki.server), now - HOUR, now + 23 * HOUR)
        status, said = check(folder, with_staple(pki.server, path))
        assert status == 0 and re.search(r"warning: the OCSP response .* expires in 13\d\d min",
                                         said), said

    def test_a_delegated_responder_may_sign(self, folder, pki, responder):
        responder.delegate("ocsp_delegate")
        status, said = check(folder, with_staple(pki.server, responder.answer(pki.server)))
        assert status == 0, said

    @pytest.mark.parametrize("name, usage, issuer", [
        ("ocsp_no_usage", "serverAuth", "intermediate"),
        ("ocsp_foreign", "OCSPSigning", "foreign_ca"),
        ("ocsp_of_root", "OCSPSigning", "ca")])
    def test_nobody_else_may_sign(self, folder, pki, responder, name, usage, issuer):
        responder.delegate(name, usage, issuer)
        refused(folder, with_staple(pki.server, responder.answer(pki.server)),
                "not signed by the issuer")

    def test_a_signature_that_was_changed_is_refused(self, folder, pki, responder):
        path = pathlib.Path(responder.answer(pki.server))
        good = path.read_bytes()
        at = good.index(ocsp.stamp(ocsp.now())[:8])
        path.write_bytes(good[:at] + b"2001" + good[at + 4:])
        refused(folder, with_staple(pki.server, str(path)), "not signed by the issuer")

    @pytest.mark.parametrize("garbage", [
        b"", b"hello", b"\x30\x03\x0a\x01\x06", b"\x30\x80", b"\x30\x82\xff\xff",
        b"-----BEGIN OCSP RESPONSE-----\n!\n-----END OCSP RESPONSE-----\n", b"\x30" * 30000],
        ids=["empty", "text", "try-later", "endless", "cut", "pem", "large"])
    def test_garbage_is_refused(self, folder, pki, garbage):
        path = pathlib.Path(folder) / "garbage"
        path.write_bytes(garbage)
        refused(folder, with_staple(pki.server, str(path)), ".")

    def test_any_cut_of_a_response_is_refused(self, folder, pki, responder):
        path = pathlib.Path(responder.answer(pki.server))
        good = path.read_bytes()
        for length in range(1, len(good), len(good) // 7):
            path.write_bytes(good[:length])
            refused(folder, with_staple(pki.server, str(path)), "no OCSP response")
        path.write_bytes(good + b"\0")
        refused(folder, with_staple(pki.server, str(path)), "no OCSP response")

    def test_without_the_issuer_it_cannot_be_checked(self, folder, pki, responder):
        path = responder.answer(pki.server)
        alone = {"chain": pki.server.leaf, "key": pki.server.key, "ocsp": path}
        status, said = check(folder, alone)
        # the issuer signed the response, so that its certificate is in it
        assert status == 0, said
        responder.delegate("ocsp_delegate_alone")
        alone["ocsp"] = responder.answer(pki.server)
        refused(folder, alone, "issuer's certificate is not in the chain")

    def test_a_file_that_is_not_there_is_said(self, folder, pki):
        status, said = check(folder, with_staple(pki.server, "/nonexistent/x.ocsp"))
        assert status != 0 and "/nonexistent/x.ocsp" in said

    def test_it_is_not_for_the_certificate_that_upstreams_see(self, folder, pki):
        path = pathlib.Path(folder) / "check.yaml"
        path.write_text(yaml.safe_dump({"services": {"main": {
            "listen": "tcp://127.0.0.1:0", "connect": "tls://localhost:1",
            "upstream": {"ca": pki.ca, "certificate": with_staple(pki.client, "/x")}}}}))
        done = sluice.command("check", "-c", path)
        assert "'ocsp' is for certificates that clients are shown" in done.stderr

    def test_a_certificate_that_demands_one_is_warned_of(self, folder, pki, responder):
        key = pki._key("must_staple", "ec")
        pki._sign("must_staple", key, "intermediate", "/CN=must_staple",
                  "basicConstraints=CA:FALSE\nsubjectAltName=DNS:localhost\n"
                  "tlsfeature=status_request\n", False)
        leaf, issuer = pki.folder / "must_staple.leaf.pem", pki.folder / "intermediate.pem"
        chain = pki.folder / "must_staple.pem"
        chain.write_text(leaf.read_text() + issuer.read_text())
        pair = type(pki.server)(pki.folder, "must_staple")
        status, said = check(folder, pair.as_config())
        assert status == 0 and "must-staple" in said, said
        status, said = check(folder, with_staple(pair, responder.answer(pair)))
        assert status == 0 and "must-staple" not in said, said


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
class TestServing:
    """Who asks gets it, in both versions."""

    def start(self, fleet, backend, *certificates, **service):
        return fleet.run_one("tls://127.0.0.1:0", backend().url, certificates=list(certificates),
                             **service)

    def test_who_asks_gets_it(self, fleet, pki, backend, responder, version):
        path = responder.answer(pki.server)
        one = self.start(fleet, backend, with_staple(pki.server, path))
        assert is_stapled(status_of(one, pki, version))

    def test_who_does_not_ask_gets_none(self, fleet, pki, backend, responder, version):
        one = self.start(fleet, backend, with_staple(pki.server, responder.answer(pki.server)))
        host, port = one.address()
        done = programs.run("openssl", "s_client", "-connect", f"{host}:{port}", "-CAfile", pki.ca,
                            "-tlsextdebug", version, input=b"")
        assert b"status request" not in done.stdout

    def test_each_certificate_has_its_own(self, fleet, pki, backend, responder, version):
        one = self.start(fleet, backend,
                         with_staple(pki.server, responder.answer(pki.server, name="a")),
                         pki.wild.as_config(),
                         with_staple(pki.other, responder.answer(pki.other, name="b")))
        serial = programs.run("openssl", "x509", "-noout", "-serial", "-in", pki.other.leaf)
        serial = serial.stdout.decode().strip().split("=")[1]
        text = status_of(one, pki, version, name="other.test")
        assert is_stapled(text) and f"Serial Number: {serial}" in text
        assert is_stapled(status_of(one, pki, version))
        assert not is_stapled(status_of(one, pki, version, name="a.wild.test"))

    def test_a_resumed_session_needs_none(self, fleet, pki, backend, responder, folder, version):
        one = self.start(fleet, backend, with_staple(pki.server, responder.answer(pki.server)))
        kept = str(pathlib.Path(folder) / "session")
        host, port = one.address()
        argv = ["openssl", "s_client", "-connect", f"{host}:{port}", "-CAfile", pki.ca, "-status",
                "-servername", "localhost", version]
        with programs.Talk([*argv, "-sess_out", kept, "-ign_eof"]) as talk:
            talk.expect(r"Verify return code: 0")
            until(lambda: pathlib.Path(kept).exists(), "the session")
        done = programs.run(*argv, "-sess_in", kept, input=b"")
        assert b"Reused" in done.stdout
        one.wait_connection(resumed=True)

    def test_it_ends_with_its_time(self, fleet, pki, backend, responder, version):
        now = ocsp.now()
        path = responder.between(responder.answer(pki.server), now - HOUR, now + 4 * SECOND)
        one = self.start(fleet, backend, with_staple(pki.server, path))
        one.may_warn = True
        assert is_stapled(status_of(one, pki, version))
        record = one.wait_log("staple_expired")
        assert record["ocsp"] == path and record["chain"] == pki.server.chain
        assert not is_stapled(status_of(one, pki, version))
        assert len(one.find_logs("staple_expired")) == 1


class TestOtherClients:
    """GnuTLS and curl believe it."""

    def test_gnutls_verifies_it(self, fleet, pki, backend, responder):
        one = fleet.run_one("tls://127.0.0.1:0", backend().url, certificates=[
            with_staple(pki.server, responder.answer(pki.server))])
        done = programs.run("gnutls-cli", "--x509cafile", pki.ca, "--port", one.port(),
                            "--save-ocsp", one.folder / "seen", "localhost", input=b"")
        assert b"- Status: The certificate is trusted" in done.stdout, done.stdout
        assert (one.folder / "seen").read_bytes()

    def test_curl_demands_it(self, fleet, pki, responder, backend):
        def answer(visit):
            visit.end.recv(65536)
            visit.end.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            visit.end.end()

        one = fleet.run_one("tls://127.0.0.1:0", backend(answer).url, certificates=[
            with_staple(pki.server, responder.answer(pki.server)), pki.other.as_config()])
        for name, is_good in [("localhost", True), ("other.test", False)]:
            done = programs.run("curl", "-sS", "--cacert", pki.ca, "--cert-status", "--resolve",
                                f"{name}:{one.port()}:127.0.0.1",
                                f"https://{name}:{one.port()}/")
            assert (done.returncode == 0) == is_good, done.stderr
