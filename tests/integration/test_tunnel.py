# SPDX-License-Identifier: Apache-2.0
"""A tunnel: an encrypting program before the client, an offloading one before the server, with
certificates both ways."""
import re

import pytest

import ends
import peers
import programs
from scale import MIB, SANITIZED, blocks, blocks_hash


class Tunnel:
    """Both programs; `server` is made first because `client` needs its port."""

    def __init__(self, fleet, pki, url, client_cert=None, workers=1):
        cert = client_cert or pki.client
        self.server = fleet.serve("tls://127.0.0.1:0", url, "--cert", pki.server.chain, "--key",
                                  pki.server.key, "--clients-ca", pki.ca, workers=workers)
        self.client = fleet.serve("tcp://127.0.0.1:0", f"tls://127.0.0.1:{self.server.port()}",
                                  "--ca", pki.ca, "--name", "sluice.test", "--client-cert",
                                  cert.chain, "--client-key", cert.key, workers=workers)


@pytest.fixture(name="redis")
def fixture_redis(folder, stack):
    return stack.enter_context(programs.Redis(folder))


class TestRedis:
    """redis-cli and redis-benchmark to redis-server on a unix socket."""

    def test_redis_cli_sets_and_gets(self, fleet, pki, redis):
        tunnel = Tunnel(fleet, pki, redis.url)
        port = tunnel.client.port()
        value = b"v" * 200000
        assert programs.run("redis-cli", "-p", port, "ping").stdout == b"PONG\n"
        done = programs.run("redis-cli", "-p", port, "-x", "set", "k", input=value)
        assert done.stdout == b"OK\n"
        assert programs.run("redis-cli", "-p", port, "get", "k").stdout.strip() == value
        record = tunnel.server.wait_connection()
        assert "CN=client-one" in record["peer"] and record["sni"] == "sluice.test"

    def test_redis_benchmark_runs_to_its_end(self, fleet, pki, redis):
        tunnel = Tunnel(fleet, pki, redis.url, workers=2)
        done = programs.run("redis-benchmark", "-p", tunnel.client.port(), "-c", 50, "-n",
                            2000 if SANITIZED else 20000, "-P", 4, "-t", "set,get", "-d", 2000,
                            "--csv")
        assert done.returncode == 0, done.stderr
        rates = re.findall(rb'"(SET|GET)","([\d.]+)"', done.stdout)
        assert {name for name, _ in rates} == {b"SET", b"GET"}
        assert all(float(rate) > 0 for _, rate in rates)


class TestTunnel:
    """What goes through and who may."""

    def test_bulk_goes_through_with_its_hash(self, fleet, pki, backend):
        tunnel = Tunnel(fleet, pki, backend(peers.sink).url)
        with ends.PlainEnd(ends.dial(tunnel.client.address())) as client:
            for block in blocks(32 * MIB):
                client.send(block)
            client.end()
            assert client.recv_all().decode() == blocks_hash(32 * MIB)
        tunnel.client.wait_connection(reason="done")
        tunnel.server.wait_connection(reason="done")

    def test_a_reset_goes_through_both(self, fleet, pki, backend):
        one = backend()
        tunnel = Tunnel(fleet, pki, one.url)
        client = ends.PlainEnd(ends.dial(tunnel.client.address()))
        client.send(b"x")
        client.recv_exactly(1)
        client.reset()
        assert one.visit().wait() == "reset"

    def test_a_certificate_of_another_ca_does_not_get_in(self, fleet, pki, backend):
        one = backend()
        tunnel = Tunnel(fleet, pki, one.url, client_cert=pki.client_foreign)
        with ends.PlainEnd(ends.dial(tunnel.client.address())) as client:
            try:
                client.send(b"secret")
            except OSError:
                pass
            assert client.fate() in ("clean", "reset")
        tunnel.server.wait_connection(reason="client_unverified")
        assert not one.visits or not one.visits[0].received
