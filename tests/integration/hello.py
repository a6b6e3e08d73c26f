# SPDX-License-Identifier: Apache-2.0
"""ClientHellos made by hand or cut up: what hostile and odd clients send."""
import os
import ssl
import struct

from ends import TlsEnd

RECORD_MAX = 16384


def vector(width, data):
    return len(data).to_bytes(width, "big") + data


def extension(kind, body):
    return struct.pack("!H", kind) + vector(2, body)


def client_hello(version=0x0303, extensions=b"", ciphers=(0xC02B, 0xC02F, 0x1301)):
    """A ClientHello message of TLS 1.2 and below, or whatever the extensions make of it."""
    body = struct.pack("!H", version) + os.urandom(32) + vector(1, b"")
    body += vector(2, b"".join(struct.pack("!H", c) for c in ciphers)) + vector(1, b"\0")
    if extensions:
        body += vector(2, extensions)
    return b"\x01" + vector(3, body)


def in_records(message, size=RECORD_MAX, version=0x0301):
    """A handshake message in records of at most `size` bytes."""
    return b"".join(struct.pack("!BH", 22, version) + vector(2, message[at : at + size])
                    for at in range(0, len(message), size))


X25519_SHARE = bytes([9]) + bytes(31)  # of the group 29: a point, whoever has its secret


def modern_hello(name=None, alpn=None, versions=(0x0304, 0x0303), more=b"", ciphers=None,
                 groups=(29, 23), signatures=(0x0403, 0x0804, 0x0401), shares=True):
    """A ClientHello that is answered; without `versions` one of TLS 1.2."""
    def u16s(numbers):
        return b"".join(struct.pack("!H", number) for number in numbers)

    parts = b""
    if name is not None:
        parts += extension(0, vector(2, b"\0" + vector(2, name)))
    if groups:
        parts += extension(10, vector(2, u16s(groups)))
    parts += extension(11, vector(1, b"\0"))
    if signatures:
        parts += extension(13, vector(2, u16s(signatures)))
    if alpn is not None:
        parts += extension(16, vector(2, b"".join(vector(1, one) for one in alpn)))
    if versions:
        parts += extension(43, vector(1, u16s(versions)))
        if shares:
            parts += extension(51, vector(2, struct.pack("!H", 29) + vector(2, X25519_SHARE)))
    return client_hello(extensions=parts + more,
                        ciphers=(0x1301, 0xC02B, 0xC02F) if ciphers is None else ciphers)


def padded_hello(size):
    """A well-formed ClientHello of about `size` bytes, most of them an extension of no meaning."""
    standard = (extension(10, vector(2, b"\x00\x1d\x00\x17")) + extension(11, vector(1, b"\0"))
                + extension(13, vector(2, b"\x04\x03\x08\x04\x04\x01")))
    return client_hello(extensions=standard + extension(0xFE0D, bytes(size - 120)))


def sslv2_hello():
    """RFC 5246 E.2, offering TLS 1.0."""
    ciphers = b"\x00\x00\x2f\x00\x00\x35"
    body = b"\x01\x03\x01" + struct.pack("!HHH", len(ciphers), 0, 16) + ciphers + os.urandom(16)
    return struct.pack("!H", 0x8000 | len(body)) + body


def first_flight(sock, context, name="localhost"):
    """A TlsEnd whose ClientHello was made but not sent; gives it and the message, no record."""
    end = TlsEnd(sock, context, name=name)
    try:
        end.tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    data = end.outgoing.read()
    message = b""
    while data:
        size = struct.unpack("!H", data[3:5])[0]
        assert data[0] == 22
        message += data[5 : 5 + size]
        data = data[5 + size :]
    return end, message


def long_alpn(size):
    """A list of protocols of about `size` bytes: makes an honest ClientHello that large."""
    return ["x%03d" % number + "y" * 246 for number in range(max(1, size // 251))]
