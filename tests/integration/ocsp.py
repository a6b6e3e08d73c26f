# SPDX-License-Identifier: Apache-2.0
"""OCSP responses for the suite: made with `openssl ocsp`, and changed and signed anew."""
import datetime
import pathlib

import pki as pki_module

OFTEN_S = 3600


def stamp(moment):
    return moment.strftime("%Y%m%d%H%M%SZ").encode()


def now():
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)


def split(der):
    """The first element: (tag, contents, what is behind it)."""
    length, at = der[1], 2
    if length & 0x80:
        at += length & 0x7F
        length = int.from_bytes(der[2:at], "big")
    return der[0], der[at:at + length], der[at + length:]


def element(tag, contents):
    length = len(contents)
    if length < 0x80:
        return bytes([tag, length]) + contents
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + contents


def elements(der):
    parts = []
    while der:
        tag, contents, der = split(der)
        parts.append((tag, contents))
    return parts


class Responder:
    """Answers for the certificates of one issuer."""

    def __init__(self, pki, folder, issuer="intermediate"):
        self.pki = pki
        self.folder = pathlib.Path(folder)
        self.issuer = str(pki.folder / f"{issuer}.pem")
        self.signer, self.key = self.issuer, str(pki.folder / f"{issuer}.key")

    def delegate(self, name, usage="OCSPSigning", issuer="intermediate"):
        """From now on somebody else signs."""
        pair = self.pki.issue(name, None, issuer=issuer) if usage is None else None
        if pair is None:
            key = self.pki._key(name, "ec")
            self.pki._sign(name, key, issuer, f"/CN={name}",
                           f"basicConstraints=CA:FALSE\nextendedKeyUsage={usage}\n", False)
        self.signer = str(self.pki.folder / f"{name}.leaf.pem")
        self.key = str(self.pki.folder / f"{name}.key")

    def answer(self, pair, status="good", days=2, name="answer", digest="sha1"):
        """The file of a response about the leaf of `pair`."""
        serial = pki_module.openssl("x509", "-noout", "-serial", "-in", pair.leaf)
        serial = serial.strip().split("=")[1]
        index = self.folder / f"{name}.index"
        line = {"good": f"V\t350101000000Z\t\t{serial}\tunknown\t/CN=x\n",
                "revoked": f"R\t350101000000Z\t260101000000Z,keyCompromise\t{serial}\tunknown"
                           "\t/CN=x\n",
                "unknown": ""}[status]
        index.write_text(line)
        index.with_suffix(".index.attr").write_text("unique_subject = no\n")
        path = self.folder / f"{name}.der"
        pki_module.openssl("ocsp", "-index", index, "-CA", self.issuer, "-issuer", self.issuer,
                           f"-{digest}", "-cert", pair.leaf, "-rsigner", self.signer,
                           "-rkey", self.key, "-ndays", days, "-respout", path, "-noverify")
        return str(path)

    def between(self, path, since, until):
        """The response with another thisUpdate and nextUpdate (None: without), signed anew."""
        whole = pathlib.Path(path).read_bytes()
        successful, wrapped = elements(split(whole)[1])
        _, body = elements(split(wrapped[1])[1])
        basic = elements(split(body[1])[1])
        tbs = self._dated(element(*basic[0]), since, until)
        text = self.folder / "tbs"
        text.write_bytes(tbs)
        signature = self.folder / "tbs.signature"
        pki_module.openssl("dgst", "-sha256", "-sign", self.key, "-out", signature, text)
        rest = [element(0x03, b"\0" + signature.read_bytes())]
        rest += [element(*part) for part in basic[3:]]
        made = element(0x30, tbs + element(*basic[1]) + b"".join(rest))
        oid = element(*elements(split(wrapped[1])[1])[0])
        pathlib.Path(path).write_bytes(element(0x30, element(*successful) + element(
            0xA0, element(0x30, oid + element(0x04, made)))))
        return path

    @staticmethod
    def _dated(tbs, since, until):
        parts = elements(split(tbs)[1])
        at = next(i for i, (tag, _) in enumerate(parts) if tag == 0x30)
        single = elements(split(parts[at][1])[1])
        single[2] = (0x18, stamp(since))
        single = [part for part in single if part[0] != 0xA0]
        if until is not None:
            single.insert(3, (0xA0, element(0x18, stamp(until))))
        parts[at] = (0x30, element(0x30, b"".join(element(*part) for part in single)))
        return element(0x30, b"".join(element(*part) for part in parts))
