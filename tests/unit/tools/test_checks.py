# SPDX-License-Identifier: Apache-2.0
"""Each rule of tools/ fires on a bad sample, keeps quiet on a good one, and the tree obeys all."""
import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools"))

import check_layers  # noqa: E402
import check_sizes  # noqa: E402
import tally  # noqa: E402

SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"


def write(root, name, text):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def layers_of(root, name, text):
    write(root, name, text)
    return check_layers.check(root)


class TestLayers:
    @pytest.mark.parametrize("name,line", [
        ("src/codec/a.c", '#include "base/slice.h"'),
        ("src/codec/a.c", '#include "codec/b.h"'),
        ("src/relay/a.c", '#include "tls/session.h"'),
        ("src/relay/a.c", '#include "sys/loop.h"'),
        ("src/app/a.c", '#include "svc/tap.h"'),
        ("src/tls/a.c", "#include <openssl/ssl.h>"),
        ("src/sys/a.c", "#include <sys/epoll.h>"),
        ("src/app/a.c", "#include <sys/wait.h>"),
        ("src/base/addr.h", "#include <sys/socket.h>"),
        ("src/conf/a.c", "#include <yaml.h>"),
        ("src/codec/a.c", '/* #include "app/main.h" */'),
        ("src/base/a.c", '// #include <openssl/ssl.h>'),
    ])
    def test_what_lies_below_may_be_included(self, tmp_path, name, line):
        assert layers_of(tmp_path, name, SPDX + line + "\n") == []

    @pytest.mark.parametrize("name,line,words", [
        ("src/base/a.c", '#include "codec/url.h"', "goes up"),
        ("src/codec/a.h", '#  include "conf/conf.h"', "goes up"),
        ("src/net/a.c", '#include "app/main.h"', "goes up"),
        ("src/tls/a.c", '#include "sys/loop.h"', "goes sideways"),
        ("src/sys/a.c", '#include "tls/session.h"', "goes sideways"),
        ("src/sys/a.c", '#include "loop.h"', "does not begin with the folder"),
        ("src/sys/a.c", '#include "other/loop.h"', "does not begin with the folder"),
        ("src/sys/a.c", '#include "sys/loop.c"', "is not a header"),
        ("src/relay/a.c", "#include <openssl/ssl.h>", "outside src/tls"),
        ("src/conf/a.c", "#include <sys/epoll.h>", "outside src/app and src/sys"),
        ("src/net/a.c", "#include <sys/socket.h>", "outside src/app and src/sys"),
        ("src/base/slice.h", "#include <sys/socket.h>", "outside src/app and src/sys"),
        ("src/base/addr.h", "#include <sys/epoll.h>", "outside src/app and src/sys"),
        ("src/relay/a.c", "#include <sys/wait.h>", "outside src/app and src/sys"),
        ("src/tls/a.c", "#include <sys/mman.h>", "outside src/app and src/sys"),
        ("src/net/a.c", "#include <sys/signalfd.h>", "outside src/app and src/sys"),
        ("src/net/a.c", "#include <sys/timerfd.h>", "outside src/app and src/sys"),
        ("src/svc/a.c", "#include <spawn.h>", "outside src/app and src/sys"),
        ("src/codec/a.c", "#include <yaml.h>", "outside src/conf"),
        ("src/codec/a.c", "#include <time.h>", "has no clock"),
    ])
    def test_what_lies_above_or_beside_may_not(self, tmp_path, name, line, words):
        found = layers_of(tmp_path, name, SPDX + "\n" + line + "\n")
        assert len(found) == 1 and words in found[0]
        assert found[0].startswith(f"{name}:3: ")

    @pytest.mark.parametrize("name", ["src/main.c", "src/other/a.c"])
    def test_every_file_stands_in_a_layer(self, tmp_path, name):
        assert "stands in no folder of a layer" in layers_of(tmp_path, name, SPDX)[0]

    @pytest.mark.parametrize("layer", ["codec", "conf"])
    @pytest.mark.parametrize("call", [
        "malloc(1)", "calloc(1, 1)", "free(p)", "printf(\"x\")", "fprintf(stderr, \"x\")",
        "puts(\"x\")", "time(NULL)", "clock_gettime(0, &t)", "socket(1, 1, 0)",
        "send(1, p, 1, 0)", "read (1, p, 1)", "open(p, 0)", "getenv(p)",
    ])
    def test_a_codec_has_no_heap_clock_stream_or_socket(self, tmp_path, layer, call):
        text = SPDX + f"void f(void)\n{{\n    {call};\n}}\n"
        found = layers_of(tmp_path, f"src/{layer}/a.c", text)
        assert len(found) == 1 and found[0].startswith(f"src/{layer}/a.c:4: ")
        assert layers_of(tmp_path, "src/sys/a.c", text) == found  # free of this rule elsewhere

    @pytest.mark.parametrize("code", [
        "/* never malloc(1) */", "const char *const A = \"malloc(1)\";",
        "void f(void) { sl_url_free(p); x->free(p); x.read(p); snprintf(a, 1, b); }",
    ])
    def test_names_that_look_like_it_are_let_through(self, tmp_path, code):
        assert layers_of(tmp_path, "src/codec/a.c", SPDX + code + "\n") == []

    @pytest.mark.parametrize("code", [
        "int counter;", "static int counter;", "static int counter = 1;",
        "static const char *name = \"a\";", "static const char *names[] = { \"a\" };",
        "struct a { int b; } thing;", "static struct a thing = { .b = 1 };",
        "static struct { int a; } thing;", "static void (*hook)(void);", "extern int shared;",
        "enum { A, B } state;", "static _Thread_local int one;",
        "static uint8_t buffer[16];", "__attribute__((aligned(8))) static int b;",
        "void f(void)\n{\n    static int calls;\n    calls++;\n}",
        "void f(void)\n{\n    if (a) {\n        static char text[9] = { 0 };\n    }\n}",
        "void f(void)\n{\n    static const char *last = NULL;\n}",
    ])
    def test_nothing_mutable_outlives_a_call(self, tmp_path, code):
        found = layers_of(tmp_path, "src/base/a.c", SPDX + code + "\n")
        assert len(found) == 1 and "mutable" in found[0]
        (tmp_path / "src/base/a.c").unlink()
        assert layers_of(tmp_path, "src/app/a.c", SPDX + code + "\n") == []

    @pytest.mark.parametrize("code", [
        "static const int LIMIT = 1;", "static const char *const NAMES[] = { \"a\", \"b\" };",
        "const struct row ROWS[2] = { { 1 }, { 2 } };", "enum { A = 1, B };",
        "static const struct row {\n    const char *name;\n} ROWS[] = { { \"a\" } };",
        "struct a;", "struct a {\n    int *b;\n    void (*c)(int *d);\n};", "typedef int other;",
        "static void (*const HOOK)(void) = f;", "_Static_assert(1 == 1, \"x\");",
        "int f(int *a, void (*b)(int));", "static int f(void);",
        "SL_CHECKED enum sl_err f(const char *x, ...) SL_PRINTF(1, 2);",
        "static inline int f(void)\n{\n    int a = 1;\n    static const int B = 2;\n    return a;\n}",
        "#define COUNT(a) \\\n    static int b;\n",
    ])
    def test_constants_types_and_functions_are_let_through(self, tmp_path, code):
        assert layers_of(tmp_path, "src/base/a.c", SPDX + code + "\n") == []

    def test_the_script_prints_and_fails(self, tmp_path):
        write(tmp_path, "src/base/a.c", SPDX + '#include "app/main.h"\n')
        script = ROOT / "tools" / "check_layers.py"
        done = subprocess.run([sys.executable, script, tmp_path], capture_output=True, text=True,
                              check=False)
        assert done.returncode == 1
        assert done.stdout == ('src/base/a.c:2: "app/main.h" goes up: base may not know app\n')
        (tmp_path / "src/base/a.c").unlink()
        assert subprocess.run([sys.executable, script, tmp_path], check=False).returncode == 0


def sizes_of(root, name, text):
    write(root, name, text)
    return check_sizes.check(root)


def function(body_lines):
    return "void f(void)\n{\n" + "    g();\n" * body_lines + "}\n"


class TestSizes:
    @pytest.mark.parametrize("lines,errors,warnings", [
        (600, 0, 0), (601, 0, 1), (1000, 0, 1), (1001, 1, 0)])
    def test_a_file_is_short(self, tmp_path, lines, errors, warnings):
        found = sizes_of(tmp_path, "src/base/a.c", SPDX + "\n" * (lines - 1))
        assert (len(found.errors), len(found.warnings)) == (errors, warnings)

    @pytest.mark.parametrize("lines,errors,warnings", [
        (49, 0, 0), (50, 0, 1), (99, 0, 1), (100, 1, 0)])
    def test_a_function_is_short(self, tmp_path, lines, errors, warnings):
        found = sizes_of(tmp_path, "src/base/a.c", SPDX + function(lines))
        assert (len(found.errors), len(found.warnings)) == (errors, warnings)
        assert all("lines of f()" in line for line in found.errors + found.warnings)

    @pytest.mark.parametrize("branch", [
        "if (a) b();", "for (;;) b();", "while (a) b();", "case 1:", "b(a && c);", "b(a || c);",
        "b(a ? c : d);"])
    def test_a_function_is_simple(self, tmp_path, branch):
        def found(count):
            return sizes_of(tmp_path, "src/base/a.c",
                            SPDX + "int f(void)\n{\n" + branch * count + "\n}\n")
        assert (found(25).errors, found(25).warnings) == ([], [])
        assert len(found(26).warnings) == 1 and "branches of f()" in found(26).warnings[0]
        assert found(40).errors == [] and len(found(41).errors) == 1

    def test_comments_and_texts_do_not_count(self, tmp_path):
        text = SPDX + "void f(void)\n{\n" + '/* if */ b("if && ?");\n' * 40 + "}\n"
        assert sizes_of(tmp_path, "src/base/a.c", text).errors == []

    @pytest.mark.parametrize("name,text", [
        ("src/base/a.c", "\n" + SPDX), ("tests/unit/base/a.h", "int f(void);\n"),
        ("src/meson.build", "project('a')\n"), ("meson_options.txt", "\n"), ("meson.build", "\n"),
        ("tools/a.py", "#!/usr/bin/env python3\nprint()\n"), ("tools/a.sh", "#!/bin/sh\n"),
        (".ci/run", "#!/bin/sh\ntrue\n"), ("start", "#!/bin/sh\ntrue\n"),
        ("docs/a.yaml", "a: 1\n"),
    ])
    def test_a_source_says_its_license_first(self, tmp_path, name, text):
        found = sizes_of(tmp_path, name, text)
        assert len(found.errors) == 1 and "SPDX" in found.errors[0]

    @pytest.mark.parametrize("name,text", [
        ("tools/a.sh", "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n"),
        ("a.yaml", "# SPDX-License-Identifier: Apache-2.0\n"),
        ("docs/a.md", "# A text\n"), ("tests/fuzz/corpus/url/a", "#!/bin/sh\n"),
        ("tests/fuzz/corpus/conf/a.yaml", "a: 1\n")])
    def test_texts_and_data_need_none(self, tmp_path, name, text):
        assert sizes_of(tmp_path, name, text).errors == []

    @pytest.mark.parametrize("code", [
        "strcpy(a, b);", "strcat(a, b);", "sprintf(a, b);", "gets(a);", "strtok(a, b);",
        "atoi(a);", "alloca(1);", "go" + "to end;"])
    @pytest.mark.parametrize("name", ["src/base/a.c", "tests/unit/base/a.c"])
    def test_banned_words_fail(self, tmp_path, name, code):
        found = sizes_of(tmp_path, name, SPDX + f"void f(void)\n{{\n    {code}\n}}\n")
        assert len(found.errors) == 1 and "is banned" in found.errors[0]
        assert found.errors[0].startswith(f"{name}:4: ")

    def test_banned_words_fail_in_a_macro_too(self, tmp_path):
        found = sizes_of(tmp_path, "src/base/a.h", SPDX + "#define JUMP \\\n    go" + "to end\n")
        assert len(found.errors) == 1

    def test_names_that_look_like_it_are_let_through(self, tmp_path):
        text = SPDX + "void f(void)\n{\n    snprintf(a, 1, b);\n    strtok_r(a, b, c);\n" \
            "    sl_atoi(a);\n    x->gets(a);\n    fgets(a, 1, b);\n}\n"
        assert sizes_of(tmp_path, "src/base/a.c", text).errors == []

    @pytest.mark.parametrize("word", ["TO" + "DO", "FIX" + "ME", "XX" + "X"])
    @pytest.mark.parametrize("name", ["src/base/a.c", "docs/a.md", "README.md", "tools/a.py"])
    def test_nothing_is_left_unfinished(self, tmp_path, name, word):
        found = sizes_of(tmp_path, name, SPDX + f"// {word}: later\n")
        assert len(found.errors) == 1 and found.errors[0].startswith(f"{name}:2: ")
        assert sizes_of(tmp_path, name, SPDX + f"// {word}TEMPLATE{word}\n").errors == []

    def test_every_parser_has_its_tests(self, tmp_path):
        for name in ("src/codec/url.c", "src/conf/conf.c", "src/base/slice.c"):
            write(tmp_path, name, SPDX)
        assert check_sizes.check(tmp_path).errors == [
            "src/codec/url.c:1: there is no tests/unit/codec/test_url.c",
            "src/codec/url.c:1: there is no tests/fuzz/fuzz_url.c",
            "src/conf/conf.c:1: there is no tests/unit/conf/test_conf.c"]
        for name in ("tests/unit/codec/test_url.c", "tests/fuzz/fuzz_url.c",
                     "tests/unit/conf/test_conf.c"):
            write(tmp_path, name, SPDX)
        assert check_sizes.check(tmp_path).errors == []

    def test_a_table_alone_needs_no_test(self, tmp_path):
        write(tmp_path, "src/conf/rows.c", SPDX + "const int sl_rows[] = { 1 };\n")
        assert check_sizes.check(tmp_path).errors == []
        write(tmp_path, "src/conf/rows.c",
              SPDX + "const int sl_rows[] = { 1 };\nint f(void)\n{\n    return 1;\n}\n")
        assert len(check_sizes.check(tmp_path).errors) == 1

    def test_the_script_prints_and_fails_only_for_errors(self, tmp_path):
        script = ROOT / "tools" / "check_sizes.py"

        def run():
            return subprocess.run([sys.executable, script, tmp_path], capture_output=True,
                                  text=True, check=False)
        write(tmp_path, "src/base/a.c", SPDX + function(60))
        assert run().returncode == 0 and "warning" in run().stdout
        write(tmp_path, "src/base/a.c", SPDX + function(200))
        assert run().returncode == 1 and "src/base/a.c:2: " in run().stdout


class TestTally:
    MESON = [{"name": "a", "result": "OK"}, {"name": "b", "result": "FAIL"},
             {"name": "c", "result": "TIMEOUT"}, {"name": "d", "result": "SKIP"},
             {"name": "e", "result": "EXPECTEDFAIL"}, {"name": "f", "result": "ERROR"}]
    JUNIT = ('<?xml version="1.0"?><testsuites><testsuite name="pytest">'
             '<testcase classname="x" name="a"/>'
             '<testcase classname="x" name="b"><failure message="m">t</failure></testcase>'
             '<testcase classname="x" name="c"><error message="m">t</error></testcase>'
             '<testcase classname="x" name="d"><skipped message="m"/></testcase>'
             '<testcase classname="x" name="e"><failure/><error/></testcase>'
             '</testsuite></testsuites>')

    def test_both_kinds_of_report_are_added_up(self, tmp_path, capsys):
        meson, junit = tmp_path / "a.json", tmp_path / "b.xml"
        meson.write_text("\n".join(json.dumps(row) for row in self.MESON) + "\n")
        junit.write_text(self.JUNIT)
        assert tally.main(["tally", str(meson), str(junit)]) == 1
        lines = capsys.readouterr().out.splitlines()
        assert lines[-1] == "3 passed, 6 failed"
        assert [line for line in lines if line.startswith("failed: ")] == [
            "failed: b", "failed: c", "failed: f", "failed: x.b", "failed: x.c", "failed: x.e"]
        assert [line for line in lines if line.startswith("skipped: ")] == [
            "skipped: d", "skipped: x.d"]

    def test_what_is_tried_again_counts_as_it_ends_then(self, tmp_path, capsys):
        first, again = tmp_path / "a.xml", tmp_path / "b.xml"
        first.write_text(self.JUNIT)
        again.write_text('<testsuites><testsuite><testcase classname="x" name="b"/>'
                         '<testcase classname="x" name="c"><failure/></testcase>'
                         '</testsuite></testsuites>')
        assert tally.main(["tally", str(first), "--again", str(again)]) == 1
        lines = capsys.readouterr().out.splitlines()
        assert lines[-1] == "2 passed, 2 failed"
        assert "passed when tried again: x.b" in lines and "failed: x.c" in lines
        assert tally.main(["tally", str(first), "--again", str(tmp_path / "none")]) == 1

    @pytest.mark.parametrize("text", [None, "", "no report"])
    @pytest.mark.parametrize("name", ["a.json", "a.xml"])
    def test_a_report_that_is_not_there_or_empty_is_a_failure(self, tmp_path, capsys, name, text):
        report = tmp_path / name
        if text is not None:
            report.write_text(text)
        assert tally.main(["tally", str(report)]) == 1
        assert capsys.readouterr().out.splitlines()[-1] == "0 passed, 1 failed"

    def test_all_passed_is_success(self, tmp_path, capsys):
        report = tmp_path / "a.json"
        report.write_text(json.dumps(self.MESON[0]) + "\n")
        assert tally.main(["tally", str(report)]) == 0
        assert capsys.readouterr().out == "1 passed, 0 failed\n"


class TestTheTree:
    def test_keeps_to_its_layers(self):
        assert check_layers.check(ROOT) == []

    def test_keeps_to_its_sizes(self):
        assert check_sizes.check(ROOT).errors == []
