# SPDX-License-Identifier: Apache-2.0
"""What the README and docs/log.md say, run as it stands there.

The lines name fixed ports, hosts and addresses, so they run in a network and mount namespace of their
own: 10.0.0.5 stands on its loopback, and /etc/hosts names the hosts.
"""
import json
import os
import pathlib
import re
import shlex
import subprocess

import pytest

import ocsp
import pki as pki_module
import sluice
from pki import openssl
from scale import PATIENCE
from tokens import HAS_TOKENS, WHY_NOT, Token

README = (sluice.ROOT / "README.md").read_text()
HOSTS = ("127.0.0.1 localhost db.example.com db1.example.com db2.example.com server.example.com\n"
         "::1 localhost\n")

SCRIPT = r"""
set -euo pipefail
cd "$FOLDER"
# in a chroot / is no mount, and then the mounts are nobody else's already
mount --make-rprivate / 2>/dev/null || true
ip link set lo up
ip addr add 10.0.0.5/32 dev lo
mount --bind hosts /etc/hosts
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait' EXIT
background() { "$@" & pids+=($!); }
until_ready() { for _ in $(seq 400); do "$@" >/dev/null 2>&1 && return; sleep 0.05; done; echo "not ready: $*" >&2; exit 1; }
"""


def commands(word):
    """The indented lines of the README that begin with the word."""
    return [line.strip() for line in README.splitlines() if line.startswith(f"    {word} ")]


def one(pattern):
    found = [line for line in commands("sluice") if re.search(pattern, line)]
    assert len(found) == 1, f"{pattern} in the README: {found}"
    return found[0].split("   #")[0]


@pytest.fixture
def run(folder, pki):
    """run(script): in the namespaces, with the files that the README names; gives stdout."""
    home = pathlib.Path(folder)
    (home / "hosts").write_text(HOSTS)
    names = ("DNS:localhost,DNS:db.example.com,DNS:db1.example.com,DNS:db2.example.com,"
             "DNS:server.example.com,DNS:app.internal")
    site = pki.issue("readme", names)
    me = pki.client
    files = {"site": site, "server": site, "web": site, "me": me}
    for name, pair in files.items():
        (home / f"{name}.pem").write_text(pathlib.Path(pair.chain).read_text())
        (home / f"{name}.key").write_text(pathlib.Path(pair.key).read_text())
    (home / "ca.pem").write_text(pathlib.Path(pki.ca).read_text())
    (home / "page").write_text("from the backend\n")

    def start(script):
        binary = shlex.quote(str(sluice.BINARY))
        text = SCRIPT + f"sluice() {{ {binary} \"$@\"; }}\n" + script
        # a function cannot be put in the background by name from within another one's word
        text = text.replace("background sluice ", f"background {binary} ")
        user = [] if os.geteuid() == 0 else ["-r"]
        done = subprocess.run(["unshare", "-n", "-m", "--propagation", "unchanged", *user,
                               "bash", "-c", text],
                              env={**os.environ, "FOLDER": str(home)}, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False,
                              timeout=60 * PATIENCE)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    return start


HTTP = "background /usr/bin/python3 -m http.server {port} --bind 127.0.0.1 >/dev/null 2>&1\n"
TLS_SERVER = ("background openssl s_server -accept {at} -cert site.pem -cert_chain site.pem -key site.key -WWW -quiet "
              "-alpn http/1.1 >/dev/null 2>&1\n")


class TestPatterns:
    def test_offloading(self, run):
        out = run(HTTP.format(port=8080) + f"background {one('--key site.key$')}\n"
                  "until_ready curl -sf --cacert ca.pem https://localhost:8443/page\n"
                  "curl -sS --cacert ca.pem https://localhost:8443/page\n")
        assert out == "from the backend\n"

    def test_encryption(self, run):
        out = run(TLS_SERVER.format(at="127.0.0.1:5433") + f"background {one('tcp://127.0.0.1:5432')}\n"
                  "until_ready curl -sf http://127.0.0.1:5432/page\n"
                  "curl -sS http://127.0.0.1:5432/page\n")
        assert out == "from the backend\n"

    def test_bridging(self, run):
        out = run(TLS_SERVER.format(at="10.0.0.5:443") + f"background {one('tls://10.0.0.5:443')}\n"
                  "until_ready curl -sf --cacert ca.pem https://localhost:9443/page\n"
                  "curl -sS --cacert ca.pem https://localhost:9443/page\n")
        assert out == "from the backend\n"

    def test_tunnel(self, run):
        server = one("unix:/run/redis")
        client = one("server.example.com")
        out = run("mount -t tmpfs tmpfs /run && mkdir /run/redis\n"
                  "background redis-server --port 0 --unixsocket /run/redis/redis.sock "
                  "--unixsocketperm 777 --save '' "
                  ">/dev/null 2>&1\n"
                  f"background {server}\nbackground {client}\n"
                  "until_ready redis-cli -h 127.0.0.1 -p 6379 ping\n"
                  "redis-cli -h 127.0.0.1 -p 6379 set key value\n"
                  "redis-cli -h 127.0.0.1 -p 6379 get key\n")
        assert out.split() == ["OK", "value"]

    @pytest.mark.skipif(not HAS_TOKENS, reason=WHY_NOT)
    def test_token(self, run, folder, pki, monkeypatch):
        token = Token(folder, "web")
        site = pki.issue("readme-token", "DNS:localhost")
        token.import_pair(site, "site")
        for name, value in token.env.items():
            monkeypatch.setenv(name, value)
        (pathlib.Path(folder) / "site.pem").write_text(pathlib.Path(site.chain).read_text())
        line = one("pkcs11:").replace("/etc/sluice/pin", token.pin_file)
        out = run(HTTP.format(port=8080) + f"background {line}\n"
                  "until_ready curl -sf --cacert ca.pem https://localhost:8443/page\n"
                  "curl -sS --cacert ca.pem https://localhost:8443/page\n")
        assert out == "from the backend\n"

    def test_every_line_is_run(self):
        patterns = [line for line in commands("sluice") if "://" in line]
        assert len(patterns) == 6, "a pattern was added: give it a test"


class TestFile:
    def test_it_checks_and_runs(self, run, folder):
        text = re.search(r"```yaml\n(.*?)```", README, re.DOTALL).group(1)
        (pathlib.Path(folder) / "sluice.yaml").write_text(text)
        out = run(HTTP.format(port=8080) + TLS_SERVER.format(at="127.0.0.1:5433")
                  + f"{one('check -c .*yaml  ')}\n{one('check -c .* --as')}\n"
                  f"background {one('run -c')}\n"
                  "until_ready curl -sf --cacert ca.pem https://localhost:443/page\n"
                  "curl -sS --cacert ca.pem https://localhost:443/page\n"
                  "until_ready curl -sf http://127.0.0.1:5432/page\n"
                  "curl -sS http://127.0.0.1:5432/page\n"
                  + HTTP.format(port=8003).replace("127.0.0.1", "10.0.0.5")  # the backup alone
                  + "until_ready curl -sf http://127.0.0.1:8000/page\n"
                  "curl -sS http://127.0.0.1:8000/page\n")
        assert re.search(r"OK, \d+ services", out)
        assert out.count("from the backend\n") == 3

    def test_its_routes_check(self, run, folder):
        text = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)[1]
        (pathlib.Path(folder) / "sluice.yaml").write_text(text)
        out = run(f"{one('check -c .*yaml  ')}\n")
        assert "sni mail.example.com -> tcp://10.0.0.7:443, TLS goes on untouched" in out


def block(service):
    """The YAML of the README that has this service."""
    found = [text for text in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
             if f"\n  {service}:\n" in text]
    assert len(found) == 1, f"{service} in the README"
    return found[0]


class TestMoreFiles:
    def test_a_tunnel_with_a_key(self, run, folder):
        text = block("near")
        (pathlib.Path(folder) / "tunnel.yaml").write_text(text)
        make = re.search(r"# (openssl rand -hex 32 > tunnel.psk)", text)[1]
        out = run(HTTP.format(port=8080) + f"(umask 077; {make})\nsluice check -c tunnel.yaml\n"
                  "background sluice run -c tunnel.yaml\n"
                  "until_ready curl -sf http://127.0.0.1:6382/page\n"
                  "curl -sS http://127.0.0.1:6382/page\n")
        assert "OK, 2 services" in out and out.endswith("from the backend\n")

    def test_certificates_on_both_sides(self, run, folder, pki):
        home = pathlib.Path(folder)
        (home / "strict.yaml").write_text(block("strict"))
        site = pki_module.Pair(pki.folder, "readme")
        (home / "site.ocsp").write_bytes(
            pathlib.Path(ocsp.Responder(pki, folder).answer(site)).read_bytes())
        rsa = pki.issue("readme-rsa", None, key="rsa")
        for kind, source in [("pem", rsa.chain), ("key", rsa.key)]:
            (home / f"me-rsa.{kind}").write_text(pathlib.Path(source).read_text())
            (home / f"me-rsa.{kind}").chmod(0o600)
        for name in ["ca", "intermediate"]:
            (home / f"{name}.crl").write_text(empty_list(pki, home, name))
        upstream = TLS_SERVER.format(at="10.0.0.5:444").replace("-quiet", "-quiet -Verify 3 -CAfile "
                                                                "ca.pem -client_sigalgs RSA-PSS+SHA256")
        me = "curl -s{flags} --cacert ca.pem --cert me.pem --key me.key https://localhost:8444/page"
        out = run(upstream + "sluice check -c strict.yaml\nbackground sluice run -c strict.yaml\n"
                  f"until_ready {me.format(flags='f')}\n{me.format(flags='S')} --cert-status\n")
        assert "OK, 1 service" in out and out.endswith("from the backend\n")


def empty_list(pki, folder, name):
    """A revocation list of an authority that has revoked nothing."""
    config = folder / f"{name}.cnf"
    (folder / f"{name}.index").touch()
    config.write_text(f"[ca]\ndefault_ca = it\n[it]\ndatabase = {folder / name}.index\n"
                      "default_md = sha256\ndefault_crl_days = 2\ncrl_extensions = more\n"
                      "[more]\nauthorityKeyIdentifier = keyid\n")
    return openssl("ca", "-gencrl", "-config", config, "-cert", pki.folder / f"{name}.pem",
                   "-keyfile", pki.folder / f"{name}.key")


class TestDocuments:
    def test_the_reasons_are_those_of_the_program(self):
        page = (sluice.ROOT / "docs" / "log.md").read_text()
        said = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*) \|$", page, re.MULTILINE)
        program = re.findall(r"^(\w+) \((\w+)\): (.*)$", sluice.command("help", "reasons").stdout,
                             re.MULTILINE)
        assert said == program and len(said) > 20

    def test_configuration_is_what_the_program_prints(self):
        page = (sluice.ROOT / "docs" / "configuration.md").read_text()
        assert page == sluice.command("config", "--markdown").stdout

    def test_links_lead_somewhere(self):
        for page in [sluice.ROOT / "README.md", *(sluice.ROOT / "docs").glob("*.md")]:
            for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
                assert (page.parent / link).exists(), f"{page.name}: {link}"

    def test_the_ready_file_is_json(self, fleet, backend, pki):
        one_backend = backend()
        running = fleet.serve("tls://127.0.0.1:0", one_backend.url, "--cert", pki.server.chain,
                              "--key", pki.server.key)
        assert json.loads(running.ready_file.read_text())["pid"] == running.pid
