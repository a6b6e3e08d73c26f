# SPDX-License-Identifier: Apache-2.0
"""Upstreams that are down, slow, or not who they should be."""
import time

import pytest

import ends
import peers
import programs
from scale import PATIENCE


def plain_client(one):
    return ends.PlainEnd(ends.dial(one.address()))


def fails(one, reason, data=b"secret of the client"):
    """A client whose connection must end for this reason; gives the log record."""
    try:
        with plain_client(one) as client:
            client.send(data)
            assert client.fate() in ("clean", "reset")
    except (ConnectionResetError, BrokenPipeError):
        pass  # it was that quick
    return one.wait_connection(reason=reason)


def works(one, data=b"hello"):
    with plain_client(one) as client:
        client.send(data)
        assert client.recv_exactly(len(data)) == data
        client.end()
        client.fate()


class TestDown:
    """Nobody there."""

    def test_a_refusing_upstream_ends_the_client_promptly(self, fleet, stack):
        down = stack.enter_context(peers.Refusing())
        one = fleet.serve("tcp://127.0.0.1:0", f"tcp://127.0.0.1:{down.port}")
        begin = time.monotonic()
        record = fails(one, "upstream_refused")
        assert time.monotonic() - begin < 1.0 * PATIENCE
        assert record["bytes_to_upstream"] == 0

    def test_a_tls_client_of_a_refusing_upstream_is_ended_promptly(self, fleet, pki, stack):
        down = stack.enter_context(peers.Refusing())
        one = fleet.serve("tls://127.0.0.1:0", f"tcp://127.0.0.1:{down.port}",
                          "--cert", pki.server.chain, "--key", pki.server.key)
        begin = time.monotonic()
        try:
            with ends.tls_dial(one.address(), ends.client_context(pki.ca)) as client:
                client.fate()
        except (OSError, ends.Truncated):
            pass
        assert time.monotonic() - begin < 1.0 * PATIENCE
        one.wait_connection(reason="upstream_refused")

    def test_the_next_url_is_tried(self, fleet, stack, backend):
        down = stack.enter_context(peers.Refusing())
        up = backend()
        one = fleet.run_one("tcp://127.0.0.1:0", [f"tcp://127.0.0.1:{down.port}", up.url])
        works(one)
        assert one.wait_connection(reason="done")["upstream"].endswith(str(up.port))

    def test_the_first_url_is_used_while_it_works(self, fleet, backend):
        first, second = backend(), backend()
        one = fleet.run_one("tcp://127.0.0.1:0", [first.url, second.url])
        for _ in range(5):
            works(one)
        assert len(first.visits) == 5 and not second.visits

    def test_an_upstream_that_comes_back_is_used_again(self, fleet, stack):
        down = stack.enter_context(peers.Refusing())
        one = fleet.serve("tcp://127.0.0.1:0", f"tcp://127.0.0.1:{down.port}")
        fails(one, "upstream_refused")
        down.sock.listen(5)
        with plain_client(one) as client:
            client.send(b"now")
            accepted, _ = down.sock.accept()
            with accepted:
                accepted.settimeout(10)
                assert accepted.recv(3) == b"now"

    def test_an_unanswering_upstream_times_out(self, fleet, stack):
        hole = stack.enter_context(peers.Unanswering())
        one = fleet.run_one("tcp://127.0.0.1:0", hole.url, timeouts={"connect": "1s"})
        begin = time.monotonic()
        fails(one, "connect_timeout")
        assert 0.8 < time.monotonic() - begin < 3 * PATIENCE

    def test_the_next_url_is_tried_after_a_timeout(self, fleet, stack, backend):
        hole = stack.enter_context(peers.Unanswering())
        one = fleet.run_one("tcp://127.0.0.1:0", [hole.url, backend().url],
                            timeouts={"connect": "1s"})
        works(one)

    def test_a_client_that_leaves_while_we_connect_is_told_apart(self, fleet, stack):
        hole = stack.enter_context(peers.Unanswering())
        one = fleet.run_one("tcp://127.0.0.1:0", hole.url, timeouts={"connect": "20s"})
        with plain_client(one) as client:
            client.reset()
        one.wait_connection(reason="client_closed")

    def test_a_name_with_two_addresses_of_which_one_works(self, fleet, stack, backend):
        """localhost is ::1 and 127.0.0.1; the backend is on the second alone."""
        one = fleet.serve("tcp://127.0.0.1:0", f"tcp://localhost:{backend().port}")
        works(one)


def encrypting(fleet, pki, url, *options):
    return fleet.serve("tcp://127.0.0.1:0", url, "--ca", pki.ca, *options)


class TestUnverified:
    """A certificate that must not be accepted: not one byte of the client's goes out."""

    def refused(self, fleet, pki, backend, cert, text, host="127.0.0.1", options=()):
        one_backend = backend(context=ends.server_context(cert))
        one = encrypting(fleet, pki, f"tls://{host}:{one_backend.port}", *options)
        record = fails(one, "upstream_unverified")
        assert text in record["detail"].lower(), record["detail"]
        assert record["bytes_to_upstream"] == 0
        outcome = one_backend.visit().wait()
        assert outcome.startswith("handshake:") and "alert" in outcome.lower(), outcome
        assert not one_backend.visit().received

    def test_another_ca(self, fleet, pki, backend):
        self.refused(fleet, pki, backend, pki.foreign, "issuer certificate")

    def test_another_name(self, fleet, pki, backend):
        self.refused(fleet, pki, backend, pki.other, "hostname mismatch", host="localhost")

    def test_another_name_than_the_one_asked_for(self, fleet, pki, backend):
        self.refused(fleet, pki, backend, pki.server, "hostname mismatch",
                     options=["--name", "else.test"])

    def test_expired(self, fleet, pki, backend):
        self.refused(fleet, pki, backend, pki.expired, "expired")

    def test_an_address_that_is_not_in_the_certificate(self, fleet, pki, backend):
        self.refused(fleet, pki, backend, pki.dns_only, "ip address mismatch")

    def test_a_certificate_that_is_for_clients(self, fleet, pki, backend):
        self.refused(fleet, pki, backend, pki.client, "", options=["--name", "client-one"])

    def test_without_a_ca_the_system_store_counts(self, fleet, pki, backend):
        one_backend = backend(context=ends.server_context(pki.server))
        one = fleet.serve("tcp://127.0.0.1:0", one_backend.url)
        fails(one, "upstream_unverified")
        assert not one_backend.visit().received
        assert pki.ca

    def test_in_a_bridge_the_client_gets_nothing_either(self, fleet, pki, backend):
        one_backend = backend(context=ends.server_context(pki.foreign))
        one = fleet.serve("tls://127.0.0.1:0", one_backend.url, "--cert", pki.server.chain,
                          "--key", pki.server.key, "--ca", pki.ca)
        try:
            with ends.tls_dial(one.address(), ends.client_context(pki.ca)) as client:
                client.send(b"secret of the client")
                client.fate()
        except (OSError, ends.Truncated):
            pass
        one.wait_connection(reason="upstream_unverified")
        assert one_backend.visit().wait().startswith("handshake:")
        assert not one_backend.visit().received

    def test_no_refused_session_is_ever_resumed(self, fleet, pki, backend):
        one_backend = backend(context=ends.server_context(pki.foreign))
        one = encrypting(fleet, pki, one_backend.url)
        for count in range(3):
            fails(one, "upstream_unverified")
            one.wait_logs(count + 1, "connection", reason="upstream_unverified")
        assert all(not visit.received for visit in one_backend.visits)


class TestVerified:
    """Certificates that are right."""

    @pytest.mark.parametrize("cert, host, options", [
        ("server", "127.0.0.1", []), ("server", "localhost", []), ("ip_only", "127.0.0.1", []),
        ("dns_only", "127.0.0.1", ["--name", "sluice.test"]), ("server_rsa", "localhost", []),
        ("wild", "127.0.0.1", ["--name", "any.wild.test"])])
    def test_it_works(self, fleet, pki, backend, cert, host, options):
        one_backend = backend(context=ends.server_context(getattr(pki, cert)))
        works(encrypting(fleet, pki, f"tls://{host}:{one_backend.port}", *options))

    def test_an_ipv6_address_is_verified(self, fleet, pki, backend):
        one_backend = backend(context=ends.server_context(pki.server), host="::1")
        works(encrypting(fleet, pki, one_backend.url))

    def test_verification_can_be_turned_off(self, fleet, backend, pki):
        one_backend = backend(context=ends.server_context(pki.foreign))
        one = fleet.serve("tcp://127.0.0.1:0", one_backend.url, "--verify", "off")
        one.may_warn = True
        works(one)
        assert "not verified" in "\n".join(one.noise) + str(one.records)

    def test_the_system_store_can_be_another(self, fleet, backend, pki):
        one_backend = backend(context=ends.server_context(pki.server))
        works(fleet.serve("tcp://127.0.0.1:0", one_backend.url, env={"SSL_CERT_FILE": pki.ca}))


class TestBrokenHandshakes:
    """Something else than a good TLS server behind."""

    def test_a_plain_service_is_not_tls(self, fleet, pki, backend):
        def behave(visit):
            visit.read()
            visit.end.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            visit.read()

        one = encrypting(fleet, pki, backend(behave, is_raw=True).url)
        assert "HTTP" in fails(one, "upstream_not_tls")["detail"]

    def test_a_silent_one_times_out(self, fleet, pki, backend):
        one_backend = backend(peers.silent, is_raw=True)
        one = fleet.run_one("tcp://127.0.0.1:0", one_backend.url, upstream={"ca": pki.ca},
                            timeouts={"handshake": "1s"})
        begin = time.monotonic()
        fails(one, "upstream_handshake_timeout")
        assert 0.8 < time.monotonic() - begin < 3 * PATIENCE

    def test_one_that_ends_in_the_handshake_closed(self, fleet, pki, backend):
        def behave(visit):
            visit.read()
            visit.end.end()
            visit.read()

        fails(encrypting(fleet, pki, backend(behave, is_raw=True).url), "upstream_closed")

    def test_one_that_resets_in_the_handshake_closed(self, fleet, pki, backend):
        def behave(visit):
            visit.read()
            visit.end.reset()

        fails(encrypting(fleet, pki, backend(behave, is_raw=True).url), "upstream_closed")

    def test_no_version_in_common_is_a_failed_handshake(self, fleet, pki, stack):
        server = stack.enter_context(programs.s_server(
            pki.server, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"))
        one = encrypting(fleet, pki, f"tls://127.0.0.1:{server.port}")
        assert fails(one, "upstream_handshake_failed")["detail"]

    def test_a_server_that_wants_a_certificate_that_we_lack(self, fleet, pki, backend):
        one_backend = backend(context=ends.server_context(
            pki.server, client_ca=pki.ca, version=ends.ssl.TLSVersion.TLSv1_2))
        one = encrypting(fleet, pki, one_backend.url)
        fails(one, "upstream_handshake_failed")
        assert not one_backend.visit().received
