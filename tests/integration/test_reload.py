# SPDX-License-Identifier: Apache-2.0
"""HUP: another configuration in place of the one that runs, whole or not at all."""
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


def service(pki, url, listen="tls://127.0.0.1:0", **more):
    return {"listen": listen, "connect": url, "certificates": [pki.server.as_config()], **more}


def say(client, text):
    client.send(text)
    assert client.recv_exactly(len(text)) == text


def visit(one, pki, name="main", text=b"hello"):
    with ends.tls_dial(one.address(name), ends.client_context(pki.ca)) as client:
        say(client, text)
        client.end()
        client.fate()


class TestServices:
    """Added, removed, changed."""

    def test_connections_keep_what_they_began_with(self, fleet, pki, backend, stack):
        first, second = backend(), backend()
        one = fleet.run({"services": {"main": service(pki, first.url)}})
        old = stack.enter_context(ends.tls_dial(one.address(), ends.client_context(pki.ca)))
        say(old, b"before")
        port, pid = one.port(), one.worker_pid()
        record = reloading.reload(one, {"services": {"main": service(pki, second.url)}})
        assert (record["added"], record["removed"], record["changed"]) == (0, 0, 1)
        assert one.port() == port and one.worker_pid() == pid
        visit(one, pki)
        say(old, b"after")
        old.end()
        old.fate()
        assert [r["connect"] for r in one.wait_logs(2, "connection")] == [second.url, first.url]

    def test_services_come_and_go(self, fleet, pki, backend, stack):
        url = backend().url
        one = fleet.run({"workers": 2, "services": {"main": service(pki, url)}})
        record = reloading.reload(one, {"workers": 2, "services": {
            "main": service(pki, url), "more": service(pki, url)}})
        assert (record["added"], record["removed"], record["changed"]) == (1, 0, 0)
        visit(one, pki, "more")
        visit(one, pki)
        gone = one.address()
        held = stack.enter_context(ends.tls_dial(gone, ends.client_context(pki.ca)))
        record = reloading.reload(one, {"workers": 2, "services": {"more": service(pki, url)}})
        assert (record["added"], record["removed"], record["changed"]) == (0, 1, 0)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(gone, 5)
        say(held, b"lives on")
        visit(one, pki, "more")

    def test_the_same_port_may_become_another_service(self, fleet, pki, backend):
        first, second = backend(), backend()
        one = fleet.run({"services": {"main": service(pki, first.url)}})
        listen = f"tls://127.0.0.1:{one.port()}"
        reloading.reload(one, {"services": {"other": service(pki, second.url, listen=listen)}})
        visit(one, pki, "other")
        assert one.wait_connection()["service"] == "other"
        reloading.reload(one, {"services": {"plain": {
            "listen": listen.replace("tls", "tcp"), "connect": second.url}}})
        with ends.PlainEnd(ends.dial(one.address("plain"))) as client:
            say(client, b"in the clear")

    def test_each_of_two_ports_that_the_kernel_chose_stays(self, fleet, backend):
        config = {"services": {"main": {"listen": ["tcp://127.0.0.1:0", "tcp://127.0.0.1:0"],
                                        "connect": backend().url}}}
        one = fleet.run(config)
        ports = [one.port(index=index) for index in range(2)]
        for _ in range(2):
            reloading.reload(one, config)
            assert [one.port(index=index) for index in range(2)] == ports
            for index in range(2):
                with ends.PlainEnd(ends.dial(one.address(index=index))) as client:
                    say(client, b"x")

    def test_unix_sockets_come_stay_and_go(self, fleet, pki, backend, folder):
        url = backend().url
        paths = [os.path.join(folder, name) for name in ("a", "b")]
        one = fleet.run({"services": {"a": {"listen": f"unix:{paths[0]}", "connect": url}}})
        inode = os.stat(paths[0]).st_ino
        reloading.reload(one, {"services": {
            name: {"listen": f"unix:{path}", "connect": url} for name, path in
            zip("ab", paths)}})
        assert os.stat(paths[0]).st_ino == inode
        for path in paths:
            with ends.PlainEnd(ends.dial(path)) as client:
                say(client, b"x")
        reloading.reload(one, {"services": {"b": {"listen": f"unix:{paths[1]}", "connect": url}}})
        assert not os.path.exists(paths[0])
        with ends.PlainEnd(ends.dial(paths[1])) as client:
            say(client, b"y")

    def test_what_waits_in_the_queue_of_a_removed_listener_is_served(self, fleet, pki, backend,
                                                                    stack):
        url = backend().url
        config = {"services": {"main": service(pki, url), "stays": service(pki, url)}}
        one = fleet.run(config)
        pid = one.worker_pid()
        del config["services"]["main"]
        reloading.rewrite(one, config)
        os.kill(pid, signal.SIGSTOP)
        clients = []
        for _ in range(20):
            end = ends.TlsEnd(stack.enter_context(ends.dial(one.address())),
                              ends.client_context(pki.ca), name="localhost")
            with pytest.raises(ends.ssl.SSLWantReadError):
                end.tls.do_handshake()
            end.flush()
            clients.append(end)
        count = len(reloading.outcomes(one))
        one.signal(signal.SIGHUP)
        os.kill(pid, signal.SIGCONT)
        assert reloading.wait_outcome(one, count)["event"] == "reloaded"
        for client in clients:
            client.handshake()
            say(client, b"not lost")

    def test_the_log_changes_its_format(self, fleet, pki, backend):
        url = backend().url
        one = fleet.run({"services": {"main": service(pki, url)}})
        one.may_warn = True
        reloading.rewrite(one, {"log": {"format": "text"},
                                "services": {"main": service(pki, url)}})
        one.signal(signal.SIGHUP)
        until(lambda: any("event=reloaded" in line for line in one.noise), "a line of text")
        visit(one, pki)
        until(lambda: any("event=connection" in line for line in one.noise), "a line of text")


class TestRefused:
    """The old one goes on, and what is wrong is told."""

    def broken(self, one, pki, config, *words):
        record = reloading.refuse(one, config)
        told = [record["detail"]] + [r["detail"] for r in one.find_logs("config_error")]
        for word in words:
            assert any(word in text for text in told), told
        visit(one, pki)
        return record

    def test_a_file_that_is_no_configuration(self, fleet, pki, backend):
        one = fleet.run({"services": {"main": service(pki, backend().url)}})
        path = one.folder / "sluice.yaml"
        path.write_text("services:\n  main:\n    listn: tls://:1\n")
        reloading.refuse(one)
        assert any(r["at"] == f"{path}:3:5" and "listn" in r["detail"]
                   for r in one.wait_logs(2, "config_error"))
        path.write_text("services: [\n")
        self.broken(one, pki, None)
        path.unlink()
        self.broken(one, pki, None, "sluice.yaml")

    def test_a_certificate_that_is_not_there_or_no_certificate(self, fleet, pki, backend, folder):
        url = backend().url
        one = fleet.run({"services": {"main": service(pki, url)}})
        half = pathlib.Path(folder) / "half.pem"
        half.write_text(pathlib.Path(pki.server.chain).read_text()[:300])
        for chain in (str(half), "/nowhere.pem"):
            self.broken(one, pki, {"services": {"main": {
                "listen": "tls://127.0.0.1:0", "connect": url,
                "certificates": [{"chain": chain, "key": pki.server.key}]}}}, chain)

    def test_a_key_that_is_not_there_or_belongs_to_another(self, fleet, pki, backend):
        url = backend().url
        one = fleet.run({"services": {"main": service(pki, url)}})
        for key in ("/nowhere.key", pki.client.key):
            self.broken(one, pki, {"services": {"main": {
                "listen": "tls://127.0.0.1:0", "connect": url,
                "certificates": [{"chain": pki.server.chain, "key": key}]}}})
        reloading.reload(one, {"services": {"main": service(pki, url)}})
        visit(one, pki)

    def test_a_port_that_somebody_else_has(self, fleet, pki, backend):
        url = backend().url
        one = fleet.run({"services": {"main": service(pki, url)}})
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            config = {"services": {"main": service(pki, url), "fresh": service(pki, url),
                                   "more": service(pki, url, listen=f"tls://127.0.0.1:{port}")}}
            self.broken(one, pki, config, str(port))
        reloading.reload(one)
        visit(one, pki, "more")

    def test_another_user_or_cage(self, fleet, pki, backend):
        url = backend().url
        one = fleet.run({"services": {"main": service(pki, url)}})
        self.broken(one, pki, {"cage": {"mode": "off"}, "services": {"main": service(pki, url)}},
                    "cage")

    def test_what_wants_a_start_is_told_and_the_rest_is_used(self, fleet, pki, backend):
        first, second = backend(), backend()
        one = fleet.run({"services": {"main": service(pki, first.url)}})
        reloading.reload(one, {"limits": {"buffer": "64KiB"},
                               "services": {"main": service(pki, second.url)}})
        assert one.wait_log("restart_needed")["option"] == "limits.buffer"
        visit(one, pki)
        assert one.wait_connection()["connect"] == second.url


class TestWorkers:
    """More of them, and fewer."""

    def test_more_and_fewer_and_nobody_is_lost(self, fleet, pki, backend, stack):
        url = backend().url

        def config(count):
            return {"workers": count, "services": {
                "main": service(pki, url), "plain": {"listen": "tcp://127.0.0.1:0", "connect": url}}}

        one = fleet.run(config(3))
        held = []
        for _ in range(24):
            held.append(stack.enter_context(
                ends.tls_dial(one.address(), ends.client_context(pki.ca))))
            say(held[-1], b"begin")
        with reloading.Load(one.address(), pki.ca) as load:
            for count in (1, 4, 2, 5, 1, 3):
                assert reloading.reload(one, config(count))["workers"] == count
                for client in held:
                    say(client, b"goes on")
                before = load.count
                until(lambda seen=before: load.count > seen + 20, "requests", 30.0)
            assert not load.failures, load.failures
        assert not load.failures, load.failures
        begun = {r["worker"] for r in one.find_logs("worker_started")}
        assert len(begun) >= 5
        for client in held:
            client.end()
            client.fate()
        until(lambda: len(one.worker_pids()) == 3, "those that are left")
        bad = [r for r in one.find_logs("connection") if r["reason"] != "done"]
        assert not bad, bad

    def test_the_queue_of_a_worker_that_leaves_is_served(self, fleet, pki, backend, stack):
        url = backend().url
        one = fleet.run({"workers": 2, "services": {"main": service(pki, url)}})
        pids = [one.worker_pid(0), one.worker_pid(1)]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        clients = []
        for _ in range(20):
            end = ends.TlsEnd(stack.enter_context(ends.dial(one.address())),
                              ends.client_context(pki.ca), name="localhost")
            with pytest.raises(ends.ssl.SSLWantReadError):
                end.tls.do_handshake()
            end.flush()
            clients.append(end)
        one.may_lose_workers = True
        os.kill(pids[1], signal.SIGKILL)
        reloading.rewrite(one, {"workers": 1, "services": {"main": service(pki, url)}})
        one.signal(signal.SIGHUP)
        os.kill(pids[0], signal.SIGCONT)
        assert reloading.wait_outcome(one, 0)["event"] == "reloaded"
        for client in clients:
            client.handshake()
            say(client, b"not lost")


    def test_who_stays_too_long_with_a_worker_that_leaves_is_told_of(self, fleet, backend, stack):
        config = {"drain": "300ms", "workers": 2, "services": {"main": {
            "listen": "tcp://127.0.0.1:0", "connect": backend().url}}}
        one = fleet.run(config)
        for _ in range(24):
            say(stack.enter_context(ends.PlainEnd(ends.dial(one.address()))), b"begin")
        reloading.reload(one, {**config, "workers": 1})
        one.wait_log("worker_left", worker=1)
        cut = one.find_logs("connection")
        assert cut and {(r["worker"], r["reason"]) for r in cut} == {(1, "shutdown")}

    def test_no_socket_is_forgotten_when_a_place_among_others_is_taken_again(
            self, fleet, backend):
        url = backend().url

        def config(count):
            return {"workers": count,
                    "services": {"main": {"listen": "tcp://127.0.0.1:0", "connect": url}}}

        one = fleet.run(config(4))
        slow = one.worker_pid(2)
        os.kill(slow, signal.SIGSTOP)
        reloading.reload(one, config(2))
        one.wait_log("worker_left", worker=3)
        reloading.reload(one, config(3))
        os.kill(slow, signal.SIGCONT)
        one.wait_log("worker_left", worker=2)
        reloading.reload(one, config(4))
        for _ in range(60):  # the kernel shares them out among four sockets
            with ends.PlainEnd(ends.dial(one.address())) as client:
                say(client, b"served")


class TestKeys:
    """New keys beside the old ones, in the process that is there."""

    def test_a_certificate_is_renewed(self, fleet, pki, backend, folder):
        url = backend().url
        chain, key = pathlib.Path(folder) / "c.pem", pathlib.Path(folder) / "k.pem"
        shutil.copy(pki.server.chain, chain)
        shutil.copy(pki.server.key, key)
        os.chmod(key, 0o600)
        one = fleet.run({"services": {"main": {
            "listen": "tls://127.0.0.1:0", "connect": url,
            "certificates": [{"chain": str(chain), "key": str(key)}]}}})
        before = reloading.peer_cert(one.address(), pki.ca)
        fresh = pki.issue("renewed", "DNS:localhost", key="rsa")
        shutil.copy(fresh.chain, chain)
        shutil.copy(fresh.key, key)
        reloading.reload(one)
        after = reloading.peer_cert(one.address(), pki.ca)
        assert after != before
        assert len(one.find_logs("keys_started")) == 1

    def test_keys_come_where_there_were_none_and_many_come_later(self, fleet, pki, backend,
                                                                 folder):
        url = backend().url
        plain = {"listen": "tcp://127.0.0.1:0", "connect": url}
        one = fleet.run({"services": {"plain": plain}})
        reloading.reload(one, {"services": {"plain": plain, "main": service(pki, url)}})
        visit(one, pki)
        many = []
        for number in range(600):  # more than the process was started for: another takes its place
            key = pathlib.Path(folder) / f"{number}.key"
            os.link(pki.server.key, key)
            many.append({"chain": pki.server.chain, "key": str(key)})
        pid = one.find_logs("keys_started")[-1]["pid"]
        reloading.reload(one, {"services": {"plain": plain, "main": {
            **service(pki, url), "certificates": [*many, pki.server.as_config()]}}})
        assert one.find_logs("keys_started")[-1]["pid"] != pid
        visit(one, pki)
        for _ in range(2):
            reloading.reload(one)
        visit(one, pki)
        one.may_lose_workers = True
        os.kill(one.find_logs("keys_started")[-1]["pid"], signal.SIGKILL)
        one.wait_log("keys_died")
        visit(one, pki)
        assert one.find_logs("keys_started")[-1]["keys"] == 601

    def test_a_handshake_under_way_gets_the_signature_of_its_time(self, fleet, pki, backend,
                                                                  folder):
        url = backend().url
        chain, key = pathlib.Path(folder) / "c.pem", pathlib.Path(folder) / "k.pem"
        shutil.copy(pki.server.chain, chain)
        shutil.copy(pki.server.key, key)
        os.chmod(key, 0o600)
        one = fleet.run({"services": {"main": {
            "listen": "tls://127.0.0.1:0", "connect": url,
            "certificates": [{"chain": str(chain), "key": str(key)}]}}})
        count = one.descriptor_count()
        with ends.dial(one.address()) as sock:
            client = ends.TlsEnd(sock, ends.client_context(pki.ca), name="localhost")
            with pytest.raises(ends.ssl.SSLWantReadError):
                client.tls.do_handshake()
            hello = client.outgoing.read()
            sock.sendall(hello[:100])
            until(lambda: one.descriptor_count() > count, "the connection")
            fresh = pki.issue("renewed2", "DNS:localhost", key="rsa")
            shutil.copy(fresh.chain, chain)
            shutil.copy(fresh.key, key)
            reloading.reload(one)
            sock.sendall(hello[100:])
            client.handshake()
            say(client, b"as it began")


class TestDeaths:
    """kill -9 in the middle."""

    def test_of_a_worker_that_builds(self, fleet, pki, backend):
        first, second = backend(), backend()
        one = fleet.run({"workers": 2, "services": {"main": service(pki, first.url)}})
        one.may_lose_workers = True
        reloading.rewrite(one, {"workers": 2, "services": {"main": service(pki, second.url)}})
        pid = one.worker_pid(1)
        os.kill(pid, signal.SIGSTOP)
        one.signal(signal.SIGHUP)
        one.signal(signal.SIGHUP)
        until(lambda: "1" in (one.folder / "ready.json").read_text(), "the file")
        os.kill(pid, signal.SIGKILL)
        assert reloading.wait_outcome(one, 0)["event"] == "reloaded"
        for _ in range(8):
            visit(one, pki)
        assert {r["connect"] for r in one.wait_logs(8, "connection")} == {second.url}

    def test_of_the_keys(self, fleet, pki, backend):
        url = backend().url
        one = fleet.run({"services": {"main": service(pki, url)}})
        for _ in range(3):
            pid = one.find_logs("keys_started")[-1]["pid"]
            count = len(reloading.outcomes(one))
            one.signal(signal.SIGHUP)
            os.kill(pid, signal.SIGKILL)
            reloading.wait_outcome(one, count)
            one.wait_log("keys_died", pid=pid)
            until(lambda: one.find_logs("keys_started")[-1]["pid"] != pid, "the keys")
            visit(one, pki)
        reloading.reload(one)
        visit(one, pki)

    def test_hup_after_hup_is_one_more_in_the_end(self, fleet, pki, backend):
        urls = [backend().url for _ in range(3)]
        one = fleet.run({"workers": 2, "services": {"main": service(pki, urls[0])}})
        for turn in range(10):
            reloading.rewrite(one, {"workers": 2,
                                    "services": {"main": service(pki, urls[turn % 3])}})
            one.signal(signal.SIGHUP)
        visited = []

        def is_last():
            visit(one, pki)
            visited.append(1)
            return one.wait_logs(len(visited), "connection")[-1]["connect"] == urls[0]

        until(is_last, "the last configuration")
        assert not one.find_logs("reload_failed")

    def test_term_in_the_middle_ends_it(self, fleet, pki, backend):
        one = fleet.run({"workers": 2, "services": {"main": service(pki, backend().url)}})
        pid = one.worker_pid(1)
        os.kill(pid, signal.SIGSTOP)
        one.signal(signal.SIGHUP)
        one.signal(signal.SIGTERM)
        os.kill(pid, signal.SIGCONT)
        assert one.wait_exit() == 0
