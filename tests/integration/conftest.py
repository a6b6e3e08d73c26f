# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the integration suite: certificates, the program, peers that are stopped after."""
import contextlib
import os
import shutil
import tempfile

import pytest

import peers
import pki as pki_module
import sluice


@pytest.fixture(scope="session")
def pki():
    folder = tempfile.mkdtemp(prefix="sl-pki-")
    yield pki_module.Pki(folder)
    shutil.rmtree(folder)


@pytest.fixture
def folder():
    """A folder with a path short enough for unix sockets."""
    path = tempfile.mkdtemp(prefix="sl-")
    os.chmod(path, 0o711)  # workers, who are somebody else when we are root, connect to sockets
    yield path
    shutil.rmtree(path)


@pytest.fixture
def stack():
    """Peers enter here; they leave after the program has been stopped."""
    with contextlib.ExitStack() as exits:
        yield exits


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Lets fixtures see at teardown whether the test failed."""
    outcome = yield
    if call.when == "call":
        item.has_failed = outcome.get_result().failed


@pytest.fixture
def fleet(folder, stack, request):
    del stack  # only so that peers outlive the program
    if not os.access(sluice.BINARY, os.X_OK):
        pytest.fail(f"{sluice.BINARY} is not there: build it or set SLUICE_BIN")
    one = sluice.Fleet(folder)
    yield one
    if getattr(request.node, "has_failed", False):
        for running in one.running:
            print(f"--- log of {' '.join(running.process.args)}\n{running.tail()}")
    one.stop_all()


@pytest.fixture
def backend(stack):
    """backend(behave, context=None, path=None): a Python backend for this test."""

    def start(behave=peers.echo, **options):
        return stack.enter_context(peers.Backend(behave, **options))

    return start
