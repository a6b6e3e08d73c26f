#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures Sluice beside the other proxies: docs/performance.md says how, and what each row is."""
import argparse
import os
import pathlib
import platform
import subprocess
import sys
import tempfile

import peers
import processes
import report
import rows as rows_module
import stations
from processes import Failed


def read_options(words):
    parser = argparse.ArgumentParser(prog="./start bench", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="names or shell patterns of rows")
    parser.add_argument("--quick", action="store_true",
                        help="a short run that finds errors; its figures mean nothing")
    parser.add_argument("--list", action="store_true", help="print the names of the rows")
    parser.add_argument("--rounds", type=int, help="default 9, for most rows; with --quick 1")
    parser.add_argument("--only", metavar="NAME,…", help="these proxies, or limit, only")
    parser.add_argument("--json", type=pathlib.Path, help="default BUILD/bench.json")
    parser.add_argument("--build", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--sluice", type=pathlib.Path, help="another program than the built one")
    return parser.parse_args(words)


def describe_machine(all_peers):
    """What the figures depend on, in one line each."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    openssl = subprocess.run(["openssl", "version"], capture_output=True, text=True, check=False)
    return {
        "cpu": f"{len(models)} x {models[0] if models else platform.machine()}",
        "kernel": platform.release(),
        "openssl": openssl.stdout.strip(),
        "proxies": {peer.name: peer.version() for peer in all_peers},
    }


def stations_of(world, row, chosen, *, want_limit):
    """{name: Station} of all that can do `row`."""
    found = {}
    for peer in chosen:
        if row.mode in peer.modes and (peer.name == report.OURS or not row.is_of_sluice_alone):
            found[peer.name] = stations.make(world, row, peer)
    if want_limit and not row.is_of_sluice_alone:
        found[report.LIMIT] = stations.LimitStation(world, row)
    return found


def attempt(cell, function):
    """Adds what `function` gives to `cell`, or why it gives nothing."""
    try:
        figure = function()
    except (Failed, OSError) as error:
        cell.errors.append(str(error))
    else:
        if figure is not None:
            cell.figures.append(figure)


def measure_row(found, rounds):
    """{name: Cell}; the stations take turns, so that a slow minute is slow for all."""
    cells = {name: report.Cell() for name in found}
    try:
        for name, station in found.items():
            attempt(cells[name], station.start)
        for _ in range(rounds):
            for name, station in found.items():
                if not cells[name].errors:
                    attempt(cells[name], station.measure)
    finally:
        for station in found.values():
            station.close()
    return cells


def run(options, chosen_rows, folder):
    sluice = options.sluice or options.build / "src/app/sluice"
    only = options.only.split(",") if options.only else None
    chosen = peers.all_peers(sluice.resolve(), only)
    missing = [peer.name for peer in chosen if not peer.program()]
    if missing:
        sys.exit(f"bench: not installed: {' '.join(missing)}")
    world = stations.World(options.build / "bench", folder)
    machine = describe_machine(chosen)
    table = {}
    if any(row.counts_calls for row in chosen_rows) and not processes.can_count_calls(folder):
        print("perf cannot count system calls here: rows of them are left out", flush=True)
        chosen_rows = [row for row in chosen_rows if not row.counts_calls]
    for row in chosen_rows:
        found = stations_of(world, row, chosen, want_limit=only is None or report.LIMIT in only)
        rounds = options.rounds or (1 if options.quick else row.rounds)
        table[row.name] = measure_row(found, rounds)
        print_row(row, table[row.name])
    names = [peer.name for peer in chosen] + [report.LIMIT]
    result = options.json or options.build / "bench.json"
    result.write_text(report.as_json(machine, chosen_rows, table) + "\n", encoding="utf-8")
    print()
    print("\n".join(report.machine_lines(machine)))
    print()
    print(report.markdown(chosen_rows, table, names))
    print(f"\nall figures: {result}")
    return table


def print_row(row, cells):
    """What is known so far, as it comes."""
    texts = [f"{name} {cell.text(row.digits)}" for name, cell in cells.items()]
    print(f"{row.name} [{row.unit}]: {', '.join(texts)}", flush=True)
    for name, cell in cells.items():
        for error in cell.errors:
            print(f"    {name}: {error}", flush=True)


def main(words):
    options = read_options(words)
    try:
        chosen_rows = rows_module.choose(options.rows, is_quick=options.quick)
    except ValueError as error:
        sys.exit(f"bench: {error}")
    if options.list:
        print("\n".join(row.name for row in chosen_rows))
        return 0
    processes.raise_descriptors()
    processes.end_on_signals()
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as name:
        folder = pathlib.Path(name)
        os.chmod(folder, 0o755)  # workers that are nobody look in
        table = run(options, chosen_rows, folder)
    passed, failed = report.tally(table)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
