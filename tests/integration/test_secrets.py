# SPDX-License-Identifier: Apache-2.0
"""Encrypted key files, and files that the service manager hands over."""
import os
import pathlib
import signal

import pytest

from pki import openssl
from test_config_check import Check, good
from test_keys import keys_pid, memory_of, works

PASSPHRASE = "correct horse battery staple"


def private_file(folder, name, text):
    path = pathlib.Path(folder) / name
    path.touch(0o600)
    path.write_text(text)
    return str(path)


@pytest.fixture
def passphrase_file(folder):
    return private_file(folder, "passphrase", PASSPHRASE + "\n")


def encrypt(pair, folder, form):
    """The pair's key in one of OpenSSL's encrypted forms."""
    path = private_file(folder, f"{form}.key", "")
    if form == "pkcs8":
        openssl("pkcs8", "-topk8", "-v2", "aes-256-cbc", "-in", pair.key, "-out", path,
                "-passout", f"pass:{PASSPHRASE}")
    else:
        openssl("pkey", "-traditional", "-aes256", "-in", pair.key, "-out", path,
                "-passout", f"pass:{PASSPHRASE}")
    return path


@pytest.mark.parametrize("form", ["pkcs8", "traditional"])
class TestEncryptedKeys:
    """passphrase_file."""

    def test_a_key_is_opened_at_the_start_and_at_each_restart(self, fleet, pki, backend, folder,
                                                             passphrase_file, form):
        key = encrypt(pki.server, folder, form)
        one = fleet.run_one("tls://127.0.0.1:0", backend().url, certificates=[
            {"chain": pki.server.chain, "key": key, "passphrase_file": passphrase_file}])
        works(one, pki)
        os.kill(keys_pid(one), signal.SIGKILL)
        one.wait_logs(2, "keys_started")
        works(one, pki)
        if os.geteuid() == 0:
            for pid in (one.pid, one.worker_pid()):
                assert PASSPHRASE.encode() not in memory_of(pid)

    def test_each_mistake_has_its_own_error(self, pki, folder, passphrase_file, form):
        key = encrypt(pki.server, folder, form)
        wrong = private_file(folder, "wrong", "something else\n")
        empty = private_file(folder, "empty", "\n")
        chain = pki.server.chain

        def finding(**certificate):
            check = Check(folder, good(pki, certificates=[{"chain": chain, **certificate}]))
            assert check.done.returncode == 2
            return check.findings[0][3]

        assert "passphrase_file is to name its passphrase" in finding(key=key)
        assert "the passphrase is wrong" in finding(key=key, passphrase_file=wrong)
        assert "first line has to be the passphrase" in finding(key=key, passphrase_file=empty)
        assert "cannot read" in finding(key=key, passphrase_file=folder + "/nothing")
        assert "it is not encrypted" in finding(key=pki.server.key, passphrase_file=passphrase_file)

    def test_two_passphrases_for_one_key_are_a_contradiction(self, pki, folder, passphrase_file,
                                                             form):
        certificate = {"chain": pki.server.chain, "key": encrypt(pki.server, folder, form)}
        other = private_file(folder, "other", PASSPHRASE + "\n")
        check = Check(folder, good(pki, certificates=[
            {**certificate, "passphrase_file": path} for path in (passphrase_file, other)]))
        assert check.done.returncode == 2
        assert "is in another file on line 8" in check.findings[0][3]
        check = Check(folder, good(pki, certificates=[
            {**certificate, "passphrase_file": passphrase_file}, certificate]))
        assert check.done.returncode == 0, check.done.stderr

    def test_a_passphrase_that_others_can_read_is_a_warning(self, pki, folder, passphrase_file,
                                                            form):
        os.chmod(passphrase_file, 0o644)
        check = Check(folder, good(pki, certificates=[{
            "chain": pki.server.chain, "key": encrypt(pki.server, folder, form),
            "passphrase_file": passphrase_file}]))
        assert check.done.returncode == 0
        assert "can read this secret" in check.findings[0][3]


class TestCredentials:
    """credential:NAME, as of systemd's LoadCredential."""

    def test_every_file_may_be_a_credential(self, fleet, pki, backend, folder, passphrase_file):
        given = pathlib.Path(folder) / "credentials"
        given.mkdir()
        for name, source in (("chain", pki.server.chain), ("pass", passphrase_file),
                             ("key", encrypt(pki.server, folder, "pkcs8"))):
            private_file(given, name, pathlib.Path(source).read_text())
        one = fleet.run({"services": {"main": {
            "listen": "tls://127.0.0.1:0", "connect": backend().url,
            "certificates": [{"chain": "credential:chain", "key": "credential:key",
                              "passphrase_file": "credential:pass"}]}}},
                        env={"CREDENTIALS_DIRECTORY": str(given)})
        works(one, pki)

    def test_without_a_service_manager_that_is_an_error(self, pki, folder, monkeypatch):
        monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
        check = Check(folder, good(pki, certificates=[{"chain": pki.server.chain,
                                                       "key": "credential:site.key"}]))
        assert check.done.returncode == 2
        assert len(check.findings) == 1
        assert check.findings[0][3].startswith(
            "credential:site.key: the service manager has set no CREDENTIALS_DIRECTORY")
