# SPDX-License-Identifier: Apache-2.0
"""Thousands of certificates in one service: `./start bench 'certificates-*'` has the figures."""
import pathlib
import random
import re
import shutil
import subprocess

import pytest

import ends
import scale
import sluice

COUNT = 500 if scale.SANITIZED else 2000
BYTES_MAX = 8 * 1024  # of memory for each, in all processes
MAKER = pathlib.Path(sluice.BINARY).parents[2] / "bench" / "make_certificates"


class Stock:
    """COUNT certificates in a folder, each with a name and a key of its own."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        subprocess.run([MAKER, self.folder, str(COUNT)], check=True, timeout=60)
        self.stems = sorted(path.stem for path in self.folder.glob("host*.key"))
        self.ca = self.folder / "ca.pem"

    def certificates(self, stems):
        return [{"chain": str(self.folder / f"{stem}.pem"), "key": str(self.folder / f"{stem}.key")}
                for stem in stems]


@pytest.fixture(name="stock", scope="module")
def fixture_stock(tmp_path_factory):
    if not MAKER.exists():
        pytest.skip("bench/make_certificates is not built: -Dbench=true")
    folder = tmp_path_factory.mktemp("stock")
    yield Stock(folder)
    shutil.rmtree(folder)


def children(pid):
    return [int(one) for one in
            pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def memory_bytes(one):
    """The proportional share of all processes."""
    total = 0
    for pid in [one.process.pid, *children(one.process.pid)]:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += int(re.search(r"^Pss:\s+(\d+)", text, re.M).group(1)) * 1024
    return total


def ask(one, stock, stem):
    """A handshake for that name, verified by name and authority."""
    with ends.tls_dial(one.address(), ends.client_context(stock.ca),
                       name=f"{stem}.example.com") as client:
        client.send(b"x")
        assert client.recv_exactly(1) == b"x"


def test_each_name_gets_its_own_certificate(fleet, stock, backend):
    one = fleet.run_one("tls://127.0.0.1:0", backend().url, top={"workers": 2},
                        certificates=stock.certificates(stock.stems))
    for stem in [stock.stems[0], stock.stems[-1], *random.Random(1).sample(stock.stems, 40)]:
        ask(one, stock, stem)


def test_few_are_kept_and_all_are_served(fleet, stock, backend):
    one = fleet.run_one("tls://127.0.0.1:0", backend().url, top={"limits": {"certificates": 1}},
                        certificates=stock.certificates(stock.stems[:5]))
    for stem in stock.stems[:5] * 3:
        ask(one, stock, stem)


def test_keys_that_start_anew_serve_all_again(fleet, stock, backend):
    one = fleet.run_one("tls://127.0.0.1:0", backend().url,
                        certificates=stock.certificates(stock.stems[:100]))
    ask(one, stock, stock.stems[99])
    pid = one.wait_log("keys_started")["pid"]
    subprocess.run(["kill", "-9", str(pid)], check=True)
    one.wait_logs(2, "keys_started")
    for stem in stock.stems[90:100]:
        ask(one, stock, stem)


@pytest.mark.skipif(scale.SANITIZED, reason="a sanitizer's memory is not the program's")
def test_a_certificate_takes_little_memory(fleet, stock, backend):
    few = fleet.run_one("tls://127.0.0.1:0", backend().url, top={"workers": 2},
                        certificates=stock.certificates(stock.stems[:1]))
    many = fleet.run_one("tls://127.0.0.1:0", backend().url, top={"workers": 2},
                         certificates=stock.certificates(stock.stems))
    each = (memory_bytes(many) - memory_bytes(few)) / (COUNT - 1)
    assert each < BYTES_MAX, f"{each:.0f} bytes for each certificate"


def test_one_bad_key_among_all_is_found(stock, folder):
    good = stock.certificates(stock.stems)
    good[COUNT // 2]["key"] = good[0]["key"]
    path = sluice.write_config(pathlib.Path(folder) / "sluice.yaml", {"services": {"main": {
        "listen": "tls://127.0.0.1:0", "connect": "tcp://127.0.0.1:9", "certificates": good}}})
    checked = sluice.command("check", "-c", path)
    assert checked.returncode != 0
    errors = [line for line in checked.stderr.splitlines() if " error: " in line]
    assert len(errors) == 1, checked.stderr
    assert "key: it does not belong to the certificate" in errors[0] and good[0]["key"] in errors[0]
