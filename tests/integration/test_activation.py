# SPDX-License-Identifier: Apache-2.0
"""Sockets that a service manager has opened: LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess

import pytest

import activation
import ends
import sluice
from scale import PATIENCE, until


def listening(host="127.0.0.1", port=0, reuse_port=False):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    one = socket.socket(family, socket.SOCK_STREAM)
    if reuse_port:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    one.bind((host, port))
    one.listen(128)
    return one


def url_of(one):
    host, port = one.getsockname()[:2]
    return f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"


def start(fleet, sockets, names, services, workers=1):
    return fleet.run({"workers": workers, "services": services},
                     before=activation.prefix(names, sockets),
                     pass_fds=[one.fileno() for one in sockets])


def echo(address, data=b"through a socket of another's"):
    with ends.PlainEnd(ends.dial(address)) as client:
        client.send(data)
        assert client.recv_exactly(len(data)) == data


class TestTaken:
    """Sockets that are for us."""

    @pytest.fixture(name="passed")
    def fixture_passed(self, stack):
        def make(*args, **options):
            return stack.enter_context(listening(*args, **options))
        return make

    def test_by_the_name_of_the_service_and_the_address(self, fleet, backend, passed):
        sockets = [passed(), passed(), passed()]
        services = {"web": {"listen": [url_of(sockets[2]), url_of(sockets[0])],
                            "connect": backend().url},
                    "db": {"listen": url_of(sockets[1]), "connect": backend().url}}
        one = start(fleet, sockets, "web:db:web", services)
        assert one.services == {"web": [url_of(sockets[2]), url_of(sockets[0])],
                                "db": [url_of(sockets[1])]}
        for i, service in enumerate(["web", "db", "web"]):
            echo(sockets[i].getsockname())
            record = one.wait_log("listening", listen=url_of(sockets[i]))
            assert record["service"] == service
            assert record["descriptor"] == activation.FIRST_FD + i

    @pytest.mark.parametrize("names", [None, "unknown:unknown", "sluice.socket:sluice.socket"])
    def test_by_the_address_where_nobody_chose_a_name(self, fleet, backend, passed, names):
        sockets = [passed(), passed("::1")]
        one = start(fleet, sockets, names, {
            "a": {"listen": url_of(sockets[1]), "connect": backend().url},
            "b": {"listen": url_of(sockets[0]), "connect": backend().url}})
        for i in range(2):
            echo(sockets[i].getsockname()[:2])
        assert one.find_logs("listening", service="a", descriptor=4)

    def test_beside_sockets_of_our_own(self, fleet, backend, passed):
        mine = passed()
        one = start(fleet, [mine], "a", {
            "a": {"listen": ["tcp://127.0.0.1:0", "tcp://[::1]:0"], "connect": backend().url},
            "b": {"listen": "tcp://127.0.0.1:0", "connect": backend().url}})
        assert one.url("a") == url_of(mine)
        assert [r["service"] for r in one.find_logs("listening") if "descriptor" in r] == ["a"]
        for address in [one.address("a", 0), one.address("a", 1), one.address("b")]:
            echo(address)

    def test_all_addresses_may_be_of_ipv4_alone(self, fleet, backend, passed):
        mine = passed("0.0.0.0")
        start(fleet, [mine], "a", {"a": {"listen": f"tcp://:{mine.getsockname()[1]}",
                                         "connect": backend().url}})
        echo(("127.0.0.1", mine.getsockname()[1]))

    @pytest.mark.parametrize("reuse_port", [False, True])
    def test_all_workers_serve_one_socket_and_come_back_to_it(self, fleet, backend, passed,
                                                              reuse_port):
        mine = passed(reuse_port=reuse_port)
        one = start(fleet, [mine], "a", {"a": {"listen": url_of(mine), "connect": backend().url}},
                    workers=2)
        one.may_lose_workers = True
        address = mine.getsockname()
        for pid in one.worker_pids().values():
            before = [ends.PlainEnd(ends.dial(address)) for _ in range(8)]
            os.kill(pid, signal.SIGSTOP)  # the other one serves
            until(lambda pid=pid: sluice.status_of(pid)["State"].startswith("T"), "the stop")
            for _ in range(4):
                echo(address)
            os.kill(pid, signal.SIGKILL)
            one.wait_log("worker_died", pid=pid)
            echo(address)
            for client in before:
                client.close()
        until(lambda: len(one.worker_pids()) == 2, "both workers")
        echo(address)

    def test_they_stay_when_we_end(self, fleet, backend, passed, stack, folder):
        mine = passed()
        path = f"{folder}/listen.sock"
        unix = stack.enter_context(socket.socket(socket.AF_UNIX))
        unix.bind(path)
        unix.listen()
        services = {"a": {"listen": [url_of(mine), f"unix:{path}"], "connect": backend().url}}
        for _ in range(2):  # the second time on the same sockets
            one = start(fleet, [unix, mine], "a:a", services)
            echo(path)
            echo(mine.getsockname())
            one.signal(signal.SIGTERM)
            assert one.wait_exit() == 0
            assert os.path.exists(path)
        waiting = ends.dial(mine.getsockname())  # for whoever is started next
        waiting.close()

    def test_no_child_hears_of_them(self, fleet, backend, passed):
        mine = passed()
        one = start(fleet, [mine], "a", {"a": {"listen": url_of(mine), "connect": backend().url}})
        if os.geteuid() == 0:
            environ = pathlib.Path(f"/proc/{one.worker_pid()}/environ").read_bytes()
            assert b"LISTEN_" not in environ

    @pytest.mark.skipif(shutil.which("systemd-socket-activate") is None, reason="no systemd")
    @pytest.mark.parametrize("names", [[], ["--fdname=main"]])
    def test_systemd_socket_activate_passes_what_we_take(self, folder, backend, stack, names):
        with listening() as free:
            port = free.getsockname()[1]
        ready = pathlib.Path(folder) / "ready.json"
        process = subprocess.Popen(
            ["systemd-socket-activate", "-l", f"127.0.0.1:{port}", *names, sluice.BINARY,
             f"tcp://127.0.0.1:{port}", backend().url, "--ready-file", ready],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        stack.callback(process.wait, 20)
        stack.callback(process.terminate)
        stack.callback(process.stderr.close)
        assert b"Listening on" in process.stderr.readline()
        echo(("127.0.0.1", port))
        until(ready.exists, "the ready file")


class TestRefused:
    """What is not for us, or not what the configuration wants, is an error at start."""

    @staticmethod
    def fate(sockets, names, folder, service="web", listen="tcp://127.0.0.1:1", env=None):
        path = sluice.write_config(f"{folder}/c.yaml", {"services": {
            service: {"listen": listen, "connect": "tcp://127.0.0.1:1"}}})
        done = subprocess.run(
            [*activation.prefix(names, sockets), sluice.BINARY, "run", "-c", path],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            timeout=30 * PATIENCE, pass_fds=[one.fileno() for one in sockets],
            env={**os.environ, **(env or {})})
        assert done.returncode == 1, done.stderr
        assert "worker_started" not in done.stderr
        return done.stderr

    def test_an_unknown_name(self, folder):
        with listening() as one:
            said = self.fate([one], "wbe", folder, listen=url_of(one))
        assert 'descriptor 3 of the service manager is named \\"wbe\\", and there is no such' in said

    @pytest.mark.parametrize("names", ["web", None])
    def test_an_address_that_no_url_has(self, folder, names):
        with listening() as one:
            said = self.fate([one], names, folder)
            assert f"listens on 127.0.0.1:{one.getsockname()[1]}, where no listen URL stands" in said
        assert ("(service web)" in said) == (names is not None)

    def test_the_address_of_another_service(self, folder):
        with listening() as one, listening() as other:
            config = {"services": {
                "a": {"listen": url_of(one), "connect": "tcp://127.0.0.1:1"},
                "b": {"listen": url_of(other), "connect": "tcp://127.0.0.1:1"}}}
            path = sluice.write_config(f"{folder}/d.yaml", config)
            done = subprocess.run(
                [*activation.prefix("b:a", [one, other]), sluice.BINARY, "run", "-c", path],
                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                timeout=30 * PATIENCE, pass_fds=[one.fileno(), other.fileno()])
        assert done.returncode == 1
        assert "descriptor 3 of the service manager (service b) listens on" in done.stderr

    def test_two_for_one_url(self, folder):
        with listening(reuse_port=True) as one:
            with listening(port=one.getsockname()[1], reuse_port=True) as other:
                said = self.fate([one, other], "web:web", folder, listen=url_of(one))
        assert "descriptor 4 of the service manager (service web) listens on" in said
        assert "as another one does" in said

    def test_what_does_not_listen(self, folder):
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            said = self.fate([one], "web", folder, listen=url_of(one))
        assert "(service web) is no socket that listens" in said

    def test_what_is_no_stream_socket(self, folder):
        with socket.socket(type=socket.SOCK_DGRAM) as one:
            one.bind(("127.0.0.1", 0))
            said = self.fate([one], "web", folder, listen=url_of(one))
        assert "(service web) is no stream socket" in said

    def test_names_that_are_not_as_many_as_the_sockets(self, folder):
        with listening() as one:
            said = self.fate([one], "web:web", folder, listen=url_of(one))
        assert "LISTEN_FDNAMES=web:web names 2 descriptors, LISTEN_FDS 1" in said
