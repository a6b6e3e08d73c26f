# SPDX-License-Identifier: Apache-2.0
"""`log: {to: syslog}` and `{to: journald}`: a datagram for each line, and never a wait."""
import json
import os
import pathlib
import re
import signal
import socket
import threading

import pytest

import sluice
from scale import until
from test_log_file import start, visit

HEADER = re.compile(r"<(\d+)>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) - sluice (\d+) (\w+) - (.*)")


class Daemon:
    """Takes datagrams; may go away and come back under the same path."""

    def __init__(self, folder, is_reading=True):
        os.chmod(folder, 0o755)  # workers connect again as another user
        self.path = pathlib.Path(folder) / "daemon"
        self.texts = []
        self.sock = self.thread = None
        self.open(is_reading)

    def open(self, is_reading=True):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(str(self.path))
        self.path.chmod(0o666)
        if is_reading:
            self.read()

    def read(self):
        self.thread = threading.Thread(target=self._read, args=(self.sock,), daemon=True)
        self.thread.start()

    def _read(self, sock):
        while text := sock.recv(1 << 16):
            self.texts.append(text.decode())

    def close(self):
        if self.thread is not None:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
                end.sendto(b"", str(self.path))
            self.thread.join(10)
        self.sock.close()
        self.path.unlink()

    def lines(self, event):
        """Of syslog, with the log in JSON."""
        found = []
        for text in list(self.texts):
            match = HEADER.fullmatch(text)
            assert match, text
            line = json.loads(match[5])
            assert line["event"] == match[4] and line["time"] == match[2]
            assert int(match[1]) == {"info": 30, "warn": 28, "error": 27}[line["level"]]
            found += [{**line, "procid": int(match[3])}] * (match[4] == event)
        return found

    def wait_client(self, client):
        until(lambda: [line for line in self.lines("connection") if line["client"] == client],
              f"the line of {client}")


@pytest.fixture
def daemon(folder):
    one = Daemon(folder)
    yield one
    one.close()


class TestSyslog:
    def test_each_line_is_a_datagram_of_rfc_5424(self, fleet, backend, daemon):
        one = start(fleet, backend().url, f"syslog:{daemon.path}")
        daemon.wait_client(visit(one))
        worker = daemon.lines("worker_started")[0]["pid"]
        assert daemon.lines("connection")[0]["procid"] == worker
        assert daemon.lines("ready")[0]["procid"] == one.pid
        one.signal(signal.SIGTERM)
        assert one.wait_exit() == 0
        until(lambda: daemon.lines("stop"), "the last line")
        assert not one.records and not one.noise

    def test_lines_wait_for_a_daemon_that_is_started_again(self, fleet, backend, daemon):
        one = start(fleet, backend().url, f"syslog:{daemon.path}")
        daemon.wait_client(visit(one))
        daemon.close()
        client = visit(one)
        one.signal(signal.SIGUSR1)  # no file: the supervisor has a line, too
        daemon.open()
        daemon.wait_client(client)
        until(lambda: daemon.lines("signal_ignored"), "the supervisor's line")

    def test_one_that_does_not_read_holds_up_nothing(self, fleet, backend, folder):
        slow = Daemon(folder, is_reading=False)
        try:
            one = start(fleet, backend().url, f"syslog:{slow.path}")
            clients = {visit(one) for _ in range(100)}
            slow.read()
            until(lambda: {line["client"] for line in slow.lines("connection")} == clients,
                  "all lines")
            assert len(slow.lines("connection")) == 100
        finally:
            slow.close()

    def test_without_a_daemon_there_is_no_start(self, folder, backend):
        path = sluice.write_config(pathlib.Path(folder) / "sluice.yaml", {
            "log": {"to": f"syslog:{folder}/none"}, "services": {"main": {
                "listen": "tcp://127.0.0.1:0", "connect": backend().url}}})
        done = sluice.command("run", "-c", path)
        assert done.returncode == 1
        assert f"cannot send log lines to {folder}/none: No such file" in done.stderr


class TestJournald:
    def test_each_field_is_one_of_its_own(self, fleet, backend, daemon):
        one = start(fleet, backend().url, f"journald:{daemon.path}", format="text")
        client = visit(one)

        def find():
            return [text for text in list(daemon.texts) if f"SLUICE_CLIENT={client}\n" in text]

        text = until(find, "the line")[0]
        assert text.endswith("\n")
        fields = dict(line.split("=", 1) for line in text.splitlines())
        assert fields["PRIORITY"] == "6" and fields["SYSLOG_IDENTIFIER"] == "sluice"
        assert fields["SLUICE_EVENT"] == "connection" and fields["SLUICE_REASON"] == "done"
        assert fields["SLUICE_SERVICE"] == "main" and fields["SLUICE_BYTES_TO_CLIENT"] == "1"
        assert "event=connection" in fields["MESSAGE"] and "reason=done" in fields["MESSAGE"]
