# SPDX-License-Identifier: Apache-2.0
"""Handshakes of which something is wrong, by the hundred, from clients and from upstreams: an alert
or an end in time, a reason in the log, and not one byte relayed. SLUICE_MALFORMED=20000 is the long
form, for so many cases; SLUICE_MALFORMED_SEED makes them others."""
import collections
import concurrent.futures
import os
import socket
import ssl

import pytest

import ends
import malform
from scale import SLOW

CASES = int(os.environ.get("SLUICE_MALFORMED", "100" if not SLOW else "40"))
SEED = os.environ.get("SLUICE_MALFORMED_SEED", "1")
THREADS, PATIENCE_S = 16, 20.0
# RFC 8446 6.2 and RFC 5246 7.2.2: those that answer a mistake in a handshake
ALLOWED = {0, 10, 20, 22, 40, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 70, 71, 80, 86, 109, 110, 112,
           115, 116, 120}
VERSIONS = pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])


def context_of(pki, version, server_side):
    if server_side:
        context = ends.server_context(pki.server, client_ca=pki.ca)
    else:
        context = ends.client_context(pki.ca, cert=pki.client)
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    return context


def in_parallel(work):
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, range(CASES)))


def tell(records, spoilt):
    """For who runs the long form with -s."""
    print(collections.Counter((record["reason"], record.get("detail")) for record in records))
    print(collections.Counter(alert for peer in spoilt for alert in peer.plain_alerts()))


def take_once(visit):
    """Reads what comes first and ends."""
    visit.read()
    visit.end.end()


def judge(peer, record):
    """What must hold of a case, whoever of the two was spoilt."""
    about = (SEED, record, peer.error, peer.plain_alerts())
    assert record["reason"] != "internal" and record["stage"], about
    assert set(peer.plain_alerts()) <= ALLOWED, about


# tls_error: what comes behind the last message
REFUSALS = {"keys_timeout", "tls_error", "handshake_failed", "handshake_timeout", "not_tls",
            "client_unverified", "client_closed", "client_reset", "client_hello_too_large"}


@VERSIONS
def test_what_a_client_spoils_is_refused(fleet, pki, backend, folder, version):
    upstream = backend(take_once)
    one = fleet.run_one("tls://127.0.0.1:0", upstream.url,
                        certificates=[pki.server.as_config()],
                        clients={"verify": "require", "ca": pki.ca},
                        timeouts={"handshake": "1s", "linger": "500ms", "idle": "1s"})

    def work(number):
        rng = malform.rng_of(SEED, "client", version, number)
        # an address for each: ports come back, and the log is asked by them
        source = (f"127.{1 + number // 62500}.{number // 250 % 250}.{1 + number % 250}", 0)
        with socket.create_connection(one.address(), PATIENCE_S, source) as sock:
            peer = malform.Peer(sock, context_of(pki, version, False), f"{folder}/{number}.keys",
                                rng, spoilt=number % 2)
            peer.run()
            return source[0], peer

    results = in_parallel(work)
    records = {record["client"].rsplit(":", 1)[0]: record
               for record in one.wait_logs(CASES, "connection", 30.0)}
    tell(records.values(), [peer for _, peer in results])
    for address, peer in results:
        record = records[address]
        judge(peer, record)
        # a machine that is too busy to sign within the second is nobody's mistake
        assert record["level"] == "info" or record["reason"] == "keys_timeout", record
        if peer.must_fail:
            assert record["bytes_to_upstream"] == record["bytes_to_client"] == 0, (
                record, peer.flight.hex(), peer.sent.hex())
            assert record["reason"] in REFUSALS, record
    assert sum(peer.is_spoilt for _, peer in results) > CASES * 0.9
    assert sum(peer.must_fail for _, peer in results) > CASES * 0.5
    assert len(upstream.visits) <= sum(not peer.must_fail for _, peer in results)


class Spoiler:
    """An upstream that spoils one flight of each handshake."""

    def __init__(self, pki, folder, version):
        self.pki, self.folder, self.version = pki, folder, version
        self.peers = []

    def __call__(self, visit):
        number = len(self.peers)
        self.peers.append(None)
        rng = malform.rng_of(SEED, "upstream", self.version, number)
        visit.sock.settimeout(PATIENCE_S)
        self.peers[number] = malform.Peer(
            visit.sock, context_of(self.pki, self.version, True), f"{self.folder}/{number}.keys",
            rng, spoilt=1 if self.version == "TLSv1_2" and number % 4 == 0 else 0,
            server_side=True)
        self.peers[number].run()


@VERSIONS
def test_what_an_upstream_spoils_is_refused(fleet, pki, backend, folder, version):
    spoiler = Spoiler(pki, folder, version)
    upstream = backend(spoiler, is_raw=True)
    one = fleet.run_one("tcp://127.0.0.1:0", upstream.url,
                        top={"policies": {"one": {"suites": ["TLS_AES_128_GCM_SHA256"]}}},
                        upstream={"ca": pki.ca, "name": "localhost", "resumption": "off",
                                  "policy": "one", "certificate": pki.client.as_config()},
                        timeouts={"handshake": "1s", "linger": "500ms", "idle": "1s"})

    def work(number):
        del number
        try:
            with ends.PlainEnd(ends.dial(one.address())) as client:
                client.send(b"for nobody else")
                return len(client.recv())
        except OSError:  # as early as in dialling
            return 0

    relayed = in_parallel(work)
    records = one.wait_logs(CASES, "connection", 30.0)
    for visit in upstream.visits:
        visit.wait()
    peers_done = [peer for peer in spoiler.peers if peer is not None]
    assert len(peers_done) == CASES
    tell(records, peers_done)
    for peer in peers_done:
        assert set(peer.plain_alerts()) <= ALLOWED, peer.plain_alerts()
        assert not peer.must_fail or not peer.got, peer.error
    for record in records:
        assert record["reason"] != "internal" and (record["reason"] == "done" or
                                                   record.get("detail") or record["stage"])
    may_work = sum(not peer.must_fail for peer in peers_done)
    assert sum(peer.must_fail for peer in peers_done) > CASES * 0.5
    assert sum(record["bytes_to_upstream"] > 0 for record in records) <= may_work
    assert sum(count > 0 for count in relayed) <= may_work
