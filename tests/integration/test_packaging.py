# SPDX-License-Identifier: Apache-2.0
"""What goes beside the program: manual pages, completions, the example, the profile."""
import pathlib
import re
import shutil
import subprocess

import pytest

import sluice

PACKAGING = sluice.ROOT / "packaging"


def printed(*args):
    done = sluice.command(*args)
    assert done.returncode == 0, done.stderr
    return done.stdout


def options_of(command):
    return re.findall(r"^  (-\S+)", printed("help", command), re.MULTILINE)


COMMANDS = ["run", "check", "config", "demo", "version", "help"]


class TestManual:
    PAGES = {"sluice.1": ("help", "man"), "sluice.yaml.5": ("config", "--man")}

    @pytest.mark.parametrize("page", PAGES)
    @pytest.mark.skipif(shutil.which("mandoc") is None, reason="no mandoc")
    def test_its_troff_has_no_mistake(self, folder, page):
        path = pathlib.Path(folder) / page
        path.write_text(printed(*self.PAGES[page]))
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", path], capture_output=True,
                              text=True, check=False)
        said = [line for line in done.stdout.splitlines() if "missing date" not in line]
        assert not said

    def test_every_command_and_option_is_in_it(self):
        text = printed("help", "man").replace("\\-", "-")
        for command in COMMANDS:
            assert re.search(rf"^\\fBsluice {command}\b", text, re.MULTILINE), command
            for option in options_of(command):
                assert f"\\fB{option}\\fR" in text, option

    def test_every_option_of_the_configuration_is_in_it(self):
        text = printed("config", "--man").replace("\\-", "-")
        keys = re.findall(r"^\| `(\w+)` \|", printed("config", "--markdown"), re.MULTILINE)
        assert len(keys) > 50
        for key in keys:
            assert f"\n.TP\n.B {key}\n" in text, key

    def test_no_line_of_a_text_is_taken_for_a_request(self):
        known = {"TH", "SH", "SS", "PP", "TP", "B", "I", "IR", "BI", "BR", "EX", "EE", "RS", "RE",
                 "br"}
        for args in self.PAGES.values():
            requests = re.findall(r"^[.'](\S*)", printed(*args), re.MULTILINE)
            assert requests and set(requests) <= known


def completed(folder, *words):
    """What bash offers for the last of the words."""
    script = pathlib.Path(folder) / "completion"
    script.write_text(printed("help", "bash"))
    ask = (f"set -eu; . {script}; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _sluice; "
           "printf '%s\\n' \"${COMPREPLY[@]}\"")
    done = subprocess.run(["bash", "-c", ask, "bash", "sluice", *words], capture_output=True,
                          text=True, check=True, cwd=folder)
    return set(done.stdout.split())


class TestCompletion:
    def test_bash_begins_with_the_commands(self, folder):
        assert completed(folder, "") == {*COMMANDS, "tls://", "tcp://", "unix:"}
        assert completed(folder, "che") == {"check"}

    @pytest.mark.parametrize("command", ["run", "check", "config", "demo"])
    def test_bash_knows_the_options_of_each_command(self, folder, command):
        assert completed(folder, command, "-") == set(options_of(command))

    def test_bash_knows_values(self, folder):
        (pathlib.Path(folder) / "one.yaml").write_text("")
        assert completed(folder, "check", "-c", "one") == {"one.yaml"}
        assert completed(folder, "tls://:1", "tcp://:2", "--verify", "") == {"on", "off"}

    def test_zsh_gets_each_option_with_its_text(self):
        text = printed("help", "zsh")
        assert text.startswith("#compdef sluice\n")
        for command in COMMANDS:
            for option in options_of(command):
                assert f"'{option}[" in text, option

    @pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh")
    def test_zsh_can_read_it(self, folder):
        path = pathlib.Path(folder) / "_sluice"
        path.write_text(printed("help", "zsh"))
        subprocess.run(["zsh", "-n", path], check=True)


class TestFiles:
    def test_the_example_is_a_configuration_once_its_services_are_set(self, folder, pki):
        text = (PACKAGING / "sluice.yaml").read_text()
        path = pathlib.Path(folder) / "sluice.yaml"
        path.write_text(text)
        done = sluice.command("check", "-c", path)
        assert done.returncode == 2 and "services" in done.stderr
        for old, new in [("/etc/sluice/web.pem", pki.server.chain), ("tls://:443", "tls://127.0.0.1:0"),
                         ("/etc/sluice/private/web.key", pki.server.key),
                         ("127.0.0.1:5432", "127.0.0.1:0"), ("db.example.com", "127.0.0.1")]:
            text = text.replace(old, str(new))
        path.write_text(re.sub(r"^  #(?=\w|  )", "  ", text, flags=re.MULTILINE))
        done = sluice.command("check", "-c", path)
        assert done.returncode == 0, done.stderr + path.read_text()

    @pytest.mark.skipif(shutil.which("apparmor_parser") is None, reason="no apparmor_parser")
    def test_the_profile_can_be_read(self, folder):
        done = subprocess.run(["apparmor_parser", "--skip-kernel-load", "--skip-cache",
                               PACKAGING / "usr.bin.sluice"], capture_output=True, text=True,
                              check=False, cwd=folder)
        assert done.returncode == 0, done.stderr

    @pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze")
    @pytest.mark.parametrize("unit", ["sluice.service", "sluice.socket"])
    def test_the_units_have_no_mistake(self, folder, unit):
        for one in ["sluice.service", "sluice.socket"]:
            text = (PACKAGING / one).read_text()
            (pathlib.Path(folder) / one).write_text(
                text.replace("/usr/bin/sluice", sluice.BINARY))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", f"{folder}/{unit}"],
                              capture_output=True, text=True, check=False)
        said = [line for line in done.stderr.splitlines() if "sluice" in line]
        assert not said
