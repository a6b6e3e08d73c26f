# SPDX-License-Identifier: Apache-2.0
"""tcp:// to tcp://: bytes as they are."""
import hashlib

import ends
import peers
import programs
from scale import BIG_BYTES, blocks, blocks_hash


class TestPlainRelay:
    """What comes goes, unchanged."""

    def test_bytes_go_both_ways(self, fleet, backend):
        one = fleet.serve("tcp://127.0.0.1:0", backend().url)
        payload = bytes(range(256)) * 1000
        with ends.PlainEnd(ends.dial(one.address())) as client:
            client.send(payload)
            assert client.recv_exactly(len(payload)) == payload
            client.end()
            assert client.fate() == "clean"
        record = one.wait_connection(reason="done")
        assert record["bytes_to_upstream"] == record["bytes_to_client"] == len(payload)
        assert not {"version", "cipher", "sni", "upstream_version"} & record.keys()

    def test_one_byte_at_a_time_goes_through(self, fleet, backend):
        one = fleet.serve("tcp://127.0.0.1:0", backend().url)
        with ends.PlainEnd(ends.dial(one.address())) as client:
            for value in range(200):
                client.send(bytes([value]))
                assert client.recv_exactly(1) == bytes([value])

    def test_a_server_that_speaks_first_is_heard(self, fleet, backend):
        def greet(visit):
            visit.end.send(b"220 ready\r\n")
            peers.echo(visit)

        one = fleet.serve("tcp://127.0.0.1:0", backend(greet).url)
        with ends.PlainEnd(ends.dial(one.address())) as client:
            assert client.recv_exactly(11) == b"220 ready\r\n"

    def test_tls_to_a_plain_listen_is_relayed_as_bytes(self, fleet, pki, backend):
        one_backend = backend(context=ends.server_context(pki.server))
        one = fleet.serve("tcp://127.0.0.1:0", f"tcp://127.0.0.1:{one_backend.port}")
        with ends.tls_dial(one.address(), ends.client_context(pki.ca)) as client:
            client.send(b"end to end")
            assert client.recv_exactly(10) == b"end to end"
            client.end()
            assert client.recv_all() == b""
        assert "version" not in one.wait_connection()

    def test_curl_passes_through_with_its_own_tls(self, fleet, pki, folder, stack):
        nginx = stack.enter_context(programs.Nginx(folder, cert=pki.server))
        one = fleet.serve("tcp://127.0.0.1:0", f"tcp://127.0.0.1:{nginx.port}")
        out = programs.curl("--cacert", pki.ca, f"https://127.0.0.1:{one.port()}/hello")
        assert out == b"hello from nginx\n"

    def test_big_amounts_keep_their_hash(self, fleet, backend):
        up = backend(peers.sink)
        down = backend(peers.source(BIG_BYTES // 2))
        one = fleet.run({"services": {
            "up": {"listen": "tcp://127.0.0.1:0", "connect": up.url},
            "down": {"listen": "tcp://127.0.0.1:0", "connect": down.url}}})
        with ends.PlainEnd(ends.dial(one.address("up"))) as client:
            for block in blocks(BIG_BYTES // 2):
                client.send(block)
            client.end()
            assert client.recv_all().decode() == blocks_hash(BIG_BYTES // 2)
        digest = hashlib.sha256()
        with ends.PlainEnd(ends.dial(one.address("down"))) as client:
            while data := client.recv():
                digest.update(data)
        assert digest.hexdigest() == blocks_hash(BIG_BYTES // 2)

    def test_one_fast_connection_does_not_starve_another(self, fleet, backend):
        fast = backend(peers.source(BIG_BYTES))
        slow = backend()
        one = fleet.run({"services": {
            "fast": {"listen": "tcp://127.0.0.1:0", "connect": fast.url},
            "slow": {"listen": "tcp://127.0.0.1:0", "connect": slow.url}}})
        received = 0
        with ends.PlainEnd(ends.dial(one.address("fast"))) as greedy, \
                ends.PlainEnd(ends.dial(one.address("slow"))) as modest:
            greedy.recv()
            for turn in range(50):
                for _ in range(20):
                    received += len(greedy.recv())
                modest.send(b"%04d" % turn)
                assert modest.recv_exactly(4) == b"%04d" % turn
            assert received < BIG_BYTES
            greedy.reset()
