# SPDX-License-Identifier: Apache-2.0
"""What bounds connections: how many at once, how often, from where, how long; and how it is told."""
import contextlib
import signal
import socket
import subprocess
import time

import pytest

import ends
import peers
import reloading
from scale import MIB, PATIENCE, SLOW, until


@pytest.fixture(name="fleet")
def fixture_fleet(fleet):
    """Clients that are left open do not keep anything from ending; a sanitizer that looks for leaks
    at the end does, and is let."""
    run = fleet.run
    drain = {} if SLOW else {"drain": "0s"}
    fleet.run = lambda config, **options: run({**drain, **config}, **options)
    return fleet


@pytest.fixture(name="echo")
def fixture_echo(stack):
    return stack.enter_context(peers.ManyEcho())


def served(client, word=b"hello"):
    client.send(word)
    return client.recv_exactly(len(word)) == word


def is_refused(address, source=None):
    """Whether a connection is reset before it gets a byte."""
    try:
        with contextlib.closing(socket.create_connection(
                address, ends.TIMEOUT_S, source_address=source)) as sock:
            sock.sendall(b"x")
            return sock.recv(1) == b""
    except (ConnectionResetError, BrokenPipeError):
        return True


def waits(client, seconds=0.3):
    """Whether nothing comes for so long."""
    client.sock.settimeout(seconds)
    try:
        client.recv()
        return False
    except (TimeoutError, socket.timeout):
        return True
    finally:
        client.sock.settimeout(ends.TIMEOUT_S)


def open_client(one, stack, service="main"):
    return stack.enter_context(ends.PlainEnd(ends.dial(one.address(service))))


def stop_line(one):
    one.signal(signal.SIGTERM)
    try:
        one.wait_exit(1.0)
    except subprocess.TimeoutExpired:  # clients are still there
        one.signal(signal.SIGTERM)
        one.wait_exit()
    return one.wait_log("stop")


class TestConnections:
    """`limits.connections`, of a service and of all."""

    def test_of_a_service_more_wait_and_other_services_go_on(self, fleet, echo, stack):
        one = fleet.run({"services": {
            "small": {"listen": "tcp://127.0.0.1:0", "connect": echo.url,
                      "limits": {"connections": 3}},
            "other": {"listen": "tcp://127.0.0.1:0", "connect": echo.url}}})
        clients = [open_client(one, stack, "small") for _ in range(5)]
        for client in clients:
            client.send(b"x")
        for client in clients[:3]:
            assert client.recv_exactly(1) == b"x"
        line = one.wait_log("accept_paused", reason="connections_limit", service="small")
        assert line["connections"] == 3
        assert waits(clients[3])
        assert served(open_client(one, stack, "other"))
        for client in clients[:2]:
            client.end()
            client.fate()
        for client in clients[3:]:
            assert client.recv_exactly(1) == b"x"
        one.wait_log("accept_resumed", service="small")
        assert stop_line(one)["paused_connections_limit"] >= 1

    def test_those_of_before_a_reload_count(self, fleet, echo, stack):
        one = fleet.run({"services": {"main": {"listen": "tcp://127.0.0.1:0", "connect": echo.url,
                                               "limits": {"connections": 2}}}})
        clients = [open_client(one, stack) for _ in range(2)]
        assert all(served(client) for client in clients)
        for _ in range(2):
            reloading.reload(one)
        third = open_client(one, stack)
        third.send(b"hello")
        assert waits(third)
        clients[0].close()
        assert third.recv_exactly(5) == b"hello"

    def test_more_are_refused_where_that_is_wanted(self, fleet, echo, stack):
        one = fleet.run_one("tcp://127.0.0.1:0", echo.url,
                            limits={"connections": 2, "over": "refuse"})
        clients = [open_client(one, stack) for _ in range(2)]
        for client in clients:
            assert served(client)
        for _ in range(4):
            assert is_refused(one.address())
        assert one.wait_log("refused", reason="connections_limit", service="main")
        clients[0].end()
        clients[0].fate()
        one.wait_connection(reason="done")
        assert served(open_client(one, stack))
        assert stop_line(one)["reason_connections_limit"] == 4

    def test_of_all_services_together_more_are_refused(self, fleet, echo, stack):
        one = fleet.run({"limits": {"connections": 2, "over": "refuse"}, "services": {
            name: {"listen": "tcp://127.0.0.1:0", "connect": echo.url} for name in ("a", "b")}})
        for name in ("a", "b"):
            assert served(open_client(one, stack, name))
        assert is_refused(one.address("a")) and is_refused(one.address("b"))
        one.wait_log("refused", reason="connections_limit")

    @pytest.mark.parametrize("of", ["all", "service"])
    def test_workers_share_it_and_never_have_more_in_all(self, fleet, echo, stack, of):
        limits = {"limits": {"connections": 5}}
        one = fleet.run_one("tcp://127.0.0.1:0", echo.url,
                            top={"workers": 2, **(limits if of == "all" else {})},
                            **(limits if of == "service" else {}))
        clients = [open_client(one, stack) for _ in range(40)]
        for client in clients:
            client.send(b"x")
        one.wait_logs(2, "accept_paused")
        assert sorted(r["connections"] for r in one.find_logs("accept_paused")) == [2, 3]
        ready = [c for c in clients if not waits(c, 0.02)]
        assert len(ready) == 5


class TestHandshakes:
    """`limits.handshakes`: clients that have not finished theirs."""

    def config(self, pki, echo, **limits):
        return {"listen": "tls://127.0.0.1:0", "connect": echo.url,
                "certificates": [pki.server.as_config()], "limits": limits}

    def test_silent_clients_fill_it_and_who_is_done_does_not(self, fleet, pki, echo, stack):
        one = fleet.run({"services": {"main": self.config(pki, echo, handshakes=3)}})
        context = ends.client_context(pki.ca)
        for _ in range(6):  # more than three at once, each of them done
            client = stack.enter_context(ends.tls_dial(one.address(), context))
            client.send(b"x")
            assert client.recv_exactly(1) == b"x"
        silent = [open_client(one, stack) for _ in range(3)]
        one_more = ends.TlsEnd(stack.enter_context(ends.dial(one.address())), context,
                               name="localhost")
        one.wait_log("accept_paused", reason="handshakes_limit", service="main")
        silent[0].close()
        one_more.handshake()

    def test_more_are_refused_where_that_is_wanted(self, fleet, pki, echo, stack):
        one = fleet.run({"limits": {"handshakes": 3, "over": "refuse"},
                         "services": {"main": self.config(pki, echo)}})
        for _ in range(3):
            open_client(one, stack)
        until(lambda: is_refused(one.address()), "the limit")
        one.wait_log("refused", reason="handshakes_limit")
        assert stop_line(one)["reason_handshakes_limit"] >= 1


class TestMemory:
    """`limits.memory`: bytes for readers that do not read."""

    def test_over_it_new_ones_wait_and_old_ones_go_on(self, fleet, stack, backend):
        flood = backend(peers.source(64 * MIB))
        echo = stack.enter_context(peers.ManyEcho())
        one = fleet.run({"limits": {"memory": "1MiB", "buffer": "256KiB"}, "services": {
            "flood": {"listen": "tcp://127.0.0.1:0", "connect": flood.url},
            "echo": {"listen": "tcp://127.0.0.1:0", "connect": echo.url}}})
        old = open_client(one, stack, "echo")
        assert served(old)
        lazy = []
        while not one.find_logs("accept_paused", reason="memory_limit"):
            assert len(lazy) < 50, "memory is not counted"
            lazy.append(open_client(one, stack, "flood"))
            time.sleep(0.1)
        late = open_client(one, stack, "echo")
        late.send(b"late")
        assert waits(late)
        assert served(old, b"s" * 100000)
        for client in lazy:
            client.reset()
        assert late.recv_exactly(4) == b"late"
        one.wait_log("accept_resumed")

    def test_over_it_new_ones_are_refused_where_that_is_wanted(self, fleet, stack, backend):
        one = fleet.run_one("tcp://127.0.0.1:0", backend(peers.source(64 * MIB)).url, top={
            "limits": {"memory": "1MiB", "buffer": "256KiB", "over": "refuse"}})
        for _ in range(50):
            if one.find_logs("refused", reason="memory_limit"):
                break
            with contextlib.suppress(ConnectionResetError):
                open_client(one, stack)
            time.sleep(0.1)
        one.wait_log("refused", reason="memory_limit")


class TestRate:
    """`limits.rate`: how often one source may come."""

    def test_a_source_over_its_rate_is_reset_and_others_are_not(self, fleet, echo):
        one = fleet.run_one("tcp://127.0.0.1:0", echo.url, limits={"rate": 1, "burst": 5})
        begin = time.monotonic()
        results = [is_refused(one.address()) for _ in range(20)]
        most = 5 + int(time.monotonic() - begin) + 1
        assert 5 <= results.count(False) <= most and not any(results[:5])
        assert not is_refused(one.address(), ("127.0.0.2", 0))
        lines = one.wait_logs(1, "refused", reason="rate_limit")
        assert lines[0]["count"] == 1 and lines[0]["client"].startswith("127.0.0.1:")
        until(lambda: not is_refused(one.address()), "another token")

    def test_a_flood_does_not_flood_the_log(self, fleet, echo):
        one = fleet.run_one("tcp://127.0.0.1:0", echo.url, limits={"rate": 1})
        begin = time.monotonic()
        refused = sum(is_refused(one.address()) for _ in range(300))
        seconds = time.monotonic() - begin
        line = stop_line(one)
        lines = one.find_logs("refused", reason="rate_limit")
        assert len(lines) <= seconds + 3
        assert sum(r["count"] for r in lines) == line["reason_rate_limit"] == refused

    def test_a_prefix_is_one_source(self, fleet, echo):
        one = fleet.run_one("tcp://127.0.0.1:0", echo.url, limits={"rate": 1, "burst": 2},
                            top={"limits": {"rate_ipv4": 24, "rate_sources": 1024}})
        sources = [(f"127.0.0.{n}", 0) for n in range(2, 12)]
        assert sum(is_refused(one.address(), source) for source in sources) >= 7
        assert not is_refused(one.address(), ("127.0.1.1", 0))

    def test_ipv6_has_a_prefix_of_its_own(self, fleet, echo):
        one = fleet.run_one("tcp://[::]:0", echo.url, limits={"rate": 1, "burst": 2},
                            top={"limits": {"rate_ipv6": 128}})
        port = one.port()
        assert [is_refused(("::1", port)) for _ in range(4)].count(True) >= 1
        assert not is_refused(("127.0.0.1", port))  # seen as the IPv4 client that it is


class TestFrom:
    """`from: {allow, deny}`."""

    def test_only_who_is_allowed_gets_in(self, fleet, echo):
        one = fleet.run_one("tcp://127.0.0.1:0", echo.url,
                            **{"from": {"allow": ["127.0.0.8/29", "127.0.0.1"],
                                        "deny": "127.0.0.9"}})
        for host, is_let_in in [("127.0.0.1", True), ("127.0.0.8", True), ("127.0.0.15", True),
                                ("127.0.0.16", False), ("127.0.0.2", False),
                                ("127.0.0.9", False)]:
            assert is_refused(one.address(), (host, 0)) is not is_let_in, host
        line = one.wait_log("refused", reason="address_denied", service="main")
        assert line["client"].startswith("127.0.0.16:")
        assert stop_line(one)["reason_address_denied"] == 3

    def test_ipv4_over_a_socket_for_both_families_is_ipv4(self, fleet, echo):
        one = fleet.run_one("tcp://[::]:0", echo.url, **{"from": {"deny": "127.0.0.0/8"}})
        assert is_refused(("127.0.0.1", one.port()))
        assert not is_refused(("::1", one.port()))

    def test_ten_thousand_prefixes_are_searched_quickly(self, fleet, echo):
        many = [f"10.{n >> 8}.{n & 255}.0/24" for n in range(10000)]
        one = fleet.run_one("tcp://127.0.0.1:0", echo.url,
                            **{"from": {"deny": many, "allow": ["127.0.0.1"]}})
        begin = one.cpu_s()
        for _ in range(200):
            assert not is_refused(one.address())
        assert one.cpu_s() - begin < 0.5 * PATIENCE

    def test_a_unix_socket_is_named_so(self, fleet, echo, folder):
        one = fleet.run({"services": {
            "open": {"listen": f"unix:{folder}/a", "connect": echo.url, "from": {"allow": "unix"}},
            "shut": {"listen": f"unix:{folder}/b", "connect": echo.url,
                     "from": {"deny": "unix"}}}})
        with ends.PlainEnd(ends.dial(one.address("open"))) as client:
            assert served(client)
        with ends.PlainEnd(ends.dial(one.address("shut"))) as client:
            assert client.fate() in ("clean", "reset")
        one.wait_log("refused", reason="address_denied", service="shut")


class TestTimeouts:
    """Those that tests of other subjects do not have."""

    def test_a_busy_connection_ends_with_its_session(self, fleet, echo):
        one = fleet.run_one("tcp://127.0.0.1:0", echo.url, timeouts={"session": "1s"})
        begin = time.monotonic()
        with ends.PlainEnd(ends.dial(one.address())) as client, \
                pytest.raises((ConnectionResetError, BrokenPipeError, AssertionError)):
            while time.monotonic() < begin + 20:
                served(client)
                time.sleep(0.01)
        assert 0.8 < time.monotonic() - begin < 3 * PATIENCE
        line = one.wait_connection(reason="session_timeout")
        assert line["stage"] == "relay" and line["bytes_to_client"] > 5

    def test_a_session_that_is_over_before_the_upstream_answers(self, fleet, stack):
        hole = stack.enter_context(peers.Unanswering())
        one = fleet.run_one("tcp://127.0.0.1:0", hole.url,
                            timeouts={"session": "1s", "connect": "1m"})
        with ends.PlainEnd(ends.dial(one.address())) as client:
            assert client.fate() == "reset"
        assert one.wait_connection(reason="session_timeout")["stage"] == "connect"

    def test_a_half_closed_connection_ends_before_an_idle_one(self, fleet, backend):
        one = fleet.run_one("tcp://127.0.0.1:0", backend(peers.collect).url,
                            timeouts={"half_close": "1s", "idle": "1m"})
        with ends.PlainEnd(ends.dial(one.address())) as idle, \
                ends.PlainEnd(ends.dial(one.address())) as half:
            idle.send(b"x")
            half.send(b"x")
            begin = time.monotonic()
            half.end()
            assert half.fate() == "reset"
            assert 0.8 < time.monotonic() - begin < 3 * PATIENCE
            one.wait_connection(reason="half_close_timeout")
            assert waits(idle, 0.5)

    def test_bytes_keep_a_half_closed_connection(self, fleet, backend):
        def behave(visit):
            assert visit.end.recv_all() == b"all"
            for _ in range(8):
                time.sleep(0.25)
                visit.end.send(b"y")
            visit.end.end()

        one = fleet.run_one("tcp://127.0.0.1:0", backend(behave).url,
                            timeouts={"half_close": "1s", "idle": "1m"})
        with ends.PlainEnd(ends.dial(one.address())) as client:
            client.send(b"all")
            client.end()
            assert client.recv_all() == b"y" * 8
        one.wait_connection(reason="done")

    def test_the_upstream_handshake_has_a_time_of_its_own(self, fleet, pki, backend):
        one = fleet.run_one("tcp://127.0.0.1:0", backend(peers.silent, is_raw=True).url,
                            upstream={"ca": pki.ca},
                            timeouts={"handshake": "1m", "upstream_handshake": "1s"})
        begin = time.monotonic()
        with ends.PlainEnd(ends.dial(one.address())) as client:
            assert client.fate() == "reset"
        assert 0.8 < time.monotonic() - begin < 3 * PATIENCE
        one.wait_connection(reason="upstream_handshake_timeout")
