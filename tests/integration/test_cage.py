# SPDX-License-Identifier: Apache-2.0
"""The cages of the workers, as root and as an ordinary user; the service manager's protocol."""
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess

import pytest

import ends
import peers
import sluice
from patterns import ALL, UNIX, Pattern
from scale import PATIENCE, until

IS_ROOT = os.geteuid() == 0
IS_SANITIZED = "SLUICE_SANITIZED" in os.environ
ORDINARY_ID = 4711
NO_CAPABILITIES = "0" * 16
PARTS = ["no capabilities", "no_new_privs", "no core or ptrace", "Landlock", "seccomp"]

as_root = pytest.mark.skipif(not IS_ROOT, reason="wants to be root")
unsanitized = pytest.mark.skipif(IS_SANITIZED, reason="a sanitizer reads /proc and traces itself")


def check_worker(pid, uid, gid):
    status = sluice.status_of(pid)
    assert status["Uid"].split() == [str(uid)] * 4
    assert status["Gid"].split() == [str(gid)] * 4
    assert status["NoNewPrivs"] == "1"
    for name in ["CapInh", "CapPrm", "CapEff", "CapAmb"]:
        assert status[name] == NO_CAPABILITIES, name
    if not IS_SANITIZED:
        assert status["Seccomp"] == "2"
        assert os.stat(f"/proc/{pid}/mem").st_uid == 0  # not dumpable: nobody's but root's


def echo_through(address):
    with ends.PlainEnd(ends.dial(address)) as client:
        client.send(b"from within")
        assert client.recv_exactly(11) == b"from within"


class TestRoot:
    """Started by root."""

    @as_root
    def test_workers_are_nobody_and_have_nothing(self, fleet, backend):
        one = fleet.serve("tcp://127.0.0.1:0", backend().url, workers=2)
        nobody = pwd.getpwnam("nobody")
        assert len(one.worker_pids()) == 2
        for pid in one.worker_pids().values():
            check_worker(pid, nobody.pw_uid, nobody.pw_gid)
            status = sluice.status_of(pid)
            assert status["Groups"] == str(nobody.pw_gid)
            assert status["CapBnd"] == NO_CAPABILITIES
        record = one.wait_log("cage")
        assert record["user"] == "nobody" and "another user" in record["workers"]
        echo_through(one.address())

    @as_root
    def test_the_keys_are_in_a_cage_too(self, fleet, backend, pki):
        one = fleet.run({"workers": 1, "services": {"main": {
            "listen": "tls://127.0.0.1:0", "connect": backend().url,
            "certificates": [pki.server.as_config()]}}})
        nobody = pwd.getpwnam("nobody")
        check_worker(one.wait_log("keys_started")["pid"], nobody.pw_uid, nobody.pw_gid)

    @as_root
    def test_a_worker_that_comes_back_is_caged_as_well(self, fleet, backend):
        one = fleet.serve("tcp://127.0.0.1:0", backend().url)
        one.may_lose_workers = True
        pid = one.worker_pid()
        os.kill(pid, signal.SIGKILL)
        one.wait_log("worker_died", pid=pid)
        until(one.worker_pids, "a worker")
        echo_through(one.address())
        nobody = pwd.getpwnam("nobody")
        check_worker(one.worker_pid(), nobody.pw_uid, nobody.pw_gid)

    @as_root
    @pytest.mark.parametrize("user", ["daemon", "1"])
    def test_the_user_is_a_choice(self, fleet, backend, user):
        one = fleet.run_one("tcp://127.0.0.1:0", backend().url, top={"user": user})
        entry = pwd.getpwnam("daemon")
        check_worker(one.worker_pid(), entry.pw_uid, entry.pw_gid)

    @as_root
    def test_even_root_has_no_capabilities(self, fleet, backend):
        one = fleet.run_one("tcp://127.0.0.1:0", backend().url, top={"user": "root"})
        check_worker(one.worker_pid(), 0, 0)
        assert "another user" not in one.wait_log("cage")["workers"]

    @as_root
    def test_an_unknown_user_is_an_error_with_its_place(self, folder):
        path = sluice.write_config(f"{folder}/c.yaml", {
            "user": "nosuchuser",
            "services": {"a": {"listen": "tcp://127.0.0.1:0", "connect": "tcp://127.0.0.1:1"}}})
        for command in ["check", "run"]:
            done = sluice.command(command, "-c", path)
            assert done.returncode == 2
            assert "c.yaml:1:7: error: there is no user 'nosuchuser'" in done.stderr


class TestOrdinaryUser:
    """Started by somebody else: all but the change of user."""

    @pytest.fixture(name="public")
    def fixture_public(self, folder):
        """The program where that user reaches it."""
        binary = pathlib.Path(folder) / "sluice"
        shutil.copy(sluice.BINARY, binary)
        os.chmod(folder, 0o777)
        return binary

    @as_root
    def test_the_cage_stands(self, public, folder, backend, stack):
        ready = pathlib.Path(folder) / "ready.json"
        process = subprocess.Popen(
            [public, "tcp://127.0.0.1:0", backend().url, "--workers", "1", "--log-format", "json",
             "--ready-file", ready], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
            user=ORDINARY_ID, group=ORDINARY_ID, extra_groups=[])
        stack.callback(process.wait, 20)
        stack.callback(process.terminate)
        until(ready.exists, "the ready file")
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        (worker,) = children.split()
        check_worker(worker, ORDINARY_ID, ORDINARY_ID)
        if not IS_SANITIZED:
            assert os.stat(f"/proc/{process.pid}/mem").st_uid == 0  # the supervisor's neither
        url = re.search(r"tcp://[0-9.:]+", ready.read_text()).group(0)
        echo_through(sluice.split_url(url))

    @as_root
    @unsanitized
    def test_it_may_require_all_of_it(self, public, folder, stack):
        config = sluice.write_config(f"{folder}/c.yaml", {
            "cage": {"mode": "required", "action": "kill"}, "workers": 1,
            "services": {"a": {"listen": "tcp://127.0.0.1:0", "connect": "tcp://127.0.0.1:1"}}})
        ready = pathlib.Path(folder) / "ready.json"
        process = subprocess.Popen([public, "run", "-c", config, "--ready-file", ready],
                                   stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                                   user=ORDINARY_ID, group=ORDINARY_ID, extra_groups=[])
        stack.callback(process.wait, 20)
        stack.callback(process.terminate)
        until(ready.exists, "the ready file")


class TestModes:
    """`cage: {mode, action}`."""

    def test_the_start_says_what_protects(self, fleet, backend):
        one = fleet.serve("tcp://127.0.0.1:0", backend().url)
        record = one.wait_log("cage")
        assert record["mode"] == "on"
        if IS_SANITIZED:
            assert record["lacks"] == record["built_without"] == ", ".join(PARTS[2:])
        elif record["landlock_abi"] > 0:
            assert record["level"] == "info" and "lacks" not in record
            assert record["workers"].endswith(", ".join(PARTS))

    def test_off_is_loud(self, fleet, backend):
        one = fleet.run_one("tcp://127.0.0.1:0", backend().url, top={"cage": {"mode": "off"}})
        status = sluice.status_of(one.worker_pid())
        assert status["Seccomp"] == status["NoNewPrivs"] == "0"
        record = one.wait_log("cage", mode="off")
        assert record["level"] == "warn" and "seccomp" in record["lacks"]
        echo_through(one.address())

    @as_root
    def test_what_is_required_and_lacking_is_fatal(self, folder):
        """Here: no other user may be become; with a sanitizer more is lacking."""
        config = sluice.write_config(f"{folder}/c.yaml", {
            "cage": {"mode": "required"},
            "services": {"a": {"listen": "tcp://127.0.0.1:0", "connect": "tcp://127.0.0.1:1"}}})
        for mode, expected in [("required", 1), ("on", 0)]:
            text = pathlib.Path(config).read_text().replace("required", mode)
            pathlib.Path(config).write_text(text)
            done = subprocess.run(
                ["timeout", "--preserve-status", str(2 * PATIENCE), "setpriv",
                 "--bounding-set", "-setuid,-setgid", sluice.BINARY, "run", "-c", config],
                capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
            assert done.returncode == expected, done.stderr
            assert "another user" in done.stderr.split("lacks=", 1)[1]
            assert ("event=start_failed" in done.stderr) == (expected == 1)
            assert "worker_started" not in done.stderr or expected == 0

    @unsanitized
    @pytest.mark.parametrize("name", ALL + UNIX)
    def test_no_pattern_makes_a_call_that_would_kill(self, name, fleet, backend, pki):
        pattern = Pattern(name, fleet, backend, pki, peers.sink,
                          top={"cage": {"mode": "required", "action": "kill"}})
        with pattern.dial() as client:
            client.send(b"x" * 300000)
            client.end()
            assert len(client.recv_all()) == 64
        assert pattern.sluice.wait_connection(reason="done")

    @unsanitized
    def test_failures_do_not_kill_either(self, fleet, pki, folder):
        one = fleet.run({"cage": {"mode": "required", "action": "kill"}, "services": {
            "refused": {"listen": "tls://127.0.0.1:0", "connect": "tcp://127.0.0.1:1",
                        "certificates": [pki.server.as_config()]},
            "missing": {"listen": "tcp://127.0.0.1:0", "connect": f"unix:{folder}/none.sock"}}})
        with ends.PlainEnd(ends.dial(one.address("refused"))) as client:
            client.send(b"GET / HTTP/1.0\r\n\r\n")
            client.recv_all()
        assert ends.fate_of_dialling(one.address("missing")) in ("clean", "reset")
        one.wait_connection(reason="not_tls")
        one.wait_connection(reason="upstream_refused")


class TestServiceManager:
    """NOTIFY_SOCKET and the watchdog."""

    def test_it_hears_of_ready_life_and_stop(self, fleet, backend, folder):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(f"{folder}/notify")
            manager.settimeout(10 * PATIENCE)
            one = fleet.serve("tcp://127.0.0.1:0", backend().url,
                              env={"NOTIFY_SOCKET": f"{folder}/notify", "WATCHDOG_USEC": "200000"})
            heard = [manager.recv(512).decode() for _ in range(4)]
            assert [text for text in heard if text != "WATCHDOG=1"][0].startswith("READY=1\n")
            assert heard.count("WATCHDOG=1") >= 2
            if IS_ROOT:
                environ = pathlib.Path(f"/proc/{one.worker_pid()}/environ").read_bytes()
                assert b"NOTIFY_SOCKET" not in environ and b"WATCHDOG" not in environ
            one.signal(signal.SIGTERM)
            while not manager.recv(512).startswith(b"STOPPING=1\n"):
                pass
            assert one.wait_exit() == 0

    def test_an_address_that_is_none_fails_at_start(self):
        done = sluice.command("tcp://127.0.0.1:0", "tcp://127.0.0.1:1",
                              env={**os.environ, "NOTIFY_SOCKET": "nonsense"})
        assert done.returncode == 1 and "NOTIFY_SOCKET=nonsense" in done.stderr

    @pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze")
    def test_the_unit_is_hardened(self):
        unit = sluice.ROOT / "packaging" / "sluice.service"
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=15",
                               "--no-pager", unit], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        level = float(re.search(r"exposure level for sluice.service: ([0-9.]+)",
                                done.stdout).group(1))
        assert level <= 1.5
