# SPDX-License-Identifier: Apache-2.0
"""Calls of workers that fail when a test wants it, and a clock that is wrong (tests/modules/faults.c)."""
import mmap
import os
import pathlib
import struct

import sluice
from scale import SANITIZED

MODULE = str(pathlib.Path(sluice.BINARY).resolve().parents[2] / "tests" / "modules" / "faults.so")
HAS_FAULTS = os.path.exists(MODULE) and not SANITIZED
WHY_NOT = "needs tests/modules/faults.so of a build without sanitizers"

KINDS = ("alloc", "send_enobufs", "recv_enomem", "eintr", "short", "no_fd", "log_enospc")
FAULT = struct.Struct("=QQQ")  # every, calls, failed
OFFSET = struct.Struct("=q")


class Faults:
    """One call in `every` of each kind fails; none does at first."""

    def __init__(self, folder):
        self.path = f"{folder}/faults"
        with open(self.path, "wb") as file:
            file.write(bytes(4096))
        os.chmod(self.path, 0o666)
        with open(self.path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 4096)

    @property
    def env(self):
        return {"LD_PRELOAD": MODULE, "SLUICE_FAULTS": self.path}

    def set(self, **every):
        """set(alloc=50): from now on one allocation in fifty fails; 0 for none."""
        for kind, count in every.items():
            self.memory[self._at(kind) : self._at(kind) + 8] = struct.pack("=Q", count)

    def clear(self):
        self.set(**{kind: 0 for kind in KINDS})

    def failed(self, kind):
        """How many calls have been made to fail."""
        return FAULT.unpack_from(self.memory, self._at(kind))[2]

    def shift_clock(self, seconds):
        """The wall clock of all processes is so much ahead."""
        OFFSET.pack_into(self.memory, FAULT.size * len(KINDS), seconds)

    @staticmethod
    def _at(kind):
        return KINDS.index(kind) * FAULT.size
