# SPDX-License-Identifier: Apache-2.0
"""tls:// to tcp://: TLS taken off before a plain service, with real clients."""
import hashlib
import http.server
import json
import socket
import ssl
import subprocess
import threading
import time

import pytest

import ends
import peers
import programs
from scale import (AT_ONCE_COUNT, BIG_BYTES, PATIENCE, SANITIZED, SHORT_COUNT, blocks, blocks_hash,
                   until)


def offload(fleet, pki, url, *options, **more):
    return fleet.serve("tls://127.0.0.1:0", url, "--cert", pki.server.chain,
                       "--key", pki.server.key, *options, **more)


@pytest.fixture(name="nginx")
def fixture_nginx(folder, stack):
    return stack.enter_context(programs.Nginx(folder))


class TestCurl:
    """curl before, nginx behind."""

    @pytest.mark.parametrize("options", [[], ["--tls-max", "1.2"], ["--tlsv1.3"]])
    def test_a_page_comes_through_verified(self, fleet, pki, nginx, options):
        one = offload(fleet, pki, nginx.url)
        out = programs.curl(*options, "--cacert", pki.ca, f"https://127.0.0.1:{one.port()}/hello")
        assert out == b"hello from nginx\n"
        record = one.wait_connection(reason="done")
        assert record["version"] == ("TLSv1.2" if "1.2" in options else "TLSv1.3")

    def test_a_first_request_does_not_wait_for_an_acknowledgement(self, fleet, pki, nginx):
        """Of a client that leaves Nagle's algorithm on: what ends the handshake goes out at once.
        The kernel holds an acknowledgement alone back for 40 ms."""
        one = offload(fleet, pki, nginx.url)
        context = ends.client_context(pki.ca)
        taken_s = []
        for _ in range(8):
            with socket.create_connection(("127.0.0.1", one.port()), 10) as sock, \
                    context.wrap_socket(sock, server_hostname="localhost") as tls:
                begin_s = time.monotonic()
                tls.sendall(b"GET /hello HTTP/1.0\r\n\r\n")
                assert tls.recv(1)
                taken_s.append(time.monotonic() - begin_s)
        assert min(taken_s) < 0.03

    def test_many_requests_of_one_connection_are_one_connection(self, fleet, pki, nginx):
        one = offload(fleet, pki, nginx.url)
        url = f"https://127.0.0.1:{one.port()}/hello"
        out = programs.curl("--cacert", pki.ca, *[url] * 50)
        assert out == b"hello from nginx\n" * 50
        one.wait_connection(reason="done")
        assert len(one.find_logs("connection")) == 1

    def test_ipv6_is_served(self, fleet, pki, nginx):
        one = fleet.serve("tls://[::1]:0", nginx.url, "--cert", pki.server.chain,
                          "--key", pki.server.key)
        assert one.url().startswith("tls://[::1]:")
        out = programs.curl("--cacert", pki.ca, f"https://[::1]:{one.port()}/hello")
        assert out == b"hello from nginx\n"

    def test_all_addresses_are_both_families(self, fleet, pki, nginx):
        one = fleet.serve("tls://:0", nginx.url, "--cert", pki.server.chain,
                          "--key", pki.server.key)
        assert one.url().startswith("tls://[::]:")
        for host in ["127.0.0.1", "[::1]"]:
            out = programs.curl("--cacert", pki.ca, f"https://{host}:{one.port()}/hello")
            assert out == b"hello from nginx\n"

    def test_two_listens_of_a_service_both_serve(self, fleet, pki, nginx):
        one = fleet.run_one(["tls://127.0.0.1:0", "tls://[::1]:0"], nginx.url,
                            certificates=[pki.server.as_config()])
        assert len(one.services["main"]) == 2
        for index, host in enumerate(["127.0.0.1", "[::1]"]):
            out = programs.curl("--cacert", pki.ca,
                                f"https://{host}:{one.port(index=index)}/hello")
            assert out == b"hello from nginx\n"

    def test_a_host_name_to_connect_to_is_resolved(self, fleet, pki, nginx):
        one = offload(fleet, pki, f"tcp://localhost:{nginx.port}")
        out = programs.curl("--cacert", pki.ca, f"https://127.0.0.1:{one.port()}/hello")
        assert out == b"hello from nginx\n"

    def test_a_file_that_holds_chain_and_key_is_enough(self, fleet, pki, nginx):
        one = fleet.serve("tls://127.0.0.1:0", nginx.url, "--cert", pki.combined)
        out = programs.curl("--cacert", pki.ca, f"https://127.0.0.1:{one.port()}/hello")
        assert out == b"hello from nginx\n"


class Upload(http.server.BaseHTTPRequestHandler):
    """Answers a PUT with the hash and size of its body."""

    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        left = int(self.headers["Content-Length"])
        digest = hashlib.sha256()
        while left > 0:
            data = self.rfile.read(min(left, 1 << 20))
            if not data:
                break
            digest.update(data)
            left -= len(data)
        body = json.dumps({"sha256": digest.hexdigest(), "left": left}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(name="upload")
def fixture_upload():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upload)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.fixture(name="big_file")
def fixture_big_file(folder):
    path = f"{folder}/big"
    with open(path, "wb") as file:
        for block in blocks(BIG_BYTES):
            file.write(block)
    return path


class TestBigFile:
    """A file of 1 GiB with its hash."""

    def test_down_from_nginx_to_curl(self, fleet, pki, folder, stack, big_file):
        nginx = stack.enter_context(programs.Nginx(folder, root=folder))
        one = offload(fleet, pki, nginx.url)
        with subprocess.Popen(
                ["curl", "-sS", "--cacert", pki.ca, f"https://127.0.0.1:{one.port()}/big"],
                stdout=subprocess.PIPE) as curl:
            digest = hashlib.sha256()
            while data := curl.stdout.read(1 << 20):
                digest.update(data)
            assert curl.wait(10) == 0
        assert digest.hexdigest() == blocks_hash(BIG_BYTES)
        record = one.wait_connection(reason="done")
        assert record["bytes_to_client"] > BIG_BYTES
        assert big_file

    def test_up_from_curl(self, fleet, pki, upload, big_file):
        one = offload(fleet, pki, f"tcp://127.0.0.1:{upload.server_port}")
        out = programs.curl("--cacert", pki.ca, "-T", big_file,
                            f"https://127.0.0.1:{one.port()}/put")
        assert json.loads(out) == {"sha256": blocks_hash(BIG_BYTES), "left": 0}
        assert one.wait_connection(reason="done")["bytes_to_upstream"] > BIG_BYTES


class TestOpensslClient:
    """openssl s_client before a plain echo."""

    @pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
    def test_both_versions_speak(self, fleet, pki, backend, stack, version):
        one = offload(fleet, pki, backend().url)
        client = stack.enter_context(programs.s_client(one.address(), pki.ca, version))
        client.expect(r"Verify return code: 0 \(ok\)|Verification: OK")
        client.send(b"over s_client\n")
        client.expect(r"^over s_client")
        client.end_input()
        assert client.wait() == 0
        assert one.wait_connection(reason="done")["sni"] == "localhost"

    def test_verification_sees_chain_and_name(self, fleet, pki, backend, stack):
        one = offload(fleet, pki, backend().url)
        client = stack.enter_context(programs.s_client(one.address(), pki.ca, name="else.test"))
        assert client.wait() != 0
        assert "ostname mismatch" in client.text()


class TestGnutlsClient:
    """gnutls-cli before a plain echo."""

    @pytest.mark.parametrize("priority", ["NORMAL:-VERS-ALL:+VERS-TLS1.2",
                                          "NORMAL:-VERS-ALL:+VERS-TLS1.3"])
    def test_both_versions_speak(self, fleet, pki, backend, stack, priority):
        one = offload(fleet, pki, backend().url)
        client = stack.enter_context(
            programs.gnutls_cli(one.address(), pki.ca, f"--priority={priority}"))
        client.expect(r"Handshake was completed")
        client.send(b"over gnutls-cli\n")
        client.expect(r"^over gnutls-cli$")
        client.end_input()
        assert client.wait() == 0
        record = one.wait_connection(reason="done")
        assert record["version"] == "TLSv" + priority[-3:]


class TestHaproxyInFront:
    """haproxy before us, with TLS toward us or passing through what its client sends."""

    def test_haproxy_that_encrypts_toward_us(self, fleet, pki, backend, folder, stack):
        one = offload(fleet, pki, backend().url)
        haproxy = stack.enter_context(programs.Haproxy(
            folder, f"127.0.0.1:{one.port()} ssl verify required ca-file {pki.ca} "
                    "sni str(localhost) verifyhost localhost"))
        with ends.PlainEnd(ends.dial(("127.0.0.1", haproxy.port))) as client:
            client.send(b"through haproxy and sluice")
            assert client.recv_exactly(26) == b"through haproxy and sluice"
        assert one.wait_connection()["sni"] == "localhost"

    def test_haproxy_that_passes_tls_through(self, fleet, pki, nginx, folder, stack):
        one = offload(fleet, pki, nginx.url)
        haproxy = stack.enter_context(programs.Haproxy(folder, f"127.0.0.1:{one.port()}"))
        out = programs.curl("--cacert", pki.ca, f"https://127.0.0.1:{haproxy.port}/hello")
        assert out == b"hello from nginx\n"


def in_threads(count, function):
    """function(number) in `count` threads; the first failure is raised here."""
    failures = []

    def guarded(number):
        try:
            function(number)
        except Exception as error:  # pylint: disable=broad-except
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(n,), daemon=True) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(200 * PATIENCE)
        assert not thread.is_alive(), "a load thread hangs"
    if failures:
        raise failures[0]


class TestManyConnections:
    """1,000 at once and 10,000 one after the other."""

    def test_a_thousand_at_once_each_get_their_own(self, fleet, pki, stack):
        echo = stack.enter_context(peers.ManyEcho())
        one = offload(fleet, pki, echo.url, workers=2)
        context = ends.client_context(pki.ca)
        clients = []
        threads_count = 4

        def open_share(number):
            for _ in range(number, AT_ONCE_COUNT, threads_count):
                clients.append(stack.enter_context(ends.tls_dial(one.address(), context)))

        in_threads(threads_count, open_share)
        assert len(clients) == AT_ONCE_COUNT and not one.find_logs("connection")
        for number, client in enumerate(clients):
            client.send(b"client %05d" % number)
        for number, client in enumerate(clients):
            assert client.recv_exactly(12) == b"client %05d" % number
        for client in clients:
            client.end()
        for client in clients:
            assert client.fate() == "clean"
            client.close()
        one.wait_logs(AT_ONCE_COUNT, "connection", timeout_s=30, reason="done")
        assert len({r["worker"] for r in one.find_logs("connection")}) == 2

    def test_ten_thousand_short_ones_all_end_well(self, fleet, pki, nginx):
        one = offload(fleet, pki, nginx.url, workers=2)
        context = ends.client_context()
        threads_count = 8

        def visit_share(number):
            for _ in range(number, SHORT_COUNT, threads_count):
                with ends.tls_dial(one.address(), context) as client:
                    client.send(b"GET /hello HTTP/1.0\r\n\r\n")
                    assert client.recv_all().endswith(b"hello from nginx\n")
                    client.end()

        in_threads(threads_count, visit_share)
        one.wait_logs(SHORT_COUNT, "connection", timeout_s=30, reason="done")
        assert len(one.find_logs("connection")) == SHORT_COUNT

    @pytest.mark.skipif(SANITIZED, reason="the sanitizers have memory of their own")
    def test_an_idle_connection_owns_no_buffer(self, fleet, pki, stack):
        count = 500
        echo = stack.enter_context(peers.ManyEcho())
        one = offload(fleet, pki, echo.url)
        context = ends.client_context(pki.ca)

        def open_one():
            client = stack.enter_context(ends.tls_dial(one.address(), context))
            client.send(b"x" * 16384)
            client.recv_exactly(16384)

        for _ in range(20):
            open_one()
        before = one.rss_bytes()
        for _ in range(count):
            open_one()
        # libssl's own part is 14 KiB in 3.0 and 28 KiB in 3.5
        bound_kib = 24 if ssl.OPENSSL_VERSION_INFO < (3, 5) else 40
        assert (one.rss_bytes() - before) / count < bound_kib * 1024

    def test_descriptors_and_memory_do_not_grow_with_connections_gone(self, fleet, pki, nginx):
        one = offload(fleet, pki, nginx.url)
        context = ends.client_context()

        def visits(count):
            for _ in range(count):
                with ends.tls_dial(one.address(), context) as client:
                    client.send(b"GET /hello HTTP/1.0\r\n\r\n")
                    client.recv_all()
                    client.end()

        visits(300)
        one.wait_logs(300, "connection")
        before = one.rss_bytes(), one.descriptor_count()
        visits(600)
        one.wait_logs(900, "connection")
        until(lambda: one.descriptor_count() <= before[1], "descriptors to be given back")
        if not SANITIZED:  # freed memory is kept in quarantine there
            assert one.rss_bytes() - before[0] < 1 << 20
