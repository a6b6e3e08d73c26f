# SPDX-License-Identifier: Apache-2.0
"""Several servers behind one service: who gets which connection, and what happens when one fails."""
import collections
import socket
import threading

import pytest

import ends
import peers
import programs
from scale import until

COUNT = 60


def talk(one, source=None):
    """One short connection; gives what the server says of itself."""
    sock = socket.create_connection(one.address(), 20, source_address=source and (source, 0))
    with ends.PlainEnd(sock) as client:
        client.send(b"who?")
        name = client.recv_exactly(1)
        client.end()
        client.fate()
    return name


def named(name):
    """A behaviour that answers with one byte, and stays until the client leaves."""
    def behave(visit):
        if visit.read():
            visit.end.send(name)
            while visit.read():
                pass
            visit.end.end()
    return behave


def tally(one, count=COUNT, **options):
    return collections.Counter(talk(one, **options) for _ in range(count))


@pytest.fixture(name="servers")
def fixture_servers(backend):
    """servers(n): so many, which answer with a, b, c …"""
    return lambda count, **options: [backend(named(bytes([97 + i])), **options)
                                     for i in range(count)]


def serve(fleet, urls, **service):
    return fleet.run_one("tcp://127.0.0.1:0", urls, **service)


def weighted(servers, *weights):
    return [{"url": server.url, "weight": weight} for server, weight in zip(servers, weights)]


class TestShares:
    """Connections one after the other, and such as stay."""

    def test_round_robin_goes_by_weight(self, fleet, servers):
        one = serve(fleet, weighted(servers(4), 3, 2, 1, 0), balance="round-robin")
        assert tally(one) == {b"a": COUNT // 2, b"b": COUNT // 3, b"c": COUNT // 6}

    def test_the_first_takes_all_when_nothing_is_said(self, fleet, servers):
        assert tally(serve(fleet, [s.url for s in servers(2)])) == {b"a": COUNT}

    def test_a_client_address_stands_for_a_server(self, fleet, servers):
        one = serve(fleet, [s.url for s in servers(4)], balance="source-hash")
        homes = {f"127.0.1.{host}": tally(one, 2, source=f"127.0.1.{host}")
                 for host in range(1, 41)}
        assert all(len(home) == 1 for home in homes.values()), homes
        spread = collections.Counter(next(iter(home)) for home in homes.values())
        assert len(spread) == 4 and max(spread.values()) < 25, spread

    def test_the_one_with_fewer_connections_is_next(self, fleet, servers):
        behind = servers(2)
        one = serve(fleet, [s.url for s in behind], balance="least-connections")
        held = []
        for _ in range(10):
            client = ends.PlainEnd(ends.dial(one.address()))
            client.send(b"who?")
            held.append((client.recv_exactly(1), client))
        assert collections.Counter(name for name, _ in held) == {b"a": 5, b"b": 5}
        for name, client in held:
            if name == b"b":
                client.end()
                client.fate()
                client.close()
        one.wait_logs(5, "connection")
        assert tally(one, 5) == {b"b": 5}
        for _, client in held:
            client.close()

    def test_of_two_drawn_the_lighter_is_taken(self, fleet, servers):
        one = serve(fleet, [s.url for s in servers(3)], balance="random-of-two")
        clients = []
        names = collections.Counter()
        for _ in range(COUNT):
            client = ends.PlainEnd(ends.dial(one.address()))
            client.send(b"who?")
            names[client.recv_exactly(1)] += 1
            clients.append(client)
        assert all(abs(names[name] - COUNT // 3) <= 4 for name in (b"a", b"b", b"c")), names
        for client in clients:
            client.close()


class TestFailures:
    """No client notices while another server lives."""

    def test_a_server_that_refuses_is_passed_over_and_left_out(self, fleet, servers, stack):
        down = stack.enter_context(peers.Refusing())
        one = serve(fleet, [f"tcp://127.0.0.1:{down.port}", servers(1)[0].url],
                    balance="round-robin")
        assert tally(one) == {b"a": COUNT}
        record = one.wait_log("upstream_down")
        assert record["reason"] == "upstream_refused" and record["out_ms"] == 5000
        assert record["connect"].endswith(str(down.port)) and record["service"] == "main"
        records = one.wait_logs(COUNT, "connection", reason="done")
        assert sum("tries" in record for record in records) == 3
        assert {record.get("tries", 2) for record in records} == {2}

    def test_one_that_is_killed_amid_the_run_is_not_missed(self, fleet, servers):
        behind = servers(3)
        one = serve(fleet, [s.url for s in behind], balance="round-robin")
        assert set(tally(one, 9)) == {b"a", b"b", b"c"}
        behind[1].__exit__(None, None, None)
        assert set(tally(one)) == {b"a", b"c"}
        one.wait_logs(9 + COUNT, "connection", reason="done")

    def test_one_that_does_not_answer_is_passed_over_in_its_time(self, fleet, servers, stack):
        hole = stack.enter_context(peers.Unanswering())
        one = serve(fleet, [hole.url, servers(1)[0].url], timeouts={"connect": "2s"},
                    ejection={"failures": 2})
        assert tally(one, 6) == {b"a": 6}
        assert one.wait_log("upstream_down")["reason"] == "connect_timeout"
        took = [r["connect_ms"] for r in one.wait_logs(6, "connection", reason="done")]
        assert sum(ms >= 950 for ms in took) == 2 and max(took) < 2000, took

    def test_one_whose_handshake_fails_is_passed_over(self, fleet, servers, backend, pki):
        good = servers(1, context=ends.server_context(pki.server))[0]
        bad = backend(context=ends.server_context(pki.foreign))
        one = serve(fleet, [bad.url, good.url], upstream={"ca": pki.ca},
                    ejection={"failures": 2})
        assert tally(one, 6) == {b"a": 6}
        assert one.wait_log("upstream_down")["reason"] == "upstream_unverified"
        assert len(bad.visits) == 2 and not any(visit.received for visit in bad.visits)

    def test_one_that_closes_in_the_handshake_is_passed_over(self, fleet, servers, backend, pki):
        def behave(visit):
            visit.read()
            visit.end.reset()

        good = servers(1, context=ends.server_context(pki.server))[0]
        bad = backend(behave, is_raw=True)
        one = fleet.run_one("tls://127.0.0.1:0", [bad.url.replace("tcp:", "tls:"), good.url],
                            certificates=[pki.server.as_config()], upstream={"ca": pki.ca})
        for _ in range(6):
            with ends.tls_dial(one.address(), ends.client_context(pki.ca, alpn=["x"])) as client:
                client.send(b"who?")
                assert client.recv_exactly(1) == b"a"
                client.end()
                client.fate()
        assert one.wait_log("upstream_down")["reason"] == "upstream_closed"

    def test_one_that_is_silent_in_its_handshake_is_passed_over_in_time(self, fleet, servers,
                                                                        backend, pki):
        good = servers(1, context=ends.server_context(pki.server))[0]
        mute = backend(peers.silent, is_raw=True)
        one = serve(fleet, [mute.url.replace("tcp:", "tls:"), good.url], upstream={"ca": pki.ca},
                    timeouts={"handshake": "500ms"}, ejection={"failures": 1})
        assert tally(one, 3) == {b"a": 3}
        assert one.wait_log("upstream_down")["reason"] == "upstream_handshake_timeout"
        assert len(mute.visits) == 1

    def test_a_client_that_stalls_is_no_failure_of_the_server(self, fleet, servers, pki):
        """Its handshake goes on when the server has chosen the protocol; then it says no more."""
        good = servers(2, context=ends.server_context(pki.server, alpn=["x"]))
        one = fleet.run_one("tls://127.0.0.1:0", [g.url for g in good],
                            certificates=[pki.server.as_config()], upstream={"ca": pki.ca},
                            timeouts={"handshake": "500ms"}, ejection={"failures": 1})
        with ends.TlsEnd(ends.dial(one.address()), ends.client_context(pki.ca, alpn=["x"]),
                         name="localhost") as end:
            with pytest.raises(ends.ssl.SSLWantReadError):
                end.tls.do_handshake()
            end.flush()
            record = one.wait_connection(reason="handshake_timeout")
        assert "tries" not in record and not one.find_logs("upstream_down")
        assert not good[1].visits

    def test_a_protocol_that_no_server_speaks_is_no_failure_of_theirs(self, fleet, stack, pki):
        """Else a client could have all of them left out, by what it offers."""
        behind = [stack.enter_context(programs.s_server(pki.server, "-rev", "-alpn", "h2"))
                  for _ in range(2)]
        one = fleet.run_one("tls://127.0.0.1:0", [f"tls://127.0.0.1:{b.port}" for b in behind],
                            certificates=[pki.server.as_config()], upstream={"ca": pki.ca})
        for _ in range(5):
            with pytest.raises((OSError, ends.Truncated)):
                ends.tls_dial(one.address(), ends.client_context(pki.ca, alpn=["other"]))
        records = one.wait_logs(5, "connection", reason="upstream_handshake_failed")
        assert not any("tries" in record for record in records), records
        assert "application protocol" in records[0]["detail"]
        assert not one.find_logs("upstream_down")
        with ends.tls_dial(one.address(), ends.client_context(pki.ca, alpn=["h2"])) as client:
            client.send(b"ab\n")
            assert client.recv_exactly(3) == b"ba\n"

    def test_so_many_servers_are_tried_as_may_be(self, fleet, servers, stack):
        down = [stack.enter_context(peers.Refusing()) for _ in range(2)]
        urls = [f"tcp://127.0.0.1:{d.port}" for d in down] + [servers(1)[0].url]
        one = serve(fleet, urls, tries=2)
        assert ends.fate_of_dialling(one.address()) == "reset"
        assert one.wait_connection(reason="upstream_refused")["tries"] == 2

    def test_all_that_are_left_out_are_tried_for_want_of_others(self, fleet, stack):
        down = stack.enter_context(peers.Refusing())
        one = serve(fleet, f"tcp://127.0.0.1:{down.port}",
                    ejection={"failures": 1, "time": "1h", "time_max": "1h"})
        assert ends.fate_of_dialling(one.address()) == "reset"
        one.wait_log("upstream_down")
        down.sock.listen(5)
        with ends.PlainEnd(ends.dial(one.address())) as client:
            client.send(b"now")
            accepted, _ = down.sock.accept()
            with accepted:
                accepted.settimeout(10)
                assert accepted.recv(3) == b"now"
        assert one.wait_log("upstream_up")["reason"] == "answers"

    def test_a_backup_takes_over_and_gives_back(self, fleet, servers, stack):
        first = stack.enter_context(peers.Refusing())
        one = serve(fleet, [{"url": servers(1)[0].url, "backup": True},
                            f"tcp://127.0.0.1:{first.port}"],
                    ejection={"failures": 1, "time": "200ms"})
        assert tally(one, 5) == {b"a": 5}
        first.sock.listen(50)
        stack.enter_context(serving(first.sock, named(b"z")))
        until(lambda: talk(one) == b"z", "the first server's return")
        assert tally(one, 5) == {b"z": 5}

    def test_one_that_comes_back_gets_its_share_little_by_little(self, fleet, servers, stack):
        down = stack.enter_context(peers.Refusing())
        one = serve(fleet, [servers(1)[0].url, f"tcp://127.0.0.1:{down.port}"],
                    balance="round-robin", slow_start="1h", ejection={"failures": 1, "time": "1s"})
        assert tally(one, 4) == {b"a": 4}
        one.wait_log("upstream_down")
        down.sock.listen(50)
        stack.enter_context(serving(down.sock, named(b"z")))
        until(lambda: talk(one) == b"z", "the return of the one that refused")
        assert tally(one) == {b"a": COUNT}  # its share is next to nothing for a long time
        one.wait_log("upstream_up")


class TestResumption:
    """Sessions toward servers with TLS, each of which knows only its own."""

    def test_each_server_is_offered_what_it_gave(self, fleet, backend, pki):
        """A session of another server's would not be resumed: its ticket is sealed otherwise."""
        behind = [backend(named(name), context=ends.server_context(pki.server))
                  for name in (b"a", b"b", b"c")]
        one = serve(fleet, [b.url for b in behind], balance="round-robin",
                    upstream={"ca": pki.ca})
        assert tally(one, 12) == {b"a": 4, b"b": 4, b"c": 4}
        records = one.wait_logs(12, "connection", reason="done")
        assert [record["upstream_resumed"] for record in records] == [False] * 3 + [True] * 9

    def test_many_at_once_find_a_session_each(self, fleet, backend, pki):
        behind = backend(context=ends.server_context(pki.server))
        one = serve(fleet, behind.url, upstream={"ca": pki.ca})
        for turn in range(1, 6):
            clients = [ends.PlainEnd(ends.dial(one.address())) for _ in range(16)]
            for client in clients:
                client.send(b"hello")
            for client in clients:
                assert client.recv_exactly(5) == b"hello"
                client.end()
            for client in clients:
                client.fate()
                client.close()
            records = one.wait_logs(16 * turn, "connection", reason="done")
        # with four kept it was less than half of them; a ticket may come when its connection is over
        assert sum(record["upstream_resumed"] for record in records[-32:]) >= 24


class serving:  # pylint: disable=invalid-name
    """Lets a socket that was only bound serve as a backend."""

    def __init__(self, sock, behave):
        self.sock, self.behave = sock, behave
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)

    def _run(self):
        while True:
            try:
                sock, _ = self.sock.accept()
            except OSError:
                return
            visit = peers.Visit(sock)
            visit.end = ends.PlainEnd(sock)
            try:
                self.behave(visit)
            except OSError:
                pass
            sock.close()
