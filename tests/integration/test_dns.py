# SPDX-License-Identifier: Apache-2.0
"""Upstreams by name, while what the name stands for changes, and while DNS is dead, slow or lies."""
import os
import pathlib
import signal
import socket
import struct
import threading
import time

import pytest

import ends
import inside
import names
import peers
import sluice
from scale import PATIENCE, SLOW, until

NAME = "app.test"
WHO_BYTES = 3


@pytest.fixture(name="dns")
def fixture_dns(stack):
    return stack.enter_context(names.NameServer())


def says(who):
    """A backend that tells who it is, then is an echo."""
    def behave(visit):
        visit.end.send(who)
        peers.echo(visit)
    return behave


@pytest.fixture(name="pair")
def fixture_pair(backend):
    """Backends on one port of 127.0.0.2 and 127.0.0.3: "two" and "six"; gives the port."""
    for _ in range(20):
        first = backend(says(b"two"), host="127.0.0.2")
        try:
            backend(says(b"six"), host="127.0.0.3", port=first.port)
            return first.port
        except OSError:  # the port is somebody's there
            continue
    raise AssertionError("no port is free at both")


def follow(fleet, dns, url, options=None, **more):
    """One service; a system call that the agent's cage does not allow would be its end."""
    top = {"dns": dns.config(**(options or {})), "cage": {"action": "kill"}}
    return fleet.run_one("tcp://127.0.0.1:0", url, top={**top, **more.pop("top", {})}, **more)


def who_answers(one):
    with ends.PlainEnd(ends.dial(one.address())) as client:
        return client.recv_exactly(WHO_BYTES)


def agent_pid(one):
    dead = {record["pid"] for record in one.find_logs("agent_died")}
    alive = [record["pid"] for record in one.find_logs("agent_started")
             if record["pid"] not in dead]
    return alive[-1] if alive else None


def lookups(dns, count, name=NAME, timeout_s=20.0):
    """Waits for so many more lookups of the name to have begun."""
    before = dns.count(name)
    until(lambda: dns.count(name) >= before + count, f"{count} more lookups", timeout_s)



def test_a_reload_that_waits_for_dns_does_not_look_dead(fleet, dns, backend, folder):
    dns.set(NAME, "A", "127.0.0.1")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"{folder}/notify")
        manager.settimeout(30 * PATIENCE)
        config = {"dns": dns.config(timeout="1s"), "services": {"main": {
            "listen": "tcp://127.0.0.1:0", "connect": f"tcp://{NAME}:{backend().port}"}}}
        one = fleet.run(config, env={"NOTIFY_SOCKET": f"{folder}/notify",
                                     "WATCHDOG_USEC": "200000"})
        dns.state = "silent"
        one.signal(signal.SIGHUP)
        while not manager.recv(512).startswith(b"RELOADING=1"):
            pass
        heard = [manager.recv(512)]  # at once: few wait in such a socket
        while not heard[-1].startswith(b"READY=1") and len(heard) < 500:
            heard.append(manager.recv(512))
    assert heard[-1].startswith(b"READY=1") and heard.count(b"WATCHDOG=1") >= 3


class TestChanges:
    """A name that comes to stand for something else."""

    def test_the_new_address_is_used_within_the_ttl_and_a_second_and_no_connection_fails(
            self, fleet, dns, pair):
        dns.ttl_s = 1
        dns.set(NAME, "A", "127.0.0.2")
        one = follow(fleet, dns, f"tcp://{NAME}:{pair}")
        answers, stopping = [], threading.Event()

        def load():
            while not stopping.is_set():
                try:
                    answers.append((time.monotonic(), who_answers(one)))
                except (OSError, AssertionError) as error:
                    answers.append((time.monotonic(), error))

        loader = threading.Thread(target=load)
        loader.start()
        try:
            lookups(dns, 1)
            dns.set(NAME, "A", "127.0.0.3")
            changed_s = time.monotonic()
            until(lambda: answers[-1][1] == b"six", "the new address")
        finally:
            stopping.set()
            loader.join(30)
        assert {answer for _, answer in answers} == {b"two", b"six"}
        first_s = min(when for when, answer in answers if answer == b"six")
        assert first_s - changed_s < (dns.ttl_s + 1) * PATIENCE
        changed = one.wait_log("dns_changed")
        assert changed["name"] == NAME and changed["addresses"] == "127.0.0.3"

    def test_names_of_routes_are_followed_as_well(self, fleet, dns, pair):
        dns.set(NAME, "A", "127.0.0.2")
        one = follow(fleet, dns, f"tcp://127.0.0.4:{pair}",
                     routes=[{"from": ["127.0.0.0/8"], "connect": f"tcp://{NAME}:{pair}"}])
        assert who_answers(one) == b"two"
        dns.set(NAME, "A", "127.0.0.3")
        one.wait_log("dns_changed")
        assert who_answers(one) == b"six"

    def test_connections_stay_where_they_are(self, fleet, dns, pair):
        dns.set(NAME, "A", "127.0.0.2")
        one = follow(fleet, dns, f"tcp://{NAME}:{pair}")
        with ends.PlainEnd(ends.dial(one.address())) as client:
            assert client.recv_exactly(WHO_BYTES) == b"two"
            dns.set(NAME, "A", "127.0.0.3")
            one.wait_log("dns_changed")
            client.send(b"still")
            assert client.recv_exactly(5) == b"still"
            assert who_answers(one) == b"six"

    def test_a_worker_that_is_started_again_knows_the_latest(self, fleet, dns, pair):
        dns.set(NAME, "A", "127.0.0.2")
        one = follow(fleet, dns, f"tcp://{NAME}:{pair}")
        one.may_lose_workers = True
        dns.set(NAME, "A", "127.0.0.3")
        one.wait_log("dns_changed")
        dns.state = "silent"
        os.kill(one.worker_pid(), signal.SIGKILL)
        one.wait_log("worker_died")
        assert who_answers(one) == b"six"

    def test_traffic_goes_on_without_the_agent_and_it_comes_back(self, fleet, dns, pair):
        dns.set(NAME, "A", "127.0.0.2")
        one = follow(fleet, dns, f"tcp://{NAME}:{pair}")
        with ends.PlainEnd(ends.dial(one.address())) as client:
            assert client.recv_exactly(WHO_BYTES) == b"two"
            os.kill(agent_pid(one), signal.SIGKILL)
            client.send(b"on")
            assert client.recv_exactly(2) == b"on"
            assert who_answers(one) == b"two"
            one.wait_logs(2, "agent_started")
        dns.set(NAME, "A", "127.0.0.3")
        one.wait_log("dns_changed")
        assert who_answers(one) == b"six"
        assert len(one.find_logs("agent_died", signal=9)) == 1

    def test_a_stopped_agent_holds_up_nothing(self, fleet, dns, pair):
        dns.set(NAME, "A", "127.0.0.2")
        one = follow(fleet, dns, f"tcp://{NAME}:{pair}")
        until(lambda: agent_pid(one), "the agent")
        os.kill(agent_pid(one), signal.SIGSTOP)
        for _ in range(20):
            assert who_answers(one) == b"two"

    def test_the_same_answer_in_another_order_is_no_change(self, fleet, dns, pair):
        dns.set(NAME, "A", "127.0.0.2", "127.0.0.3")
        one = follow(fleet, dns, f"tcp://{NAME}:{pair}")
        dns.set(NAME, "A", "127.0.0.3", "127.0.0.2", "127.0.0.3")
        lookups(dns, 2)
        assert not one.find_logs("dns_changed")

    def test_both_families_are_used(self, fleet, dns, backend):
        six = backend(says(b"six"), host="::1")
        dns.set(NAME, "A", "127.0.0.2")
        dns.set(NAME, "AAAA", "::1")
        one = follow(fleet, dns, f"tcp://{NAME}:{six.port}")
        assert who_answers(one) == b"six"


@pytest.mark.skipif(os.geteuid() != 0, reason="uses the channel of another process")
class TestRubbish:
    """An agent that is not one of ours any more: the supervisor believes it nothing."""

    FOUND = 41  # codec/message.h
    UNIX = struct.pack("=H", socket.AF_UNIX) + b"/run/x" + bytes(104)
    UNSPECIFIED = struct.pack("=HH4s8x", socket.AF_INET, 0, bytes(4))

    @staticmethod
    def found(number, result=0, *addrs):
        body = struct.pack("!IBHHIH", number, result, 0, 0, 0, len(addrs))
        return body + b"".join(struct.pack("!H", len(addr)) + addr + bytes(4) for addr in addrs)

    def test_it_is_ended_and_started_again(self, fleet, dns, pair):
        dns.set(NAME, "A", "127.0.0.2")
        one = follow(fleet, dns, f"tcp://{NAME}:{pair}", {"min_ttl": "1h"})
        rubbish = [
            b"x" * 100, inside.message(inside.READY),
            inside.message(self.FOUND, self.found(0, 7)),
            inside.message(self.FOUND, self.found(1, 1)),
            inside.message(self.FOUND, self.found(0, 0, self.UNIX)),
            inside.message(self.FOUND, self.found(0, 0, self.UNSPECIFIED)),
        ]
        for count, datagram in enumerate(rubbish, 1):
            pid = until(lambda: agent_pid(one), "the agent")
            with inside.channel_of(pid, to_supervisor=True) as channel:
                channel.send(datagram)
            one.wait_log("agent_died", pid=pid)
            one.wait_logs(count + 1, "agent_started", timeout_s=20.0)
        assert who_answers(one) == b"two"
        assert not one.find_logs("dns_changed") and not one.find_logs("dns_failed")


class TestDead:
    """What was good last goes on being used, and the log says so once."""

    @pytest.mark.parametrize("state, detail", [("silent", "in time"), ("fails", "refuses or fails")])
    def test_servers_that_do_not_answer(self, state, detail, fleet, dns, pair):
        dns.set(NAME, "A", "127.0.0.2")
        one = follow(fleet, dns, f"tcp://{NAME}:{pair}")
        lookups(dns, 1)
        dns.state = state
        failed = one.wait_log("dns_failed")
        assert detail in failed["detail"] and failed["addresses"] == "127.0.0.2"
        assert 0 <= failed["age_s"] < 20 * PATIENCE and failed["level"] == "warn"
        lookups(dns, 2)
        assert who_answers(one) == b"two"
        dns.state = "answers"
        one.wait_log("dns_back", name=NAME)
        assert len(one.find_logs("dns_failed")) == 1 and not one.find_logs("dns_changed")

    def test_a_name_that_is_gone(self, fleet, dns, pair):
        dns.set(NAME, "A", "127.0.0.2")
        one = follow(fleet, dns, f"tcp://{NAME}:{pair}")
        dns.forget(NAME)
        failed = one.wait_log("dns_failed")
        assert "no such name" in failed["detail"] and failed["addresses"] == "127.0.0.2"
        assert who_answers(one) == b"two"
        dns.set(NAME, "A", "127.0.0.3")
        one.wait_log("dns_changed")
        assert who_answers(one) == b"six"

    def test_one_family_that_is_not_answered_keeps_what_it_had(self, fleet, dns, backend):
        six = backend(says(b"six"), host="::1")
        dns.set(NAME, "A", "127.0.0.2")
        dns.set(NAME, "AAAA", "::1")
        one = follow(fleet, dns, f"tcp://{NAME}:{six.port}")
        real = dns.answer
        dns.answer = lambda query, is_udp: (None if names.question_of(query)[1] == 28
                                            else real(query, is_udp))
        dns.set(NAME, "A", "127.0.0.3")
        assert one.wait_log("dns_changed")["addresses"] == "[::1] 127.0.0.3"
        assert who_answers(one) == b"six"

    def test_the_second_server_is_asked_when_the_first_is_dead(self, fleet, dns, pair, stack):
        dead = stack.enter_context(names.NameServer())
        dead.state = "silent"
        dns.set(NAME, "A", "127.0.0.2")
        servers = [f"127.0.0.1:{dead.port}", f"127.0.0.1:{dns.port}"]
        one = follow(fleet, dns, f"tcp://{NAME}:{pair}", {"servers": servers})
        assert who_answers(one) == b"two"
        dns.set(NAME, "A", "127.0.0.3")
        one.wait_log("dns_changed")


class TestSlow:
    """Answers that take their time."""

    def test_they_hold_up_no_connection(self, fleet, dns, pair):
        dns.set(NAME, "A", "127.0.0.2")
        one = follow(fleet, dns, f"tcp://{NAME}:{pair}", {"timeout": "10s"})
        dns.delay_s = 1.0
        lookups(dns, 1)
        dns.set(NAME, "A", "127.0.0.3")
        begin_s = time.monotonic()
        for _ in range(20):
            assert who_answers(one) in (b"two", b"six")
        assert time.monotonic() - begin_s < 1.0 * PATIENCE
        one.wait_log("dns_changed", timeout_s=20.0)
        assert not one.find_logs("dns_failed")

    def test_an_answer_too_long_for_a_datagram_comes_by_tcp(self, fleet, dns, pair):
        dns.set(NAME, "A", "127.0.0.2")
        dns.is_udp_cut = True
        one = follow(fleet, dns, f"tcp://{NAME}:{pair}")
        dns.set(NAME, "A", "127.0.0.3")
        one.wait_log("dns_changed")
        assert dns.tcp_count > 2 and who_answers(one) == b"six"


class TestLies:
    """What a server should not say."""

    @pytest.mark.parametrize("address, kind", [
        ("0.0.0.0", "A"), ("224.0.0.1", "A"), ("255.255.255.255", "A"), ("::", "AAAA"),
        ("ff02::1", "AAAA"), ("::ffff:127.0.0.3", "AAAA"), ("fe80::1", "AAAA")])
    def test_addresses_that_nothing_can_be_connected_to(self, address, kind, fleet, dns, pair):
        dns.set(NAME, "A", "127.0.0.2")
        one = follow(fleet, dns, f"tcp://{NAME}:{pair}")
        dns.forget(NAME)
        dns.set(NAME, kind, address)
        failed = one.wait_log("dns_failed")
        assert "nothing can be connected to" in failed["detail"] and failed["unusable"] == 1
        dns.set(NAME, "A", "127.0.0.3")
        assert one.wait_log("dns_changed")["addresses"] == "127.0.0.3"
        assert who_answers(one) == b"six"

    def test_of_too_many_addresses_the_same_sixteen_are_used(self, fleet, dns, pair):
        many = [f"127.0.{i // 200}.{2 + i % 200}" for i in range(400)]
        dns.set(NAME, "A", *many)
        one = follow(fleet, dns, f"tcp://{NAME}:{pair}")
        dns.set(NAME, "A", *reversed(many))
        lookups(dns, 2)
        assert not one.find_logs("dns_changed") and who_answers(one) == b"two"
        (warning,) = one.find_logs("config_warning")
        assert "384 addresses more than the 16" in warning["detail"]

    @pytest.mark.parametrize("lie", [
        lambda owner, kind: [names.record(owner, "CNAME", 1, "b.test"),
                             names.record("b.test", "CNAME", 1, owner)],
        lambda owner, kind: [names.record("other.test", "A", 1, "127.0.0.3")],
        lambda owner, kind: [names.record(owner, "A", 1, "127.0.0.3")[:-3]],
        lambda owner, kind: [b"\xc0\xff" * 40],
    ], ids=["circle", "another_name", "cut", "rubbish"])
    def test_answers_that_are_none(self, lie, fleet, dns, pair):
        dns.set(NAME, "A", "127.0.0.2")
        one = follow(fleet, dns, f"tcp://{NAME}:{pair}")
        dns.lies[NAME] = lie
        failed = one.wait_log("dns_failed")
        assert failed["addresses"] == "127.0.0.2"
        assert who_answers(one) == b"two"
        del dns.lies[NAME]
        one.wait_log("dns_back")

    @pytest.mark.parametrize("ttl_s", [0, 1 << 31, (1 << 32) - 1])
    def test_a_ttl_of_nothing_is_the_least(self, ttl_s, fleet, dns, pair):
        dns.ttl_s = ttl_s
        dns.set(NAME, "A", "127.0.0.2")
        one = follow(fleet, dns, f"tcp://{NAME}:{pair}", {"min_ttl": "300ms"})
        until(lambda: dns.count(NAME) >= 2, "the first lookup of the agent")
        begin_s = time.monotonic()
        until(lambda: dns.count(NAME) >= 5, "three lookups")
        assert time.monotonic() - begin_s > 0.8
        assert who_answers(one) == b"two"

    def test_a_ttl_of_years_is_the_most(self, fleet, dns, pair):
        dns.ttl_s = (1 << 31) - 1
        dns.set(NAME, "A", "127.0.0.2")
        one = follow(fleet, dns, f"tcp://{NAME}:{pair}", {"max_ttl": "300ms"})
        dns.set(NAME, "A", "127.0.0.3")
        one.wait_log("dns_changed")


SERVICE = "_web._tcp.example.test"


class TestServices:
    """SRV records say where it is: host, port, priority, weight."""

    def test_their_port_and_host_are_used_and_followed(self, fleet, dns, pair):
        dns.set("a.test", "A", "127.0.0.2")
        dns.set("b.test", "A", "127.0.0.3")
        dns.set(SERVICE, "SRV", f"1 0 {pair} a.test")
        one = follow(fleet, dns, f"tcp://{SERVICE}")
        assert who_answers(one) == b"two"
        dns.set(SERVICE, "SRV", f"1 0 {pair} b.test")
        changed = one.wait_log("dns_changed")
        assert changed["name"] == SERVICE and changed["addresses"] == f"127.0.0.3:{pair}"
        assert who_answers(one) == b"six"

    def test_the_next_priority_is_for_when_the_first_refuses(self, fleet, dns, pair):
        dns.set("a.test", "A", "127.0.0.4")  # nobody listens there
        dns.set("b.test", "A", "127.0.0.3")
        dns.set(SERVICE, "SRV", f"20 9 {pair} b.test", f"10 1 {pair} a.test")
        one = follow(fleet, dns, f"tcp://{SERVICE}")
        assert who_answers(one) == b"six"
        dns.set("a.test", "A", "127.0.0.2")
        one.wait_log("dns_changed")
        assert [who_answers(one) for _ in range(5)] == [b"two"] * 5

    def test_weights_share_the_connections(self, fleet, dns, pair):
        dns.set("a.test", "A", "127.0.0.2")
        dns.set("b.test", "A", "127.0.0.3")
        dns.set(SERVICE, "SRV", f"1 3 {pair} a.test", f"1 1 {pair} b.test")
        one = follow(fleet, dns, f"tcp://{SERVICE}")
        answers = [who_answers(one) for _ in range(200)]
        assert 120 <= answers.count(b"two") <= 180

    def test_the_certificate_is_to_be_of_the_domain_and_not_of_the_host(
            self, fleet, dns, pki, backend):
        right = backend(context=ends.server_context(pki.dns_only))  # sluice.test
        wrong = backend(context=ends.server_context(pki.other))     # other.test
        for name in ("sluice.test", "other.test"):
            dns.set(name, "A", "127.0.0.1")
        dns.set("_a._tcp.sluice.test", "SRV", f"1 1 {right.port} other.test")
        dns.set("_b._tcp.sluice.test", "SRV", f"1 1 {wrong.port} other.test")
        top = {"dns": dns.config(), "services": {
            "right": {"listen": "tcp://127.0.0.1:0", "connect": "tls://_a._tcp.sluice.test",
                      "upstream": {"ca": pki.ca}},
            "wrong": {"listen": "tcp://127.0.0.1:0", "connect": "tls://_b._tcp.sluice.test",
                      "upstream": {"ca": pki.ca}},
            "told": {"listen": "tcp://127.0.0.1:0", "connect": "tls://_b._tcp.sluice.test",
                     "upstream": {"ca": pki.ca, "name": "other.test"}}}}
        one = fleet.run(top)
        for service in ("right", "told"):
            with ends.PlainEnd(ends.dial(one.address(service))) as client:
                client.send(b"x")
                assert client.recv_exactly(1) == b"x"
        with ends.PlainEnd(ends.dial(one.address("wrong"))) as client:
            client.fate()
        one.wait_connection(service="wrong", reason="upstream_unverified")

    def test_a_service_that_there_is_not_keeps_what_it_was(self, fleet, dns, pair):
        dns.set("a.test", "A", "127.0.0.2")
        dns.set(SERVICE, "SRV", f"1 0 {pair} a.test")
        one = follow(fleet, dns, f"tcp://{SERVICE}")
        dns.set(SERVICE, "SRV", f"1 0 {pair} .")  # RFC 2782: decidedly not available
        assert one.wait_log("dns_failed")["unusable"] == 1
        assert who_answers(one) == b"two"


def write(folder, dns, url, **options):
    return sluice.write_config(pathlib.Path(folder) / "c.yaml", {
        "dns": dns.config(**options),
        "services": {"main": {"listen": "tcp://127.0.0.1:0", "connect": url}}})


class TestStart:
    """Names at the start."""

    @pytest.mark.parametrize("state, said", [("answers", "no such name"), ("silent", "in time")])
    def test_a_name_without_an_address_is_an_error(self, state, said, dns, folder):
        dns.state = state
        path = write(folder, dns, "tcp://nowhere.test:80")
        done = sluice.command("run", "-c", path)
        assert done.returncode == 2 and said in done.stderr
        assert "nowhere.test does not resolve" in done.stderr and ":10:14:" in done.stderr
        done = sluice.command("check", "-c", path)
        assert done.returncode == 0 and "warning" in done.stderr and said in done.stderr

    def test_check_tells_of_addresses_that_cannot_be_used(self, dns, folder):
        dns.set(NAME, "A", "127.0.0.1", "0.0.0.0")
        done = sluice.command("check", "-c", write(folder, dns, f"tcp://{NAME}:80"))
        assert "1 addresses that nothing can be connected to" in done.stderr

    def test_it_may_come_later(self, fleet, dns, pair):
        one = follow(fleet, dns, f"tcp://{NAME}:{pair}", {"unresolved": "later"})
        assert ends.fate_of_dialling(one.address()) in ("clean", "reset")
        one.wait_connection(reason="upstream_unresolved", connect=f"tcp://{NAME}:{pair}")
        assert "does not resolve yet" in one.find_logs("config_warning")[0]["detail"]
        dns.set(NAME, "A", "127.0.0.2")
        one.wait_log("dns_changed")
        assert who_answers(one) == b"two"

    def test_until_then_the_next_url_is_used(self, fleet, dns, pair):
        one = follow(fleet, dns, [f"tcp://{NAME}:{pair}", f"tcp://127.0.0.3:{pair}"],
                     {"unresolved": "later"})
        assert who_answers(one) == b"six"

    def test_nobody_is_asked_for_addresses_and_what_is_in_hosts(self, fleet, dns, backend):
        one = follow(fleet, dns, f"tcp://localhost:{backend(says(b'two')).port}")
        assert who_answers(one) == b"two"
        assert not dns.asked and not one.find_logs("agent_started")

    def test_a_name_is_looked_up_once_when_refresh_is_off(self, fleet, backend):
        one = fleet.run_one("tcp://127.0.0.1:0",
                            f"tcp://localhost:{backend(says(b'two')).port}",
                            top={"dns": {"refresh": False}})
        assert who_answers(one) == b"two" and not one.find_logs("agent_started")

    def test_many_names_are_looked_up_at_once(self, fleet, dns, pair):
        dns.delay_s = 0.2
        urls = []
        for i in range(64):
            dns.set(f"n{i}.test", "A", "127.0.0.2")
            urls.append(f"tcp://n{i}.test:{pair}")
        begin_s = time.monotonic()
        one = follow(fleet, dns, urls, {"timeout": "5s"})
        assert time.monotonic() - begin_s < 6.0 * PATIENCE  # one after the other: 12.8 s
        assert who_answers(one) == b"two"


class TestMemory:
    """Ten thousand lookups take no more memory than one thousand."""

    COUNT = 2000 if SLOW else 10000

    def test_it_stays_flat(self, fleet, dns, pair):
        services = {}
        for i in range(100):
            dns.set(f"n{i}.test", "A", "127.0.0.2", f"127.0.1.{i}")
            services[f"s{i}"] = {"listen": "tcp://127.0.0.1:0", "connect": f"tcp://n{i}.test:{pair}"}
        one = fleet.run({"services": services, "dns": dns.config(
            min_ttl="100ms", max_ttl="100ms", timeout="5s")})

        def resident():
            return int(sluice.status_of(agent_pid(one))["VmRSS"].split()[0])

        def asked(count):
            until(lambda: sum(dns.asked.values()) >= 2 * count, f"{count} lookups", 60.0)

        asked(self.COUNT // 5)
        before_kib = resident()
        asked(self.COUNT)
        descriptors_count = len(os.listdir(f"/proc/{agent_pid(one)}/fd"))
        assert resident() - before_kib < (16384 if SLOW else 256)
        assert descriptors_count < 100 and not one.find_logs("dns_failed")
