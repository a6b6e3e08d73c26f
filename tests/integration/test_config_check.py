# SPDX-License-Identifier: Apache-2.0
"""`sluice check`: every mistake of a file in one run, each with its place."""
import pathlib
import re

import pytest
import yaml

import sluice
from pki import openssl

FINDING = re.compile(r"^(?P<file>.+?):(?P<line>\d+):(?P<column>\d+): "
                     r"(?P<severity>error|warning): (?P<text>.+)$")


class Check:
    """One run over a text; the findings as (line, column, severity, text) in order."""

    def __init__(self, folder, text):
        self.path = str(pathlib.Path(folder) / "sluice.yaml")
        self.text = text
        pathlib.Path(self.path).write_text(text)
        self.done = sluice.command("check", "-c", self.path)
        self.lines = self.done.stderr.splitlines()
        self.findings = []
        for at, line in enumerate(self.lines):
            found = FINDING.match(line)
            if found and found["file"] == self.path:
                self.findings.append((int(found["line"]), int(found["column"]),
                                      found["severity"], found["text"]))
                self._check_caret(at, int(found["line"]), int(found["column"]))

    def _check_caret(self, at, line, column):
        source = (self.text.splitlines() + [""])[line - 1]  # the end of the file has a place too
        shown, caret = self.lines[at + 1], self.lines[at + 2]
        assert caret.strip() == "^", caret
        if not source.strip():
            return
        start = shown.index(source.strip())
        indent = len(source) - len(source.lstrip())
        assert caret.index("^") == start - indent + column - 1, "\n".join(self.lines[at : at + 3])

    def places(self, severity="error"):
        return [(line, column) for line, column, kind, _ in self.findings if kind == severity]

    def text_at(self, line, severity="error"):
        return " / ".join(text for at, _, kind, text in self.findings
                          if at == line and kind == severity)


def good(pki, **service):
    return yaml.safe_dump({"services": {"web": {
        "listen": "tls://127.0.0.1:0", "connect": "tcp://127.0.0.1:8080",
        "certificates": [pki.server.as_config()], **service}}}, sort_keys=False)


class TestGoodFiles:
    """OK, and status 0."""

    def test_a_good_file_is_ok(self, folder, pki):
        check = Check(folder, good(pki))
        assert check.done.returncode == 0, check.done.stderr
        assert "OK" in check.done.stdout and not check.findings

    def test_the_example_of_the_manual_is_understood(self, folder, pki):
        check = Check(folder, f"""\
workers: auto
policy: intermediate
services:
  web:
    listen: tls://[::]:443
    connect: tcp://127.0.0.1:8080
    certificates:
      - chain: {pki.combined}
      - chain: {pki.other.chain}
        key: {pki.other.key}
    alpn: [h2, http/1.1]
    timeouts: {{ handshake: 10s, connect: 5s, idle: 10m, linger: 5s }}
  db:
    listen: tcp://127.0.0.1:5432
    connect: tls://localhost:5433
    upstream:
      ca: {pki.ca}
      name: db.example.com
      certificate: {{ chain: {pki.client.chain}, key: {pki.client.key} }}
""")
        assert check.done.returncode == 0, check.done.stderr

    def test_relative_paths_start_at_the_files_folder(self, folder, pki):
        for name in ("chain", "key"):
            target = pathlib.Path(folder) / f"relative.{name}"
            target.write_text(pathlib.Path(getattr(pki.server, name)).read_text())
            target.chmod(0o600)
        check = Check(folder, """\
services:
  web:
    listen: tls://127.0.0.1:0
    connect: tcp://127.0.0.1:8080
    certificates: [{ chain: relative.chain, key: relative.key }]
""")
        assert check.done.returncode == 0, check.done.stderr

    def test_what_prints_the_defaults_is_understood(self, folder):
        done = sluice.command("config", "--defaults")
        assert done.returncode == 0
        check = Check(folder, done.stdout)
        assert "unknown" not in check.done.stderr, check.done.stderr

    def test_verification_off_is_loud(self, folder, pki):
        check = Check(folder, good(pki, connect="tls://127.0.0.1:1", upstream={"verify": False}))
        assert check.done.returncode == 0, check.done.stderr
        assert len(check.places("warning")) == 1


class TestPlaces:
    """Line and column of each mistake, all of them in one run."""

    def test_many_mistakes_of_one_file_come_in_one_run(self, folder):
        check = Check(folder, """\
workers: many
polcy: modern
services:
  web:
    listen: tls://127.0.0.1:99999
    connect: http://127.0.0.1:8080
    timeouts: { handshake: 10 parsecs, idle: 10m }
    alpn: [h2, 5]
  db:
    listen: tcp://127.0.0.1:5432
    listen: tcp://127.0.0.1:5433
    conect: tls://db.example.com:5433
  empty: {}
limits: { buffer: -1 }
""")
        assert check.done.returncode == 2
        assert "OK" not in check.done.stdout
        places = check.places()
        for place in [(1, 10), (2, 1), (7, 28), (11, 5), (12, 5), (14, 19)]:
            assert place in places, f"{place} not in {places}\n{check.done.stderr}"
        assert {line for line, _ in places} >= {1, 2, 5, 6, 7, 11, 12, 13, 14}
        assert places == sorted(places)

    def test_an_unknown_key_comes_with_the_nearest_one(self, folder, pki):
        check = Check(folder, good(pki).replace("connect:", "conect:"))
        assert (4, 5) in check.places() and "did you mean 'connect'" in check.text_at(4)

    def test_a_duplicate_key_is_refused(self, folder, pki):
        check = Check(folder, good(pki) + "workers: 1\nworkers: 2\n")
        assert check.done.returncode == 2
        line = len(check.text.splitlines())
        assert check.places() == [(line, 1)]
        assert re.search("twice|duplicate", check.text_at(line).lower())

    def test_yaml_that_cannot_be_read_has_a_place(self, folder):
        check = Check(folder, "services:\n  web: [unclosed\n")
        assert check.done.returncode == 2 and check.places()

    def test_the_column_counts_characters(self, folder, pki):
        check = Check(folder, good(pki) + 'limits: { "ÄÖÜ": 1, zzz: 2 }\n')
        line = len(check.text.splitlines())
        assert check.places() == [(line, 11), (line, 21)]

    @pytest.mark.parametrize("text", ["", "- a\n- b\n", "services: {}\n", "5\n", "\t\n", "{}\n"])
    def test_a_file_without_services_is_an_error(self, folder, text):
        check = Check(folder, text)
        assert check.done.returncode == 2 and "error" in check.done.stderr

    def test_a_missing_file_is_an_error_with_its_name(self, folder):
        done = sluice.command("check", "-c", f"{folder}/nowhere.yaml")
        assert done.returncode == 2
        assert f"{folder}/nowhere.yaml" in done.stderr


class TestWhatCannotWork:
    """Settings that contradict each other or the files they name."""

    def wrong(self, folder, text, word):
        check = Check(folder, text)
        assert check.done.returncode == 2, check.done.stdout
        assert check.places()
        assert any(word in text.lower() for _, _, _, text in check.findings), check.done.stderr

    def test_a_tls_listen_needs_a_certificate(self, folder):
        self.wrong(folder, "services:\n  web:\n    listen: tls://127.0.0.1:0\n"
                           "    connect: tcp://127.0.0.1:1\n", "certificate")

    def test_a_key_must_belong_to_its_certificate(self, folder, pki):
        self.wrong(folder, good(pki, certificates=[
            {"chain": pki.server.chain, "key": pki.other.key}]), "key")

    def test_a_chain_without_any_key_is_an_error(self, folder, pki):
        self.wrong(folder, good(pki, certificates=[{"chain": pki.server.chain}]), "key")

    def test_a_missing_file_is_named(self, folder, pki):
        self.wrong(folder, good(pki, certificates=[
            {"chain": "/nowhere/web.pem", "key": pki.server.key}]), "/nowhere/web.pem")

    def test_a_file_that_is_no_certificate_is_named(self, folder, pki):
        self.wrong(folder, good(pki, certificates=[
            {"chain": __file__, "key": pki.server.key}]), "certificate")

    def test_a_ca_file_without_certificates_is_an_error(self, folder, pki):
        self.wrong(folder, good(pki, connect="tls://127.0.0.1:1",
                                upstream={"ca": pki.server.key}), "certificate")

    def test_demanding_clients_needs_a_ca(self, folder, pki):
        self.wrong(folder, good(pki, clients={"verify": "require"}), "ca")

    def test_a_modern_policy_takes_no_rsa_certificate(self, folder, pki):
        self.wrong(folder, good(pki, policy="modern",
                                certificates=[pki.server_rsa.as_config()]), "ecdsa")

    def test_a_weak_signature_is_refused_behind_one_that_signs_itself(self, folder, pki):
        def weak(name, *above):
            paths = [pathlib.Path(folder) / f"{name}.{kind}" for kind in ("key", "csr", "pem")]
            key, request, chain = map(str, paths)
            openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-out", key)
            paths[0].chmod(0o600)
            openssl("req", "-new", "-key", key, "-subj", f"/CN={name}.test", "-out", request)
            openssl("x509", "-req", "-in", request, "-sha1", "-days", "30", "-out", chain,
                    "-extfile", names, *(above or ("-signkey", key)))
            return {"chain": chain, "key": key}

        names = pathlib.Path(folder) / "names"
        names.write_text("subjectAltName=DNS:weak.test\n")
        own = weak("own")
        issued = weak("issued", "-CA", pki.ca, "-CAkey", pki.folder / "ca.key", "-CAcreateserial")
        assert Check(folder, good(pki, certificates=[own])).done.returncode == 0
        self.wrong(folder, good(pki, certificates=[issued]), "md too weak")
        self.wrong(folder, good(pki, certificates=[own, issued]), "md too weak")

    def test_an_expired_certificate_is_a_warning(self, folder, pki):
        check = Check(folder, good(pki, certificates=[pki.expired.as_config()]))
        assert check.done.returncode == 0, check.done.stderr
        assert check.places("warning") and "expired" in check.done.stderr

    def test_a_key_that_nobody_takes_is_a_warning(self, folder, pki):
        """By the curve, or for want of a signature in the policy."""
        odd = pki.issue("odd-curve", "DNS:localhost", key="brainpoolP256r1")
        p384 = pki.issue("p384-curve", "DNS:localhost", key="P-384")
        policies = ("policies:\n  a: {min_version: '1.3', signatures: [ecdsa_secp256r1_sha256]}\n"
                    "policy: a\n")
        for pair, more, text in [
                (odd, "", "has a key for which TLS 1.3 has no signature"),
                (p384, policies, "policy a has no signature for such a key"),
                (pki.server_rsa, policies, "policy a has no signature for such a key")]:
            check = Check(folder, more + good(pki, certificates=[pair.as_config()]))
            assert check.done.returncode == 0, check.done.stderr
            assert len(check.places("warning")) == 1 and text in check.done.stderr
        for pair, more in [(p384, ""), (pki.server, policies)]:
            check = Check(folder, more + good(pki, certificates=[pair.as_config()]))
            assert check.done.returncode == 0 and not check.findings, check.done.stderr

    def test_run_refuses_what_check_refuses(self, folder, pki):
        path = pathlib.Path(folder) / "bad.yaml"
        path.write_text(good(pki).replace("connect:", "conect:"))
        done = sluice.command("run", "-c", path, "--ready-file", f"{folder}/never.json")
        assert done.returncode == 2
        assert f"{path}:4:5: error: " in done.stderr
        assert not (pathlib.Path(folder) / "never.json").exists()
