# SPDX-License-Identifier: Apache-2.0
"""One proxy, or the limit, in one row: started once, then measured in each round."""
import contextlib
import dataclasses
import json
import pathlib
import subprocess
import time

import processes
from peers import START_LIMIT_S, LoadedSluice, Setup, free_port
from processes import Child, Failed

WORK_LIMIT_S = 300
START_MANY_LIMIT_S = 1800  # with very many certificates
NAME = "host00000.example.com"
ANY_NAME = "host#.example.com"  # the load generator puts a number for #


@dataclasses.dataclass
class World:
    """What all stations share."""

    programs: pathlib.Path  # the folder of the benchmark's own programs
    folder: pathlib.Path  # for certificates, configurations and logs

    def keys(self, row):
        """The folder with the certificates of `row`, which are made when they are first wanted."""
        folder = self.folder / f"keys-{row.key}-{row.certificates}"
        if not folder.exists():
            subprocess.run([self.programs / "make_certificates",
                            *(["--rsa"] if row.key == "rsa" else []), folder,
                            str(row.certificates)], check=True)
            chain, key = folder / "host00000.pem", folder / "host00000.key"
            (folder / "host00000.both").write_bytes(chain.read_bytes() + key.read_bytes())
        return folder

    def files(self, row):
        """(chain, key, both in one) of the first certificate."""
        return tuple(self.keys(row) / f"host00000.{end}" for end in ("pem", "key", "both"))

    def ca(self, row):
        return self.keys(row) / "ca.pem"

    def helper(self, program, *words):
        return Child([self.programs / program, *words], processes.cores()[1],
                     log=self.folder / "programs.log")


def is_tls(row, side):
    """Whether clients ("client") or the backend ("upstream") have TLS in this row."""
    return row.mode in (("offload", "bridge") if side == "client" else ("encrypt", "bridge"))


def backend_words(world, row, *, is_sealed=False):
    words = ["--suite", row.suite]
    if row.kind == "bulk":
        words += ["--bulk"]
    if is_tls(row, "upstream"):
        if is_sealed:
            return [*words, "--sealed"]
        chain, key, _ = world.files(row)
        words += ["--tls", "--cert", chain, "--key", key]
        words += ["--tickets"] if row.is_resumed else []
    return words


def load_words(world, row, port, *, is_sealed=False):
    words = ["--port", port, "--suite", row.suite, "--at-once", row.at_once]
    if is_tls(row, "client"):
        if is_sealed:
            words += ["--sealed"]
        else:
            words += ["--tls", "--ca", world.ca(row), "--name", NAME if row.certificates == 1 else ANY_NAME,
                      "--names", row.certificates]
            words += ["--resume"] if row.is_resumed else []
    if row.is_kept:
        words += ["--keep", "--requests", 0 if row.kind == "memory" else row.count]
    else:
        words += ["--count", row.count]
    words += ["--bulk"] if row.kind == "bulk" else []
    words += ["--patience-ms", START_MANY_LIMIT_S * 1000] if row.certificates > 1 else []
    return [*words, "--upload", row.upload, "--response", row.response]


def check_tls(row, side, counts, connections, resumed):
    """The connections of one side had the TLS that all are compared with."""
    found = (counts["version"], counts["suite"], counts["group"])
    if found != ("TLSv1.3", row.suite, "X25519"):
        raise Failed(f"{side}: {' '.join(found)}")
    wanted = connections if row.is_resumed else 0
    if resumed != wanted:
        raise Failed(f"{side}: {resumed} of {connections} resumed, not {wanted}")


def check_load(row, opened, done, closed, *, is_sealed=False):
    """Raises Failed unless the load generator had all that it asked for, and only that."""
    for phase in (opened, done, closed):
        if phase["errors"] or phase["wrong_bytes"]:
            raise Failed(f"{phase['phase']}: {phase['errors']} errors ({phase['error']}), "
                         f"{phase['wrong_bytes']} wrong bytes")
    requests = {"connections": row.count, "memory": 0}.get(row.kind, row.at_once * row.count)
    if done["requests"] != requests:
        raise Failed(f"{done['requests']} requests, not {requests}")
    if is_tls(row, "client") and not is_sealed:
        phase = opened if row.is_kept else done
        check_tls(row, "clients", phase, phase["handshakes"], phase["resumed"])
        if phase["handshakes"] != (row.at_once if row.is_kept else row.count):
            raise Failed(f"{phase['handshakes']} handshakes")


def check_backend(row, counts):
    if counts["wrong_bytes"]:
        raise Failed(f"the backend had {counts['wrong_bytes']} wrong bytes")
    if is_tls(row, "upstream") and not row.is_kept:
        if counts["connections"] != row.count:
            raise Failed(f"the backend had {counts['connections']} connections")
        check_tls(row, "upstream", counts, counts["connections"], counts["resumed"])


class CpuMeter:
    """CPU nanoseconds of a tree between begin() and end()."""

    def __init__(self, tree):
        self.tree = tree

    def begin(self):
        self.before = self.tree.settle()

    def end(self):
        return self.tree.settle() - self.before


class CallMeter:
    """System calls of a tree between begin() and end()."""

    def __init__(self, tree, folder):
        self.tree, self.folder = tree, folder

    def begin(self):
        self.tree.settle()
        self.counter = processes.CallCounter(self.tree, self.folder)

    def end(self):
        self.tree.settle()
        return self.counter.stop()


def scaled(row, amount):
    """The figure of the unit of `row`: nanoseconds or calls for all units."""
    if row.counts_calls:
        return amount / row.units
    per_unit_s = amount / 1e9 / row.units
    return per_unit_s if row.kind == "bulk" else per_unit_s * 1e6


class Station:
    """Keeps what it has started until close()."""

    def __init__(self, world, row, label):
        self.world, self.row, self.label = world, row, label
        self.stack = contextlib.ExitStack()
        self.folder = world.folder / row.name / label
        self.folder.mkdir(parents=True, exist_ok=True)

    def close(self):
        self.stack.close()

    def start_backend(self, **kind):
        backend = self.stack.enter_context(
            self.world.helper("backend", *backend_words(self.world, self.row, **kind)))
        self.backend = backend
        return backend.read()["port"]

    def meter(self, tree):
        return CallMeter(tree, self.folder) if self.row.counts_calls else CpuMeter(tree)

    def measure_load(self, tree, port, **kind):
        """Runs the load once through what listens on `port`; gives what the meter says of it."""
        meter = self.meter(tree)
        with self.world.helper("load", *load_words(self.world, self.row, port, **kind)) as load:
            opened = load.read(WORK_LIMIT_S)
            if opened["errors"]:
                raise Failed(f"at the start: {opened['errors']} errors ({opened['error']})")
            meter.begin()
            self.backend.ask()
            load.tell()
            done = load.read(WORK_LIMIT_S)
            amount = meter.end()
            closed = load.ask()
        check_load(self.row, opened, done, closed, **kind)
        check_backend(self.row, self.backend.ask())
        return amount


class ProxyStation(Station):
    """A proxy that runs as long as the row."""

    def __init__(self, world, row, peer):
        super().__init__(world, row, peer.name)
        self.peer = peer

    def start_proxy(self, stack):
        chain, key, both = self.world.files(self.row)
        setup = Setup(self.row.mode, self.folder, free_port(), self.backend_port, chain, key, both,
                      self.world.ca(self.row), NAME)
        limit_s = START_LIMIT_S if self.row.certificates == 1 else START_MANY_LIMIT_S
        return stack.enter_context(self.peer.start(setup, limit_s)), setup.port

    def start(self):
        self.backend_port = self.start_backend()
        self.proxy, self.port = self.start_proxy(self.stack)

    def measure(self):
        return scaled(self.row, self.measure_load(self.proxy.tree, self.port))


def warm(world, row, port):
    """One connection, as those of `row` are."""
    one = dataclasses.replace(row, kind="memory", at_once=1)
    with world.helper("load", *load_words(world, one, port)) as load:
        check_load(one, load.read(START_MANY_LIMIT_S), load.ask(), load.ask())


class MemoryStation(ProxyStation):
    """Memory of idle connections: a new proxy each time, since what was freed may stay."""

    def start(self):
        self.backend_port = self.start_backend()

    def measure(self):
        with contextlib.ExitStack() as stack:
            proxy, port = self.start_proxy(stack)
            warm(self.world, self.row, port)
            proxy.tree.settle()
            before = proxy.tree.pss_bytes()
            with self.world.helper("load", *load_words(self.world, self.row, port)) as load:
                opened = load.read(WORK_LIMIT_S)
                proxy.tree.settle()
                grown = proxy.tree.pss_bytes() - before
                check_load(self.row, opened, load.ask(), load.ask())
        return grown / 1024 / self.row.at_once


class BesideStation(ProxyStation):
    """Beside the measured connections, others that stay idle."""

    def start(self):
        super().start()
        count = min(self.row.beside, processes.connections_max() - self.row.at_once)
        if count < self.row.beside:
            print(f"    {self.row.name}: {count} idle connections, as descriptors allow")
        idle = dataclasses.replace(self.row, kind="memory", at_once=count)
        load = self.stack.enter_context(
            self.world.helper("load", *load_words(self.world, idle, self.port)))
        opened = load.read(WORK_LIMIT_S)
        if opened["errors"] or opened["handshakes"] != count:
            raise Failed(f"idle connections: {opened['errors']} errors ({opened['error']})")


class CertificatesStation(MemoryStation):
    """The start with many certificates: how long it takes, or what each adds to memory."""

    def measure(self):
        self.world.keys(self.row)  # made before the clock runs
        began_s = time.monotonic()
        used_bytes = self.used_bytes(self.row)
        if self.row.kind == "ready":
            return self.ready_s - began_s
        others = self.row.certificates - 1
        one = dataclasses.replace(self.row, certificates=1)
        return (used_bytes - self.used_bytes(one)) / 1024 / others

    def used_bytes(self, row):
        """Memory of a proxy that has had one connection."""
        chain, key, both = self.world.files(row)
        setup = Setup(row.mode, self.folder, free_port(), self.backend_port, chain, key, both,
                      self.world.ca(row), NAME)
        peer = LoadedSluice(self.peer.path, certificates=row.certificates)
        with peer.start(setup, START_MANY_LIMIT_S) as proxy:
            warm(self.world, row, setup.port)
            self.ready_s = time.monotonic()
            proxy.tree.settle()
            return proxy.tree.pss_bytes()


def make(world, row, peer):
    """The station for what `row` counts."""
    if row.kind in ("ready", "certificates"):
        return CertificatesStation(world, row, peer)
    if row.kind == "memory":
        return MemoryStation(world, row, peer)
    if row.is_of_sluice_alone:
        peer = LoadedSluice(peer.path, row.services, row.certificates)
    if row.beside:
        return BesideStation(world, row, peer)
    return ProxyStation(world, row, peer)


class LimitStation(Station):
    """What nobody can do with less on this libssl: see docs/performance.md."""

    def __init__(self, world, row):
        super().__init__(world, row, "limit")

    def start(self):
        self.is_sealed = self.row.is_kept
        if self.row.kind == "memory":
            return
        row = self.row if self.is_sealed else dataclasses.replace(self.row, mode="plain")
        self.row, whole = row, self.row
        self.whole = whole
        words = ["--connect", self.start_backend(is_sealed=self.is_sealed), "--suite", row.suite]
        if self.is_sealed:
            words += ["--seal-clients"] if is_tls(row, "client") else []
            words += ["--seal-upstream"] if is_tls(row, "upstream") else []
        self.relay = self.stack.enter_context(
            Child([self.world.programs / "relay", *words], processes.cores()[0],
                  log=self.world.folder / "programs.log"))
        self.port = self.relay.read()["port"]

    def measure(self):
        if self.row.kind == "memory":
            return sum(self.in_memory(side, "--hold", count=self.row.at_once)["bytes"] / 1024
                       for side in ("client", "upstream") if is_tls(self.row, side))
        figure = scaled(self.row, self.measure_load(self.relay.tree, self.port,
                                                    is_sealed=self.is_sealed))
        if self.row.kind == "connections" and not self.row.counts_calls:
            for side in ("client", "upstream"):
                if is_tls(self.whole, side):
                    figure += self.in_memory(side, count=self.row.count)["cpu_ns"] / 1000
        return figure

    def in_memory(self, side, *words, count):
        """A run of the handshake without sockets, of the end that a proxy has on that side."""
        chain, key, _ = self.world.files(self.row)
        command = [self.world.programs / "handshake", "--ca", self.world.ca(self.row),
                   "--cert", chain, "--key", key, "--name", NAME, "--suite",
                   self.row.suite, "--count", count, *words]
        command += ["--client"] if side == "upstream" else []
        command += ["--resume"] if self.row.is_resumed else []
        core = ",".join(map(str, processes.cores()[0]))
        try:
            result = subprocess.run(["taskset", "-c", core, *map(str, command)],
                                    capture_output=True, text=True, check=True,
                                    timeout=WORK_LIMIT_S)
        except subprocess.SubprocessError as error:
            raise Failed(f"handshake: {getattr(error, 'stderr', error)}") from error
        return json.loads(result.stdout)
