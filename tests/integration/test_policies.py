# SPDX-License-Identifier: Apache-2.0
"""The policies: which versions, ciphers and groups get through, seen by openssl s_client."""
import pathlib

import pytest

import ends
import programs
import sluice as program

INTERMEDIATE_12 = ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256",
                   "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
                   "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"]
OLD_ONLY = ["ECDHE-RSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA", "AES128-GCM-SHA256",
            "AES256-SHA256", "AES128-SHA", "AES256-SHA"]
SUITES_13 = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]


@pytest.fixture(name="serve")
def fixture_serve(fleet, pki, backend):
    """serve(policy): an offloading program; both kinds of key unless the policy takes one."""

    def start(policy):
        pairs = [pki.server] if policy == "modern" else [pki.server, pki.server_rsa]
        return fleet.run_one("tls://127.0.0.1:0", backend().url, policy=policy,
                             certificates=[pair.as_config() for pair in pairs])

    return start


def agrees(one, *argv):
    """Whether `openssl s_client` with these options gets a handshake; gives its output."""
    host, port = one.address()
    done = programs.run("openssl", "s_client", "-connect", f"{host}:{port}", "-servername",
                        "localhost", *argv, input=b"")
    text = done.stdout.decode("utf-8", "replace")
    return text if done.returncode == 0 and "Cipher is (NONE)" not in text else None


class TestVersions:
    """Which versions get through."""

    @pytest.mark.parametrize("policy, allowed", [
        ("modern", {"-tls1_3"}), ("intermediate", {"-tls1_2", "-tls1_3"}),
        ("old", {"-tls1", "-tls1_1", "-tls1_2", "-tls1_3"})])
    def test_exactly_these(self, serve, policy, allowed):
        one = serve(policy)
        seen = {version for version in ["-tls1", "-tls1_1", "-tls1_2", "-tls1_3"]
                if agrees(one, version, "-cipher", "ALL:@SECLEVEL=0")}
        assert seen == allowed

    def test_the_default_is_intermediate(self, fleet, pki, backend):
        one = fleet.serve("tls://127.0.0.1:0", backend().url, "--cert", pki.server.chain,
                          "--key", pki.server.key)
        assert agrees(one, "-tls1_2") and not agrees(one, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")

    def test_the_option_takes_a_policy(self, fleet, pki, backend):
        one = fleet.serve("tls://127.0.0.1:0", backend().url, "--cert", pki.server.chain,
                          "--key", pki.server.key, "--policy", "modern")
        assert agrees(one, "-tls1_3") and not agrees(one, "-tls1_2")


class TestCiphers:
    """Which ciphers get through, and whose order counts."""

    def test_intermediate_has_exactly_its_six(self, serve):
        one = serve("intermediate")
        for cipher in INTERMEDIATE_12:
            assert agrees(one, "-tls1_2", "-cipher", cipher), cipher
        for cipher in OLD_ONLY:
            assert not agrees(one, "-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0"), cipher

    def test_old_has_the_old_ones_as_well(self, serve):
        one = serve("old")
        for cipher in INTERMEDIATE_12 + OLD_ONLY:
            assert agrees(one, "-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0"), cipher

    @pytest.mark.parametrize("policy", ["modern", "intermediate", "old"])
    def test_all_have_the_suites_of_tls_1_3(self, serve, policy):
        one = serve(policy)
        for suite in SUITES_13:
            assert agrees(one, "-tls1_3", "-ciphersuites", suite), suite
        assert not agrees(one, "-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256")

    @pytest.mark.parametrize("policy", ["intermediate", "old"])
    def test_the_order_is_ours(self, serve, policy):
        one = serve(policy)
        offer = ["ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256"]
        text = agrees(one, "-tls1_2", "-cipher", ":".join(offer))
        assert f"Cipher is {offer[1]}" in text

    def test_who_has_chacha20_first_gets_it(self, serve):
        one = serve("intermediate")
        offer = ["ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-GCM-SHA256"]
        text = agrees(one, "-tls1_2", "-cipher", ":".join(offer))
        assert f"Cipher is {offer[0]}" in text


class TestGroups:
    """Key exchange groups."""

    @pytest.mark.parametrize("policy", ["modern", "intermediate"])
    def test_exactly_the_listed_ones(self, serve, policy):
        one = serve(policy)
        for group in ["X25519", "P-256", "P-384"]:
            assert agrees(one, "-tls1_3", "-groups", group), group
        for group in ["P-521", "X448"]:
            assert not agrees(one, "-tls1_3", "-groups", group), group

    def test_x25519_comes_first_for_a_client_that_has_it_first(self, serve):
        assert "X25519" in agrees(serve("intermediate"), "-tls1_3", "-groups", "X25519:P-256")


class TestOwn:
    """Policies that the configuration brings."""

    def start(self, fleet, pki, backend, policies, top=None, **service):
        return fleet.run_one("tls://127.0.0.1:0", backend().url,
                             top={"policies": policies, **(top or {})},
                             certificates=[pki.server.as_config(), pki.server_rsa.as_config()],
                             **service)

    def test_what_it_says_counts_and_the_rest_is_inherited(self, fleet, pki, backend):
        one = self.start(fleet, pki, backend, {"ours": {
            "extends": "mozilla-intermediate-6.0", "max_version": "1.2",
            "ciphers": ["ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256"],
            "groups": ["secp384r1"], "order": "server"}}, policy="ours")
        assert not agrees(one, "-tls1_3")
        assert not agrees(one, "-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384")
        text = agrees(one, "-tls1_2", "-cipher",
                      "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384")
        assert "Cipher is ECDHE-ECDSA-AES256-GCM-SHA384" in text and ", 384 bits" in text
        assert not agrees(one, "-tls1_2", "-groups", "X25519")

    def test_clients_may_be_let_choose_the_cipher(self, fleet, pki, backend):
        one = self.start(fleet, pki, backend, {"ours": {"order": "client"}}, policy="ours")
        offer = ["ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256"]
        text = agrees(one, "-tls1_2", "-cipher", ":".join(offer))
        assert f"Cipher is {offer[0]}" in text

    def test_without_tickets_nobody_resumes(self, fleet, pki, backend):
        one = self.start(fleet, pki, backend, {"ours": {"tickets": "off"}}, policy="ours")
        for version in ["-tls1_2", "-tls1_3"]:
            text = agrees(one, version)
            assert "New Session Ticket" not in text and "TLS session ticket:" not in text
        context = ends.client_context(pki.ca)
        with ends.tls_dial(one.address(), context) as client:
            client.send(b"x")
            client.recv_exactly(1)
            session = client.tls.session
        with ends.tls_dial(one.address(), context, session=session) as client:
            client.send(b"x")
            client.recv_exactly(1)
            assert not client.tls.session_reused

    def test_a_session_is_as_long_as_it_says(self, fleet, pki, backend):
        one = self.start(fleet, pki, backend, {"ours": {"session": "20m"}}, policy="ours")
        assert "ticket lifetime hint: 1200" in agrees(one, "-tls1_2")

    def test_a_legacy_upstream_weakens_only_its_own_side(self, fleet, pki, stack):
        legacy = stack.enter_context(programs.s_server(
            pki.server_rsa, "-tls1", "-cipher", "AES128-SHA:@SECLEVEL=0", "-rev"))
        one = fleet.run_one("tls://127.0.0.1:0", f"tls://127.0.0.1:{legacy.port}",
                            top={"policies": {"museum": {
                                "extends": "old", "max_version": "1.0",
                                "ciphers": ["AES128-SHA"]}}},
                            policy="modern", certificates=[pki.server.as_config()],
                            upstream={"ca": pki.ca, "name": "localhost", "policy": "museum"})
        assert not agrees(one, "-tls1_2", "-cipher", "ALL:@SECLEVEL=0")
        assert agrees(one, "-tls1_3")
        record = one.wait_connection(reason="done")
        assert record["version"] == "TLSv1.3" and record["upstream_version"] == "TLSv1"
        assert record["upstream_cipher"] == "TLS_RSA_WITH_AES_128_CBC_SHA"

    @pytest.mark.parametrize("policy, top, text", [
        ({"ciphers": ["ECDHE-RSA-AES128-GCM-SHA257"]}, {},
         "the library has no cipher 'ECDHE-RSA-AES128-GCM-SHA257'"),
        ({"extends": "old"}, {"floor": "intermediate"},
         "which is below the floor, mozilla-intermediate-6.0")])
    def test_what_cannot_be_is_said_before_anything_starts(self, pki, folder, policy, top, text):
        path = program.write_config(pathlib.Path(folder) / "sluice.yaml", {
            "policies": {"ours": policy}, "policy": "ours", **top,
            "services": {"main": {"listen": "tls://127.0.0.1:0", "connect": "tcp://127.0.0.1:1",
                                  "certificates": [pki.server.as_config()]}}})
        done = program.command("check", "-c", path)
        assert done.returncode == 2 and text in done.stderr, done.stderr
