# SPDX-License-Identifier: Apache-2.0
"""The process that holds the private keys: that it alone has them, dies and comes back."""
import os
import re
import signal
import subprocess
import threading
import time

import pytest

import ends
from scale import PATIENCE, SANITIZED, until

DISCONNECTS_COUNT = 2000
GROWTH_BYTES_MAX = 4 << 20


def keys_pid(one):
    """Of the process that is there now."""
    dead = {r["pid"] for r in one.find_logs("keys_died")}
    return next(r["pid"] for r in one.find_logs("keys_started") if r["pid"] not in dead)


def start(fleet, pki, url, workers=1, **service):
    return fleet.run({"workers": workers, "services": {"main": {
        "listen": "tls://127.0.0.1:0", "connect": url,
        "certificates": [pki.server.as_config()], **service}}})


def works(one, pki, data=b"hello"):
    with ends.tls_dial(one.address(), ends.client_context(pki.ca)) as client:
        client.send(data)
        assert client.recv_exactly(len(data)) == data
        client.end()
        client.fate()


def memory_of(pid):
    """Every byte of a process that can be read."""
    parts = []
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            found = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line)
            if not found or "[v" in line:
                continue
            begin, end = (int(text, 16) for text in found.groups())
            if end - begin > 1 << 32:
                continue
            mem.seek(begin)
            try:
                parts.append(mem.read(end - begin))
            except OSError:
                pass
    return b"\n".join(parts)


def secrets_of(path):
    """What gives a key away, as it may stand in memory: PEM lines and numbers, both ways round."""
    text = subprocess.run(["openssl", "pkey", "-in", path, "-noout", "-text"], check=True,
                          capture_output=True, text=True).stdout
    with open(path, encoding="ascii") as file:
        found = {"pem": [file.read().splitlines()[1].encode()]}
    for name in ("priv", "prime1", "prime2", "privateExponent"):
        match = re.search(rf"^{name}:\s*\n((?:    [0-9a-f:]+\n)+)", text, re.M)
        if match:
            digits = re.sub(r"[^0-9a-f]", "", match.group(1))
            number = bytes.fromhex(digits).lstrip(b"\0")
            found[name] = [number, number[::-1]]
    return found


def names_in(memory, secrets):
    return {name for name, forms in secrets.items() if any(form in memory for form in forms)}


@pytest.mark.skipif(os.geteuid() != 0, reason="reads the memory of other processes")
class TestMemory:
    """Who takes over a worker gets no key."""

    def test_no_worker_has_a_key_and_the_keys_process_has(self, fleet, pki, backend):
        one = start(fleet, pki, backend().url, certificates=[
            pki.server.as_config(), pki.server_rsa.as_config()])
        for _ in range(20):
            works(one, pki)
        for pair in (pki.server, pki.server_rsa):
            secrets = secrets_of(pair.key)
            numbers = set(secrets) - {"pem"}
            assert numbers
            for pid in (one.worker_pid(), one.pid):
                assert names_in(memory_of(pid), secrets) == set()
            assert names_in(memory_of(keys_pid(one)), secrets) & numbers

    @pytest.mark.skipif(SANITIZED, reason="the sanitizers have memory of their own")
    def test_the_keys_process_is_neither_dumped_nor_swapped(self, fleet, pki, backend):
        one = start(fleet, pki, backend().url)
        with open(f"/proc/{keys_pid(one)}/status", encoding="ascii") as status:
            locked = int(re.search(r"VmLck:\s+(\d+) kB", status.read()).group(1))
        assert locked > 0
        with open(f"/proc/{keys_pid(one)}/limits", encoding="ascii") as limits:
            assert re.search(r"Max core file size\s+0\s+0", limits.read())


class TestDeath:
    """kill -9."""

    def test_what_is_established_feels_nothing_and_what_waits_is_served(self, fleet, pki, backend,
                                                                       stack):
        one = start(fleet, pki, backend().url, workers=2)
        old = stack.enter_context(ends.tls_dial(one.address(), ends.client_context(pki.ca)))
        old.send(b"before")
        assert old.recv_exactly(6) == b"before"
        for _ in range(3):
            pid = keys_pid(one)
            os.kill(pid, signal.SIGKILL)
            begin_s = time.monotonic()
            works(one, pki)
            assert time.monotonic() - begin_s < 2.0 * PATIENCE
            one.wait_log("keys_died", pid=pid)
            until(lambda: len(one.find_logs("keys_started")) > len(one.find_logs("keys_died")),
                  "the keys again", 5.0)
        old.send(b"after")
        assert old.recv_exactly(5) == b"after"

    def test_under_load_every_handshake_ends_and_none_hangs(self, fleet, pki, backend):
        one = start(fleet, pki, backend().url, workers=2)
        stop, results, lock = threading.Event(), {"done": 0, "failed": 0}, threading.Lock()

        def load():
            while not stop.is_set():
                try:
                    works(one, pki)
                    word = "done"
                except (OSError, AssertionError):
                    word = "failed"
                with lock:
                    results[word] += 1

        threads = [threading.Thread(target=load) for _ in range(8)]
        for thread in threads:
            thread.start()
        for _ in range(4):
            time.sleep(0.3)  # load, not a wait for an event
            os.kill(keys_pid(one), signal.SIGKILL)
            until(lambda: len(one.find_logs("keys_started")) > len(one.find_logs("keys_died")) > 0,
                  "the keys again", 5.0)
        stop.set()
        for thread in threads:
            thread.join(30 * PATIENCE)
            assert not thread.is_alive()
        assert results["done"] > 50 and results["failed"] == 0, results
        reasons = {r["reason"] for r in one.find_logs("connection")}
        assert reasons <= {"done", "keys_timeout", "truncated", "client_reset"}, reasons

    def test_the_death_of_a_worker_leaves_the_keys_to_the_others(self, fleet, pki, backend):
        one = start(fleet, pki, backend().url, workers=2)
        one.may_lose_workers = True
        pid = keys_pid(one)
        for worker in (0, 1, 0):
            victim = one.worker_pid(worker)
            os.kill(victim, signal.SIGKILL)
            one.wait_log("worker_died", pid=victim)
            for _ in range(6):
                works(one, pki)
        assert keys_pid(one) == pid


class TestSlowKeys:
    """Signatures that do not come."""

    def test_a_handshake_that_waits_ends_with_a_reason_of_its_own(self, fleet, pki, backend):
        one = start(fleet, pki, backend().url, timeouts={"handshake": "1s"})
        pid = keys_pid(one)
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises((OSError, AssertionError, ends.Truncated)):
                works(one, pki)
            record = one.wait_connection(reason="keys_timeout")
            assert record["level"] == "error" and record["stage"] == "handshake"
        finally:
            os.kill(pid, signal.SIGCONT)
        works(one, pki)

    @pytest.mark.skipif(SANITIZED, reason="the sanitizers have memory of their own")
    def test_clients_that_leave_while_a_signature_is_awaited_leave_no_memory(self, fleet, pki,
                                                                            backend):
        one = start(fleet, pki, backend().url)
        pid = keys_pid(one)

        def leave(count):
            for _ in range(count):
                end = ends.TlsEnd(ends.dial(one.address()), ends.client_context(pki.ca),
                                  name="localhost")
                with pytest.raises(ends.ssl.SSLWantReadError):
                    end.tls.do_handshake()
                end.flush()
                ends.abort(end.sock)

        def leave_all(count):
            before = len(one.find_logs("connection"))
            os.kill(pid, signal.SIGSTOP)
            try:
                for _ in range(count // 100):
                    leave(100)
                    until(lambda: len(one.find_logs("connection")) >= before, "ends", 10.0)
            finally:
                os.kill(pid, signal.SIGCONT)
            one.wait_logs(before + count, "connection")

        leave_all(400)
        works(one, pki)
        base = one.rss_bytes()
        leave_all(DISCONNECTS_COUNT)
        works(one, pki)
        assert one.rss_bytes() - base < GROWTH_BYTES_MAX
        assert not one.find_logs("connection", reason="keys_overload")


class TestRestart:
    """When `keys` cannot come back."""

    def test_it_is_said_and_tried_again(self, fleet, pki, backend):
        one = start(fleet, pki, backend().url)
        limit = 1 + max(map(int, os.listdir(f"/proc/{one.pid}/fd")))
        subprocess.run(["prlimit", "--pid", str(one.pid), f"--nofile={limit}:"], check=True)
        os.kill(keys_pid(one), signal.SIGKILL)
        assert one.wait_log("keys_failed")["detail"] == "SL_EMFILE"
        subprocess.run(["prlimit", "--pid", str(one.pid), "--nofile=1024:"], check=True)
        one.wait_logs(2, "keys_started")
        works(one, pki)


class TestFiles:
    """Key files that changed while it ran."""

    def test_a_key_that_is_gone_at_the_restart_is_said(self, fleet, pki, backend, folder):
        path = os.path.join(folder, "copy.key")
        with open(pki.server.key, "rb") as source, open(os.open(path, os.O_CREAT | os.O_WRONLY,
                                                                0o600), "wb") as copy:
            copy.write(source.read())
        one = start(fleet, pki, backend().url,
                    certificates=[{"chain": pki.server.chain, "key": path}])
        works(one, pki)
        os.unlink(path)
        os.kill(keys_pid(one), signal.SIGKILL)
        assert path in one.wait_log("key_failed")["detail"]
        with pytest.raises((OSError, AssertionError)):
            works(one, pki)
        record = one.wait_connection(reason="keys_failed")
        assert record["detail"] == "the private key is not there any more"
