# SPDX-License-Identifier: Apache-2.0
"""What the documents promise of the processes and that no other test would miss."""
import base64
import json
import os
import pathlib
import re
import signal
import stat
import subprocess
import threading

import pytest

import ends
import sluice
from pki import openssl
from scale import SANITIZED, until

MODE = 0o777


def offload(fleet, pki, url, **more):
    return fleet.run({"workers": 1, **more, "services": {"main": {
        "listen": "tls://127.0.0.1:0", "connect": url,
        "certificates": [{"chain": pki.combined}]}}})


def children_of(pid):
    """Their names."""
    pids = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {pathlib.Path(f"/proc/{child}/comm").read_text().strip() for child in pids}


def memfd(pid, name):
    """The content of a memory file that the process has open."""
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        if f"memfd:{name}" in os.readlink(entry):
            return entry.read_bytes()
    raise AssertionError(f"process {pid} has no {name}")


def blocks(path):
    """The certificates and the private keys of a PEM file, as DER."""
    text = pathlib.Path(path).read_text()
    found = re.findall(r"-----BEGIN ([A-Z ]+)-----\n(.*?)-----END", text, re.S)
    der = [(label, base64.b64decode(body)) for label, body in found]
    return ([body for label, body in der if label == "CERTIFICATE"],
            [body for label, body in der if label.endswith("PRIVATE KEY")])


@pytest.mark.skipif(os.geteuid() != 0, reason="processes hide their memory from their own user")
class TestSecrets:
    def test_the_bundle_of_files_holds_no_private_key(self, fleet, pki, backend):
        """The chain file holds the key as well."""
        one = offload(fleet, pki, backend().url)
        assert b"PRIVATE KEY" in pathlib.Path(pki.combined).read_bytes(), "control"
        files = memfd(one.pid, "sluice-files")
        certificates, keys = blocks(pki.combined)
        assert certificates and all(der in files for der in certificates)
        assert b"PRIVATE KEY" not in files
        for key in keys:  # nor a part of one; the public half comes last
            assert not any(key[at:at + 16] in files for at in range(24, len(key) // 2, 4))

    def test_no_process_leaves_a_core(self, fleet, pki, backend):
        one = offload(fleet, pki, backend().url)
        keys_pid = one.wait_log("keys_started")["pid"]
        for pid in (one.pid, one.worker_pid(), keys_pid):
            limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
            assert re.search(r"Max core file size\s+0\s+0\s", limits)
            # who may not be dumped belongs to root, whoever runs it; a sanitizer traces itself
            assert SANITIZED or os.stat(f"/proc/{pid}/mem").st_uid == 0


class TestSignals:
    def test_signals_of_other_programs_change_nothing_and_say_so(self, fleet, pki, backend):
        one = offload(fleet, pki, backend().url)
        with ends.tls_dial(one.address(), ends.client_context(pki.ca)) as client:
            for number in (signal.SIGUSR1, signal.SIGUSR2):
                one.signal(number)
            for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
                os.kill(one.worker_pid(), number)
            for name in ("USR1", "USR2"):
                one.wait_log("signal_ignored", level="warn", signal=name)
            client.send(b"still here")
            assert client.recv_exactly(10) == b"still here"
        assert not one.find_logs("worker_died")

    def test_nor_while_it_still_loads(self, folder, pki, backend):
        place = pathlib.Path(folder)
        key, phrase, ready = place / "slow.key", place / "phrase", place / "ready"
        for path, text in ((key, ""), (phrase, "slow\n")):
            path.touch(0o600)
            path.write_text(text)
        openssl("pkcs8", "-topk8", "-in", pki.server.key, "-out", key, "-passout", "pass:slow",
                "-v2", "aes-256-cbc", "-iter", 3_000_000)
        config = sluice.write_config(place / "sluice.yaml", {
            "workers": 1, "log": {"format": "json"}, "services": {"main": {
                "listen": "tls://127.0.0.1:0", "connect": backend().url, "certificates": [
                    {"chain": pki.server.chain, "key": str(key),
                     "passphrase_file": str(phrase)}]}}})
        process = subprocess.Popen([sluice.BINARY, "run", "-c", config, "--ready-file", ready],
                                   stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            until(lambda: "sluice-keys" in children_of(process.pid), "the start")
            for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
                process.send_signal(number)
            assert not ready.exists()
            until(lambda: ready.exists() or process.poll() is not None, "ready", 30.0)
            process.terminate()
            log = process.communicate(timeout=30)[1]
        finally:
            process.kill()
        assert process.returncode == 0, log
        ignored = [json.loads(line) for line in log.splitlines() if "signal_ignored" in line]
        assert {record["signal"] for record in ignored} == {"USR1", "USR2"}

    def test_what_is_cut_off_is_counted(self, fleet, pki, backend):
        one = offload(fleet, pki, backend().url)
        with ends.tls_dial(one.address(), ends.client_context(pki.ca)) as client:
            client.send(b"x")
            assert client.recv_exactly(1) == b"x"
            one.signal(signal.SIGTERM)
            assert one.wait_log("drain")["connections"] == 1
            one.signal(signal.SIGTERM)
            assert one.wait_exit() == 0
        stop = one.find_logs("stop")[0]
        assert stop["cut_off"] == 1 and stop["reason_shutdown"] == 1
        assert stop["bytes_to_upstream"] == 1 and stop["bytes_to_client"] == 1


class TestFiles:
    def test_a_unix_socket_is_gone_after_the_end(self, fleet, backend, folder):
        path = f"{folder}/in.sock"
        one = fleet.serve(f"unix:{path}", backend().url)
        assert stat.S_ISSOCK(os.stat(path).st_mode)
        one.signal(signal.SIGTERM)
        assert one.wait_exit() == 0
        assert not os.path.exists(path)

    def test_the_ready_file_is_for_all_to_read_and_none_to_write(self, fleet, backend):
        umask = os.umask(0)
        try:
            one = fleet.serve("tcp://127.0.0.1:0", backend().url)
        finally:
            os.umask(umask)
        assert stat.S_IMODE(os.stat(one.ready_file).st_mode) & MODE == 0o644
        one.signal(signal.SIGTERM)
        assert one.wait_exit() == 0
        assert not one.ready_file.exists(), "nobody is ready any more"

    def test_a_ready_file_that_cannot_be_written_is_an_end(self, backend, folder):
        done = sluice.command("tcp://127.0.0.1:0", backend().url, "--ready-file",
                              f"{folder}/nowhere/ready.json")
        assert done.returncode == 1
        assert "nowhere" in done.stderr and "start_failed" in done.stderr

    @pytest.mark.parametrize("words", [("version",), ("help",), ("config", "--defaults")])
    def test_a_full_disk_is_no_success(self, words):
        with open("/dev/full", "wb") as full:
            done = sluice.command_to(full, *words)
        assert done.returncode == 1 and "standard output" in done.stderr


class TestLog:
    def test_each_listener_has_a_line_of_its_own(self, fleet, backend):
        url = backend().url
        one = fleet.run({"services": {"event": {
            "listen": ["tcp://127.0.0.1:0", "tcp://127.0.0.1:0"], "connect": url}}})
        told = [line["listen"] for line in one.find_logs("listening", service="event")]
        assert told == one.services["event"]

    def test_a_pipe_that_nobody_reads_loses_lines_and_nothing_else(self, fleet, backend):
        """Of each connection a line is due; the pipe and the buffer hold some hundreds."""
        read_end, write_end = os.pipe()
        one = fleet.start(["tcp://127.0.0.1:0", backend().url, "--workers", "1",
                           "--log-format", "json"], stderr=write_end)
        os.close(write_end)
        for _ in range(3000):
            with ends.dial(one.address()) as end:
                end.sendall(b"x")
                assert end.recv(1) == b"x"
        chunks = []
        reader = threading.Thread(target=lambda: chunks.extend(iter(
            lambda: os.read(read_end, 1 << 16), b"")))
        reader.start()
        one.signal(signal.SIGTERM)
        assert one.wait_exit() == 0
        reader.join(10)
        os.close(read_end)
        text = b"".join(chunks)
        assert re.search(rb'"connections":3000', text)
        assert int(re.search(rb'"log_lines_dropped":(\d+)', text).group(1)) > 100
