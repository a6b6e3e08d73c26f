#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sizes, complexity, banned words and missing tests (CONTRIBUTING.md has the rules).

usage: check_sizes.py [ROOT]         prints FILE:LINE: MESSAGE; exit status 1 when there is any
                                     that is no warning
"""
import pathlib
import re
import sys

import csource

FILE_LINES_WARN, FILE_LINES_MAX = 600, 1000
FUNCTION_LINES_WARN, FUNCTION_LINES_MAX = 50, 100
BRANCHES_WARN, BRANCHES_MAX = 25, 40

FOLDERS = ["src", "tests", "bench", "tools", ".ci"]
SOURCE_SUFFIXES = (".c", ".h", ".py", ".sh", ".build", ".yaml", ".yml")
TEXT_SUFFIXES = SOURCE_SUFFIXES + (".md", ".txt", "")
DATA_FOLDERS = ("tests/fuzz/corpus",)  # inputs: whatever is in them is meant to be

LICENSE_LINE = "SPDX-License-Identifier: Apache-2.0"
BRANCH = re.compile(r"\b(?:if|for|while|case)\b|&&|\|\||\?")
BANNED_CALL = re.compile(
    r"(?<![\w.>])(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atoll|alloca)\s*\(")
BANNED_WORD = re.compile(r"\bgoto\b")
UNFINISHED = re.compile(r"\b(?:" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3]) + r")\b")


class Findings:
    """What was found: errors fail the check, warnings are only printed."""

    def __init__(self):
        self.errors, self.warnings = [], []

    def error(self, name, line, message):
        self.errors.append(f"{name}:{line}: {message}")

    def measure(self, name, line, what, value, warn, limit):
        if value > limit:
            self.error(name, line, f"{what}: {value}, at most {limit}")
        elif value > warn:
            self.warnings.append(f"{name}:{line}: warning: {what}: {value}, better {warn}")


def has_license(text):
    lines = text.split("\n", 2)
    first = lines[1] if lines[0].startswith("#!") and len(lines) > 1 else lines[0]
    return LICENSE_LINE in first


def check_functions(name, code, findings):
    for piece in csource.pieces(code):
        if piece.is_function:
            function = re.findall(r"(\w+)\s*\(", piece.head)
            title = function[0] + "()" if function else "function"
            findings.measure(name, piece.line, f"lines of {title}", piece.body.count("\n"),
                             FUNCTION_LINES_WARN, FUNCTION_LINES_MAX)
            findings.measure(name, piece.line, f"branches of {title}",
                             len(BRANCH.findall(piece.body)), BRANCHES_WARN, BRANCHES_MAX)


def check_c(name, text, findings):
    code = csource.strip_directives(csource.strip(text))
    check_functions(name, code, findings)
    macros = csource.strip(text)
    for pattern in (BANNED_CALL, BANNED_WORD):
        for match in pattern.finditer(macros):
            line = macros.count("\n", 0, match.start()) + 1
            findings.error(name, line, f"{match[0].rstrip('( ')} is banned")


def check_text(root, path, findings):
    name = path.relative_to(root).as_posix()
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    is_script = text.startswith("#!")
    if path.suffix in SOURCE_SUFFIXES or is_script or path.name == "meson_options.txt":
        if not has_license(text):
            findings.error(name, 1, f"does not begin with '{LICENSE_LINE}'")
        findings.measure(name, 1, "lines of the file", text.count("\n"), FILE_LINES_WARN,
                         FILE_LINES_MAX)
    for match in UNFINISHED.finditer(text):
        findings.error(name, text.count("\n", 0, match.start()) + 1, f"{match[0]}: finish it")
    if path.suffix in csource.C_SUFFIXES:
        check_c(name, text, findings)


def is_table(text):
    """True when `text` declares something, and no function: its users' tests go through it."""
    pieces = csource.pieces(csource.strip_directives(csource.strip(text)))
    return bool(pieces) and not any(piece.is_function for piece in pieces)


def check_tests(root, findings):
    """Every parser has a unit test, every codec a fuzz target too; a table alone needs neither."""
    for layer in ("codec", "conf"):
        for path in csource.files(root, [f"src/{layer}"], (".c",)):
            if is_table(path.read_text(encoding="utf-8")):
                continue
            wanted = [f"tests/unit/{layer}/test_{path.stem}.c"]
            if layer == "codec":
                wanted.append(f"tests/fuzz/fuzz_{path.stem}.c")
            for test in wanted:
                if not (root / test).is_file():
                    findings.error(path.relative_to(root).as_posix(), 1, f"there is no {test}")


def text_files(root):
    inside = csource.files(root, FOLDERS + ["docs"], TEXT_SUFFIXES)
    at_root = sorted(p for p in root.iterdir() if p.is_file() and p.suffix in TEXT_SUFFIXES
                     and p.name != "LICENSE" and not p.name.startswith("."))
    return [p for p in inside + at_root
            if not p.relative_to(root).as_posix().startswith(DATA_FOLDERS)]


def check(root):
    """Findings of everything under `root`."""
    root = pathlib.Path(root).resolve()
    findings = Findings()
    for path in text_files(root):
        check_text(root, path, findings)
    check_tests(root, findings)
    return findings


def main(argv):
    root = argv[1] if len(argv) > 1 else pathlib.Path(__file__).resolve().parent.parent
    findings = check(root)
    for line in findings.warnings + findings.errors:
        print(line)
    return 1 if findings.errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
