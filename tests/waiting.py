"""Waiting for a state: never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
BOUND_S = 120.0
"""How long a test waits for what should happen at once, before it fails: a busy machine is no failure."""
EVERY_S = 0.005


def eventually(what: Callable[[], T | None]) -> T:
    """Ask until the answer is truthy; it is returned."""
    ends = time.monotonic() + BOUND_S
    while not (answer := what()):
        assert time.monotonic() < ends, f"not within {BOUND_S} s: {answer!r}"
        time.sleep(EVERY_S)
    return answer
