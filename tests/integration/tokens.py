# SPDX-License-Identifier: Apache-2.0
"""PKCS#11 tokens for the suite: SoftHSM's, and one that is slow."""
import os
import pathlib
import shutil
import subprocess

import sluice
from pki import openssl

PIN = "93614"
MODULE = next((str(path) for path in (
    pathlib.Path("/usr/lib/softhsm/libsofthsm2.so"),
    *pathlib.Path("/usr/lib").glob("*/softhsm/libsofthsm2.so")) if path.exists()), None)
SLOW_MODULE = str(pathlib.Path(sluice.BINARY).resolve().parents[2]
                  / "tests" / "modules" / "slow_module.so")
HAS_TOKENS = MODULE is not None and shutil.which("softhsm2-util") is not None and \
    "pkcs11: yes" in sluice.command("version").stdout
WHY_NOT = "needs softhsm2, and Sluice with p11-kit"


class Token:
    """A new token named `label`; keys are imported with import_pair()."""

    def __init__(self, folder, label="sluice"):
        self.folder = pathlib.Path(folder) / f"hsm-{label}"
        (self.folder / "tokens").mkdir(parents=True)
        self.label = label
        config = self.folder / "softhsm2.conf"
        config.write_text(f"directories.tokendir = {self.folder}/tokens\n"
                          "objectstore.backend = file\nlog.level = ERROR\n"
                          "slots.removable = false\n")
        self.delay_file = self.folder / "delay"
        self.calls_file = self.folder / "calls"
        self.env = {"SOFTHSM2_CONF": str(config), "SLOW_MODULE_OF": MODULE or "",
                    "SLOW_MODULE_DELAY": str(self.delay_file),
                    "SLOW_MODULE_CALLS": str(self.calls_file)}
        self.pin_file = self.secret("pin", PIN)
        self.util("--init-token", "--free", "--label", label, "--so-pin", "12345678",
                  "--pin", PIN)

    def secret(self, name, text):
        path = self.folder / name
        path.touch(0o600)
        path.write_text(text + "\n")
        return str(path)

    def run(self, *args):
        done = subprocess.run([*map(str, args)], env={**os.environ, **self.env}, timeout=60,
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{args}: {done.stdout}{done.stderr}"
        return done.stdout

    def util(self, *args):
        return self.run("softhsm2-util", *args)

    def tool(self, *args):
        return self.run("pkcs11-tool", "--module", MODULE, "--token-label", self.label, "--login",
                        "--pin", PIN, *args)

    def import_pair(self, pair, name, key_id="a1", with_certificates=False):
        """The key of a pki.Pair, and if wanted its leaf and what is above it."""
        pkcs8 = self.folder / f"{name}.p8"
        openssl("pkcs8", "-topk8", "-nocrypt", "-in", pair.key, "-out", pkcs8)
        self.util("--import", pkcs8, "--token", self.label, "--label", name, "--id", key_id,
                  "--pin", PIN)
        pkcs8.unlink()
        if with_certificates:
            self.import_certificate(pair.leaf, name, key_id)
            self.import_certificate(pathlib.Path(pair.leaf).parent / "intermediate.pem",
                                    f"{name}-above", "f0")
        return self.uri(name)

    def import_certificate(self, pem, name, key_id):
        der = self.folder / f"{name}.der"
        openssl("x509", "-in", pem, "-outform", "DER", "-out", der)
        self.tool("--write-object", der, "--type", "cert", "--label", name, "--id", key_id)

    def uri(self, name, query=""):
        return f"pkcs11:token={self.label};object={name}{query}"

    def certificate(self, pair, name, **more):
        """A certificate of the configuration: its chain in a file, its key here."""
        return {"chain": pair.chain, "key": self.uri(name), "pin_file": self.pin_file, **more}

    def set_delay(self, milliseconds):
        """How long each signature of the slow module takes from now on."""
        new = self.delay_file.with_suffix(".new")
        new.write_text(str(milliseconds))
        new.rename(self.delay_file)

    def calls(self, name):
        """How often the slow module has passed on that call."""
        text = self.calls_file.read_text() if self.calls_file.exists() else ""
        return text.split().count(name)
