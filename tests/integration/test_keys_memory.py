# SPDX-License-Identifier: Apache-2.0
"""Whose memory holds a private key: that of the keys, and no other, under load. As root."""
import os
import pathlib
import re
import subprocess
import threading

import pytest

import ends
import peers
from scale import PATIENCE, SANITIZED, until
from test_keys import keys_pid, memory_of, names_in

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="reads the memory of other processes"),
    pytest.mark.skipif(SANITIZED, reason="reads a shadow of terabytes"),
]

KINDS = ["ec", "rsa", "ed25519"]
NUMBERS = {"ec": {"priv"}, "rsa": {"prime1", "prime2", "privateExponent"}, "ed25519": {"priv"}}


def secrets_of(path):
    """What gives a key away: each line of its PEM text, and the numbers, both ways round."""
    command = ["openssl", "pkey", "-in", path]
    text = subprocess.run([*command, "-noout", "-text"], check=True, capture_output=True,
                          text=True).stdout
    pem = pathlib.Path(path).read_text(encoding="ascii")
    block = re.search(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n(.*?)\n-----END", pem, re.S).group(1)
    lines = [line.encode() for line in block.split("\n") if len(line) >= 24]
    if "ASN1 OID" in text:
        lines = [lines[0], lines[1][:24]]  # the public half follows, which is in certificates too
    found = {"pem": lines}
    for name in ("priv", "prime1", "prime2", "privateExponent"):
        match = re.search(rf"^{name}:\s*\n((?:    [0-9a-f:]+\n)+)", text, re.M)
        if match:
            number = bytes.fromhex(re.sub(r"[^0-9a-f]", "", match.group(1))).lstrip(b"\0")
            found[name] = [number, number[::-1]]
    return found


@pytest.fixture(name="pairs", scope="module")
def fixture_pairs(pki):
    """By name: for servers and for clients, one of each kind; each in files of its own, and with
    chain and key in one file."""
    pairs = {}
    for kind in KINDS:
        for what, names in (("server", pki.NAMES), ("client", None)):
            for form in ("apart", "one"):
                pair = pki.issue(f"memory_{what}_{kind}_{form}", names, key=kind)
                if form == "one":
                    text = (pathlib.Path(pair.chain).read_text()
                            + pathlib.Path(pair.key).read_text())
                    os.chmod(pair.chain, 0o600)
                    pathlib.Path(pair.chain).write_text(text)
                pairs[what, kind, form] = pair
    return pairs


def start_all(fleet, pki, backend, pairs):
    """A service for each pair: it is the only one that can be used there."""
    context = ends.server_context(pki.server, client_ca=pki.ca)
    context.options |= ends.ssl.OP_NO_TICKET
    context.num_tickets = 0
    plain, tls = backend(peers.echo).url, backend(peers.echo, context=context).url
    services = {}
    for (what, kind, form), pair in pairs.items():
        certificate = pair.as_config() if form == "apart" else {"chain": pair.chain}
        name = f"{what}-{kind}-{form}"
        if what == "server":
            services[name] = {"listen": "tls://127.0.0.1:0", "connect": plain,
                              "certificates": [certificate]}
        else:
            services[name] = {"listen": "tcp://127.0.0.1:0", "connect": tls,
                              "upstream": {"ca": pki.ca, "certificate": certificate}}
    return fleet.run({"workers": 2, "services": services})


def use(one, pki, name):
    address = one.address(name)
    with (ends.tls_dial(address, ends.client_context(pki.ca)) if name.startswith("server")
          else ends.PlainEnd(ends.dial(address))) as client:
        client.send(name.encode())
        assert client.recv_exactly(len(name)) == name.encode()
        client.end()
        client.fate()


class Load:
    """All services are used, again and again, by a few clients."""

    def __init__(self, one, pki):
        self.stop, self.rounds, self.failures = threading.Event(), [0] * 3, []
        self.threads = [threading.Thread(target=self.run, args=[one, pki, at]) for at in range(3)]

    def run(self, one, pki, at):
        while not self.stop.is_set():
            for name in one.services:
                try:
                    use(one, pki, name)
                except (OSError, AssertionError, ends.Truncated) as error:
                    self.failures.append(f"{name}: {error!r}")
            self.rounds[at] += 1

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join(30 * PATIENCE)
            assert not thread.is_alive()

    def until_more(self):
        """Every client has used every service once more."""
        seen = list(self.rounds)
        until(lambda: all(now > then + 1 for now, then in zip(self.rounds, seen)), "a round", 60.0)


def test_only_the_keys_hold_a_key(fleet, pki, backend, pairs):
    one = start_all(fleet, pki, backend, pairs)
    secrets = {name: secrets_of(pair.key) for name, pair in pairs.items()}
    for (_, kind, _), secret in secrets.items():
        assert NUMBERS[kind] <= set(secret)
    with Load(one, pki) as load:
        for _ in range(2):
            load.until_more()
            for pid in (one.pid, *one.worker_pids().values()):
                memory = memory_of(pid)
                assert len(memory) > 1 << 20
                found = {name: names_in(memory, secret) for name, secret in secrets.items()}
                assert {name: what for name, what in found.items() if what} == {}
            memory = memory_of(keys_pid(one))
            for (what, kind, form), secret in secrets.items():
                assert NUMBERS[kind] <= names_in(memory, secret), (what, kind, form)
                # the text that was read is wiped there as well
                assert "pem" not in names_in(memory, secret), (what, kind, form)
            os.kill(keys_pid(one), 9)  # and once more with keys that were read again
            until(lambda: len(one.find_logs("keys_started")) > len(one.find_logs("keys_died")) > 0,
                  "the keys again")
    assert not load.failures, load.failures[:5]


def test_what_is_looked_for_is_found_where_it_is(pki, pairs):
    """The control of the looking itself: a process that has read a key file."""
    del pki
    for name, pair in pairs.items():
        reader = subprocess.Popen(["/usr/bin/python3", "-c",
                                   "import sys; text = open(sys.argv[1], 'rb').read(); "
                                   "print(flush=True); sys.stdin.read()", pair.key],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with reader:
            reader.stdout.readline()
            assert "pem" in names_in(memory_of(reader.pid), secrets_of(pair.key)), name
            reader.stdin.close()
