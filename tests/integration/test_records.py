# SPDX-License-Identifier: Apache-2.0
"""TLS 1.3 behind the handshake: with records of our own, and with libssl's."""
import os
import ssl

import pytest

import ends
import programs
import scale

LAYERS = ["own", "library"]


def start(fleet, pki, url, layer, **service):
    return fleet.run_one("tls://127.0.0.1:0", url, top={"workers": 1, "record_layer": layer},
                         certificates=[pki.server.as_config()], **service)


@pytest.mark.parametrize("layer", LAYERS)
class TestBothLayers:
    """What a peer must not notice."""

    def test_s_client_updates_its_keys_and_asks_for_ours(self, fleet, pki, backend, stack, layer):
        one = start(fleet, pki, backend().url, layer)
        client = stack.enter_context(programs.s_client(one.address(), pki.ca, "-tls1_3"))
        for i in range(6):
            client.send(b"kK"[i % 2:i % 2 + 1] + b"\n")  # without a request for ours, and with one
            client.expect(rf"(?:^KEYUPDATE(?:.|\n)*?){{{i + 1}}}")
            client.send(b"after the update %d\n" % i)
            client.expect(rf"^after the update {i}")
        client.end_input()
        assert client.wait() == 0
        assert one.wait_connection()["reason"] == "done"

    def test_gnutls_cli_updates_its_keys(self, fleet, pki, backend, stack, layer):
        one = start(fleet, pki, backend().url, layer)
        client = stack.enter_context(
            programs.gnutls_cli(one.address(), pki.ca, "--inline-commands"))
        client.expect(r"Handshake was completed")
        for i in range(3):
            client.send(b"^rekey^\n")
            client.send(b"after the update %d\n" % i)
            client.expect(rf"^after the update {i}")

    def test_a_bridge_carries_what_it_gets(self, fleet, pki, backend, layer):
        context = ends.server_context(pki.server, version=ssl.TLSVersion.TLSv1_3)
        one = start(fleet, pki, backend(context=context).url, layer,
                    upstream={"ca": str(pki.ca), "name": "localhost"})
        text = os.urandom(50000)
        with ends.tls_dial(one.address(), ends.client_context(pki.ca)) as client:
            for _ in range(10):
                client.send(text)
                assert client.recv_exactly(len(text)) == text
            client.end()
            assert client.fate() == "clean"


class TestMemory:
    """What an idle connection costs."""

    COUNT = 60

    def growth_bytes(self, fleet, pki, backend, layer):
        """Of the worker, for a connection that has been used once and waits."""
        one = start(fleet, pki, backend().url, layer)
        context = ends.client_context(pki.ca, version=ssl.TLSVersion.TLSv1_3)
        clients, before = [], 0
        try:
            for i in range(2 * self.COUNT):
                if i == self.COUNT:
                    before = one.rss_bytes()
                clients.append(ends.tls_dial(one.address(), context))
                clients[-1].send(b"x")
                clients[-1].recv_exactly(1)
            return (one.rss_bytes() - before) / self.COUNT
        finally:
            for client in clients:
                client.close()

    @pytest.mark.skipif(scale.SANITIZED, reason="the sanitizers keep freed memory")
    def test_an_idle_connection_costs_less_without_libssl(self, fleet, pki, backend):
        own, library = (self.growth_bytes(fleet, pki, backend, layer) for layer in LAYERS)
        assert own < library / 2
