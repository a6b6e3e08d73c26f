# SPDX-License-Identifier: Apache-2.0
"""Processes of the benchmark: started on their core, and what a tree of them used."""
import ctypes
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time

SETTLE_STEP_S = 0.01
SETTLE_LIMIT_S = 2.0
SETTLE_NOISE_NS = 50_000  # a timer may fire in a step
PERF_LIMIT_S = 20
DESCRIPTORS_WANTED = 65536


class Failed(Exception):
    """A cell has no figure; the text says why."""


def cores():
    """(core of the proxies, cores of all the rest): the same when there is only one."""
    usable = sorted(os.sched_getaffinity(0))
    return ({usable[-1]}, set(usable[:-1]) or {usable[-1]})


def raise_descriptors():
    """As many descriptors as this machine lets us have, for us and all that we start; gives them."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = max(hard, DESCRIPTORS_WANTED)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
    except (ValueError, OSError):
        wanted = hard
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return wanted


def connections_max():
    """How many connections a proxy can have, with two descriptors each and some more."""
    return (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 500) // 2


def end_on_signals():
    """Lets TERM and HUP unwind, so that everything that was started is stopped."""

    def leave(number, _):
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)


_LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def _prepare(core_set):
    """What a child does before exec: its cores, a session of its own, an end with its parent."""

    def prepare():
        os.setsid()
        os.sched_setaffinity(0, core_set)
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # for a parent that had no time to stop it

    return prepare


def cpu_clock_ns(pid):
    """User and system time of all threads of `pid`, also of those that have ended.

    This is CLOCK_PROCESS_CPUTIME_ID of another process, as clock_getcpuclockid(3) names it.
    """
    return time.clock_gettime_ns((~pid << 3) | 2)


def reaped_ns(pid):
    """Time of the children of `pid` that have ended."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    ticks = int(fields[13]) + int(fields[14])  # cutime, cstime
    return ticks * 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def children(pid):
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                found += [int(word) for word in file.read().split()]
    except OSError:
        pass  # it has just ended
    return found


class Tree:
    """A process and all that descend from it."""

    def __init__(self, pid):
        self.pid = pid

    def pids(self):
        found, queue = [], [self.pid]
        while queue:
            pid = queue.pop()
            found.append(pid)
            queue += children(pid)
        return found

    def cpu_ns(self):
        """CPU time of the whole tree so far; what ended in it counts through its parent."""
        total = 0
        for pid in self.pids():
            try:
                total += cpu_clock_ns(pid) + reaped_ns(pid)
            except OSError:
                continue  # ended between the two looks: its parent has it the next time
        return total

    def pss_bytes(self):
        """Proportional share of memory of the whole tree."""
        total = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                for line in file:
                    if line.startswith("Pss:"):
                        total += int(line.split()[1]) * 1024
        return total

    def settle(self):
        """Waits until the tree does nothing; gives its CPU time then."""
        deadline = time.monotonic() + SETTLE_LIMIT_S
        last = self.cpu_ns()
        while time.monotonic() < deadline:
            time.sleep(SETTLE_STEP_S)
            now = self.cpu_ns()
            if now - last < SETTLE_NOISE_NS:
                return now
            last = now
        return last


class Child:
    """A program of the benchmark that speaks in lines of JSON, or a proxy that says nothing."""

    def __init__(self, command, core_set, *, log=None, is_talking=True, descriptors=()):
        self.name = os.path.basename(command[0])
        self._log = open(log, "ab") if log else subprocess.DEVNULL  # closed below
        pipe = subprocess.PIPE if is_talking else subprocess.DEVNULL
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=pipe, stdout=pipe, stderr=self._log,
            preexec_fn=_prepare(core_set), pass_fds=descriptors)
        if log:
            self._log.close()
        self.tree = Tree(self.process.pid)
        self._rest = b""

    def is_alive(self):
        return self.process.poll() is None

    def read(self, limit_s=60.0):
        """The next line."""
        deadline = time.monotonic() + limit_s
        stream = self.process.stdout.fileno()
        while b"\n" not in self._rest:
            ready, _, _ = select.select([stream], [], [], max(0.0, deadline - time.monotonic()))
            data = os.read(stream, 65536) if ready else b""
            if not data:
                raise Failed(f"{self.name} {'ended' if ready else 'says nothing'}")
            self._rest += data
        line, self._rest = self._rest.split(b"\n", 1)
        return json.loads(line)

    def tell(self):
        """Sends the empty line that means: go on."""
        try:
            os.write(self.process.stdin.fileno(), b"\n")
        except OSError as error:
            raise Failed(f"{self.name} has ended") from error

    def ask(self):
        self.tell()
        return self.read()

    def stop(self, limit_s=5.0):
        """Ends the program, with all that descends from it."""
        pids = self.tree.pids()
        if self.process.stdin:
            self.process.stdin.close()
        else:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            for pid in pids[1:]:
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass
        if self.process.stdout:
            self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class CallCounter:
    """Counts the system calls of all processes of a tree, with perf, from now until stop()."""

    def __init__(self, tree, folder):
        self._result = folder / "perf.csv"
        control_end, control = os.pipe()
        ready, ready_end = os.pipe()
        command = ["perf", "stat", "-x,", "-o", self._result, "-e", "raw_syscalls:sys_enter",
                   "--delay", "-1", "--control", f"fd:{control_end},{ready_end}",
                   "-p", ",".join(map(str, tree.pids()))]
        try:
            self._child = Child(command, cores()[1], is_talking=False,
                                descriptors=(control_end, ready_end))
            os.close(control_end)
            os.close(ready_end)
            os.write(control, b"enable\n")
            answers, _, _ = select.select([ready], [], [], PERF_LIMIT_S)
            if not answers or not os.read(ready, 16):  # perf says that it counts, or has ended
                raise Failed("perf cannot count system calls here")
        except OSError as error:
            raise Failed(f"perf: {error}") from error
        finally:
            os.close(control)
            os.close(ready)

    def stop(self):
        """The count."""
        self._child.process.send_signal(signal.SIGINT)
        self._child.process.wait(10)
        for line in self._result.read_text(encoding="ascii").splitlines():
            fields = line.split(",")
            if len(fields) > 2 and fields[2].startswith("raw_syscalls") and fields[0].isdigit():
                return int(fields[0])
        raise Failed("perf has counted nothing")


def can_count_calls(folder):
    """Whether perf may be used here."""
    try:
        CallCounter(Tree(os.getpid()), folder).stop()
    except Failed:
        return False
    return True
