# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the keys: how long it takes, client certificates too, and files that changed."""
import os
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest

import ends
import peers
from scale import PATIENCE, until
from test_keys import keys_pid

BACK_S = 1.0


def kill_keys(one):
    """Gives the seconds until the keys are there again, with all files read."""
    pid, count = keys_pid(one), len(one.find_logs("keys_started"))
    begin_s = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    one.wait_logs(count + 1, "keys_started")
    return time.monotonic() - begin_s


def ping(one, pki, service="main"):
    """One connection of its own."""
    if one.url(service).startswith("tls"):
        end = ends.tls_dial(one.address(service), ends.client_context(pki.ca))
    else:
        end = ends.PlainEnd(ends.dial(one.address(service)))
    with end as client:
        client.send(b"ping")
        assert client.recv_exactly(4) == b"ping"
        client.end()
        client.fate()


@pytest.fixture(name="bridge")
def fixture_bridge(fleet, pki, backend):
    """Server and client certificates in one: bridge and encrypt, toward an upstream that wants a
    certificate in every handshake (no session is resumed)."""
    context = ends.server_context(pki.server, client_ca=pki.ca)
    context.options |= ends.ssl.OP_NO_TICKET
    context.num_tickets = 0
    upstream = {"ca": pki.ca, "certificate": pki.client.as_config()}
    url = backend(peers.echo, context=context).url
    return fleet.run({"workers": 2, "services": {
        "main": {"listen": "tls://127.0.0.1:0", "connect": url, "upstream": upstream,
                 "certificates": [pki.server.as_config()]},
        "encrypt": {"listen": "tcp://127.0.0.1:0", "connect": url, "upstream": upstream}}})


class TestDeath:
    """kill -9, again and again."""

    @pytest.mark.parametrize("service", ["main", "encrypt"])
    def test_client_certificates_too_come_back_under_load(self, service, bridge, pki):
        one = bridge
        stop, done, failures = threading.Event(), [0], []

        def load():
            while not stop.is_set():
                try:
                    ping(one, pki, service)
                    done[0] += 1
                except (OSError, AssertionError, ends.Truncated) as error:
                    failures.append(repr(error))

        old = ends.tls_dial(one.address(), ends.client_context(pki.ca))
        threads = [threading.Thread(target=load) for _ in range(6)]
        for thread in threads:
            thread.start()
        took_s = []
        for _ in range(5):
            before = done[0]
            until(lambda before=before: done[0] > before + 10, "load", 30.0)
            took_s.append(kill_keys(one))
            old.send(b"still")
            assert old.recv_exactly(5) == b"still"
        stop.set()
        for thread in threads:
            thread.join(30 * PATIENCE)
            assert not thread.is_alive()
        old.end()
        old.close()
        assert not failures, failures
        assert max(took_s) < BACK_S * PATIENCE, took_s  # the pauses before the later ones included
        print("back after", [f"{s * 1000:.0f} ms" for s in took_s], "connections", done[0])

    def test_a_handshake_in_the_gap_is_served_within_a_second(self, bridge, pki):
        for service in ("main", "encrypt"):
            os.kill(keys_pid(bridge), signal.SIGKILL)
            begin_s = time.monotonic()
            ping(bridge, pki, service)
            assert time.monotonic() - begin_s < BACK_S * PATIENCE
            until(lambda: len(bridge.find_logs("keys_started")) > len(bridge.find_logs("keys_died")),
                  "the keys again")

    def test_the_death_of_a_worker_leaves_the_keys_and_the_other_worker(self, bridge, pki):
        one = bridge
        one.may_lose_workers = True
        keys = keys_pid(one)
        for worker in (0, 1, 0, 1):
            victim, other = one.worker_pid(worker), one.worker_pid(1 - worker)
            os.kill(victim, signal.SIGKILL)
            one.wait_log("worker_died", pid=victim)
            ping(one, pki)
            ping(one, pki, "encrypt")
            until(lambda: len(one.worker_pids()) == 2, "the worker again")
            assert one.worker_pid(1 - worker) == other
        assert keys_pid(one) == keys


class TestReplaced:
    """A key file that is another one when the keys come back."""

    @pytest.fixture(name="own")
    def fixture_own(self, fleet, pki, backend, folder):
        """A program with a key file of its own; gives both."""
        path = os.path.join(folder, "own.key")
        shutil.copy(pki.server.key, path)
        one = fleet.run({"services": {
            "main": {"listen": "tls://127.0.0.1:0", "connect": backend().url,
                     "certificates": [{"chain": pki.server.chain, "key": path}]},
            "other": {"listen": "tls://127.0.0.1:0", "connect": backend().url,
                      "certificates": [pki.server_rsa.as_config()]}}})
        return one, path

    def fails(self, one, pki):
        with pytest.raises((OSError, AssertionError)):
            ping(one, pki)
        record = one.wait_connection(reason="keys_failed")
        assert (record["level"], record["detail"]) == ("error",
                                                       "the private key is not there any more")

    @pytest.mark.parametrize("kind", ["other", "server_rsa"])
    def test_it_is_not_used_and_both_are_named(self, kind, own, pki):
        one, path = own
        ping(one, pki)
        shutil.copy(getattr(pki, kind).key, path)
        kill_keys(one)
        record = one.wait_log("key_failed")
        assert record["service"] == "main"
        detail = record["detail"]
        then, now = (self.digest_of(key) for key in (pki.server.key, path))
        assert detail == (f"{path}: key: the file holds another one than at the start "
                          f"(the public keys' SHA-256: then {then}, now {now})")
        self.fails(one, pki)
        ping(one, pki, "other")
        shutil.copy(pki.server.key, path)
        kill_keys(one)
        ping(one, pki)
        assert len(one.find_logs("key_failed")) == 1

    @staticmethod
    def digest_of(key):
        der = subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "der"],
                             capture_output=True, check=True).stdout
        text = subprocess.run(["openssl", "dgst", "-sha256"], input=der, capture_output=True,
                              check=True).stdout.decode()
        return re.search("[0-9a-f]{64}", text).group(0)[:16]

    @pytest.mark.parametrize("name", ["gone", "empty", "fifo", "folder"])
    def test_what_cannot_be_read_is_said_and_holds_up_nothing(self, name, own, pki):
        one, path = own
        os.unlink(path)
        {"gone": lambda p: None, "empty": lambda p: open(p, "wb").close(), "fifo": os.mkfifo,
         "folder": os.mkdir}[name](path)
        assert kill_keys(one) < BACK_S * PATIENCE
        assert path in one.wait_log("key_failed")["detail"]
        self.fails(one, pki)
        ping(one, pki, "other")
