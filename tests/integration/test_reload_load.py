# SPDX-License-Identifier: Apache-2.0
"""Reload after reload under load: no request fails, no connection ends, nothing grows.

SLUICE_RELOADS=1000 is the long form."""
import os
import pathlib
import re
import shutil
import time

import pytest

import reloading
from scale import MIB, SANITIZED, SLOW

RELOADS_COUNT = int(os.environ.get("SLUICE_RELOADS", "25" if SLOW else "50"))
WARM_COUNT = 15  # reloads, until every allocator has what it keeps


def processes_of(one):
    return {"supervisor": one.pid, "keys": one.find_logs("keys_started")[-1]["pid"],
            **{f"worker {i}": pid for i, pid in one.worker_pids().items()}}


def rss_of(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", text).group(1)) * 1024


def use_of(one):
    """Memory and descriptors by process."""
    return {name: (rss_of(pid), len(os.listdir(f"/proc/{pid}/fd")))
            for name, pid in processes_of(one).items()}


@pytest.fixture(name="renewed")
def fixture_renewed(pki, folder):
    """Certificates that take turns in one pair of files."""
    pairs = [pki.server, pki.issue("turn", "DNS:localhost", key="rsa")]
    chain, key = pathlib.Path(folder) / "c.pem", pathlib.Path(folder) / "k.pem"
    key.touch(0o600)

    def turn(number):
        shutil.copyfile(pairs[number % 2].chain, chain)
        shutil.copyfile(pairs[number % 2].key, key)
        return {"chain": str(chain), "key": str(key)}

    return turn


class TestUnderLoad:
    def test_no_request_fails_and_nothing_grows(self, fleet, pki, backend, renewed):
        urls = [backend().url, backend().url]

        def config(number):
            services = {"main": {"listen": "tls://127.0.0.1:0", "connect": urls[number % 2],
                                 "certificates": [renewed(number)]}}
            for extra in range(number % 3):
                services[f"extra{extra}"] = {"listen": "tcp://127.0.0.1:0", "connect": urls[0]}
            return {"workers": 2, "services": services}

        one = fleet.run(config(0))
        slowest_ms = 0
        with reloading.Load(one.address(), pki.ca) as load:
            for number in range(RELOADS_COUNT):
                record = reloading.reload(one, config(number))
                slowest_ms = max(slowest_ms, record["ms"])
                bad = [r for r in one.take_logs("connection") if r["reason"] != "done"]
                assert not bad, bad[:3]
                if number == min(WARM_COUNT, RELOADS_COUNT // 2):
                    before, ready = use_of(one), load.count
                assert not load.failures, load.failures
            deadline = time.monotonic() + 30
            while load.count < ready + 20 and time.monotonic() < deadline:
                time.sleep(0.01)
        assert not load.failures, load.failures
        assert load.count > ready and load.long_count > reloading.LONG_COUNT
        after = use_of(one)
        for name, (rss, fds) in after.items():
            # a sanitizer keeps what was freed
            assert SANITIZED or rss < before[name][0] + 4 * MIB, (name, before, after)
            assert fds <= before[name][1] + 16, (name, before, after)
        assert len(one.find_logs("keys_started")) == 1
        assert slowest_ms < 10_000
        print(f"{RELOADS_COUNT} reloads, the slowest {slowest_ms} ms; {load.count} connections, "
              f"{load.long_count} rounds of those that stayed;\n{before}\n{after}")
