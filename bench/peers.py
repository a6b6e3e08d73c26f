# SPDX-License-Identifier: Apache-2.0
"""The proxies that are measured: a fair configuration of each, one worker, tickets on, no logging.

Each takes TLS 1.3 with AES-128-GCM and X25519 first, and one ticket where it has an option for it;
everything else is as its manual has it. Those that connect with TLS verify the chain and the name.
"""
import dataclasses
import os
import pathlib
import shutil
import socket
import subprocess
import time

import processes

SUITES = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
START_LIMIT_S = 60
NGINX_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"


@dataclasses.dataclass
class Setup:
    """What a proxy is to do."""

    mode: str  # "offload", "encrypt" or "bridge"
    folder: pathlib.Path  # for its files
    port: int
    backend_port: int
    chain: pathlib.Path
    key: pathlib.Path
    both: pathlib.Path  # chain and key in one file
    ca: pathlib.Path
    name: str  # of the certificates, also of the backend's

    @property
    def takes_tls(self):
        return self.mode in ("offload", "bridge")

    @property
    def makes_tls(self):
        return self.mode in ("encrypt", "bridge")


class Peer:
    """`command` writes the configuration of a Setup, and gives what is to be run."""

    name = ""
    modes = ("offload", "encrypt", "bridge")

    def program(self):
        return shutil.which(self.name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin")

    def version(self):
        """One line."""
        result = subprocess.run([self.program(), *self.version_words], capture_output=True,
                                text=True, check=False)
        lines = (result.stdout + result.stderr).strip().splitlines()
        return next(line for line in lines if any(sign.isdigit() for sign in line))

    version_words = ("-v",)

    def command(self, setup):
        raise NotImplementedError

    def start(self, setup, limit_s=START_LIMIT_S):
        """A running proxy that accepts connections."""
        command = self.command(setup)
        child = processes.Child(command, processes.cores()[0], is_talking=False)
        try:
            wait_for_port(setup.port, child, limit_s)
        except processes.Failed as error:
            child.stop()
            raise processes.Failed(f"{error}: {last_words(command)}") from error
        return child


def last_words(command):
    """What a program says that does not start: while it is measured, nobody listens."""
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, timeout=5, check=False)
        said = result.stdout
    except subprocess.TimeoutExpired as error:
        said = error.stdout or b""
    return " | ".join(said.decode(errors="replace").strip().splitlines()[-3:])


def write(path, text):
    path.write_text(text, encoding="ascii")
    return path


def free_port():
    """A port of 127.0.0.1 that nobody has, outside of those that connections take."""
    for port in range(21000, 32000):
        port = 21000 + (port + os.getpid() * 17) % 11000
        if port in _given:
            continue
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port
    raise processes.Failed("no port is free")


_given = set()


def wait_for_port(port, child, limit_s):
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if not child.is_alive():
            raise processes.Failed("ended at its start")
        with socket.socket() as sock:
            sock.settimeout(1)
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.005)
    raise processes.Failed("does not listen")


class Sluice(Peer):
    name = "sluice"
    version_words = ("--version",)

    def __init__(self, path):
        self.path = path

    def program(self):
        return str(self.path)

    def config(self, setup):
        listen, connect = ("tls" if tls else "tcp" for tls in (setup.takes_tls, setup.makes_tls))
        lines = ["workers: 1", "log: { level: error }", "services:", "  web:",
                 f"    listen: {listen}://127.0.0.1:{setup.port}",
                 f"    connect: {connect}://127.0.0.1:{setup.backend_port}"]
        if setup.takes_tls:
            lines += ["    certificates:", f"      - {{ chain: {setup.chain}, key: {setup.key} }}"]
        if setup.makes_tls:
            lines += [f"    upstream: {{ ca: {setup.ca}, name: {setup.name} }}"]
        return lines

    def command(self, setup):
        config = write(setup.folder / "sluice.yaml", "\n".join(self.config(setup)) + "\n")
        return [self.program(), "run", "-c", config]


class LibrarySluice(Sluice):
    """As Sluice, with libssl's records: what ours save. Only when it is asked for."""
    name = "sluice-library"

    def config(self, setup):
        return ["record_layer: library", *super().config(setup)]


class LoadedSluice(Sluice):
    """As Sluice, with so many services that nobody uses, or so many certificates, beside."""

    def __init__(self, path, services=1, certificates=1):
        super().__init__(path)
        self.services, self.certificates = services, certificates

    def config(self, setup):
        lines = super().config(setup)
        folder = setup.chain.parent
        lines += [f"      - {{ chain: {folder}/host{i:05}.pem, key: {folder}/host{i:05}.key }}"
                  for i in range(1, self.certificates)]
        for i in range(1, self.services):
            lines += [f"  other{i}:", f"    listen: unix:{setup.folder}/other{i}",
                      f"    connect: tcp://127.0.0.1:{setup.backend_port}"]
        return lines


class Haproxy(Peer):
    name = "haproxy"

    def command(self, setup):
        bind = f"bind 127.0.0.1:{setup.port}"
        server = f"server backend 127.0.0.1:{setup.backend_port}"
        if setup.takes_tls:
            bind += f" ssl crt {setup.both}"
        if setup.makes_tls:
            server += (f" ssl verify required ca-file {setup.ca} verifyhost {setup.name}"
                       f" sni str({setup.name})")
        most = processes.connections_max()
        config = write(setup.folder / "haproxy.cfg", f"""global
    nbthread 1
    maxconn {most}
    ssl-default-bind-options ssl-min-ver TLSv1.2
    ssl-default-bind-ciphersuites {SUITES}
    ssl-default-bind-curves X25519:P-256
    ssl-default-server-options ssl-min-ver TLSv1.2
    ssl-default-server-ciphersuites {SUITES}
defaults
    mode tcp
    maxconn {most}
    timeout connect 5s
    timeout client 10m
    timeout server 10m
listen web
    {bind}
    {server}
""")
        return [self.program(), "-db", "-q", "-f", config]


class Nginx(Peer):
    name = "nginx"

    def command(self, setup):
        server = [f"listen 127.0.0.1:{setup.port}{' ssl' if setup.takes_tls else ''} backlog=4096;",
                  f"proxy_pass 127.0.0.1:{setup.backend_port};"]
        if setup.takes_tls:
            server += [f"ssl_certificate {setup.chain};", f"ssl_certificate_key {setup.key};",
                       "ssl_protocols TLSv1.2 TLSv1.3;", "ssl_ecdh_curve X25519:prime256v1;",
                       f"ssl_conf_command Ciphersuites {SUITES};", "ssl_conf_command NumTickets 1;",
                       "ssl_session_tickets on;"]
        if setup.makes_tls:
            server += ["proxy_ssl on;", "proxy_ssl_verify on;", "proxy_ssl_server_name on;",
                       f"proxy_ssl_name {setup.name};",
                       f"proxy_ssl_trusted_certificate {setup.ca};",
                       "proxy_ssl_protocols TLSv1.2 TLSv1.3;",
                       f"proxy_ssl_conf_command Ciphersuites {SUITES};"]
        user = "user nobody nogroup;" if os.geteuid() == 0 else ""
        inner = "\n        ".join(server)
        config = write(setup.folder / "nginx.conf", f"""load_module {NGINX_MODULE};
{user}
worker_processes 1;
daemon off;
pid {setup.folder}/nginx.pid;
error_log stderr crit;
events {{
    worker_connections {2 * processes.connections_max()};
}}
stream {{
    access_log off;
    server {{
        {inner}
    }}
}}
""")
        return [self.program(), "-e", "stderr", "-p", setup.folder, "-c", config]


class Hitch(Peer):
    name = "hitch"
    modes = ("offload",)
    version_words = ("--version",)

    def command(self, setup):
        user = 'user = "nobody"\ngroup = "nogroup"' if os.geteuid() == 0 else ""
        config = write(setup.folder / "hitch.conf", f"""frontend = "[127.0.0.1]:{setup.port}"
backend = "[127.0.0.1]:{setup.backend_port}"
pem-file = "{setup.both}"
workers = 1
backlog = 4096
daemon = off
quiet = on
log-level = 0
ocsp-dir = ""
tls-protos = TLSv1.2 TLSv1.3
ciphersuites = "{SUITES}"
ecdh-curve = "X25519:P-256"
prefer-server-ciphers = on
{user}
""")
        return [self.program(), f"--config={config}"]


class Stunnel(Peer):
    name = "stunnel"
    modes = ("offload", "encrypt")
    version_words = ("-version",)

    def command(self, setup):
        lines = ["foreground = yes", "pid =", "debug = emerg", "syslog = no",
                 "output = /dev/null", "socket = l:TCP_NODELAY=1", "socket = r:TCP_NODELAY=1"]
        if os.geteuid() == 0:
            lines += ["setuid = nobody", "setgid = nogroup"]
        lines += ["[web]", f"accept = 127.0.0.1:{setup.port}",
                  f"connect = 127.0.0.1:{setup.backend_port}", "sslVersionMin = TLSv1.2",
                  f"ciphersuites = {SUITES}", "curves = X25519:P-256"]
        if setup.takes_tls:
            lines += [f"cert = {setup.chain}", f"key = {setup.key}", "config = NumTickets:1"]
        else:
            lines += ["client = yes", f"CAfile = {setup.ca}", "verifyChain = yes",
                      f"checkHost = {setup.name}", f"sni = {setup.name}"]
        return [self.program(), write(setup.folder / "stunnel.conf", "\n".join(lines) + "\n")]


def all_peers(sluice_path, only=None):
    everybody = [Sluice(sluice_path), LibrarySluice(sluice_path), Haproxy(), Nginx(), Hitch(),
                 Stunnel()]
    usual = [peer for peer in everybody if not isinstance(peer, LibrarySluice)]
    return usual if only is None else [peer for peer in everybody if peer.name in only]
