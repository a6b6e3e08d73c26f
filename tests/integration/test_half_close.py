# SPDX-License-Identifier: Apache-2.0
"""The end of one direction leaves the other open until its own end."""
import pytest

import ends
import peers
from patterns import ALL, Pattern
from scale import MIB, blocks_hash


def both_ends(fleet, backend, pki, name, behave):
    pattern = Pattern(name, fleet, backend, pki, behave)
    client = pattern.dial()
    client.send(b"hello")
    return pattern, client


@pytest.mark.parametrize("name", ALL)
class TestHalfClose:
    """FIN to FIN, FIN to close_notify, close_notify to FIN, close_notify to close_notify."""

    def test_a_client_that_ended_still_gets_the_whole_answer(self, name, fleet, backend, pki):
        pattern = Pattern(name, fleet, backend, pki, answer_after_end(4 * MIB))
        with pattern.dial() as client:
            client.send(b"a question")
            client.end()
            answer = client.recv_all()
        assert len(answer) == 4 * MIB
        assert pattern.backend.visit().wait() == "done"
        assert bytes(pattern.backend.visit().received) == b"a question"
        record = pattern.sluice.wait_connection(reason="done")
        assert (record["bytes_to_upstream"], record["bytes_to_client"]) == (10, 4 * MIB)

    def test_the_end_reaches_the_server_before_it_ends_itself(self, name, fleet, backend, pki):
        pattern, client = both_ends(fleet, backend, pki, name, wait_between)
        with client:
            client.end()
            visit = pattern.backend.visit()
            assert visit.saw_end.wait(10)
            assert not pattern.sluice.find_logs("connection")
            visit.go.set()
            assert client.recv_all() == b"still here"

    def test_a_server_that_ended_still_gets_all_of_the_client(self, name, fleet, backend, pki):
        pattern = Pattern(name, fleet, backend, pki, end_then_sink)
        with pattern.dial() as client:
            assert client.recv_all() == b"goodbye"
            for _ in range(64):
                client.send(b"y" * 65536)
            client.end()
            assert pattern.backend.visit().wait() == "done"
            assert pattern.backend.visit().received_bytes == 4 * MIB
        pattern.sluice.wait_connection(reason="done")

    def test_both_ends_at_once_are_a_clean_end(self, name, fleet, backend, pki):
        pattern, client = both_ends(fleet, backend, pki, name, end_at_once)
        with client:
            client.end()
            assert client.recv_all() == b""
        assert pattern.backend.visit().wait() == "done"
        pattern.sluice.wait_connection(reason="done")

    def test_bytes_right_before_the_end_are_not_lost(self, name, fleet, backend, pki):
        pattern = Pattern(name, fleet, backend, pki, peers.sink)
        for size in [1, 16384, 16385, 65536, 300000]:
            with pattern.dial() as client:
                client.send(next(iter(peers.blocks(min(size, 65536)))) * (1 + size // 65536))
                client.end()
                assert len(client.recv_all()) == 64
            pattern.backend.visits[-1].wait()
        pattern.sluice.wait_logs(5, "connection", reason="done")

    def test_a_source_is_heard_to_its_end(self, name, fleet, backend, pki):
        pattern = Pattern(name, fleet, backend, pki, peers.source(8 * MIB))
        with pattern.dial() as client:
            data = client.recv_all()
            client.end()
        assert peers.hashlib.sha256(data).hexdigest() == blocks_hash(8 * MIB)


class TestTlsEndsWithFin:
    """close_notify and a FIN right behind it is a clean half-close as well."""

    def test_the_answer_still_comes(self, fleet, backend, pki):
        pattern = Pattern("tls-tcp", fleet, backend, pki, peers.sink)
        with pattern.dial() as client:
            client.send(b"z" * 1000)
            client.end()
            client.fin()
            assert len(client.recv_all()) == 64
        pattern.sluice.wait_connection(reason="done")

    @pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
    def test_half_close_works_in_both_versions(self, fleet, backend, pki, version):
        pattern = Pattern("tls-tcp", fleet, backend, pki, answer_after_end(MIB))
        context = ends.client_context(pki.ca, version=ends.ssl.TLSVersion[version])
        with pattern.dial(context) as client:
            client.send(b"ask")
            client.end()
            assert len(client.recv_all()) == MIB
        pattern.sluice.wait_connection(reason="done")


def answer_after_end(total_bytes):
    """Waits for the other's end, then sends."""

    def behave(visit):
        while visit.read():
            pass
        visit.end.send(b"a" * total_bytes)
        visit.end.end()

    return behave


def wait_between(visit):
    """Tells the test that the end has come, and answers when told to."""
    visit.saw_end = peers.threading.Event()
    while visit.read():
        pass
    visit.saw_end.set()
    assert visit.go.wait(20)
    visit.end.send(b"still here")
    visit.end.end()


def end_then_sink(visit):
    visit.end.send(b"goodbye")
    visit.end.end()
    while True:
        data = visit.end.recv()
        visit.received_bytes += len(data)
        if not data:
            return


def end_at_once(visit):
    visit.end.end()
    while visit.read():
        pass
