# SPDX-License-Identifier: Apache-2.0
"""TLS libraries of others as clients and servers, for the table of docs/interoperability.md."""
import base64
import contextlib
import hashlib
import os
import pathlib
import re

import programs
from peers import Refusing

SOURCES = pathlib.Path(__file__).parent / "foreign"
REQUEST = b"GET / HTTP/1.0\r\n\r\n"
BODY = "<p>hello from behind</p>"
PASSWORD = "test"


def http(visit):
    """A backend that answers one request; what a browser wants is on the first page."""
    request = b""
    while b"\r\n\r\n" not in request:
        data = visit.read()
        if not data:
            return
        request += data
    page = BODY + ("<img src=/again>" if request.startswith(b"GET / HTTP/1.1") else "")
    visit.end.send(b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n"
                   b"Content-Length: %d\r\n\r\n%s" % (len(page), page.encode()))
    visit.end.end()
    while visit.read():
        pass


def first_version(*argv):
    """The first thing in a program's output that looks like a version."""
    done = programs.run(*argv)
    return re.search(rb"\d+(\.\d+)+", done.stdout + done.stderr).group().decode()


def said(done, text=BODY):
    """Fails unless a program that has ended said so."""
    out = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert text in out, f"{done.args[0]}: {done.returncode}: {out[-2000:]}"


class Peer:
    """A library; `client` makes two connections to port, `server` is entered and gives a port.
    `limit` is the highest version of TLS to speak, or None for its own default."""

    name = None
    is_cheap = False  # in every suite, not only in ./start interop
    limits = (None, "1.2")
    server = None

    def __init__(self, pki, folder):
        self.pki, self.folder = pki, pathlib.Path(folder)

    def version(self):
        raise NotImplementedError

    def client(self, port, limit):
        raise NotImplementedError


class Openssl(Peer):
    name, is_cheap, limits = "OpenSSL", True, (None, "1.2", "1.0")
    OPTIONS = {None: [], "1.2": ["-tls1_2"], "1.0": ["-tls1", "-cipher", "ALL:@SECLEVEL=0"]}

    def version(self):
        return first_version("openssl", "version")

    def client(self, port, limit):
        for option in ("-sess_out", "-sess_in"):
            with programs.s_client(("127.0.0.1", port), self.pki.ca, option,
                                   self.folder / "session", *self.OPTIONS[limit]) as talk:
                talk.send(REQUEST)
                talk.expect(BODY)
                talk.end_input()
                talk.wait()

    @contextlib.contextmanager
    def server(self, limit):
        with programs.s_server(self.pki.server, "-rev", *self.OPTIONS[limit]) as talk:
            yield talk.port


class Gnutls(Peer):
    name, is_cheap, limits = "GnuTLS", True, (None, "1.2", "1.0")
    OPTIONS = {None: [], "1.2": ["--priority", "NORMAL:-VERS-TLS1.3"],
               "1.0": ["--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.0"]}

    def version(self):
        return first_version("gnutls-cli", "--version")

    def client(self, port, limit):
        with programs.gnutls_cli(("127.0.0.1", port), self.pki.ca, "--resume",
                                 *(self.OPTIONS[limit] or ["--waitresumption"])) as talk:
            talk.expect("This is a resumed session")
            talk.send(REQUEST)
            talk.expect(BODY)
            talk.end_input()
            talk.wait()

    @contextlib.contextmanager
    def server(self, limit):
        with programs.gnutls_serv(self.pki.server, *self.OPTIONS[limit]) as talk:
            yield talk.port


class Curl(Peer):
    name, is_cheap = "curl", True

    def version(self):
        return first_version("curl", "--version")

    def client(self, port, limit):
        url = f"https://127.0.0.1:{port}/"
        out = programs.curl("--cacert", self.pki.ca, *(["--tls-max", limit] if limit else []),
                            url, url)
        assert out.decode().count(BODY) == 2


class Nss(Peer):
    name, limits = "NSS", (None, "1.2", "1.0")
    OPTIONS = {None: [], "1.2": ["-V", "tls1.2:tls1.2"], "1.0": ["-V", "tls1.0:tls1.0"]}

    def version(self):
        done = programs.run("dpkg-query", "-W", "-f", "${Version}", "libnss3")
        return re.search(rb"\d+(\.\d+)+", done.stdout).group().decode()

    def _database(self):
        path = self.folder / "nss"
        if not path.exists():
            path.mkdir()
            for argv in (["certutil", "-N", "--empty-password"],
                         ["certutil", "-A", "-n", "ca", "-t", "C,,", "-i", self.pki.ca],
                         ["pk12util", "-W", PASSWORD, "-i", bundle(self.pki, self.folder)]):
                done = programs.run(*argv, "-d", f"sql:{path}")
                assert done.returncode == 0, done.stderr
        return f"sql:{path}"

    def client(self, port, limit):
        request = self.folder / "request"
        request.write_bytes(REQUEST)
        said(programs.run("tstclnt", "-h", "127.0.0.1", "-a", "localhost", "-p", port, "-u",
                          "-G", "-L", 2, "-A", request, "-d", self._database(),
                          *self.OPTIONS[limit]))

    @contextlib.contextmanager
    def server(self, limit):
        with Refusing() as held:
            with programs.Talk(["selfserv", "-v", "-u", "-G", "-n", "server", "-w", "", "-p",
                                held.port, "-d", self._database(),
                                *self.OPTIONS[limit]]) as talk:
                talk.expect("selfserv: About to call accept")
                yield held.port


class Node(Peer):
    name = "Node.js"

    def version(self):
        return first_version("/usr/bin/node", "--version")

    def client(self, port, limit):
        said(programs.run("/usr/bin/node", SOURCES / "client.js", port, self.pki.ca,
                          limit or ""))

    @contextlib.contextmanager
    def server(self, limit):
        with programs.Talk(["/usr/bin/node", SOURCES / "server.js", self.pki.server.chain,
                            self.pki.server.key, limit or ""]) as talk:
            yield int(talk.expect(r"^port (\d+)").group(1))


class Java(Peer):
    name = "OpenJDK"

    def version(self):
        return first_version("/usr/bin/java", "-version")

    def client(self, port, limit):
        said(programs.run("/usr/bin/java", SOURCES / "Client.java", port, self.pki.ca,
                          limit or ""))

    @contextlib.contextmanager
    def server(self, limit):
        with programs.Talk(["/usr/bin/java", SOURCES / "Server.java",
                            bundle(self.pki, self.folder), PASSWORD,
                            limit or ""]) as talk:
            yield int(talk.expect(r"^port (\d+)", 60).group(1))


class Go(Peer):
    name = "Go"

    def version(self):
        return first_version("/usr/bin/go", "version")

    def _build(self, name):
        program = self.folder / name
        if not program.exists():
            done = programs.run(
                "/usr/bin/go", "build", "-o", program, SOURCES / f"{name}.go", timeout_s=300,
                env={**os.environ, "GOCACHE": str(self.folder / "cache"), "GO111MODULE": "off",
                     "GOFLAGS": "", "GOTOOLCHAIN": "local", "HOME": str(self.folder)})
            assert done.returncode == 0, done.stderr
        return program

    def client(self, port, limit):
        said(programs.run(self._build("client"), port, self.pki.ca, limit or ""))

    @contextlib.contextmanager
    def server(self, limit):
        with programs.Talk([self._build("server"), self.pki.server.chain,
                            self.pki.server.key, limit or ""]) as talk:
            yield int(talk.expect(r"^port (\d+)").group(1))


class Chromium(Peer):
    name = "Chromium"

    def version(self):
        return first_version("chromium", "--version")

    def client(self, port, limit):
        key = programs.run("openssl", "x509", "-in", self.pki.server.leaf, "-pubkey", "-noout")
        der = programs.run("openssl", "pkey", "-pubin", "-outform", "DER", input=key.stdout)
        pin = base64.b64encode(hashlib.sha256(der.stdout).digest()).decode()
        said(programs.run(
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-dev-shm-usage", "--disable-background-networking", "--no-proxy-server",
            f"--user-data-dir={self.folder}/chromium", "--timeout=20000",
            f"--ignore-certificate-errors-spki-list={pin}", "--dump-dom",
            *([f"--ssl-version-max=tls{limit}"] if limit else []), f"https://localhost:{port}/",
            timeout_s=60, env={**os.environ, "HOME": str(self.folder)}))


def bundle(pki, folder):
    """The server's certificate and key as PKCS#12."""
    path = pathlib.Path(folder) / "server.p12"
    if not path.exists():
        done = programs.run("openssl", "pkcs12", "-export", "-name", "server", "-in",
                            pki.server.chain, "-inkey", pki.server.key, "-passout",
                            f"pass:{PASSWORD}", "-out", path)
        assert done.returncode == 0, done.stderr
    return path


PEERS = [Openssl, Gnutls, Curl, Nss, Go, Node, Java, Chromium]
