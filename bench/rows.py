# SPDX-License-Identifier: Apache-2.0
"""The rows of the table: what is done, how often, and the unit of the figure."""
import dataclasses
import fnmatch

AES128 = "TLS_AES_128_GCM_SHA256"
AES256 = "TLS_AES_256_GCM_SHA384"
MODES = ("offload", "encrypt", "bridge")
MIB, GIB = 1 << 20, 1 << 30


@dataclasses.dataclass(frozen=True)
class Row:
    """`kind` says what is counted; the rest is what the load generator does for one figure."""

    name: str
    kind: str  # "connections", "requests", "bulk", "memory", "ready" or "certificates"
    unit: str
    mode: str = "offload"
    suite: str = AES128
    key: str = "ec"  # or "rsa", of the certificate
    is_resumed: bool = False
    at_once: int = 8
    count: int = 1  # connections, or requests of each connection that is kept
    upload: int = 0  # bytes of each request
    response: int = 100
    counts_calls: bool = False  # system calls, not CPU time
    is_quick: bool = True  # is in the short run, too
    digits: int = 1
    beside: int = 0  # idle connections beside, for "requests"
    services: int = 1  # configured
    certificates: int = 1  # configured

    @property
    def is_kept(self):
        """The connections are open before the measurement begins."""
        return self.kind in ("requests", "bulk", "memory")

    @property
    def is_of_sluice_alone(self):
        return self.name.startswith(("scale-", "certificates-"))

    @property
    def rounds(self):
        """How often it is measured: counts and memory vary less than time."""
        if self.counts_calls:
            return 2
        return 9 if self.kind in ("connections", "requests", "bulk") else 3

    @property
    def units(self):
        """How many units of work one measurement is."""
        if self.kind == "bulk":
            total = self.at_once * self.count * max(self.upload, self.response)
            return total / (MIB if self.counts_calls else GIB)
        return self.count * (self.at_once if self.kind == "requests" else 1)

    def shortened(self):
        """For the short run: enough to find errors."""
        if self.kind == "bulk":
            return dataclasses.replace(self, upload=self.upload // 16, response=max(
                100, self.response // 16))
        if self.kind == "memory":
            return dataclasses.replace(self, at_once=100)
        return dataclasses.replace(
            self, count=min(self.count, 40), beside=min(self.beside, 200),
            services=min(self.services, 20), certificates=min(self.certificates, 200))


def _bulk(prefix, mode):
    for direction in ("down", "up"):
        for at_once in (1, 8):
            for suite, bits in ((AES128, 128), (AES256, 256)):
                size = 512 * MIB // at_once
                yield Row(f"{prefix}{direction}-{at_once}x{bits}", "bulk", "s/GiB", mode, suite,
                          at_once=at_once, digits=3, is_quick=at_once == 8 and bits == 128,
                          upload=size if direction == "up" else 0,
                          response=size if direction == "down" else 100)


def _calls(prefix, mode):
    """System calls; few connections, as they do not depend on the clock."""
    size = 16 * MIB
    for row in (
            Row("calls-full", "connections", "calls/connection", count=300),
            Row("calls-resumed", "connections", "calls/connection", is_resumed=True,
                at_once=_resumed_at_once(mode), count=300),
            Row("calls-keepalive", "requests", "calls/request", at_once=32, count=100,
                response=1024),
            Row("calls-down", "bulk", "calls/MiB", at_once=8, response=size),
            Row("calls-up", "bulk", "calls/MiB", at_once=8, upload=size)):
        yield dataclasses.replace(row, name=prefix + row.name, mode=mode, counts_calls=True,
                                  is_quick=mode == "offload")


def _resumed_at_once(mode):
    """One towards a backend: who uses a ticket once (RFC 8446 C.4) needs one for each at once."""
    return 8 if mode == "offload" else 1


def rows_of(mode):
    prefix = "" if mode == "offload" else mode + "-"
    yield Row(prefix + "full-ecdsa", "connections", "us/connection", mode, count=1500)
    yield Row(prefix + "full-rsa", "connections", "us/connection", mode, key="rsa", count=1000)
    yield Row(prefix + "resumed", "connections", "us/connection", mode, is_resumed=True,
              at_once=_resumed_at_once(mode), count=1500)
    yield Row(prefix + "keepalive", "requests", "us/request", mode, at_once=32, count=1000,
              response=1024, digits=2)
    yield from _bulk(prefix, mode)
    yield Row(prefix + "idle", "memory", "KiB/connection", mode, at_once=5000)
    yield from _calls(prefix, mode)


def own_rows():
    """What must not grow: Sluice with little beside, and with much."""
    for beside in (10, 10000):
        yield Row(f"scale-beside-{beside}", "requests", "us/request", at_once=32, count=1000,
                  response=1024, digits=2, beside=beside)
    for services in (1, 1000):
        yield Row(f"scale-services-{services}", "requests", "us/request", at_once=32, count=1000,
                  response=1024, digits=2, services=services)
    for certificates in (1, 100000):
        yield Row(f"certificates-handshake-{certificates}", "connections", "us/connection",
                  count=1500, certificates=certificates)
    yield Row("certificates-ready", "ready", "s", certificates=100000, digits=2)
    yield Row("certificates-memory", "certificates", "KiB/certificate", certificates=100000,
              digits=2)


def all_rows():
    rows = [row for mode in MODES for row in rows_of(mode)]
    return rows + list(own_rows())


def choose(patterns, *, is_quick=False):
    """The rows that any of the shell patterns names, all without any; ValueError for a bad one."""
    rows = all_rows()
    if patterns:
        for pattern in patterns:
            if not any(fnmatch.fnmatchcase(row.name, pattern) for row in rows):
                raise ValueError(f"there is no row '{pattern}'")
        rows = [row for row in rows if any(fnmatch.fnmatchcase(row.name, p) for p in patterns)]
    elif is_quick:
        rows = [row for row in rows if row.is_quick]
    return [row.shortened() for row in rows] if is_quick else rows
