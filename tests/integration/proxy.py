# SPDX-License-Identifier: Apache-2.0
"""PROXY protocol headers, written and read without the program's own code."""
import ipaddress
import struct

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
ALPN, AUTHORITY, CRC32C, NOOP, UNIQUE_ID, SSL, NETNS = 0x01, 0x02, 0x03, 0x04, 0x05, 0x20, 0x30
SSL_VERSION, SSL_CN, SSL_CIPHER, SSL_SIG_ALG, SSL_KEY_ALG = 0x21, 0x22, 0x23, 0x24, 0x25
SSL_GROUP, SSL_SIG_SCHEME, SSL_CLIENT_CERT, RESUMED = 0x26, 0x27, 0x28, 0xE0


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def tlv(kind, value):
    return struct.pack("!BH", kind, len(value)) + value


def v1(source=("192.0.2.7", 51234), destination=("198.51.100.1", 443)):
    family = "TCP6" if ":" in source[0] else "TCP4"
    return (f"PROXY {family} {source[0]} {destination[0]} {source[1]} {destination[1]}"
            "\r\n").encode()


def v2(source=("192.0.2.7", 51234), destination=("198.51.100.1", 443), tlvs=b"", checksum=False,
       command=0x21):
    """A header; with `checksum` its CRC-32C is the first TLV."""
    if source is None:
        family, body = 0x00, b""
    elif isinstance(source, str):
        family = 0x31
        body = source.encode().ljust(108, b"\0") + destination.encode().ljust(108, b"\0")
    else:
        family = 0x21 if ":" in source[0] else 0x11
        body = b"".join(ipaddress.ip_address(host).packed for host, _ in (source, destination))
        body += struct.pack("!HH", source[1], destination[1])
    at = 16 + len(body) + 3
    body += (tlv(CRC32C, b"\0\0\0\0") if checksum else b"") + tlvs
    header = SIGNATURE + bytes([command, family]) + struct.pack("!H", len(body)) + body
    if checksum:
        header = header[:at] + struct.pack("!I", crc32c(header)) + header[at + 4 :]
    return header


def read_tlvs(data):
    tlvs = {}
    while data:
        kind, size = struct.unpack("!BH", data[:3])
        assert len(data) >= 3 + size, "a TLV is longer than what is left"
        assert kind not in tlvs, f"type {kind:#x} comes twice"
        tlvs[kind] = data[3 : 3 + size]
        data = data[3 + size :]
    return tlvs


def read_v2(end):
    """Reads a header off a plain end; gives source, destination, TLVs and those of SSL."""
    fixed = end.recv_exactly(16)
    assert fixed[:12] == SIGNATURE and fixed[12] == 0x21, fixed
    body = end.recv_exactly(struct.unpack("!H", fixed[14:16])[0])
    width = {0x00: 0, 0x11: 4, 0x21: 16, 0x31: 108}[fixed[13]]
    if width == 108:
        places = [body[at : at + width].rstrip(b"\0").decode() for at in (0, width)]
    elif width > 0:
        hosts = [str(ipaddress.ip_address(body[at : at + width])) for at in (0, width)]
        places = list(zip(hosts, struct.unpack("!HH", body[2 * width : 2 * width + 4])))
    else:
        places = []
    addresses_bytes = {0: 0, 4: 12, 16: 36, 108: 216}[width]
    tlvs = read_tlvs(body[addresses_bytes:])
    if CRC32C in tlvs:
        whole = fixed + body
        at = whole.index(tlv(CRC32C, tlvs[CRC32C]), 16 + addresses_bytes) + 3
        zeroed = whole[:at] + b"\0\0\0\0" + whole[at + 4 :]
        assert struct.unpack("!I", tlvs[CRC32C])[0] == crc32c(zeroed), "the checksum is wrong"
    nested = read_tlvs(tlvs[SSL][5:]) if SSL in tlvs else {}
    return places, tlvs, nested


def read_v1(end):
    """Reads a line off a plain end, byte by byte."""
    line = b""
    while not line.endswith(b"\r\n"):
        line += end.recv_exactly(1)
    return line
