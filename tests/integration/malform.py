# SPDX-License-Identifier: Apache-2.0
"""A TLS peer whose own library makes an honest handshake, of which one flight is spoilt on its way:
messages and records in TLS 1.2 and, opened and sealed again, in TLS 1.3."""
import hashlib
import hmac
import os
import pathlib
import random
import ssl
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CCS, ALERT, HANDSHAKE, DATA = 20, 21, 22, 23


def expand(secret, label, length):
    """HKDF-Expand-Label with SHA-256 and no context (RFC 8446 7.1)."""
    info = struct.pack("!H", length) + bytes([len(label) + 6]) + b"tls13 " + label + b"\0"
    return hmac.new(secret, info + b"\1", hashlib.sha256).digest()[:length]


class Sealer:
    """Opens and seals the records of one handshake secret, in their order."""

    def __init__(self, secret):
        self.key = AESGCM(expand(secret, b"key", 16))
        self.iv = int.from_bytes(expand(secret, b"iv", 12), "big")

    def _nonce(self, number):
        return (self.iv ^ number).to_bytes(12, "big")

    def open(self, number, record):
        inner = self.key.decrypt(self._nonce(number), record[5:], record[:5]).rstrip(b"\0")
        return inner[-1], inner[:-1]

    def seal(self, number, kind, data):
        head = struct.pack("!BHH", DATA, 0x0303, len(data) + 17)
        return head + self.key.encrypt(self._nonce(number), data + bytes([kind]), head)


def record(kind, data, version=0x0303):
    return struct.pack("!BHH", kind, version, len(data)) + data


def records_of(data):
    """Whole records; our own library writes no others."""
    found = []
    while data:
        size = 5 + struct.unpack("!H", data[3:5])[0]
        found.append(data[:size])
        data = data[size:]
    return found


def messages_of(data):
    found = []
    while data:
        size = 4 + int.from_bytes(data[1:4], "big")
        found.append(data[:size])
        data = data[size:]
    return found


class Unit:
    """A handshake message, or a record that is passed on as it is."""

    def __init__(self, data, kind=HANDSHAKE, is_sealed=False, is_raw=False):
        self.data, self.kind, self.is_sealed, self.is_raw = data, kind, is_sealed, is_raw


def units_of(flight, sealer_of):
    """The units of a flight; `sealer_of` gives the Sealer of TLS 1.3, once there is one."""
    units, sealer, number, is_ciphered = [], None, 0, False
    for one in records_of(flight):
        if one[0] == HANDSHAKE and not is_ciphered:
            units += [Unit(message) for message in messages_of(one[5:])]
        elif one[0] == DATA:
            sealer = sealer or sealer_of()
            kind, data = sealer.open(number, one)
            number += 1
            parts = messages_of(data) if kind == HANDSHAKE else [data]
            units += [Unit(part, kind, is_sealed=True) for part in parts]
        else:
            is_ciphered = is_ciphered or one[0] == CCS
            units.append(Unit(one, is_raw=True))
    return units


def flight_of(units, sealer_of, version):
    data, number = b"", 0
    for unit in units:
        if unit.is_raw:
            data += unit.data
        elif unit.is_sealed:
            data += sealer_of().seal(number, unit.kind, unit.data)
            number += 1
        else:
            data += record(unit.kind, unit.data, version)
    return data


def relength(message):
    """The message with its length made right."""
    return message[:1] + (len(message) - 4).to_bytes(3, "big") + message[4:]


def flip(rng, data, start):
    at = rng.randrange(start, len(data)) if len(data) > start else 0
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1:]


def overwrite(rng, data, start):
    at = rng.randrange(start, max(start + 1, len(data) - 1))
    return data[:at] + rng.choice([b"\0\0", b"\xff\xff", b"\0\1", b"\x7f\xff"]) + data[at + 2:]


def twice_an_extension(rng, message):
    """A hello with one of its extensions twice; other messages with their last bytes twice."""
    if message[0] not in (1, 2):
        return relength(message + message[-min(16, len(message) - 4):])
    at = 4 + 2 + 32
    at += 1 + message[at]
    if message[0] == 1:
        at += 2 + struct.unpack("!H", message[at:at + 2])[0]
        at += 1 + message[at]
    else:
        at += 3
    listed, found = message[at + 2:], []
    while listed:
        size = 4 + struct.unpack("!H", listed[2:4])[0]
        found.append(listed[:size])
        listed = listed[size:]
    found.insert(rng.randrange(len(found) + 1), rng.choice(found))
    listed = b"".join(found)
    return relength(message[:at] + struct.pack("!H", len(listed)) + listed)


def message_mutant(rng, message):
    """What can be wrong inside one message. Never the message itself."""
    body = len(message) > 4
    ways = [lambda: flip(rng, message, 0), lambda: relength(message + os.urandom(rng.choice(
        [1, 2, 7, 300]))), lambda: bytes([rng.randrange(256)]) + message[1:]]
    if body:
        cut = rng.randrange(4, len(message))
        ways += [lambda: flip(rng, message, 4), lambda: flip(rng, message, 4),
                 lambda: overwrite(rng, message, 4), lambda: overwrite(rng, message, 1),
                 lambda: relength(message[:cut]), lambda: message[:cut],
                 lambda: relength(message[:4] + message[cut:]),
                 lambda: twice_an_extension(rng, message), lambda: message[:4] + os.urandom(
                     len(message) - 4)]
    while True:
        mutant = rng.choice(ways)()
        if mutant != message:
            return mutant


def flight_mutant(rng, units):
    """Spoils the list in place. True when no handshake with it may succeed."""
    own = [at for at, unit in enumerate(units) if not unit.is_raw]
    at = rng.choice(own)
    unit = units[at]
    way = rng.randrange(10)
    if way <= 4:
        unit.data = message_mutant(rng, unit.data)
    elif way == 5:
        units.insert(rng.choice(own), Unit(unit.data, unit.kind, unit.is_sealed))
        return at != own[-1]  # with its Finished a handshake is over, whatever comes then
    elif way == 6 and len(own) > 1:
        del units[at]
    elif way == 7 and len(own) > 1:
        other = rng.choice([one for one in own if one != at])
        units[at], units[other] = units[other], units[at]
    else:
        strange = rng.choice([
            record(CCS, b"\1"), record(CCS, b"\2"), record(CCS, b"\1\1"), record(ALERT, b"\1\0"),
            record(ALERT, b"\1\x5a"), record(ALERT, b"\2\x28"), record(ALERT, b"\1"),
            record(HANDSHAKE, b""), record(DATA, b"early"), record(24, b"\1\0\1x"),
            record(99, b"x"), b"\x16\x03\x03\x48\x01" + bytes(300), b"\x16\x03\x03\0\4\0\0\0\0",
            record(HANDSHAKE, b"\x18\0\0\1\0"), b"GET / HTTP/1.1\r\n\r\n", os.urandom(64)])
        units.insert(rng.choice([*own, len(units)]), Unit(strange, is_raw=True))
        return False
    return True


class Peer:
    """One handshake over a socket, of which flight number `spoilt` is not what it was."""

    def __init__(self, sock, context, keylog, rng, spoilt, server_side=False):
        self.sock, self.rng, self.spoilt = sock, rng, spoilt
        self.keylog, self.label = pathlib.Path(keylog), "SERVER" if server_side else "CLIENT"
        context.keylog_filename = str(keylog)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=server_side,
                                    server_hostname=None if server_side else "localhost")
        self.flights, self.must_fail, self.is_spoilt = 0, False, False
        self.is_done, self.received, self.error, self.got = False, b"", "", b""
        self.flight = self.sent = b""  # the one that was spoilt, before and after

    def _sealer(self):
        for line in self.keylog.read_text().splitlines():
            if line.startswith(f"{self.label}_HANDSHAKE_TRAFFIC_SECRET"):
                return Sealer(bytes.fromhex(line.split()[2]))
        raise AssertionError("no handshake secret")

    def _send(self):
        flight = self.outgoing.read()
        if not flight:
            return
        if self.flights == self.spoilt:
            units = units_of(flight, self._sealer)
            if any(not unit.is_raw for unit in units):
                self.must_fail = flight_mutant(self.rng, units)
                self.is_spoilt = True
                version = struct.unpack("!H", flight[1:3])[0]
                self.flight, flight = flight, flight_of(units, self._sealer, version)
                self.sent = flight
        self.flights += 1
        self.sock.sendall(flight)

    def run(self):
        """Until the other side ends the connection; raises TimeoutError when it does not."""
        try:
            while True:
                if not self.is_done and not self.error:
                    self._step()
                data = self.sock.recv(65536)
                if not data:
                    return
                self.received += data
                self.incoming.write(data)
                if self.is_done:
                    self._read()
        except (ConnectionResetError, BrokenPipeError):
            return

    def _step(self):
        try:
            self.tls.do_handshake()
            self.is_done = True
        except ssl.SSLWantReadError:
            pass
        except (ssl.SSLError, OSError) as error:
            self.error = str(error)
        self._send()
        if self.is_done:
            self.tls.write(b"secret")
            self.sock.sendall(self.outgoing.read())

    def _read(self):
        try:
            self.got += self.tls.read(65536)
        except (ssl.SSLWantReadError, ssl.SSLError, OSError):
            pass

    def plain_alerts(self):
        """The descriptions of alerts that came in the clear."""
        found, data = [], self.received
        while len(data) >= 5 and 20 <= data[0] <= 23:
            size = struct.unpack("!H", data[3:5])[0]
            if data[0] == ALERT and size == 2:
                found.append(data[6])
            if data[0] == CCS:
                break
            data = data[5 + size:]
        return found


def rng_of(*parts):
    return random.Random("/".join(map(str, parts)))
