# SPDX-License-Identifier: Apache-2.0
"""Sizes and bounds of the suite; smaller sizes and longer bounds under the sanitizers and
strace."""
import hashlib
import os
import time

SANITIZED = os.environ.get("SLUICE_SANITIZED") == "1"
SLOW = SANITIZED or "SLUICE_TRACES" in os.environ

MIB = 1 << 20
BIG_BYTES = 64 * MIB if SLOW else 1 << 30
AT_ONCE_COUNT = 1000
SHORT_COUNT = 1000 if SLOW else 10000
PATIENCE = 4.0 if SLOW else 1.0  # every bound is multiplied by this

POLL_S = 0.01


def until(condition, what, timeout_s=10.0):
    """Polls until condition() is true and gives its value; fails after the bound."""
    deadline = time.monotonic() + timeout_s * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s * PATIENCE:g} s: {what}")
        time.sleep(POLL_S)


def until_still(counter, what, still_s=1.0, timeout_s=30.0):
    """Polls until counter() has been above 0 and unchanged for still_s; gives the value."""
    state = {"value": counter(), "since": time.monotonic()}

    def is_still():
        value = counter()
        now = time.monotonic()
        if value != state["value"]:
            state.update(value=value, since=now)
        return value > 0 and now - state["since"] >= still_s

    until(is_still, what, timeout_s)
    return state["value"]


def blocks(total_bytes, seed=b"sluice"):
    """Yields total_bytes of data in which no two 64 KiB pieces are alike."""
    size = 1 << 16
    base = hashlib.shake_128(seed).digest(size)
    sent = 0
    while sent < total_bytes:
        block = sent.to_bytes(8, "big") + base[8:]
        yield block[: min(size, total_bytes - sent)]
        sent += size


def blocks_hash(total_bytes, seed=b"sluice"):
    """The SHA-256 of blocks(total_bytes)."""
    digest = hashlib.sha256()
    for block in blocks(total_bytes, seed):
        digest.update(block)
    return digest.hexdigest()
