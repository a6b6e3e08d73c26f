# SPDX-License-Identifier: Apache-2.0
"""Real peers: programs of others, each on a port or socket of its own, stopped by its process."""
import contextlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time

from peers import Refusing
from scale import PATIENCE, until


class Talk:
    """A program that is spoken to through pipes; stdout and stderr end up in `output`."""

    def __init__(self, argv, env=None, cwd=None, pass_fds=()):
        self.argv = [str(word) for word in argv]
        self.output = bytearray()
        self._news = threading.Condition()
        self.process = subprocess.Popen(
            self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})}, cwd=cwd, pass_fds=pass_fds, bufsize=0)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _read(self):
        while True:
            data = self.process.stdout.read(65536)
            with self._news:
                self.output += data
                self._news.notify_all()
            if not data:
                return

    def text(self):
        with self._news:
            return self.output.decode("utf-8", "replace")

    def send(self, data):
        self.process.stdin.write(data)

    def end_input(self):
        self.process.stdin.close()

    def expect(self, pattern, timeout_s=10.0):
        """Waits until the output has a match of the regular expression; gives the match."""
        deadline = time.monotonic() + timeout_s * PATIENCE
        while True:
            found = re.search(pattern, self.text(), re.MULTILINE)
            if found:
                return found
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not self._reader.is_alive():
                found = re.search(pattern, self.text(), re.MULTILINE)
                assert found, f"{self.argv[0]}: no {pattern!r} in:\n{self.text()[-3000:]}"
                return found
            with self._news:
                self._news.wait(min(left_s, 0.2))

    def wait(self, timeout_s=20.0):
        """The exit status; all output has been read then."""
        status = self.process.wait(timeout_s * PATIENCE)
        self._reader.join(10)
        return status

    def stop(self):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
        self._reader.join(5)


def run(*argv, timeout_s=60.0, **options):
    """A program to its end, output as bytes."""
    return subprocess.run([str(word) for word in argv], capture_output=True, check=False,
                          timeout=timeout_s * PATIENCE, **options)


def curl(*argv, **options):
    """curl, silent but for errors; gives stdout, fails on another exit status than 0."""
    done = run("curl", "-sS", "--noproxy", "*", "--max-time", "120", *argv, **options)
    assert done.returncode == 0, f"curl: {done.returncode}: {done.stderr.decode()}"
    return done.stdout


def s_client(address, ca, *argv, name="localhost", **options):
    """`openssl s_client` that verifies; speak to it through Talk."""
    host, port = address
    return Talk(["openssl", "s_client", "-connect", f"{host}:{port}", "-CAfile", ca,
                 "-servername", name, "-verify_hostname", name, "-verify_return_error", *argv],
                **options)


def gnutls_cli(address, ca, *argv, name="localhost"):
    host, port = address
    return Talk(["gnutls-cli", "--x509cafile", ca, "--sni-hostname", name,
                 "--verify-hostname", name, "-p", port, *argv, host])


def s_server(cert, *argv):
    """`openssl s_server` that sends back what it gets, turned around by line (-rev)."""
    talk = Talk(["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", cert.leaf,
                 "-cert_chain", cert.chain, "-key", cert.key, *argv])
    talk.port = int(talk.expect(r"ACCEPT 127\.0\.0\.1:(\d+)").group(1))
    return talk


@contextlib.contextmanager
def gnutls_serv(cert, *argv):
    """gnutls-serv as an echo server."""
    with Refusing() as held:
        with Talk(["gnutls-serv", "--echo", "--port", held.port, "--x509certfile", cert.chain,
                   "--x509keyfile", cert.key, *argv]) as talk:
            talk.expect(r"listening on IPv4")
            talk.port = held.port
            yield talk


def listening_socket():
    """A listening TCP socket that a child inherits; connections queue until it accepts."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(1024)
    return sock


NGINX = """
user root root;
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 100000;
    server {{
        listen 127.0.0.1:{port}{flags};
        {directives}
        root {root};
        location = /hello {{ return 200 "hello from nginx\\n"; }}
        location = /who {{ return 200 "{who}\\n"; }}
    }}
}}
"""


class Nginx:
    """nginx on a socket that it inherits; plain, with `cert` TLS, or behind PROXY headers."""

    def __init__(self, folder, cert=None, flags="", root=None, who="$remote_port", directives=""):
        self.folder = pathlib.Path(folder) / "nginx"
        self.folder.mkdir()
        self.listener = listening_socket()
        self.port = self.listener.getsockname()[1]
        if cert is not None:
            flags += " ssl"
            directives += (f"ssl_certificate {cert.chain}; ssl_certificate_key {cert.key};"
                           "ssl_protocols TLSv1.2 TLSv1.3;")
        self.scheme = "tcp" if cert is None else "tls"
        (self.folder / "nginx.conf").write_text(NGINX.format(
            folder=self.folder, port=self.port, flags=flags, root=root or self.folder, who=who,
            directives=directives))

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def __enter__(self):
        number = self.listener.fileno()
        self.talk = Talk(["nginx", "-p", self.folder, "-e", self.folder / "error.log",
                          "-c", self.folder / "nginx.conf"],
                         env={"NGINX": f"{number};"}, pass_fds=(number,))
        until((self.folder / "nginx.pid").exists, "nginx's pid file")
        self.listener.close()
        return self

    def __exit__(self, *_):
        try:
            assert self.talk.process.poll() is None, self.talk.text()
        finally:
            self.talk.stop()


class Haproxy:
    """haproxy on a socket that it inherits, with one server line."""

    def __init__(self, folder, server, mode="tcp", bind="", directives=()):
        self.folder = pathlib.Path(folder) / "haproxy"
        self.folder.mkdir()
        self.server = server
        self.mode = mode
        self.bind = bind
        self.directives = "\n    ".join(directives)
        self.listener = listening_socket()
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        number = self.listener.fileno()
        path = self.folder / "haproxy.cfg"
        path.write_text(f"""
defaults
    mode {self.mode}
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend front
    bind fd@{number} {self.bind}
    {self.directives}
    default_backend back
backend back
    server sluice {self.server}
""")
        self.talk = Talk(["haproxy", "-db", "-f", path], pass_fds=(number,))
        self.listener.close()
        return self

    def __exit__(self, *_):
        try:
            assert self.talk.process.poll() is None, self.talk.text()
        finally:
            self.talk.stop()


NGINX_STREAM = """
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
user root root;
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 512; }}
stream {{
    server {{
        listen 127.0.0.1:{port};
        proxy_protocol on;
        proxy_pass {server};
    }}
}}
"""


class NginxStream(Nginx):
    """nginx that passes a stream on, behind a PROXY header of its own."""

    def __init__(self, folder, server):
        super().__init__(folder)
        (self.folder / "nginx.conf").write_text(NGINX_STREAM.format(
            folder=self.folder, port=self.port, server=server))


class Redis:
    """redis-server on a unix socket, nothing kept."""

    def __init__(self, folder):
        self.path = str(pathlib.Path(folder) / "redis.sock")
        self.folder = str(folder)

    def __enter__(self):
        self.talk = Talk(["redis-server", "--port", "0", "--unixsocket", self.path,
                          "--unixsocketperm", "777", "--save", "", "--appendonly", "no", "--dir", self.folder])
        self.talk.expect(r"(?i)ready to accept connections")
        return self

    def __exit__(self, *_):
        self.talk.stop()

    @property
    def url(self):
        return f"unix:{self.path}"
