# SPDX-License-Identifier: Apache-2.0
"""Each chain of chains.py at a running proxy: clients toward it, and upstreams that it connects."""
import datetime
import json
import pathlib
import re
import shutil
import signal
import ssl
import tempfile

import pytest

import chains
import chains_more
import ends
import peers
import pki as pki_module
import sluice
import x509
from scale import SLOW, until

SECRET = b"what only a verified upstream may read"
SHORT = datetime.timedelta(seconds=3)
NUMBERED = [(side, case) for case in [*chains.CASES, *chains_more.CASES] for side in case.sides]


class Standing:
    """One proxy for all cases: a service for each set of options, and one backend of each kind."""

    def __init__(self, folder, pki):
        self.folder = pathlib.Path(folder)
        self.world = chains.World()
        self.pki = pki
        self.plain = peers.Backend(peers.echo)
        self.upstream = peers.Backend(peers.echo, is_raw=True)
        self.services = {}
        self.fleet = sluice.Fleet(folder)
        self._write_trust()

    def __enter__(self):
        self.plain.__enter__()
        self.upstream.__enter__()
        config = {"services": {self.service_of(side, case): self._service(side, case)
                               for side, case in NUMBERED}}
        self.one = self.fleet.run(config)
        # a sanitizer may still look for leaks of so many contexts when the supervisor's time is up
        self.one.may_lose_workers = SLOW
        return self

    def __exit__(self, *_):
        self.one.signal(signal.SIGTERM)
        self.one.wait_exit(60)  # so many contexts take a sanitizer its time
        self.fleet.stop_all()
        self.upstream.__exit__()
        self.plain.__exit__()

    def _write_trust(self):
        world = self.world
        anchors = [world.root, world.expired_root, world.young_root, *world.odd.values()]
        (self.folder / "root.pem").write_text("".join(one.pem() for one in anchors))
        (self.folder / "inter.pem").write_text(world.inter.pem())
        (self.folder / "foreign.pem").write_text(world.foreign.pem())
        trusted = self.folder / "folder"
        trusted.mkdir()
        (trusted / "a.crt").write_text(world.root.pem())
        (trusted / "b.pem").write_text(world.foreign.pem())
        (trusted / "README").write_text("nothing to read here")
        for name, data in world.lists().items():
            path = self.folder / f"{name}.crl"
            if isinstance(data, bytes):
                path.write_bytes(data)
            else:
                path.write_text(data)

    def service_of(self, side, case):
        """The name of the service for a case's options."""
        key = json.dumps([side, case.options], sort_keys=True)
        return self.services.setdefault(key, f"{side}-{len(self.services)}")

    def _options(self, case):
        options = dict(case.options or {})
        ca = options.pop("ca", "root")
        options["ca"] = str(self.folder / (ca if ca == "folder" else f"{ca}.pem"))
        if "crl" in options:
            files = [str(self.folder / f"{name}.crl") for name in options["crl"]["files"]]
            options["crl"] = {**options["crl"], "files": files}
        if "pins" in options:
            options["pins"] = [self.world.key(name).pin for name in options["pins"]]
        if "rules" in options:
            options["rules"] = [
                {verb: {kind: self.world.key(text).pin if kind == "spki" else text
                        for kind, text in names.items()} for verb, names in rule.items()}
                for rule in options["rules"]]
        return options

    def _service(self, side, case):
        options = self._options(case)
        if side == "client":
            return {"listen": "tls://127.0.0.1:0", "connect": self.plain.url,
                    "certificates": [self.pki.server.as_config()],
                    "clients": {"verify": "require", **options}}
        return {"listen": "tcp://127.0.0.1:0", "connect": self.upstream.url,
                "upstream": {"name": chains.NAME, **options}}

    def pair_of(self, side, case):
        """The chain and key of a case as files."""
        self.world.side = side
        pair = pki_module.Pair(self.folder, f"{side}-{case.name}")
        certs = case.make(self.world)
        pathlib.Path(pair.chain).write_text("".join(one.pem() for one in certs))
        key = pathlib.Path(pair.key)
        key.touch(0o600)
        key.write_text(self.world.key(case.key).pem())
        return pair

    def address(self, side, case):
        return self.one.address(self.service_of(side, case))

    def next_log(self, service):
        """The line of the connection that has just ended."""
        record = self.one.wait_connection(service=service)
        self.one.take_logs("connection")
        return record


@pytest.fixture(scope="module", name="standing")
def fixture_standing(pki):
    folder = tempfile.mkdtemp(prefix="sl-chains-")
    try:
        with Standing(folder, pki) as standing:
            yield standing
    finally:
        shutil.rmtree(folder)


def lax(context):
    """Lets our own ends show what the proxy is to refuse."""
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def context_of(side, pair, version=None):
    if side == "client":
        context = ends.client_context(version=version)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    lax(context).load_cert_chain(pair.chain, pair.key)
    return context


def try_client(standing, case, context):
    """The alert that a client got, or None when it was let in."""
    try:
        with ends.tls_dial(standing.address("client", case), context) as client:
            client.send(SECRET)
            assert client.recv_exactly(len(SECRET)) == SECRET
            client.end()
            client.fate()
        return None
    except ssl.SSLError as error:
        return error.reason
    except (ConnectionResetError, BrokenPipeError, ends.Truncated) as error:
        return repr(error)


def assert_log(case, record, reason):
    """What the log says of a case that was refused, or was not."""
    if case.refused is None:
        assert record["reason"] == "done", record.get("detail")
        return
    assert record["reason"] == (case.reason or reason), record.get("detail")
    assert re.search(case.refused, record["detail"]), record["detail"]


def assert_client(standing, case, alert):
    record = standing.next_log(standing.service_of("client", case))
    assert_log(case, record, "client_unverified")
    assert (alert is None) == (case.refused is None), (alert, record)
    assert record["bytes_to_upstream"] == (0 if case.refused else len(SECRET))
    assert record.get("crl_stale") == (True if case.is_stale else None)
    if case.refused is None and case.peer_id is not None:
        assert record.get("peer_id") == case.peer_id


def talk(address, is_answered):
    """A plain client, whose connection the proxy resets as soon as the upstream is refused."""
    try:
        with ends.PlainEnd(ends.dial(address)) as client:
            client.send(SECRET)
            if is_answered:
                assert client.recv_exactly(len(SECRET)) == SECRET
                client.end()
            client.fate()
    except (ConnectionResetError, BrokenPipeError):
        pass  # the log says why


def run_upstream(standing, case):
    upstream = standing.upstream
    upstream.context = context_of("server", standing.pair_of("server", case))
    before = len(upstream.visits)
    talk(standing.address("server", case), case.refused is None)
    record = standing.next_log(standing.service_of("server", case))
    assert_log(case, record, "upstream_unverified")
    visit = upstream.visit(before)
    outcome = visit.wait()
    assert bytes(visit.received) == (b"" if case.refused else SECRET)
    if case.refused is not None:
        assert outcome.startswith("handshake"), outcome
    assert record["bytes_to_upstream"] == (0 if case.refused else len(SECRET))
    assert record.get("upstream_crl_stale") == (True if case.is_stale else None)


@pytest.mark.parametrize("side, case", NUMBERED,
                         ids=[f"{case.name}-{side}" for side, case in NUMBERED])
def test_chains_are_judged_as_the_standards_say(standing, side, case):
    if side == "server":
        run_upstream(standing, case)
        return
    context = context_of("client", standing.pair_of("client", case))
    assert_client(standing, case, try_client(standing, case, context))


def find(name):
    return next(case for case in chains.CASES if case.name == name)


ALERTS = {
    "rule_dns_other": ("CERTIFICATE_UNKNOWN", "ACCESS_DENIED"),
    "leaf_expired": ("CERTIFICATE_EXPIRED", "CERTIFICATE_EXPIRED"),
    "crl_leaf_revoked": ("CERTIFICATE_REVOKED", "CERTIFICATE_REVOKED"),
    "root_unknown": ("UNKNOWN_CA", "UNKNOWN_CA"),
    "eku_code_signing": ("UNSUPPORTED_CERTIFICATE", "UNSUPPORTED_CERTIFICATE"),
    "signature_wrong_on_the_leaf": ("DECRYPT_ERROR|BAD_CERT", "DECRYPT_ERROR|BAD_CERT"),
}


class TestAlerts:
    """A client learns why (RFC 8446 6.2); libssl cannot say access_denied in TLS 1.3."""

    @pytest.mark.parametrize("version", ["TLSv1_3", "TLSv1_2"])
    @pytest.mark.parametrize("name", ALERTS)
    def test_clients_are_told_why(self, standing, name, version):
        case = find(name)
        context = context_of("client", standing.pair_of("client", case),
                             ssl.TLSVersion[version])
        alert = try_client(standing, case, context)
        assert_client(standing, case, alert)
        assert re.search(ALERTS[name][version == "TLSv1_2"], alert), alert


def test_there_are_cases_enough():
    assert len(NUMBERED) >= 150
    assert len({(side, case.name) for side, case in NUMBERED}) == len(NUMBERED)


class TestResumption:
    """A session is nobody's way round what is asked of certificates."""

    def run(self, fleet, standing, **options):
        trust = {"verify": "require", "ca": str(standing.folder / "root.pem"), **options}
        return fleet.run_one("tls://127.0.0.1:0", standing.plain.url,
                             certificates=[standing.pki.server.as_config()], clients=trust)

    @staticmethod
    def visit(address, context, session=None):
        with ends.tls_dial(address, context, session=session) as client:
            client.send(b"x")
            client.recv_exactly(1)
            kept, is_resumed = client.tls.session, client.tls.session_reused
            client.end()
            client.fate()
        return kept, is_resumed

    @pytest.mark.parametrize("version", ["TLSv1_3", "TLSv1_2"])
    def test_who_is_let_in_resumes_under_the_same_name(self, fleet, standing, version):
        lists = [str(standing.folder / f"{name}.crl") for name in ("root", "inter")]
        one = self.run(fleet, standing, rules=[{"allow": {"dns": "*.test"}}],
                       crl={"files": lists})
        pair = standing.pair_of("client", find("good"))
        context = context_of("client", pair, ssl.TLSVersion[version])
        session, _ = self.visit(one.address(), context)
        assert self.visit(one.address(), context, session)[1]
        records = one.wait_logs(2, "connection")
        assert [r["resumed"] for r in records] == [False, True]
        assert {r["peer_id"] for r in records} == {"dns:" + chains.NAME}

    @pytest.mark.parametrize("version", ["TLSv1_3", "TLSv1_2"])
    def test_sessions_end_with_their_certificate(self, fleet, standing, version):
        one = self.run(fleet, standing)
        world = standing.world
        world.side = "client"
        end = x509.now() + SHORT
        short = chains.Case("short", lambda w: w.below(
            w.authority("Short", w.root, end=end)))  # the leaf itself goes on
        pair = standing.pair_of("client", short)
        context = context_of("client", pair, ssl.TLSVersion[version])
        session, _ = self.visit(one.address(), context)

        def is_over():
            try:
                return not self.visit(one.address(), context, session)[1]
            except (ssl.SSLError, OSError):
                return True

        until(is_over, "the end of the session", 20)
        one.wait_connection(reason="client_unverified")

    @pytest.mark.parametrize("version", ["TLSv1_3", "TLSv1_2"])
    def test_upstream_sessions_end_with_their_certificate(self, fleet, standing, backend, version):
        standing.world.side = "server"
        end = x509.now() + SHORT
        short = chains.Case("short", lambda w: w.below(w.authority("Short", w.root, end=end)))
        context = context_of("server", standing.pair_of("server", short))
        context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
        upstream = backend(context=context)
        one = fleet.run_one("tcp://127.0.0.1:0", upstream.url, upstream={
            "name": chains.NAME, "ca": str(standing.folder / "root.pem")})

        def ended():
            try:
                talk(one.address(), True)
            except AssertionError:
                pass  # no answer
            return one.find_logs("connection", reason="upstream_unverified")

        talk(one.address(), True)
        talk(one.address(), True)
        records = one.wait_logs(2, "connection")
        assert [r["upstream_resumed"] for r in records] == [False, True]
        refused = until(ended, "a refusal", 20)
        assert "expired" in refused[0]["detail"]


class TestFiles:
    """What is trusted is read before anything starts, and what is wrong with it is said."""

    @staticmethod
    def check(folder, ca, crl=None):
        clients = {"verify": "require", "ca": str(ca)}
        if crl is not None:
            clients["crl"] = {"files": str(crl)}
        pki = folder / "server"
        config = {"services": {"main": {
            "listen": "tls://127.0.0.1:0", "connect": "tcp://127.0.0.1:1",
            "certificates": [{"chain": f"{pki}.pem", "key": f"{pki}.key"}], "clients": clients}}}
        return sluice.command("check", "-c", sluice.write_config(folder / "trust.yaml", config))

    @pytest.fixture(name="trust")
    def fixture_trust(self, folder, standing):
        path = pathlib.Path(folder)
        for end in ("pem", "key"):
            shutil.copy(getattr(standing.pki.server, "chain" if end == "pem" else "key"),
                        path / f"server.{end}")
        return path

    def test_a_folder_needs_certificates(self, trust):
        (trust / "cas").mkdir()
        done = self.check(trust, trust / "cas")
        assert done.returncode == 2 and "no *.pem or *.crt is in this folder" in done.stderr
        (trust / "cas" / "a.pem").write_text("nothing")
        done = self.check(trust, trust / "cas")
        assert done.returncode == 2 and "a.pem: there is no PEM certificate in it" in done.stderr

    def test_lists_are_lists(self, trust, standing):
        ca = standing.folder / "root.pem"
        done = self.check(trust, ca, ca)
        assert done.returncode == 2 and "root.pem: there is no CRL in it" in done.stderr
        done = self.check(trust, ca, trust / "none.crl")
        assert done.returncode == 2 and "none.crl" in done.stderr
        (trust / "cut.crl").write_bytes((standing.folder / "inter_empty.crl").read_bytes()[:-1])
        done = self.check(trust, ca, trust / "cut.crl")
        assert done.returncode == 2 and "cut.crl: it is neither PEM nor one CRL" in done.stderr
        assert self.check(trust, ca, standing.folder / "root.crl").returncode == 0

    def test_a_stale_list_is_a_warning(self, trust, standing):
        done = self.check(trust, standing.folder / "root.pem", standing.folder / "root_stale.crl")
        assert "a CRL in it is past its nextUpdate (service 'main')" in done.stderr
        assert standing.one.find_logs("config_warning")
