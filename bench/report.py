# SPDX-License-Identifier: Apache-2.0
"""What the figures of the rounds come to: quartiles, ratios, the table and the JSON."""
import json
import statistics

OURS = "sluice"
LIMIT = "limit"


def quartiles(values):
    """(lower quartile, median, upper quartile) of one value or more, between neighbours linear."""
    if len(values) == 1:
        return (values[0],) * 3
    return tuple(statistics.quantiles(values, n=4, method="inclusive"))


class Cell:
    """The figures of one proxy in one row, by round; with any error it has none."""

    def __init__(self):
        self.figures, self.errors = [], []
        self.is_absent = False  # the proxy cannot do this row, or is not to

    @property
    def is_error(self):
        return bool(self.errors) or not (self.figures or self.is_absent)

    def quartiles(self):
        """None when there is no figure that counts."""
        return None if self.errors or not self.figures else quartiles(self.figures)

    def text(self, digits):
        if self.is_absent:
            return "-"
        values = self.quartiles()
        if values is None:
            return "ERR"
        low, middle, high = (f"{value:.{digits}f}" for value in values)
        return f"{middle} ({low}..{high})"


def best_peer(cells):
    """(name, lower quartile) of the best proxy that is not ours; None when none has a figure."""
    found = [(cell.quartiles()[0], name) for name, cell in cells.items()
             if name not in (OURS, LIMIT) and cell.quartiles() is not None]
    return min(found)[::-1] if found else None


def ratios(cells):
    """(ours to the best peer, ours to the limit), of the lower quartiles; None where there is none.

    Noise only ever adds time, so the lower quartile says most about the program.
    """
    ours = cells[OURS].quartiles() if OURS in cells else None
    limit = cells[LIMIT].quartiles() if LIMIT in cells else None
    best = best_peer(cells)
    to_best = ours[0] / best[1] if ours and best and best[1] > 0 else None
    to_limit = ours[0] / limit[0] if ours and limit and limit[0] > 0 else None
    return to_best, to_limit


def tally(table):
    """(cells that are good, cells that are not) of {row: {proxy: Cell}}; absent ones do not count."""
    cells = [cell for row in table.values() for cell in row.values() if not cell.is_absent]
    failed = sum(cell.is_error for cell in cells)
    return len(cells) - failed, failed


def _ratio_text(value):
    return "-" if value is None else f"{value:.2f}"


def markdown(rows, table, names):
    """The table: median (lower..upper quartile); a row for each of `rows` that was measured."""
    head = ["row", "unit", *names, "best peer", "to best", "to limit"]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        cells = table.get(row.name)
        if cells is None:
            continue
        best = best_peer(cells)
        lines.append([row.name, row.unit,
                      *(cells[name].text(row.digits) if name in cells else "-" for name in names),
                      best[0] if best else "-", *map(_ratio_text, ratios(cells))])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def as_json(machine, rows, table):
    result = {"machine": machine, "rows": {}}
    for row in rows:
        cells = table.get(row.name)
        if cells is None:
            continue
        to_best, to_limit = ratios(cells)
        result["rows"][row.name] = {
            "unit": row.unit,
            "to_best_peer": to_best,
            "to_limit": to_limit,
            "proxies": {
                name: {"quartiles": cell.quartiles(), "figures": cell.figures,
                       "errors": cell.errors}
                for name, cell in cells.items() if not cell.is_absent
            },
        }
    return json.dumps(result, indent=1)


def machine_lines(machine):
    """The machine and the versions, a line each."""
    lines = [f"{name}: {machine[name]}" for name in ("cpu", "kernel", "openssl")]
    return lines + [f"{name}: {version}" for name, version in machine["proxies"].items()]
