# SPDX-License-Identifier: Apache-2.0
"""The command line: what it prints, what it refuses, how it exits."""
import json
import os

import pytest

import ends
import sluice


class TestPrinting:
    """Commands that print and end."""

    def test_version_names_both_libraries(self):
        done = sluice.command("version")
        assert done.returncode == 0
        assert done.stdout.lower().startswith("sluice ") and done.stdout.count("OpenSSL ") >= 2

    def test_version_says_what_is_lacking(self):
        out = sluice.command("version").stdout
        if "OpenSSL 3.0" in out:
            assert "X25519MLKEM768" in out

    def test_help_lists_the_commands(self):
        done = sluice.command("help")
        assert done.returncode == 0
        for word in ["run", "check", "config", "demo", "version", "help"]:
            assert word in done.stdout

    @pytest.mark.parametrize("word", ["run", "check", "config", "demo", "version", "help"])
    def test_each_command_has_help(self, word):
        done = sluice.command("help", word)
        assert done.returncode == 0 and f"sluice {word}" in done.stdout

    def test_help_is_an_option_as_well(self):
        done = sluice.command("--help")
        assert done.returncode == 0 and "check" in done.stdout

    def test_the_markdown_is_the_document_in_the_tree(self):
        done = sluice.command("config", "--markdown")
        assert done.returncode == 0
        path = sluice.ROOT / "docs" / "configuration.md"
        assert path.read_text() == done.stdout, "docs/configuration.md is not up to date"

    def test_every_option_of_the_manual_is_in_the_defaults(self):
        out = sluice.command("config", "--defaults").stdout
        for word in ["workers", "policy", "listen", "connect", "certificates", "alpn", "timeouts",
                     "handshake", "idle", "linger", "upstream", "proxy_protocol", "clients",
                     "limits", "client_hello", "drain", "tickets", "rotate", "log"]:
            assert word in out, word


class TestUsage:
    """Usage errors: status 2, a line on stderr, nothing on stdout."""

    @pytest.mark.parametrize("args", [
        ["nonsense"], ["run", "--nonsense"], ["check", "-c"], ["help", "nonsense"],
        ["tls://127.0.0.1:0"], ["tcp://127.0.0.1:0", "tcp://127.0.0.1:1", "--nonsense"],
        ["tcp://127.0.0.1:0", "tcp://127.0.0.1:1", "third"],
        ["tcp://127.0.0.1:0", "tcp://127.0.0.1:1", "--workers", "none"],
        ["tcp://127.0.0.1:0", "tcp://127.0.0.1:1", "--log-format", "xml"],
        ["tcp://127.0.0.1:0", "ftp://127.0.0.1:1"], ["tcp://127.0.0.1:0", "tcp://127.0.0.1"],
        ["tls://127.0.0.1:0", "tcp://127.0.0.1:1"],
        ["run", "-c", "/nowhere/sluice.yaml"], ["config", "--nonsense"]])
    def test_it_is_status_two_with_a_message(self, args):
        done = sluice.command(*args)
        assert done.returncode == 2, done
        assert done.stderr.strip()

    def test_a_key_that_does_not_belong_is_status_two(self, pki):
        done = sluice.command("tls://127.0.0.1:0", "tcp://127.0.0.1:1", "--cert", pki.server.chain,
                              "--key", pki.other.key)
        assert done.returncode == 2 and "key" in done.stderr

    def test_a_host_name_that_does_not_resolve_is_status_one_or_two(self, pki):
        done = sluice.command("tcp://127.0.0.1:0", "tls://nowhere.invalid:1", "--ca", pki.ca)
        assert done.returncode in (1, 2) and "nowhere.invalid" in done.stderr


class TestOneService:
    """`sluice LISTEN CONNECT` and what is written to the ready file."""

    def test_the_ready_file_says_where(self, fleet, backend):
        one = fleet.serve("tcp://127.0.0.1:0", backend().url)
        assert set(one.ready) == {"pid", "services"}
        assert one.ready["pid"] == one.pid and list(one.services) == ["main"]
        assert json.loads(one.ready_file.read_text()) == one.ready
        assert os.listdir(one.folder).count("ready.json") == 1
        assert not [name for name in os.listdir(one.folder)
                    if name.startswith("ready.json") and name != "ready.json"]

    def test_options_may_have_an_equals_sign(self, fleet, pki, backend):
        one = fleet.start(["tls://127.0.0.1:0", backend().url, f"--cert={pki.server.chain}",
                           f"--key={pki.server.key}", "--log-format=json", "--workers=1"])
        with ends.tls_dial(one.address(), ends.client_context(pki.ca)) as client:
            client.send(b"x")
            assert client.recv_exactly(1) == b"x"

    def test_nothing_is_read_from_openssl_cnf(self, fleet, pki, backend, folder):
        path = f"{folder}/openssl.cnf"
        with open(path, "w", encoding="ascii") as file:
            file.write("openssl_conf = init\n[init]\nssl_conf = ssl\n[ssl]\n"
                       "system_default = all\n[all]\nMaxProtocol = TLSv1.2\n")
        one = fleet.serve("tls://127.0.0.1:0", backend().url, "--cert", pki.server.chain,
                          "--key", pki.server.key, env={"OPENSSL_CONF": path})
        with ends.tls_dial(one.address(), ends.client_context(pki.ca)) as client:
            assert client.tls.version() == "TLSv1.3"
