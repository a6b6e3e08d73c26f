# SPDX-License-Identifier: Apache-2.0
"""Workers that die and come back; stopping with and without patience."""
import os
import signal
import threading
import time

import pytest

import ends
import sluice
from scale import PATIENCE, until


def offload(fleet, pki, url, workers=1, **more):
    return fleet.run({"workers": workers, **more, "services": {"main": {
        "listen": "tls://127.0.0.1:0", "connect": url,
        "certificates": [pki.server.as_config()]}}})


def works(one, pki, data=b"hello"):
    with ends.tls_dial(one.address(), ends.client_context(pki.ca)) as client:
        client.send(data)
        assert client.recv_exactly(len(data)) == data
        client.end()
        client.fate()


class TestDeath:
    """kill -9."""

    def test_a_killed_worker_is_back_on_the_same_port(self, fleet, pki, backend):
        one = offload(fleet, pki, backend().url)
        one.may_lose_workers = True
        works(one, pki)
        pid = one.worker_pid()
        os.kill(pid, signal.SIGKILL)
        works(one, pki)
        record = one.wait_log("worker_died", pid=pid)
        assert record["signal"] in (9, "9", "KILL", "SIGKILL", "Killed")
        assert one.worker_pid() != pid
        assert record["level"] in ("warn", "warning", "error")

    def test_clients_in_the_accept_queue_are_served_by_the_next(self, fleet, pki, backend, stack):
        one = offload(fleet, pki, backend().url)
        one.may_lose_workers = True
        works(one, pki)
        pid = one.worker_pid()
        os.kill(pid, signal.SIGSTOP)
        clients = []
        for _ in range(20):
            end = ends.TlsEnd(stack.enter_context(ends.dial(one.address())),
                              ends.client_context(pki.ca), name="localhost")
            with pytest.raises(ends.ssl.SSLWantReadError):
                end.tls.do_handshake()
            end.flush()
            clients.append(end)
        os.kill(pid, signal.SIGKILL)
        for number, client in enumerate(clients):
            client.handshake()
            client.send(b"%05d" % number)
            assert client.recv_exactly(5) == b"%05d" % number

    def test_only_the_connections_of_the_dead_worker_end(self, fleet, pki, backend, stack):
        one = offload(fleet, pki, backend().url, workers=2)
        one.may_lose_workers = True
        clients = []
        for _ in range(24):
            client = stack.enter_context(
                ends.tls_dial(one.address(), ends.client_context(pki.ca)))
            client.send(b"a")
            client.recv_exactly(1)
            clients.append(client)
        victim = one.worker_pid()
        os.kill(victim, signal.SIGKILL)
        one.wait_log("worker_died", pid=victim)
        alive = 0
        for client in clients:
            try:
                client.send(b"b")
                alive += client.recv_exactly(1) == b"b"
            except (OSError, ends.Truncated, AssertionError):
                pass
        assert 0 < alive < len(clients)

    def test_killing_under_load_loses_only_what_was_open(self, fleet, pki, backend):
        one = offload(fleet, pki, backend().url, workers=2)
        one.may_lose_workers = True
        stopping = threading.Event()
        served = [0] * 4

        def load(number):
            while not stopping.is_set():
                try:
                    works(one, pki)
                    served[number] += 1
                except (OSError, ends.Truncated, AssertionError):
                    pass

        threads = [threading.Thread(target=load, args=(n,), daemon=True) for n in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(3):
            before = sum(served)
            until(lambda before=before: sum(served) > before + 20, "the load to be served")
            victim = one.worker_pid()
            os.kill(victim, signal.SIGKILL)
            one.wait_log("worker_died", pid=victim)
            until(lambda: len(one.worker_pids()) == 2, "both workers", 20)
        before = list(served)
        until(lambda: all(now > then for now, then in zip(served, before)), "every thread served")
        stopping.set()
        for thread in threads:
            thread.join(30)

    def test_the_pause_grows_while_it_keeps_dying(self, fleet, pki, backend):
        one = offload(fleet, pki, backend().url)
        one.may_lose_workers = True
        for count in range(1, 5):
            until(lambda count=count: len(one.find_logs("worker_started")) >= count
                  and one.worker_pids(), "a worker", 20)
            os.kill(one.worker_pid(), signal.SIGKILL)
            one.wait_logs(count, "worker_died")
        pauses = [record["restart_in_ms"] for record in one.find_logs("worker_died")]
        assert pauses == sorted(pauses) and pauses[-1] > pauses[0], pauses
        until(one.worker_pids, "a worker", 20)
        works(one, pki)

    def test_workers_end_with_a_killed_supervisor(self, fleet, pki, backend):
        one = offload(fleet, pki, backend().url, workers=2)
        one.may_fail = True
        pids = list(one.worker_pids().values())
        one.signal(signal.SIGKILL)
        one.wait_exit()
        until(lambda: not any(is_running(pid) for pid in pids), "the workers to end")


def is_running(pid):
    """Whether the process is there and no zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def refuses(address):
    try:
        ends.dial(address, 2).close()
        return False
    except ConnectionRefusedError:
        return True


class TestStop:
    """TERM and INT drain; a second one ends."""

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_it_ends_at_once_when_nothing_is_open(self, fleet, pki, backend, number):
        one = offload(fleet, pki, backend().url)
        works(one, pki)
        begin = time.monotonic()
        one.signal(number)
        assert one.wait_exit() == 0
        assert time.monotonic() - begin < 2 * PATIENCE
        assert one.find_logs("drain")
        assert one.wait_log("stop")["connections"] == 1

    def test_an_open_connection_goes_on_and_new_ones_are_refused(self, fleet, pki, backend):
        one = offload(fleet, pki, backend().url)
        address = one.address()
        with ends.tls_dial(address, ends.client_context(pki.ca)) as client:
            client.send(b"before")
            client.recv_exactly(6)
            one.signal(signal.SIGTERM)
            one.wait_log("drain")
            until(lambda: refuses(address), "new connections to be refused")
            client.send(b"while draining")
            assert client.recv_exactly(14) == b"while draining"
            assert one.process.poll() is None
            client.end()
            assert client.fate() == "clean"
        assert one.wait_exit() == 0
        assert one.wait_log("stop")["reason_done"] == 1

    def test_a_second_term_ends_at_once(self, fleet, pki, backend):
        one = offload(fleet, pki, backend().url)
        with ends.tls_dial(one.address(), ends.client_context(pki.ca)) as client:
            client.send(b"x")
            client.recv_exactly(1)
            one.signal(signal.SIGTERM)
            one.wait_log("drain")
            begin = time.monotonic()
            one.signal(signal.SIGTERM)
            assert one.wait_exit() == 0
            assert time.monotonic() - begin < 3 * PATIENCE
            assert client.fate() != "clean"
        assert one.wait_connection(reason="shutdown")

    def test_draining_has_a_bound(self, fleet, pki, backend):
        one = offload(fleet, pki, backend().url, drain="1s")
        with ends.tls_dial(one.address(), ends.client_context(pki.ca)) as client:
            client.send(b"x")
            client.recv_exactly(1)
            begin = time.monotonic()
            one.signal(signal.SIGTERM)
            assert one.wait_exit() == 0
            assert 0.8 < time.monotonic() - begin < 5 * PATIENCE
        assert one.wait_connection(reason="shutdown")

    def test_no_process_is_left(self, fleet, pki, backend):
        one = offload(fleet, pki, backend().url, workers=2)
        pids = list(one.worker_pids().values())
        assert len(pids) == 2
        one.signal(signal.SIGTERM)
        assert one.wait_exit() == 0
        assert not any(is_running(pid) for pid in pids)


class TestStart:
    """The processes after a start."""

    def test_auto_is_one_worker_for_each_usable_core(self, fleet, pki, backend):
        one = offload(fleet, pki, backend().url, workers="auto")
        one.wait_logs(len(os.sched_getaffinity(0)), "worker_started")
        assert len(one.worker_pids()) == len(os.sched_getaffinity(0))

    def test_every_listener_accepts_once_the_ready_file_is_there(self, fleet, backend):
        for _ in range(5):
            url = backend().url
            one = fleet.run({"workers": 2, "services": {
                f"s{n}": {"listen": "tcp://127.0.0.1:0", "connect": url} for n in range(8)}})
            assert one.ready["pid"] == one.pid
            for name in one.services:
                with ends.PlainEnd(ends.dial(one.address(name))) as client:
                    client.send(b"ready")
                    assert client.recv_exactly(5) == b"ready"

    def test_a_second_run_does_not_share_the_port_in_silence(self, fleet, backend):
        url = backend().url
        first = fleet.serve("tcp://127.0.0.1:0", url)
        done = sluice.command(first.url(), url)
        assert done.returncode == 1
        assert str(first.port()) in done.stderr and "in use" in done.stderr

    def test_both_families_of_a_port_may_be_named(self, fleet, backend, folder):
        """[::] takes IPv4 too; 0.0.0.0 beside it is ours, not somebody else's."""
        held = fleet.serve("tcp://0.0.0.0:0", backend().url)
        port = held.port()
        held.stop()
        one = fleet.run({"services": {"main": {
            "listen": [f"tcp://[::]:{port}", f"tcp://0.0.0.0:{port}"],
            "connect": backend().url}}})
        for host in ("127.0.0.1", "::1"):
            with ends.dial((host, port)) as end:
                end.sendall(b"x")
                assert end.recv(1) == b"x"
        assert len(one.services["main"]) == 2

    def test_a_port_in_use_fails_with_status_one(self, fleet, backend, stack, folder):
        taken = backend()
        done = sluice.command(f"tcp://127.0.0.1:{taken.port}", taken.url, "--ready-file",
                              f"{folder}/never.json")
        assert done.returncode == 1
        assert str(taken.port) in done.stderr and "in use" in done.stderr
        assert not os.path.exists(f"{folder}/never.json")
        assert fleet and stack
