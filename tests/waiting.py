"""Waiting for a state: never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
BOUND_S = 120.0
"""How long a test waits for what should happen at once, before it fails: a busy machine is no failure."""
EVERY_S = 0.005, 0.1
"""How long a test waits before it asks again, at first and at most: what it waits for needs the processor."""


def eventually(what: Callable[[], T | None]) -> T:
    """Ask until the answer is truthy, ever more rarely the longer it takes; it is returned."""
    began = time.monotonic()
    while not (answer := what()):
        waited = time.monotonic() - began
        assert waited < BOUND_S, f"not within {BOUND_S} s: {answer!r}"
        time.sleep(max(EVERY_S[0], min(waited / 10, EVERY_S[1])))
    return answer
