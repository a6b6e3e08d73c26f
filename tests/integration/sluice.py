# SPDX-License-Identifier: Apache-2.0
"""Starts and stops the program under test and reads its log."""
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

import yaml

from scale import PATIENCE, until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("SLUICE_BIN") or str(ROOT / "build" / "src" / "app" / "sluice")
READY_S = 20.0
# Said once by a sanitized build that leaves the stack of a job: it does not know of such stacks.
JOB_STACKS = re.compile(r"__asan_handle_no_return|^False positive error reports may follow|"
                        r"^For details see https://github.com/google/sanitizers/issues/189")
SANITIZER = re.compile(r"(Address|Leak|UndefinedBehavior|Memory)Sanitizer|runtime error:")


def command(*args, timeout_s=30.0, **options):
    """Runs the program to its end with text output."""
    return subprocess.run([BINARY, *map(str, args)], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, timeout=timeout_s * PATIENCE, **options)


def command_to(stdout, *args, timeout_s=30.0):
    """As command(), with standard output going to an open file."""
    return subprocess.run([BINARY, *map(str, args)], stdout=stdout, stderr=subprocess.PIPE,
                          text=True, check=False, stdin=subprocess.DEVNULL,
                          timeout=timeout_s * PATIENCE)


def status_of(pid):
    """/proc/PID/status as a mapping."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return {key: value.strip() for key, value in (line.split(":", 1)
                                                  for line in text.splitlines())}


def ids_of(pid):
    """The user and group that a process runs as."""
    status = status_of(pid)
    return int(status["Uid"].split()[1]), int(status["Gid"].split()[1])


class PlainDumper(yaml.SafeDumper):
    """Writes what is used twice twice: aliases are not wanted."""

    def ignore_aliases(self, data):
        return True


def write_config(path, config):
    """A mapping as YAML."""
    pathlib.Path(path).write_text(yaml.dump(config, Dumper=PlainDumper, sort_keys=False))
    return str(path)


def split_url(url):
    """The address that ends.dial takes."""
    scheme, rest = url.split(":", 1)
    if scheme == "unix":
        return rest
    host, port = rest[2:].rsplit(":", 1)
    return host.strip("[]"), int(port)


class Sluice:
    """One running program, its log in `records` (in JSON) and the rest of stderr in `noise`."""

    def __init__(self, argv, folder, nofile=None, env=None, stderr=subprocess.PIPE, before=(),
                 pass_fds=(), binary=None):
        self.folder = pathlib.Path(folder)
        self.ready_file = self.folder / "ready.json"
        self.may_lose_workers = False
        self.may_fail = False
        self.may_warn = False  # in text: of its configuration, or because its log is in text
        self.records = []
        self.noise = []
        self._news = threading.Condition()
        full = [*before, binary or BINARY, *map(str, argv), "--ready-file", str(self.ready_file)]
        if nofile is not None:
            full = ["prlimit", f"--nofile={nofile}:{nofile}", *full]
        self._stdout = open(self.folder / "stdout", "wb")
        self.process = subprocess.Popen(full, stdin=subprocess.DEVNULL, stdout=self._stdout,
                                        stderr=stderr, env={**os.environ, **(env or {})},
                                        pass_fds=pass_fds)
        self.pid = self.process.pid
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.ready = self._wait_ready()
        except BaseException:
            self.kill()
            raise
        self.services = self.ready["services"]

    def _read(self):
        for line in self.process.stderr or []:
            text = line.decode("utf-8", "replace").rstrip("\n")
            try:
                record = json.loads(text)
            except ValueError:
                record = None
            with self._news:
                if isinstance(record, dict):
                    self.records.append(record)
                elif not JOB_STACKS.search(text):
                    self.noise.append(text)
                self._news.notify_all()

    def _wait_ready(self):
        def look():
            if self.process.poll() is not None:
                self._reader.join(5)
                raise AssertionError(f"exit status {self.process.returncode} before ready:\n"
                                     + self.tail())
            return self.ready_file.exists()

        until(look, "the ready file", READY_S)
        return json.loads(self.ready_file.read_text())

    def tail(self):
        """The end of the log, for messages of failed tests."""
        with self._news:
            return "\n".join(self.noise[-40:] + [json.dumps(r) for r in self.records[-20:]])

    def stdout(self):
        return (self.folder / "stdout").read_text()

    def url(self, service="main", index=0):
        return self.services[service][index]

    def address(self, service="main", index=0):
        return split_url(self.url(service, index))

    def port(self, service="main", index=0):
        return self.address(service, index)[1]

    def find_logs(self, event, **fields):
        with self._news:
            return [r for r in self.records if r.get("event") == event
                    and all(r.get(key) == value for key, value in fields.items())]

    def take_logs(self, event):
        """As find_logs, and forgets them: for tests of very many."""
        with self._news:
            found = [r for r in self.records if r.get("event") == event]
            self.records[:] = [r for r in self.records if r.get("event") != event]
            return found

    def wait_logs(self, count, event, timeout_s=10.0, **fields):
        """Waits until `count` lines of the event have these fields; gives them all."""
        deadline = time.monotonic() + timeout_s * PATIENCE
        while True:
            found = self.find_logs(event, **fields)
            if len(found) >= count:
                return found
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise AssertionError(f"{len(found)} of {count} log lines {event} {fields}; log:\n"
                                     + self.tail())
            with self._news:
                self._news.wait(min(left_s, 0.2))

    def wait_log(self, event, timeout_s=10.0, **fields):
        return self.wait_logs(1, event, timeout_s, **fields)[0]

    def wait_connection(self, timeout_s=10.0, **fields):
        return self.wait_log("connection", timeout_s, **fields)

    def worker_pids(self):
        """Of the workers that were started and are there, by worker."""
        dead = {r["pid"] for event in ("worker_died", "worker_left")
                for r in self.find_logs(event)}
        return {r["worker"]: r["pid"] for r in self.find_logs("worker_started")
                if r["pid"] not in dead}

    def worker_pid(self, worker=None):
        pids = self.worker_pids()
        return pids[worker] if worker is not None else next(iter(pids.values()))

    def rss_bytes(self):
        """Of all workers together."""
        total = 0
        for pid in self.worker_pids().values():
            text = pathlib.Path(f"/proc/{pid}/status").read_text()
            total += int(re.search(r"VmRSS:\s+(\d+) kB", text).group(1)) * 1024
        return total

    def cpu_s(self):
        """Spent by all workers so far."""
        ticks = 0
        for pid in self.worker_pids().values():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def descriptor_count(self):
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in self.worker_pids().values())

    def signal(self, number):
        os.kill(self.pid, number)

    def wait_exit(self, timeout_s=10.0):
        """The exit status; all of the log has been read then."""
        status = self.process.wait(timeout_s * PATIENCE)
        self._reader.join(10)
        return status

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        self._stdout.close()

    def stop(self):
        """Ends it and checks that all was well; called for every instance at teardown."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(1.0)
            except subprocess.TimeoutExpired:
                self.signal(signal.SIGTERM)
        try:
            status = self.wait_exit(15.0)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise AssertionError(f"did not end after two TERM:\n{self.tail()}") from error
        self._stdout.close()
        bad = [line for line in self.noise if SANITIZER.search(line)]
        assert not bad, "\n".join(self.noise)
        assert self.may_warn or not self.noise, "not JSON: " + "\n".join(self.noise[:20])
        if not self.may_lose_workers:
            assert not self.find_logs("worker_died"), self.tail()
        assert not self.find_logs("connection", reason="internal"), self.tail()
        if not self.may_fail:
            assert status == 0, f"exit status {status}:\n{self.tail()}"


class Fleet:
    """Starts programs for one test and stops them after it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.running = []

    def _new_folder(self):
        path = self.folder / f"s{len(self.running)}"
        path.mkdir()
        return path

    def start(self, argv, folder=None, **options):
        one = Sluice(argv, folder or self._new_folder(), **options)
        self.running.append(one)
        return one

    def serve(self, listen, connect, *options, workers=1, **start_options):
        """The one-service form."""
        one = self.start([listen, connect, *options, "--workers", workers,
                          "--log-format", "json"], **start_options)
        one.wait_log("ready")  # so that the workers' lines have been read
        return one

    def run(self, config, **start_options):
        """From a file; one worker and a log in JSON unless the configuration says otherwise."""
        folder = self._new_folder()
        full = {"workers": 1, "log": {"format": "json"}, **config}
        path = write_config(folder / "sluice.yaml", full)
        one = self.start(["run", "-c", path], folder=folder, **start_options)
        if full["log"].get("level", "info") == "info":
            one.wait_log("ready")
        return one

    def run_one(self, listen, connect, top=None, **service):
        """From a file with the single service "main"."""
        full = {"listen": listen, **({} if connect is None else {"connect": connect}), **service}
        return self.run({**(top or {}), "services": {"main": full}})

    def stop_all(self):
        failures = []
        for one in reversed(self.running):
            try:
                one.stop()
            except AssertionError as error:
                failures.append(str(error))
        assert not failures, "\n".join(failures)
