# SPDX-License-Identifier: Apache-2.0
"""The log: one line for each connection, and lines for what happens to the program."""
import datetime
import json
import re
import shlex
import subprocess

import ends
import peers
import sluice as program
from scale import until

ALWAYS = {"time", "level", "event", "service", "worker", "client", "listen", "upstream",
          "bytes_to_upstream", "bytes_to_client", "connect_ms", "total_ms", "stage", "reason"}
CLIENT_TLS = {"sni", "version", "cipher", "group", "resumed", "handshake_ms"}
UPSTREAM_TLS = {"upstream_version", "upstream_cipher", "upstream_group", "upstream_resumed",
                "upstream_handshake_ms"}


def exchange(one, pki, is_tls=True, data=b"12345", **options):
    end = (ends.tls_dial(one.address(), ends.client_context(pki.ca, **options)) if is_tls
           else ends.PlainEnd(ends.dial(one.address())))
    with end as client:
        client.send(data)
        client.recv_exactly(len(data))
        place = client.sock.getsockname()
        client.end()
        client.fate()
    return place


class TestConnectionLine:
    """Its fields."""

    def test_a_bridged_connection_has_all_fields(self, fleet, pki, backend):
        one_backend = backend(context=ends.server_context(pki.server, alpn=["a"]))
        one = fleet.run_one("tls://127.0.0.1:0", one_backend.url, alpn=["a"],
                            certificates=[pki.server.as_config()], upstream={"ca": pki.ca},
                            clients={"verify": "require", "ca": pki.ca})
        host, port = exchange(one, pki, cert=pki.client, alpn=["a"])
        record = one.wait_connection()
        fields = ALWAYS | CLIENT_TLS | UPSTREAM_TLS | {"alpn", "upstream_alpn", "peer"}
        assert fields <= record.keys(), fields - record.keys()
        assert record["service"] == "main" and record["client"] == f"{host}:{port}"
        assert record["listen"] == one.url().split("//")[1] or record["listen"] == one.url()
        assert record["upstream"].endswith(f"127.0.0.1:{one_backend.port}")
        assert record["sni"] == "localhost" and record["alpn"] == record["upstream_alpn"] == "a"
        assert record["version"] == record["upstream_version"] == "TLSv1.3"
        assert record["cipher"].startswith("TLS_") and record["upstream_cipher"].startswith("TLS_")
        assert record["group"].lower() in ("x25519", "x25519mlkem768")
        assert record["resumed"] is False and record["upstream_resumed"] is False
        assert "CN=client-one" in record["peer"]
        assert record["bytes_to_upstream"] == record["bytes_to_client"] == 5
        assert record["reason"] == "done" and record["level"] == "info"
        for name in ["handshake_ms", "connect_ms", "upstream_handshake_ms", "total_ms"]:
            assert isinstance(record[name], int) and 0 <= record[name] < 60000

    def test_fields_that_do_not_apply_are_absent(self, fleet, pki, backend):
        one = fleet.serve("tcp://127.0.0.1:0", backend().url)
        exchange(one, pki, is_tls=False)
        record = one.wait_connection()
        assert ALWAYS <= record.keys()
        assert not (CLIENT_TLS | UPSTREAM_TLS | {"alpn", "peer", "side", "detail"}) & record.keys()

    def test_the_time_is_utc_with_milliseconds(self, fleet, pki, backend):
        one = fleet.serve("tcp://127.0.0.1:0", backend().url)
        exchange(one, pki, is_tls=False)
        text = one.wait_connection()["time"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
        then = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
        now = datetime.datetime.now(datetime.timezone.utc)
        assert abs((now - then).total_seconds()) < 60

    def test_what_a_client_sends_cannot_break_a_line(self, fleet, pki, backend):
        one = fleet.run_one("tls://127.0.0.1:0", backend().url,
                            certificates=[pki.server.as_config()], alpn=["a"])
        context = ends.client_context(alpn=['"\n{}\x00'])
        try:
            ends.tls_dial(one.address(), context, name="a-b_c.test").close()
        except OSError:
            pass
        assert one.wait_connection()["sni"] == "a-b_c.test"


class TestOtherLines:
    """Start, ready, workers, drain, stop."""

    def test_the_life_of_a_program_is_told_in_order(self, fleet, pki, backend):
        one = fleet.serve("tcp://127.0.0.1:0", backend().url)
        for _ in range(3):
            exchange(one, pki, is_tls=False)
        one.wait_logs(3, "connection")
        one.signal(15)
        assert one.wait_exit() == 0
        events = [record["event"] for record in one.records]
        told = [event for event in events if event != "connection"]
        order = [told.index(name) for name in ["start", "worker_started", "ready", "drain", "stop"]]
        assert order == sorted(order), told
        assert events[-1] == "stop" and "worker_died" not in events
        stop = one.records[-1]
        assert stop["connections"] == 3 and stop["reason_done"] == 3
        assert not [key for key in stop if key.startswith("reason_") and key != "reason_done"]

    def test_a_level_leaves_out_what_is_below_it(self, fleet, stack):
        down = stack.enter_context(peers.Refusing())
        one = fleet.run_one("tcp://127.0.0.1:0", f"tcp://127.0.0.1:{down.port}",
                            top={"log": {"format": "json", "level": "warn"}})
        ends.fate_of_dialling(one.address())
        assert one.wait_connection()["level"] == "warn"
        one.signal(15)
        assert one.wait_exit() == 0
        assert {record["level"] for record in one.records} == {"warn"}

    def test_a_service_says_less_or_more_than_the_others(self, fleet, backend, pki):
        url = backend().url
        listen = {"listen": "tcp://127.0.0.1:0", "connect": url}
        one = fleet.run({"log": {"format": "json", "level": "warn"}, "services": {
            "plain": listen, "loud": {**listen, "log": {"level": "info"}},
            "some": {**listen, "log": {"level": "info", "sample": 3}}}})
        for name in ("plain", "some", "some", "some", "some", "loud", "loud"):
            with ends.PlainEnd(ends.dial(one.address(name))) as client:
                client.end()
                client.fate()
        one.wait_connection(service="loud")
        one.signal(15)
        assert one.wait_exit() == 0 and pki.ca
        told = [record["service"] for record in one.records if record["event"] == "connection"]
        assert sorted(told) == ["loud", "loud", "some", "some"]
        assert {record["sample"] for record in one.find_logs("connection", service="some")} == {3}

    def test_every_line_has_time_level_and_event(self, fleet, pki, backend):
        one = fleet.serve("tcp://127.0.0.1:0", backend().url)
        exchange(one, pki, is_tls=False)
        one.wait_connection()
        assert all({"time", "level", "event"} <= record.keys() for record in one.records)


class TestText:
    """key=value, the default."""

    def test_a_connection_is_a_line_of_pairs(self, backend, pki, folder):
        ready = f"{folder}/ready.json"
        url = backend().url
        with open(f"{folder}/stderr", "wb") as stderr:
            process = subprocess.Popen([program.BINARY, "tcp://127.0.0.1:0", url, "--workers", "1",
                                        "--ready-file", ready], stderr=stderr)
        try:
            path = program.pathlib.Path(ready)
            until(path.exists, "the ready file")
            address = program.split_url(json.loads(path.read_text())["services"]["main"][0])
            with ends.PlainEnd(ends.dial(address)) as client:
                client.send(b"12345")
                client.recv_exactly(5)
                client.end()
                client.fate()
            log = program.pathlib.Path(f"{folder}/stderr")
            until(lambda: "event=connection" in log.read_text(), "the line")
        finally:
            process.terminate()
            status = process.wait(20)
        assert status == 0 and pki.ca
        line = next(text for text in log.read_text().splitlines() if "event=connection" in text)
        pairs = dict(word.split("=", 1) for word in shlex.split(line))
        assert ALWAYS <= pairs.keys() and pairs["reason"] == "done"
        assert pairs["bytes_to_client"] == "5"
