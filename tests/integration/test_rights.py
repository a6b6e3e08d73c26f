# SPDX-License-Identifier: Apache-2.0
"""What the supervisor may still do once every socket is bound, as root and as somebody else."""
import errno
import os
import pathlib
import shutil
import signal
import socket

import pytest

import ends
import reloading
import sluice
from scale import until

IS_ROOT = os.geteuid() == 0
ORDINARY_ID = 4711
DAC_OVERRIDE, DAC_READ_SEARCH, KILL, SETGID, SETUID, SETPCAP = 1, 2, 5, 6, 7, 8
NET_BIND_SERVICE, IPC_LOCK, SYS_RESOURCE = 10, 14, 24
CHILDREN = {KILL, SETGID, SETUID, SETPCAP}

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="wants to be root")


def numbers_of(text):
    """A set of capabilities, as /proc writes it."""
    bits = int(text, 16)
    return {i for i in range(64) if bits >> i & 1}


def rights_of(pid):
    status = sluice.status_of(pid)
    return {name: numbers_of(status[f"Cap{name}"]) for name in ["Prm", "Eff", "Bnd", "Inh", "Amb"]}


def check_rights(one, *expected_parts):
    """Of the supervisor: these, nothing else in any set."""
    expected = set().union(*expected_parts)
    assert rights_of(one.pid) == {"Prm": expected, "Eff": expected, "Bnd": expected,
                                  "Inh": set(), "Amb": set()}


def may_lift_limits():
    return SYS_RESOURCE in rights_of(os.getpid())["Eff"]


def low_port():
    """One below 1024 that nobody listens on."""
    for port in range(1023, 511, -1):
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError as error:
                assert error.errno == errno.EADDRINUSE
                continue
            return port
    raise AssertionError("no port below 1024 is free")


def echo(address):
    with ends.PlainEnd(ends.dial(address)) as client:
        client.send(b"still here")
        assert client.recv_exactly(10) == b"still here"


def echo_tls(one, pki):
    with ends.tls_dial(one.address(), ends.client_context(pki.ca)) as client:
        client.send(b"signed")
        assert client.recv_exactly(6) == b"signed"
        client.end()
        client.fate()


def lose_worker(one):
    one.may_lose_workers = True
    pid = one.worker_pid()
    os.kill(pid, signal.SIGKILL)
    one.wait_log("worker_died", pid=pid)
    until(one.worker_pids, "a worker")


def lose_keys(one):
    count = len(one.find_logs("keys_started"))
    os.kill(one.find_logs("keys_started")[-1]["pid"], signal.SIGKILL)
    one.wait_logs(count + 1, "keys_started")
    assert not one.find_logs("key_failed")


def tls_config(url, pair, **top):
    return {"workers": 1, "log": {"format": "json"}, **top, "services": {"main": {
        "listen": "tls://127.0.0.1:0", "connect": url, "certificates": [pair]}}}


class TestRoot:
    """Started by root: what children need, and nothing for itself."""

    def test_without_a_low_port(self, fleet, backend):
        one = fleet.serve("tcp://127.0.0.1:0", backend().url)
        check_rights(one, CHILDREN)
        assert one.wait_log("cage")["supervisor"] == "kill, setgid, setuid, setpcap"
        lose_worker(one)
        echo(one.address())

    def test_the_right_to_bind_low_ports_stays_for_another_by_a_reload(self, fleet, backend):
        url = backend().url
        first = f"tcp://127.0.0.1:{low_port()}"
        one = fleet.run_one(first, url, top={"workers": 2})
        assert one.port() < 1024
        check_rights(one, CHILDREN, {NET_BIND_SERVICE})
        lose_worker(one)
        assert not any(rights_of(one.worker_pid())[name] for name in ("Prm", "Eff", "Bnd"))
        reloading.reload(one, {"workers": 2, "services": {
            "main": {"listen": first, "connect": url},
            "more": {"listen": f"tcp://127.0.0.1:{low_port()}", "connect": url}}})
        assert one.port("more") < 1024
        for name in ("main", "more"):
            echo(one.address(name))

    def test_who_has_bound_none_binds_none_by_a_reload(self, fleet, backend):
        url = backend().url
        one = fleet.run_one("tcp://127.0.0.1:0", url)
        check_rights(one, CHILDREN)
        record = reloading.refuse(one, {"services": {
            "main": {"listen": f"tcp://127.0.0.1:{low_port()}", "connect": url}}})
        assert "ermission" in record["detail"]
        echo(one.address())

    def test_children_that_become_nobody_else_need_less(self, fleet, backend):
        one = fleet.run_one("tcp://127.0.0.1:0", backend().url, top={"user": "root"})
        check_rights(one, {SETPCAP})
        lose_worker(one)
        echo(one.address())

    def test_without_cages_nothing_is_given_up(self, fleet, backend):
        one = fleet.run_one("tcp://127.0.0.1:0", backend().url, top={"cage": {"mode": "off"}})
        assert NET_BIND_SERVICE in rights_of(one.pid)["Eff"]

    def test_a_worker_that_hangs_is_ended(self, fleet, backend):
        one = fleet.serve("tcp://127.0.0.1:0", backend().url)
        one.may_lose_workers = True
        with ends.PlainEnd(ends.dial(one.address())) as client:
            client.send(b"x")
            assert client.recv_exactly(1) == b"x"
            os.kill(one.worker_pid(), signal.SIGSTOP)
            one.signal(signal.SIGTERM)
            one.wait_log("drain")
            one.signal(signal.SIGTERM)
            assert one.wait_exit() == 0
        assert one.find_logs("worker_died", signal=9)

    def test_keys_of_root_are_read_again_and_stay_locked(self, fleet, pki, backend):
        one = fleet.run(tls_config(backend().url, pki.server.as_config()),
                        before=["prlimit", "--memlock=65536:65536"])
        check_rights(one, CHILDREN, set() if may_lift_limits() else {IPC_LOCK})
        for _ in range(2):
            lose_keys(one)
            echo_tls(one, pki)
        if "SLUICE_SANITIZED" not in os.environ:
            status = sluice.status_of(one.find_logs("keys_started")[-1]["pid"])
            locked, resident = [int(status[name].split()[0]) for name in ["VmLck", "VmRSS"]]
            # all of it; where the limit stays, OpenSSL's secure heap alone
            assert locked >= resident if may_lift_limits() else locked > 64

    @pytest.mark.parametrize("mode", [0o700, 0o755])
    def test_keys_of_another_user_are_read_again(self, fleet, pki, backend, folder, mode):
        private = pathlib.Path(folder) / "private"
        private.mkdir()
        key = private / "site.key"
        shutil.copy(pki.server.key, key)
        key.chmod(0o600)
        private.chmod(mode)
        for path in [key, private]:
            os.chown(path, ORDINARY_ID, ORDINARY_ID)
        one = fleet.run(tls_config(backend().url,
                                   {**pki.server.as_config(), "key": str(key)}))
        check_rights(one, CHILDREN, {DAC_READ_SEARCH}, rights_of(one.pid)["Prm"] & {IPC_LOCK})
        assert "dac_read_search" in one.wait_log("cage")["supervisor"]
        lose_keys(one)
        echo_tls(one, pki)

    def test_so_are_they_where_containers_leave_one_right_to_read(self, fleet, pki, backend, folder):
        key = pathlib.Path(folder) / "site.key"
        shutil.copy(pki.server.key, key)
        key.chmod(0o600)
        os.chown(key, ORDINARY_ID, ORDINARY_ID)
        one = fleet.run(tls_config(backend().url, {**pki.server.as_config(), "key": str(key)}),
                        before=["setpriv", "--bounding-set=-dac_read_search"])
        assert rights_of(one.pid)["Eff"] >= {DAC_OVERRIDE}
        lose_keys(one)
        echo_tls(one, pki)

    def test_a_socket_in_the_folder_of_another_user_is_removed(self, fleet, backend, folder):
        place = pathlib.Path(folder) / "run"
        place.mkdir()
        os.chown(place, ORDINARY_ID, ORDINARY_ID)
        one = fleet.serve(f"unix:{place}/s", backend().url)
        check_rights(one, CHILDREN, {DAC_OVERRIDE})
        echo(f"{place}/s")
        one.signal(signal.SIGTERM)
        assert one.wait_exit() == 0
        assert not (place / "s").exists()


class TestIncomplete:
    """A cage that is not whole is told for each process."""

    @pytest.mark.parametrize("lacking", ["-setuid,-setgid", None])
    def test_workers_and_keys_both_tell(self, fleet, pki, backend, lacking):
        before = [] if lacking is None else ["setpriv", "--bounding-set", lacking]
        one = fleet.run(tls_config(backend().url, pki.server.as_config()), before=before)
        children = {one.worker_pid(), one.wait_log("keys_started")["pid"]}
        if lacking is None:
            assert not one.find_logs("cage_incomplete")
        else:
            told = one.wait_logs(2, "cage_incomplete", lacks="another user")
            assert {record["pid"] for record in told} == children
        echo_tls(one, pki)


class TestOrdinaryUser:
    """Started by somebody else."""

    @pytest.fixture(name="start")
    def fixture_start(self, fleet, folder):
        """Runs the program as that user, with these options of setpriv(1)."""
        binary = pathlib.Path(folder) / "sluice"
        shutil.copy(sluice.BINARY, binary)
        place = pathlib.Path(folder) / "own"
        place.mkdir()
        os.chown(place, ORDINARY_ID, ORDINARY_ID)

        def run(config, *rights):
            path = sluice.write_config(place / "c.yaml", config)
            one = fleet.start(
                ["run", "-c", path], folder=place, binary=binary,
                before=["setpriv", f"--reuid={ORDINARY_ID}", f"--regid={ORDINARY_ID}",
                        "--clear-groups", *rights])
            one.wait_log("ready")
            return one

        run.place = place
        return run

    def test_the_right_to_bind_low_ports_is_all_that_stays(self, start, backend):
        one = start({"workers": 2, "log": {"format": "json"}, "services": {"main": {
            "listen": f"tcp://127.0.0.1:{low_port()}", "connect": backend().url}}},
                    "--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service")
        rights = rights_of(one.pid)
        rights.pop("Bnd")  # only who has CAP_SETPCAP may lower it
        assert rights == {"Prm": {NET_BIND_SERVICE}, "Eff": {NET_BIND_SERVICE}, "Inh": set(),
                          "Amb": set()}
        assert one.wait_log("cage")["supervisor"] == "net_bind_service"
        lose_worker(one)
        echo(one.address())

    def test_keys_and_workers_come_back_and_a_drain_ends(self, start, backend, pki):
        key = start.place / "site.key"
        shutil.copy(pki.server.key, key)
        chain = start.place / "site.pem"
        shutil.copy(pki.server.as_config()["chain"], chain)
        key.chmod(0o600)
        os.chown(key, ORDINARY_ID, ORDINARY_ID)
        one = start(tls_config(backend().url, {"chain": str(chain), "key": str(key)}))
        record = one.wait_log("cage")
        assert record["supervisor"] == "no capabilities" and "user" not in record
        assert not rights_of(one.pid)["Prm"]
        echo_tls(one, pki)
        lose_keys(one)
        echo_tls(one, pki)
        lose_worker(one)
        echo_tls(one, pki)
        for pid in [one.worker_pid(), one.find_logs("keys_started")[-1]["pid"]]:
            status = sluice.status_of(pid)
            assert status["NoNewPrivs"] == "1" and status["Uid"].split()[1] == str(ORDINARY_ID)
            assert "SLUICE_SANITIZED" in os.environ or status["Seccomp"] == "2"
        one.signal(signal.SIGTERM)
        assert one.wait_exit() == 0


class TestCredentials:
    """A key as systemd hands it over: the group's bits are the mask of an access list."""

    @pytest.mark.parametrize("mode, folder_name, warns", [
        (0o400, "credentials", False), (0o440, "credentials", False),
        (0o444, "credentials", True), (0o444, "credentials-of-others", True)])
    def test_only_what_all_may_read_is_a_warning(self, folder, pki, mode, folder_name, warns):
        for name in ["credentials", "credentials-of-others"]:
            (pathlib.Path(folder) / name).mkdir(mode=0o700)
        key = pathlib.Path(folder) / folder_name / "site.key"
        shutil.copy(pki.server.key, key)
        key.chmod(mode)
        config = sluice.write_config(f"{folder}/c.yaml", tls_config(
            "tcp://127.0.0.1:1", {**pki.server.as_config(), "key": str(key)}))
        done = sluice.command("check", "-c", config, env={
            **os.environ, "CREDENTIALS_DIRECTORY": f"{folder}/credentials"})
        assert done.returncode == 0, done.stderr
        assert ("everybody on this machine can read" in done.stderr) == warns
