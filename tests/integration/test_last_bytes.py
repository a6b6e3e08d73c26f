# SPDX-License-Identifier: Apache-2.0
"""What had come before a hard end is delivered; what had ended cleanly stays clean."""
import fcntl
import struct
import termios
import time

import ends
from patterns import Pattern
from scale import until

MANY = 2_000_000


def read_to_the_end(end):
    """All bytes, and how it ended."""
    got = bytearray()
    try:
        while part := end.recv():
            got += part
        return bytes(got), "clean"
    except ends.Truncated:
        return bytes(got), "truncated"
    except (ConnectionResetError, BrokenPipeError):
        return bytes(got), "reset"


def leave(client):
    """Ends and closes, once all that was sent has arrived: an unread ticket makes the kernel reset."""
    client.end()

    def unsent():
        return struct.unpack("i", fcntl.ioctl(client.sock, termios.TIOCOUTQ, bytes(4)))[0]

    until(lambda: unsent() == 0, "the other kernel to have everything")
    client.close()


class TestDelivery:
    def test_a_truncated_answer_arrives_before_the_reset(self, fleet, backend, pki):
        def behave(visit):
            visit.end.recv_exactly(2)
            visit.end.send(b"x" * MANY)
            visit.end.fin()
            visit.read()

        pattern = Pattern("tcp-tls", fleet, backend, pki, behave)
        with pattern.dial() as client:
            client.send(b"go")
            pattern.sluice.wait_connection(reason="truncated", side="upstream")
            got, fate = read_to_the_end(client)
        assert len(got) == MANY and fate == "reset"

    def test_a_whole_answer_survives_a_later_reset(self, fleet, backend, pki):
        """The upstream has answered, ended and closed; what the client still sends meets a reset."""
        def behave(visit):
            visit.end.recv_exactly(2)
            visit.end.send(b"x" * MANY)
            visit.end.end()
            visit.end.close()

        pattern = Pattern("tcp-tcp", fleet, backend, pki, behave)
        with pattern.dial() as client:
            client.send(b"go")
            assert client.recv_exactly(1) == b"x"
            time.sleep(0.3)  # not for a state: the later word must come late
            client.send(b"later")
            pattern.sluice.wait_connection()
            got, _ = read_to_the_end(client)
        assert len(got) == MANY - 1

    def test_a_whole_upload_of_a_client_that_left_arrives(self, fleet, backend, pki):
        received = []

        def behave(visit):
            time.sleep(0.3)
            received.append(read_to_the_end(visit.end))

        pattern = Pattern("tls-tcp", fleet, backend, pki, behave)
        client = pattern.dial()
        client.send(b"x" * 1_000_000)
        leave(client)
        pattern.backend.visit().wait()
        got, fate = received[0]
        assert len(got) == 1_000_000 and fate == "clean"

    def test_a_short_word_and_good_bye_arrive(self, fleet, backend, pki):
        received = []
        pattern = Pattern("tls-tcp", fleet, backend, pki,
                          lambda visit: received.append(read_to_the_end(visit.end)))
        client = pattern.dial()
        client.send(b"x" * 100)
        leave(client)
        pattern.backend.visit().wait()
        assert received == [(b"x" * 100, "clean")]

    def test_who_never_reads_does_not_keep_it_for_ever(self, fleet, backend, pki):
        """Nothing is taken within timeouts.linger: the reset comes without the rest."""
        def behave(visit):
            visit.end.recv_exactly(2)
            visit.sock.settimeout(0.3)
            try:
                while True:
                    visit.sock.send(b"x" * 100_000)
            except TimeoutError:  # nothing moves any more
                visit.end.reset()

        pattern = Pattern("tcp-tcp", fleet, backend, pki, behave, timeouts={"linger": "500ms"})
        with pattern.dial() as client:
            client.send(b"go")
            pattern.sluice.wait_connection(reason="upstream_reset")
            until(lambda: pattern.sluice.descriptor_count() < 10, "the connection to be gone")
            time.sleep(1.0)  # twice the linger time, in which the client reads nothing
            _, fate = read_to_the_end(client)
        assert fate == "reset"
