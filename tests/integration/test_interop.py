# SPDX-License-Identifier: Apache-2.0
"""TLS libraries of others at each policy, on both sides; fills docs/interoperability.md."""
import os
import re

import pytest

import ends
import foreign_peers
import sluice

POLICIES = ["modern", "intermediate", "old"]
IS_LONG = os.environ.get("SLUICE_INTEROP") == "1"  # ./start interop, which writes the table
LOWEST = {"modern": "1.3", "intermediate": "1.2", "old": "1.0"}
REFUSED = "no handshake, as it must be"
PAGE = sluice.ROOT / "docs" / "interoperability.md"
HEAD = """<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Made by `./start interop`, from the log of the program under test. -->

# Interoperability

Two connections of each peer at each policy, with an exchange over both. A cell has what the first
one negotiated, by the log of Sluice with OpenSSL {openssl}, and whether the second one resumed.
Each peer is left at its own defaults, and tried again where older versions are the most it may
speak. In every run of the tests OpenSSL, GnuTLS and curl are held to their rows; `./start interop`
tries all and writes this page again.
"""
CLIENTS = """
## As clients of an offloading Sluice

Certificates are verified: by a CA of the tests, or in Chromium by the pin of the server's key.
Sluice has an ECDSA certificate on P-256, and one in RSA where the policy lets it. curl takes no
tickets in TLS 1.2, and there is no other way to resume.

"""
SERVERS = """
## As servers of an encrypting Sluice

The policy is that of `upstream`; Sluice verifies the server's chain and name.

"""


def cell(records, side=""):
    """What two log lines say in a few words."""
    first, last = records[0], records[-1]
    if f"{side}cipher" not in first:
        return REFUSED
    version = {"TLSv1": "TLS 1.0"}.get(first[f"{side}version"],
                                       first[f"{side}version"].replace("TLSv", "TLS "))
    words = [version, first[f"{side}cipher"],
             first.get(f"{side}group", "no group"),
             "resumed" if last.get(f"{side}resumed") else "not resumed"]
    return ", ".join(words)


def rows(text):
    """The table's rows as {(heading, library, limit): (version, {policy: cell})}."""
    found, heading = {}, None
    for line in text.splitlines():
        if line.startswith("## "):
            heading = line.split()[2]
        fields = [field.strip() for field in line.split("|")[1:-1]]
        row = re.fullmatch(r"(\S+) (\d\S*?)(?:, up to TLS (\S+))?", fields[0] if fields else "")
        if row:
            name, version, limit = row.groups()
            found[(heading, name, limit)] = version, dict(zip(POLICIES, fields[1:]))
    return found


def sides(heading):
    return [(peer, limit) for peer in foreign_peers.PEERS for limit in peer.limits
            if heading == "clients" or peer.server is not None]


@pytest.fixture(scope="module", name="table")
def fixture_table():
    """All cells; they become the page when none is missing."""
    cells = {}
    yield cells
    if not IS_LONG:
        return
    text = HEAD.format(openssl=foreign_peers.first_version("openssl", "version"))
    for intro, heading in [(CLIENTS, "clients"), (SERVERS, "servers")]:
        text += intro + "| peer | " + " | ".join(POLICIES) + " |\n|---|" + "---|" * len(POLICIES)
        for peer, limit in sides(heading):
            mine = [cells.get((heading, peer.name, limit, policy)) for policy in POLICIES]
            if None in mine:
                return  # of a part of the suite, or a failed one
            title = f"{peer.name} {mine[0][0]}" + (f", up to TLS {limit}" if limit else "")
            text += f"\n| {title} | " + " | ".join(one[1] for one in mine) + " |"
        text += "\n"
    PAGE.write_text(text)


def params(heading):
    return [pytest.param(peer, limit, id=f"{peer.name}-{limit or 'default'}",
                         marks=() if peer.is_cheap else pytest.mark.skipif(
                             not IS_LONG, reason="more packages: ./start interop"))
            for peer, limit in sides(heading)]


def compare(heading, peer, limit, policy, got):
    """The version of TLS is as on the page, and what resumed there resumes; with the page's own
    versions of both libraries everything is as there."""
    page = PAGE.read_text()
    assert (heading, peer.name, limit) in rows(page), f"not in {PAGE.name}: ./start interop"
    version, cells = rows(page)[(heading, peer.name, limit)]
    ours = re.search(r"OpenSSL (\d[\w.]*)", page).group(1)
    if version == peer.version() and ours == foreign_peers.first_version("openssl", "version"):
        assert got == cells[policy]
    parts, wanted = got.split(", "), cells[policy].split(", ")
    assert parts[0] == wanted[0]
    assert parts[-1] == "resumed" or wanted[-1] != "resumed"


def note(table, heading, peer, limit, policy, got):
    assert (got == REFUSED) == (limit is not None and limit < LOWEST[policy])
    if IS_LONG:
        table[(heading, peer.name, limit, policy)] = (peer.version(), got)
    else:
        compare(heading, peer, limit, policy, got)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("kind, limit", params("clients"))
def test_clients_get_through_an_offloading_sluice(fleet, pki, backend, folder, table, kind, limit,
                                                  policy):
    pairs = [pki.server] if policy == "modern" else [pki.server, pki.server_rsa]
    one = fleet.run_one("tls://127.0.0.1:0", backend(foreign_peers.http).url, policy=policy,
                        certificates=[pair.as_config() for pair in pairs])
    peer = kind(pki, folder)
    if limit is not None and limit < LOWEST[policy]:
        with pytest.raises((AssertionError, OSError)):
            peer.client(one.port(), limit)
        got = cell(one.wait_logs(1, "connection"))
    else:
        peer.client(one.port(), limit)
        records = [record for record in one.wait_logs(2, "connection") if "cipher" in record]
        assert len(records) >= 2
        got = cell(sorted(records, key=lambda record: record["resumed"]))
    note(table, "clients", peer, limit, policy, got)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("kind, limit", params("servers"))
def test_servers_are_reached_through_an_encrypting_sluice(fleet, pki, stack, folder, table, kind,
                                                          limit, policy):
    peer = kind(pki, folder)
    port = stack.enter_context(peer.server(limit))
    one = fleet.run_one("tcp://127.0.0.1:0", f"tls://127.0.0.1:{port}",
                        upstream={"ca": pki.ca, "name": "localhost", "policy": policy})
    for count in (1, 2):
        with ends.PlainEnd(ends.dial(one.address())) as client:
            try:
                client.send(foreign_peers.REQUEST)
                is_answered = client.recv() != b""
                client.end()
            except OSError:
                is_answered = False
            client.fate()
        record = one.wait_logs(count, "connection")[-1]
        assert is_answered == ("upstream_cipher" in record)
    note(table, "servers", peer, limit, policy,
         cell(one.find_logs("connection"), "upstream_"))
