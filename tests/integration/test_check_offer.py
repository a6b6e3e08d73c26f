# SPDX-License-Identifier: Apache-2.0
"""What `sluice check` says of a good file: what is offered, and what known clients get."""
import pathlib
import re

import pytest

import sluice


@pytest.fixture(name="check")
def fixture_check(folder):
    """check(services, *options, **top): the command over a file with these services."""

    def run(services, *options, **top):
        path = sluice.write_config(pathlib.Path(folder) / "sluice.yaml",
                                   {**top, "services": services})
        return sluice.command("check", "-c", path, *options)

    return run


def offload(*pairs, **more):
    return {"listen": "tls://127.0.0.1:0", "connect": "tcp://127.0.0.1:8080",
            "certificates": [pair.as_config() for pair in pairs], **more}


class TestOffer:
    """Without --as."""

    def test_each_service_is_described(self, check, pki):
        done = check({
            "web": offload(pki.server, pki.wild, alpn=["h2", "http/1.1"], alpn_strict=True,
                           sni="strict", clients={"verify": "require", "ca": pki.ca}),
            "db": {"listen": "tcp://127.0.0.1:0", "connect": "tls://localhost:1",
                   "upstream": {"ca": pki.ca, "policy": "modern", "certificate":
                                pki.client.as_config()}},
            "blind": {"listen": "tcp://127.0.0.1:0", "connect": "tls://localhost:1",
                      "upstream": {"verify": False, "name": "x.test"}}})
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert re.search(r": OK, 3 services, 1 warning$", lines[0])
        assert re.search(r"certificate: localhost,.*\(ECDSA 256 bits, \d+ days left\)", lines[2])
        assert "certificate: *.wild.test (ECDSA" in lines[3]
        assert f"certificates demanded, signed by {pki.ca}" in lines[4]
        assert "other names refused; ALPN h2, http/1.1; other protocols refused" in lines[4]
        assert f"verified by {pki.ca} as localhost; policy mozilla-modern-6.0" in done.stdout
        assert f"shows {pki.client.chain}" in done.stdout and "NOT verified" in done.stdout
        assert done.stdout.count("  policy mozilla-intermediate-6.0: TLS 1.2 to 1.3") == 1
        assert done.stdout.count("  policy mozilla-modern-6.0: TLS 1.3,") == 1

    def test_what_more_is_wanted_of_certificates_is_counted(self, check, pki):
        done = check({
            "web": offload(pki.server, clients={"verify": "require", "ca": pki.ca, "rules": [
                {"allow": {"dns": "a.test"}}, {"deny": {}}]}),
            "db": {"listen": "tcp://127.0.0.1:0", "connect": "tls://localhost:1",
                   "upstream": {"ca": pki.ca, "pins": ["00" * 32]}}})
        assert done.returncode == 0, done.stderr
        assert f"certificates demanded, signed by {pki.ca}, 2 rules;" in done.stdout
        assert f"verified by {pki.ca} as localhost, 1 pin; policy" in done.stdout

    def test_a_policy_is_described_as_the_library_has_it(self, check, pki):
        done = check({"web": offload(pki.server_rsa)}, policy="ours", policies={"ours": {
            "extends": "old", "min_version": "1.2", "tickets": "off", "order": "client",
            "groups": ["X25519MLKEM768", "prime256v1"], "security_level": 1}})
        assert done.returncode == 0, done.stderr
        text = done.stdout
        assert "policy ours: TLS 1.2 to 1.3, the client's order, security level 1, no tickets" in text
        assert re.search(r"groups: (X25519MLKEM768 prime256v1|prime256v1 "
                         r"\(left out, not in this library: X25519MLKEM768\))$", text, re.M)
        assert re.search(r"ciphers: .*AES128-SHA", text) and "signatures: ecdsa_secp256r1" in text

    def test_very_many_services_are_a_line_each(self, check, pki):
        services = {f"s{number}": offload(pki.server) for number in range(21)}
        short = check(services)
        assert short.returncode == 0 and "certificate:" not in short.stdout
        assert short.stdout.count("tls://127.0.0.1:0 -> tcp://") == 21
        assert "policy mozilla-intermediate-6.0: TLS 1.2" in short.stdout
        assert check(services, "--verbose").stdout.count("certificate: localhost") == 21


class TestAs:
    """With --as."""

    def test_what_firefox_and_java_get_of_intermediate(self, check, pki):
        done = check({"web": offload(pki.server, pki.server_rsa, alpn=["http/1.1"])},
                     "--as", "firefox,java-8")
        assert done.returncode == 0, done.stderr
        firefox, java = [line for line in done.stdout.splitlines() if "web (" in line]
        assert re.search(r"web \(localhost\): TLSv1\.3 TLS_AES_128_GCM_SHA256 \S+, certificate "
                         r"localhost \(ECDSA 256 bits\), ALPN http/1\.1$", firefox)
        assert re.search(r"web \(localhost\): TLSv1\.2 TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 "
                         r"secp256r1, certificate localhost \(ECDSA 256 bits\)$", java)

    def test_a_client_that_cannot_connect_is_status_1_with_the_reason(self, check, pki):
        done = check({"old": offload(pki.server), "new": offload(pki.server, policy="modern")},
                     "--as", "java-8")
        assert done.returncode == 1
        assert "new (localhost): cannot connect: it has TLS 1.0 to 1.2, the service TLS 1.3" \
            in done.stdout
        assert "old (localhost): TLSv1.2" in done.stdout

    def test_no_cipher_in_common_is_the_reason(self, check, pki):
        done = check({"web": offload(pki.server_rsa)}, "--as", "safari-9", policy="p", policies={
            "p": {"max_version": "1.2", "ciphers": ["ECDHE-RSA-CHACHA20-POLY1305"]}})
        assert done.returncode == 1
        assert "no shared cipher (alert: handshake failure)" in done.stdout

    def test_a_client_without_sni_meets_a_strict_service(self, check, pki):
        done = check({"web": offload(pki.wild, sni="strict", policy="old")}, "--as",
                     "android,windows-xp")
        assert "web (www.wild.test): TLSv1 " in done.stdout
        assert "web (no name): cannot connect: " in done.stdout
        assert done.returncode == 1

    def test_a_bridge_gives_the_protocol_that_its_upstream_chooses(self, check, pki):
        done = check({"web": offload(pki.server, connect="tls://localhost:1", alpn_strict=True,
                                     upstream={"ca": pki.ca})}, "--as", "curl")
        assert done.returncode == 0 and "ALPN as the upstream chooses" in done.stdout

    def test_all_and_list_are_the_same_clients(self, check, pki):
        names = [line.split()[0] for line in
                 sluice.command("check", "--as", "list").stdout.splitlines()]
        assert len(names) >= 16 and len(set(names)) == len(names)
        done = check({"web": offload(pki.server_rsa, policy="old")}, "--as", "all")
        assert re.findall(r"^  as (\S+):", done.stdout, re.M) == names

    def test_very_many_services_are_a_line_for_each_outcome(self, check, pki):
        """The same as what each of them gets, of which --verbose tells."""
        p384 = pki.issue("as-p384", "DNS:localhost", key="P-384")
        rsa = pki.issue("as-rsa", "DNS:more.test", key="rsa")
        kinds = [offload(pki.server), offload(pki.server_rsa), offload(rsa), offload(pki.wild),
                 offload(pki.server, pki.server_rsa), offload(p384), offload(p384, pki.server),
                 offload(pki.server, policy="modern"), offload(pki.server, alpn=["h2"]),
                 offload(pki.server, alpn=["h2"], alpn_strict=True), offload(pki.wild, sni="strict"),
                 offload(pki.server, clients={"verify": "require", "ca": pki.ca}),
                 offload(pki.server_rsa, policy="old"), offload(pki.other, pki.server),
                 offload(pki.server, connect="tls://localhost:1", upstream={"ca": pki.ca}),
                 {"listen": "tcp://127.0.0.1:0", "connect": "tcp://127.0.0.1:1"}]
        services = {f"s{number}": kind for number, kind in enumerate(kinds * 2)}
        short, long = (check(services, "--as", "all", *options) for options in [(), ["--verbose"]])
        assert short.returncode == long.returncode == 1, short.stderr
        wanted, got = {}, {}
        for line in long.stdout.splitlines()[1:]:
            client = re.match(r"  as (\S+):", line)
            if client:
                outcomes = wanted.setdefault(client[1], {})
                continue
            name, outcome = re.fullmatch(r"    (\S+) \(.*?\): (.*)", line).groups()
            outcome = re.sub(r"certificate \S+ \(", "certificate (", outcome)
            outcomes.setdefault(outcome, []).append(name)
        for line in short.stdout.splitlines()[1:]:
            client = re.match(r"  as (\S+):", line)
            if client:
                outcomes = got.setdefault(client[1], {})
                continue
            count, names, more, outcome = re.fullmatch(
                r"    (\d+) services? \((.*?)(?: and (\d+) more)?\): (.*)", line).groups()
            names = names.split(", ")
            assert int(count) == len(names) + int(more or 0) and len(names) <= 8
            outcomes[outcome] = (int(count), names)
        assert got == {client: {text: (len(names), names[:8]) for text, names in outcomes.items()}
                       for client, outcomes in wanted.items()}
        for outcomes in got.values():  # failures first
            fates = ["cannot connect" in text for text in outcomes]
            assert fates == sorted(fates, reverse=True)

    def test_a_client_that_nobody_knows_is_a_usage_error(self, check, pki):
        done = check({"web": offload(pki.server)}, "--as", "firefox,netscape")
        assert done.returncode == 2 and "netscape" in done.stderr and not done.stdout

    def test_a_bad_file_stays_status_2(self, check):
        assert check({"web": {"listen": "tls://:0"}}, "--as", "all").returncode == 2
