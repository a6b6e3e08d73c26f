# SPDX-License-Identifier: Apache-2.0
"""Session tickets: resumption on every worker, and never across a boundary."""
import os
import re
import signal
import ssl
import time

import pytest

import ends
import programs
from scale import until


def offload(fleet, pki, url, workers=1, top=None, **service):
    return fleet.run_one("tls://127.0.0.1:0", url, top={"workers": workers, **(top or {})},
                         certificates=[pki.server.as_config()], **service)


def visit(address, context, session=None, name="localhost"):
    """One exchange; gives the session to resume and whether this one was resumed."""
    with ends.tls_dial(address, context, name=name, session=session) as client:
        client.send(b"x")
        client.recv_exactly(1)
        is_resumed, kept = client.tls.session_reused, client.tls.session
        client.end()
        client.fate()
    return kept, is_resumed


@pytest.fixture(name="context", params=["TLSv1_2", "TLSv1_3"])
def fixture_context(pki, request):
    return ends.client_context(pki.ca, version=ssl.TLSVersion[request.param])


class TestResumption:
    """What must resume."""

    @pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
    def test_s_client_resumes(self, fleet, pki, backend, stack, folder, version):
        one = offload(fleet, pki, backend().url)
        for option, pattern in [("-sess_out", "^New, "), ("-sess_in", "^Reused, ")]:
            client = stack.enter_context(programs.s_client(
                one.address(), pki.ca, version, option, f"{folder}/session"))
            client.expect(pattern)
            client.send(b"ticket please\n")
            client.expect(r"^ticket please")
            client.end_input()
            assert client.wait() == 0
        one.wait_logs(2, "connection")
        assert [r["resumed"] for r in one.find_logs("connection")] == [False, True]

    @pytest.mark.parametrize("is_fast", [True, False])
    def test_keys_derived_either_way_resume(self, fleet, pki, backend, context, is_fast):
        one = offload(fleet, pki, backend().url, top={"fast_kdf": is_fast})
        session, _ = visit(one.address(), context)
        kept, is_resumed = visit(one.address(), context, session)
        assert is_resumed and visit(one.address(), context, kept)[1]

    def test_every_worker_takes_the_tickets_of_the_others(self, fleet, pki, backend, context):
        one = offload(fleet, pki, backend().url, workers=2)
        session, _ = visit(one.address(), context)
        issuer = one.wait_connection()["worker"]
        for count in range(2, 60):
            kept, is_resumed = visit(one.address(), context, session)
            assert is_resumed
            session = kept or session
            record = one.wait_logs(count, "connection")[-1]
            if record["worker"] != issuer:
                assert record["resumed"] is True
                return
        raise AssertionError("58 connections and all on one worker")

    def test_tickets_outlive_the_worker(self, fleet, pki, backend, context):
        one = offload(fleet, pki, backend().url)
        one.may_lose_workers = True
        session, _ = visit(one.address(), context)
        os.kill(one.worker_pid(), signal.SIGKILL)
        assert visit(one.address(), context, session)[1]

    def test_one_ticket_for_a_handshake(self, fleet, pki, backend, stack):
        one = offload(fleet, pki, backend().url)
        client = stack.enter_context(programs.s_client(one.address(), pki.ca, "-tls1_3"))
        client.send(b"tickets\n")
        client.expect(r"^tickets")
        client.end_input()
        client.wait()
        assert len(re.findall(r"Post-Handshake New Session Ticket arrived", client.text())) == 1

    def test_the_peer_of_a_resumed_session_is_still_known(self, fleet, pki, backend):
        one = offload(fleet, pki, backend().url, clients={"verify": "require", "ca": pki.ca})
        context = ends.client_context(pki.ca, cert=pki.client)
        session, _ = visit(one.address(), context)
        assert visit(one.address(), context, session)[1]
        records = one.wait_logs(2, "connection")
        assert records[1]["resumed"] and records[1]["peer"] == records[0]["peer"]


class TestBoundaries:
    """What must not resume."""

    def test_a_ticket_is_no_key_to_another_service(self, fleet, pki, backend, context):
        url = backend().url
        one = fleet.run({"services": {
            name: {"listen": "tls://127.0.0.1:0", "connect": url,
                   "certificates": [pki.server.as_config()]} for name in ("a", "b")}})
        session, _ = visit(one.address("a"), context)
        assert visit(one.address("a"), context, session)[1]
        assert not visit(one.address("b"), context, session)[1]

    def test_a_ticket_without_a_certificate_does_not_get_in_where_one_is_demanded(
            self, fleet, pki, backend, context):
        open_backend, closed_backend = backend(), backend()
        certificates = [pki.server.as_config()]
        one = fleet.run({"services": {
            "open": {"listen": "tls://127.0.0.1:0", "connect": open_backend.url,
                     "certificates": certificates},
            "closed": {"listen": "tls://127.0.0.1:0", "connect": closed_backend.url,
                       "certificates": certificates,
                       "clients": {"verify": "require", "ca": pki.ca}}}})
        session, _ = visit(one.address("open"), context)
        with pytest.raises((OSError, ssl.SSLError, ends.Truncated, AssertionError)):
            visit(one.address("closed"), context, session)
        one.wait_connection(service="closed", reason="client_unverified")
        assert all(not v.received for v in closed_backend.visits)

    def test_a_ticket_does_not_resume_under_another_name(self, fleet, pki, backend):
        """RFC 6066 3: a server must not; RFC 8446 4.2.11 leaves TLS 1.3 free to."""
        one = offload(fleet, pki, backend().url)
        context = ends.client_context(pki.ca, version=ssl.TLSVersion.TLSv1_2)
        session, _ = visit(one.address(), context)
        assert not visit(one.address(), context, session, name="sluice.test")[1]

    def test_a_ticket_of_another_program_is_not_taken(self, fleet, pki, backend, context):
        url = backend().url
        first, second = offload(fleet, pki, url), offload(fleet, pki, url)
        session, _ = visit(first.address(), context)
        assert not visit(second.address(), context, session)[1]


class TestRotation:
    """Keys are replaced; a ticket is good for one more period."""

    def test_an_old_ticket_ends_with_its_key(self, fleet, pki, backend, context):
        one = offload(fleet, pki, backend().url, workers=2, top={"tickets": {"rotate": "2s"}})
        session, _ = visit(one.address(), context)
        assert visit(one.address(), context, session)[1]
        begin = time.monotonic()
        until(lambda: not visit(one.address(), context, session)[1], "the ticket to end")
        assert time.monotonic() - begin > 1.5
        fresh, _ = visit(one.address(), context)
        assert visit(one.address(), context, fresh)[1]
