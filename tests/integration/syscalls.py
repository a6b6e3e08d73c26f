# SPDX-License-Identifier: Apache-2.0
"""Compares the system calls in traces (see traced) with what the cages allow.

Run with a folder of traces it prints what was used, what was refused, and what never was used; its
exit status is 1 when a caged process made a call that is not allowed.
"""
import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROLES = {"worker": "IN_WORKER", "keys": "IN_KEYS", "agent": "IN_AGENT"}
LINE = re.compile(r"^(\d+) +([a-z_0-9]+)\((.*)$")
NAME = re.compile(r'^PR_SET_NAME, "sluice-(\w+)')
ENTERED = re.compile(r"^SECCOMP_SET_MODE_FILTER, .*= 0$|^PR_SET_SECCOMP, .*= 0$")


def allowed(role):
    """The names in the rows of src/sys/cage_seccomp.c."""
    text = (ROOT / "src" / "sys" / "cage_seccomp.c").read_text()
    rows = re.findall(r"SCMP_SYS\((\w+)\),\s*(IN_\w+(?: \| IN_\w+)*)", text)
    assert len(rows) > 40, "the rows do not look as they did"
    return {name for name, who in rows if {"IN_ALL", ROLES[role]} & set(who.split(" | "))}


class Trace:
    """The calls of caged processes, by role."""

    def __init__(self):
        self.used = {role: collections.Counter() for role in ROLES}
        self.refused = []  # calls that the cage answered with EPERM, or that ended the process
        self.caged_count = collections.Counter()

    def read(self, lines):
        role_of, caged, unfinished = {}, set(), {}
        for line in lines:
            resumed = re.match(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)$", line)
            if resumed:
                pid, name, rest = resumed.groups()
                rest = unfinished.pop(pid, "") + rest
            else:
                found = LINE.match(line)
                if not found:
                    if "+++ killed by SIGSYS" in line and line.split()[0] in caged:
                        self.refused.append(line)
                    continue
                pid, name, rest = found.groups()
                if pid in caged:
                    self.used[role_of[pid]][name] += 1
                if rest.endswith("<unfinished ...>"):
                    unfinished[pid] = rest[: -len("<unfinished ...>")]
                    continue
            self._note(role_of, caged, (pid, name, rest))

    def _note(self, role_of, caged, call):
        pid, name, rest = call
        if pid in caged:
            if " = -1 EPERM" in rest:
                self.refused.append(" ".join(call))
        elif name == "prctl" and NAME.match(rest):
            role_of[pid] = NAME.match(rest).group(1)
        elif (name in ("seccomp", "prctl") and ENTERED.match(rest)
              and role_of.get(pid) in ROLES):
            caged.add(pid)
            self.caged_count[role_of[pid]] += 1

    def read_folder(self, folder):
        for path in pathlib.Path(folder).iterdir():
            with open(path, encoding="utf-8", errors="replace") as lines:
                self.read(line.rstrip("\n") for line in lines)

    def surplus(self, role):
        """Used and not allowed."""
        return set(self.used[role]) - allowed(role)

    def unused(self, role):
        return allowed(role) - set(self.used[role])


def main(folder):
    trace = Trace()
    trace.read_folder(folder)
    is_well = not trace.refused
    for role in ROLES:
        print(f"{role}: {trace.caged_count[role]} processes in a cage")
        print("  used:", ", ".join(f"{name} {count}" for name, count
                                   in trace.used[role].most_common()))
        print("  never used:", ", ".join(sorted(trace.unused(role))))
        if trace.surplus(role):
            print("  NOT ALLOWED:", ", ".join(sorted(trace.surplus(role))))
        is_well = is_well and not trace.surplus(role) and trace.caged_count[role] > 0
    for line in trace.refused[:50]:
        print("  REFUSED:", line)
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
