# SPDX-License-Identifier: Apache-2.0
"""Where a session that was gained in one place is good: a table of all boundaries."""
import os
import pathlib
import re
import signal

import pytest

import programs
from scale import until

VERSIONS = ["-tls1_2", "-tls1_3"]


class Use:
    """A connection: where to, under which name, with which client certificate and protocol."""

    def __init__(self, service, name="localhost", cert=None, alpn=None):
        self.service, self.name, self.cert, self.alpn = service, name, cert, alpn


# What the row expects of the second connection: "resumed", a handshake "anew", or "refused".
# The peer is what the log then calls the client: its certificate at the full handshake.
ROWS = [
    # boundary, gained, offered, expected, peer, reason
    ("nothing", Use("plain"), Use("plain"), "resumed", None, "no boundary is crossed"),
    ("service", Use("plain"), Use("twin"), "anew", None, "good for the service that made it"),
    ("certificate", Use("plain"), Use("rsa"), "anew", None, "another service"),
    ("policy", Use("plain"), Use("old"), "anew", None, "good for the policy that made it"),
    ("stricter policy", Use("old"), Use("plain"), "anew", None, "good for its policy"),
    ("tickets off there", Use("plain"), Use("unticketed"), "anew", None, "its policy has none"),
    ("tickets off here", Use("unticketed"), Use("unticketed"), "anew", None, "none was given"),
    ("tickets off at first", Use("unticketed"), Use("plain"), "anew", None, "none was given"),
    ("a certificate asked for", Use("plain"), Use("request"), "anew", None, "other demands"),
    ("a certificate demanded, none there", Use("plain"), Use("require"), "refused", None,
     "a session without a client certificate proves nothing"),
    ("a certificate demanded", Use("plain", cert="client"), Use("require", cert="client"), "anew",
     "client-one", "at the first, nobody asked for the certificate"),
    ("request to require", Use("request", cert="client"), Use("require"), "refused", None,
     "other demands"),
    ("no certificate, asked twice", Use("request"), Use("request"), "resumed", None,
     "no boundary is crossed"),
    ("a certificate later", Use("request"), Use("request", cert="client"), "resumed", None,
     "resumed without a certificate, so nobody is known"),
    ("require to plain", Use("require", cert="client"), Use("plain"), "anew", None,
     "other demands"),
    ("the same client", Use("require", cert="client"), Use("require", cert="client"), "resumed",
     "client-one", "no boundary is crossed"),
    ("the same client without its certificate", Use("require", cert="client"), Use("require"),
     "resumed", "client-one", "the session proves who has it"),
    ("another client's certificate", Use("require", cert="client"),
     Use("require", cert="client_two"), "resumed", "client-one",
     "a resumed handshake shows no certificate: who it is stands in the session"),
    ("another client CA", Use("require", cert="client"), Use("foreign", cert="client"), "refused",
     None, "that CA did not sign this client"),
    ("another client CA and its client", Use("require", cert="client"),
     Use("foreign", cert="client_foreign"), "anew", "client_foreign",
     "good for the CA that was asked"),
    ("another name", Use("plain"), Use("plain", name="sluice.test"), "anew", None,
     "RFC 6066 3: not under another name"),
    ("the name in capitals", Use("plain"), Use("plain", name="LOCALHOST"), "resumed", None,
     "RFC 6066 3: case does not count"),
    ("no name", Use("plain"), Use("plain", name=None), "anew", None, "no SNI is another name"),
    ("a name at last", Use("plain", name=None), Use("plain"), "anew", None, "as above"),
    ("the name of another certificate", Use("plain"), Use("plain", name="other.test"), "anew",
     None, "a session is not worth another certificate"),
    ("another protocol", Use("plain", alpn="one"), Use("plain", alpn="two"), "resumed", None,
     "RFC 7301 3.1: ALPN is of the connection, not of the session"),
    ("no protocol", Use("plain", alpn="one"), Use("plain"), "resumed", None, "RFC 7301 3.1"),
]


@pytest.fixture(scope="module", name="certs")
def fixture_certs(pki):
    return {"client": pki.client, "client_foreign": pki.client_foreign,
            "client_two": pki.issue("client_two", None, subject="/O=Sluice test/CN=client-two")}


@pytest.fixture(name="start_all")
def fixture_start_all(fleet, pki, backend):
    """start_all(): all services in one program, and so with the same ticket keys."""
    url = backend().url

    def service(*pairs, **more):
        return {"listen": "tls://127.0.0.1:0", "connect": url, "alpn": ["one", "two"],
                "certificates": [pair.as_config() for pair in pairs], **more}

    def asking(verify, ca):
        return service(pki.server, clients={"verify": verify, "ca": ca})

    services = {
        "plain": service(pki.server, pki.other), "twin": service(pki.server, pki.other),
        "rsa": service(pki.server_rsa), "old": service(pki.server, policy="old"),
        "unticketed": service(pki.server, policy="unticketed"),
        "request": asking("request", pki.ca), "require": asking("require", pki.ca),
        "foreign": asking("require", pki.foreign_ca)}
    return lambda **top: fleet.run({"policies": {"unticketed": {"tickets": "off"}},
                                    "services": services, **top})


@pytest.fixture(name="one")
def fixture_one(start_all):
    return start_all()


@pytest.fixture(name="connect")
def fixture_connect(pki, certs, folder):
    """connect(one, version, use, resume): the outcome, and the program's line about it. A session
    is kept in the folder by `openssl s_client`; `resume` offers the one kept last."""

    def dial(one, version, use, resume=False):
        argv = ["openssl", "s_client", "-connect", "{}:{}".format(*one.address(use.service)),
                "-CAfile", pki.ca, version]
        argv += ["-noservername"] if use.name is None else ["-servername", use.name]
        kept = pathlib.Path(folder) / "session"
        if not resume:
            kept.unlink(missing_ok=True)
            argv += ["-sess_out", kept]
        elif kept.exists():
            argv += ["-sess_in", kept]
        if use.cert is not None:
            cert = certs[use.cert]
            argv += ["-cert", cert.leaf, "-cert_chain", cert.chain, "-key", cert.key]
        if use.alpn is not None:
            argv += ["-alpn", use.alpn]
        count = len(one.find_logs("connection"))
        with programs.Talk(argv) as client:
            client.send(b"hello there\n")
            seen = client.expect(r"hello there|alert|handshake failure").group()
            client.end_input()
            client.wait()
        record = one.wait_logs(count + 1, "connection")[-1]
        is_reused = re.search(r"^Reused, ", client.text(), re.MULTILINE) is not None
        assert record["service"] == use.service
        if not seen.startswith("hello"):
            return "refused", record
        assert record.get("resumed", False) == is_reused
        assert record.get("alpn") == use.alpn
        return "resumed" if is_reused else "anew", record

    return dial


class TestMatrix:
    """Each boundary by itself, or with that of the service where it cannot be apart."""

    @pytest.mark.parametrize("version", VERSIONS)
    def test_a_session_is_good_where_the_table_says(self, one, connect, version):
        wrong = []
        for boundary, gained, offered, expected, peer, why in ROWS:
            assert connect(one, version, gained)[0] == "anew"
            outcome, record = connect(one, version, offered, resume=True)
            seen = record.get("peer", "")
            if outcome != expected or (peer or "") not in seen or (peer is None and seen):
                wrong.append(f"{boundary}: {outcome} as {seen!r}, expected {expected} ({why})")
            if outcome == "refused":
                assert record["reason"] == "client_unverified", record
                assert record.get("bytes_to_upstream", 0) == 0
        assert not wrong, "\n".join(wrong)

    def test_a_session_of_tls_1_2_is_none_of_tls_1_3(self, one, connect):
        for gained, offered in [VERSIONS, VERSIONS[::-1]]:
            assert connect(one, gained, Use("plain"))[0] == "anew"
            assert connect(one, offered, Use("plain"), resume=True)[0] != "resumed"


class TestTime:
    """What happens to the program between the two connections."""

    @pytest.mark.parametrize("version", VERSIONS)
    @pytest.mark.parametrize("use", [Use("plain"), Use("require", cert="client")],
                             ids=lambda use: use.service)
    def test_a_killed_worker_takes_no_sessions_along(self, one, connect, version, use):
        one.may_lose_workers = True
        assert connect(one, version, use)[0] == "anew"
        os.kill(one.worker_pid(), signal.SIGKILL)
        outcome, record = connect(one, version, use, resume=True)
        assert outcome == "resumed" and ("client-one" in record.get("peer", "")) == bool(use.cert)

    @pytest.mark.parametrize("version", VERSIONS)
    def test_a_new_start_takes_no_sessions_of_before(self, start_all, connect, version):
        first = start_all()
        assert connect(first, version, Use("plain"))[0] == "anew"
        first.stop()
        assert connect(start_all(), version, Use("plain"), resume=True)[0] == "anew"

    @pytest.mark.parametrize("version", VERSIONS)
    def test_good_for_one_rotation_and_not_for_two(self, start_all, connect, pki, version):
        one = start_all(tickets={"rotate": "2s"})

        def key():
            """The name of the key that seals, which is the front of a ticket (RFC 5077 4)."""
            count = len(one.find_logs("connection"))
            done = programs.run("openssl", "s_client", "-tls1_2", "-CAfile", pki.ca, "-connect",
                                "{}:{}".format(*one.address("plain")), input=b"")
            one.wait_logs(count + 1, "connection")  # or connect() takes the line for its own
            return re.search(rb"session ticket:\s+0000 - ([0-9a-f -]{47})", done.stdout).group(1)

        for _ in range(5):  # again when a rotation comes between two looks
            gaining = key()
            assert connect(one, version, Use("plain"))[0] == "anew"
            is_known = key() == gaining
            second = until(lambda old=gaining: (key() != old) and key(), "the first rotation")
            after_one = connect(one, version, Use("plain"), resume=True)[0]
            if is_known and key() == second:
                break
        else:
            raise AssertionError("rotations come faster than connections")
        assert after_one == "resumed"
        until(lambda: key() not in (gaining, second), "the second rotation")
        assert connect(one, version, Use("plain"), resume=True)[0] == "anew"


class TestGnutls:
    """gnutls-cli, which resumes by ways of its own."""

    @pytest.mark.parametrize("version, service, expected", [
        ("1.2", "plain", True), ("1.3", "plain", True), ("1.2", "require", True),
        ("1.3", "require", True), ("1.2", "unticketed", False)])
    def test_resumes_where_it_may(self, one, pki, stack, version, service, expected):
        argv = ["--resume", "--priority", f"NORMAL:-VERS-ALL:+VERS-TLS{version}"]
        if version == "1.3":
            argv += ["--waitresumption"]
        if service == "require":
            argv += ["--x509certfile", pki.client.chain, "--x509keyfile", pki.client.key]
        client = stack.enter_context(programs.gnutls_cli(one.address(service), pki.ca, *argv))
        client.expect("This is a resumed session" if expected else "Resume Handshake was completed")
        client.end_input()
        client.wait()
        records = one.wait_logs(2, "connection", service=service)
        assert [r["resumed"] for r in records] == [False, expected]
