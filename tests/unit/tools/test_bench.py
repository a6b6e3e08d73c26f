# SPDX-License-Identifier: Apache-2.0
"""The arithmetic of the benchmark's driver, and what makes a cell of its table ERR."""
import json
import os
import pathlib
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "bench"))

import bench  # noqa: E402
import processes  # noqa: E402
import report  # noqa: E402
import rows  # noqa: E402
import stations  # noqa: E402


def cell(*figures, errors=()):
    made = report.Cell()
    made.figures, made.errors = list(figures), list(errors)
    return made


class TestQuartiles:
    def test_one_figure_is_all_three(self):
        assert report.quartiles([7.0]) == (7.0, 7.0, 7.0)

    def test_order_does_not_matter(self):
        assert report.quartiles([5, 1, 4, 2, 3]) == (2, 3, 4)

    def test_between_two_figures_they_are_linear(self):
        assert report.quartiles([10, 20]) == (12.5, 15, 17.5)

    def test_they_stay_within_the_figures(self):
        assert report.quartiles([1, 1, 9]) == (1, 1, 5)


class TestCells:
    def test_a_cell_with_any_error_has_no_figure(self):
        bad = cell(1, 2, 3, errors=["one wrong byte"])
        assert bad.is_error and bad.quartiles() is None and bad.text(1) == "ERR"

    def test_a_cell_that_was_never_measured_is_an_error(self):
        assert cell().is_error and cell().text(1) == "ERR"

    def test_the_text_is_the_median_and_the_quartiles(self):
        assert cell(1, 2, 3, 4, 5).text(1) == "3.0 (2.0..4.0)"

    def test_all_cells_are_counted(self):
        table = {"a": {"sluice": cell(1), "nginx": cell(errors=["no"])}, "b": {"sluice": cell(2)}}
        assert report.tally(table) == (2, 1)


class TestRatios:
    def test_they_are_of_the_lower_quartiles_to_the_best_peer_and_to_the_limit(self):
        cells = {"sluice": cell(6, 8), "haproxy": cell(13, 13), "nginx": cell(20),
                 "limit": cell(5)}
        assert report.best_peer(cells) == ("haproxy", 13)
        assert report.ratios(cells) == (6.5 / 13, 6.5 / 5)

    def test_a_peer_with_an_error_is_not_the_best(self):
        cells = {"sluice": cell(6), "haproxy": cell(1, errors=["cut off"]), "nginx": cell(12)}
        assert report.ratios(cells) == (0.5, None)

    def test_there_is_none_when_ours_failed(self):
        cells = {"sluice": cell(errors=["no"]), "nginx": cell(12), "limit": cell(5)}
        assert report.ratios(cells) == (None, None)

    def test_the_limit_is_no_peer(self):
        assert report.best_peer({"sluice": cell(6), "limit": cell(5)}) is None


class TestReport:
    ROW = rows.Row("keepalive", "requests", "us/request")

    def test_the_table_has_a_line_for_each_row_and_a_dash_for_who_cannot(self):
        table = {"keepalive": {"sluice": cell(2), "nginx": cell(4)}}
        lines = report.markdown([self.ROW], table, ["sluice", "nginx", "hitch"]).splitlines()
        assert len(lines) == 3
        assert lines[2] == ("| keepalive | us/request | 2.0 (2.0..2.0) | 4.0 (4.0..4.0) | - |"
                            " nginx | 0.50 | - |")

    def test_the_json_has_every_figure_and_every_error(self):
        table = {"keepalive": {"sluice": cell(2, 4), "nginx": cell(errors=["cut off"])}}
        found = json.loads(report.as_json({"cpu": "x"}, [self.ROW], table))["rows"]["keepalive"]
        assert found["proxies"]["sluice"]["figures"] == [2, 4]
        assert found["proxies"]["nginx"] == {"quartiles": None, "figures": [],
                                             "errors": ["cut off"]}


class TestRows:
    def test_their_names_differ(self):
        names = [row.name for row in rows.all_rows()]
        assert len(names) == len(set(names))

    def test_patterns_choose_and_a_wrong_one_is_an_error(self):
        assert {row.mode for row in rows.choose(["bridge-*"])} == {"bridge"}
        with pytest.raises(ValueError):
            rows.choose(["keepalive", "nonsense"])

    def test_units_are_what_all_connections_do(self):
        row = rows.Row("x", "requests", "us/request", at_once=32, count=100)
        assert row.units == 3200
        row = rows.Row("x", "connections", "us/connection", at_once=8, count=100)
        assert row.units == 100
        row = rows.Row("x", "bulk", "s/GiB", at_once=8, response=rows.GIB // 4)
        assert row.units == 2

    def test_figures_are_in_the_unit_of_the_row(self):
        row = rows.Row("x", "connections", "us/connection", count=100)
        assert stations.scaled(row, 50_000_000) == pytest.approx(500)
        row = rows.Row("x", "bulk", "s/GiB", at_once=1, upload=2 * rows.GIB)
        assert stations.scaled(row, 1_000_000_000) == pytest.approx(0.5)
        row = rows.Row("x", "bulk", "calls/MiB", at_once=1, upload=rows.MIB, counts_calls=True)
        assert stations.scaled(row, 20) == 20


def phase(name, **other):
    return {"phase": name, "errors": 0, "error": "", "wrong_bytes": 0, "requests": 0,
            "handshakes": 0, "resumed": 0, "version": "TLSv1.3", "suite": rows.AES128,
            "group": "X25519", **other}


class TestChecks:
    RESUMED = rows.Row("resumed", "connections", "us/connection", is_resumed=True, count=10)
    KEPT = rows.Row("keepalive", "requests", "us/request", at_once=2, count=5)

    def check(self, row, opened=None, done=None, closed=None):
        kept = {"handshakes": row.at_once} if row.is_kept else {}
        made = {} if row.is_kept else {"handshakes": row.count,
                                       "resumed": row.count if row.is_resumed else 0}
        requests = row.at_once * row.count if row.is_kept else row.count
        stations.check_load(row, phase("ready", **{**kept, **(opened or {})}),
                            phase("done", **{"requests": requests, **made, **(done or {})}),
                            phase("closed", **(closed or {})))

    def test_what_is_as_it_should_be_passes(self):
        self.check(self.RESUMED)
        self.check(self.KEPT)

    @pytest.mark.parametrize("wrong", [
        {"done": {"resumed": 9}}, {"done": {"errors": 1}}, {"closed": {"errors": 1}},
        {"done": {"wrong_bytes": 1}}, {"done": {"requests": 9}}, {"done": {"group": "prime256v1"}},
        {"done": {"suite": rows.AES256}}, {"done": {"version": "TLSv1.2"}},
        {"done": {"handshakes": 9, "resumed": 9}}])
    def test_anything_else_is_an_error(self, wrong):
        with pytest.raises(processes.Failed):
            self.check(self.RESUMED, **wrong)

    def test_a_resumed_handshake_is_wrong_where_a_full_one_was_due(self):
        full = rows.Row("full", "connections", "us/connection", count=10)
        self.check(full)
        with pytest.raises(processes.Failed):
            self.check(full, done={"resumed": 10})

    def test_the_backend_must_see_the_same(self):
        row = rows.Row("x", "connections", "us/connection", mode="encrypt", is_resumed=True,
                       count=10)
        counts = phase("", connections=10, resumed=10)
        stations.check_backend(row, counts)
        for wrong in ({"resumed": 9}, {"connections": 11}, {"wrong_bytes": 1}, {"group": "?"}):
            with pytest.raises(processes.Failed):
                stations.check_backend(row, {**counts, **wrong})


class TestRounds:
    class Station:
        def __init__(self, figures, log, name):
            self.figures, self.log, self.name = list(figures), log, name

        def start(self):
            self.log.append("start " + self.name)

        def measure(self):
            self.log.append(self.name)
            figure = self.figures.pop(0)
            if figure is None:
                raise processes.Failed("cut off")
            return figure

        def close(self):
            self.log.append("close " + self.name)

    def test_proxies_take_turns_and_who_failed_is_out(self):
        log = []
        cells = bench.measure_row({"a": self.Station([1, 2, 3], log, "a"),
                                   "b": self.Station([1, None, 3], log, "b")}, 3)
        assert log == ["start a", "start b", "a", "b", "a", "b", "a", "close a", "close b"]
        assert cells["a"].figures == [1, 2, 3] and not cells["a"].is_error
        assert cells["b"].errors == ["cut off"] and cells["b"].is_error


BURN = "sum(i * i for i in range(3_000_000))"


class TestCpuTime:
    """Against what the kernel tells a parent of its children."""

    def test_threads_and_children_that_have_ended_are_counted(self):
        script = f"""
import os, sys, threading
t = threading.Thread(target=lambda: {BURN})
t.start()
t.join()
if os.fork() == 0:
    {BURN}
    os._exit(0)
os.wait()
print(sum(os.times()[:4]), flush=True)
sys.stdin.read()
"""
        with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as process:
            own_s = float(process.stdout.readline())
            counted_s = processes.Tree(process.pid).cpu_ns() / 1e9
            process.stdin.close()
        assert counted_s == pytest.approx(own_s, abs=0.05)

    def test_descendants_are_found(self):
        script = "import os, sys; os.fork(); os.fork(); "
        script += "os.write(1, b'%d\\n' % os.getpid()); sys.stdin.read()"
        with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as process:
            pids = {int(process.stdout.readline()) for _ in range(4)}
            assert set(processes.Tree(process.pid).pids()) == pids
            process.stdin.close()

    def test_it_is_counted_in_nanoseconds(self):
        before = processes.cpu_clock_ns(os.getpid())
        began = time.process_time_ns()
        sum(range(100_000))
        grown = processes.cpu_clock_ns(os.getpid()) - before
        assert grown >= time.process_time_ns() - began - 1_000_000
        assert grown > 0
