# SPDX-License-Identifier: Apache-2.0
"""Streams in both directions at once, of which each end counts and hashes what it gets: whole, or
cut off and said to be; never wrong, and never short with a clean end."""
import hashlib
import threading

import ends
from scale import PATIENCE, blocks

UP, DOWN = b"to the upstream", b"to the client"


class Side:
    """One end: sends blocks(total, mine), and takes blocks(total, theirs)."""

    def __init__(self, end, total_bytes, mine, theirs):
        self.end, self.total_bytes = end, total_bytes
        self.mine, self.theirs = mine, theirs
        self.sent_bytes = self.received_bytes = 0
        self.digest, self.wanted = hashlib.sha256(), hashlib.sha256()
        self.is_reset = False
        self.fate = None  # "whole" or "cut", else what was wrong
        self._ahead = bytearray()
        self._blocks = blocks(total_bytes, theirs)

    def _send(self):
        try:
            for block in blocks(self.total_bytes, self.mine):
                self.end.send(block)
                self.sent_bytes += len(block)
            self.end.end()
        except OSError:
            self.is_reset = True  # the kernel tells of a reset once: receiving may look like a FIN

    def _note(self, data):
        """Hashes what came, and as many bytes of what should have come."""
        self.received_bytes += len(data)
        self.digest.update(data)
        while len(self._ahead) < len(data):
            self._ahead += next(self._blocks, None) or b"\0" * len(data)
        self.wanted.update(self._ahead[: len(data)])
        del self._ahead[: len(data)]

    def run(self):
        sender = threading.Thread(target=self._send, daemon=True)
        sender.start()
        is_clean = False
        try:
            while data := self.end.recv():
                self._note(data)
            is_clean = True
        except (ConnectionResetError, BrokenPipeError, ends.Truncated):
            pass
        except OSError as error:
            self.fate = f"stuck: {error}"
        sender.join(60 * PATIENCE)
        is_clean = is_clean and not self.is_reset
        if self.digest.digest() != self.wanted.digest():
            self.fate = f"wrong bytes among {self.received_bytes}"
        elif is_clean and self.received_bytes != self.total_bytes:
            self.fate = f"a clean end after {self.received_bytes} of {self.total_bytes} bytes"
        self.fate = self.fate or ("whole" if is_clean else "cut")
        return self.fate


def upstream(total_bytes, sides):
    """A behaviour of peers.Backend; adds its side to `sides`."""

    def behave(visit):
        visit.sock.settimeout(60 * PATIENCE)
        side = Side(visit.end, total_bytes, DOWN, UP)
        sides.append(side)
        side.run()

    return behave


def run_client(address, total_bytes):
    """A client's side when it is over; None when it was not let in at all."""
    try:
        with ends.PlainEnd(ends.dial(address)) as end:
            end.sock.settimeout(60 * PATIENCE)
            side = Side(end, total_bytes, UP, DOWN)
            side.run()
            return side
    except OSError:
        return None


def run_clients(address, count, total_bytes, at_once=4):
    """The sides of so many clients, some at once."""
    sides, lock, left = [], threading.Lock(), list(range(count))

    def work():
        while True:
            with lock:
                if not left:
                    return
                left.pop()
            side = run_client(address, total_bytes)
            if side is not None:
                sides.append(side)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120 * PATIENCE)
        assert not thread.is_alive(), "a client hangs"
    return sides


def check(sides):
    """Every stream was whole or cut; gives how many were whole."""
    bad = [side.fate for side in sides if side.fate not in ("whole", "cut")]
    assert not bad, bad
    return sum(side.fate == "whole" for side in sides)


class Tunnel:
    """Plain ends with TLS between two programs: a client's bytes are sealed and opened again."""

    def __init__(self, fleet, pki, backend, total_bytes, **options):
        self.total_bytes = total_bytes
        self.upstream_sides = []
        self.backend = backend(upstream(total_bytes, self.upstream_sides))
        self.back = fleet.run({"services": {"main": {
            "listen": "tls://127.0.0.1:0", "connect": self.backend.url,
            "certificates": [pki.server.as_config()]}}}, **options)
        self.front = fleet.run({"services": {"main": {
            "listen": "tcp://127.0.0.1:0", "connect": self.back.url(),
            "upstream": {"ca": pki.ca}}}}, **options)

    def run(self, count, at_once=4):
        """Runs so many clients and checks both ends of all; gives how many were whole at both."""
        before = len(self.upstream_sides)
        clients = run_clients(self.front.address(), count, self.total_bytes, at_once)
        for visit in self.backend.visits:
            visit.wait(60)
        return min(check(clients), check(self.upstream_sides[before:]))
