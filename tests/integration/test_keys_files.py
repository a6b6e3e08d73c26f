# SPDX-License-Identifier: Apache-2.0
"""Key files that are none, or not as they should be: one clear error at `check` and at `run`, with
the file and the service, and nothing that hangs."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

import pki as pki_module
import sluice

OTHER_ID = 4712


def write(path, text):
    path.touch(0o600)
    path.write_text(text)


def cut(text, pki):
    del pki
    return text[: len(text) // 2]


def damage(text, pki):
    del pki
    lines = text.split("\n")
    return "\n".join([lines[0], "A" * 64, "!!!!", *lines[-2:]])


def flip(text, pki):
    """One bit of the number: still PEM, and no longer the certificate's key."""
    del pki
    lines = text.split("\n")
    lines[1] = lines[1][:58] + ("A" if lines[1][58] != "A" else "B") + lines[1][59:]
    return "\n".join(lines)


def made(*command):
    def make(text, pki):
        del text, pki
        return pki_module.openssl(*command)

    return make


# what the file holds, made of a good key's text; what is said of it
TEXTS = {
    "empty": (lambda text, pki: "", "key: there is no private key in it"),
    "words": (lambda text, pki: "not a key\n" * 100, "key: there is no private key in it"),
    "truncated": (cut, "key: a BEGIN line without its END line"),
    "damaged": (damage, "key: it is damaged, or of a kind that is not known"),
    "flipped": (flip, "key: it is damaged: its halves do not belong together"),
    "a certificate": (lambda text, pki: pathlib.Path(pki.server.leaf).read_text(),
                      "key: there is no private key in it"),
    "a public key": (lambda text, pki: pki_module.openssl("pkey", "-in", pki.server.key,
                                                          "-pubout"),
                     "key: there is no private key in it"),
    "another EC key": (lambda text, pki: pathlib.Path(pki.other.key).read_text(),
                       "key: it does not belong to the certificate"),
    "an RSA key": (lambda text, pki: pathlib.Path(pki.server_rsa.key).read_text(),
                   "key: it does not belong to the certificate"),
    "X25519": (made("genpkey", "-algorithm", "X25519"),
               "key: of a kind that cannot sign in TLS"),
    "DSA": (lambda text, pki: dsa_key(pki), "key: of a kind that cannot sign in TLS"),
    "encrypted": (lambda text, pki: pki_module.openssl(
        "pkey", "-in", pki.server.key, "-aes128", "-passout", "pass:secret"),
        "key: it is encrypted.*"),
    "too large": (lambda text, pki: "#" * (1 << 20) + "\n" + text,
                  "(key: larger than|it is too large: at most) 1048576 bytes"),
}


def dsa_key(pki):
    parameters = pki.folder / "dsa.parameters"
    pki_module.openssl("dsaparam", "-out", parameters, "1024")
    return pki_module.openssl("gendsa", parameters)


def link_to(target):
    return lambda path: os.symlink(target, path)


# what stands in the place of the file
THINGS = {
    "nothing": (lambda path: None, "No such file or directory"),
    "a folder": (os.mkdir, "it is not a regular file"),
    "a pipe": (os.mkfifo, "it is not a regular file"),
    "/dev/zero": (link_to("/dev/zero"), "it is not a regular file"),
    "/dev/null": (link_to("/dev/null"), "it is not a regular file"),
    "a terminal": (link_to("/dev/tty"), ".*"),
    "a link to nothing": (link_to("nowhere"), "No such file or directory"),
    "a link to itself": (lambda path: os.symlink(path, path), "Too many levels of symbolic links"),
}


class Place:
    """A configuration whose second service names the file in question."""

    def __init__(self, folder, pki):
        self.key = pathlib.Path(folder) / "it.key"
        self.config = sluice.write_config(f"{folder}/c.yaml", {"services": {
            "well": {"listen": "tls://127.0.0.1:0", "connect": "tcp://127.0.0.1:1",
                     "certificates": [pki.server_rsa.as_config()]},
            "web": {"listen": "tls://127.0.0.1:0", "connect": "tcp://127.0.0.1:1",
                    "certificates": [{"chain": pki.server.chain, "key": str(self.key)}]}}})

    def refuse(self, what, **options):
        """Both commands say exactly one thing."""
        for command in ("check", "run"):
            done = sluice.command(command, "-c", self.config, timeout_s=10.0, **options)
            assert done.returncode == 2, done.stderr
            said = re.findall(r"^\S*c\.yaml:(\d+):\d+: (error|warning): (.*)$", done.stderr, re.M)
            line = 1 + pathlib.Path(self.config).read_text().split("\n").index(
                f"      key: {self.key}")
            assert len(said) == 1 and said[0][:2] == (str(line), "error"), done.stderr
            assert re.fullmatch(rf"{what} \(service 'web'\)", said[0][2]), said


@pytest.fixture(name="place")
def fixture_place(folder, pki):
    return Place(folder, pki)


class TestFiles:
    """Each is an error of its own."""

    @pytest.mark.parametrize("name", TEXTS)
    def test_what_is_no_key_of_the_certificate(self, name, place, pki):
        make, what = TEXTS[name]
        write(place.key, make(pathlib.Path(pki.server.key).read_text(), pki))
        place.refuse(f"{place.key}: {what}")

    @pytest.mark.parametrize("name", THINGS)
    def test_what_is_no_file(self, name, place):
        make, what = THINGS[name]
        make(str(place.key))
        place.refuse(f"cannot read {place.key}: {what}")

    @pytest.mark.skipif(os.geteuid() != 0, reason="becomes somebody else")
    @pytest.mark.parametrize("mode", [0o000, 0o600])
    def test_what_may_not_be_read(self, mode, place, folder, pki):
        """As an ordinary user, with a file that is root's."""
        shutil.copy(pki.server.key, place.key)
        os.chmod(place.key, mode)
        binary = shutil.copy(sluice.BINARY, folder)
        os.chmod(folder, 0o755)
        config = pathlib.Path(place.config).read_text()
        for pair in (pki.server, pki.server_rsa):
            for path in (pair.chain, pair.key):
                if path in config:
                    copy = shutil.copy(path, folder)
                    os.chown(copy, OTHER_ID, OTHER_ID)
                    config = config.replace(path, copy)
        pathlib.Path(place.config).write_text(config)
        for command in ("check", "run"):
            done = subprocess.run([binary, command, "-c", place.config], capture_output=True,
                                  text=True, check=False, timeout=20, user=OTHER_ID,
                                  group=OTHER_ID, extra_groups=[], stdin=subprocess.DEVNULL)
            assert done.returncode == 2, done.stderr
            assert (f"error: cannot read {place.key}: Permission denied (service 'web')"
                    in done.stderr), done.stderr
            assert done.stderr.count("error:") == 1

    @pytest.mark.parametrize("mode", [0o604, 0o644, 0o444])
    def test_that_everybody_may_read_it_is_a_warning(self, mode, place, pki):
        shutil.copy(pki.server.key, place.key)
        os.chmod(place.key, mode)
        done = sluice.command("check", "-c", place.config)
        assert done.returncode == 0, done.stderr
        assert (f"warning: {place.key}: everybody on this machine can read this private key "
                f"(mode {mode:04o}) (service 'web')") in done.stderr + done.stdout
        for well in (0o600, 0o400, 0o640):
            os.chmod(place.key, well)
            done = sluice.command("check", "-c", place.config)
            assert "everybody on this machine" not in done.stderr + done.stdout

    def test_a_pipe_that_somebody_writes_to_holds_up_nothing(self, place):
        os.mkfifo(place.key)
        end = os.open(place.key, os.O_RDWR)
        try:
            place.refuse(f"cannot read {place.key}: it is not a regular file")
        finally:
            os.close(end)

    def test_each_bad_file_is_said(self, folder, pki):
        """Of several, each once, with its service."""
        services = {}
        for name in ("one", "two", "three"):
            path = pathlib.Path(folder) / f"{name}.key"
            write(path, "")
            services[name] = {"listen": "tls://127.0.0.1:0", "connect": "tcp://127.0.0.1:1",
                              "certificates": [{"chain": pki.server.chain, "key": str(path)}]}
        config = sluice.write_config(f"{folder}/c.yaml", {"services": services})
        done = sluice.command("check", "-c", config)
        for name in services:
            assert done.stderr.count(f"{name}.key: key: there is no private key in it "
                                     f"(service '{name}')") == 1
        assert done.stderr.count("error:") == 3

    def test_the_key_of_a_client_certificate_too(self, folder, pki):
        path = pathlib.Path(folder) / "client.key"
        shutil.copy(pki.other.key, path)
        config = sluice.write_config(f"{folder}/c.yaml", {"services": {"out": {
            "listen": "tcp://127.0.0.1:0", "connect": "tls://127.0.0.1:1",
            "upstream": {"ca": pki.ca, "certificate": {"chain": pki.client.chain,
                                                       "key": str(path)}}}}})
        done = sluice.command("check", "-c", config)
        assert done.returncode == 2
        assert f"{path}: key: it does not belong to the certificate (service 'out')" in done.stderr
