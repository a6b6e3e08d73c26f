#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Adds up test reports: meson's testlog.json and pytest's JUnit XML.

usage: tally.py REPORT… [--again REPORT]
                            names what failed and what was skipped, then prints the one line
                            `N passed, N failed`; exit status 1 when anything failed. A report
                            that is missing, broken or empty counts as one failure. What the
                            report behind --again says of a test replaces what was said before.
"""
import json
import pathlib
import sys
import xml.etree.ElementTree

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
MESON_RESULTS = {"OK": PASSED, "EXPECTEDFAIL": PASSED, "SKIP": SKIPPED}


def read_meson(path):
    """(name, result) of every test in a testlog.json: one JSON object a line."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    return [(row["name"], MESON_RESULTS.get(row["result"], FAILED)) for row in rows]


def read_junit(path):
    found = []
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        result = PASSED
        if case.find("failure") is not None or case.find("error") is not None:
            result = FAILED
        elif case.find("skipped") is not None:
            result = SKIPPED
        found.append((f"{case.get('classname')}.{case.get('name')}", result))
    return found


def read(path):
    path = pathlib.Path(path)
    try:
        found = read_junit(path) if path.suffix == ".xml" else read_meson(path)
    except (OSError, ValueError, KeyError, TypeError, xml.etree.ElementTree.ParseError) as error:
        return [(f"{path}: {error}", FAILED)]
    return found or [(f"{path}: no tests", FAILED)]


def replace(results, again):
    """`results` with what `again` says of the tests in it; names those that pass now."""
    for name in {name for name, result in again if result == PASSED}:
        if (name, FAILED) in results:
            print(f"passed when tried again: {name}")
    named = {name for name, _ in again}
    return [row for row in results if row[0] not in named] + again


def main(argv):
    words = argv[1:]
    again = words.pop() if "--again" in words[:-1] else None
    results = [row for path in words if path != "--again" for row in read(path)]
    if again is not None:
        results = replace(results, read(again))
    for wanted in (SKIPPED, FAILED):
        for name, result in results:
            if result == wanted:
                print(f"{wanted}: {name}")
    counts = {kind: sum(result == kind for _, result in results) for kind in (PASSED, FAILED)}
    print(f"{counts[PASSED]} passed, {counts[FAILED]} failed")
    return 1 if counts[FAILED] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
