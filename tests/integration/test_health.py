# SPDX-License-Identifier: Apache-2.0
"""Checks of servers while no client comes: how many they get, and what comes of them."""
import os
import signal
import time

import ends
import peers
from scale import PATIENCE, until

CHECK = {"type": "connect", "interval": "300ms", "timeout": "300ms", "rise": 2, "fall": 2}


def serve(fleet, urls, workers=1, **service):
    service.setdefault("health", CHECK)
    return fleet.run_one("tcp://127.0.0.1:0", urls, top={"workers": workers}, **service)


def reaches(one, visits_of):
    before = len(visits_of.visits)
    with ends.PlainEnd(ends.dial(one.address())) as client:
        client.send(b"hello")
        assert client.recv_exactly(5) == b"hello"
        client.end()
        client.fate()
    return len(visits_of.visits) > before


class TestCount:
    """One check an interval, however many workers there are."""

    def rate(self, backend, periods=8):
        """Checks that come in so many intervals."""
        before, begin = len(backend.visits), time.monotonic()
        until(lambda: time.monotonic() - begin > 0.3 * periods, "some intervals to pass")
        return (len(backend.visits) - before) / ((time.monotonic() - begin) / 0.3)

    def test_workers_check_in_turn(self, fleet, backend):
        behind = backend()
        one = serve(fleet, behind.url, workers=4)
        behind.visit()
        assert 0.2 < self.rate(behind) < 1.4
        one.stop()
        assert 1 < one.find_logs("stop")[0]["upstream_checks"] <= len(behind.visits)

    def test_workers_that_die_are_not_missed(self, fleet, backend):
        behind = backend()
        one = serve(fleet, behind.url, workers=3)
        one.may_lose_workers = True
        behind.visit()
        for worker in (0, 1):
            os.kill(one.worker_pid(worker), signal.SIGSTOP if worker else signal.SIGKILL)
        assert 0.2 < self.rate(behind) < 1.4
        os.kill(one.worker_pid(1), signal.SIGCONT)

    def test_no_check_comes_when_none_is_wanted(self, fleet, backend):
        behind = backend()
        fleet.run_one("tcp://127.0.0.1:0", behind.url)
        assert self.rate(behind, 3) == 0


class TestOutcome:
    """Down and up, told once."""

    def test_a_server_that_is_down_gets_no_client(self, fleet, backend, stack):
        down, up = stack.enter_context(peers.Refusing()), backend()
        one = serve(fleet, [f"tcp://127.0.0.1:{down.port}", up.url], workers=3)
        record = one.wait_log("upstream_down")
        assert record["reason"] == "upstream_refused" and "out_ms" not in record
        for _ in range(10):
            assert reaches(one, up)
        assert not any("tries" in r for r in one.wait_logs(10, "connection", reason="done"))
        down.sock.listen(50)
        assert one.wait_log("upstream_up")["reason"] == "check"
        assert len(one.find_logs("upstream_down")) == 1  # not once for each worker

    def test_one_that_does_not_answer_is_down(self, fleet, backend, stack):
        hole = stack.enter_context(peers.Unanswering())
        one = serve(fleet, [hole.url, backend().url])
        assert one.wait_log("upstream_down")["reason"] == "connect_timeout"

    def test_when_all_are_down_they_are_tried_nevertheless(self, fleet, stack):
        down = stack.enter_context(peers.Refusing())
        one = serve(fleet, f"tcp://127.0.0.1:{down.port}", health={**CHECK, "rise": 100})
        one.wait_log("upstream_down")
        down.sock.listen(50)
        with ends.PlainEnd(ends.dial(one.address())) as client:
            client.send(b"now")

            def is_ours():
                accepted, _ = down.sock.accept()
                with accepted:
                    accepted.settimeout(10)
                    return accepted.recv(3) == b"now"  # a check says nothing

            until(is_ours, "the client at the server")


class TestTls:
    """A handshake as well."""

    TLS = {**CHECK, "type": "tls"}

    def test_a_wrong_certificate_is_down(self, fleet, backend, pki):
        good = backend(context=ends.server_context(pki.server))
        bad = backend(context=ends.server_context(pki.foreign))
        one = serve(fleet, [bad.url, good.url], health=self.TLS, upstream={"ca": pki.ca})
        record = one.wait_log("upstream_down")
        assert record["reason"] == "upstream_unverified" and record["connect"] == bad.url
        assert "issuer" in record["detail"]
        assert reaches(one, good)
        assert not any(visit.received for visit in bad.visits)

    def test_one_that_only_accepts_is_up_for_one_kind_of_check_alone(self, fleet, backend, pki):
        mute = backend(peers.silent, is_raw=True)
        url = mute.url.replace("tcp:", "tls:")
        one = serve(fleet, url, health=self.TLS, upstream={"ca": pki.ca})
        assert one.wait_log("upstream_down")["reason"] == "upstream_handshake_timeout"
        two = serve(fleet, url, upstream={"ca": pki.ca})
        before = len(mute.visits)
        until(lambda: len(mute.visits) > before + 4, "some checks")
        assert not two.find_logs("upstream_down")

    def test_every_check_sees_the_certificate(self, fleet, backend, pki):
        """None resumes a session, in which no certificate is shown. In TLS 1.2 it could: its ticket
        comes before the handshake is done."""
        behind = backend(context=ends.server_context(pki.server,
                                                     version=ends.ssl.TLSVersion.TLSv1_2))
        serve(fleet, behind.url, health=self.TLS, upstream={"ca": pki.ca})
        visits = [behind.visit(i) for i in range(4)]
        assert not any(visit.end.tls.session_reused for visit in visits)
        assert all(visit.wait(5 * PATIENCE) in ("done", "truncated", "reset") for visit in visits)

    def test_a_check_begins_with_the_header_that_the_server_wants(self, fleet, backend):
        behind = backend(peers.collect)
        one = serve(fleet, behind.url, upstream={"proxy_protocol": "v2"})
        visit = behind.visit()
        until(lambda: len(visit.received) >= 16, "the header")
        assert visit.received[:12] == b"\r\n\r\n\0\r\nQUIT\n"
        assert visit.received[12:] == b"\x20\0\0\0"  # LOCAL: of nobody
        visit.go.set()
        assert one
