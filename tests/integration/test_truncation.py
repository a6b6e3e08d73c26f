# SPDX-License-Identifier: Apache-2.0
"""A reset, or a FIN without close_notify, reaches the other side as a reset, never as an end."""
import pytest

import ends
from patterns import ALL, UNIX, Pattern

UPSTREAM_TLS = [name for name in ALL if name.endswith("-tls")]
CLIENT_TLS = [name for name in ALL if name.startswith("tls-")]


def end_with(how):
    """A backend that echoes 5 bytes, then ends as told when the test says go."""

    def behave(visit):
        visit.end.send(visit.end.recv_exactly(5))
        assert visit.go.wait(20)
        getattr(visit.end, how)()
        while visit.read():
            pass

    return behave


def talking(pattern):
    """A client whose relay is known to work."""
    client = pattern.dial()
    client.send(b"hello")
    assert client.recv_exactly(5) == b"hello"
    return client


class TestReset:
    """A TCP RST of either side, each pattern."""

    @pytest.mark.parametrize("name", ALL)
    def test_a_reset_by_the_client_reaches_the_upstream(self, name, fleet, backend, pki):
        pattern = Pattern(name, fleet, backend, pki)
        talking(pattern).reset()
        assert pattern.backend.visit().wait() == "reset"
        pattern.sluice.wait_connection(reason="client_reset")

    @pytest.mark.parametrize("name", ALL)
    def test_a_reset_by_the_upstream_reaches_the_client(self, name, fleet, backend, pki):
        pattern = Pattern(name, fleet, backend, pki, end_with("reset"))
        with talking(pattern) as client:
            pattern.backend.visit().go.set()
            assert client.fate() == "reset"
        pattern.sluice.wait_connection(reason="upstream_reset")

    @pytest.mark.parametrize("name", ALL)
    def test_a_reset_after_the_other_way_ended_is_still_one(self, name, fleet, backend, pki):
        pattern = Pattern(name, fleet, backend, pki, end_with("reset"))
        with talking(pattern) as client:
            client.end()
            pattern.backend.visit().go.set()
            assert client.fate() == "reset"
        pattern.sluice.wait_connection(reason="upstream_reset")

    def test_resets_are_counted_in_the_stop_line(self, fleet, backend, pki):
        pattern = Pattern("tls-tcp", fleet, backend, pki)
        for _ in range(3):
            talking(pattern).reset()
        pattern.sluice.wait_logs(3, "connection", reason="client_reset")
        pattern.sluice.signal(15)
        pattern.sluice.wait_exit()
        assert pattern.sluice.wait_log("stop")["reason_client_reset"] == 3


class TestFinWithoutCloseNotify:
    """The end of TCP under an open TLS is a truncation."""

    @pytest.mark.parametrize("name", CLIENT_TLS)
    def test_by_the_client_it_is_a_reset_for_the_upstream(self, name, fleet, backend, pki):
        pattern = Pattern(name, fleet, backend, pki)
        with talking(pattern) as client:
            client.fin()
            assert pattern.backend.visit().wait() == "reset"
        assert pattern.sluice.wait_connection(reason="truncated")["side"] == "client"

    @pytest.mark.parametrize("name", UPSTREAM_TLS)
    def test_by_the_upstream_it_is_a_reset_for_the_client(self, name, fleet, backend, pki):
        pattern = Pattern(name, fleet, backend, pki, end_with("fin"))
        with talking(pattern) as client:
            pattern.backend.visit().go.set()
            assert client.fate() == "reset"
        assert pattern.sluice.wait_connection(reason="truncated")["side"] == "upstream"

    @pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
    def test_it_is_seen_in_both_versions(self, fleet, backend, pki, version):
        pattern = Pattern("tls-tcp", fleet, backend, pki)
        context = ends.client_context(pki.ca, version=ends.ssl.TLSVersion[version])
        with pattern.dial(context) as client:
            client.send(b"x")
            client.recv_exactly(1)
            client.fin()
            assert pattern.backend.visit().wait() == "reset"
        assert pattern.sluice.wait_connection(reason="truncated")["side"] == "client"

    def test_in_the_middle_of_a_record_it_is_one_as_well(self, fleet, backend, pki):
        pattern = Pattern("tls-tcp", fleet, backend, pki)
        with talking(pattern) as client:
            client.tls.write(b"half of this is never sent")
            record = client.outgoing.read()
            client.sock.sendall(record[: len(record) // 2])
            client.fin()
            assert pattern.backend.visit().wait() == "reset"
        assert pattern.sluice.wait_connection(reason="truncated")["side"] == "client"
        assert bytes(pattern.backend.visit().received) == b"hello"

    def test_after_the_upstream_ended_it_is_one_as_well(self, fleet, backend, pki):
        pattern = Pattern("tls-tcp", fleet, backend, pki, end_with("end"))
        with talking(pattern) as client:
            pattern.backend.visit().go.set()
            assert client.recv_all() == b""
            client.fin()
            assert pattern.backend.visit().wait() == "reset"
        assert pattern.sluice.wait_connection(reason="truncated")["side"] == "client"

    def test_it_is_counted_in_the_stop_line(self, fleet, backend, pki):
        pattern = Pattern("tls-tcp", fleet, backend, pki)
        with talking(pattern) as client:
            client.fin()
            client.fate()
        pattern.sluice.wait_connection(reason="truncated")
        pattern.sluice.signal(15)
        pattern.sluice.wait_exit()
        assert pattern.sluice.wait_log("stop")["reason_truncated"] == 1


class TestDamagedRecords:
    """A record that does not decrypt ends the relay with an alert, and the other side hears it."""

    def test_a_damaged_record_of_the_client_never_arrives(self, fleet, backend, pki):
        pattern = Pattern("tls-tcp", fleet, backend, pki)
        with talking(pattern) as client:
            client.tls.write(b"damaged on its way")
            record = bytearray(client.outgoing.read())
            record[-1] ^= 1
            client.sock.sendall(record)
            assert pattern.backend.visit().wait() == "reset"
            with pytest.raises(ends.ssl.SSLError, match="(?i)alert.*mac"):
                client.recv_all()
        record = pattern.sluice.wait_connection(reason="tls_error")
        assert record["side"] == "client" and record["detail"]
        assert bytes(pattern.backend.visit().received) == b"hello"

    def test_a_damaged_record_of_the_upstream_never_arrives(self, fleet, backend, pki):
        def behave(visit):
            visit.end.send(visit.end.recv_exactly(5))
            visit.end.tls.write(b"damaged on its way")
            record = bytearray(visit.end.outgoing.read())
            record[-1] ^= 1
            visit.sock.sendall(record)
            visit.read()

        pattern = Pattern("tcp-tls", fleet, backend, pki, behave)
        with talking(pattern) as client:
            assert client.fate() == "reset"
        assert pattern.sluice.wait_connection(reason="tls_error")["side"] == "upstream"


class TestUnixTruncation:
    """Unix sockets know no reset: the nearest to it is an end, with the reason told in the log."""

    @pytest.mark.parametrize("name", [n for n in UNIX if n.startswith("tls-")])
    def test_a_truncation_is_told(self, name, fleet, backend, pki):
        pattern = Pattern(name, fleet, backend, pki)
        with talking(pattern) as client:
            client.fin()
            assert pattern.backend.visit().wait() in ("reset", "done")
        assert pattern.sluice.wait_connection(reason="truncated")["side"] == "client"
