"""Hints: they come, they may be lost, and they never block."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from sluicegate.processes import is_readable
from sluicegate.store import hints
from sluicegate.store.hints import HintSocket


@pytest.fixture(params=["short", "deep"])
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A folder of any name, also one that is too long for an address."""
    made = tmp_path / ("x" if request.param == "short" else "/".join(["a folder"] * 30))
    made.mkdir(parents=True)
    return made


def test_a_hint_comes_once_however_many_were_sent(folder):
    with closing(HintSocket(folder)) as hint_socket:
        assert not is_readable(hint_socket.fileno())
        for _ in range(2_000):  # more than the kernel keeps
            hints.send(folder)
        assert is_readable(hint_socket.fileno())
        hint_socket.drain()
        assert not is_readable(hint_socket.fileno())


def test_a_hint_to_nobody_is_lost(folder):
    hints.send(folder)
    hints.send(folder / "none")
    with closing(HintSocket(folder)):
        pass
    hints.send(folder)  # the socket's file is still there


def test_a_socket_takes_the_place_of_one_that_was_left(folder):
    with closing(HintSocket(folder)), closing(HintSocket(folder)) as later:
        hints.send(folder)
        assert is_readable(later.fileno())


def test_no_descriptor_is_left_open(folder):
    before = len(list(Path("/proc/self/fd").iterdir()))
    with closing(HintSocket(folder)):
        for _ in range(10):
            hints.send(folder)
            hints.send(folder / "none")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
