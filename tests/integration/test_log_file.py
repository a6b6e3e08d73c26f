# SPDX-License-Identifier: Apache-2.0
"""`log: {to: FILE}`: no line is lost when it is renamed, cannot be opened, or is full."""
import json
import os
import pathlib
import signal
import stat
import subprocess
import threading

import ends
import sluice
from scale import until

PACKAGING = sluice.ROOT / "packaging"
ROTATIONS_COUNT = 5
CLIENTS_COUNT = 3
TURN_COUNT = 50  # connections before each rotation


def start(fleet, url, to, workers=1, **log):
    """The log is not on stderr, where the fleet would wait for it."""
    folder = fleet._new_folder()
    path = configure(folder / "sluice.yaml", url, to, workers, **log)
    return fleet.start(["run", "-c", path], folder=folder)


def configure(path, url, to, workers=1, **log):
    return sluice.write_config(path, {
        "workers": workers, "log": {"format": "json", "to": str(to), **log},
        "services": {"main": {"listen": "tcp://127.0.0.1:0", "connect": url}}})


def lines_of(*paths, is_written=False):
    """Each is whole; the last one only when nobody writes any more."""
    lines = []
    for path in paths:
        text = pathlib.Path(path).read_text() if pathlib.Path(path).is_file() else ""
        assert not is_written or text.endswith("\n"), text[-200:]
        lines += [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]
    return lines


def find(path, event, **fields):
    return [line for line in lines_of(path) if line["event"] == event
            and all(line.get(key) == value for key, value in fields.items())]


def visit(one):
    """Gives the client's address as a line says it."""
    with ends.PlainEnd(ends.dial(one.address())) as client:
        client.send(b"x")
        client.recv_exactly(1)
        host, port = client.sock.getsockname()
        client.end()
        client.fate()
    return f"{host}:{port}"


def wait_visit(one, path):
    """Waits until what a worker has to say stands there."""
    client = visit(one)
    until(lambda: find(path, "connection", client=client, reason="done"), f"a line in {path}")


def wait_turn(one, count, *paths):
    until(lambda: sum(len(find(path, "log_opened")) for path in paths) >= count,
          "log_opened\n" + one.tail())


class TestFile:
    def test_all_lines_are_in_it_and_none_on_stderr(self, fleet, backend, folder):
        path = pathlib.Path(folder) / "sluice.log"
        path.write_text('{"event": "of old"}\n')
        path.chmod(0o600)
        one = start(fleet, backend().url, path)
        wait_visit(one, path)
        one.signal(signal.SIGTERM)
        assert one.wait_exit() == 0
        events = [line["event"] for line in lines_of(path, is_written=True)]
        assert events[0] == "of old" and events[-1] == "stop"
        assert {"start", "worker_started", "ready", "connection"} <= set(events)
        assert not one.records and not one.noise

    def test_it_is_made_for_its_owner_and_group(self, fleet, backend, folder):
        path = pathlib.Path(folder) / "sluice.log"
        before = os.umask(0o022)
        try:
            start(fleet, backend().url, path)
        finally:
            os.umask(before)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640

    def test_one_that_cannot_be_opened_ends_the_start(self, folder, backend):
        to = pathlib.Path(folder) / "none" / "sluice.log"
        path = configure(pathlib.Path(folder) / "sluice.yaml", backend().url, to)
        done = sluice.command("run", "-c", path)
        assert done.returncode == 1
        assert f"cannot open {to}: No such file or directory" in done.stderr

    def test_a_relative_path_is_refused(self, folder, backend):
        path = configure(pathlib.Path(folder) / "sluice.yaml", backend().url, "sluice.log")
        done = sluice.command("check", "-c", path)
        assert done.returncode == 2
        assert "'sluice.log' is neither stderr, syslog or journald nor an absolute path" in done.stderr


class TestRotation:
    def test_logrotate_loses_no_line_while_connections_come(self, fleet, backend, folder):
        logs = pathlib.Path(folder) / "log"
        logs.mkdir(mode=0o700)
        path = logs / "sluice.log"
        one = start(fleet, backend().url, path, workers=2)
        shipped = (PACKAGING / "sluice.logrotate").read_text()
        kill = next(line for line in shipped.splitlines() if "systemctl kill" in line)
        config = pathlib.Path(folder) / "logrotate"
        config.write_text(shipped.replace("/var/log/sluice", str(logs))
                          .replace(kill, f"kill -USR1 {one.pid}")
                          .replace("    compress\n", "").replace("rotate 8", "rotate 99"))
        config.chmod(0o600)
        visits, errors, is_over = [], [], threading.Event()

        def go():
            try:
                while not is_over.is_set():
                    visits.append(visit(one))
            except Exception as error:  # pylint: disable=broad-except
                errors.append(error)

        threads = [threading.Thread(target=go) for _ in range(CLIENTS_COUNT)]
        for thread in threads:
            thread.start()
        try:
            for turn in range(ROTATIONS_COUNT):
                until(lambda: len(find(path, "connection")) >= TURN_COUNT, "lines to rotate")
                subprocess.run(["logrotate", "--force", "--state", f"{folder}/state", config],
                               check=True, timeout=60)
                until(path.exists, "the new file")
                wait_turn(one, turn + 1, *logs.iterdir())
        finally:
            is_over.set()
            for thread in threads:
                thread.join(60)
        assert not errors
        wait_visit(one, path)  # and not in the one that was renamed last
        one.signal(signal.SIGTERM)
        assert one.wait_exit() == 0
        files = sorted(logs.iterdir())
        assert len(files) == ROTATIONS_COUNT + 1
        lines = lines_of(*files, is_written=True)
        told = [line["id"] for line in lines if line["event"] == "connection"]
        assert len(told) == len(set(told)) == len(visits) + 1
        stop = [line for line in lines if line["event"] == "stop"]
        assert len(stop) == 1 and stop[0]["connections"] == len(visits) + 1
        assert not [line for line in lines if line["event"] == "log_dropped"]

    def test_one_that_cannot_be_opened_keeps_the_old_and_says_so(self, fleet, backend, folder):
        path, old = pathlib.Path(folder) / "sluice.log", pathlib.Path(folder) / "old"
        one = start(fleet, backend().url, path)
        path.rename(old)
        path.mkdir()
        one.signal(signal.SIGUSR1)
        until(lambda: find(old, "log_failed", level="error"), "log_failed")
        wait_visit(one, old)
        path.rmdir()
        one.signal(signal.SIGUSR1)
        wait_turn(one, 1, path)
        wait_visit(one, path)

    def test_workers_that_come_later_use_it_too(self, fleet, backend, folder):
        path, old = pathlib.Path(folder) / "sluice.log", pathlib.Path(folder) / "old"
        one = start(fleet, backend().url, path)
        pid = find(path, "worker_started")[0]["pid"]
        path.rename(old)
        one.signal(signal.SIGUSR1)
        wait_turn(one, 1, path)
        os.kill(pid, signal.SIGKILL)
        until(lambda: find(path, "worker_started"), "the next worker", 20.0)
        wait_visit(one, path)


class TestFull:
    def test_a_full_disk_costs_lines_which_are_counted(self, fleet, backend, folder):
        path = pathlib.Path(folder) / "sluice.log"
        url = backend().url
        one = start(fleet, url, "/dev/full")
        for _ in range(3):
            visit(one)
        configure(one.folder / "sluice.yaml", url, path)
        one.signal(signal.SIGHUP)  # and there is room in another place
        until(lambda: find(path, "reloaded"), "reloaded", 20.0)
        one.services = json.loads(one.ready_file.read_text())["services"]
        wait_visit(one, path)
        dropped = until(lambda: len(find(path, "log_dropped")) >= 2 and find(path, "log_dropped"),
                        "log_dropped of both processes")
        lines = {line["pid"]: line["lines"] for line in dropped}
        assert lines[one.pid] >= 4
        assert [count for pid, count in lines.items() if pid != one.pid][0] >= 3
        one.signal(signal.SIGTERM)
        assert one.wait_exit() == 0
        assert find(path, "stop")[0]["log_lines_dropped"] >= 7


class TestReload:
    def test_the_log_can_go_elsewhere_while_it_runs(self, fleet, backend, folder):
        path, url = pathlib.Path(folder) / "sluice.log", backend().url
        one = fleet.run({"services": {"main": {"listen": "tcp://127.0.0.1:0", "connect": url}}})
        configure(one.folder / "sluice.yaml", url, path)
        one.signal(signal.SIGHUP)
        until(lambda: find(path, "reloaded"), "reloaded", 20.0)
        one.services = json.loads(one.ready_file.read_text())["services"]
        wait_visit(one, path)
        assert not one.find_logs("reloaded") and not one.find_logs("connection")
        configure(one.folder / "sluice.yaml", url, "stderr")
        one.signal(signal.SIGHUP)
        one.wait_log("reloaded", 20.0)
        one.services = json.loads(one.ready_file.read_text())["services"]
        client = visit(one)
        one.wait_connection(client=client)
