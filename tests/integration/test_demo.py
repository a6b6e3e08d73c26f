# SPDX-License-Identifier: Apache-2.0
"""`sluice demo`: the main job with nothing else needed."""
import os
import pathlib
import re
import shlex
import socket
import stat

import pytest

import programs
import sluice
from scale import until


@pytest.fixture(name="state")
def fixture_state(folder):
    path = pathlib.Path(folder) / "state"
    path.mkdir()
    return path


def demo(fleet, state):
    one = fleet.start(["demo"], env={"XDG_STATE_HOME": str(state)})
    one.may_warn = True  # its log is text
    until(lambda: "curl" in one.stdout(), "what demo prints")
    return one


def curl_line(one):
    return shlex.split(re.search(r"^\s*(curl .+)$", one.stdout(), re.MULTILINE).group(1))


class TestOnce:
    """`sluice demo --once` fetches the page itself."""

    def test_it_succeeds_and_shows_what_was_negotiated(self, state):
        done = sluice.command("demo", "--once", env={**os.environ, "XDG_STATE_HOME": str(state)})
        assert done.returncode == 0, done.stderr
        assert "TLSv1.3" in done.stdout and "TLS_" in done.stdout
        assert not sluice.SANITIZER.search(done.stderr)

    def test_it_keeps_its_ca_and_a_key_that_nobody_else_reads(self, state):
        for _ in range(2):
            done = sluice.command("demo", "--once",
                                  env={**os.environ, "XDG_STATE_HOME": str(state)})
            assert done.returncode == 0, done.stderr
        kept = state / "sluice" / "demo"
        keys = [path for path in kept.iterdir() if "PRIVATE KEY" in path.read_text()]
        assert keys
        for path in keys:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert any("BEGIN CERTIFICATE" in path.read_text() for path in kept.iterdir())

    def test_the_ca_is_the_same_the_next_time(self, state):
        def contents():
            done = sluice.command("demo", "--once",
                                  env={**os.environ, "XDG_STATE_HOME": str(state)})
            assert done.returncode == 0, done.stderr
            return {path.name: path.read_bytes()
                    for path in (state / "sluice" / "demo").iterdir() if path.is_file()}

        assert contents() == contents()

    def test_it_fails_when_it_cannot_keep_its_files(self, folder):
        path = pathlib.Path(folder) / "a-file"
        path.write_text("")
        done = sluice.command("demo", "--once", env={**os.environ, "XDG_STATE_HOME": str(path)})
        assert done.returncode not in (0, -6, -11) and done.stderr


class TestDemo:
    """`sluice demo` as it runs."""

    def test_the_printed_curl_line_works(self, fleet, state):
        one = demo(fleet, state)
        done = programs.run(*curl_line(one), "-sS")
        assert done.returncode == 0, done.stderr
        page = done.stdout.decode()
        for word in ["TLSv1.3", "TLS_", "localhost"]:
            assert word in page, page

    def test_the_page_shows_version_and_alpn_of_this_connection(self, fleet, state):
        one = demo(fleet, state)
        done = programs.run(*curl_line(one), "-sS", "--tls-max", "1.2", "--http1.1")
        assert done.returncode == 0, done.stderr
        page = done.stdout.decode()
        assert "TLSv1.2" in page and "http/1.1" in page

    def test_the_page_tells_a_resumed_session(self, fleet, state, stack):
        one = demo(fleet, state)
        line = curl_line(one)
        ca = line[line.index("--cacert") + 1]
        port = int(re.search(r"https://localhost:(\d+)", " ".join(line)).group(1))
        pages = []
        for option in ["-sess_out", "-sess_in"]:
            client = stack.enter_context(programs.s_client(
                ("127.0.0.1", port), ca, "-ign_eof", option, state / "session"))
            client.send(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
            client.wait()
            pages.append(client.text())
        assert "Reused" in pages[1]
        bodies = [page[page.index("HTTP/1.") :] for page in pages]
        assert bodies[0] != bodies[1] and "resumed" in bodies[1].lower()

    def test_a_browser_url_is_printed_and_answers_html(self, fleet, state):
        one = demo(fleet, state)
        assert re.search(r"https://localhost:\d+", one.stdout())
        done = programs.run(*curl_line(one), "-sS", "-i", "-H", "Accept: text/html")
        assert b"200 OK" in done.stdout and b"content-type:" in done.stdout.lower()

    def test_another_port_is_taken_when_8443_is_in_use(self, fleet, state, stack):
        holder = stack.enter_context(socket.socket())
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            holder.bind(("127.0.0.1", 8443))
            holder.listen(1)
        except OSError:
            pass  # somebody else has it: as good
        one = demo(fleet, state)
        port = int(re.search(r"https://localhost:(\d+)", one.stdout()).group(1))
        assert port != 8443
        assert programs.run(*curl_line(one), "-sS").returncode == 0

    def test_the_ready_file_is_written(self, fleet, state):
        one = demo(fleet, state)
        assert one.ready["pid"] == one.pid
        assert any(url.startswith("tls://127.0.0.1:") for urls in one.services.values()
                   for url in urls)
