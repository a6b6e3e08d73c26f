# SPDX-License-Identifier: Apache-2.0
"""Certificates and revocation lists written byte by byte: right ones, and wrong in one thing."""
import base64
import dataclasses
import datetime
import hashlib
import ipaddress

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa



def now():
    """In UTC, whole seconds, as certificates count them."""
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0, tzinfo=None)


NOW = now()
DAY = datetime.timedelta(days=1)

OIDS = {
    "CN": "2.5.4.3", "OU": "2.5.4.11", "O": "2.5.4.10", "email": "1.2.840.113549.1.9.1",
    "ski": "2.5.29.14", "ku": "2.5.29.15", "san": "2.5.29.17", "bc": "2.5.29.19",
    "nc": "2.5.29.30", "aki": "2.5.29.35", "eku": "2.5.29.37", "crl_number": "2.5.29.20",
    "policies": "2.5.29.32", "policy_constraints": "2.5.29.36", "idp": "2.5.29.28",
    "serverAuth": "1.3.6.1.5.5.7.3.1", "clientAuth": "1.3.6.1.5.5.7.3.2",
    "codeSigning": "1.3.6.1.5.5.7.3.3", "anyEKU": "2.5.29.37.0",
    "netscapeSGC": "2.16.840.1.113730.4.1", "unknown": "1.3.6.1.4.1.55555.1",
    "ecPublicKey": "1.2.840.10045.2.1", "P-256": "1.2.840.10045.3.1.7",
    "ecdsa-sha256": "1.2.840.10045.4.3.2", "ecdsa-sha1": "1.2.840.10045.4.1",
    "rsa-sha256": "1.2.840.113549.1.1.11", "rsa-sha1": "1.2.840.113549.1.1.5",
    "rsa-md5": "1.2.840.113549.1.1.4",
}
KEY_USAGES = ["digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment",
              "keyAgreement", "keyCertSign", "cRLSign"]
CURVES = {"ec": ec.SECP256R1, "p-192": ec.SECP192R1, "p-521": ec.SECP521R1}
HASHES = {"sha256": hashes.SHA256, "sha1": hashes.SHA1, "md5": hashes.MD5}


def tlv(tag, *parts):
    """One DER element."""
    body = b"".join(parts)
    size = len(body)
    if size < 0x80:
        return bytes([tag, size]) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def seq(*parts):
    return tlv(0x30, *parts)


def integer(number):
    return tlv(2, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))


def oid(name):
    arcs = [int(arc) for arc in OIDS.get(name, name).split(".")]
    body = bytearray([arcs[0] * 40 + arcs[1]])
    for arc in arcs[2:]:
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.append(0x80 | arc & 0x7F)
        body += bytes(reversed(digits))
    return tlv(6, bytes(body))


def boolean(value):
    return tlv(1, b"\xff" if value else b"\x00")


def bits(data, unused=0):
    return tlv(3, bytes([unused]), data)


def time(when):
    if when.year < 2050:
        return tlv(0x17, when.strftime("%y%m%d%H%M%SZ").encode())
    return tlv(0x18, when.strftime("%Y%m%d%H%M%SZ").encode())


def name(*pairs):
    """("CN", text) …"""
    def one(kind, text):
        value = text if isinstance(text, bytes) else text.encode()
        return tlv(0x31, seq(oid(kind), tlv(0x16 if kind == "email" else 0x0C, value)))

    return seq(*(one(kind, text) for kind, text in pairs))


def general_name(text):
    """"dns:a.test", "ip:10.0.0.1" (a subtree: "ip:10.0.0.0/255.0.0.0"), "email:", "uri:";
    as a pair of kind and bytes also "dir", "rid" and "raw"."""
    kind, value = text if isinstance(text, tuple) else text.split(":", 1)
    if kind == "ip":
        parts = value if isinstance(value, bytes) else b"".join(map(ip_bytes, value.split("/")))
        return tlv(0x87, parts)
    if kind == "dir":
        return tlv(0xA4, value)
    if kind == "raw":
        return value
    tag = {"email": 0x81, "dns": 0x82, "uri": 0x86, "rid": 0x88}[kind]
    return tlv(tag, value if isinstance(value, bytes) else value.encode())


def ip_bytes(text):
    return ipaddress.ip_address(text).packed


def san(*names):
    return seq(*map(general_name, names))


def name_constraints(permitted=(), excluded=()):
    def trees(tag, names):
        return tlv(tag, *(seq(general_name(one)) for one in names)) if names else b""

    return seq(trees(0xA0, permitted), trees(0xA1, excluded))


def basic_constraints(is_ca, pathlen=None):
    return seq(boolean(True) if is_ca else b"", b"" if pathlen is None else integer(pathlen))


def key_usage(*usages):
    value = sum(0x80 >> KEY_USAGES.index(usage) for usage in usages)
    unused = 0 if value == 0 else (value & -value).bit_length() - 1
    return bits(bytes([value]), unused)


def eku(*purposes):
    return seq(*map(oid, purposes))


class Key:
    def __init__(self, kind="ec"):
        self.kind = "ec" if kind in CURVES else "rsa"
        self.private = (ec.generate_private_key(CURVES[kind]()) if kind in CURVES
                        else rsa.generate_private_key(65537, int(kind[4:])))
        self.spki = self.private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.identifier = hashlib.sha1(self.spki).digest()

    @property
    def pin(self):
        return base64.b64encode(hashlib.sha256(self.spki).digest()).decode()

    def pem(self):
        return self.private.private_bytes(serialization.Encoding.PEM,
                                          serialization.PrivateFormat.PKCS8,
                                          serialization.NoEncryption()).decode()

    def sign(self, data, digest):
        if self.kind == "ec":
            return self.private.sign(data, ec.ECDSA(HASHES[digest]()))
        return self.private.sign(data, padding.PKCS1v15(), HASHES[digest]())

    def algorithm(self, digest):
        if self.kind == "ec":
            return seq(oid(f"ecdsa-{digest}"))
        return seq(oid(f"rsa-{digest}"), tlv(5))


def pem(label, der):
    text = base64.b64encode(der).decode()
    lines = [text[at:at + 64] for at in range(0, len(text), 64)]
    return f"-----BEGIN {label}-----\n" + "\n".join(lines) + f"\n-----END {label}-----\n"


@dataclasses.dataclass
class Cert:
    """One certificate; `extensions` is {name: (is_critical, value)} in order."""

    subject: bytes
    key: Key
    extensions: dict
    issuer: "Cert" = None  # None: signs itself
    issuer_name: bytes = None
    signer: Key = None
    serial: int = 1
    version: int = 3
    begin: datetime.datetime = NOW - DAY
    end: datetime.datetime = NOW + 30 * DAY
    digest: str = "sha256"
    inner_digest: str = None  # what the signed part says, when it is to differ
    is_damaged: bool = False  # the signature
    der: bytes = b""

    def __post_init__(self):
        by = self.issuer or self
        signer = self.signer or by.key
        algorithm = signer.algorithm(self.digest)
        inner = signer.algorithm(self.inner_digest or self.digest)
        listed = seq(*(seq(oid(one), boolean(True) if is_critical else b"", tlv(4, value))
                       for one, (is_critical, value) in self.extensions.items()))
        signed = seq(
            b"" if self.version == 1 else tlv(0xA0, integer(self.version - 1)),
            integer(self.serial), inner, self.issuer_name or by.subject,
            seq(time(self.begin), time(self.end)), self.subject, self.key.spki,
            tlv(0xA3, listed) if self.extensions else b"")
        signature = signer.sign(signed, self.digest)
        if self.is_damaged:
            signature = signer.sign(signed + b"?", self.digest)
        self.der = seq(signed, algorithm, bits(signature))

    def pem(self):
        return pem("CERTIFICATE", self.der)


def crl(issuer, revoked=(), begin=NOW - DAY, end=NOW + 30 * DAY, signer=None, is_damaged=False,
        extensions=None):
    """A revocation list of an issuer's certificate."""
    key = signer or issuer.key
    algorithm = key.algorithm("sha256")
    entries = seq(*(seq(integer(serial), time(begin)) for serial in revoked)) if revoked else b""
    extra = extensions or {}
    listed = seq(
        seq(oid("aki"), tlv(4, seq(tlv(0x80, key.identifier)))),
        seq(oid("crl_number"), tlv(4, integer(1))),
        *(seq(oid(one), boolean(True) if is_critical else b"", tlv(4, value))
          for one, (is_critical, value) in extra.items()))
    signed = seq(integer(1), algorithm, issuer.subject, time(begin),
                 b"" if end is None else time(end), entries, tlv(0xA0, listed))
    signature = key.sign(signed + b"?" if is_damaged else signed, "sha256")
    return seq(signed, algorithm, bits(signature))
