# SPDX-License-Identifier: Apache-2.0
"""Another configuration for a program that runs."""
import json
import os
import signal
import threading

import ends
import sluice

CLIENTS_COUNT = 4
LONG_COUNT = 6
ROUND_BYTES = 20_000


def rewrite(one, config):
    """Over the file that fleet.run has written; in one step, as an editor would."""
    full = {"workers": 1, "log": {"format": "json"}, **config}
    path = one.folder / "sluice.yaml"
    sluice.write_config(one.folder / "new.yaml", full)
    os.rename(one.folder / "new.yaml", path)


def ask(one):
    """HUP; gives the line of what came of it."""
    count = len(outcomes(one))
    one.signal(signal.SIGHUP)
    return wait_outcome(one, count)


def outcomes(one):
    with one._news:
        return [r for r in one.records if r.get("event") in ("reloaded", "reload_failed")]


def wait_outcome(one, count):
    sluice.until(lambda: len(outcomes(one)) > count, "the end of a reload", 30.0)
    record = outcomes(one)[count]
    if record["event"] == "reloaded":
        one.services = json.loads(one.ready_file.read_text())["services"]
    return record


def reload(one, config=None):
    """It has to work."""
    if config is not None:
        rewrite(one, config)
    record = ask(one)
    assert record["event"] == "reloaded", one.tail()
    return record


def refuse(one, config=None):
    """It has to be refused."""
    if config is not None:
        rewrite(one, config)
    record = ask(one)
    assert record["event"] == "reload_failed", one.tail()
    return record


def peer_cert(address, ca, name="localhost"):
    """What a new connection is shown, as DER."""
    with ends.tls_dial(address, ends.client_context(ca), name=name) as client:
        return client.tls.getpeercert(binary_form=True)


class Load:
    """Clients that connect, send and count every byte that comes back, again and again; and some
    that keep one connection over all reloads."""

    def __init__(self, address, ca):
        self.address, self.ca = address, ca
        self.failures, self.count, self.long_count = [], 0, 0
        self.is_over = threading.Event()
        self.threads = [threading.Thread(target=self.guard, args=(self.short,), daemon=True)
                        for _ in range(CLIENTS_COUNT)]
        self.threads += [threading.Thread(target=self.guard, args=(self.long,), daemon=True)
                         for _ in range(LONG_COUNT)]

    def guard(self, run):
        try:
            run()
        except (OSError, AssertionError, ends.Truncated) as error:
            self.failures.append(repr(error))

    def short(self):
        context = ends.client_context(self.ca)
        text = os.urandom(ROUND_BYTES)
        while not self.is_over.is_set():
            with ends.tls_dial(self.address, context) as client:
                client.send(text)
                assert client.recv_exactly(len(text)) == text
                client.end()
                assert client.fate() == "clean"
            self.count += 1

    def long(self):
        with ends.tls_dial(self.address, ends.client_context(self.ca)) as client:
            number = 0
            while not self.is_over.is_set():
                text = b"%08d" % number
                client.send(text)
                assert client.recv_exactly(8) == text
                number += 1
                self.long_count += 1
                self.is_over.wait(0.02)
            client.end()
            assert client.fate() == "clean"

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for thread in self.threads:
            thread.join(60)
