# SPDX-License-Identifier: Apache-2.0
"""ALPN: chosen by us when offloading, by the upstream when bridging."""
import ssl

import pytest

import ends
import programs


def exchange(one, pki, alpn):
    """The protocol that the client got; an echo must have worked."""
    with ends.tls_dial(one.address(), ends.client_context(pki.ca, alpn=alpn)) as client:
        client.send(b"x")
        assert client.recv_exactly(1) == b"x"
        client.end()
        client.fate()
        return client.tls.selected_alpn_protocol()


class TestOffloading:
    """The service's list, in its order."""

    @pytest.mark.parametrize("offer, chosen", [
        (["h2", "http/1.1"], "h2"), (["http/1.1", "h2"], "h2"), (["http/1.1"], "http/1.1"),
        (None, None)])
    def test_the_first_of_ours_that_the_client_has(self, fleet, pki, backend, offer, chosen):
        one = fleet.serve("tls://127.0.0.1:0", backend().url, "--cert", pki.server.chain,
                          "--key", pki.server.key, "--alpn", "h2,http/1.1")
        assert exchange(one, pki, offer) == chosen
        assert one.wait_connection().get("alpn") == chosen

    def test_nothing_in_common_goes_on_without(self, fleet, pki, backend):
        """RFC 7301 3.2 wants an alert, many servers are lenient: so are we, until told otherwise."""
        one = fleet.serve("tls://127.0.0.1:0", backend().url, "--cert", pki.server.chain,
                          "--key", pki.server.key, "--alpn", "h2")
        assert exchange(one, pki, ["imap"]) is None
        assert "alpn" not in one.wait_connection()

    def test_without_a_list_none_is_chosen(self, fleet, pki, backend):
        one = fleet.serve("tls://127.0.0.1:0", backend().url, "--cert", pki.server.chain,
                          "--key", pki.server.key)
        assert exchange(one, pki, ["h2", "http/1.1"]) is None

    def test_s_client_sees_it(self, fleet, pki, backend, stack):
        one = fleet.serve("tls://127.0.0.1:0", backend().url, "--cert", pki.server.chain,
                          "--key", pki.server.key, "--alpn", "postgresql")
        client = stack.enter_context(
            programs.s_client(one.address(), pki.ca, "-alpn", "xmpp,postgresql"))
        client.expect(r"ALPN protocol: postgresql")


class TestEncrypting:
    """The list is offered to the upstream."""

    def test_the_upstream_sees_the_list_and_its_choice_is_logged(self, fleet, pki, backend):
        one_backend = backend(context=ends.server_context(pki.server, alpn=["b", "a"]))
        one = fleet.serve("tcp://127.0.0.1:0", one_backend.url, "--ca", pki.ca, "--alpn", "a,b")
        with ends.PlainEnd(ends.dial(one.address())) as client:
            client.send(b"x")
            client.recv_exactly(1)
        assert one.wait_connection()["upstream_alpn"] == "b"
        assert one_backend.visit().end.tls.selected_alpn_protocol() == "b"


class TestBridging:
    """What the upstream chose is what the client gets."""

    @pytest.mark.parametrize("offer, upstream, chosen", [
        (["h2", "http/1.1"], ["h2", "http/1.1"], "h2"),
        (["h2", "http/1.1"], ["http/1.1", "h2"], "http/1.1"),
        (["h2", "http/1.1"], ["http/1.1"], "http/1.1"),
        (["http/1.1"], ["h2", "http/1.1"], "http/1.1"),
        (["h2", "http/1.1"], None, None),
        (None, ["h2", "http/1.1"], None)])
    def test_it_is_the_upstreams_choice(self, fleet, pki, backend, offer, upstream, chosen):
        one_backend = backend(context=ends.server_context(pki.server, alpn=upstream))
        one = fleet.serve("tls://127.0.0.1:0", one_backend.url, "--cert", pki.server.chain,
                          "--key", pki.server.key, "--ca", pki.ca, "--alpn", "h2,http/1.1")
        assert exchange(one, pki, offer) == chosen
        assert one_backend.visit().end.tls.selected_alpn_protocol() == chosen
        record = one.wait_connection()
        assert record.get("alpn") == record.get("upstream_alpn") == chosen

    def test_it_holds_for_resumed_sessions(self, fleet, pki, backend):
        one_backend = backend(context=ends.server_context(pki.server, alpn=["http/1.1", "h2"]))
        one = fleet.serve("tls://127.0.0.1:0", one_backend.url, "--cert", pki.server.chain,
                          "--key", pki.server.key, "--ca", pki.ca, "--alpn", "h2,http/1.1")
        assert exchange(one, pki, ["h2", "http/1.1"]) == "http/1.1"
        for count, offer in enumerate([["h2"], ["http/1.1"], ["h2", "http/1.1"]]):
            assert exchange(one, pki, offer) == offer[-1]
            visit = one_backend.visit(count + 1)
            assert visit.end.tls.selected_alpn_protocol() == offer[-1]

    def test_a_bad_upstream_ends_a_held_handshake(self, fleet, pki, backend):
        one_backend = backend(context=ends.server_context(pki.foreign, alpn=["h2"]))
        one = fleet.serve("tls://127.0.0.1:0", one_backend.url, "--cert", pki.server.chain,
                          "--key", pki.server.key, "--ca", pki.ca, "--alpn", "h2")
        with pytest.raises((OSError, ssl.SSLError, ends.Truncated, AssertionError)):
            exchange(one, pki, ["h2"])
        one.wait_connection(reason="upstream_unverified")
        assert not one_backend.visit().received
