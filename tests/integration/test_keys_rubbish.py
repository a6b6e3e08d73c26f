# SPDX-License-Identifier: Apache-2.0
"""A process that was taken over and says what it must not: it is cut off, others go on."""
import array
import contextlib
import os
import select
import socket
import struct
import threading
import time

import pytest

import ends
import inside
from scale import PATIENCE, until, until_still
from test_keys import keys_pid, start, works

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="takes descriptors of other processes")

RUBBISH = {
    "no_message": b"\xff" * 64,
    "an_empty_datagram": b"",
    "half_a_head": inside.sign()[:5],
    "an_answer_instead_of_a_request": inside.key_message(inside.SIGNED, 1, b"\0sig"),
    "a_type_that_there_is_not": inside.key_message(9, 1, b"x" * 40),
    "a_length_beyond_the_datagram": inside.sign()[:5] + b"\xff\xff" + inside.sign()[7:],
    "bytes_behind_a_request": inside.sign() + b"\0",
    "nothing_to_sign": inside.sign(data=b""),
    "too_much_to_sign": inside.sign(data=b"x" * (32 * 1024 + 1)),
    "the_key_behind_the_last": inside.sign(key=1),
    "a_key_far_beyond": inside.sign(key=0xFFFFFFFF),
    "an_overlong_datagram": inside.sign() * 800 + b"\0" * inside.DATAGRAM_MAX,
    "more_than_its_bound": inside.sign() * (inside.UNDERWAY_MAX_COUNT + 1),
}


@contextlib.contextmanager
def load(one, pki):
    """Handshakes all the while; gives the list of what went wrong."""
    stop, failures, counts = threading.Event(), [], [0]

    def run():
        while not stop.is_set():
            try:
                works(one, pki)
                counts[0] += 1
            except (OSError, AssertionError, ends.Truncated) as error:
                failures.append(repr(error))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield failures, counts
    finally:
        stop.set()
        for thread in threads:
            thread.join(30 * PATIENCE)
            assert not thread.is_alive()


def is_back(one, victim):
    one.wait_log("worker_died", pid=victim)
    until(lambda: len(one.worker_pids()) == 2, "the worker again")


class TestToKeys:
    """A worker's channel to the keys."""

    @pytest.mark.parametrize("name", RUBBISH)
    def test_a_worker_that_sends_rubbish_is_cut_off_and_restarted(self, name, fleet, pki, backend):
        one = start(fleet, pki, backend().url, workers=2)
        one.may_lose_workers = True
        keys, victim, other = keys_pid(one), one.worker_pid(0), one.worker_pid(1)
        with inside.channel_of(victim) as channel:
            with contextlib.suppress(BrokenPipeError):
                inside.send_all(channel, RUBBISH[name])
        assert one.wait_log("worker_cut_off")["worker"] == 0
        is_back(one, victim)
        works(one, pki)
        assert (keys_pid(one), one.worker_pid(1)) == (keys, other)
        assert len(one.find_logs("worker_cut_off")) == 1

    def test_a_worker_that_sends_descriptors_is_cut_off_and_they_are_closed(self, fleet, pki,
                                                                           backend):
        one = start(fleet, pki, backend().url, workers=2)
        one.may_lose_workers = True
        keys, victim = keys_pid(one), one.worker_pid(0)
        before = len(os.listdir(f"/proc/{keys}/fd"))
        for count in (1, 3):
            with inside.channel_of(victim) as channel:
                fds = array.array("i", [0] * count)
                channel.sendmsg([inside.sign()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
            one.wait_log("worker_died", pid=victim)
            until(lambda: len(one.worker_pids()) == 2, "the worker again")
            victim = one.worker_pid(0)
            works(one, pki)
        assert keys_pid(one) == keys
        until(lambda: len(os.listdir(f"/proc/{keys}/fd")) == before, "as few descriptors as before")

    def test_a_worker_that_does_not_read_its_answers_is_cut_off(self, fleet, pki, backend):
        one = start(fleet, pki, backend().url, workers=2)
        one.may_lose_workers = True
        keys, victim = keys_pid(one), one.worker_pid(0)
        with inside.channel_of(victim) as channel, inside.stopped(victim):
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                for _ in range(100000):
                    inside.send_all(channel, inside.sign())
                raise AssertionError("a flood without an end")
            assert one.wait_log("worker_cut_off")["worker"] == 0
        is_back(one, victim)
        works(one, pki)
        assert keys_pid(one) == keys

    def test_a_worker_that_asks_without_end_holds_up_no_other(self, fleet, pki, backend):
        """It keeps to its bound, so it is not cut off: it gets its share and no more."""
        one = start(fleet, pki, backend().url, workers=2,
                    certificates=[pki.server.as_config(), pki.server_rsa.as_config()])
        stop, asked, done_s = threading.Event(), [0], []
        batch = inside.sign(key=1, scheme=inside.RSA_PSS_SHA256) * inside.UNDERWAY_MAX_COUNT

        def flood(channel):
            while not stop.is_set():
                inside.send_all(channel, batch)
                asked[0] += inside.UNDERWAY_MAX_COUNT
                left = inside.UNDERWAY_MAX_COUNT
                while left > 0 and select.select([channel], [], [], 20 * PATIENCE)[0]:
                    left -= len(inside.split(channel.recv(1 << 16)))

        def handshake():
            begin_s = time.monotonic()
            works(one, pki)
            done_s.append(time.monotonic() - begin_s)

        victim = one.worker_pid(0)
        clients = [threading.Thread(target=handshake) for _ in range(24)]
        with inside.channel_of(victim) as channel, inside.stopped(victim):
            flooder = threading.Thread(target=flood, args=[channel])
            flooder.start()
            try:
                until(lambda: asked[0] > 2 * inside.UNDERWAY_MAX_COUNT, "a flood")
                for client in clients:
                    client.start()
                # some are in the queue of the worker that is stopped: half of them, roughly
                until_still(lambda: len(done_s), "handshakes of the other worker")
            finally:
                stop.set()
                flooder.join(30 * PATIENCE)
            served_s = list(done_s)
        for client in clients:
            client.join(30 * PATIENCE)
        assert len(done_s) == len(clients) > len(served_s)
        assert max(served_s) < 2.0 * PATIENCE, served_s
        assert not one.find_logs("worker_cut_off")

    def test_others_go_on_meanwhile(self, fleet, pki, backend):
        one = start(fleet, pki, backend().url, workers=2)
        one.may_lose_workers = True
        pid = one.worker_pid(1)
        with load(one, pki) as (failures, counts):
            for name in ("no_message", "the_key_behind_the_last", "more_than_its_bound"):
                victim, seen = one.worker_pid(0), counts[0]
                with inside.channel_of(victim) as channel:
                    with contextlib.suppress(BrokenPipeError):
                        inside.send_all(channel, RUBBISH[name])
                is_back(one, victim)
                until(lambda seen=seen: counts[0] > seen + 10, "handshakes")
        assert one.worker_pid(1) == pid
        # what failed was with the worker that died, which ends its connections by a reset
        assert len(failures) <= 3 * 2, failures
        assert not one.find_logs("connection", reason="keys_timeout")


class TestFromKeys:
    """The other direction: an answer that is none ends the worker, and no handshake hangs."""

    ANSWERS = {
        "no_message": b"\xff" * 64,
        "an_empty_datagram": b"",
        "a_request": inside.sign(),
        "a_result_that_there_is_not": inside.key_message(inside.SIGNED, 1, b"\x09"),
        "a_signature_that_is_none": inside.key_message(inside.SIGNED, 1,
                                                       bytes([inside.REFUSED]) + b"sig"),
        "an_overlong_datagram": b"\0" * (inside.DATAGRAM_MAX + 1),
    }

    @pytest.mark.parametrize("name", ANSWERS)
    def test_a_worker_ends_and_comes_back(self, name, fleet, pki, backend):
        one = start(fleet, pki, backend().url)
        one.may_lose_workers = True
        keys, victim = keys_pid(one), one.worker_pid()
        with inside.channel_of(keys) as channel:
            inside.send_all(channel, self.ANSWERS[name])
        record = one.wait_log("worker_died", pid=victim)
        assert record["detail"] == "the process of the private keys sent what it must not"
        works(one, pki)
        assert keys_pid(one) == keys

    def test_answers_to_nothing_are_passed_over(self, fleet, pki, backend):
        one = start(fleet, pki, backend().url)
        with inside.channel_of(keys_pid(one)) as channel:
            for number in range(1000):
                inside.send_all(channel, inside.key_message(
                    inside.SIGNED, number, bytes([inside.DONE]) + b"signature"))
        works(one, pki)

    def test_a_wrong_signature_fails_one_handshake(self, fleet, pki, backend):
        one = start(fleet, pki, backend().url)
        works(one, pki)
        keys = keys_pid(one)
        with inside.channel_of(keys) as channel, inside.stopped(keys):
            end = ends.TlsEnd(ends.dial(one.address()), ends.client_context(pki.ca),
                              name="localhost")
            with pytest.raises(ends.ssl.SSLWantReadError):
                end.tls.do_handshake()
            end.flush()
            request = until(lambda: peek(keys), "a request")
            number = struct.unpack("!BIH", request[:7])[1]
            inside.send_all(channel, inside.key_message(inside.SIGNED, number,
                                                        bytes([inside.DONE]) + b"s" * 70))
            with pytest.raises((ends.ssl.SSLError, ConnectionResetError)):
                end.handshake()
            end.close()
        one.wait_log("connection")
        works(one, pki)


def peek(keys):
    """What the worker has asked, without taking it away from the keys, who are stopped."""
    with inside.channel_of(keys) as channel:
        with contextlib.suppress(BlockingIOError):
            return channel.recv(inside.DATAGRAM_MAX, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    return None


class TestToSupervisor:
    """A worker's channel to the supervisor, and that of the keys."""

    RUBBISH = {
        "no_message": b"\xff" * 64,
        "an_empty_datagram": b"",
        "ready_twice": inside.message(inside.READY),
        "swapped_unasked": inside.message(inside.SWAPPED, bytes(6)),
        "what_only_the_keys_say": inside.message(18, b"\0\1"),
        "what_only_the_supervisor_says": inside.message(7),
        "a_length_that_is_not_so": inside.message(inside.FAILED, b"why") + b"more",
        "an_overlong_datagram": b"\0" * 8000,
    }

    @pytest.mark.parametrize("name", RUBBISH)
    def test_a_worker_that_sends_rubbish_is_ended_and_restarted(self, name, fleet, pki, backend):
        one = start(fleet, pki, backend().url, workers=2)
        one.may_lose_workers = True
        keys, victim, other = keys_pid(one), one.worker_pid(0), one.worker_pid(1)
        with inside.channel_of(victim, to_supervisor=True) as channel:
            channel.send(self.RUBBISH[name])
        record = one.wait_log("worker_died", pid=victim)
        assert (record["signal"], record["detail"]) == (9, "it sent the supervisor what it must not")
        until(lambda: len(one.worker_pids()) == 2, "the worker again")
        works(one, pki)
        assert (keys_pid(one), one.worker_pid(1)) == (keys, other)

    def test_a_worker_that_closes_its_channel_and_stays_is_ended(self, fleet, pki, backend):
        one = start(fleet, pki, backend().url, workers=2)
        one.may_lose_workers = True
        victim = one.worker_pid(0)
        with inside.channel_of(victim, to_supervisor=True) as channel, inside.stopped(victim):
            channel.shutdown(socket.SHUT_RDWR)
            assert one.wait_log("worker_died", pid=victim)["signal"] == 9
        until(lambda: len(one.worker_pids()) == 2, "the worker again")
        works(one, pki)

    @pytest.mark.parametrize("name", ["no_message", "an_empty_datagram", "ready_twice"])
    def test_keys_that_send_rubbish_are_ended_and_restarted(self, name, fleet, pki, backend):
        one = start(fleet, pki, backend().url)
        keys = keys_pid(one)
        with inside.channel_of(keys, to_supervisor=True) as channel:
            channel.send(self.RUBBISH[name])
        assert one.wait_log("keys_died", pid=keys)["signal"] == 9
        works(one, pki)
